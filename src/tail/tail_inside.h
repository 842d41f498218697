/* tail_inside.h -- what tail.c (tails and their rings), tail_watch.c (rows come) and tail_row.c (a row as JSON) share. */
#pragma once
#include "search/match.h"
#include "tail/tail.h"
#include <pthread.h>
#include <stdatomic.h>

/* A column that is shown beside the usual ones. */
struct tail_column {
    int column;        /* of the table; -1: an attribute */
    struct bytes name; /* as an attribute */
};

struct ring_row {
    uint32_t len;
    uint8_t bytes[];
};
/* Rows [first, next) by number. */
struct ring {
    struct ring_row **rows; /* cap: a power of two */
    uint32_t cap;
    uint64_t first, next;
    size_t bytes;
};

#define TAIL_SOURCES_MAX 64
struct tail {
    struct tails *tails;
    struct tail *next_tail; /* of the list */
    uint32_t users;         /* by the list's lock: the list itself, readers, records under way */
    bool is_listed, is_visited;
    uint32_t readers;
    uint64_t left_ns; /* when the last reader left */
    struct uuid id;
    struct arena arena;
    struct tail_ask ask; /* copied */
    struct search_match *match;
    struct tail_column columns[TAIL_COLUMNS_MAX];
    uint32_t column_count;
    uint64_t began;

    struct tail_source *sources; /* the reader's */
    uint32_t source_count;

    pthread_mutex_t lock; /* guards what follows */
    uint64_t generation;
    struct ring ring;
    struct tail_counts counts;
};

struct tails {
    struct tails_options options;
    _Atomic uint32_t count; /* of the list: looked at for each record */
    pthread_mutex_t lock;   /* guards what follows */
    struct tail *first;
    uint64_t window_ns; /* when the moment began that matching has its share of */
    _Atomic uint64_t spent_ns;
    struct tail_counts gone; /* of tails that are no more */
};

/* tail.c. The list's lock is held: */
void tails_sweep(struct tails *tails, uint64_t now_ns);
void tail_release(struct tail *tail);

/* tail_row.c: the usual fields as an object that is still open; then one tail's columns and the end. */
void tail_row_begin(struct buf *out, const struct search_row *row);
void tail_row_end(struct buf *out, struct search_row *row, const struct tail *tail);
