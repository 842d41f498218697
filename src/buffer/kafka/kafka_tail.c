/* The end of a partition, read on a connection of its own: for the memory of repeats, and for what is parked. */
#include "buffer/kafka/kafka_tail.h"
#include "base/clock.h"
#include "buffer/kafka/kafka_group_inside.h"
#include <inttypes.h>
#include <stdio.h>

#define QUEUE_KIB "16384"

static bool tail_client(const struct kafka *kafka, rd_kafka_t **client, struct err *err)
{
    char group[KAFKA_TEXT_BYTES + 64], message[32], receive[32];
    snprintf(group, sizeof group, "%s.reads", kafka->group); /* never joined and never committed to */
    snprintf(message, sizeof message, "%u", KAFKA_MESSAGE_BYTES);
    snprintf(receive, sizeof receive, "%u", KAFKA_MESSAGE_BYTES + (4u << 20));
    const struct kafka_setting settings[] = {
        { "group.id", group },
        { "enable.auto.commit", "false" },
        { "auto.offset.reset", "earliest" },
        { "enable.partition.eof", "true" },
        { "queued.max.messages.kbytes", QUEUE_KIB },
        { "fetch.max.bytes", message },
        { "fetch.message.max.bytes", "8388608" },
        { "receive.message.max.bytes", receive },
        { "fetch.queue.backoff.ms", "10" },
    };
    return kafka_client_open(kafka, RD_KAFKA_CONSUMER, settings, COUNT_OF(settings), 0, client, err);
}

static rd_kafka_topic_partition_list_t *list_of_one(const struct kafka *kafka, struct kafka_partition partition,
                                                    int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka_topic_name(kafka, partition.topic), (int32_t)partition.number)
        ->offset = offset;
    return list;
}

/* *offset -1: there is none as young. */
static bool offset_since(const struct kafka *kafka, rd_kafka_t *client, struct kafka_partition partition,
                         int64_t since_unix_ms, int64_t *offset, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = list_of_one(kafka, partition, since_unix_ms);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, KAFKA_CALL_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
    *offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (*offset < 0) *offset = -1;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           kafka_fail(kafka, err, code, "could not ask Kafka where the last minutes of partition %s/%u begin",
                      kafka_topic_name(kafka, partition.topic), partition.number);
}

bool kafka_walk(struct kafka *kafka, const struct kafka_walk *walk, kafka_walk_fn *found, void *ctx, bool *complete,
                struct err *err)
{
    rd_kafka_t *client;
    int64_t offset = walk->position_first > 0 ? (int64_t)walk->position_first - 1 : 0;
    *complete = walk->position_first > walk->position_last || walk->position_last == 0;
    if (*complete) return true;
    if (!tail_client(kafka, &client, err)) return false;
    rd_kafka_poll_set_consumer(client);
    bool ok =
        walk->since_unix_ms == 0 || offset_since(kafka, client, walk->partition, walk->since_unix_ms, &offset, err);
    *complete = ok && offset < 0;
    if (ok && !*complete) {
        rd_kafka_topic_partition_list_t *list = list_of_one(kafka, walk->partition, offset);
        rd_kafka_resp_err_t code = rd_kafka_assign(client, list);
        rd_kafka_topic_partition_list_destroy(list);
        ok = code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail(kafka, err, code, "could not read a Kafka partition");
    }
    uint64_t end_ns = clock_mono_ns() + (uint64_t)walk->ms_max * 1000000;
    bool goes_on = true;
    while (ok && goes_on && !*complete && clock_mono_ns() < end_ns) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, GROUP_STEP_MS);
        if (message == NULL) continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            *complete = (uint64_t)message->offset >= walk->position_last;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_complain(kafka, message->err, rd_kafka_message_errstr(message));
        } else if ((uint64_t)message->offset + 1 > walk->position_last) {
            *complete = true;
        } else {
            struct kafka_walked walked = { 0 };
            struct err why = { 0 };
            walked.is_ours = kafka_message_read(kafka, message, &walked.record, &walked.passport, &why);
            walked.why = &why;
            goes_on = found(ctx, &walked);
            *complete = walked.record.position >= walk->position_last;
        }
        rd_kafka_message_destroy(message);
    }
    if (!goes_on) *complete = true;
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return ok;
}

struct tail {
    kafka_tail_fn *found;
    void *ctx;
};
static bool tail_found(void *ctx, const struct kafka_walked *walked)
{
    struct tail *tail = ctx;
    if (walked->is_ours)
        tail->found(tail->ctx, walked->record.hash, walked->record.received_unix_us, walked->record.position);
    return true;
}

bool kafka_tail_read(struct kafka *kafka, struct kafka_partition partition, int64_t since_unix_ms,
                     uint64_t position_last, uint32_t ms_max, kafka_tail_fn *found, void *ctx, bool *complete,
                     struct err *err)
{
    struct tail tail = { found, ctx };
    struct kafka_walk walk = { .partition = partition,
                               .position_first = 1,
                               .position_last = position_last,
                               .since_unix_ms = since_unix_ms > 0 ? since_unix_ms : 1,
                               .ms_max = ms_max };
    return kafka_walk(kafka, &walk, tail_found, &tail, complete, err);
}
