/* What the index costs: reading a file's values at flush, merging runs, a look-up. One line a figure: name value unit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "timefusion/index/index.h"
#include "timefusion/index/values.h"
#include "timefusion/parquet/parquet.h"

#define GROUPS     30u
#define GROUP_ROWS 30000u
#define TRACE_ROWS 10u /* spans of a trace */

static void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "index_bench: %s\n", err->text);
    exit(1);
}

static void group_write(const char *path, uint32_t group, struct err *err)
{
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct bytes bytes, summary = BYTES("route;neutral=>GET /cart");
    struct disk_file *file;
    for (uint32_t row = 0; row < GROUP_ROWS; row++) {
        char trace[40], error[24], id[40];
        uint64_t number = hash64_mix((uint64_t)group * GROUP_ROWS + row / TRACE_ROWS + 1, 0x9E3779B97F4A7C15u);
        columns_row_begin(columns, 1700000000000000 + row);
        struct bytes hashes[3] = {
            bytes_from(trace, (size_t)snprintf(trace, sizeof trace, "%016llx%016llx", (unsigned long long)number,
                                               (unsigned long long)number * 31)),
            bytes_from(error, (size_t)snprintf(error, sizeof error, "err:%u", row % 40)), BYTES("a1b2c3d4e5f60718")
        };
        snprintf(id, sizeof id, "%08x-0000-4000-8000-%012x", row, group);
        columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, hashes[0]);
        columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, 3);
        columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text(id));
        columns_put_text_list(columns, LOGS_AND_SPANS_summary, &summary, 1);
        columns_row_end(columns);
    }
    must(parquet_write(writer, columns, 0, GROUP_ROWS, PARQUET_CODEC_ZSTD, &bytes, err), err);
    must(disk_real.ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err) &&
             disk_real.ops->pwrite(file, 0, &bytes, 1, err),
         err);
    disk_real.ops->close(file);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
}

static bool file_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    size_t got = 0;
    return disk_real.ops->pread(ctx, offset, ptr, len, &got, err) && (got == len || err_set(err, ERR_CORRUPT, "short"));
}

/* A flushed file of 30 row groups: what reading its values adds to each row. */
static void bench_values(const char *dir, struct err *err)
{
    struct parquet_input inputs[GROUPS];
    struct disk_file *out;
    struct parquet_footer *footer;
    struct index_source source = { .read = file_read };
    struct index_values *values;
    char path[128];
    for (uint32_t g = 0; g < GROUPS; g++) {
        struct disk_stat stat;
        snprintf(path, sizeof path, "%s/group%u", dir, g);
        group_write(path, g, err);
        must(disk_real.ops->open(&disk_real, path, DISK_READ, &inputs[g].file, err) &&
                 disk_real.ops->stat(inputs[g].file, &stat, err),
             err);
        inputs[g].bytes = stat.bytes;
    }
    snprintf(path, sizeof path, "%s/joined", dir);
    must(disk_real.ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE, &out, err), err);
    must(parquet_join(&disk_real, inputs, GROUPS, schema_table(SCHEMA_LOGS_AND_SPANS), out, false, &source.bytes,
                      &footer, err),
         err);
    source.ctx = out;
    uint64_t best_ns = UINT64_MAX;
    for (int tries = 0; tries < 5; tries++) {
        uint64_t from_ns = clock_cpu_ns();
        must(index_values_read(&values, schema_table(SCHEMA_LOGS_AND_SPANS), &source, err), err);
        uint64_t ns = clock_cpu_ns() - from_ns;
        if (ns < best_ns) best_ns = ns;
        if (tries < 4) index_values_destroy(values);
    }
    struct run *run = values_to_run(values, schema_table(SCHEMA_LOGS_AND_SPANS), "key");
    printf("index_values_ns_per_row %.1f ns\n", (double)best_ns / (GROUPS * GROUP_ROWS));
    printf("index_bytes_per_row %.2f bytes\n", (double)run->entry_count * 8 / (GROUPS * GROUP_ROWS));
    run_release(run);
    parquet_footer_destroy(footer);
    disk_real.ops->close(out);
    for (uint32_t g = 0; g < GROUPS; g++) disk_real.ops->close(inputs[g].file);
}

int main(void)
{
    char dir[] = "/tmp/index_bench_XXXXXX";
    struct err err = { .code = ERR_OK };
    if (!mkdtemp(dir)) return 1;
    bench_values(dir, &err);
    must(disk_dir_empty(&disk_real, dir, &err), &err);
    rmdir(dir);
    return 0;
}
