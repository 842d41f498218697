/* Questions in plain English: understood by what the roll-ups know of the project, then one statement behind the same gate as all. */
#include "ask/ask.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "meta/rollup_read.h"
#include "web/api/ask_plan.h"
#include "web/api/handlers.h"
#include "web/api/rfc3339.h"
#include "web/api/sql_run.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 30000,
    ROWS_MAX = 5000,
    BYTES_MAX = 4 << 20,
    NAMES_MAX = 3000,
    KEYS_MAX = 500,
    VALUES = 30,
    CHIPS_MAX = 64
};
static const int64_t DAY_US = 24 * 3600 * 1000000ll, CATALOG_US = 15 * 24 * 3600 * 1000000ll,
                     NAMES_US = 60 * 24 * 3600 * 1000000ll;

struct asking {
    struct api_call *call;
    struct zone *zone;
    int64_t now_us;
    struct ask_catalog catalog;
    struct ask_plan context;
    struct ask_understood understood;
    struct ask_sql sql;
    yyjson_mut_val *answer;
    uint64_t begin_ns;
};

/* ---- the catalog ---- */

static void value_add(struct ask_value *values, struct ask_catalog *catalog, struct ask_field field, struct bytes text)
{
    if (text.len == 0 || text.len > ASK_VALUE_BYTES_MAX || catalog->value_count == NAMES_MAX + KEYS_MAX * VALUES)
        return;
    values[catalog->value_count++] = (struct ask_value){ .field = field, .text = text };
}

static bool has_attribute(const struct ask_catalog *catalog, struct bytes key)
{
    for (uint32_t a = 0; a < catalog->attribute_count; a++)
        if (bytes_equal(catalog->attributes[a].key, key)) return true;
    return false;
}

static bool has_value(const struct ask_catalog *catalog, uint32_t from, struct ask_field field, struct bytes text)
{
    for (uint32_t v = from; v < catalog->value_count; v++)
        if (catalog->values[v].field.id == field.id && bytes_equal(catalog->values[v].text, text)) return true;
    return false;
}

/* Attributes of spans and logs are one; what SQL cannot name plainly is not asked for by name. */
static void attributes_add(struct asking *asking, const struct rollup_attribute_item *items, uint32_t count,
                           struct ask_field *fields, struct ask_value *values)
{
    struct ask_catalog *catalog = &asking->catalog;
    for (uint32_t i = 0; i < count; i++) {
        const struct rollup_attribute_item *item = &items[i];
        bool is_resource = bytes_equal(item->place, BYTES("resource"));
        if (bytes_equal(item->place, BYTES("metric")) || !ask_key_is_plain(item->key)) continue;
        struct ask_field field = ask_field_of_key(is_resource, item->key);
        if (field.id >= ASK_FIELD_ATTRIBUTE && !has_attribute(catalog, item->key))
            fields[catalog->attribute_count++] = field;
        uint32_t from = catalog->value_count; /* of other keys there may be the same ones: they are of other fields */
        if (field.id == ASK_FIELD_SERVICE || field.id == ASK_FIELD_STATUS) continue;
        for (uint32_t v = 0; v < item->value_count; v++)
            if (field.id >= ASK_FIELD_ATTRIBUTE ? !has_value(catalog, from, field, item->values[v].value)
                                                : !has_value(catalog, 0, field, item->values[v].value))
                value_add(values, catalog, field, item->values[v].value);
    }
}

static bool catalog_read(struct asking *asking, struct err *err)
{
    struct api_call *call = asking->call;
    struct db *db = call->parts->db;
    struct ask_catalog *catalog = &asking->catalog;
    struct rollup_range range = { .project_id = call->project.id,
                                  .from_unix_us = asking->now_us - CATALOG_US,
                                  .to_unix_us = asking->now_us + DAY_US };
    struct rollup_page page = { .is_first = true, .limit = KEYS_MAX };
    struct rollup_attribute_item *items;
    struct bytes *services, *routes;
    uint32_t routes_count, count;
    if (!rollup_names_read(db, call->project.id, asking->now_us - NAMES_US, false, NAMES_MAX, call->arena, &services,
                           &catalog->service_count, err) ||
        !rollup_names_read(db, call->project.id, asking->now_us - NAMES_US, true, NAMES_MAX, call->arena, &routes,
                           &routes_count, err) ||
        !rollup_attributes_read(db, &range, BYTES(""), &page, VALUES, call->arena, &items, &count, err))
        return false;
    struct ask_value *values = arena_alloc(call->arena, (NAMES_MAX + KEYS_MAX * VALUES) * sizeof *values);
    struct ask_field *fields = arena_alloc(call->arena, (count + 1) * sizeof *fields);
    catalog->services = services;
    catalog->attributes = fields;
    catalog->values = values;
    for (uint32_t r = 0; r < routes_count; r++)
        value_add(values, catalog, (struct ask_field){ .id = ASK_FIELD_ROUTE }, routes[r]);
    attributes_add(asking, items, count, fields, values);
    return true;
}

/* ---- what was asked ---- */

static bool plan_at(struct asking *asking, const char *name, struct ask_plan *plan)
{
    struct err err = { 0 };
    char pointer[32];
    if (ask_plan_read(asking->call->arena, yyjson_obj_get(asking->call->body, name), plan, &err)) return true;
    snprintf(pointer, sizeof pointer, "/%s", name);
    api_fail_at(asking->call, pointer, "%s", err.text);
    return false;
}

static bool zone_find(struct asking *asking, struct bytes name)
{
    struct err err = { 0 };
    if (zone_open(&asking->zone, name.len > 0 ? name : BYTES("UTC"), &err)) return true;
    api_fail_at(asking->call, "/zone", "%s", err.text);
    return false;
}

/* False: the client was told. */
static bool understand(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct err err = { 0 };
    bool has_plan = yyjson_is_obj(yyjson_obj_get(call->body, "plan")),
         has_context = yyjson_is_obj(yyjson_obj_get(call->body, "context"));
    struct bytes now = api_body_text(call, "now"), question = api_body_text(call, "question");
    asking->now_us = clock_unix_us();
    if (now.len > 0 && !rfc3339_read(now, &asking->now_us))
        return (api_fail_at(call, "/now", "it is a time such as 2026-11-27T02:00:00Z"), false);
    if (has_plan == (question.len > 0)) return (api_fail_at(call, "/question", "either a question or a plan"), false);
    if (has_plan) {
        if (!plan_at(asking, "plan", &asking->understood.plan) || !zone_find(asking, asking->understood.plan.zone))
            return false;
        asking->understood.is_understood = true;
        return true;
    }
    if (!zone_find(asking, api_body_text(call, "zone")) ||
        (has_context && !plan_at(asking, "context", &asking->context)))
        return false;
    if (!catalog_read(asking, &err)) return (api_fail(call, &err), false);
    struct ask_question asked = { .text = question,
                                  .zone = asking->zone,
                                  .now_us = asking->now_us,
                                  .catalog = &asking->catalog,
                                  .context = has_context ? &asking->context : NULL };
    ask_understand(call->arena, &asked, &asking->understood);
    return true;
}

/* ---- answers ---- */

static uint32_t characters(struct bytes text, uint32_t bytes)
{
    return (uint32_t)utf8_count(bytes_from(text.ptr, bytes < text.len ? bytes : text.len));
}

static struct bytes trouble_words(struct asking *asking)
{
    struct bytes question = api_body_text(asking->call, "question");
    const char *all = "I did not understand: ";
    for (uint32_t t = 0; t < asking->understood.trouble_count; t++) {
        const struct ask_trouble *trouble = &asking->understood.troubles[t];
        int len = trouble->to > trouble->from ? (int)(trouble->to - trouble->from) : 0;
        all = arena_printf(asking->call->arena, len > 0 ? "%s%s\"%.*s\" %s" : "%s%s%.*s%s", all, t > 0 ? "; " : "", len,
                           (const char *)question.ptr + trouble->from, trouble->text);
        for (uint32_t s = 0; s < trouble->suggestion_count; s++)
            all = arena_printf(asking->call->arena, "%s%s\"%.*s\"", all, s == 0 ? " (did you mean " : " or ",
                               (int)trouble->suggestions[s].len, (const char *)trouble->suggestions[s].ptr);
        if (trouble->suggestion_count > 0) all = arena_printf(asking->call->arena, "%s?)", all);
    }
    return bytes_of_text(all);
}

static void troubles_put(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct bytes question = api_body_text(call, "question");
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, asking->answer, "not_understood");
    for (uint32_t t = 0; t < asking->understood.trouble_count; t++) {
        const struct ask_trouble *trouble = &asking->understood.troubles[t];
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
        yyjson_mut_obj_add_uint(call->json, object, "from", characters(question, trouble->from));
        yyjson_mut_obj_add_uint(call->json, object, "to", characters(question, trouble->to));
        api_put_text(call, object, "text", bytes_of_text(trouble->text));
        yyjson_mut_val *suggestions = yyjson_mut_obj_add_arr(call->json, object, "suggestions");
        for (uint32_t s = 0; s < trouble->suggestion_count; s++)
            yyjson_mut_arr_add_strncpy(call->json, suggestions, (const char *)trouble->suggestions[s].ptr,
                                       trouble->suggestions[s].len);
    }
    yyjson_mut_val *used = yyjson_mut_obj_add_arr(call->json, asking->answer, "used");
    for (uint32_t u = 0; u < asking->understood.use_count; u++) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, used);
        yyjson_mut_obj_add_uint(call->json, object, "from", characters(question, asking->understood.uses[u].from));
        yyjson_mut_obj_add_uint(call->json, object, "to", characters(question, asking->understood.uses[u].to));
        yyjson_mut_obj_add_str(call->json, object, "as", asking->understood.uses[u].as);
    }
}

static void plan_put(struct asking *asking)
{
    struct api_call *call = asking->call;
    const struct ask_plan *plan = &asking->understood.plan;
    struct ask_chip chips[CHIPS_MAX];
    api_put_text(call, asking->answer, "reading", ask_reading(call->arena, plan, asking->zone));
    yyjson_mut_obj_add_val(call->json, asking->answer, "plan", ask_plan_json(call->json, plan));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, asking->answer, "chips");
    uint32_t count = ask_chips(call->arena, plan, asking->zone, chips);
    for (uint32_t c = 0; c < count; c++) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
        yyjson_mut_obj_add_str(call->json, object, "kind", chips[c].kind);
        api_put_text(call, object, "pointer", chips[c].pointer);
        api_put_text(call, object, "text", chips[c].text);
    }
    api_put_text(call, asking->answer, "sql", asking->sql.sql);
    yyjson_mut_val *parameters = yyjson_mut_obj_add_arr(call->json, asking->answer, "parameters");
    for (uint32_t p = 0; p < asking->sql.parameter_count; p++)
        yyjson_mut_arr_add_strncpy(call->json, parameters, (const char *)asking->sql.parameters[p].ptr,
                                   asking->sql.parameters[p].len);
    yyjson_mut_obj_add_str(call->json, asking->answer, "display", ask_display_names[plan->display]);
}

static void columns_put(struct asking *asking, const struct sql_run *run)
{
    struct api_call *call = asking->call;
    yyjson_mut_val *columns = yyjson_mut_obj_add_arr(call->json, asking->answer, "columns");
    for (uint32_t c = 0; c < run->column_count; c++) {
        char type[32];
        sql_type_name(run->columns[c].type, type);
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, columns);
        api_put_text(call, object, "name", bytes_of_text(run->columns[c].name));
        yyjson_mut_obj_add_strcpy(call->json, object, "type", type);
    }
}

/* False: it does not fit any more. */
static bool row_put(struct asking *asking, yyjson_mut_val *rows, const struct sql_run *run,
                    const struct query_chunk *chunk, uint32_t r, struct buf *text)
{
    struct api_call *call = asking->call;
    size_t before = text->len;
    yyjson_mut_val *row = yyjson_mut_arr(call->json);
    for (uint32_t c = 0; c < run->column_count; c++) {
        size_t from = text->len;
        if (!sql_put_json(text, chunk, c, run->columns[c].type, query_chunk_value(chunk, c, r))) {
            text->len = before;
            return false;
        }
        yyjson_mut_arr_append(row, yyjson_mut_rawncpy(call->json, (const char *)text->ptr + from, text->len - from));
    }
    yyjson_mut_arr_append(rows, row);
    return true;
}

static bool rows_put(struct asking *asking, struct sql_run *run, struct err *err)
{
    struct api_call *call = asking->call;
    const struct query_chunk *chunk = NULL;
    yyjson_mut_val *rows = yyjson_mut_arr(call->json);
    uint32_t count = 0;
    bool ok = true, is_cut = false;
    struct buf text;
    buf_init(&text, BYTES_MAX);
    columns_put(asking, run);
    while (!is_cut && (ok = sql_next(run, &chunk, err)) && chunk != NULL)
        for (uint32_t r = 0; !is_cut && r < query_chunk_rows(chunk); r++) {
            is_cut = count == ROWS_MAX || !row_put(asking, rows, run, chunk, r, &text);
            count += !is_cut;
        }
    buf_deinit(&text);
    yyjson_mut_obj_add_val(call->json, asking->answer, "rows", rows);
    yyjson_mut_obj_add_bool(call->json, asking->answer, "is_cut", is_cut);
    yyjson_mut_val *warnings = yyjson_mut_obj_add_arr(call->json, asking->answer, "warnings");
    const char *const *texts;
    uint32_t warning_count = ok ? query_cursor_warnings(run->cursor, &texts) : 0;
    for (uint32_t w = 0; w < warning_count; w++) yyjson_mut_arr_add_strcpy(call->json, warnings, texts[w]);
    return ok;
}

/* False: the client was told. */
static bool run(struct asking *asking)
{
    struct query_parameter parameters[ASK_PARAMETERS_MAX] = { 0 };
    struct sql_run run;
    struct err err = { 0 };
    if (!ask_sql(asking->call->arena, &asking->understood.plan, asking->zone, &asking->sql, &err)) {
        api_fail(asking->call, &err);
        return false;
    }
    for (uint32_t p = 0; p < asking->sql.parameter_count; p++) parameters[p].value = asking->sql.parameters[p];
    struct sql_query query = { .sql = asking->sql.sql,
                               .parameters = parameters,
                               .parameter_count = asking->sql.parameter_count,
                               .timeout_ms = TIMEOUT_MS,
                               .read_only = "a question only reads" };
    plan_put(asking);
    bool ok = sql_open(&run, asking->call, &query, &err) && rows_put(asking, &run, &err);
    if (!ok) {
        err.position = 0;
        sql_fail(asking->call, &err);
    }
    sql_close(&run);
    return ok;
}

void api_ask(struct api_call *call)
{
    struct asking *asking = arena_calloc(call->arena, sizeof *asking);
    *asking = (struct asking){ .call = call, .answer = yyjson_mut_obj(call->json), .begin_ns = clock_mono_ns() };
    bool ok = understand(asking);
    if (ok) {
        yyjson_mut_obj_add_bool(call->json, asking->answer, "understood", asking->understood.is_understood);
        yyjson_mut_obj_add_bool(call->json, asking->answer, "is_follow_up", asking->understood.is_follow_up);
        troubles_put(asking);
        if (asking->understood.is_understood) {
            ok = run(asking);
        } else {
            api_put_text(call, asking->answer, "reading", trouble_words(asking));
        }
    }
    if (ok) {
        yyjson_mut_obj_add_real(call->json, asking->answer, "duration_ms",
                                (double)(clock_mono_ns() - asking->begin_ns) / 1e6);
        api_answer(call, asking->answer);
    }
    zone_close(asking->zone);
}
