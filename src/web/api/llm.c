/* The language model of a project: settings, a test, what was used, what was said. */
#include "llm/llm.h"
#include "base/clock.h"
#include "base/date.h"
#include "llm/audit.h"
#include "llm/settings.h"
#include "llm/usage.h"
#include "meta/db.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/llm_put.h"
#include "web/api/people.h"
#include <math.h>
#include <stdio.h>

#define MICROS     1e6
#define PAGE_BYTES (4u << 20) /* of prompts and answers */

static const char *const says[] = { "default", "on", "off" };

/* ---- settings ---- */

void llm_put_money(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t micros)
{
    yyjson_mut_obj_add_real(call->json, object, name, (double)micros / MICROS);
}

void llm_put_budget(struct api_call *call, yyjson_mut_val *object, const struct llm_budget *budget)
{
    yyjson_mut_val *into = yyjson_mut_obj_add_obj(call->json, object, "budget");
    yyjson_mut_obj_add_sint(call->json, into, "tokens_day", budget->tokens_day);
    yyjson_mut_obj_add_sint(call->json, into, "tokens_month", budget->tokens_month);
    llm_put_money(call, into, "cost_day", budget->cost_day_micros);
    llm_put_money(call, into, "cost_month", budget->cost_month_micros);
}

static yyjson_mut_val *used_json(struct api_call *call, const struct llm_usage *usage)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "requests", usage->requests);
    yyjson_mut_obj_add_sint(call->json, object, "failures", usage->failures);
    yyjson_mut_obj_add_sint(call->json, object, "input_tokens", usage->input_tokens);
    yyjson_mut_obj_add_sint(call->json, object, "output_tokens", usage->output_tokens);
    llm_put_money(call, object, "cost", usage->cost_micros);
    return object;
}

bool llm_put_used(struct api_call *call, yyjson_mut_val *object, enum llm_payer payer, struct err *err)
{
    struct llm_usage day, month;
    if (!llm_usage_find(call->parts->db, call->project.id, payer, clock_unix_us(), &day, &month, err)) return false;
    yyjson_mut_val *used = yyjson_mut_obj_add_obj(call->json, object, "used");
    yyjson_mut_obj_add_val(call->json, used, "day", used_json(call, &day));
    yyjson_mut_obj_add_val(call->json, used, "month", used_json(call, &month));
    yyjson_mut_obj_add_sint(call->json, used, "reserved_tokens", day.reserved_tokens);
    llm_put_money(call, used, "reserved_cost", day.reserved_micros);
    return true;
}

/* What counts now, and what is used of its budget. */
static bool use_put(struct api_call *call, yyjson_mut_val *object, struct err *err)
{
    struct llm_in_use in_use;
    if (!llm_in_use(call->parts->llm, call->project.id, &in_use, err)) return false;
    if (in_use.is_there) {
        yyjson_mut_val *into = yyjson_mut_obj_add_obj(call->json, object, "in_use");
        api_put_text(call, into, "model", bytes_of_text(in_use.model));
        api_put_text(call, into, "host", bytes_of_text(in_use.host));
        yyjson_mut_obj_add_bool(call->json, into, "is_own", in_use.payer == LLM_PAYER_PROJECT);
        yyjson_mut_obj_add_bool(call->json, into, "is_kept", in_use.is_kept);
        yyjson_mut_obj_add_bool(call->json, into, "may_ask", in_use.may_ask);
        llm_put_budget(call, into, &in_use.budget);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "in_use");
        api_put_text(call, object, "problem", bytes_of_text(in_use.problem));
    }
    return llm_put_used(call, object, in_use.payer, err);
}

static void settings_answer(struct api_call *call)
{
    struct llm_settings settings;
    struct err err = { 0 };
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    if (!llm_settings_find(call->parts->llm, call->project.id, &settings, &err)) {
        api_fail(call, &err);
        return;
    }
    const struct llm_budget budget = { settings.tokens_day, settings.tokens_month, settings.cost_day_micros,
                                       settings.cost_month_micros };
    yyjson_mut_obj_add_bool(call->json, object, "is_default", !settings.is_there);
    yyjson_mut_obj_add_bool(call->json, object, "is_on", settings.is_on);
    api_put_text_or_null(call, object, "url", bytes_of_text(settings.url));
    api_put_text_or_null(call, object, "model", bytes_of_text(settings.model));
    yyjson_mut_obj_add_bool(call->json, object, "has_key", settings.has_key);
    llm_put_money(call, object, "input_price", settings.input_price_micros);
    llm_put_money(call, object, "output_price", settings.output_price_micros);
    llm_put_budget(call, object, &budget);
    yyjson_mut_obj_add_str(call->json, object, "audit", says[settings.audit]);
    yyjson_mut_obj_add_uint(call->json, object, "audit_days", settings.audit_days);
    yyjson_mut_obj_add_str(call->json, object, "ask", says[settings.ask]);
    api_put_time(call, object, "changed_at", settings.changed_unix_us);
    if (use_put(call, object, &err)) {
        api_answer(call, object);
    } else {
        api_fail(call, &err);
    }
}

void api_llm_get(struct api_call *call)
{
    settings_answer(call);
}

static int64_t money_of(const struct api_call *call, const char *name)
{
    return (int64_t)llround(yyjson_get_num(yyjson_obj_get(call->body, name)) * MICROS);
}

static enum llm_say say_of(const struct api_call *call, const char *name)
{
    struct bytes text = api_body_text(call, name);
    for (int s = LLM_SAY_ON; s <= LLM_SAY_OFF; s++)
        if (bytes_equal(text, bytes_of_text(says[s]))) return (enum llm_say)s;
    return LLM_SAY_DEFAULT;
}

struct setting {
    struct llm *llm;
    struct llm_settings settings;
    const struct bytes *key;
};

static void settings_take(struct api_call *call, struct llm_settings *settings)
{
    struct bytes url = api_body_text(call, "url"), model = api_body_text(call, "model");
    *settings = (struct llm_settings){ .project_id = call->project.id,
                                       .is_on = api_body_bool(call, "is_on", true),
                                       .input_price_micros = money_of(call, "input_price"),
                                       .output_price_micros = money_of(call, "output_price"),
                                       .tokens_day = api_body_int(call, "tokens_day", 0),
                                       .tokens_month = api_body_int(call, "tokens_month", 0),
                                       .cost_day_micros = money_of(call, "cost_day"),
                                       .cost_month_micros = money_of(call, "cost_month"),
                                       .audit_days = (uint32_t)api_body_int(call, "audit_days", 0) };
    snprintf(settings->url, sizeof settings->url, "%.*s", (int)url.len, (const char *)url.ptr);
    snprintf(settings->model, sizeof settings->model, "%.*s", (int)model.len, (const char *)model.ptr);
    settings->audit = say_of(call, "audit");
    settings->ask = say_of(call, "ask");
}

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    struct setting *setting = ctx;
    return llm_settings_put(setting->llm, session, &setting->settings, setting->key, err);
}

/* All that was said but the key. */
static struct bytes details_make(struct api_call *call)
{
    yyjson_mut_val *details = yyjson_val_mut_copy(call->json, call->body);
    if (yyjson_mut_obj_remove_key(details, "key") != NULL)
        yyjson_mut_obj_add_bool(call->json, details, "key_was_given", true);
    return people_details(call, details);
}

void api_llm_set(struct api_call *call)
{
    struct setting setting = { .llm = call->parts->llm };
    struct bytes key = api_body_text(call, "key");
    settings_take(call, &setting.settings);
    if (yyjson_obj_get(call->body, "key") != NULL) setting.key = &key;
    const char *member;
    struct err err = { 0 };
    if (!llm_settings_check(&setting.settings, setting.key, &member, &err)) {
        api_fail_at(call, arena_printf(call->arena, "/%s", member), "%s", err.text);
        return;
    }
    struct people_change change = { set_run,
                                    &setting,
                                    { .action = "llm.set",
                                      .object_kind = "project",
                                      .object = call->project.name,
                                      .project_id = &call->project.id,
                                      .details = details_make(call) } };
    if (people_transaction(call, &change)) settings_answer(call);
}

static bool clear_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct api_call *call = ctx;
    return llm_settings_remove(session, call->project.id, err);
}

void api_llm_clear(struct api_call *call)
{
    struct people_change change = { clear_run,
                                    call,
                                    { .action = "llm.clear",
                                      .object_kind = "project",
                                      .object = call->project.name,
                                      .project_id = &call->project.id } };
    if (people_transaction(call, &change)) api_answer_none(call);
}

/* ---- test ---- */

static void cancel(void *ctx)
{
    atomic_store((atomic_bool *)ctx, true);
}

/* Tells what is wrong with words of its own, of the model's server at most one line: who sets the URL could otherwise read
 * answers that are not for them. */
void api_llm_test(struct api_call *call)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\",\"maxLength\":40}},"
        "\"required\":[\"word\"],\"additionalProperties\":false}";
    const struct llm_message message = { .role = LLM_USER, .text = BYTES("Answer with the word: ready") };
    atomic_bool is_cancelled = false;
    struct llm_request request = { .project_id = call->project.id,
                                   .purpose = "test",
                                   .actor = call->actor->name,
                                   .messages = &message,
                                   .message_count = 1,
                                   .schema = schema,
                                   .output_tokens_max = 200,
                                   .total_ms_max = 30000,
                                   .temperature = -1,
                                   .cancel = &is_cancelled };
    struct llm_answer answer = { 0 };
    struct llm_in_use in_use;
    struct err err = { 0 };
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    if (!llm_in_use(call->parts->llm, call->project.id, &in_use, &err)) {
        api_fail(call, &err);
        return;
    }
    api_watch_begin(call, cancel, &is_cancelled);
    bool ok = llm_ask(call->parts->llm, &request, call->arena, &answer, &err);
    api_watch_end(call);
    yyjson_mut_obj_add_bool(call->json, object, "is_ok", ok);
    api_put_text_or_null(call, object, "model", bytes_of_text(in_use.model));
    api_put_text_or_null(call, object, "host", bytes_of_text(in_use.host));
    yyjson_mut_obj_add_uint(call->json, object, "ms", answer.total_ms);
    api_put_text_or_null(call, object, "problem", bytes_of_text(ok ? "" : err.text));
    yyjson_mut_obj_add_uint(call->json, object, "input_tokens", answer.input_tokens);
    yyjson_mut_obj_add_uint(call->json, object, "output_tokens", answer.output_tokens);
    yyjson_mut_obj_add_bool(call->json, object, "is_estimated", answer.is_estimated);
    llm_put_money(call, object, "cost", answer.cost_micros);
    api_answer(call, object);
}

/* ---- what was ---- */

struct listing {
    struct api_call *call;
    yyjson_mut_val *list;
    struct api_page *page;
    size_t bytes;
};

static bool usage_add(void *ctx, const struct llm_usage_row *row)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, listing->list);
    char day[16];
    date_text((int32_t)row->day, day);
    yyjson_mut_obj_add_strcpy(call->json, object, "day", day);
    api_put_text(call, object, "purpose", row->purpose);
    yyjson_mut_obj_add_bool(call->json, object, "is_own", row->payer == LLM_PAYER_PROJECT);
    yyjson_mut_obj_add_val(call->json, object, "used", used_json(call, &row->usage));
    return true;
}

void api_llm_usage(struct api_call *call)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t now_us = clock_unix_us(), from_us = now_us - 29 * day_us, to_us = now_us + 1;
    struct listing listing = { .call = call, .list = yyjson_mut_arr(call->json) };
    struct err err = { 0 };
    if (!api_query_time(call, "from", &from_us) || !api_query_time(call, "to", &to_us)) return;
    int64_t from = from_us > 0 ? from_us / day_us : 0, to = to_us > 0 ? (to_us + day_us - 1) / day_us : 0;
    if (!llm_usage_list(call->parts->db, call->project.id, from, to, usage_add, &listing, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, answer, "days", listing.list);
    api_answer(call, answer);
}

/* Prompts are shown as they were, for reading; answers too: who shows them shows text. */
static bool audit_add(void *ctx, const struct llm_audit_row *row)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "number", row->number);
    api_put_time(call, object, "at", row->at_unix_us);
    api_put_text(call, object, "purpose", row->purpose);
    api_put_text(call, object, "actor", row->actor);
    api_put_text(call, object, "model", row->model);
    api_put_text(call, object, "host", row->host);
    api_put_text(call, object, "prompt", row->prompt);
    yyjson_mut_obj_add_sint(call->json, object, "prompt_bytes", row->prompt_bytes);
    api_put_text(call, object, "answer", row->answer);
    yyjson_mut_obj_add_sint(call->json, object, "answer_bytes", row->answer_bytes);
    yyjson_mut_obj_add_sint(call->json, object, "input_tokens", row->input_tokens);
    yyjson_mut_obj_add_sint(call->json, object, "output_tokens", row->output_tokens);
    llm_put_money(call, object, "cost", row->cost_micros);
    yyjson_mut_obj_add_sint(call->json, object, "tries", row->tries);
    yyjson_mut_obj_add_sint(call->json, object, "ms", row->took_ms);
    if (row->failure.len > 0) {
        api_put_text(call, object, "failure", row->failure);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "failure");
    }
    struct bytes key = api_page_number(call, row->number);
    listing->bytes += row->prompt.len + row->answer.len;
    if (!api_page_add(listing->page, object, &key)) return false;
    if (listing->bytes > PAGE_BYTES) api_page_end(listing->page);
    return true;
}

void api_llm_audit(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { .call = call, .page = &page };
    struct llm_audit_filter filter = { .project_id = call->project.id,
                                       .purpose = api_query(call, "purpose"),
                                       .failures_only = api_query_bool(call, "failed") };
    struct err err = { 0 };
    if (!api_page_read(call, 1, &page)) return;
    filter.before = api_page_before(&page);
    filter.count_max = page.limit + 1;
    if (llm_audit_list(call->parts->db, &filter, audit_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}
