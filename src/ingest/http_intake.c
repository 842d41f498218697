/* OTLP/HTTP: what a request's path and headers say, and how it is answered, in its own type.
 * Source: OTLP specification, "OTLP/HTTP". */
#include <stdio.h>

#include "ingest/answer.h"
#include "ingest/arrival.h"
#include "ingest/call.h"
#include "ingest/cors.h"
#include "net/http.h"

/* http_request's marks: */
enum {
    MARK_PROTOBUF = 1, /* its type, and that of the answer; else JSON */
    MARK_PAGE = 2,     /* it comes from a page that may read the answer */
    MARK_SNAPSHOT = 4, /* the answer asks for a snapshot of the page */
    MARK_STATUS = 8,   /* bits from here on: the status of a refusal that no err_code has */
};
enum { HEADERS_MAX = CORS_HEADERS_MAX + 4 };

/* ---- answers ---- */

static struct bytes type_of(const struct http_request *request)
{
    return (request->marks & MARK_PROTOBUF) != 0 ? BYTES("application/x-protobuf") : BYTES("application/json");
}

static void answer(struct http_request *request, int status, struct http_header *headers, uint32_t count,
                   struct bytes body)
{
    headers[count++] = (struct http_header){ BYTES("Content-Type"), type_of(request) };
    count += cors_answer_headers(request, (request->marks & MARK_PAGE) != 0, headers + count);
    assert(count <= HEADERS_MAX);
    http_answer(request, &(struct http_response){ status, headers, count, body });
}

static void ask_snapshot_on(void *ctx)
{
    struct http_request *request = ctx;
    request->marks |= MARK_SNAPSHOT;
}

static void accept_on(void *ctx, enum otlp_signal signal, const struct otlp_request *decoded)
{
    struct http_request *request = ctx;
    struct http_header headers[HEADERS_MAX];
    if ((request->marks & MARK_SNAPSHOT) != 0) {
        answer(request, 200, headers, 0, BYTES("{\"snapshot\":true}"));
        return;
    }
    uint8_t body[ANSWER_JSON_BYTES_MAX];
    static_assert(ANSWER_JSON_BYTES_MAX >= ANSWER_BYTES_MAX, "both answers fit");
    size_t len = (request->marks & MARK_PROTOBUF) != 0
                     ? answer_encode(decoded->rejected_count, decoded->rejected_reason, body)
                     : answer_encode_json(signal, decoded->rejected_count, decoded->rejected_reason, body);
    answer(request, 200, headers, 0, bytes_from(body, len));
}

static void refuse_on(void *ctx, const struct err *err, uint32_t retry_delay_ms)
{
    struct http_request *request = ctx;
    struct http_header headers[HEADERS_MAX];
    uint32_t count = 0;
    uint8_t body[STATUS_BYTES_MAX];
    char seconds[12];
    int status = (int)(request->marks >> MARK_STATUS);
    if (status == 0) status = err_http_status(err->code);
    if ((status == 429 || status == 503) && err_is_retryable(err->code)) {
        int len = snprintf(seconds, sizeof seconds, "%u", (retry_delay_ms + 999) / 1000);
        headers[count++] = (struct http_header){ BYTES("Retry-After"), bytes_from(seconds, (size_t)len) };
    } else if (status == 405) {
        headers[count++] = (struct http_header){ BYTES("Allow"), BYTES("POST, OPTIONS") };
    } else if (status == 415) { /* RFC 9110, 15.5.16 */
        headers[count++] = (struct http_header){ BYTES("Accept-Encoding"), BYTES("gzip, zstd, deflate") };
        headers[count++] =
            (struct http_header){ BYTES("Accept-Post"), BYTES("application/x-protobuf, application/json") };
    }
    size_t len = (request->marks & MARK_PROTOBUF) != 0
                     ? status_encode(err_grpc_status(err->code), err->text, body)
                     : status_encode_json(err_grpc_status(err->code), err->text, body);
    answer(request, status, headers, count, bytes_from(body, len));
}

static const struct transport transport = { .accept = accept_on, .refuse = refuse_on, .ask_snapshot = ask_snapshot_on };

/* Answers with a status that no err_code has; the code is for gRPC's number in the body, and for the counts. */
static bool refuse_with(struct http_request *request, int status, struct err *err, enum err_code code, const char *text)
{
    request->marks |= (uint32_t)status << MARK_STATUS;
    return err_set(err, code, "%s", text);
}

/* ---- what the head says ---- */

static bool path_find(const struct http_request *request, struct arrival *arrival, struct err *err)
{
    enum otlp_signal *signal = &arrival->signal;
    struct bytes path = request->path;
    if (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    if (bytes_equal(path, BYTES("/v1/traces"))) return *signal = OTLP_TRACES, true;
    if (bytes_equal(path, BYTES("/v1/logs"))) return *signal = OTLP_LOGS, true;
    if (bytes_equal(path, BYTES("/v1/metrics"))) return *signal = OTLP_METRICS, true;
    if (bytes_equal(path, BYTES("/v1/replay"))) return *signal = OTLP_REPLAY, true;
    arrival->is_rrweb = bytes_equal(path, BYTES("/api/v1/rrweb"));
    if (arrival->is_rrweb) return *signal = OTLP_REPLAY, true;
    return err_set(err, ERR_NOT_FOUND,
                   "nothing is here: POST to /v1/traces, /v1/logs or /v1/metrics; OTEL_EXPORTER_OTLP_ENDPOINT is the "
                   "address without them, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT the whole URL");
}

/* "gzip" of a header that holds one name, in any case, and what is after a semicolon is left out. */
static bool name_is(struct bytes value, const char *name)
{
    const uint8_t *end = value.len == 0 ? NULL : memchr(value.ptr, ';', value.len);
    return http_text_is(http_trimmed(end == NULL ? value : bytes_from(value.ptr, (size_t)(end - value.ptr))), name);
}

static bool is_protobuf(struct bytes type)
{
    return name_is(type, "application/x-protobuf") || name_is(type, "application/protobuf");
}

static bool type_find(struct http_request *request, enum otlp_signal signal, enum buffer_format *format,
                      struct err *err)
{
    struct bytes type = http_request_header(request, "content-type");
    *format = is_protobuf(type) ? BUFFER_FORMAT_PROTOBUF : BUFFER_FORMAT_JSON;
    if (*format == BUFFER_FORMAT_PROTOBUF && signal == OTLP_REPLAY)
        return refuse_with(request, 415, err, ERR_UNSUPPORTED, "batches of replays are application/json");
    if (*format == BUFFER_FORMAT_PROTOBUF || name_is(type, "application/json")) return true;
    return refuse_with(request, 415, err, ERR_UNSUPPORTED,
                       type.len == 0
                           ? "no Content-Type: it is application/x-protobuf or application/json"
                           : "this Content-Type is not known: use application/x-protobuf or application/json");
}

static bool encoding_find(struct http_request *request, enum buffer_encoding *encoding, struct err *err)
{
    static const struct {
        const char *name;
        enum buffer_encoding encoding;
    } encodings[] = {
        { "", BUFFER_ENCODING_IDENTITY },       { "identity", BUFFER_ENCODING_IDENTITY },
        { "none", BUFFER_ENCODING_IDENTITY },   { "gzip", BUFFER_ENCODING_GZIP },
        { "x-gzip", BUFFER_ENCODING_GZIP },     { "zstd", BUFFER_ENCODING_ZSTD },
        { "deflate", BUFFER_ENCODING_DEFLATE },
    };
    struct bytes name = http_request_header(request, "content-encoding");
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        if (!http_text_is(name, encodings[i].name)) continue;
        *encoding = encodings[i].encoding;
        return true;
    }
    return refuse_with(request, 415, err, ERR_UNSUPPORTED,
                       "this Content-Encoding is not known: use gzip, zstd, deflate or none, once");
}

/* Names that people try in URLs. */
static bool has_key_in_url(struct bytes query)
{
    static const char *const names[] = { "key",       "api_key", "apikey",       "api-key",
                                         "x-api-key", "token",   "access_token", "authorization" };
    while (query.len > 0) {
        const uint8_t *end = memchr(query.ptr, '&', query.len);
        size_t len = end == NULL ? query.len : (size_t)(end - query.ptr);
        const uint8_t *equals = memchr(query.ptr, '=', len);
        size_t name_len = equals == NULL ? 0 : (size_t)(equals - query.ptr);
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (http_text_is(bytes_from(query.ptr, name_len), names[i])) return true;
        }
        size_t skip = end == NULL ? len : len + 1;
        query = bytes_from(query.ptr + skip, query.len - skip);
    }
    return false;
}

/* A browser key is for its pages alone, and pages are for browser keys alone: whoever opens one can read its key. */
static bool origin_check(const struct ingest_keys *keys, const struct http_request *request, struct bytes secret,
                         const struct arrival *arrival, struct err *err)
{
    struct bytes origin = http_request_header(request, "origin");
    int shown = origin.len < 60 ? (int)origin.len : 60;
    if (!arrival->has_key) {
        if (origin.len == 0) return true;
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "no API key: a web page sends it as header, \"authorization: Bearer KEY\" or \"x-api-key: KEY\"");
    }
    if (arrival->key.is_browser) {
        if (origin.len == 0) {
            return err_set(
                err, ERR_FORBIDDEN,
                "this key is for web pages, and the request has no Origin: use another key outside of pages");
        }
        if (keys->allows_origin != NULL && keys->allows_origin(keys->ctx, secret, origin)) return true;
        return err_set(err, ERR_FORBIDDEN,
                       "this key is not for pages of \"%.*s\": monoscope key create PROJECT NAME --browser ORIGIN",
                       shown, (const char *)origin.ptr);
    }
    if (origin.len == 0) return true;
    return err_set(err, ERR_FORBIDDEN,
                   "everyone who opens a page can read its key, and this one can do too much: monoscope key create "
                   "PROJECT NAME --browser %.*s (a proxy that adds the key: leave Origin out)",
                   shown, (const char *)origin.ptr);
}

static struct bytes secret_of(const struct http_request *request)
{
    return call_key(http_request_header(request, "authorization"), http_request_header(request, "x-api-key"));
}

static bool head_read(struct ingest *ingest, struct http_request *request, struct arrival *arrival, struct err *err)
{
    if (!bytes_equal(request->method, BYTES("POST"))) {
        return refuse_with(request, 405, err, ERR_UNSUPPORTED, "telemetry comes by POST");
    }
    struct bytes secret = secret_of(request);
    if (secret.len == 0 && has_key_in_url(request->query)) {
        return err_set(err, ERR_UNAUTHENTICATED,
                       "a key in the URL would be kept in logs on the way: send it as header, \"authorization: Bearer "
                       "KEY\" or \"x-api-key: KEY\", and make a new one");
    }
    return ingest_key_look(ingest, secret, arrival, err) &&
           origin_check(ingest_keys_of(ingest), request, secret, arrival, err) &&
           type_find(request, arrival->signal, &arrival->format, err) &&
           encoding_find(request, &arrival->encoding, err);
}

/* Before anything is refused: in which form, and may a page read it? */
static void marks_set(struct ingest *ingest, struct http_request *request)
{
    const struct ingest_keys *keys = ingest_keys_of(ingest);
    struct bytes origin = http_request_header(request, "origin");
    if (is_protobuf(http_request_header(request, "content-type"))) request->marks |= MARK_PROTOBUF;
    if (origin.len > 0 && keys->knows_origin != NULL && keys->knows_origin(keys->ctx, origin)) {
        request->marks |= MARK_PAGE;
    }
}

static void options_answer(struct http_request *request)
{
    struct http_header headers[HEADERS_MAX] = { { BYTES("Allow"), BYTES("POST, OPTIONS") } };
    uint32_t count = 1;
    if (cors_is_preflight(request)) count += cors_preflight_headers(request, headers + count);
    http_answer(request, &(struct http_response){ .status = 204, .headers = headers, .header_count = count });
}

void ingest_http(void *ctx, struct http_request *request)
{
    struct ingest *ingest = ctx;
    struct err err = { 0 };
    struct arrival arrival = { .transport = &transport,
                               .request = request,
                               .agent = http_request_header(request, "user-agent") };
    marks_set(ingest, request);
    bool ok = path_find(request, &arrival, &err);
    if (ok && bytes_equal(request->method, BYTES("OPTIONS"))) {
        if (!cors_is_preflight(request) || (request->marks & MARK_PAGE) != 0) {
            options_answer(request);
            return;
        }
        ok = err_set(&err, ERR_FORBIDDEN,
                     "no browser key is for pages of this origin: monoscope key create PROJECT NAME --browser ORIGIN");
    }
    if (!ok || !head_read(ingest, request, &arrival, &err)) {
        ingest_refuse(ingest, &arrival, &err);
        return;
    }
    arrival.received_unix_us = request->received_unix_us;
    arrival.body = http_request_take_body(request);
    ingest_take(ingest, &arrival);
}

void ingest_http_refuse(void *ctx, struct http_request *request, const struct http_refusal *refusal)
{
    struct err err = { 0 }, no_path = { 0 };
    struct arrival arrival = { .transport = &transport,
                               .request = request,
                               .agent = http_request_header(request, "user-agent") };
    marks_set(ctx, request);
    (void)path_find(request, &arrival, &no_path); /* for the counts, as the key is */
    ingest_key_recall(ctx, secret_of(request), &arrival);
    enum err_code code = refusal->status == 413 ? ERR_TOO_LARGE : refusal->status == 503 ? ERR_BUSY : ERR_PROTOCOL;
    refuse_with(request, refusal->status, &err, code,
                code == ERR_TOO_LARGE ? "the request is larger than this server takes: send smaller batches"
                                      : refusal->text);
    ingest_refuse(ctx, &arrival, &err);
}
