/* footer_select.h -- a footer of some of a file's row groups: with the file's own bytes before it, a file of those alone.
 *
 *   [row group 0][1][2][3][footer of 0 to 3]  --groups 1, 3-->  [row group 0][1][2][3][footer of 1 and 3]
 *
 * A reader that opens every row group it is told of is told of few. Thread: pure. Errors: ERR_CORRUPT. */
#pragma once
#include "timefusion/parquet/parquet.h"

/* raw: the footer's bytes, without length and magic; footer: what parquet_footer_read made of them. groups: bit n is row group
 * n, bit 63 also all behind it; at least one. Appends [FileMetaData][length][PAR1] to out. */
MUST_CHECK bool parquet_footer_select(struct bytes raw, const struct parquet_footer *footer, uint64_t groups,
                                      struct buf *out, struct err *err);
static inline bool parquet_group_is_in(uint64_t groups, uint32_t group)
{
    return groups >> (group < 63 ? group : 63) & 1;
}
