/* row_order.h -- where each row of a range goes when rows are sorted by (service name, timestamp).
 *
 *   keys (rank of service << bits of time | time since the first) --radix sort--> places
 *
 * Rows without a service come first; equal rows keep their order. Thread: one owner. Memory: grows to the greatest range. */
#pragma once
#include "timefusion/columns/columns.h"

struct row_order {
    uint32_t row_count;
    bool is_identity;
    uint16_t *places; /* by row - from: its place in the file */
    uint32_t row_cap;
    struct row_key *keys, *keys_other;
    uint32_t *ranks;
    struct row_service *services;
    uint32_t *rank_by_id;
    uint32_t id_cap;
};
void row_order_deinit(struct row_order *order);
void row_order_make(struct row_order *order, const struct columns *columns, uint32_t from, uint32_t to);
/* The values of rows [from, to) of a column: indexes [*first, *end) of its view. */
void row_order_values(const struct columns_view *view, uint32_t from, uint32_t to, uint32_t *first, uint32_t *end);
