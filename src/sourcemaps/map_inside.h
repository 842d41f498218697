/* map_inside.h -- what the files that make a compact map share.
 *
 *   map_read.c   JSON to mappings      map_vlq.c   the text of mappings      map_write.c   mappings to the compact form
 *
 * Thread: a value. */
#pragma once
#include "base/arena.h"
#include "sourcemaps/map.h"
#include "sourcemaps/map_json.h"

struct mapping {
    uint32_t line, column;                             /* of the bundle */
    uint32_t source, source_line, source_column, name; /* MAP_NONE: none */
};
struct texts { /* strings of the JSON, as slices of it */
    struct bytes *at;
    uint32_t count, room;
};
struct map_reading {
    struct map_made *made;
    struct mapping *mappings;
    uint32_t mapping_count, mapping_room;
    struct texts sources, names;
    struct bytes *contents; /* a slice a source; ptr NULL: none */
    struct texts roots;     /* a sourceRoot a source */
};
/* Adds those of one map (or section), whose sources and names begin there; those at or behind stop are left out. */
struct vlq_part {
    struct bytes text;
    uint32_t line, column; /* of the bundle, where it begins */
    uint32_t source_first, source_count, name_first, name_count;
    uint32_t stop_line, stop_column;
};
MUST_CHECK bool vlq_read(struct map_reading *reading, const struct vlq_part *part, struct err *err);
/* Sorts what is not, drops what says the same again, and writes both forms. */
MUST_CHECK bool map_write(struct map_reading *reading, struct err *err);
