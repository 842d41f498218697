#include "timefusion/parquet/column_stats.h"

#include "base/utf8.h"

#include <math.h>

#define CODE_POINT_BYTES_MAX 4
#define CODE_POINT_MAX       0x10FFFFu

/* ---- texts ---- */

bool text_bounds_is_less(const uint8_t *a, const uint8_t *b)
{
    return bytes_compare(encode_record_text(a), encode_record_text(b)) < 0;
}

/* The character that starts at ptr, in valid UTF-8. */
static uint32_t code_point_at(const uint8_t *ptr, size_t len)
{
    uint32_t point = len == 1 ? ptr[0] : ptr[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) point = point << 6 | (ptr[i] & 0x3Fu);
    return point;
}

static size_t code_point_put(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, point >>= 6) out[i] = (uint8_t)(0x80 | (point & 0x3F));
    out[0] = (uint8_t)(0xF0u << (4 - len) | point);
    return len;
}

/* The least text of whole characters that is greater than all that begin as text does: its length in out, or 0. */
static size_t max_cut(uint8_t *out, struct bytes text)
{
    size_t len = utf8_cut(text, PARQUET_STATS_BYTES_MAX - CODE_POINT_BYTES_MAX);
    memcpy(out, text.ptr, len);
    while (len > 0) {
        size_t start = len - 1;
        while (start > 0 && (out[start] & 0xC0) == 0x80) start--;
        uint32_t point = code_point_at(out + start, len - start);
        if (point < CODE_POINT_MAX) {
            point = point + 1 == 0xD800 ? 0xE000 : point + 1; /* surrogates are no characters */
            return start + code_point_put(out + start, point);
        }
        len = start;
    }
    return 0;
}

void column_stats_texts(struct parquet_chunk *chunk, const struct text_bounds *bounds)
{
    if (bounds->min == NULL) return;
    struct bytes low = encode_record_text(bounds->min), high = encode_record_text(bounds->max);
    chunk->min_is_exact = low.len <= PARQUET_STATS_BYTES_MAX;
    chunk->min_bytes = (uint8_t)(chunk->min_is_exact ? low.len : utf8_cut(low, PARQUET_STATS_BYTES_MAX));
    memcpy(chunk->min, low.ptr, chunk->min_bytes);
    chunk->max_is_exact = high.len <= PARQUET_STATS_BYTES_MAX;
    if (chunk->max_is_exact) {
        chunk->max_bytes = (uint8_t)high.len;
        memcpy(chunk->max, high.ptr, high.len);
    } else {
        chunk->max_bytes = (uint8_t)max_cut(chunk->max, high);
        if (chunk->max_bytes == 0) return; /* nothing but the last character there is */
    }
    chunk->has_min_max = true;
}

/* ---- numbers ---- */

static void bounds_set(struct parquet_chunk *chunk, const void *min, const void *max, size_t bytes)
{
    memcpy(chunk->min, min, bytes);
    memcpy(chunk->max, max, bytes);
    chunk->min_bytes = chunk->max_bytes = (uint8_t)bytes;
    chunk->min_is_exact = chunk->max_is_exact = true;
    chunk->has_min_max = true;
}

void column_stats_integers(struct parquet_chunk *chunk, const int64_t *values, uint32_t count, enum parquet_type type)
{
    if (count == 0) return;
    int64_t min = values[0], max = values[0];
    for (uint32_t i = 1; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    if (type == PARQUET_TYPE_INT32) {
        int32_t narrow_min = (int32_t)min, narrow_max = (int32_t)max;
        bounds_set(chunk, &narrow_min, &narrow_max, sizeof narrow_min);
    } else {
        bounds_set(chunk, &min, &max, sizeof min);
    }
}

void column_stats_doubles(struct parquet_chunk *chunk, const double *values, uint32_t count)
{
    if (count == 0) return;
    double min = values[0], max = values[0];
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(values[i])) return;
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    if (min == 0) min = -0.0;
    if (max == 0) max = 0.0;
    bounds_set(chunk, &min, &max, sizeof min);
}

void column_stats_booleans(struct parquet_chunk *chunk, const uint8_t *values, uint32_t count)
{
    if (count == 0) return;
    uint8_t min = memchr(values, 0, count) != NULL ? 0 : 1, max = memchr(values, 1, count) != NULL ? 1 : 0;
    bounds_set(chunk, &min, &max, sizeof min);
}
