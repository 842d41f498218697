/* otlp_bench.c -- decoding in ns a span: 0.9 KB spans of 20 attributes, 500 to a request, requests all different. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "worker/otlp/otlp.h"
#include "worker/otlp/otlp_encode.h"

enum { REQUESTS = 64, SPANS = 500, ROUNDS = 40 };

int main(void)
{
    static struct buf requests[REQUESTS];
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
        for (int i = 0; i < REQUESTS; i++) {
            struct err err;
            if (!otlp_decode(&request, OTLP_TRACES, buf_bytes(&requests[i]), ENCODE_NOW_US, &otlp_limits_default,
                             &err) ||
                request.spans.count != SPANS || request.attributes.count != 20 * SPANS + 1) {
                fprintf(stderr, "otlp_bench: the request was not decoded\n");
                return 1;
            }
        }
        uint64_t ns = clock_mono_ns() - start_ns;
        if (ns < best_ns) best_ns = ns;
    }
    double spans = (double)REQUESTS * SPANS;
    printf("otlp_span_bytes %.0f bytes\n", (double)bytes / spans);
    printf("otlp_decode_ns_per_span %.1f ns\n", (double)best_ns / spans);
    printf("otlp_decoded_bytes_per_span %.0f bytes\n", (double)otlp_request_bytes(&request) / SPANS);
    otlp_request_deinit(&request);
    for (int i = 0; i < REQUESTS; i++) buf_deinit(&requests[i]);
    return 0;
}
