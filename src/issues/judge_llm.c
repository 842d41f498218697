#include "issues/judge_llm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/clock.h"
#include "base/json_object.h"
#include "base/utf8.h"
#include "llm/fence.h"
#include "llm/llm.h"
#include "llm/plain.h"

#define HOUR_NS          3600000000000ull
#define PROMPT_BYTES_MAX (32u << 10)
#define TEXT_BYTES_MAX   1024 /* of a title or a message */
#define OUTPUT_TOKENS    400

struct judge_llm {
    struct llm *llm;
    uint32_t per_hour;
    atomic_bool stops;
    pthread_mutex_t lock; /* guards the rest */
    uint64_t hour_begin_ns;
    uint32_t in_hour;
    struct judge_llm_stats stats;
};

struct judge_llm *judge_llm_create(const struct judge_llm_options *options)
{
    struct judge_llm *judge = mem_calloc(1, sizeof *judge);
    assert(options->llm != NULL && options->per_hour > 0);
    judge->llm = options->llm;
    judge->per_hour = options->per_hour;
    judge->hour_begin_ns = clock_mono_ns();
    pthread_mutex_init(&judge->lock, NULL);
    return judge;
}

void judge_llm_destroy(struct judge_llm *judge)
{
    if (judge == NULL) return;
    pthread_mutex_destroy(&judge->lock);
    free(judge);
}

void judge_llm_cancel(struct judge_llm *judge)
{
    if (judge != NULL) atomic_store(&judge->stops, true);
}

void judge_llm_stats(struct judge_llm *judge, struct judge_llm_stats *stats)
{
    pthread_mutex_lock(&judge->lock);
    *stats = judge->stats;
    pthread_mutex_unlock(&judge->lock);
}

static bool admit(struct judge_llm *judge, struct err *err)
{
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&judge->lock);
    if (now_ns - judge->hour_begin_ns >= HOUR_NS) {
        judge->hour_begin_ns = now_ns;
        judge->in_hour = 0;
    }
    bool may = judge->in_hour < judge->per_hour;
    if (may) judge->in_hour++;
    if (!may) judge->stats.refused++;
    uint64_t left_ns = judge->hour_begin_ns + HOUR_NS - now_ns;
    pthread_mutex_unlock(&judge->lock);
    return may || err_set(err, ERR_QUOTA, "the judge of errors was asked %u times in an hour; again in %u min",
                          judge->per_hour, (unsigned)(left_ns / 60000000000ull) + 1);
}

/* ---- the question ---- */

static bool part_add(struct buf *out, const struct llm_fence *fence, const char *kind, struct bytes text,
                     size_t bytes_max, struct err *err)
{
    return text.len == 0 || llm_fence_add(fence, out, kind, text, bytes_max, err);
}

static bool error_add(struct buf *out, const struct llm_fence *fence, const char *which,
                      const struct issue_judge_error *error, struct err *err)
{
    return (buf_printf(out, "%s error:\n", which) || err_set(err, ERR_TOO_LARGE, "the question is too long")) &&
           part_add(out, fence, "service", error->service, TEXT_BYTES_MAX, err) &&
           part_add(out, fence, "language", error->language, TEXT_BYTES_MAX, err) &&
           part_add(out, fence, "type", error->type, TEXT_BYTES_MAX, err) &&
           part_add(out, fence, "message", error->message, TEXT_BYTES_MAX, err) &&
           part_add(out, fence, "reported as", error->title, TEXT_BYTES_MAX, err) &&
           part_add(out, fence, "stack, innermost frame first", error->stack, ISSUE_JUDGE_STACK_BYTES, err);
}

static bool prompt_make(const struct issue_judge_question *question, struct buf *system, struct buf *prompt,
                        struct err *err)
{
    const struct issue_judge_error *before = &question->before, *now = &question->now;
    const struct bytes texts[] = { before->service, before->language, before->type, before->message,
                                   before->title,   before->stack,    now->service, now->language,
                                   now->type,       now->message,     now->title,   now->stack };
    struct llm_fence fence;
    llm_fence_init(&fence, texts, COUNT_OF(texts));
    bool ok = buf_printf(
        system, "You compare two errors that programs reported, and decide whether they are one and the same defect: "
                "would one change of the code or of what it depends on end both? The same cause told in other "
                "words is the same; another cause, another operation or another resource is different. When in "
                "doubt, answer different. The reason is one plain sentence of at most 30 words.\n");
    if (!ok) return err_set(err, ERR_TOO_LARGE, "the question is too long");
    return llm_fence_rule(&fence, system, err) && error_add(prompt, &fence, "The first", before, err) &&
           error_add(prompt, &fence, "The second", now, err);
}

/* ---- the answer ---- */

/* As text that can do nothing, on one line. */
static void reason_take(struct bytes reason, char why[ISSUE_JUDGE_WHY_BYTES])
{
    struct buf plain;
    struct err err = { 0 };
    buf_init(&plain, SIZE_MAX);
    why[0] = '\0';
    if (llm_plain(reason, &plain, &err)) {
        size_t len = utf8_cut(buf_bytes(&plain), ISSUE_JUDGE_WHY_BYTES - 1);
        if (len > 0) memcpy(why, plain.ptr, len);
        why[len] = '\0';
        for (size_t i = 0; i < len; i++)
            if (why[i] == '\n' || why[i] == '\t') why[i] = ' ';
    }
    buf_deinit(&plain);
    if (why[0] == '\0') strcpy(why, "it gave no reason");
}

static void answer_take(const struct llm_answer *from, const char *name, struct issue_judge_answer *answer)
{
    yyjson_doc *doc = yyjson_read((const char *)from->json.ptr, from->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *reason = yyjson_obj_get(root, "reason");
    answer->is_same = yyjson_equals_str(yyjson_obj_get(root, "verdict"), "same");
    reason_take(json_text(reason), answer->why);
    size_t len = utf8_cut(bytes_of_text(name), ISSUE_JUDGE_MODEL_BYTES - 1);
    memcpy(answer->model, name, len);
    answer->model[len] = '\0';
    yyjson_doc_free(doc);
}

static bool ask(struct judge_llm *judge, const struct issue_judge_question *question, struct buf *system,
                struct buf *prompt, struct issue_judge_answer *answer, struct err *err)
{
    static const char schema[] = "{\"type\":\"object\",\"properties\":{"
                                 "\"verdict\":{\"type\":\"string\",\"enum\":[\"same\",\"different\"]},"
                                 "\"reason\":{\"type\":\"string\",\"maxLength\":1000}},"
                                 "\"required\":[\"verdict\",\"reason\"],\"additionalProperties\":false}";
    struct llm_answer got;
    struct arena arena;
    char name[160];
    bool is_there;
    if (!llm_is_there(judge->llm, question->project_id, &is_there, name, err)) return false;
    if (!is_there) return err_set(err, ERR_UNSUPPORTED, "the project has no language model");
    if (!admit(judge, err) || !prompt_make(question, system, prompt, err)) return false;
    const struct llm_message message = { .role = LLM_USER, .text = buf_bytes(prompt) };
    const struct llm_request request = { .project_id = question->project_id,
                                         .purpose = "errors",
                                         .system = buf_bytes(system),
                                         .messages = &message,
                                         .message_count = 1,
                                         .schema = schema,
                                         .output_tokens_max = OUTPUT_TOKENS,
                                         .total_ms_max = ISSUE_JUDGE_MS,
                                         .temperature = 0,
                                         .cancel = &judge->stops };
    arena_init(&arena, 0);
    bool ok = llm_ask(judge->llm, &request, &arena, &got, err);
    if (ok) answer_take(&got, name, answer);
    arena_deinit(&arena);
    return ok;
}

static bool same(void *ctx, const struct issue_judge_question *question, struct issue_judge_answer *answer,
                 struct err *err)
{
    struct judge_llm *judge = ctx;
    struct buf system, prompt;
    *answer = (struct issue_judge_answer){ 0 };
    buf_init(&system, PROMPT_BYTES_MAX);
    buf_init(&prompt, PROMPT_BYTES_MAX);
    bool ok = ask(judge, question, &system, &prompt, answer, err);
    buf_deinit(&system);
    buf_deinit(&prompt);
    pthread_mutex_lock(&judge->lock);
    judge->stats.same += ok && answer->is_same;
    judge->stats.different += ok && !answer->is_same;
    judge->stats.failures += !ok;
    pthread_mutex_unlock(&judge->lock);
    return ok || err_within(err, "the judge of errors");
}

struct issue_judge judge_llm_face(struct judge_llm *judge)
{
    return (struct issue_judge){ same, judge };
}
