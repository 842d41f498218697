/* kafka_group_inside.h -- the inside of a membership, for kafka_group.c and kafka_move.c.
 *
 * Thread: `lock` guards the list of partitions against commits of other threads; only the polling thread changes it. */
#pragma once
#include "buffer/kafka/kafka_client.h"
#include "buffer/kafka/kafka_group.h"
#include "buffer/kafka/kafka_record.h"
#include <pthread.h>
#include <stdatomic.h>

#define GROUP_HEADERS_MAX 64
#define GROUP_STEP_MS     100
#define GROUP_WAIT_US_MAX (INT64_C(2) * 86400 * 1000000)

struct group_partition {
    struct kafka_partition partition;
    bool has_begun, is_paused;
    bool is_marked;              /* the committed offset's metadata tells of records that failed (kafka_move.h) */
    uint64_t position_committed; /* by us */
    rd_kafka_event_t *held;      /* a record whose time has not come; its partition is paused */
    const rd_kafka_message_t *held_message;
    uint64_t due_mono_ns;
};
struct kafka_group {
    struct kafka *kafka;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *current;                 /* what the last poll told is borrowed from it */
    rd_kafka_topic_partition_list_t *assigned; /* not yet told of */
    uint64_t ask_mono_ns, refresh_mono_ns;
    rd_kafka_topic_partition_list_t *revoked; /* told of, not yet let go; or NULL */
    struct kafka_bounds *told;
    uint32_t told_cap;
    _Atomic uint64_t records, bytes, rebalances, commits, commit_failures;
    atomic_bool is_away;
    pthread_mutex_t lock; /* guards the rest */
    struct group_partition *partitions;
    uint32_t partition_count, partition_cap;
};

/* A message as a record; position and body are set even when it is not one of ours. */
MUST_CHECK bool kafka_message_read(const struct kafka *kafka, const rd_kafka_message_t *message,
                                   struct buffer_record *record, struct kafka_passport *passport, struct err *err);
/* Is it begun and not taken away? */
bool kafka_group_is_ours(struct kafka_group *group, struct kafka_partition partition, uint64_t *position_committed);
void kafka_group_marked(struct kafka_group *group, struct kafka_partition partition);
void kafka_group_committed(struct kafka_group *group, struct kafka_partition partition, uint64_t position);
MUST_CHECK bool kafka_group_commit_with(struct kafka_group *group, struct kafka_partition partition, uint64_t position,
                                        const char *metadata, struct err *err);
