/* What is different here: a statement that counts both sides over time, and one that reads rows of both, told to difference/.
 *
 * A side of more rows than are read is sampled in time: cut where its rows are cut into SLICES equal parts, and of each part
 * the same number of rows in a row, at a place that does not follow any rhythm and is the same for the same question. A slice
 * is a SELECT of its own times, so that the files of other times are left out; of those that are left, attributes (JSON, the
 * dearest of all) are read whole, however few rows of them: hence few slices, as many rows in each. */
#include "difference/difference.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "search/search.h"
#include "timefusion/schema/schema.h"
#include "web/api/handlers.h"
#include "web/api/pattern_groups.h"
#include "web/api/sql_run.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
    SLICES = 4, /* of a side: a share of 2 % of 5,000 rows is known within 0.4 % */
    SLICE_ROWS = 1250,
    SLICE_ROWS_MAX = 1500,
    STATEMENT_BYTES_MAX = 32 << 10, /* of which conditions are repeated for each slice */
    BUCKETS = 1500,                 /* that rows are counted in over time: the minutes of a day */
    BUCKETS_OF_ROWS = 240,          /* where roll-ups do not count them */
    NEWS_MAX = 1024,                /* names of which it is kept whether they are of the selection; a power of two */
    TIMEOUT_MS = 30000,
    JSON_DEPTH_MAX = 8,
    NAME_BYTES_MAX = 256,
    SIDES = 2, /* 0 out, 1 in */
};
static const int64_t MINUTE_US = 60 * 1000000ll, HOUR_US = 3600 * 1000000ll;

struct row_set {
    int64_t from_us, to_us; /* INT64_MIN, INT64_MAX: not said */
    struct bytes condition; /* without the times; empty: all */
};
struct asking {
    struct api_call *call;
    struct row_set rows, selection, baseline;
    bool has_baseline;
    struct bytes in, out; /* conditions of the two sides */
    uint64_t counts[SIDES];
    struct bucket {
        int64_t first_us, last_us;
        uint64_t count;
    } * buckets[SIDES]; /* BUCKETS + 1 of each */
    uint32_t bucket_counts[SIDES];
    uint32_t selected_at; /* of the selection's buckets, where those of all rows are */
    uint32_t read[SIDES];
    struct known {
        struct bytes name; /* empty: no name is here */
        bool is_of_selection;
    } * known; /* NEWS_MAX, by the hash of their names */
    struct difference *difference;
    const char *warnings[8];
    uint32_t warning_count;
};

/* ---- what is asked ---- */

static bool fail_at(struct asking *asking, const char *set, const char *name, const char *text)
{
    api_fail_at(asking->call, arena_printf(asking->call->arena, "/%s/%s", set, name), "%s", text);
    return false;
}

static struct bytes member(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : (struct bytes){ 0 };
}

static bool time_read(struct asking *asking, yyjson_val *object, const char *set, const char *name, int64_t *unix_us)
{
    struct bytes text = member(object, name);
    return text.len == 0 || rfc3339_read_relative(text, clock_unix_us(), unix_us) ||
           fail_at(asking, set, name, "it must be a time such as 2026-11-27T02:00:00Z, now or now-15m");
}

static struct bytes joined(struct api_call *call, struct bytes a, struct bytes b)
{
    if (a.len == 0 || b.len == 0) return a.len == 0 ? b : a;
    char *both = arena_printf(call->arena, "(%.*s\n) AND (%.*s\n)", (int)a.len, (const char *)a.ptr, (int)b.len,
                              (const char *)b.ptr); /* a comment ends with its line */
    return bytes_of_text(both);
}

/* False: the client was told what is wrong. */
static bool set_read(struct asking *asking, const char *name, struct row_set *set)
{
    struct api_call *call = asking->call;
    yyjson_val *object = yyjson_obj_get(call->body, name);
    struct search_node *root;
    struct search_problem problem;
    struct bytes q = member(object, "q");
    if (!time_read(asking, object, name, "from", &set->from_us) || !time_read(asking, object, name, "to", &set->to_us))
        return false;
    if (!search_parse(call->arena, q, &root, &problem))
        return fail_at(asking, name, "q",
                       arena_printf(call->arena, "at characters %zu to %zu: %s",
                                    utf8_count(bytes_from(q.ptr, problem.from)),
                                    utf8_count(bytes_from(q.ptr, problem.to)), problem.text));
    struct err err = { 0 };
    if (!pattern_search_expand(call, root, &err)) {
        api_fail(call, &err);
        return false;
    }
    set->condition = joined(call, member(object, "where"), search_sql(call->arena, root));
    return true;
}

static struct bytes times_put(struct api_call *call, int64_t from_us, int64_t to_us)
{
    char text[RFC3339_BYTES];
    struct bytes from = { 0 }, to = { 0 };
    if (from_us != INT64_MIN) {
        rfc3339_write(from_us, text);
        from = bytes_of_text(arena_printf(call->arena, "timestamp >= '%s'", text));
    }
    if (to_us != INT64_MAX) {
        rfc3339_write(to_us, text);
        to = bytes_of_text(arena_printf(call->arena, "timestamp < '%s'", text));
    }
    return joined(call, from, to);
}

static struct bytes set_sql(struct api_call *call, const struct row_set *set)
{
    return joined(call, times_put(call, set->from_us, set->to_us), set->condition);
}

static bool asking_read(struct asking *asking)
{
    struct api_call *call = asking->call;
    int64_t now_us = clock_unix_us();
    struct row_set none = { INT64_MIN, INT64_MAX, { 0 } };
    asking->rows = (struct row_set){ INT64_MIN, now_us, { 0 } };
    asking->selection = asking->baseline = none;
    asking->has_baseline = yyjson_obj_get(call->body, "baseline") != NULL;
    if (!set_read(asking, "rows", &asking->rows) || !set_read(asking, "selection", &asking->selection) ||
        !set_read(asking, "baseline", &asking->baseline))
        return false;
    if (asking->rows.from_us == INT64_MIN) asking->rows.from_us = asking->rows.to_us - HOUR_US;
    if (set_sql(call, &asking->selection).len == 0) {
        api_fail_at(call, "/selection", "it must say which rows: q, where, from or to");
        return false;
    }
    struct bytes looked_at = times_put(call, asking->rows.from_us, asking->rows.to_us);
    struct bytes selected = set_sql(call, &asking->selection);
    struct bytes others = asking->has_baseline ? set_sql(call, &asking->baseline) : looked_at;
    if (others.len == 0) others = looked_at;
    asking->in = joined(call, selected, looked_at);
    asking->out = joined(call, others,
                         bytes_of_text(arena_printf(call->arena, "(%.*s\n) IS NOT TRUE", (int)asking->in.len,
                                                    (const char *)asking->in.ptr)));
    const struct row_set *baseline = &asking->baseline; /* of a time of its own */
    if (baseline->from_us != INT64_MIN && baseline->from_us < asking->rows.from_us)
        asking->rows.from_us = baseline->from_us;
    if (baseline->to_us != INT64_MAX && baseline->to_us > asking->rows.to_us) asking->rows.to_us = baseline->to_us;
    return true;
}

/* ---- statements ---- */

/* What is looked at. attributes and resource hold all of theirs; ids, times and what stands in others are left out. */
static const char *const columns[] = { "name", "kind",     "status_code", "status_message", "level",
                                       "body", "duration", "attributes",  "resource" };

static bool is_in(struct bytes text, const char *word)
{
    return text.len > 0 && memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* What the selection is made of is no news about it. Of attributes the condition may name their column. */
static bool is_named_by_selection(const struct asking *asking, const char *name)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct bytes condition = asking->selection.condition;
    if (condition.len == 0 || is_in(condition, name)) return condition.len > 0;
    for (int is_resource = 0; is_resource <= 1; is_resource++) {
        int column = schema_attribute_column(table, is_resource, bytes_of_text(name));
        if (column >= 0 && is_in(condition, table->columns[column].name)) return true;
    }
    return false;
}

/* Asked for each value of each row: the names are always the same ones. */
static bool is_of_selection(struct asking *asking, const char *name)
{
    struct bytes text = bytes_of_text(name);
    if (asking->selection.condition.len == 0 || text.len == 0) return is_named_by_selection(asking, name);
    struct known *known = &asking->known[hash64_key(text, 0) & (NEWS_MAX - 1)];
    if (known->name.len == 0)
        *known = (struct known){ arena_copy(asking->call->arena, text), is_named_by_selection(asking, name) };
    return bytes_equal(known->name, text) ? known->is_of_selection : is_named_by_selection(asking, name);
}

static struct bytes from_sql(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct bytes where =
        joined(call, times_put(call, asking->rows.from_us, asking->rows.to_us), asking->rows.condition);
    return bytes_of_text(
        arena_printf(call->arena, "FROM otel_logs_and_spans WHERE (%.*s\n)", (int)where.len, (const char *)where.ptr));
}

/* How many of each side, and from when to when, in each of BUCKETS_OF_ROWS steps of time. */
static struct bytes count_sql(struct asking *asking)
{
    struct arena *arena = asking->call->arena;
    struct bytes from = from_sql(asking), sides[SIDES] = { asking->out, asking->in };
    int64_t step_us = (asking->rows.to_us - asking->rows.from_us) / BUCKETS_OF_ROWS + 1;
    struct buf sql;
    buf_init(&sql, 4 << 20);
    bool ok = buf_printf(&sql, "SELECT ((extract(epoch FROM timestamp) * 1000000)::bigint - %" PRId64 ") / %" PRId64,
                         asking->rows.from_us, step_us);
    for (int side = 0; side < SIDES; side++) {
        const char *filter =
            arena_printf(arena, "FILTER (WHERE %.*s\n)", (int)sides[side].len, (const char *)sides[side].ptr);
        ok = ok && buf_printf(&sql, ", count(*) %s, min(timestamp) %s, max(timestamp) %s", filter, filter, filter);
    }
    ok = ok && buf_printf(&sql, " %.*s GROUP BY 1 ORDER BY 1", (int)from.len, (const char *)from.ptr);
    struct bytes text = ok ? arena_copy(arena, buf_bytes(&sql)) : (struct bytes){ 0 };
    buf_deinit(&sql);
    return text;
}

/* Without a baseline the other side is all rows but these: all of them are counted by steps of whole minutes, which roll-ups know,
 * and the selection within its own times. */
static int64_t bucket_us(const struct asking *asking)
{
    int64_t range_us = asking->rows.to_us - asking->rows.from_us, step_us = range_us / BUCKETS_OF_ROWS + 1;
    return step_us > MINUTE_US / 2 ? (range_us / BUCKETS / MINUTE_US + 1) * MINUTE_US : step_us;
}

static struct bytes bucket_count_sql(struct asking *asking, struct bytes condition)
{
    struct bytes from = from_sql(asking);
    return bytes_of_text(arena_printf(asking->call->arena,
                                      "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint / %" PRId64
                                      ", count(*) %.*s AND (%.*s\n) GROUP BY 1 ORDER BY 1",
                                      bucket_us(asking), (int)from.len, (const char *)from.ptr, (int)condition.len,
                                      (const char *)condition.ptr));
}

/* When the side's row number `place` came, about: rows are even within a bucket. */
static int64_t time_of(const struct asking *asking, int side, double place)
{
    double before = 0;
    for (uint32_t b = 0; b < asking->bucket_counts[side]; b++) {
        const struct bucket *bucket = &asking->buckets[side][b];
        double count = (double)bucket->count;
        if (place < before + count)
            return bucket->first_us +
                   (int64_t)((double)(bucket->last_us + 1 - bucket->first_us) * (place - before) / count);
        before += count;
    }
    return asking->buckets[side][asking->bucket_counts[side] - 1].last_us + 1;
}

/* 0 to 1, the same for the same slice. */
static double jitter(uint32_t slice)
{
    return (double)(hash64_mix(slice + 1, 0x9E3779B97F4A7C15u) >> 11) / (double)(1ull << 53);
}

/* SELECT of a slice's rows, with the side before them: the first from a place on. Rows come in bursts, so that they are looked
 * for in one and a half times the time in which as many come elsewhere in their bucket; what is read too much costs as much as what is needed. */
static bool slice_put(struct asking *asking, int side, uint32_t slice, uint32_t slices, struct buf *sql)
{
    struct api_call *call = asking->call;
    struct bytes condition = side ? asking->in : asking->out, from = from_sql(asking);
    double part = (double)asking->counts[side] / slices, end = part * (slice + 1);
    bool is_whole = part < SLICE_ROWS_MAX;
    double begin = is_whole ? part * slice : part * slice + jitter(slice) * (part - SLICE_ROWS);
    if (!is_whole && end > begin + SLICE_ROWS * 3 / 2) end = begin + SLICE_ROWS * 3 / 2;
    struct bytes times = times_put(call, time_of(asking, side, begin), time_of(asking, side, end));
    bool ok = buf_printf(sql, "(SELECT %d AS side", side);
    for (size_t c = 0; ok && c < COUNT_OF(columns); c++) ok = buf_printf(sql, ", %s", columns[c]);
    return ok && buf_printf(sql, " %.*s AND (%.*s\n) AND (%.*s\n) ORDER BY timestamp LIMIT %d)", (int)from.len,
                            (const char *)from.ptr, (int)times.len, (const char *)times.ptr, (int)condition.len,
                            (const char *)condition.ptr, is_whole ? SLICES * SLICE_ROWS_MAX : SLICE_ROWS);
}

/* ---- rows ---- */

static void number_put(struct asking *asking, struct bytes name, double number)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%.17g", number);
    difference_value(asking->difference, name, bytes_from(text, (size_t)len), &number);
}

static void json_put(struct asking *asking, char name[NAME_BYTES_MAX], size_t len, yyjson_val *value, int depth)
{
    struct bytes named = bytes_from(name, len);
    yyjson_val *key, *inside;
    size_t i, count, written;
    if (yyjson_is_obj(value) && depth < JSON_DEPTH_MAX) {
        yyjson_obj_foreach(value, i, count, key, inside)
        {
            size_t key_len = yyjson_get_len(key), from = len > 0 ? len + 1 : 0;
            if (from + key_len >= NAME_BYTES_MAX) continue;
            if (len > 0) name[len] = '.';
            memcpy(name + from, yyjson_get_str(key), key_len);
            json_put(asking, name, from + key_len, inside, depth + 1);
        }
        return;
    }
    name[len] = '\0';
    if (len == 0 || yyjson_is_null(value) || is_of_selection(asking, name) || strstr(name, "stacktrace")) return;
    if (yyjson_is_str(value)) {
        difference_value(asking->difference, named, bytes_from(yyjson_get_str(value), yyjson_get_len(value)), NULL);
    } else if (yyjson_is_num(value)) {
        number_put(asking, named, yyjson_get_num(value));
    } else {
        char *text = yyjson_val_write(value, 0, &written);
        if (text != NULL) difference_value(asking->difference, named, bytes_from(text, written), NULL);
        free(text);
    }
}

static void value_put(struct asking *asking, const char *column, enum query_type type, struct query_value value)
{
    char name[NAME_BYTES_MAX];
    struct bytes named = bytes_of_text(column);
    if (type == QUERY_TYPE_INT8) {
        number_put(asking, named, (double)value.integer);
    } else if (type != QUERY_TYPE_JSONB) {
        difference_value(asking->difference, named, value.bytes, NULL);
    } else {
        bool is_flat = strcmp(column, "attributes") == 0 || strcmp(column, "resource") == 0;
        yyjson_doc *doc = yyjson_read((const char *)value.bytes.ptr, value.bytes.len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        size_t len = is_flat ? 0 : named.len;
        memcpy(name, column, len);
        if (root != NULL) json_put(asking, name, len, root, 0);
        yyjson_doc_free(doc);
    }
}

static void chunk_put(struct asking *asking, const struct sql_run *run, const struct query_chunk *chunk)
{
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++) {
        int side = query_chunk_value(chunk, 0, row).integer == 1;
        if (!difference_row(asking->difference, side)) return;
        asking->read[side]++;
        for (uint32_t c = 0; c < COUNT_OF(columns); c++) {
            struct query_value value = query_chunk_value(chunk, c + 1, row);
            bool is_news = !value.is_null && !is_of_selection(asking, columns[c]);
            if (is_news) value_put(asking, columns[c], run->columns[c + 1].type, value);
        }
    }
}

static void counts_put(struct asking *asking, const struct sql_run *run, const struct query_chunk *chunk)
{
    (void)run;
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++) {
        for (int side = 0; side < SIDES; side++) {
            uint32_t column = 1 + 3 * (uint32_t)side, *at = &asking->bucket_counts[side];
            uint64_t count = (uint64_t)query_chunk_value(chunk, column, row).integer;
            if (count == 0 || *at > BUCKETS) continue;
            asking->counts[side] += count;
            asking->buckets[side][(*at)++] =
                (struct bucket){ query_chunk_value(chunk, column + 1, row).integer,
                                 query_chunk_value(chunk, column + 2, row).integer, count };
        }
    }
}

static void bucket_put(struct asking *asking, int side, int64_t number, uint64_t count)
{
    int64_t step_us = bucket_us(asking), first = number * step_us, last = first + step_us - 1;
    uint32_t at = asking->bucket_counts[side];
    if (count == 0 || at > BUCKETS) return;
    asking->bucket_counts[side]++;
    asking->counts[side] += count;
    asking->buckets[side][at] = (struct bucket){ first > asking->rows.from_us ? first : asking->rows.from_us,
                                                 last < asking->rows.to_us ? last : asking->rows.to_us - 1, count };
}

static void selected_put(struct asking *asking, const struct sql_run *run, const struct query_chunk *chunk)
{
    (void)run;
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++)
        bucket_put(asking, 1, query_chunk_value(chunk, 0, row).integer,
                   (uint64_t)query_chunk_value(chunk, 1, row).integer);
}

/* After the selected ones, which are not of the others. */
static void others_put(struct asking *asking, const struct sql_run *run, const struct query_chunk *chunk)
{
    (void)run;
    const struct bucket *selection = asking->buckets[1];
    int64_t step_us = bucket_us(asking);
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++) {
        int64_t number = query_chunk_value(chunk, 0, row).integer;
        uint64_t count = (uint64_t)query_chunk_value(chunk, 1, row).integer, selected = 0;
        uint32_t *b = &asking->selected_at; /* both come by time */
        while (*b < asking->bucket_counts[1] && selection[*b].last_us / step_us < number) ++*b;
        if (*b < asking->bucket_counts[1] && selection[*b].last_us / step_us == number) selected = selection[*b].count;
        bucket_put(asking, 0, number, count > selected ? count - selected : 0);
    }
}

static void warnings_keep(struct asking *asking, const struct sql_run *run)
{
    const char *const *texts;
    uint32_t count = query_cursor_warnings(run->cursor, &texts);
    for (uint32_t w = 0; w < count && asking->warning_count < COUNT_OF(asking->warnings); w++)
        asking->warnings[asking->warning_count++] = arena_printf(asking->call->arena, "%s", texts[w]);
}

/* False: the client was told. A place in our statement is none in its condition. */
static bool statement_run(struct asking *asking, struct bytes sql,
                          void (*put)(struct asking *, const struct sql_run *, const struct query_chunk *))
{
    struct sql_run run;
    struct err err = { 0 };
    const struct query_chunk *chunk = NULL;
    struct sql_query query = { .sql = sql, .timeout_ms = TIMEOUT_MS, .read_only = "a comparison only reads" };
    bool ok = sql_open(&run, asking->call, &query, &err);
    while (ok && (ok = sql_next(&run, &chunk, &err)) && chunk != NULL) put(asking, &run, chunk);
    if (ok) {
        warnings_keep(asking, &run);
    } else {
        err.position = 0;
        sql_fail(asking->call, &err);
    }
    sql_close(&run);
    return ok;
}

static bool sides_count(struct asking *asking)
{
    if (asking->has_baseline) return statement_run(asking, count_sql(asking), counts_put);
    return statement_run(asking, bucket_count_sql(asking, asking->in), selected_put) &&
           statement_run(asking, bucket_count_sql(asking, bytes_of_text("true")), others_put);
}

/* Of one side alone there is no difference. All slices in one statement, so that they are read side by side; a condition that
 * is long is not repeated so often. */
static bool sides_read(struct asking *asking)
{
    size_t len_max = (asking->in.len + asking->out.len) * SLICES * 2 < STATEMENT_BYTES_MAX ? SIZE_MAX : 0;
    struct buf sql;
    bool ok = true;
    if (asking->counts[0] == 0 || asking->counts[1] == 0) return true;
    buf_init(&sql, 4 << 20);
    for (int side = SIDES - 1; ok && side >= 0; side--) {
        uint32_t slices = asking->counts[side] <= SLICE_ROWS ? 1 : SLICES;
        for (uint32_t slice = 0; ok && slice < slices; slice++) {
            if (sql.len > len_max) {
                ok = statement_run(asking, buf_bytes(&sql), chunk_put);
                sql.len = 0;
            }
            ok = ok && (sql.len == 0 || buf_add(&sql, " UNION ALL ", 11)) &&
                 slice_put(asking, side, slice, slices, &sql);
        }
    }
    ok = ok && statement_run(asking, buf_bytes(&sql), chunk_put);
    buf_deinit(&sql);
    return ok;
}

/* ---- answer ---- */

static void side_put(struct asking *asking, yyjson_mut_val *answer, const char *name, int side)
{
    yyjson_mut_val *object = yyjson_mut_obj_add_obj(asking->call->json, answer, name);
    yyjson_mut_obj_add_uint(asking->call->json, object, "rows", asking->counts[side]);
    yyjson_mut_obj_add_uint(asking->call->json, object, "rows_read", asking->read[side]);
}

static void finding_put(struct asking *asking, yyjson_mut_val *list, const struct difference_finding *finding)
{
    static const char *const kinds[] = {
        [DIFFERENCE_IS] = "is", [DIFFERENCE_BETWEEN] = "between", [DIFFERENCE_ABSENT] = "absent"
    };
    yyjson_mut_doc *json = asking->call->json;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(json, list);
    api_put_text(asking->call, object, "field", finding->name);
    yyjson_mut_obj_add_str(json, object, "kind", kinds[finding->kind]);
    if (finding->kind == DIFFERENCE_IS) api_put_text(asking->call, object, "value", finding->text);
    if (finding->kind == DIFFERENCE_BETWEEN) {
        yyjson_mut_obj_add_real(json, object, "low", finding->low);
        yyjson_mut_obj_add_real(json, object, "high", finding->high);
    }
    yyjson_mut_obj_add_int(json, object, "in_count", llround(finding->in_share * (double)asking->counts[1]));
    yyjson_mut_obj_add_int(json, object, "out_count", llround(finding->out_share * (double)asking->counts[0]));
    yyjson_mut_obj_add_real(json, object, "in_share", finding->in_share);
    yyjson_mut_obj_add_real(json, object, "out_share", finding->out_share);
    yyjson_mut_obj_add_real(json, object, "score", finding->score);
    yyjson_mut_obj_add_real(json, object, "g", finding->g);
    yyjson_mut_obj_add_uint(json, object, "group", finding->leader);
}

static void answer(struct asking *asking, uint64_t begin_ns)
{
    struct difference_answer found;
    yyjson_mut_doc *json = asking->call->json;
    yyjson_mut_val *object = yyjson_mut_obj(json);
    difference_rank(asking->difference, &found);
    side_put(asking, object, "in", 1);
    side_put(asking, object, "out", 0);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(json, object, "findings");
    for (uint32_t f = 0; f < found.finding_count; f++) finding_put(asking, list, &found.findings[f]);
    yyjson_mut_obj_add_uint(json, object, "attribute_count", found.attribute_count);
    yyjson_mut_obj_add_bool(json, object, "is_cut", found.is_cut);
    yyjson_mut_val *warnings = yyjson_mut_obj_add_arr(json, object, "warnings");
    for (uint32_t w = 0; w < asking->warning_count; w++) yyjson_mut_arr_add_str(json, warnings, asking->warnings[w]);
    yyjson_mut_obj_add_real(json, object, "duration_ms", (double)(clock_mono_ns() - begin_ns) / 1e6);
    api_answer(asking->call, object);
}

void api_difference(struct api_call *call)
{
    struct asking asking = { .call = call, .difference = difference_create() };
    for (int side = 0; side < SIDES; side++)
        asking.buckets[side] = arena_alloc(call->arena, (BUCKETS + 1) * sizeof *asking.buckets[side]);
    asking.known = arena_calloc(call->arena, NEWS_MAX * sizeof *asking.known);
    uint64_t begin_ns = clock_mono_ns();
    if (asking_read(&asking) && sides_count(&asking) && sides_read(&asking)) answer(&asking, begin_ns);
    difference_destroy(asking.difference);
}
