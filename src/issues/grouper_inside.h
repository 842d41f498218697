/* grouper_inside.h -- what the files of the owner share.
 *
 *   grouper.c          the thread, the look, which projects are held        grouper_project.c  a project: read, follow, refresh
 *   grouper_decide.c   new fingerprints to issues                           grouper_judge.c    who is asked in doubt */
#pragma once
#include <pthread.h>

#include "base/arena.h"
#include "base/ticker.h"
#include "issues/grouper.h"

#define DECIDE_AT_ONCE 64 /* fingerprints a transaction ... */
#define DECIDE_US \
    INT64_C(5000000) /* ... and how long it may take to decide on them: a judge takes its time, and leases end */

struct owned { /* a project */
    struct issue_lease lease;
    struct group_index *index;
    int64_t judge_rests_until_us; /* it has no model */
    int64_t used_unix_us;         /* when there was something to do last */
    struct owned *next;
};
struct grouper {
    struct grouper_options options;
    char *name;
    struct uuid id;
    struct owned *projects;
    struct arena arena;                                     /* of a transaction's fingerprints */
    int64_t tidied_unix_us, kept_unix_us, embedded_unix_us; /* the last: 0: the embedder rests */
    int64_t judge_rests_until_us;
    uint32_t judge_questions; /* left, of this look */
    int64_t look_unix_us;     /* when this look began ... */
    uint64_t look_mono_ns;    /* ... by the other clock */
    bool is_embedding_told, is_judge_told, is_full_told, is_failure_told;
    pthread_t thread;
    bool has_thread;
    struct ticker ticker;
    pthread_mutex_t lock; /* guards what follows */
    struct grouper_stats stats;
    struct histogram decide_times;
};

static_assert(DECIDE_US + ISSUE_JUDGE_MS * INT64_C(1000) < ISSUE_LEASE_US,
              "a lease lasts until what was asked is written");
/* Now, of a look that may have begun a while ago. */
int64_t grouper_now(const struct grouper *grouper);

/* ---- grouper_project.c ---- */
/* Takes it and reads what is grouped. *owned NULL: it is another's. */
MUST_CHECK bool project_take(struct grouper *grouper, struct uuid project_id, int64_t now_unix_us, struct owned **owned,
                             struct err *err);
void project_free(struct owned *owned);
/* What people have moved since. */
MUST_CHECK bool project_follow(struct grouper *grouper, struct owned *owned, struct err *err);
/* Figures and states, as long as there are some to do; *did as in grouper_look. */
MUST_CHECK bool project_refresh(struct grouper *grouper, struct owned *owned, bool *did, struct err *err);
/* ---- grouper_decide.c ---- */
/* Some of the new fingerprints; *more: there may be others. */
MUST_CHECK bool project_decide(struct grouper *grouper, struct owned *owned, bool *did, bool *more, struct err *err);
/* ---- grouper_judge.c ---- */
/* Whether the doubt is to be asked about, and there are questions left in this look. */
bool judge_wants(const struct grouper *grouper, const struct owned *owned, const struct group_decision *decision,
                 int64_t now_unix_us);
/* Asks. *judge: what is kept with the fingerprint, in the owner's arena. True: they are the same. */
bool judge_ask(struct grouper *grouper, struct owned *owned, const struct error_event *event,
               const struct group_decision *decision, int64_t now_unix_us, struct bytes *judge);
