/* What a channel's settings and secrets may be. */
#include <stdio.h>
#include <yyjson.h>

#include "base/utf8.h"
#include "channels/channel.h"
#include "channels/message.h"
#include "channels/template.h"
#include "net/http_client.h"

enum member_kind {
    MEMBER_TEXT,
    MEMBER_URL,
    MEMBER_ADDRESS,
    MEMBER_ADDRESSES,
    MEMBER_SERVER,
    MEMBER_TLS,
    MEMBER_FLOODS,
    MEMBER_TEMPLATE
};
struct member {
    enum channel_kind channel;
    bool is_secret, is_needed;
    const char *name; /* as an error's place has it */
    enum member_kind kind;
    size_t bytes_max;
};
static const struct member members[] = {
    { CHANNEL_EMAIL, false, true, "settings/to", MEMBER_ADDRESSES, 50 },
    { CHANNEL_EMAIL, false, false, "settings/from", MEMBER_ADDRESS, 254 },
    { CHANNEL_EMAIL, false, false, "settings/server", MEMBER_SERVER, 300 },
    { CHANNEL_EMAIL, false, false, "settings/user", MEMBER_TEXT, 254 },
    { CHANNEL_EMAIL, false, false, "settings/tls", MEMBER_TLS, 16 },
    { CHANNEL_EMAIL, true, false, "secrets/password", MEMBER_TEXT, 500 },
    { CHANNEL_SLACK, true, true, "secrets/url", MEMBER_URL, 1000 },
    { CHANNEL_SLACK, true, false, "secrets/signing_secret", MEMBER_TEXT, 200 },
    { CHANNEL_SLACK_TOKEN, false, true, "settings/channel", MEMBER_TEXT, 80 },
    { CHANNEL_SLACK_TOKEN, false, false, "settings/api_url", MEMBER_URL, 500 },
    { CHANNEL_SLACK_TOKEN, true, true, "secrets/token", MEMBER_TEXT, 500 },
    { CHANNEL_SLACK_TOKEN, true, false, "secrets/signing_secret", MEMBER_TEXT, 200 },
    { CHANNEL_DISCORD, true, true, "secrets/url", MEMBER_URL, 1000 },
    { CHANNEL_PAGERDUTY, false, false, "settings/api_url", MEMBER_URL, 500 },
    { CHANNEL_PAGERDUTY, true, true, "secrets/routing_key", MEMBER_TEXT, 64 },
    { CHANNEL_PAGERDUTY, true, false, "secrets/webhook_secret", MEMBER_TEXT, 200 },
    { CHANNEL_WEBHOOK, false, true, "settings/url", MEMBER_URL, 1000 },
    { CHANNEL_WEBHOOK, false, false, "settings/template", MEMBER_TEMPLATE, TEMPLATE_BYTES_MAX },
    { CHANNEL_WEBHOOK, false, false, "settings/content_type", MEMBER_TEXT, 100 },
    { CHANNEL_WEBHOOK, false, false, "settings/floods", MEMBER_FLOODS, 16 },
    { CHANNEL_WEBHOOK, true, false, "secrets/secret", MEMBER_TEXT, 200 },
    { CHANNEL_WEBHOOK, true, false, "secrets/authorization", MEMBER_TEXT, 1000 },
};

bool channel_kind_find(struct bytes name, enum channel_kind *kind)
{
    for (int k = 0; k < CHANNEL_KIND_COUNT; k++) {
        if (!bytes_equal(name, bytes_of_text(channel_kind_names[k]))) continue;
        *kind = (enum channel_kind)k;
        return true;
    }
    return false;
}

/* Nothing that could end a header's line or a word of SMTP. */
static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return utf8_is_valid(text);
}

/* One address of mail, as it stands between < and >. */
static bool is_address(struct bytes text)
{
    const uint8_t *at = text.len > 0 ? memrchr(text.ptr, '@', text.len) : NULL;
    if (at == NULL || at == text.ptr || at + 1 == text.ptr + text.len || text.len > 254) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7F || strchr("<>,;:\"()[]\\", text.ptr[i]) != NULL) return false;
    return memchr(text.ptr, '@', (size_t)(at - text.ptr)) == NULL;
}

static bool url_check(struct bytes text, struct err *err)
{
    char url[1024];
    if (text.len >= sizeof url) return err_set(err, ERR_INPUT, "the address is too long");
    snprintf(url, sizeof url, "%.*s", (int)text.len, (const char *)text.ptr);
    if (!http_client_url_check(url, err)) return false;
    const char *host = strstr(url, "://") + 3;
    if (memchr(host, '@', strcspn(host, "/?")) != NULL || strpbrk(url, "#\\") != NULL)
        return err_set(err, ERR_INPUT, "the address may have no user and no fragment");
    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~') return err_set(err, ERR_INPUT, "the address has a character that no URL has");
    return true;
}

static bool server_check(struct bytes text, struct err *err)
{
    char url[320], host[256];
    unsigned port;
    int end = 0;
    snprintf(url, sizeof url, "%.*s", (int)text.len, (const char *)text.ptr);
    const char *rest = strncmp(url, "smtp://", 7) == 0 ? url + 7 : strncmp(url, "smtps://", 8) == 0 ? url + 8 : NULL;
    if (rest == NULL || sscanf(rest, "%255[A-Za-z0-9.:-]%n", host, &end) != 1 || rest[end] != '\0')
        return err_set(err, ERR_INPUT, "the server of mail is smtp://host:587 or smtps://host:465");
    const char *colon = strrchr(host, ':');
    return colon == NULL || (sscanf(colon + 1, "%5u", &port) == 1 && port > 0 && port < 65536) ||
           err_set(err, ERR_INPUT, "the server's port is a number up to 65535");
}

static bool addresses_check(yyjson_val *list, size_t count_max, struct err *err)
{
    size_t at, max;
    yyjson_val *one;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) == 0 || yyjson_arr_size(list) > count_max)
        return err_set(err, ERR_INPUT, "to is a list of 1 to %zu addresses", count_max);
    yyjson_arr_foreach(list, at, max, one)
    {
        if (!yyjson_is_str(one) || !is_address(bytes_from(yyjson_get_str(one), yyjson_get_len(one))))
            return err_set(err, ERR_INPUT, "address %zu is none such as ops@example.com", at + 1);
    }
    return true;
}

static bool value_check(const struct member *member, yyjson_val *value, struct err *err)
{
    struct bytes text = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
    if (member->kind == MEMBER_ADDRESSES) return addresses_check(value, member->bytes_max, err);
    if (!yyjson_is_str(value) || text.len > member->bytes_max)
        return err_set(err, ERR_INPUT, "%s is a text of at most %zu bytes", member->name, member->bytes_max);
    if (member->kind == MEMBER_TEMPLATE) return template_check(text, err);
    if (!is_plain(text)) return err_set(err, ERR_INPUT, "%s has a control character", member->name);
    switch (member->kind) {
    case MEMBER_URL: return url_check(text, err);
    case MEMBER_SERVER: return server_check(text, err);
    case MEMBER_ADDRESS:
        return is_address(text) || err_set(err, ERR_INPUT, "this is no address such as mono@example.com");
    case MEMBER_TLS:
        return bytes_equal(text, BYTES("starttls")) || bytes_equal(text, BYTES("none")) ||
               err_set(err, ERR_INPUT, "tls is starttls or none; with smtps:// it is from the first byte");
    case MEMBER_FLOODS:
        return bytes_equal(text, BYTES("each")) || bytes_equal(text, BYTES("digest")) ||
               err_set(err, ERR_INPUT, "floods is each, or digest: one message of those that are too many");
    default: return text.len > 0 || err_set(err, ERR_INPUT, "%s is empty", member->name);
    }
}

/* Each member of an object is one of the kind's, and those that must be there are. */
static bool object_check(const struct channel *channel, yyjson_val *object, bool is_secret, bool has_old,
                         const char **name, struct err *err)
{
    size_t at, max, known = 0;
    yyjson_val *key, *value;
    (void)key;
    for (size_t m = 0; m < COUNT_OF(members); m++) {
        const struct member *member = &members[m];
        if (member->channel != channel->kind || member->is_secret != is_secret) continue;
        *name = member->name;
        value = yyjson_obj_get(object, strchr(member->name, '/') + 1);
        if (value == NULL || yyjson_is_null(value)) {
            if (member->is_needed && !(is_secret && has_old))
                return err_set(err, ERR_INPUT, "a channel of kind %s needs %s", channel_kind_names[channel->kind],
                               member->name);
            known += value != NULL;
            continue;
        }
        known++;
        if (!value_check(member, value, err)) return false;
    }
    *name = is_secret ? "secrets" : "settings";
    if (known == yyjson_obj_size(object)) return true;
    yyjson_obj_foreach(object, at, max, key, value)
    {
        bool is_known = false;
        for (size_t m = 0; m < COUNT_OF(members); m++)
            is_known = is_known || (members[m].channel == channel->kind && members[m].is_secret == is_secret &&
                                    yyjson_equals_str(key, strchr(members[m].name, '/') + 1));
        if (!is_known)
            return err_set(err, ERR_INPUT, "a channel of kind %s has no %s", channel_kind_names[channel->kind],
                           yyjson_get_str(key));
    }
    return err_set(err, ERR_INPUT, "a member is there twice");
}

static bool texts_check(yyjson_val *list, struct err *err)
{
    size_t at, max;
    yyjson_val *one;
    if (list == NULL) return true;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > 50)
        return err_set(err, ERR_INPUT, "services and environments are lists of at most 50 patterns");
    yyjson_arr_foreach(list, at, max, one)
    {
        if (!yyjson_is_str(one) || yyjson_get_len(one) == 0 || yyjson_get_len(one) > 200)
            return err_set(err, ERR_INPUT, "a pattern is a text such as shop-*");
    }
    return true;
}

static bool routes_check(yyjson_val *routes, struct err *err)
{
    size_t at, max;
    yyjson_val *route;
    if (!yyjson_is_arr(routes) || yyjson_arr_size(routes) > 50)
        return err_set(err, ERR_INPUT, "routes are a list of at most 50");
    yyjson_arr_foreach(routes, at, max, route)
    {
        uint32_t severity = 0;
        while (severity < MESSAGE_SEVERITY_COUNT &&
               !yyjson_equals_str(yyjson_obj_get(route, "severity"), message_severity_names[severity]))
            severity++;
        if (severity == MESSAGE_SEVERITY_COUNT)
            return err_set(err, ERR_INPUT, "route %zu needs a severity: info, warning or critical", at + 1);
        if (!texts_check(yyjson_obj_get(route, "services"), err) ||
            !texts_check(yyjson_obj_get(route, "environments"), err))
            return false;
    }
    return true;
}

bool channel_takes_digests(enum channel_kind kind, struct bytes settings)
{
    if (kind != CHANNEL_WEBHOOK) return kind != CHANNEL_PAGERDUTY;
    yyjson_doc *doc = yyjson_read((const char *)settings.ptr, settings.len, 0);
    bool takes = yyjson_equals_str(yyjson_obj_get(yyjson_doc_get_root(doc), "floods"), "digest");
    yyjson_doc_free(doc);
    return takes;
}

bool channel_check(const struct channel *channel, struct bytes secrets, bool has_old, const char **member,
                   struct err *err)
{
    *member = "name";
    if (channel->name.len == 0 || channel->name.len > CHANNEL_NAME_BYTES_MAX || !is_plain(channel->name))
        return err_set(err, ERR_INPUT, "a channel's name has 1 to %d bytes, in one line", CHANNEL_NAME_BYTES_MAX);
    *member = "settings";
    if (channel->settings.len > CHANNEL_SETTINGS_BYTES_MAX || channel->routes.len > CHANNEL_ROUTES_BYTES_MAX ||
        secrets.len + 64 > CHANNEL_SECRETS_BYTES_MAX)
        return err_set(err, ERR_INPUT, "the settings of the channel are too long");
    yyjson_doc *settings_doc = yyjson_read((const char *)channel->settings.ptr, channel->settings.len, 0);
    yyjson_doc *secrets_doc = secrets.len > 0 ? yyjson_read((const char *)secrets.ptr, secrets.len, 0) : NULL;
    yyjson_doc *routes_doc = yyjson_read((const char *)channel->routes.ptr, channel->routes.len, 0);
    bool ok = yyjson_is_obj(yyjson_doc_get_root(settings_doc)) ||
              err_set(err, ERR_INPUT, "the settings of a channel are a JSON object");
    ok = ok && object_check(channel, yyjson_doc_get_root(settings_doc), false, false, member, err) &&
         object_check(channel, yyjson_doc_get_root(secrets_doc), true, has_old && secrets.len == 0, member, err);
    if (ok) *member = "routes";
    ok = ok && routes_check(yyjson_doc_get_root(routes_doc), err);
    yyjson_doc_free(settings_doc);
    yyjson_doc_free(secrets_doc);
    yyjson_doc_free(routes_doc);
    return ok;
}
