#include "sourcemaps/sourcemaps.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ticker.h"
#include "base/utf8.h"
#include "sourcemaps/book.h"
#include "sourcemaps/context.h"
#include "sourcemaps/open_maps.h"
#include "sourcemaps/stack.h"
#include "timefusion/object/object.h"

enum { FOLLOW_MS = 250, ROUND_MAX = 100, CONTEXT_WAIT_MS = 10000 };
#define US_PER_DAY INT64_C(86400000000)

struct sourcemaps {
    struct sourcemaps_options options;
    struct book *book;
    struct open_maps *open;
    pthread_mutex_t put_lock; /* one upload at a time */
    pthread_t thread;
    bool thread_runs, is_failing;
    struct ticker ticker;
    _Atomic uint64_t stacks, frames, unmapped, late;
};

/* ---- taking in ---- */

static bool text_copy(struct bytes text, char *into, size_t into_bytes, const char *what, struct err *err)
{
    if (text.len >= into_bytes) return err_set(err, ERR_INPUT, "the %s has more than %zu bytes", what, into_bytes - 1);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F)
            return err_set(err, ERR_INPUT, "the %s has a control character in it", what);
    }
    if (!utf8_is_valid(text)) return err_set(err, ERR_INPUT, "the %s is not UTF-8", what);
    if (text.len > 0) memcpy(into, text.ptr, text.len);
    into[text.len] = '\0';
    return true;
}

static bool names_take(const struct sourcemaps_upload *upload, struct source_map *map, struct err *err)
{
    struct book_file file;
    *map = (struct source_map){ .project_id = upload->project_id, .bytes = (int64_t)upload->json.len };
    if (!text_copy(upload->release, map->release, sizeof map->release, "release", err) ||
        !text_copy(upload->file, map->file, sizeof map->file, "file's name", err))
        return false;
    if (!book_file_split(upload->file, &file))
        return err_set(
            err, ERR_INPUT,
            "file says which script the map is of, as stacks have it: https://www.example.com/assets/app.js, or "
            "~/assets/app.js of any host");
    memcpy(map->host, file.host, sizeof map->host);
    memcpy(map->path, file.path, sizeof map->path);
    snprintf(map->uploaded_by, sizeof map->uploaded_by, "%s", upload->by);
    return true;
}

static bool bytes_store(struct sourcemaps *maps, const struct source_map *map, const struct map_made *made,
                        struct bytes packed, struct err *err)
{
    char key[OPEN_MAPS_KEY_BYTES], sources_key[OPEN_MAPS_KEY_BYTES];
    open_maps_key(map->project_id, map->id, "map", key);
    open_maps_key(map->project_id, map->id, "sources", sources_key);
    return (made->sources.len == 0 || object_put(maps->options.objects, sources_key, buf_bytes(&made->sources), err)) &&
           object_put(maps->options.objects, key, packed, err);
}

static bool made_store(struct sourcemaps *maps, const struct map_made *made, struct source_map *map, struct err *err)
{
    struct buf packed;
    if (made->compact.len > maps->options.bytes_max)
        return err_set(err, ERR_TOO_LARGE,
                       "the map takes %zu bytes when it is open, and all maps together may take %llu here (--memory)",
                       made->compact.len, (unsigned long long)maps->options.bytes_max);
    buf_init(&packed, SIZE_MAX / 4);
    bool ok = open_maps_pack(buf_bytes(&made->compact), &packed, err);
    map->debug_id = made->debug_id;
    map->mapping_count = made->mapping_count;
    map->source_count = made->source_count;
    map->has_sources = made->sources.len > 0;
    map->stored_bytes = (int64_t)(packed.len + made->sources.len);
    /* The row first: bytes without one would stay for ever. */
    ok = ok && source_map_begin(maps->options.db, map, &maps->options.limits, err) &&
         bytes_store(maps, map, made, buf_bytes(&packed), err);
    buf_deinit(&packed);
    return ok;
}

bool sourcemaps_put(struct sourcemaps *maps, const struct sourcemaps_upload *upload, struct source_map *map,
                    struct err *err)
{
    struct map_made made = { 0 };
    if (upload->json.len > SOURCEMAPS_UPLOAD_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a source map has at most %u bytes", SOURCEMAPS_UPLOAD_BYTES_MAX);
    if (!names_take(upload, map, err)) return false;
    if (pthread_mutex_trylock(&maps->put_lock) != 0)
        return err_set(err, ERR_BUSY, "another source map is being read: send them one after the other");
    bool ok = map_read(upload->json, &made, err) && made_store(maps, &made, map, err);
    map_made_deinit(&made);
    pthread_mutex_unlock(&maps->put_lock);
    return ok;
}

/* ---- resolving ---- */

#define HELD_MAX 32 /* maps of one stack */
struct resolving {
    struct sourcemaps *maps;
    struct edition *edition;
    struct book_ask ask;
    struct bytes last_file;
    const struct map *last_map;
    struct {
        struct uuid id;
        struct open_map *open; /* NULL: could not be had */
    } held[HELD_MAX];
    uint32_t held_count;
    bool is_late;
};

static const struct map *map_of_id(struct resolving *resolving, const struct book_map *found)
{
    for (uint32_t h = 0; h < resolving->held_count; h++) {
        if (uuid_equal(resolving->held[h].id, found->id))
            return resolving->held[h].open == NULL ? NULL : open_map_of(resolving->held[h].open);
    }
    if (resolving->held_count == HELD_MAX) return NULL;
    bool is_late;
    struct open_map *open =
        open_maps_hold(resolving->maps->open, found->project_id, found->id, SOURCEMAPS_WAIT_MS, &is_late);
    resolving->held[resolving->held_count].id = found->id;
    resolving->held[resolving->held_count++].open = open;
    if (is_late) resolving->is_late = true;
    return open == NULL ? NULL : open_map_of(open);
}

static const struct map *map_of_file(void *ctx, struct bytes file)
{
    struct resolving *resolving = ctx;
    if (resolving->last_file.len > 0 && bytes_equal(resolving->last_file, file)) return resolving->last_map;
    const struct book_map *found = book_find(resolving->edition, &resolving->ask, file);
    resolving->last_file = file;
    resolving->last_map = found == NULL ? NULL : map_of_id(resolving, found);
    return resolving->last_map;
}

/* All of a stack or nothing of it: a part that is resolved for want of a map in time would be a stack of its own. */
static bool resolve(void *ctx, struct arena *arena, const struct rows_stack *stack, struct bytes *resolved)
{
    struct sourcemaps *maps = ctx;
    struct edition *edition = book_hold(maps->book);
    if (likely(edition == NULL)) return false;
    bool ok = false;
    if (book_has_project(edition, stack->project_id)) {
        struct resolving resolving = { .maps = maps,
                                       .edition = edition,
                                       .ask = { .project_id = stack->project_id,
                                                .received_unix_us = stack->received_unix_us,
                                                .release = stack->release,
                                                .debug_ids = stack->debug_ids } };
        struct stack_counts counts;
        struct bytes text;
        ok = stack_resolve(arena, stack->text, &(struct stack_maps){ map_of_file, &resolving }, &text, &counts) &&
             !resolving.is_late;
        if (ok) *resolved = text;
        for (uint32_t h = 0; h < resolving.held_count; h++) {
            if (resolving.held[h].open != NULL) open_maps_release(maps->open, resolving.held[h].open);
        }
        atomic_fetch_add_explicit(&maps->stacks, resolving.held_count > 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&maps->frames, ok ? counts.frames : 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&maps->unmapped, counts.unmapped, memory_order_relaxed);
        atomic_fetch_add_explicit(&maps->late, resolving.is_late, memory_order_relaxed);
    }
    book_release(edition);
    return ok;
}

struct rows_stacks_source sourcemaps_stacks(struct sourcemaps *maps)
{
    return (struct rows_stacks_source){ .resolve = maps == NULL ? NULL : resolve, .ctx = maps };
}

/* ---- lines around a place ---- */

static bool place_find(struct sourcemaps *maps, const struct sourcemaps_place *place, struct book_map *of,
                       struct err *err)
{
    struct edition *edition = book_hold(maps->book);
    struct book_ask ask = { .project_id = place->project_id,
                            .received_unix_us = place->received_unix_us,
                            .release = place->release,
                            .debug_ids = place->debug_ids };
    const struct book_map *found = edition == NULL ? NULL : book_find(edition, &ask, place->file);
    if (found != NULL) *of = *found;
    book_release(edition);
    return found != NULL || err_set(err, ERR_NOT_FOUND, "there is no source map of this file");
}

bool sourcemaps_context(struct sourcemaps *maps, struct arena *arena, const struct sourcemaps_place *place,
                        struct sourcemaps_context *context, struct err *err)
{
    struct book_map of; /* its texts are gone */
    struct map_place found;
    struct bytes text;
    char key[OPEN_MAPS_KEY_BYTES];
    bool is_late;
    *context = (struct sourcemaps_context){ 0 };
    if (place->line == 0 || place->column == 0) return err_set(err, ERR_NOT_FOUND, "the frame has no line and column");
    if (!place_find(maps, place, &of, err)) return false;
    struct open_map *open = open_maps_hold(maps->open, of.project_id, of.id, CONTEXT_WAIT_MS, &is_late);
    if (open == NULL) return err_set(err, ERR_BUSY, "the source map could not be had in time");
    bool ok = map_find(open_map_of(open), place->line - 1, place->column - 1, &found);
    open_maps_release(maps->open, open);
    if (!ok) return err_set(err, ERR_NOT_FOUND, "the source map says nothing of this place");
    open_maps_key(of.project_id, of.id, "sources", key);
    context->map_id = of.id;
    return context_source(maps->options.objects, arena, key, found.source, &text, err) &&
           (context_lines(text, found.line, found.column, context) ||
            err_set(err, ERR_NOT_FOUND, "the source has no such line"));
}

static uint32_t source_of_name(const struct map *map, struct bytes name) /* MAP_NONE: it has none of that name */
{
    for (uint32_t s = 0; s < map->head.source_count; s++) {
        if (bytes_equal(map_source_name(map, s), name)) return s;
    }
    return MAP_NONE;
}

bool sourcemaps_context_of_source(struct sourcemaps *maps, struct arena *arena, const struct sourcemaps_place *place,
                                  struct sourcemaps_context *context, struct err *err)
{
    const struct book_map *found[SOURCEMAPS_LOOK_MAX];
    struct edition *edition = book_hold(maps->book);
    struct book_ask ask = { .project_id = place->project_id,
                            .received_unix_us = place->received_unix_us,
                            .release = place->release };
    uint32_t count = edition == NULL ? 0 : book_of_release(edition, &ask, found, SOURCEMAPS_LOOK_MAX);
    bool ok = false;
    *context = (struct sourcemaps_context){ 0 };
    for (uint32_t f = 0; f < count && place->line > 0 && !ok; f++) {
        char key[OPEN_MAPS_KEY_BYTES];
        struct bytes text;
        bool is_late;
        struct open_map *open =
            open_maps_hold(maps->open, found[f]->project_id, found[f]->id, SOURCEMAPS_WAIT_MS, &is_late);
        if (open == NULL) continue;
        uint32_t source = source_of_name(open_map_of(open), place->file);
        open_maps_release(maps->open, open);
        if (source == MAP_NONE) continue;
        open_maps_key(found[f]->project_id, found[f]->id, "sources", key);
        context->map_id = found[f]->id;
        ok = context_source(maps->options.objects, arena, key, source, &text, err) &&
             context_lines(text, place->line - 1, place->column > 0 ? place->column - 1 : 0, context);
    }
    book_release(edition);
    return ok || err_set(err, ERR_NOT_FOUND, "no source map has this source");
}

/* ---- following, and looking after what ends ---- */

static void news_want(void *ctx, const struct book_map *map)
{
    struct sourcemaps *maps = ctx;
    if (map->deleted_unix_us == 0) open_maps_want(maps->open, map->project_id, map->id);
}

static void *follow_thread(void *ctx)
{
    struct sourcemaps *maps = ctx;
    pthread_setname_np(pthread_self(), "maps follow");
    while (ticker_rest(&maps->ticker, FOLLOW_MS)) {
        struct err err = { 0 };
        bool ok = book_refresh(maps->book, maps->options.resolves ? news_want : NULL, maps, &err);
        if (!ok && !maps->is_failing && err.code != ERR_BUSY)
            log_warn(maps->options.log, "source_maps.follow_failed", log_text("err", err.text));
        maps->is_failing = !ok;
    }
    return NULL;
}

struct round {
    struct uuid projects[ROUND_MAX], ids[ROUND_MAX];
    uint32_t count;
};
static bool doomed_take(void *ctx, const struct source_map *map)
{
    struct round *round = ctx;
    round->projects[round->count] = map->project_id;
    round->ids[round->count++] = map->id;
    return round->count < ROUND_MAX;
}

/* The bytes first: a row without them is seen again, bytes without a row are not. */
static bool doomed_delete(struct sourcemaps *maps, struct err *err)
{
    struct round round = { .count = 0 };
    if (!source_map_doomed(maps->options.db, clock_unix_us(), ROUND_MAX, doomed_take, &round, err)) return false;
    for (uint32_t r = 0; r < round.count; r++) {
        char key[OPEN_MAPS_KEY_BYTES];
        open_maps_key(round.projects[r], round.ids[r], "map", key);
        if (!object_delete(maps->options.objects, key, err)) return false;
        open_maps_key(round.projects[r], round.ids[r], "sources", key);
        if (!object_delete(maps->options.objects, key, err)) return false;
    }
    return source_map_forget(maps->options.db, round.ids, round.count, err);
}

static void look_after(void *ctx)
{
    struct sourcemaps *maps = ctx;
    struct err err = { 0 };
    struct uuid ids[ROUND_MAX];
    int64_t now_us = clock_unix_us(), expired;
    uint32_t used = open_maps_used(maps->open, ids, ROUND_MAX);
    bool ok = source_map_used(maps->options.db, ids, used, now_us, &err);
    if (maps->options.resolves) {
        ok = ok &&
             (maps->options.unused_days_max == 0 ||
              source_map_expire(maps->options.db, now_us - maps->options.unused_days_max * US_PER_DAY, &expired, &err));
        ok = ok && doomed_delete(maps, &err);
    }
    if (!ok && err.code != ERR_BUSY)
        log_warn(maps->options.log, "source_maps.look_after_failed", log_text("err", err.text));
}

/* ---- life ---- */

static bool thread_start(struct sourcemaps *maps, struct err *err)
{
    errno = pthread_create(&maps->thread, NULL, follow_thread, maps);
    maps->thread_runs = errno == 0;
    return maps->thread_runs || err_os(err, "could not start the thread that follows source maps");
}

bool sourcemaps_open(struct sourcemaps **out, const struct sourcemaps_options *options, struct err *err)
{
    struct sourcemaps *maps = mem_calloc(1, sizeof *maps);
    maps->options = *options;
    pthread_mutex_init(&maps->put_lock, NULL);
    ticker_init(&maps->ticker);
    struct open_maps_options open = { .objects = options->objects,
                                      .bytes_max = options->bytes_max,
                                      .idle = look_after,
                                      .ctx = maps,
                                      .log = options->log };
    *out = maps;
    if (book_open(&maps->book, options->db, err) && open_maps_create(&maps->open, &open, err) &&
        thread_start(maps, err))
        return true;
    sourcemaps_close(maps);
    *out = NULL;
    return false;
}

void sourcemaps_close(struct sourcemaps *maps)
{
    if (maps == NULL) return;
    ticker_stop(&maps->ticker);
    if (maps->thread_runs) pthread_join(maps->thread, NULL);
    open_maps_destroy(maps->open);
    book_close(maps->book);
    pthread_mutex_destroy(&maps->put_lock);
    ticker_deinit(&maps->ticker);
    free(maps);
}

void sourcemaps_stats(struct sourcemaps *maps, struct sourcemaps_stats *stats)
{
    struct open_maps_stats open;
    open_maps_stats(maps->open, &open);
    *stats = (struct sourcemaps_stats){ .stacks = atomic_load(&maps->stacks),
                                        .frames = atomic_load(&maps->frames),
                                        .unmapped = atomic_load(&maps->unmapped),
                                        .late = atomic_load(&maps->late),
                                        .fetches = open.fetches,
                                        .fetch_failures = open.fetch_failures,
                                        .open_bytes = open.bytes,
                                        .open_maps = open.count,
                                        .maps = book_count(maps->book) };
}
