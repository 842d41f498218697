/* delta_lines.h -- the actions of a commit of ours, as lines of JSON. Private to this folder.
 *
 * Thread: pure functions. Memory: appended to the caller's buf; false only when its greatest size is passed.
 * Source: delta-io/delta PROTOCOL.md, "Actions". */
#pragma once
#include "timefusion/delta/delta_table.h"

MUST_CHECK bool delta_put_protocol(struct buf *buf);
MUST_CHECK bool delta_put_metadata(struct buf *buf, const struct delta_state *state);
/* stats: JSON, not quoted. */
MUST_CHECK bool delta_put_add(struct buf *buf, const struct delta_add *add, const char *stats, bool data_change,
                              int64_t now_unix_ms);
MUST_CHECK bool delta_put_remove(struct buf *buf, const struct delta_file *file, bool data_change, int64_t now_unix_ms);
MUST_CHECK bool delta_put_txn(struct buf *buf, const struct delta_txn_change *txn, int64_t now_unix_ms);

/* commitInfo; what the change did is counted here. */
struct delta_commit_info {
    const char *operation, *parameters_json, *metrics_json; /* see struct delta_change */
    uint64_t read_version;                                  /* DELTA_VERSION_NONE: there was none */
    uint64_t added_count, added_rows, added_bytes, removed_count, removed_bytes;
    uint64_t removed_rows; /* DELTA_ROWS_UNKNOWN: of some file it is not known */
    bool is_blind_append;
    int64_t now_unix_ms;
};
MUST_CHECK bool delta_put_commit_info(struct buf *buf, const struct delta_commit_info *info);
