#include "timefusion/query/any_case.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_letter(uint8_t byte)
{
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

static uint8_t lower(uint8_t byte)
{
    return is_letter(byte) ? byte | 0x20 : byte;
}

bool any_case_init(struct any_case *word, struct bytes text)
{
    if (text.len == 0 || text.len > sizeof word->lower) return false;
    *word = (struct any_case){ .len = text.len };
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] >= 0x7F) return false;
        word->lower[i] = lower(text.ptr[i]);
        word->has_third = word->has_third || word->lower[i] == 's' || word->lower[i] == 'k';
    }
    return true;
}

/* How many bytes of the text the word takes at its beginning; 0: it is not there. */
static size_t matches(const struct any_case *word, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *begin = at;
    for (size_t i = 0; i < word->len; i++) {
        if (at < end && lower(*at) == word->lower[i])
            at++;
        else if (word->lower[i] == 's' && end - at >= 2 && at[0] == 0xC5 && at[1] == 0xBF)
            at += 2;
        else if (word->lower[i] == 'k' && end - at >= 3 && at[0] == 0xE2 && at[1] == 0x84 && at[2] == 0xAA)
            at += 3;
        else
            return 0;
    }
    return (size_t)(at - begin);
}

static bool is_ascii(struct bytes text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.len; i++) all |= text.ptr[i];
    return all < 0x80;
}

bool any_case_holds(const struct any_case *word, struct bytes text)
{
    const uint8_t *at = text.ptr, *end = text.ptr + text.len;
#ifdef __SSE2__
    if (!word->has_third || is_ascii(text)) { /* so that byte i of the word is byte i of where it stands */
        const uint8_t a = word->lower[0], b = word->lower[word->len - 1];
        const __m128i first = _mm_set1_epi8((char)a), last = _mm_set1_epi8((char)b),
                      first_case = _mm_set1_epi8(is_letter(a) ? 0x20 : 0),
                      last_case = _mm_set1_epi8(is_letter(b) ? 0x20 : 0);
        for (; end - at >= (ptrdiff_t)(word->len + 15); at += 16) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at),
                    y = _mm_loadu_si128((const __m128i *)(const void *)(at + word->len - 1));
            __m128i both = _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(x, first_case), first),
                                         _mm_cmpeq_epi8(_mm_or_si128(y, last_case), last));
            for (unsigned hits = (unsigned)_mm_movemask_epi8(both); hits != 0; hits &= hits - 1)
                if (matches(word, at + __builtin_ctz(hits), end) > 0) return true;
        }
        if (end - at < (ptrdiff_t)word->len) return false;
    }
#endif
    for (; at < end; at++)
        if (matches(word, at, end) > 0) return true;
    return false;
}
