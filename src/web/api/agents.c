/* Agents of a project, their runs, their reports. */
#include "agents/agent.h"
#include "base/clock.h"
#include "web/api/api_page.h"
#include "web/api/people.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- answers ---- */

static yyjson_mut_val *json_of(struct api_call *call, struct bytes text)
{
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, 0);
    yyjson_mut_val *value =
        doc == NULL ? yyjson_mut_null(call->json) : yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return value;
}

static yyjson_mut_val *agent_json(struct api_call *call, const struct agent *agent, const struct job *job)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *definition = json_of(call, agent->definition), *key, *value;
    size_t at, count;
    yyjson_mut_obj_add_sint(call->json, object, "id", agent->id);
    api_put_text(call, object, "name", agent->name);
    yyjson_mut_obj_foreach(definition, at, count, key, value)
        yyjson_mut_obj_add(object, yyjson_mut_val_mut_copy(call->json, key),
                           yyjson_mut_val_mut_copy(call->json, value));
    static const char *const own[] = { "zone", "is_paused", "uses_model" };
    for (size_t o = 0; o < COUNT_OF(own); o++) yyjson_mut_obj_remove_key(object, own[o]);
    api_put_text(call, object, "zone", agent->zone);
    yyjson_mut_obj_add_bool(call->json, object, "is_paused", agent->is_paused);
    yyjson_mut_obj_add_bool(call->json, object, "uses_model", agent->uses_model);
    api_put_time(call, object, "next_at", agent->is_paused ? 0 : job->next_unix_us);
    yyjson_mut_obj_add_bool(call->json, object, "is_asked", job->asked_unix_us > 0);
    api_put_text(call, object, "author", agent->author);
    api_put_time(call, object, "created_at", agent->created_unix_us);
    api_put_time(call, object, "changed_at", agent->changed_unix_us);
    return object;
}

/* What it is, without when it comes next: that moves by itself. */
static yyjson_mut_val *tag_json(struct api_call *call, const struct agent *agent)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", agent->id);
    yyjson_mut_obj_add_sint(call->json, object, "changed", agent->changed_unix_us);
    return object;
}

struct work {
    struct api_call *call;
    int64_t id;
    struct agent agent;
    struct job job;
    bool is_stale;
};

static bool number_of(struct api_call *call, const char *name, int64_t *number)
{
    struct bytes text = api_path(call, name);
    char digits[16] = "";
    *number = 0;
    if (text.len < sizeof digits) {
        memcpy(digits, text.ptr, text.len);
        if (strspn(digits, "0123456789") == text.len) *number = strtoll(digits, NULL, 10);
    }
    if (*number > 0) return true;
    api_fail_with(call, ERR_NOT_FOUND, "there is nothing of that number");
    return false;
}

static struct work *work_new(struct api_call *call)
{
    struct work *work = arena_calloc(call->arena, sizeof *work);
    work->call = call;
    return work;
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    return agent_find(session, call->arena, call->project.id, work->id, &work->agent, err) &&
           job_find(session, call->arena, call->project.id, agent_subject(call->arena, work->id), &work->job, err);
}

static void answer(struct work *work)
{
    api_tag(work->call, tag_json(work->call, &work->agent));
    api_answer(work->call, agent_json(work->call, &work->agent, &work->job));
}

/* ---- lists ---- */

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool agent_add(void *ctx, const struct agent *agent, const struct job *job)
{
    struct listing *listing = ctx;
    return api_page_add(listing->page, agent_json(listing->call, agent, job), &agent->name);
}

void api_agent_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    struct listing listing = { call, &page };
    if (agent_list(call->parts->db, call->project.id, page.is_first ? bytes_from("", 0) : page.after[0], page.limit + 1,
                   call->arena, agent_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

/* ---- one of them ---- */

void api_agent_get(struct api_call *call)
{
    struct work *work = work_new(call);
    struct err err = { 0 };
    if (!number_of(call, "agent", &work->id)) return;
    if (db_snapshot(call->parts->db, find_run, work, &err)) {
        answer(work);
    } else {
        api_fail(call, &err);
    }
}

/* The body without the name is the definition. */
static void body_take(struct work *work)
{
    struct api_call *call = work->call;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, call->body);
    size_t len = 0;
    yyjson_mut_obj_remove_key(root, "name");
    char *text = yyjson_mut_val_write(root, 0, &len);
    work->agent.definition = arena_copy(call->arena, bytes_from(text, text == NULL ? 0 : len));
    work->agent.name = arena_copy(call->arena, api_body_text(call, "name"));
    free(text);
    yyjson_mut_doc_free(doc);
}

static bool audit(struct db_session *session, struct work *work, const char *action, struct err *err)
{
    struct api_call *call = work->call;
    char id[24];
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    snprintf(id, sizeof id, "%lld", (long long)work->agent.id);
    api_put_text(call, details, "name", work->agent.name);
    struct audit_event event = { .action = action,
                                 .object_kind = "agent",
                                 .object = id,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

static bool is_current(struct work *work, struct err *err)
{
    work->is_stale = !api_matches(work->call, tag_json(work->call, &work->agent));
    return !work->is_stale || err_set(err, ERR_CONFLICT, "it has changed");
}

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    work->agent = (struct agent){ .project_id = call->project.id, .author = bytes_of_text(call->actor->name) };
    body_take(work);
    if (!agent_insert(session, call->arena, &work->agent, clock_unix_us(), err)) return false;
    work->id = work->agent.id;
    return audit(session, work, "agent.create", err) && find_run(session, work, err);
}

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    if (!find_run(session, ctx, err) || !is_current(work, err)) return false;
    body_take(work);
    return agent_update(session, work->call->arena, &work->agent, clock_unix_us(), err) &&
           audit(session, work, "agent.change", err) && find_run(session, ctx, err);
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    size_t len = 0;
    if (!find_run(session, ctx, err) || !is_current(work, err)) return false;
    yyjson_mut_val *definition = json_of(call, work->agent.definition);
    yyjson_mut_obj_remove_key(definition, "is_paused");
    yyjson_mut_obj_add_bool(call->json, definition, "is_paused", api_body_bool(call, "is_paused", false));
    char *text = yyjson_mut_val_write(definition, 0, &len);
    work->agent.definition = arena_copy(call->arena, bytes_from(text, text == NULL ? 0 : len));
    free(text);
    return agent_update(session, call->arena, &work->agent, clock_unix_us(), err) &&
           audit(session, work, api_body_bool(call, "is_paused", false) ? "agent.pause" : "agent.resume", err) &&
           find_run(session, ctx, err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return find_run(session, ctx, err) && is_current(work, err) &&
           agent_delete(session, work->call->arena, work->call->project.id, work->id, err) &&
           audit(session, work, "agent.delete", err);
}

static bool ask_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    return find_run(session, ctx, err) &&
           job_ask(session, call->project.id, agent_subject(call->arena, work->id), clock_unix_us(), err) &&
           audit(session, work, "agent.run", err) && find_run(session, ctx, err);
}

/* False: it was answered. */
static bool work_do(struct work *work, db_work_fn *run)
{
    struct err err = { 0 };
    if (db_transaction(work->call->parts->db, run, work, &err)) return true;
    if (work->is_stale) {
        api_fail_changed(work->call);
    } else {
        api_fail(work->call, &err);
    }
    return false;
}

void api_agent_create(struct api_call *call)
{
    struct work *work = work_new(call);
    if (work_do(work, create_run)) answer(work);
}

static void change(struct api_call *call, db_work_fn *run, bool has_answer)
{
    struct work *work = work_new(call);
    if (!number_of(call, "agent", &work->id) || !work_do(work, run)) return;
    if (has_answer) {
        answer(work);
    } else {
        api_answer_none(call);
    }
}

void api_agent_set(struct api_call *call)
{
    change(call, set_run, true);
}

void api_agent_change(struct api_call *call)
{
    change(call, change_run, true);
}

void api_agent_delete(struct api_call *call)
{
    change(call, delete_run, false);
}

void api_agent_run(struct api_call *call)
{
    change(call, ask_run, true);
}

/* ---- runs ---- */

static yyjson_mut_val *run_json(struct api_call *call, const struct job_run *run)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", run->id);
    api_put_time(call, object, "due_at", run->due_unix_us);
    yyjson_mut_obj_add_bool(call->json, object, "is_asked", run->is_asked);
    yyjson_mut_obj_add_uint(call->json, object, "missed", run->missed);
    yyjson_mut_obj_add_uint(call->json, object, "attempt", run->attempt);
    yyjson_mut_obj_add_str(call->json, object, "state", job_run_state_names[run->state]);
    api_put_time(call, object, "began_at", run->began_unix_us);
    api_put_time(call, object, "ended_at", run->ended_unix_us);
    api_put_text(call, object, "why", run->why);
    yyjson_mut_obj_add_val(call->json, object, "cost", json_of(call, run->figures));
    return object;
}

static bool run_add(void *ctx, const struct job_run *run)
{
    struct listing *listing = ctx;
    struct bytes key = api_page_number(listing->call, run->id);
    return api_page_add(listing->page, run_json(listing->call, run), &key);
}

void api_agent_run_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    int64_t id;
    if (!number_of(call, "agent", &id) || !api_page_read(call, 1, &page)) return;
    struct listing listing = { call, &page };
    if (job_runs_list(call->parts->db, call->project.id, agent_subject(call->arena, id), api_page_before(&page),
                      page.limit + 1, run_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

void api_agent_run_get(struct api_call *call)
{
    struct job_run run;
    struct err err = { 0 };
    int64_t id;
    if (!number_of(call, "agent_run", &id)) return;
    if (!job_run_find(call->parts->db, call->project.id, id, call->arena, &run, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *object = run_json(call, &run);
    api_put_text(call, object, "log", run.log);
    api_answer(call, object);
}

/* ---- reports ---- */

static yyjson_mut_val *report_json(struct api_call *call, const struct agent_report *report)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "id", report->id);
    yyjson_mut_obj_add_sint(call->json, object, "agent_id", report->agent_id);
    api_put_text(call, object, "agent", report->agent_name);
    yyjson_mut_obj_add_sint(call->json, object, "run_id", report->run_id);
    api_put_text(call, object, "title", report->title);
    yyjson_mut_obj_add_str(call->json, object, "severity", message_severity_names[report->severity]);
    api_put_time(call, object, "from", report->from_unix_us);
    api_put_time(call, object, "to", report->to_unix_us);
    api_put_time(call, object, "made_at", report->made_unix_us);
    return object;
}

static bool report_add(void *ctx, const struct agent_report *report)
{
    struct listing *listing = ctx;
    struct bytes key = api_page_number(listing->call, report->id);
    return api_page_add(listing->page, report_json(listing->call, report), &key);
}

void api_report_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    struct listing listing = { call, &page };
    if (agent_report_list(call->parts->db, call->project.id, api_query_int(call, "agent", 0), api_page_before(&page),
                          page.limit + 1, report_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

void api_report_get(struct api_call *call)
{
    struct agent_report report;
    struct err err = { 0 };
    int64_t id;
    if (!number_of(call, "report", &id)) return;
    if (!agent_report_find(call->parts->db, call->arena, call->project.id, id, &report, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *object = report_json(call, &report);
    yyjson_mut_obj_add_val(call->json, object, "content", json_of(call, report.content));
    api_answer(call, object);
}
