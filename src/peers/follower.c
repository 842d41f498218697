#include "peers/follower.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "peers/feed.h"
#include "timefusion/segment/changes.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WAIT_MS = 1000, /* then a peer answers that there is nothing: one that stands still is noticed */
    CONNECT_MS_MAX = 2000,
    IDLE_MS_MAX = 3000, /* without a byte; more than WAIT_MS */
    ANSWER_MS_MAX = 60000,
    SELF_MS = 20000,
    LOOK_MS = 500,
    RETRY_MS_MIN = 100,
    RETRY_MS_MAX = 2000,
    ROOM_MS = 500, /* until there may be room again */
};

struct copy {
    uint64_t id; /* at the peer */
    struct file *file;
    struct uuid project_id;
};
struct copies { /* by id */
    struct copy *all;
    uint32_t count, cap;
};

struct follower {
    struct followers *shared;
    struct segments *segments;
    char address[128];
    pthread_t thread;
    atomic_bool stops;

    /* the thread's */
    struct uuid list_id;
    uint64_t number;
    struct copies listed;  /* of the peer's list, as we have it */
    struct copies fetched; /* for a step that could not be taken yet */

    pthread_mutex_t lock; /* guards what follows; the thread alone changes it */
    struct follower_state state;
    struct owner **owners; /* of the peer, copies */
    bool *owner_is_open;   /* at the peer */
    uint32_t owner_count;
};

/* ---- copies ---- */

static int copy_order(const void *a, const void *b)
{
    const struct copy *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static struct copy *copies_find(const struct copies *copies, uint64_t id)
{
    const struct copy key = { .id = id };
    return copies->count == 0 ? NULL : bsearch(&key, copies->all, copies->count, sizeof key, copy_order);
}

/* In any order; copies_sort before they are looked for. */
static void copies_add(struct copies *copies, struct copy copy)
{
    if (copies->count == copies->cap) {
        copies->cap = copies->cap ? copies->cap * 2 : 64;
        copies->all = mem_realloc(copies->all, copies->cap * sizeof *copies->all);
    }
    copies->all[copies->count++] = copy;
}

static void copies_sort(struct copies *copies)
{
    if (copies->count > 1) qsort(copies->all, copies->count, sizeof *copies->all, copy_order);
}

/* Those that never came onto the list. */
static void copies_drop(struct copies *copies)
{
    for (uint32_t c = 0; c < copies->count; c++) {
        file_doom(copies->all[c].file);
        file_release(copies->all[c].file);
    }
    copies->count = 0;
}

/* ---- what is asked ---- */

static bool stopping(const struct follower *follower)
{
    return atomic_load(&follower->stops) || atomic_load(&follower->shared->stops);
}

/* In short steps: a stop is not kept waiting. */
static void rest(const struct follower *follower, uint32_t ms)
{
    for (uint32_t slept = 0; slept < ms && !stopping(follower); slept += 20) clock_sleep_ms(20);
}

static void exchange_init(const struct follower *follower, struct http_exchange *exchange,
                          struct http_client_header headers[2], const char *url)
{
    headers[0] = (struct http_client_header){ "authorization", follower->shared->authorization };
    headers[1] = (struct http_client_header){ 0 };
    *exchange = (struct http_exchange){ .method = "GET",
                                        .url = url,
                                        .headers = headers,
                                        .connect_ms_max = CONNECT_MS_MAX,
                                        .idle_ms_max = IDLE_MS_MAX,
                                        .total_ms_max = ANSWER_MS_MAX,
                                        .cancel = &follower->stops };
}

/* Of an answer that is not 200: what the peer says of it, one line. */
static bool answer_wrong(const struct http_exchange *exchange, struct err *err)
{
    if (exchange->err.code != ERR_OK) {
        *err = exchange->err;
        return false;
    }
    struct bytes text = buf_bytes(&exchange->body_answer);
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    size_t len = end ? (size_t)(end - text.ptr) : text.len;
    enum err_code code = exchange->status == 404   ? ERR_NOT_FOUND
                         : exchange->status == 401 ? ERR_UNAUTHENTICATED
                                                   : ERR_IO;
    for (size_t c = 0; c < len; c++)
        if (text.ptr[c] < ' ' || text.ptr[c] > '~') len = c;
    return err_set(err, code, "it answers %d: %.*s", exchange->status, len > 120 ? 120 : (int)len,
                   len > 0 ? (const char *)text.ptr : "");
}

/* A piece of a segment, as segment_copy wants it. */
struct remote {
    struct follower *follower;
    uint64_t id;
};
static bool remote_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    const struct remote *remote = ctx;
    struct follower *follower = remote->follower;
    struct http_client_header headers[2];
    struct http_exchange exchange;
    char url[300], hash[FEED_HASH_DIGITS + 1];
    snprintf(url, sizeof url, "%s://%s/peer/v1/segment/%" PRIu64 "?offset=%" PRIu64 "&bytes=%zu",
             follower->shared->scheme, follower->address, remote->id, offset, len);
    exchange_init(follower, &exchange, headers, url);
    exchange.into = ptr;
    exchange.answer_bytes_max = len;
    http_client_run(follower->shared->client, &exchange, 1);
    bool ok = exchange.err.code == ERR_OK && exchange.status == 200;
    if (!ok) {
        answer_wrong(&exchange, err);
    } else if (exchange.answer_len != len) {
        ok = err_set(err, ERR_PROTOCOL, "it sends %zu bytes of a segment where %zu were asked for", exchange.answer_len,
                     len);
    } else {
        feed_hash(bytes_from(ptr, len), hash);
        ok = bytes_equal(http_exchange_header(&exchange, "monoscope-hash"), bytes_of_text(hash)) ||
             err_set(err, ERR_PROTOCOL, "the bytes that it sends of a segment have another hash than it says");
    }
    http_exchange_deinit(&exchange);
    return ok;
}

static bool content_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    const struct bytes *content = ctx;
    (void)err;
    memcpy(ptr, content->ptr + offset, len);
    return true;
}

/* ---- a step ---- */

static struct owner *owner_find(const struct follower *follower, const char *app_id, uint64_t epoch, uint32_t *place)
{
    for (*place = 0; *place < follower->owner_count; ++*place) {
        struct owner *owner = follower->owners[*place];
        if (owner->epoch == epoch && strcmp(owner->app_id, app_id) == 0) return owner;
    }
    return NULL;
}

/* The peer's owners as we know them, those that are new too, by their place in the answer; NULL for one whose epoch is taken:
 * nothing of it can be ours. */
static void owners_meet(struct follower *follower, const struct feed *feed, struct owner **owners)
{
    for (uint32_t o = 0; o < feed->owner_count; o++) {
        const struct feed_owner *told = &feed->owners[o];
        struct err err = { 0 };
        uint32_t place;
        owners[o] = owner_find(follower, told->app_id, told->epoch, &place);
        if (!owners[o]) {
            struct owner_options options = { .app_id = told->app_id, .epoch = told->epoch, .is_copy = true };
            memcpy(options.stored, told->stored, sizeof options.stored);
            if (!owner_open(follower->segments, &options, &owners[o], &err)) {
                log_warn(follower->shared->log, "peers.owner_refused", log_text("peer", follower->address),
                         log_text("err", err.text));
                continue;
            }
        }
        pthread_mutex_lock(&follower->lock);
        if (place == follower->owner_count) {
            follower->owners = mem_realloc(follower->owners, (place + 1) * sizeof(struct owner *));
            follower->owner_is_open = mem_realloc(follower->owner_is_open, (place + 1) * sizeof(bool));
            follower->owners[follower->owner_count++] = owners[o];
        }
        follower->owner_is_open[place] = told->is_open;
        pthread_mutex_unlock(&follower->lock);
    }
}

/* Those that the peer tells of no more. */
static void owners_part(struct follower *follower, struct owner *const *told, uint32_t told_count)
{
    for (uint32_t o = follower->owner_count; o-- > 0;) {
        struct owner *owner = follower->owners[o];
        bool is_told = false;
        for (uint32_t t = 0; t < told_count && !is_told; t++) is_told = told[t] == owner;
        if (is_told) continue;
        pthread_mutex_lock(&follower->lock);
        follower->owners[o] = follower->owners[--follower->owner_count];
        follower->owner_is_open[o] = follower->owner_is_open[follower->owner_count];
        pthread_mutex_unlock(&follower->lock);
        owner_close(follower->segments, owner);
    }
}

static bool has_room(struct follower *follower, uint64_t bytes)
{
    struct segments_stats stats;
    segments_stats(follower->segments, &stats);
    bool is_full = stats.copy_bytes + bytes > follower->shared->disk_bytes_max ||
                   stats.copy_footer_bytes > follower->shared->footer_bytes_max;
    if (is_full && !atomic_exchange(&follower->shared->is_full, true))
        log_warn(follower->shared->log, "peers.full", log_number("copy_bytes", (int64_t)stats.copy_bytes),
                 log_text("then", "nothing new is copied until Delta has more of it (--peer-disk)"));
    if (!is_full) atomic_store(&follower->shared->is_full, false);
    return !is_full;
}

static bool segment_fetch(struct follower *follower, const struct feed_segment *segment, struct owner *owner,
                          struct err *err)
{
    struct remote remote = { follower, segment->id };
    bool is_here = segment->content.len > 0;
    struct segment_original original = { .table = schema_table(segment->table),
                                         .day = segment->day,
                                         .bytes = segment->bytes,
                                         .position_low = segment->low,
                                         .position_high = segment->high,
                                         .read = is_here ? content_read : remote_read,
                                         .ctx = is_here ? (void *)(uintptr_t)&segment->content : &remote };
    struct file *file;
    if (!segment_copy(follower->segments, &original, owner, &file, err)) return false;
    copies_add(&follower->fetched, (struct copy){ segment->id, file, segment->project_id });
    atomic_fetch_add(&follower->shared->copied, 1);
    atomic_fetch_add(&follower->shared->copied_bytes, segment->bytes);
    return true;
}

/* Every segment of the answer is listed already, or among fetched. */
static bool segments_fetch(struct follower *follower, const struct feed *feed, struct owner *const *owners,
                           struct err *err)
{
    uint64_t bytes = 0;
    copies_sort(&follower->fetched);
    bool *is_missing = mem_calloc(feed->segment_count + 1, sizeof *is_missing);
    for (uint32_t s = 0; s < feed->segment_count; s++) {
        const struct feed_segment *segment = &feed->segments[s];
        struct owner *owner = owners[segment->owner];
        is_missing[s] = owner && !copies_find(&follower->listed, segment->id) &&
                        !copies_find(&follower->fetched, segment->id) && !owner_is_followed(follower->segments, owner);
        if (is_missing[s]) bytes += segment->bytes;
    }
    bool ok = bytes == 0 || has_room(follower, bytes) ||
              err_set(err, ERR_TOO_LARGE, "copies of segments are at their limit, --peer-disk");
    for (uint32_t s = 0; ok && s < feed->segment_count && !stopping(follower); s++)
        if (is_missing[s]) ok = segment_fetch(follower, &feed->segments[s], owners[feed->segments[s].owner], err);
    free(is_missing);
    copies_sort(&follower->fetched);
    return ok && !stopping(follower);
}

static int id_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Ids, in order: of what is listed no more, or, of a whole list, of what is. */
static uint64_t *ids_sorted(const struct feed *feed, uint32_t *count)
{
    *count = feed->is_full ? feed->segment_count : feed->removed_count;
    uint64_t *ids = mem_alloc((*count + 1) * sizeof *ids);
    for (uint32_t i = 0; i < *count; i++) ids[i] = feed->is_full ? feed->segments[i].id : feed->removed[i];
    qsort(ids, *count, sizeof *ids, id_order);
    return ids;
}

/* A look at the table that began OWNER_LOOK_MS ago at most: rule 2 of owner.h. False: we stop. */
static bool tables_are_known(struct follower *follower)
{
    for (uint32_t turn = 0; !stopping(follower); turn++) {
        uint64_t looked_ns = timefusion_looked_mono_ns(follower->shared->timefusion);
        if (looked_ns > 0 && clock_mono_ns() - looked_ns < OWNER_LOOK_MS * 1000000ull) return true;
        if (turn % (LOOK_MS / 20) == 0) timefusion_refresh_soon(follower->shared->timefusion);
        clock_sleep_ms(20);
    }
    return false;
}

static void step_apply(struct follower *follower, const struct feed *feed, struct owner *const *owners)
{
    uint32_t id_count, kept = 0;
    uint64_t *ids = ids_sorted(feed, &id_count);
    struct copies_owner *told = mem_calloc(feed->owner_count + 1, sizeof *told);
    struct segments_entry *added = mem_calloc(follower->fetched.count + 1, sizeof *added);
    struct file **removed = mem_calloc(follower->listed.count + 1, sizeof(struct file *));
    struct delta_snapshot *deltas[SCHEMA_TABLE_COUNT];
    struct copies_batch batch = { .deltas = deltas, .owners = told, .added = added, .removed = removed };
    bool is_behind = false;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        deltas[t] = delta_snapshot_acquire(timefusion_delta(follower->shared->timefusion, (enum schema_table_id)t));
    for (uint32_t o = 0; o < feed->owner_count; o++) {
        if (!owners[o]) continue;
        struct copies_owner *it = &told[batch.owner_count++];
        *it = (struct copies_owner){ .owner = owners[o], .visible = feed->owners[o].visible };
        memcpy(it->stored, feed->owners[o].stored, sizeof it->stored);
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
            is_behind = is_behind || it->stored[t] > delta_snapshot_txn(deltas[t], owners[o]->app_id);
    }
    for (uint32_t c = 0; c < follower->listed.count; c++) {
        struct copy copy = follower->listed.all[c];
        bool is_named = id_count > 0 && bsearch(&copy.id, ids, id_count, sizeof *ids, id_order);
        if (is_named == feed->is_full) {
            follower->listed.all[kept++] = copy;
        } else {
            removed[batch.removed_count++] = copy.file;
        }
    }
    follower->listed.count = kept;
    /* What was fetched for an earlier answer may have been dropped since. */
    for (uint32_t s = 0; s < feed->segment_count; s++) {
        struct copy *copy = copies_find(&follower->fetched, feed->segments[s].id);
        if (!copy || !copy->file) continue;
        added[batch.added_count++] = (struct segments_entry){ copy->file, copy->project_id };
        copies_add(&follower->listed, *copy);
        copy->file = NULL;
    }
    copies_sort(&follower->listed);
    copies_apply(follower->segments, &batch);
    for (uint32_t r = 0; r < batch.removed_count; r++) file_release(removed[r]);
    uint32_t left = 0;
    for (uint32_t c = 0; c < follower->fetched.count; c++)
        if (follower->fetched.all[c].file) follower->fetched.all[left++] = follower->fetched.all[c];
    follower->fetched.count = left;
    copies_drop(&follower->fetched);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) delta_snapshot_release(deltas[t]);
    if (is_behind) timefusion_refresh_soon(follower->shared->timefusion);
    free(ids);
    free(told);
    free(added);
    free(removed);
}

/* Of another process, or of none: what we have of this list stays until Delta has it. */
static void list_leave(struct follower *follower)
{
    struct feed nothing = { .is_full = true };
    copies_drop(&follower->fetched);
    step_apply(follower, &nothing, NULL);
    owners_part(follower, NULL, 0);
    follower->number = 0;
}

static bool step(struct follower *follower, const struct feed *feed, struct err *err)
{
    if (!uuid_equal(feed->list_id, follower->list_id)) {
        list_leave(follower);
        follower->list_id = feed->list_id;
    }
    struct owner **owners = mem_calloc(feed->owner_count + 1, sizeof(struct owner *));
    owners_meet(follower, feed, owners);
    bool ok = segments_fetch(follower, feed, owners, err) && tables_are_known(follower);
    if (ok) {
        step_apply(follower, feed, owners);
        owners_part(follower, owners, feed->owner_count);
        follower->number = feed->number;
    }
    free(owners);
    return ok;
}

static void state_set(struct follower *follower, const struct err *err)
{
    pthread_mutex_lock(&follower->lock);
    struct follower_state *state = &follower->state;
    bool was_away = state->is_away;
    state->is_away = err != NULL;
    state->has_answered = state->has_answered || err == NULL;
    snprintf(state->why, sizeof state->why, "%s", err ? err->text : "");
    pthread_mutex_unlock(&follower->lock);
    if (err && !was_away)
        log_warn(follower->shared->log, "peers.away", log_text("peer", follower->address), log_text("err", err->text));
    if (!err && was_away) log_info(follower->shared->log, "peers.back", log_text("peer", follower->address));
}

/* Asks once and takes in what is answered. False: not now, err says why. */
static bool ask(struct follower *follower, struct err *err)
{
    struct http_client_header headers[2];
    struct http_exchange exchange;
    struct feed feed;
    char url[400], list[UUID_TEXT_BYTES + 1];
    uuid_to_text(follower->list_id, list);
    snprintf(url, sizeof url, "%s://%s/peer/v1/changes?list=%s&since=%" PRIu64 "&wait=%d", follower->shared->scheme,
             follower->address, list, follower->number, WAIT_MS);
    exchange_init(follower, &exchange, headers, url);
    exchange.answer_bytes_max = FEED_BYTES_MAX;
    http_client_run(follower->shared->client, &exchange, 1);
    bool ok = exchange.err.code == ERR_OK && exchange.status == 200;
    if (!ok) {
        answer_wrong(&exchange, err);
        err->code = ERR_IO; /* nothing that a segment's bytes could be told by */
    } else if ((ok = feed_read(buf_bytes(&exchange.body_answer), &feed, err))) {
        bool is_self = uuid_equal(feed.list_id, segments_list_id(follower->segments));
        if (is_self) {
            pthread_mutex_lock(&follower->lock);
            follower->state.is_self = true;
            pthread_mutex_unlock(&follower->lock);
        }
        ok = is_self || step(follower, &feed, err);
        feed_deinit(&feed);
    }
    http_exchange_deinit(&exchange);
    return ok;
}

static void *follower_main(void *arg)
{
    struct follower *follower = arg;
    uint32_t retry_ms = RETRY_MS_MIN;
    pthread_setname_np(pthread_self(), "peer-follower");
    while (!stopping(follower)) {
        struct err err = { 0 };
        bool ok = ask(follower, &err);
        if (stopping(follower)) break;
        if (ok) {
            state_set(follower, NULL);
            retry_ms = RETRY_MS_MIN;
            if (follower->state.is_self) rest(follower, SELF_MS);
        } else if (err.code == ERR_NOT_FOUND) {
            state_set(follower, NULL); /* a segment was joined or stored meanwhile: the next answer says into what */
            rest(follower, RETRY_MS_MIN / 5);
        } else if (err.code == ERR_TOO_LARGE) {
            state_set(follower, NULL);
            rest(follower, ROOM_MS);
        } else {
            atomic_fetch_add(&follower->shared->failures, 1);
            state_set(follower, &err);
            rest(follower, retry_ms);
            retry_ms = retry_ms * 2 < RETRY_MS_MAX ? retry_ms * 2 : RETRY_MS_MAX;
        }
    }
    list_leave(follower);
    return NULL;
}

bool follower_open(struct follower **out, struct followers *shared, const char *address, struct err *err)
{
    struct follower *follower = mem_calloc(1, sizeof *follower);
    follower->shared = shared;
    follower->segments = timefusion_segments(shared->timefusion);
    snprintf(follower->address, sizeof follower->address, "%s", address);
    pthread_mutex_init(&follower->lock, NULL);
    errno = pthread_create(&follower->thread, NULL, follower_main, follower);
    if (errno != 0) {
        err_os(err, "could not start a thread that follows peer \"%s\"", address);
        pthread_mutex_destroy(&follower->lock);
        free(follower);
        *out = NULL;
        return false;
    }
    *out = follower;
    return true;
}

void follower_close(struct follower *follower)
{
    if (!follower) return;
    atomic_store(&follower->stops, true);
    pthread_join(follower->thread, NULL);
    for (uint32_t c = 0; c < follower->listed.count; c++) file_release(follower->listed.all[c].file);
    free(follower->listed.all);
    free(follower->fetched.all);
    free(follower->owners);
    free(follower->owner_is_open);
    pthread_mutex_destroy(&follower->lock);
    free(follower);
}

const char *follower_address(const struct follower *follower)
{
    return follower->address;
}

void follower_state(struct follower *follower, struct follower_state *state)
{
    pthread_mutex_lock(&follower->lock);
    *state = follower->state;
    pthread_mutex_unlock(&follower->lock);
}

uint64_t follower_epoch(struct follower *follower, const char *app_id)
{
    uint64_t epoch = 0;
    pthread_mutex_lock(&follower->lock);
    for (uint32_t o = 0; o < follower->owner_count; o++) {
        const struct owner *owner = follower->owners[o];
        if (follower->owner_is_open[o] && owner->epoch > epoch && strcmp(owner->app_id, app_id) == 0)
            epoch = owner->epoch;
    }
    pthread_mutex_unlock(&follower->lock);
    return epoch;
}
