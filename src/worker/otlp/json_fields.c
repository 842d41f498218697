#include "worker/otlp/json_fields.h"

/* One line a field, in the order in which SDKs write them: the next one is tried first. */
#define NAMES(name, snake)                          \
    { (const uint8_t *)(name), sizeof(name) - 1 },  \
    {                                               \
        (const uint8_t *)(snake), sizeof(snake) - 1 \
    }
#define ONE(number, name, snake, kind)                    \
    {                                                     \
        NAMES(name, snake), number, kind, 0, false, false \
    }
#define SET(number, name, snake, kind)                   \
    {                                                    \
        NAMES(name, snake), number, kind, 0, false, true \
    }
#define MANY(number, name, snake, kind)                  \
    {                                                    \
        NAMES(name, snake), number, kind, 0, true, false \
    }
#define ENUM(number, name, snake, names)                           \
    {                                                              \
        NAMES(name, snake), number, JSON_ENUM, names, false, false \
    }
#define MESSAGE(number, name, snake, message)                          \
    {                                                                  \
        NAMES(name, snake), number, JSON_MESSAGE, message, false, true \
    }
#define MESSAGES(number, name, snake, message)                        \
    {                                                                 \
        NAMES(name, snake), number, JSON_MESSAGE, message, true, true \
    }
#define ATTRIBUTES(number) MESSAGES(number, "attributes", "attributes", JSON_KEY_VALUE)
#define DROPPED(number)    ONE(number, "droppedAttributesCount", "dropped_attributes_count", JSON_UINT32)
#define SCHEMA_URL(number) ONE(number, "schemaUrl", "schema_url", JSON_TEXT)
#define TIMES                                                          \
    ONE(2, "startTimeUnixNano", "start_time_unix_nano", JSON_FIXED64), \
        ONE(3, "timeUnixNano", "time_unix_nano", JSON_FIXED64)

static const struct json_field logs_request[] = { MESSAGES(1, "resourceLogs", "resource_logs", JSON_RESOURCE_LOGS) };
static const struct json_field traces_request[] = { MESSAGES(1, "resourceSpans", "resource_spans",
                                                             JSON_RESOURCE_SPANS) };
static const struct json_field metrics_request[] = { MESSAGES(1, "resourceMetrics", "resource_metrics",
                                                              JSON_RESOURCE_METRICS) };
static const struct json_field resource_logs[] = {
    MESSAGE(1, "resource", "resource", JSON_RESOURCE),
    MESSAGES(2, "scopeLogs", "scope_logs", JSON_SCOPE_LOGS),
    SCHEMA_URL(3),
};
static const struct json_field resource_spans[] = {
    MESSAGE(1, "resource", "resource", JSON_RESOURCE),
    MESSAGES(2, "scopeSpans", "scope_spans", JSON_SCOPE_SPANS),
    SCHEMA_URL(3),
};
static const struct json_field resource_metrics[] = {
    MESSAGE(1, "resource", "resource", JSON_RESOURCE),
    MESSAGES(2, "scopeMetrics", "scope_metrics", JSON_SCOPE_METRICS),
    SCHEMA_URL(3),
};
static const struct json_field scope_logs[] = {
    MESSAGE(1, "scope", "scope", JSON_SCOPE),
    MESSAGES(2, "logRecords", "log_records", JSON_LOG_RECORD),
    SCHEMA_URL(3),
};
static const struct json_field scope_spans[] = {
    MESSAGE(1, "scope", "scope", JSON_SCOPE),
    MESSAGES(2, "spans", "spans", JSON_SPAN),
    SCHEMA_URL(3),
};
static const struct json_field scope_metrics[] = {
    MESSAGE(1, "scope", "scope", JSON_SCOPE),
    MESSAGES(2, "metrics", "metrics", JSON_METRIC),
    SCHEMA_URL(3),
};

static const struct json_field resource[] = {
    ATTRIBUTES(1),
    DROPPED(2),
    MESSAGES(3, "entityRefs", "entity_refs", JSON_ENTITY_REF),
};
static const struct json_field entity_ref[] = {
    SCHEMA_URL(1),
    ONE(2, "type", "type", JSON_TEXT),
    MANY(3, "idKeys", "id_keys", JSON_TEXT),
    MANY(4, "descriptionKeys", "description_keys", JSON_TEXT),
};
static const struct json_field scope[] = {
    ONE(1, "name", "name", JSON_TEXT),
    ONE(2, "version", "version", JSON_TEXT),
    ATTRIBUTES(3),
    DROPPED(4),
};
static const struct json_field key_value[] = {
    ONE(1, "key", "key", JSON_TEXT),
    MESSAGE(2, "value", "value", JSON_ANY_VALUE),
};
static const struct json_field any_value[] = {
    SET(1, "stringValue", "string_value", JSON_TEXT),
    SET(3, "intValue", "int_value", JSON_INT64),
    SET(4, "doubleValue", "double_value", JSON_DOUBLE),
    SET(2, "boolValue", "bool_value", JSON_BOOL),
    MESSAGE(5, "arrayValue", "array_value", JSON_ARRAY_VALUE),
    MESSAGE(6, "kvlistValue", "kvlist_value", JSON_KEY_VALUE_LIST),
    SET(7, "bytesValue", "bytes_value", JSON_BASE64),
};
static const struct json_field array_value[] = { MESSAGES(1, "values", "values", JSON_ANY_VALUE) };
static const struct json_field key_value_list[] = { MESSAGES(1, "values", "values", JSON_KEY_VALUE) };

static const struct json_field log_record[] = {
    ONE(1, "timeUnixNano", "time_unix_nano", JSON_FIXED64),
    ONE(11, "observedTimeUnixNano", "observed_time_unix_nano", JSON_FIXED64),
    ENUM(2, "severityNumber", "severity_number", JSON_SEVERITY_NUMBER),
    ONE(3, "severityText", "severity_text", JSON_TEXT),
    ONE(12, "eventName", "event_name", JSON_TEXT),
    MESSAGE(5, "body", "body", JSON_ANY_VALUE),
    ATTRIBUTES(6),
    DROPPED(7),
    ONE(8, "flags", "flags", JSON_FIXED32),
    ONE(9, "traceId", "trace_id", JSON_TRACE_ID),
    ONE(10, "spanId", "span_id", JSON_SPAN_ID),
};

static const struct json_field span[] = {
    ONE(1, "traceId", "trace_id", JSON_TRACE_ID),
    ONE(2, "spanId", "span_id", JSON_SPAN_ID),
    ONE(3, "traceState", "trace_state", JSON_TEXT),
    ONE(4, "parentSpanId", "parent_span_id", JSON_SPAN_ID),
    ONE(16, "flags", "flags", JSON_FIXED32),
    ONE(5, "name", "name", JSON_TEXT),
    ENUM(6, "kind", "kind", JSON_SPAN_KIND),
    ONE(7, "startTimeUnixNano", "start_time_unix_nano", JSON_FIXED64),
    ONE(8, "endTimeUnixNano", "end_time_unix_nano", JSON_FIXED64),
    ATTRIBUTES(9),
    DROPPED(10),
    MESSAGES(11, "events", "events", JSON_EVENT),
    ONE(12, "droppedEventsCount", "dropped_events_count", JSON_UINT32),
    MESSAGE(15, "status", "status", JSON_STATUS),
    MESSAGES(13, "links", "links", JSON_LINK),
    ONE(14, "droppedLinksCount", "dropped_links_count", JSON_UINT32),
};
static const struct json_field event[] = {
    ONE(1, "timeUnixNano", "time_unix_nano", JSON_FIXED64),
    ONE(2, "name", "name", JSON_TEXT),
    ATTRIBUTES(3),
    DROPPED(4),
};
static const struct json_field span_link[] = {
    ONE(1, "traceId", "trace_id", JSON_TRACE_ID),
    ONE(2, "spanId", "span_id", JSON_SPAN_ID),
    ONE(3, "traceState", "trace_state", JSON_TEXT),
    ATTRIBUTES(4),
    DROPPED(5),
    ONE(6, "flags", "flags", JSON_FIXED32),
};
static const struct json_field status[] = {
    ENUM(3, "code", "code", JSON_STATUS_CODE),
    ONE(2, "message", "message", JSON_TEXT),
};

static const struct json_field metric[] = {
    ONE(1, "name", "name", JSON_TEXT),
    ONE(2, "description", "description", JSON_TEXT),
    ONE(3, "unit", "unit", JSON_TEXT),
    MESSAGE(5, "gauge", "gauge", JSON_GAUGE),
    MESSAGE(7, "sum", "sum", JSON_SUM),
    MESSAGE(9, "histogram", "histogram", JSON_HISTOGRAM),
    MESSAGE(10, "exponentialHistogram", "exponential_histogram", JSON_EXPONENTIAL_HISTOGRAM),
    MESSAGE(11, "summary", "summary", JSON_SUMMARY),
    MESSAGES(12, "metadata", "metadata", JSON_KEY_VALUE),
};
#define POINTS(message)     MESSAGES(1, "dataPoints", "data_points", message)
#define TEMPORALITY(number) ENUM(number, "aggregationTemporality", "aggregation_temporality", JSON_TEMPORALITY)
static const struct json_field gauge[] = { POINTS(JSON_NUMBER_POINT) };
static const struct json_field sum[] = {
    POINTS(JSON_NUMBER_POINT),
    TEMPORALITY(2),
    ONE(3, "isMonotonic", "is_monotonic", JSON_BOOL),
};
static const struct json_field histogram[] = { POINTS(JSON_HISTOGRAM_POINT), TEMPORALITY(2) };
static const struct json_field exponential_histogram[] = { POINTS(JSON_EXPONENTIAL_POINT), TEMPORALITY(2) };
static const struct json_field summary[] = { POINTS(JSON_SUMMARY_POINT) };

static const struct json_field number_point[] = {
    ATTRIBUTES(7),
    TIMES,
    SET(4, "asDouble", "as_double", JSON_DOUBLE),
    SET(6, "asInt", "as_int", JSON_SFIXED64),
    MESSAGES(5, "exemplars", "exemplars", JSON_EXEMPLAR),
    ONE(8, "flags", "flags", JSON_UINT32),
};
static const struct json_field histogram_point[] = {
    ATTRIBUTES(9),
    TIMES,
    ONE(4, "count", "count", JSON_FIXED64),
    SET(5, "sum", "sum", JSON_DOUBLE),
    MANY(6, "bucketCounts", "bucket_counts", JSON_FIXED64),
    MANY(7, "explicitBounds", "explicit_bounds", JSON_DOUBLE),
    MESSAGES(8, "exemplars", "exemplars", JSON_EXEMPLAR),
    ONE(10, "flags", "flags", JSON_UINT32),
    SET(11, "min", "min", JSON_DOUBLE),
    SET(12, "max", "max", JSON_DOUBLE),
};
static const struct json_field exponential_point[] = {
    ATTRIBUTES(1),
    TIMES,
    ONE(4, "count", "count", JSON_FIXED64),
    SET(5, "sum", "sum", JSON_DOUBLE),
    ONE(6, "scale", "scale", JSON_SINT32),
    ONE(7, "zeroCount", "zero_count", JSON_FIXED64),
    MESSAGE(8, "positive", "positive", JSON_BUCKETS),
    MESSAGE(9, "negative", "negative", JSON_BUCKETS),
    ONE(10, "flags", "flags", JSON_UINT32),
    MESSAGES(11, "exemplars", "exemplars", JSON_EXEMPLAR),
    SET(12, "min", "min", JSON_DOUBLE),
    SET(13, "max", "max", JSON_DOUBLE),
    ONE(14, "zeroThreshold", "zero_threshold", JSON_DOUBLE),
};
static const struct json_field summary_point[] = {
    ATTRIBUTES(7),
    TIMES,
    ONE(4, "count", "count", JSON_FIXED64),
    ONE(5, "sum", "sum", JSON_DOUBLE),
    MESSAGES(6, "quantileValues", "quantile_values", JSON_QUANTILE),
    ONE(8, "flags", "flags", JSON_UINT32),
};
static const struct json_field buckets[] = {
    ONE(1, "offset", "offset", JSON_SINT32),
    MANY(2, "bucketCounts", "bucket_counts", JSON_UINT64),
};
static const struct json_field quantile[] = {
    ONE(1, "quantile", "quantile", JSON_DOUBLE),
    ONE(2, "value", "value", JSON_DOUBLE),
};
static const struct json_field exemplar[] = {
    MESSAGES(7, "filteredAttributes", "filtered_attributes", JSON_KEY_VALUE),
    ONE(2, "timeUnixNano", "time_unix_nano", JSON_FIXED64),
    SET(3, "asDouble", "as_double", JSON_DOUBLE),
    SET(6, "asInt", "as_int", JSON_SFIXED64),
    ONE(4, "spanId", "span_id", JSON_SPAN_ID),
    ONE(5, "traceId", "trace_id", JSON_TRACE_ID),
};

#define OF(fields)               \
    {                            \
        fields, COUNT_OF(fields) \
    }
const struct json_message json_messages[JSON_TYPE_COUNT] = {
    [JSON_LOGS_REQUEST] = OF(logs_request),
    [JSON_TRACES_REQUEST] = OF(traces_request),
    [JSON_METRICS_REQUEST] = OF(metrics_request),
    [JSON_RESOURCE_LOGS] = OF(resource_logs),
    [JSON_RESOURCE_SPANS] = OF(resource_spans),
    [JSON_RESOURCE_METRICS] = OF(resource_metrics),
    [JSON_SCOPE_LOGS] = OF(scope_logs),
    [JSON_SCOPE_SPANS] = OF(scope_spans),
    [JSON_SCOPE_METRICS] = OF(scope_metrics),
    [JSON_RESOURCE] = OF(resource),
    [JSON_ENTITY_REF] = OF(entity_ref),
    [JSON_SCOPE] = OF(scope),
    [JSON_KEY_VALUE] = OF(key_value),
    [JSON_ANY_VALUE] = OF(any_value),
    [JSON_ARRAY_VALUE] = OF(array_value),
    [JSON_KEY_VALUE_LIST] = OF(key_value_list),
    [JSON_LOG_RECORD] = OF(log_record),
    [JSON_SPAN] = OF(span),
    [JSON_EVENT] = OF(event),
    [JSON_LINK] = OF(span_link),
    [JSON_STATUS] = OF(status),
    [JSON_METRIC] = OF(metric),
    [JSON_GAUGE] = OF(gauge),
    [JSON_SUM] = OF(sum),
    [JSON_HISTOGRAM] = OF(histogram),
    [JSON_EXPONENTIAL_HISTOGRAM] = OF(exponential_histogram),
    [JSON_SUMMARY] = OF(summary),
    [JSON_NUMBER_POINT] = OF(number_point),
    [JSON_HISTOGRAM_POINT] = OF(histogram_point),
    [JSON_EXPONENTIAL_POINT] = OF(exponential_point),
    [JSON_SUMMARY_POINT] = OF(summary_point),
    [JSON_BUCKETS] = OF(buckets),
    [JSON_QUANTILE] = OF(quantile),
    [JSON_EXEMPLAR] = OF(exemplar),
};
static_assert(COUNT_OF(span) <= JSON_FIELDS_MAX, "a bit for each field of the largest message");

/* ---- names of enums: OTLP/JSON sends numbers, protobuf's JSON writers may send these ---- */
#define WORD(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
static const struct bytes severities[] = {
    WORD("UNSPECIFIED"), WORD("TRACE"),  WORD("TRACE2"), WORD("TRACE3"), WORD("TRACE4"), WORD("DEBUG"),  WORD("DEBUG2"),
    WORD("DEBUG3"),      WORD("DEBUG4"), WORD("INFO"),   WORD("INFO2"),  WORD("INFO3"),  WORD("INFO4"),  WORD("WARN"),
    WORD("WARN2"),       WORD("WARN3"),  WORD("WARN4"),  WORD("ERROR"),  WORD("ERROR2"), WORD("ERROR3"), WORD("ERROR4"),
    WORD("FATAL"),       WORD("FATAL2"), WORD("FATAL3"), WORD("FATAL4"),
};
static const struct bytes span_kinds[] = { WORD("UNSPECIFIED"), WORD("INTERNAL"), WORD("SERVER"),
                                           WORD("CLIENT"),      WORD("PRODUCER"), WORD("CONSUMER") };
static const struct bytes status_codes[] = { WORD("UNSET"), WORD("OK"), WORD("ERROR") };
static const struct bytes temporalities[] = { WORD("UNSPECIFIED"), WORD("DELTA"), WORD("CUMULATIVE") };
const struct json_enum_names json_enums[JSON_ENUM_COUNT] = {
    [JSON_SEVERITY_NUMBER] = { WORD("SEVERITY_NUMBER_"), severities, COUNT_OF(severities) },
    [JSON_SPAN_KIND] = { WORD("SPAN_KIND_"), span_kinds, COUNT_OF(span_kinds) },
    [JSON_STATUS_CODE] = { WORD("STATUS_CODE_"), status_codes, COUNT_OF(status_codes) },
    [JSON_TEMPORALITY] = { WORD("AGGREGATION_TEMPORALITY_"), temporalities, COUNT_OF(temporalities) },
};
