/* tls_inside.h -- what tls.c (sessions) and tls_context.c (files) share. */
#pragma once
#include <pthread.h>

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls_context {
    char *cert, *key, *client_ca; /* NULL where there is none */
    const struct log *log;        /* NULL: a client's */
    BIO_METHOD *bio_method;
    pthread_mutex_t lock; /* guards ssl */
    SSL_CTX *ssl;         /* of the files as they were read last */
};

BIO_METHOD *tls_bio_method(void);
int tls_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offer,
                    unsigned offer_len, void *ctx);
/* A new SSL, the caller's. */
SSL *tls_context_ssl(struct tls_context *context);
