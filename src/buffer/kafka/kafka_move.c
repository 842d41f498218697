#include "buffer/kafka/kafka_move.h"
#include "base/clock.h"
#include "buffer/kafka/kafka_group_inside.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MARKS_BYTES 4000 /* brokers: offset.metadata.max.bytes = 4096 */
#define READY_MS    10000

struct kafka_mover {
    struct kafka *kafka;
    struct kafka_group *group;
    rd_kafka_t *client;
    bool is_ready; /* has its producer id */
    char name[KAFKA_TEXT_BYTES];
    pthread_mutex_t lock; /* one transaction after the other; held over them */
    _Atomic uint64_t retried, parked;
};

/* --- marks: the positions that failed, each as the step from the one before: "failed 4711 3 12" --- */

static bool marks_write(char text[MARKS_BYTES], const uint64_t *positions, uint32_t count, struct err *err)
{
    size_t len = (size_t)snprintf(text, MARKS_BYTES, "failed");
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(positions[i] > last);
        int added = snprintf(text + len, MARKS_BYTES - len, " %" PRIu64, positions[i] - last);
        if (added < 0 || (size_t)added >= MARKS_BYTES - len || count > KAFKA_MARKS_MAX)
            return err_set(err, ERR_TOO_LARGE, "%u records failed since the last commit: more than can be remembered",
                           count);
        len += (size_t)added;
        last = positions[i];
    }
    return true;
}

bool kafka_marks_parse(struct bytes text, uint64_t positions[KAFKA_MARKS_MAX], uint32_t *count)
{
    static const char head[] = "failed";
    size_t at = sizeof head - 1;
    uint64_t last = 0;
    *count = 0;
    if (text.len == 0) return true;
    if (text.len < at || memcmp(text.ptr, head, at) != 0) return false;
    while (at < text.len) {
        uint64_t step = 0;
        size_t digits = 0;
        if (text.ptr[at++] != ' ' || *count == KAFKA_MARKS_MAX) return false;
        for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++, digits++)
            if (__builtin_mul_overflow(step, UINT64_C(10), &step) ||
                __builtin_add_overflow(step, (uint64_t)(text.ptr[at] - '0'), &step))
                return false;
        if (digits == 0 || step == 0 || __builtin_add_overflow(last, step, &last) || last > INT64_MAX) return false;
        positions[(*count)++] = last;
    }
    return true;
}

bool kafka_mark(struct kafka_mover *mover, struct kafka_partition partition, uint64_t committed,
                const uint64_t *positions, uint32_t count, struct err *err)
{
    char text[MARKS_BYTES];
    uint64_t ignored;
    if (!marks_write(text, positions, count, err)) return false;
    if (!kafka_group_is_ours(mover->group, partition, &ignored))
        return err_set(err, ERR_CONFLICT, "partition %s/%u is not this worker's any more",
                       kafka_topic_name(mover->kafka, partition.topic), partition.number);
    kafka_group_marked(mover->group, partition);
    return kafka_group_commit_with(mover->group, partition, committed, text, err);
}

bool kafka_marks_read(struct kafka_mover *mover, struct kafka_partition partition, uint64_t positions[KAFKA_MARKS_MAX],
                      uint32_t *count, struct err *err)
{
    int64_t offset;
    char *metadata;
    *count = 0;
    if (!kafka_committed(mover->kafka, partition, &offset, &metadata, err)) return false;
    bool ok = metadata == NULL || kafka_marks_parse(bytes_of_text(metadata), positions, count);
    if (!ok) {
        *count = 0;
        err_set(
            err, ERR_CORRUPT,
            "the metadata of the offset that group \"%s\" committed in partition %s/%u is \"%.40s\", which no worker "
            "wrote: reset the group's offset there to %" PRId64,
            mover->kafka->group, kafka_topic_name(mover->kafka, partition.topic), partition.number, metadata, offset);
    }
    if (*count > 0) kafka_group_marked(mover->group, partition);
    free(metadata);
    return ok;
}

/* --- the transaction --- */

static bool mover_ready(struct kafka_mover *mover, struct err *err)
{
    if (mover->is_ready) return true;
    if (mover->client == NULL && !kafka_transactions_open(mover->kafka, mover->name, &mover->client, err)) return false;
    rd_kafka_error_t *error = rd_kafka_init_transactions(mover->client, READY_MS);
    if (error != NULL) return kafka_fail_error(mover->kafka, err, error, "could not make ready to move records");
    mover->is_ready = true;
    return true;
}

/* After what cannot go on: the next move begins with a client of its own. */
static void mover_forget(struct kafka_mover *mover)
{
    if (mover->client != NULL) rd_kafka_destroy(mover->client);
    mover->client = NULL;
    mover->is_ready = false;
}

static bool moved_produce(struct kafka_mover *mover, struct kafka_partition from, const struct kafka_moved *moved,
                          struct err *err)
{
    bool is_parked = moved->is_final || moved->retry.attempt >= KAFKA_RETRIES;
    uint32_t attempt = moved->retry.attempt + (is_parked ? 0 : 1);
    enum kafka_topic topic = is_parked ? KAFKA_PARKED : (enum kafka_topic)(KAFKA_RETRY_1 + (int)attempt - 1);
    int64_t now_us = clock_unix_us();
    bool is_first = moved->retry.origin_position == 0;
    struct kafka_partition origin = is_first ? from : moved->retry.origin;
    struct kafka_passport passport = {
        .retry = { .attempt = attempt,
                   .not_before_unix_us = is_parked ? 0 : now_us + (int64_t)kafka_retry_ms(mover->kafka, attempt) * 1000,
                   .origin = origin,
                   .origin_position = is_first ? moved->record.position : moved->retry.origin_position },
        .origin_topic = kafka_topic_name(mover->kafka, origin.topic),
        .parked_unix_us = is_parked ? now_us : 0,
    };
    snprintf(passport.retry.reason, sizeof passport.retry.reason, "%s", moved->reason);
    struct kafka_headers headers;
    kafka_record_write(&headers, &moved->record, &passport);
    rd_kafka_error_t *error = kafka_produce(mover->client, kafka_topic_name(mover->kafka, topic), &headers,
                                            moved->record.hash, moved->record.body);
    return error == NULL || kafka_fail_error(mover->kafka, err, error, "could not move a record");
}

static rd_kafka_error_t *offsets_send(struct kafka_mover *mover, struct kafka_partition partition, uint64_t position)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka_topic_name(mover->kafka, partition.topic), (int32_t)partition.number)
        ->offset = (int64_t)position;
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(mover->group->client);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(mover->client, list, member, KAFKA_TRANSACTION_MS);
    rd_kafka_consumer_group_metadata_destroy(member);
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

/* What has begun is given up, so that a call again does all of it again. */
static bool transaction_end_failed(struct kafka_mover *mover)
{
    rd_kafka_error_t *error = rd_kafka_abort_transaction(mover->client, KAFKA_TRANSACTION_MS);
    if (error != NULL) {
        rd_kafka_error_destroy(error);
        mover_forget(mover); /* the next one's init_transactions gives up what this one left */
    }
    return false;
}

static bool move(struct kafka_mover *mover, struct kafka_partition partition, uint64_t position,
                 const struct kafka_moved *moved, uint32_t count, struct err *err)
{
    uint64_t committed;
    if (!kafka_group_is_ours(mover->group, partition, &committed))
        return err_set(err, ERR_CONFLICT, "partition %s/%u is not this worker's any more",
                       kafka_topic_name(mover->kafka, partition.topic), partition.number);
    if (!mover_ready(mover, err)) {
        if (mover->client != NULL && rd_kafka_fatal_error(mover->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
            mover_forget(mover);
        return false;
    }
    rd_kafka_error_t *error = rd_kafka_begin_transaction(mover->client);
    if (error != NULL) {
        kafka_fail_error(mover->kafka, err, error, "could not begin to move records");
        mover_forget(mover);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!moved_produce(mover, partition, &moved[i], err)) return transaction_end_failed(mover);
    error = offsets_send(mover, partition, position);
    if (error == NULL) error = kafka_transaction_commit(mover->client);
    if (error != NULL) {
        bool is_stale = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
        kafka_fail_error(mover->kafka, err, error, "could not move records");
        if (is_stale) err->code = ERR_IO; /* a rebalance is under way: whose the partition is will be told */
        return transaction_end_failed(mover);
    }
    rd_kafka_poll(mover->client, 0);
    kafka_group_committed(mover->group, partition, position);
    for (uint32_t i = 0; i < count; i++) {
        bool is_parked = moved[i].is_final || moved[i].retry.attempt >= KAFKA_RETRIES;
        atomic_fetch_add(is_parked ? &mover->parked : &mover->retried, 1);
    }
    return true;
}

bool kafka_move(struct kafka_mover *mover, struct kafka_partition partition, uint64_t position,
                const struct kafka_moved *moved, uint32_t count, struct err *err)
{
    pthread_mutex_lock(&mover->lock);
    bool ok = move(mover, partition, position, moved, count, err);
    pthread_mutex_unlock(&mover->lock);
    return ok;
}

/* --- life --- */

bool kafka_mover_open(struct kafka_mover **out, struct kafka *kafka, struct kafka_group *group, const char *name,
                      struct err *err)
{
    (void)err;
    struct kafka_mover *mover = mem_calloc(1, sizeof *mover);
    pthread_mutex_init(&mover->lock, NULL);
    mover->kafka = kafka;
    mover->group = group;
    snprintf(mover->name, sizeof mover->name, "%s", name);
    *out = mover;
    return true;
}

void kafka_mover_close(struct kafka_mover *mover)
{
    if (mover == NULL) return;
    mover_forget(mover);
    pthread_mutex_destroy(&mover->lock);
    free(mover);
}

void kafka_mover_stats(struct kafka_mover *mover, struct kafka_mover_stats *stats)
{
    *stats =
        (struct kafka_mover_stats){ .retried = atomic_load(&mover->retried), .parked = atomic_load(&mover->parked) };
}
