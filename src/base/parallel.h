/* parallel.h -- a few things that wait (for a store, for a disk), done side by side.
 *
 *   parallel_run(count, at_once, thing, ctx): thing(ctx, 0) .. thing(ctx, count - 1), in any order, on this thread and up to
 *   at_once - 1 others that live for the call; returns when all have ended. One alone runs right here.
 *
 * Thread: any. Errors: none: when no thread can be had the rest runs here, one after the other. */
#pragma once
#include <stdint.h>

#define PARALLEL_AT_ONCE_MAX 32u
void parallel_run(uint32_t count, uint32_t at_once, void (*thing)(void *ctx, uint32_t number), void *ctx);
