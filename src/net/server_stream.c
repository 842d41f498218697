#include <stdio.h>
#include <stdlib.h>

#include "net/server_inside.h"

enum {
    FILL_BYTES_MAX = SERVER_WRITE_BYTES / 4 * 3, /* TLS adds about 1 in 700 */
    TLS_UNSENT_BYTES_MAX = 64 << 10,
};

void stream_open(struct server_connection *connection)
{
    const struct server *server = connection->server;
    if (server->options.tls != NULL) {
        connection->tls = tls_session_accept(server->options.tls, server->protocol->alpn);
    }
}

void stream_close(struct server_connection *connection)
{
    tls_session_destroy(connection->tls);
    connection->tls = NULL;
    free(connection->words);
    connection->words = NULL;
}

/* ---- clients of another kind ---- */

/* An answer that HTTP/1.1 clients show; to others it is as good as none. */
static void words_set(struct server_connection *connection, const char *text)
{
    char words[400];
    int len = snprintf(words, sizeof words,
                       "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n"
                       "content-length: %zu\r\n\r\n%s",
                       strlen(text), text);
    assert(len > 0 && (size_t)len < sizeof words);
    connection->words = mem_strdup(words);
    connection->words_len = (size_t)len;
}

/* The first byte of TLS is 22, a handshake record's; HTTP/1.1 and HTTP/2 begin with a capital letter. */
static void first_byte_look(struct server_connection *connection, struct bytes bytes)
{
    enum { TLS_HANDSHAKE = 22 };
    struct server *server = connection->server;
    char text[160];
    bool is_tls = bytes.ptr[0] == TLS_HANDSHAKE;
    connection->has_come = true;
    if (is_tls == (connection->tls != NULL)) return;
    connection->is_foreign = true;
    if (is_tls) {
        server_mishap(server, SERVER_TLS_UNEXPECTED, connection, "this port has no TLS: use http:// in the address");
        snprintf(text, sizeof text, "This port speaks %s without TLS: use http, not https.\n",
                 server->protocol->speaks);
        words_set(connection, text);
        return;
    }
    server_mishap(server, SERVER_TLS_MISSING, connection, "this port has TLS: use https:// in the address");
    tls_session_destroy(connection->tls);
    connection->tls = NULL;
    bool is_http2 = bytes.len >= 3 && memcmp(bytes.ptr, "PRI", 3) == 0;
    if (is_http2 || bytes.ptr[0] < 'A' || bytes.ptr[0] > 'Z') return;
    snprintf(text, sizeof text, "This port speaks %s with TLS: use https, not http.\n", server->protocol->speaks);
    words_set(connection, text);
}

/* ---- bytes in ---- */

static void tls_break(struct server_connection *connection, const struct err *err)
{
    server_mishap(connection->server, SERVER_TLS_FAILED, connection, err->text);
    connection->is_foreign = true; /* what is left to send is TLS's alert */
}

/* All that can be had in the clear now, in pieces of SERVER_READ_BYTES. */
static void tls_take(struct server_connection *connection, struct bytes bytes, uint64_t now_mono_ns)
{
    struct server *server = connection->server;
    struct err err = { 0 };
    bool ok = true;
    size_t len, more = 1;
    tls_session_feed(connection->tls, bytes);
    while (ok && more > 0) {
        for (len = 0, more = 1; ok && more > 0 && len < SERVER_READ_BYTES; len += more) {
            ok = tls_session_read(connection->tls, server->clear_bytes + len, SERVER_READ_BYTES - len, &more, &err);
        }
        if (len > 0) server->protocol->feed(connection->session, bytes_from(server->clear_bytes, len), now_mono_ns);
    }
    if (!ok) tls_break(connection, &err);
    connection->has_peer_closed = tls_session_has_ended(connection->tls);
}

void stream_take(struct server_connection *connection, struct bytes bytes, uint64_t now_mono_ns)
{
    if (connection->is_foreign || connection->has_peer_closed) return;
    if (!connection->has_come) first_byte_look(connection, bytes);
    if (connection->is_foreign) return;
    if (connection->tls != NULL) {
        tls_take(connection, bytes, now_mono_ns);
    } else {
        connection->server->protocol->feed(connection->session, bytes, now_mono_ns);
    }
}

/* ---- bytes out ---- */

static size_t words_fill(struct server_connection *connection, uint8_t *out)
{
    size_t len = connection->words_len - connection->words_sent; /* shorter than SERVER_WRITE_BYTES */
    if (len == 0) return 0;
    memcpy(out, connection->words + connection->words_sent, len);
    connection->words_sent += len;
    return len;
}

static size_t tls_fill(struct server_connection *connection, uint8_t *out)
{
    struct server *server = connection->server;
    struct tls_session *tls = connection->tls;
    struct err err = { 0 };
    bool can_write = !connection->is_foreign && tls_session_is_ready(tls) && !connection->has_said_end;
    if (can_write && tls_session_unsent(tls) == 0) {
        size_t len = server->protocol->fill(connection->session, server->clear_bytes, FILL_BYTES_MAX);
        if (!tls_session_write(tls, bytes_from(server->clear_bytes, len), &err)) {
            tls_break(connection, &err);
        } else if (len == 0 && stream_is_over(connection)) {
            connection->has_said_end = true;
            tls_session_end(tls);
        }
    }
    return tls_session_fill(tls, out, SERVER_WRITE_BYTES);
}

size_t stream_fill(struct server_connection *connection, uint8_t *out)
{
    if (connection->tls != NULL) return tls_fill(connection, out);
    if (connection->is_foreign) return words_fill(connection, out);
    return connection->server->protocol->fill(connection->session, out, SERVER_WRITE_BYTES);
}

bool stream_is_over(const struct server_connection *connection)
{
    return connection->is_foreign || connection->server->protocol->is_over(connection->session);
}

bool stream_is_choked(const struct server_connection *connection)
{
    if (connection->tls != NULL && tls_session_unsent(connection->tls) > TLS_UNSENT_BYTES_MAX) return true;
    return connection->server->protocol->is_choked(connection->session);
}
