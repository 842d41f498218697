#include "llm/wire.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"

#define STREAM_BYTES_MAX (16u << 20) /* all bytes of an answer, its JSON and events too */
#define TOKENS_MAX       100000000u

/* ---- where to ---- */

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

enum wire_api wire_url(const char *url, char full[WIRE_URL_BYTES])
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') len--;
    bool is_anthropic = ends_with(url, len, "/messages");
    bool is_whole = is_anthropic || ends_with(url, len, "/chat/completions");
    snprintf(full, WIRE_URL_BYTES, "%.*s%s", (int)len, url, is_whole ? "" : "/chat/completions");
    return is_anthropic ? WIRE_ANTHROPIC : WIRE_OPENAI;
}

/* ---- out ---- */

yyjson_mut_val *wire_json(yyjson_mut_doc *doc, const char *text, struct err *err)
{
    yyjson_doc *read = yyjson_read(text, strlen(text), 0);
    yyjson_mut_val *value = read == NULL ? NULL : yyjson_val_mut_copy(doc, yyjson_doc_get_root(read));
    yyjson_doc_free(read);
    if (value == NULL) err_set(err, ERR_INPUT, "a schema for the model is no JSON");
    return value;
}

/* Mended where it is no UTF-8: the JSON writer takes nothing else. */
yyjson_mut_val *wire_text(yyjson_mut_doc *doc, struct bytes text)
{
    if (utf8_is_valid(text)) return yyjson_mut_strncpy(doc, text.len > 0 ? (const char *)text.ptr : "", text.len);
    char *mended = mem_alloc(text.len);
    for (size_t i = 0; i < text.len; i++) mended[i] = text.ptr[i] < 0x80 ? (char)text.ptr[i] : '?';
    yyjson_mut_val *value = yyjson_mut_strncpy(doc, mended, text.len);
    free(mended);
    return value;
}

const char *wire_schema_name(const struct llm_request *request)
{
    return request->schema_name != NULL ? request->schema_name : "answer";
}

bool wire_request(enum wire_api api, uint32_t quirks, const char *model, const struct llm_request *request,
                  struct buf *body, struct err *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = api == WIRE_ANTHROPIC ? wire_anthropic_request(doc, quirks, model, request, err)
                                                 : wire_openai_request(doc, quirks, model, request, err);
    size_t len = 0;
    yyjson_mut_doc_set_root(doc, root);
    char *json = root == NULL ? NULL : yyjson_mut_write(doc, 0, &len);
    bool ok = json != NULL && len <= LLM_REQUEST_BYTES_MAX && buf_add(body, json, len);
    if (root != NULL && !ok)
        err_set(err, json == NULL ? ERR_INPUT : ERR_TOO_LARGE,
                json == NULL ? "the request for the model cannot be written as JSON"
                             : "the request for the model has %zu bytes, more than %u",
                len, LLM_REQUEST_BYTES_MAX);
    free(json);
    yyjson_mut_doc_free(doc);
    return ok;
}

/* ---- refusals ---- */

static bool says(struct bytes text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        size_t k = 0;
        while (k < len && tolower(text.ptr[i + k]) == word[k]) k++;
        if (k == len) return true;
    }
    return false;
}

uint32_t wire_learn(enum wire_api api, uint32_t quirks, const struct llm_request *request, struct bytes refusal)
{
    bool has_format = api == WIRE_OPENAI && request->schema != NULL && (quirks & WIRE_NO_JSON) == 0;
    bool has_tools = request->tool_count > 0 && request->tool_choice != LLM_TOOLS_AUTO;
    if (api == WIRE_OPENAI && (quirks & WIRE_COMPLETION_TOKENS) == 0 && says(refusal, "max_completion_tokens"))
        return quirks | WIRE_COMPLETION_TOKENS;
    if (request->temperature >= 0 && (quirks & WIRE_NO_TEMPERATURE) == 0 && says(refusal, "temperature"))
        return quirks | WIRE_NO_TEMPERATURE;
    if (api == WIRE_OPENAI && request->stream != NULL && (quirks & WIRE_NO_STREAM_OPTIONS) == 0 &&
        says(refusal, "stream_options"))
        return quirks | WIRE_NO_STREAM_OPTIONS;
    if (has_tools && (quirks & WIRE_NO_TOOL_CHOICE) == 0 && says(refusal, "tool_choice"))
        return quirks | WIRE_NO_TOOL_CHOICE;
    if (!has_format || !(says(refusal, "response_format") || says(refusal, "json_schema") ||
                         says(refusal, "json_object") || says(refusal, "schema")))
        return quirks;
    if ((quirks & WIRE_NO_SCHEMA) != 0) return quirks | WIRE_NO_JSON;
    if ((quirks & WIRE_NO_STRICT) == 0 && (says(refusal, "strict") || says(refusal, "invalid schema")))
        return quirks | WIRE_NO_STRICT;
    return quirks | WIRE_NO_SCHEMA;
}

static void words_copy(const char *text, size_t len, char words[WIRE_WORDS_BYTES])
{
    size_t cut = utf8_cut(bytes_from(text, len), WIRE_WORDS_BYTES - 1), at = 0;
    for (size_t i = 0; i < cut; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != 0x7F) {
            words[at++] = text[i];
        } else if (at > 0 && words[at - 1] != ' ') {
            words[at++] = ' ';
        }
    }
    words[at] = '\0';
}

static yyjson_val *message_of(yyjson_val *error)
{
    yyjson_val *inside = yyjson_obj_get(error, "error"), *message;
    if (inside != NULL) error = inside;
    if (yyjson_is_str(error)) return error;
    message = yyjson_obj_get(error, "message");
    return message != NULL ? message : yyjson_obj_get(error, "detail");
}

void wire_words(struct bytes refusal, char words[WIRE_WORDS_BYTES])
{
    yyjson_doc *doc = yyjson_read((const char *)refusal.ptr, refusal.len, 0);
    yyjson_val *message = message_of(yyjson_doc_get_root(doc));
    words[0] = '\0';
    if (yyjson_is_str(message)) words_copy(yyjson_get_str(message), yyjson_get_len(message), words);
    yyjson_doc_free(doc);
}

/* ---- in ---- */

bool wire_malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, "the model's server answered what is no answer: %s", what);
}

static bool too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the model's answer has more than %u bytes", LLM_ANSWER_BYTES_MAX);
}

bool wire_part_add(struct buf *to, yyjson_val *text, struct err *err)
{
    if (!yyjson_is_str(text)) return true;
    return buf_add(to, yyjson_get_str(text), yyjson_get_len(text)) || too_large(err);
}

static void piece_came(struct wire_reader *reader)
{
    if (reader->first_mono_ns == 0) reader->first_mono_ns = clock_mono_ns();
}

bool wire_text_add(struct wire_reader *reader, yyjson_val *text, struct err *err)
{
    size_t len = yyjson_get_len(text);
    if (!yyjson_is_str(text) || len == 0) return true;
    piece_came(reader);
    if (!wire_part_add(&reader->text, text, err)) return false;
    if (reader->stream == NULL) return true;
    reader->was_streamed = true;
    return reader->stream(reader->stream_ctx, bytes_from(yyjson_get_str(text), len)) ||
           err_set(err, ERR_CANCELLED, "the model's answer was given up");
}

struct wire_call *wire_call_at(struct wire_reader *reader, int64_t block, bool is_new, struct err *err)
{
    piece_came(reader);
    for (uint32_t c = reader->call_count; c-- > 0 && !is_new;)
        if (reader->blocks[c] == block) return &reader->calls[c];
    if (reader->call_count == LLM_CALLS_MAX) {
        err_set(err, ERR_TOO_LARGE, "the model made more than %d calls at once", LLM_CALLS_MAX);
        return NULL;
    }
    struct wire_call *call = &reader->calls[reader->call_count];
    reader->blocks[reader->call_count++] = block;
    buf_init(&call->id, 256);
    buf_init(&call->name, 64);
    buf_init(&call->arguments, LLM_ANSWER_BYTES_MAX);
    return call;
}

bool wire_arguments_add(struct wire_call *call, yyjson_val *arguments, struct err *err)
{
    size_t len = 0;
    if (!yyjson_is_obj(arguments)) return wire_part_add(&call->arguments, arguments, err);
    if (yyjson_obj_size(arguments) == 0) return true; /* the pieces follow, or there are none */
    char *json = yyjson_val_write(arguments, 0, &len);
    bool ok = json != NULL && buf_add(&call->arguments, json, len);
    free(json);
    return ok || too_large(err);
}

void wire_tokens(yyjson_val *value, uint64_t *tokens, bool *has)
{
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) > TOKENS_MAX) return;
    *tokens = yyjson_get_uint(value);
    *has = true;
}

bool wire_error_tell(struct wire_reader *reader, yyjson_val *error, struct err *err)
{
    char words[WIRE_WORDS_BYTES] = "";
    yyjson_val *message = message_of(error), *code = yyjson_obj_get(error, "code"),
               *type = yyjson_obj_get(error, "type");
    if (yyjson_is_str(message)) words_copy(yyjson_get_str(message), yyjson_get_len(message), words);
    reader->status = yyjson_is_int(code) && yyjson_get_int(code) >= 400 && yyjson_get_int(code) < 600
                         ? yyjson_get_int(code)
                     : yyjson_equals_str(type, "overloaded_error") ? 529
                     : yyjson_equals_str(type, "rate_limit_error") ? 429
                                                                   : 500;
    return err_set(err, reader->status == 429 ? ERR_QUOTA : ERR_IO, "the model's server failed within its answer: %s",
                   words[0] != '\0' ? words : "it does not say why");
}

static bool event_read(void *ctx, struct bytes data, struct err *err)
{
    struct wire_reader *reader = ctx;
    if (reader->has_ended) return true;
    if (bytes_equal(data, BYTES("[DONE]"))) {
        reader->has_ended = true;
        return true;
    }
    yyjson_doc *doc = yyjson_read((const char *)data.ptr, data.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *error = yyjson_obj_get(root, "error");
    bool ok;
    if (!yyjson_is_obj(root)) {
        ok = wire_malformed(err, "an event is no JSON object");
    } else if (error != NULL && !yyjson_is_null(error)) {
        ok = wire_error_tell(reader, error, err);
    } else {
        ok = reader->api == WIRE_ANTHROPIC ? wire_anthropic_event(reader, root, err)
                                           : wire_openai_event(reader, root, err);
    }
    yyjson_doc_free(doc);
    return ok;
}

void wire_reader_init(struct wire_reader *reader, enum wire_api api, bool (*stream)(void *ctx, struct bytes piece),
                      void *stream_ctx)
{
    *reader = (struct wire_reader){ .api = api, .stream = stream, .stream_ctx = stream_ctx };
    buf_init(&reader->whole, STREAM_BYTES_MAX);
    buf_init(&reader->text, LLM_ANSWER_BYTES_MAX);
    sse_init(&reader->sse, event_read, reader);
}

void wire_reader_deinit(struct wire_reader *reader)
{
    buf_deinit(&reader->whole);
    buf_deinit(&reader->text);
    sse_deinit(&reader->sse);
    for (uint32_t c = 0; c < reader->call_count; c++) {
        buf_deinit(&reader->calls[c].id);
        buf_deinit(&reader->calls[c].name);
        buf_deinit(&reader->calls[c].arguments);
    }
}

bool wire_reader_feed(struct wire_reader *reader, struct bytes bytes)
{
    if (reader->err.code != ERR_OK || bytes.len == 0) return reader->err.code == ERR_OK;
    reader->bytes += bytes.len;
    if (reader->bytes > STREAM_BYTES_MAX) return too_large(&reader->err);
    size_t skip = 0;
    while (!reader->is_decided && skip < bytes.len && isspace(bytes.ptr[skip])) skip++;
    if (!reader->is_decided &&
        skip < bytes.len) { /* events begin with a letter or a colon; whoever cannot stream sends JSON */
        reader->is_decided = true;
        reader->is_whole = bytes.ptr[skip] == '{';
    }
    bytes = bytes_from(bytes.ptr + skip, bytes.len - skip);
    if (bytes.len == 0) return true;
    if (reader->is_whole) return buf_add(&reader->whole, bytes.ptr, bytes.len) || too_large(&reader->err);
    return sse_feed(&reader->sse, bytes, &reader->err);
}

static bool whole_read(struct wire_reader *reader, struct err *err)
{
    yyjson_read_err failed;
    yyjson_doc *doc = yyjson_read_opts((char *)reader->whole.ptr, reader->whole.len, 0, NULL, &failed);
    yyjson_val *root = yyjson_doc_get_root(doc), *error = yyjson_obj_get(root, "error");
    bool ok;
    if (root == NULL) {
        reader->is_cut = failed.code == YYJSON_READ_ERROR_UNEXPECTED_END;
        ok = wire_malformed(err, reader->is_cut ? "it is cut" : "it is no JSON");
    } else if (error != NULL && !yyjson_is_null(error)) {
        ok = wire_error_tell(reader, error, err);
    } else {
        ok = reader->api == WIRE_ANTHROPIC ? wire_anthropic_whole(reader, root, err)
                                           : wire_openai_whole(reader, root, err);
    }
    yyjson_doc_free(doc);
    return ok;
}

/* Names go into requests and pages: only what a tool may be called. */
static bool name_is_right(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.ptr[i]) && name.ptr[i] != '_' && name.ptr[i] != '-') return false;
    return name.len > 0;
}

static bool calls_copy(struct wire_reader *reader, struct arena *arena, struct llm_answer *answer, struct err *err)
{
    struct llm_call *calls = arena_calloc(arena, (reader->call_count + 1) * sizeof *calls);
    for (uint32_t c = 0; c < reader->call_count; c++) {
        struct wire_call *call = &reader->calls[c];
        struct bytes arguments = call->arguments.len > 0 ? buf_bytes(&call->arguments) : BYTES("{}");
        yyjson_doc *doc = yyjson_read((const char *)arguments.ptr, arguments.len, 0);
        bool is_object = yyjson_is_obj(yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
        if (!name_is_right(buf_bytes(&call->name)))
            return wire_malformed(err, "a call has no name that a tool can have");
        if (!is_object) return wire_malformed(err, "the arguments of a call are no JSON object");
        calls[c].name = arena_copy(arena, buf_bytes(&call->name));
        calls[c].arguments = arena_copy(arena, arguments);
        /* Some servers name no call; the answer to it needs a name all the same. */
        calls[c].id = call->id.len > 0 ? arena_copy(arena, buf_bytes(&call->id))
                                       : bytes_of_text(arena_printf(arena, "call_%" PRIu32, c + 1));
    }
    answer->calls = calls;
    answer->call_count = reader->call_count;
    return true;
}

bool wire_reader_end(struct wire_reader *reader, struct arena *arena, struct llm_answer *answer, struct err *err)
{
    if (reader->err.code != ERR_OK) {
        *err = reader->err;
        return false;
    }
    if (!reader->is_decided) {
        reader->is_cut = true;
        return wire_malformed(err, "it is empty");
    }
    if (reader->is_whole) {
        if (!whole_read(reader, err)) return false;
    } else if (!reader->has_ended && !reader->has_stop) {
        reader->is_cut = true;
        return wire_malformed(err, "it is cut");
    }
    if (!calls_copy(reader, arena, answer, err)) return false;
    answer->text = arena_copy(arena, buf_bytes(&reader->text));
    answer->stop = reader->call_count > 0 && reader->stop == LLM_STOP_END ? LLM_STOP_TOOLS : reader->stop;
    answer->model = arena_copy(arena, bytes_of_text(reader->model));
    answer->is_estimated = !reader->has_input || !reader->has_output;
    answer->input_tokens = reader->input_tokens;
    answer->output_tokens = reader->output_tokens;
    return true;
}
