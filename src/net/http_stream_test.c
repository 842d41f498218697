/* Answers in pieces: what goes over the wire, who waits for whom, and what each side hears when the other one goes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/http_session.h"
#include "net/loop.h"
#include "net/tcp.h"

#define HEAD "Host: h\r\n\r\n"
enum { WAIT_MS = 20000, LONG_BYTES = 20 << 20, PIECE_BYTES = 10000 };

/* ---- a session without a socket ---- */

struct talk {
    struct admission *admission;
    struct http_session *session;
    struct http_request *request;
    char out[2000];
    size_t len;
};

static void talk_open(struct talk *talk, const char *request)
{
    struct http_options options = { .body_bytes_max = 1000 };
    *talk = (struct talk){ .admission = admission_create(1 << 20) };
    talk->session = http_session_create(talk->admission, &options, NULL, 1000);
    http_session_feed(talk->session, bytes_of_text(request), 1000);
    talk->request = http_session_next(talk->session);
    assert_non_null(talk->request);
}

static void talk_close(struct talk *talk)
{
    http_session_destroy(talk->session);
    assert_int_equal(talk->admission->requests, 0);
    admission_release(talk->admission);
}

/* What goes out now, without Date. */
static const char *sent(struct talk *talk)
{
    uint8_t piece[7];
    size_t len;
    talk->len = 0;
    while ((len = http_session_fill(talk->session, piece, sizeof piece)) > 0) {
        assert_true(talk->len + len < sizeof talk->out);
        memcpy(talk->out + talk->len, piece, len);
        talk->len += len;
    }
    talk->out[talk->len] = '\0';
    char *date = strstr(talk->out, "Date: ");
    if (date != NULL) memmove(date, strchr(date, '\n') + 1, strlen(strchr(date, '\n')));
    return talk->out;
}

static void begin(struct talk *talk)
{
    http_call_set_stream(talk->request, &(struct http_response){ .status = 200 });
    (void)http_call_poked(talk->request);
}

static void add(struct talk *talk, const char *text)
{
    struct err err = { 0 };
    assert_true(http_call_add_piece(talk->request, bytes_of_text(text), 0, &err));
}

static void end(struct talk *talk, bool is_whole)
{
    http_call_end_stream(talk->request, is_whole);
    (void)http_call_apply(talk->request);
}

/* Goal: pieces go out as they come, as chunks; the connection goes on behind the last one. */
static void test_pieces_are_chunks(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, "GET /a HTTP/1.1\r\n" HEAD "GET /b HTTP/1.1\r\n" HEAD);
    assert_string_equal(sent(&talk), "");
    begin(&talk);
    assert_string_equal(sent(&talk), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    add(&talk, "hello, ");
    add(&talk, "world");
    assert_string_equal(sent(&talk), "c\r\nhello, world\r\n");
    assert_string_equal(sent(&talk), "");
    struct http_request *next = http_session_next(talk.session);
    assert_non_null(next);
    http_call_set_answer(next, &(struct http_response){ .status = 204 });
    (void)http_call_apply(next);
    assert_string_equal(sent(&talk), ""); /* its turn comes */
    add(&talk, "!");
    end(&talk, true);
    assert_string_equal(sent(&talk), "1\r\n!\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assert_false(http_session_is_over(talk.session));
    talk_close(&talk);
}

/* Goal: an answer that breaks off looks like that: no last chunk, nothing behind it, and the end. */
static void test_cut_answer_ends_the_connection(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, "GET /a HTTP/1.1\r\n" HEAD "GET /b HTTP/1.1\r\n" HEAD);
    struct http_request *next = http_session_next(talk.session);
    begin(&talk);
    add(&talk, "half");
    end(&talk, false);
    http_call_set_answer(next, &(struct http_response){ .status = 204 });
    (void)http_call_apply(next);
    assert_string_equal(sent(&talk), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    assert_true(http_session_is_over(talk.session));
    talk_close(&talk);
}

/* Goal: HTTP/1.0 knows no chunks: its answer ends with the connection. HEAD gets no body. */
static void test_old_clients_and_heads(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, "GET /a HTTP/1.0\r\n" HEAD);
    begin(&talk);
    add(&talk, "old");
    end(&talk, true);
    assert_string_equal(sent(&talk), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nold");
    assert_true(http_session_is_over(talk.session));
    talk_close(&talk);

    talk_open(&talk, "HEAD /a HTTP/1.1\r\n" HEAD);
    begin(&talk);
    add(&talk, "nobody sees it");
    end(&talk, true);
    assert_string_equal(sent(&talk), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_false(http_session_is_over(talk.session));
    talk_close(&talk);
}

/* Goal: what is not read is bounded, and the writer hears that its client has gone. */
static void test_bounds_and_the_gone(void **state)
{
    (void)state;
    struct talk talk;
    struct err err = { 0 };
    static uint8_t large[HTTP_STREAM_BYTES_MAX];
    talk_open(&talk, "GET /a HTTP/1.1\r\n" HEAD);
    begin(&talk);
    assert_true(http_call_add_piece(talk.request, bytes_from(large, sizeof large), 0, &err));
    assert_false(http_call_add_piece(talk.request, BYTES("x"), 0, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_false(http_request_is_gone(talk.request));
    (void)http_session_end(talk.session);
    assert_true(http_request_is_gone(talk.request));
    assert_false(http_call_add_piece(talk.request, BYTES("x"), -1, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    http_session_destroy(talk.session);
    end(&talk, false);
    assert_int_equal(talk.admission->requests, 0);
    admission_release(talk.admission);
}

/* ---- over loopback ---- */

struct fixture {
    struct loop *loop;
    struct admission *admission;
    struct http_server *server;
    struct log log;
    pthread_t writer;
    struct http_request *request;
    _Atomic uint64_t written;
    _Atomic int ended_with; /* an err_code, or -1: still at it */
};

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

static void *writer_run(void *arg)
{
    struct fixture *fixture = arg;
    struct err err = { 0 };
    uint8_t piece[PIECE_BYTES];
    bool ok = true;
    http_stream_begin(fixture->request, &(struct http_response){ .status = 200 });
    for (uint64_t at = 0; ok && at < LONG_BYTES; at += PIECE_BYTES) {
        for (uint64_t i = 0; i < PIECE_BYTES; i++) piece[i] = byte_at(at + i);
        ok = http_stream_write(fixture->request, bytes_from(piece, PIECE_BYTES), -1, &err);
        if (ok) atomic_fetch_add(&fixture->written, PIECE_BYTES);
    }
    http_stream_end(fixture->request, ok);
    atomic_store(&fixture->ended_with, (int)err.code);
    return NULL;
}

static void handler_call(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    fixture->request = request;
    assert_int_equal(pthread_create(&fixture->writer, NULL, writer_run, fixture), 0);
}

static void fixture_open(struct fixture *fixture)
{
    struct err err = { 0 };
    *fixture = (struct fixture){ .log = { .fd = 2, .level_min = LOG_ERROR }, .ended_with = -1 };
    fixture->admission = admission_create(1 << 20);
    struct http_options options = {
        .address = "127.0.0.1",
        .body_bytes_max = 1000,
        .admission = fixture->admission,
        .handler = { .call = handler_call, .ctx = fixture },
        .log = &fixture->log,
    };
    assert_true(loop_open(&fixture->loop, &err));
    assert_true(http_server_open(&fixture->server, fixture->loop, &options, &err));
}

static void fixture_close(struct fixture *fixture)
{
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    pthread_join(fixture->writer, NULL);
    loop_close(fixture->loop);
    admission_release(fixture->admission);
}

static struct tcp *ask(struct fixture *fixture)
{
    struct tcp *tcp;
    struct err err = { 0 };
    assert_true(tcp_connect(&tcp, "127.0.0.1", http_server_port(fixture->server), &err));
    assert_true(tcp_write(tcp, BYTES("GET /long HTTP/1.1\r\n" HEAD), &err));
    return tcp;
}

static void wait_for_writer(struct fixture *fixture)
{
    for (int ms = 0; atomic_load(&fixture->ended_with) < 0 && ms < WAIT_MS; ms += 10) clock_sleep_ms(10);
    assert_true(atomic_load(&fixture->ended_with) >= 0);
}

/* The body of chunks, as the writer made it? Returns its length. */
static uint64_t body_check(const struct buf *in)
{
    const char *at = memmem(in->ptr, in->len, "\r\n\r\n", 4);
    assert_non_null(at);
    uint64_t offset = 0;
    for (at += 4;;) {
        char *line_end;
        uint64_t size = strtoull(at, &line_end, 16);
        assert_memory_equal(line_end, "\r\n", 2);
        at = line_end + 2;
        if (size == 0) break;
        for (uint64_t i = 0; i < size; i++)
            if ((uint8_t)at[i] != byte_at(offset + i))
                fail_msg("byte %llu is another", (unsigned long long)(offset + i));
        offset += size;
        assert_memory_equal(at + size, "\r\n", 2);
        at += size + 2;
    }
    return offset;
}

/* Goal: every byte comes, in order, and the writer never runs ahead of the reader by more than the bound. */
static void test_slow_reader_gets_all(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = { 0 };
    struct buf in;
    size_t len = 1;
    fixture_open(&fixture);
    struct tcp *tcp = ask(&fixture);
    clock_sleep_ms(300); /* nothing is read: the writer must stop by itself */
    uint64_t ahead = atomic_load(&fixture.written);
    assert_true(ahead < LONG_BYTES); /* what the kernel's buffers hold comes on top of ours */
    assert_int_equal(atomic_load(&fixture.ended_with), -1);
    buf_init(&in, 2 * LONG_BYTES);
    while (in.len < 7 || memcmp(in.ptr + in.len - 7, "\r\n0\r\n\r\n", 7) != 0) {
        assert_true(buf_reserve(&in, 64 << 10));
        assert_true(tcp_read(tcp, in.ptr + in.len, 64 << 10, &len, WAIT_MS, &err) && len > 0);
        in.len += len;
    }
    assert_true(buf_add(&in, "", 1));
    assert_int_equal(body_check(&in), (LONG_BYTES + PIECE_BYTES - 1) / PIECE_BYTES * PIECE_BYTES);
    wait_for_writer(&fixture);
    assert_int_equal(atomic_load(&fixture.ended_with), ERR_OK);
    tcp_close(tcp);
    fixture_close(&fixture);
    buf_deinit(&in);
}

/* Goal: a client that goes away in the middle frees the writer; so does the end of the server. */
static void test_writer_is_freed(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct fixture fixture;
        fixture_open(&fixture);
        struct tcp *tcp = ask(&fixture);
        for (int ms = 0; atomic_load(&fixture.written) == 0 && ms < WAIT_MS; ms += 10) clock_sleep_ms(10);
        if (round == 0) tcp_close(tcp);
        if (round == 1) {
            loop_stop(fixture.loop);
            http_server_close(fixture.server);
        }
        wait_for_writer(&fixture);
        assert_int_equal(atomic_load(&fixture.ended_with), ERR_CANCELLED);
        if (round == 0) {
            fixture_close(&fixture);
        } else {
            pthread_join(fixture.writer, NULL);
            loop_close(fixture.loop);
            admission_release(fixture.admission);
            tcp_close(tcp);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_chunks),     cmocka_unit_test(test_cut_answer_ends_the_connection),
        cmocka_unit_test(test_old_clients_and_heads), cmocka_unit_test(test_bounds_and_the_gone),
        cmocka_unit_test(test_slow_reader_gets_all),  cmocka_unit_test(test_writer_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
