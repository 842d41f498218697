#include "timefusion/maintenance/maintenance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/maintenance/maintenance_inside.h"

/* Gives way to all others, but not wholly: with SCHED_IDLE the thread could be left lying for seconds on a busy machine
 * while it holds a table's lock, and a flush would wait for it. */
#define NICE            10
#define PACE_NS_MAX     1000000000ull /* a pause after each unit, as long as the unit itself was, up to this */
#define BEHIND_LOOK_MS  250
#define CONFLICT_MS     3000
#define FAILED_MS       15000
#define FAILED_MS_MAX   3600000ull
#define CONFLICTS_ASKED 20 /* in a row, of what somebody waits for */

static const char *const kind_names[] = { "join", "recode", "drop", "vacuum", "log", "index" };
static_assert(COUNT_OF(kind_names) == MAINTENANCE_KIND_COUNT, "a name for each");

const char *maintenance_kind_name(enum maintenance_kind kind)
{
    return kind_names[kind];
}

bool unit_is_cancelled(const struct unit *unit, struct err *err)
{
    if (!atomic_load(unit->cancel) && !atomic_load(&unit->maintenance->stops)) return false;
    err_set(err, ERR_CANCELLED, "maintenance was cancelled");
    return true;
}

enum unit_end unit_commit(struct unit *unit, enum schema_table_id table, const struct delta_change *change,
                          bool *is_certain, struct err *err)
{
    *is_certain = true;
    if (delta_commit(timefusion_delta(unit->maintenance->options.timefusion, table), change, &unit->result.version,
                     err))
        return UNIT_DONE;
    *is_certain = err->code == ERR_CONFLICT || err->code == ERR_UNSUPPORTED || err->code == ERR_TOO_LARGE;
    return err->code == ERR_CONFLICT ? UNIT_CONFLICT : UNIT_FAILED;
}

enum unit_end unit_replace(struct unit *unit, enum schema_table_id table, const struct delta_file *const *files,
                           uint32_t file_count, const struct delta_add *adds, uint32_t add_count, bool *is_certain,
                           struct err *err)
{
    struct maintenance_result *result = &unit->result;
    const char **removes = mem_alloc(file_count * sizeof *removes);
    for (uint32_t f = 0; f < file_count; f++) {
        removes[f] = files[f]->path;
        result->bytes_removed += files[f]->bytes;
    }
    for (uint32_t a = 0; a < add_count; a++) result->bytes_added += adds[a].bytes;
    result->files_removed = file_count;
    result->files_added = add_count;
    struct delta_change change = { .adds = adds,
                                   .add_count = add_count,
                                   .removes = removes,
                                   .remove_count = file_count,
                                   .operation = "OPTIMIZE",
                                   .parameters_json = "{\"predicate\":\"[]\",\"zOrderBy\":\"[]\",\"auto\":\"true\"}" };
    enum unit_end end = unit_commit(unit, table, &change, is_certain, err);
    free(removes);
    return end;
}

/* ---- one unit, counted ---- */

static void unit_count(struct maintenance *maintenance, enum maintenance_kind kind, enum unit_end end,
                       const struct maintenance_result *result, uint64_t busy_ns, const struct err *err)
{
    pthread_mutex_lock(&maintenance->lock);
    struct maintenance_counts *counts = &maintenance->stats.kinds[kind];
    counts->busy_ns += busy_ns;
    if (end == UNIT_DONE) {
        counts->units++;
        counts->files_in += result->files_removed;
        counts->bytes_in += result->bytes_removed;
        counts->files_out += result->files_added;
        counts->bytes_out += result->bytes_added;
        counts->rows += result->rows;
        counts->last_unix_ms = clock_unix_us() / 1000;
    } else if (end == UNIT_CONFLICT) {
        counts->conflicts++;
    } else if (end == UNIT_FAILED && err->code != ERR_CANCELLED) {
        counts->failed++;
        snprintf(counts->last_error, sizeof counts->last_error, "%s", err->text);
    }
    pthread_mutex_unlock(&maintenance->lock);
}

static void unit_log(const struct maintenance *maintenance, enum maintenance_kind kind, enum schema_table_id table,
                     const struct unit *unit, uint64_t busy_ns)
{
    static const char *const events[] = { "maintenance.joined",   "maintenance.recoded",     "maintenance.dropped",
                                          "maintenance.vacuumed", "maintenance.log_cleaned", "maintenance.indexed" };
    static_assert(COUNT_OF(events) == MAINTENANCE_KIND_COUNT, "an event for each");
    const struct maintenance_result *result = &unit->result;
    log_info(maintenance->options.log, events[kind], log_text("table", schema_table(table)->name),
             log_number("version", (int64_t)result->version), log_number("files_in", (int64_t)result->files_removed),
             log_number("files_out", (int64_t)result->files_added), log_number("rows", (int64_t)result->rows),
             log_number("bytes_in", (int64_t)result->bytes_removed),
             log_number("bytes_out", (int64_t)result->bytes_added), log_number("ms", (int64_t)(busy_ns / 1000000)));
}

/* work or request: what is to be done. *result has the unit's counts added. */
static enum unit_end unit_run(struct unit *unit, enum maintenance_kind kind, const struct work *work,
                              const struct maintenance_request *request, struct maintenance_result *result,
                              struct err *err)
{
    struct maintenance *maintenance = unit->maintenance;
    enum schema_table_id table = work ? work->partition.table : request->table;
    unit->result = (struct maintenance_result){ 0 };
    unit->has_more = false;
    *err = (struct err){ 0 };
    pthread_mutex_lock(&maintenance->unit_lock);
    uint64_t begin_ns = clock_mono_ns();
    enum unit_end end = unit_is_cancelled(unit, err) ? UNIT_FAILED
                        : kind == MAINTENANCE_VACUUM ? vacuum_table(unit, request, err)
                        : kind == MAINTENANCE_LOG    ? log_clean(unit, table, err)
                                                     : work_run(unit, work, err);
    uint64_t busy_ns = clock_mono_ns() - begin_ns;
    pthread_mutex_unlock(&maintenance->unit_lock);
    unit_count(maintenance, kind, end, &unit->result, busy_ns, err);
    if (end == UNIT_CONFLICT) result->conflicts++;
    bool has_deleted = kind == MAINTENANCE_VACUUM && unit->result.files_removed > 0; /* also when it failed later */
    if (end != UNIT_DONE && !has_deleted) return end;
    result->units++;
    result->files_removed += unit->result.files_removed;
    result->bytes_removed += unit->result.bytes_removed;
    result->files_added += unit->result.files_added;
    result->bytes_added += unit->result.bytes_added;
    result->rows += unit->result.rows;
    if (!request || !request->is_dry_run) unit_log(maintenance, kind, table, unit, busy_ns);
    return end;
}

/* ---- somebody asks ---- */

static bool work_asked_run(struct unit *unit, const struct work *work, struct maintenance_result *result,
                           struct err *err)
{
    uint32_t conflicts = 0;
    for (;;) {
        enum unit_end end = unit_run(unit, work->kind, work, NULL, result, err);
        if (end == UNIT_NOTHING) return true;
        if (end == UNIT_FAILED) return false;
        if (end == UNIT_DONE) conflicts = 0;
        if (end == UNIT_CONFLICT && ++conflicts == CONFLICTS_ASKED) return false;
    }
}

bool maintenance_run_now(struct maintenance *maintenance, enum maintenance_kind kind,
                         const struct maintenance_request *request, struct maintenance_result *result, struct err *err)
{
    static const atomic_bool never;
    struct unit unit = { .maintenance = maintenance, .cancel = request->cancel ? request->cancel : &never };
    struct delta_table *delta = timefusion_delta(maintenance->options.timefusion, request->table);
    *result = (struct maintenance_result){ 0 };
    pthread_mutex_lock(&maintenance->unit_lock);
    bool can_recode = maintenance->rewriter.run != NULL;
    pthread_mutex_unlock(&maintenance->unit_lock);
    if (kind == MAINTENANCE_RECODE && !can_recode)
        return err_set(err, ERR_UNSUPPORTED, "this process has nothing that reads rows for recoding");
    bool ok = delta_refresh(delta, err);
    if (ok && (kind == MAINTENANCE_VACUUM || kind == MAINTENANCE_LOG)) {
        ok = unit_run(&unit, kind, NULL, request, result, err) != UNIT_FAILED;
    } else if (ok) {
        struct work_list list = { 0 };
        struct look look = { maintenance, request->table, request, kind };
        pthread_mutex_lock(&maintenance->unit_lock);
        look_at_table(&look, &list);
        pthread_mutex_unlock(&maintenance->unit_lock);
        for (uint32_t w = 0; ok && w < list.count; w++) ok = work_asked_run(&unit, &list.works[w], result, err);
        free(list.works);
    }
    struct delta_snapshot *snapshot = delta_snapshot_acquire(delta);
    result->version = snapshot->version;
    delta_snapshot_release(snapshot);
    return ok || err_within(err, "table \"%s\"", schema_table(request->table)->name);
}

/* ---- the thread ---- */

static uint64_t random_next(struct maintenance *maintenance)
{
    maintenance->random = hash64_mix(maintenance->random + 0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u);
    return maintenance->random;
}

/* Waits, or until it stops. True: it stops. */
static bool wait_ns(struct maintenance *maintenance, uint64_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec += (long)(ns % 1000000000);
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&maintenance->lock);
    int waited = 0;
    while (waited != ETIMEDOUT && !atomic_load(&maintenance->stops))
        waited = pthread_cond_timedwait(&maintenance->changed, &maintenance->lock, &until);
    pthread_mutex_unlock(&maintenance->lock);
    return atomic_load(&maintenance->stops);
}

static void waiting_set(struct maintenance *maintenance, bool is_waiting)
{
    pthread_mutex_lock(&maintenance->lock);
    maintenance->stats.is_waiting = is_waiting;
    pthread_mutex_unlock(&maintenance->lock);
}

/* What comes in goes first. True: it stops. */
static bool wait_for_intake(struct maintenance *maintenance)
{
    const struct maintenance_options *options = &maintenance->options;
    bool stops = atomic_load(&maintenance->stops);
    while (!stops && options->is_behind && options->is_behind(options->ctx)) {
        waiting_set(maintenance, true);
        stops = wait_ns(maintenance, BEHIND_LOOK_MS * 1000000ull);
    }
    waiting_set(maintenance, false);
    return stops;
}

static bool work_is_same(const struct backoff *backoff, const struct work *work)
{
    const struct partition *a = &backoff->partition, *b = &work->partition;
    return backoff->kind == work->kind && a->table == b->table && a->day == b->day &&
           uuid_equal(a->project_id, b->project_id);
}

static struct backoff *backoff_find(struct maintenance *maintenance, const struct work *work)
{
    for (uint32_t b = 0; b < maintenance->backoff_count; b++)
        if (work_is_same(&maintenance->backoffs[b], work)) return &maintenance->backoffs[b];
    return NULL;
}

static void backoff_end(struct maintenance *maintenance, const struct work *work)
{
    struct backoff *backoff = backoff_find(maintenance, work);
    if (backoff) *backoff = maintenance->backoffs[--maintenance->backoff_count];
}

/* Tried again later, and later still when it goes on failing. */
static void backoff_begin(struct maintenance *maintenance, const struct work *work, bool is_conflict)
{
    struct backoff *backoff = backoff_find(maintenance, work);
    if (!backoff) {
        uint32_t at = maintenance->backoff_count < BACKOFFS_MAX ? maintenance->backoff_count++
                                                                : (uint32_t)(random_next(maintenance) % BACKOFFS_MAX);
        backoff = &maintenance->backoffs[at];
        *backoff = (struct backoff){ .partition = work->partition, .kind = work->kind };
    }
    uint64_t ms = CONFLICT_MS;
    if (!is_conflict) {
        ms = (uint64_t)FAILED_MS << (backoff->failures < 16 ? backoff->failures : 16);
        if (ms > FAILED_MS_MAX) ms = FAILED_MS_MAX;
        backoff->failures++;
    }
    backoff->until_ns = clock_mono_ns() + (ms / 2 + random_next(maintenance) % ms) * 1000000;
}

static void failure_log(const struct maintenance *maintenance, const struct work *work, const struct err *err)
{
    if (err->code == ERR_CANCELLED) return;
    log_warn(maintenance->options.log, "maintenance.failed", log_text("kind", kind_names[work->kind]),
             log_text("table", schema_table(work->partition.table)->name), log_text("err", err->text),
             log_text("then", "the files stay as they are; tried again later"));
}

/* All there is to do in one place, unit by unit. True: it stops. */
static bool work_do(struct maintenance *maintenance, const struct work *work)
{
    struct unit unit = { .maintenance = maintenance, .cancel = &maintenance->stops, .is_background = true };
    struct backoff *backoff = backoff_find(maintenance, work);
    if (backoff && clock_mono_ns() < backoff->until_ns) return atomic_load(&maintenance->stops);
    for (;;) {
        struct maintenance_result result = { 0 };
        struct err err = { 0 };
        if (wait_for_intake(maintenance)) return true;
        uint64_t begin_ns = clock_mono_ns();
        enum unit_end end = unit_run(&unit, work->kind, work, NULL, &result, &err);
        if (end == UNIT_NOTHING) backoff_end(maintenance, work);
        if (end == UNIT_FAILED || end == UNIT_CONFLICT) backoff_begin(maintenance, work, end == UNIT_CONFLICT);
        if (end == UNIT_FAILED) failure_log(maintenance, work, &err);
        if (end != UNIT_DONE) return atomic_load(&maintenance->stops);
        backoff_end(maintenance, work);
        uint64_t busy_ns = clock_mono_ns() - begin_ns;
        if (wait_ns(maintenance, busy_ns < PACE_NS_MAX ? busy_ns : PACE_NS_MAX)) return true;
    }
}

/* Most files first, by classes; within a class each process has an order of its own, so that several at one table rarely
 * meet. */
struct ordered {
    uint32_t at, class;
    uint64_t random;
};

static int ordered_compare(const void *a, const void *b)
{
    const struct ordered *left = a, *right = b;
    if (left->class != right->class) return left->class > right->class ? -1 : 1;
    return left->random < right->random ? -1 : left->random > right->random;
}

static void pending_set(struct maintenance *maintenance, const struct work_list *list)
{
    pthread_mutex_lock(&maintenance->lock);
    for (uint32_t k = 0; k < MAINTENANCE_KIND_COUNT; k++) maintenance->stats.kinds[k].pending = 0;
    for (uint32_t w = 0; list && w < list->count; w++) maintenance->stats.kinds[list->works[w].kind].pending++;
    pthread_mutex_unlock(&maintenance->lock);
}

static void pending_less(struct maintenance *maintenance, enum maintenance_kind kind)
{
    pthread_mutex_lock(&maintenance->lock);
    if (maintenance->stats.kinds[kind].pending > 0) maintenance->stats.kinds[kind].pending--;
    pthread_mutex_unlock(&maintenance->lock);
}

static bool list_do(struct maintenance *maintenance, const struct work_list *list)
{
    struct ordered *order = mem_alloc((list->count + 1) * sizeof *order);
    bool stops = false;
    for (uint32_t w = 0; w < list->count; w++)
        order[w] = (struct ordered){ w, 31 - (uint32_t)__builtin_clz(list->works[w].file_count | 1),
                                     random_next(maintenance) };
    if (list->count > 1) qsort(order, list->count, sizeof *order, ordered_compare);
    pending_set(maintenance, list);
    for (uint32_t w = 0; !stops && w < list->count; w++) {
        const struct work *work = &list->works[order[w].at];
        stops = work_do(maintenance, work);
        pending_less(maintenance, work->kind);
    }
    free(order);
    return stops;
}

static void refresh(struct maintenance *maintenance, enum schema_table_id table)
{
    struct err err = { 0 };
    if (delta_refresh(timefusion_delta(maintenance->options.timefusion, table), &err)) return;
    log_debug(maintenance->options.log, "maintenance.refresh_failed", log_text("table", schema_table(table)->name),
              log_text("err", err.text));
}

/* Vacuum and the log's cleaning, of every table. True: it stops. */
static bool litter_do(struct maintenance *maintenance)
{
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct maintenance_request request = { .table = (enum schema_table_id)t, .keep_ms = -1 };
        static const enum maintenance_kind kinds[] = { MAINTENANCE_VACUUM, MAINTENANCE_LOG };
        for (uint32_t k = 0; k < COUNT_OF(kinds); k++) {
            struct unit unit = { .maintenance = maintenance, .cancel = &maintenance->stops, .is_background = true };
            struct work work = { .kind = kinds[k], .partition = { .table = request.table } };
            do {
                struct maintenance_result result = { 0 };
                struct err err = { 0 };
                if (wait_for_intake(maintenance)) return true;
                if (unit_run(&unit, kinds[k], NULL, &request, &result, &err) == UNIT_FAILED)
                    failure_log(maintenance, &work, &err);
            } while (unit.has_more);
        }
    }
    return atomic_load(&maintenance->stops);
}

static void *maintenance_main(void *ctx)
{
    struct maintenance *maintenance = ctx;
    const struct maintenance_options *options = &maintenance->options;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone, on Linux */
    uint64_t interval_ns = options->interval_ms * 1000000ull, vacuum_ns = options->vacuum_every_ms * 1000000ull;
    /* The first vacuum comes soon after a start, for a process that is started anew each day must do it too. */
    uint64_t vacuum_due_ns =
        clock_mono_ns() + interval_ns + (vacuum_ns / 16 + 1) / 2 + random_next(maintenance) % (vacuum_ns / 16 + 1);
    while (!wait_ns(maintenance, interval_ns / 2 + random_next(maintenance) % (interval_ns + 1))) {
        struct work_list list = { 0 };
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
            struct look look = { .maintenance = maintenance, .table = (enum schema_table_id)t };
            refresh(maintenance, look.table);
            pthread_mutex_lock(&maintenance->unit_lock);
            look_at_table(&look, &list);
            pthread_mutex_unlock(&maintenance->unit_lock);
        }
        bool stops = list_do(maintenance, &list);
        free(list.works);
        if (!stops && vacuum_ns > 0 && clock_mono_ns() >= vacuum_due_ns) {
            stops = litter_do(maintenance);
            vacuum_due_ns = clock_mono_ns() + vacuum_ns / 2 + random_next(maintenance) % vacuum_ns;
        }
        if (stops) break;
    }
    pending_set(maintenance, NULL);
    return NULL;
}

/* ---- life ---- */

bool maintenance_open(struct maintenance **out, const struct maintenance_options *options, struct err *err)
{
    (void)err; /* nothing is asked of the store yet */
    struct maintenance *maintenance = mem_calloc(1, sizeof *maintenance);
    struct uuid random = uuid_random();
    pthread_condattr_t attributes;
    maintenance->options = *options;
    memcpy(&maintenance->random, random.bytes, sizeof maintenance->random);
    atomic_init(&maintenance->stops, false);
    pthread_mutex_init(&maintenance->unit_lock, NULL);
    pthread_mutex_init(&maintenance->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&maintenance->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = maintenance;
    return true;
}

bool maintenance_start(struct maintenance *maintenance, const struct rewriter *rewriter, struct err *err)
{
    assert(!maintenance->thread_runs);
    pthread_mutex_lock(&maintenance->unit_lock); /* a session may already ask */
    if (rewriter) maintenance->rewriter = *rewriter;
    pthread_mutex_unlock(&maintenance->unit_lock);
    if (!maintenance->options.is_on) return true;
    errno = pthread_create(&maintenance->thread, NULL, maintenance_main, maintenance);
    if (errno != 0) return err_os(err, "could not start the maintenance thread");
    maintenance->thread_runs = true;
    pthread_mutex_lock(&maintenance->lock);
    maintenance->stats.is_on = true;
    pthread_mutex_unlock(&maintenance->lock);
    return true;
}

void maintenance_cancel(struct maintenance *maintenance)
{
    if (!maintenance) return;
    pthread_mutex_lock(&maintenance->lock);
    atomic_store(&maintenance->stops, true);
    pthread_cond_broadcast(&maintenance->changed);
    pthread_mutex_unlock(&maintenance->lock);
}

void maintenance_stop(struct maintenance *maintenance)
{
    if (!maintenance) return;
    maintenance_cancel(maintenance);
    if (maintenance->thread_runs) pthread_join(maintenance->thread, NULL);
    maintenance->thread_runs = false;
    pthread_mutex_lock(&maintenance->unit_lock); /* what runs on a session's thread ends too */
    maintenance->rewriter = (struct rewriter){ 0 };
    pthread_mutex_unlock(&maintenance->unit_lock);
}

void maintenance_close(struct maintenance *maintenance)
{
    if (!maintenance) return;
    maintenance_stop(maintenance);
    weight_map_deinit(&maintenance->weights);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) free(maintenance->vacuum_after[t]);
    pthread_cond_destroy(&maintenance->changed);
    pthread_mutex_destroy(&maintenance->lock);
    pthread_mutex_destroy(&maintenance->unit_lock);
    free(maintenance);
}

bool maintenance_pause(struct maintenance *maintenance, uint32_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* the clock of pthread_mutex_timedlock */
    uint64_t ns = (uint64_t)until.tv_nsec + wait_ms * UINT64_C(1000000);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    return pthread_mutex_timedlock(&maintenance->unit_lock, &until) == 0;
}

void maintenance_resume(struct maintenance *maintenance)
{
    pthread_mutex_unlock(&maintenance->unit_lock);
}

void maintenance_stats(struct maintenance *maintenance, struct maintenance_stats *stats)
{
    pthread_mutex_lock(&maintenance->lock);
    *stats = maintenance->stats;
    pthread_mutex_unlock(&maintenance->lock);
}
