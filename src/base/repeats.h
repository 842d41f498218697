/* repeats.h -- which requests came lately: 24 bytes each, oldest out first.
 *
 *   blocks of 4096 entries in the order of their coming:  [oldest ..][..][.. newest]
 *   heads:  bucket --> newest entry of that bucket --> older --> ... --> one that is forgotten already = end
 *
 * Entries leave only at the old end, so a chain needs no unlinking: a link to a forgotten entry ends it.
 * The table of heads grows one bucket at a time (linear hashing), so that no append waits for a rehash.
 * Memory: entries x 24 bytes + buckets x 4; blocks are freed as they empty. An idle log holds next to nothing.
 * Thread: one at a time. */
#pragma once
#include "base/hash.h"

#define REPEATS_BLOCK_ENTRIES 4096u

struct repeats_block;
struct repeats {
    struct repeats_block **blocks; /* a ring; NULL where nothing is */
    uint32_t block_count;          /* a power of two */
    uint32_t count, count_max;
    uint32_t oldest; /* number of the oldest entry; numbers wrap */
    uint32_t *heads;
    uint32_t bucket_count, heads_cap;
    uint32_t window_s;
    uint32_t newest_s; /* the latest time seen */
};

void repeats_init(struct repeats *repeats, uint32_t count_max, uint32_t window_s);
void repeats_deinit(struct repeats *repeats);
/* Was it added at most window_s before (or after) second_unix? */
bool repeats_has(const struct repeats *repeats, struct hash128 hash, uint32_t second_unix);
/* Forgets what is older than window_s, and the oldest when full. */
void repeats_add(struct repeats *repeats, struct hash128 hash, uint32_t second_unix);
/* Forgets the newest ones: what they stood for was not stored after all. */
void repeats_drop_newest(struct repeats *repeats, uint64_t count);
/* The entry that was added so many entries before the newest (0: the newest); false when it is forgotten. */
MUST_CHECK bool repeats_at(const struct repeats *repeats, uint64_t back, struct hash128 *hash, uint32_t *second_unix);
size_t repeats_bytes(const struct repeats *repeats);
