/* copy_in.h -- what COPY ... FROM STDIN is sent, taken apart into rows of fields: text, CSV or binary.
 *
 *   CopyData, cut anywhere --copy_in_feed--> row(fields), row(fields) ...      CopyDone --copy_in_end--> the last line
 *
 * Thread: pure, sans-I/O. Memory: one row, at most COPY_ROW_BYTES_MAX; fields are borrowed for the call of row.
 * Errors: ERR_VALUE (22P04 in PostgreSQL) what is sent is not of the format; text begins with the line: "line 3: ...".
 *         ERR_TOO_LARGE a row. What row answers false with ends it as it is.
 * Source: PostgreSQL 15 documentation, "COPY", File Formats; src/backend/commands/copyfromparse.c. */
#pragma once
#include "timefusion/query/query.h"
#include "timefusion/query/wire.h"

#define COPY_ROW_BYTES_MAX (32u << 20)

struct copy_in_options {
    const struct wire_copy *copy;
    const char *const *names; /* of the columns */
    uint32_t column_count;
    bool (*row)(void *ctx, const struct query_field *fields, struct err *err);
    void *ctx;
};
struct copy_in {
    struct copy_in_options options;
    struct buf data; /* a row that has not come whole */
    size_t scanned;  /* bytes of it in which its end is not */
    bool in_quote, is_escaped, has_head, is_ended;
    uint64_t line;         /* where the row began; of binary: its number */
    uint64_t lines_within; /* ends of lines in quotes */
    struct query_field *fields;
};
void copy_in_init(struct copy_in *in, const struct copy_in_options *options);
void copy_in_deinit(struct copy_in *in);
MUST_CHECK bool copy_in_feed(struct copy_in *in, struct bytes data, struct err *err);
MUST_CHECK bool copy_in_end(struct copy_in *in, struct err *err);
