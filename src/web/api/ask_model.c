#include "web/api/ask_model.h"
#include "base/clock.h"
#include "llm/llm.h"
#include "web/api/api_inside.h"
#include "web/api/ask_prompt.h"
#include "web/api/llm_put.h"
#include <stdio.h>

enum {
    SYSTEM_BYTES_MAX = 32 << 10,
    PROMPT_BYTES_MAX = 512 << 10,
    OUTPUT_TOKENS = 1500,
    LEAST_MS = 500,
    WORDS_BYTES = 240
};

#define ASK_TEXT(name, text) text,
static const char *const why_nots[ASK_WHY_NOTS] = { ASK_WHY_NOT_LIST(ASK_TEXT) };
#undef ASK_TEXT

bool ask_model_open(struct ask_model *model, struct api_call *call)
{
    struct err err = { 0 };
    *model = (struct ask_model){ .call = call };
    if (call->parts->llm == NULL || llm_in_use(call->parts->llm, call->project.id, &model->in_use, &err)) return true;
    api_fail(call, &err);
    return false;
}

void ask_model_fail(struct ask_model *model, enum ask_why_not why_not, const char *words)
{
    model->why_not = why_not;
    model->problem = ask_plain(model->call->arena, bytes_of_text(words), WORDS_BYTES);
}

bool ask_model_may(struct ask_model *model)
{
    if (model->in_use.is_there && model->in_use.may_ask) return true;
    if (!model->in_use.is_there) {
        ask_model_fail(model, ASK_WHY_NOT_NONE,
                       model->in_use.problem[0] != '\0' ? model->in_use.problem : "this process has no language model");
    } else {
        ask_model_fail(model, ASK_WHY_NOT_OFF, "questions may not go to the language model, by the settings");
    }
    return false;
}

/* ---- a round ---- */

static void cancel(void *ctx)
{
    atomic_store((atomic_bool *)ctx, true);
}

static bool redact(void *ctx, struct bytes text, struct buf *out)
{
    return llm_redact(ctx, text, out);
}

static bool begin(struct ask_model *model, const struct ask_prompt *of, struct err *err)
{
    struct ask_prompt prompt = *of;
    struct buf system, text;
    buf_init(&system, SYSTEM_BYTES_MAX);
    buf_init(&text, PROMPT_BYTES_MAX);
    prompt.redact = redact;
    prompt.redact_ctx = model->call->parts->llm;
    bool ok = ask_prompt_make(model->call->arena, &prompt, &system, &text, err);
    model->system = arena_copy(model->call->arena, buf_bytes(&system));
    model->prompt = arena_copy(model->call->arena, buf_bytes(&text));
    model->schema = ask_reply_schema(model->call->arena, api_schemas(model->call->inside->api));
    model->begin_mono_ns = clock_mono_ns();
    buf_deinit(&system);
    buf_deinit(&text);
    return ok;
}

static void failure_read(struct ask_model *model, const struct llm_answer *answer, const struct err *err)
{
    switch (err->code) {
    case ERR_QUOTA: /* with nothing sent it is the budget of ours, else the server's own limit */
        ask_model_fail(model, answer->tries == 0 ? ASK_WHY_NOT_BUDGET : ASK_WHY_NOT_BUSY, err->text);
        return;
    case ERR_TIMEOUT: ask_model_fail(model, ASK_WHY_NOT_TIMEOUT, err->text); return;
    case ERR_UNSUPPORTED:
        ask_model_fail(model, answer->tries > 0 ? ASK_WHY_NOT_DECLINED : ASK_WHY_NOT_NONE, err->text);
        return;
    case ERR_TOO_LARGE: ask_model_fail(model, ASK_WHY_NOT_UNUSABLE, err->text); return;
    default:
        ask_model_fail(model,
                       answer->stop == LLM_STOP_END && answer->text.len + answer->json.len > 0
                           ? ASK_WHY_NOT_UNUSABLE
                           : ASK_WHY_NOT_UNREACHABLE,
                       err->text);
    }
}

static bool ask(struct ask_model *model, struct bytes again, struct llm_answer *answer, struct err *err)
{
    struct api_call *call = model->call;
    uint64_t past_ms = (clock_mono_ns() - model->begin_mono_ns) / 1000000;
    const struct llm_message messages[] = { { .role = LLM_USER, .text = model->prompt },
                                            { .role = LLM_ASSISTANT, .text = model->said },
                                            { .role = LLM_USER, .text = again } };
    atomic_bool is_cancelled = false;
    struct llm_request request = { .project_id = call->project.id,
                                   .purpose = "ask",
                                   .actor = call->actor->name,
                                   .system = model->system,
                                   .messages = messages,
                                   .message_count = again.len > 0 ? 3 : 1,
                                   .schema = model->schema,
                                   .schema_name = "answer",
                                   .output_tokens_max = OUTPUT_TOKENS,
                                   .cancel = &is_cancelled };
    if (past_ms + LEAST_MS > call->parts->ask_model_wait_ms)
        return err_set(err, ERR_TIMEOUT, "the model's answer was no good, and there is no time to ask it again");
    request.total_ms_max = call->parts->ask_model_wait_ms - (uint32_t)past_ms;
    api_watch_begin(call, cancel, &is_cancelled);
    bool ok = llm_ask(call->parts->llm, &request, call->arena, answer, err);
    api_watch_end(call);
    model->rounds += answer->tries > 0;
    model->input_tokens += answer->input_tokens;
    model->output_tokens += answer->output_tokens;
    model->cost_micros += answer->cost_micros;
    model->is_estimated = model->is_estimated || answer->is_estimated;
    return ok;
}

enum ask_round ask_model_round(struct ask_model *model, const struct ask_prompt *prompt, struct bytes again,
                               struct ask_reply *reply, struct err *err)
{
    const struct ask_reply_world world = { prompt->question, prompt->catalog, prompt->context };
    struct llm_answer answer = { 0 };
    *err = (struct err){ 0 };
    if (!model->has_begun) {
        if (!api_model_begin(model->call->inside->api)) {
            ask_model_fail(model, ASK_WHY_NOT_BUSY, "too many questions wait for a language model: try again soon");
            return ASK_ROUND_OVER;
        }
        model->has_begun = model->is_waiting = true;
        if (!begin(model, prompt, err)) {
            ask_model_fail(model, ASK_WHY_NOT_UNUSABLE, err->text);
            return ASK_ROUND_OVER;
        }
    }
    if (!ask(model, again, &answer, err)) {
        failure_read(model, &answer, err);
        return ASK_ROUND_OVER;
    }
    model->said = answer.json;
    bool ok = ask_reply_read(model->call->arena, answer.json, &world, reply, err);
    model->note = reply->note;
    if (!ok) return ASK_ROUND_UNFIT;
    if (reply->can_answer) return ASK_ROUND_PLAN;
    ask_model_fail(model, ASK_WHY_NOT_DECLINED, "the model says that it cannot answer this");
    return ASK_ROUND_OVER;
}

/* ---- what it came to ---- */

bool ask_model_json(struct ask_model *model, yyjson_mut_val *object, struct err *err)
{
    struct api_call *call = model->call;
    const struct llm_in_use *in_use = &model->in_use;
    const char *name = in_use->is_there ? arena_printf(call->arena, "%s at %s", in_use->model, in_use->host) : "";
    api_put_text_or_null(call, object, "name", bytes_of_text(name));
    yyjson_mut_obj_add_bool(call->json, object, "may_ask", in_use->is_there && in_use->may_ask);
    yyjson_mut_obj_add_uint(call->json, object, "rounds", model->rounds);
    api_put_text_or_null(call, object, "why_not", bytes_of_text(why_nots[model->why_not]));
    api_put_text_or_null(call, object, "problem", model->problem);
    api_put_text_or_null(call, object, "note", model->note);
    if (!model->has_begun) return true;
    yyjson_mut_obj_add_uint(call->json, object, "input_tokens", model->input_tokens);
    yyjson_mut_obj_add_uint(call->json, object, "output_tokens", model->output_tokens);
    yyjson_mut_obj_add_bool(call->json, object, "is_estimated", model->is_estimated);
    llm_put_money(call, object, "cost", model->cost_micros);
    yyjson_mut_obj_add_real(call->json, object, "ms", (double)(clock_mono_ns() - model->begin_mono_ns) / 1e6);
    llm_put_budget(call, object, &in_use->budget);
    return llm_put_used(call, object, in_use->payer, err);
}

void ask_model_close(struct ask_model *model)
{
    if (model->is_waiting) api_model_end(model->call->inside->api);
    model->is_waiting = false;
}
