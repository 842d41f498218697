/* finding_usual.h -- what is usual of a project, as bytes in the metadata: for the process that watches it next, which has no file of it.
 *
 *   watch_write, finding_metrics_write --finding_usual_store--> finding_usual (pieces) --finding_usual_load--> another process
 *
 * All pieces are of one moment: they are replaced in one transaction, by the one whose project it is.
 * Thread: any. Memory: none kept. Errors: those of db.h. Tables: migration 0101. */
#pragma once
#include "meta/db.h"

/* More is not for a table: then whoever takes the project over learns it anew. */
#define FINDING_USUAL_BYTES_MAX (64u << 20)

/* *is_stored false: the project is another's now, or it is too much. */
MUST_CHECK bool finding_usual_store(struct db *db, struct uuid project_id, const char *part, struct uuid owner,
                                    struct bytes bytes, int64_t now_unix_us, bool *is_stored, struct err *err);
/* Added to out; *is_there false: there is nothing, or out has no room. */
MUST_CHECK bool finding_usual_load(struct db *db, struct uuid project_id, const char *part, struct buf *out,
                                   bool *is_there, struct err *err);
