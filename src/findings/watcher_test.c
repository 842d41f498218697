/* What goes on as stored and is known to nobody ends; slow points hold up nobody. On SQLite and on PostgreSQL. */
#include "findings/findings_fixture.h"
#include <stdatomic.h>

#include "findings/finding_standing.h"
#include "findings/watcher.h"
#include "incidents/incident_store.h"

static const struct finding_filter going_on = { .is_open = true };
static _Atomic int64_t now_us; /* a clock has no ctx */

static struct detect_finding opened(enum detect_kind kind)
{
    struct detect_finding found = errors();
    found.kind = kind;
    found.is_up = kind != DETECT_SILENCE;
    found.begin_unix_us = NOW_US - 40 * MINUTE;
    found.found_unix_us = NOW_US - 30 * MINUTE;
    return found;
}

static void open_one(struct fixture *fixture, enum detect_kind kind, const char *service, const char *row_kind)
{
    struct detect_finding found = opened(kind);
    const struct watch_subject subject = { bytes_of_text(service), BYTES(""), BYTES(""), BYTES(""), row_kind };
    tell(fixture, &found, row_kind[0] ? &subject : NULL, true);
}

static void settle(struct fixture *fixture, struct finding_standing *standing, bool is_of_metrics)
{
    struct err err = { 0 };
    if (!finding_standing_settle(fixture->db, fixture->shop.id, standing, is_of_metrics, NOW_US, &err))
        fail_msg("%s", err.text);
}

static bool has_ended(struct fixture *fixture, const struct finding *finding)
{
    struct incident_detail detail;
    struct err err = { 0 };
    const char *key = arena_printf(&fixture->arena, "finding-%lld", (long long)finding->number);
    if (!incident_detail(fixture->db, &fixture->arena, fixture->shop.id, finding->incident, &detail, &err))
        fail_msg("%s", err.text);
    for (uint32_t s = 0; s < detail.signal_count; s++)
        if (bytes_equal(detail.signals[s].signal.key, bytes_of_text(key)))
            return detail.signals[s].signal.ended_unix_us == finding->end_unix_us;
    fail_msg("no signal %s", key);
    return false;
}

/* Goal: of what is stored as going on, what is known stays, also when it was found anew at another minute and as silence that was a drop;
 * what is not ends when it was last seen, with its signal; the other part's and new errors stay. */
static void test_settled(void **state)
{
    struct fixture *fixture = *state;
    struct finding_standing standing = { .arena = &fixture->arena }, none = { .arena = &fixture->arena };
    const struct watch_subject of_cart = { BYTES("cart"), BYTES(""), BYTES(""), BYTES(""), "server" };
    struct detect_finding drop = opened(DETECT_VOLUME_DROP);
    drop.begin_unix_us += 5 * MINUTE;
    drop.found_unix_us += 7 * MINUTE;
    open_one(fixture, DETECT_SILENCE, "cart", "server");
    open_one(fixture, DETECT_LATENCY, "cart", "server");
    open_one(fixture, DETECT_SILENCE, "pay", "server");
    open_one(fixture, DETECT_SILENCE, "", ""); /* of all */
    open_one(fixture, DETECT_METRIC, "cart", "metric");
    open_one(fixture, DETECT_NEW_ERROR, "cart", "error");
    finding_standing_put(&standing, &drop, &of_cart);
    drop = opened(DETECT_SILENCE);
    finding_standing_put(&standing, &drop, NULL);
    settle(fixture, &standing, false);
    assert_int_equal(list(fixture, going_on), 4);
    list(fixture, (struct finding_filter){ 0 });
    for (uint32_t f = 0; f < fixture->count; f++) {
        const struct finding *one = &fixture->found[f];
        bool is_lost = one->kind == DETECT_LATENCY || bytes_equal(one->service, BYTES("pay"));
        assert_int_equal(one->end_unix_us, is_lost ? one->found_unix_us + MINUTE : 0);
        if (is_lost) assert_true(one->incident > 0 && has_ended(fixture, one));
    }
    settle(fixture, &none, true);
    assert_int_equal(list(fixture, going_on), 3);
    settle(fixture, &none, false);
    assert_int_equal(list(fixture, going_on), 1);
    assert_int_equal(fixture->found[0].kind, DETECT_NEW_ERROR);
}

/* Goal: what was found late, told to nobody, and goes on is untold, of its part; told, it is a part of an incident with its cause, and
 * untold no more. What is told to nobody anyway, what has been told, and what is over are not. */
static void test_untold(void **state)
{
    struct fixture *fixture = *state;
    struct finding_standing standing = { .arena = &fixture->arena };
    const struct watch_subject of_cart = { BYTES("cart"), BYTES(""), BYTES(""), BYTES(""), "server" },
                               of_pay = { BYTES("pay"), BYTES(""), BYTES(""), BYTES(""), "server" };
    struct detect_finding late = opened(DETECT_ERROR_RATE), better = opened(DETECT_LATENCY);
    const struct finding_explained why = { BYTES("{}"), BYTES("release 2 of cart") };
    struct err err = { 0 };
    better.is_up = false;
    tell(fixture, &late, &of_cart, false);
    tell(fixture, &better, &of_cart, false);
    tell(fixture, &late, &of_pay, true);
    late.kind = DETECT_SILENCE;
    tell(fixture, &late, &of_pay, false); /* over by now: not known */
    late.kind = DETECT_ERROR_RATE;
    finding_standing_put(&standing, &late, &of_cart);
    finding_standing_put(&standing, &better, &of_cart);
    finding_standing_put(&standing, &late, &of_pay);
    settle(fixture, &standing, true);
    assert_int_equal(standing.untold.count, 0);
    settle(fixture, &standing, false);
    assert_int_equal(standing.untold.count, 1);
    const struct finding_known *one = standing.untold.items;
    assert_true(one->finding.kind == DETECT_ERROR_RATE && bytes_equal(one->subject.service, BYTES("cart")) &&
                one->has_subject);
    if (!finding_tell(fixture->db, fixture->shop.id, &one->finding, &one->subject, &why, true, NOW_US, &err))
        fail_msg("%s", err.text);
    list(fixture, (struct finding_filter){ .service = BYTES("cart"), .is_open = true });
    assert_int_equal(fixture->count, 2);
    assert_true(fixture->found[1].incident > 0 && bytes_equal(fixture->found[1].cause, why.line) &&
                fixture->found[0].incident == 0);
    settle(fixture, &standing, false);
    assert_int_equal(standing.untold.count, 0);
}

/* ---- two threads ---- */

static int64_t now(void)
{
    return atomic_load(&now_us);
}

struct slow_face {
    atomic_bool holds; /* it answers nothing so far */
    atomic_uint asked;
};
static bool face_call(void *ctx, struct uuid project_id, const char *who, const char *tool, yyjson_val *arguments,
                      struct buf *out, bool *is_error, struct err *err)
{
    struct slow_face *face = ctx;
    (void)project_id;
    (void)who;
    (void)tool;
    (void)arguments;
    (void)err;
    *is_error = false;
    atomic_fetch_add(&face->asked, 1);
    for (int waits = 0; waits < 6000 && atomic_load(&face->holds); waits++) usleep(10000);
    return buf_printf(out, "{\"rows\":[]}");
}

/* dir: room for its folder. */
static struct watcher_options options_of(struct fixture *fixture, char *dir, size_t size)
{
    snprintf(dir, size, "%s/findings", fixture->base->dir);
    return (struct watcher_options){
        .db = fixture->db, .meta = fixture->meta, .log = &db_fixture_log, .dir = dir, .name = "one"
    };
}

static void wait_open(struct fixture *fixture, uint32_t count)
{
    for (int waits = 0; list(fixture, going_on) != count; waits++) {
        if (waits == 1500) fail_msg("%u findings go on, not %u", fixture->count, count);
        usleep(20000);
    }
}

/* Goal: without what was known what went on before ends, and soon; also while points are not answered, whose own wait until they are.
 * Method: the face answers nothing; meanwhile time goes on, and there is one more that nobody knows. */
static void test_slow_points(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow points = { "metric", "cart", "", "", 10, 0, 10, 0 };
    struct slow_face face = { true, 0 };
    struct watcher *watcher;
    struct err err = { 0 };
    char dir[128];
    struct watcher_options options = options_of(fixture, dir, sizeof dir);
    options.now_unix_us = now;
    options.face = (struct finding_face){ face_call, &face };
    options.look_ms = 50;
    atomic_store(&now_us, NOW_US);
    flows_store(fixture, &points, 1);
    open_one(fixture, DETECT_METRIC, "cart", "metric");
    open_one(fixture, DETECT_ERROR_RATE, "cart", "server");
    if (!watcher_start(&watcher, &options, &err)) fail_msg("%s", err.text);
    for (int waits = 0; atomic_load(&face.asked) == 0 || list(fixture, going_on) != 1; waits++) {
        if (waits == 1500) fail_msg("%u findings go on", fixture->count);
        usleep(20000);
    }
    open_one(fixture, DETECT_LATENCY, "cart", "server");
    assert_int_equal(list(fixture, going_on), 2);
    atomic_fetch_add(&now_us, 2 * MINUTE);
    wait_open(fixture, 1);
    assert_int_equal(fixture->found[0].kind, DETECT_METRIC);
    assert_int_equal(atomic_load(&face.asked), 1);
    atomic_store(&face.holds, false);
    wait_open(fixture, 0);
    watcher_stop(watcher);
}

/* ---- two processes ---- */

/* Another process takes the project at the time that is asked so many times from now: a clock that a suspended process reads. */
static struct {
    struct db *db;
    struct uuid project_id;
    atomic_int left, asked;
} theft;
static int64_t now_with_theft(void)
{
    const struct uuid other = { { 7 } };
    struct err err = { 0 };
    bool got;
    atomic_fetch_add(&theft.asked, 1);
    if (atomic_fetch_sub(&theft.left, 1) == 1 &&
        !(finding_owner_take(theft.db, theft.project_id, other, NOW_US + FINDING_LEASE_US + 1, &got, &err) && got))
        abort();
    return NOW_US;
}

/* Goal: who has lost the project while it catches up tells no more: what goes on there is the other's to know, and stays.
 * Method: the lease is another's behind the first piece of a day; what this process would end at its end goes on. */
static void test_taken_while_catching_up(void **state)
{
    struct fixture *fixture = *state;
    static const struct flow calls = { "server", "cart", "", "", 10, 0, 10, 0 };
    struct watcher *watcher;
    struct err err = { 0 };
    char dir[128];
    struct watcher_options options = options_of(fixture, dir, sizeof dir);
    options.now_unix_us = now_with_theft;
    options.look_ms = 5;
    theft.db = fixture->db;
    theft.project_id = fixture->shop.id;
    atomic_store(&theft.asked, 0);
    atomic_store(&theft.left, 2); /* the first is the look's own */
    flows_store(fixture, &calls, 1);
    open_one(fixture, DETECT_ERROR_RATE, "cart", "server");
    if (!watcher_start(&watcher, &options, &err)) fail_msg("%s", err.text);
    for (int waits = 0; atomic_load(&theft.asked) < 300; waits++) { /* looks, or as many pieces as a day has and more */
        if (waits == 1500) fail_msg("it looks no more");
        usleep(20000);
    }
    watcher_stop(watcher);
    assert_int_equal(list(fixture, going_on), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_settled, setup, teardown), DB_BOTH(test_untold, setup, teardown),
                                        DB_BOTH(test_slow_points, setup, teardown),
                                        DB_BOTH(test_taken_while_catching_up, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
