#include "ingest/tally.h"
#include "base/hash.h"
#include <pthread.h>
#include <stdlib.h>

struct tally {
    pthread_mutex_t lock; /* guards all below */
    uint32_t projects_max, count, slot_mask;
    struct tally_entry others, *entries;
    uint32_t *slots; /* index + 1 of the entry; 0: free */
};

struct tally *tally_create(uint32_t projects_max)
{
    struct tally *tally = mem_calloc(1, sizeof *tally);
    uint32_t slots = 16;
    while (slots < projects_max * 2) slots *= 2;
    tally->projects_max = projects_max;
    tally->slot_mask = slots - 1;
    tally->slots = mem_calloc(slots, sizeof *tally->slots);
    tally->entries = mem_calloc(projects_max, sizeof *tally->entries);
    pthread_mutex_init(&tally->lock, NULL);
    return tally;
}

void tally_destroy(struct tally *tally)
{
    if (!tally) return;
    pthread_mutex_destroy(&tally->lock);
    free(tally->entries);
    free(tally->slots);
    free(tally);
}

static struct tally_entry *entry_of(struct tally *tally, struct uuid project_id)
{
    uint32_t slot = (uint32_t)hash64_of(bytes_from(project_id.bytes, 16)) & tally->slot_mask;
    for (; tally->slots[slot]; slot = (slot + 1) & tally->slot_mask) {
        struct tally_entry *entry = &tally->entries[tally->slots[slot] - 1];
        if (uuid_equal(entry->project_id, project_id)) return entry;
    }
    if (tally->count == tally->projects_max) return &tally->others;
    struct tally_entry *entry = &tally->entries[tally->count++];
    entry->project_id = project_id;
    tally->slots[slot] = tally->count;
    return entry;
}

void tally_add(struct tally *tally, struct uuid project_id, enum otlp_signal signal, uint64_t records, uint64_t bytes)
{
    assert(signal >= OTLP_LOGS && signal <= OTLP_REPLAY);
    pthread_mutex_lock(&tally->lock);
    struct tally_entry *entry = entry_of(tally, project_id);
    entry->requests++;
    entry->bytes += bytes;
    entry->records[signal - 1] += records;
    pthread_mutex_unlock(&tally->lock);
}

uint32_t tally_read(struct tally *tally, struct tally_entry **entries)
{
    pthread_mutex_lock(&tally->lock);
    uint32_t count = tally->count;
    *entries = mem_alloc((count + 1) * sizeof **entries);
    memcpy(*entries, tally->entries, count * sizeof **entries);
    if (tally->others.requests > 0) (*entries)[count++] = tally->others;
    pthread_mutex_unlock(&tally->lock);
    return count;
}
