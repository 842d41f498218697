/* finding_chart.h -- a finding as a picture, for those who are told of it: an hour before it began and what came since, a minute each, with what
 * was expected.
 *
 *   rollup_minutes, rollup_minute_buckets --> values a minute --chart/--> PNG --> incident_signal.image
 *
 * Thread: any. Memory: the PNG is the arena's. Errors: those of db.h; where no picture can be made there is none. */
#pragma once
#include "findings/finding.h"

/* *png is empty: it is about no service, is new, or a metric, of which roll-ups know nothing; or there are no rows. */
MUST_CHECK bool finding_chart(struct db_session *session, struct arena *arena, const struct finding *finding,
                              int64_t now_unix_us, struct bytes *png, struct err *err);
