#include "base/clock.h"
#include "timefusion/index/shelf.h"
#include "timefusion/index/values.h"

#include <stdlib.h>

#define MEMORY_BYTES_MAX  (16u << 20)
#define PENDING_FILES     8u
#define PENDING_FILES_MAX 256u /* when runs cannot be written: the rest stays uncovered until upkeep */

struct index *index_create(const struct index_options *options)
{
    struct index *index = mem_calloc(1, sizeof *index);
    index->options = *options;
    if (index->options.memory_bytes_max == 0) index->options.memory_bytes_max = MEMORY_BYTES_MAX;
    if (index->options.pending_files == 0) index->options.pending_files = PENDING_FILES;
    pthread_mutex_init(&index->lock, NULL);
    return index;
}

void index_close(struct index *index)
{
    if (!index) return;
    for (uint32_t b = 0; b < SHELF_BUCKETS; b++) {
        for (struct shelf *shelf = index->buckets[b], *next; shelf; shelf = next) {
            next = shelf->next;
            shelf_destroy(index, shelf);
        }
    }
    pthread_mutex_destroy(&index->lock);
    free(index);
}

/* What is to be written with what is pending: our own small runs, which it replaces. References. Under the lock. */
static uint32_t absorbed(const struct shelf *shelf, struct run **inputs, uint32_t max)
{
    uint32_t count = 0;
    inputs[count++] = run_acquire(shelf->pending);
    for (uint32_t r = 0; r < shelf->run_count && count < max; r++) {
        struct run *run = shelf->runs[r];
        if (run->is_own && run->entries && run->entry_count < RUN_RESIDENT_ENTRIES) inputs[count++] = run_acquire(run);
    }
    return count;
}

/* Under the lock: the run stands for its inputs from here on. What was noted meanwhile stays pending. */
static void replace(struct index *index, struct shelf *shelf, struct run *const *inputs, uint32_t count,
                    struct run *run)
{
    if (shelf->pending == inputs[0]) shelf_pending_set(index, shelf, NULL);
    for (uint32_t i = 1; i < count; i++) {
        shelf_obsolete_add(shelf, inputs[i]->key);
        shelf_remove(index, shelf, inputs[i]);
    }
    shelf_add(index, shelf, run);
}

/* Writes a shelf's pending files; what another thread is already writing it leaves to that one. */
static void pending_write(struct index *index, struct shelf *shelf)
{
    enum { INPUTS_MAX = 16 };
    struct run *inputs[INPUTS_MAX];
    struct err err = { .code = ERR_OK };
    pthread_mutex_lock(&shelf->lock);
    bool is_mine = shelf->pending && !shelf->is_writing;
    uint32_t count = is_mine ? absorbed(shelf, inputs, INPUTS_MAX) : 0;
    if (is_mine) shelf->is_writing = true;
    pthread_mutex_unlock(&shelf->lock);
    if (!is_mine) return;

    struct run_merge merge = { .store = index->options.store,
                               .disk = index->options.disk,
                               .tmp_dir = index->options.tmp_dir,
                               .prefix = shelf->prefix,
                               .inputs = inputs,
                               .input_count = count };
    struct run *run;
    bool ok = run_merge(&merge, &run, &err);
    pthread_mutex_lock(&shelf->lock);
    shelf->is_writing = false;
    if (ok) replace(index, shelf, inputs, count, run);
    shelf->wants_work = shelf->wants_work || ok;
    pthread_mutex_unlock(&shelf->lock);
    for (uint32_t i = 0; i < count; i++) run_release(inputs[i]);
    if (ok) {
        atomic_fetch_add(&index->written, 1);
        (void)!shelf_obsolete_delete(index, shelf, &err);
    } else if (err.code != ERR_CANCELLED) { /* that is a stop: maintenance does it after the next start */
        log_warn(index->options.log, "index.write_failed", log_text("prefix", shelf->prefix),
                 log_text("err", err.text));
    }
}

/* While a run is being written its inputs stand: a new pending one begins beside it, in the same struct run. */
static bool pending_add(struct index *index, struct shelf *shelf, struct run *run)
{
    struct run *inputs[2] = { shelf->pending, run };
    if (shelf->pending && shelf->pending->file_count >= PENDING_FILES_MAX) {
        run_release(run);
        return false;
    }
    if (!shelf->pending) {
        shelf_pending_set(index, shelf, run);
        return true;
    }
    struct run *both = run_merge_resident(inputs, 2);
    run_release(run);
    if (both) shelf_pending_set(index, shelf, both);
    return both != NULL;
}

void index_note(struct index *index, const struct schema_table *table, struct uuid project_id, const char *key,
                struct index_values *values)
{
    const uint32_t *columns;
    if (!values) return;
    if (index_columns(table, &columns) == 0) {
        index_values_destroy(values);
        return;
    }
    struct shelf *shelf = shelf_get(index, table, project_id);
    struct run *run = values_to_run(values, table, key);
    atomic_fetch_add(&index->entries, run->entry_count);
    pthread_mutex_lock(&shelf->lock);
    pending_add(index, shelf, run);
    bool is_enough = shelf->pending->file_count >= index->options.pending_files ||
                     shelf->pending->entry_count >= RUN_RESIDENT_ENTRIES;
    pthread_mutex_unlock(&shelf->lock);
    if (is_enough) pending_write(index, shelf);
    if (atomic_load(&index->memory) > index->options.memory_bytes_max) shelf_trim(index, shelf);
}

/* Shelves stay where they are, only their chain grows. */
static struct shelf *shelf_next(struct index *index, uint32_t bucket, struct shelf *shelf)
{
    pthread_mutex_lock(&index->lock);
    struct shelf *next = shelf ? shelf->next : index->buckets[bucket];
    pthread_mutex_unlock(&index->lock);
    return next;
}

void index_sync(struct index *index, uint64_t deadline_mono_ns)
{
    for (uint32_t b = 0; b < SHELF_BUCKETS; b++)
        for (struct shelf *shelf = shelf_next(index, b, NULL); shelf && clock_mono_ns() < deadline_mono_ns;
             shelf = shelf_next(index, b, shelf))
            pending_write(index, shelf);
}

void index_counts(struct index *index, struct index_counts *counts)
{
    *counts = (struct index_counts){
        .lookups = atomic_load(&index->lookups),
        .files_asked = atomic_load(&index->files_asked),
        .files_out = atomic_load(&index->files_out),
        .gets = atomic_load(&index->gets),
        .get_bytes = atomic_load(&index->get_bytes),
        .runs_written = atomic_load(&index->written),
        .runs_merged = atomic_load(&index->merged),
        .runs_deleted = atomic_load(&index->deleted),
        .runs_damaged = atomic_load(&index->damaged),
        .entries_noted = atomic_load(&index->entries),
        .memory_bytes = atomic_load(&index->memory),
    };
    pthread_mutex_lock(&index->lock);
    for (uint32_t b = 0; b < SHELF_BUCKETS; b++) {
        for (struct shelf *shelf = index->buckets[b]; shelf; shelf = shelf->next) {
            pthread_mutex_lock(&shelf->lock);
            counts->runs += shelf->run_count;
            counts->pending_files += shelf->pending ? shelf->pending->file_count : 0;
            pthread_mutex_unlock(&shelf->lock);
        }
    }
    pthread_mutex_unlock(&index->lock);
}
