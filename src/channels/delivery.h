/* delivery.h -- a message on its way to one channel: a row that outlives the process, sent by the delivery thread (sender.h).
 *
 *   delivery_put --> WAITING --leased, sent--> SENT
 *                      |  '--refused, given up--> FAILED      told in the UI, and by another channel of the project
 *                      '--too many at once--> HELD --> DIGESTED  in one message at the end of the flood's window
 *
 * One row for each (channel, dedup_key), for as long as rows are kept (DELIVERY_KEEP_US): a second put of the same is no second
 * message. So a caller may put again whenever it is not sure, and chooses by the key what is the same ("incident-7:open").
 * Thread: any. Memory: none kept. Errors: ERR_NOT_FOUND: the channel is not the project's; those of message_write and db.h. */
#pragma once
#include "base/uuid.h"
#include "channels/message.h"
struct db_session;

#define DELIVERY_KEEP_US     (INT64_C(30) * 86400 * 1000000)
#define DELIVERY_GIVE_UP_US  (INT64_C(24) * 3600 * 1000000) /* after the first try */
#define DELIVERY_FLOOD_US    (INT64_C(600) * 1000000)       /* in so long ... */
#define DELIVERY_DIGEST_KEY  "digest:"                      /* begins the dedup_key of a digest, and of nothing else */
#define DELIVERY_FLOOD_COUNT 10                             /* ... a channel gets so many messages, then a digest */

enum delivery_state {
    DELIVERY_WAITING,
    DELIVERY_SENT,
    DELIVERY_FAILED,
    DELIVERY_HELD,
    DELIVERY_DIGESTED,
    DELIVERY_STATE_COUNT
};
extern const char *const delivery_state_names[DELIVERY_STATE_COUNT];

/* Inside the caller's transaction: durable with it, and sent when it is. Nothing is put for a channel that is switched off, but
 * a test. */
MUST_CHECK bool delivery_put(struct db_session *session, struct uuid project_id, int64_t channel_id,
                             struct bytes dedup_key, const struct message *message, int64_t now_unix_us,
                             struct err *err);
/* The same; *id: its row's, 0: there was one of this key already, or the channel is off. */
MUST_CHECK bool delivery_put_new(struct db_session *session, struct uuid project_id, int64_t channel_id,
                                 struct bytes dedup_key, const struct message *message, int64_t now_unix_us,
                                 int64_t *id, struct err *err);

/* ---- the log of a channel ---- */

struct delivery {
    int64_t id, channel_id, incident, attempts;
    uint32_t act, severity;
    enum delivery_state state;
    struct bytes title, why, remote;
    bool is_uncertain;
    int64_t created_unix_us, due_unix_us, ended_unix_us, digest_id;
};
struct delivery_attempt {
    int64_t number, began_unix_us, took_us, status;
    bool is_done;
    struct bytes why;
};
struct db;
/* Newest first, those with ids below before (0: all); each answers false to stop. */
MUST_CHECK bool delivery_list(struct db *db, struct arena *arena, struct uuid project_id, int64_t channel_id,
                              int64_t before, uint32_t limit, bool (*each)(void *ctx, const struct delivery *delivery),
                              void *ctx, struct err *err);
MUST_CHECK bool delivery_find(struct db *db, struct arena *arena, struct uuid project_id, int64_t id,
                              struct delivery *delivery, struct err *err);
MUST_CHECK bool delivery_attempts(struct db *db, struct arena *arena, int64_t id, struct delivery_attempt **attempts,
                                  uint32_t *count, struct err *err);
/* One that failed is tried again from the start. ERR_CONFLICT: it did not fail. */
MUST_CHECK bool delivery_again(struct db_session *session, struct uuid project_id, int64_t id, int64_t now_unix_us,
                               struct err *err);
