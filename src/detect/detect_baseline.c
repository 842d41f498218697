/* What is usual: a multiplicative Holt-Winters forecast with two seasons, day and week, whose every step is bounded, so that one
 * odd hour cannot move it far (S. Gelper, R. Fried, C. Croux, Robust forecasting with exponential and Holt-Winters smoothing,
 * J. Forecasting 29, 2010; two seasons: J. Taylor, J. Oper. Res. Soc. 54, 2003; steps of 1/k: H. Robbins, S. Monro, Ann. Math.
 * Stat. 22, 1951; bounded influence: P. Huber, Ann. Math. Stat. 35, 1964). */
#include <math.h>

#include "detect/detect_inside.h"

#define LEVEL_STEP       0.03f /* of a block: half of a change is followed in two hours */
#define LEVEL_STEP_FIRST 0.10f /* on the first day: in half an hour */
#define SLOT_STEP        0.06  /* of what was seen once, */
#define SLOT_STEP_AGAIN  0.5   /* and of what was seen the time before too */
#define SLOT_ONCE        0.3
#define ERROR_FADE       0.99760f /* of a block: half in a day */
#define P95_STEP         0.010
#define P95_WEEK_STEP    0.25
#define LN_ROWS_MIN      -9.0f
#define LN_ROWS_MAX      21.0f
#define SCALE_MAX        1000.0f

static double bounded(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

void series_init(struct series *series)
{
    *series = (struct series){ .minute = -1, .busy_minute = -1, .level = LN_ROWS_MIN, .p95_level = NAN };
    for (uint32_t s = 0; s < DAY_SLOTS; s++) series->day[s] = -1;
    for (uint32_t m = 0; m < MEASURES; m++)
        for (uint32_t w = 0; w < DETECT_WINDOWS; w++) series->scale[m][w][0] = series->scale[m][w][1] = 1;
}

static uint32_t day_slot(int64_t minute)
{
    return (uint32_t)(minute % (24 * 60)) / BLOCK_MINUTES;
}

/* Between the middles of two hours of the week. */
static double week_at(const float *week, int64_t minute)
{
    double hour = (double)((minute + WEEK_SLOTS * 60 - 30) % (WEEK_SLOTS * 60)) / 60;
    uint32_t before = (uint32_t)hour;
    double part = hour - before;
    return week[before] * (1 - part) + week[(before + 1) % WEEK_SLOTS] * part;
}

double usual_rows(const struct series *series, int64_t minute, double *low, double *high)
{
    if (series->blocks < DAY_BLOCKS) {
        double rows = exp(series->level);
        if (low) *low = *high = rows;
        return rows;
    }
    uint32_t slot = day_slot(minute);
    double now = series->day[slot], before = series->day[(slot + DAY_SLOTS - 1) % DAY_SLOTS],
           behind = series->day[(slot + 1) % DAY_SLOTS];
    double ln = series->level + week_at(series->week, minute) + series->hour[minute % HOUR_SLOTS];
    double rows = exp(bounded(ln + now, LN_ROWS_MIN, LN_ROWS_MAX));
    if (low) {
        *low = rows * exp(fmin(0, fmin(before, behind) - now));
        *high = rows * exp(fmin(10, fmax(0, fmax(before, behind) - now)));
    }
    return rows;
}

/* As if 50 rows with a quarter of an error had been there before all others. */
double usual_error_share(const struct series *series)
{
    return (series->errors + 0.25) / (series->error_rows + 50.0);
}

double usual_p95_ln(const struct series *series, int64_t minute)
{
    return series->p95_level + week_at(series->p95_week, minute);
}

double shape_sum(const float *shape)
{
    double sum = 0;
    for (uint32_t b = 0; b < SHAPE_BINS; b++) sum += shape[b];
    return sum;
}

double shape_quantile(const float *shape, double share)
{
    double all = shape_sum(shape), passed = 0;
    if (!(all >= 1)) return NAN;
    for (uint32_t b = 0; b < SHAPE_BINS; b++) {
        if (shape[b] > 0 && passed + shape[b] >= share * all) {
            double part = (share * all - passed) / shape[b];
            return exp(LOG_BUCKET * (SHAPE_LOW + SHAPE_WIDTH * (b + part)));
        }
        passed += shape[b];
    }
    return exp(LOG_BUCKET * (SHAPE_LOW + SHAPE_WIDTH * SHAPE_BINS));
}

void shape_fade(struct series *series)
{
    for (uint32_t b = 0; b < SHAPE_BINS; b++) series->shape[0][b] *= 0.7788f; /* e^(-1/4) */
    for (uint32_t b = 0; b < SHAPE_BINS; b++) series->shape[1][b] *= 0.9355f; /* e^(-1/15) */
}

/* The first day's counts become its curve: each slot with its three neighbours on both sides, drawn to the mean where counts are few. */
static void day_begin(struct series *series)
{
    double counts[DAY_SLOTS], sum = 0;
    uint32_t seen = 0;
    for (uint32_t s = 0; s < DAY_SLOTS; s++) {
        counts[s] = series->day[s];
        if (counts[s] >= 0) {
            sum += counts[s];
            seen++;
        }
    }
    double mean = seen > 0 ? sum / seen : 0;
    for (uint32_t s = 0; s < DAY_SLOTS; s++) {
        double near = 0;
        uint32_t near_seen = 0;
        for (uint32_t d = 0; d < 7; d++) {
            double count = counts[(s + DAY_SLOTS + d - 3) % DAY_SLOTS];
            if (count >= 0) near += count;
            near_seen += count >= 0;
        }
        near = near_seen > 0 ? near / near_seen : mean;
        series->day[s] = (float)log((near + 2) / (mean + 2));
    }
    series->level = (float)bounded(log(fmax(mean, 1e-3) / BLOCK_MINUTES), LN_ROWS_MIN, LN_ROWS_MAX);
}

static struct sums last(const struct series *series, uint32_t minutes, uint32_t *known)
{
    struct sums sums = { 0 };
    *known = 0;
    for (uint32_t back = 0; back < minutes; back++) {
        const struct minute *m = &series->ring[(series->minute - back + RING_MINUTES) % RING_MINUTES];
        if (!(m->usual_rows > 0)) continue; /* unknown */
        (*known)++;
        sums.rows += m->rows;
        sums.errors += m->errors;
        sums.usual_rows += m->usual_rows;
    }
    return sums;
}

/* A slot follows at once what it sees the second time in a row, and only a little what it sees once: so a nightly job is usual
 * on its third night, and a fault leaves no trace. The smaller of the two is a median of them and of what was usual. */
static void slot_learn(float *slot, float *odd, double residual, double weight)
{
    double again = residual * (double)*odd > 0 ? copysign(fmin(fabs(residual), fabs((double)*odd)), residual) : 0;
    double step = SLOT_STEP * bounded(residual, -SLOT_ONCE, SLOT_ONCE) + SLOT_STEP_AGAIN * again;
    *slot = (float)bounded((double)*slot + weight * step, -7, 7);
    *odd = (float)bounded(residual - weight * step, -7, 7);
}

static void volume_learn(struct series *series, const struct sums *block, uint32_t known, bool is_frozen)
{
    uint32_t slot = day_slot(series->minute);
    double usual = block->usual_rows;
    if (series->blocks < DAY_BLOCKS) {
        double rate = (block->rows + 0.05) / known;
        float step = series->blocks < 10 ? 1.0f / (float)(series->blocks + 1) : LEVEL_STEP_FIRST;
        double far = series->blocks < 10 ? LN_ROWS_MAX - (double)LN_ROWS_MIN : 2;
        series->level += step * (float)bounded(log(rate) - (double)series->level, -far, far);
        series->level = (float)bounded(series->level, LN_ROWS_MIN, LN_ROWS_MAX);
        series->day[slot] = (float)(block->rows * BLOCK_MINUTES / known);
        if (++series->blocks == DAY_BLOCKS) day_begin(series);
        return;
    }
    double residual = bounded((block->rows - usual) / (usual + 4), -0.5, 0.5);
    if (!is_frozen)
        series->level = (float)bounded((double)series->level + (double)LEVEL_STEP * residual, LN_ROWS_MIN, LN_ROWS_MAX);
    slot_learn(&series->day[slot], &series->day_odd[slot], log((block->rows + 4) / (usual + 4)), usual / (usual + 10));
    series->blocks++;
}

/* The hour of the week; and the minutes of any hour, by how they differ from their own hour. */
static void hour_learn(struct series *series)
{
    uint32_t known, slot = (uint32_t)(series->minute / 60 % WEEK_SLOTS);
    struct sums hour = last(series, 60, &known);
    if (known < 30 || series->blocks < DAY_BLOCKS) return;
    double residual = log((hour.rows + 10) / (hour.usual_rows + 10));
    slot_learn(&series->week[slot], &series->week_odd[slot], residual, 1);
    if (known < 60) return;
    for (uint32_t back = 0; back < HOUR_SLOTS; back++) {
        int64_t minute = series->minute - back;
        const struct minute *m = &series->ring[minute % RING_MINUTES];
        double usual = (double)m->usual_rows, own = log((m->rows + 4) / (usual + 4)) - residual;
        slot_learn(&series->hour[minute % HOUR_SLOTS], &series->hour_odd[minute % HOUR_SLOTS], own,
                   usual / (usual + 30));
    }
}

static void errors_learn(struct series *series, const struct sums *block)
{
    double usual = block->rows * usual_error_share(series);
    double most = series->error_rows < 500 ? block->errors : usual + 4 * scale_of(series, ERRORS, 1) * sqrt(usual) + 1;
    series->errors = series->errors * ERROR_FADE + (float)fmin(block->errors, most);
    series->error_rows = series->error_rows * ERROR_FADE + (float)block->rows;
}

static void latency_learn(struct series *series)
{
    double durations = shape_sum(series->shape[0]), ratio = shape_quantile(series->shape[0], 1 - OVER_SHARE);
    if (!isfinite(series->p95_level) || !(durations >= 1)) return;
    bool is_first = series->latency_blocks < 12;
    if (is_first) { /* what it began with was one minute's */
        double slow = shape_quantile(series->shape[1], 1 - OVER_SHARE);
        series->p95_level += (float)bounded(log(slow) / (series->latency_blocks + 1.0), -1, 1);
        if (fabs(log(slow)) > 0.2)
            for (uint32_t b = 0; b < SHAPE_BINS; b++) series->shape[0][b] = series->shape[1][b] = 0;
    } else {
        double step = fmax(P95_STEP, 1.0 / (series->latency_blocks + 1.0));
        series->p95_level += (float)(step * bounded(log(ratio), -0.3, 0.3) * durations / (durations + 100));
    }
    series->p95_level = (float)bounded(series->p95_level, -1, 44);
    series->latency_blocks++;
}

static void latency_hour_learn(struct series *series)
{
    double durations = shape_sum(series->shape[1]), ratio = shape_quantile(series->shape[1], 1 - OVER_SHARE);
    if (series->latency_blocks < DAY_BLOCKS || !(durations >= DURATIONS_MIN)) return;
    uint32_t slot = (uint32_t)(series->minute / 60 % WEEK_SLOTS);
    double step = fmax(1.0 / (series->latency_blocks / (7 * DAY_BLOCKS) + 2.0), P95_WEEK_STEP);
    step *= bounded(log(ratio), -0.3, 0.3) * durations / (durations + 1000);
    series->p95_week[slot] = (float)bounded(series->p95_week[slot] + step, -2, 2);
}

static bool is_frozen(const struct series *series, enum measure measure)
{
    return series->standing[measure].is_open || series->standing[measure].hits > 0;
}

void baseline_learn(struct series *series)
{
    uint32_t known;
    struct sums block = last(series, BLOCK_MINUTES, &known);
    if (known > 0) {
        volume_learn(series, &block, known, is_frozen(series, VOLUME));
        if (!is_frozen(series, ERRORS)) errors_learn(series, &block);
        if (!is_frozen(series, LATENCY)) latency_learn(series);
    }
    if (series->minute % 60 != 59) return;
    hour_learn(series);
    if (!is_frozen(series, LATENCY)) latency_hour_learn(series);
}

/* The last hour too is as usual then, or it would be found again. */
void baseline_accept(struct series *series, enum measure measure)
{
    uint32_t known;
    struct sums sums = last(series, 30, &known);
    double ratio = (sums.rows + 0.5) / (sums.usual_rows + 0.5);
    double p95_ratio = shape_quantile(series->shape[1], 1 - OVER_SHARE);
    if (measure == VOLUME && known > 0)
        series->level = (float)bounded(series->level + log(ratio), LN_ROWS_MIN, LN_ROWS_MAX);
    if (measure == ERRORS) {
        series->errors = (float)(sums.errors * 8);
        series->error_rows = (float)(sums.rows * 8);
    }
    if (measure == LATENCY && isfinite(p95_ratio)) {
        series->p95_level = (float)bounded(series->p95_level + log(p95_ratio), -1, 44);
        memset(series->shape, 0, sizeof series->shape);
    }
    for (uint32_t m = 0; m < RING_MINUTES; m++) {
        struct minute *minute = &series->ring[m];
        if (measure == VOLUME) {
            minute->usual_rows *= (float)ratio;
            minute->usual_low *= (float)ratio;
            minute->usual_high *= (float)ratio;
        }
        if (measure == ERRORS) minute->usual_error_share = (float)usual_error_share(series);
        if (measure == LATENCY) minute->over = (float)(OVER_SHARE * minute->durations);
    }
}

/* Two quantiles of |z| by stochastic approximation (Robbins and Monro): of normal ones 1.645 and 2.807. Slow, or a fault that grows
 * over hours would widen what is usual as it comes. */
void scale_learn(struct series *series, enum measure measure, uint32_t window, double z)
{
    float *scale = series->scale[measure][window];
    float step = fmaxf(0.002f, 1.0f / (float)(series->runs / 4 + 20)),
          step_far = fmaxf(0.002f, 1.0f / (float)(series->runs / 8 + 50));
    scale[0] *= 1 + step * ((fabs(z) > 1.645 * scale[0] ? 1.0f : 0.0f) - 0.1f);
    scale[1] *= 1 + step_far * ((fabs(z) > 2.807 * scale[1] ? 1.0f : 0.0f) - 0.005f);
    for (uint32_t q = 0; q < 2; q++) scale[q] = (float)bounded(scale[q], 0.5, SCALE_MAX);
}

double scale_of(const struct series *series, enum measure measure, uint32_t window)
{
    const float *scale = series->scale[measure][window];
    return fmax(1, fmax(scale[0], scale[1]));
}
