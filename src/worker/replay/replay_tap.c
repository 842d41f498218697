#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "worker/replay/replay_delta.h"
#include "worker/replay/replay_join.h"
#include "worker/replay/replay_segments.h"
#include "worker/replay/replays.h"

#define EXPIRE_SESSIONS 200u

struct replays {
    struct replays_options options;
    struct counting *counting;
    struct replay_joiner *joiner;
};

COUNTING_OF_DELTA(replay)

static void delta_weigh(const void *delta, struct counting_weight *weight)
{
    *weight = (struct counting_weight){ .bytes = ((const struct replay_delta *)delta)->bytes };
}

static bool record_begin(void *delta, void *names, int64_t now_us, struct uuid project_id,
                         const struct otlp_request *request)
{
    (void)names, (void)now_us;
    if (request->signal == OTLP_REPLAY) replay_delta_add(delta, project_id, request->body);
    return false;
}

static bool store(void *ctx, void *delta, const struct tap_move *move, struct err *err)
{
    const struct replays *replays = ctx;
    struct replay_changes changes = { .move = *move };
    struct replay_names kept_out;
    struct arena arena;
    arena_init(&arena, 0);
    fail_point("replays.before_objects");
    bool ok = replay_kept_out(replays->options.db, &arena, &kept_out, err) &&
              replay_segments_write(replays->options.objects, delta, &kept_out, &arena, &changes, err);
    if (ok) {
        fail_point("replays.before_store");
        ok = replay_store(replays->options.db, &changes, clock_unix_us(), err);
        if (ok) fail_point("replays.after_store");
    }
    arena_deinit(&arena);
    return ok;
}

static bool sessions_delete(const struct replays_options *options, const struct replay_session *sessions,
                            uint32_t count, uint64_t *deleted, struct err *err)
{
    for (uint32_t s = 0; s < count; s++) {
        if (!replay_session_delete(options->objects, options->db, sessions[s].project_id, sessions[s].id, false, err))
            return false;
        ++*deleted;
    }
    return true;
}

static bool expire(void *ctx, int64_t now_us, uint64_t *deleted, struct err *err)
{
    const struct replays_options *options = &((const struct replays *)ctx)->options;
    struct replay_session *sessions;
    struct arena arena;
    uint32_t count = 0;
    *deleted = 0;
    arena_init(&arena, 0);
    bool ok = replay_returned(options->db, EXPIRE_SESSIONS, &arena, &sessions, &count, err) &&
              sessions_delete(options, sessions, count, deleted, err) &&
              replay_kept_out_expire(options->db, now_us, err);
    if (ok && options->keep_us > 0)
        ok = replay_doomed(options->db, now_us - options->keep_us, EXPIRE_SESSIONS, &arena, &sessions, &count, err) &&
             sessions_delete(options, sessions, count, deleted, err);
    arena_deinit(&arena);
    return ok;
}

static const struct counting_ops ops = {
    .tap = REPLAY_TAP,
    .what = "replays",
    .event_store_failed = "replays.store_failed",
    .event_store_recovered = "replays.store_recovered",
    .event_expire_failed = "replays.expire_failed",
    .weigh_every = 1,
    .delta_create = delta_create,
    .delta_destroy = delta_destroy,
    .delta_reset = delta_reset,
    .delta_merge = delta_merge,
    .delta_weigh = delta_weigh,
    .record_begin = record_begin,
    .store = store,
    .expire = expire,
};

struct tap_source replays_source(struct replays *replays)
{
    return counting_source(replays->counting);
}

bool replays_open(struct replays **out, const struct replays_options *options, struct err *err)
{
    struct replays *replays = mem_calloc(1, sizeof *replays);
    replays->options = *options;
    struct counting_options counting = {
        .ops = &ops, .ctx = replays, .db = options->db, .bytes_max = options->bytes_max, .log = options->log
    };
    struct replay_joiner_options joiner = {
        .db = options->db, .objects = options->objects, .idle_us = options->idle_us, .log = options->log
    };
    replays->counting = counting_open(&counting);
    if (replay_joiner_start(&replays->joiner, &joiner, err)) {
        *out = replays;
        return true;
    }
    replays_close(replays);
    *out = NULL;
    return false;
}

void replays_stats(struct replays *replays, struct counting_stats *stats, struct replay_joiner_stats *joins)
{
    counting_stats(replays->counting, stats);
    replay_joiner_stats(replays->joiner, joins);
}

void replays_close(struct replays *replays)
{
    if (!replays) return;
    replay_joiner_stop(replays->joiner);
    counting_close(replays->counting);
    free(replays);
}
