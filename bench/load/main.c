/* load -- sends spans over OTLP/gRPC as fast as the server answers, or at a rate, and counts what was acknowledged.
 *
 *   load --port P --key K --seconds S [--connections C] [--spans N] [--rate SPANS_PER_S] [--encoding gzip|zstd]
 *        [--sender NAME --ack-log FILE]    numbered spans; each acknowledged request is a line "SENDER FIRST COUNT"
 *        [--requests N --over SECONDS]     N requests a connection whose times are spread, in order, over the last SECONDS
 *        [--until UNIX_S]                  the last of these, and not the moment of the start
 *
 * Ends by itself after S seconds, or when the server is gone. Prints one JSON object. A retryable refusal is sent again
 * (the same bytes), as an SDK does. */
#include "base/clock.h"
#include "base/err.h"
#include "bench/load/spans.h"
#include "net/grpc_client.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

struct settings {
    const char *address, *key, *encoding, *sender, *ack_log;
    uint16_t port;
    double seconds, rate, over_seconds;
    uint32_t connections, span_count;
    uint64_t requests_max, seed, begin_unix_ns;
};
struct lane {
    const struct settings *settings;
    FILE *ack_log;
    pthread_mutex_t *ack_lock;
    uint32_t index;
    uint64_t requests, refused, failed, bytes, wire_bytes;
    uint64_t *latencies_ns;
    uint32_t latency_count, latency_cap, attributes;
    char last_error[300];
};

static bool send_one(struct lane *lane, struct grpc_client **client, const struct grpc_call *call)
{
    for (int attempt = 0; attempt < 50; attempt++) {
        struct err err = { 0 };
        struct grpc_answer answer;
        if (!*client && !grpc_client_open(client, lane->settings->address, lane->settings->port, &err)) {
            snprintf(lane->last_error, sizeof lane->last_error, "%s", err.text);
            return false;
        }
        if (!grpc_client_call(*client, call, 30000, &answer, &err)) {
            snprintf(lane->last_error, sizeof lane->last_error, "%s", err.text);
            grpc_client_close(*client);
            *client = NULL;
            return false;
        }
        buf_deinit(&answer.message);
        if (answer.status == 0) return true;
        snprintf(lane->last_error, sizeof lane->last_error, "status %d: %s", answer.status, answer.text);
        if (!answer.has_retry_info) return false;
        lane->refused++;
        clock_sleep_ms(100);
    }
    return false;
}

static struct bytes body_encode(const char *encoding, struct bytes body, uint8_t *to, size_t max,
                                struct libdeflate_compressor *gzip, ZSTD_CCtx *zstd)
{
    if (!encoding) return body;
    if (strcmp(encoding, "gzip") == 0)
        return bytes_from(to, libdeflate_gzip_compress(gzip, body.ptr, body.len, to, max));
    return bytes_from(to, ZSTD_compressCCtx(zstd, to, max, body.ptr, body.len, 1));
}

static void latency_add(struct lane *lane, uint64_t ns)
{
    if (lane->latency_count == lane->latency_cap) {
        lane->latency_cap = lane->latency_cap ? lane->latency_cap * 2 : 1024;
        lane->latencies_ns = mem_realloc(lane->latencies_ns, lane->latency_cap * sizeof(uint64_t));
    }
    lane->latencies_ns[lane->latency_count++] = ns;
}

/* What request k of a connection takes for "now". */
static uint64_t time_of(const struct settings *settings, uint64_t k)
{
    if (settings->over_seconds <= 0) return clock_unix_ns();
    double left = 1 - (double)k / (double)settings->requests_max;
    return settings->begin_unix_ns - (uint64_t)(settings->over_seconds * left * 1e9);
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    const struct settings *settings = lane->settings;
    char sender[17] = "", authorization[300];
    if (settings->sender) snprintf(sender, sizeof sender, "%.12s.%u", settings->sender, lane->index);
    snprintf(authorization, sizeof authorization, "Bearer %s", settings->key);
    struct spans *spans = spans_create(&(struct spans_options){ .span_count = settings->span_count,
                                                                .template_count = 16,
                                                                .seed = settings->seed + lane->index * 7919u,
                                                                .is_numbered = settings->sender != NULL,
                                                                .sender = sender });
    lane->attributes = spans_attributes_mean(spans);
    size_t max = (size_t)settings->span_count * 2048 + 65536;
    uint8_t *encoded = mem_alloc(max);
    struct libdeflate_compressor *gzip = libdeflate_alloc_compressor(1);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    struct grpc_client *client = NULL;
    uint64_t begin_ns = clock_mono_ns(), until_ns = begin_ns + (uint64_t)(settings->seconds * 1e9), sequence = 0;
    uint64_t step_ns =
        settings->rate > 0 ? (uint64_t)(1e9 * settings->span_count * settings->connections / settings->rate) : 0;
    for (uint64_t k = 0; clock_mono_ns() < until_ns && k < settings->requests_max; k++) {
        uint64_t due_ns = begin_ns + k * step_ns, now_ns = clock_mono_ns();
        if (due_ns > now_ns) clock_sleep_ms((uint32_t)((due_ns - now_ns) / 1000000));
        struct bytes raw = spans_next(spans, sequence, time_of(settings, k));
        struct grpc_call call = { .path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                                  .authorization = authorization,
                                  .encoding = settings->encoding,
                                  .body = body_encode(settings->encoding, raw, encoded, max, gzip, zstd) };
        uint64_t sent_ns = clock_mono_ns();
        if (!send_one(lane, &client, &call)) {
            lane->failed++;
            if (!client) break; /* the server is gone */
            continue;
        }
        latency_add(lane, clock_mono_ns() - sent_ns);
        lane->requests++;
        lane->bytes += raw.len;
        lane->wire_bytes += call.body.len;
        if (lane->ack_log) {
            pthread_mutex_lock(lane->ack_lock);
            fprintf(lane->ack_log, "%s %" PRIu64 " %u\n", sender, sequence, settings->span_count);
            fflush(lane->ack_log);
            pthread_mutex_unlock(lane->ack_lock);
        }
        sequence += settings->span_count;
    }
    grpc_client_close(client);
    ZSTD_freeCCtx(zstd);
    libdeflate_free_compressor(gzip);
    free(encoded);
    spans_destroy(spans);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void report(const struct settings *settings, struct lane *lanes, double seconds)
{
    struct lane sum = { 0 };
    uint64_t *latencies = NULL;
    for (uint32_t i = 0; i < settings->connections; i++) {
        latencies = mem_realloc(latencies, (sum.latency_count + lanes[i].latency_count + 1) * sizeof(uint64_t));
        if (lanes[i].latency_count)
            memcpy(latencies + sum.latency_count, lanes[i].latencies_ns, lanes[i].latency_count * sizeof(uint64_t));
        sum.latency_count += lanes[i].latency_count;
        sum.requests += lanes[i].requests;
        sum.refused += lanes[i].refused;
        sum.failed += lanes[i].failed;
        sum.bytes += lanes[i].bytes;
        sum.wire_bytes += lanes[i].wire_bytes;
        if (lanes[i].last_error[0]) memcpy(sum.last_error, lanes[i].last_error, sizeof sum.last_error);
        free(lanes[i].latencies_ns);
    }
    qsort(latencies, sum.latency_count, sizeof *latencies, by_size);
    uint32_t n = sum.latency_count;
    for (char *c = sum.last_error; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 32) *c = '\'';
    uint64_t spans = sum.requests * settings->span_count;
    printf("{\"requests\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"wire_bytes\":%" PRIu64 ",\"seconds\":%.3f,\"attributes\":%u,\"ack_p50_ms\":%.2f"
           ",\"ack_p99_ms\":%.2f,\"last_error\":\"%s\"}\n",
           sum.requests, spans, sum.refused, sum.failed, sum.bytes, sum.wire_bytes, seconds, lanes[0].attributes,
           n ? (double)latencies[n / 2] / 1e6 : 0.0, n ? (double)latencies[n - 1 - n / 100] / 1e6 : 0.0,
           sum.last_error);
    free(latencies);
}

int main(int argc, char **argv)
{
    struct settings settings = { .address = "127.0.0.1",
                                 .key = "",
                                 .seconds = 5,
                                 .connections = 4,
                                 .span_count = 500,
                                 .requests_max = UINT64_MAX,
                                 .begin_unix_ns = clock_unix_ns(),
                                 .seed = clock_unix_ns() };
    for (int a = 1; a + 1 < argc; a += 2) {
        const char *name = argv[a], *value = argv[a + 1];
        if (!strcmp(name, "--address"))
            settings.address = value;
        else if (!strcmp(name, "--port"))
            settings.port = (uint16_t)atoi(value);
        else if (!strcmp(name, "--key"))
            settings.key = value;
        else if (!strcmp(name, "--seconds"))
            settings.seconds = atof(value);
        else if (!strcmp(name, "--rate"))
            settings.rate = atof(value);
        else if (!strcmp(name, "--connections"))
            settings.connections = (uint32_t)atoi(value);
        else if (!strcmp(name, "--spans"))
            settings.span_count = (uint32_t)atoi(value);
        else if (!strcmp(name, "--requests"))
            settings.requests_max = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--over"))
            settings.over_seconds = atof(value);
        else if (!strcmp(name, "--until"))
            settings.begin_unix_ns = (uint64_t)(atof(value) * 1e6) * 1000;
        else if (!strcmp(name, "--seed"))
            settings.seed = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--encoding"))
            settings.encoding = strcmp(value, "none") ? value : NULL;
        else if (!strcmp(name, "--sender"))
            settings.sender = value;
        else if (!strcmp(name, "--ack-log"))
            settings.ack_log = value;
        else {
            fprintf(stderr, "load: unknown option \"%s\"\n", name);
            return 2;
        }
    }
    if (settings.port == 0 || settings.connections == 0 || settings.connections > 256 || settings.span_count == 0 ||
        settings.span_count > 10000) {
        fprintf(stderr, "load: --port is needed; --connections is 1 to 256, --spans 1 to 10000\n");
        return 2;
    }
    if (settings.over_seconds > 0 && settings.requests_max == UINT64_MAX) {
        fprintf(stderr, "load: --over goes with --requests\n");
        return 2;
    }
    FILE *ack_log = settings.ack_log ? fopen(settings.ack_log, "a") : NULL;
    if (settings.ack_log && !ack_log) {
        perror(settings.ack_log);
        return 2;
    }
    pthread_mutex_t ack_lock = PTHREAD_MUTEX_INITIALIZER;
    struct lane *lanes = mem_calloc(settings.connections, sizeof *lanes);
    pthread_t *threads = mem_calloc(settings.connections, sizeof *threads);
    uint64_t begin_ns = clock_mono_ns();
    for (uint32_t i = 0; i < settings.connections; i++) {
        lanes[i] = (struct lane){ .settings = &settings, .ack_log = ack_log, .ack_lock = &ack_lock, .index = i };
        if (pthread_create(&threads[i], NULL, lane_main, &lanes[i]) != 0) abort();
    }
    for (uint32_t i = 0; i < settings.connections; i++) pthread_join(threads[i], NULL);
    report(&settings, lanes, (double)(clock_mono_ns() - begin_ns) / 1e9);
    if (ack_log) fclose(ack_log);
    free(threads);
    free(lanes);
    return 0;
}
