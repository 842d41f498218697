/* copy.h -- rows as COPY ... TO STDOUT writes them: text, CSV or binary.
 *
 *   copy_begin_put  [row]  [row]  ...  copy_end_put       each call appends what goes into one CopyData message
 *
 * Thread: pure. Memory: appended to the caller's buf; scratch is the caller's, one value long. False when out is full.
 * Source: PostgreSQL 15 documentation, "COPY", File Formats; src/backend/commands/copyto.c. */
#pragma once
#include "timefusion/query/wire.h"

struct copy_rows {
    const struct wire_copy *copy;
    const struct query_column *columns;
    uint32_t column_count;
};
/* The header, if there is one. */
MUST_CHECK bool copy_begin_put(struct buf *out, const struct copy_rows *rows);
MUST_CHECK bool copy_row_put(struct buf *out, struct buf *scratch, const struct copy_rows *rows,
                             const struct query_chunk *chunk, uint32_t row);
MUST_CHECK bool copy_end_put(struct buf *out, const struct copy_rows *rows); /* nothing but in binary */
/* One value of a row in text or CSV; of how many. */
MUST_CHECK bool copy_text_put(struct buf *out, const struct wire_copy *copy, struct bytes text);
MUST_CHECK bool copy_csv_put(struct buf *out, const struct wire_copy *copy, struct bytes text, bool must_quote,
                             bool is_alone);
