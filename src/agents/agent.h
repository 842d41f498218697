/* agent.h -- what somebody defined, and the reports that came of it; as stored.
 *
 *   API --definition: JSON by its schema--> agents + schedule_jobs (one transaction) --run.h--> agent_reports
 *
 * The definition is kept as the text that came; agent_read makes a struct of it and says what is wrong. An agent's job has the
 * subject "agent/ID". Reports stay for AGENT_REPORT_DAYS.
 * Thread: any. Memory: the caller's arena. Errors: ERR_INPUT, ERR_NOT_FOUND, ERR_EXISTS for the name, ERR_TOO_LARGE; those of db.h. */
#pragma once
#include "base/arena.h"
#include "channels/message.h"
#include "schedule/job.h"

#define AGENTS_MAX           100 /* of a project */
#define AGENT_REPORT_DAYS    400
#define AGENT_LIST_MAX       50
#define AGENT_RECIPIENTS_MAX 20

enum agent_template {
    AGENT_HEALTH,
    AGENT_WEEKLY,
    AGENT_DEPLOYS,
    AGENT_ERRORS,
    AGENT_DATABASE,
    AGENT_PROMPT,
    AGENT_TEMPLATE_COUNT
};
extern const char *const agent_template_names[AGENT_TEMPLATE_COUNT];
struct agent_recipient {
    int64_t channel_id;
    enum message_severity severity_min; /* of a report */
};
struct agent_texts {
    struct bytes items[AGENT_LIST_MAX];
    uint32_t count; /* 0: all */
};
struct agent {
    int64_t id;
    struct uuid project_id;
    struct bytes name, author;
    int64_t created_unix_us, changed_unix_us;
    struct bytes definition; /* JSON */
    /* of it: */
    enum agent_template template;
    struct bytes prompt, cadence, zone;
    uint32_t jitter_s, range_hours;
    bool is_paused, uses_model;
    struct agent_texts services, error_types, metrics;
    struct bytes environment; /* empty: all */
    struct agent_recipient recipients[AGENT_RECIPIENTS_MAX];
    uint32_t recipient_count;
    uint32_t seconds_max, tokens_max, queries_max; /* of one run */
};
/* Of agent->definition all that follows it. */
MUST_CHECK bool agent_read(struct agent *agent, struct arena *arena, struct err *err);
/* "agent/7". */
struct bytes agent_subject(struct arena *arena, int64_t id);
MUST_CHECK bool agent_subject_read(struct bytes subject, int64_t *id);

/* With its job. Sets id and times. */
MUST_CHECK bool agent_insert(struct db_session *session, struct arena *arena, struct agent *agent, int64_t now_unix_us,
                             struct err *err);
MUST_CHECK bool agent_update(struct db_session *session, struct arena *arena, struct agent *agent, int64_t now_unix_us,
                             struct err *err);
MUST_CHECK bool agent_delete(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id,
                             struct err *err);
MUST_CHECK bool agent_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id,
                           struct agent *agent, struct err *err);
/* By name, with the job of each; answers false to stop. after: the name before the first, empty: none. */
MUST_CHECK bool agent_list(struct db *db, struct uuid project_id, struct bytes after, uint32_t limit,
                           struct arena *arena,
                           bool (*each)(void *ctx, const struct agent *agent, const struct job *job), void *ctx,
                           struct err *err);

struct agent_report {
    int64_t id, agent_id, run_id;
    struct uuid project_id;
    struct bytes agent_name; /* of now; empty: it is gone */
    struct bytes title;
    enum message_severity severity;
    int64_t from_unix_us, to_unix_us, made_unix_us;
    struct bytes content; /* JSON; empty in lists */
};
/* Sets the id. Older ones than AGENT_REPORT_DAYS of the project go. */
MUST_CHECK bool agent_report_insert(struct db_session *session, struct agent_report *report, struct err *err);
MUST_CHECK bool agent_report_find(struct db *db, struct arena *arena, struct uuid project_id, int64_t id,
                                  struct agent_report *report, struct err *err);
/* Newest first, below before (0: all); agent_id 0: of all. */
MUST_CHECK bool agent_report_list(struct db *db, struct uuid project_id, int64_t agent_id, int64_t before,
                                  uint32_t limit, bool (*each)(void *ctx, const struct agent_report *report), void *ctx,
                                  struct err *err);
