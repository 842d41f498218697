/* evidence.h -- what an agent's run looked at: calls of tools, by number, within a budget.
 *
 *   evidence_get(tool, arguments) --face: the API as the agent's own credential--> E1, E2 ... --> report, model
 *
 * Thread: the run's. Memory: the run's arena. Errors: ERR_QUOTA: the run's budget of queries or time is used up; ERR_CANCELLED: the
 * process stops; ERR_CONFLICT: another process has the run. A tool that failed is evidence too (is_error). */
#pragma once
#include "agents/agent.h"
#include <stdatomic.h>
#include <yyjson.h>

#define EVIDENCE_MAX       100
#define EVIDENCE_BYTES_MAX (256u << 10) /* of one answer */

/* Who reads for agents. Each call: as the project's agent, read-only. */
struct agent_tools {
    /* The tools there are, as the Model Context Protocol lists them: name, description, inputSchema. */
    void (*list)(void *ctx, struct uuid project_id, yyjson_mut_doc *doc, yyjson_mut_val *tools);
    bool (*call)(void *ctx, struct uuid project_id, const char *agent, const char *tool, yyjson_val *arguments,
                 struct buf *out, bool *is_error, struct err *err);
    void *ctx;
};

struct evidence {
    const char *id, *tool; /* "E1" */
    struct bytes arguments, answer;
    bool is_error;
    uint32_t ms;
    yyjson_val *root; /* NULL: it is no JSON */
    yyjson_doc *doc;
};
struct evidences {
    struct evidence items[EVIDENCE_MAX];
    uint32_t count, queries_max;
    uint64_t until_mono_ns;
    struct uuid project_id;
    char agent[128];
    const struct agent_tools *tools;
    struct arena *arena;
    const atomic_bool *stops;
    struct buf log;                           /* of the run, lines */
    bool (*keep)(void *ctx, struct err *err); /* the lease of the run; called when it is time */
    void *keep_ctx;
    uint64_t kept_mono_ns;
};
void evidences_deinit(struct evidences *evidences);
/* The arguments are an object. */
MUST_CHECK bool evidence_get(struct evidences *evidences, const char *tool, yyjson_val *arguments,
                             const struct evidence **got, struct err *err);
/* The same of JSON's text. */
MUST_CHECK bool evidence_ask(struct evidences *evidences, const char *tool, const char *arguments,
                             const struct evidence **got, struct err *err);
const struct evidence *evidence_find(const struct evidences *evidences, struct bytes id);
/* A line with how far into the run it is. */
void evidence_log(struct evidences *evidences, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* May it go on? Keeps the lease. */
MUST_CHECK bool evidence_may(struct evidences *evidences, struct err *err);
