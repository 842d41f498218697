#include "meta/replay.h"

#include <stdlib.h>

#include "meta/db_rows.h"

#define CHUNK_ROWS 256
enum { SESSION_VALUES = 24, SEGMENT_VALUES = 9, URL_VALUES = 4 };

/* A text that was told stays until another one is. */
#define LAST(column) column " = CASE WHEN excluded." column " <> '' THEN excluded." column " ELSE s." column " END, "
#define SUM(column)  column " = s." column " + excluded." column
#define SESSION_COLUMNS                                                                                          \
    "session_id, first_unix_us, last_unix_us, service, version, environment, user_id, user_name, user_email, "   \
    "user_agent, landing_url, event_count, page_count, click_count, rage_click_count, error_count, byte_count, " \
    "failed_request_count, is_complete"
/* A recorder without numbers does not say when a page begins: then it has as many as addresses. */
#define SESSION_SELECT                                                                                              \
    "SELECT s.project_id, s.session_id, first_unix_us, last_unix_us, service, version, environment, user_id, "      \
    "user_name, user_email, user_agent, landing_url, event_count, CASE WHEN page_count > 0 THEN page_count ELSE "   \
    "(SELECT count(*) FROM replay_pages p WHERE p.project_id = s.project_id AND p.session_id = s.session_id) END, " \
    "click_count, rage_click_count, error_count, byte_count, failed_request_count, is_complete, backend_unix_us, "  \
    "backend_span_count, backend_error_count, backend_services, backend_traces FROM replay_sessions s"
#define FIGURES                                                                                                   \
    SUM("event_count")                                                                                            \
    ", " SUM("page_count") ", " SUM("click_count") ", " SUM("rage_click_count") ", " SUM("error_count") ", " SUM( \
        "byte_count") ", " SUM("failed_request_count") ", " SUM("loose_count") ", " SUM("loose_bytes")
#define TEXTS       \
    LAST("service") \
    LAST("version") LAST("environment") LAST("user_id") LAST("user_name") LAST("user_email") LAST("user_agent")
static const char session_sql[] =
    "INSERT INTO replay_sessions AS s(project_id, " SESSION_COLUMNS
    ", loose_count, loose_bytes, heard_unix_us, page_traces) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, "
    "$24) "
    "ON CONFLICT (project_id, session_id) DO UPDATE SET " TEXTS
    "landing_url = CASE WHEN s.landing_url = '' OR (excluded.landing_url <> '' AND "
    "excluded.first_unix_us < s.first_unix_us) THEN excluded.landing_url ELSE s.landing_url END, "
    "first_unix_us = CASE WHEN excluded.first_unix_us < s.first_unix_us THEN excluded.first_unix_us "
    "ELSE s.first_unix_us END, "
    "last_unix_us = CASE WHEN excluded.last_unix_us > s.last_unix_us THEN excluded.last_unix_us ELSE s.last_unix_us "
    "END, "
    "page_traces = CASE WHEN length(s.page_traces) < 3300 THEN s.page_traces || excluded.page_traces ELSE "
    "s.page_traces "
    "END, is_complete = 0, heard_unix_us = excluded.heard_unix_us, " FIGURES;
static const char segment_sql[] = "INSERT INTO replay_segments(project_id, session_id, name, tab_id, first_unix_us, "
                                  "last_unix_us, ranges, event_count, "
                                  "byte_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

static const char url_sql[] =
    "INSERT INTO replay_pages(project_id, session_id, url) SELECT $1, $2, $3 WHERE "
    "(SELECT count(*) FROM replay_pages WHERE project_id = $1 AND session_id = $2) < $4 ON CONFLICT DO NOTHING";

static void session_values(const struct replay_session *session, int64_t now_unix_us, struct db_value *values)
{
    const struct db_value all[SESSION_VALUES] = {
        db_uuid(session->project_id),
        db_text_bytes(session->id),
        db_integer(session->first_unix_us),
        db_integer(session->last_unix_us),
        db_text_bytes(session->service),
        db_text_bytes(session->version),
        db_text_bytes(session->environment),
        db_text_bytes(session->user_id),
        db_text_bytes(session->user_name),
        db_text_bytes(session->user_email),
        db_text_bytes(session->user_agent),
        db_text_bytes(session->landing_url),
        db_integer(session->event_count),
        db_integer(session->page_count),
        db_integer(session->click_count),
        db_integer(session->rage_click_count),
        db_integer(session->error_count),
        db_integer(session->byte_count),
        db_integer(session->failed_request_count),
        db_integer(0),
        db_integer(session->loose_count),
        db_integer(session->loose_bytes),
        db_integer(now_unix_us),
        db_text_bytes(session->traces),
    };
    memcpy(values, all, sizeof all);
}

static void segment_values(const struct replay_segment *segment, struct db_value *values)
{
    const struct db_value all[SEGMENT_VALUES] = {
        db_uuid(segment->project_id),   db_text_bytes(segment->session_id), db_text_bytes(segment->name),
        db_text_bytes(segment->tab_id), db_integer(segment->first_unix_us), db_integer(segment->last_unix_us),
        db_text_bytes(segment->ranges), db_integer(segment->event_count),   db_integer(segment->byte_count),
    };
    memcpy(values, all, sizeof all);
}

/* Rows of one statement, which travel together. */
struct many {
    struct db_session *session;
    const char *sql;
    size_t value_count, row_count;
    struct db_value *values; /* CHUNK_ROWS of them */
};

static bool many_run(struct many *many, struct err *err)
{
    size_t row_count = many->row_count;
    many->row_count = 0;
    return row_count == 0 ||
           db_run_many(many->session, many->sql, many->values, many->value_count, row_count, NULL, err);
}

/* Where the values of the next row go; NULL: those before could not be run. */
static struct db_value *many_next(struct many *many, struct err *err)
{
    if (many->row_count == CHUNK_ROWS && !many_run(many, err)) return NULL;
    return many->values + many->value_count * many->row_count++;
}

static bool sessions_store(struct many *many, const struct replay_changes *changes, int64_t now_unix_us,
                           struct err *err)
{
    for (size_t s = 0; s < changes->session_count; s++) {
        struct db_value *values = many_next(many, err);
        if (!values) return false;
        session_values(&changes->sessions[s], now_unix_us, values);
    }
    return many_run(many, err);
}

static bool segments_store(struct many *many, const struct replay_changes *changes, struct err *err)
{
    for (size_t s = 0; s < changes->segment_count; s++) {
        struct db_value *values = many_next(many, err);
        if (!values) return false;
        segment_values(&changes->segments[s], values);
    }
    return many_run(many, err);
}

static bool urls_store(struct many *many, const struct replay_changes *changes, struct err *err)
{
    for (size_t s = 0; s < changes->session_count; s++) {
        const struct replay_session *of = &changes->sessions[s];
        for (uint32_t u = 0; u < of->url_count; u++) {
            struct db_value *values = many_next(many, err);
            if (!values) return false;
            const struct db_value all[URL_VALUES] = { db_uuid(of->project_id), db_text_bytes(of->id),
                                                      db_text_bytes(of->urls[u]), db_integer(REPLAY_SESSION_URLS_MAX) };
            memcpy(values, all, sizeof all);
        }
    }
    return many_run(many, err);
}

struct store_work {
    const struct replay_changes *changes;
    int64_t now_unix_us;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct store_work *work = ctx;
    const struct replay_changes *changes = work->changes;
    bool is_done;
    if (!tap_position_move(session, &changes->move, work->now_unix_us, &is_done, err)) return false;
    if (is_done) return true;
    static_assert(SESSION_VALUES >= SEGMENT_VALUES && SESSION_VALUES >= URL_VALUES, "rows of each fit");
    struct db_value *values = mem_alloc(CHUNK_ROWS * SESSION_VALUES * sizeof *values);
    struct many sessions = { session, session_sql, SESSION_VALUES, 0, values };
    struct many segments = { session, segment_sql, SEGMENT_VALUES, 0, values };
    struct many urls = { session, url_sql, URL_VALUES, 0, values };
    bool ok = sessions_store(&sessions, changes, work->now_unix_us, err) && segments_store(&segments, changes, err) &&
              urls_store(&urls, changes, err);
    free(values);
    return ok;
}

bool replay_store(struct db *db, const struct replay_changes *changes, int64_t now_unix_us, struct err *err)
{
    struct store_work work = { changes, now_unix_us };
    return db_transaction_adding(db, store_run, &work, err);
}

static void session_read(struct db_row *row, size_t at, struct arena *arena, struct replay_session *session)
{
    session->id = db_text_keep(arena, row, at++);
    session->first_unix_us = db_row_integer(row, at++);
    session->last_unix_us = db_row_integer(row, at++);
    struct bytes *const texts[] = { &session->service,    &session->version,    &session->environment,
                                    &session->user_id,    &session->user_name,  &session->user_email,
                                    &session->user_agent, &session->landing_url };
    for (size_t t = 0; t < COUNT_OF(texts); t++) *texts[t] = db_text_keep(arena, row, at++);
    int64_t *const numbers[] = { &session->event_count,         &session->page_count,  &session->click_count,
                                 &session->rage_click_count,    &session->error_count, &session->byte_count,
                                 &session->failed_request_count };
    for (size_t n = 0; n < COUNT_OF(numbers); n++) *numbers[n] = db_row_integer(row, at++);
    session->is_complete = db_row_integer(row, at++) != 0;
    session->backend.looked_unix_us = db_row_integer(row, at++);
    session->backend.span_count = db_row_integer(row, at++);
    session->backend.error_count = db_row_integer(row, at++);
    session->backend.services = db_text_keep(arena, row, at++);
    session->backend.traces = db_text_keep(arena, row, at);
}

static bool session_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_session *session = db_rows_add(rows, sizeof *session);
    (void)err;
    session->project_id = db_row_uuid(row, 0);
    session_read(row, 1, rows->arena, session);
    return true;
}

static bool sessions_read(struct db *db, const char *sql, const struct db_value *values, size_t value_count,
                          struct arena *arena, struct replay_session **sessions, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db, sql, values, value_count, session_row, &rows, err)) return false;
    *sessions = rows.items;
    *count = rows.count;
    return true;
}

/* A part of a text, with LIKE's own signs as themselves; around: what is to stand at both ends of it. */
static struct bytes like_of(struct arena *arena, struct bytes text, const char *around)
{
    size_t around_len = strlen(around);
    uint8_t *like = arena_alloc(arena, (text.len + around_len) * 2 + 2), *at = like;
    *at++ = '%';
    at = mempcpy(at, around, around_len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\') *at++ = '\\';
        *at++ = text.ptr[i];
    }
    at = mempcpy(at, around, around_len);
    *at++ = '%';
    return bytes_from(like, (size_t)(at - like));
}

bool replay_list(struct db *db, struct uuid project_id, const struct replay_filter *filter, struct arena *arena,
                 struct replay_session **sessions, uint32_t *count, struct err *err)
{
    static const char sql[] = SESSION_SELECT
        " WHERE project_id = $1 AND last_unix_us >= $2 AND "
        "first_unix_us < $3 AND ($4 = '' OR session_id = $4) AND ($5 = '' OR user_id = $5 OR user_name = $5 OR "
        "user_email = $5) AND "
        "($6 = '' OR service = $6 OR backend_services LIKE $16 ESCAPE '\\') AND ($7 = '' OR environment = $7) AND ($8 "
        "= '%%' OR landing_url LIKE $8 ESCAPE '\\' "
        "OR EXISTS "
        "(SELECT 1 FROM replay_pages p WHERE p.project_id = $1 AND p.session_id = s.session_id AND p.url LIKE $8 "
        "ESCAPE '\\')) AND "
        "($9 = 0 OR error_count > 0) AND ($10 = 0 OR rage_click_count > 0) AND last_unix_us - first_unix_us >= $11 AND "
        "($15 = 0 OR failed_request_count > 0) AND ($12 = 0 OR (last_unix_us, session_id) < ($12, $13)) ORDER BY "
        "last_unix_us DESC, session_id DESC LIMIT $14";
    return sessions_read(db, sql,
                         DB_VALUES(db_uuid(project_id), db_integer(filter->from_unix_us),
                                   db_integer(filter->to_unix_us), db_text_bytes(filter->session),
                                   db_text_bytes(filter->user), db_text_bytes(filter->service),
                                   db_text_bytes(filter->environment), db_text_bytes(like_of(arena, filter->text, "")),
                                   db_integer(filter->has_errors), db_integer(filter->has_rage_clicks),
                                   db_integer(filter->duration_min_us), db_integer(filter->after_unix_us),
                                   db_text_bytes(filter->after_id), db_integer(filter->limit),
                                   db_integer(filter->has_failed_requests),
                                   db_text_bytes(like_of(arena, filter->service, "\n"))),
                         arena, sessions, count, err);
}

bool replay_doomed(struct db *db, int64_t before_unix_us, uint32_t limit, struct arena *arena,
                   struct replay_session **sessions, uint32_t *count, struct err *err)
{
    return sessions_read(db,
                         SESSION_SELECT " WHERE last_unix_us < $1 ORDER BY "
                                        "last_unix_us LIMIT $2",
                         DB_VALUES(db_integer(before_unix_us), db_integer(limit)), arena, sessions, count, err);
}

static bool segment_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct replay_segment *segment = db_rows_add(rows, sizeof *segment);
    (void)err;
    segment->name = db_text_keep(rows->arena, row, 0);
    segment->tab_id = db_text_keep(rows->arena, row, 1);
    segment->first_unix_us = db_row_integer(row, 2);
    segment->last_unix_us = db_row_integer(row, 3);
    segment->ranges = db_text_keep(rows->arena, row, 4);
    segment->event_count = db_row_integer(row, 5);
    segment->byte_count = db_row_integer(row, 6);
    return true;
}

bool replay_segments_read(struct db *db, struct uuid project_id, struct bytes id, struct arena *arena,
                          struct replay_segment **segments, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(
            db,
            "SELECT name, tab_id, first_unix_us, last_unix_us, ranges, event_count, byte_count FROM replay_segments "
            "WHERE project_id = $1 AND session_id = $2 ORDER BY first_unix_us, name LIMIT $3",
            DB_VALUES(db_uuid(project_id), db_text_bytes(id), db_integer(REPLAY_SEGMENTS_MAX)), segment_row, &rows,
            err))
        return false;
    *segments = rows.items;
    *count = rows.count;
    return true;
}

bool replay_read(struct db *db, struct uuid project_id, struct bytes id, struct arena *arena,
                 struct replay_session *session, struct replay_segment **segments, uint32_t *count, struct err *err)
{
    struct replay_session *found;
    if (!sessions_read(db, SESSION_SELECT " WHERE project_id = $1 AND session_id = $2",
                       DB_VALUES(db_uuid(project_id), db_text_bytes(id)), arena, &found, count, err))
        return false;
    if (*count == 0) return err_set(err, ERR_NOT_FOUND, "there is no replay of this session");
    *session = *found;
    return replay_segments_read(db, project_id, id, arena, segments, count, err);
}

bool replay_forget(struct db_session *session, struct uuid project_id, struct bytes id, struct err *err)
{
    return db_run(session, "DELETE FROM replay_segments WHERE project_id = $1 AND session_id = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(id)), NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM replay_pages WHERE project_id = $1 AND session_id = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(id)), NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM replay_sessions WHERE project_id = $1 AND session_id = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(id)), NULL, NULL, NULL, err);
}
