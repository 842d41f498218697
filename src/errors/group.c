#include "errors/group_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Fitted to the tuning part of tests/errors; a change is a new GROUP_VERSION. */
#define STACK_MIN_OTHER    0.60f /* it says something else */
#define MEANING_MIN_FAMILY 0.76f /* another service of the family */
#define MEANING_MIN_SELF   0.95f /* the same service: it has reworded it */
/* From here on up to these it is in doubt. */
#define DOUBT_MIN_FAMILY 0.60f
#define DOUBT_MIN_SELF   0.85f

const char *const group_by_names[GROUP_BY_COUNT] = {
#define X(name, text) text,
    GROUP_BYS(X)
#undef X
};

struct bytes group_family(struct bytes service)
{
    size_t len = 0;
    while (len < service.len && memchr("-_./", service.ptr[len], 4) == NULL) len++;
    return bytes_from(service.ptr, len == 0 ? service.len : len);
}

/* What of a question is compared. */
static void facts_of(struct facts *facts, const struct group_question *question)
{
    const struct error_exception *root = similar_root(question->event);
    uint8_t room[GROUP_WORDS_BYTES];
    bool is_telling;
    facts->template_hash = hash64_of(group_words(question->event, room, &is_telling));
    facts->service_hash = hash64_of(question->event->service);
    facts->family_hash = hash64_of(question->family);
    facts->type_hash = hash64_of(root->type);
}

static void sketch_make(struct group_decision *decision, const struct group_question *question,
                        const struct facts *facts)
{
    similar_sketch_of(&decision->sketch, question->event);
    decision->sketch.gate = hash64_mix(decision->sketch.gate ^ facts->family_hash, 0xD6E8FEB86659FD93u);
}

static void decide(struct group_decision *decision, const struct group_index *index, uint32_t at, enum group_by by,
                   float score, float threshold)
{
    decision->by = by;
    decision->group = index->entries[at].group;
    decision->with = index->entries[at].key;
    decision->score = score;
    decision->threshold = threshold;
}

static float cosine_with(const struct group_index *index, uint32_t at, const struct group_decision *decision)
{
    return (float)embed_packed_cosine(group_vector(index, index->entries[at].vector_at), decision->vector);
}

/* A function that throws a type which says nothing can do so in two places: then the words have to mean the same. */
static bool may_say_otherwise(const struct group_index *index, const struct group_question *question, uint32_t at,
                              const struct group_decision *decision)
{
    if (!similar_root(question->event)->is_generic) return true;
    if (!decision->has_meaning || index->entries[at].vector_at == NONE) return false;
    return cosine_with(index, at, decision) >= MEANING_MIN_FAMILY;
}

static bool find_by_stack(struct group_index *index, const struct group_question *question, const struct facts *facts,
                          struct group_decision *decision)
{
    struct similar_found found[SIMILAR_FOUND_MAX];
    size_t count = similar_find(index->similar, &decision->sketch, GROUP_STACK_MIN, found);
    for (size_t i = 0; i < count; i++) {
        bool is_same = index->entries[found[i].id].template_hash == facts->template_hash;
        float threshold = is_same ? GROUP_STACK_MIN : STACK_MIN_OTHER;
        if (found[i].score < threshold) continue;
        if (!is_same && !may_say_otherwise(index, question, found[i].id, decision)) continue;
        decision->is_same_template = is_same;
        decide(decision, index, found[i].id, GROUP_BY_STACK, found[i].score, threshold);
        return true;
    }
    return false;
}

/* The threshold that a text of one service and type has to reach to be the other's; above 1: never. */
static float meaning_threshold(const struct entry *entry, const struct facts *facts, bool has_stack)
{
    if (entry->sketch_at != SIMILAR_NONE && has_stack) return 2; /* what stacks say stands */
    if (entry->service_hash != facts->service_hash) return MEANING_MIN_FAMILY;
    return entry->type_hash == facts->type_hash ? MEANING_MIN_SELF : 2;
}

/* Whether a service would then say two things of one group, which are less alike than min. */
static bool is_said_otherwise(const struct group_index *index, uint64_t group, const struct facts *facts,
                              const struct group_decision *decision, float min)
{
    uint32_t looked_at = 0;
    for (uint32_t at = group_first(index, group); at != NONE && looked_at < GROUP_MEMBERS_MAX;
         at = index->entries[at].group_next, looked_at++) {
        const struct entry *entry = &index->entries[at];
        if (entry->service_hash != facts->service_hash) continue;
        if (entry->type_hash != facts->type_hash) return true;
        if (entry->vector_at == NONE) continue;
        if (cosine_with(index, at, decision) < min) return true;
    }
    return false;
}

/* Keeps the nearest that is under its threshold. */
static void doubt_look(const struct group_index *index, uint32_t at, const struct facts *facts, float score,
                       float threshold, struct group_decision *decision)
{
    bool is_self = threshold == MEANING_MIN_SELF;
    if (score < (is_self ? DOUBT_MIN_SELF : DOUBT_MIN_FAMILY)) return;
    if (decision->doubt.is_there && score <= decision->doubt.score) return;
    const struct entry *entry = &index->entries[at];
    if (is_said_otherwise(index, entry->group, facts, decision, is_self ? DOUBT_MIN_SELF : MEANING_MIN_SELF)) return;
    decision->doubt = (struct group_doubt){
        .is_there = true, .group = entry->group, .score = score, .threshold = threshold, .with = entry->key
    };
}

static bool find_by_meaning(struct group_index *index, const struct facts *facts, struct group_decision *decision)
{
    float best = 0, best_threshold = 0;
    uint32_t best_at = NONE, looked_at = 0;
    bool has_stack = decision->sketch.count > 0;
    for (uint32_t at = family_first(index, facts->family_hash); at != NONE && looked_at < GROUP_FAMILY_MAX;
         at = index->entries[at].family_next, looked_at++) {
        float threshold = meaning_threshold(&index->entries[at], facts, has_stack);
        if (threshold > 1) continue;
        float score = cosine_with(index, at, decision);
        if (score < threshold) {
            if (best_at == NONE) doubt_look(index, at, facts, score, threshold, decision);
            continue;
        }
        if (score < best) continue;
        if (is_said_otherwise(index, index->entries[at].group, facts, decision, MEANING_MIN_SELF)) continue;
        best = score, best_threshold = threshold, best_at = at;
    }
    if (best_at == NONE) return false;
    decision->doubt.is_there = false;
    decide(decision, index, best_at, GROUP_BY_MEANING, best, best_threshold);
    return true;
}

static void vector_make(struct group_index *index, const struct group_question *question,
                        struct group_decision *decision)
{
    uint8_t room[GROUP_WORDS_BYTES];
    bool is_telling;
    float vector[EMBED_DIMENSIONS];
    const struct embedder *embedder = &index->options.embedder;
    struct bytes text = group_words(question->event, room, &is_telling);
    if (embedder->embed == NULL || !is_telling) return;
    decision->has_meaning = embedder->embed(embedder->context, text, vector, &decision->meaning_error);
    if (decision->has_meaning) embed_pack(decision->vector, vector);
}

struct group_decision group_find(struct group_index *index, const struct group_question *question)
{
    const struct fingerprint *fingerprint = question->fingerprint;
    struct group_decision decision = { .by = GROUP_BY_NEW };
    uint32_t at = key_find(index, fingerprint->key);
    if (at != NONE) {
        const struct entry *entry = &index->entries[at];
        decide(&decision, index, at, GROUP_BY_FINGERPRINT, entry->score, entry->threshold);
        decision.was_by = entry->by;
        decision.with = entry->with;
        return decision;
    }
    struct facts facts;
    decision.is_full = index->count == index->options.fingerprints_max;
    if (fingerprint->by != FINGERPRINT_BY_STACK && fingerprint->by != FINGERPRINT_BY_MESSAGE) return decision;
    facts_of(&facts, question);
    sketch_make(&decision, question, &facts);
    vector_make(index, question, &decision); /* also of what stacks decide: others may be compared with it */
    if (!index->options.without_stack && find_by_stack(index, question, &facts, &decision)) return decision;
    if (decision.has_meaning) find_by_meaning(index, &facts, &decision);
    return decision;
}

void group_accept(struct group_decision *decision)
{
    assert(decision->by == GROUP_BY_NEW && decision->doubt.is_there);
    decision->by = GROUP_BY_JUDGE;
    decision->group = decision->doubt.group;
    decision->with = decision->doubt.with;
    decision->score = decision->doubt.score;
    decision->threshold = decision->doubt.threshold;
}

uint64_t group_add(struct group_index *index, const struct group_question *question,
                   const struct group_decision *decision, uint64_t new_group, struct group_row *row)
{
    struct group_row made = {
        .key = question->fingerprint->key,
        .group = decision->by == GROUP_BY_NEW ? new_group : decision->group,
        .by = decision->by,
        .score = decision->score,
        .threshold = decision->threshold,
        .with = decision->with,
        .errors_version = ERRORS_VERSION,
        .similar_version = SIMILAR_VERSION,
        .group_version = GROUP_VERSION,
        .sketch = decision->sketch,
        .has_vector = decision->has_meaning,
    };
    uint32_t at = key_find(index, made.key);
    if (at != NONE) {
        if (row != NULL) group_row_at(index, at, row);
        return index->entries[at].group;
    }
    struct facts facts;
    facts_of(&facts, question);
    made.template_hash = facts.template_hash;
    made.service_hash = facts.service_hash;
    made.family_hash = facts.family_hash;
    made.type_hash = facts.type_hash;
    memcpy(made.vector, decision->vector, sizeof made.vector);
    if (row != NULL) *row = made;
    group_load(index, &made);
    return made.group;
}

struct bytes group_why(struct arena *arena, const struct group_decision *decision)
{
    char with[17];
    snprintf(with, sizeof with, "%016" PRIx64, decision->with.hi);
    return group_why_like(arena, decision, with);
}

struct bytes group_why_like(struct arena *arena, const struct group_decision *decision, const char *with)
{
    enum group_by by = decision->by == GROUP_BY_FINGERPRINT ? decision->was_by : decision->by;
    const char *head = decision->by == GROUP_BY_FINGERPRINT ? "its fingerprint is known; when it came first: " : "";
    char *text = NULL;
    switch (by) {
    case GROUP_BY_STACK:
        text = arena_printf(arena,
                            "%sits stack is like that of %s: %.2f of the weight of their frames is the same, %.2f is "
                            "asked for where the "
                            "message is %s",
                            head, with, (double)decision->score, (double)decision->threshold,
                            decision->threshold < STACK_MIN_OTHER ? "the same" : "another");
        break;
    case GROUP_BY_MEANING:
        text = arena_printf(arena, "%sits message means what that of %s does: %.2f, and %.2f is asked for %s", head,
                            with, (double)decision->score, (double)decision->threshold,
                            decision->threshold < MEANING_MIN_SELF ? "between services of a family"
                                                                   : "within one service");
        break;
    case GROUP_BY_JUDGE:
        text = arena_printf(
            arena,
            "%sits message may mean what that of %s does: %.2f, and %.2f is asked for; a model said that it does", head,
            with, (double)decision->score, (double)decision->threshold);
        break;
    case GROUP_BY_PERSON: text = arena_printf(arena, "%sa person put it here", head); break;
    case GROUP_BY_NEW:
    case GROUP_BY_FINGERPRINT:
    case GROUP_BY_COUNT:
        text =
            arena_printf(arena, "%snothing in the project was like it%s", head,
                         decision->meaning_error.code != ERR_OK ? " (its words were not compared: see the log)" : "");
        break;
    }
    return bytes_of_text(text);
}
