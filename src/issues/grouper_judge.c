/* The doubtful band: a judge is asked, and what it said is kept. */
#include <stdio.h>
#include <yyjson.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "issues/grouper_inside.h"
#include "issues/row.h"
#include "issues/tell.h"

bool judge_wants(const struct grouper *grouper, const struct owned *owned, const struct group_decision *decision,
                 int64_t now_unix_us)
{
    return grouper->options.judge.same != NULL && decision->by == GROUP_BY_NEW && decision->doubt.is_there &&
           now_unix_us >= grouper->judge_rests_until_us && now_unix_us >= owned->judge_rests_until_us;
}

/* In-app frames, innermost first, of the root cause; as normalised, for values may stand in names. */
static struct bytes stack_of(struct arena *arena, const struct error_exception *root)
{
    uint8_t *text = arena_alloc(arena, ISSUE_JUDGE_STACK_BYTES);
    size_t len = 0;
    for (uint32_t f = 0; f < root->frame_count; f++) {
        struct bytes frame = root->frames[f].text;
        if (!root->frames[f].in_app || !utf8_is_valid(frame)) continue;
        if (len + frame.len + 1 > ISSUE_JUDGE_STACK_BYTES) break;
        memcpy(text + len, frame.ptr, frame.len);
        len += frame.len;
        text[len++] = '\n';
    }
    return bytes_from(text, len);
}

static struct issue_judge_error side_of(struct arena *arena, const struct error_event *event)
{
    const struct error_exception *root = similar_root(event);
    struct telling telling = tell_of(arena, event, FINGERPRINT_BY_STACK);
    bool is_message = utf8_is_valid(root->template);
    return (struct issue_judge_error){
        .service = event->service,
        .language = bytes_of_text(error_language_names[event->language]),
        .type = root->type,
        .message = is_message ? root->template : telling.message,
        .stack = stack_of(arena, root),
        .title = bytes_of_text(arena_printf(arena, "%.*s: %.*s", (int)telling.title.len, telling.title.ptr,
                                            (int)telling.message.len, telling.message.ptr)),
    };
}

static void text_clean(char *text)
{
    size_t len = strlen(text);
    for (char *c = text; *c != '\0'; c++)
        if ((uint8_t)*c < ' ' || *c == 0x7F) *c = ' ';
    while (len > 0 && !utf8_is_valid(bytes_from((const uint8_t *)text, len))) text[--len] = '\0';
}

static struct bytes answer_keep(struct arena *arena, const struct group_decision *decision,
                                struct issue_judge_answer *answer)
{
    char like[UUID_TEXT_BYTES + 1];
    struct bytes kept = BYTES("");
    uuid_to_text(row_id(decision->doubt.with), like);
    text_clean(answer->why);
    text_clean(answer->model);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "like", like);
    yyjson_mut_obj_add_real(doc, root, "score", (double)decision->doubt.score);
    yyjson_mut_obj_add_real(doc, root, "threshold", (double)decision->doubt.threshold);
    yyjson_mut_obj_add_bool(doc, root, "same", answer->is_same);
    yyjson_mut_obj_add_str(doc, root, "why", answer->why);
    yyjson_mut_obj_add_str(doc, root, "model", answer->model);
    size_t len = 0;
    char *text = yyjson_mut_write(doc, 0, &len);
    if (text != NULL) kept = arena_copy(arena, bytes_from((const uint8_t *)text, len));
    free(text);
    yyjson_mut_doc_free(doc);
    return kept;
}

/* One that this project has none of, or no budget for, is no failure: others may have. */
static bool is_of_project(const struct err *err)
{
    return err->code == ERR_UNSUPPORTED || err->code == ERR_QUOTA || err->code == ERR_FORBIDDEN;
}

static void failure_tell(struct grouper *grouper, struct owned *owned, const struct err *err, int64_t now_unix_us)
{
    int64_t rests_until_us = now_unix_us + ISSUE_JUDGE_REST_MS * INT64_C(1000);
    if (err->code == ERR_OK) {
        grouper->is_judge_told = false;
    } else if (is_of_project(err)) {
        owned->judge_rests_until_us = rests_until_us;
    } else {
        if (!grouper->is_judge_told)
            log_warn(grouper->options.log, "issues.judge_failed", log_text("err", err->text),
                     log_text("then", "what is in doubt is an issue of its own"));
        grouper->judge_rests_until_us = rests_until_us;
        grouper->is_judge_told = true;
    }
}

bool judge_ask(struct grouper *grouper, struct owned *owned, const struct error_event *event,
               const struct group_decision *decision, int64_t now_unix_us, struct bytes *judge)
{
    struct issue_new before;
    struct issue_judge_answer answer = { .is_same = false };
    struct err err = { 0 };
    grouper->judge_questions--;
    bool ok = issue_first_event(grouper->options.db, owned->lease.project_id, row_id(decision->doubt.with),
                                &grouper->arena, &before, &err);
    if (ok && before.first_event.len == 0) return false; /* it is past its time */
    if (ok) {
        struct issue_judge_question question = { .project_id = owned->lease.project_id,
                                                 .before =
                                                     side_of(&grouper->arena, tell_read(&grouper->arena, &before)),
                                                 .now = side_of(&grouper->arena, event),
                                                 .score = (double)decision->doubt.score,
                                                 .threshold = (double)decision->doubt.threshold };
        ok = grouper->options.judge.same(grouper->options.judge.ctx, &question, &answer, &err);
    }
    failure_tell(grouper, owned, &err, now_unix_us);
    pthread_mutex_lock(&grouper->lock);
    grouper->stats.judged += ok;
    grouper->stats.judged_same += ok && answer.is_same;
    grouper->stats.judge_failures += !ok && !is_of_project(&err);
    pthread_mutex_unlock(&grouper->lock);
    if (!ok) return false;
    *judge = answer_keep(&grouper->arena, decision, &answer);
    return answer.is_same;
}
