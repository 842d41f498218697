#include "timefusion/segment/owner.h"
#include "timefusion/segment/segment_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct owner *owner_acquire(struct owner *owner)
{
    if (owner) atomic_fetch_add_explicit(&owner->reference_count, 1, memory_order_relaxed);
    return owner;
}

void owner_txn_id(const char *app_id, char id[OWNER_TXN_ID_BYTES])
{
    snprintf(id, OWNER_TXN_ID_BYTES, "%s/owner", app_id);
}

void owner_release(struct owner *owner)
{
    if (!owner || atomic_fetch_sub_explicit(&owner->reference_count, 1, memory_order_acq_rel) > 1) return;
    free(owner);
}

static struct partition *partition_get(struct segments *segments, const char *app_id)
{
    for (uint32_t p = 0; p < segments->partition_count; p++)
        if (strcmp(segments->partitions[p].app_id, app_id) == 0) return &segments->partitions[p];
    if (segments->partition_count == segments->partition_cap) {
        segments->partition_cap = segments->partition_cap ? segments->partition_cap * 2 : 4;
        segments->partitions =
            mem_realloc(segments->partitions, segments->partition_cap * sizeof *segments->partitions);
    }
    struct partition *partition = &segments->partitions[segments->partition_count++];
    *partition = (struct partition){ 0 };
    snprintf(partition->app_id, sizeof partition->app_id, "%s", app_id);
    return partition;
}

bool owner_open(struct segments *segments, const struct owner_options *options, struct owner **out, struct err *err)
{
    assert(strlen(options->app_id) < OWNER_APP_ID_BYTES);
    *out = NULL;
    pthread_mutex_lock(&segments->lock);
    struct partition *partition = partition_get(segments, options->app_id);
    uint64_t epoch = options->epoch, known = 0;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        if (partition->chosen[t] > known) known = partition->chosen[t];
    uint32_t at = partition->owner_count;
    if (at > 0 && partition->owners[at - 1]->epoch > known) known = partition->owners[at - 1]->epoch;
    if (epoch == OWNER_EPOCH_NEXT) epoch = known + 1;
    while (at > 0 && partition->owners[at - 1]->epoch >= epoch) at--;
    if (at < partition->owner_count && partition->owners[at]->epoch == epoch) {
        pthread_mutex_unlock(&segments->lock);
        return err_set(err, ERR_EXISTS, "epoch %" PRIu64 " of \"%s\" has an owner already", epoch, options->app_id);
    }
    if (partition->owner_count == partition->owner_cap) {
        partition->owner_cap = partition->owner_cap ? partition->owner_cap * 2 : 4;
        partition->owners = mem_realloc(partition->owners, partition->owner_cap * sizeof(struct owner *));
    }
    struct owner *owner = mem_calloc(1, sizeof *owner);
    snprintf(owner->app_id, sizeof owner->app_id, "%s", options->app_id);
    owner->epoch = epoch;
    owner->partition = (uint32_t)(partition - segments->partitions);
    owner->is_copy = options->is_copy;
    owner->is_open = true;
    memcpy(owner->stored, options->stored, sizeof owner->stored);
    atomic_init(&owner->reference_count, 2); /* the caller's and the partition's */
    memmove(&partition->owners[at + 1], &partition->owners[at], (partition->owner_count - at) * sizeof(struct owner *));
    partition->owners[at] = owner;
    partition->owner_count++;
    if (!owner->is_copy) segments_changed(segments);
    pthread_mutex_unlock(&segments->lock);
    *out = owner;
    return true;
}

void owner_close(struct segments *segments, struct owner *owner)
{
    if (!owner) return;
    pthread_mutex_lock(&segments->lock);
    owner->is_open = false;
    if (!owner->is_copy) segments_changed(segments);
    pthread_mutex_unlock(&segments->lock);
    owner_release(owner);
}

void owner_visible(struct segments *segments, struct owner *owner, uint64_t position)
{
    pthread_mutex_lock(&segments->lock);
    if (position > owner->visible && !owner->is_followed) {
        owner->visible = position;
        if (!owner->is_copy) segments_changed(segments);
    }
    pthread_mutex_unlock(&segments->lock);
}

/* ---- what a snapshot takes ---- */

void owners_view_take(struct segments *segments, enum schema_table_id table, struct owners_view *view)
{
    uint32_t owner_count = 0;
    for (uint32_t p = 0; p < segments->partition_count; p++) owner_count += segments->partitions[p].owner_count;
    /* One allocation: partitions, then all their owners. */
    size_t partition_bytes = segments->partition_count * sizeof(struct partition_view);
    view->partition_count = segments->partition_count;
    view->partitions = mem_alloc(partition_bytes + owner_count * sizeof(struct owner_view) + 1);
    struct owner_view *owners = (struct owner_view *)(void *)((uint8_t *)view->partitions + partition_bytes);
    for (uint32_t p = 0; p < segments->partition_count; p++) {
        const struct partition *partition = &segments->partitions[p];
        view->partitions[p] = (struct partition_view){
            .chosen = partition->chosen[table], .txn = -1, .owner_count = partition->owner_count, .owners = owners
        };
        for (uint32_t o = 0; o < partition->owner_count; o++)
            *owners++ = (struct owner_view){ .owner = owner_acquire(partition->owners[o]),
                                             .visible = partition->owners[o]->visible,
                                             .high = partition->owners[o]->high[table],
                                             .stored = partition->owners[o]->stored[table] };
    }
}

/* What of the chosen owner is seen reaches up to here; what Delta has of it is seen anyway. */
static uint64_t seen_up_to(const struct partition_view *partition)
{
    for (uint32_t o = 0; o < partition->owner_count; o++) {
        const struct owner_view *owner = &partition->owners[o];
        if (owner->owner->epoch == partition->chosen) return (int64_t)owner->high <= partition->txn ? 0 : owner->high;
    }
    return 0;
}

/* From epoch to epoch: each newer owner is taken as soon as it has all that is seen. */
static void partition_choose(struct partition_view *partition)
{
    for (uint32_t o = 0; o < partition->owner_count; o++) {
        const struct owner_view *owner = &partition->owners[o];
        if (owner->owner->epoch <= partition->chosen || partition->txn < owner->stored) continue;
        if (owner->visible >= seen_up_to(partition)) partition->chosen = owner->owner->epoch;
    }
}

static bool is_cut(const struct file *segment, int64_t txn)
{
    return (int64_t)segment->shown.position_low < txn && txn < (int64_t)segment->shown.position_high;
}

/* A segment of the chosen owner was cut by another's flush: that one has its rows up to there, and will have the rest. */
static void partition_move_on(struct partition_view *partition)
{
    for (uint32_t o = partition->owner_count; o-- > 0;) {
        const struct owner_view *owner = &partition->owners[o];
        if (owner->owner->epoch <= partition->chosen) return;
        if (partition->txn < owner->stored) continue;
        partition->chosen = owner->owner->epoch;
        return;
    }
}

void owners_choose(struct segments *segments, enum schema_table_id table, const struct delta_snapshot *delta,
                   struct file *const *files, uint32_t file_count, struct owners_view *view)
{
    for (uint32_t p = 0; p < view->partition_count; p++) {
        struct partition_view *partition = &view->partitions[p];
        uint64_t before = partition->chosen;
        if (partition->owner_count == 0) continue;
        partition->txn = delta_snapshot_txn(delta, partition->owners[0].owner->app_id);
        if (partition->owners[partition->owner_count - 1].owner->epoch <= before) continue;
        partition_choose(partition);
        for (uint32_t f = 0; f < file_count; f++) {
            const struct owner *owner = files[f]->owner;
            if (owner->partition == p && owner->epoch == partition->chosen && is_cut(files[f], partition->txn))
                partition_move_on(partition);
        }
        if (partition->chosen == before) continue;
        pthread_mutex_lock(&segments->lock);
        if (segments->partitions[p].chosen[table] < partition->chosen)
            segments->partitions[p].chosen[table] = partition->chosen;
        pthread_mutex_unlock(&segments->lock);
    }
}

void owners_settle(struct segments *segments, enum schema_table_id table, const struct delta_snapshot *delta)
{
    struct owners_view view;
    pthread_mutex_lock(&segments->lock);
    owners_view_take(segments, table, &view);
    pthread_mutex_unlock(&segments->lock);
    owners_choose(segments, table, delta, NULL, 0, &view);
    owners_view_deinit(&view);
}

bool owners_view_has(const struct owners_view *view, const struct file *segment)
{
    const struct partition_view *partition = &view->partitions[segment->owner->partition];
    return segment->owner->epoch == partition->chosen && (int64_t)segment->shown.position_high > partition->txn &&
           !is_cut(segment, partition->txn);
}

void owners_view_deinit(struct owners_view *view)
{
    for (uint32_t p = 0; p < view->partition_count; p++)
        for (uint32_t o = 0; o < view->partitions[p].owner_count; o++)
            owner_release((struct owner *)view->partitions[p].owners[o].owner);
    free(view->partitions);
    *view = (struct owners_view){ 0 };
}

/* ---- what nobody is to see any more ---- */

void owner_look(const struct segments *segments, struct owner *owner, struct delta_snapshot *const *deltas)
{
    const struct partition *partition = &segments->partitions[owner->partition];
    char id[OWNER_TXN_ID_BYTES];
    if (owner->is_followed) return;
    if (partition->owner_count > 0 && partition->owners[partition->owner_count - 1]->epoch > owner->epoch)
        owner->is_followed = true;
    owner_txn_id(owner->app_id, id);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        if (delta_snapshot_txn(deltas[t], id) > (int64_t)owner->epoch) owner->is_followed = true;
}

static bool is_over(const struct segments *segments, const struct file *segment, int64_t txn)
{
    const struct owner *owner = segment->owner;
    if (owner->epoch < segments->partitions[owner->partition].chosen[segment->table->id]) return true;
    bool is_left = segment->place->is_gone || owner->is_followed || (!owner->is_copy && !owner->is_open);
    return is_left && (int64_t)segment->shown.position_high <= txn;
}

/* An owner that another has followed in every table, or that is closed and has no segments left, has no say any more. */
static bool owner_is_over(const struct partition *partition, const struct owner *owner)
{
    bool is_followed = true;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) is_followed = is_followed && partition->chosen[t] > owner->epoch;
    return owner->listed_count == 0 && (is_followed || !owner->is_open);
}

void segments_trim(struct segments *segments, struct delta_snapshot *const deltas[SCHEMA_TABLE_COUNT])
{
    struct file **removed = NULL;
    uint32_t removed_count = 0, removed_cap = 0;
    pthread_mutex_lock(&segments->lock);
    for (uint32_t p = 0; p < segments->partition_count; p++)
        for (uint32_t o = 0; o < segments->partitions[p].owner_count; o++)
            owner_look(segments, segments->partitions[p].owners[o], deltas);
    int64_t *txns = mem_alloc((segments->partition_count + 1) * sizeof *txns);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct listing *listing = &segments->listings[t];
        for (uint32_t p = 0; p < segments->partition_count; p++)
            txns[p] = delta_snapshot_txn(deltas[t], segments->partitions[p].app_id);
        for (uint32_t s = 0; s < listing->cap; s++) {
            struct project_slot *slot = &listing->slots[s];
            for (uint32_t f = slot->count; f-- > 0;) {
                struct file *segment = slot->files[f];
                if (!is_over(segments, segment, txns[segment->owner->partition])) continue;
                if (removed_count == removed_cap) {
                    removed_cap = removed_cap ? removed_cap * 2 : 64;
                    removed = mem_realloc(removed, removed_cap * sizeof(struct file *));
                }
                removed[removed_count++] = segment;
                segments_list_remove(segments, segment);
            }
        }
    }
    for (uint32_t p = 0; p < segments->partition_count; p++) {
        struct partition *partition = &segments->partitions[p];
        uint32_t kept = 0;
        for (uint32_t o = 0; o < partition->owner_count; o++) {
            struct owner *owner = partition->owners[o];
            if (!owner_is_over(partition, owner)) {
                partition->owners[kept++] = owner;
                continue;
            }
            if (!owner->is_copy) segments_changed(segments);
            owner_release(owner);
        }
        partition->owner_count = kept;
    }
    pthread_mutex_unlock(&segments->lock);
    for (uint32_t f = 0; f < removed_count; f++) file_release(removed[f]);
    free(removed);
    free(txns);
}

void owners_each(struct segments *segments, bool (*fn)(void *ctx, const struct owner_state *state), void *ctx)
{
    uint32_t count = 0;
    pthread_mutex_lock(&segments->lock);
    for (uint32_t p = 0; p < segments->partition_count; p++) count += segments->partitions[p].owner_count;
    struct owner **owners = mem_alloc((count + 1) * sizeof(struct owner *));
    struct owner_state *states = mem_alloc((count + 1) * sizeof *states);
    count = 0;
    for (uint32_t p = 0; p < segments->partition_count; p++) {
        const struct partition *partition = &segments->partitions[p];
        for (uint32_t o = 0; o < partition->owner_count; o++) {
            struct owner *owner = owners[count] = owner_acquire(partition->owners[o]);
            bool is_chosen = true;
            for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
                is_chosen = is_chosen && partition->chosen[t] == owner->epoch;
            states[count++] = (struct owner_state){ .app_id = owner->app_id,
                                                    .epoch = owner->epoch,
                                                    .visible = owner->visible,
                                                    .is_copy = owner->is_copy,
                                                    .is_open = owner->is_open,
                                                    .is_chosen = is_chosen,
                                                    .segment_count = owner->listed_count };
        }
    }
    pthread_mutex_unlock(&segments->lock);
    for (uint32_t o = 0; o < count && fn(ctx, &states[o]); o++) continue;
    for (uint32_t o = 0; o < count; o++) owner_release(owners[o]);
    free(owners);
    free(states);
}
