#include "timefusion/parquet/encode.h"
#include "timefusion/columns/columns.h"
#include "timefusion/parquet/thrift.h"

#define VARINT_BYTES_MAX       10
#define HYBRID_RUN_MIN         32 /* shorter runs are smaller bit-packed, where other literals stand around them */
#define SLACK_BYTES            16 /* packing stores whole words */
#define DELTA_BLOCK_VALUES     128
#define DELTA_MINIBLOCKS       4
#define DELTA_MINIBLOCK_VALUES 32
#define PREFETCH_RECORDS       12

/* ---- hybrid of runs and bit-packed groups of eight ---- */

static uint64_t load64(const void *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, sizeof word);
    return word;
}

static uint8_t *store64(uint8_t *at, uint64_t word, size_t used)
{
    memcpy(at, &word, sizeof word);
    return at + used;
}

static uint8_t *run_put(uint8_t *at, uint32_t value, uint32_t count, uint32_t width)
{
    at = thrift_varint(at, (uint64_t)count << 1);
    for (uint32_t bits = 0; bits < width; bits += 8) *at++ = (uint8_t)(value >> bits);
    return at;
}

static bool group8_is_run(const uint8_t *values)
{
    uint64_t word = load64(values);
    return word == (word & 0xff) * 0x0101010101010101u;
}

static bool group16_is_run(const uint16_t *values)
{
    uint64_t low = load64(values), high = load64(values + 4);
    return low == high && low == (low & 0xffff) * 0x0001000100010001u;
}

/* Eight values of width bits each become width bytes: neighbours are moved together in halves. */
static uint8_t *group8_pack(uint8_t *at, uint64_t word, uint32_t width)
{
    word = (word & 0x00ff00ff00ff00ffu) | (word & 0xff00ff00ff00ff00u) >> (8 - width);
    word = (word & 0x0000ffff0000ffffu) | (word & 0xffff0000ffff0000u) >> (16 - 2 * width);
    word = (word & 0xffffffffu) | (word >> 32) << (4 * width);
    return store64(at, word, width);
}

static uint64_t lanes16_squeeze(uint64_t word, uint32_t width)
{
    word = (word & 0x0000ffff0000ffffu) | (word & 0xffff0000ffff0000u) >> (16 - width);
    return (word & 0xffffffffu) | (word >> 32) << (2 * width);
}

static uint8_t *group16_pack(uint8_t *at, const uint16_t *values, uint32_t width)
{
    uint64_t low = lanes16_squeeze(load64(values), width);
    uint64_t high = lanes16_squeeze(load64(values + 4), width);
    memcpy(at, &low, sizeof low);
    uint8_t *middle = at + width / 2;
    if ((width & 1) != 0) high = (high << 4) | (*middle & 15u); /* the halves meet within a byte */
    memcpy(middle, &high, sizeof high);
    return at + width;
}

static uint8_t *literal8_put(uint8_t *at, const uint8_t *values, uint32_t count, uint32_t width)
{
    if (count == 0) return at;
    at = thrift_varint(at, (uint64_t)((count + 7) / 8) << 1 | 1);
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) at = group8_pack(at, load64(values + i), width);
    if (i < count) {
        uint8_t rest[8] = { 0 };
        memcpy(rest, values + i, count - i);
        at = group8_pack(at, load64(rest), width);
    }
    return at;
}

static uint8_t *literal16_put(uint8_t *at, const uint16_t *values, uint32_t count, uint32_t width)
{
    if (count == 0) return at;
    at = thrift_varint(at, (uint64_t)((count + 7) / 8) << 1 | 1);
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) at = group16_pack(at, values + i, width);
    if (i < count) {
        uint16_t rest[8] = { 0 };
        memcpy(rest, values + i, (count - i) * sizeof *values);
        at = group16_pack(at, rest, width);
    }
    return at;
}

/* A run costs at most 7 bytes where it replaces at least HYBRID_RUN_MIN values, so literals are the worst case, plus a
 * header for each literal between two runs. */
static bool hybrid_room(struct buf *out, uint32_t count, uint32_t width)
{
    return buf_reserve(out, ((size_t)count + 7) / 8 * width + (size_t)count / 2 + 4 * VARINT_BYTES_MAX + SLACK_BYTES);
}

bool encode_hybrid8(struct buf *out, const uint8_t *values, uint32_t count, uint32_t width)
{
    assert(width <= 8);
    if (width == 0) return encode_hybrid_repeat(out, 0, count, 0);
    if (!hybrid_room(out, count, width)) return false;
    uint8_t *at = out->ptr + out->len;
    uint32_t literal = 0, i = 0;
    while (i + 8 <= count) {
        if (!group8_is_run(values + i)) {
            i += 8;
            continue;
        }
        uint32_t end = i + 8;
        uint64_t first = load64(values + i);
        while (end + 8 <= count && load64(values + end) == first) end += 8;
        while (end < count && values[end] == values[i]) end++;
        if (end - i < HYBRID_RUN_MIN && end < count) {
            i += (end - i) & ~7u;
            continue;
        }
        at = literal8_put(at, values + literal, i - literal, width);
        at = run_put(at, values[i], end - i, width);
        i = literal = end;
    }
    at = literal8_put(at, values + literal, count - literal, width);
    out->len = (size_t)(at - out->ptr);
    assert(out->len <= out->cap);
    return true;
}

bool encode_hybrid16(struct buf *out, const uint16_t *values, uint32_t count, uint32_t width)
{
    assert(width <= 16);
    if (width == 0) return encode_hybrid_repeat(out, 0, count, 0);
    if (!hybrid_room(out, count, width)) return false;
    uint8_t *at = out->ptr + out->len;
    uint32_t literal = 0, i = 0;
    while (i + 8 <= count) {
        if (!group16_is_run(values + i)) {
            i += 8;
            continue;
        }
        uint32_t end = i + 8;
        uint64_t first = load64(values + i);
        while (end + 4 <= count && load64(values + end) == first) end += 4;
        while (end < count && values[end] == values[i]) end++;
        if (end - i < HYBRID_RUN_MIN && end < count) {
            i += (end - i) & ~7u;
            continue;
        }
        at = literal16_put(at, values + literal, i - literal, width);
        at = run_put(at, values[i], end - i, width);
        i = literal = end;
    }
    at = literal16_put(at, values + literal, count - literal, width);
    out->len = (size_t)(at - out->ptr);
    assert(out->len <= out->cap);
    return true;
}

bool encode_hybrid_repeat(struct buf *out, uint32_t value, uint32_t count, uint32_t width)
{
    if (!buf_reserve(out, VARINT_BYTES_MAX + sizeof value)) return false;
    if (count == 0) return true;
    out->len = (size_t)(run_put(out->ptr + out->len, value, count, width) - out->ptr);
    return true;
}

static uint8_t *bitmap_literal_put(uint8_t *at, const uint64_t *words, uint32_t count)
{
    if (count == 0) return at;
    uint32_t groups = (count + 7) / 8;
    at = thrift_varint(at, (uint64_t)groups << 1 | 1);
    memcpy(at, words, groups);
    return at + groups;
}

bool encode_hybrid_bitmap(struct buf *out, const uint64_t *bits, uint32_t count)
{
    const uint32_t run_words_min = 2;
    uint32_t words = count / 64; /* whole ones; the rest joins the last literal */
    if (!buf_reserve(out, ((size_t)words + 1) * (sizeof *bits + 3) + 4 * VARINT_BYTES_MAX)) return false;
    uint8_t *at = out->ptr + out->len;
    uint32_t literal = 0, i = 0;
    while (i < words) {
        if (bits[i] != 0 && bits[i] != UINT64_MAX) {
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < words && bits[end] == bits[i]) end++;
        if (end - i >= run_words_min) {
            at = bitmap_literal_put(at, bits + literal, (i - literal) * 64);
            at = run_put(at, (uint32_t)(bits[i] & 1), (end - i) * 64, 1);
            literal = end;
        }
        i = end;
    }
    at = bitmap_literal_put(at, bits + literal, count - literal * 64);
    out->len = (size_t)(at - out->ptr);
    assert(out->len <= out->cap);
    return true;
}

bool encode_booleans(struct buf *out, const uint8_t *values, uint32_t count)
{
    if (!buf_reserve(out, (size_t)count / 8 + 1 + SLACK_BYTES)) return false;
    uint8_t *at = out->ptr + out->len;
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) at = group8_pack(at, load64(values + i), 1);
    if (i < count) {
        uint8_t rest[8] = { 0 };
        memcpy(rest, values + i, count - i);
        at = group8_pack(at, load64(rest), 1);
    }
    out->len = (size_t)(at - out->ptr);
    return true;
}

/* ---- DELTA_BINARY_PACKED ---- */

/* 32 values of width bits. Values go into groups of at most 64 bits, groups into 64-bit words. */
static uint8_t *miniblock_pack(uint8_t *at, const uint64_t *values, uint32_t width)
{
    uint8_t *end = at + (size_t)width * DELTA_MINIBLOCK_VALUES / 8;
    uint32_t together = width <= 16 ? 4 : width <= 32 ? 2 : 1;
    uint32_t group_bits = together * width, filled = 0;
    uint64_t word = 0;
    for (uint32_t i = 0; i < DELTA_MINIBLOCK_VALUES; i += together) {
        uint64_t group = values[i];
        if (together >= 2) group |= values[i + 1] << width;
        if (together == 4) group |= values[i + 2] << (2 * width) | values[i + 3] << (3 * width);
        word |= group << filled;
        if (filled + group_bits >= 64) {
            at = store64(at, word, 8);
            word = filled == 0 ? 0 : group >> (64 - filled);
            filled = filled + group_bits - 64;
        } else {
            filled += group_bits;
        }
    }
    store64(at, word, 0);
    return end;
}

/* deltas: those of one block, count of them; min is their least. */
static uint8_t *delta_block_put(uint8_t *at, uint64_t *deltas, uint32_t count, int64_t min)
{
    at = thrift_varint(at, thrift_zigzag(min));
    uint8_t *widths = at;
    at += DELTA_MINIBLOCKS;
    for (uint32_t i = count; i < DELTA_BLOCK_VALUES; i++) deltas[i] = 0;
    for (uint32_t mini = 0; mini < DELTA_MINIBLOCKS; mini++) {
        const uint64_t *values = deltas + mini * DELTA_MINIBLOCK_VALUES;
        uint64_t all = 0;
        for (uint32_t i = 0; i < DELTA_MINIBLOCK_VALUES; i++) all |= values[i];
        uint32_t width = encode_bit_width(all);
        widths[mini] = (uint8_t)width; /* 0 for one that is not needed: it has no bytes */
        if (width > 0) at = miniblock_pack(at, values, width);
    }
    return at;
}

static uint8_t *delta_header_put(uint8_t *at, uint32_t count, int64_t first)
{
    at = thrift_varint(at, DELTA_BLOCK_VALUES);
    at = thrift_varint(at, DELTA_MINIBLOCKS);
    at = thrift_varint(at, count);
    return thrift_varint(at, thrift_zigzag(first));
}

static bool delta_room(struct buf *out, uint32_t count, size_t value_bytes)
{
    size_t blocks = (size_t)count / DELTA_BLOCK_VALUES + 1;
    return buf_reserve(out, 4 * VARINT_BYTES_MAX + SLACK_BYTES +
                                blocks * (VARINT_BYTES_MAX + DELTA_MINIBLOCKS + DELTA_BLOCK_VALUES * value_bytes));
}

bool encode_delta64(struct buf *out, const int64_t *values, uint32_t count)
{
    if (!delta_room(out, count, sizeof *values)) return false;
    uint8_t *at = delta_header_put(out->ptr + out->len, count, count > 0 ? values[0] : 0);
    for (uint32_t i = 1; i < count; i += DELTA_BLOCK_VALUES) {
        uint32_t block = count - i < DELTA_BLOCK_VALUES ? count - i : DELTA_BLOCK_VALUES;
        uint64_t deltas[DELTA_BLOCK_VALUES];
        int64_t min = INT64_MAX;
        for (uint32_t k = 0; k < block; k++) {
            deltas[k] = (uint64_t)values[i + k] - (uint64_t)values[i + k - 1];
            if ((int64_t)deltas[k] < min) min = (int64_t)deltas[k];
        }
        for (uint32_t k = 0; k < block; k++) deltas[k] -= (uint64_t)min;
        at = delta_block_put(at, deltas, block, min);
    }
    out->len = (size_t)(at - out->ptr);
    assert(out->len <= out->cap);
    return true;
}

bool encode_delta32(struct buf *out, const int32_t *values, uint32_t count)
{
    if (!delta_room(out, count, sizeof *values)) return false;
    uint8_t *at = delta_header_put(out->ptr + out->len, count, count > 0 ? values[0] : 0);
    for (uint32_t i = 1; i < count; i += DELTA_BLOCK_VALUES) {
        uint32_t block = count - i < DELTA_BLOCK_VALUES ? count - i : DELTA_BLOCK_VALUES;
        uint64_t deltas[DELTA_BLOCK_VALUES];
        int32_t min = INT32_MAX;
        for (uint32_t k = 0; k < block; k++) {
            int32_t delta = (int32_t)((uint32_t)values[i + k] - (uint32_t)values[i + k - 1]);
            deltas[k] = (uint32_t)delta;
            if (delta < min) min = delta;
        }
        for (uint32_t k = 0; k < block; k++) deltas[k] = (uint32_t)deltas[k] - (uint32_t)min;
        at = delta_block_put(at, deltas, block, min);
    }
    out->len = (size_t)(at - out->ptr);
    assert(out->len <= out->cap);
    return true;
}

/* ---- texts ---- */

bool encode_plain_records(struct buf *out, const uint8_t *const *records, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += sizeof(uint32_t) + encode_record_len(records[i]);
    if (!buf_reserve(out, bytes)) return false;
    uint8_t *at = out->ptr + out->len;
    for (uint32_t i = 0; i < count; i++) {
        at = columns_text_copy(at, records[i], sizeof(uint32_t) + encode_record_len(records[i]));
    }
    out->len += bytes;
    return true;
}

/* Lengths are INT32 for DELTA_BINARY_PACKED; none reaches 2^31. */
bool encode_delta_length_records(struct buf *out, const uint8_t *const *records, const uint32_t *lengths,
                                 uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += lengths[i];
    if (!encode_delta32(out, (const int32_t *)lengths, count)) return false;
    if (!buf_reserve(out, bytes)) return false;
    uint8_t *at = out->ptr + out->len;
    for (uint32_t i = 0; i < count; i++) {
        if (i + PREFETCH_RECORDS < count) __builtin_prefetch(records[i + PREFETCH_RECORDS]);
        at = columns_text_copy(at, records[i] + sizeof(uint32_t), lengths[i]);
    }
    out->len += bytes;
    return true;
}
