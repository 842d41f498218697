/* States of issues: each edge, what does not change, releases, and how good escalation is on made series. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "issues/issue_state.h"

#define HOUR ISSUE_HOUR_US
#define DAY  (24 * HOUR)
#define NOW  (20000 * DAY + 10 * HOUR + HOUR / 2)

static int64_t flat[ISSUE_HOURS_MAX];

/* hours of 4 events each, the last of them over an hour ago. */
static struct issue_seen seen_of(int64_t hour_count, uint32_t hours)
{
    for (uint32_t h = 0; h < ISSUE_HOURS_MAX; h++) flat[h] = 4;
    return (struct issue_seen){ .now_unix_us = NOW,
                                .hour_count = hour_count,
                                .hours = flat,
                                .hours_count = hours,
                                .hours_end_unix_us = NOW - HOUR - HOUR / 2 };
}
static struct issue issue_of(enum issue_state state, int64_t state_age_us)
{
    return (struct issue){ .number = 1,
                           .state = state,
                           .state_unix_us = NOW - state_age_us,
                           .first_unix_us = NOW - 30 * DAY,
                           .last_unix_us = NOW - 1,
                           .total_count = 100,
                           .user_count = 10,
                           .resolved_in_release = BYTES("") };
}
static struct issue_verdict verdict_of(const struct issue *issue, const struct issue_seen *seen)
{
    struct issue_verdict verdict;
    issue_state_of(issue, seen, &verdict);
    return verdict;
}
#define CHECK(issue, seen, to, because)                                               \
    do {                                                                              \
        struct issue_verdict verdict = verdict_of(&(issue), &(seen));                 \
        assert_string_equal(issue_state_names[verdict.state], issue_state_names[to]); \
        assert_string_equal(issue_why_names[verdict.why], issue_why_names[because]);  \
    } while (0)

/* Goal: new and regressed end after 7 days, ongoing does not. */
static void test_age(void **state)
{
    (void)state;
    struct issue_seen seen = seen_of(0, 0);
    for (int s = 0; s < 2; s++) {
        enum issue_state of = s ? ISSUE_REGRESSED : ISSUE_NEW;
        struct issue young = issue_of(of, 7 * DAY - 1), old = issue_of(of, 7 * DAY);
        CHECK(young, seen, of, ISSUE_WHY_NONE);
        CHECK(old, seen, ISSUE_ONGOING, ISSUE_WHY_AGE);
    }
    struct issue ongoing = issue_of(ISSUE_ONGOING, 70 * DAY);
    CHECK(ongoing, seen, ISSUE_ONGOING, ISSUE_WHY_NONE);
}

/* Goal: each open state escalates over the limit and not at it, not without a day of baseline, not under the least volume; it
 * subsides under half of the limit, and ends after 7 days as the new normal. */
static void test_escalation(void **state)
{
    (void)state;
    struct issue_baseline baseline;
    struct issue_seen seen = seen_of(0, 48);
    issue_baseline_of(&seen, &baseline);
    assert_true(baseline.is_there);
    assert_true(baseline.usual == 4 && baseline.limit == 16); /* 4 + 6 * sqrt(4) */
    static const enum issue_state opens[] = { ISSUE_NEW, ISSUE_ONGOING, ISSUE_REGRESSED };
    for (size_t o = 0; o < COUNT_OF(opens); o++) {
        struct issue issue = issue_of(opens[o], HOUR);
        struct issue_seen at = seen_of(16, 48), over = seen_of(17, 48), young = seen_of(1000, 23);
        CHECK(issue, at, opens[o], ISSUE_WHY_NONE);
        CHECK(issue, over, ISSUE_ESCALATING, ISSUE_WHY_RISES);
        CHECK(issue, young, opens[o], ISSUE_WHY_NONE);
        struct issue_verdict verdict = verdict_of(&issue, &over);
        assert_int_equal(verdict.count, 17);
        assert_true(verdict.usual == 4 && verdict.limit == 16);
    }
    /* Of a silent issue ten events are the least. */
    struct issue issue = issue_of(ISSUE_ONGOING, HOUR);
    struct issue_seen few = seen_of(10, 48), enough = seen_of(11, 48);
    memset(flat, 0, sizeof flat);
    CHECK(issue, few, ISSUE_ONGOING, ISSUE_WHY_NONE);
    CHECK(issue, enough, ISSUE_ESCALATING, ISSUE_WHY_RISES);

    struct issue escalating = issue_of(ISSUE_ESCALATING, HOUR), long_since = issue_of(ISSUE_ESCALATING, 7 * DAY);
    struct issue_seen still = seen_of(8, 48), calm = seen_of(7, 48);
    CHECK(escalating, still, ISSUE_ESCALATING, ISSUE_WHY_NONE);
    CHECK(escalating, calm, ISSUE_ONGOING, ISSUE_WHY_SUBSIDED);
    CHECK(long_since, still, ISSUE_ONGOING, ISSUE_WHY_AGE);
}

/* Goal: what happens every day, or at this hour of every week, is no escalation. */
static void test_seasons(void **state)
{
    (void)state;
    struct issue issue = issue_of(ISSUE_ONGOING, HOUR);
    struct issue_seen seen = seen_of(120, 28 * 24);
    for (uint32_t h = 0; h < 28 * 24; h++) flat[h] = h % 24 == 1 ? 100 : 0; /* a job at 10:00 */
    CHECK(issue, seen, ISSUE_ONGOING, ISSUE_WHY_NONE);
    seen.hour_count = 161; /* 100 + 6 * sqrt(100) */
    CHECK(issue, seen, ISSUE_ESCALATING, ISSUE_WHY_RISES);
    /* Of each week the hour that is now: hours end 90 minutes ago, at 9:00; the clock is at 10:30. */
    memset(flat, 0, sizeof flat);
    for (uint32_t week = 1; week <= 3; week++) flat[28 * 24 - week * 168 + 1] = 400;
    seen = (struct issue_seen){ .now_unix_us = NOW,
                                .hour_count = 450,
                                .hours = flat,
                                .hours_count = 28 * 24,
                                .hours_end_unix_us = NOW - HOUR - HOUR / 2 };
    CHECK(issue, seen, ISSUE_ONGOING, ISSUE_WHY_NONE);
    memset(flat, 0, sizeof flat);
    for (uint32_t week = 1; week <= 3; week++) flat[28 * 24 - week * 168 + 6] = 400; /* at 15:00 */
    CHECK(issue, seen, ISSUE_ESCALATING, ISSUE_WHY_RISES);
}

/* Goal: what was resolved comes back by a later event alone; with a release named by one of a later release alone. */
static void test_regression(void **state)
{
    (void)state;
    struct issue issue = issue_of(ISSUE_RESOLVED, HOUR);
    struct issue_release_seen releases[] = { { BYTES("1.9.0"), NOW - DAY, NOW - 10 }, { BYTES(""), NOW - DAY, NOW } };
    struct issue_seen seen = { .now_unix_us = NOW, .releases = releases, .release_count = 1 };
    CHECK(issue, seen, ISSUE_REGRESSED, ISSUE_WHY_EVENT);
    assert_true(bytes_equal(verdict_of(&issue, &seen).release, BYTES("1.9.0")));
    issue.last_unix_us = issue.state_unix_us;
    CHECK(issue, seen, ISSUE_RESOLVED, ISSUE_WHY_NONE);
    issue.last_unix_us = NOW;
    issue.resolved_in_release = BYTES("1.10.0");
    seen.release_count = 2;
    CHECK(issue, seen, ISSUE_RESOLVED, ISSUE_WHY_NONE); /* 1.9 is earlier, and of no release one cannot know */
    releases[0].release = BYTES("1.10.0");
    CHECK(issue, seen, ISSUE_RESOLVED, ISSUE_WHY_NONE);
    releases[0].release = BYTES("1.10.1");
    CHECK(issue, seen, ISSUE_REGRESSED, ISSUE_WHY_EVENT);
    /* Names that are no versions: by when they were first seen. */
    releases[0].release = BYTES("9fceb02");
    CHECK(issue, seen, ISSUE_RESOLVED, ISSUE_WHY_NONE);
    releases[0].first_unix_us = issue.state_unix_us + 1;
    CHECK(issue, seen, ISSUE_REGRESSED, ISSUE_WHY_EVENT);
}

/* Goal: what is ignored comes back by time, further events or further users, whichever is first, and by nothing else. */
static void test_ignored(void **state)
{
    (void)state;
    struct issue_seen seen = seen_of(100000, 48);
    struct issue issue = issue_of(ISSUE_IGNORED, 100 * DAY);
    CHECK(issue, seen, ISSUE_IGNORED, ISSUE_WHY_NONE);
    issue.ignored = (struct issue_ignored){
        .until_unix_us = NOW + 1, .until_count = 50, .until_users = 5, .at_count = 51, .at_users = 6
    };
    CHECK(issue, seen, ISSUE_IGNORED, ISSUE_WHY_NONE);
    issue.ignored.until_unix_us = NOW;
    CHECK(issue, seen, ISSUE_ONGOING, ISSUE_WHY_TIME);
    issue.ignored.until_unix_us = NOW + 1;
    issue.ignored.at_count = 50;
    CHECK(issue, seen, ISSUE_ONGOING, ISSUE_WHY_COUNT);
    issue.ignored.at_count = 51;
    issue.ignored.at_users = 5;
    CHECK(issue, seen, ISSUE_ONGOING, ISSUE_WHY_USERS);
}

static void test_releases(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum release_order order;
    } cases[] = {
        { "1.10.0", "1.9.0", RELEASE_LATER },
        { "1.2", "1.2.0", RELEASE_SAME },
        { "v2.0.0", "1.99", RELEASE_LATER },
        { "2.0.0-rc.1", "2.0.0", RELEASE_EARLIER },
        { "2.0.0-rc.10", "2.0.0-rc.9", RELEASE_LATER },
        { "shop@1.4.1", "shop@1.4.0", RELEASE_LATER },
        { "shop@1.4.1", "mail@1.4.0", RELEASE_UNKNOWN },
        { "1.4.0+21", "1.4.0+9", RELEASE_LATER },
        { "9fceb02", "1.0", RELEASE_UNKNOWN },
        { "main", "main", RELEASE_SAME },
        { "20261127.2", "20261127.10", RELEASE_EARLIER },
        { "42", "7", RELEASE_LATER },
        { "", "1.0", RELEASE_UNKNOWN },
        { "1..0", "1.0.1", RELEASE_EARLIER },
        { "1.00000000000000000000000000000001", "1.2", RELEASE_EARLIER },
        { "@scope/app@2.1.0", "@scope/app@2.0.9", RELEASE_LATER },
        { "12345678901234567", "1", RELEASE_UNKNOWN },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        enum release_order order = release_order_of(bytes_of_text(cases[c].a), bytes_of_text(cases[c].b));
        if (order != cases[c].order) fail_msg("%s to %s: %d", cases[c].a, cases[c].b, order);
        enum release_order back = release_order_of(bytes_of_text(cases[c].b), bytes_of_text(cases[c].a));
        if (order == RELEASE_LATER) assert_int_equal(back, RELEASE_EARLIER);
        if (order == RELEASE_EARLIER) assert_int_equal(back, RELEASE_LATER);
    }
}

/* ---- how good escalation is ---- */

struct random {
    uint64_t state;
};
/* S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static double uniform(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return ((double)((random->state * 2685821657736338717u) >> 11) + 0.5) / 9007199254740992.0;
}
/* A count of this mean: Poisson, or with bursts (its mean is itself drawn, from 0.25 to 4 times). */
static int64_t count_of(struct random *random, double mean, bool has_bursts)
{
    if (has_bursts) mean *= exp((uniform(random) - 0.5) * 2 * log(4)) * 0.75;
    if (mean > 30) { /* the normal one is near enough, and quick */
        double normal = sqrt(-2 * log(uniform(random))) * cos(6.283185307179586 * uniform(random));
        double count = mean + sqrt(mean) * normal + 0.5;
        return count < 0 ? 0 : (int64_t)count;
    }
    double product = uniform(random), limit = exp(-mean);
    int64_t count = 0;
    for (; product > limit; count++) product *= uniform(random);
    return count;
}
static double season(int64_t hour, int kind)
{
    if (kind == 0) return 1;
    if (kind == 1) return 1 + 0.8 * sin(6.283185307179586 * (double)(hour % 24) / 24);
    return hour % 168 < 120 ? 1 + 0.8 * sin(6.283185307179586 * (double)(hour % 24) / 24) : 0.2; /* weekends */
}

/* Goal: an issue that goes on as it did escalates less than once in two months; one that comes ten times as often does in the hour.
 * Method: 6 weeks each of issues with 0.2 to 200 events an hour, flat, by day and by week, with and without bursts; the state is
 * asked each hour of the last two weeks, then once with ten times as much. Fixed seed. */
static void test_quality(void **state)
{
    (void)state;
    struct random random = { 20261127 };
    static int64_t hours[42 * 24];
    static const double means[] = { 0.2, 1, 5, 20, 200 };
    uint32_t asked = 0, alarms = 0, faults = 0, found = 0;
    for (int kind = 0; kind < 3; kind++)
        for (int bursts = 0; bursts < 2; bursts++)
            for (size_t m = 0; m < COUNT_OF(means); m++)
                for (int issue_number = 0; issue_number < 6; issue_number++) {
                    for (int64_t h = 0; h < 42 * 24; h++)
                        hours[h] = count_of(&random, means[m] * season(h, kind), bursts);
                    for (int64_t h = 28 * 24 + 2; h < 42 * 24; h++) {
                        struct issue issue = issue_of(ISSUE_ONGOING, HOUR);
                        int64_t now_us = (20004 * 24 + h) * HOUR + HOUR - 1; /* a Thursday: the epoch's weekday */
                        struct issue_seen seen = { .now_unix_us = now_us,
                                                   .hour_count = hours[h],
                                                   .hours = hours + h - 28 * 24 - 1,
                                                   .hours_count = 28 * 24,
                                                   .hours_end_unix_us = now_us + 1 - 2 * HOUR };
                        asked++;
                        alarms += verdict_of(&issue, &seen).state == ISSUE_ESCALATING;
                        if (h % 37 != 0 || means[m] * season(h, kind) < 2)
                            continue; /* of less, ten times is no volume */
                        seen.hour_count = count_of(&random, 10 * means[m] * season(h, kind), false);
                        faults++;
                        found += verdict_of(&issue, &seen).state == ISSUE_ESCALATING;
                    }
                }
    double per_month = (double)alarms / asked * 30 * 24, recall = (double)found / faults;
    printf("escalation: %.2f false alarms an issue and month, %.3f of ten times as much found in its hour (%u, %u)\n",
           per_month, recall, asked, faults);
    assert_true(per_month < 0.5);
    assert_true(recall > 0.85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),        cmocka_unit_test(test_escalation), cmocka_unit_test(test_seasons),
        cmocka_unit_test(test_regression), cmocka_unit_test(test_ignored),    cmocka_unit_test(test_releases),
        cmocka_unit_test(test_quality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
