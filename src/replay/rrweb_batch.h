/* rrweb_batch.h -- a batch of a recorder that was made for POST /api/v1/rrweb, as a batch of ours.
 *
 *   {"sessionId": "c2f0..", "tabId": "71aa..", "timestamp": .., "events": [..], "userId": "42", "userName": .., "userEmail": ..,
 *    "user": {"id": "42", "name": .., "email": ..}}
 *       --rrweb_batch_convert--> {"session": "c2f0..", "tab": "71aa..", "recording": "71aa..", "userAgent": .., "user": {..}, "events": [..]}
 *
 * What it lacks: without a tab (or with one that is no id) it is "rrweb"; the recording is the tab's; batches have no numbers, so
 * they are ordered by their events' times and what is missing is not told (replay_batch.h). userId and its like come before those
 * of "user". Events stay as they are, numbers to the digit; other members go.
 * Thread: any. Memory: about four times the body, for the call. Errors: ERR_INPUT, with what is wrong; ERR_TOO_LARGE. What it makes of
 * a body is for replay_batch_read to judge. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* agent: the request's user agent; empty: not known. Appended to out. */
MUST_CHECK bool rrweb_batch_convert(struct bytes body, struct bytes agent, struct buf *out, struct err *err);
