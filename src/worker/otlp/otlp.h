/* otlp.h -- OTLP requests (protobuf) as flat arrays of slices: nothing is copied, no object per record.
 *
 *   body --otlp_decode--> struct otlp_request { logs | spans + events + links | metrics + points,
 *                                                attributes of all, resources, scopes }
 *                         every struct bytes points into body (or into the request's arena)
 *
 * Thread: a value of one owner; decoding is a pure function of its arguments.
 * Memory: arrays in the request, reused by otlp_decode on the same request; bounded by a multiple of the body's size and
 *         by limits->decoded_bytes_max.
 * Units: times are Unix nanoseconds as OTLP has them; received_unix_us is when the request came, the "now" of all rules,
 *        so that a replay decodes the same.
 * Errors: ERR_INPUT with the place ("resource_spans[0].scope_spans[1].spans[3]: ...") when the bytes are not this message;
 *         then nothing is taken. ERR_TOO_LARGE over records_max or decoded_bytes_max. Single bad records (time out of
 *         range, id of a wrong length, invalid UTF-8, too many attributes, too deep a value) are left out and counted in
 *         rejected, with the first reason; the rest is taken. A bad resource, scope or metric takes all below it along.
 * Order:  fields may come in any order, the resource after its spans too; a message field sent twice is merged as
 *         protobuf says, except an array or key-value list sent twice for one value: that record is rejected. A known
 *         field with another wire type counts as unknown; unknown fields are skipped; groups make the request malformed.
 * JSON:   otlp_json.h makes protobuf of it first.
 * Source: opentelemetry-proto 1.9: trace, logs, metrics, common, resource and collector, all v1. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum otlp_signal { OTLP_LOGS = 1, OTLP_TRACES = 2, OTLP_METRICS = 3, OTLP_REPLAY = 4 }; /* as buffer_signal */
#define OTLP_SIGNALS \
    4 /* replay is none of OTLP's, but goes the same way: a batch of what a page recorded, as it came */
enum otlp_type { OTLP_EMPTY, OTLP_TEXT, OTLP_BOOL, OTLP_INT, OTLP_DOUBLE, OTLP_ARRAY, OTLP_KVLIST, OTLP_BYTES };

struct otlp_value {
    enum otlp_type type;
    union {
        struct bytes bytes; /* TEXT (valid UTF-8), BYTES; ARRAY, KVLIST: the encoded ArrayValue, KeyValueList, checked:
                               walk it by otlp_value_reader */
        int64_t integer;
        double number;
        bool boolean;
    };
};
struct otlp_attribute {
    struct bytes key; /* valid UTF-8 */
    struct otlp_value value;
};
struct otlp_range { /* of an array of the request */
    uint32_t first, count;
};
/* A resource may name its project by this attribute: a text, the project's key. It is taken out of the attributes, of
 * whatever type it is: a secret is not telemetry. */
#define OTLP_PROJECT_KEY "at-project-key"
struct otlp_resource {
    struct otlp_range attributes;
    uint32_t dropped_attributes_count;
    uint32_t record_count; /* of all scopes, with those left out */
    struct bytes schema_url;
    struct bytes project_key; /* empty: none; the last one, of several */
    struct bytes encoded;     /* the field of the request that this is, with its tag: requests are split by putting
                                 such fields behind each other */
};
struct otlp_scope {
    struct bytes name, version, schema_url;
    struct otlp_range attributes;
    uint32_t resource; /* index */
};
struct otlp_event {
    uint64_t time_unix_ns;
    struct bytes name;
    struct otlp_range attributes;
    uint32_t dropped_attributes_count;
};
struct otlp_link {
    struct bytes trace_id, span_id; /* 16 and 8 bytes; all zero when it was sent without (OTLP allows such links) */
    struct bytes trace_state;
    struct otlp_range attributes;
    uint32_t dropped_attributes_count, flags;
};
struct otlp_span {
    uint32_t scope;                                 /* index; resource = scopes[scope].resource */
    uint32_t kind, status_code, flags;              /* as in the proto; unknown numbers are kept */
    struct bytes trace_id, span_id, parent_span_id; /* 16, 8, 8 or 0 bytes; an all-zero parent has len 0 */
    struct bytes name, status_message, trace_state;
    uint64_t start_unix_ns, end_unix_ns;
    struct otlp_range attributes, events, links;
    uint32_t dropped_attributes_count, dropped_events_count, dropped_links_count;
    uint32_t bytes; /* encoded size: message_size_bytes */
};
struct otlp_log {
    uint32_t scope;
    int32_t severity_number;
    uint32_t flags, dropped_attributes_count;
    struct bytes severity_text, trace_id, span_id, event_name; /* ids: 16, 8 or 0 bytes (all-zero ones too) */
    uint64_t time_unix_ns, observed_unix_ns; /* as sent, 0 when absent; rows decide which one counts */
    struct otlp_value body;
    struct otlp_range attributes;
    uint32_t bytes;
};
enum otlp_metric_type { OTLP_GAUGE = 1, OTLP_SUM, OTLP_HISTOGRAM, OTLP_EXPONENTIAL_HISTOGRAM, OTLP_SUMMARY };
struct otlp_metric {
    uint32_t scope;
    enum otlp_metric_type type;
    struct bytes name, description, unit;
    uint32_t aggregation_temporality; /* 0 unspecified, 1 delta, 2 cumulative */
    bool is_monotonic;
    struct otlp_range metadata;
};
struct otlp_exemplar {
    uint64_t time_unix_ns;
    bool is_integer, has_value;
    double number;
    int64_t integer;
    struct bytes trace_id, span_id; /* 16, 8 or 0 bytes */
    struct otlp_range attributes;
};
struct otlp_point {
    uint32_t metric; /* index */
    uint32_t flags;
    uint64_t start_unix_ns, time_unix_ns; /* time: never 0, received when it was not sent; start: as sent */
    struct otlp_range attributes, exemplars;
    uint32_t bytes;
    /* gauge, sum */
    bool has_value, is_integer;
    double number;
    int64_t integer;
    /* histogram, exponential histogram, summary */
    uint64_t count;
    bool has_sum, has_min, has_max;
    double sum, min, max;
    struct otlp_range bucket_counts; /* of u64s; histogram, exponential: positive */
    struct otlp_range bounds;        /* of doubles */
    int32_t scale, positive_offset, negative_offset;
    uint64_t zero_count;
    double zero_threshold;
    struct otlp_range negative_counts;            /* of u64s */
    struct otlp_range quantiles, quantile_values; /* of doubles */
};

struct otlp_limits {
    uint32_t attributes_max;                 /* of one record; 10,000 is taken, above is rejected: 16,384 */
    uint32_t depth_max;                      /* of nested values: 32 */
    uint32_t records_max;                    /* of a request: 1,000,000 */
    int64_t time_min_unix_us, future_max_us; /* 2000-01-01; received + 48 h */
    uint32_t days_max; /* different UTC days in a request: 40, at most 64; records of further ones are rejected */
    uint64_t decoded_bytes_max; /* of all arrays together: 512 MiB; a usual request needs about its body's size */
};
extern const struct otlp_limits otlp_limits_default;

#define OTLP_ARRAY_OF(type, name) \
    struct {                      \
        type *at;                 \
        uint32_t count, cap;      \
    } name
struct otlp_request {
    enum otlp_signal signal;
    int64_t received_unix_us;
    struct bytes body; /* borrowed; of OTLP_REPLAY the batch (replay/replay_batch.h), and all arrays are empty */
    OTLP_ARRAY_OF(struct otlp_resource, resources);
    OTLP_ARRAY_OF(struct otlp_scope, scopes);
    OTLP_ARRAY_OF(struct otlp_attribute, attributes);
    OTLP_ARRAY_OF(struct otlp_span, spans);
    OTLP_ARRAY_OF(struct otlp_event, events);
    OTLP_ARRAY_OF(struct otlp_link, links);
    OTLP_ARRAY_OF(struct otlp_log, logs);
    OTLP_ARRAY_OF(struct otlp_metric, metrics);
    OTLP_ARRAY_OF(struct otlp_point, points);
    OTLP_ARRAY_OF(struct otlp_exemplar, exemplars);
    OTLP_ARRAY_OF(uint64_t, counts);
    OTLP_ARRAY_OF(double, numbers);
    uint64_t rejected_count; /* spans, log records or data points */
    char rejected_reason[200];
    bool
        may_have_keys; /* body may have project keys: some resource has one, or was left out before all of it was seen */
};
void otlp_request_init(struct otlp_request *request);
void otlp_request_deinit(struct otlp_request *request);
size_t otlp_request_bytes(const struct otlp_request *request); /* held by its arrays */
/* A batch of a replay: taken as it is. */
void otlp_take_replay(struct otlp_request *request, struct bytes body, int64_t received_unix_us);
MUST_CHECK bool otlp_decode(struct otlp_request *request, enum otlp_signal signal, struct bytes body,
                            int64_t received_unix_us, const struct otlp_limits *limits, struct err *err);
/* Overwrites the project keys in an encoded request, well-formed or not, which means the same but for them. */
void otlp_hide_project_keys(uint8_t *body, size_t len);
static inline uint32_t otlp_record_count(const struct otlp_request *request)
{
    return request->signal == OTLP_REPLAY ? 1 : request->spans.count + request->logs.count + request->points.count;
}

/* Walks an ARRAY (key stays empty) or KVLIST value that otlp_decode has checked. */
struct otlp_value_reader {
    const uint8_t *at, *end;
    bool has_keys;
};
void otlp_value_reader_init(struct otlp_value_reader *reader, const struct otlp_value *value);
bool otlp_value_reader_next(struct otlp_value_reader *reader, struct otlp_attribute *entry);
