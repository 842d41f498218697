/* slab.h -- blocks on the local disk: big files of equal slots, each of which tells by itself what is in it.
 *
 *   DATA/cache/<number>.slab
 *     0      64 bytes: magic, block_bytes, slots, scope, check          else the file is thrown away
 *     4096   64 bytes a slot: which block, its length, last use, hash of its bytes, check of these 64
 *     ...    block_bytes a slot: the bytes
 *
 * Nothing is synced and no order is needed. A slot is what its head says only if the head's check and the bytes' hash are
 * right; a write that a crash tore is neither, or is the whole old block, which is as good as ever: blocks never change.
 * Start: only the heads are read, 64 bytes a block in one piece a slab: 100 GB of blocks are 50 MB of heads.
 * Bytes of slots never written are holes; slab_erase makes holes again, so what was deleted is gone from the disk.
 * Thread: any, for different slots; slab_drop and slab_erase when nobody is at the slots (cache_tier's pins).
 * Errors: ERR_IO with os_errno; ERR_CORRUPT: what is there is not the block that was asked for. */
#pragma once
#include "base/disk.h"
#include "base/hash.h"
#include <pthread.h>

#define SLAB_COUNT_MAX 1024

/* What is in a slot. */
struct slab_head {
    struct hash128 object;
    uint32_t block; /* number in the object */
    uint32_t len;
    bool is_last; /* len is less than block_bytes: the object ends with it */
    uint32_t touched_s;
    bool was_used; /* since it came */
};
struct slabs {
    struct disk *disk;
    const char *dir; /* borrowed */
    struct hash128 scope;
    uint32_t block_bytes, slots_each, count;
    pthread_mutex_t lock; /* guards files */
    struct disk_file *files[SLAB_COUNT_MAX];
};

/* Calls found for each slot that holds something, as far as its head can say; files of other shapes or scopes, or numbers
 * beyond count, are removed. What cannot be read is removed too: only a missing folder that cannot be made is an error. */
MUST_CHECK bool slabs_open(struct slabs *slabs, struct disk *disk, const char *dir, struct hash128 scope,
                           uint32_t block_bytes, uint32_t slots_each, uint32_t count,
                           void (*found)(void *ctx, uint32_t slot, const struct slab_head *head), void *ctx,
                           struct err *err);
void slabs_close(struct slabs *slabs);
MUST_CHECK bool slab_write(struct slabs *slabs, uint32_t slot, const struct slab_head *head, const void *ptr,
                           struct err *err);
/* head->object and head->block say what should be there; the rest of it is filled in. ptr has room for block_bytes. */
MUST_CHECK bool slab_read(struct slabs *slabs, uint32_t slot, struct slab_head *head, void *ptr, struct err *err);
/* Of a slot that holds a block: its head again, with a newer use. */
MUST_CHECK bool slab_note_use(struct slabs *slabs, uint32_t slot, uint32_t touched_s, struct err *err);
MUST_CHECK bool slab_erase(struct slabs *slabs, uint32_t slot, struct err *err);
/* The whole file of that number goes. */
MUST_CHECK bool slab_drop(struct slabs *slabs, uint32_t number, struct err *err);
