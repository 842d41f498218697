#include "issues/issue_state.h"

#include <math.h>
#include <stdlib.h>

#define MAD_TO_DEVIATION 1.4826
#define DEVIATIONS       6
#define OVER_P99         1.25
#define DAY_HOURS        24
#define WEEK_HOURS       (7 * DAY_HOURS)
#define WEEKS_MAX        (ISSUE_HOURS_MAX / WEEK_HOURS)

/* ---- baseline ---- */

static int number_compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* Of sorted values. */
static double median_of(const double *values, uint32_t count)
{
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double limit_of_count(double usual, double deviation)
{
    double poisson = sqrt(usual > 1 ? usual : 1);
    return usual + DEVIATIONS * (deviation > poisson ? deviation : poisson);
}

/* The hours of the week that the last 60 minutes touch, over the weeks: the greater of their medians. */
static double week_usual(const struct issue_seen *seen)
{
    double usual = 0;
    int64_t from_us = seen->hours_end_unix_us - (int64_t)seen->hours_count * ISSUE_HOUR_US;
    for (int touched = 0; touched < 2; touched++) {
        double values[WEEKS_MAX + 1];
        uint32_t count = 0;
        int64_t at_us = seen->now_unix_us - touched * ISSUE_HOUR_US, week_us = WEEK_HOURS * ISSUE_HOUR_US;
        at_us -= at_us % ISSUE_HOUR_US;
        for (at_us -= week_us; at_us >= from_us; at_us -= week_us) {
            if (at_us < seen->hours_end_unix_us && count <= WEEKS_MAX)
                values[count++] = (double)seen->hours[(at_us - from_us) / ISSUE_HOUR_US];
        }
        if (count < ISSUE_BASELINE_WEEKS) return 0;
        qsort(values, count, sizeof values[0], number_compare);
        double median = median_of(values, count);
        if (median > usual) usual = median;
    }
    return usual;
}

/* The hours that are compared with: all; from a week on those of the same time of the day, an hour more on both sides. */
static uint32_t sample_of(const struct issue_seen *seen, double values[ISSUE_HOURS_MAX])
{
    uint32_t count = 0;
    int64_t from_us = seen->hours_end_unix_us - (int64_t)seen->hours_count * ISSUE_HOUR_US;
    int64_t from = from_us / ISSUE_HOUR_US, now = seen->now_unix_us / ISSUE_HOUR_US;
    bool is_by_day = seen->hours_count >= WEEK_HOURS;
    for (uint32_t h = 0; h < seen->hours_count; h++) {
        int64_t before = (now - from - h) % DAY_HOURS; /* the 60 minutes are of hours 0 and 1 before now */
        if (!is_by_day || before <= 2 || before == DAY_HOURS - 1) values[count++] = (double)seen->hours[h];
    }
    return count;
}

void issue_baseline_of(const struct issue_seen *seen, struct issue_baseline *baseline)
{
    double values[ISSUE_HOURS_MAX];
    *baseline = (struct issue_baseline){ .is_there = seen->hours != NULL && seen->hours_count >= ISSUE_BASELINE_HOURS };
    if (!baseline->is_there) return;
    assert(seen->hours_count <= ISSUE_HOURS_MAX);
    uint32_t count = sample_of(seen, values);
    qsort(values, count, sizeof values[0], number_compare);
    double usual = median_of(values, count), p99 = values[(uint32_t)((double)(count - 1) * 0.99 + 0.5)];
    for (uint32_t h = 0; h < count; h++) values[h] = fabs(values[h] - usual);
    qsort(values, count, sizeof values[0], number_compare);
    double limit = limit_of_count(usual, MAD_TO_DEVIATION * median_of(values, count));
    double week = week_usual(seen), of_week = week > 0 ? limit_of_count(week, 0) : 0;
    if (OVER_P99 * p99 > limit) limit = OVER_P99 * p99;
    if (of_week > limit) limit = of_week;
    if (limit < ISSUE_VOLUME_MIN) limit = ISSUE_VOLUME_MIN;
    baseline->usual = usual;
    baseline->limit = limit;
}

/* ---- releases ---- */

struct version { /* name@core-before+build */
    struct bytes name, core, before, build;
};

static struct bytes cut_at(struct bytes *text, uint8_t mark)
{
    const uint8_t *at = text->len > 0 ? memchr(text->ptr, mark, text->len) : NULL;
    if (at == NULL) return bytes_from(text->ptr, 0);
    struct bytes rest = bytes_from(at + 1, (size_t)(text->ptr + text->len - at - 1));
    text->len = (size_t)(at - text->ptr);
    return rest;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool version_read(struct bytes text, struct version *version)
{
    *version = (struct version){ .name = bytes_from(text.ptr, 0) };
    for (size_t i = text.len; i-- > 0;) { /* "@scope/app@1.2.3": the last one */
        if (text.ptr[i] != '@') continue;
        version->name = bytes_from(text.ptr, i);
        text = bytes_from(text.ptr + i + 1, text.len - i - 1);
        break;
    }
    if (text.len > 1 && (text.ptr[0] == 'v' || text.ptr[0] == 'V')) text = bytes_from(text.ptr + 1, text.len - 1);
    version->build = cut_at(&text, '+');
    version->before = cut_at(&text, '-');
    version->core = text;
    bool has_dot = false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) && text.ptr[i] != '.') return false;
        has_dot |= text.ptr[i] == '.';
    }
    /* A number alone is a version when it is no hash that happens to have no letter, and no date: those are numbers too. */
    return text.len > 0 && is_digit(text.ptr[0]) && (has_dot || text.len <= 14);
}

/* Digits as numbers, however many; the rest as bytes. */
static int natural_compare(struct bytes a, struct bytes b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        if (is_digit(a.ptr[i]) && is_digit(b.ptr[j])) {
            while (i < a.len && a.ptr[i] == '0') i++;
            while (j < b.len && b.ptr[j] == '0') j++;
            size_t from_a = i, from_b = j;
            while (i < a.len && is_digit(a.ptr[i])) i++;
            while (j < b.len && is_digit(b.ptr[j])) j++;
            if (i - from_a != j - from_b) return i - from_a < j - from_b ? -1 : 1;
            int order = memcmp(a.ptr + from_a, b.ptr + from_b, i - from_a);
            if (order != 0) return order;
        } else {
            if (a.ptr[i] != b.ptr[j]) return is_digit(a.ptr[i]) || a.ptr[i] == '.' ? -1 : a.ptr[i] < b.ptr[j] ? -1 : 1;
            i++, j++;
        }
    }
    return (i < a.len) - (j < b.len);
}

/* 1.2 and 1.2.0 are one. */
static int core_compare(struct bytes a, struct bytes b)
{
    while (a.len > 0 || b.len > 0) {
        struct bytes rest_a = cut_at(&a, '.'), rest_b = cut_at(&b, '.');
        struct bytes one = a.len > 0 ? a : BYTES("0"), other = b.len > 0 ? b : BYTES("0");
        int order = natural_compare(one, other);
        if (order != 0) return order;
        a = rest_a, b = rest_b;
    }
    return 0;
}

enum release_order release_order_of(struct bytes release, struct bytes than)
{
    struct version a, b;
    if (bytes_equal(release, than)) return RELEASE_SAME;
    if (!version_read(release, &a) || !version_read(than, &b) || !bytes_equal(a.name, b.name)) return RELEASE_UNKNOWN;
    int order = core_compare(a.core, b.core);
    if (order == 0) order = (a.before.len == 0) - (b.before.len == 0);
    if (order == 0) order = natural_compare(a.before, b.before);
    if (order == 0) order = natural_compare(a.build, b.build);
    return order == 0 ? RELEASE_SAME : order < 0 ? RELEASE_EARLIER : RELEASE_LATER;
}

/* ---- states ---- */

static void of_ignored(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    const struct issue_ignored *ignored = &issue->ignored;
    int64_t events = issue->total_count - ignored->at_count, users = issue->user_count - ignored->at_users;
    if (ignored->until_unix_us > 0 && seen->now_unix_us >= ignored->until_unix_us)
        *verdict = (struct issue_verdict){ .state = ISSUE_ONGOING, .why = ISSUE_WHY_TIME };
    else if (ignored->until_count > 0 && events >= ignored->until_count)
        *verdict = (struct issue_verdict){ .state = ISSUE_ONGOING, .why = ISSUE_WHY_COUNT, .count = events };
    else if (ignored->until_users > 0 && users >= ignored->until_users)
        *verdict = (struct issue_verdict){ .state = ISSUE_ONGOING, .why = ISSUE_WHY_USERS, .count = users };
}

/* Names that are no versions are later when they were seen first after it was resolved. */
static bool is_later_release(const struct issue *issue, const struct issue_release_seen *seen)
{
    if (seen->release.len == 0) return false;
    enum release_order order = release_order_of(seen->release, issue->resolved_in_release);
    return order == RELEASE_LATER || (order == RELEASE_UNKNOWN && seen->first_unix_us > issue->state_unix_us);
}

static void of_resolved(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    if (issue->last_unix_us <= issue->state_unix_us) return;
    if (issue->resolved_in_release.len == 0) {
        *verdict = (struct issue_verdict){ .state = ISSUE_REGRESSED, .why = ISSUE_WHY_EVENT };
        if (seen->release_count > 0) verdict->release = seen->releases[seen->release_count - 1].release;
        return;
    }
    for (uint32_t r = 0; r < seen->release_count; r++) {
        if (!is_later_release(issue, &seen->releases[r])) continue;
        *verdict = (struct issue_verdict){ .state = ISSUE_REGRESSED,
                                           .why = ISSUE_WHY_EVENT,
                                           .release = seen->releases[r].release };
        return;
    }
}

static void of_open(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    struct issue_baseline baseline;
    bool is_old = seen->now_unix_us - issue->state_unix_us >= ISSUE_STATE_AGE_US;
    double count = (double)seen->hour_count;
    issue_baseline_of(seen, &baseline);
    if (issue->state == ISSUE_ESCALATING) {
        bool is_calm = baseline.is_there && count < baseline.limit / 2;
        if (!is_calm && !is_old) return;
        *verdict =
            (struct issue_verdict){ .state = ISSUE_ONGOING, .why = is_calm ? ISSUE_WHY_SUBSIDED : ISSUE_WHY_AGE };
    } else if (baseline.is_there && count >= ISSUE_VOLUME_MIN && count > baseline.limit) {
        *verdict = (struct issue_verdict){ .state = ISSUE_ESCALATING, .why = ISSUE_WHY_RISES };
    } else if (issue->state != ISSUE_ONGOING && is_old) {
        *verdict = (struct issue_verdict){ .state = ISSUE_ONGOING, .why = ISSUE_WHY_AGE };
        return;
    } else {
        return;
    }
    verdict->count = seen->hour_count;
    verdict->usual = baseline.usual;
    verdict->limit = baseline.limit;
}

void issue_state_of(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    *verdict = (struct issue_verdict){ .state = issue->state };
    switch (issue->state) {
    case ISSUE_NEW:
    case ISSUE_ONGOING:
    case ISSUE_ESCALATING:
    case ISSUE_REGRESSED: of_open(issue, seen, verdict); break;
    case ISSUE_RESOLVED: of_resolved(issue, seen, verdict); break;
    case ISSUE_IGNORED: of_ignored(issue, seen, verdict); break;
    case ISSUE_STATE_COUNT: assert(false); break;
    }
}
