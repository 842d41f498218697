/* temporary.h -- a session's own tables: CREATE TEMPORARY TABLE, SELECT INTO, and what is written into them.
 *
 *   temporary_plan.c: name --the session's map--> definition's number, mark X --render--> t<n>, a table in DuckDB's memory
 *   temporary.c:      BEGIN, SAVEPOINT --> the map is copied      write --> rows that two maps name are copied before
 *                     ROLLBACK [TO]    --> the copy is the map    COMMIT --> the copy goes, ON COMMIT is done
 *
 * A name is found in the session's own map alone, and t<n> is never a text of the client's: nobody reads another's.
 * Thread: the session's. Memory: DuckDB's, TEMPORARY_BYTES_MAX a session (ERR_TOO_LARGE), and half of DuckDB's for all
 * (ERR_MEMORY); it may go to temp_dir as DuckDB's other data. Errors: as of statements; after one nothing has changed. */
#pragma once
#include "timefusion/query/plan.h"

#define TEMPORARY_BYTES_MAX   (64u << 20)
#define TEMPORARY_TABLES_MAX  100
#define TEMPORARY_COLUMNS_MAX 1600 /* as PostgreSQL's */

struct query_cursor;
struct query_session;
struct prune_warning;

struct temporary_column {
    const char *name;
    enum query_type type;
    struct query_form form;
    const char *otherwise; /* template of DEFAULT; NULL: none */
    bool is_required;      /* NOT NULL */
};
enum temporary_commit { TEMPORARY_STAYS, TEMPORARY_IS_EMPTIED, TEMPORARY_GOES };
/* What a table is; in a map it has an arena of its own. */
struct temporary_table {
    const char *name;
    const struct temporary_column *columns;
    uint32_t column_count;
    const char *body; /* "(c1 INTEGER NOT NULL, ...)"; NULL: as the select gives them */
    bool has_keys;
    enum temporary_commit on_commit;
};

/* A version of a table's rows: t<number>. */
struct temporary_rows {
    uint32_t reference_count;
    uint64_t number, bytes;
};
struct temporary {
    uint32_t reference_count;
    uint64_t id; /* no other of the process has it */
    struct temporary_table table;
    struct arena arena;
};
struct temporaries { /* a map */
    struct temporary_entry {
        struct temporary *temporary;
        struct temporary_rows *rows;
    } * entries;
    uint32_t count;
};
const struct temporary *temporaries_find(const struct temporaries *map, const char *name);

/* What a statement does to them; in the plan's arena. */
enum temporary_act {
    TEMPORARY_CREATE, /* and fills it, if the plan has a select */
    TEMPORARY_WRITE,  /* plan->sql is INSERT, UPDATE or DELETE of the first that is marked */
    TEMPORARY_COPY,   /* COPY FROM: temporary_copy.h */
    TEMPORARY_EMPTY,  /* TRUNCATE */
    TEMPORARY_DROP,
    TEMPORARY_DROP_ALL, /* DISCARD TEMP */
};
struct plan_temporary {
    enum temporary_act act;
    struct temporary_table table; /* CREATE; of COPY its name */
    bool has_rows;                /* CREATE: of plan->sql */
    bool is_there_fine;           /* CREATE IF NOT EXISTS */
    const char *const *names;     /* EMPTY, DROP */
    uint32_t name_count;
    bool is_missing_fine; /* DROP IF EXISTS */
};

/* temporary_plan.c: DuckDB has said of what types its select's columns are. */
void temporary_described(struct plan *plan);
/* The statement as a whole; cursor->changed_rows. */
MUST_CHECK bool temporary_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err);
/* t<n> of each of the plan's marks X; false: one of them is no more. */
bool temporary_numbers(const struct query_session *session, const struct plan *plan, struct arena *arena,
                       const uint64_t **numbers);
/* All of the session's, and of its transaction. */
void temporary_close(struct query_session *session);
/* transaction.c, session_rows.c */
struct temporaries temporaries_copy(const struct temporaries *map);
void temporaries_put(struct query_session *session, struct temporaries *map, const struct temporaries *copy);
void temporaries_drop(struct query_session *session, struct temporaries *map);
void temporary_commit(struct query_session *session);
