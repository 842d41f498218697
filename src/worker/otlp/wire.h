/* wire.h -- the protobuf wire format, pulled field by field out of bytes that nobody vouches for.
 *
 *   struct wire wire = wire_of(message);
 *   while (wire.at < wire.end) { tag; switch (tag) { case WIRE_LEN(1): wire_bytes(...) ... default: wire_skip(...) } }
 *
 *   field = tag varint (number << 3 | type), then  type 0 varint | 1 eight bytes | 2 varint length + bytes | 5 four bytes
 *
 * A switch on the whole tag makes a known field of another wire type an unknown one, as protobuf has it. A length is
 * compared with what is left before anything moves, so nothing is read past the end, whatever it says.
 * Thread: values. Memory: none, results point into the message. Errors: false means not protobuf (or cut short).
 * Source: protobuf.dev/programming-guides/encoding. */
#pragma once
#include "base/bytes.h"

#define WIRE_VARINT(number)  ((uint64_t)(number) << 3 | 0)
#define WIRE_FIXED64(number) ((uint64_t)(number) << 3 | 1)
#define WIRE_LEN(number)     ((uint64_t)(number) << 3 | 2)
#define WIRE_FIXED32(number) ((uint64_t)(number) << 3 | 5)

struct wire {
    const uint8_t *at, *end;
};

static inline struct wire wire_of(struct bytes message)
{
    /* NULL + 0 is not for comparing in C17 */
    static const uint8_t nothing[1];
    if (message.len == 0) return (struct wire){ nothing, nothing };
    return (struct wire){ message.ptr, message.ptr + message.len };
}

static inline size_t wire_left(const struct wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

/* By value, so that the reader of the hot loops stays in registers. at is NULL when there is no varint. */
struct wire_number {
    const uint8_t *at;
    uint64_t value;
};
static __attribute__((noinline, unused)) struct wire_number wire_varint_long(const uint8_t *at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (at == end) break;
        uint8_t byte = *at++;
        value |= (uint64_t)(byte & 0x7F) << shift; /* the tenth byte's upper bits fall off, as in protobuf */
        if (byte < 0x80) return (struct wire_number){ at, value };
    }
    return (struct wire_number){ NULL, 0 };
}

static inline bool wire_varint(struct wire *wire, uint64_t *value)
{
    const uint8_t *at = wire->at;
    size_t left = wire_left(wire);
    if (likely(left >= 1 && at[0] < 0x80)) {
        *value = at[0];
        wire->at = at + 1;
        return true;
    }
    if (likely(left >= 2 && at[1] < 0x80)) {
        *value = (uint64_t)(at[0] & 0x7F) | (uint64_t)at[1] << 7;
        wire->at = at + 2;
        return true;
    }
    struct wire_number number = wire_varint_long(at, wire->end);
    if (number.at == NULL) return false;
    wire->at = number.at;
    *value = number.value;
    return true;
}

static inline bool wire_u32(struct wire *wire, uint32_t *value)
{
    uint64_t number;
    if (!wire_varint(wire, &number)) return false;
    *value = (uint32_t)number; /* protobuf keeps the low half, for negative enums too */
    return true;
}

static inline bool wire_bool(struct wire *wire, bool *value)
{
    uint64_t number;
    if (!wire_varint(wire, &number)) return false;
    *value = number != 0;
    return true;
}

/* sint32: zigzag */
static inline bool wire_s32(struct wire *wire, int32_t *value)
{
    uint32_t number;
    if (!wire_u32(wire, &number)) return false;
    *value = (int32_t)(number >> 1 ^ (0u - (number & 1)));
    return true;
}

static inline uint64_t wire_load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value; /* little-endian on the wire and here */
}

static inline bool wire_fixed64(struct wire *wire, uint64_t *value)
{
    if (unlikely(wire_left(wire) < 8)) return false;
    *value = wire_load64(wire->at);
    wire->at += 8;
    return true;
}

static inline bool wire_double(struct wire *wire, double *value)
{
    if (unlikely(wire_left(wire) < 8)) return false;
    memcpy(value, wire->at, 8);
    wire->at += 8;
    return true;
}

static inline bool wire_fixed32(struct wire *wire, uint32_t *value)
{
    if (unlikely(wire_left(wire) < 4)) return false;
    memcpy(value, wire->at, 4);
    wire->at += 4;
    return true;
}

static inline bool wire_bytes(struct wire *wire, struct bytes *bytes)
{
    uint64_t len;
    if (unlikely(!wire_varint(wire, &len)) || unlikely(len > wire_left(wire))) return false;
    *bytes = bytes_from(wire->at, (size_t)len);
    wire->at += len;
    return true;
}

static inline bool wire_message(struct wire *wire, struct wire *inner)
{
    uint64_t len;
    if (unlikely(!wire_varint(wire, &len)) || unlikely(len > wire_left(wire))) return false;
    inner->at = wire->at;
    inner->end = wire->at + len;
    wire->at += len;
    return true;
}

/* Past the value of an unknown field. Groups (3, 4), long gone from protobuf and never in OTLP, are refused, as are
 * types 6 and 7, field 0 and tags of more than 32 bits. */
static inline bool wire_skip(struct wire *wire, uint64_t tag)
{
    uint64_t value;
    struct bytes bytes;
    if (tag > UINT32_MAX || tag >> 3 == 0) return false;
    switch (tag & 7) {
    case 0: return wire_varint(wire, &value);
    case 1: return wire_fixed64(wire, &value);
    case 2: return wire_bytes(wire, &bytes);
    case 5:
        if (wire_left(wire) < 4) return false;
        wire->at += 4;
        return true;
    default: return false;
    }
}
