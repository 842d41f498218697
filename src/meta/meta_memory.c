#include "meta/meta_inside.h"

#include <stdlib.h>

#include "base/hash.h"

/* -- places ----------------------------------------------------------------------------------------------------- */

static void places_put(struct places *places, uint64_t hash, uint32_t entry)
{
    uint32_t at = (uint32_t)hash & (places->cap - 1);
    while (places->slots[at].entry != 0) at = (at + 1) & (places->cap - 1);
    places->slots[at] = (struct place){ hash, entry + 1 };
    places->used++;
}

static void places_add(struct places *places, uint64_t hash, uint32_t entry)
{
    if ((places->used + 1) * 2 > places->cap) {
        struct places old = *places;
        *places = (struct places){ .cap = old.cap ? old.cap * 2 : 64 };
        places->slots = mem_calloc(places->cap, sizeof *places->slots);
        for (uint32_t i = 0; i < old.cap; i++) {
            if (old.slots[i].entry != 0) places_put(places, old.slots[i].hash, old.slots[i].entry - 1);
        }
        free(old.slots);
    }
    places_put(places, hash, entry);
}

/* The next entry with this hash; *step starts at 0. False at the end. */
static bool places_next(const struct places *places, uint64_t hash, uint32_t *step, uint32_t *entry)
{
    while (*step < places->cap) {
        const struct place *place = &places->slots[((uint32_t)hash + *step) & (places->cap - 1)];
        if (place->entry == 0) return false;
        ++*step;
        if (place->hash != hash) continue;
        *entry = place->entry - 1;
        return true;
    }
    return false;
}

static uint64_t id_hash(const struct memory *memory, struct uuid id)
{
    return hash64_key(bytes_from(id.bytes, sizeof id.bytes), memory->seed);
}

/* A hash of a secret is already as good as random. */
static uint64_t digest_hash(const uint8_t digest[SHA256_BYTES])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

/* -- what is kept ----------------------------------------------------------------------------------------------- */

void project_keep(struct memory *memory, const struct meta_project *project)
{
    if (memory->project_count == memory->project_cap) {
        memory->project_cap = memory->project_cap ? memory->project_cap * 2 : 16;
        memory->projects = mem_realloc(memory->projects, memory->project_cap * sizeof *memory->projects);
    }
    memory->projects[memory->project_count] = *project;
    places_add(&memory->projects_by_name, hash64_key(bytes_of_text(project->name), memory->seed),
               memory->project_count);
    places_add(&memory->projects_by_id, id_hash(memory, project->id), memory->project_count);
    memory->project_count++;
}

void key_keep(struct memory *memory, const struct key_entry *entry)
{
    if (memory->key_count == memory->key_cap) {
        memory->key_cap = memory->key_cap ? memory->key_cap * 2 : 16;
        memory->keys = mem_realloc(memory->keys, memory->key_cap * sizeof *memory->keys);
    }
    memory->keys[memory->key_count] = *entry;
    places_add(&memory->keys_by_id, id_hash(memory, entry->key.id), memory->key_count);
    places_add(&memory->keys_by_secret, digest_hash(entry->secret_hash), memory->key_count);
    memory->key_count++;
}

const struct key_entry *key_by_digest(const struct memory *memory, const uint8_t digest[SHA256_BYTES], uint32_t *step)
{
    uint32_t entry;
    return places_next(&memory->keys_by_secret, digest_hash(digest), step, &entry) ? &memory->keys[entry] : NULL;
}

const struct key_entry *key_by_id(const struct memory *memory, struct uuid id)
{
    uint32_t step = 0, entry;
    while (places_next(&memory->keys_by_id, id_hash(memory, id), &step, &entry)) {
        if (uuid_equal(memory->keys[entry].key.id, id)) return &memory->keys[entry];
    }
    return NULL;
}

const struct meta_retention *retention_at(const struct memory *memory, struct uuid project_id, const char *table)
{
    for (uint32_t r = 0; r < memory->retention_count; r++)
        if (uuid_equal(memory->retentions[r].project_id, project_id) && strcmp(memory->retentions[r].table, table) == 0)
            return &memory->retentions[r];
    return NULL;
}

void retention_keep(struct memory *memory, const struct meta_retention *retention)
{
    if (memory->retention_count == memory->retention_cap) {
        memory->retention_cap = memory->retention_cap ? memory->retention_cap * 2 : 16;
        memory->retentions = mem_realloc(memory->retentions, memory->retention_cap * sizeof *memory->retentions);
    }
    memory->retentions[memory->retention_count++] = *retention;
}

const struct meta_project *project_by_id(const struct memory *memory, struct uuid id)
{
    uint32_t step = 0, entry;
    while (places_next(&memory->projects_by_id, id_hash(memory, id), &step, &entry)) {
        if (uuid_equal(memory->projects[entry].id, id)) return &memory->projects[entry];
    }
    return NULL;
}

const struct meta_project *project_by_name(const struct memory *memory, struct bytes name)
{
    uint32_t step = 0, entry;
    while (places_next(&memory->projects_by_name, hash64_key(name, memory->seed), &step, &entry)) {
        if (bytes_equal(bytes_of_text(memory->projects[entry].name), name)) return &memory->projects[entry];
    }
    return NULL;
}

void memory_deinit(struct memory *memory)
{
    free(memory->projects);
    free(memory->keys);
    free(memory->retentions);
    free(memory->projects_by_name.slots);
    free(memory->projects_by_id.slots);
    free(memory->keys_by_id.slots);
    free(memory->keys_by_secret.slots);
}
