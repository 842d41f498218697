/* Values of SQL as JSON and as CSV. */
#include "base/json.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "timefusion/pgwire/pgtype.h"
#include "web/api/sql_run.h"
#include <stdio.h>
#include <stdlib.h>

static enum query_type element_of(enum query_type type)
{
    return (enum query_type)((unsigned)type & ~(unsigned)QUERY_TYPE_LIST);
}

void sql_type_name(enum query_type type, char name[32])
{
    static const char *const names[] = {
        [QUERY_TYPE_BOOL] = "bool",
        [QUERY_TYPE_INT2] = "int2",
        [QUERY_TYPE_INT4] = "int4",
        [QUERY_TYPE_INT8] = "int8",
        [QUERY_TYPE_FLOAT4] = "float4",
        [QUERY_TYPE_FLOAT8] = "float8",
        [QUERY_TYPE_NUMERIC] = "numeric",
        [QUERY_TYPE_TEXT] = "text",
        [QUERY_TYPE_BYTEA] = "bytea",
        [QUERY_TYPE_UUID] = "uuid",
        [QUERY_TYPE_JSONB] = "jsonb",
        [QUERY_TYPE_DATE] = "date",
        [QUERY_TYPE_TIME] = "time",
        [QUERY_TYPE_TIMESTAMP] = "timestamp",
        [QUERY_TYPE_TIMESTAMPTZ] = "timestamptz",
        [QUERY_TYPE_INTERVAL] = "interval",
        [QUERY_TYPE_VECTOR_OID] = "oid",
        [QUERY_TYPE_OID] = "oid",
    };
    enum query_type element = element_of(type);
    const char *found = (size_t)element < COUNT_OF(names) && names[element] ? names[element] : "text";
    snprintf(name, 32, "%s%s", found, ((unsigned)type & QUERY_TYPE_LIST) ? "[]" : "");
}

static bool put(struct buf *out, const char *text)
{
    return buf_add(out, text, strlen(text));
}

static bool put_quoted(struct buf *out, struct bytes text)
{
    if (!utf8_is_valid(text)) return put(out, "\"(not UTF-8)\"");
    if (!buf_reserve(out, json_text_bytes_max(text.len))) return false;
    out->len = (size_t)(json_put_text(out->ptr + out->len, text) - out->ptr);
    return true;
}

/* Written by others, a json column may hold anything. */
static bool put_raw(struct buf *out, struct bytes json)
{
    yyjson_doc *doc = json.len == 0 ? NULL : yyjson_read((const char *)json.ptr, json.len, 0);
    bool is_json = doc != NULL;
    yyjson_doc_free(doc);
    return is_json ? buf_add(out, json.ptr, json.len) : put_quoted(out, json);
}

static bool is_json_number(struct bytes text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-';
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && !memchr(text.ptr, 'e', text.len);
}

static bool put_scalar_text(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                            struct query_value value)
{
    bool is_time = type == QUERY_TYPE_TIMESTAMPTZ || type == QUERY_TYPE_TIMESTAMP;
    if (is_time && value.integer > -62135596800000000 && value.integer < 253402300800000000) {
        char text[RFC3339_BYTES];
        rfc3339_write(value.integer, text);
        if (type == QUERY_TYPE_TIMESTAMP) text[strlen(text) - 1] = '\0'; /* of no zone */
        return put(out, text);
    }
    if (type == QUERY_TYPE_BOOL) return put(out, value.boolean ? "true" : "false");
    return pgtype_put_text(out, chunk, column, &(struct query_column){ .type = type }, value);
}

static bool put_scalar(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                       struct query_value value)
{
    struct buf text;
    if (value.is_null) return put(out, "null");
    switch ((int)type) {
    case QUERY_TYPE_BOOL:
    case QUERY_TYPE_INT2:
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8:
    case QUERY_TYPE_VECTOR_OID:
    case QUERY_TYPE_OID: return put_scalar_text(out, chunk, column, type, value);
    case QUERY_TYPE_FLOAT4:
    case QUERY_TYPE_FLOAT8:
        if (!buf_reserve(out, JSON_NUMBER_BYTES_MAX)) return false;
        out->len = (size_t)(json_put_double(out->ptr + out->len, value.number) - out->ptr);
        return true;
    case QUERY_TYPE_NUMERIC:
        return is_json_number(value.bytes) ? buf_add(out, value.bytes.ptr, value.bytes.len)
                                           : put_quoted(out, value.bytes);
    case QUERY_TYPE_JSONB: return put_raw(out, value.bytes);
    default: break;
    }
    buf_init(&text, out->bytes_max);
    bool ok = put_scalar_text(&text, chunk, column, type, value) && put_quoted(out, buf_bytes(&text));
    buf_deinit(&text);
    return ok;
}

bool sql_put_json(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                  struct query_value value)
{
    enum query_type element = element_of(type);
    if (element == type || value.is_null) return put_scalar(out, chunk, column, type, value);
    bool ok = put(out, "[");
    for (uint32_t e = 0; ok && e < value.list.count; e++) {
        struct query_value item = query_chunk_element(chunk, column, value.list.offset + e);
        ok = (e == 0 || put(out, ",")) && put_scalar(out, chunk, column, element, item);
    }
    return ok && put(out, "]");
}

static bool put_field(struct buf *out, struct bytes text)
{
    bool needs = text.len == 0;
    for (size_t i = 0; i < text.len && !needs; i++) needs = memchr("\",\r\n", text.ptr[i], 4) != NULL;
    if (!needs) return buf_add(out, text.ptr, text.len);
    if (!buf_reserve(out, text.len * 2 + 2)) return false;
    out->ptr[out->len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') out->ptr[out->len++] = '"';
        out->ptr[out->len++] = text.ptr[i];
    }
    out->ptr[out->len++] = '"';
    return true;
}

bool sql_put_csv(struct buf *out, const struct query_chunk *chunk, uint32_t column, enum query_type type,
                 struct query_value value)
{
    struct buf text;
    if (value.is_null) return true;
    buf_init(&text, out->bytes_max);
    bool is_list = element_of(type) != type;
    bool ok =
        is_list ? sql_put_json(&text, chunk, column, type, value) : put_scalar_text(&text, chunk, column, type, value);
    ok = ok && put_field(out, buf_bytes(&text));
    buf_deinit(&text);
    return ok;
}
