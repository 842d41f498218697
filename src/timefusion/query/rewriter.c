/* The rewriter of maintenance (maintenance/rewriter.h): files of any writer, read by a DuckDB of the run's own.
 *
 * Sorting a day by DuckDB would hold rows of 88 columns, 2 KB each. Instead a first look counts rows by second, and the day is
 * done in passes of as many whole hours (or seconds of a large hour) as memory holds. Of a pass a second look, at three columns,
 * counts rows by (hour, service, second); from that follow buckets of a row group each, and one read of the whole rows puts each
 * row into its bucket. Rows of a row group are sorted by the Parquet writer. */
#include "timefusion/maintenance/rewriter.h"
#include "base/arena.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/rows.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND_US        1000000
#define HOUR_US          3600000000
#define ROW_BYTES_GUESS  1500 /* of a row in struct columns, until the first pass tells */
#define DUCKDB_BYTES_MIN (96u << 20)
#define SQL_BYTES_MAX    (64u << 20)

struct second {
    int64_t from_us;
    uint64_t row_count;
};

/* Rows of keys from (hour, service, second) on; the first bucket of a pass begins with no key. */
struct bucket {
    int64_t hour, second;
    struct bytes service; /* ptr NULL: none, which comes first */
    struct columns *columns;
};

struct rewrite {
    const struct rewriter_work *work;
    const struct schema_table *table;
    duckdb_database database;
    duckdb_connection connection;
    struct duckdb_fs *fs;
    struct rows rows;
    uint64_t columns_bytes_max; /* of all buckets */
    uint64_t rows_given;
    double row_bytes;
    struct second *seconds;
    uint32_t second_count, second_cap;
    /* of a pass */
    struct arena arena;
    struct bucket *buckets;
    uint32_t bucket_count, bucket_cap;
    uint64_t bucket_rows, bucket_rows_max;
    int64_t cell_hour;
};

static bool file_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(file, offset, ptr, len, err);
}

static bool is_stopped(void *ctx, struct err *err)
{
    struct rewrite *rewrite = ctx;
    if (!rewrite->work->cancel || !atomic_load(rewrite->work->cancel)) return false;
    err_set(err, ERR_CANCELLED, "the rewriting of files was cancelled");
    return true;
}

/* FROM read_parquet of these files, its columns as s<n>, rows of [from, to). */
static bool from_put(struct buf *sql, const struct rewrite *rewrite, uint32_t first, uint32_t count,
                     const struct column_set *needed, int64_t from_us, int64_t to_us)
{
    const char **names = mem_alloc((count + 1) * sizeof *names);
    for (uint32_t f = 0; f < count; f++) names[f] = rewrite->work->files[first + f]->name;
    const struct parquet_footer **footers = mem_calloc(count + 1, sizeof *footers);
    struct err ignored = { 0 }; /* who reads the file says so */
    for (uint32_t f = 0; f < count; f++)
        (void)!timefusion_file_footer(rewrite->work->files[first + f], &footers[f], &ignored);
    struct source_files files = { .snapshot_id = 1, .names = names, .count = count, .footers = footers };
    bool ok = buf_printf(sql, " FROM ") && source_files_put(sql, rewrite->table, &files, needed, NULL);
    free(names);
    free(footers);
    uint32_t time = rewrite->table->timestamp;
    if (from_us != INT64_MIN) ok = ok && buf_printf(sql, " WHERE s%u >= " LITERAL_TIME, time, from_us);
    if (to_us != INT64_MAX)
        ok = ok && buf_printf(sql, " %s s%u < " LITERAL_TIME, from_us != INT64_MIN ? "AND" : "WHERE", time, to_us);
    return ok;
}

static bool statement_run(struct rewrite *rewrite, struct buf *sql, bool is_whole,
                          bool (*take)(void *ctx, duckdb_data_chunk chunk, struct err *err), struct err *err)
{
    struct rows_stream stream = { .take = take, .is_stopped = is_stopped, .ctx = rewrite };
    bool ok = (is_whole && buf_add(sql, "", 1)) || err_set(err, ERR_TOO_LARGE, "too many files to rewrite at once");
    ok = ok && rows_stream(rewrite->connection, (const char *)sql->ptr, &stream, err);
    buf_deinit(sql);
    return ok;
}

/* --- what there is --- */

static bool seconds_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct rewrite *rewrite = ctx;
    duckdb_vector seconds = duckdb_data_chunk_get_vector(chunk, 0);
    const uint64_t *validity = duckdb_vector_get_validity(seconds);
    const int64_t *from = duckdb_vector_get_data(seconds);
    const int64_t *counts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
        if (validity && !(validity[row / 64] >> (row % 64) & 1))
            return err_set(err, ERR_UNSUPPORTED, "column \"timestamp\" holds NULL, which it must not");
        if (rewrite->second_count == rewrite->second_cap) {
            rewrite->second_cap = rewrite->second_cap ? rewrite->second_cap * 2 : 2048;
            rewrite->seconds = mem_realloc(rewrite->seconds, rewrite->second_cap * sizeof *rewrite->seconds);
        }
        rewrite->seconds[rewrite->second_count++] = (struct second){ from[row] * SECOND_US, (uint64_t)counts[row] };
    }
    return true;
}

static bool seconds_read(struct rewrite *rewrite, struct err *err)
{
    struct buf sql;
    struct column_set needed = { 0 };
    column_set_add(&needed, rewrite->table->timestamp);
    buf_init(&sql, SQL_BYTES_MAX);
    bool ok = buf_printf(&sql, "SELECT epoch_us(s%u) // %d AS m, count(*)", rewrite->table->timestamp, SECOND_US) &&
              from_put(&sql, rewrite, 0, rewrite->work->file_count, &needed, INT64_MIN, INT64_MAX) &&
              buf_printf(&sql, " GROUP BY m ORDER BY m");
    return statement_run(rewrite, &sql, ok, seconds_take, err);
}

/* --- rows as they come --- */

static bool emit(struct rewrite *rewrite, struct columns **columns, struct err *err)
{
    if (!*columns || columns_row_count(*columns) == 0) return true;
    rewrite->rows_given += columns_row_count(*columns);
    if (!rewrite->work->sink(rewrite->work->ctx, *columns, err)) return false;
    columns_reset(*columns);
    columns_trim(*columns);
    return true;
}

static bool plain_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct rewrite *rewrite = ctx;
    struct bucket *bucket = &rewrite->buckets[0];
    if (!rows_set(&rewrite->rows, rewrite->table, chunk, 0, err)) return false;
    for (uint32_t row = 0; row < rewrite->rows.row_count; row++) {
        if (!rows_put(&rewrite->rows, row, bucket->columns, err)) return false;
        if (columns_row_count(bucket->columns) == rewrite->work->rows_max && !emit(rewrite, &bucket->columns, err))
            return false;
    }
    return columns_bytes(bucket->columns) <= rewrite->columns_bytes_max || emit(rewrite, &bucket->columns, err);
}

static bool whole_rows_read(struct rewrite *rewrite, uint32_t first, uint32_t count, int64_t from_us, int64_t to_us,
                            bool (*take)(void *ctx, duckdb_data_chunk chunk, struct err *err), struct err *err)
{
    struct buf sql;
    struct column_set needed;
    rows_stored(rewrite->table, &needed);
    buf_init(&sql, SQL_BYTES_MAX);
    bool ok = buf_printf(&sql, "SELECT ") && rows_names_put(&sql, rewrite->table, "s") &&
              from_put(&sql, rewrite, first, count, &needed, from_us, to_us);
    return statement_run(rewrite, &sql, ok, take, err);
}

static void bucket_begin(struct rewrite *rewrite, struct bucket bucket)
{
    if (rewrite->bucket_count == rewrite->bucket_cap) {
        rewrite->bucket_cap = rewrite->bucket_cap ? rewrite->bucket_cap * 2 : 16;
        rewrite->buckets = mem_realloc(rewrite->buckets, rewrite->bucket_cap * sizeof *rewrite->buckets);
    }
    bucket.columns = columns_create(rewrite->table);
    rewrite->buckets[rewrite->bucket_count++] = bucket;
}

static void buckets_drop(struct rewrite *rewrite)
{
    for (uint32_t b = 0; b < rewrite->bucket_count; b++) columns_destroy(rewrite->buckets[b].columns);
    rewrite->bucket_count = 0;
    arena_reset(&rewrite->arena);
}

static bool as_stored(struct rewrite *rewrite, struct err *err)
{
    bucket_begin(rewrite, (struct bucket){ 0 });
    for (uint32_t f = 0; f < rewrite->work->file_count; f++)
        if (!whole_rows_read(rewrite, f, 1, INT64_MIN, INT64_MAX, plain_take, err)) return false;
    return emit(rewrite, &rewrite->buckets[0].columns, err);
}

/* --- a pass --- */

static bool cells_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    (void)err;
    struct rewrite *rewrite = ctx;
    const int64_t *hours = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    duckdb_vector services = duckdb_data_chunk_get_vector(chunk, 1);
    const uint64_t *validity = duckdb_vector_get_validity(services);
    duckdb_string_t *texts = duckdb_vector_get_data(services);
    const int64_t *seconds = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 2));
    const int64_t *counts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 3));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
        uint64_t count = (uint64_t)counts[row];
        if (rewrite->bucket_rows > 0 && rewrite->bucket_rows + count > rewrite->bucket_rows_max) {
            struct bucket bucket = { .hour = hours[row], .second = seconds[row] };
            if (!validity || (validity[row / 64] >> (row % 64) & 1)) {
                bucket.service = arena_copy(&rewrite->arena, bytes_from(duckdb_string_t_data(&texts[row]),
                                                                        duckdb_string_t_length(texts[row])));
                if (!bucket.service.ptr) bucket.service = bytes_from("", 0);
            }
            bucket_begin(rewrite, bucket);
            rewrite->bucket_rows = 0;
        }
        rewrite->bucket_rows += count;
    }
    return true;
}

static bool cells_read(struct rewrite *rewrite, int64_t from_us, int64_t to_us, struct err *err)
{
    struct buf sql;
    struct column_set needed = { 0 };
    uint32_t time = rewrite->table->timestamp, service = rewrite->table->service_name;
    column_set_add(&needed, time);
    column_set_add(&needed, service);
    buf_init(&sql, SQL_BYTES_MAX);
    bool ok =
        buf_printf(&sql, "SELECT epoch_us(s%u) // 3600000000 AS h, s%u AS v, epoch_us(s%u) // 1000000 AS t, count(*)",
                   time, service, time) &&
        from_put(&sql, rewrite, 0, rewrite->work->file_count, &needed, from_us, to_us) &&
        buf_printf(&sql, " GROUP BY h, v, t ORDER BY h, v NULLS FIRST, t");
    return statement_run(rewrite, &sql, ok, cells_take, err);
}

static int key_compare(const struct bucket *bucket, int64_t hour, struct bytes service, int64_t second)
{
    if (bucket->hour != hour) return bucket->hour < hour ? -1 : 1;
    if (!bucket->service.ptr || !service.ptr) {
        if (bucket->service.ptr || service.ptr) return bucket->service.ptr ? 1 : -1;
    } else {
        int order = bytes_compare(bucket->service, service);
        if (order != 0) return order;
    }
    return bucket->second < second ? -1 : bucket->second > second;
}

/* The last bucket that begins at or before the row's key. */
static struct bucket *bucket_of(struct rewrite *rewrite, uint32_t row)
{
    uint32_t low = 0, high = rewrite->bucket_count; /* [low] begins before or at it, [high] behind */
    int64_t time = rows_time(&rewrite->rows, row);
    int64_t hour = time / HOUR_US, second = time / SECOND_US; /* as in cells_read */
    struct bytes service = high > 1 ? rows_service(&rewrite->rows, row) : (struct bytes){ 0 };
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (key_compare(&rewrite->buckets[middle], hour, service, second) <= 0)
            low = middle;
        else
            high = middle;
    }
    return &rewrite->buckets[low];
}

static bool buckets_emit(struct rewrite *rewrite, struct err *err)
{
    for (uint32_t b = 0; b < rewrite->bucket_count; b++)
        if (!emit(rewrite, &rewrite->buckets[b].columns, err)) return false;
    return true;
}

static bool sorted_take(void *ctx, duckdb_data_chunk chunk, struct err *err)
{
    struct rewrite *rewrite = ctx;
    if (!rows_set(&rewrite->rows, rewrite->table, chunk, 0, err)) return false;
    for (uint32_t row = 0; row < rewrite->rows.row_count; row++) {
        struct bucket *bucket = bucket_of(rewrite, row);
        /* Full, and yet one more: rows of one service within a second that no row group takes all. */
        if (columns_row_count(bucket->columns) == rewrite->work->rows_max && !emit(rewrite, &bucket->columns, err))
            return false;
        if (!rows_put(&rewrite->rows, row, bucket->columns, err)) return false;
    }
    uint64_t bytes = 0;
    for (uint32_t b = 0; b < rewrite->bucket_count; b++) bytes += columns_bytes(rewrite->buckets[b].columns);
    /* Rows larger than was thought: what is there goes now, and the pass makes more and smaller row groups. */
    return bytes <= rewrite->columns_bytes_max || buckets_emit(rewrite, err);
}

static void row_bytes_learn(struct rewrite *rewrite)
{
    uint64_t bytes = 0, rows = 0;
    for (uint32_t b = 0; b < rewrite->bucket_count; b++) {
        bytes += columns_bytes(rewrite->buckets[b].columns);
        rows += columns_row_count(rewrite->buckets[b].columns);
    }
    if (rows >= 1000) rewrite->row_bytes = (double)bytes / (double)rows;
}

static bool pass_run(struct rewrite *rewrite, uint32_t first, uint32_t end, uint64_t row_count, struct err *err)
{
    /* The outermost passes take what is there besides. */
    int64_t from_us = first == 0 ? INT64_MIN : rewrite->seconds[first].from_us;
    int64_t to_us = end == rewrite->second_count ? INT64_MAX : rewrite->seconds[end].from_us;
    uint64_t groups = (row_count + rewrite->work->rows_max - 1) / rewrite->work->rows_max;
    buckets_drop(rewrite);
    bucket_begin(rewrite, (struct bucket){ .hour = INT64_MIN });
    rewrite->bucket_rows = 0;
    rewrite->bucket_rows_max = rewrite->work->rows_max;
    if (groups > 1) { /* of equal size, but no larger than told */
        uint64_t even = (row_count + groups - 1) / groups;
        even += even / 16;
        if (even < rewrite->bucket_rows_max) rewrite->bucket_rows_max = even;
        if (!cells_read(rewrite, from_us, to_us, err)) return false;
    }
    if (!whole_rows_read(rewrite, 0, rewrite->work->file_count, from_us, to_us, sorted_take, err)) return false;
    row_bytes_learn(rewrite);
    return buckets_emit(rewrite, err);
}

static uint64_t pass_rows_max(const struct rewrite *rewrite)
{
    uint64_t rows = (uint64_t)((double)rewrite->columns_bytes_max * 0.8 / rewrite->row_bytes);
    return rows > rewrite->work->rows_max ? rows : rewrite->work->rows_max;
}

/* Seconds [first, *end): whole hours as long as they fit, else part of one hour. */
static uint64_t pass_choose(const struct rewrite *rewrite, uint32_t first, uint32_t *end)
{
    uint64_t rows_max = pass_rows_max(rewrite), rows = 0, rows_at_hour = 0;
    uint32_t at = first, at_hour = first;
    for (; at < rewrite->second_count; at++) {
        const struct second *second = &rewrite->seconds[at];
        if (at == first || second->from_us / HOUR_US != second[-1].from_us / HOUR_US) {
            at_hour = at;
            rows_at_hour = rows;
        }
        if (at > first && rows + second->row_count > rows_max) break;
        rows += second->row_count;
    }
    if (at < rewrite->second_count && at_hour > first) {
        at = at_hour;
        rows = rows_at_hour;
    }
    *end = at;
    return rows;
}

static bool by_hour_service(struct rewrite *rewrite, struct err *err)
{
    if (!seconds_read(rewrite, err)) return false;
    for (uint32_t first = 0, end; first < rewrite->second_count; first = end) {
        uint64_t row_count = pass_choose(rewrite, first, &end);
        if (!pass_run(rewrite, first, end, row_count, err)) return false;
    }
    return true;
}

/* --- the run --- */

static bool count_check(const struct rewrite *rewrite, struct err *err)
{
    uint64_t expected = 0;
    for (uint32_t f = 0; f < rewrite->work->file_count; f++) {
        uint64_t rows;
        if (!timefusion_file_rows(rewrite->work->files[f], &rows, err)) return false;
        expected += rows;
    }
    return rewrite->rows_given == expected ||
           err_set(err, ERR_CORRUPT, "the files should have %" PRIu64 " rows, and %" PRIu64 " were read", expected,
                   rewrite->rows_given);
}

static bool files_show(struct rewrite *rewrite, struct err *err)
{
    const struct rewriter_work *work = rewrite->work;
    uint64_t own = work->memory_bytes_max / 2;
    struct query_options options = { .memory_bytes_max = own > DUCKDB_BYTES_MIN ? own : DUCKDB_BYTES_MIN,
                                     .threads = 1 };
    if (!engine_open_database(&rewrite->database, &rewrite->fs, NULL, &options, err)) return false;
    struct duckdb_fs_file *files = mem_alloc((work->file_count + 1) * sizeof *files);
    for (uint32_t f = 0; f < work->file_count; f++)
        files[f] = (struct duckdb_fs_file){ work->files[f]->name, work->files[f]->bytes, work->files[f] };
    struct duckdb_fs_snapshot shown = { .id = 1, .files = files, .file_count = work->file_count, .read = file_read };
    duckdb_fs_add(rewrite->fs, &shown);
    free(files);
    return duckdb_connect(rewrite->database, &rewrite->connection) == DuckDBSuccess ||
           err_set(err, ERR_BUSY, "DuckDB gives no connection");
}

static bool rewriter_run(void *ctx, const struct rewriter_work *work, struct err *err)
{
    (void)ctx;
    assert(work->rows_max > 0 && work->rows_max <= COLUMNS_ROWS_MAX);
    if (work->file_count == 0) return true;
    struct rewrite rewrite = { .work = work,
                               .table = work->snapshot->table,
                               .row_bytes = ROW_BYTES_GUESS,
                               .columns_bytes_max = work->memory_bytes_max / 2 };
    arena_init(&rewrite.arena, 16 * 1024);
    *err = (struct err){ .code = ERR_OK };
    bool ok = files_show(&rewrite, err);
    if (ok) ok = work->order == REWRITER_AS_STORED ? as_stored(&rewrite, err) : by_hour_service(&rewrite, err);
    ok = ok && count_check(&rewrite, err);
    buckets_drop(&rewrite);
    free(rewrite.buckets);
    free(rewrite.seconds);
    rows_deinit(&rewrite.rows);
    arena_deinit(&rewrite.arena);
    if (rewrite.connection) duckdb_disconnect(&rewrite.connection);
    if (rewrite.database) duckdb_close(&rewrite.database);
    if (rewrite.fs) duckdb_fs_close(rewrite.fs);
    return ok;
}

struct rewriter query_rewriter(void)
{
    return (struct rewriter){ .run = rewriter_run };
}
