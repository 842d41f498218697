/* statement_log.h -- who asked what by SQL, when, and what it took: kept for some days, for a project's owners.
 *
 *   a statement ends --statement_log_add--> in memory --statement_log_save, each second--> statements --_list--> API
 *
 * A statement costs a copy of some hundred bytes; what was not saved when the process is killed is lost, and what comes faster
 * than the database takes it is counted and left out (64 MiB wait at most).
 * Thread: any. Errors: those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct log;
struct statement_log;

struct statement_log_options {
    struct db *db;
    uint32_t days;     /* for which rows are kept; 0: nothing is written */
    uint64_t rows_max; /* of all projects; the oldest go. 0: 1,000,000 */
    const struct log *log;
};
#define STATEMENT_BYTES_MAX 2000 /* of its text */
struct statement_log *statement_log_create(const struct statement_log_options *options);
void statement_log_destroy(struct statement_log *log); /* NULL is fine; what was not saved is lost */

struct statement_row {
    int64_t number; /* given by the database */
    struct uuid project_id;
    int64_t at_unix_us;                              /* when it began */
    struct bytes actor_kind, actor_id, actor_name;   /* "key", "user", "share" */
    struct bytes address, via, operation, statement; /* via: "sql", "http" */
    int64_t session;                                 /* its pid, as pg_stat_activity has it */
    int64_t duration_us, waited_us, row_count, bytes, files_read, files_pruned;
    struct bytes sqlstate; /* "00000": it went well */
};
/* Copies it. */
void statement_log_add(struct statement_log *log, const struct statement_row *row);
/* Writes what came since; what is older than may be goes, once a minute. When it fails it is tried again with the next. */
MUST_CHECK bool statement_log_save(struct statement_log *log, struct err *err);

struct statement_filter {
    struct uuid project_id;
    int64_t before; /* row numbers below this; 0: from the newest */
    int64_t from_unix_us, to_unix_us;
    struct bytes actor, operation; /* empty: all */
    bool is_failed;                /* those alone that did not go well */
    int64_t duration_us_min;
    uint32_t count_max;
};
/* Newest first. each answers false to stop. Borrowed for the call. */
MUST_CHECK bool statement_log_list(struct db *db, const struct statement_filter *filter,
                                   bool (*each)(void *ctx, const struct statement_row *row), void *ctx,
                                   struct err *err);
