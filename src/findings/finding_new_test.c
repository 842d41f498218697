/* threads: none */
/* Errors and log patterns that are new. On SQLite and on PostgreSQL. */
#include "findings/finding_new.h"
#include "findings/findings_fixture.h"
#include "meta/pattern.h"

/* ---- new errors ---- */

struct issue_row {
    int64_t number, first_unix_us, events, last_unix_us;
    const char *service;
    struct uuid project_id, fingerprint;
};
static bool issue_put(struct db_session *session, void *ctx, struct err *err)
{
    const struct issue_row *row = ctx;
    return db_run(session,
                  "INSERT INTO issues(project_id, number, title, message, culprit, service, language, category, "
                  "known_id, words, state, "
                  "state_unix_us, resolved_in_release, ignored_until_unix_us, ignored_until_count, "
                  "ignored_until_users, ignored_at_count, "
                  "ignored_at_users, merged_into, first_unix_us, last_unix_us, total_count, user_count, "
                  "created_unix_us, changed_unix_us, "
                  "look_unix_us) VALUES($1, $2, 'TimeoutError', '', '', $3, '', '', '', '', 0, $4, '', 0, 0, 0, 0, 0, "
                  "0, $4, $4, 1, 0, $4, $4, 0)",
                  DB_VALUES(db_uuid(row->project_id), db_integer(row->number), db_text(row->service),
                            db_integer(row->first_unix_us)),
                  NULL, NULL, NULL, err) &&
           db_run(session,
                  "INSERT INTO error_fingerprints(project_id, id, service, family, language, made_by, errors_version, "
                  "rules_version, "
                  "rule_line, first_unix_us, last_unix_us, total_count, issue, is_changed, first_event, last_event) "
                  "VALUES($1, $2, $3, '', '', "
                  "0, 1, 0, 0, $4, $4, 1, $5, $6, '', '')",
                  DB_VALUES(db_uuid(row->project_id), db_uuid(row->fingerprint), db_text(row->service),
                            db_integer(row->first_unix_us), db_integer(row->number), db_boolean(false)),
                  NULL, NULL, NULL, err) &&
           db_run(session,
                  "INSERT INTO error_minutes(project_id, at_unix_us, fingerprint_id, environment, row_count) "
                  "VALUES($1, $2, $3, '', $4)",
                  DB_VALUES(db_uuid(row->project_id), db_integer(row->last_unix_us - row->last_unix_us % MINUTE),
                            db_uuid(row->fingerprint), db_integer(row->events)),
                  NULL, NULL, NULL, err);
}

static void new_tell(void *ctx, const struct detect_finding *found, const struct watch_subject *subject)
{
    struct fixture *fixture = ctx;
    assert_true(found->kind == DETECT_NEW_ERROR || found->kind == DETECT_NEW_PATTERN);
    tell(fixture, found, subject, true);
}

static void look(struct fixture *fixture, int64_t now)
{
    struct err err = { 0 };
    if (!finding_new_look(fixture->db, fixture->shop.id, now, new_tell, fixture, &err)) fail_msg("%s", err.text);
    list(fixture, (struct finding_filter){ 0 });
}

/* Goal: an issue that is new in a service that is not, and comes often, is found once, and over when it comes no more; others are not. */
static void test_new_errors(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "server", "old", "", "", 10, 0, 10, 0 },
                                         { "server", "fresh", "", "", 10, 0, 10, 0 } };
    struct issue_row rows[] = {
        { 1, NOW_US - 20 * MINUTE, 30, NOW_US - 5 * MINUTE, "old", fixture->shop.id, { { 1 } } }, /* this one */
        { 2, NOW_US - 20 * MINUTE, 19, NOW_US - 5 * MINUTE, "old", fixture->shop.id, { { 2 } } }, /* seldom */
        { 3,
          NOW_US - 20 * MINUTE,
          30,
          NOW_US - 5 * MINUTE,
          "fresh",
          fixture->shop.id,
          { { 3 } } },                                                                            /* all of it is new */
        { 4, NOW_US - 90 * MINUTE, 30, NOW_US - 5 * MINUTE, "old", fixture->shop.id, { { 4 } } }, /* known for long */
    };
    struct err err = { 0 };
    flows_store(fixture, flows, COUNT_OF(flows));
    db_fixture_run(fixture->db, "UPDATE rollup_series SET first_unix_us = 0 WHERE service = 'old'");
    for (size_t r = 0; r < COUNT_OF(rows); r++)
        if (!db_transaction(fixture->db, issue_put, &rows[r], &err)) fail_msg("%s", err.text);
    look(fixture, NOW_US);
    look(fixture, NOW_US + MINUTE);
    assert_int_equal(fixture->count, 1);
    const struct finding *one = &fixture->found[0];
    assert_int_equal(one->severity, INCIDENT_WARNING);
    assert_int_equal(one->begin_unix_us, NOW_US - 20 * MINUTE - (NOW_US - 20 * MINUTE) % MINUTE);
    assert_true(one->incident > 0 && bytes_equal(one->method, BYTES("1")) && one->end_unix_us == 0);
    assert_string_equal(finding_title(&fixture->arena, one), "New error of old: TimeoutError");
    assert_non_null(strstr(finding_text(&fixture->arena, one), "issue #1, 30 events"));
    assert_non_null(strstr(finding_sql(&fixture->arena, one), "resource___service___name = 'old' AND 'err:01000000-"));
    look(fixture, NOW_US + 20 * MINUTE);
    assert_int_equal(fixture->found[0].end_unix_us, 0);
    look(fixture, NOW_US + 27 * MINUTE); /* half an hour after its last event */
    assert_true(fixture->count == 1 && fixture->found[0].end_unix_us > NOW_US - 5 * MINUTE &&
                !fixture->found[0].is_accepted);
    look(fixture, NOW_US + 28 * MINUTE);
    assert_int_equal(fixture->count, 1);
}

/* Goal: what lasts, or comes very often, is told; what is over soon, or comes seldom, is found when its first hour is over, for reports
 * alone, and once. */
static void test_what_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flow = { "server", "old", "", "", 10, 0, 10, 0 };
    const int64_t first = NOW_US - 30 * MINUTE;
    struct issue_row rows[] = {
        { 1, first, 39, NOW_US - MINUTE, "old", fixture->shop.id, { { 1 } } },     /* surely one a minute */
        { 2, first, 38, NOW_US - MINUTE, "old", fixture->shop.id, { { 2 } } },     /* fewer */
        { 3, first, 999, first + 8 * MINUTE, "old", fixture->shop.id, { { 3 } } }, /* nine minutes */
        { 4, first, 1000, first + MINUTE, "old", fixture->shop.id, { { 4 } } },    /* very many */
        { 5, first, 10, first + 9 * MINUTE, "old", fixture->shop.id, { { 5 } } },  /* too few for anything */
        { 6, first, 20, first + 10 * MINUTE, "old", fixture->shop.id, { { 6 } } }, /* ten minutes */
    };
    struct err err = { 0 };
    flows_store(fixture, &flow, 1);
    db_fixture_run(fixture->db, "UPDATE rollup_series SET first_unix_us = 0");
    for (size_t r = 0; r < COUNT_OF(rows); r++)
        if (!db_transaction(fixture->db, issue_put, &rows[r], &err)) fail_msg("%s", err.text);
    for (int minute = -10; minute <= 30; minute++) look(fixture, NOW_US + minute * MINUTE);
    assert_int_equal(fixture->count, 3);
    for (int f = 0; f < 3; f++) {
        assert_int_equal(fixture->found[f].severity, INCIDENT_WARNING);
        assert_true(fixture->found[f].incident > 0 && fixture->found[f].is_up);
    }
    assert_true(bytes_equal(fixture->found[0].method, BYTES("1")) && bytes_equal(fixture->found[1].method, BYTES("6")));
    for (int minute = 31; minute <= 60; minute++) look(fixture, NOW_US + minute * MINUTE);
    assert_int_equal(fixture->count, 5);
    for (int f = 0; f < 2; f++) {
        assert_int_equal(fixture->found[f].severity, INCIDENT_INFO);
        assert_true(fixture->found[f].incident == 0 && !fixture->found[f].is_up && fixture->found[f].end_unix_us > 0);
    }
}

/* ---- new patterns ---- */

struct lines {
    uint8_t number; /* of its id */
    const char *service, *template;
    int64_t first_unix_us, last_unix_us, level, row_count;
    struct uuid project_id;
};
static bool lines_put(struct db_session *session, void *ctx, struct err *err)
{
    const struct lines *lines = ctx;
    const struct uuid id = { { lines->number } };
    return db_run(session,
                  "INSERT INTO pattern_templates(project_id, id, service, template, sample, is_rest, first_unix_us, "
                  "last_unix_us) VALUES($1, $2, $3, $4, '', $5, $6, $7)",
                  DB_VALUES(db_uuid(lines->project_id), db_uuid(id), db_text(lines->service), db_text(lines->template),
                            db_boolean(false), db_integer(lines->first_unix_us), db_integer(lines->last_unix_us)),
                  NULL, NULL, NULL, err) &&
           db_run(session,
                  "INSERT INTO pattern_hours(project_id, at_unix_us, template_id, level, row_count) VALUES($1, $2, $3, "
                  "$4, $5)",
                  DB_VALUES(db_uuid(lines->project_id),
                            db_integer(lines->first_unix_us - lines->first_unix_us % PATTERN_HOUR_US), db_uuid(id),
                            db_integer(lines->level), db_integer(lines->row_count)),
                  NULL, NULL, NULL, err);
}

static void lines_store(struct fixture *fixture, const struct lines *lines, size_t count)
{
    struct err err = { 0 };
    for (size_t l = 0; l < count; l++) {
        struct lines one = lines[l];
        one.project_id = fixture->shop.id;
        if (!db_transaction(fixture->db, lines_put, &one, &err)) fail_msg("%s", err.text);
    }
}

/* Goal: a pattern that is new in a service that is not, and comes often enough for its level, is found once; those of the next twenty
 * minutes are one finding behind them; what ends, ends. Not: a new template of a known pattern, patterns that come seldom, those of a
 * service that is new, or whose lines are sorted since today. */
static void test_new_patterns(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "log", "old", "", "", 10, 0, 10, 0 },
                                         { "log", "sorted", "", "", 10, 0, 10, 0 },
                                         { "log", "fresh", "", "", 10, 0, 10, 0 } };
    const int64_t lately = NOW_US - 20 * MINUTE, last = NOW_US - 5 * MINUTE, ago = NOW_US - 3000 * MINUTE;
    const struct lines now[] = {
        { 1, "old", "user ann opened a file", ago, last, 3, 500 },
        { 2, "old", "user bob opened a file", ago, last, 3, 500 },
        { 3, "old", "user carl opened a file", ago, last, 3, 500 },
        { 4, "old", "user dora opened a file", lately, last, 5, 500 },         /* of a pattern that is known */
        { 5, "old", "payment of order <*> was refused", lately, last, 5, 23 }, /* this one */
        { 6, "old", "disk <*> is nearly full", lately, last, 4, NEW_LINES_WARN_MIN - 1 }, /* seldom */
        { 7, "old", "queue took <*> ms", lately, last, 3, NEW_LINES_MIN - 1 },
        { 8, "old", "lease of node <*> was lost", NOW_US - 90 * MINUTE, last, 5, 900 }, /* known for long */
        { 9, "old", "it's not come yet", NOW_US + MINUTE, NOW_US + MINUTE, 5, NEW_SOON },
        { 10, "sorted", "no answer of the bank", lately, last, 5, 900 },
        { 11, "fresh", "old line", ago, last, 3, 10 },
        { 12, "fresh", "no answer of the bank", lately, last, 5, 900 },
    };
    flows_store(fixture, flows, COUNT_OF(flows));
    db_fixture_run(fixture->db, "UPDATE rollup_series SET first_unix_us = 0 WHERE service <> 'fresh'");
    lines_store(fixture, now, COUNT_OF(now));
    look(fixture, NOW_US);
    look(fixture, NOW_US + MINUTE);
    assert_int_equal(fixture->count, 1);
    const struct finding *one = &fixture->found[0];
    assert_true(one->severity == INCIDENT_WARNING && one->incident > 0 && one->end_unix_us == 0);
    assert_int_equal(one->begin_unix_us, lately - lately % MINUTE);
    assert_string_equal(finding_title(&fixture->arena, one),
                        "New log pattern of old, error: payment of order <*> was refused");
    assert_non_null(strstr(finding_text(&fixture->arena, one), ": 23 lines in 16 minutes."));
    assert_non_null(strstr(finding_sql(&fixture->arena, one),
                           "resource___service___name = 'old' AND kind = 'log' AND 'pat:05000000-"));

    const int64_t then = NOW_US + 10 * MINUTE;
    const struct lines release[] = {
        { 20, "old", "begun with <*>", then, then, 3, NEW_LINES_MIN },
        { 21, "old", "retry <*> of <*>", then, then, 4, NEW_LINES_WARN_MIN },
    };
    lines_store(fixture, release, COUNT_OF(release));
    look(fixture, NOW_US + 18 * MINUTE);
    assert_int_equal(fixture->count, 1); /* it rests; and what had not come yet is in the next, too */
    look(fixture, NOW_US + 20 * MINUTE);
    look(fixture, NOW_US + 21 * MINUTE);
    assert_int_equal(fixture->count, 2);
    one = &fixture->found[0];
    assert_true(one->severity == INCIDENT_WARNING && one->effect > 2.9 && one->effect < 3.1);
    assert_string_equal(finding_title(&fixture->arena, one),
                        "3 new log patterns of old, error: it's not come yet; and 2 more");
    assert_non_null(strstr(finding_text(&fixture->arena, one), "Also new:\nretry <*> of <*>\nbegun with <*>"));
    assert_non_null(strstr(finding_sql(&fixture->arena, one),
                           "('pat:09000000-0000-0000-0000-000000000000' = ANY(hashes) OR 'pat:1"));
    assert_int_equal(fixture->found[1].end_unix_us, 0);
    look(fixture, NOW_US + 26 * MINUTE); /* half an hour after the first one's last line */
    assert_true(fixture->found[1].end_unix_us > last && !fixture->found[1].is_accepted);
    assert_int_equal(fixture->found[0].end_unix_us, 0);
    look(fixture, NOW_US + 42 * MINUTE);
    assert_true(fixture->count == 2 && fixture->found[0].end_unix_us == then + MINUTE);

    const struct lines quiet[] = { { 30, "old", "reload of <*>", then, NOW_US + 999 * MINUTE, 4, 500 } };
    lines_store(fixture, quiet, COUNT_OF(quiet));
    look(fixture, NOW_US + 50 * MINUTE);
    assert_int_equal(fixture->count, 3);
    assert_true(fixture->found[0].severity == INCIDENT_INFO && fixture->found[0].incident == 0);
    look(fixture, then + NEW_ACCEPT_US);
    assert_int_equal(fixture->found[0].end_unix_us, 0);
    look(fixture, then + NEW_ACCEPT_US + 2 * MINUTE); /* it is usual by now */
    assert_true(fixture->count == 3 && fixture->found[0].is_accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_new_errors, setup, teardown),
                                        DB_BOTH(test_what_is_told, setup, teardown),
                                        DB_BOTH(test_new_patterns, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
