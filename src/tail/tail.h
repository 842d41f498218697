/* tail.h -- the live tail: rows as they come, to those who watch; matched where they are made, before they are kept.
 *
 *   worker's thread:  tails_begin(project) -> tails_row ... -> tails_end        nobody watches: one look at a number a record
 *                        for each tail of the project: search_match_row? --JSON--> [ring of the tail: the oldest go first]
 *   reader (web/api): tails_open -> tail_read, every tenth of a second -> tail_leave
 *   another process:  tails_visit, by the port for peers; there tail_add puts the rows into the ring of its own
 *
 * What a reader did not come for in time is gone, and counted: rows read + dropped = matched. Nothing of a reader holds up the
 * worker: it writes into the ring and goes on. Nor does a costly search: when matching takes more than a quarter of a worker's
 * time, the rest of that moment is not compared, and counted as skipped.
 * A tail that is left stays for TAIL_KEPT_MS: who comes again with its id and the number of the next row goes on from there, as
 * far as the ring reaches back.
 * Words: number: of a row in its tail, from 0 on; next: the number of the first row that a reader has not had.
 *
 * Thread: tails_*, tail_*: any; a reader belongs to one. Locks: one for the list, one in each tail; nothing waits under them.
 * Memory: all rings together bytes_max; of a row its texts are cut at TAIL_TEXT_BYTES.
 * Errors: ERR_INPUT with problem: the search or a column cannot be read. ERR_QUOTA: too many tails. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"
#include "search/search.h"

struct columns;
struct tails;
struct tail;

#define TAIL_KEPT_MS     30000
#define TAIL_TEXT_BYTES  4096
#define TAIL_COLUMNS_MAX 32

struct tails_options {
    uint64_t bytes_max;
    uint32_t tails_max, project_tails_max; /* 0: 64, 16 */
    uint32_t matching_percent;             /* of one worker's time at most, all of them together; 0: 25 */
};
struct tails *tails_create(const struct tails_options *options);
void tails_destroy(struct tails *tails); /* no reader and no record is under way any more; NULL is fine */

/* ---- rows come: as worker.h has struct worker_watch; ctx is the struct tails ---- */

/* NULL: nobody watches this project. */
void *tails_begin(void *ctx, struct uuid project_id);
void tails_row(void *record, const struct columns *columns); /* its last row; of other tables: nothing */
void tails_end(void *record);

/* ---- who watches ---- */

struct tail_ask {
    struct uuid project_id;
    struct bytes search;      /* in the search language */
    struct bytes environment; /* empty: all */
    struct bytes columns;     /* names with commas between, as a search has them: shown beside the usual ones */
};
struct tail_reader {
    struct tail *tail;
    uint64_t generation; /* another reader with the same id: this one's time is over */
    uint64_t next;
};
/* What was wrong, and in what: "q", "cols". */
struct tail_problem {
    const char *where;
    struct search_problem problem;
};
MUST_CHECK bool tails_open(struct tails *tails, const struct tail_ask *ask, struct tail_reader *reader,
                           struct tail_problem *problem, struct err *err);
/* Goes on with one that was left, or that a reader has who does not know yet that it is gone. False: there is none that asks the
 * same of the same project. */
MUST_CHECK bool tails_resume(struct tails *tails, struct uuid id, uint64_t next, const struct tail_ask *ask,
                             struct tail_reader *reader);
/* The one of that id, or a new one with it: for readers of other processes, who come by and go. next is of the tail that
 * began then; in another one they read from its beginning. */
MUST_CHECK bool tails_visit(struct tails *tails, struct uuid id, const struct tail_ask *ask, uint64_t began,
                            uint64_t next, struct tail_reader *reader, struct err *err);
struct uuid tail_id(const struct tail *tail);
const struct tail_ask *tail_asked(const struct tail *tail);

struct tail_batch {
    uint32_t rows;
    uint64_t dropped; /* just before them */
};
/* Appends rows as JSON with separator between them, up to bytes more (at least one). False: another has taken over. */
MUST_CHECK bool tail_read(struct tail_reader *reader, char separator, struct buf *out, size_t bytes,
                          struct tail_batch *batch);
/* Since it began: rows that fitted, of them lost to slow readers, and rows not compared for want of time. */
struct tail_counts {
    uint64_t matched, dropped, skipped;
};
void tail_counts(struct tail *tail, struct tail_counts *counts);
void tail_leave(struct tail_reader *reader); /* the tail stays for TAIL_KEPT_MS */

/* ---- rows of other processes ---- */

void tail_add(struct tail *tail, struct bytes row);
void tail_add_counts(struct tail *tail, uint64_t dropped, uint64_t skipped);
/* What the reader remembers of a source: next and the counts it has been told. The reader's. NULL: there are too many. */
struct tail_source {
    char name[128];
    uint64_t began; /* another: it has begun anew */
    uint64_t next, dropped, skipped;
    uint64_t away_until_ns; /* it did not answer */
};
struct tail_source *tail_source(struct tail *tail, const char *name);
uint64_t tail_began(const struct tail *tail);

struct tails_stats {
    uint32_t tails;
    uint64_t matched, dropped, skipped, bytes;
};
void tails_stats(struct tails *tails, struct tails_stats *stats);
