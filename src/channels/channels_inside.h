/* channels_inside.h -- what the files that send share.
 *
 *   channels.c  life, links    sender.c  threads    delivery_row.c  leases, outcomes    send.c  one try    send_*.c  by protocol */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "channels/channels.h"
#include "channels/delivery.h"
#include "channels/render.h"

#define SEND_CONNECT_MS 5000u
#define SEND_TOTAL_MS   15000u
#define SEND_LEASE_US   (INT64_C(60) * 1000000)
enum { SENDERS = 4, TAKE_MAX = 16 };

/* One that this process has. */
struct taken {
    int64_t id, channel_id, created_unix_us, first_try_unix_us, attempts;
    struct uuid project_id;
    bool is_uncertain;
};
/* What came of one try. */
struct outcome {
    bool is_sent, is_final; /* not sent and final: no further try helps */
    int status;             /* of the protocol; 0: none came */
    int64_t retry_after_us; /* 0: not told */
    char why[240];
    char remote[200]; /* what the other side calls it; empty: nothing */
};
/* All that one try needs. Texts are the arena's. */
struct sending {
    struct channels *channels;
    struct arena *arena;
    struct taken taken;
    struct channel channel;
    struct message message;
    struct bytes settings_json, secrets_json;
    struct bytes thread_remote; /* of the thread's first message there; empty: none */
    struct render_context context;
};

struct channels {
    struct channels_options options;
    struct channel_seal seal;
    uint8_t ack_key[32];
    char host[256]; /* of the public URL, for Message-ID */
    struct uuid owner;
    struct http_client *client;
    atomic_bool stops;
    bool runs;
    pthread_t threads[SENDERS + 1];
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct taken waiting[TAKE_MAX];
    uint32_t waiting_count, busy;
    struct channels_stats stats;
};

/* ---- rows ---- */
MUST_CHECK bool delivery_take(struct channels *channels, int64_t now_unix_us, uint32_t max, struct taken *taken,
                              uint32_t *count, struct err *err);
MUST_CHECK bool delivery_is_due(struct channels *channels, int64_t now_unix_us, bool *is_due, struct err *err);
/* What it held before it was started anew is due at once. */
MUST_CHECK bool delivery_take_over(struct channels *channels, struct err *err);
MUST_CHECK bool delivery_load(struct channels *channels, struct sending *sending, struct err *err);
MUST_CHECK bool delivery_end(struct channels *channels, const struct sending *sending, const struct outcome *outcome,
                             int64_t began_unix_us, int64_t now_unix_us, bool *is_over, struct err *err);
/* Floods that are over become digests; rows past their time go. */
MUST_CHECK bool delivery_digest(struct channels *channels, int64_t now_unix_us, struct err *err);
MUST_CHECK bool delivery_expire(struct channels *channels, int64_t now_unix_us, struct err *err);

/* ---- one try ---- */
void send_try(struct sending *sending, struct outcome *outcome);
void send_email(struct sending *sending, struct outcome *outcome);
void send_slack_token(struct sending *sending, struct outcome *outcome);
/* A member of the settings or the secrets, NUL-terminated; NULL: it is not there. */
const char *send_setting(struct sending *sending, const char *name);
const char *send_secret(struct sending *sending, const char *name);
struct http_client_header;
struct http_exchange;
/* POST; the outcome by its status. is_json_kept: the answer stays in exchange for the caller, who deinits it. */
void send_post(struct sending *sending, const char *url, const struct http_client_header *headers, struct bytes body,
               struct http_exchange *exchange, struct outcome *outcome);
/* Always sets "not sent". */
void send_failed(struct outcome *outcome, bool is_final, const char *fmt, ...) PRINTF_LIKE(3, 4);
