#include "ingest/redaction/element_memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

enum { WAYS = 4 };

struct slot {
    uint64_t used;            /* a count that grows: the least was used longest ago */
    struct elements elements; /* key 0: none */
};
struct element_memory {
    pthread_mutex_t lock; /* guards the rest */
    uint64_t used;
    uint32_t node_count, set_count;
    struct slot slots[]; /* set_count * WAYS */
};

/* ---- one recording ---- */

/* The first that is not before id. */
static uint32_t place_of(const struct elements *elements, uint32_t id)
{
    uint32_t low = 0, high = elements->count;
    if (high > 0 && elements->nodes[high - 1].id < id) return high; /* numbers grow */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (elements->nodes[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t elements_rule(const struct elements *elements, uint32_t id)
{
    uint32_t at = place_of(elements, id);
    return at < elements->count && elements->nodes[at].id == id ? elements->nodes[at].rule : -1;
}

void elements_begin(struct elements *elements)
{
    elements->count = 0;
    elements->is_known = true;
}

void elements_add(struct elements *elements, uint32_t id, int32_t rule)
{
    uint32_t at = place_of(elements, id);
    if (at < elements->count && elements->nodes[at].id == id) return;
    if (elements->count == ELEMENTS_NODES_MAX) {
        elements->is_known = false;
        return;
    }
    if (elements->count == elements->cap) {
        elements->cap = elements->cap ? elements->cap * 2 : 32;
        elements->nodes = mem_realloc(elements->nodes, elements->cap * sizeof *elements->nodes);
    }
    memmove(elements->nodes + at + 1, elements->nodes + at, (elements->count - at) * sizeof *elements->nodes);
    elements->nodes[at] = (struct element_node){ id, rule };
    elements->count++;
}

/* ---- all of them ---- */

struct element_memory *element_memory_create(uint32_t recordings_max)
{
    uint32_t set_count = (recordings_max + WAYS - 1) / WAYS;
    struct element_memory *memory = mem_calloc(1, sizeof *memory + set_count * WAYS * sizeof memory->slots[0]);
    memory->set_count = set_count;
    pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void element_memory_destroy(struct element_memory *memory)
{
    if (memory == NULL) return;
    for (uint32_t s = 0; s < memory->set_count * WAYS; s++) free(memory->slots[s].elements.nodes);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static uint64_t key_of(const struct recording_name *name)
{
    uint64_t key = hash64_of(bytes_from(name->project_id.bytes, sizeof name->project_id.bytes));
    key = hash64_key(name->session, key);
    key = hash64_key(name->tab, key);
    return hash64_key(name->recording, key) | 1;
}

static struct slot *set_of(struct element_memory *memory, uint64_t key)
{
    return &memory->slots[(key >> 1) % memory->set_count * WAYS];
}

void element_memory_take(struct element_memory *memory, const struct recording_name *name, uint64_t rules,
                         struct elements *elements)
{
    uint64_t key = key_of(name);
    *elements = (struct elements){ .key = key, .rules = rules };
    pthread_mutex_lock(&memory->lock);
    struct slot *set = set_of(memory, key);
    for (struct slot *slot = set; slot < set + WAYS; slot++) {
        if (slot->elements.key != key) continue;
        *elements = slot->elements;
        memory->node_count -= elements->count;
        slot->elements = (struct elements){ 0 };
    }
    pthread_mutex_unlock(&memory->lock);
    elements->is_blind = false;
    /* One that was looked at before may come again: its nodes are known. */
    if (name->sequence < 0 || name->sequence > elements->next || elements->rules != rules) elements->is_known = false;
    elements->rules = rules;
}

void element_memory_put(struct element_memory *memory, const struct recording_name *name, struct elements *elements)
{
    if (name->sequence >= elements->next) elements->next = name->sequence + 1;
    pthread_mutex_lock(&memory->lock);
    struct slot *set = set_of(memory, elements->key), *into = set;
    for (struct slot *slot = set; slot < set + WAYS; slot++)
        if (slot->elements.key == elements->key || slot->used < into->used) {
            into = slot;
            if (slot->elements.key == elements->key) break;
        }
    /* Another batch of it was looked at meanwhile: neither knows what the other does. */
    if (into->elements.key == elements->key) elements->is_known = false;
    memory->node_count -= into->elements.count;
    free(into->elements.nodes);
    if (memory->node_count + elements->count > ELEMENT_MEMORY_NODES_MAX) {
        free(elements->nodes);
        *into = (struct slot){ 0 };
    } else {
        memory->node_count += elements->count;
        *into = (struct slot){ ++memory->used, *elements };
    }
    pthread_mutex_unlock(&memory->lock);
    *elements = (struct elements){ 0 };
}
