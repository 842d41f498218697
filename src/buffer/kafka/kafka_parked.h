/* kafka_parked.h -- the parked topic: which of its records are still to be looked at, and sending one on its way again.
 *
 *   kafka_parked_read    the set of positions that were replayed, to leave them out or to say so
 *   kafka_parked_replay  one transaction: the record into the first retry topic, due at once, and "<position> is replayed"
 *
 * Thread: any; waits for the cluster. Memory: 8 bytes a replayed record.
 * Errors: ERR_NOT_FOUND, ERR_EXISTS it was replayed, ERR_CONFLICT somebody else replays at this moment, ERR_IO. */
#pragma once
#include "buffer/kafka/kafka.h"
#include "buffer/kafka/kafka_tail.h"

struct kafka_replayed {
    uint64_t *positions; /* rising in the order of their replay */
    uint32_t count, cap;
    uint64_t position_first, position_last; /* of the topic */
};
MUST_CHECK bool kafka_parked_read(struct kafka *kafka, struct kafka_replayed *replayed, struct err *err);
void kafka_replayed_deinit(struct kafka_replayed *replayed);
bool kafka_is_replayed(const struct kafka_replayed *replayed, uint64_t position);
/* Every parked record in order, replayed or not. */
MUST_CHECK bool kafka_parked_walk(struct kafka *kafka, uint64_t position_first, uint64_t position_last,
                                  kafka_walk_fn *found, void *ctx, struct err *err);
MUST_CHECK bool kafka_parked_replay(struct kafka *kafka, uint64_t position, struct err *err);
/* The hash that a replayed record goes on with: it is no repeat of what it was. */
struct hash128 kafka_replay_hash(struct hash128 hash, uint64_t position);
