/* replay_gaps.h -- would a new full snapshot help this recording? What of each has come, in the process that all of it comes to.
 *
 *   0 1 2 . 4 5    3 has not come: without it what 4 and 5 change may be wrong. It may be sent again: after REPLAY_GAP_WAIT_US the page
 *                  is asked, and what begins with a snapshot needs nothing from before it
 *
 * Once a REPLAY_ASK_EVERY_US at most. A recording that is known since its begin lacks its first batches when they do not come; of one
 * that was there before us nothing is said until something is missing. The ones unused for longest are forgotten.
 * Thread: any. Memory: about 64 bytes a recording, fixed at creation. Errors: none. */
#pragma once
#include "base/uuid.h"
#include "replay/replay_batch.h"

#define REPLAY_GAP_WAIT_US  (INT64_C(10) * 1000000)
#define REPLAY_ASK_EVERY_US (INT64_C(60) * 1000000)

struct replay_gaps;
struct replay_gaps *replay_gaps_create(uint32_t recordings_max);
void replay_gaps_destroy(struct replay_gaps *gaps); /* NULL is fine */
/* The batch has come (one without a number tells nothing); true: ask for a snapshot with the answer. */
bool replay_gaps_come(struct replay_gaps *gaps, struct uuid project_id, const struct replay_batch *batch,
                      int64_t now_unix_us);
