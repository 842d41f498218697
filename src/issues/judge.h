/* judge.h -- somebody to ask in the doubtful band: two errors whose words are alike, yet not enough to be joined by themselves.
 *
 *   new fingerprint --group_find--> nothing reaches its threshold, one comes near (group_decision.doubt)
 *         '--issue_judge.same(question)--> yes: joined, "a model said so"; no, or no answer: an issue of its own
 *
 * Asked by the owner's thread before the transaction that decides, at most ISSUE_JUDGE_QUESTIONS_MAX a look, and once a pair:
 * the answer is kept with the fingerprint (issue_fingerprints.judge) and told to people as why. Without a judge nothing of this
 * happens. What is asked is telemetry: text of strangers, to be fenced by whoever hands it to a model.
 * Thread: the owner's; same may take a few seconds, ISSUE_JUDGE_MS at most. Memory: borrowed for the call. Errors: any; the
 * owner then leaves the judge alone for ISSUE_JUDGE_REST_MS; by ERR_UNSUPPORTED (the project has no model), ERR_QUOTA (nothing left
 * of its budget) and ERR_FORBIDDEN for this project alone, for these say nothing of others and are no failures. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"

#define ISSUE_JUDGE_QUESTIONS_MAX 8
#define ISSUE_JUDGE_MS            15000
#define ISSUE_JUDGE_REST_MS       60000
#define ISSUE_JUDGE_STACK_BYTES   2048
#define ISSUE_JUDGE_WHY_BYTES     400
#define ISSUE_JUDGE_MODEL_BYTES   128

/* One of the two. All of it UTF-8, without the values that its message had. */
struct issue_judge_error {
    struct bytes service, language;
    struct bytes type, message; /* of the root cause; message is its template */
    struct bytes stack;         /* its in-app frames, innermost first, a line each; at most ISSUE_JUDGE_STACK_BYTES */
    struct bytes title;         /* of what was reported: "type: template" */
};
struct issue_judge_question {
    struct uuid project_id;               /* whose budget it is */
    struct issue_judge_error before, now; /* one that has an issue, and the new one */
    double score, threshold;              /* the cosine of their words, and what would do */
};
struct issue_judge_answer {
    bool is_same;
    char why[ISSUE_JUDGE_WHY_BYTES];     /* a sentence for a person; valid UTF-8, no control characters */
    char model[ISSUE_JUDGE_MODEL_BYTES]; /* who said so */
};
struct issue_judge {
    /* False with err: no answer. */
    bool (*same)(void *ctx, const struct issue_judge_question *question, struct issue_judge_answer *answer,
                 struct err *err);
    void *ctx;
};
