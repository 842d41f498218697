/* The store on S3 against a peer that answers what a test tells it to: addresses, lost answers, races, broken answers, and
 * the words of errors. Real servers are in object_test.c. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "timefusion/object/object_s3.h"

/* -- the peer --------------------------------------------------------------------------------------------------- */

enum { RULES_MAX = 16, HEAD_BYTES_MAX = 16 * 1024 };

/* What requests that begin so are answered with; the first rule that has times left is taken. */
struct rule {
    const char *begins; /* of "PUT /bucket/key" */
    uint32_t times;
    int status; /* 0: the connection is cut without an answer */
    const char *headers, *body;
};
struct peer {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    struct rule rules[RULES_MAX];
    struct buf seen; /* the heads of all requests */
};

static void peer_rules(struct peer *peer, const struct rule *rules, size_t count)
{
    assert_true(count <= RULES_MAX);
    pthread_mutex_lock(&peer->lock);
    memset(peer->rules, 0, sizeof peer->rules);
    memcpy(peer->rules, rules, count * sizeof *rules);
    peer->seen.len = 0;
    pthread_mutex_unlock(&peer->lock);
}
#define RULES(peer, ...) \
    peer_rules(peer, (const struct rule[]){ __VA_ARGS__ }, COUNT_OF(((const struct rule[]){ __VA_ARGS__ })))

/* How often a text stands in the heads of the requests. */
static uint32_t peer_saw(struct peer *peer, const char *text)
{
    uint32_t count = 0;
    pthread_mutex_lock(&peer->lock);
    const uint8_t *at = peer->seen.ptr, *end = at + peer->seen.len;
    while (at && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
        count++;
        at += strlen(text);
    }
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static struct rule rule_for(struct peer *peer, const char *head)
{
    struct rule found = { .status = 418, .body = "no rule" };
    pthread_mutex_lock(&peer->lock);
    if (!buf_add(&peer->seen, head, strlen(head))) abort();
    for (size_t i = 0; i < RULES_MAX; i++) {
        struct rule *rule = &peer->rules[i];
        if (!rule->begins || rule->times == 0 || strncmp(head, rule->begins, strlen(rule->begins)) != 0) continue;
        rule->times--;
        found = *rule;
        break;
    }
    pthread_mutex_unlock(&peer->lock);
    return found;
}

static bool body_skip(int fd, const char *head, size_t body_len)
{
    static char sink[64 * 1024];
    const char *length = strcasestr(head, "\r\ncontent-length:");
    size_t left = length ? strtoull(length + 17, NULL, 10) : 0;
    for (left -= body_len < left ? body_len : left; left > 0;) {
        ssize_t got = read(fd, sink, left < sizeof sink ? left : sizeof sink);
        if (got <= 0) return false;
        left -= (size_t)got;
    }
    return true;
}

static void serve(struct peer *peer, int fd)
{
    char head[HEAD_BYTES_MAX] = "", answer[HEAD_BYTES_MAX];
    size_t len = 0;
    char *end = NULL;
    while (!end && len < sizeof head - 1) {
        ssize_t got = read(fd, head + len, sizeof head - 1 - len);
        if (got <= 0) return;
        len += (size_t)got;
        head[len] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    if (!end) return;
    end[2] = 0;
    if (!body_skip(fd, head, len - (size_t)(end + 4 - head))) return;
    struct rule rule = rule_for(peer, head);
    if (rule.status == 0) return;
    const char *body = rule.body ? rule.body : "";
    bool is_head = strncmp(head, "HEAD", 4) == 0;
    int answer_len = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nconnection: close\r\n%s", rule.status,
                              rule.headers ? rule.headers : "");
    if (!rule.headers || !strstr(rule.headers, "content-length"))
        answer_len +=
            snprintf(answer + answer_len, sizeof answer - (size_t)answer_len, "content-length: %zu\r\n", strlen(body));
    answer_len += snprintf(answer + answer_len, sizeof answer - (size_t)answer_len, "\r\n%s", is_head ? "" : body);
    assert_int_equal(write(fd, answer, (size_t)answer_len), answer_len);
}

static void *peer_main(void *ctx)
{
    struct peer *peer = ctx;
    for (int fd; (fd = accept(peer->fd, NULL, NULL)) != -1; close(fd)) serve(peer, fd);
    return NULL;
}

static void peer_open(struct peer *peer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(peer->fd, 128), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    buf_init(&peer->seen, 16 << 20);
    pthread_mutex_init(&peer->lock, NULL);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_main, peer), 0);
}

static void peer_close(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->fd);
    buf_deinit(&peer->seen);
    pthread_mutex_destroy(&peer->lock);
}

/* -- the fixture ------------------------------------------------------------------------------------------------ */

struct fixture {
    struct peer peer;
    struct http_client *client;
    struct aws *aws;
    char endpoint[64];
    struct object_options options;
    struct object_store *store; /* s3://bucket/a=1 */
};

static const char *environment(void *ctx, const char *name)
{
    (void)ctx;
    static const char *const values[][2] = { { "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE" },
                                             { "AWS_SECRET_ACCESS_KEY", "secret" },
                                             { "AWS_REGION", "eu-west-1" },
                                             { "AWS_CONFIG_FILE", "/dev/null" },
                                             { "AWS_SHARED_CREDENTIALS_FILE", "/dev/null" } };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (strcmp(name, values[i][0]) == 0) return values[i][1];
    return NULL;
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    peer_open(&fixture->peer);
    fixture->client = http_client_create(NULL);
    struct aws_options options = { .client = fixture->client, .environment = environment };
    if (!aws_open(&fixture->aws, &options, &err)) fail_msg("%s", err.text);
    snprintf(fixture->endpoint, sizeof fixture->endpoint, "http://127.0.0.1:%u", fixture->peer.port);
    fixture->options =
        (struct object_options){ .disk = &disk_real, .aws = fixture->aws, .endpoint = fixture->endpoint };
    if (!object_store_open_url(&fixture->store, "s3://bucket/a=1", &fixture->options, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    object_store_close(fixture->store);
    aws_close(fixture->aws);
    http_client_destroy(fixture->client);
    peer_close(&fixture->peer);
    free(fixture);
    return 0;
}

/* -- addresses -------------------------------------------------------------------------------------------------- */

/* Goal: a request goes where its bucket is, in AWS's way or an endpoint's, and keys are encoded once.
 * Method: the addresses of several URLs; and what the peer saw of a key with "=", a space and other letters. */
static void test_addresses(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *url, *endpoint;
        bool is_virtual_host;
        const char *host_url, *path, *prefix;
    } rows[] = {
        { "s3://bucket", NULL, false, "https://bucket.s3.eu-west-1.amazonaws.com", "", "" },
        { "s3://my.bucket/a/b//", NULL, false, "https://s3.eu-west-1.amazonaws.com", "/my.bucket", "a/b/" },
        { "s3://bucket/a", "http://h:9000/", false, "http://h:9000", "/bucket", "a/" },
        { "s3://bucket/a", "https://h/storage/v1", false, "https://h", "/storage/v1/bucket", "a/" },
        { "s3://bucket/a", "http://h:9000", true, "http://bucket.h:9000", "", "a/" },
        { "s3://bucket/a", "http://h/base/", true, "http://bucket.h", "/base", "a/" },
    };
    struct object_store *store;
    struct err err = { 0 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct object_options options = { .aws = fixture->aws,
                                          .endpoint = rows[i].endpoint,
                                          .is_virtual_host = rows[i].is_virtual_host };
        if (!object_store_open_url(&store, rows[i].url, &options, &err)) fail_msg("%s", err.text);
        assert_string_equal(s3_of(store)->host_url, rows[i].host_url);
        assert_string_equal(s3_of(store)->path, rows[i].path);
        assert_string_equal(s3_of(store)->prefix, rows[i].prefix);
        object_store_close(store);
    }
    fixture->options.is_virtual_host = true;
    assert_false(object_store_open_url(&store, "s3://bucket", &fixture->options, &err));
    assert_int_equal(err.code, ERR_INPUT);
    fixture->options.is_virtual_host = false;
    fixture->options.endpoint = "127.0.0.1:9000";
    assert_false(object_store_open_url(&store, "s3://bucket", &fixture->options, &err));
    assert_int_equal(err.code, ERR_INPUT);

    RULES(&fixture->peer, { "PUT ", 1, 200, NULL, NULL });
    if (!object_put(fixture->store, "date=1/b c\xc3\xa9.json", BYTES("123456789"), &err)) fail_msg("%s", err.text);
    assert_int_equal(peer_saw(&fixture->peer, "PUT /bucket/a%3D1/date%3D1/b%20c%C3%A9.json HTTP/1.1\r\n"), 1);
    assert_int_equal(peer_saw(&fixture->peer, "x-amz-checksum-crc32c: 4waSgw==\r\n"), 1);
    assert_int_equal(peer_saw(&fixture->peer, "Credential=AKIDEXAMPLE/"), 1);
}

/* -- put if absent ---------------------------------------------------------------------------------------------- */

/* Goal: put_if_absent tells the truth also when an answer was lost or two writers met. Method: each course of answers. */
static void test_put_if_absent(void **state)
{
    struct fixture *fixture = *state;
    struct peer *peer = &fixture->peer;
    static const struct {
        struct rule rules[3];
        enum err_code code; /* ERR_OK: put */
        uint32_t gets;
    } rows[] = {
        { { { "PUT ", 1, 200, NULL, NULL } }, ERR_OK, 0 },
        { { { "PUT ", 1, 412, NULL, "" } }, ERR_EXISTS, 0 },
        /* our first try won, but its answer was lost */
        { { { "PUT ", 1, 0, NULL, NULL }, { "PUT ", 1, 412, NULL, "" }, { "GET ", 1, 200, NULL, "ours" } }, ERR_OK, 1 },
        { { { "PUT ", 1, 500, NULL, "" }, { "PUT ", 1, 412, NULL, "" }, { "GET ", 1, 200, NULL, "ours" } }, ERR_OK, 1 },
        /* another one's did */
        { { { "PUT ", 1, 0, NULL, NULL }, { "PUT ", 1, 412, NULL, "" }, { "GET ", 1, 200, NULL, "OURS" } },
          ERR_EXISTS,
          1 },
        { { { "PUT ", 1, 0, NULL, NULL }, { "PUT ", 1, 412, NULL, "" }, { "GET ", 1, 200, NULL, "longer than ours" } },
          ERR_EXISTS,
          1 },
        /* two at once: S3 refuses one, who tries again */
        { { { "PUT ", 2, 409, NULL, "<Error><Code>ConditionalRequestConflict</Code></Error>" },
            { "PUT ", 1, 200, NULL, NULL } },
          ERR_OK,
          0 },
        { { { "PUT ", 1, 409, NULL, "<Error><Code>ConditionalRequestConflict</Code></Error>" },
            { "PUT ", 1, 412, NULL, "" } },
          ERR_EXISTS,
          0 },
        { { { "PUT ", 2, 501, NULL, "<Error><Code>NotImplemented</Code><Message>no If-None-Match</Message></Error>" } },
          ERR_UNSUPPORTED,
          0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        peer_rules(peer, rows[i].rules, COUNT_OF(rows[i].rules));
        bool ok = object_put_if_absent(fixture->store, "log/0.json", BYTES("ours"), &err);
        if (ok != (rows[i].code == ERR_OK) || err.code != rows[i].code) fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(peer_saw(peer, "GET /"), rows[i].gets);
        assert_int_equal(peer_saw(peer, "if-none-match: *\r\n"), peer_saw(peer, "PUT /"));
    }
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

/* Goal: exactly the bytes that were asked for, or an error. Method: answers that are shorter, elsewhere, whole or none. */
static void test_ranges(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int status;
        const char *headers, *body;
        enum err_code code;
    } rows[] = {
        { 206, "content-range: bytes 10-14/100\r\n", "abcde", ERR_OK },
        { 206, "content-range: bytes 10-12/13\r\n", "abc", ERR_CORRUPT },
        { 206, "content-range: bytes 11-15/100\r\n", "abcde", ERR_PROTOCOL },
        { 206, "content-range: bytes 10-14/100\r\n", "abc", ERR_PROTOCOL },
        { 206, NULL, "abcde", ERR_PROTOCOL },
        { 206, "content-range: bytes x\r\n", "abcde", ERR_PROTOCOL },
        { 200, NULL, "abcde", ERR_UNSUPPORTED },
        { 200, NULL, "0123456789abcde and more", ERR_UNSUPPORTED },
        { 416, NULL, "<Error><Code>InvalidRange</Code></Error>", ERR_CORRUPT },
        { 404, NULL, "<Error><Code>NoSuchKey</Code></Error>", ERR_NOT_FOUND },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        char into[6] = "";
        RULES(&fixture->peer, { "GET ", 1, rows[i].status, rows[i].headers, rows[i].body });
        bool ok = object_get_range(fixture->store, "t/file", 10, into, 5, &err);
        if (ok != (rows[i].code == ERR_OK) || err.code != rows[i].code) fail_msg("row %zu: %s", i, err.text);
        if (ok) assert_string_equal(into, "abcde");
        assert_int_equal(peer_saw(&fixture->peer, "range: bytes=10-14\r\n"), 1);
    }
}

/* Goal: a reader that asks beyond the end hears how much there is; a short answer elsewhere stays an error. */
static void test_reader_meets_the_end(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int status;
        const char *headers, *body;
        bool ok;
        size_t len;
    } rows[] = {
        { 206, "content-range: bytes 10-14/15\r\n", "abcde", true, 5 },
        { 206, "content-range: bytes 10-12/13\r\n", "abc", true, 3 },
        { 206, "content-range: bytes 10-12/100\r\n", "abc", false, 0 },
        { 416, NULL, "<Error><Code>InvalidRange</Code></Error>", true, 0 },
        { 404, NULL, "<Error><Code>NoSuchKey</Code></Error>", false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        struct object_reader *reader;
        char into[6] = "";
        size_t len = 0;
        RULES(&fixture->peer, { "GET ", 1, rows[i].status, rows[i].headers, rows[i].body });
        assert_true(object_reader_open(fixture->store, "t/file", &reader, &err));
        bool ok = reader->ops->pread(reader, 10, into, 5, &len, &err);
        object_reader_close(reader);
        if (ok != rows[i].ok || (ok && len != rows[i].len)) fail_msg("row %zu: %zu, %s", i, len, err.text);
        if (ok) assert_memory_equal(into, "abcde", len);
    }
}

/* Goal: a whole object is checked by the sum that the server kept, if that is one of the whole. Method: right, wrong, of
 * parts, none; and one that is too long. */
static void test_get(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *headers, *body;
        enum err_code code;
    } rows[] = {
        { "x-amz-checksum-crc32c: 4waSgw==\r\n", "123456789", ERR_OK },
        { "x-amz-checksum-crc32c: 4waSgw==\r\n", "123456780", ERR_CORRUPT },
        { "x-amz-checksum-crc32c: 4waSgw==-3\r\n", "123456780", ERR_OK },
        { NULL, "123456780", ERR_OK },
        { NULL, "1234567890123", ERR_TOO_LARGE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        struct buf out;
        buf_init(&out, 100);
        RULES(&fixture->peer, { "GET ", 1, 200, rows[i].headers, rows[i].body });
        bool ok = object_get(fixture->store, "t/file", 12, &out, &err);
        if (ok != (rows[i].code == ERR_OK) || err.code != rows[i].code) fail_msg("row %zu: %s", i, err.text);
        if (ok) assert_true(bytes_equal(buf_bytes(&out), bytes_of_text(rows[i].body)));
        buf_deinit(&out);
    }
}

struct names {
    char text[512];
};

static bool names_add(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct names *names = ctx;
    char one[128];
    snprintf(one, sizeof one, "%s %llu %lld;", key, (unsigned long long)bytes, (long long)modified_unix_us);
    strcat(names->text, one);
    return true;
}

#define ENTRY(key) \
    "<Contents><Key>" key "</Key><LastModified>2026-11-26T21:00:00.250Z</LastModified><Size>7</Size></Contents>"
#define PAGE(more, entries) "<ListBucketResult><IsTruncated>" more "</IsTruncated>" entries "</ListBucketResult>"
#define LIST_LOG            "GET /bucket/?list-type=2&encoding-type=url&prefix=a%3D1%2Flog%2F"
#define URL_ENCODED         "<EncodingType>url</EncodingType>"

/* Goal: pages follow each other, keys are decoded if they were encoded, what is not ours is left out, and a server that
 * lists in another order is refused. Method: such pages. */
static void test_list(void **state)
{
    struct fixture *fixture = *state;
    struct names names = { "" };
    struct err err = { 0 };
    RULES(&fixture->peer,
          { LIST_LOG "&start-after=a%3D1%2Flog%2F0", 1, 200, NULL,
            PAGE("true", URL_ENCODED ENTRY("a%3D1/log/01/") ENTRY("a%3D1/log/1+2%2B")) },
          { LIST_LOG "&start-after=a%3D1%2Flog%2F1%202%2B", 1, 200, NULL,
            PAGE("true", URL_ENCODED ENTRY("a%3D1/log/10/.tmp/x")) },
          { LIST_LOG "&start-after=a%3D1%2Flog%2F10%2F.tmp%2Fx", 1, 200, NULL,
            PAGE("false", ENTRY("a=1/log/3%2B") ENTRY("b/log/4")) });
    if (!object_list_from(fixture->store, "log/", "log/0", names_add, &names, &err)) fail_msg("%s", err.text);
    assert_string_equal(names.text, "log/1 2+ 7 1795726800250000;log/3%2B 7 1795726800250000;");

    static const struct {
        const char *body;
        enum err_code code;
    } bad[] = {
        { PAGE("false", ENTRY("a=1/log/2") ENTRY("a=1/log/1")), ERR_UNSUPPORTED },
        { PAGE("true", ""), ERR_PROTOCOL }, /* more, but of what? */
        { PAGE("false", "<Contents><Key>a=1/log/1</Key></Contents>"), ERR_PROTOCOL },
        { PAGE("false", URL_ENCODED ENTRY("a=1/log/%zz")), ERR_PROTOCOL },
        { "<html>welcome</html>", ERR_PROTOCOL },
        { "", ERR_PROTOCOL },
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        err = (struct err){ 0 };
        RULES(&fixture->peer, { "GET ", 1, 200, NULL, bad[i].body });
        assert_false(object_list(fixture->store, "log/", names_add, &names, &err));
        if (err.code != bad[i].code) fail_msg("row %zu: %s", i, err.text);
    }
}

/* -- many, large ------------------------------------------------------------------------------------------------ */

/* Goal: a thousand go in one request; a server that does not know how is asked for each; a refusal is told.
 * Method: those answers. */
static void test_delete_many(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = { "t/1", "t/2", "t/3" };
    struct err err = { 0 };
    RULES(&fixture->peer, { "POST /bucket/?delete=", 1, 200, NULL,
                            "<DeleteResult><Error><Key>a=1/t/2</Key><Code>NoSuchKey</Code></Error></DeleteResult>" });
    if (!object_delete_many(fixture->store, keys, 3, &err)) fail_msg("%s", err.text);
    RULES(&fixture->peer, { "POST /bucket/?delete=", 2, 501, NULL, "" }, { "DELETE ", 2, 204, NULL, NULL },
          { "DELETE ", 1, 404, NULL, "<Error><Code>NoSuchKey</Code></Error>" });
    if (!object_delete_many(fixture->store, keys, 3, &err)) fail_msg("%s", err.text);
    assert_int_equal(peer_saw(&fixture->peer, "DELETE /bucket/a%3D1/t/"), 3);
    RULES(&fixture->peer,
          { "POST /bucket/?delete=", 1, 200, NULL,
            "<DeleteResult><Error><Key>a=1/t/2</Key><Code>AccessDenied</Code></Error></DeleteResult>" });
    assert_false(object_delete_many(fixture->store, keys, 3, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_non_null(strstr(err.text, "s3:DeleteObject"));
}

#define BEGUN "<InitiateMultipartUploadResult><UploadId>id/1</UploadId></InitiateMultipartUploadResult>"
#define ENDED "<CompleteMultipartUploadResult><ETag>&quot;x&quot;</ETag></CompleteMultipartUploadResult>"
enum { FILE_BYTES = (16 << 20) + 5 };

/* Goal: a file in parts is there whole or nothing of it stays: errors that come late, answers that get lost.
 * Method: such courses; each that fails must give the upload up. */
static void test_multipart(void **state)
{
    struct fixture *fixture = *state;
    struct peer *peer = &fixture->peer;
    static const struct {
        struct rule rules[8];
        enum err_code code;
    } rows[] = {
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT /bucket/a%3D1/t/f?partNumber=", 2, 200, "etag: \"e\"\r\n", NULL },
            { "POST /bucket/a%3D1/t/f?uploadId=id%2F1", 1, 200, NULL, ENDED } },
          ERR_OK },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 2, 200, "etag: \"e\"\r\n", NULL },
            { "POST ", 1, 200, NULL, "<Error><Code>InternalError</Code></Error>" },
            { "POST ", 1, 200, NULL, ENDED } },
          ERR_OK },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 2, 200, "etag: \"e\"\r\n", NULL },
            { "POST ", 1, 0, NULL, NULL },
            { "POST ", 1, 404, NULL, "<Error><Code>NoSuchUpload</Code></Error>" },
            { "HEAD ", 1, 200, "content-length: 16777221\r\n", NULL } },
          ERR_OK },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 2, 200, "etag: \"e\"\r\n", NULL },
            { "POST ", 1, 0, NULL, NULL },
            { "POST ", 1, 404, NULL, "<Error><Code>NoSuchUpload</Code></Error>" },
            { "HEAD ", 1, 200, "content-length: 5\r\n", NULL },
            { "DELETE ", 1, 404, NULL, "<Error><Code>NoSuchUpload</Code></Error>" } },
          ERR_IO },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 1, 200, "etag: \"e\"\r\n", NULL },
            { "PUT ", 1, 403, NULL, "<Error><Code>AccessDenied</Code></Error>" },
            { "DELETE ", 1, 204, NULL, NULL } },
          ERR_FORBIDDEN },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 2, 200, "etag: \"e\"\r\n", NULL },
            { "POST ", 1, 400, NULL, "<Error><Code>InvalidPart</Code><Message>no such part</Message></Error>" },
            { "DELETE ", 1, 204, NULL, NULL } },
          ERR_IO },
        { { { "POST /bucket/a%3D1/t/f?uploads=", 1, 200, NULL, BEGUN },
            { "PUT ", 2, 200, NULL, NULL }, /* without an ETag */
            { "DELETE ", 1, 204, NULL, NULL } },
          ERR_PROTOCOL },
        { { { "POST ", 1, 200, NULL, "<InitiateMultipartUploadResult/>" } }, ERR_PROTOCOL },
    };
    char path[64] = "/tmp/mono_object_s3_XXXXXX";
    int fd = mkstemp(path);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        bool is_begun = strstr(rows[i].rules[0].body, "UploadId") != NULL;
        assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
        peer_rules(peer, rows[i].rules, COUNT_OF(rows[i].rules));
        bool ok = object_put_file(fixture->store, "t/f", path, &err);
        if (ok != (rows[i].code == ERR_OK) || err.code != rows[i].code) fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(access(path, F_OK), ok ? -1 : 0); /* kept when it did not work */
        assert_int_equal(peer_saw(peer, "DELETE /bucket/a%3D1/t/f?uploadId=id%2F1"), !ok && is_begun);
        if (ok) {
            close(fd);
            strcpy(path, "/tmp/mono_object_s3_XXXXXX");
            fd = mkstemp(path);
        }
    }
    close(fd);
    unlink(path);
}

/* Goal: a server that refuses the checksum's header is spoken to without it from then on. Method: one 501, then puts. */
static void test_no_checksums(void **state)
{
    struct fixture *fixture = *state;
    struct peer *peer = &fixture->peer;
    struct err err = { 0 };
    RULES(peer, { "PUT ", 1, 501, NULL, "<Error><Code>NotImplemented</Code></Error>" }, { "PUT ", 2, 200, NULL, NULL });
    if (!object_put_if_absent(fixture->store, "t/1", BYTES("1"), &err)) fail_msg("%s", err.text);
    if (!object_put(fixture->store, "t/2", BYTES("2"), &err)) fail_msg("%s", err.text);
    assert_int_equal(peer_saw(peer, "PUT /"), 3);
    assert_int_equal(peer_saw(peer, "x-amz-checksum-crc32c: "), 1);
    assert_int_equal(peer_saw(peer, "if-none-match: *\r\n"), 2);
}

/* -- words ------------------------------------------------------------------------------------------------------ */

#define ERROR(code, more) "<Error><Code>" code "</Code><Message>as it is</Message>" more "</Error>"

/* Goal: each trouble that a setting can end says which one. Method: the answers of S3 to them. */
static void test_words(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int status;
        const char *headers, *body;
        enum err_code code;
        const char *words;
    } rows[] = {
        { 404, NULL, ERROR("NoSuchBucket", ""), ERR_INPUT, "--storage" },
        { 404, NULL, ERROR("NoSuchKey", ""), ERR_NOT_FOUND, "no object \"t/x\"" },
        { 403, NULL, ERROR("AccessDenied", ""), ERR_FORBIDDEN, "s3:GetObject on arn:aws:s3:::bucket/*" },
        { 403, NULL, ERROR("InvalidAccessKeyId", ""), ERR_UNAUTHENTICATED, "AWS_ACCESS_KEY_ID" },
        { 403, NULL, ERROR("SignatureDoesNotMatch", ""), ERR_UNAUTHENTICATED, "AWS_SECRET_ACCESS_KEY" },
        { 400, NULL, ERROR("InvalidToken", ""), ERR_UNAUTHENTICATED, "AWS_SESSION_TOKEN" },
        { 400, NULL, ERROR("AuthorizationHeaderMalformed", "<Region>us-west-2</Region>"), ERR_INPUT,
          "AWS_REGION=us-west-2" },
        { 301, "x-amz-bucket-region: ap-south-1\r\n", ERROR("PermanentRedirect", ""), ERR_INPUT,
          "AWS_REGION=ap-south-1" },
        { 301, NULL, ERROR("PermanentRedirect", "<Endpoint>b.s3-eu.amazonaws.com</Endpoint>"), ERR_INPUT,
          "b.s3-eu.amazonaws.com" },
        { 400, NULL, ERROR("InvalidBucketName", ""), ERR_INPUT, "--storage" },
        { 405, NULL, "<html>nginx</html>", ERR_IO, "is that an S3 server?" },
        { 400, NULL, ERROR("InvalidDigest", ""), ERR_IO, "damaged" },
        { 400, NULL, ERROR("SomethingNew", ""), ERR_IO, "SomethingNew, as it is" },
    };
    struct object_counts before, after;
    object_counts(fixture->store, &before);
    uint32_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = { 0 };
        struct buf out;
        buf_init(&out, 100);
        RULES(&fixture->peer, { "GET ", 4, rows[i].status, rows[i].headers, rows[i].body });
        assert_false(object_get(fixture->store, "t/x", 100, &out, &err));
        if (err.code != rows[i].code || !strstr(err.text, rows[i].words)) fail_msg("row %zu: %s", i, err.text);
        failed += rows[i].code != ERR_NOT_FOUND;
        buf_deinit(&out);
    }
    object_counts(fixture->store, &after);
    assert_int_equal(after.of[OBJECT_COUNT_FAILED] - before.of[OBJECT_COUNT_FAILED], failed);
}

/* Goal: a store that answers 200 and overwrites is found out. Method: the probe against such answers. */
static void test_probe_of_a_liar(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    RULES(&fixture->peer, { "PUT ", 2, 200, NULL, NULL }, { "GET ", 1, 200, NULL, "second" },
          { "DELETE ", 1, 204, NULL, NULL });
    assert_false(object_store_probe(fixture->store, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "If-None-Match"));
    assert_int_equal(peer_saw(&fixture->peer, "DELETE /"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_if_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_meets_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multipart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_checksums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_probe_of_a_liar, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
