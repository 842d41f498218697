/* finding_new.h -- what was not there before, as findings: errors (issues, meta/issue.h) and log patterns (meta/pattern.h).
 *
 *   things first seen lately, often enough, of a service known for NEW_KNOWN_US --finding_new_look--> opened
 *   those that were told: nothing of them for NEW_CALM_US, or they are settled --> closed; after six hours --> accepted
 *
 *   errors      each is a finding by itself, once it came NEW_EVENTS_MIN times
 *   patterns    of a service all that came often enough (a limit a level) and were not told are one finding; then for NEW_REST_US
 *               none of that service: what comes meanwhile is in the next. So a release is a few findings, and nothing is left out
 *
 * What is worth telling people is up: it has come for NEW_LASTS_US at surely NEW_RATE_MIN a minute, or NEW_SOON times whatever the time. What has
 * not within its first hour, and came often enough all the same, is a finding that is not up then: for reports, told to nobody.
 *
 * Of a service that is new, and in the first day of a project, all is new: nothing is told. What is known of the ones that were told
 * is in the table of findings: a look after a crash goes on there.
 * Subjects. Of an error: endpoint is the element of `hashes` of the first fingerprint, method the number, route its
 * title, kind NEW_ROW_KIND. Of patterns: endpoint are elements of `hashes`, with blanks between them, method their highest level,
 * route their texts, a line each, what counts most first; kind NEW_PATTERN_ROW_KIND,
 * effect how many patterns, is_up: they are errors, too.
 * Thread: any. Memory: none kept. Errors: those of db.h. */
#pragma once
#include "findings/finding.h"

#define NEW_ROW_KIND         "error"
#define NEW_PATTERN_ROW_KIND "log"
#define NEW_EVENTS_MIN       20
#define NEW_WITHIN_US        INT64_C(3600000000)
#define NEW_REST_US          (NEW_WITHIN_US / 3)
#define NEW_CALM_US          INT64_C(1800000000)
#define NEW_ACCEPT_US        (6 * NEW_WITHIN_US)
#define NEW_KNOWN_US         (24 * NEW_WITHIN_US)
#define NEW_LASTS_US         INT64_C(600000000)
#define NEW_RATE_MIN         1.0
#define NEW_RATE_SURE        1.645 /* deviations of a count at that rate */
#define NEW_SOON             1000
/* Lines of a new pattern: of level ERROR or FATAL, of WARN, of any other. */
#define NEW_LINES_ERROR_MIN 10
#define NEW_LINES_WARN_MIN  20
#define NEW_LINES_MIN       1000

/* to_unix_us: up to which minutes have come. */
MUST_CHECK bool finding_new_look(struct db *db, struct uuid project_id, int64_t to_unix_us, watch_tell_fn *tell,
                                 void *ctx, struct err *err);
