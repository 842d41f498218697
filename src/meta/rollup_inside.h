/* rollup_inside.h -- what the readers of roll-ups share. */
#pragma once
#include "base/ddsketch.h"
#include "meta/rollup_read.h"

/* Of $1 project, $2 from, $3 to: where the rows of a grain are, whether its sums are made or not. Columns of sums:
 * at_unix_us, series_id, row_count, error_count, duration_count, duration_sum_ns, duration_max_ns; of buckets: at_unix_us,
 * series_id, bucket, row_count. Subqueries are made of them by rollup_source_of. */
struct rollup_source {
    const char *sums, *buckets;
};
MUST_CHECK bool rollup_source_choose(struct db *db, enum rollup_grain grain, const struct rollup_source **source,
                                     struct err *err);
/* A source's rows of some series alone, with the same columns; series: a condition over rollup_series s, NULL for all. is_few: each
 * is looked for by its key at each time, else rows are read and left out. It grows in the arena. */
const char *rollup_source_of(struct arena *arena, const char *source, const char *series, bool is_few);
/* Columns at...: rows, errors, durations, their sum, the longest. */
void rollup_figures_add(struct rollup_figures *figures, struct db_row *row, size_t at);
void rollup_quantiles(struct rollup_figures *figures, const struct ddsketch_count *buckets, uint32_t count);
