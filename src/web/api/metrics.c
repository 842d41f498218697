/* POST /metrics/query: a metric's numbers over time. */
#include "metrics/metrics.h"
#include "web/api/handlers.h"
#include "web/api/metrics_ask.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { POINTS_MAX = 100000 /* of an answer */ };

struct ranked {
    uint32_t group;
    double weight;
};

/* The groups whose numbers are the largest first. */
static int ranked_order(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->weight != right->weight) return left->weight < right->weight ? 1 : -1;
    return (left->group > right->group) - (left->group < right->group);
}

static bool is_before_read(const struct metrics_ask *ask, uint32_t step)
{
    return ask->from_us + (int64_t)step * ask->step_us < ask->read_from_us;
}

static struct ranked *groups_rank(struct metrics_ask *ask, struct metrics *metrics)
{
    struct ranked *ranked = arena_alloc(ask->call->arena, (ask->group_count + 1) * sizeof *ranked);
    for (uint32_t g = 0; g < ask->group_count; g++) {
        double sum = 0;
        uint32_t count = 0;
        for (uint32_t s = 0; s < ask->steps; s++) {
            double value = is_before_read(ask, s) ? NAN : metrics_value(metrics, g, s);
            if (isfinite(value)) sum += fabs(value), count++;
        }
        ranked[g] = (struct ranked){ g, count > 0 ? sum / count : -1 };
    }
    qsort(ranked, ask->group_count, sizeof *ranked, ranked_order);
    return ranked;
}

static void series_put(struct metrics_ask *ask, struct metrics *metrics, uint32_t group, double quantile,
                       yyjson_mut_val *list)
{
    struct api_call *call = ask->call;
    yyjson_mut_doc *json = call->json;
    yyjson_mut_val *series = yyjson_mut_arr_add_obj(json, list);
    yyjson_mut_val *labels = yyjson_mut_obj_add_obj(json, series, "labels");
    for (uint32_t b = 0; b < ask->by_count; b++) {
        char *name = arena_printf(call->arena, "%.*s", (int)ask->by[b].len, (const char *)ask->by[b].ptr);
        struct bytes value = ask->groups[group].values[b];
        if (value.ptr == NULL) {
            yyjson_mut_obj_add_null(json, labels, name);
        } else {
            api_put_text(call, labels, name, value);
        }
    }
    if (ask->aggregate == METRICS_QUANTILE) yyjson_mut_obj_add_real(json, series, "quantile", quantile);
    yyjson_mut_val *points = yyjson_mut_obj_add_arr(json, series, "points");
    for (uint32_t s = 0; s < ask->steps; s++) {
        double value = is_before_read(ask, s) ? NAN : metrics_value_at(metrics, group, s, quantile);
        yyjson_mut_val *point = yyjson_mut_arr_add_arr(json, points);
        yyjson_mut_arr_add_sint(json, point, (ask->from_us + (int64_t)s * ask->step_us) / 1000);
        if (isfinite(value)) {
            yyjson_mut_arr_add_real(json, point, value);
        } else {
            yyjson_mut_arr_add_null(json, point);
        }
    }
    uint32_t reset_count;
    const int64_t *resets = metrics_resets(metrics, group, &reset_count);
    yyjson_mut_val *times = yyjson_mut_obj_add_arr(json, series, "resets");
    for (uint32_t r = 0; r < reset_count && r < METRICS_RESETS_MAX; r++)
        yyjson_mut_arr_add_sint(json, times, resets[r] / 1000);
    yyjson_mut_obj_add_uint(json, series, "reset_count", reset_count);
}

static void answer(struct metrics_ask *ask, struct metrics *metrics)
{
    static const char *const names[] = { "rate", "increase", "sum", "avg", "min", "max", "last", "count", "quantile" };
    yyjson_mut_doc *json = ask->call->json;
    yyjson_mut_val *object = yyjson_mut_obj(json), *list = yyjson_mut_arr(json);
    struct ranked *ranked = groups_rank(ask, metrics);
    uint32_t count = ask->group_count < ask->limit ? ask->group_count : ask->limit;
    uint32_t quantile_count = ask->aggregate == METRICS_QUANTILE ? ask->quantile_count : 1;
    if (count > POINTS_MAX / ask->steps / quantile_count) count = POINTS_MAX / ask->steps / quantile_count;
    for (uint32_t q = 0; q < quantile_count; q++)
        for (uint32_t g = 0; g < count; g++) series_put(ask, metrics, ranked[g].group, ask->quantiles[q], list);
    if (count < ask->group_count)
        metrics_ask_note(ask, "%u of %u groups are shown, those with the largest numbers", count, ask->group_count);
    metrics_ask_told(ask, metrics_told(metrics));
    metrics_ask_put(ask, object);
    if (ask->rows > 0) yyjson_mut_obj_add_str(json, object, "aggregate", names[ask->aggregate]);
    if (ask->aggregate == METRICS_QUANTILE) yyjson_mut_obj_add_real(json, object, "quantile", ask->quantile);
    yyjson_mut_obj_add_uint(json, object, "groups", ask->group_count);
    yyjson_mut_obj_add_val(json, object, "series", list);
    api_put_text(ask->call, object, "sql", metrics_ask_sql(ask));
    yyjson_mut_obj_add_str(json, object, "answered_from", "raw");
    api_answer(ask->call, object);
}

void api_metric_query(struct api_call *call)
{
    struct metrics_ask *ask = mem_calloc(1, sizeof *ask);
    struct metrics *metrics = NULL;
    if (metrics_ask_read(ask, call) && metrics_ask_survey(ask) && (ask->rows == 0 || metrics_ask_aggregate(ask)) &&
        metrics_ask_points(ask, &metrics))
        answer(ask, metrics);
    metrics_destroy(metrics);
    free(ask);
}
