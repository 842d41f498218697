/* cube.h -- cubes: rows of whole files counted before anybody asks, by minute and by what groups are usually made of.
 *
 *   a file of the table, once, in the background --cube_make.c--> DIR/<project>/<file>-m<rows>-<hash>.parquet   its minutes
 *                                                                                 -h..., -w...                 hours, quarters of days, more keys
 *   SELECT route, count(*), avg(duration) FROM .. WHERE timestamp .. AND service = 'x' GROUP BY 1     (cube_plan.c knows such)
 *       files within the times, with cubes ---------------------> all lines --+
 *       files that the times cut --> lines of whole minutes, and the rest as rows --+--> the select, over all of them (cube_answer.c)
 *       small files, segments, those without cubes -------------> rows -------+
 *
 * Exact, and as new as an answer from rows: a cube is of a file, and a file never changes. What DELETE or UPDATE makes anew, what
 * other writers bring and what comes late are other files. Counts, sums, least and greatest of `duration`, and
 * rows by its step, of which approx_percentile() is made, from rows too; and sketches of which users, sessions and traces there are
 * (base/hyperloglog.h), of which approx_count_distinct() is made, from rows too.
 * Cubes are a cache on the local disk: any may be missing, a damaged one is left out, and they are made again.
 * Thread: any; the maker has a thread of its own. Memory: a hundred bytes a cube; their pages are the kernel's.
 * Errors: none but in the log; then rows are read. */
#pragma once
#include "timefusion/query/cursor_inside.h"

#define CUBE_MEASURE      "duration"
#define CUBE_MINUTE_US    60000000ll
#define CUBE_HOUR_US      3600000000ll
#define CUBE_STEP_US      1800000000ll  /* of a day's charts */
#define CUBE_QUARTER_US   21600000000ll /* of a week's: a quarter of a day */
#define CUBE_SKETCH_US    600000000ll   /* of different users, sessions and traces */
#define CUBE_KEYS_MAX     16
#define CUBE_SKETCHES_MAX 3
#define CUBE_BYTES_MAX    (32u << 20)    /* of one */
#define CUBE_TIME_MIN_US  94694400000000 /* 1973: zones are whole minutes from UTC since */

/* Kinds, by the letter in their names. A kind that is as good as none for a file (as many groups as rows) is not made, and the
 * next of its family is tried. */
struct cube_kind {
    char letter, family;
    int64_t step_us;       /* of its times, from 1970 on; 0: it has none */
    bool has_steps;        /* rows are counted by the step of their duration too (steps.h) */
    bool is_words;         /* no counts, but which of its row groups can hold a text (words.h) */
    uint32_t rows_a_group; /* at least */
    const char *keys[CUBE_KEYS_MAX];
    const char *sketches[CUBE_SKETCHES_MAX]; /* columns whose values are told apart, as u_<column> */
};
extern const struct cube_kind cube_kinds[];
extern const uint32_t cube_kind_count;
/* Is the column a key of some kind? */
bool cube_has_key(const char *column);
/* Is there a kind with sketches of the column? */
bool cube_has_sketch(const char *column);
/* Are they among the kind's? */
bool cube_kind_sketches(const struct cube_kind *kind, const char *column);

struct cube {          /* one file's, of one kind */
    struct cube *next; /* in its bucket */
    struct hash128 file;
    struct uuid project_id;
    const struct cube_kind *kind;
    uint64_t rows, content; /* content: hash of its bytes */
    uint64_t bytes;         /* once it was opened; 0: not yet */
    uint64_t id;            /* of the snapshot that DuckDB sees it as; 0: none */
    uint32_t users;
    bool is_refused; /* it was found that this kind is none for the file; no bytes */
    bool is_dead;    /* goes with its last user */
    char *path;
};
struct cubes;
/* dir NULL: there are none. */
MUST_CHECK bool cubes_open(struct cubes **cubes, struct query_engine *engine, const char *dir, struct err *err);
void cubes_start(struct cubes *cubes); /* the maker's thread */
void cubes_stop(struct cubes *cubes);  /* its thread; before the sessions' end is checked */
void cubes_close(struct cubes *cubes); /* no cursor is open any more, the database still is */

/* The SQL of the select over cubes and what choice has left beside them; NULL with err OK: it is to be asked otherwise. */
const char *cube_sql(struct query_cursor *cursor, uint32_t number, const struct choice *choice, struct err *err);
/* The cursor uses none any more. */
void cube_release(struct query_cursor *cursor);
/* Does DuckDB's message name a cube of the cursor? Then all that it used are left out from now on. */
bool cube_damaged(struct query_cursor *cursor, const struct err *err);
/* Rows of the cursor's project were deleted: what cubes say of them goes from the disk. */
void cube_forget(struct query_cursor *cursor);

/* For answers. */
#define CUBE_NAME "rollup-%" PRIu64 ".parquet" /* as DuckDB knows one by its id, and its messages */
/* The best that knows what is asked of the file, held by the cursor; NULL: there is none. is_cut: only some of the file's times are
 * asked for. *is_missing: none was made yet. */
struct cube *cube_acquire(struct query_cursor *cursor, struct hash128 file, const struct plan_cube *wanted, bool is_cut,
                          bool *is_missing);
/* Somebody asks for the project: its files' are to be made. */
void cube_want(struct cubes *cubes, struct uuid project_id);

bool cubes_are_on(const struct query_session *session);
/* Leaves out files and row groups none of whose rows holds the texts that the table's conditions ask for. */
void cube_words_narrow(struct query_cursor *cursor, const struct plan_table *table, struct pruned *files);

/* For the maker. */
struct cube_name {
    struct uuid project_id;
    struct hash128 file;
    const struct cube_kind *kind;
    uint64_t rows;
};
enum cube_state { CUBE_MISSING, CUBE_REFUSED, CUBE_THERE };
enum cube_state cube_state(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind);
/* Stores bytes, or, bytes.ptr NULL, that there are none. */
MUST_CHECK bool cube_put(struct cubes *cubes, const struct cube_name *name, struct bytes bytes, struct err *err);
/* Stores what the file's texts hold, or, where that cannot be told, that there is none. */
MUST_CHECK bool cube_words_make(struct cubes *cubes, const struct cube_name *name, struct timefusion_file *file,
                                bool *is_made, struct err *err);
/* The one that says what the file's texts hold; to be released. NULL: there is none; *is_missing: it was not made yet. */
struct cube *cube_words_hold(struct cubes *cubes, struct hash128 file, bool *is_missing);
/* The file's of the kind; to be released. NULL: there is none. */
struct cube *cube_hold(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind);
/* The least of the file's cubes of which one of the kind can be made; to be released. NULL: it is made of rows. */
struct cube *cube_source(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind);
void cube_unhold(struct cubes *cubes, struct cube *cube);
/* Those of the project whose file is none of these. */
void cube_retain(struct cubes *cubes, struct uuid project_id, const struct hash128 *files, uint32_t count);
/* cube_make.c: makes what the files of the project lack. stop (or NULL) ends it early. */
MUST_CHECK bool cube_make(struct query_engine *engine, struct uuid project_id, atomic_bool *stop, struct err *err);
/* Has the footers of the project's newest files and of their cubes read, of *left files at most, and takes them off it: who asks first of a
 * process that has just begun does not wait for them. */
MUST_CHECK bool cube_files_open(struct query_engine *engine, struct uuid project_id, uint32_t *left, struct err *err);
