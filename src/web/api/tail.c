/* The live tail as server-sent events: rows as they come, what was dropped, and how many there are a second.
 *
 *   event: start     id: TAIL.0     data: {"tail":"TAIL","is_resumed":false}
 *   event: rows      id: TAIL.17    data: {"rows":[{...},{...}]}          17: the number of the next row
 *   event: dropped                  data: {"count":120}                   just before the rows that follow
 *   event: rate                     data: {"matched":137,"dropped":120,"skipped":0,"per_second":25}      each second
 *   event: end                      data: {"reason":"..."}                the key was revoked, the session ended
 *
 * A slow client keeps this thread waiting and nobody else: its ring forgets the oldest rows and counts them. */
#include "tail/tail.h"
#include "base/clock.h"
#include "base/json.h"
#include "web/api/api_inside.h"
#include "web/api/handlers.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TURN_MS = 100,
    PULL_TURN_MS = 200, /* when other processes are asked */
    BATCH_BYTES = 128 << 10,
    EVENT_BYTES_MAX = 4 << 20,
    RATE_MS = 1000,
    RIGHTS_MS = 1000,
};
#define NS_PER_MS 1000000ull

struct watching {
    struct api_call *call;
    struct tail_reader reader;
    struct buf event;
    uint64_t end_ns; /* 0: never */
    uint64_t rate_ns, matched_before;
    uint64_t rights_ns;
};

/* One event, in one piece. */
static bool event_send(struct watching *watching, struct err *err)
{
    bool ok = api_stream_write(watching->call, buf_bytes(&watching->event), err);
    watching->event.len = 0;
    return ok;
}

/* What is put into an event has room there: rows come first, up to BATCH_BYTES and one more. */
static void put(bool ok)
{
    if (!ok) abort();
}

static void id_put(struct watching *watching)
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(tail_id(watching->reader.tail), id);
    put(buf_printf(&watching->event, "id: %s.%" PRIu64 "\n", id, watching->reader.next));
}

static bool start_send(struct watching *watching, bool is_resumed, struct err *err)
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(tail_id(watching->reader.tail), id);
    put(buf_printf(&watching->event, "retry: 1000\nevent: start\n"));
    id_put(watching);
    put(buf_printf(&watching->event, "data: {\"tail\":\"%s\",\"is_resumed\":%s}\n\n", id,
                   is_resumed ? "true" : "false"));
    return event_send(watching, err) && api_stream_flush(watching->call, err);
}

/* What has come, in batches. False: the client has gone, or another has taken over. */
static bool rows_send(struct watching *watching, struct err *err)
{
    for (;;) {
        static const char head[] = "event: rows\ndata: {\"rows\":[";
        struct buf *event = &watching->event;
        struct tail_batch batch;
        put(buf_add(event, head, sizeof head - 1));
        if (!tail_read(&watching->reader, ',', event, BATCH_BYTES, &batch)) return false;
        if (batch.rows == 0) {
            event->len = 0;
            return true;
        }
        put(buf_printf(&watching->event, "]}\n"));
        id_put(watching);
        put(buf_printf(&watching->event, "\n"));
        if (batch.dropped > 0) {
            char told[96];
            int len = snprintf(told, sizeof told, "event: dropped\ndata: {\"count\":%" PRIu64 "}\n\n", batch.dropped);
            if (!api_stream_write(watching->call, bytes_from(told, (size_t)len), err)) return false;
        }
        if (!event_send(watching, err) || !api_stream_flush(watching->call, err)) return false;
    }
}

static bool rate_send(struct watching *watching, uint64_t now_ns, struct err *err)
{
    struct tail_counts counts;
    uint64_t waited_ms = (now_ns - watching->rate_ns) / NS_PER_MS;
    if (waited_ms < RATE_MS) return true;
    tail_counts(watching->reader.tail, &counts);
    put(buf_printf(&watching->event,
                   "event: rate\ndata: {\"matched\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"skipped\":%" PRIu64
                   ",\"per_second\":%" PRIu64 "}\n\n",
                   counts.matched, counts.dropped, counts.skipped,
                   (counts.matched - watching->matched_before) * 1000 / waited_ms));
    watching->rate_ns = now_ns;
    watching->matched_before = counts.matched;
    return event_send(watching, err) && api_stream_flush(watching->call, err);
}

/* False: they may no more; they are told. */
static bool rights_check(struct watching *watching, uint64_t now_ns, struct err *err)
{
    if (now_ns - watching->rights_ns < RIGHTS_MS * NS_PER_MS) return true;
    watching->rights_ns = now_ns;
    if (api_still_may(watching->call, err)) return true;
    if (err->code != ERR_UNAUTHENTICATED && err->code != ERR_FORBIDDEN && err->code != ERR_NOT_FOUND)
        return true; /* the database does not answer: nobody's right has ended */
    uint8_t reason[6 * sizeof err->text + 3];
    size_t len = (size_t)(json_put_text(reason, bytes_of_text(err->text)) - reason);
    watching->event.len = 0;
    put(buf_printf(&watching->event, "event: end\ndata: {\"reason\":%.*s}\n\n", (int)len, (const char *)reason));
    (void)!event_send(watching, err);
    return false;
}

static void watch(struct watching *watching)
{
    struct api_call *call = watching->call;
    struct err err = { 0 };
    uint64_t turn_ms = call->parts->tail_pull ? PULL_TURN_MS : TURN_MS;
    bool ok = true;
    while (ok && !api_is_gone(call)) {
        uint64_t begin_ns = clock_mono_ns();
        if (watching->end_ns > 0 && begin_ns >= watching->end_ns) break;
        if (call->parts->tail_pull) call->parts->tail_pull(call->parts->ctx, watching->reader.tail);
        ok = rights_check(watching, clock_mono_ns(), &err) && rows_send(watching, &err) &&
             rate_send(watching, clock_mono_ns(), &err);
        uint64_t took_ms = (clock_mono_ns() - begin_ns) / NS_PER_MS;
        if (ok && took_ms < turn_ms) clock_sleep_ms((uint32_t)(turn_ms - took_ms));
    }
}

/* "TAIL.NEXT" of the header or the parameter. */
static bool resume(struct api_call *call, const struct tail_ask *ask, struct tail_reader *reader)
{
    struct bytes last = api_request_header(call, "last-event-id");
    char number[24];
    struct uuid id;
    if (last.len == 0) last = api_query(call, "last_event_id");
    if (last.len <= UUID_TEXT_BYTES + 1 || last.len > UUID_TEXT_BYTES + 1 + 18 || last.ptr[UUID_TEXT_BYTES] != '.' ||
        !uuid_from_text(bytes_from(last.ptr, UUID_TEXT_BYTES), &id))
        return false;
    struct bytes next = bytes_from(last.ptr + UUID_TEXT_BYTES + 1, last.len - UUID_TEXT_BYTES - 1);
    snprintf(number, sizeof number, "%.*s", (int)next.len, (const char *)next.ptr);
    return tails_resume(call->parts->tails, id, strtoull(number, NULL, 10), ask, reader);
}

void api_tail(struct api_call *call)
{
    struct tail_ask ask = { .project_id = call->project.id,
                            .search = api_query(call, "q"),
                            .environment = api_query(call, "env"),
                            .columns = api_query(call, "cols") };
    struct watching watching = { .call = call };
    struct tail_problem problem;
    struct err err = { 0 };
    int64_t seconds = api_query_int(call, "seconds", -1);
    if (!call->parts->tails) {
        api_fail_with(call, ERR_UNSUPPORTED, "this process has no live tail: ask one with the role query");
        return;
    }
    bool is_resumed = resume(call, &ask, &watching.reader);
    if (!is_resumed && !tails_open(call->parts->tails, &ask, &watching.reader, &problem, &err)) {
        if (err.code == ERR_INPUT)
            api_fail_at(call, problem.where[0] == 'q' ? "?q" : "?cols", "at characters %u to %u: %s",
                        problem.problem.from, problem.problem.to, problem.problem.text);
        else
            api_fail(call, &err);
        return;
    }
    buf_init(&watching.event, EVENT_BYTES_MAX);
    uint64_t now_ns = clock_mono_ns();
    struct tail_counts counts;
    tail_counts(watching.reader.tail, &counts);
    watching.rate_ns = watching.rights_ns = now_ns;
    watching.matched_before = counts.matched;
    if (seconds >= 0) watching.end_ns = now_ns + (uint64_t)seconds * 1000 * NS_PER_MS;
    if (http_text_is(call->request->method, "head")) watching.end_ns = now_ns;
    if (api_stream_begin(call, "text/event-stream", &err)) {
        if (start_send(&watching, is_resumed, &err)) watch(&watching);
        api_stream_end(call, true);
    } else {
        api_fail(call, &err);
    }
    tail_leave(&watching.reader);
    buf_deinit(&watching.event);
}
