/* column_write.h -- a sorted column becomes a column chunk: pages, statistics, bloom filter.
 *
 *   texts     few different ones: dictionary page + indexes; else DELTA_LENGTH_BYTE_ARRAY, so that the bytes stand
 *             together and random hex costs zstd's Huffman stage 4 bits a character
 *   integers  few different ones: dictionary; else DELTA_BINARY_PACKED
 *   doubles   few different ones: dictionary; else PLAIN. Booleans PLAIN
 *
 * Thread: one owner. Memory: buffers grow to the greatest column. */
#pragma once
#include "timefusion/parquet/column_sort.h"
#include "timefusion/parquet/page.h"

struct number_slot;
struct column_writer {
    struct parquet_pages pages;
    struct buf blooms; /* of all columns; they go behind the last column's pages */
    enum parquet_codec codec;
    /* texts: which dictionary entries this file uses, and their new numbers */
    uint32_t generation;
    uint32_t *numbers; /* by id: generation << 16 | number */
    uint32_t id_cap;
    uint16_t *indexes;
    const uint8_t **records;
    uint32_t *lengths; /* of texts */
    uint64_t *hashes;  /* of texts, for their bloom filter */
    uint32_t value_cap;
    /* numbers */
    struct number_slot *slots;
    int32_t *narrow; /* INT32 values */
};
struct column_shape {
    enum columns_kind kind;
    enum parquet_type type;
    bool is_list, has_bloom;
    uint32_t definition_max;
};
void column_writer_init(struct column_writer *writer);
void column_writer_deinit(struct column_writer *writer);
/* chunk must be zero; its bloom_offset counts from the start of writer->blooms. */
MUST_CHECK bool column_write(struct column_writer *writer, const struct column_shape *shape,
                             const struct columns_view *view, const struct sorted_column *sorted,
                             struct parquet_chunk *chunk, struct err *err);
