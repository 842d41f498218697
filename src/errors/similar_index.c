#include "errors/similar.h"

#include "base/hash.h"
#include <math.h>
#include <stdlib.h>

#define SAMPLES    (SIMILAR_BANDS * SIMILAR_ROWS)
#define TABLE_BITS 10
#define TABLE      (1u << TABLE_BITS)
#define NONE       UINT32_MAX
#define SKETCHES_0 256
#define CHAIN_MAX  64 /* of a bucket its newest: a stack that everything has says nothing */

/* Sketches lie in a row, as they came; a bucket of a band is a chain through next, newest first. */
struct kept {
    uint64_t gate;
    uint32_t shingles_at; /* in hash and weight */
    uint32_t id;
    uint32_t stamp; /* of the last look-up that saw it */
    uint16_t count;
};
struct similar_index {
    struct kept *kept;
    uint32_t count, room, count_max;
    uint32_t *next;  /* [sketch][band]: the next one of that bucket */
    uint32_t *heads; /* sketch * SIMILAR_BANDS + band, or NONE */
    uint32_t head_mask;
    uint32_t *hash;
    uint16_t *weight;
    uint32_t shingles, shingles_room;
    uint32_t stamp;
    float gamma[TABLE], gamma_ln[TABLE]; /* quantiles of Gamma(2, 1) */
    float weight_ln[1u << 8];            /* of weights by 256 */
};

/* The quantiles of Gamma(2, 1), whose distribution is 1 - (1 + x) e^-x: each by Newton's steps from the one before. */
static void tables_fill(struct similar_index *index)
{
    double x = sqrt(1.0 / TABLE);
    for (uint32_t i = 0; i < TABLE; i++) {
        double wanted = (i + 0.5) / TABLE;
        for (int step = 0; step < 3; step++) {
            double tail = exp(-x);
            x += (wanted - 1 + (1 + x) * tail) / (x * tail);
        }
        index->gamma[i] = (float)x;
        index->gamma_ln[i] = (float)log(x);
    }
    for (uint32_t i = 0; i < COUNT_OF(index->weight_ln); i++) index->weight_ln[i] = (float)log((i + 0.5) / 16.0);
}

static void heads_make(struct similar_index *index, uint32_t sketches)
{
    uint32_t heads = 1024;
    while (heads < sketches * SIMILAR_BANDS) heads *= 2;
    free(index->heads);
    index->heads = mem_alloc(heads * sizeof index->heads[0]);
    memset(index->heads, 0xFF, heads * sizeof index->heads[0]);
    index->head_mask = heads - 1;
}

struct similar_index *similar_index_create(uint32_t sketches_max)
{
    struct similar_index *index = mem_calloc(1, sizeof *index);
    assert(sketches_max < NONE / SIMILAR_BANDS / 2);
    index->count_max = sketches_max;
    tables_fill(index);
    heads_make(index, SKETCHES_0);
    return index;
}

void similar_index_destroy(struct similar_index *index)
{
    if (index == NULL) return;
    free(index->kept);
    free(index->next);
    free(index->heads);
    free(index->hash);
    free(index->weight);
    free(index);
}

/* One consistent weighted sample: which shingle has the least ln c - r (t - beta) - r, t being ln w / r + beta cut down. */
static uint32_t sample(const struct similar_index *index, struct similar_set set, uint32_t nth)
{
    uint64_t seed = hash64_mix(0x2545F4914F6CDD1Du * (nth + 1), 0xD6E8FEB86659FD93u + SIMILAR_VERSION);
    float least = INFINITY;
    uint32_t found = 0;
    for (uint32_t i = 0; i < set.count; i++) {
        uint64_t random = hash64_mix(set.hash[i] ^ seed, 0x8EBC6AF09C88C6E3u);
        float r = index->gamma[random & (TABLE - 1)];
        float c_ln = index->gamma_ln[random >> TABLE_BITS & (TABLE - 1)];
        float beta = (float)(random >> 2 * TABLE_BITS & 0xFFFF) / 65536.0f;
        float t = floorf(index->weight_ln[set.weight[i] >> 8] / r + beta);
        float a_ln = c_ln - r * (t - beta) - r;
        if (a_ln < least) {
            least = a_ln;
            found = set.hash[i];
        }
    }
    return found;
}

static void buckets_of(const struct similar_index *index, uint64_t gate, struct similar_set set,
                       uint32_t buckets[SIMILAR_BANDS])
{
    uint32_t nth = 0;
    for (uint32_t band = 0; band < SIMILAR_BANDS; band++) {
        uint64_t key = gate + band;
        for (uint32_t rows = band < SIMILAR_PAIRS ? 2 : 1; rows > 0; rows--) {
            key = hash64_mix(key ^ sample(index, set, nth++), 0xA0761D6478BD642Fu);
        }
        buckets[band] = (uint32_t)(key >> 32);
    }
}

static struct similar_set set_of(const struct similar_index *index, const struct kept *kept)
{
    return (struct similar_set){ index->hash + kept->shingles_at, index->weight + kept->shingles_at, kept->count };
}

static void link_in(struct similar_index *index, uint32_t at)
{
    const struct kept *kept = &index->kept[at];
    uint32_t buckets[SIMILAR_BANDS];
    buckets_of(index, kept->gate, set_of(index, kept), buckets);
    for (uint32_t band = 0; band < SIMILAR_BANDS; band++) {
        uint32_t entry = at * SIMILAR_BANDS + band, *head = &index->heads[buckets[band] & index->head_mask];
        index->next[entry] = *head;
        *head = entry;
    }
}

static void grow(struct similar_index *index)
{
    index->room = index->room == 0 ? SKETCHES_0 : index->room * 2;
    index->kept = mem_realloc(index->kept, index->room * sizeof index->kept[0]);
    index->next = mem_realloc(index->next, (size_t)index->room * SIMILAR_BANDS * sizeof index->next[0]);
    if (index->room * SIMILAR_BANDS <= index->head_mask + 1) return;
    heads_make(index, index->room);
    for (uint32_t at = 0; at < index->count; at++) link_in(index, at);
}

uint32_t similar_index_add(struct similar_index *index, const struct similar_sketch *sketch, uint32_t id)
{
    if (sketch->count == 0 || index->count == index->count_max) return SIMILAR_NONE;
    if (index->count == index->room) grow(index);
    if (index->shingles + sketch->count > index->shingles_room) {
        index->shingles_room = index->shingles_room == 0 ? SKETCHES_0 * 16 : index->shingles_room * 2;
        index->hash = mem_realloc(index->hash, index->shingles_room * sizeof index->hash[0]);
        index->weight = mem_realloc(index->weight, index->shingles_room * sizeof index->weight[0]);
    }
    memcpy(index->hash + index->shingles, sketch->hash, sketch->count * sizeof index->hash[0]);
    memcpy(index->weight + index->shingles, sketch->weight, sketch->count * sizeof index->weight[0]);
    uint32_t at = index->count++;
    index->kept[at] = (struct kept){
        .gate = sketch->gate, .shingles_at = index->shingles, .id = id, .count = (uint16_t)sketch->count
    };
    index->shingles += sketch->count;
    link_in(index, at);
    return at;
}

void similar_index_sketch(const struct similar_index *index, uint32_t at, struct similar_sketch *sketch)
{
    assert(at < index->count);
    const struct kept *kept = &index->kept[at];
    *sketch = (struct similar_sketch){ .gate = kept->gate, .count = kept->count };
    memcpy(sketch->hash, index->hash + kept->shingles_at, kept->count * sizeof sketch->hash[0]);
    memcpy(sketch->weight, index->weight + kept->shingles_at, kept->count * sizeof sketch->weight[0]);
}

static bool is_before(struct similar_found a, struct similar_found b)
{
    return a.score > b.score || (a.score == b.score && a.id < b.id);
}

static size_t found_put(struct similar_found found[SIMILAR_FOUND_MAX], size_t count, struct similar_found one)
{
    if (count == SIMILAR_FOUND_MAX && !is_before(one, found[count - 1])) return count;
    size_t at = count == SIMILAR_FOUND_MAX ? count - 1 : count++;
    for (; at > 0 && is_before(one, found[at - 1]); at--) found[at] = found[at - 1];
    found[at] = one;
    return count;
}

size_t similar_find(struct similar_index *index, const struct similar_sketch *sketch, double score_min,
                    struct similar_found found[SIMILAR_FOUND_MAX])
{
    if (sketch->count == 0 || index->count == 0) return 0;
    struct similar_set set = similar_set_of(sketch);
    uint32_t buckets[SIMILAR_BANDS], looked_at = 0;
    size_t count = 0;
    buckets_of(index, sketch->gate, set, buckets);
    index->stamp++; /* after 4 thousand million look-ups one may be skipped */
    for (uint32_t band = 0; band < SIMILAR_BANDS; band++) {
        uint32_t entry = index->heads[buckets[band] & index->head_mask];
        for (uint32_t hop = 0; entry != NONE && hop < CHAIN_MAX; hop++, entry = index->next[entry]) {
            struct kept *kept = &index->kept[entry / SIMILAR_BANDS];
            if (kept->stamp == index->stamp || kept->gate != sketch->gate) continue;
            kept->stamp = index->stamp;
            if (looked_at++ == SIMILAR_CANDIDATES_MAX) return count;
            float score = (float)similar_jaccard(set, set_of(index, kept));
            if (score >= score_min) count = found_put(found, count, (struct similar_found){ kept->id, score });
        }
    }
    return count;
}

size_t similar_index_bytes(const struct similar_index *index)
{
    return sizeof *index + index->room * (sizeof index->kept[0] + SIMILAR_BANDS * sizeof index->next[0]) +
           (index->head_mask + 1) * sizeof index->heads[0] +
           index->shingles_room * (sizeof index->hash[0] + sizeof index->weight[0]);
}
