/* Ready monitors, of all services or of one. */
#include "base/utf8.h"
#include "web/api/handlers.h"

#define TITLE_MAX 120 /* bytes: a title is at most so many characters */

void api_monitor_ready_list(struct api_call *call)
{
    static const struct {
        const char *title, *about, *search, *condition, *rest;
    } ready[] = {
        { "Errors", "The share of failed requests, as an error budget of 99.5% that is spent too fast", "kind:server",
          "{\"kind\":\"burn\",\"objective\":99.5,\"bad\":\"status:error\"}", "{}" },
        { "Slow", "p95 of requests against the same hour of the weeks before", "kind:server",
          "{\"kind\":\"anomaly\",\"side\":\"above\",\"warning\":5,\"alert\":8}",
          "{\"agg\":\"p95\",\"of\":\"duration\",\"window_s\":600,\"for_s\":300}" },
        { "Silent", "Nothing came for ten minutes", "", "{\"kind\":\"absence\"}", "{\"window_s\":600}" },
        { "Error bursts", "More than 50 errors in five minutes, and a warning from 10", "",
          "{\"kind\":\"threshold\",\"side\":\"above\",\"warning\":10,\"alert\":50,\"alert_recovery\":30}",
          "{\"agg\":\"errors\",\"window_s\":300}" },
    };
    struct bytes service = api_query(call, "service");
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *items = yyjson_mut_obj_add_arr(call->json, answer, "items");
    for (size_t r = 0; r < COUNT_OF(ready); r++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->json, items);
        yyjson_doc *condition = yyjson_read(ready[r].condition, strlen(ready[r].condition), 0);
        yyjson_doc *rest = yyjson_read(ready[r].rest, strlen(ready[r].rest), 0);
        yyjson_val *more = yyjson_doc_get_root(rest);
        const char *agg = yyjson_get_str(yyjson_obj_get(more, "agg"));
        struct buf search;
        buf_init(&search, 4000);
        bool ok = buf_printf(&search, "q=");
        if (service.len > 0) ok = ok && buf_printf(&search, "service%%3A%%22");
        for (size_t i = 0; ok && i < service.len; i++) /* within quotes of the language, percent-encoded */
            ok = (service.ptr[i] != '"' && service.ptr[i] != '\\') ? buf_printf(&search, "%%%02X", service.ptr[i])
                                                                   : buf_printf(&search, "%%5C%%%02X", service.ptr[i]);
        if (service.len > 0) ok = ok && buf_printf(&search, "%%22%s", ready[r].search[0] != '\0' ? "+" : "");
        ok = ok && buf_printf(&search, "%s", ready[r].search);
        if (service.len == 0) ok = ok && buf_printf(&search, "&by=service.name");
        if (agg != NULL) ok = ok && buf_printf(&search, "&agg=%s&of=duration", agg);
        struct bytes title = bytes_of_text(ready[r].title);
        if (service.len > 0)
            title = bytes_of_text(
                arena_printf(call->arena, "%s: %.*s", ready[r].title, (int)service.len, (const char *)service.ptr));
        api_put_text(call, item, "title", (struct bytes){ title.ptr, utf8_cut(title, TITLE_MAX) });
        yyjson_mut_obj_add_str(call->json, item, "description", ready[r].about);
        yyjson_mut_val *query = yyjson_mut_obj_add_obj(call->json, item, "query");
        api_put_text(call, query, "search", ok ? arena_copy(call->arena, buf_bytes(&search)) : BYTES(""));
        yyjson_mut_obj_add_val(call->json, item, "condition",
                               yyjson_val_mut_copy(call->json, yyjson_doc_get_root(condition)));
        yyjson_val *window = yyjson_obj_get(more, "window_s"), *sustained = yyjson_obj_get(more, "for_s");
        yyjson_mut_obj_add_sint(call->json, item, "window_s", window != NULL ? yyjson_get_sint(window) : 300);
        if (sustained != NULL) yyjson_mut_obj_add_sint(call->json, item, "for_s", yyjson_get_sint(sustained));
        api_put_text(call, item, "service", service.len > 0 ? service : BYTES("{{group}}"));
        buf_deinit(&search);
        yyjson_doc_free(rest);
        yyjson_doc_free(condition);
    }
    api_answer(call, answer);
}
