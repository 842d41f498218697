/* threads: none */
/* Roll-ups in the database: stored once, by the partition's owner, rolled up, deleted at their age; on SQLite and PostgreSQL. */
#include <math.h>

#include "base/ddsketch.h"
#include "meta/db_fixture.h"
#include "meta/rollup.h"
#include "meta/rollup_flows.h"
#include "meta/tap_position.h"

#define NOW_US  INT64_C(1795744860000000) /* 2026-11-27, a minute after an hour began */
#define APP_ID  "monoscope/f1/0"
#define PROJECT ((struct uuid){ { 7, 7 } })
#define OWNER   ((struct uuid){ { 1 } })

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    struct err err = { 0 };
    uint64_t position = 99;
    db_fixture_open(fixture);
    if (!tap_position_take(fixture->db, ROLLUP_TAP, APP_ID, OWNER, NOW_US, &position, &err)) fail_msg("%s", err.text);
    assert_int_equal(position, 0);
    return 0;
}
static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

static struct rollup_series series_of(const char *kind, const char *service, const char *target)
{
    struct rollup_series series = { .project_id = PROJECT,
                                    .kind = kind,
                                    .service = bytes_of_text(service),
                                    .endpoint = BYTES(""),
                                    .method = BYTES(""),
                                    .route = BYTES(""),
                                    .source_kind = "",
                                    .target = bytes_of_text(target),
                                    .target_kind = "",
                                    .first_unix_us = NOW_US,
                                    .last_unix_us = NOW_US };
    series.id = rollup_series_id(&series);
    return series;
}

/* One row of 5 ms of a service at a time. */
static void rows_store(struct db *db, uint64_t position, const char *service, int64_t at_us, int64_t count)
{
    struct err err = { 0 };
    struct rollup_series series = series_of("server", service, "");
    int64_t minute = at_us - at_us % ROLLUP_MINUTE_US;
    series.first_unix_us = series.last_unix_us = at_us;
    struct rollup_sums sums = { .project_id = PROJECT,
                                .at_unix_us = minute,
                                .series_id = series.id,
                                .row_count = count,
                                .error_count = 1,
                                .duration_count = count,
                                .duration_sum_ns = 5e6 * (double)count,
                                .duration_max_ns = 5000000 + count };
    struct rollup_bucket bucket = { .project_id = PROJECT,
                                    .at_unix_us = minute,
                                    .series_id = series.id,
                                    .bucket = ddsketch_bucket(5000000),
                                    .row_count = count };
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = OWNER,
                                      .position_before = position - 1,
                                      .position = position,
                                      .series = &series,
                                      .minutes = &sums,
                                      .buckets = &bucket,
                                      .series_count = 1,
                                      .minute_count = 1,
                                      .bucket_count = 1 };
    if (!rollup_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}

/* Goal: the same records are counted once, whoever stores them however often; a second owner is told.
 * Method: positions in order, the last one again, one in between, one from further back. */
static void test_exactly_once(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    uint64_t position = 99;
    rows_store(fixture->db, 1, "cart", NOW_US, 10);
    rows_store(fixture->db, 2, "cart", NOW_US, 5);
    rows_store(fixture->db, 2, "cart", NOW_US, 5); /* the answer to its commit was lost */
    assert_int_equal(db_fixture_number(fixture->db, "SELECT CAST(SUM(row_count) AS bigint) FROM rollup_minutes"), 15);
    struct rollup_changes late = { .app_id = APP_ID, .owner = OWNER, .position_before = 1, .position = 3 };
    assert_false(rollup_store(fixture->db, &late, NOW_US, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    struct rollup_changes first = { .app_id = APP_ID, .owner = OWNER, .position_before = 0, .position = 5 };
    assert_false(rollup_store(fixture->db, &first, NOW_US, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    struct uuid next = { { 2 } };
    struct rollup_changes other = { .app_id = "monoscope/f1/1", .owner = next, .position_before = 0, .position = 5 };
    assert_true(tap_position_take(fixture->db, ROLLUP_TAP, other.app_id, next, NOW_US, &position, &err));
    if (!rollup_store(fixture->db, &other, NOW_US, &err)) fail_msg("%s", err.text);
    /* The next owner: what the one before still sends comes too late, at whatever position. */
    assert_true(tap_position_take(fixture->db, ROLLUP_TAP, APP_ID, next, NOW_US, &position, &err));
    assert_int_equal(position, 2);
    struct rollup_changes old = { .app_id = APP_ID, .owner = OWNER, .position_before = 2, .position = 3 };
    assert_false(rollup_store(fixture->db, &old, NOW_US, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    old.owner = next;
    if (!rollup_store(fixture->db, &old, NOW_US, &err)) fail_msg("%s", err.text);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM rollup_series"), 1);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT MAX(duration_max_ns) FROM rollup_minutes"), 5000010);
}

static struct rollup_job_stats job_run(struct db *db, int64_t now_us, bool is_thorough)
{
    const struct rollup_keep keep = { 15 * ROLLUP_DAY_US, 40 * ROLLUP_DAY_US, 0, 15 * ROLLUP_DAY_US };
    struct rollup_job_stats stats = { 0 };
    struct err err = { 0 };
    if (!rollup_job(db, &keep, now_us, is_thorough, &stats, &err)) fail_msg("%s", err.text);
    return stats;
}

#define COUNT_OF_TABLE(db, table) \
    db_fixture_number(db, "SELECT CAST(COALESCE(SUM(row_count), 0) AS bigint) FROM " table)

/* Goal: hours and days are sums of their minutes once they are over; what comes late opens them and they are summed again;
 * minutes go only when they are in an hour.
 * Method: rows over three days, the job at several times, late rows, then weeks later. */
static void test_hours_and_days(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    uint64_t position = 0;
    int64_t day = NOW_US - NOW_US % ROLLUP_DAY_US - 3 * ROLLUP_DAY_US;
    for (int64_t hour = 0; hour < 24; hour += 6)
        for (int64_t minute = 0; minute < 60; minute += 20)
            rows_store(db, ++position, minute == 0 ? "cart" : "mail",
                       day + hour * ROLLUP_HOUR_US + minute * ROLLUP_MINUTE_US, 10);
    rows_store(db, ++position, "cart", NOW_US, 7);
    struct rollup_job_stats stats = job_run(db, NOW_US, false);
    assert_int_equal(stats.hours, 4);
    assert_int_equal(stats.days, 1);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_minutes"), 127);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_hours"), 120);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_days"), 120);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_hour_buckets"), 120);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_day_buckets"), 120);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM rollup_days"), 2);
    assert_int_equal(db_fixture_number(db, "SELECT CAST(SUM(error_count) AS bigint) FROM rollup_days"), 12);
    assert_int_equal(job_run(db, NOW_US, false).hours, 0);

    rows_store(db, ++position, "cart", day + ROLLUP_HOUR_US, 3); /* late */
    stats = job_run(db, NOW_US, false);
    assert_int_equal(stats.hours, 1);
    assert_int_equal(stats.days, 1);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_days"), 123);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_hours"), 123);

    stats = job_run(db, NOW_US + 13 * ROLLUP_DAY_US, true); /* 15 days after the first, but not after the last */
    assert_true(stats.deleted > 0);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_minutes"), 7);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_minute_buckets"), 7);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_hours"), 130);
    stats = job_run(db, NOW_US + 50 * ROLLUP_DAY_US, true);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_hours"), 0);
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_days"), 130);
}

static void half_store(struct db *db, uint64_t position, uint64_t call, bool is_server, const char *service,
                       const char *target, int64_t one_in)
{
    struct err err = { 0 };
    uint8_t trace[16] = { 1 }, span[8];
    memcpy(trace + 8, &call, 8);
    memcpy(span, &call, 8);
    struct rollup_half half = { .project_id = PROJECT,
                                .trace_id = bytes_from(trace, 16),
                                .span_id = bytes_from(span, 8),
                                .is_server = is_server,
                                .service = bytes_of_text(service),
                                .target = bytes_of_text(target),
                                .target_kind = "external",
                                .at_unix_us = NOW_US,
                                .duration_ns = is_server ? -1 : 5000000,
                                .is_error = false,
                                .sampled_one_in = one_in };
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = OWNER,
                                      .position_before = position - 1,
                                      .position = position,
                                      .halves = &half,
                                      .half_count = 1 };
    if (!rollup_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}

#define EDGES(db, where)                                                                                          \
    db_fixture_number(db, "SELECT CAST(COALESCE(SUM(m.row_count), 0) AS bigint) FROM rollup_minutes m JOIN "      \
                          "rollup_series s ON s.project_id = m.project_id AND s.id = m.series_id WHERE s.kind = " \
                          "'edge' AND " where)

/* Goal: sides of calls that came apart (in other requests, by other workers) become edges; calls that nobody answers go to
 * the address they named, after their time. */
static void test_calls(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    uint64_t position = 0;
    half_store(db, ++position, 1, false, "web", "cart:8080", 1);
    half_store(db, ++position, 2, true, "cart", "", 1);
    half_store(db, ++position, 1, true, "cart", "", 1);
    half_store(db, ++position, 3, false, "web", "api.bank.example", 1);
    half_store(db, ++position, 4, false, "web", "", 1);
    assert_int_equal(job_run(db, NOW_US, false).edges, 1);
    assert_int_equal(EDGES(db, "s.service = 'web' AND s.target = 'cart' AND s.target_kind = 'service'"), 1);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM rollup_halves"), 3);
    half_store(db, ++position, 2, false, "web", "cart:8080", 4);
    assert_int_equal(job_run(db, NOW_US + ROLLUP_MINUTE_US, false).edges, 1);
    assert_int_equal(EDGES(db, "s.target = 'cart'"), 5); /* one trace in four was looked at */
    assert_int_equal(job_run(db, NOW_US + 10 * ROLLUP_MINUTE_US, false).edges, 1);
    assert_int_equal(EDGES(db, "s.target = 'api.bank.example' AND s.target_kind = 'external'"), 1);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM rollup_halves"), 0);
    assert_int_equal(EDGES(db, "1 = 1"), 6);
}

/* Goal: a backlog of calls that nobody answers (days that are sent at once) is worked off in pieces, each within the time that a statement
 * may take. */
static void test_unanswered(void **state)
{
    enum { COUNT = 30000, A_ROUND = 5000 };
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct rollup_half *halves = calloc(COUNT, sizeof *halves);
    uint8_t(*ids)[24] = calloc(COUNT, sizeof *ids);
    for (uint32_t h = 0; h < COUNT; h++) {
        memcpy(ids[h] + 8, &h, sizeof h);
        memcpy(ids[h] + 16, &h, sizeof h);
        halves[h] = (struct rollup_half){ .project_id = PROJECT,
                                          .trace_id = bytes_from(ids[h], 16),
                                          .span_id = bytes_from(ids[h] + 16, 8),
                                          .service = BYTES("web"),
                                          .target = BYTES("api.bank.example"),
                                          .target_kind = "external",
                                          .at_unix_us = NOW_US,
                                          .duration_ns = 5000000,
                                          .sampled_one_in = 1 };
    }
    struct rollup_changes changes = {
        .app_id = APP_ID, .owner = OWNER, .position = 1, .halves = halves, .half_count = COUNT
    };
    if (!rollup_store(fixture->db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
    assert_int_equal(job_run(fixture->db, NOW_US + 10 * ROLLUP_MINUTE_US, false).edges, A_ROUND);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM rollup_halves"), COUNT - A_ROUND);
    assert_int_equal(EDGES(fixture->db, "s.target = 'api.bank.example'"), A_ROUND);
    free(ids);
    free(halves);
}

static const struct rollup_flow *call_find(struct db *db, struct arena *arena, const char *target, int64_t now_us)
{
    struct rollup_flow *flows;
    struct err err = { 0 };
    uint32_t count;
    if (!rollup_flows_read(db, PROJECT, NOW_US - 30 * ROLLUP_MINUTE_US, NOW_US - ROLLUP_MINUTE_US,
                           NOW_US + ROLLUP_MINUTE_US, now_us, arena, &flows, &count, &err))
        fail_msg("%s", err.text);
    for (uint32_t f = 0; f < count; f++)
        if (flows[f].is_edge && bytes_equal(flows[f].target, bytes_of_text(target))) return &flows[f];
    return NULL;
}

/* Goal: a call that nobody answered is one of what it named before it is an edge, and counts once when it is. */
static void test_unanswered_flows(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct arena arena;
    const int64_t soon = NOW_US + ROLLUP_MINUTE_US, later = NOW_US + 2 * ROLLUP_MINUTE_US,
                  end = NOW_US + 10 * ROLLUP_MINUTE_US;
    uint64_t position = 0;
    arena_init(&arena, 0);
    half_store(db, ++position, 1, false, "web", "api.bank.example", 1);
    half_store(db, ++position, 2, false, "web", "api.bank.example", 1);
    half_store(db, ++position, 3, false, "web", "api.post.example", 1);
    half_store(db, ++position, 4, true, "cart", "", 1);
    assert_null(call_find(db, &arena, "api.bank.example", soon));
    for (int round = 0; round < 3; round++) { /* two calls, one, and then an edge of two beside a call of its minute */
        const struct rollup_flow *bank = call_find(db, &arena, "api.bank.example", later),
                                 *post = call_find(db, &arena, "api.post.example", later);
        int64_t calls = round < 2 ? 2 : 3;
        assert_non_null(bank);
        assert_non_null(post);
        assert_true(bytes_equal(bank->target_kind, BYTES("external")));
        assert_int_equal(bank->minute_count, 1);
        assert_int_equal(bank->minutes[0].row_count, calls);
        assert_int_equal(bank->times[0].row_count, 0);
        assert_int_equal(bank->times[1].row_count, calls);
        assert_int_equal(bank->times[1].duration_bucket_count, 1);
        assert_int_equal(bank->times[1].durations[0].count, calls);
        assert_int_equal(post->times[1].row_count, 1);
        if (round == 0) assert_int_equal(job_run(db, end, false).edges, 3);
        if (round == 1) half_store(db, ++position, 5, false, "web", "api.bank.example", 1);
    }
    half_store(db, ++position, 6, false, "web", "api.bank.example",
               4); /* its answer may have been left out, and so may the others' */
    assert_int_equal(call_find(db, &arena, "api.bank.example", later)->times[1].row_count, 2);
    arena_deinit(&arena);
}

/* Goal: attributes, values and metrics add up over stores; of values without end the most frequent stay. */
static void test_catalogs(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct err err = { 0 };
    char texts[300][16];
    struct rollup_attribute attributes[301];
    int64_t day = NOW_US - NOW_US % ROLLUP_DAY_US;
    for (int v = 0; v < 300; v++) {
        snprintf(texts[v], sizeof texts[v], "v%03d", v);
        attributes[v] = (struct rollup_attribute){ .project_id = PROJECT,
                                                   .day_unix_us = day,
                                                   .place = "span",
                                                   .type = "text",
                                                   .key = BYTES("tenant"),
                                                   .is_value = true,
                                                   .value = bytes_of_text(texts[v]),
                                                   .row_count = v + 1,
                                                   .last_unix_us = NOW_US };
    }
    attributes[300] = attributes[0];
    attributes[300].is_value = false;
    attributes[300].row_count = 1000;
    for (uint64_t position = 1; position <= 2; position++) {
        struct rollup_metric metric = { .project_id = PROJECT,
                                        .name = BYTES("http.requests"),
                                        .service = BYTES("cart"),
                                        .unit = position == 1 ? BYTES("1") : BYTES("{request}"),
                                        .description = BYTES("d"),
                                        .type = "sum",
                                        .temporality = "delta",
                                        .is_monotonic = true,
                                        .row_count = 4,
                                        .first_unix_us = NOW_US - (int64_t)position,
                                        .last_unix_us = NOW_US + (int64_t)position };
        struct rollup_changes changes = { .app_id = APP_ID,
                                          .owner = OWNER,
                                          .position_before = position - 1,
                                          .position = position,
                                          .attributes = attributes,
                                          .metrics = &metric,
                                          .attribute_count = COUNT_OF(attributes),
                                          .metric_count = 1 };
        if (!rollup_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
    }
    assert_int_equal(COUNT_OF_TABLE(db, "rollup_attributes"), 2000);
    assert_int_equal(db_fixture_number(db, "SELECT row_count FROM rollup_attribute_values WHERE value = 'v299'"), 600);
    (void)job_run(db, NOW_US, true);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM rollup_attribute_values"), 100);
    assert_int_equal(db_fixture_number(db, "SELECT MIN(row_count) FROM rollup_attribute_values"), 402);
    assert_int_equal(db_fixture_number(db, "SELECT row_count FROM rollup_metrics WHERE unit = '{request}'"), 8);
    assert_int_equal(db_fixture_number(db, "SELECT last_unix_us - first_unix_us FROM rollup_metrics"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_exactly_once, setup, teardown),
        DB_BOTH(test_hours_and_days, setup, teardown),
        DB_BOTH(test_calls, setup, teardown),
        DB_BOTH(test_unanswered, setup, teardown),
        DB_BOTH(test_unanswered_flows, setup, teardown),
        DB_BOTH(test_catalogs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
