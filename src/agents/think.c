#include "agents/think.h"
#include "agents/collect_inside.h"
#include "base/clock.h"
#include "base/json_object.h"
#include "llm/cite.h"
#include "llm/fence.h"
#include "llm/plain.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SYSTEM_BYTES_MAX = 32 << 10,
    PROMPT_BYTES_MAX = 400 << 10,
    EVIDENCE_SAID = 12 << 10,
    ROUNDS_MAX = 24,
    MESSAGES_MAX = 200,
    OUTPUT_TOKENS = 2000,
    LEAST_MS = 2000
};

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"summary\":{\"type\":\"string\",\"maxLength\":2000},"
    "\"findings\":{\"type\":\"array\",\"maxItems\":20,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"text\":{\"type\":\"string\",\"maxLength\":1000},"
    "\"severity\":{\"type\":\"string\",\"enum\":[\"info\",\"warning\",\"critical\"]},"
    "\"evidence\":{\"type\":\"array\",\"maxItems\":10,\"items\":{\"type\":\"string\",\"maxLength\":8}}},"
    "\"required\":[\"text\",\"severity\",\"evidence\"],\"additionalProperties\":false}}},"
    "\"required\":[\"summary\",\"findings\"],\"additionalProperties\":false}";
static const char *const usable[] = { "run_sql",      "find_traces",  "error_groups", "service_health", "endpoint_list",
                                      "edge_list",    "pattern_list", "metric_list",  "attribute_list", "counts_get",
                                      "service_list", "finding_list", "search" };

struct thinking {
    struct collecting *collecting;
    struct llm *llm;
    struct thought *thought;
    struct llm_fence fence;
    struct llm_message messages[MESSAGES_MAX];
    uint32_t message_count;
    struct llm_tool tools[COUNT_OF(usable)];
    uint32_t tool_count;
    struct bytes system;
};

/* ---- what it is told ---- */

static void tools_read(struct thinking *thinking)
{
    const struct evidences *evidences = thinking->collecting->evidences;
    struct arena *arena = thinking->collecting->report->arena;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(doc), *tool;
    size_t at, count, len;
    evidences->tools->list(evidences->tools->ctx, evidences->project_id, doc, list);
    yyjson_mut_arr_foreach(list, at, count, tool)
    {
        const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "name"));
        const char *description = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "description"));
        for (size_t u = 0; name != NULL && u < COUNT_OF(usable); u++) {
            if (strcmp(usable[u], name) != 0 || thinking->tool_count == COUNT_OF(usable)) continue;
            char *parameters = yyjson_mut_val_write(yyjson_mut_obj_get(tool, "inputSchema"), 0, &len);
            thinking->tools[thinking->tool_count++] =
                (struct llm_tool){ usable[u], arena_printf(arena, "%s", description ? description : ""),
                                   arena_printf(arena, "%s", parameters ? parameters : "{\"type\":\"object\"}") };
            free(parameters);
        }
    }
    yyjson_mut_doc_free(doc);
}

static bool system_make(struct thinking *thinking, struct err *err)
{
    const struct agent *agent = thinking->collecting->agent;
    struct arena *arena = thinking->collecting->report->arena;
    struct buf system;
    buf_init(&system, SYSTEM_BYTES_MAX);
    bool ok =
        buf_printf(
            &system,
            "You look after software by its telemetry and write a short report for the people who run it. What you "
            "know of it is evidence, numbered E1, E2 and so on: answers of tools. Call tools for what is missing; "
            "each answer gets the next number. Give every finding the numbers of the evidence that it stands on. "
            "Use figures and names only as they stand in that evidence: what you would have to compute ask of "
            "run_sql. Put names into backticks. A finding that says what its evidence does not is thrown away. "
            "Write plain sentences without links. When nothing is worth a finding, give none.\n"
            "The report is about %s to %s, compared with the time before from %s.\n",
            collect_time(arena, thinking->collecting->from_unix_us),
            collect_time(arena, thinking->collecting->to_unix_us),
            collect_time(arena, thinking->collecting->before_unix_us)) &&
        llm_fence_rule(&thinking->fence, &system, err);
    for (uint32_t s = 0; ok && s < agent->services.count; s++)
        ok = buf_printf(&system, "%s`%.*s`", s == 0 ? "\nIt is about these services only: " : ", ",
                        (int)agent->services.items[s].len, (const char *)agent->services.items[s].ptr);
    for (uint32_t s = 0; ok && s < agent->metrics.count; s++)
        ok = buf_printf(&system, "%s`%.*s`", s == 0 ? "\nLook at these metrics: " : ", ",
                        (int)agent->metrics.items[s].len, (const char *)agent->metrics.items[s].ptr);
    thinking->system = arena_copy(arena, buf_bytes(&system));
    buf_deinit(&system);
    return ok || err_set(err, ERR_TOO_LARGE, "what the model is to be told is too long");
}

static bool evidence_tell(struct thinking *thinking, const struct evidence *evidence, struct buf *out, struct err *err)
{
    struct bytes answer = evidence->answer, boundary = bytes_of_text(thinking->fence.boundary);
    /* The model has seen the fence and may have asked for it to be answered. */
    if (memmem(answer.ptr, answer.len, boundary.ptr, boundary.len) != NULL) answer = BYTES("left out");
    bool ok = buf_printf(out, "%s, %s%s:\n", evidence->id, evidence->tool, evidence->is_error ? ", which failed" : "");
    return (ok || err_set(err, ERR_TOO_LARGE, "the evidence is too long for the model")) &&
           llm_fence_add(&thinking->fence, out, "answer of a tool", answer, EVIDENCE_SAID, err);
}

static bool prompt_make(struct thinking *thinking, struct err *err)
{
    const struct collecting *collecting = thinking->collecting;
    const struct agent *agent = collecting->agent;
    struct bytes texts[EVIDENCE_MAX];
    struct bytes wish =
        agent->prompt.len > 0 ? agent->prompt : BYTES("What of this do people have to know? Say it in short.");
    struct buf prompt;
    for (uint32_t e = 0; e < collecting->evidences->count; e++) texts[e] = collecting->evidences->items[e].answer;
    llm_fence_init(&thinking->fence, texts, collecting->evidences->count);
    buf_init(&prompt, PROMPT_BYTES_MAX);
    bool ok = system_make(thinking, err) &&
              (buf_printf(&prompt, "%.*s\n\nEvidence so far:\n", (int)wish.len, (const char *)wish.ptr) ||
               err_set(err, ERR_TOO_LARGE, "the prompt is too long"));
    for (uint32_t e = 0; ok && e < collecting->evidences->count; e++)
        ok = evidence_tell(thinking, &collecting->evidences->items[e], &prompt, err);
    thinking->messages[thinking->message_count++] =
        (struct llm_message){ .role = LLM_USER, .text = arena_copy(collecting->report->arena, buf_bytes(&prompt)) };
    buf_deinit(&prompt);
    return ok;
}

/* ---- what it asks ---- */

static bool is_usable(struct bytes name)
{
    for (size_t u = 0; u < COUNT_OF(usable); u++)
        if (bytes_equal(bytes_of_text(usable[u]), name)) return true;
    return false;
}

static bool call_do(struct thinking *thinking, const struct llm_call *call, struct buf *out, bool *is_error,
                    struct err *err)
{
    const struct evidence *evidence;
    struct err why = { 0 };
    yyjson_doc *doc = yyjson_read((const char *)call->arguments.ptr, call->arguments.len, 0);
    char name[65];
    snprintf(name, sizeof name, "%.*s", (int)call->name.len, (const char *)call->name.ptr);
    bool ok = is_usable(call->name) && yyjson_is_obj(yyjson_doc_get_root(doc));
    if (!ok) err_set(&why, ERR_INPUT, "there is no such tool, or its arguments are no JSON object");
    ok = ok && evidence_get(thinking->collecting->evidences, name, yyjson_doc_get_root(doc), &evidence, &why);
    yyjson_doc_free(doc);
    if (ok) {
        *is_error = evidence->is_error;
        return evidence_tell(thinking, evidence, out, err);
    }
    if (why.code == ERR_CANCELLED || why.code == ERR_CONFLICT) {
        *err = why;
        return false;
    }
    *is_error = true;
    evidence_log(thinking->collecting->evidences, "the model wanted %s: %s", name, why.text);
    return buf_printf(out, "%s", why.text) || err_set(err, ERR_TOO_LARGE, "the answer is too long");
}

static bool calls_do(struct thinking *thinking, const struct llm_answer *answer, struct err *err)
{
    struct arena *arena = thinking->collecting->report->arena;
    if (thinking->message_count + 1 + answer->call_count > MESSAGES_MAX)
        return err_set(err, ERR_QUOTA, "the model has asked too often");
    thinking->messages[thinking->message_count++] = (struct llm_message){
        .role = LLM_ASSISTANT, .text = answer->text, .calls = answer->calls, .call_count = answer->call_count
    };
    for (uint32_t c = 0; c < answer->call_count; c++) {
        struct buf out;
        bool is_error = false;
        buf_init(&out, EVIDENCE_SAID + 4096);
        bool ok = call_do(thinking, &answer->calls[c], &out, &is_error, err);
        thinking->messages[thinking->message_count++] =
            (struct llm_message){ .role = LLM_TOOL,
                                  .text = arena_copy(arena, buf_bytes(&out)),
                                  .call_id = answer->calls[c].id,
                                  .is_error = is_error };
        buf_deinit(&out);
        if (!ok) return false;
        thinking->thought->calls++;
    }
    return true;
}

/* ---- what it says ---- */

static struct bytes plain(struct arena *arena, yyjson_val *value)
{
    struct buf out;
    struct err err = { 0 };
    struct bytes text = bytes_from("", 0);
    buf_init(&out, 64 << 10);
    if (yyjson_is_str(value) && llm_plain(bytes_from(yyjson_get_str(value), yyjson_get_len(value)), &out, &err))
        text = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return text;
}

struct judged {
    struct bytes sources[2 * EVIDENCE_MAX]; /* of what was taken */
    uint32_t source_count;
};

static bool sources_of(struct thinking *thinking, yyjson_val *ids, struct bytes *sources, uint32_t *count,
                       const char **names, char why[CITE_WHY_BYTES])
{
    size_t at, max;
    yyjson_val *id;
    *count = 0;
    *names = "";
    yyjson_arr_foreach(ids, at, max, id)
    {
        struct bytes name = json_text(id);
        const struct evidence *evidence = evidence_find(thinking->collecting->evidences, name);
        if (evidence == NULL || evidence->is_error) {
            snprintf(why, CITE_WHY_BYTES, "there is no evidence \"%.*s\"", (int)name.len, (const char *)name.ptr);
            return false;
        }
        sources[(*count)++] = evidence->answer;
        sources[(*count)++] = evidence->arguments;
        *names =
            arena_printf(thinking->collecting->report->arena, "%s%s%s", *names, *count > 2 ? " " : "", evidence->id);
    }
    snprintf(why, CITE_WHY_BYTES, "it names no evidence");
    return *count > 0;
}

static void finding_judge(struct thinking *thinking, yyjson_val *finding, struct judged *judged)
{
    struct report *report = thinking->collecting->report;
    struct bytes sources[20], text = plain(report->arena, yyjson_obj_get(finding, "text"));
    uint32_t count;
    const char *names;
    char why[CITE_WHY_BYTES] = "";
    enum message_severity severity = MESSAGE_INFO;
    if (!sources_of(thinking, yyjson_obj_get(finding, "evidence"), sources, &count, &names, why) ||
        !cite_check(text, sources, count, why)) {
        thinking->thought->rejected++;
        evidence_log(thinking->collecting->evidences, "rejected: %.*s: %s", (int)(text.len < 300 ? text.len : 300),
                     (const char *)text.ptr, why);
        report_reject(report, text, why);
        return;
    }
    for (uint32_t s = 0; s < MESSAGE_SEVERITY_COUNT; s++)
        if (yyjson_equals_str(yyjson_obj_get(finding, "severity"), message_severity_names[s]))
            severity = (enum message_severity)s;
    thinking->thought->taken++;
    report_finding(report, severity, arena_printf(report->arena, "%.*s", (int)text.len, (const char *)text.ptr), names,
                   "");
    for (uint32_t s = 0; s < count && judged->source_count < COUNT_OF(judged->sources); s++)
        judged->sources[judged->source_count++] = sources[s];
}

static void answer_judge(struct thinking *thinking, struct bytes json)
{
    struct report *report = thinking->collecting->report;
    struct judged *judged = arena_calloc(report->arena, sizeof *judged);
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *finding;
    size_t at, count;
    char why[CITE_WHY_BYTES];
    yyjson_arr_foreach(yyjson_obj_get(root, "findings"), at, count, finding) finding_judge(thinking, finding, judged);
    struct bytes summary = plain(report->arena, yyjson_obj_get(root, "summary"));
    if (summary.len > 0 && cite_check(summary, judged->sources, judged->source_count, why)) {
        report_summary(report, summary, "model", thinking->thought->model);
    } else if (summary.len > 0) {
        report_reject(report, summary, why);
        evidence_log(thinking->collecting->evidences, "the model's summary is rejected: %s", why);
    }
    yyjson_doc_free(doc);
}

/* ---- rounds ---- */

static bool round_ask(struct thinking *thinking, struct llm_answer *answer, struct err *err)
{
    const struct collecting *collecting = thinking->collecting;
    struct thought *thought = thinking->thought;
    uint64_t now = clock_mono_ns();
    bool may_call =
        collecting->evidences->count < collecting->evidences->queries_max && thought->rounds + 1 < ROUNDS_MAX;
    struct llm_request request = { .project_id = collecting->evidences->project_id,
                                   .purpose = "agents",
                                   .actor = collecting->evidences->agent,
                                   .system = thinking->system,
                                   .messages = thinking->messages,
                                   .message_count = thinking->message_count,
                                   .tools = thinking->tools,
                                   .tool_count = thinking->tool_count,
                                   .tool_choice = may_call ? LLM_TOOLS_AUTO : LLM_TOOLS_NONE,
                                   .schema = schema,
                                   .schema_name = "report",
                                   .output_tokens_max = OUTPUT_TOKENS,
                                   .cancel = collecting->evidences->stops };
    if (!evidence_may(collecting->evidences, err)) return false;
    if (thought->input_tokens + thought->output_tokens >= collecting->agent->tokens_max)
        return err_set(err, ERR_QUOTA, "the run's %u tokens are used up", collecting->agent->tokens_max);
    uint64_t left_ms = (collecting->evidences->until_mono_ns - now) / 1000000;
    if (left_ms < LEAST_MS) return err_set(err, ERR_QUOTA, "the run's time is used up");
    request.total_ms_max = left_ms < LLM_TOTAL_MS ? (uint32_t)left_ms : LLM_TOTAL_MS;
    bool ok = llm_ask(thinking->llm, &request, collecting->report->arena, answer, err);
    thought->rounds++;
    thought->input_tokens += answer->input_tokens;
    thought->output_tokens += answer->output_tokens;
    thought->cost_micros += answer->cost_micros;
    thought->is_estimated = thought->is_estimated || answer->is_estimated;
    return ok;
}

static bool rounds(struct thinking *thinking, struct err *err)
{
    struct llm_answer answer;
    do {
        answer = (struct llm_answer){ 0 };
        if (!round_ask(thinking, &answer, err)) return false;
        if (answer.call_count > 0 && !calls_do(thinking, &answer, err)) return false;
    } while (answer.call_count > 0);
    answer_judge(thinking, answer.json);
    return true;
}

bool think(struct collecting *collecting, struct llm *llm, struct thought *thought, struct err *err)
{
    struct thinking *thinking = arena_calloc(collecting->report->arena, sizeof *thinking);
    bool is_there = false;
    *thought = (struct thought){ .rounds = 0 };
    *thinking = (struct thinking){ .collecting = collecting, .llm = llm, .thought = thought };
    bool ok = llm != NULL && llm_is_there(llm, collecting->evidences->project_id, &is_there, thought->model, err);
    if (ok && !is_there) ok = err_set(err, ERR_UNSUPPORTED, "the project has no language model");
    if (llm == NULL) err_set(err, ERR_UNSUPPORTED, "this process has no language model");
    if (ok) tools_read(thinking);
    ok = ok && prompt_make(thinking, err) && rounds(thinking, err);
    if (ok || (err->code != ERR_CANCELLED && err->code != ERR_CONFLICT)) {
        if (!ok) snprintf(thought->problem, sizeof thought->problem, "%.230s", err->text);
        if (!ok) evidence_log(collecting->evidences, "without the model: %s", err->text);
        return true;
    }
    return false;
}
