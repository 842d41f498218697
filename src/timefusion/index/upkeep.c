#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/index/shelf.h"

#include <stdlib.h>

#define GROWTH      8u /* a run is at least so many times the next smaller one */
#define INPUTS_MAX  64u
#define KEEP_NS     UINT64_C(600000000000) /* replaced runs: readers elsewhere may still hold their list */
#define STRANGE_MS  600000                 /* a run of others may be of files that are not committed here yet */
#define WORK_AGE_NS UINT64_C(300000000000) /* between looks for files of others */
#define CLOCKS_MS   60000                  /* that clocks of other writers may be behind */
#define LIST_AGE_NS UINT64_C(30000000000)
#define DELETES_MAX 64u

static int smaller_first(const void *a, const void *b)
{
    const struct run *left = *(struct run *const *)a, *right = *(struct run *const *)b;
    return (left->entry_count > right->entry_count) - (left->entry_count < right->entry_count);
}

static bool is_live(const struct index_upkeep *upkeep, struct hash128 file)
{
    return bsearch(&file, upkeep->live, upkeep->live_count, sizeof *upkeep->live, index_hash_order) != NULL;
}

/* May it be of files that live does not know yet? */
static bool is_new(const struct run *run, const struct index_upkeep *upkeep)
{
    return run->noted_mono_ns >= upkeep->live_mono_ns ||
           (!run->is_own && clock_unix_us() / 1000 - run->created_unix_ms < STRANGE_MS);
}

/* Has it a live file that no other run covers in its place? Under the lock. */
static bool is_needed(struct index *index, struct shelf *shelf, const struct run *run,
                      const struct index_upkeep *upkeep)
{
    uint32_t number;
    if (is_new(run, upkeep)) return true;
    for (uint32_t f = 0; f < run->file_count; f++)
        if (shelf_find(index, shelf, run->files[f].hash, &number) == run && is_live(upkeep, run->files[f].hash))
            return true;
    return false;
}

/* Takes runs that are of no use off the shelf; they are deleted later. Under the lock. */
static void useless_drop(struct index *index, struct shelf *shelf, const struct index_upkeep *upkeep)
{
    for (uint32_t r = 0; r < shelf->run_count;) {
        struct run *run = shelf->runs[r];
        if (is_needed(index, shelf, run, upkeep)) {
            r++;
            continue;
        }
        shelf_obsolete_add(shelf, run->key);
        shelf_remove(index, shelf, run);
        r = 0; /* the order may have changed */
    }
}

static bool is_mostly_gone(const struct run *run, const struct index_upkeep *upkeep)
{
    uint32_t live = 0;
    for (uint32_t f = 0; f < run->file_count; f++) live += is_live(upkeep, run->files[f].hash);
    return live < run->file_count / 2;
}

/* The smallest runs, as long as the next is not much larger than they are together: so each is eight times the one below
 * it, and there are log8 of them. References. Under the lock. */
static uint32_t inputs_choose(struct shelf *shelf, const struct index_upkeep *upkeep, struct run **inputs, bool *is_due)
{
    uint64_t entries = 0, files = 0;
    uint32_t count = 0;
    *is_due = false;
    if (shelf->run_count > 1) qsort(shelf->runs, shelf->run_count, sizeof(struct run *), smaller_first);
    for (uint32_t r = 0; r < shelf->run_count && count < INPUTS_MAX; r++) {
        struct run *run = shelf->runs[r];
        bool is_small = run->entry_count < RUN_RESIDENT_ENTRIES;
        if (is_new(run, upkeep)) continue;
        entries += run->entry_count;
        files += run->file_count;
        if (entries > RUN_ENTRIES_MAX || files * RUN_GROUPS_MAX > RUN_UNITS_MAX - RUN_GROUPS_MAX) break;
        if (count > 0 && !is_small && run->entry_count >= GROWTH * (entries - run->entry_count)) break;
        inputs[count++] = run;
    }
    /* None to join: one that is mostly of files that are gone is made anew. */
    for (uint32_t r = 0; r < shelf->run_count && count <= 1; r++) {
        struct run *run = shelf->runs[r];
        if (is_new(run, upkeep) || !is_mostly_gone(run, upkeep)) continue;
        inputs[0] = run;
        count = 1;
        *is_due = true;
        break;
    }
    *is_due = *is_due || count > 1;
    for (uint32_t i = 0; i < count; i++) run_acquire(inputs[i]);
    return count;
}

static void inputs_replace(struct index *index, struct shelf *shelf, struct run *const *inputs, uint32_t count,
                           struct run *run)
{
    pthread_mutex_lock(&shelf->lock);
    for (uint32_t i = 0; i < count; i++) {
        shelf_obsolete_add(shelf, inputs[i]->key);
        shelf_remove(index, shelf, inputs[i]);
    }
    if (run->key)
        shelf_add(index, shelf, run);
    else
        run_release(run); /* all files were gone */
    pthread_mutex_unlock(&shelf->lock);
}

static bool inputs_merge(struct index *index, struct shelf *shelf, const struct index_upkeep *upkeep,
                         struct run *const *inputs, uint32_t count, struct err *err)
{
    struct run_merge merge = { .store = index->options.store,
                               .disk = index->options.disk,
                               .tmp_dir = index->options.tmp_dir,
                               .prefix = shelf->prefix,
                               .inputs = inputs,
                               .input_count = count,
                               .live = upkeep->live,
                               .live_count = upkeep->live_count };
    struct run *run;
    if (run_merge(&merge, &run, err)) {
        inputs_replace(index, shelf, inputs, count, run);
        atomic_fetch_add(&index->merged, count);
        return true;
    }
    if (!merge.bad || (err->code != ERR_NOT_FOUND && err->code != ERR_CORRUPT)) return false;
    shelf_drop_bad(index, shelf, merge.bad, err); /* the next unit does without it */
    *err = (struct err){ .code = ERR_OK };
    return true;
}

bool index_wants_work(struct index *index, const struct schema_table *table, struct uuid project_id,
                      int64_t newest_unix_ms)
{
    const uint32_t *columns;
    if (index_columns(table, &columns) == 0) return false;
    struct shelf *shelf = shelf_get(index, table, project_id);
    pthread_mutex_lock(&shelf->lock);
    bool is_long_ago = clock_mono_ns() - shelf->worked_mono_ns > WORK_AGE_NS;
    bool wants = shelf->worked_unix_ms == 0 || (shelf->wants_work && shelf->run_count > 1) ||
                 (is_long_ago && newest_unix_ms > shelf->worked_unix_ms - CLOCKS_MS);
    pthread_mutex_unlock(&shelf->lock);
    return wants;
}

bool index_work(struct index *index, struct index_upkeep *upkeep, struct err *err)
{
    const uint32_t *columns;
    upkeep->is_done = true;
    if (index_columns(upkeep->table, &columns) == 0) return true;
    struct shelf *shelf = shelf_get(index, upkeep->table, upkeep->project_id);
    struct run *inputs[INPUTS_MAX];
    bool is_due;
    uint64_t now_mono_ns = clock_mono_ns();
    shelf_list(index, shelf, now_mono_ns > LIST_AGE_NS ? now_mono_ns - LIST_AGE_NS : 0);
    pthread_mutex_lock(&shelf->lock);
    useless_drop(index, shelf, upkeep);
    uint32_t count = inputs_choose(shelf, upkeep, inputs, &is_due);
    pthread_mutex_unlock(&shelf->lock);
    bool ok = true;
    if (is_due) {
        upkeep->is_done = false;
        ok = inputs_merge(index, shelf, upkeep, inputs, count, err);
    }
    for (uint32_t i = 0; i < count; i++) run_release(inputs[i]);
    if (ok && !is_due) {
        pthread_mutex_lock(&shelf->lock);
        shelf->wants_work = false;
        shelf->worked_mono_ns = clock_mono_ns();
        shelf->worked_unix_ms = clock_unix_us() / 1000;
        pthread_mutex_unlock(&shelf->lock);
    }
    return ok && shelf_obsolete_delete(index, shelf, err);
}
