/* grpc_pair.h -- a client and a session without a socket between them, with a clock of the test's own.
 *
 * For *_test.c alone, which includes cmocka before. */
#pragma once
#include "net/grpc_session.h"
#include "net/grpc_test.h"

struct pair {
    struct admission *admission;
    struct grpc_session *session;
    struct client client;
    uint64_t now_mono_ns;
};

/* A session that has the service alone; it lives as long. */
static inline void pair_open(struct pair *pair, const struct grpc_service *service)
{
    struct grpc_options options = {
        .message_bytes_max = 4 << 20,
        .streams_max = 20,
        .services = service,
        .service_count = 1,
    };
    *pair = (struct pair){ .admission = admission_create(7 << 20) };
    pair->session = grpc_session_create(pair->admission, &options, NULL, 0);
    pair->client.http = client_http(&pair->client);
}

/* Both sides say all that they have to. */
static inline void pair_turn(struct pair *pair)
{
    const uint8_t *ptr;
    uint8_t out[65536];
    for (bool is_done = false; !is_done;) {
        is_done = true;
        for (ssize_t len; (len = nghttp2_session_mem_send(pair->client.http, &ptr)) > 0; is_done = false)
            grpc_session_feed(pair->session, bytes_from(ptr, (size_t)len), pair->now_mono_ns);
        for (size_t len; (len = grpc_session_fill(pair->session, out, sizeof out)) > 0; is_done = false)
            assert_int_equal(nghttp2_session_mem_recv(pair->client.http, out, len), len);
    }
}

static inline void pair_say(struct pair *pair, struct reply *reply, struct bytes bytes)
{
    reply->unsent = bytes;
    assert_int_equal(nghttp2_session_resume_data(pair->client.http, reply->stream_id), 0);
    pair_turn(pair);
}

static inline void pair_end(struct pair *pair, struct reply *reply)
{
    reply->is_left_open = false;
    pair_say(pair, reply, BYTES(""));
}

static inline void pair_second(struct pair *pair, int seconds)
{
    for (; seconds > 0; seconds--) {
        pair->now_mono_ns += 1000000000;
        grpc_session_tick(pair->session, pair->now_mono_ns);
        pair_turn(pair);
    }
}

static inline void pair_close(struct pair *pair)
{
    grpc_session_destroy(pair->session);
    nghttp2_session_del(pair->client.http);
    assert_int_equal(pair->admission->requests, 0);
    assert_int_equal(pair->admission->bytes, 0);
    admission_release(pair->admission);
}

static inline void assert_body(struct reply *reply, struct bytes expected)
{
    assert_int_equal(reply->body_len, expected.len);
    if (expected.len > 0) assert_memory_equal(reply->body, expected.ptr, expected.len);
    free(reply->body);
    reply->body = NULL;
    reply->body_len = 0;
}
