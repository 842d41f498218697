/* The messages of both protocols: Query; Parse, Bind, Describe, Execute, Close, Sync, Flush. */
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS_MAX 1000u /* in one simple query */

static bool simple_describe(struct session *session, const struct query_statement *statement, struct err *err)
{
    static const uint16_t binary[] = { 1 };
    const struct query_column *columns;
    uint32_t count = session_columns(session, statement, &columns);
    const struct query_wire *wire = query_statement_wire(statement);
    const struct portal *cursor =
        wire && wire->kind == WIRE_FETCH ? portal_find(session, bytes_of_text(wire->name)) : NULL;
    uint16_t format_count = cursor && cursor->is_binary;
    return count == 0 || session_send_row_description(session, columns, count, binary, format_count, err);
}

static bool simple_statement(struct session *session, struct bytes sql, struct err *err)
{
    struct query_statement *statement;
    struct watch watch;
    watch_begin(&watch, session, NULL);
    if (!query_prepare(session->query, sql, NULL, 0, &statement, err)) {
        watch_end(&watch, session, NULL, NULL, session_sqlstate(session, err));
        return false;
    }
    const enum query_type *types;
    struct prepared *prepared = prepared_create(bytes_from("", 0), statement);
    struct portal *portal = portal_create(bytes_from("", 0), prepared);
    prepared_release(prepared); /* the portal's now */
    bool ok = query_statement_parameters(statement, &types) == 0 ||
              err_set(err, ERR_INPUT, "there is no value for a $ parameter in a simple query");
    ok = ok && transaction_allows(session, statement, err);
    if (ok) ok = simple_describe(session, statement, err);
    ok = ok && portal_run(session, portal, UINT64_MAX, err);
    watch_end(&watch, session, statement, portal, ok ? NULL : session_sqlstate(session, err));
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
    prepared_forget(session, bytes_from("", 0));
    bool ok = query_split(sql, statements, STATEMENTS_MAX, &count, &failure);
    if (ok && count == 0) session_send_plain(session, 'I', NULL);
    for (uint32_t s = 0; ok && s < count; s++) {
        ok = simple_statement(session, statements[s], &failure);
        /* The position is in this statement; the client shows it in the whole text. */
        if (!ok && failure.position > 0 && statements[s].ptr >= sql.ptr)
            failure.position += (int)(statements[s].ptr - sql.ptr);
    }
    free(statements);
    if (!ok) session_answer_failure(session, &failure);
    if (session->has_left) return true;
    if (session->transaction == 'I') portals_forget_but(session, NULL);
    return session_send_ready(session, err);
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
    if (ok && prepared_find(session, name)) {
        err_set(err, ERR_EXISTS, "prepared statement \"%.*s\" already exists", (int)name.len, (const char *)name.ptr);
        ok = session_fail(session, "42P05");
    }
    ok = ok && names_have_room(session, err);
    if (ok && !query_split(sql, &first, 1, &statement_count, err)) {
        /* More than one is refused there with its words; what does not parse fails below with a position. */
        ok = err->code == ERR_SYNTAX;
        statement_count = 1;
        first = sql;
    }
    struct watch watch;
    watch_begin(&watch, session, NULL);
    if (ok && statement_count == 1) ok = query_prepare(session->query, first, types, count, &statement, err);
    if (ok && statement && session->transaction == 'E') ok = transaction_allows(session, statement, err);
    free(types);
    if (!ok) {
        watch_end(&watch, session, NULL, NULL, session_sqlstate(session, err));
        if (statement) query_statement_close(statement);
        return false;
    }
    prepared_keep(session, prepared_create(name, statement));
    session_send_plain(session, '1', NULL);
    return true;
}

static bool no_statement(struct session *session, struct bytes name, struct err *err)
{
    if (name.len == 0)
        err_set(err, ERR_NOT_FOUND, "unnamed prepared statement does not exist");
    else
        err_set(err, ERR_NOT_FOUND, "prepared statement \"%.*s\" does not exist", (int)(name.len < 64 ? name.len : 64),
                (const char *)name.ptr);
    return session_fail(session, "26000");
}

static bool no_portal(struct session *session, struct bytes name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "portal \"%.*s\" does not exist", (int)(name.len < 64 ? name.len : 64),
            (const char *)name.ptr);
    return session_fail(session, "34000");
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

static bool result_formats(struct session *session, struct portal *portal, struct message *message, struct err *err)
{
    const struct query_column *columns;
    uint32_t column_count = session_columns(session, portal->prepared->statement, &columns);
    portal->format_count = message_u16(message);
    portal->formats = mem_calloc((size_t)portal->format_count + 1, sizeof *portal->formats);
    for (uint16_t f = 0; f < portal->format_count; f++) {
        portal->formats[f] = message_u16(message);
        if (portal->formats[f] > 1) return err_set(err, ERR_INPUT, "unsupported format code: %u", portal->formats[f]);
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
    bool ok = true;
    for (uint16_t f = 0; f < format_count; f++) {
        formats[f] = message_u16(message);
        if (formats[f] > 1) ok = err_set(err, ERR_INPUT, "unsupported format code: %u", formats[f]);
    }
    struct prepared *prepared = prepared_find(session, name);
    if (message->is_bad || !prepared || !ok) {
        free(formats);
        if (message->is_bad) return message_end_check(message, err);
        return ok ? no_statement(session, name, err) : false;
    }
    struct portal *portal = portal_create(portal_name, prepared);
    ok = (!prepared->statement || session->transaction != 'E' ||
          transaction_allows(session, prepared->statement, err)) &&
         bind_values(portal, message, formats, format_count, err) && result_formats(session, portal, message, err) &&
         message_end_check(message, err);
    free(formats);
    if (ok && portal_name.len == 0) portal_forget(session, portal_name);
    if (ok && portal_find(session, portal_name)) {
        err_set(err, ERR_EXISTS, "cursor \"%s\" already exists", portal->name);
        ok = session_fail(session, "42P03");
    }
    ok = ok && names_have_room(session, err);
    if (!ok) {
        portal_destroy(portal);
        return false;
    }
    portal_keep(session, portal);
    session_send_plain(session, '2', NULL);
    return true;
}

static bool on_describe(struct session *session, struct message *message, struct err *err)
{
    uint8_t kind = message_u8(message);
    struct bytes name = message_text(message);
    const struct query_column *columns;
    if (!message_end_check(message, err)) return false;
    if (kind == 'S') {
        const struct prepared *prepared = prepared_find(session, name);
        if (!prepared) return no_statement(session, name, err);
        uint32_t count = session_columns(session, prepared->statement, &columns);
        return session_send_parameter_description(session, prepared->statement, err) &&
               session_send_row_description(session, columns, count, NULL, 0, err);
    }
    if (kind != 'P') return err_set(err, ERR_PROTOCOL, "Describe of kind %u", kind);
    const struct portal *portal = portal_find(session, name);
    if (!portal) return no_portal(session, name, err);
    uint32_t count = portal->is_cursor ? query_statement_row_columns(portal->prepared->statement, &columns)
                                       : session_columns(session, portal->prepared->statement, &columns);
    return session_send_row_description(session, columns, count, portal->formats, portal->format_count, err);
}

static bool on_execute(struct session *session, struct message *message, struct err *err)
{
    struct bytes name = message_text(message);
    uint32_t rows_max = message_u32(message);
    if (!message_end_check(message, err)) return false;
    struct portal *portal = portal_find(session, name);
    if (!portal || portal->is_cursor) return no_portal(session, name, err);
    struct watch watch;
    watch_begin(&watch, session, portal);
    bool ok = portal_run(session, portal, rows_max == 0 || rows_max > INT32_MAX ? UINT64_MAX : rows_max, err);
    watch_end(&watch, session, portal->prepared->statement, portal, ok ? NULL : session_sqlstate(session, err));
    return ok;
}

static bool on_close(struct session *session, struct message *message, struct err *err)
{
    uint8_t kind = message_u8(message);
    struct bytes name = message_text(message);
    if (!message_end_check(message, err)) return false;
    if (kind != 'S' && kind != 'P') return err_set(err, ERR_PROTOCOL, "Close of kind %u", kind);
    if (kind == 'S') prepared_forget(session, name);
    if (kind == 'P') portal_forget(session, name);
    session_send_plain(session, '3', NULL);
    return true;
}

static bool on_sync(struct session *session, struct err *err)
{
    session->skips_to_sync = false;
    if (session->transaction == 'I') portals_forget_but(session, NULL);
    return session_send_ready(session, err);
}

/* A failure of a statement; one of the transaction's time ends the conversation. */
void session_answer_failure(struct session *session, const struct err *failure)
{
    if (failure->code == ERR_TIMEOUT && query_session_is_over(session->query)) {
        session_send_fatal(session, "25P04", "terminating connection due to transaction timeout");
        return;
    }
    session_send_error(session, failure, session_sqlstate(session, failure));
}

/* False ends the conversation (the connection failed); what the client did wrong is answered and goes on. */
bool session_message_work(struct session *session, struct message *message, struct err *err)
{
    struct err failure = { 0 };
    bool ok;
    session->sqlstate = NULL;
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
    case 'F':
        err_set(&failure, ERR_UNSUPPORTED, "function calls by message are not supported; use SELECT");
        session_answer_failure(session, &failure);
        return session_send_ready(session, err); /* no Sync follows */
    default: session_send_fatal(session, "08P01", "unknown message type"); return true;
    }
    if (ok) return true;
    session->skips_to_sync = true;
    session_answer_failure(session, &failure);
    return session_out_send(session,
                            err); /* a Flush that follows is passed over: the client must not wait for its Sync */
}
