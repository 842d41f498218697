/* threads: none */
/* The questions, against sums made by hand: before and after hours and days are made, on SQLite, PostgreSQL and, where
 * MONO_TIMESCALE_URL names an empty database of one, TimescaleDB (tests/story_rollups.py does). */
#include <math.h>
#include <time.h>

#include "base/ddsketch.h"
#include "meta/db_fixture.h"
#include "meta/rollup_read.h"
#include "meta/tap_position.h"

#define APP_ID  "monoscope/f1/0"
#define PROJECT ((struct uuid){ { 7, 7 } })
#define FOREIGN ((struct uuid){ { 9 } })

/* Set once: aggregates and policies of TimescaleDB go by the real time. */
static int64_t now_us;

enum { SERVICES = 3, ENDPOINTS = 2, ROWS = 3000 };
struct row {
    int64_t at_us, duration_ns;
    uint32_t service, endpoint; /* endpoint == ENDPOINTS: none */
    bool is_log, is_error;
};
struct world {
    struct db_fixture *fixture;
    struct db *db;
    struct arena arena;
    struct row rows[ROWS];
    uint64_t position, random;
};

static uint64_t next(struct world *world)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random;
}

static const char *const service_names[SERVICES] = { "Zebra", "cart",
                                                     "\xC3\xA4pfel" }; /* not in any language's order */
static const char *const routes[ENDPOINTS] = { "/a", "/b/{id}" };

static struct rollup_series series_of(const struct row *row)
{
    static const char *const endpoints[ENDPOINTS] = { "11111111-7104-538a-8d29-26b9860a827e",
                                                      "22222222-7104-538a-8d29-26b9860a827e" };
    bool has_endpoint = !row->is_log && row->endpoint < ENDPOINTS;
    struct rollup_series series = { .project_id = PROJECT,
                                    .kind = row->is_log    ? "log"
                                            : has_endpoint ? "server"
                                                           : "internal",
                                    .service = bytes_of_text(service_names[row->service]),
                                    .endpoint = has_endpoint ? bytes_of_text(endpoints[row->endpoint]) : BYTES(""),
                                    .method = has_endpoint ? BYTES("GET") : BYTES(""),
                                    .route = has_endpoint ? bytes_of_text(routes[row->endpoint]) : BYTES(""),
                                    .source_kind = "",
                                    .target = BYTES(""),
                                    .target_kind = "",
                                    .first_unix_us = row->at_us,
                                    .last_unix_us = row->at_us };
    series.id = rollup_series_id(&series);
    return series;
}

static void rows_store(struct world *world, const struct row *rows, size_t count)
{
    struct err err = { 0 };
    struct rollup_series *series = calloc(count, sizeof *series);
    struct rollup_sums *sums = calloc(count, sizeof *sums);
    struct rollup_bucket *buckets = calloc(count, sizeof *buckets);
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = PROJECT,
                                      .position_before = world->position,
                                      .position = world->position + 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = count,
                                      .minute_count = count };
    for (size_t r = 0; r < count; r++) {
        series[r] = series_of(&rows[r]);
        sums[r] = (struct rollup_sums){ .project_id = PROJECT,
                                        .at_unix_us = rows[r].at_us - rows[r].at_us % ROLLUP_MINUTE_US,
                                        .series_id = series[r].id,
                                        .row_count = 1,
                                        .error_count = rows[r].is_error };
        if (rows[r].is_log) continue;
        sums[r].duration_count = 1;
        sums[r].duration_sum_ns = (double)rows[r].duration_ns;
        sums[r].duration_max_ns = rows[r].duration_ns;
        buckets[changes.bucket_count++] =
            (struct rollup_bucket){ .project_id = PROJECT,
                                    .at_unix_us = sums[r].at_unix_us,
                                    .series_id = series[r].id,
                                    .bucket = ddsketch_bucket((uint64_t)rows[r].duration_ns),
                                    .row_count = 1 };
    }
    if (!rollup_store(world->db, &changes, now_us, &err)) fail_msg("%s", err.text);
    world->position++;
    free(series);
    free(sums);
    free(buckets);
}

/* Rows of the last 30 days, a third of them of the last hours. */
static void rows_make(struct world *world)
{
    for (uint32_t r = 0; r < ROWS; r++) {
        int64_t age = (int64_t)(next(world) % (uint64_t)(r % 3 ? 30 * ROLLUP_DAY_US : 5 * ROLLUP_HOUR_US));
        world->rows[r] = (struct row){ .at_us = now_us - 1 - age,
                                       .duration_ns = (int64_t)(next(world) % 1000000000),
                                       .service = (uint32_t)(next(world) % SERVICES),
                                       .endpoint = (uint32_t)(next(world) % (ENDPOINTS + 1)),
                                       .is_log = next(world) % 4 == 0,
                                       .is_error = next(world) % 10 == 0 };
    }
}

static int numbers_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* service, endpoint: -1 all. requests_only: those with an endpoint. */
static struct rollup_figures figures_by_hand(const struct world *world, const struct rollup_range *range, int service,
                                             int endpoint, bool requests_only)
{
    struct rollup_figures figures = { .p50_ns = NAN, .p95_ns = NAN, .p99_ns = NAN };
    static int64_t durations[ROWS];
    for (uint32_t r = 0; r < ROWS; r++) {
        const struct row *row = &world->rows[r];
        bool is_request = !row->is_log && row->endpoint < ENDPOINTS;
        if (row->at_us < range->from_unix_us || row->at_us >= range->to_unix_us) continue;
        if ((service >= 0 && row->service != (uint32_t)service) || (requests_only && !is_request)) continue;
        if (endpoint >= 0 && (!is_request || row->endpoint != (uint32_t)endpoint)) continue;
        figures.row_count++;
        figures.error_count += row->is_error;
        if (row->is_log) continue;
        durations[figures.duration_count++] = row->duration_ns;
        figures.duration_sum_ns += (double)row->duration_ns;
        if (row->duration_ns > figures.duration_max_ns) figures.duration_max_ns = row->duration_ns;
    }
    if (figures.duration_count == 0) return figures;
    qsort(durations, (size_t)figures.duration_count, sizeof *durations, numbers_compare);
    double last = (double)(figures.duration_count - 1);
    figures.p50_ns = (double)durations[(int64_t)(0.5 * last)];
    figures.p95_ns = (double)durations[(int64_t)(0.95 * last)];
    figures.p99_ns = (double)durations[(int64_t)(0.99 * last)];
    return figures;
}

static void quantile_check(double told, double exact)
{
    if (isnan(exact) != isnan(told) || fabs(told - exact) > 0.0101 * exact) fail_msg("%f is told for %f", told, exact);
}

static void figures_check(const struct rollup_figures *told, const struct rollup_figures *exact)
{
    assert_int_equal(told->row_count, exact->row_count);
    assert_int_equal(told->error_count, exact->error_count);
    assert_int_equal(told->duration_count, exact->duration_count);
    assert_true(fabs(told->duration_sum_ns - exact->duration_sum_ns) <= 1e-9 * exact->duration_sum_ns);
    assert_int_equal(told->duration_max_ns, exact->duration_max_ns);
    quantile_check(told->p50_ns, exact->p50_ns);
    quantile_check(told->p95_ns, exact->p95_ns);
    quantile_check(told->p99_ns, exact->p99_ns);
}

static uint32_t list(struct world *world, enum rollup_list which, const struct rollup_range *range,
                     const struct rollup_page *page, struct rollup_item **items)
{
    struct err err = { 0 };
    uint32_t count;
    if (!rollup_list_read(world->db, which, range, page, &world->arena, items, &count, &err)) fail_msg("%s", err.text);
    return count;
}

static void services_check(struct world *world, const struct rollup_range *range)
{
    struct rollup_page page = { .is_first = true, .limit = 10 };
    struct rollup_item *items;
    assert_int_equal(list(world, ROLLUP_SERVICES, range, &page, &items), SERVICES);
    for (int s = 0; s < SERVICES; s++) {
        struct rollup_figures all = figures_by_hand(world, range, s, -1, false),
                              requests = figures_by_hand(world, range, s, -1, true);
        assert_true(bytes_equal(items[s].keys[0], bytes_of_text(service_names[s])));
        assert_int_equal(items[s].span_count + items[s].log_count, all.row_count);
        assert_int_equal(items[s].span_error_count + items[s].log_error_count, all.error_count);
        assert_int_equal(items[s].span_count, all.duration_count);
        figures_check(&items[s].figures, &requests);
    }
}

static void endpoints_check(struct world *world, const struct rollup_range *range)
{
    /* Two at a time. */
    struct rollup_page page = { .is_first = true, .limit = 2 };
    struct rollup_item *items;
    uint32_t seen = 0, count;
    while ((count = list(world, ROLLUP_ENDPOINTS, range, &page, &items)) > 0) {
        for (uint32_t i = 0; i < count; i++, seen++) {
            int service = (int)seen / ENDPOINTS, endpoint = (int)seen % ENDPOINTS;
            struct rollup_figures exact = figures_by_hand(world, range, service, endpoint, false);
            assert_true(bytes_equal(items[i].keys[0], bytes_of_text(service_names[service])));
            assert_true(bytes_equal(items[i].keys[1], bytes_of_text(routes[endpoint])));
            assert_true(bytes_equal(items[i].method, BYTES("GET")) && bytes_equal(items[i].kind, BYTES("server")));
            figures_check(&items[i].figures, &exact);
        }
        page.is_first = false;
        memcpy(page.after, items[count - 1].keys, sizeof page.after);
    }
    assert_int_equal(seen, SERVICES * ENDPOINTS);
    struct rollup_page of_cart = { .is_first = true, .limit = 10, .service = BYTES("cart") };
    assert_int_equal(list(world, ROLLUP_ENDPOINTS, range, &of_cart, &items), ENDPOINTS);
    for (int e = 0; e < ENDPOINTS; e++) {
        struct rollup_figures exact = figures_by_hand(world, range, 1, e, false);
        figures_check(&items[e].figures, &exact);
    }
}

static void series_check(struct world *world, const struct rollup_range *range)
{
    struct err err = { 0 };
    struct rollup_point *points;
    uint32_t count;
    int64_t step = rollup_grain_us(range->grain) * 3, rows = 0;
    struct rollup_filter filter = { .service = BYTES("cart") };
    if (!rollup_series_read(world->db, range, &filter, step, 2000, &world->arena, &points, &count, &err))
        fail_msg("%s", err.text);
    for (uint32_t p = 0; p < count; p++) {
        struct rollup_range part = *range;
        if (points[p].at_unix_us > part.from_unix_us) part.from_unix_us = points[p].at_unix_us;
        if (points[p].at_unix_us + step < part.to_unix_us) part.to_unix_us = points[p].at_unix_us + step;
        struct rollup_figures exact = figures_by_hand(world, &part, 1, -1, false);
        figures_check(&points[p].figures, &exact);
        rows += points[p].figures.row_count;
    }
    assert_int_equal(rows, figures_by_hand(world, range, 1, -1, false).row_count);
}

/* Goal: totals and steps of all services, or of one, are what rows by hand make. */
static void services_series_check(struct world *world, const struct rollup_range *range)
{
    struct err err = { 0 };
    struct rollup_service *services;
    uint32_t count;
    int64_t step = rollup_grain_us(range->grain) * 5, first = range->from_unix_us - range->from_unix_us % step;
    if (!rollup_services_read(world->db, range, BYTES(""), step, &world->arena, &services, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, SERVICES);
    for (uint32_t s = 0; s < count; s++) {
        struct rollup_figures requests = figures_by_hand(world, range, (int)s, -1, true),
                              all = figures_by_hand(world, range, (int)s, -1, false);
        assert_true(bytes_equal(services[s].item.keys[0], bytes_of_text(service_names[s])));
        assert_int_equal(services[s].item.span_count + services[s].item.log_count, all.row_count);
        assert_int_equal(services[s].item.span_error_count + services[s].item.log_error_count, all.error_count);
        figures_check(&services[s].item.figures, &requests);
        for (uint32_t at = 0; at < rollup_steps(range, step); at++) {
            struct rollup_range part = *range;
            int64_t begin = first + at * step;
            if (begin > part.from_unix_us) part.from_unix_us = begin;
            if (begin + step < part.to_unix_us) part.to_unix_us = begin + step;
            struct rollup_figures exact = figures_by_hand(world, &part, (int)s, -1, true);
            figures_check(&services[s].steps[at], &exact);
        }
    }
    struct rollup_service *one;
    if (!rollup_services_read(world->db, range, BYTES("cart"), 0, &world->arena, &one, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 1);
    assert_null(one[0].steps);
    figures_check(&one[0].item.figures, &services[1].item.figures);
    if (!rollup_services_read(world->db, range, BYTES("nobody"), step, &world->arena, &one, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 0);
}

/* Goal: a range and the one before it are as long as each other, meet, and are of one grain that both are kept by. */
static void test_pair(void **state)
{
    (void)state;
    const int64_t now = 1772445600 * INT64_C(1000000) + 123456789;
    for (int64_t age = 0; age < 60 * ROLLUP_DAY_US; age += 7 * ROLLUP_HOUR_US / 2) {
        for (int64_t length = ROLLUP_MINUTE_US / 2; length < 20 * ROLLUP_DAY_US; length = length * 3) {
            struct rollup_range range = { .from_unix_us = now - age - length, .to_unix_us = now - age }, before;
            rollup_range_pair(&range, &before, now);
            int64_t grain = rollup_grain_us(range.grain);
            assert_int_equal(range.grain, before.grain);
            assert_int_equal(range.from_unix_us, before.to_unix_us);
            assert_int_equal(range.to_unix_us - range.from_unix_us, before.to_unix_us - before.from_unix_us);
            assert_true(range.from_unix_us % grain == 0 && range.to_unix_us % grain == 0);
            assert_true(range.from_unix_us <= now - age - length && range.to_unix_us >= now - age);
            struct rollup_range fitted = before;
            rollup_range_fit(&fitted, now);
            assert_true(fitted.grain <= before.grain);
        }
    }
}

static void questions_check(struct world *world)
{
    const int64_t lengths[] = { 3 * ROLLUP_HOUR_US, 30 * ROLLUP_HOUR_US, 25 * ROLLUP_DAY_US };
    for (size_t l = 0; l < COUNT_OF(lengths); l++) {
        struct rollup_range range = { .project_id = PROJECT,
                                      .from_unix_us = now_us - lengths[l],
                                      .to_unix_us = now_us };
        rollup_range_fit(&range, now_us);
        assert_int_equal(range.grain, l);
        assert_true(range.from_unix_us <= now_us - lengths[l] && range.to_unix_us >= now_us);
        services_check(world, &range);
        endpoints_check(world, &range);
        series_check(world, &range);
        services_series_check(world, &range);
        range.project_id = FOREIGN;
        struct rollup_page page = { .is_first = true, .limit = 10 };
        struct rollup_item *items;
        assert_int_equal(list(world, ROLLUP_SERVICES, &range, &page, &items), 0);
    }
}

static void job_run(struct world *world)
{
    const struct rollup_keep keep = { 60 * ROLLUP_DAY_US, 0, 0, 15 * ROLLUP_DAY_US };
    struct rollup_job_stats stats = { 0 };
    struct err err = { 0 };
    for (int round = 0; round < 5; round++)
        if (!rollup_job(world->db, &keep, now_us, false, &stats, &err)) fail_msg("%s", err.text);
}

static void refresh(struct world *world)
{
    static const char *const calls[] = { "CALL refresh_continuous_aggregate('rollup_hours_live', NULL, NULL)",
                                         "CALL refresh_continuous_aggregate('rollup_hour_buckets_live', NULL, NULL)",
                                         "CALL refresh_continuous_aggregate('rollup_days_live', NULL, NULL)",
                                         "CALL refresh_continuous_aggregate('rollup_day_buckets_live', NULL, NULL)" };
    struct err err = { 0 };
    for (size_t c = 0; c < COUNT_OF(calls); c++)
        if (!db_run_alone(world->db, calls[c], &err)) fail_msg("%s: %s", calls[c], err.text);
}

struct jobs {
    int64_t ids[32];
    uint32_t count;
};
static bool job_row(void *ctx, struct db_row *row, struct err *err)
{
    struct jobs *jobs = ctx;
    (void)err;
    if (jobs->count < COUNT_OF(jobs->ids)) jobs->ids[jobs->count++] = db_row_integer(row, 0);
    return true;
}

/* What TimescaleDB's scheduler does by and by: refreshes, compression, retention. */
static void policies_run(struct world *world)
{
    struct jobs jobs = { .count = 0 };
    struct err err = { 0 };
    if (!db_read(world->db,
                 "SELECT job_id::bigint FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL ORDER BY 1",
                 DB_NO_VALUES, job_row, &jobs, &err))
        fail_msg("%s", err.text);
    assert_int_equal(jobs.count, 8); /* 4 refresh, 2 compress, 2 drop minutes; hours and days stay for ever */
    for (uint32_t j = 0; j < jobs.count; j++) {
        char sql[64];
        snprintf(sql, sizeof sql, "CALL run_job(%d)", (int)jobs.ids[j]);
        if (!db_run_alone(world->db, sql, &err)) fail_msg("%s: %s", sql, err.text);
    }
    assert_true(
        db_fixture_number(world->db, "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed") > 40);
}

/* Goal: every question has the answer that its rows give, at every grain, before hours and days are made, after, and after
 * rows that come late; the same everywhere.
 * Method: 3,000 rows over 30 days in three parts; services, endpoints page by page, counts over time. */
static void test_questions(void **state)
{
    struct world *world = *state;
    bool has_aggregates;
    struct err err = { 0 };
    if (!rollup_aggregates(world->db, &has_aggregates, &err)) fail_msg("%s", err.text);
    rows_make(world);
    rows_store(world, world->rows, 1000);
    if (has_aggregates) refresh(world);
    job_run(world);
    rows_store(world, world->rows + 1000, 1000);
    rows_store(world, world->rows + 2000, 1000);
    if (has_aggregates) refresh(world); /* late rows are seen after the next refresh, new ones at once */
    questions_check(world);
    job_run(world);
    questions_check(world);
    if (has_aggregates) {
        policies_run(world);
        questions_check(world);
        int64_t before = db_fixture_number(world->db, "SELECT sum(row_count)::bigint FROM rollup_days_live");
        struct row late = world->rows[0];
        late.at_us = now_us - 20 * ROLLUP_DAY_US;
        rows_store(world, &late, 1); /* into a compressed chunk */
        refresh(world);
        assert_int_equal(db_fixture_number(world->db, "SELECT sum(row_count)::bigint FROM rollup_days_live"),
                         before + 1);
    }
    assert_true(has_aggregates || db_fixture_number(world->db, "SELECT COUNT(*) FROM rollup_days") > 50);
}

static void edges_store(struct world *world, const char *const (*ends)[2], uint32_t count)
{
    struct err err = { 0 };
    struct rollup_series series[8];
    struct rollup_sums sums[8] = { 0 };
    struct rollup_bucket buckets[8];
    for (uint32_t e = 0; e < count; e++) {
        int64_t at_us = now_us - 2 * ROLLUP_HOUR_US - now_us % ROLLUP_MINUTE_US;
        series[e] = (struct rollup_series){ .project_id = PROJECT,
                                            .kind = "edge",
                                            .service = bytes_of_text(ends[e][0]),
                                            .endpoint = BYTES(""),
                                            .method = BYTES(""),
                                            .route = BYTES(""),
                                            .source_kind = "service",
                                            .target = bytes_of_text(ends[e][1]),
                                            .target_kind = "service",
                                            .first_unix_us = at_us,
                                            .last_unix_us = at_us };
        series[e].id = rollup_series_id(&series[e]);
        sums[e] = (struct rollup_sums){ .project_id = PROJECT,
                                        .at_unix_us = at_us,
                                        .series_id = series[e].id,
                                        .row_count = 10 + e,
                                        .duration_count = 10 + e,
                                        .duration_sum_ns = 1000,
                                        .duration_max_ns = 100 };
        buckets[e] = (struct rollup_bucket){ .project_id = PROJECT,
                                             .at_unix_us = at_us,
                                             .series_id = series[e].id,
                                             .bucket = ddsketch_bucket(100),
                                             .row_count = 10 + e };
    }
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = PROJECT,
                                      .position_before = 0,
                                      .position = 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = count,
                                      .minute_count = count,
                                      .bucket_count = count };
    if (!rollup_store(world->db, &changes, now_us, &err)) fail_msg("%s", err.text);
}

/* Goal: edges of one service are those that have it at either end, with the figures that they have among all; page by page. */
static void test_edges(void **state)
{
    static const char *const ends[][2] = {
        { "Zebra", "cart" }, { "Zebra", "stock" }, { "cart", "cart" }, { "cart", "stock" }, { "stock", "Zebra" }
    };
    static const uint32_t of_cart[] = { 0, 2, 3 };
    struct world *world = *state;
    edges_store(world, ends, COUNT_OF(ends));
    for (int64_t hours = 3; hours < 1000; hours *= 10) {
        struct rollup_range range = { .project_id = PROJECT,
                                      .from_unix_us = now_us - hours * ROLLUP_HOUR_US,
                                      .to_unix_us = now_us };
        struct rollup_item *items;
        rollup_range_fit(&range, now_us);
        struct rollup_page page = { .is_first = true, .limit = 10 };
        assert_int_equal(list(world, ROLLUP_EDGES, &range, &page, &items), COUNT_OF(ends));
        for (uint32_t e = 0; e < COUNT_OF(ends); e++) assert_int_equal(items[e].figures.row_count, 10 + e);
        page = (struct rollup_page){ .is_first = true, .limit = 2, .service = BYTES("cart") };
        uint32_t seen = 0, count;
        while ((count = list(world, ROLLUP_EDGES, &range, &page, &items)) > 0) {
            for (uint32_t i = 0; i < count; i++, seen++) {
                assert_true(seen < COUNT_OF(of_cart));
                assert_true(bytes_equal(items[i].keys[0], bytes_of_text(ends[of_cart[seen]][0])));
                assert_true(bytes_equal(items[i].keys[1], bytes_of_text(ends[of_cart[seen]][1])));
                assert_int_equal(items[i].figures.row_count, 10 + of_cart[seen]);
                quantile_check(items[i].figures.p95_ns, 100);
            }
            page.is_first = false;
            memcpy(page.after, items[count - 1].keys, sizeof page.after);
        }
        assert_int_equal(seen, COUNT_OF(of_cart));
    }
}

/* Goal: facets and metric names are listed page by page. */
static void test_catalogs(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    struct rollup_attribute attributes[40] = { 0 };
    struct rollup_metric metrics[20] = { 0 };
    char texts[40][16];
    int64_t day = now_us - now_us % ROLLUP_DAY_US;
    for (int a = 0; a < 40; a++) {
        snprintf(texts[a], sizeof texts[a], "%02d", a);
        attributes[a] = (struct rollup_attribute){ .project_id = PROJECT,
                                                   .day_unix_us = day - (a % 2) * ROLLUP_DAY_US,
                                                   .place = a < 20 ? "log" : "span",
                                                   .type = "text",
                                                   .key = bytes_of_text(texts[a / 4]),
                                                   .is_value = a % 4 > 1,
                                                   .value = bytes_of_text(texts[a]),
                                                   .row_count = 10 + a,
                                                   .last_unix_us = now_us };
        if (a < 20)
            metrics[a] = (struct rollup_metric){ .project_id = PROJECT,
                                                 .name = bytes_of_text(texts[a / 2]),
                                                 .service = a % 2 ? BYTES("b") : BYTES("a"),
                                                 .unit = BYTES("s"),
                                                 .description = BYTES(""),
                                                 .type = a % 2 ? "sum" : "gauge",
                                                 .temporality = "",
                                                 .row_count = 3,
                                                 .first_unix_us = now_us - 10,
                                                 .last_unix_us = now_us + a };
    }
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = PROJECT,
                                      .position_before = 0,
                                      .position = 1,
                                      .attributes = attributes,
                                      .metrics = metrics,
                                      .attribute_count = 40,
                                      .metric_count = 20 };
    if (!rollup_store(world->db, &changes, now_us, &err)) fail_msg("%s", err.text);
    struct rollup_range range = { .project_id = PROJECT, .from_unix_us = now_us - ROLLUP_DAY_US, .to_unix_us = now_us };
    struct rollup_page page = { .is_first = true, .limit = 4 };
    struct rollup_attribute_item *items;
    uint32_t count, seen = 0;
    for (;;) {
        if (!rollup_attributes_read(world->db, &range, (struct bytes){ 0 }, &page, 5, &world->arena, &items, &count,
                                    &err))
            fail_msg("%s", err.text);
        if (count == 0) break;
        for (uint32_t i = 0; i < count; i++, seen++) {
            assert_true(bytes_equal(items[i].key, bytes_of_text(texts[seen])));
            assert_true(bytes_equal(items[i].place, seen < 5 ? BYTES("log") : BYTES("span")));
            assert_int_equal(items[i].row_count, 2 * (10 + 4 * (int)seen) + 1); /* two days */
            assert_int_equal(items[i].value_count, 2);
            assert_true(bytes_equal(items[i].values[0].value, bytes_of_text(texts[4 * seen + 3])));
        }
        page.is_first = false;
        page.after[0] = items[count - 1].place;
        page.after[1] = items[count - 1].key;
    }
    assert_int_equal(seen, 10);
    page = (struct rollup_page){ .is_first = true, .limit = 100 };
    assert_true(rollup_attributes_read(world->db, &range, BYTES("log"), &page, 0, &world->arena, &items, &count, &err));
    assert_int_equal(count, 5);
    struct rollup_metric_item *found;
    if (!rollup_metrics_read(world->db, &range, &page, &world->arena, &found, &count, &err)) fail_msg("%s", err.text);
    assert_int_equal(count, 10);
    assert_int_equal(found[3].row_count, 6);
    assert_int_equal(found[3].service_count, 2);
    assert_true(bytes_equal(found[3].services[1], BYTES("b")) && bytes_equal(found[3].type, BYTES("sum")));
    page = (struct rollup_page){ .after = { bytes_of_text(texts[6]) }, .limit = 100, .service = BYTES("a") };
    assert_true(rollup_metrics_read(world->db, &range, &page, &world->arena, &found, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(found[0].service_count, 1);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const char *timescale = getenv("MONO_TIMESCALE_URL");
    const struct rollup_keep keep = { 60 * ROLLUP_DAY_US, 0, 0, 15 * ROLLUP_DAY_US };
    struct err err = { 0 };
    now_us = INT64_C(1795744860000000); /* 2026-11-27, a minute after an hour began */
    world->random = 88172645463325252u;
    arena_init(&world->arena, 0);
    if (*state == NULL) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        now_us = now.tv_sec * INT64_C(1000000);
        struct db_options options = { .url = timescale, .connections_max = 1, .log = &db_fixture_log };
        if (!db_open(&world->db, &options, &err)) fail_msg("%s", err.text);
        if (!rollup_prepare(world->db, &keep, &db_fixture_log, &err) ||
            !rollup_prepare(world->db, &keep, &db_fixture_log, &err)) /* a second start */
            fail_msg("%s", err.text);
        bool has_aggregates = false;
        assert_true(rollup_aggregates(world->db, &has_aggregates, &err) && has_aggregates);
    } else {
        world->fixture = db_fixture_setup(state);
        db_fixture_open(world->fixture);
        world->db = world->fixture->db;
    }
    uint64_t position;
    if (!tap_position_take(world->db, ROLLUP_TAP, APP_ID, PROJECT, now_us, &position, &err)) fail_msg("%s", err.text);
    *state = world;
    return 0;
}
static int teardown(void **state)
{
    struct world *world = *state;
    arena_deinit(&world->arena);
    if (world->fixture) {
        db_fixture_teardown(world->fixture);
    } else {
        db_close(world->db);
    }
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pair), DB_BOTH(test_questions, setup, teardown),
                                        DB_BOTH(test_edges, setup, teardown), DB_BOTH(test_catalogs, setup, teardown) };
    const struct CMUnitTest timescale[] = { { "test_questions on TimescaleDB", test_questions, setup, teardown,
                                              NULL } };
    if (getenv("MONO_TIMESCALE_URL")) return cmocka_run_group_tests(timescale, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
