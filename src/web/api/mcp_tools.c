#include "web/api/mcp_tools.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "web/api/api_inside.h"

enum { PAGE_ROWS = 50, SQL_ROWS = 200, SQL_ROWS_MAX = 1000, SQL_TIMEOUT_MS = 30000, TRACES = 20, TRACES_MAX = 100 };

/* ---- which routes are tools ---- */

/* POSTs that change nothing. */
static const char *const reading_posts[] = { "pattern_search", "search_translate", "difference", "ask" };

static bool route_is_tool(const struct api_route *route)
{
    bool is_asked = route->permission == PERMISSION_QUERY || route->permission == PERMISSION_PROJECT_READ ||
                    strcmp(route->id, "project_list") == 0;
    if (!is_asked || (route->flags & (API_PAGE | API_LIVE | API_STREAM | API_SECRET))) return false;
    if (route->method == API_GET) return true;
    for (size_t p = 0; p < COUNT_OF(reading_posts); p++)
        if (strcmp(route->id, reading_posts[p]) == 0) return true;
    return false;
}

static const struct api_route *route_find(const char *id)
{
    for (uint32_t r = 0; r < api_route_count; r++)
        if (strcmp(api_routes[r].id, id) == 0) return &api_routes[r];
    return NULL;
}

/* Who asks by a key sees what the key may; of people it hangs on the project that they name. */
static bool may_see(const struct api_call *call, const struct api_route *route)
{
    struct err ignored = { 0 };
    return call->actor->kind != ACTOR_KEY ||
           access_check(call->parts->db, call->actor, route->permission, &call->actor->project_id, &ignored);
}

/* ---- schemas of arguments ---- */

struct arguments_schema {
    const struct api_call *call;
    yyjson_mut_doc *doc;
    yyjson_mut_val *properties, *required;
};

static void parameter_put(struct arguments_schema *into, struct bytes name, bool is_required)
{
    const struct schemas *schemas = api_schemas(into->call->inside->api);
    yyjson_val *parameter = schemas_parameter(schemas, name);
    yyjson_val *description = yyjson_obj_get(parameter, "description");
    yyjson_mut_val *schema = schemas_copy(schemas, into->doc, yyjson_obj_get(parameter, "schema"));
    if (description != NULL) {
        yyjson_mut_obj_remove_key(schema, "description");
        yyjson_mut_obj_add_val(into->doc, schema, "description", yyjson_val_mut_copy(into->doc, description));
    }
    name = schemas_parameter_name(schemas, name);
    yyjson_mut_obj_add(into->properties, yyjson_mut_strncpy(into->doc, (const char *)name.ptr, name.len), schema);
    if (is_required) yyjson_mut_arr_add_strncpy(into->doc, into->required, (const char *)name.ptr, name.len);
}

/* A key is of one project, which need not be said. */
static bool needs_saying(const struct api_call *call, struct bytes name)
{
    return call->actor->kind != ACTOR_KEY || !bytes_equal(name, BYTES("project"));
}

static void body_put(struct arguments_schema *into, const char *name)
{
    const struct schemas *schemas = api_schemas(into->call->inside->api);
    yyjson_val *schema = schemas_find(schemas, name), *key, *value;
    size_t i, count;
    yyjson_obj_foreach(yyjson_obj_get(schema, "properties"), i, count, key, value)
        yyjson_mut_obj_add(into->properties, yyjson_val_mut_copy(into->doc, key),
                           schemas_copy(schemas, into->doc, value));
    yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, count, value)
        yyjson_mut_arr_append(into->required, yyjson_val_mut_copy(into->doc, value));
}

static yyjson_mut_val *tool_put(const struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools,
                                const char *name, const char *description, struct arguments_schema *into)
{
    yyjson_mut_val *tool = yyjson_mut_arr_add_obj(doc, tools);
    yyjson_mut_obj_add_strcpy(doc, tool, "name", name);
    yyjson_mut_obj_add_strcpy(doc, tool, "description", description);
    yyjson_mut_val *schema = yyjson_mut_obj_add_obj(doc, tool, "inputSchema");
    yyjson_mut_obj_add_str(doc, schema, "type", "object");
    *into = (struct arguments_schema){ call, doc, yyjson_mut_obj_add_obj(doc, schema, "properties"),
                                       yyjson_mut_obj_add_arr(doc, schema, "required") };
    yyjson_mut_obj_add_bool(doc, schema, "additionalProperties", false);
    yyjson_mut_val *hints = yyjson_mut_obj_add_obj(doc, tool, "annotations");
    yyjson_mut_obj_add_bool(doc, hints, "readOnlyHint", true);
    yyjson_mut_obj_add_bool(doc, hints, "openWorldHint", false);
    return tool;
}

static void route_put(const struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools, const char *name,
                      const struct api_route *route)
{
    struct arguments_schema into;
    tool_put(call, doc, tools, name, route->summary, &into);
    for (const char *open = strchr(route->path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        struct bytes of = bytes_from(open + 1, strcspn(open + 1, "}"));
        parameter_put(&into, of, needs_saying(call, of));
    }
    const char *query = route->query;
    for (size_t len; *query != '\0'; query += len + strspn(query + len, " ")) {
        len = strcspn(query, " ");
        if (len > 0) parameter_put(&into, bytes_from(query, len), false);
    }
    if (route->flags & API_PAGED) {
        parameter_put(&into, BYTES("limit"), false);
        parameter_put(&into, BYTES("cursor"), false);
    }
    if (route->request[0] != '\0') body_put(&into, route->request);
}

/* ---- our own ---- */

static void property_put(struct arguments_schema *into, const char *name, const char *type, const char *description)
{
    yyjson_mut_val *schema = yyjson_mut_obj_add_obj(into->doc, into->properties, name);
    yyjson_mut_obj_add_str(into->doc, schema, "type", type);
    yyjson_mut_obj_add_str(into->doc, schema, "description", description);
}

static void run_sql_put(const struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    struct arguments_schema into;
    tool_put(call, doc, tools, "run_sql",
             "Runs one SELECT of PostgreSQL's dialect over the project's telemetry: tables otel_logs_and_spans and "
             "otel_metrics. "
             "Read-only, 200 rows (at most 1000), 30 s. Give values as $1, $2 ... in parameters",
             &into);
    parameter_put(&into, BYTES("project"), needs_saying(call, BYTES("project")));
    property_put(&into, "sql", "string", "One statement");
    property_put(&into, "parameters", "array", "Values of $1, $2 ...");
    property_put(&into, "limit", "integer", "Rows at most: 200, up to 1000");
    yyjson_mut_arr_add_str(doc, into.required, "sql");
}

static void find_traces_put(const struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    struct arguments_schema into;
    tool_put(call, doc, tools, "find_traces",
             "Finds traces, newest first: trace_id, start, longest_ms, spans, errors, services. All conditions "
             "together have to "
             "hold for spans of the trace",
             &into);
    parameter_put(&into, BYTES("project"), needs_saying(call, BYTES("project")));
    property_put(&into, "service", "string", "Name of a service that took part");
    property_put(&into, "name", "string", "Part of a span's name, in any case");
    property_put(&into, "errors_only", "boolean", "Traces with a span that failed");
    property_put(&into, "min_duration_ms", "integer", "Spans of at least so long");
    property_put(&into, "from", "string", "RFC 3339 or now-15m; now-1h when it is not said");
    property_put(&into, "to", "string", "The same; now when it is not said");
    property_put(&into, "limit", "integer", "Traces at most: 20, up to 100");
}

void mcp_tools_list(struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    const struct api_route *query = route_find("query_run"), *issues = route_find("issue_list");
    if (may_see(call, query)) {
        run_sql_put(call, doc, tools);
        find_traces_put(call, doc, tools);
    }
    if (issues != NULL && may_see(call, issues)) route_put(call, doc, tools, "error_groups", issues);
    for (uint32_t r = 0; r < api_route_count; r++)
        if (route_is_tool(&api_routes[r]) && &api_routes[r] != issues && may_see(call, &api_routes[r]))
            route_put(call, doc, tools, api_routes[r].id, &api_routes[r]);
}

/* ---- calls ---- */

struct asking {
    struct api_call *call;
    yyjson_val *arguments;
    struct buf path, query;
    yyjson_mut_doc *doc;
    yyjson_mut_val *body;
    uint32_t used; /* of the arguments */
};

static void encode(struct buf *out, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                        byte == '-' || byte == '_' || byte == '.' || byte == '~';
        char coded[3] = { '%', hex[byte >> 4], hex[byte & 15] };
        if (!(is_plain ? buf_add(out, &byte, 1) : buf_add(out, coded, 3)))
            return; /* over the port's limit: refused there */
    }
}

/* An argument as it stands in a path or a query; false: it is not there. */
static bool text_of(struct asking *asking, struct bytes name, struct bytes *text)
{
    yyjson_val *value = yyjson_obj_getn(asking->arguments, (const char *)name.ptr, name.len);
    size_t len = 0;
    if (value == NULL || yyjson_is_null(value)) {
        asking->used += value != NULL;
        return false;
    }
    asking->used++;
    if (yyjson_is_str(value)) {
        *text = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
        return true;
    }
    char *json = yyjson_val_write(value, 0, &len);
    *text = arena_copy(asking->call->arena, bytes_from(json, json == NULL ? 0 : len));
    free(json);
    return true;
}

static bool path_make(struct asking *asking, const char *template, struct err *err)
{
    const struct actor *actor = asking->call->actor;
    while (*template != '\0') {
        size_t plain = strcspn(template, "{");
        if (!buf_add(&asking->path, template, plain)) return err_set(err, ERR_TOO_LARGE, "the arguments are too long");
        template += plain;
        if (*template == '\0') break;
        struct bytes name = bytes_from(template + 1, strcspn(template + 1, "}")), text = { 0 };
        char id[UUID_TEXT_BYTES + 1];
        if (!text_of(asking, name, &text) && bytes_equal(name, BYTES("project")) && actor->kind == ACTOR_KEY) {
            uuid_to_text(actor->project_id, id);
            text = bytes_of_text(id);
        }
        if (text.len == 0)
            return err_set(err, ERR_INPUT, "the argument \"%.*s\" is missing", (int)name.len, (const char *)name.ptr);
        encode(&asking->path, text);
        template += name.len + 2;
    }
    return true;
}

static void query_put(struct asking *asking, struct bytes name, struct bytes text)
{
    if (asking->query.len > 0 && !buf_add(&asking->query, "&", 1)) return;
    encode(&asking->query, name);
    if (buf_add(&asking->query, "=", 1)) encode(&asking->query, text);
}

static void query_make(struct asking *asking, const struct api_route *route)
{
    char names[256];
    struct bytes text;
    snprintf(names, sizeof names, "%s%s", route->query, route->flags & API_PAGED ? " limit cursor" : "");
    for (const char *name = names + strspn(names, " "); *name != '\0';) {
        size_t len = strcspn(name, " ");
        struct bytes own = schemas_parameter_name(api_schemas(asking->call->inside->api), bytes_from(name, len));
        bool is_limit = bytes_equal(own, BYTES("limit"));
        if (text_of(asking, own, &text)) {
            query_put(asking, own, text);
        } else if (is_limit && (route->flags & API_PAGED)) {
            query_put(asking, BYTES("limit"), bytes_of_text(arena_printf(asking->call->arena, "%d", PAGE_ROWS)));
        }
        name += len + strspn(name + len, " ");
    }
}

/* All that went neither into the path nor into the query. */
static void body_make(struct asking *asking, const struct api_route *route)
{
    yyjson_val *schema = schemas_find(api_schemas(asking->call->inside->api), route->request), *key, *value;
    size_t i, count;
    yyjson_obj_foreach(asking->arguments, i, count, key, value)
    {
        if (yyjson_obj_get(yyjson_obj_get(schema, "properties"), yyjson_get_str(key)) == NULL) continue;
        yyjson_mut_obj_add(asking->body, yyjson_val_mut_copy(asking->doc, key),
                           yyjson_val_mut_copy(asking->doc, value));
        asking->used++;
    }
}

static bool run(struct asking *asking, const struct api_route *route, struct buf *out, bool *is_error, struct err *err)
{
    struct api_capture capture = { .status = 0 };
    char *body = NULL;
    size_t len = 0;
    if (asking->used < yyjson_obj_size(asking->arguments))
        return err_set(err, ERR_INPUT, "there is an argument that this tool does not have");
    if (route->request[0] != '\0') body = yyjson_mut_write(asking->doc, 0, &len);
    struct api_inner_ask ask = { .method = api_method_name(route->method),
                                 .path = buf_bytes(&asking->path),
                                 .query = buf_bytes(&asking->query),
                                 .body = bytes_from(body, len) };
    buf_init(&capture.body, MCP_ANSWER_BYTES_MAX);
    api_inner(asking->call, &ask, &capture);
    *is_error = capture.is_over || capture.status / 100 != 2;
    bool ok =
        capture.is_over
            ? buf_printf(out, "The answer has more than %u KiB: ask for less, by limit, columns or a shorter range.",
                         MCP_ANSWER_BYTES_MAX >> 10)
            : buf_add(out, capture.body.ptr, capture.body.len);
    buf_deinit(&capture.body);
    free(body);
    return ok || err_set(err, ERR_TOO_LARGE, "the answer is too long");
}

static int64_t number_of(struct asking *asking, const char *name, int64_t fallback, int64_t max)
{
    yyjson_val *value = yyjson_obj_get(asking->arguments, name);
    asking->used += value != NULL;
    if (!yyjson_is_int(value) || yyjson_get_sint(value) < 0) return fallback;
    return yyjson_get_sint(value) < max ? yyjson_get_sint(value) : max;
}

static void sql_body(struct asking *asking, int64_t limit)
{
    yyjson_mut_obj_add_sint(asking->doc, asking->body, "limit", limit);
    yyjson_mut_obj_add_uint(asking->doc, asking->body, "timeout_ms", SQL_TIMEOUT_MS);
    yyjson_mut_obj_add_bool(asking->doc, asking->body, "read_only", true);
}

static bool run_sql_make(struct asking *asking, struct err *err)
{
    yyjson_val *sql = yyjson_obj_get(asking->arguments, "sql"),
               *parameters = yyjson_obj_get(asking->arguments, "parameters");
    if (!yyjson_is_str(sql)) return err_set(err, ERR_INPUT, "the argument \"sql\" is missing");
    asking->used += parameters != NULL ? 2 : 1;
    yyjson_mut_obj_add_val(asking->doc, asking->body, "sql", yyjson_val_mut_copy(asking->doc, sql));
    if (parameters != NULL)
        yyjson_mut_obj_add_val(asking->doc, asking->body, "parameters", yyjson_val_mut_copy(asking->doc, parameters));
    sql_body(asking, number_of(asking, "limit", SQL_ROWS, SQL_ROWS_MAX));
    return true;
}

static bool time_put(struct asking *asking, yyjson_mut_val *parameters, const char *name, int64_t fallback_us,
                     struct err *err)
{
    struct bytes text;
    int64_t unix_us = fallback_us;
    char written[RFC3339_BYTES];
    if (text_of(asking, bytes_of_text(name), &text) && !rfc3339_read_relative(text, clock_unix_us(), &unix_us))
        return err_set(err, ERR_INPUT, "\"%s\" must be a time such as 2026-11-27T02:00:00Z, now or now-15m", name);
    rfc3339_write(unix_us, written);
    return yyjson_mut_arr_add_strcpy(asking->doc, parameters, written);
}

static bool find_traces_make(struct asking *asking, struct err *err)
{
    static const char sql[] =
        "SELECT context___trace_id AS trace_id, min(timestamp) AS start, max(duration) / 1000000 AS longest_ms, "
        "count(*) AS spans,"
        " count(*) FILTER (WHERE status_code = 'ERROR') AS errors, array_agg(DISTINCT resource___service___name) AS "
        "services"
        " FROM otel_logs_and_spans WHERE timestamp >= $1::timestamptz AND timestamp < $2::timestamptz AND kind <> 'log'"
        " AND context___trace_id IS NOT NULL AND ($3 = '' OR resource___service___name = $3)"
        " AND ($4 = '' OR strpos(lower(name), lower($4)) > 0) AND duration >= $5::bigint * 1000000"
        " GROUP BY 1 HAVING ($6 = 'no' OR count(*) FILTER (WHERE status_code = 'ERROR') > 0) ORDER BY start DESC";
    int64_t now_us = clock_unix_us();
    struct bytes service = { 0 }, name = { 0 }, errors = { 0 };
    yyjson_mut_val *parameters = yyjson_mut_arr(asking->doc);
    if (!time_put(asking, parameters, "from", now_us - INT64_C(3600000000), err) ||
        !time_put(asking, parameters, "to", now_us + 1, err))
        return false;
    (void)text_of(asking, BYTES("service"), &service);
    (void)text_of(asking, BYTES("name"), &name);
    (void)text_of(asking, BYTES("errors_only"), &errors);
    yyjson_mut_arr_add_strncpy(asking->doc, parameters, service.len > 0 ? (const char *)service.ptr : "", service.len);
    yyjson_mut_arr_add_strncpy(asking->doc, parameters, name.len > 0 ? (const char *)name.ptr : "", name.len);
    yyjson_mut_arr_add_sint(asking->doc, parameters, number_of(asking, "min_duration_ms", 0, INT64_C(86400000)));
    yyjson_mut_arr_add_str(asking->doc, parameters, bytes_equal(errors, BYTES("true")) ? "yes" : "no");
    yyjson_mut_obj_add_str(asking->doc, asking->body, "sql", sql);
    yyjson_mut_obj_add_val(asking->doc, asking->body, "parameters", parameters);
    sql_body(asking, number_of(asking, "limit", TRACES, TRACES_MAX));
    return true;
}

static bool asking_make(struct asking *asking, const char *name, const struct api_route **route, struct err *err)
{
    bool is_sql = strcmp(name, "run_sql") == 0, is_traces = strcmp(name, "find_traces") == 0;
    *route = route_find(is_sql || is_traces ? "query_run" : strcmp(name, "error_groups") == 0 ? "issue_list" : name);
    if (*route == NULL || (!is_sql && !is_traces && !route_is_tool(*route)))
        return err_set(err, ERR_NOT_FOUND, "there is no tool \"%.60s\"", name);
    if (!path_make(asking, (*route)->path, err)) return false;
    if (is_sql) return run_sql_make(asking, err);
    if (is_traces) return find_traces_make(asking, err);
    query_make(asking, *route);
    if ((*route)->request[0] != '\0') body_make(asking, *route);
    return true;
}

bool mcp_tool_call(struct api_call *call, const char *name, yyjson_val *arguments, struct buf *out, bool *is_error,
                   struct err *err)
{
    struct asking asking = { .call = call, .arguments = arguments, .doc = yyjson_mut_doc_new(NULL) };
    const struct api_route *route;
    asking.body = yyjson_mut_obj(asking.doc);
    yyjson_mut_doc_set_root(asking.doc, asking.body);
    buf_init(&asking.path, 8 << 10);
    buf_init(&asking.query, 8 << 10);
    bool ok = asking_make(&asking, name, &route, err) && run(&asking, route, out, is_error, err);
    buf_deinit(&asking.path);
    buf_deinit(&asking.query);
    yyjson_mut_doc_free(asking.doc);
    return ok;
}
