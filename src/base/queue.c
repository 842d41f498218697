#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue_slot {
    void *item;
    uint64_t weight;
};

struct queue {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t has_items, has_room;
    uint32_t items_max, count, first; /* slots[first] is the oldest */
    uint64_t weight_max, weight;
    bool is_closed;
    struct queue_slot slots[];
};

struct queue *queue_create(uint32_t items_max, uint64_t weight_max)
{
    assert(items_max > 0 && items_max <= UINT32_MAX / 2);
    struct queue *queue = mem_calloc(1, sizeof *queue + items_max * sizeof(struct queue_slot));
    queue->items_max = items_max;
    queue->weight_max = weight_max;
    pthread_condattr_t monotonic; /* a stepped wall clock must not stretch a wait */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->has_items, &monotonic);
    pthread_cond_init(&queue->has_room, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return queue;
}

void queue_destroy(struct queue *queue)
{
    if (queue == NULL) return;
    assert(queue->count == 0);
    pthread_cond_destroy(&queue->has_room);
    pthread_cond_destroy(&queue->has_items);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* An item heavier than weight_max is let into an empty queue: waiting would not make it lighter. */
static bool room_is_there(const struct queue *queue, uint64_t weight)
{
    if (queue->count == 0) return true;
    if (queue->count == queue->items_max) return false;
    return queue->weight <= queue->weight_max && weight <= queue->weight_max - queue->weight;
}

static void item_put(struct queue *queue, void *item, uint64_t weight)
{
    uint32_t slot = (queue->first + queue->count) % queue->items_max;
    queue->slots[slot] = (struct queue_slot){ item, weight };
    queue->count++;
    queue->weight += weight;
    pthread_cond_signal(&queue->has_items);
}

bool queue_push(struct queue *queue, void *item, uint64_t weight)
{
    pthread_mutex_lock(&queue->lock);
    bool is_taken = !queue->is_closed && room_is_there(queue, weight);
    if (is_taken) item_put(queue, item, weight);
    pthread_mutex_unlock(&queue->lock);
    return is_taken;
}

bool queue_has_room(struct queue *queue, uint64_t weight)
{
    pthread_mutex_lock(&queue->lock);
    bool has_room = !queue->is_closed && room_is_there(queue, weight);
    pthread_mutex_unlock(&queue->lock);
    return has_room;
}

bool queue_push_wait(struct queue *queue, void *item, uint64_t weight)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->is_closed && !room_is_there(queue, weight)) {
        pthread_cond_wait(&queue->has_room, &queue->lock);
    }
    bool is_taken = !queue->is_closed;
    if (is_taken) item_put(queue, item, weight);
    pthread_mutex_unlock(&queue->lock);
    return is_taken;
}

static struct timespec deadline_after_ms(int timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Returns with an item there, or the queue closed, or the time over. Under the lock. */
static void items_wait(struct queue *queue, int timeout_ms)
{
    if (timeout_ms < 0) {
        while (queue->count == 0 && !queue->is_closed) pthread_cond_wait(&queue->has_items, &queue->lock);
        return;
    }
    if (timeout_ms == 0) return;
    struct timespec deadline = deadline_after_ms(timeout_ms);
    int failed = 0;
    while (queue->count == 0 && !queue->is_closed && failed != ETIMEDOUT) {
        failed = pthread_cond_timedwait(&queue->has_items, &queue->lock, &deadline);
    }
}

uint32_t queue_pop(struct queue *queue, void **items, uint32_t max, int timeout_ms, bool *closed)
{
    assert(max > 0);
    pthread_mutex_lock(&queue->lock);
    items_wait(queue, timeout_ms);
    uint32_t count = queue->count < max ? queue->count : max;
    for (uint32_t i = 0; i < count; i++) {
        struct queue_slot *slot = &queue->slots[queue->first];
        items[i] = slot->item;
        queue->weight -= slot->weight;
        queue->first = (queue->first + 1) % queue->items_max;
    }
    queue->count -= count;
    *closed = queue->is_closed && count == 0;
    if (count > 0) pthread_cond_broadcast(&queue->has_room); /* waiters differ in the room they need */
    pthread_mutex_unlock(&queue->lock);
    return count;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->has_items);
    pthread_cond_broadcast(&queue->has_room);
    pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_weight(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t weight = queue->weight;
    pthread_mutex_unlock(&queue->lock);
    return weight;
}
