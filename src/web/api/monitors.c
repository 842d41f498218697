/* Monitors of a project: what they are, their state, versions and events, mutes. */
#include "monitors/monitors.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/made.h"
#include "web/api/monitor_put.h"
#include "web/api/people.h"
#include <stdlib.h>

/* ---- answers ---- */

static struct made made_of(const struct monitor_stored *stored)
{
    return (struct made){ .noun = "monitor",
                          .slug = stored->slug,
                          .content = stored->content,
                          .author = stored->author,
                          .version = stored->version,
                          .created_unix_us = stored->created_unix_us,
                          .changed_unix_us = stored->changed_unix_us };
}

static void answer(struct api_call *call, const struct monitor_stored *stored)
{
    struct made made = made_of(stored);
    made_answer(call, &made);
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
        yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = made_content(call, list[m].content);
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
    struct made made = made_of(&work->stored);
    return made_is_current(work->call, &made, &work->is_stale, err);
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
    bool ok = monitor_query_check(call, &monitor, work->pointer, &err);
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
    yyjson_mut_val *a = made_content(call, before), *b = made_content(call, after);
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
    if (made_slug_check(call, work.slug) && body_take(&work) && work_do(&work, set_run)) answer(call, &work.stored);
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

void monitor_put_event(struct api_call *call, yyjson_mut_val *object, struct bytes group,
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
    monitor_put_event(call, object, happened->group, &event);
    return api_page_add(listing->page, object, &key);
}

static bool version_add(void *ctx, const struct monitor_version *version)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = made_content(call, version->content);
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
