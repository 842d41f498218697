#include "base/clock.h"
#include "base/utf8.h"
#include "meta/accounts_inside.h"
#include "meta/db_rows.h"
#include <stdio.h>
#include <stdlib.h>

bool accounts_open(struct accounts **out, const struct accounts_options *options, struct err *err)
{
    struct accounts *accounts = mem_calloc(1, sizeof *accounts);
    *out = NULL;
    *accounts = (struct accounts){ .db = options->db, .meta = options->meta, .log = options->log };
    if (!accounts_rules_read(options->oidc_roles ? options->oidc_roles : "", &accounts->rules, err) ||
        !secret_find(options->db, "scram of nobody", accounts->nobody, err)) {
        accounts_rules_deinit(&accounts->rules);
        free(accounts);
        return false;
    }
    accounts->gate = password_gate_create();
    accounts->throttle = throttle_create();
    *out = accounts;
    return true;
}

void accounts_close(struct accounts *accounts)
{
    if (!accounts) return;
    password_gate_destroy(accounts->gate);
    throttle_destroy(accounts->throttle);
    accounts_rules_deinit(&accounts->rules);
    free(accounts);
}

struct db *accounts_db(const struct accounts *accounts)
{
    return accounts->db;
}

struct password_gate *accounts_gate(const struct accounts *accounts)
{
    return accounts->gate;
}

struct accounts_counters *accounts_counters(struct accounts *accounts)
{
    return &accounts->counters;
}

/* -- the first admin --------------------------------------------------------------------------------------------- */

struct beginning {
    const char *email;
    const struct user_password *password;
    bool is_first;
};
static bool beginning_run(struct db_session *session, void *ctx, struct err *err)
{
    struct beginning *beginning = ctx;
    struct user user = { .is_instance_admin = true, .must_change_password = true };
    struct actor nobody = { .kind = ACTOR_OPERATOR, .name = "first start" };
    int64_t count = 0;
    beginning->is_first = false;
    /* Two processes that start at once on an empty database: one of them makes the admin. */
    if (!db_lock(session, "first admin", err) || !user_count(session, &count, err)) return false;
    if (count > 0) return true;
    snprintf(user.email, sizeof user.email, "%s", beginning->email);
    snprintf(user.name, sizeof user.name, "first admin");
    beginning->is_first = true;
    return user_create(session, &user, beginning->password, err) &&
           audit_write(session, &nobody,
                       &(struct audit_event){ .action = "user.create",
                                              .object_kind = "user",
                                              .object = user.email,
                                              .details = BYTES("{\"is_instance_admin\":true}") },
                       err);
}

bool accounts_begin(struct accounts *accounts, const char *email, char password[PASSWORD_ONCE_BYTES], struct err *err)
{
    char address[USER_EMAIL_BYTES];
    struct user_password made;
    struct beginning beginning = { .email = address, .password = &made };
    int64_t count = 0;
    password[0] = '\0';
    if (!user_email_read(bytes_of_text(email), address, err)) return err_within(err, "--admin-email");
    if (!db_read(accounts->db, "SELECT count(*) FROM users", DB_NO_VALUES, db_take_integer, &count, err)) return false;
    if (count > 0) return true;
    char once[PASSWORD_ONCE_BYTES];
    password_once(once);
    if (!user_password_make(accounts->gate, bytes_of_text(once), &made, err) ||
        !db_transaction(accounts->db, beginning_run, &beginning, err))
        return false;
    if (beginning.is_first) memcpy(password, once, sizeof once);
    return true;
}

/* -- tries ------------------------------------------------------------------------------------------------------- */

/* Of an IPv6 address the network, of which one household has all addresses. */
static struct bytes network_of(const char *address)
{
    struct bytes text = bytes_of_text(address ? address : "");
    uint32_t colons = 0;
    for (size_t i = 0; i < text.len; i++) {
        colons += text.ptr[i] == ':';
        if (colons == 4) return bytes_from(text.ptr, i);
    }
    return text;
}

bool accounts_may_try(struct accounts *accounts, struct bytes email, const char *address, struct err *err)
{
    if (throttle_check(accounts->throttle, email, network_of(address), clock_mono_ns(), err)) return true;
    atomic_fetch_add(&accounts->counters.throttled, 1);
    return false;
}

void accounts_tried(struct accounts *accounts, struct bytes email, const char *address, bool is_right)
{
    throttle_note(accounts->throttle, email, network_of(address), is_right, clock_mono_ns());
    if (!is_right) atomic_fetch_add(&accounts->counters.refused, 1);
}

void accounts_refused(struct accounts *accounts, const char *email, const char *address, const char *method,
                      const char *why)
{
    struct actor actor = { .kind = ACTOR_NOBODY };
    struct err err = { 0 };
    char details[128];
    snprintf(actor.name, sizeof actor.name, "%s", email);
    snprintf(actor.address, sizeof actor.address, "%s", address ? address : "");
    int len = snprintf(details, sizeof details, "{\"method\":\"%s\",\"why\":\"%s\"}", method, why);
    assert(len > 0 && (size_t)len < sizeof details);
    struct audit_event event = { .action = "session.sign_in",
                                 .object_kind = "user",
                                 .object = email,
                                 .is_refused = true,
                                 .details = bytes_from(details, (size_t)len) };
    if (!audit_write_alone(accounts->db, &actor, &event, &err))
        log_warn(accounts->log, "accounts.audit_failed", log_text("action", event.action), log_text("err", err.text));
}

bool accounts_let_in(struct accounts *accounts, struct db_session *session, const struct user *user,
                     const struct accounts_from *from, const char *method, struct signed_in *signed_in, struct err *err)
{
    struct actor *actor = &signed_in->actor;
    char details[64];
    (void)accounts;
    *actor = (struct actor){ .kind = ACTOR_USER,
                             .user_id = user->id,
                             .is_instance_admin = user->is_instance_admin,
                             .must_change_password = user->must_change_password };
    snprintf(actor->name, sizeof actor->name, "%s", user->email);
    snprintf(actor->address, sizeof actor->address, "%s", from->address ? from->address : "");
    int len = snprintf(details, sizeof details, "{\"method\":\"%s\"}", method);
    struct user_session_origin origin = { from->address, from->agent, method };
    return user_session_create(session, user->id, &origin, signed_in->token, &actor->session_id, err) &&
           user_signed_in(session, user->id, err) &&
           audit_write(session, actor,
                       &(struct audit_event){ .action = "session.sign_in",
                                              .object_kind = "user",
                                              .object = user->email,
                                              .details = bytes_from(details, (size_t)len) },
                       err);
}

/* -- by password ------------------------------------------------------------------------------------------------- */

struct entry {
    struct accounts *accounts;
    const struct user *user;
    const struct accounts_from *from;
    struct signed_in *signed_in;
};
static bool entry_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct entry *entry = ctx;
    return accounts_let_in(entry->accounts, session, entry->user, entry->from, "password", entry->signed_in, err);
}

static bool refuse(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "this e-mail and this password do not go together");
}

bool accounts_sign_in(struct accounts *accounts, struct bytes email, struct bytes password,
                      const struct accounts_from *from, struct signed_in *signed_in, struct err *err)
{
    char address[USER_EMAIL_BYTES];
    struct user_password kept = { 0 };
    struct user user;
    struct uuid id;
    struct err no_email = { 0 };
    bool is_right, has_email = user_email_read(email, address, &no_email);
    memset(signed_in, 0, sizeof *signed_in);
    if (!has_email) strcpy(address, "?");
    if (!accounts_may_try(accounts, bytes_of_text(address), from->address, err)) return false;
    if (has_email && !user_password_of(accounts->db, address, &id, &kept, err)) return false;
    if (!password_verify(accounts->gate, kept.hash[0] ? kept.hash : NULL, password, &is_right, err)) return false;
    accounts_tried(accounts, bytes_of_text(address), from->address, is_right);
    if (!is_right) {
        accounts_refused(accounts, address, from->address, "password", "wrong e-mail or password");
        return refuse(err);
    }
    if (!user_find(accounts->db, id, &user, err)) return false;
    struct entry entry = { accounts, &user, from, signed_in };
    if (user.is_disabled) return refuse(err);
    if (!db_transaction(accounts->db, entry_run, &entry, err)) return false;
    atomic_fetch_add(&accounts->counters.signed_in, 1);
    return true;
}

static bool sign_out_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct actor *actor = ctx;
    return user_session_revoke(session, actor->user_id, actor->session_id, err) &&
           audit_write(session, actor,
                       &(struct audit_event){
                           .action = "session.sign_out", .object_kind = "user", .object = actor->name },
                       err);
}

bool accounts_sign_out(struct accounts *accounts, const struct actor *actor, struct err *err)
{
    struct actor copy = *actor;
    assert(actor->kind == ACTOR_USER);
    return db_transaction(accounts->db, sign_out_run, &copy, err);
}

struct password_change {
    const struct actor *actor;
    struct uuid user_id;
    const char *email;
    const struct user_password *made;
    bool must_change;
};
static bool password_change_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct password_change *change = ctx;
    bool is_own = !change->must_change;
    return user_set_password(session, change->user_id, change->made, change->must_change, err) &&
           user_session_revoke_all(session, change->user_id, is_own ? &change->actor->session_id : NULL, err) &&
           audit_write(session, change->actor,
                       &(struct audit_event){ .action = is_own ? "user.change_password" : "user.reset_password",
                                              .object_kind = "user",
                                              .object = change->email },
                       err);
}

bool accounts_change_password(struct accounts *accounts, const struct actor *actor, struct bytes current,
                              struct bytes wanted, struct err *err)
{
    struct user_password kept, made;
    struct uuid id;
    bool is_right;
    assert(actor->kind == ACTOR_USER);
    if (!accounts_may_try(accounts, bytes_of_text(actor->name), actor->address, err) ||
        !user_password_of(accounts->db, actor->name, &id, &kept, err))
        return false;
    if (kept.hash[0] == '\0')
        return err_set(err, ERR_FORBIDDEN, "you sign in without a password; an instance admin can give you one");
    if (!password_verify(accounts->gate, kept.hash, current, &is_right, err)) return false;
    accounts_tried(accounts, bytes_of_text(actor->name), actor->address, is_right);
    if (!is_right) return err_set(err, ERR_FORBIDDEN, "the current password is another one");
    if (bytes_equal(current, wanted)) return err_set(err, ERR_INPUT, "the new password is the old one");
    if (!password_check(wanted, actor->name, err) || !user_password_make(accounts->gate, wanted, &made, err))
        return false;
    struct password_change change = { actor, actor->user_id, actor->name, &made, false };
    return db_transaction(accounts->db, password_change_run, &change, err);
}

bool accounts_reset_password(struct accounts *accounts, const struct actor *by, struct uuid user_id,
                             char password[PASSWORD_ONCE_BYTES], struct err *err)
{
    struct user_password made;
    struct user user;
    password_once(password);
    if (!user_find(accounts->db, user_id, &user, err) ||
        !user_password_make(accounts->gate, bytes_from(password, strlen(password)), &made, err))
        return false;
    struct password_change change = { by, user_id, user.email, &made, true };
    return db_transaction(accounts->db, password_change_run, &change, err);
}
