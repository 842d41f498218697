/* Incidents: lists, one with all that is known of it, what people do to it. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "channels/delivery.h"
#include "incidents/incident_store.h"
#include "meta/audit.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>

static yyjson_mut_val *incident_json(struct api_call *call, const struct incident *incident)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "number", incident->number);
    api_put_text(call, object, "title", incident->title);
    api_put_text_or_null(call, object, "service", incident->service);
    api_put_text_or_null(call, object, "environment", incident->environment);
    yyjson_mut_obj_add_str(call->json, object, "state", incident_state_names[incident->state]);
    yyjson_mut_obj_add_str(call->json, object, "severity", incident_severity_names[incident->severity]);
    yyjson_mut_obj_add_str(call->json, object, "worst", incident_severity_names[incident->worst]);
    yyjson_mut_obj_add_sint(call->json, object, "signal_count", incident->signal_count);
    yyjson_mut_obj_add_sint(call->json, object, "episode", incident->episode);
    yyjson_mut_obj_add_bool(call->json, object, "is_quiet", incident->is_quiet);
    api_put_time(call, object, "first_at", incident->first_unix_us);
    api_put_time(call, object, "last_at", incident->last_unix_us);
    api_put_time(call, object, "over_at", incident->over_unix_us);
    api_put_time(call, object, "ended_at", incident->ended_unix_us);
    api_put_time(call, object, "acknowledged_at", incident->acknowledged_unix_us);
    api_put_text_or_null(call, object, "acknowledged_by", incident->acknowledged_by);
    api_put_time(call, object, "muted_until",
                 incident->muted_until_unix_us > clock_unix_us() ? incident->muted_until_unix_us : 0);
    yyjson_mut_obj_add_sint(call->json, object, "reminders", incident->reminders);
    return object;
}

static bool number_read(struct api_call *call, int64_t *number)
{
    if (api_page_number_read(api_path(call, "incident"), number) && *number > 0) return true;
    api_fail_with(call, ERR_NOT_FOUND, "the project has no such incident");
    return false;
}

/* ---- list ---- */

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool incident_add(void *ctx, const struct incident *incident)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { api_page_number(listing->call, incident->number) };
    return api_page_add(listing->page, incident_json(listing->call, incident), keys);
}

static int name_at(const char *const *names, int count, struct bytes name, int otherwise)
{
    for (int i = 0; i < count; i++)
        if (bytes_equal(name, bytes_of_text(names[i]))) return i;
    return otherwise;
}

void api_incident_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct bytes state = api_query(call, "state");
    struct incident_filter filter = {
        .state = bytes_equal(state, BYTES("not_resolved"))
                     ? INCIDENT_STATE_COUNT
                     : name_at(incident_state_names, INCIDENT_STATE_COUNT, state, -1),
        .severity_min = name_at(incident_severity_names, INCIDENT_SEVERITY_COUNT, api_query(call, "severity"), 0),
        .service = api_query(call, "service"),
        .environment = api_query(call, "environment"),
    };
    if (!api_page_read(call, 1, &page) || !api_query_time(call, "from", &filter.from_unix_us) ||
        !api_query_time(call, "to", &filter.to_unix_us))
        return;
    filter.before = api_page_before(&page);
    filter.limit = page.limit + 1;
    struct listing listing = { call, &page };
    if (incident_list(call->parts->db, call->arena, call->project.id, &filter, incident_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

/* ---- one ---- */

static void signal_put(struct api_call *call, yyjson_mut_val *list, const struct incident_signal *signal)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    yyjson_mut_obj_add_str(call->json, object, "source", incident_source_names[signal->source]);
    api_put_text(call, object, "key", signal->key);
    yyjson_mut_obj_add_str(call->json, object, "severity", incident_severity_names[signal->severity]);
    api_put_text_or_null(call, object, "service", signal->service);
    api_put_text_or_null(call, object, "endpoint", signal->endpoint);
    api_put_text_or_null(call, object, "environment", signal->environment);
    api_put_text(call, object, "title", signal->title);
    api_put_text_or_null(call, object, "text", signal->text);
    api_put_text_or_null(call, object, "path", signal->path);
    yyjson_mut_obj_add_bool(call->json, object, "is_quiet", signal->quiet);
    api_put_time(call, object, "started_at", signal->started_unix_us);
    api_put_time(call, object, "ended_at", signal->ended_unix_us);
}

static void event_put(struct api_call *call, yyjson_mut_val *list, const struct incident_event *event)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    yyjson_doc *doc = event->detail.len > 0 ? yyjson_read((const char *)event->detail.ptr, event->detail.len, 0) : NULL;
    yyjson_val *detail = yyjson_doc_get_root(doc);
    api_put_time(call, object, "at", event->at_unix_us);
    api_put_text_or_null(call, object, "actor", event->actor);
    yyjson_mut_obj_add_str(call->json, object, "what", incident_happening_names[event->what]);
    yyjson_mut_obj_add_val(call->json, object, "detail",
                           yyjson_is_obj(detail) ? yyjson_val_mut_copy(call->json, detail)
                                                 : yyjson_mut_null(call->json));
    yyjson_doc_free(doc);
}

static void delivery_put_json(struct api_call *call, yyjson_mut_val *list, const struct incident_delivery *delivery)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    yyjson_mut_obj_add_sint(call->json, object, "id", delivery->id);
    yyjson_mut_obj_add_sint(call->json, object, "channel_id", delivery->channel_id);
    api_put_text(call, object, "channel", delivery->channel);
    yyjson_mut_obj_add_str(call->json, object, "act", message_act_names[delivery->act]);
    api_put_text(call, object, "title", delivery->title);
    yyjson_mut_obj_add_str(call->json, object, "state", delivery_state_names[delivery->state]);
    yyjson_mut_obj_add_sint(call->json, object, "attempts", delivery->attempts);
    api_put_text_or_null(call, object, "why", delivery->why);
    api_put_time(call, object, "created_at", delivery->created_unix_us);
    api_put_time(call, object, "ended_at", delivery->ended_unix_us);
}

void api_incident_get(struct api_call *call)
{
    struct incident_detail detail = { 0 };
    struct err err = { 0 };
    int64_t number;
    if (!number_read(call, &number)) return;
    if (!incident_detail(call->parts->db, call->arena, call->project.id, number, &detail, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *root = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, root, "incident", incident_json(call, &detail.incident));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, root, "signals");
    for (uint32_t i = 0; i < detail.signal_count; i++) signal_put(call, list, &detail.signals[i].signal);
    list = yyjson_mut_obj_add_arr(call->json, root, "events");
    for (uint32_t i = 0; i < detail.event_count; i++) event_put(call, list, &detail.events[i]);
    list = yyjson_mut_obj_add_arr(call->json, root, "deliveries");
    for (uint32_t i = 0; i < detail.delivery_count; i++) delivery_put_json(call, list, &detail.deliveries[i]);
    api_answer(call, root);
}

/* ---- by people ---- */

struct putting {
    struct api_call *call;
    struct incident_signal signal;
    struct incident incident;
};
static bool signal_row(void *ctx, struct db_row *row, struct err *err)
{
    struct putting *putting = ctx;
    (void)err;
    if (db_row_integer(row, 1) == 0) putting->signal.started_unix_us = db_row_integer(row, 0);
    return true;
}
/* What began and goes on began when it was first said. */
static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    struct putting *putting = ctx;
    struct incident_signal *signal = &putting->signal;
    int64_t now_us = clock_unix_us(), number;
    bool is_over = api_body_bool(putting->call, "is_over", false);
    signal->started_unix_us = now_us;
    if (!db_run(session,
                "SELECT started_unix_us, ended_unix_us FROM incident_signals WHERE project_id = $1 AND source = $2 AND "
                "key = $3 ORDER BY incident DESC LIMIT 1",
                DB_VALUES(db_uuid(signal->project_id), db_integer(INCIDENT_API), db_text_bytes(signal->key)),
                signal_row, putting, NULL, err))
        return false;
    signal->ended_unix_us = is_over ? now_us : 0;
    return incident_signal_put(session, signal, now_us, &number, err) &&
           incident_find(session, putting->call->arena, signal->project_id, number, &putting->incident, err);
}

void api_incident_put(struct api_call *call)
{
    struct putting putting = { .call = call };
    struct bytes key = api_body_text(call, "key");
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_random(), id);
    putting.signal = (struct incident_signal){
        .project_id = call->project.id,
        .source = INCIDENT_API,
        .key = key.len > 0 ? key : bytes_of_text(id),
        .severity = (enum incident_severity)name_at(incident_severity_names, INCIDENT_SEVERITY_COUNT,
                                                    api_body_text(call, "severity"), 0),
        .service = api_body_text(call, "service"),
        .endpoint = api_body_text(call, "endpoint"),
        .environment = api_body_text(call, "environment"),
        .title = api_body_text(call, "title"),
        .text = api_body_text(call, "text"),
    };
    struct people_change change = {
        put_run,
        &putting,
        { .action = "incident.signal",
          .object_kind = "project",
          .object = call->project.name,
          .project_id = &call->project.id,
          .details = people_details(call, yyjson_val_mut_copy(call->json, call->body)) },
    };
    if (people_transaction(call, &change)) api_answer(call, incident_json(call, &putting.incident));
}

static const char *const acts[] = { "acknowledge", "resolve", "reopen", "mute", "unmute", "note" };

struct changing {
    struct api_call *call;
    int64_t number;
    struct incident_change change;
    struct incident incident;
};
static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct changing *changing = ctx;
    return incident_change(session, changing->call->arena, changing->call->project.id, changing->number,
                           &changing->change, clock_unix_us(), &changing->incident, err);
}

void api_incident_change(struct api_call *call)
{
    struct changing changing = { .call = call };
    struct bytes act = api_body_text(call, "act"), until = api_body_text(call, "until");
    char object[24];
    if (!number_read(call, &changing.number)) return;
    changing.change = (struct incident_change){
        .act = (enum incident_act)name_at(acts, COUNT_OF(acts), act, 0),
        .actor = bytes_of_text(call->actor->name),
        .note = api_body_text(call, "note"),
    };
    if (changing.change.act == INCIDENT_MUTE && !rfc3339_read(until, &changing.change.until_unix_us)) {
        api_fail_at(call, "/until", "it must be a time such as 2026-12-01T08:00:00Z");
        return;
    }
    snprintf(object, sizeof object, "%" PRId64, changing.number);
    struct people_change change = {
        change_run,
        &changing,
        { .action = arena_printf(call->arena, "incident.%s", acts[changing.change.act]),
          .object_kind = "incident",
          .object = object,
          .project_id = &call->project.id },
    };
    if (people_transaction(call, &change)) api_answer(call, incident_json(call, &changing.incident));
}

/* ---- settings ---- */

struct setting {
    struct api_call *call;
    struct incident_settings settings;
};
static bool settings_read_run(struct db_session *session, void *ctx, struct err *err)
{
    struct setting *setting = ctx;
    return incident_settings_read(session, setting->call->project.id, &setting->settings, err);
}
static bool settings_write_run(struct db_session *session, void *ctx, struct err *err)
{
    struct setting *setting = ctx;
    return incident_settings_write(session, setting->call->project.id, &setting->settings, clock_unix_us(), err);
}

static void settings_answer(struct api_call *call, const struct incident_settings *settings)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_uint(call->json, object, "remind_minutes", settings->remind_minutes);
    yyjson_mut_obj_add_uint(call->json, object, "reminders_max", settings->reminders_max);
    api_answer(call, object);
}

void api_incident_settings_get(struct api_call *call)
{
    struct setting setting = { .call = call };
    struct err err = { 0 };
    if (db_snapshot(call->parts->db, settings_read_run, &setting, &err)) {
        settings_answer(call, &setting.settings);
    } else {
        api_fail(call, &err);
    }
}

void api_incident_settings_set(struct api_call *call)
{
    struct setting setting = { .call = call,
                               .settings = { (uint32_t)api_body_int(call, "remind_minutes", 0),
                                             (uint32_t)api_body_int(call, "reminders_max", 0) } };
    struct people_change change = {
        settings_write_run,
        &setting,
        { .action = "incident.settings",
          .object_kind = "project",
          .object = call->project.name,
          .project_id = &call->project.id,
          .details = people_details(call, yyjson_val_mut_copy(call->json, call->body)) },
    };
    if (people_transaction(call, &change)) settings_answer(call, &setting.settings);
}
