/* The owner's thread: which projects are looked at and held. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "issues/owner_inside.h"
#include "meta/error_rules.h"

enum { LOOK_MS = 500, DUE_MAX = 64, ROUNDS_MAX = 8 };
#define KEEP_EVERY_US    (ISSUE_LEASE_US / 4)
#define TIDY_EVERY_US    INT64_C(600000000)
#define EMBEDDER_IDLE_US INT64_C(60000000)

int64_t owner_now(const struct owner *owner)
{
    return owner->look_unix_us + (int64_t)((clock_mono_ns() - owner->look_mono_ns) / 1000);
}

static struct owned *owned_find(struct owner *owner, struct uuid project_id)
{
    for (struct owned *owned = owner->projects; owned != NULL; owned = owned->next)
        if (uuid_equal(owned->lease.project_id, project_id)) return owned;
    return NULL;
}

/* Forgets it; what is leased stays so until its time is over, or another of this name takes it. */
static void owned_drop(struct owner *owner, struct owned *owned)
{
    struct owned **at = &owner->projects;
    while (*at != owned) at = &(*at)->next;
    *at = owned->next;
    project_free(owned);
}

static void owned_release(struct owner *owner, struct owned *owned)
{
    struct err err = { 0 };
    if (!issue_owner_release(owner->options.db, &owned->lease, &err))
        log_debug(owner->options.log, "issues.release_failed", log_text("err", err.text));
    owned_drop(owner, owned);
}

static void conflict_count(struct owner *owner)
{
    pthread_mutex_lock(&owner->lock);
    owner->stats.conflicts++;
    pthread_mutex_unlock(&owner->lock);
}

static void stats_set(struct owner *owner)
{
    uint64_t fingerprints = 0, bytes = 0;
    uint32_t projects = 0;
    for (const struct owned *owned = owner->projects; owned != NULL; owned = owned->next) {
        projects++;
        fingerprints += group_index_count(owned->index);
        bytes += group_index_bytes(owned->index);
    }
    pthread_mutex_lock(&owner->lock);
    owner->stats.projects = projects;
    owner->stats.fingerprints = fingerprints;
    owner->stats.bytes = bytes;
    pthread_mutex_unlock(&owner->lock);
}

/* The indices together stay within bytes_max: who was not used for the longest goes, but not the one at hand. */
static void room_make(struct owner *owner, const struct owned *at_hand)
{
    for (;;) {
        uint64_t bytes = 0;
        struct owned *oldest = NULL;
        for (struct owned *owned = owner->projects; owned != NULL; owned = owned->next) {
            bytes += group_index_bytes(owned->index);
            if (owned != at_hand && (oldest == NULL || owned->used_unix_us < oldest->used_unix_us)) oldest = owned;
        }
        if (bytes <= owner->options.bytes_max || oldest == NULL) return;
        owned_release(owner, oldest);
    }
}

static bool project_look(struct owner *owner, struct owned *owned, bool *did, struct err *err)
{
    bool more = true;
    if (!project_follow(owner, owned, err)) return false;
    for (int round = 0; more && round < ROUNDS_MAX; round++) {
        if (!project_decide(owner, owned, did, &more, err)) return false;
        room_make(owner, owned);
    }
    return project_refresh(owner, owned, did, err);
}

/* A transaction that was refused leaves the index with what is not in the database: it is read anew at the next look. */
static bool due_look(struct owner *owner, struct uuid project_id, uint32_t *takes, bool *did, struct err *err)
{
    int64_t now_unix_us = owner_now(owner);
    struct owned *owned = owned_find(owner, project_id);
    if (owned == NULL) {
        if (*takes == OWNER_TAKES_MAX) return true;
        ++*takes;
        if (!project_take(owner, project_id, now_unix_us, &owned, err)) return false;
        if (owned == NULL) return true; /* another's */
        owned->next = owner->projects;
        owner->projects = owned;
        room_make(owner, owned);
    }
    owned->used_unix_us = now_unix_us;
    if (project_look(owner, owned, did, err)) return true;
    bool is_conflict = err->code == ERR_CONFLICT;
    owned_drop(owner, owned);
    if (!is_conflict) return false;
    conflict_count(owner);
    *did = true; /* the next look reads it again, if it is still ours */
    *err = (struct err){ 0 };
    return true;
}

/* Leases go on, idle projects go. */
static bool leases_keep(struct owner *owner, int64_t now_unix_us, struct err *err)
{
    if (now_unix_us - owner->kept_unix_us < KEEP_EVERY_US && now_unix_us >= owner->kept_unix_us) return true;
    for (struct owned *owned = owner->projects, *next; owned != NULL; owned = next) {
        next = owned->next;
        if (now_unix_us - owned->used_unix_us > OWNER_IDLE_US) {
            owned_release(owner, owned);
        } else if (owned->lease.until_unix_us - now_unix_us < ISSUE_LEASE_US / 2 &&
                   !issue_owner_keep(owner->options.db, &owned->lease, now_unix_us, err)) {
            if (err->code != ERR_CONFLICT) return false;
            *err = (struct err){ 0 };
            owned_drop(owner, owned);
            conflict_count(owner);
        }
    }
    owner->kept_unix_us = now_unix_us;
    return true;
}

/* What is past its time goes; an index may still know of fingerprints that went, and has their issue made again if they come. */
static bool tidy(struct owner *owner, int64_t now_unix_us, struct err *err)
{
    uint64_t deleted = 0;
    if (owner->embedded_unix_us != 0 && now_unix_us - owner->embedded_unix_us > EMBEDDER_IDLE_US) {
        if (owner->options.embedder.rest != NULL) owner->options.embedder.rest(owner->options.embedder.context);
        owner->embedded_unix_us = 0;
    }
    if (now_unix_us - owner->tidied_unix_us < TIDY_EVERY_US) return true;
    owner->tidied_unix_us = now_unix_us;
    return issue_expire(owner->options.db, &deleted, err) && error_rules_expire(owner->options.db, now_unix_us, err);
}

bool owner_look(struct owner *owner, int64_t now_unix_us, bool *did, struct err *err)
{
    struct uuid due[DUE_MAX];
    uint32_t count = 0, takes = 0;
    *did = false;
    owner->judge_questions = ISSUE_JUDGE_QUESTIONS_MAX;
    owner->look_unix_us = now_unix_us;
    owner->look_mono_ns = clock_mono_ns();
    bool ok = leases_keep(owner, now_unix_us, err) &&
              issue_owner_due(owner->options.db, owner->id, owner->name, now_unix_us, due, DUE_MAX, &count, err);
    for (uint32_t d = 0; ok && d < count; d++) ok = due_look(owner, due[d], &takes, did, err);
    ok = ok && tidy(owner, now_unix_us, err);
    stats_set(owner);
    return ok;
}

/* ---- the thread ---- */

static void failure_tell(struct owner *owner, bool ok, const struct err *err)
{
    if (!ok && !owner->is_failure_told && err->code != ERR_BUSY) /* that the database is away is told by its pool */
        log_warn(owner->options.log, "issues.look_failed", log_text("err", err->text),
                 log_text("then", "new errors have no issue until it is well"));
    if (ok && owner->is_failure_told) log_info(owner->options.log, "issues.look_recovered");
    owner->is_failure_told = !ok;
    pthread_mutex_lock(&owner->lock);
    owner->stats.failures += !ok;
    owner->stats.is_failing = !ok;
    pthread_mutex_unlock(&owner->lock);
}

/* False: it is to end. */
static bool wait(struct owner *owner, uint32_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000ull;
    struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000ull),
                              .tv_nsec = (long)(until_ns % 1000000000ull) };
    pthread_mutex_lock(&owner->lock);
    if (!owner->stops) pthread_cond_timedwait(&owner->wakes, &owner->lock, &until);
    bool stops = owner->stops;
    pthread_mutex_unlock(&owner->lock);
    return !stops;
}

static void *owner_thread(void *ctx)
{
    struct owner *owner = ctx;
    uint32_t look_ms = owner->options.look_ms > 0 ? owner->options.look_ms : LOOK_MS;
    bool did = false;
    pthread_setname_np(pthread_self(), "issues");
    while (wait(owner, did ? 1 : look_ms)) {
        struct err err = { 0 };
        bool ok = owner_look(owner, clock_unix_us(), &did, &err);
        failure_tell(owner, ok, &err);
        did = did && ok;
    }
    return NULL;
}

struct owner *owner_create(const struct owner_options *options)
{
    struct owner *owner = mem_calloc(1, sizeof *owner);
    pthread_condattr_t monotonic;
    owner->options = *options;
    owner->name = mem_strdup(options->name);
    owner->id = uuid_random();
    arena_init(&owner->arena, 0);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&owner->lock, NULL);
    pthread_cond_init(&owner->wakes, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return owner;
}

bool owner_start(struct owner *owner, struct err *err)
{
    assert(!owner->has_thread);
    errno = pthread_create(&owner->thread, NULL, owner_thread, owner);
    owner->has_thread = errno == 0;
    return owner->has_thread || err_os(err, "could not start the thread of issues");
}

void owner_close(struct owner *owner)
{
    if (owner == NULL) return;
    if (owner->has_thread) {
        pthread_mutex_lock(&owner->lock);
        owner->stops = true;
        pthread_cond_signal(&owner->wakes);
        pthread_mutex_unlock(&owner->lock);
        pthread_join(owner->thread, NULL);
    }
    /* A database that is away must not keep us: the leases end by themselves. */
    while (owner->projects != NULL) {
        if (owner->stats.is_failing) {
            owned_drop(owner, owner->projects);
        } else {
            owned_release(owner, owner->projects);
        }
    }
    pthread_cond_destroy(&owner->wakes);
    pthread_mutex_destroy(&owner->lock);
    arena_deinit(&owner->arena);
    free(owner->name);
    free(owner);
}

void owner_stats(struct owner *owner, struct owner_stats *stats)
{
    pthread_mutex_lock(&owner->lock);
    *stats = owner->stats;
    pthread_mutex_unlock(&owner->lock);
    histogram_read(&owner->decide_times, &stats->decide_times);
}
