#include "net/http2_alive.h"

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t QUIET_SECONDS = 30; /* load balancers forget a connection after 60 to 350 */
static const uint64_t PONG_SECONDS_MAX = 20;
static const uint64_t NOTICE_SECONDS_MAX = 5;

static const uint8_t PING_ALIVE[8] = "alive?", PING_LEAVING[8] = "leaving";

void http2_alive_init(struct http2_alive *alive, uint64_t now_mono_ns)
{
    *alive = (struct http2_alive){ .heard_mono_ns = now_mono_ns };
}

void http2_alive_heard(struct http2_alive *alive, uint64_t now_mono_ns)
{
    alive->heard_mono_ns = now_mono_ns;
    alive->pinged_mono_ns = 0; /* any byte is a sign of life */
}

static void leave(struct http2_alive *alive, nghttp2_session *http)
{
    alive->notice_mono_ns = 0;
    alive->is_leaving = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(http);
    if (nghttp2_submit_goaway(http, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0) alive->is_gone = true;
}

void http2_alive_ping(struct http2_alive *alive, nghttp2_session *http, const nghttp2_ping *ping)
{
    bool is_answer = (ping->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (!is_answer || alive->notice_mono_ns == 0) return;
    if (memcmp(ping->opaque_data, PING_LEAVING, sizeof PING_LEAVING) == 0) leave(alive, http);
}

static void ping_send(struct http2_alive *alive, nghttp2_session *http, const uint8_t *payload)
{
    if (nghttp2_submit_ping(http, NGHTTP2_FLAG_NONE, payload) != 0) alive->is_gone = true;
}

void http2_alive_tick(struct http2_alive *alive, nghttp2_session *http, uint64_t now_mono_ns)
{
    if (alive->notice_mono_ns != 0 && now_mono_ns - alive->notice_mono_ns > NOTICE_SECONDS_MAX * SECOND_NS) {
        leave(alive, http);
    }
    if (alive->pinged_mono_ns != 0) {
        if (now_mono_ns - alive->pinged_mono_ns > PONG_SECONDS_MAX * SECOND_NS) alive->is_gone = true;
    } else if (now_mono_ns - alive->heard_mono_ns > QUIET_SECONDS * SECOND_NS) {
        alive->pinged_mono_ns = now_mono_ns;
        ping_send(alive, http, PING_ALIVE);
    }
}

void http2_alive_drain(struct http2_alive *alive, nghttp2_session *http, bool at_once, uint64_t now_mono_ns)
{
    if (alive->is_leaving) return;
    if (at_once) {
        leave(alive, http);
    } else if (alive->notice_mono_ns == 0) {
        alive->notice_mono_ns = now_mono_ns;
        if (nghttp2_submit_shutdown_notice(http) != 0) alive->is_gone = true;
        ping_send(alive, http, PING_LEAVING);
    }
}
