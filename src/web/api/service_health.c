/* How services do, in one answer: figures of the range and of the one before it, and over time. */
#include <math.h>

#include "base/clock.h"
#include "web/api/handlers.h"
#include "web/api/rollups.h"

enum { SERVICES_MAX = 1000, STEPS = 40, STEPS_MAX = 120 };

struct health {
    struct rollup_range range, before;
    int64_t step_us;
    uint32_t steps;
    struct rollup_service *services, *services_before; /* by name */
    uint32_t count, count_before;
};

static void figures_put(struct api_call *call, yyjson_mut_val *object, const char *name,
                        const struct rollup_figures *figures)
{
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, name);
    yyjson_mut_obj_add_sint(call->json, put, "requests", figures->row_count);
    yyjson_mut_obj_add_sint(call->json, put, "request_errors", figures->error_count);
    rollups_put_durations(call, put, figures);
}

static void over_time_put(struct api_call *call, yyjson_mut_val *object, const struct health *health,
                          const struct rollup_service *now)
{
    static const struct rollup_figures none = { .p95_ns = NAN };
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, "over_time"),
                   *requests = yyjson_mut_obj_add_arr(call->json, put, "requests"),
                   *errors = yyjson_mut_obj_add_arr(call->json, put, "errors"),
                   *p95 = yyjson_mut_obj_add_arr(call->json, put, "p95");
    for (uint32_t s = 0; s < health->steps; s++) {
        const struct rollup_figures *figures = now != NULL ? &now->steps[s] : &none;
        yyjson_mut_arr_add_sint(call->json, requests, figures->row_count);
        yyjson_mut_arr_add_sint(call->json, errors, figures->error_count);
        if (isnan(figures->p95_ns))
            yyjson_mut_arr_add_null(call->json, p95);
        else
            yyjson_mut_arr_add_sint(call->json, p95, llround(figures->p95_ns));
    }
}

static void service_put(struct api_call *call, yyjson_mut_val *list, const struct health *health,
                        const struct rollup_service *service, const struct rollup_service *service_before)
{
    static const struct rollup_item none = { .figures = { .p50_ns = NAN, .p95_ns = NAN, .p99_ns = NAN } };
    const struct rollup_item *now = service != NULL ? &service->item : &none,
                             *before = service_before != NULL ? &service_before->item : &none,
                             *seen = service != NULL ? now : before;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    api_put_text(call, object, "name", seen->keys[0]);
    figures_put(call, object, "now", &now->figures);
    figures_put(call, object, "before", &before->figures);
    yyjson_mut_obj_add_sint(call->json, object, "spans", now->span_count);
    yyjson_mut_obj_add_sint(call->json, object, "span_errors", now->span_error_count);
    yyjson_mut_obj_add_sint(call->json, object, "logs", now->log_count);
    yyjson_mut_obj_add_sint(call->json, object, "log_errors", now->log_error_count);
    yyjson_mut_obj_add_sint(call->json, object, "metric_points", now->point_count);
    api_put_time(call, object, "first_seen", seen->first_unix_us);
    api_put_time(call, object, "last_seen", seen->last_unix_us);
    over_time_put(call, object, health, service);
}

static void health_answer(struct api_call *call, const struct health *health)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    uint32_t n = 0, b = 0, put = 0;
    rollups_put_end(call, answer, "from", health->range.from_unix_us);
    rollups_put_end(call, answer, "to", health->range.to_unix_us);
    rollups_put_end(call, answer, "before_from", health->before.from_unix_us);
    yyjson_mut_obj_add_sint(call->json, answer, "step_seconds", health->step_us / 1000000);
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    for (; put < SERVICES_MAX && (n < health->count || b < health->count_before); put++) {
        const struct rollup_service *now = n < health->count ? &health->services[n] : NULL,
                                    *before = b < health->count_before ? &health->services_before[b] : NULL;
        int order = now == NULL ? 1 : before == NULL ? -1 : bytes_compare(now->item.keys[0], before->item.keys[0]);
        service_put(call, list, health, order <= 0 ? now : NULL, order >= 0 ? before : NULL);
        n += order <= 0;
        b += order >= 0;
    }
    yyjson_mut_obj_add_bool(call->json, answer, "is_whole", n == health->count && b == health->count_before);
    yyjson_mut_obj_add_str(call->json, answer, "answered_from", "rollups");
    yyjson_mut_obj_add_val(call->json, answer, "items", list);
    api_answer(call, answer);
}

void api_service_health(struct api_call *call)
{
    struct health health = { 0 };
    struct err err = { 0 };
    int64_t now_us = clock_unix_us();
    if (!rollups_range(call, now_us, &health.range)) return;
    rollup_range_pair(&health.range, &health.before, now_us);
    if (!rollups_step(call, &health.range, STEPS, STEPS_MAX, &health.step_us)) return;
    health.steps = rollup_steps(&health.range, health.step_us);
    struct bytes service = api_query(call, "service");
    if (rollup_services_read(call->parts->db, &health.range, service, health.step_us, call->arena, &health.services,
                             &health.count, &err) &&
        rollup_services_read(call->parts->db, &health.before, service, 0, call->arena, &health.services_before,
                             &health.count_before, &err))
        health_answer(call, &health);
    else
        api_fail(call, &err);
}
