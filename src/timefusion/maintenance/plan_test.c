/* threads: none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "timefusion/maintenance/plan.h"

/* A day's files, oldest first; copies: how often a file's row was copied at most. */
struct day {
    uint32_t weights[4096], copies[4096], count;
    uint32_t asked;
};

static uint32_t day_weight(void *ctx, uint32_t file)
{
    struct day *day = ctx;
    day->asked++;
    return day->weights[file];
}

/* Joins once; false: there is nothing to join. */
static bool day_join(struct day *day, enum plan_mode mode)
{
    uint32_t picked[PLAN_FULL], weight = 0, copies = 0, kept = 0, p = 0;
    uint32_t count = plan_join(&(struct plan_weights){ day_weight, day }, day->count, mode, picked);
    if (count == 0) return false;
    assert_true(count >= 2 && count <= PLAN_FULL);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i == 0 || picked[i] > picked[i - 1]);
        assert_int_not_equal(day->weights[picked[i]], PLAN_FOREIGN);
        weight += day->weights[picked[i]];
        if (day->copies[picked[i]] > copies) copies = day->copies[picked[i]];
    }
    assert_true(weight <= PLAN_FULL);
    day->weights[picked[0]] = weight;
    day->copies[picked[0]] = copies + 1;
    for (uint32_t f = 0; f < day->count; f++) {
        if (p < count && picked[p] == f && p++ > 0) continue;
        day->weights[kept] = day->weights[f];
        day->copies[kept++] = day->copies[f];
    }
    day->count = kept;
    return true;
}

static void day_add(struct day *day, uint32_t weight)
{
    assert_true(day->count < 4096);
    day->weights[day->count] = weight;
    day->copies[day->count++] = 0;
}

static void check_usual(const struct day *day, uint32_t files_added)
{
    uint32_t small = 0, middle = 0;
    for (uint32_t f = 0; f < day->count; f++) {
        assert_true(day->copies[f] <= 2);
        small += day->weights[f] > 0 && day->weights[f] < 8;
        middle += day->weights[f] >= 8 && day->weights[f] < 32;
    }
    assert_true(small < 8);
    assert_true(middle < 8);
    (void)files_added;
}

/* Goal: a row is copied at most twice while its day is under way, and few files stay, however they come.
 * Method: a flush a minute, of equal weight, and of random ones; joined whenever there is something. */
static void test_copies_are_bounded(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 200; seed++) {
        struct day *day = calloc(1, sizeof *day);
        uint32_t greatest = seed < 64 ? 1 : 1 + seed % PLAN_FULL;
        for (uint32_t f = 0; f < 1440; f++) {
            uint32_t weight = seed == 0 ? 1 : 1 + (uint32_t)(hash64_mix(seed + 1, f + 0x9E3779B97F4A7C15u) % greatest);
            day_add(day, weight);
            while (day_join(day, PLAN_USUAL)) continue;
            check_usual(day, f);
        }
        if (seed == 0) assert_true(day->count <= 1440 / 64 + 14);
        free(day);
    }
}

/* Goal: a closed day ends with files that cannot be fewer by joining equals, and a trickle of late rows copies no large one.
 * Method: random files, closed; then late small ones, each joined at once. */
static void test_closing_ends(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++) {
        struct day *day = calloc(1, sizeof *day);
        for (uint32_t f = 0; f < 30; f++) day_add(day, 1 + (uint32_t)(hash64_mix(seed + 1, f + 77) % PLAN_FULL));
        while (day_join(day, PLAN_CLOSING)) continue;
        uint32_t large_copies = 0;
        for (uint32_t f = 0; f < day->count; f++) large_copies += day->weights[f] >= 32 ? day->copies[f] : 0;
        for (uint32_t late = 0; late < 6; late++) {
            day_add(day, 1);
            while (day_join(day, PLAN_CLOSING)) continue;
        }
        uint32_t after = 0;
        for (uint32_t f = 0; f < day->count; f++) after += day->weights[f] >= 32 ? day->copies[f] : 0;
        assert_true(after <= large_copies + 3); /* only by a middle file that grew full */
        free(day);
    }
}

/* Goal: what cannot be joined is left alone, and who asks for all gets all that fits.
 * Method: foreign files between small ones; eight of 60; two of 32. */
static void test_foreign_and_all(void **state)
{
    (void)state;
    struct day day = { 0 };
    for (uint32_t f = 0; f < 14; f++) day_add(&day, f % 2 ? PLAN_FOREIGN : 1);
    assert_false(day_join(&day, PLAN_USUAL)); /* seven small ones wait */
    assert_true(day_join(&day, PLAN_ALL));
    assert_int_equal(day.count, 8);
    assert_false(day_join(&day, PLAN_ALL));

    day = (struct day){ 0 };
    for (uint32_t f = 0; f < 8; f++) day_add(&day, 60);
    assert_false(day_join(&day, PLAN_ALL));
    day_add(&day, 32);
    day_add(&day, 32);
    assert_false(day_join(&day, PLAN_USUAL));
    assert_true(day_join(&day, PLAN_ALL));
    assert_false(day_join(&day, PLAN_ALL));
    assert_int_equal(day.count, 9);
}

/* Goal: of a long backlog only as many files are looked into as the next unit takes.
 * Method: 4,000 small files; the questions asked for one plan are counted. */
static void test_asks_for_few(void **state)
{
    (void)state;
    struct day *day = calloc(1, sizeof *day);
    for (uint32_t f = 0; f < 4000; f++) day_add(day, 1);
    assert_true(day_join(day, PLAN_USUAL));
    assert_int_equal(day->asked, PLAN_FULL + 1);
    free(day);
}

static void test_weights(void **state)
{
    (void)state;
    assert_int_equal(plan_weight(1, 1000, 9000), 1);
    assert_int_equal(plan_weight(0, 100, 300), 1);
    assert_int_equal(plan_weight(1, 16 << 20, 9000), 4);  /* by bytes: 4 MiB each */
    assert_int_equal(plan_weight(1, 1000, 100 << 10), 7); /* by footer: 16 KiB each */
    assert_int_equal(plan_weight(70, 1000, 9000), PLAN_FULL);
    assert_int_equal(plan_weight(1, UINT64_C(1) << 40, 9000), PLAN_FULL);
    assert_true(plan_is_full(UINT64_C(200) << 20));
    assert_false(plan_is_full(UINT64_C(100) << 20));
}

static void test_recode_bounds(void **state)
{
    (void)state;
    const struct plan_size sizes[] = { { 900, 10 }, { 50, 10 }, { 51, 10 }, { 1, 10 } };
    assert_int_equal(plan_recode(sizes, 4, 1000, 1000), 2);
    assert_int_equal(plan_recode(sizes, 4, 100, 1000), 1); /* one is over it alone */
    assert_int_equal(plan_recode(sizes, 4, 10000, 35), 3);
    assert_int_equal(plan_recode(sizes, 4, 10000, 1000), 4);
    assert_int_equal(plan_recode(sizes, 0, 10000, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_are_bounded),
        cmocka_unit_test(test_closing_ends),
        cmocka_unit_test(test_foreign_and_all),
        cmocka_unit_test(test_asks_for_few),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_recode_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
