/* Saved views of a project. */
#include "meta/saved_view.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <stdio.h>

static bool is_own(const struct api_call *call, const struct saved_view *view)
{
    return call->actor->kind == ACTOR_USER && uuid_equal(call->actor->user_id, view->owner_id);
}

/* Shared ones are the project's: changing one takes an editor's role, and another's an admin's. */
static bool may_change(struct api_call *call, const struct saved_view *view, struct err *err)
{
    struct db *db = call->parts->db;
    if (!is_own(call, view) && !access_check(db, call->actor, PERMISSION_PROJECT_WRITE, &call->project.id, err))
        return err->code == ERR_FORBIDDEN
                   ? err_set(err, ERR_FORBIDDEN, "this view is %s: only they or an admin of the project may change it",
                             view->owner_name)
                   : false;
    return !view->is_shared || access_check(db, call->actor, PERMISSION_CONTENT_WRITE, &call->project.id, err);
}

static yyjson_mut_val *view_json(struct api_call *call, const struct saved_view *view, bool can_change)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", view->id);
    api_put_text(call, object, "name", bytes_of_text(view->name));
    api_put_text(call, object, "address", bytes_of_text(view->address));
    yyjson_mut_obj_add_bool(call->json, object, "is_shared", view->is_shared);
    yyjson_mut_obj_add_bool(call->json, object, "is_own", is_own(call, view));
    yyjson_mut_obj_add_bool(call->json, object, "can_change", can_change);
    api_put_text(call, object, "owner", bytes_of_text(view->owner_name));
    api_put_time(call, object, "created_at", view->created_unix_us);
    api_put_time(call, object, "changed_at", view->changed_unix_us);
    return object;
}

/* What the caller's role lets it do, asked once for a list. */
struct rights {
    bool is_admin, is_editor;
};
static struct rights rights_of(struct api_call *call)
{
    struct err ignored = { 0 };
    struct db *db = call->parts->db;
    return (struct rights){ access_check(db, call->actor, PERMISSION_PROJECT_WRITE, &call->project.id, &ignored),
                            access_check(db, call->actor, PERMISSION_CONTENT_WRITE, &call->project.id, &ignored) };
}
static bool can_change(struct api_call *call, const struct rights *rights, const struct saved_view *view)
{
    return (rights->is_admin || is_own(call, view)) && (rights->is_editor || !view->is_shared);
}

struct listing {
    struct api_call *call;
    struct api_page *page;
    struct rights rights;
};
static bool view_add(void *ctx, const struct saved_view *view)
{
    struct listing *listing = ctx;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(view->id, id);
    const struct bytes keys[] = { bytes_of_text(view->name), bytes_of_text(id) };
    return api_page_add(listing->page,
                        view_json(listing->call, view, can_change(listing->call, &listing->rights, view)), keys);
}

void api_view_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct saved_view_place after = { 0 };
    if (!api_page_read(call, 2, &page)) return;
    after.name = page.after[0];
    if (!page.is_first && !uuid_from_text(page.after[1], &after.id)) {
        api_page_wrong(call);
        return;
    }
    struct listing listing = { call, &page, rights_of(call) };
    if (saved_view_list(call->parts->db, call->project.id, call->actor->user_id, page.is_first ? NULL : &after,
                        page.limit + 1, view_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

struct work {
    struct api_call *call;
    struct uuid id;
    struct saved_view *view;
    bool is_stale;
};

/* What the body says replaces what is there. */
static void view_take(struct api_call *call, struct saved_view *view)
{
    struct bytes name = api_body_text(call, "name"), address = api_body_text(call, "address");
    if (name.len > 0) snprintf(view->name, sizeof view->name, "%.*s", (int)name.len, (const char *)name.ptr);
    if (address.len > 0)
        snprintf(view->address, sizeof view->address, "%.*s", (int)address.len, (const char *)address.ptr);
    view->is_shared = api_body_bool(call, "is_shared", view->is_shared);
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return saved_view_insert(session, work->view, err);
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return saved_view_find(session, work->call->project.id, work->call->actor->user_id, work->id, work->view, err);
}

static bool is_current(struct work *work, struct err *err)
{
    work->is_stale = !api_matches(work->call, view_json(work->call, work->view, true));
    return !work->is_stale || err_set(err, ERR_CONFLICT, "it has changed");
}

static bool audit(struct db_session *session, const struct work *work, const char *action, struct err *err)
{
    struct api_call *call = work->call;
    char id[UUID_TEXT_BYTES + 1];
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    uuid_to_text(work->view->id, id);
    api_put_text(call, details, "name", bytes_of_text(work->view->name));
    yyjson_mut_obj_add_bool(call->json, details, "is_shared", work->view->is_shared);
    struct audit_event event = { .action = action,
                                 .object_kind = "view",
                                 .object = id,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    if (!find_run(session, ctx, err) || !may_change(work->call, work->view, err) || !is_current(work, err))
        return false;
    view_take(work->call, work->view);
    return may_change(work->call, work->view, err) && saved_view_check(work->view, err) &&
           saved_view_update(session, work->view, err) && audit(session, work, "view.change", err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) && may_change(work->call, work->view, err) && is_current(work, err) &&
           saved_view_delete(session, work->call->project.id, work->id, err) &&
           audit(session, work, "view.delete", err);
}

static bool create_audited(struct db_session *session, void *ctx, struct err *err)
{
    return create_run(session, ctx, err) && audit(session, ctx, "view.create", err);
}

/* False: it was answered. */
static bool work_do(struct work *work, db_work_fn *run)
{
    struct err err = { 0 };
    if (db_transaction(work->call->parts->db, run, work, &err)) return true;
    if (work->is_stale) {
        api_fail_changed(work->call);
    } else {
        api_fail(work->call, &err);
    }
    return false;
}

static bool work_begin(struct api_call *call, struct work *work)
{
    *work = (struct work){ .call = call, .view = arena_calloc(call->arena, sizeof(struct saved_view)) };
    return api_path_uuid(call, "view", &work->id);
}

void api_view_create(struct api_call *call)
{
    struct work work = { .call = call, .view = arena_calloc(call->arena, sizeof(struct saved_view)) };
    struct saved_view *view = work.view;
    struct err err = { 0 };
    view->project_id = call->project.id;
    if (call->actor->kind == ACTOR_USER) view->owner_id = call->actor->user_id;
    snprintf(view->owner_name, sizeof view->owner_name, "%s", call->actor->name);
    view_take(call, view);
    if (call->actor->kind != ACTOR_USER) view->is_shared = true; /* nobody else would see it */
    if (!saved_view_check(view, &err)) {
        api_fail_at(call, strstr(err.text, "name") ? "/name" : "/address", "%s", err.text);
        return;
    }
    if (!may_change(call, view, &err)) {
        api_fail(call, &err);
        return;
    }
    if (work_do(&work, create_audited)) api_answer(call, view_json(call, view, true));
}

void api_view_get(struct api_call *call)
{
    struct work work;
    if (!work_begin(call, &work) || !work_do(&work, find_run)) return;
    struct rights rights = rights_of(call);
    api_answer(call, view_json(call, work.view, can_change(call, &rights, work.view)));
}

void api_view_change(struct api_call *call)
{
    struct work work;
    if (work_begin(call, &work) && work_do(&work, change_run)) api_answer(call, view_json(call, work.view, true));
}

void api_view_delete(struct api_call *call)
{
    struct work work;
    if (work_begin(call, &work) && work_do(&work, delete_run)) api_answer_none(call);
}
