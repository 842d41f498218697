/* delta_commit.c -- a commit: one put-if-absent, and what to do when it is lost.
 *
 *   check (removes live, txns as they were) --> put at version + 1 --> taken in
 *     '---- read what the winners did <---- the version is taken '
 *
 * Conflicts are those of Delta's optimistic concurrency: a change says what it stands on (files that it removes, txns), and
 * nothing else that winners do matters; what they do to protocol and metaData is checked when it is read. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "timefusion/delta/commit_store.h"
#include "timefusion/delta/delta_lines.h"

enum {
    COMMIT_ATTEMPTS_MAX = 100,
    FILES_PER_COMMIT = 500, /* of a checkpoint, so that a commit's share of it stays small */
    BACKOFF_MS_MAX = 400,
};

struct commit {
    const struct delta_change *change;
    int64_t now_unix_ms;
    uint64_t identity; /* of the change: the same call again has the same */
    struct buf lines;  /* adds and txns; then removes and commitInfo of this attempt */
    char **stats;      /* of each add */
};

static bool too_large(const struct commit *commit, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "a commit of %u files is too large",
                   commit->change->add_count + commit->change->remove_count);
}

static bool commit_build(struct commit *commit, struct err *err)
{
    const struct delta_change *change = commit->change;
    bool ok = true;
    struct buf stats;
    buf_init(&stats, 1024 * 1024);
    for (uint32_t i = 0; ok && i < change->add_count; i++) {
        stats.len = 0;
        ok = delta_put_stats(&stats, change->adds[i].footer);
        if (!ok) break;
        commit->stats[i] = bytes_to_text(buf_bytes(&stats));
        ok =
            delta_put_add(&commit->lines, &change->adds[i], commit->stats[i], change->data_change, commit->now_unix_ms);
    }
    buf_deinit(&stats);
    for (uint32_t i = 0; ok && i < change->txn_count; i++)
        ok = delta_put_txn(&commit->lines, &change->txns[i], commit->now_unix_ms);
    return ok || too_large(commit, err);
}

static uint64_t change_identity(const struct delta_change *change)
{
    uint64_t identity = change->add_count + ((uint64_t)change->remove_count << 32);
    for (uint32_t i = 0; i < change->add_count; i++) identity ^= hash64_of(bytes_of_text(change->adds[i].path));
    for (uint32_t i = 0; i < change->remove_count; i++) identity += hash64_of(bytes_of_text(change->removes[i]));
    for (uint32_t i = 0; i < change->txn_count; i++)
        identity += hash64_of(bytes_of_text(change->txns[i].app_id)) ^ change->txns[i].version_after;
    if (change->operation) identity += hash64_of(bytes_of_text(change->operation));
    return identity ? identity : 1;
}

/* Is all of it in the table already? So when an earlier try failed after its put had worked. What gives no file cannot be
 * told by what is there, for others may have made the same change: only the bytes of the log can (table->settled). */
static bool commit_is_in(const struct delta_table *table, const struct commit *commit)
{
    const struct delta_change *change = commit->change;
    if (table->settled == commit->identity) return true;
    if (change->add_count == 0) return false;
    for (uint32_t i = 0; i < change->add_count; i++) {
        if (!delta_catalog_find(&table->catalog, change->adds[i].path)) return false;
    }
    for (uint32_t i = 0; i < change->remove_count; i++) {
        if (delta_catalog_find(&table->catalog, change->removes[i])) return false;
    }
    for (uint32_t i = 0; i < change->txn_count; i++) {
        const struct delta_txn_change *txn = &change->txns[i];
        if (delta_catalog_txn_version(&table->catalog, txn->app_id) != (int64_t)txn->version_after) return false;
    }
    return true;
}

/* Does what the change stands on still hold? */
static bool commit_check(const struct delta_table *table, const struct commit *commit, struct err *err)
{
    const struct delta_change *change = commit->change;
    for (uint32_t i = 0; i < change->txn_count; i++) {
        const struct delta_txn_change *txn = &change->txns[i];
        int64_t version = delta_catalog_txn_version(&table->catalog, txn->app_id);
        if (version == txn->version_before) continue;
        return err_set(err, ERR_CONFLICT, "\"%.80s\" is at %" PRId64 " in Delta table \"%s\", not at %" PRId64,
                       txn->app_id, version, table->prefix, txn->version_before);
    }
    for (uint32_t i = 0; i < change->remove_count; i++) {
        if (delta_catalog_find(&table->catalog, change->removes[i])) continue;
        return err_set(err, ERR_CONFLICT, "file \"%.150s\" is no longer in Delta table \"%s\"", change->removes[i],
                       table->prefix);
    }
    if (change->remove_count > 0 && change->data_change && delta_state_is_set(&table->state, "delta.appendOnly"))
        return err_set(err, ERR_UNSUPPORTED, "rows cannot be removed from Delta table \"%s\": delta.appendOnly is set",
                       table->prefix);
    return true;
}

/* What depends on the table as it is: removes say what they remove, commitInfo what it all amounts to. */
static bool attempt_build(const struct delta_table *table, struct commit *commit, size_t lines_len,
                          uint64_t read_version, struct err *err)
{
    const struct delta_change *change = commit->change;
    struct delta_commit_info info = {
        .operation = change->operation,
        .parameters_json = change->parameters_json,
        .metrics_json = change->metrics_json,
        .read_version = read_version,
        .added_count = change->add_count,
        .removed_count = change->remove_count,
        .is_blind_append = change->remove_count == 0 && change->data_change,
        .now_unix_ms = commit->now_unix_ms,
    };
    bool ok = true;
    commit->lines.len = lines_len;
    for (uint32_t i = 0; i < change->add_count; i++) {
        info.added_rows += change->adds[i].footer->row_count;
        info.added_bytes += change->adds[i].bytes;
    }
    for (uint32_t i = 0; ok && i < change->remove_count; i++) {
        const struct delta_file *file = delta_catalog_find(&table->catalog, change->removes[i]);
        info.removed_bytes += file->bytes;
        if (info.removed_rows != DELTA_ROWS_UNKNOWN)
            info.removed_rows =
                file->row_count == DELTA_ROWS_UNKNOWN ? DELTA_ROWS_UNKNOWN : info.removed_rows + file->row_count;
        ok = delta_put_remove(&commit->lines, file, change->data_change, commit->now_unix_ms);
    }
    return (ok && delta_put_commit_info(&commit->lines, &info)) || too_large(commit, err);
}

static void commit_take_in(struct delta_table *table, const struct commit *commit)
{
    const struct delta_change *change = commit->change;
    for (uint32_t i = 0; i < change->remove_count; i++)
        delta_catalog_remove(&table->catalog,
                             &(struct delta_tombstone){ .removed = { change->removes[i], commit->now_unix_ms, 0 },
                                                        .data_change = change->data_change });
    for (uint32_t i = 0; i < change->add_count; i++) {
        const struct delta_add *add = &change->adds[i];
        const struct parquet_column_stats *time = &add->footer->file_columns[table->options.table->timestamp];
        delta_catalog_add(&table->catalog,
                          &(struct delta_file){
                              .path = add->path,
                              .project_id = add->project_id,
                              .day = add->day,
                              .bytes = add->bytes,
                              .row_count = add->footer->row_count,
                              .timestamp_min_us = time->has_min_max ? time->min.integer : INT64_MIN,
                              .timestamp_max_us = time->has_min_max ? time->max.integer : INT64_MAX,
                              .modified_unix_ms = commit->now_unix_ms,
                          },
                          commit->stats[i]);
    }
    for (uint32_t i = 0; i < change->txn_count; i++)
        delta_catalog_txn(&table->catalog, change->txns[i].app_id, change->txns[i].version_after, commit->now_unix_ms);
    table->version++;
    table->looked_unix_ms = commit->now_unix_ms;
    delta_catalog_publish(&table->catalog, table->version);
}

/* Whose is the version that was found taken? A put of ours whose answer was lost is as good as answered. */
static bool version_is_ours(struct delta_table *table, struct bytes lines, bool *is_ours, struct err *err)
{
    struct buf there;
    buf_init(&there, DELTA_COMMIT_BYTES_MAX);
    bool ok = delta_commit_get(table, table->version + 1, &there, err);
    *is_ours = ok && bytes_equal(buf_bytes(&there), lines);
    if (ok && table->is_uncertain) {
        if (hash64_of(buf_bytes(&there)) == table->uncertain.lines_hash) table->settled = table->uncertain.identity;
        table->is_uncertain = false; /* the put that found the name taken has also made it durable */
    }
    buf_deinit(&there);
    return ok;
}

/* The first put that may have worked is the one to look for. */
static void uncertain_note(struct delta_table *table, struct bytes lines, uint64_t identity)
{
    if (table->is_uncertain) return;
    table->is_uncertain = true;
    table->uncertain.lines_hash = hash64_of(lines);
    table->uncertain.identity = identity;
}

bool delta_version_put(struct delta_table *table, struct bytes lines, uint64_t identity, bool *lost, struct err *err)
{
    char key[DELTA_KEY_BYTES];
    bool is_ours = false;
    delta_commit_key(table, table->version + 1, key);
    *lost = false;
    struct commit_store *commits = table->options.commit_store;
    if (commits ? commit_store_put(commits, table->version + 1, lines, err)
                : object_put_if_absent(table->options.store, key, lines, err)) {
        table->is_uncertain = false;
        return true;
    }
    if (err->code == ERR_EXISTS) {
        *err = (struct err){ 0 };
        if (version_is_ours(table, lines, &is_ours, err)) {
            *lost = !is_ours;
            return is_ours;
        }
    }
    uncertain_note(table, lines, identity);
    return false;
}

bool delta_winners_read(struct delta_table *table, struct err *err)
{
    uint32_t commit_count;
    uint64_t lost = table->version + 1;
    *err = (struct err){ 0 };
    if (!delta_read_new(table, &commit_count, err)) return false;
    if (commit_count > 0) return true;
    return err_set(err, ERR_IO, "version %" PRIu64 " of Delta table \"%s\" is there, but could not be found", lost,
                   table->prefix);
}

/* Writers that lost together must not try together. The first two tries follow at once. */
static void backoff(uint32_t attempt)
{
    if (attempt < 2) return;
    uint32_t bound = attempt < 8 ? 3u << attempt : BACKOFF_MS_MAX;
    struct uuid random = uuid_random();
    uint32_t number = (uint32_t)random.bytes[0] << 8 | random.bytes[1];
    clock_sleep_ms(number % ((bound < BACKOFF_MS_MAX ? bound : BACKOFF_MS_MAX) + 1));
}

static bool commit_run(struct delta_table *table, struct commit *commit, bool *was_in, struct err *err)
{
    *was_in = false;
    size_t lines_len = commit->lines.len;
    uint64_t read_version = table->version;
    uint32_t seen_count;
    if (!table->is_uncertain && commit->now_unix_ms - table->looked_unix_ms > DELTA_LOOK_MS_MAX &&
        !delta_read_new(table, &seen_count, err))
        return false;
    for (uint32_t attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
        if (commit_is_in(table, commit)) {
            *was_in = true;
            return true;
        }
        if (!commit_check(table, commit, err)) {
            /* Other writers may have been seen by the caller, through another table handle, before us. */
            uint32_t commit_count = 0;
            struct err read_err = { 0 };
            if (table->is_uncertain || attempt > 0 || err->code != ERR_CONFLICT) return false;
            if (!delta_read_new(table, &commit_count, &read_err)) {
                *err = read_err;
                return false;
            }
            if (commit_count == 0) return false;
            *err = (struct err){ 0 };
            continue;
        }
        if (!attempt_build(table, commit, lines_len, read_version, err)) return false;
        fail_point("delta.before_commit");
        bool lost;
        if (delta_version_put(table, buf_bytes(&commit->lines), commit->identity, &lost, err)) {
            fail_point("delta.after_commit");
            return true;
        }
        if (!lost || !delta_winners_read(table, err)) return false;
        backoff(attempt);
    }
    return err_set(err, ERR_BUSY, "could not commit to Delta table \"%s\": other writers were faster %d times",
                   table->prefix, COMMIT_ATTEMPTS_MAX);
}

/* Every so many commits, and for a large table every so many more: writing one costs a row a file. Of several writers it
 * is the one whose commit has the round number; who comes later does it only when nobody did. */
static bool checkpoint_is_due(const struct delta_table *table)
{
    uint64_t by_size = table->catalog.live.used / FILES_PER_COMMIT, behind = table->version - table->checkpoint_version;
    uint64_t interval = table->options.checkpoint_every;
    if (interval == 0) return false;
    interval = delta_state_count(&table->state, "delta.checkpointInterval", interval);
    if (interval < by_size) interval = by_size;
    return behind >= interval && (table->version % interval == 0 || behind >= 2 * interval);
}

static void checkpoint_maybe(struct delta_table *table)
{
    struct err err = { 0 };
    if (!checkpoint_is_due(table)) return;
    uint64_t others = delta_last_checkpoint(table);
    if (others != DELTA_VERSION_NONE && others > table->checkpoint_version && others <= table->version) {
        table->checkpoint_version = others;
        if (!checkpoint_is_due(table)) return;
    }
    if (delta_checkpoint_write(table, &err)) {
        table->checkpoint_version = table->version;
        return;
    }
    /* The commit stands without it; the next one tries again. */
    log_warn(table->options.log, "delta.checkpoint_failed", log_text("table", table->prefix),
             log_number("version", (int64_t)table->version), log_text("err", err.text));
}

static void change_assert(const struct delta_table *table, const struct delta_change *change)
{
    assert(change->add_count + change->remove_count + change->txn_count > 0 || change->operation != NULL);
    for (uint32_t i = 0; i < change->add_count; i++) {
        const struct delta_add *add = &change->adds[i];
        assert(object_key_is_valid(add->path) && strlen(add->path) <= DELTA_PATH_BYTES_MAX);
        assert(add->footer != NULL && add->footer->table == table->options.table);
    }
    for (uint32_t i = 0; i < change->txn_count; i++) assert(change->txns[i].version_after <= INT64_MAX);
}

bool delta_commit(struct delta_table *table, const struct delta_change *change, uint64_t *version, struct err *err)
{
    change_assert(table, change);
    struct commit commit = { .change = change,
                             .now_unix_ms = clock_unix_us() / 1000,
                             .identity = change_identity(change),
                             .stats = mem_calloc(change->add_count + 1, sizeof *commit.stats) };
    buf_init(&commit.lines, DELTA_COMMIT_BYTES_MAX);
    bool was_in = false, ok = commit_build(&commit, err);
    if (ok) {
        pthread_mutex_lock(&table->lock);
        ok = commit_run(table, &commit, &was_in, err);
        if (ok && table->settled == commit.identity) table->settled = 0;
        if (ok && !was_in) {
            commit_take_in(table, &commit);
            checkpoint_maybe(table);
        }
        *version = table->version;
        pthread_mutex_unlock(&table->lock);
    }
    for (uint32_t i = 0; i < change->add_count; i++) free(commit.stats[i]);
    free(commit.stats);
    buf_deinit(&commit.lines);
    return ok;
}

bool delta_refresh(struct delta_table *table, struct err *err)
{
    uint32_t commit_count;
    pthread_mutex_lock(&table->lock);
    /* While a put of ours may or may not have happened, its commit must not be shown: it may not survive a power cut. */
    bool ok = table->is_uncertain || delta_read_new(table, &commit_count, err);
    pthread_mutex_unlock(&table->lock);
    return ok;
}

struct delta_snapshot *delta_snapshot_acquire(struct delta_table *table)
{
    return delta_catalog_acquire(&table->catalog);
}

void delta_removed_each(struct delta_table *table, bool (*each)(void *ctx, const struct delta_removed *removed),
                        void *ctx)
{
    struct arena arena;
    uint32_t slot = 0, count = 0;
    arena_init(&arena, 0);
    pthread_mutex_lock(&table->lock);
    struct delta_removed *copies = mem_alloc((table->catalog.removed.used + 1) * sizeof *copies);
    for (const struct delta_tombstone *at; (at = delta_catalog_removed_next(&table->catalog, &slot)) != NULL;) {
        copies[count] = at->removed;
        copies[count++].path = arena_printf(&arena, "%s", at->removed.path);
    }
    pthread_mutex_unlock(&table->lock);
    for (uint32_t i = 0; i < count && each(ctx, &copies[i]); i++) continue;
    free(copies);
    arena_deinit(&arena);
}
