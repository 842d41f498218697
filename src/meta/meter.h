/* meter.h -- what is sent and asked, counted against the limits, and kept as usage.
 *
 *   a request comes --meter_admit--> may it? --decoded: meter_charge--> rates      stored: meter_count --meter_save-->
 *   a query --meter_query_begin .. meter_query_end                                          usage(project, key, day)
 *
 * Rates are token buckets that hold a second's worth. A request is let in while there is something in each, and what it
 * turns out to be is taken then: a bucket may go below zero, and the next ones wait until it is above. So the average never
 * passes the limit, and a request larger than a bucket is still taken.
 * Several processes: each has its own buckets, so a project that sends to n of them has n times its rate; bytes a day and
 * events a month count what all of them stored, as of the last meter_save (every few seconds). Days and months are UTC.
 * Thread: any; one lock, held for some hundred instructions. meter_save and meter_refresh wait for the database: off the
 * event loops. Memory: about 300 bytes a project or key that sends. Errors: ERR_QUOTA names the limit and says when. */
#pragma once
#include "meta/limit.h"
struct meter;

struct meter_options {
    struct db *db;
    struct limit_values defaults; /* of every project */
};
MUST_CHECK bool meter_open(struct meter **meter, const struct meter_options *options, struct err *err);
void meter_close(struct meter *meter); /* NULL is fine; what was not saved is lost */
/* Limits that were changed; cheap when none were. */
MUST_CHECK bool meter_refresh(struct meter *meter, struct err *err);
/* What was counted since the last time goes to the database, and what others have sent comes back. When it fails it is tried
 * again with the next. */
MUST_CHECK bool meter_save(struct meter *meter, struct err *err);

/* Here and below: key_id is all zeros when it is not a key that asks or sends, but a person.
 * Takes one request. False: over a limit; *retry_ms is when there is room again, as far as is known now. */
MUST_CHECK bool meter_admit(struct meter *meter, struct uuid project_id, struct uuid key_id, uint32_t *retry_ms,
                            struct err *err);
struct meter_amounts {
    uint64_t bytes, logs, spans, points;
    uint64_t redacted; /* finds of redaction rules */
};
/* Takes from the rates what an admitted request is. */
void meter_charge(struct meter *meter, struct uuid project_id, struct uuid key_id, const struct meter_amounts *amounts);
/* It is stored: a request and its amounts are used. */
void meter_count(struct meter *meter, struct uuid project_id, struct uuid key_id, const struct meter_amounts *amounts);

/* False: as many as may are running. */
MUST_CHECK bool meter_query_begin(struct meter *meter, struct uuid project_id, struct uuid key_id, struct err *err);
void meter_query_end(struct meter *meter, struct uuid project_id);
/* What counts for it now: of a project with the defaults, or of a key (its own alone). */
void meter_limits(struct meter *meter, struct uuid project_id, const struct uuid *key_id, struct limit_values *values);
/* Of every project, where nothing is said. */
void meter_defaults(const struct meter *meter, struct limit_values *values);
struct meter_state {
    uint64_t bytes_today, events_this_month, queries; /* of all processes; queries: of this one */
};
void meter_state(struct meter *meter, struct uuid project_id, struct meter_state *state);

struct meter_stats {
    uint64_t refused[LIMIT_COUNT]; /* requests and queries */
    uint64_t unsaved;              /* subjects with counts that are not in the database yet */
};
void meter_stats(struct meter *meter, struct meter_stats *stats);
