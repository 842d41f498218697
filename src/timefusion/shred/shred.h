/* shred.h -- attributes without a column of their own, as columns that only files have: hidden beside the table's.
 *
 *   rows of a project --shreds_choose--> keys that repeat with few values, the same for all writers of this process
 *   remainders {"cart.tier":"gold",..} --shredder_run--> by key: ids into a dictionary of texts --shredder_view--> parquet
 *
 * The value of a row is what json_attribute (as text) says of its remainder, no more and no less; the remainder keeps it too.
 * So a file's hidden column is the same as asking its remainders, and a file without it is asked by these.
 *
 * Words: *remainder*, the attributes that have no column, as one JSON object (column "attributes").
 * Thread: struct shreds any (one lock, held for a choice); a shredder has one owner.
 * Memory: shreds some KB a project, SHRED_PROJECTS_MAX of them, the one unused for longest goes; a shredder 2 bytes a row and
 *         key, and the different values of one run. */
#pragma once
#include "base/uuid.h"
#include "timefusion/columns/columns.h"

#define SHRED_KEYS_MAX      16
#define SHRED_KEY_BYTES_MAX 64
#define SHRED_PROJECTS_MAX  1024
#define SHRED_DISTINCT_MAX  1024 /* of a key in one run; more, and it is not shredded */
#define SHRED_BASE          "attributes"
#define SHRED_PREFIX        "attributes->>" /* a hidden column's name in the file: this and the key */
#define SHRED_NAME_BYTES    (sizeof SHRED_PREFIX + SHRED_KEY_BYTES_MAX)

struct shred_keys {
    uint32_t count;
    char texts[SHRED_KEYS_MAX][SHRED_KEY_BYTES_MAX + 1]; /* in order of bytes */
};
/* May the key be one? Only plain letters, so that names need no quoting anywhere. */
bool shred_key_is_plain(struct bytes key);

struct shreds;
struct shreds *shreds_create(void);
void shreds_destroy(struct shreds *shreds); /* NULL is fine */
/* The keys of the project, after a look at rows [from, to): what repeats is added, nothing is taken away, so that files of a
 * project have the same hidden columns and can be joined by copying. */
void shreds_choose(struct shreds *shreds, struct uuid project_id, const struct columns *columns, uint32_t from,
                   uint32_t to, struct shred_keys *keys);
/* The key has too many values: it is not chosen any more. */
void shreds_refuse(struct shreds *shreds, struct uuid project_id, const struct schema_table *table, const char *key);

struct shredder;
struct shredder *shredder_create(void);
void shredder_destroy(struct shredder *shredder); /* NULL is fine */
/* Reads rows [from, to). Of keys with more than SHRED_DISTINCT_MAX values nothing is kept: shredder_is_full. */
void shredder_run(struct shredder *shredder, const struct columns *columns, uint32_t from, uint32_t to,
                  const struct shred_keys *keys);
bool shredder_is_full(const struct shredder *shredder, uint32_t key);
/* A key's values, as of a text column; borrowed until the next view or run. */
void shredder_view(struct shredder *shredder, uint32_t key, struct columns_view *view);
