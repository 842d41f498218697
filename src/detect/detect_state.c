/* A series as bytes, little-endian, in the order of `walk`:
 *
 *   "MDS1" | times, counts | level, errors, p95 | slots of day, week, hour, what was odd in them, p95 by hour (2 bytes each, 1/2048)
 *          | scales | shapes | 64 minutes: a byte, and when it is 1 what came and what was usual
 *          | 3 x: is it open, its side, how often it was seen; when it is open, the finding
 *
 * Writing and reading are one walk, so that they cannot differ. What is read is checked against what can have been written. */
#include <math.h>

#include "detect/detect_inside.h"

#define MAGIC     UINT32_C(0x3153444d)
#define LN_UNIT   2048.0f
#define TIME_MAX  (INT64_MAX / 4)
#define COUNT_MAX 1e18

struct walk {
    struct buf *out; /* NULL: reads */
    const uint8_t *at, *end;
    bool is_right;
};

static void walk_bytes(struct walk *walk, void *value, size_t len)
{
    if (walk->out) {
        walk->is_right = walk->is_right && buf_add(walk->out, value, len);
    } else if (walk->is_right && (size_t)(walk->end - walk->at) >= len) {
        memcpy(value, walk->at, len);
        walk->at += len;
    } else {
        walk->is_right = false;
    }
}

static void walk_u32(struct walk *walk, uint32_t *value, uint32_t max)
{
    uint32_t x = *value;
    walk_bytes(walk, &x, sizeof x);
    if (x > max) walk->is_right = false;
    if (walk->is_right) *value = x;
}

static void walk_i64(struct walk *walk, int64_t *value, int64_t min, int64_t max)
{
    int64_t x = *value;
    walk_bytes(walk, &x, sizeof x);
    if (x < min || x > max) walk->is_right = false;
    if (walk->is_right) *value = x;
}

static void walk_flag(struct walk *walk, bool *value)
{
    uint8_t x = *value;
    walk_bytes(walk, &x, 1);
    if (x > 1) walk->is_right = false;
    if (walk->is_right) *value = x;
}

static void walk_float(struct walk *walk, float *value, double min, double max)
{
    float x = *value;
    walk_bytes(walk, &x, sizeof x);
    if (!((double)x >= min && (double)x <= max)) walk->is_right = false;
    if (walk->is_right) *value = x;
}

static void walk_double(struct walk *walk, double *value)
{
    double x = *value;
    walk_bytes(walk, &x, sizeof x);
    if (isnan(x)) walk->is_right = false;
    if (walk->is_right) *value = x;
}

/* Within 8, to 1/2048. */
static void walk_ln(struct walk *walk, float *value)
{
    int16_t x = (int16_t)lrintf(*value * LN_UNIT);
    walk_bytes(walk, &x, sizeof x);
    if (x < -8 * (int)LN_UNIT || x > 8 * (int)LN_UNIT) walk->is_right = false;
    if (walk->is_right) *value = x / LN_UNIT;
}

static void walk_minute(struct walk *walk, struct minute *minute)
{
    bool is_known = minute->usual_rows > 0;
    walk_flag(walk, &is_known);
    if (!is_known) return;
    walk_u32(walk, &minute->rows, DETECT_ROWS_MAX);
    walk_u32(walk, &minute->errors, minute->rows);
    walk_u32(walk, &minute->durations, DETECT_ROWS_MAX);
    walk_float(walk, &minute->over, 0, DETECT_ROWS_MAX);
    walk_float(walk, &minute->usual_rows, 0, 1e10);
    walk_float(walk, &minute->usual_error_share, 0, 1);
    walk_float(walk, &minute->usual_low, 0, 1e10);
    walk_float(walk, &minute->usual_high, 0, 1e16);
}

static void walk_finding(struct walk *walk, struct detect_finding *f)
{
    uint32_t kind = f->kind;
    walk_u32(walk, &kind, DETECT_LATENCY);
    if (kind < DETECT_VOLUME_SPIKE) walk->is_right = false;
    if (walk->is_right) f->kind = kind;
    walk_flag(walk, &f->is_up);
    walk_i64(walk, &f->begin_unix_us, 0, TIME_MAX);
    walk_i64(walk, &f->found_unix_us, 0, TIME_MAX);
    walk_u32(walk, &f->window_minutes, RING_MINUTES);
    for (double **v =
             (double *[]){ &f->value, &f->expected, &f->low, &f->high, &f->effect, &f->z, &f->p, &f->rows, NULL };
         *v; v++)
        walk_double(walk, *v);
}

static void walk_standing(struct walk *walk, struct standing *standing)
{
    walk_flag(walk, &standing->is_open);
    walk_flag(walk, &standing->is_up);
    walk_u32(walk, &standing->hits, 1u << 20);
    if (!standing->is_open && standing->hits == 0) return;
    walk_u32(walk, &standing->calm, 1u << 20);
    walk_i64(walk, &standing->calm_since, -1, TIME_MAX / MINUTE_US);
    if (standing->is_open) walk_finding(walk, &standing->finding);
}

static void walk_series(struct walk *walk, struct series *series)
{
    bool has_p95 = isfinite(series->p95_level);
    walk_i64(walk, &series->minute, -1, TIME_MAX / MINUTE_US);
    walk_i64(walk, &series->busy_minute, -1, TIME_MAX / MINUTE_US);
    walk_u32(walk, &series->blocks, 1u << 30);
    walk_u32(walk, &series->latency_blocks, 1u << 30);
    walk_u32(walk, &series->runs, 1u << 30);
    walk_float(walk, &series->level, -10, 22);
    walk_float(walk, &series->errors, 0, COUNT_MAX);
    walk_float(walk, &series->error_rows, 0, COUNT_MAX);
    if (series->errors > series->error_rows) walk->is_right = false;
    walk_flag(walk, &has_p95);
    if (has_p95) walk_float(walk, &series->p95_level, -1, 45);
    for (uint32_t s = 0; s < DAY_SLOTS; s++) {
        if (series->blocks < DAY_BLOCKS)
            walk_float(walk, &series->day[s], -1, COUNT_MAX);
        else
            walk_ln(walk, &series->day[s]);
    }
    for (uint32_t s = 0; s < WEEK_SLOTS; s++) walk_ln(walk, &series->week[s]);
    for (uint32_t s = 0; s < HOUR_SLOTS; s++) walk_ln(walk, &series->hour[s]);
    for (uint32_t s = 0; s < DAY_SLOTS; s++) walk_ln(walk, &series->day_odd[s]);
    for (uint32_t s = 0; s < WEEK_SLOTS; s++) walk_ln(walk, &series->week_odd[s]);
    for (uint32_t s = 0; s < HOUR_SLOTS; s++) walk_ln(walk, &series->hour_odd[s]);
    for (uint32_t s = 0; s < WEEK_SLOTS; s++) walk_ln(walk, &series->p95_week[s]);
    for (uint32_t m = 0; m < MEASURES; m++)
        for (uint32_t w = 0; w < DETECT_WINDOWS; w++)
            for (uint32_t q = 0; q < 2; q++) walk_float(walk, &series->scale[m][w][q], 0.5, 1000);
    for (uint32_t t = 0; t < 2; t++)
        for (uint32_t b = 0; b < SHAPE_BINS; b++) walk_float(walk, &series->shape[t][b], 0, 1e12);
    for (uint32_t m = 0; m < RING_MINUTES; m++) walk_minute(walk, &series->ring[m]);
    for (uint32_t m = 0; m < MEASURES; m++) walk_standing(walk, &series->standing[m]);
}

void detect_series_write(const struct detect *detect, uint32_t number, struct buf *out)
{
    struct series series = *detect_series_of(detect, number);
    uint32_t magic = MAGIC;
    struct walk walk = { .out = out, .is_right = true };
    size_t before = out->len;
    walk_u32(&walk, &magic, MAGIC);
    walk_series(&walk, &series);
    assert(walk.is_right); /* or the buffer is too small: DETECT_STATE_BYTES */
    assert(out->len - before <= DETECT_STATE_BYTES);
}

bool detect_series_read(struct detect *detect, uint32_t number, struct bytes bytes, struct err *err)
{
    struct series *series = detect_series_of(detect, number), read;
    uint32_t magic = 0;
    struct walk walk = { .at = bytes.ptr, .end = bytes.ptr + bytes.len, .is_right = true };
    series_init(&read);
    walk_u32(&walk, &magic, MAGIC);
    if (!walk.is_right || magic != MAGIC)
        return err_set(err, ERR_CORRUPT, "what is known of a series does not begin with \"MDS1\"");
    walk_series(&walk, &read);
    if (!walk.is_right || walk.at != walk.end)
        return err_set(err, ERR_CORRUPT, "what is known of a series cannot be read, at byte %zu of %zu",
                       (size_t)(walk.at - bytes.ptr), bytes.len);
    for (uint32_t m = 0; m < MEASURES; m++) read.standing[m].finding.series = number;
    *series = read;
    return true;
}
