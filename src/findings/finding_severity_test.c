/* threads: none */
/* How bad a finding is. On SQLite and on PostgreSQL. */
#include "findings/findings_fixture.h"
#include <math.h>

struct monitor_row {
    const char *slug, *objective;
    struct uuid project_id;
};
static bool monitor_insert(struct db_session *session, void *ctx, struct err *err)
{
    const struct monitor_row *row = ctx;
    char content[200];
    snprintf(content, sizeof content, "{\"service\":\"cart\",\"condition\":{\"kind\":\"burn\",\"objective\":%s}}",
             row->objective);
    return db_run(session,
                  "INSERT INTO monitors(id, project_id, slug, title, content, is_on, version, author, created_unix_us, "
                  "changed_unix_us, evaluated_unix_us, broken_unix_us, broken_why, muted_until_unix_us) VALUES($1, $2, "
                  "$3, '', $4, $5, 1, '', 0, 0, 0, 0, '', 0)",
                  DB_VALUES(db_uuid(uuid_random()), db_uuid(row->project_id), db_text(row->slug), db_text(content),
                            db_boolean(true)),
                  NULL, NULL, NULL, err);
}
static void monitor_put(struct fixture *fixture, const char *slug, const char *objective)
{
    struct monitor_row row = { slug, objective, fixture->shop.id };
    struct err err = { 0 };
    if (!db_transaction(fixture->db, monitor_insert, &row, &err)) fail_msg("%s", err.text);
}

/* Goal: what a finding is worth depends on its part of the service, and errors on what the service's objective allows; and that is said.
 * Method: cart has 100 requests a minute, of which a share fails since the change; of the endpoint there are more or fewer. */
static void test_severity(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "server", "cart", "", "", 90, 1, 90, 7 },
                                         { "consumer", "cart", "", "", 10, 0, 10, 0 },
                                         { "log", "cart", "", "", 900, 0, 900, 900 } };
    static const struct {
        const char *name;
        enum detect_kind kind;
        double effect, rows; /* rows in ten minutes, of 1000 of the service */
        enum incident_severity severity;
    } cases[] = {
        { "a third of the requests, three times as slow", DETECT_LATENCY, 3.5, 333, INCIDENT_CRITICAL },
        { "three of a hundred requests, three times as slow", DETECT_LATENCY, 3.5, 30, INCIDENT_WARNING },
        { "all of them, somewhat slower", DETECT_LATENCY, 1.5, 1000, INCIDENT_WARNING },
        { "nothing comes of three of a hundred", DETECT_SILENCE, 0, 30, INCIDENT_WARNING },
        { "nothing comes of a third", DETECT_SILENCE, 0, 333, INCIDENT_CRITICAL },
        { "many more errors, of which seven of a hundred requests fail", DETECT_ERROR_RATE, 0.3, 200,
          INCIDENT_CRITICAL },
        { "few more errors, and the same", DETECT_ERROR_RATE, 0.02, 200, INCIDENT_WARNING },
    };
    struct arena *arena = &fixture->arena;
    flows_store(fixture, flows, COUNT_OF(flows));
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct detect_finding found = errors();
        char endpoint[20];
        snprintf(endpoint, sizeof endpoint, "%zu", c);
        struct watch_subject subject = cart;
        subject.endpoint = bytes_of_text(endpoint);
        found.kind = cases[c].kind;
        found.is_up = found.kind != DETECT_SILENCE;
        found.rows = cases[c].rows;
        found.expected = found.kind == DETECT_SILENCE ? cases[c].rows / 10 : 1;
        found.value = found.kind == DETECT_SILENCE ? 0 : cases[c].effect;
        found.effect = cases[c].effect;
        tell(fixture, &found, &subject, true);
        list(fixture, (struct finding_filter){ 0 });
        if (fixture->found[0].severity != cases[c].severity)
            fail_msg("%s: %d, breadth %g, burn %g", cases[c].name, (int)fixture->found[0].severity,
                     fixture->found[0].weight.breadth, fixture->found[0].weight.burn);
        if (found.kind != DETECT_ERROR_RATE && fabs(fixture->found[0].weight.breadth - cases[c].rows / 1000) > 1e-9)
            fail_msg("%s: breadth %g", cases[c].name, fixture->found[0].weight.breadth);
    }
    assert_non_null(strstr(finding_text(arena, &fixture->found[0]),
                           "Of the requests of cart then 7% failed: 7 times what an objective of 99% allows."));
    struct detect_finding found = errors();
    found.effect = 0.02;
    struct watch_subject subject = cart;
    monitor_put(fixture, "1111", "99.9"); /* 70 times what it allows */
    subject.endpoint = BYTES("strict");
    tell(fixture, &found, &subject, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->found[0].severity, INCIDENT_CRITICAL);
    assert_non_null(strstr(finding_text(arena, &fixture->found[0]), "70 times what an objective of 99.9% allows."));
    db_fixture_run(fixture->db, "DELETE FROM monitors");
    monitor_put(fixture, "2222", "90"); /* less than it allows */
    found.effect = 0.3;
    subject.endpoint = BYTES("lax");
    tell(fixture, &found, &subject, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->found[0].severity, INCIDENT_WARNING);
    found.change = DETECT_CLOSED; /* it keeps what it weighs */
    found.end_unix_us = NOW_US;
    db_fixture_run(fixture->db, "DELETE FROM monitors");
    tell(fixture, &found, &subject, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_true(fixture->found[0].severity == INCIDENT_WARNING && fixture->found[0].end_unix_us == NOW_US);
    assert_true(fabs(fixture->found[0].weight.burn - 0.7) < 1e-9 &&
                fabs(fixture->found[0].weight.objective - 0.9) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_severity, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
