#include "meta/audit.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include <stdio.h>
#include <stdlib.h>

static yyjson_mut_val *project_json(struct api_call *call, const struct meta_project *project, enum access_role role)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", project->id);
    yyjson_mut_obj_add_strcpy(call->json, object, "name", project->name);
    yyjson_mut_obj_add_str(call->json, object, "role", role_name(role));
    return object;
}

struct seen {
    struct meta_project project;
    enum access_role role;
};
struct listing {
    struct seen *seen;
    size_t count, cap;
};

static bool listing_add(void *ctx, const struct meta_project *project)
{
    struct listing *listing = ctx;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? 2 * listing->cap : 64;
        listing->seen = mem_realloc(listing->seen, listing->cap * sizeof *listing->seen);
    }
    listing->seen[listing->count++] = (struct seen){ .project = *project };
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->project.name, ((const struct seen *)b)->project.name);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct seen *)a)->project.id.bytes, ((const struct seen *)b)->project.id.bytes, 16);
}

/* In a listing that is sorted by id. */
static bool role_take(void *ctx, struct uuid project_id, enum access_role role)
{
    struct listing *listing = ctx;
    struct seen wanted = { .project.id = project_id };
    struct seen *found = bsearch(&wanted, listing->seen, listing->count, sizeof wanted, by_id);
    if (found != NULL) found->role = role; /* else it is archived */
    return true;
}

/* Roles for all of them at once: one read of the database, however many projects there are. */
static bool roles_find(struct api_call *call, struct listing *listing, struct err *err)
{
    const struct actor *actor = call->actor;
    if (listing->count == 0) return true;
    if (actor->kind == ACTOR_USER && !actor->is_instance_admin) {
        qsort(listing->seen, listing->count, sizeof *listing->seen, by_id);
        return access_roles_list(call->parts->db, actor->user_id, role_take, listing, err);
    }
    for (size_t p = 0; p < listing->count; p++) /* without a look into the database */
        if (!access_role_of(call->parts->db, actor, listing->seen[p].project.id, &listing->seen[p].role, err))
            return false;
    return true;
}

static void listing_answer(struct api_call *call, struct listing *listing, struct api_page *page)
{
    if (listing->count > 0) qsort(listing->seen, listing->count, sizeof *listing->seen, by_name);
    for (size_t p = 0; p < listing->count; p++) {
        const struct seen *seen = &listing->seen[p];
        struct bytes key = bytes_of_text(seen->project.name);
        bool is_own = call->actor->kind == ACTOR_KEY && uuid_equal(call->actor->project_id, seen->project.id);
        if (seen->role == ROLE_NONE && !is_own) continue;
        if (!page->is_first && bytes_compare(key, page->after[0]) <= 0) continue;
        if (!api_page_add(page, project_json(call, &seen->project, seen->role), &key)) break;
    }
    api_page_answer(call, page);
}

void api_project_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { 0 };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    if (meta_project_list(call->parts->meta, listing_add, &listing, &err) && roles_find(call, &listing, &err)) {
        listing_answer(call, &listing, &page);
    } else {
        api_fail(call, &err);
    }
    free(listing.seen);
}

void api_project_get(struct api_call *call)
{
    enum access_role role;
    struct err err = { 0 };
    if (!access_role_of(call->parts->db, call->actor, call->project.id, &role, &err)) {
        api_fail(call, &err);
        return;
    }
    api_answer(call, project_json(call, &call->project, role));
}

/* Two names are the server's: it makes these projects at a start when they are not there. */
static bool is_kept(const struct api_call *call, const char *name)
{
    return strcmp(name, call->parts->own_project) == 0 || strcmp(name, "default") == 0;
}

struct change {
    struct api_call *call;
    const char *name; /* new; NULL: it is archived */
    struct meta_project project;
    enum access_role role;
    bool is_stale;
};

static bool audit(struct db_session *session, const struct change *change, const char *action, const char *before,
                  struct err *err)
{
    char id[UUID_TEXT_BYTES + 1], details[160] = "";
    uuid_to_text(change->project.id, id);
    int len = before == NULL ? snprintf(details, sizeof details, "{\"name\":\"%s\"}", change->project.name)
                             : snprintf(details, sizeof details, "{\"name\":\"%s\",\"before\":\"%s\"}", change->name,
                                        before); /* names need no escapes */
    struct audit_event event = { .action = action,
                                 .object_kind = "project",
                                 .object = id,
                                 .project_id = &change->project.id,
                                 .details = bytes_from(details, (size_t)len) };
    return audit_write(session, change->call->actor, &event, err);
}

/* After the commit: look-ups of this process see it at once. What fails here is tried again within a second. */
static void refresh(struct api_call *call)
{
    struct err err = { 0 };
    if (!meta_refresh(call->parts->meta, &err))
        log_warn(call->parts->log, "meta.refresh_failed", log_text("err", err.text));
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct change *change = ctx;
    return meta_project_insert(session, change->name, &change->project, err) &&
           audit(session, change, "project.create", NULL, err);
}

void api_project_create(struct api_call *call)
{
    struct err err = { 0 };
    char *name = bytes_to_text(api_body_text(call, "name"));
    struct change change = { .call = call, .name = name, .role = ROLE_INSTANCE_ADMIN };
    if (strcmp(name, call->parts->own_project) == 0) {
        api_fail_with(call, ERR_EXISTS, "project \"%s\" is the server's own: it is made at a start with --telemetry on",
                      name);
    } else if (!db_transaction(call->parts->db, create_run, &change, &err)) {
        api_fail(call, &err);
    } else {
        refresh(call);
        api_answer(call, project_json(call, &change.project, change.role));
    }
    free(name);
}

static bool name_take(void *ctx, struct db_row *row, struct err *err)
{
    struct change *change = ctx;
    (void)err;
    db_row_text_copy(row, 0, change->project.name, sizeof change->project.name);
    return true;
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct change *change = ctx;
    struct api_call *call = change->call;
    char before[sizeof change->project.name];
    change->project = (struct meta_project){ .id = call->project.id };
    if (!db_run(session, "SELECT name FROM projects WHERE id = $1 AND archived_unix_us IS NULL",
                DB_VALUES(db_uuid(change->project.id)), name_take, change, NULL, err))
        return false;
    change->is_stale = !api_matches(call, project_json(call, &change->project, change->role));
    if (change->is_stale) return err_set(err, ERR_INPUT, "it has changed");
    if (change->name == NULL)
        return meta_project_archive(session, change->project.id, err) &&
               audit(session, change, "project.delete", NULL, err);
    strcpy(before, change->project.name);
    if (!meta_project_rename(session, change->project.id, change->name, err) ||
        !audit(session, change, "project.rename", before, err))
        return false;
    snprintf(change->project.name, sizeof change->project.name, "%s", change->name);
    return true;
}

/* False: it was answered. */
static bool change_make(struct change *change)
{
    struct api_call *call = change->call;
    struct err err = { 0 };
    bool ok = access_role_of(call->parts->db, call->actor, call->project.id, &change->role, &err);
    if (ok && is_kept(call, call->project.name))
        ok = err_set(&err, ERR_FORBIDDEN, "project \"%s\" stays as it is: the server needs it", call->project.name);
    if (ok && change->name != NULL && strcmp(change->name, call->parts->own_project) == 0)
        ok = err_set(&err, ERR_EXISTS, "the name \"%s\" is the server's own", change->name);
    ok = ok && db_transaction(call->parts->db, change_run, change, &err);
    if (ok) {
        refresh(call);
    } else if (change->is_stale) {
        api_fail_changed(call);
    } else {
        api_fail(call, &err);
    }
    return ok;
}

void api_project_change(struct api_call *call)
{
    struct change change = { .call = call };
    char *name = bytes_to_text(api_body_text(call, "name"));
    change.name = name;
    if (change_make(&change)) api_answer(call, project_json(call, &change.project, change.role));
    free(name);
}

void api_project_delete(struct api_call *call)
{
    struct change change = { .call = call };
    if (change_make(&change)) api_answer_none(call);
}
