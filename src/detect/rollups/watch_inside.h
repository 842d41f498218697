/* watch_inside.h -- what the files of a watch share: its series, and how it becomes bytes. Not for others: watch.h. */
#pragma once
#include "detect/rollups/watch.h"
#include <stdlib.h>

#define WATCH_IGNORED UINT32_MAX

/* What of a service's requests came in the minute that is being read. */
struct total {
    uint32_t watched, members; /* its place in watched; endpoints seen */
    int64_t row_count, error_count;
    struct ddsketch_count *durations;
    uint32_t duration_count, duration_cap;
};
/* By the number of its series in detect. */
struct watched {
    struct watch_subject subject;
    uint32_t total; /* of its service, or WATCH_IGNORED; of a total: itself */
    bool is_total;
};
struct slot {
    int64_t id;      /* of the roll-ups' series; of a total: a hash of its service */
    uint32_t number; /* + 1; 0: empty; WATCH_IGNORED: not looked at */
    bool is_total;
};
struct watch {
    struct uuid project_id;
    struct detect *detect;
    int64_t next_unix_us;
    struct slot *slots;
    uint32_t slot_count, slots_used;
    struct watched *watched;
    uint32_t watched_cap;
    struct total *totals;
    uint32_t total_count, total_cap;
    struct arena names;
    bool is_cut;
};

/* watch.c */
uint32_t watch_slot_of(const struct watch *watch, int64_t id, bool is_total);
struct bytes watch_kept(struct watch *watch, struct bytes text);
uint32_t watch_series_add(struct watch *watch, const struct watch_subject *subject, int64_t id, bool is_total);
void watch_ignore(struct watch *watch, int64_t id);
/* That many, of no series yet. */
void watch_totals_make(struct watch *watch, uint32_t count);
