/* Any bytes as each of the three signals: no read past the end, sums that hold, and a walk over all that was decoded. */
#include "worker/otlp/otlp_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(struct otlp_range range, uint32_t count)
{
    if (range.first > count || range.count > count - range.first) abort();
}

static void check_ids(const struct otlp_request *request)
{
    for (uint32_t i = 0; i < request->spans.count; i++) {
        const struct otlp_span *span = &request->spans.at[i];
        if (span->trace_id.len != 16 || span->span_id.len != 8) abort();
        check_range(span->attributes, request->attributes.count);
        check_range(span->events, request->events.count);
        check_range(span->links, request->links.count);
    }
    for (uint32_t i = 0; i < request->points.count; i++) {
        const struct otlp_point *point = &request->points.at[i];
        if (point->metric >= request->metrics.count) abort();
        check_range(point->attributes, request->attributes.count);
        check_range(point->exemplars, request->exemplars.count);
        check_range(point->bucket_counts, request->counts.count);
        check_range(point->negative_counts, request->counts.count);
        check_range(point->bounds, request->numbers.count);
        check_range(point->quantiles, request->numbers.count);
    }
}

/* Without its keys a request means the same. */
static void check_hidden(const struct otlp_request *seen, const uint8_t *data, size_t size,
                         const struct otlp_limits *limits)
{
    struct otlp_request request;
    struct err err = { 0 };
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) abort();
    if (size > 0) memcpy(copy, data, size);
    otlp_hide_project_keys(copy, size);
    otlp_request_init(&request);
    if (!otlp_decode(&request, seen->signal, bytes_from(copy, size), seen->received_unix_us, limits, &err) ||
        otlp_record_count(&request) < otlp_record_count(seen) || request.attributes.count < seen->attributes.count)
        abort();
    otlp_request_deinit(&request);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_limits limits = otlp_limits_default;
    struct buf text;
    buf_init(&text, (size_t)1 << 30);
    limits.attributes_max = 200; /* so that limits are met with small inputs */
    limits.days_max = 3;
    for (int signal = OTLP_LOGS; signal <= OTLP_METRICS; signal++) {
        struct otlp_request request;
        struct err err = { 0 };
        otlp_request_init(&request);
        text.len = 0;
        if (otlp_decode(&request, (enum otlp_signal)signal, bytes_from(data, size), INT64_C(1763800000000000), &limits,
                        &err)) {
            check_ids(&request);
            dump_request(&text, &request);
            if (request.may_have_keys) check_hidden(&request, data, size, &limits);
            if ((request.rejected_count == 0) != (request.rejected_reason[0] == '\0')) abort();
        } else if (err.code == ERR_OK || err.text[0] == '\0') {
            abort();
        }
        if (otlp_request_bytes(&request) > size * 512 + 1048576) abort();
        otlp_request_deinit(&request);
    }
    buf_deinit(&text);
    return 0;
}
