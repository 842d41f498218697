/* llm.h -- asks a language model: one face for every server that speaks OpenAI's chat API or Anthropic's.
 *
 *   ask, issues --struct llm_request--> llm_ask --settings.h: whose model?--> --usage.h: reserve--> --wire.h: bytes-->
 *                                          |                                    net/http_client --> the model's server
 *               <--struct llm_answer-------'<--audit.h, usage.h: settle-- schema? --wire.h: text, calls, tokens--'
 *
 * A model is a URL, a name and a key. A URL whose path ends with /messages is spoken to as Anthropic has it, any other as
 * OpenAI has it (also Ollama, llama.cpp, vLLM: their /v1). What a server does not take (schemas, stream_options,
 * max_tokens ...) is found out from its refusal, done without, and remembered.
 *
 * What models are told of telemetry is text of strangers: put it between fences (llm/fence.h). What they answer is, too:
 * show it by llm_plain (llm/plain.h), never as HTML or Markdown, and let nothing it says do more than who asked may do.
 *
 * Limits: a request 1 MiB, an answer LLM_ANSWER_BYTES_MAX; 10 s to connect, 60 s to the first token (and between two),
 * total_ms_max for everything. Up to LLM_RETRIES_MAX further tries after 408, 409, 429, 5xx and broken connections, with
 * jitter, or as long as Retry-After says when that ends in time. Nothing is tried again once a piece of the answer was
 * handed to stream. Redirects are not followed; proxies of the environment are not used; certificates are checked.
 * A project's own URL must lead to a public address (looked up, checked and connected to as one step), unless the operator
 * allows others.
 * Thread: any; llm_ask blocks. Memory: answers in the caller's arena.
 * Errors: ERR_UNSUPPORTED no model is set up, or it is off; ERR_QUOTA the budget is used up (the text says until when), or
 *         the model's server says "later"; ERR_TIMEOUT; ERR_CANCELLED; ERR_FORBIDDEN a private address; ERR_TOO_LARGE the
 *         request or the answer; ERR_IO all else that the model's server did; those of db. Keys are never in a text. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include <stdatomic.h>
struct db;
struct llm;

#define LLM_REQUEST_BYTES_MAX (1u << 20)
#define LLM_ANSWER_BYTES_MAX  (1u << 20)
#define LLM_CALLS_MAX         32
#define LLM_TOOLS_MAX         128
#define LLM_RETRIES_MAX       3
#define LLM_TOTAL_MS          120000 /* where a request says nothing */
#define LLM_OUTPUT_TOKENS     1024   /* the same */

/* ---- what is asked ---- */

enum llm_role { LLM_USER, LLM_ASSISTANT, LLM_TOOL };
/* The model wants a tool: arguments is a JSON object's text. */
struct llm_call {
    struct bytes id, name, arguments;
};
struct llm_message {
    enum llm_role role;
    struct bytes text;            /* of LLM_TOOL: what the tool answered */
    const struct llm_call *calls; /* of LLM_ASSISTANT */
    uint32_t call_count;
    struct bytes call_id; /* of LLM_TOOL: the call that it answers */
    bool is_error;        /* of LLM_TOOL: it failed, the text says why */
};
struct llm_tool {
    const char *name, *description; /* [A-Za-z0-9_-]{1,64} */
    const char *parameters;         /* JSON Schema of its arguments, an object */
};
enum llm_tool_choice { LLM_TOOLS_AUTO, LLM_TOOLS_NEEDED, LLM_TOOLS_NONE };
struct llm_request {
    struct uuid project_id;
    const char *purpose; /* "ask", "errors", "test": usage, audit and metrics name it; a constant */
    const char *actor;   /* for the audit: an e-mail, a key's prefix, "monoscope"; NULL: "monoscope" */
    struct bytes system; /* empty: none */
    const struct llm_message *messages;
    uint32_t message_count;
    const struct llm_tool *tools;
    uint32_t tool_count;
    enum llm_tool_choice tool_choice;
    /* The answer is to be JSON of this schema (base/json_schema.h says what it may have; its top is an object). One that does
     * not fit is told so and asked once more. With tools it may call these first. NULL: text. */
    const char *schema;
    const char *schema_name;    /* [a-z_]{1,64}; NULL: "answer" */
    uint32_t output_tokens_max; /* 0: LLM_OUTPUT_TOKENS */
    uint32_t total_ms_max;      /* 0: LLM_TOTAL_MS */
    float temperature;          /* below 0: the server's own. With schema 0 is what one wants */
    /* Text as it comes, on another thread; false: enough, llm_ask answers ERR_CANCELLED. Not with schema. NULL: whole. */
    bool (*stream)(void *ctx, struct bytes piece);
    void *stream_ctx;
    const atomic_bool *cancel; /* NULL: none */
};

/* ---- what is answered ---- */

enum llm_stop {
    LLM_STOP_END,
    LLM_STOP_TOOLS,   /* calls are to be answered */
    LLM_STOP_LENGTH,  /* cut at output_tokens_max */
    LLM_STOP_REFUSED, /* by the model or a filter before it */
};
struct llm_answer {
    struct bytes text; /* valid UTF-8 */
    struct bytes json; /* with schema and without calls: fits it */
    const struct llm_call *calls;
    uint32_t call_count;
    enum llm_stop stop;
    struct bytes model; /* as the server names it */
    uint64_t input_tokens, output_tokens;
    bool is_estimated; /* the server did not say: counted from bytes */
    int64_t cost_micros;
    uint32_t tries, first_ms, total_ms; /* first_ms: to the first piece, with stream */
};
MUST_CHECK bool llm_ask(struct llm *llm, const struct llm_request *request, struct arena *arena,
                        struct llm_answer *answer, struct err *err);

/* A text without the secrets that are taken out of what is kept; appended to out. False: it could not be done. */
MUST_CHECK bool llm_redact(const struct llm *llm, struct bytes text, struct buf *out);

/* Is there a model for the project, and may it be used? (Budgets are not looked at.) name: for people, "gpt-x at host". */
MUST_CHECK bool llm_is_there(struct llm *llm, struct uuid project_id, bool *is_there, char name[160], struct err *err);

/* ---- life ---- */

struct llm_options {
    struct db *db;
    const struct log *log;
    const char *url, *model; /* of the server; url NULL or empty: none */
    const char *key;         /* NULL or empty: none is sent; copied */
    const char *ca_file;     /* whom the server's URL may be signed by; NULL: the system's */
    const char *seal_secret; /* beside the database's secret: who has the database alone cannot open keys. NULL: none */
    bool allows_private;     /* projects' URLs may lead anywhere */
    int64_t input_price_micros, output_price_micros; /* a million tokens of the server's model */
    int64_t tokens_day, tokens_month, cost_day_micros,
        cost_month_micros; /* of each project at the server's model; 0: none */
    bool audit;            /* where a project says nothing */
    uint32_t audit_days;   /* the same */
    bool ask;              /* the same: may questions in plain English go to a model */
    /* Takes secrets out of a text before it is kept; appends to out. False: it could not, nothing is kept. NULL: texts are
     * not kept at all. Any thread. */
    bool (*redact)(void *ctx, struct bytes text, struct buf *out);
    void *redact_ctx;
    uint32_t first_ms_max; /* 0: 60 s; to the first token, and between two */
};
/* ERR_INPUT: a URL that is none. */
MUST_CHECK bool llm_open(struct llm **llm, const struct llm_options *options, struct err *err);
void llm_close(struct llm *llm); /* NULL is fine; no call may be running */
/* What is past its time: audit rows, reservations of processes that died. Once a minute or so; any process. */
MUST_CHECK bool llm_sweep(struct llm *llm, struct err *err);

struct llm_stats {
    uint64_t requests, failures, retries, schema_retries; /* failures: of requests, after all tries */
    uint64_t refused;                                     /* over a budget */
    uint64_t input_tokens, output_tokens, cost_micros;
    uint64_t audit_lost; /* rows that could not be written */
    uint32_t running;
};
void llm_stats(const struct llm *llm, struct llm_stats *stats);
