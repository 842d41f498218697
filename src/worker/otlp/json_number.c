#include "worker/otlp/json_number.h"

#include <math.h>
#include <stdlib.h>

static inline bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') <= 9;
}

/* step: what a digit that fits changes the exponent by, 0 before the point and -1 behind it. */
static const uint8_t *digits_read(const uint8_t *at, const uint8_t *end, struct json_number *number, bool *is_full,
                                  int32_t step)
{
    const uint64_t fits = (UINT64_MAX - 9) / 10; /* one more digit, whichever */
    for (; at < end && is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0'), more;
        if (likely(number->mantissa <= fits && !*is_full)) {
            number->mantissa = number->mantissa * 10 + digit;
            number->exponent += step;
        } else if (!*is_full && !__builtin_mul_overflow(number->mantissa, 10, &more) &&
                   !__builtin_add_overflow(more, digit, &more)) {
            number->mantissa = more;
            number->exponent += step;
        } else {
            *is_full = true; /* a later digit must not take this one's place */
            number->exponent += step + 1;
            number->is_cut |= digit != 0;
        }
    }
    return at;
}

static const uint8_t *exponent_read(const uint8_t *at, const uint8_t *end, int32_t *exponent)
{
    enum { FAR = 1 << 24 }; /* beyond any double, and sums do not overflow */
    bool is_negative = at < end && *at == '-';
    int32_t value = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || !is_digit(*at)) return NULL;
    for (; at < end && is_digit(*at); at++) {
        if (value < FAR) value = value * 10 + (*at - '0');
    }
    *exponent += is_negative ? -value : value;
    return at;
}

const uint8_t *json_number_read(const uint8_t *at, const uint8_t *end, struct json_number *number)
{
    *number = (struct json_number){ 0 };
    bool is_full = false;
    if (at < end && *at == '-') {
        number->is_negative = true;
        at++;
    }
    if (at == end || !is_digit(*at)) return NULL;
    if (*at == '0') {
        at++;
        if (at < end && is_digit(*at)) return NULL;
    } else {
        at = digits_read(at, end, number, &is_full, 0);
    }
    if (at < end && *at == '.') {
        const uint8_t *fraction = at + 1;
        at = digits_read(fraction, end, number, &is_full, -1);
        if (at == fraction) return NULL;
    }
    if (at < end && (*at | 0x20) == 'e') return exponent_read(at + 1, end, &number->exponent);
    return at;
}

bool json_number_whole(const struct json_number *number, uint64_t *magnitude)
{
    uint64_t value = number->mantissa;
    if (number->is_cut) return false;
    if (value == 0) {
        *magnitude = 0;
        return true;
    }
    for (int32_t e = number->exponent; e < 0; e++) { /* at most 20 times: then a digit is not 0 */
        if (value % 10 != 0) return false;
        value /= 10;
    }
    for (int32_t e = number->exponent; e > 0; e--) { /* the same */
        if (__builtin_mul_overflow(value, 10, &value)) return false;
    }
    *magnitude = value;
    return true;
}

bool json_number_double(const struct json_number *number, struct bytes text, double *value)
{
    static const double powers[] = { 1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const int32_t exact_max = (int32_t)COUNT_OF(powers) - 1;
    int32_t exponent = number->exponent;
    if (likely(!number->is_cut && number->mantissa <= UINT64_C(1) << 53 && exponent >= -exact_max &&
               exponent <= exact_max)) {
        /* Both sides are exact, so one operation rounds once (Clinger 1990). */
        double size = (double)number->mantissa;
        size = exponent < 0 ? size / powers[-exponent] : size * powers[exponent];
        *value = number->is_negative ? -size : size;
        return true;
    }
    char copy[JSON_NUMBER_TEXT_MAX + 1]; /* strtod wants its end marked; the process stays in the C locale */
    if (text.len > JSON_NUMBER_TEXT_MAX) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *value = strtod(copy, NULL);
    return isfinite(*value);
}
