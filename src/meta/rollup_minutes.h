/* rollup_minutes.h -- minutes of all series of a project as they are stored, for what looks at each of them: detection.
 *
 *   rollup_minutes        --one statement--> minutes, by time and series
 *   rollup_minute_buckets --one statement--> their durations
 *   rollup_series         --one statement--> what the series are
 *
 * Thread: any. Memory: answers live in the caller's arena. Errors: as db_snapshot; ERR_TOO_LARGE: more than ROLLUP_MINUTES_MAX minutes or
 * ROLLUP_MINUTE_BUCKETS_MAX buckets in the range: ask for less of it. */
#pragma once
#include "base/arena.h"
#include "base/ddsketch.h"
#include "meta/rollup.h"

#define ROLLUP_MINUTES_MAX        1000000
#define ROLLUP_MINUTE_BUCKETS_MAX 8000000

struct rollup_minute {
    int64_t at_unix_us, series_id;
    int64_t row_count, error_count;
    const struct ddsketch_count *durations; /* in rising order of bucket */
    uint32_t duration_bucket_count;
};
/* [from, to), by time, then series. Both tables as of one moment. */
MUST_CHECK bool rollup_minutes_read(struct db *db, struct uuid project_id, int64_t from_unix_us, int64_t to_unix_us,
                                    struct arena *arena, struct rollup_minute **minutes, uint32_t *count,
                                    struct err *err);
/* Those that had rows since a time, edges of the service map left out, by id. At most limit: is_more says that there are others. */
MUST_CHECK bool rollup_series_names(struct db *db, struct uuid project_id, int64_t since_unix_us, uint32_t limit,
                                    struct arena *arena, struct rollup_series **series, uint32_t *count, bool *is_more,
                                    struct err *err);
