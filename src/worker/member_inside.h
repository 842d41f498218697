/* member_inside.h -- the member's struct, for its own files: member.c (life, what others ask), member_poll.c (the thread that
 * polls: events, records), member_take.c (the thread that takes partitions over and ends them).
 *
 *   thread "kafka" --struct job--> thread "partitions" --done--> thread "kafka"
 *
 * A seat belongs to the first thread; while a job has it, to the second. */
#pragma once
#include "base/repeats.h"
#include "buffer/kafka/kafka_move.h"
#include "worker/member.h"
#include <pthread.h>
#include <stdatomic.h>

#define REPEATS_MAX      500000u /* of a partition */
#define REPEATS_WINDOW_S 600u

/* A record that found no room; behind it the body. */
struct pending {
    struct buffer_record record;
    struct kafka_retry retry;
    struct err why;
    uint8_t body[];
};

/* A partition that is ours for now. */
struct seat {
    struct member *member;
    struct kafka_partition partition;
    struct flush_owner owner;
    uint64_t position_start, fenced_ns;
    _Atomic uint64_t position_committed;
    atomic_bool is_fenced; /* another commits it */
    struct repeats repeats;
    bool has_repeats;
    uint64_t first_position; /* of the record that waits for the tail, when it came */
    int64_t first_received_unix_us;
    struct pending *pending;
    bool is_paused, has_passed; /* passed: records came that were not taken */
    bool is_given_back;         /* while it ended it became ours again: begun anew once it has ended */
    struct kafka_bounds back;

    /* under the member's lock */
    struct worker *worker; /* NULL: not taken over yet */
    uint32_t worker_users; /* who wait in it: it is not closed meanwhile */
    enum member_phase phase;
    uint64_t position_offered, position_last, repeat_count;
};

enum job_kind { JOB_TAKE, JOB_TAIL, JOB_END, JOB_DROP };
struct job {
    struct job *next;
    enum job_kind kind;
    struct seat **seats;
    uint32_t seat_count;
    uint64_t due_ns;
    uint32_t delay_ms; /* before the next try */
};

struct member {
    struct member_options options;
    char *name;
    struct kafka_group *group;
    pthread_mutex_t mover_lock;
    struct kafka_mover *mover;
    pthread_t poll_thread, take_thread;
    bool poll_runs, take_runs;
    atomic_bool stops, take_stops;
    uint32_t running_count;    /* partitions with a worker, at least 1; the polling thread's */
    bool has_revoked;          /* a let_go is owed; the polling thread's */
    _Atomic uint32_t flush_ms; /* for those that end */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct seat **seats;
    uint32_t seat_count, seat_cap;
    struct job *jobs, *done; /* to do; finished */
    uint64_t repeats, records_lost, taken_over, fenced;
    struct worker_stats gone; /* of workers that are closed */
};

/* member_poll.c */
void *member_poll_main(void *member);
struct seat *member_seat(struct member *member, struct kafka_partition partition); /* or NULL */

/* member_take.c */
void *member_take_main(void *member);
void member_job_add(struct member *member, enum job_kind kind, struct seat *const *seats, uint32_t seat_count);
/* Ends the seats here and now: stores what there is when they are not dropped. */
void member_seats_end(struct member *member, struct seat *const *seats, uint32_t seat_count, bool is_dropped);
void member_job_free(struct job *job);
/* Counts of both. */
void member_counts_add(struct worker_stats *sum, const struct worker_stats *one);
