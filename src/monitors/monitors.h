/* monitors.h -- evaluates a project's monitors, each minute; and dry runs over past data.
 *
 *   monitors_evaluate --those that are due, longest ago first, and that no other process has (monitor_claim)-->
 *                       monitor_round (a query a window, not a group) --> monitor_round_store
 *   monitors_dry_run  --each moment of a range--> the same monitor_round, with a table that is kept nowhere --> events
 *
 * Moments are multiples of every_s, delay_s ago. What was missed while no process ran is caught up, MONITOR_CATCH_UP moments a call at
 * most; when more are missing, what is older is left out.
 * Budget: a call begins no monitor after it took budget_us; the rest comes first in the next.
 * Several processes share the monitors: whoever comes first has one for MONITOR_LEASE_US, renewed with each moment; one whose process
 * was killed is taken over then, from the moment it had come to.
 * A question that fails is a state of the monitor: since when, and why (monitor_store.h); the others go on.
 * Thread: the caller's. Memory: an arena a monitor, and the caller's baselines, which it hands to each call. Errors: of the database; not of single monitors, which the stats count.
 * Fail points: monitors.before_round, monitors.after_groups, monitors.before_commit, monitors.after_commit. */
#pragma once
#include "base/log.h"
#include "monitors/baselines.h"

enum { MONITOR_CATCH_UP = 30, MONITOR_DRY_STEPS_MAX = 1500 };

/* Rows for a project's question: web/api/monitor_ask.h has the one over the query engine. */
struct monitors_source {
    bool (*ask)(void *ctx, struct uuid project_id, const char *project_name, const struct monitor_query *query,
                int64_t from_us, int64_t to_us, struct arena *arena, struct monitor_rows *rows, struct err *err);
    void *ctx;
};
struct monitors_stats {
    uint32_t evaluated, asked, told, failed, others, left; /* others: due, and another's; left: over the budget */
};
/* Who evaluates: a process. */
struct monitors_evaluator {
    struct db *db;
    struct monitors_source source;
    struct baselines *baselines;
    const char *owner; /* its name: leases are by it */
    int64_t budget_us;
};
MUST_CHECK bool monitors_evaluate(const struct monitors_evaluator *evaluator, struct uuid project_id,
                                  const char *project_name, int64_t now_us, struct monitors_stats *stats,
                                  struct err *err);

struct monitors_dry {
    int64_t from_us, to_us;
    int64_t every_us; /* 0: the monitor's; a longer one looks less often: then it is not what live evaluation does */
    int64_t budget_us;
    /* After each moment; the table's groups and events are of it. False: enough. */
    bool (*each)(void *ctx, const struct monitor_table *table, int64_t at_us);
    void *ctx;
    uint32_t moments; /* out */
    bool is_cut;      /* out: the budget was over before the range */
};
MUST_CHECK bool monitors_dry_run(const struct monitor *monitor, const struct monitors_source *source,
                                 struct uuid project_id, const char *project_name, struct monitors_dry *dry,
                                 struct err *err);
