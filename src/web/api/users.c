/* Users: who may sign in. For instance admins; and oneself. */
#include "meta/accounts.h"
#include "web/api/api_inside.h"
#include "web/api/api_page.h"
#include "web/api/people.h"
#include <stdlib.h>

/* ---- what the files about people share ---- */

bool people_user(struct api_call *call, struct user *user)
{
    struct bytes text = api_path(call, "user");
    struct uuid id;
    char email[USER_EMAIL_BYTES];
    struct err err = { 0 }, no_email = { 0 };
    bool ok = uuid_from_text(text, &id)                 ? user_find(call->parts->db, id, user, &err)
              : user_email_read(text, email, &no_email) ? user_find_by_email(call->parts->db, email, user, &err)
                                                        : err_set(&err, ERR_NOT_FOUND, "there is no such user");
    if (!ok) api_fail(call, &err);
    return ok;
}

bool people_team(struct api_call *call, struct team *team)
{
    struct uuid id;
    struct err err = { 0 };
    if (!api_path_uuid(call, "team", &id)) return false;
    if (team_find(call->parts->db, id, team, &err)) return true;
    api_fail(call, &err);
    return false;
}

yyjson_mut_val *people_user_json(struct api_call *call, const struct user *user)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", user->id);
    api_put_text(call, object, "email", bytes_of_text(user->email));
    api_put_text(call, object, "name", bytes_of_text(user->name));
    yyjson_mut_obj_add_bool(call->json, object, "is_instance_admin", user->is_instance_admin);
    yyjson_mut_obj_add_bool(call->json, object, "is_disabled", user->is_disabled);
    yyjson_mut_obj_add_bool(call->json, object, "has_password", user->has_password);
    yyjson_mut_obj_add_bool(call->json, object, "must_change_password", user->must_change_password);
    api_put_time(call, object, "created_at", user->created_unix_us);
    api_put_time(call, object, "signed_in_at", user->signed_in_unix_us);
    return object;
}

struct audited {
    const struct api_call *call;
    const struct people_change *change;
};
static bool audited_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct audited *audited = ctx;
    return audited->change->run(session, audited->change->ctx, err) &&
           audit_write(session, audited->call->actor, &audited->change->event, err);
}

bool people_transaction(struct api_call *call, const struct people_change *change)
{
    struct audited audited = { call, change };
    struct err err = { 0 };
    if (db_transaction(call->parts->db, audited_run, &audited, &err)) return true;
    api_fail(call, &err);
    return false;
}

struct bytes people_details(struct api_call *call, yyjson_mut_val *object)
{
    size_t len;
    char *text = yyjson_mut_val_write(object, 0, &len);
    struct bytes details =
        text && len <= AUDIT_DETAILS_BYTES_MAX ? arena_copy(call->arena, bytes_from(text, len)) : BYTES("{}");
    free(text);
    return details;
}

/* ---- users ---- */

struct user_page {
    struct api_call *call;
    struct api_page *page;
};
static bool user_add(void *ctx, const struct user *user)
{
    struct user_page *listing = ctx;
    struct bytes key = bytes_of_text(user->email);
    return api_page_add(listing->page, people_user_json(listing->call, user), &key);
}

void api_user_list(struct api_call *call)
{
    struct api_page page;
    struct user_page listing = { call, &page };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    if (user_list(call->parts->db, page.is_first ? BYTES("") : page.after[0], page.limit + 1, user_add, &listing,
                  &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

struct user_making {
    struct user user;
    const struct user_password *password; /* NULL: none */
};
static bool user_making_run(struct db_session *session, void *ctx, struct err *err)
{
    struct user_making *making = ctx;
    return user_create(session, &making->user, making->password, err);
}

/* The answer to making one has the password for the first sign-in, once. */
void api_user_create(struct api_call *call)
{
    struct user_password password;
    struct user_making making = { .password = &password };
    struct user *user = &making.user;
    struct err err = { 0 };
    struct bytes name = api_body_text(call, "name");
    char once[PASSWORD_ONCE_BYTES];
    if (!user_email_read(api_body_text(call, "email"), user->email, &err)) {
        api_fail_at(call, "/email", "%s", err.text);
        return;
    }
    if (!user_name_check(name, &err)) {
        api_fail_at(call, "/name", "%s", err.text);
        return;
    }
    memcpy(user->name, name.ptr, name.len);
    user->is_instance_admin = api_body_bool(call, "is_instance_admin", false);
    user->must_change_password = api_body_bool(call, "has_password", true);
    password_once(once);
    if (!user->must_change_password) making.password = NULL;
    if (making.password &&
        !user_password_make(accounts_gate(call->parts->accounts), bytes_of_text(once), &password, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_bool(call->json, details, "is_instance_admin", user->is_instance_admin);
    struct people_change change = { user_making_run,
                                    &making,
                                    { .action = "user.create",
                                      .object_kind = "user",
                                      .object = user->email,
                                      .details = people_details(call, details) } };
    if (!people_transaction(call, &change)) return;
    yyjson_mut_val *answer = people_user_json(call, user);
    if (making.password) yyjson_mut_obj_add_strcpy(call->json, answer, "password", once);
    api_answer(call, answer);
}

void api_user_get(struct api_call *call)
{
    struct user user;
    if (people_user(call, &user)) api_answer(call, people_user_json(call, &user));
}

static bool user_change_run(struct db_session *session, void *ctx, struct err *err)
{
    return user_change(session, ctx, err);
}

void api_user_change(struct api_call *call)
{
    struct user user;
    struct err err = { 0 };
    if (!people_user(call, &user)) return;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    struct bytes name = api_body_text(call, "name");
    if (yyjson_is_str(yyjson_obj_get(call->body, "name"))) {
        if (!user_name_check(name, &err)) {
            api_fail_at(call, "/name", "%s", err.text);
            return;
        }
        memset(user.name, 0, sizeof user.name);
        memcpy(user.name, name.ptr, name.len);
        api_put_text(call, details, "name", name);
    }
    bool was_admin = user.is_instance_admin, was_disabled = user.is_disabled;
    user.is_instance_admin = api_body_bool(call, "is_instance_admin", was_admin);
    user.is_disabled = api_body_bool(call, "is_disabled", was_disabled);
    if (was_admin != user.is_instance_admin)
        yyjson_mut_obj_add_bool(call->json, details, "is_instance_admin", user.is_instance_admin);
    if (was_disabled != user.is_disabled) yyjson_mut_obj_add_bool(call->json, details, "is_disabled", user.is_disabled);
    struct people_change change = { user_change_run,
                                    &user,
                                    { .action = "user.change",
                                      .object_kind = "user",
                                      .object = user.email,
                                      .details = people_details(call, details) } };
    if (people_transaction(call, &change)) api_answer(call, people_user_json(call, &user));
}

static bool user_delete_run(struct db_session *session, void *ctx, struct err *err)
{
    return user_delete(session, ((const struct user *)ctx)->id, err);
}

void api_user_delete(struct api_call *call)
{
    struct user user;
    if (!people_user(call, &user)) return;
    struct people_change change = { user_delete_run,
                                    &user,
                                    { .action = "user.delete", .object_kind = "user", .object = user.email } };
    if (people_transaction(call, &change)) api_answer_none(call);
}

void api_user_reset_password(struct api_call *call)
{
    struct user user;
    struct err err = { 0 };
    char once[PASSWORD_ONCE_BYTES];
    if (!people_user(call, &user)) return;
    if (!accounts_reset_password(call->parts->accounts, call->actor, user.id, once, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_strcpy(call->json, answer, "password", once);
    api_answer(call, answer);
}

static bool sessions_end_run(struct db_session *session, void *ctx, struct err *err)
{
    return user_session_revoke_all(session, ((const struct user *)ctx)->id, NULL, err);
}

void api_user_sessions_end(struct api_call *call)
{
    struct user user;
    if (!people_user(call, &user)) return;
    struct people_change change = { sessions_end_run,
                                    &user,
                                    { .action = "session.revoke_all", .object_kind = "user", .object = user.email } };
    if (people_transaction(call, &change)) api_answer_none(call);
}

/* ---- oneself ---- */

static void key_me(struct api_call *call)
{
    static const char *const names[] = { "ingest", "query", "admin" };
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *scopes = yyjson_mut_arr(call->json);
    yyjson_mut_obj_add_str(call->json, answer, "kind", "key");
    api_put_uuid(call, answer, "id", call->actor->key_id);
    api_put_text(call, answer, "name", bytes_of_text(call->actor->name));
    api_put_uuid(call, answer, "project_id", call->actor->project_id);
    for (size_t s = 0; s < COUNT_OF(names); s++)
        if (call->actor->scopes & 1u << s) yyjson_mut_arr_add_str(call->json, scopes, names[s]);
    yyjson_mut_obj_add_val(call->json, answer, "scopes", scopes);
    api_answer(call, answer);
}

static void share_me(struct api_call *call)
{
    const struct actor *actor = call->actor;
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, answer, "kind", "share");
    api_put_uuid(call, answer, "id", actor->share_id);
    api_put_text(call, answer, "name", bytes_of_text(actor->name));
    api_put_uuid(call, answer, "project_id", actor->project_id);
    api_put_time(call, answer, "from", actor->from_unix_us);
    api_put_time(call, answer, "to", actor->to_unix_us);
    api_put_time(call, answer, "expires_at", actor->ends_unix_us);
    api_answer(call, answer);
}

void api_user_me(struct api_call *call)
{
    struct user user;
    struct err err = { 0 };
    char csrf[USER_SESSION_CSRF_BYTES];
    if (call->actor->kind == ACTOR_KEY) {
        key_me(call);
        return;
    }
    if (call->actor->kind == ACTOR_SHARE) {
        share_me(call);
        return;
    }
    if (!user_find(call->parts->db, call->actor->user_id, &user, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = people_user_json(call, &user);
    yyjson_mut_obj_add_str(call->json, answer, "kind", "user");
    api_put_uuid(call, answer, "session_id", call->actor->session_id);
    struct bytes token = account_cookie(call->request, BYTES(USER_SESSION_COOKIE));
    if (user_session_is_token(token)) { /* for the header that changes by cookie need */
        user_session_csrf(token, csrf);
        yyjson_mut_obj_add_strcpy(call->json, answer, "csrf_token", csrf);
    }
    api_answer(call, answer);
}

void api_password_change(struct api_call *call)
{
    struct err err = { 0 };
    if (accounts_change_password(call->parts->accounts, call->actor, api_body_text(call, "current"),
                                 api_body_text(call, "wanted"), &err)) {
        api_answer_none(call);
    } else if (err.code == ERR_INPUT) {
        api_fail_at(call, "/wanted", "%s", err.text);
    } else {
        api_fail(call, &err);
    }
}
