/* column_sort.h -- one column's values and levels in file order.
 *
 *   values in row order --scatter by row_order.places, close the gaps--> values in file order, bitmap of who has one
 *   lists ------------------------------------------------------------> elements in file order, Dremel's levels
 *
 * Thread: one owner. Memory: buffers grow to the greatest column. What is given is borrowed until the next column, or,
 * where rows need no sorting, from struct columns itself. */
#pragma once
#include "timefusion/parquet/row_order.h"

struct sorted_column {
    uint32_t row_count, level_count, value_count; /* levels: rows; of a list its elements, and 1 where there are none */
    const uint64_t *present;                      /* bitmap over rows; NULL: all have a value, or a list */
    const uint8_t *repetition_levels, *definition_levels; /* lists only */
    bool definitions_are_max;                             /* no list is null or empty */
    /* values, by the kind of the view */
    const int64_t *ints;
    const double *doubles;
    const uint8_t *bools;
    const uint16_t *ids;
    const uint8_t *const *records;
};
struct column_sorter {
    void *values; /* 8 bytes each */
    uint64_t *present;
    uint32_t *lists; /* by place: the list's index in the view + 1 */
    uint8_t *repetition_levels, *definition_levels;
    uint32_t value_cap, row_cap, level_cap;
};
void column_sorter_deinit(struct column_sorter *sorter);
/* Values [first, end) of view, which are those of rows from on. definition_max is of the leaf. */
void column_sort(struct column_sorter *sorter, const struct columns_view *view, uint32_t first, uint32_t end,
                 const struct row_order *order, uint32_t from, uint32_t definition_max, struct sorted_column *sorted);
