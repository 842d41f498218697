/* Times in text: ISO 8601 here, all else by DuckDB, which knows zones by name. */
#include "base/date.h"
#include "timefusion/query/cursor.h"
#include "timefusion/query/insert_value.h"
#include "timefusion/query/literal.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define US_PER_DAY INT64_C(86400000000)

static bool number_take(const char **at, uint32_t max, int64_t *number)
{
    uint32_t value;
    if (!date_digits_take(at, 2, &value) || value > max) return false;
    *number = value;
    return true;
}

static bool clock_take(const char **at, int64_t *us)
{
    int64_t hours, minutes, seconds = 0, fraction = 0;
    if (!number_take(at, 23, &hours) || *(*at)++ != ':' || !number_take(at, 59, &minutes)) return false;
    if (**at == ':') {
        ++*at;
        if (!number_take(at, 59, &seconds)) return false;
        if (**at == '.') {
            int64_t unit = 100000;
            ++*at;
            if (**at < '0' || **at > '9') return false;
            for (; **at >= '0' && **at <= '9'; ++*at, unit /= 10) {
                if (unit == 0) return false; /* to be rounded: by DuckDB */
                fraction += (**at - '0') * unit;
            }
        }
    }
    *us = ((hours * 60 + minutes) * 60 + seconds) * 1000000 + fraction;
    return true;
}

/* Z, +01, -05:30. False: another kind of zone, or none. */
static bool zone_take(const char **at, int64_t *us)
{
    int64_t hours, minutes = 0;
    while (**at == ' ') ++*at;
    *us = 0;
    if (**at == 'Z' || **at == 'z') {
        ++*at;
        return true;
    }
    if (**at != '+' && **at != '-') return false;
    int sign = *(*at)++ == '-' ? -1 : 1;
    if (!number_take(at, 15, &hours)) return false;
    if (**at == ':') ++*at;
    if (**at >= '0' && **at <= '9' && !number_take(at, 59, &minutes)) return false;
    *us = sign * (hours * 60 + minutes) * 60000000;
    return true;
}

static bool is_utc(const struct query_session *session)
{
    const char *zone = session->settings[SETTING_TIMEZONE];
    return !zone || strcasecmp(zone, "utc") == 0;
}

bool insert_iso_read(const char *at, bool is_in_utc, int64_t *time_us)
{
    int64_t days, clock_us = 0, zone_us = 0;
    if (!date_take(&at, &days)) return false;
    if (*at == 'T' || *at == ' ') {
        at++;
        if (!clock_take(&at, &clock_us)) return false;
    }
    if (!zone_take(&at, &zone_us) && (*at != '\0' || !is_in_utc)) return false;
    if (*at != '\0') return false;
    *time_us = days * US_PER_DAY + clock_us - zone_us;
    return true;
}

static bool engine_read(struct query_session *session, struct bytes text, int64_t *time_us, struct err *err)
{
    struct lane *lane;
    struct buf sql;
    duckdb_result result;
    if (!lane_acquire(session, &lane, err)) return false;
    buf_init(&sql, 1u << 16);
    bool ok = buf_printf(&sql, "SELECT epoch_us(") && literal_put(&sql, text, QUERY_TYPE_TIMESTAMPTZ, err) &&
              buf_printf(&sql, ")") && buf_add(&sql, "", 1);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_VALUE, "a time of %zu bytes", text.len);
    if (ok && lane_begin(session, lane, err)) {
        ok = engine_query(lane->connection, (const char *)sql.ptr, &result, err);
        lane_end(session);
        if (ok) {
            *time_us = duckdb_value_int64(&result, 0, 0);
            duckdb_destroy_result(&result);
        }
    } else {
        ok = false;
    }
    buf_deinit(&sql);
    lane_release(session, lane);
    return ok;
}

bool insert_time_read(struct query_session *session, struct bytes text, int64_t *time_us, struct err *err)
{
    char copy[64];
    struct err why = { 0 };
    if (text.len < sizeof copy && !(text.len > 0 && memchr(text.ptr, 0, text.len))) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        if (insert_iso_read(copy, is_utc(session), time_us)) return true;
        if (engine_read(session, text, time_us, &why)) return true;
        if (why.code != ERR_VALUE && why.code != ERR_INPUT && why.code != ERR_TYPE) {
            *err = why;
            return false;
        }
    }
    return err_set(err, ERR_VALUE, "invalid input syntax for type timestamp with time zone: \"%.*s\"",
                   (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
}
