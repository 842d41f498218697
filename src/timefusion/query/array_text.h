/* array_text.h -- PostgreSQL's text of an array taken apart: {a,"b c",NULL}. Thread: any. Errors: ERR_VALUE. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct array_items {
    struct bytes text;
    size_t at;
    bool is_begun;
    struct buf item; /* the one at hand */
};
MUST_CHECK bool array_items_begin(struct array_items *items, struct bytes text, struct err *err);
void array_items_end(struct array_items *items);
/* The next element, borrowed until the next call. False at the end, and when err is set. */
MUST_CHECK bool array_items_next(struct array_items *items, struct bytes *item, bool *is_null, struct err *err);
