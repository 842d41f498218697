/* decode.h -- what the files of this folder share: the state of one otlp_decode call. Not for other folders.
 *
 *   decode.c        request > resource > scope: places, limits, rejection
 *   decode_value.c  attributes and values        decode_spans.c  decode_logs.c  decode_metrics.c  the records
 *
 * Repeated fields must lie side by side in the request's arrays, but protobuf lets fields come in any order. So a
 * message with lists of lists is read twice: first its own fields, then, from where the first of them was seen, its
 * sub-records. */
#pragma once
#include "worker/otlp/otlp.h"
#include "worker/otlp/wire.h"

enum outcome {
    TAKEN,
    REJECTED, /* this record only; the reason is noted */
    FAILED,   /* the request is not what it says it is, or too large: decoder.why, or plainly not protobuf */
};

#define OTLP_DAYS_MAX 64

struct decoder {
    struct otlp_request *out;
    const struct otlp_limits *limits;
    uint64_t time_min_unix_ns, time_max_unix_ns;
    uint64_t day_first_unix_ns; /* of the day seen last */
    uint64_t days[OTLP_DAYS_MAX];
    uint32_t day_count;
    uint64_t record_count;                               /* with rejected ones */
    uint32_t resource_at, scope_at, record_at, point_at; /* where we are; UINT32_MAX: not inside one */
    uint32_t resource, scope, metric;                    /* indexes in out */
    bool is_under_rejected; /* resource, scope or metric is bad, so are all records below */
    const char *why;        /* of FAILED */
    enum err_code code;
};

/* Both return the outcome, so that a refusal is one line. */
enum outcome decode_reject(struct decoder *decoder, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum outcome decode_fail(struct decoder *decoder, enum err_code code, const char *why);
/* Past an unknown field; FAILED with the reason when there is no way past. */
enum outcome decode_skip(struct decoder *decoder, struct wire *wire, uint64_t tag);

/* Makes room for more elements; false (and FAILED is to be returned) over limits->decoded_bytes_max. */
MUST_CHECK bool decode_grow(struct decoder *decoder, void **at, uint32_t *cap, uint32_t count, size_t more,
                            size_t element_bytes);
#define DECODE_ROOM(decoder, array, more)                         \
    (likely((uint64_t)(array)->count + (more) <= (array)->cap) || \
     decode_grow((decoder), (void **)&(array)->at, &(array)->cap, (array)->count, (more), sizeof *(array)->at))

/* Notes the record's day; REJECTED when its time is out of range or the request has too many days. */
enum outcome decode_time(struct decoder *decoder, uint64_t time_unix_ns, const char *name);

/* Reads the attribute under tag (one byte, already read) and all that follow it directly with the same tag. */
enum outcome decode_attributes(struct decoder *decoder, struct wire *wire, uint8_t tag, struct otlp_range *range);
/* An AnyValue message, merged into *value as protobuf merges. name: for the reason. */
enum outcome decode_value(struct decoder *decoder, struct wire message, struct otlp_value *value, uint32_t depth,
                          struct bytes name);
/* Length-delimited, valid UTF-8. */
enum outcome decode_text(struct decoder *decoder, struct wire *wire, const char *name, struct bytes *text);
/* Of bytes_right bytes; or empty, or all zero, then text is empty when that is allowed. */
enum outcome decode_id(struct decoder *decoder, struct wire *wire, const char *name, size_t bytes_right,
                       struct bytes *id);
static inline bool id_is_zero(struct bytes id)
{
    uint64_t head, tail; /* of 8 or 16 bytes */
    memcpy(&head, id.ptr, 8);
    memcpy(&tail, id.ptr + id.len - 8, 8);
    return (head | tail) == 0;
}

enum outcome decode_span(struct decoder *decoder, struct wire message);
enum outcome decode_log(struct decoder *decoder, struct wire message);
enum outcome decode_metric(struct decoder *decoder, struct wire message); /* rejects its points, never itself */

/* What to take back when a record is rejected. */
struct decode_mark {
    uint32_t attributes, events, links, exemplars, counts, numbers;
};
struct decode_mark decode_mark(const struct decoder *decoder);
void decode_take_back(struct decoder *decoder, const struct decode_mark *mark);
/* A record begins: counts it; FAILED over records_max, REJECTED when what it is under is bad. */
enum outcome decode_begin(struct decoder *decoder);
