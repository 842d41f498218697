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
};

static bool tables_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; ok && i < TABLES_SHOWN; i++) {
        const char *name;
        shown_table(i, &name);
        ok = buf_printf(buf, "%s('monoscope', 'public', '%s', '%s', NULL, NULL, NULL, NULL, NULL, 'NO', 'NO', NULL)",
                        i ? ", " : "", name, i == 2 ? "VIEW" : "BASE TABLE");
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
            const char *data_type = type_is_list(type) ? "ARRAY" : type_name(type);
            uint32_t oid = type_oid(type);
            const char *udt = "text";
            for (size_t r = 0; r < COUNT_OF(type_rows); r++)
                if (type_rows[r].oid == oid || type_rows[r].array_oid == oid) udt = type_rows[r].name;
            ok = buf_printf(buf,
                            "%s('monoscope', 'public', '%s', '%s', CAST(%u AS INTEGER), CAST(NULL AS VARCHAR), '%s', "
                            "'%s', CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), 'pg_catalog', "
                            "'%s%s', 'NO', 'NEVER', 'NO')",
                            i || c ? ", " : "", name, column->name, c + 1,
                            column->flags & SCHEMA_NOT_NULL ? "NO" : "YES", data_type, type_is_list(type) ? "_" : "",
                            udt);
        }
    }
    return ok;
}

static bool schemata_write(struct buf *buf)
{
    return buf_printf(buf, "('monoscope', 'public', 'monoscope'), ('monoscope', 'information_schema', 'monoscope'), "
                           "('monoscope', 'pg_catalog', 'monoscope')");
}

static bool pg_type_write(struct buf *buf)
{
    bool ok = true;
    for (size_t r = 0; ok && r < COUNT_OF(type_rows); r++) {
        const struct type_row *row = &type_rows[r];
        ok = buf_printf(
            buf,
            "%s(CAST(%u AS BIGINT), '%s', CAST(%d AS BIGINT), CAST(%d AS SMALLINT), 'b', '%c', CAST(0 AS BIGINT), "
            "CAST(0 AS BIGINT), CAST(%u AS BIGINT), CAST(0 AS BIGINT), CAST(-1 AS INTEGER), false, ','), "
            "(%u, '_%s', %d, -1, 'b', 'A', 0, %u, 0, 0, -1, false, ',')",
            r ? ", " : "", row->oid, row->name, NAMESPACE_CATALOG, row->length, row->category, row->array_oid,
            row->array_oid, row->name, NAMESPACE_CATALOG, row->oid);
    }
    return ok;
}

static bool pg_namespace_write(struct buf *buf)
{
    return buf_printf(
        buf,
        "(CAST(%d AS BIGINT), 'pg_catalog', CAST(10 AS BIGINT)), (%d, 'public', 10), (13000, 'information_schema', 10)",
        NAMESPACE_CATALOG, NAMESPACE_PUBLIC);
}

static bool pg_class_write(struct buf *buf)
{
    bool ok = true;
    for (int i = 0; ok && i < TABLES_SHOWN; i++) {
        const char *name;
        const struct schema_table *table = shown_table(i, &name);
        ok = buf_printf(buf,
                        "%s(CAST(%d AS BIGINT), '%s', CAST(%d AS BIGINT), '%c', CAST(10 AS BIGINT), CAST(%u AS "
                        "SMALLINT), CAST(-1 AS FLOAT), false, false, 'p', false)",
                        i ? ", " : "", TABLE_OID_FIRST + i, name, NAMESPACE_PUBLIC, i == 2 ? 'v' : 'r',
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
            ok = buf_printf(buf,
                            "%s(CAST(%d AS BIGINT), '%s', CAST(%u AS BIGINT), CAST(%u AS SMALLINT), %s, false, CAST(-1 "
                            "AS INTEGER), false, '', '', CAST(-1 AS SMALLINT), CAST(0 AS BIGINT))",
                            i || c ? ", " : "", TABLE_OID_FIRST + i, column->name,
                            type_oid(type_of_schema(column->type)), c + 1,
                            column->flags & SCHEMA_NOT_NULL ? "true" : "false");
        }
    }
    return ok;
}

static bool pg_database_write(struct buf *buf)
{
    return buf_printf(buf, "(CAST(1 AS BIGINT), 'monoscope', CAST(10 AS BIGINT), CAST(6 AS INTEGER), false, true)");
}

static bool pg_settings_write(struct buf *buf)
{
    bool ok = true;
    for (uint32_t s = 0; ok && s < setting_count(); s++)
        ok = buf_printf(buf, "%s('%s', " MARK_OPEN "S%u" MARK_CLOSE ")", s ? ", " : "", setting_definition(s)->name, s);
    return ok;
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
      { { "table_catalog", T },
        { "table_schema", T },
        { "table_name", T },
        { "table_type", T },
        { "self_referencing_column_name", T },
        { "reference_generation", T },
        { "user_defined_type_catalog", T },
        { "user_defined_type_schema", T },
        { "user_defined_type_name", T },
        { "is_insertable_into", T },
        { "is_typed", T },
        { "commit_action", T } } },
    { "information_schema",
      "columns",
      columns_write,
      { { "table_catalog", T },
        { "table_schema", T },
        { "table_name", T },
        { "column_name", T },
        { "ordinal_position", I },
        { "column_default", T },
        { "is_nullable", T },
        { "data_type", T },
        { "character_maximum_length", I },
        { "numeric_precision", I },
        { "datetime_precision", I },
        { "udt_schema", T },
        { "udt_name", T },
        { "is_identity", T },
        { "is_generated", T },
        { "is_updatable", T } } },
    { "information_schema",
      "schemata",
      schemata_write,
      { { "catalog_name", T }, { "schema_name", T }, { "schema_owner", T } } },
    { "pg_catalog",
      "pg_type",
      pg_type_write,
      { { "oid", L },
        { "typname", T },
        { "typnamespace", L },
        { "typlen", S },
        { "typtype", T },
        { "typcategory", T },
        { "typrelid", L },
        { "typelem", L },
        { "typarray", L },
        { "typbasetype", L },
        { "typtypmod", I },
        { "typnotnull", B },
        { "typdelim", T } } },
    { "pg_catalog", "pg_namespace", pg_namespace_write, { { "oid", L }, { "nspname", T }, { "nspowner", L } } },
    { "pg_catalog",
      "pg_class",
      pg_class_write,
      { { "oid", L },
        { "relname", T },
        { "relnamespace", L },
        { "relkind", T },
        { "relowner", L },
        { "relnatts", S },
        { "reltuples", QUERY_TYPE_FLOAT4 },
        { "relispartition", B },
        { "relrowsecurity", B },
        { "relpersistence", T },
        { "relhasindex", B } } },
    { "pg_catalog",
      "pg_attribute",
      pg_attribute_write,
      { { "attrelid", L },
        { "attname", T },
        { "atttypid", L },
        { "attnum", S },
        { "attnotnull", B },
        { "attisdropped", B },
        { "atttypmod", I },
        { "atthasdef", B },
        { "attidentity", T },
        { "attgenerated", T },
        { "attlen", S },
        { "attcollation", L } } },
    { "pg_catalog",
      "pg_database",
      pg_database_write,
      { { "oid", L },
        { "datname", T },
        { "datdba", L },
        { "encoding", I },
        { "datistemplate", B },
        { "datallowconn", B } } },
    { "pg_catalog", "pg_settings", pg_settings_write, { { "name", T }, { "setting", T } } },
};

bool catalog_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                      struct output **columns, uint32_t *column_count)
{
    for (size_t i = 0; i < COUNT_OF(catalog); i++) {
        if (strcmp(catalog[i].name, name) != 0) continue;
        /* pg_catalog is searched without being named. */
        if (strcmp(schema ? schema : "pg_catalog", catalog[i].schema) != 0) continue;
        struct buf buf;
        buf_init(&buf, 4u << 20);
        bool ok = catalog[i].write(&buf);
        assert(ok); /* bounded by the schema */
        uint32_t count = 0;
        const char *names = "";
        *columns = arena_calloc(ctx->arena, COUNT_OF(catalog[i].columns) * sizeof **columns);
        for (; catalog[i].columns[count].name; count++) {
            (*columns)[count] =
                (struct output){ .name = catalog[i].columns[count].name, .type = catalog[i].columns[count].type };
            names = arena_printf(ctx->arena, "%s%sc%u", names, count ? ", " : "", count + 1);
        }
        *column_count = count;
        *sql = arena_printf(ctx->arena, "(SELECT * FROM (VALUES %.*s) AS v(%s))", (int)buf.len, (const char *)buf.ptr,
                            names);
        buf_deinit(&buf);
        return true;
    }
    return false;
}
