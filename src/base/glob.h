/* glob.h -- "*" is any run of bytes, "?" one byte; nothing else means more than itself. Time: text times pattern at worst,
 * for what is behind a star is tried again from the last star only.
 * Thread: any. */
#pragma once
#include "base/bytes.h"

static inline uint8_t glob_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* The whole of the text. any_case: capital letters of ASCII are as good as small ones, in both. */
static inline bool glob_match(struct bytes pattern, struct bytes text, bool any_case)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_t = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_t = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t] ||
                                       (any_case && glob_lower(pattern.ptr[p]) == glob_lower(text.ptr[t])))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}
