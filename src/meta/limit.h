/* limit.h -- how much a project and a key may send and ask: the list of limits, and what was said about them.
 *
 *   settings: the defaults of every project      limits(subject, name, value): what is said of one project or key
 *                      '----------- meter.h: what counts, and whether it is reached -----------'
 *
 * 0 is no limit, also where the settings have one. A key's limits count beside its project's. Keys have no defaults.
 * Thread: any. Errors: ERR_INPUT for a limit that cannot be; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct db_session;

/* Of keys: a limit that a key can have too. */
#define LIMITS(X)                                                                                            \
    X(REQUESTS_PER_SECOND, "requests_per_second", "requests a second", true)                                 \
    X(BYTES_PER_SECOND, "bytes_per_second", "bytes a second", true)    /* decompressed */                    \
    X(EVENTS_PER_SECOND, "events_per_second", "events a second", true) /* spans, log records, data points */ \
    X(BYTES_PER_DAY, "bytes_per_day", "bytes a day", true)                                                   \
    X(EVENTS_PER_MONTH, "events_per_month", "events a month", true)                                          \
    X(QUERIES, "queries", "queries at once", false)                                                          \
    X(QUERIES_RUNNING, "queries_running", "queries at work at once; more wait for their turn", false)        \
    X(QUERY_SECONDS, "query_seconds", "seconds of work for a query", false)                                  \
    X(QUERY_BYTES, "query_bytes", "bytes of files read by a query", false)                                   \
    X(QUERY_ROWS, "query_rows", "rows of a query's answer", false)                                           \
    X(ATTRIBUTE_KEYS, "attribute_keys", "distinct attribute keys", false)
enum limit {
#define X(name, text, words, of_keys) LIMIT_##name,
    LIMITS(X)
#undef X
        LIMIT_COUNT
};
#define LIMIT_VALUE_MAX (INT64_C(1) << 53) /* what JSON's numbers hold */
struct limit_values {
    uint64_t at[LIMIT_COUNT]; /* 0: none */
};
const char *limit_name(enum limit limit);  /* "requests_per_second" */
const char *limit_words(enum limit limit); /* "requests a second" */
bool limit_is_of_keys(enum limit limit);
bool limit_read(struct bytes name, enum limit *limit); /* false: there is none of that name */

/* subject: the project's id, or that of one of its keys. */
struct limit_row {
    struct uuid project_id, subject_id;
    enum limit limit;
    uint64_t value;
};
#define LIMIT_TOPIC "limits" /* of db_note_change */
MUST_CHECK bool limit_put(struct db_session *session, const struct limit_row *row, struct err *err);
/* The default counts again. */
MUST_CHECK bool limit_remove(struct db_session *session, struct uuid subject_id, enum limit limit, struct err *err);
/* All that was said, of one project or (NULL) of all. */
MUST_CHECK bool limit_list(struct db *db, const struct uuid *project_id,
                           void (*each)(void *ctx, const struct limit_row *row), void *ctx, struct err *err);
