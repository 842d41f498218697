/* beside.h -- for commands beside a running server: the metadata of its data folder, failures told.
 *
 * Thread: the command's. */
#pragma once
#include "app/config.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/meta.h"

/* Says it on stderr; the exit code. */
int beside_fail(const struct err *err);
MUST_CHECK bool beside_meta_open(struct meta **meta, const struct config *config, const struct log *log,
                                 struct err *err);
/* A change by the operator with its row in the audit log: both or neither. What event points to may be set by run. */
MUST_CHECK bool beside_change(struct meta *meta, db_work_fn *run, void *ctx, const struct audit_event *event,
                              struct err *err);
