#include "meta/audit.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include <stdlib.h>

static yyjson_mut_val *project_json(struct api_call *call, const struct meta_project *project, enum access_role role)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", project->id);
    yyjson_mut_obj_add_strcpy(call->json, object, "name", project->name);
    yyjson_mut_obj_add_str(call->json, object, "role", role_name(role));
    return object;
}

struct listing {
    struct meta_project *projects;
    size_t count, cap;
};

static bool listing_add(void *ctx, const struct meta_project *project)
{
    struct listing *listing = ctx;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? 2 * listing->cap : 64;
        listing->projects = mem_realloc(listing->projects, listing->cap * sizeof *project);
    }
    listing->projects[listing->count++] = *project;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct meta_project *)a)->name, ((const struct meta_project *)b)->name);
}

/* Does the list show it to the caller, and as what? */
static bool is_seen(struct api_call *call, const struct meta_project *project, enum access_role *role, bool *is_shown,
                    struct err *err)
{
    const struct actor *actor = call->actor;
    if (!access_role_of(call->parts->db, actor, project->id, role, err)) return false;
    *is_shown = *role != ROLE_NONE || (actor->kind == ACTOR_KEY && uuid_equal(actor->project_id, project->id));
    return true;
}

static bool listing_answer(struct api_call *call, const struct listing *listing, struct api_page *page, struct err *err)
{
    for (size_t p = 0; p < listing->count; p++) {
        const struct meta_project *project = &listing->projects[p];
        enum access_role role;
        bool is_shown;
        struct bytes key = bytes_of_text(project->name);
        if (!page->is_first && bytes_compare(key, page->after[0]) <= 0) continue;
        if (!is_seen(call, project, &role, &is_shown, err)) return false;
        if (is_shown && !api_page_add(page, project_json(call, project, role), &key)) break;
    }
    api_page_answer(call, page);
    return true;
}

void api_project_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { 0 };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    bool ok = meta_project_list(call->parts->meta, listing_add, &listing, &err);
    if (ok && listing.count > 0) qsort(listing.projects, listing.count, sizeof *listing.projects, by_name);
    ok = ok && listing_answer(call, &listing, &page, &err);
    free(listing.projects);
    if (!ok) api_fail(call, &err);
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

void api_project_create(struct api_call *call)
{
    struct meta_project project;
    struct err err = { 0 };
    char *name = bytes_to_text(api_body_text(call, "name"));
    bool ok = meta_project_create(call->parts->meta, name, &project, &err);
    free(name);
    if (!ok) {
        api_fail(call, &err);
        return;
    }
    api_answer(call, project_json(call, &project, ROLE_INSTANCE_ADMIN));
}
