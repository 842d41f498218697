/* collect.h -- what each template looks at, and what its rules find in it; no language model.
 *
 *   template, scope, range --tools: service_health, error_groups, pattern_list, endpoint_list, run_sql--> tables, charts, findings
 *
 * Rules (docs/agents.md has them as a table): compared with the time before, as long; with a least volume and a least effect.
 * Thread: the run's. Errors: those of evidence.h. A tool that failed makes a note, not an end. */
#pragma once
#include "agents/report.h"

struct collecting {
    const struct agent *agent;
    struct evidences *evidences;
    struct report *report;
    int64_t from_unix_us, to_unix_us, before_unix_us; /* whole minutes; before: as long as the range */
};
MUST_CHECK bool collect(struct collecting *collecting, struct err *err);
/* "2026-11-28T10:00:00Z"; "28 Nov 10:00" */
const char *collect_time(struct arena *arena, int64_t unix_us);
const char *collect_day(struct arena *arena, int64_t unix_us);
/* A sentence or two of what the rules found. */
struct bytes collect_summary(const struct collecting *collecting);
