#include "timefusion/columns/text_store.h"

#include <stdlib.h>

struct text_block {
    struct text_block *next;
    size_t bytes; /* with this header */
};
static const size_t BLOCK_BYTES_MIN = 512;
static const size_t BLOCK_BYTES_MAX = 64 * 1024;
static_assert(TEXT_STORE_SMALL_MAX + 4 + sizeof(struct text_block) <= 64 * 1024, "a small text fits a block");

static void blocks_free(struct text_store *store, struct text_block *block)
{
    while (block != NULL) {
        struct text_block *next = block->next;
        store->bytes -= block->bytes;
        free(block);
        block = next;
    }
}

void text_store_deinit(struct text_store *store)
{
    blocks_free(store, store->blocks);
    blocks_free(store, store->large);
    assert(store->bytes == 0);
    *store = (struct text_store){ .bytes = 0 };
}

static void block_fill(struct text_store *store, struct text_block *block)
{
    store->current = block;
    store->at = block == NULL ? NULL : (uint8_t *)(block + 1);
    store->end = block == NULL ? NULL : (uint8_t *)block + block->bytes;
}

void text_store_reset(struct text_store *store)
{
    blocks_free(store, store->large);
    store->large = NULL;
    if (store->current != NULL) {
        blocks_free(store, store->current->next);
        store->current->next = NULL;
    }
    block_fill(store, store->blocks);
}

uint8_t *text_store_alloc_slow(struct text_store *store, size_t bytes)
{
    struct text_block *current = store->current;
    while (current != NULL && current->next != NULL) { /* kept from the rows before */
        current = current->next;
        block_fill(store, current);
        if (bytes <= (size_t)(store->end - store->at)) return store->at;
    }
    size_t block_bytes = current == NULL ? BLOCK_BYTES_MIN : current->bytes * 2;
    while (block_bytes < bytes + sizeof *current) block_bytes *= 2;
    if (block_bytes > BLOCK_BYTES_MAX) block_bytes = BLOCK_BYTES_MAX;
    assert(bytes + sizeof *current <= block_bytes);

    struct text_block *block = mem_alloc(block_bytes);
    *block = (struct text_block){ .bytes = block_bytes };
    store->bytes += block_bytes;
    if (current == NULL) {
        store->blocks = block;
    } else {
        current->next = block;
    }
    block_fill(store, block);
    return store->at;
}

const uint8_t *text_store_add_large(struct text_store *store, struct bytes text)
{
    assert(text.len <= INT32_MAX);
    uint32_t len = (uint32_t)text.len;
    size_t block_bytes = sizeof(struct text_block) + sizeof len + len;
    struct text_block *block = mem_alloc(block_bytes);
    *block = (struct text_block){ .next = store->large, .bytes = block_bytes };
    store->large = block;
    store->bytes += block_bytes;
    uint8_t *record = (uint8_t *)(block + 1);
    memcpy(record, &len, sizeof len);
    memcpy(record + sizeof len, text.ptr, len);
    return record;
}
