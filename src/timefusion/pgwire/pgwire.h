/* pgwire.h -- the PostgreSQL wire protocol, versions 3.0 and 3.2, over timefusion/query.
 *
 *   client <--net/tcp--> [a thread a connection: startup, password, simple and extended protocol] --> query_session
 *
 * TLS: an SSLRequest is answered S when there is a certificate; TLS may also begin at once (ALPN "postgresql"). A client on
 *         another machine must ask for it then (docs/adr/0003); cancel requests may come in the clear.
 * A project's API key: user = the project's name or id, password = the key, by SCRAM-SHA-256 (-PLUS inside TLS); as it is
 *         where the project still has keys without a verifier. A user: user = e-mail, database = the project, by SCRAM too.
 * Thread: one for each connection, bounded by connections_max; cancel requests come on their own connections.
 * Memory: a message from the client is at most 16 MiB; results are sent as they are fetched.
 * Watching: each statement is a span (base/span.h) with its operation, rows, files read and SQLSTATE; never its text.
 * Errors: every refusal is an ErrorResponse with SQLSTATE, message, hint where one helps, and position.
 * Source: PostgreSQL 18 documentation, chapter 54 "Frontend/Backend Protocol". */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/uuid.h"
#include "meta/password/scram.h"

struct pgwire_server;
struct query_engine;
struct tls_context;

struct pgwire_user {
    struct uuid project_id;
    bool is_operator;    /* may look after all projects' files (query.h) */
    struct uuid user_id; /* a person's; all zero: a key's */
    struct uuid key_id;
    char read_only_why[64]; /* empty: may change rows */
    char name[256];         /* of the key or the person, for the audit log */
};
struct pgwire_login {
    /* Whom do this user and password let in? ERR_UNAUTHENTICATED with words for the person when nobody. */
    bool (*login)(void *ctx, struct bytes user, struct bytes password, struct pgwire_user *who, struct err *err);
    /* The same by SCRAM-SHA-256. False: the project has keys that cannot be proved, ask for the password as it is; verifier has
     * the salt and rounds of the project's keys, and of one that is not there too. NULL: never by SCRAM. */
    bool (*key_begin)(void *ctx, struct bytes user, struct scram_verifier *verifier);
    /* server has the proof; server_key: of the key that it is for. */
    bool (*key_end)(void *ctx, struct bytes user, const struct scram_server *server, uint8_t server_key[SHA256_BYTES],
                    struct pgwire_user *who, struct err *err);
    /* Users, by SCRAM-SHA-256: names with an '@'. What the client must prove; one who is not there gets a verifier too. NULL:
     * there are no users. */
    bool (*person_begin)(void *ctx, struct bytes user, const char *address, struct scram_verifier *verifier,
                         struct err *err);
    /* is_right: the proof was. database: as the client named it. */
    bool (*person_end)(void *ctx, struct bytes user, const char *address, bool is_right, struct bytes database,
                       struct pgwire_user *who, struct err *err);
    /* Does the login still hold? Asked from a thread of the server's, of a key four times a second, of a user once; false ends
     * the connection, and what runs on it, with these words. NULL: always. */
    bool (*still)(void *ctx, const struct pgwire_user *who, struct err *err);
    /* A statement that changes rows or files is about to run ("DELETE"): false refuses it. NULL: nobody needs to know. */
    bool (*changes)(void *ctx, const struct pgwire_user *who, const char *address, const char *statement,
                    struct err *err);
    void *ctx;
};
struct pgwire_options {
    const char *address;
    uint16_t port; /* 0: any free one */
    uint32_t connections_max;
    struct query_engine *engine;
    struct pgwire_login login;
    struct tls_context *tls; /* NULL: in the clear. Outlives the server */
    const struct log *log;
};
MUST_CHECK bool pgwire_server_open(struct pgwire_server **server, const struct pgwire_options *options,
                                   struct err *err);
uint16_t pgwire_server_port(const struct pgwire_server *server);
struct pgwire_stats {
    uint64_t connections;           /* open now */
    uint64_t accepted, turned_away; /* connections: let in, beyond connections_max */
    uint64_t statements, failed;    /* run to their end or to an error; an Execute of a part of the rows is one too */
    uint64_t rows;                  /* sent */
    uint64_t tls_failed;            /* asked for TLS, and hands were not shaken */
    struct histogram_counts times;  /* of statements, with sending their rows */
};
void pgwire_server_stats(struct pgwire_server *server, struct pgwire_stats *stats);
/* Stops listening, ends what runs (57P01), joins all threads within a few seconds. NULL is fine. */
void pgwire_server_close(struct pgwire_server *server);
