/* difference_inside.h -- what counting (difference.c) and ranking (difference_rank.c) share. Thread, memory: difference.h. */
#pragma once
#include "base/arena.h"
#include "difference/difference.h"

struct difference_slot {
    uint64_t hash;
    uint32_t owner;  /* 0: an attribute; else of which attribute the value is, + 1 */
    uint32_t number; /* its place in attributes or values, + 1; 0: empty */
};
struct difference_attribute {
    struct bytes name;
    uint32_t rows[2]; /* out, in: those that have it */
    uint32_t value_count, numbers;
    bool is_unique; /* ever new texts: only whether it is there counts */
};
struct difference_value {
    uint32_t attribute;
    uint32_t rows[2];
    bool is_number;
    double number;
    struct bytes text;
};
struct difference {
    struct difference_slot *slots;
    uint32_t slot_count, slots_used;
    struct difference_attribute *attributes;
    struct difference_value *values;
    uint8_t *sides;       /* of each row: 1 in */
    uint32_t *row_begins; /* of each row: its first pair */
    uint32_t *pairs;      /* numbers of values */
    uint32_t attribute_count, attribute_cap, value_count, value_cap, row_count, row_cap, pair_count, pair_cap;
    uint32_t side_rows[2];
    bool is_cut;
    struct arena arena;
};
