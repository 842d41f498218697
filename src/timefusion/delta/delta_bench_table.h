/* delta_bench_table.h -- tables of many files, made quickly, for the benches. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "timefusion/delta/delta_table.h"

#ifndef BENCH_PROJECTS
#define BENCH_PROJECTS 50
#endif
static inline struct uuid bench_project(uint32_t number)
{
    return (struct uuid){ { (uint8_t)(number % BENCH_PROJECTS), 1, 2, 3, 4, 5, 0x46, 7, 0x88 } };
}

static const struct log bench_log = { .fd = 2, .level_min = LOG_WARN };

static inline void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

static inline double seconds_since(uint64_t from_ns)
{
    return (double)(clock_mono_ns() - from_ns) / 1e9;
}

static inline bool bench_no_sync(struct disk_file *file, struct err *err)
{
    (void)file, (void)err;
    return true;
}

static inline bool bench_no_sync_dir(struct disk *disk, const char *path, struct err *err)
{
    (void)disk, (void)path, (void)err;
    return true;
}

/* The real disk without its syncs: what is left is our own work and system calls. */
static inline struct disk bench_disk(struct disk_ops *ops)
{
    *ops = *disk_real.ops;
    ops->sync = bench_no_sync;
    ops->sync_dir = bench_no_sync_dir;
    return (struct disk){ ops };
}

struct bench_footer {
    struct parquet_footer footer;
    struct parquet_column_stats columns[SCHEMA_COLUMNS_MAX];
    char texts[SCHEMA_COLUMNS_MAX][32];
};

/* A file of spans as they are: a third of the columns has values, half of them new in every file. */
static inline void bench_footer_init(struct bench_footer *it, const struct schema_table *table, uint32_t number)
{
    it->footer = (struct parquet_footer){ .table = table, .row_count = 30000, .file_columns = it->columns };
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct parquet_column_stats *column = &it->columns[i];
        *column = (struct parquet_column_stats){ .null_count = 30000 };
        if (i % 3 != 1) continue;
        column->has_min_max = true;
        column->null_count = 7;
        column->min.integer = number;
        if (table->columns[i].type != SCHEMA_TYPE_TEXT) continue;
        int len = i % 2 ? snprintf(it->texts[i], 32, "value-%u-%u", i, number * 2654435761u)
                        : snprintf(it->texts[i], 32, "a value of some length");
        column->min.text = column->max.text = bytes_from((const uint8_t *)it->texts[i], (size_t)len);
    }
    it->columns[table->timestamp].has_min_max = true;
    it->columns[table->timestamp].min.integer = INT64_C(1760000000000000) + number * INT64_C(1000000);
    it->columns[table->timestamp].max.integer = it->columns[table->timestamp].min.integer + 999999;
}

static inline int bench_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static inline double bench_median_us(uint64_t *spent_ns, uint32_t count)
{
    qsort(spent_ns, count, sizeof *spent_ns, bench_order);
    return (double)spent_ns[count / 2] / 1e3;
}

/* count files of BENCH_PROJECTS projects in commits of per_commit; returns their CPU. */
static inline uint64_t bench_commit(struct delta_table *table, uint32_t count, uint32_t per_commit)
{
    static uint32_t number;
    uint64_t spent_ns = 0;
    const struct schema_table *schema = table->options.table;
    struct err err = { 0 };
    struct bench_footer *footers = mem_alloc(per_commit * sizeof *footers);
    char(*paths)[160] = mem_alloc(per_commit * sizeof *paths);
    struct delta_add *adds = mem_alloc(per_commit * sizeof *adds);
    for (uint32_t done = 0; done < count; done += per_commit) {
        for (uint32_t i = 0; i < per_commit; i++, number++) {
            struct uuid project = bench_project(number);
            int32_t day = 20000 + (int32_t)(number / 5000);
            delta_file_path(project, day, uuid_random(), paths[i]);
            bench_footer_init(&footers[i], schema, number);
            adds[i] = (struct delta_add){ paths[i], project, day, 4000000, &footers[i].footer };
        }
        uint64_t version, from_ns = clock_cpu_ns();
        int64_t before = (int64_t)table->version;
        struct delta_txn_change txn = { "monoscope/bench/0", before == 0 ? -1 : before, table->version + 1 };
        must(
            delta_commit(table,
                         &(struct delta_change){
                             .adds = adds, .add_count = per_commit, .txns = &txn, .txn_count = 1, .data_change = true },
                         &version, &err),
            &err);
        spent_ns += clock_cpu_ns() - from_ns;
    }
    free(footers);
    free(paths);
    free(adds);
    return spent_ns;
}

static inline long bench_status_kb(const char *field)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, field, strlen(field)) == 0) kb = atol(line + strlen(field) + 1);
    }
    if (file) fclose(file);
    return kb;
}

/* From now on VmHWM counts anew. */
static inline void bench_peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file && fputs("5", file) >= 0) fclose(file);
}
