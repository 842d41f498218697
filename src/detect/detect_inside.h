/* detect_inside.h -- what is known of a series, between its parts: what is usual (detect_baseline.c), what a run finds
 * (detect.c), as bytes (detect_state.c). Thread, memory: detect.h. */
#pragma once
#include "detect/detect.h"

#define RING_MINUTES  64 /* the last hour, for windows and change points */
#define BLOCK_MINUTES 5  /* baselines learn so often */
#define DAY_SLOTS     288
#define WEEK_SLOTS    168
#define HOUR_SLOTS    60
#define SHAPE_BINS    64
#define SHAPE_WIDTH   3.0               /* buckets of the sketch: 6% */
#define SHAPE_LOW     -48.0             /* from 0.38 to 17 times the usual p95 */
#define LOG_BUCKET    0.020000666706669 /* ln(1.01 / 0.99) */
#define OVER_SHARE    0.05              /* of durations are above the p95 */
#define MINUTE_US     INT64_C(60000000)
#define DAY_BLOCKS    (24 * 60 / BLOCK_MINUTES)
#define MATURE_BLOCKS (14 * DAY_BLOCKS)
#define DURATIONS_MIN 40.0

enum measure { VOLUME, ERRORS, LATENCY, MEASURES };

struct minute {
    uint32_t rows, errors, durations;
    float over; /* durations above the p95 that was usual then */
    float usual_rows, usual_error_share;
    float usual_low, usual_high; /* rows, were it five minutes sooner or later */
};

/* Of one measure: a finding that is open, or that one run has seen. */
struct standing {
    bool is_open, is_up;
    uint32_t hits, calm;
    int64_t calm_since; /* minute */
    struct detect_finding finding;
};

struct series {
    int64_t minute;                  /* the last one that was looked at; -1: none */
    int64_t busy_minute;             /* the last one with rows */
    uint32_t blocks, latency_blocks; /* learned */
    /* ln of rows a minute: level + day (by 5 minutes) + week (by hour) + hour (by minute). On the first day, day[] holds counts,
     * -1: none. odd: how far off a slot was the last time, which this time has to confirm. */
    float level, day[DAY_SLOTS], week[WEEK_SLOTS], hour[HOUR_SLOTS];
    float day_odd[DAY_SLOTS], week_odd[WEEK_SLOTS], hour_odd[HOUR_SLOTS];
    float errors, error_rows;                 /* of about the last day, fading */
    float p95_level, p95_week[WEEK_SLOTS];    /* ln of ns */
    float scale[MEASURES][DETECT_WINDOWS][2]; /* of z: by its 90th and its 99.5th of 100 */
    uint32_t runs;
    float shape[2][SHAPE_BINS];       /* durations by their ratio to the usual p95, fading in 4 and in 15 minutes */
    struct minute ring[RING_MINUTES]; /* by minute % RING_MINUTES; unknown ones are zeros */
    struct standing standing[MEASURES];
};

/* Of a window. */
struct sums {
    double rows, errors, durations, over, usual_rows, usual_low, usual_high, usual_errors;
};

/* Borrowed until a series is added. */
struct series *detect_series_of(const struct detect *detect, uint32_t number);
void series_init(struct series *series);
/* What is usual in that minute; low, high: the least and most of it, of five minutes before and behind, NULL: not asked. */
double usual_rows(const struct series *series, int64_t minute, double *low, double *high);
double usual_error_share(const struct series *series);
double usual_p95_ln(const struct series *series, int64_t minute); /* NAN: not known */
/* The ratio to the usual p95 below which a share of the shape lies; NAN: too few durations. */
double shape_quantile(const float *shape, double share);
double shape_sum(const float *shape);
void shape_fade(struct series *series);
/* Learns from the block that ends with series->minute. */
void baseline_learn(struct series *series);
/* What went on since begin is the usual now. */
void baseline_accept(struct series *series, enum measure measure);
void scale_learn(struct series *series, enum measure measure, uint32_t window, double z);
double scale_of(const struct series *series, enum measure measure, uint32_t window);
