#include "worker/patterns/pattern_delta.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "worker/counting/counting_table.h"

struct entry {
    struct uuid project_id, id;
    struct bytes service, template;
    uint8_t *sample; /* PATTERN_SAMPLE_BYTES */
    size_t sample_len;
    bool is_rest;
    int64_t first_us, last_us;
    /* the count added to last */
    uint32_t count;
    int64_t minute_us;
    uint32_t level;
};
struct count {
    uint32_t entry, level;
    int64_t minute_us, rows;
};
/* Open addressing; number + 1, 0: free. */
struct pattern_delta {
    struct arena arena;
    struct entry *entries;
    struct count *counts;
    uint32_t entry_count, entry_cap, count_count, count_cap, alias_count;
    struct counting_table entries_by,
        counts_by; /* entries by the hash of an id: of the template's own, or of one under it */
    uint64_t seed; /* strangers cannot choose what falls together */
    uint64_t skipped, rest;
    struct arena changes_arena;
};

struct pattern_delta *pattern_delta_create(void)
{
    struct pattern_delta *delta = mem_calloc(1, sizeof *delta);
    struct uuid random = uuid_random();
    arena_init(&delta->arena, 0);
    arena_init(&delta->changes_arena, 0);
    memcpy(&delta->seed, random.bytes, sizeof delta->seed);
    return delta;
}

void pattern_delta_destroy(struct pattern_delta *delta)
{
    if (delta == NULL) return;
    free(delta->entries);
    free(delta->counts);
    free(delta->entries_by.slots);
    free(delta->counts_by.slots);
    arena_deinit(&delta->arena);
    arena_deinit(&delta->changes_arena);
    free(delta);
}

void pattern_delta_reset(struct pattern_delta *delta)
{
    delta->entry_count = delta->count_count = delta->alias_count = 0;
    delta->skipped = delta->rest = 0;
    counting_table_reset(&delta->entries_by);
    counting_table_reset(&delta->counts_by);
    arena_reset(&delta->arena);
    arena_reset(&delta->changes_arena);
}

bool pattern_delta_is_empty(const struct pattern_delta *delta)
{
    return delta->count_count == 0;
}

size_t pattern_delta_bytes(const struct pattern_delta *delta)
{
    return delta->arena.bytes + delta->changes_arena.bytes + delta->entry_cap * sizeof *delta->entries +
           delta->count_cap * sizeof *delta->counts +
           ((size_t)delta->entries_by.cap + delta->counts_by.cap) * sizeof(struct counting_slot);
}

uint64_t pattern_delta_skipped(const struct pattern_delta *delta)
{
    return delta->skipped;
}

uint64_t pattern_delta_rest(const struct pattern_delta *delta)
{
    return delta->rest;
}

/* Cut to len_max; every byte that a database would refuse becomes a question mark. Returns the length. */
static size_t text_put(uint8_t *to, struct bytes text, size_t len_max)
{
    if (text.len == 0) return 0;
    if (text.len > len_max) text.len = utf8_cut(text, len_max);
    memcpy(to, text.ptr, text.len);
    for (uint8_t *nul = to; (nul = memchr(nul, 0, (size_t)(to + text.len - nul))) != NULL;) *nul = '?';
    if (likely(utf8_is_valid(text))) return text.len;
    for (size_t back = 1; back < 4 && back < text.len; back++) { /* a template may end within a character */
        struct bytes whole = bytes_from(text.ptr, text.len - back);
        if (utf8_is_valid(whole)) return whole.len;
    }
    for (size_t i = 0; i < text.len; i++)
        if (to[i] > 126) to[i] = '?';
    return text.len;
}

static struct bytes text_keep(struct pattern_delta *delta, struct bytes text, size_t len_max)
{
    uint8_t *to = arena_alloc(&delta->arena, text.len < len_max ? text.len : len_max);
    return bytes_from(to, text_put(to, text, len_max));
}

static uint64_t entry_hash(const struct pattern_delta *delta, struct uuid id)
{
    return hash64_key(bytes_from(id.bytes, sizeof id.bytes), delta->seed);
}

static uint32_t entry_add(struct pattern_delta *delta, const struct entry *like, struct bytes sample)
{
    if (delta->entry_count == delta->entry_cap) {
        delta->entry_cap = delta->entry_cap ? delta->entry_cap * 2 : 256;
        delta->entries = mem_realloc(delta->entries, delta->entry_cap * sizeof *delta->entries);
    }
    struct entry *entry = &delta->entries[delta->entry_count];
    *entry = *like;
    entry->service = text_keep(delta, like->service, PATTERN_SERVICE_BYTES);
    entry->template = text_keep(delta, like->template, SIZE_MAX);
    entry->sample = arena_alloc(&delta->arena, PATTERN_SAMPLE_BYTES);
    entry->sample_len = text_put(entry->sample, sample, PATTERN_SAMPLE_BYTES);
    entry->count = UINT32_MAX;
    counting_table_add(&delta->entries_by, entry_hash(delta, entry->id), delta->entry_count);
    return delta->entry_count++;
}

static uint32_t entry_find(struct pattern_delta *delta, struct pattern_names *names, struct uuid project_id,
                           const struct rows_row *row)
{
    struct uuid id;
    /* "pat:" and a UUID: its text's bytes are looked for, which is faster than reading it. */
    uint64_t hash = hash64_key(row->pattern, delta->seed);
    uint32_t number = counting_table_find(&delta->entries_by, hash);
    if (likely(number != UINT32_MAX)) return number;
    bool is_read = uuid_from_text(bytes_from(row->pattern.ptr + 4, row->pattern.len - 4), &id);
    assert(is_read);
    struct pattern_name name = pattern_names_find(names, project_id, id, row->service, row->template);
    number = counting_table_find(&delta->entries_by, entry_hash(delta, name.id));
    if (number == UINT32_MAX) {
        struct entry entry = { .project_id = project_id,
                               .id = name.id,
                               .service = name.service,
                               .template = name.template,
                               .is_rest = name.is_rest,
                               .first_us = INT64_MAX,
                               .last_us = INT64_MIN };
        number = entry_add(delta, &entry, row->message);
    }
    delta->entries[number].is_rest |= name.is_rest;
    if (!name.is_rest || delta->alias_count++ < PATTERN_ALIASES_MAX)
        counting_table_add(&delta->entries_by, hash, number);
    return number;
}

static void count_add(struct pattern_delta *delta, uint32_t number, int64_t minute_us, uint32_t level, int64_t rows)
{
    struct entry *entry = &delta->entries[number];
    if (likely(entry->count != UINT32_MAX && entry->minute_us == minute_us && entry->level == level)) {
        delta->counts[entry->count].rows += rows;
        return;
    }
    uint64_t hash = hash64_mix((uint64_t)minute_us ^ delta->seed, ((uint64_t)number << 3 | level) + 1);
    uint32_t found = counting_table_find(&delta->counts_by, hash);
    if (found == UINT32_MAX) {
        if (delta->count_count == delta->count_cap) {
            delta->count_cap = delta->count_cap ? delta->count_cap * 2 : 1024;
            delta->counts = mem_realloc(delta->counts, delta->count_cap * sizeof *delta->counts);
        }
        found = delta->count_count++;
        delta->counts[found] = (struct count){ number, level, minute_us, 0 };
        counting_table_add(&delta->counts_by, hash, found);
    }
    delta->counts[found].rows += rows;
    entry->count = found;
    entry->minute_us = minute_us;
    entry->level = level;
}

/* The sample is the first line's: of two at one time the lesser one, so that no order matters. */
static void seen_add(struct entry *entry, int64_t first_us, int64_t last_us, struct bytes sample)
{
    if (unlikely(first_us <= entry->first_us)) {
        uint8_t text[PATTERN_SAMPLE_BYTES];
        size_t len = text_put(text, sample, sizeof text);
        if (first_us < entry->first_us ||
            bytes_compare(bytes_from(text, len), bytes_from(entry->sample, entry->sample_len)) < 0) {
            memcpy(entry->sample, text, len);
            entry->sample_len = len;
        }
        entry->first_us = first_us;
    }
    if (last_us > entry->last_us) entry->last_us = last_us;
}

void pattern_delta_row(struct pattern_delta *delta, struct pattern_names *names, struct uuid project_id,
                       const struct rows_row *row, int64_t not_before_us)
{
    if (row->kind != ROWS_LOG || row->pattern.len == 0) return;
    int64_t at_us = row->timestamp_us;
    if (unlikely(at_us < not_before_us || at_us < 0)) {
        delta->skipped++;
        return;
    }
    uint32_t number = entry_find(delta, names, project_id, row);
    struct entry *entry = &delta->entries[number];
    delta->rest += entry->is_rest;
    seen_add(entry, at_us, at_us, row->message);
    count_add(delta, number, at_us - at_us % PATTERN_MINUTE_US, row->level, 1);
}

void pattern_delta_merge(struct pattern_delta *into, struct pattern_delta *from)
{
    uint32_t *numbers = mem_alloc((from->entry_count + 1) * sizeof *numbers);
    for (uint32_t e = 0; e < from->entry_count; e++) {
        const struct entry *entry = &from->entries[e];
        numbers[e] = counting_table_find(&into->entries_by, entry_hash(into, entry->id));
        if (numbers[e] == UINT32_MAX)
            numbers[e] = entry_add(into, entry, bytes_from(entry->sample, entry->sample_len));
        else
            seen_add(&into->entries[numbers[e]], entry->first_us, entry->last_us,
                     bytes_from(entry->sample, entry->sample_len));
        into->entries[numbers[e]].is_rest |= entry->is_rest;
    }
    for (uint32_t c = 0; c < from->count_count; c++) {
        const struct count *count = &from->counts[c];
        count_add(into, numbers[count->entry], count->minute_us, count->level, count->rows);
    }
    into->skipped += from->skipped;
    into->rest += from->rest;
    free(numbers);
    pattern_delta_reset(from);
}

void pattern_delta_changes(struct pattern_delta *delta, struct pattern_changes *changes)
{
    arena_reset(&delta->changes_arena);
    changes->template_count = delta->entry_count;
    changes->count_count = delta->count_count;
    changes->templates = arena_alloc(&delta->changes_arena, delta->entry_count * sizeof *changes->templates);
    changes->counts = arena_alloc(&delta->changes_arena, delta->count_count * sizeof *changes->counts);
    for (uint32_t e = 0; e < delta->entry_count; e++) {
        const struct entry *entry = &delta->entries[e];
        changes->templates[e] = (struct pattern_template){ .project_id = entry->project_id,
                                                           .id = entry->id,
                                                           .service = entry->service,
                                                           .template = entry->template,
                                                           .sample = bytes_from(entry->sample, entry->sample_len),
                                                           .is_rest = entry->is_rest,
                                                           .first_unix_us = entry->first_us,
                                                           .last_unix_us = entry->last_us };
    }
    for (uint32_t c = 0; c < delta->count_count; c++) {
        const struct count *count = &delta->counts[c];
        changes->counts[c] = (struct pattern_count){ .project_id = delta->entries[count->entry].project_id,
                                                     .id = delta->entries[count->entry].id,
                                                     .at_unix_us = count->minute_us,
                                                     .level = count->level,
                                                     .row_count = count->rows };
    }
}
