/* mcp_tools.h -- what agents may call: routes of the API that read telemetry, made into tools, and three of our own.
 *
 *   routes.h + schemas --tools_list--> name, description, JSON Schema of the arguments
 *   name, arguments --tool_call--> the route as the same caller would ask it (api_inner): same permissions, same limits
 *
 * Nothing that changes something is a tool. Thread: the call's. Memory: an answer of at most MCP_ANSWER_BYTES_MAX. */
#pragma once
#include "web/api/api_call.h"

#define MCP_ANSWER_BYTES_MAX (256u << 10)
void mcp_tools_list(struct api_call *call, yyjson_mut_doc *doc, yyjson_mut_val *tools);
/* As mcp_face.call has it. */
MUST_CHECK bool mcp_tool_call(struct api_call *call, const char *name, yyjson_val *arguments, struct buf *out,
                              bool *is_error, struct err *err);
