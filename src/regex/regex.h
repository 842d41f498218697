/* regex.h -- regular expressions of people we do not know, in linear time: RE2 behind a face in C.
 *
 *   "ACME-[0-9]{8}" --regex_create--> struct regex --regex_find--> the first place in a text, from a place on
 *
 * The syntax is RE2's: no look-around, no back-references. UTF-8; where a text is none, nothing is found.
 * A match begins and ends within REGEX_REACH bytes: longer ones are not found, so that what finding all of them costs is
 * linear too (a single search is by construction).
 * Thread: any. Memory: at most 1 MiB each. Errors: ERR_INPUT in RE2's words, and for what matches nothing at all.
 * Source: https://github.com/google/re2/wiki/Syntax */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct regex;
#define REGEX_REACH 4096
MUST_CHECK bool regex_create(struct regex **regex, const char *text, struct err *err);
void regex_destroy(struct regex *regex); /* NULL is fine */
/* The leftmost match at or after from; false: there is none. It is never empty. */
bool regex_find(const struct regex *regex, struct bytes text, size_t from, size_t *begin, size_t *end);

/* As SQL's ~* has it: in any case, and it may match where nothing is. For regex_holds. */
MUST_CHECK bool regex_create_any_case(struct regex **regex, const char *text, struct err *err);
bool regex_holds(const struct regex *regex, struct bytes text);

#ifdef __cplusplus
}
#endif
