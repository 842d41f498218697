#include "timefusion/query/literal.h"
#include "base/rfc3339.h"
#include "timefusion/query/array_text.h"
#include "timefusion/query/catalog.h"
#include "timefusion/query/query.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool literal_quote(struct buf *out, struct bytes text)
{
    bool has_marks =
        text.len > 0 && (memchr(text.ptr, MARK_OPEN[0], text.len) || memchr(text.ptr, MARK_CLOSE[0], text.len));
    bool ok = buf_add(out, has_marks ? "('" : "'", has_marks ? 2 : 1);
    size_t from = 0;
    for (size_t i = 0; ok && i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte != '\'' && byte != MARK_OPEN[0] && byte != MARK_CLOSE[0]) continue;
        ok = buf_add(out, text.ptr + from, i - from) &&
             (byte == '\'' ? buf_add(out, "''", 2) : buf_printf(out, "'||chr(%d)||'", byte));
        from = i + 1;
    }
    ok = ok && (text.len == from || buf_add(out, text.ptr + from, text.len - from));
    return ok && buf_add(out, has_marks ? "')" : "'", has_marks ? 2 : 1);
}

struct interval_unit {
    const char *names;
    int64_t months, days, micros;
};
static const struct interval_unit units[] = {
    { " us usec usecs microsecond microseconds ", 0, 0, 1 },
    { " ms msec msecs millisecond milliseconds ", 0, 0, 1000 },
    { " s sec secs second seconds ", 0, 0, 1000000 },
    { " m min mins minute minutes ", 0, 0, 60000000 },
    { " h hr hrs hour hours ", 0, 0, 3600000000 },
    { " d day days ", 0, 1, 0 },
    { " w week weeks ", 0, 7, 0 },
    { " mon mons month months ", 1, 0, 0 },
    { " y yr yrs year years ", 12, 0, 0 },
    { " dec decs decade decades ", 120, 0, 0 },
    { " c cent century centuries ", 1200, 0, 0 },
};
struct interval_sum {
    double months, days, micros;
};

static const struct interval_unit *unit_of(const char *name, size_t len)
{
    char padded[20] = " ";
    if (len == 0 || len > sizeof padded - 3) return NULL;
    for (size_t i = 0; i < len; i++) padded[i + 1] = (char)(name[i] | 0x20);
    padded[len + 1] = ' ';
    padded[len + 2] = '\0';
    for (size_t u = 0; u < COUNT_OF(units); u++)
        if (strstr(units[u].names, padded)) return &units[u];
    return NULL;
}

/* Fractions go down a unit: half a month is 15 days, half a day 12 hours (PostgreSQL, "Interval Input"). */
static void interval_add(struct interval_sum *sum, double number, const struct interval_unit *unit)
{
    double months = number * (double)unit->months, days = number * (double)unit->days;
    double days_over = (months - trunc(months)) * 30 + (days - trunc(days));
    sum->months += trunc(months);
    sum->days += trunc(days) + trunc(days_over);
    sum->micros += number * (double)unit->micros + (days_over - trunc(days_over)) * 86400e6;
}

static bool iso_parse(const char *at, struct interval_sum *sum)
{
    bool is_time = false;
    static const char date_letters[] = "YMWD", time_letters[] = "HMS";
    static const char *const date_units[] = { "year", "month", "week", "day" };
    static const char *const time_units[] = { "hour", "minute", "second" };
    if (*++at == '\0') return false;
    while (*at) {
        if (*at == 'T') {
            is_time = true;
            at++;
            continue;
        }
        char *end;
        double number = strtod(at, &end);
        const char *letters = is_time ? time_letters : date_letters;
        const char *letter = end != at && *end ? strchr(letters, *end) : NULL;
        if (!letter) return false;
        const char *name = (is_time ? time_units : date_units)[letter - letters];
        interval_add(sum, number, unit_of(name, strlen(name)));
        at = end + 1;
    }
    return true;
}

bool interval_parse(struct bytes text, int32_t *months, int32_t *days, int64_t *micros)
{
    char copy[128];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len)) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    struct interval_sum sum = { 0 };
    const char *at = copy;
    bool any = false, is_ago = false;
    while (*at == ' ') at++;
    if (*at == 'P') {
        if (!iso_parse(at, &sum)) return false;
        any = true;
        at = "";
    }
    while (*at) {
        if (*at == ' ' || *at == '@') {
            at++;
            continue;
        }
        if (any && strncasecmp(at, "ago", 3) == 0 && at[3] == '\0') {
            is_ago = true;
            break;
        }
        const char *start = at;
        if (*at == '+' || *at == '-') at++;
        if ((*at < '0' || *at > '9') && *at != '.') return false;
        char *end;
        if (at[0] == '0' && (at[1] | 0x20) == 'x') return false; /* strtod knows hexadecimal, SQL does not */
        double number = strtod(at, &end);
        if (end == at) return false;
        double sign = *start == '-' ? -1 : 1;
        at = end;
        if (*at == ':') { /* hh:mm[:ss[.f]] */
            double minutes = strtod(at + 1, &end), seconds = 0;
            if (end == at + 1) return false;
            at = end;
            if (*at == ':') {
                seconds = strtod(at + 1, &end);
                if (end == at + 1) return false;
                at = end;
            }
            sum.micros += sign * (number * 3600e6 + minutes * 60e6 + seconds * 1e6);
        } else {
            while (*at == ' ') at++;
            const char *word = at;
            while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')) at++;
            const struct interval_unit *unit = at == word ? &units[2] : unit_of(word, (size_t)(at - word));
            if (!unit) return false;
            interval_add(&sum, sign * number, unit);
        }
        any = true;
    }
    if (!any) return false;
    double factor = is_ago ? -1 : 1;
    if (!(fabs(sum.months) < 2e9) || !(fabs(sum.days) < 2e9) || !(fabs(sum.micros) < 9e18)) return false;
    *months = (int32_t)(factor * sum.months);
    *days = (int32_t)(factor * sum.days);
    *micros = llround(factor * sum.micros);
    return true;
}

/* {a,"b c",NULL} as [..]. */
static bool array_put(struct buf *out, struct bytes text, enum query_type element, struct err *err)
{
    struct array_items items;
    struct bytes item;
    bool is_null, is_first = true;
    if (!array_items_begin(&items, text, err)) return false;
    bool ok = buf_add(out, "CAST([", 6);
    while (ok && array_items_next(&items, &item, &is_null, err)) {
        ok = (is_first || buf_add(out, ",", 1)) &&
             (is_null ? buf_add(out, "NULL", 4) : literal_put(out, item, element, err));
        is_first = false;
    }
    array_items_end(&items);
    if (err->code != ERR_OK) return false;
    return (ok && buf_printf(out, "] AS %s)", type_duckdb(type_list_of(element)))) ||
           err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
}

int literal_boolean(struct bytes text)
{
    static const char *const yes[] = { "t", "true", "y", "yes", "on", "1" };
    static const char *const no[] = { "f", "false", "n", "no", "off", "0" };
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (strlen(yes[i]) == text.len && strncasecmp(yes[i], (const char *)text.ptr, text.len) == 0) return 1;
        if (strlen(no[i]) == text.len && strncasecmp(no[i], (const char *)text.ptr, text.len) == 0) return 0;
    }
    return -1;
}

/* "2025-11-22 10:00+01": seconds may be left out in PostgreSQL, and DuckDB wants them before a zone. */
static bool time_put(struct buf *out, struct bytes text)
{
    static const char pattern[] = "0000-00-00 00:00";
    size_t len = sizeof pattern - 1;
    bool is_short = text.len >= len && (text.len == len || text.ptr[len] != ':');
    for (size_t i = 0; is_short && i < len; i++)
        is_short = pattern[i] == '0' ? text.ptr[i] >= '0' && text.ptr[i] <= '9'
                                     : text.ptr[i] == (uint8_t)pattern[i] || (pattern[i] == ' ' && text.ptr[i] == 'T');
    if (!is_short) return literal_quote(out, text);
    struct buf full;
    buf_init(&full, text.len + 3);
    bool ok = buf_add(&full, text.ptr, len) && buf_add(&full, ":00", 3) &&
              (text.len == len || buf_add(&full, text.ptr + len, text.len - len)) &&
              literal_quote(out, buf_bytes(&full));
    buf_deinit(&full);
    return ok;
}

/* A time that says its zone is a number here: DuckDB has its calendar read it anew in each of a statement's steps. What is not
 * plainly one is DuckDB's to read. */
bool literal_time(struct bytes text, int64_t *unix_us)
{
    static const char pattern[] = "0000-00-00 00:00:00";
    const size_t len = sizeof pattern - 1;
    char copy[40];
    if (text.len <= len || text.len + 3 >= sizeof copy) return false;
    for (size_t i = 0; i < len; i++) {
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (pattern[i] == '0' ? !is_digit
                              : text.ptr[i] != (uint8_t)pattern[i] && !(pattern[i] == ' ' && text.ptr[i] == 'T'))
            return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    size_t digits = copy[len] == '.' ? strspn(copy + len + 1, "0123456789") : 0, at = len + (digits > 0) + digits;
    if (digits > 6 || copy[17] > '5' || strncmp(copy, "1900", 4) < 0 || strncmp(copy, "2200", 4) >= 0) return false;
    if ((copy[at] == '+' || copy[at] == '-') && text.len == at + 3) strcpy(copy + text.len, ":00"); /* +00 */
    return rfc3339_read(bytes_of_text(copy), unix_us);
}

bool literal_put(struct buf *out, struct bytes text, enum query_type type, struct err *err)
{
    int64_t unix_us;
    bool ok = true;
    if (text.len > 0 && memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_INPUT, "text cannot hold a zero byte");
    if (type_is_list(type)) return array_put(out, text, type_element(type), err);
    switch (type) {
    case QUERY_TYPE_UNKNOWN:
    case QUERY_TYPE_TEXT:
    case QUERY_TYPE_JSONB: ok = literal_quote(out, text); break;
    case QUERY_TYPE_BOOL: {
        int boolean = literal_boolean(text);
        if (boolean < 0)
            return err_set(err, ERR_VALUE, "invalid input syntax for type boolean: \"%.*s\"",
                           (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
        ok = buf_printf(out, "%s", boolean ? "true" : "false");
        break;
    }
    case QUERY_TYPE_INTERVAL: {
        int32_t months, days;
        int64_t micros;
        if (!interval_parse(text, &months, &days, &micros))
            return err_set(err, ERR_VALUE, "invalid input syntax for type interval: \"%.*s\"",
                           (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
        ok = buf_printf(out, "CAST('%" PRId32 " months %" PRId32 " days %" PRId64 " microseconds' AS INTERVAL)", months,
                        days, micros);
        break;
    }
    case QUERY_TYPE_BYTEA:
        if (text.len >= 2 && text.ptr[0] == '\\' && text.ptr[1] == 'x') {
            if (text.len % 2) return err_set(err, ERR_VALUE, "invalid hexadecimal data: odd number of digits");
            for (size_t i = 2; i < text.len; i++)
                if (!strchr("0123456789abcdefABCDEF", text.ptr[i]))
                    return err_set(err, ERR_VALUE, "invalid hexadecimal digit in bytea");
            ok = buf_printf(out, "unhex('%.*s')", (int)(text.len - 2), (const char *)text.ptr + 2);
            break;
        }
        if (text.len > 0 && memchr(text.ptr, '\\', text.len))
            return err_set(err, ERR_UNSUPPORTED,
                           "bytea with escapes is not supported; write \\x and hexadecimal digits");
        ok = buf_add(out, "unhex('", 7);
        for (size_t i = 0; ok && i < text.len; i++) ok = buf_printf(out, "%02x", text.ptr[i]);
        ok = ok && buf_add(out, "')", 2);
        break;
    case QUERY_TYPE_OIDS: {
        int64_t oid;
        int len = (int)(text.len < 60 ? text.len : 60);
        if (catalog_oid(type, text, &oid)) {
            ok = buf_printf(out, "CAST(%" PRId64 " AS BIGINT)", oid);
            break;
        }
        if (type <= QUERY_TYPE_OID)
            return err_set(err, ERR_VALUE, "invalid input syntax for type oid: \"%.*s\"", len, (const char *)text.ptr);
        return err_set(err, type == QUERY_TYPE_REGCLASS ? ERR_NO_TABLE : ERR_NOT_FOUND, "%s \"%.*s\" does not exist",
                       type == QUERY_TYPE_REGCLASS  ? "relation"
                       : type == QUERY_TYPE_REGTYPE ? "type"
                       : type == QUERY_TYPE_REGPROC ? "function"
                       : type == QUERY_TYPE_REGROLE ? "role"
                                                    : "schema",
                       len, (const char *)text.ptr);
    }
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_TIMESTAMPTZ:
        if (type == QUERY_TYPE_TIMESTAMPTZ && literal_time(text, &unix_us)) {
            ok = buf_printf(out, LITERAL_TIME, unix_us);
            break;
        }
        ok = buf_add(out, "CAST(", 5) && time_put(out, text) && buf_printf(out, " AS %s)", type_duckdb(type));
        break;
    default: /* the types that DuckDB reads as PostgreSQL does */
        ok = buf_add(out, "CAST(", 5) && literal_quote(out, text) && buf_printf(out, " AS %s)", type_duckdb(type));
    }
    return ok || err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
}
