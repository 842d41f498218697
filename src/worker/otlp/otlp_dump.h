/* otlp_dump.h -- a decoded request as text, to compare with what another decoder saw. For tests only.
 *
 * One line a record. Text and ids in hex, doubles as their bits; corpus/make.py writes the same from Python's objects. */
#pragma once
#include <inttypes.h>
#include <stdlib.h>

#include "worker/otlp/otlp.h"

static inline void dump(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
#include <stdarg.h>
#include <stdio.h>
static inline void dump(struct buf *out, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text || !buf_add(out, text, (size_t)len)) abort();
}
static inline void dump_hex(struct buf *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) dump(out, "%02x", bytes.ptr[i]);
}
static inline void dump_text(struct buf *out, const char *name, struct bytes text)
{
    dump(out, " %s=", name);
    dump_hex(out, text);
}
static inline void dump_double(struct buf *out, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, 8);
    dump(out, "%016" PRIx64, bits);
}
static inline void dump_value(struct buf *out, const struct otlp_value *value)
{
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    switch (value->type) {
    case OTLP_EMPTY: dump(out, "-"); break;
    case OTLP_TEXT:
    case OTLP_BYTES:
        dump(out, value->type == OTLP_TEXT ? "t" : "y");
        dump_hex(out, value->bytes);
        break;
    case OTLP_BOOL: dump(out, "b%d", value->boolean); break;
    case OTLP_INT: dump(out, "i%" PRId64, value->integer); break;
    case OTLP_DOUBLE:
        dump(out, "d");
        dump_double(out, value->number);
        break;
    case OTLP_ARRAY:
    case OTLP_KVLIST:
        dump(out, value->type == OTLP_ARRAY ? "[" : "{");
        otlp_value_reader_init(&reader, value);
        while (otlp_value_reader_next(&reader, &entry)) {
            if (value->type == OTLP_KVLIST) {
                dump_hex(out, entry.key);
                dump(out, "=");
            }
            dump_value(out, &entry.value);
            dump(out, ",");
        }
        dump(out, value->type == OTLP_ARRAY ? "]" : "}");
        break;
    }
}
static inline void dump_attributes(struct buf *out, const struct otlp_request *request, struct otlp_range range)
{
    dump(out, " (");
    for (uint32_t i = range.first; i < range.first + range.count; i++) {
        dump_hex(out, request->attributes.at[i].key);
        dump(out, "=");
        dump_value(out, &request->attributes.at[i].value);
        dump(out, ",");
    }
    dump(out, ")");
}
static inline void dump_scope(struct buf *out, const struct otlp_request *request, uint32_t index)
{
    const struct otlp_scope *scope = &request->scopes.at[index];
    const struct otlp_resource *resource = &request->resources.at[scope->resource];
    dump(out, " resource:");
    dump_attributes(out, request, resource->attributes);
    dump(out, " dropped=%" PRIu32, resource->dropped_attributes_count);
    dump_text(out, "schema", resource->schema_url);
    dump_text(out, "scope", scope->name);
    dump_text(out, "version", scope->version);
    dump_attributes(out, request, scope->attributes);
    dump_text(out, "schema", scope->schema_url);
}
static inline void dump_span(struct buf *out, const struct otlp_request *request, const struct otlp_span *span)
{
    dump(out, "span");
    dump_text(out, "trace", span->trace_id);
    dump_text(out, "id", span->span_id);
    dump_text(out, "parent", span->parent_span_id);
    dump_text(out, "state", span->trace_state);
    dump_text(out, "name", span->name);
    dump(out, " kind=%" PRIu32 " start=%" PRIu64 " end=%" PRIu64 " status=%" PRIu32, span->kind, span->start_unix_ns,
         span->end_unix_ns, span->status_code);
    dump_text(out, "message", span->status_message);
    dump(out, " flags=%" PRIu32 " dropped=%" PRIu32 ",%" PRIu32 ",%" PRIu32, span->flags,
         span->dropped_attributes_count, span->dropped_events_count, span->dropped_links_count);
    dump_attributes(out, request, span->attributes);
    for (uint32_t i = span->events.first; i < span->events.first + span->events.count; i++) {
        const struct otlp_event *event = &request->events.at[i];
        dump(out, " event:%" PRIu64 " dropped=%" PRIu32, event->time_unix_ns, event->dropped_attributes_count);
        dump_text(out, "name", event->name);
        dump_attributes(out, request, event->attributes);
    }
    for (uint32_t i = span->links.first; i < span->links.first + span->links.count; i++) {
        const struct otlp_link *link = &request->links.at[i];
        dump(out, " link: dropped=%" PRIu32 " flags=%" PRIu32, link->dropped_attributes_count, link->flags);
        dump_text(out, "trace", link->trace_id);
        dump_text(out, "id", link->span_id);
        dump_text(out, "state", link->trace_state);
        dump_attributes(out, request, link->attributes);
    }
    dump_scope(out, request, span->scope);
    dump(out, "\n");
}
static inline void dump_log(struct buf *out, const struct otlp_request *request, const struct otlp_log *log)
{
    dump(out, "log time=%" PRIu64 " observed=%" PRIu64 " severity=%" PRId32, log->time_unix_ns, log->observed_unix_ns,
         log->severity_number);
    dump_text(out, "text", log->severity_text);
    dump(out, " body=");
    dump_value(out, &log->body);
    dump_attributes(out, request, log->attributes);
    dump(out, " dropped=%" PRIu32 " flags=%" PRIu32, log->dropped_attributes_count, log->flags);
    dump_text(out, "trace", log->trace_id);
    dump_text(out, "id", log->span_id);
    dump_text(out, "event", log->event_name);
    dump_scope(out, request, log->scope);
    dump(out, "\n");
}
static inline void dump_counts(struct buf *out, const struct otlp_request *request, const char *name,
                               struct otlp_range range)
{
    dump(out, " %s=", name);
    for (uint32_t i = range.first; i < range.first + range.count; i++) dump(out, "%" PRIu64 ",", request->counts.at[i]);
}
static inline void dump_numbers(struct buf *out, const struct otlp_request *request, const char *name,
                                struct otlp_range range)
{
    dump(out, " %s=", name);
    for (uint32_t i = range.first; i < range.first + range.count; i++) {
        dump_double(out, request->numbers.at[i]);
        dump(out, ",");
    }
}
static inline void dump_optional(struct buf *out, const char *name, bool has, double number)
{
    dump(out, " %s=", name);
    if (has) dump_double(out, number);
}
static inline void dump_number(struct buf *out, bool has_value, bool is_integer, int64_t integer, double number)
{
    dump(out, " value=");
    if (has_value && is_integer) dump(out, "i%" PRId64, integer);
    if (has_value && !is_integer) dump_optional(out, "d", true, number);
}
static inline void dump_point(struct buf *out, const struct otlp_request *request, const struct otlp_point *point)
{
    const struct otlp_metric *metric = &request->metrics.at[point->metric];
    dump(out, "point type=%d", (int)metric->type);
    dump_text(out, "name", metric->name);
    dump_text(out, "description", metric->description);
    dump_text(out, "unit", metric->unit);
    dump(out, " temporality=%" PRIu32 " monotonic=%d", metric->aggregation_temporality, metric->is_monotonic);
    dump_attributes(out, request, metric->metadata);
    dump(out, " flags=%" PRIu32 " start=%" PRIu64 " time=%" PRIu64, point->flags, point->start_unix_ns,
         point->time_unix_ns);
    dump_attributes(out, request, point->attributes);
    dump_number(out, point->has_value, point->is_integer, point->integer, point->number);
    dump(out, " count=%" PRIu64, point->count);
    dump_optional(out, "sum", metric->type == OTLP_SUMMARY ? point->sum != 0 : point->has_sum, point->sum);
    dump_optional(out, "min", point->has_min, point->min);
    dump_optional(out, "max", point->has_max, point->max);
    dump_counts(out, request, "buckets", point->bucket_counts);
    dump_numbers(out, request, "bounds", point->bounds);
    dump(out, " scale=%" PRId32 " offsets=%" PRId32 ",%" PRId32 " zero=%" PRIu64, point->scale, point->positive_offset,
         point->negative_offset, point->zero_count);
    dump_optional(out, "threshold", point->zero_threshold != 0, point->zero_threshold);
    dump_counts(out, request, "negative", point->negative_counts);
    dump_numbers(out, request, "quantiles", point->quantiles);
    dump_numbers(out, request, "values", point->quantile_values);
    for (uint32_t i = point->exemplars.first; i < point->exemplars.first + point->exemplars.count; i++) {
        const struct otlp_exemplar *exemplar = &request->exemplars.at[i];
        dump(out, " exemplar:%" PRIu64, exemplar->time_unix_ns);
        dump_number(out, exemplar->has_value, exemplar->is_integer, exemplar->integer, exemplar->number);
        dump_text(out, "trace", exemplar->trace_id);
        dump_text(out, "id", exemplar->span_id);
        dump_attributes(out, request, exemplar->attributes);
    }
    dump_scope(out, request, metric->scope);
    dump(out, "\n");
}
static inline void dump_request(struct buf *out, const struct otlp_request *request)
{
    for (uint32_t i = 0; i < request->spans.count; i++) dump_span(out, request, &request->spans.at[i]);
    for (uint32_t i = 0; i < request->logs.count; i++) dump_log(out, request, &request->logs.at[i]);
    for (uint32_t i = 0; i < request->points.count; i++) dump_point(out, request, &request->points.at[i]);
}
