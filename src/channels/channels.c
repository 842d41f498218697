#include "channels/channels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/sha256.h"
#include "channels/channels_inside.h"
#include "meta/secret.h"
#include "net/http_client.h"

static void host_find(struct channels *channels)
{
    const char *host = strstr(channels->options.public_url, "://");
    host = host != NULL ? host + 3 : "monoscope.local";
    snprintf(channels->host, sizeof channels->host, "%.*s", (int)strcspn(host, ":/?#"), host);
}

static bool secrets_find(struct channels *channels, struct err *err)
{
    uint8_t secret[SECRET_BYTES];
    if (!secret_find(channels->options.db, "channels", secret, err) ||
        !secret_find(channels->options.db, "acknowledge", channels->ack_key, err))
        return false;
    hmac_sha256(bytes_from(secret, sizeof secret), bytes_of_text(channels->options.seal_secret), channels->seal.key);
    explicit_bzero(secret, sizeof secret);
    return true;
}

bool channels_open(struct channels **out, const struct channels_options *options, struct err *err)
{
    struct channels *channels = mem_calloc(1, sizeof *channels);
    channels->options = *options;
    channels->options.name = mem_strdup(options->name);
    channels->options.smtp_password = mem_strdup(options->smtp_password);
    if (channels->options.give_up_us == 0) channels->options.give_up_us = DELIVERY_GIVE_UP_US;
    channels->owner = uuid_of_name((struct uuid){ { 0 } }, bytes_of_text(options->name));
    host_find(channels);
    pthread_mutex_init(&channels->lock, NULL);
    pthread_cond_init(&channels->changed, NULL);
    *out = channels;
    bool ok = secrets_find(channels, err);
    channels->options.seal_secret = NULL;
    if (ok) return true;
    channels_close(channels);
    *out = NULL;
    return false;
}

void channels_close(struct channels *channels)
{
    if (channels == NULL) return;
    channels_stop(channels);
    http_client_destroy(channels->client);
    explicit_bzero(&channels->seal, sizeof channels->seal);
    free((char *)channels->options.name);
    explicit_bzero((char *)channels->options.smtp_password, strlen(channels->options.smtp_password));
    free((char *)channels->options.smtp_password);
    pthread_cond_destroy(&channels->changed);
    pthread_mutex_destroy(&channels->lock);
    free(channels);
}

const struct channel_seal *channels_seal(const struct channels *channels)
{
    return &channels->seal;
}

bool channels_has_mail(const struct channels *channels)
{
    return channels->options.smtp_url[0] != '\0';
}

void channels_stats(const struct channels *channels, struct channels_stats *stats)
{
    pthread_mutex_lock((pthread_mutex_t *)&channels->lock);
    *stats = channels->stats;
    pthread_mutex_unlock((pthread_mutex_t *)&channels->lock);
}

/* ---- links: PROJECT.INCIDENT.UNTIL.MAC ---- */

static void ack_mac(const struct channels *channels, struct bytes text, char hex[SHA256_HEX_BYTES])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(bytes_from(channels->ack_key, sizeof channels->ack_key), text, mac);
    sha256_to_hex(mac, hex);
}

void channels_ack_make(const struct channels *channels, struct uuid project_id, int64_t incident, int64_t until_unix_us,
                       char token[CHANNELS_ACK_BYTES])
{
    char project[UUID_TEXT_BYTES + 1], hex[SHA256_HEX_BYTES];
    uuid_to_text(project_id, project);
    int len =
        snprintf(token, CHANNELS_ACK_BYTES, "%s.%" PRId64 ".%" PRId64, project, incident, until_unix_us / 1000000);
    ack_mac(channels, bytes_from(token, (size_t)len), hex);
    snprintf(token + len, CHANNELS_ACK_BYTES - (size_t)len, ".%s", hex);
}

bool channels_ack_read(const struct channels *channels, struct bytes token, int64_t now_unix_us,
                       struct uuid *project_id, int64_t *incident)
{
    char text[CHANNELS_ACK_BYTES], hex[SHA256_HEX_BYTES];
    const uint8_t *dot = token.len > 0 ? memrchr(token.ptr, '.', token.len) : NULL;
    if (dot == NULL || token.len >= sizeof text) return false;
    struct bytes said = bytes_from(token.ptr, (size_t)(dot - token.ptr));
    ack_mac(channels, said, hex);
    if (!bytes_equal_secret(bytes_from(dot + 1, token.len - said.len - 1), bytes_of_text(hex))) return false;
    snprintf(text, sizeof text, "%.*s", (int)said.len, (const char *)said.ptr);
    char *numbers = strchr(text, '.'), *end;
    if (numbers == NULL || !uuid_from_text(bytes_from(text, (size_t)(numbers - text)), project_id)) return false;
    *incident = strtoll(numbers + 1, &end, 10);
    return *end == '.' && strtoll(end + 1, NULL, 10) >= now_unix_us / 1000000;
}
