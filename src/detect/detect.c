#include "detect/detect.h"

#include <math.h>
#include <stdlib.h>

#include "detect/detect_inside.h"
#include "detect/detect_statistics.h"

#define CANDIDATE_P        0.01
#define GAP_ROWS_MIN       5.0  /* usual rows of a series in a minute, to see that they are missing: */
#define GAP_SHARE          0.02 /* there are less than so many of them, */
#define GAP_SERIES_MIN     3
#define GAP_SERIES_SHARE   0.95 /* and so it is with so many of the series */
#define GAP_MINUTES        5
#define SERIES_ROWS_MIN    5.0 /* of a window, usual or there, to look at its volume */
#define ERROR_ROWS_MIN     20.0
#define LATENCY_BLOCKS_MIN 72
#define LEARNING_FACTOR    2.0 /* how much more a ratio must be on the first day, */
#define YOUNG_FACTOR       1.3 /* and before two weekends were seen */
#define OUT_WIDTH          1.959964
#define SILENT_RUNS        2 /* three minutes without a row are seen as such in the first of them */

static const uint32_t window_minutes[DETECT_WINDOWS] = { 3, 10, 30 };

const struct detect_options detect_options_default = {
    .false_discovery_rate = 0.001,
    .p_max = 1e-6,
    .volume_ratio_min = 1.5,
    .volume_rows_min = 10,
    .error_points_min = 0.012,
    .error_count_min = 5,
    .latency_ratio_min = 1.25,
    .sustained_runs = 5,
    .calm_minutes = 10,
    .accept_minutes = 360,
    .learn_minutes = 120,
};

/* What came of a series in the minute that is not ended yet. */
struct put {
    uint32_t rows, errors, durations;
    float over;
    float shape[SHAPE_BINS];
};

/* A measure of a series whose z is far out. */
struct candidate {
    uint32_t series;
    enum measure measure;
    double p;                      /* of the best window, effect or not */
    struct detect_finding finding; /* of the best one whose effect is large enough; window_minutes 0: none */
};

struct detect {
    struct detect_options options;
    struct series *series;
    struct put *puts;
    uint32_t count, cap;
    int64_t minute; /* -1: none yet */
    struct candidate *candidates;
    double *p_values;
    size_t candidate_count, candidate_cap;
    uint64_t tests;
    struct detect_finding *findings;
    size_t finding_count, finding_cap;
    int64_t gap_begin; /* minute; -1: none */
    bool is_gap_open;
    struct detect_finding gap;
};

const char *detect_kind_name(enum detect_kind kind)
{
    switch (kind) {
    case DETECT_VOLUME_SPIKE: return "volume_spike";
    case DETECT_VOLUME_DROP: return "volume_drop";
    case DETECT_SILENCE: return "silence";
    case DETECT_ERROR_RATE: return "error_rate";
    case DETECT_LATENCY: return "latency";
    case DETECT_NEW_ERROR: return "new_error";
    case DETECT_NEW_PATTERN: return "new_pattern";
    case DETECT_METRIC: return "metric";
    }
    return "unknown";
}

struct detect *detect_create(const struct detect_options *options)
{
    struct detect *detect = mem_calloc(1, sizeof *detect);
    detect->options = options ? *options : detect_options_default;
    detect->minute = detect->gap_begin = -1;
    return detect;
}

void detect_destroy(struct detect *detect)
{
    if (!detect) return;
    free(detect->series);
    free(detect->puts);
    free(detect->candidates);
    free(detect->p_values);
    free(detect->findings);
    free(detect);
}

uint32_t detect_series_add(struct detect *detect)
{
    assert(detect->count < DETECT_SERIES_MAX);
    if (detect->count == detect->cap) {
        detect->cap = detect->cap ? detect->cap * 2 : 64;
        detect->series = mem_realloc(detect->series, detect->cap * sizeof *detect->series);
        detect->puts = mem_realloc(detect->puts, detect->cap * sizeof *detect->puts);
    }
    series_init(&detect->series[detect->count]);
    detect->puts[detect->count] = (struct put){ 0 };
    return detect->count++;
}

uint32_t detect_series_count(const struct detect *detect)
{
    return detect->count;
}

struct series *detect_series_of(const struct detect *detect, uint32_t series)
{
    assert(series < detect->count);
    return &detect->series[series];
}

bool detect_series_is_idle(const struct detect *detect, uint32_t number, uint32_t minutes)
{
    assert(number < detect->count);
    const struct series *series = &detect->series[number];
    for (uint32_t m = 0; m < MEASURES; m++)
        if (series->standing[m].is_open) return false;
    return detect->minute - series->busy_minute > minutes;
}

void detect_minute_begin(struct detect *detect, int64_t at_unix_us)
{
    int64_t minute = at_unix_us / MINUTE_US;
    assert(minute > detect->minute);
    detect->minute = minute;
    for (uint32_t s = 0; s < detect->count; s++) detect->puts[s].rows = detect->puts[s].durations = 0;
}

static uint32_t count_of(int64_t count)
{
    return count < 0 ? 0 : (uint32_t)(count < DETECT_ROWS_MAX ? count : DETECT_ROWS_MAX);
}

/* The p95 of one minute: where a series' baseline begins. */
static double buckets_p95_ln(const struct ddsketch_count *buckets, size_t count)
{
    uint64_t by_bucket[DDSKETCH_BUCKET_MAX + 2] = { 0 }, all = 0, passed = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t bucket = buckets[i].bucket;
        if (bucket < DDSKETCH_BUCKET_MIN || bucket > DDSKETCH_BUCKET_MAX) continue;
        by_bucket[bucket + 1] += count_of(buckets[i].count);
        all += count_of(buckets[i].count);
    }
    for (uint32_t b = 0; b < COUNT_OF(by_bucket); b++) {
        passed += by_bucket[b];
        if (passed > 0 && (double)passed >= (1 - OVER_SHARE) * (double)all) return LOG_BUCKET * ((double)b - 1);
    }
    return NAN;
}

void detect_put(struct detect *detect, uint32_t number, int64_t row_count, int64_t error_count,
                const struct ddsketch_count *durations, size_t duration_bucket_count)
{
    assert(number < detect->count && detect->minute >= 0);
    struct series *series = &detect->series[number];
    struct put *put = &detect->puts[number];
    *put = (struct put){ .rows = count_of(row_count), .errors = count_of(error_count) };
    if (put->errors > put->rows) put->errors = put->rows;
    if (duration_bucket_count == 0) return;
    if (!isfinite(series->p95_level)) series->p95_level = (float)buckets_p95_ln(durations, duration_bucket_count);
    double p95_ln = usual_p95_ln(series, detect->minute);
    if (!isfinite(p95_ln)) return;
    /* A bucket b holds what is above b - 1 and up to b, in steps of LOG_BUCKET; the one with the p95 counts in part. */
    double at = p95_ln / LOG_BUCKET;
    int32_t edge = (int32_t)ceil(at);
    double part = edge - at, over = 0;
    int64_t all = 0;
    for (size_t i = 0; i < duration_bucket_count; i++) {
        int32_t bucket = durations[i].bucket;
        if (bucket < DDSKETCH_BUCKET_MIN || bucket > DDSKETCH_BUCKET_MAX) continue;
        uint32_t count = count_of(durations[i].count);
        all += count;
        if (bucket > edge)
            over += count;
        else if (bucket == edge)
            over += part * count;
        double bin = (bucket - 0.5 - at - SHAPE_LOW) / SHAPE_WIDTH;
        put->shape[bin < 0 ? 0 : bin >= SHAPE_BINS ? SHAPE_BINS - 1 : (uint32_t)bin] += (float)count;
    }
    put->durations = count_of(all);
    put->over = (float)fmin(over, put->durations);
}

/* ---- one series in one minute ---- */

static void ring_put(struct detect *detect, struct series *series, const struct put *put)
{
    int64_t minute = detect->minute;
    if (series->minute < 0 || minute - series->minute >= RING_MINUTES)
        memset(series->ring, 0, sizeof series->ring);
    else
        for (int64_t m = series->minute + 1; m < minute; m++) series->ring[m % RING_MINUTES] = (struct minute){ 0 };
    series->minute = minute;
    struct minute *at = &series->ring[minute % RING_MINUTES];
    if (!put) { /* unknown */
        *at = (struct minute){ 0 };
        return;
    }
    bool has_durations = put->durations > 0;
    double low, high, usual = usual_rows(series, minute, &low, &high);
    *at = (struct minute){ .rows = put->rows,
                           .errors = put->rows > 0 ? put->errors : 0,
                           .durations = put->durations,
                           .over = has_durations ? put->over : 0,
                           .usual_rows = (float)usual,
                           .usual_low = (float)low,
                           .usual_high = (float)high,
                           .usual_error_share = (float)usual_error_share(series) };
    if (put->rows > 0) series->busy_minute = minute;
    shape_fade(series);
    for (uint32_t b = 0; has_durations && b < SHAPE_BINS; b++) {
        series->shape[0][b] += put->shape[b];
        series->shape[1][b] += put->shape[b];
    }
}

static void windows_sum(const struct series *series, struct sums *windows)
{
    struct sums sums = { 0 };
    uint32_t back = 0;
    for (uint32_t w = 0; w < DETECT_WINDOWS; w++) {
        for (; back < window_minutes[w]; back++) {
            const struct minute *m = &series->ring[(series->minute - back + RING_MINUTES) % RING_MINUTES];
            sums.rows += m->rows;
            sums.errors += m->errors;
            sums.durations += m->durations;
            sums.over += m->over;
            sums.usual_rows += m->usual_rows;
            sums.usual_low += (double)m->usual_low;
            sums.usual_high += (double)m->usual_high;
            sums.usual_errors += m->rows * (double)m->usual_error_share;
        }
        windows[w] = sums;
    }
}

/* Where 95 of 100 values lie: by the variance-stabilising root of a count (F. Anscombe, Biometrika 35, 1948). */
static void count_interval(double mean, double scale, double *low, double *high)
{
    double root = sqrt(mean), half = OUT_WIDTH * scale / 2;
    *low = root > half ? (root - half) * (root - half) : 0;
    *high = (root + half) * (root + half);
}

/* NAN: not to be looked at. */
static double window_z(const struct series *series, enum measure measure, const struct sums *sums)
{
    switch (measure) {
    case VOLUME:
        if (fmax(sums->usual_rows, sums->rows) < SERIES_ROWS_MIN) return NAN;
        if (sums->rows > sums->usual_high) return detect_poisson_z(sums->rows, sums->usual_high);
        return sums->rows < sums->usual_low ? detect_poisson_z(sums->rows, sums->usual_low) : 0;
    case ERRORS:
        if (sums->rows < ERROR_ROWS_MIN) return NAN;
        return detect_binomial_z(sums->errors, sums->rows, sums->usual_errors / sums->rows);
    case LATENCY:
        if (sums->durations < DURATIONS_MIN || series->latency_blocks < LATENCY_BLOCKS_MIN) return NAN;
        return detect_binomial_z(sums->over, sums->durations, OVER_SHARE);
    case MEASURES: break;
    }
    return NAN;
}

static void volume_fill(const struct series *series, const struct sums *sums, double scale, struct detect_finding *f)
{
    double minutes = f->window_minutes, usual = f->is_up ? sums->usual_high : sums->usual_low;
    f->value = sums->rows / minutes;
    f->expected = usual / minutes;
    f->effect = (sums->rows + 0.5) / (usual + 0.5);
    f->rows = sums->rows;
    count_interval(usual, scale, &f->low, &f->high);
    f->low /= minutes;
    f->high /= minutes;
    double quiet = 0;
    for (uint32_t back = 0; back < window_minutes[0]; back++)
        quiet += series->ring[(series->minute - back + RING_MINUTES) % RING_MINUTES].rows;
    f->kind = f->is_up ? DETECT_VOLUME_SPIKE : quiet > 0 ? DETECT_VOLUME_DROP : DETECT_SILENCE;
}

static void errors_fill(const struct sums *sums, double scale, struct detect_finding *f)
{
    f->kind = DETECT_ERROR_RATE;
    f->value = sums->errors / sums->rows;
    f->expected = sums->usual_errors / sums->rows;
    f->effect = f->value - f->expected;
    f->rows = sums->rows;
    count_interval(sums->usual_errors, scale, &f->low, &f->high);
    f->low /= sums->rows;
    f->high = fmin(1, f->high / sums->rows);
}

/* The interval: that of the p95's rank among so many, by the shape there is now (order statistics: H. David, H. Nagaraja, Order
 * Statistics, 3rd ed. 2003, 7.1), around the usual. */
static void latency_fill(const struct series *series, const struct sums *sums, double scale, struct detect_finding *f)
{
    const float *shape = series->shape[f->window_minutes > window_minutes[1]];
    double ratio = shape_quantile(shape, 1 - OVER_SHARE), usual = exp(usual_p95_ln(series, series->minute));
    double width = OUT_WIDTH * scale * sqrt(OVER_SHARE * (1 - OVER_SHARE) / sums->durations);
    f->kind = DETECT_LATENCY;
    f->expected = usual;
    f->value = usual * ratio;
    f->effect = ratio;
    f->rows = sums->durations;
    f->low = usual * shape_quantile(shape, fmax(0.5, 1 - OVER_SHARE - width)) / ratio;
    f->high = usual * shape_quantile(shape, fmin(0.999, 1 - OVER_SHARE + width)) / ratio;
}

static void finding_fill(const struct series *series, enum measure measure, const struct sums *sums, double scale,
                         struct detect_finding *f)
{
    if (measure == VOLUME) volume_fill(series, sums, scale, f);
    if (measure == ERRORS) errors_fill(sums, scale, f);
    if (measure == LATENCY) latency_fill(series, sums, scale, f);
}

/* part: 1, or less for what keeps a finding open. */
static bool is_large(const struct detect *detect, const struct series *series, enum measure measure,
                     const struct sums *sums, const struct detect_finding *f, double part)
{
    const struct detect_options *o = &detect->options;
    double side = f->is_up ? 1 : -1;
    if (measure == ERRORS) {
        if (f->is_up && sums->errors < o->error_count_min) return false;
        return side * f->effect >= part * o->error_points_min;
    }
    double ratio = measure == VOLUME ? o->volume_ratio_min : o->latency_ratio_min;
    if (measure == VOLUME) {
        if (part == 1 && series->blocks < DAY_BLOCKS)
            ratio *= LEARNING_FACTOR;
        else if (part == 1 && series->blocks < MATURE_BLOCKS)
            ratio *= YOUNG_FACTOR;
        if (fabs(sums->rows - sums->usual_rows) < o->volume_rows_min) return false;
    }
    return side * log(f->effect) >= part * log(ratio);
}

static bool is_ready(const struct detect *detect, const struct series *series)
{
    return series->runs >= detect->options.learn_minutes;
}

static void candidate_add(struct detect *detect, const struct candidate *candidate)
{
    if (detect->candidate_count == detect->candidate_cap) {
        detect->candidate_cap = detect->candidate_cap ? detect->candidate_cap * 2 : 64;
        detect->candidates = mem_realloc(detect->candidates, detect->candidate_cap * sizeof *detect->candidates);
        detect->p_values = mem_realloc(detect->p_values, detect->candidate_cap * sizeof *detect->p_values);
    }
    detect->p_values[detect->candidate_count] = candidate->p;
    detect->candidates[detect->candidate_count++] = *candidate;
}

/* All windows of a measure; z of those that are not to be looked at is NAN. */
static void measure_look(struct detect *detect, uint32_t number, enum measure measure, const struct sums *windows,
                         const double *z)
{
    struct series *series = &detect->series[number];
    struct candidate candidate = { .series = number, .measure = measure, .p = 1 };
    double best = 1;
    uint32_t tested = 0;
    for (uint32_t w = 0; w < DETECT_WINDOWS; w++) tested += isnan(z[w]) ? 0 : 1;
    if (tested == 0) return;
    detect->tests++;
    for (uint32_t w = 0; w < DETECT_WINDOWS; w++) {
        if (isnan(z[w])) continue;
        double scale = scale_of(series, measure, w);
        if (fabs(z[w]) < 2 * scale) continue;
        double p = fmin(1, tested * detect_normal_tail(z[w] / scale));
        candidate.p = fmin(candidate.p, p);
        if (p > CANDIDATE_P || p >= best) continue;
        struct detect_finding f = {
            .series = number, .is_up = z[w] > 0, .window_minutes = window_minutes[w], .z = z[w] / scale, .p = p
        };
        finding_fill(series, measure, &windows[w], scale, &f);
        if (!is_large(detect, series, measure, &windows[w], &f, 1)) continue;
        if (w > 0 && !isnan(z[0]) && (f.is_up ? z[0] : -z[0]) < scale_of(series, measure, 0)) continue; /* it is over */
        best = p;
        candidate.finding = f;
    }
    if (candidate.p <= CANDIDATE_P) candidate_add(detect, &candidate);
}

static void finding_tell(struct detect *detect, const struct detect_finding *finding, enum detect_change change)
{
    if (detect->finding_count == detect->finding_cap) {
        detect->finding_cap = detect->finding_cap ? detect->finding_cap * 2 : 64;
        detect->findings = mem_realloc(detect->findings, detect->finding_cap * sizeof *detect->findings);
    }
    detect->findings[detect->finding_count] = *finding;
    detect->findings[detect->finding_count++].change = change;
}

/* The finding is open: is it still, and what is it now? */
static void standing_look(struct detect *detect, struct series *series, enum measure measure,
                          const struct sums *windows, const double *z)
{
    struct standing *standing = &series->standing[measure];
    uint32_t w = standing->finding.window_minutes > window_minutes[1] ? 2 : 1;
    double scale = scale_of(series, measure, w);
    struct detect_finding now = { .is_up = standing->is_up, .window_minutes = window_minutes[w] };
    bool is_calm = true;
    if (!isnan(z[w])) {
        finding_fill(series, measure, &windows[w], scale, &now);
        double sided = standing->is_up ? z[w] : -z[w];
        is_calm = sided < scale || !is_large(detect, series, measure, &windows[w], &now, 0.5);
        if (measure == VOLUME && !is_calm && now.kind == DETECT_SILENCE &&
            standing->finding.kind == DETECT_VOLUME_DROP) {
            standing->finding.kind = DETECT_SILENCE;
            finding_tell(detect, &standing->finding, DETECT_CHANGED);
        }
    }
    if (!is_calm) standing->calm = 0;
    if (is_calm && standing->calm++ == 0) standing->calm_since = series->minute;
    bool is_over = standing->calm >= detect->options.calm_minutes;
    bool is_usual =
        (series->minute + 1) - standing->finding.found_unix_us / MINUTE_US >= detect->options.accept_minutes;
    if (!is_over && !is_usual) return;
    standing->finding.end_unix_us = (is_over ? standing->calm_since : series->minute + 1) * MINUTE_US;
    finding_tell(detect, &standing->finding, is_over ? DETECT_CLOSED : DETECT_ACCEPTED);
    if (!is_over) baseline_accept(series, measure);
    *standing = (struct standing){ 0 };
}

static void series_run(struct detect *detect, uint32_t number)
{
    struct series *series = &detect->series[number];
    struct sums windows[DETECT_WINDOWS];
    ring_put(detect, series, &detect->puts[number]);
    windows_sum(series, windows);
    series->runs++;
    for (enum measure m = VOLUME; m < MEASURES; m++) {
        double z[DETECT_WINDOWS];
        struct standing *standing = &series->standing[m];
        for (uint32_t w = 0; w < DETECT_WINDOWS; w++) z[w] = window_z(series, m, &windows[w]);
        if (standing->is_open) {
            standing_look(detect, series, m, windows, z);
            continue;
        }
        if (is_ready(detect, series)) measure_look(detect, number, m, windows, z);
        bool is_learning = m == VOLUME ? series->blocks < DAY_BLOCKS : series->runs < 60;
        for (uint32_t w = 0; w < DETECT_WINDOWS && !is_learning && standing->hits == 0; w++)
            if (!isnan(z[w])) scale_learn(series, m, w, z[w]);
    }
}

/* ---- what the run believes ---- */

static int64_t change_point(const struct series *series, enum measure measure, bool is_up)
{
    double counts[RING_MINUTES], means[RING_MINUTES], sizes[RING_MINUTES];
    for (uint32_t i = 0; i < RING_MINUTES; i++) {
        const struct minute *m = &series->ring[(series->minute + 1 + i) % RING_MINUTES];
        counts[i] = measure == VOLUME ? m->rows : measure == ERRORS ? m->errors : (double)m->over;
        sizes[i] = measure == ERRORS ? m->rows : m->durations;
        means[i] = measure == VOLUME   ? (double)m->usual_rows
                   : measure == ERRORS ? m->rows * (double)m->usual_error_share
                                       : m->durations * OVER_SHARE;
    }
    size_t at = detect_change_point(counts, means, measure == VOLUME ? NULL : sizes, RING_MINUTES, is_up);
    return series->minute + 1 - RING_MINUTES + (int64_t)at;
}

static void standing_hit(struct detect *detect, const struct candidate *candidate)
{
    struct series *series = &detect->series[candidate->series];
    struct standing *standing = &series->standing[candidate->measure];
    bool is_up = candidate->finding.is_up;
    standing->hits = standing->hits > 0 && standing->is_up == is_up ? standing->hits + 1 : 1;
    standing->is_up = is_up;
    standing->calm_since = series->minute;
    bool is_silent = candidate->finding.kind == DETECT_SILENCE;
    if (standing->hits < (is_silent ? SILENT_RUNS : detect->options.sustained_runs)) return;
    standing->finding = candidate->finding;
    standing->finding.begin_unix_us = change_point(series, candidate->measure, is_up) * MINUTE_US;
    standing->finding.found_unix_us = (series->minute + 1) * MINUTE_US;
    standing->is_open = true;
    finding_tell(detect, &standing->finding, DETECT_OPENED);
}

/* Nearly nothing of nearly all series that should be there: by their number, so that one large series that ends is not one. */
static bool is_gap(const struct detect *detect)
{
    uint32_t due = 0, missing = 0;
    for (uint32_t s = 0; s < detect->count; s++) {
        double usual = detect->series[s].minute >= 0 ? usual_rows(&detect->series[s], detect->minute, NULL, NULL) : 0;
        if (usual < GAP_ROWS_MIN) continue;
        due++;
        missing += detect->puts[s].rows < GAP_SHARE * usual;
    }
    return due >= GAP_SERIES_MIN && missing >= GAP_SERIES_SHARE * due;
}

static void gap_run(struct detect *detect)
{
    if (detect->gap_begin < 0) detect->gap_begin = detect->minute;
    for (uint32_t s = 0; s < detect->count; s++)
        if (detect->series[s].minute >= 0) ring_put(detect, &detect->series[s], NULL);
    if (detect->is_gap_open || detect->minute + 1 - detect->gap_begin < GAP_MINUTES) return;
    detect->gap = (struct detect_finding){ .series = DETECT_ALL,
                                           .kind = DETECT_SILENCE,
                                           .begin_unix_us = detect->gap_begin * MINUTE_US,
                                           .found_unix_us = (detect->minute + 1) * MINUTE_US,
                                           .window_minutes = GAP_MINUTES };
    for (uint32_t s = 0; s < detect->count; s++) {
        detect->gap.value += detect->puts[s].rows;
        if (detect->series[s].minute >= 0)
            detect->gap.expected += usual_rows(&detect->series[s], detect->minute, NULL, NULL);
    }
    detect->gap.effect = detect->gap.value / detect->gap.expected;
    count_interval(detect->gap.expected, 1, &detect->gap.low, &detect->gap.high);
    detect->gap.z = detect_poisson_z(detect->gap.value, detect->gap.expected);
    detect->gap.p = detect_normal_tail(detect->gap.z);
    detect->is_gap_open = true;
    finding_tell(detect, &detect->gap, DETECT_OPENED);
}

static void gap_close(struct detect *detect, enum detect_change change)
{
    if (!detect->is_gap_open) return;
    detect->gap.end_unix_us = detect->minute * MINUTE_US;
    detect->is_gap_open = false;
    finding_tell(detect, &detect->gap, change);
}

/* A gap that goes on for accept_minutes is one no more: nothing is what there is. */
static bool gap_look(struct detect *detect)
{
    if (!is_gap(detect)) {
        gap_close(detect, DETECT_CLOSED);
        detect->gap_begin = -1;
        return false;
    }
    if (detect->gap_begin >= 0 && detect->minute - detect->gap_begin >= detect->options.accept_minutes) {
        gap_close(detect, DETECT_ACCEPTED);
        return false;
    }
    gap_run(detect);
    return true;
}

size_t detect_minute_end(struct detect *detect, const struct detect_finding **findings)
{
    assert(detect->minute >= 0);
    detect->candidate_count = detect->finding_count = 0;
    detect->tests = 0;
    if (!gap_look(detect)) {
        for (uint32_t s = 0; s < detect->count; s++)
            if (detect->series[s].minute >= 0 || detect->puts[s].rows > 0) series_run(detect, s);
        double p_max = detect_false_discovery(detect->p_values, detect->candidate_count, detect->tests,
                                              detect->options.false_discovery_rate);
        p_max = fmin(p_max, detect->options.p_max);
        for (size_t c = 0; c < detect->candidate_count; c++) {
            const struct candidate *candidate = &detect->candidates[c];
            if (candidate->finding.window_minutes > 0 && candidate->finding.p <= p_max) standing_hit(detect, candidate);
        }
        for (uint32_t s = 0; s < detect->count; s++) {
            struct series *series = &detect->series[s];
            if (series->minute != detect->minute) continue;
            for (uint32_t m = 0; m < MEASURES; m++) /* of the run before, and not of this one */
                if (!series->standing[m].is_open && series->standing[m].calm_since != series->minute)
                    series->standing[m].hits = 0;
            if (series->minute % BLOCK_MINUTES == BLOCK_MINUTES - 1) baseline_learn(series);
        }
    }
    *findings = detect->findings;
    return detect->finding_count;
}

size_t detect_open(struct detect *detect, const struct detect_finding **findings)
{
    detect->finding_count = 0;
    if (detect->is_gap_open) finding_tell(detect, &detect->gap, DETECT_OPENED);
    for (uint32_t s = 0; s < detect->count; s++)
        for (uint32_t m = 0; m < MEASURES; m++)
            if (detect->series[s].standing[m].is_open)
                finding_tell(detect, &detect->series[s].standing[m].finding, DETECT_OPENED);
    *findings = detect->findings;
    return detect->finding_count;
}

void detect_usual(const struct detect *detect, uint32_t number, int64_t at_unix_us, struct detect_usual *usual)
{
    assert(number < detect->count);
    const struct series *series = &detect->series[number];
    int64_t minute = at_unix_us / MINUTE_US;
    *usual = (struct detect_usual){ .rows = usual_rows(series, minute, NULL, NULL),
                                    .error_share = usual_error_share(series),
                                    .p95_ns = exp(usual_p95_ln(series, minute)),
                                    .is_learning = series->blocks < DAY_BLOCKS };
}
