#include "issues/row.h"

#define LAYOUT 1

static uint8_t *put(uint8_t *at, const void *number, size_t len)
{
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie");
    memcpy(at, number, len);
    return at + len;
}

size_t row_write(const struct group_row *row, uint8_t bytes[ROW_BYTES_MAX])
{
    const struct similar_sketch *sketch = &row->sketch;
    assert(sketch->count <= SIMILAR_SHINGLES_MAX);
    uint8_t count = (uint8_t)sketch->count, *at = bytes;
    *at++ = LAYOUT;
    at = put(at, &row->template_hash, 8);
    at = put(at, &row->service_hash, 8);
    at = put(at, &row->family_hash, 8);
    at = put(at, &row->type_hash, 8);
    at = put(at, &sketch->gate, 8);
    *at++ = count;
    at = put(at, sketch->hash, count * sizeof sketch->hash[0]);
    at = put(at, sketch->weight, count * sizeof sketch->weight[0]);
    *at++ = row->has_vector;
    if (row->has_vector) at = put(at, row->vector, sizeof row->vector);
    return (size_t)(at - bytes);
}

static bool take(struct bytes *bytes, void *to, size_t len)
{
    if (bytes->len < len) return false;
    if (len > 0) memcpy(to, bytes->ptr, len);
    *bytes = bytes_from(bytes->ptr + len, bytes->len - len);
    return true;
}

static bool sketch_take(struct bytes *bytes, struct similar_sketch *sketch)
{
    uint8_t count;
    if (!take(bytes, &sketch->gate, 8) || !take(bytes, &count, 1) || count > SIMILAR_SHINGLES_MAX) return false;
    sketch->count = count;
    if (!take(bytes, sketch->hash, count * sizeof sketch->hash[0]) ||
        !take(bytes, sketch->weight, count * sizeof sketch->weight[0]))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (sketch->weight[i] == 0 || (i > 0 && sketch->hash[i - 1] >= sketch->hash[i])) return false;
    return true;
}

bool row_read(struct bytes bytes, struct group_row *row, struct err *err)
{
    uint8_t layout, has_vector;
    bool is_good = take(&bytes, &layout, 1) && layout == LAYOUT && take(&bytes, &row->template_hash, 8) &&
                   take(&bytes, &row->service_hash, 8) && take(&bytes, &row->family_hash, 8) &&
                   take(&bytes, &row->type_hash, 8) && sketch_take(&bytes, &row->sketch) &&
                   take(&bytes, &has_vector, 1) && has_vector <= 1 &&
                   (has_vector == 0 || take(&bytes, row->vector, sizeof row->vector)) && bytes.len == 0;
    if (!is_good) return err_set(err, ERR_CORRUPT, "a fingerprint's row is not as it is written");
    row->has_vector = has_vector == 1;
    return true;
}

bool row_of(const struct issue_row *kept, struct group_row *row, struct err *err)
{
    *row = (struct group_row){ .key = row_key(kept->id),
                               .group = (uint64_t)kept->issue,
                               .by = kept->is_pinned                     ? GROUP_BY_PERSON
                                     : kept->decided_by < GROUP_BY_COUNT ? (enum group_by)kept->decided_by
                                                                         : GROUP_BY_NEW,
                               .is_pinned = kept->is_pinned,
                               .score = (float)kept->score,
                               .threshold = (float)kept->threshold,
                               .with = row_key(kept->like_id),
                               .errors_version = kept->errors_version,
                               .similar_version = kept->similar_version,
                               .group_version = kept->group_version };
    /* Of other versions nothing but the fingerprint is used, and their bytes may be others. */
    if (kept->errors_version != ERRORS_VERSION || kept->similar_version != SIMILAR_VERSION) return true;
    return row_read(kept->row, row, err);
}

void row_keep(const struct group_row *row, struct issue_row *kept, uint8_t bytes[ROW_BYTES_MAX])
{
    *kept = (struct issue_row){ .id = row_id(row->key),
                                .issue = (int64_t)row->group,
                                .decided_by = row->by,
                                .score = (double)row->score,
                                .threshold = (double)row->threshold,
                                .like_id = row_id(row->with),
                                .is_pinned = row->is_pinned,
                                .errors_version = row->errors_version,
                                .similar_version = row->similar_version,
                                .group_version = row->group_version };
    kept->row = bytes_from(bytes, row_write(row, bytes));
}
