#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tls_inside.h"

enum {
    OUT_BYTES_MAX = 1 << 30, /* never reached: whoever writes waits until fill has given it away */
    OUT_BYTES_KEPT = 4 << 10,
};

struct tls_session {
    SSL *ssl;
    const char *alpn;
    struct bytes in; /* borrowed, not yet taken */
    struct buf out;
    size_t out_sent;
    bool is_ready, is_broken, has_ended;
    struct err err; /* why it is broken */
};

/* ---- between OpenSSL and us: a BIO without a socket ---- */

static int bio_read(BIO *bio, char *out, size_t max, size_t *len)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *len = session->in.len < max ? session->in.len : max;
    if (*len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, session->in.ptr, *len);
    session->in.ptr += *len;
    session->in.len -= *len;
    return 1;
}

static int bio_write(BIO *bio, const char *ptr, size_t len, size_t *taken)
{
    struct tls_session *session = BIO_get_data(bio);
    *taken = 0;
    if (!buf_add(&session->out, ptr, len)) return 0;
    *taken = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
    (void)bio, (void)number, (void)ptr;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "monoscope");
    bool ok = method != NULL && BIO_meth_set_read_ex(method, bio_read) == 1 &&
              BIO_meth_set_write_ex(method, bio_write) == 1 && BIO_meth_set_ctrl(method, bio_ctrl) == 1;
    if (!ok) abort(); /* out of memory */
    return method;
}

/* The client's offer, one of which must be ours. */
int tls_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offer,
                    unsigned offer_len, void *ctx)
{
    (void)ctx;
    const struct tls_session *session = SSL_get_app_data(ssl);
    if (session->alpn == NULL) return SSL_TLSEXT_ERR_NOACK;
    size_t len = strlen(session->alpn);
    for (unsigned at = 0; at < offer_len; at += 1u + offer[at]) { /* OpenSSL has checked the lengths */
        if (offer[at] != len || memcmp(offer + at + 1, session->alpn, len) != 0) continue;
        *out = offer + at + 1;
        *out_len = offer[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol */
}

/* ---- what went wrong, in words ---- */

static const struct {
    int reason;
    const char *text;
} reasons[] = {
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer sent no certificate, and we ask for one" },
    { SSL_R_UNSUPPORTED_PROTOCOL, "the peer speaks TLS 1.1 or older; 1.2 is the least" },
    { SSL_R_NO_SHARED_CIPHER, "the peer has none of our ciphers (ECDHE with AES-GCM or ChaCha20)" },
    { SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS" },
    { SSL_R_HTTP_REQUEST, "the peer speaks HTTP without TLS" },
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the peer does not trust who signed our certificate (unknown ca)" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the peer does not accept our certificate (certificate unknown)" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the peer does not accept our certificate (bad certificate)" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the peer finds our certificate expired" },
    { SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the peer asks for a certificate of ours" },
    { SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "the peer does not speak our protocol (ALPN)" },
};

static void reason_tell(const struct tls_session *session, struct err *err)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        long result = SSL_get_verify_result(session->ssl);
        err_set(err, ERR_PROTOCOL, "cannot trust the peer's certificate: %s", X509_verify_cert_error_string(result));
        return;
    }
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_NO_APPLICATION_PROTOCOL) {
        err_set(err, ERR_PROTOCOL, "the peer offers other protocols than \"%s\" (ALPN)", session->alpn);
        return;
    }
    const char *text = ERR_reason_error_string(code);
    for (size_t i = 0; i < COUNT_OF(reasons) && ERR_GET_LIB(code) == ERR_LIB_SSL; i++) {
        if (reasons[i].reason == reason) text = reasons[i].text;
    }
    err_set(err, ERR_PROTOCOL, "%s", text != NULL ? text : "the peer breaks TLS");
}

static bool breaks(struct tls_session *session, struct err *err)
{
    session->is_broken = true;
    session->in = (struct bytes){ 0 };
    reason_tell(session, &session->err);
    *err = session->err;
    return false;
}

/* ---- a session ---- */

static struct tls_session *session_create(struct tls_context *context, const char *alpn)
{
    struct tls_session *session = mem_calloc(1, sizeof *session);
    session->ssl = tls_context_ssl(context);
    session->alpn = alpn;
    buf_init(&session->out, OUT_BYTES_MAX);
    BIO *bio = BIO_new(context->bio_method);
    if (session->ssl == NULL || bio == NULL) abort(); /* out of memory */
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_app_data(session->ssl, session);
    return session;
}

struct tls_session *tls_session_accept(struct tls_context *context, const char *alpn)
{
    struct tls_session *session = session_create(context, alpn);
    SSL_set_accept_state(session->ssl);
    return session;
}

static bool is_ip(const char *host)
{
    uint8_t ip[16];
    return inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1;
}

struct tls_session *tls_session_connect(struct tls_context *context, const char *host, const char *alpn)
{
    struct tls_session *session = session_create(context, alpn);
    uint8_t offer[256];
    bool ok = true;
    if (is_ip(host)) {
        ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), host) == 1;
    } else {
        ok = SSL_set1_host(session->ssl, host) == 1 && SSL_set_tlsext_host_name(session->ssl, host) == 1;
    }
    if (alpn != NULL) {
        size_t len = strlen(alpn);
        assert(len > 0 && len < sizeof offer);
        offer[0] = (uint8_t)len;
        memcpy(offer + 1, alpn, len);
        ok = SSL_set_alpn_protos(session->ssl, offer, (unsigned)len + 1) == 0 && ok; /* 0 is its success */
    }
    SSL_set_connect_state(session->ssl);
    if (!ok) { /* a name that cannot be one: over 255 bytes */
        session->is_broken = true;
        err_set(&session->err, ERR_INPUT, "cannot look for the name \"%.100s\" in a certificate", host);
    }
    return session;
}

void tls_session_destroy(struct tls_session *session)
{
    if (session == NULL) return;
    SSL_free(session->ssl);
    buf_deinit(&session->out);
    free(session);
}

void tls_session_feed(struct tls_session *session, struct bytes bytes)
{
    assert(session->in.len == 0);
    if (!session->is_broken && !session->has_ended) session->in = bytes;
}

bool tls_session_is_hungry(const struct tls_session *session)
{
    return session->in.len == 0 && (session->is_broken || session->has_ended || SSL_pending(session->ssl) == 0);
}

bool tls_session_read(struct tls_session *session, void *out, size_t max, size_t *len, struct err *err)
{
    *len = 0;
    if (session->is_broken) {
        *err = session->err;
        return false;
    }
    if (session->has_ended) return true;
    ERR_clear_error();
    int done = session->is_ready ? 1 : SSL_do_handshake(session->ssl);
    if (done == 1) {
        session->is_ready = true;
        if (max == 0) return true;
        done = SSL_read_ex(session->ssl, out, max, len);
    }
    if (done == 1) return true;
    *len = 0;
    int why = SSL_get_error(session->ssl, done);
    if (why == SSL_ERROR_WANT_READ) return true;
    if (why != SSL_ERROR_ZERO_RETURN) return breaks(session, err);
    session->has_ended = true;
    session->in = (struct bytes){ 0 }; /* after its last word nothing counts */
    return true;
}

bool tls_session_is_ready(const struct tls_session *session)
{
    return session->is_ready && !session->is_broken;
}

bool tls_session_has_alpn(const struct tls_session *session)
{
    const unsigned char *chosen;
    unsigned len;
    SSL_get0_alpn_selected(session->ssl, &chosen, &len);
    return len > 0;
}

/* RFC 5929, 4.1: by the hash of the certificate's signature; SHA-256 where that is MD5, SHA-1, or none of its own. */
size_t tls_session_end_point(const struct tls_session *session, uint8_t hash[TLS_END_POINT_BYTES])
{
    static_assert(TLS_END_POINT_BYTES >= EVP_MAX_MD_SIZE, "any hash has room");
    X509 *cert = SSL_get_certificate(session->ssl);
    int digest = NID_undef, signature;
    unsigned len = 0;
    if (cert == NULL || OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest, &signature) != 1) return 0;
    if (digest == NID_undef || digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
    const EVP_MD *method = EVP_get_digestbynid(digest);
    return method != NULL && X509_digest(cert, method, hash, &len) == 1 ? len : 0;
}

bool tls_session_has_ended(const struct tls_session *session)
{
    return session->has_ended;
}

bool tls_session_write(struct tls_session *session, struct bytes bytes, struct err *err)
{
    assert(session->is_ready || session->is_broken);
    if (session->is_broken) {
        *err = session->err;
        return false;
    }
    size_t taken = 0;
    ERR_clear_error();
    if (bytes.len > 0 && SSL_write_ex(session->ssl, bytes.ptr, bytes.len, &taken) != 1) return breaks(session, err);
    assert(taken == bytes.len); /* partial writes are not enabled */
    return true;
}

void tls_session_end(struct tls_session *session)
{
    if (!session->is_ready || session->is_broken) return;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl); /* 0: said, and not yet answered */
}

size_t tls_session_fill(struct tls_session *session, uint8_t *out, size_t max)
{
    size_t len = tls_session_unsent(session);
    if (len > max) len = max;
    if (len == 0) return 0;
    memcpy(out, session->out.ptr + session->out_sent, len);
    session->out_sent += len;
    if (session->out_sent < session->out.len) return len;
    session->out.len = session->out_sent = 0;
    if (session->out.cap <= OUT_BYTES_KEPT) return len;
    buf_deinit(&session->out);
    buf_init(&session->out, OUT_BYTES_MAX);
    return len;
}

size_t tls_session_unsent(const struct tls_session *session)
{
    return session->out.len - session->out_sent;
}
