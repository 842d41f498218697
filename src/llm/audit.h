/* audit.h -- what models were sent and what they answered, kept for a project's admins (migration 0065).
 *
 * Texts come without secrets (llm_options.redact) and are cut at LLM_AUDIT_BYTES_MAX, beginning and end kept. A project keeps
 * its newest LLM_AUDIT_ROWS_MAX for as many days as is set.
 * Thread: any. Errors: those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;

#define LLM_AUDIT_BYTES_MAX (64u << 10)
#define LLM_AUDIT_ROWS_MAX  10000
struct llm_audit_row {
    int64_t number, at_unix_us; /* of audit_list */
    struct uuid project_id;
    struct bytes purpose, actor, model, host, prompt, answer, failure;
    int64_t prompt_bytes, answer_bytes; /* before they were cut */
    int64_t input_tokens, output_tokens, cost_micros, tries, took_ms;
};
MUST_CHECK bool llm_audit_write(struct db *db, const struct llm_audit_row *row, struct err *err);
/* Newest first, below a number (0: from the newest). each answers false to stop. Borrowed for the call. */
struct llm_audit_filter {
    struct uuid project_id;
    int64_t before;
    struct bytes purpose; /* empty: any */
    bool failures_only;
    uint32_t count_max;
};
MUST_CHECK bool llm_audit_list(struct db *db, const struct llm_audit_filter *filter,
                               bool (*each)(void *ctx, const struct llm_audit_row *row), void *ctx, struct err *err);
/* What is past the time of its project (llm_settings, else days_default), or beyond its number of rows. */
MUST_CHECK bool llm_audit_sweep(struct db *db, uint32_t days_default, int64_t now_unix_us, struct err *err);
