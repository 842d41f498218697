/* map.h -- one source map: read from its JSON into a compact form, and asked where a place of the bundle comes from.
 *
 *   JSON --map_read--> compact: header | blocks | scopes | texts | mappings      kept, opened, asked
 *                  '-> sources: each text of a source on its own, compressed      kept apart: for people alone
 *   compact --map_open--> struct map --map_find--> source, line, column, name, and the function around it
 *
 * Read are ECMA-426 maps (revision 3 of old): mappings, names, sources, sourceRoot, sourcesContent, sections (also nested
 * in file order), debugId and debug_id, the line that guards JSON against being run (")]}'"). Unsorted mappings are sorted.
 * A place has the last mapping before it on its line; one without a source has none. Of several for one column the first.
 * The function around a place is read from the source's own text (scopes.h), where the map has it: MAP_NONE otherwise.
 *
 * Compact form, numbers little-endian:
 *   "MONOMAP1" | u32 of struct map_head: counts and places of what follows, from the start
 *   blocks    MAP_BLOCK mappings each: u32 line, u32 column, u32 where its mappings begin       both from 0
 *   scopes    of all sources, u32 each: line and column of begin and end, text of the name, scope around it; before them
 *             for each source where its scopes begin, and one more
 *   texts     u32 where each ends; sources, then names, then names of functions: UTF-8
 *   mappings  varints against the one before: delta of the column << 2 | kind (0 no source, 1 source, 2 and a name, 3 so
 *             many lines further), then line << 1 | another source?, source, column, name: zigzag
 * Thread: any; constant once open. Time: linear to read; a look-up halves the blocks and walks through one.
 * Memory: map_read: the map's bytes, 32 bytes a mapping, the result; at most MAP_MAPPINGS_MAX mappings.
 * Errors: ERR_INPUT what is wrong and where; ERR_TOO_LARGE; ERR_CORRUPT a compact form that is none. Any bytes are fine.
 * Source: ECMA-426 (2024). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"

#define MAP_MAPPINGS_MAX     (3u << 20)
#define MAP_SOURCES_MAX      (1u << 17)
#define MAP_NAMES_MAX        (1u << 20)
#define MAP_SECTIONS_MAX     (1u << 14)
#define MAP_SECTIONS_DEEP    4
#define MAP_SOURCE_BYTES_MAX (4u << 20) /* of one source's text: longer ones are not kept */
#define MAP_BLOCK            64
#define MAP_NONE             UINT32_MAX

struct map_made {
    struct buf compact, sources; /* sources: len 0 where the map has none */
    struct uuid debug_id;        /* all zero: none */
    uint32_t mapping_count, source_count, scope_count;
};
/* made: the caller's to map_made_deinit, also after a failure. */
MUST_CHECK bool map_read(struct bytes json, struct map_made *made, struct err *err);
void map_made_deinit(struct map_made *made);

struct map_head { /* behind the 8 bytes that say what it is */
    uint32_t mapping_count, block_count, source_count, name_count, scope_count, text_count;
    uint32_t blocks_at, scope_starts_at, scopes_at, text_ends_at, texts_at, mappings_at, bytes;
};
struct map {
    const uint8_t *ptr;
    struct map_head head;
};
/* Borrows compact. Everything that a look-up relies on is checked. */
MUST_CHECK bool map_open(struct map *map, struct bytes compact, struct err *err);
struct map_place {
    uint32_t source, name;    /* name MAP_NONE: the mapping has none */
    uint32_t line, column;    /* in the source, from 0 */
    struct bytes source_text; /* its path, as map_source_name has it */
    struct bytes name_text;
    bool has_function;          /* the source's text is known: is the place within a function? */
    struct bytes function_text; /* the function around it: "Cart.add"; empty: none, or one without a name */
};
/* line, column: from 0. False: nothing is known of it. */
bool map_find(const struct map *map, uint32_t line, uint32_t column, struct map_place *place);
struct bytes map_source_name(const struct map *map, uint32_t source);

/* Texts of sources, in the object `sources`: an index, then a compressed text each.
 *   "MONOSRC1" | u32 count | per source u64 where, u32 compressed bytes (0: it has none), u32 bytes */
#define MAP_SOURCES_HEAD_BYTES  12
#define MAP_SOURCES_ENTRY_BYTES 16
struct map_source_at {
    uint64_t at;
    uint32_t packed_bytes, bytes;
};
/* entry: MAP_SOURCES_ENTRY_BYTES at MAP_SOURCES_HEAD_BYTES + source * MAP_SOURCES_ENTRY_BYTES. */
struct map_source_at map_source_at(const uint8_t entry[MAP_SOURCES_ENTRY_BYTES]);
/* text: place->bytes long, the caller's. ERR_CORRUPT. */
MUST_CHECK bool map_source_unpack(struct bytes packed, uint8_t *text, uint32_t bytes, struct err *err);
