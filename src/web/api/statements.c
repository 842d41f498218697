/* The log of statements, newest first. */
#include "meta/statement_log.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include <inttypes.h>
#include <stdlib.h>

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
    const char *number = arena_printf(call->arena, "%" PRId64, row->number);
    struct bytes key = bytes_of_text(number);
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
    if (!page.is_first) {
        const char *text = arena_printf(call->arena, "%.*s", (int)page.after[0].len, (const char *)page.after[0].ptr);
        filter.before = strtoll(text, NULL, 10); /* of a cursor: whatever it is, it is a place */
        if (filter.before <= 0) filter.before = 1;
    }
    filter.count_max = page.limit + 1;
    if (statement_log_list(call->parts->db, &filter, row_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}
