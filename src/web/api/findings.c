/* What detection found: a list, and one. */
#include "base/clock.h"
#include "findings/finding_account.h"
#include "findings/finding_past.h"
#include "incidents/incident_store.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"

/* Ids of templates, of what were elements of `hashes`. */
static void patterns_put(struct api_call *call, yyjson_mut_val *object, struct bytes elements)
{
    static const size_t head = sizeof "pat:" - 1, each = sizeof "pat:" - 1 + UUID_TEXT_BYTES;
    yyjson_mut_val *ids = yyjson_mut_obj_add_arr(call->json, object, "patterns");
    for (size_t at = 0; at + each <= elements.len; at += each + 1)
        yyjson_mut_arr_add_strncpy(call->json, ids, (const char *)elements.ptr + at + head, UUID_TEXT_BYTES);
}

static yyjson_mut_val *finding_json(struct api_call *call, const struct finding *finding)
{
    yyjson_mut_doc *json = call->json;
    yyjson_mut_val *object = yyjson_mut_obj(json);
    yyjson_mut_obj_add_sint(json, object, "number", finding->number);
    yyjson_mut_obj_add_str(json, object, "kind", detect_kind_name(finding->kind));
    yyjson_mut_obj_add_bool(json, object, "is_up", finding->is_up);
    api_put_text(call, object, "title", bytes_of_text(finding_title(call->arena, finding)));
    api_put_text(call, object, "text", bytes_of_text(finding_text(call->arena, finding)));
    api_put_text_or_null(call, object, "service", finding->service);
    api_put_text_or_null(call, object, "row_kind", finding->row_kind);
    bool is_of_patterns = finding->kind == DETECT_NEW_PATTERN, is_of_metric = finding->kind == DETECT_METRIC;
    api_put_text_or_null(call, object, "endpoint", is_of_patterns || is_of_metric ? BYTES("") : finding->endpoint);
    int64_t issue = 0;
    bool is_of_issue = finding->kind == DETECT_NEW_ERROR && api_page_number_read(finding->method, &issue);
    api_put_text_or_null(call, object, "method",
                         is_of_issue || is_of_patterns || is_of_metric ? BYTES("") : finding->method);
    api_put_text_or_null(call, object, "route", is_of_metric ? BYTES("") : finding->route);
    yyjson_mut_obj_add_str(json, object, "severity", incident_severity_names[finding->severity]);
    api_put_time(call, object, "since", finding->begin_unix_us);
    api_put_time(call, object, "found_at", finding->found_unix_us);
    api_put_time(call, object, "ended_at", finding->end_unix_us);
    yyjson_mut_obj_add_bool(json, object, "is_accepted", finding->is_accepted);
    yyjson_mut_obj_add_sint(json, object, "window_minutes", finding->window_minutes);
    yyjson_mut_obj_add_real(json, object, "value", finding->value);
    yyjson_mut_obj_add_real(json, object, "expected", finding->expected);
    yyjson_mut_obj_add_real(json, object, "low", finding->low);
    yyjson_mut_obj_add_real(json, object, "high", finding->high);
    yyjson_mut_obj_add_real(json, object, "effect", finding->effect);
    yyjson_mut_obj_add_real(json, object, "z", finding->z);
    yyjson_mut_obj_add_real(json, object, "rows", finding->rows);
    yyjson_mut_obj_add_real(json, object, "breadth", finding->weight.breadth);
    bool has_objective = finding->weight.objective > 0;
    yyjson_mut_obj_add_val(json, object, "burn",
                           has_objective ? yyjson_mut_real(json, finding->weight.burn) : yyjson_mut_null(json));
    yyjson_mut_obj_add_val(json, object, "objective",
                           has_objective ? yyjson_mut_real(json, finding->weight.objective * 100)
                                         : yyjson_mut_null(json));
    if (finding->incident > 0)
        yyjson_mut_obj_add_sint(json, object, "incident", finding->incident);
    else
        yyjson_mut_obj_add_null(json, object, "incident");
    if (is_of_issue)
        yyjson_mut_obj_add_sint(json, object, "issue", issue);
    else
        yyjson_mut_obj_add_null(json, object, "issue");
    if (is_of_patterns)
        patterns_put(call, object, finding->endpoint);
    else
        yyjson_mut_obj_add_null(json, object, "patterns");
    api_put_text_or_null(call, object, "metric", is_of_metric ? finding->route : BYTES(""));
    api_put_text_or_null(call, object, "cause", finding->cause);
    api_put_text(call, object, "statement", bytes_of_text(finding_sql(call->arena, finding)));
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool finding_add(void *ctx, const struct finding *finding)
{
    struct listing *listing = ctx;
    const struct bytes keys[] = { api_page_number(listing->call, finding->number) };
    return api_page_add(listing->page, finding_json(listing->call, finding), keys);
}

void api_finding_list(struct api_call *call)
{
    struct api_page page;
    struct err err = { 0 };
    struct finding_filter filter = { .service = api_query(call, "service"),
                                     .is_open = bytes_equal(api_query(call, "open"), BYTES("true")) };
    if (!api_page_read(call, 1, &page) || !api_query_time(call, "from", &filter.from_unix_us) ||
        !api_query_time(call, "to", &filter.to_unix_us))
        return;
    filter.before = api_page_before(&page);
    filter.limit = page.limit + 1;
    struct listing listing = { call, &page };
    if (finding_list(call->parts->db, call->project.id, call->arena, &filter, finding_add, &listing, &err))
        api_page_answer(call, &page);
    else
        api_fail(call, &err);
}

/* As they are stored: finding_causes.h has the form. */
static yyjson_mut_val *with_causes(struct api_call *call, int64_t number, yyjson_mut_val *object)
{
    struct finding_explained explained;
    struct err err = { 0 };
    if (!finding_explained_find(call->parts->db, call->project.id, number, call->arena, &explained, &err))
        return object; /* the finding itself is there */
    yyjson_doc *doc = yyjson_read((const char *)explained.content.ptr, explained.content.len, 0);
    if (doc)
        yyjson_mut_obj_add_val(call->json, object, "causes", yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc)));
    else
        yyjson_mut_obj_add_null(call->json, object, "causes");
    yyjson_doc_free(doc);
    return object;
}

static yyjson_mut_val *with_account(struct api_call *call, int64_t number, yyjson_mut_val *object)
{
    struct finding_account account;
    struct err err = { 0 };
    if (!finding_account_find(call->parts->db, call->project.id, number, call->arena, &account, &err)) return object;
    yyjson_doc *doc = yyjson_read((const char *)account.content.ptr, account.content.len, 0);
    if (!doc) {
        yyjson_mut_obj_add_null(call->json, object, "account");
        return object;
    }
    yyjson_mut_val *made = yyjson_mut_obj_add_obj(call->json, object, "account");
    api_put_text(call, made, "model", account.model);
    api_put_time(call, made, "asked_at", account.asked_unix_us);
    yyjson_mut_obj_add_val(call->json, made, "sentences", yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
    return object;
}

void api_finding_get(struct api_call *call)
{
    int64_t number;
    struct finding finding;
    struct err err = { 0 };
    bool is_there = false;
    if (!api_page_number_read(api_path(call, "finding"), &number) ||
        (finding_find(call->parts->db, call->project.id, call->arena, number, &finding, &is_there, &err) && !is_there))
        api_fail_with(call, ERR_NOT_FOUND, "the project has no such finding");
    else if (!is_there)
        api_fail(call, &err);
    else
        api_answer(call, with_account(call, number, with_causes(call, number, finding_json(call, &finding))));
}

/* ---- computed anew ---- */

enum { LEARN_HOURS = 192, RANGE_DAYS_MAX = 31 };
#define HOUR_US     INT64_C(3600000000)
#define PAST_BUDGET INT64_C(60000000)

static bool client_waits(void *ctx)
{
    return !api_is_gone(ctx);
}

void api_detection_past(struct api_call *call)
{
    struct finding_past_range range = {
        .service = api_query(call, "service"), .budget_us = PAST_BUDGET, .goes_on = client_waits, .ctx = call
    };
    struct finding_past past;
    struct err err = { 0 };
    int64_t now_us = clock_unix_us();
    if (!api_query_range(call, now_us, 24 * HOUR_US, &range.from_unix_us, &range.to_unix_us)) return;
    if (range.to_unix_us > now_us - WATCH_DELAY_US) range.to_unix_us = now_us - WATCH_DELAY_US;
    if (range.to_unix_us <= range.from_unix_us) {
        api_fail_at(call, "?from", "of that time not all rows have come: the last three minutes are not looked at");
        return;
    }
    if (range.to_unix_us - range.from_unix_us > RANGE_DAYS_MAX * 24 * HOUR_US) {
        api_fail_at(call, "?from", "a range has at most %d days: ask for one after the other", RANGE_DAYS_MAX);
        return;
    }
    range.learn_us = api_query_int(call, "learn_hours", LEARN_HOURS) * HOUR_US;
    if (!finding_past_look(call->parts->db, call->project.id, &range, call->arena, &past, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    api_put_time(call, answer, "from", range.from_unix_us);
    api_put_time(call, answer, "to", range.to_unix_us);
    api_put_time(call, answer, "learned_from", range.from_unix_us - range.learn_us);
    api_put_time(call, answer, "reached", past.reached_unix_us);
    yyjson_mut_obj_add_bool(call->json, answer, "is_cut", past.reached_unix_us < range.to_unix_us);
    yyjson_mut_obj_add_uint(call->json, answer, "series", past.series);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(call->json, answer, "items");
    const struct finding *findings = past.findings.items;
    for (uint32_t f = 0; f < past.findings.count; f++) yyjson_mut_arr_append(items, finding_json(call, &findings[f]));
    api_answer(call, answer);
}
