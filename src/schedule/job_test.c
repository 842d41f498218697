#include "base/clock.h"
#include "meta/db_fixture.h"
#include "meta/meta.h"
#include "schedule/scheduler.h"

#define HOUR_US INT64_C(3600000000)
static const int64_t start_us = INT64_C(1795860000) * 1000000; /* 2026-11-28 10:00 UTC */
static const struct uuid project = { .bytes = { 7 } };

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    db_fixture_open(fixture);
    db_fixture_run(fixture->db, "INSERT INTO projects(id, name, created_unix_ms) VALUES("
                                "'07000000-0000-0000-0000-000000000000', 'shop', 1)");
    db_fixture_run(fixture->db, "CREATE TABLE effects(run bigint NOT NULL)");
    return 0;
}

static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

static bool put_work(struct db_session *session, void *ctx, struct err *err)
{
    struct job *job = ctx;
    return job_put(session, job, job->asked_unix_us, err); /* asked: where the test has its clock */
}
static struct job put(struct db *db, const char *subject, const char *cadence, const char *zone, int64_t now)
{
    struct job job = { .project_id = project,
                       .subject = bytes_of_text(subject),
                       .cadence = bytes_of_text(cadence),
                       .zone = bytes_of_text(zone),
                       .asked_unix_us = now };
    assert_int_equal(db_fixture_did(db, put_work, &job), ERR_OK);
    return job;
}

static struct job_run claim(struct db *db, const char *owner, bool is_first, int64_t now, bool expected)
{
    static struct arena arena;
    struct job_run run;
    struct err err = { 0 };
    bool got;
    arena_deinit(&arena);
    arena_init(&arena, 0);
    if (!job_claim(db, owner, is_first, now, &arena, &run, &got, &err)) fail_msg("%s", err.text);
    assert_int_equal(got, expected);
    return run;
}

struct ending {
    struct job_run *run;
    int64_t now;
};
static bool end_work(struct db_session *session, void *ctx, struct err *err)
{
    struct ending *ending = ctx;
    return db_run(session, "INSERT INTO effects(run) VALUES($1)", DB_VALUES(db_integer(ending->run->id)), NULL, NULL,
                  NULL, err) &&
           job_run_end(session, ending->run, JOB_DONE, ending->now, err);
}
static enum err_code end(struct db *db, struct job_run *run, int64_t now)
{
    return db_fixture_did(db, end_work, &(struct ending){ run, now });
}

static void test_due(void **state)
{
    struct db *db = ((struct db_fixture *)*state)->db;
    struct job job = put(db, "agent/1", "hourly", "UTC", start_us + 60000000);
    assert_int_equal(job.next_unix_us, start_us + HOUR_US);
    claim(db, "a", false, start_us + HOUR_US - 1, false);
    struct job_run run = claim(db, "a", false, start_us + HOUR_US, true);
    assert_int_equal(run.due_unix_us, start_us + HOUR_US);
    assert_int_equal(run.missed, 0);
    claim(db, "b", false, start_us + HOUR_US, false); /* it is under way */
    assert_int_equal(end(db, &run, start_us + HOUR_US + 1), ERR_OK);
    claim(db, "b", false, start_us + HOUR_US + 2, false);
    /* Five hours away: one run, the last of them. */
    run = claim(db, "b", false, start_us + 6 * HOUR_US + 5, true);
    assert_int_equal(run.due_unix_us, start_us + 6 * HOUR_US);
    assert_int_equal(run.missed, 4);
    assert_int_equal(end(db, &run, start_us + 6 * HOUR_US + 9), ERR_OK);
    claim(db, "b", false, start_us + 6 * HOUR_US + 10, false);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM effects"), 2);
}

/* Goal: who has died or was thought dead has no effects; the run is done once by another. */
static void test_leases(void **state)
{
    struct db *db = ((struct db_fixture *)*state)->db;
    struct err err = { 0 };
    int64_t now = start_us + HOUR_US;
    put(db, "agent/1", "hourly", "UTC", start_us);
    struct job_run dead = claim(db, "a/0", false, now, true);
    claim(db, "b/0", false, now + JOB_LEASE_US - 1, false);
    assert_true(job_run_keep(db, &dead, now + JOB_LEASE_US - 1, &err));
    claim(db, "b/0", false, now + JOB_LEASE_US + 1, false);
    now += 2 * JOB_LEASE_US;
    struct job_run run = claim(db, "b/0", false, now, true);
    assert_int_equal(run.id, dead.id);
    assert_int_equal(run.attempt, 2);
    assert_false(job_run_keep(db, &dead, now, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(end(db, &dead, now), ERR_CONFLICT);
    assert_int_equal(end(db, &run, now), ERR_OK);
    assert_int_equal(end(db, &run, now), ERR_CONFLICT); /* nor twice by the same */
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM effects"), 1);
    /* What a process had before its restart it has at once. */
    now = start_us + 2 * HOUR_US;
    run = claim(db, "b/0", false, now, true);
    run = claim(db, "b/0", true, now + 1, true);
    assert_int_equal(run.attempt, 2);
    /* Five attempts that came to no end are enough. */
    for (uint32_t n = 0; n < 3; n++) run = claim(db, "b/0", true, now + 2, true);
    claim(db, "b/0", true, now + 3, false);
    assert_int_equal(db_fixture_number(db, "SELECT state FROM schedule_runs ORDER BY id DESC LIMIT 1"), JOB_FAILED);
    claim(db, "b/0", false, start_us + 3 * HOUR_US, true); /* and the job goes on */
}

/* Goal: clocks that jump: back, nothing runs twice; far ahead and back again, the job does not wait for that time. */
static void test_clock_jumps(void **state)
{
    struct db *db = ((struct db_fixture *)*state)->db;
    struct err err = { 0 };
    int64_t year = 365 * 24 * HOUR_US;
    put(db, "agent/1", "hourly", "UTC", start_us);
    struct job_run run = claim(db, "a", false, start_us + HOUR_US, true);
    assert_int_equal(end(db, &run, start_us + HOUR_US), ERR_OK);
    /* An hour back: the next time stays what it was. */
    assert_true(jobs_tend(db, start_us - HOUR_US / 2, &err));
    run = claim(db, "a", false, start_us, true); /* a time that had not been run */
    assert_int_equal(end(db, &run, start_us), ERR_OK);
    claim(db, "a", false, start_us + HOUR_US, false); /* one that had */
    run = claim(db, "a", false, start_us + 2 * HOUR_US, true);
    assert_int_equal(run.missed, 0);
    assert_int_equal(end(db, &run, start_us + 2 * HOUR_US), ERR_OK);
    /* A year ahead: one run. Back: it goes on from today. */
    run = claim(db, "a", false, start_us + year, true);
    assert_true(run.missed > 8000);
    assert_int_equal(end(db, &run, start_us + year), ERR_OK);
    claim(db, "a", false, start_us + 3 * HOUR_US, false);
    assert_true(jobs_tend(db, start_us + 3 * HOUR_US - 1, &err));
    run = claim(db, "a", false, start_us + 3 * HOUR_US, true);
    /* A lease from a time that was ahead is none. */
    assert_true(job_run_keep(db, &run, start_us + year, &err));
    run = claim(db, "b", false, start_us + 3 * HOUR_US + 1, true);
    assert_int_equal(run.attempt, 2);
    assert_int_equal(end(db, &run, start_us + 3 * HOUR_US + 2), ERR_OK);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) - count(DISTINCT run) FROM effects"), 0);
}

static bool ask_work(struct db_session *session, void *ctx, struct err *err)
{
    return job_ask(session, project, BYTES("agent/1"), *(int64_t *)ctx, err);
}

/* Goal: a paused job runs when it is asked for, and only then; a changed one gets its new time; jitter is within its bound. */
static void test_pause_ask_change(void **state)
{
    struct db *db = ((struct db_fixture *)*state)->db;
    int64_t now = start_us + 5000000;
    struct job job = { .project_id = project,
                       .subject = BYTES("agent/1"),
                       .cadence = BYTES("hourly"),
                       .zone = BYTES("UTC"),
                       .is_paused = true,
                       .asked_unix_us = start_us };
    assert_int_equal(db_fixture_did(db, put_work, &job), ERR_OK);
    claim(db, "a", false, start_us + 5 * HOUR_US, false);
    assert_int_equal(db_fixture_did(db, ask_work, &now), ERR_OK);
    struct job_run run = claim(db, "a", false, now + 1, true);
    assert_true(run.is_asked);
    assert_int_equal(end(db, &run, now + 2), ERR_OK);
    claim(db, "a", false, now + 3, false);
    job.is_paused = false;
    job.jitter_s = 600;
    job.cadence = BYTES("daily 12:00");
    job.asked_unix_us = now;
    assert_int_equal(db_fixture_did(db, put_work, &job), ERR_OK);
    assert_int_equal(job.next_unix_us, start_us + 2 * HOUR_US);
    assert_in_range(job.start_unix_us - job.next_unix_us, 0, 600000000);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM schedule_jobs"), 1);
    job.zone = BYTES("Nowhere/Land");
    assert_int_equal(db_fixture_did(db, put_work, &job), ERR_INPUT);
}

/* ---- several processes ---- */

static _Atomic int64_t test_now;
static int64_t now_of_test(void)
{
    return test_now;
}
static bool work(void *ctx, struct job_run *run, struct arena *arena, const atomic_bool *stops, struct err *err)
{
    (void)arena;
    (void)stops;
    return db_transaction(ctx, end_work, &(struct ending){ run, test_now }, err);
}

/* Goal: two processes, eight threads, twenty jobs, a day: each due time is done once. */
static void test_sharing(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *second;
    struct err err = { 0 };
    char subject[32];
    test_now = start_us;
    for (int j = 0; j < 20; j++) {
        snprintf(subject, sizeof subject, "agent/%d", j);
        put(fixture->db, subject, "hourly", "UTC", start_us);
    }
    assert_true(db_open(&second, &(struct db_options){ .url = fixture->url, .log = &db_fixture_log }, &err));
    struct scheduler_options options = { .db = fixture->db,
                                         .log = &db_fixture_log,
                                         .owner = "one",
                                         .threads = 3,
                                         .now_unix_us = now_of_test,
                                         .work = work,
                                         .ctx = fixture->db };
    struct scheduler *one = scheduler_create(&options);
    options.owner = "two";
    options.db = options.ctx = second;
    struct scheduler *two = scheduler_create(&options);
    assert_true(scheduler_start(one, &err) && scheduler_start(two, &err));
    for (int64_t hour = 1; hour <= 3; hour++) {
        test_now = start_us + hour * HOUR_US;
        for (int n = 0; n < 300 && db_fixture_number(fixture->db, "SELECT count(*) FROM effects") < 20 * hour; n++)
            clock_sleep_ms(100);
    }
    scheduler_close(one);
    scheduler_close(two);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM effects"), 60);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(DISTINCT run) FROM effects"), 60);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM schedule_runs WHERE state = 1"), 60);
    db_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_due, setup, teardown), DB_BOTH(test_leases, setup, teardown),
                                        DB_BOTH(test_clock_jumps, setup, teardown),
                                        DB_BOTH(test_pause_ask_change, setup, teardown),
                                        DB_BOTH(test_sharing, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
