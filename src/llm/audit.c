#include "llm/audit.h"

#include <stdio.h>

#include "meta/db.h"

static bool write_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct llm_audit_row *row = ctx;
    return db_run(
        session,
        "INSERT INTO llm_audit(project_id, at_unix_us, purpose, actor, model, host, prompt, prompt_bytes, answer,"
        " answer_bytes, input_tokens, output_tokens, cost_micros, tries, took_ms, failure)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        DB_VALUES(db_uuid(row->project_id), db_integer(row->at_unix_us), db_text_bytes(row->purpose),
                  db_text_bytes(row->actor), db_text_bytes(row->model), db_text_bytes(row->host),
                  db_text_bytes(row->prompt), db_integer(row->prompt_bytes), db_text_bytes(row->answer),
                  db_integer(row->answer_bytes), db_integer(row->input_tokens), db_integer(row->output_tokens),
                  db_integer(row->cost_micros), db_integer(row->tries), db_integer(row->took_ms),
                  db_text_bytes(row->failure)),
        NULL, NULL, NULL, err);
}

bool llm_audit_write(struct db *db, const struct llm_audit_row *row, struct err *err)
{
    return db_transaction_adding(db, write_run, (void *)(uintptr_t)row, err);
}

struct listing {
    bool (*each)(void *ctx, const struct llm_audit_row *row);
    void *ctx;
    struct uuid project_id;
    bool is_over;
};

static bool row_read(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    (void)err;
    struct llm_audit_row found = { .number = db_row_integer(row, 0),
                                   .project_id = listing->project_id,
                                   .at_unix_us = db_row_integer(row, 1),
                                   .purpose = db_row_text(row, 2),
                                   .actor = db_row_text(row, 3),
                                   .model = db_row_text(row, 4),
                                   .host = db_row_text(row, 5),
                                   .prompt = db_row_text(row, 6),
                                   .prompt_bytes = db_row_integer(row, 7),
                                   .answer = db_row_text(row, 8),
                                   .answer_bytes = db_row_integer(row, 9),
                                   .input_tokens = db_row_integer(row, 10),
                                   .output_tokens = db_row_integer(row, 11),
                                   .cost_micros = db_row_integer(row, 12),
                                   .tries = db_row_integer(row, 13),
                                   .took_ms = db_row_integer(row, 14),
                                   .failure = db_row_text(row, 15) };
    if (!listing->is_over) listing->is_over = !listing->each(listing->ctx, &found);
    return true;
}

bool llm_audit_list(struct db *db, const struct llm_audit_filter *filter,
                    bool (*each)(void *ctx, const struct llm_audit_row *row), void *ctx, struct err *err)
{
    struct listing listing = { .each = each, .ctx = ctx, .project_id = filter->project_id };
    return db_read(db,
                   "SELECT number, at_unix_us, purpose, actor, model, host, prompt, prompt_bytes, answer, answer_bytes,"
                   " input_tokens, output_tokens, cost_micros, tries, took_ms, failure FROM llm_audit"
                   " WHERE project_id = $1 AND number < $2 AND ($3 = '' OR purpose = $3) AND ($4 = 0 OR failure <> '')"
                   " ORDER BY number DESC LIMIT $5",
                   DB_VALUES(db_uuid(filter->project_id), db_integer(filter->before > 0 ? filter->before : INT64_MAX),
                             db_text_bytes(filter->purpose), db_boolean(filter->failures_only),
                             db_integer(filter->count_max)),
                   row_read, &listing, err);
}

struct sweep {
    uint32_t days_default;
    int64_t now_unix_us;
};

static bool sweep_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct sweep *sweep = ctx;
    const int64_t day_us = INT64_C(86400000000);
    return db_run(session,
                  "DELETE FROM llm_audit WHERE at_unix_us < $1 - $2 * coalesce((SELECT CASE WHEN s.audit_days > 0 THEN"
                  " s.audit_days END FROM llm_settings s WHERE s.project_id = llm_audit.project_id), $3)",
                  DB_VALUES(db_integer(sweep->now_unix_us), db_integer(day_us), db_integer(sweep->days_default)), NULL,
                  NULL, NULL, err) &&
           db_run(
               session,
               "DELETE FROM llm_audit WHERE number IN (SELECT number FROM (SELECT number, row_number() OVER"
               " (PARTITION BY project_id ORDER BY number DESC) AS place FROM llm_audit) AS placed WHERE place > $1)",
               DB_VALUES(db_integer(LLM_AUDIT_ROWS_MAX)), NULL, NULL, NULL, err);
}

bool llm_audit_sweep(struct db *db, uint32_t days_default, int64_t now_unix_us, struct err *err)
{
    struct sweep sweep = { days_default, now_unix_us };
    return db_transaction(db, sweep_run, &sweep, err);
}
