/* delta_snapshot.c -- what readers hold: the live files at a version, in chunks that snapshots share.
 *
 *   snapshot 8: [0 | 201 | 398 | 611 ...] --> chunk, chunk', chunk, chunk ...     chunk': the one that changed
 *   snapshot 7: [0 | 201 | 397 | 610 ...] --> chunk, chunk,  chunk, chunk ...
 *
 * A snapshot keeps the list of what was live in it and is not in the next one: files, chunks. They go with it, and
 * snapshots go oldest first, so nothing in a chunk is counted. */
#include <pthread.h>
#include <stdlib.h>

#include "timefusion/delta/delta_catalog.h"

enum { CHUNK_FILES_MAX = 256, CHUNK_FILES_NEW = 192 }; /* of a new one, when there are many: room to grow */

struct delta_chunk {
    uint32_t count;
    struct delta_file *files[];
};
struct chunk_at {
    uint32_t first; /* index of its first file in the snapshot */
    struct delta_chunk *chunk;
};
struct delta_chunks {
    uint32_t count;
    struct chunk_at at[];
};
struct delta_snapshot_node {
    struct delta_snapshot shown; /* first: what acquire hands out */
    struct delta_snapshots *owner;
    struct delta_snapshot_node *newer;
    uint64_t reference_count;
    struct delta_file_node **dead; /* live here, no longer in newer */
    struct delta_chunk **dead_chunks;
    uint32_t dead_count, dead_chunk_count;
};
struct delta_snapshots {
    pthread_mutex_t lock;
    struct delta_snapshot_node *oldest, *newest; /* newest has a reference of its own */
};

/* -- order -------------------------------------------------------------------------------------------------------- */

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

static void nodes_sort(struct delta_file_node **nodes, uint32_t count)
{
    if (count > 1) qsort(nodes, count, sizeof *nodes, node_compare);
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
    nodes_sort(catalog->added, kept);
}

/* -- chunks --------------------------------------------------------------------------------------------------------- */

/* The next snapshot's chunks under way. */
struct merge {
    struct delta_chunks *out;
    uint32_t cap, file_count;
    struct delta_file **files; /* of the chunk under way; room for one old chunk and all that was added */
    uint32_t pending;
    struct delta_chunk **dead; /* old ones that are not in out */
    uint32_t dead_count, dead_cap;
};

static void chunk_share(struct merge *merge, struct delta_chunk *chunk)
{
    if (merge->out->count == merge->cap) {
        merge->cap = merge->cap * 2;
        merge->out = mem_realloc(merge->out, sizeof *merge->out + merge->cap * sizeof *merge->out->at);
    }
    merge->out->at[merge->out->count++] = (struct chunk_at){ merge->file_count, chunk };
    merge->file_count += chunk->count;
}

static void chunk_bury(struct merge *merge, struct delta_chunk *chunk)
{
    if (merge->dead_count == merge->dead_cap) {
        merge->dead_cap = merge->dead_cap ? merge->dead_cap * 2 : 16;
        merge->dead = mem_realloc(merge->dead, merge->dead_cap * sizeof *merge->dead);
    }
    merge->dead[merge->dead_count++] = chunk;
}

/* The files under way as chunks: one when they fit, else even pieces. */
static void chunks_make(struct merge *merge)
{
    uint32_t total = merge->pending, pieces = total <= CHUNK_FILES_MAX ? 1 : (total - 1) / CHUNK_FILES_NEW + 1,
             from = 0;
    for (uint32_t piece = 0; total > 0 && piece < pieces; piece++) {
        uint32_t to = (uint32_t)((uint64_t)total * (piece + 1) / pieces);
        struct delta_chunk *chunk = mem_alloc(sizeof *chunk + (to - from) * sizeof *chunk->files);
        chunk->count = to - from;
        memcpy(chunk->files, merge->files + from, (to - from) * sizeof *chunk->files);
        chunk_share(merge, chunk);
        from = to;
    }
    merge->pending = 0;
}

/* How many of the chunks from from on begin at or before the file; so the one before that place is the file's. */
static uint32_t chunks_before(const struct delta_chunks *chunks, uint32_t from, const struct delta_file *file)
{
    uint32_t low = from, high = chunks->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (file_compare(chunks->at[middle].chunk->files[0], file) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* One old chunk that changes: its living files and the added ones that sort before limit (NULL: all). Returns how many
 * of those it took. */
static uint32_t chunk_merge(struct merge *merge, const struct delta_chunk *old, struct delta_file_node *const *added,
                            uint32_t added_count, const struct delta_file *limit)
{
    uint32_t taken = 0, at = 0;
    while (at < old->count || taken < added_count) {
        bool more = taken < added_count && (limit == NULL || file_compare(&added[taken]->file, limit) < 0);
        if (at < old->count && node_of(old->files[at])->is_dead) {
            at++;
        } else if (more && (at == old->count || file_compare(&added[taken]->file, old->files[at]) < 0)) {
            merge->files[merge->pending++] = &added[taken++]->file;
        } else if (at < old->count) {
            merge->files[merge->pending++] = old->files[at++];
        } else {
            break;
        }
    }
    return taken;
}

/* The chunk before the files under way joins them when both are small, so that removals leave no crumbs. */
static void neighbour_join(struct merge *merge)
{
    if (merge->out->count == 0 || merge->pending == 0) return;
    struct delta_chunk *before = merge->out->at[merge->out->count - 1].chunk;
    if (before->count + merge->pending > CHUNK_FILES_NEW / 2) return;
    memmove(merge->files + before->count, merge->files, merge->pending * sizeof *merge->files);
    memcpy(merge->files, before->files, before->count * sizeof *merge->files);
    merge->pending += before->count;
    merge->file_count -= before->count;
    merge->out->count--;
    chunk_bury(merge, before);
}

/* Walks added and dead files, both sorted; makes anew the chunks they belong to, shares those between. */
static void chunks_merge(struct merge *merge, const struct delta_chunks *old, struct delta_file_node *const *added,
                         uint32_t added_count, struct delta_file_node *const *dead, uint32_t dead_count)
{
    uint32_t at = 0, a = 0, d = 0;
    while (at < old->count && (a < added_count || d < dead_count)) {
        bool added_first = d == dead_count || (a < added_count && file_compare(&added[a]->file, &dead[d]->file) < 0);
        uint32_t place = chunks_before(old, at, added_first ? &added[a]->file : &dead[d]->file);
        uint32_t chunk = place > at ? place - 1 : at;
        for (; at < chunk; at++) chunk_share(merge, old->at[at].chunk);
        const struct delta_file *limit = chunk + 1 < old->count ? old->at[chunk + 1].chunk->files[0] : NULL;
        a += chunk_merge(merge, old->at[chunk].chunk, added + a, added_count - a, limit);
        while (d < dead_count && (limit == NULL || file_compare(&dead[d]->file, limit) < 0)) d++;
        chunk_bury(merge, old->at[chunk].chunk);
        neighbour_join(merge);
        chunks_make(merge);
        at = chunk + 1;
    }
    for (; at < old->count; at++) chunk_share(merge, old->at[at].chunk);
    for (; a < added_count; a++) merge->files[merge->pending++] = &added[a]->file;
    chunks_make(merge);
}

/* -- snapshots ------------------------------------------------------------------------------------------------------ */

/* Frees snapshots nobody holds, oldest first, and what only they showed. Under the lock. */
static void snapshots_trim(struct delta_snapshots *snapshots)
{
    while (snapshots->oldest && snapshots->oldest->reference_count == 0) {
        struct delta_snapshot_node *node = snapshots->oldest;
        snapshots->oldest = node->newer;
        if (snapshots->oldest == NULL) snapshots->newest = NULL;
        for (uint32_t i = 0; i < node->dead_count; i++) free(node->dead[i]);
        for (uint32_t i = 0; i < node->dead_chunk_count; i++) free(node->dead_chunks[i]);
        free(node->dead);
        free(node->dead_chunks);
        free((void *)(uintptr_t)node->shown.chunks);
        free((void *)(uintptr_t)node->shown.txns);
        free(node);
    }
}

static struct delta_txn *txns_copy(const struct delta_catalog *catalog)
{
    struct delta_txn *txns = mem_alloc((catalog->txn_count + 1) * sizeof *txns);
    if (catalog->txn_count > 0) memcpy(txns, catalog->txns, catalog->txn_count * sizeof *txns);
    return txns;
}

/* The merge's answer in place of last; what last alone shows is handed to it. */
static void snapshots_push(struct delta_catalog *catalog, struct merge *merge, struct delta_snapshot_node *node)
{
    struct delta_snapshots *snapshots = catalog->snapshots;
    struct delta_snapshot_node *last = snapshots->newest;
    pthread_mutex_lock(&snapshots->lock);
    if (last) {
        last->newer = node;
        last->dead = catalog->dead;
        last->dead_count = catalog->dead_count;
        last->dead_chunks = merge->dead;
        last->dead_chunk_count = merge->dead_count;
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

void delta_catalog_publish(struct delta_catalog *catalog, uint64_t version)
{
    static const struct delta_chunks none = { 0 };
    struct delta_snapshot_node *last = catalog->snapshots->newest; /* only the owner moves it */
    const struct delta_chunks *old = last ? last->shown.chunks : &none;
    added_settle(catalog);
    nodes_sort(catalog->dead, catalog->dead_count);
    struct merge merge = { .cap = old->count + 8 };
    merge.out = mem_alloc(sizeof *merge.out + merge.cap * sizeof *merge.out->at);
    merge.out->count = 0;
    merge.files = mem_alloc((2 * CHUNK_FILES_MAX + catalog->added_count) * sizeof *merge.files);
    chunks_merge(&merge, old, catalog->added, catalog->added_count, catalog->dead, catalog->dead_count);
    free(merge.files);
    assert(merge.file_count == catalog->live.used);
    for (uint32_t i = 0; i < catalog->added_count; i++) catalog->added[i]->is_published = true;
    catalog->added_count = 0;

    struct delta_snapshot_node *node = mem_alloc(sizeof *node);
    *node = (struct delta_snapshot_node){
        .shown = { .version = version,
                   .file_count = merge.file_count,
                   .txn_count = catalog->txn_count,
                   .txns = txns_copy(catalog),
                   .chunks = merge.out },
        .owner = catalog->snapshots,
        .reference_count = 1,
    };
    snapshots_push(catalog, &merge, node);
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

struct delta_snapshot *delta_snapshot_share(struct delta_snapshot *snapshot)
{
    struct delta_snapshot_node *node = (struct delta_snapshot_node *)snapshot;
    pthread_mutex_lock(&node->owner->lock);
    assert(node->reference_count > 0);
    node->reference_count++;
    pthread_mutex_unlock(&node->owner->lock);
    return snapshot;
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

struct delta_snapshots *delta_snapshots_create(void)
{
    struct delta_snapshots *snapshots = mem_calloc(1, sizeof *snapshots);
    pthread_mutex_init(&snapshots->lock, NULL);
    return snapshots;
}

void delta_snapshots_destroy(struct delta_snapshots *snapshots)
{
    struct delta_snapshot_node *last = snapshots->newest;
    if (last) {
        assert(last->reference_count == 1);
        for (uint32_t i = 0; i < last->shown.chunks->count; i++) free(last->shown.chunks->at[i].chunk);
        last->reference_count = 0;
        snapshots_trim(snapshots);
    }
    assert(snapshots->oldest == NULL); /* else a reader still holds a snapshot */
    pthread_mutex_destroy(&snapshots->lock);
    free(snapshots);
}

/* -- looking in ------------------------------------------------------------------------------------------------------ */

uint32_t delta_txn_place(const struct delta_txn *txns, uint32_t count, const char *app_id, bool *found)
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

int64_t delta_snapshot_txn(const struct delta_snapshot *snapshot, const char *app_id)
{
    bool found;
    uint32_t at = delta_txn_place(snapshot->txns, snapshot->txn_count, app_id, &found);
    return found ? (int64_t)snapshot->txns[at].version : -1;
}

const struct delta_file *delta_snapshot_file(const struct delta_snapshot *snapshot, uint32_t index)
{
    assert(index < snapshot->file_count);
    const struct delta_chunks *chunks = snapshot->chunks;
    uint32_t low = 0, high = chunks->count; /* the last chunk that begins at or before index */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (chunks->at[middle].first <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return chunks->at[low].chunk->files[index - chunks->at[low].first];
}

/* How many files sort before the project, or up to its last one. */
static uint32_t project_bound(const struct delta_snapshot *snapshot, struct uuid project_id, bool upper)
{
    const struct delta_chunks *chunks = snapshot->chunks;
    uint32_t low = 0, high = chunks->count; /* first among chunks, then within the one before that place */
    for (int level = 0; level < 2; level++) {
        const struct delta_chunk *chunk = level == 0 ? NULL : chunks->at[low - 1].chunk;
        uint32_t place = low;
        if (chunk) low = 0, high = chunk->count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            const struct delta_file *file = chunk ? chunk->files[middle] : chunks->at[middle].chunk->files[0];
            int order = memcmp(file->project_id.bytes, project_id.bytes, sizeof project_id.bytes);
            if (order < 0 || (upper && order == 0)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (chunk) return chunks->at[place - 1].first + low;
        if (low == 0) return 0;
    }
    return 0;
}

void delta_snapshot_project(const struct delta_snapshot *snapshot, struct uuid project_id, uint32_t *first,
                            uint32_t *count)
{
    *first = project_bound(snapshot, project_id, false);
    *count = project_bound(snapshot, project_id, true) - *first;
}
