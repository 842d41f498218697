#include "web/api/ask_prompt.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "llm/fence.h"
#include "web/api/ask_plan.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SERVICES_SENT = 200,
    ATTRIBUTES_SENT = 120,
    ROUTES_SENT = 100,
    EXAMPLES_SENT = 8,
    ALL_SENT = 1500,
    SENT_BYTES_MAX = 80,
    ALL_BYTES_MAX = 24 << 10,
    WORDS_MAX = 64,
    DAYS_BACK = 15,
    PART_BYTES_MAX = 128 << 10
};

/* ---- what is ours ---- */

static const char rules[] =
    "You turn a question about the telemetry of programs into a plan: one JSON object by the schema. A program makes a "
    "query "
    "of the plan and shows its rows; you never write SQL and never see rows.\n"
    "When the plan can say what is asked: can_answer true, note empty or what you took for granted, in one plain "
    "sentence. "
    "When it cannot (causes, forecasts, advice, metrics, changes, what is not telemetry of this project, a name that "
    "is not "
    "among the services and fields below): can_answer false, plan null, note says why in one plain sentence. Do not "
    "guess.\n"
    "is_follow_up: the question changes the plan before; then keep of that plan all that it does not change.\n"
    "\nThe plan:\n"
    "of: requests (spans of kind server and consumer: requests, traffic, responses, calls to a service), errors (logs "
    "of level "
    "ERROR and FATAL, and spans that failed), logs, spans, queries (of databases), rows (logs and spans together).\n"
    "filters: all of them hold. values are texts; with several any of them may be it. Tests is, is_not; contains (one "
    "value, a "
    "part of the text in any case); has (no value: it is there); at_least, more, at_most, less (one number, of status, "
    "duration "
    "and attributes). Values are spelled as they are below.\n"
    "fields: service; environment; version; level (TRACE, DEBUG, INFO, WARN, ERROR, FATAL); route; method; status (of "
    "HTTP: "
    "\"500\"; 5xx is two filters: at_least 500, less 600); outcome (OK, ERROR, UNSET: a request that failed has "
    "outcome ERROR); "
    "name (of a span); kind (log, server, client, internal, producer, consumer); user; email; session; host; database, "
    "namespace, "
    "table, operation (of queries); exception (its type); message (of logs their body); trace; duration (filters: "
    "whole "
    "nanoseconds, \"500000000\" is 500 ms); and attribute:KEY and resource:KEY as they are listed below.\n"
    "measures: count; error_rate (percent of the rows whose outcome is ERROR); average, minimum, maximum, sum, "
    "percentile (of "
    "duration, which is then shown in milliseconds, or of an attribute that is a number; percentile 95 is p95); "
    "distinct (how "
    "many different values of a field). field and percentile are null where they mean nothing. \"How slow\" is "
    "percentile 95.\n"
    "display, and what goes with it:\n"
    "- number: measures, no groups, step none, limit 100, order largest.\n"
    "- table: measures and groups, step none; order largest or smallest, by the first measure; limit 10 for \"top\" "
    "and \"most\", "
    "else 1000.\n"
    "- chart: measures and a step (not none), groups are its lines; limit 100, order largest.\n"
    "- rows, a list of logs or spans: no measures, no groups, step none; order newest, oldest, largest (slowest) or "
    "smallest; limit "
    "100, of the slowest 10.\n"
    "- waterfall, traces: of spans, no measures, no groups, no filters, step none; parts: a trace has a row like each "
    "of them, with "
    "filters of its own; order newest, or largest for the slowest; limit 20, of the slowest 10.\n"
    "groups: by what it is split, at most 3. groups_are_there: true in a \"top\" (rows without the field are left "
    "out), else false.\n"
    "step: where none is said, the time by 60, rounded up to 1m, 5m, 10m, 30m, 1h, 3h, 6h, 1d.\n"
    "from (included), to (not): instants in UTC such as 2026-10-26T22:00:00Z. Days begin at the midnights listed "
    "below: take them "
    "from there. Without a time in the question: the 24 hours before now, and time_was_said false. Today ends now. "
    "\"Last week\" "
    "is Monday to Monday, \"past week\" the 7 days before now; morning is 6 to 12, afternoon 12 to 18, evening 18 to "
    "24, night "
    "22 to 6.\n"
    "before: null, or the time that it is compared with, which ends at from or earlier; never with rows and "
    "waterfall.\n"
    "parts: empty, but of waterfall. zone: the question's.\n";

static bool text_add(struct buf *out, const char *text, struct err *err)
{
    return buf_add(out, text, strlen(text)) || err_set(err, ERR_TOO_LARGE, "the question for the model is too long");
}

/* ---- times ---- */

static bool instant_add(struct buf *out, const struct zone *zone, struct zone_time day, const char *what)
{
    static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    char text[RFC3339_BYTES];
    int64_t unix_s = zone_instant(zone, day);
    struct zone_time at = zone_local(zone, unix_s);
    rfc3339_write(unix_s * 1000000, text);
    return buf_printf(out, "%s %04d-%02d-%02d%s%s: %.19sZ\n",
                      days[zone_weekday(zone_day_number(at.year, at.month, at.day))], at.year, at.month, at.day,
                      what[0] != '\0' ? " " : "", what, text);
}

static bool times_add(struct buf *out, const struct ask_prompt *of, struct err *err)
{
    char now[RFC3339_BYTES];
    struct zone_time local = zone_local(of->zone, of->now_us / 1000000);
    int offset = zone_offset_s(of->zone, of->now_us / 1000000) / 60, size = offset < 0 ? -offset : offset;
    rfc3339_write(of->now_us, now);
    bool ok =
        buf_printf(out, "Now: %.19sZ\nZone: %s\nThere it is %04d-%02d-%02d %02d:%02d%c%02d:%02d\nMidnights there:\n",
                   now, zone_name(of->zone), local.year, local.month, local.day, local.hour, local.minute,
                   offset < 0 ? '-' : '+', size / 60, size % 60);
    local.hour = local.minute = local.second = 0;
    for (int back = -1; ok && back <= DAYS_BACK; back++) {
        struct zone_time day = local;
        day.day -= back;
        ok = instant_add(out, of->zone, day,
                         back == -1  ? "tomorrow"
                         : back == 0 ? "today"
                         : back == 1 ? "yesterday"
                                     : "");
    }
    static const char *const months[] = { "this month", "last month" };
    for (int back = 0; ok && back < 2; back++) {
        struct zone_time first = local;
        first.day = 1;
        first.month -= back;
        if (first.month < 1) {
            first.month += 12;
            first.year--;
        }
        ok = instant_add(out, of->zone, first, months[back]);
    }
    return ok || err_set(err, ERR_TOO_LARGE, "the question for the model is too long");
}

/* ---- names and examples ---- */

struct sending {
    struct arena *arena;
    const struct ask_prompt *of;
    struct bytes words[WORDS_MAX]; /* of the question, in lower case */
    uint32_t word_count;
    struct sent {
        yyjson_mut_val *list;
        struct bytes text;
    } sent[ALL_SENT];
    uint32_t sent_count;
    size_t sent_bytes;
    yyjson_mut_doc *json;
};

static void words_find(struct sending *sending)
{
    struct bytes question = sending->of->question;
    uint8_t *lower = arena_alloc(sending->arena, question.len + 1);
    for (size_t i = 0; i < question.len; i++) lower[i] = (uint8_t)tolower(question.ptr[i]);
    for (size_t i = 0; i < question.len && sending->word_count < WORDS_MAX;) {
        size_t begin = i;
        while (i < question.len && (isalnum(lower[i]) || lower[i] >= 0x80)) i++;
        if (i - begin >= 3) sending->words[sending->word_count++] = bytes_from(lower + begin, i - begin);
        i += i == begin;
    }
}

static bool holds(struct bytes text, struct bytes word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        size_t k = 0;
        while (k < word.len && tolower(text.ptr[i + k]) == word.ptr[k]) k++;
        if (k == word.len) return true;
    }
    return false;
}

static bool is_related(const struct sending *sending, struct bytes text)
{
    for (uint32_t w = 0; w < sending->word_count; w++)
        if (holds(text, sending->words[w])) return true;
    return false;
}

static bool may_be_sent(struct bytes text)
{
    if (text.len == 0 || text.len > SENT_BYTES_MAX || !utf8_is_valid(text)) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return true;
}

static void text_send(struct sending *sending, yyjson_mut_val *list, uint32_t *count, uint32_t most, struct bytes text)
{
    if (*count == most || sending->sent_count == ALL_SENT || !may_be_sent(text) ||
        sending->sent_bytes + text.len > ALL_BYTES_MAX)
        return;
    for (uint32_t s = 1; s <= *count; s++) /* spans and logs have an attribute's values each */
        if (bytes_equal(sending->sent[sending->sent_count - s].text, text)) return;
    sending->sent[sending->sent_count++] = (struct sent){ list, text };
    sending->sent_bytes += text.len;
    (*count)++;
}

/* People's names, addresses and what opens their sessions are no example. */
static bool is_personal(const struct ask_field *field)
{
    static const char *const parts[] = { "user",    "email",  "phone",  "address", "session", "token",
                                         "secret",  "passw",  "cookie", "auth",    "client.", "customer",
                                         "account", "person", "header", "body",    "url.",    "query",
                                         "card",    ".ip",    "stack",  "message" };
    if (field->id == ASK_FIELD_USER || field->id == ASK_FIELD_EMAIL || field->id == ASK_FIELD_SESSION ||
        field->id == ASK_FIELD_TRACE || field->id == ASK_FIELD_MESSAGE)
        return true;
    for (size_t p = 0; field->id >= ASK_FIELD_ATTRIBUTE && p < COUNT_OF(parts); p++)
        if (holds(field->key, bytes_of_text(parts[p]))) return true;
    return false;
}

static void services_send(struct sending *sending, yyjson_mut_val *list)
{
    const struct ask_catalog *catalog = sending->of->catalog;
    uint32_t count = 0;
    for (int is_first = 1; is_first >= 0; is_first--)
        for (uint32_t s = 0; s < catalog->service_count; s++)
            if (is_related(sending, catalog->services[s]) == is_first)
                text_send(sending, list, &count, SERVICES_SENT, catalog->services[s]);
}

/* Which of the field's values, those first that the question may mean. */
static void examples_send(struct sending *sending, const struct ask_field *field, yyjson_mut_val *list)
{
    const struct ask_catalog *catalog = sending->of->catalog;
    uint32_t count = 0, most = field->id == ASK_FIELD_ROUTE ? ROUTES_SENT : EXAMPLES_SENT;
    if (is_personal(field) || sending->of->redact == NULL) return;
    for (int is_first = 1; is_first >= 0; is_first--)
        for (uint32_t v = 0; v < catalog->value_count && count < most; v++) {
            const struct ask_value *value = &catalog->values[v];
            bool is_of_it = value->field.id == field->id &&
                            (field->id < ASK_FIELD_ATTRIBUTE || bytes_equal(value->field.key, field->key));
            if (is_of_it && is_related(sending, value->text) == is_first)
                text_send(sending, list, &count, most, value->text);
        }
}

static void field_send(struct sending *sending, yyjson_mut_val *object, const struct ask_field *field)
{
    char name[ASK_FIELD_TEXT_BYTES];
    ask_field_text(field, name);
    yyjson_mut_val *list = yyjson_mut_arr(sending->json);
    yyjson_mut_obj_add(object, yyjson_mut_strcpy(sending->json, name), list);
    examples_send(sending, field, list);
}

static void fields_send(struct sending *sending, yyjson_mut_val *object)
{
    const struct ask_catalog *catalog = sending->of->catalog;
    uint32_t count = 0;
    for (enum ask_field_id id = 0; id < ASK_FIELD_ATTRIBUTE; id++)
        if (id == ASK_FIELD_ENVIRONMENT || id == ASK_FIELD_VERSION || id == ASK_FIELD_ROUTE || id == ASK_FIELD_METHOD ||
            id == ASK_FIELD_HOST || (id >= ASK_FIELD_DATABASE && id <= ASK_FIELD_EXCEPTION))
            field_send(sending, object, &(struct ask_field){ .id = id });
    for (int is_first = 1; is_first >= 0; is_first--)
        for (uint32_t a = 0; a < catalog->attribute_count && count < ATTRIBUTES_SENT; a++)
            if (is_related(sending, catalog->attributes[a].key) == is_first) {
                field_send(sending, object, &catalog->attributes[a]);
                count++;
            }
}

/* All texts as lines through the finders of secrets; those that they change are not sent. Where lines are lost, none is. */
static bool secrets_leave(struct sending *sending, struct buf *lines, struct buf *left)
{
    for (uint32_t s = 0; s < sending->sent_count; s++)
        if (!buf_add(lines, sending->sent[s].text.ptr, sending->sent[s].text.len) || !buf_add(lines, "\n", 1))
            return false;
    if (sending->sent_count == 0 || !sending->of->redact(sending->of->redact_ctx, buf_bytes(lines), left)) return false;
    uint32_t count = 0;
    for (size_t i = 0; i < left->len; i++) count += left->ptr[i] == '\n';
    return count == sending->sent_count;
}

static void lists_fill(struct sending *sending)
{
    struct buf lines, left;
    buf_init(&lines, PART_BYTES_MAX);
    buf_init(&left, 2 * PART_BYTES_MAX);
    bool can = sending->of->redact != NULL && secrets_leave(sending, &lines, &left);
    const uint8_t *at = left.ptr;
    for (uint32_t s = 0; can && s < sending->sent_count; s++) {
        struct sent *sent = &sending->sent[s];
        const uint8_t *end = memchr(at, '\n', (size_t)(left.ptr + left.len - at));
        if (bytes_equal(sent->text, bytes_from(at, (size_t)(end - at))))
            yyjson_mut_arr_add_strncpy(sending->json, sent->list, (const char *)sent->text.ptr, sent->text.len);
        at = end + 1;
    }
    buf_deinit(&lines);
    buf_deinit(&left);
}

/* With the members that the schema of replies wants to be there. */
static yyjson_mut_val *plan_json(struct sending *sending)
{
    yyjson_mut_val *plan = ask_plan_json(sending->json, sending->of->context), *measure;
    size_t i, count;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(plan, "measures"), i, count, measure)
    {
        if (yyjson_mut_obj_get(measure, "field") == NULL) yyjson_mut_obj_add_null(sending->json, measure, "field");
        if (yyjson_mut_obj_get(measure, "percentile") == NULL)
            yyjson_mut_obj_add_null(sending->json, measure, "percentile");
    }
    return plan;
}

static struct bytes json_write(struct arena *arena, const yyjson_mut_val *value)
{
    size_t len = 0;
    char *text = yyjson_mut_val_write(value, 0, &len);
    struct bytes copy = arena_copy(arena, bytes_from(text, text == NULL ? 0 : len));
    free(text);
    return copy;
}

/* ---- the prompt ---- */

enum { SERVICES, FIELDS, PLAN_BEFORE, PARTS };

static bool parts_add(struct buf *prompt, const struct llm_fence *fence, const struct bytes parts[PARTS],
                      struct err *err)
{
    static const char *const kinds[] = { "services", "fields with examples of their values", "plan before" };
    for (int p = 0; p < PARTS; p++)
        if (parts[p].len > 0 && !llm_fence_add(fence, prompt, kinds[p], parts[p], PART_BYTES_MAX, err)) return false;
    return true;
}

/* What people ask stands as a JSON text, so that it ends where it ends. */
static bool question_add(struct sending *sending, struct buf *prompt, const char *name, struct bytes text,
                         struct err *err)
{
    if (text.len == 0) return true;
    struct bytes json = json_write(sending->arena, yyjson_mut_strncpy(sending->json, (const char *)text.ptr, text.len));
    return buf_printf(prompt, "%s: %.*s\n", name, (int)json.len, (const char *)json.ptr) ||
           err_set(err, ERR_TOO_LARGE, "the question for the model is too long");
}

static bool prompt_write(struct sending *sending, struct buf *system, struct buf *prompt, struct err *err)
{
    const struct ask_prompt *of = sending->of;
    yyjson_mut_val *services = yyjson_mut_arr(sending->json), *fields = yyjson_mut_obj(sending->json);
    struct llm_fence fence;
    struct bytes parts[PARTS + 2] = { [PARTS] = of->question, [PARTS + 1] = of->question_before };
    words_find(sending);
    services_send(sending, services);
    fields_send(sending, fields);
    lists_fill(sending);
    parts[SERVICES] = json_write(sending->arena, services);
    parts[FIELDS] = json_write(sending->arena, fields);
    if (of->context != NULL) parts[PLAN_BEFORE] = json_write(sending->arena, plan_json(sending));
    llm_fence_init(&fence, parts, COUNT_OF(parts));
    return text_add(system, rules, err) && llm_fence_rule(&fence, system, err) && times_add(prompt, of, err) &&
           parts_add(prompt, &fence, parts, err) &&
           question_add(sending, prompt, "Question before", of->question_before, err) &&
           question_add(sending, prompt, "Question", of->question, err);
}

bool ask_prompt_make(struct arena *arena, const struct ask_prompt *of, struct buf *system, struct buf *prompt,
                     struct err *err)
{
    struct sending *sending = arena_calloc(arena, sizeof *sending);
    sending->arena = arena;
    sending->of = of;
    sending->json = yyjson_mut_doc_new(NULL);
    bool ok = prompt_write(sending, system, prompt, err);
    yyjson_mut_doc_free(sending->json);
    return ok;
}
