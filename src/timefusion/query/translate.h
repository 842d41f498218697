/* translate.h -- from libpg_query's tree to a template of DuckDB SQL, checking on the way.
 *
 *   select.c    SELECT, WITH, windows, set operations         scope.c    which relation a name means
 *   from.c      tables, subqueries and joins                  function.c functions by allow list (function_list.c)
 *   expr.c      constants, casts, CASE, subqueries            operator*.c operators, row_value.c
 *   change_plan.c  DELETE, UPDATE                      insert_plan.c INSERT
 *   temporary_plan.c a session's own tables            insert_source.c its VALUES and SELECT
 *   attribute.c attributes->>'http.route' and the like        condition.c conjuncts for pruning
 *
 * It is the gate: a node, name, function or operator that these files do not know is refused, since nothing is copied
 * from the client's text. A failed translation sets ctx->err once and returns an expr without sql.
 * Thread: a stack of its own (parse.c), since trees may be deep. Memory: the plan's arena. */
#pragma once
#include "timefusion/query/plan.h"
#include "timefusion/query/temporary.h"
#include <pg_query/pg_query.pb-c.h>

#define TRANSLATE_DEPTH_MAX  400
#define RELATION_COLUMNS_MAX 1664 /* as PostgreSQL's */

struct output {
    const char *name;
    enum query_type type;
    struct query_form form;
    bool is_stored; /* a column of a table as it is */
};
struct relation {
    const char *alias;                 /* as the client calls it */
    uint32_t id;                       /* r<id> */
    const char *called;                /* instead of r<id>: RETURNING of an INSERT knows no alias; NULL */
    int table;                         /* of plan->tables, or -1 */
    const struct schema_table *schema; /* of table */
    const char *const *renames;        /* aliases of leading columns: t(a, b) */
    uint32_t rename_count;
    struct output *columns; /* c1 ... when table is -1 */
    uint32_t column_count;
};
struct merged { /* a column of JOIN ... USING */
    const char *name, *sql;
    enum query_type type;
    const struct relation *left, *right;
};
struct cte {
    const char *name;
    uint32_t id; /* w<id> */
    struct output *columns;
    uint32_t column_count;
    uint32_t uses;
    size_t word_at; /* in the text of WITH: room for MATERIALIZED; 0: it is written, or has no place */
    struct cte *next;
};
struct named_window {
    const char *name;
    const char *sql;
};
struct scope {
    struct scope *outer;
    struct relation *relations[PLAN_TABLES_MAX];
    uint32_t relation_count;
    struct merged merged[64];
    uint32_t merged_count;
    struct cte *ctes;
    const PgQuery__SelectStmt *select;
    bool has_aggregate, has_window, has_rows_function, has_gapfill;
    bool allows_aggregate;
    bool in_aggregate;
};

struct expr {
    const char *sql; /* NULL: failed */
    enum query_type type;
    bool is_free;        /* the same for every row: no column, aggregate or subquery in it */
    bool is_untyped;     /* a literal in quotes, NULL, or a parameter nobody has typed: takes the type that is wanted */
    const char *literal; /* a constant's text; else NULL */
    const struct relation *relation; /* a column as it is; else NULL */
    int column;
    /* Of a number, else NULL: what it is times a million, as a bigint; what a cast to bigint gives. Exact, and cheaper. */
    const char *micros, *whole;
    /* Of an aggregate that can be made of its parts', else NULL: by which one, and the SQL that this is said of. */
    const char *fold, *fold_sql;
    struct query_form form; /* of a cast or a column as it is; says nothing of what is made of it */
    uint32_t pick;          /* of an aggregate that gives a list: its element, from 1 on, is the value; 0: all of it */
};

struct translate {
    struct arena *arena;
    struct err *err;
    struct bytes sql; /* for positions */
    struct plan *plan;
    const struct temporaries *temporaries; /* the session's own tables; NULL: none */
    const enum query_type *declared;
    uint32_t declared_count, parameter_cap;
    bool *is_typed; /* per parameter */
    uint32_t relation_count, cte_count, depth, select_count;
    uint32_t call_count;    /* of functions */
    uint32_t identity_uses; /* columns of identity.h that were named so far */
};

/* Fails with the place in the text. location: byte offset from the parser, -1 none. */
struct expr fail_at(struct translate *ctx, int location, enum err_code code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* What to do about it, after fail_at; failed again. */
struct expr fail_hint(struct translate *ctx, struct expr failed, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *quote_text(struct translate *ctx, struct bytes text);
const char *mark(struct translate *ctx, char letter, uint32_t number);
const char *node_text(const PgQuery__Node *node); /* a String's text, else NULL */
bool node_is_untyped(struct translate *ctx, const PgQuery__Node *node);

/* expr.c */
struct expr expr_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, enum query_type want);
struct expr expr_text(struct translate *ctx, struct scope *scope, const PgQuery__Node *node); /* wants text */
struct expr expr_cast(struct translate *ctx, struct expr value, enum query_type type);
const char *expr_list(struct translate *ctx, struct scope *scope, PgQuery__Node **nodes, size_t count,
                      enum query_type want, bool *is_free);
enum query_type type_of_node(struct translate *ctx, const PgQuery__TypeName *type, int *precision, int *scale);
/* form.c: varchar(3), numeric(10,2)[] ...: what the type's name says beside the type. false: it cannot be. */
bool form_of_node(struct translate *ctx, const PgQuery__TypeName *type, enum query_type found, struct query_form *form);
/* The value as the form has it: cut, rounded. */
struct expr form_put(struct translate *ctx, struct expr value, struct query_form form);
enum query_type type_common(enum query_type a, enum query_type b);
const char *expr_order_by(struct translate *ctx, struct scope *scope, PgQuery__Node **nodes, size_t count);
const char *interval_sql(struct translate *ctx, struct bytes text); /* NULL: not an interval */

/* Typed by its first use that says a type. */
struct expr parameter_make(struct translate *ctx, const PgQuery__ParamRef *ref, enum query_type want);

/* operator.c */
struct expr operator_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, enum query_type want);
struct expr compare_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
bool can_compare(enum query_type a, enum query_type b);
/* Both sides, the one that has a type first, so that the other can take it. want_*: UNKNOWN when the other decides. */
bool operands_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *l, const PgQuery__Node *r,
                   enum query_type want_l, enum query_type want_r, struct expr *left, struct expr *right);

/* operator_json.c */
struct expr json_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
/* jsonb - 'key', - array, - index, #- path */
struct expr json_delete_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
/* jsonb @? path, jsonb @@ path: what does not fit is NULL, not an error. */
struct expr jsonpath_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
/* @> <@ && ? ?| ?& : on lists and on jsonb. */
struct expr contains_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
/* ARRAY[1, 2] of constants does not, unless one is NULL. */
bool may_hold_null(const PgQuery__Node *node);

/* row_value.c */
struct expr row_compare_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op);
struct expr row_in_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, bool is_not);
/* Without its schema, which must be pg_catalog; NULL: failed. */
const char *operator_name(struct translate *ctx, PgQuery__Node **name, size_t count, int location);
struct expr boolean(const char *sql, bool is_free);
const char *type_word(const struct expr *value); /* for messages */
#define IS_ONE_OF(list)                                                                            \
    ({                                                                                             \
        bool is_one = false;                                                                       \
        for (size_t i = 0; i < COUNT_OF(list); i++) is_one = is_one || strcmp(op, (list)[i]) == 0; \
        is_one;                                                                                    \
    })

/* function.c */
struct expr function_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call,
                          enum query_type want);
/* c.*, of a table: a whole row. */
bool node_is_row(const PgQuery__Node *node);
/* A function that gives rows, for FROM: the select list of a LATERAL subquery. */
bool function_rows(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call, bool ordinality,
                   const char **sql, struct output *columns, uint32_t *column_count);

/* A call whose arguments are made: for the files that hold the functions of one noun. */
struct function;
struct called {
    const struct function *function;
    const PgQuery__FuncCall *call;
    struct expr *arguments;
    size_t count;
    struct expr value;            /* with its type, without sql */
    const char *distinct, *order; /* of an aggregate: "DISTINCT " or "", " ORDER BY ..." or "" */
};
/* %1 ... %9 of the arguments; a template without them is a function's name. */
const char *function_fill(struct translate *ctx, const char *template, const struct expr *arguments, size_t count);

/* function_text.c */
struct expr text_function_make(struct translate *ctx, const struct called *called);
/* The list of lists of a pattern's groups; NULL: failed. */
const char *regexp_matches_list(struct translate *ctx, const struct expr *arguments, size_t count, int location);
/* SIMILAR TO's pattern as a regular expression; NULL: it is none. */
const char *text_constant(const PgQuery__Node *node); /* NULL: it is none */
/* The word that a regular expression is, when it is no more than that; NULL: it is more. */
const char *regexp_word(struct translate *ctx, const char *regexp);
const char *similar_regexp(struct translate *ctx, const char *pattern, char escape);

/* function_percentile.c */
struct expr percentile_make(struct translate *ctx, struct scope *scope, const struct function *function,
                            const PgQuery__FuncCall *call, struct expr *arguments);
/* percentile_agg(x) where it is written, as an argument; NULL: it is something else. */
const PgQuery__FuncCall *digest_call(const PgQuery__Node *node);
struct expr approx_percentile_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call);
struct expr digest_percentile_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call);

/* function_json.c */
struct expr json_function_make(struct translate *ctx, const struct called *called);

/* function_number.c */
struct expr number_function_make(struct translate *ctx, const struct called *called);

/* gapfill.c: time_bucket_gapfill, locf, interpolate */
struct expr gapfill_call_make(struct translate *ctx, struct scope *scope, const struct called *called);

/* function_time.c */
struct expr interval_function_make(struct translate *ctx, const struct called *called);
struct expr time_bucket_make(struct translate *ctx, const struct function *function, struct expr *arguments,
                             size_t count);
struct expr date_field_make(struct translate *ctx, const struct function *function, struct expr *arguments,
                            int location);

/* attribute.c: attributes, resource, context, severity -> key. false: not such a chain (nothing done). */
bool attribute_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *expr, struct expr *value);

/* scope.c */
struct expr scope_column(struct translate *ctx, struct scope *scope, const PgQuery__ColumnRef *ref);
/* How many letters to change, add or leave out until a is b; of long texts: far. */
int text_distance(const char *a, const char *b);
/* The relation's column by its name, or -1. */
int relation_column(const struct relation *relation, const char *name);
struct expr relation_expr(struct translate *ctx, const struct relation *relation, int column);
/* A stored column as it was sent, where relation_expr would resolve it by its trace. */
struct expr relation_sent(struct translate *ctx, const struct relation *relation, int column);
struct expr relation_stored(struct translate *ctx, const struct relation *relation, int column);
/* attributes ->> path as a column of its own, which files may have hidden; NULL: the path is not a plain one, or one too many. */
const char *relation_attribute(struct translate *ctx, const struct relation *relation, const char *path);
const char *relation_column_name(const struct relation *relation, int column);
uint32_t relation_column_count(const struct relation *relation);
struct relation *scope_relation(const struct scope *scope, const char *alias); /* of this level only */
struct relation *relation_create(struct translate *ctx, struct scope *scope, const char *alias);

/* from.c: an item of FROM; its relations join the scope. */
const char *from_item(struct translate *ctx, struct scope *scope, const PgQuery__Node *node);
/* The same of the one table that a statement changes. */
const char *from_target(struct translate *ctx, struct scope *scope, const PgQuery__RangeVar *target);

/* A text that grows, with a bound. text_end gives it in the arena, NULL when anything failed, and frees it in any case. */
struct text {
    struct translate *ctx;
    struct buf buf;
};
void text_init(struct text *text, struct translate *ctx);
void text_put(struct text *text, const char *piece);
const char *text_end(struct text *text);

/* select.c */
/* What stands behind WHERE, over the scope's relations; .sql NULL: failed. */
struct expr where_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *where);
const char *select_make(struct translate *ctx, struct scope *outer, const PgQuery__SelectStmt *select,
                        struct output **columns, uint32_t *column_count);
/* RETURNING's list over the scope's relations, "v AS c1, ..."; the plan's columns are its. NULL: failed. */
const char *returning_make(struct translate *ctx, struct scope *scope, PgQuery__Node **list, size_t count);
const char *window_make(struct translate *ctx, struct scope *scope, const PgQuery__WindowDef *window);
bool statement_make(struct translate *ctx, const PgQuery__Node *node);
/* wire.c: COPY, DECLARE, FETCH, CLOSE, PREPARE, EXECUTE, DEALLOCATE. */
bool wire_make(struct translate *ctx, const PgQuery__Node *node);

/* fold.c */
struct folding {
    const struct expr *values; /* the select list */
    uint32_t count;
    bool is_key[FOLD_COLUMNS_MAX]; /* what is grouped by */
    bool has_sets;
    const char *whole, *from, *where, *group, *tail; /* as they stand in the select */
};
/* What stands for the select when it can be put together from parts: a mark; NULL: it cannot. */
const char *fold_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                      struct folding *folding);

/* May the select be put together from parts of its one table? */
bool fold_is_alone(const struct scope *scope);
/* WHERE without its conjuncts on times, which choosing files knows; NULL: failed. */
const char *fold_rest(struct translate *ctx, struct scope *scope, const PgQuery__Node *node);

/* cube_plan.c */
/* What stands for an aggregate's SQL: a mark, or the SQL as it is. filter: " FILTER (WHERE ...)" or "". */
const char *cube_aggregate(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call, const char *name,
                           const char *filter, const char *plain);
/* The number in plan->cubes of the select that begins there; -1: it needs the rows. ends: of its list, FROM, WHERE, GROUP BY. */
int cube_note(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select, size_t begin,
              const size_t ends[4], const struct text *text);

/* change_plan.c */
bool delete_make(struct translate *ctx, const PgQuery__DeleteStmt *stmt);
bool update_make(struct translate *ctx, const PgQuery__UpdateStmt *stmt);

/* insert_plan.c */
/* RETURNING over what is known of the rows that are written: plan->returning and its columns. */
bool insert_returning_make(struct translate *ctx, const PgQuery__InsertStmt *stmt, struct plan_insert *insert);
bool insert_make(struct translate *ctx, const PgQuery__InsertStmt *stmt);
/* Where rows go, of a list of names (ResTarget or String; none: all columns); NULL: failed. */
struct plan_insert *insert_target_make(struct translate *ctx, const PgQuery__RangeVar *target, PgQuery__Node **names,
                                       size_t count);

/* insert_source.c: where values go. */
struct insert_column {
    const char *name;
    enum query_type type;
    const char *otherwise; /* template of what DEFAULT is; NULL: no value */
};
struct insert_into {
    const struct insert_column *columns;
    uint32_t count;                  /* of columns; then of those that have a value */
    bool has_list;                   /* somebody named them */
    bool is_stored;                  /* values are as files have them: uuids are texts */
    const struct insert_cell *cells; /* insert.h: of VALUES that need no DuckDB */
    uint32_t row_count;              /* of VALUES */
};
/* SELECT of the values, as c1 ...; NULL: failed. */
const char *insert_source(struct translate *ctx, const PgQuery__InsertStmt *stmt, struct insert_into *into);
/* A value for a column; NULL: failed. */
const char *insert_value(struct translate *ctx, const struct insert_column *into, bool is_stored, struct expr value,
                         int location);

/* temporary_plan.c */
bool temporary_create_make(struct translate *ctx, const PgQuery__CreateStmt *stmt);
bool temporary_create_as_make(struct translate *ctx, const PgQuery__CreateTableAsStmt *stmt);
/* SELECT ... INTO */
bool temporary_into_make(struct translate *ctx, const PgQuery__SelectStmt *select);
bool temporary_drop_make(struct translate *ctx, const PgQuery__DropStmt *stmt);
bool temporary_truncate_make(struct translate *ctx, const PgQuery__TruncateStmt *stmt);
bool temporary_discard_make(struct translate *ctx);
/* The session's table of that name; NULL: there is none. */
const struct temporary *temporary_named(struct translate *ctx, const PgQuery__RangeVar *var);
/* Its relation in FROM; NULL: failed. */
const char *temporary_relation(struct translate *ctx, const struct temporary *temporary, struct relation *relation);
bool temporary_insert_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__InsertStmt *stmt);
bool temporary_copy_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__CopyStmt *stmt);
bool temporary_update_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__UpdateStmt *stmt);
/* Of the table that temporary_named finds. */
bool temporary_delete_make(struct translate *ctx, const PgQuery__DeleteStmt *stmt);

/* condition.c */
/* Of the relations [from, to) of the scope. */
void conditions_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, uint32_t from, uint32_t to);
/* The table column of this very level that the node is, without marking it as read; NULL: it is none. */
struct relation *condition_column(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, int *column);
/* Is it one of the relations [from, to) of the scope? */
bool condition_is_wanted(const struct scope *scope, const struct relation *relation, uint32_t from, uint32_t to);
/* condition_words.c: the same of texts that a row must hold (plan_words). */
void condition_words_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, uint32_t from,
                         uint32_t to);
const uint32_t *condition_words_columns(uint32_t *count);

/* stats.c: timefusion_stats. false: another table. */
bool stats_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                    struct output **columns, uint32_t *column_count);
/* catalog.c: tables that describe tables. false: no such table. */
bool catalog_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                      struct output **columns, uint32_t *column_count);
