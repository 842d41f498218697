/* count_range.h -- a range of time over what is counted by the minute and by the hour (patterns, errors), cut into steps.
 *
 * Pure. Times: unix microseconds; to is not in the range. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct count_range {
    int64_t from_unix_us, to_unix_us;
    bool by_hours;
    uint32_t steps;
    int64_t step_us; /* from + steps * step_us >= to */
};
/* Up to 6 h of the last 3 days by the minute, else by the hour; widens the ends to whole ones, chooses up to steps_max steps. */
void count_range_fit(struct count_range *range, int64_t now_unix_us, uint32_t steps_max);
