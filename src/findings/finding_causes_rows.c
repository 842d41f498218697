/* Questions about rows, by the face: releases, and what sets the ill rows of a place apart. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "findings/finding_causes_inside.h"
#include <math.h>
#include <stdlib.h>

enum { PLACES_ASKED = 3, ANSWER_BYTES_MAX = 512 << 10, RELEASES_MAX = 500 };
static const int64_t MINUTE_US = INT64_C(60000000);

/* NULL: there is no answer, or it is too late for another one. To be freed. */
static yyjson_doc *ask(struct finding_causes *causes, const char *tool, yyjson_mut_doc *arguments)
{
    struct err err = { 0 };
    struct buf out;
    bool is_error = false;
    if (clock_mono_ns() >= causes->asks_until_mono_ns) return NULL;
    yyjson_doc *answer = NULL, *asked = yyjson_mut_doc_imut_copy(arguments, NULL);
    buf_init(&out, ANSWER_BYTES_MAX);
    if (asked &&
        causes->face->call(causes->face->ctx, causes->project_id, "causes", tool, yyjson_doc_get_root(asked), &out,
                           &is_error, &err) &&
        !is_error)
        answer = yyjson_read((const char *)out.ptr, out.len, 0);
    buf_deinit(&out);
    yyjson_doc_free(asked);
    return answer;
}

static struct bytes text_keep(struct finding_causes *causes, yyjson_val *value)
{
    return yyjson_is_str(value) ? arena_copy(causes->arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)))
                                : BYTES("");
}

/* A version that was not there in the first minutes, of a service that had another one. */
static void releases_put(struct finding_causes *causes, yyjson_val *rows, int64_t from_unix_us)
{
    size_t at, count, o, others;
    yyjson_val *row, *other;
    yyjson_arr_foreach(rows, at, count, row)
    {
        yyjson_val *service = yyjson_arr_get(row, 0);
        int64_t first = 0;
        bool had_other = false;
        struct bytes time = text_keep(causes, yyjson_arr_get(row, 2));
        if (!yyjson_is_str(service) || !rfc3339_read_relative(time, 0, &first) || first < from_unix_us + 2 * MINUTE_US)
            continue;
        yyjson_arr_foreach(rows, o, others, other)
        {
            int64_t before = 0;
            yyjson_val *name = yyjson_arr_get(other, 0);
            if (other == row || !yyjson_equals_strn(name, yyjson_get_str(service), yyjson_get_len(service))) continue;
            had_other = had_other || (rfc3339_read_relative(text_keep(causes, yyjson_arr_get(other, 2)), 0, &before) &&
                                      before < first);
        }
        if (!had_other) continue;
        struct cause_deploy *deploy = db_rows_add(&causes->deploys, sizeof *deploy);
        *deploy = (struct cause_deploy){ text_keep(causes, service), text_keep(causes, yyjson_arr_get(row, 1)), first };
    }
}

void finding_releases_ask(struct finding_causes *causes)
{
    static const char sql[] = "SELECT resource___service___name, resource___service___version, min(timestamp) FROM "
                              "otel_logs_and_spans WHERE timestamp >= "
                              "$1::timestamptz AND timestamp < $2::timestamptz AND resource___service___version IS NOT "
                              "NULL AND resource___service___name IS "
                              "NOT NULL AND kind IN ('server', 'consumer') GROUP BY 1, 2 ORDER BY 3 DESC";
    int64_t from = causes->since_unix_us - CAUSES_BEFORE_US - 15 * MINUTE_US;
    if (!causes->face) return;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *parameters = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "sql", sql);
    yyjson_mut_arr_add_strcpy(doc, parameters, finding_time(causes->arena, from));
    yyjson_mut_arr_add_strcpy(doc, parameters, finding_time(causes->arena, causes->to_unix_us));
    yyjson_mut_obj_add_val(doc, root, "parameters", parameters);
    yyjson_mut_obj_add_int(doc, root, "limit", RELEASES_MAX);
    yyjson_doc *answer = ask(causes, "run_sql", doc);
    releases_put(causes, yyjson_obj_get(yyjson_doc_get_root(answer), "rows"), from);
    yyjson_doc_free(answer);
    yyjson_mut_doc_free(doc);
}

/* ---- attributes ---- */

/* What says that a row is ill, in other words, is no news. */
static bool is_of_illness(struct bytes name)
{
    static const char *const begins[] = { "error",           "exception",     "http.response.", "http.status_code",
                                          "rpc.grpc.status", "rpc.response.", "otel.status",    "status",
                                          "level",           "duration",      "body",           "db.response.",
                                          "service.name",    "severity" };
    for (size_t i = 0; i < COUNT_OF(begins); i++)
        if (name.len >= strlen(begins[i]) && memcmp(name.ptr, begins[i], strlen(begins[i])) == 0) return true;
    return false;
}

static void attributes_put(struct finding_causes *causes, struct bytes place, yyjson_val *findings)
{
    size_t at, count;
    yyjson_val *one;
    yyjson_arr_foreach(findings, at, count, one)
    {
        struct bytes name = text_keep(causes, yyjson_obj_get(one, "field"));
        if (!yyjson_equals_str(yyjson_obj_get(one, "kind"), "is") || is_of_illness(name)) continue;
        struct cause_attribute *attribute = db_rows_add(&causes->attributes, sizeof *attribute);
        *attribute = (struct cause_attribute){ .service = place,
                                               .name = name,
                                               .value = text_keep(causes, yyjson_obj_get(one, "value")),
                                               .in = yyjson_get_num(yyjson_obj_get(one, "in_share")),
                                               .out = yyjson_get_num(yyjson_obj_get(one, "out_share")),
                                               .score = yyjson_get_num(yyjson_obj_get(one, "score")) };
    }
}

/* NULL: it sends nothing, or its trouble is no rows'. */
static const char *ill_rows(const struct finding_causes *causes, const struct cause *cause)
{
    for (uint32_t s = 0; s < causes->input.service_count; s++) {
        const struct cause_service *service = &causes->input.services[s];
        if (!bytes_equal(service->name, cause->place)) continue;
        if (cause->trouble == CAUSE_ERRORS) return "status_code = 'ERROR'";
        if (cause->trouble == CAUSE_LATENCY && service->before.mean_ns > 0)
            return arena_printf(causes->arena, "duration > %.0f", 2 * service->before.mean_ns);
    }
    return NULL;
}

static void place_ask(struct finding_causes *causes, struct bytes place, const char *ill)
{
    struct arena *arena = causes->arena;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *rows = yyjson_mut_obj_add_obj(doc, root, "rows"),
                   *selection = yyjson_mut_obj_add_obj(doc, root, "selection");
    yyjson_mut_obj_add_strcpy(doc, rows, "where",
                              arena_printf(arena, "resource___service___name = %s AND kind IN ('server', 'consumer')",
                                           finding_quoted(arena, place)));
    yyjson_mut_obj_add_strcpy(doc, rows, "from", finding_time(arena, causes->since_unix_us));
    yyjson_mut_obj_add_strcpy(doc, rows, "to", finding_time(arena, causes->to_unix_us));
    yyjson_mut_obj_add_strcpy(doc, selection, "where", ill);
    yyjson_doc *answer = ask(causes, "difference", doc);
    attributes_put(causes, place, yyjson_obj_get(yyjson_doc_get_root(answer), "findings"));
    yyjson_doc_free(answer);
    yyjson_mut_doc_free(doc);
}

void finding_attributes_ask(struct finding_causes *causes, const struct cause *list, uint32_t count)
{
    if (!causes->face) return;
    for (uint32_t c = 0; c < count && c < PLACES_ASKED; c++) {
        const char *ill = ill_rows(causes, &list[c]);
        bool was_asked = false;
        for (uint32_t a = 0; a < causes->asked.count; a++)
            was_asked = was_asked || bytes_equal(((const struct bytes *)causes->asked.items)[a], list[c].place);
        if (!ill || was_asked) continue;
        *(struct bytes *)db_rows_add(&causes->asked, sizeof(struct bytes)) = list[c].place;
        place_ask(causes, list[c].place, ill);
    }
}
