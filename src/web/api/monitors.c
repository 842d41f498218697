/* Monitors of a project: what they are, their versions and events, mutes, and what one would have told. */
#include "monitors/monitors.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "meta/dashboard.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/monitor_ask.h"
#include "web/api/people.h"
#include "web/api/sql_run.h"
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS_MAX = 2000, POINTS_MAX = 30000 };
#define TITLE_MAX     120 /* bytes: a title is at most so many characters */
#define DRY_BUDGET_US INT64_C(20000000)

/* ---- answers ---- */

/* What is kept is JSON of ours. NULL: it is not. */
static yyjson_mut_val *content_of(struct api_call *call, struct bytes text)
{
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, 0);
    yyjson_mut_val *content = yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return yyjson_mut_is_obj(content) ? content : NULL;
}

/* For a file: the slug and what people made. */
static yyjson_mut_val *file_json(struct api_call *call, const struct monitor_stored *stored)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = content_of(call, stored->content), *key, *value;
    size_t i, count;
    if (content == NULL) return NULL;
    api_put_text(call, object, "slug", stored->slug);
    yyjson_mut_obj_foreach(content, i, count, key, value)
        yyjson_mut_obj_add(object, yyjson_mut_val_mut_copy(call->json, key),
                           yyjson_mut_val_mut_copy(call->json, value));
    return object;
}

static yyjson_mut_val *monitor_json(struct api_call *call, const struct monitor_stored *stored)
{
    yyjson_mut_val *object = file_json(call, stored);
    if (object == NULL) return NULL;
    yyjson_mut_obj_add_sint(call->json, object, "version", stored->version);
    api_put_text(call, object, "author", stored->author);
    api_put_time(call, object, "created_at", stored->created_unix_us);
    api_put_time(call, object, "changed_at", stored->changed_unix_us);
    return object;
}

/* What it is in: not of its definition, so of no ETag. */
static void state_put(struct api_call *call, yyjson_mut_val *object, const struct monitor_stored *stored)
{
    api_put_time(call, object, "evaluated_at", stored->evaluated_unix_us);
    api_put_time(call, object, "broken_since", stored->broken_unix_us);
    api_put_text_or_null(call, object, "broken_why", stored->broken_why);
    api_put_time(call, object, "muted_until",
                 stored->muted_until_unix_us > clock_unix_us() ? stored->muted_until_unix_us : 0);
}

static bool broken(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "what is kept of the monitor cannot be read");
}

static void answer(struct api_call *call, const struct monitor_stored *stored)
{
    struct err err = { 0 };
    yyjson_mut_val *json = monitor_json(call, stored);
    if (json != NULL && call->route->method == API_GET && api_wants_yaml(call)) {
        api_answer_yaml(call, file_json(call, stored), json);
    } else if (json != NULL) {
        api_answer(call, json);
    } else {
        broken(&err);
        api_fail(call, &err);
    }
}

void api_monitor_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct monitor_stored *list;
    uint32_t count;
    if (!api_page_read(call, 1, &page)) return;
    if (!monitor_list(call->parts->db, call->arena, call->project.id, page.is_first ? BYTES("") : page.after[0],
                      page.limit + 1, &list, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t m = 0; m < count; m++) {
        yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = content_of(call, list[m].content);
        yyjson_mut_val *kind = yyjson_mut_obj_get(yyjson_mut_obj_get(content, "condition"), "kind");
        api_put_text(call, object, "slug", list[m].slug);
        api_put_text(call, object, "title", list[m].title);
        api_put_text(call, object, "kind", bytes_from(yyjson_mut_get_str(kind), yyjson_mut_get_len(kind)));
        yyjson_mut_val *service = yyjson_mut_obj_get(content, "service");
        api_put_text(call, object, "service", bytes_from(yyjson_mut_get_str(service), yyjson_mut_get_len(service)));
        yyjson_mut_obj_add_bool(call->json, object, "is_on", list[m].is_on);
        yyjson_mut_obj_add_str(call->json, object, "level", monitor_level_names[list[m].level]);
        yyjson_mut_obj_add_uint(call->json, object, "groups", list[m].groups);
        yyjson_mut_obj_add_uint(call->json, object, "groups_ill", list[m].groups_ill);
        state_put(call, object, &list[m]);
        if (!api_page_add(&page, object, &list[m].slug)) break;
    }
    api_page_answer(call, &page);
}

/* ---- one of them ---- */

struct work {
    struct api_call *call;
    struct bytes slug;
    struct monitor_stored stored, wanted;
    int64_t until_us;
    char pointer[MONITOR_POINTER_BYTES];
    bool is_stale;
};

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return monitor_find(session, work->call->arena, work->call->project.id, work->slug, &work->stored, err);
}

static bool is_current(struct work *work, struct err *err)
{
    yyjson_mut_val *json = monitor_json(work->call, &work->stored);
    if (json == NULL) return broken(err);
    work->is_stale = !api_matches(work->call, json);
    return !work->is_stale || err_set(err, ERR_CONFLICT, "it has changed");
}

static bool audit(struct db_session *session, const struct work *work, const char *action, struct err *err)
{
    struct api_call *call = work->call;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "title", work->stored.title);
    yyjson_mut_obj_add_sint(call->json, details, "version", work->stored.version);
    struct audit_event event = { .action = action,
                                 .object_kind = "monitor",
                                 .object = arena_printf(call->arena, "%.*s", (int)work->stored.slug.len,
                                                        (const char *)work->stored.slug.ptr),
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

/* Can it be asked? What the definition cannot tell by itself: the search, the statement. */
static bool query_check(struct api_call *call, const struct monitor *monitor, char pointer[MONITOR_POINTER_BYTES],
                        struct err *err)
{
    static const char *const places[] = { "/query/search", "/query/sql", "/query/metric" };
    struct monitor_statement statement;
    int64_t now_us = clock_unix_us();
    if (monitor_statement_make(call->arena, &monitor->query, now_us - monitor->window_us, now_us, &statement, err) &&
        (call->parts->query == NULL || sql_check(call, statement.sql, statement.types, statement.count, err)))
        return true;
    if (err->code == ERR_UNSUPPORTED || err->code == ERR_FORBIDDEN) err->code = ERR_INPUT;
    if (monitor->query.source != MONITOR_SQL) err->position = 0;
    snprintf(pointer, MONITOR_POINTER_BYTES, "%s", places[monitor->query.source]);
    return false;
}

/* The members of a definition, in one order: what is kept looks the same whoever wrote it. */
static yyjson_mut_val *ordered(struct api_call *call, yyjson_val *from)
{
    static const char *const names[] = { "title",    "description", "query",       "condition",
                                         "window_s", "every_s",     "for_s",       "delay_s",
                                         "no_data",  "groups_max",  "service",     "environment",
                                         "message",  "channels",    "maintenance", "is_on" };
    yyjson_mut_val *into = yyjson_mut_obj(call->json);
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        yyjson_val *value = yyjson_obj_get(from, names[n]);
        if (value != NULL) yyjson_mut_obj_add_val(call->json, into, names[n], yyjson_val_mut_copy(call->json, value));
    }
    return into;
}

/* False: it was answered. */
static bool body_take(struct work *work)
{
    struct api_call *call = work->call;
    struct monitor monitor;
    struct err err = { 0 };
    size_t len;
    if (!monitor_read(&monitor, call->body, call->arena, work->pointer, &err)) {
        api_fail_where(call, work->pointer, &err);
        return false;
    }
    bool ok = query_check(call, &monitor, work->pointer, &err);
    monitor_close(&monitor);
    if (!ok) {
        api_fail_where(call, work->pointer, &err);
        return false;
    }
    char *text = yyjson_mut_val_write(ordered(call, call->body), 0, &len);
    if (text == NULL || len > MONITOR_BYTES_MAX) {
        free(text);
        api_fail_at(call, "", "a monitor has at most %d KiB", MONITOR_BYTES_MAX >> 10);
        return false;
    }
    work->wanted = (struct monitor_stored){ .project_id = call->project.id,
                                            .title = api_body_text(call, "title"),
                                            .content = arena_copy(call->arena, bytes_from(text, len)),
                                            .is_on = api_body_bool(call, "is_on", true),
                                            .author = bytes_of_text(call->actor->name) };
    free(text);
    return true;
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    work->stored = work->wanted;
    work->stored.slug = work->slug;
    return monitor_insert(session, work->call->arena, &work->stored, clock_unix_us(), err) &&
           audit(session, work, "monitor.create", err);
}

/* Of the same question and condition what goes on goes on. */
static bool keeps_state(struct api_call *call, struct bytes before, struct bytes after)
{
    static const char *const names[] = { "query",   "condition", "window_s", "every_s",   "for_s",
                                         "delay_s", "no_data",   "is_on",    "groups_max" };
    yyjson_mut_val *a = content_of(call, before), *b = content_of(call, after);
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        yyjson_mut_val *x = yyjson_mut_obj_get(a, names[n]), *y = yyjson_mut_obj_get(b, names[n]);
        if ((x == NULL) != (y == NULL) || (x != NULL && !yyjson_mut_equals(x, y))) return false;
    }
    return true;
}

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    if (find_run(session, work, err)) {
        bool is_same = keeps_state(work->call, work->stored.content, work->wanted.content);
        if (!is_current(work, err)) return false;
        work->stored.title = work->wanted.title;
        work->stored.is_on = work->wanted.is_on;
        work->stored.author = work->wanted.author;
        work->stored.content = work->wanted.content;
        return monitor_update(session, work->call->arena, &work->stored, is_same, clock_unix_us(), err) &&
               audit(session, work, "monitor.change", err);
    }
    if (err->code != ERR_NOT_FOUND) return false;
    work->is_stale = api_request_header(work->call, "if-match").len > 0;
    if (work->is_stale) return false;
    *err = (struct err){ 0 };
    return create_run(session, work, err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) && is_current(work, err) &&
           monitor_delete(session, work->call->arena, &work->stored, clock_unix_us(), err) &&
           audit(session, work, "monitor.delete", err);
}

static bool mute_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) &&
           monitor_mute(session, work->call->arena, &work->stored, work->until_us, clock_unix_us(), err) &&
           audit(session, work, work->until_us > 0 ? "monitor.mute" : "monitor.unmute", err);
}

/* False: it was answered. */
static bool work_do(struct work *work, db_work_fn *run)
{
    struct err err = { 0 };
    if (db_transaction(work->call->parts->db, run, work, &err)) return true;
    if (work->is_stale)
        api_fail_changed(work->call);
    else
        api_fail(work->call, &err);
    return false;
}
static struct work work_of(struct api_call *call)
{
    return (struct work){ .call = call, .slug = api_path(call, "monitor") };
}

void api_monitor_create(struct api_call *call)
{
    struct work work = { .call = call, .slug = api_body_text(call, "slug") };
    if (body_take(&work) && work_do(&work, create_run)) answer(call, &work.stored);
}

void api_monitor_get(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, find_run)) answer(call, &work.stored);
}

void api_monitor_set(struct api_call *call)
{
    struct work work = work_of(call);
    struct bytes slug = api_body_text(call, "slug");
    struct err err = { 0 };
    if (slug.len > 0 && !bytes_equal(slug, work.slug)) {
        api_fail_at(call, "/slug", "the address says another one");
        return;
    }
    if (!dashboard_slug_check(work.slug, &err)) {
        api_fail_where(call, "/slug", &err);
        return;
    }
    if (body_take(&work) && work_do(&work, set_run)) answer(call, &work.stored);
}

void api_monitor_delete(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, delete_run)) api_answer_none(call);
}

/* ---- its state, its events ---- */

static void state_answer(struct work *work)
{
    struct api_call *call = work->call;
    struct err err = { 0 };
    struct monitor_table *table = arena_calloc(call->arena, sizeof *table);
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *groups = yyjson_mut_arr(call->json);
    table->arena = call->arena;
    if (!monitor_table_read(call->parts->db, work->stored.id, table, &err)) {
        api_fail(call, &err);
        return;
    }
    state_put(call, object, &work->stored);
    for (uint32_t g = 0; g < table->count; g++) {
        const struct monitor_state *state = &table->groups[g].state;
        yyjson_mut_val *group = yyjson_mut_arr_add_obj(call->json, groups);
        api_put_text(call, group, "group", table->groups[g].key);
        yyjson_mut_obj_add_str(call->json, group, "level", monitor_level_names[state->level]);
        api_put_time(call, group, "since", state->since_us);
        yyjson_mut_obj_add_real(call->json, group, "value", state->value);
        api_put_time(call, group, "seen_at", state->seen_us);
    }
    yyjson_mut_obj_add_val(call->json, object, "groups", groups);
    api_answer(call, object);
}

void api_monitor_state(struct api_call *call)
{
    struct work work = work_of(call);
    if (work_do(&work, find_run)) state_answer(&work);
}

void api_monitor_mute(struct api_call *call)
{
    struct work work = work_of(call);
    struct bytes until = api_body_text(call, "until");
    if (until.len > 0 && !rfc3339_read(until, &work.until_us)) {
        api_fail_at(call, "/until", "it must be a time such as 2026-11-27T02:00:00Z, or null");
        return;
    }
    if (work_do(&work, mute_run)) state_answer(&work);
}

static void event_put(struct api_call *call, yyjson_mut_val *object, struct bytes group,
                      const struct monitor_event *event)
{
    api_put_time(call, object, "at", event->at_us);
    api_put_text(call, object, "group", group);
    yyjson_mut_obj_add_str(call->json, object, "from", monitor_level_names[event->from]);
    yyjson_mut_obj_add_str(call->json, object, "to", monitor_level_names[event->to]);
    if (event->has_value) {
        yyjson_mut_obj_add_real(call->json, object, "value", event->value);
        yyjson_mut_obj_add_real(call->json, object, "compared", event->compared);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "value");
        yyjson_mut_obj_add_null(call->json, object, "compared");
    }
    yyjson_mut_obj_add_bool(call->json, object, "is_quiet", event->is_quiet);
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool happened_add(void *ctx, const struct monitor_happened *happened)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    struct bytes key = api_page_number(call, happened->id);
    struct monitor_event event = { .from = happened->from,
                                   .to = happened->to,
                                   .at_us = happened->at_unix_us,
                                   .value = happened->value,
                                   .compared = happened->compared,
                                   .has_value = happened->has_value,
                                   .is_quiet = happened->is_quiet };
    event_put(call, object, happened->group, &event);
    return api_page_add(listing->page, object, &key);
}

static bool version_add(void *ctx, const struct monitor_version *version)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = content_of(call, version->content);
    struct bytes key = api_page_number(call, version->version);
    yyjson_mut_obj_add_sint(call->json, object, "version", version->version);
    api_put_text(call, object, "author", version->author);
    api_put_time(call, object, "stored_at", version->stored_unix_us);
    yyjson_mut_obj_add_val(call->json, object, "monitor", content != NULL ? content : yyjson_mut_obj(call->json));
    return api_page_add(listing->page, object, &key);
}

/* A page of what belongs to one monitor, the newest first. */
static void pages(struct api_call *call, bool is_events)
{
    struct work work = work_of(call);
    struct api_page page;
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page) || !work_do(&work, find_run)) return;
    struct listing listing = { call, &page };
    int64_t before = api_page_before(&page);
    if (before == 0) before = INT64_MAX;
    bool ok =
        is_events
            ? monitor_events(call->parts->db, work.stored.id, before, page.limit + 1, happened_add, &listing, &err)
            : monitor_versions(call->parts->db, work.stored.id, before, page.limit + 1, version_add, &listing, &err);
    if (ok)
        api_page_answer(call, &page);
    else
        api_fail(call, &err);
}
void api_monitor_event_list(struct api_call *call)
{
    pages(call, true);
}
void api_monitor_version_list(struct api_call *call)
{
    pages(call, false);
}

/* ---- what it would have told ---- */

struct dry {
    struct api_call *call;
    yyjson_mut_val *events, *series;
    yyjson_mut_val *points[MONITOR_GROUPS_MAX];
    struct bytes keys[MONITOR_GROUPS_MAX];
    uint32_t series_count, event_count, point_count;
};

static yyjson_mut_val *points_of(struct dry *dry, struct bytes key)
{
    struct api_call *call = dry->call;
    for (uint32_t s = 0; s < dry->series_count; s++)
        if (bytes_equal(dry->keys[s], key)) return dry->points[s];
    if (dry->series_count == MONITOR_GROUPS_MAX) return NULL;
    yyjson_mut_val *series = yyjson_mut_arr_add_obj(call->json, dry->series);
    dry->keys[dry->series_count] = arena_copy(call->arena, key);
    api_put_text(call, series, "group", key);
    return dry->points[dry->series_count++] = yyjson_mut_obj_add_arr(call->json, series, "points");
}

static bool dry_each(void *ctx, const struct monitor_table *table, int64_t at_us)
{
    struct dry *dry = ctx;
    struct api_call *call = dry->call;
    for (uint32_t e = 0; e < table->event_count && dry->event_count < EVENTS_MAX; e++, dry->event_count++)
        event_put(call, yyjson_mut_arr_add_obj(call->json, dry->events), table->groups[table->events[e].group].key,
                  &table->events[e]);
    for (uint32_t g = 0; g < table->count && dry->point_count < POINTS_MAX; g++, dry->point_count++) {
        const struct monitor_group *group = &table->groups[g];
        yyjson_mut_val *points = points_of(dry, group->key), *point = yyjson_mut_arr(call->json);
        if (points == NULL) continue;
        yyjson_mut_arr_add_sint(call->json, point, at_us / 1000);
        if (group->state.seen_us == at_us)
            yyjson_mut_arr_add_real(call->json, point, group->state.value);
        else
            yyjson_mut_arr_add_null(call->json, point);
        yyjson_mut_arr_append(points, point);
    }
    return !api_is_gone(call);
}

void api_monitor_dry_run(struct api_call *call)
{
    struct monitor monitor;
    struct err err = { 0 };
    char pointer[MONITOR_POINTER_BYTES];
    struct dry *dry = arena_calloc(call->arena, sizeof *dry);
    struct monitors_source source = { monitor_ask, call->parts->query };
    int64_t now_us = clock_unix_us(), from_us = now_us - INT64_C(6 * 3600) * 1000000, to_us = now_us;
    struct bytes from = api_body_text(call, "from"), to = api_body_text(call, "to");
    if ((from.len > 0 && !rfc3339_read_relative(from, now_us, &from_us)) ||
        (to.len > 0 && !rfc3339_read_relative(to, now_us, &to_us)) || from_us >= to_us) {
        api_fail_at(call, "/from", "from and to are times as 2026-11-27T02:00:00Z or now-6h, from before to");
        return;
    }
    if (call->parts->query == NULL) {
        api_fail_with(call, ERR_UNSUPPORTED, "this process does not answer queries: ask one with --role query");
        return;
    }
    bool ok = monitor_read(&monitor, yyjson_obj_get(call->body, "monitor"), call->arena, pointer, &err);
    if (ok && !(ok = query_check(call, &monitor, pointer, &err))) monitor_close(&monitor);
    if (!ok) {
        api_fail_where(call, arena_printf(call->arena, "/monitor%s", pointer), &err);
        return;
    }
    int64_t steps = (to_us - from_us) / monitor.every_us / MONITOR_DRY_STEPS_MAX + 1;
    struct monitors_dry how = { .from_us = from_us,
                                .to_us = to_us,
                                .every_us = steps * monitor.every_us,
                                .budget_us = DRY_BUDGET_US,
                                .each = dry_each,
                                .ctx = dry };
    *dry = (struct dry){ .call = call, .events = yyjson_mut_arr(call->json), .series = yyjson_mut_arr(call->json) };
    ok = monitors_dry_run(&monitor, &source, call->project.id, call->project.name, &how, &err);
    if (ok) {
        yyjson_mut_val *object = yyjson_mut_obj(call->json);
        yyjson_mut_obj_add_val(call->json, object, "events", dry->events);
        yyjson_mut_obj_add_val(call->json, object, "series", dry->series);
        yyjson_mut_obj_add_uint(call->json, object, "moments", how.moments);
        yyjson_mut_obj_add_sint(call->json, object, "every_s", how.every_us / 1000000);
        yyjson_mut_obj_add_bool(call->json, object, "is_exact", how.every_us == monitor.every_us);
        yyjson_mut_obj_add_bool(call->json, object, "is_cut", how.is_cut);
        api_answer(call, object);
    } else {
        sql_fail(call, &err);
    }
    monitor_close(&monitor);
}

/* ---- ready ones, of a service ---- */

void api_monitor_ready_list(struct api_call *call)
{
    static const struct {
        const char *title, *about, *search, *condition, *rest;
    } ready[] = {
        { "Errors", "The share of failed requests, as an error budget of 99.5% that is spent too fast", "kind:server",
          "{\"kind\":\"burn\",\"objective\":99.5,\"bad\":\"status:error\"}", "{}" },
        { "Slow", "p95 of requests against the same hour of the weeks before", "kind:server",
          "{\"kind\":\"anomaly\",\"side\":\"above\",\"warning\":5,\"alert\":8}",
          "{\"agg\":\"p95\",\"of\":\"duration\",\"window_s\":600,\"for_s\":300}" },
        { "Silent", "Nothing came for ten minutes", "", "{\"kind\":\"absence\"}", "{\"window_s\":600}" },
        { "Error bursts", "More than 50 errors in five minutes, and a warning from 10", "",
          "{\"kind\":\"threshold\",\"side\":\"above\",\"warning\":10,\"alert\":50,\"alert_recovery\":30}",
          "{\"agg\":\"errors\",\"window_s\":300}" },
    };
    struct bytes service = api_query(call, "service");
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *items = yyjson_mut_obj_add_arr(call->json, answer, "items");
    for (size_t r = 0; r < COUNT_OF(ready); r++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->json, items);
        yyjson_doc *condition = yyjson_read(ready[r].condition, strlen(ready[r].condition), 0);
        yyjson_doc *rest = yyjson_read(ready[r].rest, strlen(ready[r].rest), 0);
        yyjson_val *more = yyjson_doc_get_root(rest);
        const char *agg = yyjson_get_str(yyjson_obj_get(more, "agg"));
        struct buf search;
        buf_init(&search, 4000);
        bool ok = buf_printf(&search, "q=");
        if (service.len > 0) ok = ok && buf_printf(&search, "service%%3A%%22");
        for (size_t i = 0; ok && i < service.len; i++) /* within quotes of the language, percent-encoded */
            ok = (service.ptr[i] != '"' && service.ptr[i] != '\\') ? buf_printf(&search, "%%%02X", service.ptr[i])
                                                                   : buf_printf(&search, "%%5C%%%02X", service.ptr[i]);
        if (service.len > 0) ok = ok && buf_printf(&search, "%%22%s", ready[r].search[0] != '\0' ? "+" : "");
        ok = ok && buf_printf(&search, "%s", ready[r].search);
        if (service.len == 0) ok = ok && buf_printf(&search, "&by=service.name");
        if (agg != NULL) ok = ok && buf_printf(&search, "&agg=%s&of=duration", agg);
        struct bytes title = bytes_of_text(ready[r].title);
        if (service.len > 0)
            title = bytes_of_text(
                arena_printf(call->arena, "%s: %.*s", ready[r].title, (int)service.len, (const char *)service.ptr));
        api_put_text(call, item, "title", (struct bytes){ title.ptr, utf8_cut(title, TITLE_MAX) });
        yyjson_mut_obj_add_str(call->json, item, "description", ready[r].about);
        yyjson_mut_val *query = yyjson_mut_obj_add_obj(call->json, item, "query");
        api_put_text(call, query, "search", ok ? arena_copy(call->arena, buf_bytes(&search)) : BYTES(""));
        yyjson_mut_obj_add_val(call->json, item, "condition",
                               yyjson_val_mut_copy(call->json, yyjson_doc_get_root(condition)));
        yyjson_val *window = yyjson_obj_get(more, "window_s"), *sustained = yyjson_obj_get(more, "for_s");
        yyjson_mut_obj_add_sint(call->json, item, "window_s", window != NULL ? yyjson_get_sint(window) : 300);
        if (sustained != NULL) yyjson_mut_obj_add_sint(call->json, item, "for_s", yyjson_get_sint(sustained));
        api_put_text(call, item, "service", service.len > 0 ? service : BYTES("{{group}}"));
        buf_deinit(&search);
        yyjson_doc_free(rest);
        yyjson_doc_free(condition);
    }
    api_answer(call, answer);
}
