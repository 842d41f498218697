#include "timefusion/query/catalog.h"
#include "timefusion/query/function_list.h"

#define NO_TEXT   "CAST(NULL AS VARCHAR)"
#define NO_BOOL   "CAST(NULL AS BOOLEAN)"
#define NO_NUMBER "CAST(NULL AS BIGINT)"
#define NO_INT    "CAST(NULL AS INTEGER)"
#define EXISTS    "(%1 IS NOT NULL)"
#define PID       MARK_OPEN "B0" MARK_CLOSE
#define OWN       MARK_OPEN "D0" MARK_CLOSE
#define USER      MARK_OPEN "U0" MARK_CLOSE

static const struct function functions[] = {
    { "version", SCALAR, 0, 0, "", 't', "'PostgreSQL 15.1 (Monoscope " MONO_VERSION ", DuckDB)'", PLAIN },
    { "current_database", SCALAR, 0, 0, "", 't', "'monoscope'", PLAIN },
    { "current_schema", SCALAR, 0, 0, "", 't', "'public'", PLAIN },
    { "current_schemas", SCALAR, 1, 1, "b", 'T', "CASE WHEN %1 THEN ['pg_catalog', 'public'] ELSE ['public'] END",
      PLAIN },
    { "pg_backend_pid", SCALAR, 0, 0, "", 'i', "CAST(" PID " AS INTEGER)", PLAIN },
    { "pg_cancel_backend", SCALAR, 1, 1, "i", 'b', "mono_backend_signal(" PID ", CAST(%1 AS BIGINT), false)", BACKEND },
    { "pg_terminate_backend", SCALAR, 1, 2, "il", 'b', "mono_backend_signal(" PID ", CAST(%1 AS BIGINT), true)",
      BACKEND },
    { "pg_is_in_recovery", SCALAR, 0, 0, "", 'b', "(false)", PLAIN },
    { "pg_my_temp_schema", SCALAR, 0, 0, "", 'o', "CAST(" MARK_OPEN "D1" MARK_CLOSE " AS BIGINT)", PLAIN },
    { "pg_is_other_temp_schema", SCALAR, 1, 1, "o", 'b', "(%1 IS NULL)", PLAIN },
    { "pg_postmaster_start_time", SCALAR, 0, 0, "", 'z', "CAST(NULL AS TIMESTAMPTZ)", PLAIN },
    { "pg_conf_load_time", SCALAR, 0, 0, "", 'z', "CAST(NULL AS TIMESTAMPTZ)", PLAIN },
    { "inet_server_addr", SCALAR, 0, 0, "", 't', NO_TEXT, PLAIN },
    { "inet_server_port", SCALAR, 0, 0, "", 'i', NO_INT, PLAIN },
    { "inet_client_addr", SCALAR, 0, 0, "", 't', NO_TEXT, PLAIN },
    { "inet_client_port", SCALAR, 0, 0, "", 'i', NO_INT, PLAIN },
    { "set_config", SCALAR, 3, 3, "ttb", 't', NULL, SET_CONFIG },
    { "generate_subscripts", SCALAR, 2, 3, "Aib", 'i', NULL, ROWS },
    /* names and oids */
    { "to_regclass", SCALAR, 1, 1, "t", 'c', "mono_catalog_find('c', %1, " OWN ")", PLAIN },
    { "to_regtype", SCALAR, 1, 1, "t", 'y', "mono_catalog_find('t', %1, '')", PLAIN },
    { "to_regproc", SCALAR, 1, 1, "t", 'p', "mono_catalog_find('p', %1, '')", PLAIN },
    { "to_regnamespace", SCALAR, 1, 1, "t", 'h', "mono_catalog_find('n', %1, " OWN ")", PLAIN },
    { "to_regrole", SCALAR, 1, 1, "t", 'r', "mono_catalog_find('r', %1, '')", PLAIN },
    { "format_type", SCALAR, 2, 2, "oi", 't', "mono_catalog_type(%1, %2)", PLAIN },
    { "quote_ident", SCALAR, 1, 1, "t", 't', "mono_quote_ident(%1)", PLAIN },
    { "parse_ident", SCALAR, 1, 2, "tb", 'T', "mono_name_parts(%1)", PLAIN },
    { "pg_get_userbyid", SCALAR, 1, 1, "o", 't', "CASE %1 WHEN 10 THEN 'monoscope' WHEN 16000 THEN " USER " END",
      PLAIN },
    { "pg_encoding_to_char", SCALAR, 1, 1, "i", 't', "CASE WHEN %1 = 6 THEN 'UTF8' WHEN %1 IS NOT NULL THEN '' END",
      PLAIN },
    { "pg_char_to_encoding", SCALAR, 1, 1, "t", 'i', "CASE WHEN upper(%1) IN ('UTF8', 'UTF-8') THEN 6 ELSE -1 END",
      PLAIN },
    { "getdatabaseencoding", SCALAR, 0, 0, "", 't', "'UTF8'", PLAIN },
    { "pg_client_encoding", SCALAR, 0, 0, "", 't', "'UTF8'", PLAIN },
    { "pg_get_keywords", SCALAR, 0, 0, "", 't', "[" RESERVED_WORDS "]", KEYWORDS },
    { "_pg_expandarray", SCALAR, 1, 1, "A", '?',
      "unnest(list_transform(range(1, len(%1) + 1), lambda n: {'x': %1[n], 'n': CAST(n AS INTEGER)}))", EXPAND_ARRAY },
    { "aclexplode", SCALAR, 1, 1, "A", '?',
      "unnest(list_transform(%1, lambda a: {'grantor': CAST(0 AS BIGINT), 'grantee': CAST(0 AS BIGINT), "
      "'privilege_type': a, 'is_grantable': false}))",
      EXPAND_ARRAY },
    /* what is visible without its schema */
    { "pg_table_is_visible", SCALAR, 1, 1, "o", 'b', "(%1 NOT BETWEEN 13100 AND 13999)", PLAIN },
    { "pg_type_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_function_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_operator_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_opclass_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_opfamily_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_collation_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_conversion_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_statistics_obj_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_ts_config_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    { "pg_ts_dict_is_visible", SCALAR, 1, 1, "o", 'b', EXISTS, PLAIN },
    /* definitions: there are no defaults, constraints, indexes, rules and triggers to have one */
    { "pg_get_expr", SCALAR, 2, 3, "aob", 't', NO_TEXT, PLAIN },
    { "pg_get_constraintdef", SCALAR, 1, 2, "ob", 't', NO_TEXT, PLAIN },
    { "pg_get_indexdef", SCALAR, 1, 3, "oib", 't', NO_TEXT, PLAIN },
    { "pg_get_ruledef", SCALAR, 1, 2, "ob", 't', NO_TEXT, PLAIN },
    { "pg_get_triggerdef", SCALAR, 1, 2, "ob", 't', NO_TEXT, PLAIN },
    { "pg_get_partkeydef", SCALAR, 1, 1, "o", 't', NO_TEXT, PLAIN },
    { "pg_get_partition_constraintdef", SCALAR, 1, 1, "o", 't', NO_TEXT, PLAIN },
    { "pg_get_statisticsobjdef", SCALAR, 1, 1, "o", 't', NO_TEXT, PLAIN },
    { "pg_get_statisticsobjdef_columns", SCALAR, 1, 1, "o", 't', NO_TEXT, PLAIN },
    { "pg_get_serial_sequence", SCALAR, 2, 2, "tt", 't', NO_TEXT, PLAIN },
    { "pg_get_function_arg_default", SCALAR, 2, 2, "oi", 't', NO_TEXT, PLAIN },
    { "pg_get_function_sqlbody", SCALAR, 1, 1, "o", 't', NO_TEXT, PLAIN },
    { "pg_get_viewdef", SCALAR, 1, 2, "ca", 't',
      "CASE %1 WHEN 16386 THEN ' SELECT * FROM otel_logs_and_spans UNION ALL SELECT * FROM otel_metrics -- in the "
      "columns of the first' END",
      PLAIN },
    { "pg_get_functiondef", SCALAR, 1, 1, "p", 't', "mono_catalog_function(%1, 'd')", PLAIN },
    { "pg_get_function_arguments", SCALAR, 1, 1, "p", 't', "coalesce(mono_catalog_function(%1, 'a'), '')", PLAIN },
    { "pg_get_function_identity_arguments", SCALAR, 1, 1, "p", 't', "coalesce(mono_catalog_function(%1, 'a'), '')",
      PLAIN },
    { "pg_get_function_result", SCALAR, 1, 1, "p", 't', "mono_catalog_function(%1, 'r')", PLAIN },
    /* comments */
    { "obj_description", SCALAR, 1, 2, "ot", 't',
      "CASE %1 WHEN 16384 THEN 'a log or a span each' WHEN 16385 THEN 'a data point each' WHEN 16386 THEN 'logs, spans "
      "and "
      "data points, in the columns of otel_logs_and_spans' END",
      PLAIN },
    { "col_description", SCALAR, 2, 2, "oi", 't', NO_TEXT, PLAIN },
    { "shobj_description", SCALAR, 2, 2, "ot", 't', NO_TEXT, PLAIN },
    /* rights */
    { "has_table_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_any_column_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_column_privilege", SCALAR, 3, 4, "aaat", 'b', NULL, MAY },
    { "has_schema_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_database_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_function_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_language_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_sequence_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_tablespace_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "has_type_privilege", SCALAR, 2, 3, "aat", 'b', NULL, MAY },
    { "pg_has_role", SCALAR, 2, 3, "aat", 'b', "(true)", PLAIN },
    { "row_security_active", SCALAR, 1, 1, "a", 'b', "(false)", PLAIN },
    /* sizes and counts: nobody keeps them by these names */
    { "pg_database_size", SCALAR, 1, 1, "a", 'l', NO_NUMBER, PLAIN },
    { "pg_relation_size", SCALAR, 1, 2, "ct", 'l', NO_NUMBER, PLAIN },
    { "pg_total_relation_size", SCALAR, 1, 1, "c", 'l', NO_NUMBER, PLAIN },
    { "pg_table_size", SCALAR, 1, 1, "c", 'l', NO_NUMBER, PLAIN },
    { "pg_indexes_size", SCALAR, 1, 1, "c", 'l', NO_NUMBER, PLAIN },
    { "pg_tablespace_size", SCALAR, 1, 1, "a", 'l', NO_NUMBER, PLAIN },
    { "pg_size_pretty", SCALAR, 1, 1, "l", 't', "%1 || ' bytes'", PLAIN },
    { "pg_stat_get_numscans", SCALAR, 1, 1, "o", 'l', NO_NUMBER, PLAIN },
    { "pg_stat_get_live_tuples", SCALAR, 1, 1, "o", 'l', NO_NUMBER, PLAIN },
    { "pg_tablespace_location", SCALAR, 1, 1, "o", 't', "CASE WHEN %1 IS NOT NULL THEN '' END", PLAIN },
    { "pg_relation_filenode", SCALAR, 1, 1, "c", 'o', NO_NUMBER, PLAIN },
    { "pg_relation_is_publishable", SCALAR, 1, 1, "c", 'b', "(%1 IS NULL)", PLAIN },
    { "pg_relation_is_updatable", SCALAR, 2, 2, "cb", 'i', "CAST(0 * %1 AS INTEGER)", PLAIN },
    { "pg_column_is_updatable", SCALAR, 3, 3, "cib", 'b', "(%1 IS NULL)", PLAIN },
    { "pg_index_column_has_property", SCALAR, 3, 3, "cit", 'b', NO_BOOL, PLAIN },
    { "pg_index_has_property", SCALAR, 2, 2, "ct", 'b', NO_BOOL, PLAIN },
    { "pg_indexam_has_property", SCALAR, 2, 2, "ot", 'b', NO_BOOL, PLAIN },
};

uint32_t function_catalog_count(void)
{
    return COUNT_OF(functions);
}

const struct function *function_catalog_at(uint32_t index)
{
    assert(index < COUNT_OF(functions));
    return &functions[index];
}

bool function_is_ours(const struct function *function)
{
    static const char *const names[] = { "approx_percentile", "approx_count_distinct", "first", "last",
                                         "time_bucket",       "time_bucket_gapfill",   "locf",  "interpolate",
                                         "distinct_count",    "percentile_agg" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], function->name) == 0) return true;
    return false;
}

char function_letter(const struct function *function, uint32_t argument)
{
    size_t letters = strlen(function->arguments);
    return letters == 0 ? 'a' : function->arguments[argument < letters ? argument : letters - 1];
}

uint32_t function_oid_of_letter(char letter)
{
    switch (letter) {
    case 't': return 25;
    case 'i': return 23;
    case 'l': return 20;
    case 'd':
    case 'n': return 701;
    case 'N': return 1700;
    case 'z': return 1184;
    case 'v': return 1186;
    case 'b': return 16;
    case 'j': return 3802;
    case 'D': return 1082;
    case 'u': return 2950;
    case 'T': return 1009;
    case 'A':
    case 'L': return 2277;
    case '=':
    case 'e': return 2283;
    case 'o': return 26;
    case 'c': return 2205;
    case 'y': return 2206;
    case 'p': return 24;
    case 'h': return 4089;
    case 'r': return 4096;
    default: return 2276;
    }
}
