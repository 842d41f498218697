/* owner.h -- whose segments of a buffer partition a query sees: one owner's at a time, and never fewer rows than before.
 *
 *   partition "monoscope/<buffer id>/2"
 *      epoch 7: [segments, up to position 900]   its process died; ours, or copies of a peer's
 *      epoch 8: [segments, up to position 640]   replays what Delta does not hold, from Kafka
 *                                        snapshot: Delta + those of 7, until epoch 8 has come to 900 or Delta has; then 8
 *
 * Words:  an owner is one process's time as the one that stores a partition; its epoch is higher than those of all owners
 *         before it (flush_fence makes it: a commit that also stops the earlier ones from committing any more; the table's
 *         txn of owner_txn_id tells it).
 *         Visible: the rows of every record up to this position are in the owner's listed segments, or in Delta.
 *         Stored: segments with rows up to this position have left the owner's list, for Delta holds them.
 * Rules:  1. In each table a newer owner is taken once
 *              its visible position, or the table's txn, has reached every segment of the older one, and
 *              the table as this process knows it holds what the newer one has stored already.
 *            It is never gone back on.
 *         2. A newer owner makes no cut inside of what an older one may have shown: none below the end that the partition
 *            has in Kafka OWNER_SETTLE_MS after the fence. Nobody takes more from the older one by then: who copies its
 *            segments has seen the fence in the table, or has not looked at the table for OWNER_LOOK_MS and takes nothing.
 *         By 1 a count never goes down; by 2 no segment that is seen has rows on both sides of a table's txn, so no row is
 *         there twice. Should a cut be inside all the same (a newer owner that ran out of disk before it came as far), the
 *         newer owner is taken at once: rather late than twice.
 *
 * Thread: any; the segments' lock guards all but what never changes. A view belongs to its caller.
 * Memory: one struct owner each, freed with its last segment. Partitions stay: some 100 bytes. */
#pragma once
#include "base/err.h"
#include "timefusion/delta/delta.h"
#include <stdatomic.h>

struct segments;
struct file;

#define OWNER_APP_ID_BYTES 96
#define OWNER_TXN_ID_BYTES (OWNER_APP_ID_BYTES + 8)
#define OWNER_SETTLE_MS    3000
#define OWNER_LOOK_MS      2500
#define OWNER_EPOCH_NEXT   0 /* higher than all that this process knows: for a log that has one owner by its lock */

struct owner {
    /* never change */
    char app_id[OWNER_APP_ID_BYTES]; /* as Delta's txn names the partition */
    uint64_t epoch;
    uint32_t partition; /* index */
    bool is_copy;       /* a peer's: its segments here are copies */
    atomic_uint reference_count;
    /* under the segments' lock */
    bool is_open;
    bool is_followed; /* a newer one has begun: the list stays as it is, what would change it from now on is nobody's */
    uint64_t visible;
    int64_t stored[SCHEMA_TABLE_COUNT]; /* -1: nothing */
    uint64_t high[SCHEMA_TABLE_COUNT];  /* of all segments that were listed */
    uint32_t listed_count;
};

struct owner_options {
    const char *app_id;
    uint64_t epoch; /* or OWNER_EPOCH_NEXT */
    bool is_copy;
    int64_t stored[SCHEMA_TABLE_COUNT]; /* the tables' txn when it began: its segments hold rows after these */
};
/* The caller's, to owner_close. ERR_EXISTS: this process knows one of this epoch already. */
MUST_CHECK bool owner_open(struct segments *segments, const struct owner_options *options, struct owner **owner,
                           struct err *err);
/* Nothing more comes from it. Its segments stay, for queries and for peers, until another owner is taken or Delta holds
 * them. NULL is fine. */
void owner_close(struct segments *segments, struct owner *owner);
/* Every row of records up to position is listed now, or in Delta. Going back does nothing. */
void owner_visible(struct segments *segments, struct owner *owner, uint64_t position);

/* "<app_id>/owner": whose version in a table is the epoch of the partition's owner there. */
void owner_txn_id(const char *app_id, char id[OWNER_TXN_ID_BYTES]);

struct owner *owner_acquire(struct owner *owner);
void owner_release(struct owner *owner);

/* ---- what a snapshot takes ---- */

struct owner_view {
    const struct owner *owner;
    uint64_t visible, high;
    int64_t stored;
};
/* A partition as it was when the list was taken; owners by epoch, lowest first. */
struct partition_view {
    uint64_t chosen; /* epoch; 0: none yet. After owners_choose: whose segments are seen */
    int64_t txn;     /* of the table; after owners_choose */
    uint32_t owner_count;
    struct owner_view *owners;
};
struct owners_view {
    uint32_t partition_count;
    struct partition_view *partitions;
};
/* Decides by the table's txn, and keeps the decisions for all later views. files: those that were listed with the view. */
void owners_choose(struct segments *segments, enum schema_table_id table, const struct delta_snapshot *delta,
                   struct file *const *files, uint32_t file_count, struct owners_view *view);
/* The same when nobody asks, for owners_each and segments_trim. */
void owners_settle(struct segments *segments, enum schema_table_id table, const struct delta_snapshot *delta);
/* Is the segment seen? Of the chosen owner, and not in Delta yet. After owners_choose. */
bool owners_view_has(const struct owners_view *view, const struct file *segment);
void owners_view_deinit(struct owners_view *view);

/* What is known of the partitions now, for warnings and counts: each owner in turn, until fn answers false. chosen: is it
 * the one whose segments are seen in every table? */
struct owner_state {
    const char *app_id;
    uint64_t epoch, visible;
    bool is_copy, is_open, is_chosen;
    uint32_t segment_count;
};
void owners_each(struct segments *segments, bool (*fn)(void *ctx, const struct owner_state *state), void *ctx);
