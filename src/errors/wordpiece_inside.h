/* wordpiece_inside.h -- tables of wordpiece.c over characters of more than one byte, ascending; made by wordpiece_generate.py. */
#pragma once
#include "base/bytes.h"

enum wordpiece_class {
    WORDPIECE_LETTER, /* and all else that a word is made of */
    WORDPIECE_GONE,   /* control characters, accents */
    WORDPIECE_SPACE,
    WORDPIECE_ALONE /* punctuation, CJK: a word of its own */
};
struct wordpiece_range {
    uint32_t from, to;
    enum wordpiece_class class;
};
struct wordpiece_map {
    uint32_t from, to[3]; /* small, without accents; 0: no more */
};
extern const struct wordpiece_range wordpiece_ranges[];
extern const size_t wordpiece_range_count;
extern const struct wordpiece_map wordpiece_maps[];
extern const size_t wordpiece_map_count;
