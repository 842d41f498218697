/* stack_inside.h -- what the files that read a stack trace share.
 *
 *   stack.c         lines to drafts, drafts to exceptions      stack_line.c    one line: a frame of which language
 *   stack_header.c  "Type: message"                            stack_marks.c   what stands between exceptions
 *
 * Thread: a value each. */
#pragma once
#include "errors/errors_inside.h"

#define FRAMES_OF_ONE_MAX 100 /* of an exception, while it is read */
#define DRAFTS_NONE       UINT32_MAX

struct draft {
    struct error_exception exception;
    struct error_frame *frames;
    uint32_t parent; /* .NET: whose frames come behind this one's */
    bool has_header;
    bool is_header_open; /* lines that are no frames go on with the message */
    bool is_held;        /* by an aggregate, or a cause of one that is */
};

struct reader {
    struct arena *arena;
    enum error_language hint, language;
    struct draft drafts[ERROR_EXCEPTIONS_MAX];
    uint32_t draft_count, at;
    uint32_t frames_free; /* of the event */

    /* frames of the draft at hand: a ring when the innermost come last */
    struct error_frame frames[FRAMES_OF_ONE_MAX];
    uint32_t frame_count; /* seen; those past the limit are left out */

    bool is_python;      /* within a traceback: innermost last, header behind */
    bool is_group;       /* ... of an exception group */
    bool is_root_first;  /* the one read last is what was reported */
    bool is_go_done;     /* another goroutine has begun */
    bool is_rust_causes; /* anyhow's list of them */
    bool is_python_header_read;
    bool is_in_errors; /* Node's [errors]: [ */
    enum error_link link_next;
    struct bytes before; /* the line above */
    struct bytes php_file;
    uint32_t php_line;
};

/* ---- stack_header.c ---- */
bool type_is_plausible(struct bytes text);
/* A name alone is a type when it looks like no word of a sentence. */
bool type_is_alone(struct bytes text);

/* ---- stack.c ---- */
static inline struct draft *draft_at(struct reader *reader)
{
    return &reader->drafts[reader->at];
}
struct draft *draft_begin(struct reader *reader, enum error_link link);
/* The frames read become the draft's, innermost first. */
void frames_keep(struct reader *reader);
void header_set(struct draft *draft, struct bytes line);
/* .NET of old has its whole chain in the first line: "A: x ---> B: y". */
void header_chain(struct reader *reader, struct draft *draft, struct bytes line);
/* What a logger says stands above the exception's own line: the first line that begins with a type counts. */
void header_look_again(struct draft *draft);
void message_go_on(struct draft *draft, struct bytes line);

/* ---- stack_marks.c: true: the line is dealt with ---- */
bool python_line(struct reader *reader, struct bytes raw, struct bytes line); /* raw: without the marks of a group */
bool go_line(struct reader *reader, struct bytes line);
bool rust_line(struct reader *reader, struct bytes line);
bool mark_line(struct reader *reader, struct bytes line);
struct bytes group_unwrap(struct bytes raw);
void php_place_take(struct reader *reader, struct draft *draft);
