/* Expressions of time. What is said is gathered (a day, a part of it, clocks, since when), and becomes instants at the end:
 * "yesterday" and "between 1 and 3 pm" may stand at both ends of a question. */
#include "ask/ask_inside.h"
#include <ctype.h>
#include <stdlib.h>

enum { MINUTES_A_DAY = 1440, NONE = -1 };

struct gathered {
    struct ask_words *words;
    const struct zone *zone;
    int64_t now_s, today; /* day number */
    bool has_days;
    int64_t first_day, last_day; /* inclusive */
    int from_minute, to_minute;  /* of the day; NONE */
    bool is_since;               /* until now */
    bool has_instants;           /* said whole: "last 3 hours", 2026-10-26T09:00:00Z */
    int64_t from_s, to_s;
    int64_t shift_days, shift_s; /* compared with so much before */
    bool has_shift, shift_is_length;
    bool is_bad;
};

/* ---- days and clocks ---- */

static int name_index(struct bytes word, const char *const *names, int count, size_t short_len)
{
    for (int n = 0; n < count; n++) {
        struct bytes name = bytes_of_text(names[n]);
        if (bytes_equal(word, name)) return n;
        if (word.len >= short_len && word.len <= short_len + 1 && word.len < name.len &&
            memcmp(word.ptr, name.ptr, word.len) == 0)
            return n;
    }
    return NONE;
}

static int weekday_of(const struct ask_words *words, uint32_t at)
{
    static const char *const names[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return NONE;
    return name_index(words->tokens[at].lower, names, 7, 3);
}

static int month_of(const struct ask_words *words, uint32_t at)
{
    static const char *const names[] = { "january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december" };
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return NONE;
    return name_index(words->tokens[at].lower, names, 12, 3);
}

/* "22", "22nd" as a day of a month, 2026 as a year. */
static int ordinal_of(const struct ask_words *words, uint32_t at, int low, int high)
{
    int number = 0;
    size_t i = 0;
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return NONE;
    struct bytes word = words->tokens[at].lower;
    for (; i < word.len && i < 4 && isdigit(word.ptr[i]); i++) number = number * 10 + word.ptr[i] - '0';
    struct bytes rest = bytes_from(word.ptr + i, word.len - i);
    bool is_whole = rest.len == 0 || (high <= 31 && (bytes_equal(rest, BYTES("st")) || bytes_equal(rest, BYTES("nd")) ||
                                                     bytes_equal(rest, BYTES("rd")) || bytes_equal(rest, BYTES("th"))));
    return i > 0 && is_whole && number >= low && number <= high ? number : NONE;
}

/* Without a year: the last one that there was. */
static bool day_found(const struct gathered *gathered, int year, int month, int day, int64_t *found)
{
    bool has_year = year != NONE;
    if (!has_year) year = zone_local(gathered->zone, gathered->now_s).year;
    if (!zone_date_is(year, month, day)) return false;
    *found = zone_day_number(year, month, day);
    if (!has_year && *found > gathered->today) {
        if (!zone_date_is(year - 1, month, day)) return false;
        *found = zone_day_number(year - 1, month, day);
    }
    return true;
}

static bool digits_at(struct bytes text, size_t at, size_t count, int *number)
{
    *number = 0;
    if (at + count > text.len) return false;
    for (size_t i = at; i < at + count; i++) {
        if (!isdigit(text.ptr[i])) return false;
        *number = *number * 10 + text.ptr[i] - '0';
    }
    return true;
}

/* 2026-10-24, 24.10.2026 */
static uint32_t written_date(const struct gathered *gathered, uint32_t at, int64_t *day)
{
    const struct ask_words *words = gathered->words;
    int y, m, d;
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return 0;
    struct bytes word = words->tokens[at].lower;
    if (word.len != 10) return 0;
    bool is_iso = digits_at(word, 0, 4, &y) && (word.ptr[4] == '-' || word.ptr[4] == '/') &&
                  word.ptr[7] == word.ptr[4] && digits_at(word, 5, 2, &m) && digits_at(word, 8, 2, &d);
    bool is_points = !is_iso && digits_at(word, 0, 2, &d) && word.ptr[2] == '.' && digits_at(word, 3, 2, &m) &&
                     word.ptr[5] == '.' && digits_at(word, 6, 4, &y);
    return (is_iso || is_points) && day_found(gathered, y, m, d, day) ? 1 : 0;
}

static uint32_t named_date(const struct gathered *gathered, uint32_t at, int64_t *day)
{
    const struct ask_words *words = gathered->words;
    uint32_t i = at + ask_phrase(words, at, "the?");
    int number = ordinal_of(words, i, 1, 31), month = NONE, year;
    if (number != NONE) { /* 22 October, the 22nd of October */
        i++;
        i += ask_phrase(words, i, "of?");
        month = month_of(words, i);
    } else if ((month = month_of(words, i)) != NONE) { /* October 22 */
        i++;
        i += ask_phrase(words, i, "the?");
        number = ordinal_of(words, i, 1, 31);
    }
    if (number == NONE || month == NONE) return 0;
    i++;
    year = ordinal_of(words, i, 1970, 2200);
    if (year != NONE) i++;
    return day_found(gathered, year, month + 1, number, day) ? i - at : 0;
}

/* A day; the words that it takes. */
static uint32_t day_read(const struct gathered *gathered, uint32_t at, int64_t *day)
{
    const struct ask_words *words = gathered->words;
    uint32_t count;
    double number;
    if ((count = ask_phrase(words, at, "the? day before yesterday"))) return (*day = gathered->today - 2, count);
    if ((count = ask_phrase(words, at, "today"))) return (*day = gathered->today, count);
    if ((count = ask_phrase(words, at, "yesterday"))) return (*day = gathered->today - 1, count);
    if ((count = ask_number(words, at, &number)) && number >= 1 && number <= 400 &&
        ask_phrase(words, at + count, "day|days ago"))
        return (*day = gathered->today - (int64_t)number, count + 2);
    count = ask_phrase(words, at, "last|this?");
    int weekday = weekday_of(words, at + count);
    if (weekday != NONE) { /* the last one, not today's unless "this" is said */
        int64_t back = (zone_weekday(gathered->today) - weekday + 7) % 7;
        if (back == 0 && !ask_word_is(words, at, "this")) back = ask_word_is(words, at, "last") ? 7 : 0;
        *day = gathered->today - back;
        return count + 1;
    }
    if ((count = written_date(gathered, at, day))) return count;
    return named_date(gathered, at, day);
}

/* 9am, 9:30, 9 pm, noon; with is_bare 9 alone. suffix: 0 none, 1 am, 2 pm. */
static uint32_t clock_read(const struct ask_words *words, uint32_t at, bool is_bare, int *minute, int *suffix)
{
    int hour = 0, minutes = 0;
    size_t i = 0;
    *suffix = 0;
    if (ask_phrase(words, at, "noon|midday")) return (*minute = 720, 1);
    if (ask_phrase(words, at, "midnight")) return (*minute = 0, 1);
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return 0;
    struct bytes word = words->tokens[at].lower;
    for (; i < word.len && i < 2 && isdigit(word.ptr[i]); i++) hour = hour * 10 + word.ptr[i] - '0';
    if (i == 0) return 0;
    bool has_minutes = i + 2 < word.len && word.ptr[i] == ':' && digits_at(word, i + 1, 2, &minutes);
    if (has_minutes) i += 3;
    struct bytes rest = bytes_from(word.ptr + i, word.len - i);
    uint32_t count = 1;
    if (rest.len == 0) {
        if (ask_phrase(words, at + 1, "am|a.m")) *suffix = 1;
        if (ask_phrase(words, at + 1, "pm|p.m")) *suffix = 2;
        if (*suffix != 0) count++;
        if (*suffix == 0 && ask_phrase(words, at + 1, "o'clock")) count++;
    } else if (bytes_equal(rest, BYTES("am"))) {
        *suffix = 1;
    } else if (bytes_equal(rest, BYTES("pm"))) {
        *suffix = 2;
    } else {
        return 0;
    }
    if (rest.len == 0 && count == 1 && !has_minutes && !is_bare) return 0;
    if (hour > (*suffix != 0 ? 12 : 24) || minutes > 59 || (hour == 24 && minutes > 0) || (*suffix != 0 && hour == 0))
        return 0;
    if (*suffix == 1 && hour == 12) hour = 0;
    if (*suffix == 2 && hour < 12) hour += 12;
    *minute = hour * 60 + minutes;
    return count;
}

/* 2026-10-26T09:00:00Z */
static uint32_t instant_read(const struct gathered *gathered, uint32_t at, int64_t *unix_s)
{
    const struct ask_words *words = gathered->words;
    int y, m, d, h, mi, s = 0;
    if (at >= words->count || words->tokens[at].is_used || words->tokens[at].is_quoted) return 0;
    struct bytes word = words->tokens[at].lower;
    if (word.len < 16 || word.ptr[4] != '-' || word.ptr[7] != '-' || word.ptr[10] != 't' || word.ptr[13] != ':' ||
        !digits_at(word, 0, 4, &y) || !digits_at(word, 5, 2, &m) || !digits_at(word, 8, 2, &d) ||
        !digits_at(word, 11, 2, &h) || !digits_at(word, 14, 2, &mi) || !zone_date_is(y, m, d) || h > 23 || mi > 59)
        return 0;
    size_t i = 16;
    if (word.len >= 19 && word.ptr[16] == ':' && digits_at(word, 17, 2, &s)) i = 19;
    bool is_utc = i + 1 == word.len && word.ptr[i] == 'z';
    if ((i != word.len && !is_utc) || s > 59) return 0;
    struct zone_time local = { y, m, d, h, mi, s };
    *unix_s = is_utc ? zone_day_number(y, m, d) * 86400 + h * 3600 + mi * 60 + s : zone_instant(gathered->zone, local);
    return 1;
}

static void days_set(struct gathered *gathered, int64_t first, int64_t last)
{
    if (gathered->has_days || gathered->has_instants) gathered->is_bad = true; /* two times that are not one */
    gathered->has_days = true;
    gathered->first_day = first;
    gathered->last_day = last;
}

static void minutes_set(struct gathered *gathered, int from, int to)
{
    if (gathered->from_minute != NONE || gathered->to_minute != NONE) gathered->is_bad = true;
    gathered->from_minute = from;
    gathered->to_minute = to;
}

static void instants_set(struct gathered *gathered, int64_t from_s, int64_t to_s)
{
    if (gathered->has_days || gathered->has_instants) gathered->is_bad = true;
    gathered->has_instants = true;
    gathered->from_s = from_s;
    gathered->to_s = to_s;
}

/* ---- expressions; each answers how many words it took ---- */

/* "morning" ... of a day that was said, or is said elsewhere. */
static uint32_t part_of_day(struct gathered *gathered, uint32_t at)
{
    static const struct {
        const char *name;
        int from, to;
    } parts[] = { { "morning", 360, 720 }, { "afternoon", 720, 1080 }, { "evening", 1080, 1440 } };
    const struct ask_words *words = gathered->words;
    uint32_t count = ask_phrase(words, at, "in the");
    bool is_this = count == 0 && ask_phrase(words, at, "this");
    if (is_this) count = 1;
    for (size_t p = 0; p < COUNT_OF(parts); p++) {
        if (!ask_word_is(words, at + count, parts[p].name)) continue;
        if (is_this) days_set(gathered, gathered->today, gathered->today);
        minutes_set(gathered, parts[p].from, parts[p].to);
        count++;
        return count + ask_phrase(words, at + count, "of|on?");
    }
    return 0;
}

static uint32_t rolling(struct gathered *gathered, uint32_t at)
{
    const struct ask_words *words = gathered->words;
    uint32_t lead = ask_phrase(words, at, "in|over|within|during|for|of? the? last|past"), count;
    double ns;
    if (lead == 0) return 0;
    bool is_past = bytes_equal(words->tokens[at + lead - 1].lower, BYTES("past"));
    if ((count = ask_length(words, at + lead, &ns)) > 0) {
        instants_set(gathered, gathered->now_s - (int64_t)(ns / 1e9), gathered->now_s);
        return lead + count;
    }
    static const struct {
        const char *name;
        int64_t s;
        bool needs_past; /* "last week" is the calendar's */
    } units[] = { { "minute", 60, false },      { "hour", 3600, false },     { "day", 86400, false },
                  { "half-hour", 1800, false }, { "week", 7 * 86400, true }, { "month", 30 * 86400, true } };
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        if (!ask_word_is(words, at + lead, units[u].name) || (units[u].needs_past && !is_past)) continue;
        instants_set(gathered, gathered->now_s - units[u].s, gathered->now_s);
        return lead + 1;
    }
    return 0;
}

static int64_t month_first(const struct gathered *gathered, int months_back)
{
    struct zone_time now = zone_local(gathered->zone, gathered->now_s);
    return zone_day_number(now.year, now.month - months_back, 1);
}

static uint32_t calendar(struct gathered *gathered, uint32_t at)
{
    const struct ask_words *words = gathered->words;
    int64_t today = gathered->today, monday = today - zone_weekday(today);
    uint32_t lead = ask_phrase(words, at, "in|of|during|at|on|over?"), count;
    if ((count = ask_phrase(words, at + lead, "this week"))) return (days_set(gathered, monday, today), lead + count);
    if ((count = ask_phrase(words, at + lead, "last|previous week")))
        return (days_set(gathered, monday - 7, monday - 1), lead + count);
    if ((count = ask_phrase(words, at + lead, "this month")))
        return (days_set(gathered, month_first(gathered, 0), today), lead + count);
    if ((count = ask_phrase(words, at + lead, "last|previous month")))
        return (days_set(gathered, month_first(gathered, 1), month_first(gathered, 0) - 1), lead + count);
    int month = month_of(words, at + lead);
    if (month != NONE && lead > 0 && ordinal_of(words, at + lead + 1, 1, 31) == NONE) { /* in October */
        int year = ordinal_of(words, at + lead + 1, 1970, 2200), now = zone_local(gathered->zone, gathered->now_s).year;
        bool has_year = year != NONE;
        if (!has_year) year = zone_day_number(now, month + 1, 1) > today ? now - 1 : now;
        days_set(gathered, zone_day_number(year, month + 1, 1), zone_day_number(year, month + 2, 1) - 1);
        return lead + 1 + has_year;
    }
    if ((count = ask_phrase(words, at + lead, "last|the|this weekend"))) {
        int64_t saturday = monday + 5 <= today && ask_word_is(words, at + lead, "this") ? monday + 5 : monday - 2;
        if (monday + 5 <= today && ask_word_is(words, at + lead, "the")) saturday = monday + 5;
        return (days_set(gathered, saturday, saturday + 1), lead + count);
    }
    if ((count = ask_phrase(words, at + lead, "last night")) ||
        (count = ask_phrase(words, at + lead, "night|overnight")) ||
        (count = ask_phrase(words, at + lead, "the night"))) {
        struct zone_time evening = { 1970, 1, (int)today, 22, 0, 0 }, morning = { 1970, 1, (int)today + 1, 6, 0, 0 };
        int64_t end = zone_instant(gathered->zone, morning);
        instants_set(gathered, zone_instant(gathered->zone, evening), end < gathered->now_s ? end : gathered->now_s);
        return lead + count;
    }
    return 0;
}

/* "9am yesterday", "Monday 9:00", "22 October", "9 this morning": a day, a clock, or both, in any order. */
struct moment {
    bool has_day;
    int64_t day;
    int minute, suffix;
    bool has_instant;
    int64_t instant_s;
};
static uint32_t moment_read(struct gathered *gathered, uint32_t at, struct moment *moment)
{
    const struct ask_words *words = gathered->words;
    uint32_t i = at, count;
    *moment = (struct moment){ .minute = NONE };
    if ((count = instant_read(gathered, i, &moment->instant_s))) {
        moment->has_instant = true;
        return count;
    }
    for (;;) {
        uint32_t small = ask_phrase(words, i, "on|at|of?");
        if (!moment->has_day && (count = day_read(gathered, i + small, &moment->day))) {
            moment->has_day = true;
        } else if (moment->minute == NONE &&
                   (count = clock_read(words, i + small, true, &moment->minute, &moment->suffix))) {
        } else if (!moment->has_day && moment->minute != NONE &&
                   (count = ask_phrase(words, i + small, "this morning"))) {
            moment->has_day = true;
            moment->day = gathered->today;
        } else {
            return i - at;
        }
        i += small + count;
    }
}

static int64_t at_minute(const struct gathered *gathered, int64_t day, int minute)
{
    return zone_instant(gathered->zone, (struct zone_time){ 1970, 1, (int)day + 1, 0, minute, 0 });
}

static uint32_t since(struct gathered *gathered, uint32_t at)
{
    const struct ask_words *words = gathered->words;
    struct moment moment;
    uint32_t lead = ask_phrase(words, at, "since|after"), count;
    bool is_since = ask_word_is(words, at, "since");
    if (lead == 0) return 0;
    if (is_since && (count = ask_phrase(words, at + 1, "this morning")) > 0) {
        instants_set(gathered, at_minute(gathered, gathered->today, 360), gathered->now_s);
        return lead + count;
    }
    count = moment_read(gathered, at + lead, &moment);
    if (count == 0) return 0;
    if (moment.has_instant) {
        instants_set(gathered, moment.instant_s, gathered->now_s);
    } else if (is_since) {
        int minute = moment.minute == NONE ? 0 : moment.minute;
        int64_t day = moment.has_day ? moment.day : gathered->today;
        if (!moment.has_day && at_minute(gathered, day, minute) > gathered->now_s) day--;
        instants_set(gathered, at_minute(gathered, day, minute), gathered->now_s);
    } else {
        if (moment.minute == NONE) return 0; /* "after yesterday" */
        if (moment.has_day) days_set(gathered, moment.day, moment.day);
        minutes_set(gathered, moment.minute, MINUTES_A_DAY);
    }
    return lead + count;
}

static uint32_t before_clock(struct gathered *gathered, uint32_t at)
{
    struct moment moment;
    uint32_t lead = ask_phrase(gathered->words, at, "before|until"), count;
    if (lead == 0 || (count = moment_read(gathered, at + lead, &moment)) == 0 || moment.minute == NONE ||
        moment.has_instant)
        return 0;
    if (moment.has_day) days_set(gathered, moment.day, moment.day);
    minutes_set(gathered, 0, moment.minute);
    return lead + count;
}

static uint32_t between(struct gathered *gathered, uint32_t at)
{
    const struct ask_words *words = gathered->words;
    struct moment a, b;
    uint32_t lead = ask_phrase(words, at, "between|from"), first, join, second;
    if (lead == 0 || (first = moment_read(gathered, at + lead, &a)) == 0) return 0;
    join = ask_phrase(words, at + lead + first, "and|to|until|till|through|-");
    if (join == 0 || (second = moment_read(gathered, at + lead + first + join, &b)) == 0) return 0;
    uint32_t count = lead + first + join + second;
    if (a.has_instant != b.has_instant) return 0;
    if (a.has_instant) {
        instants_set(gathered, a.instant_s, b.instant_s);
        return count;
    }
    if (a.minute == NONE && b.minute == NONE) { /* days, the last one whole */
        days_set(gathered, a.day, b.day);
        return count;
    }
    if (a.minute == NONE || b.minute == NONE) return 0;
    if (b.suffix == 2 && a.suffix == 0 && a.minute < 720 && a.minute + 720 < b.minute) a.minute += 720; /* 2 and 4 pm */
    if (b.minute == 0) b.minute = MINUTES_A_DAY;
    if (a.has_day && b.has_day && a.day != b.day) {
        instants_set(gathered, at_minute(gathered, a.day, a.minute), at_minute(gathered, b.day, b.minute));
        return count;
    }
    if (a.has_day || b.has_day) days_set(gathered, a.has_day ? a.day : b.day, a.has_day ? a.day : b.day);
    minutes_set(gathered, a.minute, b.minute);
    return count;
}

static uint32_t single_day(struct gathered *gathered, uint32_t at)
{
    int64_t day;
    uint32_t lead = ask_phrase(gathered->words, at, "on|of|from|for|in?"), count = day_read(gathered, at + lead, &day);
    if (count == 0) return 0;
    days_set(gathered, day, day);
    return lead + count;
}

/* "24h" with nothing before it that compares. */
static uint32_t bare_length(struct gathered *gathered, uint32_t at)
{
    const struct ask_words *words = gathered->words;
    double ns;
    struct bytes word = words->tokens[at].lower;
    if (word.len < 2 || !isdigit(word.ptr[0]) || !strchr("mhdw", word.ptr[word.len - 1]) ||
        ask_length(words, at, &ns) != 1)
        return 0;
    if (at > 0) {
        struct bytes before = words->tokens[at - 1].lower;
        static const char *const comparing[] = { "than",  "over",      "above", "under", "below", "least",
                                                 "most",  "exceeding", ">",     "<",     ">=",    "<=",
                                                 "every", "per",       "by",    "each",  "took",  "of" };
        for (size_t c = 0; c < COUNT_OF(comparing); c++)
            if (bytes_equal(before, bytes_of_text(comparing[c]))) return 0;
    }
    instants_set(gathered, gathered->now_s - (int64_t)(ns / 1e9), gathered->now_s);
    return 1;
}

static void shift_set(struct gathered *gathered, int64_t days, int64_t seconds)
{
    if (gathered->has_shift) gathered->is_bad = true;
    gathered->has_shift = true;
    gathered->shift_days = days;
    gathered->shift_s = seconds;
}

/* What it is compared with. */
static uint32_t compared(struct gathered *gathered, uint32_t at, bool is_compare)
{
    const struct ask_words *words = gathered->words;
    uint32_t lead = ask_phrase(words, at, "compared? with|to|against"), count;
    if (lead == 1 && !is_compare) lead = 0; /* "to" alone */
    if (lead == 0) lead = ask_phrase(words, at, "versus|vs|vs.|than|against");
    if (lead == 0) return 0;
    uint32_t i = at + lead + ask_phrase(words, at + lead, "the? same time|period|day|hours");
    double ns;
    if ((count = ask_phrase(words, i, "the? day before")) || (count = ask_phrase(words, i, "the? previous day")) ||
        (count = ask_phrase(words, i, "yesterday"))) {
        shift_set(gathered, 1, 0);
    } else if ((count = ask_phrase(words, i, "the? week before")) ||
               (count = ask_phrase(words, i, "the? last|previous week")) ||
               (count = ask_phrase(words, i, "a week ago|before"))) {
        shift_set(gathered, 7, 0);
    } else if ((count = ask_phrase(words, i, "the|an? hour before|earlier")) ||
               (count = ask_phrase(words, i, "the? previous hour"))) {
        shift_set(gathered, 0, 3600);
    } else if ((count = ask_phrase(words, i, "the? previous period|time")) ||
               (count = ask_phrase(words, i, "the? period|time? before"))) {
        shift_set(gathered, 0, 0);
        gathered->shift_is_length = true;
    } else if ((count = ask_phrase(words, i, "the? previous")) && ask_length(words, i + count, &ns) > 0) {
        shift_set(gathered, 0, (int64_t)(ns / 1e9));
        count += ask_length(words, i + count, &ns);
    } else {
        return 0;
    }
    return i - at + count;
}

/* ---- the whole ---- */

static void resolve(struct gathered *gathered, struct ask_times *times)
{
    int64_t from_s = gathered->from_s, to_s = gathered->to_s;
    bool has_minutes = gathered->from_minute != NONE;
    if (!gathered->has_instants) {
        if (!gathered->has_days) { /* clocks alone: today's, or yesterday's when they are still to come */
            gathered->first_day = gathered->today;
            if (at_minute(gathered, gathered->today, gathered->from_minute) > gathered->now_s) gathered->first_day--;
            gathered->last_day = gathered->first_day;
        }
        if (has_minutes && gathered->first_day != gathered->last_day) gathered->is_bad = true;
        from_s = at_minute(gathered, gathered->first_day, has_minutes ? gathered->from_minute : 0);
        to_s = at_minute(gathered, gathered->last_day, has_minutes ? gathered->to_minute : MINUTES_A_DAY);
    } else if (has_minutes) {
        gathered->is_bad = true;
    }
    if (to_s > gathered->now_s) to_s = gathered->now_s;
    if (from_s >= to_s || from_s < 0 || gathered->is_bad) return; /* nothing is from before 1970 */
    times->is_said = true;
    times->from_us = from_s * 1000000;
    times->to_us = to_s * 1000000;
}

bool ask_times_shift(const struct ask_times *times, const struct zone *zone, int64_t from_us, int64_t to_us,
                     int64_t *before_from_us, int64_t *before_to_us)
{
    int64_t ends[2] = { from_us / 1000000, to_us / 1000000 };
    int64_t length = ends[1] - ends[0];
    for (int e = 0; times->has_shift && e < 2; e++) {
        if (times->shift_days > 0) {
            struct zone_time local = zone_local(zone, ends[e]);
            local.day -= (int)times->shift_days;
            ends[e] = zone_instant(zone, local);
        } else {
            ends[e] -= times->shift_is_length ? length : times->shift_s;
        }
    }
    *before_from_us = ends[0] * 1000000;
    *before_to_us = ends[1] * 1000000;
    return times->has_shift && ends[0] < ends[1] && ends[1] <= from_us / 1000000;
}

void ask_times_read(struct ask_words *words, const struct zone *zone, int64_t now_us, struct ask_times *times,
                    void (*use)(void *ctx, uint32_t from, uint32_t count, const char *as), void *ctx)
{
    static uint32_t (*const readers[])(struct gathered *, uint32_t) = { rolling,    between,      since,
                                                                        calendar,   before_clock, part_of_day,
                                                                        single_day, bare_length };
    struct gathered gathered = {
        .words = words, .zone = zone, .now_s = now_us / 1000000, .from_minute = NONE, .to_minute = NONE
    };
    struct zone_time local = zone_local(zone, gathered.now_s);
    struct {
        uint32_t at, count;
        const char *as;
    } found[ASK_TOKENS_MAX];
    uint32_t found_count = 0;
    bool is_compare = false, has_time = false;
    gathered.today = zone_day_number(local.year, local.month, local.day);
    *times = (struct ask_times){ 0 };
    for (uint32_t i = 0; i < words->count; i++) is_compare = is_compare || ask_phrase(words, i, "compare|compared") > 0;
    for (uint32_t at = 0; at < words->count;) {
        uint32_t count = compared(&gathered, at, is_compare);
        const char *as = "compare";
        for (size_t r = 0; count == 0 && r < COUNT_OF(readers); r++) {
            bool is_per = at > 0 && ask_phrase(words, at - 1, "per|by|each|every|grouped");
            count = is_per ? 0 : readers[r](&gathered, at);
            if (count > 0) as = "time", has_time = true;
        }
        if (count > 0) {
            found[found_count].at = at;
            found[found_count].count = count;
            found[found_count++].as = as;
        }
        at += count > 0 ? count : 1;
    }
    if (has_time) resolve(&gathered, times);
    if (has_time && !times->is_said) return; /* its words stay: they are not understood */
    if (!has_time) times->from_us = (times->to_us = now_us / 1000000 * 1000000) - ASK_DAY_US;
    times->has_shift = gathered.has_shift;
    times->shift_is_length = gathered.shift_is_length;
    times->shift_days = gathered.shift_days;
    times->shift_s = gathered.shift_s;
    times->has_before =
        ask_times_shift(times, zone, times->from_us, times->to_us, &times->before_from_us, &times->before_to_us);
    for (uint32_t f = 0; f < found_count; f++)
        if (found[f].as[0] == 't' || times->has_before) use(ctx, found[f].at, found[f].count, found[f].as);
}
