/* recode.c -- one unit of recoding: rows of a day's files, sorted by (hour, service, timestamp), in new and smaller files. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fail.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance_inside.h"

/* Some seconds of one core at 7 us a row. A file over it is a unit alone. */
#define UNIT_ROWS_MAX  500000
#define UNIT_BYTES_MAX (64ull << 20)
#define ROWS_MAX       30000 /* of a row group */

struct recoding {
    struct unit *unit;
    struct file_builder *builder;
};

static bool recoding_sink(void *ctx, struct columns *columns, struct err *err)
{
    struct recoding *recoding = ctx;
    return !unit_is_cancelled(recoding->unit, err) && file_builder_add(recoding->builder, columns, err);
}

/* Files of the next unit, at the front of files->files. False: the store could not be asked. */
static bool files_choose(struct maintenance *maintenance, struct partition partition, bool only_foreign,
                         struct partition_files *files, uint32_t *count, struct err *err)
{
    if (only_foreign) {
        uint32_t kept = 0;
        for (uint32_t f = 0; f < files->count; f++)
            if (partition_file_weight(maintenance, partition.table, files->files[f], err) == PLAN_FOREIGN)
                files->files[kept++] = files->files[f];
        files->count = kept;
        if (err->code != ERR_OK) return false;
    }
    struct plan_size *sizes = mem_alloc((files->count + 1) * sizeof *sizes);
    for (uint32_t f = 0; f < files->count; f++) {
        const struct delta_file *file = files->files[f];
        sizes[f] = (struct plan_size){ file->row_count == DELTA_ROWS_UNKNOWN ? file->bytes / 100 : file->row_count,
                                       file->bytes };
    }
    *count = plan_recode(sizes, files->count, UNIT_ROWS_MAX, UNIT_BYTES_MAX);
    free(sizes);
    return true;
}

/* What the files hold by their own footers. */
static bool rows_count(struct timefusion_snapshot *snapshot, uint64_t *rows, struct err *err)
{
    *rows = 0;
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        const struct parquet_footer *footer;
        if (!timefusion_file_footer(snapshot->files[f], &footer, err)) return false;
        *rows += footer->row_count;
    }
    return true;
}

static bool rows_recode(struct unit *unit, struct timefusion_snapshot *snapshot, struct file_builder *builder,
                        struct err *err)
{
    struct maintenance *maintenance = unit->maintenance;
    struct recoding recoding = { unit, builder };
    uint64_t rows;
    struct rewriter_work work = { .snapshot = snapshot,
                                  .files = snapshot->files,
                                  .file_count = snapshot->file_count,
                                  .order = REWRITER_BY_HOUR_SERVICE,
                                  .rows_max = ROWS_MAX,
                                  .memory_bytes_max = maintenance->options.memory_bytes_max,
                                  .cancel = unit->cancel,
                                  .sink = recoding_sink,
                                  .ctx = &recoding };
    if (!rows_count(snapshot, &rows, err) || !maintenance->rewriter.run(maintenance->rewriter.ctx, &work, err))
        return false;
    if (file_builder_row_count(builder) == rows) return true;
    return err_set(err, ERR_CORRUPT, "files of %" PRIu64 " rows gave %" PRIu64 " when recoded: they stay as they are",
                   rows, file_builder_row_count(builder));
}

static enum unit_end recoded_commit(struct unit *unit, struct partition partition,
                                    const struct delta_file *const *files, uint32_t count, struct file_builder *builder,
                                    bool *keep_files, struct err *err)
{
    const struct delta_add *adds;
    uint32_t add_count;
    if (!file_builder_finish(builder, &adds, &add_count, err)) return UNIT_FAILED;
    fail_point("maintenance.after_recode");
    if (unit_is_cancelled(unit, err)) return UNIT_FAILED;
    if (!partition_still_has(unit->maintenance, partition, files, count)) return UNIT_CONFLICT;
    bool is_certain;
    enum unit_end end = unit_replace(unit, partition.table, files, count, adds, add_count, &is_certain, err);
    fail_point("maintenance.after_recode_commit");
    *keep_files = end == UNIT_DONE || !is_certain;
    unit->result.rows = file_builder_row_count(builder);
    return end;
}

enum unit_end recode_unit(struct unit *unit, struct partition partition, bool only_foreign, struct err *err)
{
    struct maintenance *maintenance = unit->maintenance;
    struct partition_files files;
    if (!maintenance->rewriter.run) return UNIT_NOTHING;
    partition_files_init(&files, maintenance, partition, PARTITION_WARM);
    uint32_t count = 0;
    enum unit_end end =
        files_choose(maintenance, partition, only_foreign, &files, &count, err) ? UNIT_NOTHING : UNIT_FAILED;
    if (count > 0) {
        bool keep_files = false;
        struct timefusion_snapshot *snapshot =
            timefusion_snapshot_of(maintenance->options.timefusion, partition.table, files.files, count);
        struct file_builder *builder =
            file_builder_create(&(struct file_builder_options){ .timefusion = maintenance->options.timefusion,
                                                                .table = snapshot->table,
                                                                .project_id = partition.project_id,
                                                                .day = partition.day,
                                                                .is_cold = !only_foreign });
        end = rows_recode(unit, snapshot, builder, err)
                  ? recoded_commit(unit, partition, files.files, count, builder, &keep_files, err)
              : partition_still_has(maintenance, partition, files.files, count) ? UNIT_FAILED
                                                                                : UNIT_CONFLICT;
        file_builder_close(builder, keep_files);
        timefusion_snapshot_release(snapshot);
    }
    partition_files_deinit(&files);
    return end;
}
