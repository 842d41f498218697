#include "worker/replay/replay_join.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/ticker.h"
#include "base/uuid.h"
#include "replay/replay_batch.h"
#include "timefusion/object/object.h"
#include "worker/replay/replay_segments.h"
#include "worker/replay/replay_unpack.h"

#define LOOSE_BYTES     (REPLAY_JOINED_BYTES / 2) /* smaller ones are joined */
#define LOOSE_COUNT     64                        /* so many that came make a session due */
#define DUE_MAX         64u
#define ROUND_US_MIN    INT64_C(200000)
#define ROUND_US_MAX    INT64_C(10000000)
#define INPUT_BYTES_MAX LOOSE_BYTES
#define ORPHAN_IDLES    2 /* idle times: for so long nobody is between an object and its row, or reads what was replaced */

struct replay_joiner {
    struct replay_joiner_options options;
    char owner[UUID_TEXT_BYTES + 1];
    pthread_t thread;
    struct ticker ticker;
    atomic_uint_fast64_t objects_read, objects_written, completed, swept, failures;
};

/* A session that is ours for a while. */
struct turn {
    struct replay_joiner *joiner;
    const struct replay_due *due;
    struct replay_lease lease;
    struct arena *arena;
};

/* ---- joining ---- */

struct group {
    struct replay_delta *delta;
    struct bytes *replaced;
    uint32_t count;
    int64_t bytes, events;
    struct uuid project_id;
};

static bool group_line(void *ctx, struct bytes batch, struct err *err)
{
    struct group *group = ctx;
    (void)err;
    replay_delta_add(group->delta, group->project_id, batch);
    return true;
}

static void group_reset(struct group *group)
{
    replay_delta_reset(group->delta);
    group->count = 0;
    group->bytes = group->events = 0;
}

/* What cannot be read stays where it is, and nothing of it is taken: the next object is written without it. */
static bool group_add(struct turn *turn, struct group *group, const struct replay_segment *segment, struct err *err)
{
    const struct replay_joiner *joiner = turn->joiner;
    struct err why = { 0 };
    struct buf packed;
    struct replay_delta *before = group->delta;
    buf_init(&packed, INPUT_BYTES_MAX);
    const char *key = replay_key(turn->arena, group->project_id, turn->due->session_id, segment->name);
    group->delta = replay_delta_create();
    bool ok = object_get(joiner->options.objects, key, INPUT_BYTES_MAX, &packed, &why) &&
              replay_unpack(buf_bytes(&packed), group_line, group, &why);
    if (ok) {
        replay_delta_merge(before, group->delta);
        group->replaced[group->count++] = segment->name;
        group->bytes += segment->byte_count;
        group->events += segment->event_count;
    }
    replay_delta_destroy(group->delta);
    group->delta = before;
    buf_deinit(&packed);
    if (ok || why.code == ERR_NOT_FOUND || why.code == ERR_CORRUPT || why.code == ERR_TOO_LARGE) {
        if (!ok)
            log_warn(joiner->options.log, "replays.segment_unreadable", log_text("key", key),
                     log_text("err", why.text));
        return true;
    }
    *err = why;
    return false;
}

/* An object that nobody will have a row for: its session was deleted while we wrote. Of any other the sweep takes care. */
static void written_forget(struct turn *turn, const struct replay_segment *segment)
{
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    if (replay_read(turn->joiner->options.db, turn->due->project_id, turn->due->session_id, turn->arena, &session,
                    &segments, &count, &err) ||
        err.code != ERR_NOT_FOUND)
        return;
    const char *key = replay_key(turn->arena, turn->due->project_id, turn->due->session_id, segment->name);
    if (!object_delete(turn->joiner->options.objects, key, &err))
        log_warn(turn->joiner->options.log, "replays.orphan", log_text("key", key), log_text("err", err.text));
}

static bool group_join(struct turn *turn, struct group *group, struct err *err)
{
    struct replay_joiner *joiner = turn->joiner;
    struct replay_segment segment;
    struct replay_session twice = { 0 };
    char name[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_random(), name);
    struct replay_join join = { .replaced = group->replaced,
                                .replaced_count = group->count,
                                .replaced_bytes = group->bytes,
                                .segment = &segment,
                                .twice = &twice,
                                .sweep_unix_us = clock_unix_us() + ORPHAN_IDLES * joiner->options.idle_us };
    fail_point("replays.join_before_put");
    if (!replay_segment_join(joiner->options.objects, group->delta, group->events, name, turn->arena, &segment, &twice,
                             err)) {
        if (err->code != ERR_CORRUPT) return false;
        log_warn(joiner->options.log, "replays.segments_differ", log_text("err", err->text));
        *err = (struct err){ 0 };
        return true;
    }
    fail_point("replays.join_before_commit");
    if (!replay_join_commit(joiner->options.db, &turn->lease, &join, clock_unix_us(), err)) {
        written_forget(turn, &segment);
        return false;
    }
    fail_point("replays.join_after_commit");
    atomic_fetch_add(&joiner->objects_read, group->count);
    atomic_fetch_add(&joiner->objects_written, 1);
    return true;
}

static int by_tab(const void *left, const void *right)
{
    const struct replay_segment *a = left, *b = right;
    int order = bytes_compare(a->tab_id, b->tab_id);
    if (order == 0) order = (a->first_unix_us > b->first_unix_us) - (a->first_unix_us < b->first_unix_us);
    return order != 0 ? order : bytes_compare(a->name, b->name);
}

static bool tab_join(struct turn *turn, const struct replay_segment *segments, uint32_t count, struct group *group,
                     struct err *err)
{
    bool ok = true;
    group_reset(group);
    for (uint32_t s = 0; ok && s < count && ticker_goes_on(&turn->joiner->ticker); s++) {
        if ((uint64_t)segments[s].byte_count < LOOSE_BYTES) ok = group_add(turn, group, &segments[s], err);
        if (!ok || ((uint64_t)group->bytes < REPLAY_JOINED_BYTES && s + 1 < count)) continue;
        if (group->count > 1) ok = group_join(turn, group, err);
        group_reset(group);
    }
    return ok;
}

static bool session_join(struct turn *turn, struct err *err)
{
    struct replay_segment *segments;
    uint32_t count;
    if (!replay_segments_read(turn->joiner->options.db, turn->due->project_id, turn->due->session_id, turn->arena,
                              &segments, &count, err))
        return false;
    if (count > 1) qsort(segments, count, sizeof *segments, by_tab);
    struct group group = { .delta = replay_delta_create(),
                           .replaced = arena_calloc(turn->arena, (count + 1) * sizeof(struct bytes)),
                           .project_id = turn->due->project_id };
    bool ok = true;
    for (uint32_t s = 0, from = 0; ok && s < count; s++) {
        if (s + 1 < count && bytes_equal(segments[s + 1].tab_id, segments[from].tab_id)) continue;
        ok = tab_join(turn, &segments[from], s + 1 - from, &group, err);
        from = s + 1;
    }
    replay_delta_destroy(group.delta);
    return ok;
}

/* ---- objects without a row ---- */

struct found {
    struct bytes name;
    const char *key;
    int64_t modified_unix_us;
};
struct listing {
    struct arena *arena;
    size_t prefix_len;
    struct found *found;
    uint32_t count, cap;
};
static bool found_add(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct listing *listing = ctx;
    size_t len = strlen(key), suffix = sizeof REPLAY_SEGMENT_SUFFIX - 1;
    (void)bytes;
    if (len < listing->prefix_len + suffix || strcmp(key + len - suffix, REPLAY_SEGMENT_SUFFIX) != 0) return true;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? listing->cap * 2 : 64;
        listing->found = mem_realloc(listing->found, listing->cap * sizeof *listing->found);
    }
    const char *copy = arena_printf(listing->arena, "%s", key);
    listing->found[listing->count++] =
        (struct found){ .key = copy,
                        .name = bytes_from(copy + listing->prefix_len, len - listing->prefix_len - suffix),
                        .modified_unix_us = modified_unix_us };
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct replay_segment *a = left, *b = right;
    return bytes_compare(a->name, b->name);
}

static bool has_row(const struct replay_segment *segments, uint32_t count, struct bytes name)
{
    struct replay_segment wanted = { .name = name };
    return count > 0 && bsearch(&wanted, segments, count, sizeof *segments, by_name) != NULL;
}

/* The list first, the rows after: an object is written before its row, so one that is listed and has none had none when it was
 * written, or has lost it. is_left: younger ones are there, to be looked at later. */
static bool session_sweep(struct turn *turn, bool *is_left, struct err *err)
{
    struct replay_joiner *joiner = turn->joiner;
    const char *prefix = replay_prefix(turn->arena, turn->due->project_id, turn->due->session_id);
    struct listing listing = { .arena = turn->arena, .prefix_len = strlen(prefix) };
    struct replay_segment *segments;
    int64_t not_after = clock_unix_us() - ORPHAN_IDLES * joiner->options.idle_us;
    uint32_t count = 0, doomed_count = 0;
    *is_left = false;
    bool ok = object_list(joiner->options.objects, prefix, found_add, &listing, err) &&
              replay_segments_read(joiner->options.db, turn->due->project_id, turn->due->session_id, turn->arena,
                                   &segments, &count, err);
    const char **doomed = mem_alloc((listing.count + 1) * sizeof *doomed);
    if (ok && count > 1) qsort(segments, count, sizeof *segments, by_name);
    if (ok && count == REPLAY_SEGMENTS_MAX) listing.count = 0; /* not all rows were read */
    for (uint32_t f = 0; ok && f < listing.count; f++) {
        if (has_row(segments, count, listing.found[f].name)) continue;
        if (listing.found[f].modified_unix_us < not_after) {
            doomed[doomed_count++] = listing.found[f].key;
        } else {
            *is_left = true;
        }
    }
    fail_point("replays.join_before_sweep");
    ok = ok && (doomed_count == 0 || object_delete_many(joiner->options.objects, doomed, doomed_count, err));
    if (ok) atomic_fetch_add(&joiner->swept, doomed_count);
    free(doomed);
    free(listing.found);
    return ok;
}

/* ---- a session's turn ---- */

static bool turn_do(struct turn *turn, struct err *err)
{
    struct replay_joiner *joiner = turn->joiner;
    int64_t later = clock_unix_us() + ORPHAN_IDLES * joiner->options.idle_us;
    struct replay_join_end end = { .due = turn->due, .is_swept = turn->due->wants_sweep };
    bool is_left = false;
    if (!(end.is_swept ? session_sweep(turn, &is_left, err) : session_join(turn, err))) return false;
    if (!ticker_goes_on(&joiner->ticker)) return err_set(err, ERR_CANCELLED, "the process ends");
    end.is_complete = turn->due->is_idle;
    end.sweep_unix_us = is_left || end.is_complete ? later : 0;
    fail_point("replays.join_before_end");
    if (!replay_join_end(joiner->options.db, &turn->lease, &end, err)) return false;
    atomic_fetch_add(&joiner->completed, end.is_complete);
    return true;
}

static bool turn_take(struct replay_joiner *joiner, const struct replay_due *due, struct err *err)
{
    struct arena arena;
    struct turn turn = { .joiner = joiner,
                         .due = due,
                         .lease = { due->project_id, due->session_id, bytes_of_text(joiner->owner) },
                         .arena = &arena };
    struct err ignored = { 0 };
    bool got;
    if (!replay_join_take(joiner->options.db, &turn.lease, clock_unix_us(), &got, err)) return false;
    if (!got) return true;
    arena_init(&arena, 0);
    bool ok = turn_do(&turn, err);
    /* A session that fails keeps its lease: others have their turn first, whoever's they are. */
    if (!ok && err->code == ERR_CANCELLED) (void)!replay_join_release(joiner->options.db, &turn.lease, &ignored);
    arena_deinit(&arena);
    return ok;
}

static bool joiner_round(struct replay_joiner *joiner, int64_t now_unix_us, struct err *err)
{
    struct replay_due_options options = { .now_unix_us = now_unix_us,
                                          .idle_us = joiner->options.idle_us,
                                          .loose_count_min = LOOSE_COUNT,
                                          .loose_bytes_min = (int64_t)REPLAY_JOINED_BYTES,
                                          .limit = DUE_MAX };
    bool all_ok = true;
    for (uint32_t count = DUE_MAX; all_ok && count >= DUE_MAX && ticker_goes_on(&joiner->ticker);) {
        struct replay_due *due;
        struct arena arena;
        arena_init(&arena, 0);
        all_ok = replay_join_due(joiner->options.db, &options, &arena, &due, &count, err);
        for (uint32_t d = 0; all_ok && d < count && ticker_goes_on(&joiner->ticker); d++) {
            struct err why = { 0 };
            if (turn_take(joiner, &due[d], &why)) continue;
            atomic_fetch_add(&joiner->failures, why.code != ERR_CANCELLED && why.code != ERR_CONFLICT);
            *err = why;
            all_ok = why.code == ERR_CONFLICT || why.code == ERR_CORRUPT;
        }
        arena_deinit(&arena);
        options.now_unix_us = clock_unix_us();
    }
    return all_ok;
}

/* ---- the thread ---- */

static void *joiner_main(void *arg)
{
    struct replay_joiner *joiner = arg;
    pthread_setname_np(pthread_self(), "replays");
    int64_t every_us = joiner->options.idle_us / 10;
    every_us = every_us < ROUND_US_MIN ? ROUND_US_MIN : every_us > ROUND_US_MAX ? ROUND_US_MAX : every_us;
    bool was_ok = true;
    do {
        struct err err = { 0 };
        bool ok = joiner_round(joiner, clock_unix_us(), &err) || err.code == ERR_CANCELLED;
        if (!ok && was_ok) log_warn(joiner->options.log, "replays.join_failed", log_text("err", err.text));
        was_ok = ok;
    } while (ticker_rest(&joiner->ticker, (uint64_t)every_us / 1000));
    return NULL;
}

bool replay_joiner_start(struct replay_joiner **out, const struct replay_joiner_options *options, struct err *err)
{
    struct replay_joiner *joiner = mem_calloc(1, sizeof *joiner);
    joiner->options = *options;
    uuid_to_text(uuid_random(), joiner->owner);
    ticker_init(&joiner->ticker);
    *out = NULL;
    errno = pthread_create(&joiner->thread, NULL, joiner_main, joiner);
    if (errno != 0) {
        int failure = errno;
        ticker_deinit(&joiner->ticker);
        free(joiner);
        errno = failure;
        return err_os(err, "could not start the thread that joins replays");
    }
    *out = joiner;
    return true;
}

void replay_joiner_stop(struct replay_joiner *joiner)
{
    if (!joiner) return;
    ticker_stop(&joiner->ticker);
    pthread_join(joiner->thread, NULL);
    ticker_deinit(&joiner->ticker);
    free(joiner);
}

void replay_joiner_stats(struct replay_joiner *joiner, struct replay_joiner_stats *stats)
{
    *stats = (struct replay_joiner_stats){ .objects_read = atomic_load(&joiner->objects_read),
                                           .objects_written = atomic_load(&joiner->objects_written),
                                           .completed = atomic_load(&joiner->completed),
                                           .swept = atomic_load(&joiner->swept),
                                           .failures = atomic_load(&joiner->failures) };
}
