/* arena.h -- memory that lives until the batch is done.
 *
 *   arena --> [block 64 KiB][block][block that fits one large piece] ...   freed together
 *
 * Thread: one owner. Memory: aborts when there is none; arena_bytes tells what is held.
 * Pieces are 8-byte aligned and not zeroed, except by arena_calloc; one of 0 bytes may be NULL. An arena
 * of all zeros is an empty one. */
#pragma once
#include "base/bytes.h"

struct arena_block;
struct arena {
    struct arena_block *head; /* the block being filled, older ones behind it */
    uint8_t *at, *end;
    size_t bytes; /* held from malloc, all blocks */
    size_t block_bytes;
};

void arena_init(struct arena *arena, size_t block_bytes); /* 0: 64 KiB */
void arena_deinit(struct arena *arena);
/* Forgets all pieces; keeps one block for the next batch. */
void arena_reset(struct arena *arena);
void *arena_alloc_slow(struct arena *arena, size_t bytes);
static inline void *arena_alloc(struct arena *arena, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (unlikely(bytes > (size_t)(arena->end - arena->at))) return arena_alloc_slow(arena, bytes);
    void *piece = arena->at;
    if (likely(bytes > 0)) arena->at += bytes; /* there may be no block yet */
    return piece;
}
void *arena_calloc(struct arena *arena, size_t bytes);
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
