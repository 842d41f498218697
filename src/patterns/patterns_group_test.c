/* Which templates are one pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "patterns/change.h"
#include "patterns/group.h"
#include "patterns/group_corpus.h"
#include "patterns/mask.h"

static void assert_groups_as(const char *const *templates, const char *const *wanted, bool fits)
{
    struct arena arena;
    struct bytes texts[64];
    uint32_t count = 0;
    struct pattern_groups groups;
    arena_init(&arena, 0);
    while (templates[count] != NULL) {
        texts[count] = bytes_of_text(templates[count]);
        count++;
    }
    patterns_group(&arena, texts, count, &groups);
    for (uint32_t g = 0; g < groups.count; g++) {
        if (wanted[g] != NULL && bytes_equal(groups.texts[g], bytes_of_text(wanted[g]))) continue;
        fail_msg("group %u is\n  %.*s\n  wants %s", g, (int)groups.texts[g].len, (const char *)groups.texts[g].ptr,
                 wanted[g] ? wanted[g] : "no more");
    }
    assert_null(wanted[groups.count]);
    for (uint32_t t = 0; fits && t < count; t++) assert_true(pattern_fits(groups.texts[groups.group_of[t]], texts[t]));
    arena_deinit(&arena);
}
static void assert_groups(const char *const *templates, const char *const *wanted)
{
    assert_groups_as(templates, wanted, true);
}
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Goal: words that vary become <*>, words that choose what is said stay; each rule of group.h. */
static void test_rules(void **state)
{
    (void)state;
    assert_groups(LIST("user ann logged in", "user bob logged in", "user carl logged in", "user dora logged in"),
                  LIST("user <*> logged in"));
    /* three words are three messages */
    assert_groups(LIST("VM is started now", "VM is paused now", "VM is stopped now"),
                  LIST("VM is paused now", "VM is started now", "VM is stopped now"));
    assert_groups(LIST("user ann logged in", "user bob logged in", "user carl logged in", "user dora logged in",
                       "user ann logged out", "user bob logged out", "user carl logged out", "user dora logged out"),
                  LIST("user <*> logged in", "user <*> logged out"));
    /* a value of its own kind says that words vary there, too */
    assert_groups(LIST("Invalid user <*> from <*>", "Invalid user admin from <*>"), LIST("Invalid user <*> from <*>"));
    /* two places that vary together */
    assert_groups(LIST("user ann opened the file a.txt of hers", "user bob opened the file b.txt of hers",
                       "user carl opened the file c.txt of hers", "user dora opened the file d.txt of hers",
                       "user eve opened the file e.txt of hers", "user fay opened the file f.txt of hers"),
                  LIST("user <*> opened the file <*> of hers"));
    /* a value that came once, in a place of which others are known */
    assert_groups(LIST("moved shop/a to x", "moved shop/b to x", "moved shop/c to x", "moved shop/d to x",
                       "moved shop/a to y", "moved shop/b to y", "moved shop/c to y", "moved shop/d to y",
                       "moved shop/e to z"),
                  LIST("moved <*> to x", "moved <*> to y", "moved shop/e to z"));
    /* one word says all there is */
    assert_groups(LIST("started", "stopped", "paused", "resumed", "gone"),
                  LIST("gone", "paused", "resumed", "started", "stopped"));
    /* half of the words stay */
    assert_groups(LIST("a x", "b x", "c x", "d x", "a y", "b y", "c y", "d y", "a z", "b z", "c z", "d z", "a w", "b w",
                       "c w", "d w"),
                  LIST("<*> w", "<*> x", "<*> y", "<*> z"));
    assert_groups_as(LIST("<*>", "<*> <*>", "", "   "), LIST("", "   ", "<*>", "<*> <*>"), false);
    /* lists of values of any length, and padding */
    assert_groups_as(LIST("ask to delete blk_<*>", "ask to delete blk_<*> blk_<*> blk_<*>", "ask  to delete blk_<*>"),
                     LIST("ask  to delete blk_<*>"), false);
}

static void shuffle(struct bytes *texts, uint32_t *labels, uint32_t count, uint64_t *state)
{
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = corpus_random(state) % (i + 1), label = labels[i];
        struct bytes text = texts[i];
        texts[i] = texts[j];
        texts[j] = text;
        labels[i] = labels[j];
        labels[j] = label;
    }
}

/* Goal: lines of known origin are sorted as they came to be, and the order they come in changes nothing.
 * Method: 60 lines of each event of the corpus; grouping accuracy (an event counts when its lines are exactly those of
 * one group) and pairwise F1, of ten orders. */
static void test_corpus(void **state)
{
    (void)state;
    enum { EACH = 60, COUNT = COUNT_OF(corpus_events) * EACH };
    struct arena arena;
    static struct bytes texts[COUNT];
    static uint32_t labels[COUNT], together[COUNT_OF(corpus_events) * 4][COUNT_OF(corpus_events)];
    uint64_t random = 7;
    struct bytes first[COUNT_OF(corpus_events) * 4];
    uint32_t first_count = 0;
    arena_init(&arena, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        char line[1024];
        uint8_t room[MASK_ROOM_BYTES];
        labels[i] = i / EACH;
        size_t len = corpus_line(line, sizeof line, &corpus_events[labels[i]], &random);
        texts[i] = arena_copy(&arena, mask_text(room, bytes_from(line, len)));
    }
    for (int order = 0; order < 10; order++) {
        struct pattern_groups groups;
        if (order > 0) shuffle(texts, labels, COUNT, &random);
        patterns_group(&arena, texts, COUNT, &groups);
        assert_true(groups.count <= COUNT_OF(first));
        memset(together, 0, sizeof together);
        for (uint32_t i = 0; i < COUNT; i++) together[groups.group_of[i]][labels[i]]++;
        double right = 0, both = 0, of_groups = 0, of_events = (double)COUNT_OF(corpus_events) * EACH * (EACH - 1) / 2;
        for (uint32_t g = 0; g < groups.count; g++) {
            double size = 0;
            for (uint32_t e = 0; e < COUNT_OF(corpus_events); e++) {
                size += together[g][e];
                both += together[g][e] * (together[g][e] - 1.0) / 2;
            }
            of_groups += size * (size - 1) / 2;
            for (uint32_t e = 0; e < COUNT_OF(corpus_events); e++)
                right += together[g][e] == EACH && size == EACH ? EACH : 0;
        }
        double precision = both / of_groups, recall = both / of_events,
               f1 = 2 * precision * recall / (precision + recall);
        if (order == 0) {
            first_count = groups.count;
            for (uint32_t g = 0; g < groups.count; g++) first[g] = groups.texts[g];
            printf("%zu events, %u patterns: grouping accuracy %.3f, pairs: precision %.3f, recall %.3f, F1 %.3f\n",
                   COUNT_OF(corpus_events), groups.count, right / COUNT, precision, recall, f1);
            for (uint32_t g = 0; g < groups.count; g++) {
                uint32_t size = 0;
                for (uint32_t e = 0; e < COUNT_OF(corpus_events); e++) size += together[g][e];
                if (size != EACH)
                    printf("  %4u  %.*s\n", size, (int)groups.texts[g].len, (const char *)groups.texts[g].ptr);
            }
        }
        assert_true(right / COUNT >= 0.9);
        assert_true(precision >= 0.97 && f1 >= 0.95);
        assert_int_equal(groups.count, first_count);
        for (uint32_t g = 0; g < groups.count; g++) assert_true(bytes_equal(first[g], groups.texts[g]));
    }
    arena_deinit(&arena);
}

/* Goal: what is put together is told by its text. Method: members and strangers. */
static void test_fits(void **state)
{
    (void)state;
    static const struct {
        const char *text, *template;
        bool fits;
    } cases[] = {
        { "user <*> logged in", "user ann logged in", true },
        { "user <*> logged in", "user <*> logged in", true },
        { "user <*> logged in", "user  logged in", false },
        { "user <*> logged in", "user ann b logged in", false },
        { "user <*> logged in", "user ann logged out", false },
        { "user <*> logged in", "user ann logged in now", false },
        { "worker-<*> is up", "worker-x is up", false },
        { "k=<*>", "k=a/b", true },
        { "", "", true },
        { "", "a", false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (pattern_fits(bytes_of_text(cases[i].text), bytes_of_text(cases[i].template)) != cases[i].fits)
            fail_msg("\"%s\" and \"%s\"", cases[i].text, cases[i].template);
    }
}

/* Goal: what is marked as changed is so much and for sure. Method: counts on both sides of the bounds. */
static void test_changes(void **state)
{
    (void)state;
    static const struct {
        int64_t now, before;
        enum pattern_change change;
    } cases[] = {
        { 0, 0, PATTERN_SAME },
        { 3, 0, PATTERN_SAME },
        { 12, 0, PATTERN_MORE },
        { 100, 100, PATTERN_SAME },
        { 150, 100, PATTERN_SAME },
        { 220, 100, PATTERN_SAME },
        { 300, 100, PATTERN_MORE },
        { 100, 300, PATTERN_LESS },
        { 0, 12, PATTERN_GONE },
        { 0, 3, PATTERN_SAME },
        { 1000000, 600000, PATTERN_SAME },
        { 1000000, 400000, PATTERN_MORE },
        { 400000, 1000000, PATTERN_LESS },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double score, back;
        enum pattern_change change = pattern_change_of(cases[i].now, cases[i].before, &score);
        if (change != cases[i].change) fail_msg("%ld after %ld: %d, %f", cases[i].now, cases[i].before, change, score);
        pattern_change_of(cases[i].before, cases[i].now, &back);
        assert_true(score == -back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
