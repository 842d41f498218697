/* Between the processes of a cluster: the port where this one hands out its segments (role worker), and the workers that it
 * follows (role query). */
#include "app/app_inside.h"
#include "app/roles.h"
#include "buffer/kafka/kafka.h"
#include "meta/meta.h"
#include "net/tls.h"
#include "peers/peer_server.h"
#include "peers/peers.h"
#include "timefusion/flush.h"
#include "worker/member.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLIENT_ID_WORKER "monoscope-worker/"

static bool worker_flush_by_peer(void *ctx, const char *app_id, uint64_t position, uint32_t timeout_ms, struct err *err)
{
    struct app *app = ctx;
    struct member *member = atomic_load(&app->flushable);
    if (!member) return err_set(err, ERR_NOT_FOUND, "this process has no partitions yet");
    return member_flush(member, app_id, position, timeout_ms, err);
}

/* "host:port" that others reach us by: what was set, else the address that we listen on, else the host's name. */
static bool own_address(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char host[PEERS_ADDRESS_BYTES] = "";
    const char *set = config->peer_address, *colon = strrchr(set, ':');
    bool has_port = colon && strchr(set, ':') == colon;
    has_port = has_port || strstr(set, "]:") != NULL; /* [::1]:4319 */
    snprintf(host, sizeof host, "%s", set[0] != '\0' ? set : config->listen);
    bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    if (is_any && gethostname(host, sizeof host - 1) != 0) return err_os(err, "the host has no name: --peer-address");
    bool is_bare = strchr(host, ':') != NULL && host[0] != '['; /* IPv6 */
    int len = has_port ? snprintf(app->peer_address, sizeof app->peer_address, "%s", set)
                       : snprintf(app->peer_address, sizeof app->peer_address, is_bare ? "[%.100s]:%u" : "%.100s:%u",
                                  host, peer_server_port(app->peer_server));
    if (len < (int)sizeof app->peer_address && strpbrk(app->peer_address, " \t/") == NULL) return true;
    return err_set(err, ERR_INPUT,
                   "--peer-address (or MONOSCOPE_PEER_ADDRESS) must be a host, or host:port, that the "
                   "other processes reach this one by");
}

/* Of the metadata that all processes share, unless it was set. */
static void cluster_key(struct app *app, char key[APP_CLUSTER_KEY_BYTES])
{
    if (app->config.cluster_key[0] != '\0') {
        snprintf(key, APP_CLUSTER_KEY_BYTES, "%s", app->config.cluster_key);
    } else {
        meta_cluster_key(app->meta, key);
    }
}

/* Without the clients' authorities of the other ports: peers show the cluster's key. */
static bool tls_open(struct app *app, struct err *err)
{
    struct tls_files files = { .cert = app->config.tls_cert, .key = app->config.tls_key };
    return !app->tls || tls_context_open(&app->peer_tls, &files, app->log, err);
}

bool app_peers_serve(struct app *app, struct err *err)
{
    char key[APP_CLUSTER_KEY_BYTES];
    cluster_key(app, key);
    if (!tls_open(app, err)) return false;
    struct peer_server_options options = {
        .address = app->config.listen,
        .port = (uint16_t)app->config.peer_port,
        .tls = app->peer_tls,
        .key = key,
        .timefusion = app->timefusion,
        .tails = app->tails,
        .flush = worker_flush_by_peer,
        .ctx = app,
        .log = app->log,
    };
    bool ok = peer_server_open(&app->peer_server, &options, err) ||
              err_within(err, "peer port %" PRIu64 " (another port: --peer-port)", app->config.peer_port);
    explicit_bzero(key, sizeof key);
    return ok && own_address(app, err);
}

void app_client_id(const struct app *app, char *client_id, size_t client_id_bytes)
{
    if (app->roles & ROLE_WORKER) {
        snprintf(client_id, client_id_bytes, CLIENT_ID_WORKER "%s", app->peer_address);
    } else {
        snprintf(client_id, client_id_bytes, "monoscope-%s", app->roles & ROLE_INGEST ? "ingest" : "query");
    }
}

/* ---- who has what ---- */

static void partition_describe(struct app *app, struct kafka_partition which, struct peers_partition *partition)
{
    snprintf(partition->name, sizeof partition->name, "%.80s/%u", kafka_topic_name(app->kafka, which.topic),
             which.number);
    flush_app_id(kafka_buffer_id(app->kafka, which.topic), which.number, partition->app_id);
    partition->is_lazy = which.topic != KAFKA_TELEMETRY;
}

/* The topics that workers read, one after the other; the first of each. */
static uint32_t partition_place(const struct app *app, struct kafka_partition which)
{
    uint32_t place = which.number;
    for (uint32_t t = 0; t < which.topic; t++) place += kafka_partition_count(app->kafka, (enum kafka_topic)t);
    return place;
}

static bool members_find(void *ctx, struct peers_members *out, struct err *err)
{
    struct app *app = ctx;
    struct kafka_members members;
    const size_t prefix = strlen(CLIENT_ID_WORKER);
    if (!kafka_members(app->kafka, &members, err)) return false;
    out->is_stable = members.is_stable;
    out->count = partition_place(app, (struct kafka_partition){ KAFKA_PARKED, 0 });
    out->partitions = mem_calloc(out->count + 1, sizeof *out->partitions);
    for (uint32_t t = 0; t < KAFKA_PARKED; t++) {
        for (uint32_t n = 0; n < kafka_partition_count(app->kafka, (enum kafka_topic)t); n++) {
            struct kafka_partition which = { (enum kafka_topic)t, n };
            partition_describe(app, which, &out->partitions[partition_place(app, which)]);
        }
    }
    for (uint32_t m = 0; m < members.count; m++) {
        const struct kafka_member *member = &members.members[m];
        if (strncmp(member->client_id, CLIENT_ID_WORKER, prefix) != 0) continue;
        for (uint32_t p = 0; p < member->partition_count; p++) {
            uint32_t place = partition_place(app, member->partitions[p]);
            if (member->partitions[p].topic >= KAFKA_PARKED || place >= out->count) continue;
            struct peers_partition *partition = &out->partitions[place];
            snprintf(partition->address, sizeof partition->address, "%s", member->client_id + prefix);
        }
    }
    kafka_members_deinit(&members);
    /* The retry topics go with the first partition (kafka_group.h). */
    for (uint32_t place = 1; place < out->count; place++) {
        struct peers_partition *partition = &out->partitions[place];
        if (partition->is_lazy) memcpy(partition->address, out->partitions[0].address, sizeof partition->address);
    }
    return true;
}

bool app_peers_follow(struct app *app, struct err *err)
{
    char key[APP_CLUSTER_KEY_BYTES];
    cluster_key(app, key);
    struct peers_options options = {
        .timefusion = app->timefusion,
        .members = members_find,
        .ctx = app,
        .own_address = app->peer_server ? app->peer_address : NULL,
        .key = key,
        .ca_file = app->config.peer_ca,
        .has_tls = app->tls != NULL,
        .disk_bytes_max = app->config.peer_disk_bytes,
        .footer_bytes_max = app->budget.columns / 2,
        .log = app->log,
    };
    bool ok = peers_open(&app->peers, &options, err);
    explicit_bzero(key, sizeof key);
    return ok;
}
