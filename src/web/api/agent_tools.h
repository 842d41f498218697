/* agent_tools.h -- what agents of a project (agents/) read by: the MCP server's tools, as a credential of the project's own.
 *
 *   agents/evidence.h --agent_tools.call--> mcp_tool_call as a key of scope query --> the route, with all its checks
 *
 * That credential is of one project, reads, and stands in no table: nobody can steal it, nobody need renew it.
 * Thread: any; a call blocks. tools are good as long as api is. */
#pragma once
#include "agents/evidence.h"
#include "web/api/api.h"

struct agent_tools agent_tools_of(struct api *api);
