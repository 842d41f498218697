#include "meta/share.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/sha256.h"
#include "meta/db.h"
#include "meta/db_rows.h"
#include <stdlib.h>

#define DIGITS_LEN 43 /* of 32 bytes in base64url */
#define SHARE_COLUMNS                                                                                 \
    "s.id, s.project_id, s.owner_id, s.owner_name, s.title, s.address, s.from_unix_us, s.to_unix_us," \
    " s.created_unix_us, s.expires_unix_us"

bool share_is_token(struct bytes token)
{
    const size_t prefix_len = sizeof SHARE_PREFIX - 1;
    return token.len == prefix_len + DIGITS_LEN && memcmp(token.ptr, SHARE_PREFIX, prefix_len) == 0;
}

static void token_make(char token[SHARE_TOKEN_BYTES])
{
    uint8_t bytes[32];
    static_assert(sizeof SHARE_PREFIX - 1 + DIGITS_LEN + 1 <= SHARE_TOKEN_BYTES, "it fits");
    random_fill(bytes, sizeof bytes);
    strcpy(token, SHARE_PREFIX);
    char *at = token + sizeof SHARE_PREFIX - 1;
    *base64_put((uint8_t *)at, bytes_from(bytes, sizeof bytes), false) = '\0';
    for (; *at; at++) *at = (char)(*at == '+' ? '-' : *at == '/' ? '_' : *at);
}

static bool is_off(struct err *err)
{
    return err_set(err, ERR_FORBIDDEN, "links are switched off in this project");
}

bool share_insert(struct db_session *session, const uint8_t secret[SECRET_BYTES], struct share *share,
                  char token[SHARE_TOKEN_BYTES], struct err *err)
{
    const struct uuid none = { 0 };
    uint8_t mac[SHA256_BYTES];
    int64_t count = 0, refusals = 0, now_us = clock_unix_us();
    if (!db_run(session, "DELETE FROM share_links WHERE expires_unix_us < $1", DB_VALUES(db_integer(now_us)), NULL,
                NULL, NULL, err) ||
        !db_run(session, "SELECT count(*) FROM share_refusals WHERE project_id = $1",
                DB_VALUES(db_uuid(share->project_id)), db_take_integer, &refusals, NULL, err) ||
        !db_run(session, "SELECT count(*) FROM share_links WHERE project_id = $1",
                DB_VALUES(db_uuid(share->project_id)), db_take_integer, &count, NULL, err))
        return false;
    if (refusals > 0) return is_off(err);
    if (count >= SHARES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project has at most %d links at a time: revoke some", SHARES_MAX);
    token_make(token);
    hmac_sha256(bytes_from(secret, SECRET_BYTES), bytes_of_text(token), mac);
    share->id = uuid_random();
    share->created_unix_us = now_us;
    return db_run(session,
                  "INSERT INTO share_links(id, project_id, token_hmac, owner_id, owner_name, title, address,"
                  " from_unix_us, to_unix_us, created_unix_us, expires_unix_us)"
                  " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                  DB_VALUES(db_uuid(share->id), db_uuid(share->project_id), db_bytes(bytes_from(mac, sizeof mac)),
                            uuid_equal(share->owner_id, none) ? db_null(DB_UUID) : db_uuid(share->owner_id),
                            db_text(share->owner_name), db_text(share->title), db_text(share->address),
                            db_integer(share->from_unix_us), db_integer(share->to_unix_us),
                            db_integer(share->created_unix_us), db_integer(share->expires_unix_us)),
                  NULL, NULL, NULL, err);
}

struct taking {
    struct share share;
    bool is_there, is_maker_admin, is_maker_disabled, is_refused;
    bool (*each)(void *ctx, const struct share *share);
    void *ctx;
    bool is_over;
};
static bool share_take(void *ctx, struct db_row *row, struct err *err)
{
    struct taking *taking = ctx;
    struct share *share = &taking->share;
    (void)err;
    taking->is_there = true;
    share->id = db_row_uuid(row, 0);
    share->project_id = db_row_uuid(row, 1);
    share->owner_id = db_row_uuid(row, 2);
    db_row_text_copy(row, 3, share->owner_name, sizeof share->owner_name);
    db_row_text_copy(row, 4, share->title, sizeof share->title);
    db_row_text_copy(row, 5, share->address, sizeof share->address);
    share->from_unix_us = db_row_integer(row, 6);
    share->to_unix_us = db_row_integer(row, 7);
    share->created_unix_us = db_row_integer(row, 8);
    share->expires_unix_us = db_row_integer(row, 9);
    if (taking->each && !taking->is_over && !row->is_bad) taking->is_over = !taking->each(taking->ctx, share);
    return true;
}

static bool found_take(void *ctx, struct db_row *row, struct err *err)
{
    struct taking *taking = ctx;
    taking->is_maker_admin = db_row_boolean(row, 10);
    taking->is_maker_disabled = db_row_boolean(row, 11);
    taking->is_refused = db_row_boolean(row, 12);
    return share_take(ctx, row, err);
}

static bool ended(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "this link has ended: it expired, was revoked, or is not whole");
}

/* What the one who made it may not share any more is not shared. */
static bool maker_may(struct db *db, const struct taking *taking, struct err *err)
{
    const struct uuid none = { 0 };
    const struct share *share = &taking->share;
    enum access_role role;
    struct actor maker = { .kind = ACTOR_USER,
                           .user_id = share->owner_id,
                           .is_instance_admin = taking->is_maker_admin };
    if (uuid_equal(share->owner_id, none)) return true; /* a key's; it was a project admin's */
    if (taking->is_maker_disabled) return ended(err);
    if (!access_role_of(db, &maker, share->project_id, &role, err)) return false;
    struct err low = { 0 };
    return access_decide(&maker, PERMISSION_CONTENT_WRITE, role, &low) || ended(err);
}

bool share_find(struct db *db, const uint8_t secret[SECRET_BYTES], struct bytes token, struct share *share,
                struct actor *actor, struct err *err)
{
    uint8_t mac[SHA256_BYTES];
    struct taking *taking = mem_calloc(1, sizeof *taking);
    *actor = (struct actor){ .kind = ACTOR_NOBODY };
    hmac_sha256(bytes_from(secret, SECRET_BYTES), token, mac);
    bool ok = share_is_token(token) ? db_read(db,
                                              "SELECT " SHARE_COLUMNS ", coalesce(u.is_instance_admin, 0),"
                                              " CASE WHEN u.disabled_unix_us IS NULL THEN 0 ELSE 1 END,"
                                              " CASE WHEN r.project_id IS NULL THEN 0 ELSE 1 END"
                                              " FROM share_links s LEFT JOIN users u ON u.id = s.owner_id"
                                              " LEFT JOIN share_refusals r ON r.project_id = s.project_id"
                                              " WHERE s.token_hmac = $1",
                                              DB_VALUES(db_bytes(bytes_from(mac, sizeof mac))), found_take, taking, err)
                                    : ended(err);
    ok = ok && ((taking->is_there && clock_unix_us() < taking->share.expires_unix_us) || ended(err)) &&
         (!taking->is_refused || is_off(err)) && maker_may(db, taking, err);
    if (ok) {
        *share = taking->share;
        *actor = (struct actor){ .kind = ACTOR_SHARE,
                                 .share_id = share->id,
                                 .project_id = share->project_id,
                                 .from_unix_us = share->from_unix_us,
                                 .to_unix_us = share->to_unix_us,
                                 .ends_unix_us = share->expires_unix_us };
        memcpy(actor->name, share->owner_name, sizeof actor->name);
    }
    free(taking);
    return ok;
}

bool share_list(struct db *db, struct uuid project_id, const struct share *after, uint32_t limit,
                bool (*each)(void *ctx, const struct share *share), void *ctx, struct err *err)
{
    const struct uuid none = { 0 };
    struct taking *taking = mem_calloc(1, sizeof *taking);
    taking->each = each;
    taking->ctx = ctx;
    bool ok = db_read(db,
                      "SELECT " SHARE_COLUMNS " FROM share_links s WHERE s.project_id = $1 AND s.expires_unix_us > $2"
                      " AND (s.created_unix_us, s.id) > ($3, $4) ORDER BY s.created_unix_us, s.id LIMIT $5",
                      DB_VALUES(db_uuid(project_id), db_integer(clock_unix_us()),
                                db_integer(after ? after->created_unix_us : 0), db_uuid(after ? after->id : none),
                                db_integer(limit)),
                      share_take, taking, err);
    free(taking);
    return ok;
}

static bool no_share(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such share");
}

bool share_get(struct db_session *session, struct uuid project_id, struct uuid id, struct share *share, struct err *err)
{
    struct taking *taking = mem_calloc(1, sizeof *taking);
    bool ok = db_run(session, "SELECT " SHARE_COLUMNS " FROM share_links s WHERE s.id = $1 AND s.project_id = $2",
                     DB_VALUES(db_uuid(id), db_uuid(project_id)), share_take, taking, NULL, err) &&
              (taking->is_there || no_share(err));
    *share = taking->share;
    free(taking);
    return ok;
}

bool share_revoke(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM share_links WHERE id = $1 AND project_id = $2",
                  DB_VALUES(db_uuid(id), db_uuid(project_id)), NULL, NULL, &changed, err) &&
           (changed == 1 || no_share(err));
}

bool share_is_on(struct db *db, struct uuid project_id, bool *is_on, struct err *err)
{
    int64_t refusals = 0;
    bool ok = db_read(db, "SELECT count(*) FROM share_refusals WHERE project_id = $1", DB_VALUES(db_uuid(project_id)),
                      db_take_integer, &refusals, err);
    *is_on = refusals == 0;
    return ok;
}

bool share_set_on(struct db_session *session, struct uuid project_id, bool is_on, struct err *err)
{
    if (is_on)
        return db_run(session, "DELETE FROM share_refusals WHERE project_id = $1", DB_VALUES(db_uuid(project_id)), NULL,
                      NULL, NULL, err);
    return db_run(session,
                  "INSERT INTO share_refusals(project_id, since_unix_us) VALUES($1, $2)"
                  " ON CONFLICT(project_id) DO NOTHING",
                  DB_VALUES(db_uuid(project_id), db_integer(clock_unix_us())), NULL, NULL, NULL, err);
}
