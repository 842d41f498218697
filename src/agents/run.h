/* run.h -- one run of an agent, from its claim to its report and deliveries: what the scheduler's threads do.
 *
 *   run --agent_find--> collect --> think (if it is to) --> one transaction: report, deliveries, job_run_end
 *
 * Exactly once: report and deliveries stand in the transaction that ends the run, which only the run's newest attempt can write. An
 * attempt that dies before has read, and may have asked the model, and that is all.
 * Thread: any number of agents_work at once. */
#pragma once
#include "agents/evidence.h"
#include "base/log.h"
struct llm;

struct agents_options {
    struct db *db;
    struct llm *llm; /* NULL: none */
    const struct log *log;
    struct agent_tools tools;
    int64_t (*now_unix_us)(void);
};
/* As scheduler_options.work; ctx: struct agents_options. */
MUST_CHECK bool agents_work(void *ctx, struct job_run *run, struct arena *arena, const atomic_bool *stops,
                            struct err *err);
