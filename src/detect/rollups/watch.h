/* watch.h -- detection over the stored minutes of a project, from where the last run ended.
 *
 *   watch_create(project, since) ... every minute: watch_run(db, now - WATCH_DELAY_US) --tell--> findings, with their subjects
 *
 * A series is each of the roll-ups' own (kind, service, endpoint), without edges and metric points, and of each service the
 * requests (server and consumer spans) together; of a service with one endpoint they are the same, and told once.
 * A run reads each table of roll-ups once for all series (of a longer time: once for each WATCH_PIECE_MINUTES of it).
 * Minutes may get rows until they are flushed: to must be behind that.
 *
 * Thread: one owner. Memory: detect.h's of each series, and what a piece holds. Errors: as rollup_minutes_read; what was
 * told before the failure stays told, and the next run begins behind it. */
#pragma once
#include "base/arena.h"
#include "detect/detect.h"
#include "meta/rollup_minutes.h"

#define WATCH_SERIES_MAX    20000
#define WATCH_PIECE_MINUTES 10
#define WATCH_DELAY_US      INT64_C(180000000)

struct watch_subject {
    struct bytes service, endpoint, method, route; /* endpoint: empty where there is none */
    const char *kind;                              /* as in rows; "request": a service's together */
};
/* subject: NULL of a finding about all series. Both borrowed for the call. */
typedef void watch_tell_fn(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject);

struct watch;
struct watch *watch_create(struct uuid project_id, int64_t since_unix_us, const struct detect_options *options);
void watch_destroy(struct watch *watch); /* NULL is fine */
/* Looks at the whole minutes before to that were not looked at yet. */
MUST_CHECK bool watch_run(struct watch *watch, struct db *db, int64_t to_unix_us, watch_tell_fn *tell, void *ctx,
                          struct err *err);
/* Tells each finding that is open now, as it was when it opened. */
void watch_open(struct watch *watch, watch_tell_fn *tell, void *ctx);
/* The first minute that was not looked at. */
int64_t watch_next_unix_us(const struct watch *watch);
/* How many are looked at, services' requests together included. */
uint32_t watch_series_count(const struct watch *watch);
/* There are more than WATCH_SERIES_MAX series: some are not looked at. */
bool watch_is_cut(const struct watch *watch);
/* All that it knows as bytes; false: out has no room. */
MUST_CHECK bool watch_write(const struct watch *watch, struct buf *out);
/* Into a watch that was just created. Minutes before oldest are not looked at. ERR_CORRUPT: the watch is of no use then. */
MUST_CHECK bool watch_read(struct watch *watch, struct bytes bytes, int64_t oldest_unix_us, struct err *err);
