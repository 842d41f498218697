#include "worker/replay/replay_delta.h"

#include <stdlib.h>
#include <zstd.h>

#define PACK_LEVEL 1 /* it is packed anew, better, when it is stored */

struct replay_delta *replay_delta_create(void)
{
    return mem_calloc(1, sizeof(struct replay_delta));
}

void replay_delta_reset(struct replay_delta *delta)
{
    for (uint32_t i = 0; i < delta->count; i++) free(delta->items[i].packed);
    delta->count = 0;
    delta->bytes = 0;
}

void replay_delta_destroy(struct replay_delta *delta)
{
    if (!delta) return;
    replay_delta_reset(delta);
    free(delta->items);
    ZSTD_freeCCtx(delta->packer);
    free(delta);
}

static struct replay_item *item_new(struct replay_delta *delta)
{
    if (delta->count == delta->cap) {
        delta->cap = delta->cap ? delta->cap * 2 : 16;
        delta->items = mem_realloc(delta->items, delta->cap * sizeof *delta->items);
    }
    return &delta->items[delta->count++];
}

void replay_delta_merge(struct replay_delta *into, struct replay_delta *from)
{
    for (uint32_t i = 0; i < from->count; i++) *item_new(into) = from->items[i];
    into->bytes += from->bytes;
    from->count = 0;
    from->bytes = 0;
}

void replay_delta_add(struct replay_delta *delta, struct uuid project_id, struct bytes body)
{
    size_t bound = ZSTD_compressBound(body.len);
    if (!delta->packer) delta->packer = ZSTD_createCCtx();
    assert(delta->packer); /* as mem_alloc */
    uint8_t *packed = mem_alloc(bound);
    size_t len = ZSTD_compressCCtx(delta->packer, packed, bound, body.ptr, body.len, PACK_LEVEL);
    assert(!ZSTD_isError(len)); /* within its bound it cannot fail */
    *item_new(delta) = (struct replay_item){
        .project_id = project_id, .body_len = body.len, .packed_len = len, .packed = mem_realloc(packed, len)
    };
    delta->bytes += len + sizeof(struct replay_item);
}

bool replay_delta_unpack(const struct replay_item *item, struct buf *out)
{
    if (!buf_reserve(out, item->body_len)) return false;
    size_t len = ZSTD_decompress(out->ptr + out->len, item->body_len, item->packed, item->packed_len);
    assert(len == item->body_len); /* our own bytes, in our own memory */
    out->len += len;
    return true;
}
