#include "meta/user.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"
#include "meta/db.h"
#include "meta/db_rows.h"
#include "meta/saved_view.h"
#include "meta/user_session.h"
#include <ctype.h>
#include <stdlib.h>

#define USER_COLUMNS                                                                                               \
    "id, email, name, is_instance_admin, disabled_unix_us, must_change_password, CASE WHEN password_hash IS NULL " \
    "THEN 0 ELSE 1 END,"                                                                                           \
    " created_unix_us, signed_in_unix_us"

bool user_password_make(struct password_gate *gate, struct bytes password, struct user_password *made, struct err *err)
{
    uint8_t salt[SCRAM_SALT_BYTES];
    struct scram_verifier verifier;
    if (!password_hash(gate, password, made->hash, err)) return false;
    random_fill(salt, sizeof salt);
    scram_verifier_make(password, SCRAM_ROUNDS, salt, &verifier);
    scram_verifier_to_text(&verifier, made->scram);
    return true;
}

bool user_email_read(struct bytes text, char email[USER_EMAIL_BYTES], struct err *err)
{
    const uint8_t *at = text.len > 0 ? memchr(text.ptr, '@', text.len) : NULL;
    bool good = at && text.len < USER_EMAIL_BYTES && at != text.ptr && at + 1 != text.ptr + text.len &&
                memchr(at + 1, '@', (size_t)(text.ptr + text.len - at - 1)) == NULL && utf8_is_valid(text);
    for (size_t i = 0; good && i < text.len; i++) {
        uint8_t c = text.ptr[i];
        good = c > ' ' && c != 0x7F && strchr("\"'<>,;:\\()[]", c) == NULL;
        email[i] = (char)(c < 0x80 ? tolower(c) : c);
    }
    if (!good)
        return err_set(err, ERR_INPUT, "\"%.*s\" is no e-mail address", (int)(text.len < 80 ? utf8_cut(text, 80) : 80),
                       (const char *)text.ptr);
    email[text.len] = '\0';
    return true;
}

bool user_name_check(struct bytes name, struct err *err)
{
    bool good = name.len < USER_NAME_BYTES && utf8_is_valid(name);
    for (size_t i = 0; good && i < name.len; i++) good = name.ptr[i] >= ' ' && name.ptr[i] != 0x7F;
    return good || err_set(err, ERR_INPUT, "a name has at most %d bytes of UTF-8 and no control characters",
                           USER_NAME_BYTES - 1);
}

static void user_take_row(struct db_row *row, struct user *user)
{
    user->id = db_row_uuid(row, 0);
    db_row_text_copy(row, 1, user->email, sizeof user->email);
    db_row_text_copy(row, 2, user->name, sizeof user->name);
    user->is_instance_admin = db_row_boolean(row, 3);
    user->is_disabled = !db_row_is_null(row, 4);
    user->must_change_password = db_row_boolean(row, 5);
    user->has_password = db_row_boolean(row, 6);
    user->created_unix_us = db_row_integer(row, 7);
    user->signed_in_unix_us = db_row_integer(row, 8);
}

struct user_found {
    struct user *user;
    bool is_there;
};
static bool user_take(void *ctx, struct db_row *row, struct err *err)
{
    struct user_found *found = ctx;
    (void)err;
    found->is_there = true;
    user_take_row(row, found->user);
    return true;
}

static bool no_user(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such user");
}

bool user_create(struct db_session *session, struct user *user, const struct user_password *password, struct err *err)
{
    user->id = uuid_by_time();
    user->created_unix_us = clock_unix_us();
    user->signed_in_unix_us = 0;
    user->is_disabled = false;
    user->has_password = password != NULL;
    bool ok =
        db_run(session,
               "INSERT INTO users(id, email, name, is_instance_admin, password_hash, scram_verifier,"
               " must_change_password, created_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
               DB_VALUES(db_uuid(user->id), db_text(user->email), db_text(user->name),
                         db_boolean(user->is_instance_admin), password ? db_text(password->hash) : db_null(DB_TEXT),
                         password ? db_text(password->scram) : db_null(DB_TEXT), db_boolean(user->must_change_password),
                         db_integer(user->created_unix_us)),
               NULL, NULL, NULL, err);
    if (!ok && err->code == ERR_EXISTS) err_set(err, ERR_EXISTS, "there is a user \"%s\" already", user->email);
    return ok;
}

bool user_find(struct db *db, struct uuid id, struct user *user, struct err *err)
{
    struct user_found found = { user, false };
    return db_read(db, "SELECT " USER_COLUMNS " FROM users WHERE id = $1", DB_VALUES(db_uuid(id)), user_take, &found,
                   err) &&
           (found.is_there || no_user(err));
}

bool user_find_by_email(struct db *db, const char *email, struct user *user, struct err *err)
{
    struct user_found found = { user, false };
    return db_read(db, "SELECT " USER_COLUMNS " FROM users WHERE email = $1", DB_VALUES(db_text(email)), user_take,
                   &found, err) &&
           (found.is_there || no_user(err));
}

bool user_get_by_email(struct db_session *session, const char *email, struct user *user, struct err *err)
{
    struct user_found found = { user, false };
    return db_run(session, "SELECT " USER_COLUMNS " FROM users WHERE email = $1", DB_VALUES(db_text(email)), user_take,
                  &found, NULL, err) &&
           (found.is_there || no_user(err));
}

bool user_find_by_identity(struct db_session *session, const char *issuer, const char *subject, struct user *user,
                           struct err *err)
{
    struct user_found found = { user, false };
    return db_run(session,
                  "SELECT " USER_COLUMNS " FROM users WHERE id = (SELECT user_id FROM user_identities"
                  " WHERE issuer = $1 AND subject = $2)",
                  DB_VALUES(db_text(issuer), db_text(subject)), user_take, &found, NULL, err) &&
           (found.is_there || no_user(err));
}

bool user_add_identity(struct db_session *session, struct uuid id, const char *issuer, const char *subject,
                       struct err *err)
{
    return db_run(session,
                  "INSERT INTO user_identities(issuer, subject, user_id, created_unix_us) VALUES($1, $2, $3, $4)",
                  DB_VALUES(db_text(issuer), db_text(subject), db_uuid(id), db_integer(clock_unix_us())), NULL, NULL,
                  NULL, err);
}

struct listing {
    bool (*each)(void *ctx, const struct user *user);
    void *ctx;
    bool is_over;
};
static bool listing_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct user user;
    (void)err;
    user_take_row(row, &user);
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &user);
    return true;
}

bool user_list(struct db *db, struct bytes after, uint32_t count_max, bool (*each)(void *ctx, const struct user *user),
               void *ctx, struct err *err)
{
    struct listing listing = { each, ctx, false };
    return db_read(db, "SELECT " USER_COLUMNS " FROM users WHERE email > $1 ORDER BY email LIMIT $2",
                   DB_VALUES(db_text_bytes(after), db_integer(count_max)), listing_row, &listing, err);
}

bool user_count(struct db_session *session, int64_t *count, struct err *err)
{
    return db_run(session, "SELECT count(*) FROM users", DB_NO_VALUES, db_take_integer, count, NULL, err);
}

bool user_is_last_admin(struct db_session *session, struct uuid id, bool *is_last, struct err *err)
{
    int64_t others = 0;
    *is_last = false;
    if (!db_run(session,
                "SELECT count(*) FROM users WHERE is_instance_admin = 1 AND disabled_unix_us IS NULL AND id <> $1",
                DB_VALUES(db_uuid(id)), db_take_integer, &others, NULL, err))
        return false;
    *is_last = others == 0;
    return true;
}

/* After a change: nobody left to let others in would be the end of it. */
static bool admin_remains(struct db_session *session, struct err *err)
{
    int64_t count = 0;
    return db_run(session, "SELECT count(*) FROM users WHERE is_instance_admin = 1 AND disabled_unix_us IS NULL",
                  DB_NO_VALUES, db_take_integer, &count, NULL, err) &&
           (count > 0 || err_set(err, ERR_EXISTS, "this is the last instance admin: make another one first"));
}

bool user_change(struct db_session *session, const struct user *user, struct err *err)
{
    int64_t changed = 0;
    return db_run(session,
                  "UPDATE users SET name = $2, is_instance_admin = $3, disabled_unix_us ="
                  " CASE WHEN $4 = 0 THEN NULL ELSE coalesce(disabled_unix_us, $5) END WHERE id = $1",
                  DB_VALUES(db_uuid(user->id), db_text(user->name), db_boolean(user->is_instance_admin),
                            db_boolean(user->is_disabled), db_integer(clock_unix_us())),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || no_user(err)) && admin_remains(session, err) &&
           (!user->is_disabled || user_session_revoke_all(session, user->id, NULL, err));
}

bool user_delete(struct db_session *session, struct uuid id, struct err *err)
{
    int64_t changed = 0;
    return saved_view_forget(session, id, err) &&
           db_run(session, "DELETE FROM users WHERE id = $1", DB_VALUES(db_uuid(id)), NULL, NULL, &changed, err) &&
           (changed == 1 || no_user(err)) && admin_remains(session, err);
}

bool user_set_password(struct db_session *session, struct uuid id, const struct user_password *password,
                       bool must_change, struct err *err)
{
    int64_t changed = 0;
    return db_run(session,
                  "UPDATE users SET password_hash = $2, scram_verifier = $3, must_change_password = $4 WHERE id = $1",
                  DB_VALUES(db_uuid(id), db_text(password->hash), db_text(password->scram), db_boolean(must_change)),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || no_user(err));
}

bool user_signed_in(struct db_session *session, struct uuid id, struct err *err)
{
    return db_run(session, "UPDATE users SET signed_in_unix_us = $2 WHERE id = $1",
                  DB_VALUES(db_uuid(id), db_integer(clock_unix_us())), NULL, NULL, NULL, err);
}

struct password_found {
    struct uuid *id;
    struct user_password *password;
};
static bool password_take(void *ctx, struct db_row *row, struct err *err)
{
    struct password_found *found = ctx;
    (void)err;
    *found->id = db_row_uuid(row, 0);
    db_row_text_copy(row, 1, found->password->hash, sizeof found->password->hash);
    db_row_text_copy(row, 2, found->password->scram, sizeof found->password->scram);
    return true;
}

bool user_password_of(struct db *db, const char *email, struct uuid *id, struct user_password *password,
                      struct err *err)
{
    struct password_found found = { id, password };
    memset(id, 0, sizeof *id);
    password->hash[0] = password->scram[0] = '\0';
    return db_read(db,
                   "SELECT id, password_hash, scram_verifier FROM users WHERE email = $1 AND password_hash IS NOT NULL"
                   " AND disabled_unix_us IS NULL",
                   DB_VALUES(db_text(email)), password_take, &found, err);
}
