#include "web/api/agent_tools.h"
#include "web/api/api_inside.h"
#include "web/api/mcp_tools.h"
#include <stdio.h>

static struct actor actor_of(struct uuid project_id, const char *agent)
{
    struct actor actor = { .kind = ACTOR_KEY, .project_id = project_id, .scopes = META_SCOPE_QUERY };
    snprintf(actor.name, sizeof actor.name, "%s", agent);
    return actor;
}

struct listing {
    yyjson_mut_doc *doc;
    yyjson_mut_val *tools;
};
static void list_work(void *ctx, struct api_call *call)
{
    struct listing *listing = ctx;
    mcp_tools_list(call, listing->doc, listing->tools);
}

static void list(void *ctx, struct uuid project_id, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    struct actor actor = actor_of(project_id, "agent");
    api_own(ctx, &actor, list_work, &(struct listing){ doc, tools });
}

struct calling {
    const char *tool;
    yyjson_val *arguments;
    struct buf *out;
    bool *is_error;
    struct err *err;
    bool ok;
};
static void call_work(void *ctx, struct api_call *call)
{
    struct calling *calling = ctx;
    calling->ok = mcp_tool_call(call, calling->tool, calling->arguments, calling->out, calling->is_error, calling->err);
}

static bool tool_call(void *ctx, struct uuid project_id, const char *agent, const char *tool, yyjson_val *arguments,
                      struct buf *out, bool *is_error, struct err *err)
{
    struct actor actor = actor_of(project_id, agent);
    struct calling calling = { tool, arguments, out, is_error, err, false };
    api_own(ctx, &actor, call_work, &calling);
    return calling.ok;
}

struct agent_tools agent_tools_of(struct api *api)
{
    return (struct agent_tools){ list, tool_call, api };
}
