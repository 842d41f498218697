/* One connection's HTTP/1.1 without a socket: what is answered, in what order, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/admission.h"
#include "net/http_head.h"
#include "net/http_session.h"

enum { BODY_BYTES_MAX = 1000, REQUESTS_MAX = 200 };
static const uint64_t SECOND_NS = 1000000000;

struct talk {
    struct admission *admission;
    struct http_session *session;
    struct buf seen; /* the requests, as the handler got them */
    struct buf out;  /* what was sent to the client */
    struct http_request *held[REQUESTS_MAX];
    uint32_t held_count;
    bool holds; /* requests wait for talk_answer */
    uint64_t now_ns;
};

static struct talk *talk_open(uint64_t in_flight_bytes_max)
{
    struct talk *talk = mem_calloc(1, sizeof *talk);
    talk->admission = admission_create(in_flight_bytes_max);
    struct http_options options = { .body_bytes_max = BODY_BYTES_MAX };
    talk->now_ns = 1000 * SECOND_NS;
    talk->session = http_session_create(talk->admission, &options, NULL, talk->now_ns);
    buf_init(&talk->seen, SIZE_MAX);
    buf_init(&talk->out, SIZE_MAX);
    return talk;
}

/* Echoes a body; a refusal is answered as told. */
static void talk_answer(struct http_request *request)
{
    const struct http_refusal *refusal = http_call_refusal(request);
    struct http_response response = { 200, NULL, 0, request->body };
    if (refusal != NULL) response = (struct http_response){ refusal->status, NULL, 0, bytes_of_text(refusal->text) };
    http_call_set_answer(request, &response);
    (void)http_call_apply(request);
}

static void talk_close(struct talk *talk)
{
    http_session_destroy(talk->session);
    while (talk->held_count > 0) talk_answer(talk->held[--talk->held_count]);
    assert_int_equal(talk->admission->requests, 0);
    assert_int_equal(talk->admission->bytes, 0);
    admission_release(talk->admission);
    buf_deinit(&talk->seen);
    buf_deinit(&talk->out);
    free(talk);
}

static void see(struct talk *talk, const struct http_request *request)
{
    struct buf *seen = &talk->seen;
    assert_true(buf_printf(seen, "%.*s %.*s ? %.*s\n", (int)request->method.len, (const char *)request->method.ptr,
                           (int)request->path.len, (const char *)request->path.ptr, (int)request->query.len,
                           (const char *)request->query.ptr));
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        assert_true(buf_printf(seen, "%.*s=%.*s\n", (int)header->name.len, (const char *)header->name.ptr,
                               (int)header->value.len, (const char *)header->value.ptr));
    }
    assert_true(buf_add(seen, "[", 1) && buf_add(seen, request->body.ptr, request->body.len) &&
                buf_add(seen, "]\n", 2));
}

static void talk_turn(struct talk *talk)
{
    struct http_request *request;
    while ((request = http_session_next(talk->session)) != NULL) {
        see(talk, request);
        if (talk->holds) {
            assert_true(talk->held_count < REQUESTS_MAX);
            talk->held[talk->held_count++] = request;
        } else {
            talk_answer(request);
        }
    }
    uint8_t piece[77];
    size_t len;
    while ((len = http_session_fill(talk->session, piece, sizeof piece)) > 0) {
        assert_true(buf_add(&talk->out, piece, len));
    }
}

static void talk_feed(struct talk *talk, struct bytes bytes)
{
    http_session_feed(talk->session, bytes, talk->now_ns);
    talk_turn(talk);
}

static void talk_feed_text(struct talk *talk, const char *text)
{
    talk_feed(talk, bytes_of_text(text));
}

static void talk_wait(struct talk *talk, uint64_t seconds)
{
    for (uint64_t i = 0; i < seconds; i++) {
        talk->now_ns += SECOND_NS;
        http_session_tick(talk->session, talk->now_ns);
        talk_turn(talk);
    }
}

/* "200 100 413c over": the statuses that went out, a c behind those that end the connection; is the session over? */
static const char *told(struct talk *talk)
{
    static char text[2000];
    size_t len = 0;
    assert_true(buf_add(&talk->out, "", 1));
    const char *at = (const char *)talk->out.ptr;
    text[0] = '\0';
    while ((at = strstr(at, "HTTP/1.1 ")) != NULL) {
        if (at[9] < '1' || at[9] > '5') { /* an error's text speaks of it */
            at++;
            continue;
        }
        const char *end = strstr(at, "\r\n\r\n");
        assert_non_null(end);
        const char *close = strstr(at, "\r\nConnection: close\r\n");
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.3s%s", len > 0 ? " " : "", at + 9,
                                close != NULL && close < end ? "c" : "");
        at = end;
    }
    talk->out.len--;
    if (http_session_is_over(talk->session)) snprintf(text + len, sizeof text - len, "%sover", len > 0 ? " " : "");
    return text;
}

#define HOST "Host: h\r\n"

static char long_target[9000], long_header[17000], many_headers[4000], small_headers[3000], long_extension[6000];

struct exchange {
    const char *sent, *told;
    const char *seen; /* a part of it; NULL: the handler has seen nothing */
};

static const struct exchange exchanges[] = {
    /* what a request is */
    { "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "GET / ? \nhost=h\n[]\n" },
    { "POST /v1/traces?a=b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "200", "POST /v1/traces ? a=b\n" },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length:3\r\nX-Api-Key: \t a b \t\r\n\r\nabc", "200",
      "host=h\ncontent-length=3\nx-api-key=a b\n[abc]\n" },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "200", "[]" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "200",
      "[abcde]" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Api-Key: k\r\n\r\n", "200",
      "host=h\ntransfer-encoding=chunked\n[a]\n" }, /* a trailer is no header */
    { "GET http://other.example:80/x?y HTTP/1.1\r\n" HOST "\r\n", "200", "GET /x ? y\n" },
    { "GET http://other.example HTTP/1.1\r\n" HOST "\r\n", "200", "GET / ? \n" },
    { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "200", "OPTIONS * ? \n" },
    { "GET /a#b HTTP/1.1\r\n" HOST "\r\n", "200", "GET /a ? \n" },
    { "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200", "GET / " },
    { "GET / HTTP/1.1\r\n" HOST "Empty:\r\n\r\n", "200", "empty=\n" },
    { "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
      "GET /2 HTTP/1.1\r\n" HOST "\r\n",
      "200 200", "GET /2" },
    { "POST /p HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx", "200", "[x]" },
    { "GET / HTTP/1.1\r\n" HOST, "", NULL }, /* not yet all there */
    { "", "", NULL },
    /* several */
    { "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n" HOST
      "\r\n",
      "200 200 200", "GET /3" },
    { "GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n", "200c over", "GET /1" },
    { "GET /1 HTTP/1.1\r\n" HOST "\r\nGARBAGE\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n", "200 400c over", "GET /1" },
    { "GET / HTTP/1.0\r\n\r\n", "200c over", "GET / " },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", "200 200c over", "GET /2" },
    /* bodies that are refused */
    { "POST /p HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "411 200", "GET / " },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "413c", "POST /p" },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", "413c", "POST /p" },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", "413c over", "POST /p" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3E9\r\n", "", NULL }, /* not yet kept */
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", "100", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: the best\r\n\r\nx", "417c over", "POST /p" },
    { "GET /p HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", "200", "GET /p" },
    { "POST /p HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx", "200c over", "[x]" },
    /* read in two ways: smuggling */
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\nx", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n", "400c over", NULL },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400c over", "" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", "501c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "400c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", "400c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", "400c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", "400c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "400c over", "POST" },
    { "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", "400c over", "POST" },
    { "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "400c over", "POST" },
    { "GET / HTTP/1.1\r\n" HOST "Folded: a\r\n b\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\nHost: h\n\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\nHost: h\n\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\n" HOST " Leading: x\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\n" HOST "No colon\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\n" HOST ": no name\r\n\r\n", "400c over", NULL },
    { "GET / HTTP/1.1\r\n" HOST "Control: a\x01"
      "b\r\n\r\n",
      "400c over", NULL },
    { "GET / HTTP/1.1\r\n\r\n", "400c over", "GET" },
    { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "400c over", "GET" },
    { "GET / HTTP/1.1\r\n" HOST "\r\nG", "200", "GET" }, /* a next one that has begun */
    /* no HTTP/1.1 */
    { "GET /\r\n\r\n", "505c over", NULL },
    { "GET / HTTP/2.0\r\n" HOST "\r\n", "505c over", NULL },
    { "GET / HTTP/1.2\r\n" HOST "\r\n", "505c over", NULL },
    { "GET / HTTP/0.9\r\n\r\n", "505c over", NULL },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505c over", NULL },
    { "\x16\x03\x01\x02", "400c over", NULL },
    { "get / HTTP/1.1\r\n" HOST "\r\n", "400c over", NULL },
    { "GET x HTTP/1.1\r\n" HOST "\r\n", "400c over", NULL },
    { "GET / b HTTP/1.1\r\n" HOST "\r\n", "400c over", NULL },
    { "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", "501c over", "CONNECT" },
    /* too much of it */
    { long_target, "414c over", NULL },
    { long_header, "431c over", NULL },
    { many_headers, "431c over", NULL },
    { small_headers, "200", "GET" },
    { long_extension, "400c over", "POST" },
};

static void texts_prepare(void)
{
    size_t len = (size_t)snprintf(long_target, sizeof long_target, "GET /");
    memset(long_target + len, 'a', HTTP_TARGET_BYTES_MAX);
    strcpy(long_target + len + HTTP_TARGET_BYTES_MAX, " HTTP/1.1\r\n" HOST "\r\n");
    len = (size_t)snprintf(long_header, sizeof long_header, "GET / HTTP/1.1\r\n" HOST "X: ");
    memset(long_header + len, 'a', HTTP_HEAD_BYTES_MAX - 5);
    strcpy(long_header + len + HTTP_HEAD_BYTES_MAX - 5, "\r\n\r\n");
    char *at = stpcpy(many_headers, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < HTTP_HEADERS_MAX; i++) at += sprintf(at, "N%d: v\r\n", i);
    strcpy(at, "\r\n");
    at = stpcpy(small_headers, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++) at += sprintf(at, "N%d: v\r\n", i);
    strcpy(at, "\r\n");
    at = stpcpy(long_extension, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;");
    memset(at, 'e', 4097);
    strcpy(at + 4097, "\r\na\r\n0\r\n\r\n");
}

/* Feeds text in pieces of step bytes, the first of them first bytes long. */
static struct talk *exchanged(struct bytes text, size_t first, size_t step)
{
    struct talk *talk = talk_open(1 << 20);
    for (size_t at = 0; at < text.len;) {
        size_t len = at == 0 ? first : step;
        if (len > text.len - at) len = text.len - at;
        talk_feed(talk, bytes_from(text.ptr + at, len));
        at += len;
    }
    return talk;
}

/* Goal: every request is answered as it should be, or the connection ends; nothing is read in two ways.
 * Method: a table of what is sent and what is told. */
static void test_exchanges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(exchanges); i++) {
        const struct exchange *exchange = &exchanges[i];
        struct bytes sent = bytes_of_text(exchange->sent);
        struct talk *talk = exchanged(sent, sent.len, sent.len);
        const char *is_told = told(talk);
        if (strcmp(is_told, exchange->told) != 0) {
            fail_msg("%.200s\ntold %s, not %s\n%.*s", exchange->sent, is_told, exchange->told, (int)talk->out.len,
                     (const char *)talk->out.ptr);
        }
        assert_true(buf_add(&talk->seen, "", 1));
        bool is_seen =
            exchange->seen == NULL ? talk->seen.len == 1 : strstr((const char *)talk->seen.ptr, exchange->seen) != NULL;
        if (!is_seen) fail_msg("%.200s\nseen: %s", exchange->sent, (const char *)talk->seen.ptr);
        talk_close(talk);
    }
}

/* Dates differ by a second now and then. */
static void dates_blank(struct buf *out)
{
    static const char name[] = "Date: ";
    for (size_t i = 0; i + sizeof name + 28 < out->len; i++) {
        if (memcmp(out->ptr + i, name, sizeof name - 1) == 0) memset(out->ptr + i + sizeof name - 1, '-', 29);
    }
}

/* Goal: it does not matter how TCP cuts the bytes.
 * Method: all exchanges, byte by byte and cut once at every place: the same is seen, told and kept. "100 Continue" alone
 * may be left out when the body is there already. */
static void test_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(exchanges); i++) {
        struct bytes sent = bytes_of_text(exchanges[i].sent);
        if (sent.len == 0) continue;
        struct talk *whole = exchanged(sent, sent.len, sent.len);
        dates_blank(&whole->out);
        bool is_over = http_session_is_over(whole->session);
        size_t step = sent.len > 1000 ? 97 : 1;
        for (size_t cut = 0; cut < sent.len; cut += step) {
            struct talk *talk = cut == 0 ? exchanged(sent, 1, 1) : exchanged(sent, cut, sent.len);
            dates_blank(&talk->out);
            assert_true(bytes_equal(buf_bytes(&talk->seen), buf_bytes(&whole->seen)));
            assert_true(bytes_equal(buf_bytes(&talk->out), buf_bytes(&whole->out)));
            assert_int_equal(http_session_is_over(talk->session), is_over);
            talk_close(talk);
        }
        talk_close(whole);
    }
}

/* Goal: answers go out in the order of the requests, whoever is answered first; too many unanswered are not read.
 * Method: three held requests answered from the last to the first; then as many as choke it. */
static void test_pipelining_keeps_the_order(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk->holds = true;
    talk_feed_text(talk, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
                         "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\ntwo"
                         "POST /3 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree");
    assert_int_equal(talk->held_count, 3);
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(talk->out.len, 0);
        talk_answer(talk->held[i]);
        talk_turn(talk);
    }
    talk->held_count = 0;
    assert_string_equal(told(talk), "200 200 200");
    const char *out = (const char *)talk->out.ptr;
    const char *one = strstr(out, "\r\n\r\none"), *two = strstr(out, "\r\n\r\ntwo"), *three = strstr(out, "three");
    assert_true(one != NULL && one < two && two < three);
    for (int i = 0; i <= HTTP_PIPELINE_MAX; i++) {
        assert_false(http_session_is_choked(talk->session));
        talk_feed_text(talk, "GET / HTTP/1.1\r\n" HOST "\r\n");
    }
    assert_true(http_session_is_choked(talk->session));
    while (talk->held_count > 0) talk_answer(talk->held[--talk->held_count]);
    talk_turn(talk);
    assert_false(http_session_is_choked(talk->session));
    assert_true(http_session_is_idle(talk->session));
    talk_close(talk);
}

/* Goal: a body is charged before it is kept; over the admission it is answered 503 at once, its bytes are dropped, and the
 * connection goes on. With a body that is taken nothing is charged any more once it is answered.
 * Method: an admission with room for one request of 900 bytes: with and without a stated length. */
static void test_busy(void **state)
{
    (void)state;
    static char body[900];
    memset(body, 'b', sizeof body);
    struct talk *talk = talk_open(2200);
    talk->holds = true;
    talk_feed_text(talk, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n");
    assert_true(talk->admission->bytes >= 900);
    talk_feed(talk, bytes_from(body, sizeof body));
    assert_int_equal(talk->held_count, 1);

    struct talk *other = talk_open(1);
    admission_release(other->admission);
    other->admission = talk->admission;
    admission_hold(talk->admission);
    http_session_destroy(other->session);
    struct http_options options = { .body_bytes_max = BODY_BYTES_MAX };
    other->session = http_session_create(talk->admission, &options, NULL, other->now_ns);
    talk_feed_text(other, "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n");
    assert_string_equal(told(other), "503");
    talk_feed(other, bytes_from(body, sizeof body));
    assert_false(http_session_is_over(other->session));
    talk_feed_text(other, "POST /2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n384\r\n");
    talk_feed(other, bytes_from(body, sizeof body));
    assert_string_equal(told(other), "503 503");
    talk_feed_text(other, "\r\n0\r\n\r\n");
    talk_feed_text(other, "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 900\r\nExpect: 100-continue\r\n\r\n");
    assert_string_equal(told(other), "503 503 503c over");
    assert_int_equal(talk->admission->refused, 3);

    struct bytes taken = http_request_take_body(talk->held[0]);
    assert_int_equal(taken.len, sizeof body);
    assert_int_equal(talk->held[0]->body.len, 0);
    assert_true(talk->admission->bytes >= 900);
    talk_answer(talk->held[0]);
    talk->held_count = 0;
    talk_turn(talk);
    free((void *)(uintptr_t)taken.ptr);
    assert_int_equal(talk->admission->bytes, 0);
    http_session_destroy(other->session);
    other->session = NULL;
    admission_release(other->admission);
    buf_deinit(&other->seen);
    buf_deinit(&other->out);
    free(other);
    talk_close(talk);
}

/* Goal: a body that is too large is answered before it is read, whatever its length is told by; the client may go on
 * sending for half a minute and is not cut off.
 * Method: 413 by length, whose rest comes or does not; by a chunk that goes over. */
static void test_too_large(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk_feed_text(talk, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n");
    assert_string_equal(told(talk), "413c");
    for (int i = 0; i < 1000; i++) talk_feed_text(talk, "x");
    assert_string_equal(told(talk), "413c");
    talk_feed_text(talk, "xGET / HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(told(talk), "413c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk_feed_text(talk, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n");
    talk_wait(talk, 30);
    assert_string_equal(told(talk), "413c");
    talk_wait(talk, 2);
    assert_string_equal(told(talk), "413c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk_feed_text(talk, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 40; i++) talk_feed_text(talk, "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n");
    assert_string_equal(told(talk), "413c");
    talk_feed_text(talk, "0\r\n\r\n");
    assert_string_equal(told(talk), "413c over");
    assert_int_equal(talk->admission->bytes, 0);
    talk_close(talk);
}

/* Goal: "Expect: 100-continue" is told to go on once its turn has come, and not when the body is there already.
 * Method: alone; behind a request that is not answered yet; with the body in the same bytes. */
static void test_expect_continue(void **state)
{
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
    struct talk *talk = talk_open(1 << 20);
    talk_feed_text(talk, head);
    assert_string_equal(told(talk), "100");
    talk_feed_text(talk, "ab");
    assert_string_equal(told(talk), "100 200");
    talk->holds = true;
    talk_feed_text(talk, "GET / HTTP/1.1\r\n" HOST "\r\n");
    talk_feed_text(talk, head);
    assert_string_equal(told(talk), "100 200");
    talk_wait(talk, 100); /* our slowness, not the client's */
    talk_answer(talk->held[0]);
    talk_turn(talk);
    assert_string_equal(told(talk), "100 200 200 100");
    talk_wait(talk, 50);
    talk_feed_text(talk, "ab");
    talk_answer(talk->held[1]);
    talk->held_count = 0;
    talk->holds = false;
    talk_turn(talk);
    char both[200];
    snprintf(both, sizeof both, "%sab", head);
    talk_feed_text(talk, both);
    assert_string_equal(told(talk), "100 200 200 100 200 200");
    talk_close(talk);
}

/* Goal: who is slow is answered 408 and sent away; who waits with an open connection is not, nor who sends slowly but
 * steadily.
 * Method: half a head; a body that stops; a body of 9 KiB a second; an idle connection. */
static void test_slow_clients(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk_wait(talk, 1000);
    assert_string_equal(told(talk), "");
    assert_false(http_session_has_begun(talk->session));
    talk_feed_text(talk, "GET / HT");
    assert_true(http_session_has_begun(talk->session));
    for (int i = 0; i < 20; i++) {
        talk_wait(talk, 1);
        assert_string_equal(told(talk), "");
        if (i == 10) talk_feed_text(talk, "TP/1.1\r\n"); /* a little more does not help */
    }
    talk_wait(talk, 1);
    assert_string_equal(told(talk), "408c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk_feed_text(talk, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n");
    talk_wait(talk, 60);
    talk_feed_text(talk, "x");
    assert_string_equal(told(talk), "");
    talk_wait(talk, 1);
    assert_string_equal(told(talk), "408c over");
    talk_close(talk);

    struct admission *admission = admission_create(16 << 20);
    struct http_options options = { .body_bytes_max = 8 << 20 };
    struct http_session *session = http_session_create(admission, &options, NULL, 0);
    static char second[9 << 10];
    http_session_feed(session, BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 4608000\r\n\r\n"), 0);
    for (uint64_t i = 1; i <= 500; i++) {
        assert_null(http_session_next(session));
        http_session_feed(session, bytes_from(second, sizeof second), i * SECOND_NS);
        http_session_tick(session, i * SECOND_NS);
    }
    struct http_request *request = http_session_next(session);
    assert_non_null(request);
    assert_null(http_call_refusal(request));
    assert_int_equal(request->body.len, 4608000);
    http_session_destroy(session);
    talk_answer(request);
    admission_release(admission);
}

/* Goal: at a drain what has come is answered, the last answer says that it is the last, and no request is lost that the
 * client sees no end of the connection for.
 * Method: idle; whole requests in hand; half a request; and the gentle way, with and without one more request. */
static void test_drain(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk_feed_text(talk, "GET / HTTP/1.1\r\n" HOST "\r\n");
    http_session_drain(talk->session, true, talk->now_ns);
    assert_string_equal(told(talk), "200 over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk->holds = true;
    talk_feed_text(talk, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    http_session_drain(talk->session, true, talk->now_ns);
    talk_feed_text(talk, "GET /3 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(talk->held_count, 2);
    while (talk->held_count > 0) talk_answer(talk->held[--talk->held_count]);
    talk_turn(talk);
    assert_string_equal(told(talk), "200 200c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk_feed_text(talk, "GET /1 HTTP/1.1\r\n" HOST);
    http_session_drain(talk->session, true, talk->now_ns);
    assert_string_equal(told(talk), "");
    talk_feed_text(talk, "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(told(talk), "200c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk_feed_text(talk, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    http_session_drain(talk->session, false, talk->now_ns);
    assert_string_equal(told(talk), "200");
    talk_wait(talk, 3);
    talk_feed_text(talk, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(told(talk), "200 200c over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    http_session_drain(talk->session, false, talk->now_ns);
    talk_wait(talk, 5);
    assert_string_equal(told(talk), "");
    talk_wait(talk, 1);
    assert_string_equal(told(talk), "over");
    talk_close(talk);

    talk = talk_open(1 << 20);
    talk->holds = true;
    talk_feed_text(talk, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    http_session_drain(talk->session, false, talk->now_ns);
    talk_answer(talk->held[--talk->held_count]);
    talk_turn(talk);
    assert_string_equal(told(talk), "200c over");
    talk_close(talk);
}

/* Goal: a client that closes its side after its request still hears the answer; half a request is told so.
 * Method: end after a whole request that is held, in the middle of one, and with none. */
static void test_end_of_input(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk->holds = true;
    talk_feed_text(talk, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    assert_true(http_session_end(talk->session));
    talk_answer(talk->held[--talk->held_count]);
    talk_turn(talk);
    assert_string_equal(told(talk), "200c over");
    talk_close(talk);

    static const char *const parts[] = { "GET /1 HT", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab" };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        talk = talk_open(1 << 20);
        talk_feed_text(talk, parts[i]);
        assert_true(http_session_end(talk->session));
        talk_turn(talk);
        assert_string_equal(told(talk), "400c over");
        talk_close(talk);
    }
    talk = talk_open(1 << 20);
    assert_false(http_session_end(talk->session));
    talk_close(talk);
}

/* Goal: what an answer looks like, byte for byte; HEAD has no body, 204 no length, and what is echoed cannot split it.
 * Method: answers to GET, HEAD, HTTP/1.0; a header with a line end in it. */
static void test_answers(void **state)
{
    (void)state;
    struct http_header headers[] = { { BYTES("Content-Type"), BYTES("text/plain") },
                                     { BYTES("Echo"), BYTES("a\r\nSet-Cookie: b") } };
    static const struct {
        const char *request;
        struct http_response response;
        const char *line, *rest;
    } cases[] = {
        { "GET / HTTP/1.1\r\n" HOST "\r\n",
          { 200, NULL, 2, { (const uint8_t *)"abc", 3 } },
          "HTTP/1.1 200 OK\r\n",
          "Content-Type: text/plain\r\nEcho: a  Set-Cookie: b\r\nContent-Length: 3\r\n\r\nabc" },
        { "HEAD / HTTP/1.1\r\n" HOST "\r\n",
          { 404, NULL, 0, { (const uint8_t *)"abc", 3 } },
          "HTTP/1.1 404 Not Found\r\n",
          "Content-Length: 3\r\n\r\n" },
        { "OPTIONS / HTTP/1.1\r\n" HOST "\r\n", { 204, NULL, 0, { 0 } }, "HTTP/1.1 204 No Content\r\n", "\r\n" },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
          { 599, NULL, 0, { 0 } },
          "HTTP/1.1 599 \r\n",
          "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n" },
        { "GET / HTTP/1.0\r\n\r\n",
          { 200, NULL, 0, { (const uint8_t *)"x", 1 } },
          "HTTP/1.1 200 OK\r\n",
          "Content-Length: 1\r\nConnection: close\r\n\r\nx" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct talk *talk = talk_open(1 << 20);
        talk->holds = true;
        talk_feed_text(talk, cases[i].request);
        assert_int_equal(talk->held_count, 1);
        struct http_response response = cases[i].response;
        response.headers = headers;
        http_call_set_answer(talk->held[0], &response);
        (void)http_call_apply(talk->held[0]);
        talk->held_count = 0;
        talk_turn(talk);
        assert_true(buf_add(&talk->out, "", 1));
        const char *out = (const char *)talk->out.ptr;
        size_t line_len = strlen(cases[i].line);
        assert_memory_equal(out, cases[i].line, line_len);
        assert_memory_equal(out + line_len, "Date: ", 6);
        assert_string_equal(out + line_len + 37, cases[i].rest);
        talk_close(talk);
    }
    char date[HTTP_DATE_BYTES];
    http_date_write(784111777, date); /* RFC 9110, 5.6.7 */
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

/* Goal: a request outlives its connection, and its answer goes nowhere.
 * Method: one held, one that waits, one half there; the session is destroyed; then the answer. */
static void test_connection_goes_first(void **state)
{
    (void)state;
    struct talk *talk = talk_open(1 << 20);
    talk->holds = true;
    talk_feed_text(talk, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    http_session_feed(talk->session,
                      BYTES("POST /2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                            "POST /3 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab"),
                      talk->now_ns);
    http_session_destroy(talk->session);
    talk->session = NULL;
    assert_int_equal(talk->admission->requests, 1);
    assert_memory_equal(talk->held[0]->body.ptr, "abc", 3);
    talk_close(talk);
}

int main(void)
{
    texts_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_pipelining_keeps_the_order),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_end_of_input),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_connection_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
