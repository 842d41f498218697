/* replay_backend.h -- what the backend did for recorded sessions, asked of a project's telemetry.
 *
 *   sessions of a project --spans by session.id (docs/identity.md), and of traces that the page named--> struct replay_backend each
 *
 * The backend are the services other than the page's. Two statements for all the sessions of a call. Of each are kept: all spans and
 * errors in REPLAY_BACKEND_ROWS_MAX pairs of service and trace, those with errors first; REPLAY_BACKEND_SERVICES_MAX names,
 * REPLAY_BACKEND_TRACES_MAX ids.
 * Thread: the caller's. Memory: the arena's. Errors: those of query.h. */
#pragma once
#include "meta/replay_backend.h"

enum {
    REPLAY_BACKEND_SESSIONS_MAX = 50, /* of a call */
    REPLAY_BACKEND_ROWS_MAX = 20000,
    REPLAY_BACKEND_SERVICES_MAX = 50,
    REPLAY_BACKEND_TRACES_MAX = 20,
};
struct query_engine;
/* found: of each of due, all of one project. */
MUST_CHECK bool replay_backend_ask(struct query_engine *engine, const struct replay_backend_due *due, uint32_t count,
                                   struct arena *arena, struct replay_backend *found, struct err *err);
