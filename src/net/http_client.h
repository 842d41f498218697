/* http_client.h -- one HTTP request at a time to somebody else's server: the only includer of libcurl.
 *
 *   struct http_client_request --http_client_send--> status, Retry-After, the body's beginning
 *
 * Certificates of https are checked against the system's. Redirects are not followed; proxies and .netrc of the environment
 * are not used: where the bytes go is what the caller said. A connection is kept for the next request.
 * Thread: one owner, whose thread waits; *cancel is for any. Memory: libcurl's own, an answer's first 4 KiB.
 * Errors: ERR_IO with libcurl's words: no connection, no answer in time, a certificate that is not trusted. ERR_CANCELLED.
 *         An answer of any status is not an error. */
#pragma once
#include "base/err.h"
#include <stdatomic.h>

struct http_client;
struct http_client_header {
    const char *name, *value;
};
struct http_client_request {
    const char *url;                          /* http:// or https:// */
    struct bytes body;                        /* a POST of it */
    const struct http_client_header *headers; /* end with a name of NULL */
    uint32_t connect_ms_max, total_ms_max;
    const atomic_bool *cancel; /* looked at once a second or oftener; NULL: none */
};
#define HTTP_CLIENT_TEXT_BYTES 4096
struct http_client_answer {
    int status;
    uint32_t retry_after_ms;           /* 0: not told */
    char text[HTTP_CLIENT_TEXT_BYTES]; /* what the body begins with, NUL-terminated */
};
struct http_client *http_client_create(void);
void http_client_destroy(struct http_client *client); /* NULL is fine */
/* Scheme, host and port in order? ERR_INPUT says what is not. */
MUST_CHECK bool http_client_url_check(const char *url, struct err *err);
MUST_CHECK bool http_client_send(struct http_client *client, const struct http_client_request *request,
                                 struct http_client_answer *answer, struct err *err);
