/* Slack by chat.postMessage: the first message of an incident is updated as the incident goes on, what happens is said in its thread.
 * An answer is 200 whatever came of it: "ok" in it counts, and "error" says why not. */
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "channels/channels_inside.h"
#include "channels/slack_answer.h"
#include "net/http_client.h"

static bool call(struct sending *sending, const char *method, struct bytes body, struct slack_answer *answer,
                 struct outcome *outcome)
{
    const char *token = send_secret(sending, "token"), *base = send_setting(sending, "api_url");
    struct http_exchange exchange;
    if (token == NULL) {
        send_failed(outcome, true, "the channel's token is not there: give it anew");
        return false;
    }
    const struct http_client_header headers[] = {
        { "content-type", "application/json; charset=utf-8" },
        { "authorization", arena_printf(sending->arena, "Bearer %s", token) },
        { NULL, NULL },
    };
    const char *url = arena_printf(sending->arena, "%s/%s", base != NULL ? base : "https://slack.com/api", method);
    send_post(sending, url, headers, body, &exchange, outcome);
    if (outcome->is_sent) {
        slack_answer_read(buf_bytes(&exchange.body_answer), answer);
        if (!answer->is_ok)
            send_failed(outcome, !answer->is_temporary, "Slack refuses: %s",
                        answer->error[0] ? answer->error : "its answer cannot be read");
    }
    http_exchange_deinit(&exchange);
    return outcome->is_sent;
}

static bool render(struct sending *sending, const struct render_slack *slack, struct buf *body, struct outcome *outcome)
{
    struct err err = { 0 };
    body->len = 0;
    if (render_slack(&sending->message, &sending->context, slack, body, &err)) return true;
    send_failed(outcome, true, "%s", err.text);
    return false;
}

/* remote of a thread: "CHANNEL TS". */
void send_slack_token(struct sending *sending, struct outcome *outcome)
{
    const char *room = send_setting(sending, "channel");
    struct slack_answer answer = { 0 };
    struct buf body;
    char id[100] = "", ts[100] = "", text[200];
    snprintf(text, sizeof text, "%.*s", (int)sending->thread_remote.len, (const char *)sending->thread_remote.ptr);
    bool is_follow_up = sscanf(text, "%99s %99s", id, ts) == 2;
    buf_init(&body, 2 * MESSAGE_BYTES_MAX);
    struct render_slack slack = { .channel = room };
    bool ok = room != NULL;
    if (!ok) send_failed(outcome, true, "the channel has no room");
    if (ok && is_follow_up) { /* twice is the same as once */
        slack = (struct render_slack){ .channel = id, .update = bytes_of_text(ts) };
        ok = render(sending, &slack, &body, outcome) &&
             (call(sending, "chat.update", buf_bytes(&body), &answer, outcome) || answer.is_gone);
        slack = (struct render_slack){ .channel = id, .thread = answer.is_gone ? BYTES("") : bytes_of_text(ts) };
    }
    ok = ok && render(sending, &slack, &body, outcome) &&
         call(sending, "chat.postMessage", buf_bytes(&body), &answer, outcome);
    if (ok) snprintf(outcome->remote, sizeof outcome->remote, "%.99s %.99s", answer.channel, answer.ts);
    buf_deinit(&body);
}
