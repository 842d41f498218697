#include "timefusion/query/catalog_own.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdio.h>

#define OWN_BYTES_MAX (32u << 20) /* TEMPORARY_TABLES_MAX of TEMPORARY_COLUMNS_MAX */
#define FIELD         "\x1f"
#define RECORD        "\x1e"

static int64_t oid_of(const struct temporary *temporary)
{
    return (int64_t)(CATALOG_TEMPORARY_OID + temporary->id % (UINT32_MAX - CATALOG_TEMPORARY_OID));
}

/* Without what parts fields and records. */
static bool name_put(struct buf *out, const char *name)
{
    size_t from = out->len;
    if (!buf_add(out, name, strlen(name))) return false;
    for (size_t i = from; i < out->len; i++)
        if (out->ptr[i] == FIELD[0] || out->ptr[i] == RECORD[0]) out->ptr[i] = '?';
    return true;
}

static bool is_plain(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789$");
    return name[len] == '\0' && len > 0 && !(name[0] >= '0' && name[0] <= '9') && name[0] != '$';
}

/* As it is written in SQL. */
static bool identifier_put(struct buf *out, const char *name)
{
    if (is_plain(name)) return buf_printf(out, "%s", name);
    bool ok = buf_add(out, "\"", 1);
    for (const char *at = name; ok && *at; at++) ok = buf_add(out, at, 1) && (*at != '"' || buf_add(out, at, 1));
    return ok && buf_add(out, "\"", 1);
}

enum catalog_own catalog_own_of(const struct catalog_definition *definition)
{
    static const struct {
        const char *schema, *name;
        enum catalog_own own;
    } tables[] = { { "pg_catalog", "pg_class", CATALOG_OWN_CLASS },
                   { "pg_catalog", "pg_attribute", CATALOG_OWN_ATTRIBUTE },
                   { "pg_catalog", "pg_namespace", CATALOG_OWN_NAMESPACE },
                   { "pg_catalog", "pg_tables", CATALOG_OWN_PG_TABLES },
                   { "information_schema", "tables", CATALOG_OWN_TABLES },
                   { "information_schema", "columns", CATALOG_OWN_COLUMNS } };
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        if (strcmp(tables[t].name, definition->name) == 0 && strcmp(tables[t].schema, definition->schema) == 0)
            return tables[t].own;
    return CATALOG_OWN_NOTHING;
}

/* --- rows --- */

struct shown_column {
    const struct catalog_type *type; /* of its elements, if it is of lists */
    uint32_t oid, number;
    int modifier;
    bool is_list;
};

static struct shown_column shown_of(const struct temporary_column *column, uint32_t number)
{
    struct shown_column shown = { .type = catalog_type_of(column->type),
                                  .is_list = type_is_list(column->type),
                                  .number = number,
                                  .modifier = (int)column->form.modifier - 1 };
    if (column->form.text != QUERY_TEXT)
        shown.type = catalog_type_by_oid(column->form.text == QUERY_TEXT_VARCHAR ? 1043 : 1042);
    shown.oid = shown.is_list ? shown.type->array_oid : shown.type->oid;
    return shown;
}

static bool is_text(const struct shown_column *shown)
{
    return shown->type->oid == 25 || shown->type->oid == 1042 || shown->type->oid == 1043;
}

static bool attribute_put(struct buf *out, const struct temporary *temporary, const struct temporary_column *column,
                          uint32_t number)
{
    struct shown_column shown = shown_of(column, number);
    const struct catalog_type *type = shown.type;
    return buf_printf(out, "%" PRId64 FIELD, oid_of(temporary)) && name_put(out, column->name) &&
           buf_printf(out,
                      FIELD "%u" FIELD "%d" FIELD "%u" FIELD "%d" FIELD "%s" FIELD "%c" FIELD "%c" FIELD "%s" FIELD
                            "%d" FIELD "%d",
                      shown.oid, shown.is_list ? -1 : type->length, number, shown.is_list,
                      !shown.is_list && type->is_by_value ? "true" : "false", shown.is_list ? 'i' : type->align,
                      shown.is_list ? 'x' : type->storage, column->is_required ? "true" : "false",
                      is_text(&shown) && !shown.is_list ? 100 : 0, shown.modifier);
}

/* A row of information_schema.columns. */
static bool column_put(struct buf *out, const struct temporary *temporary, const struct temporary_column *column,
                       uint32_t number, uint32_t pid)
{
    struct shown_column shown = shown_of(column, number);
    char precision[64], length[40] = FIELD;
    catalog_precision_put(shown.is_list ? 0 : shown.type->oid, shown.modifier, FIELD[0], precision);
    if (!shown.is_list && is_text(&shown) && shown.modifier >= 4)
        snprintf(length, sizeof length, "%d" FIELD "%d", shown.modifier - 4, 4 * (shown.modifier - 4));
    else if (!shown.is_list && is_text(&shown))
        snprintf(length, sizeof length, FIELD "1073741824");
    return buf_printf(out, "pg_temp_%u" FIELD, pid) && name_put(out, temporary->table.name) && buf_printf(out, FIELD) &&
           name_put(out, column->name) &&
           buf_printf(out, FIELD "%u" FIELD "%s" FIELD "%s" FIELD "%s%s" FIELD "%s" FIELD "%s" FIELD "%u" FIELD "YES",
                      number, column->is_required ? "NO" : "YES", shown.is_list ? "ARRAY" : shown.type->sql_name,
                      shown.is_list ? "_" : "", shown.type->name, length, precision, number);
}

static bool table_put(struct buf *out, enum catalog_own what, const struct temporary *temporary, uint32_t pid)
{
    const struct temporary_table *table = &temporary->table;
    int64_t oid = oid_of(temporary);
    if (what == CATALOG_OWN_CLASS)
        return buf_printf(out, "%" PRId64 FIELD, oid) && name_put(out, table->name) &&
               buf_printf(out, FIELD "%u" FIELD "r" FIELD "%u" FIELD "2" FIELD "%" PRId64 FIELD "false" FIELD "t",
                          CATALOG_NAMESPACE_TEMPORARY, table->column_count, oid);
    return buf_printf(out, "pg_temp_%u" FIELD, pid) && name_put(out, table->name) &&
           (what != CATALOG_OWN_TABLES || buf_printf(out, FIELD "LOCAL TEMPORARY" FIELD "YES"));
}

static bool rows_put(struct buf *out, enum catalog_own what, const struct temporaries *own, uint32_t pid)
{
    bool ok = true;
    if (what == CATALOG_OWN_NAMESPACE)
        return buf_printf(out, "%u" FIELD "pg_temp_%u" FIELD "10", CATALOG_NAMESPACE_TEMPORARY, pid);
    for (uint32_t t = 0; ok && t < own->count; t++) {
        const struct temporary *temporary = own->entries[t].temporary;
        if (what != CATALOG_OWN_ATTRIBUTE && what != CATALOG_OWN_COLUMNS) {
            ok = (t == 0 || buf_printf(out, RECORD)) && table_put(out, what, temporary, pid);
            continue;
        }
        for (uint32_t c = 0; ok && c < temporary->table.column_count; c++) {
            const struct temporary_column *column = &temporary->table.columns[c];
            ok = (out->len == 0 || buf_printf(out, RECORD)) &&
                 (what == CATALOG_OWN_ATTRIBUTE ? attribute_put(out, temporary, column, c + 1)
                                                : column_put(out, temporary, column, c + 1, pid));
        }
    }
    return ok;
}

/* --- names --- */

/* Records of the kind's letter and the oid, the name as it is, and as SQL writes it. */
static bool names_put(struct buf *out, const struct temporaries *own, uint32_t pid)
{
    bool ok = buf_printf(out, "n%u" FIELD "pg_temp_%u" FIELD "pg_temp_%u", CATALOG_NAMESPACE_TEMPORARY, pid, pid);
    for (uint32_t t = 0; ok && t < own->count; t++) {
        const struct temporary *temporary = own->entries[t].temporary;
        size_t from;
        ok = buf_printf(out, RECORD "c%" PRId64 FIELD, oid_of(temporary)) && name_put(out, temporary->table.name) &&
             buf_printf(out, FIELD);
        from = out->len;
        ok = ok && identifier_put(out, temporary->table.name);
        for (size_t i = from; i < out->len; i++)
            if (out->ptr[i] == FIELD[0] || out->ptr[i] == RECORD[0]) out->ptr[i] = '?';
    }
    return ok;
}

/* The last part of a name in pg_temp, or without a schema. */
static bool own_part(struct bytes name, char storage[256], struct bytes *part)
{
    static const char schema[] = "pg_temp";
    struct bytes parts[3];
    uint32_t count = catalog_name_parts(name, parts, storage);
    if (count == 0) return false;
    *part = parts[count - 1];
    /* pg_temp_<pid> too: another session's would have no table of ours. */
    return count == 1 ||
           (parts[count - 2].len >= sizeof schema - 1 && memcmp(parts[count - 2].ptr, schema, sizeof schema - 1) == 0);
}

bool catalog_own_oid(const struct temporaries *own, struct bytes name, int64_t *oid)
{
    char storage[256];
    struct bytes part;
    if (!own || own->count == 0 || !own_part(name, storage, &part)) return false;
    for (uint32_t t = 0; t < own->count; t++) {
        if (!bytes_equal(part, bytes_of_text(own->entries[t].temporary->table.name))) continue;
        *oid = oid_of(own->entries[t].temporary);
        return true;
    }
    return false;
}

bool catalog_own_name_put(struct buf *buf, const struct temporaries *own, enum query_type kind, int64_t oid, bool *ok)
{
    for (uint32_t t = 0; own && kind == QUERY_TYPE_REGCLASS && t < own->count; t++) {
        if (oid_of(own->entries[t].temporary) != oid) continue;
        *ok = identifier_put(buf, own->entries[t].temporary->table.name);
        return true;
    }
    return false;
}

struct listed {
    char letter;
    int64_t oid;
    struct bytes name, written;
};

static bool listed_next(struct bytes *list, struct listed *listed)
{
    if (list->len == 0) return false;
    const uint8_t *end = memchr(list->ptr, RECORD[0], list->len);
    size_t len = end ? (size_t)(end - list->ptr) : list->len;
    const uint8_t *first = memchr(list->ptr, FIELD[0], len), *past = list->ptr + len;
    const uint8_t *second = first ? memchr(first + 1, FIELD[0], (size_t)(past - first - 1)) : NULL;
    if (!second) return false;
    *listed = (struct listed){ .letter = (char)list->ptr[0],
                               .name = bytes_from(first + 1, (size_t)(second - first - 1)),
                               .written = bytes_from(second + 1, (size_t)(past - second - 1)) };
    for (const uint8_t *digit = list->ptr + 1; digit < first; digit++) listed->oid = listed->oid * 10 + *digit - '0';
    *list = end ? bytes_from(end + 1, list->len - len - 1) : bytes_from(past, 0);
    return true;
}

static char letter_of(enum query_type kind)
{
    return kind == QUERY_TYPE_REGCLASS ? 'c' : kind == QUERY_TYPE_REGNAMESPACE ? 'n' : 0;
}

bool catalog_listed_oid(struct bytes list, enum query_type kind, struct bytes name, int64_t *oid)
{
    char storage[256];
    struct bytes part;
    struct listed listed;
    if (list.len == 0 || !own_part(name, storage, &part)) return false;
    while (listed_next(&list, &listed)) {
        if (listed.letter != letter_of(kind) || !bytes_equal(listed.name, part)) continue;
        *oid = listed.oid;
        return true;
    }
    return false;
}

bool catalog_listed_name(struct bytes list, enum query_type kind, int64_t oid, struct bytes *name)
{
    struct listed listed;
    while (listed_next(&list, &listed)) {
        if (listed.letter != letter_of(kind) || listed.oid != oid) continue;
        *name = listed.written;
        return true;
    }
    return false;
}

/* --- marks --- */

bool catalog_own_put(struct buf *out, uint32_t number, const struct temporaries *own, uint32_t pid)
{
    bool is_none = !own || own->count == 0;
    if (number == 1) return buf_printf(out, "%u", is_none ? 0 : CATALOG_NAMESPACE_TEMPORARY);
    if (is_none) return number > 1 || buf_printf(out, "''");
    struct buf text;
    buf_init(&text, OWN_BYTES_MAX);
    bool ok = number == 0 ? names_put(&text, own, pid) && literal_quote(out, buf_bytes(&text))
                          : rows_put(&text, (enum catalog_own)(number - 2), own, pid) &&
                                buf_printf(out, " UNION ALL SELECT string_split(unnest(string_split(") &&
                                literal_quote(out, buf_bytes(&text)) && buf_printf(out, ", chr(30))), chr(31))");
    buf_deinit(&text);
    return ok;
}
