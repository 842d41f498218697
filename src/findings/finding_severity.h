/* finding_severity.h -- how bad a finding is: by its effect, its part of the service, and how fast the service spends its error budget.
 *
 *   roll-ups of the minutes around, objectives of monitors --finding_weight_read--> weight
 *   what was found, weight --finding_severity--> info, warning, critical         docs/detection.md has the table
 *
 * Warning or more is decided by the effect alone, so that it is known before anything is read.
 * Thread: any. Memory: none kept. Errors: those of db.h. */
#pragma once
#include "detect/rollups/watch.h"
#include "incidents/incident.h"
#include "meta/db.h"

#define FINDING_OBJECTIVE 0.99 /* of requests without errors, where no monitor of burn rates names the service */
#define FINDING_NARROW    0.05 /* less of a service than that is no critical trouble of it */
/* Burn rates that page: 2% of a month's budget in an hour, 5% in six (Google's SRE workbook, table 5-8). */
#define FINDING_BURN_FAST 14.4
#define FINDING_BURN_SLOW 6

struct finding_weight {
    double
        breadth; /* the part of the service's rows of that kind, of requests together: 0 to 1; 1 also where it is not known */
    double burn;      /* its errors since the change, as a multiple of what the objective allows */
    double objective; /* 0: its burn is not known */
};
/* The change is not looked at: it says what became of a finding. */
enum incident_severity finding_severity(const struct detect_finding *found, const struct finding_weight *weight);
/* subject NULL: all series. Two statements. */
MUST_CHECK bool finding_weight_read(struct db_session *session, struct uuid project_id,
                                    const struct detect_finding *found, const struct watch_subject *subject,
                                    struct finding_weight *weight, struct err *err);
