/* err.h -- what went wrong, in words for the person who reads them, and in the codes of every protocol.
 *
 * One list makes the enum, the gRPC status, the HTTP status and the SQLSTATE; every server answers from it.
 * Fallible functions return bool, hand results out by pointer and take struct err *err last.
 * Text: lower case, no full stop, what we tried and why it failed, names in quotes; "could not" when a
 * retry may work, "cannot" when it never will.
 * Thread: a value. Memory: none; text is cut, never overrun. */
#pragma once
#include "base/bytes.h"

#define ERR_CODES(X) /*  gRPC HTTP SQLSTATE  retry */                                                    \
    X(ERR_OK, 0, 200, "00000", false)                                                                    \
    X(ERR_INPUT, 3, 400, "22023", false)            /* the caller sent what we cannot take */            \
    X(ERR_UNAUTHENTICATED, 16, 401, "28P01", false) /* no key, or one we do not know */                  \
    X(ERR_FORBIDDEN, 7, 403, "42501", false)        /* known, but not allowed */                         \
    X(ERR_NOT_FOUND, 5, 404, "42704", false)                                                             \
    X(ERR_UNSUPPORTED, 12, 501, "0A000", false) /* right, but we do not do it; says what we do */        \
    X(ERR_PROTOCOL, 3, 400, "08P01", false)     /* the peer breaks its protocol */                       \
    X(ERR_SYNTAX, 3, 400, "42601", false)       /* SQL that does not parse */                            \
    X(ERR_NO_TABLE, 3, 400, "42P01", false)                                                              \
    X(ERR_NO_COLUMN, 3, 400, "42703", false)                                                             \
    X(ERR_NO_FUNCTION, 3, 400, "42883", false)                                                           \
    X(ERR_TABLE_EXISTS, 6, 409, "42P07", false)                                                          \
    X(ERR_COLUMN_TWICE, 3, 400, "42701", false)   /* named more than once */                             \
    X(ERR_VALUE, 3, 400, "22P02", false)          /* a text that is not of the type it should be */      \
    X(ERR_RANGE, 3, 400, "22003", false)          /* a number beyond what its type holds */              \
    X(ERR_TYPE, 3, 400, "42804", false)           /* types that do not go together */                    \
    X(ERR_NULL, 3, 400, "23502", false)           /* no value where there must be one */                 \
    X(ERR_TIME, 3, 400, "22008", false)           /* a time that is out of range */                      \
    X(ERR_UNIQUE, 6, 409, "23505", false)         /* a second row of one key */                          \
    X(ERR_CHECK, 3, 400, "23514", false)          /* a value that a rule of the table refuses */         \
    X(ERR_DERIVED, 3, 400, "428C9", false)        /* a column that is made of others */                  \
    X(ERR_IN_TRANSACTION, 9, 400, "25001", false) /* what cannot be rolled back, inside a transaction */ \
    X(ERR_CONFLICT, 10, 409, "40001", true)       /* lost a race: look again, then retry */              \
    X(ERR_EXISTS, 6, 409, "42710", false)                                                                \
    X(ERR_TOO_LARGE, 8, 413, "54000", false) /* over a size limit: no RetryInfo, no retry */             \
    X(ERR_QUOTA, 8, 429, "53400", true)      /* over a rate: later may work */                           \
    X(ERR_BUSY, 14, 503, "57P03", true)      /* a queue is full: push back, never pile up */             \
    X(ERR_IO, 14, 503, "58030", true)        /* disk or peer failed; see os_errno */                     \
    X(ERR_CANCELLED, 1, 499, "57014", false)                                                             \
    X(ERR_TIMEOUT, 4, 504, "57014", false)                                                               \
    X(ERR_OVERLOADED, 14, 503, "53000", true) /* what is to keep it has no room: later may work */       \
    X(ERR_MEMORY, 8, 503, "53200", false)     /* a query over its memory limit */                        \
    X(ERR_CORRUPT, 13, 500, "XX001", false)   /* our own bytes fail their checksum */                    \
    X(ERR_INTERNAL, 13, 500, "XX000", false)

enum err_code {
#define X(name, grpc, http, sqlstate, retry) name,
    ERR_CODES(X)
#undef X
        ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    int os_errno;   /* of the failed call, or 0 */
    int position;   /* 1-based character in the SQL text, or 0 */
    char text[240]; /* outermost context first */
    char hint[200]; /* what may be done about it; empty: nothing that we know */
};

/* All three return false, so that a failure is one line: return err_set(err, ...). */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool err_os(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);     /* ERR_IO + errno's words */
bool err_within(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3); /* "flush project 7: " + text so far */
/* What the person may do about what was set just before: a field of its own in every protocol that has one. */
bool err_hint(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

int err_grpc_status(enum err_code code);
int err_http_status(enum err_code code);
const char *err_sqlstate(enum err_code code);
bool err_is_retryable(enum err_code code);
const char *err_name(enum err_code code); /* "ERR_INPUT" */
