/* cache.h -- what was read from a bucket is kept: in memory, and beyond that on the local disk.
 *
 *   DuckDB, footers --pread--> [ object store, cached ] --block in memory? on disk? in flight?--> copy
 *   flush, joins --put_file--> [          "           ]                 none: one GET for the neighbouring missing ones
 *
 * A decorator of an object store: it is a struct object_store itself (object.h) and reads through another one. Kept are
 * blocks of CACHE_BLOCK_BYTES of objects that never change: data files and the runs of the index (cache_takes); all else,
 * the Delta log first of all, passes by. A key is never used for other bytes again, so nothing here can be stale.
 * What stays and what goes is told in policy.h: a scan of everything does not flush what dashboards read.
 * The cache is no part of the data: a disk that is full, fails or lies costs GETs, never an answer.
 * Thread: any; one lock inside, held over no I/O and no copy. There is no thread of its own: whoever misses fetches, and
 *         who misses the same block meanwhile waits for that (single flight). A failed fetch is told to all who wait, and
 *         not kept.
 * Memory: memory_bytes are the limit of blocks, fetches under way and the index of the disk together; fetches may take
 *         8 MiB even if that is more.
 * Disk: disk_bytes; less when the file system has less than disk_reserve_bytes free. Survives a restart; every block has
 *       its checksum, looked at on each read from disk; nothing is synced. Files: slab.h.
 * Errors: those of the inner store. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "timefusion/object/object.h"

#define CACHE_BLOCK_BYTES (128u * 1024u)

struct cache;
enum cache_policy { CACHE_POLICY_DEFAULT, CACHE_POLICY_LRU /* to compare with */ };
struct cache_options {
    const char *dir;       /* of the disk tier, made when missing; NULL: none */
    const char *scope;     /* of which store the keys are, e.g. its URL: blocks of another one are dropped at open */
    uint64_t memory_bytes; /* 0: no blocks are kept in memory */
    uint64_t disk_bytes;   /* 0: none */
    uint64_t disk_reserve_bytes; /* of the file system left free for others */
    uint64_t ttl_s;              /* from the last use */
    uint32_t block_bytes;        /* a power of two, at least 4096; 0: CACHE_BLOCK_BYTES */
    enum cache_policy policy;
    struct disk *disk;
    const struct log *log;
    int64_t (*now_unix_us)(void *ctx); /* NULL: the clock */
    void *now_ctx;
};
MUST_CHECK bool cache_open(struct cache **cache, const struct cache_options *options, struct err *err);
void cache_close(struct cache *cache); /* after its stores; NULL is fine */

/* inner is taken: closed with the store. The cache is borrowed. */
struct object_store *object_store_open_cached(struct object_store *inner, struct cache *cache);
/* Is this the key of something that never changes? */
bool cache_takes(const char *key);

struct cache_stats {
    /* A request is one read of a caller. It hits when no byte of it came from the store. */
    uint64_t requests, request_hits;
    uint64_t bytes_asked;                               /* by them */
    uint64_t memory_hits, disk_hits, joins, misses;     /* of blocks; joins: another one was fetching it already */
    uint64_t fetches, bytes_fetched, fetch_failures;    /* GETs */
    uint64_t bytes_warmed;                              /* of what we wrote ourselves */
    uint64_t memory_evictions, disk_evictions, expired; /* blocks */
    uint64_t dropped;                                   /* blocks of deleted objects */
    uint64_t refused;       /* blocks that were not taken to disk: it is full, fails or is slow */
    uint64_t corrupt;       /* blocks on disk that failed their check; fetched again */
    uint64_t disk_failures; /* calls to the disk that failed */
    uint64_t disk_bytes_written;
    uint64_t memory_bytes, memory_bytes_max, disk_bytes, disk_bytes_max; /* now */
    struct histogram_counts fetch_times, disk_read_times;
};
void cache_stats(struct cache *cache, struct cache_stats *stats);
