/* error_held.h -- an event of an error, kept until its delta is stored.
 *
 *   struct error_seen (borrowed) --error_held_set--> one block of bytes --error_held_json--> as meta/error.h has events
 *
 * Texts are cut here; a stack trace of more than ERROR_EVENT_STACK_BYTES loses its middle, whole lines of it. Which of two
 * events is less: by time, then by id, a hash of all that is told, as the JSON's texts are ordered.
 * Thread: one owner. Memory: error_held.cap; at most ERROR_EVENT_BYTES_MAX. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "worker/rows/rows.h"

#define ERROR_EVENT_STACK_BYTES   (32u << 10)
#define ERROR_EVENT_MESSAGE_BYTES 4096
#define ERROR_EVENT_NAME_BYTES    200 /* of each other text */
#define ERROR_EVENT_BYTES_MAX     (ERROR_EVENT_STACK_BYTES + ERROR_EVENT_MESSAGE_BYTES + 11 * ERROR_EVENT_NAME_BYTES)

#define ERROR_SCRATCH_BYTES (1u << 20)

enum error_text {
    ERROR_TEXT_TYPE,
    ERROR_TEXT_MESSAGE,
    ERROR_TEXT_STACK,
    ERROR_TEXT_STACK_END, /* of one that was cut: what is behind the part left out */
    ERROR_TEXT_PLACE,
    ERROR_TEXT_SERVICE,
    ERROR_TEXT_FAMILY,
    ERROR_TEXT_LANGUAGE,
    ERROR_TEXT_RELEASE,
    ERROR_TEXT_ENVIRONMENT,
    ERROR_TEXT_TRACE_ID,
    ERROR_TEXT_SESSION_ID,
    ERROR_TEXT_USER_ID,
    ERROR_TEXT_COUNT
};
struct error_seen {
    int64_t at_us;
    struct bytes texts[ERROR_TEXT_COUNT];
    uint64_t left_out; /* bytes of the stack trace */
    uint32_t by, rule_line;
    int64_t rules_version;
};
/* Texts borrowed from all of these, and cut. */
struct error_seen error_seen_of(const struct rows_row *row, const struct rows_error *error, struct bytes family);

struct error_held {
    uint8_t *ptr; /* the texts, one behind the other */
    uint32_t cap, lens[ERROR_TEXT_COUNT];
    int64_t at_us;
    uint64_t left_out;
    uint32_t by, rule_line;
    int64_t rules_version;
};
void error_held_set(struct error_held *held, const struct error_seen *seen);
struct error_seen error_held_seen(const struct error_held *held); /* borrowed */
int error_seen_compare(const struct error_seen *a, const struct error_seen *b);
/* The arena's. scratch, of at least ERROR_SCRATCH_BYTES: for the call, and the next ones. */
struct bytes error_seen_json(const struct error_seen *seen, struct buf *scratch, struct arena *arena);
