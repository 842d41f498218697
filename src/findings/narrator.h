/* narrator.h -- the thread that has a language model say in words what goes on: of each finding once, after people were told.
 *
 *   finding_account_due --is there a model?--> finding_account_take --> finding_account_ask --> finding_account_put
 *
 * It waits for models, so that the watcher need not. What fails, or is rejected, is in the log and beside the finding, which stays
 * without; it is not asked again.
 * Thread: its own. Memory: of one question. Errors: in the log. */
#pragma once
#include "base/log.h"
#include "llm/llm.h"
#include "meta/db.h"

struct narrator_options {
    struct db *db;
    struct llm *llm;
    const struct log *log;
    int64_t (*now_unix_us)(void);
};
struct narrator;
MUST_CHECK bool narrator_start(struct narrator **narrator, const struct narrator_options *options, struct err *err);
void narrator_cancel(struct narrator *narrator); /* ends what it waits for; NULL is fine, as below */
void narrator_stop(struct narrator *narrator);
