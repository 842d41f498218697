#include "causes/causes.h"
#include "causes/causes_inside.h"
#include <math.h>
#include <stdlib.h>

const char *const cause_place_names[CAUSE_PLACES] = { "service", "database", "messaging", "external", "caller" };

/* Of each place that has a finding, and of all of them together: the walk may be wrong. */
static const double SYMPTOM_LEAST = 0.02, SYMPTOMS_LEAST = 0.1;
static const double SCORE_MIN = 0.01;
static const double DEPLOY_TIMES = 1.5, DEPLOY_FADES_US = 600e6, ISSUE_TIMES = 0.25, ATTRIBUTE_TIMES = 0.2,
                    ATTRIBUTE_SCORE_MIN = 0.3, VERSION_TIMES = 1;

/* The last release before it began, or just behind it. */
static const struct cause_deploy *deploy_of(const struct map *map, const struct place *place, double *times)
{
    const struct cause_input *input = map->input;
    const struct cause_deploy *nearest = NULL;
    int64_t onset = causes_place_onset(place) > 0 ? causes_place_onset(place) : input->onset_unix_us, least = INT64_MAX;
    for (uint32_t d = 0; d < input->deploy_count; d++) {
        const struct cause_deploy *deploy = &input->deploys[d];
        int64_t before = onset - deploy->first_unix_us, far = before < 0 ? -before : before;
        if (!bytes_equal(deploy->service, place->name) || before > CAUSES_BEFORE_US || before < -CAUSES_AFTER_US ||
            far >= least)
            continue;
        nearest = deploy;
        least = far;
    }
    if (nearest) *times *= 1 + DEPLOY_TIMES * exp(-(double)least / DEPLOY_FADES_US);
    return nearest;
}

static const struct cause_issue *issue_of(const struct map *map, const struct place *place, double *times)
{
    const struct cause_issue *most = NULL;
    for (uint32_t i = 0; i < map->input->issue_count; i++) {
        const struct cause_issue *issue = &map->input->issues[i];
        if (!bytes_equal(issue->service, place->name) || issue->since < 2 * issue->before || issue->since <= 0)
            continue;
        if (!most || issue->since - issue->before > most->since - most->before) most = issue;
    }
    if (most) *times *= 1 + ISSUE_TIMES;
    return most;
}

/* A version that sets ill rows apart is the release's own evidence. */
static const struct cause_attribute *attribute_of(const struct map *map, const struct place *place,
                                                  const struct cause_deploy *deploy, double *times)
{
    const struct cause_attribute *best = NULL;
    for (uint32_t a = 0; a < map->input->attribute_count; a++) {
        const struct cause_attribute *attribute = &map->input->attributes[a];
        if (!bytes_equal(attribute->service, place->name) || attribute->score < ATTRIBUTE_SCORE_MIN) continue;
        if (deploy && bytes_equal(attribute->value, deploy->version)) {
            *times *= 1 + VERSION_TIMES;
            return attribute;
        }
        if (!best || attribute->score > best->score) best = attribute;
    }
    if (best) *times *= 1 + ATTRIBUTE_TIMES;
    return best;
}

static int cause_compare(const void *a, const void *b)
{
    const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x < y ? -1 : 1; /* by name, as places are */
}

void causes_rank(const struct cause_input *input, struct arena *arena, const struct cause **causes, uint32_t *count)
{
    struct map map;
    double all = 0, least = fmin(SYMPTOM_LEAST, SYMPTOMS_LEAST / fmax(1, input->symptom_count));
    causes_map_make(&map, input, arena);
    causes_map_walk(&map);
    struct place **order = arena_alloc(arena, (map.place_count + 1) * sizeof *order);
    struct cause *of = arena_calloc(arena, (map.place_count + 1) * sizeof *of);
    for (uint32_t p = 0; p < map.place_count; p++) {
        struct place *place = &map.places[p];
        double times = 1;
        order[p] = place;
        for (int t = 0; t < CAUSE_TROUBLES; t++) place->score += place->ended[t];
        if (place->is_symptom) place->score += least;
        if (place->score <= 0) continue;
        of[p].deploy = deploy_of(&map, place, &times);
        of[p].issue = issue_of(&map, place, &times);
        of[p].attribute = attribute_of(&map, place, of[p].deploy, &times);
        place->score *= times;
        all += place->score;
    }
    qsort(order, map.place_count, sizeof *order, cause_compare);
    struct cause *out = arena_calloc(arena, CAUSES_MAX * sizeof *out);
    *causes = out;
    *count = 0;
    for (uint32_t p = 0; p < map.place_count && *count < CAUSES_MAX && order[p]->score > SCORE_MIN * all; p++) {
        struct place *place = order[p];
        struct cause *cause = &out[(*count)++];
        *cause = of[place - map.places];
        cause->place = place->name;
        cause->kind = place->kind;
        cause->score = place->score / all;
        cause->onset_unix_us = causes_place_onset(place);
        for (int t = 0; t < CAUSE_TROUBLES; t++)
            if (place->ended[t] > place->ended[cause->trouble]) cause->trouble = (enum cause_trouble)t;
        cause_tell(&map, place, arena, cause);
    }
}

uint32_t causes_onset(const double *values, const double *weights, uint32_t count)
{
    double all = 0, all_weight = 0, sum = 0, weight = 0, best = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        all += values[i] * weights[i];
        all_weight += weights[i];
    }
    for (uint32_t i = 1; i < count; i++) {
        sum += values[i - 1] * weights[i - 1];
        weight += weights[i - 1];
        if (weight <= 0 || all_weight - weight <= 0) continue;
        double apart = sum / weight - (all - sum) / (all_weight - weight);
        double explained = apart * apart * weight * (all_weight - weight) / all_weight;
        if (explained <= best * (1 + 1e-9)) continue;
        best = explained;
        at = i;
    }
    return at;
}

double causes_mean_ns(const struct ddsketch_count *buckets, size_t count)
{
    double all = 0, left, sum = 0;
    for (size_t b = 0; b < count; b++) all += (double)buckets[b].count;
    left = ceil(0.98 * all);
    double taken = left;
    for (size_t b = 0; b < count && left > 0; b++) {
        double of = fmin(left, (double)buckets[b].count);
        sum += of * ddsketch_value(buckets[b].bucket);
        left -= of;
    }
    return taken > 0 ? sum / taken : 0;
}
