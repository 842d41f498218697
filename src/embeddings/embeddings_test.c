/* An API of embeddings: a real HTTP server that answers as it is told. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "embeddings/embeddings.h"
#include "net/http_client.h"
#include "net/http_fixture.h"

struct fixture {
    struct http_fixture server;
    struct http_client *client;
    char url[64];
    pthread_mutex_t lock; /* guards the rest */
    int status;
    size_t dimensions;
    const char *answer; /* NULL: an embedding of so many dimensions, which hangs on the length of the text */
    uint32_t calls;
    char path[64], key[64], body[256];
};

static void answer_make(const struct fixture *fixture, struct buf *out, size_t seed)
{
    buf_init(out, 1u << 20);
    if (!buf_printf(out, "{\"data\":[{\"embedding\":[")) abort();
    for (size_t i = 0; i < fixture->dimensions; i++) {
        if (!buf_printf(out, "%s%.5f", i == 0 ? "" : ",", sin((double)(i * seed + 1)))) abort();
    }
    if (!buf_printf(out, "]}]}")) abort();
}

static void on_request(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    struct buf body;
    pthread_mutex_lock(&fixture->lock);
    struct bytes key = http_request_header(request, "authorization");
    snprintf(fixture->path, sizeof fixture->path, "%.*s", (int)request->path.len, (const char *)request->path.ptr);
    snprintf(fixture->key, sizeof fixture->key, "%.*s", (int)key.len, (const char *)key.ptr);
    snprintf(fixture->body, sizeof fixture->body, "%.*s", (int)request->body.len, (const char *)request->body.ptr);
    fixture->calls++;
    answer_make(fixture, &body, request->body.len);
    struct http_response response = { .status = fixture->status,
                                      .body =
                                          fixture->answer == NULL ? buf_bytes(&body) : bytes_of_text(fixture->answer) };
    http_answer(request, &response);
    buf_deinit(&body);
    pthread_mutex_unlock(&fixture->lock);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    pthread_mutex_init(&fixture->lock, NULL);
    fixture->status = 200;
    fixture->dimensions = 384;
    fixture->client = http_client_create(NULL);
    http_fixture_open(&fixture->server, on_request, fixture, 1 << 20);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/v1/", fixture->server.port);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_client_destroy(fixture->client);
    http_fixture_end(&fixture->server);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
    return 0;
}

static struct embeddings *opened(struct fixture *fixture, const char *setting)
{
    struct embeddings *embeddings;
    struct err err = { 0 };
    struct embeddings_options options = { .setting = setting, .key = "secret", .client = fixture->client };
    if (!embeddings_open(&embeddings, &options, &err)) fail_msg("%s", err.text);
    return embeddings;
}

static double length_of(const float *vector)
{
    return embed_cosine(vector, vector);
}

/* Goal: the text goes to the API with model and key, and its embedding comes back, of length 1; values in quotes stay JSON. */
static void test_api(void **state)
{
    struct fixture *fixture = *state;
    struct embeddings *embeddings = opened(fixture, fixture->url);
    struct embedder embedder = embeddings_face(embeddings);
    float vector[EMBED_DIMENSIONS];
    struct err err = { 0 };
    if (!embedder.embed(embedder.context, BYTES("gateway \"pay\" timed out"), vector, &err)) fail_msg("%s", err.text);
    assert_true(fabs(length_of(vector) - 1) < 1e-4);
    assert_string_equal(fixture->path, "/v1/embeddings");
    assert_string_equal(fixture->key, "Bearer secret");
    assert_string_equal(fixture->body,
                        "{\"model\":\"text-embedding-3-small\",\"input\":\"gateway \\\"pay\\\" timed out\"}");
    embeddings_close(embeddings);
}

/* Goal: more dimensions are folded, and cosines stay what they were, to a few hundredths. */
static void test_more_dimensions(void **state)
{
    struct fixture *fixture = *state;
    struct embeddings *embeddings = opened(fixture, fixture->url);
    struct embedder embedder = embeddings_face(embeddings);
    float a[EMBED_DIMENSIONS], b[EMBED_DIMENSIONS], c[EMBED_DIMENSIONS];
    struct err err = { 0 };
    fixture->dimensions = 3072;
    assert_true(embedder.embed(embedder.context, BYTES("one text"), a, &err));
    assert_true(embedder.embed(embedder.context, BYTES("two text"), b, &err)); /* as long: the same direction here */
    assert_true(embedder.embed(embedder.context, BYTES("another text"), c, &err));
    assert_true(fabs(embed_cosine(a, b) - 1) < 1e-4);
    assert_true(fabs(embed_cosine(a, c)) < 0.15);
    embeddings_close(embeddings);
}

/* Goal: what is no embedding is an error in words, and an API that failed is not asked again at once. */
static void test_failures(void **state)
{
    static const char *const answers[] = { "",
                                           "[]",
                                           "{\"data\":[]}",
                                           "{\"data\":[{\"embedding\":[]}]}",
                                           "{\"data\":[{\"embedding\":[0,0]}]}",
                                           "{\"data\":[{\"embedding\":\"x\"}]}" };
    struct fixture *fixture = *state;
    float vector[EMBED_DIMENSIONS];
    for (size_t i = 0; i <= COUNT_OF(answers); i++) {
        struct embeddings *embeddings = opened(fixture, fixture->url);
        struct embedder embedder = embeddings_face(embeddings);
        struct err err = { 0 }, again = { 0 };
        fixture->status = i == COUNT_OF(answers) ? 429 : 200;
        fixture->answer = i == COUNT_OF(answers) ? "slow down" : answers[i];
        uint32_t calls = fixture->calls;
        assert_false(embedder.embed(embedder.context, BYTES("text"), vector, &err));
        assert_int_equal(err.code, ERR_IO);
        assert_false(embedder.embed(embedder.context, BYTES("text"), vector, &again));
        assert_string_equal(err.text, again.text);
        assert_int_equal(fixture->calls, calls + 1);
        embeddings_close(embeddings);
    }
}

/* Goal: off is none, local is the model, anything else is refused by name. */
static void test_settings(void **state)
{
    struct fixture *fixture = *state;
    struct embeddings *embeddings = opened(fixture, "off");
    struct err err = { 0 };
    assert_null(embeddings_face(embeddings).embed);
    embeddings_close(embeddings);
    embeddings = opened(fixture, "local");
    assert_non_null(embeddings_face(embeddings).embed);
    embeddings_close(embeddings);
    struct embeddings_options wrong = { .setting = "on", .client = fixture->client };
    assert_false(embeddings_open(&embeddings, &wrong, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, "\"on\""));
    wrong.setting = "http://";
    assert_false(embeddings_open(&embeddings, &wrong, &err));
    assert_null(embeddings);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { TEST(test_api), TEST(test_more_dimensions), TEST(test_failures),
                                        TEST(test_settings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
