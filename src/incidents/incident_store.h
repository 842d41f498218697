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

/* ---- by people ---- */

enum incident_act {
    INCIDENT_ACKNOWLEDGE,
    INCIDENT_RESOLVE,
    INCIDENT_REOPEN,
    INCIDENT_MUTE,
    INCIDENT_UNMUTE,
    INCIDENT_NOTE
};
struct incident_change {
    enum incident_act act;
    struct bytes actor;
    int64_t until_unix_us; /* of MUTE */
    struct bytes note;     /* of NOTE: some lines */
};
/* Inside the caller's transaction; what is so already changes nothing. incident: as it is then. */
MUST_CHECK bool incident_change(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                                const struct incident_change *change, int64_t now_unix_us, struct incident *incident,
                                struct err *err);

/* ---- for pages ---- */

MUST_CHECK bool incident_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                              struct incident *incident, struct err *err);
struct incident_filter {
    int state; /* enum incident_state; -1: all; INCIDENT_STATE_COUNT: all that are not resolved */
    int severity_min;
    struct bytes service, environment; /* empty: all; of any of its signals */
    int64_t from_unix_us, to_unix_us;  /* something of it went on then; 0: any time */
    int64_t before;                    /* numbers below this; 0: from the newest */
    uint32_t limit;
};
/* Newest first; each answers false to stop. */
MUST_CHECK bool incident_list(struct db *db, struct arena *arena, struct uuid project_id,
                              const struct incident_filter *filter,
                              bool (*each)(void *ctx, const struct incident *incident), void *ctx, struct err *err);
struct incident_event {
    int64_t at_unix_us;
    struct bytes actor, detail; /* detail: a JSON object, empty: none */
    enum incident_happening what;
};
struct incident_delivery {
    int64_t id, channel_id, created_unix_us, ended_unix_us, attempts;
    struct bytes channel, title, why;
    uint32_t act, state; /* enum message_act, delivery_state */
};
struct incident_detail {
    struct incident incident;
    struct incident_signal_row *signals;
    struct incident_event *events;
    struct incident_delivery *deliveries;
    uint32_t signal_count, event_count, delivery_count;
};
MUST_CHECK bool incident_detail(struct db *db, struct arena *arena, struct uuid project_id, int64_t number,
                                struct incident_detail *detail, struct err *err);
