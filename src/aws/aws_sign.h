/* aws_sign.h -- AWS Signature Version 4 of a request, and no more: no socket, no clock.
 *
 *   method, path, query, headers, payload hash --canonical--> SHA-256 --to_sign--> HMAC with the day's key --> Authorization
 *
 * S3 signs the path as it goes out; the other services sign it encoded once more (path_is_encoded_again).
 * Thread: any. Memory: the bufs of struct aws_signed, freed by aws_signed_deinit. Times: seconds since 1970.
 * Errors: ERR_TOO_LARGE: headers over 64 KiB. Source: AWS IAM User Guide, "Create a signed AWS API request". */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"
#include "net/http_client.h"

struct aws_keys {
    const char *id, *secret;
    const char *token; /* of a session; NULL: none */
};
#define AWS_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
struct aws_signing {
    struct aws_keys keys;
    const char *region, *service;
    int64_t unix_s;
    const char *method;
    const char *path;                         /* begins with "/", percent-encoded as it goes out */
    const char *query;                        /* encoded, any order, without "?"; NULL: none */
    const struct http_client_header *headers; /* signed all; with host; without those that signing adds */
    const char *payload_sha256;               /* in hex, or AWS_UNSIGNED_PAYLOAD */
    bool payload_header;                      /* add and sign x-amz-content-sha256: S3 */
    bool path_is_normalized;                  /* sign it without "//", "." and ".." */
    bool path_is_encoded_again;
};
#define AWS_DATE_BYTES 17
struct aws_signed {
    char date[AWS_DATE_BYTES];     /* x-amz-date */
    struct buf authorization;      /* NUL-terminated */
    struct buf canonical, to_sign; /* what was signed, for tests and for a server's complaint */
};
/* To send: what was signed, x-amz-date, x-amz-content-sha256 (payload_header), x-amz-security-token (a token), and
 * authorization. */
MUST_CHECK bool aws_sign(struct aws_signed *out, const struct aws_signing *signing, struct err *err);
void aws_signed_deinit(struct aws_signed *out);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~, and for paths "/". False: out is full. */
MUST_CHECK bool aws_path_encode(struct buf *out, struct bytes text);
MUST_CHECK bool aws_query_encode(struct buf *out, struct bytes text);
