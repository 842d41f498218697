/* delta_table.c -- a table's life: opened, made, widened, closed; and its configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <yyjson.h>

#include "base/clock.h"
#include "timefusion/delta/delta_lines.h"

#define STATS_COLUMNS_KEY "delta.dataSkippingStatsColumns"

/* -- configuration ------------------------------------------------------------------------------------------------- */

bool delta_state_configuration(const struct delta_state *state, const char *key, struct buf *text)
{
    if (state->configuration == NULL) return false;
    yyjson_doc *doc = yyjson_read(state->configuration, strlen(state->configuration), 0);
    yyjson_val *value = yyjson_obj_get(yyjson_doc_get_root(doc), key);
    bool is_set =
        yyjson_is_str(value) && buf_add(text, yyjson_get_str(value), yyjson_get_len(value)) && buf_add(text, "", 1);
    yyjson_doc_free(doc);
    return is_set;
}

bool delta_state_is_set(const struct delta_state *state, const char *key)
{
    struct buf text;
    buf_init(&text, 1024 * 1024);
    bool is_set = delta_state_configuration(state, key, &text) && strcasecmp((const char *)text.ptr, "true") == 0;
    buf_deinit(&text);
    return is_set;
}

int64_t delta_state_ms(const struct delta_state *state, const char *key, int64_t fallback_ms)
{
    struct buf text;
    int64_t ms = fallback_ms;
    buf_init(&text, 1024 * 1024);
    if (delta_state_configuration(state, key, &text) && !delta_interval_parse((const char *)text.ptr, &ms))
        ms = fallback_ms;
    buf_deinit(&text);
    return ms;
}

uint64_t delta_state_count(const struct delta_state *state, const char *key, uint64_t fallback)
{
    struct buf text;
    uint64_t count = 0;
    char *end = NULL;
    buf_init(&text, 1024 * 1024);
    if (delta_state_configuration(state, key, &text)) count = strtoull((const char *)text.ptr, &end, 10);
    bool is_good = end && *end == 0 && count > 0 && count <= INT32_MAX;
    buf_deinit(&text);
    return is_good ? count : fallback;
}

bool delta_configuration(struct delta_table *table, const char *key, struct buf *text)
{
    pthread_mutex_lock(&table->lock);
    bool is_set = delta_state_configuration(&table->state, key, text);
    pthread_mutex_unlock(&table->lock);
    return is_set;
}

int64_t delta_configuration_ms(struct delta_table *table, const char *key, int64_t fallback_ms)
{
    pthread_mutex_lock(&table->lock);
    int64_t ms = delta_state_ms(&table->state, key, fallback_ms);
    pthread_mutex_unlock(&table->lock);
    return ms;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static bool state_commit(struct delta_table *table, const struct delta_state *state, const char *operation,
                         bool with_protocol, bool *lost, struct err *err)
{
    struct buf lines;
    buf_init(&lines, DELTA_COMMIT_BYTES_MAX);
    struct delta_commit_info info = { .operation = operation,
                                      .read_version = table->version,
                                      .now_unix_ms = clock_unix_us() / 1000 };
    bool ok = (!with_protocol || delta_put_protocol(&lines)) && delta_put_metadata(&lines, state) &&
              delta_put_commit_info(&lines, &info);
    ok = ok || err_set(err, ERR_TOO_LARGE, "the schema of Delta table \"%s\" is too large", table->prefix);
    *lost = false;
    ok = ok && delta_version_put(table, buf_bytes(&lines), 0, lost, err);
    buf_deinit(&lines);
    return ok;
}

/* The configuration with more in it; value NULL: as it was. The caller's to free. */
static char *configuration_with(const char *configuration, const char *key, const char *value)
{
    yyjson_doc *doc = yyjson_read(configuration, strlen(configuration), 0);
    yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
    if (value)
        (void)yyjson_mut_obj_put(yyjson_mut_doc_get_root(copy), yyjson_mut_str(copy, key), yyjson_mut_str(copy, value));
    char *out = yyjson_mut_write(copy, 0, NULL);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(doc);
    return out;
}

/* That, with which columns have statistics. */
static char *configuration_with_stats(const char *configuration, const struct schema_table *table)
{
    struct buf columns;
    buf_init(&columns, 1024 * 1024);
    bool ok = delta_put_stats_columns(&columns, table) && buf_add(&columns, "", 1);
    assert(ok); /* SCHEMA_COLUMNS_MAX names */
    char *out = configuration_with(configuration, STATS_COLUMNS_KEY, (const char *)columns.ptr);
    buf_deinit(&columns);
    return out;
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
    char *with_mode = configuration_with("{}", DELTA_COMMIT_MODE_KEY, table->options.commit_mode);
    char *configuration = configuration_with_stats(with_mode, table->options.table);
    struct delta_state state = {
        .id = id,
        .schema = schema_text,
        .partition_columns = (char[]){ DELTA_PARTITION_COLUMNS },
        .name = (char *)(uintptr_t)table->options.table->name,
        .configuration = configuration,
        .created_unix_ms = clock_unix_us() / 1000,
    };
    assert(table->version == DELTA_VERSION_NONE);
    bool ok = state_commit(table, &state, "CREATE TABLE", true, &lost, err) || lost;
    free(schema_text);
    free(with_mode);
    free(configuration);
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
        struct buf text;
        buf_init(&text, 1024 * 1024);
        bool is_told = delta_state_configuration(&table->state, STATS_COLUMNS_KEY, &text);
        buf_deinit(&text);
        if (is_told) wider.configuration = configuration_with_stats(wider.configuration, table->options.table);
        ok = state_commit(table, &wider, "ADD COLUMNS", false, &lost, err) || lost;
        if (is_told) free(wider.configuration);
        free(schema);
        if (ok) ok = delta_winners_read(table, err) && (!lost || table_widen(table, err));
    }
    buf_deinit(&merged);
    return ok;
}

/* Tells a table that does not say how its commits are made. (What it says was checked when it was read.) */
static bool table_mode_tell(struct delta_table *table, struct err *err)
{
    const char *mode = table->options.commit_mode;
    bool is_told = mode == NULL, ok = true;
    while (ok && !is_told) {
        struct buf text;
        bool lost = false;
        buf_init(&text, 1024 * 1024);
        is_told = delta_state_configuration(&table->state, DELTA_COMMIT_MODE_KEY, &text);
        buf_deinit(&text);
        if (is_told) break;
        struct delta_state told = table->state;
        told.configuration = configuration_with(table->state.configuration, DELTA_COMMIT_MODE_KEY, mode);
        ok = (state_commit(table, &told, "SET TBLPROPERTIES", false, &lost, err) || lost) &&
             delta_winners_read(table, err);
        free(told.configuration);
    }
    return ok;
}

const char *delta_prefix(const struct delta_table *table)
{
    return table->prefix;
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
    ok = ok && table_mode_tell(table, err) && table_widen(table, err);
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
