/* delta_test_table.h -- tables in a simulated disk, and adds with made-up footers, for the tests of this folder. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "base/disk_sim.h"
#include "timefusion/delta/delta.h"

static const struct log test_log = { .fd = -1, .level_min = LOG_ERROR };

struct test_footer {
    struct parquet_footer footer;
    struct parquet_column_stats columns[SCHEMA_COLUMNS_MAX];
};
/* rows, and times from timestamp_us on; every other column has no value. */
static inline void test_footer_init(struct test_footer *it, const struct schema_table *table, uint64_t row_count,
                                    int64_t timestamp_us)
{
    memset(it, 0, sizeof *it);
    it->footer = (struct parquet_footer){ .table = table, .row_count = row_count, .file_columns = it->columns };
    for (uint32_t i = 0; i < table->column_count; i++)
        it->columns[i].null_count = it->columns[i].value_count = row_count;
    it->columns[table->timestamp].has_min_max = true;
    it->columns[table->timestamp].min_is_exact = it->columns[table->timestamp].max_is_exact = true;
    it->columns[table->timestamp].null_count = 0;
    it->columns[table->timestamp].min.integer = timestamp_us;
    it->columns[table->timestamp].max.integer = timestamp_us + (int64_t)row_count - 1;
}

static inline struct uuid test_uuid(uint8_t number)
{
    return (struct uuid){ { number, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, number } };
}

struct test_add {
    struct test_footer footer;
    char path[160];
    struct delta_add add;
};
/* The file with this number; the same number gives the same path. */
static inline void test_add_init(struct test_add *it, const struct schema_table *table, uint8_t project, uint8_t file,
                                 int64_t timestamp_us)
{
    test_footer_init(&it->footer, table, 10u + file, timestamp_us);
    delta_file_path(test_uuid(project), 20000, test_uuid(file), it->path);
    it->add = (struct delta_add){ it->path, test_uuid(project), 20000, 1000u + file, &it->footer.footer };
}

static inline struct object_store *test_store(struct disk *disk)
{
    struct object_store *store;
    struct err err = { 0 };
    if (!object_store_open_folder(&store, "/store", disk, &err)) fail_msg("%s", err.text);
    return store;
}

static inline struct delta_options test_options(struct object_store *store)
{
    return (struct delta_options){ .store = store,
                                   .prefix = "otel_metrics",
                                   .table = schema_table(SCHEMA_METRICS),
                                   .checkpoint_every = 3,
                                   .log = &test_log };
}

static inline struct delta_table *test_open(const struct delta_options *options)
{
    struct delta_table *table;
    struct err err = { 0 };
    if (!delta_open(&table, options, &err)) fail_msg("%s", err.text);
    return table;
}

static inline void test_put_commit(struct object_store *store, uint64_t version, const char *lines)
{
    char key[128];
    struct err err = { 0 };
    snprintf(key, sizeof key, "otel_metrics/_delta_log/%020llu.json", (unsigned long long)version);
    if (!object_put_if_absent(store, key, bytes_of_text(lines), &err)) fail_msg("%s", err.text);
}
