#include "net/http_session.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_call.h"
#include "net/http_head.h"
#include "net/http_stream.h"

enum {
    EXTENSION_BYTES_MAX = 4 << 10,
    RETRY_DELAY_S = 1,
};
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t HEAD_SECONDS_MAX = 20;
/* A body must come at a modem's pace after its first minute. */
static const uint64_t WAIT_SECONDS_MAX = 60;
static const uint64_t BODY_BYTES_A_SECOND_MIN = 8 << 10;
static const uint64_t DRAIN_SECONDS_MAX = 5;
static const uint64_t DROP_SECONDS_MAX = 30; /* of a body that is too large, once it is answered */

enum reading { READING_NOTHING, READING_HEAD, READING_BODY, READING_DROPPED };

struct line {
    uint32_t name_at, name_len, value_at, value_len;
};

struct http_session {
    llhttp_t parser;
    struct admission *admission;
    struct server_connection *owner;
    uint32_t body_bytes_max;      /* of the request that arrives */
    uint32_t body_bytes_max_each; /* where the handler says nothing else */
    struct http_handler handler;  /* its body_bytes_max alone is called */
    uint64_t now_mono_ns;
    struct http_call *oldest, **last;
    struct http_call *undelivered; /* the first that may be, or NULL */
    uint32_t call_count;
    struct bytes piece; /* of the oldest call's answer, not yet sent */
    /* of the request that arrives */
    enum reading reading;
    struct http_call *call; /* whose body arrives */
    uint64_t since_mono_ns;
    uint64_t body_seen; /* bytes of it, kept or dropped */
    uint32_t extension_bytes, trailer_bytes;
    struct buf text; /* the target, then names and values */
    size_t target_len;
    struct line lines[HTTP_HEADERS_MAX];
    uint32_t line_count;
    bool is_in_name;
    bool is_closing;    /* no request is taken after the one that arrives, or the next one */
    bool is_input_over; /* what still comes is not looked at */
    bool is_cut;        /* an answer in pieces broke off: nothing more is sent */
    bool has_begun;
    uint64_t drain_mono_ns; /* 0: not asked to */
};

static const struct bytes continue_line = { (const uint8_t *)"HTTP/1.1 100 Continue\r\n\r\n", 25 };

/* ---- its requests ---- */

static struct http_call *call_create(struct http_session *session, size_t text_bytes)
{
    struct http_call *call = http_call_create(session->admission, session->owner, text_bytes);
    *session->last = call;
    session->last = &call->next;
    if (session->undelivered == NULL) session->undelivered = call;
    session->call_count++;
    return call;
}

/* The oldest, answered and sent. */
static void call_end(struct http_session *session)
{
    struct http_call *call = session->oldest;
    session->oldest = call->next;
    if (session->oldest == NULL) session->last = &session->oldest;
    if (session->undelivered == call) session->undelivered = call->next;
    session->call_count--;
    http_call_free(call);
}

/* ---- refusals ---- */

/* Before or in the middle of its body, of which the rest is read and dropped. */
static void refuse(struct http_session *session, struct http_call *call, int status, const char *text,
                   uint32_t retry_after_s)
{
    assert(call->state == CALL_READING);
    http_call_drop_body(call);
    call->refusal = (struct http_refusal){ status, text, retry_after_s };
    call->state = CALL_WHOLE;
    session->call = NULL;
    session->reading = READING_DROPPED;
    session->since_mono_ns = session->now_mono_ns;
    session->body_seen = 0;
    if (status == 413 || call->wants_continue) session->is_closing = true;
    /* RFC 9110, 10.1.1: a client told so while it waits for 100 may leave the body out, or not: we cannot know. */
    if (call->wants_continue) session->is_input_over = true;
    call->wants_continue = false;
}

static void refuse_full(struct http_session *session, struct http_call *call)
{
    refuse(session, call, 503, "the server is busy: too many bytes are in flight", RETRY_DELAY_S);
}

static void refuse_too_large(struct http_session *session, struct http_call *call)
{
    refuse(session, call, 413, "the body is larger than this server takes", 0);
}

/* What comes is not, or not surely, HTTP: answered if it can be, and nothing after it is looked at. text is a constant. */
static void stop(struct http_session *session, int status, const char *text)
{
    if (session->is_input_over) return;
    if (session->call != NULL) {
        refuse(session, session->call, status, text, 0);
    } else if (session->reading != READING_DROPPED) {
        char line[256];
        int len = snprintf(line, sizeof line, "%s\n", text);
        struct http_header type = { BYTES("Content-Type"), BYTES("text/plain; charset=utf-8") };
        struct http_call *call = call_create(session, 0);
        call->state = CALL_HANDLED;
        struct http_response response = { status, &type, 1, bytes_from(line, (size_t)len) };
        http_call_set_answer(&call->request, &response);
        call->state = CALL_ANSWERED;
    }
    session->reading = READING_NOTHING;
    session->is_input_over = session->is_closing = true;
}

/* ---- what comes in: the head ---- */

static struct http_session *session_of(llhttp_t *parser)
{
    return parser->data;
}

static int on_message_begin(llhttp_t *parser)
{
    struct http_session *session = session_of(parser);
    session->has_begun = true;
    session->reading = READING_HEAD;
    session->since_mono_ns = session->now_mono_ns;
    session->text.len = session->target_len = 0;
    session->line_count = session->trailer_bytes = session->extension_bytes = 0;
    session->body_seen = 0;
    session->is_in_name = false;
    return 0;
}

static int stop_in_callback(struct http_session *session, int status, const char *text)
{
    stop(session, status, text);
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_session *session = session_of(parser);
    if (len > HTTP_TARGET_BYTES_MAX - session->target_len) {
        return stop_in_callback(session, 414, "the request's target is longer than 8 KiB");
    }
    session->target_len += len;
    return buf_add(&session->text, at, len) ? 0 : HPE_USER;
}

static int head_add(struct http_session *session, const char *at, size_t len)
{
    bool is_trailer = session->reading != READING_HEAD;
    size_t used = is_trailer ? session->trailer_bytes : session->text.len - session->target_len;
    if (len > HTTP_HEAD_BYTES_MAX - used) {
        return stop_in_callback(session, 431, "the headers are larger than 16 KiB");
    }
    if (is_trailer) {
        session->trailer_bytes += (uint32_t)len;
        return 0;
    }
    return buf_add(&session->text, at, len) ? 0 : HPE_USER;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_session *session = session_of(parser);
    if (session->reading == READING_HEAD && !session->is_in_name) {
        if (session->line_count == HTTP_HEADERS_MAX) {
            return stop_in_callback(session, 431, "there are more than 100 headers");
        }
        session->lines[session->line_count++] = (struct line){ .name_at = (uint32_t)session->text.len };
        session->is_in_name = true;
    }
    return head_add(session, at, len);
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http_session *session = session_of(parser);
    if (session->reading != READING_HEAD || !session->is_in_name) return 0;
    struct line *line = &session->lines[session->line_count - 1];
    session->is_in_name = false;
    line->name_len = (uint32_t)session->text.len - line->name_at;
    line->value_at = (uint32_t)session->text.len;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_session *session = session_of(parser);
    if (session->reading == READING_HEAD) session->lines[session->line_count - 1].value_len += (uint32_t)len;
    return head_add(session, at, len);
}

static void name_to_lower(char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') name[i] = (char)(name[i] - 'A' + 'a');
    }
}

/* Of the text that arrived, copied behind the call. The head becomes the call's. */
static struct http_call *call_begin(struct http_session *session)
{
    size_t lines_bytes = session->line_count * sizeof(struct http_header);
    struct http_call *call = call_create(session, lines_bytes + session->text.len);
    struct http_header *headers = (struct http_header *)(void *)call->text;
    char *text = call->text + lines_bytes;
    if (session->text.len > 0) memcpy(text, session->text.ptr, session->text.len);
    for (uint32_t i = 0; i < session->line_count; i++) {
        const struct line *line = &session->lines[i];
        name_to_lower(text + line->name_at, line->name_len);
        headers[i].name = bytes_from(text + line->name_at, line->name_len);
        headers[i].value = http_trimmed(bytes_from(text + line->value_at, line->value_len));
    }
    call->request.headers = headers;
    call->request.header_count = session->line_count;
    call->request.method = bytes_of_text(llhttp_method_name(session->parser.method));
    call->is_head = session->parser.method == HTTP_HEAD;
    call->is_1_0 = session->parser.http_minor == 0;
    return call;
}

static uint32_t header_count_of(const struct http_request *request, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (bytes_equal(request->headers[i].name, bytes_of_text(name))) count++;
    }
    return count;
}

/* What llhttp leaves to us. Returns what is wrong, with its status, or NULL. */
static const char *head_check(const struct http_call *call, const llhttp_t *parser, int *status)
{
    const struct http_request *request = &call->request;
    *status = 400;
    uint32_t hosts = header_count_of(request, "host");
    if (hosts > 1 || (hosts == 0 && !call->is_1_0)) return "there must be one Host header"; /* RFC 9112, 3.2 */
    uint32_t codings = header_count_of(request, "transfer-encoding");
    if (codings > 1) return "there must be one Transfer-Encoding header";
    if (codings == 1 && call->is_1_0) return "HTTP/1.0 has no Transfer-Encoding"; /* RFC 9112, 6.1 */
    *status = 501;
    if (codings == 1 && !http_text_is(http_request_header(request, "transfer-encoding"), "chunked")) {
        return "the only transfer coding is chunked";
    }
    if (parser->method == HTTP_CONNECT) return "this is no proxy";
    return NULL;
}

static bool is_with_body(const llhttp_t *parser)
{
    return parser->method == HTTP_POST || parser->method == HTTP_PUT || parser->method == HTTP_PATCH;
}

/* Room for the head and the body, and whether the client wants to hear that before it sends. */
static void call_admit(struct http_session *session, struct http_call *call)
{
    const llhttp_t *parser = &session->parser;
    bool is_chunked = (parser->flags & F_CHUNKED) != 0, is_sized = (parser->flags & F_CONTENT_LENGTH) != 0;
    struct bytes expect = http_request_header(&call->request, "expect");
    bool expects = expect.len > 0 && !call->is_1_0;
    call->wants_continue = expects && (is_chunked || parser->content_length > 0);
    if (expects && !http_text_is(expect, "100-continue")) {
        refuse(session, call, 417, "the only expectation is 100-continue", 0);
    } else if (is_with_body(parser) && !is_chunked && !is_sized) {
        refuse(session, call, 411, "a Content-Length, or Transfer-Encoding: chunked, is needed", 0);
    } else if (is_sized && parser->content_length > session->body_bytes_max) {
        refuse_too_large(session, call);
    } else if (!admitted_charge(&call->body,
                                sizeof *call + session->text.len + session->line_count * sizeof(struct http_header)) ||
               !admitted_charge(&call->body, is_sized ? parser->content_length : 0)) {
        refuse_full(session, call);
    } else {
        call->body_bytes = is_sized ? (size_t)parser->content_length : 0;
    }
}

static bool is_version_ours(const llhttp_t *parser)
{
    return parser->http_major == 1 && parser->http_minor <= 1;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_session *session = session_of(parser);
    struct bytes path, query;
    int status;
    parser->upgrade = 0; /* RFC 9110, 7.8: a server may ignore it; Java's client asks for h2c each time */
    if (!is_version_ours(parser)) {
        return stop_in_callback(session, 505, "this server speaks HTTP/1.1 here");
    }
    if (parser->method != HTTP_CONNECT &&
        !http_target_split(bytes_from(session->text.ptr, session->target_len), &path, &query)) {
        return stop_in_callback(session, 400, "the request's target is neither a path nor an http URL");
    }
    struct http_call *call = session->call = call_begin(session);
    session->reading = READING_BODY;
    const char *wrong = head_check(call, parser, &status);
    if (wrong != NULL) return stop_in_callback(session, status, wrong);
    const char *target = (const char *)(call->request.headers + call->request.header_count);
    bool ok = http_target_split(bytes_from(target, session->target_len), &call->request.path, &call->request.query);
    assert(ok);
    if (llhttp_should_keep_alive(parser) == 0) session->is_closing = true;
    session->body_bytes_max = session->handler.body_bytes_max == NULL
                                  ? session->body_bytes_max_each
                                  : session->handler.body_bytes_max(session->handler.ctx, &call->request);
    call_admit(session, call);
    return session->is_input_over ? HPE_USER : 0;
}

/* ---- what comes in: the body ---- */

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_session *session = session_of(parser);
    struct http_call *call = session->call;
    session->body_seen += len;
    if (call == NULL) return 0; /* refused: the rest is of no use */
    call->wants_continue = false;
    if (len > session->body_bytes_max - call->body.len) {
        refuse_too_large(session, call);
    } else if (!http_call_add_body(call, bytes_from(at, len), session->body_bytes_max)) {
        refuse_full(session, call);
    }
    return 0;
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    struct http_session *session = session_of(parser);
    if (len > EXTENSION_BYTES_MAX - session->extension_bytes) {
        return stop_in_callback(session, 400, "the chunk extensions are larger than 4 KiB");
    }
    session->extension_bytes += (uint32_t)len;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_session *session = session_of(parser);
    struct http_call *call = session->call;
    if (call != NULL) {
        call->request.body = admitted_bytes(&call->body);
        call->request.received_unix_us = (uint64_t)clock_unix_us();
        call->state = CALL_WHOLE;
        call->wants_continue = false;
        session->call = NULL;
    }
    session->reading = READING_NOTHING;
    if (!session->is_closing) return 0;
    session->is_input_over = true;
    return HPE_USER;
}

/* ---- answers ---- */

/* The last one says so when no other is to follow; what comes after that is not looked at. */
static enum http_ending ending_decide(struct http_session *session, const struct http_call *call)
{
    bool is_last = session->is_closing && call->next == NULL && session->reading != READING_HEAD;
    if (!is_last) return call->is_1_0 ? HTTP_KEEP_1_0 : HTTP_KEEP;
    if (session->reading == READING_NOTHING) session->is_input_over = true;
    return HTTP_CLOSE;
}

static void head_write(struct http_session *session, struct http_call *call)
{
    enum http_length length = HTTP_LENGTH_STATED;
    if (call->is_streaming) length = call->is_1_0 ? HTTP_LENGTH_UNTIL_CLOSE : HTTP_LENGTH_CHUNKED;
    if (length == HTTP_LENGTH_UNTIL_CLOSE) session->is_closing = true; /* what comes after is not looked at */
    enum http_ending ending = length == HTTP_LENGTH_UNTIL_CLOSE ? HTTP_CLOSE : ending_decide(session, call);
    http_head_write(&call->head, &call->response, length, ending, clock_unix_us() / 1000000);
    session->piece = buf_bytes(&call->head);
}

/* Nothing of what is still in the session is sent. */
static void cut(struct http_session *session)
{
    session->is_cut = session->is_closing = session->is_input_over = true;
    session->reading = READING_NOTHING;
}

/* The next bytes of an answer in pieces; false: none yet, or its end, and then the call is over. */
static bool stream_piece_find(struct http_session *session, struct http_call *call, bool *is_over)
{
    bool is_chunked = !call->is_1_0, is_whole;
    *is_over = false;
    if (http_stream_take(call->stream, is_chunked, call->is_head, &session->piece)) return true;
    if (call->state != CALL_ANSWERED || !http_stream_is_finished(call->stream, &is_whole)) return false;
    *is_over = true;
    if (!is_whole || call->is_1_0) cut(session);
    return false;
}

/* The next bytes of the oldest call; false when there are none yet. */
static bool piece_find(struct http_session *session)
{
    struct http_call *call;
    while (!session->is_cut && (call = session->oldest) != NULL) {
        if (call->wants_continue && call->state == CALL_READING) {
            call->wants_continue = false;
            session->since_mono_ns = session->now_mono_ns; /* it has waited for this */
            session->piece = continue_line;
            return true;
        }
        if (call->state != CALL_ANSWERED && !call->is_streaming) return false;
        if (call->head.len == 0) {
            head_write(session, call);
            return true;
        }
        bool is_over = true;
        if (call->is_streaming && stream_piece_find(session, call, &is_over)) return true;
        if (!is_over) return false;
        if (!call->is_head_sent && !call->is_head && call->response.body.len > 0) {
            call->is_head_sent = true;
            session->piece = call->response.body;
            return true;
        }
        call_end(session);
    }
    return false;
}

size_t http_session_fill(struct http_session *session, uint8_t *out, size_t max)
{
    size_t len = 0;
    while (len < max && (session->piece.len > 0 || piece_find(session))) {
        size_t take = session->piece.len < max - len ? session->piece.len : max - len;
        memcpy(out + len, session->piece.ptr, take);
        session->piece = bytes_from(session->piece.ptr + take, session->piece.len - take);
        len += take;
    }
    return len;
}

/* ---- the session ---- */

static const llhttp_settings_t callbacks = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

struct http_session *http_session_create(struct admission *admission, const struct http_options *options,
                                         struct server_connection *owner, uint64_t now_mono_ns)
{
    struct http_session *session = mem_calloc(1, sizeof *session);
    llhttp_init(&session->parser, HTTP_REQUEST, &callbacks); /* strict: no lenient flag is set */
    session->parser.data = session;
    session->admission = admission;
    session->owner = owner;
    session->body_bytes_max = session->body_bytes_max_each = options->body_bytes_max;
    session->handler = options->handler;
    session->now_mono_ns = session->since_mono_ns = now_mono_ns;
    session->last = &session->oldest;
    buf_init(&session->text, HTTP_HEAD_BYTES_MAX + HTTP_TARGET_BYTES_MAX);
    return session;
}

void http_session_destroy(struct http_session *session)
{
    if (session == NULL) return;
    for (struct http_call *call = session->oldest, *next; call != NULL; call = next) {
        next = call->next;
        http_call_orphan(call);
        if (call->state != CALL_HANDLED) http_call_free(call);
    }
    buf_deinit(&session->text);
    free(session);
}

void *http_session_owner(const struct http_session *session)
{
    return session->owner;
}

static void input_fails(struct http_session *session, llhttp_errno_t failed)
{
    if (failed == HPE_PAUSED_H2_UPGRADE) {
        stop(session, 505, "this port speaks HTTP/1.1, not HTTP/2: gRPC has a port of its own");
    } else if (failed == HPE_INVALID_VERSION && !is_version_ours(&session->parser)) {
        stop(session, 505, "this server speaks HTTP/1.1 here");
    } else {
        stop(session, 400, llhttp_get_error_reason(&session->parser)); /* a constant */
    }
}

void http_session_feed(struct http_session *session, struct bytes bytes, uint64_t now_mono_ns)
{
    session->now_mono_ns = now_mono_ns;
    if (session->is_input_over || bytes.len == 0) return;
    llhttp_errno_t failed = llhttp_execute(&session->parser, (const char *)bytes.ptr, bytes.len);
    if (failed != HPE_OK && !session->is_input_over) input_fails(session, failed);
}

bool http_session_end(struct http_session *session)
{
    if (session->reading == READING_HEAD || session->reading == READING_BODY) {
        stop(session, 400, "the request is cut short");
    }
    session->reading = READING_NOTHING;
    session->is_input_over = session->is_closing = true;
    for (struct http_call *call = session->oldest; call != NULL; call = call->next) atomic_store(&call->is_gone, true);
    return !http_session_is_over(session);
}

struct http_request *http_session_next(struct http_session *session)
{
    struct http_call *call = session->undelivered;
    while (call != NULL && call->state >= CALL_HANDLED) call = call->next; /* answered by ourselves */
    session->undelivered = call;
    if (call == NULL || call->state == CALL_READING) return NULL;
    session->undelivered = call->next;
    call->state = CALL_HANDLED;
    return &call->request;
}

bool http_session_is_over(const struct http_session *session)
{
    if (session->piece.len > 0) return false;
    return session->is_cut || (session->oldest == NULL && session->is_input_over);
}

bool http_session_is_choked(const struct http_session *session)
{
    return session->call_count > HTTP_PIPELINE_MAX;
}

static bool is_body_slow(const struct http_session *session, uint64_t seconds)
{
    return seconds > WAIT_SECONDS_MAX + session->body_seen / BODY_BYTES_A_SECOND_MIN;
}

void http_session_tick(struct http_session *session, uint64_t now_mono_ns)
{
    session->now_mono_ns = now_mono_ns;
    uint64_t seconds = (now_mono_ns - session->since_mono_ns) / SECOND_NS;
    if (session->reading == READING_HEAD && seconds > HEAD_SECONDS_MAX) {
        stop(session, 408, "the headers did not come within 20 seconds");
    } else if (session->reading == READING_BODY && !session->call->wants_continue && is_body_slow(session, seconds)) {
        stop(session, 408, "the body did not come: nothing, or less than 8 KiB a second");
    } else if (session->reading == READING_DROPPED) {
        if (!(session->is_closing ? seconds > DROP_SECONDS_MAX : is_body_slow(session, seconds))) return;
        session->reading = READING_NOTHING;
        session->is_input_over = session->is_closing = true;
    } else if (session->drain_mono_ns != 0 && http_session_is_idle(session)) {
        if (now_mono_ns - session->drain_mono_ns > DRAIN_SECONDS_MAX * SECOND_NS) session->is_input_over = true;
    }
}

void http_session_drain(struct http_session *session, bool at_once, uint64_t now_mono_ns)
{
    session->is_closing = true;
    if (session->drain_mono_ns == 0) session->drain_mono_ns = now_mono_ns;
    if (at_once && session->reading == READING_NOTHING) session->is_input_over = true;
}

bool http_session_is_idle(const struct http_session *session)
{
    return session->oldest == NULL && session->reading == READING_NOTHING;
}

bool http_session_has_begun(const struct http_session *session)
{
    return session->has_begun;
}
