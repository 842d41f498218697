/* Limits and usage: what is let in, who is told what, what several processes know of each other, what is kept. On both
 * databases. */
#include <pthread.h>

#include "base/clock.h"
#include "meta/db_fixture.h"
#include "meta/meta.h"
#include "meta/meter.h"
#include "meta/redaction_rule.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct meter *meter;
    struct meta_project project;
    struct meta_key key;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char secret[META_SECRET_BYTES];
    fixture->base = db_fixture_setup(state);
    if (!meta_open(&fixture->meta, fixture->base->url, &db_fixture_log, &err) ||
        !meta_project_create(fixture->meta, "shop", &fixture->project, &err) ||
        !meta_key_create(fixture->meta, fixture->project.id, "k", &fixture->key, secret, &err) ||
        !meter_open(&fixture->meter, &(struct meter_options){ .db = meta_db(fixture->meta) }, &err))
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    meter_close(fixture->meter);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    return limit_put(session, ctx, err);
}

static void limit_set(struct fixture *fixture, struct uuid subject_id, enum limit limit, uint64_t value)
{
    struct limit_row row = { fixture->project.id, subject_id, limit, value };
    struct err err = { 0 };
    if (!db_transaction(meta_db(fixture->meta), put_run, &row, &err) || !meter_refresh(fixture->meter, &err))
        fail_msg("%s", err.text);
}

static bool admit(struct fixture *fixture, uint32_t *retry_ms, struct err *err)
{
    *err = (struct err){ 0 };
    return meter_admit(fixture->meter, fixture->project.id, fixture->key.id, retry_ms, err);
}

/* Goal: as many requests as the rate and its one second of reserve allow, no matter how fast they come; the refusal names
 * whose limit and which, and is told when there is room, and then there is. */
static void test_rate(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    uint32_t retry_ms = 0, taken = 0;
    limit_set(fixture, fixture->project.id, LIMIT_REQUESTS_PER_SECOND, 20);
    uint64_t begin_ns = clock_mono_ns();
    for (int i = 0; i < 1000; i++) taken += admit(fixture, &retry_ms, &err);
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    assert_true(taken >= 20 && taken <= 21 + (uint32_t)(20 * seconds));
    while (admit(fixture, &retry_ms, &err)) continue;
    assert_int_equal(err.code, ERR_QUOTA);
    assert_non_null(strstr(err.text, "this project is over its limit of 20 requests a second (requests_per_second)"));
    assert_true(retry_ms > 0 && retry_ms <= 60);
    clock_sleep_ms(retry_ms);
    assert_true(admit(fixture, &retry_ms, &err));

    limit_set(fixture, fixture->key.id, LIMIT_REQUESTS_PER_SECOND, 1);
    limit_set(fixture, fixture->project.id, LIMIT_REQUESTS_PER_SECOND, 0);
    while (admit(fixture, &retry_ms, &err)) continue;
    assert_non_null(strstr(err.text, "this API key is over its limit of 1 requests a second"));
    struct meter_stats stats;
    meter_stats(fixture->meter, &stats);
    assert_true(stats.refused[LIMIT_REQUESTS_PER_SECOND] >= 2);
    assert_int_equal(stats.refused[LIMIT_BYTES_PER_SECOND], 0);
}

/* Goal: a request larger than a second's worth is taken, and paid off before the next. */
static void test_debt(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    uint32_t retry_ms = 0;
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_SECOND, 1000);
    assert_true(admit(fixture, &retry_ms, &err));
    meter_charge(fixture->meter, fixture->project.id, fixture->key.id, &(struct meter_amounts){ .bytes = 11000 });
    assert_false(admit(fixture, &retry_ms, &err));
    assert_non_null(strstr(err.text, "1000 bytes a second"));
    assert_true(retry_ms > 5000 && retry_ms <= 10002);
    /* Without the limit nothing is owed. */
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_SECOND, 0);
    assert_true(admit(fixture, &retry_ms, &err));
    limit_set(fixture, fixture->project.id, LIMIT_EVENTS_PER_SECOND, 10);
    meter_charge(fixture->meter, fixture->project.id, fixture->key.id, &(struct meter_amounts){ .spans = 2000 });
    assert_false(admit(fixture, &retry_ms, &err));
    assert_non_null(strstr(err.text, "10 events a second"));
}

/* Goal: what a person writes is of no key: it counts once, under the project. */
static void test_person(void **state)
{
    struct fixture *fixture = *state;
    const struct uuid none = { 0 };
    struct meter_amounts amounts = { .bytes = 600, .logs = 1, .spans = 2, .points = 3 };
    struct meter_state now;
    struct err err = { 0 };
    uint32_t retry_ms = 0;
    assert_true(meter_admit(fixture->meter, fixture->project.id, none, &retry_ms, &err));
    meter_charge(fixture->meter, fixture->project.id, none, &amounts);
    meter_count(fixture->meter, fixture->project.id, none, &amounts);
    assert_true(meter_save(fixture->meter, &err));
    meter_state(fixture->meter, fixture->project.id, &now);
    assert_int_equal(now.bytes_today, 600);
    assert_int_equal(now.events_this_month, 6);
    assert_int_equal(db_fixture_number(meta_db(fixture->meta), "SELECT requests + 10 * logs + bytes FROM usage"), 611);
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_DAY, 601);
    assert_true(meter_admit(fixture->meter, fixture->project.id, none, &retry_ms, &err)); /* they were counted once */
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_DAY, 600);
    assert_false(meter_admit(fixture->meter, fixture->project.id, none, &retry_ms, &err));
    assert_non_null(strstr(err.text, "this project is over its limit of 600 bytes a day"));
}

/* Goal: bytes a day and events a month count what all processes stored, and are kept; usage is by key and day. */
static void test_quotas(void **state)
{
    struct fixture *fixture = *state;
    struct meter *other;
    struct err err = { 0 };
    uint32_t retry_ms = 0;
    struct meter_amounts amounts = { .bytes = 600, .logs = 1, .spans = 2, .points = 3, .redacted = 4 };
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_DAY, 1000);
    assert_true(meter_open(&other, &(struct meter_options){ .db = meta_db(fixture->meta) }, &err));
    assert_true(meter_admit(other, fixture->project.id, fixture->key.id, &retry_ms, &err));
    meter_count(other, fixture->project.id, fixture->key.id, &amounts);
    assert_true(admit(fixture, &retry_ms, &err));
    meter_count(fixture->meter, fixture->project.id, fixture->key.id, &amounts);
    assert_true(admit(fixture, &retry_ms, &err)); /* each knows of its own 600 yet */
    for (int i = 0; i < 3; i++) assert_true(meter_save(other, &err) && meter_save(fixture->meter, &err));
    assert_false(admit(fixture, &retry_ms, &err));
    assert_non_null(strstr(err.text, "1000 bytes a day"));
    assert_true(retry_ms > 0 && retry_ms <= 86400001);
    assert_true(meter_save(other, &err));
    assert_false(meter_admit(other, fixture->project.id, fixture->key.id, &retry_ms, &err));
    struct meter_state now;
    meter_state(other, fixture->project.id, &now);
    assert_int_equal(now.bytes_today, 1200);
    assert_int_equal(now.events_this_month, 12);
    meter_close(other);

    struct db *db = meta_db(fixture->meta);
    assert_true(meter_save(fixture->meter, &err));
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM usage"), 1);
    assert_int_equal(db_fixture_number(db, "SELECT requests + 10 * logs + 100 * spans + 1000 * points FROM usage"),
                     6422);
    assert_int_equal(db_fixture_number(db, "SELECT bytes FROM usage"), 1200);
    assert_int_equal(db_fixture_number(db, "SELECT redacted FROM usage"), 8);
    assert_int_equal(db_fixture_number(db, "SELECT refused FROM usage"), 1);
    assert_true(meter_open(&other, &(struct meter_options){ .db = db }, &err)); /* as after a restart */
    assert_false(meter_admit(other, fixture->project.id, fixture->key.id, &retry_ms, &err));
    meter_close(other);
    limit_set(fixture, fixture->project.id, LIMIT_BYTES_PER_DAY, 0);
    limit_set(fixture, fixture->project.id, LIMIT_EVENTS_PER_MONTH, 12);
    assert_false(admit(fixture, &retry_ms, &err));
    assert_non_null(strstr(err.text, "12 events a month"));
}

/* Goal: defaults count where nothing is said, and what is said wins, also when it is "no limit"; keys have none. */
static void test_defaults(void **state)
{
    struct fixture *fixture = *state;
    struct meter *meter;
    struct err err = { 0 };
    uint32_t retry_ms;
    struct meter_options options = { .db = meta_db(fixture->meta),
                                     .defaults = { .at = { [LIMIT_REQUESTS_PER_SECOND] = 1, [LIMIT_QUERIES] = 2 } } };
    assert_true(meter_open(&meter, &options, &err));
    assert_true(meter_admit(meter, fixture->project.id, fixture->key.id, &retry_ms, &err));
    assert_false(meter_admit(meter, fixture->project.id, fixture->key.id, &retry_ms, &err));
    limit_set(fixture, fixture->project.id, LIMIT_REQUESTS_PER_SECOND, 0);
    assert_true(meter_refresh(meter, &err));
    for (int i = 0; i < 10; i++) assert_true(meter_admit(meter, fixture->project.id, fixture->key.id, &retry_ms, &err));
    struct limit_values values;
    meter_limits(meter, fixture->project.id, NULL, &values);
    assert_int_equal(values.at[LIMIT_REQUESTS_PER_SECOND], 0);
    assert_int_equal(values.at[LIMIT_QUERIES], 2);
    meter_limits(meter, fixture->project.id, &fixture->key.id, &values);
    assert_int_equal(values.at[LIMIT_QUERIES], 0);

    const struct uuid nobody = { 0 };
    assert_true(meter_query_begin(meter, fixture->project.id, nobody, &err));
    assert_true(meter_query_begin(meter, fixture->project.id, fixture->key.id, &err));
    assert_false(meter_query_begin(meter, fixture->project.id, nobody, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    assert_non_null(strstr(err.text, "2 queries at once"));
    meter_query_end(meter, fixture->project.id);
    assert_true(meter_query_begin(meter, fixture->project.id, nobody, &err));
    meter_close(meter);

    struct limit_row bad = { fixture->project.id, fixture->key.id, LIMIT_QUERIES, 1 };
    assert_false(db_transaction(meta_db(fixture->meta), put_run, &bad, &err));
    assert_int_equal(err.code, ERR_INPUT);
}

struct hammer {
    struct fixture *fixture;
    uint32_t taken;
};

static void *hammer_run(void *ctx)
{
    struct hammer *hammer = ctx;
    struct fixture *fixture = hammer->fixture;
    struct err err = { 0 };
    uint32_t retry_ms;
    for (int i = 0; i < 2000; i++) {
        if (!meter_admit(fixture->meter, fixture->project.id, fixture->key.id, &retry_ms, &err)) continue;
        hammer->taken++;
        meter_count(fixture->meter, fixture->project.id, fixture->key.id, &(struct meter_amounts){ .bytes = 1 });
    }
    return NULL;
}

/* Goal: nothing is counted twice or lost while it is saved. */
static void test_saved_beside(void **state)
{
    struct fixture *fixture = *state;
    struct hammer hammers[3] = { { fixture, 0 }, { fixture, 0 }, { fixture, 0 } };
    pthread_t threads[3];
    struct err err = { 0 };
    uint64_t taken = 0;
    for (int t = 0; t < 3; t++) assert_int_equal(pthread_create(&threads[t], NULL, hammer_run, &hammers[t]), 0);
    for (int i = 0; i < 20; i++) assert_true(meter_save(fixture->meter, &err));
    for (int t = 0; t < 3; t++) {
        pthread_join(threads[t], NULL);
        taken += hammers[t].taken;
    }
    assert_true(meter_save(fixture->meter, &err));
    assert_int_equal(db_fixture_number(meta_db(fixture->meta), "SELECT sum(bytes) FROM usage WHERE bytes >= 0"), taken);
    struct meter_stats stats;
    meter_stats(fixture->meter, &stats);
    assert_int_equal(stats.unsaved, 0);
}

static bool rule_keep(void *ctx, const struct redaction_rule *rule, uint64_t found)
{
    struct {
        uint32_t count;
        uint64_t found;
        char names[200];
    } *seen = ctx;
    seen->count++;
    seen->found += found;
    strcat(strcat(seen->names, rule->name), " ");
    return true;
}

static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    return redaction_rule_insert(session, ctx, err);
}
static bool update_run(struct db_session *session, void *ctx, struct err *err)
{
    return redaction_rule_update(session, ctx, err);
}
static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct redaction_rule *rule = ctx;
    return redaction_rule_delete(session, rule->project_id, rule->id, err);
}

/* Goal: redaction rules are kept in their order, names are unique in a project, and finds add up by day. */
static void test_redaction_rules(void **state)
{
    struct fixture *fixture = *state;
    struct db *db = meta_db(fixture->meta);
    struct err err = { 0 };
    struct redaction_rule rules[3];
    for (int r = 0; r < 3; r++) {
        rules[r] =
            (struct redaction_rule){ .project_id = fixture->project.id, .is_on = true, .finds = REDACTION_BUILT_IN };
        snprintf(rules[r].name, sizeof rules[r].name, "r%d", r);
        strcpy(rules[r].pattern, "cards");
        assert_true(db_transaction(db, insert_run, &rules[r], &err));
    }
    struct redaction_rule twice = rules[0];
    assert_false(db_transaction(db, insert_run, &twice, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    strcpy(rules[1].name, "renamed");
    assert_true(db_transaction(db, update_run, &rules[1], &err));
    assert_true(db_transaction(db, delete_run, &rules[0], &err));
    assert_false(db_transaction(db, delete_run, &rules[0], &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    int64_t today = clock_unix_us() / INT64_C(86400000000);
    struct redaction_found found[] = { { rules[1].id, 3 }, { rules[0].id, 100 } };
    for (int i = 0; i < 2; i++) assert_true(redaction_found_add(db, today, found, 2, &err));
    assert_true(redaction_found_add(db, today - 40, found, 1, &err));
    struct {
        uint32_t count;
        uint64_t found;
        char names[200];
    } seen = { 0 };
    assert_true(redaction_rule_list(db, &fixture->project.id, rule_keep, &seen, &err));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.names, "renamed r2 ");
    assert_int_equal(seen.found, 6);
    assert_true(redaction_rule_list(db, NULL, rule_keep, &seen, &err));
    assert_int_equal(seen.count, 4);
}

int main(void)
{
#define WITH_METER(test) DB_BOTH(test, setup, teardown)
    const struct CMUnitTest tests[] = { WITH_METER(test_rate),         WITH_METER(test_debt),
                                        WITH_METER(test_quotas),       WITH_METER(test_defaults),
                                        WITH_METER(test_saved_beside), WITH_METER(test_redaction_rules),
                                        WITH_METER(test_person) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
