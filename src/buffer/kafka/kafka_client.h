/* kafka_client.h -- what the files of this folder share: librdkafka's handles and settings, its errors as ours.
 *
 *   kafka.c          open, topics made and looked up      kafka_ask.c     bounds, members, are the topics still the same
 *   kafka_client.c   settings, errors, the client's log   kafka_record.c  records as messages and back
 *   kafka_producer.c kafka_group.c kafka_tail.c kafka_move.c: one header each (the tail's is kafka_group.h)
 *
 * Thread: struct kafka is const after open, but for `lock` and what it guards. */
#pragma once
#include "base/hash.h"
#include "buffer/kafka/kafka.h"
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#define KAFKA_MESSAGE_BYTES (KAFKA_RECORD_BYTES + (1u << 20)) /* with headers, and what a batch adds */
#define KAFKA_TEXT_BYTES    256

struct kafka_topic_state {
    char *name;
    char id[KAFKA_TEXT_BYTES]; /* base64, as Kafka's tools print it */
    struct uuid buffer_id;
    uint32_t partition_count;
};
struct kafka {
    const struct log *log;
    char *brokers, *client_id, *group, *security, *sasl_mechanism, *sasl_username, *sasl_password;
    char *ca_file, *cert_file, *key_file; /* texts: "" where there is none */
    uint64_t retry_ms[KAFKA_RETRIES];
    uint32_t partitions;
    int32_t replication;
    uint64_t retention_ms;
    char *cluster_id;
    struct kafka_topic_state topics[KAFKA_TOPIC_COUNT];
    rd_kafka_t *client;                /* for questions */
    _Atomic uint64_t answered_mono_ns; /* when a question was answered last */
    pthread_mutex_t lock;              /* guards what follows */
    char trouble[KAFKA_TEXT_BYTES];    /* the last thing a client complained of: says why nobody answers */
    rd_kafka_resp_err_t trouble_code;
    uint64_t logged_mono_ns;
    uint64_t unlogged;
};

/* --- kafka_client.c --- */
struct kafka_setting {
    const char *name, *value;
};
/* A handle with the connection's settings and these; *client is NULL on failure. opaque is what its callbacks get. */
MUST_CHECK bool kafka_client_open(const struct kafka *kafka, rd_kafka_type_t type, const struct kafka_setting *settings,
                                  uint32_t count, int events, rd_kafka_t **client, struct err *err);
/* Our code for theirs; the text is ours, then theirs, and what the client complained of last where nobody answers. Always
 * false. */
bool kafka_fail(const struct kafka *kafka, struct err *err, rd_kafka_resp_err_t code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same of an object; takes it. */
bool kafka_fail_error(const struct kafka *kafka, struct err *err, rd_kafka_error_t *error, const char *what);
enum err_code kafka_error_code(rd_kafka_resp_err_t code);
/* Something a client tells on its own: remembered, logged at most once in 10 s. */
void kafka_complain(const struct kafka *kafka, rd_kafka_resp_err_t code, const char *text);

/* Which of our topics has that name; KAFKA_TOPIC_COUNT: none. */
enum kafka_topic kafka_topic_of(const struct kafka *kafka, const char *name);

/* Asks through `ask`, which hands the question to librdkafka with options and queue, and waits. NULL on failure. */
typedef void kafka_ask_fn(void *ctx, rd_kafka_t *client, rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue);
rd_kafka_event_t *kafka_ask(const struct kafka *kafka, rd_kafka_admin_op_t kind, kafka_ask_fn *ask, void *ctx,
                            const char *what, struct err *err);

#define KAFKA_TRANSACTION_MS 15000
struct kafka_headers;
/* Hands a message over; the body may go afterwards. */
rd_kafka_error_t *kafka_produce(rd_kafka_t *client, const char *topic, const struct kafka_headers *headers,
                                struct hash128 hash, struct bytes body);
/* A producer of transactions; of two with one name the older one is refused. rd_kafka_init_transactions comes next. */
MUST_CHECK bool kafka_transactions_open(const struct kafka *kafka, const char *name, rd_kafka_t **client,
                                        struct err *err);
/* One whose end is unknown is asked about by doing the last step again, as librdkafka has it. */
rd_kafka_error_t *kafka_transaction_commit(rd_kafka_t *client);

/* --- kafka_group.c --- */
/* A member's partitions: those of telemetry that the group gave it, and those that go with them. The caller's. */
rd_kafka_topic_partition_list_t *kafka_group_expand(const struct kafka *kafka,
                                                    const rd_kafka_topic_partition_list_t *list);

/* --- kafka.c --- */
/* As it is now: false with ERR_NOT_FOUND when it is missing. */
struct kafka_topic_now {
    char id[KAFKA_TEXT_BYTES];
    uint32_t partition_count;
    bool exists;
};
MUST_CHECK bool kafka_topics_look(const struct kafka *kafka, struct kafka_topic_now now[KAFKA_TOPIC_COUNT],
                                  struct err *err);
/* The group's committed offset of a partition, with its metadata (by malloc, or NULL). *offset -1: none. */
MUST_CHECK bool kafka_committed(const struct kafka *kafka, struct kafka_partition partition, int64_t *offset,
                                char **metadata, struct err *err);
