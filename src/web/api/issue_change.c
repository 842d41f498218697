/* What people do to issues: resolve, ignore, open, assign, merge, split. Each in one transaction with its audit rows. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "web/api/issues.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>

enum { BULK_MAX = 100 };

static bool audit(struct db_session *session, struct api_call *call, const char *action, int64_t number,
                  struct err *err)
{
    char object[24];
    snprintf(object, sizeof object, "%" PRId64, number);
    struct audit_event event = { .action = action,
                                 .object_kind = "issue",
                                 .object = object,
                                 .project_id = &call->project.id,
                                 .details = people_details(call, yyjson_val_mut_copy(call->json, call->body)) };
    return audit_write(session, call->actor, &event, err);
}

/* ---- what is to be changed ---- */

/* "now+7d" is as far ahead as "now-7d" is behind. */
static bool ahead_read(struct api_call *call, struct bytes text, int64_t *unix_us)
{
    int64_t now_us = clock_unix_us();
    if (text.len < 4 || memcmp(text.ptr, "now+", 4) != 0) return rfc3339_read(text, unix_us);
    char *behind = arena_printf(call->arena, "now-%.*s", (int)text.len - 4, (const char *)text.ptr + 4);
    if (!rfc3339_read_relative(bytes_of_text(behind), now_us, unix_us)) return false;
    *unix_us = 2 * now_us - *unix_us;
    return true;
}

static int64_t number_of(yyjson_val *value)
{
    if (yyjson_is_real(value)) return (int64_t)yyjson_get_real(value); /* 1.0, by its schema */
    return yyjson_is_int(value) ? yyjson_get_sint(value) : 0;
}

/* False: the client was told. */
static bool ignored_read(struct api_call *call, struct issue_ignored *ignored)
{
    yyjson_val *ignore = yyjson_obj_get(call->body, "ignore"), *until = yyjson_obj_get(ignore, "until");
    *ignored = (struct issue_ignored){ .until_count = number_of(yyjson_obj_get(ignore, "events")),
                                       .until_users = number_of(yyjson_obj_get(ignore, "users")) };
    if (!yyjson_is_str(until) ||
        ahead_read(call, bytes_from(yyjson_get_str(until), yyjson_get_len(until)), &ignored->until_unix_us))
        return true;
    api_fail_at(call, "/ignore/until", "it must be a time such as 2026-12-01T08:00:00Z or now+7d");
    return false;
}

static bool state_read(struct api_call *call, struct issue_change *change)
{
    struct bytes state = api_body_text(call, "state"), release = api_body_text(call, "release");
    change->has_state = state.len > 0;
    for (uint32_t s = 0; s < ISSUE_STATE_COUNT; s++)
        if (bytes_equal(state, bytes_of_text(issue_state_names[s]))) change->state = (enum issue_state)s;
    if (release.len >= sizeof change->resolved_in_release) {
        api_fail_at(call, "/release", "a release has at most %zu bytes", sizeof change->resolved_in_release - 1);
        return false;
    }
    snprintf(change->resolved_in_release, sizeof change->resolved_in_release, "%.*s", (int)release.len,
             (const char *)release.ptr);
    return ignored_read(call, &change->ignored);
}

static bool change_read(struct api_call *call, struct issue_change *change)
{
    yyjson_val *assignee = yyjson_obj_get(call->body, "assignee");
    struct err err = { 0 };
    *change = (struct issue_change){ .has_assignee = assignee != NULL };
    if (!state_read(call, change)) return false;
    if (yyjson_is_str(assignee) &&
        !issues_assignee(call, "/assignee", api_body_text(call, "assignee"), &change->assignee_id, &change->team_id))
        return false;
    if (!change->has_state && !change->has_assignee)
        err_set(&err, ERR_INPUT, "there is nothing to change: state or assignee");
    if (err.code == ERR_OK && issue_change_check(change, clock_unix_us(), &err)) return true;
    api_fail(call, &err);
    return false;
}

/* ---- one ---- */

struct work {
    struct api_call *call;
    const struct issue_change *change;
    int64_t number;
    bool is_stale;
};

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct work *work = ctx;
    struct api_call *call = work->call;
    struct issue issue;
    bool changed = false;
    work->is_stale = false;
    if (!issue_find(session, call->project.id, work->number, call->arena, &issue, err)) return false;
    work->is_stale = !api_matches(call, issues_tag(call, &issue));
    if (work->is_stale) return err_set(err, ERR_CONFLICT, "it has changed");
    return issue_change(session, call->project.id, issue.number, work->change, call->actor, &changed, err) &&
           (!changed || audit(session, call, "issue.change", issue.number, err));
}

void api_issue_change(struct api_call *call)
{
    struct issue_change change;
    struct work work = { .call = call, .change = &change };
    struct count_range range;
    struct issue_listed listed;
    struct err err = { 0 };
    if (!issues_number(call, &work.number) || !change_read(call, &change) || !issues_range(call, &range)) return;
    if (!db_transaction(call->parts->db, change_run, &work, &err)) {
        if (work.is_stale)
            api_fail_changed(call);
        else
            api_fail(call, &err);
        return;
    }
    if (!issue_get_listed(call->parts->db, call->project.id, work.number, &range, (struct bytes){ 0 }, call->arena,
                          &listed, &err)) {
        api_fail(call, &err);
        return;
    }
    api_tag(call, issues_tag(call, &listed.issue));
    api_answer(call, issues_json(call, &listed, &range));
}

/* ---- several ---- */

struct bulk {
    struct api_call *call;
    const struct issue_change *change;
    int64_t numbers[BULK_MAX]; /* as they answer: those that were merged are the ones they went into */
    bool changed[BULK_MAX];
    uint32_t count;
};

static bool bulk_add(struct db_session *session, struct bulk *bulk, int64_t number, struct err *err)
{
    struct api_call *call = bulk->call;
    struct issue issue;
    if (!issue_find(session, call->project.id, number, call->arena, &issue, err)) return false;
    for (uint32_t b = 0; b < bulk->count; b++)
        if (bulk->numbers[b] == issue.number) return true;
    uint32_t at = bulk->count++;
    bulk->numbers[at] = issue.number;
    bulk->changed[at] = false;
    return issue_change(session, call->project.id, issue.number, bulk->change, call->actor, &bulk->changed[at], err) &&
           (!bulk->changed[at] || audit(session, call, "issue.change", issue.number, err));
}

static bool bulk_run(struct db_session *session, void *ctx, struct err *err)
{
    struct bulk *bulk = ctx;
    yyjson_val *one;
    size_t i, count;
    bulk->count = 0;
    yyjson_arr_foreach(yyjson_obj_get(bulk->call->body, "issues"), i, count, one)
    {
        if (!bulk_add(session, bulk, number_of(one), err)) return false;
    }
    return true;
}

void api_issue_change_bulk(struct api_call *call)
{
    struct issue_change change;
    struct bulk *bulk = arena_calloc(call->arena, sizeof *bulk);
    struct err err = { 0 };
    if (!change_read(call, &change)) return;
    bulk->call = call;
    bulk->change = &change;
    if (!db_transaction(call->parts->db, bulk_run, bulk, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_val *changed = yyjson_mut_obj_add_arr(call->json, answer, "changed");
    yyjson_mut_val *unchanged = yyjson_mut_obj_add_arr(call->json, answer, "unchanged");
    for (uint32_t b = 0; b < bulk->count; b++)
        yyjson_mut_arr_add_sint(call->json, bulk->changed[b] ? changed : unchanged, bulk->numbers[b]);
    api_answer(call, answer);
}

/* ---- moves ---- */

struct move {
    struct api_call *call;
    int64_t from, into; /* into 0: a new one */
    struct uuid *ids;
    uint32_t count; /* of the fingerprints that move */
};

static bool merge_run(struct db_session *session, void *ctx, struct err *err)
{
    struct move *move = ctx;
    struct api_call *call = move->call;
    struct issue from, into;
    if (!issue_find(session, call->project.id, move->from, call->arena, &from, err) ||
        !issue_find(session, call->project.id, number_of(yyjson_obj_get(call->body, "into")), call->arena, &into, err))
        return false;
    move->from = from.number;
    move->into = into.number;
    return issue_merge(session, call->project.id, from.number, into.number, call->actor, err) &&
           audit(session, call, "issue.merge", from.number, err);
}

static bool split_run(struct db_session *session, void *ctx, struct err *err)
{
    struct move *move = ctx;
    struct api_call *call = move->call;
    struct issue from;
    if (!issue_find(session, call->project.id, move->from, call->arena, &from, err)) return false;
    move->from = from.number;
    move->into = number_of(yyjson_obj_get(call->body, "into"));
    return issue_split(session, call->project.id, from.number, move->ids, move->count, call->actor, &move->into, err) &&
           audit(session, call, "issue.split", from.number, err);
}

static void move_answer(const struct move *move)
{
    struct api_call *call = move->call;
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, answer, "from", move->from);
    yyjson_mut_obj_add_sint(call->json, answer, "into", move->into);
    yyjson_mut_obj_add_uint(call->json, answer, "fingerprints", move->count);
    api_answer(call, answer);
}

void api_issue_merge(struct api_call *call)
{
    struct move move = { .call = call };
    struct err err = { 0 };
    if (!issues_number(call, &move.from)) return;
    if (issue_fingerprint_ids(call->parts->db, call->project.id, move.from, UINT32_MAX, call->arena, &move.ids,
                              &move.count, &err) &&
        db_transaction(call->parts->db, merge_run, &move, &err)) {
        move_answer(&move);
    } else {
        api_fail(call, &err);
    }
}

/* Each once. False: the client was told. */
static bool fingerprints_read(struct move *move)
{
    struct api_call *call = move->call;
    yyjson_val *list = yyjson_obj_get(call->body, "fingerprints"), *one;
    size_t i, count;
    move->ids = arena_alloc(call->arena, (yyjson_arr_size(list) + 1) * sizeof *move->ids);
    yyjson_arr_foreach(list, i, count, one)
    {
        struct uuid id;
        bool is_there = false;
        if (!uuid_from_text(bytes_from(yyjson_get_str(one), yyjson_get_len(one)), &id)) {
            api_fail_at(call, "/fingerprints", "fingerprints are UUIDs");
            return false;
        }
        for (uint32_t f = 0; f < move->count && !is_there; f++) is_there = uuid_equal(move->ids[f], id);
        if (!is_there) move->ids[move->count++] = id;
    }
    return true;
}

void api_issue_split(struct api_call *call)
{
    struct move move = { .call = call };
    struct err err = { 0 };
    if (!issues_number(call, &move.from) || !fingerprints_read(&move)) return;
    if (db_transaction(call->parts->db, split_run, &move, &err)) {
        move_answer(&move);
    } else {
        api_fail(call, &err);
    }
}
