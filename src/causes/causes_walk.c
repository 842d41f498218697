/* The walk: causes.h says where it goes on. */
#include "causes/causes_inside.h"
#include <math.h>

enum { STEPS = 40 };
static const double STAYS = 0.05;        /* of each step: what is near is a little likelier than what is far */
static const double CALLS_MIN = 0.18;    /* ln: 1.2 times */
static const double OVERLOAD = 0.4;      /* ln: half as many calls again */
static const double OVERLOAD_PART = 0.8; /* of what would stay */
static const double LATE_US = 180e6, LATE_FADES_US = 300e6, LATE_LEAST = 0.2;

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* A cause does not begin after its effect. */
static double in_time(const struct place *effect, enum cause_trouble trouble, const struct place *cause)
{
    int64_t begin = effect->onset_unix_us[trouble] > 0 ? effect->onset_unix_us[trouble] : causes_place_onset(effect);
    int64_t from = causes_place_onset(cause);
    if (begin == 0 || from == 0) return 1;
    double late_us = (double)(from - begin) - LATE_US;
    return late_us <= 0 ? 1 : fmax(LATE_LEAST, exp(-late_us / LATE_FADES_US));
}

/* What sends nothing itself is known by its callers: it is ill as far as the others of them see it, too. */
static double others_see_it(const struct map *map, const struct call *asked)
{
    const struct place *target = &map->places[asked->target];
    double others = target->callers - causes_call_counts(asked),
           ill = target->callers_ill - (causes_call_counts(asked) && causes_call_is_ill(asked));
    return others <= 0 ? 0.85 : 0.1 + 0.85 * ill / others;
}

/* How far the other side of a call explains what the caller sees of it: by errors, by slowness, by silence. */
static void explain(const struct map *map, const struct call *call, enum cause_trouble seen,
                    double part[CAUSE_TROUBLES])
{
    const struct place *target = &map->places[call->target];
    memset(part, 0, CAUSE_TROUBLES * sizeof *part);
    if (!target->own) {
        part[seen] = others_see_it(map, call);
        return;
    }
    if (causes_place_is_silent(target)) {
        part[CAUSE_VOLUME] = 1;
        return;
    }
    double was = target->own->before.mean_ns, slow = was > 0 && target->excess.time_ns > 0.25 * was;
    if (seen == CAUSE_ERRORS) {
        part[CAUSE_ERRORS] = clamp(target->excess.errors / call->excess.errors);
        part[CAUSE_LATENCY] = slow > 0 ? 1 - part[CAUSE_ERRORS] : 0; /* it did not answer in time */
    } else {
        part[CAUSE_LATENCY] = clamp(target->excess.time_ns / call->excess.time_ns);
        part[CAUSE_ERRORS] = target->excess.errors > 0.02 ? 0.5 * (1 - part[CAUSE_LATENCY]) : 0; /* tried again */
    }
}

/* Errors and slowness go to what is called; answers how much went. */
static double to_called(struct map *map, uint32_t at, enum cause_trouble trouble, double mass)
{
    const struct place *place = &map->places[at];
    double rows = place->own ? place->own->since.rows : 0,
           own = rows * (trouble == CAUSE_ERRORS ? place->excess.errors : place->excess.time_ns), all = 0, went = 0;
    for (int is_told = 0; is_told <= 1; is_told++) /* first the sum, then its parts */
        for (uint32_t o = map->out_from[at]; o < map->out_from[at + 1]; o++) {
            const struct call *call = &map->calls[map->out[o]];
            double more = call->since.rows * (trouble == CAUSE_ERRORS ? call->excess.errors : call->excess.time_ns),
                   part[CAUSE_TROUBLES];
            if (call->source == call->target || more <= 0) continue;
            if (!is_told) {
                all += more;
                continue;
            }
            struct place *target = &map->places[call->target];
            double moves = mass * more / fmax(own, all) * in_time(place, trouble, target);
            explain(map, call, trouble, part);
            for (int t = 0; t < CAUSE_TROUBLES; t++) {
                target->next[t] += moves * part[t];
                went += moves * part[t];
            }
        }
    return went;
}

/* More or fewer calls are of whoever makes them; answers how much went. */
static double to_callers(struct map *map, uint32_t at, double mass)
{
    struct place *place = &map->places[at];
    double side = place->excess.calls, own = place->own ? fabs(place->own->since.rows - place->own->before.rows) : 0,
           all = 0, went = 0;
    if (fabs(side) < CALLS_MIN) return 0;
    for (int is_told = 0; is_told <= 1; is_told++)
        for (uint32_t i = map->in_from[at]; i < map->in_from[at + 1]; i++) {
            const struct call *call = &map->calls[map->in[i]];
            double change = (call->since.rows - call->before.rows) * (side > 0 ? 1 : -1);
            if (change <= 0 || call->excess.calls * side <= 0 || (call->source == at && !call->is_from_outside))
                continue;
            if (!is_told) {
                all += change;
                continue;
            }
            double moves = mass * change / fmax(own, all);
            went += moves;
            if (call->is_from_outside) { /* here it comes in */
                place->ended[CAUSE_VOLUME] += moves;
                place->from_outside += moves;
                continue;
            }
            struct place *caller = &map->places[call->source];
            double same = clamp(caller->excess.calls / call->excess.calls), rest = moves * (1 - same);
            caller->next[CAUSE_VOLUME] += moves * same;
            if (side > 0) { /* what fails is tried again, once or twice */
                double again = rest * clamp(log1p(2 * call->excess.errors) / call->excess.calls);
                place->next[CAUSE_ERRORS] += again;
                caller->ended[CAUSE_VOLUME] += rest - again;
            } else if (side < 0 && call->excess.errors > 0.02)
                place->ended[CAUSE_VOLUME] += rest; /* it is given up */
            else if (side < 0 && caller->excess.errors > 0)
                caller->next[CAUSE_ERRORS] += rest; /* it fails before it calls */
            else if (side < 0 && caller->own && caller->excess.time_ns > 0.25 * caller->own->before.mean_ns)
                caller->next[CAUSE_LATENCY] += rest;
            else
                caller->ended[CAUSE_VOLUME] += rest;
        }
    return went;
}

static void step(struct map *map, uint32_t at, enum cause_trouble trouble, bool is_last)
{
    struct place *place = &map->places[at];
    double mass = place->there[trouble], goes = mass * (1 - STAYS);
    place->there[trouble] = 0;
    if (mass <= 0) return;
    if (is_last) {
        place->ended[trouble] += mass;
        return;
    }
    double went = trouble == CAUSE_VOLUME ? to_callers(map, at, goes) : to_called(map, at, trouble, goes);
    double stays = fmax(0, mass - went);
    if (trouble != CAUSE_VOLUME && place->excess.calls >= OVERLOAD) {
        place->next[CAUSE_VOLUME] += OVERLOAD_PART * stays;
        stays *= 1 - OVERLOAD_PART;
    }
    place->ended[trouble] += stays;
}

/* What began at another time is less likely the same. */
static double weight_of(const struct cause_input *input, const struct cause_symptom *symptom)
{
    double far_us = fabs((double)(symptom->onset_unix_us - input->onset_unix_us));
    if (symptom->service.len == 0) return 0;
    return fmax(0, symptom->weight) * (symptom->is_asked ? 1 : exp(-far_us / (double)CAUSES_TOGETHER_US));
}

void causes_map_walk(struct map *map)
{
    const struct cause_input *input = map->input;
    double asked = 0, others = 0;
    for (uint32_t s = 0; s < input->symptom_count; s++)
        *(input->symptoms[s].is_asked ? &asked : &others) += weight_of(input, &input->symptoms[s]);
    for (uint32_t s = 0; s < input->symptom_count; s++) {
        const struct cause_symptom *symptom = &input->symptoms[s];
        int found = causes_map_find(map, symptom->service);
        double weight = weight_of(input, symptom), all = symptom->is_asked ? asked : others;
        if (found >= 0 && weight > 0)
            map->places[found].there[symptom->trouble] += (asked > 0 && others > 0 ? 0.5 : 1) * weight / all;
    }
    for (int n = 0; n < STEPS; n++) {
        for (uint32_t p = 0; p < map->place_count; p++)
            for (int t = 0; t < CAUSE_TROUBLES; t++) step(map, p, (enum cause_trouble)t, n == STEPS - 1);
        for (uint32_t p = 0; p < map->place_count; p++)
            for (int t = 0; t < CAUSE_TROUBLES; t++) {
                map->places[p].there[t] += map->places[p].next[t];
                map->places[p].next[t] = 0;
            }
    }
    for (uint32_t p = 0; p < map->place_count; p++)
        for (int t = 0; t < CAUSE_TROUBLES; t++) map->places[p].ended[t] += map->places[p].there[t];
}
