#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct work {
    uint32_t count;
    void (*thing)(void *ctx, uint32_t number);
    void *ctx;
    _Atomic uint32_t next;
};

static void *take_part(void *ctx)
{
    struct work *work = ctx;
    for (;;) {
        uint32_t number = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
        if (number >= work->count) return NULL;
        work->thing(work->ctx, number);
    }
}

void parallel_run(uint32_t count, uint32_t at_once, void (*thing)(void *ctx, uint32_t number), void *ctx)
{
    struct work work = { .count = count, .thing = thing, .ctx = ctx };
    pthread_t threads[PARALLEL_AT_ONCE_MAX];
    uint32_t started = 0, most = at_once < PARALLEL_AT_ONCE_MAX ? at_once : PARALLEL_AT_ONCE_MAX;
    while (started + 1 < most && started + 1 < count && pthread_create(&threads[started], NULL, take_part, &work) == 0)
        started++;
    take_part(&work);
    for (uint32_t t = 0; t < started; t++) pthread_join(threads[t], NULL);
}
