/* incident_store.h -- incidents as pages and the API see them, and what people do to them.
 *
 *   OPEN --acknowledge--> ACKNOWLEDGED --'- all signals over, or a person -'--> RESOLVED --a signal, or a person--> OPEN
 *
 * Thread: any. Memory: texts of what is found are the arena's. Errors: ERR_NOT_FOUND; ERR_CONFLICT: it is not in a state for that;
 * those of db. */
#pragma once
#include "base/arena.h"
#include "incidents/incident.h"
#include "meta/db.h"

enum incident_state { INCIDENT_OPEN, INCIDENT_ACKNOWLEDGED, INCIDENT_RESOLVED, INCIDENT_STATE_COUNT };
enum incident_happening {
    INCIDENT_HAPPENED_OPENED,
    INCIDENT_HAPPENED_JOINED, /* a further signal */
    INCIDENT_HAPPENED_WORSE,
    INCIDENT_HAPPENED_SIGNAL_OVER,
    INCIDENT_HAPPENED_ACKNOWLEDGED,
    INCIDENT_HAPPENED_RESOLVED,
    INCIDENT_HAPPENED_REOPENED,
    INCIDENT_HAPPENED_REMINDED,
    INCIDENT_HAPPENED_MUTED,
    INCIDENT_HAPPENED_UNMUTED,
    INCIDENT_HAPPENED_NOTE,
    INCIDENT_HAPPENING_COUNT
};
extern const char *const incident_state_names[INCIDENT_STATE_COUNT];
extern const char *const incident_happening_names[INCIDENT_HAPPENING_COUNT];
extern const char *const incident_source_names[INCIDENT_SOURCE_COUNT];
extern const char *const incident_severity_names[INCIDENT_SEVERITY_COUNT];

struct incident {
    struct uuid project_id;
    int64_t number;
    struct bytes title, service, environment; /* of its first signal */
    enum incident_state state;
    enum incident_severity severity, worst; /* of what goes on; of all there was */
    int64_t signal_count;
    int64_t episode; /* how often it opened */
    bool is_quiet;
    int64_t first_unix_us, last_unix_us; /* when its first and its last signal began */
    int64_t over_unix_us;                /* since when nothing goes on; 0: something does */
    int64_t ended_unix_us;               /* when it was resolved; 0: it is not */
    int64_t acknowledged_unix_us;
    struct bytes acknowledged_by;
    int64_t muted_until_unix_us;
    int64_t remind_unix_us, reminders;
    int64_t changed_unix_us;
};
struct incident_signal_row {
    struct incident_signal signal;
    int64_t incident, changed_unix_us;
};

/* What a project says of its incidents. */
struct incident_settings {
    uint32_t remind_minutes; /* of one that nobody acknowledged; 0: never */
    uint32_t reminders_max;
};
MUST_CHECK bool incident_settings_read(struct db_session *session, struct uuid project_id,
                                       struct incident_settings *settings, struct err *err);
MUST_CHECK bool incident_settings_write(struct db_session *session, struct uuid project_id,
                                        const struct incident_settings *settings, int64_t now_unix_us, struct err *err);
