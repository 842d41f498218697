/* cursor_inside.h -- what the files of one execution share. Not for others: they include cursor.h.
 *
 *   cursor.c    runs the statement, gives rows     choice.c    which files each reference reads, and its SQL
 *   kept.c      groups put together from what is kept of whole files
 *   cube.c     groups counted before anybody asked
 *   walk.c      ORDER BY timestamp LIMIT n: the newest files first
 *   change.c    DELETE and UPDATE: files made anew  insert.c  INSERT */
#pragma once
#include "timefusion/query/chunk.h"
#include "timefusion/query/cursor.h"
#include "timefusion/query/identity.h"
#include "timefusion/query/narrowed.h"

#define DAMAGED_MAX       16
#define RETURNED_ROWS_MAX 100000 /* they wait in memory until the statement is through */

struct held_narrowed { /* narrowed.h */
    struct held_narrowed *next;
    uint64_t id;
};

struct held_map { /* identity_map.h */
    struct held_map *next;
    uint64_t number;
};

struct query_cursor {
    struct query_session *session;
    struct plan *plan;
    struct lane *lane;
    struct arena arena;
    struct held held[SCHEMA_TABLE_COUNT];
    struct held_map *maps;
    struct held_narrowed *narrowed;
    struct held_kept *kept;  /* kept.h */
    struct held_cube *cubes; /* cube.h */
    struct bounds bounds;
    struct query_parameter *parameters;
    struct render render;
    duckdb_result result;
    bool has_result, is_done, is_walked;
    bool is_admitted; /* hooks.ended is to be told */
    bool has_turn;    /* turn.h */
    struct query_limits limits;
    uint64_t waited_ns, row_count, begun_mono_ns;
    int64_t begun_unix_us;
    struct planning planning, planned; /* when it began, as if the gate had run just before; when it was through */
    enum err_code failure;             /* what it ended with */
    uint64_t bytes_before[SCHEMA_TABLE_COUNT]; /* of held snapshots, when they were */
    bool is_of_transaction;                    /* sees its snapshot, and what it holds */
    duckdb_data_chunk *walked;                 /* chunks of a walk, taken in order */
    uint32_t walked_count, walked_at;
    struct query_chunk chunk;
    duckdb_data_chunk
        first; /* fetched at the start, so that a damaged file shows while there is time to leave it out */
    const struct timefusion_file *damaged[DAMAGED_MAX];
    uint32_t damaged_count;
    struct prune_warning *damages;
    const char **warnings;
    uint32_t warning_count;
    uint64_t changed_rows, returned_rows; /* of DELETE, UPDATE, INSERT */
    const char **notices;
    uint32_t notice_count;
    uint32_t files_considered, files_opened, files_cubed, identity_files;
};

/* What a table reference reads: files by stored table. */
struct choice {
    struct pruned files[SCHEMA_TABLE_COUNT];
    const char **ids;
    uint32_t id_count;
    int64_t from_us, to_us; /* rows of these times only, the session's or fewer; 0: any */
    struct identity identity;
};

/* cursor_limits.c */
/* Of its project: the turn is taken, its time begins. */
MUST_CHECK bool cursor_limits_begin(struct query_cursor *cursor, struct err *err);
/* Around work of DuckDB; giving a turn back that it has not is fine. */
MUST_CHECK bool cursor_turn_take(struct query_cursor *cursor, struct err *err);
void cursor_turn_give(struct query_cursor *cursor);
/* A table's snapshot is held: what is read of it counts from now on. */
void cursor_limits_hold(struct query_cursor *cursor, uint32_t table);
/* Is that why it failed? Sets err. */
bool cursor_bytes_are_over(const struct query_cursor *cursor, struct err *err);
MUST_CHECK bool cursor_rows_add(struct query_cursor *cursor, uint64_t rows, struct err *err);

/* cursor.c */
/* What DuckDB says of an interrupt, by who asked for it. false always. */
bool cursor_failed(struct query_cursor *cursor, struct err *err);
/* Runs SQL of our own; its rows are the cursor's. */
MUST_CHECK bool cursor_sql(struct query_cursor *cursor, const char *sql, struct err *err);
/* Runs a template; prefix: "EXPLAIN " or "". */
MUST_CHECK bool cursor_run(struct query_cursor *cursor, const char *template, const char *prefix, struct err *err);
/* The files of every table that the plan names, for render. */
MUST_CHECK bool cursor_tables(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err);
/* The next rows of the result; *chunk NULL at its end. */
MUST_CHECK bool cursor_chunk(struct query_cursor *cursor, duckdb_data_chunk *chunk, struct err *err);
void cursor_result_drop(struct query_cursor *cursor);
/* RETURNING: rows that are given once the statement is through. The chunk is taken, also on failure. */
MUST_CHECK bool cursor_returned_add(struct query_cursor *cursor, duckdb_data_chunk chunk, struct err *err);
/* All that the plan's `returning` gives now. */
MUST_CHECK bool cursor_returned(struct query_cursor *cursor, struct err *err);

/* stats.c: asks the process for its counts, for mark C. */
MUST_CHECK bool stats_take(struct query_cursor *cursor, struct err *err);

/* choice.c */
MUST_CHECK bool choice_make(struct query_cursor *cursor, uint32_t t, struct choice *choice,
                            struct prune_warning **warnings, struct err *err);
/* The reference as a subquery. */
MUST_CHECK bool choice_put(struct query_cursor *cursor, uint32_t t, const struct choice *choice, enum source_also also,
                           struct buf *out, struct err *err);
/* The same in the arena; NULL: err. */
const char *choice_sql(struct query_cursor *cursor, uint32_t t, const struct choice *choice, struct err *err);
/* Identity narrowed to these traces, with their values at hand; present 0 when they have none. */
MUST_CHECK bool choice_identify(struct query_cursor *cursor, struct identity *identity, struct bytes *traces,
                                uint32_t count, struct prune_warning **warnings, struct err *err);
/* Without the files that proved damaged, and those without a row of the session's times. */
void choice_leave_out(const struct query_cursor *cursor, struct pruned *files);

/* walk.c */
MUST_CHECK bool walk_run(struct query_cursor *cursor, const struct choice *choice, bool *is_walked,
                         struct prune_warning **warnings, struct err *err);
void walk_drop(struct query_cursor *cursor);

/* change.c: DELETE or UPDATE as a whole; notices, changed_rows. */
MUST_CHECK bool change_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err);
/* May the session change rows? The one place that decides. */
MUST_CHECK bool change_is_allowed(const struct query_session *session, struct err *err);
