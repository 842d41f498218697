/* replay_ranges.h -- which batches of which recordings are in a segment, as its row in the metadata says it.
 *
 *   ranges --replay_ranges_put--> "r1 0 7 snapshot,r1 9 12 last" --replay_ranges_next--> ranges
 *
 * Ids have neither blanks nor commas (replay/replay_batch.h). Thread: any. Memory: what is read points into the text. Errors: put
 * answers false when the buffer is full; a text that nobody writes gives ranges that say little. */
#pragma once
#include "base/bytes.h"

struct replay_range {
    struct bytes recording;
    int64_t from, to; /* the first and the last batch, and all between */
    bool has_snapshot, is_last;
    bool is_unnumbered; /* from and to are times (replay_batch.h): there are no gaps to tell of */
};
MUST_CHECK bool replay_ranges_put(struct buf *text, const struct replay_range *range);
/* Takes the first of rest; false: there is none. */
bool replay_ranges_next(struct bytes *rest, struct replay_range *range);
uint32_t replay_ranges_count(struct bytes text);
