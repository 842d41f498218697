/* The log of statements, newest first. */
#include "meta/statement_log.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"

struct listing {
    struct api_call *call;
    struct api_page *page;
};

static bool row_add(void *ctx, const struct statement_row *row)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_int(call->json, object, "number", row->number);
    api_put_time(call, object, "at", row->at_unix_us);
    api_put_text(call, object, "actor_kind", row->actor_kind);
    api_put_text(call, object, "actor_id", row->actor_id);
    api_put_text(call, object, "actor", row->actor_name);
    api_put_text(call, object, "address", row->address);
    api_put_text(call, object, "via", row->via);
    yyjson_mut_obj_add_int(call->json, object, "session", row->session);
    api_put_text(call, object, "operation", row->operation);
    api_put_text(call, object, "statement", row->statement);
    yyjson_mut_obj_add_real(call->json, object, "ms", (double)row->duration_us / 1000);
    yyjson_mut_obj_add_real(call->json, object, "waited_ms", (double)row->waited_us / 1000);
    yyjson_mut_obj_add_int(call->json, object, "rows", row->row_count);
    yyjson_mut_obj_add_int(call->json, object, "bytes", row->bytes);
    yyjson_mut_obj_add_int(call->json, object, "files_read", row->files_read);
    yyjson_mut_obj_add_int(call->json, object, "files_pruned", row->files_pruned);
    api_put_text(call, object, "sqlstate", row->sqlstate);
    struct bytes key = api_page_number(call, row->number);
    return api_page_add(listing->page, object, &key);
}

void api_statement_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct err err = { 0 };
    struct statement_filter filter = { .project_id = call->project.id,
                                       .actor = api_query(call, "actor"),
                                       .operation = api_query(call, "operation"),
                                       .is_failed = api_query_bool(call, "failed"),
                                       .duration_us_min = 1000 * api_query_int(call, "slower_ms", 0) };
    if (!api_page_read(call, 1, &page) || !api_query_time(call, "from", &filter.from_unix_us) ||
        !api_query_time(call, "to", &filter.to_unix_us))
        return;
    filter.before = api_page_before(&page);
    filter.count_max = page.limit + 1;
    if (statement_log_list(call->parts->db, &filter, row_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}
