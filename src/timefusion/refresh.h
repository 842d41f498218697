/* refresh.h -- what other writers commit to our tables is seen: a thread that asks each log for its next version.
 *
 *   every interval: GET <version + 1>.json of each table --404--> nothing, else --delta_refresh--> a new snapshot
 *
 * A query's snapshot never waits for it. After errors it asks less and less often, up to once a minute, and says so once.
 * Thread: one inside. refresh_close waits for a request under way. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "timefusion/delta/delta.h"

struct refresh;
struct refresh_options {
    struct delta_table *const *tables; /* copied; the tables are borrowed until close */
    uint32_t table_count;
    uint32_t interval_ms;
    const struct log *log;
};
MUST_CHECK bool refresh_open(struct refresh **refresh, const struct refresh_options *options, struct err *err);
/* When the oldest of the tables' last looks that worked began; 0: one was not looked at yet. Any thread. */
uint64_t refresh_looked_mono_ns(struct refresh *refresh);
/* The next look is now, not after the interval, nor after the wait that follows an error; a table that was looked at within
 * the last fifth of a second is left alone. Any thread. */
void refresh_soon(struct refresh *refresh);
void refresh_close(struct refresh *refresh); /* NULL is fine */
