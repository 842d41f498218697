#include "telemetry/export.h"
#include "base/clock.h"
#include "net/http_client.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define QUEUE_BYTES_MAX (4u << 20)
#define HEADERS_MAX     16
#define CONNECT_MS_MAX  5000
#define SEND_MS_MAX     10000
#define RETRY_MS_MIN    1000
#define RETRY_MS_MAX    30000
#define LAST_MS         1000 /* for what waits when we stop */

struct parcel {
    struct parcel *next;
    enum otlp_signal signal;
    uint64_t record_count;
    size_t len;
    uint8_t body[];
};

struct export
{
    struct export_options options;
    struct http_client *client;
    char *urls[3];     /* by signal - 1 */
    char *header_text; /* what headers point into */
    struct http_client_header headers[HEADERS_MAX + 2];
    pthread_t thread;
    bool thread_runs;
    atomic_bool gives_up; /* the time to send is over */
    bool is_failing;      /* the thread's */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct parcel *first, *last;
    size_t bytes;
    bool stops;   /* what fails now is not tried again */
    bool is_over; /* the thread ends */
    struct export_stats stats;
};

/* -- settings --------------------------------------------------------------------------------------------------- */

static char *trimmed(char *text)
{
    while (*text == ' ') text++;
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == ' ') text[--len] = '\0';
    return text;
}

static bool header_is_sound(const char *name, const char *value)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!name[0] || strspn(name, token) != strlen(name)) return false;
    for (; *value; value++)
        if ((uint8_t)*value < ' ' || *value == 0x7F) return false;
    return true;
}

/* "a=b,c=d": OTEL_EXPORTER_OTLP_HEADERS' form, without its percent escapes. */
static bool headers_read(struct export *export, const char *text, struct err *err)
{
    uint32_t count = 0;
    export->headers[count++] = (struct http_client_header){ "content-type", "application/x-protobuf" };
    if (!text) return true;
    export->header_text = mem_strdup(text);
    char *at = export->header_text;
    for (char *part = strsep(&at, ","); part; part = strsep(&at, ",")) {
        if (!trimmed(part)[0]) continue;
        char *equals = strchr(part, '=');
        if (equals) *equals = '\0';
        char *name = trimmed(part), *value = equals ? trimmed(equals + 1) : part;
        if (!equals || !header_is_sound(name, value))
            return err_set(err, ERR_INPUT, "header %u of the telemetry's second target is not name=value", count);
        if (count == HEADERS_MAX)
            return err_set(err, ERR_INPUT, "more than %d headers for the telemetry's second target", HEADERS_MAX - 1);
        export->headers[count++] = (struct http_client_header){ name, value };
    }
    return true;
}

static void urls_make(struct export *export)
{
    static const char *const paths[] = { "/v1/logs", "/v1/traces", "/v1/metrics" };
    const char *endpoint = export->options.endpoint;
    size_t len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/') len--;
    for (uint32_t s = 0; s < COUNT_OF(paths); s++) {
        size_t bytes = len + strlen(paths[s]) + 1;
        export->urls[s] = mem_alloc(bytes);
        snprintf(export->urls[s], bytes, "%.*s%s", (int)len, endpoint, paths[s]);
    }
}

/* -- the queue -------------------------------------------------------------------------------------------------- */

/* Under the lock. */
static void parcel_drop(struct export *export, struct parcel *parcel)
{
    export->stats.dropped[parcel->signal - 1] += parcel->record_count;
    free(parcel);
}

/* Under the lock. */
static struct parcel *parcel_take(struct export *export)
{
    struct parcel *parcel = export->first;
    if (!parcel) return NULL;
    export->first = parcel->next;
    if (!export->first) export->last = NULL;
    export->bytes -= parcel->len;
    return parcel;
}

void export_push(struct export *export, enum otlp_signal signal, struct bytes body, uint64_t record_count)
{
    struct parcel *parcel = mem_alloc(sizeof *parcel + body.len);
    parcel->next = NULL;
    parcel->signal = signal;
    parcel->record_count = record_count;
    parcel->len = body.len;
    memcpy(parcel->body, body.ptr, body.len);
    pthread_mutex_lock(&export->lock);
    while (export->first && export->bytes + body.len > QUEUE_BYTES_MAX) parcel_drop(export, parcel_take(export));
    if (export->last) {
        export->last->next = parcel;
    } else {
        export->first = parcel;
    }
    export->last = parcel;
    export->bytes += body.len;
    pthread_cond_signal(&export->changed);
    pthread_mutex_unlock(&export->lock);
}

void export_stats(struct export *export, struct export_stats *stats)
{
    pthread_mutex_lock(&export->lock);
    *stats = export->stats;
    pthread_mutex_unlock(&export->lock);
}

/* -- sending ---------------------------------------------------------------------------------------------------- */

enum outcome { TAKEN, LATER, NEVER };

static void failing_tell(struct export *export, bool is_failing, const char *why, int status)
{
    if (is_failing && !export->is_failing)
        log_warn(export->options.log, "telemetry.export_failing", log_number("status", status), log_text("err", why));
    if (!is_failing && export->is_failing) log_info(export->options.log, "telemetry.export_works");
    export->is_failing = is_failing;
}

static enum outcome parcel_send(struct export *export, const struct parcel *parcel, uint32_t *retry_ms)
{
    struct http_exchange exchange = {
        .method = "POST",
        .url = export->urls[parcel->signal - 1],
        .headers = export->headers,
        .body = { .bytes = bytes_from(parcel->body, parcel->len) },
        .connect_ms_max = CONNECT_MS_MAX,
        .total_ms_max = SEND_MS_MAX,
        .answer_is_cut = true, /* its words are not ours to keep: they may quote what was sent */
        .cancel = &export->gives_up,
    };
    http_client_run(export->client, &exchange, 1);
    http_exchange_deinit(&exchange);
    if (exchange.err.code != ERR_OK) {
        if (exchange.err.code != ERR_CANCELLED) failing_tell(export, true, exchange.err.text, 0);
        return LATER;
    }
    int status = exchange.status;
    if (status >= 200 && status < 300) {
        failing_tell(export, false, NULL, 0);
        return TAKEN;
    }
    failing_tell(export, true, "the target does not take it", status);
    if (exchange.retry_after_ms > 0) *retry_ms = exchange.retry_after_ms;
    return status == 429 || status == 502 || status == 503 || status == 504 ? LATER : NEVER;
}

static struct timespec after_ms(uint64_t ms)
{
    uint64_t at_ns = clock_mono_ns() + ms * 1000000;
    return (struct timespec){ .tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000) };
}

/* Under the lock: until the time is over or we stop. */
static void pause_for(struct export *export, uint32_t ms)
{
    struct timespec until = after_ms(ms);
    int failed = 0;
    while (!export->stops && failed != ETIMEDOUT)
        failed = pthread_cond_timedwait(&export->changed, &export->lock, &until);
}

/* Until it is taken, will never be, or newer ones need its room. */
static void parcel_work(struct export *export, struct parcel *parcel)
{
    for (uint32_t delay_ms = RETRY_MS_MIN;; delay_ms = delay_ms * 2 < RETRY_MS_MAX ? delay_ms * 2 : RETRY_MS_MAX) {
        uint32_t retry_ms = delay_ms;
        enum outcome outcome = parcel_send(export, parcel, &retry_ms);
        pthread_mutex_lock(&export->lock);
        bool has_room = export->bytes + parcel->len <= QUEUE_BYTES_MAX;
        bool is_kept = outcome == LATER && !export->stops && has_room;
        export->stats.requests += outcome == TAKEN;
        export->stats.failures += outcome != TAKEN;
        if (is_kept) pause_for(export, retry_ms);
        if (!is_kept && outcome != TAKEN) parcel_drop(export, parcel);
        pthread_mutex_unlock(&export->lock);
        if (outcome == TAKEN) free(parcel);
        if (!is_kept) return;
    }
}

static void *export_main(void *arg)
{
    struct export *export = arg;
    pthread_setname_np(pthread_self(), "export");
    for (;;) {
        pthread_mutex_lock(&export->lock);
        while (!export->first && !export->stops) pthread_cond_wait(&export->changed, &export->lock);
        struct parcel *parcel = atomic_load(&export->gives_up) ? NULL : parcel_take(export);
        export->is_over = parcel == NULL;
        if (!parcel) pthread_cond_broadcast(&export->changed);
        pthread_mutex_unlock(&export->lock);
        if (!parcel) return NULL;
        parcel_work(export, parcel);
    }
}

/* -- life ------------------------------------------------------------------------------------------------------- */

bool export_open(struct export **out, const struct export_options *options, struct err *err)
{
    struct export *export = mem_calloc(1, sizeof *export);
    pthread_condattr_t monotonic;
    *out = NULL;
    export->options = *options;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&export->lock, NULL);
    pthread_cond_init(&export->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!http_client_url_check(options->endpoint, err) || !headers_read(export, options->headers, err)) goto fail;
    urls_make(export);
    export->client = http_client_create(&(struct http_client_options){ .exchanges_max = 1 });
    errno = pthread_create(&export->thread, NULL, export_main, export);
    if (errno != 0) {
        err_os(err, "could not start the thread of the telemetry's second target");
        goto fail;
    }
    export->thread_runs = true;
    *out = export;
    return true;
fail:
    export_close(export);
    return false;
}

void export_close(struct export *export)
{
    if (!export) return;
    if (export->thread_runs) {
        struct timespec until = after_ms(LAST_MS);
        int failed = 0;
        pthread_mutex_lock(&export->lock);
        export->stops = true;
        pthread_cond_broadcast(&export->changed);
        while (!export->is_over && failed != ETIMEDOUT)
            failed = pthread_cond_timedwait(&export->changed, &export->lock, &until);
        pthread_mutex_unlock(&export->lock);
        atomic_store(&export->gives_up, true);
        pthread_join(export->thread, NULL);
    }
    http_client_destroy(export->client);
    while (export->first) free(parcel_take(export));
    for (uint32_t s = 0; s < COUNT_OF(export->urls); s++) free(export->urls[s]);
    free(export->header_text);
    pthread_cond_destroy(&export->changed);
    pthread_mutex_destroy(&export->lock);
    free(export);
}
