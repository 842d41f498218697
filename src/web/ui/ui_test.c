/* The UI's files as a browser asks for them, over a real HTTP port. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "net/admission.h"
#include "net/loop.h"
#include "web/ui/ui.h"

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    struct loop *loop;
    struct admission *admission;
    struct http_server *server;
    char answer[1 << 20];
    size_t len, head_len;
};

static void on_request(void *ctx, struct http_request *request)
{
    (void)ctx;
    if (!ui_answer(request)) http_answer_text(request, 404, "not ours");
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->admission = admission_create(1 << 20);
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = 1 << 16,
                                    .admission = fixture->admission,
                                    .handler = { .call = on_request },
                                    .log = &quiet };
    if (!loop_open(&fixture->loop, &err) || !http_server_open(&fixture->server, fixture->loop, &options, &err))
        return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    loop_close(fixture->loop);
    admission_release(fixture->admission);
    free(fixture);
    return 0;
}

/* The head, as text; the body stands behind it in fixture->answer. */
static const char *asked(struct fixture *fixture, const char *method, const char *path, const char *headers)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(http_server_port(fixture->server)) };
    char request[1024];
    int request_len = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%s\r\n",
                               method, path, headers);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(write(fd, request, (size_t)request_len), request_len);
    fixture->len = 0;
    for (ssize_t got = 1; got > 0; fixture->len += (size_t)got) {
        got = read(fd, fixture->answer + fixture->len, sizeof fixture->answer - 1 - fixture->len);
        assert_true(got >= 0);
    }
    close(fd);
    fixture->answer[fixture->len] = '\0';
    char *end = strstr(fixture->answer, "\r\n\r\n");
    assert_non_null(end);
    *end = '\0';
    fixture->head_len = (size_t)(end + 4 - fixture->answer);
    return fixture->answer;
}

static struct bytes body_of(const struct fixture *fixture)
{
    return bytes_from((const uint8_t *)fixture->answer + fixture->head_len, fixture->len - fixture->head_len);
}

static void header_value(const char *head, const char *name, char *value, size_t value_bytes)
{
    const char *at = strcasestr(head, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(value, value_bytes, "%.*s", (int)strcspn(at, "\r"), at);
}

/* Goal: any path that a browser asks for as a page is the UI; what is no page and no file is not ours. */
static void test_pages_and_files(void **state)
{
    struct fixture *fixture = *state;
    const char *page = "accept: text/html,application/xhtml+xml;q=0.9\r\n";
    assert_non_null(strstr(asked(fixture, "GET", "/", page), " 200 "));
    assert_non_null(memmem(body_of(fixture).ptr, body_of(fixture).len, "<div id=\"app\">", 14));
    const char *head = asked(fixture, "GET", "/p/shop/explore", page);
    assert_non_null(strstr(head, " 200 "));
    assert_non_null(strcasestr(head, "content-security-policy: default-src 'none'; script-src 'self';"));
    assert_non_null(strcasestr(head, "cache-control: no-cache"));
    assert_non_null(strstr(asked(fixture, "GET", "/p/shop/explore", "accept: application/json\r\n"), " 404 "));
    assert_non_null(strstr(asked(fixture, "GET", "/assets/none.js", "accept: */*\r\n"), " 404 "));
    assert_non_null(strstr(asked(fixture, "POST", "/", "accept: text/html\r\ncontent-length: 0\r\n"), " 404 "));
    head = asked(fixture, "GET", "/sdk/monoscope.js", "accept: */*\r\norigin: https://shop.example\r\n");
    assert_non_null(strstr(head, " 200 "));
    assert_non_null(strcasestr(head, "access-control-allow-origin: *"));
    assert_non_null(strcasestr(head, "cross-origin-resource-policy: cross-origin"));
    assert_non_null(strstr(asked(fixture, "GET", "/sdk/replay.js", "accept: */*\r\n"), " 200 "));
    assert_null(strcasestr(asked(fixture, "GET", "/icon.svg", ""), "access-control-allow-origin"));
    assert_non_null(strstr(asked(fixture, "HEAD", "/icon.svg", ""), " 200 "));
    head = asked(fixture, "HEAD", "/replay/stage.html", page); /* recordings: no script, nothing loaded */
    assert_non_null(strcasestr(head, "content-security-policy: default-src 'none'; style-src 'unsafe-inline';"));
    assert_non_null(strcasestr(head, "sandbox allow-same-origin\r\n"));
    assert_null(strstr(head, "script-src"));
    assert_int_equal(body_of(fixture).len, 0);
}

/* Goal: each form is the same file: plain, gzip as zlib reads it, brotli by its name; and a kept one is not sent again. */
static void test_forms_and_tags(void **state)
{
    struct fixture *fixture = *state;
    char plain[8192], unpacked[8192], tag[128], request[256];
    asked(fixture, "GET", "/icon.svg", "");
    size_t plain_len = body_of(fixture).len;
    assert_in_range(plain_len, 1, sizeof plain);
    memcpy(plain, body_of(fixture).ptr, plain_len);

    const char *head = asked(fixture, "GET", "/icon.svg", "accept-encoding: br;q=0, gzip\r\n");
    assert_non_null(strcasestr(head, "content-encoding: gzip"));
    header_value(head, "etag: ", tag, sizeof tag);
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)body_of(fixture).ptr, .avail_in = (uInt)body_of(fixture).len };
    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    stream.next_out = (Bytef *)unpacked;
    stream.avail_out = sizeof unpacked;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, plain_len);
    assert_memory_equal(unpacked, plain, plain_len);
    inflateEnd(&stream);

    assert_non_null(strcasestr(asked(fixture, "GET", "/icon.svg", "accept-encoding: gzip, deflate, br\r\n"),
                               "content-encoding: br"));
    assert_in_range(body_of(fixture).len, 1, plain_len);

    snprintf(request, sizeof request, "accept-encoding: gzip\r\nif-none-match: \"x\", %s\r\n", tag);
    head = asked(fixture, "GET", "/icon.svg", request);
    assert_non_null(strstr(head, " 304 "));
    assert_int_equal(body_of(fixture).len, 0);
}

static bool has(struct bytes text, const char *word)
{
    return memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* Goal: the page of a view names the view's own files, so that they come with the frame's; of the explorer those of the kind that is shown. */
static void test_page_of_a_view(void **state)
{
    struct fixture *fixture = *state;
    const char *page = "accept: text/html\r\n";
    asked(fixture, "GET", "/", page);
    assert_false(has(body_of(fixture), "/assets/view-"));
    asked(fixture, "GET", "/p/shop/dashboards/web?from=now-1h", page);
    assert_true(has(body_of(fixture), "/assets/view-"));
    asked(fixture, "GET", "/p/shop/explore", page);
    assert_true(has(body_of(fixture), "/assets/kind_rows-"));
    asked(fixture, "GET", "/p/shop/explore?q=viz&viz=line&by=name", page);
    assert_true(has(body_of(fixture), "/assets/kind_chart-"));
    assert_false(has(body_of(fixture), "/assets/kind_rows-"));
    asked(fixture, "GET", "/p/shop/explore?viz=no-such", page);
    assert_true(has(body_of(fixture), "/assets/kind_rows-"));
    asked(fixture, "GET", "/p/shop/no-such-view", page);
    assert_false(has(body_of(fixture), "/assets/view-"));
    asked(fixture, "GET", "/p/..%2f..%2findex/explore", page);
    assert_true(has(body_of(fixture), "<div id=\"app\">"));
}

/* Goal: what comes with a page ends no element and begins none, whatever people called their things; as JSON it is the same. */
static void test_page_with_answers(void **state)
{
    (void)state;
    struct http_request request = { .method = BYTES("GET"), .path = BYTES("/p/shop/sql") };
    struct buf page;
    buf_init(&page, 1 << 20);
    assert_true(ui_page(&request, BYTES("{\"a\":\"</script><script>alert(1)</script><!--\"}"), &page));
    assert_true(has(buf_bytes(&page),
                    "<script type=\"application/json\" id=\"brought\">"
                    "{\"a\":\"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!--\"}</script>"));
    assert_false(has(buf_bytes(&page), "<script>alert"));
    buf_deinit(&page);
    buf_init(&page, 100);
    assert_false(ui_page(&request, BYTES("{}"), &page));
    buf_deinit(&page);
    assert_int_equal(ui_parameter(BYTES("a=1&viz=line&vizz=2"), BYTES("viz")).len, 4);
    assert_int_equal(ui_parameter(BYTES("vizz=2&viz"), BYTES("viz")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages_and_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms_and_tags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page_of_a_view, setup, teardown),
        cmocka_unit_test(test_page_with_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
