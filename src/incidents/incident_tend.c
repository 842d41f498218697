/* What time does to incidents: those that are over are resolved, people are reminded, mutes end. */
#include <inttypes.h>
#include <stdio.h>

#include "incidents/incident_inside.h"

#define REMIND_MINUTES_USUAL 60
#define REMINDERS_MAX_USUAL  3
#define INCIDENTS_A_ROUND    200
#define MINUTE_US            INT64_C(60000000)

void incident_reopen(struct incident *incident)
{
    incident->state = INCIDENT_OPEN;
    incident->episode++;
    incident->ended_unix_us = 0;
    incident->acknowledged_unix_us = 0;
    incident->acknowledged_by = bytes_from("", 0);
    incident->reminders = 0;
}

bool incident_resolve(struct db_session *session, struct arena *arena, struct incident *incident, struct bytes actor,
                      int64_t now_unix_us, struct err *err)
{
    incident->state = INCIDENT_RESOLVED;
    incident->ended_unix_us = now_unix_us;
    incident->remind_unix_us = 0;
    return incident_event_add(session, incident, actor, INCIDENT_HAPPENED_RESOLVED, bytes_from("", 0), now_unix_us,
                              err) &&
           incident_row_write(session, incident, now_unix_us, err) &&
           incident_tell_on(session, arena, incident, INCIDENT_HAPPENED_RESOLVED, actor, "resolved", now_unix_us, err);
}

static bool settings_row(void *ctx, struct db_row *row, struct err *err)
{
    struct incident_settings *settings = ctx;
    (void)err;
    settings->remind_minutes = (uint32_t)db_row_integer(row, 0);
    settings->reminders_max = (uint32_t)db_row_integer(row, 1);
    return true;
}

bool incident_settings_read(struct db_session *session, struct uuid project_id, struct incident_settings *settings,
                            struct err *err)
{
    *settings = (struct incident_settings){ REMIND_MINUTES_USUAL, REMINDERS_MAX_USUAL };
    return db_run(session, "SELECT remind_minutes, reminders_max FROM incident_settings WHERE project_id = $1",
                  DB_VALUES(db_uuid(project_id)), settings_row, settings, NULL, err);
}

bool incident_settings_write(struct db_session *session, struct uuid project_id,
                             const struct incident_settings *settings, int64_t now_unix_us, struct err *err)
{
    return db_run(
        session,
        "INSERT INTO incident_settings(project_id, remind_minutes, reminders_max, changed_unix_us) VALUES($1, "
        "$2, $3, $4) ON CONFLICT(project_id) DO UPDATE SET remind_minutes = excluded.remind_minutes, "
        "reminders_max = excluded.reminders_max, changed_unix_us = excluded.changed_unix_us",
        DB_VALUES(db_uuid(project_id), db_integer(settings->remind_minutes), db_integer(settings->reminders_max),
                  db_integer(now_unix_us)),
        NULL, NULL, NULL, err);
}

bool incident_remind_set(struct db_session *session, struct incident *incident, bool begins, int64_t now_unix_us,
                         struct err *err)
{
    struct incident_settings settings;
    if (incident->state != INCIDENT_OPEN) {
        incident->remind_unix_us = 0;
        return true;
    }
    if (!begins && incident->remind_unix_us > now_unix_us) return true;
    if (!incident_settings_read(session, incident->project_id, &settings, err)) return false;
    bool goes_on = settings.remind_minutes > 0 && incident->reminders < settings.reminders_max;
    incident->remind_unix_us = goes_on ? now_unix_us + settings.remind_minutes * MINUTE_US : 0;
    return true;
}

struct tending {
    struct uuid project_id;
    int64_t now_unix_us;
    struct arena arena;
    struct db_rows rows;
};
static bool incident_row(void *ctx, struct db_row *row, struct err *err)
{
    struct tending *tending = ctx;
    (void)err;
    incident_take(&tending->arena, row, db_rows_add(&tending->rows, sizeof(struct incident)));
    return true;
}

static bool unmute(struct db_session *session, struct tending *tending, struct incident *incident, struct err *err)
{
    incident->muted_until_unix_us = 0;
    return incident_event_add(session, incident, bytes_from("", 0), INCIDENT_HAPPENED_UNMUTED, bytes_from("", 0),
                              tending->now_unix_us, err) &&
           incident_row_write(session, incident, tending->now_unix_us, err) &&
           (incident->over_unix_us != 0 ||
            incident_tell_open(session, &tending->arena, incident, NULL, tending->now_unix_us, err));
}

static bool remind(struct db_session *session, struct tending *tending, struct incident *incident, struct err *err)
{
    char key[64];
    incident->reminders++;
    incident->remind_unix_us = 0;
    snprintf(key, sizeof key, "remind-%" PRId64, incident->reminders);
    return incident_remind_set(session, incident, true, tending->now_unix_us, err) &&
           incident_event_add(session, incident, bytes_from("", 0), INCIDENT_HAPPENED_REMINDED, bytes_from("", 0),
                              tending->now_unix_us, err) &&
           incident_row_write(session, incident, tending->now_unix_us, err) &&
           incident_tell_on(session, &tending->arena, incident, INCIDENT_HAPPENED_REMINDED, bytes_from("", 0), key,
                            tending->now_unix_us, err);
}

static bool tend_one(struct db_session *session, struct tending *tending, struct incident *incident, struct err *err)
{
    int64_t now_us = tending->now_unix_us;
    if (incident->muted_until_unix_us != 0 && incident->muted_until_unix_us <= now_us &&
        !unmute(session, tending, incident, err))
        return false;
    if (incident->over_unix_us != 0 && incident->over_unix_us <= now_us - INCIDENT_OVER_US)
        return incident_resolve(session, &tending->arena, incident, bytes_from("", 0), now_us, err);
    bool may_remind = incident->state == INCIDENT_OPEN && incident->remind_unix_us != 0 &&
                      incident->remind_unix_us <= now_us && !incident->is_quiet && !incident_is_muted(incident, now_us);
    return !may_remind || remind(session, tending, incident, err);
}

#define DUE                                                                                                            \
    "state <> 2 AND ((over_unix_us <> 0 AND over_unix_us <= $1) OR (remind_unix_us <> 0 AND remind_unix_us <= $2) OR " \
    "(muted_until_unix_us <> 0 AND muted_until_unix_us <= $2))"
static const char due_sql[] = " FROM incidents WHERE " DUE " AND project_id = $3 ORDER BY number LIMIT $4";

static bool tend_run(struct db_session *session, void *ctx, struct err *err)
{
    struct tending *tending = ctx;
    arena_reset(&tending->arena);
    tending->rows = (struct db_rows){ .arena = &tending->arena };
    const char *sql = arena_printf(&tending->arena, "SELECT %s%s", incident_columns, due_sql);
    if (!db_run(session, sql,
                DB_VALUES(db_integer(tending->now_unix_us - INCIDENT_OVER_US), db_integer(tending->now_unix_us),
                          db_uuid(tending->project_id), db_integer(INCIDENTS_A_ROUND)),
                incident_row, tending, NULL, err))
        return false;
    struct incident *incidents = tending->rows.items;
    for (uint32_t i = 0; i < tending->rows.count; i++)
        if (!tend_one(session, tending, &incidents[i], err)) return false;
    return true;
}

bool incidents_tend(struct db *db, struct uuid project_id, int64_t now_unix_us, struct err *err)
{
    struct tending tending = { .project_id = project_id, .now_unix_us = now_unix_us };
    arena_init(&tending.arena, 0);
    bool ok = db_transaction(db, tend_run, &tending, err);
    arena_deinit(&tending.arena);
    return ok;
}

static bool project_row(void *ctx, struct db_row *row, struct err *err)
{
    struct uuid *project = db_rows_add(ctx, sizeof *project);
    (void)err;
    *project = db_row_uuid(row, 0);
    return true;
}

bool incidents_tend_all(struct db *db, int64_t now_unix_us, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct db_rows rows = { .arena = &arena };
    bool ok = db_read(db, "SELECT DISTINCT project_id FROM incidents WHERE " DUE " LIMIT 1000",
                      DB_VALUES(db_integer(now_unix_us - INCIDENT_OVER_US), db_integer(now_unix_us)), project_row,
                      &rows, err);
    const struct uuid *projects = rows.items;
    for (uint32_t i = 0; ok && i < rows.count; i++) ok = incidents_tend(db, projects[i], now_unix_us, err);
    arena_deinit(&arena);
    return ok;
}
