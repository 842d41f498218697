/* kafka_move.h -- what cannot be stored goes on its way: to a retry topic, at last to the parked one; never lost or doubled.
 *
 *   worker: a record fails  ──hold it──┐                          (its partition goes on)
 *   before the Delta commit of a cut:  kafka_mark(partition, committed so far, positions that failed below the cut)
 *   after it, instead of kafka_group_commit:  kafka_move(partition, position of the cut, the records that failed)
 *   assigned: kafka_marks_read; a marked record at or below the tables' txn is not stored, it is held and moved again
 *
 * Why:     Between the Delta commit and the move a crash must neither lose the record nor store it twice. A mark is decided
 *          before the commit and kept in the metadata of the group's committed offset; the move is one Kafka transaction of
 *          the new record and the group's new offset, so that it happens once and only by the owner of the partition
 *          (docs/adr/0008). A cut in which nothing failed needs none of this.
 * Attempt: after a failure with retry.attempt n the record goes to retry topic n + 1, due after that topic's delay; after
 *          KAFKA_RETRIES of them, or when is_final, it is parked.
 * Thread:  any, one transaction after the other; waits for the cluster.
 * Memory:  the records are borrowed for the call.
 * Errors:  ERR_CONFLICT the partition is somebody else's now: drop it; ERR_IO later may work: call again;
 *          ERR_TOO_LARGE more than KAFKA_MARKS_MAX failed since the last commit: cut earlier. */
#pragma once
#include "buffer/kafka/kafka_group.h"

#define KAFKA_MARKS_MAX 400 /* in the metadata of an offset, which brokers bound to 4096 bytes */

struct kafka_moved {
    struct buffer_record record; /* as it came; position is that in its partition */
    struct kafka_retry retry;    /* as it came */
    const char *reason;          /* of this failure */
    bool is_final;               /* trying again cannot help: straight to the parked topic */
};
struct kafka_mover;
/* name: of this worker, unique (its transactional.id). */
MUST_CHECK bool kafka_mover_open(struct kafka_mover **mover, struct kafka *kafka, struct kafka_group *group,
                                 const char *name, struct err *err);
void kafka_mover_close(struct kafka_mover *mover); /* NULL is fine */
/* Durably, at the cluster: these positions failed and are to be moved. committed is what was committed last. */
MUST_CHECK bool kafka_mark(struct kafka_mover *mover, struct kafka_partition partition, uint64_t committed,
                           const uint64_t *positions, uint32_t count, struct err *err);
/* The moves and the commit of position, all or nothing; it takes the marks away. */
MUST_CHECK bool kafka_move(struct kafka_mover *mover, struct kafka_partition partition, uint64_t position,
                           const struct kafka_moved *moved, uint32_t count, struct err *err);
/* What was marked and not moved; at most KAFKA_MARKS_MAX, rising. Of a partition that was ASSIGNED. */
MUST_CHECK bool kafka_marks_read(struct kafka_mover *mover, struct kafka_partition partition,
                                 uint64_t positions[KAFKA_MARKS_MAX], uint32_t *count, struct err *err);

struct kafka_mover_stats {
    uint64_t retried, parked;
};
void kafka_mover_stats(struct kafka_mover *mover, struct kafka_mover_stats *stats);

/* What kafka_marks_read reads; for its fuzz target. False: no worker wrote it. */
MUST_CHECK bool kafka_marks_parse(struct bytes text, uint64_t positions[KAFKA_MARKS_MAX], uint32_t *count);
