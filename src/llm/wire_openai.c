/* OpenAI's shape: POST /chat/completions, and what differs among those who speak it. */
#include "llm/wire.h"

#include <stdio.h>

/* ---- out ---- */

static void calls_put(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct llm_message *message)
{
    yyjson_mut_val *calls = yyjson_mut_obj_add_arr(doc, into, "tool_calls");
    for (uint32_t c = 0; c < message->call_count; c++) {
        yyjson_mut_val *call = yyjson_mut_arr_add_obj(doc, calls);
        yyjson_mut_obj_add_val(doc, call, "id", wire_text(doc, message->calls[c].id));
        yyjson_mut_obj_add_str(doc, call, "type", "function");
        yyjson_mut_val *function = yyjson_mut_obj_add_obj(doc, call, "function");
        yyjson_mut_obj_add_val(doc, function, "name", wire_text(doc, message->calls[c].name));
        yyjson_mut_obj_add_val(doc, function, "arguments", wire_text(doc, message->calls[c].arguments));
    }
}

static void message_put(yyjson_mut_doc *doc, yyjson_mut_val *messages, const struct llm_message *message)
{
    static const char *const roles[] = { "user", "assistant", "tool" };
    yyjson_mut_val *into = yyjson_mut_arr_add_obj(doc, messages);
    yyjson_mut_obj_add_str(doc, into, "role", roles[message->role]);
    if (message->role == LLM_TOOL) yyjson_mut_obj_add_val(doc, into, "tool_call_id", wire_text(doc, message->call_id));
    if (message->role == LLM_ASSISTANT && message->text.len == 0 && message->call_count > 0) {
        yyjson_mut_obj_add_null(doc, into, "content");
    } else {
        yyjson_mut_obj_add_val(doc, into, "content", wire_text(doc, message->text));
    }
    if (message->role == LLM_ASSISTANT && message->call_count > 0) calls_put(doc, into, message);
}

/* The schema in words where the server has no other way to be told. */
static void system_put(yyjson_mut_doc *doc, yyjson_mut_val *messages, uint32_t quirks,
                       const struct llm_request *request)
{
    bool in_words = request->schema != NULL && (quirks & (WIRE_NO_SCHEMA | WIRE_NO_JSON)) != 0;
    struct buf text;
    if (!in_words && request->system.len == 0) return;
    buf_init(&text, SIZE_MAX);
    bool ok = buf_add(&text, request->system.ptr, request->system.len) &&
              (!in_words ||
               buf_printf(&text, "%s" WIRE_SCHEMA_WORDS "%s", request->system.len > 0 ? "\n\n" : "", request->schema));
    assert(ok); /* it may be of any size */
    yyjson_mut_val *into = yyjson_mut_arr_add_obj(doc, messages);
    yyjson_mut_obj_add_str(doc, into, "role", "system");
    yyjson_mut_obj_add_val(doc, into, "content", wire_text(doc, buf_bytes(&text)));
    buf_deinit(&text);
}

static bool tools_put(yyjson_mut_doc *doc, yyjson_mut_val *root, uint32_t quirks, const struct llm_request *request,
                      struct err *err)
{
    static const char *const choices[] = { "auto", "required", "none" };
    if (request->tool_count == 0) return true;
    yyjson_mut_val *tools = yyjson_mut_obj_add_arr(doc, root, "tools");
    for (uint32_t t = 0; t < request->tool_count; t++) {
        yyjson_mut_val *parameters = wire_json(doc, request->tools[t].parameters, err);
        if (parameters == NULL) return false;
        yyjson_mut_val *tool = yyjson_mut_arr_add_obj(doc, tools);
        yyjson_mut_obj_add_str(doc, tool, "type", "function");
        yyjson_mut_val *function = yyjson_mut_obj_add_obj(doc, tool, "function");
        yyjson_mut_obj_add_strcpy(doc, function, "name", request->tools[t].name);
        yyjson_mut_obj_add_strcpy(doc, function, "description", request->tools[t].description);
        yyjson_mut_obj_add_val(doc, function, "parameters", parameters);
    }
    if (request->tool_choice != LLM_TOOLS_AUTO && (quirks & WIRE_NO_TOOL_CHOICE) == 0)
        yyjson_mut_obj_add_str(doc, root, "tool_choice", choices[request->tool_choice]);
    return true;
}

static bool format_put(yyjson_mut_doc *doc, yyjson_mut_val *root, uint32_t quirks, const struct llm_request *request,
                       struct err *err)
{
    if (request->schema == NULL || (quirks & WIRE_NO_JSON) != 0) return true;
    yyjson_mut_val *format = yyjson_mut_obj_add_obj(doc, root, "response_format");
    if ((quirks & WIRE_NO_SCHEMA) != 0) return yyjson_mut_obj_add_str(doc, format, "type", "json_object");
    yyjson_mut_val *schema = wire_json(doc, request->schema, err);
    if (schema == NULL) return false;
    yyjson_mut_obj_add_str(doc, format, "type", "json_schema");
    yyjson_mut_val *named = yyjson_mut_obj_add_obj(doc, format, "json_schema");
    yyjson_mut_obj_add_strcpy(doc, named, "name", wire_schema_name(request));
    yyjson_mut_obj_add_val(doc, named, "schema", schema);
    if ((quirks & WIRE_NO_STRICT) == 0) yyjson_mut_obj_add_bool(doc, named, "strict", true);
    return true;
}

yyjson_mut_val *wire_openai_request(yyjson_mut_doc *doc, uint32_t quirks, const char *model,
                                    const struct llm_request *request, struct err *err)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    uint32_t tokens = request->output_tokens_max > 0 ? request->output_tokens_max : LLM_OUTPUT_TOKENS;
    yyjson_mut_obj_add_strcpy(doc, root, "model", model);
    yyjson_mut_val *messages = yyjson_mut_obj_add_arr(doc, root, "messages");
    system_put(doc, messages, quirks, request);
    for (uint32_t m = 0; m < request->message_count; m++) message_put(doc, messages, &request->messages[m]);
    if (!tools_put(doc, root, quirks, request, err) || !format_put(doc, root, quirks, request, err)) return NULL;
    yyjson_mut_obj_add_uint(doc, root, (quirks & WIRE_COMPLETION_TOKENS) != 0 ? "max_completion_tokens" : "max_tokens",
                            tokens);
    if (request->temperature >= 0 && (quirks & WIRE_NO_TEMPERATURE) == 0)
        yyjson_mut_obj_add_real(doc, root, "temperature", (double)request->temperature);
    yyjson_mut_obj_add_bool(doc, root, "stream", request->stream != NULL);
    if (request->stream != NULL && (quirks & WIRE_NO_STREAM_OPTIONS) == 0)
        yyjson_mut_obj_add_bool(doc, yyjson_mut_obj_add_obj(doc, root, "stream_options"), "include_usage", true);
    return root;
}

/* ---- in ---- */

static void stop_read(struct wire_reader *reader, yyjson_val *reason)
{
    if (!yyjson_is_str(reason)) return;
    reader->has_stop = true;
    if (yyjson_equals_str(reason, "length")) reader->stop = LLM_STOP_LENGTH;
    if (yyjson_equals_str(reason, "content_filter")) reader->stop = LLM_STOP_REFUSED;
    if (yyjson_equals_str(reason, "tool_calls")) reader->stop = LLM_STOP_TOOLS;
}

static void head_read(struct wire_reader *reader, yyjson_val *root)
{
    yyjson_val *usage = yyjson_obj_get(root, "usage");
    const char *model = yyjson_get_str(yyjson_obj_get(root, "model"));
    if (model != NULL && reader->model[0] == '\0') snprintf(reader->model, sizeof reader->model, "%.100s", model);
    wire_tokens(yyjson_obj_get(usage, "prompt_tokens"), &reader->input_tokens, &reader->has_input);
    wire_tokens(yyjson_obj_get(usage, "completion_tokens"), &reader->output_tokens, &reader->has_output);
}

/* Usually a text; some servers send parts. */
static bool content_read(struct wire_reader *reader, yyjson_val *content, struct err *err)
{
    yyjson_val *part;
    size_t i, count;
    if (!yyjson_is_arr(content)) return wire_text_add(reader, content, err);
    yyjson_arr_foreach(content, i, count,
                       part) if (!wire_text_add(reader, yyjson_obj_get(part, "text"), err)) return false;
    return true;
}

/* A piece of a call: the first has id and name, all have some of the arguments. Ollama sends whole calls that all have index 0
 * and ids of their own. */
static bool call_read(struct wire_reader *reader, yyjson_val *piece, int64_t index_usual, struct err *err)
{
    yyjson_val *function = yyjson_obj_get(piece, "function"), *id = yyjson_obj_get(piece, "id");
    yyjson_val *index = yyjson_obj_get(piece, "index");
    int64_t block = yyjson_is_int(index) ? yyjson_get_sint(index) : index_usual;
    if (!yyjson_is_obj(function)) return wire_malformed(err, "a call has no function");
    struct wire_call *call = wire_call_at(reader, block, false, err);
    if (call == NULL) return false;
    bool has_id = yyjson_is_str(id) && yyjson_get_len(id) > 0;
    if (has_id && call->id.len > 0 &&
        !bytes_equal(buf_bytes(&call->id), bytes_from(yyjson_get_str(id), yyjson_get_len(id)))) {
        call = wire_call_at(reader, block, true, err);
        if (call == NULL) return false;
    }
    bool is_first = call->name.len == 0; /* some repeat id and name in every piece */
    return (!has_id || call->id.len > 0 || wire_part_add(&call->id, id, err)) &&
           (!is_first || wire_part_add(&call->name, yyjson_obj_get(function, "name"), err)) &&
           wire_arguments_add(call, yyjson_obj_get(function, "arguments"), err);
}

static bool message_read(struct wire_reader *reader, yyjson_val *message, struct err *err)
{
    yyjson_val *refusal = yyjson_obj_get(message, "refusal"), *calls = yyjson_obj_get(message, "tool_calls"), *one;
    size_t i, count;
    if (!content_read(reader, yyjson_obj_get(message, "content"), err)) return false;
    if (yyjson_is_str(refusal) && yyjson_get_len(refusal) > 0) {
        reader->stop = LLM_STOP_REFUSED;
        if (!wire_text_add(reader, refusal, err)) return false;
    }
    yyjson_arr_foreach(calls, i, count, one) if (!call_read(reader, one, (int64_t)i, err)) return false;
    return true;
}

bool wire_openai_event(struct wire_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(root, "choices"));
    head_read(reader, root);
    if (choice == NULL) return true; /* the usage comes last, without choices */
    if (!message_read(reader, yyjson_obj_get(choice, "delta"), err)) return false;
    stop_read(reader, yyjson_obj_get(choice, "finish_reason"));
    return true;
}

bool wire_openai_whole(struct wire_reader *reader, yyjson_val *root, struct err *err)
{
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(root, "choices"));
    yyjson_val *message = yyjson_obj_get(choice, "message");
    head_read(reader, root);
    if (!yyjson_is_obj(message)) return wire_malformed(err, "it has no message");
    if (!message_read(reader, message, err)) return false;
    stop_read(reader, yyjson_obj_get(choice, "finish_reason"));
    return true;
}
