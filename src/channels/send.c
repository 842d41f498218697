/* One try: the message in the channel's words, to its address; what came of it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "channels/channels_inside.h"
#include "channels/inbound.h"
#include "net/http_client.h"

#define ANSWER_BYTES_MAX (64u << 10)

void send_failed(struct outcome *outcome, bool is_final, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(outcome->why, sizeof outcome->why, fmt, args);
    va_end(args);
    outcome->is_sent = false;
    outcome->is_final = is_final;
}

static const char *member_of(struct sending *sending, struct bytes json, const char *name)
{
    yyjson_doc *doc = json.len > 0 ? yyjson_read((const char *)json.ptr, json.len, 0) : NULL;
    const char *text = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), name));
    char *copy = text != NULL && text[0] != '\0' ? arena_printf(sending->arena, "%s", text) : NULL;
    yyjson_doc_free(doc);
    return copy;
}

const char *send_setting(struct sending *sending, const char *name)
{
    return member_of(sending, sending->settings_json, name);
}

const char *send_secret(struct sending *sending, const char *name)
{
    return member_of(sending, sending->secrets_json, name);
}

/* Of the answer's body at most a line: who sets the address could otherwise read what is not for them. */
static void refused_tell(const struct http_exchange *exchange, struct outcome *outcome)
{
    bool is_temporary =
        exchange->status == 408 || exchange->status == 425 || exchange->status == 429 || exchange->status >= 500;
    outcome->retry_after_us = (int64_t)exchange->retry_after_ms * 1000;
    send_failed(outcome, !is_temporary, "it answered %d%s", exchange->status,
                exchange->status >= 300 && exchange->status < 400 ? ", a redirect, which is not followed" : "");
}

void send_post(struct sending *sending, const char *url, const struct http_client_header *headers, struct bytes body,
               struct http_exchange *exchange, struct outcome *outcome)
{
    *exchange = (struct http_exchange){
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = { .bytes = body },
        .connect_ms_max = SEND_CONNECT_MS,
        .total_ms_max = SEND_TOTAL_MS,
        .answer_bytes_max = ANSWER_BYTES_MAX,
        .answer_is_cut = true,
        .cancel = &sending->channels->stops,
    };
    http_client_run(sending->channels->client, exchange, 1);
    outcome->status = exchange->status;
    outcome->is_sent = exchange->err.code == ERR_OK && exchange->status >= 200 && exchange->status < 300;
    if (outcome->is_sent) return;
    if (exchange->err.code == ERR_OK) {
        refused_tell(exchange, outcome);
    } else { /* its words may have the address, which may be a secret */
        const char *words = strstr(exchange->err.text, "\": ");
        send_failed(outcome, exchange->err.code == ERR_FORBIDDEN, "%s",
                    exchange->err.code == ERR_FORBIDDEN ? "its address is not a public one (--channels-allow-private)"
                    : words != NULL                     ? words + 3
                                                        : "could not be reached");
    }
}

static const struct http_client_header json_headers[] = { { "content-type", "application/json; charset=utf-8" },
                                                          { NULL, NULL } };

/* To one fixed address that is a secret. */
static const char *secret_url(struct sending *sending, struct outcome *outcome)
{
    const char *url = send_secret(sending, "url");
    if (url == NULL) send_failed(outcome, true, "the channel's address is not there: give it anew");
    return url;
}

static void send_slack(struct sending *sending, struct buf *body, struct outcome *outcome)
{
    struct err err = { 0 };
    struct http_exchange exchange;
    const char *url = secret_url(sending, outcome);
    if (url == NULL) return;
    if (!render_slack(&sending->message, &sending->context, &(struct render_slack){ 0 }, body, &err)) {
        send_failed(outcome, true, "%s", err.text);
        return;
    }
    send_post(sending, url, json_headers, buf_bytes(body), &exchange, outcome);
    http_exchange_deinit(&exchange);
}

/* ---- Discord: with images the message is one part of a form, the images the others ---- */

static bool form_make(struct sending *sending, struct buf *body, struct err *err)
{
    struct buf json;
    const char *id = sending->context.id;
    buf_init(&json, MESSAGE_BYTES_MAX);
    bool ok = render_discord(&sending->message, &sending->context, &json, err);
    ok = ok && buf_printf(body,
                          "--%s\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: "
                          "application/json\r\n\r\n%.*s\r\n",
                          id, (int)json.len, (const char *)json.ptr);
    for (uint32_t i = 0; ok && i < sending->message.image_count && i < 10; i++) {
        struct bytes png = sending->message.images[i].png;
        ok = buf_printf(body,
                        "--%s\r\nContent-Disposition: form-data; name=\"files[%" PRIu32 "]\"; filename=\"chart%" PRIu32
                        ".png\"\r\nContent-Type: image/png\r\n\r\n",
                        id, i, i + 1) &&
             buf_add(body, png.ptr, png.len) && buf_add(body, "\r\n", 2);
    }
    ok = ok && buf_printf(body, "--%s--\r\n", id);
    buf_deinit(&json);
    return ok || err_set(err, ERR_TOO_LARGE, "the message is too long for its channel");
}

static void answer_id(const struct http_exchange *exchange, const char *name, struct outcome *outcome)
{
    struct bytes answer = buf_bytes(&exchange->body_answer);
    yyjson_doc *doc = answer.len > 0 ? yyjson_read((const char *)answer.ptr, answer.len, 0) : NULL;
    const char *id = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), name));
    if (id != NULL && strlen(id) < 100) snprintf(outcome->remote, sizeof outcome->remote, "%s", id);
    yyjson_doc_free(doc);
}

static void send_discord(struct sending *sending, struct buf *body, struct outcome *outcome)
{
    struct err err = { 0 };
    struct http_exchange exchange;
    bool is_form = sending->message.image_count > 0;
    const char *url = secret_url(sending, outcome);
    if (url == NULL) return;
    if (!(is_form ? form_make(sending, body, &err)
                  : render_discord(&sending->message, &sending->context, body, &err))) {
        send_failed(outcome, true, "%s", err.text);
        return;
    }
    const struct http_client_header form_headers[] = {
        { "content-type", arena_printf(sending->arena, "multipart/form-data; boundary=%s", sending->context.id) },
        { NULL, NULL }
    };
    url = arena_printf(sending->arena, "%s%cwait=true", url, strchr(url, '?') != NULL ? '&' : '?');
    send_post(sending, url, is_form ? form_headers : json_headers, buf_bytes(body), &exchange, outcome);
    if (outcome->is_sent) answer_id(&exchange, "id", outcome);
    http_exchange_deinit(&exchange);
}

static void send_pagerduty(struct sending *sending, struct buf *body, struct outcome *outcome)
{
    struct err err = { 0 };
    struct http_exchange exchange;
    const char *key = send_secret(sending, "routing_key"), *base = send_setting(sending, "api_url");
    if (key == NULL) {
        send_failed(outcome, true, "the channel's routing key is not there: give it anew");
        return;
    }
    const char *dedup_key = sending->message.thread_key.len > 0
                                ? inbound_key(sending->arena, sending->taken.project_id, sending->message.thread_key)
                                : sending->context.id;
    if (!render_pagerduty(&sending->message, &sending->context, bytes_of_text(key), dedup_key, body, &err)) {
        send_failed(outcome, true, "%s", err.text);
        return;
    }
    const char *url =
        arena_printf(sending->arena, "%s/v2/enqueue", base != NULL ? base : "https://events.pagerduty.com");
    send_post(sending, url, json_headers, buf_bytes(body), &exchange, outcome);
    if (outcome->is_sent) answer_id(&exchange, "dedup_key", outcome);
    http_exchange_deinit(&exchange);
}

/* ---- a generic webhook: signed as standardwebhooks.com has it ---- */

/* "v1,BASE64" of HMAC-SHA256 over "ID.TIMESTAMP.BODY"; a secret "whsec_..." is base64, any other is taken as it is. */
static const char *signature_make(struct sending *sending, const char *secret, int64_t seconds, struct bytes body)
{
    uint8_t mac[SHA256_BYTES], text[64], key[200];
    size_t key_len = strlen(secret);
    struct buf signed_bytes;
    struct bytes coded = bytes_of_text(secret);
    if (strncmp(secret, "whsec_", 6) == 0) coded = bytes_from(secret + 6, key_len - 6);
    bool is_coded =
        coded.len < key_len && coded.len / 4 * 3 + 3 <= sizeof key && base64_read(coded, BASE64_PADDED, key, &key_len);
    buf_init(&signed_bytes, body.len + 200);
    if (!buf_printf(&signed_bytes, "%s.%" PRId64 ".", sending->context.id, seconds) ||
        !buf_add(&signed_bytes, body.ptr, body.len))
        abort(); /* the bound holds them */
    hmac_sha256(is_coded ? bytes_from(key, key_len) : bytes_of_text(secret), buf_bytes(&signed_bytes), mac);
    buf_deinit(&signed_bytes);
    explicit_bzero(key, sizeof key);
    uint8_t *end = base64_put(text, bytes_from(mac, sizeof mac), true);
    return arena_printf(sending->arena, "v1,%.*s", (int)(end - text), (const char *)text);
}

static void send_webhook(struct sending *sending, struct buf *body, struct outcome *outcome)
{
    struct err err = { 0 };
    struct http_exchange exchange;
    struct http_client_header headers[8] = { 0 };
    uint32_t count = 0;
    const char *url = send_setting(sending, "url"), *secret = send_secret(sending, "secret");
    const char *form = send_setting(sending, "template"), *authorization = send_secret(sending, "authorization");
    const char *type = send_setting(sending, "content_type");
    int64_t seconds = clock_unix_us() / 1000000;
    if (url == NULL) {
        send_failed(outcome, true, "the channel has no address");
        return;
    }
    if (!render_webhook(&sending->message, &sending->context, bytes_of_text(form != NULL ? form : ""), body, &err)) {
        send_failed(outcome, true, "%s", err.text);
        return;
    }
    headers[count++] = (struct http_client_header){ "content-type", type != NULL ? type : "application/json" };
    headers[count++] = (struct http_client_header){ "webhook-id", sending->context.id };
    headers[count++] =
        (struct http_client_header){ "webhook-timestamp", arena_printf(sending->arena, "%" PRId64, seconds) };
    if (secret != NULL)
        headers[count++] = (struct http_client_header){ "webhook-signature",
                                                        signature_make(sending, secret, seconds, buf_bytes(body)) };
    if (authorization != NULL) headers[count++] = (struct http_client_header){ "authorization", authorization };
    send_post(sending, url, headers, buf_bytes(body), &exchange, outcome);
    http_exchange_deinit(&exchange);
}

void send_try(struct sending *sending, struct outcome *outcome)
{
    struct buf body;
    *outcome = (struct outcome){ 0 };
    buf_init(&body, 2 * MESSAGE_BYTES_MAX);
    switch (sending->channel.kind) {
    case CHANNEL_EMAIL: send_email(sending, outcome); break;
    case CHANNEL_SLACK: send_slack(sending, &body, outcome); break;
    case CHANNEL_SLACK_TOKEN: send_slack_token(sending, outcome); break;
    case CHANNEL_DISCORD: send_discord(sending, &body, outcome); break;
    case CHANNEL_PAGERDUTY: send_pagerduty(sending, &body, outcome); break;
    default: send_webhook(sending, &body, outcome);
    }
    buf_deinit(&body);
}
