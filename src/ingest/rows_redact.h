/* rows_redact.h -- what a project does not want kept goes out of a batch of rows, by the rules for telemetry: a column is
 * the attribute it is of, or one of its own name; JSON is looked at as text. Thread: any. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"

struct redactor;
/* Takes *batch (by malloc) and gives the one to keep. *found counts what was taken out; NULL: it does not count, for the rows
 * come again. ERR_INPUT: a rule leaves JSON that is
 * none any more. On failure nothing may be kept, and batch is freed. */
MUST_CHECK bool rows_redact(struct redactor *redactor, struct uuid project_id, struct bytes *batch, uint64_t *found,
                            struct err *err);
