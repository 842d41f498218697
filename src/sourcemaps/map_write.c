#include <stdlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "base/varint.h"
#include "sourcemaps/map_inside.h"
#include "sourcemaps/scopes.h"

#define ZSTD_LEVEL        6
#define SCOPES_OF_MAP_MAX (1u << 20)
#define MAPPING_BYTES_MAX (6 * VARINT_BYTES_MAX)

/* ---- order ---- */

static bool is_after(const struct mapping *a, const struct mapping *b)
{
    return a->line > b->line || (a->line == b->line && a->column > b->column);
}

/* Stable: of several for one column the first counts. */
static void mappings_sort(struct mapping *mappings, uint32_t count)
{
    uint32_t at = 1;
    while (at < count && !is_after(&mappings[at - 1], &mappings[at])) at++;
    if (at >= count) return;
    struct mapping *from = mappings, *aside = mem_alloc(count * sizeof *aside), *into = aside;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t begin = 0; begin < count; begin += 2 * width) {
            uint64_t middle = begin + width < count ? begin + width : count;
            uint64_t end = begin + 2 * width < count ? begin + 2 * width : count;
            for (uint64_t left = begin, right = middle, out = begin; out < end; out++) {
                bool takes_left = left < middle && (right >= end || !is_after(&from[left], &from[right]));
                into[out] = takes_left ? from[left++] : from[right++];
            }
        }
        struct mapping *swap = from;
        from = into;
        into = swap;
    }
    if (from != mappings) memcpy(mappings, from, count * sizeof *mappings);
    free(aside);
}

/* Of equal columns the first stays; one that says what the one before on its line says is of no use. */
static uint32_t mappings_thin(struct mapping *mappings, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t m = 0; m < count; m++) {
        const struct mapping *last = kept > 0 ? &mappings[kept - 1] : NULL, *mapping = &mappings[m];
        if (last != NULL && last->line == mapping->line &&
            (last->column == mapping->column ||
             (last->source == mapping->source && last->source_line == mapping->source_line &&
              last->source_column == mapping->source_column && last->name == mapping->name)))
            continue;
        mappings[kept++] = *mapping;
    }
    return kept;
}

/* ---- texts ---- */

struct table { /* texts, each with its end */
    struct buf ends, bytes;
    uint32_t count;
    uint32_t *slots, mask; /* of names of functions: a text to its place */
};

static void raw_add(struct buf *buf, const void *ptr, size_t len)
{
    if (!buf_add(buf, ptr, len)) abort(); /* its greatest size is beyond any map's */
}
static void text_end(struct table *table)
{
    uint32_t end = (uint32_t)table->bytes.len;
    raw_add(&table->ends, &end, sizeof end);
    table->count++;
}
static uint8_t *text_room(struct table *table, size_t len)
{
    if (!buf_reserve(&table->bytes, len + 1)) abort(); /* of an empty text too there is a place */
    return table->bytes.ptr + table->bytes.len;
}
static struct bytes text_at(const struct table *table, uint32_t at)
{
    const uint32_t *ends = (const uint32_t *)(const void *)table->ends.ptr;
    uint32_t from = at == 0 ? 0 : ends[at - 1];
    return ends[at] == from ? (struct bytes){ 0 } : bytes_from(table->bytes.ptr + from, ends[at] - from);
}

/* "webpack://shop/./src/../a.ts": without "." and ".."; what control characters there are becomes "?". */
static size_t path_clean(uint8_t *path, size_t len)
{
    size_t begin = 0, out, at;
    const uint8_t *scheme = memmem(path, len, "://", 3);
    if (scheme != NULL) begin = (size_t)(scheme - path) + 3;
    bool is_rooted = begin < len && path[begin] == '/';
    for (size_t i = 0; i < len; i++) {
        if (path[i] < ' ' || path[i] == 0x7F) path[i] = '?';
    }
    begin += is_rooted;
    for (out = at = begin; at < len;) {
        const uint8_t *slash = memchr(path + at, '/', len - at);
        size_t end = slash == NULL ? len : (size_t)(slash - path);
        size_t part = end - at;
        if (part == 2 && path[at] == '.' && path[at + 1] == '.') {
            if (out > begin) out--; /* the slash */
            while (out > begin && path[out - 1] != '/') out--;
        } else if (part > 1 || (part == 1 && path[at] != '.')) {
            memmove(path + out, path + at, part);
            out += part;
            if (end < len) path[out++] = '/';
        }
        at = end + 1;
    }
    return out;
}

static bool path_is_whole(const uint8_t *path, size_t len)
{
    return (len > 0 && path[0] == '/') || memmem(path, len, "://", 3) != NULL;
}

static void source_name_add(struct table *table, struct bytes root, struct bytes source)
{
    uint8_t *path = text_room(table, root.len + source.len + 16), *own = path + root.len + 1;
    size_t own_len = map_json_text(source, own), len = 0;
    if (!path_is_whole(own, own_len)) {
        len = map_json_text(root, path);
        if (len > 0 && path[len - 1] != '/') path[len++] = '/';
    }
    memmove(path + len, own, own_len);
    len = path_clean(path, len + own_len);
    if (len == 0) {
        memcpy(path, "(unknown)", 9);
        len = 9;
    }
    table->bytes.len += len;
    text_end(table);
}

/* The place of a name of a function: each is there once. */
static uint32_t function_name(struct table *table, uint32_t first, struct bytes name)
{
    uint32_t used = table->count - first;
    if (table->slots == NULL || used * 2 > table->mask) {
        uint32_t cap = table->slots == NULL ? 256 : (table->mask + 1) * 2;
        free(table->slots);
        table->slots = mem_alloc(cap * sizeof *table->slots);
        table->mask = cap - 1;
        memset(table->slots, 0xFF, cap * sizeof *table->slots);
        for (uint32_t t = first; t < table->count; t++) {
            uint32_t slot = (uint32_t)hash64_of(text_at(table, t)) & table->mask;
            while (table->slots[slot] != MAP_NONE) slot = (slot + 1) & table->mask;
            table->slots[slot] = t;
        }
    }
    uint32_t slot = (uint32_t)hash64_of(name) & table->mask;
    for (; table->slots[slot] != MAP_NONE; slot = (slot + 1) & table->mask) {
        if (bytes_equal(text_at(table, table->slots[slot]), name)) return table->slots[slot];
    }
    table->slots[slot] = table->count;
    raw_add(&table->bytes, name.ptr, name.len);
    text_end(table);
    return table->count - 1;
}

/* ---- sources: their texts, and the functions in them ---- */

struct writing {
    struct map_reading *reading;
    struct table texts;
    struct buf blocks, mappings, scope_starts, scopes, packed;
    uint32_t block_count, scope_count;
};

static void scopes_add(struct writing *writing, const struct scopes *scopes)
{
    uint32_t first = writing->scope_count,
             names_first = writing->reading->sources.count + writing->reading->names.count;
    for (uint32_t s = 0; s < scopes->count && writing->scope_count < SCOPES_OF_MAP_MAX; s++) {
        const struct scope *scope = &scopes->at[s];
        uint32_t name = scope->name.len == 0 ? MAP_NONE : function_name(&writing->texts, names_first, scope->name);
        uint32_t parent = scope->parent == SCOPE_NONE ? MAP_NONE : first + scope->parent;
        uint32_t kept[] = { scope->line, scope->column, scope->end_line, scope->end_column, name, parent };
        raw_add(&writing->scopes, kept, sizeof kept);
        writing->scope_count++;
    }
}

static bool sources_write(struct writing *writing, struct err *err)
{
    struct map_reading *reading = writing->reading;
    uint32_t count = reading->sources.count;
    uint64_t at = MAP_SOURCES_HEAD_BYTES + (uint64_t)count * MAP_SOURCES_ENTRY_BYTES;
    struct buf *sources = &reading->made->sources;
    bool has_any = false;
    struct arena arena;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (zstd == NULL) return err_set(err, ERR_BUSY, "there is no memory to compress a map's sources");
    arena_init(&arena, 0);
    raw_add(sources, "MONOSRC1", 8);
    raw_add(sources, &count, sizeof count);
    for (uint32_t s = 0; s < count; s++) {
        struct {
            uint64_t at;
            uint32_t packed_bytes, bytes;
        } entry = { .at = at };
        struct bytes content = reading->contents[s];
        raw_add(&writing->scope_starts, &writing->scope_count, sizeof writing->scope_count);
        if (content.ptr != NULL && content.len <= MAP_SOURCE_BYTES_MAX) {
            struct scopes scopes;
            uint8_t *text = arena_alloc(&arena, content.len + 1);
            entry.bytes = (uint32_t)map_json_text(content, text);
            scopes_read(&arena, bytes_from(text, entry.bytes), &scopes);
            scopes_add(writing, &scopes);
            size_t room = ZSTD_compressBound(entry.bytes);
            if (!buf_reserve(&writing->packed, room)) abort();
            size_t packed =
                ZSTD_compressCCtx(zstd, writing->packed.ptr + writing->packed.len, room, text, entry.bytes, ZSTD_LEVEL);
            if (!ZSTD_isError(packed)) entry.packed_bytes = (uint32_t)packed;
            writing->packed.len += entry.packed_bytes;
            at += entry.packed_bytes;
            has_any = true;
            arena_reset(&arena);
        }
        raw_add(sources, &entry, sizeof entry);
    }
    raw_add(&writing->scope_starts, &writing->scope_count, sizeof writing->scope_count);
    if (has_any) {
        raw_add(sources, writing->packed.ptr, writing->packed.len);
    } else {
        sources->len = 0;
    }
    ZSTD_freeCCtx(zstd);
    arena_deinit(&arena);
    return true;
}

/* ---- mappings ---- */

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static void mappings_write(struct writing *writing)
{
    struct map_reading *reading = writing->reading;
    struct mapping last = { 0 };
    for (uint32_t m = 0; m < reading->mapping_count; m++) {
        const struct mapping *mapping = &reading->mappings[m];
        if (!buf_reserve(&writing->mappings, MAPPING_BYTES_MAX)) abort();
        uint8_t *begin = writing->mappings.ptr + writing->mappings.len, *at = begin;
        if (m % MAP_BLOCK == 0) {
            uint32_t block[] = { mapping->line, mapping->column, (uint32_t)writing->mappings.len };
            raw_add(&writing->blocks, block, sizeof block);
            writing->block_count++;
            last = (struct mapping){ .line = mapping->line, .column = mapping->column };
        }
        if (mapping->line != last.line) {
            at = varint_put(at, (uint64_t)(mapping->line - last.line) << 2 | 3);
            last.line = mapping->line;
            last.column = 0;
        }
        uint64_t kind = mapping->source == MAP_NONE ? 0 : mapping->name == MAP_NONE ? 1 : 2;
        at = varint_put(at, (uint64_t)(mapping->column - last.column) << 2 | kind);
        last.column = mapping->column;
        if (kind > 0) {
            bool is_other = mapping->source != last.source;
            at = varint_put(at, zigzag((int64_t)mapping->source_line - last.source_line) << 1 | is_other);
            if (is_other) at = varint_put(at, zigzag((int64_t)mapping->source - last.source));
            at = varint_put(at, zigzag((int64_t)mapping->source_column - last.source_column));
            last.source = mapping->source;
            last.source_line = mapping->source_line;
            last.source_column = mapping->source_column;
        }
        if (kind == 2) {
            at = varint_put(at, zigzag((int64_t)mapping->name - last.name));
            last.name = mapping->name;
        }
        writing->mappings.len += (size_t)(at - begin);
    }
}

bool map_write(struct map_reading *reading, struct err *err)
{
    struct writing writing = { .reading = reading };
    struct buf *parts[] = { &writing.texts.ends,   &writing.texts.bytes, &writing.blocks, &writing.mappings,
                            &writing.scope_starts, &writing.scopes,      &writing.packed };
    for (size_t p = 0; p < COUNT_OF(parts); p++) buf_init(parts[p], SIZE_MAX / 4);
    mappings_sort(reading->mappings, reading->mapping_count);
    reading->mapping_count = mappings_thin(reading->mappings, reading->mapping_count);
    for (uint32_t s = 0; s < reading->sources.count; s++)
        source_name_add(&writing.texts, reading->roots.at[s], reading->sources.at[s]);
    for (uint32_t n = 0; n < reading->names.count; n++) {
        writing.texts.bytes.len +=
            map_json_text(reading->names.at[n], text_room(&writing.texts, reading->names.at[n].len));
        text_end(&writing.texts);
    }
    bool ok = sources_write(&writing, err);
    mappings_write(&writing);
    struct map_head head = { .mapping_count = reading->mapping_count,
                             .block_count = writing.block_count,
                             .source_count = reading->sources.count,
                             .name_count = reading->names.count,
                             .scope_count = writing.scope_count,
                             .text_count = writing.texts.count,
                             .blocks_at = 8 + sizeof head };
    uint64_t bytes = head.blocks_at;
    for (size_t p = 0; p + 1 < COUNT_OF(parts); p++) bytes += parts[p]->len;
    if (ok && bytes > UINT32_MAX / 2) ok = err_set(err, ERR_TOO_LARGE, "the map is too large");
    if (ok) {
        head.scope_starts_at = head.blocks_at + (uint32_t)writing.blocks.len;
        head.scopes_at = head.scope_starts_at + (uint32_t)writing.scope_starts.len;
        head.text_ends_at = head.scopes_at + (uint32_t)writing.scopes.len;
        head.texts_at = head.text_ends_at + (uint32_t)writing.texts.ends.len;
        head.mappings_at = head.texts_at + (uint32_t)writing.texts.bytes.len;
        head.bytes = head.mappings_at + (uint32_t)writing.mappings.len;
        struct buf *compact = &reading->made->compact;
        const struct buf *order[] = { &writing.blocks,     &writing.scope_starts, &writing.scopes,
                                      &writing.texts.ends, &writing.texts.bytes,  &writing.mappings };
        if (!buf_reserve(compact, head.bytes)) abort();
        raw_add(compact, "MONOMAP1", 8);
        raw_add(compact, &head, sizeof head);
        for (size_t p = 0; p < COUNT_OF(order); p++) raw_add(compact, order[p]->ptr, order[p]->len);
        assert(compact->len == head.bytes);
        reading->made->mapping_count = head.mapping_count;
        reading->made->source_count = head.source_count;
        reading->made->scope_count = head.scope_count;
    }
    for (size_t p = 0; p < COUNT_OF(parts); p++) buf_deinit(parts[p]);
    free(writing.texts.slots);
    return ok;
}
