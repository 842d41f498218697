/* channel.h -- a channel of a project: what kind it is, where it leads, what comes to it; as stored (migration 0086).
 *
 *   API --channel_check--> struct channel + secrets --channel_insert, channel_update--> channels (secrets sealed)
 *   incidents --channels_match--> the ids that a severity, a service and an environment are routed to
 *
 * Secrets (a webhook's URL, a password, a token, a routing key) are sealed for the channel and its address: with another address
 * they are gone, so that who may change it but does not know them cannot have them sent elsewhere. They never come back out.
 *
 *   kind          settings                                            secrets
 *   email         to [..], from, server smtp[s]://host:port, user,    password
 *                 tls starttls|none  (no server: the operator's)
 *   slack         -                                                   url, signing_secret
 *   slack_token   channel, api_url                                    token, signing_secret
 *   discord       -                                                   url
 *   pagerduty     api_url                                             routing_key, webhook_secret
 *   webhook       url, template, content_type, floods each|digest     secret, authorization
 *
 * Thread: any. Memory: texts of what is found are the arena's. Errors: ERR_NOT_FOUND, ERR_EXISTS for the name, ERR_TOO_LARGE for
 * one more than CHANNELS_MAX; those of db. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/db.h"

#define CHANNELS_MAX           100 /* of a project */
#define CHANNEL_NAME_BYTES_MAX 100

enum channel_kind {
    CHANNEL_EMAIL,
    CHANNEL_SLACK,       /* an incoming webhook */
    CHANNEL_SLACK_TOKEN, /* chat.postMessage: threads and updates */
    CHANNEL_DISCORD,
    CHANNEL_PAGERDUTY,
    CHANNEL_WEBHOOK,
    CHANNEL_KIND_COUNT
};
extern const char *const channel_kind_names[CHANNEL_KIND_COUNT];

/* Which of a project's channels an incident comes to without being asked: JSON,
 * [{"severity": "critical", "services": ["shop-*"], "environments": ["production"]}]; one that matches is enough. */
#define CHANNEL_ROUTES_USUAL "[{\"severity\":\"critical\"}]"
struct channel_topic {
    uint32_t severity; /* enum message_severity */
    struct bytes service, environment;
};
/* Pure. What is no list of routes matches nothing. */
bool channel_routes_match(struct bytes routes, const struct channel_topic *topic);
#define CHANNEL_IDS_MAX CHANNELS_MAX
/* Of those that are on. */
MUST_CHECK bool channels_match(struct db_session *session, struct uuid project_id, const struct channel_topic *topic,
                               int64_t ids[CHANNEL_IDS_MAX], uint32_t *count, struct err *err);

#define CHANNEL_SETTINGS_BYTES_MAX (16u << 10)
#define CHANNEL_SECRETS_BYTES_MAX  4096
#define CHANNEL_ROUTES_BYTES_MAX   (16u << 10)
struct channel {
    struct uuid project_id;
    int64_t id;
    enum channel_kind kind;
    bool is_on;
    struct bytes name, settings, routes, author;
    struct bytes sealed; /* empty: no secrets */
    int64_t created_unix_us, changed_unix_us;
    int64_t failed_unix_us; /* 0: the last message arrived, or none was sent yet */
    struct bytes failed_why;
    int64_t sent_unix_us; /* of the last one that arrived */
};
struct channel_seal {
    uint8_t key[32];
};
MUST_CHECK bool channel_kind_find(struct bytes name, enum channel_kind *kind);
/* Name, settings, secrets and routes: what they may be. secrets: a JSON object, or empty: none are given. has_old: those that are stored
 * count too. ERR_INPUT: *member is the one of the API's body that is wrong ("settings/url"). */
MUST_CHECK bool channel_check(const struct channel *channel, struct bytes secrets, bool has_old, const char **member,
                              struct err *err);
/* Inside the caller's transaction. Sets id and times. */
MUST_CHECK bool channel_insert(struct db_session *session, const struct channel_seal *seal, struct channel *channel,
                               struct bytes secrets, struct err *err);
/* Of one that was found in this session. secrets empty: those that are there stay, when the address is the same; before: as it was. */
MUST_CHECK bool channel_update(struct db_session *session, const struct channel_seal *seal,
                               const struct channel *before, struct channel *channel, struct bytes secrets,
                               struct err *err);
/* Do its settings lead elsewhere than before? Then its secrets go with an update. */
bool channel_is_moved(const struct channel *before, const struct channel *channel);
MUST_CHECK bool channel_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id,
                             struct channel *channel, struct err *err);
MUST_CHECK bool channel_delete(struct db_session *session, struct uuid project_id, int64_t id, struct err *err);
/* By id, behind this one; each answers false to stop. */
MUST_CHECK bool channel_list(struct db *db, struct arena *arena, struct uuid project_id, int64_t after, uint32_t limit,
                             bool (*each)(void *ctx, const struct channel *channel), void *ctx, struct err *err);
/* Of a flood one message that joins them, and not each? PagerDuty joins by itself what is of one dedup_key, and must hear of each
 * incident, as a program behind a webhook must that has not asked for it (floods "digest"). */
bool channel_takes_digests(enum channel_kind kind, struct bytes settings);
/* The secrets in the clear, JSON; the caller wipes them. ERR_CORRUPT: the seal's key is another. */
MUST_CHECK bool channel_open_secrets(const struct channel_seal *seal, const struct channel *channel,
                                     uint8_t secrets[CHANNEL_SECRETS_BYTES_MAX], size_t *len, struct err *err);
/* Where its messages go, for a person: "hooks.slack.com", "ops@example.com and 2 more". */
struct bytes channel_place(struct arena *arena, const struct channel *channel);
