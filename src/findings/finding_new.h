/* finding_new.h -- errors that were not there before: issues (meta/issue.h) as findings.
 *
 *   issues first seen within NEW_WITHIN_US, with NEW_EVENTS_MIN events, of a service known for NEW_KNOWN_US --finding_new_look--> opened
 *   those that were told: no event for NEW_CALM_US, resolved or ignored --> closed; after six hours --> accepted
 *
 * Of a service that is new, and in the first day of a project, all is new: nothing is told. What is known of the ones that were told
 * is in the table of findings: a look after a crash goes on there.
 * Its subject: endpoint is the element of `hashes` of the first fingerprint, method the number, route its title, kind
 * NEW_ROW_KIND.
 * Thread: any. Memory: none kept. Errors: those of db.h. */
#pragma once
#include "findings/finding.h"

#define NEW_ROW_KIND   "error"
#define NEW_EVENTS_MIN 20
#define NEW_WITHIN_US  INT64_C(3600000000)
#define NEW_CALM_US    INT64_C(1800000000)
#define NEW_ACCEPT_US  (6 * NEW_WITHIN_US)
#define NEW_KNOWN_US   (24 * NEW_WITHIN_US)

/* to_unix_us: up to which minutes have come. */
MUST_CHECK bool finding_new_look(struct db *db, struct uuid project_id, int64_t to_unix_us, watch_tell_fn *tell,
                                 void *ctx, struct err *err);
