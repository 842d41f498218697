/* text_store.h -- the bytes of a column's texts, as records, in blocks that grow with use.
 *
 *   record: [4 bytes of length, little endian][bytes]   never moves until the store is reset
 *
 * Thread: one owner. Memory: nothing until the first record; blocks of 512 bytes to 64 KiB, a long text has its own. */
#pragma once
#include "timefusion/columns/columns.h"

struct text_block;
struct text_store {
    uint8_t *at, *end;         /* what is left of the block being filled */
    struct text_block *blocks; /* oldest first; the one being filled is current */
    struct text_block *current;
    struct text_block *large;
    size_t bytes; /* held from malloc */
};
void text_store_deinit(struct text_store *store);
void text_store_reset(struct text_store *store); /* keeps the blocks that were used, for the next rows */
uint8_t *text_store_alloc_slow(struct text_store *store, size_t bytes);
/* Room for bytes at a place that text_store_use then takes; a second call without it gives the same room. */
static inline uint8_t *text_store_room(struct text_store *store, size_t bytes)
{
    if (likely(bytes <= (size_t)(store->end - store->at))) return store->at;
    return text_store_alloc_slow(store, bytes);
}

static inline uint32_t text_record_len(const uint8_t *record)
{
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return len;
}
const uint8_t *text_store_add_large(struct text_store *store, struct bytes text);
#define TEXT_STORE_SMALL_MAX (16 * 1024)
static inline const uint8_t *text_store_add(struct text_store *store, struct bytes text)
{
    if (unlikely(text.len > TEXT_STORE_SMALL_MAX)) return text_store_add_large(store, text);
    uint32_t len = (uint32_t)text.len;
    uint8_t *record = text_store_room(store, sizeof len + len);
    memcpy(record, &len, sizeof len);
    store->at = columns_text_copy(record + sizeof len, text.ptr, len);
    return record;
}
