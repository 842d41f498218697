/* threads: none */
/* Findings are stored once, change and end, and are parts of incidents; one process owns a project. On SQLite and on PostgreSQL. */
#include "meta/meta_fixture.h"
#include <math.h>

#include "base/ddsketch.h"
#include "findings/finding_causes.h"
#include "findings/finding_new.h"
#include "incidents/incident_store.h"
#include "meta/meta.h"
#include "meta/rollup.h"
#include "meta/tap_position.h"

#define MINUTE INT64_C(60000000)
#define NOW_US (INT64_C(1790000000) * 1000000)

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct arena arena;
    struct finding found[20];
    uint32_t count;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
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

static bool note(void *ctx, const struct finding *finding)
{
    struct fixture *fixture = ctx;
    if (fixture->count < COUNT_OF(fixture->found)) fixture->found[fixture->count++] = *finding;
    return true;
}

static void list(struct fixture *fixture, struct finding_filter filter)
{
    struct err err = { 0 };
    filter.limit = 20;
    fixture->count = 0;
    if (!finding_list(fixture->db, fixture->shop.id, &fixture->arena, &filter, note, fixture, &err))
        fail_msg("%s", err.text);
}

static const struct watch_subject cart = { .service = { (const uint8_t *)"cart", 4 },
                                           .endpoint = { (const uint8_t *)"0190a3c0-0000-7000-8000-000000000001", 36 },
                                           .method = { (const uint8_t *)"GET", 3 },
                                           .route = { (const uint8_t *)"/it's", 5 },
                                           .kind = "server" };

static struct detect_finding errors(void)
{
    return (struct detect_finding){ .kind = DETECT_ERROR_RATE,
                                    .change = DETECT_OPENED,
                                    .is_up = true,
                                    .begin_unix_us = NOW_US - 10 * MINUTE,
                                    .found_unix_us = NOW_US - 5 * MINUTE,
                                    .window_minutes = 10,
                                    .value = 0.31,
                                    .expected = 0.01,
                                    .low = 0,
                                    .high = 0.02,
                                    .effect = 0.3,
                                    .z = 22,
                                    .p = 1e-9,
                                    .rows = 600 };
}

static void tell(struct fixture *fixture, const struct detect_finding *found, const struct watch_subject *subject,
                 bool is_told)
{
    struct err err = { 0 };
    if (!finding_tell(fixture->db, fixture->shop.id, found, subject, NULL, is_told, NOW_US, &err))
        fail_msg("%s", err.text);
}

/* Goal: a finding told twice is one; its end ends its signal; what is of the past wakes nobody; numbers that are none are stored. */
static void test_findings(void **state)
{
    struct fixture *fixture = *state;
    struct detect_finding found = errors();
    tell(fixture, &found, &cart, true);
    tell(fixture, &found, &cart, true); /* once more, after a crash */
    list(fixture, (struct finding_filter){ .is_open = true });
    assert_int_equal(fixture->count, 1);
    const struct finding *one = &fixture->found[0];
    assert_int_equal(one->number, 1);
    assert_int_equal(one->severity, INCIDENT_CRITICAL);
    assert_true(one->incident > 0);
    assert_string_equal(finding_title(&fixture->arena, one), "More errors of GET /it's of cart: 31%, usually 1%");
    const char *sql = finding_sql(&fixture->arena, one);
    assert_non_null(strstr(sql, "= ANY(hashes)"));
    assert_non_null(strstr(sql, "resource___service___name = 'cart' AND kind = 'server'"));
    int64_t number = one->incident;

    struct detect_finding slower = errors(), past = errors(), all = errors();
    slower.kind = DETECT_LATENCY;
    slower.value = 3e9;
    slower.expected = 0;
    slower.effect = INFINITY;
    tell(fixture, &slower, &cart, true);
    past.found_unix_us -= 600 * MINUTE;
    past.begin_unix_us -= 600 * MINUTE;
    tell(fixture, &past, &cart, false);
    all.kind = DETECT_SILENCE;
    all.is_up = false;
    tell(fixture, &all, NULL, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->count, 4);
    assert_int_equal(fixture->found[0].number, 4); /* newest first */
    assert_string_equal(finding_title(&fixture->arena, &fixture->found[0]), "Nothing comes of all services");
    assert_int_equal(fixture->found[1].incident, 0);      /* of the past */
    assert_int_equal(fixture->found[2].incident, number); /* of the same service at the same time */

    found.change = DETECT_CLOSED;
    found.end_unix_us = NOW_US - MINUTE;
    tell(fixture, &found, &cart, true);
    list(fixture, (struct finding_filter){ .is_open = true, .service = cart.service });
    assert_int_equal(fixture->count, 2);
    list(fixture, (struct finding_filter){ .from_unix_us = NOW_US - 2 * MINUTE, .to_unix_us = NOW_US, .before = 2 });
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->found[0].end_unix_us, NOW_US - MINUTE);
    struct finding again;
    bool is_there;
    struct err err = { 0 };
    assert_true(finding_find(fixture->db, fixture->shop.id, &fixture->arena, 1, &again, &is_there, &err) && is_there);
    assert_true(again.end_unix_us == NOW_US - MINUTE && again.incident == number);
    for (int64_t none = 0; none < 198; none += 99)
        assert_true(finding_find(fixture->db, fixture->shop.id, &fixture->arena, none, &again, &is_there, &err) &&
                    !is_there);
    assert_true(finding_expire(fixture->db, fixture->shop.id, NOW_US, &err));
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->count, 3); /* those that go on stay */
}

/* ---- causes ---- */

struct flow {
    const char *kind, *service, *target, *target_kind;
    int64_t rows_before, errors_before, rows_since, errors_since;
};

/* Forty minutes of roll-ups, the last ten of them as since. */
static void flows_store(struct fixture *fixture, const struct flow *flows, size_t count)
{
    const struct uuid owner = { { 3 } };
    struct err err = { 0 };
    struct rollup_series *series = arena_calloc(&fixture->arena, count * sizeof *series);
    struct rollup_sums *sums = arena_calloc(&fixture->arena, 40 * count * sizeof *sums);
    struct rollup_bucket *buckets = arena_calloc(&fixture->arena, 40 * count * sizeof *buckets);
    struct rollup_changes changes = { .app_id = "monoscope/f/0",
                                      .owner = owner,
                                      .position = 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = count };
    for (size_t f = 0; f < count; f++) {
        bool is_edge = strcmp(flows[f].kind, "edge") == 0;
        series[f] = (struct rollup_series){ .project_id = fixture->shop.id,
                                            .kind = flows[f].kind,
                                            .service = bytes_of_text(flows[f].service),
                                            .endpoint = BYTES(""),
                                            .method = BYTES(""),
                                            .route = BYTES(""),
                                            .source_kind = is_edge ? "service" : "",
                                            .target = bytes_of_text(flows[f].target),
                                            .target_kind = flows[f].target_kind,
                                            .first_unix_us = NOW_US - 40 * MINUTE,
                                            .last_unix_us = NOW_US };
        series[f].id = rollup_series_id(&series[f]);
        for (int m = 0; m < 40; m++) {
            int64_t at = NOW_US - (40 - m) * MINUTE, rows = m < 30 ? flows[f].rows_before : flows[f].rows_since;
            sums[changes.minute_count++] =
                (struct rollup_sums){ .project_id = fixture->shop.id,
                                      .at_unix_us = at,
                                      .series_id = series[f].id,
                                      .row_count = rows,
                                      .error_count = m < 30 ? flows[f].errors_before : flows[f].errors_since,
                                      .duration_count = rows,
                                      .duration_sum_ns = (double)rows * 1e7,
                                      .duration_max_ns = 10000000 };
            buckets[changes.bucket_count++] = (struct rollup_bucket){ .project_id = fixture->shop.id,
                                                                      .at_unix_us = at,
                                                                      .series_id = series[f].id,
                                                                      .bucket = ddsketch_bucket(10000000),
                                                                      .row_count = rows };
        }
    }
    uint64_t position;
    if (!tap_position_take(fixture->db, ROLLUP_TAP, "monoscope/f/0", owner, NOW_US, &position, &err))
        fail_msg("%s", err.text);
    if (!rollup_store(fixture->db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}

/* Answers as the tools do: a new version of payments, and one host of its ill rows. */
static bool face_call(void *ctx, struct uuid project_id, const char *who, const char *tool, yyjson_val *arguments,
                      struct buf *out, bool *is_error, struct err *err)
{
    struct fixture *fixture = ctx;
    (void)who;
    (void)err;
    assert_true(uuid_equal(project_id, fixture->shop.id));
    *is_error = false;
    fixture->count++;
    if (strcmp(tool, "run_sql") == 0) {
        assert_int_equal(yyjson_arr_size(yyjson_obj_get(arguments, "parameters")), 2);
        return buf_printf(
            out, "{\"rows\":[[\"payments\",\"2.1\",\"%s\"],[\"payments\",\"2.0\",\"%s\"],[\"cart\",\"7\",\"%s\"]]}",
            finding_time(&fixture->arena, NOW_US - 12 * MINUTE), finding_time(&fixture->arena, NOW_US - 55 * MINUTE),
            finding_time(&fixture->arena, NOW_US - 12 * MINUTE));
    }
    const char *rows = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(arguments, "rows"), "where"));
    if (strstr(rows, "'payments'") == NULL) return *is_error = true;
    return buf_printf(out, "{\"findings\":[{\"field\":\"error.type\",\"kind\":\"is\",\"value\":\"x\",\"in_share\":1,"
                           "\"out_share\":0,\"score\":1},"
                           "{\"field\":\"host.name\",\"kind\":\"is\",\"value\":\"p-3\",\"in_share\":0.9,\"out_share\":"
                           "0.1,\"score\":0.7}]}");
}

static bool first_due(void *ctx, const struct finding *finding)
{
    *(struct finding *)ctx = *finding;
    return true;
}

/* Goal: what roll-ups, releases and rows say becomes the causes of a finding, once at its opening and then when it is due, and a line
 * of its signal; without anybody who reads rows it is the place alone. Method: cart fails because payments does. */
static void test_causes(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "server", "cart", "", "", 100, 1, 100, 20 },
                                         { "server", "payments", "", "", 100, 1, 100, 22 },
                                         { "log", "payments", "", "", 900, 0, 900, 900 },
                                         { "edge", "cart", "payments", "service", 100, 1, 100, 22 },
                                         { "edge", "cart", "redis/0", "database", 300, 0, 300, 0 } };
    struct finding_face face = { face_call, fixture };
    struct finding_causes *causes;
    struct finding_explained explained, stored;
    struct err err = { 0 };
    struct detect_finding found = errors();
    const struct finding_asked asked = { found.kind,         true, cart.service, bytes_of_text(cart.kind), found.z,
                                         found.begin_unix_us };
    flows_store(fixture, flows, COUNT_OF(flows));
    if (!finding_causes_read(fixture->db, NULL, fixture->shop.id, found.begin_unix_us, NOW_US, &fixture->arena, &causes,
                             &err))
        fail_msg("%s", err.text);
    assert_true(finding_causes_serves(causes, found.begin_unix_us + 5 * MINUTE));
    assert_false(finding_causes_serves(causes, found.begin_unix_us + 15 * MINUTE));
    assert_true(finding_causes_rank(causes, &asked, true, &explained));
    assert_string_equal((const char *)arena_printf(&fixture->arena, "%.*s", (int)explained.line.len,
                                                   (const char *)explained.line.ptr),
                        "payments: 22% of its requests fail, 1% before");
    if (!finding_tell(fixture->db, fixture->shop.id, &found, &cart, &explained, true, NOW_US, &err))
        fail_msg("%s", err.text);
    list(fixture, (struct finding_filter){ 0 });
    assert_true(bytes_equal(fixture->found[0].cause, explained.line));

    struct incident_detail detail;
    assert_true(
        incident_detail(fixture->db, &fixture->arena, fixture->shop.id, fixture->found[0].incident, &detail, &err));
    assert_non_null(memmem(detail.signals[0].signal.text.ptr, detail.signals[0].signal.text.len,
                           "Likely cause: payments: 22%", 27));

    struct finding due = { 0 };
    static const int64_t looks[] = { 0, 3, 13 };
    for (size_t l = 0; l < COUNT_OF(looks); l++) { /* it was found five minutes ago */
        int64_t now = NOW_US + looks[l] * MINUTE;
        due.number = 0;
        assert_true(
            finding_causes_due(fixture->db, fixture->shop.id, &fixture->arena, now - 1, first_due, &due, &err) &&
            due.number == 0);
        due.number = 0;
        assert_true(finding_causes_due(fixture->db, fixture->shop.id, &fixture->arena, now, first_due, &due, &err));
        assert_int_equal(due.number, 1);
        if (l == 1) { /* nothing is known then: what was stays */
            assert_true(finding_explain(fixture->db, &due, NULL, now, &err));
            continue;
        }
        fixture->count = 0;
        assert_true(finding_causes_read(fixture->db, &face, fixture->shop.id, due.begin_unix_us, NOW_US,
                                        &fixture->arena, &causes, &err));
        assert_true(finding_causes_rank(causes, &asked, true, &explained) &&
                    finding_causes_rank(causes, &asked, true, &explained));
        assert_int_equal(fixture->count, 3); /* releases, and the rows of two services, once */
        assert_true(finding_explain(fixture->db, &due, &explained, now, &err));
    }
    due.number = 0;
    assert_true(finding_causes_due(fixture->db, fixture->shop.id, &fixture->arena, NOW_US + 99 * MINUTE, first_due,
                                   &due, &err));
    assert_int_equal(due.number, 0); /* often enough */
    assert_true(finding_explained_find(fixture->db, fixture->shop.id, 1, &fixture->arena, &stored, &err));
    assert_true(bytes_equal(stored.line, BYTES("release 2.1 of payments: 22% of its requests fail, 1% before")));
    yyjson_doc *doc = yyjson_read((const char *)stored.content.ptr, stored.content.len, 0);
    yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "causes"));
    assert_true(yyjson_equals_str(yyjson_obj_get(first, "place"), "payments"));
    assert_true(yyjson_equals_str(yyjson_obj_get(yyjson_obj_get(first, "release"), "version"), "2.1"));
    assert_true(yyjson_equals_str(yyjson_obj_get(yyjson_obj_get(first, "attribute"), "value"), "p-3"));
    yyjson_doc_free(doc);
    assert_true(
        incident_detail(fixture->db, &fixture->arena, fixture->shop.id, fixture->found[0].incident, &detail, &err));
    assert_non_null(
        memmem(detail.signals[0].signal.text.ptr, detail.signals[0].signal.text.len, "Likely cause: release 2.1", 25));

    found.change = DETECT_CLOSED; /* its line stays, and goes with it */
    found.end_unix_us = NOW_US + 20 * MINUTE;
    tell(fixture, &found, &cart, true);
    assert_true(
        incident_detail(fixture->db, &fixture->arena, fixture->shop.id, fixture->found[0].incident, &detail, &err));
    assert_non_null(
        memmem(detail.signals[0].signal.text.ptr, detail.signals[0].signal.text.len, "Likely cause: release 2.1", 25));
    assert_true(finding_expire(fixture->db, fixture->shop.id, NOW_US + 60 * MINUTE, &err));
    assert_true(finding_explained_find(fixture->db, fixture->shop.id, 1, &fixture->arena, &stored, &err) &&
                stored.content.len == 0);
}

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
    assert_int_equal(found->kind, DETECT_NEW_ERROR);
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

/* Goal: one owner, until its time is over or it lets go. */
static void test_owner(void **state)
{
    struct fixture *fixture = *state;
    const struct uuid one = { { 1 } }, other = { { 2 } };
    struct err err = { 0 };
    bool got;
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US, &got, &err) && got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + 1, &got, &err) && !got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US + MINUTE, &got, &err) && got);
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + FINDING_LEASE_US, &got, &err) &&
                !got);
    assert_true(
        finding_owner_take(fixture->db, fixture->shop.id, other, NOW_US + MINUTE + FINDING_LEASE_US + 1, &got, &err) &&
        got);
    assert_true(finding_owner_release(fixture->db, other, &err));
    assert_true(finding_owner_take(fixture->db, fixture->shop.id, one, NOW_US, &got, &err) && got);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_findings, setup, teardown), DB_BOTH(test_causes, setup, teardown),
                                        DB_BOTH(test_new_errors, setup, teardown),
                                        DB_BOTH(test_owner, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
