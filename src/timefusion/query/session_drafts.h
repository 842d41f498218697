/* session_drafts.h -- rows that a session's transaction holds, seen by its own statements and by nobody else's.
 *
 *   session_rows' batch:  [piece: files][piece: files][ what came since ][ the statement under way ]
 *                          '-- query_hooks.draft, when a statement reads   '-- not seen: it began before them
 *   snapshot of a statement = the transaction's, and the files of the pieces
 *
 * A piece that is no smaller than the one before it is made anew together with that, so that there are few.
 * Thread: the session's. Memory: a list; the files lie on local disk, and go with the rows or with the last cursor. */
#pragma once
#include "timefusion/schema/schema.h"
#include "timefusion/timefusion.h"

struct query_session;
struct session_draft {
    size_t from, to; /* of the batch's bytes */
    struct timefusion_file **files[SCHEMA_TABLE_COUNT];
    uint32_t file_count[SCHEMA_TABLE_COUNT];
};
struct session_drafts {
    struct session_draft *at;
    uint32_t count;
    size_t seen; /* bytes of the batch that statements see; 0: none */
};
/* Those of the batch's first bytes alone stay. */
void session_drafts_cut(struct query_session *session, size_t bytes);
/* What is in the batch now is seen by the statements that follow. */
void session_drafts_show(struct query_session *session);
/* base with what the transaction holds, for the caller to release; *snapshot NULL: it holds nothing of the table. */
MUST_CHECK bool session_drafts_snapshot(struct query_session *session, enum schema_table_id table,
                                        const struct timefusion_snapshot *base, struct timefusion_snapshot **snapshot,
                                        struct err *err);
