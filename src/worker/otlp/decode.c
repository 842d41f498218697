#include "worker/otlp/decode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_NS (86400u * UINT64_C(1000000000))
#define NO_DAY (UINT64_MAX - DAY_NS) /* no record's time is of that day */

const struct otlp_limits otlp_limits_default = {
    .attributes_max = 16384,
    .depth_max = 32,
    .records_max = 1000000,
    .time_min_unix_us = INT64_C(946684800) * 1000000, /* 2000-01-01 */
    .future_max_us = INT64_C(48) * 3600 * 1000000,
    .days_max = 40,
    .decoded_bytes_max = UINT64_C(512) << 20,
};

/* Every array of a request, for the functions that do the same to all. */
#define ARRAYS(X) \
    X(resources)  \
    X(scopes) X(attributes) X(spans) X(events) X(links) X(logs) X(metrics) X(points) X(exemplars) X(counts) X(numbers)

void otlp_request_init(struct otlp_request *request)
{
    *request = (struct otlp_request){ 0 };
}

void otlp_request_deinit(struct otlp_request *request)
{
#define X(name) free(request->name.at);
    ARRAYS(X)
#undef X
    *request = (struct otlp_request){ 0 };
}

size_t otlp_request_bytes(const struct otlp_request *request)
{
    size_t bytes = 0;
#define X(name) bytes += (size_t)request->name.cap * sizeof *request->name.at;
    ARRAYS(X)
#undef X
    return bytes;
}

static void arrays_clear(struct otlp_request *request)
{
#define X(name) request->name.count = 0;
    ARRAYS(X)
#undef X
}

bool decode_grow(struct decoder *decoder, void **at, uint32_t *cap, uint32_t count, size_t more, size_t element_bytes)
{
    enum { COUNT_FIRST = 64 };
    uint64_t need = (uint64_t)count + more;
    uint64_t cap_new = need > 2 * (uint64_t)*cap ? need : 2 * (uint64_t)*cap;
    if (cap_new < COUNT_FIRST) cap_new = COUNT_FIRST;
    uint64_t held = otlp_request_bytes(decoder->out) - (uint64_t)*cap * element_bytes;
    if (cap_new > UINT32_MAX || held + cap_new * element_bytes > decoder->limits->decoded_bytes_max) {
        decode_fail(decoder, ERR_TOO_LARGE,
                    "too many small parts: the decoded request would not fit in memory; send smaller batches");
        return false;
    }
    *at = mem_realloc(*at, (size_t)cap_new * element_bytes);
    *cap = (uint32_t)cap_new;
    return true;
}

struct decode_mark decode_mark(const struct decoder *decoder)
{
    const struct otlp_request *out = decoder->out;
    return (struct decode_mark){ out->attributes.count, out->events.count, out->links.count,
                                 out->exemplars.count,  out->counts.count, out->numbers.count };
}

void decode_take_back(struct decoder *decoder, const struct decode_mark *mark)
{
    struct otlp_request *out = decoder->out;
    out->attributes.count = mark->attributes;
    out->events.count = mark->events;
    out->links.count = mark->links;
    out->exemplars.count = mark->exemplars;
    out->counts.count = mark->counts;
    out->numbers.count = mark->numbers;
}

#define NOWHERE UINT32_MAX
static const struct {
    const char *resources, *scopes, *records;
} names[] = {
    [OTLP_LOGS] = { "resource_logs", "scope_logs", "log_records" },
    [OTLP_TRACES] = { "resource_spans", "scope_spans", "spans" },
    [OTLP_METRICS] = { "resource_metrics", "scope_metrics", "metrics" },
};

/* "resource_spans[0].scope_spans[1].spans[3]" */
enum { PLACE_BYTES = 120 };
static void place_text(const struct decoder *decoder, char text[PLACE_BYTES])
{
    enum otlp_signal signal = decoder->out->signal;
    int len = 0;
    text[0] = '\0';
    if (decoder->resource_at == NOWHERE) {
        snprintf(text, PLACE_BYTES, "request");
        return;
    }
    len += snprintf(text + len, PLACE_BYTES - (size_t)len, "%s[%u]", names[signal].resources, decoder->resource_at);
    if (decoder->scope_at == NOWHERE) return;
    len += snprintf(text + len, PLACE_BYTES - (size_t)len, ".%s[%u]", names[signal].scopes, decoder->scope_at);
    if (decoder->record_at == NOWHERE) return;
    len += snprintf(text + len, PLACE_BYTES - (size_t)len, ".%s[%u]", names[signal].records, decoder->record_at);
    if (decoder->point_at == NOWHERE) return;
    snprintf(text + len, PLACE_BYTES - (size_t)len, ".data_points[%u]", decoder->point_at);
}

enum outcome decode_reject(struct decoder *decoder, const char *fmt, ...)
{
    char *reason = decoder->out->rejected_reason;
    if (reason[0] != '\0') return REJECTED; /* the first one is told */
    struct err err;                         /* its text is cut at a character */
    char place[PLACE_BYTES], what[160];
    va_list args;
    place_text(decoder, place);
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    err_set(&err, ERR_INPUT, "%s: %s", place, what);
    struct bytes text = bytes_of_text(err.text);
    size_t len = text.len < sizeof decoder->out->rejected_reason ? text.len : sizeof decoder->out->rejected_reason - 1;
    while (len < text.len && len > 0 && (text.ptr[len] & 0xC0) == 0x80) len--;
    memcpy(reason, text.ptr, len);
    reason[len] = '\0';
    return REJECTED;
}

enum outcome decode_fail(struct decoder *decoder, enum err_code code, const char *why)
{
    decoder->code = code;
    decoder->why = why;
    return FAILED;
}

enum outcome decode_skip(struct decoder *decoder, struct wire *wire, uint64_t tag)
{
    if (likely(wire_skip(wire, tag))) return TAKEN;
    if (tag > UINT32_MAX || tag >> 3 == 0)
        return decode_fail(decoder, ERR_INPUT, "a field number that protobuf does not have");
    if ((tag & 7) == 3 || (tag & 7) == 4) {
        return decode_fail(decoder, ERR_INPUT, "a group (wire type 3 or 4), which OTLP does not use");
    }
    if ((tag & 7) > 5) return decode_fail(decoder, ERR_INPUT, "a wire type that protobuf does not have");
    return FAILED;
}

enum outcome decode_begin(struct decoder *decoder)
{
    if (unlikely(++decoder->record_count > decoder->limits->records_max)) {
        return decode_fail(decoder, ERR_TOO_LARGE,
                           "more records in one request than the limit (1,000,000 by default); send smaller batches");
    }
    return unlikely(decoder->is_under_rejected) ? REJECTED : TAKEN;
}

static enum outcome day_note(struct decoder *decoder, uint64_t time_unix_ns)
{
    uint64_t first = time_unix_ns - time_unix_ns % DAY_NS;
    for (uint32_t i = 0; i < decoder->day_count; i++) {
        if (decoder->days[i] == first) {
            decoder->day_first_unix_ns = first;
            return TAKEN;
        }
    }
    if (decoder->day_count == decoder->limits->days_max) {
        return decode_reject(decoder, "is of one more UTC day than the %u that one request may have",
                             decoder->limits->days_max);
    }
    decoder->days[decoder->day_count++] = first;
    decoder->day_first_unix_ns = first;
    return TAKEN;
}

enum outcome decode_time(struct decoder *decoder, uint64_t time_unix_ns, const char *name)
{
    if (unlikely(time_unix_ns < decoder->time_min_unix_ns)) {
        return decode_reject(decoder, "%s %" PRIu64 " is before the year 2000 (it counts nanoseconds since 1970)", name,
                             time_unix_ns);
    }
    if (unlikely(time_unix_ns > decoder->time_max_unix_ns)) {
        return decode_reject(decoder, "%s %" PRIu64 " is more than %" PRId64 " h in the future", name, time_unix_ns,
                             decoder->limits->future_max_us / 3600000000);
    }
    if (likely(time_unix_ns - decoder->day_first_unix_ns < DAY_NS)) return TAKEN;
    return day_note(decoder, time_unix_ns);
}

static enum outcome scope_message(struct decoder *decoder, struct wire wire)
{
    struct otlp_scope *scope = &decoder->out->scopes.at[decoder->scope];
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_text(decoder, &wire, "scope.name", &scope->name); break;
        case WIRE_LEN(2): outcome = decode_text(decoder, &wire, "scope.version", &scope->version); break;
        case WIRE_LEN(3): outcome = decode_attributes(decoder, &wire, WIRE_LEN(3), &scope->attributes); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
    }
    return outcome;
}

/* Scope and schema_url: those before the first record, or wherever they stand. */
static enum outcome scope_read(struct decoder *decoder, struct wire wire, bool is_all)
{
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end) {
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1):
            if (!wire_message(&wire, &inner)) return FAILED;
            outcome = scope_message(decoder, inner);
            break;
        case WIRE_LEN(2):
            if (!is_all) return TAKEN;
            if (!wire_message(&wire, &inner)) return FAILED;
            break;
        case WIRE_LEN(3):
            outcome = decode_text(decoder, &wire, "schema_url", &decoder->out->scopes.at[decoder->scope].schema_url);
            break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (outcome != TAKEN) return outcome;
    }
    return TAKEN;
}

static enum outcome record_read(struct decoder *decoder, struct wire message)
{
    enum outcome outcome = FAILED;
    switch (decoder->out->signal) {
    case OTLP_LOGS: outcome = decode_log(decoder, message); break;
    case OTLP_TRACES: outcome = decode_span(decoder, message); break;
    case OTLP_METRICS: return decode_metric(decoder, message); /* counts its points itself */
    case OTLP_REPLAY: break;                                   /* never decoded here */
    }
    if (outcome == REJECTED) decoder->out->rejected_count++;
    return outcome;
}

/* All that reading a scope changes, to begin it again. */
struct scope_state {
    struct decode_mark mark;
    uint32_t spans, logs, metrics, points, day_count;
    uint64_t record_count, rejected_count;
    bool has_reason;
};

static struct scope_state scope_state(const struct decoder *decoder)
{
    const struct otlp_request *out = decoder->out;
    return (struct scope_state){
        .mark = decode_mark(decoder),
        .spans = out->spans.count,
        .logs = out->logs.count,
        .metrics = out->metrics.count,
        .points = out->points.count,
        .day_count = decoder->day_count,
        .record_count = decoder->record_count,
        .rejected_count = out->rejected_count,
        .has_reason = out->rejected_reason[0] != '\0',
    };
}

static void scope_restore(struct decoder *decoder, const struct scope_state *state)
{
    struct otlp_request *out = decoder->out;
    decode_take_back(decoder, &state->mark);
    out->spans.count = state->spans;
    out->logs.count = state->logs;
    out->metrics.count = state->metrics;
    out->points.count = state->points;
    decoder->day_count = state->day_count;
    decoder->day_first_unix_ns = NO_DAY;
    decoder->record_count = state->record_count;
    out->rejected_count = state->rejected_count;
    if (!state->has_reason) out->rejected_reason[0] = '\0';
}

/* One pass. When is_late is NULL, scope and schema_url are looked for everywhere first, which is a walk over all
 * records and costs as much as decoding them; else only before the first record, and *is_late tells of one behind it. */
static enum outcome scope_try(struct decoder *decoder, struct wire wire, bool *is_late)
{
    decoder->out->scopes.at[decoder->scope] = (struct otlp_scope){
        .name = BYTES(""), .version = BYTES(""), .schema_url = BYTES(""), .resource = decoder->resource
    };
    struct decode_mark mark = decode_mark(decoder);
    decoder->record_at = NOWHERE;
    enum outcome outcome = scope_read(decoder, wire, is_late == NULL);
    if (outcome == FAILED) return FAILED;
    if (outcome == REJECTED) {
        decode_take_back(decoder, &mark);
        decoder->out->scopes.at[decoder->scope].attributes = (struct otlp_range){ 0 };
        decoder->is_under_rejected = true;
    }
    while (wire.at < wire.end) {
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(2)) {
            decoder->record_at++; /* from NOWHERE to 0 */
            if (!wire_message(&wire, &inner) || record_read(decoder, inner) == FAILED) return FAILED;
        } else if (is_late != NULL && decoder->record_at != NOWHERE && (tag == WIRE_LEN(1) || tag == WIRE_LEN(3))) {
            *is_late = true;
            return TAKEN;
        } else if (decode_skip(decoder, &wire, tag) != TAKEN) {
            return FAILED;
        }
    }
    return TAKEN;
}

/* ScopeLogs, ScopeSpans, ScopeMetrics: the same field numbers in all three. */
static enum outcome scope_records(struct decoder *decoder, struct wire wire)
{
    if (!DECODE_ROOM(decoder, &decoder->out->scopes, 1)) return FAILED;
    decoder->scope = decoder->out->scopes.count++;
    struct scope_state state = scope_state(decoder);
    bool was_under_rejected = decoder->is_under_rejected;
    bool is_late = false;
    enum outcome outcome = scope_try(decoder, wire, &is_late);
    if (outcome == TAKEN && is_late) {
        scope_restore(decoder, &state);
        decoder->is_under_rejected = was_under_rejected;
        outcome = scope_try(decoder, wire, NULL);
    }
    if (outcome == FAILED) return FAILED; /* record_at is the place */
    decoder->record_at = NOWHERE;
    decoder->is_under_rejected = was_under_rejected;
    return TAKEN;
}

static enum outcome resource_message(struct decoder *decoder, struct wire wire)
{
    struct otlp_resource *resource = &decoder->out->resources.at[decoder->resource];
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_attributes(decoder, &wire, WIRE_LEN(1), &resource->attributes); break;
        case WIRE_VARINT(2):
            if (!wire_u32(&wire, &resource->dropped_attributes_count)) return FAILED;
            break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
    }
    return outcome;
}

/* Resource and schema_url, before or after the scopes, which are only stepped over. */
static enum outcome resource_read(struct decoder *decoder, struct wire wire)
{
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end) {
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1):
            if (!wire_message(&wire, &inner)) return FAILED;
            outcome = resource_message(decoder, inner);
            break;
        case WIRE_LEN(3):
            outcome =
                decode_text(decoder, &wire, "schema_url", &decoder->out->resources.at[decoder->resource].schema_url);
            break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (outcome != TAKEN) return outcome;
    }
    return TAKEN;
}

/* Takes the key out of the attributes of a resource, which are the last ones of the request so far. */
static void project_key_take(struct decoder *decoder, struct otlp_resource *resource)
{
    struct otlp_request *out = decoder->out;
    if (resource->attributes.count == 0) return;
    struct otlp_attribute *attributes = out->attributes.at + resource->attributes.first;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < resource->attributes.count; i++) {
        if (bytes_equal(attributes[i].key, BYTES(OTLP_PROJECT_KEY))) {
            if (attributes[i].value.type == OTLP_TEXT) resource->project_key = attributes[i].value.bytes;
            out->may_have_keys = true;
        } else {
            if (kept != i) attributes[kept] = attributes[i];
            kept++;
        }
    }
    out->attributes.count -= resource->attributes.count - kept;
    resource->attributes.count = kept;
}

/* ResourceLogs, ResourceSpans, ResourceMetrics. encoded: with its tag and length. */
static enum outcome resource_records(struct decoder *decoder, struct wire wire, struct bytes encoded)
{
    if (!DECODE_ROOM(decoder, &decoder->out->resources, 1)) return FAILED;
    decoder->resource = decoder->out->resources.count++;
    struct otlp_resource *resource = &decoder->out->resources.at[decoder->resource]; /* stays there till the end */
    *resource = (struct otlp_resource){ .schema_url = BYTES(""), .project_key = BYTES(""), .encoded = encoded };
    uint64_t record_count = decoder->record_count;
    struct decode_mark mark = decode_mark(decoder);
    enum outcome outcome = resource_read(decoder, wire);
    if (outcome == FAILED) return FAILED;
    decoder->is_under_rejected = outcome == REJECTED;
    if (outcome == REJECTED) {
        decode_take_back(decoder, &mark);
        resource->attributes = (struct otlp_range){ 0 };
        decoder->out->may_have_keys = true;
    }
    project_key_take(decoder, resource);
    decoder->scope_at = NOWHERE;
    while (wire.at < wire.end) {
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(2)) {
            decoder->scope_at++;
            if (!wire_message(&wire, &inner) || scope_records(decoder, inner) == FAILED) return FAILED;
        } else if (!wire_skip(&wire, tag)) {
            return FAILED;
        }
    }
    decoder->scope_at = NOWHERE;
    decoder->is_under_rejected = false;
    resource->record_count = (uint32_t)(decoder->record_count - record_count);
    return TAKEN;
}

static enum outcome request_read(struct decoder *decoder, struct wire wire)
{
    while (wire.at < wire.end) {
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(1)) {
            decoder->resource_at++;
            if (!wire_message(&wire, &inner)) return FAILED;
            struct bytes encoded = bytes_from(field, (size_t)(wire.at - field));
            if (resource_records(decoder, inner, encoded) == FAILED) return FAILED;
        } else if (decode_skip(decoder, &wire, tag) != TAKEN) {
            return FAILED;
        }
    }
    return TAKEN;
}

static void request_begin(struct otlp_request *request, enum otlp_signal signal, struct bytes body,
                          int64_t received_unix_us)
{
    assert(received_unix_us >= 0 && received_unix_us < INT64_MAX / 2000);
    arrays_clear(request);
    request->signal = signal;
    request->received_unix_us = received_unix_us;
    request->body = body;
    request->rejected_count = 0;
    request->rejected_reason[0] = '\0';
    request->may_have_keys = false;
}

void otlp_take_replay(struct otlp_request *request, struct bytes body, int64_t received_unix_us)
{
    request_begin(request, OTLP_REPLAY, body, received_unix_us);
}

bool otlp_decode(struct otlp_request *request, enum otlp_signal signal, struct bytes body, int64_t received_unix_us,
                 const struct otlp_limits *limits, struct err *err)
{
    assert(signal >= OTLP_LOGS && signal <= OTLP_METRICS);
    assert(limits->days_max <= OTLP_DAYS_MAX);
    request_begin(request, signal, body, received_unix_us);
    if (body.len > UINT32_MAX) return err_set(err, ERR_TOO_LARGE, "a request of %zu bytes is too large", body.len);

    struct decoder decoder = {
        .out = request,
        .limits = limits,
        .time_min_unix_ns = (uint64_t)limits->time_min_unix_us * 1000,
        .time_max_unix_ns = (uint64_t)(received_unix_us + limits->future_max_us) * 1000,
        .day_first_unix_ns = NO_DAY,
        .resource_at = NOWHERE,
        .scope_at = NOWHERE,
        .record_at = NOWHERE,
        .point_at = NOWHERE,
        .code = ERR_INPUT,
    };
    if (request_read(&decoder, wire_of(body)) == FAILED) {
        char place[PLACE_BYTES];
        place_text(&decoder, place);
        arrays_clear(request);
        request->rejected_count = 0;
        return err_set(err, decoder.code, "%s: %s", place,
                       decoder.why != NULL ? decoder.why
                                           : "not well-formed protobuf (cut short, or a length past its end)");
    }
    if (request->rejected_count == 0) request->rejected_reason[0] = '\0'; /* a bad resource with nothing under it */
    return true;
}
