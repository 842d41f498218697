/* POST /metrics/exemplars: values of which a trace is known, those that stand out in each step first. */
#include "base/rfc3339.h"
#include "web/api/handlers.h"
#include "web/api/metrics_ask.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS_MAX = 5000, FOUND_MAX = 20000, LABELS_AT = 2 };

struct exemplar {
    int64_t at_us;
    double value;
    struct bytes trace_id, span_id;
    struct bytes labels[METRICS_BY_MAX];
    uint32_t step, rank; /* within the step: 0 is the largest */
};
struct finding {
    struct metrics_ask *ask;
    struct exemplar *found;
    uint32_t count, rows;
    bool is_cut;
};

static struct bytes member(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : (struct bytes){ 0 };
}

static void exemplar_read(struct finding *finding, yyjson_val *object, int64_t point_us, const struct bytes *labels)
{
    struct metrics_ask *ask = finding->ask;
    struct exemplar exemplar = { .at_us = point_us };
    yyjson_val *value = yyjson_obj_get(object, "value");
    if (!rfc3339_read(member(object, "time"), &exemplar.at_us)) exemplar.at_us = point_us;
    struct bytes trace = member(object, "trace_id"), span = member(object, "span_id");
    if (!yyjson_is_num(value) || trace.len == 0 || exemplar.at_us < ask->from_us || exemplar.at_us >= ask->to_us)
        return;
    if (finding->count == FOUND_MAX) {
        finding->is_cut = true;
        return;
    }
    exemplar.value = yyjson_get_num(value);
    exemplar.trace_id = arena_copy(ask->call->arena, trace);
    exemplar.span_id = arena_copy(ask->call->arena, span);
    exemplar.step = (uint32_t)((exemplar.at_us - ask->from_us) / ask->step_us);
    memcpy(exemplar.labels, labels, sizeof exemplar.labels);
    finding->found[finding->count++] = exemplar;
}

static bool rows_put(void *ctx, const struct sql_run *run, const struct query_chunk *chunk)
{
    struct finding *finding = ctx;
    struct metrics_ask *ask = finding->ask;
    (void)run;
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++) {
        struct bytes labels[METRICS_BY_MAX] = { 0 };
        struct query_value list = query_chunk_value(chunk, 1, row);
        finding->rows++;
        yyjson_doc *doc = yyjson_read((const char *)list.bytes.ptr, list.bytes.len, 0);
        yyjson_val *one;
        size_t index, max;
        for (uint32_t b = 0; b < ask->by_count; b++) {
            struct query_value value = query_chunk_value(chunk, LABELS_AT + b, row);
            if (!value.is_null && value.bytes.len > 0) labels[b] = arena_copy(ask->call->arena, value.bytes);
        }
        yyjson_arr_foreach(yyjson_doc_get_root(doc), index, max, one)
        {
            exemplar_read(finding, one, query_chunk_value(chunk, 0, row).integer, labels);
        }
        yyjson_doc_free(doc);
    }
    return true;
}

/* By step, the largest first; the same one, sent with several points, side by side. */
static int step_order(const void *a, const void *b)
{
    const struct exemplar *left = a, *right = b;
    if (left->step != right->step) return left->step < right->step ? -1 : 1;
    if (left->value != right->value) return left->value < right->value ? 1 : -1;
    int order = bytes_compare(left->trace_id, right->trace_id);
    return order != 0 ? order : bytes_compare(left->span_id, right->span_id);
}

static int rank_order(const void *a, const void *b)
{
    const struct exemplar *left = a, *right = b;
    if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
    return (left->at_us > right->at_us) - (left->at_us < right->at_us);
}

static int time_order(const void *a, const void *b)
{
    const struct exemplar *left = a, *right = b;
    return (left->at_us > right->at_us) - (left->at_us < right->at_us);
}

/* Each once; those that stand out first, then as many as are wanted, in order of time. */
static uint32_t choose(struct finding *finding)
{
    struct exemplar *found = finding->found;
    uint32_t kept = 0;
    qsort(found, finding->count, sizeof *found, step_order);
    for (uint32_t i = 0; i < finding->count; i++) {
        bool is_same = kept > 0 && found[kept - 1].step == found[i].step && found[kept - 1].value == found[i].value &&
                       bytes_equal(found[kept - 1].trace_id, found[i].trace_id) &&
                       bytes_equal(found[kept - 1].span_id, found[i].span_id);
        if (is_same) continue;
        found[i].rank = kept > 0 && found[kept - 1].step == found[i].step ? found[kept - 1].rank + 1 : 0;
        found[kept++] = found[i];
    }
    finding->count = kept;
    qsort(found, kept, sizeof *found, rank_order);
    if (kept > finding->ask->limit) kept = finding->ask->limit;
    qsort(found, kept, sizeof *found, time_order);
    return kept;
}

static void answer(struct finding *finding)
{
    struct metrics_ask *ask = finding->ask;
    struct api_call *call = ask->call;
    yyjson_mut_doc *json = call->json;
    uint32_t count = choose(finding);
    yyjson_mut_val *object = yyjson_mut_obj(json), *items = yyjson_mut_arr(json);
    for (uint32_t i = 0; i < count; i++) {
        const struct exemplar *exemplar = &finding->found[i];
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(json, items);
        yyjson_mut_obj_add_real(json, item, "at_ms", (double)exemplar->at_us / 1000);
        yyjson_mut_obj_add_real(json, item, "value", exemplar->value);
        api_put_text(call, item, "trace_id", exemplar->trace_id);
        api_put_text(call, item, "span_id", exemplar->span_id);
        yyjson_mut_val *labels = yyjson_mut_obj_add_obj(json, item, "labels");
        for (uint32_t b = 0; b < ask->by_count; b++)
            api_put_text(call, labels,
                         arena_printf(call->arena, "%.*s", (int)ask->by[b].len, (const char *)ask->by[b].ptr),
                         exemplar->labels[b]);
    }
    if (finding->rows == ROWS_MAX || finding->is_cut)
        metrics_ask_note(ask, "there are more points with exemplars: the newest %d were looked through", ROWS_MAX);
    if (count < finding->count)
        metrics_ask_note(ask, "%u of %u exemplars are shown: of each step those with the largest values", count,
                         finding->count);
    ask->rows_read = finding->rows;
    metrics_ask_put(ask, object);
    yyjson_mut_obj_add_val(json, object, "items", items);
    api_answer(call, object);
}

void api_metric_exemplars(struct api_call *call)
{
    struct metrics_ask *ask = mem_calloc(1, sizeof *ask);
    struct finding finding = { .ask = ask, .found = mem_calloc(FOUND_MAX, sizeof *finding.found) };
    bool ok = metrics_ask_read(ask, call) && metrics_ask_survey(ask);
    if (ok && ask->rows > 0) {
        char *labels = arena_printf(call->arena, " ");
        for (uint32_t b = 0; b < ask->by_count; b++)
            labels = arena_printf(call->arena, "%s, %.*s", labels, (int)ask->by_sql[b].len,
                                  (const char *)ask->by_sql[b].ptr);
        char *sql = arena_printf(call->arena,
                                 "SELECT timestamp, exemplars%s FROM otel_metrics WHERE %.*s%s AND exemplars IS NOT "
                                 "NULL ORDER BY timestamp DESC LIMIT %d",
                                 labels, (int)ask->where.len, (const char *)ask->where.ptr,
                                 metrics_ask_times(ask, ask->from_us, ask->to_us), ROWS_MAX);
        ok = metrics_ask_run(ask, bytes_of_text(sql), rows_put, &finding);
    }
    if (ok) answer(&finding);
    free(finding.found);
    free(ask);
}
