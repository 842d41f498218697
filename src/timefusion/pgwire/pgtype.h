/* pgtype.h -- values as PostgreSQL's wire has them: type OIDs, text and binary forms.
 *
 *   struct query_value --pgtype_put_text | pgtype_put_binary--> bytes of a DataRow column
 *
 * Thread: pure. Memory: appended to the caller's buf; false when its limit is passed.
 * Units: in: days and microseconds from 1970; out: from 2000-01-01, as PostgreSQL counts.
 * Source: PostgreSQL 15 src/include/catalog/pg_type.dat (OIDs), src/backend/utils/adt (send functions). Timestamps with time
 * zone are written in UTC. */
#pragma once
#include "timefusion/query/query.h"

uint32_t pgtype_oid(enum query_type type);
/* With its form: varchar, char(n), numeric(10,2). *modifier: atttypmod, -1: none. */
uint32_t pgtype_oid_of(const struct query_column *column, int32_t *modifier);
/* UNKNOWN for 0, 705 and what we have no type for. */
enum query_type pgtype_of_oid(uint32_t oid);
int16_t pgtype_len(enum query_type type); /* -1: varying */
MUST_CHECK bool pgtype_put_text(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                                const struct query_column *shape, struct query_value value);
MUST_CHECK bool pgtype_put_binary(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                                  const struct query_column *shape, struct query_value value);
/* Big-endian numbers, as the whole protocol has them. */
MUST_CHECK bool pgtype_put_u16(struct buf *out, uint16_t number);
MUST_CHECK bool pgtype_put_u32(struct buf *out, uint32_t number);
/* Over four bytes that were put before: a length known only after what it counts. */
void pgtype_set_u32(struct buf *out, size_t at, uint32_t number);
MUST_CHECK bool pgtype_put_u64(struct buf *out, uint64_t number);
