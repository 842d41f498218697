/* Credentials from each place they come from, against servers on loopback that speak STS, the container agent's protocol
 * and the instance metadata service's second version. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/aws_credentials.h"
#include "aws/aws_test_server.h"
#include "base/clock.h"

#define SECRET "do-not-tell-anybody"

struct service {
    atomic_int grants, tokens;
    int64_t lasts_s;     /* of a grant */
    atomic_bool is_down; /* answers 500 */
    uint32_t delay_ms;
    char form[1024];
};

static bool header_is(const struct http_request *request, const char *name, const char *value)
{
    return bytes_equal(http_request_header(request, name), bytes_of_text(value));
}

static void expiry_text(char text[32], int64_t lasts_s)
{
    time_t at = (time_t)(clock_unix_us() / 1000000 + lasts_s);
    struct tm parts;
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &parts));
}

static void json_grant(struct service *service, struct http_request *request)
{
    char json[512], expires[32];
    expiry_text(expires, service->lasts_s);
    snprintf(json, sizeof json,
             "{\"Code\":\"Success\",\"AccessKeyId\":\"K%d\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"T\","
             "\"Expiration\":\"%s\"}",
             atomic_fetch_add(&service->grants, 1) + 1, expires);
    aws_server_answer(request, 200, json, NULL, 0);
}

static void sts_grant(struct service *service, struct http_request *request)
{
    char xml[1024], expires[32];
    snprintf(service->form, sizeof service->form, "%.*s", (int)request->body.len, (const char *)request->body.ptr);
    if (!strstr(service->form, "&WebIdentityToken=a%2Bgood%2Ftoken%3D") ||
        !strstr(service->form, "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&")) {
        aws_server_answer(request, 400,
                          "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error>"
                          "</ErrorResponse>",
                          NULL, 0);
        return;
    }
    expiry_text(expires, service->lasts_s);
    snprintf(xml, sizeof xml,
             "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
             "<AssumeRoleWithWebIdentityResult><Credentials><SessionToken>A&amp;B==</SessionToken>"
             "<SecretAccessKey>" SECRET "</SecretAccessKey><Expiration>%s</Expiration><AccessKeyId>K%d</AccessKeyId>"
             "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
             expires, atomic_fetch_add(&service->grants, 1) + 1);
    aws_server_answer(request, 200, xml, NULL, 0);
}

#define ROLES "/latest/meta-data/iam/security-credentials/"
static void on_request(void *ctx, struct http_request *request)
{
    struct service *service = ((struct aws_server *)ctx)->ctx;
    bool has_token = header_is(request, "x-aws-ec2-metadata-token", "imds-token");
    clock_sleep_ms(service->delay_ms);
    if (atomic_load(&service->is_down)) {
        aws_server_answer(request, 500, "", NULL, 0);
    } else if (aws_server_path_is(request, "POST", "/")) {
        sts_grant(service, request);
    } else if (aws_server_path_is(request, "GET", "/container") && header_is(request, "authorization", "let me in")) {
        json_grant(service, request);
    } else if (aws_server_path_is(request, "PUT", "/latest/api/token") &&
               http_request_header(request, "x-aws-ec2-metadata-token-ttl-seconds").len > 0) {
        atomic_fetch_add(&service->tokens, 1);
        aws_server_answer(request, 200, "imds-token", NULL, 0);
    } else if (has_token && aws_server_path_is(request, "GET", ROLES)) {
        aws_server_answer(request, 200, "the-role", NULL, 0);
    } else if (has_token && aws_server_path_is(request, "GET", ROLES "the-role")) {
        json_grant(service, request);
    } else if (has_token && aws_server_path_is(request, "GET", "/latest/meta-data/placement/region")) {
        aws_server_answer(request, 200, "mars-north-1", NULL, 0);
    } else {
        aws_server_answer(request, 401, "", NULL, 0);
    }
}

struct fixture {
    struct aws_server server;
    struct service service;
    struct aws_credentials *credentials;
};

static struct aws_surroundings around(struct fixture *fixture)
{
    return (struct aws_surroundings){ .client = fixture->server.client,
                                      .log = &aws_quiet,
                                      .environment = aws_server_environment,
                                      .environment_ctx = &fixture->server };
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    aws_server_open(&fixture->server, on_request);
    fixture->server.ctx = &fixture->service;
    fixture->service.lasts_s = 3600;
    struct aws_surroundings surroundings = around(fixture);
    fixture->credentials = aws_credentials_create(&surroundings);
    aws_credentials_set_region(fixture->credentials, "r-1");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    aws_credentials_destroy(fixture->credentials);
    aws_server_close(&fixture->server);
    free(fixture);
    return 0;
}

static void assert_keys(struct fixture *fixture, const char *id, const char *secret, const char *token)
{
    struct aws_identity *identity;
    struct err err = { 0 };
    if (!aws_identity_acquire(fixture->credentials, &identity, &err)) fail_msg("%s", err.text);
    assert_string_equal(identity->keys.id, id);
    assert_string_equal(identity->keys.secret, secret);
    if (token) {
        assert_string_equal(identity->keys.token, token);
    } else {
        assert_null(identity->keys.token);
    }
    aws_identity_release(identity);
}

static void assert_refused(struct fixture *fixture, const char *words)
{
    struct aws_identity *identity;
    struct err err = { 0 };
    assert_false(aws_identity_acquire(fixture->credentials, &identity, &err));
    assert_null(identity);
    if (!strstr(err.text, words)) fail_msg("\"%s\" is not in \"%s\"", words, err.text);
    assert_null(strstr(err.text, SECRET));
}

/* Goal: without any, the error lists where was looked; half of a pair is told. */
static void test_none(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, "AWS_ACCESS_KEY_ID");
    assert_refused(fixture, "AWS_EC2_METADATA_DISABLED");
    aws_server_set(&fixture->server, "AWS_SECRET_ACCESS_KEY", SECRET);
    assert_refused(fixture, "must both be set");
    aws_server_set(&fixture->server, "AWS_ACCESS_KEY_ID", "K\r\nx-evil: 1");
    assert_refused(fixture, "without blanks");
    aws_server_set(&fixture->server, "AWS_ACCESS_KEY_ID", "KENV");
    assert_keys(fixture, "KENV", SECRET, NULL);
}

/* Goal: profiles are read from both files, in AWS's forms; a profile that is named and not there is told. */
static void test_files(void **state)
{
    struct fixture *fixture = *state;
    struct aws_server *server = &fixture->server;
    aws_server_file(server, "credentials",
                    "# team keys\n[default]\naws_access_key_id = KDEF\naws_secret_access_key=" SECRET "\n"
                    "[ team ]\r\nAWS_ACCESS_KEY_ID=KTEAM\r\naws_secret_access_key = s = 2\r\n[half]\n"
                    "aws_access_key_id=K\n",
                    server->texts[0]);
    aws_server_file(server, "config",
                    "[profile  other]\naws_access_key_id=KCONF\naws_secret_access_key=c\n"
                    "aws_session_token = tok\n[profile role]\nrole_arn = x\n",
                    server->texts[1]);
    aws_server_set(server, "AWS_SHARED_CREDENTIALS_FILE", server->texts[0]);
    aws_server_set(server, "AWS_CONFIG_FILE", server->texts[1]);
    assert_keys(fixture, "KDEF", SECRET, NULL);

    static const struct {
        const char *profile, *id, *secret, *token, *words;
    } rows[] = { { "other", "KCONF", "c", "tok", NULL },
                 { "role", NULL, NULL, NULL, "other kinds of profiles are not read" },
                 { "half", NULL, NULL, NULL, "has no aws_access_key_id and" },
                 { "nobody", NULL, NULL, NULL, "there is no profile \"nobody\"" } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct aws_surroundings surroundings = around(fixture);
        aws_credentials_destroy(fixture->credentials);
        fixture->credentials = aws_credentials_create(&surroundings);
        aws_server_set(server, "AWS_PROFILE", rows[r].profile);
        if (rows[r].words) {
            assert_refused(fixture, rows[r].words);
        } else {
            assert_keys(fixture, rows[r].id, rows[r].secret, rows[r].token);
        }
    }
}

/* Goal: the token file's content goes to STS as it should; its keys are used; a refusal is told and ends the search. */
static void test_web_identity(void **state)
{
    struct fixture *fixture = *state;
    struct aws_server *server = &fixture->server;
    aws_server_file(server, "token", "a+good/token=\n", server->texts[0]);
    aws_server_set(server, "AWS_WEB_IDENTITY_TOKEN_FILE", server->texts[0]);
    assert_refused(fixture, "AWS_ROLE_ARN is not");
    aws_server_set(server, "AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    aws_server_set(server, "AWS_ROLE_SESSION_NAME", "night&day");
    aws_server_set(server, "AWS_ENDPOINT_URL_STS", server->url);
    assert_keys(fixture, "K1", SECRET, "A&B==");
    assert_non_null(strstr(fixture->service.form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"));
    assert_non_null(strstr(fixture->service.form, "&RoleSessionName=night%26day&"));

    struct aws_surroundings surroundings = around(fixture);
    aws_credentials_destroy(fixture->credentials);
    fixture->credentials = aws_credentials_create(&surroundings);
    aws_server_file(server, "token", "a bad one", server->texts[0]);
    assert_refused(fixture, "answers 400 InvalidIdentityToken");
    assert_int_equal(unlink(server->texts[0]), 0);
    assert_refused(fixture, "AWS_WEB_IDENTITY_TOKEN_FILE");
}

/* Goal: the container's endpoint is asked with its token, read anew from its file; keys never go over http elsewhere. */
static void test_container(void **state)
{
    struct fixture *fixture = *state;
    struct aws_server *server = &fixture->server;
    static const char *const far[] = {
        "http://example.com/container",           "http://127.0.0.1.example.com/container",
        "http://127.0.0.1@example.com/container", "ftp://localhost/container",
        "http://[::1].example.com/container",     "http://[::1"
    };
    for (size_t f = 0; f < COUNT_OF(far); f++) {
        aws_server_set(server, "AWS_CONTAINER_CREDENTIALS_FULL_URI", far[f]);
        assert_refused(fixture, "must be https, or http to this machine");
    }
    snprintf(server->texts[0], sizeof server->texts[0], "%s/container", server->url);
    aws_server_set(server, "AWS_CONTAINER_CREDENTIALS_FULL_URI", server->texts[0]);
    aws_server_set(server, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong");
    assert_refused(fixture, "answers 401");
    aws_server_file(server, "token", "let me in\n", server->texts[1]);
    aws_server_set(server, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", server->texts[1]);
    assert_keys(fixture, "K1", SECRET, "T");
}

/* Goal: the metadata service is asked with a token, for the role's keys and the region. */
static void test_instance(void **state)
{
    struct fixture *fixture = *state;
    struct aws_surroundings surroundings = around(fixture);
    assert_null(aws_instance_region(&surroundings));
    aws_server_set(&fixture->server, "AWS_EC2_METADATA_DISABLED", "false");
    aws_server_set(&fixture->server, "AWS_EC2_METADATA_SERVICE_ENDPOINT", fixture->server.url);
    assert_keys(fixture, "K1", SECRET, "T");
    char *region = aws_instance_region(&surroundings);
    assert_string_equal(region, "mars-north-1");
    free(region);
    assert_int_equal(atomic_load(&fixture->service.tokens), 3);
}

static void container_set(struct fixture *fixture)
{
    snprintf(fixture->server.texts[0], sizeof fixture->server.texts[0], "%s/container", fixture->server.url);
    aws_server_set(&fixture->server, "AWS_CONTAINER_CREDENTIALS_FULL_URI", fixture->server.texts[0]);
    aws_server_set(&fixture->server, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in");
}

static void *acquire_once(void *arg)
{
    struct aws_identity *identity;
    struct err err = { 0 };
    bool ok = aws_identity_acquire(arg, &identity, &err);
    aws_identity_release(identity);
    return ok ? arg : NULL;
}

/* Goal: many that need keys at once make one request. */
static void test_single_flight(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[8];
    container_set(fixture);
    fixture->service.delay_ms = 50;
    for (size_t t = 0; t < COUNT_OF(threads); t++)
        assert_int_equal(pthread_create(&threads[t], NULL, acquire_once, fixture->credentials), 0);
    for (size_t t = 0; t < COUNT_OF(threads); t++) {
        void *result;
        pthread_join(threads[t], &result);
        assert_non_null(result);
    }
    assert_int_equal(atomic_load(&fixture->service.grants), 1);
}

/* Goal: keys that end within five minutes are fetched anew; while that fails the old ones serve; ended ones do not. */
static void test_renewal(void **state)
{
    struct fixture *fixture = *state;
    container_set(fixture);
    fixture->service.lasts_s = 3600;
    assert_keys(fixture, "K1", SECRET, "T");
    assert_keys(fixture, "K1", SECRET, "T");

    struct aws_surroundings surroundings = around(fixture);
    aws_credentials_destroy(fixture->credentials);
    fixture->credentials = aws_credentials_create(&surroundings);
    fixture->service.lasts_s = 200;
    assert_keys(fixture, "K2", SECRET, "T");
    assert_keys(fixture, "K2", SECRET, "T"); /* not again at once */

    aws_credentials_destroy(fixture->credentials);
    fixture->credentials = aws_credentials_create(&surroundings);
    fixture->service.lasts_s = 3;
    assert_refused(fixture, "have ended already");
    fixture->service.lasts_s = 3600;
    assert_keys(fixture, "K4", SECRET, "T");

    struct aws_identity *identity;
    struct err err = { 0 };
    assert_true(aws_identity_acquire(fixture->credentials, &identity, &err));
    aws_identity_reject(fixture->credentials, identity);
    assert_keys(fixture, "K5", SECRET, "T");
    aws_identity_reject(fixture->credentials, identity); /* an old one: nothing to do */
    aws_identity_release(identity);
    assert_keys(fixture, "K5", SECRET, "T");
    atomic_store(&fixture->service.is_down, true);
    assert_keys(fixture, "K5", SECRET, "T");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_container, setup, teardown),
        cmocka_unit_test_setup_teardown(test_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_single_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renewal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
