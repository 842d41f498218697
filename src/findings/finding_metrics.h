/* finding_metrics.h -- metrics of a project, five minutes at a time: gauges and up-down counters by their mean, counters by their rate.
 *
 *   otel_metrics --one statement (run_sql, by face) for each piece of at most METRICS_PIECE_BLOCKS blocks--> detect/levels --> tell
 *
 * A series is a metric of a service. A counter's increase is reckoned within each of its series_ids, and one that went down began anew;
 * an increase is of the block of its later point. Histograms and summaries are not looked at. Of a project METRICS_SERIES_MAX series, those
 * first by name; where there are no metrics nothing is asked.
 * Its subject: kind METRICS_ROW_KIND, endpoint and route the metric's name, method "mean" or "rate" (a second).
 * Thread: one owner. Memory: detect/levels' of each series. Errors: those of db.h, and of the face: the next run asks the same again. */
#pragma once
#include "findings/finding_causes.h"

#define METRICS_ROW_KIND     "metric"
#define METRICS_SERIES_MAX   1000
#define METRICS_PIECE_BLOCKS 12

struct finding_metrics;
/* Blocks that begin before since are not looked at. */
struct finding_metrics *finding_metrics_create(struct uuid project_id, int64_t since_unix_us);
void finding_metrics_destroy(struct finding_metrics *metrics); /* NULL is fine */
/* The first block that was not looked at. */
int64_t finding_metrics_next_unix_us(const struct finding_metrics *metrics);
/* A piece of the whole blocks before to. */
MUST_CHECK bool finding_metrics_run(struct finding_metrics *metrics, struct db *db, const struct finding_face *face,
                                    int64_t to_unix_us, watch_tell_fn *tell, void *ctx, struct err *err);
/* Tells each finding that is open now, as it was when it opened. */
void finding_metrics_open(struct finding_metrics *metrics, watch_tell_fn *tell, void *ctx);
/* All that it knows as bytes; false: out has no room. */
MUST_CHECK bool finding_metrics_write(const struct finding_metrics *metrics, struct buf *out);
/* Into one that was just created. ERR_CORRUPT: it is of no use then. */
MUST_CHECK bool finding_metrics_read(struct finding_metrics *metrics, struct bytes bytes, int64_t oldest_unix_us,
                                     struct err *err);
