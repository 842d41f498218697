/* utf8.h -- is it valid UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms)? Thread: any. */
#pragma once
#include "base/bytes.h"
bool utf8_is_valid(struct bytes text); /* fast on ASCII */
/* The longest prefix of at most len_max bytes that does not cut a character. */
size_t utf8_cut(struct bytes text, size_t len_max);
/* How many characters begin in it. */
size_t utf8_count(struct bytes text);
