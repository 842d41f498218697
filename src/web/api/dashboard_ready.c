/* Dashboards that are in the program (dashboards/ of the repository), for who has none yet. */
#include "web/api/dashboard_texts.h"
#include "web/api/handlers.h"
#include "yaml/yaml.h"

void api_dashboard_ready_list(struct api_call *call)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *items = yyjson_mut_obj_add_arr(call->json, answer, "items");
    for (size_t d = 0; d < COUNT_OF(dashboard_texts); d++) {
        struct err err = { 0 };
        yyjson_mut_val *dashboard;
        if (!yaml_read(bytes_of_text(dashboard_texts[d].text), call->json, &dashboard, &err)) {
            err_within(&err, "%s", dashboard_texts[d].name);
            err.code = ERR_CORRUPT; /* of the build */
            api_fail(call, &err);
            return;
        }
        yyjson_mut_arr_append(items, dashboard);
    }
    api_answer(call, answer);
}
