/* tcp.h -- blocking TCP for servers with a thread for each connection (pgwire): listen, accept, read, write.
 *
 *   tcp_listen --> tcp_accept (waits; false once tcp_stop was called) --> struct tcp: read, write, close
 *
 * Thread: a struct tcp belongs to one thread, but tcp_shutdown may be called from another: it ends a
 *         blocking read or write there. Memory: fixed. Errors: ERR_IO; a peer that closed reads as 0 bytes.
 * TLS: after tcp_start_tls all goes through it; callers see bytes in the clear (net/tls.h). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
struct tcp_listener;
struct tcp;
struct tls_session;
MUST_CHECK bool tcp_listen(struct tcp_listener **listener, const char *address, uint16_t port, struct err *err);
uint16_t tcp_listener_port(const struct tcp_listener *listener);
MUST_CHECK bool tcp_accept(struct tcp_listener *listener, struct tcp **tcp, struct err *err);
void tcp_listener_stop(struct tcp_listener *listener); /* any thread; a waiting tcp_accept answers ERR_CANCELLED */
void tcp_listener_close(struct tcp_listener *listener);
MUST_CHECK bool tcp_connect(struct tcp **tcp, const char *address, uint16_t port, struct err *err);
/* Shakes hands; timeout_ms as tcp_read's, for all of it. Takes the session. False: the peer was told why, if it can be. */
MUST_CHECK bool tcp_start_tls(struct tcp *tcp, struct tls_session *tls, int timeout_ms, struct err *err);
/* The first byte that waits, left where it is; -1 at the end of the stream. Before TLS alone. timeout_ms as tcp_read's. */
MUST_CHECK bool tcp_peek(struct tcp *tcp, int *byte, int timeout_ms, struct err *err);
/* At least one byte, at most max; *len 0 at the end of the stream. timeout_ms -1: for ever, else ERR_TIMEOUT. */
MUST_CHECK bool tcp_read(struct tcp *tcp, void *ptr, size_t max, size_t *len, int timeout_ms, struct err *err);
MUST_CHECK bool tcp_write(struct tcp *tcp, struct bytes bytes, struct err *err); /* all of it */
/* Has the peer closed its side, or is the connection broken? Does not wait; bytes it sent before are still there
 * to read. For noticing a client that went away during a query. */
bool tcp_is_hung_up(struct tcp *tcp);
bool tcp_has_tls(const struct tcp *tcp);
const struct tls_session *tcp_tls(const struct tcp *tcp); /* NULL: in the clear */
bool tcp_is_loopback(const struct tcp *tcp);              /* the peer is on this machine, by its address */
/* The peer's address as text, without its port; empty when it is gone. */
void tcp_peer(const struct tcp *tcp, char *out, size_t out_bytes);
void tcp_end(struct tcp *tcp);         /* the peer reads our end; it may still send */
void tcp_end_reading(struct tcp *tcp); /* any thread; a read there answers that the stream has ended, writes go on */
void tcp_shutdown(struct tcp *tcp);    /* any thread */
void tcp_close(struct tcp *tcp);
