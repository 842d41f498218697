/* finding_past.h -- what detection finds in a time that is over: computed anew from the stored minutes, told to nobody, stored nowhere.
 *
 *   minutes from - learn ... from --watch_run: what is usual--> minutes from ... to --watch_run--> findings, with their severity
 *
 * It is what the watcher would have found that had begun to learn at from - learn: with fewer than two weekends a volume must differ by
 * more (docs/detection.md). Of rows, errors and latencies; new errors, log patterns and metrics are not computed anew.
 * Thread: any; it takes 6 us of CPU a series and minute, a part of it in the database. Memory: 8 KB a series; findings are the arena's.
 * Errors: those of db.h. */
#pragma once
#include "findings/finding.h"
#include "meta/db_rows.h"

struct finding_past_range {
    int64_t from_unix_us, to_unix_us, learn_us;
    struct bytes service; /* empty: any */
    int64_t budget_us;    /* by the clock */
    bool (*goes_on)(void *ctx);
    void *ctx;
};
struct finding_past {
    struct db_rows
        findings; /* of struct finding, by when they were found; those that went on in the range; number: from 1 */
    int64_t reached_unix_us; /* before to: the budget was over, or it was not to go on */
    uint32_t series;
};
MUST_CHECK bool finding_past_look(struct db *db, struct uuid project_id, const struct finding_past_range *range,
                                  struct arena *arena, struct finding_past *past, struct err *err);
