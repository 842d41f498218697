/* hidden.h -- the schema of a file of ours: a table's columns, and behind them its hidden ones (timefusion/shred).
 *
 * Thread: pure. Memory: keys are borrowed from the schema's bytes. */
#pragma once
#include "timefusion/parquet/table_elements.h"
#include "timefusion/shred/shred.h"

struct hidden {
    uint32_t count;
    struct bytes keys[SHRED_KEYS_MAX]; /* in order of bytes */
};
/* What a footer says of schema and column orders (list headers and elements): false when it is not of ours for the table. */
MUST_CHECK bool hidden_read(struct bytes schema, struct bytes orders, const struct schema_table *table,
                            struct hidden *hidden);
/* The same, made: appended to out; *schema and *orders are its parts. */
void hidden_schema_make(const struct schema_table *table, const struct hidden *hidden, struct buf *out,
                        struct bytes *schema, struct bytes *orders);
/* Of a, what b has too. */
void hidden_meet(struct hidden *a, const struct hidden *b);
bool hidden_has(const struct hidden *hidden, struct bytes key);
uint32_t hidden_leaf_count(const struct schema_table *table); /* the table's leaves */
