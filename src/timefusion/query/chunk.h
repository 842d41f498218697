/* chunk.h -- rows of a DuckDB data chunk as query_value: vectors are read where they lie.
 *
 * Thread: one. Memory: owns the DuckDB chunk; text of numerics in its arena; both until the next chunk_set. */
#pragma once
#include "base/arena.h"
#include "timefusion/query/query.h"
#include <duckdb.h>

struct temporaries;

struct chunk_vector {
    enum query_type type; /* as the client sees it */
    duckdb_type stored;
    const void *data;
    const uint64_t *validity;
    struct bytes *numerics; /* by row, for NUMERIC */
    uint8_t scale;          /* of these */
    struct chunk_vector *child;
};
struct query_chunk {
    duckdb_data_chunk chunk;
    uint32_t row_count, column_count;
    struct chunk_vector *vectors;
    const struct temporaries *own; /* the session's tables, whose names regclass shows; NULL: it has none */
    struct arena arena;
};
void chunk_init(struct query_chunk *chunk, const struct temporaries *own);
void chunk_deinit(struct query_chunk *chunk);
/* Takes the DuckDB chunk; columns after column_count are not shown. */
void chunk_set(struct query_chunk *chunk, duckdb_data_chunk data, const struct query_column *columns,
               uint32_t column_count);
