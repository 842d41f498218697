/* identity.h -- session.id and user.* of a trace, for those of its rows that were sent without (docs/identity.md).
 *
 *   a reference that reads attributes___user___id or the like
 *     --identity_choose-->    which fields and which files may give values; none: the reference reads as ever
 *     --identity_narrow-->    the same when it is known which traces matter; their values go into a map
 *     --identity_from_put-->  rows with their trace's values: by the map, or
 *                             LEFT JOIN (SELECT trace id, its values ... GROUP BY trace id), which never makes more rows
 *     --identity_value_put--> the row's own value, else its trace's, unless the row has another user of its own
 *
 * Values come from rows of the same snapshot, so of the same project. A session is for rows from an hour before the first
 * row of the trace that names one until an hour after the last; a user likewise; so an hour around the time asked for is looked at, and the answer
 * is the same whatever time is asked for. Thread: the session's. Memory: the arena given. */
#pragma once
#include "timefusion/query/prune.h"

#define IDENTITY_FIELDS     6
#define IDENTITY_MARGIN_US  3600000000
#define IDENTITY_TRACES_MAX 10000 /* named one by one; beyond, the values of all traces are grouped */
/* Rows without a value of their own are few up to here, and up to one in so many. */
#define IDENTITY_MISSING_MAX   1000000
#define IDENTITY_MISSING_SHARE 4

extern const uint32_t identity_columns[IDENTITY_FIELDS]; /* of otel_logs_and_spans; session.id first */
static inline int identity_field(const struct schema_table *table, uint32_t column) /* -1: none */
{
    for (int field = 0; table->id == SCHEMA_LOGS_AND_SPANS && field < IDENTITY_FIELDS; field++)
        if (identity_columns[field] == column) return field;
    return -1;
}

struct identity_range {
    int64_t from_us, to_us;
};
struct identity {
    uint32_t present;       /* bit by field: wanted, and some file has values of it; 0: nothing to resolve */
    struct pruned files;    /* that may give values */
    int64_t from_us, to_us; /* so may rows of these times */
    bool has_traces;        /* only these matter, texts in rising order */
    struct bytes *traces;
    uint32_t trace_count;
    uint64_t map;                  /* identity_map.h: their values at hand; 0: to be joined */
    struct identity_range *ranges; /* with a map: times of rows that may get a value; in order and apart */
    uint32_t range_count;
    /* field = value, or IN values, asked of every row: other rows, of traces without the value, need not be read. */
    int asked; /* a field; -1: none */
    const struct bound *asked_bound;
    struct source_files named; /* files, set when SQL is made */
};

void identity_choose(struct identity *identity, const struct plan_table *table, const struct bound *bounds,
                     const struct timefusion_snapshot *snapshot, struct arena *arena, struct prune_warning **warnings);
/* Only files that may hold the asked value: those that identity_traces_put needs. */
void identity_of_asked(struct identity *identity, const struct timefusion_snapshot *snapshot, struct arena *arena,
                       struct prune_warning **warnings);
/* Takes traces, texts in any order. */
void identity_narrow(struct identity *identity, struct bytes *traces, uint32_t count,
                     const struct timefusion_snapshot *snapshot, struct arena *arena, struct prune_warning **warnings);
/* What the reference itself reads: as prune_files, but own values say less now. */
void identity_prune(const struct identity *identity, const struct plan_table *table, const struct bound *bounds,
                    const struct timefusion_snapshot *snapshot, struct arena *arena, struct pruned *pruned,
                    struct prune_warning **warnings);
/* Can it be named in SQL? One with a zero byte cannot (not from OTLP, whose ids are hex here): its rows keep their own values. */
bool identity_can_name(struct bytes trace);
/* Are the rows few that lack a value of their own which the reference shows, so that their traces are worth asking for? By the
 * footers; *count says how many they are, and only files that have such rows stay in files. */
bool identity_missing_are_few(const struct identity *identity, const struct plan_table *table, struct pruned *files,
                              uint64_t *count);
/* Sorts; equal ones become one. Gives the count that is left. */
uint32_t identity_traces_sort(struct bytes *traces, uint32_t count);

/* SELECT of the traces in which the asked value is, IDENTITY_TRACES_MAX + 1 at most. */
MUST_CHECK bool identity_traces_put(struct buf *out, const struct identity *identity);
/* SELECT of the traces that rows of these files, of the times that matter, are of which lack a value of their own; as many. */
MUST_CHECK bool identity_missing_put(struct buf *out, const struct identity *identity, const struct plan_table *table,
                                     const struct source_files *files);
/* Sorts, and makes one of those that meet. Gives the count that is left. */
uint32_t identity_ranges_merge(struct identity_range *ranges, uint32_t count);

/* SELECT trace id; the times of rows that get its session, from and to, then those that get its user (NULL: it has none); the
 * values by present field: one row a trace. */
MUST_CHECK bool identity_values_put(struct buf *out, const struct identity *identity);
/* FROM main, which gives s<column>, to FROM what gives i<column> for each field present as well. */
MUST_CHECK bool identity_from_put(struct buf *out, const struct identity *identity, const struct source_files *main,
                                  const struct column_set *needed, const struct source_attributes *attributes);
/* The value of a column whose field is present. */
MUST_CHECK bool identity_value_put(struct buf *out, const struct identity *identity, int field);
/* Columns that the join and the values read of the main side. */
void identity_needed(const struct identity *identity, struct column_set *needed);
