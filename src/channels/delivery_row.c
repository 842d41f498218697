/* Rows of deliveries as the process sees them that sends: leases, tries, outcomes, digests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/random.h"
#include "base/sha256.h"
#include "channels/channels_inside.h"
#include "channels/inbound.h"
#include "meta/db_rows.h"

#define BACKOFF_FIRST_US (INT64_C(5) * 1000000)
#define BACKOFF_MAX_US   (INT64_C(900) * 1000000)
#define DIGEST_ROWS_MAX  500
#define DIGEST_SHOWN_MAX 30

/* ---- taking ---- */

struct taking {
    const struct channels *channels;
    int64_t now_unix_us;
    uint32_t max, count;
    struct taken *taken;
};
static bool taken_row(void *ctx, struct db_row *row, struct err *err)
{
    struct taking *taking = ctx;
    (void)err;
    if (taking->count == taking->max) return true;
    taking->taken[taking->count++] = (struct taken){
        .id = db_row_integer(row, 0),
        .project_id = db_row_uuid(row, 1),
        .channel_id = db_row_integer(row, 2),
        .created_unix_us = db_row_integer(row, 3),
        .first_try_unix_us = db_row_integer(row, 4),
        .attempts = db_row_integer(row, 5),
        .is_uncertain = db_row_boolean(row, 6),
    };
    return true;
}

/* One of a channel at a time, the oldest that is due; none before what is of its thread and older. lease_owner is NULL once a try has
 * ended: one that is not is of a process that never told. */
static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct taking *taking = ctx;
    taking->count = 0;
    if (!db_run(session,
                "UPDATE deliveries SET uncertain = CASE WHEN lease_owner IS NOT NULL THEN 1 ELSE uncertain END, "
                "lease_owner = $1, lease_unix_us = $2, attempts = attempts + 1, first_try_unix_us = CASE WHEN "
                "first_try_unix_us = 0 THEN $3 ELSE first_try_unix_us END WHERE id IN (SELECT min(d.id) FROM "
                "deliveries d WHERE d.state = 0 AND d.due_unix_us <= $3 AND d.lease_unix_us <= $3 AND NOT EXISTS "
                "(SELECT 1 FROM deliveries e WHERE e.channel_id = d.channel_id AND e.state = 0 AND (e.lease_unix_us > "
                "$3 OR (e.thread_key <> '' AND e.thread_key = d.thread_key AND e.id < d.id))) GROUP BY d.channel_id "
                "ORDER BY min(d.id) LIMIT $4) RETURNING id, project_id, channel_id, created_unix_us, "
                "first_try_unix_us, attempts, uncertain",
                DB_VALUES(db_uuid(taking->channels->owner), db_integer(taking->now_unix_us + SEND_LEASE_US),
                          db_integer(taking->now_unix_us), db_integer(taking->max)),
                taken_row, taking, NULL, err))
        return false;
    for (uint32_t i = 0; i < taking->count; i++)
        if (!db_run(session,
                    "INSERT INTO delivery_attempts(delivery_id, number, began_unix_us, took_us, status, is_done, why) "
                    "VALUES($1, $2, $3, 0, 0, 0, '') ON CONFLICT(delivery_id, number) DO NOTHING",
                    DB_VALUES(db_integer(taking->taken[i].id), db_integer(taking->taken[i].attempts),
                              db_integer(taking->now_unix_us)),
                    NULL, NULL, NULL, err))
            return false;
    return true;
}

bool delivery_take(struct channels *channels, int64_t now_unix_us, uint32_t max, struct taken *taken, uint32_t *count,
                   struct err *err)
{
    struct taking taking = { channels, now_unix_us, max, 0, taken };
    bool is_due = false;
    *count = 0;
    /* Most seconds there is nothing, and reading disturbs nobody. */
    if (!delivery_is_due(channels, now_unix_us, &is_due, err)) return false;
    if (!is_due) return true;
    if (!db_transaction(channels->options.db, take_run, &taking, err)) return false;
    *count = taking.count;
    if (taking.count > 0) fail_point("channels.after_take");
    return true;
}

static bool due_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)row, (void)err;
    *(bool *)ctx = true;
    return true;
}

bool delivery_is_due(struct channels *channels, int64_t now_unix_us, bool *is_due, struct err *err)
{
    *is_due = false;
    return db_read(channels->options.db,
                   "SELECT id FROM deliveries WHERE state IN (0, 3) AND state = 0 AND due_unix_us <= $1 AND "
                   "lease_unix_us <= $1 LIMIT 1",
                   DB_VALUES(db_integer(now_unix_us)), due_row, is_due, err);
}

static bool take_over_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct channels *channels = ctx;
    return db_run(session, "UPDATE deliveries SET lease_unix_us = 0 WHERE state = 0 AND lease_owner = $1",
                  DB_VALUES(db_uuid(channels->owner)), NULL, NULL, NULL, err);
}
bool delivery_take_over(struct channels *channels, struct err *err)
{
    return db_transaction(channels->options.db, take_over_run, channels, err);
}

/* ---- what a try needs ---- */

struct loading {
    struct sending *sending;
    struct bytes json, thread_key;
    bool is_there;
};
static bool load_row(void *ctx, struct db_row *row, struct err *err)
{
    struct loading *loading = ctx;
    struct arena *arena = loading->sending->arena;
    (void)err;
    loading->json = arena_copy(arena, db_row_text(row, 0));
    loading->thread_key = db_text_keep(arena, row, 1);
    loading->sending->context.project = db_text_keep(arena, row, 2);
    loading->sending->thread_remote = db_text_keep(arena, row, 3);
    loading->is_there = true;
    return true;
}
static bool load_run(struct db_session *session, void *ctx, struct err *err)
{
    struct loading *loading = ctx;
    struct sending *sending = loading->sending;
    return db_run(session,
                  "SELECT d.message, d.thread_key, p.name, coalesce(t.remote, '') FROM deliveries d JOIN projects p ON "
                  "p.id = d.project_id LEFT JOIN channel_threads t ON t.channel_id = d.channel_id AND t.thread_key = "
                  "d.thread_key WHERE d.id = $1",
                  DB_VALUES(db_integer(sending->taken.id)), load_row, loading, NULL, err) &&
           (loading->is_there || err_set(err, ERR_NOT_FOUND, "the delivery is gone")) &&
           channel_find(session, sending->arena, sending->taken.project_id, sending->taken.channel_id,
                        &sending->channel, err);
}

/* Of an installation's own: its secret is not told, but makes ids that no other has. */
static const char *id_make(struct sending *sending)
{
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES], text[64];
    snprintf(text, sizeof text, "delivery %" PRId64, sending->taken.id);
    hmac_sha256(bytes_from(sending->channels->ack_key, sizeof sending->channels->ack_key), bytes_of_text(text), mac);
    sha256_to_hex(mac, hex);
    return arena_printf(sending->arena, "mono-%" PRId64 "-%.24s", sending->taken.id, hex);
}

bool delivery_load(struct channels *channels, struct sending *sending, struct err *err)
{
    struct loading loading = { .sending = sending };
    uint8_t secrets[CHANNEL_SECRETS_BYTES_MAX];
    size_t len = 0;
    if (!db_snapshot(channels->options.db, load_run, &loading, err) ||
        !message_read(loading.json, sending->arena, &sending->message, err) ||
        !channel_open_secrets(&channels->seal, &sending->channel, secrets, &len, err))
        return false;
    sending->settings_json = sending->channel.settings;
    sending->secrets_json = arena_copy(sending->arena, bytes_from(secrets, len));
    explicit_bzero(secrets, sizeof secrets);
    sending->context.base_url = channels->options.public_url;
    sending->context.id = id_make(sending);
    sending->context.host = channels->host;
    sending->context.now_unix_us = sending->taken.created_unix_us;
    sending->context.is_uncertain = sending->taken.is_uncertain;
    bool may_ack = sending->message.incident > 0 && sending->message.act != MESSAGE_RESOLVE &&
                   !sending->message.is_acknowledged && channels->options.public_url[0] != '\0';
    if (may_ack) {
        char token[CHANNELS_ACK_BYTES];
        channels_ack_make(channels, sending->taken.project_id, sending->message.incident,
                          sending->taken.created_unix_us + INT64_C(7) * 86400 * 1000000, token);
        sending->context.ack_url =
            arena_printf(sending->arena, "%s/acknowledge?token=%s", channels->options.public_url, token);
    }
    const char *back = inbound_secret_name(sending->channel.kind);
    if (sending->message.incident > 0 && back != NULL && send_secret(sending, back) != NULL)
        sending->context.button_key =
            inbound_key(sending->arena, sending->taken.project_id, sending->message.thread_key);
    return true;
}

/* ---- what came of it ---- */

struct ending {
    struct channels *channels;
    const struct sending *sending;
    const struct outcome *outcome;
    int64_t began_unix_us, now_unix_us;
    bool is_over; /* no further try */
};

static int64_t backoff_us(int64_t attempts)
{
    int64_t us = BACKOFF_FIRST_US;
    for (int64_t i = 1; i < attempts && us < BACKOFF_MAX_US; i++) us *= 2;
    if (us > BACKOFF_MAX_US) us = BACKOFF_MAX_US;
    uint32_t random;
    random_fill(&random, sizeof random);
    return us - us / 4 + random % (us / 2); /* not all at once after an outage */
}

static bool sent_write(struct db_session *session, const struct ending *ending, struct err *err)
{
    const struct sending *sending = ending->sending;
    const struct taken *taken = &sending->taken;
    struct bytes remote = bytes_of_text(ending->outcome->remote);
    return db_run(session,
                  "UPDATE deliveries SET state = 1, lease_owner = NULL, lease_unix_us = 0, ended_unix_us = $2, why = "
                  "'', remote = $3 WHERE id = $1 AND state = 0",
                  DB_VALUES(db_integer(taken->id), db_integer(ending->now_unix_us), db_text_bytes(remote)), NULL, NULL,
                  NULL, err) &&
           db_run(session, "UPDATE channels SET sent_unix_us = $2, failed_unix_us = 0, failed_why = '' WHERE id = $1",
                  DB_VALUES(db_integer(taken->channel_id), db_integer(ending->now_unix_us)), NULL, NULL, NULL, err) &&
           (remote.len == 0 || sending->message.thread_key.len == 0 ||
            db_run(session,
                   "INSERT INTO channel_threads(channel_id, thread_key, remote, started_unix_us) VALUES($1, $2, $3, "
                   "$4) ON CONFLICT(channel_id, thread_key) DO NOTHING",
                   DB_VALUES(db_integer(taken->channel_id), db_text_bytes(sending->message.thread_key),
                             db_text_bytes(remote), db_integer(ending->now_unix_us)),
                   NULL, NULL, NULL, err));
}

/* To one other channel that works, at most one message an hour: that this one does not. */
static bool failure_tell(struct db_session *session, const struct ending *ending, struct err *err)
{
    const struct sending *sending = ending->sending;
    const struct taken *taken = &sending->taken;
    int64_t other = 0;
    char title[300], text[600], key[64];
    if (sending->message.act == MESSAGE_TEST) return true;
    if (!db_run(session,
                "SELECT id FROM channels WHERE project_id = $1 AND id <> $2 AND is_on = 1 AND failed_unix_us = 0 "
                "ORDER BY id LIMIT 1",
                DB_VALUES(db_uuid(taken->project_id), db_integer(taken->channel_id)), db_take_integer, &other, NULL,
                err))
        return false;
    if (other == 0) return true;
    snprintf(title, sizeof title, "Channel \"%.*s\" does not take messages", (int)sending->channel.name.len,
             (const char *)sending->channel.name.ptr);
    snprintf(text, sizeof text, "%s\nNot told: %.*s", ending->outcome->why,
             sending->message.title.len < 200 ? (int)sending->message.title.len : 200,
             (const char *)sending->message.title.ptr);
    snprintf(key, sizeof key, "failed:%" PRId64 ":%" PRId64, taken->channel_id, ending->now_unix_us / 3600000000);
    struct bytes body = bytes_of_text(text);
    while (body.len > 0 && (body.ptr[body.len - 1] & 0x80) != 0) body.len--; /* not cut within a character */
    const struct message_block block = { .kind = MESSAGE_TEXT, .text = body };
    const struct message_link link = {
        BYTES("Channels"),
        bytes_of_text(arena_printf(sending->arena, "/p/%.*s/settings/channels", (int)sending->context.project.len,
                                   (const char *)sending->context.project.ptr)),
    };
    const struct message message = { .act = MESSAGE_OPEN,
                                     .severity = MESSAGE_CRITICAL,
                                     .title = bytes_of_text(title),
                                     .blocks = &block,
                                     .block_count = 1,
                                     .links = &link,
                                     .link_count = 1 };
    return delivery_put(session, taken->project_id, other, bytes_of_text(key), &message, ending->now_unix_us, err);
}

static bool failed_write(struct db_session *session, struct ending *ending, struct err *err)
{
    const struct taken *taken = &ending->sending->taken;
    const struct outcome *outcome = ending->outcome;
    int64_t wait_us = backoff_us(taken->attempts);
    if (outcome->retry_after_us > wait_us) wait_us = outcome->retry_after_us;
    ending->is_over = outcome->is_final ||
                      ending->now_unix_us + wait_us - taken->first_try_unix_us > ending->channels->options.give_up_us;
    if (!db_run(session,
                "UPDATE deliveries SET state = $2, lease_owner = NULL, lease_unix_us = 0, due_unix_us = $3, "
                "ended_unix_us = $4, why = $5 WHERE id = $1 AND state = 0",
                DB_VALUES(db_integer(taken->id), db_integer(ending->is_over ? DELIVERY_FAILED : DELIVERY_WAITING),
                          db_integer(ending->now_unix_us + wait_us),
                          db_integer(ending->is_over ? ending->now_unix_us : 0), db_text(outcome->why)),
                NULL, NULL, NULL, err))
        return false;
    if (!ending->is_over) return true;
    return db_run(session, "UPDATE channels SET failed_unix_us = $2, failed_why = $3 WHERE id = $1",
                  DB_VALUES(db_integer(taken->channel_id), db_integer(ending->now_unix_us), db_text(outcome->why)),
                  NULL, NULL, NULL, err) &&
           failure_tell(session, ending, err);
}

static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    struct ending *ending = ctx;
    const struct taken *taken = &ending->sending->taken;
    ending->is_over = ending->outcome->is_sent;
    return db_run(session,
                  "UPDATE delivery_attempts SET took_us = $3, status = $4, is_done = 1, why = $5 WHERE delivery_id = "
                  "$1 AND number = $2",
                  DB_VALUES(db_integer(taken->id), db_integer(taken->attempts),
                            db_integer(ending->now_unix_us - ending->began_unix_us),
                            db_integer(ending->outcome->status), db_text(ending->outcome->why)),
                  NULL, NULL, NULL, err) &&
           (ending->outcome->is_sent ? sent_write(session, ending, err) : failed_write(session, ending, err));
}

bool delivery_end(struct channels *channels, const struct sending *sending, const struct outcome *outcome,
                  int64_t began_unix_us, int64_t now_unix_us, bool *is_over, struct err *err)
{
    struct ending ending = { channels, sending, outcome, began_unix_us, now_unix_us, false };
    bool ok = db_transaction(channels->options.db, end_run, &ending, err);
    *is_over = ending.is_over;
    return ok;
}

/* ---- digests ---- */

struct digest {
    int64_t now_unix_us;
    struct arena arena;
    struct db_rows channels, rows;
};
struct held_channel {
    int64_t id;
    struct uuid project_id;
    struct bytes project; /* its name */
};
/* One message; then all of an incident, as the last of them has it. */
struct held {
    int64_t id, incident, messages;
    uint32_t severity, act; /* severity: the worst */
    struct bytes title;
};
static bool held_channel_row(void *ctx, struct db_row *row, struct err *err)
{
    struct digest *digest = ctx;
    struct held_channel *channel = db_rows_add(&digest->channels, sizeof *channel);
    (void)err;
    channel->id = db_row_integer(row, 0);
    channel->project_id = db_row_uuid(row, 1);
    channel->project = db_text_keep(&digest->arena, row, 2);
    return true;
}
static bool held_row(void *ctx, struct db_row *row, struct err *err)
{
    struct digest *digest = ctx;
    struct held *held = db_rows_add(&digest->rows, sizeof *held);
    (void)err;
    held->id = db_row_integer(row, 0);
    held->incident = db_row_integer(row, 1);
    held->severity = (uint32_t)db_row_integer(row, 2);
    held->act = (uint32_t)db_row_integer(row, 3);
    held->title = db_text_keep(&digest->arena, row, 4);
    held->messages = 1;
    if (held->severity >= MESSAGE_SEVERITY_COUNT || held->act >= MESSAGE_ACT_COUNT) row->is_bad = true;
    return true;
}

/* The worst first, then by what was held first. */
static int by_weight(const void *left, const void *right)
{
    const struct held *a = left, *b = right;
    if (a->severity != b->severity) return a->severity > b->severity ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* Messages of one incident become a line. */
static struct held *lines_make(struct digest *digest, uint32_t *count)
{
    const struct held *held = digest->rows.items;
    struct held *lines = arena_alloc(&digest->arena, (digest->rows.count + 1) * sizeof *lines);
    *count = 0;
    for (uint32_t h = 0; h < digest->rows.count; h++) {
        struct held *line = NULL;
        for (uint32_t l = 0; l < *count && !line && held[h].incident > 0; l++)
            if (lines[l].incident == held[h].incident) line = &lines[l];
        if (!line) {
            lines[(*count)++] = held[h];
            continue;
        }
        line->messages++;
        line->act = held[h].act;
        line->title = held[h].title;
        if (held[h].severity > line->severity) line->severity = held[h].severity;
    }
    qsort(lines, *count, sizeof *lines, by_weight);
    return lines;
}

static void digest_message(struct digest *digest, const struct held_channel *channel, struct message *message)
{
    static const char *const states[MESSAGE_ACT_COUNT] = {
        [MESSAGE_OPEN] = "open", [MESSAGE_UPDATE] = "goes on", [MESSAGE_RESOLVE] = "over"
    };
    struct arena *arena = &digest->arena;
    uint32_t count, over = 0;
    const struct held *lines = lines_make(digest, &count);
    uint32_t shown = count < DIGEST_SHOWN_MAX ? count : DIGEST_SHOWN_MAX;
    struct bytes *cells = arena_calloc(arena, (shown + 1) * 4 * sizeof *cells);
    struct message_block *blocks = arena_calloc(arena, 2 * sizeof *blocks);
    struct message_link *link = arena_calloc(arena, sizeof *link);
    *message =
        (struct message){ .act = MESSAGE_OPEN, .blocks = blocks, .block_count = 1, .links = link, .link_count = 1 };
    cells[0] = BYTES("Severity");
    cells[1] = BYTES("Incident");
    cells[2] = BYTES("Now");
    cells[3] = BYTES("What");
    for (uint32_t i = 0; i < count; i++) {
        over += lines[i].act == MESSAGE_RESOLVE;
        if (lines[i].severity > (uint32_t)message->severity)
            message->severity = (enum message_severity)lines[i].severity;
        if (i >= shown) continue;
        struct bytes *line = &cells[4 * i + 4];
        line[0] = bytes_of_text(message_severity_names[lines[i].severity]);
        line[1] = bytes_of_text(lines[i].incident > 0 ? arena_printf(arena, "#%" PRId64, lines[i].incident) : "-");
        line[2] = bytes_of_text(states[lines[i].act] ? states[lines[i].act] : "-");
        line[3] = lines[i].title;
    }
    blocks[0] =
        (struct message_block){ .kind = MESSAGE_TABLE, .column_count = 4, .row_count = shown + 1, .cells = cells };
    if (count > shown)
        blocks[message->block_count++] =
            (struct message_block){ .kind = MESSAGE_TEXT,
                                    .text = bytes_of_text(arena_printf(arena, "and %" PRIu32 " more", count - shown)) };
    *link = (struct message_link){
        BYTES("Incidents"),
        bytes_of_text(
            arena_printf(arena, "/p/%.*s/incidents", (int)channel->project.len, (const char *)channel->project.ptr)),
    };
    message->title = bytes_of_text(
        arena_printf(arena, "%" PRIu32 " messages in one, about %" PRIu32 " things%s", digest->rows.count, count,
                     over == 0       ? ""
                     : over == count ? ", all over by now"
                                     : arena_printf(arena, ", %" PRIu32 " over by now", over)));
}

static bool digest_one(struct db_session *session, struct digest *digest, const struct held_channel *channel,
                       struct err *err)
{
    struct message message;
    int64_t id;
    char key[64];
    digest->rows = (struct db_rows){ .arena = &digest->arena };
    if (!db_run(
            session,
            "SELECT id, incident, severity, act, title FROM deliveries WHERE channel_id = $1 AND state = 3 ORDER BY "
            "id LIMIT $2",
            DB_VALUES(db_integer(channel->id), db_integer(DIGEST_ROWS_MAX)), held_row, digest, NULL, err))
        return false;
    if (digest->rows.count == 0) return true;
    const struct held *held = digest->rows.items;
    digest_message(digest, channel, &message);
    snprintf(key, sizeof key, DELIVERY_DIGEST_KEY "%" PRId64, held[0].id);
    return delivery_put_new(session, channel->project_id, channel->id, bytes_of_text(key), &message,
                            digest->now_unix_us, &id, err) &&
           db_run(session,
                  "UPDATE deliveries SET state = 4, digest_id = $2, ended_unix_us = $3 WHERE channel_id = $1 AND state "
                  "= 3 AND id <= $4",
                  DB_VALUES(db_integer(channel->id), db_integer(id), db_integer(digest->now_unix_us),
                            db_integer(held[digest->rows.count - 1].id)),
                  NULL, NULL, NULL, err);
}

static const char held_sql[] =
    "SELECT DISTINCT d.channel_id, d.project_id, p.name FROM deliveries d JOIN projects p ON "
    "p.id = d.project_id WHERE d.state IN (0, 3) AND d.state = 3 AND d.due_unix_us <= $1 "
    "LIMIT 50";
static bool digest_run(struct db_session *session, void *ctx, struct err *err)
{
    struct digest *digest = ctx;
    arena_reset(&digest->arena);
    digest->channels = (struct db_rows){ .arena = &digest->arena };
    if (!db_run(session, held_sql, DB_VALUES(db_integer(digest->now_unix_us)), held_channel_row, digest, NULL, err))
        return false;
    const struct held_channel *channels = digest->channels.items;
    for (uint32_t i = 0; i < digest->channels.count; i++)
        if (!digest_one(session, digest, &channels[i], err)) return false;
    return true;
}

bool delivery_digest(struct channels *channels, int64_t now_unix_us, struct err *err)
{
    struct digest digest = { .now_unix_us = now_unix_us };
    bool is_due = false;
    arena_init(&digest.arena, 0);
    bool ok = db_read(channels->options.db, held_sql, DB_VALUES(db_integer(now_unix_us)), due_row, &is_due, err) &&
              (!is_due || db_transaction(channels->options.db, digest_run, &digest, err));
    arena_deinit(&digest.arena);
    return ok;
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    const int64_t *before_unix_us = ctx;
    return db_run(session,
                  "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE created_unix_us < $1 AND state "
                  "<> 0 AND state <> 3 LIMIT 1000)",
                  DB_VALUES(db_integer(*before_unix_us)), NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM channel_threads WHERE started_unix_us < $1",
                  DB_VALUES(db_integer(*before_unix_us)), NULL, NULL, NULL, err);
}
bool delivery_expire(struct channels *channels, int64_t now_unix_us, struct err *err)
{
    int64_t before_unix_us = now_unix_us - DELIVERY_KEEP_US;
    return db_transaction(channels->options.db, expire_run, &before_unix_us, err);
}
