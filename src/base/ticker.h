/* ticker.h -- what a thread rests by that does something now and then, until it is told to end.
 *
 *   thread: do look(); while (ticker_rest(&ticker, 5000))        owner: ticker_stop; pthread_join; ticker_deinit
 *
 * Of the monotonic clock: it does not matter who sets the other one. Several threads may rest by one.
 * Thread: any; init and deinit: the owner. Memory: none. Errors: none. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ticker {
    pthread_mutex_t lock; /* guards stops */
    pthread_cond_t wakes;
    bool stops;
};
void ticker_init(struct ticker *ticker);
void ticker_deinit(struct ticker *ticker);
/* For so long, or until ticker_stop. False: it is to end. */
bool ticker_rest(struct ticker *ticker, uint64_t ms);
bool ticker_goes_on(struct ticker *ticker); /* without a rest */
void ticker_stop(struct ticker *ticker);    /* from now on nobody rests */
