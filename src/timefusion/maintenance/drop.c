/* drop.c -- days past a project's retention leave the table; vacuum deletes their files later. */
#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/fail.h"
#include "timefusion/maintenance/maintenance_inside.h"

#define UNIT_FILES_MAX 500

static void predicate_put(char text[256], struct uuid project_id, int32_t day_first_kept)
{
    char id[UUID_TEXT_BYTES + 1], date[16];
    uuid_to_text(project_id, id);
    date_text(day_first_kept, date);
    snprintf(text, 256, "{\"predicate\":\"[\\\"((project_id = '%s') AND (date < '%s'))\\\"]\"}", id, date);
}

enum unit_end drop_unit(struct unit *unit, enum schema_table_id table, struct uuid project_id, int32_t day_first_kept,
                        struct err *err)
{
    struct delta_snapshot *snapshot =
        delta_snapshot_acquire(timefusion_delta(unit->maintenance->options.timefusion, table));
    const char **removes = mem_alloc(UNIT_FILES_MAX * sizeof *removes);
    uint32_t first, count, remove_count = 0;
    delta_snapshot_project(snapshot, project_id, &first, &count);
    for (uint32_t f = count; f-- > 0 && remove_count < UNIT_FILES_MAX;) { /* newest first, so from the end */
        const struct delta_file *file = delta_snapshot_file(snapshot, first + f);
        if (file->day >= day_first_kept) continue;
        removes[remove_count++] = file->path;
        unit->result.bytes_removed += file->bytes;
        if (file->row_count != DELTA_ROWS_UNKNOWN) unit->result.rows += file->row_count;
    }
    enum unit_end end = UNIT_NOTHING;
    if (remove_count > 0) {
        char predicate[256];
        bool is_certain;
        predicate_put(predicate, project_id, day_first_kept);
        struct delta_change change = { .removes = removes,
                                       .remove_count = remove_count,
                                       .operation = "DELETE",
                                       .parameters_json = predicate,
                                       .data_change = true };
        fail_point("maintenance.before_drop");
        end = unit_commit(unit, table, &change, &is_certain, err);
        fail_point("maintenance.after_drop");
        unit->result.files_removed = remove_count;
    }
    free(removes);
    delta_snapshot_release(snapshot);
    return end;
}
