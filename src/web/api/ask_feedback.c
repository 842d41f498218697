/* Thumbs for answers to questions, and the list of them. */
#include "meta/ask_feedback.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLAN_BYTES_MAX = 64 << 10 };

struct work {
    struct ask_feedback feedback;
};

static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return ask_feedback_insert(session, &work->feedback, err);
}

void api_ask_feedback(struct api_call *call)
{
    struct err err = { 0 };
    size_t len = 0;
    char *plan = yyjson_val_write(yyjson_obj_get(call->body, "plan"), 0, &len);
    struct work work = { .feedback = { .project_id = call->project.id,
                                       .owner_name = bytes_of_text(call->actor->name),
                                       .question = api_body_text(call, "question"),
                                       .plan = plan == NULL ? BYTES("null")
                                                            : arena_copy(call->arena, bytes_from(plan, len)),
                                       .note = api_body_text(call, "note"),
                                       .is_good = api_body_bool(call, "is_good", false) } };
    free(plan);
    if (call->actor->kind == ACTOR_USER) work.feedback.owner_id = call->actor->user_id;
    if (work.feedback.plan.len > PLAN_BYTES_MAX) {
        api_fail_at(call, "/plan", "a plan has at most %d bytes", PLAN_BYTES_MAX);
    } else if (db_transaction(call->parts->db, insert_run, &work, &err)) {
        api_answer_none(call);
    } else {
        api_fail(call, &err);
    }
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool feedback_add(void *ctx, const struct ask_feedback *feedback)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    char id[UUID_TEXT_BYTES + 1];
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", feedback->id);
    api_put_text(call, object, "question", feedback->question);
    yyjson_mut_obj_add_bool(call->json, object, "is_good", feedback->is_good);
    api_put_text(call, object, "note", feedback->note);
    api_put_text(call, object, "by", feedback->owner_name);
    yyjson_doc *plan = yyjson_read((const char *)feedback->plan.ptr, feedback->plan.len, 0);
    yyjson_mut_obj_add_val(call->json, object, "plan",
                           plan ? yyjson_val_mut_copy(call->json, yyjson_doc_get_root(plan))
                                : yyjson_mut_null(call->json));
    yyjson_doc_free(plan);
    api_put_time(call, object, "created_at", feedback->created_unix_us);
    uuid_to_text(feedback->id, id);
    const struct bytes keys[] = { api_page_number(listing->call, feedback->created_unix_us), bytes_of_text(id) };
    return api_page_add(listing->page, object, keys);
}

void api_ask_feedback_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    int64_t before = INT64_MAX;
    struct uuid before_id = { 0 };
    if (!api_page_read(call, 2, &page) || !api_page_place(&page, &before, &before_id)) return;
    struct listing listing = { call, &page };
    if (ask_feedback_list(call->parts->db, call->project.id, before, before_id, page.limit + 1, feedback_add, &listing,
                          &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}
