/* The lines around a frame, for the issue page. */
#include <stdlib.h>

#include "base/utf8.h"
#include "sourcemaps/context.h"
#include "timefusion/object/object.h"

enum { PACKED_BYTES_MAX = MAP_SOURCE_BYTES_MAX + (64 << 10) };

/* One source's text, by two ranged reads. */
bool context_source(struct object_store *objects, struct arena *arena, const char *key, uint32_t source,
                    struct bytes *text, struct err *err)
{
    uint8_t entry[MAP_SOURCES_ENTRY_BYTES];
    if (!object_get_range(objects, key, MAP_SOURCES_HEAD_BYTES + (uint64_t)source * MAP_SOURCES_ENTRY_BYTES, entry,
                          sizeof entry, err))
        return false;
    struct map_source_at at = map_source_at(entry);
    if (at.packed_bytes == 0) return err_set(err, ERR_NOT_FOUND, "the map does not have this source's text");
    if (at.packed_bytes > PACKED_BYTES_MAX || at.bytes > MAP_SOURCE_BYTES_MAX)
        return err_set(err, ERR_CORRUPT, "a source's text is larger than any that is kept");
    uint8_t *packed = arena_alloc(arena, at.packed_bytes), *plain = arena_alloc(arena, at.bytes + 1);
    if (!object_get_range(objects, key, at.at, packed, at.packed_bytes, err)) return false;
    *text = bytes_from(plain, at.bytes);
    return map_source_unpack(bytes_from(packed, at.packed_bytes), plain, at.bytes, err);
}

static bool is_inside(uint8_t byte) /* of a character */
{
    return (byte & 0xC0) == 0x80;
}

/* A line of a bundle that was bundled again may be a megabyte long: what is around the column. */
static struct bytes line_cut(struct bytes line, uint32_t column)
{
    size_t from = 0, len = line.len;
    if (len <= SOURCEMAPS_LINE_BYTES_MAX) return line;
    if (column > SOURCEMAPS_LINE_BYTES_MAX / 2) from = column - SOURCEMAPS_LINE_BYTES_MAX / 2;
    if (from + SOURCEMAPS_LINE_BYTES_MAX > len) from = len - SOURCEMAPS_LINE_BYTES_MAX;
    while (from < len && is_inside(line.ptr[from])) from++;
    line = bytes_from(line.ptr + from, len - from);
    return line.len > SOURCEMAPS_LINE_BYTES_MAX ? bytes_from(line.ptr, utf8_cut(line, SOURCEMAPS_LINE_BYTES_MAX))
                                                : line;
}

bool context_lines(struct bytes text, uint32_t line, uint32_t column, struct sourcemaps_context *context)
{
    uint32_t number = 0, first = line > SOURCEMAPS_CONTEXT_LINES ? line - SOURCEMAPS_CONTEXT_LINES : 0;
    bool is_found = false;
    context->line_count = 0;
    for (size_t at = 0; at <= text.len && number <= line + SOURCEMAPS_CONTEXT_LINES; number++) {
        size_t left = text.len - at, len = 0;
        while (len < left && text.ptr[at + len] != '\n' && text.ptr[at + len] != '\r') len++;
        if (number >= first) {
            if (number == line) {
                context->at = context->line_count;
                is_found = true;
            }
            context->lines[context->line_count++] = (struct sourcemaps_line){
                .number = number + 1, .text = line_cut(bytes_from(text.ptr + at, len), number == line ? column : 0)
            };
        }
        at += len;
        if (at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n') at++;
        at++;
    }
    return is_found;
}
