#include "meta/replay_backend.h"

#include <stdlib.h>

#include "meta/db_rows.h"

#define DAY_US INT64_C(86400000000)
enum { STORE_VALUES = 7 };

static bool due_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_backend_due *due = db_rows_add(rows, sizeof *due);
    (void)err;
    *due = (struct replay_backend_due){ .project_id = db_row_uuid(row, 0),
                                        .session_id = db_text_keep(rows->arena, row, 1),
                                        .service = db_text_keep(rows->arena, row, 2),
                                        .traces = db_text_keep(rows->arena, row, 3),
                                        .first_unix_us = db_row_integer(row, 4),
                                        .last_unix_us = db_row_integer(row, 5) };
    return true;
}

bool replay_backend_due(struct db *db, const struct replay_backend_options *options, struct arena *arena,
                        struct replay_backend_due **due, uint32_t *count, struct err *err)
{
    static const char sql[] =
        "SELECT project_id, session_id, service, page_traces, first_unix_us, last_unix_us FROM (SELECT project_id, "
        "session_id, service, page_traces, first_unix_us, last_unix_us FROM replay_sessions WHERE heard_unix_us >= $1 "
        "AND backend_unix_us < heard_unix_us + $2 AND backend_unix_us <= $3 ORDER BY backend_unix_us LIMIT $4) d "
        "ORDER BY project_id, session_id";
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, sql,
                 DB_VALUES(db_integer(options->now_unix_us - DAY_US), db_integer(options->settle_us),
                           db_integer(options->now_unix_us - options->every_us), db_integer(options->limit)),
                 due_row, &rows, err))
        return false;
    *due = rows.items;
    *count = rows.count;
    return true;
}

struct storing {
    const struct replay_backend_due *due;
    const struct replay_backend *found;
    uint32_t count;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct storing *work = ctx;
    struct db_value *values = mem_alloc(work->count * STORE_VALUES * sizeof *values);
    for (uint32_t s = 0; s < work->count; s++) {
        const struct replay_backend *found = &work->found[s];
        const struct db_value all[STORE_VALUES] = {
            db_uuid(work->due[s].project_id), db_text_bytes(work->due[s].session_id), db_integer(found->looked_unix_us),
            db_integer(found->span_count),    db_integer(found->error_count),         db_text_bytes(found->services),
            db_text_bytes(found->traces),
        };
        memcpy(values + s * STORE_VALUES, all, sizeof all);
    }
    bool ok = db_run_many(session,
                          "UPDATE replay_sessions SET backend_unix_us = $3, backend_span_count = $4, "
                          "backend_error_count = $5, backend_services = $6, backend_traces = $7 WHERE project_id = $1 "
                          "AND session_id = $2",
                          values, STORE_VALUES, work->count, NULL, err);
    free(values);
    return ok;
}

bool replay_backend_store(struct db *db, const struct replay_backend_due *due, const struct replay_backend *found,
                          uint32_t count, struct err *err)
{
    struct storing work = { due, found, count };
    return count == 0 || db_transaction(db, store_run, &work, err);
}
