/* counting_table.h -- where in an array is the item of this hash: an index for what a delta tells apart.
 *
 *   hash --counting_table_find--> the item's number, which counting_table_add was given
 *
 * The hash is all there is of a key: 64 bits under a random seed have no twins that anyone could find.
 * All zero is an empty table; slots is free()d by its owner. Thread: one owner. Memory: 16 bytes a slot, at most half of them
 * used from the first doubling on. Errors: none. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct counting_table {
    struct counting_slot {
        uint64_t hash;
        uint32_t number; /* and one more; 0: free */
    } * slots;
    uint32_t cap, used;
};
void counting_table_add(struct counting_table *table, uint64_t hash, uint32_t number);
/* The first of this hash, UINT32_MAX: none. */
uint32_t counting_table_find(const struct counting_table *table, uint64_t hash);
void counting_table_reset(struct counting_table *table);
