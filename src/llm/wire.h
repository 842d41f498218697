/* wire.h -- what goes over the wire to a model's server and what comes back, in both shapes there are. No I/O.
 *
 *   struct llm_request --wire_request--> JSON for POST url/chat/completions   (OpenAI, Ollama, llama.cpp, vLLM ...)
 *                                   '--> JSON for POST url/v1/messages        (Anthropic)
 *   bytes of the answer, in pieces --wire_reader_feed--> whole JSON, or server-sent events --wire_reader_end--> struct llm_answer
 *
 * A quirk is something that a server does not take: wire_learn finds it in the words of a refusal, wire_request does without.
 * Thread: one owner of a reader. Memory: a reader holds what came, at most LLM_ANSWER_BYTES_MAX of text and of arguments.
 * Errors: ERR_IO an answer that is none (malformed, or cut: reader.is_cut); ERR_TOO_LARGE; ERR_CANCELLED from stream.
 * Source: OpenAI "Chat Completions", Anthropic "Messages" (anthropic-version 2023-06-01), as of their published references. */
#pragma once
#include "llm/llm.h"
#include "llm/sse.h"
#include <yyjson.h>

enum wire_api { WIRE_OPENAI, WIRE_ANTHROPIC };
enum wire_quirk {
    WIRE_NO_STRICT = 1,         /* response_format's "strict" */
    WIRE_NO_SCHEMA = 2,         /* response_format json_schema: json_object then, and the schema in words */
    WIRE_NO_JSON = 4,           /* neither: in words alone */
    WIRE_COMPLETION_TOKENS = 8, /* wants max_completion_tokens for max_tokens */
    WIRE_NO_TEMPERATURE = 16,
    WIRE_NO_STREAM_OPTIONS = 32, /* then usage is estimated */
    WIRE_NO_TOOL_CHOICE = 64,
};
#define WIRE_URL_BYTES 640
/* Which it is, and where requests go: url itself when it ends with the API's path, else with /chat/completions behind. */
enum wire_api wire_url(const char *url, char full[WIRE_URL_BYTES]);
/* The request's body. ERR_TOO_LARGE over LLM_REQUEST_BYTES_MAX; ERR_INPUT: a schema or tool of the caller is no JSON. */
MUST_CHECK bool wire_request(enum wire_api api, uint32_t quirks, const char *model, const struct llm_request *request,
                             struct buf *body, struct err *err);
/* What a refusal says cannot be had: the quirks as they are from now on; the same as before when it says nothing. */
uint32_t wire_learn(enum wire_api api, uint32_t quirks, const struct llm_request *request, struct bytes refusal);
#define WIRE_WORDS_BYTES 160
/* What the server says is wrong, for a person: one line, cut, no control characters; empty: it says nothing. */
void wire_words(struct bytes refusal, char words[WIRE_WORDS_BYTES]);

struct wire_call {
    struct buf id, name, arguments;
};
struct wire_reader {
    enum wire_api api;
    bool (*stream)(void *ctx, struct bytes piece);
    void *stream_ctx;
    bool is_decided, is_whole; /* which of the two it is */
    bool has_ended;            /* the last word came */
    bool is_cut;               /* out: bytes are missing at its end */
    bool was_streamed;         /* out: the caller has a piece */
    int status;                /* out: of an error inside a good answer: 429, 529 ..., else 0 */
    uint64_t bytes;            /* all that came */
    uint64_t first_mono_ns;    /* of the first piece of text or call; 0: none yet */
    struct buf whole, text;
    struct sse sse;
    struct wire_call calls[LLM_CALLS_MAX];
    int64_t blocks[LLM_CALLS_MAX]; /* the API's own index of each call */
    uint32_t call_count;
    enum llm_stop stop;
    bool has_stop, has_input, has_output;
    uint64_t input_tokens, output_tokens;
    char model[128];
    struct err err; /* of feed */
};
void wire_reader_init(struct wire_reader *reader, enum wire_api api, bool (*stream)(void *ctx, struct bytes piece),
                      void *stream_ctx);
void wire_reader_deinit(struct wire_reader *reader);
/* False: enough, reader->err says why. */
bool wire_reader_feed(struct wire_reader *reader, struct bytes bytes);
/* All came. answer: text, calls, stop, model, tokens; copied into the arena. */
MUST_CHECK bool wire_reader_end(struct wire_reader *reader, struct arena *arena, struct llm_answer *answer,
                                struct err *err);

/* ---- for the files of wire ---- */

#define WIRE_SCHEMA_WORDS \
    "Answer with one JSON object and nothing else, not in a code block. It must fit this JSON Schema:\n"
MUST_CHECK bool wire_openai_event(struct wire_reader *reader, yyjson_val *root, struct err *err);
MUST_CHECK bool wire_openai_whole(struct wire_reader *reader, yyjson_val *root, struct err *err);
MUST_CHECK bool wire_anthropic_event(struct wire_reader *reader, yyjson_val *root, struct err *err);
MUST_CHECK bool wire_anthropic_whole(struct wire_reader *reader, yyjson_val *root, struct err *err);
MUST_CHECK bool wire_text_add(struct wire_reader *reader, yyjson_val *text, struct err *err);
/* The call of that index; a new one is made when there is none. NULL: there are too many. */
struct wire_call *wire_call_at(struct wire_reader *reader, int64_t block, bool is_new, struct err *err);
MUST_CHECK bool wire_part_add(struct buf *to, yyjson_val *text, struct err *err);
/* An object's text, or the text as it is. */
MUST_CHECK bool wire_arguments_add(struct wire_call *call, yyjson_val *arguments, struct err *err);
void wire_tokens(yyjson_val *value, uint64_t *tokens, bool *has);
/* {"error": ...} inside a good answer. */
MUST_CHECK bool wire_error_tell(struct wire_reader *reader, yyjson_val *error, struct err *err);
bool wire_malformed(struct err *err, const char *what);                            /* false */
yyjson_mut_val *wire_json(yyjson_mut_doc *doc, const char *text, struct err *err); /* NULL: it is none */
yyjson_mut_val *wire_text(yyjson_mut_doc *doc, struct bytes text);
yyjson_mut_val *wire_openai_request(yyjson_mut_doc *doc, uint32_t quirks, const char *model,
                                    const struct llm_request *request, struct err *err);
yyjson_mut_val *wire_anthropic_request(yyjson_mut_doc *doc, uint32_t quirks, const char *model,
                                       const struct llm_request *request, struct err *err);
const char *wire_schema_name(const struct llm_request *request);
