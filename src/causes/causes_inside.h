/* causes_inside.h -- the map that the walk is on. Thread: the caller's. */
#pragma once
#include "causes/causes.h"

/* What is more than chance: shares of errors, durations, calls. */
struct excess {
    double errors;  /* share above what it was, less two standard errors; 0: none */
    double time_ns; /* mean above what it was; 0: less than a tenth of it */
    double calls;   /* ln(since / before) */
};
struct place {
    struct bytes name;
    enum cause_place kind;
    const struct cause_service *own; /* NULL: it sends nothing itself */
    struct excess excess;
    int64_t onset_unix_us[CAUSE_TROUBLES]; /* 0: not known */
    bool is_symptom;
    double callers, callers_ill;                                               /* of those that called it before */
    double there[CAUSE_TROUBLES], next[CAUSE_TROUBLES], ended[CAUSE_TROUBLES]; /* of the walk */
    double from_outside; /* of what ended there for calls: by callers who send nothing */
    double score;
};
struct call {
    uint32_t source, target; /* the same: a service calls itself, which explains nothing, or */
    bool is_from_outside;    /* it has no source that is known */
    struct cause_figures before, since;
    int64_t onset_unix_us;
    struct excess excess;
};
struct map {
    const struct cause_input *input;
    struct place *places;
    struct call *calls;
    uint32_t *out, *in;           /* calls by source, and by target */
    uint32_t *out_from, *in_from; /* of each place the first, and one behind the last place */
    uint32_t place_count, call_count;
};
void causes_map_make(struct map *map, const struct cause_input *input, struct arena *arena);
int causes_map_find(const struct map *map, struct bytes name); /* -1: there is none */
bool causes_call_counts(const struct call *call);              /* was it there before? */
bool causes_call_is_ill(const struct call *call);
int64_t causes_place_onset(const struct place *place); /* of any trouble; 0: not known */
bool causes_place_is_silent(const struct place *place);
void causes_map_walk(struct map *map);
/* causes_words.c */
void cause_tell(const struct map *map, const struct place *place, struct arena *arena, struct cause *cause);
