#include "errors/group_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What bench/RESULTS.md publishes of the part put aside, cut to three digits. */
#define F1_MIN        0.989
#define PRECISION_MIN 0.999
#define B_CUBED_MIN   0.991
#define TIER_GAIN_MIN 0.05 /* what each tier is worth, at least */

static struct corpus_score grouped(struct corpus *corpus, struct embedder embedder, bool without_stack)
{
    corpus_group(corpus, &(struct group_options){
                             .fingerprints_max = 10000, .without_stack = without_stack, .embedder = embedder });
    return corpus_score(corpus, NULL);
}

/* Goal: grouping is as good as published, on apps that nothing was fitted to; each tier is worth its cost, and the rule of one
 * frame is far behind. Method: tests/errors/aside, as one project's errors in the order they come. */
static void test_aside(void **state)
{
    struct corpus *corpus = corpus_read(MONO_SOURCE_DIR, "aside");
    struct embed_model *model = embed_model_create(&(struct embed_options){ NULL, NULL, NULL });
    struct err err = { .code = ERR_OK };
    (void)state;
    assert_true(corpus->count > 500);
    if (!embed_model_open(model, &err)) fail_msg("%s", err.text);
    struct corpus_score all = grouped(corpus, embed_model_face(model), false);
    print_message("aside: F1 %.4f, precision %.4f, recall %.4f, B-cubed F1 %.4f\n", all.f1, all.precision, all.recall,
                  all.cubed_f1);
    assert_true(all.f1 >= F1_MIN);
    assert_true(all.precision >= PRECISION_MIN);
    assert_true(all.cubed_f1 >= B_CUBED_MIN);
    struct corpus_score without_stack = grouped(corpus, embed_model_face(model), true);
    struct corpus_score without_meaning = grouped(corpus, (struct embedder){ .embed = NULL }, false);
    assert_true(without_stack.f1 + TIER_GAIN_MIN <= all.f1);
    assert_true(without_meaning.f1 + TIER_GAIN_MIN <= all.f1);
    corpus_group_by_one_frame(corpus);
    assert_true(corpus_score(corpus, NULL).f1 + 0.3 < all.f1);
    corpus_free(corpus);
    embed_model_destroy(model);
}

/* Goal: fingerprints do not hang on what came before: any order gives the same ones, and the same groups but for which came
 * first. Method: the corpus backwards. */
static void test_order(void **state)
{
    struct corpus *corpus = corpus_read(MONO_SOURCE_DIR, "aside");
    struct corpus *backwards = corpus_read(MONO_SOURCE_DIR, "aside");
    struct embedder none = { NULL, NULL };
    (void)state;
    for (size_t i = 0; i < corpus->count / 2; i++) {
        struct corpus_event one = backwards->events[i];
        backwards->events[i] = backwards->events[corpus->count - 1 - i];
        backwards->events[corpus->count - 1 - i] = one;
    }
    for (size_t i = 0; i < corpus->count; i++) {
        assert_true(
            hash128_equal(corpus->events[i].fingerprint.key, backwards->events[corpus->count - 1 - i].fingerprint.key));
    }
    struct corpus_score forth = grouped(corpus, none, false), back = grouped(backwards, none, false);
    assert_true(forth.f1 - back.f1 < 0.01 && back.f1 - forth.f1 < 0.01);
    corpus_free(corpus);
    corpus_free(backwards);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_aside), cmocka_unit_test(test_order) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
