#include "worker/otlp/decode.h"

static enum outcome log_fields(struct decoder *decoder, struct wire wire, struct otlp_log *log)
{
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        struct wire inner;
        uint32_t number = 0;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(1): is_read = wire_fixed64(&wire, &log->time_unix_ns); break;
        case WIRE_VARINT(2):
            is_read = wire_u32(&wire, &number);
            log->severity_number = (int32_t)number;
            break;
        case WIRE_LEN(3): outcome = decode_text(decoder, &wire, "severity_text", &log->severity_text); break;
        case WIRE_LEN(5):
            is_read = wire_message(&wire, &inner);
            if (is_read) outcome = decode_value(decoder, inner, &log->body, 0, BYTES("body"));
            break;
        case WIRE_LEN(6): outcome = decode_attributes(decoder, &wire, WIRE_LEN(6), &log->attributes); break;
        case WIRE_VARINT(7): is_read = wire_u32(&wire, &log->dropped_attributes_count); break;
        case WIRE_FIXED32(8): is_read = wire_fixed32(&wire, &log->flags); break;
        case WIRE_LEN(9): outcome = decode_id(decoder, &wire, "trace_id", 16, &log->trace_id); break;
        case WIRE_LEN(10): outcome = decode_id(decoder, &wire, "span_id", 8, &log->span_id); break;
        case WIRE_FIXED64(11): is_read = wire_fixed64(&wire, &log->observed_unix_ns); break;
        case WIRE_LEN(12): outcome = decode_text(decoder, &wire, "event_name", &log->event_name); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    return TAKEN;
}

/* The time that will be the row's: sent, else observed, else received. Only that one must be in range. */
static enum outcome log_time_check(struct decoder *decoder, const struct otlp_log *log)
{
    if (log->time_unix_ns != 0) return decode_time(decoder, log->time_unix_ns, "time_unix_nano");
    if (log->observed_unix_ns != 0) return decode_time(decoder, log->observed_unix_ns, "observed_time_unix_nano");
    return decode_time(decoder, (uint64_t)decoder->out->received_unix_us * 1000, "the time of arrival");
}

enum outcome decode_log(struct decoder *decoder, struct wire message)
{
    enum outcome outcome = decode_begin(decoder);
    if (outcome != TAKEN) return outcome;
    if (!DECODE_ROOM(decoder, &decoder->out->logs, 1)) return FAILED;
    struct decode_mark mark = decode_mark(decoder);
    struct otlp_log *log = &decoder->out->logs.at[decoder->out->logs.count];
    *log = (struct otlp_log){
        .scope = decoder->scope,
        .severity_text = BYTES(""),
        .event_name = BYTES(""),
        .body = { .type = OTLP_EMPTY },
        .bytes = (uint32_t)wire_left(&message),
    };
    outcome = log_fields(decoder, message, log);
    if (outcome == TAKEN) outcome = log_time_check(decoder, log);
    if (outcome == TAKEN) {
        decoder->out->logs.count++;
    } else {
        decode_take_back(decoder, &mark);
    }
    return outcome;
}
