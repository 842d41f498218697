#include "timefusion/query/session_drafts.h"
#include "timefusion/query/engine.h"
#include <stdlib.h>

#define PIECE_BYTES (8u << 20) /* to become files at once */

static void draft_drop(struct session_draft *draft)
{
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        for (uint32_t f = 0; f < draft->file_count[id]; f++) timefusion_file_release(draft->files[id][f]);
        free(draft->files[id]);
    }
}

void session_drafts_cut(struct query_session *session, size_t bytes)
{
    struct session_drafts *drafts = &session->drafts;
    while (drafts->count > 0 && drafts->at[drafts->count - 1].to > bytes) draft_drop(&drafts->at[--drafts->count]);
    if (drafts->seen > bytes) drafts->seen = bytes;
    if (drafts->count > 0) return;
    free(drafts->at);
    drafts->at = NULL;
}

void session_drafts_show(struct query_session *session)
{
    session->drafts.seen = session->rows.batch.bytes.len;
}

/* Rows [from, *to) as a batch of their own, as many as fit. */
static struct bytes piece_copy(const struct batch *batch, size_t from, size_t *to)
{
    const uint8_t *bytes = batch->bytes.ptr;
    size_t end = from;
    while (end < *to) {
        uint32_t len;
        memcpy(&len, bytes + end, sizeof len); /* batch.h: of the row, behind these four bytes */
        if (end > from && end - from + len > PIECE_BYTES) break;
        end += sizeof len + len;
    }
    assert(end <= *to);
    *to = end;
    uint8_t *copy = mem_alloc(BATCH_HEAD_BYTES + end - from);
    memcpy(copy, bytes, BATCH_HEAD_BYTES);
    memcpy(copy + BATCH_HEAD_BYTES, bytes + from, end - from);
    return bytes_from(copy, BATCH_HEAD_BYTES + end - from);
}

static bool piece_add(struct query_session *session, size_t from, size_t to, struct err *err)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    struct session_drafts *drafts = &session->drafts;
    struct query_drafted drafted = { 0 };
    struct query_draft draft = { .project_id = session->project_id,
                                 .received_unix_us = session->transaction_unix_us,
                                 .batch = piece_copy(&session->rows.batch, from, &to) };
    if (!hooks->draft(hooks->ctx, &draft, &drafted, err)) return false;
    drafts->at = mem_realloc(drafts->at, (drafts->count + 1) * sizeof *drafts->at);
    struct session_draft *made = &drafts->at[drafts->count++];
    *made = (struct session_draft){ .from = from, .to = to };
    memcpy(made->files, drafted.files, sizeof made->files);
    memcpy(made->file_count, drafted.file_count, sizeof made->file_count);
    return true;
}

static bool drafts_make(struct query_session *session, struct err *err)
{
    struct session_drafts *drafts = &session->drafts;
    size_t from = drafts->count > 0 ? drafts->at[drafts->count - 1].to : BATCH_HEAD_BYTES;
    if (from >= drafts->seen) return true;
    while (drafts->count > 0) {
        const struct session_draft *last = &drafts->at[drafts->count - 1];
        if (last->to - last->from > drafts->seen - from || drafts->seen - last->from > PIECE_BYTES) break;
        from = last->from;
        draft_drop(&drafts->at[--drafts->count]);
    }
    while (from < drafts->seen) {
        if (!piece_add(session, from, drafts->seen, err)) return false;
        from = drafts->at[drafts->count - 1].to;
        if (session_is_stopped(session, err)) return false;
    }
    return true;
}

bool session_drafts_snapshot(struct query_session *session, enum schema_table_id table,
                             const struct timefusion_snapshot *base, struct timefusion_snapshot **snapshot,
                             struct err *err)
{
    const struct session_drafts *drafts = &session->drafts;
    uint32_t count = 0;
    *snapshot = NULL;
    if (drafts->seen <= BATCH_HEAD_BYTES || !session->engine->options.hooks.draft) return true;
    if (!drafts_make(session, err)) return false;
    for (uint32_t d = 0; d < drafts->count; d++) count += drafts->at[d].file_count[table];
    if (count == 0) return true;
    struct timefusion_file **files = mem_alloc(count * sizeof *files);
    count = 0;
    for (uint32_t d = 0; d < drafts->count; d++)
        for (uint32_t f = 0; f < drafts->at[d].file_count[table]; f++) files[count++] = drafts->at[d].files[table][f];
    *snapshot = timefusion_snapshot_with(base, files, count);
    free(files);
    return true;
}
