/* join.c -- one unit of joining: small files of a day become one by copying their row groups. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "timefusion/file.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance_inside.h"

#define FETCH_BYTES (8u << 20)

/* The files to join, opened on the local disk: where they are, or as copies in tmp. */
struct inputs {
    struct disk *disk;
    struct parquet_input inputs[PLAN_FULL];
    char *copies[PLAN_FULL]; /* NULL: not a copy */
    uint32_t count;
};
struct joined {
    struct uuid id;
    char path[160], tmp[1024];
    uint64_t bytes;
    struct parquet_footer *footer;
    struct index_values *values; /* NULL: to be indexed later */
};

static void inputs_close(struct inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->count; i++) {
        struct err ignored = { 0 };
        if (inputs->inputs[i].file) inputs->disk->ops->close(inputs->inputs[i].file);
        if (inputs->copies[i]) (void)!inputs->disk->ops->unlink(inputs->disk, inputs->copies[i], &ignored);
        free(inputs->copies[i]);
    }
}

/* From a store that is not here into a file of tmp that stays open. */
static bool input_fetch(struct unit *unit, struct inputs *inputs, uint32_t at, struct file *file, struct err *err)
{
    struct disk_file **out = &inputs->inputs[at].file;
    char path[1024], id[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_random(), id);
    snprintf(path, sizeof path, "%s/%s.input", timefusion_tmp_dir(unit->maintenance->options.timefusion), id);
    if (!inputs->disk->ops->open(inputs->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, out, err))
        return false;
    inputs->copies[at] = mem_strdup(path);
    uint8_t *piece = mem_alloc(FETCH_BYTES);
    bool ok = true;
    for (uint64_t done = 0; ok && done < file->shown.bytes;) {
        size_t len = file->shown.bytes - done < FETCH_BYTES ? (size_t)(file->shown.bytes - done) : FETCH_BYTES;
        struct bytes part = { piece, len };
        ok = !unit_is_cancelled(unit, err) && timefusion_file_read(&file->shown, done, piece, len, err) &&
             inputs->disk->ops->pwrite(*out, done, &part, 1, err);
        done += len;
    }
    free(piece);
    return ok;
}

static bool inputs_open(struct unit *unit, struct timefusion_snapshot *snapshot, struct inputs *inputs, struct err *err)
{
    *inputs = (struct inputs){ .disk = timefusion_disk(unit->maintenance->options.timefusion) };
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        struct file *file = (struct file *)snapshot->files[f];
        char path[1024];
        inputs->count = f + 1;
        inputs->inputs[f].bytes = file->shown.bytes;
        bool ok = object_local_path(file->store, file->key, path, sizeof path)
                      ? inputs->disk->ops->open(inputs->disk, path, DISK_READ, &inputs->inputs[f].file, err)
                      : input_fetch(unit, inputs, f, file, err);
        if (!ok || unit_is_cancelled(unit, err)) return false;
    }
    return true;
}

static bool joined_make(struct unit *unit, struct partition partition, bool is_cold,
                        struct timefusion_snapshot *snapshot, struct joined *joined, struct err *err)
{
    struct inputs inputs;
    struct disk_file *out;
    char id[UUID_TEXT_BYTES + 1];
    bool ok = inputs_open(unit, snapshot, &inputs, err);
    if (ok) {
        *joined = (struct joined){ .id = uuid_by_time() };
        uuid_to_text(joined->id, id);
        file_builder_path(partition.project_id, partition.day, joined->id, is_cold, joined->path);
        snprintf(joined->tmp, sizeof joined->tmp, "%s/%s.parquet",
                 timefusion_tmp_dir(unit->maintenance->options.timefusion), id);
        ok = inputs.disk->ops->open(inputs.disk, joined->tmp, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                                    &out, err);
        if (ok) {
            ok = parquet_join(inputs.disk, inputs.inputs, inputs.count, snapshot->table, out, true, &joined->bytes,
                              &joined->footer, err);
            if (ok) joined->values = index_values_read_local(inputs.disk, out, joined->bytes, snapshot->table);
            inputs.disk->ops->close(out);
            struct err ignored = { 0 };
            if (!ok) (void)!inputs.disk->ops->unlink(inputs.disk, joined->tmp, &ignored);
        }
    }
    inputs_close(&inputs);
    fail_point("maintenance.after_join");
    return ok;
}

/* Puts the joined file into the store and the table, in place of the others. */
static enum unit_end joined_commit(struct unit *unit, struct partition partition, const struct delta_file *const *files,
                                   uint32_t count, struct joined *joined, struct err *err)
{
    struct timefusion *timefusion = unit->maintenance->options.timefusion;
    struct disk *disk = timefusion_disk(timefusion);
    struct err ignored = { 0 };
    char key[FILE_KEY_BYTES];
    file_key(schema_table(partition.table), joined->path, key);
    if (unit_is_cancelled(unit, err) || !object_put_file(timefusion_store(timefusion), key, joined->tmp, err)) {
        (void)!disk->ops->unlink(disk, joined->tmp, &ignored);
        return UNIT_FAILED;
    }
    fail_point("maintenance.after_put");
    struct delta_add add = { .path = joined->path,
                             .project_id = partition.project_id,
                             .day = partition.day,
                             .bytes = joined->bytes,
                             .footer = joined->footer };
    bool is_certain;
    enum unit_end end = unit_replace(unit, partition.table, files, count, &add, 1, &is_certain, err);
    if (end != UNIT_DONE && is_certain) (void)!object_delete(timefusion_store(timefusion), key, &ignored);
    fail_point("maintenance.after_commit");
    if (end == UNIT_DONE) {
        index_note(timefusion_index(timefusion), schema_table(partition.table), partition.project_id, key,
                   joined->values);
        joined->values = NULL;
    }
    unit->result.rows = joined->footer->row_count;
    return end;
}

struct weigh {
    struct maintenance *maintenance;
    enum schema_table_id table;
    const struct delta_file *const *files;
    struct err err; /* the store could not be asked */
};

static uint32_t weigh(void *ctx, uint32_t file)
{
    struct weigh *at = ctx;
    return partition_file_weight(at->maintenance, at->table, at->files[file], &at->err);
}

enum unit_end join_unit(struct unit *unit, struct partition partition, enum partition_part part, enum plan_mode mode,
                        struct err *err)
{
    struct maintenance *maintenance = unit->maintenance;
    struct partition_files files;
    uint32_t picked[PLAN_FULL];
    const struct delta_file *inputs[PLAN_FULL];
    partition_files_init(&files, maintenance, partition, part);
    struct weigh at = { .maintenance = maintenance, .table = partition.table, .files = files.files };
    uint32_t count = plan_join(&(struct plan_weights){ weigh, &at }, files.count, mode, picked);
    enum unit_end end = at.err.code == ERR_OK ? UNIT_NOTHING : UNIT_FAILED;
    if (end == UNIT_FAILED) {
        *err = at.err;
    } else if (count > 0) {
        struct joined joined = { 0 };
        for (uint32_t p = 0; p < count; p++) inputs[p] = files.files[picked[p]];
        struct timefusion_snapshot *snapshot =
            timefusion_snapshot_of(maintenance->options.timefusion, partition.table, inputs, count);
        end = UNIT_FAILED;
        if (!joined_make(unit, partition, part == PARTITION_COLD, snapshot, &joined, err)) {
            if (!partition_still_has(maintenance, partition, inputs, count)) end = UNIT_CONFLICT;
        } else if (!partition_still_has(maintenance, partition, inputs, count)) {
            struct err ignored = { 0 };
            struct disk *disk = timefusion_disk(maintenance->options.timefusion);
            (void)!disk->ops->unlink(disk, joined.tmp, &ignored);
            end = UNIT_CONFLICT;
        } else {
            end = joined_commit(unit, partition, inputs, count, &joined, err);
        }
        parquet_footer_destroy(joined.footer);
        index_values_destroy(joined.values);
        timefusion_snapshot_release(snapshot);
    }
    partition_files_deinit(&files);
    return end;
}
