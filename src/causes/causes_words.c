/* What speaks for a cause, in words. */
#include "base/rfc3339.h"
#include "causes/causes_inside.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { EVIDENCE_MAX = 8, NAMED_MAX = 3 };

static const char *duration_text(struct arena *arena, double ns)
{
    return ns >= 1e9   ? arena_printf(arena, "%.3g s", ns / 1e9)
           : ns >= 1e6 ? arena_printf(arena, "%.3g ms", ns / 1e6)
                       : arena_printf(arena, "%.3g us", ns / 1e3);
}

static const char *name_text(struct arena *arena, struct bytes name)
{
    return arena_printf(arena, "%.*s", (int)(name.len > 120 ? 120 : name.len), (const char *)name.ptr);
}

static const char *minutes_text(struct arena *arena, int64_t us)
{
    int64_t minutes = ((us < 0 ? -us : us) + 30000000) / 60000000;
    return minutes == 0 ? "in the minute in which it began"
                        : arena_printf(arena, "%" PRId64 " %s %s", minutes, minutes == 1 ? "minute" : "minutes",
                                       us < 0 ? "after it began" : "before it began");
}

static double percent(const struct cause_figures *figures)
{
    return figures->rows > 0 ? fmin(100, 100 * figures->errors / figures->rows) : 0;
}

/* All that call it together, of what sends nothing itself. */
static struct cause_figures of_callers(const struct map *map, uint32_t place, bool is_since)
{
    struct cause_figures sum = { 0 };
    for (uint32_t i = map->in_from[place]; i < map->in_from[place + 1]; i++) {
        const struct call *call = &map->calls[map->in[i]];
        const struct cause_figures *one = is_since ? &call->since : &call->before;
        sum.rows += one->rows;
        sum.errors += one->errors;
        sum.mean_ns += one->mean_ns * one->rows;
    }
    if (sum.rows > 0) sum.mean_ns /= sum.rows;
    return sum;
}

static void tell(struct cause *cause, struct cause_evidence *evidence, const char *kind, const char *text)
{
    if (cause->evidence_count < EVIDENCE_MAX) evidence[cause->evidence_count++] = (struct cause_evidence){ kind, text };
}

static void tell_trouble(const struct map *map, const struct place *place, struct arena *arena, struct cause *cause,
                         struct cause_evidence *evidence)
{
    uint32_t at = (uint32_t)(place - map->places);
    const char *what = place->own ? "requests" : "calls to it", *all = place->own ? "its requests" : "the calls to it";
    struct cause_figures before = place->own ? place->own->before : of_callers(map, at, false),
                         since = place->own ? place->own->since : of_callers(map, at, true);
    if (percent(&since) >= percent(&before) + 0.5)
        tell(cause, evidence, "trouble",
             arena_printf(arena, "%.3g%% of %s fail, %.3g%% before", percent(&since), all, percent(&before)));
    if (before.mean_ns > 0 && since.mean_ns > 1.1 * before.mean_ns)
        tell(cause, evidence, "trouble",
             arena_printf(arena, "%s take %s, %s before", all, duration_text(arena, since.mean_ns),
                          duration_text(arena, before.mean_ns)));
    if (fabs(log((since.rows + 0.2) / (before.rows + 0.2))) > 0.2)
        tell(cause, evidence, "trouble",
             arena_printf(arena, "%.3g %s a minute, %.3g before%s", since.rows, what, before.rows,
                          place->from_outside > 0.5 * place->ended[CAUSE_VOLUME] && place->from_outside > 0
                              ? ", by callers from outside"
                              : ""));
}

/* Does what it calls explain its trouble? */
static void tell_calls(const struct map *map, const struct place *place, struct arena *arena, struct cause *cause,
                       struct cause_evidence *evidence)
{
    uint32_t at = (uint32_t)(place - map->places);
    const struct call *worst = NULL;
    bool calls = false;
    for (uint32_t o = map->out_from[at]; o < map->out_from[at + 1]; o++) {
        const struct call *call = &map->calls[map->out[o]];
        if (call->source == call->target) continue;
        calls = true;
        bool is_ill = causes_call_is_ill(call);
        if (is_ill && (!worst || call->excess.errors * call->since.rows > worst->excess.errors * worst->since.rows))
            worst = call;
    }
    if (calls && !worst) tell(cause, evidence, "calls", "what it calls does as before");
    if (worst && worst->excess.errors > 0)
        tell(cause, evidence, "calls",
             arena_printf(arena, "%.3g%% of its calls to %s fail, %.3g%% before", percent(&worst->since),
                          name_text(arena, map->places[worst->target].name), percent(&worst->before)));
}

static void tell_spread(const struct map *map, const struct place *place, struct arena *arena, struct cause *cause,
                        struct cause_evidence *evidence)
{
    uint32_t at = (uint32_t)(place - map->places), named = 0, ill = 0;
    const char *names = "";
    for (uint32_t i = map->in_from[at]; i < map->in_from[at + 1]; i++) {
        const struct call *call = &map->calls[map->in[i]];
        if (call->source == call->target || !(call->excess.errors > 0 || call->excess.time_ns > 0)) continue;
        ill++;
        if (named == NAMED_MAX) continue;
        names =
            arena_printf(arena, "%s%s%s", names, named++ ? ", " : "", name_text(arena, map->places[call->source].name));
    }
    if (ill > 0)
        tell(cause, evidence, "spread",
             arena_printf(arena, "%s%s %s", names, ill > named ? " and others" : "",
                          ill == 1 ? "sees it in its calls" : "see it in their calls"));
}

void cause_tell(const struct map *map, const struct place *place, struct arena *arena, struct cause *cause)
{
    struct cause_evidence *evidence = arena_alloc(arena, EVIDENCE_MAX * sizeof *evidence);
    int64_t onset = cause->onset_unix_us > 0 ? cause->onset_unix_us : map->input->onset_unix_us;
    cause->evidence = evidence;
    if (cause->deploy)
        tell(cause, evidence, "release",
             arena_printf(arena, "release %s was first seen %s", name_text(arena, cause->deploy->version),
                          minutes_text(arena, onset - cause->deploy->first_unix_us)));
    if (cause->attribute)
        tell(cause, evidence, "attribute",
             arena_printf(arena, "%s is %s in %.0f%% of the ill rows, in %.0f%% of the others",
                          name_text(arena, cause->attribute->name), name_text(arena, cause->attribute->value),
                          100 * cause->attribute->in, 100 * cause->attribute->out));
    tell_trouble(map, place, arena, cause, evidence);
    if (cause->issue)
        tell(cause, evidence, "issue",
             arena_printf(arena, "issue #%" PRId64 " (%s): %.3g events a minute, %.3g before", cause->issue->number,
                          name_text(arena, cause->issue->title), cause->issue->since, cause->issue->before));
    tell_calls(map, place, arena, cause, evidence);
    tell_spread(map, place, arena, cause, evidence);
}

const char *cause_line(struct arena *arena, const struct cause *cause)
{
    const char *name = name_text(arena, cause->place);
    const char *of = cause->attribute
                         ? arena_printf(arena, "%s, %s = %s", name, name_text(arena, cause->attribute->name),
                                        name_text(arena, cause->attribute->value))
                         : name;
    if (cause->deploy) of = arena_printf(arena, "release %s of %s", name_text(arena, cause->deploy->version), name);
    for (uint32_t e = 0; e < cause->evidence_count; e++)
        if (strcmp(cause->evidence[e].kind, "trouble") == 0)
            return arena_printf(arena, "%s: %s", of, cause->evidence[e].text);
    return of;
}
