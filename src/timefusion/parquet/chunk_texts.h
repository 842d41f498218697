/* chunk_texts.h -- the texts in a column chunk, for whoever wants to know which there are and not where.
 *
 *   bytes of the chunk --pages--> a dictionary's entries, once each | texts of pages without one, as often as they stand
 *
 * Reads what we write and what most others do: data pages v1; PLAIN, DELTA_LENGTH_BYTE_ARRAY, dictionaries; not compressed,
 * zstd, snappy. Of a page coded by a dictionary nothing is unpacked.
 * Thread: a reader has one owner. Memory: the greatest page unpacked and the greatest chunk read, at most 64 MiB each.
 * Errors: ERR_UNSUPPORTED with the feature's name; ERR_CORRUPT. Bytes come from strangers.
 * Source: apache/parquet-format (parquet.thrift, Encodings.md), google/snappy format_description.txt. */
#pragma once
#include "timefusion/parquet/parquet.h"

struct chunk_texts {
    struct buf page;   /* unpacked */
    uint32_t *lengths; /* of a DELTA_LENGTH_BYTE_ARRAY page */
    uint32_t lengths_cap;
    void *zstd; /* ZSTD_DCtx, kept from page to page */
    uint8_t *chunk;
    size_t chunk_cap;
};
void chunk_texts_init(struct chunk_texts *reader);
void chunk_texts_deinit(struct chunk_texts *reader);
/* chunk: stats->chunk_bytes at stats->chunk_offset of the file. take's text is borrowed for the call. */
MUST_CHECK bool chunk_texts_each(struct chunk_texts *reader, struct bytes chunk,
                                 const struct parquet_column_stats *stats, void (*take)(void *ctx, struct bytes text),
                                 void *ctx, struct err *err);
/* The same of a chunk that is read first: of one whose rows are all NULL nothing. ERR_UNSUPPORTED, too: it is very large. */
MUST_CHECK bool chunk_texts_read(struct chunk_texts *reader,
                                 bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err),
                                 void *read_ctx, const struct parquet_column_stats *stats,
                                 void (*take)(void *ctx, struct bytes text), void *ctx, struct err *err);
/* Exactly bytes to out; false: not snappy of that size. */
MUST_CHECK bool chunk_snappy_unpack(struct bytes packed, size_t bytes, uint8_t *out);
