/* json.h -- JSON (RFC 8259) out, appended to bytes the caller has reserved. (In: yyjson, used directly.)
 *
 *   uint8_t *at = reserve(json_text_bytes_max(text.len) + ...);
 *   at = json_put_text(at, text);
 *
 * The writers are the hot path of attributes: no allocation, no check inside; the caller reserves
 * the stated greatest size. They return where the next byte goes.
 * Thread: any. Source of numbers: shortest text that reads back as the same double. */
#pragma once
#include "base/bytes.h"
static inline size_t json_text_bytes_max(size_t len)
{
    return 6 * len + 2;
}
#define JSON_NUMBER_BYTES_MAX 32
uint8_t *json_put_text(uint8_t *at, struct bytes text); /* with quotes; text must be valid UTF-8 */
uint8_t *json_put_int(uint8_t *at, int64_t number);
/* NaN and infinities become the strings "NaN", "Infinity", "-Infinity" (as OTLP/JSON has them). */
uint8_t *json_put_double(uint8_t *at, double number);
static inline uint8_t *json_put_raw(uint8_t *at, struct bytes raw)
{
    memcpy(at, raw.ptr, raw.len);
    return at + raw.len;
}
