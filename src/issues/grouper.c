/* The owner's thread: which projects are looked at and held. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "issues/grouper_inside.h"
#include "meta/error_rules.h"

enum { LOOK_MS = 500, DUE_MAX = 64, ROUNDS_MAX = 8 };
#define KEEP_EVERY_US    (ISSUE_LEASE_US / 4)
#define TIDY_EVERY_US    INT64_C(3600000000)
#define EMBEDDER_IDLE_US INT64_C(60000000)

int64_t grouper_now(const struct grouper *grouper)
{
    return grouper->look_unix_us + (int64_t)((clock_mono_ns() - grouper->look_mono_ns) / 1000);
}

static struct owned *owned_find(struct grouper *grouper, struct uuid project_id)
{
    for (struct owned *owned = grouper->projects; owned != NULL; owned = owned->next)
        if (uuid_equal(owned->lease.project_id, project_id)) return owned;
    return NULL;
}

/* Forgets it; what is leased stays so until its time is over, or another of this name takes it. */
static void owned_drop(struct grouper *grouper, struct owned *owned)
{
    struct owned **at = &grouper->projects;
    while (*at != owned) at = &(*at)->next;
    *at = owned->next;
    project_free(owned);
}

static void owned_release(struct grouper *grouper, struct owned *owned)
{
    struct err err = { 0 };
    if (!issue_owner_release(grouper->options.db, &owned->lease, &err))
        log_debug(grouper->options.log, "issues.release_failed", log_text("err", err.text));
    owned_drop(grouper, owned);
}

static void conflict_count(struct grouper *grouper)
{
    pthread_mutex_lock(&grouper->lock);
    grouper->stats.conflicts++;
    pthread_mutex_unlock(&grouper->lock);
}

static void stats_set(struct grouper *grouper)
{
    uint64_t fingerprints = 0, bytes = 0;
    uint32_t projects = 0;
    for (const struct owned *owned = grouper->projects; owned != NULL; owned = owned->next) {
        projects++;
        fingerprints += group_index_count(owned->index);
        bytes += group_index_bytes(owned->index);
    }
    pthread_mutex_lock(&grouper->lock);
    grouper->stats.projects = projects;
    grouper->stats.fingerprints = fingerprints;
    grouper->stats.bytes = bytes;
    pthread_mutex_unlock(&grouper->lock);
}

/* The indices together stay within bytes_max: who was not used for the longest goes, but not the one at hand. */
static void room_make(struct grouper *grouper, const struct owned *at_hand)
{
    for (;;) {
        uint64_t bytes = 0;
        struct owned *oldest = NULL;
        for (struct owned *owned = grouper->projects; owned != NULL; owned = owned->next) {
            bytes += group_index_bytes(owned->index);
            if (owned != at_hand && (oldest == NULL || owned->used_unix_us < oldest->used_unix_us)) oldest = owned;
        }
        if (bytes <= grouper->options.bytes_max || oldest == NULL) return;
        owned_release(grouper, oldest);
    }
}

static bool project_look(struct grouper *grouper, struct owned *owned, bool *did, struct err *err)
{
    bool more = true;
    if (!project_follow(grouper, owned, err)) return false;
    for (int round = 0; more && round < ROUNDS_MAX; round++) {
        if (!project_decide(grouper, owned, did, &more, err)) return false;
        room_make(grouper, owned);
    }
    return project_refresh(grouper, owned, did, err);
}

/* A transaction that was refused leaves the index with what is not in the database: it is read anew at the next look. */
static bool due_look(struct grouper *grouper, struct uuid project_id, uint32_t *takes, bool *did, struct err *err)
{
    int64_t now_unix_us = grouper_now(grouper);
    struct owned *owned = owned_find(grouper, project_id);
    if (owned == NULL) {
        if (*takes == GROUPER_TAKES_MAX) return true;
        ++*takes;
        if (!project_take(grouper, project_id, now_unix_us, &owned, err)) return false;
        if (owned == NULL) return true; /* another's */
        owned->next = grouper->projects;
        grouper->projects = owned;
        room_make(grouper, owned);
    }
    owned->used_unix_us = now_unix_us;
    if (project_look(grouper, owned, did, err)) return true;
    bool is_conflict = err->code == ERR_CONFLICT;
    owned_drop(grouper, owned);
    if (!is_conflict) return false;
    conflict_count(grouper);
    *did = true; /* the next look reads it again, if it is still ours */
    *err = (struct err){ 0 };
    return true;
}

/* Leases go on, idle projects go. */
static bool leases_keep(struct grouper *grouper, int64_t now_unix_us, struct err *err)
{
    if (now_unix_us - grouper->kept_unix_us < KEEP_EVERY_US && now_unix_us >= grouper->kept_unix_us) return true;
    for (struct owned *owned = grouper->projects, *next; owned != NULL; owned = next) {
        next = owned->next;
        if (now_unix_us - owned->used_unix_us > GROUPER_IDLE_US) {
            owned_release(grouper, owned);
        } else if (owned->lease.until_unix_us - now_unix_us < ISSUE_LEASE_US / 2 &&
                   !issue_owner_keep(grouper->options.db, &owned->lease, now_unix_us, err)) {
            if (err->code != ERR_CONFLICT) return false;
            *err = (struct err){ 0 };
            owned_drop(grouper, owned);
            conflict_count(grouper);
        }
    }
    grouper->kept_unix_us = now_unix_us;
    return true;
}

/* What is past its time goes; an index may still know of fingerprints that went, and has their issue made again if they come. */
static bool tidy(struct grouper *grouper, int64_t now_unix_us, struct err *err)
{
    uint64_t deleted = 0;
    if (grouper->embedded_unix_us != 0 && now_unix_us - grouper->embedded_unix_us > EMBEDDER_IDLE_US) {
        if (grouper->options.embedder.rest != NULL) grouper->options.embedder.rest(grouper->options.embedder.context);
        grouper->embedded_unix_us = 0;
    }
    if (now_unix_us - grouper->tidied_unix_us < TIDY_EVERY_US) return true;
    if (!issue_expire(grouper->options.db, &deleted, err)) return false;
    if (deleted == 0) grouper->tidied_unix_us = now_unix_us; /* else there may be more */
    return error_rules_expire(grouper->options.db, now_unix_us, err);
}

bool grouper_look(struct grouper *grouper, int64_t now_unix_us, bool *did, struct err *err)
{
    struct uuid due[DUE_MAX];
    uint32_t count = 0, takes = 0;
    *did = false;
    grouper->judge_questions = ISSUE_JUDGE_QUESTIONS_MAX;
    grouper->look_unix_us = now_unix_us;
    grouper->look_mono_ns = clock_mono_ns();
    bool ok = leases_keep(grouper, now_unix_us, err) &&
              issue_owner_due(grouper->options.db, grouper->id, grouper->name, now_unix_us, due, DUE_MAX, &count, err);
    for (uint32_t d = 0; ok && d < count; d++) ok = due_look(grouper, due[d], &takes, did, err);
    ok = ok && tidy(grouper, now_unix_us, err);
    stats_set(grouper);
    return ok;
}

/* ---- the thread ---- */

static void failure_tell(struct grouper *grouper, bool ok, const struct err *err)
{
    if (!ok && !grouper->is_failure_told && err->code != ERR_BUSY) /* that the database is away is told by its pool */
        log_warn(grouper->options.log, "issues.look_failed", log_text("err", err->text),
                 log_text("then", "new errors have no issue until it is well"));
    if (ok && grouper->is_failure_told) log_info(grouper->options.log, "issues.look_recovered");
    grouper->is_failure_told = !ok;
    pthread_mutex_lock(&grouper->lock);
    grouper->stats.failures += !ok;
    grouper->stats.is_failing = !ok;
    pthread_mutex_unlock(&grouper->lock);
}

static void *grouper_thread(void *ctx)
{
    struct grouper *grouper = ctx;
    uint32_t look_ms = grouper->options.look_ms > 0 ? grouper->options.look_ms : LOOK_MS;
    bool did = false;
    pthread_setname_np(pthread_self(), "issues");
    while (ticker_rest(&grouper->ticker, did ? 1 : look_ms)) {
        struct err err = { 0 };
        bool ok = grouper_look(grouper, clock_unix_us(), &did, &err);
        failure_tell(grouper, ok, &err);
        did = did && ok;
    }
    return NULL;
}

struct grouper *grouper_create(const struct grouper_options *options)
{
    struct grouper *grouper = mem_calloc(1, sizeof *grouper);
    grouper->options = *options;
    grouper->name = mem_strdup(options->name);
    grouper->id = uuid_random();
    arena_init(&grouper->arena, 0);
    pthread_mutex_init(&grouper->lock, NULL);
    ticker_init(&grouper->ticker);
    return grouper;
}

bool grouper_start(struct grouper *grouper, struct err *err)
{
    assert(!grouper->has_thread);
    errno = pthread_create(&grouper->thread, NULL, grouper_thread, grouper);
    grouper->has_thread = errno == 0;
    return grouper->has_thread || err_os(err, "could not start the thread of issues");
}

void grouper_close(struct grouper *grouper)
{
    if (grouper == NULL) return;
    if (grouper->has_thread) {
        ticker_stop(&grouper->ticker);
        pthread_join(grouper->thread, NULL);
    }
    /* A database that is away must not keep us: the leases end by themselves. */
    while (grouper->projects != NULL) {
        if (grouper->stats.is_failing) {
            owned_drop(grouper, grouper->projects);
        } else {
            owned_release(grouper, grouper->projects);
        }
    }
    ticker_deinit(&grouper->ticker);
    pthread_mutex_destroy(&grouper->lock);
    arena_deinit(&grouper->arena);
    free(grouper->name);
    free(grouper);
}

void grouper_stats(struct grouper *grouper, struct grouper_stats *stats)
{
    pthread_mutex_lock(&grouper->lock);
    *stats = grouper->stats;
    pthread_mutex_unlock(&grouper->lock);
    histogram_read(&grouper->decide_times, &stats->decide_times);
}
