/* intake_save.c -- what was counted goes to the database, by minute and by hour, in one transaction that only adds. */
#include <stdlib.h>

#include "base/clock.h"
#include "meta/intake_inside.h"

enum { MINUTE_S = 60, HOUR_S = 3600, MINUTES_KEPT_S = 25 * HOUR_S, HOURS_KEPT_S = 32 * 24 * HOUR_S };
static const int64_t steps[] = { MINUTE_S, HOUR_S };

struct saving {
    const struct intake_pending *pending;
    struct db_value *values; /* of one table at a time */
    uint32_t row_count, value_count;
    bool tidies;
    int64_t now_s;
};

static void value_add(struct saving *saving, struct db_value value)
{
    saving->values[saving->value_count++] = value;
}

/* The first five columns of a row, or four: without a key there is no signal. */
static void place_add(struct saving *saving, const struct intake_place *place, int64_t step_s, bool has_key)
{
    int64_t at_s = place->minute * MINUTE_S;
    value_add(saving, db_uuid(place->project_id));
    value_add(saving, db_integer(step_s));
    value_add(saving, db_integer(at_s - at_s % step_s));
    if (!has_key) return;
    value_add(saving, db_uuid(place->key_id));
    value_add(saving, db_integer((int64_t)place->signal));
}

/* One row of a place may come from several minutes: PostgreSQL takes each row of an INSERT by itself, as SQLite does, since
 * db_run_many runs the statement once for each. */
static bool rows_put(struct db_session *session, struct saving *saving, const char *sql, struct err *err)
{
    bool ok =
        saving->row_count == 0 || db_run_many(session, sql, saving->values, saving->value_count / saving->row_count,
                                              saving->row_count, NULL, err);
    saving->row_count = saving->value_count = 0;
    return ok;
}

#define EACH(table, type, item)                 \
    for (uint32_t i = 0; i < (table)->cap; i++) \
        for (const type *item = (const type *)(table)->items + i; item != NULL && item->head.is_used; item = NULL)

static bool counts_put(struct db_session *session, struct saving *saving, struct err *err)
{
    EACH(&saving->pending->counts, struct intake_counts, counts)
    {
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            place_add(saving, &counts->place, steps[s], true);
            for (int c = 0; c < INTAKE_COUNT; c++) value_add(saving, db_integer(counts->at[c]));
            value_add(saving, db_integer(counts->lag_max_us));
            value_add(saving, db_integer(counts->lag_min_us));
            value_add(saving, db_integer(counts->seen_unix_us));
            value_add(saving, db_integer(counts->accepted_unix_us));
            saving->row_count++;
        }
    }
#define ADD(name)    #name " = t." #name " + excluded." #name
#define LARGER(name) #name " = CASE WHEN excluded." #name " > t." #name " THEN excluded." #name " ELSE t." #name " END"
#define OF_LAG(name, op)                                                                                        \
#name " = CASE WHEN excluded.lag_count > 0 AND (t.lag_count = 0 OR excluded." #name " " op " t." #name ") " \
          "THEN excluded." #name " ELSE t." #name " END"
    return rows_put(session, saving,
                    "INSERT INTO intake_counts AS t(project_id, step_s, at_s, key_id, signal, requests, repeats, "
                    "partial, refused,"
                    " records, rejected, bytes, lag_count, lag_sum_us, lag_max_us, lag_min_us, seen_unix_us, "
                    "accepted_unix_us)"
                    " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
                    " ON CONFLICT(project_id, step_s, at_s, key_id, signal) DO UPDATE SET " ADD(requests) ", " ADD(repeats) ", " ADD(partial) ", " ADD(refused) ", " ADD(
                        records) ", " ADD(rejected) ", " ADD(bytes) ", " OF_LAG(lag_max_us,
                                                                                ">") ", " OF_LAG(lag_min_us,
                                                                                                 "<") ", " ADD(lag_count) ", " ADD(lag_sum_us) ", " LARGER(seen_unix_us) ", " LARGER(accepted_unix_us),
                    err);
}

static bool reasons_put(struct db_session *session, struct saving *saving, struct err *err)
{
    EACH(&saving->pending->reasons, struct intake_reason, reason)
    {
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            place_add(saving, &reason->place, steps[s], true);
            value_add(saving, db_text(reason->code));
            value_add(saving, db_integer((int64_t)reason->happened));
            value_add(saving, db_text(reason->example));
            value_add(saving, db_integer(reason->seen_unix_us));
            saving->row_count++;
        }
    }
    return rows_put(session, saving,
                    "INSERT INTO intake_reasons AS t(project_id, step_s, at_s, key_id, signal, code, happened, example,"
                    " seen_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                    " ON CONFLICT(project_id, step_s, at_s, key_id, signal, code) DO UPDATE SET " ADD(
                        happened) ","
                                  " example = CASE WHEN excluded.seen_unix_us >= t.seen_unix_us THEN excluded.example "
                                  "ELSE t.example"
                                  " END, " LARGER(seen_unix_us),
                    err);
}

static bool senders_put(struct db_session *session, struct saving *saving, struct err *err)
{
    EACH(&saving->pending->senders, struct intake_sender, sender)
    {
        value_add(saving, db_uuid(sender->place.project_id));
        value_add(saving, db_uuid(sender->place.key_id));
        value_add(saving, db_integer((int64_t)sender->place.signal));
        value_add(saving, db_text(sender->agent));
        value_add(saving, db_text(sender->sdk));
        value_add(saving, db_integer((int64_t)sender->requests));
        value_add(saving, db_integer(sender->seen_unix_us));
        saving->row_count++;
    }
    return rows_put(session, saving,
                    "INSERT INTO intake_senders AS t(project_id, key_id, signal, agent, sdk, requests, seen_unix_us)"
                    " VALUES($1, $2, $3, $4, $5, $6, $7)"
                    " ON CONFLICT(project_id, key_id, signal, agent, sdk) DO UPDATE SET " ADD(requests) ", " LARGER(
                        seen_unix_us),
                    err);
}

static bool shown_put(struct db_session *session, struct saving *saving, struct err *err)
{
    EACH(&saving->pending->visible, struct intake_shown, shown)
    {
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            place_add(saving, &shown->place, steps[s], false);
            value_add(saving, db_text(shown->table));
            value_add(saving, db_integer(shown->lag_count));
            value_add(saving, db_integer(shown->lag_sum_us));
            value_add(saving, db_integer(shown->lag_max_us));
            value_add(saving, db_integer(shown->visible_unix_us));
            saving->row_count++;
        }
    }
    return rows_put(session, saving,
                    "INSERT INTO intake_visible AS t(project_id, step_s, at_s, table_name, lag_count, lag_sum_us,"
                    " lag_max_us, visible_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $8)"
                    " ON CONFLICT(project_id, step_s, at_s, table_name) DO UPDATE SET " ADD(lag_count) ", " ADD(
                        lag_sum_us) ", " LARGER(lag_max_us) ", " LARGER(visible_unix_us),
                    err);
}

/* What is too old to be shown. */
static bool tidy(struct db_session *session, const struct saving *saving, struct err *err)
{
    static const char *const texts[] = { "DELETE FROM intake_counts WHERE step_s = $1 AND at_s < $2",
                                         "DELETE FROM intake_reasons WHERE step_s = $1 AND at_s < $2",
                                         "DELETE FROM intake_visible WHERE step_s = $1 AND at_s < $2" };
    const int64_t kept_s[] = { MINUTES_KEPT_S, HOURS_KEPT_S };
    for (size_t t = 0; t < COUNT_OF(texts); t++)
        for (size_t s = 0; s < COUNT_OF(steps); s++)
            if (!db_run(session, texts[t], DB_VALUES(db_integer(steps[s]), db_integer(saving->now_s - kept_s[s])), NULL,
                        NULL, NULL, err))
                return false;
    return db_run(session, "DELETE FROM intake_senders WHERE seen_unix_us < $1",
                  DB_VALUES(db_integer((saving->now_s - HOURS_KEPT_S) * 1000000)), NULL, NULL, NULL, err);
}

static bool save_run(struct db_session *session, void *ctx, struct err *err)
{
    struct saving *saving = ctx;
    saving->row_count = saving->value_count = 0;
    return (!saving->tidies || tidy(session, saving, err)) && counts_put(session, saving, err) &&
           reasons_put(session, saving, err) && senders_put(session, saving, err) && shown_put(session, saving, err);
}

static void put_back(struct intake *intake, const struct intake_pending *pending)
{
    EACH(&pending->counts, struct intake_counts, counts) intake_add_counts(&intake->pending, counts);
    EACH(&pending->reasons, struct intake_reason, reason) intake_add_reason(&intake->pending, reason);
    EACH(&pending->senders, struct intake_sender, sender) intake_add_sender(&intake->pending, sender);
    EACH(&pending->visible, struct intake_shown, shown) intake_add_shown(&intake->pending, shown);
}

bool intake_save(struct intake *intake, struct err *err)
{
    enum { VALUES_MAX = 18 };
    struct intake_pending pending;
    int64_t now_s = clock_unix_us() / 1000000;
    pthread_mutex_lock(&intake->lock);
    pending = intake->pending;
    intake_pending_init(&intake->pending);
    intake->pending.lost = pending.lost;
    bool tidies = intake->tidied_hour != now_s / HOUR_S;
    pthread_mutex_unlock(&intake->lock);
    size_t rows = pending.counts.count;
    rows = pending.reasons.count > rows ? pending.reasons.count : rows;
    rows = pending.senders.count > rows ? pending.senders.count : rows;
    rows = pending.visible.count > rows ? pending.visible.count : rows;
    bool ok = true;
    if (rows > 0) {
        struct saving saving = { .pending = &pending, .tidies = tidies, .now_s = now_s };
        saving.values = mem_alloc(rows * COUNT_OF(steps) * VALUES_MAX * sizeof *saving.values);
        ok = db_transaction_adding(intake->db, save_run, &saving, err);
        free(saving.values);
        pthread_mutex_lock(&intake->lock);
        if (!ok) {
            put_back(intake, &pending);
        } else if (tidies) {
            intake->tidied_hour = now_s / HOUR_S;
        }
        pthread_mutex_unlock(&intake->lock);
    }
    intake_pending_deinit(&pending);
    return ok;
}
