/* pattern.h -- log lines counted by template, minute and hour: stored by the worker's tap, asked by the list of patterns.
 *
 *   worker/patterns --pattern_store(changes, position)--> templates, minutes, hours --pattern_read--> answers
 *
 * A minute and its hour are added to in the same transaction, so both are exact and nothing rolls up. Exactly once as
 * roll-ups are (tap_position.h). What is stored does not depend on the order it comes in: sums, the first and the last
 * time, the sample of the first.
 * Tables: migrations/0055_patterns.sql; what each figure means: docs/patterns.md.
 * Thread: any. Memory: changes are the caller's; answers live in its arena. Errors: as db.h has them; ERR_CONFLICT of
 * pattern_store: another process has stored what these changes hold. */
#pragma once
#include "base/arena.h"
#include "meta/count_range.h"
#include "meta/db.h"

#define PATTERN_MINUTE_US       INT64_C(60000000)
#define PATTERN_HOUR_US         INT64_C(3600000000)
#define PATTERN_DAY_US          (24 * PATTERN_HOUR_US)
#define PATTERN_MINUTES_KEEP_US (4 * PATTERN_DAY_US)
#define PATTERN_READ_MAX        20000                    /* templates of a project that are read: those seen last */
#define PATTERN_OTHER           "(other)"                /* the template of what passes the limits */
#define PATTERN_LEVELS          7                        /* none, TRACE ... FATAL */
extern const char *const pattern_levels[PATTERN_LEVELS]; /* "none", "trace" ... "fatal" */

struct pattern_template {
    struct uuid project_id, id;
    struct bytes service, template, sample;
    bool is_rest; /* other templates, rarer ones, count under it */
    int64_t first_unix_us, last_unix_us;
};
struct pattern_count {
    struct uuid project_id, id;
    int64_t at_unix_us; /* a whole minute */
    int64_t level;
    int64_t row_count;
};
/* What the records in (position_before, position] add. */
struct pattern_changes {
    const char *app_id;
    struct uuid owner; /* of tap_position_take */
    uint64_t position_before, position;
    struct pattern_template *templates;
    struct pattern_count *counts;
    size_t template_count, count_count;
};
#define PATTERN_TAP "patterns"
/* Sorts the arrays (locks are taken in one order by all). */
MUST_CHECK bool pattern_store(struct db *db, struct pattern_changes *changes, int64_t now_unix_us, struct err *err);

/* Lines of the project were deleted: samples, which may be of them, go. */
MUST_CHECK bool pattern_samples_forget(struct db *db, struct uuid project_id, struct err *err);
/* One round of throwing away what is past its time, a part at a time; several processes may call it. keep_us of hours and
 * templates, 0: for ever. */
MUST_CHECK bool pattern_expire(struct db *db, int64_t keep_us, int64_t now_unix_us, uint64_t *deleted, struct err *err);

/* ---- reading ---- */

struct pattern_seen {
    struct uuid id;
    struct bytes service, template, sample;
    bool is_rest;
    int64_t first_unix_us, last_unix_us; /* ever */
};
/* Templates of the project, of one service when it is not empty; those seen last when there are too many. */
MUST_CHECK bool pattern_templates_read(struct db *db, struct uuid project_id, struct bytes service, struct arena *arena,
                                       struct pattern_seen **seen, uint32_t *count, struct err *err);
struct pattern_figure {
    struct uuid id;
    uint32_t step; /* of the range; UINT32_MAX: of the range of the same length before it */
    uint32_t level;
    int64_t row_count;
};
/* In the order of their ids. */
MUST_CHECK bool pattern_figures_read(struct db *db, struct uuid project_id, const struct count_range *range,
                                     struct arena *arena, struct pattern_figure **figures, uint32_t *count,
                                     struct err *err);

/* Lines of one level of a template that is new; of one without lines in those hours a row of none. */
struct pattern_fresh {
    struct uuid id;
    struct bytes service;
    int64_t first_unix_us, last_unix_us; /* of the template */
    uint32_t level;
    int64_t row_count;
};
#define PATTERN_FRESH_HOURS 3
/* Templates first seen since a time, of services whose logs were known by known_unix_us, those that count the rest left out; their
 * lines of PATTERN_FRESH_HOURS hours from that of counted_unix_us on. By service, id and level; at most PATTERN_READ_MAX. */
MUST_CHECK bool pattern_fresh_read(struct db *db, struct uuid project_id, int64_t since_unix_us, int64_t known_unix_us,
                                   int64_t counted_unix_us, struct arena *arena, struct pattern_fresh **fresh,
                                   uint32_t *count, struct err *err);
