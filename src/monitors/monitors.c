#include "monitors/monitors.h"

#include "base/clock.h"
#include "base/fail.h"

struct asking {
    const struct monitors_source *source;
    struct uuid project_id;
    const char *project_name;
};
static bool ask(void *ctx, const struct monitor_query *query, int64_t from_us, int64_t to_us, struct arena *arena,
                struct monitor_rows *rows, struct err *err)
{
    const struct asking *asking = ctx;
    return asking->source->ask(asking->source->ctx, asking->project_id, asking->project_name, query, from_us, to_us,
                               arena, rows, err);
}

struct evaluating {
    const struct monitors_evaluator *evaluator;
    struct asking asking;
    struct monitor_stored *stored;
    struct monitor monitor;
    struct monitor_table *table;
    struct arena scratch;
    int64_t now_us; /* of the call */
    uint64_t begin_ns;
    struct monitors_stats *stats;
};

static int64_t elapsed_us(uint64_t begin_ns)
{
    return (int64_t)((clock_mono_ns() - begin_ns) / 1000);
}

/* One moment: asked, decided, stored. */
static bool moment(struct evaluating *evaluating, int64_t at_us, bool is_last, struct err *err)
{
    struct db *db = evaluating->evaluator->db;
    struct monitors_stats *stats = evaluating->stats;
    struct monitor_stored *stored = evaluating->stored;
    uint32_t told = 0, asked = evaluating->table->asked;
    struct err failure = { 0 };
    fail_point("monitors.before_round");
    bool ok = monitor_round(&evaluating->monitor, evaluating->table, at_us, ask, &evaluating->asking,
                            &evaluating->scratch, &failure);
    stats->asked += evaluating->table->asked - asked;
    if (!ok) {
        stats->failed++;
        if (!monitor_broken_store(db, stored, &evaluating->monitor, failure.text, evaluating->now_us, err))
            return false;
        return err_set(err, ERR_CANCELLED, "the monitor cannot be evaluated now");
    }
    int64_t lease_us = is_last ? 0 : evaluating->now_us + elapsed_us(evaluating->begin_ns) + MONITOR_LEASE_US;
    if (!monitor_round_store(db, stored, &evaluating->monitor, evaluating->table, at_us, evaluating->now_us, lease_us,
                             &told, err))
        return false;
    stored->evaluated_unix_us = at_us;
    stored->broken_unix_us = 0;
    stats->evaluated++;
    stats->told += told;
    return true;
}

/* Where to go on: behind what was evaluated; of a new one, and of one that was left for long, near to now. */
static int64_t moment_first(const struct monitor_stored *stored, const struct monitor *monitor, int64_t due_us)
{
    int64_t next_us = stored->evaluated_unix_us + monitor->every_us;
    next_us -= next_us % monitor->every_us;
    if (stored->evaluated_unix_us == 0) return due_us;
    int64_t oldest_us = due_us - (MONITOR_CATCH_UP - 1) * monitor->every_us;
    return next_us < oldest_us ? oldest_us : next_us;
}

/* All moments that are due, of one that is this process's. */
static bool moments(struct evaluating *evaluating, struct arena *arena, int64_t due_us, struct err *err)
{
    const struct monitors_evaluator *evaluator = evaluating->evaluator;
    struct monitor_stored *stored = evaluating->stored;
    int64_t every_us = evaluating->monitor.every_us;
    evaluating->table = arena_calloc(arena, sizeof *evaluating->table);
    evaluating->table->arena = arena;
    baselines_find(evaluator->baselines, stored, evaluating->table);
    bool ok = monitor_table_read(evaluator->db, stored->id, evaluating->table, err);
    for (int64_t at_us = moment_first(stored, &evaluating->monitor, due_us); ok && at_us <= due_us; at_us += every_us)
        ok = moment(evaluating, at_us, at_us + every_us > due_us, err);
    baselines_keep(evaluator->baselines, stored, evaluating->table);
    return ok;
}

static bool monitor_evaluate(struct evaluating *evaluating, struct arena *arena, struct err *err)
{
    const struct monitors_evaluator *evaluator = evaluating->evaluator;
    struct monitor_stored *stored = evaluating->stored;
    struct monitor *monitor = &evaluating->monitor;
    char pointer[MONITOR_POINTER_BYTES];
    yyjson_doc *doc = yyjson_read((const char *)stored->content.ptr, stored->content.len, 0);
    if (doc == NULL || !monitor_read(monitor, yyjson_doc_get_root(doc), arena, pointer, err)) {
        yyjson_doc_free(doc);
        return err_set(err, ERR_CORRUPT, "what is kept of the monitor cannot be read");
    }
    int64_t due_us = monitor_due(monitor, evaluating->now_us);
    bool ok = true, is_ours = false;
    if (stored->evaluated_unix_us < due_us) {
        ok = monitor_claim(evaluator->db, stored, evaluator->owner,
                           evaluating->now_us + elapsed_us(evaluating->begin_ns), &is_ours, err);
        if (ok && is_ours) ok = moments(evaluating, arena, due_us, err);
        if (ok && !is_ours) evaluating->stats->others++;
    }
    monitor_close(monitor);
    yyjson_doc_free(doc);
    return ok;
}

bool monitors_evaluate(const struct monitors_evaluator *evaluator, struct uuid project_id, const char *project_name,
                       int64_t now_us, struct monitors_stats *stats, struct err *err)
{
    struct arena arena, own;
    struct monitor_stored *list;
    uint32_t count;
    *stats = (struct monitors_stats){ 0 };
    struct evaluating evaluating = {
        .evaluator = evaluator,
        .asking = { &evaluator->source, project_id, project_name },
        .now_us = now_us,
        .begin_ns = clock_mono_ns(),
        .stats = stats,
    };
    arena_init(&arena, 0);
    arena_init(&own, 0);
    arena_init(&evaluating.scratch, 0);
    bool ok = monitor_list_on(evaluator->db, &arena, project_id, &list, &count, err);
    for (uint32_t m = 0; ok && m < count; m++) {
        if (elapsed_us(evaluating.begin_ns) > evaluator->budget_us) {
            stats->left = count - m;
            break;
        }
        struct err failure = { 0 };
        evaluating.stored = &list[m];
        arena_reset(&own);
        if (monitor_evaluate(&evaluating, &own, &failure)) continue;
        /* Another has it, or its question failed: that is known. What the database could not do is the caller's to know. */
        if (failure.code == ERR_CONFLICT || failure.code == ERR_CANCELLED) continue;
        stats->failed++;
        *err = failure;
        ok = failure.code == ERR_CORRUPT;
    }
    arena_deinit(&evaluating.scratch);
    arena_deinit(&own);
    arena_deinit(&arena);
    return ok;
}

bool monitors_dry_run(const struct monitor *monitor, const struct monitors_source *source, struct uuid project_id,
                      const char *project_name, struct monitors_dry *dry, struct err *err)
{
    struct asking asking = { source, project_id, project_name };
    struct arena arena, scratch;
    uint64_t begin_ns = clock_mono_ns();
    int64_t every_us = dry->every_us > monitor->every_us ? dry->every_us : monitor->every_us;
    int64_t at_us = dry->from_us + (every_us - dry->from_us % every_us) % every_us;
    bool ok = true, goes_on = true;
    dry->moments = 0;
    dry->is_cut = false;
    arena_init(&arena, 0);
    arena_init(&scratch, 0);
    struct monitor_table *table = arena_calloc(&arena, sizeof *table);
    table->arena = &arena;
    for (; ok && goes_on && at_us <= dry->to_us; at_us += every_us) {
        if (dry->moments == MONITOR_DRY_STEPS_MAX || (int64_t)((clock_mono_ns() - begin_ns) / 1000) > dry->budget_us) {
            dry->is_cut = true;
            break;
        }
        dry->moments++;
        ok = monitor_round(monitor, table, at_us, ask, &asking, &scratch, err);
        goes_on = ok && dry->each(dry->ctx, table, at_us);
    }
    arena_deinit(&scratch);
    arena_deinit(&arena);
    return ok;
}
