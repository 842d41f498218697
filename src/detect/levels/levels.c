#include "detect/levels/levels.h"
#include "detect/detect_statistics.h"
#include <math.h>
#include <stdlib.h>

enum {
    DAY_BLOCKS = 288,
    DAY_SLOTS = 96,
    SLOT_BLOCKS = DAY_BLOCKS / DAY_SLOTS,
    WEEK_SLOTS = 168,
    HOUR_BLOCKS = 12,
    RING = 12,
    WINDOWS = 2,
    SUSTAINED = 2,
    CALM = 2,
    ACCEPT_BLOCKS = 72,
    YOUNG_BLOCKS = 14 * DAY_BLOCKS
};
static const int window_blocks[WINDOWS] = { 2, 6 };
static const double P_MAX = 1e-4, FALSE_RATE = 0.05, LEVEL_STEP = 0.015, SLOT_STEP = 0.06, SLOT_STEP_AGAIN = 0.5,
                    SPREAD_MIN = 0.02, YOUNG_MORE = 1.6, TYPICAL_UNITS = 5, TYPICAL_PART = 0.2, SCALE_PART = 0.5,
                    ODD_MAX = 3;

/* A finding that goes on: plain numbers, for they are stored. */
struct opened {
    int64_t begin_unix_us, found_unix_us;
    double value, expected, low, high, z, p, mean; /* mean: of what was left over */
    uint32_t window, spare;
};
struct series {
    int64_t block;           /* the last one with a value; -1: none */
    uint32_t seen;           /* blocks with a value */
    float unit, level;       /* of y */
    float first[DAY_BLOCKS]; /* values of the first day; NAN: none */
    float day[DAY_SLOTS], day_odd[DAY_SLOTS], week[WEEK_SLOTS], week_odd[WEEK_SLOTS];
    float spread[WINDOWS][2]; /* of a window's mean: by its 90th and its 99.5th of 100 */
    float rest[RING];         /* what was left over, by block % RING; NAN: unknown */
    uint32_t hits, calm, is_open, spare;
    struct opened opened;
};
struct candidate {
    uint32_t series;
    int window;
    double p, z, mean;
};
struct levels {
    struct series *series;
    uint32_t count, cap;
    int64_t block;
    double *values; /* of the block; NAN: none */
    struct candidate *candidates;
    double *p_values;
    struct detect_finding *findings;
    size_t candidate_count, finding_count, tests;
};

struct levels *levels_create(void)
{
    struct levels *levels = mem_calloc(1, sizeof *levels);
    levels->block = -1;
    return levels;
}

void levels_destroy(struct levels *levels)
{
    if (!levels) return;
    free(levels->series);
    free(levels->values);
    free(levels->candidates);
    free(levels->p_values);
    free(levels->findings);
    free(levels);
}

static void series_init(struct series *series)
{
    *series = (struct series){ .block = -1 };
    for (int b = 0; b < DAY_BLOCKS; b++) series->first[b] = NAN;
    for (int b = 0; b < RING; b++) series->rest[b] = NAN;
}

uint32_t levels_series_add(struct levels *levels)
{
    assert(levels->count < LEVELS_SERIES_MAX);
    if (levels->count == levels->cap) {
        levels->cap = levels->cap ? 2 * levels->cap : 64;
        levels->series = mem_realloc(levels->series, levels->cap * sizeof *levels->series);
        levels->values = mem_realloc(levels->values, levels->cap * sizeof *levels->values);
        levels->candidates = mem_realloc(levels->candidates, levels->cap * sizeof *levels->candidates);
        levels->p_values = mem_realloc(levels->p_values, levels->cap * sizeof *levels->p_values);
        levels->findings = mem_realloc(levels->findings, levels->cap * sizeof *levels->findings);
    }
    series_init(&levels->series[levels->count]);
    levels->values[levels->count] = NAN;
    return levels->count++;
}

uint32_t levels_series_count(const struct levels *levels)
{
    return levels->count;
}

/* ---- what is usual ---- */

static double bounded(double x, double most)
{
    return x < -most ? -most : x > most ? most : x;
}

static double y_of(const struct series *series, double x)
{
    return asinh(x / (double)series->unit);
}

static double x_of(const struct series *series, double y)
{
    return (double)series->unit * sinh(bounded(y, 600));
}

static uint32_t day_slot(int64_t block)
{
    return (uint32_t)(block % DAY_BLOCKS) / SLOT_BLOCKS;
}

static double usual(const struct series *series, int64_t block)
{
    double hour =
        (double)((block + WEEK_SLOTS * HOUR_BLOCKS - HOUR_BLOCKS / 2) % (WEEK_SLOTS * HOUR_BLOCKS)) / HOUR_BLOCKS;
    uint32_t before = (uint32_t)hour;
    double part = hour - before;
    return (double)series->level + (double)series->day[day_slot(block)] + (double)series->week[before] * (1 - part) +
           (double)series->week[(before + 1) % WEEK_SLOTS] * part;
}

static int float_compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* NAN: there are none. Sorts. */
static double median(float *values, size_t count)
{
    if (count == 0) return NAN;
    qsort(values, count, sizeof *values, float_compare);
    return (double)values[count / 2];
}

/* What goes below 0 has no factors: a temperature of 2 is no half of 4. 0 where nothing does; else half of what most values of the day
 * lie within, so that all of them are near 0, where y goes as x does. */
static double unit_of_scale(const struct series *series)
{
    float values[DAY_BLOCKS];
    size_t count = 0;
    for (int b = 0; b < DAY_BLOCKS; b++)
        if (isfinite(series->first[b])) values[count++] = series->first[b];
    median(values, count);
    return count > 0 && values[0] < 0 ? SCALE_PART * (double)(values[count * 19 / 20] - values[count / 20]) : 0;
}

/* The first day becomes unit, level, curve, and spread: 1.4826 times the median distance from the curve (P. Rousseeuw, C. Croux,
 * JASA 88, 1993), and half as much again, since it was drawn through them. */
static void day_begin(struct series *series)
{
    float values[DAY_BLOCKS];
    double near[DAY_SLOTS], sum = 0;
    size_t count = 0;
    for (int b = 0; b < DAY_BLOCKS; b++)
        if (isfinite(series->first[b])) values[count++] = fabsf(series->first[b]);
    double typical = median(values, count);
    for (size_t v = 0; v < count && !(typical > 0); v++)
        typical = fmax(0, (double)values[v]); /* mostly 0: its largest */
    if (!(typical > 0)) typical = 1;
    series->unit = (float)fmax(typical / TYPICAL_UNITS, unit_of_scale(series));
    for (int s = 0; s < DAY_SLOTS; s++) {
        double all = 0;
        int seen = 0;
        for (int b = (s - 1) * SLOT_BLOCKS; b < (s + 2) * SLOT_BLOCKS; b++) { /* with a slot on both sides */
            float x = series->first[(b + DAY_BLOCKS) % DAY_BLOCKS];
            if (!isfinite(x)) continue;
            all += y_of(series, (double)x);
            seen++;
        }
        near[s] = seen > 0 ? all / seen : NAN;
    }
    int known = 0;
    for (int s = 0; s < DAY_SLOTS; s++)
        if (isfinite(near[s])) {
            sum += near[s];
            known++;
        }
    double mean = known > 0 ? sum / known : 0;
    series->level = (float)mean;
    for (int s = 0; s < DAY_SLOTS; s++) series->day[s] = (float)(isfinite(near[s]) ? near[s] - mean : 0);
    count = 0;
    for (int b = 0; b < DAY_BLOCKS; b++)
        if (isfinite(series->first[b]))
            values[count++] = (float)fabs(y_of(series, (double)series->first[b]) - usual(series, b));
    double spread = fmax(SPREAD_MIN, 1.5 * 1.4826 * median(values, count));
    for (int w = 0; w < WINDOWS; w++) series->spread[w][0] = series->spread[w][1] = (float)spread;
}

/* As a slot of detect_baseline.c: it follows at once what it sees the second time in a row, and only a little what it sees once. */
static void slot_learn(float *slot, float *odd, double rest, double once)
{
    double again = rest * (double)*odd > 0 ? copysign(fmin(fabs(rest), fabs((double)*odd)), rest) : 0;
    double step = SLOT_STEP * bounded(rest, once) + SLOT_STEP_AGAIN * again;
    *slot = (float)bounded((double)*slot + step, 20);
    *odd = (float)bounded(rest - step, 20);
}

/* Of the last blocks up to and with series->block; NAN where more than a sixth is unknown. */
static double mean_rest(const struct series *series, int blocks)
{
    double sum = 0;
    int known = 0;
    for (int b = 0; b < blocks; b++) {
        float rest = series->rest[(series->block - b + RING) % RING];
        if (!isfinite(rest)) continue;
        sum += (double)rest;
        known++;
    }
    return known * 6 >= blocks * 5 ? sum / known : NAN;
}

static double spread_of(const struct series *series, int window)
{
    const float *spread = series->spread[window];
    return fmax(SPREAD_MIN, (double)fmaxf(spread[0], spread[1]));
}

/* Two quantiles of distances by stochastic approximation (H. Robbins, S. Monro, Ann. Math. Stat. 22, 1951): of normal ones 1.645 and
 * 2.807 deviations. */
static void spread_learn(struct series *series, int window, double mean)
{
    float *spread = series->spread[window];
    float step = fmaxf(0.005f, 1.0f / (float)(series->seen / 4 + 20)),
          step_far = fmaxf(0.005f, 1.0f / (float)(series->seen / 8 + 50));
    spread[0] *= 1 + step * ((fabs(mean) > 1.645 * (double)spread[0] ? 1.0f : 0.0f) - 0.1f);
    spread[1] *= 1 + step_far * ((fabs(mean) > 2.807 * (double)spread[1] ? 1.0f : 0.0f) - 0.005f);
    for (int q = 0; q < 2; q++) spread[q] = fminf(20, fmaxf(0.001f, spread[q]));
}

static void learn(struct series *series, double rest)
{
    bool is_frozen = series->is_open || series->hits > 0;
    double most = ODD_MAX * spread_of(series, 0);
    if (!is_frozen) {
        series->level += (float)(LEVEL_STEP * bounded(rest, most));
        for (int w = 0; w < WINDOWS; w++) {
            double mean = mean_rest(series, window_blocks[w]);
            if (isfinite(mean)) spread_learn(series, w, mean);
        }
    }
    if (series->block % SLOT_BLOCKS == SLOT_BLOCKS - 1) {
        double mean = mean_rest(series, SLOT_BLOCKS);
        uint32_t slot = day_slot(series->block);
        if (isfinite(mean)) slot_learn(&series->day[slot], &series->day_odd[slot], mean, most);
    }
    if (series->block % HOUR_BLOCKS == HOUR_BLOCKS - 1) {
        double mean = mean_rest(series, HOUR_BLOCKS);
        uint32_t slot = (uint32_t)(series->block / HOUR_BLOCKS % WEEK_SLOTS);
        if (isfinite(mean)) slot_learn(&series->week[slot], &series->week_odd[slot], mean, most);
    }
}

/* ---- what is unusual ---- */

/* Large enough to be told: by a factor, and by a part of what is typical. */
static bool is_large(const struct series *series, double mean, double more)
{
    double expected = x_of(series, usual(series, series->block)),
           value = x_of(series, usual(series, series->block) + mean);
    return fabs(mean) >= log(LEVELS_FACTOR_MIN) * more &&
           fabs(value - expected) >= TYPICAL_PART * TYPICAL_UNITS * (double)series->unit * more;
}

static void look(struct levels *levels, uint32_t number)
{
    struct series *series = &levels->series[number];
    struct candidate best = { .series = number, .p = 1 };
    double last = (double)series->rest[series->block % RING];
    for (int w = 0; w < WINDOWS; w++) {
        double mean = mean_rest(series, window_blocks[w]);
        if (!isfinite(mean)) continue;
        double z = mean / spread_of(series, w), p = fmin(1, WINDOWS * detect_normal_tail(z));
        if (p < best.p) best = (struct candidate){ number, w, p, z, mean };
    }
    double more = series->seen < YOUNG_BLOCKS ? YOUNG_MORE : 1;
    bool goes_on = last * best.mean > 0 && fabs(last) >= fabs(best.mean) / 2;
    if (best.p <= P_MAX && is_large(series, best.mean, more) && goes_on)
        levels->candidates[levels->candidate_count++] = best;
    else if (!series->is_open)
        series->hits = 0;
    levels->tests++;
}

static struct detect_finding *found(struct levels *levels, uint32_t number, enum detect_change change)
{
    struct detect_finding *finding = &levels->findings[levels->finding_count++];
    const struct opened *opened = &levels->series[number].opened;
    double ratio = opened->value / opened->expected;
    *finding = (struct detect_finding){
        .series = number,
        .kind = DETECT_METRIC,
        .change = change,
        .is_up = opened->mean > 0,
        .begin_unix_us = opened->begin_unix_us,
        .found_unix_us = opened->found_unix_us,
        .window_minutes = (uint32_t)window_blocks[opened->window] * 5,
        .value = opened->value,
        .expected = opened->expected,
        .low = opened->low,
        .high = opened->high,
        .effect = isfinite(ratio) ? ratio : 0,
        .z = opened->z,
        .p = opened->p,
        .rows = window_blocks[opened->window],
    };
    return finding;
}

/* Back to where it was not even half as far off. */
static int64_t begin_of(const struct series *series, double mean)
{
    int64_t block = series->block;
    for (int b = 0; b < RING; b++) {
        double rest = (double)series->rest[(series->block - b + RING) % RING];
        if (!(rest * mean > 0) || fabs(rest) < fabs(mean) / 2) break;
        block = series->block - b;
    }
    return block * LEVELS_BLOCK_US;
}

static void open(struct levels *levels, const struct candidate *candidate)
{
    struct series *series = &levels->series[candidate->series];
    double expected = usual(series, series->block), spread = 1.96 * spread_of(series, candidate->window);
    if (++series->hits < SUSTAINED || series->is_open) return;
    series->is_open = 1;
    series->calm = 0;
    series->opened = (struct opened){
        .begin_unix_us = begin_of(series, candidate->mean),
        .found_unix_us = (series->block + 1) * LEVELS_BLOCK_US - INT64_C(60000000),
        .value = x_of(series, expected + candidate->mean),
        .expected = x_of(series, expected),
        .low = x_of(series, expected - spread),
        .high = x_of(series, expected + spread),
        .z = candidate->z,
        .p = candidate->p,
        .mean = candidate->mean,
        .window = (uint32_t)candidate->window,
    };
    found(levels, candidate->series, DETECT_OPENED);
}

/* It ends when it was less than half as far off, for two blocks; what goes on for six hours is the usual then. */
static void go_on(struct levels *levels, uint32_t number)
{
    struct series *series = &levels->series[number];
    double last = (double)series->rest[series->block % RING];
    bool is_calm = last * series->opened.mean <= 0 || fabs(last) < fabs(series->opened.mean) / 2;
    series->calm = is_calm ? series->calm + 1 : 0;
    bool is_old =
        (series->block + 1) * LEVELS_BLOCK_US - series->opened.begin_unix_us > ACCEPT_BLOCKS * LEVELS_BLOCK_US;
    if (series->calm < CALM && !is_old) return;
    struct detect_finding *finding = found(levels, number, series->calm >= CALM ? DETECT_CLOSED : DETECT_ACCEPTED);
    finding->end_unix_us = (series->block + 1 - (series->calm >= CALM ? CALM : 0)) * LEVELS_BLOCK_US;
    if (finding->end_unix_us <= finding->begin_unix_us) finding->end_unix_us = finding->begin_unix_us + 1;
    series->is_open = 0;
    series->hits = 0;
    double mean = series->calm >= CALM ? 0 : mean_rest(series, window_blocks[WINDOWS - 1]);
    if (!isfinite(mean)) mean = last;
    series->level += (float)mean;
    for (int b = 0; b < RING; b++) series->rest[b] -= (float)mean;
}

/* Nothing comes any more that could show that it is over. */
static void gone_end(struct levels *levels, uint32_t number)
{
    struct series *series = &levels->series[number];
    if (!series->is_open || levels->block - series->block < LEVELS_GONE_BLOCKS) return;
    struct detect_finding *finding = found(levels, number, DETECT_CLOSED);
    finding->end_unix_us = (series->block + 1) * LEVELS_BLOCK_US;
    series->is_open = 0;
    series->hits = 0;
}

/* ---- a block ---- */

void levels_block_begin(struct levels *levels, int64_t at_unix_us)
{
    levels->block = at_unix_us / LEVELS_BLOCK_US;
    for (uint32_t s = 0; s < levels->count; s++) levels->values[s] = NAN;
    levels->candidate_count = levels->finding_count = levels->tests = 0;
}

void levels_put(struct levels *levels, uint32_t series, double value)
{
    assert(series < levels->count);
    levels->values[series] = isfinite(value) && fabs(value) < 1e30 ? value : NAN;
}

static void take(struct levels *levels, uint32_t number)
{
    struct series *series = &levels->series[number];
    double value = levels->values[number];
    if (!isfinite(value) || levels->block <= series->block) return;
    bool is_after_all = levels->block - series->block >= RING;
    for (int64_t b = series->block + 1; series->block >= 0 && b < levels->block && !is_after_all; b++)
        series->rest[b % RING] = NAN;
    for (int b = 0; is_after_all && b < RING; b++) series->rest[b] = NAN;
    series->block = levels->block;
    series->seen++;
    if (series->seen <= DAY_BLOCKS) {
        series->first[series->block % DAY_BLOCKS] = (float)value;
        if (series->seen == DAY_BLOCKS) day_begin(series);
        return;
    }
    double rest = bounded(y_of(series, value) - usual(series, series->block), 50);
    series->rest[series->block % RING] = (float)rest;
    look(levels, number);
    if (series->is_open) go_on(levels, number);
}

size_t levels_block_end(struct levels *levels, const struct detect_finding **findings)
{
    for (uint32_t s = 0; s < levels->count; s++) take(levels, s);
    for (size_t c = 0; c < levels->candidate_count; c++) levels->p_values[c] = levels->candidates[c].p;
    double most = detect_false_discovery(levels->p_values, levels->candidate_count, levels->tests, FALSE_RATE);
    for (size_t c = 0; c < levels->candidate_count; c++)
        if (levels->candidates[c].p <= most && !levels->series[levels->candidates[c].series].is_open)
            open(levels, &levels->candidates[c]);
    for (uint32_t s = 0; s < levels->count; s++) {
        struct series *series = &levels->series[s];
        if (series->block == levels->block && series->seen > DAY_BLOCKS)
            learn(series, (double)series->rest[series->block % RING]);
        gone_end(levels, s);
    }
    *findings = levels->findings;
    return levels->finding_count;
}

size_t levels_open(struct levels *levels, const struct detect_finding **findings)
{
    levels->finding_count = 0;
    for (uint32_t s = 0; s < levels->count; s++)
        if (levels->series[s].is_open) found(levels, s, DETECT_OPENED);
    *findings = levels->findings;
    return levels->finding_count;
}

/* ---- as bytes ---- */

#define MAGIC UINT32_C(0x31564c4d) /* "MLV1", and the size of what follows: another layout is not read */

void levels_series_write(const struct levels *levels, uint32_t number, struct buf *out)
{
    uint32_t head[2] = { MAGIC, sizeof(struct series) };
    if (!buf_add(out, head, sizeof head) || !buf_add(out, &levels->series[number], sizeof(struct series))) out->len = 0;
}

static bool is_finite_all(const float *values, size_t count, float most)
{
    for (size_t v = 0; v < count; v++)
        if (!(fabsf(values[v]) <= most)) return false;
    return true;
}

static bool is_right(const struct series *series)
{
    const struct opened *opened = &series->opened;
    const int64_t most = INT64_MAX / LEVELS_BLOCK_US - 1;
    for (int b = 0; b < RING; b++)
        if (fabsf(series->rest[b]) > 1000) return false; /* NAN is none */
    return series->block >= (series->seen > 0 ? 0 : -1) && series->block < most && series->is_open <= 1 &&
           (series->seen < DAY_BLOCKS || (series->unit > 0 && isfinite(series->unit))) &&
           is_finite_all(&series->level, 1, 1000) && is_finite_all(series->day, DAY_SLOTS, 1000) &&
           is_finite_all(series->day_odd, DAY_SLOTS, 1000) && is_finite_all(series->week, WEEK_SLOTS, 1000) &&
           is_finite_all(series->week_odd, WEEK_SLOTS, 1000) && is_finite_all(series->spread[0], 2, 1000) &&
           is_finite_all(series->spread[1], 2, 1000) && opened->window < WINDOWS &&
           llabs(opened->begin_unix_us) < INT64_MAX / 4 && llabs(opened->found_unix_us) < INT64_MAX / 4 &&
           isfinite(opened->mean);
}

bool levels_series_read(struct levels *levels, uint32_t number, struct bytes bytes, struct err *err)
{
    struct series *series = &levels->series[number];
    uint32_t head[2];
    bool is_whole = bytes.len == sizeof head + sizeof *series;
    if (is_whole) memcpy(head, bytes.ptr, sizeof head);
    if (is_whole && head[0] == MAGIC && head[1] == sizeof *series) {
        memcpy(series, bytes.ptr + sizeof head, sizeof *series);
        if (is_right(series)) return true;
        series_init(series);
    }
    return err_set(err, ERR_CORRUPT, "what is known of a metric cannot be read");
}
