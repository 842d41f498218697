/* kafka_tail.h -- the records of a partition from one position to another, read without a group; for files of buffer.
 *
 * Thread: any; waits. Memory: 16 MiB fetched ahead, or one larger record.
 * Errors: ERR_IO the cluster does not answer. */
#pragma once
#include "buffer/kafka/kafka_record.h"

struct kafka_walk {
    struct kafka_partition partition;
    uint64_t position_first, position_last; /* both with */
    int64_t since_unix_ms;                  /* not 0: begins with what came since instead of position_first */
    uint32_t ms_max;                        /* then it ends early */
};
struct kafka_walked {
    struct buffer_record record; /* borrowed for the call, its body too */
    struct kafka_passport passport;
    bool is_ours; /* false: no message of ours; record has position, hash and body */
    const struct err *why;
};
/* False ends the walk. */
typedef bool kafka_walk_fn(void *ctx, const struct kafka_walked *walked);
/* *complete: it came to the end, or found ended it; false: its time was over. */
MUST_CHECK bool kafka_walk(struct kafka *kafka, const struct kafka_walk *walk, kafka_walk_fn *found, void *ctx,
                           bool *complete, struct err *err);
