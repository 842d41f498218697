/* group.h -- which group does an error belong to, and why: the fingerprints of one project and the groups they are in.
 *
 *   fingerprint known?  --> its group                                        by FINGERPRINT, exact
 *   else tier 1: stacks alike (similar.h), the root cause's type the same    by STACK
 *   else tier 2: words that mean the same (embed.h), without stacks to tell  by MEANING
 *   else a group of its own                                                  by NEW
 *
 * group_find decides and changes nothing; group_add keeps what was decided: fingerprint -> group is made once, by the one
 * owner of a project, and never again by the index itself, whatever comes later. People change it: group_move (merge, split).
 * What a person moved is pinned and says so; others that are like it go where it is.
 *
 * Gates, so that what only looks alike stays apart:
 *   - of rules, known errors and places the fingerprint alone decides: no tier looks at them
 *   - another type of the root cause in the same code is another group
 *   - alike stacks of a type need less likeness where the message's template is the same than where it is not
 *   - two stacks of the program's own code that are not alike are not joined by their words
 *   - words are compared within a family of services only, and one service says one thing in one way: a group never holds two
 *     texts of one service that are not nearly the same
 *
 * Doubt: where nothing reaches its threshold and one text comes near, the decision names it; whoever has a judge may ask it and
 * group_accept what it says. Without one nothing changes.
 *
 * Rows: what is kept of a fingerprint (struct group_row) goes to the metadata and comes back by group_load; sketches and
 * vectors are among it, so nothing is computed again. They hang on ERRORS_VERSION, SIMILAR_VERSION and GROUP_VERSION, which
 * each row has: rows of other versions keep their groups, and are found by their fingerprints alone.
 * Memory: group_index_bytes; GROUP_BYTES_PER_FINGERPRINT at most each, EMBED_DIMENSIONS more where words are compared; no more
 * than fingerprints_max: further ones are each a group of their own (decision.is_full says so).
 * Time: 1 us of a known fingerprint, 50 us of another among 100,000, and the embedder's when tier 2 is asked.
 * Thread: one owner. Errors: of the embedder alone: tier 2 is then left out, and the decision says so. */
#pragma once
#include "errors/embed.h"
#include "errors/fingerprint.h"
#include "errors/similar.h"

#define GROUP_VERSION     1
#define GROUP_FAMILY_MAX  10000 /* texts of a family that one is compared with, the newest */
#define GROUP_MEMBERS_MAX 256   /* of a group, the newest: what its services say is looked at */
#define GROUP_STACK_MIN \
    0.25f /* likeness of stacks of one type that say the same: the innermost function is enough, its callers alone are not */
#define GROUP_BYTES_PER_FINGERPRINT (SIMILAR_BYTES_PER_SKETCH + 160)

#define GROUP_BYS(X)              \
    X(NEW, "new")                 \
    X(FINGERPRINT, "fingerprint") \
    X(STACK, "stack")             \
    X(MEANING, "meaning")         \
    X(PERSON, "person")           \
    X(JUDGE, "judge")
enum group_by {
#define X(name, text) GROUP_BY_##name,
    GROUP_BYS(X)
#undef X
        GROUP_BY_COUNT
};
extern const char *const group_by_names[GROUP_BY_COUNT];

struct group_options {
    uint32_t fingerprints_max;
    bool without_stack;       /* tier 1 is off */
    struct embedder embedder; /* embed NULL: tier 2 is off */
};

/* What is asked of: an event, its fingerprint and whose it is. */
struct group_question {
    const struct error_event *event;
    const struct fingerprint *fingerprint;
    struct bytes family; /* of services: group_family, or service.namespace */
};
/* Of a decision NEW by words: the one that came nearest, in the band below the threshold where a model or a person may know. */
struct group_doubt {
    bool is_there;
    uint64_t group;
    float score, threshold;
    struct hash128 with;
};
struct group_decision {
    uint64_t group; /* 0 of NEW: group_add takes the caller's number */
    enum group_by by;
    enum group_by was_by;     /* of FINGERPRINT: how that fingerprint came into its group */
    float score, threshold;   /* of STACK and MEANING, and of FINGERPRINT what it was then */
    struct hash128 with;      /* the fingerprint that it is like */
    bool is_same_template;    /* of STACK: the threshold is the lower one */
    bool is_full;             /* the index takes no more */
    bool has_meaning;         /* tier 2 was asked */
    struct err meaning_error; /* .code: the embedder failed */
    struct group_doubt doubt;
    int8_t vector[EMBED_DIMENSIONS];
    struct similar_sketch sketch;
};

/* What is kept of a fingerprint: a row of the metadata. */
struct group_row {
    struct hash128 key;
    uint64_t group;
    enum group_by by;
    bool is_pinned; /* a person put it there */
    float score, threshold;
    struct hash128 with;
    uint32_t errors_version, similar_version, group_version;
    uint64_t template_hash, service_hash, family_hash, type_hash;
    struct similar_sketch sketch;
    bool has_vector;
    int8_t vector[EMBED_DIMENSIONS];
};

struct group_index;
struct group_index *group_index_create(const struct group_options *options);
void group_index_destroy(struct group_index *index); /* NULL is fine */
size_t group_index_bytes(const struct group_index *index);
uint32_t group_index_count(const struct group_index *index);

/* The family of services that one belongs to, when nothing names it: the name up to its first '-', '_', '.' or '/'. */
struct bytes group_family(struct bytes service);

struct group_decision group_find(struct group_index *index, const struct group_question *question);
/* The doubt was none: the decision becomes one by JUDGE. */
void group_accept(struct group_decision *decision);
/* Keeps a decision that group_find made of the same question; new_group: the number of the group when it is NEW. Answers the
 * group. A fingerprint that is there already keeps its own. row: what to write to the metadata; may be NULL. */
uint64_t group_add(struct group_index *index, const struct group_question *question,
                   const struct group_decision *decision, uint64_t new_group, struct group_row *row);
/* A person puts a fingerprint into a group; ERR_NOT_FOUND. */
MUST_CHECK bool group_move(struct group_index *index, struct hash128 key, uint64_t group, struct group_row *row,
                           struct err *err);
/* All fingerprints of a group into another; answers how many. */
uint32_t group_merge(struct group_index *index, uint64_t from, uint64_t into);

/* Rows as they were kept, in any order; before the first question. False when the index is full. */
bool group_load(struct group_index *index, const struct group_row *row);
/* The at-th row, 0 to group_index_count - 1. */
void group_row_at(const struct group_index *index, uint32_t at, struct group_row *row);

/* Why, for a person: "its stack is like that of 3f2a...: 0.74 of the weight of its frames is the same, 0.55 is asked for". */
struct bytes group_why(struct arena *arena, const struct group_decision *decision);
/* The same with a name for the fingerprint that it is like. */
struct bytes group_why_like(struct arena *arena, const struct group_decision *decision, const char *with);
