/* judge_llm.h -- the judge of the doubtful band (judge.h) that asks the project's language model.
 *
 *   two errors, each between fences --llm_ask--> {"verdict": "same" | "different", "reason": "..."} --> yes or no, and why
 *
 * Off unless the operator says --errors-judge on: texts of errors leave the house by it, each question costs, and what a model
 * says is a guess. What the errors' texts ask the model to do changes nothing but that one verdict, in the band where it is
 * open anyway; people see who said so, and can split.
 * At most per_hour questions in an hour and process, the budget of the project aside.
 * Thread: any; same blocks for ISSUE_JUDGE_MS at most. Memory: an arena a question. Errors: those of llm_ask; ERR_QUOTA over
 * per_hour, and says when there is room again. */
#pragma once
#include "issues/judge.h"
struct llm;

struct judge_llm_options {
    struct llm *llm;   /* outlives this */
    uint32_t per_hour; /* at least 1 */
};
struct judge_llm;
struct judge_llm *judge_llm_create(const struct judge_llm_options *options);
void judge_llm_destroy(struct judge_llm *judge); /* NULL is fine; nobody is in same any more */
/* A question under way is given up, further ones are not asked: before the owner's thread is joined. Any thread. */
void judge_llm_cancel(struct judge_llm *judge); /* NULL is fine */
/* Lives as long as the judge. */
struct issue_judge judge_llm_face(struct judge_llm *judge);
struct judge_llm_stats {
    uint64_t same, different, failures, refused; /* refused: over per_hour */
};
void judge_llm_stats(struct judge_llm *judge, struct judge_llm_stats *stats);
