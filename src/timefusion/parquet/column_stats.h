/* column_stats.h -- min and max of a column chunk, as Parquet's statistics keep them.
 *
 * Texts over the limit are cut: min at a character's end, max cut and its last character made one greater, with the
 * exactness flags telling so. Doubles: none when there is a NaN; zeros get the sign that keeps bounds true.
 * Thread: pure. Source: parquet.thrift, ColumnOrder and Statistics. */
#pragma once
#include "timefusion/parquet/encode.h"
#include "timefusion/parquet/page.h"

/* The least and the greatest of the texts seen so far. */
struct text_bounds {
    const uint8_t *min, *max; /* NULL: none seen */
    uint64_t min_head, max_head;
};
bool text_bounds_is_less(const uint8_t *a, const uint8_t *b);
/* The first 8 bytes as a number that compares as they do; shorter texts are padded with zeros. */
static inline uint64_t text_bounds_head(const uint8_t *text, uint32_t len)
{
    uint64_t head = 0;
    if (likely(len >= sizeof head)) {
        memcpy(&head, text, sizeof head);
        return __builtin_bswap64(head);
    }
    for (uint32_t i = 0; i < len; i++) head |= (uint64_t)text[i] << (56 - 8 * i);
    return head;
}
static inline void text_bounds_add(struct text_bounds *bounds, const uint8_t *record)
{
    uint64_t head = text_bounds_head(record + sizeof(uint32_t), encode_record_len(record));
    if (unlikely(bounds->min == NULL)) {
        *bounds = (struct text_bounds){ record, record, head, head };
        return;
    }
    if (head <= bounds->min_head && (head < bounds->min_head || text_bounds_is_less(record, bounds->min))) {
        bounds->min = record;
        bounds->min_head = head;
    }
    if (head >= bounds->max_head && (head > bounds->max_head || text_bounds_is_less(bounds->max, record))) {
        bounds->max = record;
        bounds->max_head = head;
    }
}
void column_stats_texts(struct parquet_chunk *chunk, const struct text_bounds *bounds);
void column_stats_integers(struct parquet_chunk *chunk, const int64_t *values, uint32_t count, enum parquet_type type);
void column_stats_doubles(struct parquet_chunk *chunk, const double *values, uint32_t count);
void column_stats_booleans(struct parquet_chunk *chunk, const uint8_t *values, uint32_t count);
