/* tail_feed.h -- a live tail between processes: what a query process asks a worker for, and what it is answered, as text.
 *
 *   POST /peer/v1/tail    monoscope-tail 1 <id> <project> <began> <next> <bytes of search> <of environment> <of columns>
 *                         <search><environment><columns>
 *   200                   monoscope-tail 1 <began> <next> <dropped> <skipped>        both since the worker's tail began
 *                         {"timestamp":..}                                           a row a line, those from the asked next on
 *
 * The worker has a tail of that id (tails_visit), which goes when nobody asks any more. began: another one than was asked with:
 * it is a new one, its numbers begin at 0.
 * Bytes from outside: what is not just as it is written here is refused. Thread: any; pure. */
#pragma once
#include "tail/tail.h"

#define TAIL_FEED_ASK_BYTES_MAX    (32u << 10) /* four bytes a character of what the API takes */
#define TAIL_FEED_ANSWER_BYTES_MAX (4u << 20)

struct tail_feed_ask {
    struct uuid id;
    uint64_t began, next;
    struct tail_ask ask; /* its texts point into what was read */
};
MUST_CHECK bool tail_feed_ask_write(struct buf *out, const struct tail_feed_ask *ask);
MUST_CHECK bool tail_feed_ask_read(struct bytes text, struct tail_feed_ask *ask, struct err *err);

struct tail_feed_answer {
    uint64_t began, next, dropped, skipped;
};
/* The head line; rows come behind it. */
MUST_CHECK bool tail_feed_answer_write(struct buf *out, const struct tail_feed_answer *answer);
MUST_CHECK bool tail_feed_answer_read(struct bytes text, struct tail_feed_answer *answer, struct bytes *rows,
                                      struct err *err);
