/* cadence.h -- when something is to be done: five fields of cron and its names, or plain words; by a wall clock somewhere.
 *
 *   "hourly"  "daily 08:00"  "weekly mon 08:00"  "@hourly"  "30 2 * * mon-fri"  --cadence_parse--> struct cadence
 *   minute hour day month weekday, as crontab(5) has them: lists, ranges, steps, names; 0 and 7 are Sunday. With day and weekday
 *   both named, either will do.
 *
 * Where clocks are put on or back: times of certain hours are run once each day. Those that are left out run once, all of them
 * together, when the clock has jumped; those that come twice run the first time. With "*" for the hour what counts is the time
 * that passes: both of two equal hours run, one that is not there does not.
 * Thread: pure functions; a value. Errors: ERR_INPUT, with what is wrong; a time that never comes (30 February) too. */
#pragma once
#include "base/err.h"
struct zone;

#define CADENCE_BYTES_MAX 200

struct cadence {
    uint64_t minutes; /* bit n: at n */
    uint32_t hours, days, months, weekdays;
    bool is_any_hour, is_any_day, is_any_weekday;
};
MUST_CHECK bool cadence_parse(struct bytes text, struct cadence *cadence, struct err *err);
/* The first time after that one, in seconds; zone NULL: UTC. */
int64_t cadence_next(const struct cadence *cadence, const struct zone *zone, int64_t after_unix_s);
/* The last of those that come after the one time and not after the other, and how many there are, up to CADENCE_COUNT_MAX
 * (then the last counted steps are skipped to the newest). count 0: none. */
#define CADENCE_COUNT_MAX 10000
int64_t cadence_last(const struct cadence *cadence, const struct zone *zone, int64_t after_unix_s, int64_t until_unix_s,
                     uint32_t *count);
