/* findings_fixture.h -- for tests: a project of a database of either kind, what is found there, and the roll-ups that it is found in. */
#pragma once
#include "meta/meta_fixture.h"

#include "base/ddsketch.h"
#include "findings/finding.h"
#include "meta/rollup.h"
#include "meta/tap_position.h"

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

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static inline bool note(void *ctx, const struct finding *finding)
{
    struct fixture *fixture = ctx;
    if (fixture->count < COUNT_OF(fixture->found)) fixture->found[fixture->count++] = *finding;
    return true;
}

/* Newest first, at most 20; how many. */
static inline uint32_t list(struct fixture *fixture, struct finding_filter filter)
{
    struct err err = { 0 };
    filter.limit = 20;
    fixture->count = 0;
    if (!finding_list(fixture->db, fixture->shop.id, &fixture->arena, &filter, note, fixture, &err))
        fail_msg("%s", err.text);
    return fixture->count;
}

static const struct watch_subject cart = { .service = { (const uint8_t *)"cart", 4 },
                                           .endpoint = { (const uint8_t *)"0190a3c0-0000-7000-8000-000000000001", 36 },
                                           .method = { (const uint8_t *)"GET", 3 },
                                           .route = { (const uint8_t *)"/it's", 5 },
                                           .kind = "server" };

static inline struct detect_finding errors(void)
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

static inline void tell(struct fixture *fixture, const struct detect_finding *found,
                        const struct watch_subject *subject, bool is_told)
{
    struct err err = { 0 };
    if (!finding_tell(fixture->db, fixture->shop.id, found, subject, NULL, is_told, NOW_US, &err))
        fail_msg("%s", err.text);
}

struct flow {
    const char *kind, *service, *target, *target_kind;
    int64_t rows_before, errors_before, rows_since, errors_since;
};

/* Forty minutes of roll-ups, the last ten of them as since. */
static inline void flows_store(struct fixture *fixture, const struct flow *flows, size_t count)
{
    const struct uuid owner = { { 3 } };
    struct err err = { 0 };
    struct rollup_series *series = arena_calloc(&fixture->arena, count * sizeof *series);
    struct rollup_sums *sums = arena_calloc(&fixture->arena, 40 * count * sizeof *sums);
    struct rollup_bucket *buckets = arena_calloc(&fixture->arena, 40 * count * sizeof *buckets);
    struct rollup_changes changes = { .app_id = "monoscope/f/0",
                                      .owner = owner,
                                      .position = 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = count };
    for (size_t f = 0; f < count; f++) {
        bool is_edge = strcmp(flows[f].kind, "edge") == 0;
        series[f] = (struct rollup_series){ .project_id = fixture->shop.id,
                                            .kind = flows[f].kind,
                                            .service = bytes_of_text(flows[f].service),
                                            .endpoint = BYTES(""),
                                            .method = BYTES(""),
                                            .route = BYTES(""),
                                            .source_kind = is_edge ? "service" : "",
                                            .target = bytes_of_text(flows[f].target),
                                            .target_kind = flows[f].target_kind,
                                            .first_unix_us = NOW_US - 40 * MINUTE,
                                            .last_unix_us = NOW_US };
        series[f].id = rollup_series_id(&series[f]);
        for (int m = 0; m < 40; m++) {
            int64_t at = NOW_US - (40 - m) * MINUTE, rows = m < 30 ? flows[f].rows_before : flows[f].rows_since;
            sums[changes.minute_count++] =
                (struct rollup_sums){ .project_id = fixture->shop.id,
                                      .at_unix_us = at,
                                      .series_id = series[f].id,
                                      .row_count = rows,
                                      .error_count = m < 30 ? flows[f].errors_before : flows[f].errors_since,
                                      .duration_count = rows,
                                      .duration_sum_ns = (double)rows * 1e7,
                                      .duration_max_ns = 10000000 };
            buckets[changes.bucket_count++] = (struct rollup_bucket){ .project_id = fixture->shop.id,
                                                                      .at_unix_us = at,
                                                                      .series_id = series[f].id,
                                                                      .bucket = ddsketch_bucket(10000000),
                                                                      .row_count = rows };
        }
    }
    uint64_t position;
    if (!tap_position_take(fixture->db, ROLLUP_TAP, "monoscope/f/0", owner, NOW_US, &position, &err))
        fail_msg("%s", err.text);
    if (!rollup_store(fixture->db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}
