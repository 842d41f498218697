#include "base/clock.h"
#include "timefusion/pgwire/pgwire.h"
#include "timefusion/pgwire/session.h"
#include "timefusion/query/query.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct connection {
    struct connection *next;
    struct pgwire_server *server;
    struct tcp *tcp;
    struct session *session;
    struct session_cancel_key key;
    pthread_t thread;
    bool is_done;            /* its thread can be joined at once */
    uint64_t ending_mono_ns; /* since when; 0: it is not */
};
struct pgwire_server {
    struct pgwire_options options;
    struct tcp_listener *listener;
    pthread_t thread, watcher;
    bool thread_runs, watcher_runs;
    struct session_counters counters;
    _Atomic uint64_t accepted, turned_away;
    pthread_cond_t wakes; /* the watcher */
    pthread_mutex_t lock; /* guards what follows, and is_done, ending_mono_ns */
    bool is_closing;
    struct connection *connections;
    uint32_t connection_count;
};

static void on_cancel(void *ctx, struct session_cancel_key key)
{
    struct pgwire_server *server = ctx;
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c; c = c->next)
        if (c->key.pid == key.pid && !c->is_done && session_key_is(c->session, &key)) session_cancel(c->session);
    pthread_mutex_unlock(&server->lock);
}

static void *connection_main(void *arg)
{
    struct connection *connection = arg;
    pthread_setname_np(pthread_self(), "pgwire");
    session_run(connection->session);
    tcp_end(connection->tcp); /* TLS says that it was not cut off */
    pthread_mutex_lock(&connection->server->lock);
    connection->is_done = true;
    pthread_mutex_unlock(&connection->server->lock);
    tcp_shutdown(connection->tcp);
    return NULL;
}

static void connection_destroy(struct connection *connection)
{
    session_destroy(connection->session);
    tcp_close(connection->tcp);
    free(connection);
}

/* Joins the threads of those who left (all of them when waits). */
static void connections_reap(struct pgwire_server *server, bool waits)
{
    struct connection *gone = NULL;
    pthread_mutex_lock(&server->lock);
    for (struct connection **at = &server->connections; *at;) {
        struct connection *connection = *at;
        if (!waits && !connection->is_done) {
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        connection->next = gone;
        gone = connection;
        server->connection_count--;
    }
    pthread_mutex_unlock(&server->lock);
    while (gone) {
        struct connection *connection = gone;
        gone = connection->next;
        pthread_join(connection->thread, NULL);
        connection_destroy(connection);
    }
}

static void refuse(struct tcp *tcp, uint32_t connections_max)
{
    /* An ErrorResponse as PostgreSQL sends before it has read anything. */
    char text[160];
    struct buf out;
    struct err ignored = { 0 };
    int len =
        snprintf(text, sizeof text, "SFATAL%cVFATAL%cC53300%cMalready %u connections; --pg-connections allows more%c",
                 0, 0, 0, connections_max, 0);
    uint32_t length = (uint32_t)len + 5;
    uint8_t head[5] = { 'E', (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                        (uint8_t)length };
    buf_init(&out, 1024);
    if (buf_add(&out, head, sizeof head) && buf_add(&out, text, (size_t)len) && buf_add(&out, "", 1))
        (void)!tcp_write(tcp, buf_bytes(&out), &ignored);
    buf_deinit(&out);
    tcp_close(tcp);
}

static void connection_end(struct pgwire_server *server, uint32_t pid, const char *sqlstate, const char *text)
{
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->key.pid != pid || c->is_done) continue;
        session_end(c->session, sqlstate, text);
        tcp_end_reading(c->tcp); /* what it waits for does not come */
        c->ending_mono_ns = clock_mono_ns();
    }
    pthread_mutex_unlock(&server->lock);
}

static void on_terminate(void *ctx, uint32_t pid)
{
    connection_end(ctx, pid, "57P01", "terminating connection due to administrator command");
}

static void connection_begin(struct pgwire_server *server, struct tcp *tcp)
{
    struct connection *connection = mem_calloc(1, sizeof *connection);
    connection->server = server;
    connection->tcp = tcp;
    connection->key.pid = query_pid_new(server->options.engine);
    connection->key.secret_bytes = SESSION_SECRET_BYTES;
    if (getrandom(connection->key.secret, SESSION_SECRET_BYTES, 0) != SESSION_SECRET_BYTES) abort();
    struct session_options options = { .server = &server->options,
                                       .counters = &server->counters,
                                       .key = connection->key,
                                       .cancel = on_cancel,
                                       .terminate = on_terminate,
                                       .ctx = server };
    connection->session = session_create(tcp, &options);
    pthread_mutex_lock(&server->lock);
    int failed = pthread_create(&connection->thread, NULL, connection_main, connection);
    if (!failed) {
        connection->next = server->connections;
        server->connections = connection;
        server->connection_count++;
    }
    pthread_mutex_unlock(&server->lock);
    if (failed) {
        log_warn(server->options.log, "pgwire.no_thread", log_number("errno", failed));
        connection_destroy(connection);
    }
}

static void *accept_main(void *arg)
{
    struct pgwire_server *server = arg;
    for (;;) {
        struct tcp *tcp;
        struct err err = { 0 };
        if (!tcp_accept(server->listener, &tcp, &err)) {
            if (err.code == ERR_CANCELLED) return NULL;
            log_warn(server->options.log, "pgwire.accept_failed", log_text("err", err.text));
            clock_sleep_ms(100); /* out of file descriptors: others must leave first */
            continue;
        }
        connections_reap(server, false);
        if (server->connection_count >= server->options.connections_max) {
            atomic_fetch_add(&server->turned_away, 1);
            refuse(tcp, server->options.connections_max);
        } else {
            atomic_fetch_add(&server->accepted, 1);
            connection_begin(server, tcp);
        }
    }
}

/* --- logins that end: revoked keys, disabled users --- */

#define WATCH_MS   250                  /* revocations come to this process as often */
#define GRACE_NS   UINT64_C(1000000000) /* for a client that does not read what it is told */
#define USERS_EACH 4                    /* rounds between looks at users, which ask the database; keys are in memory */

struct watched {
    uint32_t pid;
    struct pgwire_user who;
};

/* Nothing is asked under the lock: it may take long, and others want in. */
static void logins_check(struct pgwire_server *server, bool of_users)
{
    static const struct uuid none = { 0 };
    const struct pgwire_login *login = &server->options.login;
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&server->lock);
    struct watched *watched = mem_alloc((server->connection_count + 1) * sizeof *watched);
    uint32_t count = 0;
    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->is_done) continue;
        if (c->ending_mono_ns != 0 && now_ns - c->ending_mono_ns > GRACE_NS) tcp_shutdown(c->tcp);
        watched[count].pid = c->key.pid;
        if (session_who(c->session, &watched[count].who) && uuid_equal(watched[count].who.user_id, none) == !of_users)
            count++;
    }
    pthread_mutex_unlock(&server->lock);
    for (uint32_t w = 0; w < count; w++) {
        struct err why = { 0 };
        if (!login->still(login->ctx, &watched[w].who, &why))
            connection_end(server, watched[w].pid, err_sqlstate(why.code), why.text);
    }
    free(watched);
}

static void *watcher_main(void *arg)
{
    struct pgwire_server *server = arg;
    pthread_setname_np(pthread_self(), "pgwire-logins");
    for (uint32_t round = 1;; round++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_MS * 1000000l;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&server->lock);
        if (!server->is_closing) pthread_cond_timedwait(&server->wakes, &server->lock, &until);
        bool is_over = server->is_closing;
        pthread_mutex_unlock(&server->lock);
        if (is_over) return NULL;
        connections_reap(server, false); /* those who left are sessions no more */
        logins_check(server, false);
        if (round % USERS_EACH == 0) logins_check(server, true);
    }
}

bool pgwire_server_open(struct pgwire_server **out, const struct pgwire_options *options, struct err *err)
{
    struct pgwire_server *server = mem_calloc(1, sizeof *server);
    *out = NULL;
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->wakes, NULL);
    if (!tcp_listen(&server->listener, options->address, options->port, err)) goto fail;
    int failed = pthread_create(&server->thread, NULL, accept_main, server);
    if (failed) {
        errno = failed;
        err_os(err, "could not start the thread of the SQL port");
        goto fail;
    }
    server->thread_runs = true;
    failed = options->login.still ? pthread_create(&server->watcher, NULL, watcher_main, server) : 0;
    if (failed) {
        errno = failed;
        err_os(err, "could not start the thread that watches logins");
        goto fail;
    }
    server->watcher_runs = options->login.still != NULL;
    *out = server;
    return true;
fail:
    pgwire_server_close(server);
    return false;
}

uint16_t pgwire_server_port(const struct pgwire_server *server)
{
    return tcp_listener_port(server->listener);
}

void pgwire_server_stats(struct pgwire_server *server, struct pgwire_stats *stats)
{
    *stats = (struct pgwire_stats){
        .accepted = atomic_load(&server->accepted),
        .turned_away = atomic_load(&server->turned_away),
        .statements = atomic_load(&server->counters.statements),
        .failed = atomic_load(&server->counters.failed),
        .rows = atomic_load(&server->counters.rows),
        .tls_failed = atomic_load(&server->counters.tls_failed),
    };
    histogram_read(&server->counters.times, &stats->times);
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c; c = c->next) stats->connections += !c->is_done;
    pthread_mutex_unlock(&server->lock);
}

void pgwire_server_close(struct pgwire_server *server)
{
    if (!server) return;
    if (server->listener) tcp_listener_stop(server->listener);
    if (server->thread_runs) pthread_join(server->thread, NULL);
    pthread_mutex_lock(&server->lock);
    server->is_closing = true;
    pthread_cond_signal(&server->wakes);
    pthread_mutex_unlock(&server->lock);
    if (server->watcher_runs) pthread_join(server->watcher, NULL);
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->is_done) continue;
        session_end(c->session, "57P01", "the server is stopping");
        tcp_shutdown(c->tcp);
    }
    pthread_mutex_unlock(&server->lock);
    connections_reap(server, true);
    if (server->listener) tcp_listener_close(server->listener);
    pthread_cond_destroy(&server->wakes);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
