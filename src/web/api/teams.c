/* Teams of users. */
#include "web/api/api_page.h"
#include "web/api/people.h"

static yyjson_mut_val *team_json(struct api_call *call, const struct team *team)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", team->id);
    api_put_text(call, object, "name", bytes_of_text(team->name));
    yyjson_mut_obj_add_int(call->json, object, "member_count", team->member_count);
    api_put_time(call, object, "created_at", team->created_unix_us);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool team_add_row(void *ctx, const struct team *team)
{
    struct listing *listing = ctx;
    struct bytes key = bytes_of_text(team->name);
    return api_page_add(listing->page, team_json(listing->call, team), &key);
}

void api_team_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    if (team_list(call->parts->db, page.is_first ? BYTES("") : page.after[0], page.limit + 1, team_add_row, &listing,
                  &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

struct team_work {
    struct bytes name;
    struct team team;
    struct uuid user_id;
};
static bool team_create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct team_work *work = ctx;
    return team_create(session, work->name, &work->team, err);
}
static bool team_rename_run(struct db_session *session, void *ctx, struct err *err)
{
    struct team_work *work = ctx;
    return team_rename(session, work->team.id, work->name, err);
}
static bool team_delete_run(struct db_session *session, void *ctx, struct err *err)
{
    struct team_work *work = ctx;
    return team_delete(session, work->team.id, err);
}
static bool team_add_run(struct db_session *session, void *ctx, struct err *err)
{
    struct team_work *work = ctx;
    return team_add(session, work->team.id, work->user_id, err);
}
static bool team_remove_run(struct db_session *session, void *ctx, struct err *err)
{
    struct team_work *work = ctx;
    return team_remove(session, work->team.id, work->user_id, err);
}

void api_team_create(struct api_call *call)
{
    struct team_work work = { .name = api_body_text(call, "name") };
    const char *name = arena_printf(call->arena, "%.*s", (int)work.name.len, (const char *)work.name.ptr);
    struct people_change change = { team_create_run,
                                    &work,
                                    { .action = "team.create", .object_kind = "team", .object = name } };
    if (people_transaction(call, &change)) api_answer(call, team_json(call, &work.team));
}

void api_team_get(struct api_call *call)
{
    struct team team;
    if (people_team(call, &team)) api_answer(call, team_json(call, &team));
}

void api_team_change(struct api_call *call)
{
    struct team_work work = { .name = api_body_text(call, "name") };
    if (!people_team(call, &work.team)) return;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "name", work.name);
    struct people_change change = { team_rename_run,
                                    &work,
                                    { .action = "team.rename",
                                      .object_kind = "team",
                                      .object = work.team.name,
                                      .details = people_details(call, details) } };
    if (!people_transaction(call, &change)) return;
    memset(work.team.name, 0, sizeof work.team.name);
    memcpy(work.team.name, work.name.ptr, work.name.len); /* its length was checked by team_rename */
    api_answer(call, team_json(call, &work.team));
}

void api_team_delete(struct api_call *call)
{
    struct team_work work = { 0 };
    if (!people_team(call, &work.team)) return;
    struct people_change change = { team_delete_run,
                                    &work,
                                    { .action = "team.delete", .object_kind = "team", .object = work.team.name } };
    if (people_transaction(call, &change)) api_answer_none(call);
}

static bool team_member_add_row(void *ctx, const struct member *member)
{
    struct listing *listing = ctx;
    yyjson_mut_val *object = yyjson_mut_obj(listing->call->json);
    api_put_uuid(listing->call, object, "id", member->id);
    api_put_text(listing->call, object, "email", member->name);
    return api_page_add(listing->page, object, &member->name);
}

void api_team_member_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct team team;
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page) || !people_team(call, &team)) return;
    if (team_member_list(call->parts->db, team.id, page.is_first ? BYTES("") : page.after[0], page.limit + 1,
                         team_member_add_row, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

static void team_member_change(struct api_call *call, db_work_fn *run, const char *action)
{
    struct team_work work = { 0 };
    struct user user;
    if (!people_team(call, &work.team) || !people_user(call, &user)) return;
    work.user_id = user.id;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "user", bytes_of_text(user.email));
    struct people_change change = {
        run,
        &work,
        { .action = action, .object_kind = "team", .object = work.team.name, .details = people_details(call, details) }
    };
    if (people_transaction(call, &change)) api_answer_none(call);
}

void api_team_member_add(struct api_call *call)
{
    team_member_change(call, team_add_run, "team.add_member");
}

void api_team_member_remove(struct api_call *call)
{
    team_member_change(call, team_remove_run, "team.remove_member");
}
