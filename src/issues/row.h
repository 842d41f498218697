/* row.h -- what the index needs of a fingerprint (struct group_row), as bytes of a column.
 *
 *   byte 0      1: this layout
 *   1 .. 32     hashes of template, service, family, type: 8 bytes each, little-endian as all numbers
 *   33 .. 40    the sketch's gate
 *   41          its shingles: n, at most SIMILAR_SHINGLES_MAX
 *   42 ..       n hashes of 4 bytes, n weights of 2
 *   then        1: a vector of EMBED_DIMENSIONS bytes follows; 0: none
 *
 * What people sort and read by (issue, score, versions ...) has columns of its own: struct issue_row.
 * Thread: any. Errors: ERR_CORRUPT. */
#pragma once
#include "errors/group.h"
#include "meta/issue_owner.h"

#define ROW_BYTES_MAX (43 + SIMILAR_SHINGLES_MAX * 6 + EMBED_DIMENSIONS)

size_t row_write(const struct group_row *row, uint8_t bytes[ROW_BYTES_MAX]);
/* All of a group_row that the bytes have. */
MUST_CHECK bool row_read(struct bytes bytes, struct group_row *row, struct err *err);
/* The whole of it. */
MUST_CHECK bool row_of(const struct issue_row *kept, struct group_row *row, struct err *err);
/* The other way round; bytes: where its row is written to. */
void row_keep(const struct group_row *row, struct issue_row *kept, uint8_t bytes[ROW_BYTES_MAX]);

/* A fingerprint's id is its key in the index. */
static inline struct hash128 row_key(struct uuid id)
{
    struct hash128 key;
    memcpy(&key.hi, id.bytes, 8);
    memcpy(&key.lo, id.bytes + 8, 8);
    return key;
}
static inline struct uuid row_id(struct hash128 key)
{
    struct uuid id;
    memcpy(id.bytes, &key.hi, 8);
    memcpy(id.bytes + 8, &key.lo, 8);
    return id;
}
