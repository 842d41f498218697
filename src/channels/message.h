/* message.h -- what is told to people, as any channel can show it: an alert, what became of it, a report.
 *
 *   struct message --message_write--> JSON in the row of a delivery --message_read--> HTML mail | Slack blocks | Discord embed | ...
 *
 * Plain text everywhere: a channel escapes it as its protocol asks, and cuts what is beyond its bounds. A URL that begins with
 * "/" is completed with the address of this installation when the message is sent (an operator may change it).
 * Thread: values. Memory: borrowed; what message_read answers is the arena's. Errors: message_read: ERR_CORRUPT, for it reads
 * what we wrote; message_write: ERR_TOO_LARGE over MESSAGE_BYTES_MAX, ERR_INPUT for a text that is no UTF-8. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

#define MESSAGE_BYTES_MAX       (4u << 20) /* as JSON, images in it */
#define MESSAGE_KEY_BYTES_MAX   200        /* of a dedup_key, a thread_key */
#define MESSAGE_TITLE_BYTES_MAX 500

enum message_act { MESSAGE_OPEN, MESSAGE_UPDATE, MESSAGE_RESOLVE, MESSAGE_REPORT, MESSAGE_TEST, MESSAGE_ACT_COUNT };
enum message_severity { MESSAGE_INFO, MESSAGE_WARNING, MESSAGE_CRITICAL, MESSAGE_SEVERITY_COUNT };
enum message_block_kind {
    MESSAGE_TEXT,    /* text: paragraphs, parted by newlines */
    MESSAGE_HEADING, /* text */
    MESSAGE_TABLE,   /* cells: the first row is its head */
    MESSAGE_IMAGE,   /* text: the id of one of the message's images */
    MESSAGE_FACTS,   /* cells: two columns, what and its value */
    MESSAGE_BLOCK_KIND_COUNT
};

struct message_link {
    struct bytes text, url;
};
struct message_image {
    struct bytes id;  /* letters and digits, unique in the message */
    struct bytes alt; /* said where it cannot be shown; empty: the texts beside it say as much */
    struct bytes png;
};
struct message_block {
    enum message_block_kind kind;
    struct bytes text;
    uint32_t column_count, row_count;
    const struct bytes *cells; /* row by row */
    const struct bytes *urls;  /* of the cells, empty: none; NULL: none has one */
};
struct message {
    enum message_act act;
    enum message_severity severity;
    /* What it is about, the same for OPEN, UPDATE and RESOLVE of one thing: a thread in Slack and mail, PagerDuty's dedup_key.
     * Empty: of nothing, it stands alone. */
    struct bytes thread_key;
    struct bytes title; /* one line */
    const struct message_block *blocks;
    uint32_t block_count;
    const struct message_link *links; /* the first is the page of what it is about */
    uint32_t link_count;
    const struct message_image *images;
    uint32_t image_count;
    int64_t incident;     /* its number: who gets it may acknowledge it; 0: of none */
    bool is_acknowledged; /* of UPDATE: somebody has it in hand */
};

extern const char *const message_act_names[MESSAGE_ACT_COUNT];           /* "open" ... */
extern const char *const message_severity_names[MESSAGE_SEVERITY_COUNT]; /* "info", "warning", "critical" */

MUST_CHECK bool message_write(const struct message *message, struct buf *json, struct err *err);
MUST_CHECK bool message_read(struct bytes json, struct arena *arena, struct message *message, struct err *err);
