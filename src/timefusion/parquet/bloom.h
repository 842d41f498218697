/* bloom.h -- split-block bloom filters: 32-byte blocks, one bit in each of a block's eight words per value, XXH64.
 *
 * Blocks are a power of two: Arrow's C++ reader takes no other count. 8 to 16 bits a value: about 2 to 0.1 percent wrong.
 * Thread: pure. Source: apache/parquet-format BloomFilter.md */
#pragma once
#include "base/bytes.h"

#define BLOOM_BLOCK_WORDS 8
#define BLOOM_BLOCK_BYTES 32

struct bloom {
    uint8_t *blocks; /* in the buffer given to bloom_begin: valid until it grows */
    uint32_t block_count;
};
/* Appends the header and empty blocks for up to value_count values to out; false when out is full. */
MUST_CHECK bool bloom_begin(struct bloom *bloom, struct buf *out, uint32_t value_count);
/* Hashes are hash64_xxh64 of the values. */
void bloom_add(const struct bloom *bloom, const uint64_t *hashes, uint32_t count);
