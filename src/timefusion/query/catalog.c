#include "timefusion/query/catalog_own.h"
#include "timefusion/query/translate.h"
#include <stdlib.h>

#define CATALOG_SQL_BYTES_MAX (4u << 20)

uint32_t catalog_definition_oid(uint32_t index)
{
    const struct catalog_definition *definition = catalog_definition(index);
    if (definition->oid > 0) return definition->oid;
    return (strcmp(definition->schema, "pg_catalog") == 0 ? CATALOG_VIEW_OID : CATALOG_INFORMATION_OID) + index;
}

bool catalog_column_next(const char **at, struct catalog_column *column)
{
    while (**at == ' ') ++*at;
    if (**at == '\0') return false;
    size_t len = strcspn(*at, "=:");
    *column = (struct catalog_column){
        .name = *at, .name_len = len, .is_required = (*at)[len] == '=', .letter = (*at)[len + 1]
    };
    assert((*at)[len] != '\0' && (*at)[len + 1] != '\0');
    *at += len + 2;
    return true;
}

static const struct {
    char letter;
    enum query_type type;
    uint32_t oid;
    const char *nothing; /* in a column that is never NULL and that no row says anything of */
} letters[] = {
    { 'o', QUERY_TYPE_OID, 26, "0" },
    { 'n', QUERY_TYPE_TEXT, 19, "''" },
    { 't', QUERY_TYPE_TEXT, 25, "''" },
    { 'c', QUERY_TYPE_TEXT, 18, "''" },
    { 'i', QUERY_TYPE_INT4, 23, "0" },
    { 's', QUERY_TYPE_INT2, 21, "0" },
    { 'l', QUERY_TYPE_INT8, 20, "0" },
    { 'b', QUERY_TYPE_BOOL, 16, "false" },
    { 'f', QUERY_TYPE_FLOAT4, 700, "0" },
    { 'd', QUERY_TYPE_FLOAT8, 701, "0" },
    { 'z', QUERY_TYPE_TIMESTAMPTZ, 1184, "NULL" },
    { 'v', QUERY_TYPE_INTERVAL, 1186, "NULL" },
    { 'p', QUERY_TYPE_REGPROC, 24, "0" },
    { 'x', QUERY_TYPE_INT8, 28, "0" },
    { 'h', QUERY_TYPE_TEXT, 869, "NULL" },
    { 'N', QUERY_TYPE_TEXT, 194, "NULL" },
    { '2', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_INT2), 22, "[]" },
    { '5', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_VECTOR_OID), 30, "[]" },
    { 'A', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_TEXT), 1034, "NULL" },
    { 'T', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_TEXT), 1009, "NULL" },
    { 'O', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_OID), 1028, "NULL" },
    { 'S', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_INT2), 1005, "NULL" },
    { 'X', (enum query_type)(QUERY_TYPE_LIST | QUERY_TYPE_TEXT), 1009, "NULL" },
    { 'I', QUERY_TYPE_TEXT, 19, "''" },
    { 'C', QUERY_TYPE_TEXT, 1043, "''" },
    { 'K', QUERY_TYPE_INT4, 23, "0" },
    { 'Y', QUERY_TYPE_TEXT, 1043, "''" },
    { 'Z', QUERY_TYPE_TIMESTAMPTZ, 1184, "NULL" },
};

static size_t letter_find(char letter)
{
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        if (letters[i].letter == letter) return i;
    assert(!"a letter of catalog.h");
    return 0;
}
enum query_type catalog_column_type(char letter)
{
    return letters[letter_find(letter)].type;
}
uint32_t catalog_column_oid(char letter)
{
    return letters[letter_find(letter)].oid;
}

/* The place of a name in a list of names, from 1; 0: it is not there. */
static uint32_t place_of(const char *list, struct bytes name)
{
    uint32_t place = 0;
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, " ");
        place++;
        if (len == name.len && memcmp(at, name.ptr, len) == 0) return place;
        at += len;
        while (*at == ' ') at++;
    }
    return 0;
}

/* What `same` says of a column; false: nothing. */
static bool same_find(const char *same, struct bytes name, struct bytes *value)
{
    for (const char *at = same; at && *at;) {
        size_t len = strcspn(at, " "), name_len = strcspn(at, "=");
        if (name_len == name.len && memcmp(at, name.ptr, name_len) == 0) {
            *value = bytes_from(at + name_len + 1, len - name_len - 1);
            return true;
        }
        at += len;
        while (*at == ' ') at++;
    }
    return false;
}

/* pg_settings.setting: the session's value of the row's setting. */
static bool settings_put(struct buf *buf)
{
    bool ok = buf_printf(buf, "CASE v[1]");
    for (uint32_t s = 0; ok && s < setting_count(); s++)
        ok = buf_printf(buf, " WHEN '%s' THEN " MARK_OPEN "S%u" MARK_CLOSE, setting_definition(s)->name, s);
    return ok && buf_printf(buf, " END");
}

static bool column_put(struct buf *buf, const struct catalog_column *column, const struct catalog_rows *rows)
{
    size_t letter = letter_find(column->letter);
    struct bytes name = bytes_from(column->name, column->name_len), value;
    const char *type = type_duckdb(letters[letter].type);
    uint32_t place = rows ? place_of(rows->columns, name) : 0;
    if (place > 0 && column->is_required) return buf_printf(buf, "CAST(v[%u] AS %s)", place, type);
    if (place > 0) return buf_printf(buf, "CAST(nullif(v[%u], '') AS %s)", place, type);
    if (!rows || !same_find(rows->same, name, &value))
        value = bytes_of_text(column->is_required ? letters[letter].nothing : "NULL");
    if (value.len == 8 && memcmp(value.ptr, "@setting", 8) == 0) return settings_put(buf);
    return buf_printf(buf, "CAST(%.*s AS %s)", (int)value.len, (const char *)value.ptr, type);
}

static const struct catalog_definition *definition_find(const char *schema, const char *name)
{
    for (uint32_t i = 0; i < catalog_definition_count(); i++) {
        const struct catalog_definition *definition = catalog_definition(i);
        /* pg_catalog is searched without being named. */
        if (strcmp(definition->name, name) == 0 && strcmp(schema ? schema : "pg_catalog", definition->schema) == 0)
            return definition;
    }
    return NULL;
}

bool catalog_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                      struct output **columns, uint32_t *column_count)
{
    const struct catalog_definition *definition = definition_find(schema, name);
    if (!definition) return false;
    const struct catalog_rows *rows = catalog_rows_of(definition->schema, definition->name);
    enum catalog_own own = catalog_own_of(definition);
    uint32_t count = 0;
    struct catalog_column column;
    for (const char *at = definition->columns; catalog_column_next(&at, &column);) count++;
    *columns = arena_calloc(ctx->arena, count * sizeof **columns);
    *column_count = 0;
    struct buf buf;
    buf_init(&buf, CATALOG_SQL_BYTES_MAX);
    bool ok = buf_printf(&buf, "(SELECT ");
    for (const char *at = definition->columns; ok && catalog_column_next(&at, &column);) {
        (*columns)[*column_count] =
            (struct output){ .name = arena_printf(ctx->arena, "%.*s", (int)column.name_len, column.name),
                             .type = catalog_column_type(column.letter) };
        ok = buf_printf(&buf, "%s", *column_count ? ", " : "") && column_put(&buf, &column, rows) &&
             buf_printf(&buf, " AS c%u", ++*column_count);
    }
    /* One literal, which DuckDB reads twenty times faster than VALUES. */
    if (ok && rows && !rows->write) {
        ctx->plan->reads_activity = true;
        ok = buf_printf(&buf,
                        " FROM (SELECT string_split(unnest(string_split(%s, chr(30))), chr(31)) AS v) "
                        "WHERE v[1] <> '')",
                        mark(ctx, 'C', 1));
    } else if (ok && rows)
        ok = buf_printf(&buf, " FROM (SELECT string_split(unnest(string_split('") && rows->write(&buf) &&
             buf_printf(&buf, "', chr(10))), '|') AS v%s))", own ? mark(ctx, 'D', 2 + own) : "");
    else
        ok = ok && buf_printf(&buf, " WHERE false)");
    assert(ok); /* bounded by the schema */
    *sql = arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr);
    buf_deinit(&buf);
    return true;
}
