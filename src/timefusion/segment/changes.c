#include "timefusion/segment/changes.h"
#include "base/clock.h"
#include "timefusion/segment/segment_inside.h"
#include <stdlib.h>
#include <time.h>

static void owners_tell(struct segments *segments, struct segments_changes *changes)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < segments->partition_count; p++) count += segments->partitions[p].owner_count;
    changes->owners = mem_alloc((count + 1) * sizeof *changes->owners);
    for (uint32_t p = 0; p < segments->partition_count; p++) {
        const struct partition *partition = &segments->partitions[p];
        for (uint32_t o = 0; o < partition->owner_count; o++) {
            struct owner *owner = partition->owners[o];
            if (owner->is_copy) continue;
            struct segments_owner *told = &changes->owners[changes->owner_count++];
            told->owner = owner_acquire(owner);
            told->visible = owner->visible;
            told->is_open = owner->is_open;
            memcpy(told->stored, owner->stored, sizeof told->stored);
        }
    }
}

/* Is what was removed since then still remembered? */
static bool is_remembered(const struct segments *segments, uint64_t since)
{
    if (segments->removed_count <= SEGMENTS_REMOVED_MAX) return true;
    return segments->removed[segments->removed_count % SEGMENTS_REMOVED_MAX].number <= since;
}

void segments_changes(struct segments *segments, struct uuid list_id, uint64_t since, struct segments_changes *changes)
{
    uint32_t cap = 0;
    *changes = (struct segments_changes){ 0 };
    pthread_mutex_lock(&segments->lock);
    bool is_known = uuid_equal(list_id, segments->id) && since > 0 && since <= segments->number;
    changes->is_full = !is_known || !is_remembered(segments, since);
    changes->list_id = segments->id;
    changes->number = segments->number;
    if (changes->is_full) since = 0;
    owners_tell(segments, changes);
    for (struct file *file = segments->newest; file && file->place->number > since; file = file->place->older) {
        if (changes->entry_count == cap) {
            cap = cap ? cap * 2 : 64;
            changes->entries = mem_realloc(changes->entries, cap * sizeof *changes->entries);
        }
        changes->entries[changes->entry_count++] =
            (struct segments_entry){ file_acquire(file), file->place->project_id };
    }
    uint64_t removed = changes->is_full ? segments->removed_count : 0;
    if (!changes->is_full && segments->removed_count > SEGMENTS_REMOVED_MAX)
        removed = segments->removed_count - SEGMENTS_REMOVED_MAX;
    changes->removed = mem_alloc((segments->removed_count - removed + 1) * sizeof *changes->removed);
    /* From the last one back: those after since are few. */
    for (uint64_t r = segments->removed_count; r-- > removed;) {
        const struct segments_removed *it = &segments->removed[r % SEGMENTS_REMOVED_MAX];
        if (it->number <= since) break;
        changes->removed[changes->removed_count++] = it->id;
    }
    pthread_mutex_unlock(&segments->lock);
}

void segments_changes_deinit(struct segments_changes *changes)
{
    for (uint32_t o = 0; o < changes->owner_count; o++) owner_release(changes->owners[o].owner);
    for (uint32_t e = 0; e < changes->entry_count; e++) file_release(changes->entries[e].file);
    free(changes->owners);
    free(changes->entries);
    free(changes->removed);
    *changes = (struct segments_changes){ 0 };
}

uint64_t segments_changes_wait(struct segments *segments, uint64_t since, uint32_t timeout_ms)
{
    uint64_t until_ns = clock_mono_ns() + timeout_ms * 1000000ull;
    const struct timespec until = { (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
    int failed = 0;
    pthread_mutex_lock(&segments->lock);
    while (segments->number <= since && failed == 0)
        failed = pthread_cond_timedwait(&segments->changed, &segments->lock, &until);
    uint64_t number = segments->number;
    pthread_mutex_unlock(&segments->lock);
    return number;
}

struct uuid segments_list_id(const struct segments *segments)
{
    return segments->id;
}

bool owner_is_followed(struct segments *segments, const struct owner *owner)
{
    pthread_mutex_lock(&segments->lock);
    bool is_followed = owner->is_followed;
    pthread_mutex_unlock(&segments->lock);
    return is_followed;
}

struct file *segments_find(struct segments *segments, uint64_t id)
{
    pthread_mutex_lock(&segments->lock);
    struct file *file = segments->newest;
    while (file && file->shown.id != id) file = file->place->older;
    if (file) file_acquire(file);
    pthread_mutex_unlock(&segments->lock);
    return file;
}

/* ---- the other side ---- */

/* Where the owner's listed segments of that project, table and day begin; UINT64_MAX when there are none. */
static uint64_t listed_low(struct segments *segments, const struct file *of)
{
    uint64_t low = UINT64_MAX;
    const struct project_slot *slot = segments_slot(segments, of->table->id, of->place->project_id);
    for (uint32_t f = 0; slot && f < slot->count; f++) {
        const struct file *file = slot->files[f];
        if (file->owner != of->owner || file->shown.day != of->shown.day || file->place->is_gone) continue;
        if (file->shown.position_low < low) low = file->shown.position_low;
    }
    return low;
}

static void copy_add(struct segments *segments, const struct segments_entry *entry)
{
    if (entry->file->owner->is_followed) {
        file_doom(entry->file);
    } else {
        segments_list_add(segments, entry->project_id, entry->file);
    }
}

void copies_apply(struct segments *segments, const struct copies_batch *batch)
{
    struct file **out = mem_alloc((batch->removed_count + 1) * sizeof(struct file *));
    uint32_t out_count = 0;
    pthread_mutex_lock(&segments->lock);
    for (uint32_t o = 0; o < batch->owner_count; o++) owner_look(segments, batch->owners[o].owner, batch->deltas);
    for (uint32_t a = 0; a < batch->added_count; a++) copy_add(segments, &batch->added[a]);
    for (uint32_t r = 0; r < batch->removed_count; r++) batch->removed[r]->place->is_gone = true;
    for (uint32_t r = 0; r < batch->removed_count; r++) {
        struct file *copy = batch->removed[r];
        if (!copy->place->is_listed || copy->owner->is_followed) continue;
        if (copy->shown.position_high <= listed_low(segments, copy)) continue;
        segments_list_remove(segments, copy);
        out[out_count++] = copy;
    }
    for (uint32_t o = 0; o < batch->owner_count; o++) {
        const struct copies_owner *told = &batch->owners[o];
        struct owner *owner = told->owner;
        if (owner->is_followed) continue;
        if (told->visible > owner->visible) owner->visible = told->visible;
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
            if (told->stored[t] > owner->stored[t]) owner->stored[t] = told->stored[t];
    }
    pthread_mutex_unlock(&segments->lock);
    for (uint32_t f = 0; f < out_count; f++) file_release(out[f]);
    free(out);
}
