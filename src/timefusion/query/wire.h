/* wire.h -- statements about the conversation itself, which the PostgreSQL protocol's server carries out.
 *
 *   DECLARE c CURSOR FOR SELECT ...   COPY (SELECT ...) TO STDOUT   --> plan of the SELECT, and what is to become of its rows
 *   FETCH, MOVE, CLOSE, PREPARE, EXECUTE, DEALLOCATE, DISCARD       --> a plan of nothing, and the names
 *
 * Thread: immutable, as the plan whose arena they are in (plan.h). Errors: as the gate's.
 * Source: PostgreSQL 15 documentation, part VI, "SQL Commands". */
#pragma once
#include "timefusion/query/query.h"

enum wire_kind {
    WIRE_COPY,
    WIRE_COPY_IN, /* ... FROM STDIN: query_copy_begin */
    WIRE_DECLARE,
    WIRE_FETCH, /* and MOVE */
    WIRE_CLOSE,
    WIRE_PREPARE,
    WIRE_EXECUTE,
    WIRE_DEALLOCATE,
    WIRE_DISCARD, /* ALL: as if the connection were new */
};
enum wire_format { WIRE_TEXT, WIRE_CSV, WIRE_BINARY };
struct wire_copy {
    enum wire_format format;
    bool has_header, matches_header; /* FROM: names are looked at */
    char delimiter, quote, escape;
    const char *null;
    bool quotes_all;
    const bool *quotes; /* by column; NULL: none must be quoted */
};
struct query_wire {
    enum wire_kind kind;
    const char *name;                         /* of the cursor or the prepared statement; NULL: all of them */
    uint64_t row_count;                       /* FETCH, MOVE: at most; UINT64_MAX: all */
    bool is_move;                             /* rows are passed over */
    bool is_binary;                           /* DECLARE: FETCH sends binary values in the simple protocol too */
    struct bytes sql;                         /* PREPARE: the statement's text */
    uint32_t sql_at;                          /* where it begins, in characters */
    const enum query_type *types;             /* PREPARE */
    const struct query_parameter *parameters; /* EXECUTE */
    uint32_t count;                           /* of either */
    struct wire_copy copy;
};
