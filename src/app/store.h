/* store.h -- where the tables are, as the settings say: a folder, or a bucket with what it takes to speak to one.
 *
 *   --storage, --storage-lock, AWS_* --store_open--> struct object_store, probed: a store that cannot keep two writers
 *                                                    apart is refused, unless a lock does it
 *
 * Thread: open and close on the main thread; store_cancel any. Errors: what to set. */
#pragma once
#include "app/config.h"
#include "base/log.h"
#include "timefusion/object/object.h"

struct aws;
struct http_client;
struct store {
    struct object_store *objects;
    struct http_client *client; /* NULL with a folder, as the next */
    struct aws *aws;
    const char *lock_table; /* of DynamoDB; NULL: commits go by put-if-absent */
    atomic_bool is_cancelled;
};
/* The caller's struct, all zero before; store_close also after a failure. */
MUST_CHECK bool store_open(struct store *store, const struct config *config, const struct log *log, struct err *err);
/* What is under way to a bucket ends soon, with an error. */
void store_cancel(struct store *store);
void store_close(struct store *store);
