/* scheduler.h -- the threads that claim what is due and do it.
 *
 *   each second: job_claim --> work(run) --true: it has ended the run itself, with its effects
 *                                 '--false: again after a while, or it has failed for good (err is its why)
 *
 * work gets a run that it has for JOB_LEASE_US, and calls job_run_keep now and then when it takes longer. It ends it by job_run_end
 * in the transaction of its effects. *stops becomes true when the process stops: it then returns soon; the next process goes on.
 * Thread: scheduler_start and _close: one; work: the scheduler's own threads. Memory: an arena a run. */
#pragma once
#include "base/log.h"
#include "schedule/job.h"
#include <stdatomic.h>
struct scheduler;

struct scheduler_options {
    struct db *db;
    const struct log *log;
    const char *owner; /* of this process: the same after a restart */
    uint32_t threads;
    int64_t (*now_unix_us)(void);
    bool (*work)(void *ctx, struct job_run *run, struct arena *arena, const atomic_bool *stops, struct err *err);
    void *ctx;
};
struct scheduler *scheduler_create(const struct scheduler_options *options);
MUST_CHECK bool scheduler_start(struct scheduler *scheduler, struct err *err);
void scheduler_stop(struct scheduler *scheduler);  /* says so: what runs is to end soon. NULL is fine */
void scheduler_close(struct scheduler *scheduler); /* and waits for it. NULL is fine */
