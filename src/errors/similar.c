#include "errors/similar.h"

#include "base/hash.h"

#define WEIGHT_ONE   10000.0
#define FRAME_DECAY  0.35 /* the innermost outweighs all its callers: it is where it breaks */
#define PAIR_SHARE   0.35 /* of a frame's weight: order tells something, but a helper put between breaks it */
#define PLACE_SHARE  0.35 /* the frame's file or class: what stays of a function that was renamed */
#define FRAMES_TAKEN 12   /* beyond, the weight is below a sixtieth of the first */

struct chosen {
    const struct error_frame *frames[FRAMES_TAKEN];
    size_t count;
};

const struct error_exception *similar_root(const struct error_event *event)
{
    uint32_t at = 0;
    while (at + 1 < event->exception_count &&
           (event->exceptions[at + 1].link == ERROR_LINK_CAUSE || event->exceptions[at + 1].link == ERROR_LINK_INNER)) {
        if (event->exceptions[at + 1].link == ERROR_LINK_INNER && at > 0 &&
            event->exceptions[at].link == ERROR_LINK_INNER)
            break; /* the first of several */
        at++;
    }
    return &event->exceptions[at];
}

static bool tells(const struct error_frame *frame)
{
    return frame->in_app && !frame->is_weak;
}

/* A cause's stack ends where the outer exception's goes on, and often repeats it: each text once. */
static void frames_add(struct chosen *chosen, const struct error_exception *exception)
{
    for (uint32_t i = 0; i < exception->frame_count && chosen->count < FRAMES_TAKEN; i++) {
        const struct error_frame *frame = &exception->frames[i];
        if (!tells(frame)) continue;
        bool is_there = false;
        for (size_t k = 0; k < chosen->count && !is_there; k++) {
            is_there = bytes_equal(chosen->frames[k]->text, frame->text);
        }
        if (!is_there) chosen->frames[chosen->count++] = frame;
    }
}

static void shingle_add(struct similar_sketch *sketch, uint64_t hash, double weight)
{
    uint32_t key = (uint32_t)(hash >> 32);
    uint16_t add = (uint16_t)(weight * WEIGHT_ONE);
    if (add == 0) return;
    uint32_t at = 0;
    while (at < sketch->count && sketch->hash[at] < key) at++;
    if (at < sketch->count && sketch->hash[at] == key) {
        uint32_t sum = (uint32_t)sketch->weight[at] + add;
        sketch->weight[at] = sum > UINT16_MAX ? UINT16_MAX : (uint16_t)sum;
        return;
    }
    if (sketch->count == SIMILAR_SHINGLES_MAX) return;
    memmove(sketch->hash + at + 1, sketch->hash + at, (sketch->count - at) * sizeof sketch->hash[0]);
    memmove(sketch->weight + at + 1, sketch->weight + at, (sketch->count - at) * sizeof sketch->weight[0]);
    sketch->hash[at] = key;
    sketch->weight[at] = add;
    sketch->count++;
}

static struct bytes place_of(const struct error_frame *frame)
{
    const uint8_t *colon = memchr(frame->text.ptr, ':', frame->text.len);
    if (colon != NULL) return bytes_from(frame->text.ptr, (size_t)(colon - frame->text.ptr));
    const uint8_t *dot = memrchr(frame->text.ptr, '.', frame->text.len);
    return bytes_from(frame->text.ptr, dot == NULL ? 0 : (size_t)(dot - frame->text.ptr));
}

/* A minified bundle's stack: most of its names are made. What is left of it are names of properties. */
static bool is_minified(const struct error_event *event)
{
    uint32_t in_app = 0, weak = 0;
    for (uint32_t i = 0; i < event->exception_count; i++) {
        for (uint32_t k = 0; k < event->exceptions[i].frame_count; k++) {
            in_app += event->exceptions[i].frames[k].in_app;
            weak += event->exceptions[i].frames[k].in_app && event->exceptions[i].frames[k].is_weak;
        }
    }
    return weak * 2 > in_app;
}

void similar_sketch_of(struct similar_sketch *sketch, const struct error_event *event)
{
    *sketch = (struct similar_sketch){ 0 };
    const struct error_exception *root = similar_root(event);
    sketch->gate = hash64_mix(hash64_of(root->type) ^ SIMILAR_VERSION, 0x9E3779B97F4A7C15u);
    struct chosen chosen = { .count = 0 };
    for (const struct error_exception *at = root; at >= event->exceptions; at--) frames_add(&chosen, at);
    if (is_minified(event)) return; /* like nothing */
    double weight = 1;
    for (size_t i = 0; i < chosen.count; i++, weight *= FRAME_DECAY) {
        uint64_t frame = hash64_of(chosen.frames[i]->text);
        shingle_add(sketch, frame, weight);
        struct bytes place = place_of(chosen.frames[i]);
        if (place.len > 0) shingle_add(sketch, hash64_mix(hash64_of(place), 0xA0761D6478BD642Fu), weight * PLACE_SHARE);
        if (i + 1 < chosen.count) {
            uint64_t next = hash64_of(chosen.frames[i + 1]->text);
            shingle_add(sketch, hash64_mix(frame, next ^ 0xE7037ED1A0B428DBu), weight * PAIR_SHARE);
        }
    }
}

double similar_jaccard(struct similar_set x, struct similar_set y)
{
    uint32_t lesser = 0, greater = 0, i = 0, k = 0;
    while (i < x.count && k < y.count) {
        if (x.hash[i] == y.hash[k]) {
            uint32_t a = x.weight[i++], b = y.weight[k++];
            lesser += a < b ? a : b;
            greater += a < b ? b : a;
        } else if (x.hash[i] < y.hash[k]) {
            greater += x.weight[i++];
        } else {
            greater += y.weight[k++];
        }
    }
    while (i < x.count) greater += x.weight[i++];
    while (k < y.count) greater += y.weight[k++];
    return greater == 0 ? 0 : (double)lesser / greater;
}
