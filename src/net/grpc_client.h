/* grpc_client.h -- unary gRPC calls over one connection, one at a time, in the clear or over TLS: for `monoscope send` and the bench.
 *
 * Thread: one owner; a call blocks. Memory: the answer, bounded by answer_bytes_max.
 * Errors: ERR_IO connection; ERR_TIMEOUT; a status other than 0 is not an error of the call: see status and text. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct grpc_client;
struct tls_context;
struct grpc_answer {
    int status;          /* grpc-status */
    char text[240];      /* grpc-message, percent-decoded */
    bool has_retry_info; /* grpc-status-details-bin was there */
    struct buf message;  /* the answer; freed by buf_deinit */
};
struct grpc_call {
    const char *path;
    const char *authorization; /* "Bearer ...", or NULL */
    const char *encoding;      /* "gzip", "zstd": body is compressed that way; NULL: identity */
    struct bytes body;
};
MUST_CHECK bool grpc_client_open(struct grpc_client **client, const char *address, uint16_t port, struct err *err);
/* The same over TLS; server_name is looked for in the server's certificate. */
MUST_CHECK bool grpc_client_open_tls(struct grpc_client **client, const char *address, uint16_t port,
                                     struct tls_context *tls, const char *server_name, uint32_t timeout_ms,
                                     struct err *err);
MUST_CHECK bool grpc_client_call(struct grpc_client *client, const struct grpc_call *call, uint32_t timeout_ms,
                                 struct grpc_answer *answer, struct err *err);
void grpc_client_close(struct grpc_client *client);
