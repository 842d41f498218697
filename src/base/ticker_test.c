/* Rests of a thread: as long as they are said to be, and no longer than until it is told to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ticker.h"

/* Goal: a rest that nobody ends is as long as it was said, and the thread goes on. Method: the clock, which may only be late. */
static void test_a_rest_is_as_long_as_it_was_said(void **state)
{
    struct ticker ticker;
    (void)state;
    ticker_init(&ticker);
    uint64_t begin_ns = clock_mono_ns();
    assert_true(ticker_rest(&ticker, 30));
    assert_true(clock_mono_ns() - begin_ns >= 30000000);
    assert_true(ticker_goes_on(&ticker));
    ticker_deinit(&ticker);
}

struct resting {
    struct ticker ticker;
    atomic_uint rounds;
};
static void *rest_main(void *ctx)
{
    struct resting *resting = ctx;
    while (ticker_rest(&resting->ticker, atomic_load(&resting->rounds) < 3 ? 1 : 3600000))
        atomic_fetch_add(&resting->rounds, 1);
    return NULL;
}

/* Goal: all that rest are woken to end, and who rests after that does not. Method: two threads in rests of an hour. */
static void test_stop_wakes_all_and_for_good(void **state)
{
    struct resting resting = { .rounds = 0 };
    pthread_t threads[2];
    (void)state;
    ticker_init(&resting.ticker);
    for (int t = 0; t < 2; t++) assert_int_equal(pthread_create(&threads[t], NULL, rest_main, &resting), 0);
    while (atomic_load(&resting.rounds) < 3) clock_sleep_ms(1);
    ticker_stop(&resting.ticker);
    for (int t = 0; t < 2; t++) assert_int_equal(pthread_join(threads[t], NULL), 0);
    assert_false(ticker_goes_on(&resting.ticker));
    assert_false(ticker_rest(&resting.ticker, 3600000));
    ticker_deinit(&resting.ticker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rest_is_as_long_as_it_was_said),
        cmocka_unit_test(test_stop_wakes_all_and_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
