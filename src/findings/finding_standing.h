/* finding_standing.h -- findings that are stored as going on, and of which detection knows nothing, end.
 *
 *   watch_open, finding_metrics_open --finding_standing_put--> what goes on --finding_standing_settle--> the others end
 *
 * What is known may be lost: a file that is gone or cannot be read, another process took the project and has none, a finding that what
 * learned anew does not see. Then nothing would ever end it. Settle when what detection has is up to date: what it found once
 * more is in it by then. The end is when it was last known to go on: the minute it was found in.
 * What is known, and worth telling people, and was found too late for that, as what was missed was caught up with, is untold then.
 * New errors and patterns are not of these: finding_new.h ends them by what is stored.
 * Thread: any. Memory: of the arena. Errors: those of finding.h; what ended before the failure stays so. */
#pragma once
#include "findings/finding.h"
#include "meta/db_rows.h"

struct finding_known {
    struct detect_finding finding;
    struct watch_subject subject;
    bool has_subject;
};
struct finding_standing {
    struct arena *arena;
    struct db_rows open, untold; /* of struct finding_known */
};
/* A watch_tell_fn; ctx: struct finding_standing. The subject is borrowed until it is settled. */
void finding_standing_put(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject);
/* is_of_metrics: those of metrics, else those of roll-ups. Sets standing->untold. */
MUST_CHECK bool finding_standing_settle(struct db *db, struct uuid project_id, struct finding_standing *standing,
                                        bool is_of_metrics, int64_t now_unix_us, struct err *err);
