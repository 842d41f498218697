/* number_pattern.h -- to_char and to_number: numbers by PostgreSQL's patterns ("FM999,990.00").
 *
 * 9 0 . D , G S MI PL SG PR FM TH th RN rn, and "texts"; not V, EEEE, L. A number comes and goes as decimal text.
 * Thread: pure functions. Errors: ERR_INPUT the pattern is not understood; ERR_VALUE the text is no number. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

MUST_CHECK bool number_pattern_put(struct buf *out, struct bytes number, struct bytes pattern, struct err *err);
/* The number in the text, with at most as many digits as the pattern has. */
MUST_CHECK bool number_pattern_take(struct buf *out, struct bytes text, struct bytes pattern, struct err *err);
/* Digits behind the point in the pattern. */
uint32_t number_pattern_scale(struct bytes pattern);
