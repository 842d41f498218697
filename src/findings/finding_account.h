/* finding_account.h -- a finding in a language model's words: a few sentences that say what its evidence says and nothing else.
 *
 *   causes were looked at with rows --finding_account_wish--> a wish --_due, _take--> whoever took it asks (once, whatever dies)
 *   E1: the finding's title and text, E2 ...: its causes --finding_account_ask--> model --> sentences, each with its evidence
 *                                          _judge: llm/cite.h, each against what it names --> all of them, or none and why
 *
 * Content: [{"text", "evidence": ["finding", "cause 1"]}].
 * Asked is of findings that go on and that somebody is told of; at most ACCOUNT_HOUR_MAX in an hour and project, whichever processes
 * ask; what waited for longer than ACCOUNT_WAIT_US is not asked any more.
 * Thread: any; asking blocks, so it is not the watcher's. Memory: the caller's arena. Errors: those of db.h and llm.h.
 * Table: migration 0098. */
#pragma once
#include "findings/finding.h"
#include "llm/cite.h"
#include "llm/llm.h"

#define ACCOUNT_HOUR_MAX      20
#define ACCOUNT_WAIT_US       INT64_C(3600000000)
#define ACCOUNT_SENTENCES_MAX 4
#define ACCOUNT_EVIDENCE_MAX  8

struct finding_account {
    struct bytes content, model;
    int64_t asked_unix_us;
};

/* Nothing, where there is one already. */
MUST_CHECK bool finding_account_wish(struct db_session *session, const struct finding *finding, int64_t now_unix_us,
                                     struct err *err);
/* Those that nobody took yet, of all projects, the oldest first. */
struct finding_wish {
    struct uuid project_id;
    int64_t number;
};
MUST_CHECK bool finding_account_due(struct db *db, int64_t now_unix_us, struct arena *arena,
                                    struct finding_wish **wishes, uint32_t *count, struct err *err);
/* *got: it is the caller's to ask. */
MUST_CHECK bool finding_account_take(struct db *db, const struct finding_wish *wish, int64_t now_unix_us, bool *got,
                                     struct err *err);
/* content empty: there is none, and why. */
MUST_CHECK bool finding_account_put(struct db *db, const struct finding_wish *wish, struct bytes content,
                                    const char *model, const char *why, struct err *err);
/* content empty: there is none. */
MUST_CHECK bool finding_account_find(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                                     struct finding_account *account, struct err *err);

/* What may be said of it. Borrowed of the finding and its causes, else in the arena. */
struct finding_evidence {
    struct bytes texts[ACCOUNT_EVIDENCE_MAX];
    uint32_t count;
};
void finding_evidence_make(const struct finding *finding, struct bytes causes, struct arena *arena,
                           struct finding_evidence *evidence);
/* Blocks until the model has answered, at most a minute. False: there is none; err says why: ERR_INPUT: it said what is not so. */
MUST_CHECK bool finding_account_ask(struct llm *llm, struct uuid project_id, const struct finding_evidence *evidence,
                                    const atomic_bool *cancel, struct arena *arena, struct bytes *content,
                                    struct err *err);
/* Of a model's answer: the content, if each of its sentences is so. */
MUST_CHECK bool finding_account_judge(struct bytes json, const struct finding_evidence *evidence, struct arena *arena,
                                      struct bytes *content, struct err *err);
