#include "base/ticker.h"
#include "base/clock.h"
#include <errno.h>
#include <time.h>

void ticker_init(struct ticker *ticker)
{
    pthread_condattr_t monotonic;
    ticker->stops = false;
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->wakes, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void ticker_deinit(struct ticker *ticker)
{
    pthread_cond_destroy(&ticker->wakes);
    pthread_mutex_destroy(&ticker->lock);
}

bool ticker_rest(struct ticker *ticker, uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000;
    const struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000),
                                    .tv_nsec = (long)(until_ns % 1000000000) };
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->stops && pthread_cond_timedwait(&ticker->wakes, &ticker->lock, &until) != ETIMEDOUT) {}
    bool goes_on = !ticker->stops;
    pthread_mutex_unlock(&ticker->lock);
    return goes_on;
}

bool ticker_goes_on(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    bool goes_on = !ticker->stops;
    pthread_mutex_unlock(&ticker->lock);
    return goes_on;
}

void ticker_stop(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    ticker->stops = true;
    pthread_cond_broadcast(&ticker->wakes);
    pthread_mutex_unlock(&ticker->lock);
}
