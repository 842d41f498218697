#include "timefusion/query/insert_value.h"
#include "base/date.h"
#include "base/json_object.h"
#include "base/uuid.h"
#include "timefusion/query/array_text.h"
#include "timefusion/query/literal.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#define JSON_DEPTH_MAX    1000
#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */
#define POSTGRES_DAY      10957

/* --- text --- */

static bool not_of(struct err *err, enum schema_type type, struct bytes text)
{
    return err_set(err, ERR_VALUE, "invalid input syntax for type %s: \"%.*s\"", type_name(type_of_schema(type)),
                   (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
}

static bool beyond(struct err *err, enum schema_type type, struct bytes text)
{
    return err_set(err, ERR_RANGE, "value \"%.*s\" is out of range for type %s", (int)(text.len < 60 ? text.len : 60),
                   (const char *)text.ptr, type_name(type_of_schema(type)));
}

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && strchr(" \t\n\r\f\v", text.ptr[0]) && text.ptr[0])
        text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && text.ptr[text.len - 1] && strchr(" \t\n\r\f\v", text.ptr[text.len - 1])) text.len--;
    return text;
}

static bool integer_read(enum schema_type type, struct bytes sent, int64_t *integer, struct err *err)
{
    struct bytes text = trimmed(sent);
    uint64_t sum = 0, max = type == SCHEMA_TYPE_INTEGER ? INT32_MAX : INT64_MAX;
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = text.len > 0 && (is_negative || text.ptr[0] == '+');
    if (at == text.len) return not_of(err, type, sent);
    for (; at < text.len; at++) {
        uint32_t digit = (uint32_t)text.ptr[at] - '0';
        if (digit > 9) return not_of(err, type, sent);
        if (sum > (max + is_negative - digit) / 10) return beyond(err, type, sent);
        sum = sum * 10 + digit;
    }
    *integer = is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static bool number_read(struct bytes sent, double *number, struct err *err)
{
    char copy[400], *end;
    struct bytes text = trimmed(sent);
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return not_of(err, SCHEMA_TYPE_DOUBLE, sent);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strpbrk(copy, "xX(")) return not_of(err, SCHEMA_TYPE_DOUBLE, sent); /* strtod knows more than SQL */
    errno = 0;
    *number = strtod(copy, &end);
    if (*end) return not_of(err, SCHEMA_TYPE_DOUBLE, sent);
    if (errno == ERANGE && (isinf(*number) || *number == 0)) return beyond(err, SCHEMA_TYPE_DOUBLE, sent);
    return true;
}

/* With hyphens, or without them, or in braces. */
static bool uuid_read(const struct insert_reader *reader, struct bytes sent, struct insert_value *value,
                      struct err *err)
{
    struct uuid uuid;
    char plain[UUID_TEXT_BYTES + 1], *text = arena_alloc(reader->arena, UUID_TEXT_BYTES + 1);
    struct bytes from = trimmed(sent);
    if (from.len > 2 && from.ptr[0] == '{' && from.ptr[from.len - 1] == '}')
        from = bytes_from(from.ptr + 1, from.len - 2);
    if (from.len == 32) {
        size_t to = 0;
        for (size_t i = 0; i < 32; i++) {
            if (i == 8 || i == 12 || i == 16 || i == 20) plain[to++] = '-';
            plain[to++] = (char)from.ptr[i];
        }
        from = bytes_from(plain, UUID_TEXT_BYTES);
    }
    if (!uuid_from_text(from, &uuid)) return not_of(err, SCHEMA_TYPE_UUID, sent);
    uuid_to_text(uuid, text);
    value->text = bytes_from(text, UUID_TEXT_BYTES);
    return true;
}

bool insert_json_read(const struct insert_reader *reader, struct bytes text, struct insert_value *value,
                      struct err *err)
{
    yyjson_doc *doc = json_read_digits(text);
    if (!doc || json_is_deep(yyjson_doc_get_root(doc), JSON_DEPTH_MAX)) {
        yyjson_doc_free(doc);
        return err_set(err, ERR_VALUE, "invalid input syntax for type json: \"%.*s\"",
                       (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
    }
    size_t len = 0;
    char *compact = yyjson_write(doc, YYJSON_WRITE_NOFLAG, &len);
    yyjson_doc_free(doc);
    if (!compact) return err_set(err, ERR_VALUE, "invalid input syntax for type json: it is not Unicode");
    value->text = arena_copy(reader->arena, bytes_from(compact, len));
    free(compact);
    return true;
}

static bool date_read(struct query_session *session, struct bytes sent, int64_t *day, struct err *err)
{
    struct bytes text = trimmed(sent);
    char copy[16];
    int32_t days;
    int64_t time_us;
    if (text.len < sizeof copy) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        if (date_parse(copy, &days)) {
            *day = days;
            return true;
        }
    }
    if (!insert_time_read(session, text, &time_us, err))
        return err->code == ERR_VALUE ? not_of(err, SCHEMA_TYPE_DATE, sent) : false;
    *day = time_us / INT64_C(86400000000) - (time_us % INT64_C(86400000000) < 0);
    return true;
}

/* Room for one more of a list. */
static void *element(const struct insert_reader *reader, struct insert_value *value, size_t bytes)
{
    uint32_t count = value->list.count++;
    if ((count & (count - 1)) == 0) { /* a power of two, or none: full */
        void *more = arena_alloc(reader->arena, (count ? count * 2 : 1) * bytes);
        if (count > 0) memcpy(more, value->list.at, count * bytes);
        value->list.at = more;
    }
    return (char *)value->list.at + count * bytes;
}

static bool element_put(const struct insert_reader *reader, enum schema_type type, struct bytes item,
                        struct insert_value *value, struct err *err)
{
    switch (type) {
    case SCHEMA_TYPE_TEXT_LIST:
        *(struct bytes *)element(reader, value, sizeof(struct bytes)) = arena_copy(reader->arena, item);
        return true;
    case SCHEMA_TYPE_BIGINT_LIST:
        return integer_read(SCHEMA_TYPE_BIGINT, item, element(reader, value, sizeof(int64_t)), err);
    default: return number_read(item, element(reader, value, sizeof(double)), err);
    }
}

static bool null_in_list(struct err *err)
{
    return err_set(err, ERR_NULL, "a list cannot hold NULL");
}

static bool list_read(const struct insert_reader *reader, enum schema_type type, struct bytes text,
                      struct insert_value *value, struct err *err)
{
    struct array_items items;
    struct bytes item;
    bool is_null, ok = true;
    if (!array_items_begin(&items, text, err)) return false;
    while (ok && array_items_next(&items, &item, &is_null, err))
        ok = is_null ? null_in_list(err) : element_put(reader, type, item, value, err);
    array_items_end(&items);
    return ok && err->code == ERR_OK;
}

bool insert_text_read(const struct insert_reader *reader, enum schema_type type, struct bytes text,
                      struct insert_value *value, struct err *err)
{
    int yes;
    *value = (struct insert_value){ .is_given = true };
    switch (type) {
    case SCHEMA_TYPE_TEXT: value->text = text; return true;
    case SCHEMA_TYPE_JSON: return insert_json_read(reader, text, value, err);
    case SCHEMA_TYPE_UUID: return uuid_read(reader, text, value, err);
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: return integer_read(type, text, &value->integer, err);
    case SCHEMA_TYPE_DOUBLE: return number_read(text, &value->number, err);
    case SCHEMA_TYPE_BOOLEAN:
        yes = literal_boolean(trimmed(text));
        value->boolean = yes > 0;
        return yes >= 0 || not_of(err, type, text);
    case SCHEMA_TYPE_DATE: return date_read(reader->session, text, &value->integer, err);
    case SCHEMA_TYPE_TIMESTAMPTZ: return insert_time_read(reader->session, trimmed(text), &value->integer, err);
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return list_read(reader, type, text, value, err);
    }
    return false;
}

/* --- binary --- */

static uint64_t big_endian(const uint8_t *at, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) number = number << 8 | at[i];
    return number;
}

static bool bad_binary(struct err *err, enum schema_type type)
{
    return err_set(err, ERR_VALUE, "incorrect binary data format for type %s", type_name(type_of_schema(type)));
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static bool binary_element(const struct insert_reader *reader, enum schema_type type, struct bytes item,
                           struct insert_value *value, struct err *err)
{
    if (type == SCHEMA_TYPE_TEXT_LIST) return element_put(reader, type, item, value, err);
    if (item.len != 8) return bad_binary(err, type);
    if (type == SCHEMA_TYPE_BIGINT_LIST)
        *(int64_t *)element(reader, value, sizeof(int64_t)) = (int64_t)big_endian(item.ptr, 8);
    else
        *(double *)element(reader, value, sizeof(double)) = double_of(big_endian(item.ptr, 8));
    return true;
}

/* Dimensions, flags, element type, size, lower bound, then length and bytes of each. */
static bool binary_list(const struct insert_reader *reader, enum schema_type type, struct bytes bytes,
                        struct insert_value *value, struct err *err)
{
    if (bytes.len < 12) return bad_binary(err, type);
    uint64_t dimensions = big_endian(bytes.ptr, 4);
    size_t at = dimensions == 0 ? 12 : 20;
    if (dimensions > 1) return err_set(err, ERR_UNSUPPORTED, "arrays have one dimension here");
    if (bytes.len < at) return bad_binary(err, type);
    uint64_t count = dimensions == 0 ? 0 : big_endian(bytes.ptr + 12, 4);
    for (uint64_t i = 0; i < count; i++) {
        if (bytes.len - at < 4) return bad_binary(err, type);
        uint32_t len = (uint32_t)big_endian(bytes.ptr + at, 4);
        at += 4;
        if (len == UINT32_MAX) return null_in_list(err);
        if (len > bytes.len - at) return bad_binary(err, type);
        if (!binary_element(reader, type, bytes_from(bytes.ptr + at, len), value, err)) return false;
        at += len;
    }
    return at == bytes.len || bad_binary(err, type);
}

static size_t binary_bytes(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_UUID: return 16;
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_DOUBLE:
    case SCHEMA_TYPE_TIMESTAMPTZ: return 8;
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_DATE: return 4;
    case SCHEMA_TYPE_BOOLEAN: return 1;
    default: return 0;
    }
}

bool insert_binary_read(const struct insert_reader *reader, enum schema_type type, struct bytes bytes,
                        struct insert_value *value, struct err *err)
{
    size_t wanted = binary_bytes(type);
    *value = (struct insert_value){ .is_given = true };
    if (wanted != 0 && bytes.len != wanted) return bad_binary(err, type);
    switch (type) {
    case SCHEMA_TYPE_TEXT: value->text = bytes; return true;
    case SCHEMA_TYPE_JSON: /* jsonb has a version in front */
        if (bytes.len > 0 && bytes.ptr[0] == 1) bytes = bytes_from(bytes.ptr + 1, bytes.len - 1);
        return insert_json_read(reader, bytes, value, err);
    case SCHEMA_TYPE_UUID: {
        struct uuid uuid;
        char *text = arena_alloc(reader->arena, UUID_TEXT_BYTES + 1);
        memcpy(uuid.bytes, bytes.ptr, sizeof uuid.bytes);
        uuid_to_text(uuid, text);
        value->text = bytes_from(text, UUID_TEXT_BYTES);
        return true;
    }
    case SCHEMA_TYPE_INTEGER: value->integer = (int32_t)big_endian(bytes.ptr, 4); return true;
    case SCHEMA_TYPE_DATE: value->integer = (int64_t)(int32_t)big_endian(bytes.ptr, 4) + POSTGRES_DAY; return true;
    case SCHEMA_TYPE_BIGINT: value->integer = (int64_t)big_endian(bytes.ptr, 8); return true;
    case SCHEMA_TYPE_TIMESTAMPTZ: {
        int64_t us = (int64_t)big_endian(bytes.ptr, 8);
        if (us > INT64_MAX - POSTGRES_EPOCH_US - 1 || us < -INT64_MAX / 2)
            return err_set(err, ERR_TIME, "timestamp out of range");
        value->integer = us + POSTGRES_EPOCH_US;
        return true;
    }
    case SCHEMA_TYPE_DOUBLE: value->number = double_of(big_endian(bytes.ptr, 8)); return true;
    case SCHEMA_TYPE_BOOLEAN: value->boolean = bytes.ptr[0] != 0; return true;
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return binary_list(reader, type, bytes, value, err);
    }
    return false;
}
