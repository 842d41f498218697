/* mcp.h -- the Model Context Protocol, server side: JSON-RPC in, JSON-RPC out, tools by call-back. No I/O.
 *
 *   POST body --mcp_serve--> initialize, ping | tools/list --face.list--> | tools/call --face.call--> answer, or 202
 *
 * Stateless: one message a request, one JSON answer a message; no sessions and no stream of the server's own (GET is 405), which
 * the streamable HTTP transport leaves to the server. Revisions 2025-06-18 and 2025-11-25; batches went with the first of these.
 * Thread: any. Memory: the answer in the caller's buf. Errors: told in the protocol: a tool that fails is a result with isError,
 * for the model to read; all else an error of JSON-RPC.
 * Source: modelcontextprotocol.io/specification, "Lifecycle", "Transports", "Tools"; JSON-RPC 2.0. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <yyjson.h>

#define MCP_VERSION_LATEST "2025-11-25"
struct mcp_face {
    const char *name, *title, *version, *instructions;
    /* Appends objects with name, description, inputSchema ... to tools. */
    void (*list)(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *tools);
    /* The tool's answer as JSON or text, appended to out; *is_error: it is the words of a failure. False: there is no such tool
     * (ERR_NOT_FOUND), or its arguments are not right (ERR_INPUT). arguments: an object, or NULL. */
    bool (*call)(void *ctx, const char *name, yyjson_val *arguments, struct buf *out, bool *is_error, struct err *err);
    void *ctx;
};
/* version: of the header mcp-protocol-version, empty when there is none. Answers the HTTP status: 200 with a body in out, 202
 * and 400 without or with one. */
int mcp_serve(const struct mcp_face *face, struct bytes version, struct bytes body, struct buf *out);
