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

#include "timefusion/delta/delta_table.h"

enum {
    VERSION_DIGITS = 20,
    LISTING_BLOCK = 1000, /* versions whose names share all but three digits */
    CHECKPOINT_PARTS_MAX = 10000,
};

/* -- state ------------------------------------------------------------------------------------------------------ */

void delta_state_deinit(struct delta_state *state)
{
    free(state->reader_features);
    free(state->writer_features);
    free(state->id);
    free(state->name);
    free(state->description);
    free(state->schema);
    free(state->partition_columns);
    free(state->configuration);
    *state = (struct delta_state){ 0 };
}

static char *text_copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static void text_replace(char **to, const char *from)
{
    free(*to);
    *to = text_copy(from);
}

static struct delta_state state_copy(const struct delta_state *from)
{
    struct delta_state to = *from;
    to.reader_features = text_copy(from->reader_features);
    to.writer_features = text_copy(from->writer_features);
    to.id = text_copy(from->id);
    to.name = text_copy(from->name);
    to.description = text_copy(from->description);
    to.schema = text_copy(from->schema);
    to.partition_columns = text_copy(from->partition_columns);
    to.configuration = text_copy(from->configuration);
    return to;
}

static const char *const writer_version_features[] = {
    /* PROTOCOL.md, "Writer Version Requirements" */
    [3] = "checkConstraints",
    [4] = "changeDataFeed or generatedColumns",
    [5] = "columnMapping",
    [6] = "identityColumns",
};

/* The first feature in the JSON list that is not among known, or NULL. Copied to name. */
static const char *feature_unknown(const char *list, const char *const *known, char name[64])
{
    if (list == NULL) return NULL;
    yyjson_doc *doc = yyjson_read(list, strlen(list), 0);
    const char *unknown = NULL;
    size_t i, count;
    yyjson_val *feature;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, feature)
    {
        bool is_known = false;
        for (const char *const *at = known; *at; at++) is_known = is_known || yyjson_equals_str(feature, *at);
        if (is_known) continue;
        snprintf(name, 64, "%s", yyjson_get_str(feature) ? yyjson_get_str(feature) : "?");
        unknown = name;
        break;
    }
    yyjson_doc_free(doc);
    return unknown;
}

static bool protocol_check(const struct delta_state *state, struct err *err)
{
    static const char *const reader_known[] = { NULL };
    static const char *const writer_known[] = { "appendOnly", "invariants",
                                                NULL }; /* invariants: see delta_schema_check */
    char name[64];
    if (state->reader == 2)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table has columnMapping (reader version 2)");
    if (state->reader > 3)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table needs reader version %d", state->reader);
    if (state->reader == 3 && feature_unknown(state->reader_features, reader_known, name))
        return err_set(err, ERR_UNSUPPORTED, "the Delta table has %s", name);
    if (state->writer >= 3 && state->writer <= 6)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table has %s (writer version %d)",
                       writer_version_features[state->writer], state->writer);
    if (state->writer > 7)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table needs writer version %d", state->writer);
    if (state->writer == 7 && feature_unknown(state->writer_features, writer_known, name))
        return err_set(err, ERR_UNSUPPORTED, "the Delta table has %s", name);
    return true;
}

/* Actions of a feature that we do not have may look damaged to us: then the feature's name is the better answer. */
static void feature_blame(const struct delta_state *state, struct err *err)
{
    struct err better = { 0 };
    if (err->code == ERR_CORRUPT && state->reader != 0 && !protocol_check(state, &better)) *err = better;
}

bool delta_state_check(const struct delta_table *table, const struct delta_state *state, struct err *err)
{
    if (state->reader == 0) return err_set(err, ERR_CORRUPT, "the Delta log has no protocol");
    if (!protocol_check(state, err)) return false;
    if (state->schema == NULL) return err_set(err, ERR_CORRUPT, "the Delta log has no metaData");
    if (strcmp(state->partition_columns, DELTA_PARTITION_COLUMNS) != 0)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table is partitioned by %.80s, not by " DELTA_PARTITION_COLUMNS,
                       state->partition_columns);
    bool is_older;
    struct buf merged;
    buf_init(&merged, DELTA_COMMIT_BYTES_MAX);
    bool ok = delta_schema_check(state->schema, table->options.table, &is_older, &merged, err);
    buf_deinit(&merged);
    return ok;
}

/* -- actions ---------------------------------------------------------------------------------------------------- */

static void action_apply(struct delta_catalog *catalog, struct delta_state *state, const struct delta_action *action)
{
    switch (action->kind) {
    case DELTA_ACTION_OTHER: break;
    case DELTA_ACTION_ADD:
        delta_catalog_add(catalog,
                          &(struct delta_file){
                              .path = action->path,
                              .project_id = action->add.project_id,
                              .day = action->add.day,
                              .bytes = action->add.bytes,
                              .row_count = action->add.row_count,
                              .timestamp_min_us = action->add.timestamp_min_us,
                              .timestamp_max_us = action->add.timestamp_max_us,
                              .modified_unix_ms = action->add.modified_unix_ms,
                          },
                          action->add.stats);
        break;
    case DELTA_ACTION_REMOVE:
        delta_catalog_remove(catalog,
                             &(struct delta_tombstone){
                                 .removed = { action->path, action->remove.deletion_unix_ms, action->remove.bytes },
                                 .data_change = action->remove.data_change,
                                 .is_extended = action->remove.is_extended,
                                 .project_id = action->remove.project_id,
                                 .day = action->remove.day,
                             });
        break;
    case DELTA_ACTION_TXN:
        delta_catalog_txn(catalog, action->txn.app_id, action->txn.version, action->txn.updated_unix_ms);
        break;
    case DELTA_ACTION_METADATA:
        text_replace(&state->id, action->metadata.id);
        text_replace(&state->name, action->metadata.name);
        text_replace(&state->description, action->metadata.description);
        text_replace(&state->schema, action->metadata.schema);
        text_replace(&state->partition_columns, action->metadata.partition_columns);
        text_replace(&state->configuration, action->metadata.configuration);
        state->created_unix_ms = action->metadata.created_unix_ms;
        break;
    case DELTA_ACTION_PROTOCOL:
        state->reader = action->protocol.reader;
        state->writer = action->protocol.writer;
        text_replace(&state->reader_features, action->protocol.reader_features);
        text_replace(&state->writer_features, action->protocol.writer_features);
        break;
    }
}

/* Calls each with every line that is not blank. */
static bool lines_walk(struct bytes lines, bool (*each)(void *ctx, struct bytes line, struct err *err), void *ctx,
                       struct err *err)
{
    uint64_t number = 1;
    for (size_t at = 0; at < lines.len; number++) {
        const uint8_t *end = memchr(lines.ptr + at, '\n', lines.len - at);
        size_t len = end ? (size_t)(end - lines.ptr) - at : lines.len - at;
        struct bytes line = { lines.ptr + at, len };
        at += len + 1;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
        if (line.len > 0 && !each(ctx, line, err)) return err_within(err, "line %" PRIu64, number);
    }
    return true;
}

struct apply {
    struct delta_catalog *catalog;
    struct delta_state *state;
    bool removes_only, is_check;
};

static bool line_apply(void *ctx, struct bytes line, struct err *err)
{
    struct apply *apply = ctx;
    struct delta_action action;
    if (apply->removes_only && line.len > 7 && memcmp(line.ptr, "{\"add\":", 7) == 0)
        return true; /* the next pass parses it */
    if (!delta_action_parse(line, &action, err)) return false;
    bool is_remove = action.kind == DELTA_ACTION_REMOVE;
    bool is_state = action.kind == DELTA_ACTION_METADATA || action.kind == DELTA_ACTION_PROTOCOL;
    if (apply->is_check ? is_state : is_remove == apply->removes_only)
        action_apply(apply->catalog, apply->state, &action);
    delta_action_deinit(&action);
    return true;
}

bool delta_lines_apply(struct delta_catalog *catalog, struct delta_state *state, struct bytes lines, struct err *err)
{
    /* The order of lines means nothing, so removes go first: a commit may remove a path and add it anew. */
    struct apply apply = { .catalog = catalog, .state = state, .removes_only = true };
    if (!lines_walk(lines, line_apply, &apply, err)) return false;
    apply.removes_only = false;
    return lines_walk(lines, line_apply, &apply, err);
}

/* -- commits ---------------------------------------------------------------------------------------------------- */

void delta_commit_key(const struct delta_table *table, uint64_t version, char key[DELTA_KEY_BYTES])
{
    snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".json", table->prefix, version);
}

/* One commit, as a whole or not at all: everything is parsed, and the state that it leads to accepted, before any of it
 * is applied. */
static bool commit_apply(struct delta_table *table, struct bytes lines, struct err *err)
{
    struct delta_state state = state_copy(&table->state);
    struct apply check = { .state = &state, .is_check = true };
    if (!lines_walk(lines, line_apply, &check, err) || !delta_state_check(table, &state, err)) {
        feature_blame(&state, err);
        delta_state_deinit(&state);
        return false;
    }
    bool ok = delta_lines_apply(&table->catalog, &state, lines, err);
    assert(ok); /* it parsed a moment ago */
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

bool delta_read_new(struct delta_table *table, uint32_t *commit_count, struct err *err)
{
    *commit_count = 0;
    struct buf buf;
    buf_init(&buf, DELTA_COMMIT_BYTES_MAX);
    bool ok;
    for (;;) {
        uint64_t version = table->version + 1;
        ok = delta_commit_get(table, version, &buf, err);
        if (!ok && err->code == ERR_NOT_FOUND) {
            *err = (struct err){ 0 };
            ok = true;
            break;
        }
        ok = ok && commit_apply(table, buf_bytes(&buf), err);
        if (!ok) {
            err_within(err, "Delta table \"%s\" version %" PRIu64, table->prefix, version);
            break;
        }
        table->version = version;
        ++*commit_count;
    }
    buf_deinit(&buf);
    if (*commit_count > 0) delta_catalog_publish(&table->catalog, table->version);
    return ok;
}

/* -- the listing ------------------------------------------------------------------------------------------------ */

struct checkpoint {
    uint64_t version;
    uint32_t part, part_count; /* 0 of 0: a single file */
};
struct listing {
    size_t folder_len; /* of "<prefix>/_delta_log/" */
    uint64_t *commits;
    struct checkpoint *checkpoints;
    size_t commit_count, commit_cap, checkpoint_count, checkpoint_cap;
};

static bool number_take(const char **at, uint32_t digits, uint64_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < digits; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') return false;
        uint64_t digit = (uint64_t)((*at)[i] - '0');
        if (*number > (UINT64_MAX - digit) / 10) return false;
        *number = *number * 10 + digit;
    }
    *at += digits;
    return true;
}

/* ".checkpoint.parquet" or ".checkpoint.<10 digits>.<10 digits>.parquet". */
static bool checkpoint_name(const char *at, struct checkpoint *checkpoint)
{
    uint64_t part = 0, part_count = 0;
    if (strncmp(at, ".checkpoint.", 12) != 0) return false;
    at += 12;
    if (strcmp(at, "parquet") != 0) {
        if (!number_take(&at, 10, &part) || *at++ != '.' || !number_take(&at, 10, &part_count)) return false;
        if (strcmp(at, ".parquet") != 0 || part == 0 || part > part_count || part_count > CHECKPOINT_PARTS_MAX)
            return false;
    }
    checkpoint->part = (uint32_t)part;
    checkpoint->part_count = (uint32_t)part_count;
    return true;
}

static bool listing_entry(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)bytes, (void)modified_unix_us;
    struct listing *listing = ctx;
    const char *at = key + listing->folder_len;
    struct checkpoint checkpoint;
    if (!number_take(&at, VERSION_DIGITS, &checkpoint.version) || checkpoint.version >= INT64_MAX) return true;
    if (strcmp(at, ".json") == 0) {
        if (listing->commit_count == listing->commit_cap) {
            listing->commit_cap = listing->commit_cap ? listing->commit_cap * 2 : 256;
            listing->commits = mem_realloc(listing->commits, listing->commit_cap * sizeof *listing->commits);
        }
        listing->commits[listing->commit_count++] = checkpoint.version;
    } else if (checkpoint_name(at, &checkpoint)) {
        if (listing->checkpoint_count == listing->checkpoint_cap) {
            listing->checkpoint_cap = listing->checkpoint_cap ? listing->checkpoint_cap * 2 : 64;
            listing->checkpoints =
                mem_realloc(listing->checkpoints, listing->checkpoint_cap * sizeof *listing->checkpoints);
        }
        listing->checkpoints[listing->checkpoint_count++] = checkpoint;
    }
    return true;
}

static void listing_deinit(struct listing *listing)
{
    free(listing->commits);
    free(listing->checkpoints);
}

/* Everything; or, from a checkpoint on, blocks of names until one has no commit. Keys come in order, so versions do. */
static bool listing_read(struct delta_table *table, uint64_t from, struct listing *listing, struct err *err)
{
    char prefix[DELTA_KEY_BYTES];
    int folder_len = snprintf(prefix, sizeof prefix, "%s/_delta_log/", table->prefix);
    *listing = (struct listing){ .folder_len = (size_t)folder_len };
    if (from == DELTA_VERSION_NONE) return object_list(table->options.store, prefix, listing_entry, listing, err);
    for (uint64_t block = from / LISTING_BLOCK;; block++) {
        size_t before = listing->commit_count;
        snprintf(prefix + folder_len, sizeof prefix - (size_t)folder_len, "%017" PRIu64, block);
        if (!object_list(table->options.store, prefix, listing_entry, listing, err)) return false;
        if (listing->commit_count == before) return true;
    }
}

/* What _last_checkpoint says; it is a hint, so anything odd means no hint. */
static uint64_t last_checkpoint_read(struct delta_table *table)
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

/* -- the whole log ---------------------------------------------------------------------------------------------- */

static bool checkpoint_action(void *ctx, struct bytes json, struct err *err)
{
    struct apply *apply = ctx;
    struct delta_action action;
    if (!delta_action_parse(json, &action, err)) return false;
    action_apply(apply->catalog, apply->state, &action); /* rows of a checkpoint are reconciled: any order will do */
    delta_action_deinit(&action);
    return true;
}

static bool checkpoint_read(struct delta_table *table, struct checkpoint checkpoint, struct err *err)
{
    struct apply apply = { .catalog = &table->catalog, .state = &table->state };
    const struct delta_checkpoint_reader *reader = &table->options.checkpoint_reader;
    uint32_t part = checkpoint.part_count == 0 ? 0 : 1;
    do {
        char key[DELTA_KEY_BYTES];
        if (checkpoint.part_count == 0) {
            snprintf(key, sizeof key, "%s/_delta_log/%020" PRIu64 ".checkpoint.parquet", table->prefix,
                     checkpoint.version);
        } else {
            snprintf(key, sizeof key, "%s/_delta_log/%020" PRIu64 ".checkpoint.%010u.%010u.parquet", table->prefix,
                     checkpoint.version, part, checkpoint.part_count);
        }
        if (!reader->read(reader->ctx, table->options.store, key, checkpoint_action, &apply, err)) return false;
    } while (part++ < checkpoint.part_count);
    if (table->state.reader == 0 || table->state.schema == NULL)
        return err_set(err, ERR_CORRUPT, "the checkpoint has no protocol or no metaData");
    table->version = table->checkpoint_version = checkpoint.version;
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

/* The commits behind table->version (all, when there is none), without a hole. */
static bool tail_read(struct delta_table *table, const struct listing *listing, struct err *err)
{
    struct buf buf;
    buf_init(&buf, DELTA_COMMIT_BYTES_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < listing->commit_count; i++) {
        uint64_t version = listing->commits[i],
                 expected = table->version == DELTA_VERSION_NONE ? 0 : table->version + 1;
        if (version < expected) continue;
        if (version > expected) {
            ok = err_set(err, ERR_CORRUPT, "the log has a hole: version %" PRIu64 " is missing, %" PRIu64 " is there",
                         expected, version);
            break;
        }
        ok = delta_commit_get(table, version, &buf, err) &&
             delta_lines_apply(&table->catalog, &table->state, buf_bytes(&buf), err);
        if (!ok) err_within(err, "version %" PRIu64, version);
        table->version = version;
    }
    buf_deinit(&buf);
    return ok;
}

/* Are all parts of listing->checkpoints[at] there? at is its last part: names come in order. */
static bool checkpoint_is_whole(const struct listing *listing, size_t at)
{
    const struct checkpoint *last = &listing->checkpoints[at];
    if (last->part != last->part_count) return false;
    if (last->part_count == 0) return true;
    if (at + 1 < last->part_count) return false;
    for (uint32_t part = 1; part <= last->part_count; part++) {
        const struct checkpoint *piece = &listing->checkpoints[at + part - last->part_count];
        if (piece->version != last->version || piece->part != part || piece->part_count != last->part_count)
            return false;
    }
    return true;
}

/* From one checkpoint, or from version 0 (at SIZE_MAX). */
static bool replay(struct delta_table *table, const struct listing *listing, size_t at, struct err *err)
{
    table_reset(table);
    *err = (struct err){ 0 };
    bool ok = at == SIZE_MAX || checkpoint_read(table, listing->checkpoints[at], err) ||
              err_within(err, "checkpoint %" PRIu64, listing->checkpoints[at].version);
    ok = ok && tail_read(table, listing, err);
    if (!ok) feature_blame(&table->state, err);
    return ok;
}

static bool replay_any(struct delta_table *table, const struct listing *listing, bool is_whole, struct err *err)
{
    bool can_read = table->options.checkpoint_reader.read != NULL;
    for (size_t at = can_read ? listing->checkpoint_count : 0; at-- > 0;) {
        if (!checkpoint_is_whole(listing, at)) continue;
        if (replay(table, listing, at, err)) return true;
        if (err->code == ERR_UNSUPPORTED) return false;
        log_warn(table->options.log, "delta.replay_failed", log_text("table", table->prefix),
                 log_text("err", err->text));
        if (!is_whole) return false; /* the whole listing may know an older way */
    }
    if (!is_whole) return err_set(err, ERR_NOT_FOUND, "no checkpoint where _last_checkpoint says");
    bool from_zero = listing->commit_count > 0 && listing->commits[0] == 0;
    if (from_zero) {
        if (!replay(table, listing, SIZE_MAX, err)) return false;
        /* Those that cannot be read here are good for others, so the next one is not due yet. */
        for (size_t at = 0; !can_read && at < listing->checkpoint_count; at++) {
            if (checkpoint_is_whole(listing, at)) table->checkpoint_version = listing->checkpoints[at].version;
        }
        return true;
    }
    if (err->code != ERR_OK) return false; /* what the last checkpoint said */
    if (listing->checkpoint_count == 0 && listing->commit_count > 0)
        return err_set(err, ERR_CORRUPT, "the log has a hole: it begins at version %" PRIu64, listing->commits[0]);
    if (can_read) return err_set(err, ERR_CORRUPT, "the log has no commits and no complete checkpoint");
    return err_set(err, ERR_UNSUPPORTED, "the log begins with a checkpoint, and checkpoints cannot be read here");
}

bool delta_read_all(struct delta_table *table, bool *exists, struct err *err)
{
    *exists = true;
    struct listing listing;
    uint64_t from = table->options.checkpoint_reader.read ? last_checkpoint_read(table) : DELTA_VERSION_NONE;
    bool ok = false;
    if (from != DELTA_VERSION_NONE) {
        ok = listing_read(table, from, &listing, err) && replay_any(table, &listing, false, err);
        listing_deinit(&listing);
        if (!ok && (err->code == ERR_UNSUPPORTED || err->code == ERR_IO)) return false;
    }
    if (!ok) {
        *err = (struct err){ 0 };
        if (!listing_read(table, DELTA_VERSION_NONE, &listing, err)) {
            listing_deinit(&listing);
            return false;
        }
        *exists = listing.commit_count > 0 || listing.checkpoint_count > 0;
        ok = !*exists || replay_any(table, &listing, true, err);
        listing_deinit(&listing);
    }
    if (!ok || !*exists) return ok;
    if (!delta_state_check(table, &table->state, err)) return false;
    delta_catalog_publish(&table->catalog, table->version);
    return true;
}
