#include "timefusion/index/shelf.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/parallel.h"

#include <stdio.h>
#include <stdlib.h>

#define RUNS_LISTED_MAX 4096
#define LISTINGS_MAX    3 /* when runs go while they are read */
#define DELETES_MAX     64u
#define READS_AT_ONCE   16u

struct shelf *shelf_get(struct index *index, const struct schema_table *table, struct uuid project_id)
{
    uint64_t hash = hash64_of(bytes_from(project_id.bytes, sizeof project_id.bytes)) + (uint64_t)table->id;
    char project[UUID_TEXT_BYTES + 1];
    pthread_mutex_lock(&index->lock);
    struct shelf **at = &index->buckets[hash % SHELF_BUCKETS];
    while (*at && ((*at)->table != table || !uuid_equal((*at)->project_id, project_id))) at = &(*at)->next;
    struct shelf *shelf = *at;
    if (!shelf) {
        shelf = mem_calloc(1, sizeof *shelf);
        shelf->table = table;
        shelf->project_id = project_id;
        uuid_to_text(project_id, project);
        snprintf(shelf->prefix, sizeof shelf->prefix, "%s/_monoscope/index/%s/", table->name, project);
        pthread_mutex_init(&shelf->lock, NULL);
        pthread_mutex_init(&shelf->list_lock, NULL);
        *at = shelf;
    }
    pthread_mutex_unlock(&index->lock);
    return shelf;
}

static void run_forget(struct index *index, struct run *run)
{
    atomic_fetch_sub(&index->memory, run_memory(run));
    run_release(run);
}

/* All but what is pending. Under the lock. */
static void shelf_clear(struct index *index, struct shelf *shelf)
{
    for (uint32_t r = 0; r < shelf->run_count; r++) run_forget(index, shelf->runs[r]);
    atomic_fetch_sub(&index->memory, shelf->slot_cap * sizeof *shelf->slots);
    free(shelf->slots);
    shelf->slots = NULL;
    shelf->slot_cap = shelf->run_count = 0;
    shelf->is_listed = false;
    shelf->is_stale = true;
}

void shelf_destroy(struct index *index, struct shelf *shelf)
{
    shelf_clear(index, shelf);
    shelf_pending_set(index, shelf, NULL);
    for (uint32_t o = 0; o < shelf->obsolete_count; o++) free(shelf->obsolete[o]);
    free(shelf->obsolete);
    free(shelf->runs);
    pthread_mutex_destroy(&shelf->lock);
    pthread_mutex_destroy(&shelf->list_lock);
    free(shelf);
}

void shelf_add(struct index *index, struct shelf *shelf, struct run *run)
{
    if (shelf->run_count == shelf->run_cap) {
        shelf->run_cap = shelf->run_cap ? shelf->run_cap * 2 : 8;
        shelf->runs = mem_realloc(shelf->runs, shelf->run_cap * sizeof(struct run *));
    }
    shelf->runs[shelf->run_count++] = run;
    shelf->is_stale = true;
    atomic_fetch_add(&index->memory, run_memory(run));
}

void shelf_remove(struct index *index, struct shelf *shelf, struct run *run)
{
    for (uint32_t r = 0; r < shelf->run_count; r++) {
        if (shelf->runs[r] != run) continue;
        shelf->runs[r] = shelf->runs[--shelf->run_count];
        shelf->is_stale = true;
        run_forget(index, run);
        return;
    }
}

void shelf_pending_set(struct index *index, struct shelf *shelf, struct run *run)
{
    if (shelf->pending) run_forget(index, shelf->pending);
    if (run) atomic_fetch_add(&index->memory, run_memory(run));
    shelf->pending = run;
    shelf->is_stale = true;
}

void shelf_obsolete_add(struct shelf *shelf, const char *key)
{
    for (uint32_t o = 0; o < shelf->obsolete_count; o++)
        if (strcmp(shelf->obsolete[o], key) == 0) return;
    if (shelf->obsolete_count == shelf->obsolete_cap) {
        shelf->obsolete_cap = shelf->obsolete_cap ? shelf->obsolete_cap * 2 : 8;
        shelf->obsolete = mem_realloc(shelf->obsolete, shelf->obsolete_cap * sizeof(char *));
    }
    shelf->obsolete[shelf->obsolete_count++] = mem_strdup(key);
}

bool shelf_obsolete_delete(struct index *index, struct shelf *shelf, struct err *err)
{
    char *keys[DELETES_MAX];
    uint32_t count = 0;
    pthread_mutex_lock(&shelf->lock);
    while (shelf->obsolete_count > 0 && count < DELETES_MAX) keys[count++] = shelf->obsolete[--shelf->obsolete_count];
    pthread_mutex_unlock(&shelf->lock);
    if (count == 0) return true;
    fail_point("index.before_delete");
    bool ok = object_delete_many(index->options.store, (const char *const *)keys, count, err);
    atomic_fetch_add(&index->deleted, ok ? count : 0);
    for (uint32_t i = 0; i < count; i++) free(keys[i]); /* after an error the next listing finds them useless */
    return ok;
}

/* ---- from file to run ---- */

static uint32_t slot_of(const struct shelf *shelf, struct hash128 file)
{
    uint32_t mask = shelf->slot_cap - 1, at = (uint32_t)file.lo & mask;
    while (shelf->slots[at].run && !hash128_equal(shelf->slots[at].run->files[shelf->slots[at].file].hash, file))
        at = (at + 1) & mask;
    return at;
}

static void slots_put(struct shelf *shelf, struct run *run)
{
    for (uint32_t f = 0; f < run->file_count; f++)
        shelf->slots[slot_of(shelf, run->files[f].hash)] = (struct shelf_slot){ run, f };
}

static int smaller_first(const void *a, const void *b)
{
    const struct run *left = *(struct run *const *)a, *right = *(struct run *const *)b;
    return (left->entry_count > right->entry_count) - (left->entry_count < right->entry_count);
}

/* The larger run wins a file that two cover: of a merged one and its parts, the merged one. */
static void slots_make(struct index *index, struct shelf *shelf)
{
    uint64_t files = shelf->pending ? shelf->pending->file_count : 0;
    uint32_t cap = 64;
    for (uint32_t r = 0; r < shelf->run_count; r++) files += shelf->runs[r]->file_count;
    while (cap < files * 2) cap *= 2;
    atomic_fetch_sub(&index->memory, shelf->slot_cap * sizeof *shelf->slots);
    free(shelf->slots);
    shelf->slots = mem_calloc(cap, sizeof *shelf->slots);
    shelf->slot_cap = cap;
    atomic_fetch_add(&index->memory, cap * sizeof *shelf->slots);
    if (shelf->pending) slots_put(shelf, shelf->pending);
    if (shelf->run_count > 1) qsort(shelf->runs, shelf->run_count, sizeof(struct run *), smaller_first);
    for (uint32_t r = 0; r < shelf->run_count; r++) slots_put(shelf, shelf->runs[r]);
    shelf->is_stale = false;
}

struct run *shelf_find(struct index *index, struct shelf *shelf, struct hash128 file, uint32_t *number)
{
    if (shelf->is_stale || !shelf->slots) slots_make(index, shelf);
    const struct shelf_slot *slot = &shelf->slots[slot_of(shelf, file)];
    *number = slot->file;
    return slot->run;
}

/* ---- reading ---- */

struct reading {
    struct index *index;
    struct shelf_read *reads;
};

static void read_one(void *ctx, uint32_t number)
{
    struct reading *reading = ctx;
    struct shelf_read *read = &reading->reads[number];
    read->err = (struct err){ .code = ERR_OK };
    read->ok = read->len == 0 || object_get_range(reading->index->options.store, read->key, read->offset, read->into,
                                                  read->len, &read->err);
}

void shelf_reads(struct index *index, struct shelf_read *reads, uint32_t count)
{
    struct reading reading = { index, reads };
    parallel_run(count, READS_AT_ONCE, read_one, &reading);
}

/* ---- which runs there are ---- */

struct listing {
    struct listed {
        char key[RUN_KEY_BYTES];
        uint64_t bytes, meta_bytes;
        bool is_known;
    } * found;
    uint32_t count, cap;
};

static bool listing_take(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct listing *listing = ctx;
    uint64_t meta_bytes;
    (void)modified_unix_us;
    if (!run_key_read(key, &meta_bytes) || meta_bytes > bytes) return true;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? listing->cap * 2 : 16;
        listing->found = mem_realloc(listing->found, listing->cap * sizeof *listing->found);
    }
    struct listed *found = &listing->found[listing->count++];
    snprintf(found->key, sizeof found->key, "%s", key);
    found->bytes = bytes;
    found->meta_bytes = meta_bytes;
    found->is_known = false;
    return listing->count < RUNS_LISTED_MAX;
}

/* Marks those known; forgets known ones that are gone, but for those made after the listing began. */
static void listing_compare(struct index *index, struct shelf *shelf, struct listing *listing, uint64_t begin_mono_ns)
{
    for (uint32_t r = 0; r < shelf->run_count;) {
        struct run *run = shelf->runs[r];
        bool is_there = run->noted_mono_ns >= begin_mono_ns;
        for (uint32_t i = 0; i < listing->count; i++) {
            if (strcmp(listing->found[i].key, run->key) != 0) continue;
            is_there = listing->found[i].is_known = true;
        }
        if (is_there)
            r++;
        else
            shelf_remove(index, shelf, run);
    }
    for (uint32_t o = 0; o < shelf->obsolete_count; o++) /* replaced already, deleted later */
        for (uint32_t i = 0; i < listing->count; i++)
            if (strcmp(listing->found[i].key, shelf->obsolete[o]) == 0) listing->found[i].is_known = true;
}

static bool run_load(const struct listed *found, const struct shelf_read *read, struct run **run, struct err *err)
{
    struct bytes bytes = bytes_from(read->into, read->len);
    size_t pages = (size_t)(read->len - found->meta_bytes);
    *run = NULL;
    if (!read->ok) {
        *err = read->err;
        return false;
    }
    if (!run_meta_read(run, found->key, found->bytes, bytes_from(bytes.ptr + pages, (size_t)found->meta_bytes), err))
        return false;
    if (read->offset == 0 && !run_entries_read(*run, bytes_from(bytes.ptr, pages), err)) {
        run_release(*run);
        *run = NULL;
        return false;
    }
    (*run)->noted_mono_ns = clock_mono_ns();
    return true;
}

/* A damaged one is of no use to anybody: its files are indexed anew, and it is deleted with those that were replaced. */
static void unusable_note(struct index *index, struct shelf *shelf, const char *key, const struct err *why)
{
    if (why->code == ERR_NOT_FOUND) return; /* gone: merged by another */
    atomic_fetch_add(&index->damaged, 1);
    log_warn(index->options.log, "index.run_unusable", log_text("key", key), log_text("err", why->text));
    if (why->code != ERR_CORRUPT) return;
    pthread_mutex_lock(&shelf->lock);
    shelf_obsolete_add(shelf, key);
    pthread_mutex_unlock(&shelf->lock);
}

/* Metas of runs not known yet, small ones whole, side by side. False when one was gone: merged meanwhile. */
static bool listing_load(struct index *index, struct shelf *shelf, struct listing *listing)
{
    struct shelf_read *reads = mem_calloc(listing->count, sizeof *reads);
    struct listed **of = mem_calloc(listing->count, sizeof(struct listed *));
    uint32_t count = 0;
    bool is_current = true;
    for (uint32_t i = 0; i < listing->count; i++) {
        struct listed *found = &listing->found[i];
        if (found->is_known) continue;
        bool is_small = found->bytes - found->meta_bytes <= RUN_RESIDENT_ENTRIES * sizeof(uint64_t);
        size_t len = (size_t)(is_small ? found->bytes : found->meta_bytes);
        of[count] = found;
        reads[count++] =
            (struct shelf_read){ .key = found->key, .offset = found->bytes - len, .len = len, .into = mem_alloc(len) };
    }
    shelf_reads(index, reads, count);
    for (uint32_t i = 0; i < count; i++) {
        struct run *run;
        struct err err = { .code = ERR_OK };
        if (run_load(of[i], &reads[i], &run, &err)) {
            pthread_mutex_lock(&shelf->lock);
            shelf_add(index, shelf, run);
            pthread_mutex_unlock(&shelf->lock);
        } else {
            unusable_note(index, shelf, of[i]->key, &err);
            is_current = is_current && err.code != ERR_NOT_FOUND;
        }
        free(reads[i].into);
    }
    free(reads);
    free(of);
    return is_current;
}

/* True when what was listed is there. */
static bool list_once(struct index *index, struct shelf *shelf)
{
    struct listing listing = { 0 };
    struct err err = { .code = ERR_OK };
    uint64_t begin_mono_ns = clock_mono_ns();
    bool ok = object_list(index->options.store, shelf->prefix, listing_take, &listing, &err), is_current = true;
    if (ok) {
        pthread_mutex_lock(&shelf->lock);
        listing_compare(index, shelf, &listing, begin_mono_ns);
        pthread_mutex_unlock(&shelf->lock);
        is_current = listing_load(index, shelf, &listing);
    } else {
        log_warn(index->options.log, "index.list_failed", log_text("prefix", shelf->prefix), log_text("err", err.text));
    }
    free(listing.found);
    return is_current;
}

void shelf_list(struct index *index, struct shelf *shelf, uint64_t before_mono_ns)
{
    pthread_mutex_lock(&shelf->list_lock);
    pthread_mutex_lock(&shelf->lock);
    bool is_done = shelf->is_listed && shelf->listed_mono_ns >= before_mono_ns; /* another was first */
    pthread_mutex_unlock(&shelf->lock);
    if (!is_done) {
        for (int tries = 0; tries < LISTINGS_MAX && !list_once(index, shelf); tries++) continue;
        pthread_mutex_lock(&shelf->lock);
        shelf->is_listed = true; /* after a failure too: asked again in a while, not by every look-up */
        shelf->listed_mono_ns = clock_mono_ns();
        pthread_mutex_unlock(&shelf->lock);
    }
    pthread_mutex_unlock(&shelf->list_lock);
}

void shelf_drop_bad(struct index *index, struct shelf *shelf, struct run *run, const struct err *why)
{
    pthread_mutex_lock(&shelf->lock);
    if (why->code == ERR_NOT_FOUND || why->code == ERR_CORRUPT) shelf_remove(index, shelf, run);
    if (why->code == ERR_NOT_FOUND) shelf->listed_mono_ns = 0; /* another has merged it into one not known here */
    pthread_mutex_unlock(&shelf->lock);
    unusable_note(index, shelf, run->key, why);
}

void shelf_trim(struct index *index, const struct shelf *except)
{
    while (atomic_load(&index->memory) > index->options.memory_bytes_max) {
        struct shelf *oldest = NULL;
        pthread_mutex_lock(&index->lock);
        for (uint32_t b = 0; b < SHELF_BUCKETS; b++) {
            for (struct shelf *shelf = index->buckets[b]; shelf; shelf = shelf->next) {
                if (shelf == except) continue;
                pthread_mutex_lock(&shelf->lock);
                bool is_it = shelf->run_count > 0 && (!oldest || shelf->used_mono_ns < oldest->used_mono_ns);
                pthread_mutex_unlock(&shelf->lock);
                if (is_it) oldest = shelf;
            }
        }
        pthread_mutex_unlock(&index->lock);
        if (!oldest) return;
        pthread_mutex_lock(&oldest->lock);
        shelf_clear(index, oldest);
        pthread_mutex_unlock(&oldest->lock);
    }
}
