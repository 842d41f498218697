/* ask_feedback.h -- thumbs up or down for answers to questions, kept as a list for whoever betters them.
 *
 *   question, plan (JSON, as it was answered), note  --ask_feedback_insert-->  the newest ASK_FEEDBACK_MAX of a project
 *
 * Thread: any. Errors: those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct db_session;

#define ASK_FEEDBACK_MAX 5000

struct ask_feedback {
    struct uuid id, project_id;
    struct uuid owner_id; /* zero: none */
    struct bytes owner_name, question, plan, note;
    bool is_good;
    int64_t created_unix_us;
};
/* Sets id and time; the oldest go where there are too many. */
MUST_CHECK bool ask_feedback_insert(struct db_session *session, struct ask_feedback *feedback, struct err *err);
/* Newest first, behind the one of this time and id (INT64_MAX: from the first); texts are borrowed; each answers false to stop. */
MUST_CHECK bool ask_feedback_list(struct db *db, struct uuid project_id, int64_t before_unix_us, struct uuid before_id,
                                  uint32_t limit, bool (*each)(void *ctx, const struct ask_feedback *feedback),
                                  void *ctx, struct err *err);
