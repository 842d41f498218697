/* Rules of projects at the worker: which version counts when, that a replay has the same hashes, and that versions may change
 * while they are used. */
#include <pthread.h>
#include <stdatomic.h>

#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "meta/error_rules.h"
#include "meta/meta.h"
#include "worker/rules/rule_book.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct rule_book *book;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    if (!rule_book_open(&fixture->book, fixture->db, &db_fixture_log, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    rule_book_close(fixture->book);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    return error_rules_put(session, ctx, -1, err);
}
/* Answers from when it is valid. */
static int64_t put(struct fixture *fixture, struct uuid project_id, const char *body)
{
    struct err err = { 0 };
    struct error_rules_version rules = { .project_id = project_id,
                                         .body = bytes_of_text(body),
                                         .author = BYTES("ann") };
    if (!db_transaction(fixture->db, put_run, &rules, &err)) fail_msg("%s", err.text);
    return rules.valid_from_unix_us;
}

/* ---- a request with one error ---- */

struct made {
    struct columns *columns;
    char hash[64];
    enum fingerprint_by by;
    int64_t version;
    uint32_t line;
};
static struct columns *columns_of(void *ctx, enum schema_table_id table, int32_t day)
{
    struct made *made = ctx;
    (void)table, (void)day;
    return made->columns;
}
static bool row_done(void *ctx, struct columns *columns)
{
    (void)ctx, (void)columns;
    return true;
}
static void row_seen(void *ctx, const struct rows_row *row)
{
    struct made *made = ctx;
    assert_int_equal(row->error_count, 1);
    snprintf(made->hash, sizeof made->hash, "%.*s", (int)row->errors[0].hash.len, row->errors[0].hash.ptr);
    made->by = row->errors[0].by;
    made->version = row->errors[0].rules_version;
    made->line = row->errors[0].rule_line;
}

static struct made build(struct rows *rows, struct uuid project_id, int64_t received_unix_us)
{
    struct otlp_attribute attributes[] = {
        { BYTES("service.name"), { .type = OTLP_TEXT, .bytes = BYTES("cart") } },
        { BYTES("exception.type"), { .type = OTLP_TEXT, .bytes = BYTES("java.lang.IllegalStateException") } },
        { BYTES("exception.message"), { .type = OTLP_TEXT, .bytes = BYTES("cart 12 failed") } },
        { BYTES("exception.stacktrace"),
          { .type = OTLP_TEXT,
            .bytes =
                BYTES("java.lang.IllegalStateException: cart 12 failed\n\tat com.acme.Cart.total(Cart.java:8)\n") } },
    };
    struct otlp_resource resource = { .attributes = { 0, 1 } };
    struct otlp_scope scope = { 0 };
    struct otlp_log log = { .time_unix_ns = (uint64_t)received_unix_us * 1000, .attributes = { 1, 3 } };
    struct otlp_request request = { .signal = OTLP_LOGS, .received_unix_us = received_unix_us };
    request.resources.at = &resource, request.resources.count = 1;
    request.scopes.at = &scope, request.scopes.count = 1;
    request.attributes.at = attributes, request.attributes.count = COUNT_OF(attributes);
    request.logs.at = &log, request.logs.count = 1;
    struct made made = { .columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS)) };
    struct rows_sink sink = { .columns = columns_of, .row_done = row_done, .row = row_seen, .ctx = &made };
    rows_build(rows, project_id, &request, &sink);
    columns_destroy(made.columns);
    return made;
}

/* Goal: a record has the rules of the time it was received, and only its project's; a replay after rules have changed, also by
 * a process that began later, makes the hashes that were made before.
 * Method: three versions; a record of each time, in order, backwards and by a book that was just opened. */
static void test_versions(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct rows_options options = { .rules = rule_book_source(fixture->book) };
    struct rows *rows = rows_create(&options);
    int64_t first_us = clock_unix_us();
    struct made none = build(rows, fixture->shop.id, first_us);
    assert_int_equal(none.by, FINGERPRINT_BY_STACK);
    assert_int_equal(none.version, 0);
    int64_t second_us = put(fixture, fixture->shop.id, "# ours\ntype:*IllegalState* -> carts");
    int64_t third_us = put(fixture, fixture->shop.id, "type:*IllegalState* -> carts, {{ function }}");
    int64_t fourth_us = put(fixture, fixture->shop.id, "");
    assert_true(third_us > second_us && fourth_us > third_us);
    assert_true(rule_book_refresh(fixture->book, &err));
    int64_t times[] = { first_us, second_us - 1, second_us, third_us - 1, third_us, fourth_us };
    int64_t versions[] = { 0, 0, 1, 1, 2, 0 };
    struct made made[COUNT_OF(times)];
    for (size_t t = 0; t < COUNT_OF(times); t++) {
        made[t] = build(rows, fixture->shop.id, times[t]);
        assert_int_equal(made[t].version, versions[t]);
        assert_int_equal(made[t].by, versions[t] ? FINGERPRINT_BY_RULE : FINGERPRINT_BY_STACK);
        assert_int_equal(made[t].line, versions[t] == 1 ? 2 : versions[t] == 2 ? 1 : 0);
    }
    assert_string_equal(made[0].hash, none.hash);
    assert_string_equal(made[5].hash, none.hash);
    assert_string_equal(made[2].hash, made[3].hash);
    assert_string_not_equal(made[2].hash, none.hash);
    assert_string_not_equal(made[4].hash, made[2].hash);
    assert_string_equal(build(rows, fixture->lobby.id, third_us).hash, build(rows, fixture->lobby.id, first_us).hash);

    struct rule_book *later;
    if (!rule_book_open(&later, fixture->db, &db_fixture_log, &err)) fail_msg("%s", err.text);
    struct rows *replay = rows_create(&(struct rows_options){ .rules = rule_book_source(later) });
    for (size_t t = COUNT_OF(times); t-- > 0;) {
        assert_string_equal(build(replay, fixture->shop.id, times[t]).hash, made[t].hash);
        assert_string_equal(build(rows, fixture->shop.id, times[t]).hash, made[t].hash); /* from what is kept */
    }
    struct rule_book_stats stats;
    rule_book_stats(later, &stats);
    assert_int_equal(stats.projects, 1);
    assert_int_equal(stats.versions, 3);
    rows_destroy(replay);
    rows_destroy(rows);
    rule_book_close(later);
}

/* Goal: what cannot be read is a version without rules, and the others count.
 * Method: a text that no program of today writes, in the database. */
static void test_unreadable(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct rule_book_stats stats;
    put(fixture, fixture->shop.id, "type:A -> a");
    int64_t valid_us = put(fixture, fixture->lobby.id, "type:*IllegalState* -> b");
    db_fixture_run(fixture->db, "UPDATE error_rules SET body = 'x' WHERE body LIKE '%A -> a'");
    assert_true(rule_book_refresh(fixture->book, &err));
    rule_book_stats(fixture->book, &stats);
    assert_int_equal(stats.unreadable, 1);
    struct rows *rows = rows_create(&(struct rows_options){ .rules = rule_book_source(fixture->book) });
    assert_int_equal(build(rows, fixture->shop.id, valid_us).by, FINGERPRINT_BY_STACK);
    assert_int_equal(build(rows, fixture->lobby.id, valid_us).by, FINGERPRINT_BY_RULE);
    rows_destroy(rows);
}

struct worker {
    struct fixture *fixture;
    atomic_bool *stops;
    int64_t at_us;
    pthread_t thread;
};
static void *work(void *ctx)
{
    struct worker *worker = ctx;
    struct rows *rows = rows_create(&(struct rows_options){ .rules = rule_book_source(worker->fixture->book) });
    char first[64];
    strcpy(first, build(rows, worker->fixture->shop.id, worker->at_us).hash);
    while (!atomic_load(worker->stops))
        if (strcmp(build(rows, worker->fixture->shop.id, worker->at_us).hash, first) != 0) abort();
    rows_destroy(rows);
    return NULL;
}

/* Goal: rules may change while workers use them, and what was received before does not change by it.
 * Method: two threads that build one record again and again, while 30 versions come. */
static void test_beside_workers(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    atomic_bool stops = false;
    struct worker workers[2];
    int64_t at_us = put(fixture, fixture->shop.id, "type:*IllegalState* -> carts");
    assert_true(rule_book_refresh(fixture->book, &err));
    for (size_t w = 0; w < COUNT_OF(workers); w++) {
        workers[w] = (struct worker){ fixture, &stops, at_us, 0 };
        assert_int_equal(pthread_create(&workers[w].thread, NULL, work, &workers[w]), 0);
    }
    for (int v = 0; v < 30; v++) {
        char body[64];
        snprintf(body, sizeof body, "type:*IllegalState* -> carts%d", v);
        put(fixture, fixture->shop.id, body);
        if (!rule_book_refresh(fixture->book, &err)) fail_msg("%s", err.text);
    }
    atomic_store(&stops, true);
    for (size_t w = 0; w < COUNT_OF(workers); w++) pthread_join(workers[w].thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_versions, setup, teardown),
        DB_BOTH(test_unreadable, setup, teardown),
        DB_BOTH(test_beside_workers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
