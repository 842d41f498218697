#include "timefusion/pgwire/copy.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

bool session_out_full(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "a row is larger than %u bytes", OUT_BYTES_MAX);
}

bool session_out_send(struct session *session, struct err *err)
{
    if (session->out.len == 0) return true;
    bool ok = tcp_write(session->tcp, buf_bytes(&session->out), err);
    session->out.len = 0;
    if (session->out.cap > 4u << 20) { /* a large row does not keep its memory */
        buf_deinit(&session->out);
        buf_init(&session->out, OUT_BYTES_MAX);
    }
    return ok;
}

/* A message without a payload, or with one text. */
void session_send_plain(struct session *session, char type, const char *text)
{
    size_t at;
    bool ok = message_begin(&session->out, type, &at) && (!text || message_put_text(&session->out, text));
    assert(ok); /* far below the buffer's limit */
    message_finish(&session->out, at);
}

static void send_field(struct buf *out, char field, const char *text)
{
    bool ok = buf_add(out, &field, 1) && message_put_text(out, text);
    assert(ok);
    (void)ok;
}

void session_send_notice_or_error(struct session *session, char type, const char *severity, const char *sqlstate,
                                  const struct session_words *words)
{
    struct buf *out = &session->out;
    size_t at;
    if (!message_begin(out, type, &at)) abort();
    send_field(out, 'S', severity);
    send_field(out, 'V', severity);
    send_field(out, 'C', sqlstate);
    send_field(out, 'M', words->text);
    if (words->hint && words->hint[0]) send_field(out, 'H', words->hint);
    if (words->position > 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", words->position);
        send_field(out, 'P', number);
    }
    if (!buf_add(out, "", 1)) abort();
    message_finish(out, at);
}

void session_send_error(struct session *session, const struct err *err, const char *sqlstate)
{
    session_send_notice_or_error(session, 'E', "ERROR", sqlstate ? sqlstate : err_sqlstate(err->code),
                                 &(struct session_words){ err->text, err->hint, err->position });
    if (session->transaction == 'T') session->transaction = 'E';
}

void session_send_fatal(struct session *session, const char *sqlstate, const char *text)
{
    struct err ignored = { 0 };
    session_send_notice_or_error(session, 'E', "FATAL", sqlstate, &(struct session_words){ .text = text });
    (void)!session_out_send(session, &ignored);
    session->has_left = true;
}

void session_send_parameter(struct session *session, const char *name, const char *value)
{
    size_t at;
    bool ok = message_begin(&session->out, 'S', &at) && message_put_text(&session->out, name) &&
              message_put_text(&session->out, value);
    assert(ok);
    message_finish(&session->out, at);
}

bool session_send_ready(struct session *session, struct err *err)
{
    size_t at;
    if (!message_begin(&session->out, 'Z', &at) || !buf_add(&session->out, &session->transaction, 1))
        return session_out_full(err);
    message_finish(&session->out, at);
    return session_out_send(session, err);
}

uint16_t session_format_of(const uint16_t *formats, uint16_t count, uint32_t column)
{
    return count == 0 ? 0 : count == 1 ? formats[0] : formats[column];
}

bool session_send_row_description(struct session *session, const struct query_column *columns, uint32_t count,
                                  const uint16_t *formats, uint16_t format_count, struct err *err)
{
    struct buf *out = &session->out;
    size_t at;
    if (count == 0) {
        session_send_plain(session, 'n', NULL); /* NoData */
        return true;
    }
    bool ok = message_begin(out, 'T', &at) && pgtype_put_u16(out, (uint16_t)count);
    for (uint32_t c = 0; ok && c < count; c++) {
        int32_t modifier;
        uint32_t oid = pgtype_oid_of(&columns[c], &modifier);
        ok = message_put_text(out, columns[c].name) && pgtype_put_u32(out, 0) && pgtype_put_u16(out, 0) &&
             pgtype_put_u32(out, oid) && pgtype_put_u16(out, (uint16_t)pgtype_len(columns[c].type)) &&
             pgtype_put_u32(out, (uint32_t)modifier) &&
             pgtype_put_u16(out, session_format_of(formats, format_count, c));
    }
    if (!ok) return session_out_full(err);
    message_finish(out, at);
    return true;
}

bool session_send_parameter_description(struct session *session, const struct query_statement *statement,
                                        struct err *err)
{
    const enum query_type *types = NULL;
    uint32_t count = statement ? query_statement_parameters(statement, &types) : 0;
    size_t at;
    bool ok = message_begin(&session->out, 't', &at) && pgtype_put_u16(&session->out, (uint16_t)count);
    for (uint32_t p = 0; ok && p < count; p++) ok = pgtype_put_u32(&session->out, pgtype_oid(types[p]));
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    return true;
}

static bool out_sent_when_full(struct session *session, struct err *err)
{
    return session->out.len < OUT_BYTES_SEND || session_out_send(session, err);
}

bool session_send_data_row(struct session *session, const struct portal *from, const struct rows_shape *shape,
                           struct err *err)
{
    struct buf *out = &session->out;
    size_t at;
    bool ok = message_begin(out, 'D', &at) && pgtype_put_u16(out, (uint16_t)shape->column_count);
    for (uint32_t c = 0; ok && c < shape->column_count; c++) {
        struct query_value value = query_chunk_value(from->chunk, c, from->chunk_row);
        const struct query_column *column = &shape->columns[c];
        size_t length_at = out->len;
        ok = pgtype_put_u32(out, UINT32_MAX);
        if (!ok || value.is_null) continue;
        ok = session_format_of(shape->formats, shape->format_count, c) == 1
                 ? pgtype_put_binary(out, from->chunk, c, column, value)
                 : pgtype_put_text(out, from->chunk, c, column, value);
        pgtype_set_u32(out, length_at, (uint32_t)(out->len - length_at - 4));
    }
    if (!ok) return session_out_full(err);
    message_finish(out, at);
    return out_sent_when_full(session, err);
}

static struct copy_rows copy_rows_of(const struct rows_shape *shape)
{
    return (struct copy_rows){ shape->copy, shape->columns, shape->column_count };
}

/* CopyOutResponse, and a line of names. The header of binary is in the message of the first row, as clients know it. */
bool session_send_copy_begin(struct session *session, const struct rows_shape *shape, struct err *err)
{
    struct buf *out = &session->out;
    struct copy_rows rows = copy_rows_of(shape);
    uint16_t format = shape->copy->format == WIRE_BINARY;
    size_t at;
    bool ok = message_begin(out, 'H', &at) && buf_add(out, format ? "\1" : "\0", 1) &&
              pgtype_put_u16(out, (uint16_t)shape->column_count);
    for (uint32_t c = 0; ok && c < shape->column_count; c++) ok = pgtype_put_u16(out, format);
    if (!ok) return session_out_full(err);
    message_finish(out, at);
    if (shape->copy->format == WIRE_BINARY || !shape->copy->has_header) return true;
    ok = message_begin(out, 'd', &at) && copy_begin_put(out, &rows);
    if (!ok) return session_out_full(err);
    message_finish(out, at);
    return true;
}

bool session_send_copy_row(struct session *session, const struct portal *from, const struct rows_shape *shape,
                           struct err *err)
{
    struct copy_rows rows = copy_rows_of(shape);
    size_t at;
    bool is_first = from->row_count == 0 && shape->copy->format == WIRE_BINARY;
    bool ok = message_begin(&session->out, 'd', &at) && (!is_first || copy_begin_put(&session->out, &rows)) &&
              copy_row_put(&session->out, &session->scratch, &rows, from->chunk, from->chunk_row);
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    if (session->scratch.cap > 4u << 20) { /* nor does a large value */
        buf_deinit(&session->scratch);
        buf_init(&session->scratch, OUT_BYTES_MAX);
    }
    return out_sent_when_full(session, err);
}

bool session_send_copy_end(struct session *session, const struct portal *from, const struct rows_shape *shape,
                           struct err *err)
{
    struct copy_rows rows = copy_rows_of(shape);
    size_t at;
    if (shape->copy->format == WIRE_BINARY) {
        bool ok = message_begin(&session->out, 'd', &at) &&
                  (from->row_count > 0 || copy_begin_put(&session->out, &rows)) && copy_end_put(&session->out, &rows);
        if (!ok) return session_out_full(err);
        message_finish(&session->out, at);
    }
    session_send_plain(session, 'c', NULL);
    return true;
}

void session_send_complete(struct session *session, const struct portal *portal, const char *tag)
{
    char own[64];
    if (!tag) query_statement_tag(portal->prepared->statement, portal->row_count, own);
    session_send_plain(session, 'C', tag ? tag : own);
}

void session_send_changed_parameters(struct session *session)
{
    static const char *const names[] = {
        "server_version",    "server_encoding", "client_encoding",
        "application_name",  "DateStyle",       "TimeZone",
        "IntervalStyle",     "is_superuser",    "standard_conforming_strings",
        "integer_datetimes", "in_hot_standby",  "default_transaction_read_only",
    };
    static_assert(COUNT_OF(names) <= REPORTED_MAX, "each has its place");
    for (size_t p = 0; p < COUNT_OF(names); p++) {
        const char *value = query_session_setting(session->query, names[p]);
        if (!value || (session->reported[p] && strcmp(session->reported[p], value) == 0)) continue;
        free(session->reported[p]);
        session->reported[p] = mem_strdup(value);
        session_send_parameter(session, names[p], value);
    }
}
