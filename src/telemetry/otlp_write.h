/* otlp_write.h -- the process's metrics, events and spans as OTLP protobuf.
 *
 *   otlp_write_log(&writer, ...)   one LogRecord as field 2 of a ScopeLogs: records follow one another in a buffer
 *   otlp_write_span(&writer, ...)  the same for Span and ScopeSpans
 *   otlp_request(out, records)     ExportLogsServiceRequest around them: { 1: { 1: resource, 2: { 1: scope, records } } }
 *
 * The three requests have the same field numbers down to the records, so one function wraps them all.
 * Thread: a value of one owner. Memory: the buffer's; is_full is set when its greatest size is reached, and what was
 * written since the last mark is to be cut off.
 * Source: opentelemetry-proto 1.9. Unlike otlp_encode.h (tests), messages are written in place. */
#pragma once
#include "base/log.h"
#include "base/span.h"
#include "telemetry/metric.h"

struct otlp_writer {
    struct buf *out;
    bool is_full;
};
/* resource ends with a key of NULL. records: the concatenation that the functions below make. */
void otlp_write_request(struct otlp_writer *writer, const struct metric_attribute *resource, struct bytes records);
void otlp_write_log(struct otlp_writer *writer, uint64_t time_unix_ns, enum log_level level, const char *event,
                    const struct log_field *fields);
void otlp_write_span(struct otlp_writer *writer, const struct span *span, uint64_t duration_ns, const char *failure,
                     const struct log_field *fields);
/* The points of the set that are not skipped, each family a Metric: field 2 of a ScopeMetrics. */
void otlp_write_metrics(struct otlp_writer *writer, const struct metric_set *set, uint64_t start_unix_ns,
                        uint64_t time_unix_ns);
