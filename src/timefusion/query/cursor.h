/* cursor.h -- one execution of a statement: files held, SQL made, rows fetched. Thread: the session's. */
#pragma once
#include "timefusion/query/prune.h"

struct query_cursor;
/* Runs plan with these values; plan is held by the cursor. */
MUST_CHECK bool cursor_open(struct query_session *session, struct plan *plan, struct planning before,
                            const struct query_parameter *parameters, uint32_t count, struct query_cursor **cursor,
                            struct err *err);
/* SET, RESET, DISCARD on the session. */
MUST_CHECK bool session_set(struct query_session *session, int setting, const char *value, struct err *err);
void session_reset(struct query_session *session, int setting); /* -1: all */
int64_t session_timeout_ms(const struct query_session *session, enum setting setting);
