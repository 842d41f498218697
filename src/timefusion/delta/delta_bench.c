/* What a table of many files costs: commits, snapshots, checkpoints, opening. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "timefusion/delta/delta_catalog.h"
#include "timefusion/delta/delta_table.h"

static const struct log bench_log = { .fd = 2, .level_min = LOG_WARN };

static void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "delta_bench: %s\n", err->text);
    exit(1);
}

static double seconds_since(uint64_t from_ns)
{
    return (double)(clock_mono_ns() - from_ns) / 1e9;
}

struct footer {
    struct parquet_footer footer;
    struct parquet_column_stats columns[SCHEMA_COLUMNS_MAX];
};

/* A file of spans as they are: a third of the columns has values. */
static void footer_init(struct footer *it, const struct schema_table *table)
{
    *it = (struct footer){ .footer = { .table = table, .row_count = 30000, .file_columns = it->columns } };
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct parquet_column_stats *column = &it->columns[i];
        column->null_count = 30000;
        if (i % 3 != 1) continue;
        column->has_min_max = true;
        column->null_count = 7;
        if (table->columns[i].type == SCHEMA_TYPE_TEXT)
            column->min.text = column->max.text = BYTES("a value of some length");
    }
}

/* Commits count files, per_commit each; returns seconds. */
static double commit_many(struct delta_table *table, const struct schema_table *schema, uint32_t count,
                          uint32_t per_commit)
{
    static uint32_t number;
    struct footer footer;
    struct err err = { 0 };
    footer_init(&footer, schema);
    char(*paths)[160] = mem_alloc(per_commit * sizeof *paths);
    struct delta_add *adds = mem_alloc(per_commit * sizeof *adds);
    uint64_t from_ns = clock_mono_ns();
    for (uint32_t done = 0; done < count; done += per_commit) {
        for (uint32_t i = 0; i < per_commit; i++, number++) {
            struct uuid project = { { (uint8_t)(number % 50), 1, 2, 3, 4, 5, 0x46, 7, 0x88 } };
            delta_file_path(project, 20000, uuid_random(), paths[i]);
            footer.columns[schema->timestamp].min.integer = number * 1000;
            footer.columns[schema->timestamp].max.integer = number * 1000 + 999;
            adds[i] = (struct delta_add){ paths[i], project, 20000, 4000000, &footer.footer };
        }
        uint64_t version;
        must(delta_commit(table, &(struct delta_change){ .adds = adds, .add_count = per_commit, .data_change = true },
                          &version, &err),
             &err);
    }
    double seconds = seconds_since(from_ns);
    free(paths);
    free(adds);
    return seconds;
}

int main(int argc, char **argv)
{
    uint32_t file_count = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;
    char dir[] = "/tmp/mono_delta_bench_XXXXXX", command[64];
    struct object_store *store;
    struct delta_table *table;
    struct err err = { 0 };
    if (mkdtemp(dir) == NULL) return 1;
    must(object_store_open_folder(&store, dir, &disk_real, &err), &err);
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct delta_options options = { .store = store, .prefix = "bench", .table = schema, .log = &bench_log };
    must(delta_open(&table, &options, &err), &err);
    double seconds = commit_many(table, schema, file_count, 1000);
    printf("delta_commit_file_us %.1f us\n", seconds * 1e6 / file_count);
    uint64_t cpu_ns = clock_cpu_ns();
    seconds = commit_many(table, schema, 100, 1);
    printf("delta_commit_ms %.2f ms\n", seconds * 1e3 / 100);
    printf("delta_commit_cpu_ms %.3f ms\n", (double)(clock_cpu_ns() - cpu_ns) / 1e6 / 100);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    printf("delta_files %u files\n", snapshot->file_count);
    printf("delta_stats_bytes %zu bytes\n", delta_snapshot_file(snapshot, 0)->stats.len);
    delta_snapshot_release(snapshot);
    uint64_t from_ns = clock_mono_ns();
    must(delta_checkpoint_write(table, &err), &err);
    printf("delta_checkpoint_ms %.1f ms\n", seconds_since(from_ns) * 1e3);
    delta_close(table);
    from_ns = clock_mono_ns();
    must(delta_open(&table, &options, &err), &err);
    printf("delta_open_by_json_ms %.1f ms\n", seconds_since(from_ns) * 1e3);
    delta_close(table);
    object_store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
