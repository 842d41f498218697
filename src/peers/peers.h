/* peers.h -- the rows of the last minute, from whichever process has them: a query process keeps copies of what workers list.
 *
 *   members (Kafka's group, each second) ──> a follower per worker ──GET /peer/v1/changes, answered when there are any──> worker
 *                                              '──> copies in our segments, each owner's epoch and position ──> snapshots
 *                                        ──> warnings: a partition without worker, a worker that does not answer, one that
 *                                            has not come as far as the one before it
 *
 * Segments are immutable and small changes bring their bytes along: a row is here a round trip after its worker listed it.
 * Copies outlive their worker: they go when Delta, as we know it, has their rows, or when another owner has come as far
 * (timefusion/segment/owner.h). At the limit of bytes nothing new is taken until some have gone; that is a warning too.
 *
 * Thread: one that asks for the members, and one a peer. peers_flush, _tail and _stats: any.
 * Memory: a MiB a peer while it copies; footers of the copies, under footer_bytes_max.
 * Errors: none reaches a query but as a warning in its snapshot. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "timefusion/timefusion.h"

struct peers;

#define PEERS_ADDRESS_BYTES 128

/* A partition of the buffer and who is to have it. */
struct peers_partition {
    char name[96];                     /* for people: "monoscope.telemetry/2" */
    char app_id[96];                   /* as Delta's txn names it */
    char address[PEERS_ADDRESS_BYTES]; /* of its worker: "host:port"; empty: none has it */
    bool is_lazy;                      /* it begins with its first record: that nobody has begun is no gap */
};
struct peers_members {
    struct peers_partition *partitions; /* by malloc */
    uint32_t count;
    bool is_stable; /* false: they are being shared out anew */
};

struct peers_options {
    struct timefusion *timefusion;
    /* Who has what now; may wait some seconds. Fills in what is the caller's to free. */
    bool (*members)(void *ctx, struct peers_members *members, struct err *err);
    void *ctx;
    const char *own_address; /* of our own server, which needs no follower; NULL: none */
    const char *key;         /* the cluster's */
    const char *ca_file;     /* NULL: the system's authorities */
    bool has_tls;            /* peers are asked by https */
    uint64_t disk_bytes_max, footer_bytes_max;
    const struct log *log;
};
MUST_CHECK bool peers_open(struct peers **peers, const struct peers_options *options, struct err *err);
void peers_close(struct peers *peers); /* NULL is fine */

/* Asks the owner of each partition to put what it has up to position into the tables, and waits until all have; who owns it
 * may change meanwhile. ERR_TIMEOUT names the first that has not. */
struct peers_goal {
    const char *app_id;
    uint64_t position;
};
MUST_CHECK bool peers_flush(struct peers *peers, const struct peers_goal *goals, uint32_t count, uint32_t timeout_ms,
                            struct err *err);

/* Brings rows that fit the tail from all workers into it (tail_feed.h): what has come since the last time. Waits for their
 * answers, TAIL_ASK_MS at most; who does not answer is left alone for a while. By the tail's reader. */
struct tail;
void peers_tail(struct peers *peers, struct tail *tail);

struct peers_stats {
    uint32_t peers, peers_away; /* followed; of them, those that do not answer */
    uint32_t partitions, partitions_without_worker;
    uint32_t partitions_away;    /* whose worker does not answer */
    uint32_t partitions_behind;  /* whose worker has not come as far as what is seen */
    uint64_t copies, copy_bytes; /* kept now */
    uint64_t copied, copied_bytes, copy_failures;
    bool is_full;      /* at a limit: nothing new is taken */
    bool has_members;  /* Kafka has told us, and not long ago */
    bool has_answered; /* and each peer has been asked: what can be seen is seen */
};
void peers_stats(struct peers *peers, struct peers_stats *stats);
