#include <stdio.h>
#include <stdlib.h>

#include "net/grpc_call.h"
#include "net/grpc_status.h"

static struct grpc_call *call_of(struct grpc_request *request)
{
    return (struct grpc_call *)request;
}

static nghttp2_nv header(const char *name, const char *value, size_t value_len)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), value_len,
                         NGHTTP2_NV_FLAG_NONE };
}
static nghttp2_nv header_text(const char *name, const char *value)
{
    return header(name, value, strlen(value));
}

/* The trailers after a reply. */
static int trailers_submit(struct grpc_call *call)
{
    char status[12], message[GRPC_MESSAGE_BYTES_MAX];
    int status_len = snprintf(status, sizeof status, "%d", err_grpc_status(call->answer.code));
    nghttp2_nv trailers[2] = { header("grpc-status", status, (size_t)status_len) };
    size_t count = 1;
    if (call->answer.code != ERR_OK)
        trailers[count++] = header("grpc-message", message, grpc_message_encode(call->answer.text, message));
    return nghttp2_submit_trailer(call->session->http, call->stream_id, trailers, count);
}

static ssize_t reply_read(nghttp2_session *http, int32_t stream_id, uint8_t *out, size_t max, uint32_t *flags,
                          nghttp2_data_source *source, void *ctx)
{
    (void)http, (void)stream_id, (void)ctx;
    struct grpc_call *call = source->ptr;
    size_t len = call->reply_len - call->reply_sent;
    if (len > max) len = max;
    if (len == 0 && !call->is_finished) return NGHTTP2_ERR_DEFERRED;
    if (len > 0) memcpy(out, call->reply + call->reply_sent, len);
    call->reply_sent += len;
    if (call->reply_sent < call->reply_len || !call->is_finished) {
        call->since_mono_ns = call->session->now_mono_ns;
        return (ssize_t)len;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (call->is_text_reply) return (ssize_t)len;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return trailers_submit(call) == 0 ? (ssize_t)len : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
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
void grpc_call_respond_text(struct grpc_call *call)
{
    nghttp2_nv headers[] = {
        header_text(":status", call->http_status),
        header_text("content-type", "text/plain; charset=utf-8"),
        header_text("allow", "POST"),
    };
    grpc_call_free_body(call);
    respond(call, headers, COUNT_OF(headers), !call->is_head);
}

/* Answered when the request is over (then it is an exchange as any other), or when that takes too long. */
void grpc_call_reject(struct grpc_call *call, const char *http_status, const char *text)
{
    assert(call->state == CALL_OPEN);
    call->state = CALL_REJECTED;
    call->http_status = http_status;
    call->is_text_reply = call->is_finished = true;
    call->reply_len = strlen(text);
    call->reply = mem_alloc(call->reply_len);
    memcpy(call->reply, text, call->reply_len);
}

void grpc_call_respond_error(struct grpc_call *call, const struct err *err, uint32_t retry_delay_ms)
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

void grpc_call_respond_reply(struct grpc_call *call)
{
    nghttp2_nv headers[] = {
        header_text(":status", "200"),
        header_text("content-type", "application/grpc"),
        header_text("grpc-accept-encoding", "identity,gzip,zstd"),
    };
    respond(call, headers, COUNT_OF(headers), true);
}

/* Ends a call before it reaches the handler. */
void grpc_call_refuse(struct grpc_call *call, enum err_code code, const char *text)
{
    struct err err = { 0 };
    assert(call->state == CALL_OPEN);
    err_set(&err, code, "%s", text);
    const struct grpc_handler *handler = &call->session->options.handler;
    if (handler->refused != NULL) handler->refused(handler->ctx, &call->request, &err);
    grpc_call_free_body(call);
    grpc_call_respond_error(call, &err, GRPC_RETRY_DELAY_MS);
}

void grpc_call_refuse_full(struct grpc_call *call)
{
    grpc_call_refuse(call, ERR_BUSY, "could not take the call: too many bytes are in flight");
}

void grpc_call_set_answer(struct grpc_request *request, const struct err *err, struct bytes message,
                          uint32_t retry_delay_ms)
{
    struct grpc_call *call = call_of(request);
    assert(call->is_lent);
    call->retry_delay_ms = retry_delay_ms == 0 ? GRPC_RETRY_DELAY_MS : retry_delay_ms;
    if (err != NULL && err->code != ERR_OK) {
        call->answer = *err;
        return;
    }
    assert(message.len <= UINT32_MAX);
    call->is_finished = true;
    call->reply_len = GRPC_PREFIX_BYTES + message.len;
    call->reply = mem_alloc(call->reply_len);
    call->reply[0] = 0; /* not compressed */
    uint32_t len = __builtin_bswap32((uint32_t)message.len);
    memcpy(call->reply + 1, &len, 4);
    if (message.len > 0) memcpy(call->reply + GRPC_PREFIX_BYTES, message.ptr, message.len);
}

bool grpc_call_is_overdue(const struct grpc_call *call)
{
    return call->deadline_mono_ns != 0 && call->session->now_mono_ns > call->deadline_mono_ns;
}

/* The handler may be at work: what it was given is not lost, and a repeat is known as one. */
void grpc_call_respond_overdue(struct grpc_call *call)
{
    struct err err = { 0 };
    err_set(&err, ERR_TIMEOUT, "the call's deadline passed before it was answered");
    grpc_call_respond_error(call, &err, GRPC_RETRY_DELAY_MS);
}

struct grpc_session *grpc_call_apply(struct grpc_request *request)
{
    struct grpc_call *call = call_of(request);
    struct grpc_session *session = call->session;
    assert(call->is_lent);
    call->is_lent = false;
    if (session == NULL || call->is_lost) {
        if (session != NULL) grpc_call_detach(call);
        grpc_call_free(call);
        return NULL;
    }
    grpc_call_free_body(call);
    if (call->state == CALL_ANSWERED) return session; /* its deadline has passed: the client was told */
    http2_guard_answered(&session->guard);
    if (grpc_call_is_overdue(call)) {
        grpc_call_respond_overdue(call);
    } else if (call->answer.code != ERR_OK) {
        grpc_call_respond_error(call, &call->answer, call->retry_delay_ms);
    } else {
        grpc_call_respond_reply(call);
    }
    return session;
}
