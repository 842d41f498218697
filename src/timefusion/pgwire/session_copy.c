/* COPY ... FROM STDIN: the client's messages, one after the other, into rows. */
#include "timefusion/pgwire/copy_in.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

#define LOOK_MS 250 /* between looks whether it is still wanted */

struct copying {
    struct session *session;
    struct query_copy *copy;
    struct copy_in in;
    const char *sqlstate; /* of a format that is wrong; NULL */
};

static bool row_take(void *ctx, const struct query_field *fields, struct err *err)
{
    struct copying *copying = ctx;
    if (query_copy_row(copying->copy, fields, err)) return true;
    copying->sqlstate = NULL;
    return err_within(err, "%s %llu", copying->in.options.copy->format == WIRE_BINARY ? "row" : "line",
                      (unsigned long long)copying->in.line);
}

/* CopyInResponse. */
static bool begin_send(struct session *session, const struct wire_copy *copy, uint32_t count, struct err *err)
{
    struct buf *out = &session->out;
    uint16_t format = copy->format == WIRE_BINARY;
    size_t at;
    bool ok =
        message_begin(out, 'G', &at) && buf_add(out, format ? "\1" : "\0", 1) && pgtype_put_u16(out, (uint16_t)count);
    for (uint32_t c = 0; ok && c < count; c++) ok = pgtype_put_u16(out, format);
    if (!ok) return session_out_full(err);
    message_finish(out, at);
    return session_out_send(session, err);
}

/* The next message; the connection is looked at from time to time, and so is who cancels. */
static bool message_next(struct copying *copying, struct message *message, struct err *err)
{
    struct session *session = copying->session;
    for (;;) {
        size_t frame_bytes;
        if (query_copy_is_stopped(copying->copy, err)) return false;
        if (atomic_load(&session->ends)) return err_set(err, ERR_CANCELLED, "the connection is ending");
        if (session_frame_read(session, true, LOOK_MS, &frame_bytes, err)) {
            if (frame_bytes == 0) {
                session->has_left = true;
                return err_set(err, ERR_IO, "the client has left");
            }
            *message = session_frame_take(session, true, frame_bytes);
            return true;
        }
        if (err->code != ERR_TIMEOUT) {
            session->has_left = true; /* nothing more can be read */
            return false;
        }
        *err = (struct err){ 0 };
    }
}

static bool client_failed(struct copying *copying, struct message *message, struct err *err)
{
    struct bytes words = message_text(message);
    copying->sqlstate = "57014";
    return err_set(err, ERR_CANCELLED, "COPY from stdin failed: %.*s", (int)(words.len < 150 ? words.len : 150),
                   (const char *)words.ptr);
}

/* Until CopyDone. */
static bool messages_work(struct copying *copying, struct err *err)
{
    for (;;) {
        struct message message;
        copying->sqlstate = NULL;
        if (!message_next(copying, &message, err)) return false;
        copying->sqlstate = "22P04"; /* unless it is a row's own */
        switch (message.type) {
        case 'd':
            if (!copy_in_feed(&copying->in, bytes_from(message.at, (size_t)(message.end - message.at)), err))
                return false;
            break;
        case 'c': return copy_in_end(&copying->in, err);
        case 'f': return client_failed(copying, &message, err);
        case 'H':
        case 'S': break; /* as PostgreSQL: of a client that pipelines */
        default:
            copying->sqlstate = NULL;
            return err_set(err, ERR_PROTOCOL, "unexpected message type 0x%02x during COPY from stdin", message.type);
        }
    }
}

static bool rows_copy(struct copying *copying, struct portal *portal, struct err *err)
{
    const char *notice;
    uint64_t rows;
    if (!messages_work(copying, err)) return false;
    copying->sqlstate = NULL;
    if (!query_copy_end(copying->copy, &rows, &notice, err)) return false;
    if (notice)
        session_send_notice_or_error(copying->session, 'N', "WARNING", "01000",
                                     &(struct session_words){ .text = notice });
    portal->row_count = rows;
    portal->is_done = true;
    session_send_complete(copying->session, portal, NULL);
    return true;
}

bool copy_in_run(struct session *session, struct portal *portal, const struct query_wire *wire, struct err *err)
{
    struct copying copying = { .session = session };
    const struct query_column *columns;
    uint32_t count = query_statement_row_columns(portal->prepared->statement, &columns);
    if (!query_copy_begin(portal->prepared->statement, &copying.copy, err)) return false;
    const char **names = mem_calloc(count + 1u, sizeof *names);
    for (uint32_t c = 0; c < count; c++) names[c] = columns[c].name;
    copy_in_init(&copying.in,
                 &(struct copy_in_options){
                     .copy = &wire->copy, .names = names, .column_count = count, .row = row_take, .ctx = &copying });
    bool ok = begin_send(session, &wire->copy, count, err) && rows_copy(&copying, portal, err);
    uint64_t kept = query_copy_kept(copying.copy);
    if (!ok && kept > 0)
        err_hint(err, "the first %llu rows are kept already: go on behind them", (unsigned long long)kept);
    if (!ok && copying.sqlstate && (err->code == ERR_VALUE || err->code == ERR_CANCELLED))
        ok = session_fail(session, copying.sqlstate);
    query_copy_close(copying.copy);
    copy_in_deinit(&copying.in);
    free(names);
    return ok;
}
