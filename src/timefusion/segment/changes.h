/* changes.h -- the list of segments as one process tells it to another, and as the other takes it in.
 *
 *   worker process: segments_changes(after N) --> what is listed since, what is listed no more, how far each owner is
 *                                                    |  peers/
 *   query process:  segments_copy each new one; copies_apply --> all of it visible in one step
 *
 * A segment that left the list was either joined into another one or stored in Delta. Which of the two is told by positions:
 * the segments of one owner, table, project and day that are listed now all begin at or after what is stored. A copy whose
 * rows went to Delta stays until Delta as this process knows it has them; one that was joined goes at once.
 *
 * Thread: any. Memory: references to the files named. */
#pragma once
#include "timefusion/segment/segment.h"

struct segments_entry {
    struct file *file; /* a reference */
    struct uuid project_id;
};
struct segments_owner {
    struct owner *owner; /* a reference */
    uint64_t visible;
    int64_t stored[SCHEMA_TABLE_COUNT];
    bool is_open;
};
/* Of this process's own segments; copies of others' are not told on. */
struct segments_changes {
    struct uuid list_id;
    uint64_t number; /* of the last change that is in here: to be asked after next */
    bool is_full;    /* entries are all there are: what is not among them is listed no more */
    struct segments_owner *owners;
    uint32_t owner_count;
    struct segments_entry *entries;
    uint32_t entry_count;
    uint64_t *removed; /* ids of files; may name some that were never told of */
    uint32_t removed_count;
};
/* Everything when since is 0, of another list, or too long ago. */
void segments_changes(struct segments *segments, struct uuid list_id, uint64_t since, struct segments_changes *changes);
void segments_changes_deinit(struct segments_changes *changes);
/* The number of the last change; waits until it is above since, up to timeout_ms. */
uint64_t segments_changes_wait(struct segments *segments, uint64_t since, uint32_t timeout_ms);
/* Of our own list, as changes name it. */
struct uuid segments_list_id(const struct segments *segments);
/* Is what the owner lists from now on nobody's? Then it need not be copied. */
bool owner_is_followed(struct segments *segments, const struct owner *owner);
/* A listed segment of our own by its id, with a reference; NULL when there is none. */
struct file *segments_find(struct segments *segments, uint64_t id);

struct copies_owner {
    struct owner *owner; /* a copy's */
    uint64_t visible;
    int64_t stored[SCHEMA_TABLE_COUNT];
};
/* One step of the peer's list. deltas: the tables as they are known, by a look that began no more than OWNER_LOOK_MS ago; an
 * owner that they know to be followed is held still: nothing of the batch is taken for it. */
struct copies_batch {
    struct delta_snapshot *const *deltas; /* SCHEMA_TABLE_COUNT */
    const struct copies_owner *owners;
    uint32_t owner_count;
    const struct segments_entry
        *added; /* by segment_copy, not listed yet; the list takes its own references, or dooms */
    uint32_t added_count;
    struct file *const *removed; /* copies that the peer lists no more */
    uint32_t removed_count;
};
void copies_apply(struct segments *segments, const struct copies_batch *batch);
