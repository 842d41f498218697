#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *older;
    size_t bytes; /* with this header */
};
static_assert(sizeof(struct arena_block) % 8 == 0, "pieces behind the header must be aligned");

static const size_t ARENA_BLOCK_BYTES = 64 * 1024;

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){ .block_bytes = block_bytes == 0 ? ARENA_BLOCK_BYTES : block_bytes };
    if (arena->block_bytes < 2 * sizeof(struct arena_block)) {
        arena->block_bytes = 2 * sizeof(struct arena_block);
    }
}

static void blocks_free(struct arena *arena, struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *older = block->older;
        arena->bytes -= block->bytes;
        free(block);
        block = older;
    }
}

void arena_deinit(struct arena *arena)
{
    blocks_free(arena, arena->head);
    assert(arena->bytes == 0);
    arena->head = NULL;
    arena->at = arena->end = NULL;
}

static struct arena_block *block_create(struct arena *arena, size_t bytes)
{
    struct arena_block *block = mem_alloc(bytes);
    block->older = NULL;
    block->bytes = bytes;
    arena->bytes += bytes;
    return block;
}

static void block_fill_from_here(struct arena *arena, struct arena_block *block)
{
    arena->head = block;
    arena->at = (uint8_t *)(block + 1);
    arena->end = (uint8_t *)block + block->bytes;
}

void arena_reset(struct arena *arena)
{
    if (arena->head == NULL) return;
    blocks_free(arena, arena->head->older);
    arena->head->older = NULL;
    /* A block made for one large piece is not worth keeping for a batch of small ones. */
    if (arena->head->bytes > arena->block_bytes) {
        arena_deinit(arena);
        return;
    }
    block_fill_from_here(arena, arena->head);
}

/* bytes is a multiple of 8 and does not fit what is left of the head block. */
void *arena_alloc_slow(struct arena *arena, size_t bytes)
{
    assert(bytes <= SIZE_MAX / 2);
    if (arena->block_bytes == 0) arena_init(arena, 0); /* an all-zero arena is an empty one */

    /* A large piece gets a block of its own behind the head, whose rest stays in use. */
    if (bytes > arena->block_bytes / 4) {
        struct arena_block *block = block_create(arena, sizeof *block + bytes);
        if (arena->head == NULL) {
            arena->head = block;
            arena->at = arena->end = (uint8_t *)block + block->bytes;
        } else {
            block->older = arena->head->older;
            arena->head->older = block;
        }
        return block + 1;
    }
    struct arena_block *block = block_create(arena, arena->block_bytes);
    block->older = arena->head;
    block_fill_from_here(arena, block);
    void *piece = arena->at;
    arena->at += bytes;
    return piece;
}

void *arena_calloc(struct arena *arena, size_t bytes)
{
    void *piece = arena_alloc(arena, bytes);
    if (bytes > 0) memset(piece, 0, bytes);
    return piece;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    if (bytes.len == 0) return (struct bytes){ (const uint8_t *)"", 0 };
    uint8_t *copy = arena_alloc(arena, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    return (struct bytes){ copy, bytes.len };
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(len >= 0); /* the format is ours */
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}
