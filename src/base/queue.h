/* queue.h -- a bounded queue of pointers between threads; a push hands the message over.
 *
 * Bounded twice: by items and by the sum of the weights (bytes) that the pushers state.
 * Thread: any number of pushers and poppers; one mutex inside, nothing waits under it but the pop.
 * Errors: queue_push answers false when full or closed: tell the client ERR_BUSY, never pile up. An item
 *         heavier than weight_max is taken when the queue is empty, so that it cannot wait for ever. */
#pragma once
#include "base/bytes.h"
struct queue;
struct queue *queue_create(uint32_t items_max, uint64_t weight_max);
void queue_destroy(struct queue *queue); /* must be empty of owned messages */
MUST_CHECK bool queue_push(struct queue *queue, void *item, uint64_t weight);
/* Would queue_push take it now? */
bool queue_has_room(struct queue *queue, uint64_t weight);
/* As queue_push, but waits for room; false only when closed. */
MUST_CHECK bool queue_push_wait(struct queue *queue, void *item, uint64_t weight);
/* Waits up to timeout_ms (-1: for ever). Up to max items into items; 0 when none came or, with
 * *closed set, when the queue is closed and empty. */
uint32_t queue_pop(struct queue *queue, void **items, uint32_t max, int timeout_ms, bool *closed);
void queue_close(struct queue *queue); /* pushes fail from now on; what is in comes out still */
uint64_t queue_weight(struct queue *queue);
