/* The account page: who one is, where one is signed in, another password. */
#include "base/clock.h"
#include "meta/accounts.h"
#include "meta/user.h"
#include "web/api/handlers.h"
#include "web/api/page_form.h"
#include "web/api/people.h"
#include <stdio.h>
#include <time.h>

enum { SESSIONS_SHOWN = 100, PROJECTS_SHOWN = 200 };

struct shown {
    struct api_call *call;
    struct page_session *sessions;
    struct page_project *projects;
    uint32_t session_count, project_count;
};

static void time_text(int64_t unix_us, char text[32])
{
    struct tm tm;
    time_t unix_s = unix_us / 1000000;
    if (!gmtime_r(&unix_s, &tm) || strftime(text, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0) strcpy(text, "?");
}

static bool session_show(void *ctx, const struct user_session_row *row)
{
    struct shown *shown = ctx;
    struct arena *arena = shown->call->arena;
    struct page_session *session = &shown->sessions[shown->session_count++];
    char *id = arena_alloc(arena, UUID_TEXT_BYTES + 1);
    uuid_to_text(row->id, id);
    *session = (struct page_session){ .id = id,
                                      .address = arena_copy(arena, row->address),
                                      .agent = arena_copy(arena, row->agent),
                                      .method = arena_copy(arena, row->method),
                                      .is_this = uuid_equal(row->id, shown->call->actor->session_id) };
    time_text(row->created_unix_us, session->created);
    time_text(row->used_unix_us, session->used);
    return shown->session_count < SESSIONS_SHOWN;
}

static bool project_show(void *ctx, struct uuid project_id, enum access_role role)
{
    struct shown *shown = ctx;
    struct meta_project project;
    struct err gone = { 0 };
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, id);
    if (meta_project_find(shown->call->parts->meta, bytes_of_text(id), &project, &gone))
        shown->projects[shown->project_count++] =
            (struct page_project){ arena_printf(shown->call->arena, "%s", project.name), role_name(role) };
    return shown->project_count < PROJECTS_SHOWN;
}

static void account_show(struct api_call *call, int status, const char *alert, const char *notice)
{
    struct shown shown = { .call = call };
    struct user user;
    struct err err = { 0 };
    struct db *db = call->parts->db;
    struct uuid user_id = call->actor->user_id;
    char csrf[USER_SESSION_CSRF_BYTES];
    shown.sessions = arena_calloc(call->arena, SESSIONS_SHOWN * sizeof *shown.sessions);
    shown.projects = arena_calloc(call->arena, PROJECTS_SHOWN * sizeof *shown.projects);
    if (!user_find(db, user_id, &user, &err) || !user_session_list(db, user_id, session_show, &shown, &err) ||
        !member_projects(db, user_id, project_show, &shown, &err)) {
        page_refuse(call, err_http_status(err.code), "Not now", err.text);
        return;
    }
    user_session_csrf(account_cookie(call->request, BYTES(USER_SESSION_COOKIE)), csrf);
    struct page_account page = { .email = user.email,
                                 .name = user.name,
                                 .csrf = csrf,
                                 .is_instance_admin = user.is_instance_admin,
                                 .has_password = user.has_password,
                                 .must_change = user.must_change_password,
                                 .alert = alert,
                                 .notice = notice,
                                 .sessions = shown.sessions,
                                 .projects = shown.projects,
                                 .session_count = shown.session_count,
                                 .project_count = shown.project_count };
    struct buf html;
    buf_init(&html, PAGE_BYTES_MAX);
    page_account(&html, &page);
    page_answer(call, status, &html);
}

/* A session by Bearer has no form to go with. */
static bool is_signed_in(struct api_call *call)
{
    return call->actor->kind == ACTOR_USER &&
           user_session_is_token(account_cookie(call->request, BYTES(USER_SESSION_COOKIE)));
}

void api_page_account(struct api_call *call)
{
    struct bytes did = api_query(call, "did");
    if (!is_signed_in(call)) {
        page_redirect(call, "/sign-in?to=/account");
        return;
    }
    account_show(call, 200, NULL,
                 bytes_equal(did, BYTES("password")) ? "Your password is changed. Your other sessions have ended."
                 : bytes_equal(did, BYTES("revoke")) ? "That session has ended."
                                                     : NULL);
}

void api_page_password(struct api_call *call)
{
    struct page_form form;
    struct err err = { 0 };
    if (!page_form_read(call, &form) || !page_form_check(call, &form)) return;
    if (accounts_change_password(call->parts->accounts, call->actor, page_field(&form, "current"),
                                 page_field(&form, "wanted"), &err)) {
        page_redirect(call, "/account?did=password");
        return;
    }
    char *alert = arena_printf(call->arena, "%s.", err.text);
    if (alert[0] >= 'a' && alert[0] <= 'z') alert[0] = (char)(alert[0] - 'a' + 'A');
    account_show(call, err_http_status(err.code), alert, NULL);
}

struct session_end {
    struct uuid user_id, session_id;
};
static bool session_end_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct session_end *end = ctx;
    return user_session_revoke(session, end->user_id, end->session_id, err);
}

void api_page_session_revoke(struct api_call *call)
{
    struct page_form form;
    struct session_end end = { .user_id = call->actor->user_id };
    char id[UUID_TEXT_BYTES + 1];
    if (!page_form_read(call, &form) || !page_form_check(call, &form) ||
        !api_path_uuid(call, "session", &end.session_id))
        return;
    uuid_to_text(end.session_id, id);
    struct people_change change = { session_end_run,
                                    &end,
                                    { .action = "session.revoke", .object_kind = "session", .object = id } };
    if (people_transaction(call, &change)) page_redirect(call, "/account?did=revoke");
}

void api_page_sign_out(struct api_call *call)
{
    struct page_form form;
    struct err err = { 0 };
    if (!page_form_read(call, &form) || !page_form_check(call, &form)) return;
    page_cookie_set(call, USER_SESSION_COOKIE, "", "/", 0);
    if (!accounts_sign_out(call->parts->accounts, call->actor, &err) && err.code != ERR_NOT_FOUND) {
        page_refuse(call, err_http_status(err.code), "Not now", err.text);
        return;
    }
    page_redirect(call, "/sign-in");
}
