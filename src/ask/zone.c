#include "ask/zone.h"
#include "base/date.h"
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, TRANSITIONS_MAX = 4096, TYPES_MAX = 256 };
static const char folder[] = "/usr/share/zoneinfo";

/* When the clocks change in each year behind the last one listed (POSIX TZ, "M10.5.0/3"). */
struct rule {
    int month, week, weekday, time_s;
};
struct zone {
    char name[ZONE_NAME_BYTES];
    uint32_t count;
    int32_t first_offset_s; /* before the first change */
    int64_t *at_s;          /* changes, in order */
    int32_t *offset_s;      /* from each on */
    bool has_rules;         /* behind the last change; else its offset stays */
    int32_t standard_s, summer_s;
    struct rule to_summer, to_standard;
};

/* ---- the calendar ---- */

int64_t zone_day_number(int year, int month, int day)
{
    int months = year * 12 + month - 1; /* months out of their range are carried */
    return date_days(months / 12, (uint32_t)(months % 12 + 1), 1) + day - 1;
}

int zone_weekday(int64_t day_number)
{
    return (int)(((day_number + 3) % 7 + 7) % 7);
}

static struct zone_time time_of(int64_t local_s)
{
    int64_t days = local_s >= 0 ? local_s / 86400 : (local_s - 86399) / 86400;
    int rest = (int)(local_s - days * 86400);
    int64_t year;
    uint32_t month, day;
    date_of_days(days, &year, &month, &day);
    return (struct zone_time){ .year = (int)year,
                               .month = (int)month,
                               .day = (int)day,
                               .hour = rest / 3600,
                               .minute = rest / 60 % 60,
                               .second = rest % 60 };
}

bool zone_date_is(int year, int month, int day)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    return time_of(zone_day_number(year, month, day) * 86400).day == day;
}

/* ---- offsets ---- */

static int64_t rule_s(const struct rule *rule, int year)
{
    int64_t first = zone_day_number(year, rule->month, 1);
    int weekday = (zone_weekday(first) + 1) % 7; /* of the rule: 0 is Sunday */
    int64_t day = first + (rule->weekday - weekday + 7) % 7 + 7 * (rule->week - 1);
    if (day >= zone_day_number(year, rule->month + 1, 1)) day -= 7; /* week 5 is the last */
    return day * 86400 + rule->time_s;
}

static int32_t rules_offset_s(const struct zone *zone, int64_t unix_s)
{
    int year = time_of(unix_s + zone->standard_s).year;
    int64_t summer = rule_s(&zone->to_summer, year) - zone->standard_s;
    int64_t standard = rule_s(&zone->to_standard, year) - zone->summer_s;
    bool is_summer = summer < standard ? unix_s >= summer && unix_s < standard : unix_s >= summer || unix_s < standard;
    return is_summer ? zone->summer_s : zone->standard_s;
}

int32_t zone_offset_s(const struct zone *zone, int64_t unix_s)
{
    uint32_t low = 0, high = zone->count; /* the first change behind unix_s */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->at_s[middle] <= unix_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_rules) return rules_offset_s(zone, unix_s);
    return low == 0 ? zone->first_offset_s : zone->offset_s[low - 1];
}

struct zone_time zone_local(const struct zone *zone, int64_t unix_s)
{
    return time_of(unix_s + (zone == NULL ? 0 : zone_offset_s(zone, unix_s)));
}

int64_t zone_instant(const struct zone *zone, struct zone_time local)
{
    int64_t wall = zone_day_number(local.year, local.month, local.day) * 86400 + (int64_t)local.hour * 3600 +
                   (int64_t)local.minute * 60 + local.second;
    /* Offsets a day before and after are those on both sides of a change, if there is one. */
    int32_t before = zone_offset_s(zone, wall - 86400), after = zone_offset_s(zone, wall + 86400);
    if (zone_offset_s(zone, wall - before) == before) return wall - before; /* the first of two, too */
    if (zone_offset_s(zone, wall - after) == after) return wall - after;
    return wall - before; /* in a gap */
}

/* ---- files ---- */

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t be64(const uint8_t *at)
{
    return (int64_t)((uint64_t)be32(at) << 32 | be32(at + 4));
}

/* [+-]hh[:mm[:ss]] */
static bool offset_read(const char **text, int32_t *seconds)
{
    int sign = 1, parts[3] = { 0 }, part = 0;
    if (**text == '-' || **text == '+') sign = *(*text)++ == '-' ? -1 : 1;
    do {
        int digits = 0;
        for (; isdigit((unsigned char)**text) && digits < 3; digits++)
            parts[part] = parts[part] * 10 + *(*text)++ - '0';
        if (digits == 0) return false;
    } while (++part < 3 && **text == ':' && (*text)++);
    *seconds = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
}

static bool name_skip(const char **text)
{
    bool is_quoted = **text == '<';
    size_t len =
        is_quoted ? strcspn(*text, ">") + 1 : strspn(*text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    if (len < 3 || len > strlen(*text)) return false;
    *text += len;
    return true;
}

static bool number_read(const char **text, int low, int high, int *number)
{
    char *end;
    long read = strtol(*text, &end, 10);
    if (end == *text || end - *text > 3 || read < low || read > high) return false;
    *text = end;
    *number = (int)read;
    return true;
}

/* ",M3.5.0/2"; other forms stand in no zone of today. */
static bool rule_read(const char **text, struct rule *rule)
{
    rule->time_s = 7200;
    if (strncmp(*text, ",M", 2) != 0) return false;
    *text += 2;
    if (!number_read(text, 1, 12, &rule->month) || *(*text)++ != '.' || !number_read(text, 1, 5, &rule->week) ||
        *(*text)++ != '.' || !number_read(text, 0, 6, &rule->weekday))
        return false;
    if (**text != '/') return true;
    (*text)++;
    return offset_read(text, &rule->time_s);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": west is positive there. */
static bool rules_read(struct zone *zone, const char *text)
{
    int32_t west;
    if (!name_skip(&text) || !offset_read(&text, &west)) return false;
    zone->standard_s = -west;
    if (*text == '\0') return false; /* one offset: the last change's stays */
    if (!name_skip(&text)) return false;
    zone->summer_s = zone->standard_s + 3600;
    if (*text != ',') {
        if (!offset_read(&text, &west)) return false;
        zone->summer_s = -west;
    }
    return rule_read(&text, &zone->to_summer) && rule_read(&text, &zone->to_standard) && *text == '\0';
}

static bool corrupt(struct err *err, struct bytes name)
{
    return err_set(err, ERR_CORRUPT, "the file of time zone \"%.*s\" is not one", (int)name.len,
                   (const char *)name.ptr);
}

struct head {
    uint32_t utc_flags, standard_flags, leaps, times, types, chars;
};
static bool head_read(struct bytes *rest, struct head *head)
{
    if (rest->len < 44 || memcmp(rest->ptr, "TZif", 4) != 0) return false;
    const uint8_t *at = rest->ptr + 20;
    *head = (struct head){ be32(at), be32(at + 4), be32(at + 8), be32(at + 12), be32(at + 16), be32(at + 20) };
    *rest = bytes_from(rest->ptr + 44, rest->len - 44);
    return head->times <= TRANSITIONS_MAX && head->types >= 1 && head->types <= TYPES_MAX && head->leaps <= 1024 &&
           head->chars <= 4096 && head->utc_flags <= TYPES_MAX && head->standard_flags <= TYPES_MAX;
}

static size_t body_bytes(const struct head *head, size_t time_bytes)
{
    return head->times * (time_bytes + 1) + head->types * 6 + head->chars + head->leaps * (time_bytes + 4) +
           head->standard_flags + head->utc_flags;
}

static struct zone *zone_create(struct bytes name, uint32_t count)
{
    struct zone *zone = mem_calloc(1, sizeof *zone + count * (sizeof(int64_t) + sizeof(int32_t)));
    zone->at_s = (int64_t *)(zone + 1);
    zone->offset_s = (int32_t *)(zone->at_s + count);
    zone->count = count;
    memcpy(zone->name, name.ptr, name.len);
    return zone;
}

static bool types_take(struct zone *zone, const struct head *head, const uint8_t *at)
{
    const uint8_t *index = at + head->times * 8, *types = index + head->times;
    for (uint32_t t = 0; t < head->types; t++) {
        int32_t offset = (int32_t)be32(types + t * 6);
        if (offset < -100000 || offset > 100000) return false;
    }
    zone->first_offset_s = (int32_t)be32(types);
    for (uint32_t t = 0; t < head->times; t++) {
        zone->at_s[t] = be64(at + t * 8);
        if (index[t] >= head->types || (t > 0 && zone->at_s[t] <= zone->at_s[t - 1])) return false;
        zone->offset_s[t] = (int32_t)be32(types + index[t] * 6);
    }
    return true;
}

bool zone_read(struct zone **zone, struct bytes name, struct bytes file, struct err *err)
{
    struct head head;
    char rules[128];
    *zone = NULL;
    if (name.len == 0 || name.len >= ZONE_NAME_BYTES) return corrupt(err, bytes_from("", 0));
    /* Version 1 has 32-bit times, and is skipped; what follows is the same with 64 bits, then the rules as text. */
    if (!head_read(&file, &head) || file.len < body_bytes(&head, 4)) return corrupt(err, name);
    file = bytes_from(file.ptr + body_bytes(&head, 4), file.len - body_bytes(&head, 4));
    if (!head_read(&file, &head) || file.len < body_bytes(&head, 8)) return corrupt(err, name);
    struct zone *made = zone_create(name, head.times);
    if (!types_take(made, &head, file.ptr)) {
        free(made);
        return corrupt(err, name);
    }
    struct bytes footer = bytes_from(file.ptr + body_bytes(&head, 8), file.len - body_bytes(&head, 8));
    if (footer.len >= 2 && footer.len < sizeof rules && footer.ptr[0] == '\n' && footer.ptr[footer.len - 1] == '\n') {
        memcpy(rules, footer.ptr + 1, footer.len - 2);
        rules[footer.len - 2] = '\0';
        made->has_rules = rules_read(made, rules);
    }
    *zone = made;
    return true;
}

/* "+05:30", "-0800", "+02" */
static bool fixed_read(struct bytes name, int32_t *offset_s)
{
    if (bytes_equal(name, BYTES("UTC")) || bytes_equal(name, BYTES("Z"))) return (*offset_s = 0, true);
    if (name.len != 3 && name.len != 5 && name.len != 6) return false;
    if ((name.ptr[0] != '+' && name.ptr[0] != '-') || (name.len == 6 && name.ptr[3] != ':')) return false;
    int digits[4] = { 0 }, count = 0;
    for (size_t i = 1; i < name.len; i++) {
        if (i == 3 && name.len == 6) continue;
        if (!isdigit(name.ptr[i])) return false;
        digits[count++] = name.ptr[i] - '0';
    }
    int hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
    if (hours > 14 || minutes > 59) return false;
    *offset_s = (name.ptr[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* As the tz database has them; nothing that leads out of its folder. */
static bool name_is_good(struct bytes name)
{
    if (name.len == 0 || name.len >= ZONE_NAME_BYTES || !isalpha(name.ptr[0])) return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!isalnum(c) && c != '_' && c != '-' && c != '+' &&
            (c != '/' || i + 1 == name.len || name.ptr[i + 1] == '/'))
            return false;
    }
    return true;
}

static bool file_read(const char *path, struct buf *file, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) return err_os(err, "could not open \"%s\"", path);
    bool ok = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < FILE_BYTES_MAX &&
              buf_reserve(file, (size_t)status.st_size);
    ssize_t got = ok ? read(fd, file->ptr, (size_t)status.st_size) : -1;
    close(fd);
    if (got < 0) return err_set(err, ERR_CORRUPT, "\"%s\" is not a file of a time zone", path);
    file->len = (size_t)got;
    return true;
}

bool zone_open(struct zone **zone, struct bytes name, struct err *err)
{
    int32_t offset_s;
    char path[sizeof folder + ZONE_NAME_BYTES];
    struct buf file;
    struct err why = { 0 };
    *zone = NULL;
    if (fixed_read(name, &offset_s)) {
        *zone = zone_create(name, 0);
        (*zone)->first_offset_s = offset_s;
        return true;
    }
    if (!name_is_good(name)) return err_set(err, ERR_INPUT, "a time zone is Europe/Berlin, UTC or +02:00");
    snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.len, (const char *)name.ptr);
    buf_init(&file, FILE_BYTES_MAX);
    bool ok = file_read(path, &file, &why);
    if (!ok && why.os_errno != 0)
        err_set(err, ERR_INPUT, "this machine knows no time zone \"%.*s\"; an offset such as +02:00 does without",
                (int)name.len, (const char *)name.ptr);
    if (!ok && why.os_errno == 0) *err = why;
    ok = ok && zone_read(zone, name, buf_bytes(&file), err);
    buf_deinit(&file);
    return ok;
}

void zone_close(struct zone *zone)
{
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

bool zone_is_fixed(const struct zone *zone)
{
    return zone->count == 0 && !zone->has_rules;
}
