/* What comes in, by key (docs/intake.md): what meta/intake.h has counted, of all processes. */
#include "meta/intake.h"

#include <stdlib.h>

#include "base/clock.h"
#include "meta/db.h"
#include "web/api/handlers.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, BARS_MAX = 120, SENDERS_MAX = 500, PARKED_MAX = 100 };
static const char *const signal_names[] = { "unknown", "logs", "traces", "metrics", "replays" };
enum { SIGNALS = COUNT_OF(signal_names) };

/* What a reason asks people to do; the words of the example say more. */
static const struct {
    const char *code, *advice;
} advices[] = {
    { "ERR_UNAUTHENTICATED",
      "Give the sender a key that is open: this one was revoked, has expired, or came in a URL." },
    { "ERR_FORBIDDEN", "Use a key of the right kind: one with the scope ingest, a browser key for web pages alone." },
    { "ERR_QUOTA", "Nothing at the sender: it waits and sends again. Raise the limit, or send less." },
    { "ERR_TOO_LARGE", "Send smaller batches: the same request will not be taken when it comes again." },
    { "ERR_INPUT", "The sender, or a proxy on the way, damages requests: the words name the place." },
    { "ERR_PROTOCOL", "The sender or a proxy speaks no proper HTTP: the words say what." },
    { "ERR_UNSUPPORTED", "Use gzip, zstd or no compression, and protobuf or (HTTP) JSON." },
    { "ERR_NOT_FOUND", "The endpoint is another one: /v1/logs, /v1/traces, /v1/metrics or /v1/replay." },
    { "ERR_BUSY",
      "The server had no room: senders try again by themselves. If it goes on, give it more memory or processes." },
    { "ERR_IO",
      "The server's disk or its Kafka failed: an operator looks into its log. Senders try again by themselves." },
    { "ERR_TIMEOUT", "The sender gave up waiting: raise its timeout, or send smaller batches." },
    { INTAKE_PARTIAL,
      "Records were left out, the rest was stored: mend what makes them; the words name the first one." },
};

struct sums {
    int64_t requests, repeats, partial, refused, records, rejected, bytes, lag_count, lag_sum_us, lag_max_us,
        lag_min_us;
};
struct signal_view {
    struct sums sums;
    int64_t seen_unix_us, accepted_unix_us;
    yyjson_mut_val *series;
};
struct key_view {
    struct uuid id;
    yyjson_mut_val *object, *reasons, *senders;
    struct signal_view signals[SIGNALS];
};
struct view {
    struct api_call *call;
    struct uuid project_id; /* all zeros: of requests whose key nobody knows */
    int64_t from_s, to_s, step_s, stored_s;
    struct key_view *keys;
    size_t count, cap;
    /* the reason that is being read: rows of one come together, the latest last */
    struct uuid reason_key;
    int64_t reason_signal;
    yyjson_mut_val *reason;
    int64_t happened;
};

static struct key_view *key_add(struct view *view, struct uuid id)
{
    struct api_call *call = view->call;
    if (view->count == view->cap) {
        view->cap = view->cap ? view->cap * 2 : 16;
        view->keys = mem_realloc(view->keys, view->cap * sizeof *view->keys);
    }
    struct key_view *key = &view->keys[view->count++];
    *key = (struct key_view){ .id = id,
                              .object = yyjson_mut_obj(call->json),
                              .reasons = yyjson_mut_arr(call->json),
                              .senders = yyjson_mut_arr(call->json) };
    return key;
}

static struct key_view *key_of(struct view *view, struct uuid id)
{
    for (size_t k = view->count; k-- > 0;)
        if (uuid_equal(view->keys[k].id, id)) return &view->keys[k];
    return NULL; /* deleted with its project's other things in the meantime */
}

static struct signal_view *signal_of(struct key_view *key, int64_t signal)
{
    return &key->signals[signal > 0 && signal < SIGNALS ? signal : 0];
}

/* ---- what there is of keys ---- */

static bool key_read(void *ctx, struct db_row *row, struct err *err)
{
    struct view *view = ctx;
    struct api_call *call = view->call;
    struct key_view *key = key_add(view, db_row_uuid(row, 0));
    int64_t expires_us = db_row_integer(row, 5);
    (void)err;
    api_put_uuid(call, key->object, "key_id", key->id);
    api_put_text(call, key->object, "name", db_row_text(row, 1));
    api_put_text_or_null(call, key->object, "prefix", db_row_text(row, 2));
    yyjson_mut_obj_add_bool(call->json, key->object, "is_browser", db_row_text(row, 3).len > 0);
    yyjson_mut_obj_add_bool(call->json, key->object, "is_open",
                            db_row_is_null(row, 4) && (expires_us == 0 || expires_us > clock_unix_us()));
    return true;
}

/* Those that may send, and those that something came with. */
static bool keys_find(struct view *view, struct err *err)
{
    if (uuid_equal(view->project_id, (struct uuid){ 0 })) {
        key_add(view, (struct uuid){ 0 });
        return true;
    }
    return db_read(view->call->parts->db,
                   "SELECT k.id, k.name, k.prefix, k.origins, k.revoked_unix_ms, k.expires_unix_us FROM keys k"
                   " WHERE k.project_id = $1 AND (k.revoked_unix_ms IS NULL OR EXISTS (SELECT 1 FROM intake_counts c"
                   " WHERE c.project_id = $1 AND c.step_s = 3600 AND c.key_id = k.id AND c.at_s >= $2 AND c.at_s < $3))"
                   " ORDER BY k.created_unix_ms, k.id",
                   DB_VALUES(db_uuid(view->project_id), db_integer(view->from_s - view->from_s % HOUR_S),
                             db_integer(view->to_s)),
                   key_read, view, err);
}

static bool seen_read(void *ctx, struct db_row *row, struct err *err)
{
    struct view *view = ctx;
    struct key_view *key = key_of(view, db_row_uuid(row, 0));
    (void)err;
    if (key == NULL) return true;
    struct signal_view *signal = signal_of(key, db_row_integer(row, 1));
    signal->seen_unix_us = db_row_integer(row, 2);
    signal->accepted_unix_us = db_row_integer(row, 3);
    return true;
}

static void lag_add(struct sums *sums, const struct sums *more)
{
    if (more->lag_count == 0) return;
    bool is_first = sums->lag_count == 0;
    if (is_first || more->lag_max_us > sums->lag_max_us) sums->lag_max_us = more->lag_max_us;
    if (is_first || more->lag_min_us < sums->lag_min_us) sums->lag_min_us = more->lag_min_us;
    sums->lag_count += more->lag_count;
    sums->lag_sum_us += more->lag_sum_us;
}

static bool bar_read(void *ctx, struct db_row *row, struct err *err)
{
    struct view *view = ctx;
    struct api_call *call = view->call;
    struct key_view *key = key_of(view, db_row_uuid(row, 0));
    (void)err;
    if (key == NULL) return true;
    struct signal_view *signal = signal_of(key, db_row_integer(row, 1));
    const struct sums more = { .requests = db_row_integer(row, 3),
                               .repeats = db_row_integer(row, 4),
                               .partial = db_row_integer(row, 5),
                               .refused = db_row_integer(row, 6),
                               .records = db_row_integer(row, 7),
                               .rejected = db_row_integer(row, 8),
                               .bytes = db_row_integer(row, 9),
                               .lag_count = db_row_integer(row, 10),
                               .lag_sum_us = db_row_integer(row, 11),
                               .lag_max_us = db_row_integer(row, 12),
                               .lag_min_us = db_row_integer(row, 13) };
    struct sums *sums = &signal->sums;
    sums->requests += more.requests;
    sums->repeats += more.repeats;
    sums->partial += more.partial;
    sums->refused += more.refused;
    sums->records += more.records;
    sums->rejected += more.rejected;
    sums->bytes += more.bytes;
    lag_add(sums, &more);
    if (signal->series == NULL) signal->series = yyjson_mut_arr(call->json);
    yyjson_mut_val *bar = yyjson_mut_arr_add_obj(call->json, signal->series);
    api_put_time(call, bar, "at", db_row_integer(row, 2) * 1000000);
    yyjson_mut_obj_add_sint(call->json, bar, "requests", more.requests);
    yyjson_mut_obj_add_sint(call->json, bar, "refused", more.refused);
    yyjson_mut_obj_add_sint(call->json, bar, "records", more.records);
    return true;
}

static bool counts_find(struct view *view, struct err *err)
{
    const struct db_value project = db_uuid(view->project_id);
    return db_read(view->call->parts->db,
                   "SELECT key_id, signal, max(seen_unix_us), max(accepted_unix_us) FROM intake_counts"
                   " WHERE project_id = $1 AND step_s = 3600 GROUP BY key_id, signal",
                   DB_VALUES(project), seen_read, view, err) &&
           db_read(view->call->parts->db,
                   "SELECT key_id, signal, at_s - at_s % $4, CAST(sum(requests) AS bigint),"
                   " CAST(sum(repeats) AS bigint), CAST(sum(partial) AS bigint), CAST(sum(refused) AS bigint),"
                   " CAST(sum(records) AS bigint), CAST(sum(rejected) AS bigint), CAST(sum(bytes) AS bigint),"
                   " CAST(sum(lag_count) AS bigint), CAST(sum(lag_sum_us) AS bigint),"
                   " coalesce(max(CASE WHEN lag_count > 0 THEN lag_max_us END), 0),"
                   " coalesce(min(CASE WHEN lag_count > 0 THEN lag_min_us END), 0)"
                   " FROM intake_counts WHERE project_id = $1 AND step_s = $2 AND at_s >= $3 AND at_s < $5"
                   " GROUP BY key_id, signal, at_s - at_s % $4 ORDER BY key_id, signal, 3",
                   DB_VALUES(project, db_integer(view->stored_s), db_integer(view->from_s), db_integer(view->step_s),
                             db_integer(view->to_s)),
                   bar_read, view, err);
}

/* ---- why not, and who ---- */

static const char *advice_of(struct bytes code)
{
    for (size_t a = 0; a < COUNT_OF(advices); a++)
        if (bytes_equal(code, bytes_of_text(advices[a].code))) return advices[a].advice;
    return "The words say what is wrong.";
}

/* "ERR_TOO_LARGE" -> "too_large", as problems of the API name it. */
static const char *code_words(struct api_call *call, struct bytes code)
{
    const char *text = arena_printf(call->arena, "%.*s", (int)code.len, (const char *)code.ptr);
    char *name = arena_printf(call->arena, "%s", strncmp(text, "ERR_", 4) == 0 ? text + 4 : text);
    for (char *at = name; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
    return name;
}

static bool reason_read(void *ctx, struct db_row *row, struct err *err)
{
    struct view *view = ctx;
    struct api_call *call = view->call;
    struct uuid id = db_row_uuid(row, 0);
    struct key_view *key = key_of(view, id);
    int64_t signal = db_row_integer(row, 1);
    struct bytes code = db_row_text(row, 2);
    (void)err;
    if (key == NULL) return true;
    const char *name = code_words(call, code);
    bool is_same = view->reason != NULL && uuid_equal(id, view->reason_key) && signal == view->reason_signal &&
                   strcmp(yyjson_mut_get_str(yyjson_mut_obj_get(view->reason, "code")), name) == 0;
    if (!is_same) {
        view->reason = yyjson_mut_arr_add_obj(call->json, key->reasons);
        view->reason_key = id;
        view->reason_signal = signal;
        view->happened = 0;
    } else {
        yyjson_mut_obj_clear(view->reason);
    }
    view->happened += db_row_integer(row, 3);
    yyjson_mut_obj_add_str(call->json, view->reason, "signal",
                           signal_names[signal > 0 && signal < SIGNALS ? signal : 0]);
    yyjson_mut_obj_add_str(call->json, view->reason, "code", name);
    yyjson_mut_obj_add_sint(call->json, view->reason, "happened", view->happened);
    api_put_text(call, view->reason, "example", db_row_text(row, 4));
    api_put_time(call, view->reason, "seen_at", db_row_integer(row, 5));
    yyjson_mut_obj_add_str(call->json, view->reason, "advice", advice_of(code));
    return true;
}

static bool sender_read(void *ctx, struct db_row *row, struct err *err)
{
    struct view *view = ctx;
    struct api_call *call = view->call;
    struct key_view *key = key_of(view, db_row_uuid(row, 0));
    int64_t signal = db_row_integer(row, 1);
    (void)err;
    if (key == NULL) return true;
    yyjson_mut_val *sender = yyjson_mut_arr_add_obj(call->json, key->senders);
    yyjson_mut_obj_add_str(call->json, sender, "signal", signal_names[signal > 0 && signal < SIGNALS ? signal : 0]);
    api_put_text_or_null(call, sender, "agent", db_row_text(row, 2));
    api_put_text_or_null(call, sender, "sdk", db_row_text(row, 3));
    yyjson_mut_obj_add_sint(call->json, sender, "requests", db_row_integer(row, 4));
    api_put_time(call, sender, "seen_at", db_row_integer(row, 5));
    return true;
}

static bool words_find(struct view *view, struct err *err)
{
    return db_read(view->call->parts->db,
                   "SELECT key_id, signal, code, happened, example, seen_unix_us FROM intake_reasons"
                   " WHERE project_id = $1 AND step_s = $2 AND at_s >= $3 AND at_s < $4"
                   " ORDER BY key_id, signal, code, seen_unix_us",
                   DB_VALUES(db_uuid(view->project_id), db_integer(view->stored_s), db_integer(view->from_s),
                             db_integer(view->to_s)),
                   reason_read, view, err) &&
           db_read(view->call->parts->db,
                   "SELECT key_id, signal, agent, sdk, requests, seen_unix_us FROM intake_senders"
                   " WHERE project_id = $1 AND seen_unix_us >= $2 ORDER BY seen_unix_us DESC LIMIT $3",
                   DB_VALUES(db_uuid(view->project_id), db_integer(view->from_s * 1000000), db_integer(SENDERS_MAX)),
                   sender_read, view, err);
}

/* ---- the answer ---- */

static double ms_of(int64_t us)
{
    return (double)us / 1000;
}

static void signal_put(struct api_call *call, yyjson_mut_val *list, const struct signal_view *signal, const char *name)
{
    const struct sums *sums = &signal->sums;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    yyjson_mut_obj_add_str(call->json, object, "signal", name);
    api_put_time(call, object, "seen_at", signal->seen_unix_us);
    api_put_time(call, object, "accepted_at", signal->accepted_unix_us);
    yyjson_mut_obj_add_sint(call->json, object, "requests", sums->requests);
    yyjson_mut_obj_add_sint(call->json, object, "repeats", sums->repeats);
    yyjson_mut_obj_add_sint(call->json, object, "partial", sums->partial);
    yyjson_mut_obj_add_sint(call->json, object, "refused", sums->refused);
    yyjson_mut_obj_add_sint(call->json, object, "records", sums->records);
    yyjson_mut_obj_add_sint(call->json, object, "rejected", sums->rejected);
    yyjson_mut_obj_add_sint(call->json, object, "bytes", sums->bytes);
    if (sums->lag_count > 0) {
        yyjson_mut_val *lag = yyjson_mut_obj_add_obj(call->json, object, "lag");
        yyjson_mut_obj_add_real(call->json, lag, "mean_ms", ms_of(sums->lag_sum_us) / (double)sums->lag_count);
        yyjson_mut_obj_add_real(call->json, lag, "max_ms", ms_of(sums->lag_max_us));
        yyjson_mut_obj_add_real(call->json, lag, "min_ms", ms_of(sums->lag_min_us));
    } else {
        yyjson_mut_obj_add_null(call->json, object, "lag");
    }
    yyjson_mut_obj_add_val(call->json, object, "series", signal->series ? signal->series : yyjson_mut_arr(call->json));
}

static void key_put(struct api_call *call, const struct key_view *key)
{
    yyjson_mut_val *signals = yyjson_mut_obj_add_arr(call->json, key->object, "signals");
    for (size_t s = 0; s < SIGNALS; s++)
        if (key->signals[s].seen_unix_us > 0 || key->signals[s].series != NULL)
            signal_put(call, signals, &key->signals[s], signal_names[s]);
    yyjson_mut_obj_add_val(call->json, key->object, "reasons", key->reasons);
    yyjson_mut_obj_add_val(call->json, key->object, "senders", key->senders);
}

static bool view_find(struct view *view, struct err *err)
{
    bool ok = keys_find(view, err) && counts_find(view, err) && words_find(view, err);
    for (size_t k = 0; ok && k < view->count; k++) key_put(view->call, &view->keys[k]);
    return ok;
}

static bool visible_read(void *ctx, struct db_row *row, struct err *err)
{
    const struct view *view = ctx;
    struct api_call *call = view->call;
    (void)err;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, view->reason);
    api_put_text(call, object, "table", db_row_text(row, 0));
    int64_t count = db_row_integer(row, 1);
    api_put_time(call, object, "visible_at", db_row_integer(row, 4));
    if (count > 0) {
        yyjson_mut_val *lag = yyjson_mut_obj_add_obj(call->json, object, "lag");
        yyjson_mut_obj_add_real(call->json, lag, "mean_ms", ms_of(db_row_integer(row, 2)) / (double)count);
        yyjson_mut_obj_add_real(call->json, lag, "max_ms", ms_of(db_row_integer(row, 3)));
    } else {
        yyjson_mut_obj_add_null(call->json, object, "lag");
    }
    return true;
}

/* Of the range how late; when last, of all times. */
static bool visible_put(struct view *view, yyjson_mut_val *answer, struct err *err)
{
    view->reason = yyjson_mut_obj_add_arr(view->call->json, answer, "visible");
    return db_read(
        view->call->parts->db,
        "SELECT table_name, CAST(sum(CASE WHEN step_s = $2 AND at_s >= $3 AND at_s < $4 THEN lag_count ELSE 0"
        " END) AS bigint), CAST(sum(CASE WHEN step_s = $2 AND at_s >= $3 AND at_s < $4 THEN lag_sum_us ELSE 0"
        " END) AS bigint), coalesce(max(CASE WHEN step_s = $2 AND at_s >= $3 AND at_s < $4 THEN lag_max_us"
        " END), 0), max(visible_unix_us) FROM intake_visible WHERE project_id = $1 AND step_s IN ($2, 3600)"
        " GROUP BY table_name ORDER BY table_name",
        DB_VALUES(db_uuid(view->project_id), db_integer(view->stored_s), db_integer(view->from_s),
                  db_integer(view->to_s)),
        visible_read, view, err);
}

struct parked_list {
    struct api_call *call;
    yyjson_mut_val *items;
    int64_t count;
};

static void parked_put(void *to, const struct api_parked *one)
{
    struct parked_list *list = to;
    struct api_call *call = list->call;
    if (list->count++ >= PARKED_MAX) return;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list->items);
    api_put_text(call, object, "id", bytes_of_text(one->id));
    yyjson_mut_obj_add_str(call->json, object, "signal", signal_names[one->signal < SIGNALS ? one->signal : 0]);
    api_put_text(call, object, "reason", bytes_of_text(one->reason));
    api_put_time(call, object, "received_at", one->received_unix_us);
    api_put_time(call, object, "parked_at", one->parked_unix_us);
    yyjson_mut_obj_add_uint(call->json, object, "attempts", one->attempts);
    yyjson_mut_obj_add_uint(call->json, object, "bytes", one->bytes);
}

/* A record that cannot be read is told beside the others: the counts stay. */
static void parked_add(struct api_call *call, yyjson_mut_val *answer)
{
    struct parked_list list = { .call = call, .items = yyjson_mut_arr(call->json) };
    struct err err = { 0 };
    if (call->parts->parked == NULL) {
        yyjson_mut_obj_add_null(call->json, answer, "parked");
        return;
    }
    bool ok = call->parts->parked(call->parts->ctx, call->project.id, parked_put, &list, &err);
    yyjson_mut_val *parked = yyjson_mut_obj_add_obj(call->json, answer, "parked");
    yyjson_mut_obj_add_sint(call->json, parked, "count", list.count);
    yyjson_mut_obj_add_val(call->json, parked, "items", list.items);
    api_put_text_or_null(call, parked, "problem", bytes_of_text(ok ? "" : err.text));
}

/* Minutes are kept for a day, hours for a month; about as many bars as a page has room for. */
static void steps_choose(struct view *view, int64_t from_us, int64_t to_us)
{
    int64_t now_s = clock_unix_us() / 1000000, width_s = (to_us - from_us) / 1000000;
    view->stored_s = from_us / 1000000 >= now_s - DAY_S ? MINUTE_S : HOUR_S;
    view->step_s = view->stored_s;
    while (width_s / view->step_s > BARS_MAX) view->step_s *= 2;
    view->from_s = from_us / 1000000;
    view->from_s -= view->from_s % view->stored_s;
    view->to_s = (to_us + 999999) / 1000000;
}

void api_intake_get(struct api_call *call)
{
    int64_t to_us, from_us;
    struct view view = { .call = call, .project_id = call->project.id }, unknown = { .call = call };
    struct err err = { 0 };
    if (!api_query_range(call, clock_unix_us(), (int64_t)HOUR_S * 1000000, &from_us, &to_us)) return;
    if (call->parts->intake != NULL &&
        !intake_save(call->parts->intake, &err)) { /* so that the last seconds are there */
        api_fail(call, &err);
        return;
    }
    steps_choose(&view, from_us, to_us);
    unknown.from_s = view.from_s, unknown.to_s = view.to_s, unknown.step_s = view.step_s,
    unknown.stored_s = view.stored_s;
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *keys = yyjson_mut_arr(call->json);
    api_put_time(call, answer, "from", view.from_s * 1000000);
    api_put_time(call, answer, "to", view.to_s * 1000000);
    yyjson_mut_obj_add_sint(call->json, answer, "step_s", view.step_s);
    bool ok = view_find(&view, &err) && visible_put(&view, answer, &err) &&
              (!call->actor->is_instance_admin || view_find(&unknown, &err));
    if (ok) parked_add(call, answer);
    for (size_t k = 0; ok && k < view.count; k++) yyjson_mut_arr_append(keys, view.keys[k].object);
    if (ok) {
        yyjson_mut_obj_add_val(call->json, answer, "keys", keys);
        yyjson_mut_obj_add_val(call->json, answer, "unknown",
                               unknown.count > 0 ? unknown.keys[0].object : yyjson_mut_null(call->json));
        api_answer(call, answer);
    } else {
        api_fail(call, &err);
    }
    free(view.keys);
    free(unknown.keys);
}
