#include "telemetry/metric.h"

const struct metric_family metric_families[METRIC_COUNT] = {
#define X(id, kind, name, unit, description) { kind, name, unit, description },
    METRIC_LIST(X)
#undef X
};

void metric_set_init(struct metric_set *set)
{
    *set = (struct metric_set){ 0 };
    arena_init(&set->arena, 0);
}

void metric_set_deinit(struct metric_set *set)
{
    arena_deinit(&set->arena);
}

static const char *copy_of(struct metric_set *set, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(arena_alloc(&set->arena, bytes), text, bytes);
}

static struct metric_point *point_add(struct metric_set *set, enum metric_id id,
                                      const struct metric_attribute *attributes)
{
    struct metric_point *point = arena_calloc(&set->arena, sizeof *point);
    for (; attributes && attributes->key; attributes++) {
        assert(point->attribute_count < METRIC_ATTRIBUTES_MAX);
        point->attributes[point->attribute_count++] =
            (struct metric_attribute){ copy_of(set, attributes->key), copy_of(set, attributes->value) };
    }
    if (set->last[id]) {
        set->last[id]->next = point;
    } else {
        set->first[id] = point;
    }
    set->last[id] = point;
    set->point_count++;
    return point;
}

void metric_add(struct metric_set *set, enum metric_id id, uint64_t value, const struct metric_attribute *attributes)
{
    assert(metric_families[id].kind != METRIC_HISTOGRAM);
    struct metric_point *point = point_add(set, id, attributes);
    point->is_integer = true;
    point->integer = value;
}

void metric_add_number(struct metric_set *set, enum metric_id id, double value,
                       const struct metric_attribute *attributes)
{
    assert(metric_families[id].kind != METRIC_HISTOGRAM);
    point_add(set, id, attributes)->number = value;
}

void metric_add_histogram(struct metric_set *set, enum metric_id id, const struct histogram_counts *counts)
{
    assert(metric_families[id].kind == METRIC_HISTOGRAM);
    struct metric_point *point = point_add(set, id, NULL);
    point->histogram = arena_alloc(&set->arena, sizeof *counts);
    *point->histogram = *counts;
}

static bool points_equal(const struct metric_point *a, const struct metric_point *b)
{
    if (a->attribute_count != b->attribute_count) return false;
    for (uint32_t i = 0; i < a->attribute_count; i++)
        if (strcmp(a->attributes[i].key, b->attributes[i].key) != 0 ||
            strcmp(a->attributes[i].value, b->attributes[i].value) != 0)
            return false;
    if (a->histogram) return a->histogram->count == b->histogram->count;
    return a->is_integer == b->is_integer && a->integer == b->integer && a->number == b->number;
}

/* Series keep their order from one pull to the next; where one came in between, the rest counts as new. */
uint32_t metric_set_skip_same(struct metric_set *set, const struct metric_set *before)
{
    uint32_t left = 0;
    for (uint32_t id = 0; id < METRIC_COUNT; id++) {
        const struct metric_point *old = before->first[id];
        for (struct metric_point *point = set->first[id]; point; point = point->next) {
            point->is_skipped = old && points_equal(point, old);
            left += !point->is_skipped;
            if (old) old = old->next;
        }
    }
    return left;
}
