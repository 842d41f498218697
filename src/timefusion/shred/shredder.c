/* Remainders to values by key. Rows of one kind have the same keys in the same order: the one that came behind the last is
 * tried first, and what a key means to the chosen ones is found out once. */
#include "base/hash.h"
#include "base/json_object.h"
#include "timefusion/shred/members.h"
#include "timefusion/shred/shred.h"
#include <stdlib.h>

#define NONE       UINT16_MAX
#define KNOWN_MAX  128 /* keys met, chosen or not */
#define SLOT_COUNT (2 * SHRED_DISTINCT_MAX)
static_assert(SHRED_KEYS_MAX <= 32, "a key is a bit");

struct known {
    struct bytes key;
    int32_t chosen;        /* -1: not one of the keys */
    uint32_t above, below; /* keys of whose path it is the beginning; keys that are the beginning of it */
};
struct values { /* of one key */
    const uint8_t **records;
    uint32_t count;
    bool is_full;
    uint16_t slots[SLOT_COUNT]; /* id + 1; 0: free */
    uint16_t last;
};
struct shredder {
    struct arena arena; /* of one run */
    struct shred_keys keys;
    struct known known[KNOWN_MAX];
    uint32_t known_count;
    struct values values[SHRED_KEYS_MAX];
    uint16_t *ids[SHRED_KEYS_MAX]; /* by value of the base column */
    uint32_t cap;
    const uint16_t *base_rows;
    uint32_t base_count;
    uint16_t *view_rows, *view_ids;
    uint32_t *first_of; /* by id of the base column's dictionary: the value that has it first, + 1 */
    uint32_t first_cap;
    struct buf text;
};

struct shredder *shredder_create(void)
{
    struct shredder *shredder = mem_calloc(1, sizeof *shredder);
    arena_init(&shredder->arena, 0);
    buf_init(&shredder->text, SIZE_MAX / 4);
    return shredder;
}

static void arrays_free(struct shredder *shredder)
{
    for (uint32_t k = 0; k < SHRED_KEYS_MAX; k++) free(shredder->ids[k]);
    free(shredder->view_rows);
    free(shredder->view_ids);
}

void shredder_destroy(struct shredder *shredder)
{
    if (!shredder) return;
    arrays_free(shredder);
    for (uint32_t k = 0; k < SHRED_KEYS_MAX; k++) free(shredder->values[k].records);
    free(shredder->first_of);
    arena_deinit(&shredder->arena);
    buf_deinit(&shredder->text);
    free(shredder);
}

static void reserve(struct shredder *shredder, uint32_t count)
{
    if (count <= shredder->cap) return;
    arrays_free(shredder);
    shredder->cap = count + count / 4 + 64;
    for (uint32_t k = 0; k < SHRED_KEYS_MAX; k++)
        shredder->ids[k] = mem_alloc(shredder->cap * sizeof *shredder->ids[k]);
    shredder->view_rows = mem_alloc(shredder->cap * sizeof *shredder->view_rows);
    shredder->view_ids = mem_alloc(shredder->cap * sizeof *shredder->view_ids);
}

static bool is_under(struct bytes whole, struct bytes head) /* "a.b" is under "a" */
{
    return whole.len > head.len && whole.ptr[head.len] == '.' && memcmp(whole.ptr, head.ptr, head.len) == 0;
}

static void known_fill(struct shredder *shredder, struct known *known, struct bytes key)
{
    *known = (struct known){ .key = key, .chosen = -1 };
    for (uint32_t k = 0; k < shredder->keys.count; k++) {
        struct bytes chosen = bytes_of_text(shredder->keys.texts[k]);
        if (bytes_equal(chosen, key)) known->chosen = (int32_t)k;
        if (is_under(chosen, key)) known->above |= 1u << k;
        if (is_under(key, chosen)) known->below |= 1u << k;
    }
}

/* *at: the place of the last one, and then of this one. */
static const struct known *known_find(struct shredder *shredder, struct bytes key, uint32_t *at, struct known *stranger)
{
    uint32_t next = *at + 1 < shredder->known_count ? *at + 1 : 0;
    for (uint32_t i = 0; i < shredder->known_count; i++) {
        struct known *known = &shredder->known[next];
        if (known->key.len == key.len && memcmp(known->key.ptr, key.ptr, key.len) == 0) {
            *at = next;
            return known;
        }
        next = next + 1 < shredder->known_count ? next + 1 : 0;
    }
    if (shredder->known_count == KNOWN_MAX) {
        known_fill(shredder, stranger, key);
        return stranger;
    }
    *at = shredder->known_count++;
    known_fill(shredder, &shredder->known[*at], arena_copy(&shredder->arena, key));
    return &shredder->known[*at];
}

static bool record_is(const uint8_t *record, struct bytes text)
{
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return len == text.len && memcmp(record + sizeof len, text.ptr, len) == 0;
}

static uint16_t value_id(struct shredder *shredder, struct values *values, struct bytes text)
{
    if (values->is_full) return NONE;
    if (values->count > 0 && record_is(values->records[values->last], text)) return values->last;
    uint32_t at = (uint32_t)hash64_of(text) % SLOT_COUNT;
    for (; values->slots[at] != 0; at = (at + 1) % SLOT_COUNT)
        if (record_is(values->records[values->slots[at] - 1], text)) return values->last = values->slots[at] - 1;
    if (values->count == SHRED_DISTINCT_MAX) {
        values->is_full = true;
        return NONE;
    }
    uint32_t len = (uint32_t)text.len;
    uint8_t *record = arena_alloc(&shredder->arena, sizeof len + text.len);
    memcpy(record, &len, sizeof len);
    if (text.len > 0) memcpy(record + sizeof len, text.ptr, text.len);
    values->records[values->count] = record;
    values->slots[at] = (uint16_t)++values->count;
    return values->last = (uint16_t)(values->count - 1);
}

/* As whoever reads the whole remainder does it. */
static void key_ask(struct shredder *shredder, struct bytes object, uint32_t key, uint32_t value)
{
    shredder->text.len = 0;
    bool has = json_attribute(object, bytes_of_text(shredder->keys.texts[key]), true, &shredder->text);
    shredder->ids[key][value] =
        has ? value_id(shredder, &shredder->values[key], buf_bytes(&shredder->text)) : (uint16_t)NONE;
}

static void object_read(struct shredder *shredder, struct bytes object, uint32_t value)
{
    struct members members;
    struct member member;
    struct known stranger;
    uint32_t found = 0, asked = 0, related = 0, at = UINT32_MAX - 1;
    for (uint32_t k = 0; k < shredder->keys.count; k++) shredder->ids[k][value] = NONE;
    members_init(&members, object);
    while (members_next(&members, &member)) {
        const struct known *known = known_find(shredder, member.key, &at, &stranger);
        related |= known->below | (member.is_object ? known->above : 0);
        if (known->chosen < 0 || (found >> known->chosen & 1)) continue; /* of equal keys the first */
        uint32_t key = (uint32_t)known->chosen;
        found |= 1u << key;
        if (!member.is_whole)
            asked |= 1u << key;
        else if (member.is_string || !bytes_equal(member.text, BYTES("null")))
            shredder->ids[key][value] = value_id(shredder, &shredder->values[key], member.text);
    }
    asked |= members.is_odd ? UINT32_MAX : related & ~found;
    for (uint32_t k = 0; asked != 0 && k < shredder->keys.count; k++)
        if (asked >> k & 1) key_ask(shredder, object, k, value);
}

static struct bytes record_text(const uint8_t *record)
{
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return bytes_from(record + sizeof len, len);
}

void shredder_run(struct shredder *shredder, const struct columns *columns, uint32_t from, uint32_t to,
                  const struct shred_keys *keys)
{
    struct columns_view view;
    int column = schema_column_index(columns_table(columns), BYTES(SHRED_BASE));
    uint32_t first = 0, end = 0;
    assert(column >= 0);
    columns_view(columns, (uint32_t)column, &view);
    while (first < view.value_count && view.rows[first] < from) first++;
    for (end = first; end < view.value_count && view.rows[end] < to;) end++;
    arena_reset(&shredder->arena);
    shredder->keys = *keys;
    shredder->known_count = 0;
    shredder->base_count = end - first;
    shredder->base_rows = view.value_count > 0 ? view.rows + first : NULL;
    reserve(shredder, shredder->base_count);
    for (uint32_t k = 0; k < keys->count; k++) {
        struct values *values = &shredder->values[k];
        if (!values->records) values->records = mem_alloc(SHRED_DISTINCT_MAX * sizeof *values->records);
        values->count = values->last = 0;
        values->is_full = false;
        memset(values->slots, 0, sizeof values->slots);
    }
    if (!view.records && view.dictionary_count > shredder->first_cap) {
        free(shredder->first_of);
        shredder->first_cap = view.dictionary_count * 2;
        shredder->first_of = mem_alloc(shredder->first_cap * sizeof *shredder->first_of);
    }
    if (!view.records && view.dictionary_count > 0)
        memset(shredder->first_of, 0, view.dictionary_count * sizeof *shredder->first_of);
    for (uint32_t i = 0; i < shredder->base_count; i++) {
        if (view.records) {
            object_read(shredder, record_text(view.records[first + i]), i);
            continue;
        }
        uint32_t *seen = &shredder->first_of[view.ids[first + i]];
        if (*seen == 0) {
            *seen = i + 1;
            object_read(shredder, record_text(view.dictionary[view.ids[first + i]]), i);
        } else {
            for (uint32_t k = 0; k < keys->count; k++) shredder->ids[k][i] = shredder->ids[k][*seen - 1];
        }
    }
}

bool shredder_is_full(const struct shredder *shredder, uint32_t key)
{
    return shredder->values[key].is_full;
}

void shredder_view(struct shredder *shredder, uint32_t key, struct columns_view *view)
{
    const struct values *values = &shredder->values[key];
    uint32_t count = 0;
    assert(key < shredder->keys.count && !values->is_full);
    for (uint32_t i = 0; i < shredder->base_count; i++) {
        shredder->view_rows[count] = shredder->base_rows[i];
        shredder->view_ids[count] = shredder->ids[key][i];
        count += shredder->ids[key][i] != NONE;
    }
    *view = (struct columns_view){ .kind = COLUMNS_TEXT,
                                   .value_count = count,
                                   .element_count = count,
                                   .rows = shredder->view_rows,
                                   .ids = shredder->view_ids,
                                   .dictionary = values->records,
                                   .dictionary_count = values->count };
}
