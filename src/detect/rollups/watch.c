#include "detect/rollups/watch_inside.h"

#include <stdlib.h>

#include "base/hash.h"

struct watch *watch_create(struct uuid project_id, int64_t since_unix_us, const struct detect_options *options)
{
    struct watch *watch = mem_calloc(1, sizeof *watch);
    watch->project_id = project_id;
    watch->detect = detect_create(options);
    watch->next_unix_us = since_unix_us - since_unix_us % ROLLUP_MINUTE_US;
    arena_init(&watch->names, 0);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (!watch) return;
    for (uint32_t t = 0; t < watch->total_count; t++) free(watch->totals[t].durations);
    detect_destroy(watch->detect);
    free(watch->slots);
    free(watch->watched);
    free(watch->totals);
    arena_deinit(&watch->names);
    free(watch);
}

int64_t watch_next_unix_us(const struct watch *watch)
{
    return watch->next_unix_us;
}

uint32_t watch_series_count(const struct watch *watch)
{
    return detect_series_count(watch->detect);
}

bool watch_is_cut(const struct watch *watch)
{
    return watch->is_cut;
}

/* ---- which series is which ---- */

static struct slot *slot_find(const struct watch *watch, int64_t id, bool is_total)
{
    uint32_t at =
        (uint32_t)(hash64_mix((uint64_t)id ^ is_total, UINT64_C(0x9e3779b97f4a7c15)) & (watch->slot_count - 1));
    while (watch->slots[at].number != 0 && (watch->slots[at].id != id || watch->slots[at].is_total != is_total))
        at = (at + 1) & (watch->slot_count - 1);
    return &watch->slots[at];
}

static void slots_grow(struct watch *watch)
{
    if (watch->slots_used * 2 < watch->slot_count) return;
    struct slot *old = watch->slots;
    uint32_t old_count = watch->slot_count;
    watch->slot_count = old_count ? old_count * 2 : 256;
    watch->slots = mem_calloc(watch->slot_count, sizeof *watch->slots);
    for (uint32_t s = 0; s < old_count; s++)
        if (old[s].number != 0) *slot_find(watch, old[s].id, old[s].is_total) = old[s];
    free(old);
}

static void slot_put(struct watch *watch, int64_t id, bool is_total, uint32_t number)
{
    slots_grow(watch);
    struct slot *slot = slot_find(watch, id, is_total);
    if (slot->number == 0) watch->slots_used++;
    *slot =
        (struct slot){ .id = id, .is_total = is_total, .number = number == WATCH_IGNORED ? WATCH_IGNORED : number + 1 };
}

/* 0: not known; WATCH_IGNORED; else the place in watched, + 1. */
uint32_t watch_slot_of(const struct watch *watch, int64_t id, bool is_total)
{
    return watch->slot_count == 0 ? 0 : slot_find(watch, id, is_total)->number;
}

static uint32_t watched_add(struct watch *watch, const struct watch_subject *subject)
{
    uint32_t number = detect_series_add(watch->detect);
    if (number >= watch->watched_cap) {
        watch->watched_cap = watch->watched_cap ? watch->watched_cap * 2 : 64;
        watch->watched = mem_realloc(watch->watched, watch->watched_cap * sizeof *watch->watched);
    }
    watch->watched[number] = (struct watched){ .subject = *subject, .total = WATCH_IGNORED };
    return number;
}

struct bytes watch_kept(struct watch *watch, struct bytes text)
{
    return text.len > 0 ? arena_copy(&watch->names, text) : BYTES("");
}

uint32_t watch_series_add(struct watch *watch, const struct watch_subject *subject, int64_t id, bool is_total)
{
    uint32_t number = watched_add(watch, subject);
    slot_put(watch, id, is_total, number);
    return number;
}

void watch_ignore(struct watch *watch, int64_t id)
{
    if (watch_slot_of(watch, id, false) == 0) slot_put(watch, id, false, WATCH_IGNORED);
}

void watch_totals_make(struct watch *watch, uint32_t count)
{
    assert(watch->total_count == 0);
    watch->totals = mem_realloc(watch->totals, (count + 1u) * sizeof *watch->totals);
    watch->total_count = count;
    watch->total_cap = count + 1;
    for (uint32_t t = 0; t < count; t++) watch->totals[t] = (struct total){ .watched = WATCH_IGNORED };
}

/* The place in totals of a service. */
static uint32_t total_of(struct watch *watch, struct bytes service)
{
    int64_t id = (int64_t)hash64_of(service);
    uint32_t slot = watch_slot_of(watch, id, true);
    if (slot != 0) return watch->watched[slot - 1].total;
    if (watch->total_count == watch->total_cap) {
        watch->total_cap = watch->total_cap ? watch->total_cap * 2 : 64;
        watch->totals = mem_realloc(watch->totals, watch->total_cap * sizeof *watch->totals);
    }
    uint32_t number = watched_add(watch, &(struct watch_subject){ .service = service, .kind = "request" });
    watch->watched[number].is_total = true;
    watch->watched[number].total = watch->total_count;
    watch->totals[watch->total_count] = (struct total){ .watched = number };
    slot_put(watch, id, true, number);
    return watch->total_count++;
}

static bool is_request(const char *kind)
{
    return strcmp(kind, "server") == 0 || strcmp(kind, "consumer") == 0;
}

static void series_learn(struct watch *watch, const struct rollup_series *series)
{
    if (watch_slot_of(watch, series->id, false) != 0) return;
    if (strcmp(series->kind, "metric") == 0 || detect_series_count(watch->detect) + 2 > WATCH_SERIES_MAX) {
        watch->is_cut = watch->is_cut || strcmp(series->kind, "metric") != 0;
        slot_put(watch, series->id, false, WATCH_IGNORED);
        return;
    }
    struct watch_subject subject = { .service = watch_kept(watch, series->service),
                                     .endpoint = watch_kept(watch, series->endpoint),
                                     .method = watch_kept(watch, series->method),
                                     .route = watch_kept(watch, series->route),
                                     .kind = arena_printf(&watch->names, "%s", series->kind) };
    uint32_t number = watched_add(watch, &subject);
    slot_put(watch, series->id, false, number);
    if (!is_request(series->kind)) return;
    uint32_t total = total_of(watch, subject.service);
    watch->watched[number].total = total;
    watch->totals[total].members++;
}

/* Asks who the series are that are new in these minutes; those that are none of ours (edges) are remembered as that. */
static bool series_know(struct watch *watch, struct db *db, const struct rollup_minute *minutes, uint32_t count,
                        struct err *err)
{
    uint32_t unknown = 0;
    for (uint32_t m = 0; m < count; m++) unknown += watch_slot_of(watch, minutes[m].series_id, false) == 0;
    if (unknown == 0) return true;
    struct arena arena;
    struct rollup_series *series;
    uint32_t series_count;
    bool is_more;
    arena_init(&arena, 0);
    bool ok = rollup_series_names(db, watch->project_id, minutes[0].at_unix_us, WATCH_SERIES_MAX, &arena, &series,
                                  &series_count, &is_more, err);
    for (uint32_t s = 0; ok && s < series_count; s++) series_learn(watch, &series[s]);
    for (uint32_t m = 0; ok && m < count; m++)
        if (watch_slot_of(watch, minutes[m].series_id, false) == 0)
            slot_put(watch, minutes[m].series_id, false, WATCH_IGNORED);
    if (ok) watch->is_cut = watch->is_cut || is_more;
    arena_deinit(&arena);
    return ok;
}

/* ---- minutes ---- */

static void total_add(struct total *total, const struct rollup_minute *minute)
{
    total->row_count += minute->row_count;
    total->error_count += minute->error_count;
    if (total->duration_count + minute->duration_bucket_count > total->duration_cap) {
        total->duration_cap = 2 * (total->duration_count + minute->duration_bucket_count);
        total->durations = mem_realloc(total->durations, total->duration_cap * sizeof *total->durations);
    }
    if (minute->duration_bucket_count > 0)
        memcpy(total->durations + total->duration_count, minute->durations,
               minute->duration_bucket_count * sizeof *minute->durations);
    total->duration_count += minute->duration_bucket_count;
}

static void minute_put(struct watch *watch, const struct rollup_minute *minute)
{
    uint32_t slot = watch_slot_of(watch, minute->series_id, false);
    if (slot == 0 || slot == WATCH_IGNORED) return;
    detect_put(watch->detect, slot - 1, minute->row_count, minute->error_count, minute->durations,
               minute->duration_bucket_count);
    uint32_t total = watch->watched[slot - 1].total;
    if (total != WATCH_IGNORED) total_add(&watch->totals[total], minute);
}

static void totals_put(struct watch *watch)
{
    for (uint32_t t = 0; t < watch->total_count; t++) {
        struct total *total = &watch->totals[t];
        if (total->row_count > 0)
            detect_put(watch->detect, total->watched, total->row_count, total->error_count, total->durations,
                       total->duration_count);
        total->row_count = total->error_count = 0;
        total->duration_count = 0;
    }
}

static void minute_end(struct watch *watch, watch_tell_fn *tell, void *ctx)
{
    const struct detect_finding *findings;
    size_t count = detect_minute_end(watch->detect, &findings);
    for (size_t f = 0; f < count; f++) {
        if (findings[f].series == DETECT_ALL) {
            tell(ctx, &findings[f], NULL);
            continue;
        }
        const struct watched *watched = &watch->watched[findings[f].series];
        if (watched->is_total && watch->totals[watched->total].members < 2) continue; /* its endpoint tells it */
        tell(ctx, &findings[f], &watched->subject);
    }
}

void watch_open(struct watch *watch, watch_tell_fn *tell, void *ctx)
{
    const struct detect_finding *findings;
    size_t count = detect_open(watch->detect, &findings);
    for (size_t f = 0; f < count; f++)
        tell(ctx, &findings[f], findings[f].series == DETECT_ALL ? NULL : &watch->watched[findings[f].series].subject);
}

static bool piece_run(struct watch *watch, struct db *db, int64_t to_unix_us, watch_tell_fn *tell, void *ctx,
                      struct err *err)
{
    struct arena arena;
    struct rollup_minute *minutes;
    uint32_t count, at = 0;
    arena_init(&arena, 0);
    bool ok =
        rollup_minutes_read(db, watch->project_id, watch->next_unix_us, to_unix_us, &arena, &minutes, &count, err) &&
        series_know(watch, db, minutes, count, err);
    for (; ok && watch->next_unix_us < to_unix_us; watch->next_unix_us += ROLLUP_MINUTE_US) {
        detect_minute_begin(watch->detect, watch->next_unix_us);
        for (; at < count && minutes[at].at_unix_us == watch->next_unix_us; at++) minute_put(watch, &minutes[at]);
        totals_put(watch);
        minute_end(watch, tell, ctx);
    }
    arena_deinit(&arena);
    return ok;
}

bool watch_run(struct watch *watch, struct db *db, int64_t to_unix_us, watch_tell_fn *tell, void *ctx, struct err *err)
{
    to_unix_us -= to_unix_us % ROLLUP_MINUTE_US;
    while (watch->next_unix_us < to_unix_us) {
        int64_t piece = watch->next_unix_us + WATCH_PIECE_MINUTES * ROLLUP_MINUTE_US;
        if (!piece_run(watch, db, piece < to_unix_us ? piece : to_unix_us, tell, ctx, err)) return false;
    }
    return true;
}
