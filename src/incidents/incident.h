/* incident.h -- what goes wrong, once: findings and alerts about one thing become one incident, which people are told of.
 *
 *   finding, monitor --incident_signal_put--> signal --same service or a neighbour, within the window--> incident --> deliveries
 *                                                                                      (channels by severity and service)
 *
 * A signal is known by project, source and key: put it as often as wanted, the last word counts; with ended_unix_us it is over,
 * and an incident whose signals are all over is resolved. The same key again after its end is a new episode: it reopens the
 * incident when that ended less than INCIDENT_WINDOW_US before, else it opens another.
 * Severity is the worst of the signals that go on. Quiet signals are kept and told to nobody.
 * Thread: any. Memory: none kept. Errors: ERR_INPUT for what cannot be stored; those of db.h. Tables: migration 0087. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct db_session;

#define INCIDENT_WINDOW_US      (INT64_C(600) * 1000000)
#define INCIDENT_SIGNALS_MAX    500 /* of an incident; the next one opens another */
#define INCIDENT_KEY_BYTES_MAX  200
#define INCIDENT_TEXT_BYTES_MAX 4000
#define INCIDENT_LINE_BYTES_MAX 300 /* of title, service, endpoint, environment; longer ones are cut */

/* API: people, and programs of theirs. */
enum incident_source { INCIDENT_FINDING, INCIDENT_MONITOR, INCIDENT_API, INCIDENT_SOURCE_COUNT };
enum incident_severity { INCIDENT_INFO, INCIDENT_WARNING, INCIDENT_CRITICAL, INCIDENT_SEVERITY_COUNT };
struct incident_signal {
    struct uuid project_id;
    enum incident_source source;
    struct bytes key; /* identity of what goes on: opens once, is updated, ends by the same key */
    enum incident_severity severity;
    struct bytes service, endpoint, environment; /* empty: not about one */
    struct bytes title, text;                    /* one line; some lines of plain text */
    struct bytes path;                           /* of the page that shows it, below the project: "findings/12" */
    struct bytes labels;                         /* JSON object of what else is known, "" none */
    struct bytes
        channels; /* JSON array of channel ids that get it whatever the routing says (a monitor's own), "" none */
    int64_t started_unix_us, ended_unix_us; /* ended 0: still going on */
    bool quiet;                             /* muted or in a maintenance window: kept, not told */
    struct bytes image; /* a PNG that shows what its text says, "" none: told with its opening, and not kept */
};
/* Inside the transaction in which the caller stores its own state. *incident: its number in the project. */
MUST_CHECK bool incident_signal_put(struct db_session *session, const struct incident_signal *signal,
                                    int64_t now_unix_us, int64_t *incident, struct err *err);

/* Every few seconds, by any process that shares the metadata: incidents_tend for each project that has something due. */
MUST_CHECK bool incidents_tend_all(struct db *db, int64_t now_unix_us, struct err *err);
/* Resolves what has been over for a while, reminds, ends mutes. Whoever calls it when: what is done is done once. */
MUST_CHECK bool incidents_tend(struct db *db, struct uuid project_id, int64_t now_unix_us, struct err *err);
