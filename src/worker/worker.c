#include "worker/worker.h"
#include "base/clock.h"
#include "base/queue.h"
#include "timefusion/flush.h"
#include "worker/group.h"
#include "worker/otlp/inbound.h"
#include "worker/rows/rows.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define QUEUE_ITEMS_MAX  65536
#define ROW_GROUPS_FLUSH 48          /* of a group: flush by size, before files pass PARQUET_ROW_GROUPS_MAX */
#define SEAL_BYTES_MAX   (48u << 20) /* twice what 24,576 rows of 0.9 KB take */
#define RETRY_MS         200
#define FLUSH_FILES_MAX  2000 /* more groups than this: flushes get rarer, not larger */

/* What the buffer hands over. */
struct item {
    uint64_t position;
    struct uuid project_id;
    struct inbound *inbound;
};

struct project {
    struct uuid id;
    struct group **groups;
    uint32_t group_count, group_cap;
};

struct worker {
    struct worker_options options;
    struct flush_owner partition; /* as we leave it in the tables; txn: the flush thread's */
    struct owner *owner;          /* this time of ours in the partition: its segments outlive the worker */
    struct queue *queue;
    pthread_t thread, flush_thread;
    bool thread_runs, flush_thread_runs;
    atomic_bool stops;

    /* the worker thread's */
    struct project **projects; /* by id: open addressing, cap a power of two */
    uint32_t project_count, project_cap;
    struct rows *rows;
    struct parquet_writer *writer;
    int64_t txn[SCHEMA_TABLE_COUNT]; /* of the tables when we started: what a replay skips */
    uint64_t position;               /* of the last record worked on */
    uint64_t position_cut;           /* of the last flush begun */
    uint64_t visible_at_cut;         /* what was visible then: the flush makes the rest so, up to position_cut */
    uint64_t publish_due_ns, flush_due_ns, quiet_flush_due_ns;
    uint64_t failing_since_ns;   /* the disk refuses segments; 0: all is well */
    bool flush_wanted;           /* by size */
    uint64_t seal_bytes;         /* of one group's columns: large rows make row groups of fewer rows */
    struct worker_stats counted; /* of the worker thread; shared after each turn */

    struct histogram visible, flush_times;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct flush *flush;       /* for the flush thread; NULL: it is idle */
    uint64_t position_pushed;  /* the last one given to us */
    uint64_t position_flushed; /* released */
    uint64_t flush_asked;      /* worker_flush waits for this position */
    struct worker_stats stats;
};

/* Of one record's work: the sink of rows_build. */
struct record_work {
    struct worker *worker;
    struct project *project;
    struct group *group;
    uint64_t position, now_ns;
    int64_t received_unix_us; /* 0: replayed */
};

static struct project *project_get(struct worker *worker, struct uuid id)
{
    if (worker->project_count * 2 >= worker->project_cap) {
        uint32_t cap_old = worker->project_cap;
        struct project **old = worker->projects;
        worker->project_cap = cap_old ? cap_old * 2 : 16;
        worker->projects = mem_calloc(worker->project_cap, sizeof *worker->projects);
        for (uint32_t p = 0; p < cap_old; p++) {
            if (!old[p]) continue;
            uint32_t at = (uint32_t)hash64_of(bytes_from(old[p]->id.bytes, 16)) & (worker->project_cap - 1);
            while (worker->projects[at]) at = (at + 1) & (worker->project_cap - 1);
            worker->projects[at] = old[p];
        }
        free(old);
    }
    uint32_t at = (uint32_t)hash64_of(bytes_from(id.bytes, 16)) & (worker->project_cap - 1);
    for (; worker->projects[at]; at = (at + 1) & (worker->project_cap - 1))
        if (uuid_equal(worker->projects[at]->id, id)) return worker->projects[at];
    struct project *project = mem_calloc(1, sizeof *project);
    project->id = id;
    worker->projects[at] = project;
    worker->project_count++;
    return project;
}

static struct group *project_group(struct worker *worker, struct project *project, enum schema_table_id table,
                                   int32_t day)
{
    for (uint32_t g = 0; g < project->group_count; g++)
        if (project->groups[g]->table->id == table && project->groups[g]->day == day) return project->groups[g];
    if (project->group_count == project->group_cap) {
        project->group_cap = project->group_cap ? project->group_cap * 2 : 4;
        project->groups = mem_realloc(project->groups, project->group_cap * sizeof(struct group *));
    }
    struct group *group = group_create(schema_table(table), project->id, day, worker->owner);
    project->groups[project->group_count++] = group;
    return group;
}

/* Calls fn for every group until it answers false. */
static void groups_each(struct worker *worker, bool (*fn)(struct worker *worker, struct group *group, void *ctx),
                        void *ctx)
{
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        for (uint32_t g = 0; project && g < project->group_count; g++)
            if (!fn(worker, project->groups[g], ctx)) return;
    }
}

static bool is_quiet(const struct worker *worker, const struct group *group)
{
    return worker->options.quiet_flush_ms > 0 && uuid_equal(group->project_id, worker->options.quiet_project_id);
}

/* A disk that refuses is told once, and once more when it is well again. */
static void disk_failed(struct worker *worker, const struct err *err)
{
    if (worker->failing_since_ns == 0) {
        worker->failing_since_ns = clock_mono_ns();
        log_error(worker->options.log, "worker.segment_failed", log_text("err", err->text),
                  log_text("then", "rows stay in memory and in the log; trying again"));
    }
}

static void disk_works(struct worker *worker)
{
    if (worker->failing_since_ns == 0) return;
    log_info(worker->options.log, "worker.segment_recovered",
             log_number("after_ms", (int64_t)((clock_mono_ns() - worker->failing_since_ns) / 1000000)));
    worker->failing_since_ns = 0;
}

/* Seals, and waits for the disk when it must: the rows have no other place to go. False only when we stop. */
static bool group_seal_surely(struct worker *worker, struct group *group)
{
    for (;;) {
        struct err err = { 0 };
        if (group_seal(group, worker->options.timefusion, worker->writer, &err)) break;
        disk_failed(worker, &err);
        if (atomic_load(&worker->stops)) return false;
        clock_sleep_ms(RETRY_MS);
    }
    disk_works(worker);
    worker->counted.sealed++;
    if (group->row_group_count >= ROW_GROUPS_FLUSH) worker->flush_wanted = true;
    return true;
}

static struct columns *sink_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    struct record_work *work = ctx;
    work->group = project_group(work->worker, work->project, table, day);
    /* Only after a seal that could not be done while stopping: the rows are in the log. */
    if (work->group->columns && columns_row_count(work->group->columns) >= COLUMNS_ROWS_MAX)
        columns_reset(work->group->columns);
    if (work->group->unpublished_since_ns == 0) work->group->unpublished_received_unix_us = work->received_unix_us;
    return group_columns(work->group, work->position, work->now_ns);
}

static bool sink_row_done(void *ctx, struct columns *columns)
{
    struct record_work *work = ctx;
    work->worker->counted.rows++;
    uint32_t rows = columns_row_count(columns);
    bool is_large = rows % 16 == 0 && columns_bytes(columns) >= work->worker->seal_bytes;
    if (rows < GROUP_SEAL_ROWS && !is_large) return true;
    (void)!group_seal_surely(work->worker, work->group);
    return false;
}

static void record_work(struct worker *worker, uint64_t position, struct uuid project_id, const struct inbound *inbound,
                        bool is_replay)
{
    struct project *project = project_get(worker, project_id);
    struct record_work work = { .worker = worker, .project = project, .position = position, .now_ns = clock_mono_ns() };
    if (!is_replay) work.received_unix_us = inbound_request(inbound)->received_unix_us;
    struct rows_sink sink = { .columns = sink_columns, .row_done = sink_row_done, .ctx = &work };
    rows_build(worker->rows, project_id, inbound_request(inbound), &sink);
    worker->position = position;
    worker->counted.records++;
}

/* Rows that will fill their row group within the next quarter of a second wait for it: one encoding, not two. */
static bool fills_soon(const struct worker *worker, const struct group *group, uint64_t now_ns)
{
    uint64_t waited_ns = now_ns - group->unpublished_since_ns;
    uint64_t interval_ns = worker->options.publish_ms * 1000000ull;
    if (waited_ns == 0 || waited_ns >= 2 * interval_ns) return false;
    uint64_t rows = columns_row_count(group->columns), fresh = rows - group->published_rows;
    return (GROUP_SEAL_ROWS - rows) * waited_ns < fresh * interval_ns;
}

/* The oldest of the rows that have just become visible; sealing makes rows visible too, but only where they come in
 * thousands, and there the next publish tells. */
static void visible_count(struct worker *worker, const struct group *group, int64_t received_unix_us)
{
    int64_t now_us = clock_unix_us();
    if (received_unix_us == 0 || now_us < received_unix_us || is_quiet(worker, group)) return;
    histogram_add_ns(&worker->visible, (uint64_t)(now_us - received_unix_us) * 1000);
}

static bool publish_now(struct worker *worker, struct group *group, void *ctx)
{
    struct err err = { 0 };
    (void)ctx;
    if (!group->columns || columns_row_count(group->columns) == group->published_rows) return true;
    if (!group_publish(group, worker->options.timefusion, worker->writer, &err)) {
        disk_failed(worker, &err);
        return false;
    }
    disk_works(worker);
    worker->counted.published++;
    visible_count(worker, group, group->unpublished_received_unix_us);
    return true;
}

static bool publish_one(struct worker *worker, struct group *group, void *ctx)
{
    if (group->unpublished_since_ns != 0 && fills_soon(worker, group, *(uint64_t *)ctx)) return true;
    return publish_now(worker, group, NULL);
}

struct memory_sum {
    uint64_t bytes;
    struct group *largest;
    uint64_t largest_bytes;
};

static bool memory_add(struct worker *worker, struct group *group, void *ctx)
{
    struct memory_sum *sum = ctx;
    (void)worker;
    uint64_t bytes = group->columns ? columns_bytes(group->columns) : 0;
    sum->bytes += bytes;
    if (bytes > sum->largest_bytes && columns_row_count(group->columns) > 0) {
        sum->largest_bytes = bytes;
        sum->largest = group;
    }
    return true;
}

static bool spare_drop(struct worker *worker, struct group *group, void *ctx)
{
    (void)worker;
    (void)ctx;
    if (group->columns && columns_row_count(group->columns) == 0) {
        columns_destroy(group->columns);
        group->columns = NULL;
    }
    return true;
}

/* Over the budget the memory that sealed groups keep for their next rows goes first. Then the largest columns become a (smaller than usual) row group and their memory goes. */
static void memory_bound(struct worker *worker)
{
    for (bool has_spare_dropped = false;;) {
        struct memory_sum sum = { 0 };
        groups_each(worker, memory_add, &sum);
        worker->counted.columns_bytes = sum.bytes;
        if (sum.bytes <= worker->options.columns_bytes_max) return;
        if (!has_spare_dropped) {
            groups_each(worker, spare_drop, NULL);
            has_spare_dropped = true;
            continue;
        }
        if (!sum.largest || !group_seal_surely(worker, sum.largest)) return;
        spare_drop(worker, sum.largest, NULL);
    }
}

static bool count_filled(struct worker *worker, struct group *group, void *ctx)
{
    (void)worker;
    *(uint32_t *)ctx += !group_is_empty(group);
    return true;
}

static bool count_filled_loud(struct worker *worker, struct group *group, void *ctx)
{
    *(uint32_t *)ctx += !group_is_empty(group) && !is_quiet(worker, group);
    return true;
}

static bool cut_one(struct worker *worker, struct group *group, void *ctx)
{
    struct flush *flush = ctx;
    (void)worker;
    if (!group_is_empty(group)) group_cut(group, &flush->groups[flush->group_count++]);
    return true;
}

/* Groups of days past or of projects gone quiet are forgotten once Delta has all of theirs. */
static void groups_forget_empty(struct worker *worker)
{
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        uint32_t kept = 0;
        for (uint32_t g = 0; project && g < project->group_count; g++) {
            if (group_is_empty(project->groups[g])) {
                group_destroy(project->groups[g]);
            } else {
                project->groups[kept++] = project->groups[g];
            }
        }
        if (project) project->group_count = kept;
    }
}

static bool visible_bound(struct worker *worker, struct group *group, void *ctx)
{
    uint64_t *visible = ctx;
    (void)worker;
    if (group->unpublished_since_ns != 0 && group->unpublished_low < *visible) *visible = group->unpublished_low;
    return true;
}

/* Up to where the rows of every record can be asked for. */
static uint64_t visible_up_to(struct worker *worker)
{
    uint64_t visible = worker->position;
    groups_each(worker, visible_bound, &visible);
    if (worker->visible_at_cut >= worker->position_cut) return visible;
    pthread_mutex_lock(&worker->lock);
    bool is_stored = worker->position_flushed >= worker->position_cut;
    pthread_mutex_unlock(&worker->lock);
    return is_stored || worker->visible_at_cut > visible ? visible : worker->visible_at_cut;
}

static void visible_tell(struct worker *worker)
{
    owner_visible(timefusion_segments(worker->options.timefusion), worker->owner, visible_up_to(worker));
}

/* Hands everything up to the last whole record to the flush thread. */
static void cut_begin(struct worker *worker, uint32_t filled)
{
    struct flush *flush = mem_calloc(1, sizeof *flush);
    flush->owner = &worker->partition;
    flush->position = worker->position;
    flush->groups = mem_calloc(filled ? filled : 1, sizeof *flush->groups);
    worker->visible_at_cut = visible_up_to(worker);
    groups_each(worker, cut_one, flush);
    groups_forget_empty(worker);
    worker->position_cut = worker->position;
    worker->flush_wanted = false;
    pthread_mutex_lock(&worker->lock);
    assert(!worker->flush);
    worker->flush = flush;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static void cut_if_due(struct worker *worker, uint64_t now_ns)
{
    pthread_mutex_lock(&worker->lock);
    bool is_idle = worker->flush == NULL;
    bool is_asked = worker->flush_asked > worker->position_flushed && worker->position >= worker->flush_asked;
    pthread_mutex_unlock(&worker->lock);
    if (!is_idle) return;
    bool is_due = worker->flush_wanted || now_ns >= worker->flush_due_ns || is_asked;
    if (!is_due) return;
    uint32_t filled = 0, loud = 0;
    groups_each(worker, count_filled, &filled);
    groups_each(worker, count_filled_loud, &loud);
    worker->flush_due_ns = now_ns + worker->options.flush_ms * 1000000ull * (1 + filled / FLUSH_FILES_MAX);
    if (loud == 0 && filled > 0 && !worker->flush_wanted && !is_asked && now_ns < worker->quiet_flush_due_ns) return;
    worker->quiet_flush_due_ns = now_ns + worker->options.quiet_flush_ms * 1000000ull;
    if (worker->position > worker->position_cut) cut_begin(worker, filled);
}

static void publish_if_due(struct worker *worker, uint64_t now_ns)
{
    if (now_ns < worker->publish_due_ns) return;
    uint32_t active = 0;
    groups_each(worker, count_filled, &active);
    groups_each(worker, publish_one, &now_ns);
    memory_bound(worker);
    visible_tell(worker);
    /* Each small segment costs some 0.2 ms: with very many projects the interval grows with them. */
    uint64_t interval_ms = worker->options.publish_ms > active * 2 ? worker->options.publish_ms : active * 2;
    worker->publish_due_ns = now_ns + interval_ms * 1000000;
}

static void stats_share(struct worker *worker)
{
    worker->counted.projects = worker->project_count;
    worker->counted.is_disk_failing = worker->failing_since_ns != 0;
    pthread_mutex_lock(&worker->lock);
    worker->counted.flushes = worker->stats.flushes;
    worker->counted.flush_failures = worker->stats.flush_failures;
    worker->stats = worker->counted;
    pthread_mutex_unlock(&worker->lock);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "worker");
    struct item *items[64];
    bool closed = false;
    while (!closed && !atomic_load(&worker->stops)) {
        uint64_t now_ns = clock_mono_ns();
        int timeout_ms = now_ns >= worker->publish_due_ns ? 0 : (int)((worker->publish_due_ns - now_ns) / 1000000) + 1;
        uint32_t count = queue_pop(worker->queue, (void **)items, COUNT_OF(items), timeout_ms, &closed);
        for (uint32_t i = 0; i < count; i++) {
            record_work(worker, items[i]->position, items[i]->project_id, items[i]->inbound, false);
            inbound_release(items[i]->inbound);
            free(items[i]);
            now_ns = clock_mono_ns();
            publish_if_due(worker, now_ns);
            if (worker->flush_wanted) cut_if_due(worker, now_ns);
        }
        now_ns = clock_mono_ns();
        publish_if_due(worker, now_ns);
        cut_if_due(worker, now_ns);
        stats_share(worker);
    }
    return NULL;
}

/* Tries until it works, we stop, or the partition is another's. */
static void flush_work(struct worker *worker, struct parquet_writer *writer, struct flush *flush)
{
    for (uint32_t delay_ms = 500;; delay_ms = delay_ms < 30000 ? delay_ms * 2 : delay_ms) {
        struct err err = { 0 };
        struct span span;
        uint64_t begin_ns = clock_mono_ns();
        span_begin(&span, worker->options.log, NULL, SPAN_INTERNAL, "flush");
        flush->span = &span;
        bool is_done = flush_run(flush, worker->options.timefusion, writer, worker->options.log, &err);
        span_end(&span, worker->options.log, is_done ? NULL : err_name(err.code),
                 LOG_FIELDS(log_number("position", (int64_t)flush->position),
                            log_number("groups", flush->group_count)));
        if (is_done) {
            histogram_add_ns(&worker->flush_times, clock_mono_ns() - begin_ns);
            worker->options.release(worker->options.ctx, flush->position);
            pthread_mutex_lock(&worker->lock);
            worker->position_flushed = flush->position;
            worker->stats.flushes++;
            pthread_mutex_unlock(&worker->lock);
            return;
        }
        pthread_mutex_lock(&worker->lock);
        worker->stats.flush_failures++;
        pthread_mutex_unlock(&worker->lock);
        log_error(worker->options.log, "worker.flush_failed", log_text("err", err.text),
                  log_number("retry_ms", err.code == ERR_CONFLICT ? -1 : (int64_t)delay_ms));
        if (err.code == ERR_CONFLICT) {
            worker->options.lost(worker->options.ctx, &err);
            return;
        }
        for (uint32_t slept = 0; slept < delay_ms; slept += 50) {
            if (atomic_load(&worker->stops)) return;
            clock_sleep_ms(50);
        }
    }
}

static void *flush_main(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "flush");
    struct parquet_writer *writer = parquet_writer_create();
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->flush && !atomic_load(&worker->stops)) pthread_cond_wait(&worker->changed, &worker->lock);
        if (!worker->flush) break;
        struct flush *flush = worker->flush;
        pthread_mutex_unlock(&worker->lock);
        flush_work(worker, writer, flush);
        flush_deinit(flush);
        free(flush);
        pthread_mutex_lock(&worker->lock);
        worker->flush = NULL;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    parquet_writer_destroy(writer);
    return NULL;
}

bool worker_open(struct worker **out, const struct worker_options *options, struct err *err)
{
    struct worker *worker = mem_calloc(1, sizeof *worker);
    worker->options = *options;
    flush_app_id(options->buffer_id, options->partition, worker->partition.app_id);
    worker->seal_bytes =
        options->columns_bytes_max / 4 < SEAL_BYTES_MAX ? options->columns_bytes_max / 4 : SEAL_BYTES_MAX;
    worker->queue = queue_create(QUEUE_ITEMS_MAX, options->queue_bytes_max);
    worker->rows = rows_create(&(struct rows_options){ .attribute_keys_max = options->attribute_keys_max });
    worker->writer = parquet_writer_create();
    pthread_mutex_init(&worker->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    flush_owner_read(options->timefusion, &worker->partition);
    memcpy(worker->txn, worker->partition.txn, sizeof worker->txn);
    struct owner_options owner = { .app_id = worker->partition.app_id, .epoch = OWNER_EPOCH_NEXT };
    memcpy(owner.stored, worker->txn, sizeof owner.stored);
    if (!owner_open(timefusion_segments(options->timefusion), &owner, &worker->owner, err)) {
        worker_close(worker);
        *out = NULL;
        return false;
    }
    worker->flush_due_ns = clock_mono_ns() + options->flush_ms * 1000000ull;
    worker->quiet_flush_due_ns = clock_mono_ns() + options->quiet_flush_ms * 1000000ull;
    int failed = pthread_create(&worker->flush_thread, NULL, flush_main, worker);
    if (failed) {
        errno = failed;
        worker_close(worker);
        *out = NULL;
        return err_os(err, "could not start the flush thread");
    }
    worker->flush_thread_runs = true;
    *out = worker;
    return true;
}

static bool body_park(struct worker *worker, const struct buffer_record *record, const struct err *why, struct err *err)
{
    struct disk *disk = worker->options.disk;
    struct disk_file *file;
    char path[1024];
    snprintf(path, sizeof path, "%s/%020" PRIu64 ".otlp", worker->options.parked_dir, record->position);
    log_error(worker->options.log, "worker.record_parked", log_text("file", path), log_text("err", why->text));
    if (!disk->ops->mkdir(disk, worker->options.parked_dir, err) ||
        !disk->ops->open(disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err))
        return false;
    bool ok = disk->ops->pwrite(file, 0, &record->body, 1, err) && disk->ops->sync(file, err);
    disk->ops->close(file);
    return ok && disk->ops->sync_dir(disk, worker->options.parked_dir, err);
}

bool worker_replay(struct worker *worker, const struct buffer_record *record, struct err *err)
{
    assert(!worker->thread_runs);
    enum schema_table_id table = record->signal == BUFFER_SIGNAL_METRICS ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS;
    worker->position_pushed = record->position;
    if (worker->txn[table] >= 0 && record->position <= (uint64_t)worker->txn[table]) {
        worker->position = record->position;
        return true;
    }
    struct inbound *inbound;
    struct err why = { 0 };
    if (!inbound_from_record(record, &inbound, &why)) return body_park(worker, record, &why, err);
    record_work(worker, record->position, record->project_id, inbound, true);
    inbound_release(inbound);
    memory_bound(worker);
    if (worker->flush_wanted) cut_if_due(worker, clock_mono_ns());
    return true;
}

bool worker_start(struct worker *worker, struct err *err)
{
    /* What was replayed is visible before anyone can ask. A disk that refuses is tried again by the thread. */
    groups_each(worker, publish_now, NULL);
    visible_tell(worker);
    int failed = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (failed) {
        errno = failed;
        return err_os(err, "could not start the worker thread");
    }
    worker->thread_runs = true;
    return true;
}

void worker_push(struct worker *worker, const struct buffer_record *record, struct inbound *inbound)
{
    struct item *item = mem_alloc(sizeof *item);
    *item = (struct item){ .position = record->position, .project_id = record->project_id, .inbound = inbound };
    pthread_mutex_lock(&worker->lock);
    worker->position_pushed = record->position;
    pthread_mutex_unlock(&worker->lock);
    if (!queue_push_wait(worker->queue, item, inbound_bytes(inbound))) {
        inbound_release(inbound); /* closing: the log has it */
        free(item);
    }
}

bool worker_flush(struct worker *worker, uint64_t *position, uint32_t timeout_ms, struct err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&worker->lock);
    uint64_t wanted = position && *position != 0 ? *position : worker->position_pushed;
    if (position) *position = wanted;
    if (worker->flush_asked < wanted) worker->flush_asked = wanted;
    int failed = 0;
    while (worker->position_flushed < wanted && failed == 0)
        failed = pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
    bool ok = worker->position_flushed >= wanted;
    pthread_mutex_unlock(&worker->lock);
    if (!ok)
        return err_set(err, ERR_TIMEOUT, "rows up to position %" PRIu64 " were not stored within %u ms", wanted,
                       timeout_ms);
    return true;
}

void worker_stats(struct worker *worker, struct worker_stats *stats)
{
    pthread_mutex_lock(&worker->lock);
    *stats = worker->stats;
    stats->position_pushed = worker->position_pushed;
    stats->position_flushed = worker->position_flushed;
    pthread_mutex_unlock(&worker->lock);
    stats->queue_bytes = queue_weight(worker->queue);
    histogram_read(&worker->visible, &stats->visible);
    histogram_read(&worker->flush_times, &stats->flush_times);
}

static void projects_destroy(struct worker *worker)
{
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        if (!project) continue;
        for (uint32_t g = 0; g < project->group_count; g++) group_destroy(project->groups[g]);
        free(project->groups);
        free(project);
    }
    free(worker->projects);
}

void worker_close(struct worker *worker)
{
    if (!worker) return;
    atomic_store(&worker->stops, true);
    queue_close(worker->queue);
    pthread_mutex_lock(&worker->lock);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (worker->thread_runs) pthread_join(worker->thread, NULL);
    if (worker->flush_thread_runs) pthread_join(worker->flush_thread, NULL);
    struct item *item;
    bool closed = false;
    while (queue_pop(worker->queue, (void **)&item, 1, 0, &closed) == 1) {
        inbound_release(item->inbound);
        free(item);
    }
    queue_destroy(worker->queue);
    projects_destroy(worker);
    owner_close(timefusion_segments(worker->options.timefusion), worker->owner);
    rows_destroy(worker->rows);
    parquet_writer_destroy(worker->writer);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
