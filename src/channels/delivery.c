#include "channels/delivery.h"

#include "base/utf8.h"
#include "channels/channel.h"
#include "meta/db.h"
#include "meta/db_rows.h"

const char *const delivery_state_names[DELIVERY_STATE_COUNT] = { "waiting", "sent", "failed", "held", "digested" };

struct target {
    bool is_there, is_on, takes_digests;
    enum channel_kind kind;
    int64_t flood_count, flood_first_unix_us;
};
static bool target_row(void *ctx, struct db_row *row, struct err *err)
{
    struct target *target = ctx;
    (void)err;
    target->is_there = true;
    target->is_on = db_row_boolean(row, 0);
    target->kind = (enum channel_kind)db_row_integer(row, 1);
    target->flood_count = db_row_integer(row, 2);
    target->flood_first_unix_us = db_row_integer(row, 3);
    target->takes_digests = channel_takes_digests(target->kind, db_row_text(row, 4));
    return true;
}

/* Reports come by their schedule; and a digest that waited for a digest, while the flood goes on, would tell nobody anything. */
static bool may_be_held(struct bytes dedup_key, const struct message *message, const struct target *target)
{
    static const char digest[] = DELIVERY_DIGEST_KEY;
    bool is_digest = dedup_key.len >= sizeof digest - 1 && memcmp(dedup_key.ptr, digest, sizeof digest - 1) == 0;
    return target->takes_digests && !is_digest && message->act != MESSAGE_REPORT && message->act != MESSAGE_TEST;
}

bool delivery_put_new(struct db_session *session, struct uuid project_id, int64_t channel_id, struct bytes dedup_key,
                      const struct message *message, int64_t now_unix_us, int64_t *id, struct err *err)
{
    struct target target = { 0 };
    struct buf json;
    *id = 0;
    if (dedup_key.len == 0 || dedup_key.len > MESSAGE_KEY_BYTES_MAX || message->thread_key.len > MESSAGE_KEY_BYTES_MAX)
        return err_set(err, ERR_INPUT, "the key of a delivery has 1 to %d bytes", MESSAGE_KEY_BYTES_MAX);
    if (!db_run(session,
                "SELECT c.is_on, c.kind, count(d.id), coalesce(min(d.created_unix_us), 0), c.settings FROM channels c "
                "LEFT JOIN "
                "deliveries d ON d.channel_id = c.id AND d.created_unix_us > $3 AND d.act < 3 AND d.state <> 4 AND "
                "d.dedup_key NOT LIKE '" DELIVERY_DIGEST_KEY
                "%' WHERE c.id = $1 AND c.project_id = $2 GROUP BY c.id, c.is_on, c.kind, "
                "c.settings",
                DB_VALUES(db_integer(channel_id), db_uuid(project_id), db_integer(now_unix_us - DELIVERY_FLOOD_US)),
                target_row, &target, NULL, err))
        return false;
    if (!target.is_there) return err_set(err, ERR_NOT_FOUND, "the project has no channel %lld", (long long)channel_id);
    if (!target.is_on && message->act != MESSAGE_TEST) return true;
    bool is_held = target.flood_count >= DELIVERY_FLOOD_COUNT && may_be_held(dedup_key, message, &target);
    struct bytes title = bytes_from(message->title.ptr, utf8_cut(message->title, MESSAGE_TITLE_BYTES_MAX));
    buf_init(&json, MESSAGE_BYTES_MAX);
    bool ok =
        message_write(message, &json, err) &&
        db_run(session,
               "INSERT INTO deliveries(project_id, channel_id, dedup_key, thread_key, incident, act, severity, title, "
               "message, state, attempts, uncertain, created_unix_us, due_unix_us, lease_unix_us, lease_owner, "
               "first_try_unix_us, ended_unix_us, why, remote, digest_id) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, "
               "$10, 0, 0, $11, $12, 0, NULL, 0, 0, '', '', 0) ON CONFLICT(channel_id, dedup_key) DO NOTHING RETURNING "
               "id",
               DB_VALUES(db_uuid(project_id), db_integer(channel_id), db_text_bytes(dedup_key),
                         db_text_bytes(message->thread_key), db_integer(message->incident), db_integer(message->act),
                         db_integer(message->severity), db_text_bytes(title), db_text_bytes(buf_bytes(&json)),
                         db_integer(is_held ? DELIVERY_HELD : DELIVERY_WAITING), db_integer(now_unix_us),
                         db_integer(is_held ? target.flood_first_unix_us + DELIVERY_FLOOD_US : now_unix_us)),
               db_take_integer, id, NULL, err);
    buf_deinit(&json);
    return ok;
}

bool delivery_put(struct db_session *session, struct uuid project_id, int64_t channel_id, struct bytes dedup_key,
                  const struct message *message, int64_t now_unix_us, struct err *err)
{
    int64_t id;
    return delivery_put_new(session, project_id, channel_id, dedup_key, message, now_unix_us, &id, err);
}
