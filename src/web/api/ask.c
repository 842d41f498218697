/* Questions in plain English: understood by the grammar or, where that does not, by a language model; a plan either way, then one
 * statement behind the same gate as all. */
#include "ask/ask.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "web/api/ask_catalog.h"
#include "web/api/ask_model.h"
#include "web/api/ask_plan.h"
#include "web/api/ask_prompt.h"
#include "web/api/handlers.h"
#include "web/api/sql_run.h"
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 30000, ROWS_MAX = 5000, BYTES_MAX = 4 << 20, CHIPS_MAX = 64 };

enum asking_by { BY_AUTO, BY_EMBEDDED, BY_MODEL };

/* What a plan came to. */
struct asked_rows {
    struct ask_sql sql;
    yyjson_mut_val *columns, *rows, *warnings;
    const char *answered_from;
    bool is_cut, is_empty;
};
struct asking {
    struct api_call *call;
    struct zone *zone;       /* of the question */
    struct zone *plans_zone; /* of the plan that is answered; NULL: the same */
    int64_t now_us;
    enum asking_by by;
    bool has_plan; /* of the client */
    struct ask_catalog catalog;
    struct ask_plan context;
    bool has_context;
    struct ask_understood understood;
    struct ask_model model;
    struct asked_rows rows;
    bool is_models; /* plan and rows are */
    yyjson_mut_val *answer;
    uint64_t begin_ns;
};

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
    bool has_plan = asking->has_plan = yyjson_is_obj(yyjson_obj_get(call->body, "plan"));
    bool has_context = asking->has_context = yyjson_is_obj(yyjson_obj_get(call->body, "context"));
    struct bytes by = api_body_text(call, "translator");
    asking->by = bytes_equal(by, BYTES("model"))      ? BY_MODEL
                 : bytes_equal(by, BYTES("embedded")) ? BY_EMBEDDED
                                                      : BY_AUTO;
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
    if (!ask_catalog_read(call, asking->now_us, &asking->catalog, &err)) return (api_fail(call, &err), false);
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
    for (uint32_t t = 0; t < asking->understood.trouble_count && !asking->is_models; t++) {
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
    for (uint32_t u = 0; u < asking->understood.use_count && !asking->is_models; u++) {
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
    const struct zone *zone = asking->plans_zone != NULL ? asking->plans_zone : asking->zone;
    const struct asked_rows *rows = &asking->rows;
    struct ask_chip chips[CHIPS_MAX];
    api_put_text(call, asking->answer, "reading", ask_reading(call->arena, plan, zone));
    yyjson_mut_obj_add_val(call->json, asking->answer, "plan", ask_plan_json(call->json, plan));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, asking->answer, "chips");
    uint32_t count = ask_chips(call->arena, plan, zone, chips);
    for (uint32_t c = 0; c < count; c++) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
        yyjson_mut_obj_add_str(call->json, object, "kind", chips[c].kind);
        api_put_text(call, object, "pointer", chips[c].pointer);
        api_put_text(call, object, "text", chips[c].text);
    }
    api_put_text(call, asking->answer, "sql", rows->sql.sql);
    yyjson_mut_val *parameters = yyjson_mut_obj_add_arr(call->json, asking->answer, "parameters");
    for (uint32_t p = 0; p < rows->sql.parameter_count; p++)
        yyjson_mut_arr_add_strncpy(call->json, parameters, (const char *)rows->sql.parameters[p].ptr,
                                   rows->sql.parameters[p].len);
    yyjson_mut_obj_add_str(call->json, asking->answer, "display", ask_display_names[plan->display]);
    yyjson_mut_obj_add_val(call->json, asking->answer, "columns", rows->columns);
    yyjson_mut_obj_add_val(call->json, asking->answer, "rows", rows->rows);
    yyjson_mut_obj_add_bool(call->json, asking->answer, "is_cut", rows->is_cut);
    yyjson_mut_obj_add_str(call->json, asking->answer, "answered_from", rows->answered_from);
    yyjson_mut_obj_add_val(call->json, asking->answer, "warnings", rows->warnings);
}

/* ---- rows ---- */

static yyjson_mut_val *columns_json(struct api_call *call, const struct sql_run *run)
{
    yyjson_mut_val *columns = yyjson_mut_arr(call->json);
    for (uint32_t c = 0; c < run->column_count; c++) {
        char type[32];
        sql_type_name(run->columns[c].type, type);
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, columns);
        api_put_text(call, object, "name", bytes_of_text(run->columns[c].name));
        yyjson_mut_obj_add_strcpy(call->json, object, "type", type);
    }
    return columns;
}

/* False: it does not fit any more. */
static bool row_put(struct api_call *call, yyjson_mut_val *rows, const struct sql_run *run,
                    const struct query_chunk *chunk, uint32_t r, struct buf *text)
{
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

/* No rows; a number that counts nothing, or is of nothing, is as empty. */
static bool is_empty(const struct ask_plan *plan, yyjson_mut_val *rows)
{
    bool counts = true;
    yyjson_mut_val *one;
    size_t i, count;
    if (yyjson_mut_arr_size(rows) == 0) return true;
    if (plan->display != ASK_SHOW_NUMBER) return false;
    for (uint32_t m = 0; m < plan->measure_count; m++)
        counts = counts && (plan->measures[m].kind == ASK_COUNT || plan->measures[m].kind == ASK_DISTINCT);
    yyjson_mut_arr_foreach(yyjson_mut_arr_get_first(rows), i, count, one)
    {
        struct bytes text = bytes_from(yyjson_mut_get_raw(one), yyjson_mut_get_len(one));
        if (!bytes_equal(text, BYTES("null")) && !(counts && bytes_equal(text, BYTES("0")))) return false;
    }
    return true;
}

static bool rows_read(struct api_call *call, struct sql_run *run, struct asked_rows *rows, struct err *err)
{
    const struct query_chunk *chunk = NULL;
    uint32_t count = 0;
    bool ok = true;
    struct buf text;
    buf_init(&text, BYTES_MAX);
    rows->columns = columns_json(call, run);
    rows->rows = yyjson_mut_arr(call->json);
    rows->warnings = yyjson_mut_arr(call->json);
    while (!rows->is_cut && (ok = sql_next(run, &chunk, err)) && chunk != NULL)
        for (uint32_t r = 0; !rows->is_cut && r < query_chunk_rows(chunk); r++) {
            rows->is_cut = count == ROWS_MAX || !row_put(call, rows->rows, run, chunk, r, &text);
            count += !rows->is_cut;
        }
    buf_deinit(&text);
    const char *const *texts;
    uint32_t warning_count = ok ? query_cursor_warnings(run->cursor, &texts) : 0;
    for (uint32_t w = 0; w < warning_count; w++) yyjson_mut_arr_add_strcpy(call->json, rows->warnings, texts[w]);
    return ok;
}

static bool run(struct api_call *call, const struct ask_plan *plan, const struct zone *zone, struct asked_rows *rows,
                struct err *err)
{
    struct query_parameter parameters[ASK_PARAMETERS_MAX] = { 0 };
    struct sql_run run;
    *rows = (struct asked_rows){ 0 };
    if (!ask_sql(call->arena, plan, zone, &rows->sql, err)) return false;
    for (uint32_t p = 0; p < rows->sql.parameter_count; p++) parameters[p].value = rows->sql.parameters[p];
    struct sql_query query = { .sql = rows->sql.sql,
                               .parameters = parameters,
                               .parameter_count = rows->sql.parameter_count,
                               .timeout_ms = TIMEOUT_MS,
                               .read_only = "a question only reads" };
    bool ok = sql_open(&run, call, &query, err) && rows_read(call, &run, rows, err);
    if (!ok) err->position = 0;
    if (ok) rows->answered_from = sql_answered_from(&run);
    sql_close(&run);
    rows->is_empty = ok && is_empty(plan, rows->rows);
    return ok;
}

/* ---- by the model ---- */

/* A plan of the model and its rows, to be kept when the second round gives no better. */
struct models_try {
    struct ask_reply reply;
    struct asked_rows rows;
    struct zone *zone;
};

/* What may go to the model of a failure: whose text, which may show data, stays here. */
static struct bytes failure_words(struct arena *arena, const struct err *err)
{
    return bytes_of_text(
        arena_printf(arena,
                     "The plan could not be run (%s). Give a simpler plan that asks the same, or can_answer false.",
                     err->code == ERR_TIMEOUT ? "it took too long" : "its query failed"));
}

static bool try_run(struct asking *asking, struct models_try *try, struct err *err)
{
    zone_close(try->zone);
    try->zone = NULL;
    return zone_open(&try->zone, try->reply.plan.zone, err) &&
           run(asking->call, &try->reply.plan, try->zone, &try->rows, err);
}

static void try_take(struct asking *asking, struct models_try *try)
{
    asking->is_models = true;
    asking->understood.is_understood = true;
    asking->understood.is_follow_up = try->reply.is_follow_up;
    asking->understood.plan = try->reply.plan;
    asking->rows = try->rows;
    asking->plans_zone = try->zone;
    try->zone = NULL;
}

/* At most two rounds; then the plan and its rows are the answer, or model.why_not says why they are not. */
static void ask_the_model(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct models_try *tries = arena_calloc(call->arena, ASK_ROUNDS_MAX * sizeof *tries), *best = NULL;
    const struct ask_prompt prompt = { .question = api_body_text(call, "question"),
                                       .question_before = api_body_text(call, "context_question"),
                                       .zone = asking->zone,
                                       .now_us = asking->now_us,
                                       .catalog = &asking->catalog,
                                       .context = asking->has_context ? &asking->context : NULL };
    struct bytes again = { 0 }, said = { 0 };
    for (uint32_t round = 0; round < ASK_ROUNDS_MAX; round++) {
        struct models_try *try = &tries[round];
        struct err err = { 0 };
        enum ask_round came = ask_model_round(&asking->model, &prompt, again, &try->reply, &err);
        if (came == ASK_ROUND_OVER || (best != NULL && bytes_equal(said, asking->model.said)))
            break; /* it stays with it */
        said = asking->model.said;
        if (came == ASK_ROUND_PLAN && try_run(asking, try, &err)) {
            best = best == NULL || !try->rows.is_empty ?
            try : best
                ;
            if (!try->rows.is_empty) break;
            again = BYTES(
                "The plan holds, and has no rows. If a name, a value, a field or a time of it may be wrong, give a "
                "better plan; if it is right, give it again as it is.");
        } else if (came == ASK_ROUND_PLAN) {
            again = failure_words(call->arena, &err);
            ask_model_fail(&asking->model, ASK_WHY_NOT_UNUSABLE, "the model's plan could not be run");
        } else {
            again = bytes_of_text(
                arena_printf(call->arena, "That was not right: %s. Give the whole answer again.", err.text));
            ask_model_fail(&asking->model, ASK_WHY_NOT_UNUSABLE,
                           arena_printf(call->arena, "the model's plan does not hold: %s", err.text));
        }
    }
    if (best != NULL) {
        asking->model.why_not = ASK_WHY_NOT_NOTHING;
        asking->model.problem = (struct bytes){ 0 };
        asking->model.note = best->reply.note;
        try_take(asking, best);
    }
    for (uint32_t t = 0; t < ASK_ROUNDS_MAX; t++) zone_close(tries[t].zone);
    ask_model_close(&asking->model);
}

/* ---- the answer ---- */

static void answer_make(struct asking *asking)
{
    struct api_call *call = asking->call;
    struct err err = { 0 };
    yyjson_mut_val *model = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_bool(call->json, asking->answer, "understood", asking->understood.is_understood);
    yyjson_mut_obj_add_str(call->json, asking->answer, "translator",
                           asking->has_plan    ? "client"
                           : asking->is_models ? "model"
                                               : "embedded");
    yyjson_mut_obj_add_bool(call->json, asking->answer, "is_follow_up", asking->understood.is_follow_up);
    troubles_put(asking);
    if (asking->understood.is_understood) {
        plan_put(asking);
    } else {
        api_put_text(call, asking->answer, "reading", trouble_words(asking));
    }
    if (!ask_model_json(&asking->model, model, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_obj_add_val(call->json, asking->answer, "model", model);
    yyjson_mut_obj_add_real(call->json, asking->answer, "duration_ms",
                            (double)(clock_mono_ns() - asking->begin_ns) / 1e6);
    api_answer(call, asking->answer);
}

void api_ask(struct api_call *call)
{
    struct asking *asking = arena_calloc(call->arena, sizeof *asking);
    struct err err = { 0 };
    *asking = (struct asking){ .call = call, .answer = yyjson_mut_obj(call->json), .begin_ns = clock_mono_ns() };
    bool ok = understand(asking) && ask_model_open(&asking->model, call);
    bool is_for_model = ok && !asking->has_plan &&
                        (asking->by == BY_MODEL || (asking->by == BY_AUTO && !asking->understood.is_understood));
    if (is_for_model && ask_model_may(&asking->model)) ask_the_model(asking);
    if (ok && asking->understood.is_understood && !asking->is_models) {
        ok = run(call, &asking->understood.plan, asking->zone, &asking->rows, &err);
        if (!ok) sql_fail(call, &err);
    }
    if (ok) answer_make(asking);
    zone_close(asking->zone);
    zone_close(asking->plans_zone);
}
