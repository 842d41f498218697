/* How services do, in one answer: figures of the range and of the one before it, and over time. */
#include <math.h>

#include "base/clock.h"
#include "web/api/handlers.h"
#include "web/api/rollups.h"

enum { SERVICES_MAX = 1000, STEPS = 40, STEPS_MAX = 120 };

struct health {
    struct rollup_range range, before;
    int64_t step_us, first_us; /* where the first step begins */
    uint32_t steps;
    struct rollup_item *items, *items_before;
    struct rollup_point *points;
    uint32_t count, count_before, point_count;
};

static bool services_read(struct api_call *call, const struct rollup_range *range, struct rollup_item **items,
                          uint32_t *count, struct err *err)
{
    struct rollup_page page = { .is_first = true, .limit = SERVICES_MAX + 1, .service = api_query(call, "service") };
    return rollup_list_read(call->parts->db, ROLLUP_SERVICES, range, &page, call->arena, items, count, err);
}

static bool points_read(struct api_call *call, struct health *health, struct err *err)
{
    struct rollup_filter filter = { .service = api_query(call, "service"),
                                    .kind = BYTES("request"),
                                    .by_service = true };
    return rollup_series_read(call->parts->db, &health->range, &filter, health->step_us,
                              (health->count + 1) * (health->steps + 1), call->arena, &health->points,
                              &health->point_count, err);
}

static void figures_put(struct api_call *call, yyjson_mut_val *object, const char *name,
                        const struct rollup_figures *figures)
{
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, name);
    yyjson_mut_obj_add_sint(call->json, put, "requests", figures->row_count);
    yyjson_mut_obj_add_sint(call->json, put, "request_errors", figures->error_count);
    rollups_put_durations(call, put, figures);
}

/* Points are by service and time, and begin at *at with those of this service. */
static void over_time_put(struct api_call *call, yyjson_mut_val *object, const struct health *health,
                          struct bytes service, uint32_t *at)
{
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, "over_time"),
                   *requests = yyjson_mut_obj_add_arr(call->json, put, "requests"),
                   *errors = yyjson_mut_obj_add_arr(call->json, put, "errors"),
                   *p95 = yyjson_mut_obj_add_arr(call->json, put, "p95");
    while (*at < health->point_count && bytes_compare(health->points[*at].service, service) < 0) (*at)++;
    for (uint32_t s = 0; s < health->steps; s++) {
        static const struct rollup_figures none = { .p95_ns = NAN };
        const struct rollup_figures *figures = &none;
        if (*at < health->point_count && bytes_equal(health->points[*at].service, service) &&
            health->points[*at].at_unix_us == health->first_us + s * health->step_us)
            figures = &health->points[(*at)++].figures;
        yyjson_mut_arr_add_sint(call->json, requests, figures->row_count);
        yyjson_mut_arr_add_sint(call->json, errors, figures->error_count);
        if (isnan(figures->p95_ns))
            yyjson_mut_arr_add_null(call->json, p95);
        else
            yyjson_mut_arr_add_sint(call->json, p95, llround(figures->p95_ns));
    }
}

static void service_put(struct api_call *call, yyjson_mut_val *list, const struct health *health,
                        const struct rollup_item *now, const struct rollup_item *before, uint32_t *at)
{
    static const struct rollup_figures none = { .p50_ns = NAN, .p95_ns = NAN, .p99_ns = NAN };
    const struct rollup_item *seen = now != NULL ? now : before;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    api_put_text(call, object, "name", seen->keys[0]);
    figures_put(call, object, "now", now != NULL ? &now->figures : &none);
    figures_put(call, object, "before", before != NULL ? &before->figures : &none);
    yyjson_mut_obj_add_sint(call->json, object, "spans", now != NULL ? now->span_count : 0);
    yyjson_mut_obj_add_sint(call->json, object, "span_errors", now != NULL ? now->span_error_count : 0);
    yyjson_mut_obj_add_sint(call->json, object, "logs", now != NULL ? now->log_count : 0);
    yyjson_mut_obj_add_sint(call->json, object, "log_errors", now != NULL ? now->log_error_count : 0);
    yyjson_mut_obj_add_sint(call->json, object, "metric_points", now != NULL ? now->point_count : 0);
    api_put_time(call, object, "first_seen", seen->first_unix_us);
    api_put_time(call, object, "last_seen", seen->last_unix_us);
    over_time_put(call, object, health, seen->keys[0], at);
}

static void health_answer(struct api_call *call, const struct health *health)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    uint32_t n = 0, b = 0, at = 0, put = 0;
    api_put_time(call, answer, "from", health->range.from_unix_us);
    api_put_time(call, answer, "to", health->range.to_unix_us);
    api_put_time(call, answer, "before_from", health->before.from_unix_us);
    yyjson_mut_obj_add_sint(call->json, answer, "step_seconds", health->step_us / 1000000);
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    for (; put < SERVICES_MAX && (n < health->count || b < health->count_before); put++) {
        const struct rollup_item *now = n < health->count ? &health->items[n] : NULL,
                                 *before = b < health->count_before ? &health->items_before[b] : NULL;
        int order = now == NULL ? 1 : before == NULL ? -1 : bytes_compare(now->keys[0], before->keys[0]);
        service_put(call, list, health, order <= 0 ? now : NULL, order >= 0 ? before : NULL, &at);
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
    health.first_us = health.range.from_unix_us - health.range.from_unix_us % health.step_us;
    health.steps = (uint32_t)((health.range.to_unix_us - health.first_us + health.step_us - 1) / health.step_us);
    if (services_read(call, &health.range, &health.items, &health.count, &err) &&
        services_read(call, &health.before, &health.items_before, &health.count_before, &err) &&
        points_read(call, &health, &err))
        health_answer(call, &health);
    else
        api_fail(call, &err);
}
