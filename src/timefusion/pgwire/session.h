/* session.h -- one client's conversation: startup, password, then simple and extended queries until it leaves.
 *
 *   startup -> [SSL? yes: TLS, no] -> password -> ready: Q | Parse Bind Describe Execute Close ... Sync -> ready
 *   after an error in the extended protocol everything up to Sync is skipped
 *   transaction state: idle -> BEGIN -> in one -> error -> failed (25P02) -> ROLLBACK -> idle
 *
 * Thread: runs on its connection's thread; session_end, session_who and session_cancel are for any.
 * Memory: one message in, one buffer out (sent when it passes 64 KiB), statements and portals by name (1,000 at most). */
#pragma once
#include "net/tcp.h"
#include "timefusion/pgwire/pgwire.h"

struct session;
/* Protocol 3.0 has 4 bytes of the secret, 3.2 all. */
#define SESSION_SECRET_BYTES 32
struct session_cancel_key {
    uint32_t pid;
    uint8_t secret[SESSION_SECRET_BYTES];
    uint32_t secret_bytes; /* of a request: as many as came */
};
struct session_counters { /* of all sessions of a server; any thread */
    _Atomic uint64_t statements, failed, rows;
    _Atomic uint64_t tls_failed, tls_told_mono_ns; /* the log hears of it once a minute */
    struct histogram times;
};
struct session_options {
    const struct pgwire_options *server;
    struct session_counters *counters;
    struct session_cancel_key key;
    /* A cancel request came on this connection; any thread may serve it. */
    void (*cancel)(void *ctx, struct session_cancel_key key);
    /* pg_terminate_backend(): the connection with this pid is to end; any thread. */
    void (*terminate)(void *ctx, uint32_t pid);
    void *ctx;
};
struct session *session_create(struct tcp *tcp, const struct session_options *options); /* borrows tcp */
void session_run(struct session *session);
/* Any thread. Is the request's secret the session's, in the length that its protocol has? */
bool session_key_is(struct session *session, const struct session_cancel_key *key);
void session_cancel(struct session *session); /* what runs ends with 57014 */
/* What runs ends, then the conversation, with these words. A client that is waited for is woken by tcp_end_reading. */
void session_end(struct session *session, const char *sqlstate, const char *text);
/* Any thread. Whose it is; false: nobody's yet, or it is ending. */
bool session_who(struct session *session, struct pgwire_user *who);
void session_destroy(struct session *session);
