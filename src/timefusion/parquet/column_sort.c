#include "timefusion/parquet/column_sort.h"

#include <stdlib.h>

typedef uint64_t __attribute__((may_alias)) any64; /* any value of 8 bytes, moved as it is */

void column_sorter_deinit(struct column_sorter *sorter)
{
    free(sorter->values);
    free(sorter->present);
    free(sorter->lists);
    free(sorter->repetition_levels);
    free(sorter->definition_levels);
    *sorter = (struct column_sorter){ .value_cap = 0 };
}

static uint32_t cap_for(uint32_t count)
{
    uint32_t cap = 256;
    while (cap < count) cap *= 2;
    return cap;
}

static void rows_reserve(struct column_sorter *sorter, uint32_t rows)
{
    if (rows <= sorter->row_cap) return;
    sorter->row_cap = cap_for(rows);
    sorter->present = mem_realloc(sorter->present, (sorter->row_cap / 64 + 1) * sizeof *sorter->present);
    sorter->lists = mem_realloc(sorter->lists, sorter->row_cap * sizeof *sorter->lists);
}

static void values_reserve(struct column_sorter *sorter, uint32_t values)
{
    if (values <= sorter->value_cap) return;
    sorter->value_cap = cap_for(values);
    free(sorter->values);
    sorter->values = mem_alloc(sorter->value_cap * sizeof(uint64_t));
}

static void levels_reserve(struct column_sorter *sorter, uint32_t levels)
{
    if (levels <= sorter->level_cap) return;
    sorter->level_cap = cap_for(levels);
    free(sorter->repetition_levels);
    free(sorter->definition_levels);
    sorter->repetition_levels = mem_alloc(sorter->level_cap);
    sorter->definition_levels = mem_alloc(sorter->level_cap);
}

/* ---- one value a row ---- */

/* Where every row has a value, value i is that of row i; else each goes to its row's place and the gaps are closed by
 * walking the bitmap, without counting bits. */
#define SCATTER(name, type)                                                                  \
    static void name(type *out, const type *values, const uint16_t *rows, uint32_t count,    \
                     const struct row_order *order, uint32_t from, const uint64_t *present)  \
    {                                                                                        \
        if (present == NULL) {                                                               \
            for (uint32_t i = 0; i < count; i++) out[order->places[i]] = values[i];          \
            return;                                                                          \
        }                                                                                    \
        for (uint32_t i = 0; i < count; i++) out[order->places[rows[i] - from]] = values[i]; \
        uint32_t kept = 0;                                                                   \
        for (uint32_t word = 0; kept < count; word++) {                                      \
            const type *behind = out + (size_t)word * 64;                                    \
            if (present[word] == UINT64_MAX && kept == word * 64) {                          \
                kept += 64;                                                                  \
                continue;                                                                    \
            }                                                                                \
            for (uint64_t bits = present[word]; bits != 0; bits &= bits - 1)                 \
                out[kept++] = behind[__builtin_ctzll(bits)];                                 \
        }                                                                                    \
    }
SCATTER(scatter8, uint8_t)
SCATTER(scatter16, uint16_t)
SCATTER(scatter64, any64)

static void present_mark(uint64_t *present, const uint16_t *rows, uint32_t count, const struct row_order *order,
                         uint32_t from)
{
    memset(present, 0, ((size_t)order->row_count / 64 + 1) * sizeof *present);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = order->places[rows[i] - from];
        present[place / 64] |= (uint64_t)1 << (place % 64);
    }
}

static void values_sort(struct column_sorter *sorter, const struct columns_view *view, uint32_t first, uint32_t end,
                        const struct row_order *order, uint32_t from, struct sorted_column *sorted)
{
    uint32_t count = end - first;
    const uint16_t *rows = view->rows + first;
    sorted->level_count = order->row_count;
    sorted->value_count = count;
    if (count < order->row_count) {
        rows_reserve(sorter, order->row_count);
        present_mark(sorter->present, rows, count, order, from);
        sorted->present = sorter->present;
    }
    if (!order->is_identity) values_reserve(sorter, order->row_count);
    switch (view->kind) {
    case COLUMNS_INT:
        sorted->ints = view->ints + first;
        if (order->is_identity) break;
        scatter64(sorter->values, (const any64 *)view->ints + first, rows, count, order, from, sorted->present);
        sorted->ints = sorter->values;
        break;
    case COLUMNS_DOUBLE:
        sorted->doubles = view->doubles + first;
        if (order->is_identity) break;
        scatter64(sorter->values, (const any64 *)view->doubles + first, rows, count, order, from, sorted->present);
        sorted->doubles = sorter->values;
        break;
    case COLUMNS_BOOL:
        sorted->bools = view->bools + first;
        if (order->is_identity) break;
        scatter8(sorter->values, view->bools + first, rows, count, order, from, sorted->present);
        sorted->bools = sorter->values;
        break;
    case COLUMNS_TEXT:
        if (view->records == NULL) {
            sorted->ids = view->ids + first;
            if (order->is_identity) break;
            scatter16(sorter->values, view->ids + first, rows, count, order, from, sorted->present);
            sorted->ids = sorter->values;
        } else {
            sorted->records = view->records + first;
            if (order->is_identity) break;
            scatter64(sorter->values, (const any64 *)view->records + first, rows, count, order, from, sorted->present);
            sorted->records = sorter->values;
        }
        break;
    }
}

/* ---- lists ---- */

static uint32_t list_end(const struct columns_view *view, uint32_t list)
{
    return list + 1 < view->value_count ? view->starts[list + 1] : view->element_count;
}

/* Levels of the lists in file order; definition_max is that of an element that is not null. */
static void list_levels(struct column_sorter *sorter, const struct columns_view *view, uint32_t row_count,
                        uint32_t definition_max, struct sorted_column *sorted)
{
    uint32_t levels = 0;
    uint8_t element = (uint8_t)definition_max, empty = (uint8_t)(definition_max - 2), null = 0;
    sorted->definitions_are_max = true;
    for (uint32_t place = 0; place < row_count; place++) {
        uint32_t list = sorter->lists[place];
        uint32_t count = list == 0 ? 0 : list_end(view, list - 1) - view->starts[list - 1];
        sorter->repetition_levels[levels] = 0;
        if (count == 0) {
            sorter->definition_levels[levels++] = list == 0 ? null : empty;
            sorted->definitions_are_max = false;
            continue;
        }
        sorter->definition_levels[levels++] = element;
        for (uint32_t i = 1; i < count; i++) {
            sorter->repetition_levels[levels] = 1;
            sorter->definition_levels[levels++] = element;
        }
    }
    sorted->level_count = levels;
    sorted->repetition_levels = sorter->repetition_levels;
    sorted->definition_levels = sorter->definition_levels;
}

#define GATHER(name, type)                                                                                    \
    static void name(type *out, const type *elements, const struct columns_view *view, const uint32_t *lists, \
                     uint32_t row_count)                                                                      \
    {                                                                                                         \
        for (uint32_t place = 0; place < row_count; place++) {                                                \
            if (lists[place] == 0) continue;                                                                  \
            uint32_t list = lists[place] - 1, end = list_end(view, list);                                     \
            for (uint32_t i = view->starts[list]; i < end; i++) *out++ = elements[i];                         \
        }                                                                                                     \
    }
GATHER(gather16, uint16_t)
GATHER(gather64, any64)

static void lists_sort(struct column_sorter *sorter, const struct columns_view *view, uint32_t first, uint32_t end,
                       const struct row_order *order, uint32_t from, uint32_t definition_max,
                       struct sorted_column *sorted)
{
    uint32_t rows = order->row_count;
    sorted->value_count = first == end ? 0 : list_end(view, end - 1) - view->starts[first];
    rows_reserve(sorter, rows);
    values_reserve(sorter, sorted->value_count);
    levels_reserve(sorter, sorted->value_count + rows);
    if (end - first < rows) memset(sorter->lists, 0, rows * sizeof *sorter->lists);
    for (uint32_t i = first; i < end; i++) sorter->lists[order->places[view->rows[i] - from]] = i + 1;
    list_levels(sorter, view, rows, definition_max, sorted);

    if (view->kind == COLUMNS_TEXT && view->records == NULL) {
        gather16(sorter->values, view->ids, view, sorter->lists, rows);
        sorted->ids = sorter->values;
        return;
    }
    const void *elements = view->kind == COLUMNS_TEXT  ? (const void *)view->records
                           : view->kind == COLUMNS_INT ? (const void *)view->ints
                                                       : (const void *)view->doubles;
    assert(view->kind != COLUMNS_BOOL);
    gather64(sorter->values, elements, view, sorter->lists, rows);
    if (view->kind == COLUMNS_TEXT) sorted->records = sorter->values;
    if (view->kind == COLUMNS_INT) sorted->ints = sorter->values;
    if (view->kind == COLUMNS_DOUBLE) sorted->doubles = sorter->values;
}

void column_sort(struct column_sorter *sorter, const struct columns_view *view, uint32_t first, uint32_t end,
                 const struct row_order *order, uint32_t from, uint32_t definition_max, struct sorted_column *sorted)
{
    *sorted = (struct sorted_column){ .row_count = order->row_count };
    if (view->is_list) {
        lists_sort(sorter, view, first, end, order, from, definition_max, sorted);
    } else {
        values_sort(sorter, view, first, end, order, from, sorted);
    }
}
