#include "timefusion/narrow.h"
#include "base/clock.h"
#include "timefusion/file.h"
#include "timefusion/timefusion.h"

#include <stdlib.h>

#define WHOLE_BYTES_MAX (8u << 20) /* a file to be indexed is read in one piece up to this */

/* A question and its answer. */
struct answer {
    struct answer *next;
    uint32_t column;
    bool is_all, is_known;
    struct hash128 values;
    uint8_t *asked;   /* by file of the snapshot */
    uint64_t *groups; /* by file */
};
struct narrow {
    struct index *index;
    pthread_mutex_t lock; /* guards answers */
    struct answer *answers;
};

struct narrow *narrow_create(struct index *index)
{
    struct narrow *narrow = mem_calloc(1, sizeof *narrow);
    narrow->index = index;
    pthread_mutex_init(&narrow->lock, NULL);
    return narrow;
}

void narrow_destroy(struct narrow *narrow)
{
    if (!narrow) return;
    for (struct answer *answer = narrow->answers, *next; answer; answer = next) {
        next = answer->next;
        free(answer->asked);
        free(answer->groups);
        free(answer);
    }
    pthread_mutex_destroy(&narrow->lock);
    free(narrow);
}

/* Of the values in their order, with their lengths. */
static struct hash128 values_hash(const struct bytes *values, uint32_t count)
{
    struct hash128 sum = { count, 0 };
    for (uint32_t v = 0; v < count; v++) {
        struct hash128 hash = hash128_of(values[v]);
        sum.lo = hash64_mix(sum.lo ^ hash.lo, 0x9E3779B97F4A7C15u);
        sum.hi = hash64_mix(sum.hi ^ hash.hi, 0xA0761D6478BD642Fu);
    }
    return sum;
}

/* Does the answer tell of all files that are asked for? */
static bool is_told(const struct answer *answer, const uint64_t *groups, uint32_t file_count)
{
    for (uint32_t f = 0; f < file_count; f++)
        if (groups[f] != 0 && !answer->asked[f]) return false;
    return true;
}

static bool answer_apply(const struct answer *answer, uint64_t *groups, uint32_t file_count)
{
    for (uint32_t f = 0; f < file_count; f++) groups[f] &= answer->groups[f];
    return answer->is_known;
}

static struct answer *answer_make(struct narrow *narrow, const struct timefusion_snapshot *snapshot,
                                  const struct index_question *question, const uint64_t *groups)
{
    uint32_t count = snapshot->file_count, asked = 0;
    struct answer *answer = mem_calloc(1, sizeof *answer);
    struct index_file *files = mem_alloc(count * sizeof *files);
    answer->asked = mem_calloc(count, sizeof *answer->asked);
    answer->groups = mem_alloc(count * sizeof *answer->groups);
    for (uint32_t f = 0; f < count; f++) {
        answer->groups[f] = INDEX_GROUPS_ANY;
        answer->asked[f] = groups[f] != 0;
        if (groups[f] != 0 && snapshot->files[f]->origin == TIMEFUSION_DELTA)
            files[asked++] = (struct index_file){ ((struct file *)snapshot->files[f])->hash, INDEX_GROUPS_ANY };
    }
    answer->is_known = asked > 0 && index_lookup(narrow->index, question, files, asked);
    for (uint32_t f = 0, at = 0; answer->is_known && f < count; f++)
        if (groups[f] != 0 && snapshot->files[f]->origin == TIMEFUSION_DELTA) answer->groups[f] = files[at++].groups;
    free(files);
    return answer;
}

bool timefusion_snapshot_narrow(const struct timefusion_snapshot *snapshot, uint32_t column, const struct bytes *values,
                                uint32_t value_count, bool is_all, uint64_t *groups)
{
    struct narrow *narrow = snapshot->narrow;
    struct index_question question = { .table = snapshot->table,
                                       .project_id = snapshot->project_id,
                                       .column = column,
                                       .values = values,
                                       .value_count = value_count,
                                       .is_all = is_all };
    struct hash128 hash = values_hash(values, value_count);
    pthread_mutex_lock(&narrow->lock);
    struct answer *answer = narrow->answers;
    while (answer && (answer->column != column || answer->is_all != is_all || !hash128_equal(answer->values, hash) ||
                      !is_told(answer, groups, snapshot->file_count)))
        answer = answer->next;
    pthread_mutex_unlock(&narrow->lock);
    if (answer) return answer_apply(answer, groups, snapshot->file_count); /* answers stay until the snapshot goes */
    answer = answer_make(narrow, snapshot, &question, groups);
    answer->column = column;
    answer->is_all = is_all;
    answer->values = hash;
    pthread_mutex_lock(&narrow->lock);
    answer->next = narrow->answers;
    narrow->answers = answer;
    pthread_mutex_unlock(&narrow->lock);
    return answer_apply(answer, groups, snapshot->file_count);
}

/* ---- upkeep ---- */

static bool source_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(ctx, offset, ptr, len, err);
}

/* A file of another writer, or one that was flushed when the index could not be told. */
static bool file_index(struct timefusion *timefusion, struct timefusion_snapshot *snapshot,
                       struct timefusion_file *file, struct err *err)
{
    struct index_values *values;
    struct index_source source = { .read = source_read, .ctx = file, .bytes = file->bytes };
    if (file->bytes <= WHOLE_BYTES_MAX)
        timefusion_fetch(&(struct timefusion_fetch){ .file = file, .len = (size_t)file->bytes }, 1);
    if (!index_values_read(&values, snapshot->table, &source, err)) {
        if (err->code != ERR_UNSUPPORTED && err->code != ERR_CORRUPT && err->code != ERR_TOO_LARGE) return false;
        values = index_values_none(); /* the next look would find no more */
        *err = (struct err){ .code = ERR_OK };
    }
    index_note(timefusion_index(timefusion), snapshot->table, snapshot->project_id, ((struct file *)file)->key, values);
    return true;
}

static bool uncovered_index(struct timefusion *timefusion, struct timefusion_snapshot *snapshot, uint32_t files_max,
                            bool *is_done, struct err *err)
{
    uint32_t done = 0;
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        struct file *file = (struct file *)snapshot->files[f];
        if (file->shown.origin != TIMEFUSION_DELTA ||
            index_covers(timefusion_index(timefusion), snapshot->table, snapshot->project_id, file->hash))
            continue;
        *is_done = false;
        if (done++ == files_max) return true;
        if (!file_index(timefusion, snapshot, snapshot->files[f], err)) return false;
    }
    return true;
}

bool timefusion_index_work(struct timefusion *timefusion, enum schema_table_id table, struct uuid project_id,
                           uint32_t files_max, bool *is_done, struct err *err)
{
    struct timefusion_snapshot *snapshot;
    const uint32_t *columns;
    struct index_upkeep upkeep = { .table = schema_table(table),
                                   .project_id = project_id,
                                   .live_mono_ns = clock_mono_ns() };
    *is_done = true;
    if (index_columns(schema_table(table), &columns) == 0) return true;
    if (!timefusion_snapshot_acquire(timefusion, table, project_id, &snapshot, err)) return false;
    struct hash128 *live = mem_alloc(snapshot->file_count * sizeof *live);
    for (uint32_t f = 0; f < snapshot->file_count; f++)
        if (snapshot->files[f]->origin == TIMEFUSION_DELTA)
            live[upkeep.live_count++] = ((struct file *)snapshot->files[f])->hash;
    if (upkeep.live_count > 1) qsort(live, upkeep.live_count, sizeof *live, index_hash_order);
    upkeep.live = live;
    bool ok = index_work(timefusion_index(timefusion), &upkeep, err);
    *is_done = upkeep.is_done;
    if (ok && upkeep.is_done) ok = uncovered_index(timefusion, snapshot, files_max, is_done, err);
    free(live);
    timefusion_snapshot_release(snapshot);
    return ok;
}
