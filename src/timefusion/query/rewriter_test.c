#include "timefusion/maintenance/rewriter.h"
#include "timefusion/parquet/encode.h"
#include "timefusion/parquet/model_fixture.h"
#include "timefusion/query/query_fixture.h"
#include <duckdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three before it */
#include <cmocka.h>

#define DAY_START_US ((int64_t)FIXTURE_DAY * 86400000000)

/* A hash of each row by the bits of its values, in order: two sets of rows are equal when these are. */
struct row_hashes {
    uint64_t *hashes;
    uint32_t count, cap;
};

static uint64_t element_hash(const struct columns_view *view, uint32_t element)
{
    uint64_t bits = 0;
    const uint8_t *record;
    switch (view->kind) {
    case COLUMNS_INT: return (uint64_t)view->ints[element];
    case COLUMNS_DOUBLE: memcpy(&bits, &view->doubles[element], sizeof bits); return bits;
    case COLUMNS_BOOL: return view->bools[element];
    default:
        record = view->records ? view->records[element] : view->dictionary[view->ids[element]];
        return hash64_of(encode_record_text(record));
    }
}

static void hashes_add(struct row_hashes *to, const struct columns *columns)
{
    const struct schema_table *table = columns_table(columns);
    uint32_t rows = columns_row_count(columns);
    if (to->count + rows > to->cap) {
        to->cap = (to->count + rows) * 2;
        to->hashes = mem_realloc(to->hashes, to->cap * sizeof *to->hashes);
    }
    uint64_t *hashes = to->hashes + to->count;
    memset(hashes, 0, rows * sizeof *hashes);
    for (uint32_t c = 0; c < table->column_count; c++) {
        struct columns_view view;
        if (!schema_column_is_stored(&table->columns[c])) continue;
        columns_view(columns, c, &view);
        for (uint32_t v = 0; v < view.value_count; v++) {
            uint64_t *hash = &hashes[view.rows[v]];
            uint32_t first = view.is_list ? view.starts[v] : v;
            uint32_t end = !view.is_list ? v + 1 : v + 1 < view.value_count ? view.starts[v + 1] : view.element_count;
            *hash = hash64_mix(*hash ^ c, 1000 + end - first);
            for (uint32_t e = first; e < end; e++) *hash = hash64_mix(*hash, element_hash(&view, e) + 77);
        }
    }
    to->count += rows;
}

static int number_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void hashes_sort(struct row_hashes *hashes)
{
    qsort(hashes->hashes, hashes->count, sizeof *hashes->hashes, number_compare);
}

/* Rows [from, to) of the model, all over the day, with the doubles that are easily lost. */
static struct columns *day_columns(enum schema_table_id id, uint32_t from, uint32_t to)
{
    const struct schema_table *table = schema_table(id);
    struct columns *columns = columns_create(table);
    uint64_t payload = 0x7FF8000000000123u;
    double odd[3] = { -0.0, INFINITY };
    memcpy(&odd[2], &payload, sizeof payload);
    for (uint32_t row = from; row < to; row++) {
        columns_row_begin(columns, DAY_START_US + (int64_t)(model_mix(0, row, 1) % 86400000000));
        for (uint32_t c = 0; c < table->column_count; c++) {
            if (c == table->timestamp || !model_has(table, c, row)) continue;
            if (table->columns[c].type == SCHEMA_TYPE_DOUBLE && row % 5 < 3)
                columns_put_double(columns, c, odd[row % 5]);
            else
                model_put(columns, c, row);
        }
        columns_row_end(columns);
    }
    return columns;
}

struct store {
    struct fixture fixture;
    struct row_hashes put;
    uint64_t position;
    struct timefusion_snapshot *snapshot;
};

static void segment_add(struct store *store, enum schema_table_id id, struct bytes bytes)
{
    struct err err = { 0 };
    struct file *segment;
    struct segments *segments = timefusion_segments(store->fixture.timefusion);
    struct segment_range range = { store->position, store->position + 1, store->fixture.owner };
    store->position++;
    fixture_check(segment_write(segments, schema_table(id), FIXTURE_DAY, bytes, range, &segment, &err), &err,
                  "segment");
    segments_swap(segments, id, store->fixture.project, NULL, 0, &segment, 1);
    file_release(segment);
}

static void store_fill(struct store *store, enum schema_table_id id, uint32_t files, uint32_t rows)
{
    struct err err = { 0 };
    for (uint32_t f = 0; f < files; f++) {
        struct bytes bytes;
        struct columns *columns = day_columns(id, f * rows, f * rows + rows);
        hashes_add(&store->put, columns);
        fixture_check(parquet_write(store->fixture.writer, columns, 0, rows, PARQUET_CODEC_ZSTD, &bytes, &err), &err,
                      "write");
        segment_add(store, id, bytes);
        columns_destroy(columns);
    }
    hashes_sort(&store->put);
}

static void store_show(struct store *store, enum schema_table_id id)
{
    struct err err = { 0 };
    fixture_check(timefusion_snapshot_acquire(store->fixture.timefusion, id, store->fixture.project, &store->snapshot,
                                              &err),
                  &err, "snapshot");
}

static void store_close(struct store *store)
{
    timefusion_snapshot_release(store->snapshot);
    free(store->put.hashes);
    fixture_close(&store->fixture);
}

struct taken {
    struct row_hashes rows;
    uint32_t calls, rows_most;
    int64_t hour_last;
    bool is_out_of_order;
    uint32_t calls_max; /* then the sink fails; 0: never */
};

static bool take(void *ctx, struct columns *columns, struct err *err)
{
    struct taken *taken = ctx;
    uint32_t rows = columns_row_count(columns);
    int64_t hour = columns_timestamp_min_us(columns, 0, rows) / 3600000000;
    taken->is_out_of_order = taken->is_out_of_order || hour < taken->hour_last;
    taken->hour_last = hour;
    if (rows > taken->rows_most) taken->rows_most = rows;
    hashes_add(&taken->rows, columns);
    if (++taken->calls == taken->calls_max) return err_set(err, ERR_IO, "the sink is full");
    return true;
}

static bool run(struct store *store, struct rewriter_work work, struct taken *taken, struct err *err)
{
    struct rewriter rewriter = query_rewriter();
    work.snapshot = store->snapshot;
    work.files = store->snapshot->files;
    work.file_count = store->snapshot->file_count;
    work.sink = take;
    work.ctx = taken;
    *err = (struct err){ 0 };
    return rewriter.run(rewriter.ctx, &work, err);
}

static void same_check(const struct store *store, struct taken *taken)
{
    hashes_sort(&taken->rows);
    assert_int_equal(taken->rows.count, store->put.count);
    for (uint32_t row = 0; row < store->put.count; row++)
        if (taken->rows.hashes[row] != store->put.hashes[row]) fail_msg("row %u of the sorted ones differs", row);
    free(taken->rows.hashes);
    *taken = (struct taken){ 0 };
}

/* Goal: every value of every column of both tables comes through bit by bit, in both orders, in groups no larger than asked.
 * Method: model rows with NULLs, empty lists, empty texts, NaN with a payload, -0.0; a hash of each row before and after. */
static void test_rows_are_the_same(void **state)
{
    (void)state;
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        struct store store = { 0 };
        struct taken taken = { 0 };
        struct err err;
        fixture_open(&store.fixture, 0, 0);
        store_fill(&store, (enum schema_table_id)id, 3, 4000);
        store_show(&store, (enum schema_table_id)id);
        for (int order = REWRITER_AS_STORED; order <= REWRITER_BY_HOUR_SERVICE; order++) {
            struct rewriter_work work = { .order = (enum rewriter_order)order,
                                          .rows_max = 2500,
                                          .memory_bytes_max = 256u << 20 };
            if (!run(&store, work, &taken, &err)) fail_msg("%s", err.text);
            assert_in_range(taken.rows_most, 1000, 2500);
            assert_in_range(taken.calls, 5, 7);
            if (order == REWRITER_BY_HOUR_SERVICE) assert_false(taken.is_out_of_order);
            same_check(&store, &taken);
        }
        store_close(&store);
    }
}

/* Goal: little memory gives more and smaller groups, still hour by hour, and the same rows.
 * Method: 16,000 rows with 4 MB. */
static void test_little_memory(void **state)
{
    (void)state;
    struct store store = { 0 };
    struct taken taken = { 0 };
    struct err err;
    fixture_open(&store.fixture, 0, 0);
    store_fill(&store, SCHEMA_LOGS_AND_SPANS, 4, 4000);
    store_show(&store, SCHEMA_LOGS_AND_SPANS);
    struct rewriter_work work = { .order = REWRITER_BY_HOUR_SERVICE, .rows_max = 1000, .memory_bytes_max = 4u << 20 };
    if (!run(&store, work, &taken, &err)) fail_msg("%s", err.text);
    assert_true(taken.calls >= 16);
    assert_false(taken.is_out_of_order);
    same_check(&store, &taken);
    store_close(&store);
}

static void duckdb_run(const char *sql)
{
    duckdb_database database;
    duckdb_connection connection;
    duckdb_result result;
    assert_int_equal(duckdb_open(NULL, &database), DuckDBSuccess);
    assert_int_equal(duckdb_connect(database, &connection), DuckDBSuccess);
    if (duckdb_query(connection, sql, &result) != DuckDBSuccess) fail_msg("%s", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
}

static void file_read_whole(const char *path, struct buf *buf)
{
    FILE *file = fopen(path, "rb");
    uint8_t block[65536];
    assert_non_null(file);
    buf->len = 0;
    for (size_t len; (len = fread(block, 1, sizeof block, file)) > 0;) assert_true(buf_add(buf, block, len));
    fclose(file);
}

/* What another writer would make of our segment: other order of columns, codec, encodings, sizes of row groups. */
static void rewrite_by_duckdb(struct store *store, const char *columns, const char *options, struct buf *out)
{
    char path[200], copy[200], sql[1024];
    store_show(store, SCHEMA_LOGS_AND_SPANS);
    assert_true(object_local_path(((struct file *)store->snapshot->files[0])->store,
                                  ((struct file *)store->snapshot->files[0])->key, path, sizeof path));
    snprintf(copy, sizeof copy, "%s/copy.parquet", store->fixture.dir);
    snprintf(sql, sizeof sql, "COPY (SELECT %s FROM read_parquet('%s')) TO '%s' (%s)", columns, path, copy, options);
    duckdb_run(sql);
    file_read_whole(copy, out);
    timefusion_snapshot_release(store->snapshot);
}

/* Goal: files of another writer come through as ours do: other codecs, pages, order of columns, columns more or fewer.
 * Method: DuckDB writes our rows anew; they are read beside or instead of ours. */
static void test_files_of_others(void **state)
{
    (void)state;
    static const char *const options[] = {
        "CODEC SNAPPY, ROW_GROUP_SIZE 2048",
        "CODEC GZIP, PARQUET_VERSION V2",
        "CODEC UNCOMPRESSED, DICTIONARY_SIZE_LIMIT 1",
        "CODEC LZ4_RAW, PARQUET_VERSION V2, ROW_GROUP_SIZE 10000",
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct store store = { 0 };
        struct taken taken = { 0 };
        struct err err;
        struct buf other;
        buf_init(&other, 64u << 20);
        fixture_open(&store.fixture, 0, 0);
        store_fill(&store, SCHEMA_LOGS_AND_SPANS, 1, 3000);
        rewrite_by_duckdb(&store, "42 AS more, COLUMNS(c -> c >= 's'), COLUMNS(c -> c < 's')", options[i], &other);
        segment_add(&store, SCHEMA_LOGS_AND_SPANS, buf_bytes(&other));
        store.put.hashes = mem_realloc(store.put.hashes, 6000 * sizeof(uint64_t));
        memcpy(store.put.hashes + 3000, store.put.hashes, 3000 * sizeof(uint64_t));
        store.put.count = 6000;
        hashes_sort(&store.put);
        store_show(&store, SCHEMA_LOGS_AND_SPANS);
        struct rewriter_work work = { .order = REWRITER_BY_HOUR_SERVICE,
                                      .rows_max = 30000,
                                      .memory_bytes_max = 256u << 20 };
        if (!run(&store, work, &taken, &err)) fail_msg("%s: %s", options[i], err.text);
        same_check(&store, &taken);
        buf_deinit(&other);
        store_close(&store);
    }
}

/* Goal: a file without a column that may be NULL has NULLs there; what cannot be held is refused by the column's name.
 * Method: DuckDB writes our rows without a column, with a NULL where none may be, with a NULL in a list. */
static void test_columns_missing_or_unfit(void **state)
{
    (void)state;
    static const struct {
        const char *columns, *error;
    } cases[] = {
        { "* EXCLUDE (name, duration)", NULL },
        { "* EXCLUDE (summary)", "column \"summary\" holds NULL, which it must not" },
        { "* REPLACE (CASE WHEN row_number() OVER () = 700 THEN NULL ELSE id END AS id)",
          "column \"id\" holds NULL, which it must not" },
        { "* REPLACE (list_append(hashes, NULL) AS hashes)",
          "a list in column \"hashes\" holds NULL, which it must not" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store store = { 0 };
        struct taken taken = { 0 };
        struct err err;
        struct buf other;
        buf_init(&other, 64u << 20);
        fixture_open(&store.fixture, 0, 0);
        store_fill(&store, SCHEMA_LOGS_AND_SPANS, 1, 1000);
        rewrite_by_duckdb(&store, cases[i].columns, "CODEC ZSTD", &other);
        segment_add(&store, SCHEMA_LOGS_AND_SPANS, buf_bytes(&other));
        store_show(&store, SCHEMA_LOGS_AND_SPANS);
        struct rewriter_work work = { .order = REWRITER_AS_STORED, .rows_max = 5000, .memory_bytes_max = 256u << 20 };
        bool ok = run(&store, work, &taken, &err);
        if (cases[i].error) {
            assert_false(ok);
            assert_int_equal(err.code, ERR_UNSUPPORTED);
            assert_string_equal(err.text, cases[i].error);
        } else {
            if (!ok) fail_msg("%s", err.text);
            assert_int_equal(taken.rows.count, 2000);
        }
        free(taken.rows.hashes);
        buf_deinit(&other);
        store_close(&store);
    }
}

/* Goal: it ends when told to, and with the sink's own words.
 * Method: cancelled from the start; a sink that fails at its second call; a file cut in half. */
static void test_ends(void **state)
{
    (void)state;
    struct store store = { 0 };
    struct taken taken = { 0 };
    struct err err;
    atomic_bool cancel;
    atomic_init(&cancel, true);
    fixture_open(&store.fixture, 0, 0);
    store_fill(&store, SCHEMA_METRICS, 2, 3000);
    store_show(&store, SCHEMA_METRICS);
    struct rewriter_work work = { .order = REWRITER_AS_STORED, .rows_max = 1000, .memory_bytes_max = 256u << 20 };
    work.cancel = &cancel;
    assert_false(run(&store, work, &taken, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    work.cancel = NULL;
    taken.calls_max = 2;
    assert_false(run(&store, work, &taken, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "the sink is full");
    free(taken.rows.hashes);

    char path[200];
    struct file *file = (struct file *)store.snapshot->files[0];
    assert_true(object_local_path(file->store, file->key, path, sizeof path));
    assert_int_equal(truncate(path, (off_t)(file->shown.bytes / 2)), 0);
    taken = (struct taken){ 0 };
    assert_false(run(&store, work, &taken, &err));
    assert_non_null(strstr(err.text, file->shown.name));
    free(taken.rows.hashes);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_same),
        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_files_of_others),
        cmocka_unit_test(test_columns_missing_or_unfit),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
