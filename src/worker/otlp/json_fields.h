/* json_fields.h -- the messages of OTLP as JSON names them: a static table, for otlp_json.c and ingest/redaction alone.
 *
 *   "startTimeUnixNano" (or start_time_unix_nano) in a Span  -->  field 7, fixed64
 *
 * Thread: constants. Source: opentelemetry-proto 1.9, all v1 packages; names as protobuf's JSON mapping makes them. */
#pragma once
#include "worker/otlp/otlp.h"

enum json_kind {
    JSON_TEXT,
    JSON_BASE64,
    JSON_TRACE_ID, /* hex, 16 bytes */
    JSON_SPAN_ID,  /* hex, 8 bytes */
    JSON_BOOL,
    JSON_ENUM,
    JSON_INT64,
    JSON_UINT32,
    JSON_UINT64,
    JSON_SINT32, /* zigzag */
    JSON_FIXED32,
    JSON_FIXED64,
    JSON_SFIXED64,
    JSON_DOUBLE,
    JSON_MESSAGE,
};

enum json_type { /* of messages */
                 JSON_LOGS_REQUEST,
                 JSON_TRACES_REQUEST,
                 JSON_METRICS_REQUEST,
                 JSON_RESOURCE_LOGS,
                 JSON_RESOURCE_SPANS,
                 JSON_RESOURCE_METRICS,
                 JSON_SCOPE_LOGS,
                 JSON_SCOPE_SPANS,
                 JSON_SCOPE_METRICS,
                 JSON_RESOURCE,
                 JSON_ENTITY_REF,
                 JSON_SCOPE,
                 JSON_KEY_VALUE,
                 JSON_ANY_VALUE,
                 JSON_ARRAY_VALUE,
                 JSON_KEY_VALUE_LIST,
                 JSON_LOG_RECORD,
                 JSON_SPAN,
                 JSON_EVENT,
                 JSON_LINK,
                 JSON_STATUS,
                 JSON_METRIC,
                 JSON_GAUGE,
                 JSON_SUM,
                 JSON_HISTOGRAM,
                 JSON_EXPONENTIAL_HISTOGRAM,
                 JSON_SUMMARY,
                 JSON_NUMBER_POINT,
                 JSON_HISTOGRAM_POINT,
                 JSON_EXPONENTIAL_POINT,
                 JSON_SUMMARY_POINT,
                 JSON_BUCKETS,
                 JSON_QUANTILE,
                 JSON_EXEMPLAR,
                 JSON_TYPE_COUNT,
};

enum json_enum { JSON_SEVERITY_NUMBER, JSON_SPAN_KIND, JSON_STATUS_CODE, JSON_TEMPORALITY, JSON_ENUM_COUNT };

struct json_field {
    struct bytes name, snake; /* traceId, trace_id */
    uint8_t number;           /* at most 16, so that a tag has one or two bytes */
    uint8_t kind;             /* enum json_kind */
    uint8_t of;               /* JSON_MESSAGE: its json_type; JSON_ENUM: its json_enum */
    bool is_repeated;
    bool has_presence; /* written even when it is 0 or empty: optional, or one of several */
};

#define JSON_FIELDS_MAX 32 /* of a message: a bit each */
struct json_message {
    const struct json_field *fields;
    uint32_t count;
};
extern const struct json_message json_messages[JSON_TYPE_COUNT];

struct json_enum_names {
    struct bytes prefix; /* "SPAN_KIND_" */
    const struct bytes *names;
    uint32_t count; /* the number is the index */
};
extern const struct json_enum_names json_enums[JSON_ENUM_COUNT];
