#include "timefusion/delta/delta_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/date.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"
#include "timefusion/delta/delta.h"

#define DAY_US INT64_C(86400000000)

bool delta_put_json_text(struct buf *buf, struct bytes text)
{
    if (!buf_reserve(buf, json_text_bytes_max(text.len))) return false;
    buf->len = (size_t)(json_put_text(buf->ptr + buf->len, text) - buf->ptr);
    return true;
}

/* -- paths ------------------------------------------------------------------------------------------------------ */

static bool path_byte_is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != 0 && strchr("-._~/=", byte) != NULL);
}

bool delta_put_path(struct buf *buf, const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = strlen(path);
    if (!buf_reserve(buf, 3 * len + 2)) return false;
    uint8_t *at = buf->ptr + buf->len;
    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)path[i];
        if (path_byte_is_plain(byte)) {
            *at++ = byte;
        } else {
            *at++ = '%';
            *at++ = (uint8_t)hex[byte >> 4];
            *at++ = (uint8_t)hex[byte & 15];
        }
    }
    *at++ = '"';
    buf->len = (size_t)(at - buf->ptr);
    return true;
}

bool delta_path_decode(const char *encoded, char path[DELTA_PATH_BYTES_MAX + 1])
{
    size_t len = 0;
    for (const char *at = encoded; *at; at++) {
        if (len == DELTA_PATH_BYTES_MAX) return false;
        char byte = *at;
        if (byte == '%') {
            int high = hex_digit((uint8_t)at[1]);
            int low = high < 0 ? -1 : hex_digit((uint8_t)at[2]);
            if (low < 0 || (high == 0 && low == 0)) return false;
            byte = (char)(high * 16 + low);
            at += 2;
        }
        path[len++] = byte;
    }
    path[len] = 0;
    return utf8_is_valid(bytes_from(path, len));
}

void delta_file_path(struct uuid project_id, int32_t day, struct uuid file_id, char path[160])
{
    char project[UUID_TEXT_BYTES + 1], file[UUID_TEXT_BYTES + 1], date[16];
    uuid_to_text(project_id, project);
    uuid_to_text(file_id, file);
    date_text(day, date);
    snprintf(path, 160, "project_id=%s/date=%s/part-%s.parquet", project, date, file);
}

/* -- dates and times -------------------------------------------------------------------------------------------- */

static bool char_take(const char **at, char wanted)
{
    if (**at != wanted) return false;
    ++*at;
    return true;
}

bool delta_time_text(int64_t unix_us, bool round_up, char text[32])
{
    int64_t ms = unix_us / 1000;
    if (unix_us % 1000 < 0) ms--;
    if (round_up && ms * 1000 != unix_us) ms++;
    int64_t days = ms / 86400000, ms_of_day = ms % 86400000, year;
    if (ms_of_day < 0) days--, ms_of_day += 86400000;
    uint32_t month, day;
    date_of_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) return false;
    snprintf(text, 32, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", (int)year, month, day, (int)(ms_of_day / 3600000),
             (int)(ms_of_day / 60000 % 60), (int)(ms_of_day / 1000 % 60), (int)(ms_of_day % 1000));
    return true;
}

/* Up to nine digits; *step_us is what the last one counts, at least 1. */
static bool fraction_take(const char **at, int64_t *us, int64_t *step_us)
{
    int64_t digit_us = 100000;
    uint32_t count = 0;
    *us = 0, *step_us = 1000000;
    if (!char_take(at, '.')) return true;
    for (; **at >= '0' && **at <= '9'; ++*at, count++) {
        if (count == 9) return false;
        *us += (**at - '0') * digit_us;
        if (digit_us > 0) *step_us = digit_us;
        digit_us /= 10;
    }
    return count > 0;
}

static bool offset_take(const char **at, int64_t *offset_us)
{
    uint32_t hours, minutes = 0;
    *offset_us = 0;
    if (**at == 0 || char_take(at, 'Z')) return true;
    int sign = char_take(at, '-') ? -1 : char_take(at, '+') ? 1 : 0;
    if (sign == 0 || !date_digits_take(at, 2, &hours)) return false;
    (void)char_take(at, ':');
    if (**at != 0 && !date_digits_take(at, 2, &minutes)) return false;
    *offset_us = sign * (int64_t)(hours * 60 + minutes) * 60000000;
    return true;
}

bool delta_time_parse(const char *text, bool greatest, int64_t *unix_us)
{
    int64_t days, fraction_us = 0, step_us = 1000000, offset_us;
    uint32_t hour = 0, minute = 0, second = 0;
    if (!date_take(&text, &days)) return false;
    if (!char_take(&text, 'T') && !char_take(&text, ' ')) return false;
    if (!date_digits_take(&text, 2, &hour) || !char_take(&text, ':') || !date_digits_take(&text, 2, &minute))
        return false;
    if (!char_take(&text, ':') || !date_digits_take(&text, 2, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    if (!fraction_take(&text, &fraction_us, &step_us) || !offset_take(&text, &offset_us) || *text != 0) return false;
    *unix_us = days * DAY_US + ((int64_t)hour * 3600 + minute * 60 + second) * 1000000 + fraction_us - offset_us;
    if (greatest) *unix_us += step_us - 1;
    return true;
}

static bool unit_ms(const char *word, size_t len, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "week", 7 * 86400000 }, { "day", 86400000 }, { "hour", 3600000 },
                  { "minute", 60000 },      { "second", 1000 },  { "millisecond", 1 } };
    if (len > 1 && (word[len - 1] == 's' || word[len - 1] == 'S')) len--;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strlen(units[i].name) != len || strncasecmp(word, units[i].name, len) != 0) continue;
        *ms = units[i].ms;
        return true;
    }
    return false;
}

bool delta_interval_parse(const char *text, int64_t *ms)
{
    const int64_t number_max = 1000000000; /* of weeks: still within 64 bits of milliseconds */
    int64_t sum = 0, unit;
    bool any = false;
    text += strspn(text, " ");
    if (strncasecmp(text, "interval", 8) == 0) text += 8;
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        int64_t number = 0;
        size_t digits = strspn(text, "0123456789");
        if (digits == 0) return false;
        for (size_t i = 0; i < digits; i++) {
            number = number * 10 + (text[i] - '0');
            if (number > number_max) return false;
        }
        text += digits + strspn(text + digits, " ");
        size_t word = strcspn(text, " ");
        if (!unit_ms(text, word, &unit) || sum > INT64_MAX / 2) return false;
        sum += number * unit;
        text += word;
        any = true;
    }
    if (any) *ms = sum;
    return any;
}
