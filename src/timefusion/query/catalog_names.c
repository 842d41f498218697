#include "timefusion/query/catalog_own.h"
#include "timefusion/query/chunk.h"
#include "timefusion/query/function_list.h"
#include "timefusion/query/plan.h"
#include <stdlib.h>
#include <strings.h>

/* -- names as clients write them --------------------------------------------------------------------------------- */

uint32_t catalog_name_parts(struct bytes text, struct bytes parts[3], char storage[256])
{
    uint32_t count = 0;
    size_t used = 0, at = 0;
    for (;;) {
        size_t from = used;
        bool is_quoted = at < text.len && text.ptr[at] == '"';
        if (count == 3 || text.len > 250) return 0;
        if (is_quoted) {
            for (at++; at < text.len; at++) {
                if (text.ptr[at] == '"' && (at + 1 == text.len || text.ptr[at + 1] != '"')) break;
                at += text.ptr[at] == '"';
                storage[used++] = (char)text.ptr[at];
            }
            if (at++ == text.len) return 0; /* no end of it */
        } else {
            for (; at < text.len && text.ptr[at] != '.'; at++) {
                uint8_t byte = text.ptr[at];
                if (byte == ' ' && at + 1 < text.len) return 0;
                if (byte >= 'A' && byte <= 'Z') byte |= 0x20;
                storage[used++] = (char)byte;
            }
        }
        if (used == from) return 0;
        parts[count++] = bytes_from(storage + from, used - from);
        if (at == text.len) return count;
        if (text.ptr[at++] != '.') return 0;
    }
}

static bool is_text(struct bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

static bool digits_only(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    return text.len > 0 && text.len <= 10;
}

/* -- tables ------------------------------------------------------------------------------------------------------ */

static bool class_oid(struct bytes schema, struct bytes name, int64_t *oid)
{
    for (uint32_t t = 0; t < CATALOG_TABLES; t++) {
        const char *own;
        catalog_table(t, &own);
        if (!is_text(name, own) || (schema.len > 0 && !is_text(schema, "public"))) continue;
        *oid = CATALOG_TABLE_OID + t;
        return true;
    }
    for (uint32_t d = 0; d < catalog_definition_count(); d++) {
        const struct catalog_definition *definition = catalog_definition(d);
        bool is_in =
            schema.len > 0 ? is_text(schema, definition->schema) : strcmp(definition->schema, "pg_catalog") == 0;
        if (!is_in || !is_text(name, definition->name)) continue;
        *oid = catalog_definition_oid(d);
        return true;
    }
    return false;
}

static bool class_name_put(struct buf *buf, int64_t oid)
{
    if (oid >= CATALOG_TABLE_OID && oid < CATALOG_TABLE_OID + CATALOG_TABLES) {
        const char *name;
        catalog_table((uint32_t)(oid - CATALOG_TABLE_OID), &name);
        return buf_printf(buf, "%s", name);
    }
    for (uint32_t d = 0; d < catalog_definition_count(); d++) {
        const struct catalog_definition *definition = catalog_definition(d);
        if (catalog_definition_oid(d) != oid) continue;
        bool is_searched = strcmp(definition->schema, "pg_catalog") == 0;
        return buf_printf(buf, "%s%s%s", is_searched ? "" : definition->schema, is_searched ? "" : ".",
                          definition->name);
    }
    return buf_printf(buf, "%lld", (long long)oid);
}

/* -- types ------------------------------------------------------------------------------------------------------- */

static bool type_oid(struct bytes text, int64_t *oid)
{
    static const char schema[] = "pg_catalog.";
    char name[64];
    if (text.len >= sizeof schema && memcmp(text.ptr, schema, sizeof schema - 1) == 0)
        text = bytes_from(text.ptr + sizeof schema - 1, text.len - sizeof schema + 1);
    bool is_array = text.len > 2 && memcmp(text.ptr + text.len - 2, "[]", 2) == 0;
    size_t len = text.len - (is_array ? 2 : 0);
    if (len == 0 || len >= sizeof name) return false;
    bool is_quoted = text.ptr[0] == '"' && text.ptr[len - 1] == '"' && len > 2;
    memcpy(name, text.ptr + is_quoted, len - 2 * is_quoted);
    name[len - 2 * is_quoted] = '\0';
    /* "char" in quotes is the byte, char without them is text of a length. */
    if (!is_quoted && strcasecmp(name, "char") == 0) strcpy(name, "bpchar");
    if (!is_quoted && strcasecmp(name, "int") == 0) strcpy(name, "int4");
    if (!is_quoted && strcasecmp(name, "decimal") == 0) strcpy(name, "numeric");
    for (uint32_t t = 0; t < catalog_type_count(); t++) {
        const struct catalog_type *type = catalog_type(t);
        if (strcasecmp(name, type->name) == 0 || strcasecmp(name, type->sql_name) == 0) {
            *oid = is_array ? type->array_oid : type->oid;
            return *oid != 0;
        }
        if (!is_array && name[0] == '_' && strcmp(name + 1, type->name) == 0 && type->array_oid > 0) {
            *oid = type->array_oid;
            return true;
        }
    }
    return false;
}

bool catalog_format_type(struct buf *buf, int64_t oid, int32_t modifier)
{
    if (oid == 0) return buf_printf(buf, "-");
    for (uint32_t t = 0; t < catalog_type_count(); t++) {
        const struct catalog_type *type = catalog_type(t);
        bool is_array = type->array_oid == oid;
        if (type->oid != oid && !is_array) continue;
        const char *end = is_array ? "[]" : "";
        if (modifier >= 4 && (type->oid == 1043 || type->oid == 1042))
            return buf_printf(buf, "%s(%d)%s", type->sql_name, modifier - 4, end);
        if (modifier >= 4 && type->oid == 1700)
            return buf_printf(buf, "numeric(%d,%d)%s", (modifier - 4) >> 16, (modifier - 4) & 0x7FF, end);
        if (modifier >= 0 && (type->oid == 1083 || type->oid == 1114 || type->oid == 1184)) {
            const char *rest = strchr(type->sql_name, ' '); /* timestamp(3) with time zone */
            return buf_printf(buf, "%.*s(%d)%s%s", (int)(rest - type->sql_name), type->sql_name, modifier, rest, end);
        }
        return buf_printf(buf, "%s%s", type->sql_name, end);
    }
    return buf_printf(buf, "???");
}

/* -- functions --------------------------------------------------------------------------------------------------- */

static bool function_oid(struct bytes schema, struct bytes name, int64_t *oid)
{
    static const char *const ends[] = { "in", "out", "recv", "send" };
    if (schema.len > 0 && !is_text(schema, "pg_catalog") && !is_text(schema, "public")) return false;
    for (uint32_t f = 0; f < function_count(); f++) {
        if (!is_text(name, function_at(f)->name)) continue;
        *oid = CATALOG_FUNCTION_OID + f;
        return true;
    }
    for (uint32_t t = 0; t <= catalog_type_count(); t++) {
        const char *io = t ? catalog_type(t - 1)->io : "array_";
        size_t len = strlen(io);
        for (uint32_t e = 0; e < COUNT_OF(ends); e++) {
            if (name.len != len + strlen(ends[e]) || memcmp(name.ptr, io, len) != 0 ||
                memcmp(name.ptr + len, ends[e], strlen(ends[e])) != 0)
                continue;
            *oid = CATALOG_IO_OID + 4 * t + e;
            return true;
        }
    }
    return false;
}

static bool function_name_put(struct buf *buf, int64_t oid)
{
    static const char *const ends[] = { "in", "out", "recv", "send" };
    if (oid == 0) return buf_printf(buf, "-");
    if (oid >= CATALOG_IO_OID && oid < CATALOG_IO_OID + 4 * (1 + (int64_t)catalog_type_count())) {
        uint32_t place = (uint32_t)(oid - CATALOG_IO_OID);
        return buf_printf(buf, "%s%s", place < 4 ? "array_" : catalog_type(place / 4 - 1)->io, ends[place % 4]);
    }
    if (oid >= CATALOG_FUNCTION_OID && oid < CATALOG_FUNCTION_OID + (int64_t)function_count())
        return buf_printf(buf, "%s", function_at((uint32_t)(oid - CATALOG_FUNCTION_OID))->name);
    return buf_printf(buf, "%lld", (long long)oid);
}

static bool arguments_put(struct buf *buf, const struct function *function)
{
    bool ok = true;
    for (uint32_t a = 0; ok && a < function->max && a < 9; a++) {
        bool is_many = function->max == 255 && a >= function->min;
        ok = buf_printf(buf, "%s%s", a ? ", " : "", is_many ? "VARIADIC " : "") &&
             catalog_format_type(buf, function_oid_of_letter(function_letter(function, a)), -1) &&
             buf_printf(buf, "%s", is_many || a < function->min ? "" : " DEFAULT NULL");
        if (is_many) break;
    }
    return ok;
}

bool catalog_function_put(struct buf *buf, int64_t oid, char what)
{
    if (oid < CATALOG_FUNCTION_OID || oid >= CATALOG_FUNCTION_OID + (int64_t)function_count()) return false;
    const struct function *function = function_at((uint32_t)(oid - CATALOG_FUNCTION_OID));
    uint32_t result = function_oid_of_letter(function->result);
    if (what == 'a') return arguments_put(buf, function);
    if (what == 'r') return catalog_format_type(buf, result, -1);
    return buf_printf(buf, "CREATE OR REPLACE FUNCTION %s.%s(", function_is_ours(function) ? "public" : "pg_catalog",
                      function->name) &&
           arguments_put(buf, function) && buf_printf(buf, ")\n RETURNS ") && catalog_format_type(buf, result, -1) &&
           buf_printf(buf, "\n LANGUAGE internal\nAS $function$%s$function$\n", function->name);
}

/* -- any of them ------------------------------------------------------------------------------------------------- */

bool catalog_oid(enum query_type kind, struct bytes name, int64_t *oid)
{
    struct bytes parts[3], schema = { 0 }, last;
    char storage[256];
    if (digits_only(name) || (name.len == 1 && name.ptr[0] == '-')) {
        *oid = 0;
        for (size_t i = 0; i < name.len && name.ptr[0] != '-'; i++) *oid = *oid * 10 + (name.ptr[i] - '0');
        return *oid <= UINT32_MAX;
    }
    if (kind <= QUERY_TYPE_OID) return false;
    if (kind == QUERY_TYPE_REGTYPE) return type_oid(name, oid);
    if (kind == QUERY_TYPE_REGPROC) { /* regprocedure has its arguments behind it */
        const uint8_t *bracket = name.len ? memchr(name.ptr, '(', name.len) : NULL;
        if (bracket) name.len = (size_t)(bracket - name.ptr);
    }
    uint32_t count = catalog_name_parts(name, parts, storage);
    if (count == 0 || (count == 3 && !is_text(parts[0], "monoscope"))) return false;
    last = parts[count - 1];
    if (count > 1) schema = parts[count - 2];
    switch ((int)kind) {
    case QUERY_TYPE_REGCLASS: return class_oid(schema, last, oid);
    case QUERY_TYPE_REGPROC: return function_oid(schema, last, oid);
    case QUERY_TYPE_REGNAMESPACE:
        *oid = is_text(last, "pg_catalog")           ? CATALOG_NAMESPACE_PG
               : is_text(last, "public")             ? CATALOG_NAMESPACE_PUBLIC
               : is_text(last, "information_schema") ? CATALOG_NAMESPACE_INFORMATION
                                                     : 0;
        return *oid != 0 && count == 1;
    case QUERY_TYPE_REGROLE: *oid = CATALOG_OWNER_OID; return is_text(last, CATALOG_OWNER) && count == 1;
    default: return false;
    }
}

bool catalog_name_put(struct buf *buf, enum query_type kind, int64_t oid)
{
    switch ((int)kind) {
    case QUERY_TYPE_REGCLASS: return oid == 0 ? buf_printf(buf, "-") : class_name_put(buf, oid);
    case QUERY_TYPE_REGPROC: return function_name_put(buf, oid);
    case QUERY_TYPE_REGTYPE: return catalog_format_type(buf, oid, -1);
    case QUERY_TYPE_REGNAMESPACE:
        if (oid == CATALOG_NAMESPACE_PG) return buf_printf(buf, "pg_catalog");
        if (oid == CATALOG_NAMESPACE_PUBLIC) return buf_printf(buf, "public");
        if (oid == CATALOG_NAMESPACE_INFORMATION) return buf_printf(buf, "information_schema");
        break;
    case QUERY_TYPE_REGROLE:
        if (oid == CATALOG_OWNER_OID) return buf_printf(buf, CATALOG_OWNER);
        break;
    default: break;
    }
    return buf_printf(buf, "%lld", (long long)oid);
}

bool query_catalog_name(struct buf *out, const struct query_chunk *chunk, enum query_type type, int64_t oid)
{
    bool ok;
    if (catalog_own_name_put(out, chunk->own, type, oid, &ok)) return ok;
    return catalog_name_put(out, type, oid);
}
