/* threads: none */
/* Errors in the database: exact and the same in any order, users up to a number, gone at their age; on SQLite and PostgreSQL. */
#include "meta/db_fixture.h"
#include "meta/error.h"
#include "meta/tap_position.h"

#define NOW_US  INT64_C(1795744860000000) /* 2026-11-27, a minute after an hour began */
#define PROJECT ((struct uuid){ { 7, 7 } })
#define TABLE   "otel_logs_and_spans"

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    struct err err = { 0 };
    db_fixture_open(fixture);
    for (uint8_t owner = 1; owner <= 2; owner++) {
        char app_id[32];
        uint64_t position = 99;
        snprintf(app_id, sizeof app_id, "app/%u", owner);
        if (!tap_position_take(fixture->db, ERROR_TAP, app_id, (struct uuid){ { owner } }, NOW_US, &position, &err))
            fail_msg("%s", err.text);
        assert_int_equal(position, 0);
    }
    return 0;
}
static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

/* count events of fingerprint number n at one time, of one user each from `user` on, when that is not 0. */
struct event {
    uint8_t n;
    int64_t at_us, count, user, users;
    const char *text, *release;
};
static void events_store(struct db *db, uint8_t owner, uint64_t position, struct event event)
{
    static struct error_user users[2 * ERROR_USERS_MAX];
    struct err err = { 0 };
    char app_id[32];
    struct bytes text = bytes_of_text(event.text);
    struct error_counted counted = { .project_id = PROJECT,
                                     .id = { { event.n } },
                                     .service = BYTES("cart"),
                                     .family = BYTES("shop"),
                                     .language = text, /* goes with the first event */
                                     .made_by = 2,
                                     .errors_version = 1,
                                     .first_event = text,
                                     .last_event = text,
                                     .first_unix_us = event.at_us,
                                     .last_unix_us = event.at_us,
                                     .row_count = event.count };
    struct error_count count = {
        PROJECT, { { event.n } }, event.at_us - event.at_us % ERROR_MINUTE_US, BYTES("production"), event.count
    };
    struct error_release release = {
        PROJECT,     { { event.n } }, bytes_of_text(event.release), BYTES("production"), event.at_us,
        event.at_us, event.count
    };
    for (int64_t u = 0; u < event.users; u++)
        users[u] = (struct error_user){ PROJECT, { { event.n } }, event.user + u, event.at_us, event.at_us };
    snprintf(app_id, sizeof app_id, "app/%u", owner);
    struct error_changes changes = { .app_id = app_id,
                                     .owner = { { owner } },
                                     .position_before = position - 1,
                                     .position = position,
                                     .fingerprints = &counted,
                                     .counts = &count,
                                     .releases = &release,
                                     .users = users,
                                     .fingerprint_count = 1,
                                     .count_count = 1,
                                     .release_count = 1,
                                     .user_count = (size_t)event.users };
    if (!error_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}

static struct error_known known_of(struct db *db, struct arena *arena, uint8_t n)
{
    struct error_known known;
    struct err err = { 0 };
    if (!error_get(db, PROJECT, (struct uuid){ { n } }, arena, &known, &err)) fail_msg("%s", err.text);
    return known;
}

/* Goal: what is stored is the same whoever stores it in which order, and counts once; an issue that was given stays.
 * Method: events of two partitions, two of them at one time, in two orders; one part twice. */
static void test_any_order(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct arena arena;
    struct err err = { 0 };
    int64_t before, after;
    arena_init(&arena, 0);
    assert_true(db_change_number(db, ERROR_TOPIC, &before, &err));
    const struct event parts[] = {
        { 1, NOW_US + 5, 10, 1, 2, "e", "2.0" }, { 1, NOW_US, 4, 1, 1, "c", "1.0" }, { 1, NOW_US, 1, 3, 1, "b", "1.0" },
        { 1, NOW_US + 5, 2, 2, 2, "d", "2.0" },  { 2, NOW_US, 1, 0, 0, "x", "" },
    };
    for (int order = 0; order < 2; order++) {
        uint64_t positions[2] = { 0 };
        for (size_t p = 0; p < COUNT_OF(parts); p++) {
            struct event event = parts[order ? COUNT_OF(parts) - 1 - p : p];
            uint8_t owner = (uint8_t)(1 + p % 2);
            event.n = (uint8_t)(event.n + 10 * order);
            events_store(db, owner, ++positions[owner - 1] + (order ? owner == 1 ? 3 : 2 : 0), event);
            if (p == 0)
                events_store(db, owner, positions[owner - 1] + (order ? 3 : 0), event); /* its answer was lost */
        }
    }
    for (uint8_t n = 1; n <= 11; n = (uint8_t)(n + 10)) {
        struct error_known known = known_of(db, &arena, n);
        assert_true(bytes_equal(known.counted.first_event, BYTES("b")));
        assert_true(bytes_equal(known.counted.language, BYTES("b")));
        assert_true(bytes_equal(known.counted.last_event, BYTES("e")));
        assert_true(bytes_equal(known.counted.family, BYTES("shop")));
        assert_int_equal(known.counted.first_unix_us, NOW_US);
        assert_int_equal(known.counted.last_unix_us, NOW_US + 5);
        assert_int_equal(known.counted.row_count, 17);
        assert_int_equal(known.user_count, 3);
        assert_int_equal(known.issue, 0);
    }
    assert_int_equal(db_fixture_number(db, "SELECT CAST(SUM(row_count) AS bigint) FROM error_minutes"), 36);
    assert_int_equal(db_fixture_number(db, "SELECT CAST(SUM(row_count) AS bigint) FROM error_hours"), 36);
    assert_int_equal(db_fixture_number(db, "SELECT CAST(SUM(row_count) AS bigint) FROM error_releases"), 36);
    assert_int_equal(db_fixture_number(db, "SELECT row_count FROM error_releases WHERE release = '2.0' LIMIT 1"), 12);
    assert_true(db_change_number(db, ERROR_TOPIC, &after, &err));
    assert_int_equal(after - before, 10);

    db_fixture_run(db, "UPDATE error_fingerprints SET issue = 3, is_changed = 0");
    events_store(db, 1, 7, (struct event){ 1, NOW_US + 9, 1, 0, 0, "a", "" });
    assert_int_equal(known_of(db, &arena, 1).issue, 3);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM error_fingerprints WHERE is_changed = 1"), 1);
    struct error_known known;
    assert_false(error_get(db, PROJECT, (struct uuid){ { 99 } }, &arena, &known, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    arena_deinit(&arena);
}

/* Goal: of users those with the least hashes are kept, the same ones in whatever order they come.
 * Method: one more than are kept, the greatest first; then the least. */
static void test_users_up_to_a_number(void **state)
{
    struct db_fixture *fixture = *state;
    struct arena arena;
    arena_init(&arena, 0);
    events_store(fixture->db, 1, 1, (struct event){ 1, NOW_US, 1, 10, ERROR_USERS_MAX, "a", "" });
    assert_int_equal(known_of(fixture->db, &arena, 1).user_count, ERROR_USERS_MAX);
    events_store(fixture->db, 1, 2, (struct event){ 1, NOW_US + 1, 1, 5, 6, "a", "" }); /* 5 to 9, and one of them */
    assert_int_equal(known_of(fixture->db, &arena, 1).user_count, ERROR_USERS_MAX);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT min(user_hash) FROM error_users"), 5);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT max(user_hash) FROM error_users"), 4 + ERROR_USERS_MAX);
    arena_deinit(&arena);
}

/* Goal: what rows were deleted of, or are past the time of their project, leaves no event; what is past its own time goes.
 * Method: two fingerprints of which one is old; a DELETE, a retention, then the time of counts. */
static void test_goes(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct arena arena;
    struct err err = { 0 };
    uint64_t deleted;
    struct error_keep keep = { .keep_us = 90 * ERROR_DAY_US, .rows_us = 0, .rows_table = TABLE };
    arena_init(&arena, 0);
    events_store(db, 1, 1, (struct event){ 1, NOW_US - 10 * ERROR_DAY_US, 1, 1, 1, "a", "1" });
    events_store(db, 1, 2, (struct event){ 1, NOW_US, 1, 1, 1, "b", "1" });
    events_store(db, 1, 3, (struct event){ 2, NOW_US - 10 * ERROR_DAY_US, 1, 1, 1, "a", "1" });
    db_fixture_run(db, "UPDATE error_fingerprints SET issue = 1");
    if (!error_expire(db, &keep, NOW_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 2); /* minutes */
    assert_true(bytes_equal(known_of(db, &arena, 1).counted.first_event, BYTES("a")));

    keep.rows_us = 7 * ERROR_DAY_US;
    if (!error_expire(db, &keep, NOW_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 3);
    struct error_known known = known_of(db, &arena, 1);
    assert_int_equal(known.counted.first_event.len, 0);
    assert_true(bytes_equal(known.counted.last_event, BYTES("b")));
    assert_int_equal(known_of(db, &arena, 2).counted.last_event.len, 0);

    events_store(db, 1, 4, (struct event){ 1, NOW_US + 1, 1, 1, 1, "c", "1" }); /* the first that is left */
    assert_true(bytes_equal(known_of(db, &arena, 1).counted.first_event, BYTES("c")));
    assert_true(error_events_forget(db, PROJECT, &err));
    assert_int_equal(known_of(db, &arena, 1).counted.last_event.len, 0);
    assert_int_equal(known_of(db, &arena, 1).counted.row_count, 3);

    if (!error_expire(db, &keep, NOW_US + 85 * ERROR_DAY_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM error_fingerprints"), 1);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM error_users"), 1);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM error_releases"), 1);
    keep.keep_us = 0;
    assert_true(error_expire(db, &keep, NOW_US + 9999 * ERROR_DAY_US, &deleted, &err));
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM error_fingerprints"), 1);
    arena_deinit(&arena);
}

/* Goal: a project's own retention counts before the server's, also one for ever.
 * Method: two projects' retentions, one fingerprint's event under each. */
static void test_own_retention(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct arena arena;
    struct err err = { 0 };
    uint64_t deleted;
    struct error_keep keep = { .keep_us = 0, .rows_us = 7 * ERROR_DAY_US, .rows_table = TABLE };
    arena_init(&arena, 0);
    db_fixture_run(db, "INSERT INTO projects(id, name, created_unix_ms) VALUES('07070000-0000-0000-0000-000000000000', "
                       "'shop', 1)");
    db_fixture_run(db, "INSERT INTO retentions VALUES('07070000-0000-0000-0000-000000000000', '" TABLE "', 0)");
    events_store(db, 1, 1, (struct event){ 1, NOW_US - 10 * ERROR_DAY_US, 1, 1, 1, "a", "1" });
    db_fixture_run(db, "UPDATE error_fingerprints SET issue = 1");
    if (!error_expire(db, &keep, NOW_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(known_of(db, &arena, 1).counted.first_event, BYTES("a")));
    db_fixture_run(db, "UPDATE retentions SET days = 11");
    assert_true(error_expire(db, &keep, NOW_US, &deleted, &err));
    assert_true(bytes_equal(known_of(db, &arena, 1).counted.first_event, BYTES("a")));
    db_fixture_run(db, "UPDATE retentions SET days = 9");
    assert_true(error_expire(db, &keep, NOW_US, &deleted, &err));
    assert_int_equal(known_of(db, &arena, 1).counted.first_event.len, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_any_order, setup, teardown),
        DB_BOTH(test_users_up_to_a_number, setup, teardown),
        DB_BOTH(test_goes, setup, teardown),
        DB_BOTH(test_own_retention, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
