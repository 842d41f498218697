/* The HTTP client against our own server, and against sockets that misbehave. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/http_client.h"
#include "net/http_fixture.h"
#include "net/tls.h"
#include "net/tls_files.h"

#define BODY_BYTES_MAX (17u << 20)

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    struct http_fixture server;
    struct http_client *client;
    char url[64];
    uint8_t *pattern; /* byte i is i * 7: what is sent, and answered from an offset */
    /* the loop's until the answer is there */
    int status, calls;
    size_t body_len, answer_len;
    bool body_is_right;
    char team[32], method[8];
    struct http_server *tls_servers[4]; /* closed with the loop */
    struct tls_context *tls_contexts[4];
    uint32_t tls_count;
};

/* GET /at/<offset>/<len> answers that part of the pattern; anything else what the test has set. */
static void on_request(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    struct bytes team = http_request_header(request, "x-team");
    size_t offset = 0, len = fixture->answer_len;
    char path[64];
    snprintf(path, sizeof path, "%.*s", (int)request->path.len, (const char *)request->path.ptr);
    bool is_part = sscanf(path, "/at/%zu/%zu", &offset, &len) == 2;
    fixture->calls++;
    fixture->body_len = request->body.len;
    fixture->body_is_right =
        request->body.len == 0 || memcmp(request->body.ptr, fixture->pattern, request->body.len) == 0;
    snprintf(fixture->team, sizeof fixture->team, "%.*s", (int)team.len, (const char *)team.ptr);
    snprintf(fixture->method, sizeof fixture->method, "%.*s", (int)request->method.len,
             (const char *)request->method.ptr);
    const struct http_header headers[] = { { BYTES("ETag"), BYTES("\"abc\"") }, { BYTES("retry-after"), BYTES("7") } };
    struct http_response response = { .status = is_part ? 206 : fixture->status,
                                      .headers = headers,
                                      .header_count = fixture->status == 503 ? 2 : 1,
                                      .body = bytes_from(fixture->pattern + offset, len) };
    http_answer(request, &response);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture->pattern = mem_alloc(BODY_BYTES_MAX);
    for (size_t i = 0; i < BODY_BYTES_MAX; i++) fixture->pattern[i] = (uint8_t)(i * 7 + (i >> 10));
    http_fixture_open(&fixture->server, on_request, fixture, 32 << 20);
    fixture->client = http_client_create(NULL);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u", fixture->server.port);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_client_destroy(fixture->client);
    loop_stop(fixture->server.loop);
    for (uint32_t i = 0; i < fixture->tls_count; i++) http_server_close(fixture->tls_servers[i]);
    for (uint32_t i = 0; i < fixture->tls_count; i++) tls_context_close(fixture->tls_contexts[i]);
    http_fixture_end(&fixture->server);
    free(fixture->pattern);
    free(fixture);
    return 0;
}

static const struct http_client_header team_headers[] = { { "x-team", "night shift" }, { 0 } };

/* Goal: bodies of any size arrive with their headers, answers come whole or cut as agreed, with status, headers and
 * Retry-After; one connection serves all. Method: sizes and statuses in turn. */
static void test_statuses_and_sizes(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int status;
        size_t body_len, answer_len, answer_bytes_max;
        bool is_cut;
        size_t kept;
    } rows[] = { { 200, 0, 0, 0, false, 0 },
                 { 200, 10, 5, 5, false, 5 },
                 { 200, 10, 1 << 20, 1 << 20, false, 1 << 20 },
                 { 200, 10, 1 << 20, 100, true, 100 },
                 { 200, 10, 1 << 20, 0, true, 0 },
                 { 503, 1 << 20, 100, 0, false, 100 },
                 { 400, BODY_BYTES_MAX, 1 << 20, 1, false, HTTP_CLIENT_TEXT_BYTES_MAX },
                 { 204, 3, 0, 0, false, 0 },
                 { 302, 3, 10, 0, false, 10 } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        fixture->status = rows[r].status;
        fixture->answer_len = rows[r].answer_len;
        struct http_exchange exchange = { .method = "POST",
                                          .url = fixture->url,
                                          .body.bytes = bytes_from(fixture->pattern, rows[r].body_len),
                                          .headers = team_headers,
                                          .answer_bytes_max = rows[r].answer_bytes_max,
                                          .answer_is_cut = rows[r].is_cut,
                                          .connect_ms_max = 5000,
                                          .total_ms_max = 60000 };
        http_client_run(fixture->client, &exchange, 1);
        if (exchange.err.code != ERR_OK) fail_msg("%s", exchange.err.text);
        assert_int_equal(exchange.status, rows[r].status);
        assert_int_equal(exchange.retry_after_ms, rows[r].status == 503 ? 7000 : 0);
        assert_int_equal(exchange.answer_len, rows[r].kept);
        assert_true(bytes_equal(buf_bytes(&exchange.body_answer), bytes_from(fixture->pattern, rows[r].kept)));
        assert_true(bytes_equal(http_exchange_header(&exchange, "etag"), BYTES("\"abc\"")));
        assert_null(http_exchange_header(&exchange, "eta").ptr);
        assert_int_equal(fixture->body_len, rows[r].body_len);
        assert_true(fixture->body_is_right);
        assert_string_equal(fixture->team, "night shift");
        assert_string_equal(fixture->method, "POST");
        http_exchange_deinit(&exchange);
    }
    struct server_stats stats;
    http_server_stats(fixture->server.server, &stats);
    assert_int_equal(stats.connections_accepted, 1);
}

/* Goal: more bytes than the memory given has room for are an error and are never written there; the next exchange works.
 * Method: an answer one byte longer, with a guard byte behind the memory. */
static void test_answer_too_long(void **state)
{
    struct fixture *fixture = *state;
    uint8_t into[101] = { [100] = 0x5A };
    fixture->status = 200;
    for (size_t len = 99; len <= 102; len++) {
        fixture->answer_len = len;
        struct http_exchange exchange = {
            .method = "GET", .url = fixture->url, .into = into, .answer_bytes_max = 100, .total_ms_max = 60000
        };
        http_client_run(fixture->client, &exchange, 1);
        assert_int_equal(exchange.err.code, len <= 100 ? ERR_OK : ERR_TOO_LARGE);
        if (len <= 100) assert_int_equal(exchange.answer_len, len);
        if (len <= 100) assert_memory_equal(into, fixture->pattern, len);
        assert_int_equal(into[100], 0x5A);
        assert_null(exchange.body_answer.ptr);
        http_exchange_deinit(&exchange);
    }
}

/* Goal: a file's range goes out byte for byte; a file that ends early is an error that says so. */
static void test_file_body(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char path[] = "http_client_test.XXXXXX";
    struct disk_file *file;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "junk", 4), 4);
    assert_int_equal(write(fd, fixture->pattern, 3 << 20), 3 << 20);
    close(fd);
    assert_true(disk_real.ops->open(&disk_real, path, DISK_READ, &file, &err));
    unlink(path);
    fixture->status = 200;
    fixture->answer_len = 0;
    struct http_exchange exchange = {
        .method = "PUT",
        .url = fixture->url,
        .body = { .disk = &disk_real, .file = file, .file_offset = 4, .file_bytes = (3 << 20) - 5 },
        .total_ms_max = 60000
    };
    http_client_run(fixture->client, &exchange, 1);
    if (exchange.err.code != ERR_OK) fail_msg("%s", exchange.err.text);
    assert_int_equal(exchange.status, 200);
    assert_int_equal(fixture->body_len, (3 << 20) - 5);
    assert_true(fixture->body_is_right);
    assert_string_equal(fixture->method, "PUT");
    http_exchange_deinit(&exchange);

    exchange.body.file_bytes = (3 << 20) + 1;
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.err.code, ERR_IO);
    assert_non_null(strstr(exchange.err.text, "ends before byte"));
    http_exchange_deinit(&exchange);
    disk_real.ops->close(file);
}

enum { THREADS = 4, ROUNDS = 30, SIDE_BY_SIDE = 8, PART_BYTES = 3000 };
struct reader {
    pthread_t thread;
    struct fixture *fixture;
    uint32_t seed;
    bool is_right;
};

static void *read_parts(void *arg)
{
    struct reader *reader = arg;
    uint8_t *into = mem_alloc(SIDE_BY_SIDE * PART_BYTES);
    reader->is_right = true;
    for (int round = 0; round < ROUNDS; round++) {
        struct http_exchange exchanges[SIDE_BY_SIDE] = { 0 };
        char urls[SIDE_BY_SIDE][96];
        size_t offsets[SIDE_BY_SIDE];
        for (int i = 0; i < SIDE_BY_SIDE; i++) {
            offsets[i] = (reader->seed = reader->seed * 1664525 + 1013904223) % (BODY_BYTES_MAX - PART_BYTES);
            snprintf(urls[i], sizeof urls[i], "%s/at/%zu/%d", reader->fixture->url, offsets[i], PART_BYTES);
            exchanges[i] = (struct http_exchange){ .method = "GET",
                                                   .url = urls[i],
                                                   .into = into + i * PART_BYTES,
                                                   .answer_bytes_max = PART_BYTES,
                                                   .total_ms_max = 60000 };
        }
        http_client_run(reader->fixture->client, exchanges, SIDE_BY_SIDE);
        for (int i = 0; i < SIDE_BY_SIDE; i++) {
            const uint8_t *wanted = reader->fixture->pattern + offsets[i];
            if (exchanges[i].status != 206 || exchanges[i].answer_len != PART_BYTES ||
                memcmp(into + i * PART_BYTES, wanted, PART_BYTES) != 0)
                reader->is_right = false;
            http_exchange_deinit(&exchanges[i]);
        }
    }
    free(into);
    return NULL;
}

/* Goal: exchanges of many threads side by side each get their own answer, over few connections. Method: four threads
 * with eight parts each at a time, through a client that lets ten go at once. */
static void test_side_by_side(void **state)
{
    struct fixture *fixture = *state;
    struct reader readers[THREADS];
    struct server_stats stats;
    http_client_destroy(fixture->client);
    fixture->client = http_client_create(&(struct http_client_options){ .exchanges_max = 10 });
    for (uint32_t t = 0; t < THREADS; t++) {
        readers[t] = (struct reader){ .fixture = fixture, .seed = t };
        assert_int_equal(pthread_create(&readers[t].thread, NULL, read_parts, &readers[t]), 0);
    }
    for (uint32_t t = 0; t < THREADS; t++) pthread_join(readers[t].thread, NULL);
    for (uint32_t t = 0; t < THREADS; t++) assert_true(readers[t].is_right);
    http_server_stats(fixture->server.server, &stats);
    assert_in_range(stats.connections_accepted, 1, 10);
}

/* An https exchange with a server that shows a certificate by the given names, trusting the given authority. */
static enum err_code tls_exchange(struct fixture *fixture, const char *dir, const char *ca, int *status)
{
    struct tls_context *context;
    struct http_server *server;
    struct err err = { 0 };
    char cert[300], key[300], ca_file[300], url[64];
    snprintf(cert, sizeof cert, "%s/server.crt", dir);
    snprintf(key, sizeof key, "%s/server.key", dir);
    snprintf(ca_file, sizeof ca_file, "%s/%s.crt", dir, ca);
    assert_true(tls_context_open(&context, &(struct tls_files){ .cert = cert, .key = key }, &quiet, &err));
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = 32 << 20,
                                    .admission = fixture->server.admission,
                                    .handler = { .call = on_request, .ctx = fixture },
                                    .log = &quiet,
                                    .tls = context };
    assert_true(http_server_open(&server, fixture->server.loop, &options, &err));
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", http_server_port(server));
    struct http_client *client = http_client_create(&(struct http_client_options){ .ca_file = ca[0] ? ca_file : NULL });
    struct http_exchange exchange = { .method = "GET", .url = url, .answer_bytes_max = 100, .total_ms_max = 60000 };
    http_client_run(client, &exchange, 1);
    *status = exchange.status;
    http_exchange_deinit(&exchange);
    http_client_destroy(client);
    fixture->tls_servers[fixture->tls_count] = server;
    fixture->tls_contexts[fixture->tls_count++] = context;
    return exchange.err.code;
}

/* Goal: whom to trust is what was said, else the system; a certificate of another authority or for another host is
 * refused. */
static void test_tls(void **state)
{
    struct fixture *fixture = *state;
    struct tls_authority authority, other;
    struct err err = { 0 };
    int status;
    char dir[] = "http_client_test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    tls_authority_init(&authority, dir, "ca");
    tls_authority_init(&other, dir, "other");
    tls_authority_sign(&authority, dir, "server", (struct tls_wish){ 0 });
    fixture->status = 200;
    fixture->answer_len = 3;
    assert_int_equal(tls_exchange(fixture, dir, "ca", &status), ERR_OK);
    assert_int_equal(status, 200);
    assert_int_equal(tls_exchange(fixture, dir, "other", &status), ERR_IO);
    assert_int_equal(tls_exchange(fixture, dir, "", &status), ERR_IO);
    tls_authority_sign(&authority, dir, "server", (struct tls_wish){ .names = "DNS:elsewhere" });
    assert_int_equal(tls_exchange(fixture, dir, "ca", &status), ERR_IO);
    assert_int_equal(fixture->calls, 1);
    tls_authority_deinit(&authority);
    tls_authority_deinit(&other);
    assert_true(disk_dir_empty(&disk_real, dir, &err));
    assert_int_equal(rmdir(dir), 0);
}

static int listener_of(char url[64])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(at.sin_port));
    return fd;
}

struct scripted {
    int fd;
    const char *answer;
};

/* Answers one connection's first request with the given bytes, then hangs up. */
static void *answer_once(void *arg)
{
    struct scripted *scripted = arg;
    char request[4096];
    int fd = accept4(scripted->fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t got = recv(fd, request, sizeof request, 0);
    size_t len = strlen(scripted->answer);
    if (got > 0 && send(fd, scripted->answer, len, MSG_NOSIGNAL) != (ssize_t)len) scripted->answer = NULL;
    close(fd);
    return NULL;
}

/* Goal: cut answers, ones that are no HTTP and endless headers are ERR_IO or ERR_TOO_LARGE; 100 Continue is no answer.
 * Method: each script from a socket of its own. */
static void test_broken_answers(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *answer;
        enum err_code code;
        int status;
    } rows[] = { { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ERR_IO, 0 },
                 { "HTTP/1.1 200 OK\r\nContent-Le", ERR_IO, 0 },
                 { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", ERR_IO, 0 },
                 { "", ERR_IO, 0 },
                 { "220 mail.example.com ESMTP\r\n", ERR_IO, 0 },
                 { "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nabcdefghijk", ERR_TOO_LARGE, 0 },
                 { "HTTP/1.1 100 Continue\r\nETag: no\r\n\r\nHTTP/1.1 207 Fine\r\nETag: yes\r\n\r\nabc", ERR_OK, 207 },
                 { "HTTP/1.1 500 \r\nETag:   yes  \r\nConnection: close\r\n\r\nabcdefghijklmnop", ERR_OK, 500 } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        char url[64];
        struct scripted scripted = { .fd = listener_of(url), .answer = rows[r].answer };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, answer_once, &scripted), 0);
        struct http_exchange exchange = { .method = "GET", .url = url, .answer_bytes_max = 10, .total_ms_max = 60000 };
        http_client_run(fixture->client, &exchange, 1);
        assert_int_equal(exchange.err.code, rows[r].code);
        assert_int_equal(exchange.status, rows[r].status);
        if (rows[r].code == ERR_OK) assert_true(bytes_equal(http_exchange_header(&exchange, "ETAG"), BYTES("yes")));
        http_exchange_deinit(&exchange);
        pthread_join(thread, NULL);
        close(scripted.fd);
    }
}

static void *cancel_soon(void *cancel)
{
    clock_sleep_ms(50);
    atomic_store((atomic_bool *)cancel, true);
    return NULL;
}

/* Goal: nobody there, no answer in time, silence, and a caller that gives up (also one whose turn has not come) end the
 * call with words; what is no address is told before. Method: a closed port, a listener that never answers, https to a
 * port that speaks none. */
static void test_failures(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char url[64], https[64];
    atomic_bool cancel = false;
    int fd = listener_of(url);
    struct http_exchange exchange = { .method = "GET", .url = url, .connect_ms_max = 1000, .total_ms_max = 100 };
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.err.code, ERR_IO);
    assert_non_null(strstr(exchange.err.text, "127.0.0.1"));

    exchange.total_ms_max = 60000;
    exchange.idle_ms_max = 150;
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.err.code, ERR_IO);
    assert_non_null(strstr(exchange.err.text, "150 ms"));
    exchange.idle_ms_max = 0;

    pthread_t thread;
    struct http_client *narrow = http_client_create(&(struct http_client_options){ .exchanges_max = 1 });
    exchange.cancel = &cancel;
    struct http_exchange two[2] = { exchange, exchange };
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    http_client_run(narrow, two, 2);
    assert_int_equal(two[0].err.code, ERR_CANCELLED);
    assert_int_equal(two[1].err.code, ERR_CANCELLED);
    pthread_join(thread, NULL);
    atomic_store(&cancel, false);
    http_client_destroy(narrow);

    close(fd);
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.err.code, ERR_IO);

    snprintf(https, sizeof https, "https%s/?password=1", fixture->url + 4);
    exchange.url = https;
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.err.code, ERR_IO);
    assert_null(strstr(exchange.err.text, "password"));
    assert_int_equal(fixture->calls, 0);

    static const char *const bad[] = { "http:/one-slash", "https:x", "",     "collector:4318",
                                       "ftp://host/",     "http://", "host", "http://a b/" };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        assert_false(http_client_url_check(bad[b], &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    assert_true(http_client_url_check("https://otel.example.com", &err));
    assert_true(http_client_url_check("http://[::1]:4318/prefix", &err));
}

/* Goal: a client for addresses of strangers reaches nothing of ours, by number or by name, and says why. Method: our own
 * server, alive; the usual client reaches it by the same addresses. */
static void test_public_only(void **state)
{
    struct fixture *fixture = *state;
    static const char *const hosts[] = { "127.0.0.1",          "localhost", "[::1]",
                                         "[::ffff:127.0.0.1]", "0.0.0.0",   "2130706433" };
    struct http_client *client = http_client_create(&(struct http_client_options){ .is_public_only = true });
    fixture->status = 200;
    for (size_t h = 0; h < COUNT_OF(hosts); h++) {
        char url[80];
        snprintf(url, sizeof url, "http://%s:%u/x?key=1", hosts[h], fixture->server.port);
        struct http_exchange exchange = { .method = "GET", .url = url, .total_ms_max = 20000 };
        http_client_run(client, &exchange, 1);
        assert_int_equal(exchange.err.code, ERR_FORBIDDEN);
        assert_non_null(strstr(exchange.err.text, "is not at a public address"));
        assert_null(strstr(exchange.err.text, "key"));
        http_exchange_deinit(&exchange);
    }
    http_client_destroy(client);
    assert_int_equal(fixture->calls, 0);
    struct http_exchange exchange = { .method = "GET", .url = fixture->url, .total_ms_max = 20000 };
    http_client_run(fixture->client, &exchange, 1);
    assert_int_equal(exchange.status, 200);
    http_exchange_deinit(&exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_statuses_and_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_public_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
