#include "timefusion/query/translate.h"
#include <stdlib.h>

/* Tables that describe tables, written out as VALUES: nothing of DuckDB's own catalog can be seen through them. */
#define NAMESPACE_PUBLIC  2200
#define NAMESPACE_CATALOG 11
#define TABLE_OID_FIRST   16384

struct type_row {
    const char *name;
    uint32_t oid, array_oid;
    int length;
    char category;
};
static const struct type_row type_rows[] = {
    { "bool", 16, 1000, 1, 'B' },        { "bytea", 17, 1001, -1, 'U' },      { "int8", 20, 1016, 8, 'N' },
    { "int2", 21, 1005, 2, 'N' },        { "int4", 23, 1007, 4, 'N' },        { "text", 25, 1009, -1, 'S' },
    { "oid", 26, 1028, 4, 'N' },         { "json", 114, 199, -1, 'U' },       { "float4", 700, 1021, 4, 'N' },
    { "float8", 701, 1022, 8, 'N' },     { "varchar", 1043, 1015, -1, 'S' },  { "date", 1082, 1182, 4, 'D' },
    { "time", 1083, 1183, 8, 'D' },      { "timestamp", 1114, 1115, 8, 'D' }, { "timestamptz", 1184, 1185, 8, 'D' },
    { "interval", 1186, 1187, 16, 'T' }, { "numeric", 1700, 1231, -1, 'N' },  { "uuid", 2950, 2951, 16, 'U' },
    { "jsonb", 3802, 3807, -1, 'U' },
};

static uint32_t type_oid(enum query_type type)
{
    static const struct {
        enum query_type type;
        const char *name;
    } names[] = {
        { QUERY_TYPE_BOOL, "bool" },     { QUERY_TYPE_INT4, "int4" }, { QUERY_TYPE_INT8, "int8" },
        { QUERY_TYPE_FLOAT8, "float8" }, { QUERY_TYPE_TEXT, "text" }, { QUERY_TYPE_UUID, "uuid" },
        { QUERY_TYPE_JSONB, "jsonb" },   { QUERY_TYPE_DATE, "date" }, { QUERY_TYPE_TIMESTAMPTZ, "timestamptz" }
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].type != type_element(type)) continue;
        for (size_t r = 0; r < COUNT_OF(type_rows); r++)
            if (strcmp(type_rows[r].name, names[i].name) == 0)
                return type_is_list(type) ? type_rows[r].array_oid : type_rows[r].oid;
    }
    return 25;
}

#define TABLES_SHOWN 3
static const struct schema_table *shown_table(int i, const char **name)
{
    const struct schema_table *table = schema_table(i == 1 ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS);
    *name = i == 2 ? "telemetry" : table->name;
    return table;
}

struct column_definition {
    const char *name;
    enum query_type type;
    const char *same; /* what every row has; NULL: the rows' own next value */
};

/* Rows as lines, values between bars: one literal, which DuckDB reads twenty times faster than VALUES. */
static bool tables_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; ok && i < TABLES_SHOWN; i++) {
        const char *name;
        shown_table(i, &name);
        ok = buf_printf(buf, "%s%s|%s", i ? "\n" : "", name, i == 2 ? "VIEW" : "BASE TABLE");
    }
    return ok;
}

static bool columns_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; i < TABLES_SHOWN; i++) {
        const char *name;
        const struct schema_table *table = shown_table(i, &name);
        for (uint32_t c = 0; ok && c < table->column_count; c++) {
            const struct schema_column *column = &table->columns[c];
            enum query_type type = type_of_schema(column->type);
            uint32_t oid = type_oid(type);
            const char *udt = "text";
            for (size_t r = 0; r < COUNT_OF(type_rows); r++)
                if (type_rows[r].oid == oid || type_rows[r].array_oid == oid) udt = type_rows[r].name;
            ok = buf_printf(buf, "%s%s|%s|%u|%s|%s|%s%s", i || c ? "\n" : "", name, column->name, c + 1,
                            column->flags & SCHEMA_NOT_NULL ? "NO" : "YES",
                            type_is_list(type) ? "ARRAY" : type_name(type), type_is_list(type) ? "_" : "", udt);
        }
    }
    return ok;
}

static bool schemata_write(struct buf *buf)
{
    return buf_printf(buf, "public\ninformation_schema\npg_catalog");
}

static bool pg_type_write(struct buf *buf)
{
    bool ok = true;
    for (size_t r = 0; ok && r < COUNT_OF(type_rows); r++) {
        const struct type_row *row = &type_rows[r];
        ok = buf_printf(buf, "%s%u|%s|%d|%c|0|%u\n%u|_%s|-1|A|%u|0", r ? "\n" : "", row->oid, row->name, row->length,
                        row->category, row->array_oid, row->array_oid, row->name, row->oid);
    }
    return ok;
}

static bool pg_namespace_write(struct buf *buf)
{
    return buf_printf(buf, "%d|pg_catalog\n%d|public\n13000|information_schema", NAMESPACE_CATALOG, NAMESPACE_PUBLIC);
}

static bool pg_class_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; ok && i < TABLES_SHOWN; i++) {
        const char *name;
        const struct schema_table *table = shown_table(i, &name);
        ok = buf_printf(buf, "%s%d|%s|%c|%u", i ? "\n" : "", TABLE_OID_FIRST + i, name, i == 2 ? 'v' : 'r',
                        table->column_count);
    }
    return ok;
}

static bool pg_attribute_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; i < TABLES_SHOWN; i++) {
        const char *name;
        const struct schema_table *table = shown_table(i, &name);
        for (uint32_t c = 0; ok && c < table->column_count; c++) {
            const struct schema_column *column = &table->columns[c];
            ok = buf_printf(buf, "%s%d|%s|%u|%u|%s", i || c ? "\n" : "", TABLE_OID_FIRST + i, column->name,
                            type_oid(type_of_schema(column->type)), c + 1,
                            column->flags & SCHEMA_NOT_NULL ? "true" : "false");
        }
    }
    return ok;
}

static bool pg_database_write(struct buf *buf)
{
    return buf_printf(buf, "monoscope");
}

static bool pg_am_write(struct buf *buf)
{
    return buf_printf(buf, "2|heap");
}

static bool pg_settings_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t s = 0; ok && s < setting_count(); s++)
        ok = buf_printf(buf, "%s%s", s ? "\n" : "", setting_definition(s)->name);
    return ok;
}

static const char settings[] = "the session's value";

static bool settings_put(struct buf *buf, uint32_t column)
{
    bool ok = buf_printf(buf, ", CASE v[1]");
    for (uint32_t s = 0; ok && s < setting_count(); s++)
        ok = buf_printf(buf, " WHEN '%s' THEN " MARK_OPEN "S%u" MARK_CLOSE, setting_definition(s)->name, s);
    return ok && buf_printf(buf, " END AS c%u", column);
}

#define T QUERY_TYPE_TEXT
#define I QUERY_TYPE_INT4
#define L QUERY_TYPE_INT8
#define S QUERY_TYPE_INT2
#define B QUERY_TYPE_BOOL
static const struct {
    const char *schema, *name;
    bool (*write)(struct buf *buf);
    struct column_definition columns[17];
} catalog[] = {
    { "information_schema",
      "tables",
      tables_write,
      { { "table_catalog", T, "'monoscope'" },
        { "table_schema", T, "'public'" },
        { "table_name", T, NULL },
        { "table_type", T, NULL },
        { "self_referencing_column_name", T, "NULL" },
        { "reference_generation", T, "NULL" },
        { "user_defined_type_catalog", T, "NULL" },
        { "user_defined_type_schema", T, "NULL" },
        { "user_defined_type_name", T, "NULL" },
        { "is_insertable_into", T, "'NO'" },
        { "is_typed", T, "'NO'" },
        { "commit_action", T, "NULL" } } },
    { "information_schema",
      "columns",
      columns_write,
      { { "table_catalog", T, "'monoscope'" },
        { "table_schema", T, "'public'" },
        { "table_name", T, NULL },
        { "column_name", T, NULL },
        { "ordinal_position", I, NULL },
        { "column_default", T, "NULL" },
        { "is_nullable", T, NULL },
        { "data_type", T, NULL },
        { "character_maximum_length", I, "NULL" },
        { "numeric_precision", I, "NULL" },
        { "datetime_precision", I, "NULL" },
        { "udt_schema", T, "'pg_catalog'" },
        { "udt_name", T, NULL },
        { "is_identity", T, "'NO'" },
        { "is_generated", T, "'NEVER'" },
        { "is_updatable", T, "'NO'" } } },
    { "information_schema",
      "schemata",
      schemata_write,
      { { "catalog_name", T, "'monoscope'" }, { "schema_name", T, NULL }, { "schema_owner", T, "'monoscope'" } } },
    { "pg_catalog",
      "pg_type",
      pg_type_write,
      { { "oid", L, NULL },
        { "typname", T, NULL },
        { "typnamespace", L, "11" },
        { "typlen", S, NULL },
        { "typtype", T, "'b'" },
        { "typcategory", T, NULL },
        { "typrelid", L, "0" },
        { "typelem", L, NULL },
        { "typarray", L, NULL },
        { "typbasetype", L, "0" },
        { "typtypmod", I, "-1" },
        { "typnotnull", B, "false" },
        { "typdelim", T, "','" } } },
    { "pg_catalog",
      "pg_namespace",
      pg_namespace_write,
      { { "oid", L, NULL }, { "nspname", T, NULL }, { "nspowner", L, "10" } } },
    { "pg_catalog",
      "pg_class",
      pg_class_write,
      { { "oid", L, NULL },
        { "relname", T, NULL },
        { "relnamespace", L, "2200" },
        { "relkind", T, NULL },
        { "relowner", L, "10" },
        { "relnatts", S, NULL },
        { "reltuples", QUERY_TYPE_FLOAT4, "-1" },
        { "relispartition", B, "false" },
        { "relrowsecurity", B, "false" },
        { "relpersistence", T, "'p'" },
        { "relhasindex", B, "false" },
        { "relam", L, "2" } } },
    { "pg_catalog",
      "pg_attribute",
      pg_attribute_write,
      { { "attrelid", L, NULL },
        { "attname", T, NULL },
        { "atttypid", L, NULL },
        { "attnum", S, NULL },
        { "attnotnull", B, NULL },
        { "attisdropped", B, "false" },
        { "atttypmod", I, "-1" },
        { "atthasdef", B, "false" },
        { "attidentity", T, "''" },
        { "attgenerated", T, "''" },
        { "attlen", S, "-1" },
        { "attcollation", L, "0" } } },
    { "pg_catalog",
      "pg_database",
      pg_database_write,
      { { "oid", L, "1" },
        { "datname", T, NULL },
        { "datdba", L, "10" },
        { "encoding", I, "6" },
        { "datistemplate", B, "false" },
        { "datallowconn", B, "true" } } },
    { "pg_catalog", "pg_am", pg_am_write, { { "oid", L, NULL }, { "amname", T, NULL } } },
    { "pg_catalog", "pg_settings", pg_settings_write, { { "name", T, NULL }, { "setting", T, settings } } },
};

bool catalog_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                      struct output **columns, uint32_t *column_count)
{
    for (size_t i = 0; i < COUNT_OF(catalog); i++) {
        if (strcmp(catalog[i].name, name) != 0) continue;
        /* pg_catalog is searched without being named. */
        if (strcmp(schema ? schema : "pg_catalog", catalog[i].schema) != 0) continue;
        const struct column_definition *definitions = catalog[i].columns;
        struct buf buf;
        buf_init(&buf, 4u << 20);
        bool ok = buf_printf(&buf, "(SELECT ");
        uint32_t count = 0, own = 0;
        *columns = arena_calloc(ctx->arena, COUNT_OF(catalog[i].columns) * sizeof **columns);
        for (; ok && definitions[count].name; count++) {
            const char *type = type_duckdb(definitions[count].type), *comma = count ? ", " : "";
            (*columns)[count] = (struct output){ .name = definitions[count].name, .type = definitions[count].type };
            const char *same = definitions[count].same;
            if (same == settings)
                ok = settings_put(&buf, count + 1);
            else if (same)
                ok = buf_printf(&buf, "%sCAST(%s AS %s) AS c%u", comma, same, type, count + 1);
            else
                ok = buf_printf(&buf, "%sCAST(v[%u] AS %s) AS c%u", comma, ++own, type, count + 1);
        }
        ok = ok && buf_printf(&buf, " FROM (SELECT string_split(unnest(string_split('") && catalog[i].write(&buf) &&
             buf_printf(&buf, "', chr(10))), '|') AS v))");
        assert(ok); /* bounded by the schema */
        *column_count = count;
        *sql = arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr);
        buf_deinit(&buf);
        return true;
    }
    return false;
}
