/* The service as a sender sees it: a real gRPC server on loopback, a real log on disk, keys from a table. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <libdeflate.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "ingest/answer.h"
#include "ingest/call.h"
#include "ingest/ingest.h"
#include "ingest/route.h"
#include "ingest/tally.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/grpc_client.h"
#include "net/loop.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"

#define TRACES  "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define LOGS    "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#define METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
#define KEY     "mono_test"
enum { TAKEN_MAX = 4096, CALL_TIMEOUT_MS = 20000 };

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };
static const struct uuid project = { { 7, 7 } }, key_id = { { 9 } };

struct fixture {
    char dir[64];
    struct buffer *buffer;
    struct ingest *ingest;
    struct loop *loop;
    struct grpc_server *server;
    struct grpc_client *client;
    pthread_mutex_t lock; /* guards the rest */
    struct inbound *taken[TAKEN_MAX];
    struct buffer_record records[TAKEN_MAX];
    uint32_t taken_count;
};

/* The worker's place: keeps what it gets. */
static void record_on(void *ctx, const struct buffer_record *record, void *request)
{
    struct fixture *fixture = ctx;
    pthread_mutex_lock(&fixture->lock);
    assert_true(fixture->taken_count < TAKEN_MAX);
    fixture->records[fixture->taken_count] = *record;
    fixture->taken[fixture->taken_count++] = request;
    pthread_mutex_unlock(&fixture->lock);
}

static const struct uuid other_project = { { 8, 8 } }, other_key_id = { { 10 } };
#define OTHER_KEY "mono_other"
#define PAGES_KEY "mono_pages"
static bool key_find(void *ctx, struct bytes key, struct ingest_key *out)
{
    (void)ctx;
    if (bytes_equal(key, BYTES(OTHER_KEY))) {
        *out = (struct ingest_key){ other_project, other_key_id, .is_browser = false };
        return true;
    }
    if (bytes_equal(key, BYTES(PAGES_KEY))) {
        *out = (struct ingest_key){ other_project, other_key_id, .is_browser = true };
        return true;
    }
    if (!bytes_equal(key, BYTES(KEY))) return false;
    *out = (struct ingest_key){ project, key_id };
    return true;
}

static struct fixture *fixture_open(uint64_t memory_bytes_max, uint32_t threads, bool is_buffer_started)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    pthread_mutex_init(&fixture->lock, NULL);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/ingest_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    struct buffer_options buffer_options = {
        .dir = fixture->dir,
        .segment_bytes = 8 << 20,
        .disk_bytes_max = 512 << 20,
        .pending_bytes_max = 96 << 20,
        .record_bytes_max = 64 << 20,
        .disk = &disk_real,
        .sink = { .record = record_on, .ctx = fixture },
        .log = &quiet,
    };
    if (!buffer_open(&fixture->buffer, &buffer_options, &err)) fail_msg("%s", err.text);
    if (is_buffer_started) assert_true(buffer_start(fixture->buffer, &err));
    struct ingest_options ingest_options = {
        .threads = threads,
        .memory_bytes_max = memory_bytes_max,
        .retry_delay_ms = 1500,
        .buffer = fixture->buffer,
        .keys = { .find = key_find },
        .log = &quiet,
    };
    assert_true(ingest_open(&fixture->ingest, &ingest_options, &err));
    assert_true(loop_open(&fixture->loop, &err));
    struct admission *admission = admission_create(512 << 20);
    struct grpc_options grpc_options = {
        .address = "127.0.0.1",
        .message_bytes_max = 80 << 20,
        .admission = admission,
        .streams_max = 100,
        .handler = { .call = ingest_call, .ctx = fixture->ingest },
        .log = &quiet,
    };
    if (!grpc_server_open(&fixture->server, fixture->loop, &grpc_options, &err)) fail_msg("%s", err.text);
    admission_release(admission); /* the server holds it */
    assert_true(grpc_client_open(&fixture->client, "127.0.0.1", grpc_server_port(fixture->server), &err));
    return fixture;
}

static void taken_release(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    for (uint32_t i = 0; i < fixture->taken_count; i++) inbound_release(fixture->taken[i]);
    fixture->taken_count = 0;
    pthread_mutex_unlock(&fixture->lock);
}

static void fixture_close(struct fixture *fixture)
{
    char command[100];
    grpc_client_close(fixture->client);
    grpc_server_drain(fixture->server);
    loop_stop(fixture->loop);
    ingest_close(fixture->ingest);
    grpc_server_close(fixture->server);
    loop_close(fixture->loop);
    buffer_close(fixture->buffer);
    taken_release(fixture); /* later than ingest_close: the pool waits for its last request */
    snprintf(command, sizeof command, "rm -r %s", fixture->dir);
    assert_int_equal(system(command), 0);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
}

static uint32_t taken_wait(struct fixture *fixture, uint32_t count)
{
    uint32_t taken = 0;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&fixture->lock);
        taken = fixture->taken_count;
        pthread_mutex_unlock(&fixture->lock);
        if (taken >= count) break;
        clock_sleep_ms(5);
    }
    return taken;
}

static struct grpc_answer call(struct fixture *fixture, const char *path, const char *authorization,
                               const char *encoding, struct bytes body)
{
    struct grpc_answer answer;
    struct err err = { 0 };
    struct grpc_call call = { .path = path, .authorization = authorization, .encoding = encoding, .body = body };
    if (!grpc_client_call(fixture->client, &call, CALL_TIMEOUT_MS, &answer, &err)) fail_msg("%s", err.text);
    return answer;
}

static void expect_call(struct fixture *fixture, const char *path, const char *authorization, const char *encoding,
                        struct bytes body, int status, const char *in_text)
{
    struct grpc_answer answer = call(fixture, path, authorization, encoding, body);
    assert_int_equal(answer.status, status);
    if (strstr(answer.text, in_text) == NULL) fail_msg("\"%s\" is not in \"%s\"", in_text, answer.text);
    assert_int_equal(answer.has_retry_info, status == 14);
    buf_deinit(&answer.message);
}

static struct buf spans_of(uint64_t seed, uint32_t count)
{
    struct buf records = message();
    for (uint32_t i = 0; i < count; i++) put_usual_span(&records, &seed);
    return request_around(&records);
}

static struct buf compressed(struct bytes plain, const char *encoding)
{
    struct buf out = message();
    assert_true(buf_reserve(&out, plain.len + 4096));
    if (strcmp(encoding, "gzip") == 0) {
        struct libdeflate_compressor *deflate = libdeflate_alloc_compressor(6);
        out.len = libdeflate_gzip_compress(deflate, plain.ptr, plain.len, out.ptr, out.cap);
        libdeflate_free_compressor(deflate);
    } else {
        out.len = ZSTD_compress(out.ptr, out.cap, plain.ptr, plain.len, 3);
    }
    assert_true(out.len > 0 && !ZSTD_isError(out.len));
    return out;
}

/* Goal: a request in any encoding is stored as it came, answered by the empty message, and handed on decoded.
 * Method: three requests of 40 spans; what the sink got is compared with what was sent. */
static void test_every_encoding_is_stored(void **state)
{
    (void)state;
    static const char *const encodings[] = { NULL, "gzip", "zstd" };
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    struct buf bodies[3], wires[3];
    for (uint32_t i = 0; i < 3; i++) {
        bodies[i] = spans_of(i, 40);
        wires[i] = message();
        if (encodings[i] != NULL) wires[i] = compressed(buf_bytes(&bodies[i]), encodings[i]);
        struct bytes wire = encodings[i] != NULL ? buf_bytes(&wires[i]) : buf_bytes(&bodies[i]);
        struct grpc_answer answer = call(fixture, TRACES, "Bearer " KEY, encodings[i], wire);
        assert_int_equal(answer.status, 0);
        assert_int_equal(answer.message.len, 0);
        buf_deinit(&answer.message);
    }
    assert_int_equal(taken_wait(fixture, 3), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct buffer_record *record = &fixture->records[i];
        assert_int_equal(record->signal, BUFFER_SIGNAL_TRACES);
        assert_int_equal(record->encoding, i);
        assert_true(uuid_equal(record->project_id, project) && uuid_equal(record->key_id, key_id));
        assert_true(hash128_equal(record->hash, inbound_hash(project, OTLP_TRACES, buf_bytes(&bodies[i]))));
        assert_int_equal(inbound_request(fixture->taken[i])->spans.count, 40);
        assert_true(bytes_equal(inbound_body(fixture->taken[i]), buf_bytes(&bodies[i])));
    }
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.requests, 3);
    assert_int_equal(stats.records, 120);
    assert_int_equal(stats.bytes, bodies[0].len + bodies[1].len + bodies[2].len);
    assert_true(stats.memory_bytes > 0);
    assert_int_equal(stats.times.count, 3);
    struct tally_entry *projects;
    assert_int_equal(ingest_projects(fixture->ingest, &projects), 1);
    assert_true(uuid_equal(projects[0].project_id, project));
    assert_int_equal(projects[0].records[0] + projects[0].records[1] + projects[0].records[2], 120);
    assert_int_equal(projects[0].bytes, stats.bytes);
    free(projects);
    taken_release(fixture);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.memory_bytes, 0);
    assert_int_equal(stats.refused, 0);
    for (uint32_t i = 0; i < 3; i++) {
        buf_deinit(&bodies[i]);
        buf_deinit(&wires[i]);
    }
    fixture_close(fixture);
}

/* Goal: what cannot be taken is answered with the right status and words that help, and nothing of it is stored.
 * Method: wrong path, no key, unknown key, unknown encoding, damaged gzip, bytes that are not OTLP. */
static void test_refusals_say_what_to_do(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    struct buf body = spans_of(1, 1);
    struct bytes plain = buf_bytes(&body);
    expect_call(fixture, "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", "Bearer " KEY, NULL,
                plain, 12, "logs.v1.LogsService/Export");
    expect_call(fixture, TRACES, NULL, NULL, plain, 16, "OTEL_EXPORTER_OTLP_HEADERS");
    expect_call(fixture, TRACES, "Bearer other", NULL, plain, 16, "unknown or revoked API key");
    expect_call(fixture, TRACES, "Basic " KEY, NULL, plain, 16, "no API key");
    expect_call(fixture, TRACES, "Bearer " KEY, "gzip", plain, 3, "gzip");
    expect_call(fixture, TRACES, "Bearer " KEY, "zstd", plain, 3, "zstd");
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, bytes_from(plain.ptr, plain.len - 3), 3,
                "resource_spans[0]: not well-formed protobuf");
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, BYTES("\x0A\x05hello"), 3, "resource_spans[0]");
    expect_call(fixture, TRACES, "bEARER   " KEY, NULL, plain, 0, "");
    assert_int_equal(taken_wait(fixture, 1), 1);
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.requests, 9);
    assert_int_equal(stats.refused, 8);
    uint64_t refused = 0;
    for (uint32_t c = 0; c < ERR_CODE_COUNT; c++) refused += stats.refused_by[c];
    assert_int_equal(refused, 8);
    assert_true(stats.refused_by[ERR_UNAUTHENTICATED] > 0);
    buf_deinit(&body);
    fixture_close(fixture);
}

/* Goal: more than 64 MiB after decompression is refused as too large, not to be sent again, with the limit named; the next
 * request is served.
 * Method: 65 MiB of zeros in some kilobytes; the same uncompressed. */
static void test_too_large(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(256 << 20, 1, true);
    struct buf zeros = message();
    assert_true(buf_reserve(&zeros, 65 << 20));
    memset(zeros.ptr, 0, 65 << 20);
    zeros.len = 65 << 20;
    static const char *const encodings[] = { "gzip", "zstd" };
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct buf wire = compressed(buf_bytes(&zeros), encodings[i]);
        expect_call(fixture, LOGS, "Bearer " KEY, encodings[i], buf_bytes(&wire), 8, "64 MiB");
        buf_deinit(&wire);
    }
    expect_call(fixture, LOGS, "Bearer " KEY, NULL, buf_bytes(&zeros), 8, "64 MiB");
    struct buf body = spans_of(1, 1);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    buf_deinit(&body);
    buf_deinit(&zeros);
    fixture_close(fixture);
}

/* Goal: records that cannot be taken are told in partial_success and the others stored; all of them rejected, or none
 * sent, is a success that stores nothing.
 * Method: logs: one good and two of 1970; two of 1970; an empty request, plain and compressed. */
static void test_partial_success(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    for (int good = 1; good >= 0; good--) {
        struct buf records = message(), log = message();
        if (good == 1) put_message(&records, 2, &log);
        for (int i = 0; i < 2; i++) {
            log = message();
            put_fixed64(&log, 1, 1000 + (uint64_t)i);
            put_message(&records, 2, &log);
        }
        struct buf body = request_around(&records);
        struct grpc_answer answer = call(fixture, LOGS, "Bearer " KEY, NULL, buf_bytes(&body));
        assert_int_equal(answer.status, 0);
        assert_true(answer.message.len > 20);
        assert_int_equal(answer.message.ptr[0], 0x0A);
        assert_memory_equal(answer.message.ptr + 3, "\x08\x02\x12", 3);
        char place[80];
        snprintf(place, sizeof place, "resource_logs[0].scope_logs[0].log_records[%d]: time_unix_nano 1000 is before",
                 good);
        assert_memory_equal(answer.message.ptr + 7, place, strlen(place));
        buf_deinit(&answer.message);
        buf_deinit(&body);
    }
    expect_call(fixture, METRICS, "Bearer " KEY, NULL, BYTES(""), 0, "");
    struct buf wire = compressed(BYTES(""), "gzip");
    expect_call(fixture, METRICS, "Bearer " KEY, "gzip", buf_bytes(&wire), 0, "");
    buf_deinit(&wire);
    assert_int_equal(taken_wait(fixture, 1), 1);
    clock_sleep_ms(50);
    assert_int_equal(taken_wait(fixture, 1), 1);
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.records, 1);
    assert_int_equal(stats.rejected, 4);
    assert_int_equal(stats.refused, 0);
    fixture_close(fixture);
}

/* Goal: a request sent again is answered as the first was, stored once, whatever its compression.
 * Method: the same spans plain, gzip, zstd; then other spans. */
static void test_repeats(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    struct buf body = spans_of(1, 5);
    struct buf gzip = compressed(buf_bytes(&body), "gzip"), zstd = compressed(buf_bytes(&body), "zstd");
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    expect_call(fixture, TRACES, "Bearer " KEY, "gzip", buf_bytes(&gzip), 0, "");
    expect_call(fixture, TRACES, "Bearer " KEY, "zstd", buf_bytes(&zstd), 0, "");
    struct buf other = spans_of(2, 5);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&other), 0, "");
    buf_deinit(&other);
    assert_int_equal(taken_wait(fixture, 2), 2);
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.repeats, 2);
    assert_int_equal(stats.records, 10);
    taken_release(fixture);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.memory_bytes, 0);
    buf_deinit(&body);
    buf_deinit(&gzip);
    buf_deinit(&zstd);
    fixture_close(fixture);
}

/* Goal: over its memory the service answers UNAVAILABLE with RetryInfo, goes on once there is room, and forgets nothing.
 * Method: a budget of 1 MiB, a sink that holds what it gets; requests until one is refused; release; the next is taken. */
static void test_busy_when_memory_is_full(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1 << 20, 1, true);
    struct ingest_stats stats;
    uint32_t stored = 0;
    int status = 0;
    for (uint64_t seed = 1; seed < 100 && status == 0; seed++) {
        struct buf body = spans_of(seed, 100);
        struct grpc_answer answer = call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body));
        status = answer.status;
        if (status == 0) stored++;
        if (status != 0) assert_true(answer.has_retry_info);
        buf_deinit(&answer.message);
        buf_deinit(&body);
    }
    assert_int_equal(status, 14);
    assert_true(stored >= 2 && stored < 20);
    assert_int_equal(taken_wait(fixture, stored), stored);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.refused, 1);
    assert_true(stats.memory_bytes <= (1 << 20) + (256 << 10));
    taken_release(fixture);
    struct buf body = spans_of(1000, 100);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    buf_deinit(&body);
    fixture_close(fixture);
}

/* Goal: what the log does not take is not acknowledged, and costs no memory.
 * Method: a log that has not begun yet answers ERR_BUSY; then it begins. */
static void test_busy_when_the_log_takes_nothing(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 2, false);
    struct buf body = spans_of(1, 10);
    struct ingest_stats stats;
    struct err err = { 0 };
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 14, "");
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.memory_bytes, 0);
    assert_true(buffer_start(fixture->buffer, &err));
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    ingest_stop(fixture->ingest);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 14, "stopping");
    buf_deinit(&body);
    fixture_close(fixture);
}

struct sender {
    pthread_t thread;
    struct fixture *fixture;
    uint64_t seed;
    _Atomic uint32_t *acknowledged;
};
enum { SENDERS = 4, SENDS = 40 };

static void *sender_run(void *ctx)
{
    struct sender *sender = ctx;
    struct grpc_client *client;
    struct err err = { 0 };
    if (!grpc_client_open(&client, "127.0.0.1", grpc_server_port(sender->fixture->server), &err)) return NULL;
    for (uint64_t i = 0; i < SENDS; i++) {
        struct buf body = spans_of(sender->seed * 1000 + i, 10);
        struct buf wire = compressed(buf_bytes(&body), i % 2 == 0 ? "gzip" : "zstd");
        struct grpc_call call = { .path = TRACES,
                                  .authorization = "Bearer " KEY,
                                  .encoding = i % 2 == 0 ? "gzip" : "zstd",
                                  .body = buf_bytes(&wire) };
        struct grpc_answer answer;
        if (grpc_client_call(client, &call, CALL_TIMEOUT_MS, &answer, &err)) {
            if (answer.status == 0) atomic_fetch_add(sender->acknowledged, 1);
            buf_deinit(&answer.message);
        }
        buf_deinit(&wire);
        buf_deinit(&body);
    }
    grpc_client_close(client);
    return NULL;
}

/* Goal: many senders and several threads inside: every acknowledged request reaches the sink once, whole.
 * Method: 4 connections with 40 requests each on 3 threads, under ThreadSanitizer too. */
static void test_many_senders(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 3, true);
    struct sender senders[SENDERS];
    _Atomic uint32_t acknowledged = 0;
    for (uint64_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .fixture = fixture, .seed = i + 1, .acknowledged = &acknowledged };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]), 0);
    }
    for (uint64_t i = 0; i < SENDERS; i++) pthread_join(senders[i].thread, NULL);
    assert_int_equal(acknowledged, SENDERS * SENDS);
    assert_int_equal(taken_wait(fixture, SENDERS * SENDS), SENDERS * SENDS);
    for (uint32_t i = 0; i < fixture->taken_count; i++) {
        assert_int_equal(fixture->records[i].position, i + 1);
        assert_int_equal(inbound_request(fixture->taken[i])->spans.count, 10);
    }
    fixture_close(fixture);
}

/* Goal: the key is found in either header, whatever the spelling of the scheme.
 * Method: a table. */
static void test_keys_in_headers(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *x_api_key, *key;
    } cases[] = {
        { "Bearer abc", "", "abc" }, { "bearer abc", "xyz", "abc" }, { "BEARER \t abc  ", "", "abc" },
        { "", "xyz", "xyz" },        { "Basic abc", "xyz", "xyz" },  { "Bearerabc", " xyz ", "xyz" },
        { "Bearer", "", "" },        { "Bearer ", "", "" },          { "abc", "", "" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes key = call_key(bytes_of_text(cases[i].authorization), bytes_of_text(cases[i].x_api_key));
        assert_true(bytes_equal(key, bytes_of_text(cases[i].key)));
    }
}

/* Goal: the largest partial_success fits and is framed right.
 * Method: the greatest count with a reason of 200 bytes, read back by hand. */
static void test_largest_answer(void **state)
{
    (void)state;
    uint8_t answer[ANSWER_BYTES_MAX];
    char reason[ANSWER_REASON_BYTES_MAX + 1];
    memset(reason, 'r', ANSWER_REASON_BYTES_MAX);
    reason[ANSWER_REASON_BYTES_MAX] = '\0';
    size_t len = answer_encode(UINT64_MAX, reason, answer);
    assert_int_equal(len, 1 + 2 + 11 + 1 + 2 + 200);
    assert_memory_equal(answer, "\x0A\xD6\x01\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x12\xC8\x01rrr", 20);
    assert_int_equal(answer_encode(0, "none", answer), 0);
}

/* ---- keys in resources ---- */

/* A resource with that key, between two attributes; NULL: without. Spans of it, with one that is of 1970 first. */
static void put_resource(struct buf *request, const char *key, uint64_t seed, uint32_t spans, bool has_bad)
{
    struct buf resource = message(), resources = message(), scopes = message();
    put_attribute_text(&resource, 1, "service.name", "shop");
    if (key != NULL) put_attribute_text(&resource, 1, "at-project-key", key);
    put_attribute_text(&resource, 1, "host.name", "h");
    put_message(&resources, 1, &resource);
    if (has_bad) {
        struct buf span = message();
        put_bytes(&span, 1, "0123456789abcdef", 16);
        put_bytes(&span, 2, "01234567", 8);
        put_fixed64(&span, 7, 1000);
        put_message(&scopes, 2, &span);
    }
    for (uint32_t i = 0; i < spans; i++) put_usual_span(&scopes, &seed);
    put_message(&resources, 2, &scopes);
    put_message(request, 1, &resources);
}

static void expect_hidden(const struct fixture *fixture, uint32_t i, struct uuid of, uint32_t spans, bool is_in_log)
{
    const struct otlp_request *request = inbound_request(fixture->taken[i]);
    struct bytes body = fixture->records[i].body;
    assert_true(uuid_equal(fixture->records[i].project_id, of));
    assert_int_equal(request->spans.count, spans);
    for (uint32_t r = 0; r < request->resources.count; r++) {
        assert_int_equal(request->resources.at[r].attributes.count, 2);
    }
    for (uint32_t a = 0; a < request->attributes.count; a++) {
        assert_false(bytes_equal(request->attributes.at[a].key, BYTES("at-project-key")));
    }
    if (!is_in_log) return; /* its memory is gone */
    assert_int_equal(fixture->records[i].encoding, BUFFER_ENCODING_IDENTITY);
    assert_null(memmem(body.ptr, body.len, "mono_", 5));
    assert_non_null(memmem(body.ptr, body.len, "at-project-key", 14));
}

/* Goal: without a header the keys of the resources decide: one project's request is stored as one record, compressed or not,
 * and its key is neither in the attributes nor in the log; sent again it is a repeat. A key in a header wins.
 * Method: two resources with one key, plain and gzip; the same under a header of another project; a resource of each of two
 * keys under a header. */
static void test_key_in_resources(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    struct buf body = message();
    put_resource(&body, OTHER_KEY, 1, 5, false);
    put_resource(&body, OTHER_KEY, 2, 5, false);
    struct hash128 hash = inbound_hash(other_project, OTLP_TRACES, buf_bytes(&body));
    struct buf wire = compressed(buf_bytes(&body), "gzip");
    expect_call(fixture, TRACES, NULL, "gzip", buf_bytes(&wire), 0, "");
    assert_int_equal(taken_wait(fixture, 1), 1);
    expect_hidden(fixture, 0, other_project, 10, true);
    assert_true(hash128_equal(fixture->records[0].hash, hash));
    assert_true(uuid_equal(fixture->records[0].key_id, other_key_id));
    expect_call(fixture, TRACES, NULL, NULL, buf_bytes(&body), 0, "");
    expect_call(fixture, TRACES, "Bearer " OTHER_KEY, NULL, buf_bytes(&body), 0, "");
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.repeats, 2);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    assert_int_equal(taken_wait(fixture, 2), 2);
    expect_hidden(fixture, 1, project, 10, true);
    put_resource(&body, "no key of ours", 3, 1, false);
    expect_call(fixture, TRACES, "Bearer " KEY, NULL, buf_bytes(&body), 0, "");
    assert_int_equal(taken_wait(fixture, 3), 3);
    expect_hidden(fixture, 2, project, 11, false);
    taken_release(fixture);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.memory_bytes, 0);
    assert_int_equal(stats.refused, 0);
    buf_deinit(&body);
    buf_deinit(&wire);
    fixture_close(fixture);
}

/* Goal: a request of two projects is stored under each, with one answer that tells what was left out and why: records without
 * a key that counts, and bad ones; sent again it is stored once, and a part that was stored alone before is not stored again.
 * Method: resources of both projects, of none, of an unknown key, of a page's key; one span of 1970 in a good and in a bad
 * resource each. */
static void test_keys_of_two_projects(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, true);
    struct buf body = message();
    put_resource(&body, KEY, 1, 3, false);
    put_resource(&body, NULL, 2, 4, false);
    put_resource(&body, OTHER_KEY, 3, 5, true);
    put_resource(&body, KEY, 4, 6, false);
    put_resource(&body, "mono_unknown", 5, 7, true);
    put_resource(&body, PAGES_KEY, 6, 8, false);
    for (int again = 0; again < 2; again++) {
        struct grpc_answer answer = call(fixture, TRACES, NULL, NULL, buf_bytes(&body));
        assert_int_equal(answer.status, 0);
        assert_true(answer.message.len > 20);
        assert_memory_equal(answer.message.ptr + 2, "\x08\x15\x12", 3); /* 4 + 1 + 8 + 8 */
        static const char reason[] = "resource_spans[1]: no API key, neither as header nor as resource attribute";
        assert_memory_equal(answer.message.ptr + 6, reason, sizeof reason - 1);
        buf_deinit(&answer.message);
    }
    assert_int_equal(taken_wait(fixture, 2), 2);
    expect_hidden(fixture, 0, project, 9, true);
    expect_hidden(fixture, 1, other_project, 5, true);
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.repeats, 2);
    assert_int_equal(stats.records, 14);
    assert_int_equal(stats.rejected, 2 * 21);
    assert_int_equal(stats.refused, 0);

    body.len = 0;
    put_resource(&body, OTHER_KEY, 3, 5, true); /* as it was among the others */
    put_resource(&body, "mono_unknown", 5, 7, true);
    struct grpc_answer answer = call(fixture, TRACES, NULL, NULL, buf_bytes(&body));
    assert_int_equal(answer.status, 0);
    buf_deinit(&answer.message);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.repeats, 3);
    assert_int_equal(taken_wait(fixture, 2), 2);
    taken_release(fixture);
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.memory_bytes, 0);
    buf_deinit(&body);
    fixture_close(fixture);
}

/* Goal: a request whose resources have no key that counts is refused with words that help, before it costs much; so is one of
 * two projects when the log takes nothing, and nothing of it is kept.
 * Method: no key, unknown ones, a page's, an empty one, one that is no text; 5 MiB; a log that has not begun. */
static void test_no_key_in_resources(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20, 1, false);
    static const struct {
        const char *key;
        int status;
        const char *words;
    } cases[] = {
        { NULL, 16, "or the resource attribute at-project-key" },
        { "", 16, "or the resource attribute at-project-key" },
        { "mono_unknown", 16, "unknown or revoked API key in the resource attribute" },
        { PAGES_KEY, 7, "is for web pages, which send it as header" },
    };
    struct buf body = message();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        body.len = 0;
        put_resource(&body, cases[i].key, 1, 2, false);
        expect_call(fixture, TRACES, NULL, NULL, buf_bytes(&body), cases[i].status, cases[i].words);
    }
    expect_call(fixture, TRACES, NULL, NULL, BYTES(""), 16, "no API key");
    struct buf resource = message(), resources = message();
    body.len = 0;
    put_attribute_int(&resource, 1, "at-project-key", 5);
    put_message(&resources, 1, &resource);
    put_message(&body, 1, &resources);
    expect_call(fixture, TRACES, NULL, NULL, buf_bytes(&body), 16, "no API key");

    body.len = 0;
    put_resource(&body, OTHER_KEY, 1, 1, false);
    put_resource(&body, KEY, 2, 1, false);
    expect_call(fixture, TRACES, NULL, NULL, buf_bytes(&body), 14, "");
    struct buf zeros = message();
    assert_true(buf_reserve(&zeros, 5 << 20));
    memset(zeros.ptr, 0, 5 << 20);
    zeros.len = 5 << 20;
    struct buf wire = compressed(buf_bytes(&zeros), "gzip");
    expect_call(fixture, TRACES, NULL, "gzip", buf_bytes(&wire), 8, "without a key as header has at most 4 MiB");
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.memory_bytes, 0);
    assert_int_equal(stats.refused, stats.requests);
    struct err err = { 0 };
    assert_true(buffer_start(fixture->buffer, &err));
    expect_call(fixture, TRACES, NULL, NULL, buf_bytes(&body), 0, "");
    assert_int_equal(taken_wait(fixture, 2), 2);
    buf_deinit(&body);
    buf_deinit(&zeros);
    buf_deinit(&wire);
    fixture_close(fixture);
}

/* Goal: however many resources and keys a stranger sends, few are looked up.
 * Method: 200 resources of 100 unknown keys, one good key among the first 64 and one behind them, with counted look-ups. */
static bool key_find_counted(void *ctx, struct bytes key, struct ingest_key *out)
{
    ++*(uint32_t *)ctx;
    return key_find(NULL, key, out);
}
static void test_many_keys_in_resources(void **state)
{
    (void)state;
    uint32_t looked_up = 0;
    const struct ingest_keys keys = { .find = key_find_counted, .ctx = &looked_up };
    struct buf body = message();
    for (int i = 0; i < 200; i++) {
        char key[40];
        snprintf(key, sizeof key, "unknown %d", i % 100);
        put_resource(&body, i == 20 || i == 120 ? KEY : i == 80 ? OTHER_KEY : key, (uint64_t)i, 1, false);
    }
    struct otlp_request request;
    struct err err = { 0 };
    struct route route;
    otlp_request_init(&request);
    assert_true(otlp_decode(&request, OTLP_TRACES, buf_bytes(&body), ENCODE_NOW_US, &otlp_limits_default, &err));
    assert_true(route_find(&route, &keys, &request, &err));
    assert_int_equal(looked_up, ROUTE_SECRETS_MAX);
    assert_int_equal(route.key_count, 1);
    assert_int_equal(route.rejected_count, 198);
    assert_false(route.is_whole);
    for (uint32_t i = 0; i < 200; i++) assert_int_equal(route.parts[i], i == 20 || i == 120 ? 0 : ROUTE_NONE);
    assert_non_null(strstr(route.rejected_reason, "resource_spans[0]: unknown or revoked API key"));
    route_deinit(&route);
    otlp_request_deinit(&request);
    buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_in_headers),
        cmocka_unit_test(test_largest_answer),
        cmocka_unit_test(test_every_encoding_is_stored),
        cmocka_unit_test(test_refusals_say_what_to_do),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_partial_success),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_busy_when_memory_is_full),
        cmocka_unit_test(test_busy_when_the_log_takes_nothing),
        cmocka_unit_test(test_many_senders),
        cmocka_unit_test(test_key_in_resources),
        cmocka_unit_test(test_keys_of_two_projects),
        cmocka_unit_test(test_no_key_in_resources),
        cmocka_unit_test(test_many_keys_in_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
