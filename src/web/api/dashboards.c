/* Dashboards of a project: the current one, its versions, panels that are added to it. */
#include "meta/dashboard.h"
#include "web/api/api_page.h"
#include "web/api/dashboard_content.h"
#include "web/api/handlers.h"
#include "web/api/made.h"
#include "web/api/people.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- answers ---- */

static yyjson_mut_val *item_json(struct api_call *call, const struct dashboard *dashboard)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_text(call, object, "slug", dashboard->slug);
    api_put_text(call, object, "title", dashboard->title);
    api_put_text(call, object, "description", dashboard->description);
    yyjson_mut_obj_add_uint(call->json, object, "panel_count", dashboard->panel_count);
    yyjson_mut_obj_add_sint(call->json, object, "version", dashboard->version);
    api_put_text(call, object, "author", dashboard->author);
    api_put_time(call, object, "created_at", dashboard->created_unix_us);
    api_put_time(call, object, "changed_at", dashboard->changed_unix_us);
    return object;
}

static struct made made_of(const struct dashboard *dashboard)
{
    return (struct made){ .noun = "dashboard",
                          .slug = dashboard->slug,
                          .content = dashboard->content,
                          .author = dashboard->author,
                          .version = dashboard->version,
                          .created_unix_us = dashboard->created_unix_us,
                          .changed_unix_us = dashboard->changed_unix_us };
}

static void answer(struct api_call *call, const struct dashboard *dashboard)
{
    struct made made = made_of(dashboard);
    made_answer(call, &made);
}

/* ---- lists ---- */

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool item_add(void *ctx, const struct dashboard *dashboard)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { dashboard->title, dashboard->slug };
    return api_page_add(listing->page, item_json(listing->call, dashboard), keys);
}

void api_dashboard_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    if (!api_page_read(call, 2, &page)) return;
    struct listing listing = { call, &page };
    struct dashboard_place after = { page.after[0], page.after[1] };
    if (dashboard_list(call->parts->db, call->project.id, page.is_first ? NULL : &after, page.limit + 1, item_add,
                       &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

static bool version_add(void *ctx, const struct dashboard_version *version)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    struct bytes key = api_page_number(call, version->version);
    yyjson_mut_obj_add_sint(call->json, object, "version", version->version);
    api_put_text(call, object, "title", version->title);
    yyjson_mut_obj_add_uint(call->json, object, "panel_count", version->panel_count);
    api_put_text(call, object, "author", version->author);
    api_put_time(call, object, "stored_at", version->stored_unix_us);
    if (version->restored_version > 0)
        yyjson_mut_obj_add_sint(call->json, object, "restored_version", version->restored_version);
    else
        yyjson_mut_obj_add_null(call->json, object, "restored_version");
    return api_page_add(listing->page, object, &key);
}

/* ---- one of them ---- */

struct work {
    struct api_call *call;
    struct dashboard dashboard;
    struct dashboard wanted; /* what the body says: title to author of it */
    struct bytes slug;       /* of the path, or of the body */
    char pointer[DASHBOARD_POINTER_BYTES];
    bool is_stale;
};

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return dashboard_find(session, work->call->arena, work->call->project.id, work->slug, &work->dashboard, err);
}

static bool is_current(struct work *work, struct err *err)
{
    struct made made = made_of(&work->dashboard);
    return made_is_current(work->call, &made, &work->is_stale, err);
}

static bool audit(struct db_session *session, const struct work *work, const char *action, struct err *err)
{
    struct api_call *call = work->call;
    const struct dashboard *dashboard = &work->dashboard;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "title", dashboard->title);
    yyjson_mut_obj_add_sint(call->json, details, "version", dashboard->version);
    yyjson_mut_obj_add_uint(call->json, details, "panel_count", dashboard->panel_count);
    struct audit_event event = { .action = action,
                                 .object_kind = "dashboard",
                                 .object = arena_printf(call->arena, "%.*s", (int)dashboard->slug.len,
                                                        (const char *)dashboard->slug.ptr),
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

/* What was checked becomes what is wanted. */
static bool content_keep(struct work *work, yyjson_mut_val *content, struct err *err)
{
    struct api_call *call = work->call;
    yyjson_mut_val *title = yyjson_mut_obj_get(content, "title");
    yyjson_mut_val *description = yyjson_mut_obj_get(content, "description");
    size_t len;
    char *text = yyjson_mut_val_write(content, 0, &len);
    if (text == NULL) return err_set(err, ERR_INPUT, "it cannot be written as JSON");
    work->wanted = (struct dashboard){
        .title = bytes_from(yyjson_mut_get_str(title), yyjson_mut_get_len(title)),
        .description = bytes_from(yyjson_mut_get_str(description), yyjson_mut_get_len(description)),
        .content = arena_copy(call->arena, bytes_from(text, len)),
        .panel_count = (uint32_t)yyjson_mut_arr_size(yyjson_mut_obj_get(content, "panels")),
        .author = bytes_of_text(call->actor->name),
    };
    free(text);
    return true;
}

static bool content_take(struct work *work, yyjson_mut_val *body, yyjson_mut_val *before, struct err *err)
{
    yyjson_mut_val *content;
    return dashboard_content_make(work->call, body, before, &content, work->pointer, err) &&
           content_keep(work, content, err);
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    work->dashboard = work->wanted;
    work->dashboard.project_id = work->call->project.id;
    work->dashboard.slug = work->slug;
    return dashboard_insert(session, work->call->arena, &work->dashboard, err) &&
           audit(session, work, "dashboard.create", err);
}

/* The next version of what was found. */
static bool change(struct db_session *session, struct work *work, int64_t restored_version, struct err *err)
{
    struct dashboard *dashboard = &work->dashboard;
    dashboard->title = work->wanted.title;
    dashboard->description = work->wanted.description;
    dashboard->content = work->wanted.content;
    dashboard->panel_count = work->wanted.panel_count;
    dashboard->author = work->wanted.author;
    return dashboard_update(session, dashboard, restored_version, err) &&
           audit(session, work, restored_version > 0 ? "dashboard.restore" : "dashboard.change", err);
}

/* Found: it becomes the next version. Not found: it is made, unless the caller has read one before. */
static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    if (find_run(session, work, err)) return is_current(work, err) && change(session, work, 0, err);
    if (err->code != ERR_NOT_FOUND) return false;
    work->is_stale = api_request_header(work->call, "if-match").len > 0;
    if (work->is_stale) return false;
    *err = (struct err){ 0 };
    return create_run(session, work, err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) && is_current(work, err) && dashboard_delete(session, work->dashboard.id, err) &&
           audit(session, work, "dashboard.delete", err);
}

/* "/panels/7/source/sql" of the dashboard is "/panel/source/sql" of what was sent. */
static void pointer_of_panel(char pointer[DASHBOARD_POINTER_BYTES])
{
    static const char list[] = "/panels";
    char rest[DASHBOARD_POINTER_BYTES];
    if (strncmp(pointer, list, sizeof list - 1) != 0) return;
    const char *number = pointer + sizeof list - 1;
    snprintf(rest, sizeof rest, "%s", number[0] == '\0' ? "" : number + 1 + strcspn(number + 1, "/"));
    snprintf(pointer, DASHBOARD_POINTER_BYTES, "/panel%.*s", DASHBOARD_POINTER_BYTES - 8, rest);
}

static bool panel_add_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    if (!find_run(session, ctx, err)) return false;
    yyjson_mut_val *before = made_content(call, work->dashboard.content);
    yyjson_mut_val *after = made_content(call, work->dashboard.content);
    if (before == NULL) return made_broken("dashboard", err);
    yyjson_mut_arr_append(yyjson_mut_obj_get(after, "panels"),
                          yyjson_val_mut_copy(call->json, yyjson_obj_get(call->body, "panel")));
    bool ok = content_take(work, after, before, err);
    if (!ok) pointer_of_panel(work->pointer);
    return ok && change(session, work, 0, err);
}

static bool restore_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    struct dashboard_version version;
    if (!find_run(session, ctx, err) || !dashboard_version_find(session, call->arena, work->dashboard.id,
                                                                api_body_int(call, "version", 0), &version, err))
        return false;
    yyjson_mut_val *content = made_content(call, version.content);
    if (content == NULL) return made_broken("dashboard", err);
    return content_keep(work, content, err) && change(session, work, version.version, err);
}

/* False: it was answered. */
static bool work_do(struct work *work, db_work_fn *run)
{
    struct api_call *call = work->call;
    struct err err = { 0 };
    if (db_transaction(call->parts->db, run, work, &err)) return true;
    if (work->is_stale) {
        api_fail_changed(call);
    } else if (work->pointer[0] != '\0') {
        api_fail_where(call, work->pointer, &err);
    } else {
        api_fail(call, &err);
    }
    return false;
}

static struct work work_of(struct api_call *call)
{
    return (struct work){ .call = call, .slug = api_path(call, "dashboard") };
}

/* False: it was answered. */
static bool body_take(struct work *work)
{
    struct api_call *call = work->call;
    struct err err = { 0 };
    if (content_take(work, yyjson_val_mut_copy(call->json, call->body), NULL, &err)) return true;
    api_fail_where(call, work->pointer, &err);
    return false;
}

void api_dashboard_create(struct api_call *call)
{
    struct work work = { .call = call, .slug = api_body_text(call, "slug") };
    if (body_take(&work) && work_do(&work, create_run)) answer(call, &work.dashboard);
}

void api_dashboard_get(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, find_run)) answer(call, &work.dashboard);
}

void api_dashboard_set(struct api_call *call)
{
    struct work work = work_of(call);
    if (made_slug_check(call, work.slug) && body_take(&work) && work_do(&work, set_run)) answer(call, &work.dashboard);
}

void api_dashboard_delete(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, delete_run)) api_answer_none(call);
}

void api_dashboard_panel_add(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, panel_add_run)) answer(call, &work.dashboard);
}

void api_dashboard_restore(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, restore_run)) answer(call, &work.dashboard);
}

void api_dashboard_version_list(struct api_call *call)
{
    struct work work = work_of(call);
    struct api_page page;
    struct err err = { 0 };
    int64_t before = INT64_MAX;
    if (!api_page_read(call, 1, &page)) return;
    if (!page.is_first && !api_page_number_read(page.after[0], &before)) {
        api_page_wrong(call);
        return;
    }
    if (!work_do(&work, find_run)) return;
    struct listing listing = { call, &page };
    if (dashboard_version_list(call->parts->db, work.dashboard.id, before, page.limit + 1, version_add, &listing,
                               &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}
