#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/address.h"
#include "net/grpc.h"
#include "net/grpc_session.h"
#include "net/loop_uv.h"

enum {
    CONNECTIONS_MAX = 1024,
    LISTEN_BACKLOG = 512,
    READ_BYTES = 256 << 10, /* larger ones fall out of the second-level cache: measured */
    WRITE_BYTES = 64 << 10,
    TICK_MS = 1000,
    KEEPALIVE_SECONDS = 60, /* TCP's: finds peers that are gone without a word */
};
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t IDLE_SECONDS_MAX = 600;
static const uint64_t BEGIN_SECONDS_MAX = 10; /* until the client's SETTINGS */
static const uint64_t WRITE_SECONDS_MAX = 60; /* for a client that reads nothing */
static const uint64_t LINGER_SECONDS_MAX = 2;

struct connection {
    uv_tcp_t socket;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct grpc_server *server;
    struct grpc_session *session;
    struct connection *prev, *next;
    struct connection *next_dirty;
    uint8_t *unsent; /* of the write under way */
    uint64_t accepted_mono_ns, heard_mono_ns, write_mono_ns, linger_mono_ns;
    bool is_reading, is_writing, is_dirty, is_lingering, is_closing;
};

struct grpc_server {
    struct loop *loop;
    struct grpc_options options; /* address is not ours to keep: NULL */
    uint16_t port;
    struct grpc_admission admission;
    _Atomic uint32_t sends; /* replies on their way from a session to the kernel; and undelivered answers */

    /* the loop thread's */
    uv_tcp_t listener;
    uv_timer_t ticker;
    uint32_t handles; /* not yet closed */
    struct connection *connections, *dirty;
    uint32_t connection_count;
    uint64_t connections_refused;
    bool is_draining, is_delivering;
    uint8_t *read_bytes, *write_bytes;

    pthread_mutex_t lock;         /* guards the rest */
    struct grpc_request *answers; /* latest first */
    uint32_t calls_out;           /* with the handler */
    bool is_closed, is_released;  /* answers are freed on the spot; the last one frees the server */
};

/* ---- connections ---- */

static void connection_closed_on(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->server->handles--;
    free(connection->unsent);
    free(connection);
}

static void connection_close(struct connection *connection)
{
    struct grpc_server *server = connection->server;
    if (connection->is_closing) return;
    connection->is_closing = true;
    *(connection->prev != NULL ? &connection->prev->next : &server->connections) = connection->next;
    if (connection->next != NULL) connection->next->prev = connection->prev;
    for (struct connection **at = &server->dirty; *at != NULL; at = &(*at)->next_dirty) {
        if (*at != connection) continue;
        *at = connection->next_dirty;
        break;
    }
    server->connection_count--;
    if (connection->is_writing) atomic_fetch_sub(&server->sends, 1);
    connection->is_writing = false;
    grpc_session_destroy(connection->session);
    connection->session = NULL;
    uv_close((uv_handle_t *)&connection->socket, connection_closed_on);
}

static void connection_read_on(uv_stream_t *stream, ssize_t len, const uv_buf_t *unused);
static void connection_flush(struct connection *connection);

static void read_bytes_on(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct connection *connection = handle->data;
    *out = uv_buf_init((char *)connection->server->read_bytes, READ_BYTES);
}

static void connection_written_on(uv_write_t *write, int failed)
{
    struct connection *connection = write->data;
    free(connection->unsent);
    connection->unsent = NULL;
    if (connection->is_closing) return;
    connection->is_writing = false;
    connection_flush(connection);
    atomic_fetch_sub(&connection->server->sends, 1); /* after the flush: not idle in between */
    if (failed != 0) connection_close(connection);
}

static void write_rest(struct connection *connection, const uint8_t *ptr, size_t len)
{
    struct grpc_server *server = connection->server;
    connection->unsent = mem_alloc(len);
    memcpy(connection->unsent, ptr, len);
    uv_buf_t rest = uv_buf_init((char *)connection->unsent, (unsigned)len);
    connection->write.data = connection;
    connection->write_mono_ns = clock_mono_ns();
    connection->is_writing = true;
    atomic_fetch_add(&server->sends, 1);
    int failed = uv_write(&connection->write, (uv_stream_t *)&connection->socket, &rest, 1, connection_written_on);
    if (failed != 0) connection_close(connection);
}

static void connection_shut_on(uv_shutdown_t *shutdown, int failed)
{
    (void)shutdown, (void)failed; /* the peer's end, or the ticker, closes it */
}

/* All is sent. Closing now, with bytes of the peer unread, would make the kernel send RST, and that may take our
 * last words out of the peer's hands: tell it that we are done, and wait a little for it to be done too. */
static void connection_linger(struct connection *connection)
{
    connection->is_lingering = true;
    connection->linger_mono_ns = clock_mono_ns();
    uv_stream_t *stream = (uv_stream_t *)&connection->socket;
    int failed = uv_shutdown(&connection->shutdown, stream, connection_shut_on);
    if (failed == 0 && !connection->is_reading) failed = uv_read_start(stream, read_bytes_on, connection_read_on);
    if (failed != 0) connection_close(connection);
}

/* Sends what the session has, as far as the kernel takes it; goes on when a write is done. Ends what is over. */
static void connection_flush(struct connection *connection)
{
    struct grpc_server *server = connection->server;
    if (connection->is_lingering) return;
    atomic_fetch_add(&server->sends, 1);
    while (!connection->is_closing && !connection->is_writing) {
        size_t len = grpc_session_fill(connection->session, server->write_bytes, WRITE_BYTES);
        if (len == 0) {
            if (grpc_session_is_over(connection->session)) connection_linger(connection);
            break;
        }
        uv_buf_t all = uv_buf_init((char *)server->write_bytes, (unsigned)len);
        int sent = uv_try_write((uv_stream_t *)&connection->socket, &all, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            connection_close(connection);
            break;
        }
        size_t taken = sent < 0 ? 0 : (size_t)sent;
        if (taken < len) write_rest(connection, server->write_bytes + taken, len - taken);
    }
    atomic_fetch_sub(&server->sends, 1);
    if (connection->is_closing || connection->is_lingering) return;

    /* A peer that makes us talk and does not listen is not heard meanwhile. */
    bool is_choked = connection->is_writing && grpc_session_is_choked(connection->session);
    if (is_choked && connection->is_reading) {
        connection->is_reading = false;
        uv_read_stop((uv_stream_t *)&connection->socket);
    } else if (!is_choked && !connection->is_reading) {
        connection->is_reading = true;
        int failed = uv_read_start((uv_stream_t *)&connection->socket, read_bytes_on, connection_read_on);
        if (failed != 0) connection_close(connection);
    }
}

/* ---- answers ---- */

static void connection_mark_dirty(struct connection *connection)
{
    struct grpc_server *server = connection->server;
    if (connection->is_dirty || connection->is_closing) return;
    connection->is_dirty = true;
    connection->next_dirty = server->dirty;
    server->dirty = connection;
}

static void dirty_flush(struct grpc_server *server)
{
    while (server->dirty != NULL) {
        struct connection *connection = server->dirty;
        server->dirty = connection->next_dirty;
        connection->next_dirty = NULL;
        connection->is_dirty = false;
        connection_flush(connection);
    }
}

/* All that was answered up to now, in the order of the answers. */
static void answers_apply(void *ctx)
{
    struct grpc_server *server = ctx;
    pthread_mutex_lock(&server->lock);
    struct grpc_request *latest = server->answers, *answers = NULL;
    server->answers = NULL;
    for (struct grpc_request *older; latest != NULL; latest = older) {
        older = grpc_call_next_answered(latest);
        grpc_call_link_answered(latest, answers);
        answers = latest;
        server->calls_out--;
    }
    pthread_mutex_unlock(&server->lock);

    atomic_fetch_add(&server->sends, 1);
    for (struct grpc_request *next; answers != NULL; answers = next) {
        next = grpc_call_next_answered(answers);
        struct grpc_session *session = grpc_call_apply(answers);
        if (session != NULL) connection_mark_dirty(grpc_session_owner(session));
    }
    if (!server->is_delivering) dirty_flush(server);
    atomic_fetch_sub(&server->sends, 1);
}

static void server_free(struct grpc_server *server)
{
    grpc_admission_deinit(&server->admission);
    pthread_mutex_destroy(&server->lock);
    free(server->read_bytes);
    free(server->write_bytes);
    free(server);
}

void grpc_answer(struct grpc_request *request, const struct err *err, struct bytes message, uint32_t retry_delay_ms)
{
    struct grpc_server *server = request->private_state;
    grpc_call_set_answer(request, err, message, retry_delay_ms);
    pthread_mutex_lock(&server->lock);
    bool is_last = false;
    if (server->is_closed) {
        (void)grpc_call_apply(request); /* its session is gone: just frees it */
        is_last = --server->calls_out == 0 && server->is_released;
    } else {
        bool was_empty = server->answers == NULL;
        grpc_call_link_answered(request, server->answers);
        server->answers = request;
        /* Posted under the lock: after grpc_server_close has set is_closed there is no loop to post to. */
        bool is_awaited = loop_is_here(server->loop) && server->is_delivering;
        if (was_empty && !is_awaited) loop_post(server->loop, answers_apply, server);
    }
    pthread_mutex_unlock(&server->lock);
    if (is_last) server_free(server);
}

/* ---- what comes in ---- */

static void calls_deliver(struct connection *connection)
{
    struct grpc_server *server = connection->server;
    struct grpc_request *request;
    server->is_delivering = true; /* answers given by the handler itself need no wake-up */
    while ((request = grpc_session_next(connection->session)) != NULL) {
        request->private_state = server;
        pthread_mutex_lock(&server->lock);
        server->calls_out++;
        pthread_mutex_unlock(&server->lock);
        server->options.handler.call(server->options.handler.ctx, request);
    }
    answers_apply(server);
    server->is_delivering = false;
    connection_mark_dirty(connection);
    dirty_flush(server);
}

static void connection_read_on(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    if (connection->is_closing || len == 0) return; /* 0 is libuv's EAGAIN */
    if (len < 0) {
        connection_close(connection);
        return;
    }
    if (connection->is_lingering) return;
    connection->heard_mono_ns = clock_mono_ns();
    struct bytes bytes = bytes_from(buf->base, (size_t)len);
    grpc_session_feed(connection->session, bytes, connection->heard_mono_ns);
    calls_deliver(connection); /* and flush: ends the connection when the session is over */
}

static void connection_accept_on(uv_stream_t *listener, int failed)
{
    struct grpc_server *server = listener->data;
    if (failed != 0) return; /* of the one connection, or for want of descriptors: libuv tries again */
    struct connection *connection = mem_calloc(1, sizeof *connection);
    connection->server = server;
    connection->socket.data = connection;
    uv_tcp_init(loop_uv(server->loop), &connection->socket);
    server->handles++;
    failed = uv_accept(listener, (uv_stream_t *)&connection->socket);
    if (failed != 0 || server->connection_count >= CONNECTIONS_MAX || server->is_draining) {
        /* Taken and closed: left in the backlog it would hang. The first is logged, the rest counted. */
        if (failed == 0 && !server->is_draining && server->connections_refused++ == 0) {
            log_warn(server->options.log, "grpc.connection_refused", log_number("connections_max", CONNECTIONS_MAX));
        }
        uv_close((uv_handle_t *)&connection->socket, connection_closed_on);
        return;
    }
    uv_tcp_nodelay(&connection->socket, 1);
    uv_tcp_keepalive(&connection->socket, 1, KEEPALIVE_SECONDS);
    connection->accepted_mono_ns = connection->heard_mono_ns = clock_mono_ns();
    connection->session =
        grpc_session_create(&server->admission, &server->options, connection, connection->accepted_mono_ns);
    connection->next = server->connections;
    if (connection->next != NULL) connection->next->prev = connection;
    server->connections = connection;
    server->connection_count++;
    connection_flush(connection); /* our SETTINGS; begins to read */
}

static bool is_overdue(const struct connection *connection, uint64_t now_ns)
{
    if (connection->is_lingering) return now_ns - connection->linger_mono_ns > LINGER_SECONDS_MAX * SECOND_NS;
    if (connection->is_writing && now_ns - connection->write_mono_ns > WRITE_SECONDS_MAX * SECOND_NS) return true;
    bool has_begun = grpc_session_has_begun(connection->session);
    if (!has_begun && now_ns - connection->accepted_mono_ns > BEGIN_SECONDS_MAX * SECOND_NS) return true;
    return grpc_session_is_idle(connection->session) &&
           now_ns - connection->heard_mono_ns > IDLE_SECONDS_MAX * SECOND_NS;
}

static void tick_on(uv_timer_t *ticker)
{
    struct grpc_server *server = ticker->data;
    uint64_t now_ns = clock_mono_ns();
    for (struct connection *connection = server->connections, *next; connection != NULL; connection = next) {
        next = connection->next; /* the flush closes none but its own */
        grpc_session_tick(connection->session, now_ns);
        bool ends = is_overdue(connection, now_ns);
        if (ends) grpc_session_drain(connection->session);
        connection_flush(connection);
        if (ends) connection_close(connection);
    }
}

/* ---- the server's life ---- */

struct opening {
    struct grpc_server *server;
    struct address address;
    const char *what; /* failed */
    int failed;
    uint32_t handles;
};

static void open_on_loop(void *ctx)
{
    struct opening *opening = ctx;
    struct grpc_server *server = opening->server;
    uv_loop_t *uv = loop_uv(server->loop);
    uv_tcp_init(uv, &server->listener);
    uv_timer_init(uv, &server->ticker);
    server->handles = 2;
    server->listener.data = server->ticker.data = server;
    const struct sockaddr *address = (const struct sockaddr *)&opening->address.storage;
    opening->what = "listen on";
    opening->failed = uv_tcp_bind(&server->listener, address, 0);
    if (opening->failed == 0) {
        opening->failed = uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, connection_accept_on);
    }
    int len = sizeof opening->address.storage;
    if (opening->failed == 0) {
        opening->what = "read back";
        struct sockaddr *name = (struct sockaddr *)&opening->address.storage;
        opening->failed = uv_tcp_getsockname(&server->listener, name, &len);
    }
    if (opening->failed != 0) return;
    server->port = address_port(&opening->address);
    uv_timer_start(&server->ticker, tick_on, TICK_MS, TICK_MS);
}

static void handle_closed_on(uv_handle_t *handle)
{
    struct grpc_server *server = handle->data;
    server->handles--;
}

static void listener_close(struct grpc_server *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->listener)) {
        uv_close((uv_handle_t *)&server->listener, handle_closed_on);
    }
}

static void handles_close(void *ctx)
{
    struct grpc_server *server = ctx;
    listener_close(server);
    uv_close((uv_handle_t *)&server->ticker, handle_closed_on);
    while (server->connections != NULL) connection_close(server->connections);
}

static void handles_count(void *ctx)
{
    struct opening *opening = ctx;
    opening->handles = opening->server->handles;
}

bool grpc_server_open(struct grpc_server **out, struct loop *loop, const struct grpc_options *options, struct err *err)
{
    *out = NULL;
    assert(options->handler.call != NULL && options->message_bytes_max > 0 && options->streams_max > 0);
    if (options->in_flight_bytes_max < (uint64_t)options->message_bytes_max + 65536) {
        return err_set(err, ERR_INPUT,
                       "cannot serve gRPC: %" PRIu64 " bytes in flight are too few for a message of %" PRIu32,
                       options->in_flight_bytes_max, options->message_bytes_max);
    }
    struct opening opening = { 0 };
    if (!address_find(&opening.address, options->address, options->port, err)) return false;
    struct grpc_server *server = mem_calloc(1, sizeof *server);
    server->loop = loop;
    server->options = *options;
    server->options.address = NULL;
    server->admission.bytes_max = options->in_flight_bytes_max;
    server->read_bytes = mem_alloc(READ_BYTES);
    server->write_bytes = mem_alloc(WRITE_BYTES);
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
        server_free(server);
        return false;
    }
    *out = server;
    return true;
}

uint16_t grpc_server_port(const struct grpc_server *server)
{
    return server->port;
}

static void drain_on_loop(void *ctx)
{
    struct grpc_server *server = ctx;
    server->is_draining = true;
    listener_close(server);
    for (struct connection *connection = server->connections, *next; connection != NULL; connection = next) {
        next = connection->next;
        grpc_session_drain(connection->session);
        connection_flush(connection);
    }
}

void grpc_server_drain(struct grpc_server *server)
{
    loop_post(server->loop, drain_on_loop, server);
}

bool grpc_server_is_idle(struct grpc_server *server)
{
    return atomic_load(&server->admission.calls) == 0 && atomic_load(&server->sends) == 0;
}

void grpc_server_close(struct grpc_server *server)
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
    bool is_last = server->calls_out == 0;
    pthread_mutex_unlock(&server->lock);
    if (is_last) server_free(server);
}
