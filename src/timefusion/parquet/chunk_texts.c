#include "timefusion/parquet/chunk_texts.h"
#include "timefusion/parquet/page.h"

#include <inttypes.h>
#include <stdlib.h>

#include <zstd.h>

#define PAGE_BYTES_MAX   (64u << 20)
#define CHUNK_BYTES_MAX  (64u << 20)
#define LENGTHS_MAX      (16u << 20) /* of a page: equal ones take no bytes, so that the page does not bound them */
#define CODEC_NONE       0           /* numbers of parquet.thrift */
#define CODEC_SNAPPY     1
#define CODEC_ZSTD       6
#define PAGE_DATA        0
#define PAGE_DICTIONARY  2
#define PLAIN_DICTIONARY 2 /* the old name of RLE_DICTIONARY */

struct page_header {
    int64_t type, bytes, packed_bytes, value_count, encoding;
};
struct pages {
    struct chunk_texts *reader;
    const struct parquet_column_stats *stats;
    void (*take)(void *ctx, struct bytes text);
    void *ctx;
    struct err *err;
};

void chunk_texts_init(struct chunk_texts *reader)
{
    *reader = (struct chunk_texts){ 0 };
    buf_init(&reader->page, PAGE_BYTES_MAX);
}

void chunk_texts_deinit(struct chunk_texts *reader)
{
    buf_deinit(&reader->page);
    free(reader->lengths);
    free(reader->chunk);
    ZSTD_freeDCtx(reader->zstd);
    *reader = (struct chunk_texts){ 0 };
}

static bool corrupt(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "not a Parquet column chunk: %s", what);
}

/* ---- page headers ---- */

static void header_of_kind(struct thrift_reader *thrift, struct page_header *header)
{
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(thrift, &field)) {
        switch (field.id) {
        case 1: header->value_count = thrift_read_int(thrift, field.type); break;
        case 2: header->encoding = thrift_read_int(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break;
        }
    }
}

static bool header_read(struct bytes *rest, struct page_header *header, struct err *err)
{
    struct thrift_reader thrift;
    struct thrift_field field = { .id = 0 };
    thrift_reader_init(&thrift, *rest);
    *header = (struct page_header){ .type = -1, .bytes = -1, .packed_bytes = -1, .value_count = -1, .encoding = -1 };
    while (thrift_field_next(&thrift, &field)) {
        switch (field.id) {
        case 1: header->type = thrift_read_int(&thrift, field.type); break;
        case 2: header->bytes = thrift_read_int(&thrift, field.type); break;
        case 3: header->packed_bytes = thrift_read_int(&thrift, field.type); break;
        case 5: /* DataPageHeader */
        case 7: /* DictionaryPageHeader */
            if (field.type != THRIFT_STRUCT) thrift.failed = true;
            header_of_kind(&thrift, header);
            break;
        default: thrift_skip(&thrift, field.type); break;
        }
    }
    if (thrift.failed) return corrupt(err, "page header");
    *rest = bytes_from(thrift.at, (size_t)(thrift.end - thrift.at));
    if (header->bytes < 0 || header->bytes > PAGE_BYTES_MAX || header->packed_bytes < 0 ||
        (uint64_t)header->packed_bytes > rest->len)
        return corrupt(err, "size of a page");
    if (header->type != PAGE_DATA && header->type != PAGE_DICTIONARY)
        return err_set(err, ERR_UNSUPPORTED, "Parquet page of type %" PRId64, header->type);
    if (header->value_count < 0 || header->value_count > INT32_MAX) return corrupt(err, "value count of a page");
    return true;
}

/* ---- unpacking ---- */

static uint32_t little(const uint8_t *at, uint32_t bytes)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < bytes; i++) number |= (uint32_t)at[i] << (8 * i);
    return number;
}

/* A literal's or a copy's place in the input: false when it does not fit. */
struct snappy {
    const uint8_t *at, *end;
    uint8_t *out;
    size_t done, bytes;
};

static bool snappy_literal(struct snappy *snappy, uint8_t tag)
{
    size_t len = (size_t)(tag >> 2) + 1;
    if (len > 60) {
        uint32_t more = (uint32_t)len - 60;
        if ((size_t)(snappy->end - snappy->at) < more) return false;
        len = (size_t)little(snappy->at, more) + 1;
        snappy->at += more;
    }
    if ((size_t)(snappy->end - snappy->at) < len || len > snappy->bytes - snappy->done) return false;
    memcpy(snappy->out + snappy->done, snappy->at, len);
    snappy->at += len;
    snappy->done += len;
    return true;
}

static bool snappy_copy(struct snappy *snappy, uint8_t tag)
{
    uint32_t kind = tag & 3, more = kind == 1 ? 1 : kind == 2 ? 2 : 4;
    if ((size_t)(snappy->end - snappy->at) < more) return false;
    size_t len = kind == 1 ? (size_t)(tag >> 2 & 7) + 4 : (size_t)(tag >> 2) + 1;
    size_t back = little(snappy->at, more);
    if (kind == 1) back |= (size_t)(tag >> 5) << 8;
    snappy->at += more;
    if (back == 0 || back > snappy->done || len > snappy->bytes - snappy->done) return false;
    /* What is copied may be what it makes: byte by byte. */
    for (size_t i = 0; i < len; i++, snappy->done++) snappy->out[snappy->done] = snappy->out[snappy->done - back];
    return true;
}

bool chunk_snappy_unpack(struct bytes packed, size_t bytes, uint8_t *out)
{
    struct snappy snappy = { packed.ptr, packed.ptr + packed.len, out, 0, bytes };
    uint64_t said = 0;
    for (uint32_t shift = 0;; shift += 7) {
        if (snappy.at == snappy.end || shift > 28) return false;
        uint8_t byte = *snappy.at++;
        said |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    if (said != bytes) return false;
    while (snappy.at < snappy.end) {
        uint8_t tag = *snappy.at++;
        if (!((tag & 3) == 0 ? snappy_literal(&snappy, tag) : snappy_copy(&snappy, tag))) return false;
    }
    return snappy.done == bytes;
}

static bool page_unpack(struct pages *pages, struct bytes packed, size_t bytes, struct bytes *page)
{
    struct buf *buf = &pages->reader->page;
    buf->len = 0;
    if (pages->stats->codec == CODEC_NONE) {
        if (packed.len != bytes) return corrupt(pages->err, "size of a page");
        *page = packed;
        return true;
    }
    if (!buf_reserve(buf, bytes + 1)) return corrupt(pages->err, "size of a page");
    if (pages->stats->codec == CODEC_SNAPPY) {
        if (!chunk_snappy_unpack(packed, bytes, buf->ptr)) return corrupt(pages->err, "snappy");
    } else if (pages->stats->codec == CODEC_ZSTD) {
        if (!pages->reader->zstd) pages->reader->zstd = ZSTD_createDCtx();
        size_t got = ZSTD_decompressDCtx(pages->reader->zstd, buf->ptr, bytes, packed.ptr, packed.len);
        if (ZSTD_isError(got) || got != bytes) return corrupt(pages->err, "zstd");
    } else {
        return err_set(pages->err, ERR_UNSUPPORTED, "Parquet codec %u", pages->stats->codec);
    }
    *page = bytes_from(buf->ptr, bytes);
    return true;
}

/* ---- values ---- */

/* Levels stand in front of the values: 4 bytes of length, then so many bytes. */
static bool levels_skip(struct pages *pages, struct bytes *page)
{
    uint32_t count = (uint32_t)pages->stats->has_repetition_levels + (uint32_t)pages->stats->has_definition_levels;
    for (uint32_t i = 0; i < count; i++) {
        if (page->len < 4) return corrupt(pages->err, "levels");
        size_t len = little(page->ptr, 4);
        if (len > page->len - 4) return corrupt(pages->err, "levels");
        *page = bytes_from(page->ptr + 4 + len, page->len - 4 - len);
    }
    return true;
}

static bool plain_each(struct pages *pages, struct bytes page)
{
    while (page.len > 0) {
        if (page.len < 4) return corrupt(pages->err, "a text's length");
        size_t len = little(page.ptr, 4);
        if (len > page.len - 4) return corrupt(pages->err, "a text's length");
        pages->take(pages->ctx, bytes_from(page.ptr + 4, len));
        page = bytes_from(page.ptr + 4 + len, page.len - 4 - len);
    }
    return true;
}

struct packed { /* DELTA_BINARY_PACKED under way */
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t packed_varint(struct packed *in)
{
    uint64_t number = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        if (in->at == in->end) break;
        uint8_t byte = *in->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return number;
    }
    in->failed = true;
    return 0;
}

static uint64_t packed_zigzag(struct packed *in)
{
    uint64_t number = packed_varint(in);
    return (number >> 1) ^ -(number & 1);
}

static uint64_t packed_bits(const uint8_t *from, uint64_t bit, uint32_t width)
{
    uint64_t number = 0;
    for (uint32_t done = 0; done < width;) {
        uint32_t shift = (uint32_t)(bit % 8), take = 8 - shift < width - done ? 8 - shift : width - done;
        number |= (uint64_t)((uint32_t)from[bit / 8] >> shift & ((1u << take) - 1)) << done;
        done += take;
        bit += take;
    }
    return number;
}

/* One miniblock's lengths, up to count of them. */
static void mini_read(struct packed *in, uint32_t width, uint64_t values, uint64_t min, uint32_t *lengths,
                      uint64_t count, uint64_t *done, uint64_t *value)
{
    uint64_t bytes = values * width / 8;
    if (width > 64 || bytes > (uint64_t)(in->end - in->at)) {
        in->failed = true;
        return;
    }
    for (uint64_t i = 0; i < values && *done < count; i++) {
        *value += min + packed_bits(in->at, i * width, width);
        lengths[(*done)++] = (uint32_t)*value;
    }
    in->at += bytes;
}

static bool lengths_read(struct pages *pages, struct packed *in, uint64_t value_count, uint64_t *count)
{
    uint64_t block = packed_varint(in), minis = packed_varint(in), total = packed_varint(in), value = packed_zigzag(in);
    if (in->failed || total > value_count || block == 0 || block > 65536 || block % 128 != 0 || minis == 0 ||
        minis > block / 32 || block / minis % 32 != 0)
        return corrupt(pages->err, "lengths");
    struct chunk_texts *reader = pages->reader;
    if (total > LENGTHS_MAX) return err_set(pages->err, ERR_UNSUPPORTED, "Parquet page of %" PRIu64 " texts", total);
    if (total > reader->lengths_cap) {
        reader->lengths_cap = (uint32_t)total;
        reader->lengths = mem_realloc(reader->lengths, (size_t)total * sizeof *reader->lengths);
    }
    uint64_t done = 0;
    if (total > 0) reader->lengths[done++] = (uint32_t)value;
    while (done < total && !in->failed) {
        uint64_t min = packed_zigzag(in);
        const uint8_t *widths = in->at;
        if (in->failed || (uint64_t)(in->end - in->at) < minis) return corrupt(pages->err, "lengths");
        in->at += minis;
        for (uint64_t mini = 0; mini < minis && done < total && !in->failed; mini++)
            mini_read(in, widths[mini], block / minis, min, reader->lengths, total, &done, &value);
    }
    *count = total;
    return !in->failed || corrupt(pages->err, "lengths");
}

static bool delta_length_each(struct pages *pages, struct bytes page, uint64_t value_count)
{
    struct packed in = { page.ptr, page.ptr + page.len, false };
    uint64_t count = 0;
    if (!lengths_read(pages, &in, value_count, &count)) return false;
    for (uint64_t i = 0; i < count; i++) {
        size_t len = pages->reader->lengths[i];
        if (len > (size_t)(in.end - in.at)) return corrupt(pages->err, "a text's length");
        pages->take(pages->ctx, bytes_from(in.at, len));
        in.at += len;
    }
    return true;
}

static bool page_each(struct pages *pages, const struct page_header *header, struct bytes packed)
{
    struct bytes page = { 0 };
    bool is_dictionary = header->type == PAGE_DICTIONARY;
    if (!is_dictionary && (header->encoding == PARQUET_RLE_DICTIONARY || header->encoding == PLAIN_DICTIONARY))
        return true;
    bool is_plain = header->encoding == PARQUET_PLAIN || (is_dictionary && header->encoding == PLAIN_DICTIONARY);
    if (!is_plain && (is_dictionary || header->encoding != PARQUET_DELTA_LENGTH_BYTE_ARRAY))
        return err_set(pages->err, ERR_UNSUPPORTED, "Parquet encoding %" PRId64 " of texts", header->encoding);
    if (!page_unpack(pages, packed, (size_t)header->bytes, &page)) return false;
    if (!is_dictionary && !levels_skip(pages, &page)) return false;
    return is_plain ? plain_each(pages, page) : delta_length_each(pages, page, (uint64_t)header->value_count);
}

bool chunk_texts_each(struct chunk_texts *reader, struct bytes chunk, const struct parquet_column_stats *stats,
                      void (*take)(void *ctx, struct bytes text), void *ctx, struct err *err)
{
    struct pages pages = { reader, stats, take, ctx, err };
    uint64_t value_count = 0;
    while (chunk.len > 0) {
        struct page_header header;
        if (!header_read(&chunk, &header, err)) return false;
        struct bytes packed = bytes_from(chunk.ptr, (size_t)header.packed_bytes);
        chunk = bytes_from(chunk.ptr + packed.len, chunk.len - packed.len);
        if (!page_each(&pages, &header, packed)) return false;
        value_count += header.type == PAGE_DATA ? (uint64_t)header.value_count : 0;
    }
    if (value_count != stats->value_count) return corrupt(err, "it lacks pages"); /* else a value would be missed */
    return true;
}

bool chunk_texts_read(struct chunk_texts *reader,
                      bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err), void *read_ctx,
                      const struct parquet_column_stats *stats, void (*take)(void *ctx, struct bytes text), void *ctx,
                      struct err *err)
{
    if (stats->has_null_count && stats->null_count == stats->value_count) return true;
    if (stats->chunk_bytes == 0 || stats->chunk_bytes > CHUNK_BYTES_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a column chunk of %llu bytes", (unsigned long long)stats->chunk_bytes);
    size_t bytes = (size_t)stats->chunk_bytes;
    if (bytes > reader->chunk_cap) {
        free(reader->chunk);
        reader->chunk = mem_alloc(bytes);
        reader->chunk_cap = bytes;
    }
    return read(read_ctx, stats->chunk_offset, reader->chunk, bytes, err) &&
           chunk_texts_each(reader, bytes_from(reader->chunk, bytes), stats, take, ctx, err);
}
