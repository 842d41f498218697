/* aws_test_server.h -- a server on loopback that answers by a function of the test, and an environment of a few names. */
#pragma once
#include "aws/aws.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const struct log aws_quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct aws_server {
    struct loop *loop;
    struct admission *admission;
    struct http_server *http;
    struct http_client *client;
    char url[64];
    const char *variables[16][2]; /* the environment: name, value; ends with NULL */
    char texts[8][256];           /* what values may point into */
    char dir[64];                 /* for files; removed at the end */
    void *ctx;                    /* the test's */
};

static inline const char *aws_server_environment(void *ctx, const char *name)
{
    const struct aws_server *server = ctx;
    for (size_t i = 0; i < COUNT_OF(server->variables) && server->variables[i][0]; i++)
        if (strcmp(server->variables[i][0], name) == 0) return server->variables[i][1];
    return NULL;
}

static inline void aws_server_set(struct aws_server *server, const char *name, const char *value)
{
    size_t i = 0;
    while (server->variables[i][0] && strcmp(server->variables[i][0], name) != 0) i++;
    assert(i < COUNT_OF(server->variables) - 1);
    server->variables[i][0] = name;
    server->variables[i][1] = value;
}

static inline void aws_server_open(struct aws_server *server, void (*call)(void *, struct http_request *))
{
    struct err err = { 0 };
    *server = (struct aws_server){ .admission = admission_create(64 << 20) };
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = 1 << 20,
                                    .admission = server->admission,
                                    .handler = { .call = call, .ctx = server },
                                    .log = &aws_quiet };
    if (!loop_open(&server->loop, &err) || !http_server_open(&server->http, server->loop, &options, &err)) abort();
    server->client = http_client_create(NULL);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", http_server_port(server->http));
    snprintf(server->dir, sizeof server->dir, "aws_test.XXXXXX");
    if (!mkdtemp(server->dir)) abort();
    aws_server_set(server, "AWS_EC2_METADATA_DISABLED", "true"); /* nothing but this machine is asked */
}

static inline void aws_server_close(struct aws_server *server)
{
    struct err err = { 0 };
    http_client_destroy(server->client);
    loop_stop(server->loop);
    http_server_close(server->http);
    loop_close(server->loop);
    admission_release(server->admission);
    if (!disk_dir_empty(&disk_real, server->dir, &err)) abort();
    remove(server->dir);
}

static inline void aws_server_file(struct aws_server *server, const char *name, const char *text, char path[256])
{
    snprintf(path, 256, "%s/%s", server->dir, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) abort();
}

static inline void aws_server_answer(struct http_request *request, int status, const char *body,
                                     const struct http_header *headers, uint32_t header_count)
{
    struct http_response response = {
        .status = status, .headers = headers, .header_count = header_count, .body = bytes_of_text(body)
    };
    http_answer(request, &response);
}

static inline bool aws_server_path_is(const struct http_request *request, const char *method, const char *path)
{
    return bytes_equal(request->method, bytes_of_text(method)) && bytes_equal(request->path, bytes_of_text(path));
}
