#include "llm/llm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json_schema.h"
#include "base/sha256.h"
#include "llm/llm_inside.h"
#include "meta/secret.h"
#include "net/http_client.h"

#define FIRST_MS          60000
#define EXCHANGES_MAX     32
#define AUDIT_SWEEP_EVERY 10 /* sweeps */
#define SEAL_SECRET_NAME  "llm_keys"

/* ---- life ---- */

static char *copied(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : mem_strdup(text);
}

static bool options_check(const struct llm_options *options, struct err *err)
{
    if (options->url == NULL || options->url[0] == '\0') return true;
    if (!http_client_url_check(options->url, err)) return err_within(err, "--llm-url");
    if (strlen(options->url) >= LLM_URL_BYTES) return err_set(err, ERR_INPUT, "--llm-url is too long");
    if (options->model == NULL || options->model[0] == '\0')
        return err_set(err, ERR_INPUT, "--llm-url without --llm-model: which model is to be asked there");
    if (strlen(options->model) >= LLM_MODEL_BYTES) return err_set(err, ERR_INPUT, "--llm-model is too long");
    if (options->key != NULL && strlen(options->key) >= LLM_KEY_BYTES)
        return err_set(err, ERR_INPUT, "the key of the language model is too long");
    return true;
}

bool llm_open(struct llm **out, const struct llm_options *options, struct err *err)
{
    uint8_t secret[SECRET_BYTES];
    *out = NULL;
    if (!options_check(options, err) || !secret_find(options->db, SEAL_SECRET_NAME, secret, err)) return false;
    struct llm *llm = mem_calloc(1, sizeof *llm);
    struct http_client_options own = { .exchanges_max = EXCHANGES_MAX, .ca_file = options->ca_file };
    struct http_client_options foreign = { .exchanges_max = EXCHANGES_MAX, .is_public_only = !options->allows_private };
    const char *seal_secret = options->seal_secret != NULL ? options->seal_secret : "";
    hmac_sha256(bytes_from(secret, sizeof secret), bytes_of_text(seal_secret), llm->seal_key);
    explicit_bzero(secret, sizeof secret);
    llm->options = *options;
    llm->options.url = copied(options->url);
    llm->options.model = copied(options->model);
    llm->options.key = copied(options->key);
    llm->options.seal_secret = NULL;
    llm->options.ca_file = NULL;
    if (llm->options.first_ms_max == 0) llm->options.first_ms_max = FIRST_MS;
    llm->own = http_client_create(&own);
    llm->foreign = http_client_create(&foreign);
    pthread_mutex_init(&llm->lock, NULL);
    *out = llm;
    return true;
}

void llm_close(struct llm *llm)
{
    if (llm == NULL) return;
    assert(atomic_load(&llm->running) == 0);
    http_client_destroy(llm->own);
    http_client_destroy(llm->foreign);
    free((char *)(uintptr_t)llm->options.url);
    free((char *)(uintptr_t)llm->options.model);
    if (llm->options.key != NULL) explicit_bzero((char *)(uintptr_t)llm->options.key, strlen(llm->options.key));
    free((char *)(uintptr_t)llm->options.key);
    explicit_bzero(llm->seal_key, sizeof llm->seal_key);
    pthread_mutex_destroy(&llm->lock);
    free(llm);
}

bool llm_sweep(struct llm *llm, struct err *err)
{
    int64_t now_us = clock_unix_us();
    bool is_audits_turn = atomic_fetch_add(&llm->sweeps, 1) % AUDIT_SWEEP_EVERY == 0;
    return llm_usage_sweep(llm->options.db, now_us, err) &&
           (!is_audits_turn || llm_audit_sweep(llm->options.db, llm->options.audit_days, now_us, err));
}

void llm_stats(const struct llm *llm, struct llm_stats *stats)
{
    *stats = (struct llm_stats){ .requests = atomic_load(&llm->requests),
                                 .failures = atomic_load(&llm->failures),
                                 .retries = atomic_load(&llm->retries),
                                 .schema_retries = atomic_load(&llm->schema_retries),
                                 .refused = atomic_load(&llm->refused),
                                 .input_tokens = atomic_load(&llm->input_tokens),
                                 .output_tokens = atomic_load(&llm->output_tokens),
                                 .cost_micros = atomic_load(&llm->cost_micros),
                                 .audit_lost = atomic_load(&llm->audit_lost),
                                 .running = atomic_load(&llm->running) };
}

bool llm_redact(const struct llm *llm, struct bytes text, struct buf *out)
{
    return llm->options.redact != NULL && llm->options.redact(llm->options.redact_ctx, text, out);
}

bool llm_is_there(struct llm *llm, struct uuid project_id, bool *is_there, char name[160], struct err *err)
{
    struct llm_in_use in_use;
    bool ok = llm_in_use(llm, project_id, &in_use, err);
    *is_there = ok && in_use.is_there;
    name[0] = '\0';
    if (*is_there) snprintf(name, 160, "%.100s at %.50s", in_use.model, in_use.host);
    return ok;
}

/* ---- quirks ---- */

static uint64_t quirks_hash(const struct llm_model *model)
{
    return hash64_key(bytes_of_text(model->url), hash64_key(bytes_of_text(model->model), 0)) | 1;
}

uint32_t llm_quirks_find(struct llm *llm, const struct llm_model *model)
{
    uint64_t hash = quirks_hash(model);
    uint32_t found = 0;
    pthread_mutex_lock(&llm->lock);
    const struct llm_quirks *quirks = &llm->quirks[hash % QUIRKS_KEPT];
    if (quirks->hash == hash) found = quirks->quirks;
    pthread_mutex_unlock(&llm->lock);
    return found;
}

/* Of two that have one place the later stays: the other is found out again. */
void llm_quirks_keep(struct llm *llm, const struct llm_model *model, uint32_t quirks)
{
    uint64_t hash = quirks_hash(model);
    pthread_mutex_lock(&llm->lock);
    llm->quirks[hash % QUIRKS_KEPT] = (struct llm_quirks){ hash, quirks };
    pthread_mutex_unlock(&llm->lock);
}

/* ---- answers by a schema ---- */

struct asking {
    struct llm *llm;
    const struct llm_model *model;
    const struct llm_request *request;
    uint64_t until_mono_ns;
    struct arena *arena;
    yyjson_doc *schema;
    struct llm_attempt attempt; /* of all attempts */
};

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && text.ptr[0] <= ' ') text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ') text.len--;
    return text;
}

/* Models that think aloud begin with it. */
static struct bytes thought_skip(struct bytes text)
{
    static const char begin[] = "<think>", end[] = "</think>";
    text = trimmed(text);
    if (text.len < sizeof begin - 1 || memcmp(text.ptr, begin, sizeof begin - 1) != 0) return text;
    const uint8_t *found = memmem(text.ptr, text.len, end, sizeof end - 1);
    if (found == NULL) return text;
    size_t skip = (size_t)(found - text.ptr) + sizeof end - 1;
    return trimmed(bytes_from(text.ptr + skip, text.len - skip));
}

/* The object in an answer that was told to be nothing else, and may have words or a code fence around it. */
static struct bytes object_find(struct bytes text)
{
    const uint8_t *begin = text.len > 0 ? memchr(text.ptr, '{', text.len) : NULL;
    if (begin == NULL) return (struct bytes){ 0 };
    struct bytes rest = bytes_from(begin, text.len - (size_t)(begin - text.ptr));
    yyjson_doc *doc = yyjson_read((const char *)rest.ptr, rest.len, YYJSON_READ_STOP_WHEN_DONE);
    rest.len = doc == NULL ? 0 : yyjson_doc_get_read_size(doc);
    yyjson_doc_free(doc);
    return rest;
}

/* Moves the call that carries the answer (Anthropic's shape) out of the calls; with other calls beside it these come first. */
static void answer_call_take(struct asking *asking, struct llm_answer *answer)
{
    struct bytes name = bytes_of_text(wire_schema_name(asking->request)), found = { 0 };
    struct llm_call *calls = arena_calloc(asking->arena, (answer->call_count + 1) * sizeof *calls);
    uint32_t kept = 0;
    for (uint32_t c = 0; c < answer->call_count; c++) {
        if (bytes_equal(answer->calls[c].name, name)) {
            found = answer->calls[c].arguments;
        } else {
            calls[kept++] = answer->calls[c];
        }
    }
    answer->calls = calls;
    answer->call_count = kept;
    if (kept > 0 || found.ptr == NULL) return;
    answer->json = found;
    if (answer->stop == LLM_STOP_TOOLS) answer->stop = LLM_STOP_END;
}

/* True: the answer fits, or is a call. */
static bool answer_check(struct asking *asking, struct llm_answer *answer, struct err *err)
{
    char pointer[JSON_POINTER_BYTES] = "";
    struct err why = { 0 };
    answer_call_take(asking, answer);
    if (answer->call_count > 0) return true;
    if (answer->stop == LLM_STOP_REFUSED) return err_set(err, ERR_UNSUPPORTED, "the model declined to answer");
    if (answer->json.ptr == NULL) answer->json = object_find(thought_skip(answer->text));
    yyjson_doc *doc = yyjson_read((const char *)answer->json.ptr, answer->json.len, 0);
    bool fits = doc != NULL &&
                json_schema_check(yyjson_doc_get_root(asking->schema), yyjson_doc_get_root(doc), NULL, pointer, &why);
    if (doc == NULL) err_set(&why, ERR_INPUT, "there is no JSON object in it");
    yyjson_doc_free(doc);
    if (fits) return true;
    if (answer->stop == LLM_STOP_LENGTH)
        return err_set(err, ERR_TOO_LARGE, "the model's answer was cut after %u tokens",
                       (unsigned)answer->output_tokens);
    return err_set(err, ERR_IO, "the model's answer does not fit its schema: %s%s%s", pointer,
                   pointer[0] != '\0' ? ": " : "", why.text);
}

static bool attempt_run(struct asking *asking, const struct llm_request *request, struct llm_answer *answer,
                        struct err *err)
{
    struct llm_attempt attempt = { 0 };
    bool ok =
        llm_attempt(asking->llm, asking->model, request, asking->until_mono_ns, asking->arena, answer, &attempt, err);
    asking->attempt.tries += attempt.tries;
    asking->attempt.first_ms = attempt.first_ms;
    asking->attempt.input_tokens += attempt.input_tokens;
    asking->attempt.output_tokens += attempt.output_tokens;
    asking->attempt.cost_micros += attempt.cost_micros;
    return ok;
}

/* Once more, with what is wrong in the conversation. */
static bool ask_again(struct asking *asking, struct llm_answer *answer, struct err *err)
{
    const struct llm_request *request = asking->request;
    struct llm_request again = *request;
    struct llm_message *messages = arena_calloc(asking->arena, (request->message_count + 2) * sizeof *messages);
    struct bytes said = answer->json.len > 0 ? answer->json : answer->text;
    if (request->message_count > 0) memcpy(messages, request->messages, request->message_count * sizeof *messages);
    messages[request->message_count] =
        (struct llm_message){ .role = LLM_ASSISTANT, .text = said.len > 0 ? said : BYTES("(nothing)") };
    messages[request->message_count + 1] = (struct llm_message){
        .role = LLM_USER,
        .text = bytes_of_text(arena_printf(asking->arena,
                                           "That was not right: %s. Give the whole answer again, by the schema.",
                                           err->text))
    };
    again.messages = messages;
    again.message_count += 2;
    *err = (struct err){ 0 };
    atomic_fetch_add(&asking->llm->schema_retries, 1);
    *answer = (struct llm_answer){ 0 };
    return attempt_run(asking, &again, answer, err) && answer_check(asking, answer, err);
}

static bool ask_by_schema(struct asking *asking, struct llm_answer *answer, struct err *err)
{
    asking->schema = yyjson_read(asking->request->schema, strlen(asking->request->schema), 0);
    bool ok = asking->schema != NULL ? json_schema_is_known(yyjson_doc_get_root(asking->schema),
                                                            wire_schema_name(asking->request), NULL, err)
                                     : err_set(err, ERR_INPUT, "the schema of the answer is no JSON");
    ok = ok && attempt_run(asking, asking->request, answer, err);
    if (ok && !answer_check(asking, answer, err)) ok = err->code == ERR_IO && ask_again(asking, answer, err);
    yyjson_doc_free(asking->schema);
    return ok;
}

static bool ask_by_model(struct llm *llm, const struct llm_model *model, const struct llm_request *request,
                         struct arena *arena, struct llm_answer *answer, struct err *err)
{
    uint64_t begin_ns = clock_mono_ns();
    uint32_t total_ms = request->total_ms_max > 0 ? request->total_ms_max : LLM_TOTAL_MS;
    struct asking asking = { .llm = llm,
                             .model = model,
                             .request = request,
                             .arena = arena,
                             .until_mono_ns = begin_ns + total_ms * 1000000ull };
    assert(request->schema == NULL || request->stream == NULL);
    bool ok =
        request->schema != NULL ? ask_by_schema(&asking, answer, err) : attempt_run(&asking, request, answer, err);
    answer->tries = asking.attempt.tries;
    answer->first_ms = asking.attempt.first_ms;
    answer->input_tokens = asking.attempt.input_tokens;
    answer->output_tokens = asking.attempt.output_tokens;
    answer->cost_micros = asking.attempt.cost_micros;
    answer->total_ms = (uint32_t)((clock_mono_ns() - begin_ns) / 1000000);
    if (ok) answer->text = thought_skip(answer->text);
    llm_record(llm, model, request, answer, ok ? NULL : err);
    return ok;
}

bool llm_ask(struct llm *llm, const struct llm_request *request, struct arena *arena, struct llm_answer *answer,
             struct err *err)
{
    struct llm_model model;
    *answer = (struct llm_answer){ 0 };
    bool ok = llm_model_find(llm, request->project_id, &model, err);
    if (ok) {
        atomic_fetch_add(&llm->running, 1);
        atomic_fetch_add(&llm->requests, 1);
        ok = ask_by_model(llm, &model, request, arena, answer, err);
        if (!ok) atomic_fetch_add(&llm->failures, 1);
        atomic_fetch_sub(&llm->running, 1);
    }
    llm_model_end(&model);
    return ok;
}
