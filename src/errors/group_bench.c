/* group_bench -- how good grouping is on the labelled corpus (tests/errors), and what it costs.
 *
 *   group_bench SOURCE_DIR     prints: name value unit
 *
 * The headline is the part put aside: other apps, which nothing was fitted to. Each tier is switched off in turn; the rule of
 * hashing one frame is measured on the same events. Pairs that only a tier can merge and hard negatives (pairs that it might
 * have merged and did not) are counted between fingerprints, so that repeated events do not swell them. Times are CPU. */
#include "errors/group_fixture.h"

#include <inttypes.h>
#include <time.h>

#define FINGERPRINTS 100000
#define LOOKUPS      20000
#define ALIKE_MEANING \
    0.5 /* of a hard negative: other defects of a family whose texts are as near as many of one defect */
#define FAMILY_SIZE 500 /* fingerprints of one service, of the index of 100,000 */

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_score(const char *part, const char *what, struct corpus_score score)
{
    printf("errors_f1_%s%s %.4f 1\n", part, what, score.f1);
    printf("errors_precision_%s%s %.4f 1\n", part, what, score.precision);
    printf("errors_recall_%s%s %.4f 1\n", part, what, score.recall);
}

/* Pairs of fingerprints: the events of a corpus that are the first of theirs. */
static size_t firsts_of(const struct corpus *corpus, size_t *firsts)
{
    size_t count = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < count && is_first; k++) {
            is_first = !hash128_equal(corpus->events[firsts[k]].fingerprint.key, corpus->events[i].fingerprint.key);
        }
        if (is_first) firsts[count++] = i;
    }
    return count;
}

struct pairs {
    size_t only_stack, only_meaning, stack_negatives, meaning_negatives;
};

static bool is_alike_stack(const struct corpus_event *a, const struct corpus_event *b)
{
    struct similar_sketch x, y;
    similar_sketch_of(&x, a->event);
    similar_sketch_of(&y, b->event);
    return similar_jaccard(similar_set_of(&x), similar_set_of(&y)) >= (double)GROUP_STACK_MIN;
}

static bool is_alike_meaning(const struct group_decision *a, const struct group_decision *b)
{
    return a->has_meaning && b->has_meaning && embed_packed_cosine(a->vector, b->vector) >= ALIKE_MEANING;
}

/* groups: of each event with all tiers, without stacks, without meaning. */
static struct pairs count_pairs(const struct corpus *corpus, uint64_t (*groups)[CORPUS_EVENTS_MAX])
{
    static size_t firsts[CORPUS_EVENTS_MAX];
    struct pairs pairs = { 0 };
    size_t count = firsts_of(corpus, firsts);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            size_t x = firsts[i], y = firsts[k];
            const struct corpus_event *a = &corpus->events[x], *b = &corpus->events[y];
            bool is_one = bytes_equal(a->label, b->label), is_put = groups[0][x] == groups[0][y];
            bool is_put_without_stack = groups[1][x] == groups[1][y],
                 is_put_without_meaning = groups[2][x] == groups[2][y];
            pairs.only_stack += is_one && is_put && !is_put_without_stack;
            pairs.only_meaning += is_one && is_put && !is_put_without_meaning;
            if (is_one || !bytes_equal(a->family, b->family)) continue;
            pairs.stack_negatives += is_alike_stack(a, b);
            pairs.meaning_negatives += is_alike_meaning(&a->why, &b->why);
        }
    }
    return pairs;
}

static void groups_keep(const struct corpus *corpus, uint64_t groups[CORPUS_EVENTS_MAX])
{
    for (size_t i = 0; i < corpus->count; i++) groups[i] = corpus->events[i].group;
}

static void measure_part(const char *source_dir, const char *part, struct embedder embedder)
{
    static uint64_t groups[3][CORPUS_EVENTS_MAX];
    struct corpus *corpus = corpus_read(source_dir, part);
    struct group_options options = { .fingerprints_max = FINGERPRINTS };
    char what[64];
    if (corpus->count == 0) {
        fprintf(stderr, "group_bench: \"%s/tests/errors/%s\" has no events\n", source_dir, part);
        exit(1);
    }
    printf("errors_events_%s %zu events\n", part, corpus->count);

    corpus_group_by_one_frame(corpus);
    print_score(part, "_one_frame", corpus_score(corpus, NULL));
    options.without_stack = true;
    corpus_group(corpus, &options);
    print_score(part, "_fingerprint_alone", corpus_score(corpus, NULL));
    options.embedder = embedder;
    corpus_group(corpus, &options);
    groups_keep(corpus, groups[1]);
    print_score(part, "_without_stack", corpus_score(corpus, NULL));
    options = (struct group_options){ .fingerprints_max = FINGERPRINTS };
    corpus_group(corpus, &options);
    groups_keep(corpus, groups[2]);
    print_score(part, "_without_meaning", corpus_score(corpus, NULL));
    options.embedder = embedder;
    corpus_group(corpus, &options);
    groups_keep(corpus, groups[0]);
    struct corpus_score score = corpus_score(corpus, NULL);
    print_score(part, "", score);
    printf("errors_bcubed_f1_%s %.4f 1\n", part, score.cubed_f1);
    printf("errors_bcubed_precision_%s %.4f 1\n", part, score.cubed_precision);
    printf("errors_bcubed_recall_%s %.4f 1\n", part, score.cubed_recall);
    for (int i = 1; i < ERROR_LANGUAGE_COUNT; i++) {
        snprintf(what, sizeof what, "_%s", error_language_names[i]);
        print_score(part, what, corpus_score(corpus, error_language_names[i]));
    }
    struct pairs pairs = count_pairs(corpus, groups);
    printf("errors_pairs_only_stack_%s %zu pairs\n", part, pairs.only_stack);
    printf("errors_pairs_only_meaning_%s %zu pairs\n", part, pairs.only_meaning);
    printf("errors_hard_negatives_stack_%s %zu pairs\n", part, pairs.stack_negatives);
    printf("errors_hard_negatives_meaning_%s %zu pairs\n", part, pairs.meaning_negatives);
    if (strcmp(part, "aside") == 0) printf("errors_f1 %.4f 1\nerrors_precision %.4f 1\n", score.f1, score.precision);
    corpus_free(corpus);
}

static void measure_fingerprints(const char *source_dir)
{
    struct corpus *corpus = corpus_read(source_dir, "tuning");
    struct arena arena = { 0 };
    size_t rounds = 20;
    double begin = cpu_seconds();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < corpus->count; i++) {
            const struct error_event *event = error_event_read(&arena, &corpus->events[i].source);
            (void)fingerprint_of(&arena, event, NULL);
            arena_reset(&arena);
        }
    }
    printf("errors_fingerprint_us %.2f us\n", (cpu_seconds() - begin) * 1e6 / (double)(rounds * corpus->count));
    arena_deinit(&arena);
    corpus_free(corpus);
}

/* A stack of twelve functions of a service: two of its own, the rest such as many of its errors go through. */
static void question_make(struct arena *arena, struct group_question *question, struct fingerprint *fingerprint,
                          uint64_t n, bool is_variant)
{
    static const char *const types[] = { "TypeError", "ValueError", "app.Declined", "KeyError" };
    struct error_frame *frames = arena_calloc(arena, 12 * sizeof *frames);
    struct error_exception *exception = arena_calloc(arena, sizeof *exception);
    struct error_event *event = arena_calloc(arena, sizeof *event);
    uint64_t service = n / FAMILY_SIZE;
    for (uint64_t i = 0; i < 12; i++) {
        uint64_t which = i == 0   ? n * 3
                         : i == 1 ? n * 3 + 1 + is_variant
                                  : hash64_mix(n * 16 + i, 0x9E3779B97F4A7C15u) % (40 / i + 2) + i * 1000;
        char *text =
            arena_printf(arena, "service%" PRIu64 "/module%" PRIu64 ".py:function%" PRIu64, service, which % 97, which);
        frames[i] = (struct error_frame){ .in_app = true, .text = bytes_of_text(text) };
    }
    *exception = (struct error_exception){ .type = bytes_of_text(types[n % COUNT_OF(types)]),
                                           .template = BYTES("what was asked for is <*>"),
                                           .frames = frames,
                                           .frame_count = 12 };
    *event = (struct error_event){ .language = ERROR_LANGUAGE_PYTHON,
                                   .service = bytes_of_text(arena_printf(arena, "service%" PRIu64, service)),
                                   .exceptions = exception,
                                   .exception_count = 1 };
    *fingerprint = (struct fingerprint){ .by = FINGERPRINT_BY_STACK,
                                         .key = { hash64_mix(n * 2 + is_variant + 1, 0xA0761D6478BD642Fu), n } };
    *question = (struct group_question){ event, fingerprint, event->service };
}

static void measure_index(void)
{
    struct group_index *index = group_index_create(&(struct group_options){ .fingerprints_max = FINGERPRINTS });
    struct arena arena = { 0 };
    struct group_question question;
    struct fingerprint fingerprint;
    double spent = 0, longest = 0;
    for (uint64_t n = 0; n < FINGERPRINTS; n++) {
        question_make(&arena, &question, &fingerprint, n, false);
        struct group_decision decision = group_find(index, &question);
        group_add(index, &question, &decision, n + 1, NULL);
        arena_reset(&arena);
    }
    size_t right = 0;
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        uint64_t n = hash64_mix(i + 7, 0xD6E8FEB86659FD93u) % FINGERPRINTS;
        question_make(&arena, &question, &fingerprint, n, true);
        double begin = cpu_seconds();
        struct group_decision decision = group_find(index, &question);
        double took = cpu_seconds() - begin;
        spent += took;
        if (took > longest) longest = took;
        right += decision.by == GROUP_BY_STACK;
        arena_reset(&arena);
    }
    printf("errors_lookup_us %.2f us\n", spent * 1e6 / LOOKUPS);
    printf("errors_lookup_found %.4f 1\n", (double)right / LOOKUPS);
    printf("errors_index_fingerprints %" PRIu32 " fingerprints\n", group_index_count(index));
    printf("errors_bytes_per_fingerprint %.0f B\n", (double)group_index_bytes(index) / group_index_count(index));
    spent = 0;
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        question_make(&arena, &question, &fingerprint, hash64_mix(i + 9, 0xD6E8FEB86659FD93u) % FINGERPRINTS, false);
        double begin = cpu_seconds();
        (void)group_find(index, &question);
        spent += cpu_seconds() - begin;
        arena_reset(&arena);
    }
    printf("errors_known_fingerprint_us %.2f us\n", spent * 1e6 / LOOKUPS);
    arena_deinit(&arena);
    group_index_destroy(index);
}

static void measure_embedding(const char *source_dir, struct embedder embedder)
{
    struct corpus *corpus = corpus_read(source_dir, "tuning");
    float vector[EMBED_DIMENSIONS];
    double begin = cpu_seconds();
    size_t count = 0;
    for (size_t i = 0; i < corpus->count; i += 5, count++) {
        struct err err = { .code = ERR_OK };
        if (!embedder.embed(embedder.context, corpus->events[i].event->exceptions[0].template, vector, &err)) {
            fprintf(stderr, "group_bench: %s\n", err.text);
            exit(1);
        }
    }
    printf("errors_embedding_ms %.2f ms\n", (cpu_seconds() - begin) * 1e3 / (double)count);
    corpus_free(corpus);
}

int main(int argc, char **argv)
{
    const char *source_dir = argc > 1 ? argv[1] : ".";
    struct embed_model *model = embed_model_create(&(struct embed_options){ NULL, NULL, NULL });
    struct err err = { .code = ERR_OK };
    double begin = cpu_seconds();
    if (!embed_model_open(model, &err)) {
        fprintf(stderr, "group_bench: %s\n", err.text);
        return 1;
    }
    printf("errors_embedding_open_ms %.0f ms\n", (cpu_seconds() - begin) * 1e3);
    measure_part(source_dir, "tuning", embed_model_face(model));
    measure_part(source_dir, "aside", embed_model_face(model));
    measure_fingerprints(source_dir);
    measure_index();
    measure_embedding(source_dir, embed_model_face(model));
    embed_model_destroy(model);
    return 0;
}
