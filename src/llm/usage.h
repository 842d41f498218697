/* usage.h -- what language models cost a project, and whether there is something left of its budget (migration 0065).
 *
 *   usage_reserve: used + under way < budget? --> a row under way --answer--> usage_settle: what it was
 *                                                                  '--the process died--> over at its time: used in full
 *
 * The check and the row are one transaction, so several processes share a budget: it is passed by one request at most, the one
 * that uses its rest up, and by the error of the estimates of those under way.
 * Budgets of the server's model and of a project's own are counted apart (payer). Days and months are UTC.
 * Thread: any. Errors: ERR_QUOTA says which budget and when it opens again; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;

struct llm_budget {
    int64_t tokens_day, tokens_month, cost_day_micros, cost_month_micros; /* 0: none */
};
enum llm_payer { LLM_PAYER_SERVER, LLM_PAYER_PROJECT };
struct llm_reservation {
    struct uuid id, project_id;
    enum llm_payer payer;
    const char *purpose;
    int64_t input_tokens, output_tokens, cost_micros; /* at most */
    int64_t day, until_unix_us;
};
/* Sets id and day. *opens_unix_us: with ERR_QUOTA, when there is something again. */
MUST_CHECK bool llm_usage_reserve(struct db *db, struct llm_reservation *reservation, const struct llm_budget *budget,
                                  int64_t now_unix_us, int64_t *opens_unix_us, struct err *err);
/* What it was in the end; a reservation that was over in between is not counted twice. */
MUST_CHECK bool llm_usage_settle(struct db *db, const struct llm_reservation *reservation, int64_t input_tokens,
                                 int64_t output_tokens, int64_t cost_micros, bool has_failed, struct err *err);
/* Reservations whose time is over become usage. */
MUST_CHECK bool llm_usage_sweep(struct db *db, int64_t now_unix_us, struct err *err);

struct llm_usage {
    int64_t requests, failures, input_tokens, output_tokens, cost_micros;
    int64_t reserved_tokens, reserved_micros; /* under way */
};
/* Of the day and of the month that now is in. */
MUST_CHECK bool llm_usage_find(struct db *db, struct uuid project_id, enum llm_payer payer, int64_t now_unix_us,
                               struct llm_usage *day, struct llm_usage *month, struct err *err);
/* By day and purpose, oldest first; from and to are days since 1970, to is not in it. */
struct llm_usage_row {
    int64_t day;
    enum llm_payer payer;
    struct bytes purpose;
    struct llm_usage usage;
};
MUST_CHECK bool llm_usage_list(struct db *db, struct uuid project_id, int64_t from_day, int64_t to_day,
                               bool (*each)(void *ctx, const struct llm_usage_row *row), void *ctx, struct err *err);
