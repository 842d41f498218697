/* similar.h -- tier 1: are two stacks of one defect? How much of their in-app frames is the same, the innermost most.
 *
 *   event --similar_sketch_of--> weighted shingles: frames, pairs of neighbours, files       at most SIMILAR_SHINGLES_MAX
 *   sketch --similar_find--> those of the index that are like it, by weighted Jaccard        signatures find, sums decide
 *
 * Shingles: the in-app frames of the whole chain of exceptions, the root cause's innermost first; a frame weighs FRAME_DECAY
 * of the one inside it. Weighted Jaccard of two sets is the sum of the lesser weights over the sum of the greater ones, exact.
 * Candidates: bands of one or two values of a signature of consistent weighted samples; two sketches share a value with a
 * probability of their similarity. At 0.5 one of the bands meets in 9,999 of 10,000 cases, at 0.3 in 997 of 1,000.
 * The type of the root cause is part of every band: stacks with another type are never compared.
 * Sources: A. Broder, "On the resemblance and containment of documents" (1997); S. Ioffe, "Improved Consistent Sampling,
 * Weighted Minhash and L1 Sketching" (2010); P. Li, "0-bit Consistent Weighted Sampling" (2015): its t is not needed.
 *
 * Deterministic: seeds are fixed and hang on SIMILAR_VERSION; shingles may be kept on disk, signatures are made anew.
 * Memory: SIMILAR_BYTES_PER_SKETCH each at most, as they come; no more than the maximum stated at the start.
 * Time: similar_find looks at SIMILAR_CANDIDATES_MAX sketches at most. Thread: one owner. Errors: none. */
#pragma once
#include "errors/error_event.h"

#define SIMILAR_VERSION          1
#define SIMILAR_SHINGLES_MAX     40
#define SIMILAR_PAIRS            16 /* bands of two values: few candidates, the more alike ones */
#define SIMILAR_SINGLES          12 /* bands of one: the rest */
#define SIMILAR_BANDS            (SIMILAR_PAIRS + SIMILAR_SINGLES)
#define SIMILAR_CANDIDATES_MAX   192
#define SIMILAR_FOUND_MAX        16
#define SIMILAR_BYTES_PER_SKETCH (SIMILAR_SHINGLES_MAX * 6 + SIMILAR_BANDS * 4 * 3 + 24)

struct similar_sketch {
    uint64_t gate;                       /* of the root cause's type: sketches with another are not compared */
    uint32_t count;                      /* 0: no frame tells anything; like nothing */
    uint32_t hash[SIMILAR_SHINGLES_MAX]; /* ascending, each once */
    uint16_t weight[SIMILAR_SHINGLES_MAX];
};
/* What is thrown first in the chain: the last cause of the first exception. */
const struct error_exception *similar_root(const struct error_event *event);
void similar_sketch_of(struct similar_sketch *sketch, const struct error_event *event);
struct similar_set { /* shingles, borrowed */
    const uint32_t *hash;
    const uint16_t *weight;
    uint32_t count;
};
static inline struct similar_set similar_set_of(const struct similar_sketch *sketch)
{
    return (struct similar_set){ sketch->hash, sketch->weight, sketch->count };
}
/* From 0, nothing in common, to 1. */
double similar_jaccard(struct similar_set a, struct similar_set b);

struct similar_index;
struct similar_found {
    uint32_t id;
    float score;
};
/* sketches_max: further ones are not taken. */
struct similar_index *similar_index_create(uint32_t sketches_max);
void similar_index_destroy(struct similar_index *index); /* NULL is fine */
#define SIMILAR_NONE UINT32_MAX
/* id: what similar_find gives back. Answers where it is kept; SIMILAR_NONE when it has no shingles or the index is full. */
uint32_t similar_index_add(struct similar_index *index, const struct similar_sketch *sketch, uint32_t id);
void similar_index_sketch(const struct similar_index *index, uint32_t at, struct similar_sketch *sketch);
/* Those of the same gate with a score of at least score_min, best first, equals by age; answers their count. */
size_t similar_find(struct similar_index *index, const struct similar_sketch *sketch, double score_min,
                    struct similar_found found[SIMILAR_FOUND_MAX]);
size_t similar_index_bytes(const struct similar_index *index);
