/* replay_delta.h -- batches of replays that wait to be stored, compressed: what some records of the buffer add.
 *
 *   body --replay_delta_add--> item (project, zstd) ... --replay_delta_unpack--> body
 *
 * Thread: one owner. Memory: replay_delta_bytes. Errors: none; what was acknowledged is kept. */
#pragma once
#include "base/bytes.h"
#include "base/uuid.h"

struct replay_item {
    struct uuid project_id;
    size_t body_len, packed_len;
    uint8_t *packed; /* by malloc */
};
struct replay_delta {
    struct replay_item *items;
    uint32_t count, cap;
    size_t bytes;
    void *packer; /* zstd's, kept from one to the next */
};
struct replay_delta *replay_delta_create(void);
void replay_delta_destroy(struct replay_delta *delta); /* NULL is fine */
void replay_delta_reset(struct replay_delta *delta);
void replay_delta_merge(struct replay_delta *into, struct replay_delta *from);
void replay_delta_add(struct replay_delta *delta, struct uuid project_id, struct bytes body);
/* Appended to out; false: there is no room in it. */
MUST_CHECK bool replay_delta_unpack(const struct replay_item *item, struct buf *out);
