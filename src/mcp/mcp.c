#include "mcp/mcp.h"

#include <stdlib.h>

#include "base/json_object.h"

#define DEPTH_MAX 64

enum {
    ERROR_PARSE = -32700,
    ERROR_REQUEST = -32600,
    ERROR_METHOD = -32601,
    ERROR_PARAMS = -32602,
    ERROR_INTERNAL = -32603
};
static const char *const versions[] = { "2025-06-18", MCP_VERSION_LATEST };

static const char *version_find(struct bytes version)
{
    for (size_t v = 0; v < COUNT_OF(versions); v++)
        if (bytes_equal(version, bytes_of_text(versions[v]))) return versions[v];
    return NULL;
}

struct answering {
    const struct mcp_face *face;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
};

static void error_put(struct answering *answering, int code, const char *words)
{
    yyjson_mut_obj_remove_key(answering->root, "result");
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(answering->doc, answering->root, "error");
    yyjson_mut_obj_add_int(answering->doc, error, "code", code);
    yyjson_mut_obj_add_strcpy(answering->doc, error, "message", words);
}

static void initialize(struct answering *answering, yyjson_val *params)
{
    const struct mcp_face *face = answering->face;
    yyjson_mut_doc *doc = answering->doc;
    const char *asked = yyjson_get_str(yyjson_obj_get(params, "protocolVersion"));
    if (asked == NULL) {
        error_put(answering, ERROR_PARAMS, "params.protocolVersion is missing");
        return;
    }
    const char *ours = version_find(bytes_of_text(asked));
    yyjson_mut_val *result = yyjson_mut_obj_add_obj(doc, answering->root, "result");
    yyjson_mut_obj_add_str(doc, result, "protocolVersion", ours != NULL ? ours : MCP_VERSION_LATEST);
    yyjson_mut_obj_add_obj(doc, yyjson_mut_obj_add_obj(doc, result, "capabilities"), "tools");
    yyjson_mut_val *info = yyjson_mut_obj_add_obj(doc, result, "serverInfo");
    yyjson_mut_obj_add_str(doc, info, "name", face->name);
    yyjson_mut_obj_add_str(doc, info, "title", face->title);
    yyjson_mut_obj_add_str(doc, info, "version", face->version);
    yyjson_mut_obj_add_str(doc, result, "instructions", face->instructions);
}

static void tools_list(struct answering *answering)
{
    yyjson_mut_val *result = yyjson_mut_obj_add_obj(answering->doc, answering->root, "result");
    answering->face->list(answering->face->ctx, answering->doc,
                          yyjson_mut_obj_add_arr(answering->doc, result, "tools"));
}

static void tools_call(struct answering *answering, yyjson_val *params)
{
    const struct mcp_face *face = answering->face;
    yyjson_mut_doc *doc = answering->doc;
    const char *name = yyjson_get_str(yyjson_obj_get(params, "name"));
    yyjson_val *arguments = yyjson_obj_get(params, "arguments");
    struct err err = { 0 };
    struct buf out;
    bool is_error = false;
    if (name == NULL || (arguments != NULL && !yyjson_is_obj(arguments))) {
        error_put(answering, ERROR_PARAMS, "params.name must be a tool's, params.arguments an object");
        return;
    }
    buf_init(&out, SIZE_MAX);
    if (face->call(face->ctx, name, arguments, &out, &is_error, &err)) {
        yyjson_mut_val *result = yyjson_mut_obj_add_obj(doc, answering->root, "result");
        yyjson_mut_val *content = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, result, "content"));
        yyjson_mut_obj_add_str(doc, content, "type", "text");
        yyjson_mut_obj_add_strncpy(doc, content, "text", out.len > 0 ? (const char *)out.ptr : "", out.len);
        yyjson_mut_obj_add_bool(doc, result, "isError", is_error);
    } else {
        error_put(answering, ERROR_PARAMS, err.text);
    }
    buf_deinit(&out);
}

static void method_run(struct answering *answering, const char *method, yyjson_val *params)
{
    if (strcmp(method, "initialize") == 0) {
        initialize(answering, params);
    } else if (strcmp(method, "ping") == 0) {
        yyjson_mut_obj_add_obj(answering->doc, answering->root, "result");
    } else if (strcmp(method, "tools/list") == 0) {
        tools_list(answering);
    } else if (strcmp(method, "tools/call") == 0) {
        tools_call(answering, params);
    } else {
        error_put(answering, ERROR_METHOD, "there is no such method here: initialize, ping, tools/list, tools/call");
    }
}

/* A request, a notification or an answer to nothing we asked; false: none of these. */
static bool message_read(yyjson_val *root, const char **method, yyjson_val **id, const char **wrong)
{
    yyjson_val *of = yyjson_obj_get(root, "method");
    *method = yyjson_get_str(of);
    *id = yyjson_obj_get(root, "id");
    *wrong = "a message is an object with jsonrpc \"2.0\", a method, and an id that is a text or a whole number; "
             "batches are not taken";
    if (!yyjson_is_obj(root) || !yyjson_equals_str(yyjson_obj_get(root, "jsonrpc"), "2.0")) return false;
    if (*id != NULL && !yyjson_is_str(*id) && !yyjson_is_int(*id)) return false;
    if (of == NULL) return yyjson_obj_get(root, "result") != NULL || yyjson_obj_get(root, "error") != NULL;
    return *method != NULL && !json_is_deep(root, DEPTH_MAX);
}

static void write(struct answering *answering, struct buf *out)
{
    size_t len = 0;
    char *text = yyjson_mut_write(answering->doc, 0, &len);
    if (text == NULL) { /* a text of a tool that is no UTF-8: theirs to mend */
        error_put(answering, ERROR_INTERNAL, "the answer could not be written");
        text = yyjson_mut_write(answering->doc, 0, &len);
    }
    if (text == NULL || !buf_add(out, text, len)) abort(); /* bounded by what the tools give */
    free(text);
}

int mcp_serve(const struct mcp_face *face, struct bytes version, struct bytes body, struct buf *out)
{
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *id = NULL;
    const char *method = NULL, *wrong = "the body is no JSON";
    struct answering answering = { .face = face, .doc = yyjson_mut_doc_new(NULL) };
    int status = 200;
    answering.root = yyjson_mut_obj(answering.doc);
    yyjson_mut_doc_set_root(answering.doc, answering.root);
    yyjson_mut_obj_add_str(answering.doc, answering.root, "jsonrpc", "2.0");
    if (doc == NULL || !message_read(root, &method, &id, &wrong)) {
        status = 400;
        yyjson_mut_obj_add_null(answering.doc, answering.root, "id");
        error_put(&answering, doc == NULL ? ERROR_PARSE : ERROR_REQUEST, wrong);
    } else if (version.len > 0 && version_find(version) == NULL) {
        status = 400;
        yyjson_mut_obj_add_val(answering.doc, answering.root, "id",
                               id != NULL ? yyjson_val_mut_copy(answering.doc, id) : yyjson_mut_null(answering.doc));
        error_put(&answering, ERROR_REQUEST, "mcp-protocol-version is one of 2025-06-18, " MCP_VERSION_LATEST);
    } else if (method == NULL || id == NULL) {
        status = 202; /* nothing to say */
    } else {
        yyjson_mut_obj_add_val(answering.doc, answering.root, "id", yyjson_val_mut_copy(answering.doc, id));
        method_run(&answering, method, yyjson_obj_get(root, "params"));
    }
    if (status != 202) write(&answering, out);
    yyjson_mut_doc_free(answering.doc);
    yyjson_doc_free(doc);
    return status;
}
