/* member.h -- a process's place in the group of workers: a struct worker for each partition that Kafka gives it.
 *
 *   ASSIGNED --> fence (timefusion/flush.h), marks, worker_open, begin at the released position, never beyond the tables' txn
 *                --first record--> the tail before it is read: hashes of the last 10 minutes --> records flow
 *   RECORD   --> seen before? passed over : worker_offer; a worker whose queue is full pauses its partition
 *   REVOKED  --> flush what there is, commit, close, let go           LOST --> close; the next owner rebuilds it from Kafka
 *   a fenced worker (ERR_CONFLICT), a partition that is ours all the same --> taken over anew
 *
 * A partition of a retry topic gets its worker with its first record. What cannot be stored goes on by kafka_move.h.
 * Costs a partition: two threads, and of its own each minute a commit and the files of its projects (docs/adr/0009).
 *
 * Thread: "kafka" polls and never waits for anything else; "partitions" does what takes long (commits, tails, closing).
 * Memory: worker_memory for columns, requests_bytes_max for all that waits to become rows, REPEATS_MAX hashes.
 * Errors: of open. Later ones that cannot pass by waiting go to `failed`: another process with our name, a topic that lost
 *         records the tables have. */
#pragma once
#include "buffer/kafka/kafka_group.h"
#include "worker/worker.h"

struct member;
struct member_options {
    struct kafka *kafka;
    const char *name;    /* unique in the group, the same after a restart */
    uint32_t session_ms; /* kafka_group_options */
    uint64_t requests_bytes_max;
    uint32_t flush_ms_max; /* how long a revoked partition may take to store what it has; 0: 15 s */
    /* As each worker has them; timefusion, memory, attribute_keys_max, publish_ms, flush_ms, quiet_*, taps and log are set. */
    struct worker_options worker;
    /* Nothing more can be done here: the process should end with this error. On a thread of the member's. */
    void (*failed)(void *ctx, const struct err *err);
    void *ctx;
};
/* Joins the group; partitions come later, by themselves. */
MUST_CHECK bool member_open(struct member **member, const struct member_options *options, struct err *err);
/* Until the tables have the partition up to position, or ERR_TIMEOUT; 0 ms: only asks for it. app_id: as in the tables.
 * ERR_NOT_FOUND: it is not ours. */
MUST_CHECK bool member_flush(struct member *member, const char *app_id, uint64_t position, uint32_t timeout_ms,
                             struct err *err);

enum member_phase { MEMBER_TAKING, MEMBER_RUNNING, MEMBER_ENDING };
struct member_partition {
    struct kafka_partition partition;
    enum member_phase phase;
    uint64_t epoch;    /* 0: not taken over yet, or a retry topic's without records */
    uint64_t position; /* stored */
    uint64_t position_offered;
    uint64_t position_last; /* where it ended at the last member_look */
    uint64_t repeats;
    struct worker_stats worker; /* all zero without one */
};
/* Up to cap of them; returns how many there are. */
uint32_t member_partitions(struct member *member, struct member_partition *partitions, uint32_t cap);
/* Asks the cluster how far our partitions reach: waits for it. Each second or so: what was just taken over is not cut before
 * (worker_settle). */
MUST_CHECK bool member_look(struct member *member, struct err *err);
struct member_stats {
    /* Of all workers there were; columns_bytes, queue_bytes, is_disk_failing of those there are. No positions. */
    struct worker_stats workers;
    uint64_t repeats, records_lost; /* lost: removed by retention before they were stored */
    uint64_t taken_over, fenced;    /* partitions that came; that others had taken without a word */
    uint64_t retried, parked;
    uint32_t partitions;
    struct kafka_group_stats group;
};
void member_stats(struct member *member, struct member_stats *stats);
/* Stores what there is for at most flush_ms, commits, and closes, without a word to the group: our partitions wait for our
 * restart as long as a session lasts. NULL is fine. */
void member_close(struct member *member, uint32_t flush_ms);
