/* tally.h -- what each project sent: requests, bytes, records by signal; for the operator who asks who it is.
 *
 * The first projects_max projects are counted each by its id, all others together under the id of all zeros: however many
 * projects come, the metrics made of it are bounded.
 * Thread: any (a lock inside, held for a few instructions). Memory: 64 bytes a project, twice. */
#pragma once
#include "base/uuid.h"
#include "worker/otlp/otlp.h"

struct tally;
struct tally_entry {
    struct uuid project_id; /* all zeros: the others */
    uint64_t requests, bytes;
    uint64_t records[OTLP_SIGNALS]; /* logs, traces, metrics, batches of replays: by signal - 1 */
};
struct tally *tally_create(uint32_t projects_max);
void tally_destroy(struct tally *tally);
void tally_add(struct tally *tally, struct uuid project_id, enum otlp_signal signal, uint64_t records, uint64_t bytes);
/* Those that have sent, in the order of their first request, the others last; *entries by malloc. */
uint32_t tally_read(struct tally *tally, struct tally_entry **entries);
