/* The rules of all projects: whose they are, changes that come while telemetry does, finds that are kept. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "ingest/redaction/redactor.h"
#include "meta/db_fixture.h"
#include "meta/meta.h"
#include "worker/otlp/otlp_encode.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct redactor *redactor;
    struct meta_project with, without;
    struct redaction_rule rule;
};

static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    return redaction_rule_insert(session, ctx, err);
}

static bool update_run(struct db_session *session, void *ctx, struct err *err)
{
    return redaction_rule_update(session, ctx, err);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = db_fixture_setup(state);
    if (!meta_open(&fixture->meta, fixture->base->url, &db_fixture_log, &err) ||
        !meta_project_create(fixture->meta, "with", &fixture->with, &err) ||
        !meta_project_create(fixture->meta, "without", &fixture->without, &err))
        fail_msg("%s", err.text);
    fixture->rule = (struct redaction_rule){ .project_id = fixture->with.id,
                                             .name = "a",
                                             .is_on = true,
                                             .finds = REDACTION_VALUE,
                                             .does = REDACTION_MASK,
                                             .pattern = "sesame" };
    if (!db_transaction(meta_db(fixture->meta), insert_run, &fixture->rule, &err) ||
        !redactor_open(&fixture->redactor, meta_db(fixture->meta), &db_fixture_log, &err))
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    redactor_close(fixture->redactor);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static void rule_change(struct fixture *fixture, bool is_on, const char *pattern)
{
    struct err err = { 0 };
    fixture->rule.is_on = is_on;
    snprintf(fixture->rule.pattern, sizeof fixture->rule.pattern, "%s", pattern);
    if (!db_transaction(meta_db(fixture->meta), update_run, &fixture->rule, &err) ||
        !redactor_refresh(fixture->redactor, &err))
        fail_msg("%s", err.text);
}

/* Goal: rules are their project's alone, a change is seen at the next refresh, and rules that cannot be read stop their
 * project rather than let it through. */
static void test_whose(void **state)
{
    struct fixture *fixture = *state;
    struct redaction *redaction;
    struct err err = { 0 };
    uint8_t a[REDACTION_KEY_BYTES], b[REDACTION_KEY_BYTES];
    assert_true(redactor_take(fixture->redactor, fixture->without.id, &redaction, &err));
    assert_null(redaction);
    assert_true(redactor_take(fixture->redactor, fixture->with.id, &redaction, &err));
    assert_int_equal(redaction_rule_count(redaction), 1);
    assert_true(uuid_equal(redaction_rule_id(redaction, 0), fixture->rule.id));
    rule_change(fixture, false, "sesame");
    struct redaction *none;
    assert_true(redactor_take(fixture->redactor, fixture->with.id, &none, &err));
    assert_null(none);
    redaction_release(redaction); /* was held over the change */
    rule_change(fixture, true, "(what a newer version may read");
    assert_false(redactor_take(fixture->redactor, fixture->with.id, &redaction, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(redactor_take(fixture->redactor, fixture->without.id, &redaction, &err));
    rule_change(fixture, true, "sesame");
    assert_true(redactor_take(fixture->redactor, fixture->with.id, &redaction, &err));
    redaction_release(redaction);
    redactor_key(fixture->redactor, fixture->with.id, a);
    redactor_key(fixture->redactor, fixture->without.id, b);
    assert_memory_not_equal(a, b, sizeof a);
}

struct sender {
    struct fixture *fixture;
    struct bytes body;
    atomic_bool *stops;
    uint64_t requests;
};

static void *send_run(void *ctx)
{
    struct sender *sender = ctx;
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct buf out;
    buf_init(&out, ENCODE_BYTES_MAX);
    while (!atomic_load(sender->stops) || sender->requests == 0) {
        struct redaction *redaction = NULL;
        struct redaction_counts counts = { 0 };
        struct err err = { 0 };
        bool is_changed;
        if (!redactor_take(sender->fixture->redactor, sender->fixture->with.id, &redaction, &err) || redaction == NULL)
            abort();
        if (!redaction_rewrite(redaction, scratch, OTLP_LOGS, sender->body, false, &out, &is_changed, &counts, &err))
            abort();
        if (!is_changed || memmem(out.ptr, out.len, "sesame", 6) != NULL || counts.found[0] != 1) abort();
        redactor_count(sender->fixture->redactor, redaction, &counts);
        redaction_release(redaction);
        sender->requests++;
    }
    buf_deinit(&out);
    redaction_scratch_destroy(scratch);
    return NULL;
}

/* Goal: whatever changes meanwhile, each request is under whole rules, and every find is counted once. */
static void test_changes_beside(void **state)
{
    struct fixture *fixture = *state;
    struct buf log = message(), body = message(), records = message();
    put_text(&body, 1, "open sesame");
    put_message(&log, 5, &body);
    put_message(&records, 2, &log);
    struct buf request = request_around(&records);
    atomic_bool stops = false;
    struct sender senders[2];
    pthread_t threads[2];
    struct err err = { 0 };
    uint64_t requests = 0;
    for (int t = 0; t < 2; t++) {
        senders[t] = (struct sender){ .fixture = fixture, .body = buf_bytes(&request), .stops = &stops };
        assert_int_equal(pthread_create(&threads[t], NULL, send_run, &senders[t]), 0);
    }
    for (int i = 0; i < 20; i++) {
        rule_change(fixture, true, i % 2 == 0 ? "sesame" : "(?i)SESAME");
        assert_true(redactor_save(fixture->redactor, &err));
    }
    atomic_store(&stops, true);
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
        requests += senders[t].requests;
    }
    assert_true(redactor_save(fixture->redactor, &err));
    assert_int_equal(db_fixture_number(meta_db(fixture->meta), "SELECT found FROM redaction_finds WHERE found > 0"),
                     requests);
    struct redactor_stats stats;
    redactor_stats(fixture->redactor, &stats);
    assert_int_equal(stats.found, requests);
    assert_int_equal(stats.projects, 1);
    buf_deinit(&request);
}

int main(void)
{
#define WITH_REDACTOR(test) DB_BOTH(test, setup, teardown)
    const struct CMUnitTest tests[] = { WITH_REDACTOR(test_whose), WITH_REDACTOR(test_changes_beside) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
