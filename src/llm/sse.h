/* sse.h -- server-sent events, in pieces of any size: what a streamed answer comes as.
 *
 *   bytes --sse_feed--> lines --"data: ..." joined by \n, a blank line ends it--> event(data)
 *
 * Lines end with \n, \r\n or \r; comments, ids and names of events are passed over: both APIs say in the data what it is.
 * Thread: one owner. Memory: one event, at most SSE_EVENT_BYTES_MAX. Errors: ERR_TOO_LARGE; those of event.
 * Source: HTML Living Standard, 9.2.6. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define SSE_EVENT_BYTES_MAX (1u << 20)
struct sse {
    bool (*event)(void *ctx, struct bytes data, struct err *err); /* data: borrowed for the call */
    void *ctx;
    struct buf line, data;
    bool has_data, was_cr, has_begun;
};
void sse_init(struct sse *sse, bool (*event)(void *ctx, struct bytes data, struct err *err), void *ctx);
void sse_deinit(struct sse *sse);
/* False: it failed, or event answered false; no more is fed then. */
MUST_CHECK bool sse_feed(struct sse *sse, struct bytes bytes, struct err *err);
