/* feed.h -- what a peer answers when it is asked for changes: text lines, with the bytes of small segments between them.
 *
 *   monoscope-peer 1
 *   list 6f0d..-uuid 417 since                              since: what has changed after the number asked with; full: all there is
 *   owner monoscope/<buffer id>/2 8 640 open otel_logs_and_spans:600 otel_metrics:-1      epoch, visible, stored of each table
 *   removed 1093
 *   segment 1100 0 otel_logs_and_spans <project id> 20784 600 640 18213 18213 9a3f..       owner by its place above, table, day,
 *   <18213 bytes>                                                             (low, high], bytes, bytes here (or 0), their hash
 *   end
 *
 * Lines with another first word are passed over: later versions may say more. Bytes from outside: everything is checked.
 * Thread: any. Memory: arrays of what is there; contents point into the text. Errors: ERR_PROTOCOL with the line. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "timefusion/segment/changes.h"

#define FEED_BYTES_MAX         (64u << 20)
#define FEED_CONTENT_BYTES_MAX (512u << 10) /* a larger segment is fetched apart */
#define FEED_CONTENTS_MAX      (16u << 20)  /* of all in one answer */
#define FEED_OWNERS_MAX        20000
#define FEED_HASH_DIGITS       16

struct feed_owner {
    char app_id[OWNER_APP_ID_BYTES];
    uint64_t epoch, visible;
    bool is_open;
    int64_t stored[SCHEMA_TABLE_COUNT];
};
struct feed_segment {
    uint64_t id;
    uint32_t owner; /* place in owners */
    enum schema_table_id table;
    struct uuid project_id;
    int32_t day;
    uint64_t low, high, bytes;
    struct bytes content; /* empty: not here */
};
struct feed {
    struct uuid list_id;
    uint64_t number;
    bool is_full;
    struct feed_owner *owners;
    struct feed_segment *segments;
    uint64_t *removed;
    uint32_t owner_count, segment_count, removed_count;
};
/* text is borrowed until feed_deinit. On failure *feed is empty. */
MUST_CHECK bool feed_read(struct bytes text, struct feed *feed, struct err *err);
void feed_deinit(struct feed *feed);

/* ERR_TOO_LARGE when out is too small for all of it. */
MUST_CHECK bool feed_write(struct buf *out, const struct segments_changes *changes, struct err *err);

/* How the hash of some bytes is written. */
void feed_hash(struct bytes bytes, char digits[FEED_HASH_DIGITS + 1]);
