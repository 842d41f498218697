/* delta_checkpoint.c -- all that a table holds, as one Parquet file, so that readers need not replay the log.
 *
 *   state, txns, live files, removed files --a row each--> row groups --> object_writer --> <version>.checkpoint.parquet
 *                                                                                           then _last_checkpoint
 * A classic (V1) single-file checkpoint: one nullable group a kind of action, one of them set in each row.
 * Memory: one row group (ROWS_MAX rows or BYTES_MAX bytes of texts).
 * Source: PROTOCOL.md, "Checkpoints", "Checkpoint Schema", "Last Checkpoint File". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/delta/delta_table.h"
#include "timefusion/parquet/page.h"

enum { ROWS_MAX = 8192, BYTES_MAX = 8 * 1024 * 1024 };

/* -- the schema ------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define GROUP(name, children) { name, PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, children, 0 }
#define TEXT(name)            { name, PARQUET_TYPE_BYTE_ARRAY, PARQUET_OPTIONAL, PARQUET_LOGICAL_STRING, 0, 0 }
#define LONG(name)            { name, PARQUET_TYPE_INT64, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 }
#define INT(name)             { name, PARQUET_TYPE_INT32, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 }
#define BOOL(name)            { name, PARQUET_TYPE_BOOLEAN, PARQUET_OPTIONAL, PARQUET_LOGICAL_NONE, 0, 0 }
#define MAP(name)                                                                                                   \
    { name, PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_MAP, 1, 0 },                                      \
        { "key_value", PARQUET_TYPE_GROUP, PARQUET_REPEATED, PARQUET_LOGICAL_NONE, 2, 0 },                          \
        { "key", PARQUET_TYPE_BYTE_ARRAY, PARQUET_REQUIRED, PARQUET_LOGICAL_STRING, 0, 0 }, TEXT("value")
#define LIST(name)                                                                                                  \
    { name, PARQUET_TYPE_GROUP, PARQUET_OPTIONAL, PARQUET_LOGICAL_LIST, 1, 0 },                                     \
        { "list", PARQUET_TYPE_GROUP, PARQUET_REPEATED, PARQUET_LOGICAL_NONE, 1, 0 }, TEXT("element")

static const struct parquet_element elements[] = {
    { "spark_schema", PARQUET_TYPE_GROUP, PARQUET_REQUIRED, PARQUET_LOGICAL_NONE, 5, 0 },
    GROUP("txn", 3), TEXT("appId"), LONG("version"), LONG("lastUpdated"),
    GROUP("add", 7), TEXT("path"), MAP("partitionValues"), LONG("size"), LONG("modificationTime"), BOOL("dataChange"),
    MAP("tags"), TEXT("stats"),
    GROUP("remove", 6), TEXT("path"), LONG("deletionTimestamp"), BOOL("dataChange"), BOOL("extendedFileMetadata"),
    MAP("partitionValues"), LONG("size"),
    GROUP("metaData", 8), TEXT("id"), TEXT("name"), TEXT("description"), GROUP("format", 2), TEXT("provider"),
    MAP("options"), TEXT("schemaString"), LIST("partitionColumns"), MAP("configuration"), LONG("createdTime"),
    GROUP("protocol", 4), INT("minReaderVersion"), INT("minWriterVersion"), LIST("readerFeatures"), LIST("writerFeatures"),
};
/* Its leaves, in that order. */
enum leaf_name {
    TXN_APP_ID, TXN_VERSION, TXN_UPDATED,
    ADD_PATH, ADD_PARTITION_KEY, ADD_PARTITION_VALUE, ADD_SIZE, ADD_MODIFIED, ADD_DATA_CHANGE, ADD_TAG_KEY, ADD_TAG_VALUE,
    ADD_STATS,
    REMOVE_PATH, REMOVE_DELETED, REMOVE_DATA_CHANGE, REMOVE_EXTENDED, REMOVE_PARTITION_KEY, REMOVE_PARTITION_VALUE,
    REMOVE_SIZE,
    META_ID, META_NAME, META_DESCRIPTION, META_PROVIDER, META_OPTION_KEY, META_OPTION_VALUE, META_SCHEMA,
    META_PARTITION_COLUMN, META_CONFIGURATION_KEY, META_CONFIGURATION_VALUE, META_CREATED,
    PROTOCOL_READER, PROTOCOL_WRITER, PROTOCOL_READER_FEATURE, PROTOCOL_WRITER_FEATURE,
    LEAF_COUNT
};
/* clang-format on */

/* -- columns of the row group under way -------------------------------------------------------------------------- */

struct leaf {
    uint8_t *repetition, *definition;
    struct bytes *texts;
    int64_t *integers; /* booleans too, until they are written */
    uint32_t level_count, value_count, cap;
    uint32_t definition_max;
};
struct checkpoint {
    struct leaf leaves[LEAF_COUNT];
    struct arena arena; /* texts made for this row group */
    struct buf unpacked;
    const struct schema_table *table;
    size_t text_bytes;
    uint32_t row_count;
    uint64_t action_count, add_count, bytes;
    struct parquet_file *file;
    struct object_writer *writer;
};

/* One entry of a leaf: a value when definition is the greatest, else how deep it is defined. */
static void level_put(struct checkpoint *checkpoint, enum leaf_name name, uint32_t repetition, uint32_t definition)
{
    struct leaf *leaf = &checkpoint->leaves[name];
    if (leaf->level_count == leaf->cap) {
        leaf->cap = leaf->cap ? leaf->cap * 2 : 1024;
        leaf->repetition = mem_realloc(leaf->repetition, leaf->cap);
        leaf->definition = mem_realloc(leaf->definition, leaf->cap);
        leaf->texts = mem_realloc(leaf->texts, leaf->cap * sizeof *leaf->texts);
        leaf->integers = mem_realloc(leaf->integers, leaf->cap * sizeof *leaf->integers);
    }
    leaf->repetition[leaf->level_count] = (uint8_t)repetition;
    leaf->definition[leaf->level_count++] = (uint8_t)definition;
}

static void text_put_at(struct checkpoint *checkpoint, enum leaf_name name, uint32_t repetition, struct bytes text)
{
    struct leaf *leaf = &checkpoint->leaves[name];
    level_put(checkpoint, name, repetition, leaf->definition_max);
    leaf->texts[leaf->value_count++] = text;
    checkpoint->text_bytes += text.len;
}

/* A text of a group that is set; NULL is null there. Borrowed until the row group is written. */
static void text_put(struct checkpoint *checkpoint, enum leaf_name name, const char *text)
{
    if (text) {
        text_put_at(checkpoint, name, 0, bytes_of_text(text));
    } else {
        level_put(checkpoint, name, 0, checkpoint->leaves[name].definition_max - 1);
    }
}

static void integer_put(struct checkpoint *checkpoint, enum leaf_name name, int64_t number)
{
    struct leaf *leaf = &checkpoint->leaves[name];
    level_put(checkpoint, name, 0, leaf->definition_max);
    leaf->integers[leaf->value_count++] = number;
}

static void null_put(struct checkpoint *checkpoint, enum leaf_name name)
{
    level_put(checkpoint, name, 0, 1);
}

/* A map from JSON {"key":"text"}; with texts copied. */
static void map_put(struct checkpoint *checkpoint, enum leaf_name key_name, const char *json)
{
    enum leaf_name value_name = key_name + 1;
    uint32_t map_level = checkpoint->leaves[key_name].definition_max - 1; /* the map is there, and empty */
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    size_t i, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, count, key, value)
    {
        uint32_t repetition = i == 0 ? 0 : 1;
        struct bytes key_text = { (const uint8_t *)yyjson_get_str(key), yyjson_get_len(key) };
        struct bytes value_text = { (const uint8_t *)yyjson_get_str(value), yyjson_get_len(value) };
        text_put_at(checkpoint, key_name, repetition, arena_copy(&checkpoint->arena, key_text));
        if (yyjson_is_str(value)) {
            text_put_at(checkpoint, value_name, repetition, arena_copy(&checkpoint->arena, value_text));
        } else {
            level_put(checkpoint, value_name, repetition, map_level + 1);
        }
    }
    if (yyjson_obj_size(yyjson_doc_get_root(doc)) == 0) {
        level_put(checkpoint, key_name, 0, map_level);
        level_put(checkpoint, value_name, 0, map_level);
    }
    yyjson_doc_free(doc);
}

/* A list from JSON ["text"]; NULL is null. */
static void list_put(struct checkpoint *checkpoint, enum leaf_name name, const char *json)
{
    uint32_t list_level = checkpoint->leaves[name].definition_max - 2;
    if (json == NULL) {
        level_put(checkpoint, name, 0, list_level - 1);
        return;
    }
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    size_t i, count;
    yyjson_val *element;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, element)
    {
        struct bytes text = { (const uint8_t *)yyjson_get_str(element), yyjson_get_len(element) };
        text_put_at(checkpoint, name, i == 0 ? 0 : 1, arena_copy(&checkpoint->arena, text));
    }
    if (yyjson_arr_size(yyjson_doc_get_root(doc)) == 0) level_put(checkpoint, name, 0, list_level);
    yyjson_doc_free(doc);
}

/* -- row groups -------------------------------------------------------------------------------------------------- */

static bool bytes_take(struct checkpoint *checkpoint, struct bytes bytes, struct err *err)
{
    checkpoint->bytes += bytes.len;
    return bytes.len == 0 || object_writer_add(checkpoint->writer, bytes, err);
}

static bool row_group_flush(struct checkpoint *checkpoint, struct err *err)
{
    if (checkpoint->row_count == 0) return true;
    bool ok = true;
    for (uint32_t i = 0; ok && i < LEAF_COUNT; i++) {
        struct leaf *leaf = &checkpoint->leaves[i];
        uint8_t *booleans = mem_alloc(leaf->value_count + 1);
        if (i == ADD_DATA_CHANGE || i == REMOVE_DATA_CHANGE || i == REMOVE_EXTENDED) {
            for (uint32_t at = 0; at < leaf->value_count; at++) booleans[at] = leaf->integers[at] != 0;
        }
        ok = parquet_file_column(checkpoint->file,
                                 &(struct parquet_leaf){ .repetition_levels = leaf->repetition,
                                                         .definition_levels = leaf->definition,
                                                         .level_count = leaf->level_count,
                                                         .value_count = leaf->value_count,
                                                         .texts = leaf->texts,
                                                         .integers = leaf->integers,
                                                         .booleans = booleans },
                                 err);
        free(booleans);
        leaf->level_count = leaf->value_count = 0;
    }
    if (!ok) return false;
    parquet_file_row_group_end(checkpoint->file, checkpoint->row_count);
    checkpoint->row_count = 0;
    checkpoint->text_bytes = 0;
    arena_reset(&checkpoint->arena);
    return bytes_take(checkpoint, parquet_file_take(checkpoint->file), err);
}

/* Ends a row whose group has the leaves from first to last; all others are null. */
static bool row_end(struct checkpoint *checkpoint, enum leaf_name first, enum leaf_name last, struct err *err)
{
    for (enum leaf_name name = 0; name < LEAF_COUNT; name++) {
        if (name < first || name > last) level_put(checkpoint, name, 0, 0);
    }
    checkpoint->row_count++;
    checkpoint->action_count++;
    if (checkpoint->row_count < ROWS_MAX && checkpoint->text_bytes < BYTES_MAX) return true;
    return row_group_flush(checkpoint, err);
}

/* -- rows -------------------------------------------------------------------------------------------------------- */

static bool state_rows(struct checkpoint *checkpoint, const struct delta_state *state, struct err *err)
{
    integer_put(checkpoint, PROTOCOL_READER, state->reader);
    integer_put(checkpoint, PROTOCOL_WRITER, state->writer);
    list_put(checkpoint, PROTOCOL_READER_FEATURE, state->reader_features);
    list_put(checkpoint, PROTOCOL_WRITER_FEATURE, state->writer_features);
    if (!row_end(checkpoint, PROTOCOL_READER, PROTOCOL_WRITER_FEATURE, err)) return false;
    text_put(checkpoint, META_ID, state->id);
    text_put(checkpoint, META_NAME, state->name);
    text_put(checkpoint, META_DESCRIPTION, state->description);
    text_put(checkpoint, META_PROVIDER, "parquet");
    map_put(checkpoint, META_OPTION_KEY, "{}");
    text_put(checkpoint, META_SCHEMA, state->schema);
    list_put(checkpoint, META_PARTITION_COLUMN, state->partition_columns);
    map_put(checkpoint, META_CONFIGURATION_KEY, state->configuration);
    if (state->created_unix_ms < 0) {
        null_put(checkpoint, META_CREATED);
    } else {
        integer_put(checkpoint, META_CREATED, state->created_unix_ms);
    }
    return row_end(checkpoint, META_ID, META_CREATED, err);
}

static bool txn_row(struct checkpoint *checkpoint, const struct delta_txn *txn, struct err *err)
{
    text_put(checkpoint, TXN_APP_ID, txn->app_id);
    integer_put(checkpoint, TXN_VERSION, (int64_t)txn->version);
    if (txn->updated_unix_ms < 0) {
        null_put(checkpoint, TXN_UPDATED);
    } else {
        integer_put(checkpoint, TXN_UPDATED, txn->updated_unix_ms);
    }
    return row_end(checkpoint, TXN_APP_ID, TXN_UPDATED, err);
}

/* The path as the log has it: encoded. */
static void path_put(struct checkpoint *checkpoint, enum leaf_name name, const char *path)
{
    struct buf encoded;
    buf_init(&encoded, 3 * DELTA_PATH_BYTES_MAX + 3);
    bool fits = delta_put_path(&encoded, path);
    assert(fits);
    text_put_at(checkpoint, name, 0, arena_copy(&checkpoint->arena, bytes_from(encoded.ptr + 1, encoded.len - 2)));
    buf_deinit(&encoded);
}

static void partition_put(struct checkpoint *checkpoint, enum leaf_name key, struct uuid project_id, int32_t day)
{
    char project[UUID_TEXT_BYTES + 1], date[16];
    uuid_to_text(project_id, project);
    date_text(day, date);
    text_put_at(checkpoint, key, 0, BYTES("project_id"));
    text_put_at(checkpoint, key + 1, 0, arena_copy(&checkpoint->arena, bytes_of_text(project)));
    text_put_at(checkpoint, key, 1, BYTES("date"));
    text_put_at(checkpoint, key + 1, 1, arena_copy(&checkpoint->arena, bytes_of_text(date)));
}

static bool add_row(struct checkpoint *checkpoint, const struct delta_file *file, struct err *err)
{
    path_put(checkpoint, ADD_PATH, file->path);
    partition_put(checkpoint, ADD_PARTITION_KEY, file->project_id, file->day);
    integer_put(checkpoint, ADD_SIZE, (int64_t)file->bytes);
    integer_put(checkpoint, ADD_MODIFIED, file->modified_unix_ms);
    integer_put(checkpoint, ADD_DATA_CHANGE, false); /* as Spark has it: a checkpoint changes nothing */
    null_put(checkpoint, ADD_TAG_KEY);
    null_put(checkpoint, ADD_TAG_VALUE);
    if (file->stats.len > 0) {
        checkpoint->unpacked.len = 0;
        if (!delta_stats_unpack(&checkpoint->unpacked, checkpoint->table, file->stats))
            return err_set(err, ERR_TOO_LARGE, "the statistics of file \"%.100s\" are too large", file->path);
        text_put_at(checkpoint, ADD_STATS, 0, arena_copy(&checkpoint->arena, buf_bytes(&checkpoint->unpacked)));
    } else {
        null_put(checkpoint, ADD_STATS);
    }
    checkpoint->add_count++;
    return row_end(checkpoint, ADD_PATH, ADD_STATS, err);
}

static bool remove_row(struct checkpoint *checkpoint, const struct delta_tombstone *tombstone, struct err *err)
{
    path_put(checkpoint, REMOVE_PATH, tombstone->removed.path);
    integer_put(checkpoint, REMOVE_DELETED, tombstone->removed.deletion_unix_ms);
    integer_put(checkpoint, REMOVE_DATA_CHANGE, tombstone->data_change);
    integer_put(checkpoint, REMOVE_EXTENDED, tombstone->is_extended);
    if (tombstone->is_extended) {
        partition_put(checkpoint, REMOVE_PARTITION_KEY, tombstone->project_id, tombstone->day);
        integer_put(checkpoint, REMOVE_SIZE, (int64_t)tombstone->removed.bytes);
    } else {
        null_put(checkpoint, REMOVE_PARTITION_KEY);
        null_put(checkpoint, REMOVE_PARTITION_VALUE);
        null_put(checkpoint, REMOVE_SIZE);
    }
    return row_end(checkpoint, REMOVE_PATH, REMOVE_SIZE, err);
}

static bool rows_put(struct checkpoint *checkpoint, struct delta_table *table, const struct delta_snapshot *snapshot,
                     struct err *err)
{
    if (!state_rows(checkpoint, &table->state, err)) return false;
    for (uint32_t i = 0; i < snapshot->txn_count; i++) {
        if (!txn_row(checkpoint, &snapshot->txns[i], err)) return false;
    }
    for (uint32_t i = 0; i < snapshot->file_count; i++) {
        if (!add_row(checkpoint, delta_snapshot_file(snapshot, i), err)) return false;
    }
    uint32_t slot = 0;
    for (const struct delta_tombstone *removed;
         (removed = delta_catalog_removed_next(&table->catalog, &slot)) != NULL;) {
        if (!remove_row(checkpoint, removed, err)) return false;
    }
    return row_group_flush(checkpoint, err);
}

/* -- the file ---------------------------------------------------------------------------------------------------- */

static void checkpoint_init(struct checkpoint *checkpoint, struct object_writer *writer,
                            const struct schema_table *table)
{
    *checkpoint = (struct checkpoint){ .writer = writer, .table = table };
    buf_init(&checkpoint->unpacked, 64 * DELTA_STATS_KEPT_MAX); /* a name is at most 63 times its two bytes */
    checkpoint->file = parquet_file_create(elements, COUNT_OF(elements), PARQUET_CODEC_ZSTD);
    assert(parquet_file_leaf_count(checkpoint->file) == LEAF_COUNT);
    arena_init(&checkpoint->arena, 0);
    for (uint32_t i = 0; i < LEAF_COUNT; i++) {
        uint32_t repetition_max;
        parquet_file_levels_max(checkpoint->file, i, &repetition_max, &checkpoint->leaves[i].definition_max);
    }
}

static void checkpoint_deinit(struct checkpoint *checkpoint)
{
    for (uint32_t i = 0; i < LEAF_COUNT; i++) {
        free(checkpoint->leaves[i].repetition);
        free(checkpoint->leaves[i].definition);
        free(checkpoint->leaves[i].texts);
        free(checkpoint->leaves[i].integers);
    }
    parquet_file_destroy(checkpoint->file);
    arena_deinit(&checkpoint->arena);
    buf_deinit(&checkpoint->unpacked);
}

static bool last_checkpoint_put(struct delta_table *table, const struct checkpoint *checkpoint, struct err *err)
{
    char key[DELTA_KEY_BYTES], text[256];
    snprintf(key, sizeof key, "%s/_delta_log/_last_checkpoint", table->prefix);
    snprintf(text, sizeof text,
             "{\"version\":%" PRIu64 ",\"size\":%" PRIu64 ",\"sizeInBytes\":%" PRIu64 ",\"numOfAddFiles\":%" PRIu64 "}",
             table->version, checkpoint->action_count, checkpoint->bytes, checkpoint->add_count);
    return object_put(table->options.store, key, bytes_of_text(text), err);
}

bool delta_checkpoint_write(struct delta_table *table, struct err *err)
{
    fail_point("delta.before_checkpoint");
    char key[DELTA_KEY_BYTES];
    struct object_writer *writer;
    snprintf(key, sizeof key, "%s/_delta_log/%020" PRIu64 ".checkpoint.parquet", table->prefix, table->version);
    if (!object_writer_open(table->options.store, key, &writer, err)) return false;
    struct delta_snapshot *snapshot = delta_catalog_acquire(&table->catalog);
    assert(snapshot->version == table->version);
    delta_catalog_forget_removed(&table->catalog,
                                 clock_unix_us() / 1000 - delta_state_ms(&table->state,
                                                                         "delta.deletedFileRetentionDuration",
                                                                         DELTA_KEEP_REMOVED_MS));
    struct checkpoint checkpoint;
    struct bytes rest;
    checkpoint_init(&checkpoint, writer, table->options.table);
    bool ok = rows_put(&checkpoint, table, snapshot, err) && parquet_file_end(checkpoint.file, &rest, err) &&
              bytes_take(&checkpoint, rest, err);
    delta_snapshot_release(snapshot);
    if (ok) {
        ok = object_writer_finish(writer, err);
    } else {
        object_writer_cancel(writer);
    }
    if (ok) {
        fail_point("delta.after_checkpoint");
        ok = last_checkpoint_put(table, &checkpoint, err);
    }
    checkpoint_deinit(&checkpoint);
    return ok;
}
