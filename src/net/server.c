#include "net/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/address.h"
#include "net/server_inside.h"

enum { LISTEN_BACKLOG = 512, TICK_MS_MIN = 50, TICK_MS_MAX = 1000 };
enum { AGE_MS_MAX = 30 * 60 * 1000, GRACE_MS_MAX = 2 * 60 * 1000, IDLE_MS_MAX = 10 * 60 * 1000 };
enum { BEGIN_MS_MAX = 10 * 1000, CONNECTIONS_MAX = 1024 };
static const uint64_t TELL_NS_MIN = 60000000000; /* between two lines of the log about one kind of mishap */

/* ---- answers ---- */

void server_apply(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    struct server_request *latest = server->answers, *answers = NULL;
    server->answers = NULL;
    for (; server->pokes != NULL;
         server->pokes = server->pokes->next_poked) { /* under the lock: none is answered yet */
        struct server_connection *connection = server->protocol->poked(server->pokes);
        server->pokes->is_poked = false;
        if (connection != NULL) connection_mark_dirty(connection);
    }
    pthread_mutex_unlock(&server->lock);
    for (struct server_request *older; latest != NULL; latest = older) { /* in the order of the answers */
        older = latest->next;
        latest->next = answers;
        answers = latest;
    }
    for (struct server_request *next; answers != NULL; answers = next) {
        next = answers->next;
        struct server_connection *connection = server->protocol->apply(answers);
        if (connection != NULL) connection_mark_dirty(connection);
        atomic_fetch_sub(&server->requests_out, 1);
    }
}

void server_settle(struct server *server)
{
    if (server->is_settling) return; /* whoever does it comes to this one too */
    server->is_settling = true;
    atomic_fetch_add(&server->sends, 1);
    server_apply(server);
    while (server->dirty != NULL) {
        struct server_connection *connection = server->dirty;
        server->dirty = connection->next_dirty;
        connection->next_dirty = NULL;
        connection->is_dirty = false;
        connection_serve(connection);
    }
    server->is_settling = false;
    atomic_fetch_sub(&server->sends, 1);
}

static void settle_on_loop(void *ctx)
{
    server_settle(ctx);
}

static void server_free(struct server *server)
{
    void (*released)(void *) = server->options.released;
    void *ctx = server->options.ctx;
    pthread_mutex_destroy(&server->lock);
    free(server->read_bytes);
    free(server->write_bytes);
    free(server->clear_bytes);
    free(server);
    if (released != NULL) released(ctx);
}

/* Under the lock: after server_close has set is_closed there is no loop to post to. */
static void settle_ask(struct server *server, bool was_empty)
{
    bool is_awaited = loop_is_here(server->loop) && server->is_settling;
    if (was_empty && !is_awaited) loop_post(server->loop, settle_on_loop, server);
}

void server_poke(struct server_request *request)
{
    struct server *server = request->server;
    pthread_mutex_lock(&server->lock);
    if (!server->is_closed && !request->is_poked) {
        bool was_empty = server->answers == NULL && server->pokes == NULL;
        request->is_poked = true;
        request->next_poked = server->pokes;
        server->pokes = request;
        settle_ask(server, was_empty);
    }
    pthread_mutex_unlock(&server->lock);
}

void server_answer(struct server_request *request)
{
    struct server *server = request->server;
    pthread_mutex_lock(&server->lock);
    bool is_last = false;
    if (server->is_closed) {
        (void)server->protocol->apply(request); /* its session is gone: just frees it */
        is_last = atomic_fetch_sub(&server->requests_out, 1) == 1 && server->is_released;
    } else {
        bool was_empty = server->answers == NULL && server->pokes == NULL;
        request->next = server->answers;
        server->answers = request;
        settle_ask(server, was_empty);
    }
    pthread_mutex_unlock(&server->lock);
    if (is_last) server_free(server);
}

/* ---- mishaps ---- */

void server_connection_peer(const struct server_connection *connection, char *out, size_t out_bytes)
{
    struct sockaddr_storage name;
    int len = sizeof name;
    out[0] = '\0';
    if (uv_tcp_getpeername(&connection->socket, (struct sockaddr *)&name, &len) != 0) return;
    if (name.ss_family == AF_INET) (void)uv_ip4_name((const struct sockaddr_in *)&name, out, out_bytes);
    if (name.ss_family == AF_INET6) (void)uv_ip6_name((const struct sockaddr_in6 *)&name, out, out_bytes);
}

void server_mishap(struct server *server, enum server_mishap mishap, const struct server_connection *connection,
                   const char *detail)
{
    static const char *const names[SERVER_MISHAPS] = { "connection_refused", "tls_failed",     "tls_missing",
                                                       "tls_unexpected",     "not_understood", "cut_off" };
    char event[60], peer[64];
    uint64_t count = atomic_fetch_add(&server->mishaps[mishap], 1) + 1, now_ns = clock_mono_ns();
    if (count > 1 && now_ns - server->told_mono_ns[mishap] < TELL_NS_MIN) return;
    server->told_mono_ns[mishap] = now_ns;
    snprintf(event, sizeof event, "%s.%s", server->protocol->name, names[mishap]);
    server_connection_peer(connection, peer, sizeof peer);
    log_warn(server->options.log, event, log_text("peer", peer), log_text("why", detail),
             log_number("count", (int64_t)count));
}

/* ---- the port ---- */

static void accept_on(uv_stream_t *listener, int failed)
{
    if (failed == 0)
        connection_accept(listener->data); /* else it is of the one connection, or for want of descriptors:
                                                         * libuv tries again */
}

static void tick_on(uv_timer_t *ticker)
{
    struct server *server = ticker->data;
    uint64_t now_ns = clock_mono_ns();
    atomic_fetch_add(&server->sends, 1);
    for (struct server_connection *connection = server->connections, *next; connection != NULL; connection = next) {
        next = connection->next; /* a tick closes none but its own */
        connection_tick(connection, now_ns);
    }
    server_settle(server);
    atomic_fetch_sub(&server->sends, 1);
}

struct opening {
    struct server *server;
    struct address address;
    const char *what; /* failed */
    int failed;
    uint32_t handles;
};

/* Often enough for the shortest of the limits. */
static uint64_t tick_ms(const struct server_options *options)
{
    uint32_t least = options->age_ms_max < options->idle_ms_max ? options->age_ms_max : options->idle_ms_max;
    if (options->begin_ms_max < least) least = options->begin_ms_max;
    return least / 4 < TICK_MS_MIN ? TICK_MS_MIN : least / 4 < TICK_MS_MAX ? least / 4 : TICK_MS_MAX;
}

static void open_on_loop(void *ctx)
{
    struct opening *opening = ctx;
    struct server *server = opening->server;
    uv_loop_t *uv = loop_uv(server->loop);
    uv_tcp_init(uv, &server->listener);
    uv_timer_init(uv, &server->ticker);
    server->handles = 2;
    server->listener.data = server->ticker.data = server;
    const struct sockaddr *address = (const struct sockaddr *)&opening->address.storage;
    opening->what = "listen on";
    opening->failed = uv_tcp_bind(&server->listener, address, 0);
    if (opening->failed == 0) {
        opening->failed = uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, accept_on);
    }
    int len = sizeof opening->address.storage;
    if (opening->failed == 0) {
        opening->what = "read back";
        struct sockaddr *name = (struct sockaddr *)&opening->address.storage;
        opening->failed = uv_tcp_getsockname(&server->listener, name, &len);
    }
    if (opening->failed != 0) return;
    server->port = address_port(&opening->address);
    uv_timer_start(&server->ticker, tick_on, tick_ms(&server->options), tick_ms(&server->options));
}

static void handle_closed_on(uv_handle_t *handle)
{
    struct server *server = handle->data;
    server->handles--;
}

static void listener_close(struct server *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->listener)) {
        uv_close((uv_handle_t *)&server->listener, handle_closed_on);
    }
}

static void handles_close(void *ctx)
{
    struct server *server = ctx;
    listener_close(server);
    uv_close((uv_handle_t *)&server->ticker, handle_closed_on);
    while (server->connections != NULL) connection_close(server->connections);
}

static void handles_count(void *ctx)
{
    struct opening *opening = ctx;
    opening->handles = opening->server->handles;
}

bool server_open(struct server **out, struct loop *loop, const struct server_options *options, struct err *err)
{
    *out = NULL;
    struct opening opening = { 0 };
    if (!address_find(&opening.address, options->address, options->port, err)) return false;
    struct server *server = mem_calloc(1, sizeof *server);
    server->loop = loop;
    server->options = *options;
    server->options.address = NULL;
    server->protocol = options->protocol;
    if (options->age_ms_max == 0) server->options.age_ms_max = AGE_MS_MAX;
    if (options->grace_ms_max == 0) server->options.grace_ms_max = GRACE_MS_MAX;
    if (options->idle_ms_max == 0) server->options.idle_ms_max = IDLE_MS_MAX;
    if (options->begin_ms_max == 0) server->options.begin_ms_max = BEGIN_MS_MAX;
    if (options->connections_max == 0) server->options.connections_max = CONNECTIONS_MAX;
    if (options->tls != NULL) server->clear_bytes = mem_alloc(SERVER_READ_BYTES);
    server->read_bytes = mem_alloc(SERVER_READ_BYTES);
    server->write_bytes = mem_alloc(SERVER_WRITE_BYTES);
    pthread_mutex_init(&server->lock, NULL);
    opening.server = server;
    loop_call(loop, open_on_loop, &opening);
    if (opening.failed != 0) {
        err_set(err, ERR_IO, "could not %s %s, port %u: %s", opening.what, options->address, options->port,
                uv_strerror(opening.failed));
        loop_call(loop, handles_close, server);
        do { /* closing takes the loop a turn or two */
            clock_sleep_ms(1);
            loop_call(loop, handles_count, &opening);
        } while (opening.handles > 0);
        server->options.released = NULL; /* it never was ours */
        server_free(server);
        return false;
    }
    *out = server;
    return true;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

void server_stats(const struct server *server, struct server_stats *stats)
{
    stats->connections = atomic_load(&server->open_count);
    stats->connections_accepted = atomic_load(&server->accepted_count);
    stats->connections_refused = atomic_load(&server->mishaps[SERVER_REFUSED]);
    stats->connections_drained = atomic_load(&server->drained_count);
    stats->tls_failed = atomic_load(&server->mishaps[SERVER_TLS_FAILED]);
    stats->tls_missing = atomic_load(&server->mishaps[SERVER_TLS_MISSING]);
    stats->tls_unexpected = atomic_load(&server->mishaps[SERVER_TLS_UNEXPECTED]);
    stats->not_understood = atomic_load(&server->mishaps[SERVER_NOT_UNDERSTOOD]);
    stats->cut_off = atomic_load(&server->mishaps[SERVER_CUT_OFF]);
}

static void drain_on_loop(void *ctx)
{
    struct server *server = ctx;
    uint64_t now_ns = clock_mono_ns();
    server->is_draining = true;
    listener_close(server);
    for (struct server_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        connection_drain(connection, true, now_ns);
    }
    server_settle(server);
}

void server_drain(struct server *server)
{
    loop_post(server->loop, drain_on_loop, server);
}

bool server_is_idle(const struct server *server)
{
    return atomic_load(&server->requests_out) == 0 && atomic_load(&server->sends) == 0;
}

void server_close(struct server *server)
{
    if (server == NULL) return;
    handles_close(server);
    while (server->handles > 0) loop_turn(server->loop);

    pthread_mutex_lock(&server->lock);
    server->is_closed = true; /* no more posts */
    pthread_mutex_unlock(&server->lock);
    loop_turn(server->loop); /* the last post, if there was one: it takes the last answers */

    pthread_mutex_lock(&server->lock);
    assert(server->answers == NULL);
    server->is_released = true;
    bool is_last = atomic_load(&server->requests_out) == 0;
    pthread_mutex_unlock(&server->lock);
    if (is_last) server_free(server);
}
