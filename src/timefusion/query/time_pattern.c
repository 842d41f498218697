#include "timefusion/query/time_pattern.h"
#include "base/date.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define PATTERN_MAX 300
static const int64_t DAY_US = 86400000000;

enum field {
    FIELD_NONE,
    FIELD_HOUR12,
    FIELD_HOUR24,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_MILLI,
    FIELD_MICRO,
    FIELD_DAY_SECONDS,
    FIELD_HALF, /* AM */
    FIELD_HALF_DOTS,
    FIELD_YEAR4,
    FIELD_YEAR_COMMA,
    FIELD_YEAR3,
    FIELD_YEAR2,
    FIELD_YEAR1,
    FIELD_ISO_YEAR4,
    FIELD_ISO_YEAR2,
    FIELD_ERA,
    FIELD_MONTH_NAME,
    FIELD_MONTH_SHORT,
    FIELD_MONTH,
    FIELD_DAY_NAME,
    FIELD_DAY_SHORT,
    FIELD_DAY_OF_YEAR,
    FIELD_DAY,
    FIELD_DAY_OF_WEEK,
    FIELD_ISO_DAY_OF_WEEK,
    FIELD_WEEK_OF_MONTH,
    FIELD_WEEK,
    FIELD_ISO_WEEK,
    FIELD_CENTURY,
    FIELD_JULIAN,
    FIELD_QUARTER,
    FIELD_ROMAN,
    FIELD_ZONE,
    FIELD_ZONE_HOURS,
    FIELD_ZONE_MINUTES,
    FIELD_OFFSET,
    FIELD_FRACTION, /* FF1 ... FF6 */
};
struct mark {
    const char *text;
    enum field field;
};
/* Longer ones first where one begins another. Upper case; a pattern may have them in any. */
static const struct mark marks[] = {
    { "HH24", FIELD_HOUR24 },
    { "HH12", FIELD_HOUR12 },
    { "HH", FIELD_HOUR12 },
    { "MI", FIELD_MINUTE },
    { "MS", FIELD_MILLI },
    { "US", FIELD_MICRO },
    { "SSSSS", FIELD_DAY_SECONDS },
    { "SSSS", FIELD_DAY_SECONDS },
    { "SS", FIELD_SECOND },
    { "A.M.", FIELD_HALF_DOTS },
    { "P.M.", FIELD_HALF_DOTS },
    { "AM", FIELD_HALF },
    { "PM", FIELD_HALF },
    { "Y,YYY", FIELD_YEAR_COMMA },
    { "YYYY", FIELD_YEAR4 },
    { "YYY", FIELD_YEAR3 },
    { "YY", FIELD_YEAR2 },
    { "Y", FIELD_YEAR1 },
    { "IYYY", FIELD_ISO_YEAR4 },
    { "IY", FIELD_ISO_YEAR2 },
    { "IW", FIELD_ISO_WEEK },
    { "ID", FIELD_ISO_DAY_OF_WEEK },
    { "BC", FIELD_ERA },
    { "AD", FIELD_ERA },
    { "MONTH", FIELD_MONTH_NAME },
    { "MON", FIELD_MONTH_SHORT },
    { "MM", FIELD_MONTH },
    { "DAY", FIELD_DAY_NAME },
    { "DY", FIELD_DAY_SHORT },
    { "DDD", FIELD_DAY_OF_YEAR },
    { "DD", FIELD_DAY },
    { "D", FIELD_DAY_OF_WEEK },
    { "WW", FIELD_WEEK },
    { "W", FIELD_WEEK_OF_MONTH },
    { "CC", FIELD_CENTURY },
    { "J", FIELD_JULIAN },
    { "Q", FIELD_QUARTER },
    { "RM", FIELD_ROMAN },
    { "TZH", FIELD_ZONE_HOURS },
    { "TZM", FIELD_ZONE_MINUTES },
    { "TZ", FIELD_ZONE },
    { "OF", FIELD_OFFSET },
    { "FF1", FIELD_FRACTION },
    { "FF2", FIELD_FRACTION },
    { "FF3", FIELD_FRACTION },
    { "FF4", FIELD_FRACTION },
    { "FF5", FIELD_FRACTION },
    { "FF6", FIELD_FRACTION },
};
static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                      "July",    "August",   "September", "October", "November", "December" };
static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const romans[] = { "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII" };

static const struct mark *mark_find(const char *at, size_t left)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        size_t len = strlen(marks[i].text);
        if (len <= left && strncasecmp(at, marks[i].text, len) == 0) return &marks[i];
    }
    return NULL;
}

void pattern_time_of(struct pattern_time *time, int64_t local_us)
{
    *time = (struct pattern_time){ 0 };
    int64_t day = local_us / DAY_US, rest = local_us % DAY_US;
    if (rest < 0) rest += DAY_US, day--;
    time->days = day;
    date_of_days(day, &time->year, &time->month, &time->day);
    time->hour = rest / 3600000000;
    time->minute = (uint32_t)(rest / 60000000 % 60);
    time->second = (uint32_t)(rest / 1000000 % 60);
    time->micros = (uint32_t)(rest % 1000000);
}

void pattern_time_of_interval(struct pattern_time *time, int32_t month_count, int32_t day_count, int64_t micros)
{
    *time = (struct pattern_time){ .is_interval = true, .is_negative = micros < 0 };
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    time->year = month_count / 12;
    time->month = (uint32_t)labs(month_count % 12);
    time->day = (uint32_t)labs(day_count);
    time->hour = (int64_t)(rest / 3600000000);
    if (micros < 0) time->hour = -time->hour;
    time->minute = (uint32_t)(rest / 60000000 % 60);
    time->second = (uint32_t)(rest / 1000000 % 60);
    time->micros = (uint32_t)(rest % 1000000);
}

static uint32_t week_day(int64_t day) /* 0 is Sunday */
{
    int64_t of_week = (day + 4) % 7;
    return (uint32_t)(of_week < 0 ? of_week + 7 : of_week);
}

static uint32_t iso_week(const struct pattern_time *time, int64_t *year)
{
    uint32_t iso_day = (week_day(time->days) + 6) % 7; /* 0 is Monday */
    int64_t thursday = time->days - iso_day + 3;
    uint32_t month, day;
    date_of_days(thursday, year, &month, &day);
    return (uint32_t)((thursday - date_days(*year, 1, 1)) / 7 + 1);
}

/* The mark's case is the name's: MON, Mon, mon. */
static bool name_put(struct buf *out, const char *name, size_t len, const char *mark, bool fills, size_t width)
{
    char text[32];
    bool is_upper = mark[0] >= 'A' && mark[0] <= 'Z', is_all = is_upper && mark[1] >= 'A' && mark[1] <= 'Z';
    for (size_t i = 0; i < len && i < sizeof text; i++) {
        char byte = name[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        if (is_letter && is_all)
            byte = (char)(byte & ~0x20);
        else if (is_letter && !is_upper)
            byte = (char)(byte | 0x20);
        text[i] = byte;
    }
    bool ok = buf_add(out, text, len);
    for (; ok && fills && len < width; len++) ok = buf_add(out, " ", 1);
    return ok;
}

static bool digits_put(struct buf *out, int64_t number, int width, bool fills, const char *after, size_t left,
                       size_t *taken)
{
    bool ok = !fills       ? buf_printf(out, "%lld", (long long)number)
              : number < 0 ? buf_printf(out, "-%0*lld", width, -(long long)number)
                           : buf_printf(out, "%0*lld", width, (long long)number);
    if (ok && left >= 2 && strncasecmp(after, "TH", 2) == 0) { /* 2nd */
        static const char *const ordinals[] = { "th", "st", "nd", "rd" };
        int64_t last = number % 10, two = number % 100;
        const char *ordinal = ordinals[last >= 1 && last <= 3 && (two < 11 || two > 13) ? last : 0];
        ok = name_put(out, ordinal, 2, *after == 'T' ? "TH" : "th", false, 0);
        *taken += 2;
    }
    return ok;
}

bool time_pattern_put(struct buf *out, const struct pattern_time *time, struct bytes pattern, struct err *err)
{
    if (pattern.len > PATTERN_MAX) return err_set(err, ERR_INPUT, "the pattern of a time is too long");
    bool ok = true, fills = true;
    for (size_t i = 0; ok && i < pattern.len;) {
        const char *at = (const char *)pattern.ptr + i;
        size_t left = pattern.len - i;
        if (*at == '"') {
            for (i++; ok && i < pattern.len && pattern.ptr[i] != '"'; i++) ok = buf_add(out, pattern.ptr + i, 1);
            i++;
            continue;
        }
        if (left >= 2 &&
            (strncasecmp(at, "FM", 2) == 0 || strncasecmp(at, "FX", 2) == 0 || strncasecmp(at, "TM", 2) == 0)) {
            fills = (at[1] | 0x20) == 'x'; /* TM: names are English, without blanks */
            i += 2;
            continue;
        }
        const struct mark *mark = mark_find(at, left);
        if (!mark) {
            ok = buf_add(out, at, 1);
            i++;
            continue;
        }
        size_t taken = strlen(mark->text);
        const char *after = at + taken;
        size_t rest = left - taken;
        int64_t iso_year = 0, number = INT64_MIN;
        int width = 2;
        switch (mark->field) {
        case FIELD_HOUR12: number = time->hour % 12 == 0 ? 12 : time->hour % 12; break;
        case FIELD_HOUR24: number = time->hour; break;
        case FIELD_MINUTE: number = time->is_negative ? -(int64_t)time->minute : time->minute; break;
        case FIELD_SECOND: number = time->is_negative ? -(int64_t)time->second : time->second; break;
        case FIELD_MILLI: number = time->micros / 1000, width = 3; break;
        case FIELD_MICRO: number = time->micros, width = 6; break;
        case FIELD_FRACTION:
            width = mark->text[2] - '0';
            number = time->micros;
            for (int n = width; n < 6; n++) number /= 10;
            break;
        case FIELD_DAY_SECONDS: number = time->hour * 3600 + time->minute * 60 + time->second, width = 1; break;
        case FIELD_HALF: ok = name_put(out, time->hour % 24 < 12 ? "AM" : "PM", 2, at, false, 0); break;
        case FIELD_HALF_DOTS:
            ok = name_put(out, time->hour % 24 < 12 ? "A.M." : "P.M.", 4, *at <= 'Z' ? "AM" : "am", false, 0);
            break;
        case FIELD_YEAR4: number = time->year, width = 4; break;
        case FIELD_YEAR_COMMA:
            ok = buf_printf(out, "%lld,%03lld", (long long)(time->year / 1000), (long long)(time->year % 1000));
            break;
        case FIELD_YEAR3: number = time->year % 1000, width = 3; break;
        case FIELD_YEAR2: number = time->year % 100; break;
        case FIELD_YEAR1: number = time->year % 10, width = 1; break;
        case FIELD_ISO_YEAR4: iso_week(time, &number), width = 4; break;
        case FIELD_ISO_YEAR2: iso_week(time, &number), number %= 100; break;
        case FIELD_ERA: ok = name_put(out, time->year > 0 ? "AD" : "BC", 2, at, false, 0); break;
        case FIELD_MONTH_NAME:
        case FIELD_MONTH_SHORT:
            if (time->month < 1 || time->month > 12) break;
            ok = name_put(out, months[time->month - 1],
                          mark->field == FIELD_MONTH_SHORT ? 3 : strlen(months[time->month - 1]), at, fills,
                          mark->field == FIELD_MONTH_SHORT ? 3 : 9);
            break;
        case FIELD_MONTH: number = time->month; break;
        case FIELD_DAY_NAME:
        case FIELD_DAY_SHORT:
            ok = name_put(out, days[week_day(time->days)],
                          mark->field == FIELD_DAY_SHORT ? 3 : strlen(days[week_day(time->days)]), at, fills,
                          mark->field == FIELD_DAY_SHORT ? 3 : 9);
            break;
        case FIELD_DAY_OF_YEAR: number = time->days - date_days(time->year, 1, 1) + 1, width = 3; break;
        case FIELD_DAY: number = time->day; break;
        case FIELD_DAY_OF_WEEK: number = week_day(time->days) + 1, width = 1; break;
        case FIELD_ISO_DAY_OF_WEEK: number = (week_day(time->days) + 6) % 7 + 1, width = 1; break;
        case FIELD_WEEK_OF_MONTH: number = (time->day - 1) / 7 + 1, width = 1; break;
        case FIELD_WEEK: number = (time->days - date_days(time->year, 1, 1)) / 7 + 1; break;
        case FIELD_ISO_WEEK: number = iso_week(time, &iso_year); break;
        case FIELD_CENTURY: number = (time->year + 99) / 100; break;
        case FIELD_JULIAN: number = time->days + 2440588, width = 1; break;
        case FIELD_QUARTER: number = (time->month - 1) / 3 + 1, width = 1; break;
        case FIELD_ROMAN:
            if (time->month >= 1 && time->month <= 12)
                ok = name_put(out, romans[time->month - 1], strlen(romans[time->month - 1]), *at <= 'Z' ? "RM" : "rm",
                              fills, 4);
            break;
        case FIELD_ZONE:
            if (!time->has_zone) break;
            if (time->offset_s == 0)
                ok = name_put(out, "UTC", 3, *at <= 'Z' ? "TZ" : "tz", false, 0);
            else
                ok = buf_printf(out, "%+03d", time->offset_s / 3600);
            break;
        case FIELD_ZONE_HOURS: ok = buf_printf(out, "%+03d", time->offset_s / 3600); break;
        case FIELD_ZONE_MINUTES: number = abs(time->offset_s) / 60 % 60; break;
        case FIELD_OFFSET:
            ok = buf_printf(out, "%+03d", time->offset_s / 3600);
            if (ok && time->offset_s % 3600) ok = buf_printf(out, ":%02d", abs(time->offset_s) / 60 % 60);
            break;
        default: break;
        }
        if (number != INT64_MIN) ok = ok && digits_put(out, number, width, fills, after, rest, &taken);
        i += taken;
        fills = true; /* FM is for one mark */
    }
    return ok || err_set(err, ERR_TOO_LARGE, "the text is too long");
}

/* Up to width digits at *at; false: none. */
static bool number_take(const char **at, const char *end, size_t width, int64_t *number, size_t *len)
{
    *number = 0;
    *len = 0;
    while (*at < end && **at == ' ') ++*at;
    while (*at < end && *len < width && **at >= '0' && **at <= '9') {
        *number = *number * 10 + (*(*at)++ - '0');
        ++*len;
    }
    return *len > 0;
}

static int name_take(const char **at, const char *end, const char *const *names, size_t count, bool is_short)
{
    while (*at < end && **at == ' ') ++*at;
    for (size_t i = 0; i < count; i++) {
        size_t len = is_short ? 3 : strlen(names[i]);
        if ((size_t)(end - *at) < len || strncasecmp(*at, names[i], len) != 0) continue;
        *at += len;
        return (int)i;
    }
    return -1;
}

bool time_pattern_take(struct bytes text, struct bytes pattern, int64_t *local_us, struct err *err)
{
    if (pattern.len > PATTERN_MAX || text.len > 1000)
        return err_set(err, ERR_INPUT, "the pattern of a time is too long");
    const char *at = text.len ? (const char *)text.ptr : "", *end = at + text.len;
    int64_t year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0, day_of_year = 0, julian = -1,
            offset = 0;
    int64_t number;
    int half = -1;
    bool has_hour12 = false, is_before_christ = false, has_epoch_year = false;
    size_t len;
    for (size_t i = 0; i < pattern.len;) {
        const char *here = (const char *)pattern.ptr + i;
        size_t left = pattern.len - i;
        const struct mark *mark = mark_find(here, left);
        if (left >= 2 &&
            (strncasecmp(here, "FM", 2) == 0 || strncasecmp(here, "FX", 2) == 0 || strncasecmp(here, "TM", 2) == 0)) {
            i += 2;
            continue;
        }
        if (*here == '"') {
            for (i++; i < pattern.len && pattern.ptr[i] != '"'; i++)
                if (at < end) at++;
            i++;
            continue;
        }
        if (!mark) { /* a separator: any of the text's, or none */
            bool is_letter = ((*here | 0x20) >= 'a' && (*here | 0x20) <= 'z') || (*here >= '0' && *here <= '9');
            bool is_letter_text =
                at < end && (((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') || (*at >= '0' && *at <= '9'));
            if (at < end && (is_letter || (!is_letter_text && *at != '+' && *at != '-') || *at == *here)) at++;
            i++;
            continue;
        }
        i += strlen(mark->text);
        /* Digits that follow at once in the pattern bound a year; else it may have more than four. */
        bool is_joined = i < pattern.len && mark_find((const char *)pattern.ptr + i, pattern.len - i);
        bool ok = true;
        switch (mark->field) {
        case FIELD_HOUR12: ok = number_take(&at, end, 2, &hour, &len) && hour <= 12, has_hour12 = true; break;
        case FIELD_HOUR24: ok = number_take(&at, end, 2, &hour, &len) && hour <= 24; break;
        case FIELD_MINUTE: ok = number_take(&at, end, 2, &minute, &len) && minute < 60; break;
        case FIELD_SECOND: ok = number_take(&at, end, 2, &second, &len) && second <= 60; break;
        case FIELD_MILLI:
        case FIELD_MICRO:
        case FIELD_FRACTION: {
            size_t width = mark->field == FIELD_MILLI   ? 3
                           : mark->field == FIELD_MICRO ? 6
                                                        : (size_t)(mark->text[2] - '0');
            ok = number_take(&at, end, width, &micros, &len);
            for (; ok && len < 6; len++) micros *= 10;
            break;
        }
        case FIELD_DAY_SECONDS:
            ok = number_take(&at, end, 5, &number, &len) && number < 86400;
            hour = number / 3600, minute = number / 60 % 60, second = number % 60;
            break;
        case FIELD_HALF:
        case FIELD_HALF_DOTS:
            while (at < end && *at == ' ') at++;
            ok = end - at >= 2 && ((*at | 0x20) == 'a' || (*at | 0x20) == 'p');
            half = ok && (*at | 0x20) == 'p';
            for (; ok && at < end && strchr("aApPmM.", *at);) at++;
            break;
        case FIELD_YEAR4:
        case FIELD_ISO_YEAR4: ok = number_take(&at, end, is_joined ? 4 : 6, &year, &len), has_epoch_year = true; break;
        case FIELD_YEAR3:
        case FIELD_YEAR2:
        case FIELD_YEAR1:
            ok = number_take(&at, end, is_joined ? strlen(mark->text) : 4, &year, &len);
            if (ok && len <= 2)
                year += year < 70 ? 2000 : 1900;
            else if (ok && len == 3)
                year += year < 100 ? 2000 : 1000;
            break;
        case FIELD_YEAR_COMMA:
            ok = number_take(&at, end, 4, &year, &len);
            if (ok && at < end && *at == ',') {
                at++;
                ok = number_take(&at, end, 3, &number, &len);
                year = year * 1000 + number;
            }
            break;
        case FIELD_ERA:
            while (at < end && *at == ' ') at++;
            ok = end - at >= 2;
            is_before_christ = ok && (*at | 0x20) == 'b';
            at += ok ? 2 : 0;
            break;
        case FIELD_MONTH_NAME:
        case FIELD_MONTH_SHORT:
            number = name_take(&at, end, months, COUNT_OF(months), mark->field == FIELD_MONTH_SHORT);
            ok = number >= 0;
            month = number + 1;
            break;
        case FIELD_DAY_NAME:
        case FIELD_DAY_SHORT:
            ok = name_take(&at, end, days, COUNT_OF(days), mark->field == FIELD_DAY_SHORT) >= 0;
            break;
        case FIELD_MONTH: ok = number_take(&at, end, 2, &month, &len) && month >= 1 && month <= 12; break;
        case FIELD_DAY: ok = number_take(&at, end, 2, &day, &len) && day >= 1 && day <= 31; break;
        case FIELD_DAY_OF_YEAR:
            ok = number_take(&at, end, 3, &day_of_year, &len) && day_of_year >= 1 && day_of_year <= 366;
            break;
        case FIELD_JULIAN: ok = number_take(&at, end, 8, &julian, &len); break;
        case FIELD_ZONE_HOURS: {
            bool is_west = at < end && *at == '-';
            if (at < end && (*at == '-' || *at == '+')) at++;
            ok = number_take(&at, end, 2, &offset, &len) && offset < 16;
            offset *= is_west ? -3600 : 3600;
            break;
        }
        case FIELD_ZONE_MINUTES:
            ok = number_take(&at, end, 2, &number, &len) && number < 60,
            offset += offset < 0 ? -60 * number : 60 * number;
            break;
        case FIELD_DAY_OF_WEEK:
        case FIELD_QUARTER: ok = number_take(&at, end, 1, &number, &len); break;
        default:
            return err_set(err, ERR_INPUT, "\"%s\" in the pattern is not supported when a time is read", mark->text);
        }
        if (!ok)
            return err_set(err, ERR_VALUE, "invalid value \"%.*s\" for \"%s\"", (int)(end - at < 20 ? end - at : 20),
                           at, mark->text);
    }
    (void)has_epoch_year;
    if (has_hour12) hour = hour % 12 + (half == 1 ? 12 : 0);
    if (is_before_christ) year = 1 - year;
    int64_t first = date_days(year, (uint32_t)month, 1);
    int64_t next = month == 12 ? date_days(year + 1, 1, 1) : date_days(year, (uint32_t)month + 1, 1);
    if (year < -4700 || year > 290000 || day > next - first)
        return err_set(err, ERR_VALUE, "date/time field value out of range: \"%.*s\"",
                       (int)(text.len < 40 ? text.len : 40), text.len ? (const char *)text.ptr : "");
    int64_t at_day = julian >= 0       ? julian - 2440588
                     : day_of_year > 0 ? date_days(year, 1, 1) + day_of_year - 1
                                       : first + day - 1;
    if (at_day > 100000000 || at_day < -100000000) return err_set(err, ERR_VALUE, "date/time field value out of range");
    *local_us = at_day * DAY_US + (hour * 3600 + minute * 60 + second - offset) * 1000000 + micros;
    return true;
}
