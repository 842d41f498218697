/* An incident's row, its signals and what happened to it. */
#include "incidents/incident_inside.h"

const char *const incident_state_names[INCIDENT_STATE_COUNT] = { "open", "acknowledged", "resolved" };
const char *const incident_happening_names[INCIDENT_HAPPENING_COUNT] = {
    "opened",   "joined",   "worse", "signal_over", "acknowledged", "resolved",
    "reopened", "reminded", "muted", "unmuted",     "note",
};
const char *const incident_source_names[INCIDENT_SOURCE_COUNT] = { "finding", "monitor", "api" };
const char *const incident_severity_names[INCIDENT_SEVERITY_COUNT] = { "info", "warning", "critical" };

const char incident_columns[] =
    "project_id, number, title, service, environment, state, severity, worst, signal_count, episode, is_quiet, "
    "first_unix_us, last_unix_us, over_unix_us, ended_unix_us, acknowledged_unix_us, acknowledged_by, "
    "muted_until_unix_us, remind_unix_us, reminders, changed_unix_us";

void incident_take(struct arena *arena, struct db_row *row, struct incident *incident)
{
    *incident = (struct incident){
        .project_id = db_row_uuid(row, 0),
        .number = db_row_integer(row, 1),
        .title = db_text_keep(arena, row, 2),
        .service = db_text_keep(arena, row, 3),
        .environment = db_text_keep(arena, row, 4),
        .state = (enum incident_state)db_row_integer(row, 5),
        .severity = (enum incident_severity)db_row_integer(row, 6),
        .worst = (enum incident_severity)db_row_integer(row, 7),
        .signal_count = db_row_integer(row, 8),
        .episode = db_row_integer(row, 9),
        .is_quiet = db_row_boolean(row, 10),
        .first_unix_us = db_row_integer(row, 11),
        .last_unix_us = db_row_integer(row, 12),
        .over_unix_us = db_row_integer(row, 13),
        .ended_unix_us = db_row_integer(row, 14),
        .acknowledged_unix_us = db_row_integer(row, 15),
        .acknowledged_by = db_text_keep(arena, row, 16),
        .muted_until_unix_us = db_row_integer(row, 17),
        .remind_unix_us = db_row_integer(row, 18),
        .reminders = db_row_integer(row, 19),
        .changed_unix_us = db_row_integer(row, 20),
    };
    if (incident->state >= INCIDENT_STATE_COUNT || incident->severity >= INCIDENT_SEVERITY_COUNT ||
        incident->worst >= INCIDENT_SEVERITY_COUNT)
        row->is_bad = true;
}

struct finding_one {
    struct arena *arena;
    struct incident *incident;
    bool is_there;
};
static bool one_row(void *ctx, struct db_row *row, struct err *err)
{
    struct finding_one *one = ctx;
    (void)err;
    incident_take(one->arena, row, one->incident);
    one->is_there = true;
    return true;
}

bool incident_row_read(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                       struct incident *incident, bool *is_there, struct err *err)
{
    struct finding_one one = { arena, incident, false };
    const char *sql =
        arena_printf(arena, "SELECT %s FROM incidents WHERE project_id = $1 AND number = $2", incident_columns);
    if (!db_run(session, sql, DB_VALUES(db_uuid(project_id), db_integer(number)), one_row, &one, NULL, err))
        return false;
    *is_there = one.is_there;
    return true;
}

bool incident_row_insert(struct db_session *session, struct incident *incident, struct err *err)
{
    return db_run(session, "SELECT coalesce(max(number), 0) + 1 FROM incidents WHERE project_id = $1",
                  DB_VALUES(db_uuid(incident->project_id)), db_take_integer, &incident->number, NULL, err) &&
           db_run(session,
                  "INSERT INTO incidents(project_id, number, title, service, environment, state, severity, worst, "
                  "signal_count, episode, is_quiet, first_unix_us, last_unix_us, over_unix_us, ended_unix_us, "
                  "acknowledged_unix_us, acknowledged_by, muted_until_unix_us, remind_unix_us, reminders, "
                  "changed_unix_us) VALUES($1, $2, $3, $4, $5, 0, $6, $6, 0, 1, 0, $7, $7, 0, 0, 0, '', 0, 0, 0, $7)",
                  DB_VALUES(db_uuid(incident->project_id), db_integer(incident->number), db_text_bytes(incident->title),
                            db_text_bytes(incident->service), db_text_bytes(incident->environment),
                            db_integer(incident->severity), db_integer(incident->first_unix_us)),
                  NULL, NULL, NULL, err);
}

bool incident_row_write(struct db_session *session, struct incident *incident, int64_t now_unix_us, struct err *err)
{
    incident->changed_unix_us = now_unix_us;
    return db_run(session,
                  "UPDATE incidents SET state = $3, severity = $4, worst = $5, signal_count = $6, episode = $7, "
                  "is_quiet = $8, first_unix_us = $9, last_unix_us = $10, over_unix_us = $11, ended_unix_us = $12, "
                  "acknowledged_unix_us = $13, acknowledged_by = $14, muted_until_unix_us = $15, remind_unix_us = $16, "
                  "reminders = $17, changed_unix_us = $18 WHERE project_id = $1 AND number = $2",
                  DB_VALUES(db_uuid(incident->project_id), db_integer(incident->number), db_integer(incident->state),
                            db_integer(incident->severity), db_integer(incident->worst),
                            db_integer(incident->signal_count), db_integer(incident->episode),
                            db_boolean(incident->is_quiet), db_integer(incident->first_unix_us),
                            db_integer(incident->last_unix_us), db_integer(incident->over_unix_us),
                            db_integer(incident->ended_unix_us), db_integer(incident->acknowledged_unix_us),
                            db_text_bytes(incident->acknowledged_by), db_integer(incident->muted_until_unix_us),
                            db_integer(incident->remind_unix_us), db_integer(incident->reminders),
                            db_integer(incident->changed_unix_us)),
                  NULL, NULL, NULL, err);
}

static bool reckon_row(void *ctx, struct db_row *row, struct err *err)
{
    struct incident *incident = ctx;
    int64_t going_on = db_row_integer(row, 1), severity = db_row_integer(row, 2);
    (void)err;
    incident->signal_count = db_row_integer(row, 0);
    if (severity >= 0 && severity < INCIDENT_SEVERITY_COUNT) incident->severity = (enum incident_severity)severity;
    if (incident->severity > incident->worst) incident->worst = incident->severity;
    incident->is_quiet = db_row_integer(row, 3) == 0;
    incident->over_unix_us = going_on > 0 ? 0 : db_row_integer(row, 4);
    incident->first_unix_us = db_row_integer(row, 5);
    incident->last_unix_us = db_row_integer(row, 6);
    return true;
}

bool incident_row_reckon(struct db_session *session, struct incident *incident, struct err *err)
{
    return db_run(session,
                  "SELECT count(*), sum(CASE WHEN ended_unix_us = 0 THEN 1 ELSE 0 END), "
                  "coalesce(max(CASE WHEN ended_unix_us = 0 THEN severity END), -1), "
                  "sum(CASE WHEN is_quiet = 0 THEN 1 ELSE 0 END), max(ended_unix_us), min(started_unix_us), "
                  "max(started_unix_us) FROM incident_signals WHERE project_id = $1 AND incident = $2",
                  DB_VALUES(db_uuid(incident->project_id), db_integer(incident->number)), reckon_row, incident, NULL,
                  err);
}

bool incident_event_add(struct db_session *session, const struct incident *incident, struct bytes actor,
                        enum incident_happening what, struct bytes detail, int64_t now_unix_us, struct err *err)
{
    return db_run(session,
                  "INSERT INTO incident_events(project_id, incident, at_unix_us, id, actor, what, detail) VALUES($1, "
                  "$2, $3, $4, $5, $6, $7)",
                  DB_VALUES(db_uuid(incident->project_id), db_integer(incident->number), db_integer(now_unix_us),
                            db_uuid(uuid_by_time()), db_text_bytes(actor), db_integer(what), db_text_bytes(detail)),
                  NULL, NULL, NULL, err);
}

/* ---- signals ---- */

const char incident_signal_columns[] =
    "incident, source, key, severity, service, endpoint, environment, title, body, path, labels, channels, is_quiet, "
    "started_unix_us, ended_unix_us, changed_unix_us";

void incident_signal_take(struct arena *arena, struct db_row *row, struct incident_signal_row *signal)
{
    *signal = (struct incident_signal_row){
        .incident = db_row_integer(row, 0),
        .signal = {
            .source = (enum incident_source)db_row_integer(row, 1),
            .key = db_text_keep(arena, row, 2),
            .severity = (enum incident_severity)db_row_integer(row, 3),
            .service = db_text_keep(arena, row, 4),
            .endpoint = db_text_keep(arena, row, 5),
            .environment = db_text_keep(arena, row, 6),
            .title = db_text_keep(arena, row, 7),
            .text = db_text_keep(arena, row, 8),
            .path = db_text_keep(arena, row, 9),
            .labels = db_text_keep(arena, row, 10),
            .channels = db_text_keep(arena, row, 11),
            .quiet = db_row_boolean(row, 12),
            .started_unix_us = db_row_integer(row, 13),
            .ended_unix_us = db_row_integer(row, 14),
        },
        .changed_unix_us = db_row_integer(row, 15),
    };
    if (signal->signal.source >= INCIDENT_SOURCE_COUNT || signal->signal.severity >= INCIDENT_SEVERITY_COUNT)
        row->is_bad = true;
}

static bool signal_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    (void)err;
    incident_signal_take(rows->arena, row, db_rows_add(rows, sizeof(struct incident_signal_row)));
    return true;
}

bool incident_signals_of(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                         struct incident_signal_row **signals, uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    const char *sql = arena_printf(arena,
                                   "SELECT %s FROM incident_signals WHERE project_id = $1 AND incident = $2 ORDER BY "
                                   "started_unix_us, source, key",
                                   incident_signal_columns);
    if (!db_run(session, sql, DB_VALUES(db_uuid(project_id), db_integer(number)), signal_row, &rows, NULL, err))
        return false;
    *signals = rows.items;
    *count = rows.count;
    return true;
}
