#include "timefusion/file.h"
#include "base/parallel.h"
#include "timefusion/segment/owner.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void file_key(const struct schema_table *table, const char *path, char key[FILE_KEY_BYTES])
{
    snprintf(key, FILE_KEY_BYTES, "%s/%s", table->name, path);
}

struct file *file_create(struct object_store *store, const char *key, const struct schema_table *table,
                         enum timefusion_origin origin, uint64_t id)
{
    struct file *file = mem_calloc(1, sizeof *file);
    char name[40];
    snprintf(name, sizeof name, "%" PRIu64 ".parquet", id);
    file->shown.id = id;
    file->shown.origin = origin;
    file->shown.name = mem_strdup(name);
    file->table = table;
    file->store = store;
    file->key = mem_strdup(key);
    file->hash = index_file_hash(key);
    atomic_init(&file->reference_count, 1);
    atomic_init(&file->is_doomed, false);
    pthread_mutex_init(&file->lock, NULL);
    return file;
}

struct file *file_acquire(struct file *file)
{
    unsigned before = atomic_fetch_add_explicit(&file->reference_count, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return file;
}

/* A file that stays is found and removed at the next start; nothing else refers to it. */
static void bytes_delete(struct file *file)
{
    struct err err = { 0 };
    char path[1024];
    if (file->disk && object_local_path(file->store, file->key, path, sizeof path)) {
        (void)!file->disk->ops->unlink(file->disk, path, &err);
    } else {
        (void)!object_delete(file->store, file->key, &err);
    }
}

void file_extents_drop(struct file *file)
{
    pthread_mutex_lock(&file->lock);
    struct file_extent *extent = file->extents;
    file->extents = NULL;
    pthread_mutex_unlock(&file->lock);
    while (extent) {
        struct file_extent *next = extent->next;
        atomic_fetch_sub(&file->room->bytes, extent->len);
        free(extent->bytes);
        free(extent);
        extent = next;
    }
}

void file_release(struct file *file)
{
    if (!file) return;
    /* The last but the table's own. Two that let go at once both miss it: files_trim looks as well. */
    if (file->room && atomic_load(&file->reference_count) <= 2) file_extents_drop(file);
    unsigned before = atomic_fetch_sub_explicit(&file->reference_count, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1) return;
    if (file->reader) object_reader_close(file->reader);
    if (atomic_load(&file->is_doomed)) bytes_delete(file);
    if (file->footer) parquet_footer_destroy(file->footer);
    owner_release(file->owner);
    free(file->place);
    pthread_mutex_destroy(&file->lock);
    free((char *)file->shown.name);
    free(file->key);
    free(file);
}

void file_doom(struct file *file)
{
    atomic_store(&file->is_doomed, true);
}

static bool reader_open(struct file *file, struct object_reader **reader, struct err *err)
{
    pthread_mutex_lock(&file->lock);
    bool ok = file->reader || object_reader_open_sized(file->store, file->key, file->shown.bytes, &file->reader, err);
    *reader = file->reader;
    pthread_mutex_unlock(&file->lock);
    return ok;
}

static bool extent_read(struct file *file, uint64_t offset, void *ptr, size_t len)
{
    if (!file->room) return false;
    pthread_mutex_lock(&file->lock);
    const struct file_extent *extent = file->extents;
    while (extent && (offset < extent->offset || offset - extent->offset > extent->len ||
                      len > extent->len - (size_t)(offset - extent->offset)))
        extent = extent->next;
    if (extent && ptr) memcpy(ptr, extent->bytes + (offset - extent->offset), len);
    pthread_mutex_unlock(&file->lock);
    return extent != NULL;
}

bool timefusion_file_read(struct timefusion_file *shown, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    struct file *file = (struct file *)shown;
    struct object_reader *reader;
    if (extent_read(file, offset, ptr, len)) return true;
    if (!reader_open(file, &reader, err)) return err_within(err, "file \"%s\"", file->key);
    if (offset > shown->bytes || len > shown->bytes - offset)
        return err_set(err, ERR_CORRUPT, "file \"%s\" has %" PRIu64 " bytes, %zu at %" PRIu64 " were wanted", file->key,
                       shown->bytes, len, offset);
    if (!object_reader_pread(reader, offset, ptr, len, err)) return err_within(err, "file \"%s\"", file->key);
    return true;
}

size_t timefusion_footer_bytes(const struct timefusion_file *shown)
{
    uint64_t guess = 65536;
    if (shown->row_count != DELTA_ROWS_UNKNOWN && shown->row_count / 8000 > 8) guess += shown->row_count / 8000 * 4096;
    if (guess > 512 * 1024) guess = 512 * 1024;
    return (size_t)(guess < shown->bytes ? guess : shown->bytes);
}

/* Footers of joined files are some 100 KB; one read takes most of them, the footer's own length says the rest. */
bool file_footer_load(struct file *file, struct parquet_footer **footer, bool *is_joinable, struct err *err)
{
    uint64_t bytes = file->shown.bytes;
    size_t want = timefusion_footer_bytes(&file->shown);
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t *tail = mem_alloc(want ? want : 1);
        size_t need = 0;
        bool ok = timefusion_file_read(&file->shown, bytes - want, tail, want, err) &&
                  parquet_footer_read(bytes_from(tail, want), bytes, file->table, footer, &need, err);
        if (ok && is_joinable) {
            size_t len = (*footer)->footer_bytes;
            *is_joinable = parquet_is_joinable(bytes_from(tail + want - 8 - len, len), bytes, file->table);
        }
        free(tail);
        if (ok) return true;
        if (err->code != ERR_OK) return false;
        if (need <= want || need > bytes) break;
        want = need;
    }
    return err_set(err, ERR_CORRUPT, "file \"%s\": its footer does not say its own length", file->key);
}

bool timefusion_file_footer(struct timefusion_file *shown, const struct parquet_footer **footer, struct err *err)
{
    struct file *file = (struct file *)shown;
    pthread_mutex_lock(&file->lock);
    struct parquet_footer *known = file->footer;
    pthread_mutex_unlock(&file->lock);
    if (!known) {
        struct parquet_footer *loaded = NULL;
        if (!file_footer_load(file, &loaded, NULL, err)) return false;
        pthread_mutex_lock(&file->lock);
        if (file->footer) {
            parquet_footer_destroy(loaded); /* another query was first */
        } else {
            file->footer = loaded;
        }
        known = file->footer;
        pthread_mutex_unlock(&file->lock);
    }
    *footer = known;
    return true;
}

struct hash128 timefusion_file_hash(const struct timefusion_file *file)
{
    return ((const struct file *)file)->hash;
}

bool timefusion_file_rows(struct timefusion_file *file, uint64_t *rows, struct err *err)
{
    const struct parquet_footer *footer;
    *rows = file->row_count;
    if (*rows != DELTA_ROWS_UNKNOWN) return true;
    if (!timefusion_file_footer(file, &footer, err)) return false;
    *rows = footer->row_count;
    return true;
}

void timefusion_file_acquire(struct timefusion_file *file)
{
    file_acquire((struct file *)file);
}

void timefusion_file_release(struct timefusion_file *file)
{
    file_release((struct file *)file);
}

/* ---- fetching ahead ---- */

#define FETCHES_AT_ONCE 16u

/* From a local disk bytes come as fast as they are copied, and footers as fast as they are parsed. */
static void fetch_one(void *ctx, uint32_t number)
{
    const struct timefusion_fetch *fetch = &((const struct timefusion_fetch *)ctx)[number];
    struct file *file = (struct file *)fetch->file;
    struct err ignored = { .code = ERR_OK };
    if (!file->room || fetch->len == 0 || object_is_local(file->store, file->key) ||
        extent_read(file, fetch->offset, NULL, fetch->len))
        return;
    if (atomic_fetch_add(&file->room->bytes, fetch->len) + fetch->len > file->room->bytes_max) {
        atomic_fetch_sub(&file->room->bytes, fetch->len);
        return;
    }
    uint8_t *bytes = mem_alloc(fetch->len);
    if (!timefusion_file_read(fetch->file, fetch->offset, bytes, fetch->len, &ignored)) {
        atomic_fetch_sub(&file->room->bytes, fetch->len);
        free(bytes);
        return;
    }
    struct file_extent *extent = mem_alloc(sizeof *extent);
    pthread_mutex_lock(&file->lock);
    *extent = (struct file_extent){ file->extents, fetch->offset, fetch->len, bytes };
    file->extents = extent;
    pthread_mutex_unlock(&file->lock);
}

void timefusion_fetch(const struct timefusion_fetch *fetches, uint32_t count)
{
    parallel_run(count, FETCHES_AT_ONCE, fetch_one, (void *)(uintptr_t)fetches);
}

static void footer_one(void *ctx, uint32_t number)
{
    struct timefusion_file **files = ctx;
    const struct parquet_footer *footer;
    struct err ignored = { .code = ERR_OK };
    (void)!timefusion_file_footer(files[number], &footer, &ignored);
}

void timefusion_fetch_footers(struct timefusion_file *const *files, uint32_t count)
{
    struct timefusion_file **missing = mem_alloc(count * sizeof(struct timefusion_file *));
    uint32_t missing_count = 0;
    for (uint32_t f = 0; f < count; f++) {
        struct file *file = (struct file *)files[f];
        pthread_mutex_lock(&file->lock);
        if (!file->footer) missing[missing_count++] = files[f];
        pthread_mutex_unlock(&file->lock);
    }
    const struct file *first = missing_count > 1 ? (const struct file *)missing[0] : NULL;
    bool is_far = first && !object_is_local(first->store, first->key);
    if (is_far) parallel_run(missing_count, FETCHES_AT_ONCE, footer_one, missing);
    free(missing);
}
