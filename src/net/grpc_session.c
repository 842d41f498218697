#include "net/grpc_session.h"

#include <stdlib.h>

#include "net/grpc_call.h"

enum {
    STREAM_WINDOW_BYTES = 8 << 20,
    CONNECTION_WINDOW_BYTES = 64 << 20,
    FRAME_BYTES_MAX = 1 << 20,
    CHOKED_FRAMES = 1000,
    REJECTED_BYTES_MAX = 64 << 10, /* of a body that is not gRPC, until it is answered all the same */
};
/* A body must come at a modem's pace after its first minute, and an answer be taken within one. */
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t WAIT_SECONDS_MAX = 60;
static const uint64_t REJECTED_SECONDS_MAX = 10;
static const size_t BODY_BYTES_A_SECOND_MIN = 8 << 10;

/* ---- what comes in: headers ---- */

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *ctx)
{
    struct grpc_session *session = ctx;
    http2_guard_list_begin(&session->guard);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (session->call_count >= session->options.streams_max) { /* of which the handler still has some */
        (void)nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    struct grpc_call *call = grpc_call_create(session, frame->hd.stream_id);
    if (nghttp2_session_set_stream_user_data(http, frame->hd.stream_id, call) != 0) grpc_call_lose(call);
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
    if (call->header_list_bytes > GRPC_HEADER_LIST_BYTES_MAX) {
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
    } else if (text_is(name, name_len, "user-agent")) {
        keep_first(&call->user_agent, value);
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
        grpc_call_reject(call, "431", "The headers are larger than 16 KiB.\n");
        return;
    }
    if (!call->is_post || call->path == NULL) {
        grpc_call_reject(call, "405", "This port speaks gRPC: there is nothing to GET here.\n");
        return;
    }
    if (!call->is_grpc) {
        grpc_call_reject(call, "415", "This port speaks gRPC: POST with content-type application/grpc.\n");
        return;
    }
    struct grpc_request *request = &call->request;
    request->path = bytes_of_text(call->path);
    request->authorization = text_or_none(call->authorization);
    request->x_api_key = text_or_none(call->x_api_key);
    request->user_agent = text_or_none(call->user_agent);
    request->encoding_name = text_or_none(call->encoding_name);
    if (!admitted_charge(&call->body, sizeof *call + call->header_list_bytes)) {
        grpc_call_refuse_full(call);
        return;
    }
    (void)grpc_stream_begin(call); /* else it is a unary one */
}

/* ---- what comes in: messages and the other frames ---- */

static int on_data_chunk(nghttp2_session *http, uint8_t flags, int32_t stream_id, const uint8_t *ptr, size_t len,
                         void *ctx)
{
    (void)flags, (void)ctx;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, stream_id);
    if (call == NULL) return 0;
    if (call->state == CALL_REJECTED) {
        call->message_bytes += len; /* not kept */
        if (call->message_bytes > REJECTED_BYTES_MAX) grpc_call_respond_text(call);
        return 0;
    }
    if (call->state == CALL_OPEN) grpc_call_read(call, bytes_from(ptr, len));
    if (call->state == CALL_STREAMING) grpc_stream_read(call, bytes_from(ptr, len));
    return 0; /* refused: the rest is of no use */
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
    if (call->state == CALL_OPEN) grpc_call_read_end(call);
    if (call->state == CALL_STREAMING) grpc_stream_read_end(call);
    if (call->state == CALL_REJECTED) grpc_call_respond_text(call);
    return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream_id, uint32_t error_code, void *ctx)
{
    (void)error_code, (void)ctx;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(http, stream_id);
    if (call != NULL) grpc_call_lose(call);
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
        nghttp2_option_set_max_settings(option, 32);
        /* It counts a CONTINUATION again for each step that its head comes in: ours counts right. */
        nghttp2_option_set_max_continuations(option, 10 * HTTP2_GUARD_CONTINUATIONS_MAX);
        /* Ours answers first, and with a reason; these stay as the second wall. */
        nghttp2_option_set_max_outbound_ack(option, 10 * CHOKED_FRAMES);
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
    session->options = *options;
    session->now_mono_ns = now_mono_ns;
    http2_guard_init(&session->guard, now_mono_ns);
    http2_alive_init(&session->alive, now_mono_ns);
    session->whole_last = &session->whole_first;
    session->http = http_create(session);
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_BYTES_MAX },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADER_LIST_BYTES_MAX },
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
            grpc_call_detach(session->oldest);
        } else {
            grpc_call_lose(session->oldest);
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

const char *grpc_session_cut_reason(const struct grpc_session *session)
{
    return session->guard.reason;
}

bool grpc_session_is_choked(struct grpc_session *session)
{
    return !session->is_broken && nghttp2_session_get_outbound_queue_size(session->http) > CHOKED_FRAMES;
}

static void call_tick(struct grpc_call *call)
{
    struct grpc_session *session = call->session;
    uint64_t seconds = (session->now_mono_ns - call->since_mono_ns) / SECOND_NS;
    if (call->state == CALL_OPEN && seconds > WAIT_SECONDS_MAX + call->body.len / BODY_BYTES_A_SECOND_MIN) {
        grpc_call_refuse(call, ERR_TIMEOUT, "could not wait longer for the rest of the message");
    } else if (call->state == CALL_REJECTED && seconds > REJECTED_SECONDS_MAX) {
        grpc_call_respond_text(call);
    } else if (call->state == CALL_ANSWERED && !call->is_lost && seconds > WAIT_SECONDS_MAX) {
        (void)nghttp2_submit_rst_stream(session->http, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_CANCEL);
    } else if (call->state == CALL_STREAMING) {
        grpc_stream_tick(call);
    } else if (call->state == CALL_OPEN && grpc_call_is_overdue(call)) {
        grpc_call_refuse(call, ERR_TIMEOUT, "the call's deadline passed before its message was here");
    } else if (call->state == CALL_HANDLED && !call->is_lost && grpc_call_is_overdue(call)) {
        grpc_call_respond_overdue(call);
    }
}

/* Calls that would go on as long as their client likes. */
static void streams_drain(struct grpc_session *session)
{
    for (struct grpc_call *call = session->oldest; call != NULL; call = call->newer) {
        if (call->state == CALL_STREAMING) grpc_stream_drain(call);
    }
}

void grpc_session_tick(struct grpc_session *session, uint64_t now_mono_ns)
{
    session->now_mono_ns = now_mono_ns;
    if (session->is_broken) return;
    for (struct grpc_call *call = session->oldest; call != NULL; call = call->newer) call_tick(call);
    if (session->is_draining) streams_drain(session);
    if (session->has_begun) http2_alive_tick(&session->alive, session->http, now_mono_ns);
    if (session->guard.reason != NULL && !session->is_cut) cut(session);
}

void grpc_session_drain(struct grpc_session *session, bool at_once, uint64_t now_mono_ns)
{
    if (session->is_broken) return;
    if (!session->has_heard) session->is_cut = true; /* there is nobody to tell */
    session->is_draining = true;
    streams_drain(session);
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
