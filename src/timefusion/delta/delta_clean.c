/* delta_clean.c -- the log's old end goes: what a checkpoint stands for, once it is older than anyone may look back.
 *
 *   0 1 2 ... 90.checkpoint ... 118 | retention begins | 119 ... now
 *   deleted     ^ kept: versions from 90 on can still be read
 *
 * The checkpoint that stays is read back first. Deleted in order of versions; a deletion that breaks off leaves a log that
 * begins a little later or has a hole below a checkpoint, which no reader sees. Any number of writers may do it at once.
 * Source: PROTOCOL.md, "Metadata Cleanup". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/delta/delta_listing.h"

enum { DELETE_BATCH = 1000 };
#define LOG_RETENTION_MS (30 * 24 * 3600 * INT64_C(1000)) /* Delta's delta.logRetentionDuration */

static bool action_look(void *ctx, struct bytes json, struct err *err)
{
    return delta_lines_check(ctx, json, err);
}

static bool add_look(void *ctx, const struct delta_checkpoint_add *add, struct err *err)
{
    struct delta_action action;
    (void)ctx;
    return delta_action_of_add(add, NULL, &action, err);
}

/* Could a reader open the table with this checkpoint? */
static bool checkpoint_is_good(const struct delta_table *table, const struct delta_log_name *name, struct err *err)
{
    struct delta_state state = { 0 };
    struct delta_checkpoint_sink sink = { .action = action_look, .add = add_look, .ctx = &state };
    bool ok = delta_checkpoint_read(table, name, &sink, err) && delta_state_check(table, &state, err);
    delta_state_deinit(&state);
    return ok;
}

/* The newest whole checkpoint that is older than cutoff; SIZE_MAX: none. */
static size_t checkpoint_choose(const struct delta_listing *listing, int64_t cutoff_unix_us)
{
    for (size_t at = listing->count; at-- > 0;) {
        if (listing->entries[at].modified_unix_us > cutoff_unix_us) continue;
        if (delta_listing_checkpoint_ends(listing, at)) return at;
    }
    return SIZE_MAX;
}

static void entry_key(const struct delta_table *table, const struct delta_log_name *name, char key[DELTA_KEY_BYTES])
{
    if (name->kind == DELTA_LOG_CHECKPOINT) {
        delta_checkpoint_key(table, name, name->part, key);
    } else if (name->kind == DELTA_LOG_CHECKSUM) {
        snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".crc", table->prefix, name->version);
    } else if (name->kind == DELTA_LOG_COMPACTED) {
        snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".%020" PRIu64 ".compacted.json", table->prefix,
                 name->first, name->version);
    } else {
        delta_commit_key(table, name->version, key);
    }
}

/* Everything below keep that is older than cutoff, up to the first commit that is not. */
static bool entries_delete(struct delta_table *table, const struct delta_listing *listing, uint64_t keep,
                           int64_t cutoff_unix_us, uint32_t *deleted_count, struct err *err)
{
    struct arena arena;
    const char *keys[DELETE_BATCH];
    uint32_t count = 0;
    bool ok = true;
    arena_init(&arena, 0);
    for (size_t at = 0; ok && at <= listing->count; at++) {
        const struct delta_log_entry *entry = at < listing->count ? &listing->entries[at] : NULL;
        bool is_end = entry == NULL || entry->name.version >= keep ||
                      (entry->name.kind == DELTA_LOG_COMMIT && entry->modified_unix_us > cutoff_unix_us);
        if (!is_end && entry->modified_unix_us <= cutoff_unix_us && entry->name.kind != DELTA_LOG_CHECKPOINT_V2) {
            char key[DELTA_KEY_BYTES];
            entry_key(table, &entry->name, key);
            keys[count++] = arena_printf(&arena, "%s", key);
        }
        if (count == DELETE_BATCH || (is_end && count > 0)) {
            fail_point("delta.in_clean");
            ok = object_delete_many(table->options.store, keys, count, err);
            if (ok) *deleted_count += count;
            count = 0;
            arena_reset(&arena);
        }
        if (is_end) break;
    }
    arena_deinit(&arena);
    return ok;
}

static bool clean(struct delta_table *table, int64_t cutoff_unix_us, uint64_t version, uint32_t *deleted_count,
                  struct err *err)
{
    struct delta_listing listing;
    bool ok = delta_listing_read(table, DELTA_VERSION_NONE, &listing, err);
    size_t at = ok ? checkpoint_choose(&listing, cutoff_unix_us) : SIZE_MAX;
    /* One of a version that we have not read yet may be of a table that we cannot read. */
    if (at != SIZE_MAX && listing.entries[at].name.version <= version &&
        listing.entries[0].name.version != listing.entries[at].name.version) {
        uint64_t keep = listing.entries[at].name.version;
        fail_point("delta.before_clean");
        ok = checkpoint_is_good(table, &listing.entries[at].name, err) &&
             entries_delete(table, &listing, keep, cutoff_unix_us, deleted_count, err);
        if (*deleted_count > 0)
            log_info(table->options.log, "delta.log_cleaned", log_text("table", table->prefix),
                     log_number("from_version", (int64_t)keep), log_number("files", *deleted_count));
    }
    delta_listing_deinit(&listing);
    return ok;
}

bool delta_clean_log(struct delta_table *table, uint32_t *deleted_count, struct err *err)
{
    *deleted_count = 0;
    if (table->options.checkpoint_reader.read == NULL) return true; /* none could be read back */
    struct buf text;
    buf_init(&text, 1024);
    pthread_mutex_lock(&table->lock);
    bool is_off = delta_state_configuration(&table->state, "delta.enableExpiredLogCleanup", &text) &&
                  strcasecmp((const char *)text.ptr, "false") == 0;
    int64_t retention_ms = delta_state_ms(&table->state, "delta.logRetentionDuration", LOG_RETENTION_MS);
    uint64_t version = table->version;
    pthread_mutex_unlock(&table->lock);
    buf_deinit(&text);
    if (is_off) return true;
    int64_t cutoff_unix_us = clock_unix_us() - retention_ms * 1000;
    return clean(table, cutoff_unix_us, version, deleted_count, err) ||
           err_within(err, "clean the log of Delta table \"%s\"", table->prefix);
}
