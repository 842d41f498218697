#include "findings/finding_metrics.h"
#include "base/json_object.h"
#include "detect/levels/levels.h"
#include "meta/db_rows.h"
#include <math.h>
#include <stdlib.h>

enum { ANSWER_BYTES_MAX = 1 << 20, TEXT_MAX = 1000 };
#define MAGIC UINT32_C(0x3158454d) /* "MEX1" */

struct metric_series {
    struct bytes service, name; /* of the arena */
    bool is_rate;
};
struct finding_metrics {
    struct uuid project_id;
    int64_t next_unix_us;
    struct levels *levels;
    struct arena arena;
    struct metric_series *series; /* sorted by the numbers of levels: as they came */
    uint32_t count, cap;
};

struct finding_metrics *finding_metrics_create(struct uuid project_id, int64_t since_unix_us)
{
    struct finding_metrics *metrics = mem_calloc(1, sizeof *metrics);
    metrics->project_id = project_id;
    metrics->next_unix_us = since_unix_us - since_unix_us % LEVELS_BLOCK_US;
    metrics->levels = levels_create();
    arena_init(&metrics->arena, 4096);
    return metrics;
}

void finding_metrics_destroy(struct finding_metrics *metrics)
{
    if (!metrics) return;
    levels_destroy(metrics->levels);
    arena_deinit(&metrics->arena);
    free(metrics->series);
    free(metrics);
}

int64_t finding_metrics_next_unix_us(const struct finding_metrics *metrics)
{
    return metrics->next_unix_us;
}

static uint32_t series_add(struct finding_metrics *metrics, struct bytes service, struct bytes name, bool is_rate)
{
    if (metrics->count == metrics->cap) {
        metrics->cap = metrics->cap ? 2 * metrics->cap : 32;
        metrics->series = mem_realloc(metrics->series, metrics->cap * sizeof *metrics->series);
    }
    metrics->series[metrics->count] =
        (struct metric_series){ service.len > 0 ? arena_copy(&metrics->arena, service) : BYTES(""),
                                arena_copy(&metrics->arena, name), is_rate };
    uint32_t number = levels_series_add(metrics->levels);
    assert(number == metrics->count);
    metrics->count++;
    return number;
}

/* UINT32_MAX: there are too many. A thousand at most, once in five minutes. */
static uint32_t series_find(struct finding_metrics *metrics, struct bytes service, struct bytes name, bool is_rate)
{
    for (uint32_t s = 0; s < metrics->count; s++) {
        const struct metric_series *series = &metrics->series[s];
        if (series->is_rate == is_rate && bytes_equal(series->name, name) && bytes_equal(series->service, service))
            return s;
    }
    if (metrics->count == METRICS_SERIES_MAX || name.len == 0 || name.len > TEXT_MAX || service.len > TEXT_MAX)
        return UINT32_MAX;
    return series_add(metrics, service, name, is_rate);
}

/* ---- a piece ---- */

/* Ten minutes more of counters: what comes once in that time has a point before. */
static const char sql[] =
    "SELECT metric_name, coalesce(resource___service___name, '') AS service, false AS is_rate, "
    "extract(epoch from time_bucket('300 seconds', timestamp))::bigint AS at, avg(value) AS value FROM otel_metrics "
    "WHERE timestamp >= $1::timestamptz AND timestamp < $2::timestamptz AND value IS NOT NULL AND (metric_type = "
    "'gauge' OR (metric_type = 'sum' AND is_monotonic IS NOT TRUE)) GROUP BY 1, 2, 3, 4 UNION ALL SELECT metric_name, "
    "service, true, extract(epoch from time_bucket('300 seconds', timestamp))::bigint, sum(CASE WHEN is_delta OR value "
    "< before THEN value ELSE value - before END) / 300.0 FROM (SELECT metric_name, "
    "coalesce(resource___service___name, '') AS service, timestamp, value, coalesce(aggregation_temporality = 'delta', "
    "false) AS is_delta, lag(value) OVER (PARTITION BY series_id ORDER BY timestamp) AS before FROM otel_metrics WHERE "
    "timestamp >= $3::timestamptz AND timestamp < $2::timestamptz AND value IS NOT NULL AND metric_type = 'sum' AND "
    "is_monotonic IS TRUE) p WHERE timestamp >= $1::timestamptz AND (is_delta OR before IS NOT NULL) GROUP BY 1, 2, 3, "
    "4 ORDER BY 4, 1, 2, 3";

static yyjson_doc *ask(const struct finding_metrics *metrics, const struct finding_face *face, int64_t to_unix_us,
                       struct arena *arena, struct err *err)
{
    struct buf out;
    bool is_error = false;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *parameters = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "sql", sql);
    yyjson_mut_arr_add_strcpy(doc, parameters, finding_time(arena, metrics->next_unix_us));
    yyjson_mut_arr_add_strcpy(doc, parameters, finding_time(arena, to_unix_us));
    yyjson_mut_arr_add_strcpy(doc, parameters, finding_time(arena, metrics->next_unix_us - 2 * LEVELS_BLOCK_US));
    yyjson_mut_obj_add_val(doc, root, "parameters", parameters);
    yyjson_mut_obj_add_int(doc, root, "limit", METRICS_SERIES_MAX);
    yyjson_doc *asked = yyjson_mut_doc_imut_copy(doc, NULL), *answer = NULL;
    yyjson_mut_doc_free(doc);
    buf_init(&out, ANSWER_BYTES_MAX);
    if (face->call(face->ctx, metrics->project_id, "metrics", "run_sql", yyjson_doc_get_root(asked), &out, &is_error,
                   err)) {
        if (is_error)
            err_set(err, ERR_IO, "metrics are not read: %.*s", (int)(out.len < 150 ? out.len : 150),
                    (const char *)out.ptr);
        else if (!(answer = yyjson_read((const char *)out.ptr, out.len, 0)))
            err_set(err, ERR_CORRUPT, "metrics are not read: the answer is no JSON");
    }
    buf_deinit(&out);
    yyjson_doc_free(asked);
    return answer;
}

static void each_tell(const struct finding_metrics *metrics, const struct detect_finding *findings, size_t count,
                      watch_tell_fn *tell, void *ctx)
{
    for (size_t f = 0; f < count; f++) {
        const struct metric_series *series = &metrics->series[findings[f].series];
        const struct watch_subject subject = { .service = series->service,
                                               .endpoint = series->name,
                                               .method = series->is_rate ? BYTES("rate") : BYTES("mean"),
                                               .route = series->name,
                                               .kind = METRICS_ROW_KIND };
        struct detect_finding told = findings[f];
        if (series->is_rate) { /* none is below 0, but means of what is near it may be, by their last digits */
            told.value = fmax(told.value, 0);
            told.low = fmax(told.low, 0);
        }
        tell(ctx, &told, &subject);
    }
}

void finding_metrics_open(struct finding_metrics *metrics, watch_tell_fn *tell, void *ctx)
{
    const struct detect_finding *findings;
    size_t count = levels_open(metrics->levels, &findings);
    each_tell(metrics, findings, count, tell, ctx);
}

static void block_end(struct finding_metrics *metrics, watch_tell_fn *tell, void *ctx)
{
    const struct detect_finding *findings;
    size_t count = levels_block_end(metrics->levels, &findings);
    each_tell(metrics, findings, count, tell, ctx);
}

/* Rows come by block; the last one is looked at without any, too: what is gone ends. */
static void rows_look(struct finding_metrics *metrics, yyjson_val *rows, int64_t to_unix_us, watch_tell_fn *tell,
                      void *ctx)
{
    int64_t block = INT64_MIN, last = to_unix_us - LEVELS_BLOCK_US;
    size_t at, max;
    yyjson_val *row;
    yyjson_arr_foreach(rows, at, max, row)
    {
        yyjson_val *value = yyjson_arr_get(row, 4);
        int64_t begin = yyjson_get_sint(yyjson_arr_get(row, 3)) * 1000000;
        if (!yyjson_is_num(value) || begin < metrics->next_unix_us) continue;
        uint32_t series = series_find(metrics, json_text(yyjson_arr_get(row, 1)), json_text(yyjson_arr_get(row, 0)),
                                      yyjson_is_true(yyjson_arr_get(row, 2)));
        if (begin != block) {
            if (block != INT64_MIN) block_end(metrics, tell, ctx);
            levels_block_begin(metrics->levels, begin);
            block = begin;
        }
        if (series != UINT32_MAX) levels_put(metrics->levels, series, yyjson_get_num(value));
    }
    if (block != INT64_MIN) block_end(metrics, tell, ctx);
    if (block == last) return;
    levels_block_begin(metrics->levels, last);
    block_end(metrics, tell, ctx);
}

static bool has_metrics(const struct finding_metrics *metrics, struct db *db, int64_t *count, struct err *err)
{
    *count = 0;
    return db_read(
        db, "SELECT COUNT(*) FROM rollup_series WHERE project_id = $1 AND kind = 'metric' AND last_unix_us >= $2",
        DB_VALUES(db_uuid(metrics->project_id), db_integer(metrics->next_unix_us)), db_take_integer, count, err);
}

bool finding_metrics_run(struct finding_metrics *metrics, struct db *db, const struct finding_face *face,
                         int64_t to_unix_us, watch_tell_fn *tell, void *ctx, struct err *err)
{
    struct arena arena;
    int64_t services, blocks = (to_unix_us - metrics->next_unix_us) / LEVELS_BLOCK_US;
    /* An answer has a thousand rows; of many series a block at a time. */
    int64_t most = (METRICS_SERIES_MAX * 3 / 4) / (metrics->count + 1);
    if (blocks <= 0) return true;
    if (!has_metrics(metrics, db, &services, err)) return false;
    if (services == 0) { /* so far there are none */
        metrics->next_unix_us += blocks * LEVELS_BLOCK_US;
        rows_look(metrics, NULL, metrics->next_unix_us, tell, ctx);
        return true;
    }
    if (blocks > METRICS_PIECE_BLOCKS) blocks = METRICS_PIECE_BLOCKS;
    if (blocks > most) blocks = most > 0 ? most : 1;
    arena_init(&arena, 4096);
    int64_t to = metrics->next_unix_us + blocks * LEVELS_BLOCK_US;
    yyjson_doc *answer = ask(metrics, face, to, &arena, err);
    yyjson_val *rows = yyjson_obj_get(yyjson_doc_get_root(answer), "rows");
    if (answer && blocks > 1 && yyjson_arr_size(rows) >= METRICS_SERIES_MAX) { /* the last blocks are cut off */
        to = metrics->next_unix_us + LEVELS_BLOCK_US;
        yyjson_doc_free(answer);
        answer = ask(metrics, face, to, &arena, err);
        rows = yyjson_obj_get(yyjson_doc_get_root(answer), "rows");
    }
    arena_deinit(&arena);
    if (!answer) return false;
    rows_look(metrics, rows, to, tell, ctx);
    metrics->next_unix_us = to;
    yyjson_doc_free(answer);
    return true;
}

/* ---- as bytes ---- */

static bool text_put(struct buf *out, struct bytes text)
{
    uint32_t len = (uint32_t)text.len;
    return buf_add(out, &len, sizeof len) && buf_add(out, text.ptr, text.len);
}

bool finding_metrics_write(const struct finding_metrics *metrics, struct buf *out)
{
    uint32_t head[2] = { MAGIC, metrics->count };
    bool ok = buf_add(out, head, sizeof head) && buf_add(out, &metrics->next_unix_us, sizeof metrics->next_unix_us);
    for (uint32_t s = 0; ok && s < metrics->count; s++) {
        const struct metric_series *series = &metrics->series[s];
        uint8_t is_rate = series->is_rate;
        struct buf state;
        buf_init(&state, 1 << 16);
        levels_series_write(metrics->levels, s, &state);
        ok = text_put(out, series->service) && text_put(out, series->name) && buf_add(out, &is_rate, 1) &&
             text_put(out, buf_bytes(&state));
        buf_deinit(&state);
    }
    return ok;
}

static bool take(struct bytes *from, void *to, size_t len)
{
    if (from->len < len) return false;
    memcpy(to, from->ptr, len);
    *from = bytes_from(from->ptr + len, from->len - len);
    return true;
}

static bool text_take(struct bytes *from, struct bytes *text, size_t most)
{
    uint32_t len;
    if (!take(from, &len, sizeof len) || len > most || len > from->len) return false;
    *text = bytes_from(from->ptr, len);
    *from = bytes_from(from->ptr + len, from->len - len);
    return true;
}

bool finding_metrics_read(struct finding_metrics *metrics, struct bytes bytes, int64_t oldest_unix_us, struct err *err)
{
    uint32_t head[2] = { 0 };
    int64_t next = 0;
    bool ok = take(&bytes, head, sizeof head) && head[0] == MAGIC && head[1] <= METRICS_SERIES_MAX &&
              take(&bytes, &next, sizeof next) && next >= 0 && next % LEVELS_BLOCK_US == 0;
    for (uint32_t s = 0; ok && s < head[1]; s++) {
        struct bytes service, name, state;
        uint8_t is_rate;
        ok = text_take(&bytes, &service, TEXT_MAX) && text_take(&bytes, &name, TEXT_MAX) && name.len > 0 &&
             take(&bytes, &is_rate, 1) && is_rate <= 1 && text_take(&bytes, &state, 1 << 16) &&
             levels_series_read(metrics->levels, series_add(metrics, service, name, is_rate), state, err);
    }
    if (!ok) return err_set(err, ERR_CORRUPT, "what is known of metrics cannot be read");
    oldest_unix_us -= oldest_unix_us % LEVELS_BLOCK_US;
    metrics->next_unix_us = next > oldest_unix_us ? next : oldest_unix_us;
    return true;
}
