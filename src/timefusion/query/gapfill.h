/* gapfill.h -- Timescale's time_bucket_gapfill, with locf() and interpolate(): groups for the buckets that have no rows.
 *
 *   SELECT time_bucket_gapfill('5 minutes', t) AS b, k, locf(avg(x)) ... GROUP BY b, k
 *     = the groups there are  LEFT of  every bucket from start to finish, for every k that has a group
 *
 * start and finish are its arguments, or what WHERE says of t by >=, >, <, <= or BETWEEN.
 * Thread: the translator's. */
#pragma once
#include "timefusion/query/translate.h"

enum gap_rule { GAP_NOTHING, GAP_LOCF, GAP_LOCF_NULLS, GAP_INTERPOLATE };
struct gapfill {
    uint32_t place; /* of the bucket in the select list, from 1; 0: there is none */
    struct expr width, at;
    const char *sql;                   /* of the bucket */
    const PgQuery__Node *time_node;    /* what is put into buckets */
    const char *zone, *start, *finish; /* as written; NULL: not */
    bool finish_is_in;                 /* <= */
    enum gap_rule *rules;              /* of each place */
    const char **before;               /* locf's second argument, or NULL */
    uint32_t count;
};

/* An item of the select list; *value as it is grouped. false: failed. Nothing is done when it is neither of the three. */
bool gapfill_target(struct translate *ctx, struct scope *scope, struct gapfill *gapfill, const PgQuery__Node *node,
                    uint32_t place, struct expr *value);
/* The whole select, given that of the groups there are, whose columns are c1, c2 ... NULL: failed. */
const char *gapfill_select(struct translate *ctx, struct scope *scope, struct gapfill *gapfill,
                           const PgQuery__SelectStmt *select, const char *groups, const struct expr *values,
                           const bool *is_key, uint32_t count);
