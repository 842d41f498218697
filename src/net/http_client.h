/* http_client.h -- HTTP requests to other people's servers, many at once: the only includer of libcurl.
 *
 *   http_client_run(exchanges) --queue--> [one thread, libcurl multi, connections kept] --> answers, then the caller goes on
 *        any thread, blocks                                                                 (into its memory, or a buf)
 *
 * Certificates of https are checked against the system's. Redirects are not followed; proxies and .netrc of the environment
 * are not used: where the bytes go is what the caller said. HTTP/1.1; a connection is kept for the next request.
 * Thread: one inside; run and its exchanges are for any, the exchanges are the client's until it returns; *cancel for any.
 * Memory: exchanges_max x about 200 KiB inside libcurl; an answer is in the caller's memory or in a buf of answer_bytes_max.
 * Errors: in exchange->err. ERR_FORBIDDEN: is_public_only, and the host has no public address. ERR_IO with libcurl's words: no connection, no answer in time, cut, an untrusted certificate.
 *         ERR_TOO_LARGE: the answer is longer than agreed. ERR_CANCELLED. An answer of any status is not an error. */
#pragma once
#include "base/bytes.h"
#include "base/disk.h"
#include "base/err.h"
#include <stdatomic.h>

struct http_client;
struct http_client_options {
    uint32_t exchanges_max; /* under way at once, the others wait for their turn; 0: 64 */
    const char *ca_file;    /* certificates to trust instead of the system's; NULL: those */
    /* For addresses that people name who may not look around in our network: what a host's name means is looked up and
     * checked as the connection is made to it, and the one address that was checked is the one connected to. ERR_FORBIDDEN. */
    bool is_public_only;
};
struct http_client_header {
    const char *name, *value;
};
/* What is sent: bytes, or a range of a file when file is not NULL (read on the client's thread as it goes out). */
struct http_client_body {
    struct bytes bytes;
    struct disk *disk;
    struct disk_file *file;
    uint64_t file_offset, file_bytes;
};
#define HTTP_CLIENT_TEXT_BYTES_MAX (64u << 10) /* of the body of an answer that is not 2xx; the rest is forgotten */

struct http_exchange {
    /* in: borrowed until http_client_run returns */
    const char *method, *url;                 /* http:// or https://; sent as it is */
    const struct http_client_header *headers; /* end with a name of NULL; NULL: none */
    struct http_client_body body;
    uint32_t connect_ms_max, idle_ms_max, total_ms_max; /* idle: no byte in either direction; 0: no such limit */
    void *into;              /* the body of a 2xx answer, at most answer_bytes_max; NULL: into the buf */
    size_t answer_bytes_max; /* of a 2xx answer */
    bool answer_is_cut;      /* what is beyond answer_bytes_max is read and forgotten, not ERR_TOO_LARGE */
    /* A 2xx answer goes here as it comes, on the client's thread, and is not kept; false gives it up: ERR_CANCELLED. NULL: none. */
    bool (*piece)(void *ctx, struct bytes bytes);
    void *piece_ctx;
    const atomic_bool *cancel; /* looked at once a second or oftener; NULL: none */

    /* out; http_exchange_deinit frees it */
    struct err err;
    int status;              /* 0 with err */
    size_t answer_len;       /* what came of the body: in *into, else body.len */
    struct buf body_answer;  /* 2xx without into; every other status */
    struct buf head_answer;  /* for http_exchange_header */
    uint32_t retry_after_ms; /* 0: not told */
};

/* Never fails but by lack of memory or threads, which aborts. */
struct http_client *http_client_create(const struct http_client_options *options); /* NULL: as all zero */
void http_client_destroy(struct http_client *client); /* NULL is fine; nobody is in run any more */

/* All of them side by side; returns when all have ended. */
void http_client_run(struct http_client *client, struct http_exchange *exchanges, uint32_t count);
/* A header of the answer by its name in lower or upper case, the first of that name; ptr NULL: none. */
struct bytes http_exchange_header(const struct http_exchange *exchange, const char *name);
/* Frees what came; the same exchange may be run again after. */
void http_exchange_deinit(struct http_exchange *exchange);

/* Scheme, host and port in order? ERR_INPUT says what is not. */
MUST_CHECK bool http_client_url_check(const char *url, struct err *err);
