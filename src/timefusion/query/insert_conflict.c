/* ON CONFLICT DO NOTHING: rows whose id is there already are left out again.
 *
 * There is a row with that id in the table, as far as this session can see it now, or an earlier one in what it has written
 * itself. Two sessions that write one id at the same moment do not see each other: there is no index that could stop one. */
#include "base/uuid.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/insert.h"
#include <stdio.h>
#include <stdlib.h>

#define IDS_AT_ONCE 20000

struct known_id {
    struct uuid id;
    bool is_there;
};
struct conflicts {
    const struct schema_table *table;
    struct known_id *ids; /* sorted, each once */
    uint32_t count;
};

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct known_id *)a)->id.bytes, ((const struct known_id *)b)->id.bytes, 16);
}

static struct uuid id_of(const struct batch_row *row)
{
    struct uuid id = { 0 };
    const struct batch_value *value = batch_row_value(row, schema_table(row->table)->row_id);
    if (!value || !uuid_from_text(value->text, &id)) abort(); /* insert_row_end has put it */
    return id;
}

/* Of the rows of some bytes of a batch. */
static struct batch_reader rows_of(struct bytes rows)
{
    struct batch_reader reader = { .at = rows.ptr, .end = rows.ptr + rows.len };
    return reader;
}

static void ids_collect(struct conflicts *conflicts, struct bytes rows)
{
    struct batch_reader reader = rows_of(rows);
    struct batch_row row;
    struct err err = { 0 };
    uint32_t cap = 0, kept = 0;
    while (batch_reader_next(&reader, &row, &err)) {
        if (conflicts->count == cap) {
            cap = cap ? cap * 2 : 64;
            conflicts->ids = mem_realloc(conflicts->ids, cap * sizeof *conflicts->ids);
        }
        conflicts->ids[conflicts->count++] = (struct known_id){ .id = id_of(&row) };
    }
    if (conflicts->count == 0) return;
    qsort(conflicts->ids, conflicts->count, sizeof *conflicts->ids, by_id);
    for (uint32_t i = 0; i < conflicts->count; i++)
        if (i == 0 || by_id(&conflicts->ids[i], &conflicts->ids[kept - 1]) != 0)
            conflicts->ids[kept++] = conflicts->ids[i];
    conflicts->count = kept;
}

static struct known_id *id_find(const struct conflicts *conflicts, struct uuid id)
{
    struct known_id key = { .id = id };
    return bsearch(&key, conflicts->ids, conflicts->count, sizeof key, by_id);
}

static void held_note(const struct conflicts *conflicts, struct bytes rows)
{
    struct batch_reader reader = rows_of(rows);
    struct batch_row row;
    struct err err = { 0 };
    while (batch_reader_next(&reader, &row, &err)) {
        struct known_id *known = row.table == conflicts->table->id ? id_find(conflicts, id_of(&row)) : NULL;
        if (known) known->is_there = true;
    }
}

static bool stored_fetch(const struct conflicts *conflicts, struct query_cursor *cursor, struct err *err)
{
    for (;;) {
        const struct query_chunk *chunk;
        if (!query_fetch(cursor, &chunk, err)) return false;
        if (!chunk) return true;
        for (uint32_t r = 0; r < query_chunk_rows(chunk); r++) {
            struct known_id *known = id_find(conflicts, query_chunk_value(chunk, 0, r).uuid);
            if (known) known->is_there = true;
        }
    }
}

/* An ordinary statement of the session's, so it finds the project's rows and no others. */
static bool stored_note(const struct conflicts *conflicts, struct query_session *session, uint32_t from, uint32_t to,
                        struct err *err)
{
    struct query_statement *statement;
    struct query_cursor *cursor;
    struct buf list;
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE id = ANY($1::uuid[])", conflicts->table->name);
    buf_init(&list, (to - from) * (UUID_TEXT_BYTES + 1) + 3u);
    bool ok = buf_add(&list, "{", 1);
    for (uint32_t i = from; ok && i < to; i++) {
        char text[UUID_TEXT_BYTES + 1];
        uuid_to_text(conflicts->ids[i].id, text);
        ok = (i == from || buf_add(&list, ",", 1)) && buf_add(&list, text, UUID_TEXT_BYTES);
    }
    ok = ok && buf_add(&list, "}", 1);
    assert(ok);
    struct query_parameter parameter = { .value = buf_bytes(&list) };
    ok = query_prepare(session, bytes_of_text(sql), NULL, 0, &statement, err);
    if (ok) {
        ok = query_execute(statement, &parameter, 1, &cursor, err);
        if (ok) {
            ok = stored_fetch(conflicts, cursor, err);
            query_cursor_close(cursor);
        }
        query_statement_close(statement);
    }
    buf_deinit(&list);
    return ok;
}

/* The rows once more, but for those that are there; what is put is there for the next. */
static void rows_again(const struct conflicts *conflicts, struct query_session *session, struct bytes rows)
{
    struct batch_reader reader = rows_of(rows);
    struct batch_row row;
    struct err err = { 0 };
    while (batch_reader_next(&reader, &row, &err)) {
        struct known_id *known = id_find(conflicts, id_of(&row));
        if (known->is_there) continue;
        known->is_there = true;
        if (!batch_row_add(&session->rows.batch, &row, &err)) abort(); /* it had room before */
        session->rows.spans += insert_is_span(&row);
    }
}

bool insert_conflicts_skip(struct query_session *session, const struct schema_table *table,
                           const struct session_rows_mark *mark, struct err *err)
{
    struct batch *batch = &session->rows.batch;
    struct conflicts conflicts = { .table = table };
    size_t from = mark->batch.len > 0 ? mark->batch.len : BATCH_HEAD_BYTES;
    if (batch->bytes.len <= from) return true;
    size_t len = batch->bytes.len - from;
    uint8_t *copy = mem_alloc(len);
    memcpy(copy, batch->bytes.ptr + from, len);
    struct bytes rows = bytes_from(copy, len);
    ids_collect(&conflicts, rows);
    if (mark->batch.len > 0)
        held_note(&conflicts, bytes_from(batch->bytes.ptr + BATCH_HEAD_BYTES, mark->batch.len - BATCH_HEAD_BYTES));
    bool ok = true;
    size_t seen = session->drafts.seen;
    session->drafts.seen = 0; /* they are noted */
    for (uint32_t i = 0; ok && i < conflicts.count; i += IDS_AT_ONCE)
        ok = stored_note(&conflicts, session, i, i + IDS_AT_ONCE < conflicts.count ? i + IDS_AT_ONCE : conflicts.count,
                         err);
    session->drafts.seen = seen;
    if (ok) {
        batch_cut(batch, &mark->batch);
        session->rows.spans = mark->spans;
        rows_again(&conflicts, session, rows);
    }
    free(conflicts.ids);
    free(copy);
    return ok;
}
