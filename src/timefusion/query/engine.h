/* engine.h -- the DuckDB instance and what the parts of this folder share: sessions, connections, the plan cache.
 *
 *   engine --> watchdog thread: interrupts what was cancelled or is over its time
 *          --> plans by text (LRU)
 *   session --> lanes (a DuckDB connection each; one running statement a lane; idle ones are kept)
 *
 * Lock order: engine->lock, then session->lock. Thread: see query.h. */
#pragma once
#include "timefusion/query/activity.h"
#include "timefusion/query/described.h"
#include "timefusion/query/duckdb_fs.h"
#include "timefusion/query/identity_map.h"
#include "timefusion/query/insert.h"
#include "timefusion/query/render.h"
#include "timefusion/query/session_drafts.h"
#include "timefusion/query/temporary.h"
#include <duckdb.h>
#include <pthread.h>

#define PLANS_MAX      512
#define PLAN_BYTES_MAX (24u << 20) /* of all cached plans */
#define LANES_IDLE_MAX 2

struct plan_entry {
    struct plan_entry *newer, *older, *next; /* LRU; chain of the bucket */
    uint64_t hash;
    struct bytes text; /* SQL and declared types */
    struct plan *plan;
    size_t bytes;
};

struct query_engine {
    struct query_options options;
    duckdb_database database;
    struct duckdb_fs *fs;
    struct identity_maps *identity_maps;
    struct turns *turns; /* turn.h */
    struct kepts *kepts; /* kept.h */
    struct cubes *cubes; /* cube.h; NULL: none */
    atomic_ullong next_snapshot_id;
    pthread_mutex_t lock; /* guards what follows */
    struct plan_entry *buckets[PLANS_MAX];
    struct plan_entry *newest, *oldest;
    uint32_t plan_count;
    size_t plan_bytes;
    struct described described;
    struct query_session *sessions;
    /* The watchdog sleeps until something is armed. */
    pthread_t watchdog;
    pthread_cond_t wake;
    uint32_t armed_count;
    bool is_closing;
    _Atomic uint64_t written_bytes;   /* insert.h: of all sessions; not guarded */
    _Atomic uint64_t temporary_bytes; /* temporary.h: the same */
    _Atomic uint64_t next_temporary;
};

struct lane {
    duckdb_connection connection;
    char *timezone; /* as set on the connection */
    bool is_early;  /* a LIMIT's columns are read with its rows and not behind them */
    struct lane *next;
};

/* A table's snapshot as DuckDB sees it; let go when the last file handle is closed. */
struct held {
    struct timefusion_snapshot *snapshot;
    uint64_t id;    /* in the file system; 0: none */
    bool is_pinned; /* the transaction's: not the cursor's to drop */
};

struct query_session {
    struct query_engine *engine;
    struct query_session *newer, *older; /* engine's list */
    struct uuid project_id;
    bool is_operator;
    char *read_only_why;      /* NULL: may change rows */
    int64_t from_us, last_us; /* rows of these times, both included; 0: of any */
    char *user;
    struct uuid key_id; /* whose rows count as written by */
    struct session_rows rows;
    struct session_drafts drafts;
    struct temporaries temporaries, temporaries_before; /* now; as the transaction found them */
    uint64_t temporary_bytes;
    struct session_savepoint {
        struct session_rows_mark rows;
        struct temporaries temporaries;
    } * savepoints;
    uint32_t savepoint_count;
    bool has_wire; /* statements of wire.h are carried out */
    bool in_transaction;
    struct held pinned[SCHEMA_TABLE_COUNT]; /* the transaction's */
    int64_t transaction_unix_us;
    uint64_t transaction_end_mono_ns; /* 0: none */
    char *settings[SETTINGS_MAX];     /* NULL: the default */
    struct lane *idle;
    uint32_t idle_count, open_cursors;
    pthread_mutex_t lock; /* guards what follows */
    uint32_t pid;         /* changed under the engine's lock too */
    char address[64];
    void (*terminate)(void *ctx, uint32_t pid);
    void *terminate_ctx;
    /* What follows is the session's own thread's. */
    void (*told)(void *ctx, const char *notice);
    void *told_ctx;
    const char *actor_kind, *via;
    char *actor_name;
    struct uuid actor_id;
    struct activity activity;
    struct lane *running;
    uint64_t deadline_mono_ns; /* 0: none; of the running statement */
    uint64_t limit_seconds;    /* the deadline is the project's limit; 0: it is the session's own */
    bool is_cancelled, is_over_time, is_armed;
    atomic_bool stops; /* cancelled or over time, for work that is no query of DuckDB's; not guarded */
};

/* May the session run it: keys that only ask, times that are all it may see. */
struct query_statement;
MUST_CHECK bool statement_is_permitted(const struct query_statement *statement, struct err *err);

struct query_statement {
    struct query_session *session;
    struct plan *plan;
    struct plan *described;   /* the one before, which the client was told of; NULL: it is still that */
    struct planning planning; /* what the gate and the translation took; 0 for a text that was seen before, nearly */
};

/* A connection with the session's time zone, for the caller alone until lane_release. */
MUST_CHECK bool lane_acquire(struct query_session *session, struct lane **lane, struct err *err);
/* Whether a LIMIT finds its rows first and then reads their columns: pays for one select. Where several of a statement do
 * so, DuckDB 1.5.6 may wait for a task that never comes, which no interrupt ends: then none may. */
MUST_CHECK bool lane_read_late(struct lane *lane, bool is_late, struct err *err);
void lane_release(struct query_session *session, struct lane *lane);
/* Around every call that runs SQL, so that query_cancel and the watchdog reach it. false: it was cancelled before. */
MUST_CHECK bool lane_begin(struct query_session *session, struct lane *lane, struct err *err);
/* What an interrupted call ended with. */
void lane_end(struct query_session *session);
/* transaction.c: the project's limit of a statement's time begins, if it ends before the session's own. */
void session_time_limit(struct query_session *session, uint64_t seconds);
/* transaction.c: a statement's time begins, by the session's settings. */
void session_clock_begin(struct query_session *session);
/* The transaction's snapshot of the table, taken with those of the others; where it holds rows of its own, one of the caller's
 * with these. */
MUST_CHECK bool transaction_hold(struct query_session *session, enum schema_table_id table, struct held *held,
                                 struct err *err);
/* choice.c: a snapshot, shown to DuckDB; to be dropped by its id. */
MUST_CHECK bool snapshot_take(struct query_session *session, enum schema_table_id table, struct held *held,
                              struct err *err);
/* The snapshot, which is taken, shown to DuckDB. */
void snapshot_show(struct query_session *session, struct timefusion_snapshot *snapshot, struct held *held);
/* What runs on it is cancelled; the engine's lock is held. */
void session_stop(struct query_session *session);
/* Cancelled or over time? Sets err. */
bool session_is_stopped(struct query_session *session, struct err *err);

/* Until all that was acknowledged before is in the tables (query_hooks.flush). ERR_BUSY after ms_max; 0: however long. */
MUST_CHECK bool session_flush(struct query_session *session, uint32_t ms_max, struct err *err);

/* What clients see a column of DuckDB's as; JSON and oids are known to us alone. UNKNOWN: of no type that they can be sent. */
enum query_type engine_type(duckdb_logical_type type);
/* DuckDB's message in our words and codes; false always. */
bool engine_err(struct err *err, duckdb_error_type type, const char *message);
/* Runs a statement as a stream. is_stopped (or NULL) is asked between pieces of some milliseconds until the first rows are
 * there, and answers true with err set. */
struct engine_stop {
    bool (*is_stopped)(void *ctx, struct err *err);
    void *ctx;
};
/* *planned (or NULL): when it was planned, and nothing was run yet. */
MUST_CHECK bool engine_stream(duckdb_connection connection, const char *sql, const struct engine_stop *stop,
                              struct planning *planned, duckdb_result *result, struct err *err);
bool engine_query(duckdb_connection connection, const char *sql, duckdb_result *result, struct err *err);
/* Opens a locked-down instance with our file system and functions. maps NULL: none. */
MUST_CHECK bool engine_open_database(duckdb_database *database, struct duckdb_fs **fs, struct identity_maps *maps,
                                     const struct query_options *options, struct err *err);

/* The plan of a text, from the cache or made and described. */
MUST_CHECK bool engine_plan(struct query_session *session, struct bytes sql, const enum query_type *declared,
                            uint32_t declared_count, struct plan **plan, struct err *err);
