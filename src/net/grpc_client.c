#include "net/grpc_client.h"
#include "base/clock.h"
#include "base/hex.h"
#include "net/tcp.h"
#include "net/tls.h"
#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX (4u << 20)

struct grpc_client {
    struct tcp *tcp;
    nghttp2_session *session;
    const char *scheme;
    char authority[300];
    /* of the call that runs */
    const struct grpc_call *call;
    struct grpc_answer *answer;
    uint8_t prefix[5];
    size_t sent; /* of prefix and body */
    int32_t stream_id;
    int http_status;
    bool is_done, is_reset;
};

static void text_decode(char *text, size_t text_bytes, const uint8_t *value, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < len && at + 1 < text_bytes; i++) {
        if (value[i] == '%' && i + 2 < len && hex_digit(value[i + 1]) >= 0 && hex_digit(value[i + 2]) >= 0) {
            text[at++] = (char)(hex_digit(value[i + 1]) * 16 + hex_digit(value[i + 2]));
            i += 2;
        } else {
            text[at++] = (char)value[i];
        }
    }
    text[at] = '\0';
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct grpc_client *client = user;
    (void)session;
    (void)flags;
    if (frame->hd.stream_id != client->stream_id) return 0;
    struct bytes key = bytes_from(name, name_len);
    char number[16] = "";
    memcpy(number, value, value_len < sizeof number ? value_len : sizeof number - 1);
    if (bytes_equal(key, BYTES(":status"))) client->http_status = atoi(number);
    if (bytes_equal(key, BYTES("grpc-status"))) client->answer->status = atoi(number);
    if (bytes_equal(key, BYTES("grpc-status-details-bin"))) client->answer->has_retry_info = true;
    if (bytes_equal(key, BYTES("grpc-message")))
        text_decode(client->answer->text, sizeof client->answer->text, value, value_len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *user)
{
    struct grpc_client *client = user;
    (void)session;
    (void)flags;
    if (stream_id != client->stream_id) return 0;
    return buf_add(&client->answer->message, data, len) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user)
{
    struct grpc_client *client = user;
    (void)session;
    if (stream_id != client->stream_id) return 0;
    client->is_done = true;
    client->is_reset = error_code != NGHTTP2_NO_ERROR;
    return 0;
}

static ssize_t body_read(nghttp2_session *session, int32_t stream_id, uint8_t *to, size_t max, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct grpc_client *client = user;
    (void)session;
    (void)stream_id;
    (void)source;
    size_t total = sizeof client->prefix + client->call->body.len, copied = 0;
    while (copied < max && client->sent < total) {
        bool is_prefix = client->sent < sizeof client->prefix;
        size_t at = is_prefix ? client->sent : client->sent - sizeof client->prefix;
        size_t left = (is_prefix ? sizeof client->prefix : client->call->body.len) - at;
        size_t len = left < max - copied ? left : max - copied;
        memcpy(to + copied, (is_prefix ? client->prefix : client->call->body.ptr) + at, len);
        copied += len;
        client->sent += len;
    }
    if (client->sent == total) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)copied;
}

static bool http2_start(struct grpc_client *client, struct err *err)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    int failed = nghttp2_session_client_new(&client->session, callbacks, client);
    nghttp2_session_callbacks_del(callbacks);
    failed = failed ? failed : nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0);
    return failed == 0 || err_set(err, ERR_IO, "could not start HTTP/2: %s", nghttp2_strerror(failed));
}

bool grpc_client_open_tls(struct grpc_client **out, const char *address, uint16_t port, struct tls_context *tls,
                          const char *server_name, uint32_t timeout_ms, struct err *err)
{
    *out = NULL;
    struct grpc_client *client = mem_calloc(1, sizeof *client);
    client->scheme = tls == NULL ? "http" : "https";
    snprintf(client->authority, sizeof client->authority, "%s:%u", tls == NULL ? address : server_name, port);
    bool ok = tcp_connect(&client->tcp, address, port, err);
    if (ok && tls != NULL) {
        ok = tcp_start_tls(client->tcp, tls_session_connect(tls, server_name, "h2"), (int)timeout_ms, err);
    }
    if (!ok || !http2_start(client, err)) {
        grpc_client_close(client);
        return false;
    }
    *out = client;
    return true;
}

bool grpc_client_open(struct grpc_client **out, const char *address, uint16_t port, struct err *err)
{
    return grpc_client_open_tls(out, address, port, NULL, NULL, 0, err);
}

static bool session_write(struct grpc_client *client, struct err *err)
{
    for (;;) {
        const uint8_t *data;
        ssize_t len = nghttp2_session_mem_send(client->session, &data);
        if (len < 0) return err_set(err, ERR_IO, "HTTP/2: %s", nghttp2_strerror((int)len));
        if (len == 0) return true;
        if (!tcp_write(client->tcp, bytes_from(data, (size_t)len), err)) return false;
    }
}

static bool session_read(struct grpc_client *client, int timeout_ms, struct err *err)
{
    uint8_t bytes[16384];
    size_t len;
    if (!tcp_read(client->tcp, bytes, sizeof bytes, &len, timeout_ms, err)) return false;
    if (len == 0) return err_set(err, ERR_IO, "the server closed the connection");
    ssize_t taken = nghttp2_session_mem_recv(client->session, bytes, len);
    if (taken < 0) return err_set(err, ERR_IO, "HTTP/2: %s", nghttp2_strerror((int)taken));
    return true;
}

#define HEADER(name_text, value_text)                                                                                 \
    ((nghttp2_nv){ (uint8_t *)(name_text), (uint8_t *)(uintptr_t)(value_text), strlen(name_text), strlen(value_text), \
                   NGHTTP2_NV_FLAG_NONE })

static bool call_submit(struct grpc_client *client, struct err *err)
{
    const struct grpc_call *call = client->call;
    nghttp2_nv headers[10];
    size_t count = 0;
    headers[count++] = HEADER(":method", "POST");
    headers[count++] = HEADER(":scheme", client->scheme);
    headers[count++] = HEADER(":path", call->path);
    headers[count++] = HEADER(":authority", client->authority);
    headers[count++] = HEADER("content-type", "application/grpc");
    headers[count++] = HEADER("te", "trailers");
    if (call->authorization) headers[count++] = HEADER("authorization", call->authorization);
    if (call->encoding) headers[count++] = HEADER("grpc-encoding", call->encoding);
    client->prefix[0] = call->encoding != NULL;
    for (int b = 0; b < 4; b++) client->prefix[1 + b] = (uint8_t)(call->body.len >> (24 - 8 * b));
    client->sent = 0;
    nghttp2_data_provider body = { .read_callback = body_read };
    client->stream_id = nghttp2_submit_request(client->session, NULL, headers, count, &body, NULL);
    if (client->stream_id < 0) return err_set(err, ERR_IO, "HTTP/2: %s", nghttp2_strerror(client->stream_id));
    return true;
}

/* A flag and four bytes of length stand before the message. */
static void prefix_strip(struct buf *message)
{
    enum { PREFIX_BYTES = 5 };
    if (message->len < PREFIX_BYTES) return;
    message->len -= PREFIX_BYTES;
    memmove(message->ptr, message->ptr + PREFIX_BYTES, message->len);
}

bool grpc_client_call(struct grpc_client *client, const struct grpc_call *call, uint32_t timeout_ms,
                      struct grpc_answer *answer, struct err *err)
{
    *answer = (struct grpc_answer){ .status = -1 };
    buf_init(&answer->message, ANSWER_BYTES_MAX);
    client->call = call;
    client->answer = answer;
    client->is_done = client->is_reset = false;
    client->http_status = 0;
    uint64_t until_ns = clock_mono_ns() + timeout_ms * 1000000ull;
    bool ok = call_submit(client, err);
    while (ok && !client->is_done) {
        ok = session_write(client, err);
        if (!ok || client->is_done) break;
        uint64_t now_ns = clock_mono_ns();
        if (now_ns >= until_ns) {
            ok = err_set(err, ERR_TIMEOUT, "no answer within %" PRIu32 " ms", timeout_ms);
            break;
        }
        ok = session_read(client, (int)((until_ns - now_ns) / 1000000) + 1, err);
    }
    ok = ok && session_write(client, err);
    if (ok && answer->status < 0)
        ok = err_set(err, ERR_IO, "the server answered HTTP %d without a gRPC status%s", client->http_status,
                     client->is_reset ? " and reset the stream" : "");
    client->stream_id = 0;
    if (ok) prefix_strip(&answer->message);
    if (!ok) buf_deinit(&answer->message);
    return ok;
}

void grpc_client_close(struct grpc_client *client)
{
    if (!client) return;
    if (client->session) nghttp2_session_del(client->session);
    tcp_close(client->tcp);
    free(client);
}
