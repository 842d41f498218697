#include "timefusion/flush.h"
#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/file.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUT_TOGETHER_MAX = 32 }; /* files joined before they go into the store: a bucket takes them side by side */

/* The files of one table's commit. */
struct table_files {
    struct object_file joined[PUT_TOGETHER_MAX]; /* not yet in the store */
    uint32_t joined_count;
    struct delta_add *adds;
    struct index_values **values; /* by add; NULL: not indexed */
    uint32_t count, cap;
    uint64_t row_count, bytes;
};

void flush_app_id(struct uuid buffer_id, uint32_t partition, char app_id[FLUSH_APP_ID_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(buffer_id, text);
    snprintf(app_id, FLUSH_APP_ID_BYTES, "monoscope/%s/%" PRIu32, text, partition);
}

static void owner_app_id(const struct flush_owner *owner, char app_id[FLUSH_APP_ID_BYTES])
{
    int len = snprintf(app_id, FLUSH_APP_ID_BYTES, "%s/owner", owner->app_id);
    assert(len > 0 && len < FLUSH_APP_ID_BYTES);
}

void flush_owner_read(struct timefusion *timefusion, struct flush_owner *owner)
{
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(timefusion, (enum schema_table_id)t));
        owner->txn[t] = delta_snapshot_txn(snapshot, owner->app_id);
        delta_snapshot_release(snapshot);
    }
}

/* Stands on each owner's epoch as this table has it now; false when that is not below the one to come. */
static bool epochs_stand_on(struct delta_table *delta, const struct flush_owner *owners,
                            struct delta_txn_change *changes, uint32_t count)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(delta);
    bool are_below = true;
    for (uint32_t o = 0; o < count; o++) {
        changes[o].version_before = delta_snapshot_txn(snapshot, changes[o].app_id);
        changes[o].version_after = owners[o].epoch;
        are_below = are_below && changes[o].version_before < (int64_t)owners[o].epoch;
    }
    delta_snapshot_release(snapshot);
    return are_below;
}

/* One try: epochs above all that any table knows, then the same in each. */
static bool fence_try(struct timefusion *timefusion, struct flush_owner *owners, struct delta_txn_change *changes,
                      uint32_t count, struct err *err)
{
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_table *delta = timefusion_delta(timefusion, (enum schema_table_id)t);
        if (!delta_refresh(delta, err)) return false;
        while (!epochs_stand_on(delta, owners, changes, count))
            for (uint32_t o = 0; o < count; o++)
                if (changes[o].version_before >= (int64_t)owners[o].epoch)
                    owners[o].epoch = (uint64_t)changes[o].version_before + 1;
    }
    /* Another who does the same at this moment must not take our commit for its own. */
    char token[UUID_TEXT_BYTES + 1], parameters[80];
    uuid_to_text(uuid_random(), token);
    snprintf(parameters, sizeof parameters, "{\"owner\":\"%s\"}", token);
    struct delta_change change = { .txns = changes, .txn_count = count, .parameters_json = parameters };
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_table *delta = timefusion_delta(timefusion, (enum schema_table_id)t);
        uint64_t version;
        if (!epochs_stand_on(delta, owners, changes, count))
            return err_set(err, ERR_CONFLICT, "another took partitions over in table \"%s\"", schema_table(t)->name);
        if (!delta_commit(delta, &change, &version, err)) return false;
    }
    return true;
}

#define FENCE_TRIES_MAX 10

bool flush_fence(struct timefusion *timefusion, struct flush_owner *owners, uint32_t count, struct err *err)
{
    struct delta_txn_change *changes = mem_calloc(count + 1, sizeof *changes);
    char(*ids)[FLUSH_APP_ID_BYTES] = mem_calloc(count + 1, sizeof *ids);
    bool ok = false;
    for (uint32_t o = 0; o < count; o++) {
        owners[o].epoch = 1;
        owner_app_id(&owners[o], ids[o]);
        changes[o].app_id = ids[o];
    }
    for (uint32_t tries = 0; !ok && tries < FENCE_TRIES_MAX; tries++) {
        *err = (struct err){ 0 };
        ok = count == 0 || fence_try(timefusion, owners, changes, count, err);
        if (!ok && err->code != ERR_CONFLICT) break;
    }
    free(changes);
    free(ids);
    if (!ok) return err_within(err, "could not take %u partitions over", count);
    for (uint32_t o = 0; o < count; o++) flush_owner_read(timefusion, &owners[o]);
    return true;
}

bool flush_is_covered(const struct delta_snapshot *snapshot, const struct file *segment)
{
    int64_t txn = delta_snapshot_txn(snapshot, segment->owner->app_id);
    return txn >= 0 && segment->shown.position_high <= (uint64_t)txn;
}

/* Puts the rows that are still in columns into one sealed segment, in place of their small ones. */
static bool group_seal(struct flush_group *group, struct timefusion *timefusion, struct parquet_writer *writer,
                       struct err *err)
{
    struct segments *segments = timefusion_segments(timefusion);
    if (!group->columns || columns_row_count(group->columns) == 0) return true;
    struct bytes bytes;
    struct file *segment;
    if (!parquet_write_shredded(writer, group->columns, 0, columns_row_count(group->columns), PARQUET_CODEC_ZSTD,
                                timefusion_shreds(timefusion), group->project_id, &bytes, err) ||
        !segment_write(segments, group->table, group->day, bytes, group->columns_range, &segment, err))
        return false;
    segments_swap(segments, group->table->id, group->project_id, group->small, group->small_count, &segment, 1);
    for (uint32_t s = 0; s < group->small_count; s++) file_release(group->small[s]);
    group->small_count = 0;
    columns_destroy(group->columns);
    group->columns = NULL;
    group->sealed = mem_realloc(group->sealed, (group->sealed_count + 1) * sizeof(struct file *));
    group->sealed[group->sealed_count++] = segment;
    return true;
}

static void joined_forget(struct timefusion *timefusion, struct table_files *commit, bool are_stored)
{
    struct disk *disk = timefusion_disk(timefusion);
    for (uint32_t j = 0; j < commit->joined_count; j++) {
        struct err ignored = { 0 };
        if (!are_stored) (void)!disk->ops->unlink(disk, commit->joined[j].path, &ignored);
        free((char *)commit->joined[j].key);
        free((char *)commit->joined[j].path);
    }
    commit->joined_count = 0;
}

/* Those that were joined go into the store. */
static bool joined_store(struct timefusion *timefusion, struct table_files *commit, struct err *err)
{
    bool ok = object_put_files(timefusion_store(timefusion), commit->joined, commit->joined_count, err);
    joined_forget(timefusion, commit, ok);
    return ok;
}

/* One file of at most PARQUET_ROW_GROUPS_MAX row groups, in the store soon but not yet in the table. */
static bool file_store(struct timefusion *timefusion, struct flush_group *group, struct file *const *inputs,
                       uint32_t input_count, struct table_files *commit, struct err *err)
{
    struct disk *disk = timefusion_disk(timefusion);
    struct disk_file *out;
    struct parquet_footer *footer = NULL;
    uint64_t bytes = 0;
    struct uuid file_id = uuid_by_time();
    char path[160], key[FILE_KEY_BYTES], tmp[1024], id[UUID_TEXT_BYTES + 1];
    delta_file_path(group->project_id, group->day, file_id, path);
    uuid_to_text(file_id, id);
    file_key(group->table, path, key);
    snprintf(tmp, sizeof tmp, "%s/%s.parquet", timefusion_tmp_dir(timefusion), id);

    if (!disk->ops->open(disk, tmp, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &out, err)) return false;
    bool joined = segment_join_into(disk, inputs, input_count, out, true, &bytes, &footer, err);
    struct index_values *values = joined ? index_values_read_local(disk, out, bytes, group->table) : NULL;
    disk->ops->close(out);
    fail_point("flush.after_join");
    if (!joined) {
        struct err ignored = { 0 };
        (void)!disk->ops->unlink(disk, tmp, &ignored);
        if (footer) parquet_footer_destroy(footer);
        index_values_destroy(values);
        return false;
    }
    if (commit->count == commit->cap) {
        commit->cap = commit->cap ? commit->cap * 2 : 16;
        commit->adds = mem_realloc(commit->adds, commit->cap * sizeof *commit->adds);
        commit->values = mem_realloc(commit->values, commit->cap * sizeof(struct index_values *));
    }
    commit->values[commit->count] = values;
    commit->adds[commit->count++] = (struct delta_add){
        .path = mem_strdup(path),
        .project_id = group->project_id,
        .day = group->day,
        .bytes = bytes,
        .footer = footer,
    };
    commit->row_count += footer->row_count;
    commit->bytes += bytes;
    commit->joined[commit->joined_count++] = (struct object_file){ mem_strdup(key), mem_strdup(tmp) };
    return commit->joined_count < PUT_TOGETHER_MAX || joined_store(timefusion, commit, err);
}

static bool group_store(struct timefusion *timefusion, struct flush_group *group, struct table_files *commit,
                        struct err *err)
{
    uint32_t first = 0;
    while (first < group->sealed_count) {
        uint32_t row_groups = 0, count = 0;
        while (first + count < group->sealed_count &&
               row_groups + group->sealed[first + count]->row_group_count <= PARQUET_ROW_GROUPS_MAX)
            row_groups += group->sealed[first + count++]->row_group_count;
        assert(count > 0); /* no segment is joined beyond the limit */
        if (!file_store(timefusion, group, &group->sealed[first], count, commit, err)) return false;
        first += count;
    }
    return true;
}

static void commit_deinit(struct table_files *commit, struct timefusion *timefusion, const struct schema_table *table,
                          bool delete_files)
{
    joined_forget(timefusion, commit, false);
    for (uint32_t a = 0; a < commit->count; a++) {
        if (delete_files) {
            struct err ignored = { 0 };
            char key[FILE_KEY_BYTES];
            file_key(table, commit->adds[a].path, key);
            (void)!object_delete(timefusion_store(timefusion), key, &ignored);
        }
        parquet_footer_destroy((struct parquet_footer *)commit->adds[a].footer);
        free((char *)commit->adds[a].path);
        index_values_destroy(commit->values[a]);
    }
    free(commit->values);
    free(commit->adds);
}

/* The table has the files: what is in them may be told. */
static void commit_index(struct table_files *commit, struct timefusion *timefusion, const struct schema_table *table)
{
    for (uint32_t a = 0; a < commit->count; a++) {
        char key[FILE_KEY_BYTES];
        file_key(table, commit->adds[a].path, key);
        index_note(timefusion_index(timefusion), table, commit->adds[a].project_id, key, commit->values[a]);
        commit->values[a] = NULL;
    }
}

/* What the commit stands on: the data's txn as this owner left it, and that nobody has taken the partition over. A commit
 * that failed may have happened: then the table has moved to just where this flush was to take it. */
static bool table_commit(struct flush *flush, struct timefusion *timefusion, enum schema_table_id id,
                         const struct table_files *commit, uint64_t *version, struct err *err)
{
    struct delta_table *delta = timefusion_delta(timefusion, id);
    struct flush_owner *owner = flush->owner;
    char owner_id[FLUSH_APP_ID_BYTES];
    owner_app_id(owner, owner_id);
    struct delta_txn_change txns[] = {
        { .app_id = owner->app_id, .version_before = owner->txn[id], .version_after = flush->position },
        { .app_id = owner_id, .version_before = (int64_t)owner->epoch, .version_after = owner->epoch },
    };
    struct delta_change change = { .adds = commit->adds,
                                   .add_count = commit->count,
                                   .txns = txns,
                                   .txn_count = owner->epoch > 0 ? 2 : 1,
                                   .data_change = true };
    bool ok = delta_commit(delta, &change, version, err);
    if (!ok && err->code == ERR_CONFLICT && flush->table_is_uncertain[id]) {
        struct delta_snapshot *now = delta_snapshot_acquire(delta);
        ok = delta_snapshot_txn(now, owner->app_id) == (int64_t)flush->position &&
             (owner->epoch == 0 || delta_snapshot_txn(now, owner_id) == (int64_t)owner->epoch);
        *version = now->version;
        delta_snapshot_release(now);
    }
    if (ok) {
        owner->txn[id] = (int64_t)flush->position;
    } else if (err->code != ERR_CONFLICT) {
        flush->table_is_uncertain[id] = true;
    }
    return ok;
}

static bool table_flush(struct flush *flush, struct timefusion *timefusion, struct parquet_writer *writer,
                        enum schema_table_id id, const struct log *log, struct err *err)
{
    const struct schema_table *table = schema_table(id);
    struct table_files commit = { 0 };
    uint64_t begin_ns = clock_mono_ns(), version = 0;
    struct span span;
    bool ok = true;
    span_begin(&span, log, flush->span, SPAN_INTERNAL, "flush.table");
    for (uint32_t g = 0; ok && g < flush->group_count; g++) {
        struct flush_group *group = &flush->groups[g];
        if (group->table->id != id) continue;
        ok = group_seal(group, timefusion, writer, err) && group_store(timefusion, group, &commit, err);
    }
    ok = ok && joined_store(timefusion, &commit, err);
    bool has_commit = commit.count > 0 || (flush->must_commit && id == 0);
    if (!ok || !has_commit) {
        commit_deinit(&commit, timefusion, table, true);
        if (!ok) span_end(&span, log, err_name(err->code), LOG_FIELDS(log_text("table", table->name)));
        return ok;
    }
    fail_point("flush.before_commit");
    ok = table_commit(flush, timefusion, id, &commit, &version, err);
    fail_point("flush.after_commit");
    if (ok)
        log_info(log, "flush.committed", log_text("table", table->name), log_number("version", (int64_t)version),
                 log_number("position", (int64_t)flush->position), log_number("files", commit.count),
                 log_number("rows", (int64_t)commit.row_count), log_number("bytes", (int64_t)commit.bytes),
                 log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    span_end(&span, log, ok ? NULL : err_name(err->code),
             LOG_FIELDS(log_text("table", table->name), log_number("version", (int64_t)version),
                        log_number("files", commit.count), log_number("rows", (int64_t)commit.row_count),
                        log_number("bytes", (int64_t)commit.bytes)));
    if (ok) commit_index(&commit, timefusion, table);
    /* After a failed commit it is not known whether the log names the files: they stay for vacuum to judge. */
    commit_deinit(&commit, timefusion, table, false);
    if (!ok) return err_within(err, "table \"%s\"", table->name);
    return true;
}

/* Delta has the rows from here on: the snapshot rule already hides these segments, now they go. */
static void table_segments_drop(struct flush *flush, struct timefusion *timefusion, enum schema_table_id id)
{
    for (uint32_t g = 0; g < flush->group_count; g++) {
        struct flush_group *group = &flush->groups[g];
        if (group->table->id != id) continue;
        segments_swap(timefusion_segments(timefusion), id, group->project_id, group->sealed, group->sealed_count, NULL,
                      0);
        for (uint32_t s = 0; s < group->sealed_count; s++) file_release(group->sealed[s]);
        group->sealed_count = 0;
    }
}

bool flush_run(struct flush *flush, struct timefusion *timefusion, struct parquet_writer *writer, const struct log *log,
               struct err *err)
{
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        if (flush->table_is_done[t]) continue;
        if (!table_flush(flush, timefusion, writer, (enum schema_table_id)t, log, err))
            return err_within(err, "could not flush up to position %" PRIu64, flush->position);
        flush->table_is_done[t] = true;
        table_segments_drop(flush, timefusion, (enum schema_table_id)t);
    }
    return true;
}

void flush_deinit(struct flush *flush)
{
    for (uint32_t g = 0; g < flush->group_count; g++) {
        struct flush_group *group = &flush->groups[g];
        for (uint32_t s = 0; s < group->sealed_count; s++) file_release(group->sealed[s]);
        for (uint32_t s = 0; s < group->small_count; s++) file_release(group->small[s]);
        free(group->sealed);
        free(group->small);
        columns_destroy(group->columns);
    }
    free(flush->groups);
    *flush = (struct flush){ 0 };
}
