#include "schedule/cadence.h"
#include "ask/zone.h"
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { DAYS_LOOKED_AT = 366 * 9, WORDS_MAX = 8, WORD_BYTES = 64 };
#define DAY_S INT64_C(86400)

/* ---- reading ---- */

static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
static const char *const month_names[] = { "",    "jan", "feb", "mar", "apr", "may", "jun",
                                           "jul", "aug", "sep", "oct", "nov", "dec" };
struct field {
    const char *name;
    uint32_t low, high;
    const char *const *names;
    uint32_t name_count;
};
static const struct field fields[5] = { { "minute", 0, 59, NULL, 0 },
                                        { "hour", 0, 23, NULL, 0 },
                                        { "day", 1, 31, NULL, 0 },
                                        { "month", 1, 12, month_names, COUNT_OF(month_names) },
                                        { "weekday", 0, 7, weekday_names, COUNT_OF(weekday_names) } };

static bool value_take(const char **at, const struct field *field, uint32_t *value)
{
    for (uint32_t n = 0; n < field->name_count; n++) {
        if (field->names[n][0] == '\0' || strncasecmp(*at, field->names[n], 3) != 0) continue;
        *at += 3;
        *value = n;
        return true;
    }
    uint32_t read = 0, digits = 0;
    for (; isdigit((unsigned char)**at) && digits < 4; digits++) read = read * 10 + (uint32_t)(*(*at)++ - '0');
    *value = read;
    return digits > 0 && digits < 4;
}

/* "*", "5", "1-5", each with "/2" behind it. */
static bool part_take(const char **at, const struct field *field, uint64_t *bits)
{
    uint32_t from = field->low, to = field->high, step = 1;
    bool is_star = **at == '*';
    if (is_star) {
        (*at)++;
    } else {
        if (!value_take(at, field, &from)) return false;
        to = from;
        if (**at == '-') {
            (*at)++;
            if (!value_take(at, field, &to)) return false;
        }
    }
    if (**at == '/') {
        static const struct field any = { "step", 1, 999, NULL, 0 };
        bool is_one = !is_star && from == to;
        (*at)++;
        if (!value_take(at, &any, &step) || step == 0) return false;
        if (is_one) to = field->high; /* "5/15": from 5 on */
    }
    if (from < field->low || to > field->high || from > to) return false;
    for (uint32_t v = from; v <= to; v += step) *bits |= UINT64_C(1) << v;
    return true;
}

static bool field_read(const char *text, const struct field *field, uint64_t *bits, struct err *err)
{
    const char *at = text;
    *bits = 0;
    do {
        if (!part_take(&at, field, bits))
            return err_set(err, ERR_INPUT, "\"%s\" is no %s: %u to %u, ranges, lists, steps", text, field->name,
                           field->low, field->high);
    } while (*at == ',' && at++);
    return *at == '\0' || err_set(err, ERR_INPUT, "\"%s\" is no %s: what is behind \"%.*s\" is not known", text,
                                  field->name, (int)(at - text), text);
}

struct words {
    char text[WORDS_MAX][WORD_BYTES];
    uint32_t count;
};
static bool words_of(struct bytes text, struct words *words, struct err *err)
{
    *words = (struct words){ .count = 0 };
    if (text.len == 0 || text.len > CADENCE_BYTES_MAX)
        return err_set(err, ERR_INPUT, "a schedule has 1 to %d characters", CADENCE_BYTES_MAX);
    for (size_t i = 0; i < text.len;) {
        size_t len = 0;
        while (i + len < text.len && text.ptr[i + len] != ' ' && text.ptr[i + len] != '\t') {
            if (text.ptr[i + len] < ' ' || text.ptr[i + len] > '~')
                return err_set(err, ERR_INPUT, "a schedule is plain text on one line");
            len++;
        }
        if (len >= WORD_BYTES || (len > 0 && words->count == WORDS_MAX))
            return err_set(err, ERR_INPUT, "a schedule has five fields, or is hourly, daily 08:00, weekly mon 08:00");
        if (len > 0) memcpy(words->text[words->count++], text.ptr + i, len);
        i += len + 1;
    }
    return true;
}

static bool cron_read(struct words *words, struct cadence *cadence, struct err *err)
{
    uint64_t bits[5];
    if (words->count != 5)
        return err_set(err, ERR_INPUT,
                       "a schedule has five fields (minute hour day month weekday), or is hourly, daily 08:00, "
                       "weekly mon 08:00; this one has %u",
                       words->count);
    for (uint32_t f = 0; f < 5; f++)
        if (!field_read(words->text[f], &fields[f], &bits[f], err)) return false;
    *cadence = (struct cadence){ .minutes = bits[0],
                                 .hours = (uint32_t)bits[1],
                                 .days = (uint32_t)bits[2],
                                 .months = (uint32_t)bits[3],
                                 .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7F),
                                 .is_any_hour = bits[1] == (1u << 24) - 1,
                                 .is_any_day = words->text[2][0] == '*',
                                 .is_any_weekday = words->text[4][0] == '*' };
    return true;
}

static bool clock_read(const char *text, int *hour, int *minute)
{
    int end = 0;
    return sscanf(text, "%2d:%2d%n", hour, minute, &end) == 2 && text[end] == '\0' && *hour >= 0 && *hour <= 23 &&
           *minute >= 0 && *minute <= 59;
}

/* "daily", "daily 08:00", "weekly", "weekly mon", "weekly mon 08:00": as five fields. */
static bool words_read(struct words *words, struct err *err)
{
    bool is_weekly = strcasecmp(words->text[0], "weekly") == 0;
    int hour = 8, minute = 0;
    uint32_t weekday = 1, at = 1;
    if (is_weekly && at < words->count && isalpha((unsigned char)words->text[at][0])) {
        const char *name = words->text[at++];
        if (!value_take(&name, &fields[4], &weekday) || *name != '\0')
            return err_set(err, ERR_INPUT, "\"%s\" is no weekday: sun, mon, tue ...", words->text[at - 1]);
    }
    if (at < words->count && !clock_read(words->text[at++], &hour, &minute))
        return err_set(err, ERR_INPUT, "\"%s\" is no time of day: 08:00", words->text[at - 1]);
    if (at < words->count) return err_set(err, ERR_INPUT, "\"%s\" is too much", words->text[at]);
    *words = (struct words){ .count = 5 };
    snprintf(words->text[0], WORD_BYTES, "%d", minute);
    snprintf(words->text[1], WORD_BYTES, "%d", hour);
    strcpy(words->text[2], "*");
    strcpy(words->text[3], "*");
    snprintf(words->text[4], WORD_BYTES, is_weekly ? "%u" : "*", weekday);
    return true;
}

bool cadence_parse(struct bytes text, struct cadence *cadence, struct err *err)
{
    static const struct {
        const char *name, *fields;
    } known[] = { { "@hourly", "0 * * * *" },   { "hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },
                  { "@midnight", "0 0 * * *" }, { "@weekly", "0 0 * * 0" },  { "@monthly", "0 0 1 * *" },
                  { "@yearly", "0 0 1 1 *" },   { "@annually", "0 0 1 1 *" } };
    struct words words;
    *cadence = (struct cadence){ 0 };
    if (!words_of(text, &words, err)) return false;
    for (size_t k = 0; k < COUNT_OF(known) && words.count == 1; k++)
        if (strcasecmp(words.text[0], known[k].name) == 0)
            return cadence_parse(bytes_of_text(known[k].fields), cadence, err);
    bool is_words =
        words.count > 0 && (strcasecmp(words.text[0], "daily") == 0 || strcasecmp(words.text[0], "weekly") == 0);
    if ((is_words && !words_read(&words, err)) || !cron_read(&words, cadence, err)) return false;
    return cadence_next(cadence, NULL, 0) != INT64_MAX || err_set(err, ERR_INPUT, "that day never comes");
}

/* ---- times ---- */

static bool day_is(const struct cadence *cadence, const struct zone_time *day, int64_t number)
{
    bool is_day = cadence->days >> day->day & 1;
    bool is_weekday = cadence->weekdays >> ((zone_weekday(number) + 1) % 7) & 1;
    if (!(cadence->months >> day->month & 1)) return false;
    if (cadence->is_any_day || cadence->is_any_weekday) return is_day && is_weekday;
    return is_day || is_weekday;
}

/* Of a time that a wall clock does not show: when it has jumped past it. */
static int64_t gap_end(const struct zone *zone, int64_t in_or_behind_s)
{
    int32_t offset = zone_offset_s(zone, in_or_behind_s);
    int64_t low = in_or_behind_s - DAY_S, high = in_or_behind_s; /* the change is in (low, high] */
    if (zone_offset_s(zone, low) == offset) return in_or_behind_s;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (zone_offset_s(zone, middle) == offset) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

static int64_t instant_of(const struct zone *zone, struct zone_time local)
{
    if (zone == NULL)
        return zone_day_number(local.year, local.month, local.day) * DAY_S + local.hour * 3600 + local.minute * 60;
    int64_t instant = zone_instant(zone, local);
    struct zone_time shown = zone_local(zone, instant);
    return shown.hour == local.hour && shown.minute == local.minute && shown.day == local.day ? instant
                                                                                              : gap_end(zone, instant);
}

/* The first after that one among a day's certain hours; INT64_MAX: none. */
static int64_t fixed_next(const struct cadence *cadence, const struct zone *zone, struct zone_time day, int64_t after_s)
{
    for (int hour = 0; hour < 24; hour++) {
        if (!(cadence->hours >> hour & 1)) continue;
        for (int minute = 0; minute < 60; minute++) {
            if (!(cadence->minutes >> minute & 1)) continue;
            day.hour = hour;
            day.minute = minute;
            int64_t instant = instant_of(zone, day);
            if (instant > after_s) return instant;
        }
    }
    return INT64_MAX;
}

/* The same for "*": the minutes that pass while the wall clock shows that day. */
static int64_t passing_next(const struct cadence *cadence, const struct zone *zone, struct zone_time day,
                            int64_t after_s)
{
    struct zone_time next = day;
    next.day++;
    int64_t at = instant_of(zone, day), end = instant_of(zone, next);
    if (after_s >= at) at = after_s - (after_s % 60 + 60) % 60 + 60;
    for (; at < end; at += 60) {
        struct zone_time local = zone_local(zone, at);
        if (local.day == day.day && (cadence->minutes >> local.minute & 1)) return at;
    }
    return INT64_MAX;
}

int64_t cadence_next(const struct cadence *cadence, const struct zone *zone, int64_t after_s)
{
    struct zone_time from = zone_local(zone, after_s);
    int64_t first = zone_day_number(from.year, from.month, from.day);
    for (int64_t number = first; number < first + DAYS_LOOKED_AT; number++) {
        struct zone_time day = zone_local(NULL, number * DAY_S);
        if (!day_is(cadence, &day, number)) continue;
        int64_t found =
            cadence->is_any_hour ? passing_next(cadence, zone, day, after_s) : fixed_next(cadence, zone, day, after_s);
        if (found != INT64_MAX) return found;
    }
    return INT64_MAX;
}

int64_t cadence_last(const struct cadence *cadence, const struct zone *zone, int64_t after_s, int64_t until_s,
                     uint32_t *count)
{
    int64_t last = 0, at = after_s;
    *count = 0;
    while ((at = cadence_next(cadence, zone, at)) <= until_s) {
        last = at;
        ++*count;
        /* Years of minutes: only the newest day matters, the rest is said to have been many. */
        if (*count == CADENCE_COUNT_MAX && until_s - at > 2 * DAY_S) at = until_s - 2 * DAY_S;
        if (*count > 2 * CADENCE_COUNT_MAX) break;
    }
    return last;
}
