/* What is usual, in the metadata. On SQLite and on PostgreSQL. */
#include "findings/findings_fixture.h"

#include "findings/finding_usual.h"

static const struct uuid ours = { { 1 } }, others = { { 2 } };

static void take(struct fixture *fixture, struct uuid owner, int64_t now)
{
    struct err err = { 0 };
    bool got;
    if (!finding_owner_take(fixture->db, fixture->shop.id, owner, now, &got, &err)) fail_msg("%s", err.text);
    assert_true(got);
}

static bool store(struct fixture *fixture, const char *part, struct uuid owner, struct bytes bytes)
{
    struct err err = { 0 };
    bool is_stored;
    if (!finding_usual_store(fixture->db, fixture->shop.id, part, owner, bytes, NOW_US, &is_stored, &err))
        fail_msg("%s", err.text);
    return is_stored;
}

static void holds(struct fixture *fixture, const char *part, struct bytes wanted)
{
    struct err err = { 0 };
    struct buf out;
    bool is_there;
    buf_init(&out, 4 << 20);
    if (!finding_usual_load(fixture->db, fixture->shop.id, part, &out, &is_there, &err)) fail_msg("%s", err.text);
    assert_int_equal(is_there, wanted.len > 0);
    assert_true(bytes_equal(buf_bytes(&out), wanted));
    buf_deinit(&out);
}

/* Goal: what was stored comes back whole, of each part, pieces and all, and fewer replace more; who has lost the project stores nothing; what
 * is too much is not stored, and where there is no room nothing is half there. */
static void test_stored(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct buf small;
    bool is_there;
    size_t len = (5u << 19) + 7; /* two and a half pieces */
    uint8_t *many = arena_alloc(&fixture->arena, len);
    for (size_t b = 0; b < len; b++) many[b] = (uint8_t)(b * 2654435761u >> 13);
    holds(fixture, "watch", BYTES(""));
    assert_false(store(fixture, "watch", ours, bytes_from(many, 10))); /* nobody has it */
    take(fixture, ours, NOW_US);
    assert_true(store(fixture, "watch", ours, bytes_from(many, len)));
    assert_true(store(fixture, "metrics", ours, bytes_from(many + 1, 20)));
    holds(fixture, "watch", bytes_from(many, len));
    holds(fixture, "metrics", bytes_from(many + 1, 20));
    buf_init(&small, 2 << 20);
    assert_true(buf_add(&small, "x", 1));
    if (!finding_usual_load(fixture->db, fixture->shop.id, "watch", &small, &is_there, &err)) fail_msg("%s", err.text);
    assert_true(!is_there && small.len == 1);
    buf_deinit(&small);
    assert_false(store(fixture, "watch", ours, bytes_from(many, FINDING_USUAL_BYTES_MAX + 1)));
    take(fixture, others, NOW_US + FINDING_LEASE_US + 1);
    assert_false(store(fixture, "watch", ours, bytes_from(many, 10)));
    holds(fixture, "watch", bytes_from(many, len));
    assert_true(store(fixture, "watch", others, bytes_from(many, 10)));
    holds(fixture, "watch", bytes_from(many, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
