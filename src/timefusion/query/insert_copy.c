/* COPY ... FROM STDIN: rows of fields as a client sends them, into the session's batch, piece by piece. */
#include "base/clock.h"
#include "timefusion/query/cursor.h"
#include "timefusion/query/insert_value.h"
#include "timefusion/query/temporary_copy.h"
#include <stdlib.h>

#define PIECE_BYTES (16u << 20)
#define LOOK_ROWS   256

struct query_copy {
    struct query_session *session;
    struct plan *plan;
    struct temporary_copy *own;    /* into a table of the session's own; NULL: as follows */
    struct session_rows_mark mark; /* what the session had before, or before the piece */
    struct insert_row row;
    struct arena arena; /* of a row */
    int64_t now_us;
    uint64_t rows, kept_rows;
    bool is_admitted;
};

bool query_copy_begin(struct query_statement *statement, struct query_copy **out, struct err *err)
{
    struct query_session *session = statement->session;
    const struct query_hooks *hooks = &session->engine->options.hooks;
    *out = NULL;
    if (!statement_is_permitted(statement, err)) return false;
    if (!statement->plan->temporary && !hooks->keep)
        return err_set(err, ERR_UNSUPPORTED, "this process takes no rows in; ask one that does");
    bool is_admitted = hooks->admit != NULL;
    if (is_admitted && !hooks->admit(hooks->ctx, session->project_id, err)) return false;
    struct query_copy *copy = mem_calloc(1, sizeof *copy);
    copy->session = session;
    copy->plan = plan_acquire(statement->plan);
    copy->is_admitted = is_admitted;
    copy->now_us = session->in_transaction ? session->transaction_unix_us : clock_unix_us();
    if (copy->plan->temporary)
        copy->own = temporary_copy_begin(session, copy->plan);
    else
        copy->mark = session_rows_mark(session);
    arena_init(&copy->arena, 4096);
    session_clock_begin(session);
    activity_begin(session, copy->plan->text);
    activity_wait(session, "ClientRead");
    *out = copy;
    return true;
}

static bool value_take(struct query_copy *copy, uint32_t c, const struct query_field *field, struct err *err)
{
    const struct schema_column *column = &copy->row.table->columns[copy->plan->insert->columns[c]];
    struct insert_value *value = &copy->row.values[copy->plan->insert->columns[c]];
    struct insert_reader reader = { copy->session, &copy->arena };
    if (field->is_null) return true;
    bool ok = field->is_binary ? insert_binary_read(&reader, column->type, field->value, value, err)
                               : insert_text_read(&reader, column->type, field->value, value, err);
    return ok || err_within(err, "column %s", column->name);
}

/* Outside of a transaction what is there is kept, so that any number of rows goes through the same memory. */
static bool piece_keep(struct query_copy *copy, struct err *err)
{
    uint64_t rows = batch_row_count(&copy->session->rows.batch);
    if (!session_rows_piece(copy->session, err)) return false;
    copy->kept_rows += rows;
    copy->mark = session_rows_mark(copy->session);
    return true;
}

static bool row_put(struct query_copy *copy, struct err *err)
{
    struct query_session *session = copy->session;
    bool is_span;
    if (!insert_row_end(&copy->row, session->project_id, copy->now_us, &session->rows.batch, &is_span, err))
        return false;
    session->rows.spans += is_span;
    copy->rows++;
    return true;
}

bool query_copy_row(struct query_copy *copy, const struct query_field *fields, struct err *err)
{
    struct query_session *session = copy->session;
    const struct plan_insert *insert = copy->plan->insert;
    if (copy->own) {
        copy->rows++;
        return temporary_copy_row(copy->own, fields, err);
    }
    arena_reset(&copy->arena);
    insert_row_begin(&copy->row, insert->table);
    for (uint32_t c = 0; c < insert->count; c++)
        if (!value_take(copy, c, &fields[c], err)) return false;
    if (!row_put(copy, err)) {
        /* Days too many, or bytes, are for the next piece. */
        if (err->code != ERR_TOO_LARGE || session->in_transaction || batch_row_count(&session->rows.batch) == 0)
            return false;
        *err = (struct err){ 0 };
        if (!piece_keep(copy, err) || !row_put(copy, err)) return false;
    }
    if (copy->rows % LOOK_ROWS == 0 && (session_is_stopped(session, err) || !session_rows_weigh(session, err)))
        return false;
    return session->in_transaction || session->rows.batch.bytes.len < PIECE_BYTES || piece_keep(copy, err);
}

bool query_copy_is_stopped(struct query_copy *copy, struct err *err)
{
    return session_is_stopped(copy->session, err);
}

uint64_t query_copy_kept(const struct query_copy *copy)
{
    return copy->kept_rows;
}

bool query_copy_end(struct query_copy *copy, uint64_t *rows, const char **notice, struct err *err)
{
    *notice = NULL;
    *rows = copy->rows;
    if (copy->own) return temporary_copy_end(copy->own, err);
    if (!session_rows_weigh(copy->session, err) || !session_rows_end(copy->session, notice, err)) return false;
    copy->mark = (struct session_rows_mark){ .is_over = true };
    return true;
}

void query_copy_close(struct query_copy *copy)
{
    if (!copy) return;
    struct query_session *session = copy->session;
    const struct query_hooks *hooks = &session->engine->options.hooks;
    temporary_copy_close(copy->own);
    if (!copy->own && !copy->mark.is_over) session_rows_back(session, &copy->mark);
    if (copy->is_admitted) hooks->ended(hooks->ctx, session->project_id);
    if (session->open_cursors == 0) activity_end(session);
    arena_deinit(&copy->arena);
    plan_release(copy->plan);
    free(copy);
}
