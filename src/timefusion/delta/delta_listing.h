/* delta_listing.h -- what lies in _delta_log, by its names. Private to this folder.
 *
 *   00000000000000000007.json                                    a commit
 *   00000000000000000010.checkpoint.parquet                      a checkpoint
 *   00000000000000000010.checkpoint.0000000001.0000000002.parquet one in parts
 *   00000000000000000010.checkpoint.<uuid>.parquet | .json       a V2 checkpoint: not for us
 *   00000000000000000007.crc                                     a checksum
 *   00000000000000000004.00000000000000000006.compacted.json     commits 4 to 6 once more
 *
 * Source: PROTOCOL.md, "Delta Log Entries", "Checkpoints", "Log Compaction Files", "Version Checksum File". */
#pragma once
#include "timefusion/delta/delta_table.h"

enum delta_log_kind {
    DELTA_LOG_OTHER,
    DELTA_LOG_COMMIT,
    DELTA_LOG_CHECKPOINT,
    DELTA_LOG_CHECKPOINT_V2,
    DELTA_LOG_CHECKSUM,
    DELTA_LOG_COMPACTED,
};
struct delta_log_name {
    enum delta_log_kind kind;
    uint64_t version, first;   /* of several, the last one and the first */
    uint32_t part, part_count; /* of a checkpoint; 0 of 0: a single file */
};
/* name: without its folder. OTHER when it is none of ours. */
struct delta_log_name delta_log_name_parse(const char *name);

struct delta_log_entry {
    struct delta_log_name name;
    int64_t modified_unix_us;
};
struct delta_listing {
    struct delta_log_entry *entries; /* in order of names; without OTHER */
    size_t count, cap, folder_len;
    size_t commit_count, checkpoint_count; /* V2 ones are not counted */
    bool has_v2;
};
/* All, or what there is from a version on (DELTA_VERSION_NONE: all). */
MUST_CHECK bool delta_listing_read(struct delta_table *table, uint64_t from, struct delta_listing *listing,
                                   struct err *err);
void delta_listing_deinit(struct delta_listing *listing);
/* Is entries[at] the last part of a checkpoint that is there as a whole? */
bool delta_listing_checkpoint_ends(const struct delta_listing *listing, size_t at);
void delta_checkpoint_key(const struct delta_table *table, const struct delta_log_name *name, uint32_t part,
                          char key[DELTA_KEY_BYTES]);
