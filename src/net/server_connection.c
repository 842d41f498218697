#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/server_inside.h"

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t WRITE_SECONDS_MAX = 60; /* for a client that reads nothing */
static const uint64_t LINGER_SECONDS_MAX = 2;
enum { KEEPALIVE_SECONDS = 60 }; /* TCP's: finds peers that are gone without a word */

/* ---- its end ---- */

static void closed_on(uv_handle_t *handle)
{
    struct server_connection *connection = handle->data;
    connection->server->handles--;
    free(connection->unsent);
    free(connection);
}

void connection_close(struct server_connection *connection)
{
    struct server *server = connection->server;
    if (connection->is_closing) return;
    connection->is_closing = true;
    *(connection->prev != NULL ? &connection->prev->next : &server->connections) = connection->next;
    if (connection->next != NULL) connection->next->prev = connection->prev;
    for (struct server_connection **at = &server->dirty; *at != NULL; at = &(*at)->next_dirty) {
        if (*at != connection) continue;
        *at = connection->next_dirty;
        break;
    }
    atomic_fetch_sub(&server->open_count, 1);
    if (connection->is_writing) atomic_fetch_sub(&server->sends, 1);
    connection->is_writing = false;
    const char *cut_reason =
        server->protocol->cut_reason == NULL ? NULL : server->protocol->cut_reason(connection->session);
    if (cut_reason != NULL) server_mishap(server, SERVER_CUT_OFF, connection, cut_reason);
    server->protocol->destroy(connection->session);
    connection->session = NULL;
    stream_close(connection);
    uv_close((uv_handle_t *)&connection->socket, closed_on);
}

/* ---- reading ---- */

static void read_bytes_on(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct server_connection *connection = handle->data;
    *out = uv_buf_init((char *)connection->server->read_bytes, SERVER_READ_BYTES);
}

/* The peer sends no more. Does it still wait for something? */
static void end_on(struct server_connection *connection)
{
    const struct server_protocol *protocol = connection->server->protocol;
    if (protocol->end == NULL || !protocol->end(connection->session)) {
        connection_close(connection);
        return;
    }
    connection->is_ended = true;
    connection->is_reading = false;
    uv_read_stop((uv_stream_t *)&connection->socket);
}

static void read_on(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct server_connection *connection = stream->data;
    if (connection->is_closing || len == 0) return; /* 0 is libuv's EAGAIN */
    if (len < 0 && (len != UV_EOF || connection->is_lingering)) {
        connection_close(connection);
        return;
    }
    if (connection->is_lingering) return;
    connection->heard_mono_ns = clock_mono_ns();
    if (len == UV_EOF) {
        end_on(connection);
    } else {
        stream_take(connection, bytes_from(buf->base, (size_t)len), connection->heard_mono_ns);
        if (connection->has_peer_closed) end_on(connection);
    }
    connection_mark_dirty(connection);
    server_settle(connection->server); /* ends the connection when the session is over */
}

static void read_start(struct server_connection *connection)
{
    connection->is_reading = true;
    int failed = uv_read_start((uv_stream_t *)&connection->socket, read_bytes_on, read_on);
    if (failed != 0) connection_close(connection);
}

/* A peer that makes us talk and does not listen, or asks faster than it is answered, is not heard meanwhile. */
static void read_or_wait(struct server_connection *connection)
{
    if (connection->is_closing || connection->is_lingering || connection->is_ended) return;
    bool is_choked = stream_is_choked(connection);
    if (is_choked && connection->is_reading) {
        connection->is_reading = false;
        uv_read_stop((uv_stream_t *)&connection->socket);
    } else if (!is_choked && !connection->is_reading) {
        read_start(connection);
    }
}

/* ---- writing ---- */

static void written_on(uv_write_t *write, int failed)
{
    struct server_connection *connection = write->data;
    struct server *server = connection->server;
    free(connection->unsent);
    connection->unsent = NULL;
    if (connection->is_closing) return;
    connection->is_writing = false;
    connection_mark_dirty(connection);
    server_settle(server);
    atomic_fetch_sub(&server->sends, 1); /* after the rest went out: not idle in between */
    if (failed != 0) connection_close(connection);
}

static void write_rest(struct server_connection *connection, const uint8_t *ptr, size_t len)
{
    connection->unsent = mem_alloc(len);
    memcpy(connection->unsent, ptr, len);
    uv_buf_t rest = uv_buf_init((char *)connection->unsent, (unsigned)len);
    connection->write.data = connection;
    connection->write_mono_ns = clock_mono_ns();
    connection->is_writing = true;
    atomic_fetch_add(&connection->server->sends, 1);
    int failed = uv_write(&connection->write, (uv_stream_t *)&connection->socket, &rest, 1, written_on);
    if (failed != 0) connection_close(connection);
}

static void shut_on(uv_shutdown_t *shutdown, int failed)
{
    (void)shutdown, (void)failed; /* the peer's end, or the ticker, closes it */
}

/* All is sent. Closing now, with bytes of the peer unread, would make the kernel send RST, and that may take our
 * last words out of the peer's hands: tell it that we are done, and wait a little for it to be done too. */
static void linger(struct server_connection *connection)
{
    const struct server *server = connection->server;
    if (!connection->is_foreign && connection->has_come && !server->protocol->has_begun(connection->session)) {
        char detail[60];
        snprintf(detail, sizeof detail, "this port speaks %s", server->protocol->speaks);
        server_mishap(connection->server, SERVER_NOT_UNDERSTOOD, connection, detail);
    }
    if (connection->is_ended) {
        connection_close(connection);
        return;
    }
    connection->is_lingering = true;
    connection->linger_mono_ns = clock_mono_ns();
    int failed = uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->socket, shut_on);
    if (failed != 0) {
        connection_close(connection);
    } else if (!connection->is_reading) {
        read_start(connection);
    }
}

/* Sends what the session has, as far as the kernel takes it; goes on when a write is done. True: it took all of something. */
static bool flush(struct server_connection *connection)
{
    struct server *server = connection->server;
    bool has_sent = false;
    while (!connection->is_closing && !connection->is_writing && !connection->is_lingering) {
        size_t len = stream_fill(connection, server->write_bytes);
        if (len == 0) {
            if (stream_is_over(connection)) linger(connection);
            break;
        }
        uv_buf_t all = uv_buf_init((char *)server->write_bytes, (unsigned)len);
        int sent = uv_try_write((uv_stream_t *)&connection->socket, &all, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            connection_close(connection);
            break;
        }
        size_t taken = sent < 0 ? 0 : (size_t)sent;
        has_sent = taken == len;
        if (taken < len) write_rest(connection, server->write_bytes + taken, len - taken);
    }
    read_or_wait(connection);
    return has_sent;
}

/* ---- what is done with it ---- */

void connection_mark_dirty(struct server_connection *connection)
{
    struct server *server = connection->server;
    if (connection->is_dirty || connection->is_closing) return;
    connection->is_dirty = true;
    connection->next_dirty = server->dirty;
    server->dirty = connection;
}

static bool requests_deliver(struct server_connection *connection)
{
    struct server *server = connection->server;
    bool has_any = false;
    while (!connection->is_closing && !connection->is_lingering && !connection->is_foreign) {
        struct server_request *request = server->protocol->next(connection->session);
        if (request == NULL) break;
        request->server = server;
        atomic_fetch_add(&server->requests_out, 1);
        connection->busy_mono_ns = connection->heard_mono_ns;
        server->protocol->call(server->options.ctx, request);
        has_any = true;
    }
    return has_any;
}

void connection_serve(struct server_connection *connection)
{
    bool has_sent;
    do { /* what the handler answers at once makes room for the next, and so does what is sent */
        while (requests_deliver(connection)) server_apply(connection->server);
        has_sent = flush(connection);
    } while (has_sent && !connection->is_closing);
}

/* Give or take a tenth: clients that came together are not all told to come anew together. */
static uint64_t age_ns_max(const struct server *server)
{
    uint64_t age_ns = server->options.age_ms_max * (uint64_t)1000000, random = 0;
    (void)uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return age_ns - age_ns / 10 + random % (age_ns / 5 + 1);
}

void connection_accept(struct server *server)
{
    struct server_connection *connection = mem_calloc(1, sizeof *connection);
    connection->server = server;
    connection->socket.data = connection;
    uv_tcp_init(loop_uv(server->loop), &connection->socket);
    server->handles++;
    int failed = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&connection->socket);
    bool is_full = atomic_load(&server->open_count) >= server->options.connections_max;
    if (failed != 0 || is_full || server->is_draining) {
        /* Taken and closed: left in the backlog it would hang. */
        if (failed == 0 && is_full) server_mishap(server, SERVER_REFUSED, connection, "there are too many");
        uv_close((uv_handle_t *)&connection->socket, closed_on);
        return;
    }
    uv_tcp_nodelay(&connection->socket, 1);
    uv_tcp_keepalive(&connection->socket, 1, KEEPALIVE_SECONDS);
    uint64_t now_ns = clock_mono_ns();
    connection->accepted_mono_ns = connection->heard_mono_ns = connection->busy_mono_ns = now_ns;
    connection->old_mono_ns = now_ns + age_ns_max(server);
    connection->session = server->protocol->create(server->options.ctx, connection, now_ns);
    stream_open(connection);
    connection->next = server->connections;
    if (connection->next != NULL) connection->next->prev = connection;
    server->connections = connection;
    atomic_fetch_add(&server->open_count, 1);
    atomic_fetch_add(&server->accepted_count, 1);
    connection_mark_dirty(connection);
    server_settle(server); /* what the session says first; begins to read */
}

static bool is_overdue(const struct server_connection *connection, uint64_t now_ns)
{
    const struct server *server = connection->server;
    if (connection->is_lingering) return now_ns - connection->linger_mono_ns > LINGER_SECONDS_MAX * SECOND_NS;
    if (connection->is_writing && now_ns - connection->write_mono_ns > WRITE_SECONDS_MAX * SECOND_NS) return true;
    bool has_begun = server->protocol->has_begun(connection->session); /* and so has shaken hands */
    if (!has_begun && now_ns - connection->accepted_mono_ns > server->options.begin_ms_max * (uint64_t)1000000) {
        return true;
    }
    return connection->drained_mono_ns != 0 &&
           now_ns - connection->drained_mono_ns > server->options.grace_ms_max * (uint64_t)1000000;
}

/* Old, or idle: the client may come again, to whom a load balancer finds. */
static bool is_to_go(struct server_connection *connection, uint64_t now_ns)
{
    const struct server *server = connection->server;
    if (connection->drained_mono_ns != 0 || connection->is_lingering) return false;
    if (!server->protocol->is_idle(connection->session)) connection->busy_mono_ns = now_ns;
    return now_ns > connection->old_mono_ns ||
           now_ns - connection->busy_mono_ns > server->options.idle_ms_max * (uint64_t)1000000;
}

void connection_tick(struct server_connection *connection, uint64_t now_ns)
{
    struct server *server = connection->server;
    server->protocol->tick(connection->session, now_ns);
    if (is_overdue(connection, now_ns)) {
        server->protocol->drain(connection->session, true, now_ns);
        connection_serve(connection);
        connection_close(connection);
    } else if (is_to_go(connection, now_ns)) {
        atomic_fetch_add(&server->drained_count, 1);
        connection_drain(connection, false, now_ns);
    }
    connection_mark_dirty(connection);
}

void connection_drain(struct server_connection *connection, bool at_once, uint64_t now_ns)
{
    if (connection->drained_mono_ns == 0) connection->drained_mono_ns = now_ns;
    connection->server->protocol->drain(connection->session, at_once, now_ns);
    connection_mark_dirty(connection);
}
