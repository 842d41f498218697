/* delta_action.h -- one line of a commit file, parsed. Private to this folder.
 *
 *   {"add":{...}}  ->  struct delta_action { .kind = DELTA_ACTION_ADD, .add = {...} }
 *
 * Lines come from a store that others write too: nothing in them is trusted. A null field is an absent one (checkpoints
 * have them). Unknown actions are DELTA_ACTION_OTHER; what would change a table's meaning is ERR_UNSUPPORTED by its name.
 * Memory: texts are borrowed from the parsed document, until delta_action_deinit. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "timefusion/delta/delta_text.h"

enum delta_action_kind {
    DELTA_ACTION_OTHER, /* also commitInfo, cdc, domainMetadata */
    DELTA_ACTION_ADD,
    DELTA_ACTION_REMOVE,
    DELTA_ACTION_TXN,
    DELTA_ACTION_METADATA,
    DELTA_ACTION_PROTOCOL,
};
struct delta_action {
    enum delta_action_kind kind;
    void *document;
    char path[DELTA_PATH_BYTES_MAX + 1]; /* of add and remove, decoded, good as a key */
    struct {
        struct uuid project_id;
        int32_t day;
        uint64_t bytes, row_count;
        int64_t timestamp_min_us, timestamp_max_us, modified_unix_ms;
        const char *stats; /* or NULL */
    } add;
    struct {
        int64_t deletion_unix_ms; /* 0: not told */
        bool data_change;
        bool is_extended; /* the three below were told */
        struct uuid project_id;
        int32_t day;
        uint64_t bytes;
    } remove;
    struct {
        const char *app_id;
        uint64_t version;
        int64_t updated_unix_ms; /* -1: not told */
    } txn;
    struct {
        const char *id, *name, *description; /* the last two may be NULL */
        const char *schema;
        char *partition_columns; /* JSON ["project_id","date"]; freed by delta_action_deinit, as configuration */
        char *configuration;     /* JSON {"key":"text"} */
        int64_t created_unix_ms; /* -1: not told */
    } metadata;
    struct {
        int32_t reader, writer;
        char *reader_features, *writer_features; /* JSON ["name"], or NULL */
    } protocol;
};
/* An add that came by columns. stats must end with a NUL, or be NULL; kept while action lives. */
struct delta_checkpoint_add;
MUST_CHECK bool delta_action_of_add(const struct delta_checkpoint_add *add, const char *stats,
                                    struct delta_action *action, struct err *err);
MUST_CHECK bool delta_action_parse(struct bytes json, struct delta_action *action, struct err *err);
void delta_action_deinit(struct delta_action *action);
