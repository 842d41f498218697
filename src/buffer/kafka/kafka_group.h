/* kafka_group.h -- a worker's membership in the consumer group: partitions come and go, records come in order.
 *
 *   kafka_group_poll ──> KAFKA_ASSIGNED  look at the tables, then kafka_group_begin(partition, position) for each
 *                        KAFKA_RECORD    of a partition that has begun and is not paused
 *                        KAFKA_REVOKED   flush, commit, then kafka_group_let_go; until then the group waits for us
 *                        KAFKA_LOST      somebody else has them already: drop all, commit nothing; no let_go
 *                        KAFKA_FATAL     the membership is over (fenced by a process of the same name, no rights): close
 *   flush thread ──kafka_group_commit(partition, position)──> the group needs nothing up to it any more
 *
 * Protocol: cooperative-sticky. With a name a static member (group.instance.id): a process that restarts within session_ms
 *           gets its partitions back without a rebalance; two of one name: the older one gets KAFKA_FATAL. Without one a
 *           process that closes gives its partitions away at once.
 * Shares:   the group shares out the partitions of telemetry, evenly; those of the retry topics go with telemetry's first one.
 * Retry:    records of the retry topics are delivered when their time has come; the partition waits until then, by itself.
 * Position: records of a partition come in rising position, without gaps in KAFKA_TELEMETRY unless retention removed them.
 * Thread:   poll, begin, pause, resume, let_go: one thread, which must poll at least every 60 s or loses its partitions.
 *           commit, stats: any.
 * Memory:   at most fetch_bytes_max of records wait inside (a single larger one is taken).
 * Errors:   ERR_CONFLICT the partition is somebody else's now; ERR_IO the cluster does not answer (later may work). */
#pragma once
#include "buffer/buffer.h"
#include "buffer/kafka/kafka.h"

struct kafka_group_options {
    struct kafka *kafka; /* must outlive the group */
    const char *name;    /* of this worker, unique in the group: group.instance.id */
    uint32_t
        session_ms; /* silence after which the group gives our partitions away; 0: 10 s; brokers want 6 s or more */
    uint64_t fetch_bytes_max; /* 0: 64 MiB */
};

/* Beside the record itself: what sent it through the retry topics. All zero for a record of KAFKA_TELEMETRY. */
struct kafka_retry {
    uint32_t attempt;              /* this is the so-many-th try again; 0: a first try */
    int64_t not_before_unix_us;    /* has passed */
    struct kafka_partition origin; /* where it was first */
    uint64_t origin_position;
    char reason[240]; /* of the last failure */
};

enum kafka_event_kind {
    KAFKA_NOTHING, /* the time is over */
    KAFKA_RECORD,
    KAFKA_ASSIGNED,
    KAFKA_REVOKED,
    KAFKA_LOST,
    KAFKA_FATAL
};
struct kafka_event {
    enum kafka_event_kind kind;
    /* RECORD; borrowed until the next poll, the body too. A message that is not one of ours has error.code != ERR_OK and
     * a record with nothing but position, hash and body: move it to KAFKA_PARKED with that error. */
    struct kafka_partition partition;
    struct buffer_record record;
    struct kafka_retry retry;
    /* ASSIGNED (with how far each reaches), REVOKED, LOST (partition alone). Borrowed until the next poll. Only those that
     * are new or gone, not the ones that stay. */
    const struct kafka_bounds *partitions;
    uint32_t partition_count;
    struct err error; /* FATAL, or RECORD as above */
};

struct kafka_group;
/* Joins; nothing is delivered before the first poll. */
MUST_CHECK bool kafka_group_open(struct kafka_group **group, const struct kafka_group_options *options,
                                 struct err *err);
/* The next thing that happened; waits at most timeout_ms. Never fails: while the cluster is away nothing happens, and it is
 * logged. */
void kafka_group_poll(struct kafka_group *group, uint32_t timeout_ms, struct kafka_event *event);
/* Records after position are delivered from here on: of a partition that was ASSIGNED. Once more: from there again. A position before the first record
 * that retention left begins at that one (compare bounds.position_first yourself: what is missing was never stored). */
MUST_CHECK bool kafka_group_begin(struct kafka_group *group, struct kafka_partition partition, uint64_t position,
                                  struct err *err);
/* No more records of it until resume; what waits inside is fetched again then. */
void kafka_group_pause(struct kafka_group *group, struct kafka_partition partition);
void kafka_group_resume(struct kafka_group *group, struct kafka_partition partition);
/* Answers a REVOKED: its partitions go. Until then no record comes, of no partition: librdkafka stops while it waits. */
void kafka_group_let_go(struct kafka_group *group);
/* Durably, at the cluster: a next owner need not look at records up to position. Going back does nothing. ERR_CONFLICT when
 * the partition is not ours any more. */
MUST_CHECK bool kafka_group_commit(struct kafka_group *group, struct kafka_partition partition, uint64_t position,
                                   struct err *err);

/* Called for each record of the tail with what a repeat is found by. */
typedef void kafka_tail_fn(void *ctx, struct hash128 hash, int64_t received_unix_us, uint64_t position);
/* The records of the partition that the brokers got since since_unix_ms, up to and with position_last, in order; bodies are
 * fetched too, Kafka knows no other way, so it ends early after ms_max (*complete false). On a connection of its own: any
 * thread. */
MUST_CHECK bool kafka_tail_read(struct kafka *kafka, struct kafka_partition partition, int64_t since_unix_ms,
                                uint64_t position_last, uint32_t ms_max, kafka_tail_fn *found, void *ctx,
                                bool *complete, struct err *err);

struct kafka_group_stats {
    uint64_t records, bytes;
    uint64_t rebalances; /* assigned, revoked or lost */
    uint64_t commits, commit_failures;
    uint32_t partitions; /* that have begun */
    bool is_away;        /* no broker answers */
};
void kafka_group_stats(struct kafka_group *group, struct kafka_group_stats *stats);
/* Flush and commit before. A static member leaves without a word, so that a restart within session_ms finds its partitions
 * again; others leave the group. NULL is fine. */
void kafka_group_close(struct kafka_group *group);
