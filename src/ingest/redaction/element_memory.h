/* element_memory.h -- which nodes of recordings' documents rules are about, from one batch of a recording to the next.
 *
 *   batch --element_memory_take--> struct elements --elements.c: what it shows is noted--> element_memory_put
 *
 * rrweb names nodes by numbers, each once in the life of a page; a snapshot tells which elements they are, a change only their number.
 * What is known of a recording is good for its next batch alone: when one is missing, comes early, or is being looked at elsewhere, when
 * rules changed or the process is new, nothing is known until the next snapshot (is_known false).
 * Thread: any; struct elements has one owner. Memory: 8 bytes a node that rules are about; ELEMENTS_NODES_MAX of a recording, and
 * ELEMENT_MEMORY_NODES_MAX in all: past that a recording is forgotten. Errors: none. */
#pragma once
#include "base/bytes.h"
#include "base/uuid.h"

enum { ELEMENTS_NODES_MAX = 32768, ELEMENT_MEMORY_NODES_MAX = 1 << 20 };

struct elements {
    uint64_t key, rules; /* the recording; a hash of the rules of that time */
    int64_t next;        /* the number of its next batch */
    int64_t asked_unix_us;
    bool is_known;
    bool is_blind; /* something was taken out because nothing was known */
    struct element_node {
        uint32_t id;
        int32_t rule;
    } * nodes; /* by id; by malloc */
    uint32_t count, cap;
};
/* The rule that the node is under; -1: none that is known of. */
int32_t elements_rule(const struct elements *elements, uint32_t id);
/* From now on; the first rule stays. Too many: nothing is known any more. */
void elements_add(struct elements *elements, uint32_t id, int32_t rule);
/* A snapshot comes: the nodes of before are gone. */
void elements_begin(struct elements *elements);

struct recording_name {
    struct uuid project_id;
    struct bytes session, tab, recording;
    int64_t sequence; /* -1: batches of it have no numbers */
};
struct element_memory;
struct element_memory *element_memory_create(uint32_t recordings_max);
void element_memory_destroy(struct element_memory *memory); /* NULL is fine */
void element_memory_take(struct element_memory *memory, const struct recording_name *name, uint64_t rules,
                         struct elements *elements);
/* The batch of that name has been looked at. */
void element_memory_put(struct element_memory *memory, const struct recording_name *name, struct elements *elements);
