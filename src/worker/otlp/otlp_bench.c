/* otlp_bench.c -- decoding in ns a span: 0.9 KB spans of 20 attributes, 500 to a request, requests all different; the same
 * spans as OTLP/JSON, compact as JSON.stringify writes them and with blanks as Python's json.dumps does. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "worker/otlp/otlp.h"
#include "worker/otlp/otlp_encode.h"
#include "worker/otlp/otlp_json.h"

enum { REQUESTS = 64, SPANS = 500, ROUNDS = 40 };

static struct buf requests[REQUESTS], texts[REQUESTS];

/* What stands behind ',' and ':'. */
static void put_json(struct buf *out, const char *blank, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void put_json(struct buf *out, const char *blank, const char *fmt, ...)
{
    char text[1000];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) abort();
    for (int i = 0; i < len; i++) {
        put_raw(out, text + i, 1);
        if (text[i] == ',' || (text[i] == ':' && i > 0 && text[i - 1] == '"')) put_raw(out, blank, strlen(blank));
    }
}

static const char *hex_of(struct bytes id, char text[33])
{
    for (size_t i = 0; i < id.len; i++) snprintf(text + 2 * i, 3, "%02x", id.ptr[i]);
    return text;
}

static void put_json_attribute(struct buf *out, const char *blank, const struct otlp_attribute *attribute,
                               bool is_first)
{
    const struct otlp_value *value = &attribute->value;
    put_json(out, blank, "%s{\"key\":\"%.*s\",\"value\":{", is_first ? "" : ",", (int)attribute->key.len,
             (const char *)attribute->key.ptr);
    switch (value->type) {
    case OTLP_TEXT:
        put_json(out, blank, "\"stringValue\":\"");
        put_raw(out, value->bytes.ptr, value->bytes.len);
        put_raw(out, "\"}}", 3);
        break;
    case OTLP_INT: put_json(out, blank, "\"intValue\":\"%" PRId64 "\"}}", value->integer); break;
    case OTLP_DOUBLE: put_json(out, blank, "\"doubleValue\":%.15g}}", value->number); break;
    default: put_json(out, blank, "\"boolValue\":%s}}", value->boolean ? "true" : "false"); break;
    }
}

static struct buf json_of(const struct otlp_request *request, const char *blank)
{
    struct buf out = message();
    char ids[3][33] = { "", "", "" };
    put_json(&out, blank, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    put_json_attribute(&out, blank, &request->attributes.at[request->resources.at[0].attributes.first], true);
    put_json(&out, blank, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1.0\"},\"spans\":[");
    for (uint32_t i = 0; i < request->spans.count; i++) {
        const struct otlp_span *span = &request->spans.at[i];
        put_json(&out, blank,
                 "%s{\"traceId\":\"%s\",\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"name\":\"%.*s\",\"kind\":%u,"
                 "\"startTimeUnixNano\":\"%" PRIu64 "\",\"endTimeUnixNano\":\"%" PRIu64 "\",\"attributes\":[",
                 i == 0 ? "" : ",", hex_of(span->trace_id, ids[0]), hex_of(span->span_id, ids[1]),
                 hex_of(span->parent_span_id, ids[2]), (int)span->name.len, (const char *)span->name.ptr, span->kind,
                 span->start_unix_ns, span->end_unix_ns);
        for (uint32_t a = 0; a < span->attributes.count; a++) {
            put_json_attribute(&out, blank, &request->attributes.at[span->attributes.first + a], a == 0);
        }
        put_json(&out, blank, "],\"status\":{\"code\":%u},\"flags\":%u}", span->status_code, span->flags);
    }
    put_json(&out, blank, "]}]}]}");
    return out;
}

static void decode(struct otlp_request *request, struct bytes body)
{
    struct err err;
    if (otlp_decode(request, OTLP_TRACES, body, ENCODE_NOW_US, &otlp_limits_default, &err) &&
        request->spans.count == SPANS && request->attributes.count == 20 * SPANS + 1)
        return;
    fprintf(stderr, "otlp_bench: the request was not decoded\n");
    exit(1);
}

/* Of the best round, for what it takes to make protobuf of all texts. */
static double transcode_ns_per_span(void)
{
    uint64_t best_ns = UINT64_MAX;
    struct buf out;
    struct err err;
    buf_init(&out, ENCODE_BYTES_MAX + OTLP_JSON_SPARE_BYTES);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start_ns = clock_mono_ns();
        for (int i = 0; i < REQUESTS; i++) {
            if (!otlp_json_to_protobuf(OTLP_TRACES, buf_bytes(&texts[i]), ENCODE_BYTES_MAX, &out, &err)) {
                fprintf(stderr, "otlp_bench: %s\n", err.text);
                exit(1);
            }
        }
        uint64_t ns = clock_mono_ns() - start_ns;
        if (ns < best_ns) best_ns = ns;
    }
    buf_deinit(&out);
    return (double)best_ns / ((double)REQUESTS * SPANS);
}

static void json_bench(struct otlp_request *request, const char *name, const char *blank)
{
    uint64_t bytes = 0;
    for (int i = 0; i < REQUESTS; i++) {
        decode(request, buf_bytes(&requests[i]));
        texts[i] = json_of(request, blank);
        bytes += texts[i].len;
    }
    printf("otlp_json_%s_span_bytes %.0f bytes\n", name, (double)bytes / ((double)REQUESTS * SPANS));
    printf("otlp_json_%s_to_protobuf_ns_per_span %.1f ns\n", name, transcode_ns_per_span());
    for (int i = 0; i < REQUESTS; i++) buf_deinit(&texts[i]);
}

int main(void)
{
    uint64_t random = 1, bytes = 0, best_ns = UINT64_MAX;
    for (int i = 0; i < REQUESTS; i++) {
        struct buf records = message();
        for (int j = 0; j < SPANS; j++) put_usual_span(&records, &random);
        requests[i] = request_around(&records);
        bytes += requests[i].len;
    }
    struct otlp_request request;
    otlp_request_init(&request);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start_ns = clock_mono_ns();
        for (int i = 0; i < REQUESTS; i++) decode(&request, buf_bytes(&requests[i]));
        uint64_t ns = clock_mono_ns() - start_ns;
        if (ns < best_ns) best_ns = ns;
    }
    double spans = (double)REQUESTS * SPANS;
    printf("otlp_span_bytes %.0f bytes\n", (double)bytes / spans);
    printf("otlp_decode_ns_per_span %.1f ns\n", (double)best_ns / spans);
    printf("otlp_decoded_bytes_per_span %.0f bytes\n", (double)otlp_request_bytes(&request) / SPANS);
    json_bench(&request, "compact", "");
    json_bench(&request, "blanks", " ");
    otlp_request_deinit(&request);
    for (int i = 0; i < REQUESTS; i++) buf_deinit(&requests[i]);
    return 0;
}
