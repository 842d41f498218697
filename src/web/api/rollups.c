/* What roll-ups tell of a project: services, endpoints, edges of the service map, attributes, metric names, counts over time. */
#include "meta/rollup_read.h"

#include <math.h>

#include "base/clock.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/rollups.h"

enum { VALUES = 10, POINTS_MAX = 2000, STEPS = 60 };

bool rollups_range(struct api_call *call, int64_t now_us, struct rollup_range *range)
{
    *range = (struct rollup_range){ .project_id = call->project.id };
    return api_query_range(call, now_us, ROLLUP_HOUR_US, &range->from_unix_us, &range->to_unix_us);
}

bool rollups_step(struct api_call *call, const struct rollup_range *range, uint32_t steps, uint32_t steps_max,
                  int64_t *step_us)
{
    int64_t length_us = range->to_unix_us - range->from_unix_us, grain_us = rollup_grain_us(range->grain);
    *step_us = api_query_int(call, "step", 0) * 1000000;
    if (*step_us == 0) *step_us = length_us / steps;
    *step_us = (*step_us + grain_us - 1) / grain_us * grain_us;
    if (length_us / *step_us < steps_max) return true;
    api_fail_at(call, "?step", "more than %u steps: choose longer ones, or a shorter range", steps_max);
    return false;
}

/* from and to, fitted; the last hour. False: the client was told. */
static bool range_read(struct api_call *call, struct rollup_range *range)
{
    int64_t now_us = clock_unix_us();
    if (!rollups_range(call, now_us, range)) return false;
    rollup_range_fit(range, now_us);
    return true;
}

void rollups_put_end(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t unix_us)
{
    if (unix_us == 0)
        yyjson_mut_obj_add_str(call->json, object, name, "1970-01-01T00:00:00.000000Z");
    else
        api_put_time(call, object, name, unix_us);
}

void rollups_put_durations(struct api_call *call, yyjson_mut_val *object, const struct rollup_figures *figures)
{
    if (figures->duration_count == 0 || isnan(figures->p50_ns)) {
        yyjson_mut_obj_add_null(call->json, object, "duration_ns");
        return;
    }
    yyjson_mut_val *durations = yyjson_mut_obj_add_obj(call->json, object, "duration_ns");
    yyjson_mut_obj_add_sint(call->json, durations, "mean",
                            llround(figures->duration_sum_ns / (double)figures->duration_count));
    yyjson_mut_obj_add_sint(call->json, durations, "max", figures->duration_max_ns);
    yyjson_mut_obj_add_sint(call->json, durations, "p50", llround(figures->p50_ns));
    yyjson_mut_obj_add_sint(call->json, durations, "p95", llround(figures->p95_ns));
    yyjson_mut_obj_add_sint(call->json, durations, "p99", llround(figures->p99_ns));
}

static void put_seen(struct api_call *call, yyjson_mut_val *object, int64_t first_us, int64_t last_us)
{
    api_put_time(call, object, "first_seen", first_us);
    api_put_time(call, object, "last_seen", last_us);
}

static yyjson_mut_val *service_json(struct api_call *call, const struct rollup_item *item)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "name", item->keys[0]);
    yyjson_mut_obj_add_sint(call->json, object, "spans", item->span_count);
    yyjson_mut_obj_add_sint(call->json, object, "span_errors", item->span_error_count);
    yyjson_mut_obj_add_sint(call->json, object, "logs", item->log_count);
    yyjson_mut_obj_add_sint(call->json, object, "log_errors", item->log_error_count);
    yyjson_mut_obj_add_sint(call->json, object, "metric_points", item->point_count);
    yyjson_mut_obj_add_sint(call->json, object, "requests", item->figures.row_count);
    yyjson_mut_obj_add_sint(call->json, object, "request_errors", item->figures.error_count);
    rollups_put_durations(call, object, &item->figures);
    put_seen(call, object, item->first_unix_us, item->last_unix_us);
    return object;
}

static yyjson_mut_val *endpoint_json(struct api_call *call, const struct rollup_item *item)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "id", item->keys[2]);
    api_put_text(call, object, "service", item->keys[0]);
    api_put_text(call, object, "kind", item->kind);
    api_put_text(call, object, "method", item->method);
    api_put_text(call, object, "route", item->keys[1]);
    yyjson_mut_obj_add_sint(call->json, object, "requests", item->figures.row_count);
    yyjson_mut_obj_add_sint(call->json, object, "errors", item->figures.error_count);
    rollups_put_durations(call, object, &item->figures);
    put_seen(call, object, item->first_unix_us, item->last_unix_us);
    return object;
}

static yyjson_mut_val *edge_json(struct api_call *call, const struct rollup_item *item)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "source", item->keys[0]);
    api_put_text(call, object, "source_kind", item->source_kind);
    api_put_text(call, object, "target", item->keys[1]);
    api_put_text(call, object, "target_kind", item->target_kind);
    yyjson_mut_obj_add_sint(call->json, object, "calls", item->figures.row_count);
    yyjson_mut_obj_add_sint(call->json, object, "errors", item->figures.error_count);
    rollups_put_durations(call, object, &item->figures);
    put_seen(call, object, item->first_unix_us, item->last_unix_us);
    return object;
}

/* One more than the page has: it tells that there is a next one. */
static struct rollup_page page_of(const struct api_call *call, const struct api_page *page)
{
    struct rollup_page asked = { .is_first = page->is_first,
                                 .limit = page->limit + 1,
                                 .service = api_query(call, "service") };
    for (uint32_t k = 0; k < page->keys; k++) asked.after[k] = page->after[k];
    return asked;
}

static void list_answer(struct api_call *call, enum rollup_list list, uint32_t keys,
                        yyjson_mut_val *(*json)(struct api_call *call, const struct rollup_item *item))
{
    struct api_page page;
    struct rollup_range range;
    struct rollup_item *items;
    uint32_t count;
    struct err err = { 0 };
    if (!range_read(call, &range) || !api_page_read(call, keys, &page)) return;
    struct rollup_page asked = page_of(call, &page);
    if (!rollup_list_read(call->parts->db, list, &range, &asked, call->arena, &items, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!api_page_add(&page, json(call, &items[i]), items[i].keys)) break;
    api_page_answer(call, &page);
}

void api_service_list(struct api_call *call)
{
    list_answer(call, ROLLUP_SERVICES, 1, service_json);
}

void api_endpoint_list(struct api_call *call)
{
    list_answer(call, ROLLUP_ENDPOINTS, 3, endpoint_json);
}

void api_edge_list(struct api_call *call)
{
    list_answer(call, ROLLUP_EDGES, 3, edge_json);
}

static yyjson_mut_val *attribute_json(struct api_call *call, const struct rollup_attribute_item *item)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "place", item->place);
    api_put_text(call, object, "key", item->key);
    api_put_text(call, object, "type", item->type);
    yyjson_mut_obj_add_sint(call->json, object, "rows", item->row_count);
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(call->json, object, "values");
    for (uint32_t v = 0; v < item->value_count; v++) {
        yyjson_mut_val *value = yyjson_mut_arr_add_obj(call->json, values);
        api_put_text(call, value, "value", item->values[v].value);
        yyjson_mut_obj_add_sint(call->json, value, "rows", item->values[v].row_count);
    }
    api_put_time(call, object, "last_seen", item->last_unix_us);
    return object;
}

void api_attribute_list(struct api_call *call)
{
    struct api_page page;
    struct rollup_range range;
    struct rollup_attribute_item *items;
    uint32_t count, values = (uint32_t)api_query_int(call, "values", VALUES);
    struct err err = { 0 };
    if (!range_read(call, &range) || !api_page_read(call, 2, &page)) return;
    struct rollup_page asked = page_of(call, &page);
    if (!rollup_attributes_read(call->parts->db, &range, api_query(call, "place"), &asked, values, call->arena, &items,
                                &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes keys[] = { items[i].place, items[i].key };
        if (!api_page_add(&page, attribute_json(call, &items[i]), keys)) break;
    }
    api_page_answer(call, &page);
}

static yyjson_mut_val *metric_json(struct api_call *call, const struct rollup_metric_item *item)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "name", item->name);
    api_put_text(call, object, "type", item->type);
    api_put_text(call, object, "unit", item->unit);
    api_put_text(call, object, "description", item->description);
    api_put_text(call, object, "temporality", item->temporality);
    yyjson_mut_obj_add_bool(call->json, object, "is_monotonic", item->is_monotonic);
    yyjson_mut_obj_add_sint(call->json, object, "points", item->row_count);
    yyjson_mut_val *services = yyjson_mut_obj_add_arr(call->json, object, "services");
    for (uint32_t s = 0; s < item->service_count; s++) {
        struct bytes name = item->services[s];
        yyjson_mut_arr_add_strncpy(call->json, services, (const char *)name.ptr, name.len);
    }
    put_seen(call, object, item->first_unix_us, item->last_unix_us);
    return object;
}

void api_metric_list(struct api_call *call)
{
    struct api_page page;
    struct rollup_range range;
    struct rollup_metric_item *items;
    uint32_t count;
    struct err err = { 0 };
    if (!range_read(call, &range) || !api_page_read(call, 1, &page)) return;
    struct rollup_page asked = page_of(call, &page);
    if (!rollup_metrics_read(call->parts->db, &range, &asked, call->arena, &items, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!api_page_add(&page, metric_json(call, &items[i]), &items[i].name)) break;
    api_page_answer(call, &page);
}

static void counts_answer(struct api_call *call, const struct rollup_range *range, int64_t step_us,
                          const struct rollup_point *points, uint32_t count)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    rollups_put_end(call, answer, "from", range->from_unix_us);
    rollups_put_end(call, answer, "to", range->to_unix_us);
    yyjson_mut_obj_add_sint(call->json, answer, "step_seconds", step_us / 1000000);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, "points");
    for (uint32_t p = 0; p < count; p++) {
        yyjson_mut_val *point = yyjson_mut_arr_add_obj(call->json, list);
        api_put_time(call, point, "at", points[p].at_unix_us);
        yyjson_mut_obj_add_sint(call->json, point, "rows", points[p].figures.row_count);
        yyjson_mut_obj_add_sint(call->json, point, "errors", points[p].figures.error_count);
        rollups_put_durations(call, point, &points[p].figures);
    }
    api_answer(call, answer);
}

void api_counts_get(struct api_call *call)
{
    struct rollup_range range;
    struct rollup_point *points;
    uint32_t count;
    int64_t step_us;
    struct err err = { 0 };
    struct rollup_filter filter = { .service = api_query(call, "service"),
                                    .kind = api_query(call, "kind"),
                                    .endpoint = api_query(call, "endpoint") };
    if (!range_read(call, &range)) return;
    if (!rollups_step(call, &range, STEPS, POINTS_MAX, &step_us)) return;
    if (!rollup_series_read(call->parts->db, &range, &filter, step_us, POINTS_MAX + 1, call->arena, &points, &count,
                            &err)) {
        api_fail(call, &err);
        return;
    }
    counts_answer(call, &range, step_us, points, count);
}
