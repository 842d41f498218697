/* When a page is asked for a new snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "replay/replay_gaps.h"

#define S INT64_C(1000000)
#define T (INT64_C(1790000000) * S)

static bool come_of(struct replay_gaps *gaps, const char *recording, int64_t sequence, bool has_snapshot, int64_t at)
{
    struct replay_batch batch = { .is_numbered = true,
                                  .session = BYTES("s"),
                                  .tab = BYTES("t"),
                                  .recording = bytes_of_text(recording),
                                  .sequence = sequence,
                                  .has_snapshot = has_snapshot };
    return replay_gaps_come(gaps, (struct uuid){ { 1 } }, &batch, T + at * S);
}

/* Goal: a recording that comes whole, in whichever order, is never asked. */
static void test_whole(void **state)
{
    (void)state;
    static const int64_t order[] = { 0, 2, 1, 5, 3, 4, 6, 6, 2, 8, 7, 9 };
    struct replay_gaps *gaps = replay_gaps_create(64);
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_false(come_of(gaps, "r", order[i], order[i] == 0, (int64_t)i * 4));
    for (int64_t n = 10; n < 500; n++) assert_false(come_of(gaps, "r", n, false, 100 + n * 5));
    assert_false(come_of(gaps, "old", 700, false, 3000)); /* it was there before us */
    assert_false(come_of(gaps, "old", 701, false, 3100));
    replay_gaps_destroy(gaps);
}

/* Goal: one that lacks a batch is asked once it has waited, not more often than once a minute, until a snapshot comes. */
static void test_gap(void **state)
{
    (void)state;
    struct replay_gaps *gaps = replay_gaps_create(64);
    assert_false(come_of(gaps, "r", 0, true, 0));
    assert_false(come_of(gaps, "r", 2, false, 5));
    assert_false(come_of(gaps, "r", 3, false, 10));
    assert_true(come_of(gaps, "r", 4, false, 15));
    assert_false(come_of(gaps, "r", 5, false, 20));
    assert_false(come_of(gaps, "r", 6, false, 74));
    assert_true(come_of(gaps, "r", 7, false, 75));
    assert_false(come_of(gaps, "r", 9, true, 80)); /* before 8, which comes late */
    for (int64_t n = 10; n < 20; n++) assert_false(come_of(gaps, "r", n, false, 100 + n * 20));
    assert_false(come_of(gaps, "r", 8, false, 700));
    assert_false(come_of(gaps, "r", 200, false, 800)); /* far ahead */
    assert_true(come_of(gaps, "r", 201, false, 811));
    replay_gaps_destroy(gaps);
}

/* Goal: the first snapshot that never came is asked for; the gap behind a filled one has its own time. */
static void test_begin(void **state)
{
    (void)state;
    struct replay_gaps *gaps = replay_gaps_create(4);
    assert_false(come_of(gaps, "r", 1, false, 0));
    assert_true(come_of(gaps, "r", 2, false, 10));
    assert_false(come_of(gaps, "q", 0, true, 0));
    assert_false(come_of(gaps, "q", 2, false, 0));
    assert_false(come_of(gaps, "q", 4, false, 9));
    assert_false(come_of(gaps, "q", 1, false, 11));
    assert_false(come_of(gaps, "q", 5, false, 20));
    assert_true(come_of(gaps, "q", 6, false, 21));
    for (int n = 0; n < 100; n++) { /* more than there is room for */
        char name[16];
        snprintf(name, sizeof name, "n%d", n);
        assert_false(come_of(gaps, name, 0, true, 30 + n));
    }
    replay_gaps_destroy(gaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole), cmocka_unit_test(test_gap),
                                        cmocka_unit_test(test_begin) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
