/* threads: none */
/* People: signing in, sessions, roles by teams and by OIDC groups, the audit log; on SQLite and on PostgreSQL. */
#include "meta/db_fixture.h"

#include "base/clock.h"
#include "meta/accounts.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/meta.h"
#include "meta/team.h"
#include "meta/user.h"

static const struct accounts_from here = { "192.0.2.7", "a test" };
#define RULES "sre=editor@shop, platform=instance-admin, cn=x=viewer@shop, *=viewer@lobby, ghosts=owner@nowhere"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct accounts *accounts;
    struct meta_project shop, lobby;
    char once[PASSWORD_ONCE_BYTES];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = db_fixture_setup(state);
    if (!meta_open(&fixture->meta, fixture->base->url, &db_fixture_log, &err)) fail_msg("%s", err.text);
    fixture->db = meta_db(fixture->meta);
    struct accounts_options options = {
        .db = fixture->db, .meta = fixture->meta, .oidc_roles = RULES, .log = &db_fixture_log
    };
    if (!accounts_open(&fixture->accounts, &options, &err)) fail_msg("%s", err.text);
    assert_true(meta_project_create(fixture->meta, "shop", &fixture->shop, &err));
    assert_true(meta_project_create(fixture->meta, "lobby", &fixture->lobby, &err));
    if (!accounts_begin(fixture->accounts, "Admin@Example.com", fixture->once, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    accounts_close(fixture->accounts);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

struct user_make {
    struct user user;
    const struct user_password *password;
};
static bool user_make_run(struct db_session *session, void *ctx, struct err *err)
{
    struct user_make *make = ctx;
    return user_create(session, &make->user, make->password, err);
}

#define PASSWORD "correct horse battery"
static struct user user_new(struct fixture *fixture, const char *email)
{
    struct user_password password;
    struct user_make make = { .password = &password };
    struct err err = { 0 };
    strcpy(make.user.email, email);
    assert_true(user_password_make(accounts_gate(fixture->accounts), BYTES(PASSWORD), &password, &err));
    if (!db_transaction(fixture->db, user_make_run, &make, &err)) fail_msg("%s", err.text);
    return make.user;
}

static struct actor signed_in_as(struct fixture *fixture, const char *email, const char *password)
{
    struct signed_in in;
    struct err err = { 0 };
    if (!accounts_sign_in(fixture->accounts, bytes_of_text(email), bytes_of_text(password), &here, &in, &err))
        fail_msg("%s: %s", email, err.text);
    struct actor actor;
    assert_true(user_session_find(fixture->db, bytes_of_text(in.token), &actor, &err));
    assert_true(uuid_equal(actor.session_id, in.actor.session_id));
    return actor;
}

/* Goal: the first start makes one admin, once; its password opens nothing but the change of it. */
static void test_first_admin(void **state)
{
    struct fixture *fixture = *state;
    char again[PASSWORD_ONCE_BYTES];
    struct err err = { 0 };
    assert_int_equal(strlen(fixture->once), PASSWORD_ONCE_BYTES - 1);
    assert_true(accounts_begin(fixture->accounts, "other@example.com", again, &err));
    assert_string_equal(again, "");
    struct actor admin = signed_in_as(fixture, "ADMIN@example.com", fixture->once);
    assert_true(admin.is_instance_admin && admin.must_change_password);
    assert_false(access_check(fixture->db, &admin, PERMISSION_USER_MANAGE, NULL, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_false(access_check(fixture->db, &admin, PERMISSION_QUERY, &fixture->shop.id, &err));
    assert_true(access_check(fixture->db, &admin, PERMISSION_PASSWORD, NULL, &err));
    assert_false(accounts_change_password(fixture->accounts, &admin, BYTES("wrong password"), BYTES(PASSWORD), &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_false(
        accounts_change_password(fixture->accounts, &admin, bytes_of_text(fixture->once), BYTES("short"), &err));
    assert_int_equal(err.code, ERR_INPUT);
    struct actor elsewhere = signed_in_as(fixture, "admin@example.com", fixture->once);
    assert_true(
        accounts_change_password(fixture->accounts, &admin, bytes_of_text(fixture->once), BYTES(PASSWORD), &err));
    struct user found;
    assert_true(user_find(fixture->db, elsewhere.user_id, &found, &err) && !found.must_change_password);
    admin = signed_in_as(fixture, "admin@example.com", PASSWORD);
    assert_true(access_check(fixture->db, &admin, PERMISSION_USER_MANAGE, NULL, &err));
    assert_true(access_check(fixture->db, &admin, PERMISSION_PROJECT_DELETE, &fixture->shop.id, &err));
}

static bool session_count(void *ctx, const struct user_session_row *row)
{
    assert_true(row->address.len > 0 && row->ends_unix_us > row->created_unix_us);
    ++*(uint32_t *)ctx;
    return true;
}

struct revoke {
    struct uuid user_id, session_id;
};
static bool revoke_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct revoke *revoke = ctx;
    return user_session_revoke(session, revoke->user_id, revoke->session_id, err);
}
struct statement {
    const char *sql;
};
static bool statement_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, ((const struct statement *)ctx)->sql, DB_NO_VALUES, NULL, NULL, NULL, err);
}

/* Goal: a session is found by its token until it is revoked, idle for 12 h or 7 d old; others' cannot be revoked. */
static void test_sessions(void **state)
{
    struct fixture *fixture = *state;
    struct user user = user_new(fixture, "a@example.com"), other = user_new(fixture, "b@example.com");
    struct signed_in in;
    struct actor actor;
    struct err err = { 0 };
    char csrf[USER_SESSION_CSRF_BYTES];
    uint32_t count = 0;
    assert_true(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES(PASSWORD), &here, &in, &err));
    struct bytes token = bytes_of_text(in.token);
    assert_true(user_session_is_token(token) && user_session_find(fixture->db, token, &actor, &err));
    assert_string_equal(actor.name, "a@example.com");
    user_session_csrf(token, csrf);
    assert_true(user_session_csrf_check(token, bytes_of_text(csrf)));
    csrf[3] ^= 1;
    assert_false(user_session_csrf_check(token, bytes_of_text(csrf)) || user_session_csrf_check(token, BYTES("")));
    assert_true(user_session_list(fixture->db, user.id, session_count, &count, &err) && count == 1);
    struct revoke revoke = { other.id, actor.session_id };
    assert_false(db_transaction(fixture->db, revoke_run, &revoke, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    static const char *const ends[] = { "UPDATE user_sessions SET used_unix_us = used_unix_us - 43200000000",
                                        "UPDATE user_sessions SET ends_unix_us = created_unix_us",
                                        "UPDATE users SET disabled_unix_us = 1 WHERE email = 'a@example.com'" };
    for (size_t e = 0; e < COUNT_OF(ends); e++) {
        struct statement statement = { ends[e] };
        assert_true(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES(PASSWORD), &here, &in, &err));
        assert_true(user_session_find(fixture->db, bytes_of_text(in.token), &actor, &err));
        assert_true(db_transaction(fixture->db, statement_run, &statement, &err));
        err = (struct err){ 0 };
        assert_false(user_session_find(fixture->db, bytes_of_text(in.token), &actor, &err));
        assert_int_equal(err.code, ERR_UNAUTHENTICATED);
        assert_int_equal(actor.kind, ACTOR_NOBODY);
    }
    assert_false(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES(PASSWORD), &here, &in, &err));
    actor = signed_in_as(fixture, "b@example.com", PASSWORD);
    assert_true(accounts_sign_out(fixture->accounts, &actor, &err));
    count = 0;
    assert_true(user_session_list(fixture->db, other.id, session_count, &count, &err) && count == 0);
}

/* Goal: wrong e-mails and wrong passwords hear the same, and who goes on guessing is told to wait. */
static void test_wrong_passwords(void **state)
{
    struct fixture *fixture = *state;
    struct signed_in in;
    struct err wrong = { 0 }, unknown = { 0 }, err = { 0 };
    user_new(fixture, "a@example.com");
    assert_false(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES("x"), &here, &in, &wrong));
    assert_false(accounts_sign_in(fixture->accounts, BYTES("n@example.com"), BYTES("x"), &here, &in, &unknown));
    assert_int_equal(wrong.code, ERR_UNAUTHENTICATED);
    assert_string_equal(wrong.text, unknown.text);
    assert_false(accounts_sign_in(fixture->accounts, BYTES("no e-mail"), BYTES("x"), &here, &in, &unknown));
    assert_string_equal(wrong.text, unknown.text);
    for (int t = 0; t < 4; t++)
        assert_false(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES("x"), &here, &in, &err));
    assert_false(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES(PASSWORD), &here, &in, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    const struct accounts_from there = { "192.0.2.8", "" };
    assert_true(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES(PASSWORD), &there, &in, &err));
}

struct people {
    struct uuid project_id, user_id, team_id;
    enum access_role role, team_role;
    struct team team;
};
static bool people_run(struct db_session *session, void *ctx, struct err *err)
{
    struct people *people = ctx;
    return team_create(session, BYTES("on call"), &people->team, err) &&
           team_add(session, people->team.id, people->user_id, err) &&
           team_add(session, people->team.id, people->user_id, err) &&
           member_set(session, people->project_id, MEMBER_TEAM, people->team.id, ROLE_VIEWER, err) &&
           member_set(session, people->project_id, MEMBER_TEAM, people->team.id, people->team_role, err) &&
           (people->role == ROLE_NONE ||
            member_set(session, people->project_id, MEMBER_USER, people->user_id, people->role, err)) &&
           member_role(session, people->project_id, MEMBER_TEAM, people->team.id, &people->team_role, err);
}
static bool team_away_run(struct db_session *session, void *ctx, struct err *err)
{
    return team_delete(session, ((struct people *)ctx)->team.id, err);
}

static bool member_note(void *ctx, const struct member *member)
{
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "%s%.*s:%s%s ", member->kind == MEMBER_TEAM ? "t " : "u ",
             (int)member->name.len, (const char *)member->name.ptr, role_name(member->role),
             member->is_by_oidc ? "*" : "");
    return true;
}

/* Goal: a role is the highest of one's own and one's teams'; a project without one is not there. */
static void test_roles(void **state)
{
    struct fixture *fixture = *state;
    struct user user = user_new(fixture, "a@example.com");
    struct err err = { 0 }, missing = { 0 }, foreign = { 0 };
    struct actor actor = signed_in_as(fixture, "a@example.com", PASSWORD);
    struct meta_project project;
    enum access_role role;
    char text[200] = "";
    assert_false(
        access_project(fixture->meta, fixture->db, &actor, PERMISSION_QUERY, BYTES("shop"), &project, &foreign));
    assert_false(
        access_project(fixture->meta, fixture->db, &actor, PERMISSION_QUERY, BYTES("shap"), &project, &missing));
    assert_int_equal(foreign.code, ERR_NOT_FOUND);
    assert_int_equal(missing.code, ERR_NOT_FOUND);
    assert_string_equal(foreign.text, "there is no project \"shop\"");
    assert_string_equal(missing.text, "there is no project \"shap\"");
    struct people people = { fixture->shop.id, user.id, .role = ROLE_EDITOR, .team_role = ROLE_ADMIN };
    if (!db_transaction(fixture->db, people_run, &people, &err)) fail_msg("%s", err.text);
    assert_int_equal(people.team_role, ROLE_ADMIN);
    assert_true(access_role_of(fixture->db, &actor, fixture->shop.id, &role, &err) && role == ROLE_ADMIN);
    assert_true(
        access_project(fixture->meta, fixture->db, &actor, PERMISSION_KEY_WRITE, BYTES("shop"), &project, &err));
    assert_false(access_check(fixture->db, &actor, PERMISSION_PROJECT_DELETE, &fixture->shop.id, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_true(member_list(fixture->db, fixture->shop.id, BYTES(""), 10, member_note, text, &err));
    assert_string_equal(text, "u a@example.com:editor t on call:admin ");
    assert_true(db_transaction(fixture->db, team_away_run, &people, &err));
    assert_true(access_role_of(fixture->db, &actor, fixture->shop.id, &role, &err) && role == ROLE_EDITOR);
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    return user_change(session, ctx, err);
}
static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    return user_delete(session, ((struct user *)ctx)->id, err);
}

/* Goal: the last instance admin can neither be demoted, disabled nor deleted; another one can. */
static void test_last_admin(void **state)
{
    struct fixture *fixture = *state;
    struct user admin, found;
    struct err err = { 0 };
    assert_true(user_find_by_email(fixture->db, "admin@example.com", &admin, &err));
    struct user demoted = admin, disabled = admin;
    demoted.is_instance_admin = false;
    disabled.is_disabled = true;
    assert_false(db_transaction(fixture->db, change_run, &demoted, &err) ||
                 db_transaction(fixture->db, change_run, &disabled, &err) ||
                 db_transaction(fixture->db, delete_run, &admin, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_true(user_find(fixture->db, admin.id, &found, &err) && found.is_instance_admin && !found.is_disabled);
    struct user other = user_new(fixture, "a@example.com");
    other.is_instance_admin = true;
    assert_true(db_transaction(fixture->db, change_run, &other, &err));
    assert_true(db_transaction(fixture->db, delete_run, &admin, &err));
    assert_false(user_find(fixture->db, admin.id, &found, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static enum access_role role_in(struct fixture *fixture, const struct actor *actor, struct uuid project_id)
{
    enum access_role role;
    struct err err = { 0 };
    assert_true(access_role_of(fixture->db, actor, project_id, &role, &err));
    return role;
}

/* Goal: OIDC makes a user, gives the roles of its groups, takes them away with the group, and leaves those of people. */
static void test_oidc(void **state)
{
    struct fixture *fixture = *state;
    struct signed_in in;
    struct err err = { 0 };
    const char *groups[] = { "sre", "platform", "ghosts", "cn=x" };
    struct accounts_person person = {
        "https://id.example.com", "s1", "New@Example.com", "New Person", true, groups, 4
    };
    if (!accounts_sign_in_by_oidc(fixture->accounts, &person, &here, &in, &err)) fail_msg("%s", err.text);
    struct user user;
    assert_true(user_find_by_email(fixture->db, "new@example.com", &user, &err));
    assert_true(user.is_instance_admin && !user.has_password);
    person.group_count = 1;
    assert_true(accounts_sign_in_by_oidc(fixture->accounts, &person, &here, &in, &err));
    assert_true(uuid_equal(in.actor.user_id, user.id) && !in.actor.is_instance_admin);
    assert_int_equal(role_in(fixture, &in.actor, fixture->shop.id), ROLE_EDITOR);
    assert_int_equal(role_in(fixture, &in.actor, fixture->lobby.id), ROLE_VIEWER);
    struct people people = { fixture->lobby.id, user.id, .role = ROLE_ADMIN, .team_role = ROLE_VIEWER };
    assert_true(db_transaction(fixture->db, people_run, &people, &err));
    person.group_count = 0;
    person.email = "renamed@example.com"; /* the subject is who it is */
    assert_true(accounts_sign_in_by_oidc(fixture->accounts, &person, &here, &in, &err));
    assert_true(uuid_equal(in.actor.user_id, user.id));
    assert_int_equal(role_in(fixture, &in.actor, fixture->shop.id), ROLE_NONE);
    assert_int_equal(role_in(fixture, &in.actor, fixture->lobby.id), ROLE_ADMIN);
    struct accounts_person same_email = { "https://id.example.com", "s2", "admin@example.com", "", true, NULL, 0 };
    assert_true(accounts_sign_in_by_oidc(fixture->accounts, &same_email, &here, &in, &err));
    assert_true(in.actor.is_instance_admin); /* it has a password: people made it one */
    struct accounts_person unverified = { "https://id.example.com", "s3", "x@example.com", "", false, NULL, 0 };
    assert_false(accounts_sign_in_by_oidc(fixture->accounts, &unverified, &here, &in, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    struct accounts_person nameless = { "https://id.example.com", "s4", "", "", true, NULL, 0 };
    assert_false(accounts_sign_in_by_oidc(fixture->accounts, &nameless, &here, &in, &err));
    user.is_disabled = true;
    assert_true(db_transaction(fixture->db, change_run, &user, &err));
    assert_false(accounts_sign_in_by_oidc(fixture->accounts, &person, &here, &in, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    struct accounts_rules rules;
    static const char *const bad[] = { "sre", "sre=", "sre=viewer", "sre=viewer@", "=viewer@shop", "sre=boss@shop" };
    for (size_t b = 0; b < COUNT_OF(bad); b++) assert_false(accounts_rules_read(bad[b], &rules, &err));
}

static bool audit_note(void *ctx, const struct audit_row *row)
{
    char *text = ctx;
    snprintf(text + strlen(text), 900 - strlen(text), "%s %.*s %.*s%s\n", row->actor_kind, (int)row->action.len,
             (const char *)row->action.ptr, (int)row->object.len, (const char *)row->object.ptr,
             row->is_refused ? " refused" : "");
    return true;
}

/* Goal: what happened is in the audit log, newest first, filtered; nothing can change or delete it. */
static void test_audit(void **state)
{
    struct fixture *fixture = *state;
    struct signed_in in;
    struct err err = { 0 };
    char text[900] = "";
    assert_false(accounts_sign_in(fixture->accounts, BYTES("a@example.com"), BYTES("x"), &here, &in, &err));
    struct actor admin = signed_in_as(fixture, "admin@example.com", fixture->once);
    assert_true(accounts_sign_out(fixture->accounts, &admin, &err));
    struct audit_filter filter = { .count_max = 10 };
    assert_true(audit_list(fixture->db, &filter, audit_note, text, &err));
    assert_string_equal(text, "user session.sign_out admin@example.com\nuser session.sign_in admin@example.com\n"
                              "nobody session.sign_in a@example.com refused\noperator user.create admin@example.com\n");
    struct audit_filter kinds = { .count_max = 10, .action = BYTES("user.") };
    text[0] = '\0';
    assert_true(audit_list(fixture->db, &kinds, audit_note, text, &err));
    assert_string_equal(text, "operator user.create admin@example.com\n");
    struct audit_filter of_project = { .count_max = 10, .project_id = &fixture->shop.id };
    text[0] = '\0';
    assert_true(audit_list(fixture->db, &of_project, audit_note, text, &err));
    assert_string_equal(text, "");
    struct audit_filter whose = { .count_max = 1,
                                  .actor = BYTES("admin@example.com"),
                                  .to_unix_us = clock_unix_us() + 1 };
    assert_true(audit_list(fixture->db, &whose, audit_note, text, &err));
    assert_string_equal(text, "user session.sign_out admin@example.com\n");
    static const char *const changes[] = { "UPDATE audit SET actor_name = 'x'", "DELETE FROM audit" };
    for (size_t c = 0; c < COUNT_OF(changes); c++) {
        struct statement statement = { changes[c] };
        assert_false(db_transaction(fixture->db, statement_run, &statement, &err));
        assert_int_equal(err.code, ERR_FORBIDDEN);
    }
}

/* Goal: the SQL port lets in who proves the password, into a project with a role, to write from editor on. */
static void test_sql(void **state)
{
    struct fixture *fixture = *state;
    struct user user = user_new(fixture, "a@example.com");
    struct scram_verifier verifier, nobody, again;
    struct accounts_sql sql;
    struct err err = { 0 };
    struct bytes email = BYTES("A@example.com");
    assert_true(accounts_sql_begin(fixture->accounts, email, "192.0.2.7", &verifier, &err));
    struct scram_verifier made;
    scram_verifier_make(BYTES(PASSWORD), verifier.rounds, verifier.salt, &made);
    assert_memory_equal(made.stored_key, verifier.stored_key, SHA256_BYTES);
    assert_true(accounts_sql_begin(fixture->accounts, BYTES("no@example.com"), "192.0.2.7", &nobody, &err));
    assert_true(accounts_sql_begin(fixture->accounts, BYTES("no@example.com"), "192.0.2.7", &again, &err));
    assert_memory_equal(&nobody, &again, sizeof again);
    assert_false(accounts_sql_end(fixture->accounts, email, "192.0.2.7", true, BYTES("shop"), &sql, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    struct people people = { fixture->shop.id, user.id, .role = ROLE_NONE, .team_role = ROLE_VIEWER };
    assert_true(db_transaction(fixture->db, people_run, &people, &err));
    assert_true(accounts_sql_end(fixture->accounts, email, "192.0.2.7", true, BYTES("shop"), &sql, &err));
    assert_true(uuid_equal(sql.project_id, fixture->shop.id) && !sql.can_write);
    assert_true(accounts_sql_still(fixture->accounts, &sql, &err));
    assert_false(accounts_sql_end(fixture->accounts, email, "192.0.2.7", false, BYTES("shop"), &sql, &err));
    assert_int_equal(err.code, ERR_UNAUTHENTICATED);
    assert_true(accounts_sql_end(fixture->accounts, email, "192.0.2.7", true, BYTES("shop"), &sql, &err));
    assert_true(db_transaction(fixture->db, team_away_run, &people, &err));
    assert_false(accounts_sql_still(fixture->accounts, &sql, &err));
    char once[PASSWORD_ONCE_BYTES];
    struct actor cli = actor_operator();
    assert_true(accounts_reset_password(fixture->accounts, &cli, user.id, once, &err));
    assert_true(signed_in_as(fixture, "a@example.com", once).must_change_password);
    assert_false(accounts_sql_end(fixture->accounts, email, "192.0.2.7", true, BYTES("shop"), &sql, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_first_admin, setup, teardown),     DB_BOTH(test_sessions, setup, teardown),
        DB_BOTH(test_wrong_passwords, setup, teardown), DB_BOTH(test_roles, setup, teardown),
        DB_BOTH(test_last_admin, setup, teardown),      DB_BOTH(test_oidc, setup, teardown),
        DB_BOTH(test_audit, setup, teardown),           DB_BOTH(test_sql, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
