#include "timefusion/delta/delta_catalog.h"

#include <stdlib.h>

#include "base/hash.h"
#include "timefusion/delta/delta_text.h"

struct removed_node {
    struct delta_path_entry entry;
    struct delta_tombstone tombstone;
    char text[];
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

void delta_catalog_remove(struct delta_catalog *catalog, const struct delta_tombstone *tombstone)
{
    const char *path = tombstone->removed.path;
    const struct delta_file *live = delta_catalog_find(catalog, path);
    size_t path_bytes = strlen(path) + 1;
    struct removed_node *node = mem_alloc(sizeof *node + path_bytes);
    memcpy(node->text, path, path_bytes);
    node->entry = (struct delta_path_entry){ path_hash(node->text), node->text };
    node->tombstone = *tombstone;
    node->tombstone.removed.path = node->text;
    if (live && !tombstone->is_extended) {
        node->tombstone.is_extended = true;
        node->tombstone.removed.bytes = live->bytes;
        node->tombstone.project_id = live->project_id;
        node->tombstone.day = live->day;
    }
    file_end(catalog, path);
    struct delta_path_entry *before = path_take(&catalog->removed, path);
    catalog->removed_again_count += before != NULL && live == NULL;
    free(before);
    path_put(&catalog->removed, &node->entry);
}

void delta_catalog_txn(struct delta_catalog *catalog, const char *app_id, uint64_t version, int64_t updated_unix_ms)
{
    bool found;
    uint32_t at = delta_txn_place(catalog->txns, catalog->txn_count, app_id, &found);
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

const struct delta_file *delta_catalog_find(const struct delta_catalog *catalog, const char *path)
{
    struct delta_file_node *node = (struct delta_file_node *)path_find(&catalog->live, path);
    return node ? &node->file : NULL;
}

int64_t delta_catalog_txn_version(const struct delta_catalog *catalog, const char *app_id)
{
    bool found;
    uint32_t at = delta_txn_place(catalog->txns, catalog->txn_count, app_id, &found);
    return found ? (int64_t)catalog->txns[at].version : -1;
}

uint32_t delta_catalog_forget_removed(struct delta_catalog *catalog, int64_t before_unix_ms)
{
    struct delta_path_table old = catalog->removed;
    catalog->removed = (struct delta_path_table){ 0 };
    for (uint32_t i = 0; i < old.cap; i++) {
        struct removed_node *node = (struct removed_node *)old.slots[i];
        if (node == NULL) continue;
        if (node->tombstone.removed.deletion_unix_ms < before_unix_ms) {
            free(node);
        } else {
            path_put(&catalog->removed, &node->entry);
        }
    }
    free(old.slots);
    return catalog->removed.used;
}

const struct delta_tombstone *delta_catalog_removed_next(const struct delta_catalog *catalog, uint32_t *slot)
{
    while (*slot < catalog->removed.cap) {
        struct removed_node *node = (struct removed_node *)catalog->removed.slots[(*slot)++];
        if (node) return &node->tombstone;
    }
    return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

void delta_catalog_init(struct delta_catalog *catalog, const struct schema_table *table)
{
    *catalog = (struct delta_catalog){ .table = table, .snapshots = delta_snapshots_create() };
}

void delta_catalog_deinit(struct delta_catalog *catalog)
{
    delta_snapshots_destroy(catalog->snapshots);
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
