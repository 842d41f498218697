/* cite.h -- is what a sentence says in the evidence that it names?
 *
 *   "`checkout` failed 312 times in 5m (E2)"  +  E2's text  --cite_check--> true | why not
 *
 * Checked are: each number (rounded as it is written; of "ms", "s", "%" also what stands there in nanoseconds, milliseconds, or as a part
 * of 1; of "k", "M" in thousands, millions), dates and times of day as they stand, what is in backticks or double quotes, and words that
 * are names rather than English: with "_", "/", ".", "@", "::" inside, or digits and letters mixed. Not checked: what is said between
 * them. So a wrong conclusion of right figures gets through, a figure or a name that was never there does not.
 * Thread: pure. Memory: none. */
#pragma once
#include "base/bytes.h"

#define CITE_WHY_BYTES 200
MUST_CHECK bool cite_check(struct bytes text, const struct bytes *sources, uint32_t source_count,
                           char why[CITE_WHY_BYTES]);
