/* identity_map.h -- the values of some traces at hand, for DuckDB: mono_trace_value(map, trace id, time, field).
 *
 *   identity_maps_add(maps, map) -> number --in SQL--> mono_trace_value(7, s33, s1, 1) --identity_maps_drop--> NULL
 *
 * A function and not a join: over a plain scan DuckDB reads the wide columns of the rows that LIMIT leaves, over a join
 * those of all rows (docs/adr/0006).
 * Thread: a map has one owner until it is added, then nobody writes; maps any, by its lock.
 * Memory: IDENTITY_MAP_BYTES_MAX a map; freed when dropped. The owner drops it after the statement that names it. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <duckdb.h>

#define IDENTITY_MAP_BYTES_MAX (8u << 20)

struct identity_map;
struct identity_map *identity_map_create(uint32_t trace_count_max, uint32_t field_count);
void identity_map_destroy(struct identity_map *map); /* one that was not added; NULL is fine */
/* A value for the trace's rows of these times, copied. Each (trace, field) once. false: it would be too large. */
MUST_CHECK bool identity_map_put(struct identity_map *map, struct bytes trace, uint32_t field, struct bytes value,
                                 int64_t from_us, int64_t to_us);
/* ptr NULL: none. */
struct bytes identity_map_get(const struct identity_map *map, struct bytes trace, int64_t time_us, uint32_t field);
uint32_t identity_map_count(const struct identity_map *map); /* of traces */

struct identity_maps;
struct identity_maps *identity_maps_create(void);
void identity_maps_destroy(struct identity_maps *maps); /* none may be left in it; NULL is fine */
uint64_t identity_maps_add(struct identity_maps *maps, struct identity_map *map); /* takes it; never 0 */
void identity_maps_drop(struct identity_maps *maps, uint64_t number);
/* The function. maps must outlive the database. */
MUST_CHECK bool identity_maps_register(struct identity_maps *maps, duckdb_connection connection, struct err *err);
