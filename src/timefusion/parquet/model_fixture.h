/* model_fixture.h -- for tests: rows whose every value follows from (table, column, row), so that a file can be checked
 * without keeping what was put. Columns differ in how many rows have a value, and in how many values are different. */
#pragma once
#include "base/hash.h"
#include "timefusion/parquet/decode_fixture.h"
#include "timefusion/parquet/table_elements.h"

#include <math.h>
#include <stdio.h>

#define MODEL_TEXT_MAX 400
#define MODEL_LIST_MAX 4
#define MODEL_TIME_US  1763800000000000

static inline uint64_t model_mix(uint32_t column, uint32_t row, uint32_t element)
{
    return hash64_mix(((uint64_t)column << 32 | row) ^ 0x9E3779B97F4A7C15u, element + 0xA0761D6478BD642Fu);
}
static inline bool model_has(const struct schema_table *table, uint32_t column, uint32_t row)
{
    if ((table->columns[column].flags & SCHEMA_NOT_NULL) != 0) return true;
    uint64_t mix = model_mix(column, row, 1000) >> 8;
    if (column == table->service_name) return mix % 9 != 0;
    switch (column % 6) {
    case 0: return true;
    case 1: return mix % 100 == 0;
    case 2: return row % 2 == 0;
    case 3: return false;
    case 4: return mix % 3 != 0;
    default: return row / 200 % 2 == 0; /* long runs */
    }
}
static inline uint64_t model_pick(uint32_t column, uint32_t row, uint32_t element)
{
    static const uint32_t different[] = { 3, 300, 5000, UINT32_MAX, 1 };
    return (model_mix(column, row, element) >> 4) % different[column % COUNT_OF(different)];
}
static inline struct bytes model_text(uint32_t column, uint32_t row, uint32_t element, char out[MODEL_TEXT_MAX])
{
    uint64_t pick = model_pick(column, row, element);
    if (pick % 13 == 5) return bytes_from(out, 0);
    int len = snprintf(out, MODEL_TEXT_MAX, "%s%llx", pick % 5 == 0 ? "ünï€😀" : "", (unsigned long long)pick);
    if (pick % 11 == 3) len += snprintf(out + len, MODEL_TEXT_MAX - (size_t)len, "%0*d", (int)(50 + pick % 200), 7);
    return bytes_from(out, (size_t)len);
}
static inline int64_t model_integer(const struct schema_table *table, uint32_t column, uint32_t row, uint32_t element)
{
    if (column == table->timestamp) return MODEL_TIME_US + (int64_t)(model_mix(column, row, 0) % 100000);
    uint64_t pick = model_pick(column, row, element);
    int64_t number = (int64_t)(pick * 0x9E3779B97F4A7C15u);
    if (pick % 17 == 4) number = INT64_MIN;
    if (pick % 17 == 5) number = INT64_MAX;
    bool is_narrow = table_leaf_type(table->columns[column].type) == PARQUET_TYPE_INT32;
    return is_narrow ? (int32_t)(number >> 32) : number;
}
static inline double model_double(uint32_t column, uint32_t row, uint32_t element)
{
    uint64_t pick = model_pick(column, row, element);
    return pick % 23 == 7 ? -INFINITY : (double)(int64_t)pick / 7 - 1000;
}
static inline uint32_t model_list_count(uint32_t column, uint32_t row)
{
    return (uint32_t)(model_mix(column, row, 2000) >> 5) % MODEL_LIST_MAX;
}

static inline void model_put(struct columns *columns, uint32_t column, uint32_t row)
{
    const struct schema_table *table = columns_table(columns);
    char texts[MODEL_LIST_MAX][MODEL_TEXT_MAX];
    struct bytes views[MODEL_LIST_MAX];
    uint64_t numbers[MODEL_LIST_MAX];
    double doubles[MODEL_LIST_MAX];
    uint32_t count = model_list_count(column, row);
    for (uint32_t i = 0; i < count; i++) {
        views[i] = model_text(column, row, i, texts[i]);
        numbers[i] = (uint64_t)model_integer(table, column, row, i);
        doubles[i] = model_double(column, row, i);
    }
    switch (table->columns[column].type) {
    case SCHEMA_TYPE_TEXT_LIST: columns_put_text_list(columns, column, views, count); break;
    case SCHEMA_TYPE_BIGINT_LIST: columns_put_int_list(columns, column, numbers, count); break;
    case SCHEMA_TYPE_DOUBLE_LIST: columns_put_double_list(columns, column, doubles, count); break;
    case SCHEMA_TYPE_DOUBLE: columns_put_double(columns, column, model_double(column, row, 0)); break;
    case SCHEMA_TYPE_BOOLEAN: columns_put_bool(columns, column, model_pick(column, row, 0) % 2 == 1); break;
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: columns_put_int(columns, column, model_integer(table, column, row, 0)); break;
    default:
        views[0] = model_text(column, row, 0, texts[0]);
        if (row % 3 == 0) {
            columns_put_text(columns, column, views[0]);
        } else if (row % 3 == 1) {
            columns_put_text_handle(columns, column, columns_text_handle(columns, column, views[0]));
        } else {
            memcpy(columns_text_reserve(columns, MODEL_TEXT_MAX), views[0].ptr, views[0].len);
            columns_put_text_reserved(columns, column, views[0].len);
        }
        break;
    }
}
/* Rows [columns_row_count, to) of the model. */
static inline void model_fill(struct columns *columns, uint32_t to)
{
    const struct schema_table *table = columns_table(columns);
    for (uint32_t row = columns_row_count(columns); row < to; row++) {
        assert_int_equal(columns_row_begin(columns, model_integer(table, table->timestamp, row, 0)), row);
        for (uint32_t column = 0; column < table->column_count; column++) {
            if (column != table->timestamp && model_has(table, column, row)) model_put(columns, column, row);
        }
        columns_row_end(columns);
    }
}

/* The order rows must have in the file. */
struct model_row {
    const struct schema_table *table;
    uint32_t row;
};
static inline int model_row_compare(const void *a, const void *b)
{
    const struct model_row *left = a, *right = b;
    const struct schema_table *table = left->table;
    bool left_has = model_has(table, table->service_name, left->row),
         right_has = model_has(table, table->service_name, right->row);
    if (left_has != right_has) return left_has ? 1 : -1;
    if (left_has) {
        char texts[2][MODEL_TEXT_MAX];
        int order = bytes_compare(model_text(table->service_name, left->row, 0, texts[0]),
                                  model_text(table->service_name, right->row, 0, texts[1]));
        if (order != 0) return order;
    }
    int64_t left_time = model_integer(table, table->timestamp, left->row, 0);
    int64_t right_time = model_integer(table, table->timestamp, right->row, 0);
    if (left_time != right_time) return left_time < right_time ? -1 : 1;
    return left->row < right->row ? -1 : 1;
}
static inline struct model_row *model_order(const struct schema_table *table, uint32_t from, uint32_t to)
{
    struct model_row *rows = calloc(to - from, sizeof *rows);
    for (uint32_t i = from; i < to; i++) rows[i - from] = (struct model_row){ table, i };
    qsort(rows, to - from, sizeof *rows, model_row_compare);
    return rows;
}

static inline void model_check_value(const struct schema_table *table, uint32_t column, uint32_t row, uint32_t element,
                                     const struct decoded_value *value)
{
    char text[MODEL_TEXT_MAX];
    double number;
    switch (table_leaf_type(table->columns[column].type)) {
    case PARQUET_TYPE_BYTE_ARRAY: {
        struct bytes expected = model_text(column, row, element, text);
        assert_int_equal(value->text.len, expected.len);
        assert_memory_equal(value->text.ptr, expected.ptr, expected.len);
        break;
    }
    case PARQUET_TYPE_DOUBLE:
        number = model_double(column, row, element);
        assert_memory_equal(&value->number, &number, sizeof number);
        break;
    case PARQUET_TYPE_BOOLEAN: assert_int_equal(value->integer, model_pick(column, row, 0) % 2); break;
    default: assert_int_equal(value->integer, model_integer(table, column, row, element)); break;
    }
}
/* Every level and value of one row group's column against the model. */
static inline void model_check_chunk(const struct schema_table *table, uint32_t column, const struct model_row *rows,
                                     uint32_t row_count, const struct decoded_chunk *chunk)
{
    bool is_list = table_type_is_list(table->columns[column].type);
    uint8_t nullable = (table->columns[column].flags & SCHEMA_NOT_NULL) != 0 ? 0 : 1;
    uint8_t max = (uint8_t)(is_list ? nullable + 2 : nullable);
    uint32_t level = 0, value = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = rows[i].row, count = 1;
        bool has = model_has(table, column, row);
        if (is_list) count = has ? model_list_count(column, row) : 0;
        if (!has || count == 0) {
            assert_true(level < chunk->level_count);
            assert_int_equal(chunk->repetition[level], 0);
            assert_int_equal(chunk->definition[level++], has ? nullable : 0);
            continue;
        }
        for (uint32_t k = 0; k < count; k++) {
            assert_true(level < chunk->level_count && value < chunk->value_count);
            assert_int_equal(chunk->repetition[level], k == 0 ? 0 : 1);
            assert_int_equal(chunk->definition[level++], max);
            model_check_value(table, column, row, k, &chunk->values[value++]);
        }
    }
    assert_int_equal(level, chunk->level_count);
    assert_int_equal(value, chunk->value_count);
}
static inline void model_check_group(struct bytes file, const struct schema_table *table, struct decoded_group *group,
                                     uint32_t from, uint32_t to)
{
    struct model_row *rows = model_order(table, from, to);
    uint32_t leaf = 0;
    assert_int_equal(group->row_count, to - from);
    for (uint32_t column = 0; column < table->column_count; column++) {
        if (!schema_column_is_stored(&table->columns[column])) continue;
        struct decoded_chunk *chunk = &group->chunks[leaf++];
        bool is_list = table_type_is_list(table->columns[column].type);
        uint32_t nullable = (table->columns[column].flags & SCHEMA_NOT_NULL) != 0 ? 0 : 1;
        assert_int_equal(chunk->type, table_leaf_type(table->columns[column].type));
        assert_int_equal(chunk->path_len, is_list ? 3 : 1);
        assert_true(bytes_equal(chunk->path[0], bytes_of_text(table->columns[column].name)));
        decode_chunk(chunk, file, is_list ? 1 : 0, is_list ? nullable + 2 : nullable);
        model_check_chunk(table, column, rows, to - from, chunk);
        decode_chunk_free(chunk);
    }
    assert_int_equal(leaf, group->chunk_count);
    free(rows);
}
static inline struct parquet_footer *model_footer(struct bytes file, const struct schema_table *table)
{
    struct parquet_footer *footer = NULL;
    struct err err = { .code = ERR_OK };
    size_t need;
    bool is_read = parquet_footer_read(file, file.len, table, &footer, &need, &err);
    if (!is_read) fail_msg("%s", err.text);
    return footer;
}
static inline struct columns *model_columns(enum schema_table_id id, uint32_t rows)
{
    struct columns *columns = columns_create(schema_table(id));
    model_fill(columns, rows);
    return columns;
}

static inline struct bytes write_range(struct parquet_writer *writer, struct columns *columns, uint32_t from,
                                       uint32_t to, enum parquet_codec codec)
{
    struct bytes file = { NULL, 0 };
    struct err err = { .code = ERR_OK };
    if (!parquet_write(writer, columns, from, to, codec, &file, &err)) fail_msg("%s", err.text);
    return file;
}
