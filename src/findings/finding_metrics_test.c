/* threads: none */
/* Metrics that are unusual. On SQLite and on PostgreSQL. */
#include "base/rfc3339.h"
#include "findings/finding_metrics.h"
#include "findings/findings_fixture.h"

struct metrics_fixture {
    int64_t first_unix_us; /* of the last question */
    uint32_t asked, told, series;
    double factor;
    int64_t from_unix_us; /* since then the queue is longer by the factor */
    bool fails;
    struct detect_finding found;
    struct watch_subject subject;
};

static bool metrics_call(void *ctx, struct uuid project_id, const char *who, const char *tool, yyjson_val *arguments,
                         struct buf *out, bool *is_error, struct err *err)
{
    struct metrics_fixture *metrics = ctx;
    yyjson_val *parameters = yyjson_obj_get(arguments, "parameters");
    int64_t from = 0, to = 0;
    uint32_t rows = 0;
    (void)project_id;
    (void)err;
    assert_true(strcmp(tool, "run_sql") == 0 && strcmp(who, "metrics") == 0);
    assert_true(rfc3339_read_relative(bytes_of_text(yyjson_get_str(yyjson_arr_get(parameters, 0))), 0, &from) &&
                rfc3339_read_relative(bytes_of_text(yyjson_get_str(yyjson_arr_get(parameters, 1))), 0, &to));
    metrics->asked++;
    metrics->first_unix_us = from;
    *is_error = metrics->fails;
    assert_true(buf_printf(out, "{\"rows\":["));
    for (int64_t at = from; at < to; at += 5 * MINUTE)
        for (uint32_t s = 0; s < metrics->series && rows < METRICS_SERIES_MAX; s++, rows++) {
            double value = (double)(100 + (at / MINUTE * 7919 + s * 31) % 11);
            if (s == 0 && at >= metrics->from_unix_us) value *= metrics->factor;
            assert_true(buf_printf(out, "%s[\"queue.%u\",\"cart\",%s,%lld,%g]", rows > 0 ? "," : "", s,
                                   s == 0 ? "true" : "false", (long long)(at / 1000000), value));
        }
    return buf_printf(out, "]}");
}

static void metrics_tell(void *ctx, const struct detect_finding *found, const struct watch_subject *subject)
{
    struct metrics_fixture *metrics = ctx;
    metrics->told++;
    metrics->found = *found;
    metrics->subject = *subject;
}

static void metrics_until(struct fixture *fixture, struct finding_metrics *metrics, struct metrics_fixture *world,
                          int64_t to)
{
    const struct finding_face face = { metrics_call, world };
    struct err err = { 0 };
    while (finding_metrics_next_unix_us(metrics) + 5 * MINUTE <= to)
        if (!finding_metrics_run(metrics, fixture->db, &face, to, metrics_tell, world, &err)) fail_msg("%s", err.text);
}

/* Goal: points are asked for piece by piece, and nothing where there are none; what is unusual is told of its metric; a failure is asked again;
 * written and read again it goes on; a finding that is found anew after a crash is the same. */
static void test_metrics(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "metric", "cart", "", "", 10, 0, 10, 0 } };
    const int64_t day = 24 * 60 * MINUTE, begin = NOW_US - NOW_US % (5 * MINUTE);
    struct metrics_fixture world = { .series = 3, .factor = 3, .from_unix_us = begin + 2 * day };
    const struct finding_face face = { metrics_call, &world };
    struct finding_metrics *metrics = finding_metrics_create(fixture->shop.id, begin), *again;
    struct err err = { 0 };
    struct buf bytes;
    metrics_until(fixture, metrics, &world, begin + 60 * MINUTE);
    assert_int_equal(world.asked, 0); /* there are none */
    finding_metrics_destroy(metrics);
    flows_store(fixture, flows, COUNT_OF(flows));
    db_fixture_run(fixture->db, "UPDATE rollup_series SET last_unix_us = 4000000000000000000");
    metrics = finding_metrics_create(fixture->shop.id, begin);
    metrics_until(fixture, metrics, &world, begin + 2 * day);
    assert_int_equal(world.asked, 2 * 24);
    assert_int_equal(world.told, 0);
    world.fails = true;
    assert_false(
        finding_metrics_run(metrics, fixture->db, &face, begin + 2 * day + 5 * MINUTE, metrics_tell, &world, &err));
    world.fails = false;
    err = (struct err){ 0 };
    buf_init(&bytes, 1 << 20);
    assert_true(finding_metrics_write(metrics, &bytes));
    again = finding_metrics_create(fixture->shop.id, begin);
    bytes.ptr[0] ^= 1;
    assert_false(finding_metrics_read(again, buf_bytes(&bytes), begin, &err));
    bytes.ptr[0] ^= 1;
    assert_true(finding_metrics_read(again, buf_bytes(&bytes), begin, &err));
    assert_int_equal(finding_metrics_next_unix_us(again), begin + 2 * day);
    metrics_until(fixture, again, &world, begin + 2 * day + 5 * MINUTE);
    assert_int_equal(world.first_unix_us, begin + 2 * day); /* it goes on there */
    metrics_until(fixture, again, &world, begin + 2 * day + 30 * MINUTE);
    assert_int_equal(world.told, 1);
    assert_int_equal(world.found.begin_unix_us, begin + 2 * day);
    assert_true(bytes_equal(world.subject.route, BYTES("queue.0")) && bytes_equal(world.subject.method, BYTES("rate")));
    tell(fixture, &world.found, &world.subject, true);
    world.found.found_unix_us += 5 * MINUTE; /* as one that learned anew has it */
    tell(fixture, &world.found, &world.subject, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_int_equal(fixture->count, 1);
    const struct finding *one = &fixture->found[0];
    assert_true(one->severity == INCIDENT_INFO && one->incident == 0);
    const char *title = finding_title(&fixture->arena, one);
    if (strncmp(title, "queue.0 of cart is higher: 3", 28) != 0 || !strstr(title, "/s, usually 10"))
        fail_msg("%s", title);
    assert_non_null(
        strstr(finding_sql(&fixture->arena, one), "metric_name = 'queue.0' AND resource___service___name = 'cart'"));
    assert_non_null(strstr(finding_sql(&fixture->arena, one), "lag(value)"));
    world.factor = 1;
    metrics_until(fixture, again, &world, begin + 2 * day + 60 * MINUTE);
    assert_int_equal(world.told, 2);
    assert_int_equal(world.found.change, DETECT_CLOSED);
    tell(fixture, &world.found, &world.subject, true);
    list(fixture, (struct finding_filter){ 0 });
    assert_true(fixture->count == 1 && fixture->found[0].end_unix_us > 0);
    world.series = METRICS_SERIES_MAX + 5; /* more than there is room for: a block at a time */
    world.asked = 0;
    metrics_until(fixture, again, &world, begin + 2 * day + 120 * MINUTE);
    assert_in_range(world.asked, 12, 13);
    buf_deinit(&bytes);
    finding_metrics_destroy(metrics);
    finding_metrics_destroy(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_metrics, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
