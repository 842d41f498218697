/* plan.h -- what a checked SQL statement became: a template of DuckDB SQL, cached and shared by sessions.
 *
 *   template: text with marks  \x01 <letter> <number> \x02, each filled in by render.c
 *     P n  parameter n as a literal of its type      L n  parameter n as a LIKE pattern
 *     i n  opening of an ILIKE by parameter n        I n  its end
 *     T n  table reference n, as a subquery          N    now(), one value for the whole statement
 *     S n  the session's setting n as text           U    the session's user
 *     B    the session's pid
 *     C n  what the process counts (0), what sessions do (1), as lines of text   K n  select n of folds, put together from parts or as it was written
 *     X n  the session's own table n (temporary.h)     R 0  the rows that an INSERT has written (insert.h)
 *     A n  aggregate n, of rows or of a cube's groups  Q n  select n of cubes, answered by them or as it was written
 * No name and no text of the client reaches DuckDB but inside a quoted literal: relations are r1, r2 ..., their columns
 * c1, c2 ... or k<schema column> (as clients see it), x<schema column> (as it is stored) and h<n> (plan_table.attributes[n]).
 *
 * Thread: immutable once made; the count is atomic. Memory: one arena per plan. */
#pragma once
#include "base/arena.h"
#include "timefusion/query/query.h"
#include "timefusion/schema/schema.h"
#include <stdatomic.h>

#define MARK_OPEN           "\x01"
#define MARK_CLOSE          "\x02"
#define PLAN_SQL_BYTES_MAX  (1u << 20)
#define PLAN_TABLES_MAX     64
#define PLAN_PARAMETERS_MAX 65535
#define PLAN_FOLDS_MAX      8
#define PLAN_CUBES_MAX      8
#define FOLD_COLUMNS_MAX    64
#define PLAN_ATTRIBUTES_MAX 32 /* of a table reference; more are read out of the JSON */

enum plan_kind {
    PLAN_EMPTY,
    PLAN_SELECT,
    PLAN_EXPLAIN,
    PLAN_SHOW,
    PLAN_SET,
    PLAN_RESET,
    PLAN_NOTHING,
    PLAN_DELETE, /* change.h */
    PLAN_UPDATE,
    PLAN_INSERT,    /* insert.h */
    PLAN_TEMPORARY, /* temporary.h */
    PLAN_COMMAND,   /* command.h */
};
enum plan_source { PLAN_LOGS_AND_SPANS, PLAN_METRICS, PLAN_TELEMETRY };

struct column_set {
    uint64_t words[(SCHEMA_COLUMNS_MAX + 63) / 64];
};
static inline void column_set_add(struct column_set *set, uint32_t column)
{
    assert(column < SCHEMA_COLUMNS_MAX);
    set->words[column / 64] |= (uint64_t)1 << (column % 64);
}
static inline bool column_set_has(const struct column_set *set, uint32_t column)
{
    return set->words[column / 64] >> (column % 64) & 1;
}
static inline bool column_set_is_empty(const struct column_set *set)
{
    uint64_t any = 0;
    for (size_t w = 0; w < COUNT_OF(set->words); w++) any |= set->words[w];
    return any == 0;
}

/* A conjunct that every row of the table reference must pass, with a side that no row can change. */
enum condition_op {
    CONDITION_EQ,
    CONDITION_LT,
    CONDITION_LE,
    CONDITION_GT,
    CONDITION_GE,
    CONDITION_IN,       /* the column is one of a list */
    CONDITION_HOLDS,    /* the list column holds every one of a list */
    CONDITION_OVERLAPS, /* the list column holds at least one of a list */
};
struct condition {
    uint32_t column;
    enum condition_op op;
    enum query_type type; /* of value; for lists, of its elements */
    const char *value;    /* template */
};
/* A row that passes holds one of these texts, in whatever case, in a column of condition_words.c. */
struct plan_words {
    struct bytes *texts;
    uint32_t count;
};
#define PLAN_WORDS_MAX 16 /* texts of one */
struct plan_table {
    enum plan_source source;
    const struct schema_table *schema; /* whose columns clients see */
    struct column_set seen, stored;    /* k<n> and x<n> that the statement reads */
    /* h<n>: attributes ->> path, of those without a column; from the hidden columns of files that have them */
    const char *attributes[PLAN_ATTRIBUTES_MAX];
    uint32_t attribute_count;
    struct condition *conditions;
    uint32_t condition_count, condition_cap;
    struct plan_words words[4];
    uint32_t words_count;
};

/* A select of groups that can be put together from groups of its rows' parts: kept.h. Templates. */
struct plan_fold {
    uint32_t table;          /* of plan->tables: its only one */
    const char *whole;       /* as it was written */
    const char *part;        /* the groups of some files' rows, of any time */
    const char *now;         /* the same, of the times that are asked for */
    const char *head, *tail; /* around parts, joined by UNION ALL */
};

/* An aggregate over rows of one table, and the same over groups of them that were counted before (cube_plan.c); NULL: it needs
 * the rows. */
struct plan_aggregate {
    const char *plain, *cubed;
};
/* A select that cubes can answer. */
struct plan_cube {
    uint32_t table;             /* of plan->tables: its only one */
    int fold;                   /* that stands for it otherwise; -1: none does */
    const char *whole;          /* as it was written */
    const char *otherwise;      /* that, or the mark of the fold */
    struct column_set keys;     /* of which it groups or chooses rows */
    struct column_set sketches; /* whose different values are counted (approx_count_distinct) */
    int64_t step_us;            /* times are asked in steps that are multiples of it; 0: not at all */
    bool has_measure;           /* durations are added up */
    bool has_steps;             /* or counted by steps (steps.h) */
    bool names_steps;           /* by steps of its own: log_step(duration) */
};

/* What planning took, or its ends: time, and CPU of the thread that asks. */
struct planning {
    uint64_t mono_ns, thread_ns;
};

/* SET column = value of UPDATE. */
struct plan_assignment {
    uint32_t column;
    const char *value; /* template, of the column's own type */
};

struct plan {
    atomic_uint reference_count;
    struct arena arena;
    enum plan_kind kind;
    enum query_transaction transaction;
    bool is_analyze; /* EXPLAIN ANALYZE */
    const char *tag; /* "SELECT", "SET" ... */
    const char *sql; /* template; NULL when there is nothing to run */
    struct plan_table *tables;
    uint32_t table_count;
    struct plan_fold folds[PLAN_FOLDS_MAX];
    uint32_t fold_count;
    struct plan_aggregate *aggregates;
    uint32_t aggregate_count, aggregate_cap;
    struct plan_cube cubes[PLAN_CUBES_MAX];
    uint32_t cube_count;
    enum query_type *parameters;
    uint32_t parameter_count;
    struct query_column *columns; /* types filled in by the description */
    bool is_known; /* SELECT of stored columns, without a function: the types are ours, DuckDB need not be asked */
    bool *casts;   /* columns that must be cast to text to be sent; NULL: none */
    uint32_t column_count;
    /* SELECT ... FROM one table ORDER BY timestamp LIMIT n: files can be walked by time. */
    bool is_walk, is_walk_descending;
    const char *walk_sql;   /* the statement with the timestamp as an extra last column */
    bool walk_has_trace;    /* and the trace id behind it: who a row is of is shown, and decides nothing else */
    const char *walk_limit; /* templates of LIMIT and OFFSET */
    const char *walk_offset;
    /* RETURNING of INSERT, UPDATE, DELETE: a SELECT whose columns are the statement's; of the session's own tables it stands in sql. NULL:
     * there is none. */
    const char *returning;
    /* DELETE, UPDATE: of tables[0], called r<change_relation>, the rows for which change_where is true */
    uint32_t change_relation;
    const char *change_where;
    struct plan_assignment *assignments;
    uint32_t assignment_count;
    const struct plan_insert *insert;        /* INSERT, COPY FROM: insert.h */
    struct plan_temporary *temporary;        /* PLAN_TEMPORARY: temporary.h */
    uint64_t temporary_ids[PLAN_TABLES_MAX]; /* of the session's own tables that it names, by mark X */
    uint32_t temporary_count;
    /* SET name = value, RESET name (NULL: all), SHOW name */
    int setting; /* -1: all */
    const char *value;
    const char *savepoint;         /* SAVEPOINT, RELEASE, ROLLBACK TO */
    const struct command *command; /* command.h */
    bool reads_stats;              /* of timefusion_stats: mark C0 */
    bool reads_activity;           /* of pg_stat_activity: mark C1; or stops other sessions */
    struct bytes text;             /* as the client wrote it */
    _Atomic(char *) shape;         /* without its literals; made when it is first wanted: plan_shape_of */
    uint32_t relation_count;       /* tables, subqueries and rows of functions */
    const struct query_wire *wire; /* wire.h; NULL: none of those */
};
struct plan *plan_acquire(struct plan *plan);
void plan_release(struct plan *plan); /* NULL is fine */

/* Parses, checks and types one statement; columns' types may stay UNKNOWN until DuckDB has described it. temporaries: tables
 * of the session's own, or NULL. */
struct temporaries;
MUST_CHECK bool plan_make(struct plan **plan, struct bytes sql, const enum query_type *declared,
                          uint32_t declared_count, const struct temporaries *temporaries, struct err *err);

/* A statement without its literals: $1 in their place. NULL: it is none. To be freed. */
char *plan_shape(struct bytes sql);
/* The same of a plan, kept with it; empty: it has none. */
const char *plan_shape_of(const struct plan *plan);

/* types.c */
const char *type_duckdb(enum query_type type); /* "TIMESTAMPTZ", "VARCHAR[]" */
const char *type_name(enum query_type type);   /* "timestamp with time zone" */
enum query_type type_of_schema(enum schema_type type);
/* A type as SQL writes it ("int8", "timestamptz"); UNKNOWN when it is none of ours. */
enum query_type type_by_name(const char *name);
static inline bool type_is_list(enum query_type type)
{
    return (type & QUERY_TYPE_LIST) != 0;
}
static inline enum query_type type_list_of(enum query_type type)
{
    return (enum query_type)(type | QUERY_TYPE_LIST);
}
static inline enum query_type type_element(enum query_type type)
{
    return (enum query_type)((unsigned)type & ~(unsigned)QUERY_TYPE_LIST);
}
static inline bool type_is_integer(enum query_type type)
{
    return type >= QUERY_TYPE_INT2 && type <= QUERY_TYPE_INT8;
}
static inline bool type_is_number(enum query_type type)
{
    return type >= QUERY_TYPE_INT2 && type <= QUERY_TYPE_NUMERIC;
}

/* Settings of a session: the only ones that SET, SHOW and current_setting know. */
enum setting {
    SETTING_TIMEZONE,
    SETTING_STATEMENT_TIMEOUT,
    SETTING_KEPT_PARTS,
    SETTING_ROLLUPS,
    SETTING_IDLE_SESSION_TIMEOUT,
    SETTING_IDLE_IN_TRANSACTION_TIMEOUT,
    SETTING_TRANSACTION_TIMEOUT,
    SETTING_COUNT_SPECIAL
};
struct setting_definition {
    const char *name, *default_value;
    bool is_read_only;
};
uint32_t setting_count(void);
const struct setting_definition *setting_definition(uint32_t setting);
int setting_by_name(const char *name); /* any case; -1: not known */
#define SETTINGS_MAX 40
