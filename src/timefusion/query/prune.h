/* prune.h -- which files of a snapshot can hold rows that a table reference may give.
 *
 *   conditions (templates) --DuckDB evaluates them once--> bounds --times, then footers, then blooms--> files
 *
 * Only ever leaves out files none of whose rows can pass; in doubt a file stays.
 * Thread: the session's. Memory: the arena given. */
#pragma once
#include "timefusion/query/engine.h"
#include "timefusion/timefusion.h"

enum bound_kind { BOUND_UNKNOWN, BOUND_NEVER, BOUND_INTEGER, BOUND_NUMBER, BOUND_TEXTS };
struct bound {
    uint32_t column;
    enum condition_op op;
    enum query_type type; /* of the value, as the condition has it */
    enum bound_kind kind; /* NEVER: no row can pass (NULL, an empty list) */
    int64_t integer;
    double number;
    struct bytes *texts;
    uint32_t text_count;
};
struct bounds {
    struct bound *tables[PLAN_TABLES_MAX]; /* condition_count each */
    int64_t walk_limit, walk_offset;       /* -1: none */
};
/* Never fails: what cannot be evaluated is UNKNOWN, and the statement itself will say why. */
void bounds_make(struct query_session *session, struct lane *lane, const struct render *render, struct arena *arena,
                 struct bounds *bounds);
/* Which halves of a logs-and-spans reference are wanted, by its conditions on kind. */
void bounds_kinds(const struct plan_table *table, const struct bound *bounds, bool *logs, bool *points);

struct pruned {
    struct timefusion_file **files; /* in the snapshot's order */
    uint32_t count;
    uint64_t *groups; /* by file: row groups that may hold a row (bit 63: and all behind), when the index has narrowed
                         them, else INDEX_GROUPS_ANY; NULL: of all files any */
};
struct prune_warning {
    struct prune_warning *next;
    const char *text;
};
void prune_files(const struct plan_table *table, const struct bound *bounds, const struct timefusion_snapshot *snapshot,
                 struct arena *arena, struct pruned *pruned, struct prune_warning **warnings);
