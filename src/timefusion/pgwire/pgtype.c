#include "timefusion/pgwire/pgtype.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PG_EPOCH_DAYS      10957 /* 2000-01-01 from 1970-01-01 */
#define DAY_US             86400000000ll
#define NUMERIC_DIGITS_MAX 2048

static const struct pgtype {
    enum query_type type;
    uint32_t oid, list_oid;
    int16_t len;
} types[] = {
    { QUERY_TYPE_BOOL, 16, 1000, 1 },
    { QUERY_TYPE_INT2, 21, 1005, 2 },
    { QUERY_TYPE_INT4, 23, 1007, 4 },
    { QUERY_TYPE_INT8, 20, 1016, 8 },
    { QUERY_TYPE_FLOAT4, 700, 1021, 4 },
    { QUERY_TYPE_FLOAT8, 701, 1022, 8 },
    { QUERY_TYPE_NUMERIC, 1700, 1231, -1 },
    { QUERY_TYPE_TEXT, 25, 1009, -1 },
    { QUERY_TYPE_BYTEA, 17, 1001, -1 },
    { QUERY_TYPE_UUID, 2950, 2951, 16 },
    { QUERY_TYPE_JSONB, 3802, 3807, -1 },
    { QUERY_TYPE_DATE, 1082, 1182, 4 },
    { QUERY_TYPE_TIME, 1083, 1183, 8 },
    { QUERY_TYPE_TIMESTAMP, 1114, 1115, 8 },
    { QUERY_TYPE_TIMESTAMPTZ, 1184, 1185, 8 },
    { QUERY_TYPE_INTERVAL, 1186, 1187, 16 },
    { QUERY_TYPE_OID, 26, 1028, 4 },
    { QUERY_TYPE_VECTOR_OID, 26, 30, 4 },
    { QUERY_TYPE_REGCLASS, 2205, 2210, 4 },
    { QUERY_TYPE_REGTYPE, 2206, 2211, 4 },
    { QUERY_TYPE_REGPROC, 24, 1008, 4 },
    { QUERY_TYPE_REGNAMESPACE, 4089, 4090, 4 },
    { QUERY_TYPE_REGROLE, 4096, 4097, 4 },
    /* what clients may declare for what we know under another name */
    { QUERY_TYPE_TEXT, 1043, 1015, -1 }, /* varchar */
    { QUERY_TYPE_TEXT, 1042, 1014, -1 }, /* bpchar */
    { QUERY_TYPE_TEXT, 19, 1003, -1 },   /* name */
    { QUERY_TYPE_JSONB, 114, 199, -1 },  /* json */
};

static const struct pgtype *pgtype_find(enum query_type type)
{
    enum query_type element = (enum query_type)((unsigned)type & ~(unsigned)QUERY_TYPE_LIST);
    for (size_t t = 0; t < COUNT_OF(types); t++)
        if (types[t].type == element) return &types[t];
    return &types[7]; /* text: any value has a text form */
}

static bool type_is_list(enum query_type type)
{
    return ((unsigned)type & QUERY_TYPE_LIST) != 0;
}

uint32_t pgtype_oid(enum query_type type)
{
    const struct pgtype *found = pgtype_find(type);
    return type_is_list(type) ? found->list_oid : found->oid;
}

/* varchar and bpchar are texts under another name. */
static uint32_t text_oid(enum query_text text, bool is_list)
{
    if (text == QUERY_TEXT_VARCHAR) return is_list ? 1015 : 1043;
    return is_list ? 1014 : 1042;
}

uint32_t pgtype_oid_of(const struct query_column *column, int32_t *modifier)
{
    *modifier = (int32_t)column->form.modifier - 1;
    return column->form.text == QUERY_TEXT ? pgtype_oid(column->type)
                                           : text_oid(column->form.text, type_is_list(column->type));
}

enum query_type pgtype_of_oid(uint32_t oid)
{
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        if (types[t].oid == oid) return types[t].type;
        if (types[t].list_oid == oid) return (enum query_type)((unsigned)types[t].type | QUERY_TYPE_LIST);
    }
    return QUERY_TYPE_UNKNOWN;
}

int16_t pgtype_len(enum query_type type)
{
    return type_is_list(type) ? -1 : pgtype_find(type)->len;
}

bool pgtype_put_u16(struct buf *out, uint16_t number)
{
    uint8_t bytes[2] = { (uint8_t)(number >> 8), (uint8_t)number };
    return buf_add(out, bytes, sizeof bytes);
}
bool pgtype_put_u32(struct buf *out, uint32_t number)
{
    uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number };
    return buf_add(out, bytes, sizeof bytes);
}
void pgtype_set_u32(struct buf *out, size_t at, uint32_t number)
{
    for (int b = 0; b < 4; b++) out->ptr[at + (size_t)b] = (uint8_t)(number >> (24 - 8 * b));
}
bool pgtype_put_u64(struct buf *out, uint64_t number)
{
    return pgtype_put_u32(out, (uint32_t)(number >> 32)) && pgtype_put_u32(out, (uint32_t)number);
}

/* --- text --- */

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days from 1970 to the proleptic Gregorian calendar. */
static void civil_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * of_year + 2) / 153;
    *day = of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static bool put_date(struct buf *out, int64_t days)
{
    int64_t year;
    unsigned month, day;
    civil_of_days(days, &year, &month, &day);
    if (year <= 0)
        return buf_printf(out, "%04" PRId64 "-%02u-%02u", 1 - year, month, day); /* BC is written at the end */
    return buf_printf(out, "%04" PRId64 "-%02u-%02u", year, month, day);
}

static bool put_time(struct buf *out, int64_t micros)
{
    int64_t seconds = micros / 1000000, fraction = micros % 1000000;
    if (!buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600, seconds / 60 % 60, seconds % 60))
        return false;
    if (fraction == 0) return true;
    int digits = 6;
    for (; fraction % 10 == 0; fraction /= 10) digits--;
    return buf_printf(out, ".%0*" PRId64, digits, fraction);
}

static bool put_timestamp(struct buf *out, int64_t micros, const char *zone)
{
    if (micros == INT64_MAX) return buf_printf(out, "infinity");
    if (micros == -INT64_MAX || micros == INT64_MIN) return buf_printf(out, "-infinity");
    int64_t days = floor_div(micros, DAY_US);
    bool is_bc = days < -719162; /* before year 1 */
    return put_date(out, days) && buf_printf(out, " ") && put_time(out, micros - days * DAY_US) &&
           buf_printf(out, "%s%s", zone, is_bc ? " BC" : "");
}

static bool put_hex(struct buf *out, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (!buf_printf(out, "\\x") || !buf_reserve(out, bytes.len * 2)) return false;
    for (size_t i = 0; i < bytes.len; i++) {
        out->ptr[out->len++] = (uint8_t)digits[bytes.ptr[i] >> 4];
        out->ptr[out->len++] = (uint8_t)digits[bytes.ptr[i] & 15];
    }
    return true;
}

static bool put_scalar_text(struct buf *out, const struct query_chunk *chunk, enum query_type type,
                            struct query_value value)
{
    char uuid[UUID_TEXT_BYTES + 1];
    switch ((int)type) {
    case QUERY_TYPE_BOOL: return buf_printf(out, value.boolean ? "t" : "f");
    case QUERY_TYPE_INT2:
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8:
    case QUERY_TYPE_VECTOR_OID:
    case QUERY_TYPE_OID: return buf_printf(out, "%" PRId64, value.integer);
    case QUERY_TYPE_REGCLASS:
    case QUERY_TYPE_REGTYPE:
    case QUERY_TYPE_REGPROC:
    case QUERY_TYPE_REGNAMESPACE:
    case QUERY_TYPE_REGROLE: return query_catalog_name(out, chunk, type, value.integer);
    case QUERY_TYPE_FLOAT4: return query_float_put(out, value.number);
    case QUERY_TYPE_FLOAT8: return query_double_put(out, value.number);
    case QUERY_TYPE_BYTEA: return put_hex(out, value.bytes);
    case QUERY_TYPE_UUID: uuid_to_text(value.uuid, uuid); return buf_printf(out, "%s", uuid);
    case QUERY_TYPE_DATE: return put_date(out, value.integer) && (value.integer >= -719162 || buf_printf(out, " BC"));
    case QUERY_TYPE_TIME: return put_time(out, value.integer);
    case QUERY_TYPE_TIMESTAMP: return put_timestamp(out, value.integer, "");
    case QUERY_TYPE_TIMESTAMPTZ: return put_timestamp(out, value.integer, "+00");
    case QUERY_TYPE_INTERVAL:
        return query_interval_put(out, value.interval.months, value.interval.days, value.interval.micros);
    default: return buf_add(out, value.bytes.ptr, value.bytes.len); /* text, numeric, jsonb */
    }
}

/* What char(n) is shown with: blanks up to its length, which counts characters. */
static bool put_blanks(struct buf *out, const struct query_column *shape, struct query_value value)
{
    if (shape->form.text != QUERY_TEXT_BPCHAR || shape->form.modifier == 0) return true;
    size_t want = shape->form.modifier - 5, have = utf8_count(value.bytes); /* 1 + VARHDRSZ */
    if (have >= want) return true;
    if (!buf_reserve(out, want - have)) return false;
    memset(out->ptr + out->len, ' ', want - have);
    out->len += want - have;
    return true;
}

/* array_out: quotes where an element could be mistaken. */
static bool put_element_quoted(struct buf *out, struct bytes text)
{
    bool needs = text.len == 0 || (text.len == 4 && strncasecmp((const char *)text.ptr, "null", 4) == 0);
    for (size_t i = 0; i < text.len && !needs; i++) needs = memchr("{},\"\\ \t\n\r\v\f", text.ptr[i], 11) != NULL;
    if (!needs) return buf_add(out, text.ptr, text.len);
    if (!buf_reserve(out, text.len * 2 + 2)) return false;
    out->ptr[out->len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\') out->ptr[out->len++] = '\\';
        out->ptr[out->len++] = text.ptr[i];
    }
    out->ptr[out->len++] = '"';
    return true;
}

static bool put_list_text(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                          const struct query_column *shape, struct query_value value)
{
    struct buf text;
    enum query_type element = pgtype_find(shape->type)->type;
    bool is_vector = element == QUERY_TYPE_VECTOR_OID; /* "23 25" */
    buf_init(&text, out->bytes_max);
    bool ok = is_vector || buf_printf(out, "{");
    for (uint32_t e = 0; ok && e < value.list.count; e++) {
        struct query_value item = query_chunk_element(chunk, column, value.list.offset + e);
        ok = e == 0 || buf_printf(out, is_vector ? " " : ",");
        text.len = 0;
        if (item.is_null) {
            ok = ok && buf_printf(out, "NULL");
        } else {
            ok = ok && put_scalar_text(&text, chunk, element, item) && put_blanks(&text, shape, item) &&
                 put_element_quoted(out, buf_bytes(&text));
        }
    }
    buf_deinit(&text);
    return ok && (is_vector || buf_printf(out, "}"));
}

bool pgtype_put_text(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                     const struct query_column *shape, struct query_value value)
{
    if (type_is_list(shape->type)) return put_list_text(out, chunk, column, shape, value);
    return put_scalar_text(out, chunk, shape->type, value) && put_blanks(out, shape, value);
}

/* --- binary --- */

/* numeric_send: weight, sign, scale, base-10000 digits; from decimal text, or NaN. */
static bool put_numeric(struct buf *out, struct bytes text)
{
    if (text.len == 3 && memcmp(text.ptr, "NaN", 3) == 0)
        return pgtype_put_u16(out, 0) && pgtype_put_u16(out, 0) && pgtype_put_u16(out, 0xC000) &&
               pgtype_put_u16(out, 0);
    char digits[NUMERIC_DIGITS_MAX + 8];
    size_t whole = 0, count = 0, at = 0;
    bool is_negative = text.len > 0 && text.ptr[0] == '-', seen_point = false;
    for (at = is_negative; at < text.len && count < NUMERIC_DIGITS_MAX; at++) {
        if (text.ptr[at] == '.') {
            seen_point = true;
        } else if (text.ptr[at] >= '0' && text.ptr[at] <= '9') {
            digits[count++] = (char)(text.ptr[at] - '0');
            whole += !seen_point;
        }
    }
    size_t scale = count - whole, lead = (4 - whole % 4) % 4; /* zeros before, so that groups meet the point */
    uint16_t groups[NUMERIC_DIGITS_MAX / 4 + 4];
    size_t group_count = 0;
    for (size_t g = 0; g < lead + count; g += 4) {
        unsigned group = 0;
        for (size_t d = g; d < g + 4; d++)
            group = group * 10 + (d >= lead && d - lead < count ? (unsigned)digits[d - lead] : 0);
        groups[group_count++] = (uint16_t)group;
    }
    int weight = (int)((lead + whole) / 4) - 1;
    size_t first = 0;
    for (; first < group_count && groups[first] == 0; first++) weight--;
    while (group_count > first && groups[group_count - 1] == 0) group_count--;
    if (group_count == first) weight = 0;
    bool ok = pgtype_put_u16(out, (uint16_t)(group_count - first)) && pgtype_put_u16(out, (uint16_t)weight) &&
              pgtype_put_u16(out, is_negative && group_count > first ? 0x4000 : 0) &&
              pgtype_put_u16(out, (uint16_t)scale);
    for (size_t g = first; ok && g < group_count; g++) ok = pgtype_put_u16(out, groups[g]);
    return ok;
}

static int64_t micros_from_2000(int64_t micros)
{
    if (micros == INT64_MAX) return INT64_MAX;                         /* infinity */
    if (micros == -INT64_MAX || micros == INT64_MIN) return INT64_MIN; /* -infinity */
    int64_t moved;
    if (__builtin_sub_overflow(micros, PG_EPOCH_DAYS * DAY_US, &moved)) return INT64_MIN;
    return moved;
}

static bool put_scalar_binary(struct buf *out, enum query_type type, struct query_value value)
{
    uint64_t bits64;
    uint32_t bits32;
    float single;
    switch ((int)type) {
    case QUERY_TYPE_BOOL: return buf_add(out, value.boolean ? "\1" : "\0", 1);
    case QUERY_TYPE_INT2: return pgtype_put_u16(out, (uint16_t)value.integer);
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_OIDS: return pgtype_put_u32(out, (uint32_t)value.integer);
    case QUERY_TYPE_INT8:
    case QUERY_TYPE_TIME: return pgtype_put_u64(out, (uint64_t)value.integer);
    case QUERY_TYPE_FLOAT4:
        single = (float)value.number;
        memcpy(&bits32, &single, sizeof bits32);
        return pgtype_put_u32(out, bits32);
    case QUERY_TYPE_FLOAT8: memcpy(&bits64, &value.number, sizeof bits64); return pgtype_put_u64(out, bits64);
    case QUERY_TYPE_NUMERIC: return put_numeric(out, value.bytes);
    case QUERY_TYPE_UUID: return buf_add(out, value.uuid.bytes, sizeof value.uuid.bytes);
    case QUERY_TYPE_JSONB: return buf_add(out, "\1", 1) && buf_add(out, value.bytes.ptr, value.bytes.len);
    case QUERY_TYPE_DATE: return pgtype_put_u32(out, (uint32_t)(value.integer - PG_EPOCH_DAYS));
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_TIMESTAMPTZ: return pgtype_put_u64(out, (uint64_t)micros_from_2000(value.integer));
    case QUERY_TYPE_INTERVAL:
        return pgtype_put_u64(out, (uint64_t)value.interval.micros) &&
               pgtype_put_u32(out, (uint32_t)value.interval.days) &&
               pgtype_put_u32(out, (uint32_t)value.interval.months);
    default: return buf_add(out, value.bytes.ptr, value.bytes.len); /* text, bytea */
    }
}

static bool put_list_binary(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                            const struct query_column *shape, struct query_value value)
{
    enum query_type element = pgtype_find(shape->type)->type;
    uint32_t oid = shape->form.text == QUERY_TEXT ? pgtype_oid(element) : text_oid(shape->form.text, false);
    bool has_null = false;
    for (uint32_t e = 0; e < value.list.count && !has_null; e++)
        has_null = query_chunk_element(chunk, column, value.list.offset + e).is_null;
    bool ok = pgtype_put_u32(out, value.list.count > 0) && pgtype_put_u32(out, has_null) && pgtype_put_u32(out, oid);
    if (value.list.count > 0) ok = ok && pgtype_put_u32(out, value.list.count) && pgtype_put_u32(out, 1);
    for (uint32_t e = 0; ok && e < value.list.count; e++) {
        struct query_value item = query_chunk_element(chunk, column, value.list.offset + e);
        size_t at = out->len;
        ok = pgtype_put_u32(out, UINT32_MAX);
        if (!ok || item.is_null) continue;
        ok = put_scalar_binary(out, element, item) && put_blanks(out, shape, item);
        pgtype_set_u32(out, at, (uint32_t)(out->len - at - 4));
    }
    return ok;
}

bool pgtype_put_binary(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                       const struct query_column *shape, struct query_value value)
{
    if (type_is_list(shape->type)) return put_list_binary(out, chunk, column, shape, value);
    return put_scalar_binary(out, shape->type, value) && put_blanks(out, shape, value);
}
