/* delta_read.c -- from the log to what the table holds.
 *
 *   _last_checkpoint -> listing from there -> newest complete checkpoint that can be read -> commits behind it
 *
 * A checkpoint that is damaged, or that nobody here can read, costs nothing but time while older commits are there: the
 * next older one is tried, and in the end version 0. A commit missing before a later one is a hole: ERR_CORRUPT. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/clock.h"
#include "timefusion/delta/commit_store.h"
#include "timefusion/delta/delta_fetch.h"
#include "timefusion/delta/delta_listing.h"

/* -- commits ---------------------------------------------------------------------------------------------------- */

void delta_commit_key(const struct delta_table *table, uint64_t version, char key[DELTA_KEY_BYTES])
{
    snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".json", table->prefix, version);
}

/* One commit, as a whole or not at all: everything is parsed, and the state that it leads to accepted, before any of it
 * is applied. */
static bool commit_apply(struct delta_table *table, struct bytes lines, struct err *err)
{
    struct delta_state state = delta_state_copy(&table->state);
    if (!delta_lines_check(&state, lines, err) || !delta_state_check(table, &state, err)) {
        delta_feature_blame(&state, err);
        delta_state_deinit(&state);
        return false;
    }
    uint32_t removed_again = table->catalog.removed_again_count, added = table->catalog.added_count;
    bool ok = delta_lines_apply(&table->catalog, &state, lines, err);
    assert(ok); /* it parsed a moment ago */
    removed_again = table->catalog.removed_again_count - removed_again;
    /* A writer that does not check for conflicts put files in the place of what was no longer there (delta-rs 1.6's
     * OPTIMIZE does). The commit stands; somebody should know. */
    if (removed_again > 0 && table->catalog.added_count > added)
        log_warn(table->options.log, "delta.removed_twice", log_text("table", table->prefix),
                 log_number("version", (int64_t)table->version + 1), log_number("files", removed_again),
                 log_text("err",
                          "another writer replaced files that were gone already: their rows may be there twice"));
    delta_state_deinit(&table->state);
    table->state = state;
    return true;
}

bool delta_commit_get(struct delta_table *table, uint64_t version, struct buf *buf, struct err *err)
{
    char key[DELTA_KEY_BYTES];
    delta_commit_key(table, version, key);
    buf->len = 0;
    return object_get(table->options.store, key, DELTA_COMMIT_BYTES_MAX, buf, err);
}

/* Applies what was fetched, in order, until a version is not there. *is_end: one was not, or could not be read. */
static bool fetched_apply(struct delta_table *table, const struct delta_fetched *fetched, uint32_t count,
                          uint32_t *commit_count, bool *is_end, struct err *err)
{
    for (uint32_t i = 0; i < count && !*is_end; i++) {
        uint64_t version = table->version + 1;
        *is_end = fetched[i].err.code != ERR_OK;
        if (fetched[i].err.code == ERR_NOT_FOUND) return true;
        if (*is_end) *err = fetched[i].err;
        if (*is_end || !commit_apply(table, buf_bytes(&fetched[i].lines), err))
            return err_within(err, "Delta table \"%s\" version %" PRIu64, table->prefix, version);
        table->version = version;
        ++*commit_count;
    }
    return true;
}

/* Who slept long enough may find the next version cleaned away, which looks like the log's end. */
static bool end_check(struct delta_table *table, struct err *err)
{
    int64_t now_unix_ms = clock_unix_us() / 1000;
    if (now_unix_ms - table->looked_unix_ms > DELTA_LOOK_MS_MAX) {
        uint64_t hint = delta_last_checkpoint(table);
        if (hint != DELTA_VERSION_NONE && hint > table->version) {
            struct delta_fetched next; /* or it came a moment ago: then the next look finds it */
            delta_fetch(table, table->version + 1, 1, &next);
            delta_fetched_deinit(&next, 1);
            return next.err.code != ERR_NOT_FOUND ||
                   err_set(err, ERR_CONFLICT,
                           "Delta table \"%s\" has a checkpoint at version %" PRIu64 ", but version %" PRIu64
                           " is no longer in its log: start again",
                           table->prefix, hint, table->version + 1);
        }
    }
    table->looked_unix_ms = now_unix_ms;
    return true;
}

bool delta_read_new(struct delta_table *table, uint32_t *commit_count, struct err *err)
{
    struct delta_fetched fetched[DELTA_FETCH_MAX];
    uint32_t side_by_side =
        1; /* mostly there is nothing, or one; the longer it goes on, the more are asked for at once */
    struct commit_store *commits = table->options.commit_store;
    bool is_end = false, ok = !commits || commit_store_recover(commits, err);
    *commit_count = 0;
    while (ok && !is_end) {
        delta_fetch(table, table->version + 1, side_by_side, fetched);
        ok = fetched_apply(table, fetched, side_by_side, commit_count, &is_end, err);
        delta_fetched_deinit(fetched, side_by_side);
        side_by_side = side_by_side * 2 < DELTA_FETCH_MAX ? side_by_side * 2 : DELTA_FETCH_MAX;
    }
    if (*commit_count > 0) delta_catalog_publish(&table->catalog, table->version);
    return ok && end_check(table, err);
}

/* -- the whole log ---------------------------------------------------------------------------------------------- */

uint64_t delta_last_checkpoint(struct delta_table *table)
{
    char key[DELTA_KEY_BYTES];
    struct err ignored = { 0 };
    struct buf buf;
    uint64_t version = DELTA_VERSION_NONE;
    buf_init(&buf, 1024 * 1024);
    snprintf(key, sizeof key, "%s/_delta_log/_last_checkpoint", table->prefix);
    if (object_get(table->options.store, key, 1024 * 1024, &buf, &ignored)) {
        yyjson_doc *doc = yyjson_read((const char *)buf.ptr, buf.len, 0);
        yyjson_val *number = yyjson_obj_get(yyjson_doc_get_root(doc), "version");
        if (yyjson_is_uint(number) && yyjson_get_uint(number) < INT64_MAX) version = yyjson_get_uint(number);
        yyjson_doc_free(doc);
    }
    buf_deinit(&buf);
    return version;
}

struct load {
    struct delta_table *table;
    struct buf stats; /* of the add under way, with its NUL */
};

static bool load_action(void *ctx, struct bytes json, struct err *err)
{
    struct delta_table *table = ((struct load *)ctx)->table;
    struct delta_action action;
    if (!delta_action_parse(json, &action, err)) return false;
    delta_action_apply(&table->catalog, &table->state, &action); /* rows are reconciled: any order will do */
    delta_action_deinit(&action);
    return true;
}

static bool load_add(void *ctx, const struct delta_checkpoint_add *add, struct err *err)
{
    struct load *load = ctx;
    struct delta_action action;
    load->stats.len = 0;
    bool has_stats = add->stats.ptr != NULL && !memchr(add->stats.ptr, 0, add->stats.len);
    if (has_stats && !(buf_add(&load->stats, add->stats.ptr, add->stats.len) && buf_add(&load->stats, "", 1)))
        return err_set(err, ERR_TOO_LARGE, "the statistics of a file are too large");
    if (!delta_action_of_add(add, has_stats ? (const char *)load->stats.ptr : NULL, &action, err)) return false;
    delta_action_apply(&load->table->catalog, &load->table->state, &action);
    return true;
}

bool delta_checkpoint_read(const struct delta_table *table, const struct delta_log_name *name,
                           const struct delta_checkpoint_sink *sink, struct err *err)
{
    const struct delta_checkpoint_reader *reader = &table->options.checkpoint_reader;
    uint32_t part = name->part_count == 0 ? 0 : 1;
    do {
        char key[DELTA_KEY_BYTES];
        delta_checkpoint_key(table, name, part, key);
        if (!reader->read(reader->ctx, table->options.store, key, sink, err)) return false;
    } while (part++ < name->part_count);
    return true;
}

static bool checkpoint_load(struct delta_table *table, const struct delta_log_name *name, struct err *err)
{
    struct load load = { .table = table };
    buf_init(&load.stats, DELTA_COMMIT_BYTES_MAX);
    bool ok =
        delta_checkpoint_read(table, name,
                              &(struct delta_checkpoint_sink){ .action = load_action, .add = load_add, .ctx = &load },
                              err);
    buf_deinit(&load.stats);
    if (!ok) return false;
    if (table->state.reader == 0 || table->state.schema == NULL)
        return err_set(err, ERR_CORRUPT, "the checkpoint has no protocol or no metaData");
    table->version = table->checkpoint_version = name->version;
    return true;
}

static void table_reset(struct delta_table *table)
{
    delta_catalog_deinit(&table->catalog);
    delta_catalog_init(&table->catalog, table->options.table);
    delta_state_deinit(&table->state);
    table->version = DELTA_VERSION_NONE;
    table->checkpoint_version = 0;
}

/* The first commit of the listing with version from or a later one; DELTA_VERSION_NONE: there is none. */
static uint64_t commit_listed(const struct delta_listing *listing, uint64_t from)
{
    for (size_t at = 0; at < listing->count; at++) {
        const struct delta_log_name *name = &listing->entries[at].name;
        if (name->kind == DELTA_LOG_COMMIT && name->version >= from) return name->version;
    }
    return DELTA_VERSION_NONE;
}

static uint64_t commit_last(const struct delta_listing *listing)
{
    for (size_t at = listing->count; at-- > 0;)
        if (listing->entries[at].name.kind == DELTA_LOG_COMMIT) return listing->entries[at].name.version;
    return DELTA_VERSION_NONE;
}

/* The commits behind table->version (all, when there is none), up to the last one of the listing, without a hole. Each is asked
 * for, whether it is listed or not: a folder that others commit to while it is read may list a commit and not the one before it. */
static bool tail_read(struct delta_table *table, const struct delta_listing *listing, struct err *err)
{
    uint64_t last = commit_last(listing);
    for (;;) {
        struct delta_fetched fetched[DELTA_FETCH_MAX];
        uint64_t next = table->version == DELTA_VERSION_NONE ? 0 : table->version + 1;
        if (last == DELTA_VERSION_NONE || next > last) return true;
        uint32_t count = last - next < DELTA_FETCH_MAX ? (uint32_t)(last - next + 1) : DELTA_FETCH_MAX;
        delta_fetch(table, next, count, fetched);
        bool ok = true;
        for (uint32_t i = 0; ok && i < count; i++) {
            ok = fetched[i].err.code == ERR_OK;
            if (!ok) *err = fetched[i].err;
            if (!ok && err->code == ERR_NOT_FOUND) {
                *err = (struct err){ 0 };
                err_set(err, ERR_CORRUPT, "the log has a hole: version %" PRIu64 " is missing, %" PRIu64 " is there",
                        next + i, commit_listed(listing, next + i));
                break;
            }
            ok = ok && delta_lines_apply(&table->catalog, &table->state, buf_bytes(&fetched[i].lines), err);
            if (!ok) err_within(err, "version %" PRIu64, next + i);
            table->version = next + i;
        }
        delta_fetched_deinit(fetched, count);
        if (!ok) return false;
    }
}

/* From one checkpoint, or from version 0 (NULL). */
static bool replay(struct delta_table *table, const struct delta_listing *listing, const struct delta_log_name *name,
                   struct err *err)
{
    table_reset(table);
    *err = (struct err){ 0 };
    bool ok =
        name == NULL || checkpoint_load(table, name, err) || err_within(err, "checkpoint %" PRIu64, name->version);
    ok = ok && tail_read(table, listing, err);
    if (!ok) delta_feature_blame(&table->state, err);
    return ok;
}

/* From version 0 by JSON, when no checkpoint would do. */
static bool replay_commits(struct delta_table *table, const struct delta_listing *listing, bool can_read,
                           struct err *err)
{
    uint64_t first = DELTA_VERSION_NONE;
    for (size_t at = 0; at < listing->count && first == DELTA_VERSION_NONE; at++) {
        if (listing->entries[at].name.kind == DELTA_LOG_COMMIT) first = listing->entries[at].name.version;
    }
    if (first == 0) {
        if (!replay(table, listing, NULL, err)) return false;
        /* Those that cannot be read here are good for others, so the next one is not due yet. */
        for (size_t at = 0; !can_read && at < listing->count; at++) {
            if (delta_listing_checkpoint_ends(listing, at))
                table->checkpoint_version = listing->entries[at].name.version;
        }
        return true;
    }
    if (err->code != ERR_OK) return false; /* what the last checkpoint said */
    if (listing->has_v2) return err_set(err, ERR_UNSUPPORTED, "the Delta table has v2Checkpoint");
    if (listing->checkpoint_count == 0 && first != DELTA_VERSION_NONE)
        return err_set(err, ERR_CORRUPT, "the log has a hole: it begins at version %" PRIu64, first);
    if (can_read) return err_set(err, ERR_CORRUPT, "the log has no commits and no complete checkpoint");
    return err_set(err, ERR_UNSUPPORTED, "the log begins with a checkpoint, and checkpoints cannot be read here");
}

static bool replay_any(struct delta_table *table, const struct delta_listing *listing, bool is_whole, struct err *err)
{
    bool can_read = table->options.checkpoint_reader.read != NULL;
    for (size_t at = can_read ? listing->count : 0; at-- > 0;) {
        if (!delta_listing_checkpoint_ends(listing, at)) continue;
        if (replay(table, listing, &listing->entries[at].name, err)) return true;
        if (err->code == ERR_UNSUPPORTED) return false;
        log_warn(table->options.log, "delta.replay_failed", log_text("table", table->prefix),
                 log_text("err", err->text));
        if (!is_whole) return false; /* the whole listing may know an older way */
    }
    if (!is_whole) return err_set(err, ERR_NOT_FOUND, "no checkpoint where _last_checkpoint says");
    return replay_commits(table, listing, can_read, err);
}

bool delta_read_all(struct delta_table *table, bool *exists, struct err *err)
{
    *exists = true;
    if (table->options.commit_store && !commit_store_recover(table->options.commit_store, err)) return false;
    struct delta_listing listing;
    uint64_t from = table->options.checkpoint_reader.read ? delta_last_checkpoint(table) : DELTA_VERSION_NONE;
    bool ok = false;
    if (from != DELTA_VERSION_NONE) {
        ok = delta_listing_read(table, from, &listing, err) && replay_any(table, &listing, false, err);
        delta_listing_deinit(&listing);
        if (!ok && (err->code == ERR_UNSUPPORTED || err->code == ERR_IO)) return false;
    }
    if (!ok) {
        *err = (struct err){ 0 };
        if (!delta_listing_read(table, DELTA_VERSION_NONE, &listing, err)) {
            delta_listing_deinit(&listing);
            return false;
        }
        *exists = listing.count > 0;
        ok = !*exists || replay_any(table, &listing, true, err);
        delta_listing_deinit(&listing);
    }
    if (!ok || !*exists) return ok;
    if (!delta_state_check(table, &table->state, err)) return false;
    table->looked_unix_ms = clock_unix_us() / 1000;
    delta_catalog_publish(&table->catalog, table->version);
    return true;
}
