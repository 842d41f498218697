#include "findings/finding_usual.h"
#include "meta/db_rows.h"

enum { PIECE_BYTES = 1 << 20 };

struct storing {
    struct uuid project_id, owner;
    const char *part;
    struct bytes bytes;
    int64_t now_unix_us;
    bool is_stored;
};

static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    struct storing *storing = ctx;
    int64_t owned = 0, piece = 0;
    struct db_value project = db_uuid(storing->project_id), part = db_text(storing->part);
    storing->is_stored = false;
    if (!db_run(session, "SELECT COUNT(*) FROM finding_owners WHERE project_id = $1 AND owner = $2",
                DB_VALUES(project, db_uuid(storing->owner)), db_take_integer, &owned, NULL, err))
        return false;
    if (owned == 0) return true;
    if (!db_run(session, "DELETE FROM finding_usual WHERE project_id = $1 AND part = $2", DB_VALUES(project, part),
                NULL, NULL, NULL, err))
        return false;
    for (size_t at = 0; at < storing->bytes.len; at += PIECE_BYTES, piece++) {
        size_t rest = storing->bytes.len - at;
        struct bytes content = bytes_from(storing->bytes.ptr + at, rest < PIECE_BYTES ? rest : PIECE_BYTES);
        if (!db_run(session,
                    "INSERT INTO finding_usual(project_id, part, piece, saved_unix_us, content) VALUES($1, $2, $3, $4, "
                    "$5)",
                    DB_VALUES(project, part, db_integer(piece), db_integer(storing->now_unix_us), db_bytes(content)),
                    NULL, NULL, NULL, err))
            return false;
    }
    return storing->is_stored = true;
}

bool finding_usual_store(struct db *db, struct uuid project_id, const char *part, struct uuid owner, struct bytes bytes,
                         int64_t now_unix_us, bool *is_stored, struct err *err)
{
    struct storing storing = { project_id, owner, part, bytes, now_unix_us, false };
    *is_stored = false;
    if (bytes.len == 0 || bytes.len > FINDING_USUAL_BYTES_MAX) return true;
    if (!db_transaction(db, store_run, &storing, err)) return false;
    *is_stored = storing.is_stored;
    return true;
}

struct loading {
    struct buf *out;
    size_t begin;
    bool has_room;
};
static bool piece_take(void *ctx, struct db_row *row, struct err *err)
{
    struct loading *loading = ctx;
    struct bytes content = db_row_bytes(row, 1);
    (void)err;
    if (db_row_integer(row, 0) == 0) { /* the first, of an answer that may be asked for again */
        loading->out->len = loading->begin;
        loading->has_room = true;
    }
    loading->has_room = loading->has_room && buf_add(loading->out, content.ptr, content.len);
    return true;
}

bool finding_usual_load(struct db *db, struct uuid project_id, const char *part, struct buf *out, bool *is_there,
                        struct err *err)
{
    struct loading loading = { out, out->len, false };
    bool ok = db_read(db, "SELECT piece, content FROM finding_usual WHERE project_id = $1 AND part = $2 ORDER BY piece",
                      DB_VALUES(db_uuid(project_id), db_text(part)), piece_take, &loading, err);
    *is_there = ok && loading.has_room;
    if (!*is_there) out->len = loading.begin;
    return ok;
}
