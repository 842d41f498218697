#include "channels/inbound.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#include "base/sha256.h"
#include "base/utf8.h"

#define KEY_BEGIN "monoscope:"

const char *inbound_secret_name(enum channel_kind kind)
{
    if (kind == CHANNEL_SLACK || kind == CHANNEL_SLACK_TOKEN) return "signing_secret";
    return kind == CHANNEL_PAGERDUTY ? "webhook_secret" : NULL;
}

/* ---- signatures ---- */

static bool slack_check(const struct inbound_head *head, struct bytes body, struct bytes secret, int64_t now_unix_us,
                        struct err *err)
{
    uint8_t mac[SHA256_BYTES];
    char signature[3 + SHA256_HEX_BYTES] = "v0=";
    int64_t seconds = 0;
    struct buf signed_text;
    if (head->slack_signature.len == 0 || head->slack_timestamp.len == 0)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "the request has no x-slack-signature or x-slack-request-timestamp: it does not come from Slack");
    for (size_t i = 0; i < head->slack_timestamp.len; i++) {
        uint8_t digit = head->slack_timestamp.ptr[i];
        if (digit < '0' || digit > '9' || i == 12)
            return err_set(err, ERR_UNAUTHENTICATED, "x-slack-request-timestamp is no number of seconds");
        seconds = 10 * seconds + digit - '0';
    }
    int64_t off_us = now_unix_us - seconds * 1000000;
    if (off_us > INBOUND_TOLERANCE_US || off_us < -INBOUND_TOLERANCE_US)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "x-slack-request-timestamp is more than five minutes off: an old request that was sent again, or "
            "this machine's clock is wrong");
    buf_init(&signed_text, INBOUND_BYTES_MAX + 64);
    bool ok =
        buf_printf(&signed_text, "v0:%.*s:", (int)head->slack_timestamp.len, (const char *)head->slack_timestamp.ptr) &&
        (body.len == 0 || buf_add(&signed_text, body.ptr, body.len));
    if (ok) hmac_sha256(secret, buf_bytes(&signed_text), mac);
    buf_deinit(&signed_text);
    if (!ok) return err_set(err, ERR_TOO_LARGE, "the request has more than %u bytes", INBOUND_BYTES_MAX);
    sha256_to_hex(mac, signature + 3);
    return bytes_equal_secret(head->slack_signature, bytes_of_text(signature)) ||
           err_set(
               err, ERR_UNAUTHENTICATED,
               "x-slack-signature is not by the channel's signing_secret: set it to the Signing Secret of the Slack "
               "app (Basic Information)");
}

static bool pagerduty_check(struct bytes signatures, struct bytes body, struct bytes secret, struct err *err)
{
    uint8_t mac[SHA256_BYTES];
    char wanted[3 + SHA256_HEX_BYTES] = "v1=";
    bool is_right = false;
    if (signatures.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the request has no x-pagerduty-signature: it does not come from a PagerDuty webhook (V3)");
    hmac_sha256(secret, body, mac);
    sha256_to_hex(mac, wanted + 3);
    for (struct bytes rest = signatures; rest.len > 0;) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        struct bytes one = bytes_from(rest.ptr, comma ? (size_t)(comma - rest.ptr) : rest.len);
        rest = comma ? bytes_from(comma + 1, rest.len - one.len - 1) : (struct bytes){ 0 };
        while (one.len > 0 && one.ptr[0] == ' ') one = bytes_from(one.ptr + 1, one.len - 1);
        is_right = bytes_equal_secret(one, bytes_of_text(wanted)) || is_right;
    }
    return is_right ||
           err_set(err, ERR_UNAUTHENTICATED,
                   "x-pagerduty-signature is not by the channel's webhook_secret: set it to the secret that "
                   "PagerDuty showed when the webhook was made");
}

bool inbound_check(enum channel_kind kind, const struct inbound_head *head, struct bytes body, struct bytes secret,
                   int64_t now_unix_us, struct err *err)
{
    const char *name = inbound_secret_name(kind);
    if (name == NULL)
        return err_set(err, ERR_NOT_FOUND, "a channel of kind %s takes nothing", channel_kind_names[kind]);
    if (body.len > INBOUND_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the request has more than %u bytes", INBOUND_BYTES_MAX);
    if (secret.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED, "the channel has no %s: set it, and what comes back is taken", name);
    return kind == CHANNEL_PAGERDUTY ? pagerduty_check(head->pagerduty_signature, body, secret, err)
                                     : slack_check(head, body, secret, now_unix_us, err);
}

/* ---- keys ---- */

const char *inbound_key(struct arena *arena, struct uuid project_id, struct bytes thread_key)
{
    char project[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, project);
    return arena_printf(arena, KEY_BEGIN "%s:%.*s", project, (int)thread_key.len, (const char *)thread_key.ptr);
}

bool inbound_key_read(struct bytes key, struct inbound *inbound)
{
    const size_t begin = sizeof KEY_BEGIN - 1, id_end = begin + UUID_TEXT_BYTES;
    char text[128];
    int end = 0;
    if (key.len >= sizeof text || key.len < id_end || memcmp(key.ptr, KEY_BEGIN, begin) != 0 ||
        memchr(key.ptr, '\0', key.len) != NULL ||
        !uuid_from_text(bytes_from(key.ptr + begin, UUID_TEXT_BYTES), &inbound->project_id))
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(key.len - id_end), (const char *)key.ptr + id_end);
    return sscanf(text, ":incident-%18" SCNd64 "-%18" SCNd64 "%n", &inbound->number, &inbound->episode, &end) == 2 &&
           text[end] == '\0' && inbound->number > 0 && inbound->episode > 0;
}

/* ---- what it says ---- */

static struct bytes text_of(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return bytes_from(yyjson_get_str(value), yyjson_get_len(value));
}

/* "Ann (Slack)", in one line. */
static struct bytes who_of(struct arena *arena, struct bytes name, const char *where)
{
    size_t len = utf8_cut(name, INBOUND_WHO_BYTES_MAX);
    if (len == 0 || !utf8_is_valid(name)) return bytes_of_text(arena_printf(arena, "somebody (%s)", where));
    char *who = arena_printf(arena, "%.*s (%s)", (int)len, (const char *)name.ptr, where);
    for (char *at = who; *at != '\0'; at++)
        if ((uint8_t)*at < ' ' || *at == 0x7F) *at = ' ';
    return bytes_of_text(who);
}

/* The first of ours; a button that is a link, or another app's, is nothing. */
static bool slack_read(yyjson_val *root, struct arena *arena, struct inbound *inbound)
{
    size_t at, max;
    yyjson_val *action, *user = yyjson_obj_get(root, "user");
    if (!yyjson_equals_str(yyjson_obj_get(root, "type"), "block_actions")) return false;
    yyjson_arr_foreach(yyjson_obj_get(root, "actions"), at, max, action)
    {
        yyjson_val *id = yyjson_obj_get(action, "action_id");
        enum inbound_act act = yyjson_equals_str(id, INBOUND_ACKNOWLEDGE_ACTION) ? INBOUND_ACKNOWLEDGE
                               : yyjson_equals_str(id, INBOUND_RESOLVE_ACTION)   ? INBOUND_RESOLVE
                                                                                 : INBOUND_NOTHING;
        if (act == INBOUND_NOTHING || !inbound_key_read(text_of(action, "value"), inbound)) continue;
        struct bytes name = text_of(user, "name");
        if (name.len == 0) name = text_of(user, "username");
        inbound->who = who_of(arena, name.len > 0 ? name : text_of(user, "id"), "Slack");
        inbound->act = act;
        return true;
    }
    return false;
}

/* incident_key is the dedup_key of the event that made the incident there. */
static bool pagerduty_read(yyjson_val *root, struct arena *arena, struct inbound *inbound)
{
    yyjson_val *event = yyjson_obj_get(root, "event"), *type = yyjson_obj_get(event, "event_type");
    inbound->act = yyjson_equals_str(type, "incident.acknowledged") ? INBOUND_ACKNOWLEDGE
                   : yyjson_equals_str(type, "incident.resolved")   ? INBOUND_RESOLVE
                                                                    : INBOUND_NOTHING;
    if (inbound->act == INBOUND_NOTHING ||
        !inbound_key_read(text_of(yyjson_obj_get(event, "data"), "incident_key"), inbound))
        return false;
    inbound->who = who_of(arena, text_of(yyjson_obj_get(event, "agent"), "summary"), "PagerDuty");
    return true;
}

bool inbound_read(enum channel_kind kind, struct bytes json, struct arena *arena, struct inbound *inbound,
                  struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_object = yyjson_is_obj(root);
    *inbound = (struct inbound){ 0 };
    bool is_ours = is_object && (kind == CHANNEL_PAGERDUTY ? pagerduty_read(root, arena, inbound)
                                                           : slack_read(root, arena, inbound));
    if (!is_ours) *inbound = (struct inbound){ 0 };
    yyjson_doc_free(doc);
    return is_object || err_set(err, ERR_INPUT, "%s is no JSON object",
                                kind == CHANNEL_PAGERDUTY ? "the body" : "the form's field \"payload\"");
}
