#include "base/utf8.h"
#include "worker/otlp/decode.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Attributes are the bulk of all telemetry, 20 to a span: this is the loop to keep short. */
static inline bool is_ascii(const uint8_t *at, size_t len)
{
#ifdef __SSE2__
    if (likely(len >= 16)) {
        /* Up to 64 bytes without a branch on the length: loads that overlap rather than a loop. */
        size_t last = len - 16;
        while (unlikely(last > 48)) {
            __m128i a = _mm_loadu_si128((const __m128i *)at);
            __m128i b = _mm_loadu_si128((const __m128i *)(at + 16));
            if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0) return false;
            at += 32;
            last -= 32;
        }
        __m128i a = _mm_loadu_si128((const __m128i *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(at + (last < 16 ? last : 16)));
        __m128i c = _mm_loadu_si128((const __m128i *)(at + (last < 32 ? last : 32)));
        __m128i d = _mm_loadu_si128((const __m128i *)(at + last));
        return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0;
    }
#endif
    if (len >= 8) {
        uint64_t any = 0;
        for (size_t i = 0; i + 8 < len; i += 8) any |= wire_load64(at + i);
        any |= wire_load64(at + len - 8);
        return (any & 0x8080808080808080u) == 0;
    }
    if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, at, 4);
        memcpy(&tail, at + len - 4, 4);
        return ((head | tail) & 0x80808080u) == 0;
    }
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) any |= at[i];
    return any < 0x80;
}

static inline bool is_text(struct bytes text)
{
    return likely(is_ascii(text.ptr, text.len)) || utf8_is_valid(text);
}

enum { NAME_SHOWN_BYTES = 60 };
static int shown(struct bytes name)
{
    return (int)utf8_cut(name, NAME_SHOWN_BYTES);
}

enum outcome decode_text(struct decoder *decoder, struct wire *wire, const char *name, struct bytes *text)
{
    if (!wire_bytes(wire, text)) return FAILED;
    if (unlikely(!is_text(*text))) return decode_reject(decoder, "%s is not valid UTF-8", name);
    return TAKEN;
}

enum outcome decode_id(struct decoder *decoder, struct wire *wire, const char *name, size_t bytes_right,
                       struct bytes *id)
{
    if (!wire_bytes(wire, id)) return FAILED;
    if (likely(id->len == bytes_right || id->len == 0)) return TAKEN;
    bool is_shown = id->len <= NAME_SHOWN_BYTES + 4;
    for (size_t i = 0; i < id->len && is_shown; i++) is_shown = id->ptr[i] >= ' ' && id->ptr[i] < 0x7F;
    if (!is_shown) return decode_reject(decoder, "%s has %zu bytes, not %zu", name, id->len, bytes_right);
    /* Hex digits sent as bytes, or what was not hex in JSON (otlp_json.h). */
    return decode_reject(decoder, "%s \"%.*s\" is not an id of %zu bytes (in JSON: %zu hex digits)", name, (int)id->len,
                         (const char *)id->ptr, bytes_right, 2 * bytes_right);
}

static enum outcome list_check(struct decoder *decoder, struct wire list, bool has_keys, uint32_t depth,
                               struct bytes name);

static enum outcome reject_value(struct decoder *decoder, struct bytes name, const char *what)
{
    return decode_reject(decoder, "attribute \"%.*s\" %s", shown(name), (const char *)name.ptr, what);
}

enum outcome decode_value(struct decoder *decoder, struct wire wire, struct otlp_value *value, uint32_t depth,
                          struct bytes name)
{
    while (wire.at < wire.end) {
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1):
            value->type = OTLP_TEXT;
            if (!wire_bytes(&wire, &value->bytes)) return FAILED;
            if (unlikely(!is_text(value->bytes))) return reject_value(decoder, name, "is not valid UTF-8");
            break;
        case WIRE_VARINT(2):
            value->type = OTLP_BOOL;
            value->integer = 0; /* the whole union has a value, whatever was there */
            if (!wire_bool(&wire, &value->boolean)) return FAILED;
            break;
        case WIRE_VARINT(3): {
            uint64_t integer;
            value->type = OTLP_INT;
            if (!wire_varint(&wire, &integer)) return FAILED;
            value->integer = (int64_t)integer;
            break;
        }
        case WIRE_FIXED64(4):
            value->type = OTLP_DOUBLE;
            if (!wire_double(&wire, &value->number)) return FAILED;
            break;
        case WIRE_LEN(5):
        case WIRE_LEN(6): {
            enum otlp_type type = tag == WIRE_LEN(5) ? OTLP_ARRAY : OTLP_KVLIST;
            /* Merging would need a copy of both; nobody sends this. */
            if (value->type == type) return reject_value(decoder, name, "has two lists for one value");
            value->type = type;
            if (!wire_bytes(&wire, &value->bytes)) return FAILED;
            if (depth + 1 > decoder->limits->depth_max) return reject_value(decoder, name, "is nested too deep");
            enum outcome outcome = list_check(decoder, wire_of(value->bytes), type == OTLP_KVLIST, depth + 1, name);
            if (outcome != TAKEN) return outcome;
            break;
        }
        case WIRE_LEN(7):
            value->type = OTLP_BYTES;
            if (!wire_bytes(&wire, &value->bytes)) return FAILED;
            break;
        default:
            if (decode_skip(decoder, &wire, tag) != TAKEN) return FAILED;
        }
    }
    return TAKEN;
}

static enum outcome pair_check(struct decoder *decoder, struct wire wire, uint32_t depth, struct bytes name)
{
    struct otlp_value value = { .type = OTLP_EMPTY };
    while (wire.at < wire.end) {
        uint64_t tag;
        struct bytes key;
        struct wire inner;
        if (!wire_varint(&wire, &tag)) return FAILED;
        switch (tag) {
        case WIRE_LEN(1):
            if (!wire_bytes(&wire, &key)) return FAILED;
            if (!is_text(key)) return reject_value(decoder, name, "has a key inside that is not valid UTF-8");
            break;
        case WIRE_LEN(2): {
            if (!wire_message(&wire, &inner)) return FAILED;
            enum outcome outcome = decode_value(decoder, inner, &value, depth, name);
            if (outcome != TAKEN) return outcome;
            break;
        }
        default:
            if (decode_skip(decoder, &wire, tag) != TAKEN) return FAILED;
        }
    }
    return TAKEN;
}

/* Recursion ends at limits->depth_max. Takes no memory: lists stay encoded. */
static enum outcome list_check(struct decoder *decoder, struct wire list, bool has_keys, uint32_t depth,
                               struct bytes name)
{
    while (list.at < list.end) {
        uint64_t tag;
        if (!wire_varint(&list, &tag)) return FAILED;
        if (tag == WIRE_LEN(1)) {
            struct wire inner;
            if (!wire_message(&list, &inner)) return FAILED;
            struct otlp_value value = { .type = OTLP_EMPTY };
            enum outcome outcome =
                has_keys ? pair_check(decoder, inner, depth, name) : decode_value(decoder, inner, &value, depth, name);
            if (outcome != TAKEN) return outcome;
        } else if (decode_skip(decoder, &list, tag) != TAKEN) {
            return FAILED;
        }
    }
    return TAKEN;
}

/* Any KeyValue. */
static __attribute__((noinline)) enum outcome attribute_read(struct decoder *decoder, struct wire wire,
                                                             struct otlp_attribute *attribute)
{
    attribute->key = BYTES("");
    attribute->value = (struct otlp_value){ .type = OTLP_EMPTY };
    struct wire whole = wire;
    while (wire.at < wire.end) { /* the key first, for reasons name it */
        uint64_t tag;
        if (!wire_varint(&wire, &tag)) return FAILED;
        if (tag == WIRE_LEN(1)) {
            if (!wire_bytes(&wire, &attribute->key)) return FAILED;
        } else if (decode_skip(decoder, &wire, tag) != TAKEN) {
            return FAILED;
        }
    }
    if (!is_text(attribute->key)) return decode_reject(decoder, "an attribute key is not valid UTF-8");
    while (whole.at < whole.end) {
        uint64_t tag;
        struct wire inner;
        if (!wire_varint(&whole, &tag)) return FAILED;
        if (tag == WIRE_LEN(2)) {
            if (!wire_message(&whole, &inner)) return FAILED;
            enum outcome outcome = decode_value(decoder, inner, &attribute->value, 0, attribute->key);
            if (outcome != TAKEN) return outcome;
        } else if (!wire_skip(&whole, tag)) {
            return FAILED;
        }
    }
    return TAKEN;
}

/* The KeyValue that every SDK sends: the key, then a value of one short scalar, lengths in one byte each. False: some
 * other one, or one that is not ASCII; then nothing is said about it.
 *   0A len key | 12 len ( 0A len text | 18 varint | 10 bool | 21 double ) */
static inline bool attribute_read_usual(const uint8_t *at, const uint8_t *end, struct otlp_attribute *attribute)
{
    size_t len = (size_t)(end - at);
    if (len < 6 || at[0] != WIRE_LEN(1) || at[1] >= 0x80) return false;
    size_t key_len = at[1];
    if (key_len + 6 > len) return false;
    const uint8_t *value = at + 2 + key_len;
    if (value[0] != WIRE_LEN(2) || value[1] >= 0x80 || value[1] != (size_t)(end - value) - 2) return false;
    attribute->key = bytes_from(at + 2, key_len);
    switch (value[2]) {
    case WIRE_LEN(1):
        /* Tags and lengths are below 0x80 too, so one look at all of it serves key and text. */
        if (value[3] != (size_t)(end - value) - 4 || !is_ascii(at, len)) return false;
        attribute->value.type = OTLP_TEXT;
        attribute->value.bytes = bytes_from(value + 4, value[3]);
        return true;
    case WIRE_VARINT(3): {
        struct wire wire = { value + 3, end };
        uint64_t integer;
        if (!wire_varint(&wire, &integer) || wire.at != end || !is_ascii(at + 2, key_len)) return false;
        attribute->value.type = OTLP_INT;
        attribute->value.integer = (int64_t)integer;
        return true;
    }
    case WIRE_VARINT(2):
        if (value[3] >= 0x80 || end - value != 4 || !is_ascii(at + 2, key_len)) return false;
        attribute->value.type = OTLP_BOOL;
        attribute->value.integer = 0;
        attribute->value.boolean = value[3] != 0;
        return true;
    case WIRE_FIXED64(4):
        if (end - value != 3 + 8 || !is_ascii(at + 2, key_len)) return false;
        attribute->value.type = OTLP_DOUBLE;
        memcpy(&attribute->value.number, value + 3, 8);
        return true;
    default: return false;
    }
}

enum outcome decode_attributes(struct decoder *decoder, struct wire *wire, uint8_t tag, struct otlp_range *range)
{
    struct otlp_request *out = decoder->out;
    struct wire at = *wire;
    uint32_t count = out->attributes.count;
    if (range->count == 0) range->first = count;
    assert(range->first + range->count == count); /* side by side: sub-records are read later */
    uint64_t room = decoder->limits->attributes_max - range->count;
    for (;;) {
        struct wire inner;
        if (unlikely(!wire_message(&at, &inner))) return FAILED;
        if (unlikely(room-- == 0)) {
            return decode_reject(decoder, "has more than %u attributes", decoder->limits->attributes_max);
        }
        if (unlikely(count == out->attributes.cap)) {
            out->attributes.count = count;
            if (!DECODE_ROOM(decoder, &out->attributes, 1)) return FAILED;
        }
        struct otlp_attribute *attribute = &out->attributes.at[count];
        if (unlikely(!attribute_read_usual(inner.at, inner.end, attribute))) {
            enum outcome outcome = attribute_read(decoder, inner, attribute);
            if (outcome != TAKEN) return outcome;
        }
        count++;
        if (at.at == at.end || *at.at != tag) break;
        at.at++;
    }
    range->count = count - range->first;
    out->attributes.count = count;
    *wire = at;
    return TAKEN;
}

void otlp_value_reader_init(struct otlp_value_reader *reader, const struct otlp_value *value)
{
    assert(value->type == OTLP_ARRAY || value->type == OTLP_KVLIST);
    struct wire wire = wire_of(value->bytes);
    *reader = (struct otlp_value_reader){ wire.at, wire.end, value->type == OTLP_KVLIST };
}

/* A checked AnyValue: the last member stands. */
static void value_read_checked(struct wire wire, struct otlp_value *value)
{
    uint64_t tag, integer = 0;
    while (wire.at < wire.end && wire_varint(&wire, &tag)) {
        bool is_read = true;
        switch (tag) {
        case WIRE_LEN(1):
        case WIRE_LEN(5):
        case WIRE_LEN(6):
        case WIRE_LEN(7):
            value->type = tag == WIRE_LEN(1)   ? OTLP_TEXT
                          : tag == WIRE_LEN(5) ? OTLP_ARRAY
                          : tag == WIRE_LEN(6) ? OTLP_KVLIST
                                               : OTLP_BYTES;
            is_read = wire_bytes(&wire, &value->bytes);
            break;
        case WIRE_VARINT(2):
            value->type = OTLP_BOOL;
            value->integer = 0;
            is_read = wire_bool(&wire, &value->boolean);
            break;
        case WIRE_VARINT(3):
            value->type = OTLP_INT;
            is_read = wire_varint(&wire, &integer);
            value->integer = (int64_t)integer;
            break;
        case WIRE_FIXED64(4):
            value->type = OTLP_DOUBLE;
            is_read = wire_double(&wire, &value->number);
            break;
        default: is_read = wire_skip(&wire, tag);
        }
        assert(is_read); /* otlp_decode has checked it */
    }
}

bool otlp_value_reader_next(struct otlp_value_reader *reader, struct otlp_attribute *entry)
{
    struct wire list = { reader->at, reader->end };
    while (list.at < list.end) {
        uint64_t tag;
        bool is_read = wire_varint(&list, &tag);
        assert(is_read);
        if (tag != WIRE_LEN(1)) {
            is_read = wire_skip(&list, tag);
            assert(is_read);
            continue;
        }
        struct wire inner;
        is_read = wire_message(&list, &inner);
        assert(is_read);
        reader->at = list.at;
        entry->key = BYTES("");
        entry->value = (struct otlp_value){ .type = OTLP_EMPTY };
        if (!reader->has_keys) {
            value_read_checked(inner, &entry->value);
            return true;
        }
        while (inner.at < inner.end) {
            struct wire value;
            is_read = wire_varint(&inner, &tag);
            if (tag == WIRE_LEN(1)) {
                is_read = is_read && wire_bytes(&inner, &entry->key);
            } else if (tag == WIRE_LEN(2)) {
                is_read = is_read && wire_message(&inner, &value);
                if (is_read) value_read_checked(value, &entry->value);
            } else {
                is_read = is_read && wire_skip(&inner, tag);
            }
            assert(is_read);
        }
        return true;
    }
    reader->at = reader->end;
    return false;
}
