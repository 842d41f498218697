/* threads: none */
/* Live evaluation over a database: it does what a dry run says, once, whoever evaluates; signals, mutes, what cannot be asked. */
#include "meta/meta_fixture.h"

#include "incidents/incident.h"
#include "meta/db_rows.h"
#include "meta/meta.h"
#include "monitors/monitors_fixture.h"

#include <stdio.h>

static const int64_t BEGIN = INT64_C(1790000000) / 3600 * 3600 * 1000000;

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct arena arena;
    struct baselines *baselines, *others; /* of this process, and of another on the same database */
};
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    fixture->baselines = baselines_create();
    fixture->others = baselines_create();
    *state = fixture;
    return 0;
}
static int teardown(void **state)
{
    struct fixture *fixture = *state;
    baselines_free(fixture->baselines);
    baselines_free(fixture->others);
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

struct step {
    struct fixture *fixture;
    struct monitor_stored stored;
    int64_t us, now_us;
};
static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return monitor_insert(session, &step->fixture->arena, &step->stored, step->now_us, err);
}
static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return monitor_find(session, &step->fixture->arena, step->fixture->shop.id, step->stored.slug, &step->stored, err);
}
static bool mute_run(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return monitor_mute(session, &step->fixture->arena, &step->stored, step->us, step->now_us, err);
}
static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return monitor_delete(session, &step->fixture->arena, &step->stored, step->now_us, err);
}
static bool update_run(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return monitor_update(session, &step->fixture->arena, &step->stored, false, step->now_us, err);
}
static void run(struct step *step, db_work_fn *work)
{
    struct err err = { 0 };
    if (!db_transaction(step->fixture->db, work, step, &err)) fail_msg("%s", err.text);
}
static struct step step_of(struct fixture *fixture, const char *json)
{
    struct step step = { .fixture = fixture, .now_us = BEGIN };
    step.stored = (struct monitor_stored){ .project_id = fixture->shop.id,
                                           .title = BYTES("Errors of cart"),
                                           .content = bytes_of_text(json),
                                           .is_on = true,
                                           .author = BYTES("ann") };
    run(&step, insert_run);
    return step;
}

static int64_t count_of(struct fixture *fixture, const char *sql)
{
    struct err err = { 0 };
    int64_t count = -1;
    if (!db_read(fixture->db, sql, DB_VALUES(db_uuid(fixture->shop.id)), db_take_integer, &count, &err))
        fail_msg("%s", err.text);
    return count;
}
#define SIGNALS_ON "SELECT count(*) FROM incident_signals WHERE project_id = $1 AND ended_unix_us = 0"
#define SIGNALS    "SELECT count(*) FROM incident_signals WHERE project_id = $1"

static struct monitors_stats evaluate_as(struct fixture *fixture, const char *owner, struct monitors_source source,
                                         int64_t now_us)
{
    struct err err = { 0 };
    struct monitors_stats stats;
    const struct monitors_evaluator evaluator = { fixture->db, source, fixture->baselines, owner, INT64_C(60000000) };
    if (!monitors_evaluate(&evaluator, fixture->shop.id, "shop", now_us, &stats, &err)) fail_msg("%s", err.text);
    return stats;
}
static struct monitors_stats evaluate(struct fixture *fixture, struct world *world, int64_t now_us)
{
    return evaluate_as(fixture, "one", (struct monitors_source){ world_ask, world }, now_us);
}

static struct monitors_stats evaluate_by_other(struct fixture *fixture, struct world *world, int64_t now_us)
{
    struct baselines *ours = fixture->baselines;
    fixture->baselines = fixture->others;
    struct monitors_stats stats = evaluate_as(fixture, "two", (struct monitors_source){ world_ask, world }, now_us);
    fixture->baselines = ours;
    return stats;
}

struct listing {
    char text[8000];
};
static void put(struct listing *listing, struct bytes group, int from, int to, int64_t at_us, double value)
{
    char line[200];
    snprintf(line, sizeof line, "%.*s %d>%d @%lld %.6g\n", (int)group.len, (const char *)group.ptr, from, to,
             (long long)((at_us - BEGIN) / MINUTE), value);
    size_t len = strlen(listing->text), more = strlen(line);
    assert_true(len + more < sizeof listing->text);
    memmove(listing->text + len, line, more + 1);
}
static bool dry_note(void *ctx, const struct monitor_table *table, int64_t at_us)
{
    for (uint32_t e = 0; e < table->event_count; e++)
        put(ctx, table->groups[table->events[e].group].key, (int)table->events[e].from, (int)table->events[e].to, at_us,
            table->events[e].value);
    return true;
}
struct lives {
    struct monitor_happened list[600];
    char groups[600][20];
    size_t count;
};
static bool live_note(void *ctx, const struct monitor_happened *event)
{
    struct lives *lives = ctx;
    assert_true(lives->count < COUNT_OF(lives->list));
    lives->list[lives->count] = *event;
    snprintf(lives->groups[lives->count++], 20, "%.*s", (int)event->group.len, (const char *)event->group.ptr);
    return true;
}

static bool noisy(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    uint64_t dice =
        ((uint64_t)minute * 2862933555777941757u + group * 3037000493u + world->seed) * 6364136223846793005u;
    *value = (double)(dice >> 58); /* 0 to 63 */
    *total = 64;
    uint64_t gap =
        ((uint64_t)(minute / 5) * 2862933555777941757u + group * 3037000493u + world->seed) * 6364136223846793005u;
    return gap >> 60 > 3; /* nothing for five minutes, one time in four */
}

static void live_is_what_a_dry_run_says(void **state)
{
    static const char *const kinds[] = {
        "\"kind\":\"threshold\",\"warning\":90,\"alert\":120,\"alert_recovery\":100",
        "\"kind\":\"change\",\"side\":\"both\",\"as\":\"percent\",\"alert\":80",
        "\"kind\":\"anomaly\",\"side\":\"both\",\"alert\":1.5,\"warning\":1",
        "\"kind\":\"absence\"",
        "\"kind\":\"burn\",\"objective\":95,\"bad\":\"status:error\"",
    };
    static const char *const groups[] = { "cart", "shop", "web", NULL };
    struct fixture *fixture = *state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct world world = { .groups = groups, .minute = noisy, .seed = k };
        struct err err = { 0 };
        const char *json =
            arena_printf(&fixture->arena,
                         "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":180,\"no_data\":\"alert\","
                         "\"for_s\":60,\"condition\":{%s}}",
                         kinds[k]);
        struct step step = step_of(fixture, json);
        /* A process that is late now and then, and another that comes beside it, and takes over within an hour, with no baseline or with
         * its own, until it is gone again. */
        for (int minute = 1; minute <= 149; minute++) {
            if (minute % 7 == 3 || minute % 11 == 5) continue;
            bool is_other = minute / 13 % 2 == 1;
            (is_other ? evaluate_by_other : evaluate)(fixture, &world, BEGIN + minute * MINUTE + 31 * 1000000);
            if (minute % 4 == 0)
                assert_int_equal((is_other ? evaluate : evaluate_by_other)(fixture, &world,
                                                                           BEGIN + minute * MINUTE + 40 * 1000000)
                                     .evaluated,
                                 0);
        }
        struct listing dry = { "" }, live = { "" };
        struct monitor monitor;
        struct monitors_source source = { world_ask, &world };
        struct monitors_dry how = { .from_us = BEGIN + MINUTE,
                                    .to_us = BEGIN + 149 * MINUTE,
                                    .budget_us = INT64_C(60000000),
                                    .each = dry_note,
                                    .ctx = &dry };
        monitor_of(&monitor, &fixture->arena, json);
        if (!monitors_dry_run(&monitor, &source, fixture->shop.id, "shop", &how, &err)) fail_msg("%s", err.text);
        monitor_close(&monitor);
        static struct lives lives;
        lives.count = 0;
        if (!monitor_events(fixture->db, step.stored.id, INT64_MAX, COUNT_OF(lives.list), live_note, &lives, &err))
            fail_msg("%s", err.text);
        for (size_t e = lives.count; e-- > 0;)
            put(&live, bytes_of_text(lives.groups[e]), (int)lives.list[e].from, (int)lives.list[e].to,
                lives.list[e].at_unix_us, lives.list[e].value);
        if (k != 4) assert_true(lives.count > 3);
        assert_string_equal(live.text, dry.text);
        run(&step, find_run);
        step.now_us = BEGIN + 200 * MINUTE;
        run(&step, delete_run);
        assert_int_equal(count_of(fixture, SIGNALS_ON), 0); /* what went on has ended with it */
    }
}

/* What is usual takes twelve questions: asked in the first minute of an hour, and of what has changed. */
static void what_is_usual_is_asked_once_an_hour(void **state)
{
    static const char *const groups[] = { "cart", NULL };
    enum { USUAL = MONITOR_BASELINE_WEEKS * MONITOR_BASELINE_PLACES };
    struct fixture *fixture = *state;
    struct world world = { .groups = groups, .minute = noisy };
    struct step step = step_of(fixture, "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":180,\"delay_s\":0,"
                                        "\"condition\":{\"kind\":\"anomaly\",\"side\":\"both\",\"alert\":1.5}}");
    for (int minute = 1; minute <= 122; minute++) {
        struct monitors_stats stats = evaluate(fixture, &world, BEGIN + minute * MINUTE);
        assert_int_equal(stats.asked, minute == 1 || minute % 60 == 0 ? 1 + USUAL : 1);
    }
    run(&step, find_run);
    step.now_us = BEGIN + 122 * MINUTE;
    run(&step, update_run);
    assert_int_equal(evaluate(fixture, &world, BEGIN + 123 * MINUTE).asked, 1 + USUAL);
    /* Several, and what was kept of hours before goes. */
    for (int hour = 3; hour < 8; hour++) {
        step_of(fixture, "{\"title\":\"t\",\"query\":{\"search\":\"\"},\"window_s\":180,\"delay_s\":0,"
                         "\"condition\":{\"kind\":\"anomaly\",\"side\":\"both\",\"alert\":1.5}}");
        assert_int_equal(evaluate(fixture, &world, BEGIN + hour * 60 * MINUTE).evaluated,
                         MONITOR_CATCH_UP * (hour - 3) + MONITOR_CATCH_UP + 1);
    }
}

/* Above from minute 10 to 20. */
static bool burst(const struct world *world, uint32_t group, int64_t minute, double *value, double *total)
{
    int64_t at = minute - BEGIN / MINUTE;
    (void)world, (void)group, (void)total;
    *value = at >= 10 && at < 20 ? 50 : 1;
    return true;
}
#define BURST                                                                                                  \
    "{\"title\":\"Errors\",\"query\":{\"search\":\"\"},\"window_s\":60,\"delay_s\":0,\"condition\":{\"kind\":" \
    "\"threshold\",\"alert\":20},\"message\":\"{{value}} errors\"}"

static void a_signal_begins_and_ends(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst };
    (void)step_of(fixture, BURST);
    for (int minute = 5; minute <= 10; minute++) evaluate(fixture, &world, BEGIN + minute * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS), 0);
    assert_int_equal(evaluate(fixture, &world, BEGIN + 11 * MINUTE).told, 1);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 1);
    for (int minute = 12; minute <= 20; minute++)
        assert_int_equal(evaluate(fixture, &world, BEGIN + minute * MINUTE).told, 0);
    assert_int_equal(evaluate(fixture, &world, BEGIN + 21 * MINUTE).told, 1);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 0);
    assert_int_equal(count_of(fixture, SIGNALS), 1);
}

static void what_changes_ends(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst };
    struct step step = step_of(fixture, BURST);
    evaluate(fixture, &world, BEGIN + 15 * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 1);
    run(&step, find_run);
    step.now_us = BEGIN + 15 * MINUTE + 5;
    run(&step, update_run);
    assert_int_equal(step.stored.version, 2);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 0);
    evaluate(fixture, &world, BEGIN + 16 * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 1);
}

#define QUIET "SELECT count(*) FROM incident_signals WHERE project_id = $1 AND is_quiet = 1"
static void mutes(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst };
    struct step step = step_of(fixture, BURST);
    run(&step, find_run);
    step.us = BEGIN + 14 * MINUTE;
    run(&step, mute_run);
    evaluate(fixture, &world, BEGIN + 12 * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 1);
    assert_int_equal(count_of(fixture, QUIET), 1);
    evaluate(fixture, &world, BEGIN + 14 * MINUTE); /* the mute is over and it goes on: told now */
    assert_int_equal(count_of(fixture, QUIET), 0);
    run(&step, find_run);
    step.us = BEGIN + 60 * MINUTE;
    step.now_us = BEGIN + 15 * MINUTE;
    run(&step, mute_run);
    assert_int_equal(count_of(fixture, QUIET), 1);
}

static void what_cannot_be_asked_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst, .is_broken = true };
    struct step step = step_of(fixture, BURST);
    assert_int_equal(evaluate(fixture, &world, BEGIN + 5 * MINUTE).failed, 1);
    run(&step, find_run);
    assert_int_equal(step.stored.broken_unix_us, BEGIN + 5 * MINUTE);
    assert_true(bytes_equal(step.stored.broken_why, BYTES("there is no column \"x\"")));
    assert_int_equal(count_of(fixture, SIGNALS), 0); /* it may pass */
    evaluate(fixture, &world, BEGIN + 7 * MINUTE);
    evaluate(fixture, &world, BEGIN + 8 * MINUTE);
    run(&step, find_run);
    assert_int_equal(step.stored.broken_unix_us, BEGIN + 5 * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 1);
    world.is_broken = false;
    evaluate(fixture, &world, BEGIN + 9 * MINUTE);
    assert_int_equal(count_of(fixture, SIGNALS_ON), 0);
    run(&step, find_run);
    assert_int_equal(step.stored.broken_unix_us, 0);
}

static void two_at_once_count_once(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst };
    struct step step = step_of(fixture, BURST);
    struct err err = { 0 };
    uint32_t told;
    struct arena scratch;
    run(&step, find_run);
    struct monitor monitor;
    monitor_of(&monitor, &fixture->arena, BURST);
    struct monitor_table *table = arena_calloc(&fixture->arena, sizeof *table);
    table->arena = &fixture->arena;
    evaluate(fixture, &world, BEGIN + 12 * MINUTE); /* the other was faster */
    arena_init(&scratch, 0);
    assert_false(monitor_round_store(fixture->db, &step.stored, &monitor, table, BEGIN + 12 * MINUTE,
                                     BEGIN + 12 * MINUTE, 0, &told, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(count_of(fixture, SIGNALS), 1);
    arena_deinit(&scratch);
    monitor_close(&monitor);
}

/* ---- two processes ---- */

/* While one asks, another looks for what is due, too. */
struct crowd {
    struct fixture *fixture;
    struct world world;
    int64_t now_us;
    uint32_t asked, others;
};
static bool crowd_ask(void *ctx, struct uuid project_id, const char *project_name, const struct monitor_query *query,
                      int64_t from_us, int64_t to_us, struct arena *arena, struct monitor_rows *rows, struct err *err)
{
    struct crowd *crowd = ctx;
    crowd->asked++;
    struct monitors_stats beside =
        evaluate_as(crowd->fixture, "two", (struct monitors_source){ world_ask, &crowd->world },
                    crowd->now_us + 5000000);
    crowd->asked += beside.asked;
    crowd->others += beside.others;
    return world_ask(&crowd->world, project_id, project_name, query, from_us, to_us, arena, rows, err);
}

/* Goal: of two processes that look at once each monitor is asked by one, and both have something to do.
 * Method: the second looks in the middle of each question of the first. */
static void two_share(void **state)
{
    struct fixture *fixture = *state;
    struct crowd crowd = { .fixture = fixture, .world = { .minute = burst } };
    for (int m = 0; m < 4; m++) (void)step_of(fixture, BURST);
    for (int minute = 10; minute <= 20; minute++) {
        crowd.now_us = BEGIN + minute * MINUTE;
        crowd.asked = crowd.others = 0;
        struct monitors_stats first =
            evaluate_as(fixture, "one", (struct monitors_source){ crowd_ask, &crowd }, crowd.now_us);
        assert_int_equal(crowd.asked, 4);
        assert_int_equal(first.evaluated, 1); /* in the middle of it the other did the rest */
        assert_int_equal(crowd.others, 1);
    }
    assert_int_equal(count_of(fixture, SIGNALS), 4);
}

/* Goal: what a process had that was killed is another's after the lease, its own at once, and neither loses a moment nor tells twice;
 * a lease of a clock that was ahead holds up nobody. */
static void a_dead_ones_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    struct world world = { .minute = burst };
    struct monitors_source source = { world_ask, &world };
    struct step step = step_of(fixture, BURST);
    struct err err = { 0 };
    bool got = false;
    evaluate_as(fixture, "one", source, BEGIN + 10 * MINUTE);
    run(&step, find_run);
    /* It takes the monitor for the minute in which the burst begins, and is killed. */
    if (!monitor_claim(fixture->db, &step.stored, "one", BEGIN + 11 * MINUTE, &got, &err)) fail_msg("%s", err.text);
    assert_true(got);
    assert_int_equal(evaluate_as(fixture, "two", source, BEGIN + 11 * MINUTE + 5000000).others, 1);
    assert_int_equal(count_of(fixture, SIGNALS), 0);
    struct monitors_stats stats = evaluate_as(fixture, "two", source, BEGIN + 11 * MINUTE + MONITOR_LEASE_US);
    assert_int_equal(stats.evaluated, 2); /* the minute that was left, and the one that has come since */
    assert_int_equal(stats.told, 1);
    /* The first wakes up: what it knew is over. */
    if (!monitor_claim(fixture->db, &step.stored, "one", BEGIN + 12 * MINUTE, &got, &err)) fail_msg("%s", err.text);
    assert_false(got);
    assert_int_equal(count_of(fixture, SIGNALS), 1);
    run(&step, find_run);
    if (!monitor_claim(fixture->db, &step.stored, "one", BEGIN + 13 * MINUTE, &got, &err)) fail_msg("%s", err.text);
    assert_int_equal(evaluate_as(fixture, "one", source, BEGIN + 13 * MINUTE + 1).evaluated, 1); /* after a restart */
    run(&step, find_run);
    if (!monitor_claim(fixture->db, &step.stored, "one", BEGIN + 9999 * MINUTE, &got, &err)) fail_msg("%s", err.text);
    assert_int_equal(evaluate_as(fixture, "two", source, BEGIN + 14 * MINUTE).evaluated, 1);
    assert_int_equal(count_of(fixture, SIGNALS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(two_share, setup, teardown),
        DB_BOTH(a_dead_ones_is_taken_over, setup, teardown),
        DB_BOTH(live_is_what_a_dry_run_says, setup, teardown),
        DB_BOTH(what_is_usual_is_asked_once_an_hour, setup, teardown),
        DB_BOTH(a_signal_begins_and_ends, setup, teardown),
        DB_BOTH(what_changes_ends, setup, teardown),
        DB_BOTH(mutes, setup, teardown),
        DB_BOTH(what_cannot_be_asked_is_told, setup, teardown),
        DB_BOTH(two_at_once_count_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
