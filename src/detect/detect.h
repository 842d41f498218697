/* detect.h -- what is unusual in counts, errors and durations of many series, minute by minute. No model, no database.
 *
 *   every minute:  detect_minute_begin(time)
 *                  detect_put(series, rows, errors, durations)   of each series that had rows; the others had none
 *                  detect_minute_end() --> findings that opened, changed or closed
 *
 *   rows      --> against what this minute of the week usually has, at today's level --> VOLUME_SPIKE, VOLUME_DROP, SILENCE
 *   errors    --> their share against the usual share                              --> ERROR_RATE
 *   durations --> how many are above the usual p95, which should be one in 20      --> LATENCY
 *
 * Each is looked at over the last 3, 10 and 30 minutes, on both sides: z by the deviance (detect_statistics.h), divided by
 * how much this series' own z of this window vary (never less than Poisson would have it). A finding opens when in sustained_runs (5)
 * one after the other (1) Benjamini and Hochberg's procedure over all series, measures and windows of the run believes it and
 * (2) the effect is at least that of detect_options; it closes when for calm_minutes in a row the effect is below half of
 * that. Baselines do not learn while a finding is open, but after accept_minutes what goes on is the new usual.
 * A minute in which nearly nothing came of nearly any series (three at least) is a gap in what was collected: one SILENCE of
 * all (series DETECT_ALL), and nothing is learned from it.
 * What usual means, and the measured quality: docs/detection.md, bench/RESULTS.md.
 *
 * Thread: one owner. Memory: 8 KB a series. Cost: bench/RESULTS.md, some microseconds of CPU a series and minute.
 * Errors: only of detect_series_read, whose bytes may come from anywhere; other numbers that make no sense count as 0. */
#pragma once
#include "base/bytes.h"
#include "base/ddsketch.h"
#include "base/err.h"

#define DETECT_ALL         UINT32_MAX
#define DETECT_SERIES_MAX  200000
#define DETECT_ROWS_MAX    INT64_C(1000000000) /* in a minute; more count as that */
#define DETECT_WINDOWS     3
#define DETECT_STATE_BYTES 6400 /* at most, of one series as bytes; 5 KB is usual */

/* Values are in stored findings: to be added to, not to be changed. */
enum detect_kind {
    DETECT_VOLUME_SPIKE = 1,
    DETECT_VOLUME_DROP = 2,
    DETECT_SILENCE = 3,
    DETECT_ERROR_RATE = 4,
    DETECT_LATENCY = 5,
    /* findings/finding_new.h: told as these are, and not found here */
    DETECT_NEW_ERROR = 6,
    DETECT_NEW_PATTERN = 7,
    DETECT_METRIC = 8, /* levels/levels.h */
};
const char *detect_kind_name(enum detect_kind kind);

enum detect_change {
    DETECT_OPENED,
    DETECT_CHANGED,  /* the kind: a drop became silence */
    DETECT_CLOSED,   /* it is as usual again */
    DETECT_ACCEPTED, /* it is the new usual */
};

struct detect_finding {
    uint32_t series; /* or DETECT_ALL */
    enum detect_kind kind;
    enum detect_change change;
    bool is_up;
    int64_t begin_unix_us; /* since when: the change point, at most an hour before it was found */
    int64_t found_unix_us; /* the minute whose end opened it */
    int64_t end_unix_us;   /* of closed ones: behind the last unusual minute; else 0 */
    uint32_t window_minutes;
    /* Of the window: rows a minute, share of errors, p95 in ns; what was expected, and where 95 of 100 such windows lie. */
    double value, expected, low, high;
    double effect; /* value / expected; of errors value - expected */
    double z, p;   /* after dispersion; p of the best window, times the number of windows */
    double rows;   /* in the window: how much it is about */
};

struct detect_options {
    double false_discovery_rate; /* of one run, */
    double p_max;                /* and p at most that: a run comes 43,200 times a month */
    double volume_ratio_min;     /* 1.5: from 1.5 times up, and from 1/1.5 down */
    double volume_rows_min;      /* more or fewer rows in the window than expected */
    double error_points_min;     /* 0.012: 1.2 of 100 */
    double error_count_min;      /* in the window */
    double latency_ratio_min;
    uint32_t sustained_runs, calm_minutes, accept_minutes, learn_minutes;
};
extern const struct detect_options detect_options_default;

struct detect;
struct detect *detect_create(const struct detect_options *options); /* NULL: the default */
void detect_destroy(struct detect *detect);                         /* NULL is fine */
/* A new series, without a past; its number is the count of those before it. At most DETECT_SERIES_MAX: asserted. */
uint32_t detect_series_add(struct detect *detect);
uint32_t detect_series_count(const struct detect *detect);
/* Series that has had no rows for that long and no finding open: nothing to look at, and the caller may forget it. */
bool detect_series_is_idle(const struct detect *detect, uint32_t series, uint32_t minutes);

/* Minutes rise; those left out are unknown, not empty. */
void detect_minute_begin(struct detect *detect, int64_t at_unix_us);
/* durations: buckets in any order; borrowed for the call. A series at most once a minute. */
void detect_put(struct detect *detect, uint32_t series, int64_t row_count, int64_t error_count,
                const struct ddsketch_count *durations, size_t duration_bucket_count);
/* *findings is borrowed until the next call. */
size_t detect_minute_end(struct detect *detect, const struct detect_finding **findings);
/* The findings that are open now, as they were when they opened. */
size_t detect_open(struct detect *detect, const struct detect_finding **findings);

/* What is known of a series as bytes, DETECT_STATE_BYTES at most, and back, into a series that was just added. After a failure
 * the series is as new. */
void detect_series_write(const struct detect *detect, uint32_t series, struct buf *out);
MUST_CHECK bool detect_series_read(struct detect *detect, uint32_t series, struct bytes bytes, struct err *err);

/* What is usual for a series at a time, for a chart: rows a minute, share of errors, p95 in ns (NAN: not known). */
struct detect_usual {
    double rows, error_share, p95_ns;
    bool is_learning;
};
void detect_usual(const struct detect *detect, uint32_t series, int64_t at_unix_us, struct detect_usual *usual);
