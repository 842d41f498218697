/* OTLP/HTTP as a sender sees it: a real server on loopback, a real log on disk, keys from a table. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
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
#include "ingest/ingest.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"

#define KEY      "mono_usual"
#define BROWSER  "mono_browser"
#define SHOP     "https://shop.example"
#define PROTOBUF "content-type: application/x-protobuf\r\n"
#define JSON     "content-type: application/json\r\n"
#define WITH_KEY "authorization: Bearer " KEY "\r\n"
enum { TAKEN_MAX = 100, WAIT_MS = 20000, BODY_BYTES_MAX = 1 << 20 };

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };
static const struct uuid project = { { 7, 7 } }, key_id = { { 9 } };

struct fixture {
    char dir[64];
    struct buffer *buffer;
    struct ingest *ingest;
    struct loop *loop;
    struct http_server *server;
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

static bool key_find(void *ctx, struct bytes key, struct ingest_key *out)
{
    (void)ctx;
    *out = (struct ingest_key){ project, key_id, .is_browser = bytes_equal(key, BYTES(BROWSER)) };
    return out->is_browser || bytes_equal(key, BYTES(KEY));
}

static bool knows_origin(void *ctx, struct bytes origin)
{
    (void)ctx;
    return bytes_equal(origin, BYTES(SHOP)) || bytes_equal(origin, BYTES("https://other.example"));
}

static bool allows_origin(void *ctx, struct bytes key, struct bytes origin)
{
    (void)ctx;
    return bytes_equal(key, BYTES(BROWSER)) && bytes_equal(origin, BYTES(SHOP));
}

static struct fixture *fixture_open(uint64_t memory_bytes_max)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    pthread_mutex_init(&fixture->lock, NULL);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/http_intake_test.XXXXXX");
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
    struct ingest_options ingest_options = {
        .memory_bytes_max = memory_bytes_max,
        .retry_delay_ms = 1500,
        .keys = { .find = key_find, .allows_origin = allows_origin, .knows_origin = knows_origin },
        .log = &quiet,
    };
    if (!buffer_open(&fixture->buffer, &buffer_options, &err)) fail_msg("%s", err.text);
    assert_true(buffer_start(fixture->buffer, &err));
    ingest_options.buffer = fixture->buffer;
    assert_true(ingest_open(&fixture->ingest, &ingest_options, &err));
    assert_true(loop_open(&fixture->loop, &err));
    struct admission *admission = admission_create(64 << 20);
    struct http_options http_options = {
        .address = "127.0.0.1",
        .body_bytes_max = BODY_BYTES_MAX,
        .admission = admission,
        .handler = { .call = ingest_http, .refuse = ingest_http_refuse, .ctx = fixture->ingest },
        .log = &quiet,
    };
    if (!http_server_open(&fixture->server, fixture->loop, &http_options, &err)) fail_msg("%s", err.text);
    admission_release(admission); /* the server holds it */
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
    loop_stop(fixture->loop);
    ingest_close(fixture->ingest);
    http_server_close(fixture->server);
    loop_close(fixture->loop);
    buffer_close(fixture->buffer);
    taken_release(fixture);
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

/* ---- a client ---- */

struct answer {
    int status;
    char head[2000];
    struct bytes body; /* of text */
    uint8_t text[4000];
};

/* One request of a connection of its own. */
static struct answer ask(struct fixture *fixture, const char *line, const char *headers, struct bytes body)
{
    static struct answer answer;
    struct err err = { 0 };
    struct tcp *tcp;
    char head[2000];
    if (!tcp_connect(&tcp, "127.0.0.1", http_server_port(fixture->server), &err)) fail_msg("%s", err.text);
    int len =
        snprintf(head, sizeof head, "%s HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: %zu\r\n%s\r\n",
                 line, body.len, headers);
    assert_true(tcp_write(tcp, bytes_from(head, (size_t)len), &err) && tcp_write(tcp, body, &err));
    size_t got = 0, more;
    do {
        if (!tcp_read(tcp, answer.text + got, sizeof answer.text - 1 - got, &more, WAIT_MS, &err)) {
            fail_msg("%s", err.text);
        }
        got += more;
    } while (more > 0);
    tcp_close(tcp);
    answer.text[got] = '\0';
    const char *end = strstr((const char *)answer.text, "\r\n\r\n");
    assert_non_null(end);
    size_t head_len = (size_t)((const uint8_t *)end - answer.text) + 2;
    snprintf(answer.head, sizeof answer.head, "%.*s", (int)head_len, (const char *)answer.text);
    answer.status = atoi(answer.head + 9);
    answer.body = bytes_from(answer.text + head_len + 2, got - head_len - 2);
    return answer;
}

static void expect_in(const char *words, struct bytes text)
{
    if (words[0] == '\0' || memmem(text.ptr, text.len, words, strlen(words)) != NULL) return;
    fail_msg("\"%s\" is not in \"%.*s\"", words, (int)text.len, (const char *)text.ptr);
}

/* words: of the body; header: a line of the head, or "" for any. */
static void expect(struct fixture *fixture, const char *line, const char *headers, struct bytes body, int status,
                   const char *words, const char *header)
{
    struct answer answer = ask(fixture, line, headers, body);
    if (answer.status != status) fail_msg("%s\n%s: %s", line, headers, (const char *)answer.text);
    expect_in(words, answer.body);
    expect_in(header, bytes_of_text(answer.head));
    bool may_retry = strstr(answer.head, "\r\nRetry-After: ") != NULL;
    assert_int_equal(may_retry, status == 503);
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
    struct libdeflate_compressor *deflate = libdeflate_alloc_compressor(6);
    if (strcmp(encoding, "zstd") == 0) {
        out.len = ZSTD_compress(out.ptr, out.cap, plain.ptr, plain.len, 3);
    } else if (strcmp(encoding, "deflate") == 0) {
        out.len = libdeflate_zlib_compress(deflate, plain.ptr, plain.len, out.ptr, out.cap);
    } else if (strcmp(encoding, "raw deflate") == 0) {
        out.len = libdeflate_deflate_compress(deflate, plain.ptr, plain.len, out.ptr, out.cap);
    } else if (encoding[0] != '\0') {
        out.len = libdeflate_gzip_compress(deflate, plain.ptr, plain.len, out.ptr, out.cap);
    } else {
        put_raw(&out, plain.ptr, plain.len);
    }
    libdeflate_free_compressor(deflate);
    assert_true(out.len > 0 && !ZSTD_isError(out.len));
    return out;
}

/* ---- tests ---- */

/* Goal: a body in any encoding is stored as it came, under its key's project, and answered by the empty message in its
 * type; the two spellings of a path and of the type are one.
 * Method: five requests of 40 spans. */
static void test_every_encoding_is_stored(void **state)
{
    (void)state;
    static const struct {
        const char *encoding, *line, *headers;
    } cases[] = {
        { "", "POST /v1/traces", WITH_KEY PROTOBUF },
        { "gzip", "POST /v1/traces/", "X-API-Key: " KEY "\r\n" PROTOBUF "content-encoding: gzip\r\n" },
        { "zstd", "POST /v1/traces?x=y",
          WITH_KEY "content-type: Application/X-Protobuf\r\ncontent-encoding: ZSTD\r\n" },
        { "deflate", "POST /v1/traces",
          WITH_KEY "content-type: application/protobuf\r\ncontent-encoding: deflate\r\n" },
        { "raw deflate", "POST /v1/traces", WITH_KEY PROTOBUF "content-encoding: deflate\r\n" },
    };
    struct fixture *fixture = fixture_open(64 << 20);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf body = spans_of(i + 1, 40);
        struct buf wire = compressed(buf_bytes(&body), cases[i].encoding);
        struct answer answer = ask(fixture, cases[i].line, cases[i].headers, buf_bytes(&wire));
        if (answer.status != 200) fail_msg("%s: %s", cases[i].encoding, (const char *)answer.text);
        assert_int_equal(answer.body.len, 0);
        expect_in("\r\nContent-Type: application/x-protobuf\r\n", bytes_of_text(answer.head));
        assert_int_equal(taken_wait(fixture, i + 1), i + 1);
        assert_int_equal(inbound_request(fixture->taken[i])->spans.count, 40);
        assert_true(uuid_equal(fixture->records[i].project_id, project));
        assert_true(uuid_equal(fixture->records[i].key_id, key_id));
        buf_deinit(&wire);
        buf_deinit(&body);
    }
    fixture_close(fixture);
}

/* Goal: JSON goes the same way, and is answered in JSON.
 * Method: a log record, and one without a valid time beside it, with and without charset and gzip. */
static void test_json(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(64 << 20);
    static const char logs[] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1763800000000000000\",\"body\":"
        "{\"stringValue\":\"hello\"}},{\"timeUnixNano\":1000,\"body\":{\"stringValue\":\"too old\"}}]}]}]}";
    struct answer answer = ask(fixture, "POST /v1/logs", WITH_KEY "content-type: application/json; charset=utf-8\r\n",
                               bytes_of_text(logs));
    if (answer.status != 200) fail_msg("%s", (const char *)answer.text);
    expect_in("{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"", answer.body);
    expect_in("\r\nContent-Type: application/json\r\n", bytes_of_text(answer.head));
    assert_int_equal(taken_wait(fixture, 1), 1);
    assert_int_equal(inbound_request(fixture->taken[0])->logs.count, 1);

    struct buf wire = compressed(BYTES("{\"resourceMetrics\":[]}"), "gzip");
    answer = ask(fixture, "POST /v1/metrics", WITH_KEY JSON "content-encoding: gzip\r\n", buf_bytes(&wire));
    assert_int_equal(answer.status, 200);
    assert_true(bytes_equal(answer.body, BYTES("{}")));
    buf_deinit(&wire);
    expect(fixture, "POST /v1/logs", WITH_KEY JSON, BYTES("{\"resourceLogs\":"), 400, "{\"code\":3,\"message\":\"", "");
    fixture_close(fixture);
}

/* Goal: each mistake gets its status, words that help, and the type of the request; none but 503 is worth a retry.
 * Method: a table. */
static void test_refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers;
        int status;
        const char *words, *header;
    } cases[] = {
        { "POST /", WITH_KEY PROTOBUF, 404, "/v1/metrics", "Content-Type: application/x-protobuf\r\n" },
        { "POST /v1/profiles", WITH_KEY JSON, 404, "{\"code\":5,\"message\":\"nothing is here: POST to /v1/traces",
          "Content-Type: application/json\r\n" },
        { "GET /v1/traces", WITH_KEY, 405, "by POST", "\r\nAllow: POST, OPTIONS\r\n" },
        { "PUT /v1/logs/", WITH_KEY JSON, 405, "by POST", "\r\nAllow: POST, OPTIONS\r\n" },
        { "POST /v1/traces", PROTOBUF, 401, "no API key", "" },
        { "POST /v1/traces", PROTOBUF "authorization: Basic " KEY "\r\n", 401, "no API key", "" },
        { "POST /v1/traces", JSON "authorization: Bearer mono_wrong\r\n", 401, "{\"code\":16,\"message\":\"unknown",
          "" },
        { "POST /v1/traces?key=" KEY, JSON, 401, "a key in the URL", "" },
        { "POST /v1/traces?x=1&Api_Key=" KEY, PROTOBUF, 401, "a key in the URL", "" },
        { "POST /v1/traces", WITH_KEY, 415, "no Content-Type",
          "Accept-Post: application/x-protobuf, application/json\r\n" },
        { "POST /v1/traces", WITH_KEY "content-type: text/plain\r\n", 415, "this Content-Type is not known", "" },
        { "POST /v1/traces", WITH_KEY "content-type: application/jsonl\r\n", 415, "this Content-Type is not known",
          "" },
        { "POST /v1/traces", WITH_KEY PROTOBUF "content-encoding: br\r\n", 415, "this Content-Encoding is not known",
          "\r\nAccept-Encoding: gzip, zstd, deflate\r\n" },
        { "POST /v1/traces", WITH_KEY PROTOBUF "content-encoding: gzip, gzip\r\n", 415, "Content-Encoding", "" },
        { "POST /v1/traces", WITH_KEY PROTOBUF "content-encoding: gzip\r\n", 400, "gzip", "" },
        { "POST /v1/traces", WITH_KEY PROTOBUF "content-encoding: zstd\r\n", 400, "zstd", "" },
        { "POST /v1/traces", WITH_KEY PROTOBUF, 400, "protobuf", "" },
    };
    struct fixture *fixture = fixture_open(64 << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes body = cases[i].status == 401 ? BYTES("") : BYTES("\x0A\x05zz");
        expect(fixture, cases[i].line, cases[i].headers, body, cases[i].status, cases[i].words, cases[i].header);
    }
    uint8_t *large = mem_calloc(1, BODY_BYTES_MAX + 1);
    expect(fixture, "POST /v1/traces", WITH_KEY PROTOBUF, bytes_from(large, BODY_BYTES_MAX + 1), 413, "smaller batches",
           "Content-Type: application/x-protobuf\r\n");
    expect(fixture, "POST /v1/traces", WITH_KEY JSON, bytes_from(large, BODY_BYTES_MAX + 1), 413,
           "{\"code\":8,\"message\":\"the request is larger", "");
    free(large);
    struct ingest_stats stats;
    ingest_stats(fixture->ingest, &stats);
    assert_int_equal(stats.requests, COUNT_OF(cases) + 2);
    assert_int_equal(stats.refused, COUNT_OF(cases) + 2);
    assert_int_equal(stats.refused_by[ERR_TOO_LARGE], 2);
    assert_int_equal(fixture->taken_count, 0);
    fixture_close(fixture);
}

/* Goal: over its memory, and at its end, the service answers 503 with Retry-After in whole seconds, and keeps nothing.
 * Method: a budget of 1 MiB and a sink that holds what it gets; then a stop. */
static void test_busy(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1 << 20);
    uint32_t stored = 0;
    struct answer answer = { .status = 200 };
    for (uint64_t seed = 1; seed < 100 && answer.status == 200; seed++) {
        struct buf body = spans_of(seed, 100);
        answer = ask(fixture, "POST /v1/traces", WITH_KEY PROTOBUF, buf_bytes(&body));
        if (answer.status == 200) stored++;
        buf_deinit(&body);
    }
    assert_int_equal(answer.status, 503);
    expect_in("\r\nRetry-After: 2\r\n", bytes_of_text(answer.head)); /* 1500 ms */
    assert_true(stored >= 2);
    assert_int_equal(taken_wait(fixture, stored), stored);
    taken_release(fixture);
    ingest_stop(fixture->ingest);
    struct buf body = spans_of(1000, 1);
    expect(fixture, "POST /v1/traces", WITH_KEY PROTOBUF, buf_bytes(&body), 503, "stopping", "");
    buf_deinit(&body);
    fixture_close(fixture);
}

#define ORIGIN(origin) "origin: " origin "\r\n"
#define ASKS           "access-control-request-method: POST\r\n"

/* Goal: a browser lets pages of browser keys send, with the headers that they ask for, and no other page.
 * Method: preflights of known and unknown pages, and OPTIONS that are none. */
static void test_preflights(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers;
        int status;
        const char *header;
    } cases[] = {
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS, 204, "\r\nAccess-Control-Allow-Origin: " SHOP "\r\n" },
        { "OPTIONS /v1/logs/", ORIGIN(SHOP) ASKS, 204, "\r\nAccess-Control-Allow-Methods: POST\r\n" },
        { "OPTIONS /v1/metrics", ORIGIN(SHOP) ASKS, 204, "\r\nAccess-Control-Max-Age: 7200\r\n" },
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS, 204, "\r\nVary: Origin, Access-Control-Request-Headers\r\n" },
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS, 204,
          "\r\nAccess-Control-Allow-Headers: content-type, authorization, x-api-key, content-encoding, traceparent, "
          "tracestate, baggage\r\n" },
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS "access-control-request-headers: x-api-key,x-own\r\n", 204,
          "\r\nAccess-Control-Allow-Headers: x-api-key,x-own\r\n" },
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS "access-control-request-headers: a:b\r\n", 204,
          "\r\nAccess-Control-Allow-Headers: content-type, " },
        { "OPTIONS /v1/traces", ORIGIN(SHOP) ASKS "access-control-request-private-network: true\r\n", 204,
          "\r\nAccess-Control-Allow-Private-Network: true\r\n" },
        { "OPTIONS /v1/traces", ORIGIN("https://unknown.example") ASKS, 403, "\r\nVary: Origin\r\n" },
        { "OPTIONS /v1/nothing", ORIGIN(SHOP) ASKS, 404, "\r\nAccess-Control-Allow-Origin: " SHOP "\r\n" },
        { "OPTIONS /v1/traces", ORIGIN("https://unknown.example"), 204, "\r\nAllow: POST, OPTIONS\r\n" },
        { "OPTIONS /v1/traces", "", 204, "\r\nAllow: POST, OPTIONS\r\n" },
    };
    struct fixture *fixture = fixture_open(64 << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect(fixture, cases[i].line, cases[i].headers, BYTES(""), cases[i].status, "", cases[i].header);
        struct answer answer = ask(fixture, cases[i].line, cases[i].headers, BYTES(""));
        bool is_allowed = strstr(answer.head, "Access-Control-Allow-Origin") != NULL;
        assert_int_equal(is_allowed, strstr(cases[i].headers, SHOP) != NULL);
    }
    fixture_close(fixture);
}

/* Goal: a browser key works from its own pages alone, other keys from no page, and a page that may send can read the answer.
 * Method: both keys, in both headers, from all kinds of origins. */
static void test_browser_keys(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int status;
        const char *words;
        bool is_readable;
    } cases[] = {
        { PROTOBUF "x-api-key: " BROWSER "\r\n" ORIGIN(SHOP), 200, "", true },
        { PROTOBUF "authorization: Bearer " BROWSER "\r\n" ORIGIN(SHOP), 200, "", true },
        { JSON "x-api-key: " BROWSER "\r\n" ORIGIN("https://other.example"), 403,
          "this key is not for pages of \\\"https://other.example\\\"", true },
        { JSON "x-api-key: " BROWSER "\r\n" ORIGIN("https://unknown.example"), 403, "this key is not for pages",
          false },
        { JSON "x-api-key: " BROWSER "\r\n", 403, "has no Origin", false },
        { JSON WITH_KEY ORIGIN(SHOP), 403, "everyone who opens a page can read its key", true },
        { JSON WITH_KEY ORIGIN("https://unknown.example"), 403, "--browser https://unknown.example", false },
        { JSON ORIGIN(SHOP), 401, "a web page sends it as header", true },
        { JSON "x-api-key: mono_wrong\r\n" ORIGIN(SHOP), 401, "unknown or revoked", true },
    };
    struct fixture *fixture = fixture_open(64 << 20);
    struct buf body = spans_of(1, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = ask(fixture, "POST /v1/traces", cases[i].headers, buf_bytes(&body));
        if (answer.status != cases[i].status) fail_msg("%s: %s", cases[i].headers, (const char *)answer.text);
        expect_in(cases[i].words, answer.body);
        bool is_readable = strstr(answer.head, "\r\nAccess-Control-Allow-Origin: ") != NULL;
        assert_int_equal(is_readable, cases[i].is_readable);
        assert_int_equal(strstr(answer.head, "\r\nAccess-Control-Expose-Headers: Retry-After\r\n") != NULL,
                         is_readable);
        assert_int_equal(strstr(answer.head, "\r\nVary: Origin\r\n") != NULL,
                         strstr(cases[i].headers, "origin") != NULL);
    }
    buf_deinit(&body);
    fixture_close(fixture);
}

/* Goal: the answers in JSON and google.rpc.Status are what the specification has, whatever bytes are in the words.
 * Method: the greatest of each, read by eye. */
static void test_answer_forms(void **state)
{
    (void)state;
    uint8_t answer[ANSWER_JSON_BYTES_MAX], status[STATUS_BYTES_MAX];
    size_t len = answer_encode_json(OTLP_TRACES, 3, "a \"b\"", answer);
    assert_true(
        bytes_equal(bytes_from(answer, len), BYTES("{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":"
                                                   "\"a \\\"b\\\"\"}}")));
    len = answer_encode_json(OTLP_METRICS, INT64_MAX, "", answer);
    expect_in("{\"rejectedDataPoints\":\"9223372036854775807\",", bytes_from(answer, len));
    assert_int_equal(answer_encode_json(OTLP_LOGS, 0, "", answer), 2);
    char reason[ANSWER_REASON_BYTES_MAX + 1];
    memset(reason, 1, sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    assert_true(answer_encode_json(OTLP_LOGS, INT64_MAX, reason, answer) <= sizeof answer);

    len = status_encode(8, "caf\xC3\xA9", status);
    assert_true(bytes_equal(bytes_from(status, len), BYTES("\x08\x08\x12\x05"
                                                           "caf\xC3\xA9")));
    len = status_encode(8, "caf\xE9", status);
    assert_true(bytes_equal(bytes_from(status, len), BYTES("\x08\x08\x12\x04"
                                                           "caf?")));
    char words[sizeof(((struct err *)0)->text)];
    memset(words, 1, sizeof words - 1);
    words[sizeof words - 1] = '\0';
    assert_true(status_encode_json(16, words, status) <= sizeof status);
    assert_true(status_encode(16, words, status) <= sizeof status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_forms), cmocka_unit_test(test_every_encoding_is_stored),
        cmocka_unit_test(test_json),         cmocka_unit_test(test_refusals_say_what_to_do),
        cmocka_unit_test(test_busy),         cmocka_unit_test(test_preflights),
        cmocka_unit_test(test_browser_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
