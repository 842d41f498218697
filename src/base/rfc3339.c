#include "base/rfc3339.h"
#include "base/date.h"
#include <inttypes.h>
#include <stdio.h>

enum { DAY_S = 86400 };
static const int64_t SECOND_US = 1000000;

void rfc3339_write(int64_t unix_us, char text[RFC3339_BYTES])
{
    int64_t us = unix_us % SECOND_US, seconds = unix_us / SECOND_US, year;
    uint32_t month, day;
    if (us < 0) us += SECOND_US, seconds--;
    int64_t days = seconds / DAY_S, rest = seconds % DAY_S;
    if (rest < 0) rest += DAY_S, days--;
    date_of_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) year = year < 0 ? 0 : 9999; /* what no row can have */
    snprintf(text, RFC3339_BYTES, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", (int)year, month, day, (int)(rest / 3600),
             (int)(rest / 60 % 60), (int)(rest % 60), (int)us);
}

void rfc3339_write_seconds(int64_t unix_us, char text[RFC3339_BYTES])
{
    rfc3339_write(unix_us, text);
    strcpy(strchr(text, '.'), "Z");
}

static bool number_take(struct bytes *text, uint32_t digits, uint32_t max, uint32_t *number)
{
    if (text->len < digits) return false;
    *number = 0;
    for (uint32_t i = 0; i < digits; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') return false;
        *number = *number * 10 + (uint32_t)(text->ptr[i] - '0');
    }
    *text = bytes_from(text->ptr + digits, text->len - digits);
    return *number <= max;
}

static bool mark_take(struct bytes *text, const char *marks)
{
    if (text->len == 0 || text->ptr[0] == '\0' || strchr(marks, text->ptr[0]) == NULL) return false;
    *text = bytes_from(text->ptr + 1, text->len - 1);
    return true;
}

static bool fraction_take(struct bytes *text, uint32_t *us)
{
    uint32_t digits = 0, digit;
    *us = 0;
    if (!mark_take(text, ".")) return true;
    for (; digits < 9 && number_take(text, 1, 9, &digit); digits++)
        if (digits < 6) *us = *us * 10 + digit;
    for (uint32_t d = digits; d < 6; d++) *us *= 10;
    return digits > 0;
}

static bool offset_take(struct bytes *text, int64_t *offset_s)
{
    uint32_t hours, minutes;
    *offset_s = 0;
    if (mark_take(text, "Zz")) return true;
    bool is_minus = text->len > 0 && text->ptr[0] == '-';
    if (!mark_take(text, "+-") || !number_take(text, 2, 23, &hours) || !mark_take(text, ":") ||
        !number_take(text, 2, 59, &minutes))
        return false;
    *offset_s = (int64_t)(hours * 3600 + minutes * 60) * (is_minus ? -1 : 1);
    return true;
}

bool rfc3339_read(struct bytes text, int64_t *unix_us)
{
    uint32_t year, month, day, hour, minute, second, us;
    int64_t offset_s, check_year;
    uint32_t check_month, check_day;
    if (!number_take(&text, 4, 9999, &year) || !mark_take(&text, "-") || !number_take(&text, 2, 12, &month) ||
        !mark_take(&text, "-") || !number_take(&text, 2, 31, &day) || !mark_take(&text, "Tt ") ||
        !number_take(&text, 2, 23, &hour) || !mark_take(&text, ":") || !number_take(&text, 2, 59, &minute) ||
        !mark_take(&text, ":") || !number_take(&text, 2, 60, &second) || !fraction_take(&text, &us) ||
        !offset_take(&text, &offset_s) || text.len > 0 || month == 0 || day == 0)
        return false;
    int64_t days = date_days(year, month, day);
    date_of_days(days, &check_year, &check_month, &check_day);
    if (check_month != month || check_day != day) return false; /* 30 February */
    *unix_us = ((days * DAY_S + hour * 3600 + minute * 60 + second) - offset_s) * SECOND_US + us;
    return true;
}

bool rfc3339_read_relative(struct bytes text, int64_t now_unix_us, int64_t *unix_us)
{
    static const struct {
        char name;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY_S } };
    if (text.len < 3 || memcmp(text.ptr, "now", 3) != 0) return rfc3339_read(text, unix_us);
    *unix_us = now_unix_us;
    text = bytes_from(text.ptr + 3, text.len - 3);
    if (text.len == 0) return true;
    uint32_t number, all = 0, digits = 0;
    if (!mark_take(&text, "-")) return false;
    for (; digits < 6 && number_take(&text, 1, 9, &number); digits++) all = all * 10 + number;
    for (size_t u = 0; digits > 0 && text.len == 1 && u < COUNT_OF(units); u++) {
        if (text.ptr[0] != (uint8_t)units[u].name) continue;
        *unix_us = now_unix_us - (int64_t)all * units[u].seconds * SECOND_US;
        return true;
    }
    return false;
}
