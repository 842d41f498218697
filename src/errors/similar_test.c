#include "errors/similar.h"

#include "base/hash.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SETS 2000

static uint64_t random_state = 7;
static uint32_t below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

static void add(struct similar_sketch *sketch, uint32_t hash, uint16_t weight)
{
    uint32_t at = 0;
    while (at < sketch->count && sketch->hash[at] < hash) at++;
    if (at < sketch->count && sketch->hash[at] == hash) return;
    memmove(sketch->hash + at + 1, sketch->hash + at, (sketch->count - at) * sizeof sketch->hash[0]);
    memmove(sketch->weight + at + 1, sketch->weight + at, (sketch->count - at) * sizeof sketch->weight[0]);
    sketch->hash[at] = hash;
    sketch->weight[at] = weight;
    sketch->count++;
}

/* Goal: the sums are those of the definition. */
static void test_jaccard(void **state)
{
    struct similar_sketch a = { 0 }, b = { 0 }, none = { 0 };
    (void)state;
    add(&a, 10, 100), add(&a, 20, 50), add(&a, 40, 30);
    add(&b, 20, 80), add(&b, 30, 10), add(&b, 40, 30);
    assert_true(fabs(similar_jaccard(similar_set_of(&a), similar_set_of(&b)) - 80.0 / 220.0) < 1e-12);
    assert_true(similar_jaccard(similar_set_of(&a), similar_set_of(&a)) == 1);
    assert_true(similar_jaccard(similar_set_of(&a), similar_set_of(&none)) == 0);
    assert_true(similar_jaccard(similar_set_of(&none), similar_set_of(&none)) == 0);
}

/* A set, and another that shares some of it. */
static void pair_make(struct similar_sketch *a, struct similar_sketch *b)
{
    *a = (struct similar_sketch){ .gate = 1 };
    *b = (struct similar_sketch){ .gate = 1 };
    uint32_t count = 5 + below(30), shared = below(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = below(1u << 30) * 4 + 1;
        uint16_t weight = (uint16_t)(300 + below(9000));
        add(a, hash, weight);
        add(b, i < shared ? hash : hash + 1, below(3) == 0 ? (uint16_t)(300 + below(9000)) : weight);
    }
}

/* Goal: what is alike is found, though few are looked at; what is found has the exact score.
 * Method: random sets and relatives of theirs of every likeness; how many of those above a threshold are found. */
static void test_candidates(void **state)
{
    struct similar_index *index = similar_index_create(SETS);
    static struct similar_sketch sets[SETS], relatives[SETS];
    size_t alike[2] = { 0, 0 }, found_alike[2] = { 0, 0 };
    (void)state;
    for (uint32_t i = 0; i < SETS; i++) {
        pair_make(&sets[i], &relatives[i]);
        assert_int_equal(similar_index_add(index, &sets[i], i), i);
    }
    for (uint32_t i = 0; i < SETS; i++) {
        struct similar_found found[SIMILAR_FOUND_MAX];
        double score = similar_jaccard(similar_set_of(&sets[i]), similar_set_of(&relatives[i]));
        size_t count = similar_find(index, &relatives[i], 0.2, found);
        bool is_found = false;
        for (size_t k = 0; k < count; k++) {
            assert_true(k == 0 || found[k - 1].score >= found[k].score);
            if (found[k].id != i) continue;
            is_found = true;
            assert_true(fabs((double)found[k].score - score) < 1e-6);
        }
        for (int band = 0; band < 2; band++) {
            alike[band] += score >= (band == 0 ? 0.25 : 0.5);
            found_alike[band] += score >= (band == 0 ? 0.25 : 0.5) && is_found;
        }
    }
    assert_true(alike[1] > 300);
    assert_true((double)found_alike[0] >= 0.99 * (double)alike[0]);
    assert_int_equal(found_alike[1], alike[1]);
    similar_index_destroy(index);
}

/* Goal: what has another gate, or no shingles, is like nothing; what was kept comes back. */
static void test_gates(void **state)
{
    struct similar_index *index = similar_index_create(10);
    struct similar_sketch a = { 0 }, b = { 0 };
    struct similar_found found[SIMILAR_FOUND_MAX];
    (void)state;
    pair_make(&a, &b);
    b = a;
    b.gate = 2;
    assert_int_equal(similar_index_add(index, &a, 77), 0);
    assert_int_equal(similar_find(index, &a, 0.5, found), 1);
    assert_int_equal(found[0].id, 77);
    assert_int_equal(similar_find(index, &b, 0, found), 0);
    b.count = 0;
    assert_int_equal(similar_find(index, &b, 0, found), 0);
    assert_int_equal(similar_index_add(index, &b, 78), SIMILAR_NONE);
    struct similar_sketch back;
    similar_index_sketch(index, 0, &back);
    assert_int_equal(back.count, a.count);
    assert_memory_equal(back.hash, a.hash, a.count * sizeof a.hash[0]);
    similar_index_destroy(index);
}

/* Goal: no more than was stated, in count and in bytes; a thousand of one kind do not make a look-up long. */
static void test_bounds(void **state)
{
    struct similar_index *index = similar_index_create(3000);
    struct similar_found found[SIMILAR_FOUND_MAX];
    (void)state;
    struct similar_sketch one = { 0 }, other;
    pair_make(&one, &other);
    for (uint32_t i = 0; i < 3000; i++) assert_int_equal(similar_index_add(index, &one, i), i);
    assert_int_equal(similar_index_add(index, &one, 3000), SIMILAR_NONE);
    assert_int_equal(similar_find(index, &one, 0.9, found), SIMILAR_FOUND_MAX);
    assert_true(similar_index_bytes(index) < 4096 * (size_t)SIMILAR_BYTES_PER_SKETCH + 200000);
    similar_index_destroy(index);
}

static const struct error_event *read_event(struct arena *arena, const char *stacktrace)
{
    struct error_source source = { .language = BYTES("python"), .stacktrace = bytes_of_text(stacktrace) };
    return error_event_read(arena, &source);
}

#define HEAD                 "Traceback (most recent call last):\n"
#define LINE(file, function) "  File \"/app/" file ".py\", line 3, in " function "\n    x()\n"

/* Goal: where it breaks outweighs who called: the same innermost function is alike whatever the callers, the same callers alone
 * are not. */
static void test_innermost_first(void **state)
{
    struct arena arena = { 0 };
    struct similar_sketch base, callers, inner, between, minified;
    (void)state;
    similar_sketch_of(&base, read_event(&arena, HEAD LINE("run", "main") LINE("web", "post") LINE("shop", "pay")
                                                    LINE("bank", "charge") "ValueError: no\n"));
    similar_sketch_of(&inner, read_event(&arena, HEAD LINE("cli", "start") LINE("jobs", "night") LINE("batch", "each")
                                                     LINE("bank", "charge") "ValueError: no\n"));
    similar_sketch_of(&callers, read_event(&arena, HEAD LINE("run", "main") LINE("web", "post") LINE("shop", "pay")
                                                       LINE("mail", "send") "ValueError: no\n"));
    similar_sketch_of(&between, read_event(&arena, HEAD LINE("run", "main") LINE("web", "post") LINE("shop", "guard")
                                                       LINE("shop", "pay") LINE("bank", "charge") "ValueError: no\n"));
    similar_sketch_of(&minified, read_event(&arena, "not a stack"));
    double same_inner = similar_jaccard(similar_set_of(&base), similar_set_of(&inner));
    double same_callers = similar_jaccard(similar_set_of(&base), similar_set_of(&callers));
    double helper = similar_jaccard(similar_set_of(&base), similar_set_of(&between));
    assert_true(same_inner > 0.30 && same_callers < 0.24 && helper > 0.6);
    assert_int_equal(minified.count, 0);
    assert_true(base.gate == inner.gate);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jaccard), cmocka_unit_test(test_candidates),      cmocka_unit_test(test_gates),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_innermost_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
