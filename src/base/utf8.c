#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How many bytes from at on are ASCII, in whole steps; what follows the steps is for the caller. */
static size_t ascii_steps(const uint8_t *at, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 32 <= len; i += 32) {
        __m128i a = _mm_loadu_si128((const __m128i *)(at + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(at + i + 16));
        if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0) break;
    }
#endif
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        if ((word & 0x8080808080808080u) != 0) break;
    }
    return i;
}

/* The length of the character at at[0] (which is >= 0x80), 0 when it is not well-formed.
 * Unicode 15, table 3-7:  C2..DF 80..BF
 *                         E0     A0..BF 80..BF      | E1..EC, EE..EF 80..BF 80..BF | ED 80..9F 80..BF
 *                         F0     90..BF 80..BF x2   | F1..F3 80..BF x3             | F4 80..8F 80..BF x2 */
static size_t character_bytes(const uint8_t *at, size_t len)
{
    uint8_t lead = at[0];
    if (lead < 0xC2 || lead > 0xF4) return 0;
    size_t need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (len < need) return 0;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < need; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    return need;
}

bool utf8_is_valid(struct bytes text)
{
    const uint8_t *at = text.ptr;
    size_t left = text.len;
    while (left > 0) {
        size_t step = *at < 0x80 ? ascii_steps(at, left) : character_bytes(at, left);
        if (step == 0) {
            if (*at >= 0x80) return false;
            step = 1;
        }
        at += step;
        left -= step;
    }
    return true;
}

size_t utf8_cut(struct bytes text, size_t len_max)
{
    if (text.len < len_max) len_max = text.len;
    /* Back to the lead byte of the last character, at most three continuation bytes away. */
    size_t lead = len_max;
    while (lead > 0 && len_max - lead < 3 && (text.ptr[lead - 1] & 0xC0) == 0x80) lead--;
    if (lead == 0) return len_max;
    uint8_t byte = text.ptr[lead - 1];
    size_t need = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return len_max - (lead - 1) < need ? lead - 1 : len_max;
}

size_t utf8_count(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += (text.ptr[i] & 0xC0) != 0x80;
    return count;
}
