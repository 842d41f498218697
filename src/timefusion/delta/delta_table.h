/* delta_table.h -- the inside of struct delta_table, shared by the files that read, commit and checkpoint. Private. */
#pragma once
#include <pthread.h>

#include "timefusion/delta/delta.h"
#include "timefusion/delta/delta_action.h"
#include "timefusion/delta/delta_catalog.h"

#define DELTA_COMMIT_BYTES_MAX  (256u * 1024 * 1024)
#define DELTA_COMMIT_MODE_KEY   "monoscope.commit"
#define DELTA_KEEP_REMOVED_MS   (7 * 24 * 3600 * INT64_C(1000)) /* Delta's delta.deletedFileRetentionDuration */
#define DELTA_PARTITION_COLUMNS "[\"project_id\",\"date\"]"
#define DELTA_VERSION_NONE      UINT64_MAX
enum { DELTA_READER_VERSION = 1, DELTA_WRITER_VERSION = 2 };
#define DELTA_LOOK_MS_MAX 60000 /* a look at the log's end that is older is taken again before a commit */

/* The last protocol and metaData of the log; texts are owned. */
struct delta_state {
    int32_t reader, writer;
    char *reader_features, *writer_features; /* JSON lists, or NULL */
    char *id, *name, *description;           /* the last two may be NULL */
    char *schema, *partition_columns, *configuration;
    int64_t created_unix_ms;
};
struct delta_table {
    pthread_mutex_t lock; /* all below; held during a commit */
    struct delta_options options;
    char *prefix;
    struct delta_state state;
    struct delta_catalog catalog;
    uint64_t version;            /* last one read or committed; DELTA_VERSION_NONE before any */
    int64_t looked_unix_ms;      /* when the log was last seen to end at version */
    uint64_t checkpoint_version; /* of the last checkpoint read or written here; 0: none */
    bool is_uncertain;           /* a put failed in a way that may have succeeded: the next commit finds out, durably */
    struct {
        uint64_t lines_hash, identity;
    } uncertain;      /* that put, when is_uncertain: its bytes, and the change behind them */
    uint64_t settled; /* identity of a change whose uncertain put was found in the log; 0: none */
};

#define DELTA_KEY_BYTES (OBJECT_KEY_BYTES_MAX + 1)
void delta_commit_key(const struct delta_table *table, uint64_t version, char key[DELTA_KEY_BYTES]);

/* delta_table.c: the table's configuration; under the lock. */
bool delta_state_configuration(const struct delta_state *state, const char *key, struct buf *text); /* with its NUL */
bool delta_state_is_set(const struct delta_state *state, const char *key);
uint64_t delta_state_count(const struct delta_state *state, const char *key, uint64_t fallback); /* at least 1 */
int64_t delta_state_ms(const struct delta_state *state, const char *key, int64_t fallback_ms);

/* delta_commit.c: puts the lines at the next version. *lost: someone else has that version. A version that holds our own
 * lines is ours: the answer of an earlier try was lost. identity: of the change, for when it stays uncertain; 0: none. */
MUST_CHECK bool delta_version_put(struct delta_table *table, struct bytes lines, uint64_t identity, bool *lost,
                                  struct err *err);
/* After a lost race: what did the winners do? */
MUST_CHECK bool delta_winners_read(struct delta_table *table, struct err *err);

/* delta_read.c */
MUST_CHECK bool delta_commit_get(struct delta_table *table, uint64_t version, struct buf *buf, struct err *err);
/* Reads the whole log into an empty table. *exists is false, and true returned, when there is no log. */
MUST_CHECK bool delta_read_all(struct delta_table *table, bool *exists, struct err *err);
/* Applies commits behind table->version until there is none. Publishes what it applied, also when it fails later. */
MUST_CHECK bool delta_read_new(struct delta_table *table, uint32_t *commit_count, struct err *err);

/* What _last_checkpoint says; it is a hint, so anything odd means no hint: DELTA_VERSION_NONE. */
uint64_t delta_last_checkpoint(struct delta_table *table);
/* All parts of one. */
struct delta_log_name;
MUST_CHECK bool delta_checkpoint_read(const struct delta_table *table, const struct delta_log_name *name,
                                      const struct delta_checkpoint_sink *sink, struct err *err);

/* delta_state.c */
void delta_state_deinit(struct delta_state *state);
/* May we read and write a table in this state? Features that we do not have are ERR_UNSUPPORTED by name. */
MUST_CHECK bool delta_state_check(const struct delta_table *table, const struct delta_state *state, struct err *err);
struct delta_state delta_state_copy(const struct delta_state *from);
/* Actions of a feature that we do not have may look damaged to us: then the feature's name is the better answer. */
void delta_feature_blame(const struct delta_state *state, struct err *err);
void delta_action_apply(struct delta_catalog *catalog, struct delta_state *state, const struct delta_action *action);
/* Calls each with every line that is not blank. */
MUST_CHECK bool delta_lines_walk(struct bytes lines, bool (*each)(void *ctx, struct bytes line, struct err *err),
                                 void *ctx, struct err *err);
/* Parses all, applies protocol and metaData alone. */
MUST_CHECK bool delta_lines_check(struct delta_state *state, struct bytes lines, struct err *err);
/* The actions of a commit or checkpoint, line by line; a blank line is skipped. */
MUST_CHECK bool delta_lines_apply(struct delta_catalog *catalog, struct delta_state *state, struct bytes lines,
                                  struct err *err);

/* delta_checkpoint.c: of what the catalog holds at table->version; then _last_checkpoint. */
MUST_CHECK bool delta_checkpoint_write(struct delta_table *table, struct err *err);
