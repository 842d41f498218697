#include "timefusion/query/catalog.h"
#include "timefusion/query/function_list.h"
#include "timefusion/query/plan.h"
#include <stdio.h>

/* -- types ------------------------------------------------------------------------------------------------------- */

static const struct catalog_type types[] = {
    { "bool", 16, 1000, 1, true, 'b', 'B', true, 'c', 'p', "bool", "boolean" },
    { "bytea", 17, 1001, -1, false, 'b', 'U', false, 'i', 'x', "bytea", "bytea" },
    { "char", 18, 1002, 1, true, 'b', 'Z', false, 'c', 'p', "char", "\"char\"" },
    { "name", 19, 1003, 64, false, 'b', 'S', false, 'c', 'p', "name", "name" },
    { "int8", 20, 1016, 8, true, 'b', 'N', false, 'd', 'p', "int8", "bigint" },
    { "int2", 21, 1005, 2, true, 'b', 'N', false, 's', 'p', "int2", "smallint" },
    { "int2vector", 22, 1006, -1, false, 'b', 'A', false, 'i', 'p', "int2vector", "int2vector" },
    { "int4", 23, 1007, 4, true, 'b', 'N', false, 'i', 'p', "int4", "integer" },
    { "regproc", 24, 1008, 4, true, 'b', 'N', false, 'i', 'p', "regproc", "regproc" },
    { "text", 25, 1009, -1, false, 'b', 'S', true, 'i', 'x', "text", "text" },
    { "oid", 26, 1028, 4, true, 'b', 'N', true, 'i', 'p', "oid", "oid" },
    { "tid", 27, 1010, 6, false, 'b', 'U', false, 's', 'p', "tid", "tid" },
    { "xid", 28, 1011, 4, true, 'b', 'U', false, 'i', 'p', "xid", "xid" },
    { "cid", 29, 1012, 4, true, 'b', 'U', false, 'i', 'p', "cid", "cid" },
    { "oidvector", 30, 1013, -1, false, 'b', 'A', false, 'i', 'p', "oidvector", "oidvector" },
    { "json", 114, 199, -1, false, 'b', 'U', false, 'i', 'x', "json_", "json" },
    { "xml", 142, 143, -1, false, 'b', 'U', false, 'i', 'x', "xml_", "xml" },
    { "pg_node_tree", 194, 0, -1, false, 'b', 'Z', false, 'i', 'x', "pg_node_tree_", "pg_node_tree" },
    { "float4", 700, 1021, 4, true, 'b', 'N', false, 'i', 'p', "float4", "real" },
    { "float8", 701, 1022, 8, true, 'b', 'N', true, 'd', 'p', "float8", "double precision" },
    { "unknown", 705, 0, -2, false, 'p', 'X', false, 'c', 'p', "unknown", "unknown" },
    { "money", 790, 791, 8, true, 'b', 'N', false, 'd', 'p', "cash_", "money" },
    { "inet", 869, 1041, -1, false, 'b', 'I', true, 'i', 'm', "inet_", "inet" },
    { "aclitem", 1033, 1034, 12, false, 'b', 'U', false, 'i', 'p', "aclitem", "aclitem" },
    { "bpchar", 1042, 1014, -1, false, 'b', 'S', false, 'i', 'x', "bpchar", "character" },
    { "varchar", 1043, 1015, -1, false, 'b', 'S', false, 'i', 'x', "varchar", "character varying" },
    { "date", 1082, 1182, 4, true, 'b', 'D', false, 'i', 'p', "date_", "date" },
    { "time", 1083, 1183, 8, true, 'b', 'D', false, 'd', 'p', "time_", "time without time zone" },
    { "timestamp", 1114, 1115, 8, true, 'b', 'D', false, 'd', 'p', "timestamp_", "timestamp without time zone" },
    { "timestamptz", 1184, 1185, 8, true, 'b', 'D', true, 'd', 'p', "timestamptz_", "timestamp with time zone" },
    { "interval", 1186, 1187, 16, false, 'b', 'T', true, 'd', 'p', "interval_", "interval" },
    { "timetz", 1266, 1270, 12, false, 'b', 'D', false, 'd', 'p', "timetz_", "time with time zone" },
    { "bit", 1560, 1561, -1, false, 'b', 'V', false, 'i', 'x', "bit_", "bit" },
    { "varbit", 1562, 1563, -1, false, 'b', 'V', true, 'i', 'x', "varbit_", "bit varying" },
    { "numeric", 1700, 1231, -1, false, 'b', 'N', false, 'i', 'm', "numeric_", "numeric" },
    { "refcursor", 1790, 2201, -1, false, 'b', 'U', false, 'i', 'x', "text", "refcursor" },
    { "regoper", 2203, 2208, 4, true, 'b', 'N', false, 'i', 'p', "regoper", "regoper" },
    { "regclass", 2205, 2210, 4, true, 'b', 'N', false, 'i', 'p', "regclass", "regclass" },
    { "regtype", 2206, 2211, 4, true, 'b', 'N', false, 'i', 'p', "regtype", "regtype" },
    { "record", 2249, 2287, -1, false, 'p', 'P', false, 'd', 'x', "record_", "record" },
    { "cstring", 2275, 1263, -2, false, 'p', 'P', false, 'c', 'p', "cstring_", "cstring" },
    { "any", 2276, 0, 4, true, 'p', 'P', false, 'i', 'p', "any_", "\"any\"" },
    { "anyarray", 2277, 0, -1, false, 'p', 'P', false, 'd', 'x', "anyarray_", "anyarray" },
    { "void", 2278, 0, 4, true, 'p', 'P', false, 'i', 'p', "void_", "void" },
    { "trigger", 2279, 0, 4, true, 'p', 'P', false, 'i', 'p', "trigger_", "trigger" },
    { "internal", 2281, 0, 8, true, 'p', 'P', false, 'd', 'p', "internal_", "internal" },
    { "anyelement", 2283, 0, 4, true, 'p', 'P', false, 'i', 'p', "anyelement_", "anyelement" },
    { "uuid", 2950, 2951, 16, false, 'b', 'U', false, 'c', 'p', "uuid_", "uuid" },
    { "jsonb", 3802, 3807, -1, false, 'b', 'U', false, 'i', 'x', "jsonb_", "jsonb" },
    { "regnamespace", 4089, 4090, 4, true, 'b', 'N', false, 'i', 'p', "regnamespace", "regnamespace" },
    { "regrole", 4096, 4097, 4, true, 'b', 'N', false, 'i', 'p', "regrole", "regrole" },
};

uint32_t catalog_type_count(void)
{
    return COUNT_OF(types);
}

const struct catalog_type *catalog_type(uint32_t index)
{
    assert(index < COUNT_OF(types));
    return &types[index];
}

const struct catalog_type *catalog_type_by_oid(uint32_t oid)
{
    for (size_t t = 0; t < COUNT_OF(types); t++)
        if (types[t].oid == oid || (types[t].array_oid == oid && oid > 0)) return &types[t];
    assert(!"a type that is listed");
    return &types[0];
}

const struct catalog_type *catalog_type_of(enum query_type type)
{
    static const uint16_t oids[] = {
        [QUERY_TYPE_BOOL] = 16,       [QUERY_TYPE_INT2] = 21,        [QUERY_TYPE_INT4] = 23,
        [QUERY_TYPE_INT8] = 20,       [QUERY_TYPE_FLOAT4] = 700,     [QUERY_TYPE_FLOAT8] = 701,
        [QUERY_TYPE_NUMERIC] = 1700,  [QUERY_TYPE_TEXT] = 25,        [QUERY_TYPE_BYTEA] = 17,
        [QUERY_TYPE_UUID] = 2950,     [QUERY_TYPE_JSONB] = 3802,     [QUERY_TYPE_DATE] = 1082,
        [QUERY_TYPE_TIME] = 1083,     [QUERY_TYPE_TIMESTAMP] = 1114, [QUERY_TYPE_TIMESTAMPTZ] = 1184,
        [QUERY_TYPE_INTERVAL] = 1186, [QUERY_TYPE_OID] = 26,         [QUERY_TYPE_REGCLASS] = 2205,
        [QUERY_TYPE_REGTYPE] = 2206,  [QUERY_TYPE_REGPROC] = 24,     [QUERY_TYPE_REGNAMESPACE] = 4089,
        [QUERY_TYPE_REGROLE] = 4096,
    };
    enum query_type element = type_element(type);
    uint32_t oid = (size_t)element < COUNT_OF(oids) ? oids[element] : 0;
    return catalog_type_by_oid(oid > 0 ? oid : 25);
}

uint32_t catalog_type_oid(enum query_type type)
{
    const struct catalog_type *found = catalog_type_of(type);
    return type_is_list(type) ? found->array_oid : found->oid;
}

static bool type_line(struct buf *buf, bool is_first, const struct catalog_type *type, bool is_array)
{
    uint32_t io = is_array ? CATALOG_IO_OID : CATALOG_IO_OID + 4 * (1 + (uint32_t)(type - types));
    bool has_collation = !is_array && (type->oid == 25 || type->oid == 1042 || type->oid == 1043);
    const char *align = type->align == 'd' ? "d" : "i";
    return buf_printf(buf, "%s%u|%s%s|%d|%s|%c|%c|%s|%u|%u|%u|%u|%u|%u|%c|%c|%u", is_first ? "" : "\n",
                      is_array ? type->array_oid : type->oid, is_array ? "_" : "", type->name,
                      is_array ? -1 : type->length, !is_array && type->is_by_value ? "true" : "false",
                      is_array ? 'b' : type->kind, is_array ? 'A' : type->category,
                      !is_array && type->is_preferred ? "true" : "false",
                      is_array                                   ? type->oid
                      : type->oid == 22                          ? 21
                      : type->oid == 30                          ? 26
                      : type->category == 'S' && type->oid == 19 ? 18
                                                                 : 0,
                      is_array ? 0 : type->array_oid, io, io + 1, io + 2, io + 3, is_array ? *align : type->align,
                      is_array ? 'x' : type->storage, has_collation ? 100 : 0);
}

static bool pg_type_write(struct buf *buf)
{
    bool ok = true;
    for (size_t t = 0; ok && t < COUNT_OF(types); t++) {
        ok = type_line(buf, t == 0, &types[t], false);
        if (ok && types[t].array_oid > 0) ok = type_line(buf, false, &types[t], true);
    }
    return ok;
}

/* -- tables and columns ------------------------------------------------------------------------------------------ */

const struct schema_table *catalog_table(uint32_t index, const char **name)
{
    assert(index < CATALOG_TABLES);
    const struct schema_table *table = schema_table(index == 1 ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS);
    *name = index == 2 ? "telemetry" : table->name;
    return table;
}

/* A table of ours, or of the catalog itself. */
struct shown {
    const char *schema, *name;
    uint32_t schema_oid, oid, column_count;
    bool is_view;
    const struct schema_table *table; /* NULL: of the catalog */
    const struct catalog_definition *definition;
};
struct shown_column {
    struct bytes name;
    uint32_t type_oid;
    bool is_list, is_required;
};

static uint32_t shown_count(void)
{
    return CATALOG_TABLES + catalog_definition_count();
}

static struct shown shown_at(uint32_t index)
{
    struct shown shown = { .schema = "public", .schema_oid = CATALOG_NAMESPACE_PUBLIC };
    if (index < CATALOG_TABLES) {
        shown.table = catalog_table(index, &shown.name);
        shown.oid = CATALOG_TABLE_OID + index;
        shown.is_view = index == 2;
        shown.column_count = shown.table->column_count;
        return shown;
    }
    shown.definition = catalog_definition(index - CATALOG_TABLES);
    shown.schema = shown.definition->schema;
    shown.name = shown.definition->name;
    shown.schema_oid = strcmp(shown.schema, "pg_catalog") == 0 ? CATALOG_NAMESPACE_PG : CATALOG_NAMESPACE_INFORMATION;
    shown.oid = catalog_definition_oid(index - CATALOG_TABLES);
    shown.is_view = shown.definition->kind == 'v';
    struct catalog_column column;
    for (const char *at = shown.definition->columns; catalog_column_next(&at, &column);) shown.column_count++;
    return shown;
}

/* The next column; *at NULL at first and *index 0. */
static bool shown_column_next(const struct shown *shown, const char **at, uint32_t *index, struct shown_column *column)
{
    if (shown->table) {
        if (*index == shown->column_count) return false;
        const struct schema_column *own = &shown->table->columns[(*index)++];
        enum query_type type = type_of_schema(own->type);
        *column = (struct shown_column){ .name = bytes_of_text(own->name),
                                         .type_oid = catalog_type_oid(type),
                                         .is_list = type_is_list(type),
                                         .is_required = (own->flags & SCHEMA_NOT_NULL) != 0 };
        return true;
    }
    struct catalog_column of_catalog;
    if (!*at) *at = shown->definition->columns;
    if (!catalog_column_next(at, &of_catalog)) return false;
    ++*index;
    *column = (struct shown_column){ .name = bytes_from(of_catalog.name, of_catalog.name_len),
                                     .type_oid = catalog_column_oid(of_catalog.letter),
                                     .is_list = strchr("ATOSX", of_catalog.letter) != NULL,
                                     .is_required = of_catalog.is_required };
    return true;
}

static bool pg_class_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < shown_count(); i++) {
        struct shown shown = shown_at(i);
        ok = buf_printf(buf, "%s%u|%s|%u|%c|%u|%u|%u|%s|p", i ? "\n" : "", shown.oid, shown.name, shown.schema_oid,
                        shown.is_view ? 'v' : 'r', shown.column_count, shown.is_view ? 0 : 2,
                        shown.is_view ? 0 : shown.oid, shown.is_view ? "true" : "false");
    }
    return ok;
}

static bool pg_attribute_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < shown_count(); i++) {
        struct shown shown = shown_at(i);
        struct shown_column column;
        const char *at = NULL;
        uint32_t number = 0;
        while (ok && shown_column_next(&shown, &at, &number, &column)) {
            const struct catalog_type *type = catalog_type_by_oid(column.type_oid);
            bool is_text = type->oid == 25 || type->oid == 1043 || type->oid == 19;
            ok = buf_printf(buf, "%s%u|%.*s|%u|%d|%u|%d|%s|%c|%c|%s|%u|-1", buf->len && (i || number > 1) ? "\n" : "",
                            shown.oid, (int)column.name.len, (const char *)column.name.ptr, column.type_oid,
                            column.is_list ? -1 : type->length, number, column.is_list,
                            !column.is_list && type->is_by_value ? "true" : "false", column.is_list ? 'i' : type->align,
                            column.is_list ? 'x' : type->storage, column.is_required ? "true" : "false",
                            is_text && !column.is_list ? 100 : 0);
        }
    }
    return ok;
}

static bool tables_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < shown_count(); i++) {
        struct shown shown = shown_at(i);
        ok = buf_printf(buf, "%s%s|%s|%s|NO", i ? "\n" : "", shown.schema, shown.name,
                        shown.is_view ? "VIEW" : "BASE TABLE");
    }
    return ok;
}

void catalog_precision_put(uint32_t oid, int modifier, char separator, char text[64])
{
    static const struct {
        uint32_t oid, precision, radix;
        int scale, time; /* -1: none */
    } precisions[] = {
        { 21, 16, 2, 0, -1 },   { 23, 32, 2, 0, -1 },    { 20, 64, 2, 0, -1 },  { 700, 24, 2, -1, -1 },
        { 701, 53, 2, -1, -1 }, { 1700, 0, 10, -1, -1 }, { 1082, 0, 0, -1, 0 }, { 1083, 0, 0, -1, 6 },
        { 1114, 0, 0, -1, 6 },  { 1184, 0, 0, -1, 6 },   { 1186, 0, 0, -1, 6 },
    };
    char numbers[4][12] = { "", "", "", "" };
    for (size_t i = 0; i < COUNT_OF(precisions); i++) {
        if (precisions[i].oid != oid) continue;
        uint32_t precision = precisions[i].precision;
        int scale = precisions[i].scale, time = precisions[i].time;
        if (oid == 1700 && modifier >= 4) {
            precision = (uint32_t)(modifier - 4) >> 16;
            scale = (modifier - 4) & 0x7FF;
        }
        if (time == 6 && modifier >= 0 && oid != 1186) time = modifier;
        if (precision > 0) snprintf(numbers[0], sizeof numbers[0], "%u", precision);
        if (precisions[i].radix > 0) snprintf(numbers[1], sizeof numbers[1], "%u", precisions[i].radix);
        if (scale >= 0) snprintf(numbers[2], sizeof numbers[2], "%d", scale);
        if (time >= 0) snprintf(numbers[3], sizeof numbers[3], "%d", time);
    }
    snprintf(text, 64, "%s%c%s%c%s%c%s", numbers[0], separator, numbers[1], separator, numbers[2], separator,
             numbers[3]);
}

static bool columns_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < shown_count(); i++) {
        struct shown shown = shown_at(i);
        struct shown_column column;
        const char *at = NULL;
        uint32_t number = 0;
        while (ok && shown_column_next(&shown, &at, &number, &column)) {
            const struct catalog_type *type = catalog_type_by_oid(column.type_oid);
            bool is_text = !column.is_list && (type->oid == 25 || type->oid == 1043);
            char precision[64];
            catalog_precision_put(column.is_list ? 0 : type->oid, -1, '|', precision);
            ok = buf_printf(buf, "%s%s|%s|%.*s|%u|%s|%s|%s%s||%s|%s|%u|NO", i || number > 1 ? "\n" : "", shown.schema,
                            shown.name, (int)column.name.len, (const char *)column.name.ptr, number,
                            column.is_required ? "NO" : "YES", column.is_list ? "ARRAY" : type->sql_name,
                            column.is_list ? "_" : "", type->name, is_text ? "1073741824" : "", precision, number);
        }
    }
    return ok;
}

static bool own_tables_write(struct buf *buf, bool is_view)
{
    bool ok = true, any = false;
    for (uint32_t i = 0; ok && i < shown_count(); i++) {
        struct shown shown = shown_at(i);
        if (shown.is_view != is_view) continue;
        ok = buf_printf(buf, "%s%s|%s", any ? "\n" : "", shown.schema, shown.name);
        any = true;
    }
    return ok;
}
static bool pg_tables_write(struct buf *buf)
{
    return own_tables_write(buf, false);
}
static bool pg_views_write(struct buf *buf)
{
    return own_tables_write(buf, true);
}

static bool stat_tables_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < 2; i++) {
        const char *name;
        catalog_table(i, &name);
        ok = buf_printf(buf, "%s%u|%s", i ? "\n" : "", CATALOG_TABLE_OID + i, name);
    }
    return ok;
}

static bool pg_description_write(struct buf *buf)
{
    return buf_printf(buf,
                      "%u|1259|0|a log or a span each\n%u|1259|0|a data point each\n%u|1259|0|logs, spans and data "
                      "points, in the columns of otel_logs_and_spans",
                      CATALOG_TABLE_OID, CATALOG_TABLE_OID + 1, CATALOG_TABLE_OID + 2);
}

static bool privileges_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < CATALOG_TABLES; i++) {
        const char *name;
        catalog_table(i, &name);
        ok = buf_printf(buf, "%s%s", i ? "\n" : "", name);
    }
    return ok;
}

/* -- functions --------------------------------------------------------------------------------------------------- */

static bool pg_proc_write(struct buf *buf)
{
    static const char *const ends[] = { "in", "out", "recv", "send" };
    bool ok = true;
    for (uint32_t t = 0; ok && t <= COUNT_OF(types); t++)
        for (uint32_t e = 0; ok && e < COUNT_OF(ends); e++)
            ok = buf_printf(buf, "%s%u|%s%s|11|f|1|%u|[2275]", t || e ? "\n" : "", CATALOG_IO_OID + 4 * t + e,
                            t ? types[t - 1].io : "array_", ends[e], t ? types[t - 1].oid : 2277);
    for (uint32_t f = 0; ok && f < function_count(); f++) {
        const struct function *function = function_at(f);
        ok = buf_printf(buf, "\n%u|%s|%u|%c|%u|%u|[", CATALOG_FUNCTION_OID + f, function->name,
                        function_is_ours(function) ? CATALOG_NAMESPACE_PUBLIC : CATALOG_NAMESPACE_PG,
                        function->kind == AGGREGATE ? 'a'
                        : function->kind == WINDOW  ? 'w'
                                                    : 'f',
                        function->min, function_oid_of_letter(function->result));
        for (uint32_t a = 0; ok && a < function->min; a++)
            ok = buf_printf(buf, "%s%u", a ? ", " : "", function_oid_of_letter(function_letter(function, a)));
        ok = ok && buf_printf(buf, "]");
    }
    return ok;
}

/* -- the rest ---------------------------------------------------------------------------------------------------- */

static bool pg_settings_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t s = 0; ok && s < setting_count(); s++)
        ok =
            buf_printf(buf, "%s%s|%s|%s", s ? "\n" : "", setting_definition(s)->name,
                       setting_definition(s)->default_value, setting_definition(s)->is_read_only ? "internal" : "user");
    return ok;
}

/* The rows that are the same everywhere. */
#define FIXED(name, text)                        \
    static bool name##_write(struct buf *buf)    \
    {                                            \
        return buf_add(buf, text, strlen(text)); \
    }
FIXED(pg_namespace, "11|pg_catalog|10\n2200|public|10\n13000|information_schema|10")
FIXED(pg_database, "16380|monoscope")
FIXED(pg_tablespace, "1663|pg_default\n1664|pg_global")
FIXED(pg_am, "2|heap|t\n403|btree|i")
FIXED(pg_language, "12|internal\n14|sql")
FIXED(pg_collation, "100|default|d|-1\n950|C|c|-1\n951|POSIX|c|-1")
FIXED(schemata, "public\ninformation_schema\npg_catalog")
FIXED(character_sets, "UTF8")
FIXED(one_row, "1")
FIXED(pg_roles, "10|monoscope|f\n16000||t")

#define USER     MARK_OPEN "U0" MARK_CLOSE
#define DATABASE "'monoscope'"
#define ROLE_SAME                                                                                                \
    "rolsuper=false rolinherit=true rolcreaterole=false rolcreatedb=false rolreplication=false rolconnlimit=-1 " \
    "rolbypassrls=false rolpassword='********' rolname=coalesce(nullif(v[2],'')," USER ")"

static const struct catalog_rows all_rows[] = {
    { "pg_catalog", "pg_type",
      "oid typname typlen typbyval typtype typcategory typispreferred typelem typarray typinput typoutput typreceive "
      "typsend typalign typstorage typcollation",
      pg_type_write, "typnamespace=11 typowner=10 typisdefined=true typdelim=',' typtypmod=-1" },
    { "pg_catalog", "pg_namespace", "oid nspname nspowner", pg_namespace_write, NULL },
    { "pg_catalog", "pg_class",
      "oid relname relnamespace relkind relnatts relam relfilenode relhasrules relpersistence", pg_class_write,
      "relowner=10 reltuples=-1 relispopulated=true relreplident='d'" },
    { "pg_catalog", "pg_attribute",
      "attrelid attname atttypid attlen attnum attndims attbyval attalign attstorage attnotnull attcollation atttypmod",
      pg_attribute_write, "attstattarget=-1 attcacheoff=-1 attislocal=true" },
    { "pg_catalog", "pg_proc", "oid proname pronamespace prokind pronargs prorettype proargtypes", pg_proc_write,
      "proowner=10 prolang=12 procost=1 provolatile='i' proparallel='s' prosrc=v[2]" },
    { "pg_catalog", "pg_database", "oid datname", pg_database_write,
      "datdba=10 encoding=6 datlocprovider='c' datallowconn=true datconnlimit=-1 dattablespace=1663 datcollate='C' "
      "datctype='C'" },
    { "pg_catalog", "pg_tablespace", "oid spcname", pg_tablespace_write, "spcowner=10" },
    { "pg_catalog", "pg_am", "oid amname amtype", pg_am_write, NULL },
    { "pg_catalog", "pg_language", "oid lanname", pg_language_write, "lanowner=10" },
    { "pg_catalog", "pg_collation", "oid collname collprovider collencoding", pg_collation_write,
      "collnamespace=11 collowner=10 collisdeterministic=true" },
    { "pg_catalog", "pg_settings", "name boot_val context", pg_settings_write,
      "setting=@setting category='Settings' vartype='string' source='default' reset_val=v[2] pending_restart=false" },
    { "pg_catalog", "pg_roles", "oid @name rolcanlogin", pg_roles_write, ROLE_SAME },
    { "pg_catalog", "pg_user", "usesysid @name", pg_roles_write,
      "usename=coalesce(nullif(v[2],'')," USER ") usecreatedb=false usesuper=false userepl=false usebypassrls=false "
      "passwd='********'" },
    { "pg_catalog", "pg_stat_activity",
      "pid usename application_name client_addr backend_start xact_start query_start state_change wait_event_type "
      "wait_event state query",
      NULL, "datid=16380 datname=" DATABASE " usesysid=16000 backend_type='client'||chr(32)||'backend'" },
    { "pg_catalog", "pg_tables", "schemaname tablename", pg_tables_write,
      "tableowner='monoscope' hasindexes=false hasrules=false hastriggers=false rowsecurity=false" },
    { "pg_catalog", "pg_views", "schemaname viewname", pg_views_write, "viewowner='monoscope'" },
    { "pg_catalog", "pg_description", "objoid classoid objsubid description", pg_description_write, NULL },
    { "pg_catalog", "pg_stat_user_tables", "relid relname", stat_tables_write, "schemaname='public'" },
    { "pg_catalog", "pg_stat_all_tables", "relid relname", stat_tables_write, "schemaname='public'" },
    { "pg_catalog", "pg_statio_user_tables", "relid relname", stat_tables_write, "schemaname='public'" },
    { "information_schema", "tables", "table_schema table_name table_type is_insertable_into", tables_write,
      "table_catalog=" DATABASE " is_typed='NO'" },
    { "information_schema", "columns",
      "table_schema table_name column_name ordinal_position is_nullable data_type udt_name character_maximum_length "
      "character_octet_length "
      "numeric_precision numeric_precision_radix numeric_scale datetime_precision dtd_identifier is_updatable",
      columns_write,
      "table_catalog=" DATABASE " udt_catalog=" DATABASE " udt_schema='pg_catalog' is_self_referencing='NO' "
      "is_identity='NO' identity_cycle='NO' is_generated='NEVER'" },
    { "information_schema", "schemata", "schema_name", schemata_write,
      "catalog_name=" DATABASE " schema_owner='monoscope'" },
    { "information_schema", "views", "table_schema table_name", pg_views_write,
      "table_catalog=" DATABASE " check_option='NONE' is_updatable='NO' is_insertable_into='NO' "
      "is_trigger_updatable='NO' is_trigger_deletable='NO' is_trigger_insertable_into='NO'" },
    { "information_schema", "table_privileges", "table_name", privileges_write,
      "grantor='monoscope' grantee=" USER " table_catalog=" DATABASE " table_schema='public' privilege_type='SELECT' "
      "is_grantable='NO' with_hierarchy='NO'" },
    { "information_schema", "role_table_grants", "table_name", privileges_write,
      "grantor='monoscope' grantee=" USER " table_catalog=" DATABASE " table_schema='public' privilege_type='SELECT' "
      "is_grantable='NO' with_hierarchy='NO'" },
    { "information_schema", "character_sets", "character_set_name", character_sets_write,
      "character_repertoire='UCS' form_of_use='UTF8' default_collate_catalog=" DATABASE
      " default_collate_schema='pg_catalog' default_collate_name='C'" },
    { "information_schema", "enabled_roles", "@one", one_row_write, "role_name=" USER },
    { "information_schema", "information_schema_catalog_name", "@one", one_row_write, "catalog_name=" DATABASE },
};

const struct catalog_rows *catalog_rows_of(const char *schema, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(all_rows); i++)
        if (strcmp(all_rows[i].name, name) == 0 && strcmp(all_rows[i].schema, schema) == 0) return &all_rows[i];
    return NULL;
}
