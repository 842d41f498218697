#include "meta/user_session.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "meta/db.h"
#include <stdlib.h>

#define SECOND_US  1000000ll
#define IDLE_US    (12 * 3600 * SECOND_US)
#define AGE_US     (7 * 24 * 3600 * SECOND_US)
#define NOTE_US    (60 * SECOND_US) /* how often it is written down that a session is used */
#define AGENT_MAX  200
#define DIGITS_LEN 43 /* of 32 bytes in base64url */

/* base64url of 32 bytes, without padding. */
static void digits_put(const uint8_t bytes[32], char *text)
{
    uint8_t *end = base64_put((uint8_t *)text, bytes_from(bytes, 32), false);
    *end = '\0';
    for (char *c = text; *c; c++) *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
}

bool user_session_is_token(struct bytes token)
{
    const size_t prefix_len = sizeof USER_SESSION_PREFIX - 1;
    return token.len == prefix_len + DIGITS_LEN && memcmp(token.ptr, USER_SESSION_PREFIX, prefix_len) == 0;
}

void user_session_csrf(struct bytes token, char csrf[USER_SESSION_CSRF_BYTES])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(token, BYTES("csrf"), mac);
    digits_put(mac, csrf);
}

bool user_session_csrf_check(struct bytes token, struct bytes csrf)
{
    char expected[USER_SESSION_CSRF_BYTES];
    user_session_csrf(token, expected);
    return bytes_equal_secret(csrf, bytes_from(expected, DIGITS_LEN));
}

static bool ended(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "this session has ended: sign in again");
}

struct session_found {
    struct actor *actor;
    int64_t used_unix_us, ends_unix_us;
    bool is_there;
};
static bool session_take(void *ctx, struct db_row *row, struct err *err)
{
    struct session_found *found = ctx;
    struct actor *actor = found->actor;
    (void)err;
    found->is_there = true;
    actor->kind = ACTOR_USER;
    actor->session_id = db_row_uuid(row, 0);
    actor->user_id = db_row_uuid(row, 1);
    found->used_unix_us = db_row_integer(row, 2);
    found->ends_unix_us = db_row_integer(row, 3);
    db_row_text_copy(row, 4, actor->name, sizeof actor->name);
    actor->is_instance_admin = db_row_boolean(row, 5);
    actor->must_change_password = db_row_boolean(row, 6);
    return true;
}

struct session_use {
    struct uuid id;
    int64_t now_unix_us;
};
static bool use_note(struct db_session *session, void *ctx, struct err *err)
{
    const struct session_use *use = ctx;
    return db_run(session, "UPDATE user_sessions SET used_unix_us = $2 WHERE id = $1 AND used_unix_us < $2",
                  DB_VALUES(db_uuid(use->id), db_integer(use->now_unix_us)), NULL, NULL, NULL, err);
}

bool user_session_find(struct db *db, struct bytes token, struct actor *actor, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    struct session_found found = { .actor = actor };
    struct err ignored = { 0 };
    *actor = (struct actor){ .kind = ACTOR_NOBODY };
    if (!user_session_is_token(token)) return ended(err);
    sha256_of(token, digest);
    if (!db_read(db,
                 "SELECT s.id, s.user_id, s.used_unix_us, s.ends_unix_us, u.email, u.is_instance_admin,"
                 " u.must_change_password FROM user_sessions s JOIN users u ON u.id = s.user_id"
                 " WHERE s.token_sha256 = $1 AND u.disabled_unix_us IS NULL",
                 DB_VALUES(db_bytes(bytes_from(digest, sizeof digest))), session_take, &found, err)) {
        *actor = (struct actor){ .kind = ACTOR_NOBODY };
        return false;
    }
    int64_t now_us = clock_unix_us();
    if (!found.is_there || now_us >= found.ends_unix_us || now_us - found.used_unix_us >= IDLE_US) {
        *actor = (struct actor){ .kind = ACTOR_NOBODY };
        return ended(err);
    }
    if (now_us - found.used_unix_us >= NOTE_US) {
        struct session_use use = { actor->session_id, now_us };
        (void)!db_transaction(db, use_note, &use, &ignored); /* the next request writes it down */
    }
    return true;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

bool user_session_create(struct db_session *session, struct uuid user_id, const struct user_session_origin *origin,
                         char token[USER_SESSION_TOKEN_BYTES], struct uuid *session_id, struct err *err)
{
    uint8_t secret[32], digest[SHA256_BYTES];
    int64_t now_us = clock_unix_us();
    static_assert(sizeof USER_SESSION_PREFIX - 1 + DIGITS_LEN + 1 <= USER_SESSION_TOKEN_BYTES, "it fits");
    static_assert(DIGITS_LEN + 1 <= USER_SESSION_CSRF_BYTES, "it fits");
    random_fill(secret, sizeof secret);
    strcpy(token, USER_SESSION_PREFIX);
    digits_put(secret, token + sizeof USER_SESSION_PREFIX - 1);
    sha256_of(bytes_of_text(token), digest);
    *session_id = uuid_random();
    struct bytes agent = bytes_of_text(or_empty(origin->agent));
    if (!utf8_is_valid(agent)) agent = BYTES("?");
    agent.len = agent.len > AGENT_MAX ? utf8_cut(agent, AGENT_MAX) : agent.len;
    return db_run(session, "DELETE FROM user_sessions WHERE ends_unix_us < $1", DB_VALUES(db_integer(now_us)), NULL,
                  NULL, NULL, err) &&
           db_run(session,
                  "INSERT INTO user_sessions(id, user_id, token_sha256, method, address, agent, created_unix_us,"
                  " used_unix_us, ends_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $7, $8)",
                  DB_VALUES(db_uuid(*session_id), db_uuid(user_id), db_bytes(bytes_from(digest, sizeof digest)),
                            db_text(origin->method), db_text(or_empty(origin->address)), db_text_bytes(agent),
                            db_integer(now_us), db_integer(now_us + AGE_US)),
                  NULL, NULL, NULL, err);
}

struct listing {
    bool (*each)(void *ctx, const struct user_session_row *row);
    void *ctx;
    bool is_over;
};
static bool listing_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    (void)err;
    struct user_session_row found = { .id = db_row_uuid(row, 0),
                                      .created_unix_us = db_row_integer(row, 1),
                                      .used_unix_us = db_row_integer(row, 2),
                                      .ends_unix_us = db_row_integer(row, 3),
                                      .address = db_row_text(row, 4),
                                      .agent = db_row_text(row, 5),
                                      .method = db_row_text(row, 6) };
    if (found.used_unix_us + IDLE_US < found.ends_unix_us) found.ends_unix_us = found.used_unix_us + IDLE_US;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &found);
    return true;
}

bool user_session_list(struct db *db, struct uuid user_id, bool (*each)(void *ctx, const struct user_session_row *row),
                       void *ctx, struct err *err)
{
    struct listing listing = { each, ctx, false };
    int64_t now_us = clock_unix_us();
    return db_read(db,
                   "SELECT id, created_unix_us, used_unix_us, ends_unix_us, address, agent, method FROM user_sessions"
                   " WHERE user_id = $1 AND ends_unix_us > $2 AND used_unix_us > $3"
                   " ORDER BY created_unix_us DESC, id LIMIT 1000",
                   DB_VALUES(db_uuid(user_id), db_integer(now_us), db_integer(now_us - IDLE_US)), listing_row, &listing,
                   err);
}

bool user_session_revoke(struct db_session *session, struct uuid user_id, struct uuid session_id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM user_sessions WHERE id = $1 AND user_id = $2",
                  DB_VALUES(db_uuid(session_id), db_uuid(user_id)), NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such session"));
}

bool user_session_revoke_all(struct db_session *session, struct uuid user_id, const struct uuid *keep, struct err *err)
{
    const struct uuid none = { 0 };
    return db_run(session, "DELETE FROM user_sessions WHERE user_id = $1 AND id <> $2",
                  DB_VALUES(db_uuid(user_id), db_uuid(keep ? *keep : none)), NULL, NULL, NULL, err);
}
