/* POST /metrics/heatmap: how many values lay in each bucket in each step, of all series that fit. */
#include "web/api/handlers.h"
#include "web/api/metrics_ask.h"
#include <math.h>
#include <stdlib.h>

enum { LINES_MAX = 60 };

static void edges_put(struct metrics_ask *ask, yyjson_mut_val *answer, const struct metrics_heat *heat)
{
    yyjson_mut_doc *json = ask->call->json;
    yyjson_mut_val *edges = yyjson_mut_obj_add_arr(json, answer, "edges");
    for (uint32_t e = 0; heat->line_count > 0 && e <= heat->line_count; e++) {
        if (isfinite(heat->edges[e])) {
            yyjson_mut_arr_add_real(json, edges, heat->edges[e]);
        } else {
            yyjson_mut_arr_add_null(json, edges);
        }
    }
}

static void answer(struct metrics_ask *ask, struct metrics *metrics)
{
    struct metrics_heat heat = { 0 };
    yyjson_mut_doc *json = ask->call->json;
    yyjson_mut_val *object = yyjson_mut_obj(json), *columns = yyjson_mut_arr(json);
    if (ask->group_count > 0) metrics_heat_make(metrics, 0, ask->steps, LINES_MAX, &heat);
    for (uint32_t s = 0; s < ask->steps; s++) {
        int64_t at_us = ask->from_us + (int64_t)s * ask->step_us;
        yyjson_mut_val *column = yyjson_mut_arr_add_arr(json, columns);
        yyjson_mut_arr_add_sint(json, column, at_us / 1000);
        bool has_any = ask->group_count > 0 && at_us >= ask->read_from_us && isfinite(metrics_value(metrics, 0, s));
        if (!has_any) {
            yyjson_mut_arr_add_null(json, column);
            continue;
        }
        yyjson_mut_val *counts = yyjson_mut_arr_add_arr(json, column);
        for (uint32_t line = 0; line < heat.line_count; line++)
            yyjson_mut_arr_add_real(json, counts, heat.counts[(size_t)s * heat.line_count + line]);
    }
    metrics_ask_told(ask, metrics_told(metrics));
    metrics_ask_put(ask, object);
    edges_put(ask, object, &heat);
    yyjson_mut_obj_add_val(json, object, "columns", columns);
    api_answer(ask->call, object);
    metrics_heat_deinit(&heat);
}

void api_metric_heatmap(struct api_call *call)
{
    struct metrics_ask *ask = mem_calloc(1, sizeof *ask);
    struct metrics *metrics = NULL;
    bool ok = metrics_ask_read(ask, call) && metrics_ask_survey(ask);
    ask->by_count = 0;
    ask->aggregate = METRICS_COUNT;
    if (ok && ask->rows > 0 && ask->kind != METRICS_HISTOGRAM && ask->kind != METRICS_EXPONENTIAL) {
        api_fail_at(call, "/name", "only histograms have buckets: this metric is of the type %.*s", (int)ask->type.len,
                    (const char *)ask->type.ptr);
        ok = false;
    }
    if (ok && metrics_ask_points(ask, &metrics)) answer(ask, metrics);
    metrics_destroy(metrics);
    free(ask);
}
