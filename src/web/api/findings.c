/* What detection found: a list, and one. */
#include "findings/finding.h"
#include "incidents/incident_store.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"

static yyjson_mut_val *finding_json(struct api_call *call, const struct finding *finding)
{
    yyjson_mut_doc *json = call->json;
    yyjson_mut_val *object = yyjson_mut_obj(json);
    yyjson_mut_obj_add_sint(json, object, "number", finding->number);
    yyjson_mut_obj_add_str(json, object, "kind", detect_kind_name(finding->kind));
    yyjson_mut_obj_add_bool(json, object, "is_up", finding->is_up);
    api_put_text(call, object, "title", bytes_of_text(finding_title(call->arena, finding)));
    api_put_text(call, object, "text", bytes_of_text(finding_text(call->arena, finding)));
    api_put_text_or_null(call, object, "service", finding->service);
    api_put_text_or_null(call, object, "row_kind", finding->row_kind);
    api_put_text_or_null(call, object, "endpoint", finding->endpoint);
    int64_t issue = 0;
    bool is_of_issue = finding->kind == DETECT_NEW_ERROR && api_page_number_read(finding->method, &issue);
    api_put_text_or_null(call, object, "method", is_of_issue ? BYTES("") : finding->method);
    api_put_text_or_null(call, object, "route", finding->route);
    yyjson_mut_obj_add_str(json, object, "severity", incident_severity_names[finding->severity]);
    api_put_time(call, object, "since", finding->begin_unix_us);
    api_put_time(call, object, "found_at", finding->found_unix_us);
    api_put_time(call, object, "ended_at", finding->end_unix_us);
    yyjson_mut_obj_add_bool(json, object, "is_accepted", finding->is_accepted);
    yyjson_mut_obj_add_sint(json, object, "window_minutes", finding->window_minutes);
    yyjson_mut_obj_add_real(json, object, "value", finding->value);
    yyjson_mut_obj_add_real(json, object, "expected", finding->expected);
    yyjson_mut_obj_add_real(json, object, "low", finding->low);
    yyjson_mut_obj_add_real(json, object, "high", finding->high);
    yyjson_mut_obj_add_real(json, object, "effect", finding->effect);
    yyjson_mut_obj_add_real(json, object, "z", finding->z);
    yyjson_mut_obj_add_real(json, object, "rows", finding->rows);
    if (finding->incident > 0)
        yyjson_mut_obj_add_sint(json, object, "incident", finding->incident);
    else
        yyjson_mut_obj_add_null(json, object, "incident");
    if (is_of_issue)
        yyjson_mut_obj_add_sint(json, object, "issue", issue);
    else
        yyjson_mut_obj_add_null(json, object, "issue");
    api_put_text_or_null(call, object, "cause", finding->cause);
    api_put_text(call, object, "statement", bytes_of_text(finding_sql(call->arena, finding)));
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool finding_add(void *ctx, const struct finding *finding)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { api_page_number(listing->call, finding->number) };
    return api_page_add(listing->page, finding_json(listing->call, finding), keys);
}

void api_finding_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct finding_filter filter = { .service = api_query(call, "service"),
                                     .is_open = bytes_equal(api_query(call, "open"), BYTES("true")) };
    if (!api_page_read(call, 1, &page) || !api_query_time(call, "from", &filter.from_unix_us) ||
        !api_query_time(call, "to", &filter.to_unix_us))
        return;
    filter.before = api_page_before(&page);
    filter.limit = page.limit + 1;
    struct listing listing = { call, &page };
    if (finding_list(call->parts->db, call->project.id, call->arena, &filter, finding_add, &listing, &err))
        api_page_answer(call, &page);
    else
        api_fail(call, &err);
}

/* As they are stored: finding_causes.h has the form. */
static yyjson_mut_val *with_causes(struct api_call *call, int64_t number, yyjson_mut_val *object)
{
    struct finding_explained explained;
    struct err err = { 0 };
    if (!finding_explained_find(call->parts->db, call->project.id, number, call->arena, &explained, &err))
        return object; /* the finding itself is there */
    yyjson_doc *doc = yyjson_read((const char *)explained.content.ptr, explained.content.len, 0);
    if (doc)
        yyjson_mut_obj_add_val(call->json, object, "causes", yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc)));
    else
        yyjson_mut_obj_add_null(call->json, object, "causes");
    yyjson_doc_free(doc);
    return object;
}

void api_finding_get(struct api_call *call)
{
    int64_t number;
    struct finding finding;
    struct err err = { 0 };
    bool is_there = false;
    if (!api_page_number_read(api_path(call, "finding"), &number) ||
        (finding_find(call->parts->db, call->project.id, call->arena, number, &finding, &is_there, &err) && !is_there))
        api_fail_with(call, ERR_NOT_FOUND, "the project has no such finding");
    else if (!is_there)
        api_fail(call, &err);
    else
        api_answer(call, with_causes(call, number, finding_json(call, &finding)));
}
