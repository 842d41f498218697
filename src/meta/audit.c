#include "meta/audit.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "meta/access.h"
#include "meta/db.h"

static const char *const kind_names[] = {
    [ACTOR_NOBODY] = "nobody",     [ACTOR_USER] = "user",   [ACTOR_KEY] = "key",
    [ACTOR_OPERATOR] = "operator", [ACTOR_SHARE] = "share",
};

const char *audit_actor_kind(const struct actor *actor)
{
    return kind_names[actor->kind];
}

struct uuid audit_actor_id(const struct actor *actor)
{
    if (actor->kind == ACTOR_USER) return actor->user_id;
    return actor->kind == ACTOR_SHARE ? actor->share_id : actor->key_id;
}

/* What came from outside (a name that was tried at sign-in) must not be what refuses the row. */
static struct bytes text_of(const char *text, size_t len_max)
{
    struct bytes bytes = bytes_of_text(text ? text : "");
    if (!utf8_is_valid(bytes)) return BYTES("?");
    if (bytes.len > len_max) bytes.len = utf8_cut(bytes, len_max);
    return bytes;
}

bool audit_write(struct db_session *session, const struct actor *actor, const struct audit_event *event,
                 struct err *err)
{
    char actor_id[UUID_TEXT_BYTES + 1] = "";
    assert(event->details.len <= AUDIT_DETAILS_BYTES_MAX);
    if (actor->kind == ACTOR_USER) uuid_to_text(actor->user_id, actor_id);
    if (actor->kind == ACTOR_SHARE) uuid_to_text(actor->share_id, actor_id);
    if (actor->kind == ACTOR_KEY) uuid_to_text(actor->key_id, actor_id);
    return db_run(
        session,
        "INSERT INTO audit(at_unix_us, actor_kind, actor_id, actor_name, address, action, object_kind, object,"
        " project_id, is_refused, details) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        DB_VALUES(db_integer(clock_unix_us()), db_text(kind_names[actor->kind]), db_text(actor_id),
                  db_text_bytes(text_of(actor->name, ACTOR_NAME_BYTES)),
                  db_text_bytes(text_of(actor->address, sizeof actor->address)), db_text(event->action),
                  db_text(event->object_kind ? event->object_kind : ""),
                  db_text_bytes(text_of(event->object, ACTOR_NAME_BYTES)),
                  event->project_id ? db_uuid(*event->project_id) : db_null(DB_UUID), db_boolean(event->is_refused),
                  db_text_bytes(event->details)),
        NULL, NULL, NULL, err);
}

struct audit_alone {
    const struct actor *actor;
    const struct audit_event *event;
};
static bool alone_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct audit_alone *alone = ctx;
    return audit_write(session, alone->actor, alone->event, err);
}

bool audit_write_alone(struct db *db, const struct actor *actor, const struct audit_event *event, struct err *err)
{
    struct audit_alone alone = { actor, event };
    return db_transaction_adding(db, alone_run, &alone, err);
}

struct listing {
    bool (*each)(void *ctx, const struct audit_row *row);
    void *ctx;
    bool is_over;
};
static bool listing_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    char kind[16];
    (void)err;
    db_row_text_copy(row, 2, kind, sizeof kind);
    struct audit_row found = {
        .number = db_row_integer(row, 0),
        .at_unix_us = db_row_integer(row, 1),
        .actor_kind = kind,
        .actor_id = db_row_text(row, 3),
        .actor_name = db_row_text(row, 4),
        .address = db_row_text(row, 5),
        .action = db_row_text(row, 6),
        .object_kind = db_row_text(row, 7),
        .object = db_row_text(row, 8),
        .project_id = db_row_uuid(row, 9),
        .has_project = !db_row_is_null(row, 9),
        .is_refused = db_row_boolean(row, 10),
        .details = db_row_text(row, 11),
    };
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &found);
    return true;
}

bool audit_list(struct db *db, const struct audit_filter *filter, bool (*each)(void *ctx, const struct audit_row *row),
                void *ctx, struct err *err)
{
    struct listing listing = { each, ctx, false };
    const struct uuid none = { 0 };
    bool is_kind = filter->action.len > 0 && filter->action.ptr[filter->action.len - 1] == '.';
    return db_read(
        db,
        "SELECT number, at_unix_us, actor_kind, actor_id, actor_name, address, action, object_kind, object, project_id,"
        " is_refused, details FROM audit WHERE ($1 = 0 OR project_id = $2) AND ($3 = 0 OR number < $3)"
        " AND at_unix_us >= $4 AND ($5 = 0 OR at_unix_us < $5)"
        " AND ($6 = '' OR action = $6 OR ($7 = 1 AND substr(action, 1, length($6)) = $6))"
        " AND ($8 = '' OR actor_id = $8 OR actor_name = $8) AND ($9 = '' OR object = $9)"
        " ORDER BY number DESC LIMIT $10",
        DB_VALUES(db_boolean(filter->project_id != NULL), db_uuid(filter->project_id ? *filter->project_id : none),
                  db_integer(filter->before), db_integer(filter->from_unix_us), db_integer(filter->to_unix_us),
                  db_text_bytes(filter->action), db_boolean(is_kind), db_text_bytes(filter->actor),
                  db_text_bytes(filter->object), db_integer(filter->count_max)),
        listing_row, &listing, err);
}
