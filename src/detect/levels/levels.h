/* levels.h -- what is unusual in numbers that are no counts: levels of gauges, rates of counters; five minutes at a time, each series
 * against its own past.
 *
 *   levels_block_begin(at), levels_put(series, mean of the block) ..., levels_block_end --> findings
 *
 * A value is y = asinh(x / unit): of large ones the logarithm, near 0 and below as it is. unit: a fifth of the first day's median; of
 * what goes below 0, half of the first day's range if that is more.
 * Usual is level + day (96 slots) + week (168 hours), learned as detect_baseline.c learns rows. What is left over is averaged over 10 and
 * over 30 minutes, and held against how much such means vary in this series: two quantiles of them by stochastic approximation.
 * Unusual is what is so sure (Benjamini-Hochberg over all series of a block), differs by LEVELS_FACTOR_MIN and by a fifth of what is
 * typical, in two blocks in a row. The first day is for learning; until two weekends were seen it must differ by more.
 * A finding of a series that has had no value for LEVELS_GONE_BLOCKS closes where the last one was.
 * Findings are struct detect_finding of kind DETECT_METRIC: value, expected, low, high in the metric's own unit.
 *
 * Thread: one owner. Memory: 4 KB a series. Errors: none but of reading. */
#pragma once
#include "detect/detect.h"

#define LEVELS_BLOCK_US    INT64_C(300000000)
#define LEVELS_SERIES_MAX  100000
#define LEVELS_FACTOR_MIN  1.5
#define LEVELS_GONE_BLOCKS 12

struct levels;
struct levels *levels_create(void);
void levels_destroy(struct levels *levels); /* NULL is fine */
/* A new series; its number is the count of those before it. */
uint32_t levels_series_add(struct levels *levels);
uint32_t levels_series_count(const struct levels *levels);

/* Blocks rise; those left out are unknown, and so is a series without a value. */
void levels_block_begin(struct levels *levels, int64_t at_unix_us);
void levels_put(struct levels *levels, uint32_t series, double value); /* what is not finite is no value */
/* *findings is borrowed until the next call. */
size_t levels_block_end(struct levels *levels, const struct detect_finding **findings);
/* The findings that are open now, as they were when they opened; borrowed as above. */
size_t levels_open(struct levels *levels, const struct detect_finding **findings);

/* What is known of a series as bytes, and back into one that was just added; after a failure it is as new. */
void levels_series_write(const struct levels *levels, uint32_t series, struct buf *out);
MUST_CHECK bool levels_series_read(struct levels *levels, uint32_t series, struct bytes bytes, struct err *err);
