/* Incidents for pages: lists, one with all that is known of it. */
#include <stdlib.h>

#include "channels/delivery.h"
#include "incidents/incident_inside.h"

#define EVENTS_MAX     500
#define DELIVERIES_MAX 200

struct listing {
    struct arena *arena;
    bool (*each)(void *ctx, const struct incident *incident);
    void *ctx;
    bool is_done;
};
static bool list_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct incident incident;
    (void)err;
    if (listing->is_done) return true;
    incident_take(listing->arena, row, &incident);
    listing->is_done = !row->is_bad && !listing->each(listing->ctx, &incident);
    return true;
}

bool incident_list(struct db *db, struct arena *arena, struct uuid project_id, const struct incident_filter *filter,
                   bool (*each)(void *ctx, const struct incident *incident), void *ctx, struct err *err)
{
    struct listing listing = { arena, each, ctx, false };
    const char *sql = arena_printf(
        arena,
        "SELECT %s FROM incidents i WHERE project_id = $1 AND ($2 = 0 OR number < $2) AND ($3 < 0 OR state = $3 OR ($3 "
        "= 3 AND state <> 2)) AND worst >= $4 AND ($5 = 0 OR ended_unix_us = 0 OR ended_unix_us >= $5) AND ($6 = 0 OR "
        "first_unix_us < $6) AND ($7 = '' OR EXISTS (SELECT 1 FROM incident_signals s WHERE s.project_id = $1 AND "
        "s.incident = i.number AND s.service = $7)) AND ($8 = '' OR EXISTS (SELECT 1 FROM incident_signals s WHERE "
        "s.project_id = $1 AND s.incident = i.number AND s.environment = $8)) ORDER BY number DESC LIMIT $9",
        incident_columns);
    return db_read(db, sql,
                   DB_VALUES(db_uuid(project_id), db_integer(filter->before), db_integer(filter->state),
                             db_integer(filter->severity_min), db_integer(filter->from_unix_us),
                             db_integer(filter->to_unix_us), db_text_bytes(filter->service),
                             db_text_bytes(filter->environment), db_integer(filter->limit)),
                   list_row, &listing, err);
}

/* ---- one ---- */

struct reading {
    struct arena *arena;
    struct uuid project_id;
    int64_t number;
    struct incident_detail *detail;
    struct db_rows events, deliveries;
};
static bool event_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    struct incident_event *event = db_rows_add(&reading->events, sizeof *event);
    int64_t what = db_row_integer(row, 2);
    (void)err;
    *event = (struct incident_event){ .at_unix_us = db_row_integer(row, 0),
                                      .actor = db_text_keep(reading->arena, row, 1),
                                      .what = (enum incident_happening)what,
                                      .detail = db_text_keep(reading->arena, row, 3) };
    if (what < 0 || what >= INCIDENT_HAPPENING_COUNT) row->is_bad = true;
    return true;
}
static bool delivery_row(void *ctx, struct db_row *row, struct err *err)
{
    struct reading *reading = ctx;
    struct incident_delivery *delivery = db_rows_add(&reading->deliveries, sizeof *delivery);
    (void)err;
    *delivery = (struct incident_delivery){ .id = db_row_integer(row, 0),
                                            .channel_id = db_row_integer(row, 1),
                                            .channel = db_text_keep(reading->arena, row, 2),
                                            .title = db_text_keep(reading->arena, row, 3),
                                            .act = (uint32_t)db_row_integer(row, 4),
                                            .state = (uint32_t)db_row_integer(row, 5),
                                            .created_unix_us = db_row_integer(row, 6),
                                            .ended_unix_us = db_row_integer(row, 7),
                                            .attempts = db_row_integer(row, 8),
                                            .why = db_text_keep(reading->arena, row, 9) };
    if (delivery->act >= MESSAGE_ACT_COUNT || delivery->state >= DELIVERY_STATE_COUNT) row->is_bad = true;
    return true;
}

static bool detail_run(struct db_session *session, void *ctx, struct err *err)
{
    struct reading *reading = ctx;
    struct incident_detail *detail = reading->detail;
    reading->events = reading->deliveries = (struct db_rows){ .arena = reading->arena };
    if (!incident_find(session, reading->arena, reading->project_id, reading->number, &detail->incident, err) ||
        !incident_signals_of(session, reading->arena, reading->project_id, reading->number, &detail->signals,
                             &detail->signal_count, err) ||
        !db_run(session,
                "SELECT at_unix_us, actor, what, detail FROM incident_events WHERE project_id = $1 AND incident = $2 "
                "ORDER BY at_unix_us DESC, id DESC LIMIT $3",
                DB_VALUES(db_uuid(reading->project_id), db_integer(reading->number), db_integer(EVENTS_MAX)), event_row,
                reading, NULL, err) ||
        !db_run(
            session,
            "SELECT d.id, d.channel_id, c.name, d.title, d.act, d.state, d.created_unix_us, d.ended_unix_us, "
            "d.attempts, d.why FROM deliveries d JOIN channels c ON c.id = d.channel_id WHERE d.project_id = $1 AND "
            "d.incident = $2 ORDER BY d.id DESC LIMIT $3",
            DB_VALUES(db_uuid(reading->project_id), db_integer(reading->number), db_integer(DELIVERIES_MAX)),
            delivery_row, reading, NULL, err))
        return false;
    detail->events = reading->events.items;
    detail->event_count = reading->events.count;
    detail->deliveries = reading->deliveries.items;
    detail->delivery_count = reading->deliveries.count;
    return true;
}

bool incident_detail(struct db *db, struct arena *arena, struct uuid project_id, int64_t number,
                     struct incident_detail *detail, struct err *err)
{
    struct reading reading = { .arena = arena, .project_id = project_id, .number = number, .detail = detail };
    return db_snapshot(db, detail_run, &reading, err);
}
