/* Any bytes as an answer of Slack, as a stored message, as routes and settings of a channel: they are read or refused, and a message
 * that is read can be rendered for every channel. */
#include <stdlib.h>

#include "channels/channel.h"
#include "channels/render.h"
#include "channels/slack_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render_all(const struct message *message)
{
    const struct render_context context = { .project = BYTES("shop"),
                                            .base_url = "https://mono.example.com",
                                            .ack_url = "https://mono.example.com/acknowledge?token=x",
                                            .id = "mono-1-x",
                                            .host = "mono.example.com",
                                            .now_unix_us = INT64_C(1790000000000000) };
    const struct bytes to = BYTES("ops@example.com");
    const struct render_mail mail = { BYTES("mono@example.com"), &to, 1 };
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 3 * MESSAGE_BYTES_MAX);
    (void)!render_slack(message, &context, &(struct render_slack){ .channel = "C1" }, &out, &err);
    (void)!render_discord(message, &context, &out, &err);
    (void)!render_pagerduty(message, &context, BYTES("k"), "d", &out, &err);
    (void)!render_webhook(message, &context, BYTES(""), &out, &err);
    (void)!render_webhook(message, &context, BYTES("{{title}}{{json:text}}"), &out, &err);
    (void)!render_mail(message, &context, &mail, &out, &err);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = bytes_from(data, size);
    struct slack_answer answer;
    struct message message;
    struct arena arena = { 0 };
    struct err err = { 0 };
    const struct channel_topic topic = { 2, BYTES("cart"), BYTES("production") };
    const char *member;
    slack_answer_read(bytes, &answer);
    if (answer.error[sizeof answer.error - 1] != '\0') abort();
    (void)channel_routes_match(bytes, &topic);
    for (int kind = 0; kind < CHANNEL_KIND_COUNT; kind++) {
        const struct channel channel = {
            .kind = (enum channel_kind)kind, .name = BYTES("n"), .settings = bytes, .routes = BYTES("[]")
        };
        (void)!channel_check(&channel, bytes, true, &member, &err);
        (void)channel_place(&arena, &channel);
    }
    if (message_read(bytes, &arena, &message, &err)) render_all(&message);
    arena_deinit(&arena);
    return 0;
}
