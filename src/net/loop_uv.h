/* loop_uv.h -- for files of net/ that put libuv handles on a loop. */
#pragma once
#include <uv.h>

#include "net/loop.h"

uv_loop_t *loop_uv(struct loop *loop);
/* Is this the loop's own thread? */
bool loop_is_here(const struct loop *loop);
/* Runs fn(ctx) on the loop's thread and waits for its end; straight away when the loop is stopped.
 * Not on the loop's thread. */
void loop_call(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* One turn without waiting, on the caller's thread. The loop must have been stopped. */
void loop_turn(struct loop *loop);
