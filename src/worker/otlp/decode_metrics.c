#include "worker/otlp/decode.h"

/* Where the sub-records of a point are read from, once its own fields are known; at NULL: there are none. */
struct children {
    struct wire exemplars, positive, negative, quantiles;
};

static void child_note(struct wire *from, const uint8_t *field, const struct wire *wire)
{
    if (from->at == NULL) *from = (struct wire){ field, wire->end };
}

static enum outcome exemplar_read(struct decoder *decoder, struct wire wire)
{
    if (!DECODE_ROOM(decoder, &decoder->out->exemplars, 1)) return FAILED;
    struct otlp_exemplar exemplar = { 0 };
    enum outcome outcome = TAKEN;
    while (wire.at < wire.end && outcome == TAKEN) {
        uint64_t tag, bits = 0;
        bool is_read = true;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(2): is_read = wire_fixed64(&wire, &exemplar.time_unix_ns); break;
        case WIRE_FIXED64(3):
            is_read = wire_double(&wire, &exemplar.number);
            exemplar.has_value = true;
            exemplar.is_integer = false;
            break;
        case WIRE_LEN(4): outcome = decode_id(decoder, &wire, "an exemplar's span_id", 8, &exemplar.span_id); break;
        case WIRE_LEN(5): outcome = decode_id(decoder, &wire, "an exemplar's trace_id", 16, &exemplar.trace_id); break;
        case WIRE_FIXED64(6):
            is_read = wire_fixed64(&wire, &bits);
            exemplar.integer = (int64_t)bits;
            exemplar.has_value = true;
            exemplar.is_integer = true;
            break;
        case WIRE_LEN(7): outcome = decode_attributes(decoder, &wire, WIRE_LEN(7), &exemplar.attributes); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (!is_read) return FAILED;
    }
    decoder->out->exemplars.at[decoder->out->exemplars.count++] = exemplar;
    return outcome;
}

static enum outcome exemplars_read(struct decoder *decoder, struct wire wire, uint64_t tag_right,
                                   struct otlp_range *range)
{
    range->first = decoder->out->exemplars.count;
    while (wire.at < wire.end) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == tag_right) {
            if (!wire_message(&wire, &inner)) return FAILED;
            enum outcome outcome = exemplar_read(decoder, inner);
            if (outcome != TAKEN) return outcome;
        } else if (!wire_skip(&wire, tag)) {
            return FAILED;
        }
    }
    range->count = decoder->out->exemplars.count - range->first;
    return TAKEN;
}

/* repeated fixed64, packed. Pieces of one list follow each other in counts, for nothing else is put there meanwhile. */
static bool packed_fixed64(struct decoder *decoder, struct wire *wire, struct otlp_range *range)
{
    struct bytes packed;
    if (!wire_bytes(wire, &packed) || packed.len % 8 != 0) return false;
    if (!DECODE_ROOM(decoder, &decoder->out->counts, packed.len / 8)) return false;
    if (range->count == 0) range->first = decoder->out->counts.count;
    if (packed.len != 0) memcpy(decoder->out->counts.at + decoder->out->counts.count, packed.ptr, packed.len);
    decoder->out->counts.count += (uint32_t)(packed.len / 8);
    range->count += (uint32_t)(packed.len / 8);
    return true;
}

static bool one_count(struct decoder *decoder, uint64_t count, struct otlp_range *range)
{
    if (!DECODE_ROOM(decoder, &decoder->out->counts, 1)) return false;
    if (range->count == 0) range->first = decoder->out->counts.count;
    decoder->out->counts.at[decoder->out->counts.count++] = count;
    range->count++;
    return true;
}

static bool one_number(struct decoder *decoder, double number, struct otlp_range *range)
{
    if (!DECODE_ROOM(decoder, &decoder->out->numbers, 1)) return false;
    if (range->count == 0) range->first = decoder->out->numbers.count;
    decoder->out->numbers.at[decoder->out->numbers.count++] = number;
    range->count++;
    return true;
}

static bool packed_doubles(struct decoder *decoder, struct wire *wire, struct otlp_range *range)
{
    struct bytes packed;
    if (!wire_bytes(wire, &packed) || packed.len % 8 != 0) return false;
    if (!DECODE_ROOM(decoder, &decoder->out->numbers, packed.len / 8)) return false;
    if (range->count == 0) range->first = decoder->out->numbers.count;
    if (packed.len != 0) memcpy(decoder->out->numbers.at + decoder->out->numbers.count, packed.ptr, packed.len);
    decoder->out->numbers.count += (uint32_t)(packed.len / 8);
    range->count += (uint32_t)(packed.len / 8);
    return true;
}

static bool optional_double(struct wire *wire, double *number, bool *has)
{
    *has = true;
    return wire_double(wire, number);
}

/* ---- gauge and sum ---- */
static enum outcome number_point(struct decoder *decoder, struct wire wire, struct otlp_point *point)
{
    struct children children = { 0 };
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag, bits = 0;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(2): is_read = wire_fixed64(&wire, &point->start_unix_ns); break;
        case WIRE_FIXED64(3): is_read = wire_fixed64(&wire, &point->time_unix_ns); break;
        case WIRE_FIXED64(4):
            is_read = optional_double(&wire, &point->number, &point->has_value);
            point->is_integer = false;
            break;
        case WIRE_LEN(5):
            child_note(&children.exemplars, field, &wire);
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_FIXED64(6):
            is_read = wire_fixed64(&wire, &bits);
            point->integer = (int64_t)bits;
            point->has_value = true;
            point->is_integer = true;
            break;
        case WIRE_LEN(7): outcome = decode_attributes(decoder, &wire, WIRE_LEN(7), &point->attributes); break;
        case WIRE_VARINT(8): is_read = wire_u32(&wire, &point->flags); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    if (children.exemplars.at == NULL) return TAKEN;
    return exemplars_read(decoder, children.exemplars, WIRE_LEN(5), &point->exemplars);
}

/* ---- histogram ---- */
static enum outcome histogram_point(struct decoder *decoder, struct wire wire, struct otlp_point *point)
{
    struct children children = { 0 };
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag, count = 0;
        double number = 0;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(2): is_read = wire_fixed64(&wire, &point->start_unix_ns); break;
        case WIRE_FIXED64(3): is_read = wire_fixed64(&wire, &point->time_unix_ns); break;
        case WIRE_FIXED64(4): is_read = wire_fixed64(&wire, &point->count); break;
        case WIRE_FIXED64(5): is_read = optional_double(&wire, &point->sum, &point->has_sum); break;
        case WIRE_LEN(6): is_read = packed_fixed64(decoder, &wire, &point->bucket_counts); break;
        case WIRE_FIXED64(6):
            is_read = wire_fixed64(&wire, &count) && one_count(decoder, count, &point->bucket_counts);
            break;
        case WIRE_LEN(7): is_read = packed_doubles(decoder, &wire, &point->bounds); break;
        case WIRE_FIXED64(7):
            is_read = wire_double(&wire, &number) && one_number(decoder, number, &point->bounds);
            break;
        case WIRE_LEN(8):
            child_note(&children.exemplars, field, &wire);
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_LEN(9): outcome = decode_attributes(decoder, &wire, WIRE_LEN(9), &point->attributes); break;
        case WIRE_VARINT(10): is_read = wire_u32(&wire, &point->flags); break;
        case WIRE_FIXED64(11): is_read = optional_double(&wire, &point->min, &point->has_min); break;
        case WIRE_FIXED64(12): is_read = optional_double(&wire, &point->max, &point->has_max); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    if (point->bucket_counts.count != 0 && point->bucket_counts.count != point->bounds.count + 1) {
        return decode_reject(decoder, "%u bucket_counts do not go with %u explicit_bounds (one more is right)",
                             point->bucket_counts.count, point->bounds.count);
    }
    if (children.exemplars.at == NULL) return TAKEN;
    return exemplars_read(decoder, children.exemplars, WIRE_LEN(8), &point->exemplars);
}

/* ---- exponential histogram ---- */
static enum outcome buckets_message(struct decoder *decoder, struct wire wire, int32_t *offset,
                                    struct otlp_range *counts)
{
    while (wire.at < wire.end) {
        uint64_t tag, count;
        struct wire packed;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_VARINT(1):
            if (!wire_s32(&wire, offset)) return FAILED;
            break;
        case WIRE_VARINT(2):
            if (!wire_varint(&wire, &count) || !one_count(decoder, count, counts)) return FAILED;
            break;
        case WIRE_LEN(2):
            if (!wire_message(&wire, &packed)) return FAILED;
            while (packed.at < packed.end) {
                if (!wire_varint(&packed, &count) || !one_count(decoder, count, counts)) return FAILED;
            }
            break;
        default:
            if (decode_skip(decoder, &wire, tag) != TAKEN) return FAILED;
        }
    }
    return TAKEN;
}

/* All messages under tag_right, merged: one offset (the last sent), the counts one after another. */
static enum outcome buckets_read(struct decoder *decoder, struct wire wire, uint64_t tag_right, int32_t *offset,
                                 struct otlp_range *counts)
{
    while (wire.at < wire.end) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == tag_right) {
            if (!wire_message(&wire, &inner)) return FAILED;
            if (buckets_message(decoder, inner, offset, counts) != TAKEN) return FAILED;
        } else if (!wire_skip(&wire, tag)) {
            return FAILED;
        }
    }
    return TAKEN;
}

static enum outcome exponential_fields(struct decoder *decoder, struct wire wire, struct otlp_point *point,
                                       struct children *children)
{
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_attributes(decoder, &wire, WIRE_LEN(1), &point->attributes); break;
        case WIRE_FIXED64(2): is_read = wire_fixed64(&wire, &point->start_unix_ns); break;
        case WIRE_FIXED64(3): is_read = wire_fixed64(&wire, &point->time_unix_ns); break;
        case WIRE_FIXED64(4): is_read = wire_fixed64(&wire, &point->count); break;
        case WIRE_FIXED64(5): is_read = optional_double(&wire, &point->sum, &point->has_sum); break;
        case WIRE_VARINT(6): is_read = wire_s32(&wire, &point->scale); break;
        case WIRE_FIXED64(7): is_read = wire_fixed64(&wire, &point->zero_count); break;
        case WIRE_LEN(8):
            child_note(&children->positive, field, &wire);
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_LEN(9):
            child_note(&children->negative, field, &wire);
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_VARINT(10): is_read = wire_u32(&wire, &point->flags); break;
        case WIRE_LEN(11):
            child_note(&children->exemplars, field, &wire);
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_FIXED64(12): is_read = optional_double(&wire, &point->min, &point->has_min); break;
        case WIRE_FIXED64(13): is_read = optional_double(&wire, &point->max, &point->has_max); break;
        case WIRE_FIXED64(14): is_read = wire_double(&wire, &point->zero_threshold); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    return TAKEN;
}

static enum outcome exponential_point(struct decoder *decoder, struct wire wire, struct otlp_point *point)
{
    struct children children = { 0 };
    enum outcome outcome = exponential_fields(decoder, wire, point, &children);
    if (outcome != TAKEN) return outcome;
    if (children.positive.at != NULL && buckets_read(decoder, children.positive, WIRE_LEN(8), &point->positive_offset,
                                                     &point->bucket_counts) != TAKEN) {
        return FAILED;
    }
    if (children.negative.at != NULL && buckets_read(decoder, children.negative, WIRE_LEN(9), &point->negative_offset,
                                                     &point->negative_counts) != TAKEN) {
        return FAILED;
    }
    if (children.exemplars.at == NULL) return TAKEN;
    return exemplars_read(decoder, children.exemplars, WIRE_LEN(11), &point->exemplars);
}

/* ---- summary ---- */
static enum outcome quantile_message(struct decoder *decoder, struct wire wire, double *quantile, double *value)
{
    *quantile = *value = 0;
    while (wire.at < wire.end) {
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_FIXED64(1)) {
            if (!wire_double(&wire, quantile)) return FAILED;
        } else if (tag == WIRE_FIXED64(2)) {
            if (!wire_double(&wire, value)) return FAILED;
        } else if (decode_skip(decoder, &wire, tag) != TAKEN) {
            return FAILED;
        }
    }
    return TAKEN;
}

/* Two lists of count numbers side by side: quantiles, then their values. */
static enum outcome quantiles_read(struct decoder *decoder, struct wire wire, uint32_t count, struct otlp_point *point)
{
    if (!DECODE_ROOM(decoder, &decoder->out->numbers, 2 * (size_t)count)) return FAILED;
    uint32_t first = decoder->out->numbers.count, at = 0;
    double *numbers = decoder->out->numbers.at + first;
    while (wire.at < wire.end) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(6)) {
            assert(at < count); /* counted a moment ago */
            if (!wire_message(&wire, &inner)) return FAILED;
            if (quantile_message(decoder, inner, &numbers[at], &numbers[count + at]) != TAKEN) return FAILED;
            at++;
        } else if (!wire_skip(&wire, tag)) {
            return FAILED;
        }
    }
    assert(at == count);
    decoder->out->numbers.count += 2 * count;
    point->quantiles = (struct otlp_range){ first, count };
    point->quantile_values = (struct otlp_range){ first + count, count };
    return TAKEN;
}

static enum outcome summary_point(struct decoder *decoder, struct wire wire, struct otlp_point *point)
{
    struct children children = { 0 };
    uint32_t quantile_count = 0;
    point->has_sum = true; /* not optional in the proto: a sum of 0 is not on the wire */
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        bool is_read = true;
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_FIXED64(2): is_read = wire_fixed64(&wire, &point->start_unix_ns); break;
        case WIRE_FIXED64(3): is_read = wire_fixed64(&wire, &point->time_unix_ns); break;
        case WIRE_FIXED64(4): is_read = wire_fixed64(&wire, &point->count); break;
        case WIRE_FIXED64(5): is_read = optional_double(&wire, &point->sum, &point->has_sum); break;
        case WIRE_LEN(6):
            child_note(&children.quantiles, field, &wire);
            quantile_count++;
            is_read = wire_message(&wire, &inner);
            break;
        case WIRE_LEN(7): outcome = decode_attributes(decoder, &wire, WIRE_LEN(7), &point->attributes); break;
        case WIRE_VARINT(8): is_read = wire_u32(&wire, &point->flags); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (unlikely(!is_read)) return FAILED;
        if (unlikely(outcome != TAKEN)) return outcome;
    }
    return quantile_count == 0 ? TAKEN : quantiles_read(decoder, children.quantiles, quantile_count, point);
}

/* ---- points and metrics ---- */
static enum outcome point_read(struct decoder *decoder, struct wire message, enum otlp_metric_type type)
{
    enum outcome outcome = decode_begin(decoder);
    if (outcome != TAKEN) return outcome;
    if (!DECODE_ROOM(decoder, &decoder->out->points, 1)) return FAILED;
    struct decode_mark mark = decode_mark(decoder);
    struct otlp_point *point = &decoder->out->points.at[decoder->out->points.count];
    *point = (struct otlp_point){ .metric = decoder->metric, .bytes = (uint32_t)wire_left(&message) };
    switch (type) {
    case OTLP_GAUGE:
    case OTLP_SUM: outcome = number_point(decoder, message, point); break;
    case OTLP_HISTOGRAM: outcome = histogram_point(decoder, message, point); break;
    case OTLP_EXPONENTIAL_HISTOGRAM: outcome = exponential_point(decoder, message, point); break;
    case OTLP_SUMMARY: outcome = summary_point(decoder, message, point); break;
    }
    if (outcome == TAKEN) {
        if (point->time_unix_ns == 0) point->time_unix_ns = (uint64_t)decoder->out->received_unix_us * 1000;
        outcome = decode_time(decoder, point->time_unix_ns, "time_unix_nano");
    }
    if (outcome == TAKEN) {
        decoder->out->points.count++;
    } else {
        decode_take_back(decoder, &mark);
    }
    return outcome;
}

/* Gauge, Sum, Histogram, ExponentialHistogram, Summary: the same field numbers, as far as they have them. */
static enum outcome data_read(struct decoder *decoder, struct wire wire)
{
    enum otlp_metric_type type = decoder->out->metrics.at[decoder->metric].type;
    while (wire.at < wire.end) {
        struct otlp_metric *metric = &decoder->out->metrics.at[decoder->metric];
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(1)) {
            decoder->point_at++; /* from UINT32_MAX to 0 */
            if (!wire_message(&wire, &inner)) return FAILED;
            enum outcome outcome = point_read(decoder, inner, type);
            if (outcome == FAILED) return FAILED;
            if (outcome == REJECTED) decoder->out->rejected_count++;
        } else if (tag == WIRE_VARINT(2) && type >= OTLP_SUM && type <= OTLP_EXPONENTIAL_HISTOGRAM) {
            if (!wire_u32(&wire, &metric->aggregation_temporality)) return FAILED;
        } else if (tag == WIRE_VARINT(3) && type == OTLP_SUM) {
            if (!wire_bool(&wire, &metric->is_monotonic)) return FAILED;
        } else if (decode_skip(decoder, &wire, tag) != TAKEN) {
            return FAILED;
        }
    }
    return TAKEN;
}

static enum otlp_metric_type data_type(uint64_t tag)
{
    switch (tag) {
    case WIRE_LEN(5): return OTLP_GAUGE;
    case WIRE_LEN(7): return OTLP_SUM;
    case WIRE_LEN(9): return OTLP_HISTOGRAM;
    case WIRE_LEN(10): return OTLP_EXPONENTIAL_HISTOGRAM;
    default: return OTLP_SUMMARY;
    }
}

/* All but the data; of that only which member of the oneof stands (the last one sent) and from where: an earlier
 * message of the same member is merged with it, unless another member came in between. */
static enum outcome metric_fields(struct decoder *decoder, struct wire wire, struct wire *data, uint64_t *data_tag)
{
    struct otlp_metric *metric = &decoder->out->metrics.at[decoder->metric];
    while (wire.at < wire.end) {
        enum outcome outcome = TAKEN;
        const uint8_t *field = wire.at;
        struct wire inner;
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1): outcome = decode_text(decoder, &wire, "name", &metric->name); break;
        case WIRE_LEN(2): outcome = decode_text(decoder, &wire, "description", &metric->description); break;
        case WIRE_LEN(3): outcome = decode_text(decoder, &wire, "unit", &metric->unit); break;
        case WIRE_LEN(5):
        case WIRE_LEN(7):
        case WIRE_LEN(9):
        case WIRE_LEN(10):
        case WIRE_LEN(11):
            if (tag != *data_tag) {
                *data_tag = tag;
                *data = (struct wire){ field, wire.end };
            }
            if (!wire_message(&wire, &inner)) return FAILED;
            break;
        case WIRE_LEN(12): outcome = decode_attributes(decoder, &wire, WIRE_LEN(12), &metric->metadata); break;
        default: outcome = decode_skip(decoder, &wire, tag);
        }
        if (outcome == FAILED) return FAILED;
        if (outcome == REJECTED) { /* its points are still to be counted, so on to the next field */
            decoder->is_under_rejected = true;
            metric->metadata = (struct otlp_range){ 0 };
            wire.at = field;
            if (!wire_varint(&wire, &tag) || !wire_message(&wire, &inner)) return FAILED;
        }
    }
    return TAKEN;
}

enum outcome decode_metric(struct decoder *decoder, struct wire message)
{
    if (!DECODE_ROOM(decoder, &decoder->out->metrics, 1)) return FAILED;
    decoder->metric = decoder->out->metrics.count;
    decoder->out->metrics.at[decoder->metric] =
        (struct otlp_metric){ .scope = decoder->scope, .name = BYTES(""), .description = BYTES(""), .unit = BYTES("") };
    struct decode_mark mark = decode_mark(decoder);
    bool was_under_rejected = decoder->is_under_rejected;
    struct wire data = { NULL, NULL };
    uint64_t data_tag = 0;
    if (metric_fields(decoder, message, &data, &data_tag) == FAILED) return FAILED;
    if (decoder->is_under_rejected) {
        decode_take_back(decoder, &mark);
        decoder->out->metrics.at[decoder->metric].metadata = (struct otlp_range){ 0 };
    }
    if (data_tag == 0) {
        decoder->is_under_rejected = was_under_rejected;
        decode_take_back(decoder, &mark);
        return TAKEN; /* no data, no points, no metric */
    }
    decoder->out->metrics.at[decoder->metric].type = data_type(data_tag);
    decoder->out->metrics.count++;
    decoder->point_at = UINT32_MAX;
    while (data.at < data.end) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&data, &tag)) return FAILED;
        if (tag == data_tag) {
            if (!wire_message(&data, &inner) || data_read(decoder, inner) == FAILED) return FAILED;
        } else if (!wire_skip(&data, tag)) {
            return FAILED;
        }
    }
    decoder->point_at = UINT32_MAX;
    decoder->is_under_rejected = was_under_rejected;
    return TAKEN;
}
