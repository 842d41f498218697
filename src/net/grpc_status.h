/* grpc_status.h -- how an error looks in gRPC's trailers. Thread: any. Memory: the caller's.
 * Source: PROTOCOL-HTTP2.md ("Status-Message", "Binary-Header"); google/rpc/status.proto, error_details.proto. */
#pragma once
#include "base/err.h"

#define GRPC_MESSAGE_BYTES_MAX (3 * sizeof(((struct err *)0)->text))
#define GRPC_DETAILS_BYTES_MAX 512

/* Percent-encodes what is not printable ASCII, and the percent sign. Returns the length. */
size_t grpc_message_encode(const char *text, char out[GRPC_MESSAGE_BYTES_MAX]);

/* The value of grpc-status-details-bin: a google.rpc.Status that holds a RetryInfo, base64 without padding.
 * Returns the length. */
size_t grpc_retry_details_encode(int status, const char *text, uint32_t retry_delay_ms,
                                 char out[GRPC_DETAILS_BYTES_MAX]);
