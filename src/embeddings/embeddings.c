#include "embeddings/embeddings.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "net/http_client.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define MODEL            "text-embedding-3-small"
#define CONNECT_MS       2000
#define TOTAL_MS         5000
#define API_REST_MS      30000 /* after it failed */
#define ANSWER_BYTES_MAX (1u << 20)
#define TEXT_BYTES_MAX   2048
#define DIMENSIONS_MAX   16384

struct embeddings {
    struct embed_model *local;
    struct http_client *client;
    char *url, *model, *bearer; /* bearer NULL: none */
    uint64_t rest_until_ns;
    struct err why; /* it rests */
};

static bool is_http(const char *setting)
{
    return strncmp(setting, "http://", 7) == 0 || strncmp(setting, "https://", 8) == 0;
}

static char *text_make(const char *a, const char *b)
{
    size_t bytes = strlen(a) + strlen(b) + 1;
    char *text = mem_alloc(bytes);
    snprintf(text, bytes, "%s%s", a, b);
    return text;
}

static char *url_make(const char *setting)
{
    size_t len = strlen(setting), tail = strlen("/embeddings");
    while (len > 0 && setting[len - 1] == '/') len--;
    char *url = mem_alloc(len + tail + 1);
    bool has_tail = len >= tail && memcmp(setting + len - tail, "/embeddings", tail) == 0;
    snprintf(url, len + tail + 1, "%.*s%s", (int)len, setting, has_tail ? "" : "/embeddings");
    return url;
}

bool embeddings_open(struct embeddings **embeddings, const struct embeddings_options *options, struct err *err)
{
    const char *setting = options->setting;
    *embeddings = NULL;
    bool is_off = strcmp(setting, "off") == 0, is_local = strcmp(setting, "local") == 0;
    if (!is_off && !is_local && !is_http(setting)) {
        return err_set(err, ERR_INPUT, "embeddings are \"off\", \"local\" or the URL of an API, not \"%s\"", setting);
    }
    if (is_http(setting) && !http_client_url_check(setting, err)) return err_within(err, "embeddings");
    struct embeddings *made = mem_calloc(1, sizeof *made);
    if (is_local) made->local = embed_model_create(&(struct embed_options){ NULL, NULL, NULL });
    if (is_http(setting)) {
        assert(options->client != NULL);
        made->client = options->client;
        made->url = url_make(setting);
        made->model = mem_strdup(options->model == NULL ? MODEL : options->model);
        if (options->key != NULL) made->bearer = text_make("Bearer ", options->key);
    }
    *embeddings = made;
    return true;
}

void embeddings_close(struct embeddings *embeddings)
{
    if (embeddings == NULL) return;
    embed_model_destroy(embeddings->local);
    free(embeddings->url);
    free(embeddings->model);
    free(embeddings->bearer);
    free(embeddings);
}

static void request_make(struct buf *body, const char *model, struct bytes text)
{
    struct bytes name = bytes_of_text(model);
    if (text.len > TEXT_BYTES_MAX) text.len = utf8_cut(text, TEXT_BYTES_MAX);
    if (!utf8_is_valid(text)) text.len = 0;
    buf_init(body, SIZE_MAX);
    if (!buf_reserve(body, json_text_bytes_max(name.len) + json_text_bytes_max(text.len) + 32)) abort();
    uint8_t *at = json_put_raw(body->ptr, BYTES("{\"model\":"));
    at = json_put_raw(json_put_text(at, name), BYTES(",\"input\":"));
    at = json_put_raw(json_put_text(at, text), BYTES("}"));
    body->len = (size_t)(at - body->ptr);
}

/* More dimensions than are kept: each goes to one of them, with a sign. */
static void fold(float vector[EMBED_DIMENSIONS], yyjson_val *numbers, size_t count)
{
    size_t at, max;
    yyjson_val *number;
    memset(vector, 0, EMBED_DIMENSIONS * sizeof vector[0]);
    yyjson_arr_foreach(numbers, at, max, number)
    {
        float value = (float)yyjson_get_num(number);
        if (count <= EMBED_DIMENSIONS) {
            vector[at] = value;
            continue;
        }
        uint64_t where = hash64_mix(at + 1, 0x9E3779B97F4A7C15u);
        vector[where % EMBED_DIMENSIONS] += (where >> 63) != 0 ? -value : value;
    }
}

static bool answer_read(float vector[EMBED_DIMENSIONS], struct bytes answer, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)answer.ptr, answer.len, 0);
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(doc), "data");
    yyjson_val *numbers = yyjson_obj_get(yyjson_arr_get(data, 0), "embedding");
    size_t count = yyjson_arr_size(numbers);
    double length = 0;
    if (count > 0 && count <= DIMENSIONS_MAX) {
        fold(vector, numbers, count);
        for (size_t k = 0; k < EMBED_DIMENSIONS; k++) length += (double)vector[k] * vector[k];
    }
    yyjson_doc_free(doc);
    if (!(length > 0) || !isfinite(length)) return err_set(err, ERR_IO, "the embedding API's answer has no embedding");
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) vector[k] = (float)(vector[k] / sqrt(length));
    return true;
}

static bool ask(struct embeddings *embeddings, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    struct http_client_header headers[] = { { "content-type", "application/json" },
                                            { "authorization", embeddings->bearer },
                                            { NULL, NULL } };
    struct buf body;
    request_make(&body, embeddings->model, text);
    if (embeddings->bearer == NULL) headers[1] = (struct http_client_header){ NULL, NULL };
    struct http_exchange exchange = { .method = "POST",
                                      .url = embeddings->url,
                                      .headers = headers,
                                      .body = { .bytes = buf_bytes(&body) },
                                      .connect_ms_max = CONNECT_MS,
                                      .total_ms_max = TOTAL_MS,
                                      .answer_bytes_max = ANSWER_BYTES_MAX };
    http_client_run(embeddings->client, &exchange, 1);
    bool is_done = exchange.err.code == ERR_OK;
    if (!is_done) {
        *err = exchange.err;
        err_within(err, "the embedding API");
    } else if (exchange.status / 100 != 2) {
        is_done = err_set(err, ERR_IO, "the embedding API answered %d", exchange.status);
    } else {
        is_done = answer_read(vector, buf_bytes(&exchange.body_answer), err);
    }
    http_exchange_deinit(&exchange);
    buf_deinit(&body);
    return is_done;
}

static bool embed_by_api(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    struct embeddings *embeddings = context;
    if (clock_mono_ns() < embeddings->rest_until_ns) {
        *err = embeddings->why;
        return false;
    }
    if (ask(embeddings, text, vector, err)) return true;
    embeddings->why = *err;
    embeddings->rest_until_ns = clock_mono_ns() + API_REST_MS * 1000000ull;
    return false;
}

struct embedder embeddings_face(struct embeddings *embeddings)
{
    if (embeddings->local != NULL) return embed_model_face(embeddings->local);
    return embeddings->url == NULL ? (struct embedder){ NULL, NULL, NULL }
                                   : (struct embedder){ embed_by_api, embeddings, NULL };
}
