#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detect/detect.h"
#include "detect/detect_statistics.h"

#define MINUTE_US INT64_C(60000000)
#define DAY       INT64_C(1440)
#define BEGIN     (INT64_C(20000) * DAY) /* a midnight */

/* Some series whose traffic follows day and week, and what is done to them. */
struct world {
    struct detect *detect;
    uint64_t seed;
    uint32_t series;
    double rows, error_share, noise; /* of the first series; each further one has less */
    int64_t minute;
    /* From a minute on: */
    int64_t fault_from, fault_until;
    uint32_t fault_series;
    double rows_factor, error_points, duration_factor;
    uint32_t opened, closed, accepted, changed;
    struct detect_finding first, last;
};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(uint64_t *state)
{
    return sqrt(-2 * log(uniform(state))) * cos(2 * M_PI * uniform(state));
}
static double poisson(uint64_t *state, double mean)
{
    if (mean > 60) return fmax(0, round(mean + sqrt(mean) * normal(state)));
    double product = uniform(state), limit = exp(-mean), count = 0;
    while (product > limit) {
        product *= uniform(state);
        count++;
    }
    return count;
}

static void world_init(struct world *world, uint32_t series, double rows, const struct detect_options *options)
{
    *world = (struct world){ .detect = detect_create(options),
                             .seed = 5,
                             .series = series,
                             .rows = rows,
                             .error_share = 0.004,
                             .noise = 0.05,
                             .minute = BEGIN,
                             .rows_factor = 1,
                             .duration_factor = 1 };
    for (uint32_t s = 0; s < series; s++) detect_series_add(world->detect);
}

static double rows_of(const struct world *world, uint32_t s)
{
    double hour = (double)(world->minute % DAY) / 60;
    bool is_weekend = world->minute / DAY % 7 >= 5;
    return world->rows / (1 + s * 0.7) * (1 + 0.6 * sin((hour - 8 + s) / 24 * 2 * M_PI)) * (is_weekend ? 0.6 : 1);
}

static void series_put(struct world *world, uint32_t s)
{
    bool is_bad = world->minute >= world->fault_from && world->minute < world->fault_until && s == world->fault_series;
    double mean = rows_of(world, s) * exp(world->noise * normal(&world->seed)) * (is_bad ? world->rows_factor : 1);
    double rows = poisson(&world->seed, mean);
    double errors = poisson(&world->seed, rows * (world->error_share + (is_bad ? world->error_points : 0)));
    struct ddsketch_count durations[40];
    uint32_t count = rows < 40 ? (uint32_t)rows : 40;
    for (uint32_t d = 0; d < count; d++) {
        double ns = 2e7 * exp(0.7 * normal(&world->seed)) * (is_bad ? world->duration_factor : 1);
        durations[d] = (struct ddsketch_count){ ddsketch_bucket((uint64_t)ns), 1 };
    }
    if (rows > 0) detect_put(world->detect, s, (int64_t)rows, (int64_t)errors, durations, count);
}

static void findings_take(struct world *world)
{
    const struct detect_finding *findings;
    size_t count = detect_minute_end(world->detect, &findings);
    for (size_t f = 0; f < count; f++) {
        if (findings[f].change == DETECT_OPENED && world->opened++ == 0) world->first = findings[f];
        world->closed += findings[f].change == DETECT_CLOSED;
        world->accepted += findings[f].change == DETECT_ACCEPTED;
        world->changed += findings[f].change == DETECT_CHANGED;
        world->last = findings[f];
    }
}

static void run(struct world *world, int64_t minutes)
{
    for (int64_t m = 0; m < minutes; m++, world->minute++) {
        detect_minute_begin(world->detect, world->minute * MINUTE_US);
        for (uint32_t s = 0; s < world->series; s++) series_put(world, s);
        findings_take(world);
    }
}

static void fault(struct world *world, uint32_t series, int64_t minutes)
{
    world->fault_series = series;
    world->fault_from = world->minute;
    world->fault_until = world->minute + minutes;
    world->opened = world->closed = world->accepted = world->changed = 0;
}

/* Goal: day and week are no news. Method: ten series of 8 to 60 rows a minute and, after two weeks of learning, three more. */
static void test_seasons_are_usual(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 10, 60, NULL);
    run(&world, 14 * DAY);
    world.opened = 0;
    run(&world, 21 * DAY);
    if (world.opened > 0)
        fail_msg("%u findings; the first: %s of %u, %g not %g, p %g", world.opened, detect_kind_name(world.first.kind),
                 world.first.series, world.first.value, world.first.expected, world.first.p);
    struct detect_usual usual;
    detect_usual(world.detect, 0, world.minute * MINUTE_US, &usual);
    assert_false(usual.is_learning);
    if (fabs(log(usual.rows / rows_of(&world, 0))) > 0.2) fail_msg("%g, not %g", usual.rows, rows_of(&world, 0));
    if (fabs(usual.error_share - 0.004) > 0.002) fail_msg("%g errors", usual.error_share);
    if (fabs(log(usual.p95_ns / (2e7 * exp(0.7 * 1.645)))) > 0.1) fail_msg("p95 of %g", usual.p95_ns);
    detect_destroy(world.detect);
}

struct wanted {
    const char *name;
    double rows_factor, error_points, duration_factor;
    enum detect_kind kind;
    bool is_up;
    double effect_low, effect_high;
};

/* Goal: each kind of fault is found in the right series, with its kind, time and size, once, and closed when it is over. */
static void test_faults_are_found(void **state)
{
    (void)state;
    static const struct wanted wanted[] = {
        { "twice the rows", 2, 0, 1, DETECT_VOLUME_SPIKE, true, 1.5, 2.5 },
        { "half the rows", 0.5, 0, 1, DETECT_VOLUME_DROP, false, 0.35, 0.67 },
        { "no rows", 0, 0, 1, DETECT_SILENCE, false, 0, 0.67 },
        { "two points of errors", 1, 0.02, 1, DETECT_ERROR_RATE, true, 0.012, 0.05 },
        { "half as slow again", 1, 0, 1.6, DETECT_LATENCY, true, 1.25, 2.2 },
        { "faster", 1, 0, 0.4, DETECT_LATENCY, false, 0.3, 0.8 },
    };
    for (size_t w = 0; w < COUNT_OF(wanted); w++) {
        struct world world;
        world_init(&world, 4, 300, NULL);
        run(&world, 16 * DAY + 700);
        world.rows_factor = wanted[w].rows_factor;
        world.error_points = wanted[w].error_points;
        world.duration_factor = wanted[w].duration_factor;
        fault(&world, 1, 40);
        run(&world, 40);
        const struct detect_finding *f = &world.first;
        if (world.opened != 1 || f->series != 1 || (f->kind != wanted[w].kind && world.last.kind != wanted[w].kind))
            fail_msg("%s: %u findings; %s of %u", wanted[w].name, world.opened, detect_kind_name(f->kind), f->series);
        if (f->is_up != wanted[w].is_up || f->effect < wanted[w].effect_low || f->effect > wanted[w].effect_high)
            fail_msg("%s: an effect of %g", wanted[w].name, f->effect);
        int64_t begin = f->begin_unix_us / MINUTE_US - world.fault_from,
                found = f->found_unix_us / MINUTE_US - world.fault_from;
        if (begin < -6 || begin > 3 || found < 1 || found > (w == 5 ? 30 : 14))
            fail_msg("%s: begins %lld min behind, found %lld behind", wanted[w].name, (long long)begin,
                     (long long)found);
        if (!(f->p > 0 || fabs(f->z) > 30) || f->p > 1e-4 || (f->z > 0) != f->is_up)
            fail_msg("%s: z %g p %g", wanted[w].name, f->z, f->p);
        if (!(f->low <= f->expected && f->expected <= f->high) || (f->is_up ? f->value < f->high : f->value > f->low))
            fail_msg("%s: %g, usually %g, %g to %g", wanted[w].name, f->value, f->expected, f->low, f->high);
        run(&world, 60);
        if (world.opened != 1 || world.closed != 1)
            fail_msg("%s: %u opened, %u closed", wanted[w].name, world.opened, world.closed);
        int64_t end = world.last.end_unix_us / MINUTE_US - world.fault_until;
        if (end < -3 || end > 15) fail_msg("%s: ends %lld min behind", wanted[w].name, (long long)end);
        detect_destroy(world.detect);
    }
}

/* Goal: a job that runs every night is usual after its third; and one that runs at some minutes of every hour. Method: five times the rows
 * from 3:17 for 25 minutes, and twice for two minutes an hour of another series; then the nights of a week. */
static void test_jobs_are_usual(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 2, 80, NULL);
    for (int night = 0; night < 20; night++) {
        if (night == 13) world.opened = 0;
        for (int64_t m = 0; m < DAY; m++) {
            world.fault_series = m % 60 < 2 ? 1 : 0;
            bool is_job = m >= 197 && m < 222 && world.fault_series == 0;
            world.rows_factor = is_job ? 5 : 4;
            world.fault_from = is_job || m % 60 < 2 ? world.minute : 0;
            world.fault_until = world.fault_from > 0 ? world.minute + 1 : 0;
            run(&world, 1);
        }
        if (night == 0) assert_int_equal(world.opened > 0, true); /* it was news once */
    }
    if (world.opened > 0)
        fail_msg("%u findings; the first: %s of %u", world.opened, detect_kind_name(world.first.kind),
                 world.first.series);
    detect_destroy(world.detect);
}

/* Goal: what is over in two minutes is not told. */
static void test_blips_are_not_told(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 4, 300, NULL);
    run(&world, 15 * DAY);
    world.opened = 0;
    for (int blip = 0; blip < 12; blip++) {
        world.rows_factor = blip % 3 == 0 ? 0 : 1;
        world.error_points = blip % 3 == 1 ? 0.05 : 0;
        world.duration_factor = blip % 3 == 2 ? 1.4 : 1;
        world.fault_series = (uint32_t)blip % 4;
        world.fault_from = world.minute;
        world.fault_until = world.minute + 2;
        run(&world, 120);
    }
    if (world.opened > 0) fail_msg("%u findings; the first: %s", world.opened, detect_kind_name(world.first.kind));
    detect_destroy(world.detect);
}

/* Goal: with what is believed set to one in a hundred runs, chance alone opens about so many, and not more. Method: no least effect,
 * no sustained runs; 100 series of Poisson counts for two days after three. */
static void test_chance_opens_what_was_asked_for(void **state)
{
    (void)state;
    struct detect_options options = detect_options_default;
    options.volume_ratio_min = options.latency_ratio_min = 1.0001;
    options.volume_rows_min = options.error_count_min = 0;
    options.error_points_min = 0;
    options.sustained_runs = 1;
    options.false_discovery_rate = 0.01;
    options.p_max = 1;
    struct world world;
    world_init(&world, 100, 40, &options);
    world.noise = 0;
    run(&world, 3 * DAY);
    world.opened = 0;
    run(&world, 2 * DAY);
    if (world.opened > 0.02 * 2 * DAY) fail_msg("%u of %d runs", world.opened, (int)(2 * DAY));
    detect_destroy(world.detect);
}

/* Goal: when nothing comes of anybody, that is one finding and not one a series; and nothing is learned of it. */
static void test_gap_of_all(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 8, 100, NULL);
    run(&world, 3 * DAY);
    struct detect_usual before, after;
    fault(&world, 99, 0);
    detect_usual(world.detect, 2, world.minute * MINUTE_US, &before);
    for (int m = 0; m < 20; m++, world.minute++) {
        detect_minute_begin(world.detect, world.minute * MINUTE_US);
        findings_take(&world);
    }
    detect_usual(world.detect, 2, (world.minute - 20) * MINUTE_US, &after);
    assert_int_equal(world.opened, 1);
    assert_int_equal(world.first.series, DETECT_ALL);
    assert_int_equal(world.first.kind, DETECT_SILENCE);
    assert_int_equal(world.first.begin_unix_us, (world.minute - 20) * MINUTE_US);
    assert_true(before.rows == after.rows);
    run(&world, 100);
    assert_int_equal(world.opened, 1);
    assert_int_equal(world.closed, 1);
    assert_int_equal(world.last.end_unix_us, (world.minute - 100) * MINUTE_US);
    detect_destroy(world.detect);
}

/* Goal: what stays is the new usual after accept_minutes, and is not told again. */
static void test_new_usual(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 3, 200, NULL);
    run(&world, 15 * DAY);
    world.rows_factor = 2.5;
    world.error_points = 0.05;
    world.duration_factor = 2;
    fault(&world, 0, 5 * DAY);
    run(&world, 2 * DAY);
    if (world.opened != 3 || world.accepted != 3) fail_msg("%u opened, %u accepted", world.opened, world.accepted);
    const struct detect_finding *open;
    assert_int_equal(detect_open(world.detect, &open), 0);
    detect_destroy(world.detect);
}

/* Goal: nothing of what may come breaks anything: no rows ever, one row, hours unknown, impossible counts and buckets. */
static void test_odd_input(void **state)
{
    (void)state;
    struct ddsketch_count odd[] = { { -5, 7 }, { 9999, 7 }, { 100, -3 }, { -1, 2 }, { 2184, INT64_MAX } };
    struct world world;
    world_init(&world, 3, 0, NULL);
    run(&world, 300); /* nothing at all */
    detect_minute_begin(world.detect, world.minute++ * MINUTE_US);
    detect_put(world.detect, 0, 1, 0, NULL, 0);
    detect_put(world.detect, 1, -4, 9, odd, 0);
    detect_put(world.detect, 2, INT64_MAX, INT64_MAX, odd, COUNT_OF(odd));
    findings_take(&world);
    run(&world, 3 * DAY);
    world.minute += 700; /* unknown */
    world.rows = 50;
    run(&world, 2 * DAY);
    assert_false(detect_series_is_idle(world.detect, 0, 100));
    for (int m = 0; m < 50; m++, world.minute += 3) { /* two of three are unknown */
        detect_minute_begin(world.detect, world.minute * MINUTE_US);
        for (uint32_t s = 0; s < 3; s++) detect_put(world.detect, s, m, INT64_MIN, odd, COUNT_OF(odd));
        findings_take(&world);
    }
    struct detect_usual usual;
    for (uint32_t s = 0; s < 3; s++) {
        detect_usual(world.detect, s, world.minute * MINUTE_US, &usual);
        assert_true(isfinite(usual.rows) && usual.rows >= 0 && usual.error_share > 0 && usual.error_share < 1);
    }
    detect_destroy(world.detect);
}

/* Goal: a process that begins from the bytes finds what the one before would have. Method: both go on side by side through a fault;
 * what is cut to bytes may be off by a two thousandth. */
static void test_goes_on_from_bytes(void **state)
{
    (void)state;
    struct world world;
    struct buf buf;
    struct err err = { 0 };
    world_init(&world, 3, 150, NULL);
    for (int days = 0; days < 16; days += 15) {
        run(&world, days * DAY + 500);
        world.rows_factor = 3;
        fault(&world, 1, 60);
        run(&world, 30); /* open while it is written */
        struct world twin = world;
        twin.detect = detect_create(NULL);
        for (uint32_t s = 0; s < 3; s++) {
            buf_init(&buf, DETECT_STATE_BYTES);
            detect_series_write(world.detect, s, &buf);
            assert_int_equal(detect_series_add(twin.detect), s);
            if (!detect_series_read(twin.detect, s, buf_bytes(&buf), &err)) fail_msg("%s", err.text);
            assert_false(detect_series_read(twin.detect, s, bytes_from(buf.ptr, buf.len - 1), &err));
            assert_int_equal(err.code, ERR_CORRUPT);
            buf_deinit(&buf);
        }
        const struct detect_finding *a, *b;
        assert_int_equal(detect_open(world.detect, &a), detect_open(twin.detect, &b));
        run(&world, 300);
        run(&twin, 300);
        assert_int_equal(world.opened, twin.opened);
        assert_int_equal(world.closed, twin.closed);
        assert_true(world.closed > 0 || days == 0);
        assert_int_equal(world.last.end_unix_us, twin.last.end_unix_us);
        for (uint32_t s = 0; s < 3; s++) {
            struct detect_usual one, two;
            detect_usual(world.detect, s, world.minute * MINUTE_US, &one);
            detect_usual(twin.detect, s, world.minute * MINUTE_US, &two);
            if (fabs(log(one.rows / two.rows)) > 0.01 || fabs(log(one.p95_ns / two.p95_ns)) > 0.01)
                fail_msg("%g and %g rows, %g and %g ns", one.rows, two.rows, one.p95_ns, two.p95_ns);
        }
        detect_destroy(twin.detect);
    }
    detect_destroy(world.detect);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seasons_are_usual),
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_jobs_are_usual),
        cmocka_unit_test(test_blips_are_not_told),
        cmocka_unit_test(test_chance_opens_what_was_asked_for),
        cmocka_unit_test(test_gap_of_all),
        cmocka_unit_test(test_new_usual),
        cmocka_unit_test(test_odd_input),
        cmocka_unit_test(test_goes_on_from_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
