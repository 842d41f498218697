/* The threads that send: one looks for what is due each second, four try. */
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "channels/channels_inside.h"
#include "net/http_client.h"

#define LOOK_MS   500
#define TEND_US   (INT64_C(5) * 1000000)
#define EXPIRE_US (INT64_C(3600) * 1000000)

static void deadline_in(struct timespec *at, uint32_t ms)
{
    clock_gettime(CLOCK_REALTIME, at);
    at->tv_nsec += (long)ms * 1000000;
    at->tv_sec += at->tv_nsec / 1000000000;
    at->tv_nsec %= 1000000000;
}

/* ---- one try ---- */

static void outcome_write(struct channels *channels, struct sending *sending, const struct outcome *outcome,
                          int64_t began_unix_us)
{
    struct err err = { 0 };
    bool is_over = false;
    fail_point("channels.after_send");
    /* Until the lease ends nobody else tries; then another does, and says that it may be a repeat. */
    for (int try = 0; !delivery_end(channels, sending, outcome, began_unix_us, clock_unix_us(), &is_over, &err);
         try++) {
        log_warn(channels->options.log, "channels.outcome_not_stored", log_number("delivery", sending->taken.id),
                 log_text("err", err.text));
        if (try == 3 || atomic_load(&channels->stops)) return;
        clock_sleep_ms(1000);
    }
    fail_point("channels.after_end");
    pthread_mutex_lock(&channels->lock);
    channels->stats.tried++;
    channels->stats.sent += outcome->is_sent;
    channels->stats.failed += is_over && !outcome->is_sent;
    pthread_mutex_unlock(&channels->lock);
    if (is_over && !outcome->is_sent)
        log_warn(channels->options.log, "channels.gave_up", log_number("delivery", sending->taken.id),
                 log_number("channel", sending->taken.channel_id), log_text("why", outcome->why));
}

static void try_one(struct channels *channels, const struct taken *taken)
{
    struct arena arena = { 0 };
    struct sending sending = { .channels = channels, .arena = &arena, .taken = *taken };
    struct outcome outcome = { 0 };
    struct err err = { 0 };
    int64_t began_unix_us = clock_unix_us();
    if (!delivery_load(channels, &sending, &err)) {
        if (err.code == ERR_NOT_FOUND) { /* the channel was deleted, and this with it */
            arena_deinit(&arena);
            return;
        }
        send_failed(&outcome, err.code == ERR_CORRUPT, "%s", err.text);
    } else {
        fail_point("channels.before_send");
        send_try(&sending, &outcome);
    }
    if (!atomic_load(&channels->stops) || outcome.is_sent) outcome_write(channels, &sending, &outcome, began_unix_us);
    if (sending.secrets_json.len > 0) explicit_bzero((void *)sending.secrets_json.ptr, sending.secrets_json.len);
    arena_deinit(&arena);
}

static void *sender_main(void *arg)
{
    struct channels *channels = arg;
    sigset_t all;
    sigfillset(&all); /* a server that closes must not end the process by SIGPIPE */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_setname_np(pthread_self(), "channels_send");
    pthread_mutex_lock(&channels->lock);
    for (;;) {
        while (channels->waiting_count == 0 && !atomic_load(&channels->stops))
            pthread_cond_wait(&channels->changed, &channels->lock);
        if (atomic_load(&channels->stops)) break;
        struct taken taken = channels->waiting[--channels->waiting_count];
        channels->busy++;
        pthread_mutex_unlock(&channels->lock);
        try_one(channels, &taken);
        pthread_mutex_lock(&channels->lock);
        channels->busy--;
        pthread_cond_broadcast(&channels->changed);
    }
    pthread_mutex_unlock(&channels->lock);
    return NULL;
}

/* ---- looking ---- */

static void look(struct channels *channels, struct err *said)
{
    struct taken taken[SENDERS];
    struct err err = { 0 };
    uint32_t count = 0, room;
    pthread_mutex_lock(&channels->lock);
    uint32_t held = channels->waiting_count + channels->busy;
    room = held < SENDERS ? SENDERS - held : 0; /* a lease is for what is tried at once */
    pthread_mutex_unlock(&channels->lock);
    if (room == 0) return;
    int64_t now_us = clock_unix_us();
    bool ok = delivery_digest(channels, now_us, &err) && delivery_take(channels, now_us, room, taken, &count, &err);
    if (!ok && said->code != err.code)
        log_warn(channels->options.log, "channels.look_failed", log_text("err", err.text));
    *said = err;
    if (count == 0) return;
    pthread_mutex_lock(&channels->lock);
    for (uint32_t i = 0; i < count; i++) channels->waiting[channels->waiting_count++] = taken[i];
    pthread_cond_broadcast(&channels->changed);
    pthread_mutex_unlock(&channels->lock);
}

static void *looker_main(void *arg)
{
    struct channels *channels = arg;
    struct err said = { 0 }, err = { 0 };
    int64_t expire_unix_us = 0, tend_unix_us = 0;
    bool has_taken_over = false;
    pthread_setname_np(pthread_self(), "channels");
    while (!atomic_load(&channels->stops)) {
        if (!has_taken_over) has_taken_over = delivery_take_over(channels, &err);
        if (has_taken_over) look(channels, &said);
        if (channels->options.tend != NULL && clock_unix_us() >= tend_unix_us) {
            if (!channels->options.tend(channels->options.db, clock_unix_us(), &err))
                log_warn(channels->options.log, "channels.tend_failed", log_text("err", err.text));
            tend_unix_us = clock_unix_us() + TEND_US;
        }
        if (clock_unix_us() >= expire_unix_us) {
            if (!delivery_expire(channels, clock_unix_us(), &err))
                log_warn(channels->options.log, "channels.expire_failed", log_text("err", err.text));
            expire_unix_us = clock_unix_us() + EXPIRE_US;
        }
        struct timespec until;
        deadline_in(&until, LOOK_MS);
        pthread_mutex_lock(&channels->lock);
        if (!atomic_load(&channels->stops)) pthread_cond_timedwait(&channels->changed, &channels->lock, &until);
        pthread_mutex_unlock(&channels->lock);
    }
    return NULL;
}

void channels_start(struct channels *channels)
{
    channels->client = http_client_create(&(struct http_client_options){
        .exchanges_max = SENDERS,
        .ca_file = channels->options.ca_file[0] != '\0' ? channels->options.ca_file : NULL,
        .is_public_only = !channels->options.allows_private,
    });
    channels->runs = true;
    if (pthread_create(&channels->threads[0], NULL, looker_main, channels) != 0) abort(); /* no memory */
    for (int i = 1; i <= SENDERS; i++)
        if (pthread_create(&channels->threads[i], NULL, sender_main, channels) != 0) abort();
}

void channels_stop(struct channels *channels)
{
    if (channels == NULL || !channels->runs) return;
    pthread_mutex_lock(&channels->lock);
    atomic_store(&channels->stops, true);
    pthread_cond_broadcast(&channels->changed);
    pthread_mutex_unlock(&channels->lock);
    for (int i = 0; i <= SENDERS; i++) pthread_join(channels->threads[i], NULL);
    channels->runs = false;
}
