/* replay_mask.h -- a batch of a replay without the texts of its page: for who may see what was done, and not what was shown.
 *
 *   {"textContent": "Tea shop"} --replay_mask--> {"textContent": "*** ****"}
 *
 * Masked are texts of the document and of changes of it, what was typed, and attributes that tell something; a star stands for each
 * character but blanks. Styles, places, times, addresses of pages, and what the recorder tells beside the document stay.
 * Thread: any. Memory: about four times the batch, for the call. Errors: ERR_CORRUPT, it is no batch; ERR_TOO_LARGE.
 * Source of the shapes: @rrweb/types 2, rrweb-snapshot. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Appended to out. */
MUST_CHECK bool replay_mask(struct bytes batch, struct buf *out, struct err *err);
/* Does an attribute of an element show or tell something of the page's own: a text, an address, a picture? Else a player needs it. */
bool replay_attribute_tells(struct bytes name);
