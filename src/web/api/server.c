/* The server itself: is it alive, which is it, what can be asked. */
#include "web/api/api_inside.h"
#include "web/api/handlers.h"

void api_health(struct api_call *call)
{
    yyjson_mut_val *health = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, health, "status", "ok");
    api_answer(call, health);
}

void api_version(struct api_call *call)
{
    yyjson_mut_val *version = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, version, "version", call->parts->version);
    yyjson_mut_obj_add_str(call->json, version, "api", "v1");
    api_answer(call, version);
}

void api_openapi(struct api_call *call)
{
    api_answer_bytes(call, call->route->status, "application/json", api_document(call->inside->api));
}
