/* The OpenAPI 3.1 document: routes.h and the schemas, put together as others read them. */
#include "web/api/api_inside.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static yyjson_mut_val *ref_to(yyjson_mut_doc *doc, const char *kind, const char *name, size_t len)
{
    char text[160];
    yyjson_mut_val *ref = yyjson_mut_obj(doc);
    snprintf(text, sizeof text, "#/components/%s/%.*s", kind, (int)len, name);
    yyjson_mut_obj_add_strcpy(doc, ref, "$ref", text);
    return ref;
}

static yyjson_mut_val *object_in(yyjson_mut_doc *doc, yyjson_mut_val *parent, const char *name)
{
    yyjson_mut_val *object = yyjson_mut_obj_get(parent, name);
    if (object == NULL) object = yyjson_mut_obj_add_obj(doc, parent, name);
    return object;
}

static yyjson_mut_val *content_of(yyjson_mut_doc *doc, const char *type, yyjson_mut_val *schema)
{
    yyjson_mut_val *content = yyjson_mut_obj(doc), *media = yyjson_mut_obj_add_obj(doc, content, type);
    yyjson_mut_obj_add_val(doc, media, "schema", schema);
    return content;
}

static void parameter_put(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name, size_t len)
{
    yyjson_mut_arr_append(list, ref_to(doc, "parameters", name, len));
}

static void header_put(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name, const char *description)
{
    yyjson_mut_val *parameter = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_obj_add_str(doc, parameter, "name", name);
    yyjson_mut_obj_add_str(doc, parameter, "in", "header");
    yyjson_mut_obj_add_str(doc, parameter, "description", description);
    yyjson_mut_obj_add_str(doc, object_in(doc, parameter, "schema"), "type", "string");
}

static void parameters_put(yyjson_mut_doc *doc, yyjson_mut_val *operation, const struct api_route *route)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (const char *open = strchr(route->path, '{'); open != NULL; open = strchr(open + 1, '{'))
        parameter_put(doc, list, open + 1, strcspn(open + 1, "}"));
    const char *name = route->query;
    for (size_t len; *name != '\0'; name += len + strspn(name + len, " ")) {
        len = strcspn(name, " ");
        if (len > 0) parameter_put(doc, list, name, len);
    }
    if (route->flags & API_PAGED) {
        parameter_put(doc, list, "limit", 5);
        parameter_put(doc, list, "cursor", 6);
    }
    if (route->flags & API_ONCE)
        header_put(doc, list, "Idempotency-Key", "Any text: the same request with the same key is done once in 24 h");
    if ((route->flags & API_TAGGED) && route->method != API_GET)
        header_put(doc, list, "If-Match", "The ETag that was read: 412 when it has changed since");
    if (yyjson_mut_arr_size(list) > 0) yyjson_mut_obj_add_val(doc, operation, "parameters", list);
}

/* {"items": [...], "next_cursor": "..."} */
static yyjson_mut_val *page_schema(yyjson_mut_doc *doc, const char *item)
{
    yyjson_mut_val *schema = yyjson_mut_obj(doc), *properties = yyjson_mut_obj(doc), *required = yyjson_mut_arr(doc);
    yyjson_mut_obj_add_str(doc, schema, "type", "object");
    yyjson_mut_arr_add_str(doc, required, "items");
    yyjson_mut_obj_add_val(doc, schema, "required", required);
    yyjson_mut_obj_add_val(doc, schema, "properties", properties);
    yyjson_mut_val *items = object_in(doc, properties, "items"), *cursor = object_in(doc, properties, "next_cursor");
    yyjson_mut_obj_add_str(doc, items, "type", "array");
    yyjson_mut_obj_add_val(doc, items, "items", ref_to(doc, "schemas", item, strlen(item)));
    yyjson_mut_obj_add_str(doc, cursor, "type", "string");
    yyjson_mut_obj_add_str(doc, cursor, "description", "Of the next page; absent on the last one");
    return schema;
}

static void text_content_put(yyjson_mut_doc *doc, yyjson_mut_val *content, const char *type)
{
    yyjson_mut_val *media = yyjson_mut_obj_add_obj(doc, content, type);
    yyjson_mut_obj_add_str(doc, object_in(doc, media, "schema"), "type", "string");
}

static void responses_put(yyjson_mut_doc *doc, yyjson_mut_val *operation, const struct api_route *route)
{
    yyjson_mut_val *responses = yyjson_mut_obj_add_obj(doc, operation, "responses");
    char status[8];
    snprintf(status, sizeof status, "%d", route->status);
    yyjson_mut_val *key = yyjson_mut_strcpy(doc, status), *answer = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(responses, key, answer);
    yyjson_mut_obj_add_str(doc, answer, "description", route->answer[0] != '\0' ? "As asked" : "Done");
    if (route->answer[0] != '\0') {
        yyjson_mut_val *schema = (route->flags & API_PAGED)
                                     ? page_schema(doc, route->answer)
                                     : ref_to(doc, "schemas", route->answer, strlen(route->answer));
        /* Of a stream of events: what the data of one is. */
        yyjson_mut_val *content =
            content_of(doc, route->flags & API_LIVE ? "text/event-stream" : "application/json", schema);
        if ((route->flags & API_STREAM) && !(route->flags & API_LIVE)) {
            text_content_put(doc, content, "text/csv");
            text_content_put(doc, content, "application/x-ndjson");
            text_content_put(doc, content, "application/vnd.apache.parquet");
        }
        if ((route->flags & API_YAML) && route->method == API_GET) { /* for a file: less than the answer has */
            yyjson_mut_val *media = yyjson_mut_obj_add_obj(doc, content, "application/yaml");
            yyjson_mut_obj_add_str(doc, object_in(doc, media, "schema"), "type", "object");
        }
        yyjson_mut_obj_add_val(doc, answer, "content", content);
    }
    yyjson_mut_obj_add_val(doc, responses, "414", ref_to(doc, "responses", "TooLong", 7));
    yyjson_mut_obj_add_val(doc, responses, "431", ref_to(doc, "responses", "TooLong", 7));
    yyjson_mut_obj_add_val(doc, responses, "default", ref_to(doc, "responses", "Problem", 7));
}

static void operation_put(yyjson_mut_doc *doc, yyjson_mut_val *paths, const struct api_route *route)
{
    char method[8] = "";
    const struct permission_rule *rule = permission_rule(route->permission);
    for (size_t i = 0; api_method_name(route->method)[i] != '\0' && i < sizeof method - 1; i++)
        method[i] = (char)tolower((unsigned char)api_method_name(route->method)[i]);
    yyjson_mut_val *operation = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(object_in(doc, paths, route->path), yyjson_mut_strcpy(doc, method), operation);
    yyjson_mut_obj_add_str(doc, operation, "operationId", route->id);
    yyjson_mut_obj_add_str(doc, operation, "summary", route->summary);
    yyjson_mut_val *tags = yyjson_mut_obj_add_arr(doc, operation, "tags");
    yyjson_mut_arr_add_str(doc, tags, route->tag);
    yyjson_mut_obj_add_str(doc, operation, "x-permission", rule->name);
    parameters_put(doc, operation, route);
    if (route->request[0] != '\0') {
        yyjson_mut_val *body = yyjson_mut_obj_add_obj(doc, operation, "requestBody");
        yyjson_mut_val *schema = ref_to(doc, "schemas", route->request, strlen(route->request));
        yyjson_mut_obj_add_bool(doc, body, "required", true);
        yyjson_mut_val *content = content_of(doc, "application/json", schema);
        if (route->flags & API_YAML)
            yyjson_mut_obj_add_val(doc, yyjson_mut_obj_add_obj(doc, content, "application/yaml"), "schema",
                                   ref_to(doc, "schemas", route->request, strlen(route->request)));
        yyjson_mut_obj_add_val(doc, body, "content", content);
    }
    responses_put(doc, operation, route);
    if (rule->reach == REACH_PUBLIC) yyjson_mut_obj_add_arr(doc, operation, "security");
}

/* "name" and "required" are ours to add: a parameter is listed by its name, unless two have one. */
static void parameters_all_put(yyjson_mut_doc *doc, yyjson_mut_val *components, const struct schemas *schemas)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_obj(doc, components, "parameters"), *key, *value;
    size_t i, count;
    yyjson_mut_obj_foreach(schemas_parameters(schemas), i, count, key, value)
    {
        yyjson_mut_val *parameter = yyjson_mut_val_mut_copy(doc, value);
        bool is_path = yyjson_mut_equals_str(yyjson_mut_obj_get(parameter, "in"), "path");
        if (yyjson_mut_obj_get(parameter, "name") == NULL)
            yyjson_mut_obj_add_strcpy(doc, parameter, "name", yyjson_mut_get_str(key));
        if (is_path) yyjson_mut_obj_add_bool(doc, parameter, "required", true);
        yyjson_mut_obj_add(all, yyjson_mut_val_mut_copy(doc, key), parameter);
    }
}

static void components_put(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct schemas *schemas)
{
    yyjson_mut_val *components = yyjson_mut_obj_add_obj(doc, root, "components");
    yyjson_mut_obj_add_val(doc, components, "schemas", yyjson_mut_val_mut_copy(doc, schemas_all(schemas)));
    parameters_all_put(doc, components, schemas);
    yyjson_mut_val *answers = object_in(doc, components, "responses");
    yyjson_mut_val *too_long = object_in(doc, answers, "TooLong"), *problem = object_in(doc, answers, "Problem");
    yyjson_mut_obj_add_str(doc, too_long, "description",
                           "Path and query are longer than 8 KiB, or the headers than 16: not read as far as the API");
    text_content_put(doc, object_in(doc, too_long, "content"), "text/plain");
    yyjson_mut_obj_add_str(doc, problem, "description", "It was not done; code and detail say why");
    yyjson_mut_obj_add_val(doc, problem, "content",
                           content_of(doc, "application/problem+json", ref_to(doc, "schemas", "Problem", 7)));
    yyjson_mut_val *schemes = object_in(doc, components, "securitySchemes");
    yyjson_mut_val *bearer = object_in(doc, schemes, "bearer"), *cookie = object_in(doc, schemes, "session");
    yyjson_mut_obj_add_str(doc, bearer, "type", "http");
    yyjson_mut_obj_add_str(doc, bearer, "scheme", "bearer");
    yyjson_mut_obj_add_str(doc, bearer, "description", "An API key (mono_...) or a session's token (mos_...)");
    yyjson_mut_obj_add_str(doc, cookie, "type", "apiKey");
    yyjson_mut_obj_add_str(doc, cookie, "in", "cookie");
    yyjson_mut_obj_add_str(doc, cookie, "name", "monoscope_session");
    yyjson_mut_obj_add_str(doc, cookie, "description", "Requests that change something need the header x-csrf-token");
    yyjson_mut_val *security = yyjson_mut_obj_add_arr(doc, root, "security");
    yyjson_mut_obj_add_arr(doc, yyjson_mut_arr_add_obj(doc, security), "bearer");
    yyjson_mut_obj_add_arr(doc, yyjson_mut_arr_add_obj(doc, security), "session");
}

bool openapi_make(const struct schemas *schemas, const char *version, struct buf *out, struct err *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "openapi", "3.1.0");
    yyjson_mut_val *info = yyjson_mut_obj_add_obj(doc, root, "info");
    yyjson_mut_obj_add_str(doc, info, "title", "Monoscope");
    yyjson_mut_obj_add_strcpy(doc, info, "version", version);
    yyjson_mut_obj_add_str(
        doc, info, "description",
        "Projects, people, keys, and what the telemetry says. Lists come a page at a time, errors as "
        "application/problem+json, times in UTC. docs/api.md says more.");
    yyjson_mut_val *paths = yyjson_mut_obj_add_obj(doc, root, "paths");
    for (uint32_t r = 0; r < api_route_count; r++)
        if (!(api_routes[r].flags & API_PAGE)) operation_put(doc, paths, &api_routes[r]);
    components_put(doc, root, schemas);
    size_t len;
    char *text = yyjson_mut_write(doc, 0, &len);
    bool ok = text != NULL && buf_add(out, text, len);
    free(text);
    yyjson_mut_doc_free(doc);
    return ok || err_set(err, ERR_CORRUPT, "the OpenAPI document could not be written");
}
