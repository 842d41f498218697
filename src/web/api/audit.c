/* The audit log, newest first. */
#include "meta/audit.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"

struct listing {
    struct api_call *call;
    struct api_page *page;
};

static bool row_add(void *ctx, const struct audit_row *row)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_int(call->json, object, "number", row->number);
    api_put_time(call, object, "at", row->at_unix_us);
    yyjson_mut_obj_add_strcpy(call->json, object, "actor_kind", row->actor_kind);
    api_put_text_or_null(call, object, "actor_id", row->actor_id);
    api_put_text_or_null(call, object, "actor", row->actor_name);
    api_put_text_or_null(call, object, "address", row->address);
    api_put_text(call, object, "action", row->action);
    api_put_text_or_null(call, object, "object_kind", row->object_kind);
    api_put_text_or_null(call, object, "object", row->object);
    if (row->has_project) {
        api_put_uuid(call, object, "project_id", row->project_id);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "project_id");
    }
    yyjson_mut_obj_add_bool(call->json, object, "is_refused", row->is_refused);
    yyjson_doc *details =
        row->details.len > 0 ? yyjson_read((const char *)row->details.ptr, row->details.len, 0) : NULL;
    yyjson_mut_obj_add_val(call->json, object, "details",
                           details ? yyjson_val_mut_copy(call->json, yyjson_doc_get_root(details))
                                   : yyjson_mut_obj(call->json));
    yyjson_doc_free(details);
    struct bytes key = api_page_number(call, row->number);
    return api_page_add(listing->page, object, &key);
}

static void list(struct api_call *call, const struct uuid *project_id)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct err err = { 0 };
    struct audit_filter filter = { .project_id = project_id,
                                   .action = api_query(call, "action"),
                                   .actor = api_query(call, "actor"),
                                   .object = api_query(call, "object") };
    if (!api_page_read(call, 1, &page) || !api_query_time(call, "from", &filter.from_unix_us) ||
        !api_query_time(call, "to", &filter.to_unix_us))
        return;
    filter.before = api_page_before(&page);
    filter.count_max = page.limit + 1;
    if (audit_list(call->parts->db, &filter, row_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

void api_audit_list(struct api_call *call)
{
    list(call, NULL);
}

void api_audit_list_project(struct api_call *call)
{
    list(call, &call->project.id);
}
