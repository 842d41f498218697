/* temporary_copy.h -- COPY ... FROM STDIN into a session's own table (temporary.h).
 *
 *   temporary_copy_begin -> temporary_copy_row ... -> temporary_copy_end -> temporary_copy_close (without end: nothing of it is there)
 *
 * Thread: the session's. Memory: some hundred rows. Errors: as of INSERT. */
#pragma once
#include "timefusion/query/engine.h"

struct temporary_copy;
struct temporary_copy *temporary_copy_begin(struct query_session *session, const struct plan *plan);
MUST_CHECK bool temporary_copy_row(struct temporary_copy *copy, const struct query_field *fields, struct err *err);
MUST_CHECK bool temporary_copy_end(struct temporary_copy *copy, struct err *err);
void temporary_copy_close(struct temporary_copy *copy); /* NULL is fine */
