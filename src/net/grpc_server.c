/* gRPC's session (grpc_session.h) as a protocol of net/server.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "net/grpc.h"
#include "net/grpc_session.h"

struct grpc_server {
    struct server *port;
    struct grpc_options options; /* address is not ours to keep: NULL */
};

static struct grpc_request *request_of(struct server_request *out)
{
    return (struct grpc_request *)((uint8_t *)out - offsetof(struct grpc_request, out));
}

static void *session_create(void *ctx, struct server_connection *owner, uint64_t now_mono_ns)
{
    struct grpc_server *server = ctx;
    return grpc_session_create(server->options.admission, &server->options, owner, now_mono_ns);
}

static void session_destroy(void *session)
{
    grpc_session_destroy(session);
}

static void session_feed(void *session, struct bytes bytes, uint64_t now_mono_ns)
{
    grpc_session_feed(session, bytes, now_mono_ns);
}

static struct server_request *session_next(void *session)
{
    struct grpc_request *request = grpc_session_next(session);
    return request == NULL ? NULL : &request->out;
}

static void request_call(void *ctx, struct server_request *out)
{
    struct grpc_server *server = ctx;
    server->options.handler.call(server->options.handler.ctx, request_of(out));
}

static struct server_connection *request_apply(struct server_request *out)
{
    struct grpc_session *session = grpc_call_apply(request_of(out));
    return session == NULL ? NULL : grpc_session_owner(session);
}

static size_t session_fill(void *session, uint8_t *out, size_t max)
{
    return grpc_session_fill(session, out, max);
}

static bool session_is_over(void *session)
{
    return grpc_session_is_over(session);
}

static const char *session_cut_reason(const void *session)
{
    return grpc_session_cut_reason(session);
}

static bool session_is_choked(void *session)
{
    return grpc_session_is_choked(session);
}

static bool session_is_idle(const void *session)
{
    return grpc_session_is_idle(session);
}

static bool session_has_begun(const void *session)
{
    return grpc_session_has_begun(session);
}

static void session_tick(void *session, uint64_t now_mono_ns)
{
    grpc_session_tick(session, now_mono_ns);
}

static void session_drain(void *session, bool at_once, uint64_t now_mono_ns)
{
    grpc_session_drain(session, at_once, now_mono_ns);
}

static const struct server_protocol protocol = {
    .name = "grpc",
    .speaks = "gRPC",
    .alpn = "h2",
    .create = session_create,
    .destroy = session_destroy,
    .feed = session_feed,
    .end = NULL, /* HTTP/2 has no half of a connection */
    .next = session_next,
    .call = request_call,
    .apply = request_apply,
    .fill = session_fill,
    .is_over = session_is_over,
    .cut_reason = session_cut_reason,
    .is_choked = session_is_choked,
    .is_idle = session_is_idle,
    .has_begun = session_has_begun,
    .tick = session_tick,
    .drain = session_drain,
};

static void server_released(void *ctx)
{
    struct grpc_server *server = ctx;
    admission_release(server->options.admission);
    free(server);
}

bool grpc_server_open(struct grpc_server **out, struct loop *loop, const struct grpc_options *options, struct err *err)
{
    *out = NULL;
    assert(options->handler.call != NULL && options->message_bytes_max > 0 && options->streams_max > 0);
    if (options->admission->bytes_max < (uint64_t)options->message_bytes_max + 65536) {
        return err_set(err, ERR_INPUT,
                       "cannot serve gRPC: %" PRIu64 " bytes in flight are too few for a message of %" PRIu32,
                       options->admission->bytes_max, options->message_bytes_max);
    }
    struct grpc_server *server = mem_calloc(1, sizeof *server);
    server->options = *options;
    server->options.address = NULL;
    admission_hold(options->admission);
    struct server_options port = {
        .address = options->address,
        .port = options->port,
        .protocol = &protocol,
        .tls = options->tls,
        .age_ms_max = options->age_ms_max,
        .ctx = server,
        .released = server_released,
        .log = options->log,
    };
    if (!server_open(&server->port, loop, &port, err)) {
        server_released(server);
        return false;
    }
    *out = server;
    return true;
}

uint16_t grpc_server_port(const struct grpc_server *server)
{
    return server_port(server->port);
}

void grpc_answer(struct grpc_request *request, const struct err *err, struct bytes message, uint32_t retry_delay_ms)
{
    grpc_call_set_answer(request, err, message, retry_delay_ms);
    server_answer(&request->out);
}

void grpc_server_drain(struct grpc_server *server)
{
    server_drain(server->port);
}

bool grpc_server_is_idle(struct grpc_server *server)
{
    return atomic_load(&server->options.admission->requests) == 0 && server_is_idle(server->port);
}

void grpc_server_stats(const struct grpc_server *server, struct server_stats *stats)
{
    server_stats(server->port, stats);
}

void grpc_server_close(struct grpc_server *server)
{
    if (server != NULL) server_close(server->port);
}
