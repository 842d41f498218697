/* monitor_ask.h -- what a monitor asks, as one statement over a project's telemetry, and its rows.
 *
 *   query + [from, to) --monitor_statement--> SELECT labels ..., value --gate--> a row a group
 *
 * A search is the explorer's address (q, sql, by, agg, of), counted of roll-ups of files where those are exact. SQL has $from, $to and
 * $step (the window); its last column is the value, the ones before are the group; of burn rates the last two are the bad ones and
 * all of them. A metric: of each series one number, then over series; rates and increases by differences of points, a counter that
 * went down began anew.
 * Thread: the caller's. Memory: the arena's; MONITOR_ASK_ROWS_MAX rows. Errors: ERR_INPUT of a query; those of query.h. */
#pragma once
#include "monitors/monitors.h"
#include "timefusion/query/query.h"

enum { MONITOR_ASK_ROWS_MAX = 1000, MONITOR_ASK_TIMEOUT_MS = 20000, MONITOR_PARAMETERS_MAX = 3 };
struct monitor_statement {
    struct bytes sql;
    enum query_type types[MONITOR_PARAMETERS_MAX];
    struct query_parameter parameters[MONITOR_PARAMETERS_MAX];
    uint32_t count;
};
MUST_CHECK bool monitor_statement_make(struct arena *arena, const struct monitor_query *query, int64_t from_us,
                                       int64_t to_us, struct monitor_statement *statement, struct err *err);
/* struct monitors_source's ask; ctx: a struct query_engine. */
MUST_CHECK bool monitor_ask(void *ctx, struct uuid project_id, const char *project_name,
                            const struct monitor_query *query, int64_t from_us, int64_t to_us, struct arena *arena,
                            struct monitor_rows *rows, struct err *err);
