/* What is kept of a question for the project's admins: texts without their secrets, and cut. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "llm/llm_inside.h"

#define TEXT_BYTES_MAX (LLM_REQUEST_BYTES_MAX + LLM_ANSWER_BYTES_MAX + (64u << 10))

static void part_add(struct buf *out, const char *who, struct bytes text)
{
    if (!buf_printf(out, "%s[%s]\n", out->len > 0 ? "\n\n" : "", who) || !buf_add(out, text.ptr, text.len)) return;
}

static void calls_add(struct buf *out, const struct llm_call *calls, uint32_t count)
{
    for (uint32_t c = 0; c < count; c++)
        if (!buf_printf(out, "%s[calls %.*s] %.*s", out->len > 0 ? "\n" : "", (int)calls[c].name.len,
                        (const char *)calls[c].name.ptr, (int)calls[c].arguments.len,
                        (const char *)calls[c].arguments.ptr))
            return;
}

static void prompt_write(const struct llm_request *request, struct buf *out)
{
    static const char *const roles[] = { "user", "assistant", "tool" };
    if (request->system.len > 0) part_add(out, "system", request->system);
    for (uint32_t m = 0; m < request->message_count; m++) {
        const struct llm_message *message = &request->messages[m];
        part_add(out, roles[message->role], message->text);
        calls_add(out, message->calls, message->call_count);
    }
}

static void answer_write(const struct llm_answer *answer, struct buf *out)
{
    struct bytes text = answer->json.len > 0 ? answer->json : answer->text;
    if (!buf_add(out, text.ptr, text.len)) return;
    calls_add(out, answer->calls, answer->call_count);
}

/* What databases take: UTF-8 without NUL. */
static void mend(struct buf *text)
{
    bool is_utf8 = utf8_is_valid(buf_bytes(text));
    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] == 0 || (!is_utf8 && text->ptr[i] >= 0x80)) text->ptr[i] = '?';
}

/* Three quarters of the beginning and the end. */
static void cut(struct buf *text)
{
    static const char between[] = "\n... (cut here) ...\n";
    if (text->len <= LLM_AUDIT_BYTES_MAX) return;
    size_t head = utf8_cut(buf_bytes(text), LLM_AUDIT_BYTES_MAX / 4 * 3);
    size_t tail = text->len - (LLM_AUDIT_BYTES_MAX / 4 - sizeof between);
    while (tail < text->len && (text->ptr[tail] & 0xC0) == 0x80) tail++;
    size_t tail_len = text->len - tail;
    memmove(text->ptr + head + sizeof between - 1, text->ptr + tail, tail_len);
    memcpy(text->ptr + head, between, sizeof between - 1);
    text->len = head + sizeof between - 1 + tail_len;
}

/* Secrets go before anything else: a cut could leave half of one that nobody knows any more. */
static void clean(struct llm *llm, struct buf *text, struct buf *kept)
{
    const struct llm_options *options = &llm->options;
    mend(text);
    if (options->redact == NULL || !options->redact(options->redact_ctx, buf_bytes(text), kept)) kept->len = 0;
    mend(kept);
    cut(kept);
}

void llm_record(struct llm *llm, const struct llm_model *model, const struct llm_request *request,
                const struct llm_answer *answer, const struct err *failure)
{
    struct buf prompt, said, kept_prompt, kept_said, why;
    struct err err = { 0 };
    if (!model->audit) return;
    buf_init(&why, sizeof failure->text);
    if (failure != NULL && buf_add(&why, failure->text, strlen(failure->text))) mend(&why); /* it may have been cut */
    buf_init(&prompt, TEXT_BYTES_MAX);
    buf_init(&said, TEXT_BYTES_MAX);
    buf_init(&kept_prompt, 4 * (size_t)TEXT_BYTES_MAX);
    buf_init(&kept_said, 4 * (size_t)TEXT_BYTES_MAX);
    prompt_write(request, &prompt);
    answer_write(answer, &said);
    struct llm_audit_row row = { .project_id = request->project_id,
                                 .at_unix_us = clock_unix_us(),
                                 .purpose = bytes_of_text(request->purpose),
                                 .actor = bytes_of_text(request->actor != NULL ? request->actor : "monoscope"),
                                 .model = bytes_of_text(model->model),
                                 .host = bytes_of_text(model->host),
                                 .prompt_bytes = (int64_t)prompt.len,
                                 .answer_bytes = (int64_t)said.len,
                                 .input_tokens = (int64_t)answer->input_tokens,
                                 .output_tokens = (int64_t)answer->output_tokens,
                                 .cost_micros = answer->cost_micros,
                                 .tries = answer->tries,
                                 .took_ms = answer->total_ms,
                                 .failure = buf_bytes(&why) };
    clean(llm, &prompt, &kept_prompt);
    clean(llm, &said, &kept_said);
    row.prompt = buf_bytes(&kept_prompt);
    row.answer = buf_bytes(&kept_said);
    if (!llm_audit_write(llm->options.db, &row, &err)) {
        atomic_fetch_add(&llm->audit_lost, 1);
        log_warn(llm->options.log, "llm.audit_failed", log_text("err", err.text));
    }
    buf_deinit(&why);
    buf_deinit(&prompt);
    buf_deinit(&said);
    buf_deinit(&kept_prompt);
    buf_deinit(&kept_said);
}
