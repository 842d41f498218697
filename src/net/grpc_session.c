#include "net/grpc_session.h"

#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_status.h"
#include "net/http2_alive.h"
#include "net/http2_guard.h"

enum {
    STREAM_WINDOW_BYTES = 8 << 20,
    CONNECTION_WINDOW_BYTES = 64 << 20,
    FRAME_BYTES_MAX = 1 << 20,
    HEADER_LIST_BYTES_MAX = 16 << 10, /* as RFC 9113, 6.5.2 counts: name, value and 32 */
    BODY_STEP_BYTES = 1 << 20,        /* kept at once for a message that is said to be larger */
    CHOKED_FRAMES = 1000,
    REJECTED_BYTES_MAX = 64 << 10, /* of a body that is not gRPC, until it is answered all the same */
    RETRY_DELAY_MS = 1000,
    PREFIX_BYTES = 5, /* gRPC: compressed flag, length of the message */
};
/* A body must come at a modem's pace after its first minute, and an answer be taken within one. */
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t WAIT_SECONDS_MAX = 60;
static const uint64_t REJECTED_SECONDS_MAX = 10;
static const size_t BODY_BYTES_A_SECOND_MIN = 8 << 10;

enum call_state {
    CALL_OPEN,     /* its headers or its body are coming */
    CALL_REJECTED, /* not gRPC: answered when its body is over, as HTTP clients like it */
    CALL_WHOLE,    /* waits for grpc_session_next */
    CALL_HANDLED,  /* handed out */
    CALL_ANSWERED, /* the response is nghttp2's; lives until the stream closes */
};

struct grpc_call {
    struct grpc_request request;  /* first: grpc_request * is grpc_call * */
    struct grpc_session *session; /* NULL once the stream or the session is gone */
    struct admission *admission;
    struct grpc_call *older, *newer; /* in the session */
    struct grpc_call *next;          /* of the whole ones */
    enum call_state state;
    bool is_lent;       /* with the handler: lives until grpc_call_apply, whatever becomes of the stream */
    bool is_lost;       /* the stream is gone */
    bool is_text_reply; /* plain HTTP: without prefix and trailers */
    int32_t stream_id;
    uint64_t since_mono_ns;    /* opened, or answered */
    uint64_t deadline_mono_ns; /* of grpc-timeout; 0: none */
    uint64_t charged;
    /* of the headers */
    size_t header_list_bytes;
    char *path, *authorization, *x_api_key, *encoding_name; /* NULL until seen */
    bool is_post, is_head, has_content_type, is_grpc, is_header_list_too_large;
    const char *http_status; /* of a rejected one */
    /* of the body */
    uint8_t prefix[PREFIX_BYTES];
    size_t prefix_len, body_len, body_cap, message_bytes;
    uint8_t *body;
    /* of the answer */
    struct err answer; /* ERR_OK: reply counts */
    uint32_t retry_delay_ms;
    uint8_t *reply; /* prefix and message */
    size_t reply_len, reply_sent;
};

struct grpc_session {
    nghttp2_session *http;
    struct admission *admission;
    struct server_connection *owner;
    uint32_t message_bytes_max, streams_max;
    uint32_t call_count;  /* also those whose stream is gone while the handler works on them */
    uint64_t now_mono_ns; /* of the last feed or tick */
    struct http2_guard guard;
    struct http2_alive alive;
    struct grpc_call *oldest, *newest;
    struct grpc_call *whole_first, **whole_last;
    const uint8_t *piece; /* of nghttp2's output, not yet copied */
    size_t piece_len;
    bool has_heard; /* a first byte: nothing is sent before, for it may not be HTTP/2 */
    bool has_begun, is_broken;
    bool is_cut; /* takes no more bytes: the last that it sends says why */
};

/* ---- memory and its counts ---- */

static struct grpc_call *call_of(struct grpc_request *request)
{
    return (struct grpc_call *)request;
}

static bool charge(struct grpc_call *call, uint64_t bytes)
{
    if (!admission_charge(call->admission, bytes)) return false;
    call->charged += bytes;
    return true;
}

static void body_free(struct grpc_call *call)
{
    if (call->body != NULL) admission_spare_give(call->admission, call->body, call->body_cap);
    call->body = NULL;
    call->body_len = call->body_cap = 0;
    call->request.body = (struct bytes){ 0 };
    admission_return(call->admission, call->charged);
    call->charged = 0;
}

struct bytes grpc_request_take_body(struct grpc_request *request)
{
    struct grpc_call *call = call_of(request);
    struct bytes body = bytes_from(call->body, call->body_len);
    if (body.len == 0) return (struct bytes){ 0 };
    call->body = NULL;
    call->body_len = call->body_cap = 0;
    request->body = (struct bytes){ 0 };
    return body;
}

static struct grpc_call *call_create(struct grpc_session *session, int32_t stream_id)
{
    struct grpc_call *call = mem_calloc(1, sizeof *call);
    call->session = session;
    call->admission = session->admission;
    call->stream_id = stream_id;
    call->since_mono_ns = session->now_mono_ns;
    call->older = session->newest;
    *(call->older != NULL ? &call->older->newer : &session->oldest) = call;
    session->newest = call;
    session->call_count++;
    atomic_fetch_add(&call->admission->requests, 1);
    return call;
}

/* From here on nobody waits for its answer. */
static void call_detach(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    *(call->older != NULL ? &call->older->newer : &session->oldest) = call->newer;
    *(call->newer != NULL ? &call->newer->older : &session->newest) = call->older;
    session->call_count--;
    call->session = NULL;
    call->older = call->newer = NULL;
}

static void call_free(struct grpc_call *call)
{
    assert(call->session == NULL);
    body_free(call);
    free(call->path);
    free(call->authorization);
    free(call->x_api_key);
    free(call->encoding_name);
    free(call->reply);
    atomic_fetch_sub(&call->admission->requests, 1);
    free(call);
}

/* The stream is gone. What the handler works on counts as a call of this connection until it is done: otherwise a
 * client could have any number of them by resetting each (CVE-2023-44487). */
static void call_lose(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    if (call->state == CALL_WHOLE) {
        struct grpc_call **at = &session->whole_first;
        while (*at != call) at = &(*at)->next;
        *at = call->next;
        if (session->whole_last == &call->next) session->whole_last = at;
    }
    if (call->is_lent) {
        call->is_lost = true;
        return;
    }
    call_detach(call);
    call_free(call);
}

/* ---- answers ---- */

static nghttp2_nv header(const char *name, const char *value, size_t value_len)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), value_len,
                         NGHTTP2_NV_FLAG_NONE };
}
static nghttp2_nv header_text(const char *name, const char *value)
{
    return header(name, value, strlen(value));
}

static ssize_t reply_read(nghttp2_session *http, int32_t stream_id, uint8_t *out, size_t max, uint32_t *flags,
                          nghttp2_data_source *source, void *ctx)
{
    (void)ctx;
    struct grpc_call *call = source->ptr;
    size_t len = call->reply_len - call->reply_sent;
    if (len > max) len = max;
    memcpy(out, call->reply + call->reply_sent, len);
    call->reply_sent += len;
    if (call->reply_sent == call->reply_len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (call->is_text_reply) return (ssize_t)len;
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_nv trailer = header_text("grpc-status", "0");
        if (nghttp2_submit_trailer(http, stream_id, &trailer, 1) != 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)len;
}

/* nghttp2 fails to queue a response only for want of memory. */
static void respond(struct grpc_call *call, const nghttp2_nv *headers, size_t count, bool has_reply)
{
    nghttp2_data_provider reply = { .source.ptr = call, .read_callback = reply_read };
    int failed =
        nghttp2_submit_response(call->session->http, call->stream_id, headers, count, has_reply ? &reply : NULL);
    if (failed != 0) call->session->is_broken = true;
    call->state = CALL_ANSWERED;
    call->since_mono_ns = call->session->now_mono_ns;
}

/* To a client that does not speak gRPC: a browser, a health check, an exporter of another protocol. */
static void respond_text(struct grpc_call *call)
{
    nghttp2_nv headers[] = {
        header_text(":status", call->http_status),
        header_text("content-type", "text/plain; charset=utf-8"),
        header_text("allow", "POST"),
    };
    body_free(call);
    respond(call, headers, COUNT_OF(headers), !call->is_head);
}

/* Answered when the request is over (then it is an exchange as any other), or when that takes too long. */
static void reject(struct grpc_call *call, const char *http_status, const char *text)
{
    assert(call->state == CALL_OPEN);
    call->state = CALL_REJECTED;
    call->http_status = http_status;
    call->is_text_reply = true;
    call->reply_len = strlen(text);
    call->reply = mem_alloc(call->reply_len);
    memcpy(call->reply, text, call->reply_len);
}

static void respond_error(struct grpc_call *call, const struct err *err, uint32_t retry_delay_ms)
{
    int status = err_grpc_status(err->code);
    char status_text[12], message[GRPC_MESSAGE_BYTES_MAX], details[GRPC_DETAILS_BYTES_MAX];
    int status_len = snprintf(status_text, sizeof status_text, "%d", status);
    nghttp2_nv headers[6] = {
        header_text(":status", "200"),
        header_text("content-type", "application/grpc"),
        header("grpc-status", status_text, (size_t)status_len),
        header("grpc-message", message, grpc_message_encode(err->text, message)),
        header_text("grpc-accept-encoding", "identity,gzip,zstd"),
    };
    size_t count = 5;
    if (err_is_retryable(err->code)) {
        size_t len = grpc_retry_details_encode(status, err->text, retry_delay_ms, details);
        headers[count++] = header("grpc-status-details-bin", details, len);
    }
    respond(call, headers, count, false);
}

static void respond_reply(struct grpc_call *call)
{
    nghttp2_nv headers[] = {
        header_text(":status", "200"),
        header_text("content-type", "application/grpc"),
        header_text("grpc-accept-encoding", "identity,gzip,zstd"),
    };
    respond(call, headers, COUNT_OF(headers), true);
}

/* Ends a call before it reaches the handler. */
static void refuse(struct grpc_call *call, enum err_code code, const char *text)
{
    struct err err = { 0 };
    assert(call->state == CALL_OPEN);
    err_set(&err, code, "%s", text);
    body_free(call);
    respond_error(call, &err, RETRY_DELAY_MS);
}

static void refuse_full(struct grpc_call *call)
{
    refuse(call, ERR_BUSY, "could not take the call: too many bytes are in flight");
}

void grpc_call_set_answer(struct grpc_request *request, const struct err *err, struct bytes message,
                          uint32_t retry_delay_ms)
{
    struct grpc_call *call = call_of(request);
    assert(call->is_lent);
    call->retry_delay_ms = retry_delay_ms == 0 ? RETRY_DELAY_MS : retry_delay_ms;
    if (err != NULL && err->code != ERR_OK) {
        call->answer = *err;
        return;
    }
    assert(message.len <= UINT32_MAX);
    call->reply_len = PREFIX_BYTES + message.len;
    call->reply = mem_alloc(call->reply_len);
    call->reply[0] = 0; /* not compressed */
    uint32_t len = __builtin_bswap32((uint32_t)message.len);
    memcpy(call->reply + 1, &len, 4);
    if (message.len > 0) memcpy(call->reply + PREFIX_BYTES, message.ptr, message.len);
}

static bool is_overdue(const struct grpc_call *call)
{
    return call->deadline_mono_ns != 0 && call->session->now_mono_ns > call->deadline_mono_ns;
}

/* The handler may be at work: what it was given is not lost, and a repeat is known as one. */
static void respond_overdue(struct grpc_call *call)
{
    struct err err = { 0 };
    err_set(&err, ERR_TIMEOUT, "the call's deadline passed before it was answered");
    respond_error(call, &err, RETRY_DELAY_MS);
}

struct grpc_session *grpc_call_apply(struct grpc_request *request)
{
    struct grpc_call *call = call_of(request);
    struct grpc_session *session = call->session;
    assert(call->is_lent);
    call->is_lent = false;
    if (session == NULL || call->is_lost) {
        if (session != NULL) call_detach(call);
        call_free(call);
        return NULL;
    }
    body_free(call);
    if (call->state == CALL_ANSWERED) return session; /* its deadline has passed: the client was told */
    http2_guard_answered(&session->guard);
    if (is_overdue(call)) {
        respond_overdue(call);
    } else if (call->answer.code != ERR_OK) {
        respond_error(call, &call->answer, call->retry_delay_ms);
    } else {
        respond_reply(call);
    }
    return session;
}

/* ---- what comes in: headers ---- */

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *ctx)
{
    struct grpc_session *session = ctx;
    http2_guard_list_begin(&session->guard);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (session->call_count >= session->streams_max) { /* of which the handler still has some */
        (void)nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    struct grpc_call *call = call_create(session, frame->hd.stream_id);
    if (nghttp2_session_set_stream_user_data(http, frame->hd.stream_id, call) != 0) call_lose(call);
    return 0;
}

static bool text_is(const uint8_t *ptr, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(ptr, text, len) == 0;
}

static bool content_type_is_grpc(struct bytes value)
{
    struct bytes start = BYTES("application/grpc");
    if (value.len < start.len || memcmp(value.ptr, start.ptr, start.len) != 0) return false;
    struct bytes rest = { value.ptr + start.len, value.len - start.len };
    if (rest.len == 0 || rest.ptr[0] == ';') return true;
    return rest.len >= 6 && memcmp(rest.ptr, "+proto", 6) == 0 && (rest.len == 6 || rest.ptr[6] == ';');
}

/* PROTOCOL-HTTP2.md: at most 8 digits and a unit. 0: not of that form, and without effect. */
static uint64_t timeout_ns(struct bytes value)
{
    static const char units[] = "numSMH";
    static const uint64_t unit_ns[] = { 1, 1000, 1000000, 1000000000, 60000000000, 3600000000000 };
    uint64_t number = 0;
    if (value.len < 2 || value.len > 9) return 0;
    for (size_t i = 0; i + 1 < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') return 0;
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    const char *unit = memchr(units, value.ptr[value.len - 1], sizeof units - 1);
    if (unit == NULL) return 0;
    uint64_t ns = number * unit_ns[unit - units]; /* at most 3.6e20: too much for 64 bits */
    return ns / unit_ns[unit - units] == number ? ns : UINT64_MAX / 2;
}

static void keep_first(char **kept, struct bytes value)
{
    if (*kept == NULL) *kept = bytes_to_text(value);
}

/* nghttp2 has checked the names to be lower case, and the pseudo headers (RFC 9113, 8.3). */
static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value_ptr, size_t value_len, uint8_t flags, void *ctx)
{
    (void)flags;
    struct grpc_session *session = ctx;
    if (!http2_guard_list_add(&session->guard, name_len, value_len)) return NGHTTP2_ERR_PAUSE;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0; /* trailers say nothing to us */
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, frame->hd.stream_id);
    if (call == NULL || call->is_header_list_too_large) return 0;
    call->header_list_bytes += name_len + value_len + 32;
    if (call->header_list_bytes > HEADER_LIST_BYTES_MAX) {
        call->is_header_list_too_large = true;
        return 0;
    }
    struct bytes value = { value_ptr, value_len };
    if (text_is(name, name_len, ":path")) {
        keep_first(&call->path, value);
    } else if (text_is(name, name_len, ":method")) {
        call->is_post = text_is(value.ptr, value.len, "POST");
        call->is_head = text_is(value.ptr, value.len, "HEAD");
    } else if (text_is(name, name_len, "content-type")) {
        if (!call->has_content_type) call->is_grpc = content_type_is_grpc(value);
        call->has_content_type = true;
    } else if (text_is(name, name_len, "grpc-encoding")) {
        keep_first(&call->encoding_name, value);
    } else if (text_is(name, name_len, "authorization")) {
        keep_first(&call->authorization, value);
    } else if (text_is(name, name_len, "x-api-key")) {
        keep_first(&call->x_api_key, value);
    } else if (text_is(name, name_len, "grpc-timeout") && call->deadline_mono_ns == 0) {
        uint64_t ns = timeout_ns(value);
        if (ns > 0) call->deadline_mono_ns = session->now_mono_ns + ns;
    }
    return 0;
}

static struct bytes text_or_none(const char *text)
{
    return text == NULL ? BYTES("") : bytes_of_text(text);
}

static void headers_end(struct grpc_call *call)
{
    if (call->is_header_list_too_large) {
        reject(call, "431", "The headers are larger than 16 KiB.\n");
        return;
    }
    if (!call->is_post || call->path == NULL) {
        reject(call, "405", "This port speaks gRPC: there is nothing to GET here.\n");
        return;
    }
    if (!call->is_grpc) {
        reject(call, "415", "This port speaks gRPC: POST with content-type application/grpc.\n");
        return;
    }
    if (!charge(call, sizeof *call + call->header_list_bytes)) {
        refuse_full(call);
        return;
    }
    struct grpc_request *request = &call->request;
    request->path = bytes_of_text(call->path);
    request->authorization = text_or_none(call->authorization);
    request->x_api_key = text_or_none(call->x_api_key);
    request->encoding_name = text_or_none(call->encoding_name);
}

/* ---- what comes in: the message ---- */

static enum grpc_encoding encoding_of(struct bytes name)
{
    if (name.len == 0 || bytes_equal(name, BYTES("identity"))) return GRPC_ENCODING_IDENTITY;
    if (bytes_equal(name, BYTES("gzip"))) return GRPC_ENCODING_GZIP;
    if (bytes_equal(name, BYTES("zstd"))) return GRPC_ENCODING_ZSTD;
    return GRPC_ENCODING_UNKNOWN;
}

/* The five bytes are there: may we keep what they announce? */
static void prefix_end(struct grpc_call *call)
{
    struct grpc_request *request = &call->request;
    uint32_t len;
    memcpy(&len, call->prefix + 1, 4);
    call->message_bytes = __builtin_bswap32(len);
    if (call->prefix[0] > 1) {
        refuse(call, ERR_INPUT, "cannot read the message: its compressed flag is neither 0 nor 1");
        return;
    }
    /* Without the flag the bytes are plain, whatever grpc-encoding says. */
    request->encoding = call->prefix[0] == 0 ? GRPC_ENCODING_IDENTITY : encoding_of(request->encoding_name);
    if (request->encoding == GRPC_ENCODING_UNKNOWN) {
        refuse(call, ERR_UNSUPPORTED, "cannot decompress the message: we take identity, gzip and zstd");
        return;
    }
    if (call->prefix[0] == 1 && request->encoding == GRPC_ENCODING_IDENTITY) {
        /* compression.md: INTERNAL */
        refuse(call, ERR_INTERNAL, "cannot decompress the message: its flag is set but grpc-encoding names no way");
        return;
    }
    if (call->message_bytes > call->session->message_bytes_max) {
        char text[120];
        snprintf(text, sizeof text, "cannot take a message of %zu bytes: the limit is %" PRIu32, call->message_bytes,
                 call->session->message_bytes_max);
        refuse(call, ERR_TOO_LARGE, text);
        return;
    }
    if (!charge(call, call->message_bytes)) {
        refuse_full(call);
        return;
    }
    size_t first = call->message_bytes < BODY_STEP_BYTES ? call->message_bytes : BODY_STEP_BYTES;
    call->body = admission_spare_take(call->admission, first, &call->body_cap);
    if (call->body == NULL && first > 0) {
        call->body = mem_alloc(first);
        call->body_cap = first;
    }
}

static void body_add(struct grpc_call *call, const uint8_t *ptr, size_t len)
{
    if (len > call->body_cap - call->body_len) {
        /* No more than twice what has come: a length alone makes us allocate a step, not gigabytes. */
        size_t cap = 2 * (call->body_len + len);
        if (cap > call->message_bytes) cap = call->message_bytes;
        call->body = mem_realloc(call->body, cap);
        call->body_cap = cap;
    }
    memcpy(call->body + call->body_len, ptr, len);
    call->body_len += len;
}

static int on_data_chunk(nghttp2_session *http, uint8_t flags, int32_t stream_id, const uint8_t *ptr, size_t len,
                         void *ctx)
{
    (void)flags, (void)ctx;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, stream_id);
    if (call == NULL) return 0;
    if (call->state == CALL_REJECTED) {
        call->body_len += len;
        if (call->body_len > REJECTED_BYTES_MAX) respond_text(call);
    }
    if (call->state != CALL_OPEN) return 0; /* refused: the rest is of no use */
    if (call->prefix_len < PREFIX_BYTES) {
        size_t take = PREFIX_BYTES - call->prefix_len;
        if (take > len) take = len;
        memcpy(call->prefix + call->prefix_len, ptr, take);
        call->prefix_len += take;
        ptr += take;
        len -= take;
        if (call->prefix_len < PREFIX_BYTES) return 0;
        prefix_end(call);
        if (call->state != CALL_OPEN) return 0;
    }
    if (len > call->message_bytes - call->body_len) {
        refuse(call, ERR_UNSUPPORTED, "cannot take more than one message in a call");
    } else if (len > 0) {
        body_add(call, ptr, len);
    }
    return 0;
}

static void request_end(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    if (call->prefix_len == 0) {
        refuse(call, ERR_UNSUPPORTED, "cannot take a call without a message"); /* statuscodes.md: cardinality */
        return;
    }
    if (call->prefix_len < PREFIX_BYTES || call->body_len < call->message_bytes) {
        refuse(call, ERR_INPUT, "cannot read the message: it is cut short");
        return;
    }
    call->request.body = call->body_len == 0 ? BYTES("") : bytes_from(call->body, call->body_len);
    call->request.received_unix_us = (uint64_t)clock_unix_us();
    call->state = CALL_WHOLE;
    call->next = NULL;
    *session->whole_last = call;
    session->whole_last = &call->next;
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *ctx)
{
    struct grpc_session *session = ctx;
    if (frame->hd.type == NGHTTP2_SETTINGS) session->has_begun = true;
    if (frame->hd.type == NGHTTP2_PING) http2_alive_ping(&session->alive, http, &frame->ping);
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, frame->hd.stream_id);
    if (call == NULL) return 0;
    bool is_request = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    if (is_request && call->state == CALL_OPEN) headers_end(call);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (call->state == CALL_OPEN) request_end(call);
    if (call->state == CALL_REJECTED) respond_text(call);
    return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream_id, uint32_t error_code, void *ctx)
{
    (void)error_code, (void)ctx;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, stream_id);
    if (call != NULL) call_lose(call);
    return 0;
}

/* RFC 9113, 8.1: a response that does not wait for the rest of the request asks the client to stop sending it. */
static int stop_sending(nghttp2_session *http, int32_t stream_id)
{
    if (nghttp2_session_get_stream_remote_close(http, stream_id) != 0) return 0;
    int failed = nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_NO_ERROR);
    return failed == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_frame_sent(nghttp2_session *http, const nghttp2_frame *frame, void *ctx)
{
    struct grpc_session *session = ctx;
    /* A client can make us reset its streams as well as do it itself (CVE-2025-8671). */
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
        (void)http2_guard_reset(&session->guard);
    bool ends_stream = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                       (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return ends_stream ? stop_sending(http, frame->hd.stream_id) : 0;
}

/* ---- the session ---- */

static nghttp2_session *http_create(struct grpc_session *session)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *http = NULL;
    bool ok = nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0;
    if (ok) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_option_set_max_outbound_ack(option, CHOKED_FRAMES);
        nghttp2_option_set_max_settings(option, 32);
        /* It counts a CONTINUATION again for each step that its head comes in: ours counts right. */
        nghttp2_option_set_max_continuations(option, 10 * HTTP2_GUARD_CONTINUATIONS_MAX);
        /* Ours answers first, and with a reason; this one stays as the second wall. */
        nghttp2_option_set_stream_reset_rate_limit(option, 10000, 1000);
        ok = nghttp2_session_server_new2(&http, callbacks, session, option) == 0;
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return ok ? http : NULL;
}

struct grpc_session *grpc_session_create(struct admission *admission, const struct grpc_options *options,
                                         struct server_connection *owner, uint64_t now_mono_ns)
{
    struct grpc_session *session = mem_calloc(1, sizeof *session);
    session->admission = admission;
    session->owner = owner;
    session->message_bytes_max = options->message_bytes_max;
    session->streams_max = options->streams_max;
    session->now_mono_ns = now_mono_ns;
    http2_guard_init(&session->guard, now_mono_ns);
    http2_alive_init(&session->alive, now_mono_ns);
    session->whole_last = &session->whole_first;
    session->http = http_create(session);
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_BYTES_MAX },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADER_LIST_BYTES_MAX },
    };
    session->is_broken =
        session->http == NULL ||
        nghttp2_submit_settings(session->http, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings)) != 0 ||
        nghttp2_session_set_local_window_size(session->http, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES) != 0;
    return session;
}

void grpc_session_destroy(struct grpc_session *session)
{
    if (session == NULL) return;
    while (session->oldest != NULL) {
        if (session->oldest->is_lent) {
            call_detach(session->oldest);
        } else {
            call_lose(session->oldest);
        }
    }
    nghttp2_session_del(session->http); /* calls no callback */
    free(session);
}

struct server_connection *grpc_session_owner(const struct grpc_session *session)
{
    return session->owner;
}

/* Says why, and takes no more. */
static void cut(struct grpc_session *session)
{
    const char *reason = session->guard.reason;
    int32_t last = nghttp2_session_get_last_proc_stream_id(session->http);
    session->is_cut = true;
    if (nghttp2_submit_goaway(session->http, NGHTTP2_FLAG_NONE, last, session->guard.code, (const uint8_t *)reason,
                              strlen(reason)) != 0)
        session->is_broken = true;
}

/* An exporter of OTLP/HTTP, a browser or curl, pointed at the wrong port: told so in its own protocol. */
static bool is_http1(struct bytes bytes)
{
    static const char *const methods[] = { "GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "DELETE " };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        size_t len = strlen(methods[i]);
        if (bytes.len > len && memcmp(bytes.ptr, methods[i], len) == 0) return true;
    }
    return false;
}

static void refuse_http1(struct grpc_session *session)
{
#define HTTP1_TEXT "This port speaks gRPC, over HTTP/2. HTTP/1.1 is spoken on a port of its own.\n"
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n"
                                 "content-length: 77\r\n\r\n" HTTP1_TEXT;
    static_assert(sizeof HTTP1_TEXT - 1 == 77, "as content-length says");
    session->piece = (const uint8_t *)answer;
    session->piece_len = sizeof answer - 1;
    session->is_cut = true;
}

void grpc_session_feed(struct grpc_session *session, struct bytes bytes, uint64_t now_mono_ns)
{
    session->now_mono_ns = now_mono_ns;
    if (session->is_broken || session->is_cut || bytes.len == 0) return;
    if (!session->has_heard && is_http1(bytes)) {
        refuse_http1(session);
        return;
    }
    session->has_heard = true;
    http2_alive_heard(&session->alive, now_mono_ns);
    size_t allowed = http2_guard_take(&session->guard, bytes, now_mono_ns);
    ssize_t taken = nghttp2_session_mem_recv(session->http, bytes.ptr, allowed);
    if (taken < 0 || ((size_t)taken != allowed && session->guard.reason == NULL)) session->is_broken = true;
    if (session->guard.reason != NULL && !session->is_broken) cut(session);
}

struct grpc_request *grpc_session_next(struct grpc_session *session)
{
    struct grpc_call *call = session->whole_first;
    if (call == NULL) return NULL;
    session->whole_first = call->next;
    if (session->whole_first == NULL) session->whole_last = &session->whole_first;
    call->next = NULL;
    call->state = CALL_HANDLED;
    call->is_lent = true;
    return &call->request;
}

size_t grpc_session_fill(struct grpc_session *session, uint8_t *out, size_t max)
{
    size_t len = 0;
    while (len < max && session->http != NULL) {
        if (session->piece_len == 0) {
            if (!session->has_heard) break;
            ssize_t piece_len = nghttp2_session_mem_send(session->http, &session->piece);
            if (piece_len < 0) session->is_broken = true;
            if (piece_len <= 0) break;
            session->piece_len = (size_t)piece_len;
        }
        size_t take = session->piece_len < max - len ? session->piece_len : max - len;
        memcpy(out + len, session->piece, take);
        session->piece += take;
        session->piece_len -= take;
        len += take;
    }
    return len;
}

bool grpc_session_is_over(struct grpc_session *session)
{
    if (session->is_broken || session->alive.is_gone) return true;
    if (session->is_cut) return session->piece_len == 0;
    if (session->alive.notice_mono_ns != 0) return false; /* calls may be on their way to us */
    return session->piece_len == 0 && !nghttp2_session_want_read(session->http) &&
           !nghttp2_session_want_write(session->http);
}

bool grpc_session_is_choked(struct grpc_session *session)
{
    return !session->is_broken && nghttp2_session_get_outbound_queue_size(session->http) > CHOKED_FRAMES;
}

static void call_tick(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    uint64_t seconds = (session->now_mono_ns - call->since_mono_ns) / SECOND_NS;
    if (call->state == CALL_OPEN && seconds > WAIT_SECONDS_MAX + call->body_len / BODY_BYTES_A_SECOND_MIN) {
        refuse(call, ERR_TIMEOUT, "could not wait longer for the rest of the message");
    } else if (call->state == CALL_REJECTED && seconds > REJECTED_SECONDS_MAX) {
        respond_text(call);
    } else if (call->state == CALL_ANSWERED && !call->is_lost && seconds > WAIT_SECONDS_MAX) {
        (void)nghttp2_submit_rst_stream(session->http, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_CANCEL);
    } else if (call->state == CALL_OPEN && is_overdue(call)) {
        refuse(call, ERR_TIMEOUT, "the call's deadline passed before its message was here");
    } else if (call->state == CALL_HANDLED && !call->is_lost && is_overdue(call)) {
        respond_overdue(call);
    }
}

void grpc_session_tick(struct grpc_session *session, uint64_t now_mono_ns)
{
    session->now_mono_ns = now_mono_ns;
    if (session->is_broken) return;
    for (struct grpc_call *call = session->oldest; call != NULL; call = call->newer) call_tick(call);
    if (session->has_begun) http2_alive_tick(&session->alive, session->http, now_mono_ns);
    if (session->guard.reason != NULL && !session->is_cut) cut(session);
}

void grpc_session_drain(struct grpc_session *session, bool at_once, uint64_t now_mono_ns)
{
    if (session->is_broken) return;
    if (!session->has_heard) session->is_cut = true; /* there is nobody to tell */
    http2_alive_drain(&session->alive, session->http, at_once, now_mono_ns);
}

bool grpc_session_is_idle(const struct grpc_session *session)
{
    return session->oldest == NULL;
}

bool grpc_session_has_begun(const struct grpc_session *session)
{
    return session->has_begun;
}
