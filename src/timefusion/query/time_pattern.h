/* time_pattern.h -- to_char, to_timestamp and to_date: times by PostgreSQL's patterns ("FMDay, DD Mon YYYY HH24:MI").
 *
 * Thread: pure functions. Units: microseconds of a clock without a zone, from 1970. Names are English.
 * Errors: ERR_INPUT the pattern is not understood; ERR_VALUE the text is not such a time. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct pattern_time {
    bool is_interval;
    int64_t year, hour;
    uint32_t month, day, minute, second, micros; /* of an interval: years, months, days, hours ... */
    bool is_negative;                            /* of an interval: what is below a day */
    int64_t days;                                /* from 1970 */
    int32_t offset_s;                            /* east of UTC, for TZH, TZM, OF */
    bool has_zone;                               /* TZ is UTC or the offset; else it is empty */
};
void pattern_time_of(struct pattern_time *time, int64_t local_us);
void pattern_time_of_interval(struct pattern_time *time, int32_t months, int32_t days, int64_t micros);
MUST_CHECK bool time_pattern_put(struct buf *out, const struct pattern_time *time, struct bytes pattern,
                                 struct err *err);
MUST_CHECK bool time_pattern_take(struct bytes text, struct bytes pattern, int64_t *local_us, struct err *err);
