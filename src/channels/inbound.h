/* inbound.h -- what Slack and PagerDuty send back: that somebody there acknowledged an incident, or resolved it.
 *
 *   POST /inbound/PROJECT/CHANNEL --inbound_check: is it signed by the channel's secret?--> --inbound_read--> which incident, what, who
 *
 *   kind                 secret           signature, each HMAC-SHA256 in hex
 *   slack, slack_token   signing_secret   x-slack-signature: v0=HEX over "v0:TIMESTAMP:BODY"; x-slack-request-timestamp, five minutes at most
 *   pagerduty            webhook_secret   x-pagerduty-signature: v1=HEX over the body, several behind commas: one that fits is enough
 *
 * Which incident a message is about is its key, "monoscope:PROJECT:incident-NUMBER-EPISODE": PagerDuty's dedup_key, the value of Slack's
 * buttons. With the episode, what comes late does nothing to an incident that has opened again.
 * Sources: https://api.slack.com/authentication/verifying-requests-from-slack, https://developer.pagerduty.com/docs/verifying-webhook-signatures
 * Pure. Thread: any. Memory: texts are the arena's. Errors: ERR_UNAUTHENTICATED: not signed, or wrongly; ERR_INPUT: signed, and not to be read. */
#pragma once
#include "channels/channel.h"

#define INBOUND_BYTES_MAX          (256u << 10)
#define INBOUND_TOLERANCE_US       (INT64_C(300) * 1000000)
#define INBOUND_WHO_BYTES_MAX      200
#define INBOUND_ACKNOWLEDGE_ACTION "monoscope_acknowledge" /* action_id of Slack's buttons */
#define INBOUND_RESOLVE_ACTION     "monoscope_resolve"

enum inbound_act { INBOUND_NOTHING, INBOUND_ACKNOWLEDGE, INBOUND_RESOLVE };
struct inbound {
    enum inbound_act act; /* nothing: it is about something else; the rest is empty then */
    struct uuid project_id;
    int64_t number, episode;
    struct bytes who; /* "Ann (Slack)" */
};
struct inbound_head {
    struct bytes slack_timestamp, slack_signature, pagerduty_signature; /* headers; empty: not there */
};

/* Name of the secret by which a kind's requests are signed; NULL: nothing comes back from that kind. */
const char *inbound_secret_name(enum channel_kind kind);
MUST_CHECK bool inbound_check(enum channel_kind kind, const struct inbound_head *head, struct bytes body,
                              struct bytes secret, int64_t now_unix_us, struct err *err);
/* json: PagerDuty's body, the field "payload" of Slack's form. */
MUST_CHECK bool inbound_read(enum channel_kind kind, struct bytes json, struct arena *arena, struct inbound *inbound,
                             struct err *err);

/* Of a message: thread_key is message.h's. */
const char *inbound_key(struct arena *arena, struct uuid project_id, struct bytes thread_key);
/* False: it is of no incident. */
MUST_CHECK bool inbound_key_read(struct bytes key, struct inbound *inbound);
