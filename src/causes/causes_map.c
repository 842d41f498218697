/* Names to places, calls to edges between them, figures to what is more than chance. */
#include "causes/causes_inside.h"
#include <math.h>
#include <stdlib.h>

static const double SHARE_MIN = 0.003, TIME_MIN = 0.1;

static int place_compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = bytes_compare(x->name, y->name);
    if (order != 0) return order;
    if ((x->own != NULL) != (y->own != NULL)) return x->own ? -1 : 1; /* who sends something is who is meant */
    return (int)x->kind - (int)y->kind;
}

int causes_map_find(const struct map *map, struct bytes name)
{
    uint32_t low = 0, high = map->place_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(map->places[middle].name, name);
        if (order == 0) return (int)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static bool has_end(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* A call that nobody answered goes to a host: "payments:8080" or "payments.shop.svc.cluster.local" is the service payments where
 * there is one; "payments.example.com" is somebody else's. */
static int find_target(const struct map *map, const struct cause_call *call)
{
    struct bytes host = call->target;
    for (size_t at = 0; at < host.len; at++)
        if (host.ptr[at] == ':') host.len = at;
    size_t len = 0;
    while (len < host.len && host.ptr[len] != '.') len++;
    bool is_ours = len == host.len || has_end(host, ".svc") || has_end(host, ".local") || has_end(host, ".internal");
    int place = call->target_kind == CAUSE_EXTERNAL && is_ours ? causes_map_find(map, bytes_from(host.ptr, len)) : -1;
    return place >= 0 && map->places[place].own ? place : causes_map_find(map, call->target);
}

static double share(const struct cause_figures *figures)
{
    return figures->rows > 0 ? fmin(1, figures->errors / figures->rows) : 0;
}

static struct excess excess_of(const struct cause_input *input, const struct cause_figures *before,
                               const struct cause_figures *since)
{
    double was = share(before), is = share(since), rows = since->rows * input->since_minutes;
    double chance = 2 * sqrt((was + 0.002) * (1 - was) / fmax(rows, 1));
    struct excess excess = { .errors = fmax(0, is - was - chance) };
    if (excess.errors < SHARE_MIN || is * rows < 3) excess.errors = 0;
    if (before->mean_ns > 0 && since->mean_ns > (1 + TIME_MIN) * before->mean_ns && rows >= 5)
        excess.time_ns = since->mean_ns - before->mean_ns;
    excess.calls = log((since->rows + 0.2) / (before->rows + 0.2));
    return excess;
}

static void place_add(struct map *map, struct bytes name, enum cause_place kind, const struct cause_service *own)
{
    if (name.len > 0) map->places[map->place_count++] = (struct place){ .name = name, .kind = kind, .own = own };
}

static void places_make(struct map *map, struct arena *arena)
{
    const struct cause_input *input = map->input;
    uint32_t kept = 0;
    size_t most = (size_t)input->service_count + 2 * (size_t)input->call_count + input->symptom_count + 1;
    map->places = arena_calloc(arena, most * sizeof *map->places);
    for (uint32_t s = 0; s < input->service_count; s++)
        place_add(map, input->services[s].name, CAUSE_SERVICE, &input->services[s]);
    for (uint32_t c = 0; c < input->call_count; c++) {
        if (input->calls[c].source_kind != CAUSE_OUTSIDE)
            place_add(map, input->calls[c].source, input->calls[c].source_kind, NULL);
        place_add(map, input->calls[c].target, input->calls[c].target_kind, NULL);
    }
    for (uint32_t s = 0; s < input->symptom_count; s++) place_add(map, input->symptoms[s].service, CAUSE_SERVICE, NULL);
    qsort(map->places, map->place_count, sizeof *map->places, place_compare);
    for (uint32_t p = 0; p < map->place_count && kept < CAUSES_PLACES_MAX; p++)
        if (kept == 0 || bytes_compare(map->places[kept - 1].name, map->places[p].name) != 0)
            map->places[kept++] = map->places[p];
    map->place_count = kept;
    for (uint32_t p = 0; p < kept; p++)
        if (map->places[p].own)
            map->places[p].excess = excess_of(input, &map->places[p].own->before, &map->places[p].own->since);
}

/* Of each place the calls that it makes (is_in: gets). */
static void calls_sort(struct map *map, struct arena *arena, bool is_in, uint32_t **calls, uint32_t **from)
{
    uint32_t *at = arena_calloc(arena, (map->place_count + 2) * sizeof *at),
             *by = arena_alloc(arena, (map->call_count + 1) * sizeof *by);
    for (uint32_t c = 0; c < map->call_count; c++) at[(is_in ? map->calls[c].target : map->calls[c].source) + 2]++;
    for (uint32_t p = 2; p < map->place_count + 2; p++) at[p] += at[p - 1];
    for (uint32_t c = 0; c < map->call_count; c++)
        by[at[(is_in ? map->calls[c].target : map->calls[c].source) + 1]++] = c;
    *calls = by;
    *from = at;
}

static int call_compare(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    if (x->source != y->source) return x->source < y->source ? -1 : 1;
    if (x->target != y->target) return x->target < y->target ? -1 : 1;
    return (int)x->is_from_outside - (int)y->is_from_outside;
}

static void figures_add(struct cause_figures *sum, const struct cause_figures *more)
{
    double rows = sum->rows + more->rows;
    if (more->rows > 0 && rows > 0) sum->mean_ns += (more->mean_ns - sum->mean_ns) * more->rows / rows;
    sum->rows = rows;
    sum->errors += more->errors;
}

/* Of two places one: some calls of a service are known by its name, others by its host's. */
static void calls_make(struct map *map, struct arena *arena)
{
    const struct cause_input *input = map->input;
    uint32_t most = input->call_count < CAUSES_CALLS_MAX ? input->call_count : CAUSES_CALLS_MAX, kept = 0;
    map->calls = arena_alloc(arena, (most + 1) * sizeof *map->calls);
    for (uint32_t c = 0; c < input->call_count && map->call_count < most; c++) {
        const struct cause_call *told = &input->calls[c];
        bool is_from_outside = told->source_kind == CAUSE_OUTSIDE;
        int target = find_target(map, told), source = is_from_outside ? target : causes_map_find(map, told->source);
        if (source < 0 || target < 0) continue;
        map->calls[map->call_count++] = (struct call){ .source = (uint32_t)source,
                                                       .target = (uint32_t)target,
                                                       .is_from_outside = is_from_outside,
                                                       .before = told->before,
                                                       .since = told->since,
                                                       .onset_unix_us = told->onset_unix_us };
    }
    qsort(map->calls, map->call_count, sizeof *map->calls, call_compare);
    for (uint32_t c = 0; c < map->call_count; c++) {
        struct call *last = kept > 0 ? &map->calls[kept - 1] : NULL, *call = &map->calls[c];
        if (!last || call_compare(last, call) != 0) {
            map->calls[kept++] = *call;
            continue;
        }
        figures_add(&last->before, &call->before);
        figures_add(&last->since, &call->since);
        if (last->onset_unix_us == 0 || (call->onset_unix_us > 0 && call->onset_unix_us < last->onset_unix_us))
            last->onset_unix_us = call->onset_unix_us;
    }
    map->call_count = kept;
    for (uint32_t c = 0; c < kept; c++)
        map->calls[c].excess = excess_of(input, &map->calls[c].before, &map->calls[c].since);
}

bool causes_call_counts(const struct call *call)
{
    return call->before.rows >= 0.5;
}

bool causes_call_is_ill(const struct call *call)
{
    return call->excess.errors > 0 || call->excess.time_ns > 0.25 * call->before.mean_ns;
}

/* What sends nothing itself has as many calls as its callers make. */
static void callers_add(struct map *map)
{
    for (uint32_t c = 0; c < map->call_count; c++) {
        struct place *target = &map->places[map->calls[c].target];
        if (!causes_call_counts(&map->calls[c])) continue;
        target->callers++;
        target->callers_ill += causes_call_is_ill(&map->calls[c]);
    }
    for (uint32_t p = 0; p < map->place_count; p++) {
        double before = 0, since = 0;
        for (uint32_t i = map->in_from[p]; i < map->in_from[p + 1]; i++) {
            before += map->calls[map->in[i]].before.rows;
            since += map->calls[map->in[i]].since.rows;
        }
        if (!map->places[p].own) map->places[p].excess.calls = log((since + 0.2) / (before + 0.2));
    }
}

void causes_map_make(struct map *map, const struct cause_input *input, struct arena *arena)
{
    *map = (struct map){ .input = input };
    places_make(map, arena);
    calls_make(map, arena);
    calls_sort(map, arena, false, &map->out, &map->out_from);
    calls_sort(map, arena, true, &map->in, &map->in_from);
    callers_add(map);
    for (uint32_t s = 0; s < input->symptom_count; s++) {
        const struct cause_symptom *symptom = &input->symptoms[s];
        int found = symptom->service.len > 0 ? causes_map_find(map, symptom->service) : -1;
        if (found < 0) continue;
        int64_t *onset = &map->places[found].onset_unix_us[symptom->trouble];
        if (*onset == 0 || symptom->onset_unix_us < *onset) *onset = symptom->onset_unix_us;
        map->places[found].is_symptom = true;
    }
    for (uint32_t c = 0; c < map->call_count; c++) { /* what sends nothing began when its callers saw it */
        struct place *target = &map->places[map->calls[c].target];
        int64_t at = map->calls[c].onset_unix_us;
        if (target->own || at == 0) continue;
        enum cause_trouble trouble = map->calls[c].excess.errors > 0 ? CAUSE_ERRORS : CAUSE_LATENCY;
        int64_t *onset = &target->onset_unix_us[trouble];
        if ((map->calls[c].excess.errors > 0 || map->calls[c].excess.time_ns > 0) && (*onset == 0 || at < *onset))
            *onset = at;
    }
}

int64_t causes_place_onset(const struct place *place)
{
    int64_t first = 0;
    for (int t = 0; t < CAUSE_TROUBLES; t++)
        if (place->onset_unix_us[t] > 0 && (first == 0 || place->onset_unix_us[t] < first))
            first = place->onset_unix_us[t];
    return first;
}

/* It served something, and serves nothing. */
bool causes_place_is_silent(const struct place *place)
{
    return place->own && place->own->before.rows >= 1 && place->own->since.rows < 0.1 * place->own->before.rows;
}
