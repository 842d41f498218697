/* replays.h -- the tap that puts what pages recorded into the object store.
 *
 *   a partition's tap (counting.h): batches --replay_delta.h--> held --store--> objects, then meta/replay.h with its position
 *                                                                   '-- now and then sessions past their time go
 *   [thread] small segments become few: replay_join.h
 *
 * Key of an object: replay/PROJECT/SESSION/TAB-FIRST-LAST-PARTITION.ndjson.gz, FIRST and LAST positions in the buffer's partition.
 * Thread: open and close the owner's; stats any. Memory: bytes_max. Errors: see tap.h. */
#pragma once
#include "worker/counting/counting.h"

struct object_store;
struct replays;
struct replays_options {
    struct db *db;
    struct object_store *objects;
    uint64_t bytes_max;
    int64_t idle_us; /* sessions without data for so long are complete */
    int64_t keep_us; /* sessions that ended longer ago go; 0: for ever */
    const struct log *log;
};
MUST_CHECK bool replays_open(struct replays **replays, const struct replays_options *options, struct err *err);
/* For worker_options; good until replays_close. */
struct tap_source replays_source(struct replays *replays);
struct replay_joiner_stats;
void replays_stats(struct replays *replays, struct counting_stats *stats, struct replay_joiner_stats *joins);
/* Every tap must be closed. NULL is fine. */
void replays_close(struct replays *replays);
