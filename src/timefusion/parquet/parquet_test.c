#include "timefusion/parquet/model_fixture.h"

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

/* Goal: a higher level of zstd gives smaller files of the same values, and can be changed from file to file.
 * Method: the same rows at levels 1, 9 and 1 again. */
static void test_levels(void **state)
{
    (void)state;
    static const int levels[] = { 1, 9, 1 };
    size_t sizes[3];
    struct parquet_writer *writer = parquet_writer_create();
    struct columns *columns = model_columns(SCHEMA_LOGS_AND_SPANS, 20000);
    for (int i = 0; i < 3; i++) {
        parquet_writer_set_level(writer, levels[i]);
        struct bytes file = write_range(writer, columns, 0, 20000, PARQUET_CODEC_ZSTD);
        sizes[i] = file.len;
        check_range(file, columns_table(columns), 0, 20000);
    }
    assert_true(sizes[1] < sizes[0]);
    assert_int_equal(sizes[2], sizes[0]);
    columns_destroy(columns);
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
        return stats->min.number <= model_double(column, row, element) &&
               stats->max.number >= model_double(column, row, element);
    case PARQUET_TYPE_BOOLEAN: return true; /* two values: the count of both decides, checked below */
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
    static const char *const characters[] = {
        "a", "\x7f", "é", "\xdf\xbf", "€", "\xed\x9f\xbf", "😀", "\xf4\x8f\xbf\xbf"
    };
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
        bool is_read =
            parquet_footer_read(bytes_from(file.ptr + file.len - len, len), file.len, table, &footer, &need, &err);
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
    struct parquet_leaf duration = {
        .definition_levels = one_null, .level_count = 3, .value_count = 2, .integers = numbers
    };
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

/* ---- files of any schema ---- */

/* Goal: nested columns keep their levels and values, over several row groups, when the file is taken piece by piece.
 * Method: struct, map and list as in a Delta checkpoint, two row groups, read by the independent decoder. */
static void test_nested_file(void **state)
{
    (void)state;
    static const struct parquet_element elements[] = {
        { "root", PARQUET_TYPE_GROUP, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 2, 0 },
        { "add", PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 3, 0 },
        { "size", PARQUET_TYPE_INT32, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 0, 0 },
        { "partitionValues", PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_MAP, 1, 0 },
        { "key_value", PARQUET_TYPE_GROUP, PARQUET_REPEATED, PARQUET_LOGICAL_NONE, 2, 0 },
        { "key", PARQUET_TYPE_BYTE_ARRAY, PARQUET_REQUIRED, PARQUET_LOGICAL_STRING, 0, 0 },
        { "value", PARQUET_TYPE_BYTE_ARRAY, PARQUET_OPTIONAL, PARQUET_LOGICAL_STRING, 0, 0 },
        { "dataChange", PARQUET_TYPE_BOOLEAN, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 },
        { "list", PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_LIST, 1, 0 },
        { "list", PARQUET_TYPE_GROUP, PARQUET_REPEATED, PARQUET_LOGICAL_NONE, 1, 0 },
        { "element", PARQUET_TYPE_DOUBLE, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 },
    };
    /* Rows: add with two keys, the second null; nothing but an empty list; add with a null map, and a list of 2 and null. */
    static const uint8_t size_levels[] = { 1, 0, 1 }, change_levels[] = { 2, 0, 1 };
    static const uint8_t map_repetition[] = { 0, 1, 0, 0 }, key_levels[] = { 3, 3, 0, 1 },
                         value_levels[] = { 4, 3, 0, 1 };
    static const uint8_t list_repetition[] = { 0, 0, 0, 1 }, list_levels[] = { 0, 1, 3, 2 };
    static const int64_t sizes[] = { INT32_MAX, INT32_MIN };
    static const uint8_t changes[] = { 1 };
    static const double numbers[] = { 2.5 };
    const struct bytes keys[] = { BYTES("date"), BYTES("project") }, values[] = { BYTES("2025-11-22") };
    const struct parquet_leaf leaves[] = {
        { .definition_levels = size_levels, .level_count = 3, .value_count = 2, .integers = sizes },
        { .repetition_levels = map_repetition,
          .definition_levels = key_levels,
          .level_count = 4,
          .value_count = 2,
          .texts = keys },
        { .repetition_levels = map_repetition,
          .definition_levels = value_levels,
          .level_count = 4,
          .value_count = 1,
          .texts = values },
        { .definition_levels = change_levels, .level_count = 3, .value_count = 1, .booleans = changes },
        { .repetition_levels = list_repetition,
          .definition_levels = list_levels,
          .level_count = 4,
          .value_count = 1,
          .doubles = numbers },
    };
    static const uint32_t repetition_max[] = { 0, 1, 1, 0, 1 }, definition_max[] = { 1, 3, 4, 2, 3 };
    struct parquet_file *file = parquet_file_create(elements, COUNT_OF(elements), PARQUET_CODEC_ZSTD);
    struct buf whole;
    struct err err = { .code = ERR_OK };
    buf_init(&whole, 1 << 20);
    assert_int_equal(parquet_file_leaf_count(file), COUNT_OF(leaves));
    for (int group = 0; group < 2; group++) {
        for (uint32_t i = 0; i < COUNT_OF(leaves); i++) {
            uint32_t repetition, definition;
            parquet_file_levels_max(file, i, &repetition, &definition);
            assert_int_equal(repetition, repetition_max[i]);
            assert_int_equal(definition, definition_max[i]);
            assert_true(parquet_file_column(file, &leaves[i], &err));
        }
        parquet_file_row_group_end(file, 3);
        struct bytes piece = parquet_file_take(file);
        assert_true(buf_add(&whole, piece.ptr, piece.len));
    }
    struct bytes rest;
    assert_true(parquet_file_end(file, &rest, &err));
    assert_true(buf_add(&whole, rest.ptr, rest.len));
    parquet_file_destroy(file);

    struct decoded_file decoded;
    decode_file(buf_bytes(&whole), &decoded);
    assert_int_equal(decoded.row_count, 6);
    assert_int_equal(decoded.group_count, 2);
    for (uint32_t group = 0; group < 2; group++) {
        for (uint32_t i = 0; i < COUNT_OF(leaves); i++) {
            struct decoded_chunk *chunk = &decoded.groups[group].chunks[i];
            decode_chunk(chunk, buf_bytes(&whole), repetition_max[i], definition_max[i]);
            assert_int_equal(chunk->value_count, leaves[i].value_count);
            assert_memory_equal(chunk->definition, leaves[i].definition_levels, leaves[i].level_count);
            if (repetition_max[i] > 0)
                assert_memory_equal(chunk->repetition, leaves[i].repetition_levels, leaves[i].level_count);
            for (uint32_t k = 0; k < chunk->value_count; k++) {
                if (leaves[i].texts != NULL) assert_true(bytes_equal(chunk->values[k].text, leaves[i].texts[k]));
                if (leaves[i].integers != NULL) assert_int_equal(chunk->values[k].integer, leaves[i].integers[k]);
                if (leaves[i].booleans != NULL) assert_int_equal(chunk->values[k].integer, leaves[i].booleans[k]);
                if (leaves[i].doubles != NULL) assert_true(chunk->values[k].number == leaves[i].doubles[k]);
            }
            decode_chunk_free(chunk);
        }
    }
    assert_int_equal(decoded.groups[0].chunks[1].path_len, 4); /* add, partitionValues, key_value, key */
    assert_true(bytes_equal(decoded.groups[0].chunks[1].path[3], BYTES("key")));
    decode_free(&decoded);
    buf_deinit(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_levels),
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
        cmocka_unit_test(test_nested_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
