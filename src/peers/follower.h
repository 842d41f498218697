/* follower.h -- follows one peer: asks for changes, copies the segments that are new, takes both in as one step.
 *
 *   thread: GET changes after the last number ──> owners, removed ids, new segments (small ones with their bytes)
 *             ──GET bytes of the large ones──> segment_copy ──> copies_apply ──> the next number
 *
 * An answer is taken in as a whole or not at all: what cannot be copied (listed no more, no room) is asked for anew.
 * Thread: one each; the rest is for any. Memory: an answer, at most FEED_BYTES_MAX, or one piece of a segment. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "timefusion/timefusion.h"
#include <stdatomic.h>

struct http_client;
struct follower;

/* What all followers of a process have in common. */
struct followers {
    struct timefusion *timefusion;
    struct http_client *client;
    const char *scheme;        /* "http" or "https" */
    const char *authorization; /* "Bearer .." */
    uint64_t disk_bytes_max, footer_bytes_max;
    const struct log *log;
    atomic_bool stops; /* cancels what is under way */
    atomic_bool is_full;
    _Atomic uint64_t copied, copied_bytes, failures;
};

MUST_CHECK bool follower_open(struct follower **follower, struct followers *shared, const char *address,
                              struct err *err);
/* Its copies stay as segments/owner.h has it. NULL is fine. */
void follower_close(struct follower *follower);
const char *follower_address(const struct follower *follower);

struct follower_state {
    bool has_answered; /* at least once */
    bool is_away;      /* the last time it was asked it did not answer, or not well */
    bool is_self;      /* it is this process */
    char why[240];     /* of is_away */
};
void follower_state(struct follower *follower, struct follower_state *state);
/* The epoch of the peer as the owner of the partition at present; 0: it has not begun as that. */
uint64_t follower_epoch(struct follower *follower, const char *app_id);
