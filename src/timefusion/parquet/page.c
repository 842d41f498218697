#include "timefusion/parquet/page.h"
#include "timefusion/parquet/encode.h"
#include "timefusion/parquet/thrift.h"

#include <stdlib.h>
#include <zstd.h>

#define PAGE_BYTES_MAX        INT32_MAX /* page headers count in 32 bits with a sign */
#define PAGE_HEADER_BYTES_MAX 64
#define FOOTER_BYTES_MAX      INT32_MAX
#define OUT_BYTES_MAX         ((size_t)1 << 34)
#define PAGE_TYPE_DATA        0
#define PAGE_TYPE_DICTIONARY  2
#define CODEC_NONE            0
#define CODEC_ZSTD            6
#define SCHEMA_DEPTH_MAX      12

static const char magic[4] = { 'P', 'A', 'R', '1' };

/* ---- pages ---- */

void parquet_pages_init(struct parquet_pages *pages)
{
    *pages = (struct parquet_pages){ .out_from = 0, .zstd_level = PARQUET_ZSTD_LEVEL };
    buf_init(&pages->out, OUT_BYTES_MAX);
    buf_init(&pages->page, PAGE_BYTES_MAX);
    buf_init(&pages->packed, (size_t)PAGE_BYTES_MAX * 2);
    buf_init(&pages->packed_harder, (size_t)PAGE_BYTES_MAX * 2);
}

void parquet_pages_deinit(struct parquet_pages *pages)
{
    buf_deinit(&pages->out);
    buf_deinit(&pages->page);
    buf_deinit(&pages->packed);
    buf_deinit(&pages->packed_harder);
    ZSTD_freeCCtx(pages->zstd);
    ZSTD_freeCCtx(pages->zstd_harder);
    pages->zstd = pages->zstd_harder = NULL;
}

/* Levels have their length in front. */
static bool levels_begin(struct buf *page, size_t *from)
{
    if (!buf_reserve(page, sizeof(uint32_t))) return false;
    *from = page->len;
    page->len += sizeof(uint32_t);
    return true;
}

static void levels_end(struct buf *page, size_t from)
{
    uint32_t bytes = (uint32_t)(page->len - from - sizeof(uint32_t));
    memcpy(page->ptr + from, &bytes, sizeof bytes);
}

bool parquet_page_levels(struct parquet_pages *pages, const uint8_t *levels, uint32_t count, uint32_t max)
{
    size_t from;
    if (max == 0) return true;
    if (!levels_begin(&pages->page, &from)) return false;
    if (!encode_hybrid8(&pages->page, levels, count, encode_bit_width(max))) return false;
    levels_end(&pages->page, from);
    return true;
}

bool parquet_page_levels_equal(struct parquet_pages *pages, uint32_t level, uint32_t count, uint32_t max)
{
    size_t from;
    if (max == 0) return true;
    if (!levels_begin(&pages->page, &from)) return false;
    if (!encode_hybrid_repeat(&pages->page, level, count, encode_bit_width(max))) return false;
    levels_end(&pages->page, from);
    return true;
}

bool parquet_page_levels_bitmap(struct parquet_pages *pages, const uint64_t *bits, uint32_t count)
{
    size_t from;
    if (!levels_begin(&pages->page, &from)) return false;
    if (!encode_hybrid_bitmap(&pages->page, bits, count)) return false;
    levels_end(&pages->page, from);
    return true;
}

static bool page_pack(struct parquet_pages *pages, void *zstd, struct buf *packed, struct err *err)
{
    packed->len = 0;
    if (!buf_reserve(packed, ZSTD_compressBound(pages->page.len)))
        return err_set(err, ERR_TOO_LARGE, "page of %zu bytes", pages->page.len);
    size_t len = ZSTD_compress2(zstd, packed->ptr, packed->cap, pages->page.ptr, pages->page.len);
    if (ZSTD_isError(len)) return err_set(err, ERR_INTERNAL, "could not compress: %s", ZSTD_getErrorName(len));
    packed->len = len;
    return true;
}

static bool zstd_make(void **zstd, int *level_has, int level, struct err *err)
{
    if (*zstd == NULL) *zstd = ZSTD_createCCtx();
    if (*zstd == NULL) return err_set(err, ERR_MEMORY, "could not make a zstd context");
    if (*level_has != level) ZSTD_CCtx_setParameter(*zstd, ZSTD_c_compressionLevel, level);
    *level_has = level;
    return true;
}

/* The bytes of the page as they go into the file: borrowed from pages. A higher level finds short matches in random hex and
 * pays more for them than for the digits: ids become larger by it. So each page is packed both ways. */
static bool page_compress(struct parquet_pages *pages, enum parquet_codec codec, struct bytes *body, struct err *err)
{
    int usual = PARQUET_ZSTD_LEVEL, has = pages->zstd ? usual : 0;
    *body = buf_bytes(&pages->page);
    if (codec == PARQUET_CODEC_NONE) return true;
    if (!zstd_make(&pages->zstd, &has, usual, err) || !page_pack(pages, pages->zstd, &pages->packed, err)) return false;
    *body = buf_bytes(&pages->packed);
    if (pages->zstd_level == usual) return true;
    if (!zstd_make(&pages->zstd_harder, &pages->zstd_level_of_harder, pages->zstd_level, err) ||
        !page_pack(pages, pages->zstd_harder, &pages->packed_harder, err))
        return false;
    if (pages->packed_harder.len < pages->packed.len) *body = buf_bytes(&pages->packed_harder);
    return true;
}

static void page_header_write(struct buf *out, bool is_dictionary, enum parquet_encoding encoding, uint32_t value_count,
                              size_t bytes_uncompressed, size_t bytes)
{
    struct thrift_writer thrift;
    thrift_writer_init(&thrift, out);
    thrift_put_i32(&thrift, 1, is_dictionary ? PAGE_TYPE_DICTIONARY : PAGE_TYPE_DATA);
    thrift_put_i32(&thrift, 2, (int32_t)bytes_uncompressed);
    thrift_put_i32(&thrift, 3, (int32_t)bytes);
    thrift_put_struct(&thrift, is_dictionary ? 7 : 5);
    thrift_put_i32(&thrift, 1, (int32_t)value_count);
    thrift_put_i32(&thrift, 2, (int32_t)encoding);
    if (!is_dictionary) {
        thrift_put_i32(&thrift, 3, PARQUET_RLE); /* definition levels */
        thrift_put_i32(&thrift, 4, PARQUET_RLE); /* repetition levels */
    }
    thrift_struct_end(&thrift);
    thrift_struct_end(&thrift);
    assert(!thrift.failed);
}

bool parquet_page_end(struct parquet_pages *pages, struct parquet_chunk *chunk, bool is_dictionary,
                      enum parquet_encoding encoding, uint32_t value_count, struct err *err)
{
    struct bytes body;
    if (!page_compress(pages, chunk->codec, &body, err)) return false;
    struct buf *out = &pages->out;
    if (body.len > PAGE_BYTES_MAX || !buf_reserve(out, PAGE_HEADER_BYTES_MAX + body.len)) {
        return err_set(err, ERR_TOO_LARGE, "page of %zu bytes", body.len);
    }
    size_t from = out->len;
    if (is_dictionary) {
        assert(chunk->data_offset == 0);
        chunk->dictionary_offset = parquet_pages_offset(pages);
    } else if (chunk->data_offset == 0) {
        chunk->data_offset = parquet_pages_offset(pages);
    }
    page_header_write(out, is_dictionary, encoding, value_count, pages->page.len, body.len);
    chunk->bytes_uncompressed += out->len - from + pages->page.len;
    if (body.len > 0) memcpy(out->ptr + out->len, body.ptr, body.len);
    out->len += body.len;
    chunk->bytes += out->len - from;
    chunk->encodings |= 1u << encoding;
    if (!is_dictionary) {
        chunk->encodings |= 1u << PARQUET_RLE;
        chunk->value_count += value_count;
    }
    return true;
}

/* ---- footer ---- */

/* LogicalType is a union: the field id says which. ConvertedType is its older form. */
struct logical_codes {
    int16_t field;
    int32_t converted; /* -1: none says the same */
};
static const struct logical_codes logical_codes[] = {
    [PARQUET_LOGICAL_STRING] = { 1, 0 },        [PARQUET_LOGICAL_MAP] = { 2, 1 },
    [PARQUET_LOGICAL_LIST] = { 3, 3 },          [PARQUET_LOGICAL_DATE] = { 6, 6 },
    [PARQUET_LOGICAL_TIMESTAMP_US] = { 8, 10 }, [PARQUET_LOGICAL_LOCAL_TIMESTAMP_US] = { 8, -1 },
    [PARQUET_LOGICAL_TIME_US] = { 7, -1 },      [PARQUET_LOGICAL_JSON] = { 12, 19 },
    [PARQUET_LOGICAL_DECIMAL] = { 5, 5 },
};

/* TimeType and TimestampType are alike. */
static void time_put(struct thrift_writer *thrift, bool is_utc)
{
    thrift_put_bool(thrift, 1, is_utc); /* isAdjustedToUTC */
    thrift_put_struct(thrift, 2);       /* TimeUnit: MICROS */
    thrift_put_empty_struct(thrift, 2);
    thrift_struct_end(thrift);
}

static void logical_put(struct thrift_writer *thrift, const struct parquet_element *element)
{
    enum parquet_logical logical = element->logical;
    thrift_put_struct(thrift, 10);
    thrift_put_struct(thrift, logical_codes[logical].field);
    if (logical == PARQUET_LOGICAL_TIMESTAMP_US) time_put(thrift, true);
    if (logical == PARQUET_LOGICAL_LOCAL_TIMESTAMP_US || logical == PARQUET_LOGICAL_TIME_US) time_put(thrift, false);
    if (logical == PARQUET_LOGICAL_DECIMAL) {
        thrift_put_i32(thrift, 1, (int32_t)element->child_count);
        thrift_put_i32(thrift, 2, PARQUET_DECIMAL_DIGITS);
    }
    thrift_struct_end(thrift);
    thrift_struct_end(thrift);
}

static void element_write(struct thrift_writer *thrift, const struct parquet_element *element, bool is_root)
{
    thrift_element_struct(thrift);
    if (element->type != PARQUET_TYPE_GROUP) thrift_put_i32(thrift, 1, (int32_t)element->type);
    if (element->type == PARQUET_TYPE_FIXED) thrift_put_i32(thrift, 2, PARQUET_FIXED_BYTES);
    if (!is_root) thrift_put_i32(thrift, 3, (int32_t)element->repetition);
    thrift_put_binary(thrift, 4, bytes_of_text(element->name));
    if (element->type == PARQUET_TYPE_GROUP) thrift_put_i32(thrift, 5, (int32_t)element->child_count);
    if (element->logical != PARQUET_LOGICAL_NONE && logical_codes[element->logical].converted >= 0)
        thrift_put_i32(thrift, 6, logical_codes[element->logical].converted);
    if (element->logical == PARQUET_LOGICAL_DECIMAL) {
        thrift_put_i32(thrift, 7, (int32_t)element->child_count);
        thrift_put_i32(thrift, 8, PARQUET_DECIMAL_DIGITS);
    }
    if (element->field_id != 0) thrift_put_i32(thrift, 9, element->field_id);
    if (element->logical != PARQUET_LOGICAL_NONE) logical_put(thrift, element);
    thrift_struct_end(thrift);
}

/* The names from below the root down to the element a walk has reached. */
struct path {
    uint32_t depth; /* groups open, the root too */
    struct {
        const char *name;
        uint32_t children_left;
    } groups[SCHEMA_DEPTH_MAX];
};

/* Steps over element; true when it is a leaf. Its path is then groups[1 .. depth) and the element. */
static bool path_step(struct path *path, const struct parquet_element *element)
{
    while (path->depth > 0 && path->groups[path->depth - 1].children_left == 0) path->depth--;
    if (path->depth > 0) path->groups[path->depth - 1].children_left--;
    if (element->type != PARQUET_TYPE_GROUP) return true;
    assert(path->depth < SCHEMA_DEPTH_MAX);
    path->groups[path->depth].name = element->name;
    path->groups[path->depth].children_left = element->child_count;
    path->depth++;
    return false;
}

static void statistics_write(struct thrift_writer *thrift, const struct parquet_chunk *chunk)
{
    thrift_put_struct(thrift, 12);
    thrift_put_i64(thrift, 3, (int64_t)chunk->null_count);
    if (chunk->has_min_max) {
        thrift_put_binary(thrift, 5, bytes_from(chunk->max, chunk->max_bytes));
        thrift_put_binary(thrift, 6, bytes_from(chunk->min, chunk->min_bytes));
        thrift_put_bool(thrift, 7, chunk->max_is_exact);
        thrift_put_bool(thrift, 8, chunk->min_is_exact);
    }
    thrift_struct_end(thrift);
}

static void chunk_write(struct thrift_writer *thrift, const struct path *path, const struct parquet_element *leaf,
                        const struct parquet_chunk *chunk)
{
    thrift_element_struct(thrift);
    thrift_put_i64(thrift, 2, 0); /* file_offset: 0 since no metadata stands behind the chunk (parquet.thrift) */
    thrift_put_struct(thrift, 3);
    thrift_put_i32(thrift, 1, (int32_t)leaf->type);
    thrift_put_list(thrift, 2, THRIFT_I32, (uint32_t)__builtin_popcount(chunk->encodings));
    for (uint32_t rest = chunk->encodings; rest != 0; rest &= rest - 1) {
        thrift_element_i32(thrift, (int32_t)__builtin_ctz(rest));
    }
    thrift_put_list(thrift, 3, THRIFT_BINARY, path->depth);
    for (uint32_t i = 1; i < path->depth; i++) thrift_element_binary(thrift, bytes_of_text(path->groups[i].name));
    thrift_element_binary(thrift, bytes_of_text(leaf->name));
    thrift_put_i32(thrift, 4, chunk->codec == PARQUET_CODEC_ZSTD ? CODEC_ZSTD : CODEC_NONE);
    thrift_put_i64(thrift, 5, (int64_t)chunk->value_count);
    thrift_put_i64(thrift, 6, (int64_t)chunk->bytes_uncompressed);
    thrift_put_i64(thrift, 7, (int64_t)chunk->bytes);
    thrift_put_i64(thrift, 9, (int64_t)chunk->data_offset);
    if (chunk->dictionary_offset != 0) thrift_put_i64(thrift, 11, (int64_t)chunk->dictionary_offset);
    statistics_write(thrift, chunk);
    if (chunk->bloom_bytes != 0) {
        thrift_put_i64(thrift, 14, (int64_t)chunk->bloom_offset);
        thrift_put_i32(thrift, 15, (int32_t)chunk->bloom_bytes);
    }
    thrift_struct_end(thrift);
    thrift_struct_end(thrift);
}

static uint64_t chunk_offset(const struct parquet_chunk *chunk)
{
    return chunk->dictionary_offset != 0 ? chunk->dictionary_offset : chunk->data_offset;
}

/* Spark and parquet-java choose what a task reads by file_offset and total_compressed_size: both must be right. */
static void group_write(struct thrift_writer *thrift, const struct parquet_element *elements, uint32_t element_count,
                        const struct parquet_group *group, uint32_t leaf_count, uint32_t ordinal)
{
    thrift_element_struct(thrift);
    thrift_put_list(thrift, 1, THRIFT_STRUCT, leaf_count);
    struct path path = { .depth = 0 };
    uint64_t bytes = 0, bytes_uncompressed = 0;
    for (uint32_t i = 0, leaf = 0; i < element_count; i++) {
        if (!path_step(&path, &elements[i])) continue;
        const struct parquet_chunk *chunk = &group->chunks[leaf++];
        chunk_write(thrift, &path, &elements[i], chunk);
        bytes += chunk->bytes;
        bytes_uncompressed += chunk->bytes_uncompressed;
    }
    thrift_put_i64(thrift, 2, (int64_t)bytes_uncompressed);
    thrift_put_i64(thrift, 3, (int64_t)group->row_count);
    thrift_put_i64(thrift, 5, (int64_t)chunk_offset(&group->chunks[0]));
    thrift_put_i64(thrift, 6, (int64_t)bytes);
    thrift_put_i16(thrift, 7, (int16_t)ordinal);
    thrift_struct_end(thrift);
}

const struct bytes parquet_created_by = {
    (const uint8_t *)"monoscope version " MONO_VERSION " (build 1)",
    sizeof "monoscope version " MONO_VERSION " (build 1)" - 1,
};

void parquet_schema_write(struct thrift_writer *thrift, const struct parquet_element *elements, uint32_t element_count)
{
    thrift_list(thrift, THRIFT_STRUCT, element_count);
    for (uint32_t i = 0; i < element_count; i++) element_write(thrift, &elements[i], i == 0);
}

/* TypeDefinedOrder for every leaf: without it pyarrow ignores all min and max. */
void parquet_orders_write(struct thrift_writer *thrift, uint32_t leaf_count)
{
    thrift_list(thrift, THRIFT_STRUCT, leaf_count);
    for (uint32_t i = 0; i < leaf_count; i++) {
        thrift_element_struct(thrift);
        thrift_put_empty_struct(thrift, 1);
        thrift_struct_end(thrift);
    }
}

bool parquet_footer_write(struct buf *out, const struct parquet_element *elements, uint32_t element_count,
                          const struct parquet_group *groups, uint32_t group_count, struct err *err)
{
    assert(group_count <= INT16_MAX); /* RowGroup.ordinal */
    size_t from = out->len;
    uint32_t leaf_count = 0;
    uint64_t row_count = 0;
    for (uint32_t i = 0; i < element_count; i++) leaf_count += elements[i].type != PARQUET_TYPE_GROUP;
    for (uint32_t i = 0; i < group_count; i++) row_count += groups[i].row_count;

    struct thrift_writer thrift;
    thrift_writer_init(&thrift, out);
    thrift_put_i32(&thrift, 1, 2); /* version */
    thrift_put_raw(&thrift, 2, THRIFT_LIST, BYTES(""));
    parquet_schema_write(&thrift, elements, element_count);
    thrift_put_i64(&thrift, 3, (int64_t)row_count);
    thrift_put_list(&thrift, 4, THRIFT_STRUCT, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        group_write(&thrift, elements, element_count, &groups[i], leaf_count, i);
    }
    thrift_put_binary(&thrift, 6, parquet_created_by);
    thrift_put_raw(&thrift, 7, THRIFT_LIST, BYTES(""));
    parquet_orders_write(&thrift, leaf_count);
    thrift_struct_end(&thrift);

    uint32_t bytes = (uint32_t)(out->len - from);
    if (thrift.failed || out->len - from > FOOTER_BYTES_MAX || !buf_add(out, &bytes, sizeof bytes) ||
        !buf_add(out, magic, sizeof magic)) {
        return err_set(err, ERR_TOO_LARGE, "footer of %zu bytes", out->len - from);
    }
    return true;
}

/* ---- a whole file ---- */

struct parquet_file {
    const struct parquet_element *elements;
    uint32_t element_count, leaf_count;
    enum parquet_codec codec;
    struct parquet_pages pages;
    size_t taken; /* bytes at the front of pages.out that the caller has */
    struct parquet_group *groups;
    uint32_t group_count, group_cap;
    struct parquet_chunk *chunks; /* of the row group under way; NULL: none begun */
    uint32_t leaf_next;
    struct leaf_shape {
        enum parquet_type type;
        uint8_t repetition_max, definition_max;
    } * leaves;
};

static void leaves_count(struct parquet_file *file)
{
    uint32_t leaf = 0;
    struct path path = { .depth = 0 };
    uint8_t repetition[SCHEMA_DEPTH_MAX + 1] = { 0 }, definition[SCHEMA_DEPTH_MAX + 1] = { 0 };
    for (uint32_t i = 0; i < file->element_count; i++) {
        const struct parquet_element *element = &file->elements[i];
        bool is_leaf = path_step(&path, element);
        /* path.depth counts the group itself; level arrays are by the depth of the element. */
        uint32_t depth = is_leaf ? path.depth : path.depth - 1;
        repetition[depth] = depth == 0 ? 0 : repetition[depth - 1];
        definition[depth] = depth == 0 ? 0 : definition[depth - 1];
        if (depth > 0 && element->repetition == PARQUET_REPEATED) repetition[depth]++;
        if (depth > 0 && element->repetition != PARQUET_REQUIRED) definition[depth]++;
        if (!is_leaf) continue;
        file->leaves[leaf++] = (struct leaf_shape){ element->type, repetition[depth], definition[depth] };
    }
    file->leaf_count = leaf;
}

struct parquet_file *parquet_file_create(const struct parquet_element *elements, uint32_t element_count,
                                         enum parquet_codec codec)
{
    assert(element_count > 1);
    assert(elements[0].type == PARQUET_TYPE_GROUP);
    struct parquet_file *file = mem_calloc(1, sizeof *file);
    file->elements = elements;
    file->element_count = element_count;
    file->codec = codec;
    file->leaves = mem_calloc(element_count, sizeof *file->leaves);
    leaves_count(file);
    parquet_pages_init(&file->pages);
    bool fits = buf_add(&file->pages.out, magic, sizeof magic);
    assert(fits);
    return file;
}

void parquet_file_destroy(struct parquet_file *file)
{
    if (file == NULL) return;
    for (uint32_t i = 0; i < file->group_count; i++) free(file->groups[i].chunks);
    free(file->groups);
    free(file->chunks);
    free(file->leaves);
    parquet_pages_deinit(&file->pages);
    free(file);
}

uint32_t parquet_file_leaf_count(const struct parquet_file *file)
{
    return file->leaf_count;
}

void parquet_file_levels_max(const struct parquet_file *file, uint32_t leaf, uint32_t *repetition, uint32_t *definition)
{
    assert(leaf < file->leaf_count);
    *repetition = file->leaves[leaf].repetition_max;
    *definition = file->leaves[leaf].definition_max;
}

static bool texts_put(struct buf *page, const struct parquet_leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        uint32_t len = (uint32_t)leaf->texts[i].len;
        if (leaf->texts[i].len > INT32_MAX) return false;
        if (!buf_add(page, &len, sizeof len) || !buf_add(page, leaf->texts[i].ptr, len)) return false;
    }
    return true;
}

static bool integers32_put(struct buf *page, const struct parquet_leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        assert(leaf->integers[i] >= INT32_MIN && leaf->integers[i] <= INT32_MAX);
        int32_t value = (int32_t)leaf->integers[i];
        if (!buf_add(page, &value, sizeof value)) return false;
    }
    return true;
}

static bool fixed_put(struct buf *page, const struct parquet_leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        assert(leaf->texts[i].len == PARQUET_FIXED_BYTES);
        if (!buf_add(page, leaf->texts[i].ptr, PARQUET_FIXED_BYTES)) return false;
    }
    return true;
}

static bool floats_put(struct buf *page, const struct parquet_leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        float value = (float)leaf->doubles[i];
        if (!buf_add(page, &value, sizeof value)) return false;
    }
    return true;
}

/* PLAIN for all: checkpoints are read by everyone, and zstd does the rest. */
static bool values_put(struct buf *page, enum parquet_type type, const struct parquet_leaf *leaf)
{
    switch (type) {
    case PARQUET_TYPE_BYTE_ARRAY: return texts_put(page, leaf);
    case PARQUET_TYPE_INT64: return buf_add(page, leaf->integers, leaf->value_count * sizeof *leaf->integers);
    case PARQUET_TYPE_INT32: return integers32_put(page, leaf);
    case PARQUET_TYPE_DOUBLE: return buf_add(page, leaf->doubles, leaf->value_count * sizeof *leaf->doubles);
    case PARQUET_TYPE_BOOLEAN: return encode_booleans(page, leaf->booleans, leaf->value_count);
    case PARQUET_TYPE_FIXED: return fixed_put(page, leaf);
    case PARQUET_TYPE_FLOAT: return floats_put(page, leaf);
    case PARQUET_TYPE_GROUP: break;
    }
    assert(!"a group has no values");
    return false;
}

bool parquet_file_column(struct parquet_file *file, const struct parquet_leaf *leaf, struct err *err)
{
    assert(file->leaf_next < file->leaf_count);
    assert(leaf->value_count <= leaf->level_count);
    if (file->chunks == NULL) file->chunks = mem_calloc(file->leaf_count, sizeof *file->chunks);
    const struct leaf_shape *shape = &file->leaves[file->leaf_next];
    struct parquet_chunk *chunk = &file->chunks[file->leaf_next++];
    chunk->codec = file->codec;
    chunk->null_count = leaf->level_count - leaf->value_count;
    parquet_page_begin(&file->pages);
    if (!parquet_page_levels(&file->pages, leaf->repetition_levels, leaf->level_count, shape->repetition_max) ||
        !parquet_page_levels(&file->pages, leaf->definition_levels, leaf->level_count, shape->definition_max) ||
        !values_put(&file->pages.page, shape->type, leaf)) {
        return err_set(err, ERR_TOO_LARGE, "column %u is over 2 GiB in one row group", file->leaf_next - 1);
    }
    return parquet_page_end(&file->pages, chunk, false, PARQUET_PLAIN, leaf->level_count, err);
}

void parquet_file_row_group_end(struct parquet_file *file, uint64_t row_count)
{
    assert(file->leaf_next == file->leaf_count);
    if (file->group_count == file->group_cap) {
        file->group_cap = file->group_cap == 0 ? 4 : file->group_cap * 2;
        file->groups = mem_realloc(file->groups, file->group_cap * sizeof *file->groups);
    }
    file->groups[file->group_count++] = (struct parquet_group){ row_count, file->chunks };
    file->chunks = NULL;
    file->leaf_next = 0;
}

/* Forgets what was lent out by the last take. */
static void taken_drop(struct parquet_file *file)
{
    struct buf *out = &file->pages.out;
    if (file->taken == 0) return;
    memmove(out->ptr, out->ptr + file->taken, out->len - file->taken);
    out->len -= file->taken;
    file->pages.out_from += file->taken;
    file->taken = 0;
}

struct bytes parquet_file_take(struct parquet_file *file)
{
    taken_drop(file);
    file->taken = file->pages.out.len;
    return buf_bytes(&file->pages.out);
}

bool parquet_file_end(struct parquet_file *file, struct bytes *rest, struct err *err)
{
    assert(file->leaf_next == 0);
    taken_drop(file);
    if (!parquet_footer_write(&file->pages.out, file->elements, file->element_count, file->groups, file->group_count,
                              err)) {
        return false;
    }
    *rest = buf_bytes(&file->pages.out);
    return true;
}
