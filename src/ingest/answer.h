/* answer.h -- ExportTraceServiceResponse and its two twins: the same bytes for all three.
 *
 *   nothing rejected: the empty message;  else  1: partial_success { 1: rejected count (int64), 2: error_message }
 *
 * Source: opentelemetry-proto, collector/trace/v1/trace_service.proto, ExportTracePartialSuccess. */
#pragma once
#include "base/bytes.h"

#define ANSWER_BYTES_MAX        256
#define ANSWER_REASON_BYTES_MAX 200
size_t answer_encode(uint64_t rejected_count, const char *reason, uint8_t message[ANSWER_BYTES_MAX]);
