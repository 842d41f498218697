/* Which failed spans say nothing of their own: those that failed because a span below them did, of the same service and in the
 * same request. One fault would else be as many errors as spans stand above it. */
#include "worker/rows/rows_inside.h"

/* Of spans by trace and span id; slots hold an index and one more, 0: free. */
struct rows_failed {
    uint32_t *slots;
    uint32_t mask;
    uint8_t *is_told; /* of each span: one below it failed */
};

static bool span_is(const struct otlp_span *span, struct bytes trace_id, struct bytes span_id)
{
    return bytes_equal(span->span_id, span_id) && bytes_equal(span->trace_id, trace_id);
}

/* Where it is, or the free slot where it would be. */
static uint32_t *slot_of(const struct rows_failed *failed, const struct otlp_request *request, struct bytes trace_id,
                         struct bytes span_id)
{
    for (uint32_t at = (uint32_t)hash64_key(span_id, (uintptr_t)failed) & failed->mask;; at = (at + 1) & failed->mask) {
        uint32_t index = failed->slots[at];
        if (index == 0 || span_is(&request->spans.at[index - 1], trace_id, span_id)) return &failed->slots[at];
    }
}

static bool is_exception(const struct otlp_request *request, struct otlp_range attributes)
{
    for (uint32_t i = 0; i < attributes.count; i++) {
        struct bytes key = request->attributes.at[attributes.first + i].key;
        if (bytes_equal(key, BYTES("exception.type")) || bytes_equal(key, BYTES("exception.message")) ||
            bytes_equal(key, BYTES("exception.stacktrace")))
            return true;
    }
    return false;
}

static bool has_failed(const struct otlp_request *request, const struct otlp_span *span)
{
    if (span->status_code == 2 || is_exception(request, span->attributes)) return true;
    for (uint32_t i = 0; i < span->events.count; i++)
        if (is_exception(request, request->events.at[span->events.first + i].attributes)) return true;
    return false;
}

static struct bytes service_of(struct rows *rows, const struct otlp_span *span)
{
    return rows_resource(rows, rows->request->scopes.at[span->scope].resource)->service_name;
}

/* All above it know: up to another service's, one that is not in the request, or one that knows already. Who calls itself, as
 * no span should, does not tell itself. */
static void above_tell(struct rows *rows, struct rows_failed *failed, const struct otlp_span *span)
{
    const struct otlp_span *first = span;
    struct bytes service = service_of(rows, span);
    while (span->parent_span_id.len > 0) {
        uint32_t index = *slot_of(failed, rows->request, span->trace_id, span->parent_span_id);
        if (index == 0 || failed->is_told[index - 1]) return;
        span = &rows->request->spans.at[index - 1];
        if (span == first || !bytes_equal(service_of(rows, span), service)) return;
        failed->is_told[index - 1] = true;
    }
}

static struct rows_failed *failed_find(struct rows *rows)
{
    const struct otlp_request *request = rows->request;
    struct rows_failed *failed = arena_calloc(&rows->arena, sizeof *failed);
    uint32_t cap = 16;
    while (cap < 2 * request->spans.count) cap *= 2;
    failed->mask = cap - 1;
    failed->slots = arena_calloc(&rows->arena, cap * sizeof *failed->slots);
    failed->is_told = arena_calloc(&rows->arena, request->spans.count);
    for (uint32_t i = 0; i < request->spans.count; i++) {
        const struct otlp_span *span = &request->spans.at[i];
        uint32_t *slot = slot_of(failed, request, span->trace_id, span->span_id);
        if (*slot == 0) *slot = i + 1;
    }
    for (uint32_t i = 0; i < request->spans.count; i++)
        if (!failed->is_told[i] && has_failed(request, &request->spans.at[i]))
            above_tell(rows, failed, &request->spans.at[i]);
    return failed;
}

bool rows_failure_is_told(struct rows *rows, const struct otlp_span *span)
{
    if (rows->request->spans.count == 1) return false;
    if (rows->failed == NULL) rows->failed = failed_find(rows);
    return rows->failed->is_told[span - rows->request->spans.at];
}
