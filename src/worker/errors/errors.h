/* errors.h -- the tap that counts errors by fingerprint: minute, environment, release, whom it met; first and last event kept.
 *
 *   a partition's tap (counting.h): rows --error_delta.h--> counts --store--> meta/error.h: one transaction with its
 *                                             position, and now and then what is past its time goes
 *
 * What cannot be stored is added up: memory grows with time and kinds, not with errors.
 * Thread: open and close the owner's; stats any. Memory: bytes_max. Errors: see tap.h. */
#pragma once
#include "meta/error.h"
#include "worker/counting/counting.h"

struct errors;
struct errors_options {
    struct db *db;
    uint64_t bytes_max;
    struct error_keep keep;
    const struct log *log;
};
/* Asks the database for the secret of its hashes of users. */
MUST_CHECK bool errors_open(struct errors **errors, const struct errors_options *options, struct err *err);
/* For worker_options; good until errors_close. */
struct tap_source errors_source(struct errors *errors);
void errors_stats(struct errors *errors, struct counting_stats *stats); /* rows_rest: counted under "(other)" */
/* Every tap must be closed. NULL is fine. */
void errors_close(struct errors *errors);
