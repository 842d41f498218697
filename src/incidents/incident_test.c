/* threads: none */
/* Signals become incidents, incidents deliveries; what time does to them. On SQLite and on PostgreSQL. */
#include "meta/meta_fixture.h"

#include "channels/channel.h"
#include "channels/delivery.h"
#include "incidents/incident_store.h"
#include "meta/db_rows.h"
#include "meta/meta.h"

#define MINUTE INT64_C(60000000)

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct arena arena;
    int64_t now_us;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    fixture->now_us = INT64_C(1790000000) * 1000000;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

/* ---- helpers ---- */

struct statement {
    const char *sql;
    struct uuid project_id;
    struct bytes text;
};
static bool statement_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct statement *statement = ctx;
    return db_run(session, statement->sql, DB_VALUES(db_uuid(statement->project_id), db_text_bytes(statement->text)),
                  NULL, NULL, NULL, err);
}
static void run_sql(struct fixture *fixture, const char *sql, const char *text)
{
    struct err err = { 0 };
    struct statement statement = { sql, fixture->shop.id, bytes_of_text(text) };
    if (!db_transaction(fixture->db, statement_run, &statement, &err)) fail_msg("%s", err.text);
}

/* A channel with these routes. */
struct adding {
    struct uuid project_id;
    const char *name, *routes;
};
static bool channel_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct adding *adding = ctx;
    return db_run(session,
                  "INSERT INTO channels(project_id, kind, name, is_on, settings, sealed, routes, author, "
                  "created_unix_us, changed_unix_us, failed_unix_us, failed_why, sent_unix_us) VALUES($1, 1, $2, 1, "
                  "'{}', $3, $4, '', 0, 0, 0, '', 0)",
                  DB_VALUES(db_uuid(adding->project_id), db_text(adding->name), db_bytes(bytes_from("", 0)),
                            db_text(adding->routes)),
                  NULL, NULL, NULL, err);
}
static void channel_add(struct fixture *fixture, const char *name, const char *routes)
{
    struct err err = { 0 };
    struct adding adding = { fixture->shop.id, name, routes };
    if (!db_transaction(fixture->db, channel_run, &adding, &err)) fail_msg("%s", err.text);
}

/* "from" calls "to". */
static void edge_add(struct fixture *fixture, const char *from, const char *to, int id)
{
    char sql[600];
    snprintf(sql, sizeof sql,
             "INSERT INTO rollup_series(project_id, id, kind, service, endpoint, method, route, source_kind, target, "
             "target_kind, first_unix_us, last_unix_us) VALUES($1, %d, 'edge', '%s', '', '', '', 'service', $2, "
             "'service', 0, %lld)",
             id, from, (long long)fixture->now_us);
    run_sql(fixture, sql, to);
}

struct put_one {
    struct incident_signal signal;
    int64_t now_us, incident;
};
static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    struct put_one *one = ctx;
    return incident_signal_put(session, &one->signal, one->now_us, &one->incident, err);
}
static int64_t put(struct fixture *fixture, const char *key, const char *service, enum incident_severity severity,
                   int64_t started_us, int64_t ended_us)
{
    struct err err = { 0 };
    struct put_one one = {
        .signal = { .project_id = fixture->shop.id,
                    .source = INCIDENT_FINDING,
                    .key = bytes_of_text(key),
                    .severity = severity,
                    .service = bytes_of_text(service),
                    .title = bytes_of_text(key),
                    .path = BYTES("findings/1"),
                    .started_unix_us = started_us,
                    .ended_unix_us = ended_us },
        .now_us = fixture->now_us,
    };
    if (!db_transaction(fixture->db, put_run, &one, &err)) fail_msg("%s", err.text);
    return one.incident;
}

static int64_t number(struct fixture *fixture, const char *sql)
{
    struct err err = { 0 };
    int64_t answer = -1;
    if (!db_read(fixture->db, sql, DB_NO_VALUES, db_take_integer, &answer, &err)) fail_msg("%s", err.text);
    return answer;
}
static void tend(struct fixture *fixture)
{
    struct err err = { 0 };
    if (!incidents_tend_all(fixture->db, fixture->now_us, &err)) fail_msg("%s", err.text);
}

/* ---- tests ---- */

/* Goal: one incident for what happens to a service and its neighbours within ten minutes, another for the rest.
 * Method: signals of services that call each other, of one that nobody calls, of the same one later. */
static void test_neighbours_become_one(void **state)
{
    struct fixture *fixture = *state;
    edge_add(fixture, "web", "cart", 1);
    edge_add(fixture, "cart", "db", 2);
    assert_int_equal(put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0), 1);
    assert_int_equal(put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0), 1);
    fixture->now_us += 2 * MINUTE;
    assert_int_equal(put(fixture, "b", "web", INCIDENT_WARNING, fixture->now_us, 0), 1); /* calls it */
    assert_int_equal(put(fixture, "c", "db", INCIDENT_WARNING, fixture->now_us, 0), 1);  /* is called by it */
    assert_int_equal(put(fixture, "d", "mail", INCIDENT_WARNING, fixture->now_us, 0), 2);
    assert_int_equal(put(fixture, "e", "", INCIDENT_WARNING, fixture->now_us, 0), 3); /* about no service: alone */
    assert_int_equal(put(fixture, "f", "", INCIDENT_WARNING, fixture->now_us, 0), 4);
    fixture->now_us += 11 * MINUTE;
    assert_int_equal(put(fixture, "g", "cart", INCIDENT_WARNING, fixture->now_us, 0), 5);
    assert_int_equal(number(fixture, "SELECT signal_count FROM incidents WHERE number = 1"), 3);
    assert_int_equal(number(fixture, "SELECT severity FROM incidents WHERE number = 1"), INCIDENT_CRITICAL);
}

/* Goal: what is routed to a channel comes to it, once, and what became of it too. Method: channels for critical ones, for one
 * service, for nothing; count the deliveries of each. */
static void test_routes_and_once(void **state)
{
    struct fixture *fixture = *state;
    channel_add(fixture, "critical", CHANNEL_ROUTES_USUAL);
    channel_add(fixture, "cart", "[{\"severity\":\"warning\",\"services\":[\"ca*\"]}]");
    channel_add(fixture, "nothing", "[]");
    for (int i = 0; i < 3; i++) put(fixture, "a", "cart", INCIDENT_WARNING, fixture->now_us, 0);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE channel_id = 1"), 0);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE channel_id = 2"), 1);
    for (int i = 0; i < 3; i++) put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0); /* worse */
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE channel_id = 1 AND act = 0"), 1);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE channel_id = 2 AND act = 1"), 1);
    put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, fixture->now_us + MINUTE);
    fixture->now_us += 2 * MINUTE;
    tend(fixture);
    assert_int_equal(number(fixture, "SELECT state FROM incidents WHERE number = 1"), INCIDENT_OPEN); /* not yet */
    fixture->now_us += 2 * MINUTE;
    tend(fixture);
    tend(fixture);
    assert_int_equal(number(fixture, "SELECT state FROM incidents WHERE number = 1"), INCIDENT_RESOLVED);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE act = 2"), 2);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE channel_id = 3"), 0);
}

/* Goal: the same key again reopens its incident within the window and opens another after it. Method: end, resolve, again. */
static void test_episodes(void **state)
{
    struct fixture *fixture = *state;
    channel_add(fixture, "critical", CHANNEL_ROUTES_USUAL);
    put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0);
    put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, fixture->now_us + MINUTE);
    fixture->now_us += 4 * MINUTE;
    tend(fixture);
    fixture->now_us += 4 * MINUTE;
    assert_int_equal(put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0), 1);
    assert_int_equal(number(fixture, "SELECT episode FROM incidents WHERE number = 1"), 2);
    assert_int_equal(number(fixture, "SELECT state FROM incidents WHERE number = 1"), INCIDENT_OPEN);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE act = 0"), 2);
    put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, fixture->now_us + MINUTE);
    fixture->now_us += 4 * MINUTE;
    tend(fixture);
    fixture->now_us += 20 * MINUTE;
    assert_int_equal(put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0), 2);
}

/* Goal: people are reminded every hour, three times, then not any more. Method: tend every minute for ten hours. */
static void test_reminders_stop(void **state)
{
    struct fixture *fixture = *state;
    channel_add(fixture, "critical", CHANNEL_ROUTES_USUAL);
    put(fixture, "a", "cart", INCIDENT_CRITICAL, fixture->now_us, 0);
    for (int minute = 0; minute < 600; minute++) {
        fixture->now_us += MINUTE;
        tend(fixture);
    }
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE dedup_key LIKE '%remind%'"), 3);
}

/* Goal: a flood is held, and nothing of it is lost. Method: 30 incidents at once. */
static void test_flood_is_held(void **state)
{
    struct fixture *fixture = *state;
    channel_add(fixture, "critical", CHANNEL_ROUTES_USUAL);
    for (int i = 0; i < 30; i++) {
        char service[16];
        snprintf(service, sizeof service, "s%d", i);
        put(fixture, service, service, INCIDENT_CRITICAL, fixture->now_us, 0);
    }
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE state = 0"), DELIVERY_FLOOD_COUNT);
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries WHERE state = 3"), 30 - DELIVERY_FLOOD_COUNT);
}

/* Goal: what is quiet is kept and told to nobody; once it is not any more, it is told. Method: quiet, then not. */
static void test_quiet(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    channel_add(fixture, "critical", CHANNEL_ROUTES_USUAL);
    struct put_one one = {
        .signal = { .project_id = fixture->shop.id,
                    .source = INCIDENT_MONITOR,
                    .key = BYTES("m"),
                    .severity = INCIDENT_CRITICAL,
                    .title = BYTES("m"),
                    .started_unix_us = fixture->now_us,
                    .quiet = true },
        .now_us = fixture->now_us,
    };
    assert_true(db_transaction(fixture->db, put_run, &one, &err));
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries"), 0);
    assert_int_equal(number(fixture, "SELECT is_quiet FROM incidents"), 1);
    one.signal.quiet = false;
    assert_true(db_transaction(fixture->db, put_run, &one, &err));
    assert_int_equal(number(fixture, "SELECT count(*) FROM deliveries"), 1);
    assert_int_equal(number(fixture, "SELECT is_quiet FROM incidents"), 0);
}

/* Goal: what cannot be stored is refused. */
static void test_refused(void **state)
{
    struct fixture *fixture = *state;
    struct put_one one = {
        .signal = { .project_id = fixture->shop.id, .key = BYTES("k"), .title = BYTES("\xff"), .started_unix_us = 1 },
        .now_us = fixture->now_us
    };
    struct err err = { 0 };
    assert_false(db_transaction(fixture->db, put_run, &one, &err));
    assert_int_equal(err.code, ERR_INPUT);
    one.signal.title = BYTES("t");
    one.signal.key = BYTES("");
    assert_false(db_transaction(fixture->db, put_run, &one, &err));
    one.signal.key = BYTES("k");
    one.signal.ended_unix_us = -1;
    assert_false(db_transaction(fixture->db, put_run, &one, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_neighbours_become_one, setup, teardown),
        DB_BOTH(test_routes_and_once, setup, teardown),
        DB_BOTH(test_episodes, setup, teardown),
        DB_BOTH(test_reminders_stop, setup, teardown),
        DB_BOTH(test_flood_is_held, setup, teardown),
        DB_BOTH(test_quiet, setup, teardown),
        DB_BOTH(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
