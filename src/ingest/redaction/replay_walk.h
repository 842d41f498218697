/* replay_walk.h -- what rewrite_replay.c and elements.c share: a batch of a replay that is being looked at. Not for other folders.
 *
 *   rewrite_replay.c: ids, elements_walk (elements.c), then all texts --replay_value_replace--> the same JSON with other texts */
#pragma once
#include <yyjson.h>

#include "base/arena.h"
#include "ingest/redaction/element_memory.h"
#include "ingest/redaction/inside.h"

enum { REPLAY_LEVELS_MAX = 4000 }; /* a document's level takes two */

struct replay_walk {
    const struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct redaction_counts *counts;
    struct arena arena; /* what stands there instead */
    struct buf text;
    uint32_t levels;
    size_t path_len;
    bool is_told; /* by people: names count here */
    bool is_changed;
    struct err *err;
};
/* With what the rule makes of it. */
MUST_CHECK bool replay_value_replace(struct replay_walk *walk, yyjson_val *value, int8_t rule);
/* ERR_INPUT: it is nested deeper than can be looked at. */
bool replay_too_deep(struct replay_walk *walk);
/* The texts of elements that rules are about, in the order of the events. */
MUST_CHECK bool elements_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *events);
