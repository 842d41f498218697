/* Services and endpoints: compared with the time before. */
#include "agents/collect_inside.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Least volume and effect of what is worth a sentence. */
static const double ERRORS_MIN = 10, ERROR_POINTS = 0.02, ERROR_POINTS_CRITICAL = 0.10, REQUESTS_MIN = 100,
                    P95_TIMES = 1.5, P95_MORE_NS = 50e6, VOLUME_TIMES = 2, VOLUME_MIN = 200;

struct figures {
    double requests, errors, p95; /* p95: NAN: none */
};
static double rate(const struct figures *figures)
{
    return figures->requests > 0 ? figures->errors / figures->requests : 0;
}

static struct figures figures_of(yyjson_val *value, const char *errors)
{
    yyjson_val *p95 = yyjson_obj_get(yyjson_obj_get(value, "duration_ns"), "p95");
    return (struct figures){ yyjson_get_num(yyjson_obj_get(value, "requests")),
                             yyjson_get_num(yyjson_obj_get(value, errors)),
                             yyjson_is_num(p95) ? yyjson_get_num(p95) : NAN };
}

static void compare(struct collecting *collecting, const char *what, const struct figures *now,
                    const struct figures *before, const char *evidence, const char *path)
{
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    double more = rate(now) - rate(before);
    if (now->errors >= ERRORS_MIN && more >= ERROR_POINTS)
        report_finding(report, more >= ERROR_POINTS_CRITICAL ? MESSAGE_CRITICAL : MESSAGE_WARNING,
                       arena_printf(arena, "%s: %.1f%% of %.0f requests failed, %.1f%% of %.0f the time before", what,
                                    rate(now) * 100, now->requests, rate(before) * 100, before->requests),
                       evidence, path);
    if (now->requests >= REQUESTS_MIN && before->requests >= REQUESTS_MIN && now->p95 >= P95_TIMES * before->p95 &&
        now->p95 - before->p95 >= P95_MORE_NS)
        report_finding(report, MESSAGE_WARNING,
                       arena_printf(arena, "%s: p95 is %.0f ms, %.0f ms the time before", what, now->p95 / 1e6,
                                    before->p95 / 1e6),
                       evidence, path);
    bool is_silent = before->requests >= VOLUME_MIN && now->requests == 0;
    if (is_silent || (before->requests >= VOLUME_MIN && now->requests * VOLUME_TIMES <= before->requests) ||
        (now->requests >= VOLUME_MIN && before->requests > 0 && now->requests >= VOLUME_TIMES * before->requests))
        report_finding(report, is_silent ? MESSAGE_CRITICAL : MESSAGE_INFO,
                       arena_printf(arena, "%s: %.0f requests, %.0f the time before", what, now->requests,
                                    before->requests),
                       evidence, path);
}

static double value_at(yyjson_val *item, const char *name, uint32_t step)
{
    yyjson_val *value = yyjson_arr_get(yyjson_obj_get(yyjson_obj_get(item, "over_time"), name), step);
    return yyjson_is_num(value) ? yyjson_get_num(value) : NAN;
}

/* Requests and errors of all services of the scope; p95 of the busiest. */
static void charts_put(struct collecting *collecting, const struct evidence *evidence, yyjson_val *items,
                       yyjson_val *busiest)
{
    struct report *report = collecting->report;
    uint32_t steps =
        (uint32_t)yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(yyjson_arr_get_first(items), "over_time"), "requests"));
    int64_t step_us = yyjson_get_sint(yyjson_obj_get(evidence->root, "step_seconds")) * 1000000;
    double *fine = arena_calloc(report->arena, (steps + 1) * sizeof *fine);
    double *errors = arena_calloc(report->arena, (steps + 1) * sizeof *errors);
    double *p95 = arena_calloc(report->arena, (steps + 1) * sizeof *p95);
    size_t at, count;
    yyjson_val *item;
    if (steps == 0 || step_us <= 0) return;
    yyjson_arr_foreach(items, at, count, item)
    {
        if (!collect_has_service(collecting->agent, yyjson_get_str(yyjson_obj_get(item, "name")))) continue;
        for (uint32_t s = 0; s < steps; s++) {
            double requests = value_at(item, "requests", s), failed = value_at(item, "errors", s);
            if (!isfinite(requests) || !isfinite(failed)) continue;
            fine[s] += requests - failed;
            errors[s] += failed;
        }
    }
    struct report_chart chart = { .heading = "Requests",
                                  .unit = "",
                                  .is_bars = true,
                                  .from_unix_us = collecting->from_unix_us - collecting->from_unix_us % step_us,
                                  .step_us = step_us,
                                  .step_count = steps,
                                  .series_count = 2,
                                  .series = { { "fine", fine }, { "failed", errors } } };
    report_chart(report, evidence, &chart);
    if (busiest == NULL) return;
    for (uint32_t s = 0; s < steps; s++) p95[s] = value_at(busiest, "p95", s) / 1e6;
    chart.heading = arena_printf(report->arena, "p95 of %.80s", yyjson_get_str(yyjson_obj_get(busiest, "name")));
    chart.unit = "ms";
    chart.is_bars = false;
    chart.series_count = 1;
    chart.series[0] = (struct report_series){ "p95", p95 };
    report_chart(report, evidence, &chart);
}

static const char *service_path(struct arena *arena, const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", *at) == NULL) return "services";
    return name[0] == '\0' ? "services" : arena_printf(arena, "services/%s", name);
}

bool collect_services(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Service",       "Requests", "Before",    "Failed",
                                           "Failed before", "p95",      "p95 before" };
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *evidence;
    size_t at, count;
    double most = 0;
    yyjson_val *item, *busiest = NULL;
    if (!evidence_ask(collecting->evidences, "service_health", collect_arguments(collecting, ""), &evidence, err))
        return false;
    if (collect_failed(collecting, "Services", evidence)) return true;
    yyjson_val *items = yyjson_obj_get(evidence->root, "items");
    yyjson_mut_val *table = report_table(report, "Services", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(items, at, count, item)
    {
        const char *name = yyjson_get_str(yyjson_obj_get(item, "name"));
        struct figures now = figures_of(yyjson_obj_get(item, "now"), "request_errors"),
                       before = figures_of(yyjson_obj_get(item, "before"), "request_errors");
        if (name == NULL || !collect_has_service(collecting->agent, name)) continue;
        if (now.requests == 0 && before.requests == 0) continue;
        const char *path = service_path(arena, name);
        struct bytes cells[] = { bytes_of_text(name),
                                 collect_number(arena, now.requests),
                                 collect_number(arena, before.requests),
                                 collect_percent(arena, rate(&now)),
                                 collect_percent(arena, rate(&before)),
                                 collect_ms(arena, now.p95),
                                 collect_ms(arena, before.p95) };
        report_row(report, table, cells, path);
        compare(collecting, name, &now, &before, evidence->id, path);
        if (now.requests > most) {
            most = now.requests;
            busiest = item;
        }
    }
    charts_put(collecting, evidence, items, busiest);
    return true;
}

/* ---- endpoints ---- */

static yyjson_val *endpoint_find(yyjson_val *items, yyjson_val *id)
{
    size_t at, count;
    yyjson_val *item;
    yyjson_arr_foreach(items, at, count, item) if (yyjson_equals_strn(yyjson_obj_get(item, "id"), yyjson_get_str(id),
                                                                      yyjson_get_len(id))) return item;
    return NULL;
}

bool collect_endpoints(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Service", "Endpoint", "Requests", "Failed", "p95", "p95 before" };
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *now_got, *before_got;
    size_t at, count;
    yyjson_val *item;
    const char *before_arguments =
        arena_printf(arena, "{\"from\":\"%s\",\"to\":\"%s\",\"limit\":500}",
                     collect_time(arena, collecting->before_unix_us), collect_time(arena, collecting->from_unix_us));
    if (!evidence_ask(collecting->evidences, "endpoint_list", collect_arguments(collecting, ",\"limit\":500"), &now_got,
                      err) ||
        !evidence_ask(collecting->evidences, "endpoint_list", before_arguments, &before_got, err))
        return false;
    if (collect_failed(collecting, "Endpoints", now_got) || collect_failed(collecting, "Endpoints", before_got))
        return true;
    yyjson_mut_val *table = report_table(report, "Endpoints", now_got, COUNT_OF(columns), columns);
    yyjson_arr_foreach(yyjson_obj_get(now_got->root, "items"), at, count, item)
    {
        const char *service = yyjson_get_str(yyjson_obj_get(item, "service")),
                   *kind = yyjson_get_str(yyjson_obj_get(item, "kind"));
        yyjson_val *old = endpoint_find(yyjson_obj_get(before_got->root, "items"), yyjson_obj_get(item, "id"));
        struct figures now = figures_of(item, "errors"), before = figures_of(old, "errors");
        if (service == NULL || !collect_has_service(collecting->agent, service) || kind == NULL ||
            strcmp(kind, "client") == 0 || now.requests < REQUESTS_MIN)
            continue;
        const char *name = arena_printf(arena, "%s %s", yyjson_get_str(yyjson_obj_get(item, "method")),
                                        yyjson_get_str(yyjson_obj_get(item, "route")));
        struct bytes cells[] = { bytes_of_text(service),
                                 bytes_of_text(name),
                                 collect_number(arena, now.requests),
                                 collect_percent(arena, rate(&now)),
                                 collect_ms(arena, now.p95),
                                 collect_ms(arena, before.p95) };
        const char *path = service_path(arena, service);
        report_row(report, table, cells, path);
        if (old != NULL)
            compare(collecting, arena_printf(arena, "%s %s", service, name), &now, &before,
                    arena_printf(arena, "%s %s", now_got->id, before_got->id), path);
    }
    return true;
}
