/* Who has which role in a project. */
#include "web/api/api_page.h"
#include "web/api/people.h"

static yyjson_mut_val *member_json(struct api_call *call, const struct member *member)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", member->id);
    yyjson_mut_obj_add_str(call->json, object, "kind", member->kind == MEMBER_USER ? "user" : "team");
    api_put_text(call, object, "name", member->name);
    yyjson_mut_obj_add_str(call->json, object, "role", role_name(member->role));
    yyjson_mut_obj_add_bool(call->json, object, "is_by_oidc", member->is_by_oidc);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool member_add(void *ctx, const struct member *member)
{
    struct listing *listing = ctx;
    return api_page_add(listing->page, member_json(listing->call, member), &member->name);
}

void api_member_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    if (member_list(call->parts->db, call->project.id, page.is_first ? BYTES("") : page.after[0], page.limit + 1,
                    member_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

/* {member}: a user's e-mail or id, or a team's id. False: it was answered. */
static bool member_find(struct api_call *call, struct member *member)
{
    struct bytes text = api_path(call, "member");
    struct user *user = arena_calloc(call->arena, sizeof *user);
    struct team *team = arena_calloc(call->arena, sizeof *team);
    struct uuid id;
    char email[USER_EMAIL_BYTES];
    struct err err = { 0 }, no_email = { 0 }, no_user = { 0 };
    bool is_user = false, ok = false;
    if (uuid_from_text(text, &id)) {
        is_user = user_find(call->parts->db, id, user, &no_user);
        ok = is_user || team_find(call->parts->db, id, team, &err);
    } else {
        is_user = user_email_read(text, email, &no_email) && user_find_by_email(call->parts->db, email, user, &err);
        ok = is_user;
    }
    if (!ok) {
        if (err.code == ERR_OK || err.code == ERR_NOT_FOUND)
            err_set(&err, ERR_NOT_FOUND,
                    call->route->method == API_DELETE /* who is no member may exist or not: the same words */
                        ? "there is no such member"
                        : "there is no such user or team: a member is a user's e-mail or id, or a team's id");
        api_fail(call, &err);
        return false;
    }
    *member = (struct member){ .kind = is_user ? MEMBER_USER : MEMBER_TEAM,
                               .id = is_user ? user->id : team->id,
                               .name = bytes_of_text(is_user ? user->email : team->name) };
    return true;
}

struct member_work {
    struct api_call *call;
    const struct member *member;
    enum access_role wanted, own;
};

/* Nobody gives more than the own role, or takes from who has more. */
static bool member_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct member_work *work = ctx;
    const struct member *member = work->member;
    struct uuid project_id = work->call->project.id;
    enum access_role before;
    if (!member_role(session, project_id, member->kind, member->id, &before, err)) return false;
    if (before > work->own || work->wanted > work->own)
        return err_set(err, ERR_FORBIDDEN,
                       "your role in this project is %s: you cannot give, change or take that of %s",
                       role_name(work->own), role_name(before > work->own ? before : work->wanted));
    return member_set(session, project_id, member->kind, member->id, work->wanted, err);
}

static void member_change(struct api_call *call, enum access_role wanted)
{
    struct member member;
    struct member_work work = { call, &member, wanted, ROLE_NONE };
    struct err err = { 0 };
    if (!member_find(call, &member)) return;
    if (!access_role_of(call->parts->db, call->actor, call->project.id, &work.own, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, details, "role", role_name(wanted));
    struct people_change change = { member_run,
                                    &work,
                                    { .action = wanted == ROLE_NONE ? "member.remove" : "member.set",
                                      .object_kind = member.kind == MEMBER_USER ? "user" : "team",
                                      .object = arena_printf(call->arena, "%.*s", (int)member.name.len,
                                                             (const char *)member.name.ptr),
                                      .project_id = &call->project.id,
                                      .details = people_details(call, details) } };
    if (!people_transaction(call, &change)) return;
    member.role = wanted;
    if (wanted == ROLE_NONE) {
        api_answer_none(call);
    } else {
        api_answer(call, member_json(call, &member));
    }
}

void api_member_set(struct api_call *call)
{
    enum access_role role;
    struct err err = { 0 };
    if (!role_from_name(api_body_text(call, "role"), &role, &err)) {
        api_fail_at(call, "/role", "%s", err.text);
        return;
    }
    member_change(call, role);
}

void api_member_remove(struct api_call *call)
{
    member_change(call, ROLE_NONE);
}
