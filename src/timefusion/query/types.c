#include "timefusion/query/plan.h"
#include <strings.h>

static const struct {
    enum query_type type;
    const char *duckdb, *name, *list_duckdb, *list_name;
} types[] = {
    { QUERY_TYPE_UNKNOWN, "VARCHAR", "unknown", "VARCHAR[]", "unknown[]" },
    { QUERY_TYPE_BOOL, "BOOLEAN", "boolean", "BOOLEAN[]", "boolean[]" },
    { QUERY_TYPE_INT2, "SMALLINT", "smallint", "SMALLINT[]", "smallint[]" },
    { QUERY_TYPE_INT4, "INTEGER", "integer", "INTEGER[]", "integer[]" },
    { QUERY_TYPE_INT8, "BIGINT", "bigint", "BIGINT[]", "bigint[]" },
    { QUERY_TYPE_FLOAT4, "FLOAT", "real", "FLOAT[]", "real[]" },
    { QUERY_TYPE_FLOAT8, "DOUBLE", "double precision", "DOUBLE[]", "double precision[]" },
    { QUERY_TYPE_NUMERIC, "DECIMAL(38,10)", "numeric", "DECIMAL(38,10)[]", "numeric[]" },
    { QUERY_TYPE_TEXT, "VARCHAR", "text", "VARCHAR[]", "text[]" },
    { QUERY_TYPE_BYTEA, "BLOB", "bytea", "BLOB[]", "bytea[]" },
    { QUERY_TYPE_UUID, "UUID", "uuid", "UUID[]", "uuid[]" },
    { QUERY_TYPE_JSONB, "VARCHAR", "jsonb", "VARCHAR[]",
      "jsonb[]" }, /* JSON stays text: casting would check it again */
    { QUERY_TYPE_DATE, "DATE", "date", "DATE[]", "date[]" },
    { QUERY_TYPE_TIME, "TIME", "time without time zone", "TIME[]", "time without time zone[]" },
    { QUERY_TYPE_TIMESTAMP, "TIMESTAMP", "timestamp without time zone", "TIMESTAMP[]",
      "timestamp without time zone[]" },
    { QUERY_TYPE_TIMESTAMPTZ, "TIMESTAMPTZ", "timestamp with time zone", "TIMESTAMPTZ[]",
      "timestamp with time zone[]" },
    { QUERY_TYPE_INTERVAL, "INTERVAL", "interval", "INTERVAL[]", "interval[]" },
    { QUERY_TYPE_VECTOR_OID, "BIGINT", "oid", "BIGINT[]", "oidvector" },
    { QUERY_TYPE_OID, "BIGINT", "oid", "BIGINT[]", "oid[]" },
    { QUERY_TYPE_REGCLASS, "BIGINT", "regclass", "BIGINT[]", "regclass[]" },
    { QUERY_TYPE_REGTYPE, "BIGINT", "regtype", "BIGINT[]", "regtype[]" },
    { QUERY_TYPE_REGPROC, "BIGINT", "regproc", "BIGINT[]", "regproc[]" },
    { QUERY_TYPE_REGNAMESPACE, "BIGINT", "regnamespace", "BIGINT[]", "regnamespace[]" },
    { QUERY_TYPE_REGROLE, "BIGINT", "regrole", "BIGINT[]", "regrole[]" },
};

const char *type_duckdb(enum query_type type)
{
    enum query_type element = type_element(type);
    assert(element < COUNT_OF(types) && types[element].type == element);
    return type_is_list(type) ? types[element].list_duckdb : types[element].duckdb;
}

const char *type_name(enum query_type type)
{
    enum query_type element = type_element(type);
    assert(element < COUNT_OF(types) && types[element].type == element);
    return type_is_list(type) ? types[element].list_name : types[element].name;
}

enum query_type type_of_schema(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE: return QUERY_TYPE_DATE;
    case SCHEMA_TYPE_TIMESTAMPTZ: return QUERY_TYPE_TIMESTAMPTZ;
    case SCHEMA_TYPE_UUID: return QUERY_TYPE_UUID;
    case SCHEMA_TYPE_TEXT: return QUERY_TYPE_TEXT;
    case SCHEMA_TYPE_JSON: return QUERY_TYPE_JSONB;
    case SCHEMA_TYPE_INTEGER: return QUERY_TYPE_INT4;
    case SCHEMA_TYPE_BIGINT: return QUERY_TYPE_INT8;
    case SCHEMA_TYPE_DOUBLE: return QUERY_TYPE_FLOAT8;
    case SCHEMA_TYPE_BOOLEAN: return QUERY_TYPE_BOOL;
    case SCHEMA_TYPE_TEXT_LIST: return type_list_of(QUERY_TYPE_TEXT);
    case SCHEMA_TYPE_BIGINT_LIST: return type_list_of(QUERY_TYPE_INT8);
    case SCHEMA_TYPE_DOUBLE_LIST: return type_list_of(QUERY_TYPE_FLOAT8);
    }
    return QUERY_TYPE_UNKNOWN;
}

enum query_type type_by_name(const char *name)
{
    static const struct {
        const char *name;
        enum query_type type;
    } names[] = {
        { "bool", QUERY_TYPE_BOOL },
        { "boolean", QUERY_TYPE_BOOL },
        { "int2", QUERY_TYPE_INT2 },
        { "smallint", QUERY_TYPE_INT2 },
        { "int4", QUERY_TYPE_INT4 },
        { "int", QUERY_TYPE_INT4 },
        { "integer", QUERY_TYPE_INT4 },
        { "int8", QUERY_TYPE_INT8 },
        { "bigint", QUERY_TYPE_INT8 },
        { "oid", QUERY_TYPE_OID },
        { "float4", QUERY_TYPE_FLOAT4 },
        { "real", QUERY_TYPE_FLOAT4 },
        { "float8", QUERY_TYPE_FLOAT8 },
        { "numeric", QUERY_TYPE_NUMERIC },
        { "decimal", QUERY_TYPE_NUMERIC },
        { "text", QUERY_TYPE_TEXT },
        { "varchar", QUERY_TYPE_TEXT },
        { "bpchar", QUERY_TYPE_TEXT },
        { "name", QUERY_TYPE_TEXT },
        { "char", QUERY_TYPE_TEXT },
        { "bytea", QUERY_TYPE_BYTEA },
        { "uuid", QUERY_TYPE_UUID },
        { "json", QUERY_TYPE_JSONB },
        { "jsonb", QUERY_TYPE_JSONB },
        { "date", QUERY_TYPE_DATE },
        { "time", QUERY_TYPE_TIME },
        { "timestamp", QUERY_TYPE_TIMESTAMP },
        { "timestamptz", QUERY_TYPE_TIMESTAMPTZ },
        { "interval", QUERY_TYPE_INTERVAL },
        { "regclass", QUERY_TYPE_REGCLASS },
        { "regtype", QUERY_TYPE_REGTYPE },
        { "regproc", QUERY_TYPE_REGPROC },
        { "regprocedure", QUERY_TYPE_REGPROC },
        { "regnamespace", QUERY_TYPE_REGNAMESPACE },
        { "regrole", QUERY_TYPE_REGROLE },
        { "xid", QUERY_TYPE_INT8 },
        { "int2vector", (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_INT2) },
        { "oidvector", (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_VECTOR_OID) },
        { "sql_identifier", QUERY_TYPE_TEXT },
        { "character_data", QUERY_TYPE_TEXT },
        { "cardinal_number", QUERY_TYPE_INT4 },
        { "yes_or_no", QUERY_TYPE_TEXT },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcasecmp(names[i].name, name) == 0) return names[i].type;
    return QUERY_TYPE_UNKNOWN;
}

static const struct setting_definition settings[] = {
    [SETTING_TIMEZONE] = { "TimeZone", "UTC", false },
    [SETTING_STATEMENT_TIMEOUT] = { "statement_timeout", "0", false },
    [SETTING_KEPT_PARTS] = { "monoscope.kept_parts", "on", false }, /* kept.h */
    [SETTING_ROLLUPS] = { "monoscope.rollups", "on", false },       /* cube.h */
    [SETTING_IDLE_SESSION_TIMEOUT] = { "idle_session_timeout", "0", false },
    /* Not for ever, as PostgreSQL has it: files that a transaction sees stay until it ends. */
    [SETTING_IDLE_IN_TRANSACTION_TIMEOUT] = { "idle_in_transaction_session_timeout", "10min", false },
    [SETTING_TRANSACTION_TIMEOUT] = { "transaction_timeout", "0", false },
    { "application_name", "", false },
    { "client_encoding", "UTF8", false },
    { "search_path", "public", false },
    { "extra_float_digits", "1", false },
    { "DateStyle", "ISO, MDY", false },
    { "IntervalStyle", "postgres", false },
    { "bytea_output", "hex", false },
    { "standard_conforming_strings", "on", false },
    { "client_min_messages", "notice", false },
    { "lock_timeout", "0", false },
    { "default_transaction_read_only", "off", false },
    { "default_transaction_isolation", "repeatable read", false },
    { "transaction_isolation", "repeatable read", false },
    { "transaction_read_only", "off", false },
    { "row_security", "off", false },
    { "jit", "off", false },
    { "default_table_access_method", "heap", false },
    { "max_index_keys", "32", true },
    { "max_parallel_workers_per_gather", "0", false },
    { "work_mem", "4MB", false },
    { "server_version", "15.1", true },
    { "server_version_num", "150001", true },
    { "server_encoding", "UTF8", true },
    { "integer_datetimes", "on", true },
    { "is_superuser", "off", true },
    { "max_identifier_length", "63", true },
    { "in_hot_standby", "off", true },
    { "lc_collate", "C", true },
    { "lc_ctype", "C", true },
};
static_assert(COUNT_OF(settings) <= SETTINGS_MAX, "a session has room for each");

uint32_t setting_count(void)
{
    return COUNT_OF(settings);
}

const struct setting_definition *setting_definition(uint32_t setting)
{
    assert(setting < COUNT_OF(settings));
    return &settings[setting];
}

int setting_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (strcasecmp(settings[i].name, name) == 0) return (int)i;
    return -1;
}
