#include "worker/otlp/decode.h"

static const uint8_t zero_id[16];

static enum outcome event_read(struct decoder *decoder, struct wire wire)
{
    if (!DECODE_ROOM(decoder, &decoder->out->events, 1)) return FAILED;
    struct otlp_event event = { .name = BYTES("") };
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        bool is_read = true;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(1): is_read = wire_fixed64(&wire, &event.time_unix_ns); break;
        case WIRE_LEN(2): outcome = decode_text(decoder, &wire, "an event's name", &event.name); break;
        case WIRE_LEN(3): outcome = decode_attributes(decoder, &wire, WIRE_LEN(3), &event.attributes); break;
        case WIRE_VARINT(4): is_read = wire_u32(&wire, &event.dropped_attributes_count); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (!is_read) return FAILED;
    }
    decoder->out->events.at[decoder->out->events.count++] = event;
    return outcome;
}

static enum outcome link_read(struct decoder *decoder, struct wire wire)
{
    if (!DECODE_ROOM(decoder, &decoder->out->links, 1)) return FAILED;
    struct otlp_link link = { .trace_state = BYTES("") };
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        bool is_read = true;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_id(decoder, &wire, "a link's trace_id", 16, &link.trace_id); break;
        case WIRE_LEN(2): outcome = decode_id(decoder, &wire, "a link's span_id", 8, &link.span_id); break;
        case WIRE_LEN(3): outcome = decode_text(decoder, &wire, "a link's trace_state", &link.trace_state); break;
        case WIRE_LEN(4): outcome = decode_attributes(decoder, &wire, WIRE_LEN(4), &link.attributes); break;
        case WIRE_VARINT(5): is_read = wire_u32(&wire, &link.dropped_attributes_count); break;
        case WIRE_FIXED32(6): is_read = wire_fixed32(&wire, &link.flags); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (!is_read) return FAILED;
    }
    if (link.trace_id.len == 0) link.trace_id = bytes_from(zero_id, 16);
    if (link.span_id.len == 0) link.span_id = bytes_from(zero_id, 8);
    decoder->out->links.at[decoder->out->links.count++] = link;
    return outcome;
}

static enum outcome status_read(struct decoder *decoder, struct wire wire, struct otlp_span *span)
{
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(2)) {
            outcome = decode_text(decoder, &wire, "status.message", &span->status_message);
        } else if (tag == WIRE_VARINT(3)) {
            if (!wire_u32(&wire, &span->status_code)) return FAILED;
        } else {
            outcome = decode_skip(decoder, &wire, tag);
        }
    }
    return outcome;
}

/* Events and links, from where the first of them stood; all else has been read. */
static enum outcome children_read(struct decoder *decoder, struct wire wire, struct otlp_span *span)
{
    enum outcome outcome = TAKEN;
    span->events.first = decoder->out->events.count;
    span->links.first = decoder->out->links.count;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(11)) {
            if (!wire_message(&wire, &inner)) return FAILED;
            outcome = event_read(decoder, inner);
        } else if (tag == WIRE_LEN(13)) {
            if (!wire_message(&wire, &inner)) return FAILED;
            outcome = link_read(decoder, inner);
        } else if (!wire_skip(&wire, tag)) {
            return FAILED;
        }
    }
    span->events.count = decoder->out->events.count - span->events.first;
    span->links.count = decoder->out->links.count - span->links.first;
    return outcome;
}

static enum outcome span_fields(struct decoder *decoder, struct wire wire, struct otlp_span *span,
                                struct wire *children)
{
    struct wire inner;
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        const uint8_t *field = wire.at;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_id(decoder, &wire, "trace_id", 16, &span->trace_id); break;
        case WIRE_LEN(2): outcome = decode_id(decoder, &wire, "span_id", 8, &span->span_id); break;
        case WIRE_LEN(3): outcome = decode_text(decoder, &wire, "trace_state", &span->trace_state); break;
        case WIRE_LEN(4): outcome = decode_id(decoder, &wire, "parent_span_id", 8, &span->parent_span_id); break;
        case WIRE_LEN(5): outcome = decode_text(decoder, &wire, "name", &span->name); break;
        case WIRE_VARINT(6): is_read = wire_u32(&wire, &span->kind); break;
        case WIRE_FIXED64(7): is_read = wire_fixed64(&wire, &span->start_unix_ns); break;
        case WIRE_FIXED64(8): is_read = wire_fixed64(&wire, &span->end_unix_ns); break;
        case WIRE_LEN(9): outcome = decode_attributes(decoder, &wire, WIRE_LEN(9), &span->attributes); break;
        case WIRE_VARINT(10): is_read = wire_u32(&wire, &span->dropped_attributes_count); break;
        case WIRE_LEN(11):
        case WIRE_LEN(13):
            if (children->at == NULL) *children = (struct wire){ field, wire.end };
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_VARINT(12): is_read = wire_u32(&wire, &span->dropped_events_count); break;
        case WIRE_VARINT(14): is_read = wire_u32(&wire, &span->dropped_links_count); break;
        case WIRE_LEN(15):
            is_read = wire_message(&wire, &inner);
            if (is_read) outcome = status_read(decoder, inner, span);
            break;
        case WIRE_FIXED32(16): is_read = wire_fixed32(&wire, &span->flags); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    return TAKEN;
}

static enum outcome span_check(struct decoder *decoder, struct otlp_span *span)
{
    if (span->trace_id.len != 16 || id_is_zero(span->trace_id)) {
        return decode_reject(decoder, "trace_id is missing or all zero");
    }
    if (span->span_id.len != 8 || id_is_zero(span->span_id)) {
        return decode_reject(decoder, "span_id is missing or all zero");
    }
    if (span->parent_span_id.len != 0 && id_is_zero(span->parent_span_id)) span->parent_span_id = BYTES("");
    return decode_time(decoder, span->start_unix_ns, "start_time_unix_nano");
}

enum outcome decode_span(struct decoder *decoder, struct wire message)
{
    enum outcome outcome = decode_begin(decoder);
    if (outcome != TAKEN) return outcome;
    if (!DECODE_ROOM(decoder, &decoder->out->spans, 1)) return FAILED;
    struct decode_mark mark = decode_mark(decoder);
    struct wire children = { NULL, NULL };
    struct otlp_span *span = &decoder->out->spans.at[decoder->out->spans.count];
    *span = (struct otlp_span){
        .scope = decoder->scope,
        .name = BYTES(""),
        .bytes = (uint32_t)wire_left(&message),
    };
    outcome = span_fields(decoder, message, span, &children);
    if (outcome == TAKEN && children.at != NULL) outcome = children_read(decoder, children, span);
    if (outcome == TAKEN) outcome = span_check(decoder, span);
    if (outcome == TAKEN) {
        decoder->out->spans.count++;
    } else {
        decode_take_back(decoder, &mark);
    }
    return outcome;
}
