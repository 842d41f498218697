#include "base/clock.h"
#include "worker/worker_inside.h"
#include <stdlib.h>

#define NOWHERE_ROWS 1024

/* Of one record's work: the sink of rows_build. */
struct record_work {
    struct worker *worker;
    struct project *project;
    struct group *group;
    uint64_t position, now_ns;
    int64_t received_unix_us; /* 0: replayed */
    struct worker_listening listening;
    void *watching; /* of worker_watch; NULL: nobody does */
    const struct written *written;
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
void worker_groups_each(struct worker *worker, bool (*fn)(struct worker *worker, struct group *group, void *ctx),
                        void *ctx)
{
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        for (uint32_t g = 0; project && g < project->group_count; g++)
            if (!fn(worker, project->groups[g], ctx)) return;
    }
}

bool worker_is_quiet(const struct worker *worker, const struct group *group)
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

/* Of one group's columns: large rows make row groups of fewer rows, and so do many workers. */
static uint64_t seal_bytes(const struct worker *worker)
{
    const struct worker_memory *memory = worker->options.memory;
    uint64_t share = memory->columns_bytes_max / (atomic_load(&memory->worker_count) + 3);
    return share < SEAL_BYTES_MAX ? share : SEAL_BYTES_MAX;
}

static bool sink_row_done(void *ctx, struct columns *columns)
{
    struct record_work *work = ctx;
    work->worker->counted.rows++;
    if (unlikely(work->watching != NULL)) work->worker->options.watch.row(work->watching, columns);
    uint32_t rows = columns_row_count(columns);
    bool is_large = rows % 16 == 0 && columns_bytes(columns) >= seal_bytes(work->worker);
    if (rows < GROUP_SEAL_ROWS && !is_large) return true;
    (void)!group_seal_surely(work->worker, work->group);
    return false;
}

static void sink_row(void *ctx, const struct rows_row *row)
{
    worker_taps_row(&((struct record_work *)ctx)->listening, row);
}

static void sink_given(void *ctx, const void *record, struct columns *columns)
{
    written_put(((struct record_work *)ctx)->written, record, columns);
}

/* Rows that only taps need. */
static struct columns *nowhere_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    struct worker *worker = ((struct record_work *)ctx)->worker;
    (void)day;
    if (worker->nowhere && columns_table(worker->nowhere)->id != table) {
        columns_destroy(worker->nowhere);
        worker->nowhere = NULL;
    }
    if (!worker->nowhere) worker->nowhere = columns_create(schema_table(table));
    if (columns_row_count(worker->nowhere) > 0) columns_reset(worker->nowhere);
    return worker->nowhere;
}

static bool nowhere_row_done(void *ctx, struct columns *columns)
{
    (void)ctx;
    return columns_row_count(columns) < NOWHERE_ROWS;
}

void worker_record_work(struct worker *worker, uint64_t position, struct uuid project_id,
                        const struct otlp_request *request, bool is_replay, bool is_stored,
                        const struct written *written)
{
    struct record_work work = { .worker = worker, .position = position, .now_ns = clock_mono_ns(), .written = written };
    struct rows_sink sink = { .columns = sink_columns, .row_done = sink_row_done, .ctx = &work };
    if (is_stored) {
        sink.columns = nowhere_columns;
        sink.row_done = nowhere_row_done;
    } else {
        work.project = project_get(worker, project_id);
    }
    if (written) sink.given = sink_given;
    if (!is_replay) work.received_unix_us = request->received_unix_us;
    worker->has_loud |= !uuid_equal(project_id, worker->options.quiet_project_id);
    worker_taps_begin(worker, &work.listening, position, project_id, request);
    if (work.listening.tap_count > 0) {
        sink.row = sink_row;
        sink.wants_attributes = &work.listening.wants_attributes;
    }
    const struct worker_watch *watch = &worker->options.watch;
    if (watch->begin && !is_replay && !is_stored) work.watching = watch->begin(watch->ctx, project_id);
    rows_build(worker->rows, project_id, request, &sink);
    if (work.watching) watch->end(work.watching);
    if (worker_taps_want_cut(worker)) worker->flush_wanted = true;
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
    if (received_unix_us == 0 || now_us < received_unix_us || worker_is_quiet(worker, group)) return;
    histogram_add_ns(&worker->visible, (uint64_t)(now_us - received_unix_us) * 1000);
    const struct worker_shown *shown = &worker->options.shown;
    if (shown->shown != NULL) shown->shown(shown->ctx, group->project_id, group->table->name, received_unix_us);
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

/* Our fair share, or what the others leave of theirs. */
static uint64_t columns_bytes_allowed(struct worker *worker)
{
    struct worker_memory *memory = worker->options.memory;
    uint64_t all = atomic_load(&memory->columns_bytes),
             others = all > worker->columns_bytes ? all - worker->columns_bytes : 0;
    uint64_t share = memory->columns_bytes_max / atomic_load(&memory->worker_count);
    uint64_t rest = memory->columns_bytes_max > others ? memory->columns_bytes_max - others : 0;
    return rest > share ? rest : share;
}

static void columns_bytes_tell(struct worker *worker, uint64_t bytes)
{
    atomic_fetch_add(&worker->options.memory->columns_bytes, bytes - worker->columns_bytes); /* wraps to less */
    worker->columns_bytes = bytes;
}

void worker_memory_leave(struct worker *worker)
{
    columns_bytes_tell(worker, 0);
    atomic_fetch_sub(&worker->options.memory->worker_count, 1);
}

/* Over the budget the memory that sealed groups keep for their next rows goes first. Then the largest columns become a (smaller than usual) row group and their memory goes. */
void worker_memory_bound(struct worker *worker)
{
    for (bool has_spare_dropped = false;;) {
        struct memory_sum sum = { 0 };
        worker_groups_each(worker, memory_add, &sum);
        worker->counted.columns_bytes = sum.bytes;
        columns_bytes_tell(worker, sum.bytes);
        if (sum.bytes <= columns_bytes_allowed(worker)) return;
        if (!has_spare_dropped) {
            worker_groups_each(worker, spare_drop, NULL);
            has_spare_dropped = true;
            continue;
        }
        if (!sum.largest || !group_seal_surely(worker, sum.largest)) return;
        spare_drop(worker, sum.largest, NULL);
    }
}

uint32_t worker_groups_filled(struct worker *worker, bool loud_only)
{
    uint32_t filled = 0;
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        for (uint32_t g = 0; project && g < project->group_count; g++)
            filled +=
                !group_is_empty(project->groups[g]) && !(loud_only && worker_is_quiet(worker, project->groups[g]));
    }
    return filled;
}

static bool visible_bound(struct worker *worker, struct group *group, void *ctx)
{
    uint64_t *visible = ctx;
    (void)worker;
    if (group->unpublished_since_ns != 0 && group->unpublished_low < *visible) *visible = group->unpublished_low;
    return true;
}

/* Up to where the rows of every record can be asked for. */
uint64_t worker_visible_up_to(struct worker *worker)
{
    uint64_t visible = worker->position;
    worker_groups_each(worker, visible_bound, &visible);
    if (worker->visible_at_cut >= worker->position_cut) return visible;
    pthread_mutex_lock(&worker->lock);
    bool is_stored = worker->position_flushed >= worker->position_cut;
    pthread_mutex_unlock(&worker->lock);
    return is_stored || worker->visible_at_cut > visible ? visible : worker->visible_at_cut;
}

static void visible_tell(struct worker *worker)
{
    owner_visible(timefusion_segments(worker->options.timefusion), worker->owner, worker_visible_up_to(worker));
}

void worker_publish_all(struct worker *worker)
{
    worker_groups_each(worker, publish_now, NULL);
    visible_tell(worker);
}

void worker_publish_if_due(struct worker *worker, uint64_t now_ns)
{
    if (now_ns < worker->publish_due_ns) return;
    uint32_t active = worker_groups_filled(worker, false);
    worker_groups_each(worker, publish_one, &now_ns);
    worker_memory_bound(worker);
    visible_tell(worker);
    /* Each small segment costs some 0.2 ms: with very many projects the interval grows with them. */
    uint64_t interval_ms = worker->options.publish_ms > active * 2 ? worker->options.publish_ms : active * 2;
    worker->publish_due_ns = now_ns + interval_ms * 1000000;
}

/* Is it visible what was before the last cut? The flush makes it so. */
static bool cut_is_visible(struct worker *worker, uint64_t position)
{
    uint64_t cut = position < worker->position_cut ? position : worker->position_cut;
    if (worker->visible_at_cut >= cut) return true;
    pthread_mutex_lock(&worker->lock);
    bool is_stored = worker->position_flushed >= worker->position_cut;
    pthread_mutex_unlock(&worker->lock);
    return is_stored;
}

static bool project_publish(struct worker *worker, struct uuid id)
{
    struct project *project = project_get(worker, id);
    for (uint32_t g = 0; g < project->group_count; g++)
        if (!publish_now(worker, project->groups[g], NULL)) return false;
    return true;
}

void worker_publish_if_asked(struct worker *worker)
{
    for (;;) {
        pthread_mutex_lock(&worker->lock);
        struct showing *showing = worker->showings;
        while (showing && (showing->is_done || showing->position > worker->position)) showing = showing->next;
        struct uuid project_id = showing ? showing->project_id : (struct uuid){ 0 };
        uint64_t position = showing ? showing->position : 0;
        pthread_mutex_unlock(&worker->lock);
        if (!showing || !cut_is_visible(worker, position) || !project_publish(worker, project_id)) return;
        /* All of the project's that wait; the first one may have gone meanwhile. */
        pthread_mutex_lock(&worker->lock);
        for (struct showing *other = worker->showings; other; other = other->next)
            if (other->position <= position && uuid_equal(other->project_id, project_id)) other->is_done = true;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
    }
}

void worker_projects_destroy(struct worker *worker)
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
