/* page.h -- the pieces any Parquet file is made of: pages, column chunks, footer; and a small writer of whole files of
 * any schema, nested too (Delta checkpoints).
 *
 *   levels and values --page_begin .. page_end--> [page header][compressed page] in pages->out
 *   elements, chunks of row groups --parquet_footer_write--> [FileMetaData][length][PAR1]
 *
 *   parquet_file_create -> { parquet_file_column for each leaf -> parquet_file_row_group_end }* -> parquet_file_end
 *
 * Thread: one owner. Memory: buffers grow to the greatest page and to what is not yet taken out.
 * Errors: ERR_TOO_LARGE for a page or a footer over 2 GiB.
 * Source: apache/parquet-format 2.10 (parquet.thrift). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/parquet/thrift.h"

enum parquet_type {                          /* numbers of parquet.thrift */
                    PARQUET_TYPE_GROUP = -1, /* an element with children */
                    PARQUET_TYPE_BOOLEAN = 0,
                    PARQUET_TYPE_INT32 = 1,
                    PARQUET_TYPE_INT64 = 2,
                    PARQUET_TYPE_FLOAT = 4,
                    PARQUET_TYPE_DOUBLE = 5,
                    PARQUET_TYPE_BYTE_ARRAY = 6,
                    PARQUET_TYPE_FIXED = 7, /* PARQUET_FIXED_BYTES each */
};
enum parquet_repetition { PARQUET_REQUIRED, PARQUET_OPTIONAL, PARQUET_REPEATED };
enum parquet_encoding {
    PARQUET_PLAIN = 0,
    PARQUET_RLE = 3,
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    PARQUET_RLE_DICTIONARY = 8,
};
enum parquet_logical {
    PARQUET_LOGICAL_NONE,
    PARQUET_LOGICAL_STRING,
    PARQUET_LOGICAL_MAP,
    PARQUET_LOGICAL_LIST,
    PARQUET_LOGICAL_DATE,
    PARQUET_LOGICAL_TIMESTAMP_US,       /* UTC */
    PARQUET_LOGICAL_LOCAL_TIMESTAMP_US, /* of no zone */
    PARQUET_LOGICAL_TIME_US,
    PARQUET_LOGICAL_JSON,
    PARQUET_LOGICAL_DECIMAL, /* of PARQUET_TYPE_FIXED: 38 digits, big end first */
};
#define PARQUET_FIXED_BYTES    16
#define PARQUET_DECIMAL_DIGITS 38

/* One node of the schema tree, in depth-first order; the first is the root (a group; its repetition is not written). */
struct parquet_element {
    const char *name;
    enum parquet_type type;
    enum parquet_repetition repetition;
    enum parquet_logical logical;
    uint32_t child_count; /* of a group; of a decimal: its digits behind the point */
    int32_t field_id;     /* 0: none */
};

/* What the footer says of one column chunk. */
#define PARQUET_STATS_BYTES_MAX 64
struct parquet_chunk {
    enum parquet_codec codec;
    uint32_t encodings;   /* 1 << enum parquet_encoding of each used */
    uint64_t value_count; /* levels: with nulls and empty lists */
    uint64_t null_count;
    uint64_t dictionary_offset;         /* 0: no dictionary */
    uint64_t data_offset;               /* of the first data page */
    uint64_t bytes, bytes_uncompressed; /* with page headers */
    uint64_t bloom_offset;
    uint32_t bloom_bytes; /* with its header; 0: none */
    bool has_min_max, min_is_exact, max_is_exact;
    uint8_t min_bytes, max_bytes;
    uint8_t min[PARQUET_STATS_BYTES_MAX], max[PARQUET_STATS_BYTES_MAX]; /* PLAIN, without a length */
};
struct parquet_group {
    uint64_t row_count;
    struct parquet_chunk *chunks; /* one a leaf, in schema order */
};

/* ---- pages ---- */

struct parquet_pages {
    struct buf out;    /* finished bytes: pages, blooms */
    uint64_t out_from; /* the place in the file of out's first byte */
    struct buf page;   /* the page being made, not compressed: levels, then values; encode_* append to it */
    struct buf packed, packed_harder;
    void *zstd, *zstd_harder;             /* ZSTD_CCtx, kept from page to page: of the usual level, of a higher one */
    int zstd_level, zstd_level_of_harder; /* wanted; what zstd_harder has */
};
void parquet_pages_init(struct parquet_pages *pages);
void parquet_pages_deinit(struct parquet_pages *pages);
static inline uint64_t parquet_pages_offset(const struct parquet_pages *pages)
{
    return pages->out_from + pages->out.len;
}
/* Empties the page under way. */
static inline void parquet_page_begin(struct parquet_pages *pages)
{
    pages->page.len = 0;
}
/* Repetition levels, then definition levels, each 0 to max; nothing is written when max is 0. */
MUST_CHECK bool parquet_page_levels(struct parquet_pages *pages, const uint8_t *levels, uint32_t count, uint32_t max);
/* The same when all are equal, and when they are 0 and 1 in a bitmap. */
MUST_CHECK bool parquet_page_levels_equal(struct parquet_pages *pages, uint32_t level, uint32_t count, uint32_t max);
MUST_CHECK bool parquet_page_levels_bitmap(struct parquet_pages *pages, const uint64_t *bits, uint32_t count);
/* Compresses the page with chunk->codec, puts it behind pages->out and counts it in chunk (offsets, bytes, encodings).
 * value_count: levels of a data page, entries of a dictionary page. Data page v1. */
MUST_CHECK bool parquet_page_end(struct parquet_pages *pages, struct parquet_chunk *chunk, bool is_dictionary,
                                 enum parquet_encoding encoding, uint32_t value_count, struct err *err);

/* ---- footer ---- */

/* FileMetaData.schema and .column_orders as their bytes stand in a footer: list header and elements. */
void parquet_schema_write(struct thrift_writer *thrift, const struct parquet_element *elements, uint32_t element_count);
void parquet_orders_write(struct thrift_writer *thrift, uint32_t leaf_count);
extern const struct bytes parquet_created_by;

/* [FileMetaData][4 bytes of length][PAR1] behind out. groups come in file order. */
MUST_CHECK bool parquet_footer_write(struct buf *out, const struct parquet_element *elements, uint32_t element_count,
                                     const struct parquet_group *groups, uint32_t group_count, struct err *err);

/* ---- a whole file ---- */

/* The values of one leaf column in one row group, as Dremel's levels. Level arrays hold level_count bytes and may be
 * NULL when that level's max is 0; values only for entries whose definition level is the greatest. */
struct parquet_leaf {
    const uint8_t *repetition_levels, *definition_levels;
    uint32_t level_count, value_count;
    const struct bytes *texts; /* BYTE_ARRAY, FIXED */
    const int64_t *integers;   /* INT32, INT64 */
    const double *doubles;     /* DOUBLE, FLOAT */
    const uint8_t *booleans;   /* BOOLEAN: 0 or 1 */
};
#define PARQUET_FILE_GROUPS_MAX INT16_MAX
struct parquet_file;
/* elements are borrowed until the end. */
struct parquet_file *parquet_file_create(const struct parquet_element *elements, uint32_t element_count,
                                         enum parquet_codec codec);
void parquet_file_destroy(struct parquet_file *file);
uint32_t parquet_file_leaf_count(const struct parquet_file *file);
/* The greatest levels of a leaf, counted from the schema. */
void parquet_file_levels_max(const struct parquet_file *file, uint32_t leaf, uint32_t *repetition,
                             uint32_t *definition);
/* The next leaf of the row group under way. */
MUST_CHECK bool parquet_file_column(struct parquet_file *file, const struct parquet_leaf *leaf, struct err *err);
/* All leaves were given. */
void parquet_file_row_group_end(struct parquet_file *file, uint64_t row_count);
/* Finished bytes since the last call, borrowed until the next call on file: for writing a large file piece by piece.
 * Without it parquet_file_end gives the whole file. */
struct bytes parquet_file_take(struct parquet_file *file);
/* Writes the footer; *rest is all that was not taken. */
MUST_CHECK bool parquet_file_end(struct parquet_file *file, struct bytes *rest, struct err *err);
