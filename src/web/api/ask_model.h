/* ask_model.h -- a question to the project's language model: at most two rounds, and what they came to.
 *
 *   ask_model_open: is there one, may it be asked? --ask_model_round--> plan | what is wrong with it --'
 *                                                        ^-- why: the plan, its SQL or its rows were not right
 *   ask_model_put: who it was, tokens, cost, budget, why not
 *
 * No row of the project and no text of an error goes to the model: a second round is told in words of ours what was not right.
 * As many as half of the threads for queries may wait for a model at once; all rounds of a question take api_parts.ask_model_wait_ms.
 * Thread: the call's, which waits. Memory: the call's arena. Errors: none: they are the reason why it is not there. */
#pragma once
#include "llm/settings.h"
#include "web/api/api_call.h"
#include "web/api/ask_reply.h"

/* Why the model's answer is not the one that is given; schemas/ask.json says it to clients. */
#define ASK_WHY_NOT_LIST(X)                                                       \
    X(NOTHING, "")                                                                \
    X(NONE, "none")               /* no model is set up, or the project is off */ \
    X(OFF, "off")                 /* questions may not go to it */                \
    X(BUDGET, "budget")           /* used up */                                   \
    X(BUSY, "busy")               /* it, or we, have too many */                  \
    X(TIMEOUT, "timeout")         /* too slow */                                  \
    X(UNREACHABLE, "unreachable") /* away, or its server refuses us */            \
    X(DECLINED, "declined")       /* it says that it cannot */                    \
    X(UNUSABLE, "unusable")       /* what it answered is no plan that holds */

#define ASK_NAME(name, text) ASK_WHY_NOT_##name,
enum ask_why_not { ASK_WHY_NOT_LIST(ASK_NAME) ASK_WHY_NOTS };
#undef ASK_NAME

struct ask_prompt;
struct ask_model {
    struct api_call *call;
    struct llm_in_use in_use;
    uint32_t rounds;
    uint64_t input_tokens, output_tokens, begin_mono_ns;
    int64_t cost_micros;
    bool is_estimated, has_begun, is_waiting; /* counted among those that wait for a model */
    enum ask_why_not why_not;
    struct bytes problem, note; /* plain */
    /* of the rounds so far */
    struct bytes system, prompt, said;
    const char *schema;
};
enum { ASK_ROUNDS_MAX = 2 };

/* False: the client was told. */
MUST_CHECK bool ask_model_open(struct ask_model *model, struct api_call *call);
/* why_not and problem are set if not. */
MUST_CHECK bool ask_model_may(struct ask_model *model);
enum ask_round {
    ASK_ROUND_PLAN,  /* reply has one that holds */
    ASK_ROUND_UNFIT, /* err says why; another round may help */
    ASK_ROUND_OVER   /* why_not says why */
};
/* again: what was not right with the round before, in words of ours; empty in the first one. */
enum ask_round ask_model_round(struct ask_model *model, const struct ask_prompt *prompt, struct bytes again,
                               struct ask_reply *reply, struct err *err);
/* It is not to be: why, in words. */
void ask_model_fail(struct ask_model *model, enum ask_why_not why_not, const char *words);
/* As AskModel of the document. */
MUST_CHECK bool ask_model_json(struct ask_model *model, yyjson_mut_val *object, struct err *err);
void ask_model_close(struct ask_model *model);
