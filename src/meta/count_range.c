#include "meta/count_range.h"

#define MINUTE_US         INT64_C(60000000)
#define HOUR_US           (60 * MINUTE_US)
#define MINUTES_UP_TO_US  (6 * HOUR_US)
#define MINUTES_OLDEST_US (72 * HOUR_US)

void count_range_fit(struct count_range *range, int64_t now_unix_us, uint32_t steps_max)
{
    int64_t length_us = range->to_unix_us - range->from_unix_us;
    range->by_hours = length_us > MINUTES_UP_TO_US || now_unix_us - range->from_unix_us > MINUTES_OLDEST_US;
    int64_t grain_us = range->by_hours ? HOUR_US : MINUTE_US, past_us = range->to_unix_us % grain_us;
    range->from_unix_us -= range->from_unix_us % grain_us;
    if (past_us > 0) range->to_unix_us += grain_us - past_us;
    length_us = range->to_unix_us - range->from_unix_us;
    int64_t grains = length_us / grain_us, grains_a_step = (grains + steps_max - 1) / steps_max;
    range->step_us = (grains_a_step > 0 ? grains_a_step : 1) * grain_us;
    range->steps = (uint32_t)((length_us + range->step_us - 1) / range->step_us);
}
