/* Blocking TCP, and the event loop's thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "net/tls_files.h"

struct pair {
    struct tcp_listener *listener;
    struct tcp *client, *server;
};

static void pair_open(struct pair *pair, const char *host)
{
    struct err err = { 0 };
    if (!tcp_listen(&pair->listener, host, 0, &err)) fail_msg("%s", err.text);
    if (!tcp_connect(&pair->client, host, tcp_listener_port(pair->listener), &err)) fail_msg("%s", err.text);
    if (!tcp_accept(pair->listener, &pair->server, &err)) fail_msg("%s", err.text);
}

static void pair_close(struct pair *pair)
{
    tcp_close(pair->client);
    tcp_close(pair->server);
    tcp_listener_close(pair->listener);
}

static void *write_much(void *arg)
{
    struct err err = { 0 };
    uint8_t *bytes = mem_alloc(5 << 20);
    for (size_t i = 0; i < 5 << 20; i++) bytes[i] = (uint8_t)(i * 7 ^ i >> 9);
    if (!tcp_write(arg, bytes_from(bytes, 5 << 20), &err)) abort();
    free(bytes);
    return NULL;
}

/* ---- the same with TLS ---- */

struct secure {
    char dir[60];
    struct tls_context *server, *client;
    struct log log;
};

static void secure_open(struct secure *secure)
{
    char ca[80], cert[80], key[80];
    struct tls_authority authority;
    struct err err = { 0 };
    secure->log = (struct log){ .fd = 2, .level_min = LOG_ERROR };
    snprintf(secure->dir, sizeof secure->dir, "/tmp/tcp_test.XXXXXX");
    assert_non_null(mkdtemp(secure->dir));
    snprintf(ca, sizeof ca, "%s/ca.crt", secure->dir);
    snprintf(cert, sizeof cert, "%s/server.crt", secure->dir);
    snprintf(key, sizeof key, "%s/server.key", secure->dir);
    tls_authority_init(&authority, secure->dir, "ca");
    tls_authority_sign(&authority, secure->dir, "server", (struct tls_wish){ 0 });
    tls_authority_deinit(&authority);
    struct tls_files files = { cert, key, NULL };
    if (!tls_context_open(&secure->server, &files, &secure->log, &err)) fail_msg("%s", err.text);
    if (!tls_context_open_client(&secure->client, ca, NULL, NULL, &err)) fail_msg("%s", err.text);
}

static void secure_close(struct secure *secure)
{
    char command[100];
    tls_context_close(secure->server);
    tls_context_close(secure->client);
    snprintf(command, sizeof command, "rm -r %s", secure->dir);
    assert_int_equal(system(command), 0);
}

struct shake {
    struct tcp *tcp;
    struct tls_session *tls;
    bool ok;
    struct err err;
};

static void *shake_main(void *arg)
{
    struct shake *shake = arg;
    shake->ok = tcp_start_tls(shake->tcp, shake->tls, 5000, &shake->err);
    return NULL;
}

static void pair_secure(struct pair *pair, struct secure *secure)
{
    pthread_t thread;
    struct err err = { 0 };
    struct shake shake = { .tcp = pair->client, .tls = tls_session_connect(secure->client, "127.0.0.1", NULL) };
    pthread_create(&thread, NULL, shake_main, &shake);
    if (!tcp_start_tls(pair->server, tls_session_accept(secure->server, NULL), 5000, &err)) fail_msg("%s", err.text);
    pthread_join(thread, NULL);
    if (!shake.ok) fail_msg("%s", shake.err.text);
    assert_true(tcp_has_tls(pair->client) && tcp_has_tls(pair->server));
}

/* Goal: TLS carries as much, both ways at once, in reads of any size; its end is an end.
 * Method: 5 MiB from another thread while small answers go back; then tcp_end. */
static void test_tls_carries_bytes(void **state)
{
    (void)state;
    struct secure secure;
    struct pair pair;
    struct err err = { 0 };
    uint8_t in[10000];
    size_t len, got = 0;
    pthread_t writer;
    secure_open(&secure);
    pair_open(&pair, "127.0.0.1");
    assert_true(tcp_is_loopback(pair.server));
    pair_secure(&pair, &secure);
    pthread_create(&writer, NULL, write_much, pair.client);
    for (size_t max = 1; got < 5 << 20; max = max * 7 % sizeof in + 1) {
        assert_true(tcp_read(pair.server, in, max, &len, 5000, &err));
        assert_true(len > 0);
        for (size_t i = 0; i < len; i++, got++) assert_int_equal(in[i], (uint8_t)(got * 7 ^ got >> 9));
        if (got % 1000 == 0) assert_true(tcp_write(pair.server, BYTES("!"), &err)); /* while input waits to be read */
    }
    pthread_join(writer, NULL);
    assert_false(tcp_read(pair.server, in, 1, &len, 20, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    tcp_end(pair.client);
    assert_true(tcp_read(pair.server, in, 1, &len, 5000, &err));
    assert_int_equal(len, 0);
    assert_true(tcp_write(pair.server, BYTES("after your end"), &err));
    pair_close(&pair);
    secure_close(&secure);
}

/* Goal: hands that cannot be shaken are an error in words and in time. Method: a peer that is silent, one that leaves, one
 * that speaks something else. */
static void test_tls_failures(void **state)
{
    (void)state;
    struct secure secure;
    struct pair pair;
    struct err err = { 0 };
    secure_open(&secure);
    pair_open(&pair, "127.0.0.1");
    assert_false(tcp_start_tls(pair.server, tls_session_accept(secure.server, NULL), 20, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    pair_close(&pair);

    pair_open(&pair, "127.0.0.1");
    tcp_end(pair.client);
    assert_false(tcp_start_tls(pair.server, tls_session_accept(secure.server, NULL), 5000, &err));
    assert_int_equal(err.code, ERR_IO);
    pair_close(&pair);

    pair_open(&pair, "127.0.0.1");
    assert_true(tcp_write(pair.client, BYTES("SELECT 1; -- this is not TLS"), &err));
    assert_false(tcp_start_tls(pair.server, tls_session_accept(secure.server, NULL), 5000, &err));
    assert_int_equal(err.code, ERR_PROTOCOL);
    assert_false(tcp_write(pair.server, BYTES("x"), &err)); /* nothing goes out in the clear after it */
    pair_close(&pair);
    secure_close(&secure);
}

/* ---- in the clear ---- */

/* Goal: bytes arrive as they were, more than the kernel holds at once; the end reads as 0 bytes.
 * Method: 5 MiB from another thread, then close. */
static void test_tcp_carries_bytes(void **state)
{
    (void)state;
    struct pair pair;
    struct err err = { 0 };
    uint8_t in[10000];
    size_t len, got = 0;
    pthread_t writer;
    pair_open(&pair, "127.0.0.1");
    pthread_create(&writer, NULL, write_much, pair.client);
    while (got < 5 << 20) {
        assert_true(tcp_read(pair.server, in, sizeof in, &len, 5000, &err));
        assert_true(len > 0);
        for (size_t i = 0; i < len; i++, got++) assert_int_equal(in[i], (uint8_t)(got * 7 ^ got >> 9));
    }
    pthread_join(writer, NULL);
    tcp_close(pair.client);
    pair.client = NULL;
    assert_true(tcp_read(pair.server, in, sizeof in, &len, -1, &err));
    assert_int_equal(len, 0);
    pair_close(&pair);
}

/* Goal: a read waits no longer than it may. Method: 30 ms for a peer that says nothing, then it says something. */
static void test_tcp_read_times_out(void **state)
{
    (void)state;
    struct pair pair;
    struct err err = { 0 };
    uint8_t in[10];
    size_t len;
    pair_open(&pair, "localhost");
    uint64_t from_ns = clock_mono_ns();
    assert_false(tcp_read(pair.server, in, sizeof in, &len, 30, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ns() - from_ns >= 30000000);
    assert_true(tcp_write(pair.client, BYTES("x"), &err));
    assert_true(tcp_read(pair.server, in, sizeof in, &len, 5000, &err));
    assert_int_equal(len, 1);
    pair_close(&pair);
}

/* Goal: a client that left is noticed, one that only talks is not taken for gone.
 * Method: look at a quiet one, one with bytes unread, and one that wrote and closed. */
static void test_tcp_is_hung_up(void **state)
{
    (void)state;
    struct pair pair;
    struct err err = { 0 };
    pair_open(&pair, "127.0.0.1");
    assert_false(tcp_is_hung_up(pair.server));
    assert_true(tcp_write(pair.client, BYTES("a query ahead of its time"), &err));
    clock_sleep_ms(10);
    assert_false(tcp_is_hung_up(pair.server));
    tcp_close(pair.client);
    pair.client = NULL;
    for (int i = 0; i < 500 && !tcp_is_hung_up(pair.server); i++) clock_sleep_ms(2);
    assert_true(tcp_is_hung_up(pair.server));
    pair_close(&pair);
}

static void *shut_soon(void *tcp)
{
    clock_sleep_ms(30);
    tcp_shutdown(tcp);
    return NULL;
}
static void *stop_soon(void *listener)
{
    clock_sleep_ms(30);
    tcp_listener_stop(listener);
    return NULL;
}

/* Goal: another thread can end a waiting read, a waiting write and a waiting accept. Method: each after 30 ms. */
static void test_tcp_waits_can_be_ended(void **state)
{
    (void)state;
    struct pair pair;
    struct err err = { 0 };
    uint8_t in[10];
    size_t len;
    pthread_t other;
    pair_open(&pair, "127.0.0.1");
    pthread_create(&other, NULL, shut_soon, pair.server);
    assert_true(tcp_read(pair.server, in, sizeof in, &len, -1, &err));
    assert_int_equal(len, 0);
    pthread_join(other, NULL);

    uint8_t *much = mem_calloc(1, 64 << 20); /* nobody reads: the write must wait */
    struct pair full;
    pair_open(&full, "127.0.0.1");
    pthread_create(&other, NULL, shut_soon, full.server);
    assert_false(tcp_write(full.server, bytes_from(much, 64 << 20), &err));
    assert_int_equal(err.code, ERR_IO);
    pthread_join(other, NULL);
    free(much);
    pair_close(&full);

    struct tcp *late;
    pthread_create(&other, NULL, stop_soon, pair.listener);
    assert_false(tcp_accept(pair.listener, &late, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_null(late);
    assert_false(tcp_accept(pair.listener, &late, &err)); /* for ever */
    pthread_join(other, NULL);
    pair_close(&pair);
}

/* Goal: what cannot be reached or listened on is told in words. Method: a taken port, a closed one, a wrong address. */
static void test_tcp_failures(void **state)
{
    (void)state;
    struct tcp_listener *first, *second;
    struct tcp *tcp;
    struct err err = { 0 };
    assert_true(tcp_listen(&first, "127.0.0.1", 0, &err));
    uint16_t port = tcp_listener_port(first);
    assert_false(tcp_listen(&second, "127.0.0.1", port, &err));
    assert_non_null(strstr(err.text, "Address already in use"));
    tcp_listener_close(first);
    assert_false(tcp_connect(&tcp, "127.0.0.1", port, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "could not connect to 127.0.0.1"));
    assert_false(tcp_listen(&second, "300.1.1.1", 0, &err));
    assert_non_null(strstr(err.text, "300.1.1.1"));
}

enum { POSTERS = 4, POSTS = 5000 };
struct tally {
    struct loop *loop;
    uint32_t count;         /* the loop thread's */
    uint32_t next[POSTERS]; /* of each poster, in order */
};
struct post {
    struct tally *tally;
    uint32_t poster, number;
};

static void post_run(void *ctx)
{
    struct post *post = ctx;
    if (post->tally->next[post->poster]++ != post->number) abort();
    post->tally->count++;
    free(post);
}

static void *post_all(void *arg)
{
    struct post *first = arg;
    for (uint32_t i = 0; i < POSTS; i++) {
        struct post *post = mem_alloc(sizeof *post);
        *post = (struct post){ first->tally, first->poster, i };
        loop_post(first->tally->loop, post_run, post);
    }
    return NULL;
}

/* Goal: each post runs once, those of one thread in their order, also the ones posted after the stop.
 * Method: four threads post 5,000 each; one post more when the loop is stopped; count after the close. */
static void test_loop_runs_each_post_once(void **state)
{
    (void)state;
    struct tally tally = { 0 };
    struct err err = { 0 };
    if (!loop_open(&tally.loop, &err)) fail_msg("%s", err.text);
    pthread_t posters[POSTERS];
    struct post firsts[POSTERS];
    for (uint32_t i = 0; i < POSTERS; i++) {
        firsts[i] = (struct post){ &tally, i, 0 };
        pthread_create(&posters[i], NULL, post_all, &firsts[i]);
    }
    for (uint32_t i = 0; i < POSTERS; i++) pthread_join(posters[i], NULL);
    loop_stop(tally.loop);
    loop_stop(tally.loop);
    struct post *late = mem_alloc(sizeof *late);
    *late = (struct post){ &tally, 0, POSTS };
    loop_post(tally.loop, post_run, late);
    loop_close(tally.loop);
    assert_int_equal(tally.count, POSTERS * POSTS + 1);
    loop_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_carries_bytes), cmocka_unit_test(test_tcp_read_times_out),
        cmocka_unit_test(test_tcp_is_hung_up),    cmocka_unit_test(test_tcp_waits_can_be_ended),
        cmocka_unit_test(test_tcp_failures),      cmocka_unit_test(test_loop_runs_each_post_once),
        cmocka_unit_test(test_tls_carries_bytes), cmocka_unit_test(test_tls_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
