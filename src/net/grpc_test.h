/* grpc_test.h -- an HTTP/2 client for tests of gRPC: calls with every header and byte in the test's hands.
 *
 * For *_test.c alone, which includes cmocka before. */
#pragma once
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/err.h"
#include "net/tcp.h"

enum { WAIT_MS = 10000 };

struct reply {
    int http_status, grpc_status; /* -1: none came */
    char message[800], details[600], accept_encoding[60];
    uint8_t *body; /* with its prefix */
    size_t body_len;
    bool is_closed;
    uint32_t error_code;
    /* of the request */
    int32_t stream_id;
    struct bytes request, unsent;
    bool is_left_open; /* after the bytes */
};

struct client {
    struct tcp *tcp;
    nghttp2_session *http;
    bool has_goaway, is_ended;
    uint32_t goaway_code;
    size_t write_step; /* 0: all at once */
};

static inline void text_keep(char *out, size_t out_bytes, const uint8_t *ptr, size_t len)
{
    assert_true(len < out_bytes);
    memcpy(out, ptr, len);
    out[len] = '\0';
}

static inline int client_on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
                                   size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
    (void)flags, (void)ctx;
    struct reply *reply = nghttp2_session_get_stream_user_data(http, frame->hd.stream_id);
    struct bytes key = { name, name_len };
    char number[20];
    if (bytes_equal(key, BYTES(":status"))) {
        text_keep(number, sizeof number, value, len);
        reply->http_status = atoi(number);
    } else if (bytes_equal(key, BYTES("grpc-status"))) {
        text_keep(number, sizeof number, value, len);
        reply->grpc_status = atoi(number);
    } else if (bytes_equal(key, BYTES("grpc-message"))) {
        text_keep(reply->message, sizeof reply->message, value, len);
    } else if (bytes_equal(key, BYTES("grpc-status-details-bin"))) {
        text_keep(reply->details, sizeof reply->details, value, len);
    } else if (bytes_equal(key, BYTES("grpc-accept-encoding"))) {
        text_keep(reply->accept_encoding, sizeof reply->accept_encoding, value, len);
    } else if (bytes_equal(key, BYTES("content-type"))) {
        bool is_grpc = bytes_equal(bytes_from(value, len), BYTES("application/grpc"));
        assert_true(is_grpc == (reply->http_status == 200));
    }
    return 0;
}

static inline int client_on_data(nghttp2_session *http, uint8_t flags, int32_t stream_id, const uint8_t *ptr,
                                 size_t len, void *ctx)
{
    (void)flags, (void)ctx;
    struct reply *reply = nghttp2_session_get_stream_user_data(http, stream_id);
    reply->body = mem_realloc(reply->body, reply->body_len + len);
    memcpy(reply->body + reply->body_len, ptr, len);
    reply->body_len += len;
    return 0;
}

static inline int client_on_close(nghttp2_session *http, int32_t stream_id, uint32_t error_code, void *ctx)
{
    (void)ctx;
    struct reply *reply = nghttp2_session_get_stream_user_data(http, stream_id);
    if (reply == NULL) return 0;
    reply->is_closed = true;
    reply->error_code = error_code;
    return 0;
}

static inline int client_on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *ctx)
{
    (void)http;
    struct client *client = ctx;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->has_goaway = true;
        client->goaway_code = frame->goaway.error_code;
    }
    return 0;
}

static inline nghttp2_session *client_http(struct client *client)
{
    nghttp2_session *http;
    nghttp2_session_callbacks *callbacks;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_on_frame);
    assert_int_equal(nghttp2_session_client_new(&http, callbacks, client), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(http, 0, NULL, 0), 0);
    return http;
}

static inline void client_close(struct client *client)
{
    nghttp2_session_del(client->http);
    tcp_close(client->tcp);
}

static inline void client_send(struct client *client)
{
    const uint8_t *ptr;
    ssize_t len;
    struct err err = { 0 };
    while ((len = nghttp2_session_mem_send(client->http, &ptr)) > 0) {
        for (size_t step; len > 0; ptr += step, len -= (ssize_t)step) {
            step = client->write_step > 0 && client->write_step < (size_t)len ? client->write_step : (size_t)len;
            if (!tcp_write(client->tcp, bytes_from(ptr, step), &err)) client->is_ended = true;
        }
    }
    assert_int_equal(len, 0);
}

/* Sends what there is, then reads once; false when nothing came in time. */
static inline bool client_poll(struct client *client, int timeout_ms)
{
    uint8_t in[65536];
    size_t len;
    struct err err = { 0 };
    client_send(client);
    if (!tcp_read(client->tcp, in, sizeof in, &len, timeout_ms, &err)) {
        if (err.code == ERR_TIMEOUT) return false;
        len = 0; /* a reset ends the stream as well */
    }
    if (len == 0) client->is_ended = true;
    assert_int_equal(nghttp2_session_mem_recv(client->http, in, len), len);
    client_send(client);
    return true;
}

static inline void client_step(struct client *client)
{
    assert_true(client_poll(client, WAIT_MS));
}

static inline void client_wait(struct client *client, const struct reply *reply)
{
    while (!reply->is_closed && !client->is_ended) client_step(client);
    assert_true(reply->is_closed);
}

static inline ssize_t client_body_read(nghttp2_session *http, int32_t stream_id, uint8_t *out, size_t max,
                                       uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    (void)http, (void)stream_id, (void)ctx;
    struct reply *reply = source->ptr;
    size_t len = reply->unsent.len < max ? reply->unsent.len : max;
    if (len == 0 && reply->is_left_open) return NGHTTP2_ERR_DEFERRED;
    if (len > 0) memcpy(out, reply->unsent.ptr, len);
    reply->unsent.ptr += len;
    reply->unsent.len -= len;
    if (reply->unsent.len == 0 && !reply->is_left_open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static inline nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0 };
}

/* extra: name, value, ... NULL; a name that is there already is replaced when it is a pseudo header or content-type. */
static inline void call_begin(struct client *client, struct reply *reply, const char *path, struct bytes bytes,
                              const char *const *extra)
{
    nghttp2_nv headers[40] = {
        nv(":method", "POST"),
        nv(":scheme", "http"),
        nv(":path", path),
        nv(":authority", "x"),
        nv("content-type", "application/grpc"),
        nv("te", "trailers"),
    };
    size_t count = 6;
    for (; extra != NULL && *extra != NULL; extra += 2) {
        size_t at = count;
        for (size_t i = 0; i < 6; i++) {
            if (strcmp((const char *)headers[i].name, extra[0]) == 0) at = i;
        }
        headers[at] = nv(extra[0], extra[1]);
        count += at == count;
    }
    bool is_left_open = reply->is_left_open;
    *reply = (struct reply){ .http_status = -1, .grpc_status = -1, .unsent = bytes, .is_left_open = is_left_open };
    nghttp2_data_provider body = { .source.ptr = reply, .read_callback = client_body_read };
    reply->stream_id = nghttp2_submit_request(client->http, NULL, headers, count, &body, reply);
    assert_true(reply->stream_id > 0);
}

/* flag, length, payload; freed with free(). */
static inline struct bytes message_of(uint8_t flag, struct bytes payload)
{
    uint8_t *message = mem_alloc(5 + payload.len);
    message[0] = flag;
    for (int i = 0; i < 4; i++) message[1 + i] = (uint8_t)(payload.len >> (24 - 8 * i));
    if (payload.len > 0) memcpy(message + 5, payload.ptr, payload.len);
    return bytes_from(message, 5 + payload.len);
}

static inline void call(struct client *client, struct reply *reply, const char *path, struct bytes bytes,
                        const char *const *extra)
{
    call_begin(client, reply, path, bytes, extra);
    client_wait(client, reply);
}

static inline void assert_echo(struct reply *reply, struct bytes message)
{
    assert_int_equal(reply->http_status, 200);
    assert_int_equal(reply->grpc_status, 0);
    assert_int_equal(reply->error_code, NGHTTP2_NO_ERROR);
    assert_int_equal(reply->body_len, message.len);
    assert_int_equal(reply->body[0], 0);
    assert_memory_equal(reply->body + 1, message.ptr + 1, message.len - 1);
    free(reply->body);
    reply->body = NULL;
}
