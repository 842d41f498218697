/* index.c -- one unit of upkeep of a project's index: a merge of runs, or files that no run covers yet. */
#include "timefusion/maintenance/maintenance_inside.h"

#define FILES_MAX 16u /* read in one unit */

enum unit_end index_unit(struct unit *unit, enum schema_table_id table, struct uuid project_id, struct err *err)
{
    bool is_done;
    if (!timefusion_index_work(unit->maintenance->options.timefusion, table, project_id, FILES_MAX, &is_done, err))
        return UNIT_FAILED;
    return is_done ? UNIT_NOTHING : UNIT_DONE;
}
