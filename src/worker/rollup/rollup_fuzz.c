/* Any bytes as each of the three signals, decoded, built and counted: every row once, every text one that a database takes. */
#include <stdlib.h>

#include "base/utf8.h"
#include "worker/rollup/rollup_delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct columns *columns[SCHEMA_TABLE_COUNT];
    struct rollup_delta *delta;
    int64_t rows;
    bool wants_attributes;
};

static struct columns *fuzz_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    struct fuzz *fuzz = ctx;
    (void)day;
    if (fuzz->columns[table] == NULL) fuzz->columns[table] = columns_create(schema_table(table));
    return fuzz->columns[table];
}
static bool fuzz_row_done(void *ctx, struct columns *columns)
{
    (void)ctx;
    return columns_row_count(columns) % 7 != 0;
}
static void fuzz_row(void *ctx, const struct rows_row *row)
{
    struct fuzz *fuzz = ctx;
    rollup_delta_row(fuzz->delta, row, INT64_MIN);
    fuzz->wants_attributes = rollup_delta_wants_attributes(fuzz->delta);
    fuzz->rows++;
}

static void check_text(struct bytes text)
{
    if (!utf8_is_valid(text) || (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL)) abort();
}

static void check_changes(struct fuzz *fuzz, int64_t rows)
{
    struct rollup_changes changes = { .app_id = "fuzz", .position = 1 };
    int64_t counted = 0, errors = 0;
    rollup_delta_changes(fuzz->delta, &changes);
    for (size_t s = 0; s < changes.series_count; s++) {
        const struct rollup_series *series = &changes.series[s];
        check_text(series->service);
        check_text(series->method);
        check_text(series->route);
        check_text(series->target);
        for (size_t m = 0; strcmp(series->kind, ROLLUP_KIND_EDGE) != 0 && m < changes.minute_count; m++) {
            if (changes.minutes[m].series_id != series->id) continue;
            counted += changes.minutes[m].row_count;
            errors += changes.minutes[m].error_count;
            changes.minutes[m].series_id = 0; /* names that are cut alike have one id */
        }
    }
    if (counted != rows || errors > rows) abort();
    for (size_t a = 0; a < changes.attribute_count; a++) {
        check_text(changes.attributes[a].key);
        check_text(changes.attributes[a].value);
    }
    for (size_t m = 0; m < changes.metric_count; m++) {
        check_text(changes.metrics[m].name);
        check_text(changes.metrics[m].unit);
        check_text(changes.metrics[m].description);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct uuid project = { { 1, 2, 3 } };
    for (int signal = OTLP_LOGS; signal <= OTLP_METRICS; signal++) {
        struct otlp_request request;
        struct err err = { 0 };
        otlp_request_init(&request);
        if (otlp_decode(&request, (enum otlp_signal)signal, bytes_from(data, size), INT64_C(1763800000000000),
                        &otlp_limits_default, &err) &&
            otlp_record_count(&request) < COLUMNS_ROWS_MAX / 2) {
            struct fuzz fuzz = { .delta = rollup_delta_create() };
            struct rollup_names *names = rollup_names_create();
            struct rollup_delta *whole = rollup_delta_create();
            struct rows *rows = rows_create(&(struct rows_options){ .attribute_keys_max = 1000 });
            struct rows_sink sink = { .columns = fuzz_columns,
                                      .row_done = fuzz_row_done,
                                      .ctx = &fuzz,
                                      .row = fuzz_row,
                                      .wants_attributes = &fuzz.wants_attributes };
            for (int twice = 0; twice < 2; twice++) {
                rollup_delta_request_begin(fuzz.delta, names, INT64_C(1763800000000000), project, &request);
                fuzz.wants_attributes = rollup_delta_wants_attributes(fuzz.delta);
                rows_build(rows, project, &request, &sink);
                rollup_delta_merge(whole, fuzz.delta);
            }
            struct rollup_delta *empty = fuzz.delta;
            fuzz.delta = whole;
            check_changes(&fuzz, fuzz.rows);
            for (int table = 0; table < SCHEMA_TABLE_COUNT; table++) columns_destroy(fuzz.columns[table]);
            rows_destroy(rows);
            rollup_names_destroy(names);
            rollup_delta_destroy(whole);
            rollup_delta_destroy(empty);
        }
        otlp_request_deinit(&request);
    }
    return 0;
}
