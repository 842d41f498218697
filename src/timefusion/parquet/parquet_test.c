#include "timefusion/parquet/bloom.h"
#include "timefusion/parquet/encode.h"
#include "timefusion/parquet/model_fixture.h"

#include "base/disk_sim.h"

#include <unistd.h>

static struct columns *model_columns(enum schema_table_id id, uint32_t rows)
{
    struct columns *columns = columns_create(schema_table(id));
    model_fill(columns, rows);
    return columns;
}

static struct bytes write_range(struct parquet_writer *writer, struct columns *columns, uint32_t from, uint32_t to,
                                enum parquet_codec codec)
{
    struct bytes file = { NULL, 0 };
    struct err err = { .code = ERR_OK };
    if (!parquet_write(writer, columns, from, to, codec, &file, &err)) fail_msg("%s", err.text);
    return file;
}

static void check_range(struct bytes file, const struct schema_table *table, uint32_t from, uint32_t to)
{
    struct decoded_file decoded;
    decode_file(file, &decoded);
    assert_int_equal(decoded.row_count, to - from);
    assert_int_equal(decoded.group_count, 1);
    model_check_group(file, table, &decoded.groups[0], from, to);
    decode_free(&decoded);
}

/* ---- writing ---- */

/* Goal: every value of every type comes back in the right row, with its nulls and empty lists, for both tables.
 * Method: model rows in several counts and both codecs, read by the independent decoder. */
static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 2, 63, 64, 65, 200, 3000 };
    struct parquet_writer *writer = parquet_writer_create();
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        for (uint32_t i = 0; i < COUNT_OF(counts); i++) {
            struct columns *columns = model_columns((enum schema_table_id)id, counts[i]);
            for (int codec = PARQUET_CODEC_NONE; codec <= PARQUET_CODEC_ZSTD; codec++) {
                struct bytes file = write_range(writer, columns, 0, counts[i], (enum parquet_codec)codec);
                check_range(file, columns_table(columns), 0, counts[i]);
            }
            columns_destroy(columns);
        }
    }
    parquet_writer_destroy(writer);
}

/* Goal: the most rows there may be are written.
 * Method: COLUMNS_ROWS_MAX rows; texts without dictionary then take several pages. */
static void test_most_rows(void **state)
{
    (void)state;
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_LOGS_AND_SPANS, COLUMNS_ROWS_MAX);
    struct bytes file = write_range(writer, columns, 0, COLUMNS_ROWS_MAX, PARQUET_CODEC_ZSTD);
    check_range(file, columns_table(columns), 0, COLUMNS_ROWS_MAX);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
}

/* Goal: any range can be written, several times, while rows grow behind it, and after a reset.
 * Method: write ranges between additions, each twice; then reset and begin again. */
static void test_ranges_while_rows_grow(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = columns_create(table);
    for (int round = 0; round < 3; round++) {
        uint32_t from = 0;
        for (uint32_t to = 100; to <= 4100; to += 800) {
            model_fill(columns, to);
            check_range(write_range(writer, columns, from, to, PARQUET_CODEC_NONE), table, from, to);
            check_range(write_range(writer, columns, 0, to, PARQUET_CODEC_ZSTD), table, 0, to);
            check_range(write_range(writer, columns, to - 1, to, PARQUET_CODEC_ZSTD), table, to - 1, to);
            from = to;
        }
        columns_reset(columns);
        assert_int_equal(columns_row_count(columns), 0);
    }
    columns_destroy(columns);
    parquet_writer_destroy(writer);
}

static void put_required(struct columns *columns, const char *id)
{
    columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text(id));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
}

/* Goal: texts of a megabyte, beside empty and missing ones, come back whole, in pages that stay small.
 * Method: every third row has 1 MB, put in each of the three ways; check bytes and count of pages. */
static void test_large_texts(void **state)
{
    (void)state;
    enum { ROWS = 30, LEN = 1024 * 1024 };
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    char *text = malloc(LEN);
    for (uint32_t row = 0; row < ROWS; row++) {
        columns_row_begin(columns, row);
        put_required(columns, "x");
        memset(text, 'a' + (int)row % 26, LEN);
        if (row % 6 == 0) columns_put_text(columns, LOGS_AND_SPANS_attributes, bytes_from(text, LEN));
        if (row % 6 == 3) {
            memcpy(columns_text_reserve(columns, LEN + 10), text, LEN);
            columns_put_text_reserved(columns, LOGS_AND_SPANS_attributes, LEN);
        }
        if (row % 6 == 1) columns_put_text(columns, LOGS_AND_SPANS_attributes, BYTES(""));
        columns_row_end(columns);
    }
    assert_true(columns_bytes(columns) > (size_t)ROWS / 3 * LEN);
    struct parquet_writer *writer = parquet_writer_create();
    struct bytes file = write_range(writer, columns, 0, ROWS, PARQUET_CODEC_ZSTD);
    struct decoded_file decoded;
    decode_file(file, &decoded);
    for (uint32_t i = 0; i < decoded.groups[0].chunk_count; i++) {
        struct decoded_chunk *chunk = &decoded.groups[0].chunks[i];
        if (!bytes_equal(chunk->path[0], BYTES("attributes"))) continue;
        decode_chunk(chunk, file, 0, 1);
        assert_true(chunk->page_count >= ROWS / 3);
        for (uint32_t row = 0, value = 0; row < ROWS; row++) {
            assert_int_equal(chunk->definition[row], row % 3 == 0 || row % 6 == 1);
            if (chunk->definition[row] == 0) continue;
            struct bytes got = chunk->values[value++].text;
            assert_int_equal(got.len, row % 3 == 0 ? LEN : 0);
            memset(text, 'a' + (int)row % 26, LEN);
            assert_memory_equal(got.ptr, text, got.len);
        }
        decode_chunk_free(chunk);
    }
    decode_free(&decoded);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
    free(text);
}

/* Goal: rows with times at both ends of 64 bits, and more services than a dictionary takes, are still sorted.
 * Method: unlike services, extreme times; compare neighbours in the file. */
static void test_sort_of_extremes(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    for (uint32_t row = 0; row < ROWS; row++) {
        char text[32];
        uint64_t mix = model_mix(1, row, 0);
        columns_row_begin(columns, mix % 5 == 0 ? INT64_MIN : mix % 5 == 1 ? INT64_MAX : (int64_t)mix);
        put_required(columns, "x");
        int len = snprintf(text, sizeof text, "service-%u", (uint32_t)(mix >> 20) % 4500);
        columns_put_text(columns, LOGS_AND_SPANS_resource___service___name, bytes_from(text, (size_t)len));
        columns_row_end(columns);
    }
    struct parquet_writer *writer = parquet_writer_create();
    struct bytes file = write_range(writer, columns, 0, ROWS, PARQUET_CODEC_ZSTD);
    struct decoded_file decoded;
    decode_file(file, &decoded);
    struct decoded_chunk *services = NULL, *times = NULL;
    for (uint32_t i = 0; i < decoded.groups[0].chunk_count; i++) {
        struct decoded_chunk *chunk = &decoded.groups[0].chunks[i];
        if (bytes_equal(chunk->path[0], BYTES("resource___service___name"))) services = chunk;
        if (bytes_equal(chunk->path[0], BYTES("timestamp"))) times = chunk;
    }
    assert_non_null(services);
    assert_non_null(times);
    decode_chunk(services, file, 0, 1);
    decode_chunk(times, file, 0, 0);
    for (uint32_t i = 1; i < ROWS; i++) {
        int order = bytes_compare(services->values[i - 1].text, services->values[i].text);
        assert_true(order < 0 || (order == 0 && times->values[i - 1].integer <= times->values[i].integer));
    }
    decode_chunk_free(services);
    decode_chunk_free(times);
    decode_free(&decoded);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
}

/* ---- statistics ---- */

static bool model_is_within(const struct schema_table *table, uint32_t column, uint32_t row, uint32_t element,
                            const struct parquet_column_stats *stats)
{
    char text[MODEL_TEXT_MAX];
    struct bytes value;
    switch (table_leaf_type(table->columns[column].type)) {
    case PARQUET_TYPE_BYTE_ARRAY:
        value = model_text(column, row, element, text);
        return bytes_compare(stats->min.text, value) <= 0 && bytes_compare(stats->max.text, value) >= 0;
    case PARQUET_TYPE_DOUBLE:
        return stats->min.number <= model_double(column, row, element) && stats->max.number >= model_double(column, row, element);
    case PARQUET_TYPE_BOOLEAN:
        return true; /* two values: the count of both decides, checked below */
    default:
        return stats->min.integer <= model_integer(table, column, row, element) &&
               stats->max.integer >= model_integer(table, column, row, element);
    }
}

/* Goal: statistics hold for every value: bounds, null counts, and blooms that never deny what is there.
 * Method: read the footer of model files and compare with the model, value by value. */
static void test_footer_holds_for_every_value(void **state)
{
    (void)state;
    enum { ROWS = 1500 };
    struct parquet_writer *writer = parquet_writer_create();
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        const struct schema_table *table = schema_table((enum schema_table_id)id);
        struct columns *columns = model_columns((enum schema_table_id)id, ROWS);
        struct bytes file = write_range(writer, columns, 0, ROWS, PARQUET_CODEC_ZSTD);
        struct parquet_footer *footer = model_footer(file, table);
        assert_int_equal(footer->row_count, ROWS);
        assert_int_equal(footer->row_group_count, 1);
        assert_int_equal(footer->file_bytes, file.len);
        assert_ptr_equal(footer->table, table);
        for (uint32_t column = 0; column < table->column_count; column++) {
            const struct parquet_column_stats *stats = &footer->row_groups[0].columns[column];
            const struct schema_column *schema = &table->columns[column];
            if (!schema_column_is_stored(schema)) {
                assert_int_equal(stats->value_count, 0);
                assert_false(stats->has_min_max);
                continue;
            }
            struct bytes bloom = { file.ptr + stats->bloom_offset, stats->bloom_bytes };
            uint64_t levels = 0, values = 0, denied = 0;
            for (uint32_t row = 0; row < ROWS; row++) {
                bool has = model_has(table, column, row), is_list = table_type_is_list(schema->type);
                uint32_t count = !has ? 0 : is_list ? model_list_count(column, row) : 1;
                levels += count == 0 ? 1 : count;
                values += count;
                for (uint32_t k = 0; k < count; k++) {
                    char text[MODEL_TEXT_MAX];
                    assert_true(stats->has_min_max);
                    assert_true(model_is_within(table, column, row, k, stats));
                    if ((schema->flags & SCHEMA_BLOOM) == 0) continue;
                    assert_true(parquet_bloom_may_hold(bloom, model_text(column, row, k, text)));
                }
                char absent[32];
                int len = snprintf(absent, sizeof absent, "absent-%u", row);
                denied += !parquet_bloom_may_hold(bloom, bytes_from(absent, (size_t)len));
            }
            assert_int_equal(stats->value_count, levels);
            assert_true(stats->has_null_count);
            assert_int_equal(stats->null_count, levels - values);
            bool has_bloom = (schema->flags & SCHEMA_BLOOM) != 0 && values > 0;
            assert_int_equal(stats->bloom_bytes != 0, has_bloom);
            if (has_bloom) assert_true(denied > ROWS * 94 / 100);
        }
        parquet_footer_destroy(footer);
        columns_destroy(columns);
    }
    parquet_writer_destroy(writer);
}

/* The statistics of one text column over the given texts. */
static struct parquet_footer *text_stats(const struct bytes *texts, uint32_t count)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct columns *columns = columns_create(table);
    struct parquet_writer *writer = parquet_writer_create();
    for (uint32_t i = 0; i < count; i++) {
        columns_row_begin(columns, i);
        put_required(columns, "x");
        columns_put_text(columns, LOGS_AND_SPANS_body, texts[i]);
        columns_row_end(columns);
    }
    struct parquet_footer *footer = model_footer(write_range(writer, columns, 0, count, PARQUET_CODEC_NONE), table);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
    return footer;
}

/* Goal: long texts give cut bounds that still hold, are valid UTF-8 and say that they are cut.
 * Method: texts whose 64th byte falls inside characters of 1 to 4 bytes, and ones made of the last characters there are. */
static void test_cut_bounds(void **state)
{
    (void)state;
    static const char *const characters[] = { "a", "\x7f", "é", "\xdf\xbf", "€", "\xed\x9f\xbf", "😀", "\xf4\x8f\xbf\xbf" };
    for (uint32_t i = 0; i < COUNT_OF(characters); i++) {
        for (size_t len = 60; len < 80; len++) {
            char text[128] = "";
            size_t used = len % 4; /* shift where characters end */
            memset(text, 'b', used);
            while (used < len) {
                memcpy(text + used, characters[i], strlen(characters[i]));
                used += strlen(characters[i]);
            }
            struct bytes one = { (const uint8_t *)text, used };
            struct parquet_footer *footer = text_stats(&one, 1);
            const struct parquet_column_stats *stats = &footer->file_columns[LOGS_AND_SPANS_body];
            bool all_last = i == COUNT_OF(characters) - 1 && len % 4 == 0 && used > 64;
            assert_int_equal(stats->has_min_max, !all_last);
            if (stats->has_min_max) {
                assert_int_equal(stats->min_is_exact, used <= 64);
                assert_int_equal(stats->max_is_exact, used <= 64);
                assert_true(stats->min.text.len <= 64 && stats->max.text.len <= 64);
                assert_true(bytes_compare(stats->min.text, one) <= 0);
                assert_true(bytes_compare(stats->max.text, one) >= 0);
                assert_true(stats->min.text.len >= (used <= 64 ? used : 61));
                assert_int_equal(bytes_equal(stats->max.text, one), used <= 64);
            }
            parquet_footer_destroy(footer);
        }
    }
}

/* Goal: doubles with a NaN have no bounds, and zeros get bounds that hold for both signs.
 * Method: two small files. */
static void test_double_bounds(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    struct columns *columns = columns_create(table);
    struct parquet_writer *writer = parquet_writer_create();
    static const double values[] = { 0.0, -0.0, 0.0, (double)NAN };
    for (uint32_t i = 0; i < COUNT_OF(values); i++) {
        columns_row_begin(columns, i);
        for (uint32_t k = 0; k < table->column_count; k++) {
            if ((table->columns[k].flags & SCHEMA_NOT_NULL) != 0 && k != table->timestamp) model_put(columns, k, 0);
        }
        columns_put_double(columns, METRICS_value, values[i]);
        columns_row_end(columns);
    }
    struct parquet_footer *footer = model_footer(write_range(writer, columns, 0, 4, PARQUET_CODEC_NONE), table);
    assert_false(footer->file_columns[METRICS_value].has_min_max);
    parquet_footer_destroy(footer);
    footer = model_footer(write_range(writer, columns, 0, 3, PARQUET_CODEC_NONE), table);
    assert_true(footer->file_columns[METRICS_value].has_min_max);
    assert_true(signbit(footer->file_columns[METRICS_value].min.number) != 0);
    assert_true(signbit(footer->file_columns[METRICS_value].max.number) == 0);
    parquet_footer_destroy(footer);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
}

/* ---- footers ---- */

/* Goal: a reader may begin with few bytes of the tail and learns how many it needs.
 * Method: every length of tail. */
static void test_footer_from_any_tail(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_LOGS_AND_SPANS, 20);
    struct bytes file = write_range(writer, columns, 0, 20, PARQUET_CODEC_NONE);
    struct parquet_footer *whole = model_footer(file, table);
    for (size_t len = 0; len <= file.len; len += len < 16 ? 1 : 97) {
        struct parquet_footer *footer;
        struct err err = { .code = ERR_INTERNAL };
        size_t need;
        bool is_read = parquet_footer_read(bytes_from(file.ptr + file.len - len, len), file.len, table, &footer, &need, &err);
        assert_int_equal(is_read, len >= whole->footer_bytes + 8);
        if (is_read) {
            assert_int_equal(footer->footer_hash, whole->footer_hash);
            parquet_footer_destroy(footer);
        } else {
            assert_int_equal(err.code, ERR_OK);
            assert_int_equal(need, len < 8 ? 8 : whole->footer_bytes + 8);
            assert_null(footer);
        }
    }
    parquet_footer_destroy(whole);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
}

/* Goal: files by other writers are read by name where they have no field ids; columns of other types are left alone.
 * Method: a file of a few columns in another order, made with the writer for any schema. */
static void test_footer_by_name(void **state)
{
    (void)state;
    static const struct parquet_element elements[] = {
        { "root", PARQUET_TYPE_GROUP, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 4, 0 },
        { "stranger", PARQUET_TYPE_INT64, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 0, 0 },
        { "name", PARQUET_TYPE_INT64, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 0, 0 }, /* ours is a text */
        { "duration", PARQUET_TYPE_INT64, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 },
        { "kind", PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 1, 0 },
        { "inner", PARQUET_TYPE_BYTE_ARRAY, PARQUET_OPTIONAL, PARQUET_LOGICAL_STRING, 0, 0 },
    };
    static const int64_t numbers[] = { 1, 2 };
    static const uint8_t one_null[] = { 1, 1, 0 }, all_null[] = { 0, 0, 0 };
    struct parquet_file *file = parquet_file_create(elements, COUNT_OF(elements), PARQUET_CODEC_NONE);
    struct err err = { .code = ERR_OK };
    static const int64_t three[] = { 1, 2, 3 };
    struct parquet_leaf full = { .level_count = 3, .value_count = 3, .integers = three };
    struct parquet_leaf duration = { .definition_levels = one_null, .level_count = 3, .value_count = 2, .integers = numbers };
    struct parquet_leaf inner = { .definition_levels = all_null, .level_count = 3 };
    assert_true(parquet_file_column(file, &full, &err) && parquet_file_column(file, &full, &err) &&
                parquet_file_column(file, &duration, &err) && parquet_file_column(file, &inner, &err));
    parquet_file_row_group_end(file, 3);
    struct bytes bytes;
    assert_true(parquet_file_end(file, &bytes, &err));
    struct parquet_footer *footer = model_footer(bytes, schema_table(SCHEMA_LOGS_AND_SPANS));
    assert_int_equal(footer->row_count, 3);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_duration].value_count, 3);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_duration].null_count, 1);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_name].value_count, 0);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_kind].value_count, 0);
    parquet_footer_destroy(footer);
    parquet_file_destroy(file);
}

/* Goal: damaged footers are errors or harmless, never crashes.
 * Method: cut at every length; change every byte to several values. */
static void test_damaged_footers(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_METRICS, 3);
    struct bytes file = write_range(writer, columns, 0, 3, PARQUET_CODEC_NONE);
    struct parquet_footer *footer = model_footer(file, table);
    size_t footer_bytes = footer->footer_bytes;
    parquet_footer_destroy(footer);
    uint8_t *copy = malloc(file.len);
    size_t refused = 0;
    for (size_t at = file.len - 8 - footer_bytes; at < file.len; at++) {
        static const uint8_t values[] = { 0x00, 0xff, 0x7f, 0x01 };
        struct err err = { .code = ERR_OK };
        size_t need;
        memcpy(copy, file.ptr, file.len);
        copy[at] = (uint8_t)(copy[at] ^ (1u << (at % 8)));
        for (uint32_t i = 0; i <= COUNT_OF(values); i++) {
            if (i > 0) copy[at] = values[i - 1];
            if (parquet_footer_read(bytes_from(copy, file.len), file.len, table, &footer, &need, &err)) {
                assert_non_null(footer);
                parquet_footer_destroy(footer);
            } else {
                assert_null(footer);
                assert_true(need != 0 || err.code != ERR_OK);
                refused++;
            }
        }
    }
    assert_true(refused > footer_bytes);
    free(copy);
    parquet_writer_destroy(writer);
    columns_destroy(columns);
}

/* ---- joining ---- */

struct join_fixture {
    struct disk *disk;
    char dir[64];
    struct parquet_input inputs[8];
    uint32_t input_count;
    struct disk_file *out;
};

static struct disk_file *file_put(struct join_fixture *join, const char *name, struct bytes bytes)
{
    char path[128];
    struct disk_file *file;
    struct err err = { .code = ERR_OK };
    snprintf(path, sizeof path, "%s/%s", join->dir, name);
    if (!join->disk->ops->open(join->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, &err)) {
        fail_msg("%s", err.text);
    }
    if (bytes.len > 0) assert_true(join->disk->ops->pwrite(file, 0, &bytes, 1, &err));
    return file;
}

static void join_begin(struct join_fixture *join, struct disk *disk)
{
    struct err err = { .code = ERR_OK };
    *join = (struct join_fixture){ .disk = disk };
    snprintf(join->dir, sizeof join->dir, "/tmp/parquet_test.%d", (int)getpid());
    assert_true(disk->ops->mkdir(disk, join->dir, &err));
    join->out = file_put(join, "out", BYTES(""));
}

static void join_add(struct join_fixture *join, struct bytes bytes)
{
    char name[32];
    snprintf(name, sizeof name, "in%u", join->input_count);
    join->inputs[join->input_count++] = (struct parquet_input){ file_put(join, name, bytes), bytes.len };
}

static void join_end(struct join_fixture *join)
{
    struct err err = { .code = ERR_OK };
    char path[128];
    join->disk->ops->close(join->out);
    snprintf(path, sizeof path, "%s/out", join->dir);
    assert_true(join->disk->ops->unlink(join->disk, path, &err));
    for (uint32_t i = 0; i < join->input_count; i++) {
        join->disk->ops->close(join->inputs[i].file);
        snprintf(path, sizeof path, "%s/in%u", join->dir, i);
        assert_true(join->disk->ops->unlink(join->disk, path, &err));
    }
    if (join->disk == &disk_real) rmdir(join->dir);
}

/* Reads the joined file back and checks its row groups, which hold rows [0, ends[0]), [ends[0], ends[1]) ... */
static void check_joined(struct join_fixture *join, const struct schema_table *table, uint64_t bytes, const uint32_t *ends,
                         uint32_t group_count)
{
    struct err err = { .code = ERR_OK };
    uint8_t *copy = malloc(bytes + 1);
    size_t len;
    assert_true(join->disk->ops->pread(join->out, 0, copy, bytes + 1, &len, &err));
    assert_int_equal(len, bytes);
    struct bytes file = { copy, len };
    struct decoded_file decoded;
    decode_file(file, &decoded);
    assert_int_equal(decoded.group_count, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        model_check_group(file, table, &decoded.groups[i], i == 0 ? 0 : ends[i - 1], ends[i]);
    }
    struct parquet_footer *footer = model_footer(file, table);
    for (uint32_t i = 0; i < group_count; i++) { /* blooms stand where the footer says */
        const struct parquet_column_stats *stats = &footer->row_groups[i].columns[table->row_id];
        struct bytes bloom = { copy + stats->bloom_offset, stats->bloom_bytes };
        for (uint32_t row = i == 0 ? 0 : ends[i - 1]; row < ends[i]; row++) {
            char text[MODEL_TEXT_MAX];
            assert_true(parquet_bloom_may_hold(bloom, model_text(table->row_id, row, 0, text)));
        }
    }
    parquet_footer_destroy(footer);
    decode_free(&decoded);
    free(copy);
}

static void join_and_check(struct disk *disk)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    static const uint32_t ends[] = { 300, 301, 700, 2000 };
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_LOGS_AND_SPANS, ends[3]);
    struct join_fixture join;
    struct err err = { .code = ERR_OK };
    join_begin(&join, disk);
    for (uint32_t i = 0; i < COUNT_OF(ends); i++) {
        join_add(&join, write_range(writer, columns, i == 0 ? 0 : ends[i - 1], ends[i],
                                    i % 2 == 0 ? PARQUET_CODEC_NONE : PARQUET_CODEC_ZSTD));
    }
    uint64_t bytes;
    struct parquet_footer *footer;
    if (!parquet_join(disk, join.inputs, 4, table, join.out, true, &bytes, &footer, &err)) fail_msg("%s", err.text);
    assert_int_equal(footer->row_count, ends[3]);
    assert_int_equal(footer->row_group_count, 4);
    assert_int_equal(footer->file_bytes, bytes);
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < 4; i++) nulls += footer->row_groups[i].columns[LOGS_AND_SPANS_parent_id].null_count;
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_parent_id].null_count, nulls);
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_timestamp].min.integer, columns_timestamp_min_us(columns, 0, ends[3]));
    assert_int_equal(footer->file_columns[LOGS_AND_SPANS_timestamp].max.integer, columns_timestamp_max_us(columns, 0, ends[3]));
    parquet_footer_destroy(footer);
    check_joined(&join, table, bytes, ends, 4);

    /* A joined file can be joined again. */
    struct parquet_input twice[2] = { { join.out, bytes }, join.inputs[0] };
    struct disk_file *out = file_put(&join, "out2", BYTES(""));
    if (!parquet_join(disk, twice, 2, table, out, false, &bytes, &footer, &err)) fail_msg("%s", err.text);
    assert_int_equal(footer->row_count, ends[3] + ends[0]);
    assert_int_equal(footer->row_group_count, 5);
    parquet_footer_destroy(footer);
    disk->ops->close(out);
    char path[128];
    snprintf(path, sizeof path, "%s/out2", join.dir);
    assert_true(disk->ops->unlink(disk, path, &err));

    join_end(&join);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
}

/* Goal: joined files hold all row groups unchanged, with offsets, ordinals and blooms of their new places.
 * Method: four files of both codecs through the kernel's copying; every value is read back. */
static void test_join_in_kernel(void **state)
{
    (void)state;
    join_and_check(&disk_real);
}

/* Goal: the same where files have no descriptors.
 * Method: the disk that lives in memory. */
static void test_join_by_hand(void **state)
{
    (void)state;
    struct disk_sim *sim = disk_sim_create(512);
    join_and_check(disk_sim_disk(sim));
    disk_sim_destroy(sim);
}

/* Goal: what cannot be joined is refused before anything is written.
 * Method: another table's file, one row group too many, a damaged input. */
static void test_join_refuses(void **state)
{
    (void)state;
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *spans = model_columns(SCHEMA_LOGS_AND_SPANS, 2), *points = model_columns(SCHEMA_METRICS, 2);
    struct join_fixture join;
    struct err err = { .code = ERR_OK };
    uint64_t bytes;
    struct parquet_footer *footer;
    struct disk_stat stat;
    join_begin(&join, &disk_real);
    join_add(&join, write_range(writer, spans, 0, 2, PARQUET_CODEC_NONE));
    join_add(&join, write_range(writer, points, 0, 2, PARQUET_CODEC_NONE));
    assert_false(parquet_join(&disk_real, join.inputs, 2, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_null(footer);

    join.inputs[1].bytes -= 1; /* its end is cut */
    assert_false(parquet_join(&disk_real, join.inputs, 2, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_CORRUPT);

    struct parquet_input many[PARQUET_ROW_GROUPS_MAX + 1];
    for (uint32_t i = 0; i <= PARQUET_ROW_GROUPS_MAX; i++) many[i] = join.inputs[0];
    assert_true(parquet_join(&disk_real, many, PARQUET_ROW_GROUPS_MAX, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(footer->row_group_count, PARQUET_ROW_GROUPS_MAX);
    parquet_footer_destroy(footer);
    assert_true(disk_real.ops->truncate(join.out, 0, &err));
    assert_false(parquet_join(&disk_real, many, PARQUET_ROW_GROUPS_MAX + 1, table, join.out, false, &bytes, &footer, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(disk_real.ops->stat(join.out, &stat, &err));
    assert_int_equal(stat.bytes, 0);
    join_end(&join);
    columns_destroy(spans);
    columns_destroy(points);
    parquet_writer_destroy(writer);
}

/* ---- encodings ---- */

/* Goal: hybrid runs and packed groups of every width and shape decode to what was put in.
 * Method: values in runs of changing length, all widths, counts around groups of eight; bitmaps too. */
static void test_hybrid(void **state)
{
    (void)state;
    enum { COUNT_MAX = 1500 };
    struct buf out;
    uint32_t back[COUNT_MAX];
    buf_init(&out, 1 << 20);
    for (uint32_t width = 0; width <= 16; width++) {
        for (uint32_t run = 1; run < 100; run = run * 2 + 1) {
            for (uint32_t count = 0; count <= COUNT_MAX; count = count < 20 ? count + 1 : count * 3 - 7) {
                uint16_t wide[COUNT_MAX];
                uint8_t narrow[COUNT_MAX];
                uint64_t bits[COUNT_MAX / 64 + 1] = { 0 };
                for (uint32_t i = 0; i < count; i++) {
                    wide[i] = (uint16_t)(model_mix(width, i / run / (i % 300 < 100 ? 50 : 1), 0) & ((1u << width) - 1));
                    narrow[i] = (uint8_t)wide[i];
                    bits[i / 64] |= (uint64_t)(wide[i] & 1) << (i % 64);
                }
                out.len = 0;
                assert_true(encode_hybrid16(&out, wide, count, width));
                struct decode_input in = { out.ptr, out.ptr + out.len };
                decode_hybrid(&in, width, count, back);
                assert_ptr_equal(in.at, in.end);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], wide[i]);
                if (width > 8) continue;
                out.len = 0;
                assert_true(encode_hybrid8(&out, narrow, count, width));
                in = (struct decode_input){ out.ptr, out.ptr + out.len };
                decode_hybrid(&in, width, count, back);
                assert_ptr_equal(in.at, in.end);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], narrow[i]);
                out.len = 0;
                assert_true(encode_hybrid_bitmap(&out, bits, count));
                in = (struct decode_input){ out.ptr, out.ptr + out.len };
                decode_hybrid(&in, 1, count, back);
                for (uint32_t i = 0; i < count; i++) assert_int_equal(back[i], wide[i] & 1);
            }
        }
    }
    buf_deinit(&out);
}

/* Goal: DELTA_BINARY_PACKED holds any integers, with differences that wrap.
 * Method: values of every bit width, extremes among them, counts around blocks and miniblocks. */
static void test_delta(void **state)
{
    (void)state;
    enum { COUNT_MAX = 700 };
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint32_t width = 0; width <= 64; width++) {
        for (uint32_t count = 0; count <= COUNT_MAX; count = count < 3 ? count + 1 : count * 2 - (count & 1)) {
            int64_t wide[COUNT_MAX], back[COUNT_MAX];
            int32_t narrow[COUNT_MAX];
            for (uint32_t i = 0; i < count; i++) {
                uint64_t mix = model_mix(width, i, 0);
                wide[i] = width == 0 ? -5 : (int64_t)(mix >> (64 - width));
                if (width == 64 && i % 9 == 0) wide[i] = i % 2 == 0 ? INT64_MIN : INT64_MAX;
                narrow[i] = (int32_t)wide[i];
                if (width == 64 && i % 7 == 0) narrow[i] = i % 2 == 0 ? INT32_MIN : INT32_MAX;
            }
            out.len = 0;
            assert_true(encode_delta64(&out, wide, count));
            struct decode_input in = { out.ptr, out.ptr + out.len };
            decode_delta(&in, count, 64, back);
            assert_ptr_equal(in.at, in.end);
            for (uint32_t i = 0; i < count; i++) assert_true(back[i] == wide[i]);
            out.len = 0;
            assert_true(encode_delta32(&out, narrow, count));
            in = (struct decode_input){ out.ptr, out.ptr + out.len };
            decode_delta(&in, count, 32, back);
            assert_ptr_equal(in.at, in.end);
            for (uint32_t i = 0; i < count; i++) assert_true(back[i] == narrow[i]);
        }
    }
    buf_deinit(&out);
}

/* Goal: bloom filters agree with the format's own example and doubt what they cannot read.
 * Method: block and bits of a value worked out by hand from the document; damaged headers. */
static void test_bloom(void **state)
{
    (void)state;
    struct buf out;
    struct bloom bloom;
    buf_init(&out, 1 << 20);
    assert_true(bloom_begin(&bloom, &out, 1000));
    assert_int_equal(bloom.block_count, 32); /* 8192 bits */
    uint64_t hash = hash64_xxh64(BYTES("hello"));
    assert_int_equal(hash, 0x26C7827D889F6DA3u); /* XXH64 of "hello", seed 0 */
    bloom_add(&bloom, &hash, 1);
    uint32_t block = (uint32_t)((hash >> 32) * 32 >> 32), set = 0;
    for (uint32_t i = 0; i < 32 * BLOOM_BLOCK_WORDS; i++) {
        uint32_t word;
        memcpy(&word, bloom.blocks + i * 4, 4);
        set += (uint32_t)__builtin_popcount(word);
        assert_int_equal(word != 0, i / BLOOM_BLOCK_WORDS == block);
    }
    assert_int_equal(set, 8);
    assert_true(parquet_bloom_may_hold(buf_bytes(&out), BYTES("hello")));
    assert_false(parquet_bloom_may_hold(buf_bytes(&out), BYTES("world")));
    for (size_t len = 0; len < out.len; len++) assert_true(parquet_bloom_may_hold(bytes_from(out.ptr, len), BYTES("world")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_bloom),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_most_rows),
        cmocka_unit_test(test_ranges_while_rows_grow),
        cmocka_unit_test(test_large_texts),
        cmocka_unit_test(test_sort_of_extremes),
        cmocka_unit_test(test_footer_holds_for_every_value),
        cmocka_unit_test(test_cut_bounds),
        cmocka_unit_test(test_double_bounds),
        cmocka_unit_test(test_footer_from_any_tail),
        cmocka_unit_test(test_footer_by_name),
        cmocka_unit_test(test_damaged_footers),
        cmocka_unit_test(test_join_in_kernel),
        cmocka_unit_test(test_join_by_hand),
        cmocka_unit_test(test_join_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
