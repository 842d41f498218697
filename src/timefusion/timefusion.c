#include "timefusion/timefusion.h"
#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/file.h"
#include "timefusion/flush.h"
#include "timefusion/narrow.h"
#include "timefusion/refresh.h"
#include "timefusion/segment/segment.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FETCH_BYTES_MAX (64ull << 20)
#define INDEX_SYNC_NS   2000000000u /* for runs still to be written when the process ends */

/* Delta files by path, so that one file is one struct file (one name, one footer, one open reader) for all queries. */
struct delta_files {
    struct file **slots;
    uint32_t used, cap; /* cap: a power of two, or 0 */
};

/* A project's files at a version, newest first: what the next query of it asks for again. No references of its own: the
 * files are the map's, and when some leave the map all lists go. */
struct project_list {
    struct uuid project_id;
    uint64_t version;
    uint32_t count;
    struct file **files; /* NULL: an empty place */
};
enum { PROJECT_LISTS_MAX = 64, PROJECT_LIST_FILES_MIN = 32 };

struct table {
    const struct schema_table *schema;
    struct delta_table *delta;
    pthread_mutex_t lock; /* guards what follows */
    struct delta_files files;
    struct project_list lists[PROJECT_LISTS_MAX];
    uint32_t next_list; /* the place that is used anew */
    uint32_t release_count;
};

/* Of what a snapshot warns; shared by all that were taken meanwhile. */
struct warnings {
    atomic_uint reference_count;
    uint32_t count;
    char *texts[];
};

struct timefusion {
    struct timefusion_options options;
    char *tmp_dir;
    struct segments *segments;
    struct index *index;
    struct shreds *shreds;
    struct file_room room;
    struct table tables[SCHEMA_TABLE_COUNT];
    struct refresh *refresh; /* NULL: nobody asks what others commit */
    pthread_mutex_t warnings_lock;
    struct warnings *warnings; /* under it; NULL: none */
};

/* The public part first: a snapshot's pointer is a pointer to this. */
struct snapshot {
    struct timefusion_snapshot shown;
    struct timefusion *timefusion;
    struct delta_snapshot *delta;
    struct warnings *warnings;
};

static void lists_drop(struct table *table)
{
    for (uint32_t i = 0; i < PROJECT_LISTS_MAX; i++) {
        free(table->lists[i].files);
        table->lists[i].files = NULL;
    }
}

static void warnings_release(struct warnings *warnings)
{
    if (!warnings || atomic_fetch_sub_explicit(&warnings->reference_count, 1, memory_order_acq_rel) > 1) return;
    for (uint32_t w = 0; w < warnings->count; w++) free(warnings->texts[w]);
    free(warnings);
}

static bool warnings_are(const struct warnings *warnings, const char *const *texts, uint32_t count)
{
    uint32_t known = warnings ? warnings->count : 0;
    for (uint32_t w = 0; known == count && w < count; w++)
        if (strcmp(warnings->texts[w], texts[w]) != 0) return false;
    return known == count;
}

void timefusion_warn(struct timefusion *timefusion, const char *const *texts, uint32_t count)
{
    struct warnings *before = NULL;
    pthread_mutex_lock(&timefusion->warnings_lock);
    if (!warnings_are(timefusion->warnings, texts, count)) {
        struct warnings *warnings = count == 0 ? NULL : mem_alloc(sizeof *warnings + count * sizeof(char *));
        for (uint32_t w = 0; w < count; w++) warnings->texts[w] = mem_strdup(texts[w]);
        if (warnings) {
            warnings->count = count;
            atomic_init(&warnings->reference_count, 1);
        }
        before = timefusion->warnings;
        timefusion->warnings = warnings;
    }
    pthread_mutex_unlock(&timefusion->warnings_lock);
    warnings_release(before);
}

static void snapshot_warn(struct timefusion *timefusion, struct snapshot *snapshot)
{
    pthread_mutex_lock(&timefusion->warnings_lock);
    struct warnings *warnings = timefusion->warnings;
    if (warnings) atomic_fetch_add_explicit(&warnings->reference_count, 1, memory_order_relaxed);
    pthread_mutex_unlock(&timefusion->warnings_lock);
    snapshot->warnings = warnings;
    if (!warnings) return;
    snapshot->shown.warnings = (const char *const *)warnings->texts;
    snapshot->shown.warning_count = warnings->count;
}

static bool table_open(struct timefusion *timefusion, enum schema_table_id id, struct err *err)
{
    struct table *table = &timefusion->tables[id];
    table->schema = schema_table(id);
    struct delta_options options = {
        .store = timefusion->options.store,
        .prefix = table->schema->name,
        .table = table->schema,
        .checkpoint_reader = timefusion->options.checkpoint_reader,
        .checkpoint_every = 10,
        .commit_store = timefusion->options.commit_stores ? timefusion->options.commit_stores[id] : NULL,
        .commit_mode = timefusion->options.commit_modes ? timefusion->options.commit_modes[id] : NULL,
        .log = timefusion->options.log,
    };
    return delta_open(&table->delta, &options, err);
}

static bool tables_follow(struct timefusion *timefusion, struct err *err)
{
    struct delta_table *tables[SCHEMA_TABLE_COUNT];
    if (timefusion->options.refresh_ms == 0) return true;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) tables[t] = timefusion->tables[t].delta;
    return refresh_open(&timefusion->refresh,
                        &(struct refresh_options){ .tables = tables,
                                                   .table_count = SCHEMA_TABLE_COUNT,
                                                   .interval_ms = timefusion->options.refresh_ms,
                                                   .log = timefusion->options.log },
                        err);
}

bool timefusion_open(struct timefusion **out, const struct timefusion_options *options, struct err *err)
{
    struct timefusion *timefusion = mem_calloc(1, sizeof *timefusion);
    char dir[1024];
    timefusion->options = *options;
    snprintf(dir, sizeof dir, "%s/tmp", options->dir);
    timefusion->tmp_dir = mem_strdup(dir);
    timefusion->room.bytes_max = options->fetch_bytes_max ? options->fetch_bytes_max : FETCH_BYTES_MAX;
    timefusion->shreds = shreds_create();
    timefusion->index = index_create(&(struct index_options){ .store = options->store,
                                                              .disk = options->disk,
                                                              .tmp_dir = timefusion->tmp_dir,
                                                              .memory_bytes_max = options->index_bytes_max,
                                                              .log = options->log });
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) pthread_mutex_init(&timefusion->tables[t].lock, NULL);
    pthread_mutex_init(&timefusion->warnings_lock, NULL);

    snprintf(dir, sizeof dir, "%s/segments", options->dir);
    bool ok = segments_open(&timefusion->segments, dir, options->disk, err) &&
              disk_dir_empty(options->disk, timefusion->tmp_dir, err); /* of a flush cut off */
    for (uint32_t t = 0; ok && t < SCHEMA_TABLE_COUNT; t++) ok = table_open(timefusion, (enum schema_table_id)t, err);
    ok = ok && tables_follow(timefusion, err);
    if (!ok) {
        timefusion_close(timefusion);
        timefusion = NULL;
    }
    *out = timefusion;
    return ok;
}

void timefusion_close(struct timefusion *timefusion)
{
    if (!timefusion) return;
    refresh_close(timefusion->refresh);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct table *table = &timefusion->tables[t];
        for (uint32_t s = 0; s < table->files.cap; s++) file_release(table->files.slots[s]);
        free(table->files.slots);
        lists_drop(table);
        if (table->delta) delta_close(table->delta);
        pthread_mutex_destroy(&table->lock);
    }
    index_sync(timefusion->index, clock_mono_ns() + INDEX_SYNC_NS);
    index_close(timefusion->index);
    shreds_destroy(timefusion->shreds);
    segments_close(timefusion->segments);
    warnings_release(timefusion->warnings);
    pthread_mutex_destroy(&timefusion->warnings_lock);
    free(timefusion->tmp_dir);
    free(timefusion);
}

void timefusion_trim(struct timefusion *timefusion)
{
    struct delta_snapshot *deltas[SCHEMA_TABLE_COUNT];
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) deltas[t] = delta_snapshot_acquire(timefusion->tables[t].delta);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) owners_settle(timefusion->segments, t, deltas[t]);
    segments_trim(timefusion->segments, deltas);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) delta_snapshot_release(deltas[t]);
}

void timefusion_refresh_soon(struct timefusion *timefusion)
{
    refresh_soon(timefusion->refresh);
}

uint64_t timefusion_looked_mono_ns(struct timefusion *timefusion)
{
    return refresh_looked_mono_ns(timefusion->refresh);
}

struct segments *timefusion_segments(struct timefusion *timefusion)
{
    return timefusion->segments;
}

struct delta_table *timefusion_delta(struct timefusion *timefusion, enum schema_table_id table)
{
    return timefusion->tables[table].delta;
}

struct index *timefusion_index(struct timefusion *timefusion)
{
    return timefusion->index;
}

struct object_store *timefusion_store(struct timefusion *timefusion)
{
    return timefusion->options.store;
}

struct disk *timefusion_disk(struct timefusion *timefusion)
{
    return timefusion->options.disk;
}

struct shreds *timefusion_shreds(struct timefusion *timefusion)
{
    return timefusion->shreds;
}

const char *timefusion_tmp_dir(struct timefusion *timefusion)
{
    return timefusion->tmp_dir;
}

static uint32_t files_slot(const struct delta_files *files, const char *key)
{
    uint32_t at = (uint32_t)hash64_of(bytes_of_text(key)) & (files->cap - 1);
    while (files->slots[at] && strcmp(files->slots[at]->key, key) != 0) at = (at + 1) & (files->cap - 1);
    return at;
}

static void files_rebuild(struct table *table, uint32_t cap, bool drop_unheld)
{
    struct delta_files *files = &table->files, old = *files;
    if (drop_unheld) lists_drop(table);
    *files = (struct delta_files){ .slots = mem_calloc(cap, sizeof *files->slots), .cap = cap };
    for (uint32_t s = 0; s < old.cap; s++) {
        if (!old.slots[s]) continue;
        if (drop_unheld && atomic_load(&old.slots[s]->reference_count) == 1) {
            file_release(old.slots[s]);
            continue;
        }
        files->slots[files_slot(files, old.slots[s]->key)] = old.slots[s];
        files->used++;
    }
    free(old.slots);
}

/* With a reference for the caller. Under the table's lock. */
static struct file *files_get(struct timefusion *timefusion, struct table *table, const struct delta_file *delta_file)
{
    struct delta_files *files = &table->files;
    char key[FILE_KEY_BYTES];
    file_key(table->schema, delta_file->path, key);
    if ((files->used + 1) * 2 > files->cap) files_rebuild(table, files->cap ? files->cap * 2 : 64, false);
    uint32_t at = files_slot(files, key);
    if (!files->slots[at]) {
        uint64_t id = segments_next_id(timefusion->segments);
        struct file *file = file_create(timefusion->options.store, key, table->schema, TIMEFUSION_DELTA, id);
        file->room = &timefusion->room;
        file->shown.day = delta_file->day;
        file->shown.bytes = delta_file->bytes;
        file->shown.row_count = delta_file->row_count;
        file->shown.timestamp_min_us = delta_file->timestamp_min_us;
        file->shown.timestamp_max_us = delta_file->timestamp_max_us;
        files->slots[at] = file;
        files->used++;
    }
    return file_acquire(files->slots[at]);
}

/* Lets go of footers and open readers that no query holds, once they are too many. Under the table's lock a file with one
 * reference, the map's, cannot gain another. */
static void files_trim(struct timefusion *timefusion, struct table *table)
{
    uint64_t footer_bytes = 0;
    uint32_t open_count = 0;
    const uint32_t open_count_max = 256;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t s = 0; s < table->files.cap; s++) {
            struct file *file = table->files.slots[s];
            if (!file) continue;
            if (pass == 0) {
                pthread_mutex_lock(&file->lock);
                footer_bytes += file->footer ? file->footer->footer_bytes : 0;
                open_count += file->reader != NULL;
                pthread_mutex_unlock(&file->lock);
            } else if (atomic_load(&file->reference_count) == 1) {
                if (file->footer) parquet_footer_destroy(file->footer);
                if (file->reader) object_reader_close(file->reader);
                file->footer = NULL;
                file->reader = NULL;
                file_extents_drop(file);
            }
        }
        if (footer_bytes <= timefusion->options.footer_bytes_max && open_count <= open_count_max) return;
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct timefusion_file *left = *(struct timefusion_file *const *)a;
    const struct timefusion_file *right = *(struct timefusion_file *const *)b;
    if (left->timestamp_max_us != right->timestamp_max_us)
        return left->timestamp_max_us < right->timestamp_max_us ? 1 : -1;
    return left->id < right->id ? 1 : left->id > right->id ? -1 : 0;
}

static struct project_list *list_find(struct table *table, struct uuid project_id)
{
    for (uint32_t i = 0; i < PROJECT_LISTS_MAX; i++) {
        struct project_list *list = &table->lists[i];
        if (list->files && memcmp(&list->project_id, &project_id, sizeof project_id) == 0) return list;
    }
    return NULL;
}

/* For the next query of this project; one of fewer files is as quickly made anew. */
static void list_keep(struct table *table, struct uuid project_id, uint64_t version, struct timefusion_file **files,
                      uint32_t count)
{
    if (count < PROJECT_LIST_FILES_MIN) return;
    struct project_list *list = list_find(table, project_id);
    if (list && list->version > version) return; /* another query has seen more */
    if (!list) list = &table->lists[table->next_list++ % PROJECT_LISTS_MAX];
    list->files = mem_realloc(list->files, count * sizeof *list->files);
    memcpy(list->files, files, count * sizeof *list->files);
    list->project_id = project_id;
    list->version = version;
    list->count = count;
}

/* The project's Delta files, newest first, each with a reference. */
static uint32_t project_files(struct timefusion *timefusion, struct table *table, const struct delta_snapshot *delta,
                              struct uuid project_id, struct timefusion_file **files)
{
    uint32_t first, count;
    delta_snapshot_project(delta, project_id, &first, &count);
    pthread_mutex_lock(&table->lock);
    const struct project_list *list = list_find(table, project_id);
    if (list && list->version == delta->version) {
        assert(list->count == count);
        for (uint32_t f = 0; f < count; f++) files[f] = &file_acquire(list->files[f])->shown;
    } else {
        for (uint32_t f = 0; f < count; f++)
            files[f] = &files_get(timefusion, table, delta_snapshot_file(delta, first + f))->shown;
        qsort(files, count, sizeof *files, newest_first);
        list_keep(table, project_id, delta->version, files, count);
    }
    pthread_mutex_unlock(&table->lock);
    return count;
}

/* Two lists, newest first, as one; into out. */
static void files_merge(struct timefusion_file *const *a, uint32_t a_count, struct timefusion_file *const *b,
                        uint32_t b_count, struct timefusion_file **out)
{
    uint32_t at = 0, a_at = 0, b_at = 0;
    while (a_at < a_count && b_at < b_count) out[at++] = newest_first(&a[a_at], &b[b_at]) <= 0 ? a[a_at++] : b[b_at++];
    while (a_at < a_count) out[at++] = a[a_at++];
    while (b_at < b_count) out[at++] = b[b_at++];
}

/* Segments first, Delta's version second: a row that moves between the two looks is seen twice, never missed, and the
 * second look's txn tells which segments it already covers. */
bool timefusion_snapshot_acquire(struct timefusion *timefusion, enum schema_table_id id, struct uuid project_id,
                                 struct timefusion_snapshot **out, struct err *err)
{
    (void)err; /* a store that must be asked for its latest version will use it */
    struct table *table = &timefusion->tables[id];
    struct file **segments;
    struct owners_view view;
    uint32_t segment_count = segments_list(timefusion->segments, id, project_id, &segments, &view);
    struct delta_snapshot *delta = delta_snapshot_acquire(table->delta);
    owners_choose(timefusion->segments, id, delta, segments, segment_count, &view);
    uint32_t first, count, kept = 0;
    delta_snapshot_project(delta, project_id, &first, &count);

    struct snapshot *snapshot = mem_calloc(1, sizeof *snapshot);
    snapshot->timefusion = timefusion;
    snapshot->delta = delta;
    snapshot->shown.table = table->schema;
    snapshot->shown.project_id = project_id;
    snapshot->shown.delta_version = delta->version;
    snapshot->shown.narrow = narrow_create(timefusion->index);
    snapshot_warn(timefusion, snapshot);
    struct timefusion_file **uncovered = mem_alloc((segment_count + 1) * sizeof *uncovered);
    for (uint32_t s = 0; s < segment_count; s++) {
        if (owners_view_has(&view, segments[s])) {
            uncovered[kept++] = &segments[s]->shown;
        } else {
            file_release(segments[s]);
        }
    }
    free(segments);
    owners_view_deinit(&view);
    qsort(uncovered, kept, sizeof *uncovered, newest_first);
    struct timefusion_file **stored = mem_alloc((count + 1) * sizeof *stored);
    count = project_files(timefusion, table, delta, project_id, stored);
    snapshot->shown.files = mem_alloc((kept + count + 1) * sizeof(struct timefusion_file *));
    snapshot->shown.file_count = kept + count;
    files_merge(uncovered, kept, stored, count, snapshot->shown.files);
    free(uncovered);
    free(stored);
    *out = &snapshot->shown;
    return true;
}

struct timefusion_snapshot *timefusion_snapshot_of(struct timefusion *timefusion, enum schema_table_id id,
                                                   const struct delta_file *const *files, uint32_t file_count)
{
    struct table *table = &timefusion->tables[id];
    struct delta_snapshot *delta = delta_snapshot_acquire(table->delta);
    struct snapshot *snapshot = mem_calloc(1, sizeof *snapshot);
    snapshot->timefusion = timefusion;
    snapshot->delta = delta;
    snapshot->shown.table = table->schema;
    snapshot->shown.project_id = file_count > 0 ? files[0]->project_id : (struct uuid){ 0 };
    snapshot->shown.narrow = narrow_create(timefusion->index);
    snapshot->shown.delta_version = delta->version;
    snapshot->shown.files = mem_alloc((file_count + 1) * sizeof(struct timefusion_file *));
    pthread_mutex_lock(&table->lock);
    for (uint32_t f = 0; f < file_count; f++) snapshot->shown.files[f] = &files_get(timefusion, table, files[f])->shown;
    pthread_mutex_unlock(&table->lock);
    snapshot->shown.file_count = file_count;
    return &snapshot->shown;
}

struct timefusion_snapshot *timefusion_snapshot_with(const struct timefusion_snapshot *base,
                                                     struct timefusion_file *const *files, uint32_t file_count)
{
    const struct snapshot *from = (const struct snapshot *)base;
    struct snapshot *snapshot = mem_calloc(1, sizeof *snapshot);
    snapshot->timefusion = from->timefusion;
    snapshot->delta = delta_snapshot_share(from->delta);
    snapshot->shown.table = base->table;
    snapshot->shown.project_id = base->project_id;
    snapshot->shown.delta_version = base->delta_version;
    snapshot->shown.narrow = narrow_create(from->timefusion->index);
    snapshot_warn(from->timefusion, snapshot);
    struct timefusion_file **also = mem_alloc((file_count + 1) * sizeof *also);
    for (uint32_t f = 0; f < file_count; f++) also[f] = &file_acquire((struct file *)files[f])->shown;
    for (uint32_t f = 0; f < base->file_count; f++) (void)file_acquire((struct file *)base->files[f]);
    qsort(also, file_count, sizeof *also, newest_first);
    snapshot->shown.file_count = base->file_count + file_count;
    snapshot->shown.files = mem_alloc((snapshot->shown.file_count + 1) * sizeof(struct timefusion_file *));
    files_merge(also, file_count, base->files, base->file_count, snapshot->shown.files);
    free(also);
    return &snapshot->shown;
}

bool timefusion_file_is_held(struct timefusion *timefusion, enum schema_table_id id, const char *path)
{
    struct table *table = &timefusion->tables[id];
    char key[FILE_KEY_BYTES];
    file_key(table->schema, path, key);
    pthread_mutex_lock(&table->lock);
    struct file *file = table->files.cap > 0 ? table->files.slots[files_slot(&table->files, key)] : NULL;
    bool is_held = file && atomic_load(&file->reference_count) > 1;
    pthread_mutex_unlock(&table->lock);
    return is_held;
}

void timefusion_snapshot_release(struct timefusion_snapshot *shown)
{
    if (!shown) return;
    struct snapshot *snapshot = (struct snapshot *)shown;
    struct table *table = &snapshot->timefusion->tables[shown->table->id];
    for (uint32_t f = 0; f < shown->file_count; f++) file_release((struct file *)shown->files[f]);
    pthread_mutex_lock(&table->lock);
    if (table->release_count++ % 64 == 0) files_trim(snapshot->timefusion, table);
    /* Paths that left the table (another writer's compaction) leave the map as well. */
    if (table->files.used > 1024 && table->files.used > 2 * snapshot->delta->file_count)
        files_rebuild(table, table->files.cap, true);
    pthread_mutex_unlock(&table->lock);
    delta_snapshot_release(snapshot->delta);
    narrow_destroy(shown->narrow);
    warnings_release(snapshot->warnings);
    free(shown->files);
    free(snapshot);
}
