/* A monitor on past data: what it would have told, and its values. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "monitors/monitors.h"
#include "web/api/handlers.h"
#include "web/api/monitor_ask.h"
#include "web/api/monitor_put.h"
#include "web/api/sql_run.h"
#include <stdio.h>

enum { EVENTS_MAX = 2000, POINTS_MAX = 30000 };
#define DRY_BUDGET_US INT64_C(20000000)

bool monitor_query_check(struct api_call *call, const struct monitor *monitor, char pointer[MONITOR_POINTER_BYTES],
                         struct err *err)
{
    static const char *const places[] = { "/query/search", "/query/sql", "/query/metric" };
    struct monitor_statement statement;
    int64_t now_us = clock_unix_us();
    if (monitor_statement_make(call->arena, &monitor->query, now_us - monitor->window_us, now_us, &statement, err) &&
        (call->parts->query == NULL || sql_check(call, statement.sql, statement.types, statement.count, err)))
        return true;
    if (err->code == ERR_UNSUPPORTED || err->code == ERR_FORBIDDEN) err->code = ERR_INPUT;
    if (monitor->query.source != MONITOR_SQL) err->position = 0;
    snprintf(pointer, MONITOR_POINTER_BYTES, "%s", places[monitor->query.source]);
    return false;
}

struct dry {
    struct api_call *call;
    yyjson_mut_val *events, *series;
    yyjson_mut_val *points[MONITOR_GROUPS_MAX];
    struct bytes keys[MONITOR_GROUPS_MAX];
    uint32_t series_count, event_count, point_count;
};

static yyjson_mut_val *points_of(struct dry *dry, struct bytes key)
{
    struct api_call *call = dry->call;
    for (uint32_t s = 0; s < dry->series_count; s++)
        if (bytes_equal(dry->keys[s], key)) return dry->points[s];
    if (dry->series_count == MONITOR_GROUPS_MAX) return NULL;
    yyjson_mut_val *series = yyjson_mut_arr_add_obj(call->json, dry->series);
    dry->keys[dry->series_count] = arena_copy(call->arena, key);
    api_put_text(call, series, "group", key);
    return dry->points[dry->series_count++] = yyjson_mut_obj_add_arr(call->json, series, "points");
}

static bool dry_each(void *ctx, const struct monitor_table *table, int64_t at_us)
{
    struct dry *dry = ctx;
    struct api_call *call = dry->call;
    for (uint32_t e = 0; e < table->event_count && dry->event_count < EVENTS_MAX; e++, dry->event_count++)
        monitor_put_event(call, yyjson_mut_arr_add_obj(call->json, dry->events),
                          table->groups[table->events[e].group].key, &table->events[e]);
    for (uint32_t g = 0; g < table->count && dry->point_count < POINTS_MAX; g++, dry->point_count++) {
        const struct monitor_group *group = &table->groups[g];
        yyjson_mut_val *points = points_of(dry, group->key), *point = yyjson_mut_arr(call->json);
        if (points == NULL) continue;
        yyjson_mut_arr_add_sint(call->json, point, at_us / 1000);
        if (group->state.seen_us == at_us)
            yyjson_mut_arr_add_real(call->json, point, group->state.value);
        else
            yyjson_mut_arr_add_null(call->json, point);
        yyjson_mut_arr_append(points, point);
    }
    return !api_is_gone(call);
}

void api_monitor_dry_run(struct api_call *call)
{
    struct monitor monitor;
    struct err err = { 0 };
    char pointer[MONITOR_POINTER_BYTES];
    struct dry *dry = arena_calloc(call->arena, sizeof *dry);
    struct monitors_source source = { monitor_ask, call->parts->query };
    int64_t now_us = clock_unix_us(), from_us = now_us - INT64_C(6 * 3600) * 1000000, to_us = now_us;
    struct bytes from = api_body_text(call, "from"), to = api_body_text(call, "to");
    if ((from.len > 0 && !rfc3339_read_relative(from, now_us, &from_us)) ||
        (to.len > 0 && !rfc3339_read_relative(to, now_us, &to_us)) || from_us >= to_us) {
        api_fail_at(call, "/from", "from and to are times as 2026-11-27T02:00:00Z or now-6h, from before to");
        return;
    }
    if (call->parts->query == NULL) {
        api_fail_with(call, ERR_UNSUPPORTED, "this process does not answer queries: ask one with --role query");
        return;
    }
    bool ok = monitor_read(&monitor, yyjson_obj_get(call->body, "monitor"), call->arena, pointer, &err);
    if (ok && !(ok = monitor_query_check(call, &monitor, pointer, &err))) monitor_close(&monitor);
    if (!ok) {
        api_fail_where(call, arena_printf(call->arena, "/monitor%s", pointer), &err);
        return;
    }
    int64_t steps = (to_us - from_us) / monitor.every_us / MONITOR_DRY_STEPS_MAX + 1;
    struct monitors_dry how = { .from_us = from_us,
                                .to_us = to_us,
                                .every_us = steps * monitor.every_us,
                                .budget_us = DRY_BUDGET_US,
                                .each = dry_each,
                                .ctx = dry };
    *dry = (struct dry){ .call = call, .events = yyjson_mut_arr(call->json), .series = yyjson_mut_arr(call->json) };
    ok = monitors_dry_run(&monitor, &source, call->project.id, call->project.name, &how, &err);
    if (ok) {
        yyjson_mut_val *object = yyjson_mut_obj(call->json);
        yyjson_mut_obj_add_val(call->json, object, "events", dry->events);
        yyjson_mut_obj_add_val(call->json, object, "series", dry->series);
        yyjson_mut_obj_add_uint(call->json, object, "moments", how.moments);
        yyjson_mut_obj_add_sint(call->json, object, "every_s", how.every_us / 1000000);
        yyjson_mut_obj_add_bool(call->json, object, "is_exact", how.every_us == monitor.every_us);
        yyjson_mut_obj_add_bool(call->json, object, "is_cut", how.is_cut);
        api_answer(call, object);
    } else {
        sql_fail(call, &err);
    }
    monitor_close(&monitor);
}
