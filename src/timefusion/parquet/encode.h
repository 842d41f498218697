/* encode.h -- Parquet's encodings, appended to a buffer.
 *
 *   levels, dictionary indexes  RLE / bit-packed hybrid: varint(count << 1) value | varint(groups << 1 | 1) bits
 *   integers                    DELTA_BINARY_PACKED, blocks of 128 in 4 miniblocks
 *   texts                       PLAIN (4-byte length, bytes) or DELTA_LENGTH_BYTE_ARRAY (lengths, then all bytes)
 *
 * A text record is a text in PLAIN form: 4 bytes of length, little endian, then the bytes.
 * Thread: pure functions. Errors: false when out->bytes_max would be passed; out is then to be thrown away.
 * Source: apache/parquet-format Encodings.md */
#pragma once
#include "base/bytes.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as Parquet keeps them");

static inline uint32_t encode_record_len(const uint8_t *record)
{
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return len;
}
static inline struct bytes encode_record_text(const uint8_t *record)
{
    return (struct bytes){ record + sizeof(uint32_t), encode_record_len(record) };
}
/* Bits that the numbers 0 to max need. */
static inline uint32_t encode_bit_width(uint64_t max)
{
    return max == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(max);
}

/* Hybrid runs, without the 4 bytes of length that levels have in front. width is in bits. */
MUST_CHECK bool encode_hybrid8(struct buf *out, const uint8_t *values, uint32_t count, uint32_t width);
MUST_CHECK bool encode_hybrid16(struct buf *out, const uint16_t *values, uint32_t count, uint32_t width);
MUST_CHECK bool encode_hybrid_repeat(struct buf *out, uint32_t value, uint32_t count, uint32_t width);
/* Levels 0 and 1 given as a bitmap from bit first on; bits past the last 64-bit word's count are not read. */
MUST_CHECK bool encode_hybrid_bitmap(struct buf *out, const uint64_t *bits, uint32_t count);
/* Bits, lowest first: PLAIN booleans. values are 0 or 1. */
MUST_CHECK bool encode_booleans(struct buf *out, const uint8_t *values, uint32_t count);

MUST_CHECK bool encode_delta64(struct buf *out, const int64_t *values, uint32_t count);
/* For INT32 columns: differences wrap at 32 bits, as readers demand. */
MUST_CHECK bool encode_delta32(struct buf *out, const int32_t *values, uint32_t count);

MUST_CHECK bool encode_plain_records(struct buf *out, const uint8_t *const *records, uint32_t count);
/* lengths: of the records, by index. */
MUST_CHECK bool encode_delta_length_records(struct buf *out, const uint8_t *const *records, const uint32_t *lengths,
                                            uint32_t count);
