/* finding.h -- what detection found, as it is stored: opened, changed and closed, each once, and told as a signal of an incident.
 *
 *   detect/rollups --finding_tell--> row, its severity, its words --incident_signal_put--> incident     one transaction
 *
 * A finding is known by subject, measure and the minute it was found in, or as the one that goes on since about the same time: what is
 * told again after a crash changes nothing.
 *
 * Of a NEW_ERROR method is its issue's number, route that one's title, endpoint an element of `hashes` all the same; of a NEW_PATTERN
 * they are as finding_new.h says.
 *
 * How bad it is: finding_severity.h; what it weighs is found once, as it opens.
 *
 * What it comes from (finding_causes.h) is stored beside it, looked at again while it goes on, and its first cause is a line of its signal.
 *
 * Thread: any. Memory: none kept. Errors: those of db.h and incident.h. Tables: migrations 0088, 0094, 0097. */
#pragma once
#include "base/arena.h"
#include "detect/rollups/watch.h"
#include "findings/finding_severity.h"
#include "incidents/incident.h"
#include "meta/db.h"

struct finding {
    struct uuid project_id;
    int64_t number;
    enum detect_kind kind;
    bool is_up, is_accepted;
    struct bytes service, row_kind, endpoint, method, route; /* service empty: of all series at once */
    enum incident_severity severity;
    int64_t begin_unix_us, found_unix_us, end_unix_us; /* end 0: it goes on */
    int64_t window_minutes;
    double value, expected, low, high, effect, z, p, rows;
    struct finding_weight weight;
    int64_t incident;   /* 0: of none */
    struct bytes cause; /* the first one in a line; empty: none is known */
};
/* Its causes: JSON (finding_causes.h), and the first in one line. */
struct finding_explained {
    struct bytes content, line;
};

/* Without number, severity and weight; texts are borrowed of the subject, NULL: of all series. */
void finding_make(struct finding *finding, struct uuid project_id, const struct detect_finding *found,
                  const struct watch_subject *subject);
/* What watch_run tells. is_told: people are told of it; else it is only stored: it is of a time that was caught up with, and may be told
 * once more, with is_told, while it goes on. explained: of one that opened, or NULL. */
MUST_CHECK bool finding_tell(struct db *db, struct uuid project_id, const struct detect_finding *found,
                             const struct watch_subject *subject, const struct finding_explained *explained,
                             bool is_told, int64_t now_unix_us, struct err *err);
/* Of one thing one finding goes on: what learned anew after a crash finds it a little sooner or later. */
#define FINDING_SAME_US INT64_C(3600000000)
/* A drop that becomes silence stays the same finding. */
enum detect_kind finding_measure(enum detect_kind kind);
/* Is somebody told of it: is it worth explaining? */
bool finding_is_told(const struct detect_finding *found);

/* Those that go on and whose causes are to be looked at again, by when they began: 5, 8 and 18 minutes after they were found, which
 * is known three minutes later. */
MUST_CHECK bool finding_causes_due(struct db *db, struct uuid project_id, struct arena *arena, int64_t now_unix_us,
                                   bool (*each)(void *ctx, const struct finding *finding), void *ctx, struct err *err);
/* explained NULL: nothing is known now; what was stays. Then it may be told in words, too (finding_account.h). */
MUST_CHECK bool finding_explain(struct db *db, const struct finding *finding, const struct finding_explained *explained,
                                int64_t now_unix_us, struct err *err);
/* Empty: there are none. */
MUST_CHECK bool finding_explained_find(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                                       struct finding_explained *explained, struct err *err);

struct finding_filter {
    struct bytes service;             /* empty: any */
    int64_t from_unix_us, to_unix_us; /* they went on in; 0: any */
    bool is_open;                     /* those alone that go on */
    int64_t before;                   /* numbers below it; 0: from the newest on */
    uint32_t limit;
};
/* Newest first. */
MUST_CHECK bool finding_list(struct db *db, struct uuid project_id, struct arena *arena,
                             const struct finding_filter *filter,
                             bool (*each)(void *ctx, const struct finding *finding), void *ctx, struct err *err);
/* *is_there false: the project has no such finding. */
MUST_CHECK bool finding_find(struct db *db, struct uuid project_id, struct arena *arena, int64_t number,
                             struct finding *finding, bool *is_there, struct err *err);
/* Those that ended before go. */
MUST_CHECK bool finding_expire(struct db *db, struct uuid project_id, int64_t before_unix_us, struct err *err);

/* finding_words.c: one line; some lines; and a statement whose rows show it, a minute each: t and value. */
const char *finding_title(struct arena *arena, const struct finding *finding);
const char *finding_text(struct arena *arena, const struct finding *finding);
const char *finding_sql(struct arena *arena, const struct finding *finding);
const char *finding_quoted(struct arena *arena, struct bytes text); /* as a text in SQL */
const char *finding_time(struct arena *arena, int64_t unix_us);

/* The one that watches a project. got false: another does. */
#define FINDING_LEASE_US INT64_C(120000000)
MUST_CHECK bool finding_owner_take(struct db *db, struct uuid project_id, struct uuid owner, int64_t now_unix_us,
                                   bool *got, struct err *err);
MUST_CHECK bool finding_owner_release(struct db *db, struct uuid owner, struct err *err);
