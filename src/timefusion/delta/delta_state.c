/* delta_state.c -- protocol and metaData: what a table asks of its readers and writers; and actions put into effect. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "timefusion/delta/delta_table.h"

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

struct delta_state delta_state_copy(const struct delta_state *from)
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

void delta_feature_blame(const struct delta_state *state, struct err *err)
{
    struct err better = { 0 };
    if (err->code == ERR_CORRUPT && state->reader != 0 && !protocol_check(state, &better)) *err = better;
}

/* Writers that commit in two ways would overwrite each other. */
static bool mode_check(const struct delta_table *table, const struct delta_state *state, struct err *err)
{
    const char *mode = table->options.commit_mode;
    struct buf text;
    buf_init(&text, 1024 * 1024);
    bool ok = mode == NULL || !delta_state_configuration(state, DELTA_COMMIT_MODE_KEY, &text) ||
              strcmp((const char *)text.ptr, mode) == 0;
    if (!ok)
        err_set(err, ERR_UNSUPPORTED,
                "set --storage and --storage-lock as they were (docs/locking.md): its " DELTA_COMMIT_MODE_KEY
                " is \"%.80s\", this server's \"%.80s\"",
                (const char *)text.ptr, mode);
    buf_deinit(&text);
    return ok;
}

bool delta_state_check(const struct delta_table *table, const struct delta_state *state, struct err *err)
{
    if (state->reader == 0) return err_set(err, ERR_CORRUPT, "the Delta log has no protocol");
    if (!protocol_check(state, err)) return false;
    if (state->schema == NULL) return err_set(err, ERR_CORRUPT, "the Delta log has no metaData");
    if (strcmp(state->partition_columns, DELTA_PARTITION_COLUMNS) != 0)
        return err_set(err, ERR_UNSUPPORTED, "the Delta table is partitioned by %.80s, not by " DELTA_PARTITION_COLUMNS,
                       state->partition_columns);
    if (!mode_check(table, state, err)) return false;
    bool is_older;
    struct buf merged;
    buf_init(&merged, DELTA_COMMIT_BYTES_MAX);
    bool ok = delta_schema_check(state->schema, table->options.table, &is_older, &merged, err);
    buf_deinit(&merged);
    return ok;
}

/* -- actions ---------------------------------------------------------------------------------------------------- */

void delta_action_apply(struct delta_catalog *catalog, struct delta_state *state, const struct delta_action *action)
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

bool delta_lines_walk(struct bytes lines, bool (*each)(void *ctx, struct bytes line, struct err *err), void *ctx,
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
        delta_action_apply(apply->catalog, apply->state, &action);
    delta_action_deinit(&action);
    return true;
}

bool delta_lines_apply(struct delta_catalog *catalog, struct delta_state *state, struct bytes lines, struct err *err)
{
    /* The order of lines means nothing, so removes go first: a commit may remove a path and add it anew. */
    struct apply apply = { .catalog = catalog, .state = state, .removes_only = true };
    if (!delta_lines_walk(lines, line_apply, &apply, err)) return false;
    apply.removes_only = false;
    return delta_lines_walk(lines, line_apply, &apply, err);
}

bool delta_lines_check(struct delta_state *state, struct bytes lines, struct err *err)
{
    struct apply check = { .state = state, .is_check = true };
    return delta_lines_walk(lines, line_apply, &check, err);
}
