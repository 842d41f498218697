/* A project's own rules of what is one error, and what they would make of an event. */
#include "meta/error_rules.h"
#include "errors/known.h"
#include "errors/rules.h"
#include "web/api/issues.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>

static yyjson_mut_val *rules_json(struct api_call *call, const struct error_rules_version *rules)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "version", rules->version);
    api_put_text(call, object, "rules", rules->body);
    if (rules->version > 0)
        api_put_text(call, object, "author", rules->author);
    else
        yyjson_mut_obj_add_null(call->json, object, "author");
    api_put_time(call, object, "stored_at", rules->stored_unix_us);
    api_put_time(call, object, "valid_from", rules->valid_from_unix_us);
    return object;
}

void api_error_rules_get(struct api_call *call)
{
    struct error_rules_version rules;
    struct err err = { 0 };
    if (error_rules_get(call->parts->db, call->project.id, call->arena, &rules, &err)) {
        api_answer(call, rules_json(call, &rules));
    } else {
        api_fail(call, &err);
    }
}

struct work {
    struct api_call *call;
    struct error_rules_version rules;
    int64_t seen; /* the version that If-Match is of; -1: any */
};

static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    char version[24];
    if (!error_rules_put(session, &work->rules, work->seen, err)) return false;
    snprintf(version, sizeof version, "%" PRId64, work->rules.version);
    yyjson_mut_obj_add_uint(call->json, details, "bytes", work->rules.body.len);
    struct audit_event event = { .action = "error_rules.set",
                                 .object_kind = "error_rules",
                                 .object = version,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, details) };
    return audit_write(session, call->actor, &event, err);
}

void api_error_rules_set(struct api_call *call)
{
    struct error_rules_version before;
    struct work work = { .call = call, .seen = -1 };
    const struct fingerprint_rules *rules;
    struct err err = { 0 };
    struct bytes text = api_body_text(call, "rules");
    if (!rules_parse(call->arena, text, &rules, &err)) {
        api_fail_at(call, "/rules", "%s", err.text);
        return;
    }
    if (!error_rules_get(call->parts->db, call->project.id, call->arena, &before, &err)) {
        api_fail(call, &err);
        return;
    }
    if (!api_matches(call, rules_json(call, &before))) {
        api_fail_changed(call);
        return;
    }
    if (api_request_header(call, "if-match").len > 0) work.seen = before.version;
    work.rules = (struct error_rules_version){ .project_id = call->project.id,
                                               .body = text,
                                               .author = bytes_of_text(call->actor->name) };
    if (db_transaction(call->parts->db, put_run, &work, &err)) {
        api_answer(call, rules_json(call, &work.rules));
    } else if (err.code == ERR_CONFLICT && work.seen >= 0) {
        api_fail_changed(call);
    } else {
        api_fail(call, &err);
    }
}

/* ---- what they would make of an event ---- */

static struct bytes event_text(const struct api_call *call, const char *name)
{
    yyjson_val *value = yyjson_obj_get(yyjson_obj_get(call->body, "event"), name);
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : BYTES("");
}

/* Of the body, or the latest of an issue. False: it was answered. */
static bool event_find(struct api_call *call, struct issues_event *event)
{
    int64_t number = api_body_int(call, "issue", 0);
    struct issue issue;
    struct bytes kept;
    struct uuid id;
    struct err err = { 0 };
    if (number == 0) {
        *event = (struct issues_event){ .source = { .language = event_text(call, "language"),
                                                    .service = event_text(call, "service"),
                                                    .type = event_text(call, "type"),
                                                    .message = event_text(call, "message"),
                                                    .stacktrace = event_text(call, "stacktrace"),
                                                    .place = event_text(call, "place") } };
        event->event = error_event_read(call->arena, &event->source);
        return true;
    }
    if (!issue_get(call->parts->db, call->project.id, number, call->arena, &issue, &err) ||
        !issue_event(call->parts->db, call->project.id, issue.number, true, call->arena, &kept, &id, &err)) {
        api_fail(call, &err);
        return false;
    }
    if (issues_event_read(call, kept, event)) return true;
    api_fail_with(call, ERR_NOT_FOUND, "no event of issue #%" PRId64 " is kept any more: give one", issue.number);
    return false;
}

/* False: it was answered. */
static bool rules_find(struct api_call *call, const struct fingerprint_rules **rules)
{
    struct error_rules_version version = { .body = api_body_text(call, "rules") };
    struct err err = { 0 };
    bool is_given = yyjson_is_str(yyjson_obj_get(call->body, "rules"));
    if (!is_given && !error_rules_get(call->parts->db, call->project.id, call->arena, &version, &err)) {
        api_fail(call, &err);
        return false;
    }
    if (rules_parse(call->arena, version.body, rules, &err)) return true;
    api_fail_at(call, "/rules", "%s", err.text);
    return false;
}

void api_error_rules_try(struct api_call *call)
{
    static const char *const bys[] = { "rule", "known", "stack", "message", "place" };
    static_assert(COUNT_OF(bys) == FINGERPRINT_BY_PLACE + 1, "each has its word");
    struct issues_event event;
    const struct fingerprint_rules *rules;
    struct err err = { 0 };
    int64_t issue = 0;
    if (!rules_find(call, &rules) || !event_find(call, &event)) return;
    struct fingerprint fingerprint = fingerprint_of(call->arena, event.event, rules);
    struct uuid id = issues_fingerprint_id(call, &fingerprint);
    if (!issue_of_fingerprint(call->parts->db, call->project.id, id, &issue, &err) && err.code != ERR_NOT_FOUND) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    api_put_uuid(call, answer, "fingerprint", id);
    yyjson_mut_obj_add_str(call->json, answer, "by", bys[fingerprint.by]);
    if (fingerprint.by == FINGERPRINT_BY_RULE)
        yyjson_mut_obj_add_uint(call->json, answer, "line", fingerprint.rule_line);
    else
        yyjson_mut_obj_add_null(call->json, answer, "line");
    yyjson_mut_obj_add_val(call->json, answer, "known", issues_known_json(call, fingerprint.known));
    api_put_text(call, answer, "why", fingerprint_why(call->arena, event.event, &fingerprint));
    if (issue > 0)
        yyjson_mut_obj_add_sint(call->json, answer, "issue", issue);
    else
        yyjson_mut_obj_add_null(call->json, answer, "issue");
    yyjson_mut_obj_add_val(call->json, answer, "event", issues_event_json(call, &event, id));
    api_answer(call, answer);
}
