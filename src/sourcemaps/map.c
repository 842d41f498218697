#include "sourcemaps/map.h"

#include <zstd.h>

enum { BLOCK_BYTES = 12, SCOPE_BYTES = 24, U32 = 4 };
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are read as they lie");

static uint32_t u32_at(const struct map *map, uint64_t at)
{
    uint32_t number;
    memcpy(&number, map->ptr + at, sizeof number);
    return number;
}

static bool head_is_right(const struct map_head *head, size_t len)
{
    uint64_t at = 8 + sizeof *head;
    if (head->bytes != len || head->blocks_at != at) return false;
    at += (uint64_t)head->block_count * BLOCK_BYTES;
    if (head->scope_starts_at != at) return false;
    at += ((uint64_t)head->source_count + 1) * U32;
    if (head->scopes_at != at) return false;
    at += (uint64_t)head->scope_count * SCOPE_BYTES;
    if (head->text_ends_at != at) return false;
    at += (uint64_t)head->text_count * U32;
    if (head->texts_at != at || head->mappings_at < at || head->mappings_at > len) return false;
    return (uint64_t)head->source_count + head->name_count <= head->text_count &&
           head->block_count == (head->mapping_count + MAP_BLOCK - 1) / MAP_BLOCK;
}

bool map_open(struct map *map, struct bytes compact, struct err *err)
{
    *map = (struct map){ .ptr = compact.ptr };
    if (compact.len >= 8 + sizeof map->head && memcmp(compact.ptr, "MONOMAP1", 8) == 0) {
        memcpy(&map->head, compact.ptr + 8, sizeof map->head);
        if (head_is_right(&map->head, compact.len)) return true;
    }
    return err_set(err, ERR_CORRUPT, "these bytes are no map in its compact form");
}

/* Texts, blocks and scopes are checked where they are used: opening stays cheap. */
static struct bytes text_at(const struct map *map, uint32_t text)
{
    uint32_t texts_bytes = map->head.mappings_at - map->head.texts_at;
    if (text >= map->head.text_count) return (struct bytes){ 0 };
    uint32_t from = text == 0 ? 0 : u32_at(map, map->head.text_ends_at + (uint64_t)(text - 1) * U32);
    uint32_t to = u32_at(map, map->head.text_ends_at + (uint64_t)text * U32);
    if (from > to || to > texts_bytes) return (struct bytes){ 0 };
    return bytes_from(map->ptr + map->head.texts_at + from, to - from);
}

struct bytes map_source_name(const struct map *map, uint32_t source)
{
    return source < map->head.source_count ? text_at(map, source) : (struct bytes){ 0 };
}

/* ---- a block's mappings ---- */

struct walk {
    const uint8_t *at, *end;
    bool is_wrong;
};
static uint64_t varint_take(struct walk *walk)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && walk->at < walk->end; shift += 7) {
        uint8_t byte = *walk->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    walk->is_wrong = true;
    return 0;
}
static int64_t zigzag_of(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The block that begins last at or before the place; MAP_NONE: none does. */
static uint32_t block_find(const struct map *map, uint32_t line, uint32_t column)
{
    uint32_t low = 0, high = map->head.block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t at = map->head.blocks_at + (uint64_t)middle * BLOCK_BYTES;
        uint32_t block_line = u32_at(map, at), block_column = u32_at(map, at + U32);
        if (block_line < line || (block_line == line && block_column <= column)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? MAP_NONE : low - 1;
}

struct at { /* a mapping; wide, so that hostile differences only wrap */
    uint64_t line, column;
    uint32_t kind;
    int64_t source, source_line, source_column, name;
};

static bool block_walk(const struct map *map, uint32_t block, uint32_t line, uint32_t column, struct at *found)
{
    uint64_t at = map->head.blocks_at + (uint64_t)block * BLOCK_BYTES;
    uint32_t from = u32_at(map, at + 2 * U32), mappings_bytes = map->head.bytes - map->head.mappings_at;
    struct at now = { .line = u32_at(map, at), .column = u32_at(map, at + U32) };
    bool is_found = false;
    if (from > mappings_bytes) return false;
    struct walk walk = { .at = map->ptr + map->head.mappings_at + from, .end = map->ptr + map->head.bytes };
    for (uint32_t m = 0; m < MAP_BLOCK && walk.at < walk.end; m++) {
        uint64_t first = varint_take(&walk);
        if ((first & 3) == 3) {
            now.line += first >> 2;
            now.column = 0;
            first = varint_take(&walk);
        }
        now.column += first >> 2;
        now.kind = (uint32_t)(first & 3);
        if (now.kind > 0) {
            uint64_t source_line = varint_take(&walk);
            if (source_line & 1) now.source = (int64_t)((uint64_t)now.source + (uint64_t)zigzag_of(varint_take(&walk)));
            now.source_line = (int64_t)((uint64_t)now.source_line + (uint64_t)zigzag_of(source_line >> 1));
            now.source_column = (int64_t)((uint64_t)now.source_column + (uint64_t)zigzag_of(varint_take(&walk)));
        }
        if (now.kind == 2) now.name = (int64_t)((uint64_t)now.name + (uint64_t)zigzag_of(varint_take(&walk)));
        if (walk.is_wrong || now.line > line || (now.line == line && now.column > column)) break;
        *found = now;
        is_found = true;
    }
    return is_found && found->line == line; /* nothing is known of a line by the ones above it */
}

/* ---- functions ---- */

static bool scope_begins_after(const struct map *map, uint32_t scope, uint32_t line, uint32_t column)
{
    uint64_t at = map->head.scopes_at + (uint64_t)scope * SCOPE_BYTES;
    uint32_t begin_line = u32_at(map, at), begin_column = u32_at(map, at + U32);
    return begin_line > line || (begin_line == line && begin_column > column);
}

static void function_find(const struct map *map, struct map_place *place)
{
    uint64_t starts = map->head.scope_starts_at + (uint64_t)place->source * U32;
    uint32_t first = u32_at(map, starts), low = first, high = u32_at(map, starts + U32);
    if (low >= high || high > map->head.scope_count) return; /* no text, or no functions: a file's own code */
    while (low < high) {                                     /* the first that begins behind the place */
        uint32_t middle = low + (high - low) / 2;
        if (scope_begins_after(map, middle, place->line, place->column)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    place->has_function = true;
    if (low == first) return;
    for (uint32_t scope = low - 1;;) {
        uint64_t at = map->head.scopes_at + (uint64_t)scope * SCOPE_BYTES;
        uint32_t end_line = u32_at(map, at + 2 * U32), end_column = u32_at(map, at + 3 * U32);
        uint32_t name = u32_at(map, at + 4 * U32), parent = u32_at(map, at + 5 * U32);
        if (place->line < end_line || (place->line == end_line && place->column < end_column)) {
            place->function_text = name == MAP_NONE ? (struct bytes){ 0 } : text_at(map, name);
            return;
        }
        if (parent >= scope) return; /* MAP_NONE too; parents come first */
        scope = parent;
    }
}

bool map_find(const struct map *map, uint32_t line, uint32_t column, struct map_place *place)
{
    struct at found;
    uint32_t block = block_find(map, line, column);
    *place = (struct map_place){ .name = MAP_NONE };
    if (block == MAP_NONE || !block_walk(map, block, line, column, &found) || found.kind == 0) return false;
    if (found.source < 0 || found.source >= map->head.source_count || found.source_line < 0 ||
        found.source_line >= UINT32_MAX || found.source_column < 0 || found.source_column >= UINT32_MAX)
        return false;
    place->source = (uint32_t)found.source;
    place->line = (uint32_t)found.source_line;
    place->column = (uint32_t)found.source_column;
    place->source_text = text_at(map, place->source);
    if (found.kind == 2 && found.name >= 0 && found.name < map->head.name_count) {
        place->name = (uint32_t)found.name;
        place->name_text = text_at(map, map->head.source_count + place->name);
    }
    function_find(map, place);
    return true;
}

/* ---- texts of sources ---- */

struct map_source_at map_source_at(const uint8_t entry[MAP_SOURCES_ENTRY_BYTES])
{
    struct map_source_at at;
    memcpy(&at.at, entry, sizeof at.at);
    memcpy(&at.packed_bytes, entry + 8, sizeof at.packed_bytes);
    memcpy(&at.bytes, entry + 12, sizeof at.bytes);
    return at;
}

bool map_source_unpack(struct bytes packed, uint8_t *text, uint32_t bytes, struct err *err)
{
    size_t len = ZSTD_decompress(text, bytes, packed.ptr, packed.len);
    return (!ZSTD_isError(len) && len == bytes) ||
           err_set(err, ERR_CORRUPT, "the text of a source is not as it was kept");
}
