/* threads: none */
/* What a model says of a finding, and who asks it when. On SQLite and on PostgreSQL. */
#include "findings/finding_account.h"
#include "findings/findings_fixture.h"

/* Goal: what a model says stands when each sentence is in the evidence that it names, and else nothing of it does. */
static void test_judge(void **state)
{
    struct finding_evidence evidence = { { BYTES("More errors of GET /cart of cart: 31%, usually 1%"),
                                           BYTES("{\"place\":\"payments\",\"release\":{\"version\":\"2.0\"}}") },
                                         2 };
    static const struct {
        const char *sentences;
        bool stands;
    } cases[] = {
        { "{\"text\":\"31% of the requests of `cart` fail.\",\"evidence\":[\"E1\"]}", true },
        { "{\"text\":\"`cart` fails (31%) since release `2.0` of `payments`.\",\"evidence\":[\"E1\",\"E2\"]}", true },
        { "{\"text\":\"`cart` fails (31%) since release `2.0` of `payments`.\",\"evidence\":[\"E1\"]}", false },
        { "{\"text\":\"32% of the requests of `cart` fail.\",\"evidence\":[\"E1\"]}", false },
        { "{\"text\":\"`billing` is down.\",\"evidence\":[\"E2\"]}", false },
        { "{\"text\":\"It fails.\",\"evidence\":[]}", false },
        { "{\"text\":\"It fails.\",\"evidence\":[\"E3\"]}", false },
        { "{\"text\":\"It fails.\",\"evidence\":[\"e1\"]}", false },
        { "{\"text\":\"\",\"evidence\":[\"E1\"]}", false },
        { "{\"text\":\"It fails.\",\"evidence\":[\"E1\"]},{\"text\":\"`billing` too.\",\"evidence\":[\"E1\"]}", false },
        { "", false },
    };
    struct arena arena;
    struct bytes content;
    struct err err = { 0 };
    (void)state;
    arena_init(&arena, 0);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct bytes json = bytes_of_text(arena_printf(&arena, "{\"sentences\":[%s]}", cases[c].sentences));
        bool stands = finding_account_judge(json, &evidence, &arena, &content, &err);
        if (stands != cases[c].stands || stands != (content.len > 0))
            fail_msg("%s: %s", cases[c].sentences, stands ? "taken" : err.text);
    }
    assert_true(finding_account_judge(
        BYTES("{\"sentences\":[{\"text\":\"<b>[payments](http://x)</b> has `2.0`\",\"evidence\":[\"E2\",\"E1\"]}]}"),
        &evidence, &arena, &content, &err));
    assert_true(
        bytes_equal(content, BYTES("[{\"text\":\"payments has `2.0`\",\"evidence\":[\"cause 1\",\"finding\"]}]")));
    arena_deinit(&arena);
}

static bool take(struct fixture *fixture, int64_t number, int64_t now)
{
    const struct finding_wish wish = { fixture->shop.id, number };
    struct err err = { 0 };
    bool got;
    if (!finding_account_take(fixture->db, &wish, now, &got, &err)) fail_msg("%s", err.text);
    return got;
}

static uint32_t due(struct fixture *fixture, int64_t now, int64_t *first)
{
    struct finding_wish *wishes;
    struct err err = { 0 };
    uint32_t count;
    if (!finding_account_due(fixture->db, now, &fixture->arena, &wishes, &count, &err)) fail_msg("%s", err.text);
    *first = count > 0 ? wishes[0].number : 0;
    return count;
}

static void endpoint_tell(struct fixture *fixture, struct detect_finding found, const char *endpoint)
{
    struct watch_subject subject = cart;
    subject.endpoint = bytes_of_text(endpoint);
    tell(fixture, &found, &subject, true);
}

/* Goal: a finding that people are told of is asked about once, when its causes were looked at, by one process, while it goes on, and not
 * more often than the hour allows; what was said is kept, and goes with it. */
static void test_account(void **state)
{
    struct fixture *fixture = *state;
    struct detect_finding found = errors();
    struct finding_account account;
    struct err err = { 0 };
    int64_t first;
    for (int n = 1; n <= ACCOUNT_HOUR_MAX + 4; n++) {
        found.is_up = n > 1; /* the first is good news */
        endpoint_tell(fixture, found, arena_printf(&fixture->arena, "%d", n));
    }
    assert_int_equal(due(fixture, NOW_US, &first), 0);
    for (int64_t n = 1; n <= ACCOUNT_HOUR_MAX + 4; n++) {
        struct finding one;
        bool is_there;
        assert_true(finding_find(fixture->db, fixture->shop.id, &fixture->arena, n, &one, &is_there, &err) && is_there);
        assert_true(finding_explain(fixture->db, &one, NULL, NOW_US + n, &err));
        assert_true(finding_explain(fixture->db, &one, NULL, NOW_US + 9 * MINUTE, &err));
    }
    assert_int_equal(due(fixture, NOW_US + MINUTE, &first), ACCOUNT_HOUR_MAX + 3);
    assert_int_equal(first, 2);
    found.change = DETECT_CLOSED;
    found.end_unix_us = NOW_US;
    endpoint_tell(fixture, found, "2");
    assert_false(take(fixture, 2, NOW_US)); /* it is over */
    for (int64_t n = 3; n < 3 + ACCOUNT_HOUR_MAX; n++) assert_true(take(fixture, n, NOW_US + n));
    assert_false(take(fixture, 3, NOW_US + MINUTE)); /* once */
    assert_false(take(fixture, 3 + ACCOUNT_HOUR_MAX, NOW_US + MINUTE));
    assert_int_equal(due(fixture, NOW_US + 59 * MINUTE, &first), 3); /* over the hour's, and the one that is over */
    assert_true(take(fixture, 3 + ACCOUNT_HOUR_MAX, NOW_US + 61 * MINUTE));
    assert_int_equal(due(fixture, NOW_US + 61 * MINUTE, &first), 0); /* too old */

    const struct finding_wish wish = { fixture->shop.id, 3 };
    assert_true(finding_account_find(fixture->db, fixture->shop.id, 3, &fixture->arena, &account, &err));
    assert_int_equal(account.content.len, 0);
    assert_true(finding_account_put(fixture->db, &wish, BYTES("[]"), "m-1 at host", "", &err));
    assert_true(finding_account_find(fixture->db, fixture->shop.id, 3, &fixture->arena, &account, &err));
    assert_true(bytes_equal(account.content, BYTES("[]")) && bytes_equal(account.model, BYTES("m-1 at host")));
    assert_int_equal(account.asked_unix_us, NOW_US + 3);
    endpoint_tell(fixture, found, "3");
    assert_true(finding_expire(fixture->db, fixture->shop.id, NOW_US + MINUTE, &err));
    assert_true(finding_account_find(fixture->db, fixture->shop.id, 3, &fixture->arena, &account, &err));
    assert_int_equal(account.asked_unix_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_judge), DB_BOTH(test_account, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
