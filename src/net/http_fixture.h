/* http_fixture.h -- for tests: a real HTTP server on a port of its own, whose handler answers as the test tells it.
 *
 * Thread: the handler runs on the server's loop. Memory: requests in flight 64 MiB. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"

struct http_fixture {
    struct loop *loop;
    struct admission *admission;
    struct http_server *server;
    uint16_t port;
};

static inline void http_fixture_open(struct http_fixture *fixture,
                                     void (*call)(void *ctx, struct http_request *request), void *ctx,
                                     uint32_t body_bytes_max)
{
    static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };
    struct err err = { 0 };
    fixture->admission = admission_create(64 << 20);
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = body_bytes_max,
                                    .admission = fixture->admission,
                                    .handler = { .call = call, .ctx = ctx },
                                    .log = &quiet };
    if (!loop_open(&fixture->loop, &err) || !http_server_open(&fixture->server, fixture->loop, &options, &err)) {
        fprintf(stderr, "the test's server: %s\n", err.text);
        abort();
    }
    fixture->port = http_server_port(fixture->server);
}

/* Nobody is answered any more; a second time is fine. */
static inline void http_fixture_end(struct http_fixture *fixture)
{
    if (!fixture->loop) return;
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    loop_close(fixture->loop);
    admission_release(fixture->admission);
    *fixture = (struct http_fixture){ 0 };
}
