#include "monitors/monitor_round.h"

#include <math.h>
#include <stdlib.h>

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)
#define WEEK_US   (7 * DAY_US)
#define FORGET_US DAY_US  /* a group that is ok and was not seen */
#define LOSE_US   WEEK_US /* any that was not seen */

/* Windows and burn rates of the SRE workbook's table 5-8, for 30 days: 2% of the budget in an hour, 5% in 6 hours, 10% in 3 days. */
enum { BURN_5M, BURN_30M, BURN_1H, BURN_6H, BURN_3D, BURN_WINDOWS };
static const int64_t burn_us[BURN_WINDOWS] = { 5 * MINUTE_US, 30 * MINUTE_US, HOUR_US, 6 * HOUR_US, 3 * DAY_US };
static const double BURN_FAST = 14.4, BURN_SLOW = 6, BURN_TICKET = 1;

struct round {
    const struct monitor *monitor;
    struct monitor_table *table;
    int64_t at_us;
    monitor_ask_fn *ask;
    void *ctx;
    struct arena *arena;
    struct monitor_rows now;
    struct monitor_rows others[BURN_WINDOWS]; /* of a change the first; of burn rates all */
    struct err *err;
};

static int row_compare(const void *a, const void *b)
{
    return bytes_compare(((const struct monitor_row *)a)->group, ((const struct monitor_row *)b)->group);
}

static bool rows_ask(struct round *round, int64_t from_us, int64_t to_us, struct monitor_rows *rows)
{
    *rows = (struct monitor_rows){ 0 };
    round->table->asked++;
    if (!round->ask(round->ctx, &round->monitor->query, from_us, to_us, round->arena, rows, round->err)) return false;
    if (rows->count > 0) qsort(rows->rows, rows->count, sizeof *rows->rows, row_compare);
    return true;
}

static const struct monitor_row *row_find(const struct monitor_rows *rows, struct bytes group)
{
    struct monitor_row key = { .group = group };
    const struct monitor_row *row =
        rows->count == 0 ? NULL : bsearch(&key, rows->rows, rows->count, sizeof key, row_compare);
    return row != NULL && !row->is_null && isfinite(row->value) ? row : NULL;
}

/* ---- the baseline of an anomaly ---- */

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, double_compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

enum { SAMPLES = MONITOR_BASELINE_WEEKS * MONITOR_BASELINE_PLACES };

/* The quarters, and the scaled median deviation from the median (1.4826 makes it a normal one's standard deviation). What is between
 * the quarters is usual: an hour in which the day begins has both, and one week that was ill has not. A spread is at least 5% of the
 * median, so that what never moves is not unusual by a hair. */
static void baseline_group(struct monitor_baseline *baseline, const struct monitor_rows *samples, struct bytes key,
                           uint32_t known)
{
    double values[SAMPLES];
    uint32_t count = 0, at = baseline->count;
    for (uint32_t s = 0; s < SAMPLES; s++) {
        const struct monitor_row *row = row_find(&samples[s], key);
        if (row != NULL) values[count++] = row->value;
    }
    if (count < MONITOR_BASELINE_MIN || at == known) return;
    double middle = median(values, count);
    baseline->lows[at] = values[count / 4];
    baseline->highs[at] = values[count - 1 - count / 4];
    for (uint32_t v = 0; v < count; v++) values[v] = fabs(values[v] - middle);
    double spread = 1.4826 * median(values, count), least = 0.05 * fabs(middle);
    baseline->keys[at] = key;
    baseline->spreads[at] = spread > least ? spread : least;
    baseline->count++;
}

static bool baseline_make(struct round *round)
{
    struct monitor_table *table = round->table;
    struct monitor_baseline *baseline = &table->baseline;
    struct monitor_rows samples[SAMPLES];
    int64_t hour_us = round->at_us / HOUR_US * HOUR_US;
    if (baseline->hour_us == hour_us) return true;
    for (int week = 0; week < MONITOR_BASELINE_WEEKS; week++)
        for (int place = 0; place < MONITOR_BASELINE_PLACES; place++) {
            int64_t to_us = hour_us - (week + 1) * WEEK_US + place * HOUR_US / (MONITOR_BASELINE_PLACES - 1);
            if (!rows_ask(round, to_us - round->monitor->window_us, to_us,
                          &samples[week * MONITOR_BASELINE_PLACES + place]))
                return false;
        }
    uint32_t known = round->now.count;
    *baseline = (struct monitor_baseline){ .hour_us = 0 };
    baseline->keys = arena_calloc(table->arena, (known + MONITOR_GROUPS_MAX) * sizeof *baseline->keys);
    baseline->lows = arena_calloc(table->arena, (known + MONITOR_GROUPS_MAX) * sizeof(double));
    baseline->highs = arena_calloc(table->arena, (known + MONITOR_GROUPS_MAX) * sizeof(double));
    baseline->spreads = arena_calloc(table->arena, (known + MONITOR_GROUPS_MAX) * sizeof(double));
    for (uint32_t s = 0; s < SAMPLES; s++)
        for (uint32_t r = 0; r < samples[s].count; r++) {
            bool is_known = false;
            for (uint32_t k = 0; k < baseline->count && !is_known; k++)
                is_known = bytes_equal(baseline->keys[k], samples[s].rows[r].group);
            if (!is_known) baseline_group(baseline, samples, samples[s].rows[r].group, known + MONITOR_GROUPS_MAX);
        }
    for (uint32_t k = 0; k < baseline->count; k++) baseline->keys[k] = arena_copy(table->arena, baseline->keys[k]);
    baseline->hour_us = hour_us;
    return true;
}

/* ---- what is asked ---- */

static int64_t before_us(const struct monitor *monitor)
{
    return monitor->against == MONITOR_BEFORE ? monitor->window_us : monitor->against == MONITOR_DAY ? DAY_US : WEEK_US;
}

static bool all_ask(struct round *round)
{
    const struct monitor *monitor = round->monitor;
    int64_t at_us = round->at_us, from_us = at_us - monitor->window_us;
    if (monitor->kind == MONITOR_BURN) {
        for (int w = 0; w < BURN_WINDOWS; w++)
            if (!rows_ask(round, at_us - burn_us[w], at_us, &round->others[w])) return false;
        round->now = round->others[BURN_1H];
        return true;
    }
    if (!rows_ask(round, from_us, at_us, &round->now)) return false;
    if (monitor->kind == MONITOR_CHANGE) {
        int64_t back_us = before_us(monitor);
        return rows_ask(round, from_us - back_us, at_us - back_us, &round->others[0]);
    }
    return monitor->kind != MONITOR_ANOMALY || baseline_make(round);
}

/* ---- measures ---- */

static double burn_of(const struct round *round, int window, struct bytes group)
{
    const struct monitor_row *row = row_find(&round->others[window], group);
    if (row == NULL || !(row->total > 0)) return 0;
    return row->value / row->total / (1 - round->monitor->objective);
}

static void burn_measure(const struct round *round, struct bytes group, struct monitor_measure *measure)
{
    double burns[BURN_WINDOWS];
    for (int w = 0; w < BURN_WINDOWS; w++) burns[w] = burn_of(round, w, group);
    const struct monitor_row *hour = row_find(&round->others[BURN_1H], group);
    measure->is_there = hour != NULL && hour->total > 0;
    measure->is_decided = true;
    measure->value = measure->compared = burns[BURN_1H];
    measure->is_alert = (burns[BURN_1H] > BURN_FAST && burns[BURN_5M] > BURN_FAST) ||
                        (burns[BURN_6H] > BURN_SLOW && burns[BURN_30M] > BURN_SLOW);
    measure->is_warning = burns[BURN_3D] > BURN_TICKET && burns[BURN_6H] > BURN_TICKET;
}

static void anomaly_measure(const struct round *round, struct bytes group, struct monitor_measure *measure)
{
    const struct monitor_baseline *baseline = &round->table->baseline;
    measure->compared = 0; /* nothing is known of it yet: as usual */
    for (uint32_t k = 0; k < baseline->count; k++) {
        if (!bytes_equal(baseline->keys[k], group)) continue;
        double value = measure->value, low = baseline->lows[k], high = baseline->highs[k];
        double difference = value > high ? value - high : value < low ? value - low : 0;
        measure->compared = baseline->spreads[k] > 0 ? difference / baseline->spreads[k]
                            : difference == 0        ? 0
                                                     : copysign(1e9, difference);
    }
}

static void change_measure(const struct round *round, struct bytes group, struct monitor_measure *measure)
{
    const struct monitor_row *before = row_find(&round->others[0], group);
    if (before == NULL) {
        measure->is_there = false; /* a change from nothing is not known */
        return;
    }
    measure->compared = measure->value - before->value;
    if (!round->monitor->is_percent) return;
    measure->is_there = before->value != 0;
    if (measure->is_there) measure->compared = 100 * measure->compared / fabs(before->value);
}

static struct monitor_measure measure_of(const struct round *round, struct bytes group)
{
    const struct monitor *monitor = round->monitor;
    const struct monitor_row *row = row_find(&round->now, group);
    struct monitor_measure measure = { .is_there = row != NULL };
    if (row != NULL) measure.value = measure.compared = row->value;
    switch (monitor->kind) {
    case MONITOR_THRESHOLD: break;
    case MONITOR_CHANGE:
        if (row != NULL) change_measure(round, group, &measure);
        break;
    case MONITOR_ANOMALY:
        if (row != NULL) anomaly_measure(round, group, &measure);
        break;
    case MONITOR_ABSENCE:
        measure.is_there = measure.is_decided = true;
        measure.is_alert = row == NULL || row->value == 0;
        break;
    case MONITOR_BURN: burn_measure(round, group, &measure); break;
    }
    return measure;
}

/* ---- groups ---- */

static bool is_known(const struct monitor_table *table, struct bytes key)
{
    for (uint32_t g = 0; g < table->count; g++)
        if (bytes_equal(table->groups[g].key, key)) return true;
    return false;
}

static void groups_add(struct round *round)
{
    struct monitor_table *table = round->table;
    table->left_out = 0;
    for (uint32_t r = 0; r < round->now.count; r++) {
        struct bytes key = round->now.rows[r].group;
        if (is_known(table, key)) continue;
        if (table->count >= round->monitor->groups_max || table->count == MONITOR_GROUPS_MAX) {
            table->left_out++;
            continue;
        }
        table->groups[table->count++] =
            (struct monitor_group){ .key = arena_copy(table->arena, key),
                                    .state = { .since_us = round->at_us, .seen_us = round->at_us } };
    }
    /* A statement that answers no row at all is one group without a value: of a sum of nothing, of a service that is silent. */
    if (table->count == 0 && round->now.count == 0)
        table->groups[table->count++] =
            (struct monitor_group){ .state = { .since_us = round->at_us, .seen_us = round->at_us } };
}

/* What has not been seen for long is over: a group that is gone cannot recover by itself. */
static bool is_forgotten(const struct round *round, const struct monitor_group *group, bool is_there)
{
    int64_t unseen_us = round->at_us - group->state.seen_us;
    if (is_there) return false;
    if (group->key.len == 0 && round->now.count > 0 && round->now.rows[0].group.len > 0)
        return true; /* it stood for no groups, and now there are some */
    return unseen_us >= LOSE_US || (group->state.level == MONITOR_OK && unseen_us >= FORGET_US);
}

static int group_compare(const void *a, const void *b)
{
    return bytes_compare(((const struct monitor_group *)a)->key, ((const struct monitor_group *)b)->key);
}

static void event_add(struct round *round, uint32_t g, enum monitor_level from, int64_t begun_us,
                      const struct monitor_measure *measure)
{
    struct monitor_table *table = round->table;
    const struct monitor_state *state = &table->groups[g].state;
    table->events[table->event_count++] =
        (struct monitor_event){ .group = g,
                                .from = from,
                                .to = state->level,
                                .at_us = round->at_us,
                                .begun_us = begun_us,
                                .value = measure->is_there ? measure->value : 0,
                                .compared = measure->is_there ? measure->compared : 0,
                                .has_value = measure->is_there,
                                .is_quiet = monitor_is_quiet(round->monitor, round->at_us) };
}

static void group_step(struct round *round, uint32_t g)
{
    struct monitor_group *group = &round->table->groups[g];
    struct monitor_measure measure = measure_of(round, group->key);
    const struct monitor_row *row = row_find(&round->now, group->key);
    int64_t begun_us = group->state.begun_us, seen_us = group->state.seen_us;
    enum monitor_level from = group->state.level;
    group->is_touched = true;
    if (is_forgotten(round, group, row != NULL)) {
        group->is_gone = true;
        group->state.level = MONITOR_OK;
        if (from != MONITOR_OK) event_add(round, g, from, begun_us, &measure);
        return;
    }
    bool has_changed = monitor_state_step(&round->monitor->rule, &group->state, &measure, round->at_us, &from);
    if (row == NULL) group->state.seen_us = seen_us; /* that it is absent is no sight of it */
    if (has_changed) event_add(round, g, from, group->state.begun_us != 0 ? group->state.begun_us : begun_us, &measure);
}

bool monitor_round(const struct monitor *monitor, struct monitor_table *table, int64_t at_us, monitor_ask_fn *ask,
                   void *ctx, struct arena *scratch, struct err *err)
{
    struct round round = {
        .monitor = monitor, .table = table, .at_us = at_us, .ask = ask, .ctx = ctx, .arena = scratch, .err = err
    };
    table->event_count = 0;
    arena_reset(scratch);
    if (!all_ask(&round)) return false;
    uint32_t kept = 0;
    for (uint32_t g = 0; g < table->count; g++) /* those of the round before */
        if (!table->groups[g].is_gone) table->groups[kept++] = table->groups[g];
    table->count = kept;
    groups_add(&round);
    qsort(table->groups, table->count, sizeof *table->groups, group_compare); /* as they are read from the database */
    for (uint32_t g = 0; g < table->count; g++) group_step(&round, g);
    return true;
}

int64_t monitor_due(const struct monitor *monitor, int64_t now_us)
{
    int64_t at_us = now_us - monitor->delay_us;
    return at_us - at_us % monitor->every_us;
}
