/* column_stats.h -- min and max of a column chunk, as Parquet's statistics keep them.
 *
 * Texts over the limit are cut: min at a character's end, max cut and its last character made one greater, with the
 * exactness flags telling so. Doubles: none when there is a NaN; zeros get the sign that keeps bounds true.
 * Thread: pure. Source: parquet.thrift, ColumnOrder and Statistics. */
#pragma once
#include "timefusion/parquet/page.h"

void column_stats_texts(struct parquet_chunk *chunk, const uint8_t *const *records, uint32_t count);
void column_stats_integers(struct parquet_chunk *chunk, const int64_t *values, uint32_t count, enum parquet_type type);
void column_stats_doubles(struct parquet_chunk *chunk, const double *values, uint32_t count);
void column_stats_booleans(struct parquet_chunk *chunk, const uint8_t *values, uint32_t count);
