#include "timefusion/parquet/column_write.h"

#include "base/hash.h"
#include "timefusion/parquet/bloom.h"
#include "timefusion/parquet/column_stats.h"
#include "timefusion/parquet/encode.h"

#include <stdlib.h>

#define PAGE_BYTES_AIM          (1024 * 1024) /* of texts before compression: what a reader must unpack for one of them */
#define NUMBERS_DISTINCT_MAX    256
#define NUMBER_SLOTS            1024
#define CHUNK_BYTES_TO_COMPRESS 96 /* smaller ones gain nothing */
#define BLOOMS_BYTES_MAX        ((size_t)1 << 31)
#define PREFETCH_RECORDS        12

struct number_slot {
    uint64_t number;
    uint32_t generation;
    uint32_t index;
};

void column_writer_init(struct column_writer *writer)
{
    *writer = (struct column_writer){ .generation = 0 };
    parquet_pages_init(&writer->pages);
    buf_init(&writer->blooms, BLOOMS_BYTES_MAX);
}

void column_writer_deinit(struct column_writer *writer)
{
    parquet_pages_deinit(&writer->pages);
    buf_deinit(&writer->blooms);
    free(writer->numbers);
    free(writer->indexes);
    free(writer->records);
    free(writer->lengths);
    free(writer->hashes);
    free(writer->slots);
    free(writer->narrow);
}

static void values_reserve(struct column_writer *writer, uint32_t count)
{
    if (count <= writer->value_cap) return;
    uint32_t cap = writer->value_cap == 0 ? 256 : writer->value_cap;
    while (cap < count) cap *= 2;
    writer->value_cap = cap;
    free(writer->indexes);
    free(writer->records);
    free(writer->lengths);
    free(writer->hashes);
    free(writer->narrow);
    writer->indexes = mem_alloc(cap * sizeof *writer->indexes);
    writer->records = mem_alloc(cap * sizeof *writer->records);
    writer->lengths = mem_alloc(cap * sizeof *writer->lengths);
    writer->hashes = mem_alloc(cap * sizeof *writer->hashes);
    writer->narrow = mem_alloc(cap * sizeof *writer->narrow);
}

/* Marks of earlier columns become stale at once. */
static uint32_t generation_next(struct column_writer *writer)
{
    writer->generation = (writer->generation + 1) & UINT16_MAX;
    if (writer->generation == 0) {
        if (writer->numbers != NULL) memset(writer->numbers, 0, writer->id_cap * sizeof *writer->numbers);
        if (writer->slots != NULL) memset(writer->slots, 0, NUMBER_SLOTS * sizeof *writer->slots);
        writer->generation = 1;
    }
    return writer->generation;
}

static bool page_full(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "a page is over 2 GiB");
}

/* ---- levels ---- */

/* Levels of a page with rows [from, to); of a list, all rows. */
static bool levels_write(struct parquet_pages *pages, const struct column_shape *shape,
                         const struct sorted_column *sorted, uint32_t from, uint32_t to)
{
    parquet_page_begin(pages);
    if (shape->is_list) {
        if (!parquet_page_levels(pages, sorted->repetition_levels, sorted->level_count, 1)) return false;
        if (sorted->definitions_are_max) {
            return parquet_page_levels_equal(pages, shape->definition_max, sorted->level_count, shape->definition_max);
        }
        return parquet_page_levels(pages, sorted->definition_levels, sorted->level_count, shape->definition_max);
    }
    if (shape->definition_max == 0) return true;
    if (sorted->present == NULL) return parquet_page_levels_equal(pages, 1, to - from, 1);
    if (from == 0) return parquet_page_levels_bitmap(pages, sorted->present, to);

    uint64_t shifted[COLUMNS_ROWS_MAX / 64 + 1]; /* a page's levels begin at bit 0 */
    uint32_t skip = from % 64, words = (to - from + 63) / 64;
    for (uint32_t i = 0; i < words; i++) {
        const uint64_t *word = &sorted->present[from / 64 + i];
        shifted[i] = word[0] >> skip;
        if (skip > 0 && (from / 64 + i + 1) * 64 < to) shifted[i] |= word[1] << (64 - skip);
    }
    return parquet_page_levels_bitmap(pages, shifted, to - from);
}

/* ---- texts, seen once ---- */

/* What needs every text's bytes but their copy, in one pass over memory: lengths, bounds, hashes, bloom filter. Returns
 * the sum of the lengths. */
static bool texts_survey(struct column_writer *writer, const struct column_shape *shape, const uint8_t *const *records,
                         uint32_t count, struct parquet_chunk *chunk, size_t *bytes, struct err *err)
{
    struct text_bounds bounds = { .min = NULL };
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + PREFETCH_RECORDS < count) __builtin_prefetch(records[i + PREFETCH_RECORDS]);
        uint32_t len = encode_record_len(records[i]);
        writer->lengths[i] = len;
        *bytes += len;
        text_bounds_add(&bounds, records[i]);
        if (shape->has_bloom) writer->hashes[i] = hash64_xxh64(bytes_from(records[i] + sizeof len, len));
    }
    column_stats_texts(chunk, &bounds);
    if (!shape->has_bloom) return true;

    struct bloom bloom;
    chunk->bloom_offset = writer->blooms.len;
    if (!bloom_begin(&bloom, &writer->blooms, count)) return err_set(err, ERR_TOO_LARGE, "bloom filters over 2 GiB");
    chunk->bloom_bytes = (uint32_t)(writer->blooms.len - chunk->bloom_offset);
    bloom_add(&bloom, writer->hashes, count);
    return true;
}

/* ---- dictionaries ---- */

/* How many bits an index takes. Whole bytes in lists whose elements come in the same few orders: zstd then finds the
 * repeats, which is worth more than the bits. */
static uint8_t index_width(const struct column_writer *writer, const struct column_shape *shape, uint32_t distinct,
                           uint32_t count)
{
    uint32_t width = encode_bit_width(distinct - 1);
    bool repeats = shape->is_list && width > 8 && distinct < count / 16;
    return (uint8_t)(repeats && writer->codec == PARQUET_CODEC_ZSTD ? 16 : width);
}

/* The data page of a chunk with a dictionary: writer->indexes, count of them, below distinct. */
static bool indexes_write(struct column_writer *writer, const struct column_shape *shape,
                          const struct sorted_column *sorted, uint32_t distinct, struct parquet_chunk *chunk,
                          struct err *err)
{
    struct buf *page = &writer->pages.page;
    uint8_t width = index_width(writer, shape, distinct, sorted->value_count);
    if (!levels_write(&writer->pages, shape, sorted, 0, sorted->row_count) || !buf_add(page, &width, sizeof width) ||
        !encode_hybrid16(page, writer->indexes, sorted->value_count, width)) {
        return page_full(err);
    }
    return parquet_page_end(&writer->pages, chunk, false, PARQUET_RLE_DICTIONARY, sorted->level_count, err);
}

static void codec_choose(struct column_writer *writer, size_t bytes, struct parquet_chunk *chunk)
{
    chunk->codec = bytes < CHUNK_BYTES_TO_COMPRESS ? PARQUET_CODEC_NONE : writer->codec;
}

/* Numbers the dictionary entries that sorted uses, in the order of their first use: writer->records are they,
 * writer->indexes the values. Returns how many. */
static uint32_t texts_number(struct column_writer *writer, const struct columns_view *view,
                             const struct sorted_column *sorted)
{
    if (view->dictionary_count > writer->id_cap) {
        free(writer->numbers);
        writer->id_cap = view->dictionary_count * 2;
        writer->numbers = mem_calloc(writer->id_cap, sizeof *writer->numbers);
    }
    uint32_t generation = generation_next(writer), distinct = 0;
    for (uint32_t i = 0; i < sorted->value_count; i++) {
        uint32_t id = sorted->ids[i], number = writer->numbers[id];
        if (number >> 16 != generation) {
            number = distinct;
            writer->numbers[id] = generation << 16 | distinct;
            writer->records[distinct++] = view->dictionary[id];
        }
        writer->indexes[i] = (uint16_t)number;
    }
    return distinct;
}

static bool texts_plain_write(struct column_writer *writer, const struct column_shape *shape,
                              const struct sorted_column *sorted, const uint8_t *const *records,
                              struct parquet_chunk *chunk, struct err *err);

static bool texts_dictionary_write(struct column_writer *writer, const struct column_shape *shape,
                                   const struct columns_view *view, const struct sorted_column *sorted,
                                   struct parquet_chunk *chunk, struct err *err)
{
    size_t bytes;
    uint32_t distinct = texts_number(writer, view, sorted), count = sorted->value_count;
    if (!texts_survey(writer, shape, writer->records, distinct, chunk, &bytes, err)) return false;
    if ((uint64_t)distinct * 5 > (uint64_t)count * 3) { /* few come twice: no dictionary in this file */
        for (uint32_t i = 0; i < count; i++) {
            writer->records[i] = view->dictionary[sorted->ids[i]];
            writer->lengths[i] = encode_record_len(writer->records[i]);
        }
        return texts_plain_write(writer, shape, sorted, writer->records, chunk, err);
    }
    codec_choose(writer, bytes + distinct * sizeof(uint32_t) + count * encode_bit_width(distinct - 1) / 8, chunk);
    parquet_page_begin(&writer->pages);
    if (!encode_plain_records(&writer->pages.page, writer->records, distinct)) return page_full(err);
    if (!parquet_page_end(&writer->pages, chunk, true, PARQUET_PLAIN, distinct, err)) return false;
    return indexes_write(writer, shape, sorted, distinct, chunk, err);
}

/* ---- texts without a dictionary ---- */

/* Where a page that starts at row `from` with value `value` ends: *value moves on to the next page's first. */
static uint32_t page_end_row(const struct sorted_column *sorted, const uint32_t *lengths, uint32_t from,
                             uint32_t *value)
{
    size_t bytes = 0;
    uint32_t row = from, at = *value;
    for (; row < sorted->row_count && bytes < PAGE_BYTES_AIM; row++) {
        if (sorted->present != NULL && (sorted->present[row / 64] >> (row % 64) & 1) == 0) continue;
        bytes += lengths[at++];
    }
    *value = at;
    return row;
}

/* writer->lengths are those of records. */
static bool texts_plain_write(struct column_writer *writer, const struct column_shape *shape,
                              const struct sorted_column *sorted, const uint8_t *const *records,
                              struct parquet_chunk *chunk, struct err *err)
{
    struct buf *page = &writer->pages.page;
    codec_choose(writer, (size_t)sorted->value_count * sizeof(uint32_t), chunk);
    uint32_t row = 0, value = 0;
    while (row < sorted->row_count) {
        uint32_t from = row, first = value, levels = sorted->level_count;
        if (shape->is_list) { /* all in one page */
            row = sorted->row_count;
            value = sorted->value_count;
        } else {
            row = page_end_row(sorted, writer->lengths, from, &value);
            levels = row - from;
        }
        if (!levels_write(&writer->pages, shape, sorted, from, row) ||
            !encode_delta_length_records(page, records + first, writer->lengths + first, value - first)) {
            return page_full(err);
        }
        if (!parquet_page_end(&writer->pages, chunk, false, PARQUET_DELTA_LENGTH_BYTE_ARRAY, levels, err)) return false;
    }
    assert(value == sorted->value_count);
    return true;
}

static bool texts_write(struct column_writer *writer, const struct column_shape *shape, const struct columns_view *view,
                        const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    if (view->records == NULL) return texts_dictionary_write(writer, shape, view, sorted, chunk, err);
    size_t bytes;
    if (!texts_survey(writer, shape, sorted->records, sorted->value_count, chunk, &bytes, err)) return false;
    return texts_plain_write(writer, shape, sorted, sorted->records, chunk, err);
}

/* ---- numbers ---- */

/* As texts_number, for values of 8 bytes; 0 when there are too many different ones. The distinct ones are put behind
 * the page, in the width of the type. */
static uint32_t numbers_number(struct column_writer *writer, const void *values, uint32_t count, size_t width)
{
    if (writer->slots == NULL) writer->slots = mem_calloc(NUMBER_SLOTS, sizeof *writer->slots);
    struct buf *page = &writer->pages.page;
    parquet_page_begin(&writer->pages);
    uint32_t generation = generation_next(writer), distinct = 0, last_index = 0;
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number;
        memcpy(&number, (const uint8_t *)values + (size_t)i * sizeof number, sizeof number);
        if (distinct > 0 && number == last) {
            writer->indexes[i] = (uint16_t)last_index;
            continue;
        }
        struct number_slot *slot =
            &writer->slots[hash64_mix(number ^ 0x9E3779B97F4A7C15u, 0xA0761D6478BD642Fu) % NUMBER_SLOTS];
        while (slot->generation == generation && slot->number != number) {
            slot = slot + 1 < writer->slots + NUMBER_SLOTS ? slot + 1 : writer->slots;
        }
        if (slot->generation != generation) {
            if (distinct == NUMBERS_DISTINCT_MAX || (i >= 64 && distinct > i / 2)) return 0;
            *slot = (struct number_slot){ number, generation, distinct++ };
            if (!buf_add(page, &number, width)) return 0; /* little endian: the low bytes are the narrower number */
        }
        last = number;
        last_index = slot->index;
        writer->indexes[i] = (uint16_t)last_index;
    }
    return count >= 8 && distinct > count / 2 ? 0 : distinct;
}

static bool numbers_dictionary_write(struct column_writer *writer, const struct column_shape *shape,
                                     const struct sorted_column *sorted, uint32_t distinct, struct parquet_chunk *chunk,
                                     struct err *err)
{
    codec_choose(writer, writer->pages.page.len + sorted->value_count * encode_bit_width(distinct - 1) / 8, chunk);
    if (!parquet_page_end(&writer->pages, chunk, true, PARQUET_PLAIN, distinct, err)) return false;
    return indexes_write(writer, shape, sorted, distinct, chunk, err);
}

static bool integers_write(struct column_writer *writer, const struct column_shape *shape,
                           const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    bool is_narrow = shape->type == PARQUET_TYPE_INT32;
    uint32_t count = sorted->value_count;
    column_stats_integers(chunk, sorted->ints, count, shape->type);
    uint32_t distinct = numbers_number(writer, sorted->ints, count, is_narrow ? sizeof(int32_t) : sizeof(int64_t));
    if (distinct > 0) return numbers_dictionary_write(writer, shape, sorted, distinct, chunk, err);

    codec_choose(writer, count * sizeof(int32_t), chunk);
    if (!levels_write(&writer->pages, shape, sorted, 0, sorted->row_count)) return page_full(err);
    for (uint32_t i = 0; is_narrow && i < count; i++) writer->narrow[i] = (int32_t)sorted->ints[i];
    bool fits = is_narrow ? encode_delta32(&writer->pages.page, writer->narrow, count)
                          : encode_delta64(&writer->pages.page, sorted->ints, count);
    if (!fits) return page_full(err);
    return parquet_page_end(&writer->pages, chunk, false, PARQUET_DELTA_BINARY_PACKED, sorted->level_count, err);
}

static bool doubles_write(struct column_writer *writer, const struct column_shape *shape,
                          const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    column_stats_doubles(chunk, sorted->doubles, sorted->value_count);
    uint32_t distinct = numbers_number(writer, sorted->doubles, sorted->value_count, sizeof(double));
    if (distinct > 0) return numbers_dictionary_write(writer, shape, sorted, distinct, chunk, err);

    codec_choose(writer, sorted->value_count * sizeof(double), chunk);
    if (!levels_write(&writer->pages, shape, sorted, 0, sorted->row_count) ||
        !buf_add(&writer->pages.page, sorted->doubles, sorted->value_count * sizeof(double))) {
        return page_full(err);
    }
    return parquet_page_end(&writer->pages, chunk, false, PARQUET_PLAIN, sorted->level_count, err);
}

static bool booleans_write(struct column_writer *writer, const struct column_shape *shape,
                           const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    column_stats_booleans(chunk, sorted->bools, sorted->value_count);
    codec_choose(writer, sorted->value_count / 8, chunk);
    if (!levels_write(&writer->pages, shape, sorted, 0, sorted->row_count) ||
        !encode_booleans(&writer->pages.page, sorted->bools, sorted->value_count)) {
        return page_full(err);
    }
    return parquet_page_end(&writer->pages, chunk, false, PARQUET_PLAIN, sorted->level_count, err);
}

/* No values at all: most columns of most files. Levels only; too small to compress. */
static bool nulls_write(struct column_writer *writer, const struct column_shape *shape,
                        const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    chunk->codec = PARQUET_CODEC_NONE;
    parquet_page_begin(&writer->pages);
    bool fits = shape->is_list
                    ? parquet_page_levels_equal(&writer->pages, 0, sorted->level_count, 1) &&
                          parquet_page_levels(&writer->pages, sorted->definition_levels, sorted->level_count,
                                              shape->definition_max)
                    : parquet_page_levels_equal(&writer->pages, 0, sorted->level_count, shape->definition_max);
    if (!fits) return page_full(err);
    return parquet_page_end(&writer->pages, chunk, false, PARQUET_PLAIN, sorted->level_count, err);
}

bool column_write(struct column_writer *writer, const struct column_shape *shape, const struct columns_view *view,
                  const struct sorted_column *sorted, struct parquet_chunk *chunk, struct err *err)
{
    chunk->null_count = sorted->level_count - sorted->value_count;
    if (sorted->value_count == 0) return nulls_write(writer, shape, sorted, chunk, err);
    values_reserve(writer, sorted->value_count);
    switch (shape->kind) {
    case COLUMNS_TEXT: return texts_write(writer, shape, view, sorted, chunk, err);
    case COLUMNS_INT: return integers_write(writer, shape, sorted, chunk, err);
    case COLUMNS_DOUBLE: return doubles_write(writer, shape, sorted, chunk, err);
    case COLUMNS_BOOL: break;
    }
    return booleans_write(writer, shape, sorted, chunk, err);
}
