/* States, events and signals of a monitor: each change of them in one transaction. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/hash.h"
#include "incidents/incident.h"
#include "meta/db_rows.h"
#include "monitors/monitor_store_inside.h"
#include "monitors/monitor_text.h"

/* ---- the groups ---- */

static bool group_take(void *ctx, struct db_row *row, struct err *err)
{
    struct monitor_table *table = ctx;
    (void)err;
    if (table->count == MONITOR_GROUPS_MAX) return true;
    table->groups[table->count++] = (struct monitor_group){
        .key = db_text_keep(table->arena, row, 0),
        .state = { .level = (enum monitor_level)(db_row_integer(row, 1) % MONITOR_LEVEL_COUNT),
                   .since_us = db_row_integer(row, 2),
                   .warning_since_us = db_row_integer(row, 3),
                   .alert_since_us = db_row_integer(row, 4),
                   .none_since_us = db_row_integer(row, 5),
                   .begun_us = db_row_integer(row, 6),
                   .seen_us = db_row_integer(row, 7),
                   .value = db_row_real(row, 8) },
    };
    return true;
}
#define GROUPS                                                                                              \
    "SELECT group_key, level, since_unix_us, warning_unix_us, alert_unix_us, none_unix_us, begun_unix_us, " \
    "seen_unix_us, value FROM monitor_groups WHERE monitor_id = $1 ORDER BY group_key"

bool monitor_table_read(struct db *db, struct uuid monitor_id, struct monitor_table *table, struct err *err)
{
    return db_read(db, GROUPS, DB_VALUES(db_uuid(monitor_id)), group_take, table, err);
}

static bool group_store(struct db_session *session, struct uuid monitor_id, const struct monitor_group *group,
                        struct err *err)
{
    const struct monitor_state *state = &group->state;
    if (group->is_gone)
        return db_run(session, "DELETE FROM monitor_groups WHERE monitor_id = $1 AND group_key = $2",
                      DB_VALUES(db_uuid(monitor_id), db_text_bytes(group->key)), NULL, NULL, NULL, err);
    return db_run(session,
                  "INSERT INTO monitor_groups(monitor_id, group_key, level, since_unix_us, warning_unix_us, "
                  "alert_unix_us, none_unix_us, begun_unix_us, seen_unix_us, value) VALUES($1, $2, $3, $4, $5, $6, "
                  "$7, $8, $9, $10) ON CONFLICT(monitor_id, group_key) DO UPDATE SET level = excluded.level, "
                  "since_unix_us = excluded.since_unix_us, warning_unix_us = excluded.warning_unix_us, "
                  "alert_unix_us = excluded.alert_unix_us, none_unix_us = excluded.none_unix_us, "
                  "begun_unix_us = excluded.begun_unix_us, seen_unix_us = excluded.seen_unix_us, "
                  "value = excluded.value",
                  DB_VALUES(db_uuid(monitor_id), db_text_bytes(group->key), db_integer((int64_t)state->level),
                            db_integer(state->since_us), db_integer(state->warning_since_us),
                            db_integer(state->alert_since_us), db_integer(state->none_since_us),
                            db_integer(state->begun_us), db_integer(state->seen_us), db_real(state->value)),
                  NULL, NULL, NULL, err);
}

/* ---- events and signals ---- */

static bool event_store(struct db_session *session, struct uuid monitor_id, struct bytes group,
                        const struct monitor_event *event, struct err *err)
{
    return db_run(session,
                  "INSERT INTO monitor_events(monitor_id, group_key, at_unix_us, from_level, to_level, begun_unix_us, "
                  "has_value, value, compared, is_quiet) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                  "ON CONFLICT(monitor_id, group_key, at_unix_us) DO NOTHING",
                  DB_VALUES(db_uuid(monitor_id), db_text_bytes(group), db_integer(event->at_us),
                            db_integer((int64_t)event->from), db_integer((int64_t)event->to),
                            db_integer(event->begun_us), db_boolean(event->has_value),
                            db_real(event->has_value ? event->value : 0),
                            db_real(event->has_value ? event->compared : 0), db_boolean(event->is_quiet)),
                  NULL, NULL, NULL, err);
}

struct putting {
    struct db_session *session;
    struct arena *arena;
    const struct monitor_stored *stored;
    const struct monitor *monitor;
    int64_t now_us;
};

/* "ID:cart"; of a group whose name is long a hash of it. */
static struct bytes signal_key(const struct putting *putting, struct bytes group)
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(putting->stored->id, id);
    if (group.len <= INCIDENT_KEY_BYTES_MAX - 40)
        return bytes_of_text(arena_printf(putting->arena, "%s:%.*s", id, (int)group.len, (const char *)group.ptr));
    return bytes_of_text(arena_printf(putting->arena, "%s:#%016" PRIx64, id, hash64_of(group)));
}

static bool signal_put(const struct putting *putting, struct bytes group, const struct monitor_event *event,
                       struct err *err)
{
    const struct monitor *monitor = putting->monitor;
    const struct monitor_stored *stored = putting->stored;
    struct arena *arena = putting->arena;
    int64_t incident;
    const char *of = group.len == 0 ? "" : arena_printf(arena, ": %.*s", (int)group.len, (const char *)group.ptr);
    struct incident_signal signal = {
        .project_id = stored->project_id,
        .source = INCIDENT_MONITOR,
        .key = signal_key(putting, group),
        .severity = event->to == MONITOR_WARNING ? INCIDENT_WARNING : INCIDENT_CRITICAL,
        .service = monitor_text_fill(arena, monitor->service, monitor, group, event),
        .environment = monitor->environment,
        .title =
            bytes_of_text(arena_printf(arena, "%.*s%s", (int)monitor->title.len, (const char *)monitor->title.ptr, of)),
        .text = monitor->message.len > 0 ? monitor_text_fill(arena, monitor->message, monitor, group, event)
                                         : monitor_text_usual(arena, monitor, group, event),
        .path =
            bytes_of_text(arena_printf(arena, "monitors/%.*s", (int)stored->slug.len, (const char *)stored->slug.ptr)),
        .channels = monitor->channels,
        .started_unix_us = event->begun_us,
        .ended_unix_us = event->to != MONITOR_OK          ? 0
                         : event->at_us > event->begun_us ? event->at_us
                                                          : event->begun_us + 1,
        .quiet = event->is_quiet,
    };
    return incident_signal_put(putting->session, &signal, putting->now_us, &incident, err);
}

static bool is_muted(const struct monitor_stored *stored, int64_t at_us)
{
    return at_us < stored->muted_until_unix_us;
}

/* What a group is in, as the event that it would be. */
static struct monitor_event event_of(const struct putting *putting, const struct monitor_state *state)
{
    return (struct monitor_event){ .from = state->level,
                                   .to = state->level,
                                   .at_us = putting->now_us,
                                   .begun_us = state->begun_us,
                                   .value = state->value,
                                   .compared = state->value,
                                   .has_value = true,
                                   .is_quiet = is_muted(putting->stored, putting->now_us) ||
                                               monitor_is_quiet(putting->monitor, putting->now_us) };
}

static bool ill_put(const struct putting *putting, const struct monitor_table *table, struct err *err)
{
    bool ok = true;
    for (uint32_t g = 0; ok && g < table->count; g++) {
        const struct monitor_group *group = &table->groups[g];
        if (group->is_gone || group->state.begun_us == 0) continue;
        struct monitor_event event = event_of(putting, &group->state);
        ok = signal_put(putting, group->key, &event, err);
    }
    return ok;
}

/* ---- who evaluates ---- */

struct claiming {
    const struct monitor_stored *stored;
    const char *owner;
    int64_t now_us, changed;
};
static bool claim_run(struct db_session *session, void *ctx, struct err *err)
{
    struct claiming *claiming = ctx;
    const struct monitor_stored *stored = claiming->stored;
    /* One that is far ahead is of a clock that was put back. */
    return db_run(session,
                  "UPDATE monitors SET lease_owner = $4, lease_unix_us = $5 WHERE id = $1 AND version = $2 AND "
                  "evaluated_unix_us = $3 AND (lease_owner = $4 OR lease_unix_us <= $6 OR lease_unix_us > $7)",
                  DB_VALUES(db_uuid(stored->id), db_integer(stored->version), db_integer(stored->evaluated_unix_us),
                            db_text(claiming->owner), db_integer(claiming->now_us + MONITOR_LEASE_US),
                            db_integer(claiming->now_us), db_integer(claiming->now_us + 2 * MONITOR_LEASE_US)),
                  NULL, NULL, &claiming->changed, err);
}

bool monitor_claim(struct db *db, const struct monitor_stored *stored, const char *owner, int64_t now_us, bool *got,
                   struct err *err)
{
    struct claiming claiming = { stored, owner, now_us, 0 };
    bool ok = db_transaction(db, claim_run, &claiming, err);
    *got = ok && claiming.changed == 1;
    return ok;
}

/* ---- a round ---- */

struct round {
    const struct monitor_stored *stored;
    const struct monitor *monitor;
    const struct monitor_table *table;
    int64_t at_us, now_us, lease_us;
    uint32_t told;
};

static bool broken_put(const struct putting *putting, const char *why, int64_t since_us, int64_t ended_us,
                       struct err *err)
{
    const struct monitor *monitor = putting->monitor;
    int64_t incident;
    struct incident_signal signal = {
        .project_id = putting->stored->project_id,
        .source = INCIDENT_MONITOR,
        .key = signal_key(putting, BYTES("(not evaluated)")),
        .severity = INCIDENT_WARNING,
        .title = bytes_of_text(arena_printf(putting->arena, "%.*s: cannot be evaluated", (int)monitor->title.len,
                                            (const char *)monitor->title.ptr)),
        .text = bytes_of_text(why),
        .path = bytes_of_text(arena_printf(putting->arena, "monitors/%.*s", (int)putting->stored->slug.len,
                                           (const char *)putting->stored->slug.ptr)),
        .channels = monitor->channels,
        .started_unix_us = since_us,
        .ended_unix_us = ended_us,
        .quiet = is_muted(putting->stored, putting->now_us),
    };
    return incident_signal_put(putting->session, &signal, putting->now_us, &incident, err);
}

/* Began or ended a mute or a window since the evaluation before? Then what goes on is put anew. */
static bool has_turned(const struct round *round)
{
    int64_t before_us = round->stored->evaluated_unix_us;
    bool was = is_muted(round->stored, before_us) || monitor_is_quiet(round->monitor, before_us);
    return was != (is_muted(round->stored, round->at_us) || monitor_is_quiet(round->monitor, round->at_us));
}

static bool round_run(struct db_session *session, void *ctx, struct err *err)
{
    struct round *round = ctx;
    const struct monitor_stored *stored = round->stored;
    const struct monitor_table *table = round->table;
    struct arena arena;
    int64_t changed = 0;
    round->told = 0;
    if (!db_run(session,
                "UPDATE monitors SET evaluated_unix_us = $4, broken_unix_us = 0, broken_why = '', lease_unix_us = $5 "
                "WHERE id = $1 AND version = $2 AND evaluated_unix_us = $3",
                DB_VALUES(db_uuid(stored->id), db_integer(stored->version), db_integer(stored->evaluated_unix_us),
                          db_integer(round->at_us), db_integer(round->lease_us)),
                NULL, NULL, &changed, err))
        return false;
    if (changed != 1) return err_set(err, ERR_CONFLICT, "it was evaluated, or changed, by another");
    arena_init(&arena, 0);
    struct putting putting = { session, &arena, stored, round->monitor, round->at_us };
    bool ok = stored->broken_unix_us == 0 ||
              broken_put(&putting, "it can be evaluated again", stored->broken_unix_us, round->now_us, err);
    for (uint32_t g = 0; ok && g < table->count; g++)
        if (table->groups[g].is_touched) ok = group_store(session, stored->id, &table->groups[g], err);
    fail_point("monitors.after_groups");
    for (uint32_t e = 0; ok && e < table->event_count; e++) {
        struct monitor_event event = table->events[e];
        struct bytes group = table->groups[event.group].key;
        event.is_quiet = event.is_quiet || is_muted(stored, round->at_us);
        ok = event_store(session, stored->id, group, &event, err) && signal_put(&putting, group, &event, err);
        round->told++;
    }
    if (ok && has_turned(round)) ok = ill_put(&putting, table, err);
    if (ok && table->event_count > 0)
        ok = db_run(session, "DELETE FROM monitor_events WHERE monitor_id = $1 AND at_unix_us < $2",
                    DB_VALUES(db_uuid(stored->id), db_integer(round->now_us - MONITOR_EVENTS_KEPT_US)), NULL, NULL,
                    NULL, err);
    arena_deinit(&arena);
    fail_point("monitors.before_commit");
    return ok;
}

bool monitor_round_store(struct db *db, const struct monitor_stored *stored, const struct monitor *monitor,
                         const struct monitor_table *table, int64_t at_us, int64_t now_us, int64_t lease_us,
                         uint32_t *told, struct err *err)
{
    struct round round = { stored, monitor, table, at_us, now_us, lease_us, 0 };
    bool ok = db_transaction(db, round_run, &round, err);
    *told = round.told;
    if (ok) fail_point("monitors.after_commit");
    return ok;
}

/* ---- it cannot be evaluated ---- */

struct breaking {
    const struct monitor_stored *stored;
    const struct monitor *monitor;
    const char *why;
    int64_t now_us;
};
static bool broken_run(struct db_session *session, void *ctx, struct err *err)
{
    struct breaking *breaking = ctx;
    const struct monitor_stored *stored = breaking->stored;
    int64_t since_us = stored->broken_unix_us == 0 ? breaking->now_us : stored->broken_unix_us, changed = 0;
    struct arena arena;
    if (!db_run(session,
                "UPDATE monitors SET broken_unix_us = $3, broken_why = $4, lease_unix_us = 0 WHERE id = $1 AND version "
                "= $2 AND evaluated_unix_us = $5",
                DB_VALUES(db_uuid(stored->id), db_integer(stored->version), db_integer(since_us),
                          db_text(breaking->why), db_integer(stored->evaluated_unix_us)),
                NULL, NULL, &changed, err))
        return false;
    if (changed != 1 || breaking->now_us - since_us < MONITOR_BROKEN_TELL_US) return true;
    arena_init(&arena, 0);
    struct putting putting = { session, &arena, stored, breaking->monitor, breaking->now_us };
    bool ok = broken_put(&putting, breaking->why, since_us, 0, err);
    arena_deinit(&arena);
    return ok;
}

bool monitor_broken_store(struct db *db, const struct monitor_stored *stored, const struct monitor *monitor,
                          const char *why, int64_t now_us, struct err *err)
{
    struct breaking breaking = { stored, monitor, why, now_us };
    return db_transaction(db, broken_run, &breaking, err);
}

/* ---- a changed or muted monitor ---- */

/* What is stored was checked when it came. */
static bool stored_open(const struct monitor_stored *stored, struct arena *arena, struct monitor *monitor,
                        yyjson_doc **doc, struct err *err)
{
    char pointer[MONITOR_POINTER_BYTES];
    *doc = yyjson_read((const char *)stored->content.ptr, stored->content.len, 0);
    if (*doc != NULL && monitor_read(monitor, yyjson_doc_get_root(*doc), arena, pointer, err)) return true;
    yyjson_doc_free(*doc);
    return err_set(err, ERR_CORRUPT, "what is kept of the monitor cannot be read");
}

static bool ended_put(const struct putting *putting, const struct monitor_table *table, struct err *err)
{
    bool ok = true;
    for (uint32_t g = 0; ok && g < table->count; g++) {
        const struct monitor_group *group = &table->groups[g];
        if (group->state.begun_us == 0) continue;
        struct monitor_event event = event_of(putting, &group->state);
        event.to = MONITOR_OK;
        ok = event_store(putting->session, putting->stored->id, group->key, &event, err) &&
             signal_put(putting, group->key, &event, err);
    }
    if (ok && putting->stored->broken_unix_us != 0)
        ok = broken_put(putting, "it was changed", putting->stored->broken_unix_us, putting->now_us, err);
    return ok && db_run(putting->session, "DELETE FROM monitor_groups WHERE monitor_id = $1",
                        DB_VALUES(db_uuid(putting->stored->id)), NULL, NULL, NULL, err);
}

static bool with_groups(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                        int64_t now_us, bool (*put)(const struct putting *, const struct monitor_table *, struct err *),
                        struct err *err)
{
    struct monitor monitor;
    yyjson_doc *doc;
    struct monitor_table *table = arena_calloc(arena, sizeof *table);
    table->arena = arena;
    if (!db_run(session, GROUPS, DB_VALUES(db_uuid(stored->id)), group_take, table, NULL, err) ||
        !stored_open(stored, arena, &monitor, &doc, err))
        return false;
    struct putting putting = { session, arena, stored, &monitor, now_us };
    bool ok = put(&putting, table, err);
    monitor_close(&monitor);
    yyjson_doc_free(doc);
    return ok;
}

bool monitor_reset(struct db_session *session, struct arena *arena, const struct monitor_stored *stored, int64_t now_us,
                   struct err *err)
{
    return with_groups(session, arena, stored, now_us, ended_put, err);
}

bool monitor_put_anew(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                      int64_t now_us, struct err *err)
{
    return with_groups(session, arena, stored, now_us, ill_put, err);
}

/* ---- what happened ---- */

struct listing {
    bool (*each)(void *ctx, const struct monitor_happened *event);
    void *ctx;
    bool is_over;
};
static bool happened_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct monitor_happened event = { .id = db_row_integer(row, 0),
                                      .group = db_row_text(row, 1),
                                      .at_unix_us = db_row_integer(row, 2),
                                      .from = (enum monitor_level)(db_row_integer(row, 3) % MONITOR_LEVEL_COUNT),
                                      .to = (enum monitor_level)(db_row_integer(row, 4) % MONITOR_LEVEL_COUNT),
                                      .begun_unix_us = db_row_integer(row, 5),
                                      .has_value = db_row_boolean(row, 6),
                                      .value = db_row_real(row, 7),
                                      .compared = db_row_real(row, 8),
                                      .is_quiet = db_row_boolean(row, 9) };
    (void)err;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &event);
    return true;
}
bool monitor_events(struct db *db, struct uuid monitor_id, int64_t before, uint32_t limit,
                    bool (*each)(void *ctx, const struct monitor_happened *event), void *ctx, struct err *err)
{
    struct listing listing = { each, ctx, false };
    return db_read(db,
                   "SELECT id, group_key, at_unix_us, from_level, to_level, begun_unix_us, has_value, value, compared, "
                   "is_quiet FROM monitor_events WHERE monitor_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                   DB_VALUES(db_uuid(monitor_id), db_integer(before), db_integer(limit)), happened_take, &listing, err);
}
