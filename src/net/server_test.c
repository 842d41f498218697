/* The generic server, with a protocol of lines: "echo TEXT" is answered with TEXT by another thread, "now TEXT" at once;
 * "quit" ends the connection. In the clear and over TLS. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/queue.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "net/tls_files.h"

enum { WAIT_MS = 10000, LINE_BYTES_MAX = 200000 };

/* ---- the protocol ---- */

struct line_session {
    struct server_connection *owner;
    struct buf in, out;
    struct line *whole_first, **whole_last;
    uint32_t lines_out; /* handed out, not yet applied */
    bool has_begun, has_ended, is_over, is_leaving;
};

struct line {
    struct server_request out;
    struct line_session *session;
    struct line *next;
    char *text;
};

struct fixture {
    struct loop *loop;
    struct server *server;
    struct queue *work;
    pthread_t worker;
    struct log log;
    int log_pipe[2];
    char dir[60], ca[80], cert[80], key[80];
    struct tls_authority authority;
    struct tls_context *tls, *client_tls;
    _Atomic int released;
};

static void *line_create(void *ctx, struct server_connection *owner, uint64_t now_mono_ns)
{
    (void)ctx, (void)now_mono_ns;
    struct line_session *session = mem_calloc(1, sizeof *session);
    session->owner = owner;
    session->whole_last = &session->whole_first;
    buf_init(&session->in, 4 * LINE_BYTES_MAX);
    buf_init(&session->out, SIZE_MAX);
    return session;
}

/* The test sees to it that all lines are answered before. */
static void line_destroy(void *ctx)
{
    struct line_session *session = ctx;
    assert_int_equal(session->lines_out, 0);
    buf_deinit(&session->in);
    buf_deinit(&session->out);
    free(session);
}

static void line_feed(void *ctx, struct bytes bytes, uint64_t now_mono_ns)
{
    (void)now_mono_ns;
    struct line_session *session = ctx;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != '\n') {
            assert_true(buf_add(&session->in, bytes.ptr + i, 1));
            continue;
        }
        char *text = bytes_to_text(buf_bytes(&session->in));
        session->in.len = 0;
        bool is_line = strncmp(text, "echo ", 5) == 0 || strncmp(text, "now ", 4) == 0;
        session->has_begun |= is_line;
        if (!is_line) {
            session->is_over = true;
            free(text);
            continue;
        }
        struct line *line = mem_calloc(1, sizeof *line);
        line->session = session;
        line->text = text;
        *session->whole_last = line;
        session->whole_last = &line->next;
        session->lines_out++;
    }
}

static bool line_end(void *ctx)
{
    struct line_session *session = ctx;
    session->has_ended = true;
    return session->lines_out > 0 || session->out.len > 0;
}

static struct server_request *line_next(void *ctx)
{
    struct line_session *session = ctx;
    struct line *line = session->whole_first;
    if (line == NULL) return NULL;
    session->whole_first = line->next;
    if (session->whole_first == NULL) session->whole_last = &session->whole_first;
    return &line->out;
}

static void line_call(void *ctx, struct server_request *request)
{
    struct fixture *fixture = ctx;
    struct line *line = (struct line *)(void *)request; /* its first member */
    if (line->text[0] == 'n') {
        server_answer(request);
    } else {
        assert_true(queue_push(fixture->work, request, 0));
    }
}

static struct server_connection *line_apply(struct server_request *request)
{
    struct line *line = (struct line *)(void *)request;
    struct line_session *session = line->session;
    assert_true(buf_printf(&session->out, "%s\n", strchr(line->text, ' ') + 1));
    session->lines_out--;
    free(line->text);
    free(line);
    return session->owner;
}

static size_t line_fill(void *ctx, uint8_t *out, size_t max)
{
    struct line_session *session = ctx;
    size_t len = session->out.len < max ? session->out.len : max;
    if (len == 0) return 0;
    memcpy(out, session->out.ptr, len);
    memmove(session->out.ptr, session->out.ptr + len, session->out.len - len);
    session->out.len -= len;
    return len;
}

static bool line_is_over(void *ctx)
{
    const struct line_session *session = ctx;
    bool is_wanted = session->is_over || session->has_ended || session->is_leaving;
    return is_wanted && session->lines_out == 0 && session->out.len == 0;
}

static bool line_is_choked(void *ctx)
{
    return ((const struct line_session *)ctx)->out.len > LINE_BYTES_MAX;
}

static bool line_is_idle(const void *ctx)
{
    return ((const struct line_session *)ctx)->lines_out == 0;
}

static bool line_has_begun(const void *ctx)
{
    return ((const struct line_session *)ctx)->has_begun;
}

static void line_tick(void *ctx, uint64_t now_mono_ns)
{
    (void)ctx, (void)now_mono_ns;
}

static void line_drain(void *ctx, bool at_once, uint64_t now_mono_ns)
{
    (void)now_mono_ns;
    struct line_session *session = ctx;
    if (!session->is_leaving) assert_true(buf_printf(&session->out, at_once ? "at once\n" : "leaving\n"));
    session->is_leaving = true;
}

static const struct server_protocol lines = {
    .name = "lines",
    .speaks = "lines",
    .alpn = "lines",
    .create = line_create,
    .destroy = line_destroy,
    .feed = line_feed,
    .end = line_end,
    .next = line_next,
    .call = line_call,
    .apply = line_apply,
    .fill = line_fill,
    .is_over = line_is_over,
    .is_choked = line_is_choked,
    .is_idle = line_is_idle,
    .has_begun = line_has_begun,
    .tick = line_tick,
    .drain = line_drain,
};

/* ---- the fixture ---- */

static void *work_all(void *arg)
{
    struct fixture *fixture = arg;
    void *requests[8];
    for (bool closed = false; !closed;) {
        uint32_t count = queue_pop(fixture->work, requests, 8, -1, &closed);
        for (uint32_t i = 0; i < count; i++) server_answer(requests[i]);
    }
    return NULL;
}

static void released_on(void *ctx)
{
    struct fixture *fixture = ctx;
    atomic_fetch_add(&fixture->released, 1);
}

static int fixture_open(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/server_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->ca, sizeof fixture->ca, "%s/ca.crt", fixture->dir);
    snprintf(fixture->cert, sizeof fixture->cert, "%s/server.crt", fixture->dir);
    snprintf(fixture->key, sizeof fixture->key, "%s/server.key", fixture->dir);
    assert_int_equal(pipe(fixture->log_pipe), 0);
    fixture->log = (struct log){ .fd = fixture->log_pipe[1], .level_min = LOG_WARN };
    tls_authority_init(&fixture->authority, fixture->dir, "ca");
    tls_authority_sign(&fixture->authority, fixture->dir, "server", (struct tls_wish){ 0 });
    struct tls_files files = { fixture->cert, fixture->key, NULL };
    if (!tls_context_open(&fixture->tls, &files, &fixture->log, &err)) fail_msg("%s", err.text);
    if (!tls_context_open_client(&fixture->client_tls, fixture->ca, NULL, NULL, &err)) fail_msg("%s", err.text);
    fixture->work = queue_create(10000, UINT64_MAX);
    pthread_create(&fixture->worker, NULL, work_all, fixture);
    if (!loop_open(&fixture->loop, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *fixture = *state;
    char command[100];
    queue_close(fixture->work);
    pthread_join(fixture->worker, NULL);
    loop_stop(fixture->loop);
    server_close(fixture->server);
    loop_close(fixture->loop);
    assert_int_equal(fixture->released, fixture->server != NULL);
    queue_destroy(fixture->work);
    tls_context_close(fixture->tls);
    tls_context_close(fixture->client_tls);
    tls_authority_deinit(&fixture->authority);
    close(fixture->log_pipe[0]);
    close(fixture->log_pipe[1]);
    snprintf(command, sizeof command, "rm -r %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

/* more: what differs from the usual. */
static void serve(struct fixture *fixture, bool has_tls, struct server_options more)
{
    struct err err = { 0 };
    more.address = "127.0.0.1";
    more.protocol = &lines;
    more.ctx = fixture;
    more.released = released_on;
    more.log = &fixture->log;
    more.tls = has_tls ? fixture->tls : NULL;
    if (!server_open(&fixture->server, fixture->loop, &more, &err)) fail_msg("%s", err.text);
}

static struct tcp *connect_clear(struct fixture *fixture)
{
    struct tcp *tcp;
    struct err err = { 0 };
    if (!tcp_connect(&tcp, "127.0.0.1", server_port(fixture->server), &err)) fail_msg("%s", err.text);
    return tcp;
}

static struct tcp *connect_to(struct fixture *fixture, bool has_tls)
{
    struct tcp *tcp = connect_clear(fixture);
    struct err err = { 0 };
    if (has_tls && !tcp_start_tls(tcp, tls_session_connect(fixture->client_tls, "127.0.0.1", "lines"), WAIT_MS, &err)) {
        fail_msg("%s", err.text);
    }
    return tcp;
}

static void say(struct tcp *tcp, const char *text)
{
    struct err err = { 0 };
    if (!tcp_write(tcp, bytes_of_text(text), &err)) fail_msg("%s", err.text);
}

/* All that comes up to its len, or to the end. */
static size_t hear(struct tcp *tcp, char *out, size_t out_bytes)
{
    size_t len = 0, more = 1;
    struct err err = { 0 };
    while (len < out_bytes && more > 0) {
        if (!tcp_read(tcp, out + len, out_bytes - len, &more, WAIT_MS, &err))
            fail_msg("%s after %zu of %zu", err.text, len, out_bytes);
        len += more;
    }
    return len;
}

static void assert_hears(struct tcp *tcp, const char *text)
{
    char in[1000];
    size_t len = strlen(text);
    assert_true(len < sizeof in);
    size_t heard = hear(tcp, in, len);
    in[heard] = '\0';
    assert_string_equal(in, text);
}

static void assert_ends(struct tcp *tcp)
{
    char in[100];
    size_t len = hear(tcp, in, sizeof in - 1);
    in[len] = '\0';
    assert_string_equal(in, "");
}

/* What was logged since the last look. */
static void log_read(struct fixture *fixture, char *out, size_t out_bytes)
{
    assert_int_equal(write(fixture->log_pipe[1], "\n", 1), 1); /* so that there is something */
    ssize_t len = read(fixture->log_pipe[0], out, out_bytes - 1);
    assert_true(len > 0);
    out[len] = '\0';
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) count++;
    return count;
}

/* ---- the tests, each in the clear and over TLS where that can differ ---- */

/* Goal: lines of all sizes, answered here and elsewhere, come back whole; the end is clean.
 * Method: one by one; then 2,000 at once, pipelined; then quit. */
static void talk(struct fixture *fixture, bool has_tls)
{
    serve(fixture, has_tls, (struct server_options){ 0 });
    struct tcp *tcp = connect_to(fixture, has_tls);
    say(tcp, "now one\n");
    assert_hears(tcp, "one\n");
    say(tcp, "echo ");
    say(tcp, "two\n");
    assert_hears(tcp, "two\n");

    struct buf sent, wanted;
    buf_init(&sent, 1 << 20);
    buf_init(&wanted, 1 << 20);
    for (int i = 0; i < 2000; i++) {
        assert_true(buf_printf(&sent, "echo %d %0*d\n", i, i % 200 + 1, 0));
        assert_true(buf_printf(&wanted, "%d %0*d\n", i, i % 200 + 1, 0));
    }
    struct err err = { 0 };
    assert_true(tcp_write(tcp, buf_bytes(&sent), &err));
    char *heard = mem_alloc(wanted.len);
    assert_int_equal(hear(tcp, heard, wanted.len), wanted.len);
    assert_memory_equal(heard, wanted.ptr, wanted.len); /* one worker: in order */
    free(heard);
    buf_deinit(&sent);
    buf_deinit(&wanted);

    char *large = mem_alloc(LINE_BYTES_MAX), *back = mem_alloc(LINE_BYTES_MAX);
    memset(large, 'x', LINE_BYTES_MAX);
    memcpy(large, "echo ", 5);
    large[LINE_BYTES_MAX - 1] = '\n';
    assert_true(tcp_write(tcp, bytes_from(large, LINE_BYTES_MAX), &err));
    assert_int_equal(hear(tcp, back, LINE_BYTES_MAX - 5), LINE_BYTES_MAX - 5);
    assert_memory_equal(back, large + 5, LINE_BYTES_MAX - 5);
    free(large);
    free(back);

    say(tcp, "now bye\nquit\n");
    assert_hears(tcp, "bye\n");
    assert_ends(tcp);
    tcp_close(tcp);
    struct server_stats stats;
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections_accepted, 1);
    assert_int_equal(stats.tls_failed + stats.tls_missing + stats.tls_unexpected + stats.not_understood, 0);
}
static void test_talk(void **state)
{
    talk(*state, false);
}
static void test_talk_tls(void **state)
{
    talk(*state, true);
}

/* Goal: who is old is asked to leave, is still answered, and then the connection ends; idle ones too. */
static void leave(struct fixture *fixture, bool has_tls, struct server_options options)
{
    serve(fixture, has_tls, options);
    struct tcp *tcp = connect_to(fixture, has_tls);
    say(tcp, "now here\n");
    assert_hears(tcp, "here\nleaving\n");
    assert_ends(tcp);
    tcp_close(tcp);
    struct server_stats stats;
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections_drained, 1);
}
static void test_old(void **state)
{
    leave(*state, true, (struct server_options){ .age_ms_max = 1000 });
}
static void test_idle(void **state)
{
    leave(*state, false, (struct server_options){ .idle_ms_max = 1000 });
}

/* Goal: a client that has said all and ended its side is still answered. */
static void test_half_closed(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, false, (struct server_options){ 0 });
    char heard[100];
    struct tcp *tcp = connect_clear(fixture);
    say(tcp, "echo late\n");
    tcp_end(tcp);
    assert_int_equal(hear(tcp, heard, sizeof heard), 5);
    assert_memory_equal(heard, "late\n", 5);
    tcp_close(tcp);
}

/* Goal: a client in the clear at a port with TLS, and the other way round, is told so and the log too, once, however
 * many come. */
static void test_wrong_kind(void **state)
{
    struct fixture *fixture = *state;
    char in[600], log[4000];
    struct server_stats stats;
    serve(fixture, true, (struct server_options){ 0 });
    for (int i = 0; i < 3; i++) {
        struct tcp *tcp = connect_clear(fixture);
        say(tcp, "GET / HTTP/1.1\r\n\r\n");
        in[hear(tcp, in, sizeof in - 1)] = '\0';
        assert_non_null(strstr(in, "HTTP/1.1 400 "));
        assert_non_null(strstr(in, "This port speaks lines with TLS: use https, not http.\n"));
        tcp_close(tcp);
        tcp = connect_clear(fixture);
        say(tcp, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_ends(tcp);
        tcp_close(tcp);
    }
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.tls_missing, 6);
    log_read(fixture, log, sizeof log);
    assert_int_equal(count_of(log, "lines.tls_missing"), 1);
    assert_non_null(strstr(log, "127.0.0.1"));
    assert_non_null(strstr(log, "use https:// in the address"));
}

static void test_tls_at_a_clear_port(void **state)
{
    struct fixture *fixture = *state;
    char log[4000];
    struct server_stats stats;
    serve(fixture, false, (struct server_options){ 0 });
    for (int i = 0; i < 3; i++) {
        struct err err = { 0 };
        struct tcp *tcp = connect_clear(fixture);
        struct tls_session *tls = tls_session_connect(fixture->client_tls, "127.0.0.1", "lines");
        assert_false(tcp_start_tls(tcp, tls, WAIT_MS, &err));
        assert_int_equal(err.code, ERR_PROTOCOL); /* not a time-out */
        tcp_close(tcp);
    }
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.tls_unexpected, 3);
    log_read(fixture, log, sizeof log);
    assert_int_equal(count_of(log, "lines.tls_unexpected"), 1);
    assert_non_null(strstr(log, "use http:// in the address"));
}

/* Goal: what fails inside TLS, or inside the protocol, is counted and told as that, and hinders nobody else. */
static void test_mishaps(void **state)
{
    struct fixture *fixture = *state;
    char log[4000];
    struct server_stats stats;
    struct err err = { 0 };
    serve(fixture, true, (struct server_options){ 0 });
    struct tcp *good = connect_to(fixture, true);
    struct tcp *tcp = connect_clear(fixture);
    struct tls_session *tls = tls_session_connect(fixture->client_tls, "127.0.0.1", "h2");
    assert_false(tcp_start_tls(tcp, tls, WAIT_MS, &err));
    assert_non_null(strstr(err.text, "does not speak our protocol"));
    tcp_close(tcp);
    tcp = connect_to(fixture, true);
    say(tcp, "nonsense\n");
    assert_ends(tcp);
    tcp_close(tcp);
    say(good, "echo fine\n");
    assert_hears(good, "fine\n");
    tcp_close(good);
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.tls_failed, 1);
    assert_int_equal(stats.not_understood, 1);
    log_read(fixture, log, sizeof log);
    assert_non_null(strstr(log, "lines.tls_failed"));
    assert_non_null(strstr(log, "offers other protocols than"));
    assert_non_null(strstr(log, "lines.not_understood"));
}

/* Goal: who takes a place and does not begin loses it: in the clear, before, in and after the handshake; who has begun stays.
 * Method: one of each kind, beside one that says a line. */
static void test_slow_to_begin(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, true, (struct server_options){ .begin_ms_max = 2000 });
    struct tcp *good = connect_to(fixture, true);
    say(good, "now here\n");
    assert_hears(good, "here\n");
    struct tcp *silent = connect_clear(fixture), *half = connect_clear(fixture), *whole = connect_to(fixture, true);
    struct err err = { 0 };
    assert_true(tcp_write(half, BYTES("\x16\3\1\2\0\1\0\1\xFC\3\3"), &err)); /* the first bytes of a hello */
    assert_ends(silent);
    assert_ends(half);
    assert_hears(whole, "at once\n");
    assert_ends(whole);
    say(good, "echo still here\n");
    assert_hears(good, "still here\n");
    tcp_close(silent);
    tcp_close(half);
    tcp_close(whole);
    tcp_close(good);
}

/* Goal: more connections than there may be are closed, counted and told; when one leaves there is room again. */
static void test_too_many(void **state)
{
    struct fixture *fixture = *state;
    char log[4000];
    struct server_stats stats;
    serve(fixture, false, (struct server_options){ .connections_max = 2 });
    struct tcp *in[2], *out[3];
    for (int i = 0; i < 2; i++) {
        in[i] = connect_clear(fixture);
        say(in[i], "now in\n");
        assert_hears(in[i], "in\n");
    }
    for (int i = 0; i < 3; i++) {
        out[i] = connect_clear(fixture);
        assert_ends(out[i]);
        tcp_close(out[i]);
    }
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections, 2);
    assert_int_equal(stats.connections_refused, 3);
    log_read(fixture, log, sizeof log);
    assert_int_equal(count_of(log, "lines.connection_refused"), 1);
    tcp_close(in[0]);
    for (int i = 0; i < WAIT_MS && stats.connections == 2; i++) {
        clock_sleep_ms(1);
        server_stats(fixture->server, &stats);
    }
    in[0] = connect_clear(fixture);
    say(in[0], "now in again\n");
    assert_hears(in[0], "in again\n");
    tcp_close(in[0]);
    tcp_close(in[1]);
}

/* Goal: a drain answers what is there and then ends each connection; a new certificate is for new connections, the old
 * ones go on. */
static void test_reload_and_drain(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    serve(fixture, true, (struct server_options){ 0 });
    struct tcp *before = connect_to(fixture, true);
    tls_authority_sign(&fixture->authority, fixture->dir, "server", (struct tls_wish){ .names = "DNS:elsewhere" });
    assert_true(tls_context_reload(fixture->tls, &err));
    struct tcp *after = connect_clear(fixture);
    assert_false(tcp_start_tls(after, tls_session_connect(fixture->client_tls, "127.0.0.1", NULL), WAIT_MS, &err));
    assert_non_null(strstr(err.text, "IP address mismatch"));
    tcp_close(after);
    after = connect_clear(fixture);
    if (!tcp_start_tls(after, tls_session_connect(fixture->client_tls, "elsewhere", NULL), WAIT_MS, &err))
        fail_msg("%s", err.text);
    say(before, "echo old\n");
    assert_hears(before, "old\n");
    say(after, "echo new\n");
    assert_hears(after, "new\n");
    server_drain(fixture->server);
    assert_hears(before, "at once\n");
    assert_hears(after, "at once\n");
    assert_ends(before);
    assert_ends(after);
    tcp_close(before);
    tcp_close(after);
    for (int i = 0; i < WAIT_MS && !server_is_idle(fixture->server); i++) clock_sleep_ms(1);
    assert_true(server_is_idle(fixture->server));
}

/* Goal: many connections at once, each of them right. Method: 4 threads, 10 connections each of 50 lines. */
static void *client_main(void *arg)
{
    struct fixture *fixture = arg;
    for (int c = 0; c < 10; c++) {
        struct tcp *tcp = connect_to(fixture, true);
        for (int i = 0; i < 50; i++) {
            char line[60];
            snprintf(line, sizeof line, "echo %d of %d\n", i, c);
            say(tcp, line);
            assert_hears(tcp, line + 5);
        }
        tcp_close(tcp);
    }
    return NULL;
}
static void test_many_clients(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    serve(fixture, true, (struct server_options){ 0 });
    for (size_t t = 0; t < COUNT_OF(threads); t++) pthread_create(&threads[t], NULL, client_main, fixture);
    for (size_t t = 0; t < COUNT_OF(threads); t++) pthread_join(threads[t], NULL);
    struct server_stats stats;
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections_accepted, 40);
    assert_int_equal(stats.tls_failed, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(test_talk),
        TEST(test_talk_tls),
        TEST(test_old),
        TEST(test_idle),
        TEST(test_half_closed),
        TEST(test_wrong_kind),
        TEST(test_tls_at_a_clear_port),
        TEST(test_mishaps),
        TEST(test_reload_and_drain),
        TEST(test_many_clients),
        TEST(test_slow_to_begin),
        TEST(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
