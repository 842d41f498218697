/* intake_inside.h -- what intake.c gathers and intake_save.c stores. For these two. */
#pragma once
#include <pthread.h>

#include "base/hash.h"
#include "meta/db.h"
#include "meta/intake.h"

#define INTAKE_MINUTE_US INT64_C(60000000)

enum intake_count {
    INTAKE_REQUESTS, /* that were taken, repeats too */
    INTAKE_REPEATS,
    INTAKE_PARTIALS, /* taken without some of their records */
    INTAKE_REFUSED,
    INTAKE_RECORDS,
    INTAKE_REJECTED, /* records left out */
    INTAKE_BYTES,
    INTAKE_LAG_COUNT, /* requests whose lag is known */
    INTAKE_LAG_SUM,
    INTAKE_COUNT
};

/* Without gaps, for it is compared as bytes. */
struct intake_place {
    struct uuid project_id, key_id;
    uint64_t signal;
    int64_t minute; /* since 1970 */
};
struct intake_head {
    uint64_t hash;
    bool is_used;
};
struct intake_counts {
    struct intake_head head;
    struct intake_place place;
    int64_t at[INTAKE_COUNT], lag_max_us, lag_min_us, seen_unix_us, accepted_unix_us;
};
struct intake_reason {
    struct intake_head head;
    struct intake_place place;
    uint64_t happened;
    int64_t seen_unix_us;
    char code[24], example[INTAKE_EXAMPLE_MAX + 1];
};
struct intake_sender {
    struct intake_head head;
    struct intake_place place;
    uint64_t requests;
    int64_t seen_unix_us;
    char agent[INTAKE_SENDER_MAX + 1], sdk[INTAKE_SENDER_MAX + 1];
};
struct intake_shown {
    struct intake_head head;
    struct intake_place place; /* key and signal are zero */
    int64_t lag_count, lag_sum_us, lag_max_us, visible_unix_us;
    char table[64];
};
struct intake_table {
    void *items;
    uint32_t count, cap;
};
struct intake_pending {
    struct intake_table counts, reasons, senders, visible;
    uint64_t lost;
};
struct intake {
    struct db *db;
    pthread_mutex_t lock; /* guards what follows */
    struct intake_pending pending;
    int64_t tidied_hour;
};

void intake_pending_init(struct intake_pending *pending);
void intake_pending_deinit(struct intake_pending *pending);
void intake_add_counts(struct intake_pending *pending, const struct intake_counts *more);
void intake_add_reason(struct intake_pending *pending, const struct intake_reason *more);
void intake_add_sender(struct intake_pending *pending, const struct intake_sender *more);
void intake_add_shown(struct intake_pending *pending, const struct intake_shown *more);
