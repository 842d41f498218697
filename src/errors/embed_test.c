#include "errors/embed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static double alike(struct embedder embedder, const char *a, const char *b)
{
    float x[EMBED_DIMENSIONS], y[EMBED_DIMENSIONS];
    int8_t p[EMBED_DIMENSIONS], q[EMBED_DIMENSIONS];
    struct err err = { .code = ERR_OK };
    if (!embedder.embed(embedder.context, bytes_of_text(a), x, &err) ||
        !embedder.embed(embedder.context, bytes_of_text(b), y, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(fabs(embed_cosine(x, x) - 1) < 1e-4);
    embed_pack(p, x);
    embed_pack(q, y);
    assert_true(fabs(embed_packed_cosine(p, q) - embed_cosine(x, y)) < 0.01); /* a byte each is enough */
    return embed_cosine(x, y);
}

/* Goal: the model runs, and says of texts what it was made for: the same meaning is near, another is far.
 * Method: cosines as the same model file gives them in Python's onnxruntime 1.32. */
static void test_meaning(void **state)
{
    struct embed_model *model = embed_model_create(&(struct embed_options){ NULL, NULL, NULL });
    struct embedder embedder = embed_model_face(model);
    (void)state;
    double same = alike(embedder, "coupon has expired", "the coupon code is expired");
    double other = alike(embedder, "the coupon code is expired", "the credit card is expired");
    assert_true(fabs(same - 0.908) < 0.02);
    assert_true(fabs(other - 0.632) < 0.02);
    assert_true(fabs(alike(embedder, "", "")) - 1 < 1e-4);
    embedder.rest(embedder.context); /* it opens again by itself, and says the same */
    embedder.rest(embedder.context);
    assert_true(fabs(alike(embedder, "coupon has expired", "the coupon code is expired") - same) < 1e-6);
    embed_model_destroy(model);
}

/* Goal: what is missing is named, with what brings it, at each call; nothing is opened before the first. */
static void test_missing(void **state)
{
    static const struct embed_options missing[] = { { "/nowhere/libonnxruntime.so.1", NULL, NULL },
                                                    { NULL, "/nowhere/model.onnx", NULL },
                                                    { NULL, NULL, "/nowhere/tokenizer.json" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        struct embed_model *model = embed_model_create(&missing[i]);
        struct embedder embedder = embed_model_face(model);
        float vector[EMBED_DIMENSIONS];
        for (int call = 0; call < 2; call++) {
            struct err err = { .code = ERR_OK };
            assert_false(embedder.embed(embedder.context, BYTES("text"), vector, &err));
            assert_int_equal(err.code, ERR_UNSUPPORTED);
            assert_non_null(strstr(err.text, "/nowhere/"));
            assert_non_null(strstr(err.text, "deps/bring"));
        }
        embed_model_destroy(model);
    }
}

/* Goal: a file that is no library, or no model, is an error and no crash. */
static void test_not_what_it_should_be(void **state)
{
    static const struct embed_options wrong[] = { { "/etc/passwd", NULL, NULL },
                                                  { "/lib/x86_64-linux-gnu/libc.so.6", NULL, NULL },
                                                  { NULL, "/etc/passwd", NULL },
                                                  { NULL, NULL, "/etc/passwd" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct embed_model *model = embed_model_create(&wrong[i]);
        struct err err = { .code = ERR_OK };
        assert_false(embed_model_open(model, &err));
        assert_true(err.text[0] != '\0');
        embed_model_destroy(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_not_what_it_should_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
