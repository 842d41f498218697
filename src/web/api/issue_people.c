/* Who an issue can be given to: users and teams with a role in its project. */
#include "meta/team.h"
#include "meta/user.h"
#include "web/api/issues.h"
#include <stdio.h>

enum { MEMBERS_MAX = 10000 };

/* A team of the project, by id or name. */
struct team_search {
    struct uuid id;
    struct bytes name; /* empty: by id */
    bool is_found;
};
static bool member_look(void *ctx, const struct member *member)
{
    struct team_search *search = ctx;
    if (member->kind != MEMBER_TEAM) return true;
    search->is_found =
        search->name.len > 0 ? bytes_equal(search->name, member->name) : uuid_equal(search->id, member->id);
    if (search->is_found) search->id = member->id;
    return !search->is_found;
}

static bool team_look(struct api_call *call, struct team_search *search, struct uuid *team_id, struct err *err)
{
    if (!member_list(call->parts->db, call->project.id, BYTES(""), MEMBERS_MAX, member_look, search, err)) return false;
    if (search->is_found) *team_id = search->id;
    return search->is_found;
}

/* One that may read the project: others answer as if they were not there. */
static bool user_look(struct api_call *call, const struct user *user, struct uuid *user_id, struct err *err)
{
    struct actor as = { .kind = ACTOR_USER, .user_id = user->id, .is_instance_admin = user->is_instance_admin };
    enum access_role role = ROLE_NONE;
    if (user->is_disabled || !access_role_of(call->parts->db, &as, call->project.id, &role, err)) return false;
    if (role == ROLE_NONE) return false;
    *user_id = user->id;
    return true;
}

static bool assignee_look(struct api_call *call, struct bytes text, struct uuid *user_id, struct uuid *team_id,
                          struct err *err)
{
    struct user *user = arena_calloc(call->arena, sizeof *user);
    struct team_search search = { 0 };
    struct err no_email = { 0 };
    char email[USER_EMAIL_BYTES];
    if (text.len > 5 && memcmp(text.ptr, "team:", 5) == 0) {
        search.name = bytes_from(text.ptr + 5, text.len - 5);
        return team_look(call, &search, team_id, err);
    }
    if (bytes_equal(text, BYTES("me"))) {
        if (call->actor->kind != ACTOR_USER)
            return err_set(err, ERR_INPUT, "me is a user, and this is an API key: name one by e-mail");
        return user_find(call->parts->db, call->actor->user_id, user, err) && user_look(call, user, user_id, err);
    }
    if (uuid_from_text(text, &search.id)) {
        if (user_find(call->parts->db, search.id, user, err)) return user_look(call, user, user_id, err);
        if (err->code != ERR_NOT_FOUND) return false;
        *err = (struct err){ 0 };
        return team_look(call, &search, team_id, err);
    }
    return user_email_read(text, email, &no_email) && user_find_by_email(call->parts->db, email, user, err) &&
           user_look(call, user, user_id, err);
}

bool issues_assignee(struct api_call *call, const char *pointer, struct bytes text, struct uuid *user_id,
                     struct uuid *team_id)
{
    struct err err = { 0 };
    *user_id = *team_id = (struct uuid){ 0 };
    if (bytes_equal(text, BYTES("nobody")) || assignee_look(call, text, user_id, team_id, &err)) return true;
    if (err.code == ERR_INPUT) {
        api_fail_at(call, pointer, "%s", err.text);
    } else if (err.code == ERR_OK || err.code == ERR_NOT_FOUND) {
        api_fail_at(
            call, pointer,
            "nobody with a role in this project is called so: a user's e-mail or id, team:NAME, a team's id, me "
            "or nobody");
    } else {
        api_fail(call, &err);
    }
    return false;
}
