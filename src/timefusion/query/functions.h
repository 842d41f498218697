/* functions.h -- our own scalar functions in DuckDB: what it lacks or does otherwise than PostgreSQL.
 *
 *   mono_object(keys, base, value...)   the flat object base and the named values, nested by dots
 *   mono_flat(keys, base, value...)     the same, left flat
 *   mono_attribute[_text](base, path)   of a flat or nested object, by a dotted path
 *   mono_json_get[_text](json, key), mono_json_at[_text](json, index), mono_json_path[_text](json, keys)
 *   mono_json_typeof, _contains, _has, _has_any, _has_all, _keys, _elements, _elements_text
 *   mono_jsonb(text)                    as PostgreSQL writes it; mono_jsonb_concat, _set, _delete*, _strip_nulls
 *   mono_jsonpath_exists, _match, _first, _array, _list (json, path, vars, is silent): jsonpath.h
 *   mono_to_char_*, mono_to_number, mono_to_time, mono_format, mono_quote_*, mono_initcap, mono_justify
 *   mono_percentiles(value, weight, fractions), an aggregate; mono_step(value), mono_log_step(value): steps.h
 *   mono_distinct(sketch), mono_sketches(sketch), aggregates; mono_sketch(text), mono_sketch_of(hash): functions_distinct.c
 *   mono_catalog_*, mono_name_parts     names and oids of the catalog (catalog_functions.c)
 *
 * JSON is text in and out. What is not JSON is NULL. Thread: any (DuckDB's). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <duckdb.h>

MUST_CHECK bool functions_register(duckdb_connection connection, struct err *err);

struct yyjson_val;
struct scalar_definition {
    const char *name, *arguments; /* letters: functions.c */
    char result;
    duckdb_scalar_function_t run;
};
struct aggregate_definition {
    const char *name, *arguments;
    char result;
    duckdb_aggregate_state_size size;
    duckdb_aggregate_init_t init;
    duckdb_aggregate_update_t update;
    duckdb_aggregate_combine_t combine;
    duckdb_aggregate_finalize_t finalize;
    duckdb_aggregate_destroy_t destroy;
};
/* catalog_functions.c */
const struct scalar_definition *catalog_scalars(uint32_t *count);
/* functions_json.c, functions_text.c */
const struct scalar_definition *json_scalars(uint32_t *count), *text_scalars(uint32_t *count);
/* functions_percentile.c */
const struct scalar_definition *percentile_scalars(uint32_t *count);
const struct aggregate_definition *percentile_aggregates(uint32_t *count);
/* functions_distinct.c */
#define FUNCTIONS_SKETCH_DAMAGED "a sketch of different values is damaged"
const struct scalar_definition *distinct_scalars(uint32_t *count);
const struct aggregate_definition *distinct_aggregates(uint32_t *count);
/* As PostgreSQL writes jsonb: {"a": 1, "bb": [1, 2]}, shorter keys first. false: nested too deeply. */
MUST_CHECK bool jsonb_put(struct buf *out, struct yyjson_val *value);
