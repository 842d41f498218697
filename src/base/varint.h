/* varint.h -- protobuf's variable-length integers, written: seven bits a byte, the lowest first.
 *
 *   300 --> AC 02
 *
 * Thread: any. Memory: at has VARINT_BYTES_MAX bytes of room. Source: protobuf, "Base 128 Varints". */
#pragma once
#include <stdint.h>

#define VARINT_BYTES_MAX 10

/* Returns the place behind it. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* How many it takes. */
static inline uint32_t varint_bytes(uint64_t value)
{
    uint32_t bytes = 1;
    while (value >= 0x80) {
        bytes++;
        value >>= 7;
    }
    return bytes;
}
