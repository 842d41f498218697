/* locks.h -- how each table's commits are made: by put-if-absent, or by the DynamoDB lock of --storage-lock.
 *
 *   lock table's name --locks_open--> a struct commit_store and the words kept in the table (monoscope.commit), each table
 *
 * Thread: opened and closed by the app's; the commit stores are for any. Errors: those of commit_store_open_dynamodb. */
#pragma once
#include "app/store.h"
#include "timefusion/delta/commit_store.h"
#include "timefusion/schema/schema.h"

struct locks {
    struct commit_store *stores[SCHEMA_TABLE_COUNT]; /* as timefusion_options has them; NULL: put-if-absent */
    const char *modes[SCHEMA_TABLE_COUNT];           /* NULL: not kept */
};
/* A folder's tables do not say how they are committed to: link(2) is all there is, and a folder is
 * moved about. */
MUST_CHECK bool locks_open(struct locks *locks, struct store *store, const struct log *log, struct err *err);
void locks_close(struct locks *locks);
