#include "schedule/scheduler.h"
#include "base/fail.h"
#include "base/ticker.h"
#include <stdio.h>
#include <stdlib.h>

enum { THREADS_MAX = 8, LOOK_MS = 1000, AGAIN_S = 30 };
static const int64_t TEND_US = 60000000;

struct scheduler {
    struct scheduler_options options;
    char owner[THREADS_MAX][JOB_NAME_BYTES + 16];
    pthread_t threads[THREADS_MAX];
    uint32_t started;
    atomic_uint numbered;
    struct ticker ticker;
    atomic_bool stops; /* the same, for work */
};

struct scheduler *scheduler_create(const struct scheduler_options *options)
{
    struct scheduler *scheduler = mem_calloc(1, sizeof *scheduler);
    assert(options->threads >= 1 && options->threads <= THREADS_MAX);
    scheduler->options = *options;
    ticker_init(&scheduler->ticker);
    return scheduler;
}

struct ending {
    struct job_run *run;
    int64_t now_unix_us;
};
static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    struct ending *ending = ctx;
    return job_run_end(session, ending->run, JOB_FAILED, ending->now_unix_us, err);
}

/* What failed for a time is tried again, what is wrong in itself is not. */
static void failed(struct scheduler *scheduler, struct job_run *run, struct err *why)
{
    const struct scheduler_options *options = &scheduler->options;
    int64_t now = options->now_unix_us();
    struct err err = { 0 };
    char text[sizeof why->text + 8];
    snprintf(text, sizeof text, "%s", why->text);
    if (why->code == ERR_CONFLICT && !db_outcome_is_unknown(why)) return; /* another has it */
    run->why = bytes_of_text(text);
    if (!err_is_retryable(why->code)) {
        struct ending ending = { run, now };
        if (!db_transaction(options->db, end_run, &ending, &err))
            log_warn(options->log, "schedule.not_told", log_number("run", run->id), log_text("err", err.text));
        return;
    }
    int64_t at = now + (int64_t)AGAIN_S * 1000000 * run->attempt;
    log_warn(options->log, "schedule.run_failed", log_number("run", run->id), log_number("attempt", run->attempt),
             log_text("err", text));
    if (!job_run_later(options->db, run, at, now, &err))
        log_warn(options->log, "schedule.not_told", log_number("run", run->id), log_text("err", err.text));
}

static bool claim_and_do(struct scheduler *scheduler, const char *owner, bool *is_first)
{
    const struct scheduler_options *options = &scheduler->options;
    struct arena arena;
    struct job_run run;
    struct err err = { 0 };
    bool got = false;
    arena_init(&arena, 0);
    if (!job_claim(options->db, owner, *is_first, options->now_unix_us(), &arena, &run, &got, &err)) {
        log_debug(options->log, "schedule.claim_failed", log_text("err", err.text));
    } else {
        *is_first = got && *is_first; /* until all that was this process's is claimed */
    }
    if (got) {
        fail_point("schedule.claimed");
        if (!options->work(options->ctx, &run, &arena, &scheduler->stops, &err) && !atomic_load(&scheduler->stops))
            failed(scheduler, &run, &err);
    }
    arena_deinit(&arena);
    return got;
}

static void *scheduler_run(void *arg)
{
    struct scheduler *scheduler = arg;
    uint32_t number = atomic_fetch_add(&scheduler->numbered, 1);
    const char *owner = scheduler->owner[number];
    bool is_first = true;
    int64_t tended = 0;
    for (bool goes_on = true; goes_on;) {
        int64_t now = scheduler->options.now_unix_us();
        struct err err = { 0 };
        if (number == 0 && (now - tended >= TEND_US || now < tended)) {
            tended = now;
            if (!jobs_tend(scheduler->options.db, now, &err))
                log_debug(scheduler->options.log, "schedule.tend_failed", log_text("err", err.text));
        }
        bool did = claim_and_do(scheduler, owner, &is_first);
        goes_on = did ? ticker_goes_on(&scheduler->ticker) : ticker_rest(&scheduler->ticker, LOOK_MS);
    }
    return NULL;
}

bool scheduler_start(struct scheduler *scheduler, struct err *err)
{
    for (uint32_t t = 0; t < scheduler->options.threads; t++)
        snprintf(scheduler->owner[t], sizeof scheduler->owner[t], "%.*s/%u", JOB_NAME_BYTES - 1,
                 scheduler->options.owner, t);
    while (scheduler->started < scheduler->options.threads) {
        int failed_with = pthread_create(&scheduler->threads[scheduler->started], NULL, scheduler_run, scheduler);
        if (failed_with != 0) return err_set(err, ERR_MEMORY, "could not start a thread of the scheduler");
        scheduler->started++;
    }
    return true;
}

void scheduler_stop(struct scheduler *scheduler)
{
    if (scheduler == NULL) return;
    atomic_store(&scheduler->stops, true);
    ticker_stop(&scheduler->ticker);
}

void scheduler_close(struct scheduler *scheduler)
{
    if (scheduler == NULL) return;
    scheduler_stop(scheduler);
    for (uint32_t t = 0; t < scheduler->started; t++) pthread_join(scheduler->threads[t], NULL);
    ticker_deinit(&scheduler->ticker);
    free(scheduler);
}
