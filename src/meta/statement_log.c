#include "meta/statement_log.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "meta/db.h"
#include <pthread.h>
#include <stdlib.h>

#define WAITING_BYTES_MAX (64u << 20)
#define ROWS_EACH         1000 /* of one transaction */
#define ROWS_MAX          1000000
#define SWEEP_NS          UINT64_C(60000000000)
#define DAY_US            INT64_C(86400000000)

/* The texts of a row, in one order. */
#define TEXTS(X)      \
    X(actor_kind, 16) \
    X(actor_id, 64)   \
    X(actor_name, 256) X(address, 64) X(via, 16) X(operation, 64) X(statement, STATEMENT_BYTES_MAX) X(sqlstate, 8)

struct entry {
    struct entry *next;
    size_t size;
    struct statement_row row; /* its texts are behind it */
};
struct statement_log {
    struct statement_log_options options;
    pthread_mutex_t saving; /* guards what follows: one saves at a time */
    uint64_t swept_mono_ns;
    pthread_mutex_t lock; /* guards what follows */
    struct entry *first, **end;
    size_t bytes;
    uint64_t lost;
};

struct statement_log *statement_log_create(const struct statement_log_options *options)
{
    struct statement_log *log = mem_calloc(1, sizeof *log);
    log->options = *options;
    if (log->options.rows_max == 0) log->options.rows_max = ROWS_MAX;
    log->end = &log->first;
    pthread_mutex_init(&log->saving, NULL);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void statement_log_destroy(struct statement_log *log)
{
    if (!log) return;
    while (log->first) {
        struct entry *entry = log->first;
        log->first = entry->next;
        free(entry);
    }
    pthread_mutex_destroy(&log->saving);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* What came from outside must not be what refuses the row. */
static struct bytes text_of(struct bytes text, size_t len_max)
{
    if (text.len > len_max) text.len = utf8_cut(text, len_max);
    return utf8_is_valid(text) && (text.len == 0 || !memchr(text.ptr, '\0', text.len)) ? text : BYTES("?");
}

void statement_log_add(struct statement_log *log, const struct statement_row *row)
{
    struct statement_row cut = *row;
    size_t size = sizeof(struct entry);
    if (log->options.days == 0) return;
#define X(name, most)                    \
    cut.name = text_of(row->name, most); \
    size += cut.name.len;
    TEXTS(X)
#undef X
    struct entry *entry = mem_alloc(size);
    uint8_t *at = (uint8_t *)(entry + 1);
    *entry = (struct entry){ .size = size, .row = cut };
#define X(name, most)                                             \
    if (cut.name.len > 0) memcpy(at, cut.name.ptr, cut.name.len); \
    entry->row.name = bytes_from(at, cut.name.len);               \
    at += cut.name.len;
    TEXTS(X)
#undef X
    pthread_mutex_lock(&log->lock);
    bool fits = log->bytes + size <= WAITING_BYTES_MAX;
    if (fits) {
        *log->end = entry;
        log->end = &entry->next;
        log->bytes += size;
    }
    log->lost += !fits;
    pthread_mutex_unlock(&log->lock);
    if (!fits) free(entry);
}

struct batch {
    struct entry *first;
};

static bool batch_write(struct db_session *session, void *ctx, struct err *err)
{
    const struct batch *batch = ctx;
    uint32_t count = 0;
    for (const struct entry *entry = batch->first; entry && count < ROWS_EACH; entry = entry->next, count++) {
        const struct statement_row *row = &entry->row;
        if (!db_run(
                session,
                "INSERT INTO statements(project_id, at_unix_us, actor_kind, actor_id, actor_name, address, via, "
                "session,"
                " operation, statement, duration_us, waited_us, row_count, bytes, files_read, files_pruned, sqlstate)"
                " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
                DB_VALUES(db_uuid(row->project_id), db_integer(row->at_unix_us), db_text_bytes(row->actor_kind),
                          db_text_bytes(row->actor_id), db_text_bytes(row->actor_name), db_text_bytes(row->address),
                          db_text_bytes(row->via), db_integer(row->session), db_text_bytes(row->operation),
                          db_text_bytes(row->statement), db_integer(row->duration_us), db_integer(row->waited_us),
                          db_integer(row->row_count), db_integer(row->bytes), db_integer(row->files_read),
                          db_integer(row->files_pruned), db_text_bytes(row->sqlstate)),
                NULL, NULL, NULL, err))
            return false;
    }
    return true;
}

static void batch_free(struct batch *batch)
{
    for (uint32_t count = 0; batch->first && count < ROWS_EACH; count++) {
        struct entry *entry = batch->first;
        batch->first = entry->next;
        free(entry);
    }
}

/* What could not be written waits before what came since. */
static void batch_return(struct statement_log *log, struct batch *batch)
{
    struct entry **end = &batch->first;
    size_t bytes = 0;
    for (; *end; end = &(*end)->next) bytes += (*end)->size;
    if (!batch->first) return;
    pthread_mutex_lock(&log->lock);
    *end = log->first;
    log->first = batch->first;
    log->bytes += bytes;
    if (!*end) log->end = end;
    pthread_mutex_unlock(&log->lock);
}

static bool sweep_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct statement_log *log = ctx;
    int64_t before_us = clock_unix_us() - log->options.days * DAY_US;
    return db_run(session, "DELETE FROM statements WHERE at_unix_us < $1", DB_VALUES(db_integer(before_us)), NULL, NULL,
                  NULL, err) &&
           db_run(session, "DELETE FROM statements WHERE number <= (SELECT max(number) FROM statements) - $1",
                  DB_VALUES(db_integer((int64_t)log->options.rows_max)), NULL, NULL, NULL, err);
}

static bool sweep(struct statement_log *log, struct err *err)
{
    uint64_t now_ns = clock_mono_ns();
    if (log->swept_mono_ns != 0 && now_ns - log->swept_mono_ns < SWEEP_NS) return true;
    log->swept_mono_ns = now_ns;
    return db_transaction_adding(log->options.db, sweep_run, log, err);
}

bool statement_log_save(struct statement_log *log, struct err *err)
{
    struct batch batch;
    bool ok = true;
    if (log->options.days == 0) return true;
    pthread_mutex_lock(&log->saving);
    pthread_mutex_lock(&log->lock);
    batch.first = log->first;
    uint64_t lost = log->lost;
    log->first = NULL;
    log->end = &log->first;
    log->bytes = log->lost = 0;
    pthread_mutex_unlock(&log->lock);
    if (lost > 0) log_warn(log->options.log, "statements.lost", log_number("count", (int64_t)lost));
    while (ok && batch.first) {
        ok = db_transaction_adding(log->options.db, batch_write, &batch, err);
        if (ok) batch_free(&batch);
    }
    batch_return(log, &batch);
    ok = ok && sweep(log, err);
    pthread_mutex_unlock(&log->saving);
    return ok;
}

struct listing {
    bool (*each)(void *ctx, const struct statement_row *row);
    void *ctx;
    bool is_over;
};

static bool listing_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    (void)err;
    struct statement_row found = {
        .number = db_row_integer(row, 0),
        .at_unix_us = db_row_integer(row, 1),
        .actor_kind = db_row_text(row, 2),
        .actor_id = db_row_text(row, 3),
        .actor_name = db_row_text(row, 4),
        .address = db_row_text(row, 5),
        .via = db_row_text(row, 6),
        .session = db_row_integer(row, 7),
        .operation = db_row_text(row, 8),
        .statement = db_row_text(row, 9),
        .duration_us = db_row_integer(row, 10),
        .waited_us = db_row_integer(row, 11),
        .row_count = db_row_integer(row, 12),
        .bytes = db_row_integer(row, 13),
        .files_read = db_row_integer(row, 14),
        .files_pruned = db_row_integer(row, 15),
        .sqlstate = db_row_text(row, 16),
    };
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &found);
    return true;
}

bool statement_log_list(struct db *db, const struct statement_filter *filter,
                        bool (*each)(void *ctx, const struct statement_row *row), void *ctx, struct err *err)
{
    struct listing listing = { each, ctx, false };
    return db_read(
        db,
        "SELECT number, at_unix_us, actor_kind, actor_id, actor_name, address, via, session, operation, statement,"
        " duration_us, waited_us, row_count, bytes, files_read, files_pruned, sqlstate FROM statements"
        " WHERE project_id = $1 AND ($2 = 0 OR number < $2) AND at_unix_us >= $3"
        " AND ($4 = 0 OR at_unix_us < $4) AND ($5 = '' OR actor_id = $5 OR actor_name = $5)"
        " AND ($6 = '' OR operation = $6) AND ($7 = 0 OR sqlstate <> '00000') AND duration_us >= $8"
        " ORDER BY number DESC LIMIT $9",
        DB_VALUES(db_uuid(filter->project_id), db_integer(filter->before), db_integer(filter->from_unix_us),
                  db_integer(filter->to_unix_us), db_text_bytes(filter->actor), db_text_bytes(filter->operation),
                  db_boolean(filter->is_failed), db_integer(filter->duration_us_min), db_integer(filter->count_max)),
        listing_row, &listing, err);
}
