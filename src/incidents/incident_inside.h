/* incident_inside.h -- what the files of this folder share.
 *
 *   incident.c       a signal comes: which incident is it of     incident_row.c   an incident's row, what happened
 *   incident_tell.c  who is told, in which words                 incident_tend.c  what time does to it
 *   incident_change.c  by people                                 incident_list.c  for pages */
#pragma once
#include "incidents/incident_store.h"
#include "meta/db_rows.h"

#define INCIDENT_OVER_US      (INT64_C(120) * 1000000)   /* all signals over for so long: resolved */
#define INCIDENT_NEIGHBOUR_US (INT64_C(86400) * 1000000) /* an edge that was called in that time is one */

MUST_CHECK bool incident_row_read(struct db_session *session, struct arena *arena, struct uuid project_id,
                                  int64_t number, struct incident *incident, bool *is_there, struct err *err);
MUST_CHECK bool incident_row_insert(struct db_session *session, struct incident *incident, struct err *err);
MUST_CHECK bool incident_row_write(struct db_session *session, struct incident *incident, int64_t now_unix_us,
                                   struct err *err);
/* Severity, whether all is over, how many: anew from its signals. */
MUST_CHECK bool incident_row_reckon(struct db_session *session, struct incident *incident, struct err *err);
/* detail: a JSON object, "" none. actor: who, empty: nobody, it happened. */
MUST_CHECK bool incident_event_add(struct db_session *session, const struct incident *incident, struct bytes actor,
                                   enum incident_happening what, struct bytes detail, int64_t now_unix_us,
                                   struct err *err);
MUST_CHECK bool incident_signals_of(struct db_session *session, struct arena *arena, struct uuid project_id,
                                    int64_t number, struct incident_signal_row **signals, uint32_t *count,
                                    struct err *err);
void incident_signal_take(struct arena *arena, struct db_row *row, struct incident_signal_row *signal);
extern const char incident_signal_columns[], incident_columns[];
void incident_take(struct arena *arena, struct db_row *row, struct incident *incident);

/* What a happening says of the signal that it came of: a JSON object. */
MUST_CHECK bool incident_signal_detail(const struct incident_signal *signal, struct buf *json, struct err *err);
/* It ends: its row, what happened, who is told. actor: who says so, empty: its signals are over. */
MUST_CHECK bool incident_resolve(struct db_session *session, struct arena *arena, struct incident *incident,
                                 struct bytes actor, int64_t now_unix_us, struct err *err);
/* From RESOLVED to OPEN, as its next episode. */
void incident_reopen(struct incident *incident);
/* When people are reminded next. begins: of an episode that begins now. */
MUST_CHECK bool incident_remind_set(struct db_session *session, struct incident *incident, bool begins,
                                    int64_t now_unix_us, struct err *err);

/* To the channels that these signals are routed to, and that know nothing of this episode yet: that it is open. of: the signal it
 * came of, whose image is shown; or NULL. */
MUST_CHECK bool incident_tell_open(struct db_session *session, struct arena *arena, const struct incident *incident,
                                   const struct incident_signal *of, int64_t now_unix_us, struct err *err);
/* To those that know of it: what became of it. key: what makes it one telling. */
MUST_CHECK bool incident_tell_on(struct db_session *session, struct arena *arena, const struct incident *incident,
                                 enum incident_happening what, struct bytes actor, const char *key, int64_t now_unix_us,
                                 struct err *err);
static inline bool incident_is_muted(const struct incident *incident, int64_t now_unix_us)
{
    return incident->muted_until_unix_us > now_unix_us;
}
