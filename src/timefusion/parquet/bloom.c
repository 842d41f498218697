#include "timefusion/parquet/bloom.h"

#include "base/hash.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/parquet/thrift.h"

#define BITS_A_VALUE_MIN 8
#define HEADER_BYTES_MAX 64

static const uint32_t salts[BLOOM_BLOCK_WORDS] = {
    0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du, 0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u,
};

bool bloom_begin(struct bloom *bloom, struct buf *out, uint32_t value_count)
{
    uint32_t count = 1;
    while ((uint64_t)count * BLOOM_BLOCK_BYTES * 8 < (uint64_t)value_count * BITS_A_VALUE_MIN) count *= 2;
    size_t bytes = (size_t)count * BLOOM_BLOCK_BYTES;
    if (!buf_reserve(out, HEADER_BYTES_MAX + bytes)) return false;

    struct thrift_writer thrift;
    thrift_writer_init(&thrift, out);
    thrift_put_i32(&thrift, 1, (int32_t)bytes);
    for (int16_t field = 2; field <= 4; field++) { /* algorithm BLOCK, hash XXHASH, UNCOMPRESSED */
        thrift_put_struct(&thrift, field);
        thrift_put_empty_struct(&thrift, 1);
        thrift_struct_end(&thrift);
    }
    thrift_struct_end(&thrift);
    bloom->blocks = out->ptr + out->len;
    bloom->block_count = count;
    memset(out->ptr + out->len, 0, bytes);
    out->len += bytes;
    return true;
}

static uint32_t block_index(uint64_t hash, uint32_t block_count)
{
    return (uint32_t)((hash >> 32) * block_count >> 32);
}

static void bloom_add_any(const struct bloom *bloom, const uint64_t *hashes, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        uint8_t *block = bloom->blocks + (size_t)block_index(hashes[k], bloom->block_count) * BLOOM_BLOCK_BYTES;
        uint32_t words[BLOOM_BLOCK_WORDS], low = (uint32_t)hashes[k];
        memcpy(words, block, sizeof words);
        for (uint32_t i = 0; i < BLOOM_BLOCK_WORDS; i++) words[i] |= 1u << (low * salts[i] >> 27);
        memcpy(block, words, sizeof words);
    }
}

#if defined(__x86_64__)
/* The eight words at once. */
__attribute__((target("avx2"))) static void bloom_add_avx2(const struct bloom *bloom, const uint64_t *hashes,
                                                           uint32_t count)
{
    typedef uint32_t block_words __attribute__((vector_size(BLOOM_BLOCK_BYTES)));
    block_words salt, ones = (block_words){ 0 } + 1;
    memcpy(&salt, salts, sizeof salt);
    for (uint32_t k = 0; k < count; k++) {
        uint8_t *block = bloom->blocks + (size_t)block_index(hashes[k], bloom->block_count) * BLOOM_BLOCK_BYTES;
        block_words words;
        memcpy(&words, block, sizeof words);
        words |= ones << (((uint32_t)hashes[k] * salt) >> 27);
        memcpy(block, &words, sizeof words);
    }
}
#endif

void bloom_add(const struct bloom *bloom, const uint64_t *hashes, uint32_t count)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        bloom_add_avx2(bloom, hashes, count);
        return;
    }
#endif
    bloom_add_any(bloom, hashes, count);
}

/* The number of bytes of blocks, as the header says; 0: not a filter that we can read. */
static uint64_t header_read(struct thrift_reader *reader)
{
    struct thrift_field field = { .id = 0 };
    int64_t bytes = 0;
    bool is_known = true;
    while (thrift_field_next(reader, &field)) {
        if (field.id == 1) {
            bytes = thrift_read_int(reader, field.type);
        } else if (field.id >= 2 && field.id <= 4 && field.type == THRIFT_STRUCT) {
            struct thrift_field kind = { .id = 0 }; /* a union: its first member is the one way there is */
            while (thrift_field_next(reader, &kind)) {
                is_known = is_known && kind.id == 1;
                thrift_skip(reader, kind.type);
            }
        } else {
            thrift_skip(reader, field.type);
        }
    }
    if (reader->failed || !is_known || bytes < BLOOM_BLOCK_BYTES || bytes % BLOOM_BLOCK_BYTES != 0) return 0;
    return (uint64_t)bytes;
}

bool parquet_bloom_may_hold(struct bytes bloom, struct bytes value)
{
    struct thrift_reader reader;
    thrift_reader_init(&reader, bloom);
    uint64_t bytes = header_read(&reader);
    if (bytes == 0 || bytes > (uint64_t)(reader.end - reader.at) || bytes / BLOOM_BLOCK_BYTES > UINT32_MAX) return true;

    uint64_t hash = hash64_xxh64(value);
    uint32_t words[BLOOM_BLOCK_WORDS], low = (uint32_t)hash;
    uint32_t block = block_index(hash, (uint32_t)(bytes / BLOOM_BLOCK_BYTES));
    memcpy(words, reader.at + (size_t)block * BLOOM_BLOCK_BYTES, sizeof words);
    for (uint32_t i = 0; i < BLOOM_BLOCK_WORDS; i++) {
        if ((words[i] >> (low * salts[i] >> 27) & 1) == 0) return false;
    }
    return true;
}
