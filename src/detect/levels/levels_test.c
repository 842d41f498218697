/* threads: none */
/* Levels of made-up series: what is usual is not told, what is not is told with its time and size, and ends. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detect/levels/levels.h"

#define DAY   288
#define BEGIN (INT64_C(20000) * DAY) /* a midnight */

struct world {
    struct levels *levels;
    uint64_t seed;
    int64_t block;
    double mean, amplitude, noise, low; /* low: below all values */
    int64_t from, until;                /* of the fault: */
    double factor;
    uint32_t opened, closed, accepted;
    struct detect_finding last;
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

static struct world world_of(double mean, double amplitude, double noise)
{
    struct world world = { .levels = levels_create(),
                           .seed = 7,
                           .block = BEGIN,
                           .mean = mean,
                           .amplitude = amplitude,
                           .noise = noise,
                           .factor = 1 };
    levels_series_add(world.levels);
    return world;
}

static double value_of(struct world *world)
{
    double value = world->mean * exp(world->amplitude * sin((double)(world->block % DAY) / DAY * 2 * M_PI) +
                                     world->noise * normal(&world->seed));
    if (world->block >= world->from && world->block < world->until) value *= world->factor;
    return value - world->low;
}

static void block_do(struct world *world, double value)
{
    const struct detect_finding *findings;
    levels_block_begin(world->levels, world->block * LEVELS_BLOCK_US);
    levels_put(world->levels, 0, value);
    size_t count = levels_block_end(world->levels, &findings);
    for (size_t f = 0; f < count; f++) {
        world->opened += findings[f].change == DETECT_OPENED;
        world->closed += findings[f].change == DETECT_CLOSED;
        world->accepted += findings[f].change == DETECT_ACCEPTED;
        world->last = findings[f];
    }
    world->block++;
}

static void blocks_do(struct world *world, int count)
{
    for (int b = 0; b < count; b++) block_do(world, value_of(world));
}

static void fault(struct world *world, int in, int length, double factor)
{
    world->from = world->block + in;
    world->until = world->from + length;
    world->factor = factor;
}

/* Goal: weeks with day, night and noise are told nothing of; also values below 0, and constants. */
static void test_usual(void **state)
{
    static const double cases[][4] = {
        { 0.3, 0.8, 0.08, 0 }, { 5e9, 0, 0.01, 0 }, { 20, 0.4, 0.05, 18 }, { 8, 0, 0, 0 }, { 0, 0, 0, 0 }
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct world world = world_of(cases[c][0], cases[c][1], cases[c][2]);
        world.low = cases[c][3];
        blocks_do(&world, 35 * DAY);
        if (world.opened > 0) fail_msg("case %zu: %g, expected %g", c, world.last.value, world.last.expected);
        levels_destroy(world.levels);
    }
}

/* Goal: twice as much and half are told with side, time and size, and end when it is over; half as long as two blocks is nothing. */
static void test_steps(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) {
        double factor = up ? 2 : 0.5;
        struct world world = world_of(40, 0.5, 0.05);
        blocks_do(&world, 21 * DAY + 100);
        fault(&world, 0, 1, factor);
        blocks_do(&world, 30);
        assert_int_equal(world.opened, 0); /* five minutes */
        fault(&world, 5, 12, factor);
        blocks_do(&world, 10);
        assert_int_equal(world.opened, 1);
        assert_int_equal(world.last.kind, DETECT_METRIC);
        assert_int_equal(world.last.is_up, up);
        if (llabs(world.last.begin_unix_us - world.from * LEVELS_BLOCK_US) > LEVELS_BLOCK_US)
            fail_msg("begins %g blocks off", (double)(world.last.begin_unix_us / LEVELS_BLOCK_US - world.from));
        double ratio = world.last.value / world.last.expected;
        if (fabs(log(ratio / factor)) > 0.15) fail_msg("%g of %g", world.last.value, world.last.expected);
        assert_true(world.last.low < world.last.expected && world.last.expected < world.last.high);
        blocks_do(&world, 20);
        assert_int_equal(world.closed, 1);
        if (llabs(world.last.end_unix_us - world.until * LEVELS_BLOCK_US) > 2 * LEVELS_BLOCK_US)
            fail_msg("ends %g blocks off", (double)(world.last.end_unix_us / LEVELS_BLOCK_US - world.until));
        blocks_do(&world, 4 * DAY);
        assert_int_equal(world.opened, 1); /* it left no trace */
        levels_destroy(world.levels);
    }
}

/* Goal: of what goes below 0 a change by the breadth of its day is told, up and down, wherever between it is; and its ways through 0,
 * where factors are without bound, are not. Nor is it when it is twice as far from 0 by a fifth of that breadth. */
static void test_below_zero(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) {
        struct world world = { .levels = levels_create(), .seed = 11, .block = BEGIN };
        levels_series_add(world.levels);
        for (int day = 0; day < 22; day++)
            for (int b = 0; b < DAY; b++) {
                double shift = day < 21 || b < 100 ? 0 : b < 130 ? (up ? 1.2 : -1.2) : b < 160 ? 12 : 0;
                double swing = sin((double)b / DAY * 2 * M_PI);
                block_do(&world, 0.5 + 6 * swing +
                                     (up           ? shift
                                      : shift > 10 ? -shift
                                                   : shift) +
                                     0.4 * normal(&world.seed));
                if (day < 21 || b < 130) assert_int_equal(world.opened, 0);
            }
        assert_int_equal(world.opened, 1);
        assert_int_equal(world.last.is_up, up);
        assert_int_equal(world.closed, 1);
        levels_destroy(world.levels);
    }
}

/* Goal: what stays is the usual after six hours, and going back is told again. */
static void test_accepted(void **state)
{
    struct world world = world_of(40, 0.2, 0.03);
    (void)state;
    blocks_do(&world, 21 * DAY);
    fault(&world, 0, 3 * DAY, 3);
    blocks_do(&world, DAY);
    assert_int_equal(world.opened, 1);
    assert_int_equal(world.accepted, 1);
    blocks_do(&world, 2 * DAY);
    assert_int_equal(world.opened, 1);
    blocks_do(&world, 10);
    assert_int_equal(world.opened, 2);
    assert_false(world.last.is_up);
    levels_destroy(world.levels);
}

/* Goal: blocks without a value are unknown: a gap is nothing, also in a fault, and so is what is no number; after an hour
 * of it what went on has ended. */
static void test_gaps(void **state)
{
    struct world world = world_of(40, 0.2, 0.03);
    (void)state;
    blocks_do(&world, 21 * DAY);
    for (int b = 0; b < 100; b++) block_do(&world, NAN);
    assert_int_equal(world.opened, 0);
    blocks_do(&world, 50);
    fault(&world, 0, 20, 3);
    blocks_do(&world, 1);
    block_do(&world, INFINITY);
    assert_int_equal(world.opened, 0);
    blocks_do(&world, 4);
    assert_int_equal(world.opened, 1);
    const struct detect_finding *open;
    int64_t last = world.block * LEVELS_BLOCK_US;
    for (int b = 1; b < LEVELS_GONE_BLOCKS; b++) block_do(&world, NAN);
    assert_int_equal(levels_open(world.levels, &open), 1);
    block_do(&world, NAN); /* it is gone, then */
    assert_int_equal(world.closed, 1);
    assert_int_equal(world.last.end_unix_us, last);
    assert_int_equal(levels_open(world.levels, &open), 0);
    levels_destroy(world.levels);
}

/* Goal: of a thousand series none tells by chance in a week; and one that is ill among them is found. */
static void test_many(void **state)
{
    struct levels *levels = levels_create();
    uint64_t seed = 3;
    uint32_t opened = 0, ill = 0;
    (void)state;
    for (int s = 0; s < 1000; s++) levels_series_add(levels);
    for (int b = 0; b < 8 * DAY; b++) {
        const struct detect_finding *findings;
        levels_block_begin(levels, (BEGIN + b) * LEVELS_BLOCK_US);
        for (uint32_t s = 0; s < 1000; s++)
            levels_put(levels, s, 10 * exp(0.2 * normal(&seed)) * (s == 77 && b > 8 * DAY - 6 ? 9 : 1));
        size_t count = levels_block_end(levels, &findings);
        for (size_t f = 0; f < count; f++) {
            opened += findings[f].change == DETECT_OPENED && findings[f].series != 77;
            ill += findings[f].change == DETECT_OPENED && findings[f].series == 77;
        }
    }
    assert_int_equal(opened, 0);
    assert_int_equal(ill, 1);
    levels_destroy(levels);
}

/* Goal: written and read again in the midst of it, what follows is the same; what is cut or bent is refused, and leaves it as new. */
static void test_bytes(void **state)
{
    struct world world = world_of(40, 0.5, 0.05);
    struct buf bytes, again;
    struct err err = { 0 };
    (void)state;
    blocks_do(&world, 15 * DAY);
    fault(&world, 0, 12, 4);
    blocks_do(&world, 6);
    assert_int_equal(world.opened, 1);
    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    levels_series_write(world.levels, 0, &bytes);
    struct world twin = world;
    twin.levels = levels_create();
    levels_series_add(twin.levels);
    assert_false(levels_series_read(twin.levels, 0, bytes_from(bytes.ptr, bytes.len - 1), &err));
    bytes.ptr[0] ^= 1;
    assert_false(levels_series_read(twin.levels, 0, buf_bytes(&bytes), &err));
    bytes.ptr[0] ^= 1;
    assert_true(levels_series_read(twin.levels, 0, buf_bytes(&bytes), &err));
    blocks_do(&world, 100);
    blocks_do(&twin, 100);
    assert_int_equal(world.closed, 1);
    assert_int_equal(twin.closed, 1);
    assert_int_equal(world.last.end_unix_us, twin.last.end_unix_us);
    bytes.len = 0;
    levels_series_write(world.levels, 0, &bytes);
    levels_series_write(twin.levels, 0, &again);
    assert_true(bytes_equal(buf_bytes(&bytes), buf_bytes(&again)));
    buf_deinit(&bytes);
    buf_deinit(&again);
    levels_destroy(world.levels);
    levels_destroy(twin.levels);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_usual),      cmocka_unit_test(test_steps),
                                        cmocka_unit_test(test_below_zero), cmocka_unit_test(test_accepted),
                                        cmocka_unit_test(test_gaps),       cmocka_unit_test(test_many),
                                        cmocka_unit_test(test_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
