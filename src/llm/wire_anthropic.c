/* Anthropic's shape: POST /v1/messages. An answer by a schema is a call of a tool that has it. */
#include "llm/wire.h"

#include <stdio.h>

/* ---- out ---- */

static void text_block_put(yyjson_mut_doc *doc, yyjson_mut_val *content, struct bytes text)
{
    if (text.len == 0) return; /* empty blocks are refused */
    yyjson_mut_val *block = yyjson_mut_arr_add_obj(doc, content);
    yyjson_mut_obj_add_str(doc, block, "type", "text");
    yyjson_mut_obj_add_val(doc, block, "text", wire_text(doc, text));
}

static void call_block_put(yyjson_mut_doc *doc, yyjson_mut_val *content, const struct llm_call *call)
{
    yyjson_doc *read = yyjson_read((const char *)call->arguments.ptr, call->arguments.len, 0);
    yyjson_mut_val *block = yyjson_mut_arr_add_obj(doc, content), *input;
    input = read == NULL ? yyjson_mut_obj(doc) : yyjson_val_mut_copy(doc, yyjson_doc_get_root(read));
    yyjson_doc_free(read);
    yyjson_mut_obj_add_str(doc, block, "type", "tool_use");
    yyjson_mut_obj_add_val(doc, block, "id", wire_text(doc, call->id));
    yyjson_mut_obj_add_val(doc, block, "name", wire_text(doc, call->name));
    yyjson_mut_obj_add_val(doc, block, "input", input);
}

static void result_block_put(yyjson_mut_doc *doc, yyjson_mut_val *content, const struct llm_message *message)
{
    yyjson_mut_val *block = yyjson_mut_arr_add_obj(doc, content);
    yyjson_mut_obj_add_str(doc, block, "type", "tool_result");
    yyjson_mut_obj_add_val(doc, block, "tool_use_id", wire_text(doc, message->call_id));
    yyjson_mut_obj_add_val(doc, block, "content", wire_text(doc, message->text));
    if (message->is_error) yyjson_mut_obj_add_bool(doc, block, "is_error", true);
}

/* Results of tools are the user's; all of one turn are one message, and roles take turns. */
static void messages_put(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct llm_request *request)
{
    yyjson_mut_val *messages = yyjson_mut_obj_add_arr(doc, root, "messages"), *content = NULL;
    bool was_user = false;
    for (uint32_t m = 0; m < request->message_count; m++) {
        const struct llm_message *message = &request->messages[m];
        bool is_user = message->role != LLM_ASSISTANT;
        if (content == NULL || is_user != was_user) {
            yyjson_mut_val *into = yyjson_mut_arr_add_obj(doc, messages);
            yyjson_mut_obj_add_str(doc, into, "role", is_user ? "user" : "assistant");
            content = yyjson_mut_obj_add_arr(doc, into, "content");
        }
        was_user = is_user;
        if (message->role == LLM_TOOL) {
            result_block_put(doc, content, message);
            continue;
        }
        text_block_put(doc, content, message->text);
        for (uint32_t c = 0; c < message->call_count; c++) call_block_put(doc, content, &message->calls[c]);
    }
}

static bool tool_put(yyjson_mut_doc *doc, yyjson_mut_val *tools, const char *name, const char *description,
                     const char *parameters, struct err *err)
{
    yyjson_mut_val *schema = wire_json(doc, parameters, err);
    if (schema == NULL) return false;
    yyjson_mut_val *tool = yyjson_mut_arr_add_obj(doc, tools);
    yyjson_mut_obj_add_strcpy(doc, tool, "name", name);
    yyjson_mut_obj_add_strcpy(doc, tool, "description", description);
    yyjson_mut_obj_add_val(doc, tool, "input_schema", schema);
    return true;
}

static bool tools_put(yyjson_mut_doc *doc, yyjson_mut_val *root, uint32_t quirks, const struct llm_request *request,
                      struct err *err)
{
    static const char *const choices[] = { "auto", "any", "none" };
    if (request->tool_count == 0 && request->schema == NULL) return true;
    yyjson_mut_val *tools = yyjson_mut_obj_add_arr(doc, root, "tools");
    for (uint32_t t = 0; t < request->tool_count; t++) {
        const struct llm_tool *tool = &request->tools[t];
        if (!tool_put(doc, tools, tool->name, tool->description, tool->parameters, err)) return false;
    }
    if (request->schema != NULL &&
        !tool_put(doc, tools, wire_schema_name(request), "Gives the answer.", request->schema, err))
        return false;
    if ((quirks & WIRE_NO_TOOL_CHOICE) != 0) return true;
    if (request->schema != NULL) {
        yyjson_mut_val *choice = yyjson_mut_obj_add_obj(doc, root, "tool_choice");
        bool is_alone = request->tool_count == 0;
        yyjson_mut_obj_add_str(doc, choice, "type", is_alone ? "tool" : "any");
        if (is_alone) yyjson_mut_obj_add_strcpy(doc, choice, "name", wire_schema_name(request));
    } else if (request->tool_choice != LLM_TOOLS_AUTO) {
        yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, root, "tool_choice"), "type",
                               choices[request->tool_choice]);
    }
    return true;
}

yyjson_mut_val *wire_anthropic_request(yyjson_mut_doc *doc, uint32_t quirks, const char *model,
                                       const struct llm_request *request, struct err *err)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, root, "model", model);
    yyjson_mut_obj_add_uint(doc, root, "max_tokens",
                            request->output_tokens_max > 0 ? request->output_tokens_max : LLM_OUTPUT_TOKENS);
    if (request->system.len > 0) yyjson_mut_obj_add_val(doc, root, "system", wire_text(doc, request->system));
    messages_put(doc, root, request);
    if (!tools_put(doc, root, quirks, request, err)) return NULL;
    if (request->temperature >= 0 && (quirks & WIRE_NO_TEMPERATURE) == 0)
        yyjson_mut_obj_add_real(doc, root, "temperature", (double)request->temperature);
    yyjson_mut_obj_add_bool(doc, root, "stream", request->stream != NULL);
    return root;
}

/* ---- in ---- */

static void stop_read(struct wire_reader *reader, yyjson_val *reason)
{
    if (!yyjson_is_str(reason)) return;
    reader->has_stop = true;
    if (yyjson_equals_str(reason, "max_tokens")) reader->stop = LLM_STOP_LENGTH;
    if (yyjson_equals_str(reason, "refusal")) reader->stop = LLM_STOP_REFUSED;
    if (yyjson_equals_str(reason, "tool_use")) reader->stop = LLM_STOP_TOOLS;
}

/* What was read from or written to a cache was sent as well. */
static void usage_read(struct wire_reader *reader, yyjson_val *usage)
{
    static const char *const cached[] = { "cache_read_input_tokens", "cache_creation_input_tokens" };
    yyjson_val *input = yyjson_obj_get(usage, "input_tokens");
    if (yyjson_is_uint(input)) wire_tokens(input, &reader->input_tokens, &reader->has_input);
    for (size_t c = 0; c < COUNT_OF(cached) && yyjson_is_uint(input); c++) {
        uint64_t tokens = 0;
        bool has = false;
        wire_tokens(yyjson_obj_get(usage, cached[c]), &tokens, &has);
        reader->input_tokens += tokens;
    }
    wire_tokens(yyjson_obj_get(usage, "output_tokens"), &reader->output_tokens, &reader->has_output);
}

static bool block_begin(struct wire_reader *reader, yyjson_val *block, int64_t index, struct err *err)
{
    yyjson_val *type = yyjson_obj_get(block, "type");
    if (yyjson_equals_str(type, "text")) return wire_text_add(reader, yyjson_obj_get(block, "text"), err);
    if (!yyjson_equals_str(type, "tool_use")) return true; /* thinking, and what else there will be */
    struct wire_call *call = wire_call_at(reader, index, true, err);
    return call != NULL && wire_part_add(&call->id, yyjson_obj_get(block, "id"), err) &&
           wire_part_add(&call->name, yyjson_obj_get(block, "name"), err) &&
           wire_arguments_add(call, yyjson_obj_get(block, "input"), err);
}

static bool delta_read(struct wire_reader *reader, yyjson_val *delta, int64_t index, struct err *err)
{
    yyjson_val *type = yyjson_obj_get(delta, "type");
    if (yyjson_equals_str(type, "text_delta")) return wire_text_add(reader, yyjson_obj_get(delta, "text"), err);
    if (!yyjson_equals_str(type, "input_json_delta")) return true;
    for (uint32_t c = 0; c < reader->call_count; c++)
        if (reader->blocks[c] == index)
            return wire_part_add(&reader->calls[c].arguments, yyjson_obj_get(delta, "partial_json"), err);
    return wire_malformed(err, "arguments come before their call");
}

static void head_read(struct wire_reader *reader, yyjson_val *message)
{
    const char *model = yyjson_get_str(yyjson_obj_get(message, "model"));
    if (model != NULL) snprintf(reader->model, sizeof reader->model, "%.100s", model);
    usage_read(reader, yyjson_obj_get(message, "usage"));
}

bool wire_anthropic_event(struct wire_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *type = yyjson_obj_get(root, "type");
    int64_t index = yyjson_get_sint(yyjson_obj_get(root, "index"));
    if (yyjson_equals_str(type, "message_start")) {
        head_read(reader, yyjson_obj_get(root, "message"));
    } else if (yyjson_equals_str(type, "content_block_start")) {
        return block_begin(reader, yyjson_obj_get(root, "content_block"), index, err);
    } else if (yyjson_equals_str(type, "content_block_delta")) {
        return delta_read(reader, yyjson_obj_get(root, "delta"), index, err);
    } else if (yyjson_equals_str(type, "message_delta")) {
        stop_read(reader, yyjson_obj_get(yyjson_obj_get(root, "delta"), "stop_reason"));
        usage_read(reader, yyjson_obj_get(root, "usage"));
    } else if (yyjson_equals_str(type, "message_stop")) {
        reader->has_ended = true;
    }
    return true;
}

bool wire_anthropic_whole(struct wire_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *content = yyjson_obj_get(root, "content"), *block;
    size_t i, count;
    head_read(reader, root);
    if (!yyjson_is_arr(content)) return wire_malformed(err, "it has no content");
    yyjson_arr_foreach(content, i, count, block) if (!block_begin(reader, block, (int64_t)i, err)) return false;
    stop_read(reader, yyjson_obj_get(root, "stop_reason"));
    return true;
}
