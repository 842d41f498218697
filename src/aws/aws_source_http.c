/* aws_source_http.c -- credentials that a service hands out: STS, the container's agent, the instance's metadata. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_source.h"
#include "base/uuid.h"

#define ANSWER_BYTES_MAX (64u << 10)
#define NEAR_MS_MAX      2000 /* the agent and the metadata service are on this machine, or not there */
#define STS_MS_MAX       20000
#define TRIES            3

const char *aws_dns_suffix(const char *region)
{
    return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

/* A request tried a few times; the answer is the caller's to deinit. */
static bool ask(const struct aws_surroundings *around, struct http_exchange *exchange, uint32_t tries)
{
    exchange->answer_bytes_max = ANSWER_BYTES_MAX;
    for (uint32_t i = 1;; i++) {
        http_client_run(around->client, exchange, 1);
        bool may_help = exchange->err.code == ERR_IO || exchange->status == 429 || exchange->status >= 500;
        if (!may_help || i >= tries) break;
        http_exchange_deinit(exchange);
    }
    return exchange->err.code == ERR_OK && exchange->status >= 200 && exchange->status < 300;
}

static void answer_deinit(struct http_exchange *exchange)
{
    struct buf *body = &exchange->body_answer;
    if (body->ptr) explicit_bzero(body->ptr, body->cap); /* it may be keys */
    http_exchange_deinit(exchange);
}

/* Why ask answered false, or what it brought is of no use. */
static enum aws_source_answer broken(const struct http_exchange *exchange, const char *who, struct err *err)
{
    char code[64], message[120];
    aws_error_read(buf_bytes(&exchange->body_answer), code, sizeof code, message, sizeof message);
    if (exchange->err.code != ERR_OK) {
        *err = exchange->err;
        err_within(err, "%s", who);
    } else if (exchange->status >= 200 && exchange->status < 300) {
        err_set(err, ERR_FORBIDDEN, "%s answers, but with no credentials in it", who);
    } else {
        err_set(err, ERR_FORBIDDEN, "%s answers %d %s %s", who, exchange->status, code, message);
    }
    return AWS_SOURCE_BROKEN;
}

/* -- STS -------------------------------------------------------------------------------------------------------- */

static void sts_url(const struct aws_surroundings *around, const char *region, char url[512])
{
    const char *set = aws_variable(around, "AWS_ENDPOINT_URL_STS");
    if (set) {
        snprintf(url, 512, "%s", set);
    } else if (region) {
        snprintf(url, 512, "https://sts.%s.%s/", region, aws_dns_suffix(region));
    } else {
        snprintf(url, 512, "https://sts.amazonaws.com/");
    }
}

static bool form_make(struct buf *form, const char *role, const char *session, struct bytes token)
{
    return buf_printf(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=") &&
           aws_query_encode(form, bytes_of_text(role)) && buf_printf(form, "&RoleSessionName=") &&
           aws_query_encode(form, bytes_of_text(session)) && buf_printf(form, "&WebIdentityToken=") &&
           aws_query_encode(form, token);
}

static enum aws_source_answer sts_ask(const struct aws_surroundings *around, const char *region, struct bytes form,
                                      struct aws_grant *grant, struct err *err)
{
    static const struct http_client_header headers[] = { { "content-type", "application/x-www-form-urlencoded" },
                                                         { 0 } };
    char url[512];
    sts_url(around, region, url);
    struct http_exchange exchange = { .method = "POST",
                                      .url = url,
                                      .headers = headers,
                                      .body.bytes = form,
                                      .connect_ms_max = STS_MS_MAX / 4,
                                      .total_ms_max = STS_MS_MAX };
    bool ok = ask(around, &exchange, TRIES) && aws_grant_from_xml(grant, buf_bytes(&exchange.body_answer));
    enum aws_source_answer answer = ok ? AWS_SOURCE_FOUND : broken(&exchange, "STS (web identity)", err);
    answer_deinit(&exchange);
    return answer;
}

enum aws_source_answer aws_source_web_identity(const struct aws_surroundings *around, const char *region,
                                               struct aws_grant *grant, struct err *err)
{
    const char *path = aws_variable(around, "AWS_WEB_IDENTITY_TOKEN_FILE"),
               *role = aws_variable(around, "AWS_ROLE_ARN");
    const char *session = aws_variable(around, "AWS_ROLE_SESSION_NAME");
    enum aws_source_answer answer = AWS_SOURCE_BROKEN;
    struct buf token, form;
    if (!path) return AWS_SOURCE_ABSENT;
    if (!role) {
        err_set(err, ERR_FORBIDDEN, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
        return AWS_SOURCE_BROKEN;
    }
    buf_init(&form, 4 * ANSWER_BYTES_MAX);
    if (!aws_file_read(path, &token)) {
        err_os(err, "could not read AWS_WEB_IDENTITY_TOKEN_FILE \"%.100s\"", path);
    } else {
        while (token.len > 0 && token.ptr[token.len - 1] <= ' ') token.len--;
        if (form_make(&form, role, session ? session : "monoscope", buf_bytes(&token))) {
            answer = sts_ask(around, region, buf_bytes(&form), grant, err);
        } else {
            err_set(err, ERR_FORBIDDEN, "the token in \"%.100s\" is too long to be one", path);
        }
    }
    if (token.ptr) explicit_bzero(token.ptr, token.cap);
    if (form.ptr) explicit_bzero(form.ptr, form.cap);
    buf_deinit(&token);
    buf_deinit(&form);
    return answer;
}

/* -- container agent -------------------------------------------------------------------------------------------- */

/* Keys go over http only within this machine: loopback and the agents' own addresses. */
static bool is_near(const char *url)
{
    static const char *const hosts[] = { "localhost", "169.254.170.2", "169.254.170.23", "[::1]", "[fd00:ec2::23]" };
    if (strncmp(url, "https://", 8) == 0) return true;
    if (strncmp(url, "http://", 7) != 0) return false;
    const char *host = url + 7;
    if (host[0] == '[' && !strchr(host, ']')) return false;
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (memchr(host, '@', strcspn(host, "/?#")) || !strchr(":/?#", host[len])) return false; /* NUL is found */
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (strlen(hosts[i]) == len && strncmp(host, hosts[i], len) == 0) return true;
    return len >= 7 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

/* From the file, anew each time: it is rotated; else from the variable. */
static bool container_token(const struct aws_surroundings *around, struct buf *token, struct err *err)
{
    const char *path = aws_variable(around, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = aws_variable(around, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    buf_init(token, ANSWER_BYTES_MAX);
    if (path && !aws_file_read(path, token))
        return err_os(err, "could not read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \"%.100s\"", path);
    if (!path && text && !buf_add(token, text, strlen(text)))
        return err_set(err, ERR_FORBIDDEN, "AWS_CONTAINER_AUTHORIZATION_TOKEN is too long to be one");
    while (token->len > 0 && token->ptr[token->len - 1] <= ' ') token->len--;
    for (size_t i = 0; i < token->len; i++)
        if (token->ptr[i] < ' ') return err_set(err, ERR_FORBIDDEN, "the container's token has a line end within");
    return buf_add(token, "", 1) || err_set(err, ERR_FORBIDDEN, "the container's token is too long to be one");
}

enum aws_source_answer aws_source_container(const struct aws_surroundings *around, struct aws_grant *grant,
                                            struct err *err)
{
    const char *relative = aws_variable(around, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_variable(around, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    enum aws_source_answer answer = AWS_SOURCE_BROKEN;
    char url[1024];
    struct buf token;
    if (!relative && !full) return AWS_SOURCE_ABSENT;
    int len = relative ? snprintf(url, sizeof url, "http://169.254.170.2%s", relative)
                       : snprintf(url, sizeof url, "%s", full);
    if ((size_t)len >= sizeof url || (relative && relative[0] != '/') || !is_near(url)) {
        err_set(err, ERR_FORBIDDEN,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this machine: \"%.100s\"", url);
        return AWS_SOURCE_BROKEN;
    }
    if (container_token(around, &token, err)) {
        const struct http_client_header headers[] = { { token.len > 1 ? "authorization" : NULL, (char *)token.ptr },
                                                      { 0 } };
        struct http_exchange exchange = { .method = "GET",
                                          .url = url,
                                          .headers = headers,
                                          .connect_ms_max = NEAR_MS_MAX,
                                          .total_ms_max = 2 * NEAR_MS_MAX };
        bool ok = ask(around, &exchange, TRIES) && aws_grant_from_json(grant, buf_bytes(&exchange.body_answer));
        answer = ok ? AWS_SOURCE_FOUND : broken(&exchange, "the container's credentials endpoint", err);
        answer_deinit(&exchange);
    }
    if (token.ptr) explicit_bzero(token.ptr, token.cap);
    buf_deinit(&token);
    return answer;
}

/* -- instance metadata, version 2 ------------------------------------------------------------------------------- */

static bool instance_url(const struct aws_surroundings *around, const char *path, char url[1024])
{
    const char *set = aws_variable(around, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = aws_variable(around, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    bool is_six = mode && (strcmp(mode, "IPv6") == 0 || strcmp(mode, "ipv6") == 0);
    const char *base = set ? set : is_six ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') len--;
    return snprintf(url, 1024, "%.*s%s", (int)len, base, path) < 1024;
}

static bool instance_is_off(const struct aws_surroundings *around)
{
    const char *off = aws_variable(around, "AWS_EC2_METADATA_DISABLED");
    return off && (strcmp(off, "true") == 0 || strcmp(off, "TRUE") == 0 || strcmp(off, "True") == 0);
}

/* The answer of a path, NUL-terminated; out is the caller's, also on failure. */
static bool instance_ask(const struct aws_surroundings *around, const char *method, const char *path,
                         const char *header, const char *value, struct buf *out, struct err *err)
{
    char url[1024];
    const struct http_client_header headers[] = { { header, value }, { 0 } };
    buf_init(out, ANSWER_BYTES_MAX + 1);
    if (!instance_url(around, path, url)) return err_set(err, ERR_INPUT, "the metadata service's address is too long");
    struct http_exchange exchange = {
        .method = method, .url = url, .headers = headers, .connect_ms_max = NEAR_MS_MAX / 2, .total_ms_max = NEAR_MS_MAX
    };
    bool ok = ask(around, &exchange, 2);
    if (ok) {
        ok = buf_add(out, exchange.body_answer.ptr, exchange.body_answer.len) && buf_add(out, "", 1);
    } else {
        broken(&exchange, "the instance's metadata service", err);
    }
    answer_deinit(&exchange);
    return ok;
}

/* What needs a token: fetched for each use, they are few. */
static bool instance_get(const struct aws_surroundings *around, const char *path, struct buf *out, struct err *err)
{
    struct buf token;
    bool ok =
        instance_ask(around, "PUT", "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds", "21600", &token, err);
    buf_init(out, ANSWER_BYTES_MAX + 1);
    if (ok && strpbrk((char *)token.ptr, "\r\n")) ok = err_set(err, ERR_PROTOCOL, "the metadata token has a line end");
    if (ok) ok = instance_ask(around, "GET", path, "x-aws-ec2-metadata-token", (char *)token.ptr, out, err);
    buf_deinit(&token);
    return ok;
}

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
enum aws_source_answer aws_source_instance(const struct aws_surroundings *around, struct aws_grant *grant,
                                           struct err *err)
{
    struct buf role, json;
    char path[512];
    enum aws_source_answer answer = AWS_SOURCE_ABSENT; /* the last one: nobody there is no wonder; err says so */
    if (instance_is_off(around)) {
        err_set(err, ERR_FORBIDDEN, "off (AWS_EC2_METADATA_DISABLED)");
        return AWS_SOURCE_ABSENT;
    }
    if (instance_get(around, ROLES_PATH, &role, err)) {
        size_t len = strcspn((char *)role.ptr, "\r\n");
        int path_len = snprintf(path, sizeof path, ROLES_PATH "%.*s", (int)(len < 400 ? len : 400), (char *)role.ptr);
        bool is_sane = path_len < (int)sizeof path && !strpbrk(path, " ?#");
        if (!is_sane || len == 0) {
            err_set(err, ERR_FORBIDDEN, "the instance has no role");
        } else if (instance_get(around, path, &json, err)) {
            answer = AWS_SOURCE_FOUND;
            if (!aws_grant_from_json(grant, bytes_from(json.ptr, json.len - 1))) {
                err_set(err, ERR_FORBIDDEN, "the instance's metadata service answers, but with no credentials in it");
                answer = AWS_SOURCE_BROKEN;
            }
        }
        if (is_sane && len > 0) {
            if (json.ptr) explicit_bzero(json.ptr, json.cap);
            buf_deinit(&json);
        }
    }
    buf_deinit(&role);
    return answer;
}

char *aws_instance_region(const struct aws_surroundings *around)
{
    struct err err = { 0 };
    struct buf region;
    char *copy = NULL;
    if (instance_is_off(around)) return NULL;
    if (instance_get(around, "/latest/meta-data/placement/region", &region, &err) &&
        strspn((char *)region.ptr, "abcdefghijklmnopqrstuvwxyz-0123456789") == region.len - 1 && region.len > 1)
        copy = mem_strdup((char *)region.ptr);
    buf_deinit(&region);
    return copy;
}
