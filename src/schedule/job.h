/* job.h -- jobs and their runs in the metadata store: what is due, who has it, what came of it.
 *
 *   job_put --> schedule_jobs --job_claim: due, and nobody has it--> schedule_runs RUNNING --job_run_end--> DONE | FAILED
 *                                 '-- a run whose owner is silent (lease over): the next attempt of the same run
 *
 * Exactly once: a due time has one run (a UNIQUE key), and job_run_end is written in the transaction that writes the run's effects,
 * only by the attempt that has the run. Who was suspended, or believed dead, gets ERR_CONFLICT and must have no effects.
 * Missed times: the last of them becomes the run, the others are counted in it. While a job's run is open no other of it begins.
 * Clocks: `now` is given in. A lease further ahead than JOB_LEASE_US is none (the clock was put back), and so with the next time.
 * Thread: any. Memory: texts in the caller's arena. Errors: those of db.h and cadence.h. Tables: migration 0084. */
#pragma once
#include "base/arena.h"
#include "meta/db.h"
#include "schedule/cadence.h"

#define JOB_LEASE_US      (INT64_C(180) * 1000000)
#define JOB_ATTEMPTS_MAX  5
#define JOB_RUNS_KEEP     200 /* of a job; older ones go */
#define JOB_LOG_BYTES_MAX (64u << 10)
#define JOB_NAME_BYTES    160
#define JOB_JITTER_S_MAX  3600

struct job {
    int64_t id;
    struct uuid project_id;
    struct bytes subject, cadence, zone;
    uint32_t jitter_s; /* it begins up to so long after it is due, each job by its own part of that */
    bool is_paused;
    int64_t next_unix_us, start_unix_us, asked_unix_us; /* next: 0 while it is paused */
};
/* By project and subject: made, or changed to this. Sets id and times; one whose cadence and zone stay keeps its next time. */
MUST_CHECK bool job_put(struct db_session *session, struct job *job, int64_t now_unix_us, struct err *err);
MUST_CHECK bool job_find(struct db_session *session, struct arena *arena, struct uuid project_id, struct bytes subject,
                         struct job *job, struct err *err);
MUST_CHECK bool job_delete(struct db_session *session, struct uuid project_id, struct bytes subject, struct err *err);
/* As soon as may be, paused or not. */
MUST_CHECK bool job_ask(struct db_session *session, struct uuid project_id, struct bytes subject, int64_t now_unix_us,
                        struct err *err);

enum job_run_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_RUN_STATE_COUNT };
extern const char *const job_run_state_names[JOB_RUN_STATE_COUNT]; /* "running", "done", "failed" */
struct job_run {
    int64_t id, job_id;
    struct uuid project_id;
    struct bytes subject, zone; /* of the job */
    int64_t due_unix_us, began_unix_us, ended_unix_us, lease_unix_us;
    bool is_asked;
    uint32_t missed, attempt; /* attempt: from 1 */
    enum job_run_state state;
    struct bytes owner, why, log, figures;
};
/* is_first: of a process that has just started: what its name had before is its own at once. *got false: nothing is to be done. */
MUST_CHECK bool job_claim(struct db *db, const char *owner, bool is_first, int64_t now_unix_us, struct arena *arena,
                          struct job_run *run, bool *got, struct err *err);
/* For another JOB_LEASE_US, with the log so far. ERR_CONFLICT: another has it. */
MUST_CHECK bool job_run_keep(struct db *db, struct job_run *run, int64_t now_unix_us, struct err *err);
/* With run->why, log and figures; state: JOB_DONE or JOB_FAILED. ERR_CONFLICT: another has it, so roll back. */
MUST_CHECK bool job_run_end(struct db_session *session, struct job_run *run, enum job_run_state state,
                            int64_t now_unix_us, struct err *err);
/* It did not work this time: again at that time, by whoever comes first; after JOB_ATTEMPTS_MAX it has failed. */
MUST_CHECK bool job_run_later(struct db *db, struct job_run *run, int64_t at_unix_us, int64_t now_unix_us,
                              struct err *err);
/* Newest first, those below before (0: all); of one job. log is left out of lists. Each answers false to stop. */
MUST_CHECK bool job_runs_list(struct db *db, struct uuid project_id, struct bytes subject, int64_t before,
                              uint32_t limit, bool (*each)(void *ctx, const struct job_run *run), void *ctx,
                              struct err *err);
MUST_CHECK bool job_run_find(struct db *db, struct uuid project_id, int64_t id, struct arena *arena,
                             struct job_run *run, struct err *err);
/* Jobs whose next time is further away than it should be (a clock that was ahead) get it anew; old runs go. Once a minute. */
MUST_CHECK bool jobs_tend(struct db *db, int64_t now_unix_us, struct err *err);
