/* change.h -- is something said more than twice as often as before, or less than half? Two counts of equal lengths of time.
 *
 * A test of the ratio of two Poisson rates by the square-root transformation, which makes their spread nearly equal
 * (Anscombe 1948; as a test of the ratio R: Gu, Ng, Tang, Schucany, "Testing the ratio of two Poisson rates", Biometrical
 * Journal 50, 2008, statistic W5):
 *   score = 2 (sqrt(now + 3/8) - sqrt(R (before + 3/8))) / sqrt(1 + R),  R = 2
 * Against R = 2 and not 1: of large counts every difference is sure, and few are worth a look. Lines come in bursts, more so
 * than Poisson has it; so a change is one from 3 standard deviations on.
 * Thread: any; pure. */
#pragma once
#include <stdint.h>

#define PATTERN_CHANGE_SCORE 3.0

enum pattern_change {
    PATTERN_SAME,
    PATTERN_MORE,
    PATTERN_LESS,
    PATTERN_GONE, /* less, and none now */
    PATTERN_CHANGES
};
/* *score: standard deviations past twice (more) or half (less, negative); 0 between. */
enum pattern_change pattern_change_of(int64_t now, int64_t before, double *score);
