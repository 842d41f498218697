#include <stdio.h>
#include <stdlib.h>

#include "net/grpc_call.h"

enum {
    MESSAGE_BYTES_MAX = 64 << 10, /* anyone may send these, without a key */
    REPLIES_BYTES_MAX = 1 << 20,  /* not sent yet */
};
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t SILENT_SECONDS_MAX = 300; /* of a client that has not ended its side */
static const uint64_t UNREAD_SECONDS_MAX = 60;

static struct grpc_call *call_of(struct grpc_stream *stream)
{
    return (struct grpc_call *)((uint8_t *)stream - offsetof(struct grpc_call, stream));
}

bool grpc_stream_begin(struct grpc_call *call)
{
    const struct grpc_options *options = &call->session->options;
    const char *path = call->path; /* "/service/method" */
    for (uint32_t i = 0; i < options->service_count; i++) {
        const char *name = options->services[i].name;
        size_t len = strlen(name);
        if (path[0] != '/' || strncmp(path + 1, name, len) != 0 || path[1 + len] != '/') continue;
        call->service = &options->services[i];
        call->stream.method = bytes_of_text(path + len + 2);
        call->state = CALL_STREAMING;
        return true;
    }
    return false;
}

static void fail(struct grpc_call *call, enum err_code code, const char *text)
{
    struct err err = { 0 };
    err_set(&err, code, "%s", text);
    grpc_stream_finish(&call->stream, &err);
}

/* ---- what goes out ---- */

static bool reply_reserve(struct grpc_call *call, size_t more)
{
    if (call->reply_sent == call->reply_len) call->reply_len = call->reply_sent = 0;
    size_t need = call->reply_len + more;
    if (need <= call->reply_cap) return true;
    if (!admitted_charge(&call->body, need - call->reply_cap)) return false;
    call->reply = mem_realloc(call->reply, need);
    call->reply_cap = need;
    return true;
}

void grpc_stream_send(struct grpc_stream *stream, struct bytes message)
{
    struct grpc_call *call = call_of(stream);
    if (call->state != CALL_STREAMING) return;
    if (message.len > REPLIES_BYTES_MAX - (call->reply_len - call->reply_sent)) {
        fail(call, ERR_TOO_LARGE, "cannot keep more answers: read those that are there before you ask for others");
        return;
    }
    if (!reply_reserve(call, GRPC_PREFIX_BYTES + message.len)) {
        fail(call, ERR_BUSY, "could not keep the answer: too many bytes are in flight");
        return;
    }
    uint32_t len = __builtin_bswap32((uint32_t)message.len);
    call->reply[call->reply_len] = 0; /* not compressed */
    memcpy(call->reply + call->reply_len + 1, &len, 4);
    if (message.len > 0) memcpy(call->reply + call->reply_len + GRPC_PREFIX_BYTES, message.ptr, message.len);
    call->reply_len += GRPC_PREFIX_BYTES + message.len;
    call->since_mono_ns = call->session->now_mono_ns;
    http2_guard_answered(&call->session->guard);
    if (call->has_headers_sent) {
        (void)nghttp2_session_resume_data(call->session->http, call->stream_id); /* fails when it is not waiting */
        return;
    }
    call->has_headers_sent = true;
    grpc_call_respond_reply(call);
    call->state = CALL_STREAMING;
}

void grpc_stream_finish(struct grpc_stream *stream, const struct err *err)
{
    struct grpc_call *call = call_of(stream);
    if (call->state != CALL_STREAMING) return;
    if (err != NULL) call->answer = *err;
    call->is_finished = true;
    call->since_mono_ns = call->session->now_mono_ns;
    if (call->has_headers_sent) {
        call->state = CALL_ANSWERED;
        (void)nghttp2_session_resume_data(call->session->http, call->stream_id);
    } else if (call->answer.code != ERR_OK) {
        grpc_call_respond_error(call, &call->answer, GRPC_RETRY_DELAY_MS);
    } else {
        grpc_call_respond_reply(call);
    }
}

/* ---- what comes in ---- */

static bool prefix_check(struct grpc_call *call)
{
    uint32_t len;
    memcpy(&len, call->prefix + 1, 4);
    call->message_bytes = __builtin_bswap32(len);
    if (call->prefix[0] != 0) {
        fail(call, ERR_UNSUPPORTED, "cannot decompress messages of this service: send them as they are");
    } else if (call->message_bytes > MESSAGE_BYTES_MAX) {
        fail(call, ERR_TOO_LARGE, "cannot take a message of more than 64 KiB for this service");
    } else if (call->message_bytes > call->body.cap &&
               !admitted_charge(&call->body, call->message_bytes - call->body.cap)) {
        fail(call, ERR_BUSY, "could not take the message: too many bytes are in flight");
    } else {
        admitted_grow(&call->body, call->message_bytes);
    }
    return call->state == CALL_STREAMING;
}

void grpc_stream_read(struct grpc_call *call, struct bytes bytes)
{
    call->since_mono_ns = call->session->now_mono_ns;
    while (bytes.len > 0 && call->state == CALL_STREAMING) {
        if (call->prefix_len < GRPC_PREFIX_BYTES && (!grpc_call_read_prefix(call, &bytes) || !prefix_check(call)))
            return;
        size_t take = call->message_bytes - call->body.len;
        if (take > bytes.len) take = bytes.len;
        admitted_add(&call->body, bytes_from(bytes.ptr, take));
        bytes = bytes_from(bytes.ptr + take, bytes.len - take);
        if (call->body.len < call->message_bytes) return;
        struct bytes message = admitted_bytes(&call->body);
        call->prefix_len = call->body.len = 0;
        call->service->message(call->service->ctx, &call->stream, message);
    }
}

void grpc_stream_read_end(struct grpc_call *call)
{
    call->is_half_closed = true;
    if (call->prefix_len > 0) {
        fail(call, ERR_INPUT, "cannot read the message: it is cut short");
    } else {
        call->service->half_closed(call->service->ctx, &call->stream);
    }
}

/* ---- time ---- */

void grpc_stream_tick(struct grpc_call *call)
{
    uint64_t seconds = (call->session->now_mono_ns - call->since_mono_ns) / SECOND_NS;
    bool is_unread = call->reply_sent < call->reply_len;
    if (call->service->tick != NULL) call->service->tick(call->service->ctx, &call->stream);
    if (call->state != CALL_STREAMING) return;
    if (grpc_call_is_overdue(call)) {
        fail(call, ERR_TIMEOUT, "the call's deadline passed");
    } else if (is_unread && seconds > UNREAD_SECONDS_MAX) {
        (void)nghttp2_submit_rst_stream(call->session->http, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_CANCEL);
    } else if (!call->is_half_closed && seconds > SILENT_SECONDS_MAX) {
        fail(call, ERR_TIMEOUT, "the call was silent for five minutes");
    }
}

void grpc_stream_drain(struct grpc_call *call)
{
    if (call->service->tick != NULL) call->service->tick(call->service->ctx, &call->stream);
    fail(call, ERR_BUSY, "this connection ends: call again");
}
