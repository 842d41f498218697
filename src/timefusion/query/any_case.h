/* any_case.h -- is a word in a text, in whatever case: what `text ~* 'word'` and `text ILIKE '%word%'` ask.
 *
 * The answers are those of a regular expression that is told to fold case (RE2's): of ASCII letters two have a third form, the
 * long s (U+017F) and the sign of Kelvin (U+212A). Words are of printable ASCII, so that no other folding counts.
 * Thread: any. Memory: none. */
#pragma once
#include "base/bytes.h"

#define ANY_CASE_BYTES_MAX 200

struct any_case {
    uint8_t lower[ANY_CASE_BYTES_MAX]; /* the word */
    size_t len;
    bool has_third; /* a letter of three forms */
};
/* False: not such a word, or too long, or empty. */
MUST_CHECK bool any_case_init(struct any_case *word, struct bytes text);
bool any_case_holds(const struct any_case *word, struct bytes text);
