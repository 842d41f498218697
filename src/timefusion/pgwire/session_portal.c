/* Running a bound statement: its rows to the client, as DataRow messages or as COPY's. */
#include "timefusion/pgwire/copy.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

bool session_fail(struct session *session, const char *sqlstate)
{
    session->sqlstate = sqlstate;
    return false;
}

const char *session_sqlstate(const struct session *session, const struct err *err)
{
    if (atomic_load(&session->ends) && err->code == ERR_CANCELLED) return "57P01";
    return session->sqlstate ? session->sqlstate : err_sqlstate(err->code);
}

uint32_t session_columns(struct session *session, const struct query_statement *statement,
                         const struct query_column **columns)
{
    const struct query_wire *wire = statement ? query_statement_wire(statement) : NULL;
    if (!statement) return 0;
    if (wire && wire->kind == WIRE_FETCH && !wire->is_move) {
        const struct portal *cursor = portal_find(session, bytes_of_text(wire->name));
        return cursor ? query_statement_row_columns(cursor->prepared->statement, columns) : 0;
    }
    if (wire && wire->kind == WIRE_EXECUTE) {
        const struct prepared *prepared = prepared_find(session, bytes_of_text(wire->name));
        const struct query_statement *inner = prepared ? prepared->statement : NULL;
        return inner && !query_statement_wire(inner) ? query_statement_columns(inner, columns) : 0;
    }
    return query_statement_columns(statement, columns);
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

/* A portal whose turn comes again goes on with its own time. */
bool portal_open(struct session *session, struct portal *portal, struct err *err)
{
    struct query_statement *statement = portal->prepared->statement;
    if (portal->cursor || portal->is_done) {
        query_session_resume(session->query);
        return true;
    }
    if (!change_allowed(session, statement, err)) return false;
    if (!query_execute(statement, portal->parameters, portal->parameter_count, &portal->cursor, err)) return false;
    uint32_t considered;
    query_cursor_files(portal->cursor, &considered, &portal->files_opened);
    const char *const *warnings;
    uint32_t warning_count = query_cursor_warnings(portal->cursor, &warnings);
    for (uint32_t w = 0; w < warning_count; w++)
        session_send_notice_or_error(session, 'N', "WARNING", "01000", &(struct session_words){ .text = warnings[w] });
    const char *const *notices;
    uint32_t notice_count = query_cursor_notices(portal->cursor, &notices);
    for (uint32_t n = 0; n < notice_count; n++)
        session_send_notice_or_error(session, 'N', "NOTICE", "00000", &(struct session_words){ .text = notices[n] });
    const struct query_column *columns; /* of RETURNING: then its rows are counted as they are sent */
    if (query_statement_columns(statement, &columns) == 0)
        portal->row_count = query_cursor_changed_rows(portal->cursor);
    return true;
}

static bool row_send(struct session *session, const struct portal *from, const struct rows_shape *shape,
                     struct err *err)
{
    if (shape->kind == ROWS_DATA && shape->column_count > 0) return session_send_data_row(session, from, shape, err);
    if (shape->kind == ROWS_COPY) return session_send_copy_row(session, from, shape, err);
    return true;
}

bool portal_rows(struct session *session, struct portal *from, const struct rows_shape *shape, uint64_t rows_max,
                 uint64_t *row_count, struct err *err)
{
    uint64_t sent = 0;
    while (!from->is_done && sent < rows_max) {
        if (!from->chunk || from->chunk_row == query_chunk_rows(from->chunk)) {
            if (atomic_load(&session->ends)) return err_set(err, ERR_CANCELLED, "the connection is ending");
            if (!query_fetch(from->cursor, &from->chunk, err)) return false;
            from->chunk_row = 0;
            from->is_done = from->chunk == NULL;
            continue;
        }
        if (!row_send(session, from, shape, err)) return false;
        from->chunk_row++;
        ++*row_count;
        sent++;
    }
    if (!from->is_done) return true;
    if (from->cursor) query_cursor_close(from->cursor); /* lets go of its files */
    from->cursor = NULL;
    from->chunk = NULL;
    return true;
}

static bool copy_run(struct session *session, struct portal *portal, const struct query_wire *wire, struct err *err)
{
    struct rows_shape shape = { .kind = ROWS_COPY, .copy = &wire->copy };
    shape.column_count = query_statement_row_columns(portal->prepared->statement, &shape.columns);
    if (!portal->is_done && (!session_send_copy_begin(session, &shape, err) ||
                             !portal_rows(session, portal, &shape, UINT64_MAX, &portal->row_count, err) ||
                             !session_send_copy_end(session, portal, &shape, err)))
        return false;
    session_send_complete(session, portal, NULL);
    return true;
}

bool portal_run(struct session *session, struct portal *portal, uint64_t rows_max, struct err *err)
{
    struct query_statement *statement = portal->prepared->statement;
    if (!statement) {
        session_send_plain(session, 'I', NULL);
        return true;
    }
    if (portal->inner) return portal_run(session, portal->inner, rows_max, err);
    if (!transaction_allows(session, statement, err)) return false;
    if (query_statement_transaction(statement) != QUERY_TRANSACTION_NONE) return transaction_run(session, portal, err);
    const struct query_wire *wire = query_statement_wire(statement);
    if (wire && wire->kind == WIRE_DISCARD) {
        if (!wire_discard(session, portal, err)) return false;
    } else if (wire && wire->kind == WIRE_COPY_IN) {
        return copy_in_run(session, portal, wire, err);
    } else if (wire && wire->kind != WIRE_COPY) {
        return wire_run(session, portal, wire, rows_max, err);
    }
    if (!portal_open(session, portal, err)) return false;
    if (wire && wire->kind == WIRE_COPY) return copy_run(session, portal, wire, err);
    struct rows_shape shape = { .kind = ROWS_DATA, .formats = portal->formats, .format_count = portal->format_count };
    shape.column_count = query_statement_columns(statement, &shape.columns);
    if (!portal_rows(session, portal, &shape, rows_max, &portal->row_count, err)) return false;
    if (portal->is_done) {
        session_send_complete(session, portal, NULL);
    } else {
        session_send_plain(session, 's', NULL);
    }
    session_send_changed_parameters(session);
    return true;
}
