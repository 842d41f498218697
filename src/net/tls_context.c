#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_inside.h"

/* Forward secret and authenticated; RFC 9113 forbids HTTP/2 the others. TLS 1.3 has no others. */
static const char CIPHERS[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text != NULL ? text : "it is empty";
}

/* OpenSSL's own words for a missing file are its own file's name and line. */
static bool file_check(const char *what, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set(err, ERR_INPUT, "cannot open the %s \"%s\": %s", what, path, strerror(errno));
    }
    fclose(file);
    return true;
}

/* A key with a password would have OpenSSL ask on the terminal. */
static int password_refuse(char *out, int max, int writes, void *ctx)
{
    (void)out, (void)max, (void)writes;
    *(bool *)ctx = true;
    return -1;
}

static bool key_load(SSL_CTX *ssl, const char *cert, const char *key, struct err *err)
{
    bool has_password = false;
    SSL_CTX_set_default_passwd_cb(ssl, password_refuse);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, &has_password);
    int done = SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
    SSL_CTX_set_default_passwd_cb(ssl, NULL);
    if (has_password) {
        return err_set(err, ERR_INPUT, "cannot use the key \"%s\": it has a password; `openssl pkey` writes it without",
                       key);
    }
    unsigned long code = ERR_peek_last_error();
    bool is_other =
        done != 1 && ERR_GET_LIB(code) == ERR_LIB_X509 &&
        (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH || ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
    if (is_other || (done == 1 && SSL_CTX_check_private_key(ssl) != 1)) {
        return err_set(err, ERR_INPUT, "the key \"%s\" does not belong to the certificate \"%s\"", key, cert);
    }
    if (done != 1) return err_set(err, ERR_INPUT, "cannot read a key in PEM from \"%s\": %s", key, reason());
    return true;
}

static bool cert_load(SSL_CTX *ssl, const char *cert, const char *key, struct err *err)
{
    if (!file_check("certificate", cert, err) || !file_check("key", key, err)) return false;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1) {
        return err_set(err, ERR_INPUT, "cannot use the certificate \"%s\": %s", cert, reason());
    }
    ERR_clear_error();
    return key_load(ssl, cert, key, err);
}

static bool client_ca_load(SSL_CTX *ssl, const char *client_ca, struct err *err)
{
    if (!file_check("clients' CA", client_ca, err)) return false;
    ERR_clear_error();
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);
    if (names == NULL || SSL_CTX_load_verify_file(ssl, client_ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return err_set(err, ERR_INPUT, "cannot read certificates in PEM from the clients' CA \"%s\": %s", client_ca,
                       reason());
    }
    SSL_CTX_set_client_CA_list(ssl, names); /* tells clients whose certificates we look for; takes it */
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static SSL_CTX *ssl_create(const SSL_METHOD *method)
{
    SSL_CTX *ssl = SSL_CTX_new(method);
    bool ok = ssl != NULL && SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1;
    if (!ok) abort(); /* out of memory, or an OpenSSL without them */
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);         /* 32 KiB a connection that rests */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* clients keep their tickets themselves */
    return ssl;
}

/* NULL on failure. */
static SSL_CTX *server_ssl_create(const struct tls_context *context, struct err *err)
{
    static const uint8_t session_context[] = "monoscope";
    SSL_CTX *ssl = ssl_create(TLS_server_method());
    SSL_CTX_set_alpn_select_cb(ssl, tls_alpn_choose, NULL);
    /* Tickets count on ports with the same files alone: their keys are made with each SSL_CTX. */
    (void)SSL_CTX_set_session_id_context(ssl, session_context, sizeof session_context - 1);
    bool ok = cert_load(ssl, context->cert, context->key, err) &&
              (context->client_ca == NULL || client_ca_load(ssl, context->client_ca, err));
    if (ok) return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

static void time_print(const ASN1_TIME *time, char *out, size_t out_bytes)
{
    struct tm tm = { 0 };
    out[0] = '\0';
    if (ASN1_TIME_to_tm(time, &tm) == 1) strftime(out, out_bytes, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void loaded_tell(const struct tls_context *context, SSL_CTX *ssl)
{
    char name[200] = "", expires[40];
    X509 *cert = SSL_CTX_get0_certificate(ssl);
    const ASN1_TIME *from = X509_get0_notBefore(cert), *until = X509_get0_notAfter(cert);
    X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof name);
    time_print(until, expires, sizeof expires);
    log_info(context->log, "tls.loaded", log_text("cert", context->cert), log_text("subject", name),
             log_text("expires", expires), log_text("client_ca", context->client_ca));
    if (X509_cmp_current_time(until) < 0) {
        log_warn(context->log, "tls.certificate_expired", log_text("cert", context->cert), log_text("expires", expires),
                 log_text("then", "clients that check it do not connect"));
    } else if (X509_cmp_current_time(from) > 0) {
        time_print(from, expires, sizeof expires);
        log_warn(context->log, "tls.certificate_not_yet_valid", log_text("cert", context->cert),
                 log_text("valid_from", expires));
    }
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : mem_strdup(text);
}

static struct tls_context *context_create(const char *cert, const char *key, const char *client_ca)
{
    struct tls_context *context = mem_calloc(1, sizeof *context);
    context->cert = copy(cert);
    context->key = copy(key);
    context->client_ca = copy(client_ca);
    context->bio_method = tls_bio_method();
    pthread_mutex_init(&context->lock, NULL);
    return context;
}

bool tls_context_open(struct tls_context **out, const struct tls_files *files, const struct log *log, struct err *err)
{
    *out = NULL;
    struct tls_context *context = context_create(files->cert, files->key, files->client_ca);
    context->log = log;
    if (!tls_context_reload(context, err)) {
        tls_context_close(context);
        return false;
    }
    *out = context;
    return true;
}

bool tls_context_reload(struct tls_context *context, struct err *err)
{
    SSL_CTX *ssl = server_ssl_create(context, err);
    if (ssl == NULL) return false;
    loaded_tell(context, ssl);
    pthread_mutex_lock(&context->lock);
    SSL_CTX *old = context->ssl;
    context->ssl = ssl;
    pthread_mutex_unlock(&context->lock);
    SSL_CTX_free(old); /* its sessions keep it */
    return true;
}

static bool trust_load(SSL_CTX *ssl, const char *ca, struct err *err)
{
    if (ca == NULL) {
        if (SSL_CTX_set_default_verify_paths(ssl) == 1) return true;
        return err_set(err, ERR_INPUT, "cannot read whom the system trusts: %s", reason());
    }
    if (!file_check("CA", ca, err)) return false;
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(ssl, ca) != 1) {
        return err_set(err, ERR_INPUT, "cannot read certificates in PEM from \"%s\": %s", ca, reason());
    }
    /* Whatever stands in the file is trusted: the server's own certificate too, whoever has signed it. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

bool tls_context_open_client(struct tls_context **out, const char *ca, const char *cert, const char *key,
                             struct err *err)
{
    *out = NULL;
    assert((cert == NULL) == (key == NULL));
    struct tls_context *context = context_create(cert, key, NULL);
    context->ssl = ssl_create(TLS_client_method());
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    if (!trust_load(context->ssl, ca, err) || (cert != NULL && !cert_load(context->ssl, cert, key, err))) {
        tls_context_close(context);
        return false;
    }
    *out = context;
    return true;
}

static bool cert_has(X509 *cert, const char *host)
{
    return X509_check_host(cert, host, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, host, 0) == 1;
}

void tls_context_name(struct tls_context *context, const char *host, char *out, size_t out_bytes)
{
    pthread_mutex_lock(&context->lock);
    X509 *cert = SSL_CTX_get0_certificate(context->ssl);
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    snprintf(out, out_bytes, "%s", cert_has(cert, host) ? host : "");
    for (int i = 0; out[0] == '\0' && i < sk_GENERAL_NAME_num(names); i++) { /* -1 of NULL */
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        const ASN1_STRING *dns = name->d.dNSName;
        snprintf(out, out_bytes, "%.*s", ASN1_STRING_length(dns), (const char *)ASN1_STRING_get0_data(dns));
    }
    GENERAL_NAMES_free(names);
    pthread_mutex_unlock(&context->lock);
}

SSL *tls_context_ssl(struct tls_context *context)
{
    pthread_mutex_lock(&context->lock);
    SSL *ssl = SSL_new(context->ssl);
    pthread_mutex_unlock(&context->lock);
    return ssl;
}

void tls_context_close(struct tls_context *context)
{
    if (context == NULL) return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio_method);
    pthread_mutex_destroy(&context->lock);
    free(context->cert);
    free(context->key);
    free(context->client_ca);
    free(context);
}
