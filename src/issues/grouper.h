/* grouper.h -- puts each new fingerprint into its issue and keeps issues current: one process at a time for each project.
 *
 *   look (each 500 ms) --issue_owner_due--> projects with something to do
 *     a project, leased: [ group_index ] what people moved -> follow
 *                        new fingerprints, in the order they came first -> group_find, group_add -> issue_decide
 *                        issues with new counts, states whose time has come -> issue_refresh
 *
 * A fingerprint's issue is decided once, and written in one transaction with all that tells why; the transaction asks whether
 * this is still the owner and knows what people moved. What it refuses, and whatever else fails, makes the owner forget the
 * project and read it anew: the database is what counts. So nothing is decided twice, whichever process dies where; and as
 * decisions hang on what was decided before alone, the same order makes the same issues.
 * Several processes share the projects: each takes GROUPER_TAKES_MAX a look of those that are free. One that is idle for
 * GROUPER_IDLE_US is let go.
 * Thread: one of its own (grouper_start), or the caller's (grouper_look); stats for any. Memory: bytes_max for the indices: the
 * one that was not used for the longest goes first; a project that is larger than all of it has issues of single fingerprints
 * for the rest, and metrics say so. Errors: told in the log, once until it is well again; the next look tries again.
 * Fail points: issues.before_decide, issues.after_decide, issues.before_refresh, issues.after_refresh. */
#pragma once
#include "base/histogram.h"
#include "base/log.h"
#include "errors/group.h"
#include "issues/judge.h"
#include "meta/issue_owner.h"

#define GROUPER_TAKES_MAX 16
#define GROUPER_IDLE_US   INT64_C(600000000)

struct grouper;
struct grouper_options {
    struct db *db;
    const char *name;         /* of this process, the same after a restart; copied */
    struct embedder embedder; /* .embed NULL: none */
    struct issue_judge judge; /* .same NULL: none */
    uint64_t bytes_max;
    uint32_t look_ms; /* 0: 500 */
    const struct log *log;
};
struct grouper *grouper_create(const struct grouper_options *options);
MUST_CHECK bool grouper_start(struct grouper *grouper, struct err *err);
/* Ends the thread; its projects are free. NULL is fine. */
void grouper_close(struct grouper *grouper);
/* One look, for tests and benches: without a thread. *did: whether there was anything to do. */
MUST_CHECK bool grouper_look(struct grouper *grouper, int64_t now_unix_us, bool *did, struct err *err);

struct grouper_stats {
    uint32_t projects;     /* held */
    uint64_t fingerprints; /* in their indices */
    uint64_t bytes;        /* of them */
    uint64_t decided[GROUP_BY_COUNT];
    uint64_t changed[ISSUE_WHY_COUNT_OF]; /* states that changed by themselves */
    uint64_t refreshed;                   /* issues whose figures were made anew */
    uint64_t full;                        /* decided without room in the index */
    uint64_t embedding_failures;
    uint64_t judged, judged_same, judge_failures;
    uint64_t conflicts; /* transactions that were refused: another owner, or people had moved something */
    uint64_t failures;
    bool is_failing;                      /* the last look did not do all */
    struct histogram_counts decide_times; /* of a fingerprint, from its event to its place in the index */
};
void grouper_stats(struct grouper *grouper, struct grouper_stats *stats);
