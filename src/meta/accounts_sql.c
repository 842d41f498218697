#include "meta/accounts_inside.h"
#include "meta/meta.h"
#include <stdio.h>

bool accounts_sql_begin(struct accounts *accounts, struct bytes email, const char *address,
                        struct scram_verifier *verifier, struct err *err)
{
    char text[USER_EMAIL_BYTES];
    struct user_password kept = { 0 };
    struct uuid id;
    struct err no_email = { 0 };
    bool has_email = user_email_read(email, text, &no_email);
    if (!has_email) strcpy(text, "?");
    if (!accounts_may_try(accounts, bytes_of_text(text), address, err) ||
        (has_email && !user_password_of(accounts->db, text, &id, &kept, err)))
        return false;
    if (kept.scram[0]) return scram_verifier_from_text(bytes_of_text(kept.scram), verifier, err);
    scram_verifier_of_nobody(bytes_from(accounts->nobody, sizeof accounts->nobody), email, verifier);
    return true;
}

static bool user_actor(struct accounts *accounts, struct uuid id, struct actor *actor, struct err *err)
{
    struct user user;
    struct err why = { 0 };
    if (!user_find(accounts->db, id, &user, &why) || user.is_disabled) {
        if (why.code != ERR_OK && why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        return err_set(err, ERR_UNAUTHENTICATED, "this user may not sign in any more");
    }
    *actor = (struct actor){ .kind = ACTOR_USER,
                             .user_id = user.id,
                             .is_instance_admin = user.is_instance_admin,
                             .must_change_password = user.must_change_password };
    snprintf(actor->name, sizeof actor->name, "%s", user.email);
    return true;
}

struct sql_entry {
    const struct actor *actor;
    const struct accounts_sql *sql;
};
static bool sql_entry_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct sql_entry *entry = ctx;
    return user_signed_in(session, entry->actor->user_id, err) &&
           audit_write(session, entry->actor,
                       &(struct audit_event){ .action = "session.sign_in",
                                              .object_kind = "user",
                                              .object = entry->actor->name,
                                              .project_id = &entry->sql->project_id,
                                              .details = BYTES("{\"method\":\"sql\"}") },
                       err);
}

static bool may_write(struct accounts *accounts, const struct actor *actor, struct uuid project_id, bool *can_write,
                      struct err *err)
{
    struct err no = { 0 };
    *can_write = access_check(accounts->db, actor, PERMISSION_DATA_WRITE, &project_id, &no);
    if (*can_write || no.code == ERR_FORBIDDEN || no.code == ERR_NOT_FOUND) return true;
    *err = no;
    return false;
}

bool accounts_sql_end(struct accounts *accounts, struct bytes email, const char *address, bool is_right,
                      struct bytes database, struct accounts_sql *sql, struct err *err)
{
    char text[USER_EMAIL_BYTES];
    struct user_password kept;
    struct actor actor;
    struct meta_project project;
    struct err no_email = { 0 };
    memset(sql, 0, sizeof *sql);
    if (!user_email_read(email, text, &no_email)) strcpy(text, "?");
    accounts_tried(accounts, bytes_of_text(text), address, is_right);
    if (!is_right) {
        accounts_refused(accounts, text, address, "sql", "wrong e-mail or password");
        return err_set(err, ERR_UNAUTHENTICATED, "password authentication failed for user \"%s\"", text);
    }
    if (!user_password_of(accounts->db, text, &sql->user_id, &kept, err) ||
        !user_actor(accounts, sql->user_id, &actor, err))
        return false;
    snprintf(actor.address, sizeof actor.address, "%s", address ? address : "");
    if (!access_project(accounts->meta, accounts->db, &actor, PERMISSION_QUERY, database, &project, err)) {
        if (err->code == ERR_NOT_FOUND)
            err_set(err, ERR_NOT_FOUND,
                    "there is no project \"%.*s\": the database of a user's connection is a project",
                    (int)(database.len < 64 ? database.len : 64), (const char *)database.ptr);
        accounts_refused(accounts, text, address, "sql",
                         err->code == ERR_NOT_FOUND ? "no such project" : "not allowed");
        return false;
    }
    sql->project_id = project.id;
    struct sql_entry entry = { &actor, sql };
    if (!may_write(accounts, &actor, project.id, &sql->can_write, err) ||
        !db_transaction_adding(accounts->db, sql_entry_run, &entry, err))
        return false;
    atomic_fetch_add(&accounts->counters.signed_in, 1);
    return true;
}

bool accounts_sql_still(struct accounts *accounts, const struct accounts_sql *sql, struct err *err)
{
    struct actor actor;
    return user_actor(accounts, sql->user_id, &actor, err) &&
           access_check(accounts->db, &actor, PERMISSION_QUERY, &sql->project_id, err);
}
