/* routes.h -- every route there is, a line each: the router, the checks before a handler and the OpenAPI document are made
 * of it. To be read as a table; included where it becomes code.
 *
 * R(method, path, handler and operationId, tag, permission, query parameters, body, answer, status, flags, summary)
 *   path      {names} are "parameters" of schemas/NOUN.json with "in": "path"; {project} is found and checked before the handler
 *   handler   void api_HANDLER(struct api_call *call), in the file of its noun
 *   permission  of meta/access.h, without its PERMISSION_
 *   query     names of "parameters" with blanks between; API_PAGED adds limit and cursor
 *   body, answer  names of "schemas"; "" none. With API_PAGED the answer is the schema of one item
 *   flags     api_route.h; 0 none */
/* clang-format off */
#define ROUTES(R) \
    R(GET, "/api/v1/health", health, "Server", PUBLIC, "", "", "Health", 200, API_OPEN, "Is the process alive") \
    R(GET, "/api/v1/version", version, "Server", PUBLIC, "", "", "Version", 200, API_OPEN, "Which version runs") \
    R(GET, "/api/v1/openapi.json", openapi, "Server", PUBLIC, "", "", "Document", 200, API_OPEN, "This document") \
    R(GET, "/api/v1/projects", project_list, "Projects", SIGNED_IN, "", "", "Project", 200, API_PAGED, "The projects that the caller may see, by name") \
    R(POST, "/api/v1/projects", project_create, "Projects", PROJECT_CREATE, "", "ProjectCreate", "Project", 201, API_ONCE, "Makes a project") \
    R(GET, "/api/v1/projects/{project}", project_get, "Projects", PROJECT_READ, "", "", "Project", 200, API_TAGGED, "One project, by name or id") \
    R(PATCH, "/api/v1/projects/{project}", project_change, "Projects", PROJECT_WRITE, "", "ProjectChange", "Project", 200, API_TAGGED, "Renames it; its id stays") \
    R(DELETE, "/api/v1/projects/{project}", project_delete, "Projects", PROJECT_DELETE, "", "", "", 204, API_TAGGED, "Takes it out of use: its keys open nothing, its rows stay in their files") \
    R(GET, "/api/v1/projects/{project}/retention", retention_get, "Projects", PROJECT_READ, "", "", "Retention", 200, API_TAGGED, "How long its tables keep their rows") \
    R(PUT, "/api/v1/projects/{project}/retention/{table}", retention_set, "Projects", PROJECT_WRITE, "", "RetentionSet", "TableRetention", 200, 0, "Sets it for one table") \
    R(DELETE, "/api/v1/projects/{project}/retention/{table}", retention_clear, "Projects", PROJECT_WRITE, "", "", "", 204, 0, "The server's --retention counts again") \
    R(GET, "/api/v1/projects/{project}/search", search, "Telemetry", QUERY, "q kind level service status trace_id from to", "", "SearchItem", 200, API_SLOW | API_PAGED, "Logs and spans, newest first") \
    R(POST, "/api/v1/projects/{project}/query", query_run, "Telemetry", QUERY, "", "Query", "QueryAnswer", 200, API_SLOW | API_STREAM, "Asks by SQL")
