/* threads: none */
/* Minutes that were stored as the worker stores them, looked at as a server would, on SQLite and PostgreSQL. */
#include <math.h>

#include "base/ddsketch.h"
#include "detect/rollups/watch.h"
#include "meta/db_fixture.h"
#include "meta/tap_position.h"

#define APP_ID   "monoscope/f1/0"
#define PROJECT  ((struct uuid){ { 7, 7 } })
#define FOREIGN  ((struct uuid){ { 9 } })
#define BEGIN_US (INT64_C(20000) * ROLLUP_DAY_US)

enum { SERIES = 5, MINUTES = 1440 + 400, FAULT = 1440 + 300, BUCKETS = 5, BATCH = 230 };

struct world {
    struct db_fixture *fixture;
    struct db *db;
    uint64_t position, random;
    uint32_t opened, of_shop, of_totals, of_all;
    struct detect_finding first;
    char names[400];
};

/* A shop with two endpoints, stock with one, a shop's log, an edge. */
static const struct rollup_series kinds[SERIES] = {
    { .kind = "server", .service = { (const uint8_t *)"shop", 4 }, .endpoint = { (const uint8_t *)"e1", 2 } },
    { .kind = "server", .service = { (const uint8_t *)"shop", 4 }, .endpoint = { (const uint8_t *)"e2", 2 } },
    { .kind = "server", .service = { (const uint8_t *)"stock", 5 }, .endpoint = { (const uint8_t *)"e3", 2 } },
    { .kind = "log", .service = { (const uint8_t *)"shop", 4 } },
    { .kind = "edge", .service = { (const uint8_t *)"shop", 4 }, .target = { (const uint8_t *)"stock", 5 } },
};

static int64_t wobble(struct world *world, int64_t mean)
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return mean + (int64_t)((world->random >> 33) % 21) - 10;
}

static struct rollup_series series_of(uint32_t s, int64_t last_us)
{
    struct rollup_series series = kinds[s];
    series.project_id = PROJECT;
    series.source_kind = s == 4 ? "service" : "";
    series.target_kind = s == 4 ? "service" : "";
    series.id = rollup_series_id(&series);
    series.first_unix_us = BEGIN_US;
    series.last_unix_us = last_us;
    return series;
}

/* Errors of the shop's first endpoint, and nothing of the stock, from FAULT on; edges go wild all the time. */
static void minutes_store(struct world *world, int first, int behind)
{
    static struct rollup_sums sums[BATCH * SERIES];
    static struct rollup_bucket buckets[BATCH * SERIES * BUCKETS];
    struct rollup_series series[SERIES];
    struct err err = { 0 };
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = PROJECT,
                                      .position_before = world->position,
                                      .position = world->position + 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = SERIES };
    for (uint32_t s = 0; s < SERIES; s++) series[s] = series_of(s, BEGIN_US + behind * ROLLUP_MINUTE_US - 1);
    for (int m = first; m < behind; m++)
        for (uint32_t s = 0; s < SERIES; s++) {
            bool is_bad = m >= FAULT;
            if (is_bad && s == 2) continue;
            int64_t rows = s == 4 ? 10 + m % 7 * 500 : wobble(world, 100), at_us = BEGIN_US + m * ROLLUP_MINUTE_US;
            sums[changes.minute_count++] = (struct rollup_sums){ .project_id = PROJECT,
                                                                 .at_unix_us = at_us,
                                                                 .series_id = series[s].id,
                                                                 .row_count = rows,
                                                                 .error_count = is_bad && s == 0 ? 40 : m % 4 == 0,
                                                                 .duration_count = s == 3 ? 0 : rows };
            for (int b = 0; b < BUCKETS && s != 3; b++)
                buckets[changes.bucket_count++] = (struct rollup_bucket){ .project_id = PROJECT,
                                                                          .at_unix_us = at_us,
                                                                          .series_id = series[s].id,
                                                                          .bucket = 700 + 20 * b,
                                                                          .row_count = b < 4 ? rows / 4 : rows / 20 };
        }
    if (!rollup_store(world->db, &changes, BEGIN_US + behind * ROLLUP_MINUTE_US, &err)) fail_msg("%s", err.text);
    world->position++;
}

static void tell(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject)
{
    struct world *world = ctx;
    if (finding->change != DETECT_OPENED) return;
    if (world->opened++ == 0) world->first = *finding;
    size_t len = strlen(world->names);
    snprintf(world->names + len, sizeof world->names - len, "%s:%.*s/%.*s/%s ", detect_kind_name(finding->kind),
             subject ? (int)subject->service.len : 3, subject ? (const char *)subject->service.ptr : "all",
             subject ? (int)subject->endpoint.len : 0, subject ? (const char *)subject->endpoint.ptr : "",
             subject ? subject->kind : "");
}

/* Goal: what is in the database is found, once, with its subject; in runs of a minute as in one run over all; nothing before it
 * happened, nothing of another project's, nothing of edges. */
static void test_found_in_the_database(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    for (int m = 0; m < MINUTES; m += BATCH) minutes_store(world, m, m + BATCH < MINUTES ? m + BATCH : MINUTES);
    struct watch *watch = watch_create(PROJECT, BEGIN_US + 17, NULL);
    if (!watch_run(watch, world->db, BEGIN_US + FAULT * ROLLUP_MINUTE_US + 59, tell, world, &err))
        fail_msg("%s", err.text);
    if (world->opened > 0) fail_msg("too soon: %s", world->names);
    assert_int_equal(watch_next_unix_us(watch), BEGIN_US + FAULT * ROLLUP_MINUTE_US);
    for (int m = FAULT + 1; m <= FAULT + 30; m++)
        if (!watch_run(watch, world->db, BEGIN_US + m * ROLLUP_MINUTE_US, tell, world, &err)) fail_msg("%s", err.text);
    assert_int_equal(world->opened, 3);
    assert_non_null(strstr(world->names, "error_rate:shop/e1/server"));
    assert_non_null(strstr(world->names, "error_rate:shop//request"));
    assert_non_null(strstr(world->names, "silence:stock/e3/server")); /* and not once more as the stock's requests */
    assert_true(llabs(world->first.begin_unix_us - (BEGIN_US + FAULT * ROLLUP_MINUTE_US)) <= 3 * ROLLUP_MINUTE_US);
    watch_destroy(watch);

    char names[sizeof world->names];
    memcpy(names, world->names, sizeof names);
    world->opened = 0;
    world->names[0] = '\0';
    watch = watch_create(PROJECT, BEGIN_US, NULL);
    if (!watch_run(watch, world->db, BEGIN_US + (FAULT + 30) * ROLLUP_MINUTE_US, tell, world, &err))
        fail_msg("%s", err.text);
    assert_string_equal(names, world->names);
    assert_false(watch_is_cut(watch));
    assert_int_equal(watch_series_count(watch), 6); /* four of the roll-ups', two services' together; no edge */
    watch_destroy(watch);

    /* Written down and read again every now and then, also with findings open, it tells the same. */
    world->opened = 0;
    world->names[0] = '\0';
    watch = watch_create(PROJECT, BEGIN_US, NULL);
    for (int m = 601; m <= FAULT + 30; m = m < FAULT - 60 ? m + 60 : m + 1) {
        struct buf bytes;
        buf_init(&bytes, 1u << 20);
        if (!watch_run(watch, world->db, BEGIN_US + m * ROLLUP_MINUTE_US, tell, world, &err)) fail_msg("%s", err.text);
        assert_true(watch_write(watch, &bytes));
        watch_destroy(watch);
        watch = watch_create(PROJECT, BEGIN_US + MINUTES * ROLLUP_MINUTE_US, NULL);
        if (!watch_read(watch, buf_bytes(&bytes), 0, &err)) fail_msg("%s", err.text);
        for (size_t len = 0; len < bytes.len; len += 1 + bytes.len / 50) { /* a part of it is refused */
            struct watch *cut = watch_create(PROJECT, BEGIN_US, NULL);
            assert_false(watch_read(cut, bytes_from(bytes.ptr, len), 0, &err));
            assert_int_equal(err.code, ERR_CORRUPT);
            watch_destroy(cut);
        }
        buf_deinit(&bytes);
    }
    assert_string_equal(names, world->names);
    watch_destroy(watch);

    world->opened = 0;
    watch = watch_create(FOREIGN, BEGIN_US, NULL);
    if (!watch_run(watch, world->db, BEGIN_US + MINUTES * ROLLUP_MINUTE_US, tell, world, &err))
        fail_msg("%s", err.text);
    assert_int_equal(world->opened, 0);
    watch_destroy(watch);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = { 0 };
    world->fixture = db_fixture_setup(state);
    db_fixture_open(world->fixture);
    world->db = world->fixture->db;
    if (!tap_position_take(world->db, ROLLUP_TAP, APP_ID, PROJECT, BEGIN_US, &world->position, &err))
        fail_msg("%s", err.text);
    *state = world;
    return 0;
}
static int teardown(void **state)
{
    struct world *world = *state;
    db_fixture_teardown(world->fixture);
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_found_in_the_database, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
