/* The API over loopback, with its threads, a metadata database in a folder and no query engine: what strangers may send, who is
 * let in, repeats, pages, and an end in the middle of work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/disk.h"
#include "meta/db.h"
#include "meta/meta.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "web/api/api.h"

enum { WAIT_MS = 20000, ANSWER_BYTES_MAX = 4 << 20 };
static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    char dir[64];
    struct meta *meta;
    struct api *api;
    struct admission *admission;
    struct loop *loop;
    struct http_server *server;
    char admin_key[META_SECRET_BYTES], query_key[META_SECRET_BYTES];
    struct buf answer;
};

static void on_request(void *ctx, struct http_request *request)
{
    api_request(((struct fixture *)ctx)->api, request);
}

static void on_refusal(void *ctx, struct http_request *request, const struct http_refusal *refusal)
{
    (void)ctx;
    api_refuse(request, refusal);
}

static void key_make(struct fixture *fixture, const char *project, uint32_t scopes, char secret[META_SECRET_BYTES])
{
    struct meta_project made;
    struct meta_key key;
    struct err err = { 0 };
    if (!meta_project_find(fixture->meta, bytes_of_text(project), &made, &err) &&
        !meta_project_create(fixture->meta, project, &made, &err))
        fail_msg("%s", err.text);
    struct meta_key_limits limits = { .scopes = scopes };
    if (!meta_key_create_limited(fixture->meta, made.id, "test", &limits, &key, secret, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char path[100], secret[META_SECRET_BYTES];
    strcpy(fixture->dir, "/tmp/monoscope-api-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(path, sizeof path, "%s/meta.sqlite", fixture->dir);
    if (!meta_open(&fixture->meta, path, &quiet, &err)) fail_msg("%s", err.text);
    key_make(fixture, "shop", META_SCOPE_ADMIN, fixture->admin_key);
    key_make(fixture, "shop", META_SCOPE_QUERY, fixture->query_key);
    key_make(fixture, "other", META_SCOPE_ADMIN, secret);
    struct api_options options = {
        .parts = { .meta = fixture->meta,
                   .db = meta_db(fixture->meta),
                   .version = "1",
                   .own_project = "monoscope",
                   .log = &quiet },
        .quick_threads = 2,
        .slow_threads = 2,
    };
    if (!api_open(&fixture->api, &options, &err)) fail_msg("%s", err.text);
    fixture->admission = admission_create(8 << 20);
    struct http_options http_options = {
        .address = "127.0.0.1",
        .body_bytes_max = 1 << 20,
        .admission = fixture->admission,
        .handler = { .call = on_request, .refuse = on_refusal, .ctx = fixture },
        .log = &quiet,
    };
    assert_true(loop_open(&fixture->loop, &err));
    assert_true(http_server_open(&fixture->server, fixture->loop, &http_options, &err));
    buf_init(&fixture->answer, ANSWER_BYTES_MAX);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    api_stop(fixture->api);
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    loop_close(fixture->loop);
    api_close(fixture->api);
    admission_release(fixture->admission);
    meta_close(fixture->meta);
    static const char *const files[] = { "meta.sqlite", "meta.sqlite-wal", "meta.sqlite-shm" };
    for (size_t f = 0; f < COUNT_OF(files); f++) {
        char path[120];
        snprintf(path, sizeof path, "%s/%s", fixture->dir, files[f]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->dir);
    (void)err;
    buf_deinit(&fixture->answer);
    free(fixture);
    return 0;
}

static struct tcp *connected(struct fixture *fixture)
{
    struct tcp *tcp;
    struct err err = { 0 };
    assert_true(tcp_connect(&tcp, "127.0.0.1", http_server_port(fixture->server), &err));
    return tcp;
}

/* The whole answer, text; its status. */
static int ask(struct fixture *fixture, const char *method, const char *path, const char *key, const char *headers,
               struct bytes body)
{
    char head[12000];
    struct err err = { 0 };
    size_t len = 1;
    struct tcp *tcp = connected(fixture);
    int head_len =
        snprintf(head, sizeof head,
                 "%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%s%s%s%scontent-length: %zu\r\n\r\n", method, path,
                 key ? "authorization: Bearer " : "", key ? key : "", key ? "\r\n" : "", headers, body.len);
    assert_true(head_len > 0 && (size_t)head_len < sizeof head);
    assert_true(tcp_write(tcp, bytes_from(head, (size_t)head_len), &err));
    if (body.len > 0) (void)!tcp_write(tcp, body, &err); /* it may be refused before it is sent */
    for (fixture->answer.len = 0; len > 0; fixture->answer.len += len) {
        assert_true(buf_reserve(&fixture->answer, 65536));
        if (!tcp_read(tcp, fixture->answer.ptr + fixture->answer.len, 65535, &len, WAIT_MS, &err)) break;
    }
    tcp_close(tcp);
    assert_true(buf_reserve(&fixture->answer, 1));
    fixture->answer.ptr[fixture->answer.len] = '\0';
    return fixture->answer.len > 12 ? atoi((const char *)fixture->answer.ptr + 9) : 0;
}

static bool told(const struct fixture *fixture, const char *words)
{
    return strstr((const char *)fixture->answer.ptr, words) != NULL;
}

#define JSON_TYPE "content-type: application/json\r\n"

static const struct asked {
    const char *method, *path;
    char who; /* n nobody, a admin key, q query key, x a key that nobody has */
    const char *headers, *body;
    int status;
    const char *told;
} asked[] = {
    { "GET", "/api/v1/health", 'n', "", "", 200, "{\"status\":\"ok\"}" },
    { "HEAD", "/api/v1/health", 'n', "", "", 200, "Content-Length: 15" },
    { "GET", "/api/v1/projects", 'n', "", "", 401, "www-authenticate: Bearer" },
    { "GET", "/api/v1/projects", 'x', "", "", 401, "unauthenticated" },
    { "GET", "/api/v1/projects", 'n', "authorization: Basic eDp5\r\n", "", 401, "must be: Bearer" },
    { "GET", "/api/v1/projects", 'n', "authorization: Bearer \r\n", "", 401, "must be: Bearer" },
    { "GET", "/api/v1/projects", 'n', "cookie: monoscope_session=mos_x\r\n", "", 401, "unauthenticated" },
    { "GET", "/api/v1/projects", 'a', "", "", 200, "\"shop\"" },
    { "GET", "/api/v1/projects/shop", 'q', "", "", 200, "etag: \"" },
    { "GET", "/api/v1/projects/sh%6fp", 'q', "", "", 200, "\"shop\"" },
    { "GET", "/api/v1/projects/other", 'q', "", "", 404, "there is no project" },
    { "GET", "/api/v1/projects/nosuch", 'q', "", "", 404, "there is no project" },
    { "GET", "/api/v1/projects/%00", 'q', "", "", 404, "not_found" },
    { "GET", "/api/v1/projects/%", 'q', "", "", 404, "not_found" },
    { "GET", "/api/v1/projects/%FF%FE", 'q', "", "", 404, "not_found" },
    { "GET", "/api/v1/projects?limit=1001", 'a', "", "", 400, "\"pointer\":\"?limit\"" },
    { "GET", "/api/v1/projects?limit=%zz", 'a', "", "", 400, "percent-encoded" },
    { "GET", "/api/v1/projects?limit=1&limit=1", 'a', "", "", 400, "twice" },
    { "GET", "/api/v1/projects?a%22b%0a=1", 'a', "", "", 400, "no such query parameter" },
    { "GET", "/api/v1/projects?cursor=!", 'a', "", "", 400, "no cursor" },
    { "GET", "/api/v1/projects?cursor=WyJwcm9qZWN0X2xpc3QiLCJhXHUwMDAwYiJd", 'a', "", "", 400, "no cursor" },
    { "POST", "/api/v1/projects", 'a', JSON_TYPE, "{\"name\":\"x\"}", 403, "forbidden" },
    { "PATCH", "/api/v1/projects/shop", 'q', JSON_TYPE, "{\"name\":\"x\"}", 403, "forbidden" },
    { "PATCH", "/api/v1/projects/shop", 'a', "", "{\"name\":\"x\"}", 415, "content-type" },
    { "PATCH", "/api/v1/projects/shop", 'a', JSON_TYPE, "{\"name\":\"X\"}", 400, "\"pointer\":\"/name\"" },
    { "PATCH", "/api/v1/projects/shop", 'a', JSON_TYPE, "{\"name\":\"other\"}", 409, "exists" },
    { "PATCH", "/api/v1/projects/shop", 'a', JSON_TYPE "if-match: \"x\"\r\n", "{\"name\":\"new\"}", 412, "conflict" },
    { "PUT", "/api/v1/projects/shop/retention/otel_metrics", 'a', JSON_TYPE, "{\"days\":3}", 200, "\"days\":3" },
    { "PUT", "/api/v1/projects/shop/retention/otel_metrics", 'a', JSON_TYPE, "{\"days\":3.5}", 400, "integer" },
    { "PUT", "/api/v1/projects/shop/retention/nosuch", 'a', JSON_TYPE, "{\"days\":3}", 404, "otel_metrics" },
    { "GET", "/api/v1/projects/shop/retention", 'q', "", "", 200, "\"days\":3,\"is_default\":false" },
    { "DELETE", "/api/v1/projects/shop/retention/otel_metrics", 'a', "", "", 204, "" },
    { "POST", "/api/v1/projects/shop/query", 'q', JSON_TYPE, "{\"sql\":\"select 1\"}", 501, "--role query" },
    { "GET", "/api/v1/projects/shop/search?q=x", 'q', "", "", 501, "--role query" },
    { "GET", "/api/v1/projects/shop/search?from=yesterday", 'q', "", "", 400, "\"pointer\":\"?from\"" },
    { "DELETE", "/api/v1/projects/shop", 'a', "", "", 403, "forbidden" },
    { "TRACE", "/api/v1/health", 'n', "", "", 405, "allow: GET, HEAD\r\n" },
    { "GET", "/", 'n', "", "", 404, "openapi.json" },
};

/* Goal: each is answered as it should be, as JSON that does not split headers or echo what was sent as it came. */
static void test_answers(void **state)
{
    struct fixture *fixture = *state;
    for (size_t a = 0; a < COUNT_OF(asked); a++) {
        const char *key = asked[a].who == 'a'   ? fixture->admin_key
                          : asked[a].who == 'q' ? fixture->query_key
                          : asked[a].who == 'x' ? "mono_nobodyhasit"
                                                : NULL;
        int status = ask(fixture, asked[a].method, asked[a].path, key, asked[a].headers, bytes_of_text(asked[a].body));
        if (status != asked[a].status || !told(fixture, asked[a].told))
            fail_msg("%s %s: %s", asked[a].method, asked[a].path, (const char *)fixture->answer.ptr);
        if (status >= 400 && !told(fixture, "content-type: application/problem+json"))
            fail_msg("%s %s is no problem: %s", asked[a].method, asked[a].path, (const char *)fixture->answer.ptr);
    }
}

/* Goal: bodies that hurt others are refused: too deep, too large, cut short. */
static void test_bodies(void **state)
{
    struct fixture *fixture = *state;
    struct buf body;
    buf_init(&body, 4 << 20);
    for (int i = 0; i < 100000; i++) assert_true(buf_add(&body, "[", 1));
    const char *path = "/api/v1/projects/shop/query";
    assert_int_equal(ask(fixture, "POST", path, fixture->query_key, JSON_TYPE, buf_bytes(&body)), 400);
    for (int i = 0; i < 100000; i++) assert_true(buf_add(&body, "]", 1));
    assert_int_equal(ask(fixture, "POST", path, fixture->query_key, JSON_TYPE, buf_bytes(&body)), 400);
    assert_true(told(fixture, "nested deeper"));
    while (body.len < 2 << 20) assert_true(buf_add(&body, "                ", 16));
    assert_int_equal(ask(fixture, "POST", path, fixture->query_key, JSON_TYPE, buf_bytes(&body)), 413);
    assert_true(told(fixture, "too_large"));
    buf_deinit(&body);
}

/* Goal: what waits when the API stops is answered, and nothing is asked for after. */
static void test_stop_answers_all(void **state)
{
    struct fixture *fixture = *state;
    struct tcp *all[40];
    struct err err = { 0 };
    char request[400], answer[2000];
    int len =
        snprintf(request, sizeof request,
                 "GET /api/v1/projects HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n", fixture->query_key);
    for (size_t a = 0; a < COUNT_OF(all); a++) {
        all[a] = connected(fixture);
        assert_true(tcp_write(all[a], bytes_from(request, (size_t)len), &err));
    }
    api_stop(fixture->api);
    for (size_t a = 0; a < COUNT_OF(all); a++) {
        size_t got;
        assert_true(tcp_read(all[a], answer, sizeof answer - 1, &got, WAIT_MS, &err) && got > 12);
        answer[got] = '\0';
        int status = atoi(answer + 9);
        if (status != 200 && status != 503) fail_msg("%s", answer);
        tcp_close(all[a]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_answers_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
