/* glob.h -- "*" is any run of bytes, "?" one byte; nothing else means more than itself. Time: text times pattern at worst.
 * Thread: any. */
#pragma once
#include "base/bytes.h"

/* The whole of the text. is_lower: the text's capital letters are compared as small ones; the pattern's are small. */
static inline bool glob_match(struct bytes pattern, struct bytes text, bool is_lower)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_t = 0;
    while (t < text.len) {
        uint8_t byte = text.ptr[t];
        if (is_lower && byte >= 'A' && byte <= 'Z') byte = (uint8_t)(byte + 32);
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_t = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == byte)) {
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
