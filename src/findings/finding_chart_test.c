/* What a finding looks like: of what rows, in what unit. On SQLite and on PostgreSQL. */
#include "findings/findings_fixture.h"

#include "findings/finding_chart.h"

struct drawing {
    struct fixture *fixture;
    struct finding finding;
    struct bytes png;
};

static bool draw_run(struct db_session *session, void *ctx, struct err *err)
{
    struct drawing *drawing = ctx;
    return finding_chart(session, &drawing->fixture->arena, &drawing->finding, NOW_US, &drawing->png, err);
}

static struct bytes draw(struct fixture *fixture, enum detect_kind kind, const char *service, const char *row_kind)
{
    struct drawing drawing = { .fixture = fixture };
    struct detect_finding found = errors();
    struct err err = { 0 };
    const struct watch_subject subject = { bytes_of_text(service), BYTES(""), BYTES(""), BYTES(""), row_kind };
    found.kind = kind;
    finding_make(&drawing.finding, fixture->shop.id, &found, &subject);
    if (!db_snapshot(fixture->db, draw_run, &drawing, &err)) fail_msg("%s", err.text);
    return drawing.png;
}

static bool is_png(struct bytes bytes)
{
    return bytes.len > 1000 && memcmp(bytes.ptr, "\x89PNG", 4) == 0;
}

/* Goal: rows, errors and latencies of a kind and of all requests are drawn, each as its own; what has no rows, is of another service,
 * or is no roll-up's, is not. */
static void test_drawn(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow flows[] = { { "server", "cart", "", "", 10, 0, 10, 6 },
                                         { "consumer", "cart", "", "", 30, 0, 30, 0 } };
    static const enum detect_kind kinds[] = { DETECT_ERROR_RATE, DETECT_LATENCY, DETECT_VOLUME_SPIKE };
    struct bytes of_server[COUNT_OF(kinds)];
    flows_store(fixture, flows, COUNT_OF(flows));
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        of_server[k] = draw(fixture, kinds[k], "cart", "server");
        assert_true(is_png(of_server[k]));
        for (size_t other = 0; other < k; other++) assert_false(bytes_equal(of_server[k], of_server[other]));
    }
    struct bytes of_all = draw(fixture, DETECT_VOLUME_SPIKE, "cart", "request");
    assert_true(is_png(of_all) && !bytes_equal(of_all, of_server[2]));
    assert_int_equal(draw(fixture, DETECT_ERROR_RATE, "pay", "server").len, 0);
    assert_int_equal(draw(fixture, DETECT_ERROR_RATE, "cart", "client").len, 0);
    assert_int_equal(draw(fixture, DETECT_SILENCE, "", "").len, 0);
    assert_int_equal(draw(fixture, DETECT_METRIC, "cart", "metric").len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_drawn, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
