#include "app/user.h"
#include "app/beside.h"
#include "meta/accounts.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/user.h"
#include <stdio.h>

static int usage(void)
{
    fprintf(stderr,
            "usage: monoscope user list\n"
            "       monoscope user create EMAIL [--admin]   prints a password for one sign-in\n"
            "       monoscope user password EMAIL           a new one; ends all of the user's sessions\n"
            "       monoscope user admin EMAIL              makes an instance admin of who is there, and enables it\n"
            "       all with [--data FOLDER] or [--database URL]\n");
    return 2;
}

static bool user_print(void *ctx, const struct user *user)
{
    char id[UUID_TEXT_BYTES + 1];
    (void)ctx;
    uuid_to_text(user->id, id);
    printf("%s  %s%s%s%s\n", id, user->email, user->is_instance_admin ? "  instance admin" : "",
           user->is_disabled ? "  disabled" : "", user->has_password ? "" : "  without a password");
    return true;
}

static bool list(struct db *db, struct err *err)
{
    return user_list(db, BYTES(""), 100000, user_print, NULL, err);
}

struct change {
    struct user user;
    const struct user_password *password; /* of a new one */
};
static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct change *change = ctx;
    struct actor operator_actor = actor_operator();
    struct audit_event event = { .action = "user.create", .object_kind = "user", .object = change->user.email };
    return user_create(session, &change->user, change->password, err) &&
           audit_write(session, &operator_actor, &event, err);
}
static bool admin_run(struct db_session *session, void *ctx, struct err *err)
{
    struct change *change = ctx;
    struct actor operator_actor = actor_operator();
    struct audit_event event = { .action = "user.change",
                                 .object_kind = "user",
                                 .object = change->user.email,
                                 .details = BYTES("{\"is_instance_admin\":true,\"is_disabled\":false}") };
    return user_change(session, &change->user, err) && audit_write(session, &operator_actor, &event, err);
}

static bool create(struct accounts *accounts, const char *email, bool is_admin, struct err *err)
{
    struct user_password password;
    struct change change = { .user = { .is_instance_admin = is_admin, .must_change_password = true },
                             .password = &password };
    char once[PASSWORD_ONCE_BYTES];
    password_once(once);
    if (!user_email_read(bytes_of_text(email), change.user.email, err) ||
        !user_password_make(accounts_gate(accounts), bytes_of_text(once), &password, err) ||
        !db_transaction(accounts_db(accounts), create_run, &change, err))
        return false;
    printf("user      %s\npassword  %s   (for one sign-in; shown once)\n", change.user.email, once);
    return true;
}

static bool find(struct accounts *accounts, const char *email, struct user *user, struct err *err)
{
    char text[USER_EMAIL_BYTES];
    return user_email_read(bytes_of_text(email), text, err) &&
           user_find_by_email(accounts_db(accounts), text, user, err);
}

static bool password(struct accounts *accounts, const char *email, struct err *err)
{
    struct user user;
    struct actor operator_actor = actor_operator();
    char once[PASSWORD_ONCE_BYTES];
    if (!find(accounts, email, &user, err) || !accounts_reset_password(accounts, &operator_actor, user.id, once, err))
        return false;
    printf("user      %s\npassword  %s   (for one sign-in; shown once)\n", user.email, once);
    return true;
}

static bool admin(struct accounts *accounts, const char *email, struct err *err)
{
    struct change change = { 0 };
    if (!find(accounts, email, &change.user, err)) return false;
    change.user.is_instance_admin = true;
    change.user.is_disabled = false;
    return db_transaction(accounts_db(accounts), admin_run, &change, err) && user_print(NULL, &change.user);
}

/* user list | create EMAIL [--admin] | password EMAIL | admin EMAIL */
int user_command(int argc, char **argv)
{
    const char *command = argc > 0 ? argv[0] : "";
    bool lists = strcmp(command, "list") == 0, creates = strcmp(command, "create") == 0;
    bool resets = strcmp(command, "password") == 0, promotes = strcmp(command, "admin") == 0;
    int used = lists ? 1 : 2;
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_WARN };
    struct err err = { 0 };
    struct meta *meta;
    struct accounts *accounts = NULL;
    if (argc < used || (!lists && !creates && !resets && !promotes)) return usage();
    bool is_admin = creates && argc > used && strcmp(argv[used], "--admin") == 0;
    const char *email = lists ? "" : argv[1];
    used += is_admin;
    if (!config_read(&config, argc - used, argv + used, &err) || !beside_meta_open(&meta, &config, &log, &err))
        return beside_fail(&err);
    struct accounts_options options = { .db = meta_db(meta), .meta = meta, .log = &log };
    bool ok = accounts_open(&accounts, &options, &err) && (lists      ? list(accounts_db(accounts), &err)
                                                           : creates  ? create(accounts, email, is_admin, &err)
                                                           : promotes ? admin(accounts, email, &err)
                                                                      : password(accounts, email, &err));
    accounts_close(accounts);
    meta_close(meta);
    return ok ? 0 : beside_fail(&err);
}
