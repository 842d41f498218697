/* query.h -- SQL over one project's telemetry: the gate, the planner's file list, and DuckDB behind them.
 *
 *   SQL text --libpg_query--> tree --gate: allowed statements, tables, functions--> types of parameters and results
 *     (cached) query_statement --execute: bind, snapshot, prune files, deparse for DuckDB--> query_cursor --> chunks
 *
 * The credential names the project; no SQL can name another's rows.
 * Thread: query_engine any; a query_session and what it made belong to one thread, but query_cancel is for any.
 * Memory: DuckDB's own limit plus result chunks; statements are cached with a bound.
 * Errors: with SQLSTATE codes by err.h and err->position in the text as the client sent it. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "timefusion/schema/schema.h"

struct maintenance;
struct timefusion;
struct query_engine;
struct query_session;
struct query_statement;
struct query_cursor;

/* What clients see; QUERY_TYPE_*_LIST are one-dimensional arrays. */
enum query_type {
    QUERY_TYPE_UNKNOWN,
    QUERY_TYPE_BOOL,
    QUERY_TYPE_INT2,
    QUERY_TYPE_INT4,
    QUERY_TYPE_INT8,
    QUERY_TYPE_FLOAT4,
    QUERY_TYPE_FLOAT8,
    QUERY_TYPE_NUMERIC,
    QUERY_TYPE_TEXT,
    QUERY_TYPE_BYTEA,
    QUERY_TYPE_UUID,
    QUERY_TYPE_JSONB,
    QUERY_TYPE_DATE,
    QUERY_TYPE_TIME,
    QUERY_TYPE_TIMESTAMP,
    QUERY_TYPE_TIMESTAMPTZ,
    QUERY_TYPE_INTERVAL,
    /* Numbers of things of the catalog (catalog.h); all but the first two show as names: query_catalog_name. */
    QUERY_TYPE_VECTOR_OID, /* an oid; a list of them is an oidvector, which is written without braces */
    QUERY_TYPE_OID,
    QUERY_TYPE_REGCLASS,
    QUERY_TYPE_REGTYPE,
    QUERY_TYPE_REGPROC,
    QUERY_TYPE_REGNAMESPACE,
    QUERY_TYPE_REGROLE,
    QUERY_TYPE_LIST = 64, /* | of an element type: QUERY_TYPE_LIST | QUERY_TYPE_TEXT is text[] */
};
/* `case QUERY_TYPE_OIDS:` is any number of a thing of the catalog. */
#define QUERY_TYPE_OIDS QUERY_TYPE_VECTOR_OID... QUERY_TYPE_REGROLE

/* 0: none. */
struct query_limits {
    uint64_t running_max; /* at work at once; more wait for their turn (turn.h) */
    uint64_t seconds_max; /* of work, waiting apart */
    uint64_t bytes_max;   /* read of files of a table */
    uint64_t rows_max;    /* of the answer */
};

/* Rows that a statement or a transaction has written. */
struct query_rows {
    struct uuid project_id, key_id; /* key: of query_session_set_key; all zeros: a person's */
    struct bytes batch;             /* timefusion/batch, by malloc */
    uint64_t logs, spans, points;
};

/* Rows that a transaction holds. */
struct query_draft {
    struct uuid project_id;
    struct bytes batch;       /* timefusion/batch, by malloc */
    int64_t received_unix_us; /* as if they had come then */
};
struct timefusion_file;
struct query_drafted {
    struct timefusion_file **files[SCHEMA_TABLE_COUNT]; /* by malloc, NULL when none */
    uint32_t file_count[SCHEMA_TABLE_COUNT];
};

/* Who is at the other end, as pg_stat_activity shows it; without it a session has a pid of its own and no address. */
struct query_client {
    uint32_t pid; /* query_pid_new; 0: as it is */
    const char *address;
    /* For the log of statements. */
    const char *actor_kind, *actor_name, *via; /* constant; copied; constant: "key", "of CI", "sql" */
    struct uuid actor_id;
    void (*terminate)(void *ctx,
                      uint32_t pid); /* for pg_terminate_backend(), from any thread; NULL: what runs is cancelled */
    void *ctx;
    void (*told)(void *ctx, const char *notice); /* at once, on the session's thread: it waits. NULL: nobody is */
    void *told_ctx;
};

/* A statement that has ended, for the log of statements. Borrowed for the call. */
struct query_ran {
    struct uuid project_id;
    const struct query_client *client; /* its pid is the session's */
    const char *operation;             /* "SELECT"; empty: it is no statement */
    struct bytes text, shape;          /* as it was written; without its literals, empty where it cannot be parsed */
    int64_t begun_unix_us;
    uint64_t duration_ns, waited_ns, rows, bytes;
    uint32_t files_read, files_pruned;
    enum err_code failure; /* ERR_OK: it went well */
};

/* What statements ask of parts that this folder does not see; a function that is NULL: such statements are refused. */
struct query_hooks {
    /* Until everything acknowledged before the first call is in the Delta tables (FLUSH, DELETE). *ticket is 0 in the first
     * call; after ERR_TIMEOUT another call with the ticket waits on. */
    bool (*flush)(void *ctx, uint64_t *ticket, uint32_t timeout_ms, struct err *err);
    /* Adds what the process counts, for timefusion_stats: lines of component|key|value|unit|description. */
    bool (*stats)(void *ctx, struct buf *lines);
    /* From now on the log writes into a new file, so that the next flush lets all go that is in it by now (DELETE). NULL: it has
     * no such files. False: it could not; nothing is lost by that. */
    bool (*log_roll)(void *ctx, struct err *err);
    /* Rows of the project were deleted: texts that are kept of rows elsewhere (examples of values) go too. NULL: there are
     * none. False: it could not; asked again by the next DELETE. */
    bool (*forget)(void *ctx, struct uuid project_id, struct err *err);
    /* May the project run one statement more now, that reads or changes rows? When it may, ended follows once its cursor is
     * closed. NULL: there is no limit. */
    bool (*admit)(void *ctx, struct uuid project_id, struct err *err);
    void (*ended)(void *ctx, struct uuid project_id);
    /* What a statement of the project may take now; asked at its begin. NULL: there are no limits. */
    void (*limits)(void *ctx, struct uuid project_id, struct query_limits *limits);
    /* A statement has ended; on its session's thread, which waits for it. NULL: nobody needs to know. */
    void (*ran)(void *ctx, const struct query_ran *ran);
    void *ctx;
    struct maintenance *maintenance; /* OPTIMIZE, VACUUM */
    /* INSERT, COPY FROM: true once the rows survive. The batch is taken, also on failure. NULL: such statements are refused. */
    bool (*keep)(void *ctx, const struct query_rows *rows, struct err *err);
    /* Until the project's rows that were kept before the first call can be asked for; *ticket as for flush. */
    bool (*show)(void *ctx, struct uuid project_id, uint64_t *ticket, uint32_t timeout_ms, struct err *err);
    /* Rows that a transaction holds, as they will be once they are kept: in files that nobody else sees, a reference each for
     * the caller, some MB of rows a call. The batch is taken, also on failure. NULL: a transaction does not see what it holds. */
    bool (*draft)(void *ctx, const struct query_draft *draft, struct query_drafted *drafted, struct err *err);
};
struct query_options {
    struct timefusion *timefusion;
    struct query_hooks hooks;
    uint64_t memory_bytes_max;
    uint64_t write_bytes_max; /* rows that sessions have written and not yet kept, all together; 0: no bound */
    uint32_t threads;
    uint32_t slots;              /* statements of all projects at work at once; 0: twice the threads */
    uint32_t kept_file_rows_min; /* of which files groups are kept (kept.h); 0: the usual */
    const char *temp_dir;
    const char *rollup_dir; /* roll-ups of files (cube.h) are kept there; NULL: there are none */
    bool cubes_by_hand;     /* no thread makes them: tests do */
    const struct log *log;
};
MUST_CHECK bool query_engine_open(struct query_engine **engine, const struct query_options *options, struct err *err);
void query_engine_close(struct query_engine *engine);

MUST_CHECK bool query_session_open(struct query_session **session, struct query_engine *engine, struct uuid project_id,
                                   const char *user, struct err *err);
void query_session_close(struct query_session *session);
/* An operator's statements reach all projects' files (OPTIMIZE, VACUUM, DESCRIBE HISTORY, timefusion_stats); rows stay
 * those of the session's project. False at first. */
void query_session_set_operator(struct query_session *session, bool is_operator);
/* Statements that change rows or files are refused (ERR_FORBIDDEN), in these words: "your role here is viewer". NULL: none
 * is, as at first. why is copied. */
void query_session_set_read_only(struct query_session *session, const char *why);
/* Only rows with from_us <= timestamp < to_us are there, in every table, whatever a statement says; whose a row is is taken from
 * them alone. Nothing but SELECT and settings is permitted then: plans, histories and counts tell of other times. 0, 0: of any
 * time, as at first. */
void query_session_set_times(struct query_session *session, int64_t from_us, int64_t to_us);
/* Whose rows count as written by: all zero (a person) at first. */
void query_session_set_key(struct query_session *session, struct uuid key_id);
/* Statements of wire.h are permitted: whoever calls carries them out. */
void query_session_set_wire(struct query_session *session);
/* Until query_session_end all statements see one snapshot, taken by the first of them that reads, and one now(). Cursors that
 * are open then must be closed before the end. */
void query_session_begin(struct query_session *session);
void query_session_end(struct query_session *session); /* what it has written and not committed is gone */
/* A savepoint is set on what the transaction has written so far; the first is 0. Back to it: what came since is gone, later
 * savepoints too. keep: those from count on are no more, and what they were set on stays. */
void query_session_savepoint(struct query_session *session);
void query_session_savepoint_back(struct query_session *session, uint32_t savepoint);
void query_session_savepoints_keep(struct query_session *session, uint32_t count);
/* Before query_session_end: what the transaction has written is kept, as a whole, and seen. *notice: words for the client, or
 * NULL. False: nothing of it is kept. */
MUST_CHECK bool query_session_commit(struct query_session *session, const char **notice, struct err *err);
/* Work on a cursor that was opened by an earlier message: its time begins anew, and an old cancel is forgotten. */
void query_session_resume(struct query_session *session);
/* Has the session's transaction_timeout passed? */
bool query_session_is_over(const struct query_session *session);
/* How long the client may be silent now, in milliseconds; 0: for ever. *is_over: it is transaction_timeout that ends it. */
int64_t query_session_idle_ms(const struct query_session *session, bool *is_over);
/* Value of a setting as SHOW has it; NULL: there is none of that name. Until the next statement. */
const char *query_session_setting(const struct query_session *session, const char *name);
void query_session_set_client(struct query_session *session, const struct query_client *client);
uint32_t query_pid_new(struct query_engine *engine);
/* Any thread: what runs on the session ends with ERR_CANCELLED. */
void query_cancel(struct query_session *session);

/* What PostgreSQL says of a type beside its name: varchar(20), numeric(10,2)[], timestamp(3). */
struct query_form {
    enum query_text { QUERY_TEXT, QUERY_TEXT_VARCHAR, QUERY_TEXT_BPCHAR } text; /* of TEXT */
    uint32_t modifier; /* pg_attribute.atttypmod + 1; 0: none */
};
struct query_column {
    const char *name;
    enum query_type type;
    struct query_form form; /* char(n) comes without its blanks: whoever shows it adds them */
};
struct query_parameter { /* a bound value; text form unless is_binary */
    struct bytes value;
    bool is_null, is_binary;
};

/* Splits a simple-protocol string into its statements (positions into sql); 0 for an empty one. */
MUST_CHECK bool query_split(struct bytes sql, struct bytes *statements, uint32_t max, uint32_t *count, struct err *err);
/* One statement. declared: types the client gave, UNKNOWN where it did not. The statement is the session's, until
 * query_statement_close. */
MUST_CHECK bool query_prepare(struct query_session *session, struct bytes sql, const enum query_type *declared,
                              uint32_t declared_count, struct query_statement **statement, struct err *err);
void query_statement_close(struct query_statement *statement);
uint32_t query_statement_parameters(const struct query_statement *statement, const enum query_type **types);
/* 0 columns: no rows come (SET, BEGIN ...). */
uint32_t query_statement_columns(const struct query_statement *statement, const struct query_column **columns);
/* "SELECT", "SET", "BEGIN" ...; with the count of rows where PostgreSQL has one. For CommandComplete. */
void query_statement_tag(const struct query_statement *statement, uint64_t row_count, char tag[64]);
enum query_transaction {
    QUERY_TRANSACTION_NONE,
    QUERY_TRANSACTION_BEGIN,
    QUERY_TRANSACTION_END,
    QUERY_TRANSACTION_CHAIN, /* ends, and another begins */
    QUERY_TRANSACTION_SAVEPOINT,
    QUERY_TRANSACTION_RELEASE,
    QUERY_TRANSACTION_ROLLBACK_TO,
};
enum query_transaction query_statement_transaction(const struct query_statement *statement);
const char *query_statement_savepoint(const struct query_statement *statement); /* of the last three */
/* What the protocol's server is to do with it; NULL: it is none of those (wire.h). Its rows have columns that
 * query_statement_columns does not tell, for they do not come as rows of this statement. */
struct query_wire;
const struct query_wire *query_statement_wire(const struct query_statement *statement);
uint32_t query_statement_row_columns(const struct query_statement *statement, const struct query_column **columns);
/* DELETE, UPDATE: done at once and for good, so not inside a transaction block. */
bool query_statement_is_final(const struct query_statement *statement);
/* INSERT and COPY FROM: it adds rows, and changes none. */
bool query_statement_writes(const struct query_statement *statement);
/* The final ones, OPTIMIZE and VACUUM; with those that write what query_session_set_read_only refuses. */
bool query_statement_changes(const struct query_statement *statement);

MUST_CHECK bool query_execute(struct query_statement *statement, const struct query_parameter *parameters,
                              uint32_t count, struct query_cursor **cursor, struct err *err);
/* Named warnings of this execution (a damaged file ...), to be sent as NOTICE. */
uint32_t query_cursor_warnings(const struct query_cursor *cursor, const char *const **warnings);

/* What else the client should know: when the raw copies of deleted rows are gone. To be sent as NOTICE. */
uint32_t query_cursor_notices(const struct query_cursor *cursor, const char *const **notices);
/* Rows that DELETE or UPDATE changed, or INSERT wrote; 0 for all else. */
uint64_t query_cursor_changed_rows(const struct query_cursor *cursor);

/* Files that the tables' snapshots had, and those that were left to read. */
void query_cursor_files(const struct query_cursor *cursor, uint32_t *considered, uint32_t *opened);

/* Of what the answer was put together: of rows, of sums that had been made of whole files before, of both. */
enum query_answered { QUERY_ANSWERED_RAW, QUERY_ANSWERED_ROLLUPS, QUERY_ANSWERED_BOTH };
enum query_answered query_cursor_answered(const struct query_cursor *cursor);
/* Bytes that were read of files so far. */
uint64_t query_cursor_bytes(const struct query_cursor *cursor);

/* COPY ... FROM STDIN: a statement whose wire is WIRE_COPY_IN, whose rows the caller brings.
 *
 *   query_copy_begin -> query_copy_row ... -> query_copy_end (they are kept) -> query_copy_close (else they are not) */
struct query_copy;
struct query_field {
    struct bytes value;
    bool is_null, is_binary;
};
MUST_CHECK bool query_copy_begin(struct query_statement *statement, struct query_copy **copy, struct err *err);
/* As many fields as the statement has row columns. On failure err begins with the column. */
MUST_CHECK bool query_copy_row(struct query_copy *copy, const struct query_field *fields, struct err *err);
/* Cancelled, or over its time? Sets err. */
bool query_copy_is_stopped(struct query_copy *copy, struct err *err);
/* Rows that are kept for good already, whatever comes: of a COPY larger than a piece, outside of a transaction. */
uint64_t query_copy_kept(const struct query_copy *copy);
MUST_CHECK bool query_copy_end(struct query_copy *copy, uint64_t *rows, const char **notice, struct err *err);
void query_copy_close(struct query_copy *copy); /* NULL is fine */

/* A value as the wire needs it. Lists: elements by query_chunk_element. Borrowed until the next fetch. */
struct query_value {
    bool is_null;
    union {
        bool boolean;
        int64_t integer;    /* INT*, OID, REG*, DATE (days from 1970), TIME, TIMESTAMP, TIMESTAMPTZ (us from 1970) */
        double number;      /* FLOAT* */
        struct bytes bytes; /* TEXT BYTEA JSONB; NUMERIC as decimal text */
        struct uuid uuid;
        struct {
            int32_t months, days;
            int64_t micros;
        } interval;
        struct {
            uint64_t offset;
            uint32_t count;
        } list;
    };
};
struct query_chunk;
/* A double as PostgreSQL shows it: 2, 0.1, 1e+20, NaN. */
MUST_CHECK bool query_double_put(struct buf *out, double number);
MUST_CHECK bool query_float_put(struct buf *out, double number); /* of 4 bytes */
/* An interval as PostgreSQL shows it: 1 mon -2 days +03:00:00.5 */
MUST_CHECK bool query_interval_put(struct buf *out, int32_t months, int32_t days, int64_t micros);
/* The next rows; *chunk NULL at the end. */
MUST_CHECK bool query_fetch(struct query_cursor *cursor, const struct query_chunk **chunk, struct err *err);
uint32_t query_chunk_rows(const struct query_chunk *chunk);
struct query_value query_chunk_value(const struct query_chunk *chunk, uint32_t column, uint32_t row);
struct query_value query_chunk_element(const struct query_chunk *chunk, uint32_t column, uint64_t offset);
/* Many elements at once of a list of bigint or double precision; 0 for one that is NULL. */
void query_chunk_numbers(const struct query_chunk *chunk, uint32_t column, uint64_t offset, uint32_t count,
                         double *numbers);
/* Digits behind the point of a column of NUMERIC, or of lists of them: the same in all its rows. */
uint32_t query_chunk_scale(const struct query_chunk *chunk, uint32_t column);
void query_cursor_close(struct query_cursor *cursor);
/* What a value of REGCLASS, REGTYPE ... shows as in text: "otel_metrics". */
MUST_CHECK bool query_catalog_name(struct buf *out, const struct query_chunk *chunk, enum query_type type, int64_t oid);

/* For Delta checkpoints: reads any Parquet checkpoint of the store (see delta.h, struct delta_checkpoint_reader). */
struct delta_checkpoint_reader;
/* Each read has a DuckDB of its own, locked down, so that the store can be opened before the engine. */
struct delta_checkpoint_reader query_checkpoint_reader(void);
/* For maintenance: rows of files of any writer (see maintenance/rewriter.h). Each run has a DuckDB of its own. */
struct rewriter;
struct rewriter query_rewriter(void);
