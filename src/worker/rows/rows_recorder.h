/* rows_recorder.h -- for tests: the columns API as a recorder of text, so that a test reads back each cell that
 * rows_build put. A cell that was not put is NULL. Lists are "a|b". Included by one test file, which then links these
 * functions in place of timefusion/columns. */
#pragma once
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "timefusion/columns/columns.h"

#define RECORDER_ROWS_MAX    4096
#define RECORDER_HANDLES_MAX 4096
struct columns {
    const struct schema_table *table;
    struct arena arena;
    int64_t *timestamps;
    const char **cells; /* [row][column] */
    uint32_t row_count;
    bool in_row;
    uint8_t *reserved;
    size_t reserved_len;
    const char *handles[RECORDER_HANDLES_MAX];
    uint32_t handle_columns[RECORDER_HANDLES_MAX];
    uint32_t handle_count;
};

struct columns *columns_create(const struct schema_table *table)
{
    struct columns *columns = mem_calloc(1, sizeof *columns);
    columns->table = table;
    columns->timestamps = mem_calloc(RECORDER_ROWS_MAX, sizeof *columns->timestamps);
    columns->cells = mem_calloc(RECORDER_ROWS_MAX * SCHEMA_COLUMNS_MAX, sizeof *columns->cells);
    arena_init(&columns->arena, 0);
    return columns;
}
void columns_destroy(struct columns *columns)
{
    arena_deinit(&columns->arena);
    free(columns->timestamps);
    free(columns->cells);
    free(columns);
}
const struct schema_table *columns_table(const struct columns *columns)
{
    return columns->table;
}
uint32_t columns_row_count(const struct columns *columns)
{
    return columns->row_count;
}
uint32_t columns_row_begin(struct columns *columns, int64_t timestamp_us)
{
    assert_false(columns->in_row);
    assert_true(columns->row_count < RECORDER_ROWS_MAX);
    columns->in_row = true;
    columns->timestamps[columns->row_count] = timestamp_us;
    return columns->row_count;
}
static void recorder_put(struct columns *columns, uint32_t column, const char *text)
{
    assert_true(columns->in_row);
    assert_true(column < columns->table->column_count);
    assert_true(schema_column_is_stored(&columns->table->columns[column]));
    const char **cell = &columns->cells[columns->row_count * SCHEMA_COLUMNS_MAX + column];
    if (*cell == NULL) *cell = text;
}
static void type_is(const struct columns *columns, uint32_t column, uint32_t types)
{
    assert_true((1u << columns->table->columns[column].type & types) != 0);
}
#define RECORDER_TEXTS (1u << SCHEMA_TYPE_TEXT | 1u << SCHEMA_TYPE_JSON | 1u << SCHEMA_TYPE_UUID)
void columns_put_text(struct columns *columns, uint32_t column, struct bytes text)
{
    type_is(columns, column, RECORDER_TEXTS);
    recorder_put(columns, column, arena_printf(&columns->arena, "%.*s", (int)text.len, (const char *)text.ptr));
}
void columns_put_int(struct columns *columns, uint32_t column, int64_t number)
{
    type_is(columns, column,
            1u << SCHEMA_TYPE_INTEGER | 1u << SCHEMA_TYPE_BIGINT | 1u << SCHEMA_TYPE_TIMESTAMPTZ |
                1u << SCHEMA_TYPE_DATE);
    recorder_put(columns, column, arena_printf(&columns->arena, "%" PRId64, number));
}
void columns_put_double(struct columns *columns, uint32_t column, double number)
{
    type_is(columns, column, 1u << SCHEMA_TYPE_DOUBLE);
    recorder_put(columns, column, arena_printf(&columns->arena, "%g", number));
}
void columns_put_bool(struct columns *columns, uint32_t column, bool value)
{
    type_is(columns, column, 1u << SCHEMA_TYPE_BOOLEAN);
    recorder_put(columns, column, value ? "true" : "false");
}
void columns_put_text_list(struct columns *columns, uint32_t column, const struct bytes *texts, uint32_t count)
{
    const char *list = "";
    type_is(columns, column, 1u << SCHEMA_TYPE_TEXT_LIST);
    for (uint32_t i = 0; i < count; i++) {
        list = arena_printf(&columns->arena, "%s%s%.*s", list, i == 0 ? "" : "|", (int)texts[i].len,
                            (const char *)texts[i].ptr);
    }
    recorder_put(columns, column, list);
}
void columns_put_int_list(struct columns *columns, uint32_t column, const uint64_t *numbers, uint32_t count)
{
    const char *list = "";
    type_is(columns, column, 1u << SCHEMA_TYPE_BIGINT_LIST);
    for (uint32_t i = 0; i < count; i++) {
        list = arena_printf(&columns->arena, "%s%s%" PRIu64, list, i == 0 ? "" : "|", numbers[i]);
    }
    recorder_put(columns, column, list);
}
void columns_put_double_list(struct columns *columns, uint32_t column, const double *numbers, uint32_t count)
{
    const char *list = "";
    type_is(columns, column, 1u << SCHEMA_TYPE_DOUBLE_LIST);
    for (uint32_t i = 0; i < count; i++) {
        list = arena_printf(&columns->arena, "%s%s%g", list, i == 0 ? "" : "|", numbers[i]);
    }
    recorder_put(columns, column, list);
}
uint32_t columns_text_handle(struct columns *columns, uint32_t column, struct bytes text)
{
    type_is(columns, column, RECORDER_TEXTS);
    assert_true(columns->handle_count < RECORDER_HANDLES_MAX);
    columns->handles[columns->handle_count] =
        arena_printf(&columns->arena, "%.*s", (int)text.len, (const char *)text.ptr);
    columns->handle_columns[columns->handle_count] = column;
    return columns->handle_count++;
}
void columns_put_text_handle(struct columns *columns, uint32_t column, uint32_t handle)
{
    assert_true(handle < columns->handle_count);
    assert_int_equal(columns->handle_columns[handle], column); /* a handle is of one column */
    recorder_put(columns, column, columns->handles[handle]);
}
uint8_t *columns_text_reserve(struct columns *columns, size_t len_max)
{
    columns->reserved = arena_alloc(&columns->arena, len_max + 1);
    columns->reserved_len = len_max;
    return columns->reserved;
}
void columns_put_text_reserved(struct columns *columns, uint32_t column, size_t len)
{
    type_is(columns, column, RECORDER_TEXTS);
    assert_true(columns->reserved != NULL && len <= columns->reserved_len);
    columns->reserved[len] = '\0';
    recorder_put(columns, column, (const char *)columns->reserved);
    columns->reserved = NULL;
}
void columns_row_end(struct columns *columns)
{
    assert_true(columns->in_row);
    for (uint32_t i = 0; i < columns->table->column_count; i++) {
        const struct schema_column *column = &columns->table->columns[i];
        if (!schema_column_is_stored(column) || (column->flags & SCHEMA_NOT_NULL) == 0) continue;
        if (i == columns->table->timestamp) continue; /* put by columns_row_begin */
        if (columns->cells[columns->row_count * SCHEMA_COLUMNS_MAX + i] == NULL) fail_msg("%s is null", column->name);
    }
    columns->in_row = false;
    columns->row_count++;
}
