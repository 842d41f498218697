/* threads: none */
/* Findings are stored once, change and end, and are parts of incidents; one process owns a project. On SQLite and on PostgreSQL. */
#include "findings/findings_fixture.h"
#include <math.h>

#include "findings/finding_causes.h"
#include "incidents/incident_store.h"

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
                                        DB_BOTH(test_owner, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
