/* threads: none */
/* Findings are stored once, change and end, and are parts of incidents; one process owns a project. On SQLite and on PostgreSQL. */
#include "meta/meta_fixture.h"
#include <math.h>

#include "findings/finding.h"
#include "incidents/incident_store.h"
#include "meta/meta.h"

#define MINUTE INT64_C(60000000)
#define NOW_US (INT64_C(1790000000) * 1000000)

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct arena arena;
    struct finding found[20];
    uint32_t count;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static bool note(void *ctx, const struct finding *finding)
{
    struct fixture *fixture = ctx;
    if (fixture->count < COUNT_OF(fixture->found)) fixture->found[fixture->count++] = *finding;
    return true;
}

static void list(struct fixture *fixture, struct finding_filter filter)
{
    struct err err = { 0 };
    filter.limit = 20;
    fixture->count = 0;
    if (!finding_list(fixture->db, fixture->shop.id, &fixture->arena, &filter, note, fixture, &err))
        fail_msg("%s", err.text);
}

static const struct watch_subject cart = { .service = { (const uint8_t *)"cart", 4 },
                                           .endpoint = { (const uint8_t *)"0190a3c0-0000-7000-8000-000000000001", 36 },
                                           .method = { (const uint8_t *)"GET", 3 },
                                           .route = { (const uint8_t *)"/it's", 5 },
                                           .kind = "server" };

static struct detect_finding errors(void)
{
    return (struct detect_finding){ .kind = DETECT_ERROR_RATE,
                                    .change = DETECT_OPENED,
                                    .is_up = true,
                                    .begin_unix_us = NOW_US - 10 * MINUTE,
                                    .found_unix_us = NOW_US - 5 * MINUTE,
                                    .window_minutes = 10,
                                    .value = 0.31,
                                    .expected = 0.01,
                                    .low = 0,
                                    .high = 0.02,
                                    .effect = 0.3,
                                    .z = 22,
                                    .p = 1e-9,
                                    .rows = 600 };
}

static void tell(struct fixture *fixture, const struct detect_finding *found, const struct watch_subject *subject,
                 bool is_told)
{
    struct err err = { 0 };
    if (!finding_tell(fixture->db, fixture->shop.id, found, subject, is_told, NOW_US, &err)) fail_msg("%s", err.text);
}

/* Goal: a finding told twice is one; its end ends its signal; what is of the past wakes nobody; numbers that are none are stored. */
static void test_findings(void **state)
{
    struct fixture *fixture = *state;
    struct detect_finding found = errors();
    tell(fixture, &found, &cart, true);
    tell(fixture, &found, &cart, true); /* once more, after a crash */
    list(fixture, (struct finding_filter){ .is_open = true });
    assert_int_equal(fixture->count, 1);
    const struct finding *one = &fixture->found[0];
    assert_int_equal(one->number, 1);
    assert_int_equal(one->severity, INCIDENT_CRITICAL);
    assert_true(one->incident > 0);
    assert_string_equal(finding_title(&fixture->arena, one), "More errors of GET /it's of cart: 31%, usually 1%");
    const char *sql = finding_sql(&fixture->arena, one);
    assert_non_null(strstr(sql, "= ANY(hashes)"));
    assert_non_null(strstr(sql, "resource___service___name = 'cart' AND kind = 'server'"));
    int64_t number = one->incident;

    struct detect_finding slower = errors(), past = errors(), all = errors();
    slower.kind = DETECT_LATENCY;
    slower.value = 3e9;
    slower.expected = 0;
    slower.effect = INFINITY;
    tell(fixture, &slower, &cart, true);
    past.found_unix_us -= 600 * MINUTE;
    past.begin_unix_us -= 600 * MINUTE;
    tell(fixture, &past, &cart, false);
    all.kind = DETECT_SILENCE;
    all.is_up = false;
    tell(fixture, &all, NULL, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->count, 4);
    assert_int_equal(fixture->found[0].number, 4); /* newest first */
    assert_string_equal(finding_title(&fixture->arena, &fixture->found[0]), "Nothing comes of all services");
    assert_int_equal(fixture->found[1].incident, 0);      /* of the past */
    assert_int_equal(fixture->found[2].incident, number); /* of the same service at the same time */

    found.change = DETECT_CLOSED;
    found.end_unix_us = NOW_US - MINUTE;
    tell(fixture, &found, &cart, true);
    list(fixture, (struct finding_filter){ .is_open = true, .service = cart.service });
    assert_int_equal(fixture->count, 2);
    list(fixture, (struct finding_filter){ .from_unix_us = NOW_US - 2 * MINUTE, .to_unix_us = NOW_US, .before = 2 });
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->found[0].end_unix_us, NOW_US - MINUTE);
    struct finding again;
    bool is_there;
    struct err err = { 0 };
    assert_true(finding_find(fixture->db, fixture->shop.id, &fixture->arena, 1, &again, &is_there, &err) && is_there);
    assert_true(again.end_unix_us == NOW_US - MINUTE && again.incident == number);
    for (int64_t none = 0; none < 198; none += 99)
        assert_true(finding_find(fixture->db, fixture->shop.id, &fixture->arena, none, &again, &is_there, &err) &&
                    !is_there);
    assert_true(finding_expire(fixture->db, fixture->shop.id, NOW_US, &err));
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->count, 3); /* those that go on stay */
}

/* Goal: one owner, until its time is over or it lets go. */
static void test_owner(void **state)
{
    struct fixture *fixture = *state;
    const struct uuid one = { { 1 } }, other = { { 2 } };
    struct err err = { 0 };
    bool got;
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US, &got, &err) && got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + 1, &got, &err) && !got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US + MINUTE, &got, &err) && got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + FINDING_LEASE_US, &got, &err) &&
                !got);
    assert_true(
        finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + MINUTE + FINDING_LEASE_US + 1, &got, &err) &&
        got);
    assert_true(finding_owner_release(fixture->db, other, &err));
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US, &got, &err) && got);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_findings, setup, teardown), DB_BOTH(test_owner, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
