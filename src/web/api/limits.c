/* Limits of a project and of its keys, and what was used of them. */
#include "base/clock.h"
#include "base/date.h"
#include "meta/db.h"
#include "meta/meter.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <stdio.h>
#include <stdlib.h>

struct said {
    struct uuid subject_id;
    bool is_said[LIMIT_COUNT];
    uint64_t value[LIMIT_COUNT];
};

static void said_add(void *ctx, const struct limit_row *row)
{
    struct said *said = ctx;
    if (!uuid_equal(row->subject_id, said->subject_id)) return;
    said->is_said[row->limit] = true;
    said->value[row->limit] = row->value;
}

static yyjson_mut_val *limit_json(struct api_call *call, enum limit limit, uint64_t value, bool is_default)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, object, "name", limit_name(limit));
    yyjson_mut_obj_add_str(call->json, object, "words", limit_words(limit));
    yyjson_mut_obj_add_uint(call->json, object, "value", value);
    yyjson_mut_obj_add_bool(call->json, object, "is_default", is_default);
    return object;
}

static bool used_read(void *ctx, struct db_row *row, struct err *err)
{
    struct meter_state *state = ctx;
    (void)err;
    uint64_t bytes = (uint64_t)db_row_integer(row, 0), events = (uint64_t)db_row_integer(row, 1);
    /* Where there is a quota the meter knows of what is not saved yet, else it counts nothing up. */
    if (bytes > state->bytes_today) state->bytes_today = bytes;
    if (events > state->events_this_month) state->events_this_month = events;
    return true;
}

/* Of today and of this month, UTC. */
static bool used_find(struct api_call *call, struct meter_state *state, struct err *err)
{
    int64_t day = clock_unix_us() / INT64_C(86400000000), year;
    uint32_t month, in_month;
    meter_state(call->parts->meter, call->project.id, state);
    date_of_days(day, &year, &month, &in_month);
    return db_read(call->parts->db,
                   "SELECT CAST(coalesce(sum(CASE WHEN day = $2 THEN bytes ELSE 0 END), 0) AS bigint),"
                   " CAST(coalesce(sum(logs + spans + points), 0) AS bigint)"
                   " FROM usage WHERE project_id = $1 AND day >= $3",
                   DB_VALUES(db_uuid(call->project.id), db_integer(day), db_integer(date_days(year, month, 1))),
                   used_read, state, err);
}

void api_limit_list(struct api_call *call)
{
    struct said said = { .subject_id = call->project.id };
    struct limit_values defaults;
    struct meter_state state;
    struct err err = { 0 };
    if (!limit_list(call->parts->db, &call->project.id, said_add, &said, &err) || !used_find(call, &state, &err)) {
        api_fail(call, &err);
        return;
    }
    meter_defaults(call->parts->meter, &defaults);
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *list = yyjson_mut_arr(call->json);
    yyjson_mut_val *used = yyjson_mut_obj(call->json);
    for (int l = 0; l < LIMIT_COUNT; l++)
        yyjson_mut_arr_append(list, limit_json(call, (enum limit)l, said.is_said[l] ? said.value[l] : defaults.at[l],
                                               !said.is_said[l]));
    yyjson_mut_obj_add_uint(call->json, used, "bytes_today", state.bytes_today);
    yyjson_mut_obj_add_uint(call->json, used, "events_this_month", state.events_this_month);
    yyjson_mut_obj_add_uint(call->json, used, "queries_now", state.queries);
    yyjson_mut_obj_add_val(call->json, answer, "limits", list);
    yyjson_mut_obj_add_val(call->json, answer, "used", used);
    api_answer(call, answer);
}

struct setting {
    struct limit_row row;
    bool is_cleared, is_of_key;
};

static bool key_is_there(void *ctx, struct db_row *row, struct err *err)
{
    (void)row;
    (void)err;
    *(bool *)ctx = true;
    return true;
}

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct setting *setting = ctx;
    bool is_there = !setting->is_of_key;
    if (setting->is_of_key &&
        !db_run(session, "SELECT 1 FROM keys WHERE id = $1 AND project_id = $2 AND revoked_unix_ms IS NULL",
                DB_VALUES(db_uuid(setting->row.subject_id), db_uuid(setting->row.project_id)), key_is_there, &is_there,
                NULL, err))
        return false;
    if (!is_there) return err_set(err, ERR_NOT_FOUND, "there is no such key");
    return setting->is_cleared ? limit_remove(session, setting->row.subject_id, setting->row.limit, err)
                               : limit_put(session, &setting->row, err);
}

static void change(struct api_call *call, bool is_of_key, bool is_cleared)
{
    struct setting setting = { .is_of_key = is_of_key, .is_cleared = is_cleared };
    char id[UUID_TEXT_BYTES + 1];
    setting.row.project_id = setting.row.subject_id = call->project.id;
    setting.row.value = (uint64_t)api_body_int(call, "value", 0);
    if (!limit_read(api_path(call, "limit_name"), &setting.row.limit)) {
        api_fail_with(call, ERR_NOT_FOUND, "there is no such limit");
        return;
    }
    if (is_of_key && !api_path_uuid(call, "key", &setting.row.subject_id)) return;
    uuid_to_text(setting.row.subject_id, id);
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, details, "limit", limit_name(setting.row.limit));
    if (!is_cleared) yyjson_mut_obj_add_uint(call->json, details, "value", setting.row.value);
    struct people_change made = { set_run,
                                  &setting,
                                  { .action = is_cleared ? "limit.clear" : "limit.set",
                                    .object_kind = is_of_key ? "key" : "project",
                                    .object = id,
                                    .project_id = &call->project.id,
                                    .details = people_details(call, details) } };
    if (!people_transaction(call, &made)) return;
    if (is_cleared) {
        api_answer_none(call);
    } else {
        api_answer(call, limit_json(call, setting.row.limit, setting.row.value, false));
    }
}

void api_limit_set(struct api_call *call)
{
    change(call, false, false);
}

void api_limit_clear(struct api_call *call)
{
    change(call, false, true);
}

void api_key_limit_set(struct api_call *call)
{
    change(call, true, false);
}

void api_key_limit_clear(struct api_call *call)
{
    change(call, true, true);
}

/* ---- usage ---- */

static const char *const used_names[] = { "requests", "bytes",   "logs",     "spans",
                                          "points",   "refused", "redacted", "queries" };
enum { USED_COUNT = COUNT_OF(used_names) };

struct usage {
    struct api_call *call;
    yyjson_mut_val *list;
};

static yyjson_mut_val *counts_json(struct api_call *call, struct db_row *row, size_t at)
{
    yyjson_mut_val *counts = yyjson_mut_obj(call->json);
    for (size_t u = 0; u < USED_COUNT; u++)
        yyjson_mut_obj_add_sint(call->json, counts, used_names[u], db_row_integer(row, at + u));
    return counts;
}

static bool day_read(void *ctx, struct db_row *row, struct err *err)
{
    struct usage *usage = ctx;
    struct api_call *call = usage->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    char day[16];
    (void)err;
    date_text((int32_t)db_row_integer(row, 0), day);
    yyjson_mut_obj_add_strcpy(call->json, object, "day", day);
    yyjson_mut_obj_add_val(call->json, object, "counts", counts_json(call, row, 1));
    yyjson_mut_arr_append(usage->list, object);
    return true;
}

static bool key_read(void *ctx, struct db_row *row, struct err *err)
{
    struct usage *usage = ctx;
    struct api_call *call = usage->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    struct uuid id = db_row_uuid(row, 0);
    (void)err;
    if (uuid_equal(id, (struct uuid){ 0 })) { /* what people asked */
        yyjson_mut_obj_add_null(call->json, object, "key_id");
    } else {
        api_put_uuid(call, object, "key_id", id);
    }
    if (db_row_is_null(row, 1)) {
        yyjson_mut_obj_add_null(call->json, object, "name");
    } else {
        api_put_text(call, object, "name", db_row_text(row, 1));
    }
    yyjson_mut_obj_add_val(call->json, object, "counts", counts_json(call, row, 2));
    yyjson_mut_arr_append(usage->list, object);
    return true;
}

#define SUM(name) "CAST(sum(u." name ") AS bigint)"
#define SUMS                                                                                              \
    SUM("requests")                                                                                       \
    ", " SUM("bytes") ", " SUM("logs") ", " SUM("spans") ", " SUM("points") ", " SUM("refused") ", " SUM( \
        "redacted") ", " SUM("queries")

void api_usage_get(struct api_call *call)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t now_us = clock_unix_us(), from_us = now_us - 29 * day_us, to_us = now_us + 1;
    struct usage days = { call, yyjson_mut_arr(call->json) }, keys = { call, yyjson_mut_arr(call->json) };
    struct err err = { 0 };
    if (!api_query_time(call, "from", &from_us) || !api_query_time(call, "to", &to_us)) return;
    /* Whole days: the one that from is in, to the one before or in which to is. */
    struct db_value from = db_integer(from_us >= 0 ? from_us / day_us : 0);
    struct db_value to = db_integer(to_us > 0 ? (to_us + day_us - 1) / day_us : 0);
    if (!db_read(call->parts->db,
                 "SELECT u.day, " SUMS " FROM usage u WHERE u.project_id = $1 AND u.day >= $2 AND u.day < $3"
                 " GROUP BY u.day ORDER BY u.day",
                 DB_VALUES(db_uuid(call->project.id), from, to), day_read, &days, &err) ||
        !db_read(call->parts->db,
                 "SELECT u.key_id, k.name, " SUMS " FROM usage u LEFT JOIN keys k ON k.id = u.key_id"
                 " WHERE u.project_id = $1 AND u.day >= $2 AND u.day < $3 GROUP BY u.key_id, k.name"
                 " ORDER BY sum(u.bytes) DESC, u.key_id",
                 DB_VALUES(db_uuid(call->project.id), from, to), key_read, &keys, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, answer, "days", days.list);
    yyjson_mut_obj_add_val(call->json, answer, "keys", keys.list);
    api_answer(call, answer);
}
