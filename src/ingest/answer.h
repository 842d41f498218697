/* answer.h -- ExportTraceServiceResponse and its two twins: the same bytes for all three; and google.rpc.Status, which
 * OTLP/HTTP answers errors with. Both as protobuf and as JSON.
 *
 *   nothing rejected: the empty message;  else  1: partial_success { 1: rejected count (int64), 2: error_message }
 *   {}                                          {"partialSuccess":{"rejectedSpans":"3","errorMessage":"..."}}
 *   Status { 1: code, 2: message }              {"code":3,"message":"..."}
 *
 * Source: opentelemetry-proto, collector/trace/v1/trace_service.proto, ExportTracePartialSuccess; google/rpc/status.proto;
 * OTLP 1.x, "OTLP/HTTP Response". */
#pragma once
#include "base/err.h"
#include "worker/otlp/otlp.h"

#define ANSWER_BYTES_MAX        256
#define ANSWER_REASON_BYTES_MAX 200
size_t answer_encode(uint64_t rejected_count, const char *reason, uint8_t message[ANSWER_BYTES_MAX]);

#define ANSWER_JSON_BYTES_MAX (6 * ANSWER_REASON_BYTES_MAX + 128)
size_t answer_encode_json(enum otlp_signal signal, uint64_t rejected_count, const char *reason,
                          uint8_t message[ANSWER_JSON_BYTES_MAX]);

#define STATUS_BYTES_MAX (6 * sizeof(((struct err *)0)->text) + 64)
/* Bytes of text that are no UTF-8 become question marks. */
size_t status_encode(int grpc_status, const char *text, uint8_t message[STATUS_BYTES_MAX]);
size_t status_encode_json(int grpc_status, const char *text, uint8_t message[STATUS_BYTES_MAX]);
