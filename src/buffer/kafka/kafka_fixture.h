/* kafka_fixture.h -- librdkafka's brokers in the process, with our topics, for the unit tests of this folder.
 *
 * They speak the protocol over loopback and keep messages, groups and transactions in memory. */
#pragma once
#include "base/clock.h"
#include "base/hash.h"
#include "buffer/kafka/kafka_client.h"
#include "buffer/kafka/kafka_producer.h"
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIXTURE_PARTITIONS 3

#define FIXTURE_TESTS 8 /* at most in a file: each has topics and a group of its own */

struct brokers {
    rd_kafka_t *home;
    rd_kafka_mock_cluster_t *cluster;
    uint32_t tests;
};
struct fixture_topic {
    struct brokers *brokers;
    char name[40];
    int partitions;
    pthread_t thread;
};

static void *topic_make(void *ctx)
{
    struct fixture_topic *topic = ctx;
    rd_kafka_mock_topic_create(topic->brokers->cluster, topic->name, topic->partitions, 1);
    return NULL;
}

/* Of a file's tests. All topics at once: these brokers may sleep for a second before they make one. */
static int brokers_open(void **state)
{
    static const char *const words[] = { "telemetry", "retry.1", "retry.2", "retry.3", "parked" };
    static struct fixture_topic topics[FIXTURE_TESTS][COUNT_OF(words)];
    static struct brokers brokers;
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0); /* it misses a setting that it does not need */
    brokers.home = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    brokers.cluster = brokers.home == NULL ? NULL : rd_kafka_mock_cluster_new(brokers.home, 1);
    if (brokers.cluster == NULL) return -1;
    rd_kafka_mock_set_controller_id(brokers.cluster, 1);
    rd_kafka_mock_group_initial_rebalance_delay_ms(brokers.cluster, 0);
    for (int test = 0; test < FIXTURE_TESTS; test++) {
        for (size_t t = 0; t < COUNT_OF(words); t++) {
            struct fixture_topic *topic = &topics[test][t];
            *topic = (struct fixture_topic){ .brokers = &brokers, .partitions = t == 0 ? FIXTURE_PARTITIONS : 1 };
            snprintf(topic->name, sizeof topic->name, "m%d.%s", test, words[t]);
            if (pthread_create(&topic->thread, NULL, topic_make, topic) != 0) return -1;
        }
    }
    for (int test = 0; test < FIXTURE_TESTS; test++)
        for (size_t t = 0; t < COUNT_OF(words); t++) pthread_join(topics[test][t].thread, NULL);
    *state = &brokers;
    return 0;
}

static int brokers_close(void **state)
{
    struct brokers *brokers = *state;
    rd_kafka_mock_cluster_destroy(brokers->cluster);
    rd_kafka_destroy(brokers->home);
    return 0;
}

static struct kafka *fixture_kafka(struct brokers *brokers, const struct log *log)
{
    struct kafka *kafka;
    struct err err = { 0 };
    char prefix[20], group[40];
    assert_true(brokers->tests < FIXTURE_TESTS);
    snprintf(prefix, sizeof prefix, "m%u", brokers->tests++);
    snprintf(group, sizeof group, "%s.workers", prefix);
    struct kafka_options options = {
        .brokers = rd_kafka_mock_cluster_bootstraps(brokers->cluster),
        .client_id = "test",
        .group = group,
        .topic_prefix = prefix,
        .retry_ms = { 300, 600, 900 },
        .log = log,
    };
    if (!kafka_open(&kafka, &options, &err)) fail_msg("%s", err.text);
    return kafka;
}

/* Appends as ingest does, and counts the answers. */
struct appends {
    struct buffer *buffer;
    pthread_mutex_t lock; /* guards the rest */
    uint32_t stored, refused, handed_back;
    struct err last;
    uint64_t position[FIXTURE_PARTITIONS * 1000]; /* by the number in the hash */
};

static void append_done(void *ctx, const struct err *err, bool repeated)
{
    struct appends *appends = ctx;
    assert_false(repeated);
    pthread_mutex_lock(&appends->lock);
    if (err == NULL)
        appends->stored++;
    else
        appends->refused++, appends->last = *err;
    pthread_mutex_unlock(&appends->lock);
}

static void append_back(void *ctx, const struct buffer_record *record, void *request)
{
    struct appends *appends = ctx;
    assert_ptr_equal(request, appends);
    pthread_mutex_lock(&appends->lock);
    appends->handed_back++;
    assert_true(appends->handed_back <= appends->stored); /* done comes first */
    if (record->hash.hi < COUNT_OF(appends->position)) appends->position[record->hash.hi] = record->position;
    pthread_mutex_unlock(&appends->lock);
}

static struct buffer_record record_number(uint64_t number, struct bytes body)
{
    return (struct buffer_record){
        .signal = BUFFER_SIGNAL_TRACES,
        .encoding = BUFFER_ENCODING_GZIP,
        .project_id = { { 1, 2, 3 } },
        .key_id = { { 4, 5, 6 } },
        .hash = { .hi = number, .lo = number * 0x9E3779B97F4A7C15u },
        .received_unix_us = clock_unix_us(),
        .body = body,
    };
}

static uint32_t partition_of_number(uint64_t number)
{
    return (uint32_t)(number * 0x9E3779B97F4A7C15u % FIXTURE_PARTITIONS);
}

static void producer_open(struct appends *appends, struct kafka *kafka, uint64_t pending_bytes_max,
                          uint32_t delivery_ms)
{
    struct err err = { 0 };
    *appends = (struct appends){ 0 };
    pthread_mutex_init(&appends->lock, NULL);
    struct kafka_producer_options options = { .kafka = kafka,
                                              .pending_bytes_max = pending_bytes_max,
                                              .delivery_ms = delivery_ms,
                                              .sink = { append_back, appends } };
    if (!kafka_producer_open(&appends->buffer, &options, &err) || !buffer_start(appends->buffer, &err))
        fail_msg("%s", err.text);
}

static bool append_number(struct appends *appends, uint64_t number, struct bytes body, struct err *err)
{
    struct buffer_record record = record_number(number, body);
    return buffer_append(appends->buffer, &record, appends, append_done, appends, err);
}

static void appends_wait(struct appends *appends, uint32_t count)
{
    uint32_t answers = 0;
    for (int ms = 0; ms < 60000 && answers < count; ms += 5) {
        pthread_mutex_lock(&appends->lock);
        answers = appends->handed_back + appends->refused;
        pthread_mutex_unlock(&appends->lock);
        if (answers < count) clock_sleep_ms(5);
    }
    assert_int_equal(answers, count);
}
