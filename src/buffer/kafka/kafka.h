/* kafka.h -- a Kafka cluster as the buffer: the connection, the topics, who they are, how far they reach.
 *
 *   ingest ──kafka_producer.h──> monoscope.telemetry ──kafka_group.h──> worker
 *                                  monoscope.retry.1 .2 .3   what could not be stored, after 5, 60, 600 s   <──kafka_move.h── worker
 *                                  monoscope.parked          what could not be stored at all, with the reason <──────┘
 *   query ──kafka_members, kafka_bounds──> who has which partition, how far it reaches
 *
 * Words:   position = offset + 1, so that 0 is "nothing yet" as it is in our own log. A partition is a topic and a number in
 *          it; each is a partition of its own in Delta, under kafka_buffer_id(its topic): "monoscope/<buffer id>/<number>".
 * Ids:     a buffer id is UUIDv5 of the cluster's id and the topic's: a topic that is deleted and made again has another.
 * Topics:  kafka_open makes those that are missing, with the partitions, replication and retention of its options; one that is
 *          there is taken as it is. min.insync.replicas is the operator's: with less than 2 of it, acknowledged means one disk.
 * Thread:  any, once open; calls that ask the cluster wait for it, at most KAFKA_CALL_MS: not from a loop.
 * Memory:  librdkafka's metadata; nothing that grows with the records.
 * Errors:  ERR_IO the cluster does not answer (later may work); ERR_UNAUTHENTICATED, ERR_FORBIDDEN it does not let us;
 *          ERR_INPUT a setting that cannot be; ERR_NOT_FOUND a topic that was there is gone; ERR_CONFLICT it was made again.
 * Source:  librdkafka 2.15 (deps/bring), which only this folder includes. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"

#define KAFKA_CALL_MS        10000
#define KAFKA_RETRIES        3
#define KAFKA_RECORD_BYTES   (65u << 20) /* of a body; a topic's max.message.bytes is a little more */
#define KAFKA_PARTITIONS_MAX 10000

enum kafka_topic { KAFKA_TELEMETRY, KAFKA_RETRY_1, KAFKA_RETRY_2, KAFKA_RETRY_3, KAFKA_PARKED, KAFKA_TOPIC_COUNT };
struct kafka_partition {
    enum kafka_topic topic;
    uint32_t number;
};
static inline bool kafka_partition_equal(struct kafka_partition a, struct kafka_partition b)
{
    return a.topic == b.topic && a.number == b.number;
}

/* How to reach a cluster and what its topics are like. Texts are borrowed until kafka_open has returned. */
struct kafka_options {
    const char *brokers;      /* host:port,host:port */
    const char *client_id;    /* "monoscope-ingest", "monoscope-worker/<peer address>", ...: kafka_members tells it */
    const char *group;        /* of the workers, e.g. "monoscope.workers" */
    const char *topic_prefix; /* "monoscope" */
    uint32_t partitions;      /* of a telemetry topic that is made; 0: 3 */
    int32_t replication;      /* of a topic that is made; 0: the brokers' default */
    uint64_t retention_ms;    /* of telemetry and retry topics that are made; 0: 7 days */
    uint64_t retry_ms[KAFKA_RETRIES]; /* how long a record waits in each; 0: 5, 60, 600 s */
    const char *security;             /* NULL or "": plaintext; ssl, sasl_plaintext, sasl_ssl */
    const char *sasl_mechanism;       /* NULL or "": SCRAM-SHA-512; SCRAM-SHA-256, PLAIN */
    const char *sasl_username, *sasl_password;
    const char *ca_file, *cert_file, *key_file; /* PEM; NULL: the system's authorities; no certificate of our own */
    const struct log *log;
};

struct kafka;
/* Reaches the cluster, makes topics that are missing, learns all ids. On failure *kafka is NULL. */
MUST_CHECK bool kafka_open(struct kafka **kafka, const struct kafka_options *options, struct err *err);
/* After everything that was made with it. NULL is fine. */
void kafka_close(struct kafka *kafka);

/* The rest is fixed at open. */
struct uuid kafka_buffer_id(const struct kafka *kafka, enum kafka_topic topic);
uint32_t kafka_partition_count(const struct kafka *kafka, enum kafka_topic topic);
const char *kafka_topic_name(const struct kafka *kafka, enum kafka_topic topic);
const char *kafka_cluster_id(const struct kafka *kafka);
uint64_t kafka_retry_ms(const struct kafka *kafka, uint32_t attempt); /* before that attempt, from 1 to KAFKA_RETRIES */
/* Is every topic still the one that was there at open, with as many partitions? ERR_NOT_FOUND, ERR_CONFLICT name what to do. */
MUST_CHECK bool kafka_check(struct kafka *kafka, struct err *err);

/* How far a partition reaches and how far the group of the workers has come. */
struct kafka_bounds {
    struct kafka_partition partition;
    uint64_t position_first; /* of the oldest record that retention has left; position_last + 1 when there is none */
    uint64_t position_last;  /* of the newest acknowledged one; 0: none yet */
    uint64_t position_committed; /* the group needs nothing up to it any more */
    bool has_committed;          /* false: the group never committed here */
};
/* Fills in the rest of each bounds[i] whose partition is set. */
MUST_CHECK bool kafka_bounds(struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count, struct err *err);

/* Who has which partition, as the group's coordinator says it. */
struct kafka_member {
    char client_id[160]; /* kafka_options.client_id of that process */
    char host[64];
    struct kafka_partition *partitions; /* of our topics */
    uint32_t partition_count;
};
struct kafka_members {
    struct kafka_member *members;
    uint32_t count;
    bool is_stable; /* false: a rebalance is under way, and partitions may be missing */
};
/* On success *members is the caller's, to kafka_members_deinit; a group that nobody has joined yet is an empty one. */
MUST_CHECK bool kafka_members(struct kafka *kafka, struct kafka_members *members, struct err *err);
void kafka_members_deinit(struct kafka_members *members);
/* What a member was assigned, as the group's leader wrote it, each partition in turn; false: it is not whole. */
MUST_CHECK bool kafka_assignment_read(struct bytes text, void (*found)(void *ctx, struct bytes topic, uint32_t number),
                                      void *ctx);
