/* render.h -- a message in the words of one protocol. Pure: a message in, bytes out; no clock, no network.
 *
 *   struct message + struct render_context --> a mail (RFC 5322, MIME) | JSON of Slack, Discord, PagerDuty, a webhook
 *
 * Each keeps within the bounds that its protocol publishes: texts are cut at a character with "…", blocks that are too many are left
 * out and said to be.
 * Thread: any. Memory: into out. Errors: ERR_TOO_LARGE for out. Sources: docs/channels.md names the published formats. */
#pragma once
#include "channels/message.h"

struct render_context {
    struct bytes project; /* its name */
    const char *
        base_url; /* "https://mono.example.com": before URLs that begin with "/"; "" none is known: such links are left out */
    const char *ack_url; /* where who reads it may acknowledge it; NULL: not */
    const char
        *button_key;     /* inbound.h: Slack has buttons that say it to us themselves, with this; NULL: links alone */
    const char *id;      /* of the delivery: the same at each try, unique among all installations */
    const char *host;    /* of this installation, for Message-ID */
    int64_t now_unix_us; /* when the message was put */
    bool is_uncertain;   /* an earlier try may have arrived */
};

/* Plain text: the lines of all blocks; without the title. */
MUST_CHECK bool render_text(const struct message *message, const struct render_context *context, struct buf *out,
                            struct err *err);
/* A URL as it is sent; empty: leave it out. */
MUST_CHECK bool render_url(const struct render_context *context, struct bytes url, struct buf *out);
extern const char render_uncertain[];

struct render_mail {
    struct bytes from; /* "mono@example.com" */
    const struct bytes *to;
    uint32_t to_count;
};
MUST_CHECK bool render_mail(const struct message *message, const struct render_context *context,
                            const struct render_mail *mail, struct buf *out, struct err *err);
/* channel NULL: of an incoming webhook. thread: the ts it answers to; update: the ts it replaces; empty: neither. */
struct render_slack {
    const char *channel;
    struct bytes thread, update;
};
MUST_CHECK bool render_slack(const struct message *message, const struct render_context *context,
                             const struct render_slack *slack, struct buf *out, struct err *err);
MUST_CHECK bool render_discord(const struct message *message, const struct render_context *context, struct buf *out,
                               struct err *err);
/* thread: the dedup_key. */
MUST_CHECK bool render_pagerduty(const struct message *message, const struct render_context *context,
                                 struct bytes routing_key, const char *dedup_key, struct buf *out, struct err *err);
MUST_CHECK bool render_webhook(const struct message *message, const struct render_context *context, struct bytes form,
                               struct buf *out, struct err *err);
