/* A definition, read and checked. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask/zone.h"
#include "base/json_object.h"
#include "base/rfc3339.h"
#include "monitors/monitor.h"

enum { LEVELS_MAX = 32 };
static const int64_t SECOND_US = 1000000;

struct reading {
    struct monitor *monitor;
    struct arena *arena;
    char *pointer;
    struct err *err;
};

static bool wrong(struct reading *reading, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool wrong(struct reading *reading, const char *pointer, const char *fmt, ...)
{
    va_list args;
    snprintf(reading->pointer, MONITOR_POINTER_BYTES, "%s", pointer);
    *reading->err = (struct err){ .code = ERR_INPUT };
    va_start(args, fmt);
    vsnprintf(reading->err->text, sizeof reading->err->text, fmt, args);
    va_end(args);
    return false;
}

static struct bytes text_of(yyjson_val *object, const char *name)
{
    return json_text(yyjson_obj_get(object, name));
}

static double number_of(yyjson_val *object, const char *name, double fallback)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_num(value) ? yyjson_get_num(value) : fallback;
}

/* The place of a text in a list of names; the first where it is absent. */
static bool name_read(struct reading *reading, yyjson_val *object, const char *name, const char *pointer,
                      const char *const *names, size_t count, uint32_t *at)
{
    struct bytes text = text_of(object, name);
    *at = 0;
    if (yyjson_obj_get(object, name) == NULL) return true;
    for (; *at < count; (*at)++)
        if (bytes_equal(text, bytes_of_text(names[*at]))) return true;
    *at = 0;
    return wrong(reading, pointer, "it is none of the words that are known here");
}
#define NAME_READ(reading, object, name, pointer, at, ...)                          \
    name_read(reading, object, name, pointer, (const char *const[]){ __VA_ARGS__ }, \
              COUNT_OF(((const char *const[]){ __VA_ARGS__ })), at)

static bool seconds_read(struct reading *reading, yyjson_val *json, const char *name, int64_t usual, int64_t min,
                         int64_t max, int64_t *us)
{
    double seconds = number_of(json, name, (double)usual);
    if (!(seconds >= (double)min && seconds <= (double)max))
        return wrong(reading, arena_printf(reading->arena, "/%s", name), "it is %lld to %lld seconds", (long long)min,
                     (long long)max);
    *us = (int64_t)seconds * SECOND_US;
    return true;
}

/* ---- the question ---- */

static bool query_read(struct reading *reading, yyjson_val *query)
{
    static const char *const names[] = { "search", "sql", "metric" };
    struct monitor_query *into = &reading->monitor->query;
    uint32_t found = 0;
    for (uint32_t s = 0; s < COUNT_OF(names); s++) {
        yyjson_val *value = yyjson_obj_get(query, names[s]);
        if (value == NULL) continue;
        found++;
        into->source = (enum monitor_source)s;
        into->text = text_of(query, names[s]);
        into->metric = s == MONITOR_METRIC ? value : NULL;
        if (s == MONITOR_METRIC ? !yyjson_is_obj(value) : !yyjson_is_str(value))
            return wrong(reading, "/query", "a search and SQL are texts, a metric is an object");
    }
    if (found != 1) return wrong(reading, "/query", "it has one of search, sql and metric");
    if (into->source == MONITOR_SQL && into->text.len == 0) return wrong(reading, "/query/sql", "it is empty");
    if (into->source == MONITOR_METRIC && text_of(into->metric, "name").len == 0)
        return wrong(reading, "/query/metric/name", "which metric is it of?");
    return true;
}

/* ---- the condition ---- */

/* A level and where it is left: on the side from which it is reached. */
static bool recovery_read(struct reading *reading, yyjson_val *condition, const char *name, double level,
                          double *recovery)
{
    *recovery = number_of(condition, name, level);
    if (isnan(level) || *recovery == level) return true;
    bool is_below = reading->monitor->rule.side == MONITOR_BELOW;
    if (is_below ? *recovery > level : *recovery < level) return true;
    return wrong(reading, arena_printf(reading->arena, "/condition/%s", name), "a level is left %s it: this must be %s",
                 is_below ? "above" : "below", is_below ? "higher" : "lower");
}

static bool levels_read(struct reading *reading, yyjson_val *condition)
{
    struct monitor_rule *rule = &reading->monitor->rule;
    rule->alert = number_of(condition, "alert", NAN);
    rule->warning = number_of(condition, "warning", NAN);
    if (!isfinite(rule->alert)) return wrong(reading, "/condition/alert", "the level of an alert is missing");
    if (rule->side == MONITOR_BOTH && rule->alert < 0)
        return wrong(reading, "/condition/alert", "of a difference to both sides it is at least 0");
    if (!isnan(rule->warning) &&
        monitor_is_beyond(rule->side == MONITOR_BELOW ? MONITOR_BELOW : MONITOR_ABOVE, rule->warning, rule->alert))
        return wrong(reading, "/condition/warning", "a warning comes before an alert");
    return recovery_read(reading, condition, "alert_recovery", rule->alert, &rule->alert_recovery) &&
           recovery_read(reading, condition, "warning_recovery", rule->warning, &rule->warning_recovery);
}

static bool burn_read(struct reading *reading, yyjson_val *condition)
{
    struct monitor *monitor = reading->monitor;
    double percent = number_of(condition, "objective", NAN);
    if (!(percent >= 50 && percent < 100))
        return wrong(reading, "/condition/objective", "an objective is a percentage from 50 to below 100, as 99.9");
    monitor->objective = percent / 100;
    monitor->query.bad = text_of(condition, "bad");
    monitor->query.has_total = true;
    if (monitor->query.source == MONITOR_METRIC)
        return wrong(reading, "/query", "burn rates are of a search, or of SQL that answers bad ones and all of them");
    if (monitor->query.source == MONITOR_SEARCH && monitor->query.bad.len == 0)
        return wrong(reading, "/condition/bad", "which of the rows are the bad ones? A search, as status:error");
    return true;
}

static bool condition_read(struct reading *reading, yyjson_val *condition)
{
    struct monitor *monitor = reading->monitor;
    struct monitor_rule *rule = &monitor->rule;
    uint32_t kind, side, against, as;
    rule->alert = rule->alert_recovery = rule->warning = rule->warning_recovery = NAN;
    if (!yyjson_is_obj(condition)) return wrong(reading, "/condition", "a condition is an object with its kind");
    if (!NAME_READ(reading, condition, "kind", "/condition/kind", &kind, "threshold", "change", "anomaly", "absence",
                   "burn") ||
        !NAME_READ(reading, condition, "side", "/condition/side", &side, "above", "below", "both") ||
        !NAME_READ(reading, condition, "against", "/condition/against", &against, "before", "day", "week") ||
        !NAME_READ(reading, condition, "as", "/condition/as", &as, "absolute", "percent"))
        return false;
    monitor->kind = (enum monitor_kind)kind;
    monitor->against = (enum monitor_against)against;
    monitor->is_percent = as == 1;
    rule->side = (enum monitor_side)side;
    if (monitor->kind == MONITOR_THRESHOLD && rule->side == MONITOR_BOTH)
        return wrong(reading, "/condition/side", "a threshold is above or below");
    if (monitor->kind == MONITOR_ABSENCE) return true;
    if (monitor->kind == MONITOR_BURN) return burn_read(reading, condition);
    if (!levels_read(reading, condition)) return false;
    if (monitor->kind == MONITOR_ANOMALY && rule->side == MONITOR_BELOW && rule->alert > 0)
        return wrong(reading, "/condition/alert", "below the baseline is a negative number of deviations: -5");
    return true;
}

/* ---- when nobody is told ---- */

/* "23:30" */
static bool minute_read(struct bytes text, int *minute)
{
    if (text.len != 5 || text.ptr[2] != ':') return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (text.ptr[i] < '0' || text.ptr[i] > '9')) return false;
    int hour = (text.ptr[0] - '0') * 10 + text.ptr[1] - '0', rest = (text.ptr[3] - '0') * 10 + text.ptr[4] - '0';
    *minute = hour * 60 + rest;
    return rest < 60 && *minute <= 24 * 60;
}

/* "2026-11-28T06:00:00Z" */
static bool instant_read(struct bytes text, int64_t *unix_us)
{
    return text.len == 20 && text.ptr[10] == 'T' && text.ptr[17] < '6' && text.ptr[19] == 'Z' &&
           rfc3339_read(text, unix_us) && *unix_us >= 0;
}

static bool window_read(struct reading *reading, yyjson_val *json, const char *at)
{
    struct monitor *monitor = reading->monitor;
    struct monitor_window *window = &monitor->windows[monitor->window_count];
    struct bytes zone = text_of(json, "zone"), from = text_of(json, "from"), to = text_of(json, "to");
    yyjson_val *days = yyjson_obj_get(json, "days"), *day;
    size_t i, count;
    *window = (struct monitor_window){ 0 };
    if (days == NULL) {
        if (!instant_read(from, &window->from_us) || !instant_read(to, &window->to_us) ||
            window->from_us >= window->to_us)
            return wrong(reading, at,
                         "once: from and to as 2026-11-28T06:00:00Z; each week: days, from and to as 23:30");
        monitor->window_count++;
        return true;
    }
    yyjson_arr_foreach(days, i, count, day)
    {
        int64_t number = yyjson_is_int(day) ? yyjson_get_sint(day) : 0;
        if (number < 1 || number > 7) return wrong(reading, at, "days are 1 (Monday) to 7");
        window->days |= (uint8_t)(1u << (number - 1));
    }
    if (window->days == 0) return wrong(reading, at, "on which days?");
    if (!minute_read(from, &window->from_minute) || !minute_read(to, &window->to_minute))
        return wrong(reading, at, "each week: from and to are times as 23:30");
    struct err err = { 0 };
    if (!zone_open(&window->zone, zone.len == 0 ? BYTES("UTC") : zone, &err)) return wrong(reading, at, "%s", err.text);
    monitor->window_count++;
    return true;
}

static bool windows_read(struct reading *reading, yyjson_val *list)
{
    yyjson_val *one;
    size_t i, count;
    if (list != NULL && !yyjson_is_arr(list)) return wrong(reading, "/maintenance", "it is a list of windows");
    if (yyjson_arr_size(list) > MONITOR_WINDOWS_MAX)
        return wrong(reading, "/maintenance", "at most %d windows", MONITOR_WINDOWS_MAX);
    yyjson_arr_foreach(list, i, count, one)
    {
        if (!window_read(reading, one, arena_printf(reading->arena, "/maintenance/%zu", i))) return false;
    }
    return true;
}

static bool channels_read(struct reading *reading, yyjson_val *list)
{
    yyjson_val *one;
    size_t i, count, len;
    if (list != NULL && (!yyjson_is_arr(list) || yyjson_arr_size(list) > MONITOR_CHANNELS_MAX))
        return wrong(reading, "/channels", "it is a list of at most %d numbers of channels", MONITOR_CHANNELS_MAX);
    if (yyjson_arr_size(list) == 0) return true;
    yyjson_arr_foreach(list, i, count, one)
    {
        if (!yyjson_is_int(one)) return wrong(reading, "/channels", "channels are told by their numbers");
    }
    char *text = yyjson_val_write(list, 0, &len);
    if (text == NULL) return wrong(reading, "/channels", "it cannot be written");
    reading->monitor->channels = arena_copy(reading->arena, bytes_from(text, len));
    free(text);
    return true;
}

static bool all_read(struct reading *reading, yyjson_val *json)
{
    struct monitor *monitor = reading->monitor;
    uint32_t no_data;
    double groups_max = number_of(json, "groups_max", 100);
    monitor->title = text_of(json, "title");
    monitor->description = text_of(json, "description");
    monitor->message = text_of(json, "message");
    monitor->service = text_of(json, "service");
    monitor->environment = text_of(json, "environment");
    monitor->is_off = yyjson_is_false(yyjson_obj_get(json, "is_on"));
    if (monitor->title.len == 0) return wrong(reading, "/title", "a monitor has a title");
    if (!(groups_max >= 1 && groups_max <= MONITOR_GROUPS_MAX))
        return wrong(reading, "/groups_max", "1 to %d", MONITOR_GROUPS_MAX);
    monitor->groups_max = (uint32_t)groups_max;
    if (!NAME_READ(reading, json, "no_data", "/no_data", &no_data, "ok", "alert", "keep")) return false;
    monitor->rule.no_data = (enum monitor_no_data)no_data;
    return query_read(reading, yyjson_obj_get(json, "query")) &&
           condition_read(reading, yyjson_obj_get(json, "condition")) &&
           seconds_read(reading, json, "window_s", 300, 60, 7 * 86400, &monitor->window_us) &&
           seconds_read(reading, json, "every_s", 60, 60, 86400, &monitor->every_us) &&
           seconds_read(reading, json, "delay_s", 30, 0, 3600, &monitor->delay_us) &&
           seconds_read(reading, json, "for_s", 0, 0, 86400, &monitor->rule.for_us) &&
           windows_read(reading, yyjson_obj_get(json, "maintenance")) &&
           channels_read(reading, yyjson_obj_get(json, "channels"));
}

bool monitor_read(struct monitor *monitor, yyjson_val *json, struct arena *arena, char pointer[MONITOR_POINTER_BYTES],
                  struct err *err)
{
    struct reading reading = { monitor, arena, pointer, err };
    *monitor = (struct monitor){ 0 };
    pointer[0] = '\0';
    bool ok = !json_is_deep(json, LEVELS_MAX) || wrong(&reading, "", "it is nested too deep");
    ok = ok && (yyjson_is_obj(json) || wrong(&reading, "", "a monitor is an object"));
    ok = ok && all_read(&reading, json);
    if (!ok) monitor_close(monitor);
    return ok;
}

void monitor_close(struct monitor *monitor)
{
    for (uint32_t w = 0; w < monitor->window_count; w++) zone_close(monitor->windows[w].zone);
    monitor->window_count = 0;
}

/* ---- is it quiet ---- */

/* The instance that began on the day which is `back` days before the one of local: its ends by the wall clock, as instants. */
static bool is_within_day(const struct monitor_window *window, struct zone_time local, int back, int64_t unix_s)
{
    int64_t day = zone_day_number(local.year, local.month, local.day) - back;
    int length = window->to_minute - window->from_minute;
    if ((window->days >> zone_weekday(day) & 1) == 0) return false;
    if (length <= 0) length += 24 * 60;
    struct zone_time from = {
        .year = local.year, .month = local.month, .day = local.day - back, .minute = window->from_minute
    };
    struct zone_time to = from;
    to.minute += length;
    from.hour = from.minute / 60, from.minute %= 60;
    to.hour = to.minute / 60, to.minute %= 60;
    return unix_s >= zone_instant(window->zone, from) && unix_s < zone_instant(window->zone, to);
}

bool monitor_is_quiet(const struct monitor *monitor, int64_t unix_us)
{
    int64_t unix_s = unix_us / SECOND_US;
    for (uint32_t w = 0; w < monitor->window_count; w++) {
        const struct monitor_window *window = &monitor->windows[w];
        if (window->zone == NULL) {
            if (unix_us >= window->from_us && unix_us < window->to_us) return true;
            continue;
        }
        struct zone_time local = zone_local(window->zone, unix_s);
        if (is_within_day(window, local, 0, unix_s) || is_within_day(window, local, 1, unix_s)) return true;
    }
    return false;
}
