#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS_MAX = 10000, TOTAL_MS_MAX = 15 * 60 * 1000, STREAM_IDLE_MS_MAX = 30000 };

const char *cli_encoded(struct cli *cli, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *out = arena_alloc(&cli->arena, 3 * strlen(text) + 1), *at = out;
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            *at++ = *text;
        } else {
            at += sprintf(at, "%%%02X", (unsigned char)*text);
        }
    }
    *at = '\0';
    return out;
}

static void ask(struct cli *cli, const char *method, const char *path, const char *body, const char *accept,
                const struct cli_stream *stream, struct cli_answer *answer)
{
    char url[12000], authorization[600];
    size_t base_len = strlen(cli->url);
    while (base_len > 0 && cli->url[base_len - 1] == '/') base_len--;
    snprintf(url, sizeof url, "%.*s/api/v1%s", (int)base_len, cli->url, path);
    snprintf(authorization, sizeof authorization, "Bearer %s", cli->key != NULL ? cli->key : "");
    struct http_client_header headers[4] = { { "accept", accept != NULL ? accept : "application/json" } };
    uint32_t count = 1;
    if (cli->key != NULL) headers[count++] = (struct http_client_header){ "authorization", authorization };
    if (body != NULL) headers[count++] = (struct http_client_header){ "content-type", "application/json" };
    struct http_exchange exchange = {
        .method = method,
        .url = url,
        .headers = headers,
        .body.bytes = body != NULL ? bytes_of_text(body) : (struct bytes){ 0 },
        .connect_ms_max = CONNECT_MS_MAX,
        .total_ms_max = stream != NULL ? 0 : TOTAL_MS_MAX,
        .idle_ms_max = stream == NULL            ? 0
                       : stream->idle_ms_max > 0 ? stream->idle_ms_max
                                                 : STREAM_IDLE_MS_MAX,
        .piece = stream != NULL ? stream->piece : NULL,
        .piece_ctx = stream != NULL ? stream->ctx : NULL,
        .answer_bytes_max = CLI_ANSWER_BYTES_MAX,
    };
    *answer = (struct cli_answer){ 0 };
    buf_init(&answer->bytes, CLI_ANSWER_BYTES_MAX);
    if (!http_client_url_check(url, &exchange.err)) {
        cli_fail("--url %s: %s", cli->url, exchange.err.text);
        return;
    }
    http_client_run(cli->client, &exchange, 1);
    if (exchange.err.code != ERR_OK) {
        cli_fail("could not reach %s: %s", cli->url, exchange.err.text);
        http_exchange_deinit(&exchange);
        return;
    }
    answer->status = exchange.status;
    if (!buf_add(&answer->bytes, exchange.body_answer.ptr, exchange.body_answer.len)) abort(); /* the same limit */
    struct bytes type = http_exchange_header(&exchange, "content-type");
    if (type.len > 0 && memmem(type.ptr, type.len, "json", 4) != NULL &&
        memmem(type.ptr, type.len, "ndjson", 6) == NULL)
        answer->json = yyjson_read((const char *)answer->bytes.ptr, answer->bytes.len, 0);
    http_exchange_deinit(&exchange);
}

void cli_ask(struct cli *cli, const char *method, const char *path, const char *body, const char *accept,
             struct cli_answer *answer)
{
    ask(cli, method, path, body, accept, NULL, answer);
}

void cli_ask_stream(struct cli *cli, const char *path, const struct cli_stream *stream, struct cli_answer *answer)
{
    ask(cli, stream->body != NULL ? "POST" : "GET", path, stream->body, stream->accept, stream, answer);
}

void cli_answer_deinit(struct cli_answer *answer)
{
    yyjson_doc_free(answer->json);
    buf_deinit(&answer->bytes);
}

int cli_answer_check(const struct cli_answer *answer)
{
    yyjson_val *root = yyjson_doc_get_root(answer->json);
    const char *detail = yyjson_get_str(yyjson_obj_get(root, "detail"));
    const char *pointer = yyjson_get_str(yyjson_obj_get(root, "pointer"));
    const char *hint = yyjson_get_str(yyjson_obj_get(root, "hint"));
    int64_t position = yyjson_get_sint(yyjson_obj_get(root, "position"));
    if (answer->status >= 200 && answer->status < 300) return CLI_DONE;
    if (answer->status == 0) return CLI_AWAY; /* told */
    fputs("monoscope: ", stderr);
    if (pointer != NULL) fprintf(stderr, "%s: ", pointer);
    if (detail == NULL) {
        fprintf(stderr, "the server answered %d: is --url right?", answer->status);
    } else {
        fputs(detail, stderr);
    }
    if (position > 0) fprintf(stderr, " (at character %lld)", (long long)position);
    if (hint != NULL) fprintf(stderr, "; %s", hint);
    fputc('\n', stderr);
    if (answer->status == 401) fputs("monoscope: `monoscope login`, --key or MONOSCOPE_KEY say who asks\n", stderr);
    if (answer->status == 401 || answer->status == 403) return CLI_NOT_ALLOWED;
    if (answer->status == 404) return CLI_NOT_FOUND;
    return answer->status == 503 || answer->status == 429 ? CLI_AWAY : CLI_REFUSED;
}
