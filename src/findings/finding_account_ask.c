/* What the model is asked, and what of its answer stands. */
#include "base/json_object.h"
#include "findings/finding_account.h"
#include "incidents/incident_store.h"
#include "llm/fence.h"
#include "llm/plain.h"
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

enum { PROMPT_BYTES_MAX = 64 << 10, EVIDENCE_BYTES_MAX = 6 << 10, TEXT_BYTES_MAX = 4 << 10, OUTPUT_TOKENS = 600 };
enum { ASK_MS = 60000 };

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"sentences\":{\"type\":\"array\",\"maxItems\":4,\"items\":{\"type\":"
    "\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":400},\"evidence\":{\"type\":\"array\","
    "\"maxItems\":8,\"items\":{\"type\":\"string\",\"maxLength\":8}}},\"required\":[\"text\",\"evidence\"],"
    "\"additionalProperties\":false}}},\"required\":[\"sentences\"],\"additionalProperties\":false}";

void finding_evidence_make(const struct finding *finding, struct bytes causes, struct arena *arena,
                           struct finding_evidence *evidence)
{
    size_t at, max, len;
    yyjson_val *cause;
    evidence->texts[0] =
        bytes_of_text(arena_printf(arena, "%s\n%s\nseverity: %s", finding_title(arena, finding),
                                   finding_text(arena, finding), incident_severity_names[finding->severity]));
    evidence->count = 1;
    yyjson_doc *doc = yyjson_read((const char *)causes.ptr, causes.len, 0);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "causes"), at, max, cause)
    {
        char *text = evidence->count < ACCOUNT_EVIDENCE_MAX ? yyjson_val_write(cause, 0, &len) : NULL;
        if (!text) break;
        evidence->texts[evidence->count++] = arena_copy(arena, bytes_from(text, len));
        free(text);
    }
    yyjson_doc_free(doc);
}

/* ---- the question ---- */

static bool prompt_make(const struct finding_evidence *evidence, struct buf *system, struct buf *prompt,
                        struct err *err)
{
    struct llm_fence fence;
    llm_fence_init(&fence, evidence->texts, evidence->count);
    bool ok = buf_printf(system,
                         "Something unusual was found in the telemetry of software, by statistics. You say in one to "
                         "four short sentences what goes on and what it most likely comes from, for people who were "
                         "just woken up. What you know is evidence: E1 is the finding, E2 and so on are its likely "
                         "causes, the likeliest first. Give each sentence the numbers of the evidence that it stands "
                         "on. Use figures and names only as they stand there, and compute none. Put names into "
                         "backticks. Where one sentence says what its evidence does not, all of them are thrown away. "
                         "Give no advice and no links.\n");
    if (!ok) return err_set(err, ERR_TOO_LARGE, "the question is too long");
    ok = llm_fence_rule(&fence, system, err);
    for (uint32_t e = 0; ok && e < evidence->count; e++)
        ok = (buf_printf(prompt, "E%u:\n", e + 1) || err_set(err, ERR_TOO_LARGE, "the question is too long")) &&
             llm_fence_add(&fence, prompt, e == 0 ? "finding" : "likely cause", evidence->texts[e], EVIDENCE_BYTES_MAX,
                           err);
    return ok;
}

bool finding_account_ask(struct llm *llm, struct uuid project_id, const struct finding_evidence *evidence,
                         const atomic_bool *cancel, struct arena *arena, struct bytes *content, struct err *err)
{
    struct llm_answer answer = { 0 };
    struct buf system, prompt;
    buf_init(&system, PROMPT_BYTES_MAX);
    buf_init(&prompt, PROMPT_BYTES_MAX);
    bool ok = prompt_make(evidence, &system, &prompt, err);
    const struct llm_message message = { .role = LLM_USER, .text = buf_bytes(&prompt) };
    const struct llm_request request = { .project_id = project_id,
                                         .purpose = "findings",
                                         .system = buf_bytes(&system),
                                         .messages = &message,
                                         .message_count = 1,
                                         .schema = schema,
                                         .schema_name = "account",
                                         .output_tokens_max = OUTPUT_TOKENS,
                                         .total_ms_max = ASK_MS,
                                         .temperature = 0,
                                         .cancel = cancel };
    ok = ok && llm_ask(llm, &request, arena, &answer, err) &&
         finding_account_judge(answer.json, evidence, arena, content, err);
    buf_deinit(&system);
    buf_deinit(&prompt);
    return ok;
}

/* ---- the answer ---- */

static struct bytes plain(struct arena *arena, struct bytes text)
{
    struct buf out;
    struct err ignored = { 0 };
    buf_init(&out, TEXT_BYTES_MAX);
    struct bytes made = llm_plain(text, &out, &ignored) ? arena_copy(arena, buf_bytes(&out)) : BYTES("");
    buf_deinit(&out);
    return made;
}

/* "E2" --> 1. UINT32_MAX: there is no such evidence. */
static uint32_t evidence_of(const struct finding_evidence *evidence, struct bytes name)
{
    for (uint32_t e = 0; e < evidence->count; e++) {
        char id[16];
        snprintf(id, sizeof id, "E%u", e + 1);
        if (bytes_equal(name, bytes_of_text(id))) return e;
    }
    return UINT32_MAX;
}

static bool sentence_judge(yyjson_val *sentence, const struct finding_evidence *evidence, struct arena *arena,
                           yyjson_mut_doc *doc, yyjson_mut_val *list, struct err *err)
{
    struct bytes text = plain(arena, json_text(yyjson_obj_get(sentence, "text"))), sources[ACCOUNT_EVIDENCE_MAX];
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list), *names;
    char why[CITE_WHY_BYTES];
    uint32_t count = 0;
    size_t at, max;
    yyjson_val *name;
    yyjson_mut_obj_add_strn(doc, object, "text", (const char *)text.ptr, text.len);
    names = yyjson_mut_obj_add_arr(doc, object, "evidence");
    yyjson_arr_foreach(yyjson_obj_get(sentence, "evidence"), at, max, name)
    {
        uint32_t e = evidence_of(evidence, json_text(name));
        if (e == UINT32_MAX || count == COUNT_OF(sources))
            return err_set(err, ERR_INPUT, "it names evidence that there is not");
        sources[count++] = evidence->texts[e];
        yyjson_mut_arr_add_strcpy(doc, names, e == 0 ? "finding" : arena_printf(arena, "cause %u", e));
    }
    if (text.len == 0 || count == 0) return err_set(err, ERR_INPUT, "a sentence says nothing, or names no evidence");
    return cite_check(text, sources, count, why) || err_set(err, ERR_INPUT, "%s", why);
}

bool finding_account_judge(struct bytes json, const struct finding_evidence *evidence, struct arena *arena,
                           struct bytes *content, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *sentences = yyjson_obj_get(yyjson_doc_get_root(doc), "sentences"), *sentence;
    yyjson_mut_doc *made = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(made);
    size_t at, max, len, count = yyjson_arr_size(sentences);
    yyjson_mut_doc_set_root(made, list);
    bool ok = (count > 0 && count <= ACCOUNT_SENTENCES_MAX) || err_set(err, ERR_INPUT, "it says nothing, or too much");
    yyjson_arr_foreach(sentences, at, max, sentence) ok =
        ok && sentence_judge(sentence, evidence, arena, made, list, err);
    char *text = ok ? yyjson_mut_write(made, 0, &len) : NULL;
    *content = text ? arena_copy(arena, bytes_from(text, len)) : BYTES("");
    free(text);
    yyjson_mut_doc_free(made);
    yyjson_doc_free(doc);
    return ok;
}
