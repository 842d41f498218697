/* look.c -- which partitions of a table may have work, from the log alone: nothing is opened. */
#include <stdlib.h>

#include "base/clock.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance_inside.h"

#define DAY_MS        (24 * 3600 * INT64_C(1000))
#define QUIET_MS      (3600 * INT64_C(1000)) /* a day that is over still gets late rows: wait for an hour without */
#define FILES_TO_JOIN 8
#define FILE_NAME_LEN 49 /* of "part-<uuid>.parquet" */

/* What a project has of one day. */
struct day {
    int32_t day;
    uint32_t warm, cold, warm_small, cold_small, foreign; /* small: not known to be full */
    int64_t modified_unix_ms;                             /* the newest warm file */
};
struct days {
    struct day *days;
    uint32_t count, cap;
};

static struct day *day_get(struct days *days, int32_t number)
{
    for (uint32_t d = days->count; d-- > 0;) /* files come by time: nearly always the last */
        if (days->days[d].day == number) return &days->days[d];
    if (days->count == days->cap) {
        days->cap = days->cap ? days->cap * 2 : 16;
        days->days = mem_realloc(days->days, days->cap * sizeof *days->days);
    }
    days->days[days->count] = (struct day){ .day = number };
    return &days->days[days->count++];
}

static void day_count(const struct maintenance *maintenance, struct day *day, const struct delta_file *file)
{
    uint32_t weight = partition_file_weight_known(maintenance, file);
    const char *name = strrchr(file->path, '/');
    bool is_cold = file_builder_is_cold(file->path), is_small = weight == UINT32_MAX || weight < PLAN_FULL / 2;
    bool is_ours = name && strlen(name + 1) == FILE_NAME_LEN && strncmp(name + 1, "part-", 5) == 0;
    if (is_cold) {
        day->cold++;
        day->cold_small += is_small;
        return;
    }
    day->warm++;
    day->warm_small += is_small && weight != PLAN_FOREIGN;
    day->foreign += weight == PLAN_FOREIGN || (weight == UINT32_MAX && !is_ours);
    if (file->modified_unix_ms > day->modified_unix_ms) day->modified_unix_ms = file->modified_unix_ms;
}

static void work_add(struct work_list *list, const struct work *work)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->works = mem_realloc(list->works, list->cap * sizeof *list->works);
    }
    list->works[list->count++] = *work;
}

static bool day_is_asked(const struct maintenance_request *request, int32_t day)
{
    return !request->has_days || (day >= request->day_first && day <= request->day_last);
}

static void day_look_asked(const struct look *look, struct partition partition, const struct day *day,
                           struct work_list *list)
{
    int32_t today = (int32_t)(clock_unix_us() / 1000 / DAY_MS);
    if (!day_is_asked(look->request, day->day)) return;
    struct work work = { .partition = partition, .kind = look->only, .mode = PLAN_ALL };
    if (look->only == MAINTENANCE_RECODE && day->warm > 0 && (day->day < today || look->request->has_days)) {
        work.file_count = day->warm;
        work_add(list, &work);
    }
    if (look->only != MAINTENANCE_JOIN) return;
    if (day->warm > 1) {
        work.file_count = day->warm;
        work.part = PARTITION_WARM;
        work_add(list, &work);
    }
    if (day->cold_small > 1) {
        work.file_count = day->cold_small;
        work.part = PARTITION_COLD;
        work_add(list, &work);
    }
}

/* The usual rules: few files while a day is under way; once it is over and quiet, the best there is, once. */
static void day_look(const struct look *look, struct partition partition, const struct day *day, struct work_list *list)
{
    const struct maintenance_options *options = &look->maintenance->options;
    bool can_recode = look->maintenance->rewriter.run != NULL, recodes = can_recode && options->recode_after_ms > 0;
    int64_t now_ms = clock_unix_us() / 1000, after_ms = recodes ? (int64_t)options->recode_after_ms : QUIET_MS;
    bool is_over = now_ms >= (day->day + INT64_C(1)) * DAY_MS + after_ms;
    bool is_quiet = now_ms - day->modified_unix_ms >= (after_ms < QUIET_MS ? after_ms : QUIET_MS);
    struct work work = { .partition = partition, .kind = MAINTENANCE_JOIN };
    if (recodes && is_over && is_quiet && day->warm > 0) {
        work.kind = MAINTENANCE_RECODE;
        work.file_count = day->warm;
        work_add(list, &work);
        return;
    }
    if (can_recode && day->foreign >= FILES_TO_JOIN) {
        work.kind = MAINTENANCE_RECODE;
        work.only_foreign = true;
        work.file_count = day->foreign;
        work_add(list, &work);
    }
    work = (struct work){ .partition = partition, .kind = MAINTENANCE_JOIN };
    bool closes = is_over && is_quiet && !recodes;
    if (day->warm_small >= (closes ? 2 : FILES_TO_JOIN)) {
        work.file_count = day->warm_small;
        work.part = PARTITION_WARM;
        work.mode = closes ? PLAN_CLOSING : PLAN_USUAL;
        work_add(list, &work);
    }
    if (day->cold_small >= (day->warm == 0 ? 2 : FILES_TO_JOIN)) {
        work.file_count = day->cold_small;
        work.part = PARTITION_COLD;
        work.mode = day->warm == 0 ? PLAN_CLOSING : PLAN_USUAL;
        work_add(list, &work);
    }
}

/* The first day that the project's table keeps; INT32_MIN: all. */
static int32_t first_kept(const struct look *look, struct uuid project_id)
{
    const struct maintenance_options *options = &look->maintenance->options;
    uint32_t kept = options->days_kept ? options->days_kept(options->ctx, project_id, look->table) : 0;
    if (kept == 0 || kept > INT32_MAX / 2) return INT32_MIN;
    return (int32_t)(clock_unix_us() / 1000 / DAY_MS) - (int32_t)kept;
}

static void index_look(const struct look *look, struct uuid project_id, const struct days *days, struct work_list *list)
{
    struct index *index = timefusion_index(look->maintenance->options.timefusion);
    struct work work = { .partition = { .table = look->table, .project_id = project_id },
                         .kind = MAINTENANCE_INDEX,
                         .file_count = 1 };
    int64_t newest_unix_ms = 0;
    for (uint32_t d = 0; d < days->count; d++)
        if (days->days[d].modified_unix_ms > newest_unix_ms) newest_unix_ms = days->days[d].modified_unix_ms;
    if (days->count > 0 && index_wants_work(index, schema_table(look->table), project_id, newest_unix_ms))
        work_add(list, &work);
}

static void project_look(const struct look *look, struct uuid project_id, const struct days *days,
                         struct work_list *list)
{
    if (look->request && look->request->project_id && !uuid_equal(*look->request->project_id, project_id)) return;
    bool drops = !look->request || look->only == MAINTENANCE_DROP;
    struct work drop = { .partition = { .table = look->table, .project_id = project_id },
                         .kind = MAINTENANCE_DROP,
                         .day_first_kept = drops ? first_kept(look, project_id) : INT32_MIN };
    if (!look->request) index_look(look, project_id, days, list);
    for (uint32_t d = 0; d < days->count; d++) {
        struct partition partition = { look->table, project_id, days->days[d].day };
        if (days->days[d].day < drop.day_first_kept) {
            drop.file_count += days->days[d].warm + days->days[d].cold;
        } else if (look->request) {
            day_look_asked(look, partition, &days->days[d], list);
        } else {
            day_look(look, partition, &days->days[d], list);
        }
    }
    if (drop.file_count > 0) work_add(list, &drop);
}

void look_at_table(const struct look *look, struct work_list *list)
{
    struct delta_snapshot *snapshot =
        delta_snapshot_acquire(timefusion_delta(look->maintenance->options.timefusion, look->table));
    struct days days = { 0 };
    struct uuid project_id = { 0 };
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        const struct delta_file *file = delta_snapshot_file(snapshot, f);
        if (!uuid_equal(file->project_id, project_id)) {
            project_look(look, project_id, &days, list);
            days.count = 0;
            project_id = file->project_id;
        }
        day_count(look->maintenance, day_get(&days, file->day), file);
    }
    project_look(look, project_id, &days, list);
    free(days.days);
    delta_snapshot_release(snapshot);
}

enum unit_end work_run(struct unit *unit, const struct work *work, struct err *err)
{
    struct partition partition = work->partition;
    switch (work->kind) {
    case MAINTENANCE_JOIN: return join_unit(unit, partition, work->part, work->mode, err);
    case MAINTENANCE_RECODE: return recode_unit(unit, partition, work->only_foreign, err);
    case MAINTENANCE_INDEX: return index_unit(unit, partition.table, partition.project_id, err);
    case MAINTENANCE_DROP: return drop_unit(unit, partition.table, partition.project_id, work->day_first_kept, err);
    default: break;
    }
    assert(!"vacuum and log have no partitions");
    return UNIT_NOTHING;
}
