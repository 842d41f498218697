/* Runs of jobs: claimed, kept, ended. */
#include "meta/db_rows.h"
#include "schedule/job_inside.h"
#include <stdlib.h>

#define RUN_COLUMNS                                                                                      \
    "r.id, r.job_id, r.project_id, j.subject, j.zone, r.due_unix_us, r.began_unix_us, r.ended_unix_us, " \
    "r.lease_unix_us, "                                                                                  \
    "r.is_asked, r.missed, r.attempt, r.state, r.owner, r.why, r.figures"
#define RUN_FROM " FROM schedule_runs AS r JOIN schedule_jobs AS j ON j.id = r.job_id "

struct run_found {
    struct job_run *run;
    struct arena *arena;
    bool (*each)(void *ctx, const struct job_run *run);
    void *ctx;
    bool is_over;
};
static bool run_take(void *ctx, struct db_row *row, struct err *err)
{
    struct run_found *found = ctx;
    struct arena *arena = found->arena;
    (void)err;
    if (found->is_over) return true;
    *found->run = (struct job_run){ .id = db_row_integer(row, 0),
                                    .job_id = db_row_integer(row, 1),
                                    .project_id = db_row_uuid(row, 2),
                                    .subject = db_text_keep(arena, row, 3),
                                    .zone = db_text_keep(arena, row, 4),
                                    .due_unix_us = db_row_integer(row, 5),
                                    .began_unix_us = db_row_integer(row, 6),
                                    .ended_unix_us = db_row_integer(row, 7),
                                    .lease_unix_us = db_row_integer(row, 8),
                                    .is_asked = db_row_boolean(row, 9),
                                    .missed = (uint32_t)db_row_integer(row, 10),
                                    .attempt = (uint32_t)db_row_integer(row, 11),
                                    .state = (enum job_run_state)(db_row_integer(row, 12) % JOB_RUN_STATE_COUNT),
                                    .owner = db_text_keep(arena, row, 13),
                                    .why = db_text_keep(arena, row, 14),
                                    .figures = db_text_keep(arena, row, 15) };
    if (row->value_count > 16) found->run->log = db_text_keep(arena, row, 16);
    if (found->each != NULL) found->is_over = !found->each(found->ctx, found->run);
    return true;
}

/* ---- claiming ---- */

struct claim {
    const char *owner;
    bool is_first;
    int64_t now_unix_us;
    struct arena *arena;
    struct job_run *run;
};

/* An open run that nobody looks after: the next attempt. */
static bool silent_claim(struct db_session *session, struct claim *claim, struct err *err)
{
    struct run_found found = { .run = claim->run, .arena = claim->arena };
    *claim->run = (struct job_run){ 0 };
    if (!db_run(session,
                "SELECT " RUN_COLUMNS RUN_FROM "WHERE r.state = 0 AND (r.lease_unix_us <= $1 OR r.lease_unix_us > $2 "
                "OR (r.owner = $3 AND $4 = 1)) ORDER BY r.lease_unix_us LIMIT 1",
                DB_VALUES(db_integer(claim->now_unix_us), db_integer(claim->now_unix_us + 2 * JOB_LEASE_US),
                          db_text(claim->owner), db_boolean(claim->is_first)),
                run_take, &found, NULL, err))
        return false;
    if (claim->run->id == 0) return true;
    bool is_over = claim->run->attempt >= JOB_ATTEMPTS_MAX;
    claim->run->attempt++;
    claim->run->owner = bytes_of_text(claim->owner);
    claim->run->lease_unix_us = claim->now_unix_us + JOB_LEASE_US;
    bool ok = db_run(session,
                     "UPDATE schedule_runs SET attempt = $2, owner = $3, lease_unix_us = $4, state = $5, why = $6, "
                     "ended_unix_us = $7 WHERE id = $1",
                     DB_VALUES(db_integer(claim->run->id), db_integer(claim->run->attempt), db_text(claim->owner),
                               db_integer(claim->run->lease_unix_us), db_integer(is_over ? JOB_FAILED : JOB_RUNNING),
                               db_text(is_over ? "given up: five attempts did not come to their end" : ""),
                               db_integer(is_over ? claim->now_unix_us : 0)),
                     NULL, NULL, NULL, err);
    if (is_over) claim->run->id = 0; /* that was all there was to do */
    return ok;
}

/* The last due time that has come becomes the run, and the job waits for the next. */
static bool due_move(struct db_session *session, const struct claim *claim, const struct job *due, int64_t *due_unix_us,
                     uint32_t *missed, struct err *err)
{
    struct job_when when;
    struct err why = { 0 };
    int64_t next = INT64_MAX;
    *missed = 0;
    *due_unix_us = due->next_unix_us;
    if (job_when_open(&when, due->cadence, due->zone, &why)) {
        uint32_t later = 0;
        int64_t last_s =
            cadence_last(&when.cadence, when.zone, due->next_unix_us / 1000000, claim->now_unix_us / 1000000, &later);
        if (later > 0) *due_unix_us = last_s * 1000000;
        *missed = later;
        next = job_when_next(&when, *due_unix_us > claim->now_unix_us ? *due_unix_us : claim->now_unix_us);
    }
    job_when_close(&when);
    /* A zone that this machine does not know: another may know it, so the job waits an hour. */
    if (next == INT64_MAX) next = claim->now_unix_us + INT64_C(3600000000);
    return db_run(session, "UPDATE schedule_jobs SET next_unix_us = $2, start_unix_us = $3 WHERE id = $1",
                  DB_VALUES(db_integer(due->id), db_integer(next), db_integer(job_start(next, due->id, due->jitter_s))),
                  NULL, NULL, NULL, err);
}

static bool due_claim(struct db_session *session, struct claim *claim, struct err *err)
{
    struct job due = { 0 };
    struct job_found found = { &due, claim->arena };
    struct job_run *run = claim->run;
    if (!db_run(session,
                "SELECT " JOB_COLUMNS " FROM schedule_jobs"
                " WHERE (asked_unix_us > 0 OR (is_paused = 0 AND start_unix_us <= $1)) AND NOT EXISTS "
                "(SELECT 1 FROM schedule_runs WHERE job_id = schedule_jobs.id AND state = 0)"
                " ORDER BY CASE WHEN asked_unix_us > 0 THEN 0 ELSE start_unix_us END LIMIT 1",
                DB_VALUES(db_integer(claim->now_unix_us)), job_take, &found, NULL, err))
        return false;
    if (due.id == 0) return true;
    *run = (struct job_run){ .job_id = due.id,
                             .project_id = due.project_id,
                             .subject = due.subject,
                             .zone = due.zone,
                             .due_unix_us = due.asked_unix_us,
                             .is_asked = due.asked_unix_us > 0,
                             .attempt = 1,
                             .owner = bytes_of_text(claim->owner),
                             .began_unix_us = claim->now_unix_us,
                             .lease_unix_us = claim->now_unix_us + JOB_LEASE_US };
    bool ok = run->is_asked ? db_run(session, "UPDATE schedule_jobs SET asked_unix_us = 0 WHERE id = $1",
                                     DB_VALUES(db_integer(due.id)), NULL, NULL, NULL, err)
                            : due_move(session, claim, &due, &run->due_unix_us, &run->missed, err);
    /* One that was there already was run: the clock has gone back. */
    return ok && db_run(session,
                        "INSERT INTO schedule_runs(job_id, project_id, due_unix_us, is_asked, missed, state, attempt, "
                        "owner, lease_unix_us, began_unix_us, ended_unix_us, why, log, figures) "
                        "VALUES($1, $2, $3, $4, $5, 0, 1, $6, $7, $8, 0, '', '', '') "
                        "ON CONFLICT(job_id, due_unix_us, is_asked) DO NOTHING RETURNING id",
                        DB_VALUES(db_integer(due.id), db_uuid(due.project_id), db_integer(run->due_unix_us),
                                  db_boolean(run->is_asked), db_integer(run->missed), db_text(claim->owner),
                                  db_integer(run->lease_unix_us), db_integer(claim->now_unix_us)),
                        db_take_integer, &run->id, NULL, err);
}

static bool claim_run(struct db_session *session, void *ctx, struct err *err)
{
    struct claim *claim = ctx;
    if (!silent_claim(session, claim, err)) return false;
    return claim->run->id != 0 || due_claim(session, claim, err);
}

static bool any_take(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(bool *)ctx = db_row_integer(row, 0) != 0;
    return true;
}

bool job_claim(struct db *db, const char *owner, bool is_first, int64_t now_unix_us, struct arena *arena,
               struct job_run *run, bool *got, struct err *err)
{
    struct claim claim = { owner, is_first, now_unix_us, arena, run };
    bool is_any = false;
    *got = false;
    *run = (struct job_run){ 0 };
    /* Each second there is mostly nothing: asked without a writer's lock. */
    if (!db_read(db,
                 "SELECT CASE WHEN EXISTS(SELECT 1 FROM schedule_jobs WHERE asked_unix_us > 0 OR "
                 "(is_paused = 0 AND start_unix_us <= $1)) OR EXISTS(SELECT 1 FROM schedule_runs WHERE state = 0 AND "
                 "(lease_unix_us <= $1 OR lease_unix_us > $2 OR (owner = $3 AND $4 = 1))) THEN 1 ELSE 0 END",
                 DB_VALUES(db_integer(now_unix_us), db_integer(now_unix_us + 2 * JOB_LEASE_US), db_text(owner),
                           db_boolean(is_first)),
                 any_take, &is_any, err))
        return false;
    if (!is_any) return true;
    if (!db_transaction(db, claim_run, &claim, err)) return false;
    *got = run->id != 0;
    return true;
}

/* ---- having ---- */

static bool lost(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "another process has taken over this run");
}

struct having {
    struct job_run *run;
    int64_t at_unix_us, now_unix_us;
};
static bool keep_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct having *having = ctx;
    int64_t changed = 0;
    return db_run(session,
                  "UPDATE schedule_runs SET lease_unix_us = $3, log = $4, figures = $5, why = $6 WHERE id = $1 AND "
                  "attempt = $2 AND state = 0",
                  DB_VALUES(db_integer(having->run->id), db_integer(having->run->attempt),
                            db_integer(having->at_unix_us), db_text_bytes(having->run->log),
                            db_text_bytes(having->run->figures), db_text_bytes(having->run->why)),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || lost(err));
}

bool job_run_keep(struct db *db, struct job_run *run, int64_t now_unix_us, struct err *err)
{
    struct having having = { run, now_unix_us + JOB_LEASE_US, now_unix_us };
    run->lease_unix_us = having.at_unix_us;
    return db_transaction(db, keep_run, &having, err);
}

static bool later_run(struct db_session *session, void *ctx, struct err *err)
{
    struct having *having = ctx;
    if (having->run->attempt >= JOB_ATTEMPTS_MAX)
        return job_run_end(session, having->run, JOB_FAILED, having->now_unix_us, err);
    return keep_run(session, ctx, err);
}

bool job_run_later(struct db *db, struct job_run *run, int64_t at_unix_us, int64_t now_unix_us, struct err *err)
{
    struct having having = { run, at_unix_us, now_unix_us };
    return db_transaction(db, later_run, &having, err);
}

bool job_run_end(struct db_session *session, struct job_run *run, enum job_run_state state, int64_t now_unix_us,
                 struct err *err)
{
    int64_t changed = 0;
    assert(state == JOB_DONE || state == JOB_FAILED);
    return db_run(session,
                  "UPDATE schedule_runs SET state = $3, ended_unix_us = $4, why = $5, log = $6, figures = $7 "
                  "WHERE id = $1 AND attempt = $2 AND state = 0",
                  DB_VALUES(db_integer(run->id), db_integer(run->attempt), db_integer(state), db_integer(now_unix_us),
                            db_text_bytes(run->why), db_text_bytes(run->log), db_text_bytes(run->figures)),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || lost(err));
}

/* ---- looking ---- */

bool job_runs_list(struct db *db, struct uuid project_id, struct bytes subject, int64_t before, uint32_t limit,
                   bool (*each)(void *ctx, const struct job_run *run), void *ctx, struct err *err)
{
    struct job_run run;
    struct arena arena;
    struct run_found found = { .run = &run, .arena = &arena, .each = each, .ctx = ctx };
    arena_init(&arena, 0);
    bool ok = db_read(db,
                      "SELECT " RUN_COLUMNS RUN_FROM "WHERE r.project_id = $1 AND j.subject = $2 AND r.id < $3 "
                      "ORDER BY r.id DESC LIMIT $4",
                      DB_VALUES(db_uuid(project_id), db_text_bytes(subject),
                                db_integer(before > 0 ? before : INT64_MAX), db_integer(limit)),
                      run_take, &found, err);
    arena_deinit(&arena);
    return ok;
}

bool job_run_find(struct db *db, struct uuid project_id, int64_t id, struct arena *arena, struct job_run *run,
                  struct err *err)
{
    struct run_found found = { .run = run, .arena = arena };
    *run = (struct job_run){ 0 };
    return db_read(db, "SELECT " RUN_COLUMNS ", r.log" RUN_FROM "WHERE r.project_id = $1 AND r.id = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(id)), run_take, &found, err) &&
           (run->id != 0 || err_set(err, ERR_NOT_FOUND, "there is no such run"));
}
