/* threads: none */
/* Every change of level, and random walks against a second telling of the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <math.h>
#include <cmocka.h>

#include "monitors/monitor_state.h"

#define MINUTE INT64_C(60000000)
static const int64_t BEGIN = INT64_C(1790000000) * 1000000;

static struct monitor_rule rule_of(enum monitor_side side, double warning, double alert, int64_t for_minutes)
{
    return (struct monitor_rule){ .side = side,
                                  .alert = alert,
                                  .alert_recovery = alert,
                                  .warning = warning,
                                  .warning_recovery = warning,
                                  .for_us = for_minutes * MINUTE };
}

/* Values minute by minute (NAN: none) give these levels: o w a n. */
static void expect(const struct monitor_rule *rule, const double *values, const char *levels)
{
    struct monitor_state state = { 0 };
    for (size_t m = 0; levels[m] != '\0'; m++) {
        struct monitor_measure measure = { .is_there = !isnan(values[m]), .value = values[m], .compared = values[m] };
        enum monitor_level before = state.level, from;
        bool has_changed = monitor_state_step(rule, &state, &measure, BEGIN + (int64_t)m * MINUTE, &from);
        if ("owan"[state.level] != levels[m])
            fail_msg("at minute %zu of \"%s\": it is %c", m, levels, "owan"[state.level]);
        assert_int_equal(from, before);
        assert_int_equal(has_changed, before != state.level);
        assert_int_equal(state.begun_us != 0, state.level != MONITOR_OK);
        if (has_changed) assert_int_equal(state.since_us, BEGIN + (int64_t)m * MINUTE);
    }
}
#define EXPECT(rule, levels, ...) expect(&(rule), (const double[]){ __VA_ARGS__ }, levels)

static void levels_are_reached_and_left(void **state)
{
    (void)state;
    struct monitor_rule rule = rule_of(MONITOR_ABOVE, 3, 5, 0);
    EXPECT(rule, "owaawo", 3, 4, 6, 6, 4, 2); /* each to the next, and 3 is not above 3 */
    EXPECT(rule, "aoao", 6, 1, 9, 0);         /* without the warning between */
    rule = rule_of(MONITOR_BELOW, 10, 5, 0);
    EXPECT(rule, "owawo", 10, 9, 4, 5, 10);
    rule = rule_of(MONITOR_ABOVE, NAN, 5, 0);
    EXPECT(rule, "oao", 5, 6, 5);
    rule = rule_of(MONITOR_BOTH, 3, 5, 0);
    EXPECT(rule, "awaoo", -6, 4, 6, -3, 0);
}

static void recovery_levels_hold(void **state)
{
    (void)state;
    struct monitor_rule rule = rule_of(MONITOR_ABOVE, 3, 5, 0);
    rule.alert_recovery = 4;
    rule.warning_recovery = 2;
    EXPECT(rule, "aaawwoo", 6, 5, 4.5, 4, 2.5, 2, 3); /* 4.5 alone would be a warning, 2.5 nothing */
    rule = rule_of(MONITOR_BELOW, NAN, 5, 0);
    rule.alert_recovery = 8;
    EXPECT(rule, "aaao", 4, 6, 7.5, 8);
}

static void it_must_last(void **state)
{
    (void)state;
    struct monitor_rule rule = rule_of(MONITOR_ABOVE, 3, 5, 2);
    EXPECT(rule, "ooaa", 6, 6, 6, 6);
    EXPECT(rule, "oooooa", 6, 6, 1, 6, 6, 6);
    EXPECT(rule, "oowwwa", 4, 4, 4, 6, 6, 6); /* what is above 5 is above 3, too */
    EXPECT(rule, "oowaa", 4, 6, 6, 6, 6);
    EXPECT(rule, "ooaoooa", 6, 6, 6, 1, 6, 6, 6);
}

static void what_is_not_there(void **state)
{
    (void)state;
    struct monitor_rule rule = rule_of(MONITOR_ABOVE, 3, 5, 0);
    EXPECT(rule, "aoo", 6, NAN, 1);
    rule.no_data = MONITOR_NO_DATA_KEEP;
    EXPECT(rule, "aaao", 6, NAN, NAN, 1);
    rule.no_data = MONITOR_NO_DATA_ALERT;
    EXPECT(rule, "annawno", 6, NAN, NAN, 6, 4, NAN, 1);
    rule.for_us = 2 * MINUTE;
    EXPECT(rule, "ooooono", 1, NAN, 1, NAN, NAN, NAN, 1);
    rule.no_data = MONITOR_NO_DATA_KEEP;
    EXPECT(rule, "oooa", 6, NAN, NAN, 6); /* the time that was not seen counts: nothing says that it was over */
}

static void decided_levels(void **state)
{
    (void)state;
    struct monitor_rule rule = { .warning = NAN, .alert = NAN, .for_us = MINUTE };
    struct monitor_state one = { 0 };
    enum monitor_level from;
    struct monitor_measure measure = { .is_there = true, .is_decided = true, .is_warning = true };
    assert_false(monitor_state_step(&rule, &one, &measure, BEGIN, &from));
    assert_true(monitor_state_step(&rule, &one, &measure, BEGIN + MINUTE, &from));
    assert_int_equal(one.level, MONITOR_WARNING);
    measure.is_alert = true;
    assert_false(monitor_state_step(&rule, &one, &measure, BEGIN + 2 * MINUTE, &from));
    assert_true(monitor_state_step(&rule, &one, &measure, BEGIN + 3 * MINUTE, &from));
    assert_int_equal(one.level, MONITOR_ALERT);
    assert_int_equal(from, MONITOR_WARNING);
    assert_int_equal(one.begun_us, BEGIN + MINUTE); /* one thing that goes on */
    measure.is_alert = measure.is_warning = false;
    assert_true(monitor_state_step(&rule, &one, &measure, BEGIN + 4 * MINUTE, &from));
    assert_int_equal(one.level, MONITOR_OK);
}

/* The rules again, over the whole past instead of what is remembered of it. */
static enum monitor_level model(const struct monitor_rule *rule, const double *values, const enum monitor_level *levels,
                                size_t now)
{
    enum monitor_level was = now == 0 ? MONITOR_OK : levels[now - 1];
    if (isnan(values[now])) {
        if (rule->no_data == MONITOR_NO_DATA_KEEP) return was;
        if (rule->no_data == MONITOR_NO_DATA_OK) return MONITOR_OK;
        size_t first = now;
        while (first > 0 && isnan(values[first - 1])) first--;
        return (int64_t)(now - first) * MINUTE >= rule->for_us ? MONITOR_NO_DATA : was;
    }
    for (int level = 2; level >= 1; level--) {
        bool is_held = (int)was >= level && was != MONITOR_NO_DATA;
        double limit = level == 2 ? rule->alert : rule->warning;
        double recovery = level == 2 ? rule->alert_recovery : rule->warning_recovery;
        bool is_beyond = values[now] > (is_held ? recovery : limit);
        /* What is at alert is at warning, too: a warning is also beyond when the alert is. */
        if (level == 1 && values[now] > (was == MONITOR_ALERT ? rule->alert_recovery : rule->alert)) is_beyond = true;
        if (!is_beyond) continue;
        if (is_held) return (enum monitor_level)level;
        if (rule->for_us == 0) return (enum monitor_level)level;
    }
    return MONITOR_OK;
}

static void random_walks(void **state)
{
    enum { STEPS = 400, WALKS = 500 };
    uint64_t seed = 42;
    uint32_t seen[MONITOR_LEVEL_COUNT][MONITOR_LEVEL_COUNT] = { 0 };
    (void)state;
    for (uint32_t walk = 0; walk < WALKS; walk++) {
        double values[STEPS];
        enum monitor_level levels[STEPS], from;
        struct monitor_state one = { 0 };
        struct monitor_rule rule = rule_of(MONITOR_ABOVE, 3, 5, 0);
        rule.no_data = (enum monitor_no_data)(walk % 3);
        if (walk % 2 == 1) rule.alert_recovery = 4, rule.warning_recovery = 2;
        for (size_t s = 0; s < STEPS; s++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint32_t dice = (uint32_t)(seed >> 40) % 100;
            values[s] = dice < 15 ? (double)NAN : (double)(dice % 70) / 10;
            struct monitor_measure measure = { !isnan(values[s]), values[s], values[s], false, false, false };
            levels[s] = model(&rule, values, levels, s);
            bool has_changed = monitor_state_step(&rule, &one, &measure, BEGIN + (int64_t)s * MINUTE, &from);
            if (one.level != levels[s])
                fail_msg("walk %u, step %zu: %s, not %s", walk, s, monitor_level_names[one.level],
                         monitor_level_names[levels[s]]);
            if (has_changed) seen[from][one.level]++;
        }
    }
    for (int a = 0; a < MONITOR_LEVEL_COUNT; a++)
        for (int b = 0; b < MONITOR_LEVEL_COUNT; b++)
            if (a != b) assert_true(seen[a][b] > 0); /* every transition there is */
}

/* With times: an alert is there exactly when all values of the last for_us were beyond. */
static void random_times(void **state)
{
    enum { STEPS = 5000 };
    uint64_t seed = 7;
    struct monitor_state one = { 0 };
    enum monitor_level from;
    struct monitor_rule rule = rule_of(MONITOR_ABOVE, NAN, 5, 3);
    uint32_t run = 0, alerts = 0;
    (void)state;
    for (size_t s = 0; s < STEPS; s++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bool is_high = (seed >> 40) % 100 < 70;
        struct monitor_measure measure = { true, is_high ? 6 : 4, is_high ? 6 : 4, false, false, false };
        run = is_high ? run + 1 : 0;
        if (monitor_state_step(&rule, &one, &measure, BEGIN + (int64_t)s * MINUTE, &from)) alerts++;
        assert_int_equal(one.level, run > 3 ? MONITOR_ALERT : MONITOR_OK);
    }
    assert_true(alerts > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_reached_and_left),
        cmocka_unit_test(recovery_levels_hold),
        cmocka_unit_test(it_must_last),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(decided_levels),
        cmocka_unit_test(random_walks),
        cmocka_unit_test(random_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
