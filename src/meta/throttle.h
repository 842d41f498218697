/* throttle.h -- who guesses passwords waits longer and longer.
 *
 *   e-mail + address: 5 tries, then 1 s, 2 s, 4 s ... 5 min after each      address alone: the same after 50
 *
 * 15 minutes without a wrong try and it is forgotten; a right one forgets the pair. A fixed table of 4,096: who spreads over
 * more addresses than that pushes others out of it, never in. Of this process: three processes allow three times as much.
 * Thread: any (a lock inside). Memory: 96 KiB. Time is an argument. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct throttle;
struct throttle *throttle_create(void);
void throttle_destroy(struct throttle *throttle); /* NULL is fine */

/* May this be tried now? ERR_QUOTA says how many seconds to wait. */
MUST_CHECK bool throttle_check(struct throttle *throttle, struct bytes who, struct bytes address, uint64_t now_mono_ns,
                               struct err *err);
void throttle_note(struct throttle *throttle, struct bytes who, struct bytes address, bool is_right,
                   uint64_t now_mono_ns);
