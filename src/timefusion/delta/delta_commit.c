/* delta_commit.c -- open, create, commit: one put-if-absent each, and what to do when it is lost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/delta/delta_table.h"

enum {
    COMMIT_ATTEMPTS_MAX = 100,
    FILES_PER_COMMIT = 500, /* of a checkpoint, so that a commit's share of it stays small */
};
#define ENGINE_INFO "monoscope/" MONO_VERSION

/* -- lines ------------------------------------------------------------------------------------------------------ */

static bool protocol_put(struct buf *buf)
{
    return buf_printf(buf, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n", DELTA_READER_VERSION,
                      DELTA_WRITER_VERSION);
}

static bool member_put(struct buf *buf, const char *key, const char *text)
{
    return text == NULL || (buf_printf(buf, ",\"%s\":", key) && delta_put_json_text(buf, bytes_of_text(text)));
}

static bool metadata_put(struct buf *buf, const struct delta_state *state)
{
    return buf_printf(buf, "{\"metaData\":{\"format\":{\"provider\":\"parquet\",\"options\":{}}") &&
           member_put(buf, "id", state->id) && member_put(buf, "name", state->name) &&
           member_put(buf, "description", state->description) && member_put(buf, "schemaString", state->schema) &&
           buf_printf(buf, ",\"partitionColumns\":%s,\"configuration\":", state->partition_columns) &&
           buf_add(buf, state->configuration, strlen(state->configuration)) &&
           (state->created_unix_ms < 0 || buf_printf(buf, ",\"createdTime\":%" PRId64, state->created_unix_ms)) &&
           buf_printf(buf, "}}\n");
}

static bool add_put(struct buf *buf, const struct delta_add *add, const char *stats, int64_t now_unix_ms)
{
    char project[UUID_TEXT_BYTES + 1], date[16];
    uuid_to_text(add->project_id, project);
    delta_date_text(add->day, date);
    return buf_printf(buf, "{\"add\":{\"path\":") && delta_put_path(buf, add->path) &&
           buf_printf(buf,
                      ",\"partitionValues\":{\"project_id\":\"%s\",\"date\":\"%s\"},\"size\":%" PRIu64
                      ",\"modificationTime\":%" PRId64 ",\"dataChange\":true,\"stats\":",
                      project, date, add->bytes, now_unix_ms) &&
           delta_put_json_text(buf, bytes_of_text(stats)) && buf_printf(buf, "}}\n");
}

static bool txn_put(struct buf *buf, const struct delta_txn_change *txn, int64_t now_unix_ms)
{
    return buf_printf(buf, "{\"txn\":{\"appId\":") && delta_put_json_text(buf, bytes_of_text(txn->app_id)) &&
           buf_printf(buf, ",\"version\":%" PRIu64 ",\"lastUpdated\":%" PRId64 "}}\n", txn->version_after, now_unix_ms);
}

static bool commit_info_put(struct buf *buf, const char *operation, uint64_t version, const struct delta_add *adds,
                            uint32_t add_count, int64_t now_unix_ms)
{
    uint64_t rows = 0, bytes = 0;
    char id[UUID_TEXT_BYTES + 1];
    for (uint32_t i = 0; i < add_count; i++) rows += adds[i].footer->row_count, bytes += adds[i].bytes;
    uuid_to_text(uuid_random(), id);
    return buf_printf(buf,
                      "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":\"%s\",\"operationParameters\":{%s}",
                      now_unix_ms, operation,
                      add_count == 0 ? ""
                                     : "\"mode\":\"Append\",\"partitionBy\":\"[\\\"project_id\\\",\\\"date\\\"]\"") &&
           (version == 0 || buf_printf(buf, ",\"readVersion\":%" PRIu64, version - 1)) &&
           buf_printf(buf,
                      ",\"isBlindAppend\":true,\"operationMetrics\":{\"numFiles\":\"%u\",\"numOutputRows\":\"%" PRIu64
                      "\",\"numOutputBytes\":\"%" PRIu64 "\"},\"engineInfo\":\"" ENGINE_INFO "\",\"txnId\":\"%s\"}}\n",
                      add_count, rows, bytes, id);
}

/* -- commit ----------------------------------------------------------------------------------------------------- */

struct commit {
    const struct delta_add *adds;
    const struct delta_txn_change *txns;
    uint32_t add_count, txn_count;
    int64_t now_unix_ms;
    struct buf lines; /* all but commitInfo, then that */
    char **stats;     /* of each add */
};

static bool commit_build(struct commit *commit, struct err *err)
{
    bool ok = true;
    struct buf stats;
    buf_init(&stats, 1024 * 1024);
    for (uint32_t i = 0; ok && i < commit->add_count; i++) {
        stats.len = 0;
        ok = delta_put_stats(&stats, commit->adds[i].footer);
        if (!ok) break;
        commit->stats[i] = bytes_to_text(buf_bytes(&stats));
        ok = add_put(&commit->lines, &commit->adds[i], commit->stats[i], commit->now_unix_ms);
    }
    buf_deinit(&stats);
    for (uint32_t i = 0; ok && i < commit->txn_count; i++)
        ok = txn_put(&commit->lines, &commit->txns[i], commit->now_unix_ms);
    return ok || err_set(err, ERR_TOO_LARGE, "a commit of %u files is too large", commit->add_count);
}

/* Is all of it in the table already? So when an earlier try failed after its put had worked. */
static bool commit_is_in(const struct delta_table *table, const struct commit *commit)
{
    for (uint32_t i = 0; i < commit->add_count; i++) {
        if (!delta_catalog_has(&table->catalog, commit->adds[i].path)) return false;
    }
    for (uint32_t i = 0; i < commit->txn_count; i++) {
        const struct delta_txn_change *txn = &commit->txns[i];
        if (delta_catalog_txn_version(&table->catalog, txn->app_id) != (int64_t)txn->version_after) return false;
    }
    return true;
}

static bool txns_check(const struct delta_table *table, const struct commit *commit, struct err *err)
{
    for (uint32_t i = 0; i < commit->txn_count; i++) {
        const struct delta_txn_change *txn = &commit->txns[i];
        int64_t version = delta_catalog_txn_version(&table->catalog, txn->app_id);
        if (version == txn->version_before) continue;
        return err_set(err, ERR_CONFLICT, "\"%.80s\" is at %" PRId64 " in Delta table \"%s\", not at %" PRId64,
                       txn->app_id, version, table->prefix, txn->version_before);
    }
    return true;
}

static void commit_take_in(struct delta_table *table, const struct commit *commit)
{
    for (uint32_t i = 0; i < commit->add_count; i++) {
        const struct delta_add *add = &commit->adds[i];
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
    for (uint32_t i = 0; i < commit->txn_count; i++)
        delta_catalog_txn(&table->catalog, commit->txns[i].app_id, commit->txns[i].version_after, commit->now_unix_ms);
    table->version++;
    delta_catalog_publish(&table->catalog, table->version);
}

/* Puts the lines at the next version. *lost: someone else has that version. */
static bool version_put(struct delta_table *table, struct bytes lines, bool *lost, struct err *err)
{
    char key[DELTA_KEY_BYTES];
    delta_commit_key(table, table->version + 1, key);
    *lost = false;
    if (object_put_if_absent(table->options.store, key, lines, err)) return true;
    *lost = err->code == ERR_EXISTS;
    if (!*lost) table->is_uncertain = true;
    return false;
}

/* After a lost race: what did the winners do? */
static bool winners_read(struct delta_table *table, struct err *err)
{
    uint32_t commit_count;
    uint64_t lost = table->version + 1;
    *err = (struct err){ 0 };
    if (!delta_read_new(table, &commit_count, err)) return false;
    table->is_uncertain = false; /* the put that found the name taken has also made it durable */
    if (commit_count > 0) return true;
    return err_set(err, ERR_IO, "version %" PRIu64 " of Delta table \"%s\" is there, but could not be found", lost,
                   table->prefix);
}

static bool commit_run(struct delta_table *table, struct commit *commit, bool *was_in, struct err *err)
{
    *was_in = false;
    size_t actions_len = commit->lines.len;
    for (uint32_t attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
        if (commit_is_in(table, commit)) {
            *was_in = true;
            return true;
        }
        if (!txns_check(table, commit, err)) {
            /* Other writers may have been seen by the caller, through another table handle, before us. */
            uint32_t commit_count = 0;
            struct err read_err = { 0 };
            if (table->is_uncertain || attempt > 0) return false;
            if (!delta_read_new(table, &commit_count, &read_err)) {
                *err = read_err;
                return false;
            }
            if (commit_count == 0) return false;
            *err = (struct err){ 0 };
            continue;
        }
        commit->lines.len = actions_len;
        if (!commit_info_put(&commit->lines, "WRITE", table->version + 1, commit->adds, commit->add_count,
                             commit->now_unix_ms))
            return err_set(err, ERR_TOO_LARGE, "a commit of %u files is too large", commit->add_count);
        fail_point("delta.before_commit");
        bool lost;
        if (version_put(table, buf_bytes(&commit->lines), &lost, err)) {
            fail_point("delta.after_commit");
            return true;
        }
        if (!lost || !winners_read(table, err)) return false;
    }
    return err_set(err, ERR_BUSY, "could not commit to Delta table \"%s\": other writers were faster %d times",
                   table->prefix, COMMIT_ATTEMPTS_MAX);
}

/* Every so many commits, and for a large table every so many more: writing one costs a row a file. */
static bool checkpoint_is_due(const struct delta_table *table)
{
    uint64_t interval = table->options.checkpoint_every, by_size = table->catalog.live.used / FILES_PER_COMMIT;
    if (interval == 0) return false;
    return table->version - table->checkpoint_version >= (interval > by_size ? interval : by_size);
}

static void checkpoint_maybe(struct delta_table *table)
{
    struct err err = { 0 };
    if (!checkpoint_is_due(table)) return;
    if (delta_checkpoint_write(table, &err)) {
        table->checkpoint_version = table->version;
        return;
    }
    /* The commit stands without it; the next one tries again. */
    log_warn(table->options.log, "delta.checkpoint_failed", log_text("table", table->prefix),
             log_number("version", (int64_t)table->version), log_text("err", err.text));
}

bool delta_commit(struct delta_table *table, const struct delta_add *adds, uint32_t add_count,
                  const struct delta_txn_change *txns, uint32_t txn_count, uint64_t *version, struct err *err)
{
    assert(add_count + txn_count > 0);
    for (uint32_t i = 0; i < add_count; i++) {
        assert(object_key_is_valid(adds[i].path) && strlen(adds[i].path) <= DELTA_PATH_BYTES_MAX);
        assert(adds[i].footer != NULL && adds[i].footer->table == table->options.table);
    }
    for (uint32_t i = 0; i < txn_count; i++) assert(txns[i].version_after <= INT64_MAX);
    struct commit commit = { .adds = adds,
                             .txns = txns,
                             .add_count = add_count,
                             .txn_count = txn_count,
                             .now_unix_ms = clock_unix_us() / 1000,
                             .stats = mem_calloc(add_count + 1, sizeof *commit.stats) };
    buf_init(&commit.lines, DELTA_COMMIT_BYTES_MAX);
    bool was_in = false, ok = commit_build(&commit, err);
    if (ok) {
        pthread_mutex_lock(&table->lock);
        ok = commit_run(table, &commit, &was_in, err);
        if (ok && !was_in) {
            table->is_uncertain = false;
            commit_take_in(table, &commit);
            checkpoint_maybe(table);
        }
        *version = table->version;
        pthread_mutex_unlock(&table->lock);
    }
    for (uint32_t i = 0; i < add_count; i++) free(commit.stats[i]);
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

/* -- life ------------------------------------------------------------------------------------------------------- */

static bool state_commit(struct delta_table *table, const struct delta_state *state, const char *operation,
                         bool with_protocol, bool *lost, struct err *err)
{
    struct buf lines;
    buf_init(&lines, DELTA_COMMIT_BYTES_MAX);
    bool ok = (!with_protocol || protocol_put(&lines)) && metadata_put(&lines, state) &&
              commit_info_put(&lines, operation, table->version + 1, NULL, 0, clock_unix_us() / 1000);
    ok = ok || err_set(err, ERR_TOO_LARGE, "the schema of Delta table \"%s\" is too large", table->prefix);
    *lost = false;
    ok = ok && version_put(table, buf_bytes(&lines), lost, err);
    buf_deinit(&lines);
    return ok;
}

/* Version 0. Losing the race to make it is fine. */
static bool table_create(struct delta_table *table, struct err *err)
{
    char id[UUID_TEXT_BYTES + 1];
    struct buf schema;
    bool lost = false;
    uuid_to_text(uuid_random(), id);
    buf_init(&schema, 1024 * 1024);
    if (!delta_put_schema(&schema, table->options.table)) return err_set(err, ERR_TOO_LARGE, "too many columns");
    char *schema_text = bytes_to_text(buf_bytes(&schema));
    struct delta_state state = {
        .id = id,
        .schema = schema_text,
        .partition_columns = (char[]){ DELTA_PARTITION_COLUMNS },
        .name = (char *)(uintptr_t)table->options.table->name,
        .configuration = (char[]){ "{}" },
        .created_unix_ms = clock_unix_us() / 1000,
    };
    assert(table->version == DELTA_VERSION_NONE);
    bool ok = state_commit(table, &state, "CREATE TABLE", true, &lost, err) || lost;
    free(schema_text);
    buf_deinit(&schema);
    return ok;
}

/* Our columns that the table does not have yet, behind its own. */
static bool table_widen(struct delta_table *table, struct err *err)
{
    struct buf merged;
    bool is_older = false, lost = false;
    buf_init(&merged, DELTA_COMMIT_BYTES_MAX);
    bool ok = delta_schema_check(table->state.schema, table->options.table, &is_older, &merged, err);
    if (ok && is_older) {
        char *schema = bytes_to_text(buf_bytes(&merged));
        struct delta_state wider = table->state;
        wider.schema = schema;
        ok = state_commit(table, &wider, "ADD COLUMNS", false, &lost, err) || lost;
        free(schema);
        if (ok) ok = winners_read(table, err) && (!lost || table_widen(table, err));
    }
    buf_deinit(&merged);
    return ok;
}

bool delta_open(struct delta_table **out, const struct delta_options *options, struct err *err)
{
    *out = NULL;
    if (!object_key_is_valid(options->prefix) ||
        strlen(options->prefix) > OBJECT_KEY_BYTES_MAX - DELTA_PATH_BYTES_MAX - 1)
        return err_set(err, ERR_INPUT, "\"%.100s\" cannot be the folder of a Delta table", options->prefix);
    struct delta_table *table = mem_calloc(1, sizeof *table);
    pthread_mutex_init(&table->lock, NULL);
    table->options = *options;
    table->options.prefix = table->prefix = mem_strdup(options->prefix);
    table->version = DELTA_VERSION_NONE;
    delta_catalog_init(&table->catalog, table->options.table);
    bool exists = false;
    bool ok = delta_read_all(table, &exists, err);
    if (ok && !exists) ok = table_create(table, err) && delta_read_all(table, &exists, err);
    if (ok && !exists) ok = err_set(err, ERR_IO, "could not find the log just written");
    ok = ok && table_widen(table, err);
    if (!ok) {
        err_within(err, "open Delta table \"%s\"", options->prefix);
        delta_close(table);
        return false;
    }
    *out = table;
    return true;
}

void delta_close(struct delta_table *table)
{
    if (table == NULL) return;
    delta_catalog_deinit(&table->catalog);
    delta_state_deinit(&table->state);
    pthread_mutex_destroy(&table->lock);
    free(table->prefix);
    free(table);
}
