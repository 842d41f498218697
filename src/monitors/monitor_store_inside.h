/* monitor_store_inside.h -- what the files of the store share. */
#pragma once
#include "monitors/monitor_store.h"

/* Everything that goes on has ended: events and signals say so, and the groups are gone. */
MUST_CHECK bool monitor_reset(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                              int64_t now_us, struct err *err);
/* What goes on is put anew, quiet or not. */
MUST_CHECK bool monitor_put_anew(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                                 int64_t now_us, struct err *err);
