#include "difference/difference.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "difference/difference_inside.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLOTS_FIRST = 1 << 12,
    ROUND_FROM = 256,   /* numbers of so many different values are rounded from then on */
    UNIQUE_FROM = 5000, /* rows after which an attribute of ever new texts is no longer looked at */
};

struct difference *difference_create(void)
{
    struct difference *d = mem_calloc(1, sizeof *d);
    arena_init(&d->arena, 0);
    d->slot_count = SLOTS_FIRST;
    d->slots = mem_calloc(d->slot_count, sizeof *d->slots);
    return d;
}

void difference_destroy(struct difference *d)
{
    if (d == NULL) return;
    free(d->slots);
    free(d->attributes);
    free(d->values);
    free(d->sides);
    free(d->row_begins);
    free(d->pairs);
    arena_deinit(&d->arena);
    free(d);
}

/* Room for one more of count things. */
static void *grown(void *list, uint32_t count, uint32_t *cap, size_t bytes)
{
    if (count < *cap) return list;
    *cap = *cap == 0 ? 64 : *cap * 2;
    return mem_realloc(list, *cap * bytes);
}

bool difference_row(struct difference *d, bool is_in)
{
    if (d->row_count == DIFFERENCE_ROWS_MAX || d->pair_count >= DIFFERENCE_PAIRS_MAX) {
        d->is_cut = true;
        return false;
    }
    uint32_t cap = d->row_cap;
    d->sides = grown(d->sides, d->row_count, &cap, sizeof *d->sides);
    d->row_begins = grown(d->row_begins, d->row_count, &d->row_cap, sizeof *d->row_begins);
    d->sides[d->row_count] = is_in;
    d->row_begins[d->row_count++] = d->pair_count;
    d->side_rows[is_in]++;
    return true;
}

/* ---- one table for attributes and values: of an attribute the owner is 0, of a value its attribute's number + 1 ---- */

static void slots_grow(struct difference *d)
{
    uint32_t count = d->slot_count * 2;
    struct difference_slot *slots = mem_calloc(count, sizeof *slots);
    for (uint32_t s = 0; s < d->slot_count; s++) {
        if (d->slots[s].number == 0) continue;
        uint32_t at = (uint32_t)d->slots[s].hash & (count - 1);
        while (slots[at].number != 0) at = (at + 1) & (count - 1);
        slots[at] = d->slots[s];
    }
    free(d->slots);
    d->slots = slots;
    d->slot_count = count;
}

static struct bytes text_of(const struct difference *d, uint32_t owner, uint32_t index)
{
    return owner == 0 ? d->attributes[index].name : d->values[index].text;
}

/* The slot of (owner, text): empty where there is none yet. */
static struct difference_slot *slot_find(struct difference *d, uint32_t owner, struct bytes text)
{
    uint64_t hash = hash64_key(text, hash64_mix(owner + 1, 0x9E3779B97F4A7C15u));
    uint32_t at = (uint32_t)hash & (d->slot_count - 1);
    for (; d->slots[at].number != 0; at = (at + 1) & (d->slot_count - 1)) {
        const struct difference_slot *slot = &d->slots[at];
        if (slot->hash == hash && slot->owner == owner && bytes_equal(text_of(d, owner, slot->number - 1), text)) break;
    }
    if (d->slots[at].number == 0) d->slots[at] = (struct difference_slot){ .hash = hash, .owner = owner };
    return &d->slots[at];
}

static void slot_used(struct difference *d)
{
    if (++d->slots_used * 2 > d->slot_count) slots_grow(d);
}

static struct difference_attribute *attribute_find(struct difference *d, struct bytes name)
{
    struct difference_slot *slot = slot_find(d, 0, name);
    if (slot->number != 0) return &d->attributes[slot->number - 1];
    if (d->attribute_count == DIFFERENCE_ATTRIBUTES_MAX) {
        d->is_cut = true;
        return NULL;
    }
    d->attributes = grown(d->attributes, d->attribute_count, &d->attribute_cap, sizeof *d->attributes);
    struct difference_attribute *attribute = &d->attributes[d->attribute_count++];
    *attribute = (struct difference_attribute){ .name = arena_copy(&d->arena, name) };
    slot->number = d->attribute_count;
    slot_used(d);
    return attribute;
}

/* The value's number, or UINT32_MAX: there is no room. */
static uint32_t value_find(struct difference *d, uint32_t attribute, struct bytes text, const double *number)
{
    struct difference_slot *slot = slot_find(d, attribute + 1, text);
    if (slot->number != 0) return slot->number - 1;
    if (d->value_count == DIFFERENCE_VALUES_MAX) {
        d->is_cut = true;
        return UINT32_MAX;
    }
    d->values = grown(d->values, d->value_count, &d->value_cap, sizeof *d->values);
    d->values[d->value_count++] = (struct difference_value){ .attribute = attribute,
                                                             .text = arena_copy(&d->arena, text),
                                                             .is_number = number != NULL,
                                                             .number = number ? *number : 0 };
    d->attributes[attribute].value_count++;
    slot->number = d->value_count;
    slot_used(d);
    return d->value_count - 1;
}

void difference_value(struct difference *d, struct bytes name, struct bytes text, const double *number)
{
    char rounded[40];
    double about;
    assert(d->row_count > 0);
    if (d->pair_count == DIFFERENCE_PAIRS_MAX) {
        d->is_cut = true;
        return;
    }
    struct difference_attribute *attribute = attribute_find(d, name);
    if (attribute == NULL) return;
    bool is_in = d->sides[d->row_count - 1];
    attribute->rows[is_in]++;
    if (number != NULL && !isfinite(*number)) number = NULL;
    attribute->numbers += number != NULL;
    uint32_t rows = attribute->rows[0] + attribute->rows[1];
    if (number != NULL && attribute->value_count >= ROUND_FROM) {
        int len = snprintf(rounded, sizeof rounded, "%.3g", *number);
        about = strtod(rounded, NULL);
        number = &about;
        text = bytes_from(rounded, (size_t)len);
    } else if (number == NULL && rows >= UNIQUE_FROM && (uint64_t)attribute->value_count * 20 >= (uint64_t)rows * 19) {
        attribute->is_unique = true;
    }
    uint32_t value = UINT32_MAX;
    text.len = utf8_cut(text, text.len < DIFFERENCE_TEXT_BYTES_MAX ? text.len : DIFFERENCE_TEXT_BYTES_MAX);
    if (!attribute->is_unique) value = value_find(d, (uint32_t)(attribute - d->attributes), text, number);
    if (value == UINT32_MAX) return;
    d->values[value].rows[is_in]++;
    d->pairs = grown(d->pairs, d->pair_count, &d->pair_cap, sizeof *d->pairs);
    d->pairs[d->pair_count++] = value;
}
