/* loop.h -- an event loop with its thread (libuv), and a way for other threads to run something on it.
 *
 * Thread: loop_open starts one; callbacks run on it and must not block. loop_post is for any thread.
 * Memory: a posted task is owned by the loop until it has run. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
struct loop;
MUST_CHECK bool loop_open(struct loop **loop, struct err *err);
/* Runs fn(ctx) on the loop's thread, in the order of the posts; one wake-up serves many. */
void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* Stops the thread when its turn is done, joins it; NULL is fine. Then close what lived on the loop, then: */
void loop_stop(struct loop *loop);
void loop_close(struct loop *loop);
