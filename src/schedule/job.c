#include "schedule/job.h"
#include "ask/zone.h"
#include "meta/db_rows.h"
#include "schedule/job_inside.h"
#include <stdlib.h>

const char *const job_run_state_names[JOB_RUN_STATE_COUNT] = { "running", "done", "failed" };

bool job_when_open(struct job_when *when, struct bytes cadence, struct bytes zone, struct err *err)
{
    *when = (struct job_when){ .zone = NULL };
    return cadence_parse(cadence, &when->cadence, err) && zone_open(&when->zone, zone, err);
}

void job_when_close(struct job_when *when)
{
    zone_close(when->zone);
}

int64_t job_when_next(const struct job_when *when, int64_t after_unix_us)
{
    int64_t after_s = after_unix_us >= 0 ? after_unix_us / 1000000 : 0;
    int64_t next_s = cadence_next(&when->cadence, when->zone, after_s);
    return next_s == INT64_MAX ? INT64_MAX : next_s * 1000000;
}

/* Spread by its number, the same each time: jobs of one hour do not begin at once, and one's distances stay. */
int64_t job_start(int64_t next_unix_us, int64_t id, uint32_t jitter_s)
{
    uint64_t mixed = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
    if (next_unix_us == INT64_MAX || jitter_s == 0) return next_unix_us;
    return next_unix_us + (int64_t)((mixed >> 32) % ((uint64_t)jitter_s * 1000 + 1)) * 1000;
}

bool job_take(void *ctx, struct db_row *row, struct err *err)
{
    struct job_found *found = ctx;
    struct job *job = found->job;
    (void)err;
    *job = (struct job){ .id = db_row_integer(row, 0),
                         .project_id = db_row_uuid(row, 1),
                         .subject = db_text_keep(found->arena, row, 2),
                         .cadence = db_text_keep(found->arena, row, 3),
                         .zone = db_text_keep(found->arena, row, 4),
                         .jitter_s = (uint32_t)db_row_integer(row, 5),
                         .is_paused = db_row_boolean(row, 6),
                         .next_unix_us = db_row_integer(row, 7),
                         .start_unix_us = db_row_integer(row, 8),
                         .asked_unix_us = db_row_integer(row, 9) };
    return true;
}

bool job_find(struct db_session *session, struct arena *arena, struct uuid project_id, struct bytes subject,
              struct job *job, struct err *err)
{
    struct job_found found = { job, arena };
    *job = (struct job){ 0 };
    return db_run(session, "SELECT " JOB_COLUMNS " FROM schedule_jobs WHERE project_id = $1 AND subject = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(subject)), job_take, &found, NULL, err) &&
           (job->id != 0 || err_set(err, ERR_NOT_FOUND, "there is no such job"));
}

static bool job_write(struct db_session *session, struct job *job, const struct job *before, int64_t now_unix_us,
                      const struct job_when *when, struct err *err)
{
    bool stays = before->id != 0 && !before->is_paused && !job->is_paused &&
                 bytes_equal(before->cadence, job->cadence) && bytes_equal(before->zone, job->zone);
    job->next_unix_us = stays ? before->next_unix_us : job_when_next(when, now_unix_us);
    job->asked_unix_us = before->asked_unix_us;
    if (before->id == 0 &&
        !db_run(session,
                "INSERT INTO schedule_jobs(project_id, subject, cadence, zone, jitter_s, is_paused, next_unix_us, "
                "start_unix_us, asked_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $7, 0) RETURNING id",
                DB_VALUES(db_uuid(job->project_id), db_text_bytes(job->subject), db_text_bytes(job->cadence),
                          db_text_bytes(job->zone), db_integer(job->jitter_s), db_boolean(job->is_paused),
                          db_integer(job->next_unix_us)),
                db_take_integer, &job->id, NULL, err))
        return false;
    if (before->id != 0) job->id = before->id;
    job->start_unix_us = job_start(job->next_unix_us, job->id, job->jitter_s);
    return db_run(session,
                  "UPDATE schedule_jobs SET cadence = $2, zone = $3, jitter_s = $4, is_paused = $5, next_unix_us = $6, "
                  "start_unix_us = $7 WHERE id = $1",
                  DB_VALUES(db_integer(job->id), db_text_bytes(job->cadence), db_text_bytes(job->zone),
                            db_integer(job->jitter_s), db_boolean(job->is_paused), db_integer(job->next_unix_us),
                            db_integer(job->start_unix_us)),
                  NULL, NULL, NULL, err);
}

bool job_put(struct db_session *session, struct job *job, int64_t now_unix_us, struct err *err)
{
    struct job before = { 0 };
    struct job_when when;
    struct arena arena;
    struct err none = { 0 };
    if (job->jitter_s > JOB_JITTER_S_MAX) return err_set(err, ERR_INPUT, "the jitter is at most an hour");
    if (!job_when_open(&when, job->cadence, job->zone, err)) return false;
    arena_init(&arena, 0);
    bool ok = job_find(session, &arena, job->project_id, job->subject, &before, &none) || none.code == ERR_NOT_FOUND;
    if (!ok) *err = none;
    ok = ok && job_write(session, job, &before, now_unix_us, &when, err);
    arena_deinit(&arena);
    job_when_close(&when);
    return ok;
}

bool job_delete(struct db_session *session, struct uuid project_id, struct bytes subject, struct err *err)
{
    return db_run(session, "DELETE FROM schedule_jobs WHERE project_id = $1 AND subject = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(subject)), NULL, NULL, NULL, err);
}

bool job_ask(struct db_session *session, struct uuid project_id, struct bytes subject, int64_t now_unix_us,
             struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "UPDATE schedule_jobs SET asked_unix_us = $3 WHERE project_id = $1 AND subject = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(subject), db_integer(now_unix_us)), NULL, NULL, &changed,
                  err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such job"));
}

/* ---- tending ---- */

struct tended {
    int64_t now_unix_us;
    struct arena arena;
    struct job jobs[256];
    uint32_t count;
};
static bool tended_take(void *ctx, struct db_row *row, struct err *err)
{
    struct tended *tended = ctx;
    struct job_found found = { &tended->jobs[tended->count++], &tended->arena };
    return job_take(&found, row, err);
}

static bool tend_run(struct db_session *session, void *ctx, struct err *err)
{
    struct tended *tended = ctx;
    bool ok = true;
    for (uint32_t j = 0; ok && j < tended->count; j++) {
        struct job *job = &tended->jobs[j];
        struct job_when when;
        struct err why = { 0 };
        if (!job_when_open(&when, job->cadence, job->zone, &why)) continue; /* a zone that this machine does not know */
        int64_t next = job_when_next(&when, tended->now_unix_us);
        job_when_close(&when);
        if (job->next_unix_us <= next) continue;
        ok =
            db_run(session,
                   "UPDATE schedule_jobs SET next_unix_us = $2, start_unix_us = $3 WHERE id = $1 AND next_unix_us = $4",
                   DB_VALUES(db_integer(job->id), db_integer(next), db_integer(job_start(next, job->id, job->jitter_s)),
                             db_integer(job->next_unix_us)),
                   NULL, NULL, NULL, err);
    }
    return ok && db_run(session,
                        "DELETE FROM schedule_runs WHERE state <> 0 AND id IN (SELECT id FROM (SELECT id, "
                        "row_number() OVER (PARTITION BY job_id ORDER BY id DESC) AS place FROM schedule_runs) AS runs "
                        "WHERE place > $1)",
                        DB_VALUES(db_integer(JOB_RUNS_KEEP)), NULL, NULL, NULL, err);
}

bool jobs_tend(struct db *db, int64_t now_unix_us, struct err *err)
{
    struct tended *tended = mem_calloc(1, sizeof *tended);
    tended->now_unix_us = now_unix_us;
    arena_init(&tended->arena, 0);
    bool ok = db_read(db,
                      "SELECT " JOB_COLUMNS " FROM schedule_jobs WHERE is_paused = 0 AND next_unix_us > $1"
                      " ORDER BY next_unix_us DESC LIMIT 256",
                      DB_VALUES(db_integer(now_unix_us)), tended_take, tended, err) &&
              db_transaction(db, tend_run, tended, err);
    arena_deinit(&tended->arena);
    free(tended);
    return ok;
}
