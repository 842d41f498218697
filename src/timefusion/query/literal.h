/* literal.h -- values from outside as literals of DuckDB SQL: the only way a client's bytes come into it.
 *
 * Thread: any. Errors: ERR_INPUT for text that is not of the type. */
#pragma once
#include "timefusion/query/plan.h"
#include <inttypes.h>

/* 'text', quotes doubled, the marks' bytes by chr(). */
MUST_CHECK bool literal_quote(struct buf *out, struct bytes text);
/* A time with time zone as a number, and such a text read: with its zone, of our centuries, to the microsecond. */
#define LITERAL_TIME_OPEN "make_timestamptz("
#define LITERAL_TIME      LITERAL_TIME_OPEN "%" PRId64 ")"
MUST_CHECK bool literal_time(struct bytes text, int64_t *unix_us);
/* CAST('text' AS type), an interval or an array in PostgreSQL's syntax included. */
MUST_CHECK bool literal_put(struct buf *out, struct bytes text, enum query_type type, struct err *err);
/* 1: true, yes, on ...; 0: false, no, off ...; -1: neither. */
int literal_boolean(struct bytes text);
/* "1 day 02:03:04", "5m", "P1DT2H", "-3 hours", "1 week ago" */
MUST_CHECK bool interval_parse(struct bytes text, int32_t *months, int32_t *days, int64_t *micros);
