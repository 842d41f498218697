#include "timefusion/query/function_list.h"

static const struct function functions[] = {
    /* aggregates */
    { "count", AGGREGATE, 0, 1, "a", 'l', NULL, PLAIN },
    { "sum", AGGREGATE, 1, 1, "a", 'N', NULL, SUM },
    { "avg", AGGREGATE, 1, 1, "a", 'd', NULL, AVG },
    { "min", AGGREGATE, 1, 1, "a", '=', NULL, PLAIN },
    { "max", AGGREGATE, 1, 1, "a", '=', NULL, PLAIN },
    { "stddev", AGGREGATE, 1, 1, "n", 'd', "stddev_samp", PLAIN },
    { "stddev_samp", AGGREGATE, 1, 1, "n", 'd', NULL, PLAIN },
    { "stddev_pop", AGGREGATE, 1, 1, "n", 'd', NULL, PLAIN },
    { "variance", AGGREGATE, 1, 1, "n", 'd', "var_samp", PLAIN },
    { "var_samp", AGGREGATE, 1, 1, "n", 'd', NULL, PLAIN },
    { "var_pop", AGGREGATE, 1, 1, "n", 'd', NULL, PLAIN },
    { "corr", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "covar_pop", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "covar_samp", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_slope", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_intercept", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_r2", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "bool_and", AGGREGATE, 1, 1, "b", 'b', NULL, PLAIN },
    { "bool_or", AGGREGATE, 1, 1, "b", 'b', NULL, PLAIN },
    { "every", AGGREGATE, 1, 1, "b", 'b', "bool_and", PLAIN },
    { "bit_and", AGGREGATE, 1, 1, "n", '=', NULL, PLAIN },
    { "bit_or", AGGREGATE, 1, 1, "n", '=', NULL, PLAIN },
    { "array_agg", AGGREGATE, 1, 1, "a", 'L', NULL, ARRAY_AGG },
    { "string_agg", AGGREGATE, 2, 2, "tt", 't', NULL, STRING_AGG },
    { "json_agg", AGGREGATE, 1, 1, "a", 'j', NULL, JSON_AGG },
    { "jsonb_agg", AGGREGATE, 1, 1, "a", 'j', NULL, JSON_AGG },
    { "percentile_cont", AGGREGATE, 1, 1, "d", '?', NULL, PERCENTILE },
    { "percentile_disc", AGGREGATE, 1, 1, "d", '?', NULL, PERCENTILE },
    { "mode", AGGREGATE, 0, 0, "", '?', NULL, MODE },
    { "approx_percentile", AGGREGATE, 2, 2, "da", 'd', NULL, APPROX_PERCENTILE },
    { "approx_count_distinct", AGGREGATE, 1, 1, "a", 'l', NULL, PLAIN },
    { "first", AGGREGATE, 2, 2, "aa", '=', "arg_min", PLAIN }, /* Timescale: the value at the least of the second */
    { "last", AGGREGATE, 2, 2, "aa", '=', "arg_max", PLAIN },
    /* window functions */
    { "row_number", WINDOW, 0, 0, "", 'l', NULL, PLAIN },
    { "rank", WINDOW, 0, 0, "", 'l', NULL, PLAIN },
    { "dense_rank", WINDOW, 0, 0, "", 'l', NULL, PLAIN },
    { "percent_rank", WINDOW, 0, 0, "", 'd', NULL, PLAIN },
    { "cume_dist", WINDOW, 0, 0, "", 'd', NULL, PLAIN },
    { "ntile", WINDOW, 1, 1, "l", 'i', NULL, PLAIN },
    { "lag", WINDOW, 1, 3, "al=", '=', NULL, PLAIN },
    { "lead", WINDOW, 1, 3, "al=", '=', NULL, PLAIN },
    { "first_value", WINDOW, 1, 1, "a", '=', NULL, PLAIN },
    { "last_value", WINDOW, 1, 1, "a", '=', NULL, PLAIN },
    { "nth_value", WINDOW, 2, 2, "al", '=', NULL, PLAIN },
    /* time */
    { "time_bucket", SCALAR, 2, 3, "vzz", 'z', NULL, TIME_BUCKET },
    { "date_bin", SCALAR, 3, 3, "vzz", 'z', NULL, TIME_BUCKET },
    { "date_trunc", SCALAR, 2, 3, "tzt", '?', NULL, DATE_TRUNC },
    { "extract", SCALAR, 2, 2, "ta", '?', NULL, EXTRACT },
    { "date_part", SCALAR, 2, 2, "ta", 'd', NULL, EXTRACT },
    { "now", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "transaction_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "statement_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "clock_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "to_timestamp", SCALAR, 1, 1, "d", 'z', "to_timestamp(CAST(%1 AS DOUBLE))", PLAIN },
    { "make_interval", SCALAR, 0, 0, "", 'v', NULL, WITHOUT_MEANING },
    { "age", SCALAR, 1, 2, "zz", 'v', NULL, AGE },
    { "timezone", SCALAR, 2, 2, "ta", '?', NULL, TIMEZONE },
    { "make_date", SCALAR, 3, 3, "iii", 'D', NULL, PLAIN },
    { "make_timestamptz", SCALAR, 6, 6, "iiiiid", 'z', NULL, PLAIN },
    { "justify_hours", SCALAR, 1, 1, "v", 'v', "%1", PLAIN },
    { "to_char", SCALAR, 2, 2, "at", 't', NULL, TO_CHAR },
    /* text */
    { "lower", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "upper", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "length", SCALAR, 1, 1, "t", 'i', NULL, LENGTH },
    { "char_length", SCALAR, 1, 1, "t", 'i', NULL, LENGTH },
    { "character_length", SCALAR, 1, 1, "t", 'i', NULL, LENGTH },
    { "octet_length", SCALAR, 1, 1, "t", 'i', "CAST(strlen(%1) AS INTEGER)", PLAIN },
    { "substr", SCALAR, 2, 3, "tii", 't', NULL, SUBSTRING },
    { "substring", SCALAR, 2, 3, "tii", 't', NULL, SUBSTRING },
    { "left", SCALAR, 2, 2, "ti", 't', NULL, PLAIN },
    { "right", SCALAR, 2, 2, "ti", 't', NULL, PLAIN },
    { "replace", SCALAR, 3, 3, "ttt", 't', NULL, PLAIN },
    { "translate", SCALAR, 3, 3, "ttt", 't', NULL, PLAIN },
    { "btrim", SCALAR, 1, 2, "tt", 't', "trim", PLAIN },
    { "ltrim", SCALAR, 1, 2, "tt", 't', NULL, PLAIN },
    { "rtrim", SCALAR, 1, 2, "tt", 't', NULL, PLAIN },
    { "lpad", SCALAR, 3, 3, "tit", 't',
      "lpad(%1, CASE WHEN %2 <= 10000 THEN %2 ELSE CAST(error('lpad() makes texts of at most 10000 characters') AS "
      "INTEGER) END, %3)",
      PLAIN },
    { "rpad", SCALAR, 3, 3, "tit", 't',
      "rpad(%1, CASE WHEN %2 <= 10000 THEN %2 ELSE CAST(error('rpad() makes texts of at most 10000 characters') AS "
      "INTEGER) END, %3)",
      PLAIN },
    { "repeat", SCALAR, 2, 2, "ti", 't',
      "repeat(%1, CASE WHEN strlen(%1) * CAST(%2 AS BIGINT) <= 10000 THEN %2 ELSE CAST(error('repeat() makes texts of "
      "at most 10000 bytes') AS INTEGER) END)",
      PLAIN },
    { "reverse", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "initcap", SCALAR, 1, 1, "t", 't', NULL, WITHOUT_MEANING },
    { "position", SCALAR, 2, 2, "tt", 'i', "CAST(strpos(%1, %2) AS INTEGER)", PLAIN },
    { "strpos", SCALAR, 2, 2, "tt", 'i', "CAST(strpos(%1, %2) AS INTEGER)", PLAIN },
    { "concat", SCALAR, 1, 255, "a", 't', NULL, PLAIN },
    { "concat_ws", SCALAR, 2, 255, "ta", 't', NULL, PLAIN },
    { "starts_with", SCALAR, 2, 2, "tt", 'b', NULL, PLAIN },
    { "split_part", SCALAR, 3, 3, "tti", 't', NULL, PLAIN },
    { "string_to_array", SCALAR, 2, 2, "tt", 'T', "string_split(%1, %2)", PLAIN },
    { "array_to_string", SCALAR, 2, 2, "At", 't', "list_aggregate(%1, 'string_agg', %2)", PLAIN },
    { "regexp_replace", SCALAR, 3, 4, "tttt", 't', NULL, REGEXP_REPLACE },
    { "regexp_like", SCALAR, 2, 3, "ttt", 'b', "regexp_matches", PLAIN },
    { "regexp_substr", SCALAR, 2, 2, "tt", 't', "nullif(regexp_extract(%1, %2), '')", PLAIN },
    { "regexp_split_to_array", SCALAR, 2, 2, "tt", 'T', "regexp_split_to_array(%1, %2)", PLAIN },
    { "md5", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "ascii", SCALAR, 1, 1, "t", 'i', NULL, PLAIN },
    { "chr", SCALAR, 1, 1, "i", 't', NULL, PLAIN },
    { "to_hex", SCALAR, 1, 1, "l", 't', "lower(to_hex(CAST(%1 AS BIGINT)))", PLAIN },
    { "encode", SCALAR, 2, 2, "at", 't', NULL, ENCODE },
    { "decode", SCALAR, 2, 2, "tt", '?', NULL, ENCODE },
    { "quote_literal", SCALAR, 1, 1, "t", 't', "'''' || replace(%1, '''', '''''') || ''''", PLAIN },
    /* numbers */
    { "abs", SCALAR, 1, 1, "n", '=', NULL, PLAIN },
    { "round", SCALAR, 1, 2, "ni", '=', NULL, ROUND },
    { "trunc", SCALAR, 1, 1, "n", '=', NULL, PLAIN },
    { "floor", SCALAR, 1, 1, "n", '=', NULL, ROUND },
    { "ceil", SCALAR, 1, 1, "n", '=', NULL, ROUND },
    { "ceiling", SCALAR, 1, 1, "n", '=', "ceil", ROUND },
    { "power", SCALAR, 2, 2, "dd", 'd', NULL, PLAIN },
    { "pow", SCALAR, 2, 2, "dd", 'd', "power", PLAIN },
    { "sqrt", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cbrt", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "exp", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "ln", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "log", SCALAR, 1, 1, "d", 'd', "log10", PLAIN },
    { "log10", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "mod", SCALAR, 2, 2, "nn", '=', "(%1 % %2)", PLAIN },
    { "sign", SCALAR, 1, 1, "n", 'd', "CAST(sign(%1) AS DOUBLE)", PLAIN },
    { "pi", SCALAR, 0, 0, "", 'd', NULL, PLAIN },
    { "sin", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cos", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "tan", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "width_bucket", SCALAR, 4, 4, "dddi", 'i',
      "CASE WHEN CAST(%1 AS DOUBLE) < %2 THEN 0 WHEN CAST(%1 AS DOUBLE) >= %3 THEN CAST(%4 AS INTEGER) + 1 "
      "ELSE CAST(floor((CAST(%1 AS DOUBLE) - %2) / (CAST(%3 AS DOUBLE) - %2) * %4) AS INTEGER) + 1 END",
      PLAIN },
    /* arrays */
    { "array_length", SCALAR, 2, 2, "Ai", 'i', "CASE WHEN %2 = 1 AND len(%1) > 0 THEN CAST(len(%1) AS INTEGER) END",
      PLAIN },
    { "cardinality", SCALAR, 1, 1, "A", 'i', "CAST(len(%1) AS INTEGER)", PLAIN },
    { "array_position", SCALAR, 2, 2, "Ae", 'i', "CAST(nullif(list_position(%1, %2), 0) AS INTEGER)", PLAIN },
    { "array_append", SCALAR, 2, 2, "Ae", '=', "list_append(%1, %2)", PLAIN },
    { "array_cat", SCALAR, 2, 2, "A=", '=', "list_concat(%1, %2)", PLAIN },
    { "array_remove", SCALAR, 2, 2, "Ae", '=', NULL, WITHOUT_MEANING },
    { "unnest", SCALAR, 1, 1, "A", 'e', NULL, ROWS },
    { "generate_series", SCALAR, 2, 3, "aaa", '=', NULL, ROWS },
    { "jsonb_array_elements", SCALAR, 1, 1, "j", 'j', NULL, ROWS },
    { "jsonb_array_elements_text", SCALAR, 1, 1, "j", 't', NULL, ROWS },
    { "jsonb_object_keys", SCALAR, 1, 1, "j", 't', NULL, ROWS },
    { "json_array_elements", SCALAR, 1, 1, "j", 'j', NULL, ROWS },
    { "json_array_elements_text", SCALAR, 1, 1, "j", 't', NULL, ROWS },
    { "json_object_keys", SCALAR, 1, 1, "j", 't', NULL, ROWS },
    /* JSON */
    { "jsonb_extract_path", SCALAR, 2, 255, "jt", 'j', NULL, JSON_PATH },
    { "jsonb_extract_path_text", SCALAR, 2, 255, "jt", 't', NULL, JSON_PATH },
    { "json_extract_path", SCALAR, 2, 255, "jt", 'j', NULL, JSON_PATH },
    { "json_extract_path_text", SCALAR, 2, 255, "jt", 't', NULL, JSON_PATH },
    { "jsonb_array_length", SCALAR, 1, 1, "j", 'i', "CAST(json_array_length(%1) AS INTEGER)", PLAIN },
    { "json_array_length", SCALAR, 1, 1, "j", 'i', "CAST(json_array_length(%1) AS INTEGER)", PLAIN },
    { "jsonb_typeof", SCALAR, 1, 1, "j", 't', "mono_json_typeof(%1)", PLAIN },
    { "json_typeof", SCALAR, 1, 1, "j", 't', "mono_json_typeof(%1)", PLAIN },
    { "jsonb_build_object", SCALAR, 0, 255, "a", 'j', NULL, JSON_OBJECT },
    { "json_build_object", SCALAR, 0, 255, "a", 'j', NULL, JSON_OBJECT },
    { "jsonb_build_array", SCALAR, 0, 255, "a", 'j', NULL, JSON_ARRAY },
    { "json_build_array", SCALAR, 0, 255, "a", 'j', NULL, JSON_ARRAY },
    { "to_json", SCALAR, 1, 1, "a", 'j', NULL, TO_JSON },
    { "to_jsonb", SCALAR, 1, 1, "a", 'j', NULL, TO_JSON },
    { "jsonb_pretty", SCALAR, 1, 1, "j", 't', "CAST(json_pretty(%1) AS VARCHAR)", PLAIN },
    /* about the session */
    { "current_setting", SCALAR, 1, 2, "tb", 't', NULL, SETTING },
};

static const struct {
    const char *name, *hint;
} hints[] = {
    { "histogram", "count by width_bucket() or time_bucket()" },
    { "time_bucket_gapfill", "join generate_series() with time_bucket()" },
    { "regexp_matches", "use the operator ~, regexp_substr() or regexp_replace()" },
    { "regexp_match", "use regexp_substr()" },
    { "format", "use concat()" },
    { "jsonb_each", "use jsonb_object_keys() and ->" },
    { "jsonb_path_exists", "use ->, @> or ?" },
    { "jsonb_path_query", "use ->, @> or ?" },
    { "uddsketch", "use approx_percentile(q, percentile_agg(x))" },
    { "tdigest", "use approx_percentile(q, percentile_agg(x))" },
    { "percentile_agg", "write approx_percentile(q, percentile_agg(x))" },
    { "random", "queries here give the same answer twice" },
    { "pg_sleep", "queries do not wait here" },
    { "read_parquet", "tables are otel_logs_and_spans, otel_metrics and telemetry" },
    { "read_csv", "tables are otel_logs_and_spans, otel_metrics and telemetry" },
    { "read_blob", "tables are otel_logs_and_spans, otel_metrics and telemetry" },
};

uint32_t function_count(void)
{
    return (uint32_t)COUNT_OF(functions) + function_catalog_count();
}

const struct function *function_at(uint32_t index)
{
    return index < COUNT_OF(functions) ? &functions[index] : function_catalog_at(index - (uint32_t)COUNT_OF(functions));
}

const struct function *function_find(const char *name)
{
    for (uint32_t i = 0; i < function_count(); i++) {
        const struct function *function = function_at(i);
        if (strcmp(function->name, name) == 0) return function->special == WITHOUT_MEANING ? NULL : function;
    }
    return NULL;
}

const char *function_hint(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (strcmp(hints[i].name, name) == 0) return hints[i].hint;
    return NULL;
}
