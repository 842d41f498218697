#include "timefusion/delta/delta_catalog.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "timefusion/delta/delta_text.h"

struct delta_path_entry {
    uint64_t hash;
    const char *path;
};
struct delta_file_node {
    struct delta_path_entry entry;
    struct delta_file file;
    bool is_dead, is_published; /* only the owner looks at these */
    char text[];                /* path, packed statistics */
};
struct removed_node {
    struct delta_path_entry entry;
    struct delta_removed removed;
    char text[];
};

struct delta_snapshot_node {
    struct delta_snapshot shown; /* first: what acquire hands out */
    struct delta_snapshots *owner;
    struct delta_snapshot_node *newer;
    uint64_t reference_count;
    struct delta_file_node **dead; /* live here, no longer in newer */
    uint32_t dead_count;
};
struct delta_snapshots {
    pthread_mutex_t lock;
    struct delta_snapshot_node *oldest, *newest; /* newest has a reference of its own */
};

/* -- tables by path --------------------------------------------------------------------------------------------- */

static uint64_t path_hash(const char *path)
{
    return hash64_of(bytes_of_text(path));
}

/* The slot that holds the path, or the empty one where it would go. */
static uint32_t path_slot(const struct delta_path_table *table, uint64_t hash, const char *path)
{
    uint32_t at = (uint32_t)hash & (table->cap - 1);
    while (table->slots[at] && (table->slots[at]->hash != hash || strcmp(table->slots[at]->path, path) != 0))
        at = (at + 1) & (table->cap - 1);
    return at;
}

static struct delta_path_entry *path_find(const struct delta_path_table *table, const char *path)
{
    return table->cap == 0 ? NULL : table->slots[path_slot(table, path_hash(path), path)];
}

static void path_put(struct delta_path_table *table, struct delta_path_entry *entry)
{
    if ((table->used + 1) * 2 > table->cap) {
        struct delta_path_table old = *table;
        table->cap = old.cap ? old.cap * 2 : 64;
        table->slots = mem_calloc(table->cap, sizeof *table->slots);
        for (uint32_t i = 0; i < old.cap; i++) {
            if (old.slots[i]) table->slots[path_slot(table, old.slots[i]->hash, old.slots[i]->path)] = old.slots[i];
        }
        free(old.slots);
    }
    uint32_t at = path_slot(table, entry->hash, entry->path);
    assert(table->slots[at] == NULL);
    table->slots[at] = entry;
    table->used++;
}

/* Takes the path out; the entries behind it in the same run move up. */
static struct delta_path_entry *path_take(struct delta_path_table *table, const char *path)
{
    if (table->cap == 0) return NULL;
    uint32_t mask = table->cap - 1, hole = path_slot(table, path_hash(path), path);
    struct delta_path_entry *taken = table->slots[hole];
    if (taken == NULL) return NULL;
    table->slots[hole] = NULL;
    table->used--;
    for (uint32_t at = (hole + 1) & mask; table->slots[at]; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)table->slots[at]->hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue; /* its home lies behind the hole */
        table->slots[hole] = table->slots[at];
        table->slots[at] = NULL;
        hole = at;
    }
    return taken;
}

/* -- changes ---------------------------------------------------------------------------------------------------- */

static void nodes_push(struct delta_file_node ***nodes, uint32_t *count, uint32_t *cap, struct delta_file_node *node)
{
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        *nodes = mem_realloc(*nodes, *cap * sizeof **nodes);
    }
    (*nodes)[(*count)++] = node;
}

static void file_end(struct delta_catalog *catalog, const char *path)
{
    struct delta_file_node *node = (struct delta_file_node *)path_take(&catalog->live, path);
    if (node == NULL) return;
    node->is_dead = true;
    if (node->is_published) nodes_push(&catalog->dead, &catalog->dead_count, &catalog->dead_cap, node);
}

void delta_catalog_add(struct delta_catalog *catalog, const struct delta_file *file, const char *stats)
{
    struct buf packed;
    buf_init(&packed, DELTA_STATS_KEPT_MAX);
    if (stats && !delta_stats_pack(&packed, catalog->table, bytes_of_text(stats))) packed.len = 0;
    free(path_take(&catalog->removed, file->path));
    file_end(catalog, file->path);
    size_t path_bytes = strlen(file->path) + 1;
    struct delta_file_node *node = mem_alloc(sizeof *node + path_bytes + packed.len);
    memcpy(node->text, file->path, path_bytes);
    if (packed.len > 0) memcpy(node->text + path_bytes, packed.ptr, packed.len);
    node->file = *file;
    node->file.path = node->text;
    node->file.stats = bytes_from(node->text + path_bytes, packed.len);
    buf_deinit(&packed);
    node->entry = (struct delta_path_entry){ path_hash(node->text), node->text };
    node->is_dead = node->is_published = false;
    path_put(&catalog->live, &node->entry);
    nodes_push(&catalog->added, &catalog->added_count, &catalog->added_cap, node);
}

void delta_catalog_remove(struct delta_catalog *catalog, const char *path, int64_t deletion_unix_ms, bool data_change)
{
    file_end(catalog, path);
    free(path_take(&catalog->removed, path));
    size_t path_bytes = strlen(path) + 1;
    struct removed_node *node = mem_alloc(sizeof *node + path_bytes);
    memcpy(node->text, path, path_bytes);
    node->entry = (struct delta_path_entry){ path_hash(node->text), node->text };
    node->removed = (struct delta_removed){ node->text, deletion_unix_ms, data_change };
    path_put(&catalog->removed, &node->entry);
}

/* The place of app_id among the transactions, or where it would go. */
static uint32_t txn_place(const struct delta_txn *txns, uint32_t count, const char *app_id, bool *found)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(txns[middle].app_id, app_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < count && strcmp(txns[low].app_id, app_id) == 0;
    return low;
}

void delta_catalog_txn(struct delta_catalog *catalog, const char *app_id, uint64_t version, int64_t updated_unix_ms)
{
    bool found;
    uint32_t at = txn_place(catalog->txns, catalog->txn_count, app_id, &found);
    if (!found) {
        if (catalog->txn_count == catalog->txn_cap) {
            catalog->txn_cap = catalog->txn_cap ? catalog->txn_cap * 2 : 16;
            catalog->txns = mem_realloc(catalog->txns, catalog->txn_cap * sizeof *catalog->txns);
            catalog->names = mem_realloc(catalog->names, catalog->txn_cap * sizeof *catalog->names);
        }
        memmove(catalog->txns + at + 1, catalog->txns + at, (catalog->txn_count - at) * sizeof *catalog->txns);
        catalog->txns[at].app_id = catalog->names[catalog->txn_count] = mem_strdup(app_id);
        catalog->txn_count++;
    }
    catalog->txns[at].version = version;
    catalog->txns[at].updated_unix_ms = updated_unix_ms;
}

bool delta_catalog_has(const struct delta_catalog *catalog, const char *path)
{
    return path_find(&catalog->live, path) != NULL;
}

int64_t delta_catalog_txn_version(const struct delta_catalog *catalog, const char *app_id)
{
    bool found;
    uint32_t at = txn_place(catalog->txns, catalog->txn_count, app_id, &found);
    return found ? (int64_t)catalog->txns[at].version : -1;
}

uint32_t delta_catalog_forget_removed(struct delta_catalog *catalog, int64_t before_unix_ms)
{
    struct delta_path_table old = catalog->removed;
    catalog->removed = (struct delta_path_table){ 0 };
    for (uint32_t i = 0; i < old.cap; i++) {
        struct removed_node *node = (struct removed_node *)old.slots[i];
        if (node == NULL) continue;
        if (node->removed.deletion_unix_ms < before_unix_ms) {
            free(node);
        } else {
            path_put(&catalog->removed, &node->entry);
        }
    }
    free(old.slots);
    return catalog->removed.used;
}

const struct delta_removed *delta_catalog_removed_next(const struct delta_catalog *catalog, uint32_t *slot)
{
    while (*slot < catalog->removed.cap) {
        struct removed_node *node = (struct removed_node *)catalog->removed.slots[(*slot)++];
        if (node) return &node->removed;
    }
    return NULL;
}

/* -- snapshots -------------------------------------------------------------------------------------------------- */

/* By project, then newest first; the path makes the order total. */
static int file_compare(const struct delta_file *a, const struct delta_file *b)
{
    int order = memcmp(a->project_id.bytes, b->project_id.bytes, sizeof a->project_id.bytes);
    if (order != 0) return order;
    if (a->timestamp_max_us != b->timestamp_max_us) return a->timestamp_max_us > b->timestamp_max_us ? -1 : 1;
    return strcmp(a->path, b->path);
}

static int node_compare(const void *a, const void *b)
{
    return file_compare(&(*(struct delta_file_node *const *)a)->file, &(*(struct delta_file_node *const *)b)->file);
}

static struct delta_file_node *node_of(struct delta_file *file)
{
    return (struct delta_file_node *)((char *)file - offsetof(struct delta_file_node, file));
}

/* Drops the added files that did not live to this publish, sorts the others. */
static void added_settle(struct delta_catalog *catalog)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < catalog->added_count; i++) {
        struct delta_file_node *node = catalog->added[i];
        if (node->is_dead) {
            free(node);
        } else {
            catalog->added[kept++] = node;
        }
    }
    catalog->added_count = kept;
    if (kept > 1) qsort(catalog->added, kept, sizeof *catalog->added, node_compare);
}

/* Frees snapshots nobody holds, oldest first, and the files that only they showed. Under the lock. */
static void snapshots_trim(struct delta_snapshots *snapshots)
{
    while (snapshots->oldest && snapshots->oldest->reference_count == 0) {
        struct delta_snapshot_node *node = snapshots->oldest;
        snapshots->oldest = node->newer;
        if (snapshots->oldest == NULL) snapshots->newest = NULL;
        for (uint32_t i = 0; i < node->dead_count; i++) free(node->dead[i]);
        free(node->dead);
        free((void *)(uintptr_t)node->shown.files);
        free((void *)(uintptr_t)node->shown.txns);
        free(node);
    }
}

/* How many of files, from from on, sort before file. */
static uint32_t files_before(struct delta_file *const *files, uint32_t from, uint32_t count,
                             const struct delta_file *file)
{
    uint32_t low = from, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (file_compare(files[middle], file) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - from;
}

/* Old files that live on and the added ones, in order. Pointers are copied in runs: only the files near the added ones are
 * looked at, unless some have died. */
static uint32_t files_merge(struct delta_catalog *catalog, struct delta_file *const *old, uint32_t old_count,
                            struct delta_file **files)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i <= catalog->added_count; i++) {
        uint32_t run =
            i == catalog->added_count ? old_count - at : files_before(old, at, old_count, &catalog->added[i]->file);
        if (catalog->dead_count == 0 && run > 0) {
            memcpy(files + count, old + at, run * sizeof *files);
            count += run;
        } else {
            for (uint32_t k = at; k < at + run; k++) {
                if (!node_of(old[k])->is_dead) files[count++] = old[k];
            }
        }
        at += run;
        if (i < catalog->added_count) files[count++] = &catalog->added[i]->file;
    }
    return count;
}

void delta_catalog_publish(struct delta_catalog *catalog, uint64_t version)
{
    struct delta_snapshots *snapshots = catalog->snapshots;
    added_settle(catalog);
    struct delta_snapshot_node *last = snapshots->newest; /* only the owner moves it */
    uint32_t old_count = last ? last->shown.file_count : 0;
    struct delta_file **files = mem_alloc(((size_t)old_count + catalog->added_count + 1) * sizeof *files);
    uint32_t count = files_merge(catalog, last ? last->shown.files : NULL, old_count, files);
    for (uint32_t i = 0; i < catalog->added_count; i++) catalog->added[i]->is_published = true;
    assert(count == catalog->live.used);

    struct delta_txn *txns = mem_alloc((catalog->txn_count + 1) * sizeof *txns);
    if (catalog->txn_count > 0) memcpy(txns, catalog->txns, catalog->txn_count * sizeof *txns);
    struct delta_snapshot_node *node = mem_alloc(sizeof *node);
    *node = (struct delta_snapshot_node){
        .shown = { .version = version,
                   .file_count = count,
                   .files = files,
                   .txn_count = catalog->txn_count,
                   .txns = txns },
        .owner = snapshots,
        .reference_count = 1,
    };
    catalog->added_count = 0;

    pthread_mutex_lock(&snapshots->lock);
    if (last) {
        last->newer = node;
        last->dead = catalog->dead;
        last->dead_count = catalog->dead_count;
        last->reference_count--;
        catalog->dead = NULL;
        catalog->dead_count = catalog->dead_cap = 0;
    } else {
        snapshots->oldest = node;
    }
    snapshots->newest = node;
    snapshots_trim(snapshots);
    pthread_mutex_unlock(&snapshots->lock);
}

struct delta_snapshot *delta_catalog_acquire(struct delta_catalog *catalog)
{
    struct delta_snapshots *snapshots = catalog->snapshots;
    pthread_mutex_lock(&snapshots->lock);
    struct delta_snapshot_node *node = snapshots->newest;
    node->reference_count++;
    pthread_mutex_unlock(&snapshots->lock);
    return &node->shown;
}

void delta_snapshot_release(struct delta_snapshot *snapshot)
{
    if (snapshot == NULL) return;
    struct delta_snapshot_node *node = (struct delta_snapshot_node *)snapshot;
    struct delta_snapshots *snapshots = node->owner;
    pthread_mutex_lock(&snapshots->lock);
    assert(node->reference_count > (node == snapshots->newest ? 1u : 0u));
    node->reference_count--;
    snapshots_trim(snapshots);
    pthread_mutex_unlock(&snapshots->lock);
}

int64_t delta_snapshot_txn(const struct delta_snapshot *snapshot, const char *app_id)
{
    bool found;
    uint32_t at = txn_place(snapshot->txns, snapshot->txn_count, app_id, &found);
    return found ? (int64_t)snapshot->txns[at].version : -1;
}

/* How many files sort before the project, or up to its last one. */
static uint32_t project_bound(const struct delta_snapshot *snapshot, struct uuid project_id, bool upper)
{
    uint32_t low = 0, high = snapshot->file_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(snapshot->files[middle]->project_id.bytes, project_id.bytes, sizeof project_id.bytes);
        if (order < 0 || (upper && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void delta_snapshot_project(const struct delta_snapshot *snapshot, struct uuid project_id, uint32_t *first,
                            uint32_t *count)
{
    *first = project_bound(snapshot, project_id, false);
    *count = project_bound(snapshot, project_id, true) - *first;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

void delta_catalog_init(struct delta_catalog *catalog, const struct schema_table *table)
{
    *catalog = (struct delta_catalog){ .table = table, .snapshots = mem_calloc(1, sizeof *catalog->snapshots) };
    pthread_mutex_init(&catalog->snapshots->lock, NULL);
}

void delta_catalog_deinit(struct delta_catalog *catalog)
{
    struct delta_snapshots *snapshots = catalog->snapshots;
    if (snapshots->newest) {
        assert(snapshots->newest->reference_count == 1);
        snapshots->newest->reference_count = 0;
        snapshots_trim(snapshots);
    }
    assert(snapshots->oldest == NULL); /* else a reader still holds a snapshot */
    pthread_mutex_destroy(&snapshots->lock);
    free(snapshots);
    for (uint32_t i = 0; i < catalog->added_count; i++) { /* not published: the open failed */
        if (catalog->added[i]->is_dead) free(catalog->added[i]);
    }
    for (uint32_t i = 0; i < catalog->live.cap; i++) free(catalog->live.slots[i]);
    for (uint32_t i = 0; i < catalog->removed.cap; i++) free(catalog->removed.slots[i]);
    for (uint32_t i = 0; i < catalog->dead_count; i++) free(catalog->dead[i]);
    for (uint32_t i = 0; i < catalog->txn_count; i++) free(catalog->names[i]);
    free(catalog->live.slots);
    free(catalog->removed.slots);
    free(catalog->added);
    free(catalog->dead);
    free(catalog->txns);
    free(catalog->names);
}
