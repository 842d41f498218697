/* parquet.h -- our own Parquet writer for segments and Delta files, reader of footers and blooms, and the joining of
 * files by copying their row groups.
 *
 *   struct columns --parquet_write--> bytes of a file with one row group, sorted by (service, timestamp)
 *   files --parquet_join--> one file: [row groups copied byte by byte][new footer]
 *   file --parquet_footer_read--> struct parquet_footer: row groups, min/max, null counts, where the blooms are
 *
 * Written for every stored column: field id, dictionary or DELTA_LENGTH_BYTE_ARRAY (texts), DELTA_BINARY_PACKED
 * (integers) or PLAIN, statistics (min/max exact or cut to 64 bytes with the exactness flags), null_count,
 * column_orders; split-block bloom filters on columns flagged bloom, list elements included. not_null columns are
 * `required`, the elements of lists `optional`. Data page v1, zstd (1 unless told) or none. Strings only valid UTF-8.
 * Thread: a writer has one owner; reading functions are pure. Memory: writer buffers are reused and bounded by the
 * greatest row group; a footer is one allocation.
 * Errors: ERR_CORRUPT for bytes that are not a Parquet file of ours; ERR_UNSUPPORTED, with its name, for a feature.
 * Source: apache/parquet-format 2.10 (parquet.thrift, BloomFilter.md, Encodings.md). */
#pragma once
#include "base/bytes.h"
#include "base/disk.h"
#include "base/err.h"
#include "timefusion/columns/columns.h"
#include "timefusion/shred/shred.h"

#define PARQUET_ROW_GROUPS_MAX 64
#define PARQUET_ZSTD_LEVEL     1 /* of what comes in; files that are rewritten may have a higher one */
#define PARQUET_ZSTD_LEVEL_MAX 19

enum parquet_codec { PARQUET_CODEC_NONE, PARQUET_CODEC_ZSTD };
struct parquet_writer;
struct parquet_writer *parquet_writer_create(void);
void parquet_writer_destroy(struct parquet_writer *writer);
/* zstd level of the files made from now on: 1 to PARQUET_ZSTD_LEVEL_MAX. */
void parquet_writer_set_level(struct parquet_writer *writer, int zstd_level);
/* Rows [from, to) of columns as one file with one row group. *file is borrowed until the next call on writer. */
MUST_CHECK bool parquet_write(struct parquet_writer *writer, struct columns *columns, uint32_t from, uint32_t to,
                              enum parquet_codec codec, struct bytes *file, struct err *err);

/* The same with hidden columns behind the table's (timefusion/shred): of the project's attributes that repeat. Readers that go by
 * the table's schema do not see them. */
MUST_CHECK bool parquet_write_shredded(struct parquet_writer *writer, struct columns *columns, uint32_t from,
                                       uint32_t to, enum parquet_codec codec, struct shreds *shreds,
                                       struct uuid project_id, struct bytes *file, struct err *err);

/* What pruning and Delta's statistics need of one column of one row group or file. */
struct parquet_column_stats {
    bool has_min_max, has_null_count; /* false: the writer did not say; ours always says null_count */
    bool min_is_exact, max_is_exact;
    uint64_t null_count, value_count; /* value_count: with nulls; for lists, of elements, where a list that is null or
                                         empty counts as one null */
    union {
        int64_t integer;   /* DATE TIMESTAMPTZ INTEGER BIGINT BOOLEAN */
        double number;     /* DOUBLE */
        struct bytes text; /* borrowed from the footer */
    } min, max;
    uint64_t bloom_offset;
    uint32_t bloom_bytes;               /* with its header; 0: none */
    uint64_t chunk_offset, chunk_bytes; /* its pages, of a row group's; 0: not there */
    uint8_t codec;                      /* number of parquet.thrift */
    bool has_definition_levels, has_repetition_levels;
};
struct parquet_row_group {
    uint64_t row_count, offset, bytes;
    struct parquet_column_stats *columns; /* by schema column; partition and derived ones have no statistics */
};
struct parquet_footer {
    const struct schema_table *table;
    uint64_t row_count, file_bytes;
    uint32_t row_group_count, footer_bytes;
    uint64_t footer_hash; /* XXH3 of its bytes: a footer has no checksum of its own */
    struct parquet_row_group *row_groups;
    struct parquet_column_stats *file_columns; /* merged over the row groups; blooms not set */
    uint64_t
        present[(SCHEMA_COLUMNS_MAX + 63) / 64]; /* bit by schema column: the file has one of its name or field id */
    const struct bytes *shreds;                  /* keys of its hidden columns, in order of bytes */
    uint32_t shred_count;
};
/* tail: the last bytes of the file, at least 8; *need says how many are needed when it was too short (then false with
 * err->code ERR_OK). Columns are found by field id, else by name; unknown ones are skipped. */
MUST_CHECK bool parquet_footer_read(struct bytes tail, uint64_t file_bytes, const struct schema_table *table,
                                    struct parquet_footer **footer, size_t *need, struct err *err);
void parquet_footer_destroy(struct parquet_footer *footer);
/* May the bloom (its bytes with header, as stored) hold this value? True when in doubt. */
bool parquet_bloom_may_hold(struct bytes bloom, struct bytes value);

/* Joins files by copying row groups in the given order into out (offset 0 on, synced when sync); all files are of disk.
 * Inputs must have our schema's bytes, hidden columns left aside, else ERR_INPUT; of these the new file has those that all
 * inputs have; more than PARQUET_ROW_GROUPS_MAX row groups are ERR_TOO_LARGE,
 * and nothing was written then. *bytes is the new file's size; *footer its footer. */
struct parquet_input {
    struct disk_file *file;
    uint64_t bytes;
};
MUST_CHECK bool parquet_join(struct disk *disk, const struct parquet_input *inputs, uint32_t input_count,
                             const struct schema_table *table, struct disk_file *out, bool sync, uint64_t *bytes,
                             struct parquet_footer **footer, struct err *err);

/* Would parquet_join take a file with this footer (without its length and the PAR1 behind it)? Not so other writers' files,
 * and those of a schema with fewer columns. */
bool parquet_is_joinable(struct bytes footer, uint64_t file_bytes, const struct schema_table *table);

/* Low-level pieces for other Parquet files of ours (Delta checkpoints): see parquet/thrift.h, parquet/page.h. */
