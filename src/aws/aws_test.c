/* Calls against a server that throttles, forgets, refuses old keys and has another clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "aws/aws_test_server.h"
#include "base/clock.h"

#define KEY_ID "AKIDTEST"
#define SECRET "a-secret-that-is-told-to-nobody"

struct step {
    int status;
    const char *body, *retry_after;
};
struct script {
    struct step steps[16];
    atomic_int calls, grants;
    char authorization[512], token[128], target[128];
};

/* "20261126T210000Z" is within five minutes of this machine's clock? */
static bool date_is_near(struct bytes date)
{
    char text[32];
    struct tm parts = { 0 };
    snprintf(text, sizeof text, "%.*s", (int)date.len, (const char *)date.ptr);
    if (!strptime(text, "%Y%m%dT%H%M%SZ", &parts)) return false;
    int64_t off_s = (int64_t)timegm(&parts) - (int64_t)time(NULL);
    return off_s > -300 && off_s < 300;
}

static void header_copy(char *out, size_t bytes, const struct http_request *request, const char *name)
{
    struct bytes value = http_request_header(request, name);
    snprintf(out, bytes, "%.*s", (int)value.len, (const char *)value.ptr);
}

/* /grant hands out keys 1, 2 ...; any other path goes through the steps, the last one for ever. */
static void on_request(void *ctx, struct http_request *request)
{
    struct aws_server *server = ctx;
    struct script *script = server->ctx;
    if (aws_server_path_is(request, "GET", "/grant")) {
        char json[256];
        snprintf(json, sizeof json, "{\"AccessKeyId\":\"K%d\",\"SecretAccessKey\":\"s\",\"Token\":\"T\"}",
                 atomic_fetch_add(&script->grants, 1) + 1);
        aws_server_answer(request, 200, json, NULL, 0);
        return;
    }
    header_copy(script->authorization, sizeof script->authorization, request, "authorization");
    header_copy(script->token, sizeof script->token, request, "x-amz-security-token");
    header_copy(script->target, sizeof script->target, request, "x-amz-target");
    int call = atomic_fetch_add(&script->calls, 1);
    if (aws_server_path_is(request, "GET", "/old-keys") && strstr(script->authorization, "K1/")) {
        aws_server_answer(request, 400, "<Error><Code>ExpiredToken</Code><Message>x</Message></Error>", NULL, 0);
        return;
    }
    if (!date_is_near(http_request_header(request, "x-amz-date"))) {
        aws_server_answer(request, 403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", NULL, 0);
        return;
    }
    uint32_t step = 0;
    while ((int)step < call && script->steps[step + 1].status) step++;
    const struct step *now = &script->steps[step];
    const struct http_header retry = { BYTES("retry-after"), bytes_of_text(now->retry_after ? now->retry_after : "") };
    aws_server_answer(request, now->status, now->body ? now->body : "", &retry, now->retry_after != NULL);
}

struct fixture {
    struct aws_server server;
    struct script script;
    struct aws *aws;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    aws_server_open(&fixture->server, on_request);
    fixture->server.ctx = &fixture->script;
    aws_server_set(&fixture->server, "AWS_ACCESS_KEY_ID", KEY_ID);
    aws_server_set(&fixture->server, "AWS_SECRET_ACCESS_KEY", SECRET);
    aws_server_set(&fixture->server, "AWS_REGION", "eu-test-1");
    struct aws_options options = { .client = fixture->server.client,
                                   .log = &aws_quiet,
                                   .environment = aws_server_environment,
                                   .environment_ctx = &fixture->server };
    if (!aws_open(&fixture->aws, &options, &err)) return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    aws_close(fixture->aws);
    aws_server_close(&fixture->server);
    free(fixture);
    return 0;
}

static struct aws_call call_of(const struct fixture *fixture, const char *path)
{
    return (struct aws_call){
        .service = "s3", .method = "GET", .host_url = fixture->server.url, .path = path, .answer_bytes_max = 100
    };
}

/* Goal: what may pass is tried again until it does; what will not is answered at once. Method: answers in turn. */
static void test_tries_again(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        struct step steps[6];
        int status;
        uint32_t attempts;
        const char *code;
    } rows[] = {
        { { { 200, "fine", NULL } }, 200, 1, "" },
        { { { 503, NULL, NULL }, { 500, NULL, NULL }, { 429, NULL, NULL }, { 206, "fine", NULL } }, 206, 4, "" },
        { { { 400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\"}", NULL },
            { 400, "<Error><Code>RequestTimeout</Code></Error>", NULL },
            { 200, "fine", NULL } },
          200,
          3,
          "" },
        { { { 404, "<Error><Code>NoSuchKey</Code></Error>", NULL } }, 404, 1, "NoSuchKey" },
        { { { 412, NULL, NULL } }, 412, 1, "" },
        { { { 403, "<Error><Code>AccessDenied</Code></Error>", NULL } }, 403, 1, "AccessDenied" },
        { { { 400, "{\"__type\":\"x#ConditionalCheckFailedException\",\"message\":\"m\"}", NULL } },
          400,
          1,
          "ConditionalCheckFailedException" },
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        memcpy(fixture->script.steps, rows[r].steps, sizeof rows[r].steps);
        atomic_store(&fixture->script.calls, 0);
        struct aws_call call = call_of(fixture, "/bucket/a%20b");
        char into[100];
        call.into = into;
        aws_run(fixture->aws, &call, 1);
        if (call.err.code != ERR_OK) fail_msg("row %zu: %s", r, call.err.text);
        assert_int_equal(call.answer.status, rows[r].status);
        assert_int_equal(call.attempts, rows[r].attempts);
        assert_int_equal(atomic_load(&fixture->script.calls), rows[r].attempts);
        assert_string_equal(call.code, rows[r].code);
        if (rows[r].status < 300) {
            assert_int_equal(call.answer.answer_len, 4);
            assert_memory_equal(into, "fine", 4);
        }
        assert_non_null(strstr(fixture->script.authorization, KEY_ID "/"));
        assert_non_null(strstr(fixture->script.authorization, "/eu-test-1/s3/aws4_request, SignedHeaders="));
        aws_call_deinit(&call);
    }
}

/* Goal: tries are bounded, the last reason is told; Retry-After is waited for; a caller that gives up in a pause is let
 * go. No error has a secret in it. Method: a server that never recovers. */
static void test_gives_up(void **state)
{
    struct fixture *fixture = *state;
    atomic_bool cancel = true;
    fixture->script.steps[0] = (struct step){ 503, "<Error><Code>SlowDown</Code></Error>", "1" };
    struct aws_call call = call_of(fixture, "/");
    call.attempts_max = 2;
    uint64_t start_ns = clock_mono_ns();
    aws_run(fixture->aws, &call, 1);
    assert_true(clock_mono_ns() - start_ns >= 1000000000);
    assert_int_equal(call.err.code, ERR_IO);
    assert_int_equal(call.attempts, 2);
    assert_non_null(strstr(call.err.text, "after 2 tries"));
    assert_non_null(strstr(call.err.text, "SlowDown"));
    aws_call_deinit(&call);

    call = call_of(fixture, "/");
    call.cancel = &cancel;
    aws_run(fixture->aws, &call, 1);
    assert_int_equal(call.err.code, ERR_CANCELLED);
    aws_call_deinit(&call);

    call = call_of(fixture, "/");
    call.host_url = "http://127.0.0.1:1";
    call.attempts_max = 3;
    aws_run(fixture->aws, &call, 1);
    assert_int_equal(call.err.code, ERR_IO);
    assert_int_equal(call.attempts, 3);
    assert_null(strstr(call.err.text, SECRET));
    aws_call_deinit(&call);
}

/* Goal: calls of one run do not wait for each other's failures to be told, and each has its own answer. */
static void test_side_by_side(void **state)
{
    struct fixture *fixture = *state;
    struct aws_call calls[16];
    fixture->script.steps[0] = (struct step){ 503, NULL, NULL };
    fixture->script.steps[1] = (struct step){ 200, "fine", NULL };
    for (size_t i = 0; i < COUNT_OF(calls); i++) calls[i] = call_of(fixture, "/x");
    calls[7].host_url = "ftp://nowhere";
    aws_run(fixture->aws, calls, COUNT_OF(calls));
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        assert_int_equal(calls[i].err.code, i == 7 ? ERR_INPUT : ERR_OK);
        if (i != 7) assert_true(bytes_equal(buf_bytes(&calls[i].answer.body_answer), BYTES("fine")));
        aws_call_deinit(&calls[i]);
    }
}

static void reopen(struct fixture *fixture, int64_t clock_off_s)
{
    struct err err = { 0 };
    struct aws_options options = { .client = fixture->server.client,
                                   .log = &aws_quiet,
                                   .environment = aws_server_environment,
                                   .environment_ctx = &fixture->server,
                                   .clock_off_s = clock_off_s };
    aws_close(fixture->aws);
    if (!aws_open(&fixture->aws, &options, &err)) fail_msg("%s", err.text);
}

/* Goal: keys that a server calls expired are fetched anew, once, for all calls of the run. Method: a container endpoint
 * whose first keys are refused. */
static void test_expired_keys(void **state)
{
    struct fixture *fixture = *state;
    struct aws_call calls[4];
    aws_server_set(&fixture->server, "AWS_ACCESS_KEY_ID", NULL);
    aws_server_set(&fixture->server, "AWS_SECRET_ACCESS_KEY", NULL);
    snprintf(fixture->server.texts[0], sizeof fixture->server.texts[0], "%s/grant", fixture->server.url);
    aws_server_set(&fixture->server, "AWS_CONTAINER_CREDENTIALS_FULL_URI", fixture->server.texts[0]);
    reopen(fixture, 0);
    fixture->script.steps[0] = (struct step){ 200, "fine", NULL };
    for (size_t i = 0; i < COUNT_OF(calls); i++) calls[i] = call_of(fixture, "/old-keys");
    aws_run(fixture->aws, calls, COUNT_OF(calls));
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        assert_int_equal(calls[i].answer.status, 200);
        assert_int_equal(calls[i].attempts, 2);
        aws_call_deinit(&calls[i]);
    }
    assert_int_equal(atomic_load(&fixture->script.grants), 2);
    assert_string_equal(fixture->script.token, "T");
}

/* Goal: a clock that is an hour off is corrected by the server's, once for all later calls. */
static void test_clock_off(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t offs_s[] = { 3600, -86400 };
    fixture->script.steps[0] = (struct step){ 200, "fine", NULL };
    for (size_t o = 0; o < COUNT_OF(offs_s); o++) {
        reopen(fixture, offs_s[o]);
        for (uint32_t tries = 2; tries >= 1; tries--) {
            struct aws_call call = call_of(fixture, "/");
            aws_run(fixture->aws, &call, 1);
            assert_int_equal(call.answer.status, 200);
            assert_int_equal(call.attempts, tries);
            aws_call_deinit(&call);
        }
    }
}

/* Goal: region and endpoints come from where AWS's own tools have them. */
static void test_settings(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char path[256];
    struct aws_options options = { .client = fixture->server.client,
                                   .log = &aws_quiet,
                                   .environment = aws_server_environment,
                                   .environment_ctx = &fixture->server };
    assert_string_equal(aws_region(fixture->aws), "eu-test-1");
    assert_null(aws_endpoint(fixture->aws, "S3"));
    aws_server_set(&fixture->server, "AWS_ENDPOINT_URL", "http://all");
    aws_server_set(&fixture->server, "AWS_ENDPOINT_URL_DYNAMODB", "http://dynamo");
    assert_string_equal(aws_endpoint(fixture->aws, "S3"), "http://all");
    assert_string_equal(aws_endpoint(fixture->aws, "DYNAMODB"), "http://dynamo");

    aws_server_file(
        &fixture->server, "config",
        "[default]\nregion = wrong-1\n[profile team]\n# no\nRegion= eu-file-1 \ns3 =\n  region = nested-1\n", path);
    aws_server_set(&fixture->server, "AWS_REGION", NULL);
    aws_server_set(&fixture->server, "AWS_CONFIG_FILE", path);
    aws_server_set(&fixture->server, "AWS_PROFILE", "team");
    reopen(fixture, 0);
    assert_string_equal(aws_region(fixture->aws), "eu-file-1");

    aws_server_set(&fixture->server, "AWS_PROFILE", "nobody");
    struct aws *none = NULL;
    assert_false(aws_open(&none, &options, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, "AWS_REGION"));
    options.region_default = "us-east-1";
    assert_true(aws_open(&none, &options, &err));
    assert_string_equal(aws_region(none), "us-east-1");
    aws_close(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tries_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gives_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
