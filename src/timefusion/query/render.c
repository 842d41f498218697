#include "timefusion/query/render.h"
#include "base/utf8.h"
#include "timefusion/query/catalog_own.h"
#include "timefusion/query/insert.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define POSTGRES_EPOCH_US 946684800000000 /* 2000-01-01 */

static bool too_long(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
}

static uint64_t big_endian(const uint8_t *at, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) number = number << 8 | at[i];
    return number;
}

static bool bad_binary(struct err *err, enum query_type type)
{
    return err_set(err, ERR_INPUT, "incorrect binary data format for a parameter of type %s", type_name(type));
}

/* NUMERIC: count, weight, sign, scale, then digits to base 10,000 (PostgreSQL, numeric_send). */
static bool numeric_put(struct buf *out, struct bytes value, struct err *err)
{
    if (value.len < 8) return bad_binary(err, QUERY_TYPE_NUMERIC);
    int count = (int)big_endian(value.ptr, 2), weight = (int16_t)big_endian(value.ptr + 2, 2),
        scale = (int)big_endian(value.ptr + 6, 2);
    unsigned sign = (unsigned)big_endian(value.ptr + 4, 2);
    if (value.len != 8 + 2 * (size_t)count || count > 20 || weight > 10 || weight < -10 || scale > 38 ||
        (sign != 0 && sign != 0x4000))
        return bad_binary(err, QUERY_TYPE_NUMERIC);
    char text[400], *at = text;
    if (sign == 0x4000) *at++ = '-';
    if (weight < 0) *at++ = '0';
    for (int i = 0; i <= weight; i++) {
        unsigned digits = i < count ? (unsigned)big_endian(value.ptr + 8 + 2 * i, 2) : 0;
        if (digits > 9999) return bad_binary(err, QUERY_TYPE_NUMERIC);
        at += sprintf(at, i == 0 ? "%u" : "%04u", digits);
    }
    *at++ = '.';
    for (int i = weight + 1; i < count || i == weight + 1; i++) {
        unsigned digits = i >= 0 && i < count ? (unsigned)big_endian(value.ptr + 8 + 2 * i, 2) : 0;
        if (digits > 9999) return bad_binary(err, QUERY_TYPE_NUMERIC);
        at += sprintf(at, "%04u", digits);
    }
    return literal_put(out, bytes_from(text, (size_t)(at - text)), QUERY_TYPE_NUMERIC, err);
}

static bool binary_put(struct buf *out, struct bytes value, enum query_type type, struct err *err)
{
    static const uint8_t lengths[] = {
        [QUERY_TYPE_BOOL] = 1,       [QUERY_TYPE_INT2] = 2,        [QUERY_TYPE_INT4] = 4,
        [QUERY_TYPE_INT8] = 8,       [QUERY_TYPE_FLOAT4] = 4,      [QUERY_TYPE_FLOAT8] = 8,
        [QUERY_TYPE_UUID] = 16,      [QUERY_TYPE_DATE] = 4,        [QUERY_TYPE_TIME] = 8,
        [QUERY_TYPE_TIMESTAMP] = 8,  [QUERY_TYPE_TIMESTAMPTZ] = 8, [QUERY_TYPE_INTERVAL] = 16,
        [QUERY_TYPE_VECTOR_OID] = 4, [QUERY_TYPE_OID] = 4,         [QUERY_TYPE_REGCLASS] = 4,
        [QUERY_TYPE_REGTYPE] = 4,    [QUERY_TYPE_REGPROC] = 4,     [QUERY_TYPE_REGNAMESPACE] = 4,
        [QUERY_TYPE_REGROLE] = 4,
    };
    bool ok = true;
    if (!type_is_list(type) && type < COUNT_OF(lengths) && lengths[type] && value.len != lengths[type])
        return bad_binary(err, type);
    if (type_is_list(type)) { /* dimensions, flags, element type, size, lower bound, then length and bytes of each */
        enum query_type element = type_element(type);
        if (value.len < 12) return bad_binary(err, type);
        uint64_t dimensions = big_endian(value.ptr, 4), count = 0;
        size_t at = 12;
        if (dimensions > 1) return err_set(err, ERR_UNSUPPORTED, "arrays have one dimension here");
        if (dimensions == 1) {
            if (value.len < 20) return bad_binary(err, type);
            count = big_endian(value.ptr + 12, 4);
            at = 20;
        }
        ok = buf_add(out, "CAST([", 6);
        for (uint64_t i = 0; ok && i < count; i++) {
            if (value.len - at < 4) return bad_binary(err, type);
            uint32_t len = (uint32_t)big_endian(value.ptr + at, 4);
            at += 4;
            if (i > 0) ok = buf_add(out, ",", 1);
            if (len == UINT32_MAX) {
                ok = ok && buf_add(out, "NULL", 4);
                continue;
            }
            if (len > value.len - at) return bad_binary(err, type);
            if (ok && !binary_put(out, bytes_from(value.ptr + at, len), element, err)) return false;
            at += len;
        }
        return (ok && buf_printf(out, "] AS %s)", type_duckdb(type))) || too_long(err);
    }
    switch (type) {
    case QUERY_TYPE_BOOL: ok = buf_printf(out, "%s", value.ptr[0] ? "true" : "false"); break;
    case QUERY_TYPE_INT2: ok = buf_printf(out, "CAST(%d AS SMALLINT)", (int16_t)big_endian(value.ptr, 2)); break;
    case QUERY_TYPE_INT4: ok = buf_printf(out, "CAST(%d AS INTEGER)", (int32_t)big_endian(value.ptr, 4)); break;
    case QUERY_TYPE_INT8: ok = buf_printf(out, "CAST(%" PRId64 " AS BIGINT)", (int64_t)big_endian(value.ptr, 8)); break;
    case QUERY_TYPE_OIDS:
        ok = buf_printf(out, "CAST(%" PRIu32 " AS BIGINT)", (uint32_t)big_endian(value.ptr, 4));
        break;
    case QUERY_TYPE_FLOAT4: {
        uint32_t bits = (uint32_t)big_endian(value.ptr, 4);
        float number;
        memcpy(&number, &bits, sizeof number);
        ok = buf_printf(out, "CAST('%.9g' AS FLOAT)", (double)number);
        break;
    }
    case QUERY_TYPE_FLOAT8: {
        uint64_t bits = big_endian(value.ptr, 8);
        double number;
        memcpy(&number, &bits, sizeof number);
        ok = buf_printf(out, "CAST('%.17g' AS DOUBLE)", number);
        break;
    }
    case QUERY_TYPE_UUID: {
        struct uuid uuid;
        char text[UUID_TEXT_BYTES + 1];
        memcpy(uuid.bytes, value.ptr, sizeof uuid.bytes);
        uuid_to_text(uuid, text);
        ok = buf_printf(out, "CAST('%s' AS UUID)", text);
        break;
    }
    case QUERY_TYPE_DATE:
        ok = buf_printf(out, "(DATE '2000-01-01' + CAST(%d AS INTEGER))", (int32_t)big_endian(value.ptr, 4));
        break;
    case QUERY_TYPE_TIME:
        ok = buf_printf(out, "(TIME '00:00:00' + to_microseconds(CAST(%" PRId64 " AS BIGINT)))",
                        (int64_t)big_endian(value.ptr, 8));
        break;
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_TIMESTAMPTZ: {
        int64_t us = (int64_t)big_endian(value.ptr, 8);
        if (us > INT64_MAX - POSTGRES_EPOCH_US - 1 || us < -INT64_MAX / 2) return bad_binary(err, type);
        ok = buf_printf(out, "%s(%" PRId64 ")", type == QUERY_TYPE_TIMESTAMP ? "make_timestamp" : "make_timestamptz",
                        us + POSTGRES_EPOCH_US);
        break;
    }
    case QUERY_TYPE_INTERVAL:
        ok = buf_printf(out, "CAST('%d months %d days %" PRId64 " microseconds' AS INTERVAL)",
                        (int32_t)big_endian(value.ptr + 12, 4), (int32_t)big_endian(value.ptr + 8, 4),
                        (int64_t)big_endian(value.ptr, 8));
        break;
    case QUERY_TYPE_NUMERIC: return numeric_put(out, value, err);
    case QUERY_TYPE_BYTEA:
        ok = buf_add(out, "unhex('", 7);
        for (size_t i = 0; ok && i < value.len; i++) ok = buf_printf(out, "%02x", value.ptr[i]);
        ok = ok && buf_add(out, "')", 2);
        break;
    case QUERY_TYPE_JSONB:
        if (value.len > 0 && value.ptr[0] == 1) value = bytes_from(value.ptr + 1, value.len - 1); /* jsonb's version */
        if (!utf8_is_valid(value)) return err_set(err, ERR_INPUT, "a parameter is not valid UTF-8");
        return literal_put(out, value, type, err);
    default:
        if (!utf8_is_valid(value)) return err_set(err, ERR_INPUT, "a parameter is not valid UTF-8");
        return literal_put(out, value, QUERY_TYPE_TEXT, err);
    }
    return ok || too_long(err);
}

/* Something of the type, for DuckDB to plan with. NULL would be folded away, and the type of the result with it. */
static bool placeholder_put(struct buf *out, enum query_type type, bool with_nulls, struct err *err)
{
    bool ok;
    const char *word = type_is_list(type) ? "[]" : NULL;
    switch (type) {
    case QUERY_TYPE_TEXT: word = "''"; break;
    case QUERY_TYPE_JSONB: word = "'null'"; break;
    case QUERY_TYPE_BOOL: word = "true"; break;
    case QUERY_TYPE_UUID: word = "'00000000-0000-0000-0000-000000000000'"; break;
    case QUERY_TYPE_DATE: word = "'2000-01-01'"; break;
    case QUERY_TYPE_TIME: word = "'00:00:00'"; break;
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_TIMESTAMPTZ: word = "'2000-01-01 00:00:00'"; break;
    case QUERY_TYPE_INTERVAL: word = "'1 hour'"; break;
    case QUERY_TYPE_FLOAT4:
    case QUERY_TYPE_FLOAT8: word = "0.5"; break;
    default:
        if (type_is_number(type) || type_is_oid(type)) word = "1";
        if (type == type_list_of(QUERY_TYPE_FLOAT8)) word = "[0.5]";
    }
    bool must_be = type_is_number(type) || type_is_oid(type) || type == QUERY_TYPE_INTERVAL ||
                   type == type_list_of(QUERY_TYPE_FLOAT8);
    ok = buf_printf(out, "CAST(%s AS %s)", !word || (with_nulls && !must_be) ? "NULL" : word, type_duckdb(type));
    return ok || too_long(err);
}

static bool parameter_put(struct buf *out, const struct render *render, uint32_t number, struct err *err)
{
    assert(number >= 1 && number <= render->plan->parameter_count);
    enum query_type type = render->plan->parameters[number - 1];
    if (!render->parameters) return placeholder_put(out, type, render->with_nulls, err);
    const struct query_parameter *parameter = &render->parameters[number - 1];
    if (parameter->is_null) return buf_printf(out, "CAST(NULL AS %s)", type_duckdb(type)) || too_long(err);
    if (parameter->is_binary) return binary_put(out, parameter->value, type, err);
    if (!utf8_is_valid(parameter->value)) return err_set(err, ERR_INPUT, "parameter $%u is not valid UTF-8", number);
    int64_t oid;
    if (type == QUERY_TYPE_REGCLASS && catalog_own_oid(render->own, parameter->value, &oid))
        return buf_printf(out, "CAST(%" PRId64 " AS BIGINT)", oid) || too_long(err);
    return literal_put(out, parameter->value, type, err);
}

static struct bytes pattern_of(const struct render *render, uint32_t number)
{
    const struct query_parameter *parameter = render->parameters ? &render->parameters[number - 1] : NULL;
    return parameter && !parameter->is_null ? parameter->value : bytes_from("", 0);
}

/* %word%, of plain ASCII: a regular expression is three times as fast as ILIKE. */
static bool is_plain_word(struct bytes pattern)
{
    if (pattern.len < 3 || pattern.ptr[0] != '%' || pattern.ptr[pattern.len - 1] != '%') return false;
    for (size_t i = 1; i + 1 < pattern.len; i++)
        if (pattern.ptr[i] < ' ' || pattern.ptr[i] >= 0x80 || strchr("%_\\", pattern.ptr[i])) return false;
    return true;
}

static bool ilike_end_put(struct buf *out, const struct render *render, uint32_t number, struct err *err)
{
    struct bytes pattern = pattern_of(render, number);
    if (!is_plain_word(pattern))
        return (buf_add(out, " ILIKE ", 7) || too_long(err)) && parameter_put(out, render, number, err) &&
               (buf_printf(out, " ESCAPE '\\')") || too_long(err));
    struct buf regexp;
    buf_init(&regexp, 2 * pattern.len + 8);
    bool ok = buf_add(&regexp, "(?i)", 4);
    for (size_t i = 1; ok && i + 1 < pattern.len; i++)
        ok = (!strchr(".^$*+?()[]{}|", pattern.ptr[i]) || buf_add(&regexp, "\\", 1)) &&
             buf_add(&regexp, &pattern.ptr[i], 1);
    ok = ok && buf_add(out, ", ", 2) && literal_quote(out, buf_bytes(&regexp)) && buf_add(out, ")", 1);
    buf_deinit(&regexp);
    return ok || too_long(err);
}

static bool table_put(struct buf *out, const struct render *render, uint32_t table, struct err *err)
{
    static const struct source_files none = { 0 };
    static const struct source_rows all = { 0 };
    bool ok = render->tables ? buf_add(out, render->tables[table], strlen(render->tables[table]))
                             : source_put(out, &render->plan->tables[table], render->project_id, &none, &none, &all);
    return ok || too_long(err);
}

static bool mark_put(struct buf *out, char letter, uint32_t number, const struct render *render, struct err *err)
{
    struct bytes pattern;
    switch (letter) {
    case 'P': return parameter_put(out, render, number, err);
    case 'L': /* a plain pattern needs no ESCAPE, and DuckDB knows faster ways for it */
        pattern = pattern_of(render, number);
        return parameter_put(out, render, number, err) &&
               (pattern.len == 0 || !memchr(pattern.ptr, '\\', pattern.len) || buf_printf(out, " ESCAPE '\\'") ||
                too_long(err));
    case 'i':
        return buf_printf(out, "%s", is_plain_word(pattern_of(render, number)) ? "regexp_matches(" : "(") ||
               too_long(err);
    case 'I': return ilike_end_put(out, render, number, err);
    case 'T': return table_put(out, render, number, err);
    case 'R':
        if (render->written) return buf_add(out, render->written, strlen(render->written)) || too_long(err);
        return insert_returned_none(render->plan->insert, out) || too_long(err);
    case 'X': return buf_printf(out, "t%" PRIu64, render->temporaries[number]) || too_long(err);
    case 'K':
        if (render->folds && render->folds[number])
            return buf_add(out, render->folds[number], strlen(render->folds[number])) || too_long(err);
        return render_sql(out, render->plan->folds[number].whole, render, err);
    case 'A':
        return render_sql(out,
                          render->is_cubed ? render->plan->aggregates[number].cubed
                                           : render->plan->aggregates[number].plain,
                          render, err);
    case 'Q':
        if (render->cubes && render->cubes[number])
            return buf_add(out, render->cubes[number], strlen(render->cubes[number])) || too_long(err);
        return render_sql(out, render->plan->cubes[number].otherwise, render, err);
    case 'N': return buf_printf(out, LITERAL_TIME, render->now_unix_us) || too_long(err);
    case 'S':
        return literal_quote(out, bytes_of_text(render->settings && render->settings[number]
                                                    ? render->settings[number]
                                                    : setting_definition(number)->default_value)) ||
               too_long(err);
    case 'U': return literal_quote(out, bytes_of_text(render->user ? render->user : "")) || too_long(err);
    case 'B': return buf_printf(out, "%" PRIu32, render->pid) || too_long(err);
    case 'D': return catalog_own_put(out, number, render->own, render->pid) || too_long(err);
    case 'C': return literal_quote(out, number == 0 ? render->stats : render->activity) || too_long(err);
    default: return err_set(err, ERR_INTERNAL, "a template has an unknown mark");
    }
}

bool render_sql(struct buf *out, const char *template, const struct render *render, struct err *err)
{
    for (const char *at = template; *at;) {
        const char *open = strchr(at, MARK_OPEN[0]);
        size_t len = open ? (size_t)(open - at) : strlen(at);
        if (!buf_add(out, at, len)) return too_long(err);
        if (!open) break;
        char *end;
        unsigned long number = strtoul(open + 2, &end, 10);
        assert(*end == MARK_CLOSE[0]); /* made by mark() */
        if (!mark_put(out, open[1], (uint32_t)number, render, err)) return false;
        at = end + 1;
    }
    return true;
}
