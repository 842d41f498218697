/* metrics_ask.h -- what is asked of a metric, and its points: shared by metrics.c, metrics_heatmap.c and metrics_exemplars.c.
 *
 *   body --metrics_ask_read--> times, search, group by --metrics_ask_survey--> type, unit, how many points, how often they come
 *        --metrics_ask_points--> each series' points in order of time, to metrics/
 *
 * All rows come by sql_run.h: the gate sees each statement as one that a person typed.
 * Thread: the call's. Memory: the call's arena; points pass through, one at a time. Errors: the client is told. */
#pragma once
#include "metrics/metrics.h"
#include "web/api/sql_run.h"

enum {
    METRICS_BY_MAX = 8,
    METRICS_GROUPS_MAX = 1000,
    METRICS_STEPS_MAX = 2000,
    METRICS_NOTES_MAX = 24,
    METRICS_QUANTILES_MAX = 5
};

struct metrics_group_labels { /* of a group: texts of ask->by; NULL of what it does not have */
    struct bytes values[METRICS_BY_MAX];
    uint64_t hash;
};
struct metrics_ask {
    struct api_call *call;
    struct bytes name;
    int64_t from_us, to_us; /* from_us begins a step */
    int64_t step_us;        /* 0: not said, until the survey */
    uint32_t steps, limit;
    struct bytes condition; /* of the search, as SQL */
    struct bytes by[METRICS_BY_MAX], by_sql[METRICS_BY_MAX];
    uint32_t by_count;
    bool has_aggregate;
    enum metrics_aggregate aggregate;
    double quantile; /* the first of them */
    double quantiles[METRICS_QUANTILES_MAX];
    uint32_t quantile_count; /* 1, unless several were asked for */

    /* of the survey; rows 0: there are no points */
    uint64_t rows, series;
    enum metrics_kind kind;
    struct bytes type, unit, description, temporality; /* temporality: "", "delta", "cumulative", "mixed" */
    int64_t interval_us;                               /* between two points of a series, mostly; 0: not known */
    struct bytes where;                                /* the metric's points of that type and unit, without times */
    int64_t read_from_us;                              /* later than from_us: there are too many points before */

    struct metrics_group_labels groups[METRICS_GROUPS_MAX];
    uint32_t group_count;
    uint64_t rows_read, series_left_out;
    const char *notes[METRICS_NOTES_MAX];
    uint32_t note_count;
};
/* False: the client was told. */
MUST_CHECK bool metrics_ask_read(struct metrics_ask *ask, struct api_call *call);
MUST_CHECK bool metrics_ask_survey(struct metrics_ask *ask);
/* The aggregate fits the type, or the client is told. */
MUST_CHECK bool metrics_ask_aggregate(struct metrics_ask *ask);
/* All points, into *metrics, which is the caller's to destroy, also when it failed. */
MUST_CHECK bool metrics_ask_points(struct metrics_ask *ask, struct metrics **metrics);
/* One statement, its rows to put. */
MUST_CHECK bool metrics_ask_run(struct metrics_ask *ask, struct bytes sql,
                                bool (*put)(void *ctx, const struct sql_run *run, const struct query_chunk *chunk),
                                void *ctx);
void metrics_ask_note(struct metrics_ask *ask, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* " AND timestamp >= .. AND timestamp < .." */
const char *metrics_ask_times(struct metrics_ask *ask, int64_t from_us, int64_t to_us);
/* What metrics/ has to say, as notes. */
void metrics_ask_told(struct metrics_ask *ask, const struct metrics_told *told);
/* name, unit, type ... and notes; before api_answer. */
void metrics_ask_put(struct metrics_ask *ask, yyjson_mut_val *answer);
/* The same numbers as a statement of SQL, as near as it can say them; comments in it say where it differs. */
struct bytes metrics_ask_sql(struct metrics_ask *ask);
