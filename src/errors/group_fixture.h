/* group_fixture.h -- the labelled corpus of tests/errors, how it is grouped, and how good that is: for the test and the bench.
 *
 *   corpus_read --> events with labels --corpus_group--> a group for each --corpus_score--> precision, recall, F1, B-cubed
 *
 * Pairwise: of all pairs of events, those put together and labelled together (precision: of those put together; recall: of those
 * labelled together). B-cubed (A. Bagga, B. Baldwin, 1998): the same of each event's own group, the mean over events. */
#pragma once
#include "errors/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define CORPUS_EVENTS_MAX 4096

struct corpus_event {
    struct bytes app, family, label;
    struct error_source source;
    const struct error_event *event;
    struct fingerprint fingerprint;
    uint64_t group;            /* as grouped */
    struct group_decision why; /* of its group */
};
struct corpus {
    struct arena arena;
    yyjson_doc *docs[CORPUS_EVENTS_MAX];
    struct corpus_event events[CORPUS_EVENTS_MAX];
    size_t count;
};
struct corpus_score {
    double precision, recall, f1, cubed_precision, cubed_recall, cubed_f1;
    size_t pairs_right, pairs_put, pairs_labelled;
};

static inline struct bytes corpus_text(yyjson_val *event, const char *name)
{
    yyjson_val *value = yyjson_obj_get(event, name);
    return bytes_from(yyjson_get_str(value), yyjson_get_len(value));
}

/* part: "tuning" or "aside". */
static inline struct corpus *corpus_read(const char *source_dir, const char *part)
{
    char command[1024];
    snprintf(command, sizeof command, "gzip -dc '%s/tests/errors/%s/events.ndjson.gz'", source_dir, part);
    FILE *file = popen(command, "r");
    struct corpus *corpus = mem_calloc(1, sizeof *corpus);
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while (file != NULL && (len = getline(&line, &room, file)) > 0 && corpus->count < CORPUS_EVENTS_MAX) {
        yyjson_doc *doc = yyjson_read(line, (size_t)len, 0);
        yyjson_val *event = yyjson_doc_get_root(doc);
        corpus->docs[corpus->count] = doc;
        struct corpus_event *at = &corpus->events[corpus->count++];
        at->app = corpus_text(event, "app");
        at->family = corpus_text(event, "family");
        at->label = corpus_text(event, "group");
        at->source = (struct error_source){ .language = corpus_text(event, "language"),
                                            .service = corpus_text(event, "service"),
                                            .type = corpus_text(event, "type"),
                                            .message = corpus_text(event, "message"),
                                            .stacktrace = corpus_text(event, "stacktrace") };
        at->event = error_event_read(&corpus->arena, &at->source);
        at->fingerprint = fingerprint_of(&corpus->arena, at->event, NULL);
    }
    free(line);
    if (file != NULL) pclose(file);
    return corpus;
}

static inline void corpus_free(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) yyjson_doc_free(corpus->docs[i]);
    arena_deinit(&corpus->arena);
    free(corpus);
}

/* All events in the order of the file, as one project's. */
static inline void corpus_group(struct corpus *corpus, const struct group_options *options)
{
    struct group_index *index = group_index_create(options);
    for (size_t i = 0; i < corpus->count; i++) {
        struct corpus_event *at = &corpus->events[i];
        struct group_question question = { at->event, &at->fingerprint, at->family };
        at->why = group_find(index, &question);
        at->group = group_add(index, &question, &at->why, i + 1, NULL);
    }
    group_index_destroy(index);
}

/* The rule of hashing one frame: type and last line of the stack that is in app (in Python the innermost, elsewhere the
 * outermost), without a stack service, type and message. */
static inline void corpus_group_by_one_frame(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        struct corpus_event *at = &corpus->events[i];
        const struct error_exception *first = &at->event->exceptions[0];
        const struct error_frame *frame = NULL;
        bool is_innermost = at->event->language == ERROR_LANGUAGE_PYTHON;
        for (uint32_t k = 0; k < first->frame_count; k++) {
            if (first->frames[k].in_app && (frame == NULL || !is_innermost)) frame = &first->frames[k];
        }
        if (frame == NULL && first->frame_count > 0) frame = &first->frames[is_innermost ? 0 : first->frame_count - 1];
        uint64_t type = hash64_of(first->type);
        at->group = frame != NULL ? hash64_mix(type, hash64_of(frame->text) | 1)
                                  : hash64_mix(type ^ hash64_of(at->source.service), hash64_of(first->template) | 1);
    }
}

/* language NULL: of all; else of the pairs of which both are of it. */
static inline struct corpus_score corpus_score(const struct corpus *corpus, const char *language)
{
    struct corpus_score score = { 0 };
    size_t events = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        const struct corpus_event *a = &corpus->events[i];
        if (language != NULL && !bytes_equal(a->source.language, bytes_of_text(language))) continue;
        size_t put = 0, labelled = 0, right = 0;
        for (size_t k = 0; k < corpus->count; k++) {
            const struct corpus_event *b = &corpus->events[k];
            if (language != NULL && !bytes_equal(b->source.language, bytes_of_text(language))) continue;
            bool is_put = a->group == b->group, is_labelled = bytes_equal(a->label, b->label);
            put += is_put;
            labelled += is_labelled;
            right += is_put && is_labelled;
            score.pairs_put += is_put && k > i;
            score.pairs_labelled += is_labelled && k > i;
            score.pairs_right += is_put && is_labelled && k > i;
        }
        events++;
        score.cubed_precision += (double)right / (double)put;
        score.cubed_recall += (double)right / (double)labelled;
    }
    score.precision = score.pairs_put == 0 ? 1 : (double)score.pairs_right / (double)score.pairs_put;
    score.recall = score.pairs_labelled == 0 ? 1 : (double)score.pairs_right / (double)score.pairs_labelled;
    double sum = score.precision + score.recall;
    score.f1 = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
    score.cubed_precision /= events > 0 ? (double)events : 1;
    score.cubed_recall /= events > 0 ? (double)events : 1;
    sum = score.cubed_precision + score.cubed_recall;
    score.cubed_f1 = sum > 0 ? 2 * score.cubed_precision * score.cubed_recall / sum : 0;
    return score;
}
