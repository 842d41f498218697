#include "llm/usage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "meta/db.h"
#include "meta/db_rows.h"

#define DAY_US INT64_C(86400000000)

/* [*from, *to): the days of the month that day is in. */
static void month_days(int64_t day, int64_t *from, int64_t *to)
{
    int64_t year;
    uint32_t month, of_month;
    date_of_days(day, &year, &month, &of_month);
    *from = day - of_month + 1;
    *to = month == 12 ? date_days(year + 1, 1, 1) : date_days(year, month + 1, 1);
}

struct sums {
    int64_t tokens_day, tokens_month, cost_day, cost_month;
};

static bool sums_add(void *ctx, struct db_row *row, struct err *err)
{
    struct sums *sums = ctx;
    (void)err;
    sums->tokens_day += db_row_integer(row, 0);
    sums->tokens_month += db_row_integer(row, 1);
    sums->cost_day += db_row_integer(row, 2);
    sums->cost_month += db_row_integer(row, 3);
    return true;
}

#define SUMS(table)                                                                                      \
    "SELECT CAST(coalesce(sum(CASE WHEN day = $3 THEN input_tokens + output_tokens END), 0) AS bigint)," \
    " CAST(coalesce(sum(input_tokens + output_tokens), 0) AS bigint),"                                   \
    " CAST(coalesce(sum(CASE WHEN day = $3 THEN cost_micros END), 0) AS bigint),"                        \
    " CAST(coalesce(sum(cost_micros), 0) AS bigint)"                                                     \
    " FROM " table " WHERE project_id = $1 AND payer = $2 AND day >= $4 AND day < $5"

static bool sums_read(struct db_session *session, const struct llm_reservation *reservation, struct sums *sums,
                      struct err *err)
{
    int64_t from, to;
    *sums = (struct sums){ 0 };
    month_days(reservation->day, &from, &to);
    struct db_value values[] = { db_uuid(reservation->project_id), db_integer(reservation->payer),
                                 db_integer(reservation->day), db_integer(from), db_integer(to) };
    return db_run(session, SUMS("llm_usage"), values, COUNT_OF(values), sums_add, sums, NULL, err) &&
           db_run(session, SUMS("llm_reservations"), values, COUNT_OF(values), sums_add, sums, NULL, err);
}

static void when_text(int64_t day, char text[24])
{
    char date[16];
    date_text((int32_t)day, date);
    snprintf(text, 24, "%sT00:00Z", date);
}

struct reserving {
    struct llm_reservation *reservation;
    const struct llm_budget *budget;
    int64_t opens_day; /* of a refusal */
};

/* Something has to be left, not all that this one may take: else a budget that is nearly used up could never be. One request
 * is what it can be passed by. */
static bool budget_check(struct reserving *reserving, const struct sums *sums, struct err *err)
{
    const struct llm_budget *budget = reserving->budget;
    int64_t from, month_end, day_end = reserving->reservation->day + 1;
    month_days(reserving->reservation->day, &from, &month_end);
    const struct {
        int64_t used, budget, opens_day;
        const char *of;
    } rows[] = { { sums->tokens_month, budget->tokens_month, month_end, "tokens a month" },
                 { sums->cost_month, budget->cost_month_micros, month_end, "money a month" },
                 { sums->tokens_day, budget->tokens_day, day_end, "tokens a day" },
                 { sums->cost_day, budget->cost_day_micros, day_end, "money a day" } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        char when[24];
        if (rows[r].budget == 0 || rows[r].used < rows[r].budget) continue;
        reserving->opens_day = rows[r].opens_day;
        when_text(rows[r].opens_day, when);
        return err_set(err, ERR_QUOTA, "the budget of language models is used up (%s): it opens again at %s",
                       rows[r].of, when);
    }
    return true;
}

static bool reserve_run(struct db_session *session, void *ctx, struct err *err)
{
    struct reserving *reserving = ctx;
    const struct llm_reservation *reservation = reserving->reservation;
    struct sums sums;
    return sums_read(session, reservation, &sums, err) && budget_check(reserving, &sums, err) &&
           db_run(session,
                  "INSERT INTO llm_reservations(id, project_id, day, payer, purpose, input_tokens, output_tokens,"
                  " cost_micros, until_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  DB_VALUES(db_uuid(reservation->id), db_uuid(reservation->project_id), db_integer(reservation->day),
                            db_integer(reservation->payer), db_text(reservation->purpose),
                            db_integer(reservation->input_tokens), db_integer(reservation->output_tokens),
                            db_integer(reservation->cost_micros), db_integer(reservation->until_unix_us)),
                  NULL, NULL, NULL, err);
}

bool llm_usage_reserve(struct db *db, struct llm_reservation *reservation, const struct llm_budget *budget,
                       int64_t now_unix_us, int64_t *opens_unix_us, struct err *err)
{
    struct reserving reserving = { .reservation = reservation, .budget = budget };
    reservation->id = uuid_random();
    reservation->day = now_unix_us / DAY_US;
    bool ok = db_transaction(db, reserve_run, &reserving, err);
    *opens_unix_us = !ok && err->code == ERR_QUOTA ? reserving.opens_day * DAY_US : 0;
    return ok;
}

struct settling {
    const struct llm_reservation *reservation;
    int64_t input_tokens, output_tokens, cost_micros;
    bool has_failed;
};

#define USAGE_INSERT                                                                                          \
    "INSERT INTO llm_usage(project_id, day, payer, purpose, requests, failures, input_tokens, output_tokens," \
    " cost_micros) "
#define USAGE_ADD                                                                                                    \
    " ON CONFLICT(project_id, day, payer, purpose) DO UPDATE SET requests = llm_usage.requests + excluded.requests," \
    " failures = llm_usage.failures + excluded.failures,"                                                            \
    " input_tokens = llm_usage.input_tokens + excluded.input_tokens,"                                                \
    " output_tokens = llm_usage.output_tokens + excluded.output_tokens,"                                             \
    " cost_micros = llm_usage.cost_micros + excluded.cost_micros"

static bool settle_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct settling *settling = ctx;
    const struct llm_reservation *reservation = settling->reservation;
    int64_t removed;
    if (!db_run(session, "DELETE FROM llm_reservations WHERE id = $1", DB_VALUES(db_uuid(reservation->id)), NULL, NULL,
                &removed, err))
        return false;
    if (removed == 0) return true; /* it was over, and has been counted in full */
    return db_run(session, USAGE_INSERT "VALUES($1, $2, $3, $4, 1, $5, $6, $7, $8)" USAGE_ADD,
                  DB_VALUES(db_uuid(reservation->project_id), db_integer(reservation->day),
                            db_integer(reservation->payer), db_text(reservation->purpose),
                            db_integer(settling->has_failed), db_integer(settling->input_tokens),
                            db_integer(settling->output_tokens), db_integer(settling->cost_micros)),
                  NULL, NULL, NULL, err);
}

bool llm_usage_settle(struct db *db, const struct llm_reservation *reservation, int64_t input_tokens,
                      int64_t output_tokens, int64_t cost_micros, bool has_failed, struct err *err)
{
    struct settling settling = { reservation, input_tokens, output_tokens, cost_micros, has_failed };
    return db_transaction_adding(db, settle_run, &settling, err);
}

static bool sweep_run(struct db_session *session, void *ctx, struct err *err)
{
    struct db_value now = db_integer(*(const int64_t *)ctx);
    return db_run(session,
                  USAGE_INSERT "SELECT project_id, day, payer, purpose, count(*), count(*),"
                               " CAST(sum(input_tokens) AS bigint), CAST(sum(output_tokens) AS bigint),"
                               " CAST(sum(cost_micros) AS bigint) FROM llm_reservations WHERE until_unix_us < $1"
                               " GROUP BY project_id, day, payer, purpose" USAGE_ADD,
                  &now, 1, NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM llm_reservations WHERE until_unix_us < $1", &now, 1, NULL, NULL, NULL, err);
}

/* Asked first whether there are any: usually there are none, and that takes no writer's lock. */
bool llm_usage_sweep(struct db *db, int64_t now_unix_us, struct err *err)
{
    int64_t count = 0;
    return db_read(db, "SELECT count(*) FROM llm_reservations WHERE until_unix_us < $1",
                   DB_VALUES(db_integer(now_unix_us)), db_take_integer, &count, err) &&
           (count == 0 || db_transaction(db, sweep_run, &now_unix_us, err));
}

/* ---- reading ---- */

struct finding {
    struct uuid project_id;
    enum llm_payer payer;
    int64_t from, to;
    struct llm_usage *usage;
};

static bool usage_read(void *ctx, struct db_row *row, struct err *err)
{
    struct llm_usage *usage = ctx;
    (void)err;
    usage->requests = db_row_integer(row, 0);
    usage->failures = db_row_integer(row, 1);
    usage->input_tokens = db_row_integer(row, 2);
    usage->output_tokens = db_row_integer(row, 3);
    usage->cost_micros = db_row_integer(row, 4);
    return true;
}

static bool reserved_read(void *ctx, struct db_row *row, struct err *err)
{
    struct llm_usage *usage = ctx;
    (void)err;
    usage->reserved_tokens = db_row_integer(row, 0);
    usage->reserved_micros = db_row_integer(row, 1);
    return true;
}

#define SUM(column) "CAST(coalesce(sum(" column "), 0) AS bigint)"
#define OF_DAYS     " WHERE project_id = $1 AND payer = $2 AND day >= $3 AND day < $4"

static bool days_find(struct db_session *session, const struct finding *finding, struct err *err)
{
    struct db_value values[] = { db_uuid(finding->project_id), db_integer(finding->payer), db_integer(finding->from),
                                 db_integer(finding->to) };
    *finding->usage = (struct llm_usage){ 0 };
    return db_run(session,
                  "SELECT " SUM("requests") ", " SUM("failures") ", " SUM("input_tokens") ", " SUM(
                      "output_tokens") ", " SUM("cost_micros") " FROM llm_usage" OF_DAYS,
                  values, COUNT_OF(values), usage_read, finding->usage, NULL, err) &&
           db_run(session,
                  "SELECT " SUM("input_tokens + output_tokens") ", " SUM(
                      "cost_micros") " FROM llm_reservations" OF_DAYS,
                  values, COUNT_OF(values), reserved_read, finding->usage, NULL, err);
}

static bool find_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct finding *findings = ctx;
    return days_find(session, &findings[0], err) && days_find(session, &findings[1], err);
}

bool llm_usage_find(struct db *db, struct uuid project_id, enum llm_payer payer, int64_t now_unix_us,
                    struct llm_usage *day, struct llm_usage *month, struct err *err)
{
    int64_t today = now_unix_us / DAY_US, from, to;
    month_days(today, &from, &to);
    struct finding findings[] = { { project_id, payer, today, today + 1, day },
                                  { project_id, payer, from, to, month } };
    return db_snapshot(db, find_run, findings, err);
}

struct listing {
    bool (*each)(void *ctx, const struct llm_usage_row *row);
    void *ctx;
    bool is_over;
};

static bool row_read(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    int64_t payer = db_row_integer(row, 1);
    if (payer < 0 || payer > LLM_PAYER_PROJECT)
        return err_set(err, ERR_CORRUPT, "the metadata has a payer that cannot be");
    struct llm_usage_row found = { .day = db_row_integer(row, 0),
                                   .payer = (enum llm_payer)payer,
                                   .purpose = db_row_text(row, 2),
                                   .usage = { .requests = db_row_integer(row, 3),
                                              .failures = db_row_integer(row, 4),
                                              .input_tokens = db_row_integer(row, 5),
                                              .output_tokens = db_row_integer(row, 6),
                                              .cost_micros = db_row_integer(row, 7) } };
    if (!listing->is_over) listing->is_over = !listing->each(listing->ctx, &found);
    return true;
}

bool llm_usage_list(struct db *db, struct uuid project_id, int64_t from_day, int64_t to_day,
                    bool (*each)(void *ctx, const struct llm_usage_row *row), void *ctx, struct err *err)
{
    struct listing listing = { .each = each, .ctx = ctx };
    return db_read(db,
                   "SELECT day, payer, purpose, requests, failures, input_tokens, output_tokens, cost_micros"
                   " FROM llm_usage WHERE project_id = $1 AND day >= $2 AND day < $3 ORDER BY day, payer, purpose",
                   DB_VALUES(db_uuid(project_id), db_integer(from_day), db_integer(to_day)), row_read, &listing, err);
}
