/* hash.h -- fingerprints of bytes (xxHash); none resists an attacker who looks for twins.
 *
 *   hash128_of, hash64_of  XXH3, seed 0: stable, may be kept on disk
 *   hash64_xxh64           XXH64, seed 0: what Parquet's bloom filters are defined over
 *   hash64_key             for tables in memory: inline for short keys; never keep it on disk
 *
 * Thread: any. Source: xxHash 0.8 (XXH3 is frozen since 0.8.0); Parquet BloomFilter.md. */
#pragma once
#include "base/bytes.h"

struct hash128 {
    uint64_t lo, hi;
};
static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

struct hash128 hash128_of(struct bytes bytes);
uint64_t hash64_of(struct bytes bytes);
uint64_t hash64_xxh64(struct bytes bytes);

/* Both halves of a 128-bit product: every bit in reaches every bit out. */
static inline uint64_t hash64_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
uint64_t hash64_key_long(struct bytes key, uint64_t seed);
/* A random seed per table keeps strangers from choosing keys that all fall into one bucket. */
static inline uint64_t hash64_key(struct bytes key, uint64_t seed)
{
    uint64_t head = 0, tail = 0;
    if (key.len > 16) return hash64_key_long(key, seed);
    if (key.len >= 8) {
        memcpy(&head, key.ptr, 8);
        memcpy(&tail, key.ptr + key.len - 8, 8);
    } else if (key.len >= 4) {
        uint32_t low, high;
        memcpy(&low, key.ptr, 4);
        memcpy(&high, key.ptr + key.len - 4, 4);
        head = low, tail = high;
    } else if (key.len > 0) {
        head = (uint64_t)key.ptr[0] << 16 | (uint64_t)key.ptr[key.len / 2] << 8 | key.ptr[key.len - 1];
    }
    uint64_t mixed = hash64_mix(head ^ seed ^ 0x9E3779B97F4A7C15u, tail ^ 0xE7037ED1A0B428DBu);
    return hash64_mix(mixed ^ key.len, 0xA0761D6478BD642Fu);
}
