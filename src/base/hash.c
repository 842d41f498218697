#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash128 hash128_of(struct bytes bytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.ptr, bytes.len);
    return (struct hash128){ .lo = hash.low64, .hi = hash.high64 };
}

uint64_t hash64_of(struct bytes bytes)
{
    return XXH3_64bits(bytes.ptr, bytes.len);
}

uint64_t hash64_xxh64(struct bytes bytes)
{
    return XXH64(bytes.ptr, bytes.len, 0);
}

uint64_t hash64_key_long(struct bytes key, uint64_t seed)
{
    return XXH3_64bits_withSeed(key.ptr, key.len, seed);
}
