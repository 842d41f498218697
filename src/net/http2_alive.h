/* http2_alive.h -- is the peer of a quiet HTTP/2 connection still there; and how a connection ends without an error.
 *
 *   quiet for 30 s --PING--> answered: alive | 20 s without a byte: gone
 *   drain --GOAWAY "all streams"--PING--> answered (or 5 s passed): GOAWAY "up to the last we saw"
 *
 * Between the two GOAWAYs calls that were on their way to us are taken as any others; the client opens no new ones.
 *
 * Thread: the session's owner. Memory: none but the struct. Errors: is_gone; nghttp2 fails for want of memory alone.
 * Source: RFC 9113, 6.7 and 6.8. */
#pragma once
#include <nghttp2/nghttp2.h>

#include "base/bytes.h"

struct http2_alive {
    uint64_t heard_mono_ns;
    uint64_t pinged_mono_ns; /* 0: no PING of ours waits for a sign of life */
    uint64_t notice_mono_ns; /* of the first GOAWAY while the second waits; else 0 */
    bool is_leaving;         /* the second was sent */
    bool is_gone;
};

void http2_alive_init(struct http2_alive *alive, uint64_t now_mono_ns);
void http2_alive_heard(struct http2_alive *alive, uint64_t now_mono_ns);
/* For each PING frame that came. */
void http2_alive_ping(struct http2_alive *alive, nghttp2_session *http, const nghttp2_ping *ping);
void http2_alive_tick(struct http2_alive *alive, nghttp2_session *http, uint64_t now_mono_ns);
/* at_once: the second GOAWAY alone. */
void http2_alive_drain(struct http2_alive *alive, nghttp2_session *http, bool at_once, uint64_t now_mono_ns);
