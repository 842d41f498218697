#include "peers/peers.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "peers/follower.h"
#include "peers/tail_feed.h"
#include "timefusion/segment/segment.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TURN_MS = 250,
    MEMBERS_MS = 1000,
    MEMBERS_OLD_MS = 10000, /* not told for so long: who has what may have changed */
    TABLES_OLD_MS = 10000,
    PARTING_MS =
        60000, /* a worker that has no partition any more is followed so long: others may not have come as far */
    WARNINGS_MAX = 20,
    FLUSH_RETRY_MS = 100,
    FLUSH_ASK_MS = 10000, /* of one request; then the owner is looked up again */
    TAIL_ASK_MS = 1000,
    TAIL_AWAY_MS = 2000, /* who did not answer is asked again after */
    TAIL_WORKERS_MAX = 64,
};

struct peer {
    struct follower *follower;
    uint64_t wanted_ns; /* when a partition was last its */
};

struct peers {
    struct peers_options options;
    struct followers shared;
    char *authorization;
    pthread_t thread;
    bool thread_runs;
    atomic_bool stops;

    pthread_mutex_t lock; /* guards what follows; the thread alone changes it */
    struct peer *peers;
    uint32_t peer_count;
    struct peers_partition *partitions;
    uint32_t partition_count;
    uint64_t members_ns; /* when they were told; 0: never */
    struct err members_err;
    struct peers_stats counted;
};

/* ---- members ---- */

static struct peer *peer_find(struct peers *peers, const char *address)
{
    for (uint32_t p = 0; p < peers->peer_count; p++)
        if (strcmp(follower_address(peers->peers[p].follower), address) == 0) return &peers->peers[p];
    return NULL;
}

static bool is_own(const struct peers *peers, const char *address)
{
    return peers->options.own_address && strcmp(address, peers->options.own_address) == 0;
}

/* While they are being shared out anew some have nobody: then the last that had them is the one to ask. */
static void partitions_set(struct peers *peers, struct peers_members *members)
{
    for (uint32_t m = 0; m < members->count && !members->is_stable; m++) {
        struct peers_partition *partition = &members->partitions[m];
        for (uint32_t p = 0; p < peers->partition_count && partition->address[0] == '\0'; p++)
            if (strcmp(peers->partitions[p].app_id, partition->app_id) == 0)
                memcpy(partition->address, peers->partitions[p].address, sizeof partition->address);
    }
    pthread_mutex_lock(&peers->lock);
    free(peers->partitions);
    peers->partitions = members->partitions;
    peers->partition_count = members->count;
    peers->members_ns = clock_mono_ns();
    pthread_mutex_unlock(&peers->lock);
}

static void followers_meet(struct peers *peers, uint64_t now_ns)
{
    for (uint32_t p = 0; p < peers->partition_count; p++) {
        const char *address = peers->partitions[p].address;
        struct follower *follower;
        struct err err = { 0 };
        if (address[0] == '\0' || is_own(peers, address)) continue;
        struct peer *peer = peer_find(peers, address);
        if (peer) {
            peer->wanted_ns = now_ns;
            continue;
        }
        if (!follower_open(&follower, &peers->shared, address, &err)) {
            log_error(peers->options.log, "peers.follow_failed", log_text("peer", address), log_text("err", err.text));
            continue;
        }
        log_info(peers->options.log, "peers.followed", log_text("peer", address));
        pthread_mutex_lock(&peers->lock);
        peers->peers = mem_realloc(peers->peers, (peers->peer_count + 1) * sizeof *peers->peers);
        peers->peers[peers->peer_count++] = (struct peer){ follower, now_ns };
        pthread_mutex_unlock(&peers->lock);
    }
}

static void followers_part(struct peers *peers, uint64_t now_ns)
{
    for (uint32_t p = peers->peer_count; p-- > 0;) {
        struct peer peer = peers->peers[p];
        if (now_ns - peer.wanted_ns < PARTING_MS * 1000000ull) continue;
        pthread_mutex_lock(&peers->lock);
        peers->peers[p] = peers->peers[--peers->peer_count];
        pthread_mutex_unlock(&peers->lock);
        log_info(peers->options.log, "peers.parted", log_text("peer", follower_address(peer.follower)));
        follower_close(peer.follower);
    }
}

static void members_ask(struct peers *peers)
{
    struct peers_members members = { 0 };
    struct err err = { 0 };
    bool had_failed = peers->members_err.code != ERR_OK;
    bool ok = peers->options.members(peers->options.ctx, &members, &err);
    if (ok) {
        partitions_set(peers, &members);
    } else {
        free(members.partitions);
        if (!had_failed) log_warn(peers->options.log, "peers.members_failed", log_text("err", err.text));
    }
    pthread_mutex_lock(&peers->lock);
    peers->members_err = ok ? (struct err){ 0 } : err;
    pthread_mutex_unlock(&peers->lock);
    uint64_t now_ns = clock_mono_ns();
    if (ok) {
        followers_meet(peers, now_ns);
        followers_part(peers, now_ns);
    }
}

/* ---- warnings ---- */

struct warnings {
    char texts[WARNINGS_MAX][400];
    uint32_t count, left_out;
};

static void warning_add(struct warnings *warnings, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warning_add(struct warnings *warnings, const char *fmt, ...)
{
    if (warnings->count == WARNINGS_MAX - 1) {
        warnings->left_out++;
        return;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(warnings->texts[warnings->count++], sizeof warnings->texts[0], fmt, args);
    va_end(args);
}

/* Of one partition: whose segments of it are seen. */
struct seen {
    const char *app_id;
    uint64_t epoch;     /* chosen in every table; 0: none */
    uint64_t own_epoch; /* of our own owner of it; 0: none */
};
static bool seen_look(void *ctx, const struct owner_state *state)
{
    struct seen *seen = ctx;
    if (strcmp(state->app_id, seen->app_id) != 0) return true;
    if (state->is_chosen) seen->epoch = state->epoch;
    if (!state->is_copy && state->is_open) seen->own_epoch = state->epoch;
    return true;
}

static void partition_warn(struct peers *peers, const struct peers_partition *partition, struct warnings *warnings)
{
    struct peers_stats *counted = &peers->counted;
    struct seen seen = { .app_id = partition->app_id };
    const char *name = partition->name, *address = partition->address;
    struct follower_state state = { 0 };
    uint64_t epoch = 0;
    if (address[0] == '\0' && partition->is_lazy) return;
    if (address[0] == '\0') {
        counted->partitions_without_worker++;
        warning_add(warnings, "partition \"%s\" has no worker: its newest rows are missing until one takes it", name);
        return;
    }
    owners_each(timefusion_segments(peers->options.timefusion), seen_look, &seen);
    struct peer *peer = peer_find(peers, address);
    if (peer) follower_state(peer->follower, &state);
    if (is_own(peers, address) || state.is_self) {
        epoch = seen.own_epoch;
    } else if (!peer || state.is_away || !state.has_answered) {
        counted->partitions_away++;
        warning_add(warnings, "worker \"%s\" of partition \"%s\" %s%s: its newest rows are missing", address, name,
                    state.is_away ? "does not answer: " : "has not answered yet", state.why);
        return;
    } else {
        epoch = follower_epoch(peer->follower, partition->app_id);
    }
    if (epoch != 0 ? seen.epoch >= epoch : partition->is_lazy) return;
    counted->partitions_behind++;
    warning_add(warnings,
                "worker \"%s\" is taking over partition \"%s\": rows newer than those of the worker before it are "
                "missing until it has come as far",
                address, name);
}

static void state_look(struct peers *peers)
{
    struct warnings warnings = { .count = 0 };
    const char *texts[WARNINGS_MAX];
    uint64_t now_ns = clock_mono_ns();
    bool is_told = peers->members_ns > 0 && now_ns - peers->members_ns < MEMBERS_OLD_MS * 1000000ull;
    timefusion_trim(peers->options.timefusion);
    pthread_mutex_lock(&peers->lock);
    peers->counted = (struct peers_stats){ 0 };
    if (!is_told)
        warning_add(&warnings, "which workers have the newest rows is not known, some may be missing: %s",
                    peers->members_err.code != ERR_OK ? peers->members_err.text : "Kafka has not told yet");
    for (uint32_t p = 0; p < peers->partition_count; p++) partition_warn(peers, &peers->partitions[p], &warnings);
    uint64_t looked_ns = timefusion_looked_mono_ns(peers->options.timefusion);
    if (looked_ns > 0 && now_ns - looked_ns > TABLES_OLD_MS * 1000000ull && peers->peer_count > 0)
        warning_add(
            &warnings,
            "the tables could not be looked at for %u s, so nothing new is taken from workers: the newest rows are "
            "missing",
            (unsigned)((now_ns - looked_ns) / 1000000000));
    if (atomic_load(&peers->shared.is_full))
        warning_add(&warnings,
                    "copies of workers' segments have reached %" PRIu64
                    " bytes (--peer-disk) or their part of --memory: "
                    "newer rows are missing until the tables have more of them",
                    peers->shared.disk_bytes_max);
    if (warnings.left_out > 0) {
        snprintf(warnings.texts[warnings.count++], sizeof warnings.texts[0],
                 "and %u more partitions whose newest rows are missing", warnings.left_out);
    }
    peers->counted.has_members = is_told;
    pthread_mutex_unlock(&peers->lock);
    for (uint32_t w = 0; w < warnings.count; w++) texts[w] = warnings.texts[w];
    timefusion_warn(peers->options.timefusion, texts, warnings.count);
}

static void *peers_main(void *arg)
{
    struct peers *peers = arg;
    uint64_t members_due_ns = 0;
    pthread_setname_np(pthread_self(), "peers");
    while (!atomic_load(&peers->stops)) {
        if (clock_mono_ns() >= members_due_ns) {
            members_ask(peers);
            members_due_ns = clock_mono_ns() + MEMBERS_MS * 1000000ull;
        }
        state_look(peers);
        for (uint32_t slept = 0; slept < TURN_MS && !atomic_load(&peers->stops); slept += 25) clock_sleep_ms(25);
    }
    return NULL;
}

bool peers_open(struct peers **out, const struct peers_options *options, struct err *err)
{
    struct peers *peers = mem_calloc(1, sizeof *peers);
    size_t len = strlen(options->key) + 8;
    peers->options = *options;
    peers->options.key = NULL; /* not ours to keep */
    peers->authorization = mem_alloc(len);
    snprintf(peers->authorization, len, "Bearer %s", options->key);
    pthread_mutex_init(&peers->lock, NULL);
    peers->shared = (struct followers){
        .timefusion = options->timefusion,
        .client =
            http_client_create(&(struct http_client_options){ .exchanges_max = 256, .ca_file = options->ca_file }),
        .scheme = options->has_tls ? "https" : "http",
        .authorization = peers->authorization,
        .disk_bytes_max = options->disk_bytes_max,
        .footer_bytes_max = options->footer_bytes_max,
        .log = options->log,
    };
    errno = pthread_create(&peers->thread, NULL, peers_main, peers);
    if (errno != 0) {
        err_os(err, "could not start the thread that knows the workers");
        peers_close(peers);
        *out = NULL;
        return false;
    }
    peers->thread_runs = true;
    *out = peers;
    return true;
}

void peers_close(struct peers *peers)
{
    if (!peers) return;
    atomic_store(&peers->stops, true);
    atomic_store(&peers->shared.stops, true);
    if (peers->thread_runs) pthread_join(peers->thread, NULL);
    for (uint32_t p = 0; p < peers->peer_count; p++) follower_close(peers->peers[p].follower);
    http_client_destroy(peers->shared.client);
    timefusion_warn(peers->options.timefusion, NULL, 0);
    pthread_mutex_destroy(&peers->lock);
    free(peers->peers);
    free(peers->partitions);
    free(peers->authorization);
    free(peers);
}

/* ---- flush ---- */

struct flush_ask {
    char url[400];
    char address[PEERS_ADDRESS_BYTES];
    struct http_exchange exchange;
};

static bool address_of(struct peers *peers, const char *app_id, char address[PEERS_ADDRESS_BYTES])
{
    address[0] = '\0';
    pthread_mutex_lock(&peers->lock);
    for (uint32_t p = 0; p < peers->partition_count; p++)
        if (strcmp(peers->partitions[p].app_id, app_id) == 0)
            memcpy(address, peers->partitions[p].address, PEERS_ADDRESS_BYTES);
    pthread_mutex_unlock(&peers->lock);
    return address[0] != '\0';
}

/* Asks the owners of those that are not done, all at once. */
static void flush_turn(struct peers *peers, const struct peers_goal *goals, bool *is_done, uint32_t count,
                       uint32_t left_ms, struct err *err)
{
    const struct http_client_header headers[] = { { "authorization", peers->authorization }, { 0 } };
    struct flush_ask *asks = mem_calloc(count + 1, sizeof *asks);
    struct http_exchange *exchanges = mem_calloc(count + 1, sizeof *exchanges);
    uint32_t *goal_of = mem_calloc(count + 1, sizeof *goal_of);
    uint32_t asked = 0, wait_ms = left_ms < FLUSH_ASK_MS ? left_ms : FLUSH_ASK_MS;
    for (uint32_t g = 0; g < count; g++) {
        struct flush_ask *ask = &asks[asked];
        if (is_done[g]) continue;
        if (!address_of(peers, goals[g].app_id, ask->address)) {
            err_set(err, ERR_TIMEOUT, "partition \"%s\" has no worker", goals[g].app_id);
            continue;
        }
        snprintf(ask->url, sizeof ask->url, "%s://%s/peer/v1/flush?app_id=%s&position=%" PRIu64 "&wait=%u",
                 peers->shared.scheme, ask->address, goals[g].app_id, goals[g].position, wait_ms);
        exchanges[asked] = (struct http_exchange){ .method = "POST",
                                                   .url = ask->url,
                                                   .headers = headers,
                                                   .connect_ms_max = wait_ms,
                                                   .total_ms_max = wait_ms + 1000,
                                                   .answer_bytes_max = 1024,
                                                   .cancel = &peers->stops };
        goal_of[asked++] = g;
    }
    if (asked > 0) http_client_run(peers->shared.client, exchanges, asked);
    for (uint32_t a = 0; a < asked; a++) {
        const struct http_exchange *exchange = &exchanges[a];
        bool ok = exchange->err.code == ERR_OK && exchange->status == 204;
        is_done[goal_of[a]] = ok;
        if (!ok)
            err_set(err, ERR_TIMEOUT, "worker \"%s\" of partition \"%s\": %s", asks[a].address,
                    goals[goal_of[a]].app_id,
                    exchange->err.code != ERR_OK ? exchange->err.text : "it has not stored its rows yet");
        http_exchange_deinit(&exchanges[a]);
    }
    free(asks);
    free(exchanges);
    free(goal_of);
}

bool peers_flush(struct peers *peers, const struct peers_goal *goals, uint32_t count, uint32_t timeout_ms,
                 struct err *err)
{
    uint64_t until_ns = clock_mono_ns() + timeout_ms * 1000000ull;
    bool *is_done = mem_calloc(count + 1, sizeof *is_done), are_done = false;
    for (;;) {
        uint64_t now_ns = clock_mono_ns();
        *err = (struct err){ .code = ERR_TIMEOUT };
        are_done = true;
        for (uint32_t g = 0; g < count; g++) are_done = are_done && is_done[g];
        if (are_done || atomic_load(&peers->stops)) break;
        if (now_ns >= until_ns) now_ns = until_ns;
        flush_turn(peers, goals, is_done, count, (uint32_t)((until_ns - now_ns) / 1000000), err);
        are_done = true;
        for (uint32_t g = 0; g < count; g++) are_done = are_done && is_done[g];
        if (are_done || clock_mono_ns() >= until_ns) break;
        clock_sleep_ms(FLUSH_RETRY_MS);
    }
    free(is_done);
    if (are_done) {
        *err = (struct err){ 0 };
        return true;
    }
    err->code = ERR_TIMEOUT;
    return err_within(err, "not all rows were stored within %u ms", timeout_ms);
}

/* ---- the live tail ---- */

struct tail_asking {
    struct tail_source *source;
    char url[PEERS_ADDRESS_BYTES + 40];
    struct buf body;
};

/* Who is to be asked now. */
static uint32_t tail_askings(struct peers *peers, struct tail *tail, struct tail_asking *askings)
{
    uint64_t now_ns = clock_mono_ns();
    uint32_t count = 0;
    pthread_mutex_lock(&peers->lock);
    for (uint32_t p = 0; p < peers->peer_count && count < TAIL_WORKERS_MAX; p++) {
        const char *address = follower_address(peers->peers[p].follower);
        struct follower_state state;
        follower_state(peers->peers[p].follower, &state);
        struct tail_source *source = state.is_self ? NULL : tail_source(tail, address);
        if (!source || now_ns < source->away_until_ns) continue;
        struct tail_asking *asking = &askings[count++];
        asking->source = source;
        snprintf(asking->url, sizeof asking->url, "%s://%s/peer/v1/tail", peers->shared.scheme, address);
    }
    pthread_mutex_unlock(&peers->lock);
    return count;
}

static void tail_take(struct tail *tail, struct tail_source *source, const struct http_exchange *exchange)
{
    struct tail_feed_answer answer;
    struct bytes rows;
    struct err err = { 0 };
    if (exchange->err.code != ERR_OK || exchange->status != 200 ||
        !tail_feed_answer_read(buf_bytes(&exchange->body_answer), &answer, &rows, &err)) {
        source->away_until_ns = clock_mono_ns() + TAIL_AWAY_MS * 1000000ull;
        return;
    }
    if (answer.began != source->began) source->dropped = source->skipped = 0;
    while (rows.len > 0) {
        const uint8_t *end = memchr(rows.ptr, '\n', rows.len);
        size_t len = end ? (size_t)(end - rows.ptr) : rows.len;
        if (len > 0) tail_add(tail, bytes_from(rows.ptr, len));
        rows = bytes_from(rows.ptr + len + (end != NULL), rows.len - len - (end != NULL));
    }
    if (answer.dropped >= source->dropped && answer.skipped >= source->skipped)
        tail_add_counts(tail, answer.dropped - source->dropped, answer.skipped - source->skipped);
    source->began = answer.began;
    source->next = answer.next;
    source->dropped = answer.dropped;
    source->skipped = answer.skipped;
}

void peers_tail(struct peers *peers, struct tail *tail)
{
    const struct http_client_header headers[] = { { "authorization", peers->authorization }, { 0 } };
    struct tail_asking *askings = mem_calloc(TAIL_WORKERS_MAX, sizeof *askings);
    struct http_exchange exchanges[TAIL_WORKERS_MAX];
    uint32_t count = tail_askings(peers, tail, askings);
    for (uint32_t a = 0; a < count; a++) {
        struct tail_source *source = askings[a].source;
        struct tail_feed_ask ask = { tail_id(tail), source->began, source->next, *tail_asked(tail) };
        buf_init(&askings[a].body, TAIL_FEED_ASK_BYTES_MAX);
        if (!tail_feed_ask_write(&askings[a].body, &ask)) abort(); /* the API bounds what can be asked */
        exchanges[a] = (struct http_exchange){ .method = "POST",
                                               .url = askings[a].url,
                                               .headers = headers,
                                               .body.bytes = buf_bytes(&askings[a].body),
                                               .connect_ms_max = TAIL_ASK_MS,
                                               .total_ms_max = TAIL_ASK_MS,
                                               .answer_bytes_max = TAIL_FEED_ANSWER_BYTES_MAX,
                                               .cancel = &peers->stops };
    }
    if (count > 0) http_client_run(peers->shared.client, exchanges, count);
    for (uint32_t a = 0; a < count; a++) {
        tail_take(tail, askings[a].source, &exchanges[a]);
        http_exchange_deinit(&exchanges[a]);
        buf_deinit(&askings[a].body);
    }
    free(askings);
}

void peers_stats(struct peers *peers, struct peers_stats *stats)
{
    struct segments_stats segments;
    segments_stats(timefusion_segments(peers->options.timefusion), &segments);
    pthread_mutex_lock(&peers->lock);
    *stats = peers->counted;
    stats->partitions = peers->partition_count;
    stats->has_answered = peers->counted.has_members;
    for (uint32_t p = 0; p < peers->peer_count; p++) {
        struct follower_state state;
        follower_state(peers->peers[p].follower, &state);
        if (state.is_self) continue;
        stats->peers++;
        stats->peers_away += state.is_away;
        stats->has_answered = stats->has_answered && (state.has_answered || state.is_away);
    }
    pthread_mutex_unlock(&peers->lock);
    stats->copies = segments.copy_count;
    stats->copy_bytes = segments.copy_bytes;
    stats->copied = atomic_load(&peers->shared.copied);
    stats->copied_bytes = atomic_load(&peers->shared.copied_bytes);
    stats->copy_failures = atomic_load(&peers->shared.failures);
    stats->is_full = atomic_load(&peers->shared.is_full);
}
