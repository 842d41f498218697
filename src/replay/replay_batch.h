/* replay_batch.h -- a batch of a replay as JSON, read for what is to be known of it.
 *
 *   {"session": "c2f0..", "tab": "71aa..", "recording": "90fe..", "sequence": 7, "isLast": false,
 *    "service": {"name": "shop-page", "version": "1.2", "environment": "production"}, "user": {"id": "42"},
 *    "userAgent": "Mozilla/5.0 ..", "events": [{"type": 4, "timestamp": 1790000000000, "data": {"href": ".."}}, ...]}
 *
 * events: rrweb's (EventType: 0 DomContentLoaded, 1 Load, 2 FullSnapshot, 3 IncrementalSnapshot, 4 Meta, 5 Custom, 6 Plugin).
 * Of them are told: the time, whether a full snapshot is among them, clicks (source 2, type 2), pages, and of the SDK's own custom
 * events, by their tag: "error", "rage_click", "network" (payload.status: 0 or 400 and more is a request that failed), "navigation"
 * (a page, payload.url; where none is told, the Meta event of a recording's first batch is one).
 * A recorder that does not number its batches leaves "sequence" out: they are known by the time of their first event, and nobody
 * can tell which are missing. Members that are not known are kept and not read. Ids: 1 to 64 letters, digits, "-", "_".
 * Thread: any. Memory: texts are copied into the arena. Errors: ERR_INPUT, with what is wrong where. Source of the events' shape:
 * @rrweb/types 2. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum { REPLAY_ID_BYTES_MAX = 64, REPLAY_EVENTS_MAX = 20000, REPLAY_TEXT_BYTES_MAX = 2048, REPLAY_URLS_MAX = 64 };
enum { REPLAY_TRACES_MAX = 64, REPLAY_TRACE_BYTES = 33 /* 32 hex digits and a blank */ };
#define REPLAY_BATCH_BYTES_MAX (4u << 20)

struct replay_batch {
    struct bytes session, tab, recording;
    int64_t sequence; /* of a batch without a number: first_unix_ms */
    bool is_numbered, is_last, has_snapshot;
    struct bytes service, version, environment, user_id, user_name, user_email, user_agent;
    struct bytes url;   /* of the first Meta event; empty: there is none */
    struct bytes *urls; /* addresses of Meta and "navigation" events, each once: the first REPLAY_URLS_MAX */
    uint32_t url_count;
    struct bytes
        traces; /* ids that "network" and "error" events name (payload.trace_id), each once, a blank behind each */
    int64_t first_unix_ms, last_unix_ms;
    uint32_t event_count, page_count, click_count, rage_click_count, error_count, failed_request_count;
};
/* body: at most REPLAY_BATCH_BYTES_MAX. */
MUST_CHECK bool replay_batch_read(struct bytes body, struct arena *arena, struct replay_batch *batch, struct err *err);
/* Adds it to at most REPLAY_URLS_MAX, unless it is there or empty. */
void replay_url_add(struct bytes *urls, uint32_t *count, struct bytes url);
/* Adds those of more to at most REPLAY_TRACES_MAX, each once; there is room for so many. */
void replay_traces_add(uint8_t *traces, size_t *len, struct bytes more);
/* Could it be an id of a session, tab or recording? For names of objects, and what comes in addresses. */
bool replay_id_is_valid(struct bytes id);
/* The batch on a line of its own: JSON has line ends between its values alone. */
void replay_batch_line(uint8_t *bytes, size_t len);
