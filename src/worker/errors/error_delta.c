#include "worker/errors/error_delta.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "worker/counting/counting_table.h"
#include "worker/errors/error_held.h"
#include "worker/errors/error_users.h"

#define ELEMENT_HEAD 4 /* "err:", before the UUID's text */
#define OTHER_TEXT   "errors of more kinds than are counted apart"

struct entry {
    struct uuid project_id, id;
    bool is_rest, has_first, has_last; /* without a last one the first is it too */
    int64_t rows;
    struct error_held first, last;
    struct error_users users;
};
struct count {
    uint32_t entry, environment;
    int64_t minute_us, rows;
};
struct release {
    uint32_t entry, release, environment;
    int64_t first_us, last_us, rows;
};
/* Open addressing; number + 1, 0: free. */
struct error_delta {
    struct arena arena; /* words */
    struct entry *entries;
    struct count *counts;
    struct release *releases;
    struct bytes *words; /* environments and releases */
    uint32_t entry_count, entry_cap, count_count, count_cap, release_count, release_cap, word_count, word_cap;
    struct counting_table entries_by, counts_by, releases_by, words_by;
    uint64_t seed; /* strangers cannot choose what falls together */
    uint64_t skipped, rest;
    size_t entries_bytes; /* of events and users */
    struct arena changes_arena;
    struct buf scratch;
};

/* One more item of an array: its index. */
static uint32_t item_add(void *items, uint32_t *count, uint32_t *cap, size_t item_bytes)
{
    if (*count == *cap) {
        void *old;
        memcpy(&old, items, sizeof old);
        *cap = *cap ? *cap * 2 : 64;
        old = mem_realloc(old, *cap * item_bytes);
        memcpy(items, &old, sizeof old);
    }
    return (*count)++;
}

/* -- life -------------------------------------------------------------------------------------------------------- */

struct error_delta *error_delta_create(void)
{
    struct error_delta *delta = mem_calloc(1, sizeof *delta);
    struct uuid random = uuid_random();
    arena_init(&delta->arena, 4096);
    arena_init(&delta->changes_arena, 0);
    buf_init(&delta->scratch, ERROR_SCRATCH_BYTES);
    memcpy(&delta->seed, random.bytes, sizeof delta->seed);
    return delta;
}

static void entries_free(struct error_delta *delta)
{
    for (uint32_t e = 0; e < delta->entry_count; e++) {
        free(delta->entries[e].first.ptr);
        free(delta->entries[e].last.ptr);
        error_users_deinit(&delta->entries[e].users);
    }
    delta->entry_count = 0;
    delta->entries_bytes = 0;
}

void error_delta_destroy(struct error_delta *delta)
{
    if (delta == NULL) return;
    entries_free(delta);
    free(delta->entries);
    free(delta->counts);
    free(delta->releases);
    free(delta->words);
    free(delta->entries_by.slots);
    free(delta->counts_by.slots);
    free(delta->releases_by.slots);
    free(delta->words_by.slots);
    arena_deinit(&delta->arena);
    arena_deinit(&delta->changes_arena);
    buf_deinit(&delta->scratch);
    free(delta);
}

void error_delta_reset(struct error_delta *delta)
{
    entries_free(delta);
    delta->count_count = delta->release_count = delta->word_count = 0;
    delta->skipped = delta->rest = 0;
    counting_table_reset(&delta->entries_by);
    counting_table_reset(&delta->counts_by);
    counting_table_reset(&delta->releases_by);
    counting_table_reset(&delta->words_by);
    arena_reset(&delta->arena);
    arena_reset(&delta->changes_arena);
}

size_t error_delta_bytes(const struct error_delta *delta)
{
    const struct counting_table *tables[] = { &delta->entries_by, &delta->counts_by, &delta->releases_by,
                                              &delta->words_by };
    size_t bytes = delta->arena.bytes + delta->changes_arena.bytes + delta->scratch.cap + delta->entries_bytes +
                   delta->entry_cap * sizeof *delta->entries + delta->count_cap * sizeof *delta->counts +
                   delta->release_cap * sizeof *delta->releases + delta->word_cap * sizeof *delta->words;
    for (size_t t = 0; t < COUNT_OF(tables); t++) bytes += tables[t]->cap * sizeof(struct counting_slot);
    return bytes;
}

uint64_t error_delta_skipped(const struct error_delta *delta)
{
    return delta->skipped;
}

uint64_t error_delta_rest(const struct error_delta *delta)
{
    return delta->rest;
}

/* -- adding ------------------------------------------------------------------------------------------------------ */

/* What a database takes: a byte that is of no character, or a NUL, becomes a question mark. to: room for all of it. */
static struct bytes text_put(uint8_t *to, struct bytes text)
{
    bool is_valid = utf8_is_valid(text);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] == 0 || (!is_valid && text.ptr[i] > 126) ? '?' : text.ptr[i];
    return bytes_from(to, text.len);
}

/* Environments and releases are few: each text once, cut and as a database takes it. */
static uint32_t word_of(struct error_delta *delta, struct bytes text)
{
    uint8_t room[ERROR_EVENT_NAME_BYTES];
    if (text.len > ERROR_EVENT_NAME_BYTES) text.len = utf8_cut(text, ERROR_EVENT_NAME_BYTES);
    text = text_put(room, text);
    uint64_t hash = hash64_key(text, delta->seed);
    uint32_t number = counting_table_find(&delta->words_by, hash);
    if (likely(number != UINT32_MAX)) return number;
    number = item_add(&delta->words, &delta->word_count, &delta->word_cap, sizeof *delta->words);
    delta->words[number] = arena_copy(&delta->arena, text);
    counting_table_add(&delta->words_by, hash, number);
    return number;
}

static uint64_t entry_hash(const struct error_delta *delta, struct uuid id)
{
    return hash64_key(bytes_from(id.bytes, sizeof id.bytes), delta->seed);
}

/* The entry of this id, made when there is none. */
static uint32_t entry_of(struct error_delta *delta, struct uuid project_id, struct uuid id)
{
    uint64_t hash = entry_hash(delta, id);
    uint32_t number = counting_table_find(&delta->entries_by, hash);
    if (number != UINT32_MAX) return number;
    number = item_add(&delta->entries, &delta->entry_count, &delta->entry_cap, sizeof *delta->entries);
    delta->entries[number] = (struct entry){ .project_id = project_id, .id = id };
    counting_table_add(&delta->entries_by, hash, number);
    return number;
}

static uint32_t entry_find(struct error_delta *delta, struct error_names *names, struct uuid project_id,
                           const struct rows_error *error)
{
    struct bytes text = bytes_from(error->hash.ptr + ELEMENT_HEAD, error->hash.len - ELEMENT_HEAD);
    struct uuid id;
    struct bytes service = error->source.service;
    bool is_read = uuid_from_text(text, &id);
    assert(is_read);
    if (likely(error_names_keeps(names, project_id, bytes_from(id.bytes, sizeof id.bytes), service)))
        return entry_of(delta, project_id, id);
    uint32_t number = entry_of(delta, project_id, error_names_other(names, project_id, &service));
    delta->entries[number].is_rest = true;
    return number;
}

static void held_set(struct error_delta *delta, struct error_held *held, const struct error_seen *seen)
{
    delta->entries_bytes -= held->cap;
    error_held_set(held, seen);
    delta->entries_bytes += held->cap;
}

/* The first and the last of all: no order matters. */
static void event_add(struct error_delta *delta, struct entry *entry, const struct error_seen *seen)
{
    if (!entry->has_first) {
        held_set(delta, &entry->first, seen);
        entry->has_first = true;
        return;
    }
    struct error_seen first = error_held_seen(&entry->first), last = first;
    if (error_seen_compare(seen, &first) < 0) {
        if (!entry->has_last) { /* what was both is the last */
            struct error_held both = entry->first;
            entry->first = entry->last;
            entry->last = both;
            entry->has_last = true;
        }
        held_set(delta, &entry->first, seen);
        return;
    }
    if (entry->has_last) last = error_held_seen(&entry->last);
    if (error_seen_compare(seen, &last) <= 0) return;
    held_set(delta, &entry->last, seen);
    entry->has_last = true;
}

static void count_add(struct error_delta *delta, uint32_t entry, uint32_t environment, int64_t minute_us, int64_t rows)
{
    uint64_t hash = hash64_mix((uint64_t)minute_us ^ delta->seed, ((uint64_t)entry << 32 | environment) + 1);
    uint32_t found = counting_table_find(&delta->counts_by, hash);
    if (found == UINT32_MAX) {
        found = item_add(&delta->counts, &delta->count_count, &delta->count_cap, sizeof *delta->counts);
        delta->counts[found] = (struct count){ entry, environment, minute_us, 0 };
        counting_table_add(&delta->counts_by, hash, found);
    }
    delta->counts[found].rows += rows;
}

static void release_add(struct error_delta *delta, const struct release *add)
{
    uint64_t hash =
        hash64_mix(((uint64_t)add->release << 32 | add->environment) ^ delta->seed, (uint64_t)add->entry + 1);
    uint32_t found = counting_table_find(&delta->releases_by, hash);
    if (found == UINT32_MAX) {
        found = item_add(&delta->releases, &delta->release_count, &delta->release_cap, sizeof *delta->releases);
        delta->releases[found] = *add;
        counting_table_add(&delta->releases_by, hash, found);
        return;
    }
    struct release *release = &delta->releases[found];
    release->rows += add->rows;
    if (add->first_us < release->first_us) release->first_us = add->first_us;
    if (add->last_us > release->last_us) release->last_us = add->last_us;
}

static void user_add(struct error_delta *delta, struct entry *entry, struct error_user_seen user)
{
    delta->entries_bytes -= error_users_bytes(&entry->users);
    error_users_add(&entry->users, user);
    delta->entries_bytes += error_users_bytes(&entry->users);
}

/* What counts under "(other)" is told by that alone: one of its errors would pass for all. */
static void seen_hide(struct error_seen *seen)
{
    static const enum error_text hidden[] = { ERROR_TEXT_STACK, ERROR_TEXT_STACK_END };
    for (size_t h = 0; h < COUNT_OF(hidden); h++) seen->texts[hidden[h]].len = 0;
    seen->texts[ERROR_TEXT_TYPE] = seen->texts[ERROR_TEXT_PLACE] = BYTES(ERROR_OTHER);
    seen->texts[ERROR_TEXT_MESSAGE] = BYTES(OTHER_TEXT);
    seen->left_out = 0;
    seen->by = FINGERPRINT_BY_PLACE;
    seen->rule_line = 0;
    seen->rules_version = 0;
}

static void error_add(struct error_delta *delta, struct error_names *names, struct uuid project_id,
                      const struct rows_row *row, const struct rows_error *error)
{
    int64_t at_us = row->timestamp_us;
    uint32_t number = entry_find(delta, names, project_id, error);
    struct entry *entry = &delta->entries[number];
    struct error_seen seen = error_seen_of(row, error, error_names_family(names, row->resource));
    if (unlikely(entry->is_rest)) {
        delta->rest++;
        seen_hide(&seen);
    }
    entry->rows++;
    event_add(delta, entry, &seen);
    if (row->user_id.len > 0 || row->session_id.len > 0) {
        int64_t hash = error_names_user(names, project_id, row->user_id, row->session_id);
        user_add(delta, entry, (struct error_user_seen){ hash, at_us, at_us });
    }
    uint32_t environment = word_of(delta, error_names_environment(names, project_id, row->environment));
    count_add(delta, number, environment, at_us - at_us % ERROR_MINUTE_US, 1);
    if (row->release.len == 0) return;
    uint32_t release = word_of(delta, error_names_release(names, project_id, row->release));
    release_add(delta, &(struct release){ number, release, environment, at_us, at_us, 1 });
}

void error_delta_row(struct error_delta *delta, struct error_names *names, struct uuid project_id,
                     const struct rows_row *row, int64_t not_before_us)
{
    if (likely(row->error_count == 0)) return;
    if (unlikely(row->timestamp_us < not_before_us || row->timestamp_us < 0)) {
        delta->skipped++;
        return;
    }
    for (uint32_t e = 0; e < row->error_count; e++) error_add(delta, names, project_id, row, &row->errors[e]);
}

/* -- merging ----------------------------------------------------------------------------------------------------- */

static void entry_merge(struct error_delta *into, struct entry *entry, struct entry *from)
{
    struct error_seen first = error_held_seen(&from->first), last = error_held_seen(&from->last);
    entry->rows += from->rows;
    entry->is_rest |= from->is_rest;
    event_add(into, entry, &first);
    if (from->has_last) event_add(into, entry, &last);
    for (uint32_t s = 0; s < from->users.cap; s++)
        if (from->users.slots[s].hash != -1) user_add(into, entry, from->users.slots[s]);
}

/* Entries that are new go over with their memory. */
static void entry_take(struct error_delta *into, struct entry *entry, struct entry *from)
{
    *entry = *from;
    into->entries_bytes += entry->first.cap + entry->last.cap + error_users_bytes(&entry->users);
    from->first = from->last = (struct error_held){ 0 };
    from->users = (struct error_users){ 0 };
}

void error_delta_merge(struct error_delta *into, struct error_delta *from)
{
    uint32_t *entries = mem_alloc((from->entry_count + 1) * sizeof *entries);
    uint32_t *words = mem_alloc((from->word_count + 1) * sizeof *words);
    for (uint32_t w = 0; w < from->word_count; w++) words[w] = word_of(into, from->words[w]);
    for (uint32_t e = 0; e < from->entry_count; e++) {
        struct entry *entry = &from->entries[e];
        uint32_t number = entries[e] = entry_of(into, entry->project_id, entry->id);
        if (!into->entries[number].has_first)
            entry_take(into, &into->entries[number], entry);
        else
            entry_merge(into, &into->entries[number], entry);
    }
    for (uint32_t c = 0; c < from->count_count; c++) {
        const struct count *count = &from->counts[c];
        count_add(into, entries[count->entry], words[count->environment], count->minute_us, count->rows);
    }
    for (uint32_t r = 0; r < from->release_count; r++) {
        struct release release = from->releases[r];
        release.entry = entries[release.entry];
        release.release = words[release.release];
        release.environment = words[release.environment];
        release_add(into, &release);
    }
    into->skipped += from->skipped;
    into->rest += from->rest;
    free(entries);
    free(words);
    error_delta_reset(from);
}

/* -- what is stored ---------------------------------------------------------------------------------------------- */

static struct bytes text_of(struct arena *arena, struct bytes text)
{
    if (text.len == 0) return (struct bytes){ (const uint8_t *)"", 0 };
    return text_put(arena_alloc(arena, text.len), text);
}

/* As the stack trace has it, where it has one: telemetry.sdk.language knows a platform ("nodejs"), or is not there. */
static struct bytes language_of(const struct error_seen *seen)
{
    struct error_source source = { .language = seen->texts[ERROR_TEXT_LANGUAGE],
                                   .service = seen->texts[ERROR_TEXT_SERVICE],
                                   .type = seen->texts[ERROR_TEXT_TYPE],
                                   .message = seen->texts[ERROR_TEXT_MESSAGE],
                                   .stacktrace = seen->texts[ERROR_TEXT_STACK] };
    struct arena arena;
    arena_init(&arena, 0);
    enum error_language language = error_event_read(&arena, &source)->language;
    arena_deinit(&arena);
    if (language != ERROR_LANGUAGE_UNKNOWN) return bytes_of_text(error_language_names[language]);
    return source.language;
}

static struct error_counted counted_of(struct error_delta *delta, const struct entry *entry)
{
    struct arena *arena = &delta->changes_arena;
    struct error_seen first = error_held_seen(&entry->first);
    struct error_counted counted = { .project_id = entry->project_id,
                                     .id = entry->id,
                                     .service = text_of(arena, first.texts[ERROR_TEXT_SERVICE]),
                                     .family = text_of(arena, first.texts[ERROR_TEXT_FAMILY]),
                                     .language = text_of(arena, language_of(&first)),
                                     .made_by = first.by,
                                     .errors_version = ERRORS_VERSION,
                                     .rule_line = first.rule_line,
                                     .rules_version = first.rules_version,
                                     .first_event = error_seen_json(&first, &delta->scratch, arena),
                                     .first_unix_us = first.at_us,
                                     .row_count = entry->rows };
    counted.last_event = counted.first_event;
    counted.last_unix_us = counted.first_unix_us;
    if (entry->has_last) {
        struct error_seen last = error_held_seen(&entry->last);
        counted.last_event = error_seen_json(&last, &delta->scratch, arena);
        counted.last_unix_us = last.at_us;
    }
    return counted;
}

static void users_make(struct error_delta *delta, struct error_changes *changes)
{
    size_t room = 0;
    for (uint32_t e = 0; e < delta->entry_count; e++) room += delta->entries[e].users.count;
    changes->users = arena_alloc(&delta->changes_arena, room * sizeof *changes->users);
    for (uint32_t e = 0; e < delta->entry_count; e++) {
        const struct entry *entry = &delta->entries[e];
        struct error_user_seen *list = mem_alloc((entry->users.count + 1) * sizeof *list);
        uint32_t count = error_users_list(&entry->users, list);
        for (uint32_t u = 0; u < count; u++)
            changes->users[changes->user_count++] =
                (struct error_user){ entry->project_id, entry->id, list[u].hash, list[u].first_us, list[u].last_us };
        free(list);
    }
}

void error_delta_changes(struct error_delta *delta, struct error_changes *changes)
{
    struct arena *arena = &delta->changes_arena;
    arena_reset(arena);
    changes->fingerprint_count = delta->entry_count;
    changes->count_count = delta->count_count;
    changes->release_count = delta->release_count;
    changes->user_count = 0;
    changes->fingerprints = arena_alloc(arena, delta->entry_count * sizeof *changes->fingerprints);
    changes->counts = arena_alloc(arena, delta->count_count * sizeof *changes->counts);
    changes->releases = arena_alloc(arena, delta->release_count * sizeof *changes->releases);
    for (uint32_t e = 0; e < delta->entry_count; e++) changes->fingerprints[e] = counted_of(delta, &delta->entries[e]);
    for (uint32_t c = 0; c < delta->count_count; c++) {
        const struct count *count = &delta->counts[c];
        const struct entry *entry = &delta->entries[count->entry];
        changes->counts[c] = (struct error_count){ entry->project_id, entry->id, count->minute_us,
                                                   delta->words[count->environment], count->rows };
    }
    for (uint32_t r = 0; r < delta->release_count; r++) {
        const struct release *release = &delta->releases[r];
        const struct entry *entry = &delta->entries[release->entry];
        changes->releases[r] = (struct error_release){ entry->project_id,
                                                       entry->id,
                                                       delta->words[release->release],
                                                       delta->words[release->environment],
                                                       release->first_us,
                                                       release->last_us,
                                                       release->rows };
    }
    users_make(delta, changes);
    buf_deinit(&delta->scratch);
    buf_init(&delta->scratch, ERROR_SCRATCH_BYTES);
}
