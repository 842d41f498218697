/* Counts of the intake: what several processes add up to, minutes and hours, the latest example, bounds, a database that is away.
 * On both databases. */
#include "base/clock.h"
#include "meta/db_fixture.h"
#include "meta/intake.h"

static const struct uuid project = { { 1, 1 } }, key = { { 2, 2 } };
static const struct intake_who who = { { { 1, 1 } }, { { 2, 2 } }, 1 };

struct fixture {
    struct db_fixture *base;
    struct intake *one, *other; /* of two processes */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = db_fixture_setup(state);
    db_fixture_open(fixture->base);
    if (!intake_open(&fixture->one, fixture->base->db, &err) || !intake_open(&fixture->other, fixture->base->db, &err))
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    intake_close(fixture->one);
    intake_close(fixture->other);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static void save(struct intake *intake)
{
    struct err err = { 0 };
    if (!intake_save(intake, &err)) fail_msg("%s", err.text);
}

struct seen {
    uint32_t rows;
    int64_t at[8];
    char text[300];
};
static bool row_keep(void *ctx, struct db_row *row, struct err *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->rows++;
    for (size_t v = 0; v < row->value_count && v < COUNT_OF(seen->at); v++) {
        if (row->values[v].type == DB_TEXT) {
            db_row_text_copy(row, v, seen->text, sizeof seen->text);
        } else {
            seen->at[v] = db_row_integer(row, v);
        }
    }
    return true;
}
static struct seen read_one(struct fixture *fixture, const char *sql)
{
    struct seen seen = { 0 };
    struct err err = { 0 };
    if (!db_read(fixture->base->db, sql, DB_NO_VALUES, row_keep, &seen, &err)) fail_msg("%s", err.text);
    return seen;
}

static void take(struct intake *intake, uint64_t records, bool is_repeat, int64_t lag_us)
{
    struct intake_taken taken = { .records = records,
                                  .bytes = 10 * records,
                                  .is_repeat = is_repeat,
                                  .has_lag = true,
                                  .lag_us = lag_us,
                                  .agent = BYTES("agent"),
                                  .sdk = BYTES("sdk") };
    intake_take(intake, &who, &taken);
}

/* Goal: what two processes counted is added up, by hour and by minute; the lag's ends are those of both, a repeat has no records
 * and no lag. */
static void test_two_add_up(void **state)
{
    struct fixture *fixture = *state;
    take(fixture->one, 5, false, 1000);
    take(fixture->one, 7, false, -300);
    take(fixture->one, 7, true, 99999);
    take(fixture->other, 1, false, 5000);
    save(fixture->one);
    save(fixture->other);
    save(fixture->other); /* nothing is left */
    struct seen seen = read_one(fixture, "SELECT requests, repeats, records, bytes, lag_count, lag_sum_us, lag_max_us,"
                                         " lag_min_us FROM intake_counts WHERE step_s = 3600");
    const int64_t wanted[] = { 4, 1, 13, 130, 3, 5700, 5000, -300 };
    assert_int_equal(seen.rows, 1);
    for (size_t v = 0; v < COUNT_OF(wanted); v++) assert_int_equal(seen.at[v], wanted[v]);
    seen = read_one(fixture, "SELECT CAST(sum(requests) AS bigint), CAST(sum(records) AS bigint) FROM intake_counts"
                             " WHERE step_s = 60 AND at_s % 60 = 0");
    assert_int_equal(seen.at[0], 4);
    assert_int_equal(seen.at[1], 13);
    seen = read_one(fixture, "SELECT requests FROM intake_senders WHERE agent = 'agent' AND sdk = 'sdk'");
    assert_int_equal(seen.rows, 1);
    assert_int_equal(seen.at[0], 4);
}

/* Goal: of each reason how often and the words of the latest; records left out are counted as such; what is no text is kept as
 * question marks, cut within no letter. */
static void test_reasons(void **state)
{
    struct fixture *fixture = *state;
    struct err why = { 0 };
    for (int i = 0; i < 3; i++) {
        err_set(&why, ERR_TOO_LARGE, "too large: %d", i);
        intake_refuse(fixture->one, &who, &why, BYTES("agent"));
    }
    save(fixture->one);
    struct seen seen = read_one(fixture, "SELECT happened, example FROM intake_reasons WHERE step_s = 3600");
    assert_int_equal(seen.at[0], 3);
    assert_string_equal(seen.text, "too large: 2");
    err_set(&why, ERR_TOO_LARGE, "bad \xFF\x01 bytes");
    intake_refuse(fixture->other, &who, &why, (struct bytes){ 0 });
    save(fixture->other);
    seen = read_one(fixture, "SELECT happened, example FROM intake_reasons WHERE step_s = 3600");
    assert_int_equal(seen.at[0], 4);
    assert_string_equal(seen.text, "bad ?? bytes");
    struct intake_taken taken = { .records = 2, .rejected = 3, .reason = "spans[0]: no id" };
    intake_take(fixture->one, &who, &taken);
    char agent[300];
    memset(agent, 'a', sizeof agent);
    memcpy(agent + INTAKE_SENDER_MAX - 1, "\xC3\xA4", 2); /* the last letter that would fit is half outside */
    taken = (struct intake_taken){ .records = 1, .agent = bytes_from(agent, sizeof agent) };
    intake_take(fixture->one, &who, &taken);
    save(fixture->one);
    seen = read_one(fixture, "SELECT happened, example FROM intake_reasons WHERE step_s = 3600 AND code = 'partial'");
    assert_int_equal(seen.at[0], 3);
    assert_string_equal(seen.text, "spans[0]: no id");
    seen = read_one(fixture, "SELECT refused, partial, rejected FROM intake_counts WHERE step_s = 3600");
    assert_int_equal(seen.at[0], 4);
    assert_int_equal(seen.at[1], 1);
    assert_int_equal(seen.at[2], 3);
    seen = read_one(fixture, "SELECT length(agent), agent FROM intake_senders WHERE agent LIKE 'aaa%'");
    assert_int_equal(seen.at[0], INTAKE_SENDER_MAX - 1);
}

/* Goal: rows that became visible are told by table, never before they came. */
static void test_visible(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_us = clock_unix_us();
    intake_visible(fixture->one, project, "otel_metrics", now_us - 250000);
    intake_visible(fixture->one, project, "otel_metrics", now_us + 9000000);
    save(fixture->one);
    struct seen seen = read_one(fixture, "SELECT lag_count, lag_sum_us, lag_max_us, visible_unix_us FROM intake_visible"
                                         " WHERE step_s = 60 AND table_name = 'otel_metrics'");
    assert_int_equal(seen.rows, 1);
    assert_int_equal(seen.at[0], 2);
    assert_in_range(seen.at[1], 250000, 1250000);
    assert_int_equal(seen.at[1], seen.at[2]);
    assert_in_range(seen.at[3], now_us, now_us + 5000000);
}

/* Goal: what could not be saved is counted with the next; however many kinds of refusals come meanwhile, memory is bounded and
 * what has no room is told.
 * Method: the table is not there for a while. */
static bool rename_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, ctx, DB_NO_VALUES, NULL, NULL, NULL, err);
}
static void test_away(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    if (!db_transaction(fixture->base->db, rename_run, (void *)(uintptr_t) "ALTER TABLE intake_counts RENAME TO hidden",
                        &err))
        fail_msg("%s", err.text);
    take(fixture->one, 2, false, 10);
    assert_false(intake_save(fixture->one, &err));
    take(fixture->one, 3, false, 30);
    for (uint32_t i = 0; i < INTAKE_COUNTS_MAX + 10; i++) {
        struct intake_who other = { .project_id = project, .key_id = key, .signal = 1 };
        memcpy(other.key_id.bytes + 8, &i, sizeof i);
        other.key_id.bytes[15] = 9;
        intake_take(fixture->one, &other, &(struct intake_taken){ .records = 1 });
    }
    assert_in_range(intake_lost(fixture->one), 10, 12);
    assert_false(intake_save(fixture->one, &err));
    err = (struct err){ 0 };
    if (!db_transaction(fixture->base->db, rename_run, (void *)(uintptr_t) "ALTER TABLE hidden RENAME TO intake_counts",
                        &err))
        fail_msg("%s", err.text);
    save(fixture->one);
    struct seen seen = read_one(fixture, "SELECT CAST(sum(requests) AS bigint), CAST(sum(records) AS bigint) FROM"
                                         " intake_counts WHERE step_s = 3600");
    assert_int_equal(seen.at[0], INTAKE_COUNTS_MAX + 1);
    seen = read_one(fixture, "SELECT max(records) FROM intake_counts WHERE step_s = 3600");
    assert_int_equal(seen.at[0], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_two_add_up, setup, teardown),
        DB_BOTH(test_reasons, setup, teardown),
        DB_BOTH(test_visible, setup, teardown),
        DB_BOTH(test_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
