#include "buffer/kafka/kafka_parked.h"
#include "base/clock.h"
#include "buffer/kafka/kafka_client.h"
#include <inttypes.h>
#include <stdlib.h>

#define WALK_MS  600000 /* the whole topic */
#define READY_MS 10000

static const struct kafka_partition parked_partition = { KAFKA_PARKED, 0 };

struct hash128 kafka_replay_hash(struct hash128 hash, uint64_t position)
{
    uint64_t parts[3] = { hash.hi, hash.lo, position };
    return hash128_of(bytes_from(parts, sizeof parts));
}

bool kafka_parked_walk(struct kafka *kafka, uint64_t position_first, uint64_t position_last, kafka_walk_fn *found,
                       void *ctx, struct err *err)
{
    bool complete;
    struct kafka_walk walk = { .partition = parked_partition,
                               .position_first = position_first,
                               .position_last = position_last,
                               .ms_max = WALK_MS };
    if (!kafka_walk(kafka, &walk, found, ctx, &complete, err)) return false;
    return complete || err_set(err, ERR_TIMEOUT, "Kafka's topic \"%s\" could not be read to its end in %d s",
                               kafka_topic_name(kafka, KAFKA_PARKED), WALK_MS / 1000);
}

static bool replayed_found(void *ctx, const struct kafka_walked *walked)
{
    struct kafka_replayed *replayed = ctx;
    if (!walked->is_ours || walked->passport.replayed_position == 0) return true;
    if (replayed->count == replayed->cap) {
        replayed->cap = replayed->cap > 0 ? replayed->cap * 2 : 16;
        replayed->positions = mem_realloc(replayed->positions, replayed->cap * sizeof *replayed->positions);
    }
    replayed->positions[replayed->count++] = walked->passport.replayed_position;
    return true;
}

bool kafka_parked_read(struct kafka *kafka, struct kafka_replayed *replayed, struct err *err)
{
    struct kafka_bounds bounds = { .partition = parked_partition };
    *replayed = (struct kafka_replayed){ 0 };
    if (!kafka_bounds(kafka, &bounds, 1, err)) return false;
    replayed->position_first = bounds.position_first;
    replayed->position_last = bounds.position_last;
    if (kafka_parked_walk(kafka, bounds.position_first, bounds.position_last, replayed_found, replayed, err))
        return true;
    kafka_replayed_deinit(replayed);
    return false;
}

void kafka_replayed_deinit(struct kafka_replayed *replayed)
{
    free(replayed->positions);
    *replayed = (struct kafka_replayed){ 0 };
}

bool kafka_is_replayed(const struct kafka_replayed *replayed, uint64_t position)
{
    for (uint32_t i = 0; i < replayed->count; i++)
        if (replayed->positions[i] == position) return true;
    return false;
}

/* --- replay --- */

struct replay {
    struct kafka *kafka;
    rd_kafka_t *client;
    uint64_t position;
    bool is_found;
    bool has_failed;
    struct err err;
};

static bool produce(struct replay *replay, enum kafka_topic topic, const struct kafka_headers *headers,
                    struct hash128 hash, struct bytes body)
{
    rd_kafka_error_t *error =
        kafka_produce(replay->client, kafka_topic_name(replay->kafka, topic), headers, hash, body);
    if (error == NULL) return true;
    replay->has_failed = true;
    return kafka_fail_error(replay->kafka, &replay->err, error, "could not replay a record");
}

static bool replay_found(void *ctx, const struct kafka_walked *walked)
{
    struct replay *replay = ctx;
    struct kafka_headers headers;
    if (walked->record.position != replay->position || walked->passport.replayed_position != 0) return true;
    replay->is_found = true;
    if (!walked->is_ours || uuid_equal(walked->record.project_id, (struct uuid){ { 0 } })) {
        replay->has_failed = true;
        err_set(&replay->err, ERR_INPUT, "cannot replay it: %s",
                walked->is_ours ? "it names no project" : walked->why->text);
        return false;
    }
    struct buffer_record record = walked->record;
    struct kafka_passport passport = { .retry = walked->passport.retry };
    record.hash = kafka_replay_hash(record.hash, replay->position);
    passport.retry.attempt = 1;
    passport.retry.not_before_unix_us = clock_unix_us();
    passport.origin_topic = kafka_topic_name(replay->kafka, passport.retry.origin.topic);
    kafka_record_write(&headers, &record, &passport);
    if (!produce(replay, KAFKA_RETRY_1, &headers, record.hash, record.body)) return false;
    kafka_replayed_write(&headers, replay->position);
    produce(replay, KAFKA_PARKED, &headers, walked->record.hash, (struct bytes){ 0 });
    return false;
}

static bool replay_checked(struct replay *replay, struct err *err)
{
    /* Only now: what another replay had begun is over. */
    struct kafka_replayed replayed;
    if (!kafka_parked_read(replay->kafka, &replayed, err)) return false;
    bool is_there = replay->position >= replayed.position_first && replay->position <= replayed.position_last;
    bool is_done = kafka_is_replayed(&replayed, replay->position);
    kafka_replayed_deinit(&replayed);
    if (is_done) return err_set(err, ERR_EXISTS, "record %" PRIu64 " was replayed before", replay->position);
    if (!is_there) return err_set(err, ERR_NOT_FOUND, "there is no parked record %" PRIu64, replay->position);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(replay->client);
    if (error != NULL) return kafka_fail_error(replay->kafka, err, error, "could not begin to replay");
    bool ok = kafka_parked_walk(replay->kafka, replay->position, replay->position, replay_found, replay, err);
    if (ok && replay->has_failed) {
        *err = replay->err;
        ok = false;
    }
    ok =
        ok && (replay->is_found || err_set(err, ERR_NOT_FOUND, "there is no parked record %" PRIu64, replay->position));
    error = ok ? kafka_transaction_commit(replay->client) : NULL;
    if (error != NULL) ok = kafka_fail_error(replay->kafka, err, error, "could not replay a record");
    if (!ok) {
        error = rd_kafka_abort_transaction(replay->client, KAFKA_TRANSACTION_MS);
        if (error != NULL) rd_kafka_error_destroy(error); /* its time ends by itself */
    }
    return ok;
}

bool kafka_parked_replay(struct kafka *kafka, uint64_t position, struct err *err)
{
    struct replay replay = { .kafka = kafka, .position = position };
    if (!kafka_transactions_open(kafka, "replay", &replay.client, err)) return false;
    rd_kafka_error_t *error = rd_kafka_init_transactions(replay.client, READY_MS);
    bool ok = error == NULL ? replay_checked(&replay, err)
                            : kafka_fail_error(kafka, err, error, "could not make ready to replay");
    rd_kafka_destroy(replay.client);
    return ok;
}
