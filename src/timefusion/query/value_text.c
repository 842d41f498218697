/* Numbers and intervals as PostgreSQL shows them. */
#include "base/json.h"
#include "timefusion/query/query.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* float8out and float4out: the digits of any decimal form, as PostgreSQL places them: 0.0001, 123, 1e+15. */
static bool put_digits(struct buf *out, const char *decimal, int exponent_max)
{
    char digits[40];
    int count = 0, exponent = 0, shift = 0;
    bool is_negative = *decimal == '-', seen_point = false;
    for (decimal += is_negative; *decimal && *decimal != 'e' && *decimal != 'E'; decimal++) {
        if (*decimal == '.') {
            seen_point = true;
            continue;
        }
        if (count == 0 && *decimal == '0') {
            shift -= seen_point; /* zeros before the first digit count only behind the point */
            continue;
        }
        if (count < (int)sizeof digits) digits[count++] = *decimal;
        if (!seen_point) exponent++;
    }
    exponent += shift - 1;
    if (*decimal) exponent += atoi(decimal + 1);
    while (count > 0 && digits[count - 1] == '0') count--;
    if (is_negative && !buf_add(out, "-", 1)) return false;
    if (count == 0) return buf_add(out, "0", 1);
    if (exponent < -4 || exponent >= exponent_max)
        return buf_add(out, digits, 1) &&
               (count == 1 || (buf_add(out, ".", 1) && buf_add(out, digits + 1, (size_t)count - 1))) &&
               buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    bool ok = exponent >= 0 || buf_printf(out, "0.");
    for (int zeros = exponent + 1; ok && zeros < 0; zeros++) ok = buf_add(out, "0", 1);
    for (int d = 0; ok && (d < count || d <= exponent); d++) {
        if (d > 0 && d == exponent + 1) ok = buf_add(out, ".", 1);
        ok = ok && buf_add(out, d < count ? &digits[d] : "0", 1);
    }
    return ok;
}

static bool put_special(struct buf *out, double number)
{
    if (isnan(number)) return buf_printf(out, "NaN");
    return buf_printf(out, number > 0 ? "Infinity" : "-Infinity");
}

bool query_double_put(struct buf *out, double number)
{
    char text[JSON_NUMBER_BYTES_MAX + 1];
    if (!isfinite(number)) return put_special(out, number);
    *json_put_double((uint8_t *)text, number) = '\0';
    return put_digits(out, text, 15);
}

bool query_float_put(struct buf *out, double number)
{
    char text[32];
    if (!isfinite(number)) return put_special(out, number);
    for (int digits = 0; digits <= 8; digits++) {
        float back;
        snprintf(text, sizeof text, "%.*e", digits, number);
        if (sscanf(text, "%f", &back) == 1 && back == (float)number) break;
    }
    return put_digits(out, text, 6);
}

/* A part that is above zero after one below it says so. */
static bool interval_part(struct buf *out, int32_t number, const char *unit, bool *is_before, bool *any)
{
    if (number == 0) return true;
    bool ok = buf_printf(out, "%s%s%" PRId32 " %s%s", *any ? " " : "", *is_before && number > 0 ? "+" : "", number,
                         unit, number == 1 ? "" : "s");
    *is_before = number < 0;
    *any = true;
    return ok;
}

bool query_interval_put(struct buf *out, int32_t months, int32_t days, int64_t micros)
{
    bool is_before = false, any = false;
    if (!interval_part(out, months / 12, "year", &is_before, &any) ||
        !interval_part(out, months % 12, "mon", &is_before, &any) || !interval_part(out, days, "day", &is_before, &any))
        return false;
    if (any && micros == 0) return true;
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    const char *sign = micros < 0 ? "-" : is_before ? "+" : "";
    if (!buf_printf(out, "%s%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, any ? " " : "", sign, rest / 3600000000,
                    rest / 60000000 % 60, rest / 1000000 % 60))
        return false;
    if (rest % 1000000 == 0) return true;
    if (!buf_printf(out, ".%06" PRIu64, rest % 1000000)) return false;
    while (out->ptr[out->len - 1] == '0') out->len--;
    return true;
}
