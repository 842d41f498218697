#include "net/http_client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "net/address.h"

#define EXCHANGES_MAX_USUAL 64
#define SPARE_MAX           16           /* libcurl handles kept for the next exchange */
#define RECEIVE_BYTES       (128l << 10) /* at a time */
#define HEAD_BYTES_MAX      (128u << 10)
#define SWEEP_MS            100 /* how often cancel flags and idle limits are looked at */
#define REST_MS             60000

/* The exchanges of one call of http_client_run; on its stack. */
struct batch {
    pthread_cond_t ended;
    uint32_t left; /* under the client's lock */
};

/* One exchange on its way; the caller makes it, from then on it is the thread's. */
struct transfer {
    struct http_exchange *exchange;
    struct batch *batch;
    struct transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    uint64_t sent_bytes;
    uint64_t moved_mono_ns; /* when a byte last went either way */
    int status;
    bool was_kept_in; /* an address that is not public was not connected to */
    bool has_head;    /* up to its blank line: libcurl also takes one that the peer cut */
    struct err err;   /* why we ended it ourselves */
    char words[CURL_ERROR_SIZE];
};

struct http_client {
    CURLM *multi;
    pthread_t thread;
    uint32_t exchanges_max;
    char *ca_file;
    bool is_public_only;

    /* the thread's own */
    struct transfer *active;
    uint32_t active_count;
    CURL *spare[SPARE_MAX];
    uint32_t spare_count;
    uint64_t sweep_mono_ns; /* the next one */

    pthread_mutex_t lock;          /* guards the rest */
    struct transfer *first, *last; /* wait for their turn */
    bool stops;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_begin(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort(); /* no memory */
}

bool http_client_url_check(const char *url, struct err *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    if (!parts) abort();
    CURLUcode failed = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (!failed) failed = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (!failed) failed = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    /* libcurl takes "http:/host" too; who looks for the host behind "://" must find it. */
    bool ok = !failed && host[0] && strstr(url, "://") != NULL &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return ok || err_set(err, ERR_INPUT, "\"%.100s\" is not an address such as http://host:4318 or https://host", url);
}

/* -- what libcurl calls ----------------------------------------------------------------------------------------- */

static bool status_is_fine(int status)
{
    return status >= 200 && status < 300;
}

static void moved(struct transfer *transfer)
{
    transfer->moved_mono_ns = clock_mono_ns();
}

/* A line of the answer's head, once for each; a new status line (after 100 Continue) begins anew. */
static size_t on_head(char *ptr, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct buf *head = &transfer->exchange->head_answer;
    size_t len = size * count, kept = len;
    moved(transfer);
    if (len >= 5 && memcmp(ptr, "HTTP/", 5) == 0) {
        const char *space = memchr(ptr, ' ', len);
        transfer->status = space && ptr + len - space > 3 ? (int)strtol(space + 1, NULL, 10) : 0;
        transfer->has_head = false;
        head->len = 0;
        return len;
    }
    while (kept > 0 && (ptr[kept - 1] == '\r' || ptr[kept - 1] == '\n')) kept--;
    if (kept == 0) {
        transfer->has_head = true;
        return len;
    }
    if (!buf_add(head, ptr, kept) || !buf_add(head, "\n", 1)) {
        err_set(&transfer->err, ERR_TOO_LARGE, "the answer's headers have more than %u bytes", HEAD_BYTES_MAX);
        return 0;
    }
    return len;
}

static size_t on_body(char *ptr, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct http_exchange *exchange = transfer->exchange;
    bool is_fine = status_is_fine(transfer->status);
    size_t len = size * count, max = is_fine ? exchange->answer_bytes_max : HTTP_CLIENT_TEXT_BYTES_MAX;
    size_t kept = len < max - exchange->answer_len ? len : max - exchange->answer_len;
    moved(transfer);
    if (is_fine && exchange->piece) {
        if (exchange->piece(exchange->piece_ctx, bytes_from(ptr, len))) return len;
        err_set(&transfer->err, ERR_CANCELLED, "the answer was given up");
        return 0;
    }
    if (kept < len && is_fine && !exchange->answer_is_cut) {
        err_set(&transfer->err, ERR_TOO_LARGE, "the answer has more than the %zu bytes asked for", max);
        return 0;
    }
    if (kept == 0) return len; /* read and forgotten, so that the connection stays usable */
    if (is_fine && exchange->into) {
        memcpy((uint8_t *)exchange->into + exchange->answer_len, ptr, kept);
    } else {
        exchange->body_answer.bytes_max = max;
        if (!buf_add(&exchange->body_answer, ptr, kept)) abort(); /* kept is within max */
    }
    exchange->answer_len += kept;
    return len;
}

static uint64_t body_bytes(const struct http_client_body *body)
{
    return body->file ? body->file_bytes : body->bytes.len;
}

static size_t on_send(char *ptr, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    const struct http_client_body *body = &transfer->exchange->body;
    uint64_t left = body_bytes(body) - transfer->sent_bytes;
    size_t len = size * count < left ? size * count : (size_t)left, got = len;
    moved(transfer);
    if (len == 0) return 0;
    if (body->file) {
        uint64_t at = body->file_offset + transfer->sent_bytes;
        if (!body->disk->ops->pread(body->file, at, ptr, len, &got, &transfer->err)) return CURL_READFUNC_ABORT;
        if (got == 0) {
            err_set(&transfer->err, ERR_IO, "the file to send ends before byte %" PRIu64, at);
            return CURL_READFUNC_ABORT;
        }
    } else {
        memcpy(ptr, body->bytes.ptr + transfer->sent_bytes, len);
    }
    transfer->sent_bytes += got;
    return got;
}

/* libcurl sends from the start again when a kept connection proves dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct transfer *transfer = ctx;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > body_bytes(&transfer->exchange->body))
        return CURL_SEEKFUNC_FAIL;
    transfer->sent_bytes = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Where libcurl is about to connect to, after all looking up: the only place where the answer cannot change any more. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = ctx;
    (void)purpose;
    if (!address_is_public(&address->addr)) {
        transfer->was_kept_in = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* -- one exchange ----------------------------------------------------------------------------------------------- */

static struct curl_slist *headers_make(const struct http_client_header *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    for (; headers && headers->name; headers++) {
        struct buf line;
        buf_init(&line, 1 << 20);
        /* With ":" and nothing behind libcurl would leave the header out. */
        const char *form = headers->value[0] ? "%s: %s" : "%s;";
        if (!buf_printf(&line, form, headers->name, headers->value)) abort();
        list = curl_slist_append(list, (const char *)line.ptr);
        buf_deinit(&line);
    }
    if (!list) abort();
    return list;
}

static void method_set_up(CURL *curl, const struct http_exchange *exchange)
{
    uint64_t bytes = body_bytes(&exchange->body);
    bool is_put = strcmp(exchange->method, "PUT") == 0 || strcmp(exchange->method, "POST") == 0;
    if (bytes > 0 || is_put) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)bytes);
    } else if (strcmp(exchange->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, exchange->method);
}

static void set_up(struct http_client *client, struct transfer *transfer)
{
    const struct http_exchange *exchange = transfer->exchange;
    CURL *curl = transfer->easy;
    curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what goes out */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
    if (client->is_public_only) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    }
    if (client->ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
    method_set_up(curl, exchange);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_ms_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)exchange->total_ms_max);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->words);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "monoscope/" MONO_VERSION);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
}

static void transfer_start(struct http_client *client, struct transfer *transfer)
{
    transfer->easy = client->spare_count > 0 ? client->spare[--client->spare_count] : curl_easy_init();
    if (!transfer->easy) abort(); /* no memory */
    set_up(client, transfer);
    moved(transfer);
    transfer->next = client->active;
    client->active = transfer;
    client->active_count++;
    if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) abort(); /* no memory */
}

/* The URL without what stands behind "?": that may be a secret. */
static bool failure_tell(const struct transfer *transfer, CURLcode failed, struct err *err)
{
    const char *url = transfer->exchange->url;
    size_t len = strcspn(url, "?");
    int shown = len < 100 ? (int)len : 100;
    if (transfer->err.code == ERR_CANCELLED) {
        *err = transfer->err;
        return false;
    }
    if (transfer->was_kept_in && failed == CURLE_COULDNT_CONNECT)
        return err_set(err, ERR_FORBIDDEN, "\"%.*s\" is not at a public address", shown, url);
    const char *words = transfer->err.code != ERR_OK ? transfer->err.text
                        : transfer->words[0]         ? transfer->words
                                                     : curl_easy_strerror(failed);
    enum err_code code = transfer->err.code != ERR_OK ? transfer->err.code : ERR_IO;
    return err_set(err, code, "could not send %s to \"%.*s\": %s", transfer->exchange->method, shown, url, words);
}

/* The caller's again, from here on. */
static void transfer_hand_back(struct http_client *client, struct transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    pthread_mutex_lock(&client->lock);
    if (--transfer->batch->left == 0) pthread_cond_signal(&transfer->batch->ended);
    pthread_mutex_unlock(&client->lock);
}

static void transfer_end(struct http_client *client, struct transfer *transfer, CURLcode failed)
{
    struct http_exchange *exchange = transfer->exchange;
    struct transfer **at = &client->active;
    curl_off_t retry_s = 0;
    if (failed == CURLE_OK && transfer->err.code == ERR_OK && !transfer->has_head)
        err_set(&transfer->err, ERR_IO, "the answer was cut within its headers");
    while (*at != transfer) at = &(*at)->next;
    *at = transfer->next;
    client->active_count--;
    if (transfer->err.code != ERR_OK || failed != CURLE_OK) {
        failure_tell(transfer, failed, &exchange->err);
    } else {
        exchange->status = transfer->status;
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_s);
        exchange->retry_after_ms = retry_s > 0 && retry_s < 86400 ? (uint32_t)retry_s * 1000 : 0;
    }
    curl_multi_remove_handle(client->multi, transfer->easy);
    if (client->spare_count < SPARE_MAX) {
        curl_easy_reset(transfer->easy);
        client->spare[client->spare_count++] = transfer->easy;
    } else {
        curl_easy_cleanup(transfer->easy);
    }
    transfer_hand_back(client, transfer);
}

/* -- the thread ------------------------------------------------------------------------------------------------- */

static bool is_cancelled(struct transfer *transfer)
{
    const atomic_bool *cancel = transfer->exchange->cancel;
    if (!cancel || !atomic_load(cancel)) return false;
    err_set(&transfer->err, ERR_CANCELLED, "the request was given up");
    return true;
}

static bool is_idle(struct transfer *transfer, uint64_t now_ns)
{
    uint32_t ms_max = transfer->exchange->idle_ms_max;
    if (ms_max == 0 || now_ns - transfer->moved_mono_ns < (uint64_t)ms_max * 1000000) return false;
    err_set(&transfer->err, ERR_IO, "no byte came or went for %u ms", ms_max);
    return true;
}

/* Answers false when the client stops and nothing waits. */
static bool waiting_start(struct http_client *client)
{
    while (client->active_count < client->exchanges_max) {
        pthread_mutex_lock(&client->lock);
        struct transfer *transfer = client->first;
        bool stops = client->stops;
        if (transfer) client->first = transfer->next;
        if (!client->first) client->last = NULL;
        pthread_mutex_unlock(&client->lock);
        if (!transfer) return !stops || client->active_count > 0;
        transfer_start(client, transfer);
    }
    return true;
}

/* Those whose callers gave up while they waited. */
static void waiting_sweep(struct http_client *client)
{
    struct transfer *given_up = NULL;
    pthread_mutex_lock(&client->lock);
    client->last = NULL;
    for (struct transfer **at = &client->first; *at;) {
        struct transfer *transfer = *at;
        if (!is_cancelled(transfer)) {
            client->last = transfer;
            at = &transfer->next;
            continue;
        }
        *at = transfer->next;
        transfer->next = given_up;
        given_up = transfer;
    }
    pthread_mutex_unlock(&client->lock);
    for (struct transfer *next; given_up; given_up = next) {
        next = given_up->next;
        given_up->exchange->err = given_up->err;
        transfer_hand_back(client, given_up);
    }
}

static bool sweep(struct http_client *client)
{
    bool has_ended = false;
    uint64_t now_ns = clock_mono_ns();
    if (now_ns < client->sweep_mono_ns) return false;
    client->sweep_mono_ns = now_ns + SWEEP_MS * 1000000ull;
    for (struct transfer *transfer = client->active, *next; transfer; transfer = next) {
        next = transfer->next;
        if (!is_cancelled(transfer) && !is_idle(transfer, now_ns)) continue;
        transfer_end(client, transfer, CURLE_OK);
        has_ended = true;
    }
    waiting_sweep(client);
    return has_ended;
}

/* Answers whether any had ended: then there may be room for those that wait. */
static bool ended_hand_back(struct http_client *client)
{
    bool has_ended = false;
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode failed = message->data.result; /* the message goes with the handle */
        char *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer_end(client, (struct transfer *)(void *)transfer, failed);
        has_ended = true;
    }
    return has_ended;
}

static void *client_main(void *arg)
{
    struct http_client *client = arg;
    sigset_t all;
    sigfillset(&all); /* a peer that closes must not end the process by SIGPIPE */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_setname_np(pthread_self(), "http_client");
    while (waiting_start(client)) {
        int running;
        curl_multi_perform(client->multi, &running);
        bool has_ended = ended_hand_back(client);
        has_ended = sweep(client) || has_ended;
        int wait_ms = has_ended ? 0 : client->active ? SWEEP_MS : REST_MS;
        curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
    }
    return NULL;
}

/* -- life and calls --------------------------------------------------------------------------------------------- */

struct http_client *http_client_create(const struct http_client_options *options)
{
    struct http_client *client = mem_calloc(1, sizeof *client);
    pthread_once(&library_once, library_begin);
    client->exchanges_max = options && options->exchanges_max ? options->exchanges_max : EXCHANGES_MAX_USUAL;
    client->ca_file = options && options->ca_file ? mem_strdup(options->ca_file) : NULL;
    client->is_public_only = options && options->is_public_only;
    client->multi = curl_multi_init();
    if (!client->multi) abort(); /* no memory */
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->exchanges_max);
    pthread_mutex_init(&client->lock, NULL);
    if (pthread_create(&client->thread, NULL, client_main, client) != 0) abort(); /* no memory */
    return client;
}

void http_client_destroy(struct http_client *client)
{
    if (!client) return;
    pthread_mutex_lock(&client->lock);
    client->stops = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
    assert(!client->active && !client->first); /* whoever is in run waits for its answer */
    while (client->spare_count > 0) curl_easy_cleanup(client->spare[--client->spare_count]);
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    free(client->ca_file);
    free(client);
}

static void exchange_clear(struct http_exchange *exchange)
{
    exchange->err = (struct err){ 0 };
    exchange->status = 0;
    exchange->answer_len = 0;
    exchange->retry_after_ms = 0;
    buf_init(&exchange->body_answer, HTTP_CLIENT_TEXT_BYTES_MAX);
    buf_init(&exchange->head_answer, HEAD_BYTES_MAX);
}

void http_client_run(struct http_client *client, struct http_exchange *exchanges, uint32_t count)
{
    if (count == 0) return;
    struct transfer *transfers = mem_calloc(count, sizeof *transfers);
    struct batch batch = { .ended = PTHREAD_COND_INITIALIZER, .left = count };
    for (uint32_t i = 0; i < count; i++) {
        struct transfer *transfer = &transfers[i];
        transfer->exchange = &exchanges[i];
        transfer->batch = &batch;
        transfer->headers = headers_make(exchanges[i].headers);
        transfer->next = i + 1 < count ? transfer + 1 : NULL;
        exchange_clear(&exchanges[i]);
    }
    pthread_mutex_lock(&client->lock);
    assert(!client->stops);
    if (client->last) {
        client->last->next = transfers;
    } else {
        client->first = transfers;
    }
    client->last = &transfers[count - 1];
    curl_multi_wakeup(client->multi);
    while (batch.left > 0) pthread_cond_wait(&batch.ended, &client->lock);
    pthread_mutex_unlock(&client->lock);
    pthread_cond_destroy(&batch.ended);
    free(transfers);
}

struct bytes http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    const char *at = (const char *)exchange->head_answer.ptr, *end = at + exchange->head_answer.len;
    size_t name_len = strlen(name);
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at)); /* on_head ends each line with one */
        if ((size_t)(line_end - at) > name_len && at[name_len] == ':' && strncasecmp(at, name, name_len) == 0) {
            const char *value = at + name_len + 1;
            while (value < line_end && (*value == ' ' || *value == '\t')) value++;
            while (line_end > value && (line_end[-1] == ' ' || line_end[-1] == '\t')) line_end--;
            return bytes_from(value, (size_t)(line_end - value));
        }
        at = line_end + 1;
    }
    return (struct bytes){ 0 };
}

void http_exchange_deinit(struct http_exchange *exchange)
{
    buf_deinit(&exchange->body_answer);
    buf_deinit(&exchange->head_answer);
}
