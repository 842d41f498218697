/* issue_state.h -- how it is with an issue: the rule by which states change by themselves. Pure: (issue, seen) -> verdict.
 *
 *   NEW, REGRESSED  --7 days--> ONGOING
 *   NEW, ONGOING, REGRESSED  --far over its own baseline--> ESCALATING  --under half the limit, or after 7 days--> ONGOING
 *   RESOLVED  --an event later than that (in a later release, where one was named)--> REGRESSED
 *   IGNORED  --its time, its events or its users are over--> ONGOING
 *
 * Baseline: the issue's own clock hours, up to 28 days of them, silent hours too; from a week on those of this time of the day
 * alone, with an hour more on both sides. What the last 60 minutes may hold at most:
 *
 *   limit = greatest of   median + 6 * max(1.4826 * MAD, sqrt(max(median, 1)))    robust spread, and that of a Poisson count
 *                         1.25 * the 99th percentile                              what has happened before
 *                         m + 6 * sqrt(max(m, 1)), m the median over the weeks of these hours of the week, from 3 weeks on
 *                         ISSUE_VOLUME_MIN events
 *
 * With less than 24 hours there is no baseline, and nothing escalates: a new issue is new. The issue's own hours are all that is
 * compared, so a loud issue does not hide a quiet one.
 * Sources: F. Hampel, "The Influence Curve and its Role in Robust Estimation" (1974): median and MAD, and the factor 1.4826 that
 * makes the latter the deviation of a normal distribution; C. Leys and others, "Detecting outliers: Do not use standard deviation
 * around the mean, use absolute deviation around the median" (2013). issue_state_test measures false alarms and delay.
 * Thread: any. Memory: none. Errors: none. */
#pragma once
#include "meta/issue_owner.h"

#define ISSUE_VOLUME_MIN     10
#define ISSUE_BASELINE_HOURS 24 /* at least */
#define ISSUE_BASELINE_WEEKS 3  /* at least, for hours of the week */
#define ISSUE_STATE_AGE_US   (7 * 24 * ISSUE_HOUR_US)

/* As struct issue_refresh_options wants it; verdict comes with the state as it is. */
void issue_state_of(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict);

struct issue_baseline {
    bool is_there;
    double usual; /* the median of an hour */
    double limit; /* of the last 60 minutes */
};
void issue_baseline_of(const struct issue_seen *seen, struct issue_baseline *baseline);

/* Which of two releases is the later one, where their names are versions (1.2.3, v2.0.0-rc.1, shop@1.4+20): numbers count as
 * numbers, what is before a release is earlier, builds count last. */
enum release_order { RELEASE_UNKNOWN, RELEASE_EARLIER, RELEASE_SAME, RELEASE_LATER };
enum release_order release_order_of(struct bytes release, struct bytes than);
