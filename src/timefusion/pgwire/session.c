#include "base/clock.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

#define NAMED_MAX      1000u
#define STATEMENTS_MAX 1000u /* in one simple query */

struct session *session_create(struct tcp *tcp, const struct session_options *options)
{
    struct session *session = mem_calloc(1, sizeof *session);
    session->options = *options;
    session->tcp = tcp;
    session->transaction = 'I';
    buf_init(&session->in, MESSAGE_BYTES_MAX + 65536);
    buf_init(&session->out, OUT_BYTES_MAX);
    atomic_init(&session->ends, false);
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

/* --- reading --- */

/* The next frame, whole, in `in` from in_used on. *frame_bytes 0: the client has left. */
bool session_frame_read(struct session *session, bool has_type, int timeout_ms, size_t *frame_bytes, struct err *err)
{
    for (;;) {
        struct bytes have = bytes_from(session->in.ptr + session->in_used, session->in.len - session->in_used);
        if (!message_frame(have, has_type, frame_bytes, err)) return false;
        if (*frame_bytes > 0 && have.len >= *frame_bytes) return true;
        if (session->in_used > 0) {
            memmove(session->in.ptr, session->in.ptr + session->in_used, have.len);
            session->in.len = have.len;
            session->in_used = 0;
        }
        size_t want = *frame_bytes > have.len ? *frame_bytes - have.len : 0, len;
        if (want > 1u << 20) want = 1u << 20; /* memory follows what has come, not what is promised */
        if (!buf_reserve(&session->in, want > 8192 ? want : 8192))
            return err_set(err, ERR_TOO_LARGE, "message larger than the buffer");
        if (!tcp_read(session->tcp, session->in.ptr + session->in.len, session->in.cap - session->in.len, &len,
                      timeout_ms, err))
            return false;
        *frame_bytes = 0;
        if (len == 0) return true;
        session->in.len += len;
    }
}

struct message session_frame_take(struct session *session, bool has_type, size_t frame_bytes)
{
    const uint8_t *frame = session->in.ptr + session->in_used;
    size_t head = 4u + has_type;
    session->in_used += frame_bytes;
    return message_of(has_type ? frame[0] : 0, bytes_from(frame + head, frame_bytes - head));
}

static void in_shrink(struct session *session)
{
    if (session->in_used != session->in.len || session->in.cap <= 1u << 20) return;
    buf_deinit(&session->in);
    buf_init(&session->in, MESSAGE_BYTES_MAX + 65536);
    session->in_used = 0;
}

/* --- running --- */

static bool transaction_allows(struct session *session, const struct query_statement *statement, struct err *err)
{
    if (session->transaction == 'T' && query_statement_is_final(statement))
        return err_set(
            err, ERR_IN_TRANSACTION,
            "this cannot run inside a transaction block, for it is done at once and cannot be rolled back; send "
            "it without BEGIN (autocommit)");
    if (session->transaction != 'E' || query_statement_transaction(statement) == QUERY_TRANSACTION_END) return true;
    return err_set(err, ERR_INPUT, "the transaction has failed; commands are ignored until ROLLBACK");
}

static void transaction_step(struct session *session, const struct query_statement *statement)
{
    enum query_transaction step = query_statement_transaction(statement);
    if (step == QUERY_TRANSACTION_BEGIN) session->transaction = 'T';
    if (step == QUERY_TRANSACTION_END) session->transaction = 'I';
}

static void send_complete(struct session *session, struct portal *portal, bool was_failed)
{
    char tag[64];
    query_statement_tag(portal->prepared->statement, portal->row_count, tag);
    if (was_failed && strcmp(tag, "COMMIT") == 0) snprintf(tag, sizeof tag, "ROLLBACK");
    session_send_plain(session, 'C', tag);
}

static bool change_allowed(const struct session *session, const struct query_statement *statement, struct err *err)
{
    const struct pgwire_login *login = &session->options.server->login;
    char address[64], tag[64];
    if (!login->changes || session->who.read_only_why[0] || !query_statement_changes(statement)) return true;
    tcp_peer(session->tcp, address, sizeof address);
    query_statement_tag(statement, 0, tag);
    tag[strcspn(tag, " ")] = '\0';
    return login->changes(login->ctx, &session->who, address, tag, err);
}

/* Up to rows_max rows (0: all); then PortalSuspended or CommandComplete. */
static bool portal_run(struct session *session, struct portal *portal, uint32_t rows_max, struct err *err)
{
    struct query_statement *statement = portal->prepared->statement;
    bool was_failed = session->transaction == 'E';
    if (!statement) {
        session_send_plain(session, 'I', NULL);
        return true;
    }
    if (!transaction_allows(session, statement, err)) return false;
    if (!portal->cursor && !portal->is_done) {
        if (!change_allowed(session, statement, err)) return false;
        if (!query_execute(statement, portal->parameters, portal->parameter_count, &portal->cursor, err)) return false;
        transaction_step(session, statement);
        uint32_t considered;
        query_cursor_files(portal->cursor, &considered, &portal->files_opened);
        const char *const *warnings;
        uint32_t warning_count = query_cursor_warnings(portal->cursor, &warnings);
        for (uint32_t w = 0; w < warning_count; w++)
            session_send_notice_or_error(session, 'N', "WARNING", "01000", warnings[w], 0);
        const char *const *notices;
        uint32_t notice_count = query_cursor_notices(portal->cursor, &notices);
        for (uint32_t n = 0; n < notice_count; n++)
            session_send_notice_or_error(session, 'N', "NOTICE", "00000", notices[n], 0);
        portal->row_count = query_cursor_changed_rows(portal->cursor);
    }
    const struct query_column *columns;
    uint32_t column_count = query_statement_columns(statement, &columns), sent = 0;
    while (!portal->is_done && (rows_max == 0 || sent < rows_max)) {
        if (!portal->chunk || portal->chunk_row == query_chunk_rows(portal->chunk)) {
            if (atomic_load(&session->ends)) return err_set(err, ERR_CANCELLED, "the server is stopping");
            if (!query_fetch(portal->cursor, &portal->chunk, err)) return false;
            portal->chunk_row = 0;
            portal->is_done = portal->chunk == NULL;
            continue;
        }
        if (column_count > 0 && !session_send_data_row(session, portal, columns, column_count, err)) return false;
        portal->chunk_row++;
        portal->row_count++;
        sent++;
    }
    if (!portal->is_done) {
        session_send_plain(session, 's', NULL);
        return true;
    }
    if (portal->cursor) query_cursor_close(portal->cursor); /* lets go of its files */
    portal->cursor = NULL;
    portal->chunk = NULL;
    send_complete(session, portal, was_failed);
    return true;
}

static const char *failure_sqlstate(const struct session *session, const struct err *err)
{
    if (atomic_load(&session->ends) && err->code == ERR_CANCELLED) return "57P01";
    return session->transaction == 'E' && err->code == ERR_INPUT ? "25P02" : NULL;
}

static const char *sqlstate_of(const struct session *session, const struct err *err)
{
    const char *sqlstate = failure_sqlstate(session, err);
    return sqlstate ? sqlstate : err_sqlstate(err->code);
}

static bool simple_statement(struct session *session, struct bytes sql, struct err *err)
{
    struct query_statement *statement;
    struct watch watch;
    watch_begin(&watch, session, NULL);
    if (!query_prepare(session->query, sql, NULL, 0, &statement, err)) {
        watch_end(&watch, session, NULL, NULL, sqlstate_of(session, err));
        return false;
    }
    const enum query_type *types;
    struct portal *portal = mem_calloc(1, sizeof *portal + 1);
    portal->prepared = prepared_create(bytes_from("", 0), statement);
    buf_init(&portal->values, 1);
    const struct query_column *columns;
    bool ok = query_statement_parameters(statement, &types) == 0 ||
              err_set(err, ERR_INPUT, "there is no value for a $ parameter in a simple query");
    ok = ok && transaction_allows(session, statement, err);
    if (ok && query_statement_columns(statement, &columns) > 0)
        ok = session_send_row_description(session, statement, NULL, 0, err);
    ok = ok && portal_run(session, portal, 0, err);
    watch_end(&watch, session, statement, portal, ok ? NULL : sqlstate_of(session, err));
    portal_destroy(portal);
    return ok;
}

static bool on_query(struct session *session, struct message *message, struct err *err)
{
    struct bytes sql = message_text(message);
    if (!message_end_check(message, err)) return false;
    struct bytes *statements = mem_calloc(STATEMENTS_MAX, sizeof *statements);
    uint32_t count = 0;
    struct err failure = { 0 };
    portal_forget(session, bytes_from("", 0));
    bool ok = query_split(sql, statements, STATEMENTS_MAX, &count, &failure);
    if (ok && count == 0) session_send_plain(session, 'I', NULL);
    for (uint32_t s = 0; ok && s < count; s++) {
        ok = simple_statement(session, statements[s], &failure);
        /* The position is in this statement; the client shows it in the whole text. */
        if (!ok && failure.position > 0 && statements[s].ptr >= sql.ptr)
            failure.position += (int)(statements[s].ptr - sql.ptr);
    }
    free(statements);
    if (!ok) session_send_error(session, &failure, failure_sqlstate(session, &failure));
    return session_send_ready(session, err);
}

static bool named_room(struct session *session, struct err *err)
{
    if (session->named_count < NAMED_MAX) return true;
    return err_set(err, ERR_TOO_LARGE, "more than %u prepared statements and portals are open; close some", NAMED_MAX);
}

static bool on_parse(struct session *session, struct message *message, struct err *err)
{
    struct bytes name = message_text(message), sql = message_text(message);
    uint16_t count = message_u16(message);
    enum query_type *types = mem_calloc((size_t)count + 1, sizeof *types);
    for (uint16_t t = 0; t < count; t++) types[t] = pgtype_of_oid(message_u32(message));
    struct query_statement *statement = NULL;
    struct bytes first;
    uint32_t statement_count = 0;
    bool ok = message_end_check(message, err);
    if (ok && name.len == 0) prepared_forget(session, name);
    if (ok && prepared_find(session, name))
        ok = err_set(err, ERR_EXISTS, "prepared statement \"%.*s\" exists already", (int)name.len,
                     (const char *)name.ptr);
    ok = ok && named_room(session, err);
    if (ok && !query_split(sql, &first, 1, &statement_count, err)) {
        /* More than one is refused there with its words; what does not parse fails below with a position. */
        ok = err->code == ERR_SYNTAX;
        statement_count = 1;
        first = sql;
    }
    struct watch watch;
    watch_begin(&watch, session, NULL);
    if (ok && statement_count == 1) ok = query_prepare(session->query, first, types, count, &statement, err);
    free(types);
    if (!ok) {
        watch_end(&watch, session, NULL, NULL, sqlstate_of(session, err));
        return false;
    }
    struct prepared *prepared = prepared_create(name, statement);
    prepared->next = session->prepared;
    session->prepared = prepared;
    session->named_count++;
    session_send_plain(session, '1', NULL);
    return true;
}

/* Copies the values: the message goes before Execute comes. */
static bool bind_values(struct portal *portal, struct message *message, const uint16_t *formats, uint16_t format_count,
                        struct err *err)
{
    uint32_t wanted = 0;
    const enum query_type *types;
    if (portal->prepared->statement) wanted = query_statement_parameters(portal->prepared->statement, &types);
    portal->parameter_count = message_u16(message);
    if (portal->parameter_count != wanted)
        return err_set(err, ERR_PROTOCOL, "%u values are bound, the statement has %u parameters",
                       portal->parameter_count, wanted);
    if (format_count > 1 && format_count != wanted)
        return err_set(err, ERR_PROTOCOL, "%u parameter formats for %u parameters", format_count, wanted);
    size_t left = (size_t)(message->end - message->at);
    buf_init(&portal->values, left + 1);
    if (!buf_reserve(&portal->values, left + 1)) return err_set(err, ERR_TOO_LARGE, "values of %zu bytes", left);
    portal->parameters = mem_calloc((size_t)wanted + 1, sizeof *portal->parameters);
    for (uint32_t p = 0; p < wanted; p++) {
        uint32_t len = message_u32(message);
        struct query_parameter *parameter = &portal->parameters[p];
        parameter->is_null = len == UINT32_MAX;
        parameter->is_binary = session_format_of(formats, format_count, p) == 1;
        if (parameter->is_null) continue;
        struct bytes value = message_bytes(message, len);
        parameter->value = bytes_from(portal->values.ptr + portal->values.len, value.len);
        if (!buf_add(&portal->values, value.ptr, value.len)) abort(); /* reserved above */
    }
    return true;
}

static bool result_formats(struct portal *portal, struct message *message, struct err *err)
{
    const struct query_column *columns;
    uint32_t column_count =
        portal->prepared->statement ? query_statement_columns(portal->prepared->statement, &columns) : 0;
    portal->format_count = message_u16(message);
    portal->formats = mem_calloc((size_t)portal->format_count + 1, sizeof *portal->formats);
    for (uint16_t f = 0; f < portal->format_count; f++) {
        portal->formats[f] = message_u16(message);
        if (portal->formats[f] > 1)
            return err_set(err, ERR_PROTOCOL, "result format %u is neither 0 nor 1", portal->formats[f]);
    }
    if (portal->format_count > 1 && portal->format_count != column_count)
        return err_set(err, ERR_PROTOCOL, "%u result formats for %u columns", portal->format_count, column_count);
    return true;
}

static bool on_bind(struct session *session, struct message *message, struct err *err)
{
    struct bytes portal_name = message_text(message), name = message_text(message);
    uint16_t format_count = message_u16(message);
    uint16_t *formats = mem_calloc((size_t)format_count + 1, sizeof *formats);
    for (uint16_t f = 0; f < format_count; f++) formats[f] = message_u16(message);
    struct prepared *prepared = prepared_find(session, name);
    if (message->is_bad || !prepared) {
        free(formats);
        if (message->is_bad) return message_end_check(message, err);
        return err_set(err, ERR_NOT_FOUND, "there is no prepared statement \"%.*s\"", (int)name.len,
                       (const char *)name.ptr);
    }
    struct portal *portal = mem_calloc(1, sizeof *portal + portal_name.len + 1);
    memcpy(portal->name, portal_name.ptr, portal_name.len);
    portal->prepared = prepared;
    prepared->reference_count++;
    bool ok = bind_values(portal, message, formats, format_count, err) && result_formats(portal, message, err) &&
              message_end_check(message, err);
    free(formats);
    if (ok && portal_name.len == 0) portal_forget(session, portal_name);
    if (ok && portal_find(session, portal_name))
        ok = err_set(err, ERR_EXISTS, "portal \"%s\" exists already", portal->name);
    ok = ok && named_room(session, err);
    if (!ok) {
        portal_destroy(portal);
        return false;
    }
    portal->next = session->portals;
    session->portals = portal;
    session->named_count++;
    session_send_plain(session, '2', NULL);
    return true;
}

static bool on_describe(struct session *session, struct message *message, struct err *err)
{
    uint8_t kind = message_u8(message);
    struct bytes name = message_text(message);
    if (!message_end_check(message, err)) return false;
    if (kind == 'S') {
        struct prepared *prepared = prepared_find(session, name);
        if (!prepared)
            return err_set(err, ERR_NOT_FOUND, "there is no prepared statement \"%.*s\"", (int)name.len,
                           (const char *)name.ptr);
        return session_send_parameter_description(session, prepared->statement, err) &&
               session_send_row_description(session, prepared->statement, NULL, 0, err);
    }
    struct portal *portal = portal_find(session, name);
    if (kind != 'P') return err_set(err, ERR_PROTOCOL, "Describe of kind %u", kind);
    if (!portal)
        return err_set(err, ERR_NOT_FOUND, "there is no portal \"%.*s\"", (int)name.len, (const char *)name.ptr);
    return session_send_row_description(session, portal->prepared->statement, portal->formats, portal->format_count,
                                        err);
}

static bool on_execute(struct session *session, struct message *message, struct err *err)
{
    struct bytes name = message_text(message);
    uint32_t rows_max = message_u32(message);
    if (!message_end_check(message, err)) return false;
    struct portal *portal = portal_find(session, name);
    if (!portal)
        return err_set(err, ERR_NOT_FOUND, "there is no portal \"%.*s\"", (int)name.len, (const char *)name.ptr);
    struct watch watch;
    watch_begin(&watch, session, portal);
    bool ok = portal_run(session, portal, rows_max > INT32_MAX ? 0 : rows_max, err);
    watch_end(&watch, session, portal->prepared->statement, portal, ok ? NULL : sqlstate_of(session, err));
    return ok;
}

static bool on_close(struct session *session, struct message *message, struct err *err)
{
    uint8_t kind = message_u8(message);
    struct bytes name = message_text(message);
    if (!message_end_check(message, err)) return false;
    if (kind == 'S') prepared_forget(session, name);
    if (kind == 'P') portal_forget(session, name);
    session_send_plain(session, '3', NULL);
    return true;
}

static bool on_sync(struct session *session, struct err *err)
{
    session->skips_to_sync = false;
    if (session->transaction == 'I') portals_forget_all(session);
    return session_send_ready(session, err);
}

static const char *extended_sqlstate(const struct session *session, char type, const struct err *err)
{
    if (err->code == ERR_NOT_FOUND) return type == 'E' ? "34000" : "26000";
    if (err->code == ERR_EXISTS) return type == 'P' ? "42P05" : "42P03";
    return failure_sqlstate(session, err);
}

/* False ends the conversation (the connection failed); what the client did wrong is answered and goes on. */
static bool message_work(struct session *session, struct message *message, struct err *err)
{
    struct err failure = { 0 };
    bool ok;
    if (session->skips_to_sync && message->type != 'S' && message->type != 'X') return true;
    switch (message->type) {
    case 'Q': return on_query(session, message, err);
    case 'S': return on_sync(session, err);
    case 'H': return session_out_send(session, err);
    case 'X': session->has_left = true; return true;
    case 'P': ok = on_parse(session, message, &failure); break;
    case 'B': ok = on_bind(session, message, &failure); break;
    case 'D': ok = on_describe(session, message, &failure); break;
    case 'E': ok = on_execute(session, message, &failure); break;
    case 'C': ok = on_close(session, message, &failure); break;
    case 'd':
    case 'c':
    case 'f': return true; /* of a COPY that was refused */
    case 'F': ok = err_set(&failure, ERR_UNSUPPORTED, "function calls by message are not supported; use SELECT"); break;
    default: session_send_fatal(session, "08P01", "unknown message type"); return true;
    }
    if (ok) return true;
    /* Nothing else tells that the write failed: an error of the connection ends here, not at the client's eyes. */
    session->skips_to_sync = true;
    session_send_error(session, &failure, extended_sqlstate(session, (char)message->type, &failure));
    return true;
}

/* --- the conversation --- */

/* A revoked key, a disabled user, a role that was taken away: the next message hears of it. */
static bool login_holds(struct session *session)
{
    static const uint64_t HOLDS_NS = 1000000000;
    const struct pgwire_login *login = &session->options.server->login;
    uint64_t now_ns = clock_mono_ns();
    struct err why = { 0 };
    if (!login->still || now_ns - session->checked_mono_ns < HOLDS_NS) return true;
    session->checked_mono_ns = now_ns;
    if (login->still(login->ctx, &session->who, &why)) return true;
    session_send_fatal(session, err_sqlstate(why.code), why.text);
    return false;
}

void session_run(struct session *session)
{
    struct err err = { 0 };
    bool is_let_in;
    bool ok = session_login(session, &is_let_in, &err);
    while (ok && is_let_in && !session->has_left && !atomic_load(&session->ends)) {
        size_t frame_bytes;
        ok = session_frame_read(session, true, -1, &frame_bytes, &err);
        if (!ok || frame_bytes == 0) break;
        struct message message = session_frame_take(session, true, frame_bytes);
        if (!login_holds(session)) break;
        ok = message_work(session, &message, &err);
        in_shrink(session);
    }
    if (atomic_load(&session->ends)) {
        session_send_fatal(session, "57P01", "the server is stopping");
    } else if (!ok && (err.code == ERR_PROTOCOL || err.code == ERR_TOO_LARGE || err.code == ERR_TIMEOUT)) {
        session_send_fatal(session, err_sqlstate(err.code), err.text);
    }
}

void session_cancel(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    if (session->query) query_cancel(session->query);
    pthread_mutex_unlock(&session->lock);
}

void session_end(struct session *session)
{
    atomic_store(&session->ends, true);
    session_cancel(session);
}

void session_destroy(struct session *session)
{
    portals_forget_all(session);
    while (session->prepared) prepared_forget(session, bytes_of_text(session->prepared->name));
    pthread_mutex_lock(&session->lock);
    struct query_session *query = session->query;
    session->query = NULL;
    pthread_mutex_unlock(&session->lock);
    if (query) query_session_close(query);
    buf_deinit(&session->in);
    buf_deinit(&session->out);
    pthread_mutex_destroy(&session->lock);
    free(session);
}
