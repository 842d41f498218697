/* channel.h -- a channel of a project: what kind it is, where it leads, what comes to it; as stored (migration 0086).
 *
 *   API --channel_check--> struct channel + secrets --channel_insert, channel_update--> channels (secrets sealed)
 *   incidents --channels_match--> the ids that a severity, a service and an environment are routed to
 *
 * Secrets (a webhook's URL, a password, a token, a routing key) are sealed for the channel and its address: with another address
 * they are gone, so that who may change it but does not know them cannot have them sent elsewhere. They never come back out.
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
