#include "peers/peer_server.h"
#include "base/clock.h"
#include "base/queue.h"
#include "base/sha256.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "peers/feed.h"
#include "peers/tail_feed.h"
#include "timefusion/segment/changes.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOBS_MAX = 1024, READERS = 2, FLUSHERS = 3, THREADS = 1 + READERS + FLUSHERS, GATHER_MS = 15, WAKE_MS = 25 };
#define IN_FLIGHT_BYTES_MAX (4u << 20)
#define BODY_BYTES_MAX      TAIL_FEED_ASK_BYTES_MAX

/* A request that does not end on the loop. */
struct job {
    struct http_request *request;
    struct job *next; /* of those that wait for changes */
    struct uuid list_id;
    uint64_t since; /* or the segment's id, or the position to be flushed */
    uint64_t offset, bytes;
    uint64_t due_mono_ns;
    char app_id[OWNER_APP_ID_BYTES];
    bool is_tail; /* else a segment is read */
};

struct peer_server {
    struct peer_server_options options;
    uint8_t key_digest[SHA256_BYTES];
    struct segments *segments;
    struct admission *admission;
    struct loop *loop;
    struct http_server *http;
    struct queue *reads, *flushes;
    pthread_t threads[THREADS];
    uint32_t thread_count; /* that run */
    atomic_bool stops;
    pthread_mutex_t lock; /* guards waiting */
    pthread_cond_t has_waiting;
    struct job *waiting;
    _Atomic uint64_t requests, refused, bytes;
};

/* ---- what requests say ---- */

/* The value of name in a query string; nothing in it needs an escape. */
static bool parameter(const struct http_request *request, const char *name, struct bytes *value)
{
    struct bytes left = request->query;
    size_t name_len = strlen(name);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.ptr, '&', left.len);
        size_t len = end ? (size_t)(end - left.ptr) : left.len;
        if (len > name_len && left.ptr[name_len] == '=' && memcmp(left.ptr, name, name_len) == 0) {
            *value = bytes_from(left.ptr + name_len + 1, len - name_len - 1);
            return true;
        }
        left = bytes_from(left.ptr + len + (end != NULL), left.len - len - (end != NULL));
    }
    return false;
}

static bool number_read(struct bytes text, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (text.len == 0 || text.len > 19) return false; /* fits */
    for (size_t d = 0; d < text.len; d++) {
        if (text.ptr[d] < '0' || text.ptr[d] > '9') return false;
        *number = *number * 10 + (uint64_t)(text.ptr[d] - '0');
    }
    return *number <= max;
}

static bool number_parameter(const struct http_request *request, const char *name, uint64_t max, uint64_t *number)
{
    struct bytes text;
    return parameter(request, name, &text) && number_read(text, max, number);
}

/* Digests of both, compared to their ends: the time says nothing of the key. */
static bool has_key(const struct peer_server *server, const struct http_request *request)
{
    struct bytes given = http_request_header(request, "authorization");
    uint8_t digest[SHA256_BYTES];
    if (given.len < 7 || !http_text_is(bytes_from(given.ptr, 7), "bearer ")) return false;
    sha256_of(http_trimmed(bytes_from(given.ptr + 7, given.len - 7)), digest);
    return bytes_equal_secret(bytes_from(digest, SHA256_BYTES), bytes_from(server->key_digest, SHA256_BYTES));
}

static void answer_err(struct http_request *request, const struct err *err)
{
    http_answer_text(request, err_http_status(err->code), err->text);
}

static void answer_bytes(struct peer_server *server, struct http_request *request, const char *type, struct bytes body)
{
    char hash[FEED_HASH_DIGITS + 1];
    feed_hash(body, hash);
    const struct http_header headers[] = { { BYTES("content-type"), bytes_of_text(type) },
                                           { BYTES("monoscope-hash"), bytes_of_text(hash) },
                                           { BYTES("cache-control"), BYTES("no-store") } };
    atomic_fetch_add(&server->bytes, body.len);
    http_answer(request, &(struct http_response){
                             .status = 200, .headers = headers, .header_count = COUNT_OF(headers), .body = body });
}

/* ---- changes ---- */

static void changes_answer(struct peer_server *server, struct job *job)
{
    struct segments_changes changes;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, FEED_BYTES_MAX);
    segments_changes(server->segments, job->list_id, job->since, &changes);
    if (feed_write(&out, &changes, &err)) {
        answer_bytes(server, job->request, "application/vnd.monoscope.peer", buf_bytes(&out));
    } else {
        answer_err(job->request, &err);
    }
    segments_changes_deinit(&changes);
    buf_deinit(&out);
    free(job);
}

/* Those that have something to be told, or have waited long enough; taken off the list. */
static struct job *waiting_take(struct peer_server *server, uint64_t number, uint64_t now_ns)
{
    struct job *taken = NULL, **at = &server->waiting;
    struct uuid list_id = segments_list_id(server->segments);
    while (*at) {
        struct job *job = *at;
        bool is_current = uuid_equal(job->list_id, list_id) && job->since >= number;
        if (is_current && now_ns < job->due_mono_ns && !atomic_load(&server->stops)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        job->next = taken;
        taken = job;
    }
    return taken;
}

static void *waiter_main(void *arg)
{
    struct peer_server *server = arg;
    uint64_t number = 0;
    pthread_setname_np(pthread_self(), "peer-changes");
    for (;;) {
        pthread_mutex_lock(&server->lock);
        while (!server->waiting && !atomic_load(&server->stops)) pthread_cond_wait(&server->has_waiting, &server->lock);
        bool is_over = !server->waiting;
        struct job *taken = waiting_take(server, number, clock_mono_ns());
        pthread_mutex_unlock(&server->lock);
        while (taken) {
            struct job *next = taken->next;
            changes_answer(server, taken);
            taken = next;
        }
        if (is_over) return NULL;
        uint64_t seen = segments_changes_wait(server->segments, number, WAKE_MS);
        /* A worker publishes many projects one after the other: one answer for all of them. */
        if (seen > number) clock_sleep_ms(GATHER_MS);
        number = segments_changes_wait(server->segments, 0, 0);
    }
}

static void serve_changes(struct peer_server *server, struct http_request *request, struct bytes rest)
{
    struct bytes list;
    struct job *job = mem_calloc(1, sizeof *job);
    uint64_t wait_ms = 0;
    (void)rest;
    job->request = request;
    if (parameter(request, "list", &list) && uuid_from_text(list, &job->list_id) &&
        !number_parameter(request, "since", INT64_MAX, &job->since))
        job->since = 0;
    if (!number_parameter(request, "wait", PEER_WAIT_MS_MAX, &wait_ms)) wait_ms = 0;
    job->due_mono_ns = clock_mono_ns() + wait_ms * 1000000;
    pthread_mutex_lock(&server->lock);
    job->next = server->waiting;
    server->waiting = job;
    pthread_cond_signal(&server->has_waiting);
    pthread_mutex_unlock(&server->lock);
}

/* ---- segments ---- */

static void job_push(struct queue *queue, struct job *job)
{
    if (queue_push(queue, job, 1)) return;
    http_answer_text(job->request, 503, "too much is being asked for at once: try again");
    free(job);
}

static void segment_answer(struct peer_server *server, struct job *job)
{
    struct err err = { 0 };
    struct file *file = segments_find(server->segments, job->since);
    if (!file) {
        http_answer_text(job->request, 404, "this segment is listed no more: ask for changes");
    } else if (job->offset > file->shown.bytes || job->bytes > file->shown.bytes - job->offset) {
        http_answer_text(job->request, 416, "the segment has not that many bytes");
    } else {
        uint8_t *piece = mem_alloc((size_t)job->bytes);
        if (timefusion_file_read(&file->shown, job->offset, piece, (size_t)job->bytes, &err)) {
            answer_bytes(server, job->request, "application/octet-stream", bytes_from(piece, (size_t)job->bytes));
        } else {
            answer_err(job->request, &err);
        }
        free(piece);
    }
    file_release(file);
    free(job);
}

static bool tail_write(struct peer_server *server, struct bytes body, struct buf *out, struct err *err)
{
    struct tail_feed_ask ask;
    struct tail_reader reader;
    struct tail_counts counts;
    struct tail_batch batch;
    struct buf rows;
    if (!tail_feed_ask_read(body, &ask, err) ||
        !tails_visit(server->options.tails, ask.id, &ask.ask, ask.began, ask.next, &reader, err))
        return false;
    buf_init(&rows, TAIL_FEED_ANSWER_BYTES_MAX);
    /* Another reader of the same id has come meanwhile: nothing is read, and next is where it was. */
    (void)!tail_read(&reader, '\n', &rows, TAIL_FEED_ANSWER_BYTES_MAX / 4, &batch);
    tail_counts(reader.tail, &counts);
    struct tail_feed_answer answer = { tail_began(reader.tail), reader.next, counts.dropped, counts.skipped };
    bool ok = (tail_feed_answer_write(out, &answer) && buf_add(out, rows.ptr, rows.len)) ||
              err_set(err, ERR_TOO_LARGE, "the rows of a tail are too large");
    tail_leave(&reader);
    buf_deinit(&rows);
    return ok;
}

static void tail_answer(struct peer_server *server, struct job *job)
{
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, TAIL_FEED_ANSWER_BYTES_MAX);
    if (tail_write(server, job->request->body, &out, &err))
        answer_bytes(server, job->request, "application/vnd.monoscope.tail", buf_bytes(&out));
    else
        answer_err(job->request, &err);
    buf_deinit(&out);
    free(job);
}

static void *reader_main(void *arg)
{
    struct peer_server *server = arg;
    bool closed = false;
    pthread_setname_np(pthread_self(), "peer-segments");
    while (!closed) {
        struct job *job;
        if (queue_pop(server->reads, (void **)&job, 1, -1, &closed) != 1) continue;
        if (job->is_tail)
            tail_answer(server, job);
        else
            segment_answer(server, job);
    }
    return NULL;
}

static void serve_segment(struct peer_server *server, struct http_request *request, struct bytes rest)
{
    struct job *job = mem_calloc(1, sizeof *job);
    job->request = request;
    if (!number_read(rest, INT64_MAX, &job->since) || !number_parameter(request, "offset", INT64_MAX, &job->offset) ||
        !number_parameter(request, "bytes", PEER_PIECE_BYTES_MAX, &job->bytes)) {
        free(job);
        http_answer_text(request, 400, "a segment is asked for as /peer/v1/segment/ID?offset=N&bytes=N");
        return;
    }
    job_push(server->reads, job);
}

static void serve_tail(struct peer_server *server, struct http_request *request, struct bytes rest)
{
    (void)rest;
    if (!server->options.tails) {
        http_answer_text(request, 404, "no rows come here");
        return;
    }
    struct job *job = mem_calloc(1, sizeof *job);
    job->request = request;
    job->is_tail = true;
    job_push(server->reads, job);
}

/* ---- flush ---- */

static void *flusher_main(void *arg)
{
    struct peer_server *server = arg;
    bool closed = false;
    pthread_setname_np(pthread_self(), "peer-flush");
    while (!closed) {
        struct job *job;
        struct err err = { 0 };
        if (queue_pop(server->flushes, (void **)&job, 1, -1, &closed) != 1) continue;
        uint64_t now_ns = clock_mono_ns();
        uint32_t left_ms = now_ns < job->due_mono_ns ? (uint32_t)((job->due_mono_ns - now_ns) / 1000000) : 0;
        if (atomic_load(&server->stops)) left_ms = 0;
        if (server->options.flush(server->options.ctx, job->app_id, job->since, left_ms, &err)) {
            http_answer(job->request, &(struct http_response){ .status = 204 });
        } else {
            answer_err(job->request, &err);
        }
        free(job);
    }
    return NULL;
}

static void serve_flush(struct peer_server *server, struct http_request *request, struct bytes rest)
{
    struct job *job = mem_calloc(1, sizeof *job);
    struct bytes app_id = { 0 };
    uint64_t wait_ms = 0;
    (void)rest;
    job->request = request;
    if (!server->options.flush || !parameter(request, "app_id", &app_id) || app_id.len == 0 ||
        app_id.len >= sizeof job->app_id || !number_parameter(request, "position", INT64_MAX, &job->since) ||
        !number_parameter(request, "wait", PEER_WAIT_MS_MAX, &wait_ms)) {
        free(job);
        http_answer_text(request, 400, "a partition is flushed by /peer/v1/flush?app_id=..&position=N&wait=MS");
        return;
    }
    memcpy(job->app_id, app_id.ptr, app_id.len);
    job->due_mono_ns = clock_mono_ns() + wait_ms * 1000000;
    job_push(server->flushes, job);
}

/* ---- the port ---- */

static const struct route {
    const char *method, *path; /* a path that ends in "/" has something after it */
    void (*serve)(struct peer_server *server, struct http_request *request, struct bytes rest);
} routes[] = {
    { "GET", "/peer/v1/changes", serve_changes },
    { "GET", "/peer/v1/segment/", serve_segment },
    { "POST", "/peer/v1/tail", serve_tail },
    { "POST", "/peer/v1/flush", serve_flush },
};

static bool route_is(const struct route *route, const struct http_request *request, struct bytes *rest)
{
    size_t len = strlen(route->path);
    bool is_open = route->path[len - 1] == '/';
    if (request->path.len < len || (!is_open && request->path.len > len)) return false;
    *rest = bytes_from(request->path.ptr + len, request->path.len - len);
    return memcmp(request->path.ptr, route->path, len) == 0 &&
           bytes_equal(request->method, bytes_of_text(route->method));
}

static void on_request(void *ctx, struct http_request *request)
{
    struct peer_server *server = ctx;
    struct bytes rest;
    atomic_fetch_add(&server->requests, 1);
    if (!has_key(server, request)) {
        atomic_fetch_add(&server->refused, 1);
        http_answer_text(request, 401, "this port is for processes of the same cluster: --cluster-key");
        return;
    }
    if (atomic_load(&server->stops)) {
        http_answer_text(request, 503, "this process is stopping");
        return;
    }
    for (size_t r = 0; r < COUNT_OF(routes); r++) {
        if (!route_is(&routes[r], request, &rest)) continue;
        routes[r].serve(server, request, rest);
        return;
    }
    http_answer_text(request, 404, "there is nothing here; this port is for processes of the same cluster");
}

static bool threads_start(struct peer_server *server, struct err *err)
{
    for (uint32_t t = 0; t < THREADS; t++) {
        void *(*run)(void *) = t == 0 ? waiter_main : t <= READERS ? reader_main : flusher_main;
        errno = pthread_create(&server->threads[t], NULL, run, server);
        if (errno != 0) return err_os(err, "could not start a thread of the peer port");
        server->thread_count++;
    }
    return true;
}

bool peer_server_open(struct peer_server **out, const struct peer_server_options *options, struct err *err)
{
    struct peer_server *server = mem_calloc(1, sizeof *server);
    server->options = *options;
    server->segments = timefusion_segments(options->timefusion);
    sha256_of(bytes_of_text(options->key), server->key_digest);
    server->options.key = NULL;
    server->admission = admission_create(IN_FLIGHT_BYTES_MAX);
    server->reads = queue_create(JOBS_MAX, JOBS_MAX);
    server->flushes = queue_create(JOBS_MAX, JOBS_MAX);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->has_waiting, NULL);
    struct http_options http = {
        .address = options->address,
        .port = options->port,
        .body_bytes_max = BODY_BYTES_MAX,
        .admission = server->admission,
        .tls = options->tls,
        .handler = { .call = on_request, .ctx = server },
        .log = options->log,
    };
    if (threads_start(server, err) && loop_open(&server->loop, err) &&
        http_server_open(&server->http, server->loop, &http, err)) {
        *out = server;
        return true;
    }
    peer_server_close(server);
    *out = NULL;
    return false;
}

uint16_t peer_server_port(const struct peer_server *server)
{
    return http_server_port(server->http);
}

void peer_server_drain(struct peer_server *server)
{
    if (server->http) http_server_drain(server->http);
    atomic_store(&server->stops, true);
    pthread_mutex_lock(&server->lock);
    pthread_cond_broadcast(&server->has_waiting);
    pthread_mutex_unlock(&server->lock);
}

/* What waits is answered first, by the threads: then the loop has nothing of ours any more. */
void peer_server_close(struct peer_server *server)
{
    if (!server) return;
    peer_server_drain(server);
    queue_close(server->reads);
    queue_close(server->flushes);
    for (uint32_t t = 0; t < server->thread_count; t++) pthread_join(server->threads[t], NULL);
    loop_stop(server->loop);
    for (struct job *job = server->waiting; job;) { /* came in between */
        struct job *next = job->next;
        http_answer_text(job->request, 503, "this process is stopping");
        free(job);
        job = next;
    }
    if (server->http) http_server_close(server->http);
    loop_close(server->loop);
    queue_destroy(server->reads);
    queue_destroy(server->flushes);
    admission_release(server->admission);
    pthread_cond_destroy(&server->has_waiting);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

void peer_server_stats(struct peer_server *server, struct peer_server_stats *stats)
{
    *stats = (struct peer_server_stats){ .requests = atomic_load(&server->requests),
                                         .refused = atomic_load(&server->refused),
                                         .bytes = atomic_load(&server->bytes) };
}
