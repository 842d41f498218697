#include "base/json.h"

#include <math.h>
#include <yyjson.h>

#ifdef __AVX2__
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

/* What stands behind the backslash: 0 nothing (the byte goes as it is), 'u' for \u00XX. */
static const uint8_t escapes[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',         'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

static inline uint8_t *byte_put(uint8_t *at, uint8_t byte)
{
    uint8_t escape = escapes[byte];
    if (likely(escape == 0)) {
        *at = byte;
        return at + 1;
    }
    *at++ = '\\';
    *at++ = escape;
    if (escape != 'u') return at;
    *at++ = '0';
    *at++ = '0';
    *at++ = (uint8_t)('0' + (byte >> 4)); /* 0 or 1 */
    *at++ = (uint8_t) "0123456789abcdef"[byte & 15];
    return at;
}

/* The high bit of each byte that is a control, a quote or a backslash. Carries may also flag a byte
 * above a true hit, never the lowest one, so zero means none. */
static inline uint64_t word_has_escapes(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"');
    uint64_t slash = word ^ (ones * '\\');
    uint64_t hits = (word - ones * 0x20) | (quote - ones) | (slash - ones);
    return hits & ~word & highs;
}

/* Fewer than 16 bytes. Overlapping words cover any length from 4 on with two loads. */
static inline uint8_t *tail_put(uint8_t *at, const uint8_t *text, size_t len)
{
    if (len >= 8) {
        uint64_t head, tail;
        memcpy(&head, text, 8);
        memcpy(&tail, text + len - 8, 8);
        if (likely((word_has_escapes(head) | word_has_escapes(tail)) == 0)) {
            memcpy(at, &head, 8);
            memcpy(at + len - 8, &tail, 8);
            return at + len;
        }
    } else if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, text, 4);
        memcpy(&tail, text + len - 4, 4);
        if (likely(word_has_escapes((uint64_t)tail << 32 | head) == 0)) {
            memcpy(at, &head, 4);
            memcpy(at + len - 4, &tail, 4);
            return at + len;
        }
    }
    for (size_t i = 0; i < len; i++) at = byte_put(at, text[i]);
    return at;
}

uint8_t *json_put_text(uint8_t *at, struct bytes bytes)
{
    const uint8_t *text = bytes.ptr;
    size_t left = bytes.len;
    *at++ = '"';
    /* A step is stored whole before we look how much of it is clean: the room is there, since each
     * of the bytes left has six reserved. */
#ifdef __AVX2__
    while (left >= 32) {
        __m256i step = _mm256_loadu_si256((const __m256i *)text);
        __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(step, _mm256_set1_epi8(0x1F)), step);
        __m256i quote = _mm256_cmpeq_epi8(step, _mm256_set1_epi8('"'));
        __m256i slash = _mm256_cmpeq_epi8(step, _mm256_set1_epi8('\\'));
        _mm256_storeu_si256((__m256i *)at, step);
        __m256i any = _mm256_or_si256(control, _mm256_or_si256(quote, slash));
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(any);
        size_t clean = hits == 0 ? 32 : (size_t)__builtin_ctz(hits);
        at += clean;
        text += clean;
        left -= clean;
        if (hits == 0) continue;
        at = byte_put(at, *text++);
        left--;
    }
#endif
#ifdef __SSE2__
    while (left >= 16) {
        __m128i step = _mm_loadu_si128((const __m128i *)text);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(step, _mm_set1_epi8(0x1F)), step);
        __m128i quote = _mm_cmpeq_epi8(step, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(step, _mm_set1_epi8('\\'));
        _mm_storeu_si128((__m128i *)at, step);
        __m128i any = _mm_or_si128(control, _mm_or_si128(quote, slash));
        uint32_t hits = (uint32_t)_mm_movemask_epi8(any);
        size_t clean = hits == 0 ? 16 : (size_t)__builtin_ctz(hits);
        at += clean;
        text += clean;
        left -= clean;
        if (hits == 0) continue;
        at = byte_put(at, *text++);
        left--;
    }
#endif
    while (left >= 16) { /* without SSE2 */
        at = tail_put(at, text, 8);
        text += 8;
        left -= 8;
    }
    at = tail_put(at, text, left);
    *at++ = '"';
    return at;
}

static uint8_t *digits_put(uint8_t *at, uint64_t number)
{
    static const char pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                   "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                   "8081828384858687888990919293949596979899";
    uint8_t digits[20];
    size_t from = sizeof digits;
    while (number >= 100) {
        from -= 2;
        memcpy(digits + from, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        from -= 2;
        memcpy(digits + from, pairs + 2 * number, 2);
    } else {
        digits[--from] = (uint8_t)('0' + number);
    }
    memcpy(at, digits + from, sizeof digits - from);
    return at + (sizeof digits - from);
}

uint8_t *json_put_int(uint8_t *at, int64_t number)
{
    if (number >= 0) return digits_put(at, (uint64_t)number);
    *at++ = '-';
    return digits_put(at, 0 - (uint64_t)number);
}

/* Numbers people write: up to 15 digits with up to 9 behind the point. With both below 2^53 and 10^22
 * the division is correctly rounded, so scaled / 10^k == number means that the decimal reads back as
 * number; and of two decimals of at most 15 digits at most one does, so the first k is the shortest.
 * Returns NULL when number is not such a one. */
static uint8_t *decimal_put(uint8_t *at, double number)
{
    static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
    static const uint64_t powers_int[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000 };
    double size = fabs(number);
    if (!(size >= 1e-5 && size < 1e15)) return NULL; /* zero has its own way */
    for (size_t k = 0; k < COUNT_OF(powers); k++) {
        double scaled = size * powers[k];
        if (scaled >= 1e15) return NULL;
        uint64_t whole = (uint64_t)(scaled + 0.5);
        if ((double)whole / powers[k] != size) continue;

        if (number < 0) *at++ = '-';
        at = digits_put(at, whole / powers_int[k]);
        if (k == 0) return at;
        *at++ = '.';
        uint64_t fraction = whole % powers_int[k];
        for (size_t digit = k; digit-- > 0; fraction /= 10) at[digit] = (uint8_t)('0' + fraction % 10);
        return at + k;
    }
    return NULL;
}

uint8_t *json_put_double(uint8_t *at, double number)
{
    if (isnan(number)) return json_put_raw(at, BYTES("\"NaN\""));
    if (isinf(number)) return json_put_raw(at, number > 0 ? BYTES("\"Infinity\"") : BYTES("\"-Infinity\""));
    if (number == 0) return json_put_raw(at, signbit(number) ? BYTES("-0.0") : BYTES("0"));
    uint8_t *end = decimal_put(at, number);
    if (end != NULL) return end;

    /* yyjson has the shortest digits of any double in about 50 ns, where snprintf and strtod take 1,500. */
    char room[512];
    yyjson_alc pool;
    yyjson_val value = { 0 };
    size_t len = 0;
    bool ok = yyjson_alc_pool_init(&pool, room, sizeof room) && yyjson_set_real(&value, number);
    char *text = ok ? yyjson_val_write_opts(&value, YYJSON_WRITE_NOFLAG, &pool, &len, NULL) : NULL;
    assert(text != NULL && len <= JSON_NUMBER_BYTES_MAX);
    return json_put_raw(at, bytes_from(text, len));
}
