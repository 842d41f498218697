/* job_inside.h -- what the files of jobs share. Thread: any. */
#pragma once
#include "schedule/job.h"
struct zone;

struct job_when {
    struct cadence cadence;
    struct zone *zone;
};
/* job_when_close is to be called also after it failed. */
MUST_CHECK bool job_when_open(struct job_when *when, struct bytes cadence, struct bytes zone, struct err *err);
void job_when_close(struct job_when *when);
int64_t job_when_next(const struct job_when *when, int64_t after_unix_us); /* INT64_MAX: never */
int64_t job_start(int64_t next_unix_us, int64_t id, uint32_t jitter_s);

struct job_found {
    struct job *job;
    struct arena *arena;
};
#define JOB_COLUMNS \
    "id, project_id, subject, cadence, zone, jitter_s, is_paused, next_unix_us, start_unix_us, asked_unix_us"
bool job_take(void *ctx, struct db_row *row, struct err *err); /* a row of them into a struct job_found */
