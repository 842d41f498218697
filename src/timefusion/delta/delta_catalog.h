/* delta_catalog.h -- what a table's log amounts to: live files, removed files, transactions; and the snapshots of it.
 *
 *   log --catalog_add, _remove, _txn--> [by path: live | removed] --catalog_publish--> snapshot 7 <- snapshot 8 <- now
 *
 * A snapshot's files lie in chunks of some 200 pointers. A publish makes anew the chunks that files came into or went
 * from, and shares the others: what it costs follows the change, and hardly the table. Files and chunks are freed when no
 * snapshot older than their removal is held.
 * Thread: one owner changes it (the table's lock); acquire and release are for any thread. Private to this folder. */
#pragma once
#include "base/bytes.h"
#include "timefusion/delta/delta.h"

struct delta_tombstone {
    struct delta_removed removed;
    bool data_change;
    bool is_extended; /* bytes and the two below are known */
    struct uuid project_id;
    int32_t day;
};
struct delta_path_entry { /* a live or removed file in a table by path */
    uint64_t hash;
    const char *path;
};
struct delta_path_table {
    struct delta_path_entry **slots;
    uint32_t cap, used;
};
struct delta_file_node {
    struct delta_path_entry entry;
    struct delta_file file;
    bool is_dead, is_published; /* only the owner looks at these */
    char text[];                /* path, packed statistics */
};

struct delta_catalog {
    const struct schema_table *table;
    struct delta_path_table live, removed;
    struct delta_file_node **added, **dead; /* since the last publish */
    uint32_t added_count, added_cap, dead_count, dead_cap;
    struct delta_txn *txns; /* sorted by app_id */
    uint32_t txn_count, txn_cap;
    char **names;                 /* the same app_ids, to free: snapshots point at them */
    uint32_t removed_again_count; /* removes of files that had been removed before */
    struct delta_snapshots *snapshots;
};
void delta_catalog_init(struct delta_catalog *catalog, const struct schema_table *table);
/* Every snapshot must have been released (asserted). */
void delta_catalog_deinit(struct delta_catalog *catalog);

/* file->path and stats (JSON, or NULL) are copied. A live file of the same path is replaced. */
void delta_catalog_add(struct delta_catalog *catalog, const struct delta_file *file, const char *stats);
/* The path is copied. What it does not say of a file that was live is taken from there. */
void delta_catalog_remove(struct delta_catalog *catalog, const struct delta_tombstone *tombstone);
void delta_catalog_txn(struct delta_catalog *catalog, const char *app_id, uint64_t version, int64_t updated_unix_ms);
/* NULL: not live. Borrowed until the next change. */
const struct delta_file *delta_catalog_find(const struct delta_catalog *catalog, const char *path);
int64_t delta_catalog_txn_version(const struct delta_catalog *catalog, const char *app_id); /* -1: none */
void delta_catalog_publish(struct delta_catalog *catalog, uint64_t version);
struct delta_snapshot *delta_catalog_acquire(struct delta_catalog *catalog); /* of the last publish */

/* Removed files that readers of older versions may still want. Forgets those deleted before. */
uint32_t delta_catalog_forget_removed(struct delta_catalog *catalog, int64_t before_unix_ms);
/* The removed file in slot at or behind it; NULL at the end. */
const struct delta_tombstone *delta_catalog_removed_next(const struct delta_catalog *catalog, uint32_t *slot);

/* delta_snapshot.c */
struct delta_snapshots *delta_snapshots_create(void);
void delta_snapshots_destroy(struct delta_snapshots *snapshots); /* with the chunks of the last one, not its files */
/* The place of app_id among the sorted transactions, or where it would go. */
uint32_t delta_txn_place(const struct delta_txn *txns, uint32_t count, const char *app_id, bool *found);
