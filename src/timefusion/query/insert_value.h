/* insert_value.h -- a value that a client sends for a column, in text or in binary, as the table stores it.
 *
 * Thread: the session's. Memory: the arena's, or the value that was sent.
 * Errors: ERR_VALUE (22P02) not of the type, ERR_RANGE (22003) too large for it, ERR_TIME (22008). */
#pragma once
#include "base/arena.h"
#include "timefusion/query/insert.h"

struct insert_reader {
    struct query_session *session;
    struct arena *arena; /* of a row */
};
MUST_CHECK bool insert_text_read(const struct insert_reader *reader, enum schema_type type, struct bytes text,
                                 struct insert_value *value, struct err *err);
MUST_CHECK bool insert_binary_read(const struct insert_reader *reader, enum schema_type type, struct bytes bytes,
                                   struct insert_value *value, struct err *err);
/* insert_time.c: "2026-01-02 03:04:05.678+01" and what else PostgreSQL takes. */
MUST_CHECK bool insert_time_read(struct query_session *session, struct bytes text, int64_t *time_us, struct err *err);
/* ISO 8601 alone; is_in_utc: without a zone it is UTC. */
MUST_CHECK bool insert_iso_read(const char *at, bool is_in_utc, int64_t *time_us);
MUST_CHECK bool insert_json_read(const struct insert_reader *reader, struct bytes text, struct insert_value *value,
                                 struct err *err);
