#include "patterns/change.h"

#include <math.h>

#define RATIO 2.0

static double past_ratio(int64_t more, int64_t less)
{
    return 2 * (sqrt((double)more + 0.375) - sqrt(RATIO * ((double)less + 0.375))) / sqrt(1 + RATIO);
}

enum pattern_change pattern_change_of(int64_t now, int64_t before, double *score)
{
    double more = past_ratio(now, before), less = past_ratio(before, now);
    *score = more > 0 ? more : less > 0 ? -less : 0;
    if (more >= PATTERN_CHANGE_SCORE) return PATTERN_MORE;
    if (less < PATTERN_CHANGE_SCORE) return PATTERN_SAME;
    return now == 0 ? PATTERN_GONE : PATTERN_LESS;
}
