/* vacuum.c -- files of a table that no version needs any more are deleted.
 *
 *   kept: what the newest version names; what it removed less than keep_ms ago; what a query of this process holds;
 *         and files that the log does not know until they are old: a flush or another writer may be about to commit them
 *
 * Only below the partition folders, and only *.parquet: the rest is somebody else's. Folders that begin with "_" are passed
 * over. The log says VACUUM START and VACUUM END, as Delta's own vacuum does. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/maintenance_inside.h"

#define KEEP_MS_DEFAULT  (7 * 24 * 3600 * INT64_C(1000)) /* Delta's delta.deletedFileRetentionDuration */
#define UNKNOWN_KEEP_MS  (3600 * INT64_C(1000))          /* of files that the log does not know, at least */
#define BATCH_FILES      1000                            /* S3 deletes as many at once */
#define DELETE_FILES     100                             /* between two looks at cancel */
#define PREPARED_KEEP_US (24 * 3600 * INT64_C(1000000))
#define UNIT_NS          5000000000ull /* of a unit that nobody waits for */

/* Files that the table knows: by hash of path, when they were removed; INT64_MAX: live. Two paths of one hash keep a file
 * too much. */
struct known {
    struct known_slot {
        uint64_t hash; /* 0: empty */
        int64_t removed_unix_ms;
    } * slots;
    uint64_t cap, used;
};
struct vacuum {
    struct unit *unit;
    const struct maintenance_request *request;
    const struct schema_table *table;
    struct known known;
    int64_t now_unix_ms, keep_ms;
    size_t prefix_len; /* of "<table>/" */
    char last[OBJECT_KEY_BYTES_MAX + 1];
    char *batch[BATCH_FILES]; /* keys */
    uint64_t batch_bytes[BATCH_FILES];
    uint32_t batch_count;
    bool is_started; /* VACUUM START is in the log */
};

static struct known_slot *known_slot(const struct known *known, uint64_t hash)
{
    uint64_t at = hash & (known->cap - 1);
    while (known->slots[at].hash != 0 && known->slots[at].hash != hash) at = (at + 1) & (known->cap - 1);
    return &known->slots[at];
}

static uint64_t known_hash(const char *path)
{
    uint64_t hash = hash64_of(bytes_of_text(path));
    return hash != 0 ? hash : 1;
}

static void known_put(struct known *known, const char *path, int64_t removed_unix_ms)
{
    if ((known->used + 1) * 2 > known->cap) {
        struct known old = *known;
        *known = (struct known){ .cap = old.cap ? old.cap * 2 : 1024, .used = old.used };
        known->slots = mem_calloc(known->cap, sizeof *known->slots);
        for (uint64_t s = 0; s < old.cap; s++)
            if (old.slots[s].hash != 0) *known_slot(known, old.slots[s].hash) = old.slots[s];
        free(old.slots);
    }
    struct known_slot *slot = known_slot(known, known_hash(path));
    if (slot->hash == 0) {
        *slot = (struct known_slot){ known_hash(path), removed_unix_ms };
        known->used++;
    } else if (removed_unix_ms > slot->removed_unix_ms) {
        slot->removed_unix_ms = removed_unix_ms;
    }
}

static bool removed_put(void *ctx, const struct delta_removed *removed)
{
    known_put(ctx, removed->path, removed->deletion_unix_ms);
    return true;
}

/* Live first, removed second: a file that is removed between the two looks counts as live. */
static void known_read(struct vacuum *vacuum)
{
    struct delta_table *delta = timefusion_delta(vacuum->unit->maintenance->options.timefusion, vacuum->table->id);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(delta);
    for (uint32_t f = 0; f < snapshot->file_count; f++)
        known_put(&vacuum->known, delta_snapshot_file(snapshot, f)->path, INT64_MAX);
    delta_snapshot_release(snapshot);
    delta_removed_each(delta, removed_put, &vacuum->known);
}

static bool path_is_ours(const char *path)
{
    size_t len = strlen(path);
    if (strncmp(path, "project_id=", 11) != 0 || len < 8 || strcmp(path + len - 8, ".parquet") != 0) return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (part[0] == '_' || part[0] == '.') return false;
    return true;
}

static bool is_expendable(struct vacuum *vacuum, const char *path, int64_t modified_unix_us)
{
    const struct known_slot *slot = known_slot(&vacuum->known, known_hash(path));
    int64_t modified_unix_ms = modified_unix_us / 1000, keep_ms = vacuum->keep_ms;
    bool is_removed = slot->hash != 0 && slot->removed_unix_ms > 0;
    if (slot->hash != 0 && slot->removed_unix_ms == INT64_MAX) return false;
    if (!is_removed && keep_ms < UNKNOWN_KEEP_MS) keep_ms = UNKNOWN_KEEP_MS;
    int64_t since_ms = is_removed ? slot->removed_unix_ms : modified_unix_ms;
    if (vacuum->now_unix_ms - since_ms < keep_ms) return false;
    return !timefusion_file_is_held(vacuum->unit->maintenance->options.timefusion, vacuum->table->id, path);
}

static bool listed(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct vacuum *vacuum = ctx;
    struct err ignored = { 0 };
    const char *path = key + vacuum->prefix_len;
    snprintf(vacuum->last, sizeof vacuum->last, "%s", key);
    if (unit_is_cancelled(vacuum->unit, &ignored)) return false;
    if (!path_is_ours(path) || !is_expendable(vacuum, path, modified_unix_us)) return true;
    vacuum->batch[vacuum->batch_count] = mem_strdup(key);
    vacuum->batch_bytes[vacuum->batch_count++] = bytes;
    return vacuum->batch_count < BATCH_FILES;
}

/* A commit that changes nothing: it tells readers of the history. */
static bool vacuum_note(struct vacuum *vacuum, const char *operation, const char *parameters, const char *metrics,
                        struct err *err)
{
    struct delta_change change = { .operation = operation, .parameters_json = parameters, .metrics_json = metrics };
    return delta_commit(timefusion_delta(vacuum->unit->maintenance->options.timefusion, vacuum->table->id), &change,
                        &vacuum->unit->result.version, err);
}

/* Counts of the first batch: how many there are in all is not known before. */
static bool vacuum_start(struct vacuum *vacuum, struct err *err)
{
    char parameters[200], metrics[160];
    uint64_t bytes = 0;
    if (vacuum->is_started) return true;
    for (uint32_t f = 0; f < vacuum->batch_count; f++) bytes += vacuum->batch_bytes[f];
    snprintf(parameters, sizeof parameters,
             "{\"retentionCheckEnabled\":\"%s\",\"specifiedRetentionMillis\":\"%" PRId64
             "\",\"defaultRetentionMillis\":\"%" PRId64 "\"}",
             vacuum->keep_ms < KEEP_MS_DEFAULT ? "false" : "true", vacuum->keep_ms, KEEP_MS_DEFAULT);
    snprintf(metrics, sizeof metrics, "{\"numFilesToDelete\":\"%u\",\"sizeOfDataToDelete\":\"%" PRIu64 "\"}",
             vacuum->batch_count, bytes);
    vacuum->is_started = vacuum_note(vacuum, "VACUUM START", parameters, metrics, err);
    fail_point("maintenance.after_vacuum_start");
    return vacuum->is_started;
}

static bool vacuum_end(struct vacuum *vacuum, bool ok, struct err *err)
{
    char metrics[160];
    if (!vacuum->is_started) return ok;
    fail_point("maintenance.before_vacuum_end");
    snprintf(metrics, sizeof metrics, "{\"numDeletedFiles\":\"%" PRIu64 "\",\"numVacuumedDirectories\":\"0\"}",
             vacuum->unit->result.files_removed);
    struct err end_err = { 0 };
    bool noted = vacuum_note(vacuum, "VACUUM END", ok ? "{\"status\":\"COMPLETED\"}" : "{\"status\":\"FAILED\"}",
                             metrics, &end_err);
    if (ok && !noted) *err = end_err;
    return ok && noted;
}

/* Held or not is asked once more: a query may have come to a file that the first look found free, through a snapshot that
 * is older than the removal. */
static bool batch_delete(struct vacuum *vacuum, struct err *err)
{
    struct timefusion *timefusion = vacuum->unit->maintenance->options.timefusion;
    struct maintenance_result *result = &vacuum->unit->result;
    for (uint32_t from = 0; from < vacuum->batch_count;) {
        const char *keys[DELETE_FILES];
        uint64_t bytes = 0;
        uint32_t count = 0;
        if (unit_is_cancelled(vacuum->unit, err)) return false;
        for (; from < vacuum->batch_count && count < DELETE_FILES; from++) {
            const char *path = vacuum->batch[from] + vacuum->prefix_len;
            if (timefusion_file_is_held(timefusion, vacuum->table->id, path)) continue;
            if (vacuum->request->file) vacuum->request->file(vacuum->request->ctx, path, vacuum->batch_bytes[from]);
            keys[count++] = vacuum->batch[from];
            bytes += vacuum->batch_bytes[from];
        }
        if (!vacuum->request->is_dry_run && count > 0 &&
            !object_delete_many(timefusion_store(timefusion), keys, count, err))
            return false;
        fail_point("maintenance.between_deletes");
        result->files_removed += count;
        result->bytes_removed += bytes;
    }
    return true;
}

static void batch_drop(struct vacuum *vacuum)
{
    for (uint32_t f = 0; f < vacuum->batch_count; f++) free(vacuum->batch[f]);
    vacuum->batch_count = 0;
}

static bool vacuum_run(struct vacuum *vacuum, struct err *err)
{
    struct object_store *store = timefusion_store(vacuum->unit->maintenance->options.timefusion);
    char prefix[128], id[UUID_TEXT_BYTES + 1] = "";
    if (vacuum->request->project_id) uuid_to_text(*vacuum->request->project_id, id);
    snprintf(prefix, sizeof prefix, "%s/project_id=%s%s", vacuum->table->name, id, id[0] ? "/" : "");
    vacuum->prefix_len = strlen(vacuum->table->name) + 1;
    uint64_t end_ns = clock_mono_ns() + UNIT_NS;
    for (bool has_more = true; has_more;) {
        if (!object_list_from(store, prefix, vacuum->last, listed, vacuum, err)) return false;
        if (unit_is_cancelled(vacuum->unit, err)) return false;
        has_more = vacuum->batch_count == BATCH_FILES;
        if (vacuum->batch_count == 0) break;
        if (!vacuum->request->is_dry_run && !vacuum_start(vacuum, err)) return false;
        if (!batch_delete(vacuum, err)) return false;
        batch_drop(vacuum);
        if (has_more && vacuum->unit->is_background && clock_mono_ns() > end_ns) {
            vacuum->unit->has_more = true;
            return true;
        }
    }
    vacuum->last[0] = '\0';
    return true;
}

/* How long removed files are kept. Longer than the table says cannot be: it forgets when they were removed. */
static bool keep_find(struct unit *unit, const struct maintenance_request *request, int64_t *keep_ms, struct err *err)
{
    struct delta_table *delta = timefusion_delta(unit->maintenance->options.timefusion, request->table);
    int64_t table_ms = delta_configuration_ms(delta, "delta.deletedFileRetentionDuration", KEEP_MS_DEFAULT);
    int64_t setting_ms = unit->maintenance->options.vacuum_keep_ms;
    *keep_ms = setting_ms >= 0 && setting_ms < table_ms ? setting_ms : table_ms;
    if (request->keep_ms < 0) return true;
    *keep_ms = request->keep_ms;
    if (request->keep_ms <= table_ms) return true;
    return err_set(err, ERR_INPUT,
                   "table \"%s\" knows its removed files for %" PRId64
                   " hours only: set delta.deletedFileRetentionDuration first",
                   schema_table(request->table)->name, table_ms / 3600000);
}

enum unit_end vacuum_table(struct unit *unit, const struct maintenance_request *request, struct err *err)
{
    struct vacuum *vacuum = mem_calloc(1, sizeof *vacuum);
    vacuum->unit = unit;
    vacuum->request = request;
    vacuum->table = schema_table(request->table);
    vacuum->now_unix_ms = clock_unix_us() / 1000;
    bool ok = keep_find(unit, request, &vacuum->keep_ms, err) &&
              delta_refresh(timefusion_delta(unit->maintenance->options.timefusion, request->table), err);
    if (ok) {
        known_read(vacuum);
        if (vacuum->known.cap == 0) known_put(&vacuum->known, "", INT64_MAX); /* a table without files */
        char **after = &unit->maintenance->vacuum_after[request->table];
        if (unit->is_background && *after) snprintf(vacuum->last, sizeof vacuum->last, "%s", *after);
        ok = vacuum_end(vacuum, vacuum_run(vacuum, err), err);
        if (unit->is_background && ok) {
            free(*after);
            *after = vacuum->last[0] ? mem_strdup(vacuum->last) : NULL;
        }
    }
    batch_drop(vacuum);
    free(vacuum->known.slots);
    bool has_worked = unit->result.files_removed > 0;
    free(vacuum);
    return !ok ? UNIT_FAILED : has_worked ? UNIT_DONE : UNIT_NOTHING;
}

/* ---- the log ---- */

/* Commits that a writer with a lock prepared and has published since: Spark leaves them there. Those of versions that the
 * log does not have yet may be all there is of a commit. */
struct prepared {
    uint64_t version_max;
    int64_t before_unix_us;
    char *keys[BATCH_FILES];
    uint32_t count;
};

static bool prepared_listed(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct prepared *prepared = ctx;
    const char *name = strrchr(key, '/') + 1;
    char *end;
    unsigned long long version = strtoull(name, &end, 10);
    (void)bytes;
    bool is_one = name[0] >= '0' && name[0] <= '9' && end == name + 20 && strncmp(end, ".json.", 6) == 0;
    if (is_one && version <= prepared->version_max && modified_unix_us < prepared->before_unix_us)
        prepared->keys[prepared->count++] = mem_strdup(key);
    return prepared->count < BATCH_FILES;
}

static bool prepared_clean(struct unit *unit, enum schema_table_id table, uint32_t *deleted, struct err *err)
{
    struct timefusion *timefusion = unit->maintenance->options.timefusion;
    struct prepared *prepared = mem_calloc(1, sizeof *prepared);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(timefusion, table));
    char prefix[128];
    prepared->version_max = snapshot->version;
    prepared->before_unix_us = clock_unix_us() - PREPARED_KEEP_US;
    delta_snapshot_release(snapshot);
    snprintf(prefix, sizeof prefix, "%s/_delta_log/.tmp/", schema_table(table)->name);
    bool ok = object_list(timefusion_store(timefusion), prefix, prepared_listed, prepared, err) &&
              (prepared->count == 0 || object_delete_many(timefusion_store(timefusion),
                                                          (const char *const *)prepared->keys, prepared->count, err));
    if (ok) *deleted += prepared->count;
    for (uint32_t k = 0; k < prepared->count; k++) free(prepared->keys[k]);
    free(prepared);
    return ok;
}

enum unit_end log_clean(struct unit *unit, enum schema_table_id table, struct err *err)
{
    uint32_t deleted = 0;
    if (!delta_clean_log(timefusion_delta(unit->maintenance->options.timefusion, table), &deleted, err) ||
        !prepared_clean(unit, table, &deleted, err))
        return UNIT_FAILED;
    unit->result.files_removed = deleted;
    return deleted > 0 ? UNIT_DONE : UNIT_NOTHING;
}
