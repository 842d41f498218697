/* note.h -- what the counts of the intake (meta/intake.h) are told of a request: whose, how late its records are, which SDK made
 * it. For ingest.c.
 *
 *   decoded --note_look--> struct note_seen --note_taken--> intake_take          refused --note_refused--> intake_refuse
 *
 * How late: of the first and the last record the newer one, as batches are in the order of their records; looking at each would
 * cost more than it tells. Thread: any. Memory: slices of the request. */
#pragma once
#include "ingest/ingest.h"
#include "worker/otlp/otlp.h"

struct intake;

struct note_seen {
    bool has_lag;
    int64_t lag_us;
    struct bytes sdk_name, sdk_language, sdk_version; /* of the first resource */
};
void note_look(const struct otlp_request *request, struct note_seen *seen);
/* intake NULL: nothing is counted. request: what was left out of it is told. agent: the sender's own words for itself. */
void note_taken(struct intake *intake, const struct ingest_key *key, const struct otlp_request *request,
                const struct note_seen *seen, uint64_t bytes, bool is_repeat, struct bytes agent);
void note_refused(struct intake *intake, const struct ingest_key *key, enum otlp_signal signal, const struct err *why,
                  struct bytes agent);
