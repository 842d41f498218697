/* counting.h -- taps that count: what they add up of rows is merged while it waits, and stored with its position.
 *
 *   worker thread: record_begin, row --> current --cut--> waiting             a delta each, the tap's own (counting_ops)
 *   flush thread:                                            '--> storing --store--> one transaction with its position
 *   stored: the delta is reset and counts again; failed: `storing` is tried again as it was, for its commit may have been
 *   done, and what is cut meanwhile is merged into `waiting`
 *
 * One struct counting a kind of tap, one tap a partition. What cannot be stored (the database is away) is added up, so memory
 * grows with what is told apart, not with rows. bytes_max bounds it for all partitions; past a half of it a partition asks to
 * be cut, past the whole the worker takes no more (tap.h).
 * Thread: open and close the owner's; stats any; counting_ops say whose they are, a delta has one thread at a time. Memory:
 * bytes_max, and what the ops need beside it. Errors: see tap.h. */
#pragma once
#include "base/histogram.h"
#include "base/log.h"
#include "meta/tap_position.h"
#include "worker/tap.h"

struct counting_weight {
    size_t bytes;
    uint64_t skipped, rest; /* rows: too old to be counted, counted under another name; may go on over a reset */
};

/* What is a tap's own. delta and names are made by it; names are the worker's thread's, for as long as the tap is open. */
struct counting_ops {
    const char *tap;  /* as in tap_positions, and in logs */
    const char *what; /* "log patterns": in errors of opening */
    const char *event_store_failed, *event_store_recovered, *event_expire_failed;
    uint32_t weigh_every; /* records; 0: 64, for records that are small */
    void *(*delta_create)(void);
    void (*delta_destroy)(void *delta); /* NULL is fine */
    void (*delta_reset)(void *delta);
    void (*delta_merge)(void *into, void *from); /* from is empty after */
    void (*delta_weigh)(const void *delta, struct counting_weight *weight);
    void *(*names_create)(void *ctx); /* NULL: it has none */
    void (*names_destroy)(void *names);
    /* The worker's thread. Both: should the next row come with its attributes? */
    bool (*record_begin)(void *delta, void *names, int64_t now_us, struct uuid project_id,
                         const struct otlp_request *request);
    /* NULL: what it keeps is of the record alone. */
    bool (*row)(void *delta, void *names, struct uuid project_id, const struct rows_row *row, int64_t not_before_us);
    /* The flush thread. Stores delta and moves the position in one transaction. delta stays as it is. */
    bool (*store)(void *ctx, void *delta, const struct tap_move *move, struct err *err);
    /* Now and then, when all is stored: throws away a part of what is past its time; what fails is tried the next time. NULL:
     * nothing has one here. */
    bool (*expire)(void *ctx, int64_t now_us, uint64_t *deleted, struct err *err);
};

/* Of counting_ops what hands a delta, and the names beside it, to functions of their own type: KIND_delta_create and the like. */
#define COUNTING_OF_DELTA(kind)                     \
    static void *delta_create(void)                 \
    {                                               \
        return kind##_delta_create();               \
    }                                               \
    static void delta_destroy(void *delta)          \
    {                                               \
        kind##_delta_destroy(delta);                \
    }                                               \
    static void delta_reset(void *delta)            \
    {                                               \
        kind##_delta_reset(delta);                  \
    }                                               \
    static void delta_merge(void *into, void *from) \
    {                                               \
        kind##_delta_merge(into, from);             \
    }
#define COUNTING_OF(kind)                  \
    COUNTING_OF_DELTA(kind)                \
    static void names_destroy(void *names) \
    {                                      \
        kind##_names_destroy(names);       \
    }

struct counting;
struct counting_options {
    const struct counting_ops *ops;
    void *ctx; /* of store and expire, which flush threads of several partitions call at once */
    struct db *db;
    uint64_t bytes_max;
    int64_t keep_us; /* rows older than that are not counted; 0: all are */
    const struct log *log;
};
struct counting *counting_open(const struct counting_options *options);
/* For worker_options; good until counting_close. */
struct tap_source counting_source(struct counting *counting);
struct counting_stats {
    uint64_t bytes; /* held now, waiting and being counted */
    uint64_t stores, store_failures;
    uint64_t rows_skipped, rows_rest; /* see counting_weight */
    bool is_storing_failing;
    struct histogram_counts store_times;
};
void counting_stats(struct counting *counting, struct counting_stats *stats);
/* Every tap must be closed. NULL is fine. */
void counting_close(struct counting *counting);
