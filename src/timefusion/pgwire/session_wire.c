/* SQL's own words for what the protocol has messages for: cursors, and PREPARE, EXECUTE, DEALLOCATE. */
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

static bool no_cursor(struct session *session, const char *name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "cursor \"%.60s\" does not exist", name);
    return session_fail(session, "34000");
}

/* The cursor is a portal of its own, opened now: it sees what there is now, and what is wrong shows here. */
static bool declare(struct session *session, struct portal *portal, const struct query_wire *wire, struct err *err)
{
    struct bytes name = bytes_of_text(wire->name);
    if (session->transaction != 'T') {
        err_set(err, ERR_INPUT, "DECLARE CURSOR can only be used in transaction blocks");
        return session_fail(session, "25P01");
    }
    if (portal_find(session, name)) {
        err_set(err, ERR_EXISTS, "cursor \"%.60s\" already exists", wire->name);
        return session_fail(session, "42P03");
    }
    if (!names_have_room(session, err)) return false;
    struct portal *cursor = portal_create(name, portal->prepared);
    cursor->is_cursor = true;
    cursor->is_binary = wire->is_binary;
    cursor->parameters = portal->parameters; /* with the values they point to */
    cursor->parameter_count = portal->parameter_count;
    cursor->values = portal->values;
    portal->parameters = NULL;
    buf_init(&portal->values, 1);
    if (!portal_open(session, cursor, err)) {
        portal_destroy(cursor);
        return false;
    }
    cursor->row_count = 0;
    portal_keep(session, cursor);
    return true;
}

/* Cursors, and portals of the protocol whose statement gives rows. */
static bool is_fetchable(const struct portal *cursor)
{
    const struct query_column *columns;
    const struct query_statement *statement = cursor->prepared->statement;
    return cursor->is_cursor ||
           (statement && !query_statement_wire(statement) && query_statement_columns(statement, &columns) > 0);
}

static bool fetch(struct session *session, struct portal *portal, const struct query_wire *wire, uint64_t rows_max,
                  struct err *err)
{
    static const uint16_t binary[] = { 1 };
    struct portal *cursor = portal_find(session, bytes_of_text(wire->name));
    if (!cursor || cursor == portal || !is_fetchable(cursor)) return no_cursor(session, wire->name, err);
    if (!portal_open(session, cursor, err)) return false;
    struct rows_shape shape = { .kind = wire->is_move ? ROWS_NONE : ROWS_DATA,
                                .formats = portal->formats,
                                .format_count = portal->format_count };
    if (cursor->is_binary && shape.format_count == 0) shape.formats = binary, shape.format_count = 1;
    shape.column_count = query_statement_row_columns(cursor->prepared->statement, &shape.columns);
    if (shape.format_count > 1 && shape.format_count != shape.column_count)
        return err_set(err, ERR_PROTOCOL, "%u result formats for %u columns", shape.format_count, shape.column_count);
    uint64_t left = wire->row_count - portal->row_count;
    if (!portal_rows(session, cursor, &shape, left < rows_max ? left : rows_max, &portal->row_count, err)) return false;
    portal->is_done = cursor->is_done || portal->row_count == wire->row_count;
    if (portal->is_done) {
        session_send_complete(session, portal, NULL);
    } else {
        session_send_plain(session, 's', NULL);
    }
    return true;
}

static bool close_cursor(struct session *session, const struct query_wire *wire, struct err *err)
{
    if (!wire->name) {
        cursors_forget(session);
        return true;
    }
    struct portal *cursor = portal_find(session, bytes_of_text(wire->name));
    if (!cursor) return no_cursor(session, wire->name, err);
    portal_forget(session, bytes_of_text(wire->name));
    return true;
}

static bool no_statement(struct session *session, const char *name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "prepared statement \"%.60s\" does not exist", name);
    return session_fail(session, "26000");
}

/* SELECT, INSERT, DELETE, UPDATE: what PREPARE takes. */
static bool is_preparable(const struct query_statement *statement)
{
    const struct query_column *columns;
    return !query_statement_wire(statement) && query_statement_transaction(statement) == QUERY_TRANSACTION_NONE &&
           (query_statement_columns(statement, &columns) > 0 || query_statement_is_final(statement) ||
            query_statement_writes(statement));
}

static bool prepare(struct session *session, const struct query_wire *wire, struct err *err)
{
    struct query_statement *statement;
    struct bytes name = bytes_of_text(wire->name);
    if (prepared_find(session, name)) {
        err_set(err, ERR_EXISTS, "prepared statement \"%.60s\" already exists", wire->name);
        return session_fail(session, "42P05");
    }
    if (!names_have_room(session, err)) return false;
    if (!query_prepare(session->query, wire->sql, wire->types, wire->count, &statement, err)) {
        if (err->position > 0) err->position += (int)wire->sql_at;
        return false;
    }
    if (!is_preparable(statement)) {
        query_statement_close(statement);
        return err_set(err, ERR_SYNTAX, "PREPARE takes SELECT, VALUES, INSERT, DELETE or UPDATE");
    }
    prepared_keep(session, prepared_create(name, statement));
    return true;
}

static bool execute(struct session *session, struct portal *portal, const struct query_wire *wire, struct err *err)
{
    struct prepared *prepared = prepared_find(session, bytes_of_text(wire->name));
    const enum query_type *types;
    if (!prepared || !prepared->statement) return no_statement(session, wire->name, err);
    if (!is_preparable(prepared->statement))
        return err_set(err, ERR_UNSUPPORTED, "\"%.60s\" is no statement for EXECUTE", wire->name);
    uint32_t wanted = query_statement_parameters(prepared->statement, &types);
    if (wanted != wire->count)
        return err_set(err, ERR_SYNTAX, "wrong number of parameters for prepared statement \"%.60s\": %u, it has %u",
                       wire->name, wire->count, wanted);
    portal->inner = portal_create(bytes_from("", 0), prepared);
    portal->inner->parameter_count = wanted;
    portal->inner->parameters = mem_alloc((wanted + 1) * sizeof *portal->inner->parameters);
    for (uint32_t p = 0; p < wanted; p++) portal->inner->parameters[p] = wire->parameters[p];
    portal->inner->formats = mem_alloc((portal->format_count + 1u) * sizeof *portal->formats);
    portal->inner->format_count = portal->format_count;
    for (uint16_t f = 0; f < portal->format_count; f++) portal->inner->formats[f] = portal->formats[f];
    return true;
}

static bool deallocate(struct session *session, const struct query_wire *wire, struct err *err)
{
    if (!wire->name) {
        prepared_forget_named(session);
        return true;
    }
    if (!prepared_find(session, bytes_of_text(wire->name))) return no_statement(session, wire->name, err);
    prepared_forget(session, bytes_of_text(wire->name));
    return true;
}

bool wire_discard(struct session *session, struct portal *portal, struct err *err)
{
    if (session->transaction != 'I')
        return err_set(err, ERR_IN_TRANSACTION, "DISCARD ALL cannot run inside a transaction block");
    portals_forget_but(session, portal);
    prepared_forget_named(session);
    return true;
}

bool wire_run(struct session *session, struct portal *portal, const struct query_wire *wire, uint64_t rows_max,
              struct err *err)
{
    bool ok = true;
    switch (wire->kind) {
    case WIRE_FETCH: return fetch(session, portal, wire, rows_max, err);
    case WIRE_EXECUTE: return execute(session, portal, wire, err) && portal_run(session, portal->inner, rows_max, err);
    case WIRE_DECLARE: ok = portal->is_done || declare(session, portal, wire, err); break;
    case WIRE_CLOSE: ok = portal->is_done || close_cursor(session, wire, err); break;
    case WIRE_PREPARE: ok = portal->is_done || prepare(session, wire, err); break;
    case WIRE_DEALLOCATE: ok = portal->is_done || deallocate(session, wire, err); break;
    default: abort(); /* portal_run has the others */
    }
    if (!ok) return false;
    portal->is_done = true;
    session_send_complete(session, portal, NULL);
    return true;
}
