/* sql_parquet.h -- rows of a statement as a Parquet file, made while they come.
 *
 *   columns, first chunk --create--> { add: a row --> take: finished bytes, now and then }* --end--> the rest
 *
 *   int2 int4 -> INT32         float4 -> FLOAT     timestamptz -> TIMESTAMP(UTC), timestamp -> TIMESTAMP, time -> TIME: us
 *   int8 -> INT64              float8 -> DOUBLE    date -> DATE      bool -> BOOLEAN      bytea -> BYTE_ARRAY
 *   numeric -> DECIMAL(38, s)  jsonb -> JSON       text, uuid, interval and all else -> STRING      list -> LIST of these
 *
 * A uuid is a text, as in our tables' files: Spark's reader refuses Parquet's own UUID. Every column may be null; names that
 * come twice get a number behind them. A row group is written when GROUP_BYTES are gathered.
 * Thread: one. Memory: a row group and its largest column's page; what is not taken; about 300 bytes for each column of each
 * group written. Errors: ERR_INPUT, ERR_TOO_LARGE; then the file is to be thrown away. */
#pragma once
#include "timefusion/query/query.h"

struct sql_parquet;
/* columns are borrowed. first: the first chunk, for the digits of numerics; NULL: there are no rows. */
struct sql_parquet *sql_parquet_create(const struct query_column *columns, uint32_t column_count,
                                       const struct query_chunk *first);
void sql_parquet_destroy(struct sql_parquet *parquet); /* NULL is fine */
MUST_CHECK bool sql_parquet_add(struct sql_parquet *parquet, const struct query_chunk *chunk, uint32_t row,
                                struct err *err);
/* Bytes that are finished since the last call, often none; borrowed until the next call on parquet. */
struct bytes sql_parquet_take(struct sql_parquet *parquet);
MUST_CHECK bool sql_parquet_end(struct sql_parquet *parquet, struct bytes *rest, struct err *err);
