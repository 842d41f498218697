/* tls.h -- TLS 1.2 and 1.3 by OpenSSL: the certificate that ports show, and sessions that do no I/O.
 *
 *   files --tls_context_open, _reload--> struct tls_context --tls_session_accept, _connect--> struct tls_session
 *
 *   socket --feed--> [session] --read---> bytes in the clear         A session shakes hands by itself while it is fed and
 *   socket <--fill-- [session] <--write-- bytes in the clear         read; is_ready says when write may be called.
 *
 * Thread: a context is for any thread (reload beside accept); a session has one owner. A context outlives its sessions;
 *         a session keeps the files' contents that it began with, so a reload disturbs none.
 * Memory: a session at rest is about 16 KiB (measured), at work up to two records of 16 KiB more, and what was written and
 *         not yet filled. A certificate chain of a client is at most 100 KiB, a hello at most 128 KiB.
 * Errors: of files ERR_INPUT, with the file's name and what is wrong with it; of a peer ERR_PROTOCOL, in words that tell
 *         what to change. What fill has then is the alert: send it.
 * Source: RFC 8446, RFC 5246; RFC 7301 (ALPN); RFC 5929, 4.1 (end point); the ciphers of TLS 1.2 are those that RFC 9113, 9.2.2 leaves. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
struct tls_context;
struct tls_session;

struct tls_files {
    const char *cert;      /* PEM: the certificate, then those between it and the root */
    const char *key;       /* PEM, without a password */
    const char *client_ca; /* PEM; NULL: clients need no certificate. Else they must show one that these have signed */
};
/* For a server. An expired certificate is a warning in the log, not an error. The texts are copied. */
MUST_CHECK bool tls_context_open(struct tls_context **context, const struct tls_files *files, const struct log *log,
                                 struct err *err);
/* Reads the files again; sessions from now on use them. On failure the context is as it was. */
MUST_CHECK bool tls_context_reload(struct tls_context *context, struct err *err);
/* For a client. ca: PEM, whom to trust; NULL: those that the system trusts. cert and key may be NULL, both. */
MUST_CHECK bool tls_context_open_client(struct tls_context **context, const char *ca, const char *cert, const char *key,
                                        struct err *err);
/* What a client at host (a name or an address) is to look for in the certificate: host if it is there, else the
 * certificate's first DNS name; empty when it has none. */
void tls_context_name(struct tls_context *context, const char *host, char *out, size_t out_bytes);
void tls_context_close(struct tls_context *context); /* NULL is fine */

/* alpn: what is spoken inside, "h2"; a client that offers others alone is refused, one that offers none is taken.
 * NULL: whatever the client offers is passed over. Must be a constant. */
struct tls_session *tls_session_accept(struct tls_context *context, const char *alpn);
/* host: the name or address that the server's certificate must have. */
struct tls_session *tls_session_connect(struct tls_context *context, const char *host, const char *alpn);
void tls_session_destroy(struct tls_session *session); /* NULL is fine */

/* Borrows bytes until is_hungry: until then they stay where they are, and no others are fed. */
void tls_session_feed(struct tls_session *session, struct bytes bytes);
bool tls_session_is_hungry(const struct tls_session *session);
/* Shakes hands, then gives up to max bytes in the clear, of one record (max 0: just that). *len 0: there are no more until more is fed, or the peer has_ended.
 * False: the connection is broken, and all later reads too. */
MUST_CHECK bool tls_session_read(struct tls_session *session, void *out, size_t max, size_t *len, struct err *err);
bool tls_session_is_ready(const struct tls_session *session);  /* hands are shaken; to be asked after a read */
bool tls_session_has_ended(const struct tls_session *session); /* the peer said that nothing more comes */
/* Takes all of bytes. Only when is_ready. */
MUST_CHECK bool tls_session_write(struct tls_session *session, struct bytes bytes, struct err *err);
/* Does the peer want what we speak (alpn above)? Once ready. */
bool tls_session_has_alpn(const struct tls_session *session);
/* For channel binding: the hash of the certificate that we show; 0 bytes when it cannot be had. */
#define TLS_END_POINT_BYTES 64
size_t tls_session_end_point(const struct tls_session *session, uint8_t hash[TLS_END_POINT_BYTES]);
/* Says that nothing more comes from us, if hands are shaken. */
void tls_session_end(struct tls_session *session);
/* Up to max bytes for the socket; 0 when there are none now. */
size_t tls_session_fill(struct tls_session *session, uint8_t *out, size_t max);
size_t tls_session_unsent(const struct tls_session *session); /* what fill has */
