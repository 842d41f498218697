/* replay_unpack.h -- the batches of a segment, line by line.
 *
 *   gzip --> line, line, ... --line(ctx, a batch, without its end)
 *
 * Thread: any. Memory: one line, at most REPLAY_BATCH_BYTES_MAX, and 64 KiB. Errors: ERR_CORRUPT; those of line. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

MUST_CHECK bool replay_unpack(struct bytes packed, bool (*line)(void *ctx, struct bytes batch, struct err *err),
                              void *ctx, struct err *err);
