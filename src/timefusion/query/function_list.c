#include "timefusion/query/function_list.h"
#include "timefusion/query/translate.h"

#define JSONPATH_ARGUMENTS "(%1, %2, coalesce(%3, '{}'), coalesce(%4, false))"
/* A separator that is NULL: every character; that is empty: the text as it is. */
#define STRING_TO_ARRAY                                                                                        \
    "list_transform(CASE WHEN %1 = '' THEN CAST([] AS VARCHAR[]) WHEN %2 = '' THEN [%1] WHEN %2 IS NULL THEN " \
    "string_split(%1, '') ELSE string_split(%1, %2) END, lambda e: nullif(e, %3))"

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
    { "jsonb_object_agg", AGGREGATE, 2, 2, "aa", 'j', NULL, JSON_OBJECT_AGG },
    { "json_object_agg", AGGREGATE, 2, 2, "aa", 'j', NULL, JSON_OBJECT_AGG },
    { "any_value", AGGREGATE, 1, 1, "a", '=', NULL, PLAIN },
    { "bit_xor", AGGREGATE, 1, 1, "n", '=', NULL, PLAIN },
    { "regr_count", AGGREGATE, 2, 2, "nn", 'l', NULL, PLAIN },
    { "regr_avgx", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_avgy", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_sxx", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_syy", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "regr_sxy", AGGREGATE, 2, 2, "nn", 'd', NULL, PLAIN },
    { "json_agg", AGGREGATE, 1, 1, "a", 'j', NULL, JSON_AGG },
    { "jsonb_agg", AGGREGATE, 1, 1, "a", 'j', NULL, JSON_AGG },
    { "percentile_cont", AGGREGATE, 1, 1, "d", '?', NULL, PERCENTILE },
    { "percentile_disc", AGGREGATE, 1, 1, "d", '?', NULL, PERCENTILE },
    { "mode", AGGREGATE, 0, 0, "", '?', NULL, MODE },
    { "approx_percentile", AGGREGATE, 2, 2, "da", 'd', NULL, APPROX_PERCENTILE },
    { "percentile_agg", AGGREGATE, 1, 1, "n", '?', NULL, PERCENTILE_AGG },
    { "rollup", AGGREGATE, 1, 1, "a", '?', NULL, PERCENTILE_ROLLUP },
    { "approx_count_distinct", AGGREGATE, 1, 1, "a", 'l', NULL, APPROX_DISTINCT },
    { "hyperloglog", AGGREGATE, 2, 2, "ia", 'l', NULL, APPROX_DISTINCT },
    { "distinct_count", SCALAR, 1, 1, "l", 'l', "%1", PLAIN }, /* Timescale: of what approx_count_distinct gives */
    { "approx_percentile_rank", SCALAR, 2, 2, "dA", 'd',
      "(len(list_filter(%2, lambda e: e <= CAST(%1 AS DOUBLE))) / CAST(nullif(len(%2), 0) AS DOUBLE))", PLAIN },
    { "num_vals", SCALAR, 1, 1, "A", 'l', "CAST(len(%1) AS BIGINT)", PLAIN },
    { "mean", SCALAR, 1, 1, "A", 'd', "list_avg(%1)", PLAIN },
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
    { "time_bucket", SCALAR, 2, 5, "vzazv", 'z', NULL, TIME_BUCKET },
    { "time_bucket_gapfill", SCALAR, 2, 5, "vzazz", 'z', NULL, GAPFILL },
    { "locf", SCALAR, 1, 3, "aab", '=', NULL, GAPFILL },
    { "interpolate", SCALAR, 1, 3, "aaa", '=', NULL, GAPFILL },
    { "date_bin", SCALAR, 3, 3, "vzz", 'z', NULL, TIME_BUCKET },
    { "date_trunc", SCALAR, 2, 3, "tzt", '?', NULL, DATE_TRUNC },
    { "extract", SCALAR, 2, 2, "ta", '?', NULL, EXTRACT },
    { "date_part", SCALAR, 2, 2, "ta", 'd', NULL, EXTRACT },
    { "now", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "transaction_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "statement_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "clock_timestamp", SCALAR, 0, 0, "", 'z', MARK_OPEN "N0" MARK_CLOSE, PLAIN },
    { "to_timestamp", SCALAR, 1, 2, "at", 'z', NULL, TO_TIME },
    { "to_date", SCALAR, 2, 2, "tt", 'D', NULL, TO_TIME },
    { "to_number", SCALAR, 2, 2, "tt", '?', NULL, TO_NUMBER },
    { "make_interval", SCALAR, 0, 7, "iiiiiid", 'v', NULL, MAKE_INTERVAL },
    { "overlaps", SCALAR, 4, 4, "aaaa", 'b',
      "CASE WHEN %1 IS NOT NULL AND %2 IS NOT NULL AND %3 IS NOT NULL AND %4 IS NOT NULL THEN (least(%1, %2) < "
      "greatest(%3, %4) AND least(%3, %4) < greatest(%1, %2)) OR least(%1, %2) = least(%3, %4) END",
      PLAIN },
    { "isfinite", SCALAR, 1, 1, "a", 'b', "isfinite(%1)", PLAIN },
    { "age", SCALAR, 1, 2, "zz", 'v', NULL, AGE },
    { "timezone", SCALAR, 2, 2, "ta", '?', NULL, TIMEZONE },
    { "make_date", SCALAR, 3, 3, "iii", 'D', NULL, PLAIN },
    { "make_timestamptz", SCALAR, 6, 6, "iiiiid", 'z', NULL, PLAIN },
    { "make_timestamp", SCALAR, 6, 6, "iiiiid", 's', NULL, PLAIN },
    { "make_time", SCALAR, 3, 3, "iid", '?', NULL, PLAIN },
    { "justify_hours", SCALAR, 1, 1, "v", 'v', "mono_justify(%1, 1)", PLAIN },
    { "justify_days", SCALAR, 1, 1, "v", 'v', "mono_justify(%1, 2)", PLAIN },
    { "justify_interval", SCALAR, 1, 1, "v", 'v', "mono_justify(%1, 3)", PLAIN },
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
    { "lpad", SCALAR, 2, 3, "tit", 't', NULL, PAD },
    { "rpad", SCALAR, 2, 3, "tit", 't', NULL, PAD },
    { "repeat", SCALAR, 2, 2, "ti", 't',
      "repeat(%1, CASE WHEN strlen(%1) * CAST(%2 AS BIGINT) > 10000 THEN CAST(error('repeat() makes texts of at most "
      "10000 bytes') AS INTEGER) ELSE %2 END)",
      PLAIN },
    { "reverse", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "initcap", SCALAR, 1, 1, "t", 't', "mono_initcap(%1)", PLAIN },
    { "overlay", SCALAR, 3, 4, "ttii", 't', NULL, OVERLAY },
    { "bit_length", SCALAR, 1, 1, "t", 'i', "CAST(8 * strlen(%1) AS INTEGER)", PLAIN },
    { "normalize", SCALAR, 1, 1, "t", 't', "nfc_normalize(%1)", PLAIN },
    { "format", SCALAR, 1, 255, "ta", 't', NULL, FORMAT },
    { "num_nonnulls", SCALAR, 1, 255, "a", 'i', NULL, COUNT_NULLS },
    { "num_nulls", SCALAR, 1, 255, "a", 'i', NULL, COUNT_NULLS },
    { "position", SCALAR, 2, 2, "tt", 'i', "CAST(strpos(%1, %2) AS INTEGER)", PLAIN },
    { "strpos", SCALAR, 2, 2, "tt", 'i', "CAST(strpos(%1, %2) AS INTEGER)", PLAIN },
    { "concat", SCALAR, 1, 255, "a", 't', NULL, CONCAT },
    { "concat_ws", SCALAR, 2, 255, "ta", 't', NULL, CONCAT },
    { "starts_with", SCALAR, 2, 2, "tt", 'b', NULL, PLAIN },
    { "split_part", SCALAR, 3, 3, "tti", 't', NULL, PLAIN },
    { "string_to_array", SCALAR, 2, 3, "ttt", 'T', STRING_TO_ARRAY, PLAIN },
    { "string_to_table", SCALAR, 2, 3, "ttt", 't', STRING_TO_ARRAY, ROWS },
    { "array_to_string", SCALAR, 2, 3, "Att", 't', NULL, ARRAY_TO_STRING },
    { "regexp_replace", SCALAR, 3, 4, "tttt", 't', NULL, REGEXP_REPLACE },
    { "regexp_like", SCALAR, 2, 3, "ttt", 'b', "regexp_matches", PLAIN },
    { "regexp_substr", SCALAR, 2, 2, "tt", 't', "CASE WHEN regexp_matches(%1, %2) THEN regexp_extract(%1, %2) END",
      PLAIN },
    { "regexp_count", SCALAR, 2, 2, "tt", 'i', "CAST(len(regexp_extract_all(%1, %2)) AS INTEGER)", PLAIN },
    { "regexp_match", SCALAR, 2, 3, "ttt", 'T', NULL, REGEXP_MATCH },
    { "regexp_matches", SCALAR, 2, 3, "ttt", 'T', NULL, ROWS },
    { "regexp_split_to_table", SCALAR, 2, 2, "tt", 't', "regexp_split_to_array(%1, %2)", ROWS },
    { "regexp_split_to_array", SCALAR, 2, 2, "tt", 'T', "regexp_split_to_array(%1, %2)", PLAIN },
    { "md5", SCALAR, 1, 1, "t", 't', NULL, PLAIN },
    { "ascii", SCALAR, 1, 1, "t", 'i', NULL, PLAIN },
    { "chr", SCALAR, 1, 1, "i", 't', NULL, PLAIN },
    { "to_hex", SCALAR, 1, 1, "n", 't', NULL, TO_HEX },
    { "encode", SCALAR, 2, 2, "at", 't', NULL, ENCODE },
    { "decode", SCALAR, 2, 2, "tt", '?', NULL, ENCODE },
    { "quote_literal", SCALAR, 1, 1, "a", 't', "mono_quote_literal(CAST(%1 AS VARCHAR))", PLAIN },
    { "quote_nullable", SCALAR, 1, 1, "a", 't', "coalesce(mono_quote_literal(CAST(%1 AS VARCHAR)), 'NULL')", PLAIN },
    /* numbers */
    { "abs", SCALAR, 1, 1, "n", '=', NULL, PLAIN },
    { "round", SCALAR, 1, 2, "ni", '=', NULL, ROUND },
    { "trunc", SCALAR, 1, 2, "ni", '=', NULL, ROUND },
    { "floor", SCALAR, 1, 1, "n", '=', NULL, ROUND },
    { "ceil", SCALAR, 1, 1, "n", '=', NULL, ROUND },
    { "ceiling", SCALAR, 1, 1, "n", '=', "ceil", ROUND },
    { "power", SCALAR, 2, 2, "dd", 'd', NULL, PLAIN },
    { "pow", SCALAR, 2, 2, "dd", 'd', "power", PLAIN },
    { "sqrt", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cbrt", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "exp", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "ln", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "log", SCALAR, 1, 2, "dd", 'd', NULL, LOG },
    { "log10", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "mod", SCALAR, 2, 2, "nn", '=', "(%1 % %2)", PLAIN },
    { "sign", SCALAR, 1, 1, "n", 'd', NULL, SIGN },
    { "div", SCALAR, 2, 2, "nn", 'm', "CAST(trunc(CAST(%1 AS DOUBLE) / CAST(%2 AS DOUBLE)) AS DECIMAL(38,0))", PLAIN },
    { "gcd", SCALAR, 2, 2, "n=", '=', NULL, SAME_TYPE },
    { "lcm", SCALAR, 2, 2, "n=", '=', NULL, SAME_TYPE },
    { "factorial", SCALAR, 1, 1, "l", 'm', "CAST(factorial(CAST(%1 AS INTEGER)) AS DECIMAL(38,0))", PLAIN },
    { "degrees", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "radians", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cot", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "asin", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "acos", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "atan", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "atan2", SCALAR, 2, 2, "dd", 'd', NULL, PLAIN },
    { "sinh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cosh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "tanh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "asinh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "acosh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "atanh", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "pi", SCALAR, 0, 0, "", 'd', NULL, PLAIN },
    { "sin", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "cos", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "tan", SCALAR, 1, 1, "d", 'd', NULL, PLAIN },
    { "log_step", SCALAR, 1, 1, "l", 'l', "mono_log_step(CAST(%1 AS BIGINT))", PLAIN },
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
    { "array_cat", SCALAR, 2, 2, "A=", '=', "CASE WHEN %1 IS NOT NULL OR %2 IS NOT NULL THEN list_concat(%1, %2) END",
      PLAIN },
    { "array_remove", SCALAR, 2, 2, "Ae", '=', "list_filter(%1, lambda e: e IS DISTINCT FROM %2)", PLAIN },
    { "array_replace", SCALAR, 3, 3, "Aee", '=',
      "list_transform(%1, lambda e: CASE WHEN e IS NOT DISTINCT FROM %2 THEN %3 ELSE e END)", PLAIN },
    { "array_positions", SCALAR, 2, 2, "Ae", 'I',
      "CAST(list_filter(range(1, len(%1) + 1), lambda i: list_extract(%1, i) IS NOT DISTINCT FROM %2) AS INTEGER[])",
      PLAIN },
    { "array_prepend", SCALAR, 2, 2, "aA", '2', "list_concat([%1], %2)", PLAIN },
    { "array_upper", SCALAR, 2, 2, "Ai", 'i', "CASE WHEN %2 = 1 AND len(%1) > 0 THEN CAST(len(%1) AS INTEGER) END",
      PLAIN },
    { "array_lower", SCALAR, 2, 2, "Ai", 'i', "CASE WHEN %2 = 1 AND len(%1) > 0 THEN 1 END", PLAIN },
    { "array_ndims", SCALAR, 1, 1, "A", 'i', "CASE WHEN len(%1) > 0 THEN 1 END", PLAIN },
    { "array_dims", SCALAR, 1, 1, "A", 't', "CASE WHEN len(%1) > 0 THEN '[1:' || len(%1) || ']' END", PLAIN },
    { "trim_array", SCALAR, 2, 2, "Ai", '=', "list_slice(%1, 1, len(%1) - %2)", PLAIN },
    { "unnest", SCALAR, 1, FUNCTION_LISTS_MAX, "A", 'e', NULL, ROWS },
    { "generate_series", SCALAR, 2, 3, "aaa", '=', NULL, ROWS },
    { "jsonb_path_query", SCALAR, 2, 4, "jtjb", 'j', "mono_jsonpath_list" JSONPATH_ARGUMENTS, ROWS },
    { "jsonb_each", SCALAR, 1, 1, "j", 'j', NULL, JSON_EACH },
    { "jsonb_each_text", SCALAR, 1, 1, "j", 't', NULL, JSON_EACH },
    { "json_each", SCALAR, 1, 1, "j", 'j', NULL, JSON_EACH },
    { "json_each_text", SCALAR, 1, 1, "j", 't', NULL, JSON_EACH },
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
    { "jsonb_path_exists", SCALAR, 2, 4, "jtjb", 'b', "mono_jsonpath_exists" JSONPATH_ARGUMENTS, PLAIN },
    { "jsonb_path_match", SCALAR, 2, 4, "jtjb", 'b', "mono_jsonpath_match" JSONPATH_ARGUMENTS, PLAIN },
    { "jsonb_path_query_first", SCALAR, 2, 4, "jtjb", 'j', "mono_jsonpath_first" JSONPATH_ARGUMENTS, PLAIN },
    { "jsonb_path_query_array", SCALAR, 2, 4, "jtjb", 'j', "mono_jsonpath_array" JSONPATH_ARGUMENTS, PLAIN },
    { "jsonb_set", SCALAR, 3, 4, "jTjb", 'j', "mono_jsonb_set(%1, %2, %3, coalesce(%4, true), 0)", PLAIN },
    { "jsonb_insert", SCALAR, 3, 4, "jTjb", 'j',
      "mono_jsonb_set(%1, %2, %3, true, CASE WHEN coalesce(%4, false) THEN 2 ELSE 1 END)", PLAIN },
    { "jsonb_strip_nulls", SCALAR, 1, 1, "j", 'j', "mono_jsonb_strip_nulls(%1)", PLAIN },
    { "json_strip_nulls", SCALAR, 1, 1, "j", 'j', "mono_jsonb_strip_nulls(%1)", PLAIN },
    { "jsonb_object", SCALAR, 1, 2, "TT", 'j', NULL, JSON_OBJECT_OF_LISTS },
    { "json_object", SCALAR, 1, 2, "TT", 'j', NULL, JSON_OBJECT_OF_LISTS },
    { "jsonb_pretty", SCALAR, 1, 1, "j", 't', "CAST(json_pretty(%1) AS VARCHAR)", PLAIN },
    /* about the session */
    { "current_setting", SCALAR, 1, 2, "tb", 't', NULL, SETTING },
};

static const struct {
    const char *name, *hint;
} hints[] = {
    { "histogram", "count by width_bucket() or time_bucket()" },
    { "uddsketch", "use approx_percentile(q, percentile_agg(x))" },
    { "tdigest", "use approx_percentile(q, percentile_agg(x))" },
    { "stderror", "counts of distinct values are off by some 2 %" },
    { "jsonb_to_recordset", "use jsonb_array_elements() and ->>" },
    { "jsonb_to_record", "use ->>" },
    { "jsonb_populate_record", "use ->>" },
    { "row_to_json", "use jsonb_build_object()" },
    { "array_to_json", "use to_jsonb()" },
    { "array_fill", "use array_agg() over generate_series()" },
    { "date_add", "use + interval" },
    { "date_subtract", "use - interval" },
    { "regexp_instr", "use strpos() of regexp_substr()" },
    { "unistr", "use chr() or U&'...'" },
    { "sha256", "use md5()" },
    { "counter_agg", "use max() - min() or lag() OVER (ORDER BY timestamp)" },
    { "gauge_agg", "use avg()" },
    { "time_weight", "use avg()" },
    { "stats_agg", "use avg(), stddev() and regr_slope()" },
    { "candlestick_agg", "use first(), max(), min() and last()" },
    { "asap_smooth", "use avg() OVER (ORDER BY timestamp ROWS ...)" },
    { "lttb", "use time_bucket()" },
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

const char *function_nearest(const char *name)
{
    const char *best = NULL;
    int least = (int)strlen(name) / 3 + 1;
    for (uint32_t i = 0; i < function_count(); i++) {
        const struct function *function = function_at(i);
        int distance = function->special == WITHOUT_MEANING ? least : text_distance(name, function->name);
        if (distance < least) best = function->name, least = distance;
    }
    return best;
}
