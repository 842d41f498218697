#include "meta/saved_view.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "meta/db.h"
#include "meta/db_rows.h"
#include <ctype.h>
#include <stdlib.h>

#define VIEW_COLUMNS "id, project_id, owner_id, owner_name, name, address, is_shared, created_unix_us, changed_unix_us"

bool saved_view_address_check(struct bytes address, struct err *err)
{
    bool good = address.len > 0 && address.len < SAVED_VIEW_ADDRESS_BYTES && islower(address.ptr[0]);
    const uint8_t *question = good ? memchr(address.ptr, '?', address.len) : NULL;
    size_t path_len = question ? (size_t)(question - address.ptr) : address.len;
    for (size_t i = 0; good && i < path_len; i++)
        good = isalnum(address.ptr[i]) || address.ptr[i] == '-' || address.ptr[i] == '_' ||
               (address.ptr[i] == '/' && i + 1 < path_len && address.ptr[i + 1] != '/');
    for (size_t i = path_len; good && i < address.len; i++)
        good = address.ptr[i] > ' ' && address.ptr[i] < 0x7F && !strchr("\"#<>\\^`{|}", address.ptr[i]);
    return good || err_set(err, ERR_INPUT,
                           "an address is what follows the project in a page's address, percent-encoded, of at most %d "
                           "bytes: explore?q=level:error",
                           SAVED_VIEW_ADDRESS_BYTES - 1);
}

bool saved_view_check(const struct saved_view *view, struct err *err)
{
    struct bytes name = bytes_of_text(view->name);
    bool good = name.len > 0 && utf8_is_valid(name);
    for (size_t i = 0; good && i < name.len; i++) good = name.ptr[i] >= ' ' && name.ptr[i] != 0x7F;
    if (!good)
        return err_set(err, ERR_INPUT, "a view's name has 1 to %d bytes of UTF-8 and no control characters",
                       SAVED_VIEW_NAME_BYTES - 1);
    return saved_view_address_check(bytes_of_text(view->address), err);
}

static struct db_value owner_of(const struct saved_view *view)
{
    const struct uuid none = { 0 };
    return uuid_equal(view->owner_id, none) ? db_null(DB_UUID) : db_uuid(view->owner_id);
}

bool saved_view_insert(struct db_session *session, struct saved_view *view, struct err *err)
{
    int64_t count = 0;
    if (!db_run(session, "SELECT count(*) FROM saved_views WHERE project_id = $1", DB_VALUES(db_uuid(view->project_id)),
                db_take_integer, &count, NULL, err))
        return false;
    if (count >= SAVED_VIEWS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project has at most %d saved views", SAVED_VIEWS_MAX);
    view->id = uuid_random();
    view->created_unix_us = view->changed_unix_us = clock_unix_us();
    return db_run(session, "INSERT INTO saved_views(" VIEW_COLUMNS ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                  DB_VALUES(db_uuid(view->id), db_uuid(view->project_id), owner_of(view), db_text(view->owner_name),
                            db_text(view->name), db_text(view->address), db_boolean(view->is_shared),
                            db_integer(view->created_unix_us)),
                  NULL, NULL, NULL, err);
}

struct listing {
    bool (*each)(void *ctx, const struct saved_view *view);
    void *ctx;
    bool is_over;
    struct saved_view view;
};
static bool view_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct saved_view *view = &listing->view;
    (void)err;
    view->id = db_row_uuid(row, 0);
    view->project_id = db_row_uuid(row, 1);
    view->owner_id = db_row_uuid(row, 2);
    db_row_text_copy(row, 3, view->owner_name, sizeof view->owner_name);
    db_row_text_copy(row, 4, view->name, sizeof view->name);
    db_row_text_copy(row, 5, view->address, sizeof view->address);
    view->is_shared = db_row_boolean(row, 6);
    view->created_unix_us = db_row_integer(row, 7);
    view->changed_unix_us = db_row_integer(row, 8);
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, view);
    return true;
}

static bool found_take(void *ctx, const struct saved_view *view)
{
    *(struct saved_view *)ctx = *view;
    return false;
}

bool saved_view_find(struct db_session *session, struct uuid project_id, struct uuid viewer, struct uuid id,
                     struct saved_view *view, struct err *err)
{
    const struct uuid none = { 0 };
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = found_take, .ctx = view };
    *view = (struct saved_view){ 0 };
    bool ok = db_run(session,
                     "SELECT " VIEW_COLUMNS " FROM saved_views WHERE id = $1 AND project_id = $2"
                     " AND (is_shared = 1 OR owner_id = $3)",
                     DB_VALUES(db_uuid(id), db_uuid(project_id), db_uuid(viewer)), view_take, listing, NULL, err);
    free(listing);
    return ok && (!uuid_equal(view->id, none) || err_set(err, ERR_NOT_FOUND, "there is no such view"));
}

bool saved_view_list(struct db *db, struct uuid project_id, struct uuid viewer, const struct saved_view_place *after,
                     uint32_t limit, bool (*each)(void *ctx, const struct saved_view *view), void *ctx, struct err *err)
{
    const struct saved_view_place first = { .name = BYTES("") };
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = each, .ctx = ctx };
    if (after == NULL) after = &first;
    bool ok = db_read(db,
                      "SELECT " VIEW_COLUMNS " FROM saved_views WHERE project_id = $1"
                      " AND (is_shared = 1 OR owner_id = $2) AND (name, id) > ($3, $4) ORDER BY name, id LIMIT $5",
                      DB_VALUES(db_uuid(project_id), db_uuid(viewer), db_text_bytes(after->name), db_uuid(after->id),
                                db_integer(limit)),
                      view_take, listing, err);
    free(listing);
    return ok;
}

static bool no_view(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such view");
}

bool saved_view_update(struct db_session *session, struct saved_view *view, struct err *err)
{
    int64_t changed = 0;
    int64_t now_us = clock_unix_us();
    view->changed_unix_us =
        now_us > view->changed_unix_us ? now_us : view->changed_unix_us + 1; /* another tag each time */
    return db_run(session,
                  "UPDATE saved_views SET name = $3, address = $4, is_shared = $5, changed_unix_us = $6"
                  " WHERE id = $1 AND project_id = $2",
                  DB_VALUES(db_uuid(view->id), db_uuid(view->project_id), db_text(view->name), db_text(view->address),
                            db_boolean(view->is_shared), db_integer(view->changed_unix_us)),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || no_view(err));
}

bool saved_view_delete(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM saved_views WHERE id = $1 AND project_id = $2",
                  DB_VALUES(db_uuid(id), db_uuid(project_id)), NULL, NULL, &changed, err) &&
           (changed == 1 || no_view(err));
}

bool saved_view_forget(struct db_session *session, struct uuid user_id, struct err *err)
{
    return db_run(session, "DELETE FROM saved_views WHERE owner_id = $1 AND is_shared = 0", DB_VALUES(db_uuid(user_id)),
                  NULL, NULL, NULL, err);
}
