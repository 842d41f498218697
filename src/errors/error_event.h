/* error_event.h -- one error as it was sent, read into its parts: the chain of exceptions and the frames of each.
 *
 *   exception.type, .message, .stacktrace --error_event_read--> exceptions[0] what was reported
 *                                                               exceptions[1] what caused it (frames innermost first)
 *                                                               exceptions[2] ...
 *
 * Whatever the order and the marks of the language ("Caused by", "During handling of the above exception",
 * "[cause]:", " ---> "), the first exception is the one that reached the surface, and its causes follow.
 * Words: frame = one call of a stack; in app = of the program itself, not of its language, libraries or framework;
 *        template = a message with what varies in it masked as <*>; text (of a frame) = what stays the same of it
 *        over builds, deployments and shifted lines. The rules, for users: docs/errors.md.
 * Pure: the same source gives the same event; a changed rule means a new ERRORS_VERSION (fingerprint.h).
 * Thread: any. Time: linear in the bytes of the source, of which ERROR_STACK_BYTES_MAX count.
 * Memory: the arena's, and what the source's bytes are in; at most ERROR_EXCEPTIONS_MAX and ERROR_FRAMES_MAX.
 * Errors: none. Any bytes are fine: what does not read as a stack has no frames. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

#define ERROR_EXCEPTIONS_MAX     16           /* of an event: the first ones, and the last of them its root cause */
#define ERROR_FRAMES_MAX         256          /* of an event, the innermost of each exception first */
#define ERROR_STACK_BYTES_MAX    (256u << 10) /* of a longer stack trace its first and its last half of this */
#define ERROR_MESSAGE_BYTES_MAX  4096         /* of a message, for its template */
#define ERROR_TEMPLATE_BYTES_MAX 512
#define ERROR_TEXT_BYTES_MAX     256 /* of a frame's text */

#define ERROR_LANGUAGES(X)      \
    X(UNKNOWN, "")              \
    X(JAVA, "java")             \
    X(PYTHON, "python")         \
    X(JAVASCRIPT, "javascript") \
    X(GO, "go")                 \
    X(DOTNET, "dotnet")         \
    X(RUBY, "ruby")             \
    X(PHP, "php")               \
    X(RUST, "rust")
enum error_language { /* JAVA: Kotlin and Scala too; JAVASCRIPT: Node and browsers */
#define X(name, text) ERROR_LANGUAGE_##name,
                      ERROR_LANGUAGES(X)
#undef X
                          ERROR_LANGUAGE_COUNT
};
extern const char *const error_language_names[ERROR_LANGUAGE_COUNT];

/* How an exception stands to the one before it in the list. */
enum error_link {
    ERROR_LINK_FIRST,      /* it is what was reported */
    ERROR_LINK_CAUSE,      /* it caused the one before */
    ERROR_LINK_DURING,     /* the one before was thrown while this one was handled */
    ERROR_LINK_INNER,      /* one of several that an aggregate holds */
    ERROR_LINK_SUPPRESSED, /* thrown while closing; says nothing of the cause */
};

struct error_frame {
    struct bytes module;   /* as written: com.acme.Cart, github.com/acme/cart, Acme.Cart; empty where there is none */
    struct bytes function; /* as written, without arguments */
    struct bytes file;     /* as written: a path, a URL or a name */
    uint32_t line, column; /* from 1; 0: not told */
    bool in_app;
    bool is_weak;      /* the text says little: a name that a minifier made, native or anonymous code */
    struct bytes text; /* normalised: shop/cart.py:add, com.acme.Cart.add; never empty */
};
struct error_exception {
    enum error_link link;
    bool is_generic;       /* the type alone says nothing: Error, Exception, RuntimeError, *errors.errorString ... */
    struct bytes type;     /* as written: java.lang.IllegalStateException; may be empty */
    struct bytes message;  /* as written, may be empty */
    struct bytes template; /* of the message */
    const struct error_frame *frames;
    uint32_t frame_count;
    uint32_t frames_left_out; /* past the limit */
};
struct error_event {
    enum error_language language;
    struct bytes service;
    struct bytes place; /* as in the source; its template */
    const struct error_exception *exceptions;
    uint32_t exception_count; /* at least 1 */
};

/* What was sent; borrowed as long as the event. */
struct error_source {
    struct bytes language;                  /* telemetry.sdk.language; empty: seen from the stack trace */
    struct bytes service;                   /* service.name */
    struct bytes type, message, stacktrace; /* of the reported exception; each may be empty */
    struct bytes place;                     /* of a failed span without an exception its name, else empty */
};
/* Event and all it points to: the arena's. */
const struct error_event *error_event_read(struct arena *arena, const struct error_source *source);
