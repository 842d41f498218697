/* aws.h -- calls to S3, DynamoDB and what speaks like them: signed, side by side, tried again when that may help.
 *
 *   struct aws_call --aws_run--> sign (aws_sign.h) --> net/http_client --> status, headers, body
 *                      |  ^                                  |
 *       credentials <--'  '-- 429, 5xx, resets, time limits: again after a pause; ExpiredToken: new credentials first
 *
 * Credentials, the first that are there: environment; web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN); shared
 * files (~/.aws/credentials, ~/.aws/config, AWS_PROFILE); container endpoint (AWS_CONTAINER_CREDENTIALS_*); the instance's
 * metadata service (version 2). What expires is fetched again before it does, by one thread while the others go on.
 * Thread: any. Memory: what http_client says. Secrets: never in a log or an error.
 * Errors: call->err, see aws_run. Source: AWS "Signature Version 4 for API requests", "SDKs and Tools Reference Guide". */
#pragma once
#include "aws/aws_sign.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http_client.h"

struct aws;
struct aws_options {
    struct http_client *client; /* borrowed, outlives it */
    const struct log *log;
    const char *region;         /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's */
    const char *region_default; /* when none of these tells one, instead of asking the instance; NULL: ERR_INPUT then */
    const char *(*environment)(void *ctx, const char *name); /* NULL: getenv; answers live as long as the struct aws */
    void *environment_ctx;
    int64_t clock_off_s; /* what to add to our clock at first; corrected by the servers' */
};
/* Reads the region; credentials are fetched by the first call. ERR_INPUT: no region, or a file that cannot be read. */
MUST_CHECK bool aws_open(struct aws **aws, const struct aws_options *options, struct err *err);
void aws_close(struct aws *aws); /* NULL is fine */
const char *aws_region(const struct aws *aws);
/* The endpoint that the settings name for a service: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's
 * endpoint_url; NULL: AWS's own. "S3" | "DYNAMODB". */
const char *aws_endpoint(const struct aws *aws, const char *service);
/* Credentials are there, now? The error lists what was tried. */
MUST_CHECK bool aws_credentials_check(struct aws *aws, struct err *err);

#define AWS_CODE_BYTES 64
struct aws_call {
    /* in: borrowed until aws_run returns */
    const char *service;  /* "s3" | "dynamodb" */
    const char *method;   /* "GET" */
    const char *host_url; /* "https://host[:port]"; a slash at the end is forgiven */
    const char *path;     /* "/bucket/a%20b": percent-encoded once, as it goes out (aws_path_encode) */
    const char *query;    /* "list-type=2&prefix=a%2Fb": encoded (aws_query_encode), in any order; NULL: none */
    const struct http_client_header *headers; /* signed and sent; end with a name of NULL; NULL: none */
    struct http_client_body body;
    bool payload_is_unsigned; /* S3: a body that is not hashed for the signature; a file never is */
    void *into;               /* as in http_exchange */
    size_t answer_bytes_max;
    uint32_t attempts_max; /* 0: 8 */
    uint32_t total_ms_max; /* of one attempt; 0: 60 s and a second for each 64 KiB */
    const atomic_bool *cancel;

    /* out; aws_call_deinit frees it */
    struct err err;              /* ERR_OK: there is an answer, of any status that is not worth another try */
    struct http_exchange answer; /* .status, .answer_len, .body_answer; http_exchange_header(&call->answer, ...) */
    uint32_t attempts;           /* 1: the first try did */
    char code[AWS_CODE_BYTES]; /* of an answer that is not 2xx: "NoSuchKey", "ConditionalCheckFailedException"; or "" */
};
/* All of them side by side. What may work later (429, 500, 502, 503, 504, throttling codes, resets, time limits) is tried
 * again after a random part of 100 ms, 200 ms ... 10 s, or after Retry-After; a clock that is off is corrected by the
 * answer's Date. When the tries are used up: ERR_IO with the last reason. No credentials: ERR_FORBIDDEN. */
void aws_run(struct aws *aws, struct aws_call *calls, uint32_t count);
/* An answer that the caller cannot use becomes words: ERR_NOT_FOUND (404), ERR_FORBIDDEN (401, 403), ERR_EXISTS (412),
 * ERR_CONFLICT (409), ERR_INPUT (other 3xx and 4xx), ERR_IO. With call->err: that. Always false. */
bool aws_call_failed(const struct aws_call *call, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
void aws_call_deinit(struct aws_call *call);
