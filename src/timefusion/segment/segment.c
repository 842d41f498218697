#include "timefusion/segment/segment.h"
#include "base/clock.h"
#include "base/fail.h"
#include "timefusion/segment/segment_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool segments_open(struct segments **out, const char *dir, struct disk *disk, struct err *err)
{
    struct segments *segments = mem_calloc(1, sizeof *segments);
    segments->disk = disk;
    segments->dir = mem_strdup(dir);
    segments->id = uuid_random();
    segments->number = 1; /* 0 is "nothing yet" */
    segments->removed = mem_calloc(SEGMENTS_REMOVED_MAX, sizeof *segments->removed);
    pthread_condattr_t monotonic;
    pthread_mutex_init(&segments->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&segments->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&segments->next_id, 1);
    if (!disk_dir_empty(disk, dir, err)) goto fail;
    if (!object_store_open_folder(&segments->store, dir, disk, err)) goto fail;
    *out = segments;
    return true;
fail:
    segments_close(segments);
    *out = NULL;
    return err_within(err, "segment folder \"%s\"", dir);
}

void segments_close(struct segments *segments)
{
    if (!segments) return;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct listing *listing = &segments->listings[t];
        for (uint32_t s = 0; s < listing->cap; s++) {
            for (uint32_t f = 0; f < listing->slots[s].count; f++) file_release(listing->slots[s].files[f]);
            free(listing->slots[s].files);
        }
        free(listing->slots);
    }
    for (uint32_t p = 0; p < segments->partition_count; p++) {
        struct partition *partition = &segments->partitions[p];
        for (uint32_t o = 0; o < partition->owner_count; o++) owner_release(partition->owners[o]);
        free(partition->owners);
    }
    free(segments->partitions);
    free(segments->removed);
    if (segments->store) object_store_close(segments->store);
    pthread_cond_destroy(&segments->changed);
    pthread_mutex_destroy(&segments->lock);
    free(segments->dir);
    free(segments);
}

uint64_t segments_next_id(struct segments *segments)
{
    return atomic_fetch_add(&segments->next_id, 1);
}

static uint32_t slot_of(struct uuid project_id, uint32_t cap)
{
    uint64_t hash;
    memcpy(&hash, project_id.bytes + 8, sizeof hash); /* random bits of any UUID version */
    return (uint32_t)((hash * 0x9E3779B97F4A7C15u) >> 32) & (cap - 1);
}

static struct project_slot *slot_find(struct listing *listing, struct uuid project_id)
{
    if (listing->cap == 0) return NULL;
    for (uint32_t at = slot_of(project_id, listing->cap);; at = (at + 1) & (listing->cap - 1)) {
        struct project_slot *slot = &listing->slots[at];
        if (!slot->is_used) return NULL;
        if (uuid_equal(slot->project_id, project_id)) return slot;
    }
}

struct project_slot *segments_slot(struct segments *segments, enum schema_table_id table, struct uuid project_id)
{
    return slot_find(&segments->listings[table], project_id);
}

static struct project_slot *slot_insert(struct listing *listing, struct uuid project_id)
{
    uint32_t at = slot_of(project_id, listing->cap);
    while (listing->slots[at].is_used) at = (at + 1) & (listing->cap - 1);
    listing->slots[at] = (struct project_slot){ .project_id = project_id, .is_used = true };
    listing->used++;
    return &listing->slots[at];
}

static void listing_grow(struct listing *listing)
{
    struct listing old = *listing;
    listing->cap = old.cap ? old.cap * 2 : 16;
    listing->used = 0;
    listing->slots = mem_calloc(listing->cap, sizeof *listing->slots);
    for (uint32_t s = 0; s < old.cap; s++) {
        if (!old.slots[s].is_used) continue;
        if (old.slots[s].count == 0) {
            free(old.slots[s].files);
            continue;
        }
        *slot_insert(listing, old.slots[s].project_id) = old.slots[s];
    }
    free(old.slots);
}

static struct file *segment_new(struct segments *segments, const struct schema_table *table, int32_t day,
                                struct owner *owner)
{
    uint64_t id = segments_next_id(segments);
    char key[48];
    snprintf(key, sizeof key, "%020" PRIu64 ".parquet", id);
    struct file *segment = file_create(segments->store, key, table, TIMEFUSION_SEGMENT, id);
    segment->disk = segments->disk;
    segment->shown.day = day;
    segment->owner = owner_acquire(owner);
    segment->place = mem_calloc(1, sizeof *segment->place);
    return segment;
}

static void segment_describe(struct file *segment, struct parquet_footer *footer, uint64_t bytes)
{
    const struct parquet_column_stats *time = &footer->file_columns[segment->table->timestamp];
    assert(time->has_min_max); /* timestamp is never null */
    segment->footer = footer;
    segment->row_group_count = footer->row_group_count;
    segment->shown.bytes = bytes;
    segment->shown.row_count = footer->row_count;
    segment->shown.timestamp_min_us = time->min.integer;
    segment->shown.timestamp_max_us = time->max.integer;
}

static void segment_path(struct segments *segments, const struct file *segment, char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "%s/%s", segments->dir, segment->key);
}

bool segment_write(struct segments *segments, const struct schema_table *table, int32_t day, struct bytes bytes,
                   struct segment_range range, struct file **out, struct err *err)
{
    struct file *segment = segment_new(segments, table, day, range.owner);
    struct disk_file *disk_file = NULL;
    struct parquet_footer *footer = NULL;
    size_t need;
    char path[1024];
    segment_path(segments, segment, path, sizeof path);
    file_doom(segment); /* until it is whole */
    fail_point("segment.before_write");
    if (!segments->disk->ops->open(segments->disk, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &disk_file, err))
        goto fail;
    bool written = disk_file && segments->disk->ops->pwrite(disk_file, 0, &bytes, 1, err);
    segments->disk->ops->close(disk_file);
    if (!written) goto fail;
    fail_point("segment.after_write");
    if (!parquet_footer_read(bytes, bytes.len, table, &footer, &need, err)) goto fail;
    segment_describe(segment, footer, bytes.len);
    segment->shown.position_low = range.low;
    segment->shown.position_high = range.high;
    atomic_store(&segment->is_doomed, false);
    pthread_mutex_lock(&segments->lock);
    segments->stats.written_count++;
    pthread_mutex_unlock(&segments->lock);
    *out = segment;
    return true;
fail:
    file_release(segment);
    return err_within(err, "segment \"%s\"", path);
}

bool segment_join_into(struct disk *disk, struct file *const *inputs, uint32_t input_count, struct disk_file *out,
                       bool sync, uint64_t *bytes, struct parquet_footer **footer, struct err *err)
{
    struct parquet_input *opened = mem_calloc(input_count, sizeof *opened);
    uint32_t open_count = 0;
    bool ok = true;
    for (; ok && open_count < input_count; open_count += ok) {
        char path[1024];
        if (!object_local_path(inputs[open_count]->store, inputs[open_count]->key, path, sizeof path))
            ok = err_set(err, ERR_INTERNAL, "segment \"%s\" is not on local disk", inputs[open_count]->key);
        ok = ok && disk->ops->open(disk, path, DISK_READ, &opened[open_count].file, err);
        opened[open_count].bytes = inputs[open_count]->shown.bytes;
    }
    ok = ok && parquet_join(disk, opened, input_count, inputs[0]->table, out, sync, bytes, footer, err);
    for (uint32_t i = 0; i < open_count; i++) disk->ops->close(opened[i].file);
    free(opened);
    return ok;
}

bool segment_join(struct segments *segments, struct file *const *inputs, uint32_t input_count, struct file **out,
                  struct err *err)
{
    assert(input_count > 0);
    struct file *segment = segment_new(segments, inputs[0]->table, inputs[0]->shown.day, inputs[0]->owner);
    struct disk_file *disk_file = NULL;
    struct parquet_footer *footer = NULL;
    uint64_t bytes = 0;
    char path[1024];
    segment_path(segments, segment, path, sizeof path);
    file_doom(segment);
    fail_point("segment.before_join");
    if (!segments->disk->ops->open(segments->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                                   &disk_file, err))
        goto fail;
    bool joined = segment_join_into(segments->disk, inputs, input_count, disk_file, false, &bytes, &footer, err);
    segments->disk->ops->close(disk_file);
    if (!joined) goto fail;
    fail_point("segment.after_join");
    segment_describe(segment, footer, bytes);
    segment->shown.position_low = inputs[0]->shown.position_low;
    segment->shown.position_high = inputs[0]->shown.position_high;
    for (uint32_t i = 1; i < input_count; i++) {
        if (inputs[i]->shown.position_low < segment->shown.position_low)
            segment->shown.position_low = inputs[i]->shown.position_low;
        if (inputs[i]->shown.position_high > segment->shown.position_high)
            segment->shown.position_high = inputs[i]->shown.position_high;
    }
    atomic_store(&segment->is_doomed, false);
    pthread_mutex_lock(&segments->lock);
    segments->stats.joined_count++;
    pthread_mutex_unlock(&segments->lock);
    *out = segment;
    return true;
fail:
    file_release(segment);
    return err_within(err, "joined segment \"%s\"", path);
}

bool segment_copy(struct segments *segments, const struct segment_original *original, struct owner *owner,
                  struct file **out, struct err *err)
{
    struct file *segment = segment_new(segments, original->table, original->day, owner);
    struct disk *disk = segments->disk;
    struct disk_file *disk_file = NULL;
    struct parquet_footer *footer = NULL;
    char path[1024];
    segment_path(segments, segment, path, sizeof path);
    file_doom(segment);
    if (!disk->ops->open(disk, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &disk_file, err)) goto fail;
    uint8_t *piece = mem_alloc(SEGMENT_COPY_BYTES);
    bool ok = true;
    for (uint64_t at = 0; ok && at < original->bytes;) {
        size_t len = original->bytes - at < SEGMENT_COPY_BYTES ? (size_t)(original->bytes - at) : SEGMENT_COPY_BYTES;
        struct bytes bytes = bytes_from(piece, len);
        ok = original->read(original->ctx, at, piece, len, err) && disk->ops->pwrite(disk_file, at, &bytes, 1, err);
        at += len;
    }
    free(piece);
    disk->ops->close(disk_file);
    segment->shown.bytes = original->bytes;
    if (!ok || !file_footer_load(segment, &footer, NULL, err)) goto fail;
    if (footer->row_count == 0 || !footer->file_columns[segment->table->timestamp].has_min_max) {
        parquet_footer_destroy(footer);
        err_set(err, ERR_CORRUPT, "it has no rows, or no times");
        goto fail;
    }
    segment_describe(segment, footer, original->bytes);
    segment->shown.position_low = original->position_low;
    segment->shown.position_high = original->position_high;
    atomic_store(&segment->is_doomed, false);
    *out = segment;
    return true;
fail:
    file_release(segment);
    return err_within(err, "copy of a segment \"%s\"", path);
}

static void slot_remove(struct project_slot *slot, struct file *file)
{
    for (uint32_t f = 0; f < slot->count; f++) {
        if (slot->files[f] != file) continue;
        memmove(&slot->files[f], &slot->files[f + 1], (slot->count - f - 1) * sizeof(struct file *));
        slot->count--;
        return;
    }
    assert(!"a listed segment has its place");
}

uint64_t segments_changed(struct segments *segments)
{
    pthread_cond_broadcast(&segments->changed);
    return ++segments->number;
}

void segments_list_add(struct segments *segments, struct uuid project_id, struct file *segment)
{
    struct listing *listing = &segments->listings[segment->table->id];
    struct project_slot *slot = slot_find(listing, project_id);
    struct owner *owner = segment->owner;
    assert(!segment->place->is_listed);
    if (!slot) {
        if ((listing->used + 1) * 2 > listing->cap) listing_grow(listing);
        slot = slot_insert(listing, project_id);
    }
    if (slot->count == slot->cap) {
        slot->cap = slot->cap ? slot->cap * 2 : 4;
        slot->files = mem_realloc(slot->files, slot->cap * sizeof(struct file *));
    }
    slot->files[slot->count++] = file_acquire(segment);
    segment->place->project_id = project_id;
    segment->place->is_listed = true;
    owner->listed_count++;
    if (owner->high[segment->table->id] < segment->shown.position_high)
        owner->high[segment->table->id] = segment->shown.position_high;
    segments->stats.segment_count++;
    segments->stats.bytes += segment->shown.bytes;
    if (owner->is_copy) {
        segments->stats.copy_count++;
        segments->stats.copy_bytes += segment->shown.bytes;
        segments->stats.copy_footer_bytes += segment->footer->footer_bytes;
        return;
    }
    segment->place->number = segments_changed(segments);
    segment->place->older = segments->newest;
    if (segments->newest) segments->newest->place->newer = segment;
    segments->newest = segment;
}

void segments_list_remove(struct segments *segments, struct file *segment)
{
    struct segment_place *place = segment->place;
    struct project_slot *slot = slot_find(&segments->listings[segment->table->id], place->project_id);
    assert(slot && place->is_listed);
    slot_remove(slot, segment);
    place->is_listed = false;
    segment->owner->listed_count--;
    segments->stats.segment_count--;
    segments->stats.bytes -= segment->shown.bytes;
    file_doom(segment);
    if (segment->owner->is_copy) {
        segments->stats.copy_count--;
        segments->stats.copy_bytes -= segment->shown.bytes;
        segments->stats.copy_footer_bytes -= segment->footer->footer_bytes;
        return;
    }
    if (place->newer) place->newer->place->older = place->older;
    if (place->older) place->older->place->newer = place->newer;
    if (segments->newest == segment) segments->newest = place->older;
    segments->removed[segments->removed_count++ % SEGMENTS_REMOVED_MAX] =
        (struct segments_removed){ .number = segments_changed(segments), .id = segment->shown.id };
}

void segments_swap(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                   struct file *const *out, uint32_t out_count, struct file *const *in, uint32_t in_count)
{
    uint32_t removed_count = 0;
    struct file **removed = mem_alloc((out_count + 1) * sizeof(struct file *));
    pthread_mutex_lock(&segments->lock);
    const struct owner *owner = out_count > 0 ? out[0]->owner : in_count > 0 ? in[0]->owner : NULL;
    if (owner && owner->is_followed) { /* the list stays as it is, for those who still see it */
        for (uint32_t f = 0; f < in_count; f++) file_doom(in[f]);
        out_count = in_count = 0;
    }
    for (uint32_t f = 0; f < out_count; f++) {
        struct file *segment = out[f];
        assert(segment->table->id == table);
        /* Those whose rows another owner has taken over are gone from the list already. */
        if (!segment->place->is_listed) continue;
        if (in_count == 0 && segment->owner->stored[table] < (int64_t)segment->shown.position_high)
            segment->owner->stored[table] = (int64_t)segment->shown.position_high;
        segments_list_remove(segments, segment);
        removed[removed_count++] = segment;
    }
    for (uint32_t f = 0; f < in_count; f++) segments_list_add(segments, project_id, in[f]);
    pthread_mutex_unlock(&segments->lock);
    for (uint32_t f = 0; f < removed_count; f++) file_release(removed[f]); /* the list's reference */
    free(removed);
}

uint32_t segments_list(struct segments *segments, enum schema_table_id table, struct uuid project_id,
                       struct file ***files, struct owners_view *view)
{
    *files = NULL;
    pthread_mutex_lock(&segments->lock);
    struct project_slot *slot = slot_find(&segments->listings[table], project_id);
    uint32_t count = slot ? slot->count : 0;
    if (count > 0) {
        *files = mem_alloc(count * sizeof(struct file *));
        for (uint32_t f = 0; f < count; f++) (*files)[f] = file_acquire(slot->files[f]);
    }
    if (view) owners_view_take(segments, table, view);
    pthread_mutex_unlock(&segments->lock);
    return count;
}

void segments_stats(struct segments *segments, struct segments_stats *stats)
{
    pthread_mutex_lock(&segments->lock);
    *stats = segments->stats;
    pthread_mutex_unlock(&segments->lock);
}
