/* HTTP/1.1's session (http_session.h) as a protocol of net/server.h. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/admission.h"
#include "net/http.h"
#include "net/http_session.h"

struct http_server {
    struct server *port;
    struct http_options options; /* address is not ours to keep: NULL */
};

static struct http_request *request_of(struct server_request *out)
{
    return (struct http_request *)(void *)((uint8_t *)out - offsetof(struct http_request, out));
}

static void *session_create(void *ctx, struct server_connection *owner, uint64_t now_mono_ns)
{
    struct http_server *server = ctx;
    return http_session_create(server->options.admission, &server->options, owner, now_mono_ns);
}

static void session_destroy(void *session)
{
    http_session_destroy(session);
}

static void session_feed(void *session, struct bytes bytes, uint64_t now_mono_ns)
{
    http_session_feed(session, bytes, now_mono_ns);
}

static bool session_end(void *session)
{
    return http_session_end(session);
}

static struct server_request *session_next(void *session)
{
    struct http_request *request = http_session_next(session);
    return request == NULL ? NULL : &request->out;
}

static void refuse_plainly(struct http_request *request, const struct http_refusal *refusal)
{
    char text[200], seconds[12];
    int text_len = snprintf(text, sizeof text, "%s\n", refusal->text);
    int seconds_len = snprintf(seconds, sizeof seconds, "%u", refusal->retry_after_s);
    struct http_header headers[] = {
        { BYTES("Content-Type"), BYTES("text/plain; charset=utf-8") },
        { BYTES("Retry-After"), bytes_from(seconds, (size_t)seconds_len) },
    };
    struct http_response response = { refusal->status, headers, refusal->retry_after_s > 0 ? 2 : 1,
                                      bytes_from(text, (size_t)text_len) };
    http_answer(request, &response);
}

static void request_call(void *ctx, struct server_request *out)
{
    const struct http_handler *handler = &((struct http_server *)ctx)->options.handler;
    struct http_request *request = request_of(out);
    const struct http_refusal *refusal = http_call_refusal(request);
    if (refusal == NULL) {
        handler->call(handler->ctx, request);
    } else if (handler->refuse != NULL) {
        handler->refuse(handler->ctx, request, refusal);
    } else {
        refuse_plainly(request, refusal);
    }
}

static struct server_connection *request_apply(struct server_request *out)
{
    return http_call_apply(request_of(out));
}

static struct server_connection *request_poked(struct server_request *out)
{
    return http_call_poked(request_of(out));
}

static size_t session_fill(void *session, uint8_t *out, size_t max)
{
    return http_session_fill(session, out, max);
}

static bool session_is_over(void *session)
{
    return http_session_is_over(session);
}

static bool session_is_choked(void *session)
{
    return http_session_is_choked(session);
}

static bool session_is_idle(const void *session)
{
    return http_session_is_idle(session);
}

static bool session_has_begun(const void *session)
{
    return http_session_has_begun(session);
}

static void session_tick(void *session, uint64_t now_mono_ns)
{
    http_session_tick(session, now_mono_ns);
}

static void session_drain(void *session, bool at_once, uint64_t now_mono_ns)
{
    http_session_drain(session, at_once, now_mono_ns);
}

static const struct server_protocol protocol = {
    .name = "http",
    .speaks = "HTTP/1.1",
    .alpn = "http/1.1",
    .create = session_create,
    .destroy = session_destroy,
    .feed = session_feed,
    .end = session_end,
    .next = session_next,
    .call = request_call,
    .apply = request_apply,
    .poked = request_poked,
    .fill = session_fill,
    .is_over = session_is_over,
    .is_choked = session_is_choked,
    .is_idle = session_is_idle,
    .has_begun = session_has_begun,
    .tick = session_tick,
    .drain = session_drain,
};

/* ---- answers ---- */

void http_answer(struct http_request *request, const struct http_response *response)
{
    http_call_set_answer(request, response);
    server_answer(&request->out);
}

void http_answer_text(struct http_request *request, int status, const char *text)
{
    struct buf body;
    buf_init(&body, SIZE_MAX);
    bool ok = buf_printf(&body, "%s\n", text);
    assert(ok); /* its limit is none */
    struct http_header type = { BYTES("Content-Type"), BYTES("text/plain; charset=utf-8") };
    http_answer(request, &(struct http_response){ status, &type, 1, buf_bytes(&body) });
    buf_deinit(&body);
}

void http_stream_begin(struct http_request *request, const struct http_response *head)
{
    http_call_set_stream(request, head);
    server_poke(&request->out);
}

bool http_stream_write(struct http_request *request, struct bytes bytes, int timeout_ms, struct err *err)
{
    if (!http_call_add_piece(request, bytes, timeout_ms, err)) return false;
    server_poke(&request->out);
    return true;
}

void http_stream_end(struct http_request *request, bool is_whole)
{
    http_call_end_stream(request, is_whole);
    server_answer(&request->out);
}

/* ---- the server's life ---- */

static void server_released(void *ctx)
{
    struct http_server *server = ctx;
    admission_release(server->options.admission);
    free(server);
}

bool http_server_open(struct http_server **out, struct loop *loop, const struct http_options *options, struct err *err)
{
    *out = NULL;
    assert(options->handler.call != NULL && options->body_bytes_max > 0);
    struct http_server *server = mem_calloc(1, sizeof *server);
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

uint16_t http_server_port(const struct http_server *server)
{
    return server_port(server->port);
}

void http_server_drain(struct http_server *server)
{
    server_drain(server->port);
}

bool http_server_is_idle(struct http_server *server)
{
    return atomic_load(&server->options.admission->requests) == 0 && server_is_idle(server->port);
}

void http_server_stats(const struct http_server *server, struct server_stats *stats)
{
    server_stats(server->port, stats);
}

void http_server_close(struct http_server *server)
{
    if (server != NULL) server_close(server->port);
}
