/* tls_files.h -- certificates for tests, made on the spot: an authority, and what it signs, as PEM files in a folder.
 *
 * Thread: any. Errors: abort. Only *_test.c, *_fuzz.c and *_bench.c include it. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"

struct tls_authority {
    EVP_PKEY *key;
    X509 *cert;
};
/* What is asked for; zeros mean: a server's certificate for localhost, 127.0.0.1 and ::1, valid from an hour ago for a day. */
struct tls_wish {
    const char *names; /* "DNS:localhost,IP:127.0.0.1" */
    int from_s, until_s;
};

static inline void tls_must(bool ok)
{
    if (!ok) abort();
}

static inline void tls_extension_add(X509 *cert, X509 *issuer, int id, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, id, value);
    tls_must(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static inline X509 *tls_cert_make(EVP_PKEY *key, const char *name, const struct tls_authority *signer,
                                  struct tls_wish wish)
{
    static _Atomic long serial = 1;
    X509 *cert = X509_new();
    bool is_authority = signer == NULL;
    tls_must(cert != NULL && X509_set_version(cert, 2) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), wish.from_s != 0 ? wish.from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), wish.until_s != 0 ? wish.until_s : 86400);
    tls_must(X509_set_pubkey(cert, key) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                                        0) == 1);
    X509 *issuer = is_authority ? cert : signer->cert;
    tls_must(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1);
    if (is_authority) {
        tls_extension_add(cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        tls_extension_add(cert, issuer, NID_subject_alt_name,
                          wish.names != NULL ? wish.names : "DNS:localhost,IP:127.0.0.1,IP:::1");
    }
    tls_must(X509_sign(cert, is_authority ? key : signer->key, EVP_sha256()) > 0);
    return cert;
}

static inline void tls_pem_write(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "we");
    tls_must(file != NULL);
    if (cert != NULL) tls_must(PEM_write_X509(file, cert) == 1);
    if (key != NULL) tls_must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    tls_must(fclose(file) == 0);
}

/* Writes dir/NAME.crt. */
static inline void tls_authority_init(struct tls_authority *authority, const char *dir, const char *name)
{
    char path[300];
    authority->key = EVP_EC_gen("P-256");
    tls_must(authority->key != NULL);
    authority->cert = tls_cert_make(authority->key, name, NULL, (struct tls_wish){ 0 });
    snprintf(path, sizeof path, "%s/%s.crt", dir, name);
    tls_pem_write(path, authority->cert, NULL);
}

static inline void tls_authority_deinit(struct tls_authority *authority)
{
    X509_free(authority->cert);
    EVP_PKEY_free(authority->key);
}

/* Writes dir/NAME.crt and dir/NAME.key. */
static inline void tls_authority_sign(const struct tls_authority *authority, const char *dir, const char *name,
                                      struct tls_wish wish)
{
    char path[300];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    tls_must(key != NULL);
    X509 *cert = tls_cert_make(key, name, authority, wish);
    snprintf(path, sizeof path, "%s/%s.crt", dir, name);
    tls_pem_write(path, cert, NULL);
    snprintf(path, sizeof path, "%s/%s.key", dir, name);
    tls_pem_write(path, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}
