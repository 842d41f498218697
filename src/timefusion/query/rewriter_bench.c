/* rewriter_bench FOLDER TABLE -- what it costs to make the files of a table anew, by order and level of zstd, and how small they
 * become: reads every Parquet file of the table under the folder of tables, and writes to memory. */
#include "timefusion/file.h"
#include "timefusion/maintenance/rewriter.h"
#include "timefusion/query/query.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROW_GROUP_ROWS 30000
#define MEMORY_BYTES   (256u << 20)

struct bench {
    struct object_store *store;
    const struct schema_table *table;
    struct timefusion_file **files;
    uint32_t file_count;
    uint64_t bytes_in, rows_in;
    struct parquet_writer *writer;
    uint64_t bytes_out, rows_out, groups;
    double write_s;
};

static double cpu_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "rewriter_bench: %s\n", err->text);
    exit(1);
}

static bool file_add(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct bench *bench = ctx;
    size_t len = strlen(key);
    (void)modified_unix_us;
    if (len < 8 || strcmp(key + len - 8, ".parquet") != 0 || strstr(key, "/_delta_log/")) return true;
    struct file *file = file_create(bench->store, key, bench->table, TIMEFUSION_DELTA, bench->file_count + 1);
    struct err err = { 0 };
    const struct parquet_footer *footer;
    file->shown.bytes = bytes;
    must(timefusion_file_footer(&file->shown, &footer, &err), &err);
    file->shown.row_count = footer->row_count;
    bench->files = mem_realloc(bench->files, (bench->file_count + 1) * sizeof *bench->files);
    bench->files[bench->file_count++] = &file->shown;
    bench->bytes_in += bytes;
    bench->rows_in += footer->row_count;
    return true;
}

static bool take(void *ctx, struct columns *columns, struct err *err)
{
    struct bench *bench = ctx;
    struct bytes bytes;
    double begin_s = cpu_s();
    bool ok = parquet_write(bench->writer, columns, 0, columns_row_count(columns), PARQUET_CODEC_ZSTD, &bytes, err);
    bench->write_s += cpu_s() - begin_s;
    bench->bytes_out += ok ? bytes.len : 0;
    bench->rows_out += columns_row_count(columns);
    bench->groups++;
    return ok;
}

static void measure(struct bench *bench, enum rewriter_order order, int level)
{
    struct rewriter rewriter = query_rewriter();
    struct timefusion_snapshot snapshot = { .table = bench->table,
                                            .files = bench->files,
                                            .file_count = bench->file_count };
    struct rewriter_work work = { .snapshot = &snapshot,
                                  .files = bench->files,
                                  .file_count = bench->file_count,
                                  .order = order,
                                  .rows_max = ROW_GROUP_ROWS,
                                  .memory_bytes_max = MEMORY_BYTES,
                                  .sink = take,
                                  .ctx = bench };
    struct err err = { 0 };
    char name[64];
    bench->bytes_out = bench->rows_out = bench->groups = 0;
    bench->write_s = 0;
    parquet_writer_set_level(bench->writer, level);
    double begin_s = cpu_s();
    must(rewriter.run(rewriter.ctx, &work, &err), &err);
    double whole_s = cpu_s() - begin_s, rows = (double)bench->rows_out;
    snprintf(name, sizeof name, "rewrite_%s_zstd_%d", order == REWRITER_AS_STORED ? "as_stored" : "by_hour", level);
    printf("%s_cpu_us_per_row %.2f us\n", name, whole_s * 1e6 / rows);
    printf("%s_write_us_per_row %.2f us\n", name, bench->write_s * 1e6 / rows);
    printf("%s_bytes_per_row %.1f bytes\n", name, (double)bench->bytes_out / rows);
    printf("%s_row_groups %" PRIu64 " groups\n", name, bench->groups);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const int levels[] = { 1, 3, 5, 6, 7, 9 };
    struct err err = { 0 };
    struct bench bench = { 0 };
    if (argc != 3 || !(bench.table = schema_table_by_name(bytes_of_text(argv[2])))) {
        fprintf(stderr, "rewriter_bench FOLDER TABLE\n");
        return 2;
    }
    must(object_store_open_folder(&bench.store, argv[1], &disk_real, &err), &err);
    must(object_list(bench.store, argv[2], file_add, &bench, &err), &err);
    if (bench.rows_in == 0) must(err_set(&err, ERR_NOT_FOUND, "no rows there"), &err);
    bench.writer = parquet_writer_create();
    printf("rewrite_rows %" PRIu64 " rows\n", bench.rows_in);
    printf("rewrite_before_bytes_per_row %.1f bytes\n", (double)bench.bytes_in / (double)bench.rows_in);
    measure(&bench, REWRITER_AS_STORED, 1);
    for (size_t l = 0; l < COUNT_OF(levels); l++) measure(&bench, REWRITER_BY_HOUR_SERVICE, levels[l]);
    parquet_writer_destroy(bench.writer);
    for (uint32_t f = 0; f < bench.file_count; f++) file_release((struct file *)bench.files[f]);
    free(bench.files);
    object_store_close(bench.store);
    return 0;
}
