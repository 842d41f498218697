/* Attribute keys, how many rows have them, and values that come often. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "worker/rollup/rollup_inside.h"

#define VALUES_LOOKED_AT (2 * ROLLUP_VALUES_MAX)

static const char *place_of(enum rows_kind kind)
{
    return kind == ROWS_LOG ? "log" : kind == ROWS_METRIC ? "metric" : "span";
}

static const char *type_word(enum otlp_type type)
{
    static const char *const words[] = {
        [OTLP_EMPTY] = "empty",   [OTLP_TEXT] = "text",  [OTLP_BOOL] = "boolean",  [OTLP_INT] = "integer",
        [OTLP_DOUBLE] = "double", [OTLP_ARRAY] = "list", [OTLP_KVLIST] = "object", [OTLP_BYTES] = "bytes"
    };
    return words[type];
}

/* NULL: the project has too many keys. */
static struct facet *key_get(struct rollup_delta *delta, uint32_t project, const char *place, struct bytes text,
                             int64_t day_us)
{
    uint64_t hash = hash64_mix(hash64_key(text, delta->seed) ^ (uint64_t)(uint8_t)place[0] << 32 ^ project,
                               (uint64_t)day_us ^ 0x8EBC6AF09C88C6E3u);
    uint32_t step = 0, entry;
    while (index_next(&delta->keys_by, hash, &step, &entry)) {
        struct facet *key = &delta->keys.at[entry];
        if (key->project == project && key->day_us == day_us && strcmp(key->place, place) == 0 &&
            bytes_equal(key->text, text))
            return key;
    }
    if (text.len == 0 || text.len > ROLLUP_TEXT_BYTES || memchr(text.ptr, 0, text.len) != NULL) return NULL;
    if (delta->projects.at[project].key_count >= ROLLUP_KEYS_MAX) return NULL;
    delta->projects.at[project].key_count++;
    struct facet *key = ARRAY_ADD(delta->keys);
    *key = (struct facet){ .project = project,
                           .place = place,
                           .type = "",
                           .text = delta_text(delta, text, ROLLUP_TEXT_BYTES),
                           .day_us = day_us,
                           .last_us = INT64_MIN };
    index_add(&delta->keys_by, hash, delta->keys.count - 1);
    return key;
}

/* When all places are taken the value that was seen least gives its own: those that come often stay. */
static void value_add(struct rollup_delta *delta, struct facet *key, struct bytes text, int64_t rows, uint32_t seen,
                      int64_t last_us)
{
    uint64_t hash = hash64_key(text, delta->seed);
    struct value *least = NULL;
    for (uint32_t at = key->first_value; at != 0;) {
        struct value *value = &delta->values.at[at - 1];
        if (value->hash == hash && bytes_equal(value->text, text)) {
            value->rows += rows;
            value->seen += seen;
            if (last_us > value->last_us) value->last_us = last_us;
            return;
        }
        if (least == NULL || value->seen < least->seen) least = value;
        at = value->next;
    }
    uint32_t next = key->first_value;
    if (key->value_count < VALUES_LOOKED_AT) {
        key->value_count++;
        least = ARRAY_ADD(delta->values);
        key->first_value = delta->values.count;
    } else {
        key->is_many = true;
        next = least->next;
    }
    *least = (struct value){ .hash = hash,
                             .text = delta_text(delta, text, ROLLUP_VALUE_BYTES),
                             .rows = rows,
                             .seen = seen,
                             .last_us = last_us,
                             .next = next };
}

/* As people write it; empty: not to be listed. */
static struct bytes value_text(const struct otlp_value *value, char room[32])
{
    int len = 0;
    switch (value->type) {
    case OTLP_TEXT:
        if (value->bytes.len > ROLLUP_VALUE_BYTES || memchr(value->bytes.ptr, 0, value->bytes.len) != NULL)
            return (struct bytes){ 0 };
        return value->bytes;
    case OTLP_BOOL: return value->boolean ? BYTES("true") : BYTES("false");
    case OTLP_INT: len = snprintf(room, 32, "%" PRId64, value->integer); break;
    case OTLP_DOUBLE: len = snprintf(room, 32, "%.15g", value->number); break;
    default: break;
    }
    return bytes_from(room, (size_t)len);
}

static void attributes_add(struct rollup_delta *delta, const char *place, const struct rows_attribute *attributes,
                           uint32_t count, int64_t at_us, uint32_t weight)
{
    int64_t day_us = floor_to(at_us, ROLLUP_DAY_US);
    for (uint32_t a = 0; a < count; a++) {
        const struct otlp_value *value = attributes[a].value;
        struct facet *key = key_get(delta, delta->project, place, attributes[a].key, day_us);
        if (key == NULL) continue;
        key->rows += weight;
        key->type = type_word(value->type);
        if (at_us > key->last_us) key->last_us = at_us;
        char room[32];
        struct bytes text = value_text(value, room);
        if (text.len > 0) value_add(delta, key, text, weight, 1, at_us);
    }
}

void facets_row(struct rollup_delta *delta, const struct rows_row *row, uint32_t weight)
{
    attributes_add(delta, place_of(row->kind), row->attributes, row->attribute_count, row->timestamp_us, weight);
    attributes_add(delta, "resource", row->resource_attributes, row->resource_attribute_count, row->timestamp_us,
                   weight);
}

void facets_merge(struct rollup_delta *into, const struct rollup_delta *from, const uint32_t *projects)
{
    for (uint32_t k = 0; k < from->keys.count; k++) {
        const struct facet *key = &from->keys.at[k];
        struct facet *to = key_get(into, projects[key->project], key->place, key->text, key->day_us);
        if (to == NULL) continue;
        to->rows += key->rows;
        to->type = key->type;
        to->is_many |= key->is_many;
        if (key->last_us > to->last_us) to->last_us = key->last_us;
        for (uint32_t at = key->first_value; at != 0; at = from->values.at[at - 1].next) {
            const struct value *value = &from->values.at[at - 1];
            value_add(into, to, value->text, value->rows, value->seen, value->last_us);
        }
    }
}

static int seen_most_first(const void *left, const void *right)
{
    const struct value *const *a = left, *const *b = right;
    return ((*a)->seen < (*b)->seen) - ((*a)->seen > (*b)->seen);
}

/* Of a key with more values than we look at, what was seen once is as good as any other: such are not worth a row. */
void facets_changes(struct rollup_delta *delta, struct rollup_changes *changes)
{
    size_t cap = delta->keys.count + delta->values.count;
    changes->attributes = arena_alloc(&delta->changes_arena, cap * sizeof *changes->attributes);
    changes->attribute_count = 0;
    for (uint32_t k = 0; k < delta->keys.count; k++) {
        const struct facet *key = &delta->keys.at[k];
        const struct value *values[VALUES_LOOKED_AT];
        uint32_t count = 0;
        struct rollup_attribute attribute = { .project_id = delta->projects.at[key->project].id,
                                              .day_unix_us = key->day_us,
                                              .place = key->place,
                                              .type = key->type,
                                              .key = key->text,
                                              .row_count = key->rows,
                                              .last_unix_us = key->last_us };
        changes->attributes[changes->attribute_count++] = attribute;
        for (uint32_t at = key->first_value; at != 0; at = delta->values.at[at - 1].next)
            values[count++] = &delta->values.at[at - 1];
        if (count > 1) qsort(values, count, sizeof *values, seen_most_first);
        for (uint32_t v = 0; v < count && v < ROLLUP_VALUES_MAX; v++) {
            if (key->is_many && values[v]->seen < 2) break;
            attribute.is_value = true;
            attribute.value = values[v]->text;
            attribute.row_count = values[v]->rows;
            attribute.last_unix_us = values[v]->last_us;
            changes->attributes[changes->attribute_count++] = attribute;
        }
    }
}
