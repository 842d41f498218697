#include "timefusion/delta/commit_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/dynamo.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/uuid.h"
#include "timefusion/delta/commit_entry.h"

#define REQUEST_BYTES_MAX (64u << 10)
#define COMMIT_BYTES_MAX  (256u << 20) /* as delta_read's */
#define EXPIRE_S          86400        /* BaseExternalLogStore: a day */
#define TABLE_READY_MS    60000
#define TABLE_LOOK_MS     500
#define LOOK_NS           2000000000ull /* between looks for half-done commits of others */
#define OWNER_LOOKS       5             /* before a half-done commit is finished in its owner's place */
#define OWNER_LOOK_MS     60

struct commit_store {
    struct commit_store_options options;
    char *lock_table, *prefix, *table_uri, *mode;
    pthread_mutex_t lock;
    uint64_t look_mono_ns; /* recover looks no earlier */
    uint64_t next_version; /* behind our own last commit, which is complete; UINT64_MAX: none */
};

/* -- DynamoDB --------------------------------------------------------------------------------------------------- */

/* Takes request. code is told also on failure. */
static bool ask(const struct commit_store *commits, const char *operation, bool request_ok, struct buf *request,
                struct buf *answer, char code[AWS_CODE_BYTES], struct err *err)
{
    bool ok = request_ok || err_set(err, ERR_TOO_LARGE, "a request of more than %u bytes", REQUEST_BYTES_MAX);
    code[0] = '\0';
    *answer = (struct buf){ 0 };
    if (ok)
        ok =
            dynamo_ask(commits->options.aws, operation, buf_bytes(request), commits->options.cancel, answer, code, err);
    if (!ok) err_within(err, "lock table \"%.60s\"", commits->lock_table);
    buf_deinit(request);
    return ok;
}

static bool entry_get(const struct commit_store *commits, uint64_t version, struct commit_entry *entry, bool *has_entry,
                      struct err *err)
{
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_entry_get(&request, commits->lock_table, commits->table_uri, version);
    bool ok = ask(commits, "GetItem", made, &request, &answer, code, err) &&
              commit_entry_read(entry, buf_bytes(&answer), has_entry, err);
    buf_deinit(&answer);
    return ok;
}

static bool entry_latest(const struct commit_store *commits, struct commit_entry *entry, bool *has_entry,
                         struct err *err)
{
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_entry_latest(&request, commits->lock_table, commits->table_uri);
    bool ok = ask(commits, "Query", made, &request, &answer, code, err) &&
              commit_entry_read(entry, buf_bytes(&answer), has_entry, err);
    buf_deinit(&answer);
    return ok;
}

/* ERR_EXISTS: another's entry. Our own from a try whose answer was lost is ours. */
static bool entry_put(const struct commit_store *commits, const struct commit_entry *entry, struct err *err)
{
    struct commit_entry there;
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    bool has_entry = false;
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_entry_put(&request, commits->lock_table, commits->table_uri, entry);
    bool ok = ask(commits, "PutItem", made, &request, &answer, code, err);
    buf_deinit(&answer);
    if (ok || strcmp(code, "ConditionalCheckFailedException") != 0) return ok;
    if (!entry_get(commits, entry->version, &there, &has_entry, err)) return false;
    if (has_entry && strcmp(there.temp_path, entry->temp_path) == 0) return true;
    return err_set(err, ERR_EXISTS, "version %" PRIu64 " of \"%.100s\" is another writer's", entry->version,
                   commits->table_uri);
}

/* True also when somebody else was faster. */
static bool entry_complete(const struct commit_store *commits, uint64_t version, struct err *err)
{
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    int64_t expires_s = clock_unix_us() / 1000000 + EXPIRE_S;
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_entry_complete(&request, commits->lock_table, commits->table_uri, version, expires_s);
    bool ok = ask(commits, "UpdateItem", made, &request, &answer, code, err);
    buf_deinit(&answer);
    return ok || strcmp(code, "ConditionalCheckFailedException") == 0;
}

/* -- the lock table --------------------------------------------------------------------------------------------- */

static bool is_denied(const char *code)
{
    return strcmp(code, "AccessDeniedException") == 0 || strcmp(code, "AccessDenied") == 0;
}

/* Grows for ever without: complete entries are of use for a day. */
static void table_let_expire(const struct commit_store *commits)
{
    struct buf request, answer;
    struct err err = { 0 };
    char code[AWS_CODE_BYTES];
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_table_expire(&request, commits->lock_table);
    if (!ask(commits, "UpdateTimeToLive", made, &request, &answer, code, &err))
        log_warn(commits->options.log, "commit_store.no_time_to_live", log_text("err", err.text));
    buf_deinit(&answer);
}

static bool table_create(const struct commit_store *commits, struct err *err)
{
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_table_create(&request, commits->lock_table);
    bool ok = ask(commits, "CreateTable", made, &request, &answer, code, err);
    buf_deinit(&answer);
    if (ok) log_info(commits->options.log, "commit_store.table_created", log_text("table", commits->lock_table));
    if (ok || strcmp(code, "ResourceInUseException") == 0) return true; /* another process is making it */
    if (!is_denied(code)) return false;
    return err_set(err, ERR_FORBIDDEN,
                   "there is no DynamoDB table \"%.60s\" in %.20s and these credentials may not make it: allow "
                   "dynamodb:CreateTable, or make it with keys tablePath (HASH, S) and fileName (RANGE, S)",
                   commits->lock_table, aws_region(commits->options.aws));
}

enum table_state { TABLE_ACTIVE, TABLE_COMING, TABLE_MISSING, TABLE_WRONG };

static enum table_state table_look(const struct commit_store *commits, struct err *err)
{
    struct buf request, answer;
    char code[AWS_CODE_BYTES];
    bool is_active = false, has_our_keys = false;
    buf_init(&request, REQUEST_BYTES_MAX);
    bool made = commit_table_describe(&request, commits->lock_table);
    bool ok = ask(commits, "DescribeTable", made, &request, &answer, code, err);
    if (ok) commit_table_read(buf_bytes(&answer), &is_active, &has_our_keys);
    buf_deinit(&answer);
    if (!ok && strcmp(code, "ResourceNotFoundException") == 0) return TABLE_MISSING;
    if (!ok && is_denied(code)) return TABLE_ACTIVE; /* not ours to see: the first commit will tell */
    if (!ok) return TABLE_WRONG;
    if (has_our_keys) return is_active ? TABLE_ACTIVE : TABLE_COMING;
    err_set(err, ERR_UNSUPPORTED,
            "DynamoDB table \"%.60s\" is not a Delta lock table: its keys are not tablePath and "
            "fileName; name another one (MONOSCOPE_STORAGE_LOCK=dynamodb:NAME)",
            commits->lock_table);
    return TABLE_WRONG;
}

static bool table_ensure(const struct commit_store *commits, struct err *err)
{
    bool is_ours = false;
    for (uint32_t waited_ms = 0; waited_ms < TABLE_READY_MS; waited_ms += TABLE_LOOK_MS) {
        enum table_state state = table_look(commits, err);
        if (state == TABLE_WRONG) return false;
        if (state == TABLE_ACTIVE) {
            if (is_ours) table_let_expire(commits);
            return true;
        }
        if (state == TABLE_MISSING && !is_ours) {
            if (!table_create(commits, err)) return false;
            is_ours = true;
            continue; /* at once: a local one is ready */
        }
        clock_sleep_ms(TABLE_LOOK_MS);
    }
    return err_set(err, ERR_IO, "DynamoDB table \"%.60s\" is not ready after %d s", commits->lock_table,
                   TABLE_READY_MS / 1000);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

bool commit_store_open_dynamodb(struct commit_store **out, const struct commit_store_options *options, struct err *err)
{
    struct commit_store *commits = mem_calloc(1, sizeof *commits);
    size_t mode_bytes = strlen(options->lock_table) + strlen(options->table_uri) + sizeof "dynamodb: ";
    *out = NULL;
    commits->options = *options;
    commits->lock_table = mem_strdup(options->lock_table);
    commits->prefix = mem_strdup(options->prefix);
    commits->table_uri = mem_strdup(options->table_uri);
    commits->mode = mem_alloc(mode_bytes);
    snprintf(commits->mode, mode_bytes, "dynamodb:%s %s", options->lock_table, options->table_uri);
    pthread_mutex_init(&commits->lock, NULL);
    commits->next_version = UINT64_MAX;
    if (!table_ensure(commits, err)) {
        commit_store_close(commits);
        return false;
    }
    *out = commits;
    return true;
}

void commit_store_close(struct commit_store *commits)
{
    if (!commits) return;
    pthread_mutex_destroy(&commits->lock);
    free(commits->lock_table);
    free(commits->prefix);
    free(commits->table_uri);
    free(commits->mode);
    free(commits);
}

const char *commit_store_mode(const struct commit_store *commits)
{
    return commits ? commits->mode : "put-if-absent";
}

/* -- objects ---------------------------------------------------------------------------------------------------- */

static bool key_make(const struct commit_store *commits, const char *name, char key[OBJECT_KEY_BYTES_MAX + 1],
                     struct err *err)
{
    int len = snprintf(key, OBJECT_KEY_BYTES_MAX + 1, "%s/_delta_log/%s", commits->prefix, name);
    if (len <= OBJECT_KEY_BYTES_MAX && object_key_is_valid(key)) return true;
    return err_set(err, ERR_CORRUPT, "\"%.100s\" in the lock table cannot be a file of _delta_log", name);
}

static bool commit_key_make(const struct commit_store *commits, uint64_t version, char key[OBJECT_KEY_BYTES_MAX + 1],
                            struct err *err)
{
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".json", version);
    return key_make(commits, name, key, err);
}

static bool commit_exists(const struct commit_store *commits, uint64_t version, bool *exists, struct err *err)
{
    char key[OBJECT_KEY_BYTES_MAX + 1];
    uint64_t bytes;
    if (!commit_key_make(commits, version, key, err)) return false;
    *exists = object_size(commits->options.store, key, &bytes, err);
    if (*exists) return true;
    if (err->code != ERR_NOT_FOUND) return false;
    *err = (struct err){ 0 };
    return true;
}

/* -- finishing what was begun ----------------------------------------------------------------------------------- */

/* Best effort: what stays is a few bytes under a name that nobody reads. */
static void temp_delete(const struct commit_store *commits, const char *key)
{
    struct err err = { 0 };
    if (!object_delete(commits->options.store, key, &err))
        log_warn(commits->options.log, "commit_store.temp_left", log_text("key", key), log_text("err", err.text));
}

/* N.json is there after, with these bytes (*is_ours) or a stranger's. Where the store can, nothing is overwritten: writers
 * that do not use the lock are then still seen. */
static bool commit_place(const struct commit_store *commits, const char *key, struct bytes bytes, bool *is_ours,
                         struct err *err)
{
    struct object_store *store = commits->options.store;
    struct buf there;
    *is_ours = true;
    if (object_put_if_absent(store, key, bytes, err)) return true;
    bool exists = err->code == ERR_EXISTS, is_refused = err->code == ERR_UNSUPPORTED || err->code == ERR_INPUT;
    if (!exists && !is_refused) return false;
    *err = (struct err){ 0 };
    if (is_refused) return object_put(store, key, bytes, err); /* it does not know If-None-Match */
    buf_init(&there, COMMIT_BYTES_MAX);
    bool ok = object_get(store, key, COMMIT_BYTES_MAX, &there, err);
    if (ok) *is_ours = bytes_equal(buf_bytes(&there), bytes);
    buf_deinit(&there);
    return ok;
}

/* Whoever began it may be in the middle of it: delta-rs, when N.json comes from another while its temp file is still there,
 * takes the version for lost and commits the same files again as the next one. */
static bool is_finished_by_its_owner(const struct commit_store *commits, const struct commit_entry *entry)
{
    for (uint32_t look = 0; look < OWNER_LOOKS; look++) {
        struct commit_entry now;
        struct err err = { 0 };
        bool has_entry = false;
        clock_sleep_ms(OWNER_LOOK_MS);
        if (!entry_get(commits, entry->version, &now, &has_entry, &err)) return false;
        if (has_entry && now.is_complete) return true;
    }
    return false;
}

/* N.json is there after, from the entry's temp file if it was not. */
static bool entry_copy(const struct commit_store *commits, const struct commit_entry *entry, struct err *err)
{
    char temp_key[OBJECT_KEY_BYTES_MAX + 1], key[OBJECT_KEY_BYTES_MAX + 1];
    struct buf bytes;
    bool exists = false, is_theirs;
    if (!key_make(commits, entry->temp_path, temp_key, err) || !commit_key_make(commits, entry->version, key, err))
        return false;
    if (!commit_exists(commits, entry->version, &exists, err)) return false;
    if (exists) return true;
    buf_init(&bytes, COMMIT_BYTES_MAX);
    bool ok = object_get(commits->options.store, temp_key, COMMIT_BYTES_MAX, &bytes, err) &&
              commit_place(commits, key, buf_bytes(&bytes), &is_theirs, err);
    buf_deinit(&bytes);
    if (ok || err->code != ERR_NOT_FOUND) return ok;
    /* Others move the temp file: it is gone when N.json has come meanwhile. */
    *err = (struct err){ 0 };
    if (!commit_exists(commits, entry->version, &exists, err)) return false;
    return exists ||
           err_set(err, ERR_CORRUPT,
                   "version %" PRIu64 " of \"%.60s\" is in the lock table, but neither its commit nor \"%.60s\" "
                   "is in the store",
                   entry->version, commits->table_uri, entry->temp_path);
}

/* The temp file goes first: without it delta-rs knows that N.json has come. */
static bool entry_finish(const struct commit_store *commits, const struct commit_entry *entry, struct err *err)
{
    char temp_key[OBJECT_KEY_BYTES_MAX + 1];
    if (entry->is_complete || is_finished_by_its_owner(commits, entry)) return true;
    if (!entry_copy(commits, entry, err) || !key_make(commits, entry->temp_path, temp_key, err)) return false;
    temp_delete(commits, temp_key);
    if (!entry_complete(commits, entry->version, err)) return false;
    log_info(commits->options.log, "commit_store.finished", log_text("table", commits->table_uri),
             log_number("version", (int64_t)entry->version));
    return true;
}

static void look_soon(struct commit_store *commits)
{
    pthread_mutex_lock(&commits->lock);
    commits->look_mono_ns = 0;
    pthread_mutex_unlock(&commits->lock);
}

/* Looks that come too soon after another one do nothing: a half-done commit is another's crash, which waits. */
bool commit_store_recover(struct commit_store *commits, struct err *err)
{
    struct commit_entry entry;
    bool has_entry = false;
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&commits->lock);
    bool is_due = now_ns >= commits->look_mono_ns;
    if (is_due) commits->look_mono_ns = now_ns + LOOK_NS;
    pthread_mutex_unlock(&commits->lock);
    if (!is_due) return true;
    return entry_latest(commits, &entry, &has_entry, err) && (!has_entry || entry_finish(commits, &entry, err));
}

/* -- a commit --------------------------------------------------------------------------------------------------- */

/* BaseExternalLogStore.write, step 1: the one before is decided and there. */
static bool previous_check(struct commit_store *commits, uint64_t version, struct err *err)
{
    struct commit_entry entry;
    bool has_entry = false, exists = false;
    pthread_mutex_lock(&commits->lock);
    bool is_known = commits->next_version == version;
    pthread_mutex_unlock(&commits->lock);
    if (is_known) return true;
    uint64_t looked_at = version > 0 ? version - 1 : 0;
    if (!entry_get(commits, looked_at, &entry, &has_entry, err)) return false;
    if (has_entry && !entry.is_complete) return entry_finish(commits, &entry, err);
    if (version == 0 && !has_entry) return true;
    if (!commit_exists(commits, looked_at, &exists, err)) return false;
    if (exists) return true;
    if (version == 0)
        return err_set(err, ERR_CORRUPT,
                       "lock table \"%.40s\" has entries of an older table at \"%.80s\": delete them, or use another "
                       "path or lock table",
                       commits->lock_table, commits->table_uri);
    return err_set(err, ERR_CORRUPT, "version %" PRIu64 " of \"%.100s\" is not there: cannot commit the one after it",
                   looked_at, commits->table_uri);
}

/* Lost to another's entry: that one is finished, so that whoever looks finds it. */
static bool lost(const struct commit_store *commits, uint64_t version, struct err *err)
{
    struct commit_entry entry;
    struct err why = *err;
    bool has_entry = false;
    *err = (struct err){ 0 };
    if (!entry_get(commits, version, &entry, &has_entry, err)) return false;
    if (has_entry && !entry_finish(commits, &entry, err)) return false;
    *err = why;
    return false;
}

/* The entry is ours: version is decided. What fails from here on, the next one does. ERR_EXISTS: a writer that does not use
 * the lock has the version all the same; it keeps it, for others may have read it. */
static bool won(struct commit_store *commits, const struct commit_entry *entry, const char *temp_key, const char *key,
                struct bytes bytes, struct err *err)
{
    struct err why = { 0 };
    bool is_ours = true;
    fail_point("commit_store.after_entry");
    bool ok = commit_place(commits, key, bytes, &is_ours, &why);
    fail_point("commit_store.after_copy");
    if (ok) temp_delete(commits, temp_key); /* before the entry: see entry_finish */
    if (ok) ok = entry_complete(commits, entry->version, &why);
    if (ok) {
        pthread_mutex_lock(&commits->lock);
        commits->next_version = entry->version + 1;
        pthread_mutex_unlock(&commits->lock);
    } else {
        log_warn(commits->options.log, "commit_store.left_half_done", log_text("table", commits->table_uri),
                 log_number("version", (int64_t)entry->version), log_text("err", why.text));
    }
    if (is_ours) return true;
    log_error(commits->options.log, "commit_store.writer_without_lock", log_text("table", commits->table_uri),
              log_number("version", (int64_t)entry->version));
    return err_set(err, ERR_EXISTS, "version %" PRIu64 " of \"%.100s\" is of a writer that does not use the lock",
                   entry->version, commits->table_uri);
}

bool commit_store_put(struct commit_store *commits, uint64_t version, struct bytes bytes, struct err *err)
{
    struct commit_entry entry = { .version = version };
    char key[OBJECT_KEY_BYTES_MAX + 1], temp_key[OBJECT_KEY_BYTES_MAX + 1], id[UUID_TEXT_BYTES + 1];
    bool exists = false;
    uuid_to_text(uuid_random(), id);
    snprintf(entry.temp_path, sizeof entry.temp_path, ".tmp/%020" PRIu64 ".json.%s", version, id);
    if (!commit_key_make(commits, version, key, err) || !key_make(commits, entry.temp_path, temp_key, err))
        return false;
    if (!commit_exists(commits, version, &exists, err)) return false;
    if (exists)
        return err_set(err, ERR_EXISTS, "version %" PRIu64 " of \"%.100s\" is there", version, commits->table_uri);
    if (!previous_check(commits, version, err)) return false;
    if (!object_put(commits->options.store, temp_key, bytes, err)) return false;
    fail_point("commit_store.after_temp");
    if (entry_put(commits, &entry, err)) return won(commits, &entry, temp_key, key, bytes, err);
    if (err->code != ERR_EXISTS) { /* it may be in: the temp file stays, and whoever asks next looks */
        look_soon(commits);
        return false;
    }
    temp_delete(commits, temp_key);
    return lost(commits, version, err);
}
