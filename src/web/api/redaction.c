/* Redaction rules of a project, and what they would make of something. */
#include "web/api/redaction.h"
#include "ingest/redaction/redaction.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <stdio.h>

static yyjson_mut_val *rule_json(struct api_call *call, const struct redaction_rule *rule, uint64_t found)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", rule->id);
    yyjson_mut_obj_add_strcpy(call->json, object, "name", rule->name);
    yyjson_mut_obj_add_str(call->json, object, "finds", redaction_finds_names[rule->finds]);
    yyjson_mut_obj_add_strcpy(call->json, object, "pattern", rule->pattern);
    yyjson_mut_obj_add_str(call->json, object, "does", redaction_does_names[rule->does]);
    yyjson_mut_obj_add_bool(call->json, object, "is_on", rule->is_on);
    yyjson_mut_obj_add_uint(call->json, object, "found_30_days", found);
    api_put_time(call, object, "created_at", rule->created_unix_us);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
    bool is_past; /* the last one of the page before */
};

/* There are few, in an order of their own: those before the cursor's are stepped over. */
static bool rule_add(void *ctx, const struct redaction_rule *rule, uint64_t found)
{
    struct listing *listing = ctx;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(rule->id, id);
    struct bytes key = bytes_of_text(id);
    if (!listing->is_past) {
        listing->is_past = bytes_equal(key, listing->page->after[0]);
        return true;
    }
    return api_page_add(listing->page, rule_json(listing->call, rule, found), &key);
}

void api_redaction_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { .call = call, .page = &page };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    listing.is_past = page.is_first;
    if (redaction_rule_list(call->parts->db, &call->project.id, rule_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

static int name_find(const char *const *names, int count, const char *name)
{
    for (int n = 0; n < count; n++) {
        if (name != NULL && strcmp(names[n], name) == 0) return n;
    }
    return -1;
}

static void text_take(yyjson_val *from, const char *member, char *into, size_t into_bytes)
{
    const char *text = yyjson_get_str(yyjson_obj_get(from, member));
    if (text != NULL) snprintf(into, into_bytes, "%s", text);
}

/* What the body says replaces what is there. */
void redaction_rule_of_json(yyjson_val *from, struct redaction_rule *rule)
{
    int finds = name_find(redaction_finds_names, REDACTION_FINDS_COUNT, yyjson_get_str(yyjson_obj_get(from, "finds")));
    int does = name_find(redaction_does_names, REDACTION_DOES_COUNT, yyjson_get_str(yyjson_obj_get(from, "does")));
    yyjson_val *is_on = yyjson_obj_get(from, "is_on");
    text_take(from, "name", rule->name, sizeof rule->name);
    text_take(from, "pattern", rule->pattern, sizeof rule->pattern);
    if (finds >= 0) rule->finds = (enum redaction_finds)finds;
    if (does >= 0) rule->does = (enum redaction_does)does;
    if (yyjson_is_bool(is_on)) rule->is_on = yyjson_get_bool(is_on);
}

/* Its regular expression too. */
static bool rule_is_right(const struct redaction_rule *rule, struct err *err)
{
    static const uint8_t no_key[REDACTION_KEY_BYTES];
    struct redaction *redaction;
    bool ok = redaction_create(&redaction, rule, 1, no_key, err);
    redaction_release(redaction);
    return ok;
}

struct work {
    struct api_call *call;
    struct redaction_rule rule;
    uint64_t found;
};

static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return redaction_rule_insert(session, &work->rule, err);
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    if (!redaction_rule_find(session, work->call->project.id, work->rule.id, &work->rule, &work->found, err))
        return false;
    redaction_rule_of_json(work->call->body, &work->rule);
    return rule_is_right(&work->rule, err) && redaction_rule_update(session, &work->rule, err);
}

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct work *work = ctx;
    return redaction_rule_delete(session, work->call->project.id, work->rule.id, err);
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    return redaction_rule_find(session, work->call->project.id, work->rule.id, &work->rule, &work->found, err);
}

/* With the audit row: what a rule is, is no secret. False: it was answered. */
static bool work_do(struct work *work, const char *action, db_work_fn *run)
{
    struct api_call *call = work->call;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(work->rule.id, id);
    struct people_change change = {
        run,
        work,
        { .action = action,
          .object_kind = "redaction_rule",
          .object = run == insert_run ? work->rule.name : id,
          .project_id = &call->project.id,
          .details =
              call->body == NULL ? BYTES("") : people_details(call, yyjson_val_mut_copy(call->json, call->body)) }
    };
    return people_transaction(call, &change);
}

void api_redaction_create(struct api_call *call)
{
    struct work work = { .call = call, .rule = { .project_id = call->project.id, .is_on = true } };
    struct err err = { 0 };
    redaction_rule_of_json(call->body, &work.rule);
    if (!rule_is_right(&work.rule, &err)) {
        api_fail_at(call, "/pattern", "%s", err.text);
        return;
    }
    if (work_do(&work, "redaction_rule.create", insert_run)) api_answer(call, rule_json(call, &work.rule, 0));
}

void api_redaction_get(struct api_call *call)
{
    struct work work = { .call = call };
    struct err err = { 0 };
    if (!api_path_uuid(call, "rule", &work.rule.id)) return;
    if (db_transaction(call->parts->db, find_run, &work, &err)) {
        api_answer(call, rule_json(call, &work.rule, work.found));
    } else {
        api_fail(call, &err);
    }
}

void api_redaction_change(struct api_call *call)
{
    struct work work = { .call = call };
    if (!api_path_uuid(call, "rule", &work.rule.id)) return;
    if (work_do(&work, "redaction_rule.change", change_run)) api_answer(call, rule_json(call, &work.rule, work.found));
}

void api_redaction_delete(struct api_call *call)
{
    struct work work = { .call = call };
    if (!api_path_uuid(call, "rule", &work.rule.id)) return;
    if (work_do(&work, "redaction_rule.delete", delete_run)) api_answer_none(call);
}
