/* maintenance_inside.h -- units of work and what they share. Private to this folder.
 *
 *   maintenance.c: thread, locks, counts --> look.c: which partitions have work --> join.c recode.c drop.c vacuum.c: units
 *
 * All unit functions run under unit_lock, so that one unit at a time is under way in this process. */
#pragma once
#include <pthread.h>

#include "timefusion/delta/delta.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/maintenance/plan.h"
#include "timefusion/timefusion.h"

/* Weights of files by a hash of their path: what a footer said once. Forgotten as a whole when full. */
struct weight_map {
    uint64_t *slots; /* hash & ~0xFF | weight + 1; 0: empty */
    uint32_t used;
};
#define WEIGHT_SLOTS (1u << 18) /* 2 MiB; half of them used */

struct partition {
    enum schema_table_id table;
    struct uuid project_id;
    int32_t day;
};
/* Work that failed or met a conflict waits. */
struct backoff {
    struct partition partition;
    enum maintenance_kind kind;
    uint32_t failures;
    uint64_t until_ns;
};
#define BACKOFFS_MAX 512

struct maintenance {
    struct maintenance_options options;
    struct rewriter rewriter; /* guarded by unit_lock */
    atomic_bool stops;
    pthread_t thread;
    bool thread_runs;

    pthread_mutex_t unit_lock; /* held during a unit and a look; guards the next two */
    struct weight_map weights;
    char *vacuum_after[SCHEMA_TABLE_COUNT]; /* the key that a vacuum goes on behind, or NULL */

    /* the thread's */
    struct backoff backoffs[BACKOFFS_MAX];
    uint32_t backoff_count;
    uint64_t random;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct maintenance_stats stats;
};

enum unit_end { UNIT_DONE, UNIT_NOTHING, UNIT_CONFLICT, UNIT_FAILED };
struct unit {
    struct maintenance *maintenance;
    const atomic_bool *cancel;        /* never NULL */
    bool is_background;               /* nobody waits */
    bool has_more;                    /* out: it stopped only to be short */
    struct maintenance_result result; /* of this unit */
};
/* True, with err set, when the unit must end. */
bool unit_is_cancelled(const struct unit *unit, struct err *err);
/* Commits; ERR_CONFLICT becomes UNIT_CONFLICT. *is_certain: false when the commit may have happened although it failed. */
enum unit_end unit_commit(struct unit *unit, enum schema_table_id table, const struct delta_change *change,
                          bool *is_certain, struct err *err);

/* The same of an OPTIMIZE: files give way to adds. Counts both in the unit's result. */
enum unit_end unit_replace(struct unit *unit, enum schema_table_id table, const struct delta_file *const *files,
                           uint32_t file_count, const struct delta_add *adds, uint32_t add_count, bool *is_certain,
                           struct err *err);

/* partition.c: the live files of a project's day, oldest first, in one snapshot. */
struct partition_files {
    struct delta_snapshot *snapshot;
    const struct delta_file **files;
    uint32_t count;
};
enum partition_part { PARTITION_WARM, PARTITION_COLD, PARTITION_ALL }; /* by name: recoded or not */
void partition_files_init(struct partition_files *files, struct maintenance *maintenance, struct partition partition,
                          enum partition_part part);
void partition_files_deinit(struct partition_files *files);
/* The weight as plan.h has it. PLAN_FOREIGN also for a file that is no Parquet file or not there, which is logged once, and
 * with err set when the store could not be asked; once err is set it is not asked again. */
uint32_t partition_file_weight(struct maintenance *maintenance, enum schema_table_id table,
                               const struct delta_file *file, struct err *err);
/* The same without asking the store; UINT32_MAX: not known. */
uint32_t partition_file_weight_known(const struct maintenance *maintenance, const struct delta_file *file);
void weight_map_deinit(struct weight_map *map);
/* Are they all still live in the table as it is now? */
bool partition_still_has(struct maintenance *maintenance, struct partition partition,
                         const struct delta_file *const *files, uint32_t count);

/* The units. */
enum unit_end join_unit(struct unit *unit, struct partition partition, enum partition_part part, enum plan_mode mode,
                        struct err *err);
/* Cold ones are made of a day's warm files; with only_foreign those that cannot be joined, warm again. */
enum unit_end recode_unit(struct unit *unit, struct partition partition, bool only_foreign, struct err *err);
/* At most some hundred files of days before day_first_kept. */
enum unit_end drop_unit(struct unit *unit, enum schema_table_id table, struct uuid project_id, int32_t day_first_kept,
                        struct err *err);
/* All of a table, in batches. */
enum unit_end vacuum_table(struct unit *unit, const struct maintenance_request *request, struct err *err);
/* Without a day. Some files, or one merge. */
enum unit_end index_unit(struct unit *unit, enum schema_table_id table, struct uuid project_id, struct err *err);
enum unit_end log_clean(struct unit *unit, enum schema_table_id table, struct err *err);

/* look.c: what a look at a table's snapshot finds. */
struct work {
    struct partition partition; /* drop: without a day */
    enum maintenance_kind kind;
    enum partition_part part;
    enum plan_mode mode;
    bool only_foreign;
    int32_t day_first_kept; /* drop */
    uint32_t file_count;    /* the most first */
};
struct work_list {
    struct work *works;
    uint32_t count, cap;
};
struct look {
    struct maintenance *maintenance;
    enum schema_table_id table;
    const struct maintenance_request *request; /* NULL: nobody asks: the usual rules */
    enum maintenance_kind only;                /* with request */
};
/* Partitions that may have work; whether they do, the unit finds out. */
void look_at_table(const struct look *look, struct work_list *list);
enum unit_end work_run(struct unit *unit, const struct work *work, struct err *err);
