/* mail_client.h -- one mail to one server by SMTP (libcurl's).
 *
 *   mail_send(exchange) --connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA--> exchange->status: the server's last answer
 *
 * Certificates are checked against the system's, or ca_file. Proxies and .netrc of the environment are not used.
 * Thread: any; blocks, at most total_ms_max. Memory: libcurl's for the call. Errors: in exchange->err: ERR_FORBIDDEN:
 * is_public_only, and the server has no public address. ERR_INPUT: the server refused for good (status 5xx). ERR_IO: the rest. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <stdatomic.h>

struct mail_exchange {
    /* in: borrowed */
    const char *url;                       /* smtp://host:port, or smtps:// for TLS from the first byte */
    bool needs_tls;                        /* STARTTLS or nothing */
    const char *ca_file, *user, *password; /* NULL: none */
    const char *hello;                     /* our name, for EHLO */
    const char *from;
    const char *const *to; /* ends with NULL */
    struct bytes mail;
    uint32_t connect_ms_max, total_ms_max;
    bool is_public_only;
    const atomic_bool *cancel; /* NULL: none */

    /* out */
    struct err err; /* .code ERR_OK: the server has it */
    int status;     /* 0: none came */
};
void mail_send(struct mail_exchange *exchange);
